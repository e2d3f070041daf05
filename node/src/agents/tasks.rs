//! Agents' tasks, where they come from a queue of the bus: claimed as an activation begins, ended as its
//! program left them. How each ends is on disk before the bus is told, and is told until it is; so a task
//! whose end was written down is completed once, whatever dies meanwhile.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;
use swarm_bus::BusError;
use swarm_bus::queue::{Claim, Ending, Queue, QueueError};
use swarm_fleet::name::Name;
use swarm_fleet::tasks::{Tasks, Verdict};

use super::store;
use crate::NodeError;
use crate::disk::Disk;
use crate::time::clock;

/// Most tasks that are claimed, and most that are ended, in one turn of a process.
const MOST: usize = 1_024;

/// Where a process's agents get their tasks.
pub struct TaskSource {
    /// The queue.
    pub queue: Queue,
    /// How long a claim lasts unless it is made longer.
    pub lease: Duration,
    /// How many tasks an agent holds at once.
    pub each: u32,
}

impl std::fmt::Debug for TaskSource {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("TaskSource").field("each", &self.each).finish_non_exhaustive()
    }
}

/// The claims of a process's agents.
#[derive(Debug)]
pub(super) struct TaskDesk {
    source: TaskSource,
    worker: String,
    /// What each agent holds, with what it last said of it.
    held: BTreeMap<usize, BTreeMap<SmolStr, (Claim, String)>>,
    /// Ends that came too late: somebody else had claimed the task.
    lost: u64,
    /// When claims were made longer last, in milliseconds since the Unix epoch.
    prolonged: u64,
}

/// How a claim ends, on disk.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Settlement {
    claim: Claim,
    ending: Kind,
}

#[derive(Debug, Serialize, Deserialize)]
enum Kind {
    Complete(String),
    Fail(String),
    GiveBack,
}

impl TaskDesk {
    pub(super) fn new(source: TaskSource, worker: &str) -> TaskDesk {
        TaskDesk { source, worker: worker.to_owned(), held: BTreeMap::new(), lost: 0, prolonged: now() }
    }

    /// Claims tasks for agents that are about to work, each with how many its program takes. They are dealt
    /// out in turn.
    pub(super) fn claim(&mut self, agents: &[(usize, u32)]) -> Result<(), QueueError> {
        let each = self.source.each;
        let room = |(at, takes): &(usize, u32)| {
            let held = self.held.get(at).map_or(0, BTreeMap::len);
            (*at, usize::try_from(each.min(*takes)).unwrap_or(usize::MAX).saturating_sub(held))
        };
        let mut rooms: Vec<(usize, usize)> = agents.iter().map(room).filter(|(_, room)| *room > 0).collect();
        let most = rooms.iter().fold(0_usize, |sum, (_, room)| sum.saturating_add(*room)).min(MOST);
        if most == 0 {
            return Ok(());
        }
        let claims = self.source.queue.claim(&self.worker, most, self.lease(), now())?;
        let mut claims = claims.into_iter();
        while !rooms.is_empty() {
            for (at, room) in &mut rooms {
                let Some(claim) = claims.next() else { return Ok(()) };
                self.held.entry(*at).or_default().insert(claim.id.as_str().into(), (claim, String::new()));
                *room = room.saturating_sub(1);
            }
            rooms.retain(|(_, room)| *room > 0);
        }
        Ok(())
    }

    /// What an agent holds, as its program sees it.
    pub(super) fn tasks(&self, at: usize) -> Tasks {
        let held = self.held.get(&at).into_iter().flatten();
        let row = |(id, (claim, _)): (&SmolStr, &(Claim, String))| {
            (id.clone(), String::from_utf8_lossy(&claim.payload).into_owned())
        };
        Tasks::new(held.map(row))
    }

    /// An activation is over: what its program did with its tasks is to be written down.
    pub(super) fn judge(&mut self, at: usize, agent: &Name, tasks: Tasks, disk: &mut Disk) {
        for (id, verdict) in tasks.verdicts() {
            let ending = match verdict {
                Verdict::Complete(result) => Kind::Complete(result),
                Verdict::Fail(why) => Kind::Fail(why),
                Verdict::GiveBack => Kind::GiveBack,
                Verdict::Keep(note) => {
                    if let Some((_, own)) = self.held.get_mut(&at).and_then(|held| held.get_mut(&id)) {
                        *own = note;
                    }
                    continue;
                }
            };
            self.settle(at, agent, &id, ending, disk);
        }
    }

    /// An agent's program has stopped: what it holds is for somebody else.
    pub(super) fn give_back(&mut self, at: usize, agent: &Name, disk: &mut Disk) {
        let held: Vec<SmolStr> = self.held.get(&at).into_iter().flatten().map(|(id, _)| id.clone()).collect();
        for id in held {
            self.settle(at, agent, &id, Kind::GiveBack, disk);
        }
    }

    fn settle(&mut self, at: usize, agent: &Name, id: &SmolStr, ending: Kind, disk: &mut Disk) {
        let Some((mut claim, _)) = self.held.get_mut(&at).and_then(|held| held.remove(id)) else { return };
        claim.payload = Vec::new();
        let settlement = serde_json::to_vec(&Settlement { claim, ending }).unwrap_or_default();
        store::settlement(disk, agent, id, settlement);
    }

    /// Tells the queue how claims ended, and makes those longer that go on.
    pub(super) fn tell(&mut self, disk: &mut Disk) -> Result<(), NodeError> {
        let now = now();
        loop {
            let (mut keys, mut endings) = (Vec::new(), Vec::new());
            for (key, bytes) in store::settlements(disk, MOST) {
                // What is none is nobody's.
                let Ok(Settlement { claim, ending }) = serde_json::from_slice(&bytes) else {
                    disk.remove(&key);
                    continue;
                };
                keys.push(key);
                endings.push((
                    claim,
                    match ending {
                        Kind::Complete(result) => Ending::Complete(result.into_bytes()),
                        Kind::Fail(why) => Ending::Fail(why),
                        Kind::GiveBack => Ending::GiveBack,
                    },
                ));
            }
            if endings.is_empty() {
                break;
            }
            let Some(ended) = patient(self.source.queue.end(&endings, now))? else { return Ok(()) };
            keys.iter().for_each(|key| disk.remove(key));
            let lost = ended.iter().filter(|ended| ended.is_err()).count();
            self.lost = self.lost.saturating_add(u64::try_from(lost).unwrap_or(u64::MAX));
        }
        self.prolong(disk)
    }

    /// Makes all claims longer whenever half of a lease is over: those of tasks that are kept, and of tasks
    /// whose end is not on disk yet.
    pub(super) fn prolong(&mut self, disk: &Disk) -> Result<(), NodeError> {
        let (now, lease) = (now(), self.lease());
        if now < self.prolonged.saturating_add(lease / 2) {
            return Ok(());
        }
        for held in self.held.values_mut() {
            let mut gone = Vec::new();
            for (id, (claim, note)) in held.iter_mut() {
                match self.source.queue.update(claim, lease, note, now) {
                    Err(QueueError::Task(..)) => gone.push(id.clone()),
                    done => {
                        let Some(()) = patient(done)? else { return Ok(()) };
                    }
                }
            }
            for id in gone {
                held.remove(&id);
                self.lost = self.lost.saturating_add(1);
            }
        }
        for (_, bytes) in store::settlements(disk, MOST) {
            let Ok(Settlement { mut claim, .. }) = serde_json::from_slice(&bytes) else { continue };
            match self.source.queue.update(&mut claim, lease, "done, and not written down yet", now) {
                // Whether it is lost shows when it ends.
                Err(QueueError::Task(..)) => {}
                done => {
                    let Some(()) = patient(done)? else { return Ok(()) };
                }
            }
        }
        self.prolonged = now;
        Ok(())
    }

    /// How many tasks were lost to somebody else, because a claim's time was over.
    pub(super) fn lost(&self) -> u64 {
        self.lost
    }

    fn lease(&self) -> u64 {
        u64::try_from(self.source.lease.as_millis()).unwrap_or(u64::MAX)
    }
}

/// What can be tried again later comes to nothing now.
fn patient<T>(done: Result<T, QueueError>) -> Result<Option<T>, NodeError> {
    match done {
        Ok(done) => Ok(Some(done)),
        Err(QueueError::Busy | QueueError::Bus(BusError::Away(_))) => Ok(None),
        Err(error) => Err(failure(error)),
    }
}

/// Why a queue can be worked with no more.
pub(super) fn failure(error: QueueError) -> NodeError {
    match error {
        QueueError::Bus(error) => NodeError::Bus(error),
        error => NodeError::Other(error.to_string()),
    }
}

/// Milliseconds since the Unix epoch.
fn now() -> u64 {
    u64::try_from(clock().checked_div(1_000_000).unwrap_or(0)).unwrap_or(0)
}
