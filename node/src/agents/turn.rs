//! One turn of a process: what has come, what is due, what goes to disk, what is done.

use std::cmp::Reverse;
use std::sync::Arc;
use std::time::{Duration, Instant};

use smol_str::SmolStr;
use swarm_bus::BusError;
use swarm_bus::queue::QueueError;
use swarm_fleet::agent::{self, Profile, Start, State};
use swarm_fleet::engine::Engine;
use swarm_fleet::journal::Journal;
use swarm_fleet::message::wire::{decode_replies, encode_reports};
use swarm_fleet::message::{FromAgent, ToAgent};
use swarm_fleet::name::Name;
use swarm_fleet::record::Directive;
use swarm_fleet::tasks::Tasks;
use swarm_fleet::trace::overflow::Next;

use super::tasks::{TaskDesk, failure};
use super::{AGAIN, Agents, BEAT, Due, Permitted, number, store};
use crate::NodeError;
use crate::layout::{KEEP, READ, TRACES};
use crate::registry::{self, Beat};
use crate::time::clock;

/// Messages in one entry of a log.
const BATCH: usize = 512;

/// The desired state is not read again within this time, unless there was a hint.
const FRESH: Duration = Duration::from_millis(250);

/// What agents do is told no more often than this.
const STATES: Duration = Duration::from_secs(1);

/// How long a program waits before it looks again whether there is room for its trace.
const WAIT_NS: u64 = 1_000_000_000;

type Work = Vec<(usize, agent::Command)>;

impl<E: Engine> Agents<E> {
    /// One turn: waits at most so long for something to happen.
    ///
    /// # Errors
    /// [`NodeError::Bus`] where the bus is no bus.
    pub fn turn(&mut self, longest: Duration) -> Result<(), NodeError> {
        if self.trouble.is_some() {
            // What must be written first is not: nothing else happens.
            std::thread::sleep(AGAIN.min(longest));
            self.settle(Vec::new());
            let _told = self.beat();
            return match &mut self.tasks {
                Some(tasks) => tasks.prolong(&self.settings.disk),
                None => Ok(()),
            };
        }
        let mut work = Work::new();
        match self.receive(longest, &mut work) {
            Ok(()) => self.away = false,
            Err(BusError::Away(_)) => {
                // Programs go on without it.
                self.away = true;
                std::thread::sleep(AGAIN.min(longest).min(self.next()));
            }
            Err(error) => return Err(error.into()),
        }
        self.fire(&mut work)?;
        self.settle(work);
        if self.trouble.is_some() {
            // What is not on disk is not told.
            return Ok(());
        }
        // What is not told now is told again.
        match self.send() {
            Ok(()) | Err(NodeError::Bus(BusError::Away(_))) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// How long until something is due.
    fn next(&self) -> Duration {
        self.timers.peek().map_or(Duration::MAX, |Reverse((at, _))| self.time.until(*at))
    }

    fn receive(&mut self, longest: Duration, work: &mut Work) -> Result<(), BusError> {
        let wait = if self.readers.is_empty() { self.next().min(longest) } else { Duration::ZERO };
        let hint = self.layout.to_agents.clone();
        let hinted = self.bus.wait(&[&hint], wait)?;
        if self.beat()? {
            for at in 0..self.slots.len() {
                self.step(at, agent::Event::Reconnected, work);
            }
        }
        let stale = self.looked.is_none_or(|looked| looked.elapsed() >= FRESH);
        if hinted || (stale && !self.readers.is_empty()) {
            self.read_desired(work)?;
        }
        for at in std::mem::take(&mut self.readers) {
            let message = ToAgent::Desired(self.desired.clone());
            self.tell(at, &message, work);
        }
        if hinted || self.away {
            self.read_replies(work)?;
        }
        Ok(())
    }

    /// Reads the desired state; where it is another one, all agents look at it.
    fn read_desired(&mut self, work: &mut Work) -> Result<(), BusError> {
        self.looked = Some(Instant::now());
        let (bytes, version) = self.bus.get(&self.layout.desired)?;
        if version == self.version {
            return Ok(());
        }
        self.version = version;
        // What cannot be read is nobody's desire.
        let directive = bytes.and_then(|bytes| Directive::decode(&bytes).ok()).map(Arc::new);
        let Some(directive) = directive else { return Ok(()) };
        self.desired = Some(Arc::clone(&directive));
        let message = ToAgent::Desired(Some(directive));
        for at in 0..self.slots.len() {
            self.tell(at, &message, work);
        }
        Ok(())
    }

    fn read_replies(&mut self, work: &mut Work) -> Result<(), BusError> {
        loop {
            let entries = self.bus.read(&self.layout.replies, self.replies, READ)?;
            for entry in &entries {
                self.replies = Some(entry.position);
                for (name, message) in decode_replies(&entry.bytes).unwrap_or_default() {
                    if let Some(at) = self.names.get(&name).copied() {
                        self.tell(at, &message, work);
                    }
                }
            }
            if entries.len() < READ {
                return Ok(());
            }
        }
    }

    /// Says that the process is there; tells its agents to a bus that does not know them, and gives whether
    /// it did.
    fn beat(&mut self) -> Result<bool, BusError> {
        if self.beat_at.is_some_and(|at| at.elapsed() < BEAT) && !self.away {
            return Ok(false);
        }
        let generation = self.bus.generation()?;
        let another = self.generation != Some(generation);
        if another {
            self.generation = Some(generation);
            (self.replies, self.version, self.beat_version) = (None, None, None);
            let profiles: Vec<_> = self.slots.iter().map(|slot| slot.agent.profile()).collect();
            registry::register(&mut *self.bus, &self.layout, &self.settings.process, &profiles)?;
            (self.states_changed, self.states_at) = (true, None);
            self.states_told = registry::Told::default();
            self.looked = None;
        }
        let beat = Beat {
            at: clock(),
            agents: self.slots.len(),
            running: self.running(),
            trouble: self.trouble.clone().or_else(|| self.cramped()),
            traces_waiting: self.room.waiting(),
            traces_lost: self.room.lost(),
            role: registry::EXECUTOR.to_owned(),
            tasks_lost: self.tasks.as_ref().map_or(0, TaskDesk::lost),
        };
        let key = format!("{}{}", self.layout.beats, self.settings.process);
        let bytes = serde_json::to_vec(&beat).unwrap_or_default();
        registry::put(&mut *self.bus, &key, &mut self.beat_version, &bytes)?;
        self.beat_at = Some(Instant::now());
        Ok(another)
    }

    /// What gives way to traces, if something does.
    fn cramped(&self) -> Option<String> {
        match self.room.next() {
            Next::Run => None,
            Next::Wait => Some("no room for traces: programs wait until the bus has taken them".to_owned()),
            Next::Thin => {
                let lost = self.room.lost();
                Some(format!("no room for traces: {lost} of their entries are left out so far"))
            }
        }
    }

    /// What is due now.
    fn fire(&mut self, work: &mut Work) -> Result<(), NodeError> {
        let now = self.time.now();
        loop {
            let mut due = Vec::new();
            while let Some(Reverse(next)) = self.timers.peek().copied().filter(|Reverse((at, _))| *at <= now)
            {
                self.timers.pop();
                due.push(next);
            }
            if due.is_empty() {
                return Ok(());
            }
            self.claim(&due)?;
            for (at, due) in due {
                match due {
                    Due::Wake(slot) => {
                        if self.slots.get(slot).is_some_and(|own| own.wake_at == at) {
                            self.step(slot, agent::Event::Wake, work);
                        }
                    }
                    Due::Activate(slot, life) => self.activate(slot, life, now, work),
                    Due::ActivateShadow(slot, life) => self.activate_shadow(slot, life, now, work),
                }
            }
        }
    }

    /// Claims tasks for the agents whose programs are about to work. Without a bus they have what they hold.
    fn claim(&mut self, due: &[(u64, Due)]) -> Result<(), NodeError> {
        let Agents { tasks: Some(tasks), slots, engine, room, .. } = self else { return Ok(()) };
        if room.next() == Next::Wait {
            return Ok(());
        }
        let takes = due.iter().filter_map(|(_, due)| {
            let Due::Activate(at, life) = due else { return None };
            let slot = slots.get(*at).filter(|slot| slot.life == *life)?;
            Some((*at, engine.takes(slot.run.as_ref()?)))
        });
        match tasks.claim(&takes.collect::<Vec<_>>()) {
            Ok(()) | Err(QueueError::Busy | QueueError::Bus(BusError::Away(_))) => Ok(()),
            Err(error) => Err(failure(error)),
        }
    }

    fn activate(&mut self, at: usize, life: u32, now: u64, work: &mut Work) {
        let Agents { engine, slots, timers, settings, room, tasks, .. } = self;
        let Some(slot) = slots.get_mut(at).filter(|slot| slot.life == life) else { return };
        let next = room.next();
        if next == Next::Wait {
            timers.push(Reverse((now.saturating_add(WAIT_NS), Due::Activate(at, life))));
            return;
        }
        let Some(mut run) = slot.run.take() else { return };
        let mut held = tasks.as_ref().map(|tasks| tasks.tasks(at));
        let (mut activation, keys) = engine.activate(&mut run, now, &mut slot.journal, held.as_mut());
        if let (Some(tasks), Some(held)) = (tasks, held) {
            tasks.judge(at, slot.agent.name(), held, &mut settings.disk);
            if activation.ended.is_some() {
                tasks.give_back(at, slot.agent.name(), &mut settings.disk);
            }
        }
        if next == Next::Thin {
            room.thin(&mut activation);
        }
        if let Some(due) = engine.due(&run).filter(|_| activation.ended.is_none()) {
            timers.push(Reverse((due, Due::Activate(at, life))));
            slot.run = Some(run);
        }
        if keys.is_empty() {
            self.step(at, agent::Event::Activated(&activation), work);
            return;
        }
        let order = slot.agent.order();
        for key in &keys {
            store::effect(&mut settings.disk, slot.agent.name(), &order, key, false);
        }
        store::shorten(
            &mut settings.disk,
            slot.agent.name(),
            &mut slot.journal,
            &slot.agent.durable().orders(),
        );
        self.permitted.push(Permitted { slot: at, order, keys, activation });
    }

    /// A program in shadow does what is due. It asks no journal, so nothing is permitted and nothing happens.
    fn activate_shadow(&mut self, at: usize, life: u32, now: u64, work: &mut Work) {
        let Agents { engine, slots, timers, tasks, .. } = self;
        let Some(slot) = slots.get_mut(at).filter(|slot| slot.shadow_life == life) else { return };
        let Some(mut run) = slot.shadow.take() else { return };
        // A task is claimed for what performs its actions.
        let mut none = tasks.as_ref().map(|_| Tasks::default());
        let (activation, _) = engine.activate(&mut run, now, &mut slot.journal, none.as_mut());
        if let Some(due) = engine.due(&run).filter(|_| activation.ended.is_none()) {
            timers.push(Reverse((due, Due::ActivateShadow(at, life))));
            slot.shadow = Some(run);
        }
        self.step(at, agent::Event::ShadowActivated(&activation), work);
    }

    /// Brings to disk what is to be written, does what is to be done, and again what comes of that.
    pub(super) fn settle(&mut self, mut work: Work) {
        loop {
            for (at, command) in work.drain(..) {
                match command {
                    agent::Command::Persist(durable) => {
                        self.states_changed = true;
                        if let Some(slot) = self.slots.get(at) {
                            store::persist(&mut self.settings.disk, slot.agent.name(), &durable);
                        }
                    }
                    agent::Command::Append(piece) => {
                        self.number = self.number.saturating_add(1);
                        if let Some(slot) = self.slots.get(at) {
                            let name = slot.agent.name();
                            store::extend_tail(&mut self.settings.disk, name, self.number, piece);
                        }
                    }
                    agent::Command::Seal(chunk) => {
                        self.number = self.number.saturating_add(1);
                        if let Some(slot) = self.slots.get(at) {
                            let Profile { name, key, .. } = slot.agent.profile();
                            let part = chunk.seal(key).encode();
                            self.room.written(store::length(&part));
                            store::seal(&mut self.settings.disk, name, self.number, part);
                        }
                    }
                    agent::Command::Forget(order) => {
                        if let Some(slot) = self.slots.get_mut(at) {
                            slot.journal = Journal::lost(order);
                            store::forget(&mut self.settings.disk, slot.agent.name(), &order);
                        }
                    }
                    other => self.held.push((at, other)),
                }
            }
            if let Err(error) = self.settings.disk.commit() {
                self.trouble = Some(error.to_string());
                return;
            }
            self.trouble = None;
            for (at, command) in std::mem::take(&mut self.held) {
                self.carry_out(at, command, &mut work);
            }
            for permitted in std::mem::take(&mut self.permitted) {
                self.perform(permitted, &mut work);
            }
            if work.is_empty() && !self.settings.disk.is_dirty() {
                return;
            }
            let spoken = self.slots.iter().map(|slot| slot.agent.durable());
            store::sweep(&mut self.settings.disk, spoken);
        }
    }

    fn perform(&mut self, permitted: Permitted, work: &mut Work) {
        let Permitted { slot: at, order, keys, activation } = permitted;
        let Some(slot) = self.slots.get_mut(at) else { return };
        for key in &keys {
            self.outside.perform(slot.agent.name(), key);
            slot.journal.done(&order, *key);
            store::effect(&mut self.settings.disk, slot.agent.name(), &order, key, true);
        }
        self.step(at, agent::Event::Activated(&activation), work);
    }

    fn carry_out(&mut self, at: usize, command: agent::Command, work: &mut Work) {
        match command {
            agent::Command::Send(FromAgent::Read) => {
                self.readers.insert(at);
            }
            agent::Command::Send(message) => {
                let Some(name) = self.slots.get(at).map(|slot| slot.agent.name().clone()) else { return };
                let windows = matches!(message, FromAgent::Window(_) | FromAgent::Compared(_));
                if windows { &mut self.windows } else { &mut self.acks }.push((name, message));
            }
            agent::Command::Start(start) => {
                let started = self.start(at, &start);
                let event = match start.shadow {
                    true => agent::Event::ShadowStarted(started),
                    false => agent::Event::Started(started),
                };
                self.step(at, event, work);
            }
            agent::Command::Stop => {
                let Agents { slots, tasks, settings, .. } = self;
                if let Some(slot) = slots.get_mut(at) {
                    slot.run = None;
                    slot.life = slot.life.wrapping_add(1);
                    if let Some(tasks) = tasks {
                        tasks.give_back(at, slot.agent.name(), &mut settings.disk);
                    }
                }
            }
            agent::Command::StopShadow => {
                if let Some(slot) = self.slots.get_mut(at) {
                    slot.shadow = None;
                    slot.shadow_life = slot.shadow_life.wrapping_add(1);
                }
            }
            agent::Command::Wake(wake_at) => {
                if let Some(slot) = self.slots.get_mut(at).filter(|slot| slot.wake_at != wake_at) {
                    slot.wake_at = wake_at;
                    self.timers.push(Reverse((wake_at, Due::Wake(at))));
                }
            }
            // They went to disk.
            agent::Command::Persist(_)
            | agent::Command::Append(_)
            | agent::Command::Seal(_)
            | agent::Command::Forget(_) => {}
        }
    }

    fn start(&mut self, at: usize, start: &Start) -> Result<(), SmolStr> {
        let now = self.time.now();
        let Some(slot) = self.slots.get_mut(at) else { return Err(SmolStr::default()) };
        let run = self.engine.start(number(slot.agent.name()), start, now)?;
        let due = self.engine.due(&run);
        if start.shadow {
            slot.shadow_life = slot.shadow_life.wrapping_add(1);
            slot.shadow = Some(run);
            self.timers.extend(due.map(|due| Reverse((due, Due::ActivateShadow(at, slot.shadow_life)))));
            return Ok(());
        }
        slot.life = slot.life.wrapping_add(1);
        slot.run = Some(run);
        self.timers.extend(due.map(|due| Reverse((due, Due::Activate(at, slot.life)))));
        Ok(())
    }

    /// Sends signed parts of traces; they stay on disk until the bus has them.
    fn send_traces(&mut self) -> Result<(), BusError> {
        let parts = store::unsent(&self.settings.disk, READ);
        if parts.is_empty() {
            return Ok(());
        }
        let entries: Vec<&[u8]> = parts.iter().map(|(_, part)| part.as_slice()).collect();
        self.bus.append(&self.layout.traces, &entries, TRACES)?;
        for (key, part) in &parts {
            self.settings.disk.remove(key);
            self.room.taken(store::length(part));
        }
        Ok(())
    }

    /// Tells what agents have to say, all of it together.
    fn send(&mut self) -> Result<(), NodeError> {
        self.send_traces()?;
        self.send_messages()?;
        if self.states_changed && self.states_at.is_none_or(|at| at.elapsed() >= STATES) {
            self.tell_states()?;
        }
        match &mut self.tasks {
            Some(tasks) => tasks.tell(&mut self.settings.disk),
            None => Ok(()),
        }
    }

    /// Sends until nothing is left to send. False: that cannot be done now.
    pub(super) fn has_said_all(&mut self) -> Result<bool, NodeError> {
        while self.trouble.is_none() {
            match self.send() {
                Ok(()) if store::unsent(&self.settings.disk, 1).is_empty() => return Ok(true),
                Ok(()) => {}
                Err(NodeError::Bus(BusError::Away(_))) => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        Ok(false)
    }

    /// Tells the registry what the agents do.
    pub(super) fn tell_states(&mut self) -> Result<(), BusError> {
        let Agents { bus, layout, settings, slots, states_told, .. } = self;
        let states = slots.iter().map(|slot| {
            let State { status, program, revision } = slot.agent.state();
            registry::State { status, program, revision }
        });
        let states: Vec<registry::State> = states.collect();
        registry::tell(&mut **bus, layout, &settings.process, &states, states_told)?;
        (self.states_changed, self.states_at) = (false, Some(Instant::now()));
        Ok(())
    }

    fn send_messages(&mut self) -> Result<(), BusError> {
        if self.acks.is_empty() && self.windows.is_empty() {
            return Ok(());
        }
        for (log, messages) in
            [(&self.layout.acks, &mut self.acks), (&self.layout.windows, &mut self.windows)]
        {
            // What could not be told before is told first; where that was long ago, the newest says it all.
            let most = self.slots.len().saturating_mul(4);
            messages.drain(..messages.len().saturating_sub(most));
            let entries: Vec<Vec<u8>> = messages.chunks(BATCH).map(batch).collect();
            let entries: Vec<&[u8]> = entries.iter().map(Vec::as_slice).collect();
            if !entries.is_empty() {
                self.bus.append(log, &entries, KEEP)?;
            }
            messages.clear();
        }
        self.bus.hint(&self.layout.to_injector)
    }
}

fn batch(messages: &[(Name, FromAgent)]) -> Vec<u8> {
    encode_reports(messages.iter().map(|(name, message)| (name, message)))
}
