//! The written form of a trace: one JSON object a line.

use swarm_bytecode::codec::digest_text;

use super::{ActionResult, Event, EventKind, TraceSink, VetoedBy};
use crate::json::write_string;
use crate::report::PlaceName;
use crate::value::Value;

/// Version of the written form; `docs/trace.md` describes it.
pub const TRACE_VERSION: u32 = 1;

/// Appends an event as one line of JSON, line end included.
pub fn write_line(event: &Event<'_>, out: &mut String) {
    out.push_str(&format!(
        "{{\"seq\":{},\"fuel\":{},\"kind\":\"{}\"",
        event.seq,
        event.fuel,
        event.kind.name()
    ));
    if let Some(place) = &event.place {
        out.push_str(",\"place\":");
        write_place(place, out);
    }
    write_kind(&event.kind, out);
    out.push_str("}\n");
}

/// Appends a place as a JSON object.
pub(crate) fn write_place(place: &PlaceName, out: &mut String) {
    out.push_str("{\"function\":");
    match &place.function_name {
        Some(name) => write_string(name, out),
        None => out.push_str(&format!("\"#{}\"", place.function)),
    }
    out.push_str(&format!(",\"op\":{}", place.op));
    if let Some(source) = &place.source {
        out.push_str(",\"file\":");
        write_string(&source.file, out);
        out.push_str(&format!(",\"line\":{},\"column\":{}", source.line, source.column));
    }
    out.push('}');
}

fn write_kind(kind: &EventKind<'_>, out: &mut String) {
    match kind {
        EventKind::Run { instruction, version, digest, collected } => {
            out.push_str(&format!(",\"trace_version\":{TRACE_VERSION}"));
            text("instruction", instruction, out);
            out.push_str(&format!(",\"version\":{version}"));
            text("digest", &digest_text(digest), out);
            text("effects", if *collected { "collected" } else { "immediate" }, out);
        }
        EventKind::Call | EventKind::Step | EventKind::RoundsExhausted | EventKind::Rest => {}
        EventKind::Tick { timer } => out.push_str(&format!(",\"timer\":{timer}")),
        EventKind::Event { event, arguments } => {
            text("event", event, out);
            write_arguments(arguments, out);
        }
        EventKind::Veto { name, arguments, by, reason } => {
            text("name", name, out);
            write_arguments(arguments, out);
            match by {
                VetoedBy::Program { rule } => out.push_str(&format!(",\"by\":\"program\",\"rule\":{rule}")),
                VetoedBy::Agent => text("by", "agent", out),
                VetoedBy::Grant => text("by", "grant", out),
            }
            text("reason", reason, out);
        }
        EventKind::Within { phase } | EventKind::WithinEnd { phase } => write_phase(phase, out),
        EventKind::WithinUndone { phase, limit } => {
            write_phase(phase, out);
            text("code", limit.code(), out);
        }
        EventKind::Op { mnemonic } => text("mnemonic", mnemonic, out),
        EventKind::Action { name, arguments, result } => {
            text("name", name, out);
            write_arguments(arguments, out);
            write_result(*result, out);
        }
        EventKind::Query { name, arguments, answer } => {
            text("name", name, out);
            write_arguments(arguments, out);
            match answer {
                Ok(value) => write_value("answer", value, out),
                Err(error) => text("error", error, out),
            }
        }
        EventKind::Metric { name, value } => {
            text("name", name, out);
            write_value("value", value, out);
        }
        EventKind::Limit { limit } => text("code", limit.code(), out),
        EventKind::Trap { trap } => text("code", trap.code(), out),
        EventKind::Stop { reason } | EventKind::Fail { reason } => text("reason", reason, out),
        EventKind::Applied { action, name, result } => {
            out.push_str(&format!(",\"action\":{action}"));
            text("name", name, out);
            write_result(*result, out);
        }
        EventKind::End { outcome, digest } => {
            text("outcome", outcome.name(), out);
            match digest {
                Some(digest) => text("digest", &digest_text(digest), out),
                None => out.push_str(",\"digest\":null"),
            }
        }
    }
}

fn text(key: &str, value: &str, out: &mut String) {
    out.push_str(&format!(",\"{key}\":"));
    write_string(value, out);
}

fn write_phase(phase: &str, out: &mut String) {
    if !phase.is_empty() {
        text("phase", phase, out);
    }
}

fn write_value(key: &str, value: &Value, out: &mut String) {
    out.push_str(&format!(",\"{key}\":"));
    value.write_json(out);
}

fn write_arguments(arguments: &[Value], out: &mut String) {
    out.push_str(",\"args\":[");
    for (at, argument) in arguments.iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        argument.write_json(out);
    }
    out.push(']');
}

fn write_result(result: ActionResult<'_>, out: &mut String) {
    match result {
        ActionResult::Done => out.push_str(",\"result\":\"done\""),
        ActionResult::Held => out.push_str(",\"result\":\"held\""),
        ActionResult::Failed(error) => {
            out.push_str(",\"result\":\"failed\"");
            text("error", error, out);
        }
        ActionResult::Vetoed(reason) => {
            out.push_str(",\"result\":\"vetoed\"");
            text("reason", reason, out);
        }
    }
}

/// A sink that keeps a trace as text in memory.
#[derive(Debug, Clone, Default)]
pub struct JsonLines {
    text: String,
}

impl JsonLines {
    /// An empty trace.
    pub fn new() -> JsonLines {
        JsonLines::default()
    }

    /// What was written so far.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Takes out what was written so far.
    pub fn take(&mut self) -> String {
        std::mem::take(&mut self.text)
    }
}

impl TraceSink for JsonLines {
    fn event(&mut self, event: &Event<'_>) {
        write_line(event, &mut self.text);
    }
}
