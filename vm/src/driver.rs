//! Runs the interpreter and does what it hands back: host calls, metrics, slices of fuel, limits, the end.

use smol_str::SmolStr;
use swarm_bytecode::cost;
use swarm_bytecode::module::{Amount, Import, ImportId, MetricId};
use swarm_bytecode::trap::{LimitKind, TrapCode};
use swarm_bytecode::types::{Type, TypeId};

use crate::attached::{Attached, type_text};
use crate::decode::{Code, Origin, SiteTarget};
use crate::heap::Data;
use crate::host::{Answer, AnswerKind, Call, Host};
use crate::instance::{Effects, Exit, PendingCall, Phase, RunState, Settings, is_query};
use crate::interpret::{Blind, interpret};
use crate::machine::Pause;
use crate::program::Program;
use crate::report::{Outcome, Reason, slot_value};
use crate::slot;
use crate::store::store;
use crate::trace::{ActionResult, At, EventKind, Level, Tag, Tracing, place_name, put_text, put_value};
use crate::value::{Value, ValueRef};
use crate::word::Word;

/// Fuel between two looks at the clock (rule F10).
pub(crate) const SLICE: i64 = 4096;

/// How a run ended.
#[derive(Debug, Clone)]
pub(crate) struct Ending {
    pub(crate) outcome: Outcome,
    pub(crate) reason: Option<Reason>,
    pub(crate) fuel_used: u64,
    pub(crate) result: Option<u64>,
}

impl Default for Ending {
    fn default() -> Self {
        Ending { outcome: Outcome::Done, reason: None, fuel_used: 0, result: None }
    }
}

/// A host call without an answer.
#[derive(Debug)]
pub(crate) struct Waiting {
    /// Its number among the run's host calls.
    pub(crate) number: u64,
    pub(crate) import: ImportId,
    /// What is reserved for it: micro-dollars, tokens.
    pub(crate) cost: (i64, i64),
    /// Where a query's answer goes.
    pub(crate) result: u8,
    /// Its place among the kept actions.
    pub(crate) logged: Option<usize>,
    pub(crate) answer: Option<Answer>,
}

/// A run, for as long as one call of `run` lasts.
pub(crate) struct Driver<'a, 's> {
    pub(crate) program: &'a Program,
    pub(crate) attached: &'a Attached,
    pub(crate) settings: &'a Settings,
    pub(crate) state: &'a mut RunState,
    pub(crate) tracing: Tracing<'a, 's>,
}

/// What to do next.
enum Next {
    GoOn,
    Leave(Exit),
}

impl<'a> Driver<'a, '_> {
    fn code(&self) -> &'a Code {
        self.program.code()
    }

    /// Goes on until the run is over (`None`) or has to wait.
    pub(crate) fn drive(&mut self, host: &mut Host<'_>) -> Option<Exit> {
        loop {
            match &mut self.state.phase {
                Phase::Fresh => self.start(host),
                Phase::Running => {
                    let pause = self.interpret();
                    if let Next::Leave(exit) = self.handle(pause, host) {
                        return Some(exit);
                    }
                }
                Phase::Waiting(waiting) => {
                    let Some(answer) = waiting.answer.take() else {
                        return Some(self.pending());
                    };
                    if let Err(pause) = self.settle_call(answer) {
                        self.end_by(pause);
                    }
                }
                Phase::Applying { .. } => {
                    if let Next::Leave(exit) = self.apply(host) {
                        return Some(exit);
                    }
                }
                Phase::Ended => return None,
            }
        }
    }

    fn interpret(&mut self) -> Pause {
        let code = self.program.code();
        if self.tracing.sink.is_some() && self.tracing.level >= Level::Steps {
            interpret(&mut self.state.machine, code, self.attached, &mut self.tracing)
        } else {
            interpret(&mut self.state.machine, code, self.attached, &mut Blind)
        }
    }

    fn start(&mut self, host: &mut Host<'_>) {
        let code = self.program.code();
        let module = code.module();
        let deadline = host.now_ns().saturating_add(self.settings.limits.deadline_ns);
        self.state.deadline_ns = Some(deadline);
        self.state.phase = Phase::Running;
        let digest = self.program.digest();
        let collected = self.settings.effects == Effects::Collected;
        let (name, version) = (&module.instruction.name, module.instruction.version);
        self.tracing.digest(Tag::Run, 0, None, |bytes| {
            put_text(bytes, name);
            bytes.extend_from_slice(&version.to_le_bytes());
            bytes.extend_from_slice(&digest);
            bytes.push(u8::from(collected));
        });
        let kind = EventKind::Run { instruction: name, version, digest, collected };
        self.tracing.send(code, 0, None, kind);
        let machine = &mut self.state.machine;
        let entered = machine.enter_entry(code, module.entry.0);
        machine.set_mark(machine.fuel_limit.min(self.settings.slice));
        if let Err(pause) = entered {
            self.end_by(pause);
        }
    }

    /// Deals with a pause of the interpreter.
    fn handle(&mut self, pause: Pause, host: &mut Host<'_>) -> Next {
        let pause = match pause {
            Pause::Effect => match self.effect(host) {
                Ok(()) => return Next::GoOn,
                Err(pause) => pause,
            },
            Pause::Quoted(amount) => {
                if let Some(quote) = self.state.quotes.iter_mut().find(|quote| quote.is_none()) {
                    *quote = Some(amount.cast_signed());
                }
                self.state.machine.seen = true;
                return Next::GoOn;
            }
            other => other,
        };
        match pause {
            Pause::Short { charge } => {
                self.state.machine.seen = true;
                self.short(charge, host)
            }
            ending => {
                self.end_by(ending);
                Next::GoOn
            }
        }
    }

    /// The mark does not cover the op at hand: out of fuel, past the deadline, or only the end of a slice.
    fn short(&mut self, charge: u64, host: &Host<'_>) -> Next {
        let origin = self.origin();
        let used = self.state.machine.used(self.code());
        let own = i64::from(origin.due.saturating_sub(origin.spent));
        let charge = charge.min(crate::limits::MAX_FUEL).cast_signed();
        let needed = used.saturating_add(own).saturating_add(charge);
        let limit = self.state.machine.fuel_limit;
        if needed > limit {
            return Next::Leave(Exit::OutOfFuel {
                used: used.min(limit).max(0).cast_unsigned(),
                limit: limit.max(0).cast_unsigned(),
                place: place_name(self.code(), origin.function, origin.op),
            });
        }
        let late = self.state.deadline_ns.is_some_and(|deadline| host.now_ns() >= deadline);
        if late || host.is_cancelled() {
            self.limit(LimitKind::Deadline, used);
            return Next::GoOn;
        }
        self.state.machine.set_mark(limit.min(needed.saturating_add(self.settings.slice)));
        Next::GoOn
    }

    fn origin(&self) -> Origin {
        self.code().origin(self.state.machine.pc)
    }

    fn at(&self) -> At {
        let origin = self.origin();
        Some((origin.function, origin.op))
    }

    /// Fuel used before the op at hand, for events.
    fn fuel(&self) -> u64 {
        self.state.machine.used(self.code()).max(0).cast_unsigned()
    }

    fn data(&self) -> Data<'_> {
        Data { code: self.program.code(), attached: self.attached, heap: &self.state.machine.heap }
    }

    /// Carries out the op at hand, which reaches beyond the interpreter. An error leaves everything as it was, but
    /// for the dynamic charge of an op that then hit a limit.
    fn effect(&mut self, host: &mut Host<'_>) -> Result<(), Pause> {
        match self.code().words.get(self.state.machine.pc) {
            Some(&Word::Host { result, site, .. }) => self.host_call(result, site, host),
            Some(&Word::RecordMetric { value, metric, .. }) => self.record(value, MetricId(metric)),
            Some(&Word::RoundsExhausted { .. }) => {
                self.state.machine.settle(self.origin(), 0)?;
                let (fuel, at) = (self.fuel(), self.at());
                self.tracing.digest(Tag::Rounds, fuel, at, |_| {});
                self.tracing.send(self.program.code(), fuel, at, EventKind::RoundsExhausted);
                self.step();
                Ok(())
            }
            _ => Err(Pause::Internal),
        }
    }

    fn step(&mut self) {
        self.state.machine.pc = self.state.machine.pc.saturating_add(1);
    }

    fn record(&mut self, value: u8, metric: MetricId) -> Result<(), Pause> {
        self.state.machine.settle(self.origin(), 0)?;
        let code = self.program.code();
        let sample = self.state.machine.register(value);
        let state = self.state.machine.metrics.get_mut(metric.index()).ok_or(Pause::Internal)?;
        state.record(sample).map_err(Pause::Trap)?;
        let (fuel, at) = (self.fuel(), self.at());
        self.tracing.digest(Tag::Metric, fuel, at, |bytes| {
            bytes.extend_from_slice(&metric.0.to_le_bytes());
            bytes.extend_from_slice(&sample.to_le_bytes());
        });
        if self.tracing.wants_effects()
            && let Some(declared) = code.module().metrics.get(metric.index())
        {
            let value = slot_value(code.module(), declared.ty, sample);
            let kind = EventKind::Metric { name: &declared.name, value: &value };
            self.tracing.send(code, fuel, at, kind);
        }
        self.step();
        Ok(())
    }

    /// A host call: cost, charge, limits, then the host. In the order of rule F6.
    fn host_call(&mut self, result: u8, site: u32, host: &mut Host<'_>) -> Result<(), Pause> {
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
    fn settle_call(&mut self, answer: Answer) -> Result<(), Pause> {
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
                match store(&mut self.state.machine, code.module(), ty, &value) {
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
    fn settle_cost(&mut self, reserved: (i64, i64), answer: &Answer) -> Result<(), TrapCode> {
        let money = answer.money.unwrap_or(reserved.0).max(0);
        let tokens = answer.tokens.unwrap_or(reserved.1).max(0);
        let meters = &mut self.state.meters;
        meters.money_reserved = meters.money_reserved.saturating_sub(reserved.0);
        meters.tokens_reserved = meters.tokens_reserved.saturating_sub(reserved.1);
        meters.money = meters.money.saturating_add(money);
        meters.tokens = meters.tokens.saturating_add(tokens);
        if money > reserved.0 || tokens > reserved.1 { Err(TrapCode::HostPrice) } else { Ok(()) }
    }

    fn action_failed(&mut self, logged: Option<usize>, error: &str) {
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
        let data = Data { code: self.program.code(), attached: self.attached, heap: &self.state.machine.heap };
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
    fn pending(&self) -> Exit {
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

    /// Carries out the next collected action, or settles the one waited for.
    fn apply(&mut self, host: &mut Host<'_>) -> Next {
        let code = self.program.code();
        let Phase::Applying { next, waiting } = &mut self.state.phase else { return Next::GoOn };
        let next = *next;
        let Some(issued) = self.state.actions.get(next) else {
            self.finish();
            return Next::GoOn;
        };
        let answer = match waiting {
            Some(waiting) => waiting.answer.take(),
            None => None,
        };
        let is_waiting = waiting.is_some();
        let Some(import) = code.module().imports.get(issued.import.index()) else { return Next::GoOn };
        self.state.arguments.clear();
        self.state.arguments.extend_from_slice(self.state.actions.arguments(issued));
        let answer = match answer {
            Some(answer) => answer,
            None if is_waiting => return Next::Leave(self.pending()),
            None => {
                let data = Data { code, attached: self.attached, heap: &self.state.machine.heap };
                let arguments = &self.state.arguments;
                let call = Call { import, data, arguments, number: issued.number, place: issued.place };
                host.call(&call)
            }
        };
        if answer.kind == AnswerKind::Pending {
            let cost = (issued.money, issued.tokens);
            let waiting = Waiting {
                number: issued.number,
                import: issued.import,
                cost,
                result: 0,
                logged: Some(next),
                answer: None,
            };
            self.state.phase = Phase::Applying { next, waiting: Some(waiting) };
            return Next::Leave(self.pending());
        }
        self.state.phase = Phase::Applying { next: next.saturating_add(1), waiting: None };
        let price = self.settle_cost((issued.money, issued.tokens), &answer);
        match &answer.kind {
            AnswerKind::Failed(error) => {
                self.applied_event(next, import, issued.place, ActionResult::Failed(error.message()));
                self.action_failed(Some(next), error.message());
            }
            AnswerKind::Value(_) => {
                self.broken(TrapCode::HostAnswer, issued.place);
            }
            AnswerKind::Done | AnswerKind::Pending => {
                self.applied_event(next, import, issued.place, ActionResult::Done);
            }
        }
        if let Err(trap) = price {
            self.broken(trap, issued.place);
        }
        Next::GoOn
    }

    /// The host broke its word while actions were applied: the rest is dropped.
    fn broken(&mut self, trap: TrapCode, place: (u16, u32)) {
        let fuel = self.state.ending.as_ref().map_or(0, |ending| ending.fuel_used);
        self.tracing.digest(Tag::Trap, fuel, Some(place), |bytes| put_text(bytes, trap.code()));
        self.tracing.send(self.program.code(), fuel, Some(place), EventKind::Trap { trap });
        let place = Some(place_name(self.program.code(), place.0, place.1));
        if let Some(ending) = &mut self.state.ending {
            ending.outcome = Outcome::Trapped;
            ending.reason = Some(Reason { code: trap.code().into(), message: trap.text().to_owned(), place });
        }
        self.finish();
    }

    fn applied_event(&mut self, at: usize, import: &Import, place: (u16, u32), result: ActionResult<'_>) {
        let fuel = self.state.ending.as_ref().map_or(0, |ending| ending.fuel_used);
        let action = u64::try_from(at).unwrap_or(u64::MAX);
        self.tracing.digest(Tag::Applied, fuel, Some(place), |bytes| {
            bytes.extend_from_slice(&action.to_le_bytes());
            put_result(bytes, result);
        });
        let kind = EventKind::Applied { action, name: &import.name, result };
        self.tracing.send(self.program.code(), fuel, Some(place), kind);
    }

    /// Ends the run by what the interpreter handed back.
    fn end_by(&mut self, pause: Pause) {
        let used = self.state.machine.used_after(self.code());
        match pause {
            Pause::Finished(result) => {
                let machine = &self.state.machine;
                let used = machine.mark.wrapping_sub(machine.fuel);
                self.end(Outcome::Done, None, used, result);
            }
            Pause::Stopped(reason) => self.end_with_words(Outcome::Stopped, reason, used),
            Pause::Failed(reason) => self.end_with_words(Outcome::Failed, reason, used),
            Pause::Limit(limit) => self.limit(limit, used),
            Pause::Trap(trap) => self.trap(trap, trap.text().to_owned(), used),
            // Neither arrives here; if one does, the program is not to blame.
            Pause::Short { .. } | Pause::Quoted(_) | Pause::Effect | Pause::Internal => {
                let message = "The decoded program is inconsistent; this is an error of the machine.";
                let reason = Reason {
                    code: "internal".into(),
                    message: message.to_owned(),
                    place: self.at().map(|(function, op)| place_name(self.code(), function, op)),
                };
                self.end(Outcome::Trapped, Some(reason), used, None);
            }
        }
    }

    fn end_with_words(&mut self, outcome: Outcome, words: u64, used: i64) {
        let words: SmolStr = self.data().text(words).into();
        let (fuel, at) = (self.fuel(), self.at());
        let (tag, code, kind) = match outcome {
            Outcome::Stopped => (Tag::Stop, "stop", EventKind::Stop { reason: &words }),
            _ => (Tag::Fail, "fail", EventKind::Fail { reason: &words }),
        };
        self.tracing.digest(tag, fuel, at, |bytes| put_text(bytes, &words));
        self.tracing.send(self.program.code(), fuel, at, kind);
        let reason = self.reason(code, words.to_string());
        self.end(outcome, Some(reason), used, None);
    }

    fn reason(&self, code: &str, message: String) -> Reason {
        let place = self.at().map(|(function, op)| place_name(self.code(), function, op));
        Reason { code: code.into(), message, place }
    }

    fn trap(&mut self, trap: TrapCode, message: String, used: i64) {
        let (fuel, at) = (self.fuel(), self.at());
        self.tracing.digest(Tag::Trap, fuel, at, |bytes| put_text(bytes, trap.code()));
        self.tracing.send(self.program.code(), fuel, at, EventKind::Trap { trap });
        let reason = self.reason(trap.code(), message);
        self.end(Outcome::Trapped, Some(reason), used, None);
    }

    fn host_failed(&mut self, error: &str) {
        let used = self.state.machine.used_after(self.code());
        let trap = TrapCode::HostFailed;
        self.trap(trap, format!("{} The host says: {error}", trap.text()), used);
    }

    fn wrong_answer(&mut self, trap: TrapCode, import: &Import, ty: TypeId, answer: &Value) {
        let used = self.state.machine.used_after(self.code());
        let declared = type_text(self.code().module(), ty);
        let (text, name, found) = (trap.text(), &import.name, answer.describe());
        self.trap(trap, format!("{text} {name} is declared to give {declared}, the host gave {found}."), used);
    }

    fn limit(&mut self, limit: LimitKind, used: i64) {
        let (fuel, at) = (self.fuel(), self.at());
        self.tracing.digest(Tag::Limit, fuel, at, |bytes| put_text(bytes, limit.code()));
        self.tracing.send(self.program.code(), fuel, at, EventKind::Limit { limit });
        let message = format!("{} The limit is {}.", limit.text(), self.limit_text(limit));
        let reason = self.reason(limit.code(), message);
        self.end(Outcome::Limit, Some(reason), used, None);
    }

    fn limit_text(&self, limit: LimitKind) -> String {
        use swarm_bytecode::quantity::format;
        let limits = &self.settings.limits;
        let signed = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        match limit {
            LimitKind::Fuel => self.state.machine.fuel_limit.to_string(),
            LimitKind::Memory => format(TypeId::BYTES, signed(limits.memory_bytes)),
            LimitKind::CallDepth => limits.call_depth.to_string(),
            LimitKind::HostCalls => limits.host_calls.to_string(),
            LimitKind::Deadline => format(TypeId::DURATION, signed(limits.deadline_ns)),
            LimitKind::Money => format(TypeId::MONEY, limits.money),
            LimitKind::Tokens => format(TypeId::TOKENS, limits.tokens),
        }
    }

    /// The program has ended; actions may still be carried out.
    fn end(&mut self, outcome: Outcome, reason: Option<Reason>, used: i64, result: Option<u64>) {
        let fuel_used = used.min(self.state.machine.fuel_limit).max(0).cast_unsigned();
        self.state.ending = Some(Ending { outcome, reason, fuel_used, result });
        if self.settings.effects == Effects::Collected && outcome.applies() {
            self.state.phase = Phase::Applying { next: 0, waiting: None };
        } else {
            self.finish();
        }
    }

    fn finish(&mut self) {
        let (outcome, fuel) = match &self.state.ending {
            Some(ending) => (ending.outcome, ending.fuel_used),
            None => (Outcome::Done, 0),
        };
        self.state.phase = Phase::Ended;
        // What a finished run holds on to is its report; registers go back.
        self.state.machine.stack = Vec::new();
        let meters = &mut self.state.meters;
        meters.money_reserved = 0;
        meters.tokens_reserved = 0;
        self.tracing.digest(Tag::End, fuel, None, |bytes| put_text(bytes, outcome.name()));
        let digest = self.tracing.recorder.digest.as_ref().map(crate::trace::Digest::value);
        self.tracing.send(self.program.code(), fuel, None, EventKind::End { outcome, digest });
    }

    /// Ends a run that was left standing.
    pub(crate) fn close(&mut self, limit: LimitKind) {
        let reserved = match &self.state.phase {
            Phase::Waiting(waiting) | Phase::Applying { waiting: Some(waiting), .. } => waiting.cost,
            Phase::Ended => return,
            _ => (0, 0),
        };
        let meters = &mut self.state.meters;
        meters.money = meters.money.saturating_add(reserved.0);
        meters.tokens = meters.tokens.saturating_add(reserved.1);
        let used = match &self.state.phase {
            Phase::Fresh => 0,
            Phase::Waiting(_) => self.state.machine.used_after(self.code()),
            _ => self.state.machine.used(self.code()),
        };
        self.limit(limit, used);
    }
}

fn put_result(bytes: &mut Vec<u8>, result: ActionResult<'_>) {
    match result {
        ActionResult::Done => bytes.push(1),
        ActionResult::Held => bytes.push(2),
        ActionResult::Failed(error) => {
            bytes.push(3);
            put_text(bytes, error);
        }
    }
}
