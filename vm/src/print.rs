//! A value as text, as a program sees it: what JSON output prints, a record as its KEY.

use swarm_bytecode::cost::MAX_STRING_BYTES;
use swarm_bytecode::quantity;
use swarm_bytecode::trap::TrapCode;
use swarm_bytecode::types::{REDACTED, Type};

use crate::json::write_string;
use crate::value::{ValueRef, word_key_text};

/// The value as text, without quotes where it is a string in JSON.
///
/// # Errors
/// Too long.
pub(crate) fn text(value: ValueRef<'_>) -> Result<String, TrapCode> {
    let mut printer = Printer { out: String::new() };
    printer.plain(value)?;
    printer.check()?;
    Ok(printer.out)
}

struct Printer {
    out: String,
}

/// Types nest at most 16 deep (rule V04), so this does too.
impl Printer {
    fn check(&self) -> Result<(), TrapCode> {
        let fits = u64::try_from(self.out.len()).is_ok_and(|length| length <= MAX_STRING_BYTES);
        if fits { Ok(()) } else { Err(TrapCode::TooLong) }
    }

    fn plain(&mut self, value: ValueRef<'_>) -> Result<(), TrapCode> {
        match value.ty() {
            Some(Type::String) => self.out.push_str(value.as_str().unwrap_or("")),
            Some(Type::Secret) => self.out.push_str(REDACTED),
            Some(Type::Rate(_)) => self.out.push_str(&rate(value)),
            Some(Type::Record { .. }) if value.key().is_some() => {
                if let Some(key) = value.key() {
                    self.plain(key)?;
                }
            }
            Some(Type::Optional(_)) => match value.some() {
                Some(inner) => self.plain(inner)?,
                None => self.out.push_str("null"),
            },
            Some(Type::Enum { .. }) if value.payload().next().is_none() => {
                self.out.push_str(value.case().map_or("", |case| &case.name));
            }
            Some(Type::Record { .. } | Type::Enum { .. } | Type::List { .. } | Type::Map { .. })
            | Some(Type::Int | Type::Float | Type::Bool) => self.json(value)?,
            Some(_) => self.out.push_str(&quantity::format(value.ty, value.slot.cast_signed())),
            None => {}
        }
        Ok(())
    }

    fn json(&mut self, value: ValueRef<'_>) -> Result<(), TrapCode> {
        match value.ty() {
            Some(Type::Int) => push_number(value.slot.cast_signed(), &mut self.out),
            Some(Type::Bool) => self.out.push_str(if value.slot == 0 { "false" } else { "true" }),
            Some(Type::Float) => self.out.push_str(&quantity::format_float(f64::from_bits(value.slot))),
            Some(Type::Rate(_)) => write_string(&rate(value), &mut self.out),
            Some(Type::String) => write_string(value.as_str().unwrap_or(""), &mut self.out),
            Some(Type::Secret) => write_string(REDACTED, &mut self.out),
            Some(Type::Optional(_)) => match value.some() {
                Some(inner) => self.json(inner)?,
                None => self.out.push_str("null"),
            },
            Some(Type::List { .. }) => {
                let items = (0..value.length().unwrap_or(0)).filter_map(|at| value.item(at));
                self.sequence('[', items, ']', Printer::json)?;
            }
            Some(Type::Map { .. }) => {
                self.sequence('{', value.entries().into_iter(), '}', |own, (key, value)| {
                    own.entry(key, value)
                })?;
            }
            Some(Type::Record { fields, .. }) => match value.key() {
                Some(key) => self.json(key)?,
                None => {
                    let fields = fields.iter().enumerate();
                    let fields = fields.filter_map(|(at, field)| Some((&field.name, value.field_at(at)?)));
                    self.sequence('{', fields, '}', |own, (name, value)| own.member(name, value))?;
                }
            },
            Some(Type::Enum { .. }) => {
                let name = value.case().map_or("", |case| &case.name);
                if value.payload().next().is_none() {
                    write_string(name, &mut self.out);
                } else {
                    self.out.push('{');
                    write_string(name, &mut self.out);
                    self.out.push(':');
                    self.sequence('{', value.payload(), '}', |own, (name, value)| own.member(name, value))?;
                    self.out.push('}');
                }
            }
            Some(_) => {
                write_string(&quantity::format(value.ty, value.slot.cast_signed()), &mut self.out);
            }
            None => {}
        }
        self.check()
    }

    fn sequence<T>(
        &mut self,
        open: char,
        parts: impl Iterator<Item = T>,
        close: char,
        mut print: impl FnMut(&mut Printer, T) -> Result<(), TrapCode>,
    ) -> Result<(), TrapCode> {
        self.out.push(open);
        for (at, part) in parts.enumerate() {
            if at > 0 {
                self.out.push(',');
            }
            print(self, part)?;
        }
        self.out.push(close);
        Ok(())
    }

    fn member(&mut self, name: &str, value: ValueRef<'_>) -> Result<(), TrapCode> {
        write_string(name, &mut self.out);
        self.out.push(':');
        self.json(value)
    }

    fn entry(&mut self, key: ValueRef<'_>, value: ValueRef<'_>) -> Result<(), TrapCode> {
        match key.as_str() {
            Some(text) => self.member(text, value),
            None => self.member(&word_key_text(key.module(), key.ty, key.slot), value),
        }
    }
}

/// A number in decimal digits.
fn push_number(number: i64, out: &mut String) {
    let mut digits = [0_u8; 20];
    let (mut rest, mut used) = (number.unsigned_abs(), 0_usize);
    for place in digits.iter_mut().rev() {
        *place = b'0'.wrapping_add(u8::try_from(rest % 10).unwrap_or(0));
        rest /= 10;
        used = used.saturating_add(1);
        if rest == 0 {
            break;
        }
    }
    if number < 0 {
        out.push('-');
    }
    out.extend(digits.iter().skip(digits.len().saturating_sub(used)).copied().map(char::from));
}

fn rate(value: ValueRef<'_>) -> String {
    match value.ty() {
        Some(Type::Rate(dimension)) => quantity::format_rate(*dimension, f64::from_bits(value.slot)),
        _ => String::new(),
    }
}
