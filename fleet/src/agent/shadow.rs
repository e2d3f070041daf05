//! How an agent runs a program in shadow: beside what is installed, for as long as the plan says. It has the
//! VM, the inputs and the limits it would have; what it does is counted and not performed, and what it spends
//! is not spent.

use std::sync::Arc;

use smol_str::SmolStr;

use super::{Agent, Command, Context, Installed, Shadowed, Which, well};
use crate::message::{FromAgent, Status, cut};
use crate::record::Step;
use crate::refusal::Cause;
use crate::shadow::Comparison;
use crate::verify::step::Checked;
use crate::window::{Activation, Totals};

impl Agent {
    /// Takes a step of a plan that is for shadows: what is installed goes on either way.
    pub(super) fn take_shadow(&mut self, checked: &Arc<Checked>, context: &mut Context<'_>) {
        self.drop_shadow(context);
        if !matches!(checked.record().step, Step::Run { .. }) {
            self.acknowledge(Status::Idle, context);
            return;
        }
        let installed = Installed {
            directive: Arc::clone(checked.directive()),
            which: Which::Ordered,
            order: checked.plan().order.id,
            digest: checked.module().digest(),
        };
        self.durable.shadow = Some(Shadowed { installed, over: None });
        self.begin_shadow(context);
    }

    /// Starts what is to run in shadow, unless it is over, or has failed to start too often.
    pub(super) fn begin_shadow(&mut self, context: &mut Context<'_>) {
        let Some(Shadowed { installed, over: None }) = self.durable.shadow.clone() else { return };
        if self.durable.halted || self.comparison.is_some() {
            return;
        }
        let Ok(checked) = context.cache.checked(&installed.directive) else { return };
        let attempts = self.durable.attempts.entry(installed.digest).or_default();
        if *attempts >= self.profile.attempts {
            let status = format!("{}: it did not survive its start", Cause::Quarantined.code());
            self.end_shadow(Status::Failed(status.into()), context);
            return;
        }
        *attempts = attempts.saturating_add(1);
        let Some(start) = self.start(&checked, Which::Ordered, false, context) else { return };
        self.persist(context);
        let module = checked.module().module();
        self.comparison = Some(Comparison {
            agent: self.profile.name.clone(),
            incarnation: self.durable.incarnation,
            window: self.window,
            order: installed.order,
            beside: self.running.or(self.starting.map(|(digest, _)| digest)),
            old: self.totals.as_ref().map_or_else(Totals::default, |(_, _, totals)| totals.emptied()),
            new: Totals::new(&module.metrics),
        });
        context.commands.push(Command::Start(Box::new(start)));
    }

    pub(super) fn shadow_started(&mut self, result: Result<(), SmolStr>, context: &mut Context<'_>) {
        if self.comparison.is_none() {
            return;
        }
        match result {
            Ok(()) => self.acknowledge(Status::Active, context),
            Err(reason) => self.end_shadow(Status::Failed(cut(&reason).into()), context),
        }
    }

    pub(super) fn shadow_activated(&mut self, activation: &Activation, context: &mut Context<'_>) {
        let Some(comparison) = &mut self.comparison else { return };
        comparison.new.record(activation);
        let digest = self.durable.shadow.as_ref().map(|shadow| shadow.installed.digest);
        if digest.and_then(|digest| self.durable.attempts.remove(&digest)).is_some() {
            self.persist(context);
        }
        if let Some((outcome, reason)) = &activation.ended {
            let status = if well(outcome) {
                Status::Finished(outcome.clone())
            } else {
                Status::Failed(cut(&format!("{outcome}: {reason}")).into())
            };
            self.end_shadow(status, context);
        }
    }

    fn end_shadow(&mut self, status: Status, context: &mut Context<'_>) {
        if let Some(shadow) = &mut self.durable.shadow {
            shadow.over = Some(status.clone());
        }
        self.window = self.window.saturating_add(1);
        self.tell_comparison(context);
        self.comparison = None;
        self.acknowledge(status, context);
    }

    /// Nothing is to run in shadow any more.
    pub(super) fn drop_shadow(&mut self, context: &mut Context<'_>) {
        if self.comparison.take().is_some() {
            context.commands.push(Command::StopShadow);
        }
        self.durable.shadow = None;
    }

    /// Sends what the two programs did so far.
    pub(super) fn tell_comparison(&mut self, context: &mut Context<'_>) {
        let window = self.window;
        let Some(comparison) = &mut self.comparison else { return };
        comparison.window = window;
        context.commands.push(Command::Send(FromAgent::Compared(Arc::new(comparison.clone()))));
    }
}
