//! Host calls: vetoes, costs, limits, the call, its answer; and actions that wait for the end of what they
//! stand in.

use swarm_bytecode::module::{Amount, Effect, Import, ImportId};
use swarm_bytecode::op::{Op, Register};
use swarm_bytecode::trap::{LimitKind, TrapCode};
use swarm_bytecode::types::{Type, TypeId};

use super::flow::{Frame, Purse, Within};
use super::{Done, Halt, Order, Place, Slot, price};
use crate::given;
use crate::report::{Answer, Host};
use crate::value::{Value, bytes, to_json};

/// An action that was issued.
#[derive(Debug, Clone)]
pub(super) struct Issued {
    pub(super) import: ImportId,
    pub(super) arguments: Vec<Value>,
    /// Micro-dollars and tokens.
    pub(super) cost: (i64, i64),
    pub(super) place: Place,
    /// Among the order's host calls.
    pub(super) number: u64,
    /// Among the activation's actions.
    pub(super) ordinal: u64,
    /// Whether it is still to be carried out.
    pub(super) held: bool,
}

/// Nanoseconds an order may take.
const DEADLINE: i64 = 10_000_000_000;

/// The host call at hand.
struct Call<'m> {
    id: ImportId,
    import: &'m Import,
    slots: Vec<Slot>,
    result: Option<Register>,
    /// Whether the program waits for the action.
    waits: bool,
    /// How many attempts there may be, and the register of the first wait between them.
    times: u64,
    backoff: Option<Register>,
}

impl Call<'_> {
    fn is_query(&self) -> bool {
        self.import.effect == Effect::Query
    }

    fn values(&self) -> Vec<Value> {
        self.slots.iter().map(|slot| slot.value.clone()).collect()
    }
}

impl<'m> Order<'m> {
    /// Evaluates `host`, `host.value`, `host.try` or `host.retry`.
    pub(super) fn host(&mut self, frame: &mut Frame<'m>, op: &Op, host: &mut Host<'_>) -> Done {
        let Some(call) = self.call_of(frame, op) else { return Ok(()) };
        let mut charge = Some(price::arguments(self.types, &call.import.parameters, &call.values()));
        let mut costs = None;
        let mut counted = call.is_query();
        for attempt in 1..=call.times {
            let verdict = self.vetoed(&call, host)?;
            if verdict.is_none() {
                if call.waits {
                    if self.run.withins.iter().any(Within::undoes) {
                        self.breaks(|| format!("{} is waited for where actions are held", call.import.name));
                    }
                    self.apply(host)?;
                }
                if costs.is_none() {
                    costs = Some((
                        self.cost(call.import.cost.money, &call, host)?,
                        self.cost(call.import.cost.tokens, &call, host)?,
                    ));
                }
            }
            // All attempts that may be made are paid for before the first.
            if let Some(charge) = charge.take() {
                self.settle(charge.saturating_mul(call.times))?;
            }
            let done = match verdict {
                Some((rule, reason)) => {
                    self.run.vetoed = self.run.vetoed.saturating_add(1);
                    self.tell_veto(call.import, &call.values(), rule, &reason);
                    false
                }
                None => {
                    let cost = self.admit(&call, costs.unwrap_or_default(), &mut counted)?;
                    match self.issue(&call, cost, host)? {
                        Some(answer) => {
                            if let Some(result) = call.result {
                                frame.set(result, answer);
                            }
                            return Ok(());
                        }
                        None => false,
                    }
                }
            };
            if let Some(result) = call.result.filter(|_| !done) {
                frame.set(result, Slot::of(Value::Zero));
            }
            if attempt < call.times {
                let first = call.backoff.map_or(0, |register| frame.value(register).word().max(0));
                self.wait(first, attempt)?;
            }
        }
        Ok(())
    }

    fn call_of(&self, frame: &Frame<'m>, op: &Op) -> Option<Call<'m>> {
        let (id, arguments, result) = match op {
            Op::Host { import, arguments } => (*import, arguments, None),
            Op::HostValue { result, import, arguments } => (*import, arguments, Some(*result)),
            Op::TryHost { accepted, import, arguments }
            | Op::RetryHost { accepted, import, arguments, .. } => (*import, arguments, Some(*accepted)),
            _ => return None,
        };
        let (times, backoff) = match op {
            Op::RetryHost { times, backoff, .. } => (u64::try_from(*times).unwrap_or(1), Some(*backoff)),
            _ => (1, None),
        };
        Some(Call {
            id,
            import: self.module.imports.get(id.index())?,
            slots: arguments.iter().map(|register| frame.get(*register)).collect(),
            result,
            waits: matches!(op, Op::TryHost { .. } | Op::RetryHost { .. }),
            times,
            backoff,
        })
    }

    /// Asks the program's vetoes, in order; gives the first that forbids the call, and why. One that fails
    /// forbids.
    fn vetoed(&mut self, call: &Call<'m>, host: &mut Host<'_>) -> Done<Option<(usize, String)>> {
        for (rule, veto) in self.module.vetoes.iter().enumerate().filter(|(_, veto)| veto.import == call.id) {
            let reason = self.given.strings.get(veto.reason.index()).map_or("", Value::text).to_owned();
            let (place, due) = (self.run.place, self.run.due);
            let (depth, frames) = (self.run.depth, self.run.frames);
            let failure = match self.call(veto.condition, call.slots.clone(), false, host) {
                Ok(Some(verdict)) if verdict.value.holds() => return Ok(Some((rule, reason))),
                Ok(_) => continue,
                // Out of fuel is out of fuel, here as elsewhere.
                Err(Halt::Limit(LimitKind::Fuel)) => return Err(Halt::Limit(LimitKind::Fuel)),
                Err(Halt::Trap(trap)) => {
                    self.settle(0)?;
                    trap.text()
                }
                Err(Halt::Limit(limit)) => limit.text(),
                Err(other) => return Err(other),
            };
            if self.run.place != place {
                self.paid();
            }
            self.unwind(depth, frames);
            (self.run.place, self.run.due) = (place, due);
            return Ok(Some((rule, format!("{reason} (the rule failed: {failure})"))));
        }
        Ok(None)
    }

    /// What a call costs at most.
    fn cost(&mut self, amount: Amount, call: &Call<'m>, host: &mut Host<'_>) -> Done<i64> {
        match amount {
            Amount::Fixed(amount) => Ok(amount),
            Amount::Computed(function) => {
                let value = self.call(function, call.slots.clone(), false, host)?;
                Ok(value.map_or(0, |value| value.value.word()))
            }
        }
    }

    /// Reserves what a call costs, if it fits everywhere.
    fn admit(
        &mut self,
        call: &Call<'m>,
        (money, tokens): (i64, i64),
        counted: &mut bool,
    ) -> Done<(i64, i64)> {
        if money < 0 || tokens < 0 {
            return Err(TrapCode::NegativeCost.into());
        }
        if !*counted {
            self.take(price::action(call.slots.len()))?;
            *counted = true;
        }
        let (limits, meters) = (self.limits, self.meters);
        let left =
            |limit: i64, spent: i64, reserved: i64| limit.saturating_sub(spent).saturating_sub(reserved);
        if meters.host_calls >= limits.host_calls {
            return Err(Halt::Limit(LimitKind::HostCalls));
        }
        if money > 0 && money > left(limits.money, meters.money, meters.reserved.0) {
            return Err(Halt::Limit(LimitKind::Money));
        }
        if tokens > 0 && tokens > left(limits.tokens, meters.tokens, meters.reserved.1) {
            return Err(Halt::Limit(LimitKind::Tokens));
        }
        let fits = |purse: Option<Purse>, more: i64| purse.is_none_or(|purse| purse.fits(more));
        for (at, within) in self.run.withins.iter().enumerate() {
            if !fits(within.money, money) {
                return Err(Halt::Struck(at, LimitKind::Money));
            }
            if !fits(within.tokens, tokens) {
                return Err(Halt::Struck(at, LimitKind::Tokens));
            }
        }
        self.run.withins.iter_mut().for_each(|within| spend(within, (money, tokens)));
        self.meters.reserved = sum(self.meters.reserved, (money, tokens));
        Ok((money, tokens))
    }

    /// Makes a call or keeps it for later. Gives what its register gets; `None` where an action failed.
    fn issue(&mut self, call: &Call<'m>, cost: (i64, i64), host: &mut Host<'_>) -> Done<Option<Slot>> {
        call.slots.iter().for_each(Slot::share);
        let number = self.meters.host_calls;
        self.meters.host_calls = number.saturating_add(1);
        let held = !call.is_query() && !call.waits && self.holds();
        if !call.is_query() {
            let ordinal = self.run.issued;
            self.run.issued = ordinal.saturating_add(1);
            let (import, place) = (call.id, self.run.place);
            let arguments = call.values();
            self.run.actions.push(Issued { import, arguments, cost, place, number, ordinal, held });
        }
        if held {
            self.tell_action(call.import, &call.values(), &[2], None);
            return Ok(Some(Slot::of(Value::Zero)));
        }
        let answer = host(&call.import.name, &self.shown_values(call.import, &call.values()));
        self.settle_cost(number, cost);
        match (answer, call.is_query()) {
            (Answer::Value(json), true) => self.answered(call, &json).map(Some),
            (Answer::Failed(error), true) => {
                self.tell_query(call.import, &call.values(), Err(&error));
                let optional =
                    call.import.result.is_some_and(|ty| matches!(self.types.get(ty), Type::Optional(_)));
                if optional { Ok(Some(Slot::of(Value::Zero))) } else { Err(TrapCode::HostFailed.into()) }
            }
            (Answer::Done, false) => {
                self.tell_action(call.import, &call.values(), &[1], None);
                Ok(Some(Slot::of(Value::Word(1))))
            }
            (Answer::Failed(error), false) => {
                self.tell_action(call.import, &call.values(), &[3], Some(&error));
                self.run.failed = self.run.failed.saturating_add(1);
                Ok(None)
            }
            _ => Err(TrapCode::HostAnswer.into()),
        }
    }

    fn answered(&mut self, call: &Call<'m>, json: &serde_json::Value) -> Done<Slot> {
        let ty = call.import.result.unwrap_or(TypeId::INT);
        let value = given::value(self.types, ty, None, json).ok();
        // Those who run programs here and in the machine give the machine a value of no type for what does
        // not fit.
        let shown = value.as_ref().map_or("\"…\"".into(), |value| to_json(self.types, ty, value, false));
        self.tell_query(call.import, &call.values(), Ok(&shown));
        self.store(ty, value.ok_or(TrapCode::HostAnswer)?)
    }

    /// Holds a value from outside: it is a new object, with all that is in it.
    pub(super) fn store(&mut self, ty: TypeId, value: Value) -> Done<Slot> {
        self.hold(ty, &value)?;
        let room = if let Value::Map(_) = value { price::room(value.length()) } else { value.length() };
        Ok(match value {
            Value::Word(_) | Value::Float(_) | Value::Text(_) | Value::Zero => Slot::of(value),
            object => Slot::object(object, room),
        })
    }

    /// Takes the memory of a value: first that of its parts. For a list or map that alone is too large they
    /// are not looked at.
    fn hold(&mut self, ty: TypeId, value: &Value) -> Done {
        let own = match value {
            Value::Text(text) => bytes(text.as_str()),
            Value::Some(_) => price::held(price::words(1)),
            Value::Case(_, fields) => price::held(price::case_words(fields.len())),
            Value::List(parts) | Value::Record(parts) => price::held(price::words(price::count(parts.len()))),
            Value::Map(entries) => price::held(price::map_words(price::room(price::count(entries.len())))),
            Value::Zero | Value::Word(_) | Value::Float(_) => 0,
        };
        let long = matches!(value, Value::List(_) | Value::Map(_));
        if long && self.run.memory.saturating_add(own) > self.limits.memory {
            return Err(Halt::Limit(LimitKind::Memory));
        }
        for (ty, part) in self.parts_of(ty, value) {
            self.hold(ty, &part)?;
        }
        self.take(own)
    }

    /// Waits before the next attempt: twice as long each time.
    fn wait(&mut self, first: i64, attempt: u64) -> Done {
        let times =
            1_i64.checked_shl(u32::try_from(attempt.saturating_sub(1)).unwrap_or(63)).unwrap_or(i64::MAX);
        let until = self.now.saturating_add(first.saturating_mul(times));
        let ends = self.run.withins.iter().filter_map(|within| within.duration_ends).chain([DEADLINE]);
        self.now = until.min(ends.min().unwrap_or(DEADLINE)).max(self.now);
        if self.now >= DEADLINE {
            return Err(Halt::Limit(LimitKind::Deadline));
        }
        let late = |within: &Within| within.duration_ends.is_some_and(|end| self.now >= end);
        match self.run.withins.iter().position(late) {
            Some(at) => Err(Halt::Struck(at, LimitKind::Deadline)),
            None => Ok(()),
        }
    }

    /// Whether an action issued now has to wait.
    pub(super) fn holds(&self) -> bool {
        self.collected || self.run.withins.iter().any(Within::undoes)
    }

    /// Carries out what is held.
    pub(super) fn apply(&mut self, host: &mut Host<'_>) -> Done {
        for at in 0..self.run.actions.len() {
            let Some(action) = self.run.actions.get_mut(at).filter(|action| action.held) else { continue };
            action.held = false;
            let action = action.clone();
            let Some(import) = self.module.imports.get(action.import.index()) else { continue };
            let answer = host(&import.name, &self.shown_values(import, &action.arguments));
            self.settle_cost(action.number, action.cost);
            match answer {
                Answer::Failed(error) => {
                    self.tell_applied(&action, &[3], Some(&error));
                    self.run.failed = self.run.failed.saturating_add(1);
                }
                _ => self.tell_applied(&action, &[1], None),
            }
        }
        Ok(())
    }

    /// The activation is over: what is held is carried out, unless it ended badly.
    pub(super) fn finish(&mut self, host: &mut Host<'_>) {
        let outcome = self.run.ending.as_ref().map_or("", |ending| ending.outcome);
        if matches!(outcome, "done" | "stopped") {
            let _ = self.apply(host);
        } else if let Some(ending) = &mut self.run.ending {
            ending.dropped = self.run.actions.iter().any(|action| action.held);
        }
        self.run.withins.clear();
        self.meters.reserved = (0, 0);
        let lives_on = !self.module.timers.is_empty() || !self.module.events.is_empty();
        self.over = outcome != "done" || !lives_on;
        self.tell_rest(outcome);
    }

    /// What was reserved for a call is spent.
    fn settle_cost(&mut self, number: u64, cost: (i64, i64)) {
        self.release(number, cost, cost);
        self.meters.money = self.meters.money.saturating_add(cost.0);
        self.meters.tokens = self.meters.tokens.saturating_add(cost.1);
        self.run.spent = sum(self.run.spent, cost);
    }

    /// Turns what was reserved for a call into what was spent.
    pub(super) fn release(&mut self, number: u64, reserved: (i64, i64), spent: (i64, i64)) {
        let more = (spent.0.saturating_sub(reserved.0), spent.1.saturating_sub(reserved.1));
        for within in self.run.withins.iter_mut().filter(|within| within.first_call <= number) {
            spend(within, more);
        }
        let back = (reserved.0.saturating_neg(), reserved.1.saturating_neg());
        self.meters.reserved = sum(self.meters.reserved, back);
    }

    fn shown_values(&self, import: &Import, arguments: &[Value]) -> Vec<String> {
        let typed = import.parameters.iter().zip(arguments);
        typed.map(|(ty, value)| to_json(self.types, *ty, value, true)).collect()
    }

    /// An action for a report.
    pub(super) fn shown(&self, action: &Issued) -> (String, Vec<String>) {
        match self.module.imports.get(action.import.index()) {
            Some(import) => (import.name.to_string(), self.shown_values(import, &action.arguments)),
            None => (String::new(), Vec::new()),
        }
    }
}

fn sum(left: (i64, i64), right: (i64, i64)) -> (i64, i64) {
    (left.0.saturating_add(right.0), left.1.saturating_add(right.1))
}

fn spend(within: &mut Within, (money, tokens): (i64, i64)) {
    if let Some(purse) = &mut within.money {
        purse.used = purse.used.saturating_add(money);
    }
    if let Some(purse) = &mut within.tokens {
        purse.used = purse.used.saturating_add(tokens);
    }
}
