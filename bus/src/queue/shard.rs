//! A part of a queue: one value of the bus, changed as a whole. What it does is decided here, without the bus.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Added, Counts, Fate, Loss, Settings};

/// The tasks whose identifiers fall into this part.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Shard {
    /// Counts the tasks that were added: those of equal priority are claimed in this order.
    added: u64,
    tasks: BTreeMap<String, Row>,
}

/// A task, without its payload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Row {
    priority: u8,
    number: u64,
    /// How often it may be tried, and was.
    attempts: u32,
    tried: u32,
    /// Counts its claims for ever, also over a revival: the number of the last one is what its holder is
    /// known by.
    claims: u64,
    /// It is not claimed before, in milliseconds.
    from: u64,
    state: State,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
enum State {
    Ready,
    Leased { worker: String, until: u64, note: String },
    Done { at: u64 },
    Dead { at: u64, reason: String },
}

/// What claiming needs to know of a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Claimed {
    pub(super) id: String,
    pub(super) claim: u64,
    pub(super) attempt: u32,
    pub(super) priority: u8,
}

/// What is known of a task, as [`super::Queue::status`] says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    /// It waits to be claimed, not before this time in milliseconds.
    Ready {
        /// When it may be claimed.
        from: u64,
        /// How often it was tried.
        tried: u32,
    },
    /// Somebody works at it.
    Leased {
        /// Who.
        worker: String,
        /// Until when, in milliseconds.
        until: u64,
        /// What the worker said of it last.
        note: String,
    },
    /// It was completed.
    Done {
        /// When, in milliseconds.
        at: u64,
    },
    /// It is not tried again.
    Dead {
        /// Since when, in milliseconds.
        at: u64,
        /// Why the last try failed.
        reason: String,
        /// How often it was tried.
        tried: u32,
    },
}

impl Row {
    fn is_open(&self) -> bool {
        matches!(self.state, State::Ready | State::Leased { .. })
    }

    /// Whether it can be claimed now: nobody has it, or whoever had it let the time pass.
    fn is_claimable(&self, now: u64) -> bool {
        match self.state {
            State::Ready => self.from <= now,
            State::Leased { until, .. } => until <= now && self.tried < self.attempts,
            State::Done { .. } | State::Dead { .. } => false,
        }
    }

    /// Whether its last lease is over, and there is no further try.
    fn is_spent(&self, now: u64) -> bool {
        matches!(self.state, State::Leased { until, .. } if until <= now) && self.tried >= self.attempts
    }

    /// What became of the task when this claim ended without a result, if nobody has claimed it since.
    fn ended_before(&self, claim: u64) -> Option<Fate> {
        match self.state {
            State::Ready if self.claims == claim => Some(Fate::Again { from: self.from }),
            State::Dead { .. } if self.claims == claim => Some(Fate::Dead),
            _ => None,
        }
    }

    /// The row, if this claim of it still holds.
    fn held(&mut self, claim: u64) -> Result<&mut Row, Loss> {
        match self.state {
            State::Leased { .. } if self.claims == claim => Ok(self),
            _ => Err(Loss::Taken),
        }
    }
}

impl Shard {
    /// Adds a task unless there is one of this name.
    pub(super) fn add(
        &mut self,
        id: &str,
        priority: u8,
        attempts: u32,
        from: u64,
        most: usize,
    ) -> Result<Added, Loss> {
        if self.tasks.contains_key(id) {
            return Ok(Added::Known);
        }
        if self.tasks.values().filter(|row| row.is_open()).count() >= most {
            return Err(Loss::Full);
        }
        self.added = self.added.saturating_add(1);
        let number = self.added;
        let row = Row { priority, number, attempts, tried: 0, claims: 0, from, state: State::Ready };
        self.tasks.insert(id.to_owned(), row);
        Ok(Added::New)
    }

    /// The highest priority among what can be claimed.
    pub(super) fn best(&self, now: u64) -> Option<u8> {
        self.tasks.values().filter(|row| row.is_claimable(now)).map(|row| row.priority).max()
    }

    /// Whether there are tasks that are to be given up.
    pub(super) fn has_spent(&self, now: u64) -> bool {
        self.tasks.values().any(|row| row.is_spent(now))
    }

    /// Gives up those whose last lease is over.
    pub(super) fn sweep(&mut self, now: u64) {
        for row in self.tasks.values_mut().filter(|row| row.is_spent(now)) {
            let reason = match &row.state {
                State::Leased { worker, .. } => format!("{worker} was not heard of any more"),
                _ => String::new(),
            };
            row.state = State::Dead { at: now, reason };
        }
    }

    /// Claims up to so many tasks of at least this priority: the highest first, the oldest of equals.
    pub(super) fn claim(
        &mut self,
        worker: &str,
        least: u8,
        most: usize,
        until: u64,
        now: u64,
    ) -> Vec<Claimed> {
        let mut claimable: Vec<(&String, &mut Row)> =
            self.tasks.iter_mut().filter(|(_, row)| row.priority >= least && row.is_claimable(now)).collect();
        claimable.sort_by_key(|(_, row)| (std::cmp::Reverse(row.priority), row.number));
        claimable
            .into_iter()
            .take(most)
            .map(|(id, row)| {
                row.claims = row.claims.saturating_add(1);
                row.tried = row.tried.saturating_add(1);
                row.state = State::Leased { worker: worker.to_owned(), until, note: String::new() };
                Claimed { id: id.clone(), claim: row.claims, attempt: row.tried, priority: row.priority }
            })
            .collect()
    }

    /// Makes a lease longer and notes what its holder says.
    pub(super) fn update(
        &mut self,
        id: &str,
        claim: u64,
        new_until: u64,
        new_note: &str,
    ) -> Result<(), Loss> {
        let row = self.row(id)?.held(claim)?;
        if let State::Leased { until, note, .. } = &mut row.state {
            *until = new_until.max(*until);
            new_note.clone_into(note);
        }
        Ok(())
    }

    /// Completes a task; false if this very claim completed it before.
    pub(super) fn complete(&mut self, id: &str, claim: u64, now: u64) -> Result<bool, Loss> {
        let row = self.row(id)?;
        if matches!(row.state, State::Done { .. }) && row.claims == claim {
            return Ok(false);
        }
        row.held(claim)?.state = State::Done { at: now };
        Ok(true)
    }

    /// Ends a try that came to nothing.
    pub(super) fn fail(
        &mut self,
        id: &str,
        claim: u64,
        reason: &str,
        settings: &Settings,
        now: u64,
    ) -> Result<Fate, Loss> {
        let row = self.row(id)?;
        if let Some(fate) = row.ended_before(claim) {
            return Ok(fate);
        }
        let row = row.held(claim)?;
        if row.tried >= row.attempts {
            row.state = State::Dead { at: now, reason: reason.to_owned() };
            return Ok(Fate::Dead);
        }
        row.from = now.saturating_add(settings.pause(row.tried));
        row.state = State::Ready;
        Ok(Fate::Again { from: row.from })
    }

    /// Ends a try that was none.
    pub(super) fn give_back(
        &mut self,
        id: &str,
        claim: u64,
        settings: &Settings,
        now: u64,
    ) -> Result<Fate, Loss> {
        let row = self.row(id)?;
        if let Some(fate) = row.ended_before(claim) {
            return Ok(fate);
        }
        let row = row.held(claim)?;
        row.tried = row.tried.saturating_sub(1);
        row.from = now.saturating_add(settings.pause(1));
        row.state = State::Ready;
        Ok(Fate::Again { from: row.from })
    }

    /// Gives up a task whatever its state is.
    pub(super) fn bury(&mut self, id: &str, claim: u64, reason: &str, now: u64) -> Result<(), Loss> {
        self.row(id)?.held(claim)?.state = State::Dead { at: now, reason: reason.to_owned() };
        Ok(())
    }

    /// Has a dead task tried again, as often as a new one.
    pub(super) fn revive(&mut self, id: &str, now: u64) -> Result<(), Loss> {
        let row = self.row(id)?;
        if !matches!(row.state, State::Dead { .. }) {
            return Err(Loss::Taken);
        }
        (row.tried, row.from, row.state) = (0, now, State::Ready);
        Ok(())
    }

    /// What is known of a task, and the number of its last claim.
    pub(super) fn status(&self, id: &str) -> Option<(Status, u64)> {
        self.tasks.get(id).map(|row| (row.status(), row.claims))
    }

    /// The dead ones, in the order of their names.
    pub(super) fn dead(&self) -> impl Iterator<Item = (&str, Status)> {
        let dead = self.tasks.iter().filter(|(_, row)| matches!(row.state, State::Dead { .. }));
        dead.map(|(id, row)| (id.as_str(), row.status()))
    }

    /// Adds how many there are in each state.
    pub(super) fn count(&self, counts: &mut Counts) {
        for row in self.tasks.values() {
            let count = match row.state {
                State::Ready => &mut counts.ready,
                State::Leased { .. } => &mut counts.leased,
                State::Done { .. } => &mut counts.done,
                State::Dead { .. } => &mut counts.dead,
            };
            *count = count.saturating_add(1);
        }
    }

    /// Those that were done longest ago, beyond the so many that are kept; with the number of their last claim.
    pub(super) fn forgettable(&self, keep: usize) -> Vec<(String, u64)> {
        let mut done: Vec<(u64, &String, u64)> = self
            .tasks
            .iter()
            .filter_map(|(id, row)| match row.state {
                State::Done { at } => Some((at, id, row.claims)),
                _ => None,
            })
            .collect();
        done.sort_unstable();
        let extra = done.len().saturating_sub(keep);
        done.into_iter().take(extra).map(|(_, id, claim)| (id.clone(), claim)).collect()
    }

    /// Forgets a task that is done.
    pub(super) fn forget(&mut self, id: &str) {
        if self.tasks.get(id).is_some_and(|row| matches!(row.state, State::Done { .. })) {
            self.tasks.remove(id);
        }
    }

    fn row(&mut self, id: &str) -> Result<&mut Row, Loss> {
        self.tasks.get_mut(id).ok_or(Loss::Unknown)
    }
}

impl Row {
    fn status(&self) -> Status {
        match &self.state {
            State::Ready => Status::Ready { from: self.from, tried: self.tried },
            State::Leased { worker, until, note } => {
                Status::Leased { worker: worker.clone(), until: *until, note: note.clone() }
            }
            State::Done { at } => Status::Done { at: *at },
            State::Dead { at, reason } => Status::Dead { at: *at, reason: reason.clone(), tried: self.tried },
        }
    }
}
