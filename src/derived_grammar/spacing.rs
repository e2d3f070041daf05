//! Gaps between tokens, for notations that speak of characters: a blank where two tokens would run together, at
//! most one anywhere else, none at the end of a line.

use std::collections::BTreeMap;

use super::shape::{Grammar, Shape, is_nullable, sequence};
use super::strict::LINE_END;

/// Kinds of token that a shape may begin or end with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Edge {
    /// Words, names, numbers and strings.
    word: bool,
    /// Signs that other signs can grow together with.
    sign: bool,
    /// `>`: the end of a type, or of `->` and `>=`.
    angle: bool,
    /// `?`: two of them are another sign.
    mark: bool,
    /// Brackets, commas, dots, colons.
    other: bool,
}

impl Edge {
    fn or(self, other: Edge) -> Edge {
        Edge {
            word: self.word || other.word,
            sign: self.sign || other.sign,
            angle: self.angle || other.angle,
            mark: self.mark || other.mark,
            other: self.other || other.other,
        }
    }

    fn is_line_end(self) -> bool {
        self == Edge::default()
    }
}

/// What each rule begins and ends with.
type Edges = BTreeMap<String, (Edge, Edge)>;

/// The grammar with its gaps.
pub(super) fn spaced(grammar: &Grammar) -> Grammar {
    let edges = edges(grammar);
    let spacer = Spacer { edges: &edges };
    let rules = grammar.rules.iter().map(|(name, shape)| (name.clone(), spacer.shape(shape))).collect();
    Grammar { rules, ..grammar.clone() }
}

fn edges(grammar: &Grammar) -> Edges {
    let mut edges = Edges::new();
    loop {
        let mut grown = edges.clone();
        for (name, shape) in &grammar.rules {
            let spacer = Spacer { edges: &edges };
            grown.insert(name.clone(), (spacer.first(shape), spacer.last(shape)));
        }
        if grown == edges {
            return edges;
        }
        edges = grown;
    }
}

struct Spacer<'e> {
    edges: &'e Edges,
}

impl Spacer<'_> {
    fn token(&self, name: &str, first: bool) -> Edge {
        match self.edges.get(name) {
            Some((begin, end)) => {
                if first {
                    *begin
                } else {
                    *end
                }
            }
            None if name == LINE_END => Edge::default(),
            // A token, or a rule of which nothing is known yet.
            None if is_token(name) => Edge { word: true, ..Edge::default() },
            None => Edge::default(),
        }
    }

    fn first(&self, shape: &Shape) -> Edge {
        self.edge(shape, true)
    }

    fn last(&self, shape: &Shape) -> Edge {
        self.edge(shape, false)
    }

    fn edge(&self, shape: &Shape, first: bool) -> Edge {
        match shape {
            Shape::Literal(text) => literal(text),
            Shape::Rule(name) => self.token(name, first),
            Shape::Choice(shapes) => {
                shapes.iter().fold(Edge::default(), |edge, shape| edge.or(self.edge(shape, first)))
            }
            Shape::Optional(inner) | Shape::Repeat(inner) => self.edge(inner, first),
            Shape::Gap(_) => Edge::default(),
            Shape::Sequence(shapes) => {
                let mut edge = Edge::default();
                let mut visit = |shape: &Shape| {
                    edge = edge.or(self.edge(shape, first));
                    !is_nullable(shape)
                };
                if first {
                    shapes.iter().any(&mut visit)
                } else {
                    shapes.iter().rev().any(&mut visit)
                };
                edge
            }
        }
    }

    fn shape(&self, shape: &Shape) -> Shape {
        match shape {
            Shape::Sequence(shapes) => self.sequence(shapes),
            Shape::Choice(shapes) => Shape::Choice(shapes.iter().map(|shape| self.shape(shape)).collect()),
            Shape::Optional(inner) => Shape::Optional(Box::new(self.shape(inner))),
            Shape::Repeat(_) => self.sequence(std::slice::from_ref(shape)),
            other => other.clone(),
        }
    }

    fn sequence(&self, shapes: &[Shape]) -> Shape {
        let mut spaced = Vec::new();
        // What the text so far may end with; `None` while it may still be empty.
        let mut before: Option<Edge> = None;
        for (at, shape) in shapes.iter().enumerate() {
            let rest = shapes.get(at.saturating_add(1)..).unwrap_or_default();
            let (first, last) = (self.first(shape), self.last(shape));
            match (before, shape) {
                (Some(edge), Shape::Optional(inner)) => {
                    spaced.push(Shape::Optional(Box::new(behind(edge, first, self.shape(inner)))));
                    before = Some(edge.or(last));
                }
                (Some(edge), Shape::Repeat(inner)) => {
                    let round = behind(edge.or(last), first, self.shape(inner));
                    spaced.push(Shape::Repeat(Box::new(round)));
                    before = Some(edge.or(last));
                }
                (None, Shape::Optional(inner)) => {
                    let next = rest.iter().fold(Edge::default(), |edge, shape| edge.or(self.first(shape)));
                    spaced.push(Shape::Optional(Box::new(before_next(self.shape(inner), last, next))));
                }
                (None, Shape::Repeat(inner)) => {
                    let next = rest.iter().fold(first, |edge, shape| edge.or(self.first(shape)));
                    spaced.push(Shape::Repeat(Box::new(before_next(self.shape(inner), last, next))));
                }
                (Some(edge), _) => {
                    spaced.push(behind(edge, first, self.shape(shape)));
                    before = Some(last);
                }
                (None, _) => {
                    spaced.push(self.shape(shape));
                    before = Some(last);
                }
            }
        }
        sequence(spaced)
    }
}

fn behind(before: Edge, first: Edge, shape: Shape) -> Shape {
    match gap(before, first) {
        Some(gap) => sequence(vec![gap, shape]),
        None => shape,
    }
}

fn before_next(shape: Shape, last: Edge, next: Edge) -> Shape {
    match gap(last, next) {
        Some(gap) => sequence(vec![shape, gap]),
        None => shape,
    }
}

fn gap(before: Edge, after: Edge) -> Option<Shape> {
    if before.is_line_end() || after.is_line_end() {
        return None;
    }
    let grow = (before.sign && (after.sign || after.angle)) || (before.angle && after.sign);
    Some(Shape::Gap((before.word && after.word) || grow || (before.mark && after.mark)))
}

/// Names of tokens, as the grammar that parses has them.
fn is_token(name: &str) -> bool {
    super::write::TOKENS.contains(&name)
}

fn literal(text: &str) -> Edge {
    let word = text.starts_with(|c: char| c.is_ascii_alphabetic());
    let other = matches!(text, "(" | ")" | "[" | "]" | "{" | "}" | "," | ";" | ":" | ".");
    let (angle, mark) = (text == ">", text == "?");
    Edge { word, sign: !word && !other && !angle && !mark, angle, mark, other }
}
