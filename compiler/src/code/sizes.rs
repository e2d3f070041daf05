//! How great values are at most, as far as the program shows it: items of lists, entries of maps, bytes of texts, the
//! value of whole numbers. It is the ground of the bound.

use swarm_bytecode::native::NativeFunction;
use swarm_bytecode::types::{Class, Type, TypeId};

use super::function::Generator;
use super::texts::TextPlace;
use super::walk::any;
use crate::bound::remedy::Remedy;
use crate::bound::sum::{Size, Sum, Symbol, Unbounded, either, plus, times};
use crate::typed::{Aggregate, BinaryOperation, Expr, ExprKind, Iteration, LocalId, Source, UnaryOperation};

/// Causes of what is unbounded, in the words of the language.
const NO_MAX: &str = "nothing says how many items this list has: give its type a MAX";
const NO_MAX_MAP: &str = "nothing says how many entries this map has: give its type a MAX";
const NOT_KNOWN: &str = "this number is known only when the program runs";

impl Generator<'_, '_> {
    /// Most items of a list, entries of a map or bytes of a text, or the greatest value of a whole number (0 where it
    /// is below). Of other types nothing is said.
    pub(crate) fn size(&mut self, expr: &Expr) -> Size {
        match self.class_of(expr) {
            Class::List | Class::Map => self.length(expr),
            Class::Word => self.greatest(expr),
            Class::String => Ok(self.text(expr)),
            _ => Err(unknown(expr, "its size is not followed")),
        }
    }

    /// Most items or entries of a list or map of this type.
    pub(crate) fn size_of_type(&self, ty: TypeId) -> Size {
        let unknown = |reason: &str| Err(Unbounded::new(self.statement, reason));
        match self.program.ty(ty) {
            Some(Type::List { max: Some(max), .. } | Type::Map { max: Some(max), .. }) => {
                Ok(Sum::constant(u64::from(*max)))
            }
            Some(Type::List { max: None, .. }) => unknown(NO_MAX),
            Some(Type::Map { max: None, .. }) => unknown(NO_MAX_MAP),
            _ => unknown(NOT_KNOWN),
        }
    }

    fn length(&mut self, list: &Expr) -> Size {
        let known = match &list.kind {
            ExprKind::Input(input) => Ok(Sum::symbol(Symbol::Input(self.tables.input(*input)))),
            ExprKind::List(items) => Ok(Sum::constant(count(items.len()))),
            ExprKind::Map(entries) => Ok(Sum::constant(count(entries.len()))),
            ExprKind::Zero => Ok(Sum::zero()),
            ExprKind::Local(local) => self.local_length(*local, list),
            ExprKind::If(_, then, otherwise) => either(self.length(then), &self.length(otherwise)),
            ExprKind::Coalesce(optional, otherwise) => {
                let inner = self.inner_size(optional);
                either(inner, &self.length(otherwise))
            }
            ExprKind::Aggregate { aggregate: Aggregate::Collect, iteration, .. } => self.rounds_of(iteration),
            ExprKind::Top { count, iteration, .. } => match self.greatest(count) {
                Ok(most) if most.as_constant().is_some() => Ok(most),
                _ => self.rounds_of(iteration),
            },
            ExprKind::Native(native, arguments) => self.length_of_native(native.function(), arguments, list),
            _ => Err(no_max(list, self.class_of(list))),
        };
        let by_type = list.ty.map_or_else(|| known.clone(), |ty| self.size_of_type(ty));
        match (known, by_type) {
            // What is put into a map often replaces what is there.
            (Ok(known), by_type) if self.class_of(list) == Class::Map => self.lesser(Ok(known), by_type),
            (Err(cause), by_type) => by_type.map_err(|_| cause),
            (known, _) => known,
        }
    }

    /// A local's list is as long as it was made, a map has what it was made with and what was put in since.
    fn local_length(&mut self, local: LocalId, expr: &Expr) -> Size {
        if !self.replaced.contains(&local) {
            let home = self.home(local);
            if let Some(entries) = self.entries(local, &home) {
                return entries;
            }
        }
        let span = self.function.locals.get(local.0 as usize).map_or(expr.span, |local| local.span);
        Err(no_max(expr, self.class_of(expr)).with(Remedy::Maximum(span)))
    }

    fn length_of_native(&mut self, native: Option<NativeFunction>, arguments: &[Expr], expr: &Expr) -> Size {
        use NativeFunction as N;
        match (native, arguments) {
            (Some(N::Reverse | N::Sort | N::Unique | N::Keys | N::Values | N::Without), [items, ..]) => {
                self.length(items)
            }
            (Some(N::Slice), [items, _, most]) => match self.greatest(most) {
                Ok(most) if most.as_constant().is_some() => Ok(most),
                _ => self.length(items),
            },
            (Some(N::Append), [left, right]) => plus(self.length(left), &self.length(right)),
            // A piece for each separator, which has at least one byte, and one more.
            (Some(N::Split | N::Words), [text, ..]) => Ok(self.text(text).plus(&Sum::constant(1))),
            _ => Err(no_max(expr, self.class_of(expr))),
        }
    }

    fn greatest(&mut self, number: &Expr) -> Size {
        match &number.kind {
            ExprKind::Word(value) => Ok(Sum::constant(u64::try_from(*value).unwrap_or(0))),
            ExprKind::Zero => Ok(Sum::zero()),
            ExprKind::Unary(UnaryOperation::NegateWord, value)
                if matches!(value.kind, ExprKind::Word(0..)) =>
            {
                Ok(Sum::zero())
            }
            ExprKind::Local(local) if !self.replaced.contains(local) => self.home(*local).size,
            ExprKind::Length(list) => self.length(list),
            ExprKind::If(_, then, otherwise) => either(self.greatest(then), &self.greatest(otherwise)),
            ExprKind::Aggregate { aggregate: Aggregate::Count, iteration, .. } => self.rounds_of(iteration),
            ExprKind::Native(native, arguments) => {
                self.greatest_of_native(native.function(), arguments, number)
            }
            ExprKind::Binary(operation, left, right) => self.greatest_of(*operation, left, right, number),
            _ => Err(not_known(number)),
        }
    }

    fn greatest_of_native(
        &mut self,
        native: Option<NativeFunction>,
        arguments: &[Expr],
        number: &Expr,
    ) -> Size {
        use NativeFunction as N;
        match (native, arguments) {
            (Some(N::Minimum), [left, right]) => match (self.greatest(left), self.greatest(right)) {
                (Ok(known), Err(_)) | (Err(_), Ok(known)) => Ok(known),
                // Either holds; a number says more than a formula.
                (Ok(left), Ok(right)) => Ok(if right.as_constant().is_some() { right } else { left }),
                (Err(cause), Err(_)) => Err(cause),
            },
            (Some(N::Maximum), [left, right]) => either(self.greatest(left), &self.greatest(right)),
            (Some(N::Clamp), [_, low, high]) => either(self.greatest(low), &self.greatest(high)),
            (Some(N::TextLength), [text]) => Ok(self.text(text)),
            (Some(N::Weekday), _) => Ok(Sum::constant(7)),
            (Some(N::Month), _) => Ok(Sum::constant(12)),
            (Some(N::Day), _) => Ok(Sum::constant(31)),
            (Some(N::Hour), _) => Ok(Sum::constant(23)),
            (Some(N::Minute | N::Second), _) => Ok(Sum::constant(59)),
            _ => Err(not_known(number)),
        }
    }

    fn greatest_of(&mut self, operation: BinaryOperation, left: &Expr, right: &Expr, number: &Expr) -> Size {
        let constant = |side: &Expr| self.constant(side).and_then(|value| u64::try_from(value).ok());
        match (operation, constant(left), constant(right)) {
            (BinaryOperation::AddWord, ..) => plus(self.greatest(left), &self.greatest(right)),
            (BinaryOperation::SubtractWord, _, Some(value)) => Ok(self.greatest(left)?.minus_constant(value)),
            (BinaryOperation::MultiplyWord, Some(factor), _) => {
                times(&Ok(Sum::constant(factor)), &self.greatest(right), number.span)
            }
            (BinaryOperation::MultiplyWord, _, Some(factor)) => {
                times(&self.greatest(left), &Ok(Sum::constant(factor)), number.span)
            }
            (BinaryOperation::DivideWord, _, Some(1..)) => self.greatest(left),
            (BinaryOperation::ModuloWord, _, Some(divisor @ 1..)) => {
                Ok(Sum::constant(divisor.saturating_sub(1)))
            }
            // Of a positive share below the whole no more than the whole; half a unit may be rounded up.
            (BinaryOperation::Product(divisor), _, Some(share)) if share <= divisor.unsigned_abs() => {
                self.greatest(left)
            }
            _ => Err(not_known(number)),
        }
    }

    /// How many items an iteration goes over at most.
    pub(crate) fn rounds_of(&mut self, iteration: &Iteration) -> Size {
        match &iteration.source {
            Source::List(items) | Source::Map(items, _) => self.length(items),
            Source::Range(first, last) => self.rounds(first, last),
        }
    }

    /// How many rounds a range makes at most.
    pub(crate) fn rounds(&mut self, first: &Expr, last: &Expr) -> Size {
        let greatest = self.greatest(last)?;
        let before = self.least(first).map(|least| least.saturating_sub(1));
        let before =
            before.ok_or_else(|| unknown(first, "a range whose start is known only when it runs"))?;
        Ok(match u64::try_from(before) {
            Ok(skipped) => greatest.minus_constant(skipped),
            Err(_) => greatest.plus(&Sum::constant(before.unsigned_abs())),
        })
    }

    /// The least value of a whole number, as far as it can be seen.
    fn least(&self, number: &Expr) -> Option<i64> {
        match &number.kind {
            ExprKind::Zero | ExprKind::Length(_) => Some(0),
            _ => self.constant(number),
        }
    }

    /// Most bytes of a text.
    pub(crate) fn text(&mut self, text: &Expr) -> Sum {
        match &text.kind {
            ExprKind::String(text) => Sum::constant(count(text.len())),
            ExprKind::Zero => Sum::zero(),
            ExprKind::Local(local) if self.replaced.contains(local) => {
                let place = TextPlace::Local(self.index, *local);
                self.tables.texts.at(place)
            }
            ExprKind::Local(local) => {
                let size = self.home(*local).size;
                size.unwrap_or_else(|_| self.tables.texts.at(TextPlace::Outside))
            }
            ExprKind::If(_, then, otherwise) => self.text(then).or(&self.text(otherwise)),
            ExprKind::Coalesce(optional, otherwise) => {
                let inner = self.inner_size(optional);
                let inner = inner.unwrap_or_else(|_| self.tables.texts.at(TextPlace::Outside));
                inner.or(&self.text(otherwise))
            }
            ExprKind::Text(value) => self.printed(value),
            ExprKind::Concat(parts) => {
                parts.iter().fold(Sum::zero(), |bytes, part| bytes.plus(&self.text(part)))
            }
            ExprKind::Native(native, arguments) => self.text_of_native(native.function(), arguments),
            _ => {
                let place = self.place_of(text);
                self.tables.texts.at(place)
            }
        }
    }

    /// Where a text that is read was kept.
    fn place_of(&self, text: &Expr) -> TextPlace {
        match &text.kind {
            ExprKind::Field(record, index) => TextPlace::Field(self.type_of(record), *index),
            ExprKind::Item(..) => TextPlace::Items,
            ExprKind::State(state) => TextPlace::State(*state),
            ExprKind::Call(function, _) => TextPlace::Result(*function),
            _ => TextPlace::Outside,
        }
    }

    fn text_of_native(&mut self, native: Option<NativeFunction>, arguments: &[Expr]) -> Sum {
        use NativeFunction as N;
        let longest = || Sum::constant(swarm_bytecode::cost::MAX_STRING_BYTES);
        match (native, arguments) {
            (Some(N::Trim | N::TextLeft | N::TextRight), [text, ..]) => self.text(text),
            // No character grows to more than three times its bytes.
            (Some(N::Lower | N::Upper), [text]) => self.text(text).scaled(3),
            // At worst each byte is replaced, and a last empty text put behind.
            (Some(N::Replace), [text, _, by]) => {
                let (text, by) = (self.text(text), self.text(by));
                text.times(&by.plus(&Sum::constant(1))).unwrap_or_else(longest)
            }
            (Some(N::Repeat), [text, times]) => {
                let text = self.text(text);
                self.greatest(times).ok().and_then(|times| text.times(&times)).unwrap_or_else(longest)
            }
            (Some(N::Join), [items, separator]) => {
                let piece = self.tables.texts.at(TextPlace::Items).plus(&self.text(separator));
                self.length(items).ok().and_then(|items| items.times(&piece)).unwrap_or_else(longest)
            }
            (Some(N::Minimum | N::Maximum | N::Clamp), arguments) => {
                arguments.iter().fold(Sum::zero(), |longest, text| longest.or(&self.text(text)))
            }
            _ => longest(),
        }
    }

    /// Whether `expr` could change a STATE variable or depends on `state`: then it may not stand while that is taken.
    pub(crate) fn disturbs(expr: &Expr, state: swarm_bytecode::module::StateId) -> bool {
        any(expr, &|part| match part.kind {
            ExprKind::Call(..) => true,
            ExprKind::State(read) => read == state,
            _ => false,
        })
    }
}

/// The cause where a size is not known.
pub(crate) fn unknown(expr: &Expr, reason: &str) -> Unbounded {
    Unbounded::new(expr.span, reason)
}

fn not_known(number: &Expr) -> Unbounded {
    unknown(number, NOT_KNOWN).with(Remedy::AtMost(number.span))
}

fn no_max(expr: &Expr, class: Class) -> Unbounded {
    unknown(expr, if class == Class::Map { NO_MAX_MAP } else { NO_MAX })
}

fn count(items: usize) -> u64 {
    u64::try_from(items).unwrap_or(u64::MAX)
}
