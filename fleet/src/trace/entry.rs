//! One thing that happened, in a few bytes. Events of the virtual machine have the numbers they have in its
//! digest; what the agent adds begins at 32. Names are indices into the program's tables: the plan has the
//! program.
//!
//! ```text
//! entry = kind [function op] payload      kind: the number, and 128 more if a place follows
//! ```
//!
//! Numbers are LEB128. Events of the machine begin their payload with the fuel used since the event before.

use smol_str::SmolStr;
use swarm_bytecode::module::Module;
use swarm_bytecode::op::Op;
use swarm_bytecode::types::{Dimension, TypeId};
use swarm_vm::trace::{ActionResult, Event, EventKind, VetoedBy};
use swarm_vm::{Secret, Value};

use crate::codec::{Reader, Writer};
use crate::message::cut;
use crate::order::Sha256Digest;
use crate::refusal::{Cause, Refusal};
use crate::window::Number;

/// How deep values nest.
const MAX_DEPTH: u32 = 64;

/// Most bytes of a text in an entry.
pub const MAX_TEXT: usize = 4096 + 64;

/// Most values of a list, a record or an argument list.
const MAX_ITEMS: usize = 1 << 16;

/// Added to the kind where a place follows.
const PLACED: u8 = 128;

/// Entries of one activation, back to back.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Entries {
    bytes: Vec<u8>,
    ends: Vec<usize>,
    /// Fuel at the event before.
    fuel: u64,
}

/// What became of an action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Became {
    /// It was done.
    Done,
    /// It waits.
    Held,
    /// The host could not: why.
    Failed(SmolStr),
    /// It was forbidden by the time it was to be done: why.
    Vetoed(SmolStr),
}

/// An entry.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Function and op, where there is a place.
    pub place: Option<(u16, u32)>,
    /// What happened.
    pub what: What,
}

/// What an entry says.
#[derive(Debug, Clone, PartialEq)]
pub enum What {
    /// START begins.
    Run,
    /// A timer begins an activation.
    Tick(u16),
    /// An event begins an activation.
    Event(SmolStr, Vec<Value>),
    /// An action was issued: import, arguments, result.
    Action(u16, Vec<Value>, Became),
    /// A query was answered: import, arguments, answer or error.
    Query(u16, Vec<Value>, Result<Value, SmolStr>),
    /// A sample of a metric.
    Metric(u16, Number),
    /// An action that was held was carried out: its number, its import, result.
    Applied(u64, u16, Became),
    /// An action was forbidden: import, arguments, by whom (1 program, 2 agent, 3 grant), why.
    Veto(u16, Vec<Value>, u8, SmolStr),
    /// Another event of the machine, by its number, and its texts.
    Other(u8, Vec<SmolStr>),
    /// The order is over: `done`, `stopped`, `failed`, `limit`, `trapped`.
    End(SmolStr),
    /// The program from here on: order and digest.
    Program([u8; 16], Sha256Digest),
    /// Milliseconds of the agent's clock since the last such entry, or the chunk's beginning.
    Clock(u64),
    /// The activation is over; it spent fuel, micro-dollars and tokens.
    Spent(u64, i64, i64),
    /// Actions that were in doubt, and so not done.
    InDoubt(u64),
    /// A sample of a metric that the host took of the agent.
    Measured(u16, Number),
    /// The order ended here: how, and why.
    Ended(SmolStr, SmolStr),
    /// So many entries were not kept, for want of room.
    Lost(u64),
}

impl Entries {
    /// How many there are.
    pub fn count(&self) -> usize {
        self.ends.len()
    }

    /// Each entry's bytes.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, end)| self.bytes.get(start..*end).unwrap_or_default())
    }

    fn put(&mut self, write: impl FnOnce(&mut Writer)) {
        let mut writer = Writer { bytes: std::mem::take(&mut self.bytes) };
        write(&mut writer);
        self.bytes = writer.bytes;
        self.ends.push(self.bytes.len());
    }

    /// An entry as it stands in a log.
    pub(super) fn raw(&mut self, entry: &[u8]) {
        self.put(|writer| writer.raw(entry));
    }

    /// An event of the virtual machine.
    pub fn event(&mut self, module: &Module, event: &Event<'_>) {
        let begins =
            matches!(event.kind, EventKind::Run { .. } | EventKind::Tick { .. } | EventKind::Event { .. });
        let before = if begins { 0 } else { self.fuel };
        self.fuel = event.fuel;
        let since = i128::from(event.fuel).saturating_sub(i128::from(before));
        self.put(|writer| {
            let place = event.place.as_ref().map(|place| (place.function, place.op));
            head(writer, number(&event.kind), place);
            writer.whole(since);
            payload(writer, module, &event.kind);
        });
    }

    /// An entry of the agent's own.
    pub fn own(&mut self, what: &What) {
        self.put(|writer| own(writer, what));
    }
}

fn head(writer: &mut Writer, kind: u8, place: Option<(u16, u32)>) {
    writer.byte(kind | if place.is_some() { PLACED } else { 0 });
    if let Some((function, op)) = place {
        writer.unsigned(function.into());
        writer.unsigned(op.into());
    }
}

/// The numbers are those of the digest; calls, steps and ops are not in it.
fn number(kind: &EventKind<'_>) -> u8 {
    match kind {
        EventKind::Run { .. } => 1,
        EventKind::Action { .. } => 2,
        EventKind::Query { .. } => 3,
        EventKind::Metric { .. } => 4,
        EventKind::RoundsExhausted => 5,
        EventKind::Limit { .. } => 6,
        EventKind::Trap { .. } => 7,
        EventKind::Stop { .. } => 8,
        EventKind::Fail { .. } => 9,
        EventKind::Applied { .. } => 10,
        EventKind::End { .. } => 11,
        EventKind::Veto { .. } => 12,
        EventKind::Within { .. } => 13,
        EventKind::WithinEnd { .. } => 14,
        EventKind::WithinUndone { .. } => 15,
        EventKind::Tick { .. } | EventKind::Event { .. } => 16,
        EventKind::Rest => 17,
        EventKind::Call => 18,
        EventKind::Op { .. } => 20,
        _ => 19,
    }
}

/// How many texts the payload of an event of this number has, where it has nothing else.
fn texts(kind: u8) -> Option<usize> {
    match kind {
        5 | 17 | 18 | 19 => Some(0),
        6..=9 | 13 | 14 | 20 => Some(1),
        15 => Some(2),
        _ => None,
    }
}

fn payload(writer: &mut Writer, module: &Module, kind: &EventKind<'_>) {
    match kind {
        EventKind::Run { .. } => {}
        EventKind::Tick { timer } => {
            writer.byte(1);
            writer.unsigned((*timer).into());
        }
        EventKind::Event { event, arguments } => {
            writer.byte(2);
            text(writer, event);
            values(writer, arguments);
        }
        EventKind::Action { name, arguments, result } => {
            writer.count(import(module, name));
            values(writer, arguments);
            became(writer, *result);
        }
        EventKind::Query { name, arguments, answer } => {
            writer.count(import(module, name));
            values(writer, arguments);
            match answer {
                Ok(answer) => {
                    writer.byte(1);
                    value(writer, answer, 0);
                }
                Err(error) => {
                    writer.byte(0);
                    text(writer, error);
                }
            }
        }
        EventKind::Metric { name, value } => {
            writer.count(position(module.metrics.iter().map(|metric| &metric.name), name));
            sample(writer, sample_of(value).unwrap_or(Number::Word(0)));
        }
        EventKind::Applied { action, name, result } => {
            writer.unsigned(*action);
            writer.count(import(module, name));
            became(writer, *result);
        }
        EventKind::Veto { name, arguments, by, reason } => {
            writer.count(import(module, name));
            values(writer, arguments);
            writer.byte(match by {
                VetoedBy::Program { .. } => 1,
                VetoedBy::Agent => 2,
                VetoedBy::Grant => 3,
            });
            text(writer, reason);
        }
        EventKind::Limit { limit } => text(writer, limit.code()),
        EventKind::Trap { trap } => text(writer, trap.code()),
        EventKind::Stop { reason } | EventKind::Fail { reason } => text(writer, reason),
        EventKind::Within { phase } | EventKind::WithinEnd { phase } => text(writer, phase),
        EventKind::WithinUndone { phase, limit } => {
            text(writer, phase);
            text(writer, limit.code());
        }
        EventKind::End { outcome, .. } => text(writer, outcome.name()),
        EventKind::Op { mnemonic } => text(writer, mnemonic),
        // Calls, steps, rounds and rests say nothing but that they happened.
        _ => {}
    }
}

fn own(writer: &mut Writer, what: &What) {
    match what {
        What::Program(order, digest) => {
            writer.byte(32);
            writer.raw(order);
            writer.raw(digest);
        }
        What::Clock(milliseconds) => {
            writer.byte(33);
            writer.unsigned(*milliseconds);
        }
        What::Spent(fuel, money, tokens) => {
            writer.byte(34);
            writer.unsigned(*fuel);
            writer.whole((*money).into());
            writer.whole((*tokens).into());
        }
        What::InDoubt(count) => {
            writer.byte(35);
            writer.unsigned(*count);
        }
        What::Measured(metric, number) => {
            writer.byte(36);
            writer.unsigned((*metric).into());
            sample(writer, *number);
        }
        What::Ended(outcome, reason) => {
            writer.byte(37);
            text(writer, cut(outcome));
            text(writer, cut(reason));
        }
        What::Lost(count) => {
            writer.byte(38);
            writer.unsigned(*count);
        }
        What::Applied(action, import, result) => {
            writer.byte(10);
            writer.whole(0);
            writer.unsigned(*action);
            writer.unsigned((*import).into());
            became(
                writer,
                match result {
                    Became::Done => ActionResult::Done,
                    Became::Held => ActionResult::Held,
                    Became::Failed(why) => ActionResult::Failed(why),
                    Became::Vetoed(why) => ActionResult::Vetoed(why),
                },
            );
        }
        // The machine's other events come from the machine.
        _ => writer.byte(17),
    }
}

fn import(module: &Module, name: &str) -> usize {
    position(module.imports.iter().map(|import| &import.name), name)
}

fn position<'n>(mut names: impl Iterator<Item = &'n SmolStr>, name: &str) -> usize {
    names.position(|own| own == name).unwrap_or(usize::from(u16::MAX))
}

fn text(writer: &mut Writer, text: &str) {
    let end = (0..=MAX_TEXT.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    writer.blob(text.get(..end).unwrap_or_default().as_bytes());
}

fn became(writer: &mut Writer, result: ActionResult<'_>) {
    match result {
        ActionResult::Done => writer.byte(1),
        ActionResult::Held => writer.byte(2),
        ActionResult::Failed(why) => {
            writer.byte(3);
            text(writer, why);
        }
        ActionResult::Vetoed(why) => {
            writer.byte(4);
            text(writer, why);
        }
    }
}

/// A sample as figures count it; nothing for what is no number.
pub fn sample_of(value: &Value) -> Option<Number> {
    Some(match value {
        Value::Int(word) | Value::Quantity(_, word) => Number::Word(i128::from(*word)),
        Value::Bool(flag) => Number::Word(i128::from(*flag)),
        Value::Float(float) | Value::Rate(_, float) => Number::Float(*float),
        _ => return None,
    })
}

/// Whole numbers as twice their value, floats as 1 and their bits: one number tells both.
fn sample(writer: &mut Writer, number: Number) {
    match number {
        Number::Word(word) => writer.whole(word.saturating_mul(2)),
        Number::Float(float) => {
            writer.whole(1);
            writer.raw(&float.to_le_bytes());
        }
    }
}

fn values(writer: &mut Writer, values: &[Value]) {
    writer.count(values.len().min(MAX_ITEMS));
    values.iter().take(MAX_ITEMS).for_each(|own| value(writer, own, 0));
}

fn value(writer: &mut Writer, own: &Value, depth: u32) {
    let deeper = depth.saturating_add(1);
    if depth >= MAX_DEPTH {
        return writer.byte(12);
    }
    let fields = |writer: &mut Writer, fields: &[(SmolStr, Value)]| {
        writer.count(fields.len().min(MAX_ITEMS));
        for (name, field) in fields.iter().take(MAX_ITEMS) {
            text(writer, name);
            value(writer, field, deeper);
        }
    };
    match own {
        Value::None => writer.byte(0),
        Value::Bool(false) => writer.byte(1),
        Value::Bool(true) => writer.byte(2),
        Value::Int(word) => {
            writer.byte(3);
            writer.whole((*word).into());
        }
        Value::Float(float) => {
            writer.byte(4);
            writer.raw(&float.to_le_bytes());
        }
        Value::Quantity(ty, word) => {
            writer.byte(5);
            writer.unsigned(ty.0.into());
            writer.whole((*word).into());
        }
        Value::Rate(Dimension { time, data, money, tokens }, float) => {
            writer.byte(6);
            [*time, *data, *money, *tokens].into_iter().for_each(|power| writer.byte(power.cast_unsigned()));
            writer.raw(&float.to_le_bytes());
        }
        Value::String(own) => {
            writer.byte(7);
            text(writer, own);
        }
        Value::List(items) => {
            writer.byte(8);
            writer.count(items.len().min(MAX_ITEMS));
            items.iter().take(MAX_ITEMS).for_each(|item| value(writer, item, deeper));
        }
        Value::Map(entries) => {
            writer.byte(9);
            writer.count(entries.len().min(MAX_ITEMS));
            for (key, held) in entries.iter().take(MAX_ITEMS) {
                value(writer, key, deeper);
                value(writer, held, deeper);
            }
        }
        Value::Record(own) => {
            writer.byte(10);
            fields(writer, own);
        }
        Value::Case(name, own) => {
            writer.byte(11);
            text(writer, name);
            fields(writer, own);
        }
        Value::Secret(_) => writer.byte(13),
        _ => writer.byte(12),
    }
}

/// Reads entries one after the other.
#[derive(Debug)]
pub struct EntryReader<'a> {
    reader: Reader<'a>,
}

impl<'a> EntryReader<'a> {
    /// A reader of the entries of a chunk.
    pub fn new(bytes: &'a [u8]) -> EntryReader<'a> {
        EntryReader { reader: Reader::new(bytes, Cause::NoTrace) }
    }

    /// The byte the next entry begins at.
    pub fn offset(&self) -> usize {
        self.reader.offset()
    }

    /// The next entry; `None` at the end.
    ///
    /// # Errors
    /// [`Cause::NoTrace`] where the bytes are no entry.
    pub fn next_entry(&mut self) -> Result<Option<Entry>, Refusal> {
        if self.reader.is_at_end() { Ok(None) } else { read(&mut self.reader).map(Some) }
    }
}

fn read(reader: &mut Reader<'_>) -> Result<Entry, Refusal> {
    let first = reader.byte()?;
    let kind = first & !PLACED;
    let small =
        |reader: &mut Reader<'_>| reader.unsigned(u16::MAX.into()).map(|own| u16::try_from(own).unwrap_or(0));
    let place = if first & PLACED == 0 { None } else { Some((small(reader)?, reader.small()?)) };
    if kind < 32 {
        let _fuel = reader.whole()?;
    }
    let what = match kind {
        1 => What::Run,
        16 => match reader.byte()? {
            1 => What::Tick(small(reader)?),
            2 => What::Event(read_text(reader)?, read_values(reader)?),
            _ => return Err(reader.refusal("an activation is begun by a timer (1) or an event (2)")),
        },
        2 => What::Action(small(reader)?, read_values(reader)?, read_became(reader)?),
        3 => What::Query(
            small(reader)?,
            read_values(reader)?,
            if reader.flag()? { Ok(read_value(reader, 0)?) } else { Err(read_text(reader)?) },
        ),
        4 => What::Metric(small(reader)?, read_sample(reader)?),
        10 => What::Applied(reader.unsigned(u64::MAX)?, small(reader)?, read_became(reader)?),
        11 => What::End(read_text(reader)?),
        12 => What::Veto(small(reader)?, read_values(reader)?, reader.byte()?, read_text(reader)?),
        32 => What::Program(reader.array()?, reader.array()?),
        33 => What::Clock(reader.unsigned(u64::MAX)?),
        34 => What::Spent(reader.unsigned(u64::MAX)?, read_word(reader)?, read_word(reader)?),
        35 => What::InDoubt(reader.unsigned(u64::MAX)?),
        36 => What::Measured(small(reader)?, read_sample(reader)?),
        37 => What::Ended(read_text(reader)?, read_text(reader)?),
        38 => What::Lost(reader.unsigned(u64::MAX)?),
        other => {
            let Some(count) = texts(other) else {
                return Err(reader.refusal(format!("there is no entry of kind {other}")));
            };
            What::Other(other, (0..count).map(|_| read_text(reader)).collect::<Result<_, _>>()?)
        }
    };
    Ok(Entry { place, what })
}

fn read_word(reader: &mut Reader<'_>) -> Result<i64, Refusal> {
    let whole = reader.whole()?;
    i64::try_from(whole).map_err(|_| reader.refusal("an amount has 64 bits"))
}

fn read_text(reader: &mut Reader<'_>) -> Result<SmolStr, Refusal> {
    let bytes = reader.blob(MAX_TEXT)?;
    std::str::from_utf8(bytes).map(SmolStr::new).map_err(|_| reader.refusal("a text is UTF-8"))
}

fn read_became(reader: &mut Reader<'_>) -> Result<Became, Refusal> {
    Ok(match reader.byte()? {
        1 => Became::Done,
        2 => Became::Held,
        3 => Became::Failed(read_text(reader)?),
        4 => Became::Vetoed(read_text(reader)?),
        _ => return Err(reader.refusal("a result is 1 to 4")),
    })
}

fn read_sample(reader: &mut Reader<'_>) -> Result<Number, Refusal> {
    match reader.whole()? {
        1 => Ok(Number::Float(f64::from_le_bytes(reader.array()?))),
        even if even & 1 == 0 => Ok(Number::Word(even.wrapping_shr(1))),
        _ => Err(reader.refusal("a sample is an even number, or 1 and a float")),
    }
}

fn read_values(reader: &mut Reader<'_>) -> Result<Vec<Value>, Refusal> {
    read_values_at(reader, 0)
}

fn read_values_at(reader: &mut Reader<'_>, depth: u32) -> Result<Vec<Value>, Refusal> {
    let count = reader.count(MAX_ITEMS, 1)?;
    (0..count).map(|_| read_value(reader, depth)).collect()
}

fn read_value(reader: &mut Reader<'_>, depth: u32) -> Result<Value, Refusal> {
    if depth > MAX_DEPTH {
        return Err(reader.refusal("values nest at most 64 deep"));
    }
    let deeper = depth.saturating_add(1);
    let fields = |reader: &mut Reader<'_>| {
        let count = reader.count(MAX_ITEMS, 2)?;
        (0..count)
            .map(|_| Ok((read_text(reader)?, read_value(reader, deeper)?)))
            .collect::<Result<_, Refusal>>()
    };
    Ok(match reader.byte()? {
        0 => Value::None,
        1 => Value::Bool(false),
        2 => Value::Bool(true),
        3 => Value::Int(read_word(reader)?),
        4 => Value::Float(f64::from_le_bytes(reader.array()?)),
        5 => {
            let ty = reader.unsigned(u16::MAX.into())?;
            Value::Quantity(TypeId(u16::try_from(ty).unwrap_or(0)), read_word(reader)?)
        }
        6 => {
            let [time, data, money, tokens] = reader.array::<4>()?.map(u8::cast_signed);
            Value::Rate(Dimension { time, data, money, tokens }, f64::from_le_bytes(reader.array()?))
        }
        7 => Value::String(read_text(reader)?),
        8 => Value::List(read_values_at(reader, deeper)?),
        9 => {
            let count = reader.count(MAX_ITEMS, 2)?;
            let entry =
                |reader: &mut Reader<'_>| Ok((read_value(reader, deeper)?, read_value(reader, deeper)?));
            Value::Map((0..count).map(|_| entry(reader)).collect::<Result<_, Refusal>>()?)
        }
        10 => Value::Record(fields(reader)?),
        11 => Value::Case(read_text(reader)?, fields(reader)?),
        12 => Value::Omitted,
        13 => Value::Secret(Secret::new("")),
        _ => return Err(reader.refusal("a value is of kind 0 to 13")),
    })
}

/// The name of an import.
pub fn import_name(module: &Module, import: u16) -> SmolStr {
    module.imports.get(usize::from(import)).map_or_else(|| "?".into(), |import| import.name.clone())
}

/// Whether an op of the program records this metric.
pub fn records(module: &Module, metric: usize) -> bool {
    let mut ops = module.functions.iter().flat_map(|function| &function.code);
    ops.any(|op| matches!(op, Op::RecordMetric { metric: own, .. } if own.index() == metric))
}
