//! How faults strike, how they heal, and what must hold at the end.

use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::faults::Fault;
use super::node::Node;
use super::{Conduct, Happening, Outcome, SECOND, Simulation};
use crate::agent;
use crate::engine::Engine;
use crate::envelope::{Envelope, RECORD_TYPE};
use crate::injector::{self, Phase};
use crate::key::SecretKey;
use crate::message::ToAgent;
use crate::monitor::Judge;
use crate::record::{Directive, Record, Step};

impl<E: Engine, J: Judge> Simulation<E, J> {
    /// Whether an agent dies before its next command.
    pub(super) fn dies(&mut self, now: u64, agent: u32) -> bool {
        let Some(node) = self.node_mut(agent) else { return true };
        if !node.up {
            return true;
        }
        let Some((left, down_ns)) = &mut node.dies_after else { return false };
        if let Some(less) = left.checked_sub(1) {
            *left = less;
            return false;
        }
        let down_ns = *down_ns;
        self.crash(now, agent, down_ns);
        true
    }

    /// An agent dies: what is on its disk stays.
    pub(super) fn crash(&mut self, now: u64, agent: u32, down_ns: u64) {
        let Some(node) = self.node_mut(agent) else { return };
        if !node.up {
            return;
        }
        node.up = false;
        (node.run, node.shadow) = (None, None);
        node.life = node.life.wrapping_add(1);
        (node.dies_after, node.dies_in_effect) = (None, None);
        self.restarts = self.restarts.saturating_add(1);
        self.schedule.at(now.saturating_add(down_ns), Happening::Boot(agent));
    }

    pub(super) fn boot(&mut self, now: u64, agent: u32) {
        let nonce = self.chance.word() >> 1;
        let Some(node) = self.node_mut(agent) else { return };
        if std::mem::replace(&mut node.up, true) {
            return;
        }
        node.wake_at = 0;
        let (disk, tail) = (node.disk.clone(), node.tail.clone());
        self.tell(now, agent, agent::Event::Boot { disk, tail, nonce });
    }

    pub(super) fn trouble(&mut self, now: u64, fault: Fault) {
        match fault {
            Fault::Crash { agent, after, down_ns } => {
                if let Some(node) = self.node_mut(agent) {
                    node.dies_after = Some((after, down_ns));
                }
            }
            Fault::DiskLoss { agent, down_ns } => {
                self.crash(now, agent, down_ns);
                if let Some(node) = self.node_mut(agent) {
                    node.disk = None;
                    node.tail.clear();
                    node.journal = crate::journal::Journal::default();
                }
            }
            Fault::Leave { agent, down_ns } => {
                self.tell(now, agent, agent::Event::Leave);
                self.crash(now, agent, down_ns);
            }
            Fault::CrashInEffect { agent, down_ns } => {
                if let Some(node) = self.node_mut(agent) {
                    node.dies_in_effect = Some(down_ns);
                }
            }
            Fault::Partition { agent, for_ns } => {
                if let Some(node) = self.node_mut(agent) {
                    node.cut_off = true;
                }
                self.schedule.at(now.saturating_add(for_ns), Happening::Rejoin(agent));
            }
            Fault::InjectorCrash => {
                if let Some(disk) = self.injector_disk.clone() {
                    self.inject(now, injector::Event::Boot(disk));
                }
            }
            Fault::Operator { halts } => {
                self.inject(now, if halts { injector::Event::Halt } else { injector::Event::Rollback });
            }
            Fault::BusLoss => {
                self.bus = None;
                self.inject(now, injector::Event::BusLost);
            }
            Fault::Intruder { agent, kind } => {
                if let Some(forged) = self.forge(kind) {
                    let message = ToAgent::Desired(Some(Arc::new(forged)));
                    self.send(now, agent, |agent| Happening::ToAgent(agent, message.clone()));
                }
            }
            Fault::Replay { agent } => {
                let count = u64::try_from(self.past.len()).unwrap_or(0);
                let at = usize::try_from(self.chance.below(count)).unwrap_or(0);
                if let Some(old) = self.past.get(at).cloned() {
                    let message = ToAgent::Desired(Some(old));
                    self.send(now, agent, |agent| Happening::ToAgent(agent, message.clone()));
                }
            }
        }
    }

    /// What someone might send who holds keys that do not allow it, or none.
    fn forge(&self, kind: u8) -> Option<Directive> {
        let real = self.bus.as_ref()?;
        let mut record = Record::decode(&real.record().payload).ok()?;
        record.revision.counter = record.revision.counter.saturating_add(1000);
        let stranger = SecretKey::from_seed([0x5e; 32]);
        let signed = |record: &Record, key: &SecretKey| {
            let mut envelope = Envelope::new(RECORD_TYPE, record.encode());
            envelope.sign(key).ok().map(|()| envelope)
        };
        Some(match kind {
            // A step signed by no one who may.
            0 => real.followed_by(signed(&record, &stranger)?),
            // A step with no signature at all.
            1 => real.followed_by(Envelope::new(RECORD_TYPE, record.encode())),
            // A rollback to something the plan does not name, and a resume, by a key that is not the plan's.
            2 => {
                record.step = Step::Rollback { from: [9; 32], to: Some([7; 32]) };
                real.followed_by(signed(&record, &stranger)?)
            }
            // The plan with another payload under the same signatures.
            3 => {
                let mut plan = real.plan().clone();
                plan.payload.push(0);
                Directive::new(plan, real.targets().to_vec(), real.record().clone(), None)
            }
            // Another list of targets.
            _ => {
                let targets = real.targets().iter().rev().cloned().collect();
                Directive::new(real.plan().clone(), targets, real.record().clone(), None)
            }
        })
    }

    /// Everything works again: the network is good, no one is cut off, and who is down comes up.
    pub(super) fn heal(&mut self, now: u64) {
        self.conduct = Conduct::GOOD;
        self.healed = true;
        if self.bus.is_none() {
            self.inject(now, injector::Event::BusLost);
        }
        for agent in (0_u32..).take(self.nodes.len()) {
            let Some(node) = self.node_mut(agent) else { continue };
            node.cut_off = false;
            (node.dies_after, node.dies_in_effect) = (None, None);
            if !node.up {
                self.schedule.at(now.saturating_add(SECOND), Happening::Boot(agent));
            }
        }
    }

    /// Whether nothing is left to happen: the plan is at its end, all have answered, nothing runs, and what
    /// ran is known.
    pub(super) fn is_over(&self) -> bool {
        let settled = self.injector.phase().is_some_and(|phase| phase != Phase::Rolling);
        let heard =
            |rank, node: &Node<E::Run>| node.agent.told().is_none_or(|told| self.monitor.knows(rank, told));
        let quiet = || {
            let mut targets = self.nodes.iter().filter_map(|node| Some((node.rank?, node)));
            targets.all(|(rank, node)| node.is_quiet(self.setup_order) && heard(rank, node))
        };
        // Who is no target lives too at the end.
        let all_up = || self.nodes.iter().all(|node| node.up);
        self.healed && settled && all_up() && self.injector.accounting().silent == 0 && quiet()
    }

    pub(super) fn finish(mut self, now: u64, happenings: u64) -> Outcome {
        let accounting = self.injector.accounting();
        self.monitor.close(now, accounting.error_rate(), &mut self.judge);
        self.monitor.finish(now);
        if self.faults.is_some() && self.healed {
            self.check_convergence();
        }
        if let Some(archive) = &mut self.archive {
            for node in self.nodes.iter_mut().filter(|node| node.up) {
                let last = node
                    .agent
                    .close(Self::clock(now).saturating_add(node.skew_ns))
                    .seal(&node.agent.profile().key);
                archive.chunk(node.agent.name(), &last);
            }
        }
        let mut traces = Sha256::new();
        let mut events = 0_u64;
        let mut ranked: Vec<_> = self.nodes.iter().filter_map(|node| Some((node.rank?, node))).collect();
        ranked.sort_unstable_by_key(|(rank, _)| *rank);
        for (_, node) in &ranked {
            let head = node.agent.durable().head;
            traces.update(head.hash);
            traces.update(head.events.to_le_bytes());
            events = events.saturating_add(head.events);
        }
        let effects = self.watch.effects();
        let (violations, checks) = self.watch.into_violations();
        Outcome {
            injector: self.injector,
            monitor: self.monitor,
            ended_ns: now,
            happenings,
            messages: self.messages,
            restarts: self.restarts,
            effects,
            violations,
            checks,
            traces: traces.finalize().into(),
            events,
            comparisons: self.comparisons,
        }
    }

    /// Every agent lives now. Each that was reached has answered what is desired, and holds its revision – or has
    /// refused it, and said so.
    fn check_convergence(&mut self) {
        let Some((desired, phase)) = self.injector.durable().map(|own| (own.revision, own.phase)) else {
            return;
        };
        let record = self.injector.current_record();
        let reach = self.injector.reach();
        let ordered = self.injector.plan().order.digest;
        for node in self.nodes.iter().filter(|node| node.rank.is_none()) {
            let holds = node.up && node.agent.running() != Some(ordered);
            self.watch.converged(node.name().as_str(), holds, || {
                "it is no target, and runs what is ordered, or does not live".to_owned()
            });
        }
        for node in &self.nodes {
            let Some(rank) =
                node.rank.and_then(|rank| usize::try_from(rank).ok()).filter(|rank| *rank < reach)
            else {
                continue;
            };
            let counts_as = self.injector.standings().get(rank).map_or("", |own| own.counts_as(record));
            let held = node.agent.durable().mark.revision;
            let there = matches!(counts_as, "active" | "failed") && held == desired;
            let kept_out = counts_as == "refused" && node.agent.running() != Some(ordered);
            let running = node.agent.running();
            // What runs in shadow changes nothing of what runs.
            let right = self.injector.plan().shadow.is_some()
                || match phase {
                    Phase::Rolling | Phase::Converged => {
                        counts_as != "active" || running.is_none_or(|own| own == ordered)
                    }
                    Phase::RolledBack => running != Some(ordered),
                    Phase::Halted | Phase::Stopped => running.is_none(),
                };
            let holds = node.up && right && (there || kept_out);
            self.watch.converged(node.name().as_str(), holds, || {
                format!("{phase:?}: it is {counts_as}, right: {right}, and holds revision {held}, desired is {desired}")
            });
        }
    }
}
