//! What the host said in a recorded run: its answers by call, in their order.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json};

use super::document::Line;

/// An answer of the host.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Told {
    /// The action is done.
    Done,
    /// The query's answer.
    Value(Json),
    /// It could not be done or answered.
    Failed(String),
}

/// A call as traces show it: its name, and its arguments as JSON.
pub(super) type Asked = (String, String);

/// What the host said, and how the run ended.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    pub(super) answers: BTreeMap<Asked, Vec<Told>>,
    pub(super) readings: Vec<u64>,
    /// Digest of the trace.
    pub(crate) digest: Option<String>,
    pub(crate) outcome: Option<String>,
}

impl Journal {
    /// Reads the events of a trace. Kinds it does not know say nothing of the host.
    pub(super) fn of(lines: &[Line]) -> Journal {
        let mut journal = Journal::default();
        // Actions of the activation, by their number.
        let mut issued: Vec<Asked> = Vec::new();
        for (_, event) in lines {
            match text(event, "kind") {
                "run" | "tick" | "event" => issued.clear(),
                "action" => {
                    let asked = asked(event);
                    issued.push(asked.clone());
                    journal.tell(asked, event);
                }
                "applied" => {
                    let number = event.get("action").and_then(Json::as_u64);
                    let at = number.and_then(|number| usize::try_from(number).ok());
                    if let Some(asked) = at.and_then(|at| issued.get(at)) {
                        journal.tell(asked.clone(), event);
                    }
                }
                "query" => {
                    let told = match event.get("answer") {
                        Some(answer) => Told::Value(answer.clone()),
                        None => Told::Failed(text(event, "error").to_owned()),
                    };
                    journal.answers.entry(asked(event)).or_default().push(told);
                }
                "end" => {
                    journal.digest = event.get("digest").and_then(Json::as_str).map(str::to_owned);
                    journal.outcome = Some(text(event, "outcome").to_owned());
                }
                "clock" => {
                    let readings = event.get("readings").and_then(Json::as_array);
                    journal.readings = readings.into_iter().flatten().filter_map(Json::as_u64).collect();
                }
                _ => {}
            }
        }
        journal
    }

    /// What became of an action, if the host was asked.
    fn tell(&mut self, asked: Asked, event: &Map<String, Json>) {
        let told = match text(event, "result") {
            "done" => Told::Done,
            "failed" => Told::Failed(text(event, "error").to_owned()),
            _ => return,
        };
        self.answers.entry(asked).or_default().push(told);
    }
}

fn asked(event: &Map<String, Json>) -> Asked {
    let arguments = event.get("args").map_or_else(|| "[]".to_owned(), Json::to_string);
    (text(event, "name").to_owned(), arguments)
}

fn text<'e>(event: &'e Map<String, Json>, key: &str) -> &'e str {
    event.get(key).and_then(Json::as_str).unwrap_or_default()
}
