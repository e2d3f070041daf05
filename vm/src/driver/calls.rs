//! Host calls: what they cost, whether they fit, and what the host's answer does to the run.

use swarm_bytecode::cost;
use swarm_bytecode::module::{Amount, Import};
use swarm_bytecode::trap::{LimitKind, TrapCode};
use swarm_bytecode::types::Type;

use super::{Driver, Waiting};
use crate::decode::SiteTarget;
use crate::heap::Data;
use crate::host::{Answer, AnswerKind, Call, Host};
use crate::instance::{Effects, Exit, PendingCall, Phase, RunState, is_query};
use crate::machine::Pause;
use crate::slot;
use crate::store::store;
use crate::trace::{ActionResult, EventKind, Tag, place_name, put_text, put_value};
use crate::value::{Value, ValueRef};

impl Driver<'_, '_> {
    /// A host call: cost, charge, limits, then the host. In the order of rule F6.
    pub(super) fn host_call(&mut self, result: u8, site: u32, host: &mut Host<'_>) -> Result<(), Pause> {
        let code = self.program.code();
        let site = *code.sites.get(slot::index(site)).ok_or(Pause::Internal)?;
        let SiteTarget::Import(id) = site.target else { return Err(Pause::Internal) };
        let import = code.module().imports.get(id.index()).ok_or(Pause::Internal)?;
        let arguments = code.arguments(site);
        self.state.arguments.clear();
        let mut text_bytes = 0u64;
        for (argument, ty) in arguments.iter().zip(&import.parameters) {
            let slot = self.state.machine.register(argument.register);
            self.state.arguments.push(slot);
            if matches!(code.module().ty(*ty), Some(Type::String)) {
                text_bytes = text_bytes.saturating_add(u64::from(slot::text_length(slot)));
            }
        }
        if let Some(function) = self.next_quote(import) {
            let RunState { machine, arguments, .. } = &mut *self.state;
            return machine.enter_quote(code, function, arguments);
        }
        let count = u64::from(slot::count(arguments.len()));
        self.state.machine.settle(self.origin(), cost::host_call(count, text_bytes))?;
        let cost = self.admit_call(import, count)?;
        for (argument, slot) in arguments.iter().zip(&self.state.arguments) {
            if argument.shares {
                self.state.machine.heap.share(*slot);
            }
        }
        let number = self.state.meters.host_calls;
        self.state.meters.host_calls = number.saturating_add(1);
        self.state.quotes = [None; 2];
        let origin = self.origin();
        let query = is_query(import.effect);
        let held = !query && self.settings.effects == Effects::Collected;
        let mut logged = None;
        if !query {
            self.state.meters.actions_issued = self.state.meters.actions_issued.saturating_add(1);
            if held || self.settings.keep_actions {
                let RunState { actions, arguments, .. } = &mut *self.state;
                actions.push(id, arguments, cost, (origin.function, origin.op), number);
                logged = Some(actions.last());
            }
        }
        if held {
            self.action_event(import, ActionResult::Held);
            self.step();
            return Ok(());
        }
        let place = (origin.function, origin.op);
        let data = Data { code, attached: self.attached, heap: &self.state.machine.heap };
        let call = Call { import, data, arguments: &self.state.arguments, number, place };
        let answer = host.call(&call);
        self.state.phase =
            Phase::Waiting(Waiting { number, import: id, cost, result, logged, answer: Some(answer) });
        Ok(())
    }

    /// The function that computes the next unknown part of the call's cost.
    fn next_quote(&mut self, import: &Import) -> Option<u16> {
        let parts = [import.cost.money, import.cost.tokens];
        for (quote, amount) in self.state.quotes.iter_mut().zip(parts) {
            match (&quote, amount) {
                (None, Amount::Fixed(amount)) => *quote = Some(amount),
                (None, Amount::Computed(function)) => return Some(function.0),
                (Some(_), _) => {}
            }
        }
        None
    }

    /// Looks at every limit a call touches, then reserves its cost. Gives micro-dollars and tokens.
    fn admit_call(&mut self, import: &Import, arguments: u64) -> Result<(i64, i64), Pause> {
        let [money, tokens] = self.state.quotes.map(|quote| quote.unwrap_or(0));
        if money < 0 || tokens < 0 {
            return Err(Pause::Trap(TrapCode::NegativeCost));
        }
        if !is_query(import.effect) {
            self.state.machine.memory.take(cost::action_bytes(arguments)).map_err(Pause::Limit)?;
        }
        let (limits, meters) = (&self.settings.limits, &mut self.state.meters);
        if meters.host_calls >= limits.host_calls {
            return Err(Pause::Limit(LimitKind::HostCalls));
        }
        let fits = |spent: i64, reserved: i64, more: i64, limit: i64| {
            let sum = i128::from(spent).saturating_add(i128::from(reserved)).saturating_add(i128::from(more));
            more == 0 || sum <= i128::from(limit)
        };
        if !fits(meters.money, meters.money_reserved, money, limits.money) {
            return Err(Pause::Limit(LimitKind::Money));
        }
        if !fits(meters.tokens, meters.tokens_reserved, tokens, limits.tokens) {
            return Err(Pause::Limit(LimitKind::Tokens));
        }
        meters.money_reserved = meters.money_reserved.saturating_add(money);
        meters.tokens_reserved = meters.tokens_reserved.saturating_add(tokens);
        Ok((money, tokens))
    }

    /// Settles the host call the run waits for. An error ends the run.
    pub(super) fn settle_call(&mut self, answer: Answer) -> Result<(), Pause> {
        if answer.kind == AnswerKind::Pending {
            return Ok(());
        }
        let Phase::Waiting(waiting) = std::mem::replace(&mut self.state.phase, Phase::Running) else {
            return Err(Pause::Internal);
        };
        let code = self.program.code();
        let import = code.module().imports.get(waiting.import.index()).ok_or(Pause::Internal)?;
        let price = self.settle_cost(waiting.cost, &answer);
        // The call may have taken any time: look at the clock at the next settling op.
        let used = self.state.machine.used_after(code);
        let mark = used.min(self.state.machine.fuel_limit);
        self.state.machine.set_mark(mark);
        match answer.kind {
            AnswerKind::Value(value) if is_query(import.effect) => {
                self.query_event(import, Ok(&value));
                let ty = import.result.ok_or(Pause::Internal)?;
                match store(&mut self.state.machine, code, self.attached, ty, &value) {
                    Ok(slot) => self.state.machine.set_register(waiting.result, slot),
                    Err(Pause::Trap(trap)) => {
                        self.wrong_answer(trap, import, ty, &value);
                        return Ok(());
                    }
                    Err(other) => return Err(other),
                }
            }
            AnswerKind::Failed(error) if is_query(import.effect) => {
                self.query_event(import, Err(error.message()));
                let ty = import.result.and_then(|ty| code.module().ty(ty));
                if !matches!(ty, Some(Type::Optional(_))) {
                    self.host_failed(error.message());
                    return Ok(());
                }
                self.state.machine.set_register(waiting.result, 0);
            }
            AnswerKind::Done if !is_query(import.effect) => self.action_event(import, ActionResult::Done),
            AnswerKind::Failed(error) => {
                self.action_event(import, ActionResult::Failed(error.message()));
                self.action_failed(waiting.logged, error.message());
            }
            AnswerKind::Done | AnswerKind::Value(_) | AnswerKind::Pending => {
                return Err(Pause::Trap(TrapCode::HostAnswer));
            }
        }
        price.map_err(Pause::Trap)?;
        self.step();
        Ok(())
    }

    /// Turns a reservation into what was spent; the host may only settle lower.
    pub(super) fn settle_cost(&mut self, reserved: (i64, i64), answer: &Answer) -> Result<(), TrapCode> {
        let money = answer.money.unwrap_or(reserved.0).max(0);
        let tokens = answer.tokens.unwrap_or(reserved.1).max(0);
        let meters = &mut self.state.meters;
        meters.money_reserved = meters.money_reserved.saturating_sub(reserved.0);
        meters.tokens_reserved = meters.tokens_reserved.saturating_sub(reserved.1);
        meters.money = meters.money.saturating_add(money);
        meters.tokens = meters.tokens.saturating_add(tokens);
        if money > reserved.0 || tokens > reserved.1 { Err(TrapCode::HostPrice) } else { Ok(()) }
    }

    pub(super) fn action_failed(&mut self, logged: Option<usize>, error: &str) {
        self.state.meters.actions_failed = self.state.meters.actions_failed.saturating_add(1);
        if let Some(at) = logged {
            self.state.actions.fail(at, error);
        }
    }

    fn arguments(&self, import: &Import) -> Vec<ValueRef<'_>> {
        let data = self.data();
        let typed = import.parameters.iter().zip(&self.state.arguments);
        typed.map(|(ty, slot)| ValueRef { data, ty: *ty, slot: *slot }).collect()
    }

    /// Adds the call at hand to the digest.
    fn digest_call(&mut self, tag: Tag, import: &Import, more: impl FnOnce(&mut Vec<u8>)) {
        let (fuel, at) = (self.fuel(), self.at());
        let data =
            Data { code: self.program.code(), attached: self.attached, heap: &self.state.machine.heap };
        let typed = import.parameters.iter().zip(&self.state.arguments);
        self.tracing.digest(tag, fuel, at, |bytes| {
            put_text(bytes, &import.name);
            for (ty, slot) in typed {
                put_value(bytes, ValueRef { data, ty: *ty, slot: *slot });
            }
            more(bytes);
        });
    }

    fn action_event(&mut self, import: &Import, result: ActionResult<'_>) {
        self.digest_call(Tag::Action, import, |bytes| put_result(bytes, result));
        if self.tracing.wants_effects() {
            let arguments = self.arguments(import).into_iter().map(ValueRef::to_shown).collect::<Vec<_>>();
            let kind = EventKind::Action { name: &import.name, arguments: &arguments, result };
            let (fuel, at) = (self.fuel(), self.at());
            self.tracing.send(self.program.code(), fuel, at, kind);
        }
    }

    fn query_event(&mut self, import: &Import, answer: Result<&Value, &str>) {
        self.digest_call(Tag::Query, import, |bytes| match answer {
            Ok(value) => {
                bytes.push(1);
                put_text(bytes, &value.to_json());
            }
            Err(error) => {
                bytes.push(0);
                put_text(bytes, error);
            }
        });
        if self.tracing.wants_effects() {
            let arguments = self.arguments(import).into_iter().map(ValueRef::to_shown).collect::<Vec<_>>();
            let kind = EventKind::Query { name: &import.name, arguments: &arguments, answer };
            let (fuel, at) = (self.fuel(), self.at());
            self.tracing.send(self.program.code(), fuel, at, kind);
        }
    }

    /// What the embedder is told of the call the run waits for.
    pub(super) fn pending(&self) -> Exit {
        let code = self.code();
        let (waiting, place) = match &self.state.phase {
            Phase::Applying { next, waiting: Some(waiting) } => {
                let place = self.state.actions.get(*next).map_or((0, 0), |issued| issued.place);
                (waiting, place)
            }
            Phase::Waiting(waiting) => {
                let origin = self.origin();
                (waiting, (origin.function, origin.op))
            }
            _ => return Exit::OutOfFuel { used: 0, limit: 0, place: place_name(code, 0, 0) },
        };
        let import = code.module().imports.get(waiting.import.index());
        let arguments = import.map(|import| self.arguments(import)).unwrap_or_default();
        Exit::Pending(PendingCall {
            id: waiting.number,
            name: import.map(|import| import.name.clone()).unwrap_or_default(),
            query: import.is_some_and(|import| is_query(import.effect)),
            arguments: arguments.into_iter().map(ValueRef::to_value).collect(),
            place: place_name(code, place.0, place.1),
        })
    }
}

/// Adds an action's result to the digest.
pub(super) fn put_result(bytes: &mut Vec<u8>, result: ActionResult<'_>) {
    match result {
        ActionResult::Done => bytes.push(1),
        ActionResult::Held => bytes.push(2),
        ActionResult::Failed(error) => {
            bytes.push(3);
            put_text(bytes, error);
        }
    }
}
