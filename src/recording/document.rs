//! The text of a recording. Nothing here knows of files or commands, so that the fuzzer reaches it.

use base64ct::{Base64, Encoding};
use serde_json::{Map, Value as Json, json};
use swarm_vm::Limits;

use super::journal::Journal;

/// Version of the first line's form.
const RECORDING_VERSION: u64 = 1;
/// A line of JSON: its number and its members.
pub(crate) type Line = (usize, Map<String, Json>);

/// Lines of JSON, each an object, with their numbers from 1. Empty lines mean nothing.
///
/// # Errors
/// The number of a line that is no JSON object, and why.
pub(crate) fn lines(text: &str) -> Result<Vec<Line>, (usize, serde_json::Error)> {
    let lines = text.lines().zip(1_usize..).filter(|(line, _)| !line.trim().is_empty());
    lines
        .map(|(line, number)| match serde_json::from_str(line) {
            Ok(object) => Ok((number, object)),
            Err(error) => Err((number, error)),
        })
        .collect()
}

/// All that a program reads but the answers to its queries.
#[derive(Debug, Clone, Default)]
pub(crate) struct Given {
    /// The inputs' document.
    pub(crate) input: Option<Json>,
    /// The context's document.
    pub(crate) context: Option<Json>,
    /// The start of the run, in nanoseconds since 1970.
    pub(crate) now_ns: i64,
}

/// All that a run was given.
#[derive(Debug)]
pub(crate) struct Recording {
    /// The module, with its names and places.
    pub(crate) module: Vec<u8>,
    pub(crate) given: Given,
    pub(crate) limits: Limits,
    pub(crate) granted: Vec<String>,
    /// How long the order was played, in virtual time; else only START ran.
    pub(crate) time_ns: Option<u64>,
    /// Lines of its events.
    pub(crate) events: Vec<Line>,
}

impl Recording {
    /// The first line.
    pub(crate) fn line(&self) -> String {
        let limits = &self.limits;
        let events: Vec<&Map<String, Json>> = self.events.iter().map(|(_, event)| event).collect();
        let line = json!({
            "kind": "recording",
            "recording_version": RECORDING_VERSION,
            "module": Base64::encode_string(&self.module),
            "input": self.given.input,
            "context": self.given.context,
            "now_ns": self.given.now_ns,
            "limits": {
                "fuel": limits.fuel, "memory_bytes": limits.memory_bytes, "call_depth": limits.call_depth,
                "host_calls": limits.host_calls, "deadline_ns": limits.deadline_ns, "money": limits.money,
                "tokens": limits.tokens,
            },
            "granted": self.granted,
            "for_ns": self.time_ns,
            "events": events,
        });
        format!("{line}\n")
    }

    /// Reads the lines of a file: what the run was given, and what happened.
    ///
    /// # Errors
    /// Why they are no recording, with words of the first line as they stand there.
    pub(crate) fn read(lines: &[Line]) -> Result<(Recording, Journal), String> {
        let Some((_, first)) = lines.first() else { return Err("it is empty".to_owned()) };
        match first.get("kind").and_then(Json::as_str) {
            Some("recording") => {}
            Some(other) => return Err(format!("its first line is a `{other}`, not a `recording`")),
            None => return Err("its first line says of no event what it is".to_owned()),
        }
        let version = first.get("recording_version").and_then(Json::as_u64);
        if version != Some(RECORDING_VERSION) {
            return Err(format!("this Swarm reads version {RECORDING_VERSION} of recordings"));
        }
        let recording = Recording::of(first).ok_or("its first line is not whole")?;
        Ok((recording, Journal::of(lines.get(1..).unwrap_or(&[]))))
    }

    fn of(line: &Map<String, Json>) -> Option<Recording> {
        let number = |name: &str| line.get("limits")?.get(name)?.as_u64();
        let signed = |name: &str| line.get("limits")?.get(name)?.as_i64();
        let limits = Limits::default()
            .fuel(number("fuel")?)
            .memory_bytes(number("memory_bytes")?)
            .call_depth(u32::try_from(number("call_depth")?).ok()?)
            .host_calls(number("host_calls")?)
            .deadline_ns(number("deadline_ns")?)
            .money(signed("money")?)
            .tokens(signed("tokens")?);
        let document = |name: &str| line.get(name).filter(|document| !document.is_null()).cloned();
        let given = Given {
            input: document("input"),
            context: document("context"),
            now_ns: line.get("now_ns")?.as_i64()?,
        };
        let granted = line.get("granted")?.as_array()?.iter().map(|name| name.as_str().map(str::to_owned));
        let events = line.get("events")?.as_array()?.iter().zip(1_usize..);
        Some(Recording {
            module: Base64::decode_vec(line.get("module")?.as_str()?).ok()?,
            given,
            limits,
            granted: granted.collect::<Option<_>>()?,
            time_ns: match line.get("for_ns")? {
                Json::Null => None,
                time => Some(time.as_u64()?),
            },
            events: events
                .map(|(event, at)| Some((at, event.as_object()?.clone())))
                .collect::<Option<_>>()?,
        })
    }
}
