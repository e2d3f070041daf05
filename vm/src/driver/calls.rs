//! Host calls: what has to be known first, what they cost, whether they fit, and then the call.

use std::sync::Arc;

use swarm_bytecode::cost;
use swarm_bytecode::module::{Amount, Effect, Import, ImportId};
use swarm_bytecode::trap::{LimitKind, TrapCode};

use super::state::{Asking, CallKind, CallState, Phase, RunState, Verdict, Waiting};
use super::{Driver, Halt};
use crate::actions::{Issued, NewAction};
use crate::decode::{Argument, Code};
use crate::host::{About, Answer, Call, Host, Target};
use crate::instance::{Exit, PendingCall, PendingKind};
use crate::machine::Pause;
use crate::slot;
use crate::trace::{ActionResult, place_name, put_value};
use crate::value::ValueRef;
use crate::word::Word;

/// The word of a host call.
#[derive(Debug, Clone, Copy)]
pub(super) struct CallWord {
    pub(super) result: u8,
    pub(super) site: u32,
    pub(super) kind: CallKind,
}

/// What a call site names.
#[derive(Clone, Copy)]
pub(super) struct CallSite<'c> {
    number: u32,
    pub(super) id: ImportId,
    pub(super) import: &'c Import,
    pub(super) arguments: &'c [Argument],
}

impl CallKind {
    /// Words of the op.
    pub(super) const fn words(self) -> usize {
        if let CallKind::Retry { .. } = self { 2 } else { 1 }
    }
}

pub(super) const fn is_query(import: &Import) -> bool {
    matches!(import.effect, Effect::Query)
}

fn call_site(code: &Code, number: u32) -> Result<CallSite<'_>, Pause> {
    let (id, import) = code.import_at(number).ok_or(Pause::Internal)?;
    let site = *code.sites.get(slot::index(number)).ok_or(Pause::Internal)?;
    Ok(CallSite { number, id, import, arguments: code.arguments(site) })
}

impl<'a> Driver<'a, '_> {
    /// A host call, in the order of rule F6: vetoes and costs that have to be computed, the dynamic charge, the
    /// agent's vetoes, limits, then the host. The op is begun anew after each function that has to run first.
    pub(super) fn host_call(&mut self, word: CallWord, host: &mut Host<'_>) -> Result<(), Halt> {
        let site = call_site(self.program.code(), word.site)?;
        self.load_arguments(site);
        if self.rule_on_it(site)? {
            return Ok(());
        }
        if self.state.call.verdict.is_none() {
            if word.kind != CallKind::Plain && self.state.actions.holds() {
                // What is waited for comes after all that was issued before.
                self.state.machine.seen = true;
                self.state.phase = Phase::Applying(None);
                return Ok(());
            }
            if let Some(function) = self.next_quote(site.import) {
                self.state.call.asking = Asking::Cost;
                let RunState { machine, arguments, .. } = &mut *self.state;
                return Ok(machine.enter_quote(self.program.code(), function, arguments)?);
            }
        }
        if !self.state.call.paid {
            self.state.machine.settle(self.origin(), self.charge(site, word.kind))?;
            self.state.call.paid = true;
        }
        if self.state.call.verdict.is_none() {
            self.ask_agent(site, host);
        }
        match self.state.call.verdict.take() {
            Some(verdict) => self.forbidden(word, site, &verdict, host),
            None => self.issue(word, site, host),
        }
    }

    fn load_arguments(&mut self, site: CallSite<'_>) {
        let RunState { machine, arguments, .. } = &mut *self.state;
        arguments.clear();
        arguments.extend(site.arguments.iter().map(|argument| machine.register(argument.register)));
    }

    /// The dynamic charge.
    fn charge(&self, site: CallSite<'_>, kind: CallKind) -> u64 {
        let count = u64::from(slot::count(site.arguments.len()));
        let texts = self.code().text_bytes(site.import, &self.state.arguments);
        match kind {
            CallKind::Retry { times, .. } => cost::retry(u64::from(times), count, texts),
            _ => cost::host_call(count, texts),
        }
    }

    /// The function that computes the next unknown part of the call's cost.
    fn next_quote(&mut self, import: &Import) -> Option<u16> {
        let parts = [import.cost.money, import.cost.tokens];
        for (quote, amount) in self.state.call.quotes.iter_mut().zip(parts) {
            match (&quote, amount) {
                (None, Amount::Fixed(amount)) => *quote = Some(amount),
                (None, Amount::Computed(function)) => return Some(function.0),
                (Some(_), _) => {}
            }
        }
        None
    }

    /// A function that had to run before the call at hand has given its result.
    pub(super) fn computed(&mut self, value: u64) {
        match std::mem::take(&mut self.state.call.asking) {
            Asking::Cost => {
                if let Some(quote) = self.state.call.quotes.iter_mut().find(|quote| quote.is_none()) {
                    *quote = Some(value.cast_signed());
                }
            }
            Asking::Veto(veto) if value != 0 => self.rule_forbids(veto, None),
            Asking::Veto(_) | Asking::Nothing => {}
        }
        self.state.machine.seen = true;
    }

    /// Looks at every limit a call touches, then makes it, or keeps it for later.
    fn issue(&mut self, word: CallWord, site: CallSite<'_>, host: &mut Host<'_>) -> Result<(), Halt> {
        let cost = self.admit(site)?;
        for (argument, slot) in site.arguments.iter().zip(&self.state.arguments) {
            if argument.shares {
                self.state.machine.heap.share(*slot);
            }
        }
        if site.import.effect == Effect::Once && self.state.call.key.is_none() {
            self.state.call.key = Some(Box::new(self.next_key(site.import)));
        }
        let number = self.state.meters.host_calls;
        self.state.meters.host_calls = number.saturating_add(1);
        let held = !is_query(site.import) && word.kind == CallKind::Plain && self.state.holds(self.settings);
        let logged = self.log(site, cost, number, held);
        if held {
            self.action_event(site.import, ActionResult::Held);
            self.end_call(word.kind);
            return Ok(());
        }
        self.state.call.attempts = self.state.call.attempts.saturating_add(1);
        let about = self.about(site.import, number);
        let mut answer = None;
        host.call(self.target(site.id), self.call(&about), &mut answer);
        let CallWord { kind, result, .. } = word;
        let waiting = Waiting { number, import: site.id, cost, kind, result, logged, answer: None };
        self.settle_call(waiting, answer.unwrap_or_else(Answer::done), host)
    }

    /// Notes an action; gives its index in the log, if it is kept.
    fn log(&mut self, site: CallSite<'_>, cost: (i64, i64), number: u64, held: bool) -> Option<usize> {
        if is_query(site.import) {
            return None;
        }
        let RunState { meters, at_begin, actions, arguments, call, .. } = &mut *self.state;
        let ordinal = meters.actions_issued.saturating_sub(at_begin.actions_issued);
        meters.actions_issued = meters.actions_issued.saturating_add(1);
        if !held && !self.settings.keep_actions {
            return None;
        }
        let key = call.key.as_deref().copied();
        let issued = Issued { site: site.number, number, ordinal };
        let action = NewAction { issued, arguments, cost: if held { cost } else { (0, 0) }, key };
        Some(Arc::make_mut(actions).push(action, held))
    }

    /// The key of the next effect of the call at hand.
    fn next_key(&mut self, import: &Import) -> crate::host::EffectKey {
        let data = self.data();
        let mut bytes = Vec::new();
        for (ty, slot) in import.parameters.iter().zip(&self.state.arguments) {
            put_value(&mut bytes, ValueRef { data, ty: *ty, slot: *slot });
        }
        let origin = self.origin();
        self.state.once.get_or_insert_default().next((origin.function, origin.op), &bytes)
    }

    /// Reserves the cost of a call, if it fits everywhere: the limits of the order, then each open `within`, the
    /// outermost first. Gives micro-dollars and tokens.
    fn admit(&mut self, site: CallSite<'_>) -> Result<(i64, i64), Halt> {
        let [money, tokens] = self.state.call.quotes.map(|quote| quote.unwrap_or(0));
        if money < 0 || tokens < 0 {
            return Err(Pause::Trap(TrapCode::NegativeCost).into());
        }
        if !is_query(site.import) && !self.state.call.counted {
            let bytes = cost::action_bytes(u64::from(slot::count(site.arguments.len())));
            self.state.machine.memory.take(bytes).map_err(Pause::Limit)?;
            self.state.call.counted = true;
        }
        let (limits, meters) = (&self.settings.limits, &self.state.meters);
        if meters.host_calls >= limits.host_calls {
            return Err(Pause::Limit(LimitKind::HostCalls).into());
        }
        if !meters.fits_money(limits, money) {
            return Err(Pause::Limit(LimitKind::Money).into());
        }
        if !meters.fits_tokens(limits, tokens) {
            return Err(Pause::Limit(LimitKind::Tokens).into());
        }
        self.reserve_within(money, tokens)?;
        self.state.meters.reserve((money, tokens));
        Ok((money, tokens))
    }

    /// The host call at hand is over: goes on behind it.
    pub(super) fn end_call(&mut self, kind: CallKind) {
        self.state.call = CallState::default();
        self.step(kind.words());
    }

    /// Settles a call that was made in place, where its answer is more than "done".
    pub(super) fn settle_direct(&mut self, answer: Answer, host: &Host<'_>) -> Result<(), Halt> {
        let code = self.program.code();
        let (result, site, kind) = match code.word(self.state.machine.pc) {
            Some(Word::Host { result, site, .. }) => (result, site, CallKind::Plain),
            Some(Word::TryHost { result, site, .. }) => (result, site, CallKind::Try),
            _ => return Err(Pause::Internal.into()),
        };
        let site = call_site(code, site)?;
        let number = self.state.meters.host_calls.saturating_sub(1);
        let cost = self.state.links.get(site.id.index()).map_or((0, 0), |link| link.cost);
        let logged = self.settings.keep_actions.then(|| self.state.actions.len().saturating_sub(1));
        let waiting = Waiting { number, import: site.id, cost, kind, result, logged, answer: None };
        self.settle_call(waiting, answer, host)
    }

    /// Which call the one at hand is.
    pub(super) fn about<'b>(&'b self, import: &'b Import, number: u64) -> About<'b> {
        About {
            code: self.code(),
            attached: self.attached,
            import,
            number,
            pc: self.state.machine.pc,
            attempt: self.state.call.attempts,
            key: self.state.call.key.as_deref().copied(),
        }
    }

    /// A call with the arguments at hand.
    pub(super) fn call<'b>(&'b self, about: &'b About<'b>) -> Call<'b> {
        Call { about, heap: &self.state.machine.heap, arguments: &self.state.arguments }
    }

    /// What answers an import.
    pub(super) fn target(&self, import: ImportId) -> Target {
        self.state.links.get(import.index()).map_or(Target::Missing, |link| link.target)
    }

    /// The arguments at hand, with their types.
    pub(super) fn typed<'b>(&'b self, import: &'b Import) -> impl Iterator<Item = ValueRef<'b>> {
        let data = self.data();
        let typed = import.parameters.iter().zip(&self.state.arguments);
        typed.map(move |(ty, slot)| ValueRef { data, ty: *ty, slot: *slot })
    }

    /// What the embedder is told of what the activation waits for.
    pub(super) fn pending(&self) -> Exit {
        let code = self.code();
        let pc = self.state.machine.pc;
        let (number, import, pc, kind) = match &self.state.phase {
            Phase::Applying(Some(waiting)) => {
                let pc = self.state.actions.first_held().map_or(pc, |(_, held)| code.word_at(held.site));
                (waiting.number, Some(waiting.import), pc, PendingKind::Answer)
            }
            Phase::Waiting(waiting) => (waiting.number, Some(waiting.import), pc, PendingKind::Answer),
            Phase::Sleeping { number, until_ns, .. } => {
                let import = match code.word(pc) {
                    Some(Word::RetryHost { site, .. }) => call_site(code, site).ok().map(|site| site.id),
                    _ => None,
                };
                (*number, import, pc, PendingKind::Timer { until_ns: *until_ns })
            }
            _ => (0, None, pc, PendingKind::Answer),
        };
        let import = import.and_then(|import| code.module().imports.get(import.index()));
        let arguments = import.map(|import| self.typed(import).map(ValueRef::to_value).collect());
        let origin = code.origin(pc);
        Exit::Pending(PendingCall {
            id: number,
            name: import.map(|import| import.name.clone()).unwrap_or_default(),
            query: import.is_some_and(is_query),
            arguments: arguments.unwrap_or_default(),
            place: place_name(code, origin.function, origin.op),
            kind,
        })
    }

    /// Notes that an action could not be done.
    pub(super) fn action_failed(&mut self, logged: Option<usize>, error: &str) {
        self.state.meters.actions_failed = self.state.meters.actions_failed.saturating_add(1);
        if let Some(at) = logged {
            Arc::make_mut(&mut self.state.actions).fail(at, error);
        }
    }

    /// Gives the verdict on the call at hand, if there is none yet.
    pub(super) fn forbid(&mut self, verdict: Verdict) {
        self.state.call.verdict.get_or_insert_with(|| Box::new(verdict));
    }
}
