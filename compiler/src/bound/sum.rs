//! Sums of products of sizes: how often a loop goes round, and what that costs, as far as it is known.

use std::borrow::Cow;
use std::ops::Deref;
use std::sync::Arc;

use smallvec::{SmallVec, smallvec};
use swarm_bytecode::module::{Factors as InputFactors, InputId, Polynomial, Term};
use swarm_bytecode::numeric;
use swarm_grammar::span::Span;

use super::remedy::Remedy;

/// A number that is known only when the program runs. All are at least 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Symbol {
    /// Number of items of a module's input.
    Input(InputId),
    /// A parameter of the function: the number of items of a list or map, the bytes of a text, or the value of an
    /// int where it is above 0.
    Parameter(u32),
    /// Bytes of the longest text that is kept in a certain place; see [`super::texts`].
    Text(u32),
    /// Items of the list, or entries of the map, that a certain call gives; see [`super::results`].
    Result(u32),
}

/// A sum of terms `coefficient × product of symbols`; an upper bound of something that is at least 0.
/// Coefficients saturate, far above every limit.
#[derive(Debug, PartialEq, Eq, Default)]
pub struct Sum {
    /// The term without symbols: most sums have no other.
    constant: u64,
    /// The others, in order of their factors: each has a symbol, and a coefficient above 0. Few have more
    /// than one.
    terms: SmallVec<[(Factors, u64); 1]>,
}

impl Clone for Sum {
    #[inline]
    fn clone(&self) -> Sum {
        // Costs are copied often, and nearly all of their sums are numbers.
        let terms = if self.terms.is_empty() { SmallVec::new() } else { self.terms.clone() };
        Sum { constant: self.constant, terms }
    }
}

/// What is multiplied in a term, in order.
type Factors = SmallVec<[Symbol; 2]>;

/// Why something has no bound, and where. As small as a pointer, and shared: bounds are copied often.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unbounded(Arc<Cause>);

impl Deref for Unbounded {
    type Target = Cause;

    fn deref(&self) -> &Cause {
        &self.0
    }
}

/// What [`Unbounded`] says.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cause {
    /// The place in the source.
    pub span: Span,
    /// The cause, as a sentence without a full stop.
    pub reason: Cow<'static, str>,
    /// What would bound it.
    pub remedy: Option<Remedy>,
    /// Whether it is a function that calls itself.
    pub recursion: bool,
    /// What else has no bound where this came together with it.
    others: Vec<Unbounded>,
}

/// Causes that are kept together: more say nothing to anyone at once.
const MAX_CAUSES: usize = 32;

impl Unbounded {
    /// A cause that no single edit removes.
    pub fn new(span: Span, reason: impl Into<Cow<'static, str>>) -> Unbounded {
        let reason = reason.into();
        Unbounded(Arc::new(Cause { span, reason, remedy: None, recursion: false, others: Vec::new() }))
    }

    /// A function that calls itself.
    pub(crate) fn recursion(span: Span) -> Unbounded {
        let reason = "recursion: this function calls itself, directly or by others";
        let mut cause = Unbounded::new(span, reason);
        Arc::make_mut(&mut cause.0).recursion = true;
        cause
    }

    /// A price that is known only when the program runs.
    pub(crate) fn of_price(span: Span) -> Unbounded {
        Unbounded::new(span, "this price is known only when the program runs")
    }

    /// A price that is computed from this number.
    #[must_use]
    pub(crate) fn in_price(mut self) -> Unbounded {
        Arc::make_mut(&mut self.0).reason =
            "a price is computed from this number, which is known only when the program runs".into();
        self
    }

    /// Both causes.
    fn and(mut self, other: &Unbounded) -> Unbounded {
        // Most often it is one cause that has come on several ways.
        if self == *other {
            return self;
        }
        for cause in other.each() {
            if self.others.len() < MAX_CAUSES && self.each().all(|known| known != cause) {
                Arc::make_mut(&mut self.0).others.push(cause);
            }
        }
        self
    }

    /// Each cause alone.
    pub(crate) fn each(&self) -> impl Iterator<Item = Unbounded> {
        let mut own = self.clone();
        if !own.others.is_empty() {
            Arc::make_mut(&mut own.0).others.clear();
        }
        std::iter::once(own).chain(self.others.iter().cloned())
    }

    /// With what would bound it.
    #[must_use]
    pub fn with(mut self, remedy: Remedy) -> Unbounded {
        Arc::make_mut(&mut self.0).remedy = Some(remedy);
        self
    }
}

/// A bound, or why there is none.
pub type Size = Result<Sum, Unbounded>;

/// More terms or factors than this say nothing to anyone; beyond, a bound counts as unknown.
const MAX_TERMS: usize = 128;
const MAX_FACTORS: usize = 12;

impl Sum {
    /// Nothing.
    pub fn zero() -> Sum {
        Sum::default()
    }

    /// A number.
    pub fn constant(value: u64) -> Sum {
        Sum { constant: value, terms: SmallVec::new() }
    }

    /// One symbol.
    pub fn symbol(symbol: Symbol) -> Sum {
        Sum { constant: 0, terms: smallvec![(SmallVec::from_slice(&[symbol]), 1)] }
    }

    /// Puts a term together with what is known of the same factors.
    fn merge(&mut self, factors: &Factors, coefficient: u64, together: impl Fn(u64, u64) -> u64) {
        if coefficient == 0 {
            return;
        }
        match self.terms.binary_search_by(|(known, _)| known.cmp(factors)) {
            Ok(at) => {
                if let Some((_, known)) = self.terms.get_mut(at) {
                    *known = together(*known, coefficient);
                }
            }
            Err(at) => self.terms.insert(at, (factors.clone(), coefficient)),
        }
    }

    /// The number it is, if it has no symbol.
    pub fn as_constant(&self) -> Option<u64> {
        self.terms.is_empty().then_some(self.constant)
    }

    /// The sum of both.
    #[must_use]
    pub fn plus(mut self, other: &Sum) -> Sum {
        self.add(other);
        self
    }

    /// Adds another sum.
    pub fn add(&mut self, other: &Sum) {
        self.constant = self.constant.saturating_add(other.constant);
        for (factors, coefficient) in &other.terms {
            self.merge(factors, *coefficient, u64::saturating_add);
        }
    }

    /// What is at least as great as both, whatever the symbols are: the greater coefficient of each term.
    #[must_use]
    pub fn or(mut self, other: &Sum) -> Sum {
        self.constant = self.constant.max(other.constant);
        for (factors, coefficient) in &other.terms {
            self.merge(factors, *coefficient, u64::max);
        }
        self
    }

    /// Less by a number, as far as it has a constant part. Sound also where it has less: nothing is below 0.
    #[must_use]
    pub fn minus_constant(mut self, value: u64) -> Sum {
        self.constant = self.constant.saturating_sub(value);
        self
    }

    /// A part of it: each coefficient divided, rounded up. At least the sum divided, rounded down.
    #[must_use]
    pub fn divided(mut self, divisor: u64) -> Sum {
        self.constant = self.constant.checked_div(divisor).unwrap_or(self.constant);
        for (_, coefficient) in &mut self.terms {
            *coefficient = coefficient.div_ceil(divisor.max(1));
        }
        self
    }

    /// Its terms, the one without symbols first; none of them is 0.
    pub(crate) fn each_term(&self) -> impl Iterator<Item = (&[Symbol], u64)> {
        let constant = (self.constant > 0).then_some((&[][..], self.constant));
        constant.into_iter().chain(self.terms.iter().map(|(symbols, coefficient)| (&**symbols, *coefficient)))
    }

    /// All that it speaks of, some perhaps twice.
    pub(crate) fn symbols(&self) -> impl Iterator<Item = Symbol> {
        self.terms.iter().flat_map(|(symbols, _)| symbols.iter().copied())
    }

    /// The greatest value, where `most` gives the greatest of each symbol; `None` where it gives none.
    pub fn at_most(&self, most: &dyn Fn(Symbol) -> Option<u64>) -> Option<u64> {
        let mut sum = self.constant;
        for (factors, coefficient) in &self.terms {
            let mut product = *coefficient;
            for factor in factors.iter() {
                product = product.saturating_mul(most(*factor)?);
            }
            sum = sum.saturating_add(product);
        }
        Some(sum)
    }

    /// With other values in the place of symbols; `None` keeps one.
    pub fn replace(&self, by: &dyn Fn(Symbol) -> Option<Sum>) -> Option<Sum> {
        let mut result = Sum::constant(self.constant);
        for (factors, coefficient) in &self.terms {
            let mut product = Sum::constant(*coefficient);
            for factor in factors.iter() {
                product = product.times(&by(*factor).unwrap_or_else(|| Sum::symbol(*factor)))?;
            }
            result.add(&product);
        }
        Some(result)
    }

    /// So many times as much.
    #[must_use]
    pub fn scaled(mut self, factor: u64) -> Sum {
        if factor == 0 {
            return Sum::zero();
        }
        self.constant = self.constant.saturating_mul(factor);
        for (_, coefficient) in &mut self.terms {
            *coefficient = coefficient.saturating_mul(factor);
        }
        self
    }

    /// Its share `numerator / divisor`, each coefficient rounded up: at least the share of the sum, rounded.
    #[must_use]
    pub fn share(mut self, numerator: u64, divisor: u64) -> Sum {
        let share = |coefficient: u64| {
            let product = u128::from(coefficient).saturating_mul(numerator.into());
            u64::try_from(product.div_ceil(divisor.max(1).into())).unwrap_or(u64::MAX)
        };
        self.constant = share(self.constant);
        self.terms.iter_mut().for_each(|(_, coefficient)| *coefficient = share(*coefficient));
        self
    }

    /// So many times as much, each coefficient rounded up, where `factor` is at least 0.
    #[must_use]
    pub fn scaled_by(mut self, factor: f64) -> Sum {
        let scaled = |coefficient: u64| {
            let coefficient = i64::try_from(coefficient).unwrap_or(i64::MAX);
            let nearest = numeric::scale(coefficient, factor).and_then(|nearest| {
                let below = numeric::int_to_float(nearest) < numeric::int_to_float(coefficient) * factor;
                numeric::add(nearest, i64::from(below))
            });
            nearest.map_or(u64::MAX, |nearest| u64::try_from(nearest).unwrap_or(0))
        };
        self.constant = scaled(self.constant);
        self.terms.iter_mut().for_each(|(_, coefficient)| *coefficient = scaled(*coefficient));
        self
    }

    /// The product of both; `None` where it has too many terms.
    pub fn times(&self, other: &Sum) -> Option<Sum> {
        if let Some(factor) = self.as_constant() {
            return Some(if factor == 0 { Sum::zero() } else { other.clone().scaled(factor) });
        }
        if let Some(factor) = other.as_constant() {
            return Some(self.clone().scaled(factor));
        }
        let mut product = self.clone().scaled(other.constant).plus(&other.clone().scaled(self.constant));
        // Twice in both.
        product.constant = self.constant.saturating_mul(other.constant);
        for (left, by) in &self.terms {
            for (right, times) in &other.terms {
                let mut factors: Factors = left.iter().chain(right.iter()).copied().collect();
                factors.sort_unstable();
                if factors.len() > MAX_FACTORS {
                    return None;
                }
                product.merge(&factors, by.saturating_mul(*times), u64::saturating_add);
            }
        }
        (product.terms.len() <= MAX_TERMS).then_some(product)
    }

    /// Puts what the caller passes in the place of the function's parameters.
    ///
    /// # Errors
    /// The cause of the first argument without a bound; `span` where the result has too many terms.
    pub fn substitute(&self, arguments: &[Size], span: Span) -> Size {
        let mut result = Sum::constant(self.constant);
        for (factors, coefficient) in &self.terms {
            let mut product = Sum::constant(*coefficient);
            for factor in factors.iter() {
                let value = match factor {
                    Symbol::Input(_) | Symbol::Text(_) | Symbol::Result(_) => Sum::symbol(*factor),
                    Symbol::Parameter(index) => match arguments.get(*index as usize) {
                        Some(argument) => argument.clone()?,
                        None => return Err(too_long(span)),
                    },
                };
                product = product.times(&value).ok_or_else(|| too_long(span))?;
            }
            result.add(&product);
        }
        Ok(result)
    }

    /// As the module carries it. A parameter cannot stand in it: only a function of the entry's callees has any.
    pub fn polynomial(&self) -> Polynomial {
        let mut terms = Vec::with_capacity(self.terms.len().saturating_add(1));
        if self.constant > 0 {
            terms.push(Term { factors: InputFactors::new(), coefficient: self.constant });
        }
        for &(ref factors, coefficient) in &self.terms {
            let mut inputs = InputFactors::new();
            for factor in factors {
                match factor {
                    Symbol::Input(input) => inputs.push(*input),
                    Symbol::Parameter(_) | Symbol::Text(_) | Symbol::Result(_) => {
                        return Polynomial::Unbounded;
                    }
                }
            }
            terms.push(Term { factors: inputs, coefficient });
        }
        terms.sort();
        Polynomial::Terms(terms)
    }
}

/// The cause where a bound has more terms than anyone would read.
pub(crate) fn too_long(span: Span) -> Unbounded {
    Unbounded::new(span, "the formula of its cost has too many terms")
}

/// Product of two bounds.
pub(crate) fn times(left: &Size, right: &Size, span: Span) -> Size {
    match (left, right) {
        // Nothing, however often, is nothing.
        (Ok(zero), Err(_)) | (Err(_), Ok(zero)) if zero.as_constant() == Some(0) => Ok(Sum::zero()),
        (Ok(left), Ok(right)) => left.times(right).ok_or_else(|| too_long(span)),
        (Err(left), Err(right)) => Err(left.clone().and(right)),
        (Err(cause), _) | (_, Err(cause)) => Err(cause.clone()),
    }
}

/// Sum of two bounds.
pub(crate) fn plus(mut left: Size, right: &Size) -> Size {
    add(&mut left, right);
    left
}

/// Adds to a bound in place.
pub(crate) fn add(to: &mut Size, amount: &Size) {
    match (to, amount) {
        (Ok(sum), Ok(amount)) => sum.add(amount),
        (to @ Ok(_), Err(cause)) => *to = Err(cause.clone()),
        (Err(own), Err(cause)) => *own = own.clone().and(cause),
        (Err(_), Ok(_)) => {}
    }
}

/// The same of a number.
pub(crate) fn add_number(to: &mut Size, amount: u64) {
    if let Ok(sum) = to {
        sum.constant = sum.constant.saturating_add(amount);
    }
}

/// What is at least as great as both.
pub(crate) fn either(left: Size, right: &Size) -> Size {
    both(left, right, Sum::or)
}

fn both(left: Size, right: &Size, joined: fn(Sum, &Sum) -> Sum) -> Size {
    match (left, right) {
        (Ok(left), Ok(right)) => Ok(joined(left, right)),
        (Err(left), Err(right)) => Err(left.and(right)),
        (Err(cause), Ok(_)) => Err(cause),
        (Ok(_), Err(cause)) => Err(cause.clone()),
    }
}
