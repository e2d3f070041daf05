//! What a way through code costs at most, resource by resource.

use swarm_grammar::span::Span;

use super::sum::{Size, Sum, either, plus, times};

/// An upper bound of each resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cost {
    pub(crate) fuel: Size,
    /// Logical bytes of what is made and kept: nothing is given back while an activation runs.
    pub(crate) kept: Size,
    /// Logical bytes of the calls that are live at once.
    pub(crate) frames: Size,
    pub(crate) host_calls: Size,
    pub(crate) money: Size,
    pub(crate) tokens: Size,
}

impl Cost {
    pub(crate) fn zero() -> Cost {
        let zero = || Ok(Sum::zero());
        Cost { fuel: zero(), kept: zero(), frames: zero(), host_calls: zero(), money: zero(), tokens: zero() }
    }

    /// One after the other.
    #[must_use]
    pub(crate) fn then(self, next: &Cost) -> Cost {
        Cost {
            fuel: plus(self.fuel, &next.fuel),
            kept: plus(self.kept, &next.kept),
            frames: either(self.frames, &next.frames),
            host_calls: plus(self.host_calls, &next.host_calls),
            money: plus(self.money, &next.money),
            tokens: plus(self.tokens, &next.tokens),
        }
    }

    /// One or the other.
    #[must_use]
    pub(crate) fn or(self, other: &Cost) -> Cost {
        Cost {
            fuel: either(self.fuel, &other.fuel),
            kept: either(self.kept, &other.kept),
            frames: either(self.frames, &other.frames),
            host_calls: either(self.host_calls, &other.host_calls),
            money: either(self.money, &other.money),
            tokens: either(self.tokens, &other.tokens),
        }
    }

    /// So many rounds.
    #[must_use]
    pub(crate) fn repeated(self, rounds: &Size, span: Span) -> Cost {
        Cost {
            fuel: times(&self.fuel, rounds, span),
            kept: times(&self.kept, rounds, span),
            frames: self.frames,
            host_calls: times(&self.host_calls, rounds, span),
            money: times(&self.money, rounds, span),
            tokens: times(&self.tokens, rounds, span),
        }
    }

    /// With the caller's arguments in the place of the function's parameters.
    #[must_use]
    pub(crate) fn substitute(&self, arguments: &[Size], span: Span) -> Cost {
        let put = |size: &Size| size.clone().and_then(|sum| sum.substitute(arguments, span));
        Cost {
            fuel: put(&self.fuel),
            kept: put(&self.kept),
            frames: put(&self.frames),
            host_calls: put(&self.host_calls),
            money: put(&self.money),
            tokens: put(&self.tokens),
        }
    }

    /// All resources, to look for causes.
    pub(crate) fn all(&self) -> [&Size; 6] {
        [&self.fuel, &self.kept, &self.frames, &self.host_calls, &self.money, &self.tokens]
    }

    pub(crate) fn add_fuel(&mut self, amount: u64) {
        add(&mut self.fuel, &Ok(Sum::constant(amount)));
    }

    pub(crate) fn add_kept(&mut self, amount: u64) {
        add(&mut self.kept, &Ok(Sum::constant(amount)));
    }
}

/// Adds to a bound in place.
pub(crate) fn add(to: &mut Size, amount: &Size) {
    let sum = std::mem::replace(to, Ok(Sum::zero()));
    *to = plus(sum, amount);
}
