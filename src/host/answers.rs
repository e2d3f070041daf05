//! A host as a file describes it: what queries answer, and which actions fail.
//!
//! A line is `{"call": "price", "with": ["eu"], "answer": "$2"}` or
//! `{"call": "PAGE", "fails": "nobody is there"}`; without `with` it is about all arguments. Of two lines
//! that fit the later one counts, as with GIVEN in a TEST.

use std::path::Path;

use serde_json::{Map, Value as Json};
use swarm_bytecode::module::{Effect, Import, Module};
use swarm_bytecode::types::{Type, TypeId};
use swarm_grammar::suggest::closest;
use swarm_vm::{Answer, Call, Host, Program, Value};

use crate::files;
use crate::recording::Line;
use crate::status::{Failure, Fault};

/// What the lines of a file say.
#[derive(Debug, Clone, Default)]
pub(crate) struct Answers {
    /// The lines of a file, not yet read for a program.
    lines: Vec<Line>,
    /// What the file is called.
    name: String,
    rules: Vec<Rule>,
}

#[derive(Debug, Clone)]
struct Rule {
    name: String,
    /// As calls show them; `None`: any.
    arguments: Option<Vec<Json>>,
    answer: Result<Option<Value>, String>,
}

impl Answers {
    /// Reads the lines of a file.
    pub(crate) fn read(path: &Path) -> Result<Answers, Failure> {
        Ok(Answers { lines: files::read_lines(path)?, name: files::display_name(path), rules: Vec::new() })
    }

    /// What the lines mean for a program; all must be about calls that it makes, unless `any` may stand there.
    pub(crate) fn bind(&self, program: &Program, any: bool) -> Result<Answers, Failure> {
        let module = program.module();
        let mut rules = Vec::new();
        for (number, line) in &self.lines {
            let unfit = |message: String| {
                let place = format!("{}, line {number}", self.name);
                Failure::usage(Fault::WrongData, format_args!("{place}: {message}")).file(self.name.clone())
            };
            let called = line.get("call").and_then(Json::as_str).unwrap_or_default();
            let Some(import) = module.imports.iter().find(|import| import.name == called) else {
                if any && !called.is_empty() {
                    continue;
                }
                return Err(unknown(&unfit, called, module));
            };
            rules.push(rule(program, import, line).map_err(unfit)?);
        }
        Ok(Answers { rules, ..self.clone() })
    }

    /// A query of the program that nothing answers and that must have an answer.
    pub(crate) fn unanswered<'m>(&self, module: &'m Module) -> Option<&'m Import> {
        module.imports.iter().find(|import| {
            let optional = import.result.and_then(|ty| module.ty(ty));
            import.effect == Effect::Query
                && !matches!(optional, Some(Type::Optional(_)))
                && !self.rules.iter().any(|rule| import.name == rule.name)
        })
    }

    /// A host that has every action and does none, and answers as the lines say.
    pub(crate) fn host(self) -> Host<'static> {
        let mut host = Host::new();
        host.otherwise(move |call| self.answer(call));
        host
    }

    /// What the lines say of a call; none where no line is about calls of this name, or an action has no line
    /// that fits.
    pub(crate) fn given(&self, call: &Call<'_>) -> Option<Answer> {
        let named = || self.rules.iter().any(|rule| rule.name == call.name());
        self.told(call).or_else(|| (call.effect() == Effect::Query && named()).then(|| self.answer(call)))
    }

    /// The answer of the last line that fits, unless it only says that an action is done.
    fn told(&self, call: &Call<'_>) -> Option<Answer> {
        match self.fitting(call)?.answer.as_ref() {
            Ok(answer) => answer.clone().map(Answer::value),
            Err(why) => Some(Answer::failed(why.as_str())),
        }
    }

    fn fitting(&self, call: &Call<'_>) -> Option<&Rule> {
        let arguments = shown(call);
        self.rules.iter().rev().find(|rule| {
            rule.name == call.name() && rule.arguments.as_ref().is_none_or(|wanted| *wanted == arguments)
        })
    }

    fn answer(&self, call: &Call<'_>) -> Answer {
        match (self.told(call), call.effect()) {
            (Some(answer), _) => answer,
            (None, Effect::Query) => {
                let arguments: Vec<String> = shown(call).iter().map(Json::to_string).collect();
                Answer::failed(format!("nobody answers {}({})", call.name(), arguments.join(", ")))
            }
            (None, _) => Answer::done(),
        }
    }
}

/// The arguments of a call as traces show them.
fn shown(call: &Call<'_>) -> Vec<Json> {
    call.arguments().map(|argument| json(&argument.to_shown())).collect()
}

fn unknown(unfit: &dyn Fn(String) -> Failure, called: &str, module: &Module) -> Failure {
    if called.is_empty() {
        return unfit("`call` names the query or action, and it is missing".to_owned());
    }
    let failure = unfit(format!("the program does not call `{called}`"));
    match closest(called, module.imports.iter().map(|import| import.name.as_str())) {
        Some(near) => failure.note(format!("did you mean `{near}`?")),
        None => failure,
    }
}

fn rule(program: &Program, import: &Import, line: &Map<String, Json>) -> Result<Rule, String> {
    let arguments = match line.get("with") {
        None => None,
        Some(Json::Array(items)) if items.len() == import.parameters.len() => {
            let items = items.iter().zip(&import.parameters);
            Some(items.map(|(item, ty)| argument(program, *ty, item)).collect::<Result<_, _>>()?)
        }
        Some(_) => {
            let count = import.parameters.len();
            return Err(format!("`with` is an array of the {count} arguments of {}", import.name));
        }
    };
    let answer = match (line.get("answer"), line.get("fails"), import.result) {
        (None, Some(Json::String(why)), _) => Err(why.clone()),
        (Some(answer), None, Some(ty)) => {
            let answer = program.read_value("answer", ty, &answer.to_string());
            Ok(Some(answer.map_err(|error| error.to_string())?))
        }
        (None, None, None) => Ok(None),
        (Some(_), _, None) => return Err(format!("{} is an action: it is done, or it `fails`", import.name)),
        _ => return Err("a query has an `answer`, or it `fails` and says why".to_owned()),
    };
    Ok(Rule { name: import.name.to_string(), arguments, answer })
}

/// An argument as calls show it: a record is its KEY, anything else is read as its type.
fn argument(program: &Program, ty: TypeId, item: &Json) -> Result<Json, String> {
    if matches!(program.module().ty(ty), Some(Type::Record { .. })) {
        return Ok(item.clone());
    }
    let value = program.read_value("with", ty, &item.to_string());
    value.map(|value| json(&value)).map_err(|error| error.to_string())
}

fn json(value: &Value) -> Json {
    serde_json::from_str(&value.to_json()).unwrap_or(Json::Null)
}
