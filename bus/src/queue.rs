//! A queue of tasks that agents share. Each task is held by one worker at a time: a claim is a lease, and
//! when its time passes without word from the worker, somebody else gets the task. Whoever lost a task cannot
//! complete it any more.
//!
//! All of it are values of a [`Bus`], changed by compare and set, so it is the same over every bus. The tasks'
//! states stand in a fixed number of parts, to which a task belongs by its identifier; their payloads and
//! results stand for themselves. Times are milliseconds, and the caller's: the queue has no clock.

mod ending;
mod shard;
mod terms;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{Bus, BusError, Change, Standing, Version};
use shard::{Claimed, Shard};

pub use ending::{Ended, Ending};
pub use shard::Status;
pub use terms::{Added, Claim, Completed, Counts, Fate, Loss, QueueError, Settings, Task};

/// How long identifiers and names of workers may be, and what is kept of notes and reasons, in bytes.
const NAME: usize = 200;
const NOTE: usize = 1_000;
/// How often a change is tried while others change the same part.
const ROUNDS: u32 = 1_000;
/// How many parts there may be.
const SHARDS: u16 = 1_024;

/// A queue, over a connection of its own.
pub struct Queue {
    bus: Box<dyn Bus>,
    name: String,
    settings: Settings,
    /// The parts as they were when last seen: only those that changed since are read anew.
    parts: Vec<Part>,
}

/// A part of a queue, and the version it stands under.
#[derive(Debug, Clone, Default)]
struct Part {
    version: Version,
    state: Shard,
}

/// A part to be stored, and what was claimed in it.
struct Plan {
    at: usize,
    state: Shard,
    claimed: Vec<Claimed>,
}

impl Queue {
    /// Opens a queue, and makes it if there is none of this name; the settings are for a new one.
    ///
    /// # Errors
    /// If the bus fails, the name or the settings do not fit, or what stands there is no queue.
    pub fn open(mut bus: Box<dyn Bus>, name: &str, settings: Settings) -> Result<Queue, QueueError> {
        check_name(name)?;
        if settings.shards == 0 || settings.shards > SHARDS || settings.attempts == 0 {
            return Err(QueueError::Unfit(format!(
                "a queue has 1 to {SHARDS} parts and at least one attempt"
            )));
        }
        let key = format!("swarm:queue:{name}");
        let bytes = write(&settings, &key)?;
        bus.compare_and_set(&key, None, Some(&bytes))?;
        Queue::find(bus, name)?.ok_or_else(|| BusError::Away(format!("{key} was removed")).into())
    }

    /// Opens a queue, if there is one of this name.
    ///
    /// # Errors
    /// If the bus fails, the name does not fit, or what stands there is no queue.
    pub fn find(mut bus: Box<dyn Bus>, name: &str) -> Result<Option<Queue>, QueueError> {
        check_name(name)?;
        let key = format!("swarm:queue:{name}");
        let Some(bytes) = bus.get(&key)?.0 else { return Ok(None) };
        let settings: Settings = read(&bytes, &key)?;
        if settings.shards == 0 || settings.shards > SHARDS {
            return Err(QueueError::Broken(key));
        }
        let parts = vec![Part::default(); usize::from(settings.shards)];
        Ok(Some(Queue { bus, name: name.to_owned(), settings, parts }))
    }

    /// How this queue works: as whoever opened it first wanted.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Adds tasks; says for each, in their order, whether it is new.
    ///
    /// # Errors
    /// If the bus fails, an identifier does not fit, or the queue is full; some may have been added then.
    /// Adding all of them again has no further effect.
    pub fn add(&mut self, tasks: &[Task], now: u64) -> Result<Vec<Added>, QueueError> {
        let mut outcomes = self.add_payloads(tasks)?;
        let mut of_shard: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (at, (task, outcome)) in tasks.iter().zip(&outcomes).enumerate() {
            if *outcome != Added::Other {
                of_shard.entry(self.shard_of(&task.id)).or_default().push(at);
            }
        }
        let most = self.settings.share(self.settings.most_open);
        let usual = self.settings.attempts;
        for (shard, own) in of_shard {
            let added = self.change(shard, |state| {
                let chosen = own.iter().filter_map(|at| Some((*at, tasks.get(*at)?)));
                let added = chosen.map(|(at, task)| {
                    let attempts = task.attempts.unwrap_or(usual).max(1);
                    let added = state.add(&task.id, task.priority, attempts, now, most);
                    added.map(|added| (at, added)).map_err(|loss| QueueError::Task(task.id.clone(), loss))
                });
                added.collect::<Result<Vec<_>, _>>()
            })?;
            for (at, added) in added {
                if let Some(outcome) = outcomes.get_mut(at) {
                    *outcome = added;
                }
            }
        }
        Ok(outcomes)
    }

    /// Puts the payloads where they belong, before anybody can claim the tasks.
    fn add_payloads(&mut self, tasks: &[Task]) -> Result<Vec<Added>, QueueError> {
        for task in tasks {
            check_name(&task.id)?;
        }
        let keys: Vec<String> = tasks.iter().map(|task| self.payload_key(&task.id)).collect();
        let changes: Vec<Change<'_>> = keys
            .iter()
            .zip(tasks)
            .map(|(key, task)| Change { key, expected: None, value: Some(&task.payload) })
            .collect();
        let done = self.bus.compare_and_set_many(&changes)?;
        let known: Vec<&str> =
            keys.iter().zip(&done).filter(|(_, done)| done.is_none()).map(|(key, _)| key.as_str()).collect();
        let mut payloads = self.bus.get_many(&known)?.into_iter();
        let outcomes = done.iter().zip(tasks).map(|(done, task)| match done {
            Some(_) => Added::New,
            None => match payloads.next() {
                Some((Some(payload), _)) if payload != task.payload => Added::Other,
                _ => Added::Known,
            },
        });
        Ok(outcomes.collect())
    }

    /// Claims up to so many tasks for a worker, for so many milliseconds: those of the highest priority,
    /// older ones before younger ones as far as they are in the same part. Whoever finds nothing gets an
    /// empty list.
    ///
    /// # Errors
    /// If the bus fails, or the worker's name does not fit. Tasks that were claimed but could not be handed
    /// out come back when their lease is over.
    pub fn claim(
        &mut self,
        worker: &str,
        most: usize,
        lease: u64,
        now: u64,
    ) -> Result<Vec<Claim>, QueueError> {
        check_name(worker)?;
        let until = now.saturating_add(lease);
        for round in 0..ROUNDS {
            self.load_all()?;
            let plans = plan(&self.parts, worker, most, until, now, round);
            if plans.is_empty() {
                return Ok(Vec::new());
            }
            let won = self.store(plans)?;
            if !won.is_empty() {
                return self.hand_out(won, until, now);
            }
            rest(round, worker);
        }
        Err(QueueError::Busy)
    }

    /// Fetches the payloads of claimed tasks.
    fn hand_out(&mut self, won: Vec<Claimed>, until: u64, now: u64) -> Result<Vec<Claim>, QueueError> {
        let keys: Vec<String> = won.iter().map(|task| self.payload_key(&task.id)).collect();
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        let payloads = self.bus.get_many(&keys)?;
        let mut claims = Vec::with_capacity(won.len());
        for (task, (payload, _)) in won.into_iter().zip(payloads) {
            let Claimed { id, claim: number, attempt, priority } = task;
            match payload {
                Some(payload) => claims.push(Claim { id, payload, priority, attempt, until, number }),
                None => self.change_task(&id, |shard| shard.bury(&id, number, "its payload is gone", now))?,
            }
        }
        Ok(claims)
    }

    /// Makes a lease longer, to so many milliseconds from now, and notes how far the work is.
    ///
    /// # Errors
    /// [`Loss::Taken`] if the task is not held by this claim any more: the work is to be given up.
    pub fn update(&mut self, claim: &mut Claim, lease: u64, note: &str, now: u64) -> Result<(), QueueError> {
        let until = now.saturating_add(lease).max(claim.until);
        let note = cut(note);
        self.change_task(&claim.id, |shard| shard.update(&claim.id, claim.number, until, note))?;
        claim.until = until;
        Ok(())
    }

    /// Completes a task and keeps its result. That the lease's time has passed does not matter as long as
    /// nobody else claimed the task.
    ///
    /// # Errors
    /// [`Loss::Taken`] if the task is not held by this claim any more; it is as it was then.
    pub fn complete(&mut self, claim: &Claim, result: &[u8], now: u64) -> Result<Completed, QueueError> {
        match self.end_one(claim, Ending::Complete(result.to_vec()), now)? {
            Ended::Completed(completed) => Ok(completed),
            Ended::Failed(_) => Err(QueueError::Task(claim.id.clone(), Loss::Taken)),
        }
    }

    /// Ends a try that came to nothing, and says why.
    ///
    /// # Errors
    /// [`Loss::Taken`] if the task is not held by this claim any more.
    pub fn fail(&mut self, claim: &Claim, reason: &str, now: u64) -> Result<Fate, QueueError> {
        match self.end_one(claim, Ending::Fail(reason.to_owned()), now)? {
            Ended::Failed(fate) => Ok(fate),
            Ended::Completed(_) => Err(QueueError::Task(claim.id.clone(), Loss::Taken)),
        }
    }

    fn end_one(&mut self, claim: &Claim, ending: Ending, now: u64) -> Result<Ended, QueueError> {
        let ended = self.end(&[(claim.clone(), ending)], now)?.pop();
        ended.unwrap_or(Err(Loss::Unknown)).map_err(|loss| QueueError::Task(claim.id.clone(), loss))
    }

    /// Has a dead task tried again, as often as a new one.
    ///
    /// # Errors
    /// [`Loss::Taken`] if it is not dead, [`Loss::Unknown`] if there is none.
    pub fn revive(&mut self, id: &str, now: u64) -> Result<(), QueueError> {
        self.change_task(id, |shard| shard.revive(id, now))
    }

    /// What is known of a task; none if there is none, or it was completed long ago.
    ///
    /// # Errors
    /// If the bus fails.
    pub fn status(&mut self, id: &str) -> Result<Option<Status>, QueueError> {
        let part = self.load(self.shard_of(id))?;
        Ok(part.state.status(id).map(|(status, _)| status))
    }

    /// The result of a task, if it is done.
    ///
    /// # Errors
    /// If the bus fails.
    pub fn result(&mut self, id: &str) -> Result<Option<Vec<u8>>, QueueError> {
        let part = self.load(self.shard_of(id))?;
        match part.state.status(id) {
            Some((Status::Done { .. }, claim)) => Ok(self.bus.get(&self.result_key(id, claim))?.0),
            _ => Ok(None),
        }
    }

    /// The tasks that are not tried again, in the order of their identifiers, at most so many.
    ///
    /// # Errors
    /// If the bus fails.
    pub fn dead(&mut self, most: usize) -> Result<Vec<(String, Status)>, QueueError> {
        self.load_all()?;
        let dead = self.parts.iter().flat_map(|part| part.state.dead());
        let mut dead: Vec<(String, Status)> = dead.map(|(id, status)| (id.to_owned(), status)).collect();
        dead.sort_by(|one, other| one.0.cmp(&other.0));
        dead.truncate(most);
        Ok(dead)
    }

    /// How many tasks there are in each state.
    ///
    /// # Errors
    /// If the bus fails.
    pub fn counts(&mut self) -> Result<Counts, QueueError> {
        let mut counts = Counts::default();
        self.load_all()?;
        for part in &self.parts {
            part.state.count(&mut counts);
        }
        Ok(counts)
    }

    /// Forgets the tasks of a part that were completed longest ago. Payload and result go first: whoever adds
    /// the task again meanwhile still finds it completed.
    fn forget_old(&mut self, shard: usize) -> Result<(), QueueError> {
        let keep = self.settings.share(self.settings.keep_done);
        let old = self.parts.get(shard).map(|part| part.state.forgettable(keep)).unwrap_or_default();
        if old.is_empty() {
            return Ok(());
        }
        let keys: Vec<String> =
            old.iter().flat_map(|(id, claim)| [self.payload_key(id), self.result_key(id, *claim)]).collect();
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        let found = self.bus.get_many(&keys)?;
        let versions =
            keys.iter().zip(found).map(|(key, (_, expected))| Change { key, expected, value: None });
        self.bus.compare_and_set_many(&versions.collect::<Vec<_>>())?;
        self.change(shard, |state| {
            for (id, _) in &old {
                state.forget(id);
            }
            Ok(())
        })
    }

    /// Changes the part a task is in.
    fn change_task<T>(
        &mut self,
        id: &str,
        mut act: impl FnMut(&mut Shard) -> Result<T, Loss>,
    ) -> Result<T, QueueError> {
        let shard = self.shard_of(id);
        self.change(shard, |state| act(state).map_err(|loss| QueueError::Task(id.to_owned(), loss)))
    }

    /// Changes a part; again, on what it is then, if somebody else changed it meanwhile.
    fn change<T>(
        &mut self,
        shard: usize,
        mut act: impl FnMut(&mut Shard) -> Result<T, QueueError>,
    ) -> Result<T, QueueError> {
        for round in 0..ROUNDS {
            let part = self.load(shard)?;
            let mut state = part.state.clone();
            let outcome = act(&mut state)?;
            if state == part.state {
                return Ok(outcome);
            }
            let plan = Plan { at: shard, state, claimed: Vec::new() };
            if self.try_store(vec![plan])?.pop().is_some() {
                return Ok(outcome);
            }
            rest(round, &self.shard_key(shard));
        }
        Err(QueueError::Busy)
    }

    /// Reads a part.
    fn load(&mut self, shard: usize) -> Result<&Part, QueueError> {
        let key = self.shard_key(shard);
        let standing = self.bus.get(&key)?;
        let part = self.parts.get_mut(shard).ok_or_else(|| QueueError::Broken(key.clone()))?;
        part.see(standing, &key)?;
        Ok(part)
    }

    /// Reads all parts.
    fn load_all(&mut self) -> Result<(), QueueError> {
        let keys: Vec<String> = (0..self.parts.len()).map(|at| self.shard_key(at)).collect();
        let names: Vec<&str> = keys.iter().map(String::as_str).collect();
        let standing = self.bus.get_many(&names)?;
        for ((part, standing), key) in self.parts.iter_mut().zip(standing).zip(&keys) {
            part.see(standing, key)?;
        }
        Ok(())
    }

    /// Stores parts; what was claimed in those that nobody changed meanwhile.
    fn store(&mut self, plans: Vec<Plan>) -> Result<Vec<Claimed>, QueueError> {
        Ok(self.try_store(plans)?.into_iter().flatten().collect())
    }

    /// Stores parts; for each that nobody changed meanwhile, what was claimed in it.
    fn try_store(&mut self, plans: Vec<Plan>) -> Result<Vec<Vec<Claimed>>, QueueError> {
        let mut written = Vec::with_capacity(plans.len());
        for plan in &plans {
            let key = self.shard_key(plan.at);
            let expected = self.parts.get(plan.at).and_then(|part| part.version);
            let bytes = write(&plan.state, &key)?;
            written.push((key, expected, bytes));
        }
        let changes = written.iter().map(|(key, expected, bytes)| Change {
            key,
            expected: *expected,
            value: Some(bytes),
        });
        let done = self.bus.compare_and_set_many(&changes.collect::<Vec<_>>())?;
        let mut stored = Vec::new();
        for (plan, version) in plans.into_iter().zip(done) {
            if let (Some(version), Some(part)) = (version, self.parts.get_mut(plan.at)) {
                *part = Part { version, state: plan.state };
                stored.push(plan.claimed);
            }
        }
        Ok(stored)
    }

    /// The part a task belongs to.
    fn shard_of(&self, id: &str) -> usize {
        let shards = u64::from(self.settings.shards).max(1);
        usize::try_from(spread(id).checked_rem(shards).unwrap_or_default()).unwrap_or_default()
    }

    fn shard_key(&self, shard: usize) -> String {
        format!("swarm:queue:{}:part:{shard}", self.name)
    }

    fn payload_key(&self, id: &str) -> String {
        format!("swarm:queue:{}:task:{id}", self.name)
    }

    fn result_key(&self, id: &str, claim: u64) -> String {
        format!("swarm:queue:{}:result:{claim}:{id}", self.name)
    }
}

impl Part {
    /// Takes in how the part stands on the bus.
    fn see(&mut self, (bytes, version): Standing, key: &str) -> Result<(), QueueError> {
        if version != self.version {
            let state = bytes.map_or_else(|| Ok(Shard::default()), |bytes| read(&bytes, key))?;
            *self = Part { version, state };
        }
        Ok(())
    }
}

/// Claims tasks in the parts, and gives up those that are spent. Workers begin with different parts, and with
/// others each time, so that they are seldom in each other's way.
fn plan(parts: &[Part], worker: &str, most: usize, until: u64, now: u64, round: u32) -> Vec<Plan> {
    let mut plans: BTreeMap<usize, Plan> = BTreeMap::new();
    let begin = |at: usize, part: &Part| Plan { at, state: part.state.clone(), claimed: Vec::new() };
    for (at, part) in parts.iter().enumerate().filter(|(_, part)| part.state.has_spent(now)) {
        plans.entry(at).or_insert_with(|| begin(at, part)).state.sweep(now);
    }
    let count = u64::try_from(parts.len()).unwrap_or(u64::MAX).max(1);
    let first = spread(worker).wrapping_add(u64::from(round)).checked_rem(count).unwrap_or_default();
    let first = usize::try_from(first).unwrap_or_default();
    let mut left = most;
    // What a part has at best as it stands; none once it has been asked for as much as there is.
    let mut best: Vec<Option<u8>> = parts.iter().map(|part| part.state.best(now)).collect();
    while let Some(highest) = best.iter().flatten().max().copied().filter(|_| left > 0) {
        for at in (first..parts.len()).chain(0..first) {
            let (Some(part), Some(own)) = (parts.get(at), best.get_mut(at)) else { continue };
            if left == 0 || *own != Some(highest) {
                continue;
            }
            let plan = plans.entry(at).or_insert_with(|| begin(at, part));
            let claimed = plan.state.claim(worker, highest, left, until, now);
            left = left.saturating_sub(claimed.len());
            plan.claimed.extend(claimed);
            *own = plan.state.best(now);
        }
    }
    plans.into_values().collect()
}

/// A number that a text always has, and others seldom do (FNV-1a).
fn spread(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// Steps back for a moment after somebody else was faster: not all of them for the same time.
fn rest(round: u32, who: &str) {
    let most = u64::from(round).saturating_mul(2).min(20);
    let own =
        spread(who).wrapping_add(u64::from(round)).checked_rem(most.saturating_add(1)).unwrap_or_default();
    std::thread::sleep(Duration::from_millis(own));
}

fn check_name(name: &str) -> Result<(), QueueError> {
    if name.is_empty() || name.len() > NAME {
        return Err(QueueError::Unfit(format!(
            "a name or identifier has 1 to {NAME} bytes, not {}",
            name.len()
        )));
    }
    Ok(())
}

/// The beginning of a text.
fn cut(text: &str) -> &str {
    text.get(..text.floor_char_boundary(NOTE)).unwrap_or(text)
}

fn write(value: &impl Serialize, key: &str) -> Result<Vec<u8>, QueueError> {
    serde_json::to_vec(value).map_err(|_| QueueError::Broken(key.to_owned()))
}

fn read<T: for<'a> Deserialize<'a>>(bytes: &[u8], key: &str) -> Result<T, QueueError> {
    serde_json::from_slice(bytes).map_err(|_| QueueError::Broken(key.to_owned()))
}
