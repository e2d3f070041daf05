//! The module's own types, and constants that stand as defaults.
//!
//! A type is a tag and what it needs: 0 rate (four exponents), 1 list (element), 2 list with a MAX (element,
//! MAX), 3 record (name, fields), 4 optional (its type), 5 enum (name, cases: each a name and fields), 6 map
//! (key, value), 7 map with a MAX (key, value, MAX), 8 secret; 16 and up are the built-in types, which only
//! the verifier refuses here. A field is name, type and a byte of flags — bit 0 KEY, bit 1 unit, bits 2-4
//! default, bit 5 the usual unit of its type — then the unit and the default. A MAX is a round number.

use smol_str::SmolStr;

use super::{flag, known_flags};
use crate::codec::error::DecodeErrorKind;
use crate::codec::limits;
use crate::codec::read::{Reader, Result};
use crate::codec::write::Writer;
use crate::quantity::usual_unit;
use crate::types::{BUILTIN_TYPES, Constant, Dimension, EnumCase, Field, Type, TypeId};

const RATE: u8 = 0;
const LIST: u8 = 1;
const LIST_MAX: u8 = 2;
const RECORD: u8 = 3;
const OPTIONAL: u8 = 4;
const ENUM: u8 = 5;
const MAP: u8 = 6;
const MAP_MAX: u8 = 7;
const SECRET: u8 = 8;
const BUILTIN: u8 = 16;

pub(super) fn write(out: &mut Writer, ty: &Type) {
    match ty {
        Type::Rate(dimension) => {
            out.byte(RATE);
            for exponent in [dimension.time, dimension.data, dimension.money, dimension.tokens] {
                out.signed(i64::from(exponent));
            }
        }
        Type::List { element, max } => {
            out.byte(if max.is_some() { LIST_MAX } else { LIST });
            out.ty(*element);
            if let Some(max) = max {
                out.round(*max);
            }
        }
        Type::Record { name, fields } => {
            out.byte(RECORD);
            out.name(name);
            out.list(fields, write_field);
        }
        Type::Optional(ty) => {
            out.byte(OPTIONAL);
            out.ty(*ty);
        }
        Type::Enum { name, cases } => {
            out.byte(ENUM);
            out.name(name);
            out.list(cases, |out, case| {
                out.name(&case.name);
                out.list(&case.fields, write_field);
            });
        }
        Type::Map { key, value, max } => {
            out.byte(if max.is_some() { MAP_MAX } else { MAP });
            out.ty(*key);
            out.ty(*value);
            if let Some(max) = max {
                out.round(*max);
            }
        }
        Type::Secret => out.byte(SECRET),
        builtin => {
            let index = BUILTIN_TYPES.iter().position(|known| known == builtin);
            out.byte(BUILTIN.saturating_add(index.and_then(|index| u8::try_from(index).ok()).unwrap_or(0)));
        }
    }
}

pub(super) fn read(reader: &mut Reader<'_>) -> Result<Type> {
    let start = reader.position();
    match reader.byte()? {
        RATE => Ok(Type::Rate(Dimension {
            time: exponent(reader)?,
            data: exponent(reader)?,
            money: exponent(reader)?,
            tokens: exponent(reader)?,
        })),
        LIST => Ok(Type::List { element: reader.ty()?, max: None }),
        LIST_MAX => Ok(Type::List { element: reader.ty()?, max: Some(reader.round()?) }),
        RECORD => Ok(Type::Record { name: reader.name()?, fields: reader.list(limits::FIELDS, read_field)? }),
        OPTIONAL => Ok(Type::Optional(reader.ty()?)),
        ENUM => Ok(Type::Enum { name: reader.name()?, cases: reader.list(limits::CASES, read_case)? }),
        MAP => Ok(Type::Map { key: reader.ty()?, value: reader.ty()?, max: None }),
        MAP_MAX => Ok(Type::Map { key: reader.ty()?, value: reader.ty()?, max: Some(reader.round()?) }),
        SECRET => Ok(Type::Secret),
        tag => {
            let builtin = tag.checked_sub(BUILTIN).and_then(|index| BUILTIN_TYPES.get(usize::from(index)));
            builtin.cloned().ok_or_else(|| {
                reader.error_at(start, DecodeErrorKind::Malformed, format!("there is no kind of type {tag}"))
            })
        }
    }
}

fn exponent(reader: &mut Reader<'_>) -> Result<i8> {
    let start = reader.position();
    i8::try_from(reader.signed()?)
        .map_err(|_| reader.error_at(start, DecodeErrorKind::TooLarge, "an exponent has at most 8 bits"))
}

fn read_case(reader: &mut Reader<'_>) -> Result<EnumCase> {
    Ok(EnumCase { name: reader.name()?, fields: reader.list(limits::FIELDS, read_field)? })
}

fn write_field(out: &mut Writer, field: &Field) {
    out.name(&field.name);
    out.ty(field.ty);
    let extras = Extras { ty: field.ty, unit: field.unit.as_deref(), default: field.default.as_ref() };
    out.byte(u8::from(field.key) | extras.flags() << 1);
    extras.write(out);
}

fn read_field(reader: &mut Reader<'_>) -> Result<Field> {
    let name = reader.name()?;
    let ty = reader.ty()?;
    let flags = reader.byte()?;
    known_flags(reader, flags, EXTRAS << 1 | 1)?;
    let (unit, default) = read_extras(reader, ty, flags >> 1)?;
    Ok(Field { name, ty, key: flag(flags, 0), unit, default })
}

/// Unit and default of a field, an input or a context value.
pub(super) struct Extras<'e> {
    pub(super) ty: TypeId,
    pub(super) unit: Option<&'e str>,
    pub(super) default: Option<&'e Constant>,
}

/// The bits [`Extras::flags`] uses.
pub(super) const EXTRAS: u8 = 0x1f;

/// The bit of the usual unit.
const USUAL: u32 = 4;

impl Extras<'_> {
    fn is_usual(&self) -> bool {
        self.unit.is_some() && self.unit == usual_unit(self.ty)
    }

    /// Bit 0 unit, bits 1-3 the kind of default, bit 4 the usual unit.
    pub(super) fn flags(&self) -> u8 {
        let usual = self.is_usual();
        u8::from(self.unit.is_some() && !usual) | default_kind(self.default) << 1 | u8::from(usual) << USUAL
    }

    /// What the flags announce.
    pub(super) fn write(&self, out: &mut Writer) {
        if let Some(unit) = self.unit.filter(|_| !self.is_usual()) {
            out.name(unit);
        }
        match self.default {
            Some(Constant::Word(word)) if *word != 0 => out.number(*word),
            Some(Constant::Float(float)) => out.float(*float),
            Some(Constant::String(text)) if !text.is_empty() => out.text(text),
            Some(Constant::Case(case)) => out.byte(*case),
            _ => {}
        }
    }
}

/// Reads what [`Extras::write`] wrote.
pub(super) fn read_extras(
    reader: &mut Reader<'_>,
    ty: TypeId,
    flags: u8,
) -> Result<(Option<SmolStr>, Option<Constant>)> {
    let start = reader.position();
    let spelt = if flag(flags, 0) { Some(reader.name()?) } else { None };
    let unit = match (spelt, flag(flags, USUAL), usual_unit(ty)) {
        (None, true, Some(usual)) => Some(SmolStr::new_static(usual)),
        (Some(_), true, _) | (None, true, None) => {
            return Err(reader.error_at(start, DecodeErrorKind::Malformed, "there is no such usual unit"));
        }
        (Some(spelt), false, Some(usual)) if spelt == usual => {
            return Err(reader.error_at(start, DecodeErrorKind::NotCanonical, "the usual unit is spelt out"));
        }
        (spelt, false, _) => spelt,
    };
    let start = reader.position();
    let default = match flags >> 1 & 7 {
        0 => None,
        1 => Some(Constant::Word(0)),
        2 => Some(Constant::Word(reader.number()?)),
        3 => Some(Constant::Float(reader.float()?)),
        4 => Some(Constant::String(SmolStr::default())),
        5 => Some(Constant::String(reader.text()?)),
        6 => Some(Constant::Empty),
        _ => Some(Constant::Case(reader.byte()?)),
    };
    if default_kind(default.as_ref()) != flags >> 1 & 7 {
        let text = "a default is spelt out that has a short form";
        return Err(reader.error_at(start, DecodeErrorKind::NotCanonical, text));
    }
    Ok((unit, default))
}

fn default_kind(default: Option<&Constant>) -> u8 {
    match default {
        None => 0,
        Some(Constant::Word(0)) => 1,
        Some(Constant::Word(_)) => 2,
        Some(Constant::Float(_)) => 3,
        Some(Constant::String(text)) if text.is_empty() => 4,
        Some(Constant::String(_)) => 5,
        Some(Constant::Empty) => 6,
        Some(Constant::Case(_)) => 7,
    }
}
