//! How an order goes on: steps of the machine, what they want done, and what stands on the bus.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use swarm_fleet::injector::{Command, Durable, Event, Injector, Phase};
use swarm_fleet::key::PublicKey;
use swarm_fleet::message::wire::encode_replies;
use swarm_fleet::monitor::Stands;
use swarm_fleet::name::Name;
use swarm_fleet::order::Revision;
use swarm_fleet::record::Directive;
use swarm_fleet::verify::step::{Checked, authorised};

use super::{Active, Process, TOLD};
use crate::NodeError;
use crate::layout::{KEEP, RESULTS};
use crate::registry;
use crate::status::Status;
use crate::submission::Submission;
use crate::time::{Timeline, clock};
use crate::watcher::Watcher;

/// Where the machine's state is on disk.
pub(super) const DURABLE: &[u8] = b"durable";

/// Where the plan is on disk, with the keys of its targets and when it began.
const PLAN: &[u8] = b"plan";
const KEYS: &[u8] = b"keys";
const BEGUN: &[u8] = b"begun";

/// The revision of the last plan that was taken.
const TAKEN: &[u8] = b"taken";

/// Messages in one entry of a log.
const BATCH: usize = 512;

impl Process {
    /// The lease is held under this epoch: goes on with the order on the disk, if there is one.
    pub(super) fn begin_epoch(&mut self, epoch: u64) -> Result<(), NodeError> {
        self.looked = None;
        let disk = &self.settings.disk;
        let (Some(durable), Some(plan), Some(keys)) = (disk.get(DURABLE), disk.get(PLAN), disk.get(KEYS))
        else {
            return Ok(());
        };
        let (mut durable, submission) = (Durable::decode(durable)?, Submission::decode(plan)?);
        let mut keys =
            keys.as_chunks::<32>().0.iter().map(PublicKey::from_bytes).collect::<Result<Vec<_>, _>>()?;
        let begun = disk.get(BEGUN).and_then(|bytes| bytes.try_into().ok()).map_or(0, i64::from_le_bytes);
        let time = Timeline::since(begun, self.settings.speed);
        self.take_renewed(&submission.targets, &mut keys)?;
        let active = self.make(submission, keys, Revision { epoch, counter: 0 }, time)?;
        // A step that publishers took meanwhile is not written over.
        let (bytes, version) = self.bus.get(&self.layout.desired)?;
        self.version = version;
        if let Some(checked) = self.counts(bytes, active.machine.plan().order.id)
            && checked.record().revision > durable.revision
        {
            durable.overtaken(&checked, active.machine.plan().waves.len(), time.now());
        }
        self.active = Some(active);
        (self.acks, self.windows) = (None, None);
        self.step(Event::Boot(durable))
    }

    /// Keys that are new, as far as their agents have registered with them, take the place of the former ones.
    fn take_renewed(&mut self, targets: &[Name], keys: &mut [PublicKey]) -> Result<(), NodeError> {
        if self.new_keys.is_empty() {
            return Ok(());
        }
        let members = registry::read(&mut *self.bus, &self.layout)?;
        for (name, key) in targets.iter().zip(keys.iter_mut()) {
            if let Some(member) = members.get(name).filter(|_| self.new_keys.contains(name)) {
                *key = self.first_seen(name, &member.key)?;
            }
        }
        self.settings.disk.put(KEYS, bytes_of(keys));
        self.settings.disk.commit()
    }

    fn make(
        &self,
        submission: Submission,
        keys: Vec<PublicKey>,
        above: Revision,
        time: Timeline,
    ) -> Result<Active, NodeError> {
        let plan = submission.plan()?;
        let Submission { envelope, targets, former } = submission;
        let module = plan.order.module.as_deref().unwrap_or_default();
        let program = swarm_bytecode::verify::Verified::load(module)
            .map_err(|error| NodeError::Other(format!("the module is refused: {error}")))?;
        let watcher = Watcher::new(&program, &plan.context, plan.order.id, &targets)?;
        let key = swarm_fleet::key::SecretKey::from_pem(&self.settings.key.to_pem()?)?;
        let machine = Injector::new(key, envelope, targets, keys, former)?.above(above);
        let next_window = time.now().saturating_add(self.settings.window_ns);
        Ok(Active {
            machine,
            watcher,
            time,
            wake_at: 0,
            next_window,
            desired: None,
            published: false,
            told: false,
        })
    }

    /// Takes up a plan that was checked; the keys are those of its targets.
    pub(super) fn begin(
        &mut self,
        submission: Submission,
        keys: Vec<PublicKey>,
        suspects: &[Name],
    ) -> Result<(), NodeError> {
        let epoch = self.lease.epoch().unwrap_or_default();
        let last = self.active.as_ref().and_then(|own| own.machine.durable()).map(|own| own.revision);
        let above = last.unwrap_or_default().max(Revision { epoch, counter: 0 });
        let plan = submission.plan()?;
        let bytes = submission.encode();
        let mut active = self.make(submission, keys.clone(), above, Timeline::new(self.settings.speed))?;
        suspects.iter().for_each(|name| active.machine.suspect(name));
        let disk = &mut self.settings.disk;
        disk.remove(DURABLE);
        disk.put(PLAN, bytes);
        disk.put(KEYS, bytes_of(&keys));
        disk.put(BEGUN, clock().to_le_bytes().to_vec());
        disk.put(TAKEN, revision_bytes(plan.order.revision));
        self.active = Some(active);
        self.step(Event::Begin)
    }

    /// The revision of the last plan that was taken: none below it is taken again.
    pub(super) fn taken(&self) -> Revision {
        let bytes = self.settings.disk.get(TAKEN).unwrap_or_default();
        let word = |at: usize| {
            bytes.get(at..).and_then(|rest| rest.first_chunk()).map(|word| u64::from_le_bytes(*word))
        };
        Revision { epoch: word(0).unwrap_or_default(), counter: word(8).unwrap_or_default() }
    }

    /// A step of the machine, and what it wants done.
    pub(super) fn step(&mut self, event: Event<'_>) -> Result<(), NodeError> {
        let Some(active) = &mut self.active else { return Ok(()) };
        let mut commands = Vec::new();
        active.machine.step((clock(), active.time.now()), event, &mut commands);
        let mut commands = VecDeque::from(commands);
        while let Some(command) = commands.pop_front() {
            match command {
                Command::Persist(durable) => {
                    active.told = false;
                    self.settings.disk.put(DURABLE, durable.encode());
                }
                Command::Publish(directive) => {
                    active.desired = Some(directive);
                    active.published = false;
                }
                Command::Hint(_) => self.hints = true,
                Command::Send(name, message) => {
                    active.told = false;
                    self.replies.push((name, message));
                }
                Command::Judge { error_rate } => {
                    let verdict = active.watcher.gate(error_rate);
                    let mut more = Vec::new();
                    active.machine.step((clock(), active.time.now()), Event::Verdict(verdict), &mut more);
                    commands.extend(more);
                }
                Command::Wake(at) => active.wake_at = at,
            }
        }
        Ok(())
    }

    /// What is due: gates, nudges, and the end of a window.
    pub(super) fn tend(&mut self) -> Result<(), NodeError> {
        let Some(active) = &mut self.active else { return Ok(()) };
        let now = active.time.now();
        if now >= active.next_window {
            active.next_window = now.saturating_add(self.settings.window_ns);
            active.told = false;
            let error_rate = active.machine.accounting().error_rate();
            if active.watcher.close(now, error_rate) {
                self.step(Event::Goal)?;
            }
        }
        if self.active.as_ref().is_some_and(|active| now >= active.wake_at) {
            self.step(Event::Wake)?;
        }
        Ok(())
    }

    /// Brings to disk what has to be there, and then to the bus what is to be there.
    pub(super) fn publish(&mut self) -> Result<(), NodeError> {
        self.settings.disk.commit()?;
        let replies = std::mem::take(&mut self.replies);
        if !replies.is_empty() {
            let entries: Vec<Vec<u8>> = replies
                .chunks(BATCH)
                .map(|batch| encode_replies(batch.iter().map(|(name, message)| (name, message))))
                .collect();
            let entries: Vec<&[u8]> = entries.iter().map(Vec::as_slice).collect();
            self.bus.append(&self.layout.replies, &entries, KEEP)?;
            self.hints = true;
        }
        if self.active.as_ref().is_some_and(|active| !active.published && active.desired.is_some()) {
            self.put_desired()?;
        }
        if std::mem::take(&mut self.hints) {
            self.bus.hint(&self.layout.to_agents)?;
        }
        Ok(())
    }

    /// Puts the desired state on the bus. Who else did that is looked at, and counts or is written over.
    fn put_desired(&mut self) -> Result<(), NodeError> {
        for _ in 0..8 {
            let Some(active) = &mut self.active else { return Ok(()) };
            let Some(directive) = active.desired.clone() else { return Ok(()) };
            let put =
                self.bus.compare_and_set(&self.layout.desired, self.version, Some(&directive.encode()))?;
            if let Some(version) = put {
                (self.version, self.hints, active.published) = (version, true, true);
                return Ok(());
            }
            self.compare()?;
            self.settings.disk.commit()?;
            if self.active.as_ref().is_none_or(|active| active.published) {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Holds what stands on the bus against what should.
    pub(super) fn compare(&mut self) -> Result<(), NodeError> {
        let (bytes, version) = self.bus.get(&self.layout.desired)?;
        let known = version == self.version && version.is_some();
        self.version = version;
        let Some(active) = &mut self.active else { return Ok(()) };
        let Some(own) = active.desired.clone() else { return Ok(()) };
        if known && active.published {
            return Ok(());
        }
        active.published = bytes.as_ref().is_some_and(|bytes| *bytes == own.encode());
        if active.published {
            return Ok(());
        }
        let (order, revision) =
            (active.machine.plan().order.id, active.machine.durable().map(|own| own.revision));
        let Some(checked) = self.counts(bytes, order) else { return Ok(()) };
        if revision.is_some_and(|own| checked.record().revision >= own) {
            if let Some(active) = &mut self.active {
                active.desired = Some(Arc::clone(checked.directive()));
                active.published = true;
            }
            self.step(Event::Adopt(&checked))?;
        }
        Ok(())
    }

    /// What stands on the bus, if it is a step of this order that those who signed may take.
    fn counts(&self, bytes: Option<Vec<u8>>, order: [u8; 16]) -> Option<Checked> {
        let directive = Directive::decode(&bytes?).ok()?;
        let checked = Checked::new(Arc::new(directive), &self.settings.trust).ok()?;
        let may = authorised(&checked, &self.settings.trust, clock()).is_ok();
        (may && checked.plan().order.id == order).then_some(checked)
    }

    /// Whether an order is under way that another must not push out.
    pub(super) fn is_rolling(&self) -> bool {
        self.active.as_ref().is_some_and(|active| active.machine.phase() == Some(Phase::Rolling))
    }

    /// Says how the order stands, not too often.
    pub(super) fn tell(&mut self) -> Result<(), NodeError> {
        let Some(active) = &mut self.active else { return Ok(()) };
        if active.told || self.said.as_ref().is_some_and(|(_, at)| at.elapsed() < TOLD) {
            return Ok(());
        }
        let mut status = Status::of(&active.machine, active.time.now());
        let monitor = active.watcher.monitor();
        status.expected = monitor.verdicts().iter().map(|own| (own.text.to_string(), own.holds)).collect();
        status.alerts = monitor.alerts().iter().map(|own| format!("{}: {}", own.text, own.message)).collect();
        status.trouble.clone_from(&self.trouble);
        status.judged = monitor.verdicts().iter().filter(|own| own.judged_ns.is_some()).count();
        let result = |status: &Status| {
            let Status { order, phase, report_revision, judged, alerts, .. } = status;
            (order.clone(), phase.clone(), *report_revision, *judged, alerts.len())
        };
        let news = self.said.as_ref().is_none_or(|(before, _)| result(before) != result(&status));
        let phase = active.machine.phase().filter(|_| news && status.settled());
        let result = phase.map(|phase| {
            let accounting = active.machine.accounting();
            let exceptions = &status.exceptions;
            monitor.result_document(Stands { at_ns: status.now_ns, phase, accounting, exceptions })
        });
        let bytes = serde_json::to_vec(&status).unwrap_or_default();
        registry::put(&mut *self.bus, &self.layout.status, &mut self.said_version, &bytes)?;
        self.bus.hint(&self.layout.to_operators)?;
        if let Some(result) = result {
            self.bus.append(RESULTS, &[&result], KEEP)?;
        }
        active.told = true;
        self.said = Some((status, Instant::now()));
        Ok(())
    }
}

fn bytes_of(keys: &[PublicKey]) -> Vec<u8> {
    keys.iter().flat_map(PublicKey::to_bytes).collect()
}

fn revision_bytes(revision: Revision) -> Vec<u8> {
    let mut bytes = revision.epoch.to_le_bytes().to_vec();
    bytes.extend_from_slice(&revision.counter.to_le_bytes());
    bytes
}

/// Names of targets, for messages.
pub(super) fn few(names: &[&Name]) -> String {
    let shown: Vec<&str> = names.iter().take(3).map(|name| name.as_str()).collect();
    let rest = names.len().saturating_sub(shown.len());
    let more = if rest == 0 { String::new() } else { format!(" and {rest} more") };
    format!("{}{more}", shown.join(", "))
}
