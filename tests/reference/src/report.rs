//! What came of an activation, in a form in which evaluators can be compared, and what evaluators are given.

use serde_json::Value as Json;

/// How an activation ended.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Report {
    /// `done`, `stopped`, `failed`, `trapped` or `limit`.
    pub outcome: &'static str,
    /// `stop`, `fail`, or the name of the trap or limit; empty where it simply came to its end.
    pub code: String,
    /// The program's own words of STOP and FAIL.
    pub reason: String,
    /// What the entry function returned, as JSON.
    pub result: Option<String>,
    /// The actions that were or are to be carried out: name and arguments as JSON.
    pub actions: Vec<(String, Vec<String>)>,
    /// Whether they were dropped.
    pub dropped: bool,
    /// Of the whole order: each metric that has a value, as JSON, by name.
    pub metrics: Vec<(String, String)>,
    /// Of the whole order: STATE, as JSON, by name.
    pub states: Vec<(String, String)>,
    /// Micro-dollars spent.
    pub money: i64,
    /// Tokens spent.
    pub tokens: i64,
    /// How many actions failed, were vetoed, were undone.
    pub failed: u64,
    /// Forbidden.
    pub vetoed: u64,
    /// Held in a block that was undone.
    pub undone: u64,
}

/// What can be spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Fuel of one activation.
    pub fuel: u64,
    /// Logical bytes of one activation.
    pub memory: u64,
    /// Live calls.
    pub depth: usize,
    /// Host calls of an order.
    pub host_calls: u64,
    /// Micro-dollars of an order.
    pub money: i64,
    /// Tokens of an order.
    pub tokens: i64,
}

impl Default for Limits {
    /// Those of the virtual machine.
    fn default() -> Self {
        Limits {
            fuel: 10_000_000,
            memory: 1 << 20,
            depth: 128,
            host_calls: 100_000,
            money: 10_000_000,
            tokens: 100_000,
        }
    }
}

/// What a host says to a call.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// The action was done.
    Done,
    /// The answer of a query.
    Value(Json),
    /// It could not do it, and why.
    Failed(String),
}

/// What answers host calls: given the name and the arguments as JSON.
pub type Host<'h> = dyn FnMut(&str, &[String]) -> Answer + 'h;

/// What begins an activation.
#[derive(Debug, Clone, PartialEq)]
pub enum Wake {
    /// The order starts.
    Start,
    /// A timer, by its number.
    Tick(usize),
    /// An event, by its name, with its arguments as JSON.
    Event(String, Vec<Json>),
}
