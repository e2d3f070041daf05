//! How an agent takes up what is desired.

use std::sync::Arc;

use sha2::{Digest, Sha256};
use smol_str::SmolStr;

use super::{Agent, Command, Context, Installed, RETRY_NS, Which};
use crate::message::{FromAgent, Status, cut};
use crate::record::{Directive, Step};
use crate::refusal::{Cause, Refusal};
use crate::verify::step::{AcceptedStep, Checked, accept};
use crate::verify::{Audience, Mode, Receiver};
use crate::window::Totals;

impl Agent {
    /// Holds what is desired against what there is.
    pub(super) fn reconcile(&mut self, directive: &Arc<Directive>, context: &mut Context<'_>) {
        if self.seen == Some(directive.digest()) {
            return;
        }
        let checked = match context.cache.checked(directive) {
            Ok(checked) => checked,
            Err(refusal) => {
                // Anyone could have sent it, so it is told and not kept: it must not push out what has to be
                // heard. If it is what is desired, it will be read, and told, again. Around a record that was
                // accepted it is noise.
                let record = Sha256::digest(&directive.record().payload).into();
                if record == self.durable.mark.payload {
                    return;
                }
                let ack = self.signed(record, Status::Refused(refusal.code().into()), context);
                self.persist(context);
                context.commands.push(Command::Send(FromAgent::Ack(ack)));
                return;
            }
        };
        match self.permits(&checked, context) {
            Ok(step) => {
                self.seen = Some(directive.digest());
                self.take(&step, context);
            }
            // It was here before, it is not for this agent yet, or something newer is here.
            Err(refusal)
                if matches!(
                    refusal.cause,
                    Cause::Repeated | Cause::NotATarget | Cause::OldRevision | Cause::NotYet
                ) => {}
            Err(refusal) => {
                self.seen = Some(directive.digest());
                let status = Status::Refused(refusal.code().into());
                let ack = self.signed(checked.record_digest(), status, context);
                self.answer(ack, context);
            }
        }
    }

    fn permits(&self, checked: &Arc<Checked>, context: &Context<'_>) -> Result<AcceptedStep, Refusal> {
        let trust = Arc::clone(context.cache.trust());
        let receiver = Receiver {
            trust: &trust,
            mark: &self.durable.mark,
            clock: context.clock,
            audience: Audience::Agent { name: &self.profile.name, labels: &self.profile.labels, names: None },
            grants: &self.profile.grants,
            module: None,
            mode: Mode::Strict,
        };
        // What a checkpoint named was never seen here, only its revision.
        let again = self.durable.installed.is_none();
        let step = accept(checked, &receiver, again)?;
        if self.durable.halted && !matches!(checked.record().step, Step::Resume | Step::Halt) {
            return Err(Refusal::new(Cause::Halted, "the agent is halted"));
        }
        Ok(step)
    }

    fn take(&mut self, step: &AcceptedStep, context: &mut Context<'_>) {
        let AcceptedStep { checked, mark, .. } = step;
        self.durable.mark = mark.clone();
        if checked.plan().shadow.is_some() && !matches!(checked.record().step, Step::Halt | Step::Resume) {
            self.take_shadow(checked, context);
            return;
        }
        self.drop_shadow(context);
        match checked.record().step {
            Step::Run { .. } => self.install(checked, Which::Ordered, context),
            Step::Rollback { to: Some(_), .. } => self.install(checked, Which::Former, context),
            Step::Rollback { to: None, .. } | Step::Stop => {
                self.durable.installed = None;
                self.rest(context);
            }
            Step::Halt => {
                self.durable.halted = true;
                self.rest(context);
            }
            Step::Resume => {
                self.durable.halted = false;
                self.persist(context);
                self.resume(context);
                if self.starting.is_none() {
                    self.acknowledge(self.standing(), context);
                }
            }
        }
    }

    pub(super) fn standing(&self) -> Status {
        match (&self.durable.finished, self.running) {
            (Some(status), _) => status.clone(),
            (None, Some(_)) => Status::Active,
            (None, None) => Status::Idle,
        }
    }

    fn rest(&mut self, context: &mut Context<'_>) {
        self.stop(context);
        self.acknowledge(Status::Idle, context);
        self.close_window(context);
    }

    fn stop(&mut self, context: &mut Context<'_>) {
        if self.running.take().is_some() {
            context.commands.push(Command::Stop);
            context.commands.extend(self.log.seal().map(|chunk| Command::Seal(Box::new(chunk))));
        }
        (self.starting, self.retry_at) = (None, None);
    }

    /// Stages a program. The swap itself is a stop and a start between two steps.
    fn install(&mut self, checked: &Arc<Checked>, which: Which, context: &mut Context<'_>) {
        let former = checked.former().filter(|_| which == Which::Former);
        let digest = former.unwrap_or(checked.module()).digest();
        let order = checked.plan().order.id;
        let same = self
            .durable
            .installed
            .as_ref()
            .is_some_and(|installed| installed.order == order && installed.digest == digest);
        let directive = Arc::clone(checked.directive());
        self.durable.installed = Some(Installed { directive, which, order, digest });
        if same && (self.running == Some(digest) || self.durable.finished.is_some()) {
            // A later wave of what runs here, or ran.
            self.acknowledge(self.standing(), context);
            return;
        }
        if same && (self.starting.is_some() || self.retry_at.is_some()) {
            self.persist(context);
            return;
        }
        self.durable.finished = None;
        self.stop(context);
        if self.durable.spent.is_none_or(|(spent, ..)| spent != order) {
            self.durable.spent = Some((order, 0, 0));
        }
        self.persist(context);
        self.resume(context);
    }

    /// Starts what is installed, unless it is halted, over, or has failed to start too often: then what ran well
    /// before.
    pub(super) fn resume(&mut self, context: &mut Context<'_>) {
        if self.durable.halted || self.running.is_some() {
            return;
        }
        let Some(installed) = self.durable.installed.clone() else { return };
        let tried = |agent: &Agent, digest| agent.durable.attempts.get(&digest).copied().unwrap_or(0);
        if tried(self, installed.digest) < self.profile.attempts {
            if self.durable.finished.is_none() {
                self.begin(&installed, false, context);
            }
            return;
        }
        if self.durable.finished.is_none() {
            let why = self.failure.as_deref().unwrap_or("it did not survive its start");
            let status = Status::Failed(cut(&format!("{}: {why}", Cause::Quarantined.code())).into());
            self.durable.finished = Some(status.clone());
            self.acknowledge_installed(status, context);
        }
        let good = self.durable.last_good.clone().filter(|good| good.digest != installed.digest);
        if let Some(good) = good.filter(|good| tried(self, good.digest) < self.profile.attempts) {
            self.begin(&good, true, context);
        }
    }

    /// That it is tried is on disk before it is tried: a program that kills the agent is counted too.
    fn begin(&mut self, installed: &Installed, fallback: bool, context: &mut Context<'_>) {
        let Ok(checked) = context.cache.checked(&installed.directive) else { return };
        let Some(start) = self.start(&checked, installed.which, fallback, context) else { return };
        let attempts = self.durable.attempts.entry(installed.digest).or_default();
        *attempts = attempts.saturating_add(1);
        self.persist(context);
        self.starting = Some((installed.digest, fallback));
        let program = start.digest();
        if self.totals.as_ref().is_none_or(|(own, order, _)| (*own, *order) != (program, installed.order)) {
            let module = match (installed.which, checked.former()) {
                (Which::Former, Some(former)) => former.module(),
                _ => checked.module().module(),
            };
            self.totals = Some((program, installed.order, Totals::new(&module.metrics)));
        }
        context.commands.push(Command::Start(Box::new(start)));
    }

    pub(super) fn started(&mut self, result: Result<(), SmolStr>, context: &mut Context<'_>) {
        let Some((digest, fallback)) = self.starting.take() else { return };
        match result {
            Ok(()) => {
                self.running = Some(digest);
                if !fallback {
                    self.acknowledge_installed(Status::Active, context);
                }
            }
            Err(reason)
                if self.durable.attempts.get(&digest).copied().unwrap_or(0) < self.profile.attempts =>
            {
                self.failure = Some(reason);
                self.retry_at = Some(context.now.saturating_add(RETRY_NS));
                self.sleep(context);
            }
            Err(reason) => {
                self.failure = Some(reason);
                self.resume(context);
            }
        }
    }
}
