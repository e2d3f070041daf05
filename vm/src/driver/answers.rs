//! What the host's answer does to the run; attempts, and the wait between them.

use swarm_bytecode::module::Import;
use swarm_bytecode::trap::TrapCode;

use super::calls::is_query;
use super::state::{CallKind, Phase, Waiting};
use super::verdict::is_optional;
use super::{Driver, Halt, Next};
use crate::heap::Data;
use crate::host::{Answer, AnswerKind, Host};
use crate::machine::Pause;
use crate::secret;
use crate::store::store;
use crate::trace::{ActionResult, EventKind, Tag, put_text, put_value};
use crate::value::{Value, ValueRef};

impl Driver<'_, '_> {
    /// Settles a host call that was made, unless its answer is still to come.
    pub(super) fn settle_call(
        &mut self,
        waiting: Waiting,
        answer: Answer,
        host: &Host<'_>,
    ) -> Result<(), Halt> {
        if answer.kind == AnswerKind::Pending {
            self.state.phase = Phase::Waiting(waiting);
            return Ok(());
        }
        let price = self.settle_cost(waiting.number, waiting.cost, &answer);
        // The call may have taken any time: look at the clock at the next settling op.
        let used = self.state.machine.used_after(self.program.code());
        let mark = used.min(self.state.machine.fuel_limit);
        self.state.machine.set_mark(mark);
        self.take_answer(&waiting, answer.kind, price, host)
    }

    /// Goes on with the answer that the host call was waiting for, if it has come.
    pub(super) fn resolved(&mut self, host: &Host<'_>) -> Next {
        let Phase::Waiting(waiting) = &mut self.state.phase else { return Next::GoOn };
        let Some(answer) = waiting.answer.take() else { return Next::Leave(self.pending()) };
        let Phase::Waiting(waiting) = std::mem::replace(&mut self.state.phase, Phase::Running) else {
            return Next::GoOn;
        };
        match self.settle_call(waiting, *answer, host) {
            Ok(()) => Next::GoOn,
            Err(halt) => self.halt(halt, host),
        }
    }

    fn take_answer(
        &mut self,
        waiting: &Waiting,
        answer: AnswerKind,
        price: Result<(), TrapCode>,
        host: &Host<'_>,
    ) -> Result<(), Halt> {
        let code = self.program.code();
        let import = code.module().imports.get(waiting.import.index()).ok_or(Pause::Internal)?;
        let price = price.map_err(Pause::Trap);
        match answer {
            AnswerKind::Value(value) if is_query(import) => {
                let ty = import.result.ok_or(Pause::Internal)?;
                if secret::occurs(code.module()) {
                    self.query_event(import, Ok(&secret::concealed(code.module(), ty, &value)));
                } else {
                    self.query_event(import, Ok(&value));
                }
                match store(&mut self.state.machine, code, self.attached, ty, &value) {
                    Ok(slot) => self.state.machine.set_register(waiting.result, slot),
                    Err(Pause::Trap(trap)) => {
                        self.wrong_answer(trap, import, ty, &value);
                        return Ok(());
                    }
                    Err(other) => return Err(other.into()),
                }
            }
            AnswerKind::Failed(error) if is_query(import) => {
                self.query_event(import, Err(error.message()));
                if !is_optional(code.module(), import) {
                    self.host_failed(error.message());
                    return Ok(());
                }
                self.state.machine.set_register(waiting.result, 0);
            }
            AnswerKind::Done if !is_query(import) => {
                self.action_event(import, ActionResult::Done);
                if waiting.kind != CallKind::Plain {
                    self.state.machine.set_register(waiting.result, 1);
                }
            }
            AnswerKind::Failed(error) => {
                self.action_event(import, ActionResult::Failed(error.message()));
                self.action_failed(waiting.logged, error.message());
                match waiting.kind {
                    CallKind::Plain => {}
                    CallKind::Try => self.state.machine.set_register(waiting.result, 0),
                    CallKind::Retry { times, backoff } => {
                        price?;
                        self.attempt_failed(waiting.result, (times, backoff), host);
                        return Ok(());
                    }
                }
            }
            AnswerKind::Done | AnswerKind::Value(_) | AnswerKind::Pending => {
                return Err(Pause::Trap(TrapCode::HostAnswer).into());
            }
        }
        price?;
        self.end_call(waiting.kind);
        Ok(())
    }

    /// Turns a reservation into what was spent; the host may only settle lower.
    pub(super) fn settle_cost(
        &mut self,
        number: u64,
        reserved: (i64, i64),
        answer: &Answer,
    ) -> Result<(), TrapCode> {
        let money = answer.money.unwrap_or(reserved.0).max(0);
        let tokens = answer.tokens.unwrap_or(reserved.1).max(0);
        self.release(number, reserved, (money, tokens));
        self.state.meters.spend((money, tokens));
        if money > reserved.0 || tokens > reserved.1 { Err(TrapCode::HostPrice) } else { Ok(()) }
    }

    /// An attempt of the RETRY at hand failed: waits for the next, or gives up.
    pub(super) fn attempt_failed(&mut self, result: u8, (times, backoff): (u32, u8), host: &Host<'_>) {
        let attempts = self.state.call.attempts;
        if attempts >= times {
            self.state.machine.set_register(result, 0);
            self.end_call(CallKind::Retry { times, backoff });
            return;
        }
        // Each attempt asks the vetoes again.
        self.state.call.vetoes = 0;
        let first = self.state.machine.register(backoff).cast_signed().max(0).cast_unsigned();
        let doubled = first.saturating_mul(1u64.checked_shl(attempts.saturating_sub(1)).unwrap_or(u64::MAX));
        let until_ns = host.now_ns().saturating_add(doubled);
        let number = self.state.meters.host_calls;
        self.state.phase = Phase::Sleeping { number, until_ns, woken: false };
    }

    /// Waits for the next attempt, but not beyond a deadline.
    pub(super) fn sleep(&mut self, host: &Host<'_>) -> Next {
        let Phase::Sleeping { until_ns, woken, .. } = self.state.phase else { return Next::GoOn };
        let until = until_ns.min(self.next_deadline());
        let over = woken || host.is_cancelled() || host.now_ns() >= until || host.sleep_until(until);
        if !over {
            return Next::Leave(self.pending());
        }
        self.state.phase = Phase::Running;
        let used = self.state.machine.used_after(self.program.code());
        if !self.time_is_up(host, used) {
            self.state.machine.seen = true;
        }
        Next::GoOn
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

    pub(super) fn action_event(&mut self, import: &Import, result: ActionResult<'_>) {
        self.digest_call(Tag::Action, import, |bytes| put_result(bytes, result));
        if self.tracing.wants_effects() {
            let arguments = self.typed(import).map(ValueRef::to_shown).collect::<Vec<_>>();
            let kind = EventKind::Action { name: &import.name, arguments: &arguments, result };
            let (fuel, at) = (self.fuel(), self.at());
            self.tracing.send(self.program.code(), fuel, at, kind);
        }
    }

    pub(super) fn query_event(&mut self, import: &Import, answer: Result<&Value, &str>) {
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
            let arguments = self.typed(import).map(ValueRef::to_shown).collect::<Vec<_>>();
            let kind = EventKind::Query { name: &import.name, arguments: &arguments, answer };
            let (fuel, at) = (self.fuel(), self.at());
            self.tracing.send(self.program.code(), fuel, at, kind);
        }
    }
}

/// Adds an action's result to the digest.
#[inline]
pub(super) fn put_result(bytes: &mut Vec<u8>, result: ActionResult<'_>) {
    bytes.push(result.code());
    if let ActionResult::Failed(why) | ActionResult::Vetoed(why) = result {
        put_text(bytes, why);
    }
}
