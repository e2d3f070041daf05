//! The host of a test: it does what GIVEN says, and remembers what it was asked in vain.

use std::cell::RefCell;
use std::rc::Rc;

use smol_str::SmolStr;
use swarm_bytecode::module::Module;
use swarm_bytecode::types::{Type, TypeId};
use swarm_vm::{Answer, Call, Secret, Value};

/// What GIVEN says about calls; shared between the test and the host.
#[derive(Debug, Clone, Default)]
pub(super) struct Script(Rc<RefCell<Lines>>);

#[derive(Debug, Default)]
struct Lines {
    rules: Vec<Rule>,
    unanswered: Vec<String>,
}

#[derive(Debug)]
struct Rule {
    name: SmolStr,
    arguments: Vec<Value>,
    /// `None`: it fails.
    answer: Option<Value>,
}

impl Script {
    /// A call with these arguments answers this, or fails. What was said last counts.
    pub(super) fn add(&self, name: SmolStr, arguments: Vec<Value>, answer: Option<Value>) {
        self.0.borrow_mut().rules.push(Rule { name, arguments, answer });
    }

    /// What the host does.
    pub(super) fn answer(&self, call: &Call<'_>) -> Answer {
        let mut lines = self.0.borrow_mut();
        let arguments: Vec<Value> = call.arguments().map(|argument| argument.to_shown()).collect();
        let fits = |rule: &&Rule| rule.name == call.name() && rule.arguments == arguments;
        match (lines.rules.iter().rev().find(fits), call.result()) {
            (Some(Rule { answer: Some(answer), .. }), _) => Answer::value(answer.clone()),
            (Some(Rule { answer: None, .. }), _) => Answer::failed("the TEST makes it fail"),
            (None, None) => Answer::done(),
            (None, Some(_)) => {
                let issued = super::Issued { name: call.name().to_owned(), arguments };
                lines.unanswered.push(issued.to_string());
                Answer::failed("no GIVEN answers it")
            }
        }
    }

    /// Queries that no GIVEN answered, since this was asked last.
    pub(super) fn unanswered(&self) -> Vec<String> {
        std::mem::take(&mut self.0.borrow_mut().unanswered)
    }
}

/// A value as calls show it: a record with a KEY is that field.
pub fn as_shown(module: &Module, ty: TypeId, value: &Value) -> Value {
    match (module.ty(ty), value) {
        (Some(Type::Record { fields, .. }), Value::Record(values)) => {
            let mut pairs = fields.iter().zip(values);
            match pairs.clone().find(|(field, _)| field.key) {
                Some((field, (_, key))) => as_shown(module, field.ty, key),
                None => Value::Record(
                    pairs
                        .by_ref()
                        .map(|(field, (name, value))| (name.clone(), as_shown(module, field.ty, value)))
                        .collect(),
                ),
            }
        }
        (Some(Type::List { element, .. }), Value::List(items)) => {
            Value::List(items.iter().map(|item| as_shown(module, *element, item)).collect())
        }
        (Some(Type::Optional(inner)), value) if *value != Value::None => as_shown(module, *inner, value),
        (Some(Type::Secret), Value::String(text)) => Value::Secret(Secret::new(text)),
        _ => value.clone(),
    }
}
