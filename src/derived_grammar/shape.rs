//! Rules as expressions: macros put in, left recursion turned into repetition, what may be empty put in where it
//! is used.

use std::collections::{BTreeMap, BTreeSet};

use super::notation::{Rule, Symbol};

/// What a rule stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Shape {
    /// A word or sign.
    Literal(String),
    /// Another rule, or a token such as `Name`.
    Rule(String),
    /// One after the other.
    Sequence(Vec<Shape>),
    /// One of them.
    Choice(Vec<Shape>),
    /// It or nothing.
    Optional(Box<Shape>),
    /// It any number of times, also none.
    Repeat(Box<Shape>),
    /// A gap between two tokens; only after spacing. Whether it must not be empty.
    Gap(bool),
}

/// A grammar: its rules by name, the first one first.
#[derive(Debug, Clone)]
pub(super) struct Grammar {
    pub(super) rules: Vec<(String, Shape)>,
    /// Words that may be names: keywords only where the grammar says so.
    pub(super) soft_words: BTreeSet<String>,
    /// All words.
    pub(super) words: BTreeSet<String>,
}

/// The expressions of all rules that `start` needs.
pub(super) fn build(rules: &[Rule], start: &str) -> Result<Grammar, String> {
    let by_name: BTreeMap<&str, &Rule> = rules.iter().map(|rule| (rule.name.as_str(), rule)).collect();
    let mut builder = Builder { rules: by_name, shapes: BTreeMap::new(), order: Vec::new() };
    builder.need(start)?;
    let Builder { mut shapes, order, .. } = builder;
    put_in_nullable(&mut shapes);
    let mut soft_words = BTreeSet::new();
    if let Some(shape) = shapes.get("NameWord") {
        literals(shape, &mut soft_words);
    }
    let mut words = BTreeSet::new();
    for shape in shapes.values() {
        literals(shape, &mut words);
    }
    words.retain(|word| word.starts_with(|c: char| c.is_ascii_alphabetic()));
    // A name is one token, whichever of its words it is.
    shapes.remove("NameWord");
    put_in_other_names(&mut shapes);
    let mut named = Vec::new();
    for name in order {
        if let Some(shape) = shapes.remove(&name) {
            named.push((name, shape));
        }
    }
    Ok(Grammar { rules: reachable(named, start), soft_words, words })
}

struct Builder<'r> {
    rules: BTreeMap<&'r str, &'r Rule>,
    shapes: BTreeMap<String, Shape>,
    /// Names in the order they were first needed.
    order: Vec<String>,
}

impl Builder<'_> {
    /// Makes the shape of a rule without parameters, once.
    fn need(&mut self, name: &str) -> Result<(), String> {
        let Some(rule) = self.rules.get(name).copied() else { return Ok(()) };
        if self.order.iter().any(|known| known == name) {
            return Ok(());
        }
        if !rule.parameters.is_empty() {
            return Err(format!("{name} needs arguments"));
        }
        self.order.push(name.to_owned());
        let shape = self.rule(rule, &BTreeMap::new())?;
        self.shapes.insert(name.to_owned(), shape);
        Ok(())
    }

    /// A rule's alternatives with arguments in the place of its parameters.
    fn rule(&mut self, rule: &Rule, arguments: &BTreeMap<String, Shape>) -> Result<Shape, String> {
        let own =
            Symbol::Rule(rule.name.clone(), rule.parameters.iter().map(|name| Symbol::rule(name)).collect());
        let (mut first, mut more) = (Vec::new(), Vec::new());
        for symbols in &rule.alternatives {
            match symbols.split_first() {
                // `X = X tail`: any number of tails behind one of the others.
                Some((head, tail)) if *head == own => more.push(self.sequence(tail, arguments)?),
                _ => first.push(self.sequence(symbols, arguments)?),
            }
        }
        let first = choice(first);
        Ok(match more.is_empty() {
            true => first,
            false => sequence(vec![first, Shape::Repeat(Box::new(choice(more)))]),
        })
    }

    fn sequence(&mut self, symbols: &[Symbol], arguments: &BTreeMap<String, Shape>) -> Result<Shape, String> {
        let shapes = symbols.iter().map(|symbol| self.symbol(symbol, arguments));
        Ok(sequence(shapes.collect::<Result<Vec<_>, _>>()?))
    }

    fn symbol(&mut self, symbol: &Symbol, arguments: &BTreeMap<String, Shape>) -> Result<Shape, String> {
        Ok(match symbol {
            Symbol::Literal(text) => Shape::Literal(text.clone()),
            Symbol::Group(symbols) => self.sequence(symbols, arguments)?,
            Symbol::Optional(inner) => optional(self.symbol(inner, arguments)?),
            Symbol::Repeat(inner) => Shape::Repeat(Box::new(self.symbol(inner, arguments)?)),
            Symbol::Rule(name, own) => {
                if let Some(argument) = arguments.get(name) {
                    return Ok(argument.clone());
                }
                if own.is_empty() {
                    self.need(name)?;
                    return Ok(Shape::Rule(name.clone()));
                }
                let rule = self.rules.get(name.as_str()).copied().ok_or_else(|| format!("no rule {name}"))?;
                let mut values = BTreeMap::new();
                for (parameter, value) in rule.parameters.iter().zip(own) {
                    values.insert(parameter.clone(), self.symbol(value, arguments)?);
                }
                self.rule(rule, &values)?
            }
        })
    }
}

/// One after the other, without sequences in sequences.
pub(super) fn sequence(shapes: Vec<Shape>) -> Shape {
    let mut flat = Vec::with_capacity(shapes.len());
    for shape in shapes {
        match shape {
            Shape::Sequence(inner) => flat.extend(inner),
            other => flat.push(other),
        }
    }
    match <[Shape; 1]>::try_from(flat) {
        Ok([one]) => one,
        Err(flat) => Shape::Sequence(flat),
    }
}

/// One of them, each once; where nothing is one of them, the others or nothing.
fn choice(shapes: Vec<Shape>) -> Shape {
    let mut kept: Vec<Shape> = Vec::new();
    let mut empty = false;
    for shape in shapes {
        match shape {
            Shape::Sequence(ref inner) if inner.is_empty() => empty = true,
            Shape::Choice(inner) => kept.extend(inner),
            other if !kept.contains(&other) => kept.push(other),
            _ => {}
        }
    }
    let all = match <[Shape; 1]>::try_from(kept) {
        Ok([one]) => one,
        Err(kept) => Shape::Choice(kept),
    };
    if empty { optional(all) } else { all }
}

fn optional(shape: Shape) -> Shape {
    match shape {
        already @ (Shape::Optional(_) | Shape::Repeat(_)) => already,
        other => Shape::Optional(Box::new(other)),
    }
}

/// Rules that may be empty are put in where they are used, so that a rule always stands for something.
fn put_in_nullable(shapes: &mut BTreeMap<String, Shape>) {
    let nullable: BTreeMap<String, Shape> = shapes
        .iter()
        .filter(|(_, shape)| is_nullable(shape))
        .map(|(name, shape)| (name.clone(), shape.clone()))
        .collect();
    for shape in shapes.values_mut() {
        put_in(shape, &nullable);
    }
}

/// Rules that only give another one a second name are put in where they are used.
fn put_in_other_names(shapes: &mut BTreeMap<String, Shape>) {
    while let Some((name, shape)) = shapes
        .iter()
        .find(|(_, shape)| matches!(shape, Shape::Rule(_)))
        .map(|(name, shape)| (name.clone(), shape.clone()))
    {
        shapes.remove(&name);
        let other = BTreeMap::from([(name, shape)]);
        shapes.values_mut().for_each(|shape| put_in(shape, &other));
    }
}

/// Whether a shape may be empty, not counting rules in it.
pub(super) fn is_nullable(shape: &Shape) -> bool {
    match shape {
        Shape::Literal(_) | Shape::Rule(_) => false,
        Shape::Sequence(shapes) => shapes.iter().all(is_nullable),
        Shape::Choice(shapes) => shapes.iter().any(is_nullable),
        Shape::Optional(_) | Shape::Repeat(_) | Shape::Gap(_) => true,
    }
}

fn put_in(shape: &mut Shape, rules: &BTreeMap<String, Shape>) {
    match shape {
        Shape::Rule(name) => {
            if let Some(known) = rules.get(name) {
                *shape = known.clone();
            }
        }
        Shape::Sequence(shapes) => {
            for shape in shapes.iter_mut() {
                put_in(shape, rules);
            }
            *shape = sequence(std::mem::take(shapes));
        }
        Shape::Choice(shapes) => shapes.iter_mut().for_each(|shape| put_in(shape, rules)),
        Shape::Optional(inner) | Shape::Repeat(inner) => put_in(inner, rules),
        Shape::Literal(_) | Shape::Gap(_) => {}
    }
}

fn literals(shape: &Shape, into: &mut BTreeSet<String>) {
    match shape {
        Shape::Literal(text) => {
            into.insert(text.clone());
        }
        Shape::Sequence(shapes) | Shape::Choice(shapes) => {
            shapes.iter().for_each(|shape| literals(shape, into));
        }
        Shape::Optional(inner) | Shape::Repeat(inner) => literals(inner, into),
        Shape::Rule(_) | Shape::Gap(_) => {}
    }
}

/// The rules that are still used.
fn reachable(rules: Vec<(String, Shape)>, start: &str) -> Vec<(String, Shape)> {
    let mut used = BTreeSet::from([start.to_owned()]);
    let mut open = vec![start.to_owned()];
    while let Some(name) = open.pop() {
        let Some((_, shape)) = rules.iter().find(|(own, _)| *own == name) else { continue };
        let mut names = BTreeSet::new();
        references(shape, &mut names);
        for name in names {
            if used.insert(name.clone()) {
                open.push(name);
            }
        }
    }
    rules.into_iter().filter(|(name, _)| used.contains(name)).collect()
}

fn references(shape: &Shape, into: &mut BTreeSet<String>) {
    match shape {
        Shape::Rule(name) => {
            into.insert(name.clone());
        }
        Shape::Sequence(shapes) | Shape::Choice(shapes) => {
            shapes.iter().for_each(|shape| references(shape, into));
        }
        Shape::Optional(inner) | Shape::Repeat(inner) => references(inner, into),
        Shape::Literal(_) | Shape::Gap(_) => {}
    }
}
