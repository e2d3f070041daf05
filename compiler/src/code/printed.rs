//! How long a value is as text.

use swarm_bytecode::types::{Field, Type, TypeId};

use super::function::Generator;
use super::texts::TextPlace;
use crate::bound::sum::Sum;
use crate::typed::Expr;

/// Digits and sign of an integer.
const INT_BYTES: u64 = 20;
/// The shortest text of a float, with sign, point and exponent.
const FLOAT_BYTES: u64 = 24;
/// A rate is written without an exponent.
const RATE_BYTES: u64 = 400;
/// An integer with point and unit.
const QUANTITY_BYTES: u64 = 32;
/// `-0001-01-01T00:00:00.000000000Z` and more years than there are.
const TIME_BYTES: u64 = 40;
/// A byte as `\u0000`, where a text stands in quotes.
const ESCAPED_BYTES: u64 = 6;
/// Quotes, and a comma or colon behind.
const SIGNS: u64 = 4;
/// No type nests deeper.
const MAX_DEPTH: u32 = 16;

impl Generator<'_, '_> {
    /// Most bytes of the value of `expr` as text.
    pub(crate) fn printed(&mut self, expr: &Expr) -> Sum {
        match self.program.ty(self.type_of(expr)) {
            Some(Type::String) => self.text(expr),
            _ => {
                let bytes = self.printed_type(self.type_of(expr), TextPlace::Outside, MAX_DEPTH);
                bytes.unwrap_or_else(|| Sum::constant(u64::MAX))
            }
        }
    }

    /// The same for a value of this type that is kept in `place`; `None` where nothing says how many items it
    /// has.
    fn printed_type(&mut self, ty: TypeId, place: TextPlace, depth: u32) -> Option<Sum> {
        let inner = depth.checked_sub(1)?;
        let signs = Sum::constant(SIGNS);
        Some(match self.program.ty(ty)? {
            Type::Int => Sum::constant(INT_BYTES),
            Type::Float => Sum::constant(FLOAT_BYTES),
            Type::Bool => Sum::constant(5),
            Type::Rate(_) => Sum::constant(RATE_BYTES).plus(&signs),
            Type::Time => Sum::constant(TIME_BYTES).plus(&signs),
            Type::Duration | Type::Bytes | Type::Bandwidth | Type::Money | Type::Tokens | Type::Percent => {
                Sum::constant(QUANTITY_BYTES).plus(&signs)
            }
            Type::String => self.tables.texts.at(place).scaled(ESCAPED_BYTES).plus(&signs),
            // Never put into a text: neither the checker nor the verifier admits it.
            Type::Secret => Sum::zero(),
            Type::Optional(value) => {
                self.printed_type(*value, TextPlace::Inner, inner)?.or(&Sum::constant(SIGNS))
            }
            Type::List { element, max } => {
                let item = self.printed_type(*element, TextPlace::Items, inner)?.plus(&signs);
                item.scaled(u64::from((*max)?)).plus(&signs)
            }
            Type::Map { key, value, max } => {
                let key = self.printed_type(*key, TextPlace::Keys, inner)?;
                let entry = self.printed_type(*value, TextPlace::Values, inner)?.plus(&key).plus(&signs);
                entry.scaled(u64::from((*max)?)).plus(&signs).plus(&signs)
            }
            Type::Record { fields, .. } => {
                let place = |at| TextPlace::Field(ty, at);
                match fields.iter().zip(0..=u8::MAX).find(|(field, _)| field.key) {
                    Some((key, at)) => self.printed_type(key.ty, place(at), inner)?,
                    None => self.printed_fields(fields, &place, inner)?,
                }
            }
            Type::Enum { cases, .. } => {
                let mut longest = Sum::zero();
                for (case, at) in cases.iter().zip(0..=u8::MAX) {
                    let place = |field| TextPlace::Payload(ty, at, field);
                    let payload = self.printed_fields(&case.fields, &place, inner)?;
                    longest = longest.or(&payload.plus(&name(&case.name)).plus(&signs));
                }
                longest
            }
        })
    }

    fn printed_fields(
        &mut self,
        fields: &[Field],
        place: &dyn Fn(u8) -> TextPlace,
        depth: u32,
    ) -> Option<Sum> {
        let mut sum = Sum::constant(SIGNS);
        for (field, at) in fields.iter().zip(0..=u8::MAX) {
            sum = sum.plus(&self.printed_type(field.ty, place(at), depth)?).plus(&name(&field.name));
        }
        Some(sum)
    }
}

/// A name in quotes with its colon.
fn name(name: &str) -> Sum {
    Sum::constant(u64::try_from(name.len()).unwrap_or(u64::MAX).saturating_add(SIGNS))
}
