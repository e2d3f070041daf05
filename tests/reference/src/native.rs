//! The library functions that are not written in Swarm, by the sentences of their rows.

use std::cmp::Ordering;

use swarm_bytecode::native::NativeFunction;
use swarm_bytecode::quantity::Calendar;
use swarm_bytecode::trap::TrapCode::{NotFinite, TooLong};
use swarm_bytecode::types::TypeId;

use crate::number::{self, Result};
use crate::types::Types;
use crate::value::{Text, Value, equal, order};

/// The longest text, in bytes.
pub const MOST_BYTES: usize = (1 << 20) - 1;

/// What a native gives, and what it had to make for it.
#[derive(Debug, Clone)]
pub struct Given {
    /// The result.
    pub value: Value,
    /// What is new.
    pub made: Made,
}

/// What a native makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Made {
    /// Nothing: a number, NONE, a part of a text.
    Nothing,
    /// A text.
    Text,
    /// An optional or a list of so many slots.
    Object(u64),
    /// A map of so many entries.
    Map(u64),
    /// Nothing: it gives its first argument.
    First,
}

/// A native with its arguments and their types.
struct Call<'a> {
    types: Types<'a>,
    arguments: &'a [Value],
    ty: TypeId,
    /// The most items or entries that the result may have.
    most: u64,
}

/// Carries a native out; `most` is how many items its result may have, if it is a list or a map.
///
/// # Errors
/// As its row says.
#[expect(clippy::too_many_lines, reason = "one arm for each native")]
pub fn call(
    types: Types<'_>,
    function: NativeFunction,
    arguments: &[Value],
    argument_types: &[TypeId],
    most: u64,
) -> Result<Given> {
    let ty = argument_types.first().copied().unwrap_or(TypeId::INT);
    let call = Call { types, arguments, ty, most };
    let float = types.is_float(ty);
    use NativeFunction as N;
    match function {
        N::Absolute if float => given_float(call.float(0).abs()),
        N::Absolute => given_word(number::word(i128::from(call.word(0)).abs())?),
        N::Minimum => given(if call.less(1, 0) { call.value(1) } else { call.value(0) }),
        N::Maximum => given(if call.less(1, 0) { call.value(0) } else { call.value(1) }),
        N::Clamp => {
            let at_most = if call.less(2, 0) { 2 } else { 0 };
            given(call.value(if call.less(at_most, 1) { 1 } else { at_most }))
        }
        N::Round => given_word(number::scale(1, call.float(0))?),
        N::Floor => given_word(number::scale(1, call.float(0).floor())?),
        N::Ceiling => given_word(number::scale(1, call.float(0).ceil())?),
        N::ToFloat => given_float(number::to_float(call.word(0))),
        N::SquareRoot if call.float(0) < 0.0 => Err(NotFinite),
        N::SquareRoot => given_float(call.float(0).sqrt()),
        N::Near => {
            let greater = call.float(0).abs().max(call.float(1).abs());
            let tolerance = number::percent_to_float(call.word(2)) * greater;
            given(Value::from((call.float(0) - call.float(1)).abs() <= tolerance))
        }
        N::Ratio => call.ratio(),
        N::PercentOf if float => {
            let share = number::divide_float(call.float(0), call.float(1))?;
            given_word(number::scale(1_000_000, share)?)
        }
        N::PercentOf => given_word(number::product(call.word(0), 1_000_000, call.word(1))?),
        N::BitAnd => given_word(call.word(0) & call.word(1)),
        N::BitOr => given_word(call.word(0) | call.word(1)),
        N::BitXor => given_word(call.word(0) ^ call.word(1)),
        N::BitNot => given_word(!call.word(0)),
        N::ShiftLeft => given_word(call.word(0).wrapping_shl(number::places(call.word(1))?)),
        N::ShiftRight => given_word(call.word(0).wrapping_shr(number::places(call.word(1))?)),

        N::TextLength => given_word(count(call.text(0).chars().count())),
        N::Lower => new_text(call.text(0).chars().flat_map(char::to_lowercase).collect()),
        N::Upper => new_text(call.text(0).chars().flat_map(char::to_uppercase).collect()),
        N::Trim => given(call.part(call.text(0).trim())),
        N::StartsWith => given(Value::from(call.text(0).starts_with(call.text(1)))),
        N::EndsWith => given(Value::from(call.text(0).ends_with(call.text(1)))),
        N::TextContains => given(Value::from(call.text(0).contains(call.text(1)))),
        N::Replace => call.replace(),
        N::Split if call.text(1).is_empty() => call.list(vec![call.part(call.text(0))]),
        N::Split => call.list(call.text(0).split(call.text(1)).map(|part| call.part(part)).collect()),
        N::Words => call.list(call.text(0).split_whitespace().map(|part| call.part(part)).collect()),
        N::Join => {
            let items: Vec<&str> = call.items(0).iter().map(Value::text).collect();
            new_text(items.join(call.text(1)))
        }
        N::TextLeft => {
            let text = call.text(0);
            let taken: usize = text.chars().take(size(call.word(1))).map(char::len_utf8).sum();
            given(call.part(text.get(..taken).unwrap_or(text)))
        }
        N::TextRight => {
            let text = call.text(0);
            let taken: usize = text.chars().rev().take(size(call.word(1))).map(char::len_utf8).sum();
            given(call.part(text.get(text.len().saturating_sub(taken)..).unwrap_or(text)))
        }
        N::TextIndexOf => {
            let before = call.text(0).find(call.text(1)).and_then(|at| call.text(0).get(..at));
            optional(before.map(|before| Value::Word(count(before.chars().count()))))
        }
        N::ParseInt => optional(call.text(0).parse().ok().map(Value::Word)),
        N::ParseFloat => optional(parse_float(call.text(0)).map(Value::Float)),
        N::Repeat => {
            let times = size(call.word(1));
            let fits = call.text(0).len().checked_mul(times).is_some_and(|bytes| bytes <= MOST_BYTES);
            if fits { new_text(call.text(0).repeat(times)) } else { Err(TooLong) }
        }

        N::Get => optional(usize::try_from(call.word(1)).ok().and_then(|at| call.items(0).get(at).cloned())),
        N::First => optional(call.items(0).first().cloned()),
        N::Last => optional(call.items(0).last().cloned()),
        N::Reverse => call.list(call.items(0).iter().rev().cloned().collect()),
        N::Sort => {
            let mut items = call.items(0).to_vec();
            items.sort_by(|left, right| order(types, types.element(ty), left, right));
            call.list(items)
        }
        N::Slice => {
            let (from, taken) = (i128::from(call.word(1)), i128::from(call.word(2).max(0)));
            let places = from..from.saturating_add(taken);
            let inside = call.items(0).iter().zip(0_i128..).filter(|(_, at)| places.contains(at));
            call.list(inside.map(|(item, _)| item.clone()).collect())
        }
        N::Append => call.list(call.items(0).iter().chain(call.items(1)).cloned().collect()),
        N::ListContains => given(Value::from(call.position().is_some())),
        N::ListIndexOf => optional(call.position().map(|at| Value::Word(count(at)))),
        N::Unique => call.unique(),

        N::Keys => call.list(call.value(0).entries().into_values().map(|(key, _)| key).collect()),
        N::Values => call.list(call.value(0).entries().into_values().map(|(_, value)| value).collect()),
        N::Has => given(Value::from(call.value(0).entries().contains_key(&call.value(1).key()))),
        N::Without => call.without(),

        N::Year => call.calendar(|calendar| calendar.year),
        N::Month => call.calendar(|calendar| calendar.month),
        N::Day => call.calendar(|calendar| calendar.day),
        N::Hour => call.calendar(|calendar| calendar.hour),
        N::Minute => call.calendar(|calendar| calendar.minute),
        N::Second => call.calendar(|calendar| calendar.second),
        N::Weekday => call.calendar(|calendar| calendar.weekday),
        N::Seconds => given_float(number::to_float(call.word(0)) / 1e9),
    }
}

fn given(value: Value) -> Result<Given> {
    Ok(Given { value, made: Made::Nothing })
}

fn given_word(word: i64) -> Result<Given> {
    given(Value::Word(word))
}

fn given_float(float: f64) -> Result<Given> {
    given(Value::Float(number::float(float)?))
}

fn optional(value: Option<Value>) -> Result<Given> {
    let made = if value.is_some() { Made::Object(1) } else { Made::Nothing };
    Ok(Given { value: Value::optional(value), made })
}

fn new_text(text: String) -> Result<Given> {
    check_text(&text)?;
    Ok(Given { value: Value::from(text), made: Made::Text })
}

/// Whether a text may be so long.
///
/// # Errors
/// Too long.
pub fn check_text(text: &str) -> Result<()> {
    if text.len() <= MOST_BYTES { Ok(()) } else { Err(TooLong) }
}

fn count(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// A count that may be below 1.
fn size(count: i64) -> usize {
    usize::try_from(count).unwrap_or(0)
}

/// A sign or none, digits, a point and digits or none, an exponent or none.
fn parse_float(text: &str) -> Option<f64> {
    let mut rest = text.strip_prefix(['+', '-']).unwrap_or(text);
    let digits = |rest: &mut &str| {
        let after = rest.trim_start_matches(|character: char| character.is_ascii_digit());
        let any = after.len() < rest.len();
        *rest = after;
        any
    };
    let mut plain = digits(&mut rest);
    if let Some(fraction) = rest.strip_prefix('.') {
        rest = fraction;
        plain &= digits(&mut rest);
    }
    if let Some(exponent) = rest.strip_prefix(['e', 'E']) {
        rest = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        plain &= digits(&mut rest);
    }
    if !plain || !rest.is_empty() {
        return None;
    }
    // Only the first nineteen digits count.
    let (mut counted, mut exponent) = (0_u32, false);
    let short = text.chars().map(|character| {
        exponent |= matches!(character, 'e' | 'E');
        if exponent || !character.is_ascii_digit() {
            return character;
        }
        counted = counted.saturating_add(u32::from(counted > 0 || character != '0'));
        if counted > 19 { '0' } else { character }
    });
    number::float(short.collect::<String>().parse().ok()?).ok()
}

impl Call<'_> {
    fn value(&self, at: usize) -> Value {
        self.arguments.get(at).cloned().unwrap_or(Value::Zero)
    }

    fn word(&self, at: usize) -> i64 {
        self.arguments.get(at).map_or(0, Value::word)
    }

    fn float(&self, at: usize) -> f64 {
        self.arguments.get(at).map_or(0.0, Value::float)
    }

    fn text(&self, at: usize) -> &str {
        self.arguments.get(at).map_or("", Value::text)
    }

    fn items(&self, at: usize) -> &[Value] {
        self.arguments.get(at).map_or(&[], Value::parts)
    }

    fn less(&self, left: usize, right: usize) -> bool {
        order(self.types, self.ty, &self.value(left), &self.value(right)) == Ordering::Less
    }

    /// A part of the first argument.
    fn part(&self, part: &str) -> Value {
        match self.arguments.first() {
            Some(Value::Text(text)) => Value::Text(text.part(part)),
            _ => Value::Zero,
        }
    }

    fn list(&self, items: Vec<Value>) -> Result<Given> {
        let value = Value::list(items);
        let count = value.length();
        if count > self.most { Err(TooLong) } else { Ok(Given { value, made: Made::Object(count) }) }
    }

    fn ratio(&self) -> Result<Given> {
        let (part, whole) = if self.types.is_float(self.ty) {
            (self.float(0), self.float(1))
        } else {
            (number::to_float(self.word(0)), number::to_float(self.word(1)))
        };
        let ratio = if whole == 0.0 { None } else { Some(number::divide_float(part, whole)?) };
        optional(ratio.map(Value::Float))
    }

    fn replace(&self) -> Result<Given> {
        let (text, part, by) = (self.text(0), self.text(1), self.text(2));
        if part.is_empty() {
            return new_text(text.to_owned());
        }
        let most = text.matches(part).count().saturating_mul(by.len());
        if most > MOST_BYTES { Err(TooLong) } else { new_text(text.replace(part, by)) }
    }

    fn position(&self) -> Option<usize> {
        let (wanted, ty) = (self.value(1), self.types.element(self.ty));
        self.items(0).iter().position(|item| equal(self.types, ty, item, &wanted, &mut 0))
    }

    fn unique(&self) -> Result<Given> {
        let ty = self.types.element(self.ty);
        let mut kept: Vec<Value> = Vec::new();
        for item in self.items(0) {
            if !kept.iter().any(|own| equal(self.types, ty, own, item, &mut 0)) {
                kept.push(item.clone());
            }
        }
        self.list(kept)
    }

    fn without(&self) -> Result<Given> {
        let mut entries = self.value(0).entries();
        let found = entries.remove(&self.value(1).key()).is_some();
        if u64::try_from(entries.len()).unwrap_or(u64::MAX) > self.most {
            return Err(TooLong);
        }
        if !found {
            return Ok(Given { value: self.value(0), made: Made::First });
        }
        let value = Value::Map(entries.into());
        Ok(Given { made: Made::Map(value.length()), value })
    }

    fn calendar(&self, part: impl Fn(Calendar) -> i64) -> Result<Given> {
        given_word(part(Calendar::of(self.word(0))))
    }
}

/// The texts among these values, lists looked into.
pub fn texts(values: &[Value]) -> impl Iterator<Item = &Text> {
    values
        .iter()
        .flat_map(|value| match value {
            Value::List(items) => items.as_slice(),
            other => std::slice::from_ref(other),
        })
        .filter_map(|value| if let Value::Text(text) = value { Some(text) } else { None })
}
