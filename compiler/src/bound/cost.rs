//! What a way through code costs at most, resource by resource.

use swarm_bytecode::cost::{TEXT_STEP, WORD_BYTES};
use swarm_bytecode::module::ImportId;
use swarm_grammar::span::Span;

pub(crate) use super::sum::add;
use super::sum::{Size, Sum, add_number, either, plus, times};

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
    /// What each host function has of these calls, money and tokens.
    pub(crate) calls: CallsByImport,
}

/// What is asked of each host function that is called at all, in order. A way calls few.
pub(crate) type CallsByImport = Vec<(ImportId, Calls)>;

/// Changes what is asked of one host function; of one not asked before that is nothing.
fn change_calls(calls: &mut CallsByImport, import: ImportId, change: impl FnOnce(&mut Calls)) {
    match calls.binary_search_by_key(&import, |(known, _)| *known) {
        Ok(at) => {
            if let Some((_, known)) = calls.get_mut(at) {
                change(known);
            }
        }
        Err(at) => {
            let mut first = Calls::none();
            change(&mut first);
            calls.insert(at, (import, first));
        }
    }
}

/// What is asked of one host function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Calls {
    /// How often.
    pub(crate) count: Size,
    pub(crate) money: Size,
    pub(crate) tokens: Size,
}

impl Calls {
    pub(crate) fn none() -> Calls {
        Calls { count: Ok(Sum::zero()), money: Ok(Sum::zero()), tokens: Ok(Sum::zero()) }
    }

    pub(crate) fn map(&self, change: impl Fn(&Size) -> Size) -> Calls {
        Calls { count: change(&self.count), money: change(&self.money), tokens: change(&self.tokens) }
    }

    fn follow(&mut self, next: &Calls) {
        add(&mut self.count, &next.count);
        add(&mut self.money, &next.money);
        add(&mut self.tokens, &next.tokens);
    }

    fn join(self, other: &Calls, joined: fn(Size, &Size) -> Size) -> Calls {
        Calls {
            count: joined(self.count, &other.count),
            money: joined(self.money, &other.money),
            tokens: joined(self.tokens, &other.tokens),
        }
    }
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
            calls: CallsByImport::new(),
        }
    }

    /// One after the other: the calls of the first are no longer live when the second makes its own.
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
        for (import, calls) in &next.calls {
            change_calls(&mut self.calls, *import, |own| own.follow(calls));
        }
    }

    /// One or the other.
    #[must_use]
    pub(crate) fn or(self, other: &Cost) -> Cost {
        self.join(other, either)
    }

    fn join(self, other: &Cost, joined: fn(Size, &Size) -> Size) -> Cost {
        let mut calls = self.calls;
        for (import, theirs) in &other.calls {
            change_calls(&mut calls, *import, |own| {
                *own = std::mem::replace(own, Calls::none()).join(theirs, joined);
            });
        }
        Cost {
            fuel: joined(self.fuel, &other.fuel),
            texts: joined(self.texts, &other.texts),
            kept: joined(self.kept, &other.kept),
            frames: joined(self.frames, &other.frames),
            host_calls: joined(self.host_calls, &other.host_calls),
            money: joined(self.money, &other.money),
            tokens: joined(self.tokens, &other.tokens),
            calls,
        }
    }

    /// What each activation has a limit of its own for.
    pub(crate) fn of_one_activation(&self) -> Cost {
        Cost {
            fuel: self.fuel.clone(),
            texts: self.texts.clone(),
            kept: self.kept.clone(),
            frames: self.frames.clone(),
            ..Cost::zero()
        }
    }

    /// So many rounds.
    #[must_use]
    pub(crate) fn repeated(mut self, rounds: &Size, span: Span) -> Cost {
        if rounds.as_ref().is_ok_and(|rounds| rounds.as_constant() == Some(1)) {
            return self;
        }
        let frames = std::mem::replace(&mut self.frames, Ok(Sum::zero()));
        Cost { frames, ..self.map(|size| times(size, rounds, span)) }
    }

    /// With the caller's arguments in the place of the function's parameters.
    #[must_use]
    pub(crate) fn substitute(&self, arguments: &[Size], span: Span) -> Cost {
        self.map(|size| match size {
            Ok(sum) => sum.substitute(arguments, span),
            Err(cause) => Err(cause.clone()),
        })
    }

    fn map(&self, change: impl Fn(&Size) -> Size) -> Cost {
        Cost {
            fuel: change(&self.fuel),
            texts: change(&self.texts),
            kept: change(&self.kept),
            frames: change(&self.frames),
            host_calls: change(&self.host_calls),
            money: change(&self.money),
            tokens: change(&self.tokens),
            calls: self.calls.iter().map(|(import, calls)| (*import, calls.map(&change))).collect(),
        }
    }

    /// Each host function's share of money and tokens as the budget around lets it be.
    #[must_use]
    pub(crate) fn limited(self, money: impl Fn(Size) -> Size, tokens: impl Fn(Size) -> Size) -> Cost {
        let limited =
            |calls: Calls| Calls { money: money(calls.money), tokens: tokens(calls.tokens), ..calls };
        Cost {
            calls: self.calls.into_iter().map(|(import, calls)| (import, limited(calls))).collect(),
            money: money(self.money),
            tokens: tokens(self.tokens),
            ..self
        }
    }

    /// One call of a host function at this price.
    pub(crate) fn add_call(&mut self, import: ImportId, money: &Size, tokens: &Size) {
        add_number(&mut self.host_calls, 1);
        add(&mut self.money, money);
        add(&mut self.tokens, tokens);
        change_calls(&mut self.calls, import, |calls| {
            add_number(&mut calls.count, 1);
            add(&mut calls.money, money);
            add(&mut calls.tokens, tokens);
        });
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
        add_number(&mut self.fuel, amount);
    }

    pub(crate) fn add_kept(&mut self, amount: u64) {
        add_number(&mut self.kept, amount);
    }

    /// Texts of so many bytes are looked at or made.
    pub(crate) fn add_text(&mut self, bytes: &Sum) {
        self.add_text_by(bytes, TEXT_STEP);
    }

    /// As [`Cost::add_text`], a unit for each `step` bytes, a divisor of [`TEXT_STEP`].
    pub(crate) fn add_text_by(&mut self, bytes: &Sum, step: u64) {
        let step = step.max(1);
        match bytes.as_constant() {
            Some(bytes) => self.add_fuel(bytes.div_euclid(step)),
            None => add(&mut self.texts, &Ok(bytes.clone().scaled(TEXT_STEP.div_euclid(step)))),
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
