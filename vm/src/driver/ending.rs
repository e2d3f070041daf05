//! How a run ends: by itself, by an error or a limit; and its collected actions, carried out or dropped.

use smol_str::SmolStr;
use swarm_bytecode::module::Import;
use swarm_bytecode::quantity::format;
use swarm_bytecode::trap::{LimitKind, TrapCode};
use swarm_bytecode::types::TypeId;

use super::calls::put_result;
use super::{Driver, Ending, Next, Waiting};
use crate::attached::type_text;
use crate::heap::Data;
use crate::host::{AnswerKind, Call, Host};
use crate::instance::{Effects, Phase};
use crate::machine::Pause;
use crate::report::{Outcome, Reason};
use crate::trace::{ActionResult, EventKind, Tag, place_name, put_text};
use crate::value::Value;

impl Driver<'_, '_> {
    /// Ends the run by what the interpreter handed back.
    pub(super) fn end_by(&mut self, pause: Pause) {
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
        let (fuel, at) = (self.fuel(), self.at());
        self.tracing.digest(Tag::Limit, fuel, at, |bytes| put_text(bytes, limit.code()));
        self.tracing.send(self.program.code(), fuel, at, EventKind::Limit { limit });
        let message = format!("{} The limit is {}.", limit.text(), self.limit_text(limit));
        let reason = self.reason(limit.code(), message);
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

    /// Carries out the next collected action, or settles the one waited for.
    pub(super) fn apply(&mut self, host: &mut Host<'_>) -> Next {
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
        let Some(import) = code.module().imports.get(issued.import.index()) else {
            self.finish();
            return Next::GoOn;
        };
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
}
