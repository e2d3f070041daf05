//! What a way through code costs at most, resource by resource.

use swarm_bytecode::cost::{TEXT_STEP, WORD_BYTES};
use swarm_grammar::span::Span;

pub(crate) use super::sum::add;
use super::sum::{Size, Sum, either, plus, times};

/// An upper bound of each resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cost {
    pub(crate) fuel: Size,
    /// Bytes of texts that are charged one unit of fuel for each [`TEXT_STEP`].
    pub(crate) texts: Size,
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
        Cost {
            fuel: zero(),
            texts: zero(),
            kept: zero(),
            frames: zero(),
            host_calls: zero(),
            money: zero(),
            tokens: zero(),
        }
    }

    /// One after the other.
    #[must_use]
    pub(crate) fn then(mut self, next: &Cost) -> Cost {
        self.follow(next);
        self
    }

    /// The same in place.
    pub(crate) fn follow(&mut self, next: &Cost) {
        let frames = std::mem::replace(&mut self.frames, Ok(Sum::zero()));
        self.frames = either(frames, &next.frames);
        add(&mut self.fuel, &next.fuel);
        add(&mut self.texts, &next.texts);
        add(&mut self.kept, &next.kept);
        add(&mut self.host_calls, &next.host_calls);
        add(&mut self.money, &next.money);
        add(&mut self.tokens, &next.tokens);
    }

    /// One or the other.
    #[must_use]
    pub(crate) fn or(self, other: &Cost) -> Cost {
        Cost {
            fuel: either(self.fuel, &other.fuel),
            texts: either(self.texts, &other.texts),
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
        if rounds.as_ref().is_ok_and(|rounds| rounds.as_constant() == Some(1)) {
            return self;
        }
        Cost {
            fuel: times(&self.fuel, rounds, span),
            texts: times(&self.texts, rounds, span),
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
            texts: put(&self.texts),
            kept: put(&self.kept),
            frames: put(&self.frames),
            host_calls: put(&self.host_calls),
            money: put(&self.money),
            tokens: put(&self.tokens),
        }
    }

    /// All resources, to look for causes.
    pub(crate) fn all(&self) -> [&Size; 7] {
        [&self.fuel, &self.texts, &self.kept, &self.frames, &self.host_calls, &self.money, &self.tokens]
    }

    /// Fuel with the charge for texts.
    pub(crate) fn whole_fuel(&self) -> Size {
        plus(self.fuel.clone(), &self.texts.clone().map(|bytes| bytes.divided(TEXT_STEP)))
    }

    /// Memory of all that is made and of the calls that are live at once.
    pub(crate) fn memory(&self) -> Size {
        plus(self.kept.clone(), &self.frames)
    }

    pub(crate) fn add_fuel(&mut self, amount: u64) {
        add(&mut self.fuel, &Ok(Sum::constant(amount)));
    }

    pub(crate) fn add_kept(&mut self, amount: u64) {
        add(&mut self.kept, &Ok(Sum::constant(amount)));
    }

    /// Texts of so many bytes are looked at or made.
    pub(crate) fn add_text(&mut self, bytes: &Sum) {
        match bytes.as_constant() {
            Some(bytes) => self.add_fuel(bytes / TEXT_STEP),
            None => add(&mut self.texts, &Ok(bytes.clone())),
        }
    }

    /// An object of so many words is made.
    pub(crate) fn allocate(&mut self, words: &Size) {
        add(&mut self.fuel, words);
        add(&mut self.kept, &words.clone().map(|words| words.scaled(WORD_BYTES)));
    }

    /// A text of so many bytes is made.
    pub(crate) fn make_text(&mut self, bytes: &Size) {
        match bytes {
            Ok(sum) => self.add_text(sum),
            Err(_) => add(&mut self.texts, bytes),
        }
        add(&mut self.kept, bytes);
    }
}
