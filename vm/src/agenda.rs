//! What is due when: timers and events of an order, by a time that the caller gives. It reads no clock and runs
//! nothing, so it serves a virtual time as well as a real one.
//!
//! ```
//! use swarm_vm::{Agenda, Due};
//! # use swarm_bytecode::module::{FunctionId, Module, Timer};
//! # let mut module = Module::empty();
//! # module.timers = vec![Timer { period_ns: 30_000_000_000, function: FunctionId(0) }];
//! let mut agenda = Agenda::new(&module, 0, Some(100_000_000_000)); // EVERY 30s, for 100 s
//! let mut ticks = 0;
//! while let Some(at) = agenda.next_ns() {
//!     match agenda.next(at) {
//!         Some(Due::Tick(_)) => ticks += 1, // instance.tick(timer)?; instance.run(&mut host);
//!         Some(Due::Deadline) => break,
//!         _ => {}
//!     }
//!     agenda.finished(at);
//! }
//! assert_eq!(ticks, 3);
//! ```

use std::collections::VecDeque;

use swarm_bytecode::module::Module;

use crate::value::Value;

/// Most events that wait.
pub(crate) const QUEUE: usize = 256;

/// What is to be done next.
#[derive(Debug, Clone, PartialEq)]
pub enum Due {
    /// The timer of this index in the module.
    Tick(usize),
    /// An event.
    Event {
        /// Index of its handler in the module.
        handler: usize,
        /// Its arguments.
        arguments: Vec<Value>,
    },
    /// The order's time is over: nothing is due any more.
    Deadline,
}

/// What became of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Posted {
    /// It waits for its turn.
    Queued,
    /// Dropped: its handler's MAX was reached.
    BeyondMax,
    /// Dropped: too many events wait.
    Overflow,
    /// The program does not handle it, or the order's time is over.
    Unhandled,
}

/// When timers and events of one order are due.
#[derive(Debug, Clone)]
pub struct Agenda {
    pub(crate) timers: Vec<Ticking>,
    pub(crate) handlers: Vec<Handling>,
    pub(crate) queue: VecDeque<(usize, Vec<Value>)>,
    pub(crate) deadline_ns: Option<u64>,
    pub(crate) over: bool,
    /// When the activation under way began.
    pub(crate) began_ns: Option<u64>,
    /// The latest time that was told.
    pub(crate) now_ns: u64,
    pub(crate) overflowed: u64,
}

#[derive(Debug, Clone)]
pub(crate) struct Ticking {
    pub(crate) period_ns: u64,
    /// Before the clock's 0 where an order is resumed by another clock.
    pub(crate) next_ns: i128,
    pub(crate) skipped: u64,
}

impl Ticking {
    /// Goes on to the first tick after a time; gives how many were passed over.
    fn pass(&mut self, now_ns: u64) -> u64 {
        let period = i128::from(self.period_ns);
        let late = i128::from(now_ns).saturating_sub(self.next_ns).max(0);
        let passed = late.checked_div(period).unwrap_or(0).saturating_add(1);
        self.next_ns = self.next_ns.saturating_add(passed.saturating_mul(period));
        u64::try_from(passed).unwrap_or(u64::MAX)
    }

    /// Whether a tick is due at this time.
    fn is_due(&self, now_ns: u64) -> bool {
        self.next_ns <= i128::from(now_ns)
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Handling {
    pub(crate) name: smol_str::SmolStr,
    pub(crate) left: Option<u32>,
    pub(crate) dropped: u64,
}

impl Agenda {
    /// The agenda of an order that starts now, START already being run: each timer's first tick is one period
    /// away. After `deadline_ns` nothing is due.
    pub fn new(module: &Module, now_ns: u64, deadline_ns: Option<u64>) -> Agenda {
        let timers = module.timers.iter().map(|timer| {
            let period_ns = u64::try_from(timer.period_ns).unwrap_or(0).max(1);
            Ticking { period_ns, next_ns: i128::from(now_ns).saturating_add(period_ns.into()), skipped: 0 }
        });
        let handlers = module.events.iter();
        let handlers =
            handlers.map(|event| Handling { name: event.name.clone(), left: event.max, dropped: 0 });
        Agenda {
            timers: timers.collect(),
            handlers: handlers.collect(),
            queue: VecDeque::new(),
            deadline_ns,
            over: false,
            began_ns: Some(now_ns),
            now_ns,
            overflowed: 0,
        }
    }

    /// Adds an event by its name.
    pub fn post(&mut self, name: &str, arguments: Vec<Value>) -> Posted {
        let handler = self.handlers.iter_mut().enumerate().find(|(_, handler)| handler.name == name);
        let Some((at, handler)) = handler.filter(|_| !self.over) else { return Posted::Unhandled };
        if handler.left == Some(0) {
            handler.dropped = handler.dropped.saturating_add(1);
            return Posted::BeyondMax;
        }
        if self.queue.len() >= QUEUE {
            self.overflowed = self.overflowed.saturating_add(1);
            return Posted::Overflow;
        }
        handler.left = handler.left.map(|left| left.saturating_sub(1));
        self.queue.push_back((at, arguments));
        Posted::Queued
    }

    /// The next thing due at this time, if any. Its activation is under way until [`Agenda::finished`]. Ticks
    /// come first, in the order of their times; of those of one timer that were missed, only the last is due,
    /// the others count as skipped.
    pub fn next(&mut self, now_ns: u64) -> Option<Due> {
        self.now_ns = self.now_ns.max(now_ns);
        if self.over {
            return None;
        }
        if self.deadline_ns.is_some_and(|deadline| now_ns >= deadline) {
            self.over = true;
            self.queue.clear();
            return Some(Due::Deadline);
        }
        let timers = self.timers.iter_mut().enumerate();
        let due = timers.filter(|(_, timer)| timer.is_due(now_ns)).min_by_key(|(_, timer)| timer.next_ns);
        let due = match due {
            Some((at, timer)) => {
                let missed = timer.pass(now_ns).saturating_sub(1);
                timer.skipped = timer.skipped.saturating_add(missed);
                Due::Tick(at)
            }
            None => {
                let (handler, arguments) = self.queue.pop_front()?;
                Due::Event { handler, arguments }
            }
        };
        self.began_ns = Some(now_ns);
        Some(due)
    }

    /// The activation under way is over at this time: ticks that fell due during it are skipped.
    pub fn finished(&mut self, now_ns: u64) {
        self.now_ns = self.now_ns.max(now_ns);
        let Some(began) = self.began_ns.take() else { return };
        for timer in self.timers.iter_mut().filter(|timer| !timer.is_due(began) && timer.is_due(now_ns)) {
            let skipped = timer.pass(now_ns);
            timer.skipped = timer.skipped.saturating_add(skipped);
        }
    }

    /// When something will be due: the latest time that was told if an event waits, else that of the next
    /// tick or the deadline. `None` if nothing will be until an event comes, or the order's time is over.
    pub fn next_ns(&self) -> Option<u64> {
        if self.over {
            return None;
        }
        if self.has_events() {
            return Some(self.now_ns);
        }
        let ticks = self.timers.iter().map(|timer| u64::try_from(timer.next_ns.max(0)).unwrap_or(u64::MAX));
        ticks.chain(self.deadline_ns).min()
    }

    /// Whether an event waits.
    pub fn has_events(&self) -> bool {
        !self.queue.is_empty()
    }

    /// Ticks that were skipped.
    pub fn skipped(&self) -> u64 {
        self.timers.iter().fold(0, |sum, timer| sum.saturating_add(timer.skipped))
    }

    /// Events dropped because too many waited.
    pub fn overflowed(&self) -> u64 {
        self.overflowed
    }

    /// Events dropped because their handler's MAX was reached.
    pub fn beyond_max(&self) -> u64 {
        self.handlers.iter().fold(0, |sum, handler| sum.saturating_add(handler.dropped))
    }
}
