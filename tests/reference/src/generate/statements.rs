//! Statements.

use super::Ty::{
    Bool, Box as BoxTy, Boxes, Counts, Duration, Float, Int, Ints, Kind, Login, MaybeInt, MaybeSecret, Money,
    Price, Secret, Secrets, Text, Texts, Tokens, Vault,
};
use super::{Maker, TYPES, Ty, Variable};

impl Maker<'_, '_> {
    /// So many statements, with blocks at most so deep, in a scope of their own.
    pub(super) fn statements(&mut self, count: usize, depth: usize) -> String {
        let known = self.scope.len();
        let mut text = String::new();
        for _ in 0..count {
            if self.left == 0 {
                break;
            }
            text.push_str(&self.statement(depth));
            text.push('\n');
        }
        self.scope.truncate(known);
        text
    }

    fn block(&mut self, depth: usize) -> String {
        let count = self.choices.below(3).saturating_add(1);
        format!("{{\n{}}}", self.statements(count, depth.saturating_sub(1)))
    }

    fn block_with(&mut self, names: &[(String, Ty)], depth: usize) -> String {
        let known = self.scope.len();
        let variable =
            |(name, ty): &(String, Ty)| Variable { name: name.clone(), ty: *ty, assignable: false };
        self.scope.extend(names.iter().map(variable));
        let block = self.block(depth);
        self.scope.truncate(known);
        block
    }

    fn statement(&mut self, depth: usize) -> String {
        self.left = self.left.saturating_sub(1);
        if depth == 0 {
            return self.simple();
        }
        match self.choices.below(16) {
            0 => self.branch(depth),
            1 => {
                let pairs = [(MaybeInt, Int), (MaybeInt, Int), (MaybeSecret, Secret)];
                let (maybe, ty) = self.choices.of(&pairs).unwrap_or((MaybeInt, Int));
                let (name, optional) = (self.name("o"), self.expression(maybe, 2));
                let then = self.block_with(&[(name.clone(), ty)], depth);
                format!("IF LET {name} = {optional} {then}{}", self.otherwise(depth))
            }
            2 => self.matched(depth),
            3 | 4 => self.for_each(depth),
            5 => {
                let condition = self.expression(Bool, 2);
                self.loops = self.loops.saturating_add(1);
                let body = self.block(depth);
                self.loops = self.loops.saturating_sub(1);
                format!("WHILE {condition} MAX {} {body}", self.choices.word(&["3", "goal", "1", "0"]))
            }
            6 | 7 => self.within(depth),
            8 if !self.undone => self.attempt(depth),
            _ => self.simple(),
        }
    }

    fn branch(&mut self, depth: usize) -> String {
        let condition = self.expression(Bool, 3);
        if self.choices.one_in(4) {
            return format!("IF {condition} THEN {}", self.simple_call());
        }
        let then = self.block(depth);
        format!("IF {condition} {then}{}", self.otherwise(depth))
    }

    fn otherwise(&mut self, depth: usize) -> String {
        if self.choices.one_in(2) { format!(" ELSE {}", self.block(depth)) } else { String::new() }
    }

    fn matched(&mut self, depth: usize) -> String {
        match self.choices.below(3) {
            0 => {
                let (subject, by) = (self.expression(Kind, 2), self.name("b"));
                let (high, odd) = (self.block_with(&[(by.clone(), Int)], depth), self.block(depth));
                let other = if self.choices.one_in(2) {
                    format!("WHEN low, OTHER {odd}\nWHEN odd {}", self.block(depth))
                } else {
                    format!("ELSE {odd}")
                };
                format!("MATCH {subject} {{\nWHEN high({by}) {high}\n{other}\n}}")
            }
            1 => {
                let (subject, some) = (self.expression(MaybeInt, 2), self.name("m"));
                let (then, none) = (self.block_with(&[(some.clone(), Int)], depth), self.block(depth));
                format!("MATCH {subject} {{\nWHEN SOME({some}) {then}\nWHEN NONE {none}\n}}")
            }
            _ => {
                let subject = self.expression(Int, 2);
                let (few, none) = (self.block(depth), self.block(depth));
                format!("MATCH {subject} {{\nWHEN 1, 2, 3 {few}\nELSE {none}\n}}")
            }
        }
    }

    fn for_each(&mut self, depth: usize) -> String {
        let (item, second) = (self.name("x"), self.name("y"));
        let (head, names) = match self.choices.below(9) {
            8 if !self.undone => return self.policy(&item),
            6 => (format!("FOR EACH {item} IN {}", self.expression(Secrets, 2)), vec![(item, Secret)]),
            7 => {
                let map = self.expression(Vault, 2);
                (format!("FOR EACH {item}, {second} IN {map}"), vec![(item, Text), (second, Secret)])
            }
            0 => {
                let (first, count) = (self.choices.of(&[0, 1, -2]).unwrap_or(0), self.choices.below(4));
                (format!("FOR {item} IN {first}..{count}"), vec![(item, Int)])
            }
            1 => {
                let map = self.expression(Counts, 2);
                (format!("FOR EACH {item}, {second} IN {map}"), vec![(item, Text), (second, Int)])
            }
            2 => {
                let list = self.expression(Ints, 2);
                (format!("FOR EACH {second}, {item} IN {list}"), vec![(second, Int), (item, Int)])
            }
            3 => (format!("FOR EACH {item} IN {}", self.expression(Texts, 2)), vec![(item, Text)]),
            4 => (format!("FOR EACH {item} IN {}", self.expression(Ints, 2)), vec![(item, Int)]),
            _ => (format!("FOR EACH {item} IN {}", self.expression(Boxes, 2)), vec![(item, BoxTy)]),
        };
        let known = self.scope.len();
        let variable =
            |(name, ty): &(String, Ty)| Variable { name: name.clone(), ty: *ty, assignable: false };
        self.scope.extend(names.iter().map(variable));
        let filter = if self.choices.one_in(3) && !head.contains("..") {
            format!(" WHERE {}", self.quiet_condition(2))
        } else {
            String::new()
        };
        self.loops = self.loops.saturating_add(1);
        let body = self.block(depth);
        self.loops = self.loops.saturating_sub(1);
        self.scope.truncate(known);
        format!("{head}{filter} {body}")
    }

    /// A loop over rows of the host with conditions on their fields, as policies have: the machine looks at many together.
    fn policy(&mut self, item: &str) -> String {
        const FIELDS: [(&str, &[&str]); 6] = [
            ("n", &["0", "-1", "-17", "3", "64", "9_223_372_036_854_775_807"]),
            ("cost", &["$0", "$0.5", "$12"]),
            ("size", &["0B", "17B", "1GB"]),
            ("share", &["0%", "20%", "21%"]),
            ("took", &["0s", "1s", "90s"]),
            ("late", &[]),
        ];
        let mut conditions = Vec::new();
        for (field, limits) in FIELDS {
            if self.choices.one_in(3) {
                continue;
            }
            self.reach.acts = true;
            let condition = self.compared(item, field, limits);
            let call = match self.choices.below(7) {
                0 => self.action(),
                1 => format!("SHOW({item}.n)"),
                2 => format!("MARK({item}, {item}.n)"),
                3 => {
                    let inner = self.compared(item, "n", &["64", "0", "-17"]);
                    let inner = format!("IF {inner} THEN MARK({item}, {item}.n)");
                    conditions.push(format!("IF {condition} {{\nSHOW({item}.n)\n{inner}\n}}"));
                    continue;
                }
                4 => {
                    let other = self.compared(item, field, limits);
                    conditions.push(format!("IF {other} THEN MARK({item}, 3)"));
                    format!("MARK({item}, 4)")
                }
                _ => format!("MARK({item}, {})", self.choices.word(&["1", "2", "goal", "-9_000_000_000"])),
            };
            conditions.push(format!("IF {condition} THEN {call}"));
        }
        format!("FOR EACH {item} IN boxes {{\n{}\n}}", conditions.join("\n"))
    }

    /// A field of a row compared with one of these limits, or a flag if there are none; now and then another one as well.
    fn compared(&mut self, item: &str, field: &str, limits: &[&'static str]) -> String {
        const RELATIONS: [&str; 6] = ["<", "<=", ">", ">=", "==", "!="];
        let first = match (self.choices.word(&RELATIONS), self.choices.word(limits)) {
            (relation, _) if limits.is_empty() => {
                format!("{}{item}.{field}", if relation == "!=" { "NOT " } else { "" })
            }
            (relation, limit) => format!("{item}.{field} {relation} {limit}"),
        };
        let other = self.choices.word(&RELATIONS);
        match self.choices.below(6) {
            0 => format!("{first} OR {item}.n {other} 64"),
            1 => format!("{first} AND {item}.n {other} -17"),
            _ => first,
        }
    }

    fn within(&mut self, depth: usize) -> String {
        // Constant parts may not be more than a constant whole, so those inside others depend on something.
        let budget = match self.choices.below(4) {
            _ if self.budgets > 0 => {
                self.choices.word(&["pot * 1%", "pot", "10 tokens * goal", "pot * 0.001"])
            }
            0 => self.choices.word(&["$0", "$0.02", "$1", "$5"]),
            1 => self.choices.word(&["0 tokens", "15 tokens", "100 tokens"]),
            2 => "30s, $0.05, 25 tokens".to_owned(),
            // No time at all is over before anything is done.
            _ => format!("pot, {}", if depth.is_multiple_of(2) { "3h" } else { "0s" }),
        };
        let phase = self.choices.one_in(3);
        let undoes = self.choices.one_in(3) || self.choices.one_in(2);
        let around = self.undone;
        self.undone |= undoes;
        self.budgets = self.budgets.saturating_add(1);
        let body = self.block(depth);
        self.budgets = self.budgets.saturating_sub(1);
        self.undone = around;
        let otherwise = if undoes { format!(" ELSE {}", self.block(depth)) } else { String::new() };
        if phase {
            format!("PHASE \"a part\" WITHIN {budget} {body}{otherwise}")
        } else {
            format!("WITHIN {budget} {body}{otherwise}")
        }
    }

    fn attempt(&mut self, depth: usize) -> String {
        self.reach.waits = true;
        let action = match self.choices.below(3) {
            0 => format!("ONE({})", self.expression(Ints, 2)),
            _ => self.action(),
        };
        let otherwise = self.block(depth);
        match self.choices.below(2) {
            0 => format!("TRY {action} ELSE {otherwise}"),
            _ => format!(
                "RETRY 3 TIMES BACKOFF {} {action} ELSE {otherwise}",
                self.choices.word(&["100ms", "0s", "3s"])
            ),
        }
    }

    fn action(&mut self) -> String {
        self.reach.acts = true;
        match self.choices.below(4) {
            3 => format!(
                "DEPLOY({}, {}, {})",
                self.expression(Secret, 2),
                self.expression(Login, 1),
                self.expression(Secrets, 1)
            ),
            0 => format!("SHOW({})", self.expression(Int, 3)),
            1 => format!("TELL({}, {})", self.expression(Text, 3), self.expression(BoxTy, 1)),
            _ => format!("PAY({}, {})", self.expression(Money, 2), self.expression(Tokens, 1)),
        }
    }

    /// A call for its effect.
    fn simple_call(&mut self) -> String {
        match self.callable(None) {
            Some(own) if self.choices.one_in(2) => {
                let arguments: Vec<String> =
                    own.parameters.iter().map(|ty| self.expression(*ty, 1)).collect();
                format!("{}({})", own.name, arguments.join(", "))
            }
            _ => self.action(),
        }
    }

    fn simple(&mut self) -> String {
        match self.choices.below(24) {
            0..7 => {
                let ty = self.choices.of(TYPES).unwrap_or(Int);
                let (value, name) = (self.expression(ty, 3), self.name("v"));
                self.scope.push(Variable { name: name.clone(), ty, assignable: true });
                format!("LET {name}: {} = {value}", ty.name())
            }
            7..11 => self.assignment(),
            11..14 => self.simple_call(),
            14 => self.sample(),
            15 if self.loops > 0 => {
                format!("IF {} THEN {}", self.expression(Bool, 2), self.choices.word(&["BREAK", "CONTINUE"]))
            }
            16 => {
                let condition = self.expression(Bool, 2);
                let ends = match (self.choices.below(4), self.result) {
                    (0, _) => format!("STOP {}", self.interpolated_or_plain()),
                    (1, _) => format!("FAIL {}", self.interpolated_or_plain()),
                    (_, Some(ty)) => format!("RETURN {}", self.expression(ty, 1)),
                    (_, None) => "{ RETURN\n}".to_owned(),
                };
                format!("IF {condition} THEN {ends}")
            }
            17 if self.choices.one_in(3) => format!("REQUIRE {} ELSE \"required\"", self.expression(Bool, 2)),
            18 => {
                let color = self.choices.word(&["red", "green", "blue"]);
                format!("s_colors[{color}] = {}", self.expression(Int, 2))
            }
            _ => self.assignment(),
        }
    }

    fn interpolated_or_plain(&mut self) -> String {
        self.choices.word(&["\"why\"", "\"{s_int} was it\"", "\"\""])
    }

    fn sample(&mut self) -> String {
        match self.choices.below(7) {
            0 => format!("RECORD total = {}", self.expression(Int, 2)),
            1 => format!("RECORD saved = {}", self.expression(Money, 2)),
            2 => format!("RECORD heat = {}", self.expression(Float, 2)),
            3 => format!("RECORD level = {}", self.expression(Int, 2)),
            4 => format!("RECORD spread = {}", self.expression(Int, 2)),
            5 => format!("RECORD waits = {}", self.expression(Duration, 2)),
            _ => format!("RECORD odds = {}", self.expression(Float, 2)),
        }
    }

    fn assignment(&mut self) -> String {
        let own = || self.scope.iter().filter(|own| own.assignable);
        let at = self.choices.below(own().count().saturating_mul(2).saturating_add(5));
        // A local twice as often as anything of STATE.
        if let Some(own) = own().chain(own()).nth(at) {
            let (name, ty) = (own.name.clone(), own.ty);
            return self.change(&name, ty);
        }
        match self.choices.below(15) {
            11 => self.change("s_secret", Secret),
            12 => self.change("s_secrets", Secrets),
            13 => self.change("s_vault", Vault),
            14 => self.change("s_login", Login),
            10 => self.change("s_price", Price),
            0 => self.change("s_int", Int),
            1 => self.change("s_text", Text),
            2 | 3 => self.change("s_ints", Ints),
            4 | 5 => self.change("s_counts", Counts),
            6 => self.change("s_box", BoxTy),
            7 => format!("s_plain.a = {}", self.expression(Int, 2)),
            8 => format!("s_plain.c = append(s_plain.c, [{}])", self.expression(Int, 1)),
            _ => format!("s_plain.c[{}] += {}", self.choices.word(&["0", "goal"]), self.expression(Int, 1)),
        }
    }

    /// One item or two.
    fn items(&mut self, item: Ty) -> String {
        let first = self.expression(item, 2);
        if self.choices.one_in(3) { format!("{first}, {}", self.expression(item, 2)) } else { first }
    }

    /// A variable, or a part of it, gets a value.
    fn change(&mut self, name: &str, ty: Ty) -> String {
        let whole = self.choices.one_in(3);
        match ty {
            Ints if !whole => match self.choices.below(4) {
                0 => format!("{name} = append({name}, [{}])", self.items(Int)),
                1 => format!("{name}[{}] += {}", self.index(1), self.expression(Int, 1)),
                _ => format!("{name}[{}] = {}", self.index(1), self.expression(Int, 2)),
            },
            Texts | Boxes if !whole && self.choices.one_in(2) => {
                let item = if ty == Texts { Text } else { BoxTy };
                format!("{name} = append({name}, [{}])", self.items(item))
            }
            Texts if !whole => format!("{name}[{}] = {}", self.index(1), self.expression(Text, 2)),
            Counts if !whole => match self.choices.below(3) {
                0 => format!("{name} = without({name}, {})", self.expression(Text, 1)),
                _ => format!("{name}[{}] = {}", self.expression(Text, 1), self.expression(Int, 2)),
            },
            Secrets if !whole => match self.choices.below(3) {
                0 => format!("{name} = append({name}, [{}])", self.items(Secret)),
                _ => format!("{name}[{}] = {}", self.index(1), self.expression(Secret, 2)),
            },
            Vault if !whole => {
                format!("{name}[{}] = {}", self.expression(Text, 1), self.expression(Secret, 2))
            }
            Login if !whole => match self.choices.below(3) {
                0 => format!("{name}.user = {}", self.expression(Text, 1)),
                1 => format!("{name}.spare = {}", self.expression(MaybeSecret, 1)),
                _ => format!("{name}.key = {}", self.expression(Secret, 2)),
            },
            BoxTy if !whole => match self.choices.below(5) {
                0 => format!("{name}.n = {}", self.expression(Int, 2)),
                1 => format!("{name}.tags = {}.tags", self.expression(BoxTy, 1)),
                2 => format!("{name}.kind = {}", self.expression(Kind, 1)),
                3 => format!("{name}.n += {}", self.expression(Int, 1)),
                _ => format!("{name}.cost -= {}", self.expression(Money, 1)),
            },
            Boxes if !whole => format!("{name}[{}].n = {}", self.index(1), self.expression(Int, 1)),
            Int | Float | Money | Duration | Tokens | Price if !whole => {
                format!("{name} {} {}", self.choices.word(&["+=", "-="]), self.expression(ty, 2))
            }
            _ => format!("{name} = {}", self.expression(ty, 3)),
        }
    }
}
