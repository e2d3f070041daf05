//! How an activation ends: by itself, by an error or a limit; and with it, mostly, the order.

use smol_str::SmolStr;
use swarm_bytecode::module::Import;
use swarm_bytecode::quantity::format;
use swarm_bytecode::trap::{LimitKind, TrapCode};
use swarm_bytecode::types::TypeId;

use super::state::{CallState, Waiting};
use super::{Driver, Ending, Phase};
use crate::attached::type_text;
use crate::machine::Pause;
use crate::report::{Outcome, Reason};
use crate::trace::{EventKind, Tag, place_name, put_text};
use crate::value::Value;

impl Driver<'_, '_> {
    /// Ends the activation by what the interpreter handed back.
    pub(super) fn end_by(&mut self, pause: Pause) {
        let used = self.state.machine.used_after(self.code());
        match pause {
            Pause::Finished(result) => {
                let machine = &self.state.machine;
                let used = machine.mark.wrapping_sub(machine.fuel);
                self.end(Outcome::Done, None, used, result);
            }
            Pause::Stopped(reason) => {
                self.keep_withins(self.state.withins.len());
                self.end_with_words(Outcome::Stopped, reason, used);
            }
            Pause::Failed(reason) => self.end_with_words(Outcome::Failed, reason, used),
            Pause::Limit(limit) => self.limit(limit, used),
            Pause::Trap(trap) => self.trap(trap, trap.text().to_owned(), used),
            // None of them arrives here; if one does, the program is not to blame.
            Pause::Short { .. }
            | Pause::Quoted(_)
            | Pause::Effect
            | Pause::Look
            | Pause::Answered
            | Pause::Internal => {
                let message = "The decoded program is inconsistent; this is an error of the machine.";
                let reason = self.reason("internal", message.to_owned());
                self.end(Outcome::Trapped, Some(reason), used, None);
            }
        }
    }

    fn end_with_words(&mut self, outcome: Outcome, words: u64, used: i64) {
        let words: SmolStr = self.data().text(words).into();
        let (tag, code, kind) = match outcome {
            Outcome::Stopped => (Tag::Stop, "stop", EventKind::Stop { reason: &words }),
            _ => (Tag::Fail, "fail", EventKind::Fail { reason: &words }),
        };
        self.effect_event(tag, |bytes| put_text(bytes, &words), kind);
        let reason = self.reason(code, words.to_string());
        self.end(outcome, Some(reason), used, None);
    }

    fn reason(&self, code: &str, message: String) -> Reason {
        let place = self.at().map(|(function, op)| place_name(self.code(), function, op));
        Reason { code: code.into(), message, place }
    }

    fn trap(&mut self, trap: TrapCode, message: String, used: i64) {
        self.effect_event(Tag::Trap, |bytes| put_text(bytes, trap.code()), EventKind::Trap { trap });
        let reason = self.reason(trap.code(), message);
        self.end(Outcome::Trapped, Some(reason), used, None);
    }

    pub(super) fn host_failed(&mut self, error: &str) {
        let used = self.state.machine.used_after(self.code());
        let trap = TrapCode::HostFailed;
        self.trap(trap, format!("{} The host says: {error}", trap.text()), used);
    }

    pub(super) fn wrong_answer(&mut self, trap: TrapCode, import: &Import, ty: TypeId, answer: &Value) {
        let used = self.state.machine.used_after(self.code());
        let declared = type_text(self.code().module(), ty);
        let (text, name, found) = (trap.text(), &import.name, answer.describe());
        self.trap(
            trap,
            format!("{text} {name} is declared to give {declared}, the host gave {found}."),
            used,
        );
    }

    pub(super) fn limit(&mut self, limit: LimitKind, used: i64) {
        self.limit_of(None, limit, used);
    }

    /// Ends the activation by a limit: one of the order, or the budget of an open `within`.
    pub(super) fn limit_of(&mut self, within: Option<usize>, limit: LimitKind, used: i64) {
        self.effect_event(Tag::Limit, |bytes| put_text(bytes, limit.code()), EventKind::Limit { limit });
        let text = match within {
            Some(at) => format!("The budget of the WITHIN is {}.", self.budget_text(at, limit)),
            None => format!("The limit is {}.", self.limit_text(limit)),
        };
        let reason = self.reason(limit.code(), format!("{} {text}", limit.text()));
        self.end(Outcome::Limit, Some(reason), used, None);
    }

    fn limit_text(&self, limit: LimitKind) -> String {
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

    /// The program has ended; actions that are held may still be carried out.
    fn end(&mut self, outcome: Outcome, reason: Option<Reason>, used: i64, result: Option<u64>) {
        let fuel_used = used.min(self.state.machine.fuel_limit).max(0).cast_unsigned();
        let dropped = self.state.actions.holds() && !outcome.applies();
        self.state.ending = Some(Box::new(Ending { outcome, reason, fuel_used, result, dropped }));
        self.state.call = CallState::default();
        self.state.opening = None;
        if !outcome.applies() {
            self.state.put_states_back(self.program.code(), self.attached);
        }
        if dropped || !self.state.actions.holds() {
            self.finish();
        } else {
            self.state.phase = Phase::Applying(None);
        }
    }

    /// The activation is over. It ends the order unless it simply came to its end and others can follow.
    pub(super) fn finish(&mut self) {
        let ending = self.state.ending.as_ref();
        let (outcome, fuel) = ending.map_or((Outcome::Done, 0), |ending| (ending.outcome, ending.fuel_used));
        let state = &mut *self.state;
        state.totals.fuel_used = state.totals.fuel_used.saturating_add(fuel);
        state.totals.memory_peak_bytes = state.totals.memory_peak_bytes.max(state.machine.memory.peak());
        // What is over holds on to its values, for its report; its registers go back to the host.
        state.machine.frames.clear();
        state.withins.clear();
        state.saved.clear();
        state.meters.money_reserved = 0;
        state.meters.tokens_reserved = 0;
        if outcome == Outcome::Done && self.lives_on() {
            self.state.phase = Phase::Resting;
            self.effect_event_at_end(Tag::Rest, &[], EventKind::Rest);
        } else {
            self.end_order(outcome);
        }
    }

    /// The order is over: the last event.
    fn end_order(&mut self, outcome: Outcome) {
        self.state.phase = Phase::Ended;
        let fuel = self.fuel();
        self.tracing.digest(Tag::End, fuel, None, |bytes| put_text(bytes, outcome.name()));
        let digest = self.tracing.recorder.digest.as_ref().map(crate::trace::Digest::value);
        self.tracing.send(self.program.code(), fuel, None, EventKind::End { outcome, digest });
    }

    fn effect_event_at_end(&mut self, tag: Tag, payload: &[u8], kind: EventKind<'_>) {
        let fuel = self.fuel();
        self.tracing.digest(tag, fuel, None, |bytes| bytes.extend_from_slice(payload));
        self.tracing.send(self.program.code(), fuel, None, kind);
    }

    /// Ends an order that was left standing.
    pub(crate) fn close(&mut self, limit: LimitKind) {
        match &self.state.phase {
            Phase::Ended => return,
            Phase::Resting => {
                self.end_order(Outcome::Done);
                return;
            }
            _ => {}
        }
        let waiting = match &self.state.phase {
            Phase::Waiting(waiting) | Phase::Applying(Some(waiting)) => Some((waiting.number, waiting.cost)),
            _ => None,
        };
        if let Some((number, cost)) = waiting {
            self.spend_reserved(number, cost);
        }
        if self.state.ending.is_some() {
            // Actions were being carried out: those that were not are dropped.
            self.cut_short(limit);
            return;
        }
        let used = match &self.state.phase {
            Phase::Fresh | Phase::Begun(_) => 0,
            Phase::Waiting(Waiting { .. }) | Phase::Sleeping { .. } => {
                self.state.machine.used_after(self.code())
            }
            _ => self.state.machine.used(self.code()),
        };
        self.limit(limit, used);
    }

    /// An answer that never came: its whole cost counts as spent.
    fn spend_reserved(&mut self, number: u64, cost: (i64, i64)) {
        self.release(number, cost, cost);
        self.state.meters.spend(cost);
    }

    fn cut_short(&mut self, limit: LimitKind) {
        self.effect_event(Tag::Limit, |bytes| put_text(bytes, limit.code()), EventKind::Limit { limit });
        let message = format!("{} The limit is {}.", limit.text(), self.limit_text(limit));
        let reason = self.reason(limit.code(), message);
        self.reverse(Outcome::Limit, reason);
    }

    /// The host broke its word while actions were carried out: the rest is dropped.
    pub(super) fn broken(&mut self, trap: TrapCode, pc: usize) {
        let (fuel, at) = (self.fuel(), self.place(pc));
        self.tracing.digest(Tag::Trap, fuel, at, |bytes| put_text(bytes, trap.code()));
        self.tracing.send(self.program.code(), fuel, at, EventKind::Trap { trap });
        let place = at.map(|(function, op)| place_name(self.program.code(), function, op));
        let reason = Reason { code: trap.code().into(), message: trap.text().to_owned(), place };
        if self.state.ending.is_some() {
            self.reverse(Outcome::Trapped, reason);
        } else {
            let used = self.state.machine.used(self.code());
            self.end(Outcome::Trapped, Some(reason), used, None);
        }
    }

    /// What had ended well ends otherwise.
    fn reverse(&mut self, outcome: Outcome, reason: Reason) {
        let dropped = self.state.actions.holds();
        self.state.put_states_back(self.program.code(), self.attached);
        if let Some(ending) = &mut self.state.ending {
            ending.outcome = outcome;
            ending.reason = Some(reason);
            ending.dropped |= dropped;
        }
        self.finish();
    }
}
