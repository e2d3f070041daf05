//! The text of a program.

use std::fmt::Write;

use super::program::{
    CONSTANTS, Function, List, MOST_ITEMS, Map, Named, Number, Statement, Text as Words, Truth,
};

/// What every program starts with.
const HEAD: &str = "
INPUT l3: list<int> MAX 5
QUERY ask(n: int) -> int
ACTION ACT(value: int)
ACTION SAY(text: string)
ACTION PAY(value: int) COSTS $1
ACTION BUY(value: int) COSTS $1 * max(value, 0)
ACTION RISKY(value: int)
TYPE Pair { a: int  b: int }
TYPE Tag { label: string }
ENUM Kind { zero  one(n: int)  two(left: int, right: int) }
METRIC total: int TOTAL
STATE s: int = 1
STATE l2: list<int> MAX 5 = [2, 2, 5]
STATE m2: map<int, int> MAX 8 = [2: 4]
STATE ts: string = \"s\"
FUNC half(n: int) -> int { IF n < 0 { RETURN -1 } ELSE { RETURN n DIV 2 } }
FUNC less(a: int, b: int) -> int { RETURN b - a }
FUNC upto(xs: list<int> MAX 5, most: int) -> list<int> MAX 5 { RETURN COLLECT x FOR x IN xs WHERE x <= most }
FUNC twice(n: int) -> int { RETURN n + n }
FUNC bump(n: int) -> int { s += n  RETURN s }
FUNC main() {
LET v0 = 1  LET v1 = 1  LET v2 = 1
LET l0: list<int> MAX 5 = [1, 2, 3]  LET l1: list<int> MAX 5 = [3, -1, 2]
LET r0 = Pair(a: 1, b: 2)  LET r1 = Pair(a: 2, b: 1)
LET m0: map<int, int> MAX 8 = [1: 10]  LET m1 = [1: 10, 2: 20]
LET k = Kind.zero
LET t0 = \"x\"  LET t1 = \"11\"  LET tag = Tag(label: \"tag\")
LET words: list<string> MAX 3 = [\"one\", \"two\"]
LET named: map<string, int> MAX 20 = [\"x\": 3]
";

/// The text of a program with this body.
pub(super) fn text(body: &[Statement]) -> String {
    let mut text = Text(HEAD.to_owned());
    for statement in body {
        text.statement(statement);
        text.0.push('\n');
    }
    text.0.push('}');
    text.0
}

struct Text(String);

macro_rules! write_to {
    ($text:expr, $($part:expr),+) => { { $( Part::write(&$part, $text); )+ } };
}

/// What a text is put together from.
trait Part {
    fn write(&self, text: &mut Text);
}

impl Part for &str {
    fn write(&self, text: &mut Text) {
        text.0.push_str(self);
    }
}

impl Part for i64 {
    fn write(&self, text: &mut Text) {
        write!(text.0, "{self}").unwrap();
    }
}

impl Part for usize {
    fn write(&self, text: &mut Text) {
        write!(text.0, "{self}").unwrap();
    }
}

impl Part for &Number {
    fn write(&self, text: &mut Text) {
        text.number(self);
    }
}

impl Part for &Truth {
    fn write(&self, text: &mut Text) {
        text.truth(self);
    }
}

impl Part for &Words {
    fn write(&self, text: &mut Text) {
        text.words(self);
    }
}

impl Part for Named {
    fn write(&self, text: &mut Text) {
        match self {
            Named::Variable(name) => write_to!(text, "t", *name),
            Named::State => text.0.push_str("ts"),
            Named::Label => text.0.push_str("tag.label"),
            Named::Item => text.0.push_str("words[1]"),
        }
    }
}

impl Part for &Vec<Statement> {
    fn write(&self, text: &mut Text) {
        text.block(self);
    }
}

impl Text {
    fn number(&mut self, number: &Number) {
        match number {
            Number::Constant(value) => write_to!(self, "(", *value, ")"),
            Number::Variable(name) => write_to!(self, "v", *name),
            Number::Operation(sign, left, right) => {
                write_to!(self, "(", &**left, " ", sign.to_string().as_str(), " ", &**right, ")");
            }
            Number::Choice(condition, then, otherwise) => {
                write_to!(self, "(IF ", &**condition, " THEN ", &**then, " ELSE ", &**otherwise, ")");
            }
            Number::Ask(value) => write_to!(self, "ask(", &**value, ")"),
            Number::Item(list, index) => write_to!(self, "l", *list, "[", *index, "]"),
            Number::Count(list, item, filter) => {
                write_to!(self, "COUNT(FOR v", *item, " IN l", *list, " WHERE ", &**filter, ")");
            }
            Number::Sum(list, item, value, filter) => {
                self.aggregate("SUM", Some(value), *item, *list, filter);
            }
            Number::Extreme(least, list, item, filter, otherwise) => {
                let item_value = Number::Variable(*item);
                self.0.push('(');
                self.aggregate(if *least { "MIN" } else { "MAX" }, Some(&item_value), *item, *list, filter);
                write_to!(self, " ?? ", &**otherwise, ")");
            }
            Number::Mean(list, item, value, filter) => {
                self.0.push_str("round(");
                self.aggregate("AVG", Some(value), *item, *list, filter);
                self.0.push_str(" ?? 0.0)");
            }
            Number::Collected(list, item, value, filter) => {
                self.0.push_str("len(");
                self.aggregate("COLLECT", Some(value), *item, *list, filter);
                self.0.push(')');
            }
            Number::Call(function, arguments) => {
                let name = match function {
                    Function::Half => "half",
                    Function::Less => "less",
                    Function::Twice => "twice",
                    Function::Bump => "bump",
                };
                write_to!(self, name, "(");
                for (at, argument) in arguments.iter().enumerate() {
                    write_to!(self, if at > 0 { ", " } else { "" }, argument);
                }
                self.0.push(')');
            }
            Number::Field(record, field) => write_to!(self, "r", *record, ".", ["a", "b"][*field]),
            Number::Entry(map, key, otherwise) => {
                write_to!(self, "(m", *map, "[", &**key, "] ?? ", &**otherwise, ")");
            }
            Number::Entries(map) => write_to!(self, "len(m", *map, ")"),
            Number::State => self.0.push('s'),
            Number::Metric => self.0.push_str("total"),
            Number::UpTo(list, most) => write_to!(self, "len(upto(l", *list, ", ", &**most, "))"),
            Number::Length(text) => write_to!(self, "len(", text, ")"),
            Number::Pieces(text) => write_to!(self, "len(split(", text, ", \"1\"))"),
            Number::NamedEntry(key, otherwise) => {
                write_to!(self, "(named[", key, "] ?? ", &**otherwise, ")");
            }
            Number::Text(left, right) => {
                write_to!(self, "len(\"<{", &**left, "} and {", &**right, "}>\")");
            }
        }
    }

    fn aggregate(&mut self, word: &str, value: Option<&Number>, item: usize, list: List, filter: &Truth) {
        write_to!(self, word, "(");
        if let Some(value) = value {
            write_to!(self, value);
        }
        write_to!(self, " FOR v", item, " IN l", list, " WHERE ", filter, ")");
    }

    fn words(&mut self, text: &Words) {
        match text {
            Words::Named(named) => write_to!(self, *named),
            Words::Constant(at) => write_to!(self, "\"", CONSTANTS[*at], "\""),
            Words::Joined(named, number) => write_to!(self, "\"{", *named, "}-{", &**number, "}\""),
            Words::Left(text, count) => write_to!(self, "left(", &**text, ", ", *count, ")"),
            Words::Upper(text) => write_to!(self, "upper(", &**text, ")"),
            Words::Replaced(text) => write_to!(self, "replace(", &**text, ", \"1\", \"one\")"),
        }
    }

    fn truth(&mut self, truth: &Truth) {
        self.0.push('(');
        match truth {
            Truth::Compare(comparison, left, right) => write_to!(self, left, " ", *comparison, " ", right),
            Truth::And(left, right) => write_to!(self, &**left, " AND ", &**right),
            Truth::Or(left, right) => write_to!(self, &**left, " OR ", &**right),
            Truth::Not(inner) => write_to!(self, "NOT ", &**inner),
            Truth::Each(all, list, item, inner) => {
                let word = if *all { "ALL(" } else { "ANY(" };
                write_to!(self, word, &**inner, " FOR v", *item, " IN l", *list, ")");
            }
            Truth::Same(left, right) => write_to!(self, "l", *left, " == l", *right),
            Truth::SameMap(left, right) => write_to!(self, "m", *left, " == m", *right),
            Truth::SameRecord => self.0.push_str("r0 == r1"),
            Truth::Is(case) => {
                write_to!(self, "k == ", ["Kind.zero", "Kind.one(1)", "Kind.two(1, 1)"][*case])
            }
            Truth::CompareTexts(comparison, left, right) => {
                write_to!(self, left, " ", *comparison, " ", right);
            }
            Truth::StartsWith(text, part) => write_to!(self, "starts_with(", text, ", ", part, ")"),
            Truth::Has(map, key) => write_to!(self, "m", *map, "[", &**key, "] != NONE"),
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

    fn entry(&mut self, map: Map, key: &Number) {
        write_to!(self, "m", map, "[", key, "]");
    }

    fn append(&mut self, list: List, items: &[Number]) {
        let room = MOST_ITEMS - items.len();
        write_to!(self, "IF len(l", list, ") <= ", room, " { l", list, " = append(l", list, ", [");
        for (at, item) in items.iter().enumerate() {
            write_to!(self, if at == 0 { "" } else { ", " }, item);
        }
        write_to!(self, "]) }");
    }

    fn statement(&mut self, statement: &Statement) {
        match statement {
            Statement::Act(value) => write_to!(self, "ACT(", value, ")"),
            Statement::Say(text) => write_to!(self, "SAY(", text, ")"),
            Statement::SetText(named, text) => write_to!(self, *named, " = ", text),
            Statement::SetNamedEntry(key, value) => write_to!(self, "named[", key, "] = ", value),
            Statement::ForNamedEntry(value, body) => {
                write_to!(self, "FOR EACH key", *value, ", v", *value, " IN named {\nSAY(key", *value, ")");
                write_to!(self, "\nIF v", *value, " > 0", body, "\n}");
            }
            Statement::Assign(name, value) => write_to!(self, "v", *name, " = ", value),
            Statement::SetItem(list, index, value) => {
                write_to!(self, "l", *list, "[", *index, "] = ", value);
            }
            Statement::AddToItem(list, index, value) => {
                write_to!(self, "l", *list, "[", index, "] += ", value);
            }
            Statement::Append(list, items) => self.append(*list, items),
            Statement::CopyList(to, from) => write_to!(self, "l", *to, " = l", *from),
            Statement::SetField(record, field, value) => {
                write_to!(self, "r", *record, ".", ["a", "b"][*field], " = ", value);
            }
            Statement::CopyRecord(to, from) => write_to!(self, "r", *to, " = r", *from),
            Statement::SetEntry(map, key, value) => {
                self.entry(*map, key);
                write_to!(self, " = ", value);
            }
            Statement::CopyMap(to, from) => write_to!(self, "m", *to, " = m", *from),
            Statement::EmptyMap(map) => write_to!(self, "m", *map, " = [:]"),
            Statement::SetState(value) => write_to!(self, "s = ", value),
            Statement::Record(value) => write_to!(self, "RECORD total = ", value),
            Statement::SetCase(case, left, right) => match case {
                0 => self.0.push_str("k = Kind.zero"),
                1 => write_to!(self, "k = Kind.one(", left, ")"),
                _ => write_to!(self, "k = Kind.two(", left, ", ", right, ")"),
            },
            Statement::Match([none, one, two], n, [left, right]) => {
                write_to!(self, "MATCH k { WHEN zero", none, "\nWHEN one(v", *n, ")", one);
                write_to!(self, "\nWHEN two(v", *left, ", v", *right, ")", two, " }");
            }
            Statement::If(condition, then, otherwise) => {
                write_to!(self, "IF ", condition, then);
                if !otherwise.is_empty() {
                    write_to!(self, " ELSE", otherwise);
                }
            }
            Statement::IfEntry(map, key, found, then, otherwise) => {
                write_to!(self, "IF LET v", *found, " = ");
                self.entry(*map, key);
                write_to!(self, then, " ELSE", otherwise);
            }
            Statement::ForEach(list, item, filter, body) => {
                write_to!(self, "FOR EACH v", *item, " IN l", *list, " WHERE ", filter, body);
            }
            Statement::ForEntry(map, key, value, body) => {
                write_to!(self, "FOR EACH v", *key, ", v", *value, " IN m", *map, body);
            }
            Statement::ForTop(bottom, most, list, item, key, found, body) => {
                let word = if *bottom { "BOTTOM " } else { "TOP " };
                write_to!(self, "FOR EACH v", *found, " IN ", word);
                match most {
                    // In brackets it would be the argument of a call.
                    Number::Constant(most) => write_to!(self, *most),
                    most => write_to!(self, most),
                }
                write_to!(self, " v", *item, " IN l", *list);
                write_to!(self, " BY ", key, body);
            }
            Statement::ForRange(item, first, last, body) => {
                write_to!(self, "FOR v", *item, " IN ", first, "..", *last, body);
            }
            Statement::ForUpTo(list, most, item, body) => {
                write_to!(self, "FOR EACH v", *item, " IN upto(l", *list, ", ", most, ")", body);
            }
            Statement::While(condition, most, body) => {
                write_to!(self, "WHILE ", condition, " MAX ", *most, body);
            }
            Statement::Pay => self.0.push_str("PAY(0)"),
            Statement::Buy(value) => write_to!(self, "BUY(min(", value, ", 5))"),
            Statement::Try(value, otherwise) => write_to!(self, "TRY RISKY(", value, ") ELSE", otherwise),
            Statement::Within(dollars, body, otherwise) => {
                write_to!(self, "WITHIN $", *dollars, body);
                if let Some(otherwise) = otherwise {
                    write_to!(self, " ELSE", otherwise);
                }
            }
            Statement::Break => self.0.push_str("BREAK"),
            Statement::Continue => self.0.push_str("CONTINUE"),
            Statement::Return => self.0.push_str("RETURN"),
        }
    }
}
