//! How great values are at most, as far as the program shows it: items of lists, entries of maps, bytes of
//! texts, the value of whole numbers. It is the ground of the bound.

use swarm_bytecode::native::NativeFunction;
use swarm_bytecode::types::{Class, Type, TypeId};

use super::function::Generator;
use super::texts::TextPlace;
use super::walk::any;
use crate::bound::remedy::{Part, Remedy};
use crate::bound::results::ResultFacts;
use crate::bound::sum::{Size, Sum, Symbol, Unbounded, either, plus, times};
use crate::typed::{
    Aggregate, BinaryOperation, Expr, ExprKind, FunctionIndex, Iteration, LocalId, Source, UnaryOperation,
};

/// Causes of what is unbounded, in the words of the language.
const NO_MAX: &str = "nothing says how many items this list has: give its type a MAX";
const NO_MAX_MAP: &str = "nothing says how many entries this map has: give its type a MAX";
const NO_START: &str = "the start of this range is known only when the program runs";
const NOT_KNOWN: &str = "this number is known only when the program runs";

impl Generator<'_, '_> {
    /// Most items of a list, entries of a map or bytes of a text, or the greatest value of a whole number (0
    /// where it is below). Of other types nothing is said.
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
        let unknown = |reason: &'static str| Err(Unbounded::new(self.statement, reason));
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
            ExprKind::Top { count, iteration, .. } => {
                let (rounds, most) = (self.rounds_of(iteration), self.greatest(count));
                self.lesser(rounds, most.map_err(|_| self.no_max(list)))
            }
            ExprKind::Native(native, arguments) => self.length_of_native(native.function(), arguments, list),
            ExprKind::Call(function, arguments) => self.length_of_result(*function, arguments, list),
            _ => Err(self.no_max(list)),
        };
        let by_type = list.ty.map_or_else(|| known.clone(), |ty| self.size_of_type(ty));
        match (known, by_type) {
            // What is put into a map often replaces what is there.
            (Ok(known), by_type) if self.class_of(list) == Class::Map => self.lesser(Ok(known), by_type),
            (Err(cause), by_type) => by_type.map_err(|_| cause),
            (known, _) => known,
        }
    }

    /// The cause where nothing says how long a list or map is, with the declaration of its type where it has one.
    fn no_max(&self, expr: &Expr) -> Unbounded {
        let cause = unknown(expr, if self.class_of(expr) == Class::Map { NO_MAX_MAP } else { NO_MAX });
        let remedy = match &expr.kind {
            ExprKind::Host(import, _) => {
                self.program.imports.get(import.index()).map(|import| (import.name.clone(), Part::Result))
            }
            ExprKind::Call(function, _) => {
                let function = self.program.functions.get(function.0 as usize);
                function.map(|function| (function.name.clone(), Part::Result))
            }
            ExprKind::Field(record, field) => match self.program.ty(self.type_of(record)) {
                Some(Type::Record { name, fields, .. }) => fields
                    .get(usize::from(*field))
                    .map(|field| (name.clone(), Part::Field(field.name.clone()))),
                _ => None,
            },
            _ => None,
        };
        match remedy {
            Some((name, part)) => cause.with(Remedy::MaximumOf(name, part)),
            None => cause,
        }
    }

    /// A local's list is as long as it was made, a map has what it was made with and what was put in since.
    fn local_length(&mut self, local: LocalId, expr: &Expr) -> Size {
        if !self.replaced.contains(&local) {
            match self.home(local) {
                Some(home) => {
                    if let Some(entries) = self.entries(local, home) {
                        return entries;
                    }
                }
                None => return self.size_of_local(local),
            }
        }
        let span = self.function.locals.get(local.0 as usize).map_or(expr.span, |local| local.span);
        Err(self.no_max(expr).with(Remedy::Maximum(span)))
    }

    /// No longer than its type admits, perhaps less: the bound knows when it knows all functions.
    fn length_of_result(&mut self, function: FunctionIndex, arguments: &[Expr], list: &Expr) -> Size {
        let by_type = list.ty.and_then(|ty| self.size_of_type(ty).ok()?.as_constant());
        let Some(most) = by_type else { return Err(self.no_max(list)) };
        let sizes = arguments.iter().map(|argument| self.size(argument)).collect();
        let (caller, callee) = (self.tables.function(self.index), self.tables.function(function));
        Ok(self.tables.result(ResultFacts { caller, callee, sizes, most }))
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
            _ => Err(self.no_max(expr)),
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
            ExprKind::Local(local) if !self.replaced.contains(local) => match self.size_of_local(*local) {
                // What an event brings is bounded where it is used, and so is what the optimiser reads but once.
                Err(cause) if cause.remedy.is_none() || self.local(*local).1.is_empty() => {
                    Err(not_known(number))
                }
                size => size,
            },
            ExprKind::Length(list) => self.length(list),
            ExprKind::If(_, then, otherwise) => either(self.greatest(then), &self.greatest(otherwise)),
            ExprKind::Coalesce(optional, otherwise) => {
                let inner = self.inner_size(optional).map_err(|_| not_known(number));
                either(inner, &self.greatest(otherwise))
            }
            ExprKind::Aggregate { aggregate: Aggregate::Count, iteration, .. } => self.rounds_of(iteration),
            ExprKind::Aggregate { aggregate: Aggregate::Sum, iteration, value: Some(value) } => {
                times(&self.rounds_of(iteration), &self.greatest(value), number.span)
            }
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
                (Err(cause), Err(_)) => Err(cause),
                (left, right) => self.lesser(left, right),
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
            // Of two that are below 0 the product is above.
            (BinaryOperation::MultiplyWord, ..) if self.is_counted(left) || self.is_counted(right) => {
                times(&self.greatest(left), &self.greatest(right), number.span)
            }
            (BinaryOperation::DivideWord, _, Some(1..)) => self.greatest(left),
            (BinaryOperation::ModuloWord, _, Some(divisor @ 1..)) => {
                Ok(Sum::constant(divisor.saturating_sub(1)))
            }
            (BinaryOperation::Product(divisor @ 1..), _, Some(share)) => {
                Ok(self.greatest(left)?.share(share, divisor.unsigned_abs()))
            }
            (BinaryOperation::Product(divisor @ 1..), Some(share), _) => {
                Ok(self.greatest(right)?.share(share, divisor.unsigned_abs()))
            }
            (BinaryOperation::Scale, ..) => match (greatest_float(left), greatest_float(right)) {
                (Some(factor), None) => Ok(self.greatest(right)?.scaled_by(factor)),
                (None, Some(factor)) => Ok(self.greatest(left)?.scaled_by(factor)),
                _ => Err(not_known(number)),
            },
            _ => Err(not_known(number)),
        }
    }

    /// Whether a whole number is sure to be at least 0.
    fn is_counted(&self, number: &Expr) -> bool {
        self.least(number).is_some_and(|least| least >= 0)
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
        let before = before.ok_or_else(|| unknown(first, NO_START).with(Remedy::AtLeast(first.span)))?;
        Ok(match u64::try_from(before) {
            Ok(skipped) => greatest.minus_constant(skipped),
            Err(_) => greatest.plus(&Sum::constant(before.unsigned_abs())),
        })
    }

    /// The least value of a whole number, as far as it can be seen.
    fn least(&self, number: &Expr) -> Option<i64> {
        use NativeFunction as N;
        match &number.kind {
            ExprKind::Zero
            | ExprKind::Length(_)
            | ExprKind::Aggregate { aggregate: Aggregate::Count, .. } => Some(0),
            ExprKind::Native(native, arguments) => match (native.function()?, arguments.as_slice()) {
                (N::Maximum, [left, right]) => self.least(left).max(self.least(right)),
                (N::Minimum, [left, right]) => Some(self.least(left)?.min(self.least(right)?)),
                // Where the ends are the wrong way round, whatever it gives is one of them.
                (N::Clamp, [_, low, high]) => Some(self.least(low)?.min(self.least(high)?)),
                (N::TextLength, _) => Some(0),
                _ => None,
            },
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
                let size = self.size_of_local(*local);
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

    /// Whether `expr` could change a STATE variable or depends on `state`: then it may not stand while that
    /// is taken.
    pub(crate) fn disturbs(expr: &Expr, state: swarm_bytecode::module::StateId) -> bool {
        any(expr, &|part| match part.kind {
            ExprKind::Call(..) => true,
            ExprKind::State(read) => read == state,
            _ => false,
        })
    }
}

/// The cause where a size is not known.
pub(crate) fn unknown(expr: &Expr, reason: &'static str) -> Unbounded {
    Unbounded::new(expr.span, reason)
}

fn not_known(number: &Expr) -> Unbounded {
    unknown(number, NOT_KNOWN).with(Remedy::AtMost(number.span, number.ty.unwrap_or(TypeId::INT)))
}

/// The greatest value of a float or a rate, where that can be seen and none of its values is below 0.
fn greatest_float(number: &Expr) -> Option<f64> {
    match &number.kind {
        ExprKind::Float(value) if *value >= 0.0 => Some(*value),
        ExprKind::If(_, then, otherwise) => Some(greatest_float(then)?.max(greatest_float(otherwise)?)),
        _ => None,
    }
}

fn count(items: usize) -> u64 {
    u64::try_from(items).unwrap_or(u64::MAX)
}
