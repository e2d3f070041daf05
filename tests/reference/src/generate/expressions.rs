//! Expressions of a type.

use std::rc::Rc;

use super::Maker;
use super::Ty::{
    self, Bandwidth, Bool, Box as BoxTy, Boxes, Bytes, Counts, Duration, Float, Hourly, Int, Ints, Kind,
    Login, MaybeInt, MaybeSecret, MaybeText, Money, Pace, Percent, Price, Secret, Secrets, Text, Texts, Time,
    Tokens, Vault,
};

/// What each type is called with, at the end of every way.
fn literals(ty: Ty) -> &'static [&'static str] {
    match ty {
        Int => &["0", "1", "2", "3", "7", "(-1)", "(-4)", "63", "100", "9223372036854775807"],
        Float => &["0.0", "1.0", "0.5", "(-2.25)", "1e300", "1e-3", "3.0"],
        Bool => &["TRUE", "FALSE"],
        Text => &[
            "\"\"",
            "\"a\"",
            "\"abc\"",
            "\"eu-west\"",
            "\"Zürich\"",
            "\" b  c \"",
            "\"12\"",
            "\"2.5\"",
            "\"a,b,,c\"",
            "\"a text of rather more than thirty-two bytes\"",
        ],
        Duration => &["0s", "1s", "250ms", "3min", "2h", "1d", "7ns"],
        Bytes => &["0B", "1B", "17B", "1GB", "3MiB", "4TB"],
        Bandwidth => &["1bps", "100Mbps", "1Gbps"],
        Money => &["$0", "$1", "$0.000001", "$12.5", "$500"],
        Tokens => &["0 tokens", "1 tokens", "30 tokens", "50_000 tokens"],
        Percent => &["0%", "20%", "100%", "0.5%", "250%"],
        Time => &["now", "time(\"2026-11-20T08:30:15Z\")", "time(\"1999-12-31T23:59:59Z\")"],
        Hourly => &["$12.50/h", "$0.01/s", "$3/min", "hourly"],
        Pace => &["89/min", "0.5/h", "1/s"],
        Price => &["($0.15 / 1_000_000 tokens)", "$2/token", "s_price"],
        MaybeInt => &["level", "p50(spread)", "first(s_ints)"],
        MaybeText => &["note"],
        Ints => &["s_ints", "[1, 2, 3]", "[5]", "[3, 1, 3, 2]"],
        Texts => &["[\"a\", \"b\"]", "[\"x\"]"],
        Counts => &["s_counts", "weights", "[\"a\": 1, \"b\": 2]", "[\"k\": 3]"],
        BoxTy => &["s_box", "Box(id: \"new\")", "Box(id: \"b\", n: 3, cost: $2)"],
        Boxes => &["boxes"],
        Kind => &["Kind.low", "high(by: 2)", "odd(why: \"x\", took: 1s)", "mood"],
        Secret => &["s_secret", "api_key"],
        MaybeSecret => &["first(s_secrets)", "s_vault[\"a\"]", "s_login.spare"],
        Secrets => &["s_secrets", "[api_key]"],
        Vault => &["s_vault", "[\"b\": s_secret]"],
        Login => &["s_login", "Login(key: api_key)"],
    }
}

impl Maker<'_, '_> {
    /// An expression of a type, at most so deep.
    pub(super) fn expression(&mut self, ty: Ty, depth: usize) -> String {
        self.left = self.left.saturating_sub(1);
        if depth == 0 || self.left == 0 || self.choices.one_in(5) {
            return self.leaf(ty);
        }
        match self.choices.below(8) {
            0 => self.leaf(ty),
            1 => {
                let condition = self.expression(Bool, depth.saturating_sub(1));
                let (then, otherwise) = (
                    self.expression(ty, depth.saturating_sub(1)),
                    self.expression(ty, depth.saturating_sub(1)),
                );
                format!("(IF {condition} THEN {then} ELSE {otherwise})")
            }
            2 => self.called(ty, depth).unwrap_or_else(|| self.leaf(ty)),
            _ => self.made(ty, depth.saturating_sub(1)),
        }
    }

    /// A variable or a literal.
    fn leaf(&mut self, ty: Ty) -> String {
        let own = || self.scope.iter().filter(|own| own.ty == ty);
        let at = self.choices.below(own().count().saturating_add(2));
        match own().nth(at) {
            Some(own) => own.name.clone(),
            None => self.choices.word(literals(ty)),
        }
    }

    /// A place in a list, mostly one that is there.
    pub(super) fn index(&mut self, depth: usize) -> String {
        if self.choices.one_in(4) { self.expression(Int, depth) } else { self.choices.word(&["0", "0", "1"]) }
    }

    /// A call of a function of the program that gives this type.
    fn called(&mut self, ty: Ty, depth: usize) -> Option<String> {
        if self.pure {
            return None;
        }
        let own = self.callable(Some(ty))?;
        let arguments: Vec<String> =
            own.parameters.iter().map(|ty| self.expression(*ty, depth.saturating_sub(2))).collect();
        Some(format!("{}({})", own.name, arguments.join(", ")))
    }

    /// A function of the program that gives this, and may be called here.
    pub(super) fn callable(&mut self, result: Option<Ty>) -> Option<Rc<super::Function>> {
        let (quiet, undone) = (self.quiet, self.undone);
        let fits = |own: &&Rc<super::Function>| {
            own.result == result && !(quiet && own.reach.acts) && !(undone && own.reach.waits)
        };
        let at = self.choices.below(self.functions.iter().filter(fits).count());
        let own = Rc::clone(self.functions.iter().filter(fits).nth(at)?);
        self.reach.acts |= own.reach.acts;
        self.reach.waits |= own.reach.waits;
        Some(own)
    }

    /// A condition in which nothing may happen.
    pub(super) fn quiet_condition(&mut self, depth: usize) -> String {
        let around = std::mem::replace(&mut self.quiet, true);
        let condition = self.expression(Bool, depth);
        self.quiet = around;
        condition
    }

    /// A query, where the program may ask.
    fn asked(&mut self, call: &str, ty: Ty, otherwise: Ty, depth: usize) -> String {
        if self.pure { self.leaf(otherwise) } else { format!("{call}({})", self.expression(ty, depth)) }
    }

    /// What stands behind FOR in an aggregate: over boxes, numbers, texts or a map.
    fn over(&mut self, depth: usize, make: impl FnOnce(&mut Self, &str, Ty) -> String) -> String {
        let item = self.name("i");
        let known = self.scope.len();
        let around = std::mem::replace(&mut self.quiet, true);
        let (ty, source) = match self.choices.below(4) {
            0 => (BoxTy, format!("{item} IN {}", self.expression(Boxes, depth))),
            1 => (Int, format!("{item} IN {}", self.expression(Ints, depth))),
            2 => (Text, format!("{item} IN {}", self.expression(Texts, depth))),
            _ => {
                let key = self.name("k");
                let source = format!("{key}, {item} IN {}", self.expression(Counts, depth));
                self.scope.push(super::Variable { name: key, ty: Text, assignable: false });
                (Int, source)
            }
        };
        self.scope.push(super::Variable { name: item.clone(), ty, assignable: false });
        let value = make(self, &item, ty);
        let filtered = self.choices.one_in(2);
        let filter =
            if filtered { format!(" WHERE {}", self.expression(Bool, depth)) } else { String::new() };
        self.quiet = around;
        self.scope.truncate(known);
        format!("{value} FOR {source}{filter}")
    }

    /// An int of an item.
    fn int_of(&mut self, item: &str, ty: Ty, depth: usize) -> String {
        match ty {
            BoxTy => format!("{item}.n"),
            Text => format!("len({item})"),
            _ => self.expression(Int, depth),
        }
    }

    /// A quantity by what all quantities can.
    fn quantity(&mut self, ty: Ty, depth: usize) -> String {
        let one = self.expression(ty, depth);
        match self.choices.below(11) {
            0 => format!("({one} + {})", self.expression(ty, depth)),
            1 => format!("({one} - {})", self.expression(ty, depth)),
            2 => format!("({one} * {})", self.expression(Int, depth)),
            3 => format!("({one} * {})", self.expression(Float, depth)),
            4 => format!("({one} / {})", self.expression(Int, depth)),
            5 => format!("({one} / {})", self.expression(Float, depth)),
            6 => format!("({one} * {})", self.expression(Percent, depth)),
            7 => format!("abs({one})"),
            8 => format!("min({one}, {})", self.expression(ty, depth)),
            9 => format!("max({one}, {})", self.expression(ty, depth)),
            _ => format!("clamp({one}, {}, {})", self.expression(ty, depth), self.expression(ty, depth)),
        }
    }

    /// A rate.
    fn rate(&mut self, ty: Ty, depth: usize) -> String {
        let (above, below) = match ty {
            Hourly => (Money, Duration),
            Pace => (Float, Duration),
            _ => (Money, Tokens),
        };
        match self.choices.below(6) {
            0 => self.pair(ty, "+", depth),
            1 => self.pair(ty, "-", depth),
            2 => format!("({} * {})", self.expression(ty, depth), self.expression(Percent, depth)),
            3 => format!("({} * {})", self.expression(Float, depth), self.expression(ty, depth)),
            4 => format!("({} / {})", self.expression(ty, depth), self.expression(Int, depth)),
            _ => format!("({} / {})", self.expression(above, depth), self.expression(below, depth)),
        }
    }

    /// Two of a type with something between them.
    fn pair(&mut self, ty: Ty, between: &str, depth: usize) -> String {
        format!("({} {between} {})", self.expression(ty, depth), self.expression(ty, depth))
    }

    fn made(&mut self, ty: Ty, depth: usize) -> String {
        match ty {
            Int => self.int(depth),
            Float => self.float(depth),
            Bool => self.bool(depth),
            Text => self.text(depth),
            Duration if self.choices.one_in(4) => match self.choices.below(4) {
                3 => format!("({} / {})", self.expression(Money, depth), self.expression(Hourly, depth)),
                0 => self.pair(Time, "-", depth),
                1 => format!("({} / {})", self.expression(Bytes, depth), self.expression(Bandwidth, depth)),
                _ => format!("(mean(waits) ?? {})", self.expression(Duration, depth)),
            },
            Money if self.choices.one_in(4) => match self.choices.below(5) {
                0 => format!("({} * {})", self.expression(Hourly, depth), self.expression(Duration, depth)),
                4 => format!("({} * {})", self.expression(Tokens, depth), self.expression(Price, depth)),
                1 => format!(
                    "SUM({})",
                    self.over(depth, |own, item, ty| {
                        if ty == BoxTy { format!("{item}.cost") } else { own.leaf(Money) }
                    })
                ),
                2 => self.asked("quote", BoxTy, Money, depth),
                _ => "saved".to_owned(),
            },
            Bytes if self.choices.one_in(4) => {
                format!("({} * {})", self.expression(Bandwidth, depth), self.expression(Duration, depth))
            }
            Bandwidth if self.choices.one_in(3) => {
                format!("({} / {})", self.expression(Bytes, depth), self.expression(Duration, depth))
            }
            Percent if self.choices.one_in(3) => {
                format!("percent_of({}, {})", self.expression(Money, depth), self.expression(Money, depth))
            }
            Percent => {
                let between = self.choices.word(&["+", "-", "*"]);
                self.pair(Percent, &between, depth)
            }
            Duration | Bytes | Bandwidth | Money | Tokens => self.quantity(ty, depth),
            Time => format!(
                "({} {} {})",
                self.expression(Time, depth),
                self.choices.word(&["+", "-"]),
                self.expression(Duration, depth)
            ),
            Hourly | Pace | Price => self.rate(ty, depth),
            MaybeInt => self.maybe_int(depth),
            MaybeText => match self.choices.below(3) {
                0 => format!("get({}, {})", self.expression(Texts, depth), self.expression(Int, depth)),
                1 => format!("last({})", self.expression(Texts, depth)),
                _ => format!("MIN({})", self.over(depth, |own, _, _| own.expression(Text, 1))),
            },
            Ints => self.ints(depth),
            Texts => self.texts(depth),
            Counts => match self.choices.below(2) {
                0 => format!("without({}, {})", self.expression(Counts, depth), self.expression(Text, depth)),
                _ => format!(
                    "[{}: {}, \"a\": {}]",
                    self.expression(Text, depth),
                    self.expression(Int, depth),
                    self.expression(Int, depth)
                ),
            },
            BoxTy => match self.choices.below(2) {
                0 => format!(
                    "Box(id: {}, n: {}, kind: {})",
                    self.expression(Text, depth),
                    self.expression(Int, depth),
                    self.expression(Kind, depth)
                ),
                _ => format!("{}[{}]", self.expression(Boxes, 0), self.index(depth)),
            },
            Boxes => self.boxes(depth),
            Secret | MaybeSecret | Secrets | Vault | Login => self.secret(ty, depth),
            Kind => match self.choices.below(4) {
                0 => format!("high(by: {})", self.expression(Int, depth)),
                1 => format!(
                    "odd(why: {}, took: {})",
                    self.expression(Text, depth),
                    self.expression(Duration, depth)
                ),
                2 => self.asked("pick", Int, Kind, depth),
                _ => format!("{}.kind", self.expression(BoxTy, depth)),
            },
        }
    }

    /// A secret, or what holds some.
    fn secret(&mut self, ty: Ty, depth: usize) -> String {
        match (ty, self.choices.below(5)) {
            (Secret, 0) => {
                format!("({} ?? {})", self.expression(MaybeSecret, depth), self.expression(Secret, depth))
            }
            (Secret, 1) => format!("{}.key", self.expression(Login, depth)),
            (Secret, 2) => format!("{}[{}]", self.expression(Secrets, 0), self.index(depth)),
            (Secret, 3) => self.asked("token_of", Text, Secret, depth),
            (MaybeSecret, 0) => {
                format!("get({}, {})", self.expression(Secrets, depth), self.expression(Int, depth))
            }
            (MaybeSecret, 1) => format!("s_vault[{}]", self.expression(Text, depth)),
            (MaybeSecret, 2) => format!("{}.spare", self.expression(Login, depth)),
            (MaybeSecret, 3) => self.asked("spare_of", Secret, MaybeSecret, depth),
            (Secrets, 0) => format!("reverse({})", self.expression(Secrets, depth)),
            (Secrets, 1) => {
                format!("append({}, [{}])", self.expression(Secrets, depth), self.expression(Secret, depth))
            }
            (Secrets, 2) => format!("values({})", self.expression(Vault, depth)),
            (Secrets, 3) => format!("COLLECT({})", self.over(depth, |own, _, _| own.expression(Secret, 1))),
            (Vault, 0 | 1) => {
                format!("without({}, {})", self.expression(Vault, depth), self.expression(Text, depth))
            }
            (Vault, 2 | 3) => format!(
                "[{}: {}, \"a\": {}]",
                self.expression(Text, depth),
                self.expression(Secret, depth),
                self.expression(Secret, depth)
            ),
            (Login, 0 | 1) => format!(
                "Login(user: {}, key: {}, spare: {})",
                self.expression(Text, depth),
                self.expression(Secret, depth),
                self.expression(MaybeSecret, depth)
            ),
            _ => self.leaf(ty),
        }
    }

    fn int(&mut self, depth: usize) -> String {
        match self.choices.below(24) {
            0 => self.pair(Int, "+", depth),
            1 => self.pair(Int, "-", depth),
            2 => self.pair(Int, "*", depth),
            3 => self.pair(Int, "DIV", depth),
            4 => self.pair(Int, "MOD", depth),
            5 => format!("(-({}))", self.expression(Int, depth)),
            6 => format!("({} ?? {})", self.expression(MaybeInt, depth), self.expression(Int, depth)),
            7 => format!("{}[{}]", self.expression(Ints, 0), self.index(depth)),
            8 => {
                let ty = self.choices.of(&[Text, Ints, Texts, Counts, Boxes, Secrets]).unwrap_or(Text);
                format!("len({})", self.expression(ty, depth))
            }
            9 => format!(
                "COUNT({})",
                self.over(depth, |own, _, _| if own.choices.one_in(2) {
                    own.expression(Bool, 1)
                } else {
                    String::new()
                })
            ),
            10 | 11 => format!("SUM({})", self.over(depth, |own, item, ty| own.int_of(item, ty, 1))),
            12 => {
                let rounding = self.choices.word(&["round", "floor", "ceil"]);
                format!("{rounding}({})", self.expression(Float, depth))
            }
            13 => {
                let bits = self.choices.word(&[
                    "bit_and",
                    "bit_or",
                    "xor",
                    "shift_left",
                    "shift_right",
                    "min",
                    "max",
                ]);
                format!("{bits}({}, {})", self.expression(Int, depth), self.expression(Int, depth))
            }
            14 => {
                let part =
                    self.choices.word(&["year", "month", "day", "hour", "minute", "second", "weekday"]);
                format!("{part}({})", self.expression(Time, depth))
            }
            15 => {
                let ty = self.choices.of(&[Duration, Bytes, Money, Tokens]).unwrap_or(Money);
                self.pair(ty, "DIV", depth)
            }
            16 => format!("{}.n", self.expression(BoxTy, depth)),
            17 => self.choices.word(&["s_int", "total", "goal", "s_plain.a", "s_plain.c[0]"]),
            18 => format!("bit_not({})", self.expression(Int, depth)),
            19 => format!("abs({})", self.expression(Int, depth)),
            20 => format!(
                "clamp({}, {}, {})",
                self.expression(Int, depth),
                self.expression(Int, depth),
                self.expression(Int, depth)
            ),
            21 => format!("(s_colors[{}] ?? 0)", self.choices.word(&["red", "green", "Color.blue"])),
            _ => self.leaf(Int),
        }
    }

    fn float(&mut self, depth: usize) -> String {
        match self.choices.below(20) {
            17 => format!("({} * {})", self.expression(Pace, depth), self.expression(Duration, depth)),
            18 => {
                let rate = self.choices.of(&[Hourly, Pace, Price]).unwrap_or(Pace);
                self.pair(rate, "/", depth)
            }
            0 => self.pair(Float, "+", depth),
            1 => self.pair(Float, "-", depth),
            2 => self.pair(Float, "*", depth),
            3 => self.pair(Float, "/", depth),
            4 => self.pair(Int, "/", depth),
            5 => {
                let ty = self.choices.of(&[Duration, Bytes, Money, Tokens, Percent]).unwrap_or(Money);
                self.pair(ty, "/", depth)
            }
            6 => format!("to_float({})", self.expression(Int, depth)),
            7 => format!("sqrt({})", self.expression(Float, depth)),
            8 => format!("seconds({})", self.expression(Duration, depth)),
            9 => format!(
                "(ratio({}, {}) ?? 0.5)",
                self.expression(Money, depth),
                self.expression(Money, depth)
            ),
            10 => format!("({} * {})", self.expression(Int, depth), self.expression(Percent, depth)),
            11 => format!("(AVG({}) ?? 0.0)", self.over(depth, |own, item, ty| own.int_of(item, ty, 1))),
            12 => self.choices.word(&[
                "(heat ?? 1.0)",
                "(mean(odds) ?? 0.0)",
                "(p90(odds) ?? 1.0)",
                "(mean(spread) ?? 0.0)",
                "base",
            ]),
            13 | 19 => format!("(-({}))", self.expression(Float, depth)),
            14 => format!("(parse_float({}) ?? 0.0)", self.expression(Text, depth)),
            15 => format!("(AVG({}) ?? 0.0)", self.over(depth, |own, _, _| own.expression(Float, 1))),
            _ => format!("SUM({})", self.over(depth, |own, _, _| own.expression(Float, 1))),
        }
    }

    fn bool(&mut self, depth: usize) -> String {
        match self.choices.below(15) {
            13 => {
                format!("({} {} NONE)", self.expression(MaybeSecret, depth), self.choices.word(&["==", "!="]))
            }
            0..4 => {
                let ty = self
                    .choices
                    .of(&[Int, Int, Float, Text, Duration, Money, Percent, Time, Bytes, Hourly, Pace])
                    .unwrap_or(Int);
                let comparison = self.choices.word(&["==", "!=", "<", "<=", ">", ">="]);
                self.pair(ty, &comparison, depth)
            }
            4 => {
                let ty = self.choices.of(&[Ints, Texts, Counts, BoxTy, Kind, Boxes, Bool]).unwrap_or(Ints);
                let comparison = self.choices.word(&["==", "!="]);
                self.pair(ty, &comparison, depth)
            }
            5 => self.pair(Bool, "AND", depth),
            6 => self.pair(Bool, "OR", depth),
            7 => format!("(NOT {})", self.expression(Bool, depth)),
            8 => format!("ANY({})", self.over(depth, |own, _, _| own.expression(Bool, 1))),
            9 => format!("ALL({})", self.over(depth, |own, _, _| own.expression(Bool, 1))),
            10 => {
                let test = self.choices.word(&["starts_with", "ends_with"]);
                format!("{test}({}, {})", self.expression(Text, depth), self.expression(Text, depth))
            }
            11 => {
                let (whole, part) =
                    self.choices.of(&[(Ints, Int), (Texts, Text), (Text, Text)]).unwrap_or((Ints, Int));
                format!("({} CONTAINS {})", self.expression(whole, depth), self.expression(part, depth))
            }
            12 => format!("({} CONTAINS {})", self.expression(Counts, depth), self.expression(Text, depth)),
            _ => format!(
                "near({}, {}, {})",
                self.expression(Float, depth),
                self.expression(Float, depth),
                self.expression(Percent, depth)
            ),
        }
    }

    fn text(&mut self, depth: usize) -> String {
        match self.choices.below(13) {
            0..3 => self.interpolated(),
            3 => {
                let native = self.choices.word(&["lower", "upper", "trim"]);
                format!("{native}({})", self.expression(Text, depth))
            }
            4 => format!(
                "replace({}, {}, {})",
                self.expression(Text, depth),
                self.expression(Text, depth),
                self.expression(Text, depth)
            ),
            5 => format!("left({}, {})", self.expression(Text, depth), self.expression(Int, depth)),
            6 => format!("right({}, {})", self.expression(Text, depth), self.expression(Int, depth)),
            7 => format!("repeat({}, {})", self.expression(Text, depth), self.expression(Int, 0)),
            8 => format!("join({}, {})", self.expression(Texts, depth), self.expression(Text, depth)),
            9 => format!("({} ?? {})", self.expression(MaybeText, depth), self.expression(Text, depth)),
            10 => format!("{}.id", self.expression(BoxTy, depth)),
            11 => format!("{}[{}]", self.expression(Texts, 0), self.index(depth)),
            _ => self.choices.word(&["s_text", "s_plain.b", "s_box.id"]),
        }
    }

    /// A string with holes; no quotes stand in them, so only names do.
    fn interpolated(&mut self) -> String {
        let mut text = String::from("\"");
        for _ in 0..self.choices.below(3).saturating_add(1) {
            let own = || {
                self.scope.iter().filter(|own| !matches!(own.ty, MaybeInt | MaybeText) && !own.ty.is_secret())
            };
            let at = self.choices.below(own().count().saturating_add(3));
            let hole = match own().nth(at) {
                Some(own) => own.name.clone(),
                None => self.choices.word(&[
                    "s_int",
                    "s_box",
                    "s_ints",
                    "s_counts",
                    "pot",
                    "now",
                    "base",
                    "s_plain",
                    "mood",
                    "1GB / 8s",
                    "$12.50/h * 2",
                    "s_colors",
                ]),
            };
            text.push_str(&format!("{{{hole}}} "));
        }
        text.push('"');
        text
    }

    fn maybe_int(&mut self, depth: usize) -> String {
        match self.choices.below(12) {
            0 => format!("get({}, {})", self.expression(Ints, depth), self.expression(Int, depth)),
            1 => format!("first({})", self.expression(Ints, depth)),
            2 => format!("last({})", self.expression(Ints, depth)),
            3 => format!("parse_int({})", self.expression(Text, depth)),
            4 => format!("index_of({}, {})", self.expression(Text, depth), self.expression(Text, depth)),
            5 => format!("index_of({}, {})", self.expression(Ints, depth), self.expression(Int, depth)),
            6 => format!("{}[{}]", self.choices.word(&["s_counts", "weights"]), self.expression(Text, depth)),
            7 => format!("MIN({})", self.over(depth, |own, item, ty| own.int_of(item, ty, 1))),
            8 => format!("MAX({})", self.over(depth, |own, item, ty| own.int_of(item, ty, 1))),
            9 => self.choices.word(&["p50(spread)", "p99(spread)", "level", "p90(spread)", "p95(spread)"]),
            10 => format!("{}.more", self.expression(BoxTy, depth)),
            _ => self.asked("ask", Int, MaybeInt, depth),
        }
    }

    fn ints(&mut self, depth: usize) -> String {
        match self.choices.below(11) {
            0 => format!("[{}, {}]", self.expression(Int, depth), self.expression(Int, depth)),
            1 => {
                let native = self.choices.word(&["reverse", "sort", "unique"]);
                format!("{native}({})", self.expression(Ints, depth))
            }
            2 => format!(
                "slice({}, {}, {})",
                self.expression(Ints, depth),
                self.expression(Int, depth),
                self.expression(Int, depth)
            ),
            3 => format!("append({}, {})", self.expression(Ints, depth), self.expression(Ints, depth)),
            4 => format!("append({}, [{}])", self.expression(Ints, depth), self.expression(Int, depth)),
            5 => format!("values({})", self.expression(Counts, depth)),
            6 | 7 => format!("COLLECT({})", self.over(depth, |own, item, ty| own.int_of(item, ty, 1))),
            8 => {
                let (item, best) = (self.name("t"), self.choices.word(&["TOP 2", "BOTTOM 3", "TOP goal"]));
                let list = self.expression(Ints, depth);
                self.scope.push(super::Variable { name: item.clone(), ty: Int, assignable: false });
                let around = std::mem::replace(&mut self.quiet, true);
                let key = self.expression(Int, 1);
                self.quiet = around;
                self.scope.pop();
                format!("({best} {item} IN {list} BY {key})")
            }
            _ => self.leaf(Ints),
        }
    }

    fn texts(&mut self, depth: usize) -> String {
        match self.choices.below(7) {
            0 => format!("split({}, {})", self.expression(Text, depth), self.expression(Text, depth)),
            1 => format!("words({})", self.expression(Text, depth)),
            2 => format!("keys({})", self.expression(Counts, depth)),
            3 => format!("COLLECT({})", self.over(depth, |own, _, _| own.expression(Text, 1))),
            4 => format!("sort({})", self.expression(Texts, depth)),
            5 => self.asked("names", Text, Texts, depth),
            _ => format!("{}.tags", self.expression(BoxTy, depth)),
        }
    }

    fn boxes(&mut self, depth: usize) -> String {
        match self.choices.below(5) {
            0 => format!("reverse({})", self.expression(Boxes, depth)),
            1 => format!("unique({})", self.expression(Boxes, depth)),
            2 => {
                let (item, best) = (self.name("t"), self.choices.word(&["TOP 2", "BOTTOM 2", "TOP 9"]));
                let list = self.expression(Boxes, depth);
                let key = self.choices.word(&["n", "cost", "id", "share", "took"]);
                format!("({best} {item} IN {list} WHERE {item}.n >= 0 BY {item}.{key})")
            }
            3 => format!("slice({}, {}, 3)", self.expression(Boxes, depth), self.expression(Int, depth)),
            _ => format!("[{}, {}]", self.expression(BoxTy, depth), self.expression(BoxTy, depth)),
        }
    }
}
