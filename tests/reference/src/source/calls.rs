//! Actions and queries: book, "Activations, budgets and undoing".

use swarm_bytecode::module::{Amount, Effect, Import, ImportId};
use swarm_bytecode::trap::{LimitKind, TrapCode};
use swarm_bytecode::types::{Type, TypeId};

use super::{Done, Halt, Order, in_table};
use crate::given;
use crate::report::{Answer, Host};
use crate::value::{Value, to_json};

/// An action that was issued.
#[derive(Debug)]
pub(super) struct Issued {
    import: ImportId,
    arguments: Vec<Value>,
    cost: (i64, i64),
    /// The budgets that were open around it.
    withins: usize,
    pub(super) held: bool,
}

/// An open WITHIN: what is left of its budgets.
#[derive(Debug)]
pub(super) struct Within {
    undoes: bool,
    money: Option<i64>,
    tokens: Option<i64>,
    ends: Option<i64>,
}

/// Nanoseconds an order may take.
const DEADLINE: i64 = 10_000_000_000;

impl<'p> Order<'p> {
    pub(super) fn open_within(&mut self, amounts: &[(TypeId, i64)], undoes: bool) {
        let mut within = Within { undoes, money: None, tokens: None, ends: None };
        for (ty, amount) in amounts {
            match *ty {
                TypeId::MONEY => within.money = Some(*amount),
                TypeId::TOKENS => within.tokens = Some(*amount),
                _ => within.ends = Some(self.now.saturating_add((*amount).max(0))),
            }
        }
        self.run.withins.push(within);
    }

    /// A call outside of TRY.
    pub(super) fn host(
        &mut self,
        id: ImportId,
        arguments: &[Value],
        host: &mut Host<'_>,
    ) -> Done<Option<Value>> {
        let program = self.program;
        let Some(import) = program.imports.get(id.index()) else { return Ok(None) };
        if self.is_vetoed(id, arguments, host)? {
            return Ok(None);
        }
        let cost = self.reserve(import, arguments, host)?;
        if import.effect != Effect::Query {
            let held = self.holds();
            self.log(id, arguments, cost, held);
            if !held {
                self.carry_out(id, arguments, cost, host)?;
            }
            return Ok(None);
        }
        let answer = host(&import.name, &self.json(import, arguments));
        self.spend(cost);
        let result = import.result.unwrap_or(TypeId::INT);
        match answer {
            Answer::Value(json) => {
                let value =
                    given::value(self.types, result, None, &json).map_err(|_| TrapCode::HostAnswer)?;
                Ok(Some(value))
            }
            Answer::Failed(_) if matches!(self.types.get(result), Type::Optional(_)) => Ok(Some(Value::Zero)),
            Answer::Failed(_) => Err(TrapCode::HostFailed.into()),
            Answer::Done => Err(TrapCode::HostAnswer.into()),
        }
    }

    /// TRY and RETRY: whether an attempt succeeded.
    pub(super) fn attempt(
        &mut self,
        id: ImportId,
        arguments: &[Value],
        times: i64,
        pause: i64,
        host: &mut Host<'_>,
    ) -> Done<bool> {
        let program = self.program;
        let Some(import) = program.imports.get(id.index()) else { return Ok(false) };
        let mut pause = pause.max(0);
        for attempt in 0..times {
            if attempt > 0 {
                self.wait(pause)?;
                pause = pause.saturating_mul(2);
            }
            if self.is_vetoed(id, arguments, host)? {
                continue;
            }
            self.apply(host);
            let cost = self.reserve(import, arguments, host)?;
            self.log(id, arguments, cost, false);
            if self.carry_out(id, arguments, cost, host)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether a veto of the program forbids an action. One that fails forbids it.
    fn is_vetoed(&mut self, id: ImportId, arguments: &[Value], host: &mut Host<'_>) -> Done<bool> {
        let program = self.program;
        for veto in program.vetoes.iter().filter(|veto| veto.import == id) {
            let (depth, statement) = (self.run.depth, self.run.statement);
            let forbids = match self.function(veto.condition, arguments.to_vec(), host) {
                Ok(verdict) => verdict.is_some_and(|verdict| verdict.holds()),
                Err(Halt::Trap(_)) => true,
                Err(other) => return Err(other),
            };
            (self.run.depth, self.run.statement) = (depth, statement);
            if forbids {
                self.run.vetoed = self.run.vetoed.saturating_add(1);
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Reserves the ceiling of what a call costs, if it fits into all budgets around it.
    fn reserve(&mut self, import: &Import, arguments: &[Value], host: &mut Host<'_>) -> Done<(i64, i64)> {
        let mut amount = |amount: Amount| match amount {
            Amount::Fixed(amount) => Ok(amount),
            Amount::Computed(function) => {
                let value = self.function(in_table(function), arguments.to_vec(), host)?;
                Ok::<i64, Halt>(value.map_or(0, |value| value.word()))
            }
        };
        let (money, tokens) = (amount(import.cost.money)?, amount(import.cost.tokens)?);
        if money < 0 || tokens < 0 {
            return Err(TrapCode::NegativeCost.into());
        }
        if self.host_calls >= self.limits.host_calls {
            return Err(Halt::Limit(LimitKind::HostCalls));
        }
        let left =
            |limit: i64, spent: i64, reserved: i64| limit.saturating_sub(spent).saturating_sub(reserved);
        if money > 0 && money > left(self.limits.money, self.spent.0, self.reserved.0) {
            return Err(Halt::Limit(LimitKind::Money));
        }
        if tokens > 0 && tokens > left(self.limits.tokens, self.spent.1, self.reserved.1) {
            return Err(Halt::Limit(LimitKind::Tokens));
        }
        let enough = |left: Option<i64>, amount: i64| left.is_none_or(|left| amount == 0 || amount <= left);
        for (at, within) in self.run.withins.iter().enumerate() {
            if !enough(within.money, money) {
                return Err(Halt::Struck(at, LimitKind::Money));
            }
            if !enough(within.tokens, tokens) {
                return Err(Halt::Struck(at, LimitKind::Tokens));
            }
        }
        for within in &mut self.run.withins {
            within.money = within.money.map(|left| left.saturating_sub(money));
            within.tokens = within.tokens.map(|left| left.saturating_sub(tokens));
        }
        self.reserved = (self.reserved.0.saturating_add(money), self.reserved.1.saturating_add(tokens));
        self.host_calls = self.host_calls.saturating_add(1);
        Ok((money, tokens))
    }

    fn log(&mut self, import: ImportId, arguments: &[Value], cost: (i64, i64), held: bool) {
        let withins = self.run.withins.len();
        self.run.actions.push(Issued { import, arguments: arguments.to_vec(), cost, withins, held });
    }

    /// Has the host do an action; whether it did.
    fn carry_out(
        &mut self,
        id: ImportId,
        arguments: &[Value],
        cost: (i64, i64),
        host: &mut Host<'_>,
    ) -> Done<bool> {
        let Some(import) = self.program.imports.get(id.index()) else { return Ok(false) };
        let answer = host(&import.name, &self.json(import, arguments));
        self.spend(cost);
        match answer {
            Answer::Done => Ok(true),
            Answer::Failed(_) => {
                self.run.failed = self.run.failed.saturating_add(1);
                Ok(false)
            }
            Answer::Value(_) => Err(TrapCode::HostAnswer.into()),
        }
    }

    /// What was reserved is spent.
    fn spend(&mut self, (money, tokens): (i64, i64)) {
        let add = |sum: &mut (i64, i64)| *sum = (sum.0.saturating_add(money), sum.1.saturating_add(tokens));
        add(&mut self.spent);
        add(&mut self.run.spent);
        self.reserved = (self.reserved.0.saturating_sub(money), self.reserved.1.saturating_sub(tokens));
    }

    /// Whether an action issued now waits.
    pub(super) fn holds(&self) -> bool {
        self.collected || self.run.withins.iter().any(|within| within.undoes)
    }

    /// Carries out what is held, in order.
    pub(super) fn apply(&mut self, host: &mut Host<'_>) {
        for at in 0..self.run.actions.len() {
            let Some(action) = self.run.actions.get_mut(at).filter(|action| action.held) else { continue };
            action.held = false;
            let (import, arguments, cost) = (action.import, action.arguments.clone(), action.cost);
            let _ = self.carry_out(import, &arguments, cost, host);
        }
    }

    /// Drops the actions from this one on: what was reserved for them is free again.
    pub(super) fn take_back(&mut self, first: usize) {
        for action in self.run.actions.split_off(first.min(self.run.actions.len())) {
            let (money, tokens) = action.cost;
            self.reserved = (self.reserved.0.saturating_sub(money), self.reserved.1.saturating_sub(tokens));
            for within in self.run.withins.iter_mut().take(action.withins) {
                within.money = within.money.map(|left| left.saturating_add(money));
                within.tokens = within.tokens.map(|left| left.saturating_add(tokens));
            }
            self.run.undone = self.run.undone.saturating_add(1);
        }
    }

    /// Waits, but no longer than there is time.
    fn wait(&mut self, pause: i64) -> Done {
        let ends = self.run.withins.iter().filter_map(|within| within.ends).min().unwrap_or(DEADLINE);
        self.now = self.now.saturating_add(pause).min(ends).min(DEADLINE);
        if self.now >= DEADLINE {
            return Err(Halt::Limit(LimitKind::Deadline));
        }
        match self.run.withins.iter().position(|within| within.ends.is_some_and(|end| self.now >= end)) {
            Some(at) => Err(Halt::Struck(at, LimitKind::Deadline)),
            None => Ok(()),
        }
    }

    fn json(&self, import: &Import, arguments: &[Value]) -> Vec<String> {
        let typed = import.parameters.iter().zip(arguments);
        typed.map(|(ty, value)| to_json(self.types, *ty, value, true)).collect()
    }

    /// An action for a report.
    pub(super) fn shown(&self, action: &Issued) -> (String, Vec<String>) {
        match self.program.imports.get(action.import.index()) {
            Some(import) => (import.name.to_string(), self.json(import, &action.arguments)),
            None => (String::new(), Vec::new()),
        }
    }
}
