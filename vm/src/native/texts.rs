//! Texts. What is a part of another text is no new text: it is the same bytes in the arena.

use std::ops::Range;

use swarm_bytecode::cost::NativeWork;
use swarm_bytecode::text;
use swarm_bytecode::trap::TrapCode;

use super::{Call, Given};
use crate::machine::Pause;
use crate::scope::check_text;
use crate::slot::{self, TextSlot};

/// Bytes of the text in a slot.
fn bytes(slot: u64) -> u64 {
    u64::from(slot::text_length(slot))
}

/// Bytes of the first so many arguments, which are texts, and of the result.
fn work(call: &Call<'_, '_>, texts: usize, result: u64) -> NativeWork {
    let arguments = call.slots.iter().take(texts).map(|slot| bytes(*slot));
    NativeWork { text_bytes: arguments.fold(result, u64::saturating_add), ..NativeWork::default() }
}

/// A result that is no text, of so many texts.
fn plain(call: &mut Call<'_, '_>, texts: usize, value: u64) -> Given {
    call.pay(work(call, texts, 0), 0)?;
    Ok(value)
}

/// A text made of so many texts.
fn made(call: &mut Call<'_, '_>, texts: usize, result: Result<String, TrapCode>) -> Given {
    let result = result.map_err(Pause::Trap)?;
    let length = check_text(result.len())?;
    call.pay(work(call, texts, length), length)?;
    call.scope.heap.push_text(&result).map_err(crate::scope::full)
}

/// The slot of a part of the text in a slot.
fn part(whole: u64, text: &str, part: &str) -> u64 {
    let start = part.as_ptr().addr().saturating_sub(text.as_ptr().addr());
    cut(whole, start..start.saturating_add(part.len()))
}

/// The slot of these bytes of a text.
fn cut(whole: u64, bytes: Range<usize>) -> u64 {
    let TextSlot { source, offset, .. } = TextSlot::unpack(whole);
    let offset = offset.saturating_add(slot::count(bytes.start));
    TextSlot { source, offset, length: slot::count(bytes.len()) }.pack()
}

/// A text that is a part of the first argument.
fn part_of(call: &mut Call<'_, '_>, find: impl Fn(&str) -> &str) -> Given {
    let text = call.text(0);
    let found = part(call.slot(0), text, find(text));
    call.pay(work(call, 1, bytes(found)), 0)?;
    Ok(found)
}

/// A list of texts that are parts of the first argument, of so many texts.
fn parts(call: &mut Call<'_, '_>, texts: usize, parts: &[u64]) -> Given {
    let length = parts.iter().fold(0, |sum: u64, part| sum.saturating_add(bytes(*part)));
    call.list(parts, work(call, texts, length), false)
}

pub(super) fn length(call: &mut Call<'_, '_>) -> Given {
    let length = text::length(call.text(0));
    plain(call, 1, length.cast_unsigned())
}

pub(super) fn lower(call: &mut Call<'_, '_>) -> Given {
    let result = text::lower(call.text(0));
    made(call, 1, result)
}

pub(super) fn upper(call: &mut Call<'_, '_>) -> Given {
    let result = text::upper(call.text(0));
    made(call, 1, result)
}

pub(super) fn trim(call: &mut Call<'_, '_>) -> Given {
    part_of(call, str::trim)
}

pub(super) fn starts_with(call: &mut Call<'_, '_>) -> Given {
    let holds = call.text(0).starts_with(call.text(1));
    plain(call, 2, u64::from(holds))
}

pub(super) fn ends_with(call: &mut Call<'_, '_>) -> Given {
    let holds = call.text(0).ends_with(call.text(1));
    plain(call, 2, u64::from(holds))
}

pub(super) fn contains(call: &mut Call<'_, '_>) -> Given {
    let holds = call.text(0).contains(call.text(1));
    plain(call, 2, u64::from(holds))
}

pub(super) fn replace(call: &mut Call<'_, '_>) -> Given {
    let result = text::replace(call.text(0), call.text(1), call.text(2));
    made(call, 3, result)
}

pub(super) fn split(call: &mut Call<'_, '_>) -> Given {
    let (whole, text) = (call.slot(0), call.text(0));
    let found: Vec<u64> = text::split(text, call.text(1)).map(|piece| part(whole, text, piece)).collect();
    parts(call, 2, &found)
}

pub(super) fn words(call: &mut Call<'_, '_>) -> Given {
    let (whole, text) = (call.slot(0), call.text(0));
    // As many as words of seven bytes would be; more grow it.
    let mut found = Vec::with_capacity(text.len() / 8);
    if text.is_ascii() {
        found.extend(text::ascii_words(text.as_bytes()).map(|word| cut(whole, word)));
    } else {
        found.extend(text::words(text).map(|word| part(whole, text, word)));
    }
    parts(call, 1, &found)
}

pub(super) fn join(call: &mut Call<'_, '_>) -> Given {
    let items = call.items(0);
    let data = call.scope.data();
    let result = text::join(items.iter().map(|item| data.text(*item)), call.text(1)).map_err(Pause::Trap)?;
    let length = check_text(result.len())?;
    let given = items.iter().fold(bytes(call.slot(1)), |sum, item| sum.saturating_add(bytes(*item)));
    let work = NativeWork {
        items: u64::from(slot::count(items.len())),
        text_bytes: given.saturating_add(length),
        ..NativeWork::default()
    };
    call.pay(work, length)?;
    call.scope.heap.push_text(&result).map_err(crate::scope::full)
}

pub(super) fn left(call: &mut Call<'_, '_>) -> Given {
    let count = call.word(1);
    part_of(call, |whole| text::left(whole, count))
}

pub(super) fn right(call: &mut Call<'_, '_>) -> Given {
    let count = call.word(1);
    part_of(call, |whole| text::right(whole, count))
}

pub(super) fn index_of(call: &mut Call<'_, '_>) -> Given {
    let found = text::index_of(call.text(0), call.text(1));
    call.optional(found.map(i64::cast_unsigned), work(call, 2, 0), false)
}

pub(super) fn parse_int(call: &mut Call<'_, '_>) -> Given {
    let number = text::parse_int(call.text(0));
    call.optional(number.map(i64::cast_unsigned), work(call, 1, 0), false)
}

pub(super) fn parse_float(call: &mut Call<'_, '_>) -> Given {
    let number = text::parse_float(call.text(0));
    call.optional(number.map(slot::from_float), work(call, 1, 0), false)
}

pub(super) fn repeat(call: &mut Call<'_, '_>) -> Given {
    let result = text::repeat(call.text(0), call.word(1));
    made(call, 1, result)
}
