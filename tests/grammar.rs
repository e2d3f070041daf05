//! The printed grammars derive only texts without syntax errors: random sentences of each are parsed.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::arithmetic_side_effects,
    reason = "test code"
)]

use std::collections::BTreeMap;
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
        let keywords =
            lists.filter_map(|line| line.split_once(": ")).flat_map(|(_, words)| words.split(' ')).collect();
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
                self.gap();
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
                if matches!(name.as_str(), "Name" | "Identifier") && self.is_keyword(start) {
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
    let rules = read(&grammar);
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
