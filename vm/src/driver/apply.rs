//! Actions that were held are carried out: at the end of an activation, behind a `within` that undoes, or
//! before an action that is waited for.

use std::sync::Arc;

use swarm_bytecode::module::{Import, ImportId};
use swarm_bytecode::trap::TrapCode;

use super::answers::put_result;
use super::state::{CallKind, Phase, Waiting};
use super::{Driver, Next};
use crate::actions::Issued;
use crate::host::{About, Answer, AnswerKind, Host, HostError};
use crate::trace::{ActionResult, EventKind, Tag};

/// What came of carrying out one action.
enum Applied {
    Answer(Answer),
    /// The agent forbids it by now.
    Vetoed(HostError),
}

impl Driver<'_, '_> {
    /// Carries out the next action that is held, or settles the one waited for.
    pub(super) fn apply(&mut self, host: &mut Host<'_>) -> Next {
        let code = self.program.code();
        let Phase::Applying(waiting) = &mut self.state.phase else { return Next::GoOn };
        let waiting = waiting.as_mut().map(|waiting| waiting.answer.take());
        let first = self.state.actions.first_held();
        let first = first.and_then(|(at, issued)| Some((at, issued, code.import_at(issued.site)?)));
        let Some((at, issued, (id, import))) = first else {
            self.applied_all();
            return Next::GoOn;
        };
        self.state.arguments.clear();
        self.state.arguments.extend_from_slice(self.state.actions.first_arguments());
        let applied = match waiting {
            Some(Some(answer)) => Applied::Answer(*answer),
            Some(None) => return Next::Leave(self.pending()),
            None => self.apply_call(at, issued, (id, import), host),
        };
        if let Applied::Answer(Answer { kind: AnswerKind::Pending, .. }) = applied {
            self.state.phase = Phase::Applying(Some(Waiting {
                number: issued.number,
                import: id,
                cost: self.state.actions.cost(at),
                kind: CallKind::Plain,
                result: 0,
                logged: Some(at),
                answer: None,
            }));
            return Next::Leave(self.pending());
        }
        self.state.phase = Phase::Applying(None);
        Arc::make_mut(&mut self.state.actions).settle_first();
        self.settle_applied(at, issued, import, &applied);
        Next::GoOn
    }

    fn apply_call(
        &mut self,
        at: usize,
        issued: Issued,
        (id, import): (ImportId, &Import),
        host: &mut Host<'_>,
    ) -> Applied {
        let about = About {
            pc: self.code().word_at(issued.site),
            attempt: 1,
            key: self.state.actions.key(at),
            ..self.about(import, issued.number)
        };
        let call = self.call(&about);
        if let Some(reason) = host.forbids(&call) {
            return Applied::Vetoed(HostError::new(reason));
        }
        let mut answer = None;
        host.call(self.target(id), call, &mut answer);
        Applied::Answer(answer.unwrap_or_else(Answer::done))
    }

    fn settle_applied(&mut self, at: usize, issued: Issued, import: &Import, applied: &Applied) {
        let (cost, pc) = (self.state.actions.cost(at), self.code().word_at(issued.site));
        let answer = match applied {
            Applied::Vetoed(reason) => {
                self.release(issued.number, cost, (0, 0));
                self.state.meters.actions_vetoed = self.state.meters.actions_vetoed.saturating_add(1);
                self.applied_event(issued, import, ActionResult::Vetoed(reason.message()));
                Arc::make_mut(&mut self.state.actions).fail(at, reason.message());
                return;
            }
            Applied::Answer(answer) => answer,
        };
        let price = self.settle_cost(issued.number, cost, answer);
        match &answer.kind {
            AnswerKind::Failed(error) => {
                self.applied_event(issued, import, ActionResult::Failed(error.message()));
                self.action_failed(Some(at), error.message());
            }
            AnswerKind::Value(_) => self.broken(TrapCode::HostAnswer, pc),
            AnswerKind::Done | AnswerKind::Pending => self.applied_event(issued, import, ActionResult::Done),
        }
        if let Err(trap) = price {
            self.broken(trap, pc);
        }
    }

    /// Nothing is held any more: the run goes on, or is over.
    fn applied_all(&mut self) {
        if self.state.ending.is_some() {
            self.finish();
            return;
        }
        self.state.phase = Phase::Running;
        if !self.settings.keep_actions {
            Arc::make_mut(&mut self.state.actions).clear();
        }
        // The calls may have taken any time. The op at hand was settled, or is to be begun anew.
        self.look_soon();
    }

    fn applied_event(&mut self, issued: Issued, import: &Import, result: ActionResult<'_>) {
        let (fuel, at) = (self.fuel(), self.place(self.code().word_at(issued.site)));
        self.tracing.digest(Tag::Applied, fuel, at, |bytes| {
            bytes.extend_from_slice(&issued.ordinal.to_le_bytes());
            put_result(bytes, result);
        });
        let kind = EventKind::Applied { action: issued.ordinal, name: &import.name, result };
        self.tracing.send(self.program.code(), fuel, at, kind);
    }
}
