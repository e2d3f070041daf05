//! Programs made at random, against a plain evaluator of their syntax tree: same actions and queries in the same
//! order, same outcome; and no run beyond the bound that was proved for it (the harness sees to that).

use std::fmt::Write;

use super::harness::Program;

/// Numbers from a seed, the same on every machine.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }

    fn small(&mut self) -> i64 {
        self.roll(9).cast_signed() - 3
    }
}

type Name = usize;

enum Number {
    Constant(i64),
    Variable(Name),
    Operation(char, Box<Number>, Box<Number>),
    Choice(Box<Truth>, Box<Number>, Box<Number>),
    Ask(Box<Number>),
    Item(Name, i64),
    /// COUNT of the items of a list for which something holds.
    Count(Name, Name, Box<Truth>),
    Sum(Name, Name, Box<Number>, Box<Truth>),
    /// MIN or MAX of a list, with a value for NONE.
    Extreme(bool, Name, Name, Box<Truth>, Box<Number>),
    Half(Box<Number>),
}

enum Truth {
    Compare(&'static str, Number, Number),
    And(Box<Truth>, Box<Truth>),
    Or(Box<Truth>, Box<Truth>),
    Not(Box<Truth>),
    /// ANY or ALL.
    Each(bool, Name, Name, Box<Truth>),
    Same(Name, Name),
}

enum Statement {
    Act(Number),
    Assign(Name, Number),
    SetItem(Name, i64, Number),
    AddToItem(Name, Number, Number),
    CopyList(Name, Name),
    If(Truth, Vec<Statement>, Vec<Statement>),
    ForEach(Name, Name, Truth, Vec<Statement>),
    ForRange(Name, Number, i64, Vec<Statement>),
    While(Truth, i64, Vec<Statement>),
    Break,
    Continue,
    Return,
}

/// Lists have three items throughout.
const ITEMS: usize = 3;
const LISTS: usize = 2;
const VARIABLES: usize = 3;

struct Maker {
    dice: Dice,
    /// Variables in scope; the first few can be assigned.
    scope: Vec<Name>,
    next: Name,
    loops: usize,
}

impl Maker {
    fn number(&mut self, depth: u64) -> Number {
        let boxed = |number| Box::new(number);
        match self.dice.roll(if depth == 0 { 4 } else { 12 }) {
            0 | 1 => Number::Constant(self.dice.small()),
            2 => Number::Item(self.list(), self.dice.roll(3).cast_signed()),
            3 => Number::Variable(self.variable()),
            4..=6 => {
                let sign = ['+', '-', '*'][self.dice.roll(3) as usize];
                Number::Operation(sign, boxed(self.number(depth - 1)), boxed(self.number(depth - 1)))
            }
            7 => {
                let condition = Box::new(self.truth(depth - 1));
                Number::Choice(condition, boxed(self.number(depth - 1)), boxed(self.number(depth - 1)))
            }
            8 => Number::Ask(boxed(self.number(depth - 1))),
            9 => self
                .over_list(|maker, list, item| Number::Count(list, item, Box::new(maker.truth(depth - 1)))),
            10 => self.over_list(|maker, list, item| {
                let value = Box::new(maker.number(depth - 1));
                Number::Sum(list, item, value, Box::new(maker.truth(depth - 1)))
            }),
            _ if self.dice.roll(2) == 0 => Number::Half(boxed(self.number(depth - 1))),
            _ => {
                let least = self.dice.roll(2) == 0;
                let otherwise = Box::new(self.number(depth - 1));
                self.over_list(|maker, list, item| {
                    Number::Extreme(least, list, item, Box::new(maker.truth(depth - 1)), otherwise)
                })
            }
        }
    }

    fn truth(&mut self, depth: u64) -> Truth {
        match self.dice.roll(if depth == 0 { 3 } else { 9 }) {
            0..=2 => {
                let comparison = ["==", "!=", "<", "<=", ">", ">="][self.dice.roll(6) as usize];
                let depth = depth.saturating_sub(1);
                Truth::Compare(comparison, self.number(depth), self.number(depth))
            }
            3 | 4 => Truth::And(Box::new(self.truth(depth - 1)), Box::new(self.truth(depth - 1))),
            5 => Truth::Or(Box::new(self.truth(depth - 1)), Box::new(self.truth(depth - 1))),
            6 => Truth::Not(Box::new(self.truth(depth - 1))),
            7 => Truth::Same(self.list(), self.list()),
            _ => {
                let all = self.dice.roll(2) == 0;
                self.over_list(|maker, list, item| {
                    Truth::Each(all, list, item, Box::new(maker.truth(depth - 1)))
                })
            }
        }
    }

    /// Makes something with a new variable for the items of a list.
    fn over_list<T>(&mut self, make: impl FnOnce(&mut Maker, Name, Name) -> T) -> T {
        let (list, item) = (self.list(), self.fresh());
        self.scope.push(item);
        let made = make(self, list, item);
        self.scope.pop();
        made
    }

    fn fresh(&mut self) -> Name {
        self.next += 1;
        self.next
    }

    fn list(&mut self) -> Name {
        self.dice.roll(LISTS as u64) as usize
    }

    fn variable(&mut self) -> Name {
        let at = self.dice.roll(self.scope.len() as u64) as usize;
        self.scope[at]
    }

    fn block(&mut self, depth: u64) -> Vec<Statement> {
        let length = 1 + self.dice.roll(3);
        (0..length).map(|_| self.statement(depth)).collect()
    }

    fn statement(&mut self, depth: u64) -> Statement {
        match self.dice.roll(if depth == 0 { 6 } else { 13 }) {
            0 | 1 => Statement::Act(self.number(2)),
            2 => Statement::Assign(self.dice.roll(VARIABLES as u64) as usize, self.number(2)),
            3 => Statement::SetItem(self.list(), self.dice.roll(3).cast_signed(), self.number(2)),
            4 => Statement::CopyList(self.list(), self.list()),
            5 => Statement::AddToItem(self.list(), self.number(1), self.number(1)),
            6 | 7 => {
                let condition = self.truth(2);
                let then = self.block(depth - 1);
                let otherwise = if self.dice.roll(2) == 0 { self.block(depth - 1) } else { Vec::new() };
                Statement::If(condition, then, otherwise)
            }
            8 => self.over_list(|maker, list, item| {
                let filter = maker.truth(1);
                Statement::ForEach(list, item, filter, maker.in_loop(depth))
            }),
            9 => {
                let (first, last, item) = (self.number(1), self.dice.small(), self.fresh());
                self.scope.push(item);
                let body = self.in_loop(depth);
                self.scope.pop();
                Statement::ForRange(item, first, last, body)
            }
            10 => {
                let (condition, most) = (self.truth(2), self.dice.roll(5).cast_signed());
                Statement::While(condition, most, self.in_loop(depth))
            }
            _ if self.loops == 0 && self.dice.roll(4) == 0 => Statement::Return,
            _ if self.loops == 0 => Statement::Act(self.number(3)),
            11 => Statement::Break,
            _ => Statement::Continue,
        }
    }

    fn in_loop(&mut self, depth: u64) -> Vec<Statement> {
        self.loops += 1;
        let body = self.block(depth - 1);
        self.loops -= 1;
        body
    }
}

/// The program's text.
struct Text(String);

impl Text {
    fn number(&mut self, number: &Number) {
        match number {
            Number::Constant(value) => write!(self.0, "({value})").unwrap(),
            Number::Variable(name) => write!(self.0, "v{name}").unwrap(),
            Number::Operation(sign, left, right) => {
                self.0.push('(');
                self.number(left);
                write!(self.0, " {sign} ").unwrap();
                self.number(right);
                self.0.push(')');
            }
            Number::Choice(condition, then, otherwise) => {
                self.0.push_str("(IF ");
                self.truth(condition);
                self.0.push_str(" THEN ");
                self.number(then);
                self.0.push_str(" ELSE ");
                self.number(otherwise);
                self.0.push(')');
            }
            Number::Ask(value) => {
                self.0.push_str("ask(");
                self.number(value);
                self.0.push(')');
            }
            Number::Item(list, index) => write!(self.0, "l{list}[{index}]").unwrap(),
            Number::Count(list, item, filter) => {
                write!(self.0, "COUNT(FOR v{item} IN l{list} WHERE ").unwrap();
                self.truth(filter);
                self.0.push(')');
            }
            Number::Sum(list, item, value, filter) => {
                self.0.push_str("SUM(");
                self.number(value);
                write!(self.0, " FOR v{item} IN l{list} WHERE ").unwrap();
                self.truth(filter);
                self.0.push(')');
            }
            Number::Extreme(least, list, item, filter, otherwise) => {
                let word = if *least { "MIN" } else { "MAX" };
                write!(self.0, "({word}(v{item} FOR v{item} IN l{list} WHERE ").unwrap();
                self.truth(filter);
                self.0.push_str(") ?? ");
                self.number(otherwise);
                self.0.push(')');
            }
            Number::Half(value) => {
                self.0.push_str("half(");
                self.number(value);
                self.0.push(')');
            }
        }
    }

    fn truth(&mut self, truth: &Truth) {
        self.0.push('(');
        match truth {
            Truth::Compare(comparison, left, right) => {
                self.number(left);
                write!(self.0, " {comparison} ").unwrap();
                self.number(right);
            }
            Truth::And(left, right) | Truth::Or(left, right) => {
                self.truth(left);
                self.0.push_str(if matches!(truth, Truth::And(..)) { " AND " } else { " OR " });
                self.truth(right);
            }
            Truth::Not(inner) => {
                self.0.push_str("NOT ");
                self.truth(inner);
            }
            Truth::Each(all, list, item, inner) => {
                self.0.push_str(if *all { "ALL(" } else { "ANY(" });
                self.truth(inner);
                write!(self.0, " FOR v{item} IN l{list})").unwrap();
            }
            Truth::Same(left, right) => write!(self.0, "l{left} == l{right}").unwrap(),
        }
        self.0.push(')');
    }

    fn block(&mut self, block: &[Statement]) {
        self.0.push_str(" {\n");
        for statement in block {
            self.statement(statement);
            self.0.push('\n');
        }
        self.0.push('}');
    }

    fn statement(&mut self, statement: &Statement) {
        match statement {
            Statement::Act(value) => {
                self.0.push_str("ACT(");
                self.number(value);
                self.0.push(')');
            }
            Statement::Assign(name, value) => {
                write!(self.0, "v{name} = ").unwrap();
                self.number(value);
            }
            Statement::SetItem(list, index, value) => {
                write!(self.0, "l{list}[{index}] = ").unwrap();
                self.number(value);
            }
            Statement::AddToItem(list, index, value) => {
                write!(self.0, "l{list}[").unwrap();
                self.number(index);
                self.0.push_str("] += ");
                self.number(value);
            }
            Statement::CopyList(to, from) => write!(self.0, "l{to} = l{from}").unwrap(),
            Statement::If(condition, then, otherwise) => {
                self.0.push_str("IF ");
                self.truth(condition);
                self.block(then);
                if !otherwise.is_empty() {
                    self.0.push_str(" ELSE");
                    self.block(otherwise);
                }
            }
            Statement::ForEach(list, item, filter, body) => {
                write!(self.0, "FOR EACH v{item} IN l{list} WHERE ").unwrap();
                self.truth(filter);
                self.block(body);
            }
            Statement::ForRange(item, first, last, body) => {
                write!(self.0, "FOR v{item} IN ").unwrap();
                self.number(first);
                write!(self.0, "..{last}").unwrap();
                self.block(body);
            }
            Statement::While(condition, most, body) => {
                self.0.push_str("WHILE ");
                self.truth(condition);
                write!(self.0, " MAX {most}").unwrap();
                self.block(body);
            }
            Statement::Break => self.0.push_str("BREAK"),
            Statement::Continue => self.0.push_str("CONTINUE"),
            Statement::Return => self.0.push_str("RETURN"),
        }
    }
}

/// Why a block was left before its end.
enum Leave {
    Break,
    Continue,
    Return,
    Trap(&'static str),
}

type Step<T> = Result<T, Leave>;

const OVERFLOW: Leave = Leave::Trap("overflow");

/// The plain evaluator. It gives up on programs that go on for long.
struct World {
    variables: Vec<i64>,
    lists: Vec<[i64; ITEMS]>,
    acted: Vec<String>,
    asked: Vec<String>,
    patience: u32,
}

impl World {
    fn number(&mut self, number: &Number) -> Step<i64> {
        Ok(match number {
            Number::Constant(value) => *value,
            Number::Variable(name) => self.variables[*name],
            Number::Operation(sign, left, right) => {
                let (left, right) = (self.number(left)?, self.number(right)?);
                let result = match sign {
                    '+' => left.checked_add(right),
                    '-' => left.checked_sub(right),
                    _ => left.checked_mul(right),
                };
                result.ok_or(OVERFLOW)?
            }
            Number::Choice(condition, then, otherwise) => {
                if self.truth(condition)? {
                    self.number(then)?
                } else {
                    self.number(otherwise)?
                }
            }
            Number::Ask(value) => {
                let value = self.number(value)?;
                self.asked.push(format!("ask({value})"));
                value
            }
            Number::Item(list, index) => self.lists[*list][usize::try_from(*index).unwrap()],
            Number::Count(list, item, filter) => {
                let mut count = 0;
                for value in self.lists[*list] {
                    self.variables[*item] = value;
                    count += i64::from(self.truth(filter)?);
                }
                count
            }
            Number::Sum(list, item, value, filter) => {
                let mut sum = 0_i64;
                for member in self.lists[*list] {
                    self.variables[*item] = member;
                    if self.truth(filter)? {
                        sum = sum.checked_add(self.number(value)?).ok_or(OVERFLOW)?;
                    }
                }
                sum
            }
            Number::Extreme(least, list, item, filter, otherwise) => {
                let mut best: Option<i64> = None;
                for value in self.lists[*list] {
                    self.variables[*item] = value;
                    if self.truth(filter)? {
                        best = Some(
                            best.map_or(value, |best| if *least { best.min(value) } else { best.max(value) }),
                        );
                    }
                }
                match best {
                    Some(best) => best,
                    None => self.number(otherwise)?,
                }
            }
            Number::Half(value) => {
                let value = self.number(value)?;
                if value < 0 { -1 } else { value / 2 }
            }
        })
    }

    fn truth(&mut self, truth: &Truth) -> Step<bool> {
        Ok(match truth {
            Truth::Compare(comparison, left, right) => {
                let (left, right) = (self.number(left)?, self.number(right)?);
                match *comparison {
                    "==" => left == right,
                    "!=" => left != right,
                    "<" => left < right,
                    "<=" => left <= right,
                    ">" => left > right,
                    _ => left >= right,
                }
            }
            Truth::And(left, right) => self.truth(left)? && self.truth(right)?,
            Truth::Or(left, right) => self.truth(left)? || self.truth(right)?,
            Truth::Not(inner) => !self.truth(inner)?,
            Truth::Each(all, list, item, inner) => {
                for value in self.lists[*list] {
                    self.variables[*item] = value;
                    if self.truth(inner)? != *all {
                        return Ok(!*all);
                    }
                }
                *all
            }
            Truth::Same(left, right) => self.lists[*left] == self.lists[*right],
        })
    }

    fn block(&mut self, block: &[Statement]) -> Step<()> {
        block.iter().try_for_each(|statement| self.statement(statement))
    }

    /// One round of a loop; `false` if it is the last.
    fn round(&mut self, body: &[Statement]) -> Step<bool> {
        match self.block(body) {
            Ok(()) | Err(Leave::Continue) => Ok(true),
            Err(Leave::Break) => Ok(false),
            Err(leave) => Err(leave),
        }
    }

    fn statement(&mut self, statement: &Statement) -> Step<()> {
        self.patience = self.patience.checked_sub(1).ok_or(Leave::Trap("too long"))?;
        match statement {
            Statement::Act(value) => {
                let value = self.number(value)?;
                self.acted.push(format!("ACT({value})"));
            }
            Statement::Assign(name, value) => self.variables[*name] = self.number(value)?,
            Statement::SetItem(list, index, value) => {
                self.lists[*list][usize::try_from(*index).unwrap()] = self.number(value)?;
            }
            Statement::AddToItem(list, index, value) => {
                let index = usize::try_from(self.number(index)?).ok().filter(|&index| index < ITEMS);
                let index = index.ok_or(Leave::Trap("index_out_of_range"))?;
                let current = self.lists[*list][index];
                self.lists[*list][index] = current.checked_add(self.number(value)?).ok_or(OVERFLOW)?;
            }
            Statement::CopyList(to, from) => self.lists[*to] = self.lists[*from],
            Statement::If(condition, then, otherwise) => {
                let block = if self.truth(condition)? { then } else { otherwise };
                self.block(block)?;
            }
            Statement::ForEach(list, item, filter, body) => {
                for value in self.lists[*list] {
                    self.variables[*item] = value;
                    if self.truth(filter)? && !self.round(body)? {
                        break;
                    }
                }
            }
            Statement::ForRange(item, first, last, body) => {
                for value in self.number(first)?..=*last {
                    self.variables[*item] = value;
                    if !self.round(body)? {
                        break;
                    }
                }
            }
            Statement::While(condition, most, body) => {
                for _ in 0..*most {
                    if !self.truth(condition)? || !self.round(body)? {
                        break;
                    }
                }
            }
            Statement::Break => return Err(Leave::Break),
            Statement::Continue => return Err(Leave::Continue),
            Statement::Return => return Err(Leave::Return),
        }
        Ok(())
    }
}

fn check(seed: u64) -> bool {
    let mut maker = Maker {
        dice: Dice(seed.wrapping_mul(0x9e37_79b9)),
        scope: (0..VARIABLES).collect(),
        next: VARIABLES,
        loops: 0,
    };
    let body: Vec<Statement> = (0..4).map(|_| maker.statement(3)).collect();
    let mut world = World {
        variables: vec![1; maker.next + 1],
        lists: vec![[1, 2, 3], [3, -1, 2]],
        acted: Vec::new(),
        asked: Vec::new(),
        patience: 5_000,
    };
    let outcome = world.block(&body);
    if let Err(Leave::Trap("too long")) = outcome {
        return false;
    }
    let mut text = Text(
        "QUERY ask(n: int) -> int
        ACTION ACT(value: int)
        FUNC half(n: int) -> int { IF n < 0 { RETURN -1 } ELSE { RETURN n DIV 2 } }
        FUNC main() {
        LET v0 = 1  LET v1 = 1  LET v2 = 1  LET l0 = [1, 2, 3]  LET l1 = [3, -1, 2]\n"
            .to_owned(),
    );
    for statement in &body {
        text.statement(statement);
        text.0.push('\n');
    }
    text.0.push('}');
    let run = Program::of(&text.0).run();
    let shown = || format!("seed {seed}\n{}", text.0);
    assert_eq!(run.asked, world.asked, "{}", shown());
    match outcome {
        Err(Leave::Trap(code)) => assert_eq!(run.reason_code(), Some(code), "{}", shown()),
        _ => {
            assert_eq!(run.reason_code(), None, "{}", shown());
            assert_eq!(run.actions, world.acted, "{}", shown());
        }
    }
    true
}

#[test]
fn programs_at_random_do_what_they_say_within_their_bound() {
    let checked = (0..400).filter(|&seed| check(seed)).count();
    assert!(checked > 300, "{checked} programs were short enough to check");
}
