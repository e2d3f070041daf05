//! What a generator may write is less than what the parser reads: only forms whose tokens do not depend on what
//! stands around them. Each restriction is an edit of the rules that were read.

use super::notation::{Rule, Symbol};

/// Where a text begins.
pub(super) const START: &str = "Program";
/// A line's end, with comments and blank lines.
pub(super) const LINE_END: &str = "LineEnd";
/// Any word, also a keyword: a field behind its dot, an argument before its colon.
pub(super) const ANY_WORD: &str = "AnyWord";
/// A string without holes.
pub(super) const PLAIN_TEXT: &str = "PlainText";

/// What the restrictions are, for the head of the grammar.
pub(super) const SUMMARY: &[&str] = &[
    "Derived from the grammar that parses; every text of it is a program without syntax errors.",
    "It is stricter than what the parser reads:",
    "- a statement, field or clause is a line, an expression stays on its line, bodies have braces",
    "- SUM, COUNT, ... are written with parentheses: SUM(x.cost FOR x IN xs WHERE c)",
    "- comparisons do not chain; keywords are in capitals; aggregates and reserved words are never names",
    "- a number has a unit the language knows, without a gap (5tokens); a string's holes hold names and fields",
];

/// The rules without recovery and with the restrictions.
pub(super) fn restrict(rules: Vec<Rule>) -> Vec<Rule> {
    let mut rules: Vec<Rule> = rules.into_iter().map(without_recovery).collect();
    for rule in &mut rules {
        match rule.name.as_str() {
            // The same, said shortly.
            "Comma" => rule.alternatives = vec![vec![Symbol::Optional(Box::new(Symbol::Group(comma())))]],
            // A line each, instead of what may stand between them.
            "Lines" => rule.alternatives = vec![lines(Symbol::rule("T"))],
            "Statements" => rule.alternatives = vec![lines(Symbol::rule("Statement"))],
            "MatchElse" => {
                let body = Symbol::rule("Block");
                rule.alternatives = vec![vec![Symbol::literal("ELSE"), body, Symbol::rule(LINE_END)]];
            }
            // Braces instead of THEN: the layout says nothing then.
            "Body" => rule.alternatives = vec![vec![Symbol::rule("Block")]],
            "IfArm" | "Arm" => {
                rule.alternatives.retain(|symbols| !symbols.contains(&Symbol::literal("THEN")))
            }
            // Comparisons stand beside what they compare and do not chain; `a = b` is read only to be mended.
            "Or" => rule.alternatives.retain(|symbols| !symbols.iter().any(compares)),
            "Test" => rule.alternatives.push(["Add", "Comparison", "Add"].map(Symbol::rule).to_vec()),
            "Negative" => single_minus(rule),
            // An aggregate is a keyword before an operand only; in parentheses there is nothing to ask.
            "Choice" => rule.alternatives.retain(|symbols| !symbols.iter().any(is_generator)),
            "Arguments" => rule.alternatives.retain(|symbols| !symbols.iter().any(is_generator)),
            "Postfix" => rule.alternatives.extend(aggregates()),
            _ => {}
        }
        for symbols in &mut rule.alternatives {
            settle(symbols);
        }
    }
    rules.push(Rule {
        name: START.to_owned(),
        parameters: Vec::new(),
        alternatives: vec![lines(Symbol::rule("Item"))],
    });
    rules
}

/// `line end? (line line-end)*`
fn lines(line: Symbol) -> Vec<Symbol> {
    let end = || Symbol::rule(LINE_END);
    vec![Symbol::Optional(Box::new(end())), Symbol::Repeat(Box::new(Symbol::Group(vec![line, end()])))]
}

/// `T ("," T)* ","?`
fn comma() -> Vec<Symbol> {
    let (item, comma) = (|| Symbol::rule("T"), || Symbol::literal(","));
    let more = Symbol::Repeat(Box::new(Symbol::Group(vec![comma(), item()])));
    vec![item(), more, Symbol::Optional(Box::new(comma()))]
}

fn without_recovery(mut rule: Rule) -> Rule {
    let recovers =
        |symbol: &Symbol| matches!(symbol, Symbol::Rule(name, _) if name == "Bad" || name == "HOLE");
    rule.alternatives.retain(|symbols| !symbols.iter().any(recovers));
    rule
}

fn compares(symbol: &Symbol) -> bool {
    let equals = Symbol::Rule("At".to_owned(), vec![Symbol::literal("=")]);
    *symbol == Symbol::rule("Comparison") || *symbol == equals
}

/// `-x`, but not `- -x`: so the sign can stand at what it is about.
fn single_minus(rule: &mut Rule) {
    for symbols in &mut rule.alternatives {
        if let [Symbol::Literal(_), operand] = symbols.as_mut_slice() {
            *operand = Symbol::rule("Postfix");
        }
    }
}

fn is_generator(symbol: &Symbol) -> bool {
    *symbol == Symbol::rule("Generator")
}

/// `SUM(value generator)`; COUNT needs no value.
fn aggregates() -> [Vec<Symbol>; 3] {
    let call = |word: Symbol, values: &[Symbol]| {
        let (open, close) = (Symbol::literal("("), Symbol::literal(")"));
        [&[word, open], values, &[close]].concat()
    };
    let (value, generator) = (Symbol::rule("Expr"), Symbol::rule("Generator"));
    [
        call(Symbol::rule("AggregateWord"), &[value.clone(), generator.clone()]),
        call(Symbol::literal("COUNT"), &[value, generator.clone()]),
        call(Symbol::literal("COUNT"), &[generator]),
    ]
}

/// What a token is where the lexer looks at its neighbours.
fn settle(symbols: &mut [Symbol]) {
    for symbol in symbols.iter_mut() {
        match symbol {
            Symbol::Group(inner) => settle(inner),
            Symbol::Optional(inner) | Symbol::Repeat(inner) => settle(std::slice::from_mut(inner)),
            _ => {}
        }
    }
    let literal = |symbol: Option<&Symbol>, text: &str| symbol == Some(&Symbol::literal(text));
    for at in 0..symbols.len() {
        let before = at.checked_sub(1).and_then(|before| symbols.get(before));
        let after = symbols.get(at.saturating_add(1));
        let replaced = match symbols.get(at) {
            Some(Symbol::Rule(name, _)) if name == "Identifier" || name == "PlainName" => {
                (literal(before, ".") || literal(after, ":")).then_some(ANY_WORD)
            }
            // MAX is a keyword before a number or a name only.
            Some(Symbol::Rule(name, _)) if name == "Add" || name == "Expr" => {
                literal(before, "MAX").then_some("TopCount")
            }
            // What is called by its name has no holes in it.
            Some(Symbol::Rule(name, _)) if name == "Quoted" => {
                ["USE", "TEST", "PHASE"].iter().any(|word| literal(before, word)).then_some(PLAIN_TEXT)
            }
            // Nothing follows on the line.
            Some(Symbol::Rule(name, _)) if name == "RETURN_NOTHING" => {
                if let Some(symbol) = symbols.get_mut(at) {
                    *symbol = Symbol::literal("RETURN");
                }
                None
            }
            _ => None,
        };
        if let (Some(name), Some(symbol)) = (replaced, symbols.get_mut(at)) {
            *symbol = Symbol::rule(name);
        }
    }
}
