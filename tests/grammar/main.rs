//! The printed grammars derive only texts without syntax errors: random sentences of each are parsed. They
//! derive all that people write: the examples, put into the strict form that the head of a grammar describes,
//! are sentences.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::arithmetic_side_effects,
    reason = "test code"
)]

mod strict;

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use swarmc::grammar::diagnostic::Severity;
use swarmc::grammar::parse;
use swarmc::grammar::span::FileId;

/// Sentences of each notation. A release run can have more: SWARM_SENTENCES=100000.
fn sentences() -> u64 {
    std::env::var("SWARM_SENTENCES").ok().and_then(|count| count.parse().ok()).unwrap_or(1_500)
}

fn printed(format: &str) -> String {
    let output =
        Command::new(env!("CARGO_BIN_EXE_swarmc")).args(["grammar", "--format", format]).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    String::from_utf8(output.stdout).unwrap()
}

/// What a rule stands for, as both notations print it.
#[derive(Debug, Clone)]
enum Shape {
    Literal(String),
    Class(Vec<char>),
    Rule(String),
    Sequence(Vec<Shape>),
    Choice(Vec<Shape>),
    /// From none, up to one or many.
    Optional(Box<Shape>),
    Repeat(Box<Shape>),
    /// At least once.
    Several(Box<Shape>),
}

struct Reader<'t> {
    text: std::iter::Peekable<std::str::Chars<'t>>,
}

impl Reader<'_> {
    fn blanks(&mut self) {
        while self.text.next_if(|c| c.is_whitespace()).is_some() {}
    }

    fn choice(&mut self) -> Shape {
        let mut ways = vec![self.sequence()];
        while self.text.next_if_eq(&'|').is_some() {
            ways.push(self.sequence());
        }
        if ways.len() == 1 { ways.remove(0) } else { Shape::Choice(ways) }
    }

    fn sequence(&mut self) -> Shape {
        let mut all = Vec::new();
        loop {
            self.blanks();
            let one = match self.text.peek().copied() {
                None | Some(')' | '|') => return Shape::Sequence(all),
                Some('"') => self.literal(),
                Some('[') => self.class(),
                Some('(') => {
                    self.text.next();
                    let inner = self.choice();
                    assert_eq!(self.text.next(), Some(')'));
                    inner
                }
                Some(_) => {
                    let mut name = String::new();
                    while let Some(c) = self.text.next_if(|c| c.is_ascii_alphanumeric() || "-_".contains(*c))
                    {
                        name.push(c);
                    }
                    assert!(!name.is_empty(), "{:?}", self.text.clone().take(20).collect::<String>());
                    Shape::Rule(name)
                }
            };
            all.push(match self.text.peek() {
                Some('?') => Shape::Optional(Box::new(one)),
                Some('*') => Shape::Repeat(Box::new(one)),
                Some('+') => Shape::Several(Box::new(one)),
                _ => {
                    all.push(one);
                    continue;
                }
            });
            self.text.next();
        }
    }

    fn escaped(&mut self) -> Option<char> {
        match self.text.next()? {
            '\\' => Some(match self.text.next()? {
                'n' => '\n',
                't' => '\t',
                other => other,
            }),
            other => Some(other),
        }
    }

    fn literal(&mut self) -> Shape {
        self.text.next();
        let mut text = String::new();
        while self.text.next_if_eq(&'"').is_none() {
            text.push(self.escaped().unwrap());
        }
        Shape::Literal(text)
    }

    fn class(&mut self) -> Shape {
        self.text.next();
        let negated = self.text.next_if_eq(&'^').is_some();
        let mut listed: Vec<char> = Vec::new();
        while self.text.next_if_eq(&']').is_none() {
            let c = self.escaped().unwrap();
            if c == '-' && !listed.is_empty() && self.text.peek() != Some(&']') {
                let end = self.escaped().unwrap();
                let start = listed.pop().unwrap();
                listed.extend(start..=end);
            } else {
                listed.push(c);
            }
        }
        let printable = (' '..='~').chain(['ü', '日']);
        Shape::Class(if negated { printable.filter(|c| !listed.contains(c)).collect() } else { listed })
    }
}

/// The rules of a Lark grammar; its terminals are regular expressions.
fn read_lark(text: &str) -> BTreeMap<String, Shape> {
    let mut rules = BTreeMap::new();
    let bodies = text.replace("\n  | ", " | ");
    for line in bodies.lines().filter(|line| !line.starts_with("//") && !line.starts_with('%')) {
        let Some((name, body)) = line.split_once(':') else { continue };
        let name = name.trim().to_owned();
        let body = body.trim();
        let shape = match body.strip_prefix('/').and_then(|body| body.strip_suffix('/')) {
            Some(pattern) => Pattern { text: pattern.chars().peekable(), terminal: &name }.choice(),
            None => Reader { text: body.chars().peekable() }.choice(),
        };
        rules.insert(name, shape);
    }
    rules
}

/// A regular expression, as far as the grammar uses them.
struct Pattern<'t> {
    text: std::iter::Peekable<std::str::Chars<'t>>,
    terminal: &'t str,
}

impl Pattern<'_> {
    fn choice(&mut self) -> Shape {
        let mut ways = vec![self.sequence()];
        while self.text.next_if_eq(&'|').is_some() {
            ways.push(self.sequence());
        }
        if ways.len() == 1 { ways.remove(0) } else { Shape::Choice(ways) }
    }

    fn sequence(&mut self) -> Shape {
        let mut all = Vec::new();
        loop {
            let one = match self.text.peek().copied() {
                None | Some(')' | '|') => return Shape::Sequence(all),
                Some('[') => {
                    let rest: String = self.text.clone().collect();
                    let mut reader = Reader { text: rest.chars().peekable() };
                    let class = reader.class();
                    let read = rest.chars().count() - reader.text.count();
                    self.text.by_ref().take(read).for_each(drop);
                    class
                }
                Some('(') => {
                    self.text.next();
                    if self.text.peek() == Some(&'?') {
                        self.ahead();
                        // No keyword: in a terminal of its own the writer sees to that.
                        if !matches!(self.terminal, "NAME" | "IDENTIFIER") {
                            self.text.by_ref().take("[A-Za-z_][A-Za-z0-9_]*".len()).for_each(drop);
                            all.push(Shape::Rule("IDENTIFIER".to_owned()));
                        }
                        continue;
                    }
                    let inner = self.choice();
                    assert_eq!(self.text.next(), Some(')'));
                    inner
                }
                Some('\\') => {
                    self.text.next();
                    Shape::Literal(match self.text.next().unwrap() {
                        'n' => "\n".to_owned(),
                        'r' => "\r".to_owned(),
                        't' => "\t".to_owned(),
                        other => other.to_string(),
                    })
                }
                Some(other) => {
                    self.text.next();
                    Shape::Literal(other.to_string())
                }
            };
            all.push(match self.text.peek() {
                Some('?') => Shape::Optional(Box::new(one)),
                Some('*') => Shape::Repeat(Box::new(one)),
                Some('+') => Shape::Several(Box::new(one)),
                _ => {
                    all.push(one);
                    continue;
                }
            });
            self.text.next();
        }
    }

    /// `?!(?i:…)\b)`
    fn ahead(&mut self) {
        let mut depth = 1;
        while depth > 0 {
            match self.text.next().unwrap() {
                '(' => depth += 1,
                ')' => depth -= 1,
                _ => {}
            }
        }
    }
}

fn read(text: &str) -> BTreeMap<String, Shape> {
    let mut rules: Vec<(String, String)> = Vec::new();
    for line in text.lines().filter(|line| !line.starts_with('#') && !line.starts_with("/*")) {
        match line.split_once("::=") {
            Some((name, rest)) if !line.starts_with(' ') => {
                rules.push((name.trim().to_owned(), rest.to_owned()));
            }
            _ => {
                if let Some((_, rule)) = rules.last_mut() {
                    rule.push_str(line);
                }
            }
        }
    }
    let shape = |text: &str| Reader { text: text.chars().peekable() }.choice();
    rules.iter().map(|(name, text)| (name.clone(), shape(text))).collect()
}

/// splitmix64
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % end as u64).unwrap()
    }
}

struct Writer<'g> {
    rules: &'g BTreeMap<String, Shape>,
    /// How deep each rule has to go at least.
    depths: BTreeMap<&'g str, usize>,
    /// Rules that are tokens, where the grammar says nothing about gaps.
    tokens: &'g [&'g str],
    /// Words that are no names.
    keywords: Vec<&'g str>,
    random: Random,
    text: String,
    inside_token: bool,
}

const NEVER: usize = usize::MAX / 2;

impl<'g> Writer<'g> {
    fn new(
        rules: &'g BTreeMap<String, Shape>,
        tokens: &'g [&'g str],
        grammar: &'g str,
        seed: u64,
    ) -> Writer<'g> {
        let lists = grammar.lines().filter(|line| line.starts_with("/* Never"));
        let listed = lists.filter_map(|line| line.split_once(": ")).flat_map(|(_, words)| words.split(' '));
        // Lark's terminals exclude them by looking ahead.
        let ahead = grammar.lines().filter_map(|line| line.split_once("(?!(?i:")?.1.split_once(')'));
        let keywords = listed.chain(ahead.flat_map(|(words, _)| words.split('|'))).collect();
        let mut depths: BTreeMap<&str, usize> = rules.keys().map(|name| (name.as_str(), NEVER)).collect();
        loop {
            let next: BTreeMap<&str, usize> =
                rules.iter().map(|(name, shape)| (name.as_str(), 1 + depth(shape, &depths))).collect();
            if next == depths {
                break;
            }
            depths = next;
        }
        Writer {
            rules,
            depths,
            tokens,
            keywords,
            random: Random(seed),
            text: String::new(),
            inside_token: false,
        }
    }

    fn write(&mut self, shape: &'g Shape, budget: usize) {
        // A long text comes to its end by the shortest way.
        let budget = if self.text.len() > 1_500 { 0 } else { budget };
        match shape {
            Shape::Literal(text) => {
                if !self.inside_token {
                    self.gap();
                }
                self.text.push_str(text);
            }
            Shape::Class(all) => {
                let at = self.random.below(all.len());
                self.text.push(all[at]);
            }
            Shape::Rule(name) => {
                let token = self.tokens.contains(&name.as_str()) && !self.inside_token;
                if token {
                    self.gap();
                    self.inside_token = true;
                }
                let rule = self.rules.get(name).unwrap_or_else(|| panic!("there is no rule {name}"));
                let start = self.text.len();
                self.write(rule, budget.saturating_sub(1));
                if token {
                    self.inside_token = false;
                }
                // The notation says beside its rules which names there are not.
                if matches!(name.as_str(), "Name" | "Identifier" | "NAME" | "IDENTIFIER")
                    && self.is_keyword(start)
                {
                    self.text.push('_');
                }
            }
            Shape::Sequence(all) => all.iter().for_each(|shape| self.write(shape, budget)),
            Shape::Choice(ways) => {
                let within = |way: &&Shape| depth(way, &self.depths) <= budget;
                let mut possible: Vec<&Shape> = ways.iter().filter(within).collect();
                if possible.is_empty() {
                    possible.extend(ways.iter().min_by_key(|way| depth(way, &self.depths)));
                }
                let at = self.random.below(possible.len());
                self.write(possible[at], budget);
            }
            Shape::Optional(inner) => {
                if budget > 0 && depth(inner, &self.depths) <= budget && self.random.below(2) == 0 {
                    self.write(inner, budget);
                }
            }
            Shape::Repeat(inner) => self.repeat(inner, 0, budget),
            Shape::Several(inner) => self.repeat(inner, 1, budget),
        }
    }

    fn repeat(&mut self, inner: &'g Shape, least: usize, budget: usize) {
        let most = if budget > 0 && depth(inner, &self.depths) <= budget { 4 } else { 1 };
        for _ in 0..least.max(self.random.below(most)) {
            self.write(inner, budget);
        }
    }

    fn is_keyword(&self, start: usize) -> bool {
        let word = self.text[start..].trim();
        self.keywords.iter().any(|keyword| keyword.eq_ignore_ascii_case(word))
    }

    fn gap(&mut self) {
        if !self.tokens.is_empty() && !self.inside_token && !self.text.ends_with(char::is_whitespace) {
            self.text.push(' ');
        }
    }
}

fn depth(shape: &Shape, depths: &BTreeMap<&str, usize>) -> usize {
    match shape {
        Shape::Literal(_) | Shape::Class(_) | Shape::Optional(_) | Shape::Repeat(_) => 0,
        Shape::Rule(name) => depths.get(name.as_str()).copied().unwrap_or(NEVER),
        Shape::Sequence(all) => all.iter().map(|shape| depth(shape, depths)).max().unwrap_or(0),
        Shape::Choice(ways) => ways.iter().map(|shape| depth(shape, depths)).min().unwrap_or(0),
        Shape::Several(inner) => depth(inner, depths),
    }
    .min(NEVER)
}

fn all_are_programs(format: &str, start: &str, tokens: &[&str]) {
    let grammar = printed(format);
    let rules = if format == "lark" { read_lark(&grammar) } else { read(&grammar) };
    let mut declarations = 0;
    for seed in 0..sentences() {
        let mut writer = Writer::new(&rules, tokens, &grammar, seed);
        let budget = 12 + writer.random.below(40);
        writer.write(&rules[start], budget);
        let (program, found) = parse(FileId(0), &writer.text);
        declarations += program.items.len();
        let error = found.iter().find(|found| found.severity() == Severity::Error);
        if let Some(error) = error {
            let at = error.primary.span.start as usize;
            let line = writer.text[..at].matches('\n').count();
            panic!(
                "{format}, seed {seed}: {} {} in line {}\n{}",
                error.code.as_str(),
                error.message,
                line + 1,
                writer.text.lines().nth(line).unwrap_or("")
            );
        }
    }
    assert!(declarations as u64 > sentences(), "the sentences say something: {declarations}");
}

#[test]
fn sentences_of_the_ebnf_parse() {
    let tokens = ["Identifier", "Name", "AnyWord", "Number", "Text", "PlainText", "LineEnd"];
    all_are_programs("ebnf", "Program", &tokens);
}

#[test]
fn sentences_of_the_gbnf_parse() {
    all_are_programs("gbnf", "root", &[]);
}

#[test]
fn sentences_of_the_lark_parse() {
    let tokens = ["IDENTIFIER", "NAME", "ANY_WORD", "NUMBER", "TEXT", "PLAIN_TEXT", "LINE_END"];
    all_are_programs("lark", "start", &tokens);
}

/// Tells whether a text is a sentence: all ends that each rule can have at each place.
struct Recogniser<'g> {
    rules: &'g BTreeMap<String, Shape>,
    text: Vec<char>,
    known: BTreeMap<(&'g str, usize), BTreeSet<usize>>,
    furthest: usize,
}

impl<'g> Recogniser<'g> {
    /// `Err` has the line where no way goes on.
    fn accepts(rules: &'g BTreeMap<String, Shape>, start: &'g str, text: &str) -> Result<(), String> {
        let text: Vec<char> = text.chars().collect();
        let mut own = Recogniser { rules, text, known: BTreeMap::new(), furthest: 0 };
        let ends = own.rule(start, 0);
        if ends.contains(&own.text.len()) {
            return Ok(());
        }
        let before: String = own.text[..own.furthest].iter().collect();
        let after: String = own.text[own.furthest..].iter().take_while(|c| **c != '\n').collect();
        Err(format!("{}<here>{after}", before.lines().last().unwrap_or("")))
    }

    fn rule(&mut self, name: &'g str, at: usize) -> BTreeSet<usize> {
        if let Some(ends) = self.known.get(&(name, at)) {
            return ends.clone();
        }
        let shape = self.rules.get(name).unwrap_or_else(|| panic!("there is no rule {name}"));
        let ends = self.ends(shape, at);
        self.known.insert((name, at), ends.clone());
        ends
    }

    fn ends(&mut self, shape: &'g Shape, at: usize) -> BTreeSet<usize> {
        match shape {
            Shape::Literal(text) => {
                let length = text.chars().count();
                let fits = self.text[at..].iter().take(length).copied().eq(text.chars());
                self.reached(at, length, fits)
            }
            Shape::Class(all) => {
                let fits =
                    self.text.get(at).is_some_and(|c| all.contains(c) || !(c.is_ascii() || all.len() < 90));
                self.reached(at, 1, fits)
            }
            Shape::Rule(name) => self.rule(name, at),
            Shape::Sequence(all) => all.iter().fold(BTreeSet::from([at]), |places, shape| {
                places.into_iter().flat_map(|at| self.ends(shape, at)).collect()
            }),
            Shape::Choice(ways) => ways.iter().flat_map(|way| self.ends(way, at)).collect(),
            Shape::Optional(inner) => &self.ends(inner, at) | &BTreeSet::from([at]),
            Shape::Repeat(inner) => self.repeated(inner, BTreeSet::from([at])),
            Shape::Several(inner) => {
                let once = self.ends(inner, at);
                self.repeated(inner, once)
            }
        }
    }

    fn repeated(&mut self, inner: &'g Shape, mut all: BTreeSet<usize>) -> BTreeSet<usize> {
        let mut fresh = all.clone();
        while !fresh.is_empty() {
            let next: BTreeSet<usize> = fresh.iter().flat_map(|at| self.ends(inner, *at)).collect();
            fresh = next.difference(&all).copied().collect();
            all.extend(&fresh);
        }
        all
    }

    fn reached(&mut self, at: usize, length: usize, fits: bool) -> BTreeSet<usize> {
        if !fits {
            return BTreeSet::new();
        }
        self.furthest = self.furthest.max(at + length);
        BTreeSet::from([at + length])
    }
}

#[test]
fn the_examples_are_sentences() {
    let grammar = printed("gbnf");
    let rules = read(&grammar);
    let mut checked = 0;
    for entry in std::fs::read_dir("examples").unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "swarm") {
            continue;
        }
        let text = strict::strict(&std::fs::read_to_string(&path).unwrap());
        let (_, found) = parse(FileId(0), &text);
        assert!(
            found.iter().all(|found| found.severity() != Severity::Error),
            "{}: {found:?}\n{text}",
            path.display()
        );
        if let Err(place) = Recogniser::accepts(&rules, "root", &text) {
            panic!("{}: {place}\n{text}", path.display());
        }
        checked += 1;
    }
    assert!(checked >= 12, "{checked} examples");
}

#[test]
fn what_does_not_parse_is_no_sentence() {
    let grammar = printed("gbnf");
    let rules = read(&grammar);
    for entry in std::fs::read_dir("examples/parse_error").unwrap() {
        let path = entry.unwrap().path();
        // How deep a program nests is no question of grammar.
        if path.ends_with("E0005_nested_too_deeply.swarm") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(Recogniser::accepts(&rules, "root", &text).is_err(), "{}", path.display());
    }
}
