//! What forbids an action: a capability that is not granted, the program's vetoes, the agent's. A rule that fails
//! forbids.

use swarm_bytecode::module::{Import, Module};
use swarm_bytecode::types::Type;

use super::calls::{CallSite, CallWord, is_query};
use super::state::{Asking, CallKind, Rule, RunState, Verdict};
use super::{Driver, Halt};
use crate::host::{About, Host};
use crate::machine::Pause;
use crate::trace::{EventKind, Tag, VetoedBy, put_text, put_value};
use crate::value::ValueRef;

impl Driver<'_, '_> {
    /// Looks at the grant and enters the program's next veto on this action. Gives whether one was entered.
    pub(super) fn rule_on_it(&mut self, site: CallSite<'_>) -> Result<bool, Halt> {
        if self.state.call.verdict.is_some() {
            return Ok(false);
        }
        let link = self.state.links.get(site.id.index()).copied();
        if link.is_some_and(|link| !link.granted) {
            let name = site.import.capability.as_deref().unwrap_or("");
            let reason = format!("the capability {name} is not granted").into();
            self.forbid(Verdict { by: Rule::Grant, reason });
            return Ok(false);
        }
        let code = self.program.code();
        let rules = code.module().vetoes.iter().enumerate().skip(self.state.call.vetoes);
        let Some((at, veto)) = rules.into_iter().find(|(_, veto)| veto.import == site.id) else {
            return Ok(false);
        };
        self.state.call.vetoes = at.saturating_add(1);
        self.state.call.asking = Asking::Veto(at);
        let RunState { machine, arguments, .. } = &mut *self.state;
        match machine.enter_quote(code, veto.condition.0, arguments) {
            Ok(()) => Ok(true),
            Err(pause @ Pause::Limit(_)) => {
                self.veto_failed(pause);
                Ok(false)
            }
            Err(pause) => Err(pause.into()),
        }
    }

    /// Whether a veto of the program is being computed.
    pub(super) fn asks_veto(&self) -> bool {
        matches!(self.state.call.asking, Asking::Veto(_))
    }

    /// A veto ran into an error or a limit: it forbids, and the op at hand is begun anew.
    pub(super) fn veto_failed(&mut self, pause: Pause) {
        let code = self.program.code();
        let Asking::Veto(veto) = std::mem::take(&mut self.state.call.asking) else { return };
        let failure = match pause {
            Pause::Trap(trap) => trap.text(),
            Pause::Limit(limit) => limit.text(),
            _ => "",
        };
        let machine = &mut self.state.machine;
        if let Some(depth) = machine.frames.iter().rposition(|frame| frame.quote) {
            let used = machine.used_after(code);
            machine.unwind(code, depth);
            let pc = machine.pc;
            machine.go_to(code, pc, used);
        }
        machine.seen = true;
        self.rule_forbids(veto, Some(failure));
    }

    /// The program's veto of this index forbids the call at hand, by itself or because it failed.
    pub(super) fn rule_forbids(&mut self, veto: usize, failure: Option<&str>) {
        let reason = veto_reason(self.program.tables(), veto);
        let reason = match failure {
            Some(failure) => format!("{reason} (the rule failed: {failure})").into(),
            None => reason.into(),
        };
        self.forbid(Verdict { by: Rule::Program(veto), reason });
    }

    /// Asks the agent's own vetoes.
    pub(super) fn ask_agent(&mut self, site: CallSite<'_>, host: &mut Host<'_>) {
        if !self.state.links.get(site.id.index()).is_some_and(|link| link.vetoed) {
            return;
        }
        let about = self.about(site.import, self.state.meters.host_calls);
        let about = About { attempt: about.attempt.saturating_add(1), key: None, ..about };
        if let Some(reason) = host.forbids(&self.call(&about)) {
            self.forbid(Verdict { by: Rule::Agent, reason });
        }
    }

    /// The call at hand is forbidden: it is not made and costs nothing but its fuel.
    pub(super) fn forbidden(
        &mut self,
        word: CallWord,
        site: CallSite<'_>,
        verdict: &Verdict,
        host: &Host<'_>,
    ) -> Result<(), Halt> {
        if is_query(site.import) {
            self.query_failed(word, site.import, &verdict.reason);
            return Ok(());
        }
        self.state.meters.actions_vetoed = self.state.meters.actions_vetoed.saturating_add(1);
        self.veto_event(site.import, verdict, self.state.machine.pc);
        match word.kind {
            CallKind::Plain => self.end_call(word.kind),
            CallKind::Try => {
                self.state.machine.set_register(word.result, 0);
                self.end_call(word.kind);
            }
            CallKind::Retry { times, backoff } => {
                self.state.call.attempts = self.state.call.attempts.saturating_add(1);
                self.attempt_failed(word.result, (times, backoff), host);
            }
        }
        Ok(())
    }

    /// A query that is not answered: NONE if it may be, else the end.
    fn query_failed(&mut self, word: CallWord, import: &Import, reason: &str) {
        self.query_event(import, Err(reason));
        if is_optional(self.program.tables(), import) {
            self.state.machine.set_register(word.result, 0);
            self.end_call(word.kind);
        } else {
            self.host_failed(reason);
        }
    }

    /// Tells of an action that was forbidden; the arguments are those at hand.
    pub(super) fn veto_event(&mut self, import: &Import, verdict: &Verdict, pc: usize) {
        let (fuel, at) = (self.fuel(), self.place(pc));
        let (by, byte) = match verdict.by {
            Rule::Program(rule) => (VetoedBy::Program { rule }, 1),
            Rule::Agent => (VetoedBy::Agent, 2),
            Rule::Grant => (VetoedBy::Grant, 3),
        };
        if self.tracing.recorder.digest.is_some() {
            let mut bytes = Vec::new();
            put_text(&mut bytes, &import.name);
            self.typed(import).for_each(|argument| put_value(&mut bytes, argument));
            bytes.push(byte);
            put_text(&mut bytes, &verdict.reason);
            self.tracing.digest(Tag::Veto, fuel, at, |block| block.extend_from_slice(&bytes));
        }
        if self.tracing.wants_effects() {
            let arguments = self.typed(import).map(ValueRef::to_shown).collect::<Vec<_>>();
            let kind =
                EventKind::Veto { name: &import.name, arguments: &arguments, by, reason: &verdict.reason };
            self.tracing.send(self.program.code(), fuel, at, kind);
        }
    }
}

/// Whether a query may go unanswered.
pub(super) fn is_optional(module: &Module, import: &Import) -> bool {
    let ty = import.result.and_then(|ty| module.ty(ty));
    matches!(ty, Some(Type::Optional(_)))
}

fn veto_reason(module: &Module, veto: usize) -> &str {
    let reason = module.vetoes.get(veto).and_then(|veto| module.strings.get(veto.reason.index()));
    reason.map_or("", |reason| reason)
}
