//! Makes well-typed programs with what they are given, from bytes: the same bytes give the same program, so a
//! fuzzer can mutate them.
//!
//! What a program says is chosen by the type that is wanted at a place, from all that has that type there:
//! variables, fields, operators, functions, aggregates. Values are small and often on the edge; loops are
//! short.

mod expressions;
pub mod modules;
mod statements;

use std::collections::BTreeSet;
use std::rc::Rc;

use arbitrary::Unstructured;
use serde_json::{Value as Json, json};

use crate::report::{Answer, Wake};

/// A program with what it is given.
#[derive(Debug, Clone)]
pub struct Generated {
    /// Its text.
    pub text: String,
    /// The inputs.
    pub input: Json,
    /// The order's context.
    pub context: Json,
    /// What begins each activation.
    pub wakes: Vec<Wake>,
}

/// The types that values of generated programs have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ty {
    Int,
    Float,
    Bool,
    Text,
    Duration,
    Bytes,
    Bandwidth,
    Money,
    Tokens,
    Percent,
    Time,
    /// Money for time, so many a time, money for tokens.
    Hourly,
    Pace,
    Price,
    MaybeInt,
    MaybeText,
    Ints,
    Texts,
    Counts,
    Box,
    Boxes,
    Kind,
    /// What is handed on and never looked at.
    Secret,
    MaybeSecret,
    Secrets,
    Vault,
    Login,
}

use Ty::{
    Bandwidth, Bool, Box as BoxTy, Boxes, Bytes, Counts, Duration, Float, Hourly, Int, Ints, Kind, Login,
    MaybeInt, MaybeSecret, MaybeText, Money, Pace, Percent, Price, Secret, Secrets, Text, Texts, Time,
    Tokens, Vault,
};

/// All of them.
const TYPES: &[Ty] = &[
    Int,
    Float,
    Bool,
    Text,
    Duration,
    Bytes,
    Bandwidth,
    Money,
    Tokens,
    Percent,
    Time,
    Hourly,
    Pace,
    Price,
    MaybeInt,
    MaybeText,
    Ints,
    Texts,
    Counts,
    BoxTy,
    Boxes,
    Kind,
    Secret,
    MaybeSecret,
    Secrets,
    Vault,
    Login,
];

impl Ty {
    /// As a declaration writes it.
    fn name(self) -> &'static str {
        match self {
            Int => "int",
            Float => "float",
            Bool => "bool",
            Text => "string",
            Duration => "duration",
            Bytes => "bytes",
            Bandwidth => "bandwidth",
            Money => "money",
            Tokens => "tokens",
            Percent => "percent",
            Time => "time",
            Hourly => "money/duration",
            Pace => "float/duration",
            Price => "money/tokens",
            MaybeInt => "int?",
            MaybeText => "string?",
            Ints => "list<int> MAX 12",
            Texts => "list<string> MAX 12",
            Counts => "map<string, int> MAX 12",
            BoxTy => "Box",
            Boxes => "list<Box> MAX 12",
            Kind => "Kind",
            Secret => "secret",
            MaybeSecret => "secret?",
            Secrets => "list<secret> MAX 12",
            Vault => "map<string, secret> MAX 12",
            Login => "Login",
        }
    }

    /// Whether a value of it is a secret or holds one.
    fn is_secret(self) -> bool {
        matches!(self, Secret | MaybeSecret | Secrets | Vault | Login)
    }
}

/// What programs declare beside their own functions, if they use it: the names by which they do, and the
/// declaration. Each stands behind those it needs.
const DECLARATIONS: &[(&str, &str)] = &[
    (
        "Kind low high odd",
        "ENUM Kind { low  high(by: int)  odd(why: string, took: duration)  OTHER(name: string) }",
    ),
    ("Color red green blue", "ENUM Color { red  green  blue }"),
    (
        "Box",
        "TYPE Box { id: string KEY  n: int = 0  cost: money IN USD = $0  size: bytes = 0B  share: percent = 0%  took: duration IN ms = 0s  tags: list<string> MAX 4 = []  kind: Kind = low  more: int? = NONE  late: bool = FALSE }",
    ),
    ("Plain", r#"TYPE Plain { a: int  b: string = ""  c: list<int> MAX 4 = [] }"#),
    ("Login", "TYPE Login { user: string = \"root\"  key: secret  spare: secret? = NONE }"),
    ("api_key", "INPUT api_key: secret"),
    ("boxes", "INPUT boxes: list<Box> MAX 12"),
    ("weights", "INPUT weights: map<string, int> MAX 12"),
    ("base", "INPUT base: float"),
    ("hourly", "INPUT hourly: money/duration"),
    ("goal", "CONTEXT goal: int = 3"),
    ("pot", "CONTEXT pot: money"),
    ("note", "CONTEXT note: string?"),
    ("mood", "CONTEXT mood: Kind = low"),
    ("total", "METRIC total: int TOTAL"),
    ("saved", "METRIC saved: money TOTAL"),
    ("heat", "METRIC heat: float GAUGE"),
    ("level", "METRIC level: int GAUGE"),
    ("spread", "METRIC spread: int DISTRIBUTION"),
    ("waits", "METRIC waits: duration DISTRIBUTION"),
    ("odds", "METRIC odds: float DISTRIBUTION"),
    ("s_int", "STATE s_int: int = 1"),
    ("s_text", r#"STATE s_text: string = "s""#),
    ("s_ints", "STATE s_ints: list<int> MAX 12 = [1, 2]"),
    ("s_counts", r#"STATE s_counts: map<string, int> MAX 12 = ["a": 1]"#),
    ("s_box", r#"STATE s_box: Box = Box(id: "kept", n: 2)"#),
    ("s_plain", "STATE s_plain: Plain = Plain(a: 1)"),
    ("s_price", "STATE s_price: money/tokens = $0.15 / 1_000_000 tokens"),
    ("s_colors", "STATE s_colors: map<Color, int> MAX 3 = [:]"),
    ("s_secret", "STATE s_secret: secret = api_key"),
    ("s_secrets", "STATE s_secrets: list<secret> MAX 12 = [api_key]"),
    ("s_vault", r#"STATE s_vault: map<string, secret> MAX 12 = ["a": api_key]"#),
    ("s_login", "STATE s_login: Login = Login(key: api_key)"),
    ("SHOW", "ACTION SHOW(n: int)"),
    ("TELL", "ACTION TELL(text: string, box: Box) IDEMPOTENT COSTS $0.01"),
    ("MARK", "ACTION MARK(box: Box, how: int) IDEMPOTENT"),
    ("PAY", "ACTION PAY(amount: money, limit: tokens) COSTS amount, limit"),
    ("ONE", "ACTION ONE(kinds: list<int> MAX 12) ONCE"),
    ("DEPLOY", "ACTION DEPLOY(key: secret, login: Login, more: list<secret> MAX 12)"),
    ("token_of", "QUERY token_of(user: string) -> secret"),
    ("spare_of", "QUERY spare_of(key: secret) -> secret?"),
    ("ask", "QUERY ask(n: int) -> int? COSTS 10 tokens"),
    ("quote", "QUERY quote(box: Box) -> money COSTS $0.02"),
    ("names", "QUERY names(text: string) -> list<string> MAX 6"),
    ("pick", "QUERY pick(n: int) -> Kind"),
    ("PING", "EVENT PING(n: int, text: string, key: secret)"),
];

/// The declarations that a text needs.
fn declarations(text: &str) -> String {
    fn words(text: &str) -> impl Iterator<Item = &str> {
        text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_')
    }
    let mut used: BTreeSet<&str> = words(text).collect();
    let mut needed = Vec::new();
    for (names, declaration) in DECLARATIONS.iter().rev() {
        if words(names).any(|name| used.contains(name)) {
            used.extend(words(declaration));
            needed.push(*declaration);
        }
    }
    needed.iter().rev().flat_map(|declaration| [*declaration, "\n"]).collect()
}

/// Gives out choices.
struct Choices<'u, 'b> {
    bytes: &'u mut Unstructured<'b>,
}

impl Choices<'_, '_> {
    /// A number below another; 0 once the bytes are used up.
    fn below(&mut self, count: usize) -> usize {
        self.bytes.int_in_range(0..=count.saturating_sub(1)).unwrap_or(0)
    }

    fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == count.saturating_sub(1)
    }

    fn of<T: Copy>(&mut self, items: &[T]) -> Option<T> {
        let at = self.below(items.len());
        items.get(at).copied()
    }

    fn word(&mut self, items: &[&'static str]) -> String {
        self.of(items).unwrap_or("").to_owned()
    }
}

/// A variable in scope.
#[derive(Debug, Clone)]
struct Variable {
    name: String,
    ty: Ty,
    assignable: bool,
}

/// A function that was declared before.
#[derive(Debug)]
struct Function {
    name: String,
    parameters: Vec<Ty>,
    result: Option<Ty>,
    reach: Reach,
}

/// What a function does outside, by itself or by what it calls.
#[derive(Debug, Clone, Copy, Default)]
struct Reach {
    /// It issues actions.
    acts: bool,
    /// It waits for them, or issues one that is ONCE.
    waits: bool,
}

/// A program being made.
struct Maker<'u, 'b> {
    choices: Choices<'u, 'b>,
    scope: Vec<Variable>,
    functions: Vec<Rc<Function>>,
    /// Names given so far.
    names: usize,
    /// Whether what is made may reach outside: not in a VETO.
    pure: bool,
    /// Whether it may issue actions: not inside of an aggregate.
    quiet: bool,
    /// Loops around, blocks with budgets around, and whether one of those can be undone.
    loops: usize,
    budgets: usize,
    undone: bool,
    /// What the function being made does.
    reach: Reach,
    result: Option<Ty>,
    /// How much more may be made.
    left: usize,
}

/// Makes a program.
pub fn program(bytes: &mut Unstructured<'_>) -> Generated {
    let mut maker = Maker {
        choices: Choices { bytes },
        scope: Vec::new(),
        functions: Vec::new(),
        names: 0,
        pure: false,
        quiet: false,
        loops: 0,
        budgets: 0,
        reach: Reach::default(),
        undone: false,
        result: None,
        left: 0,
    };
    let mut text = String::new();
    for _ in 0..maker.choices.below(4) {
        text.push_str(&maker.function());
    }
    text.push_str(&maker.handler("ON START", &[]));
    let ticks = maker.choices.below(2);
    if ticks > 0 {
        text.push_str(&maker.handler("EVERY 1min", &[]));
    }
    let pings = maker.choices.below(2);
    if pings > 0 {
        text.push_str(
            &maker.handler("ON PING(n, text, key) MAX 9", &[("n", Int), ("text", Text), ("key", Secret)]),
        );
    }
    if maker.choices.one_in(3) {
        text.push_str(&maker.veto());
    }
    let (input, context) = (maker.input(), maker.context());
    let mut wakes = vec![Wake::Start];
    for at in 0..maker.choices.below(3) {
        if ticks > 0 {
            wakes.push(Wake::Tick(0));
        }
        if pings > 0 {
            let number = maker.choices.of(&[0, -1, 7]).unwrap_or(0);
            wakes.push(Wake::Event(
                "PING".to_owned(),
                vec![json!(number), json!(format!("p{at}")), json!("k")],
            ));
        }
    }
    Generated { text: declarations(&text) + &text, input, context, wakes }
}

/// What the host of generated programs says: it depends on nothing but the call.
pub fn says(name: &str, arguments: &[String]) -> Answer {
    let sum: usize = arguments.iter().flat_map(|argument| argument.bytes()).map(usize::from).sum();
    let failed = || Answer::Failed("not now".to_owned());
    match name {
        "ask" if sum.is_multiple_of(5) => failed(),
        "ask" if sum % 5 == 1 => Answer::Value(Json::Null),
        "ask" => Answer::Value(json!(sum % 100)),
        "quote" if sum.is_multiple_of(97) => failed(),
        "quote" => Answer::Value(json!(format!("${}", sum % 7))),
        "token_of" if sum.is_multiple_of(11) => failed(),
        "token_of" => Answer::Value(json!(format!("token {sum}"))),
        "spare_of" => Answer::Value(json!("a spare key")),
        "names" => Answer::Value(Json::Array((0..sum % 6).map(|at| json!(format!("n{at}"))).collect())),
        "pick" => Answer::Value(match sum % 4 {
            0 => json!("low"),
            1 => json!({"high": {"by": sum}}),
            2 => json!({"odd": {"why": "?", "took": "3s"}}),
            _ => json!({"high": {"by": -1}}),
        }),
        _ if sum.is_multiple_of(4) => failed(),
        _ => Answer::Done,
    }
}

impl Maker<'_, '_> {
    fn name(&mut self, stem: &str) -> String {
        self.names = self.names.saturating_add(1);
        format!("{stem}{}", self.names)
    }

    fn function(&mut self) -> String {
        if self.choices.one_in(4) {
            return self.recursion();
        }
        let parameters: Vec<Ty> = (0..self.choices.below(4)).filter_map(|_| self.choices.of(TYPES)).collect();
        let result = if self.choices.one_in(4) { None } else { self.choices.of(TYPES) };
        self.function_of(parameters, result, |maker, _, scope, body| {
            if let Some(ty) = result {
                maker.enter(scope);
                maker.left = 20;
                body.push_str(&format!("RETURN {}\n", maker.expression(ty, 2)));
            }
        })
    }

    /// A function that begins by asking whether there is anything to do, and may call itself.
    fn recursion(&mut self) -> String {
        let mut parameters = vec![Int; self.choices.below(2).saturating_add(1)];
        parameters.extend((0..self.choices.below(2)).filter_map(|_| self.choices.of(TYPES)));
        let asked = self.choices.word(&["<", "<=", "==", "!=", ">", ">="]);
        let constant = self.choices.word(&["0", "1", "2", "2", "7", "-1", "40_000"]);
        let flipped = self.choices.one_in(4);
        let answer = self.choices.below(8);
        let others = self.choices.word(&["1", "0", "-3"]);
        self.function_of(parameters, Some(Int), |maker, own, scope, body| {
            let ints: Vec<&str> = scope.iter().filter(|(_, ty)| *ty == Int).map(|(name, _)| *name).collect();
            let (Some(first), Some(last)) = (ints.first(), ints.last()) else { return };
            let question = if flipped {
                format!("{constant} {asked} {first}")
            } else {
                format!("{first} {asked} {constant}")
            };
            let answer = match answer {
                0..3 => (*last).to_owned(),
                3..5 => (*first).to_owned(),
                5 => "0".to_owned(),
                6 => "255".to_owned(),
                _ => "256".to_owned(),
            };
            body.insert_str(0, &format!("IF {question} THEN RETURN {answer}\n"));
            maker.enter(scope);
            maker.left = 20;
            // One that acts would have no bound on what it does.
            if maker.reach.acts || maker.reach.waits {
                body.push_str(&format!("RETURN {}\n", maker.expression(Int, 2)));
                return;
            }
            let mut arguments = vec![format!("{first} - 1")];
            for (name, ty) in scope.iter().skip(1) {
                arguments.push(if *ty == Int { format!("{name} + {others}") } else { (*name).to_owned() });
            }
            let call = format!("{own}({})", arguments.join(", "));
            let around = std::mem::replace(&mut maker.quiet, true);
            body.push_str(&format!("RETURN {call} + {}\n", maker.expression(Int, 1)));
            maker.quiet = around;
        })
    }

    /// A function of some statements, and what `end` adds to them, which is told the function's name and parameters.
    fn function_of(
        &mut self,
        parameters: Vec<Ty>,
        result: Option<Ty>,
        end: impl FnOnce(&mut Self, &str, &[(&str, Ty)], &mut String),
    ) -> String {
        let name = self.name("f");
        let named: Vec<(String, Ty)> = parameters.iter().map(|ty| (self.name("p"), *ty)).collect();
        let declared: Vec<String> = named.iter().map(|(name, ty)| format!("{name}: {}", ty.name())).collect();
        let given = result.map_or(String::new(), |ty| format!(" -> {}", ty.name()));
        self.result = result;
        self.reach = Reach::default();
        let scope: Vec<(&str, Ty)> = named.iter().map(|(name, ty)| (name.as_str(), *ty)).collect();
        let mut body = self.body(&scope);
        end(self, &name, &scope, &mut body);
        self.scope.clear();
        self.result = None;
        let reach = self.reach;
        self.functions.push(Rc::new(Function { name: name.clone(), parameters, result, reach }));
        format!("FUNC {name}({}){given} {{\n{body}}}\n", declared.join(", "))
    }

    fn handler(&mut self, head: &str, parameters: &[(&str, Ty)]) -> String {
        let body = self.body(parameters);
        format!("{head} {{\n{body}}}\n")
    }

    fn enter(&mut self, parameters: &[(&str, Ty)]) {
        let parameter =
            |(name, ty): &(&str, Ty)| Variable { name: (*name).to_owned(), ty: *ty, assignable: false };
        self.scope = parameters.iter().map(parameter).collect();
    }

    fn body(&mut self, parameters: &[(&str, Ty)]) -> String {
        self.enter(parameters);
        // Most of what is said should be done: where much is said, something before it ends the activation.
        self.left = self.choices.of(&[8, 16, 24, 70]).unwrap_or(8);
        let count = self.choices.below(7).saturating_add(1);
        let body = self.statements(count, 3);
        self.scope.clear();
        body
    }

    fn veto(&mut self) -> String {
        let (head, scope): (&str, &[(&str, Ty)]) = match self.choices.below(3) {
            0 => ("SHOW(n)", &[("n", Int)]),
            1 => ("TELL(text, box)", &[("text", Text), ("box", BoxTy)]),
            _ => ("PAY(amount, limit)", &[("amount", Money), ("limit", Tokens)]),
        };
        self.enter(scope);
        (self.pure, self.left) = (true, 20);
        let condition = self.expression(Bool, 3);
        self.pure = false;
        self.scope.clear();
        format!("VETO {head} WHEN {condition} BECAUSE \"the rule\"\n")
    }

    fn input(&mut self) -> Json {
        let boxes: Vec<Json> = (0..self.choices.below(7)).map(|at| self.boxed(at)).collect();
        let mut weights = serde_json::Map::new();
        for _ in 0..self.choices.below(6) {
            let key = self.choices.word(&["a", "b", "zz", "ß", "", "a much longer key than others"]);
            weights.insert(key, json!(self.number()));
        }
        let base = self.choices.of(&[0.0, 1.5, -2.25, 1e300, 1e-9]).unwrap_or(0.0);
        let hourly = self.choices.of(&["$12.50/h", "$0/s", "$0.000001/min"]);
        json!({"boxes": boxes, "weights": weights, "base": base, "hourly": hourly, "api_key": "key-1234", "now": "2026-11-20T08:30:15Z"})
    }

    fn boxed(&mut self, at: usize) -> Json {
        let id = if self.choices.one_in(4) { "twin".to_owned() } else { format!("box-{at}") };
        let kind = match self.choices.below(4) {
            0 => json!("low"),
            1 => json!({"high": {"by": self.number()}}),
            2 => json!({"odd": {"why": "so", "took": "2s"}}),
            _ => json!("never heard of"),
        };
        let more = if self.choices.one_in(2) { json!(self.number()) } else { Json::Null };
        let tags: Vec<&str> =
            (0..self.choices.below(4)).filter_map(|_| self.choices.of(&["eu", "us", "keep"])).collect();
        json!({
            "id": id, "n": self.number(), "cost": self.choices.of(&[0.0, 0.5, 12.25]), "tags": tags, "kind": kind,
            "size": self.choices.of(&["0B", "1GB", "17B"]), "share": self.choices.of(&["0%", "20%", "150%"]),
            "took": self.choices.of(&[0, 250, 90_000]), "more": more, "late": self.choices.one_in(3),
        })
    }

    fn context(&mut self) -> Json {
        let mut context = serde_json::Map::new();
        context.insert("pot".to_owned(), json!(self.choices.of(&[0, 5, 100])));
        if self.choices.one_in(2) {
            context.insert("goal".to_owned(), json!(self.number()));
        }
        if self.choices.one_in(2) {
            context.insert("note".to_owned(), json!("noted"));
        }
        Json::Object(context)
    }

    fn number(&mut self) -> i64 {
        self.choices.of(&[0, 1, -1, 2, 3, 5, 8, 64, -17, 1_000_000, i64::MAX, i64::MIN]).unwrap_or(0)
    }
}
