//! The actions an activation issued: kept packed, made readable only where a report is asked for them.

use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use smol_str::SmolStr;

use crate::attached::Attached;
use crate::decode::Code;
use crate::heap::{Data, Heap};
use crate::host::EffectKey;
use crate::packed;
use crate::program::Program;
use crate::report::ActionRecord;
use crate::slot;
use crate::value::ValueRef;

/// One action.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Issued {
    /// The site of its call.
    pub(crate) site: u32,
    /// Its number among the order's host calls.
    pub(crate) number: u64,
    /// Its number among the activation's actions, those undone included.
    pub(crate) ordinal: u64,
}

/// A call about to be issued.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NewAction<'a> {
    pub(crate) issued: Issued,
    pub(crate) arguments: &'a [u64],
    /// What is reserved for it, if it is held.
    pub(crate) cost: (i64, i64),
    pub(crate) key: Option<EffectKey>,
}

/// Actions in the order they were issued: first those that were carried out, then those held. Their arguments are
/// marked as shared, so they keep their values.
#[derive(Debug, Clone, Default)]
pub(crate) struct ActionLog {
    done: Done,
    held: Vec<Held>,
    /// Arguments of those held.
    slots: Vec<u64>,
    /// How many of those held were carried out, or will not be.
    settled: usize,
    /// Micro-dollars and tokens that are reserved for those held, by index, ascending, but for those of none.
    costs: Vec<(usize, (i64, i64))>,
    /// By index, ascending.
    pub(crate) errors: Vec<(usize, SmolStr)>,
    /// Of those that are ONCE, by index, ascending.
    pub(crate) keys: Vec<(usize, EffectKey)>,
}

/// An action that is held.
#[derive(Debug, Clone, Copy)]
struct Held {
    issued: Issued,
    /// Its first argument.
    first: u32,
}

/// Actions that were carried out, packed: there may be very many, and most are never looked at.
#[derive(Debug, Clone, Default)]
struct Done {
    bytes: Vec<u8>,
    count: usize,
    /// The numbers of the next one, if none is left out.
    number: u64,
    ordinal: u64,
}

impl Done {
    #[inline(always)]
    fn push(&mut self, issued: Issued, arguments: &[u64]) {
        let Issued { site, number, ordinal } = issued;
        let skips = (number, ordinal) != (self.number, self.ordinal);
        packed::put(&mut self.bytes, u64::from(site) << 1 | u64::from(skips));
        if skips {
            self.skip(number, ordinal);
        }
        for argument in arguments {
            packed::put(&mut self.bytes, *argument);
        }
        (self.number, self.ordinal) = (number.wrapping_add(1), ordinal.wrapping_add(1));
        self.count = self.count.wrapping_add(1);
    }

    #[inline(never)]
    fn skip(&mut self, number: u64, ordinal: u64) {
        packed::put(&mut self.bytes, number);
        packed::put(&mut self.bytes, ordinal);
    }

    /// Takes the next one off the bytes that are left; its arguments go to a list.
    fn next(left: &mut &[u8], next: &mut (u64, u64), code: &Code, slots: &mut Vec<u64>) -> Option<Issued> {
        let head = packed::take(left)?;
        let site = u32::try_from(head >> 1).ok()?;
        if head & 1 != 0 {
            *next = (packed::take(left)?, packed::take(left)?);
        }
        let (number, ordinal) = *next;
        *next = (number.wrapping_add(1), ordinal.wrapping_add(1));
        slots.clear();
        for _ in code.arguments(*code.sites.get(slot::index(site))?) {
            slots.push(packed::take(left)?);
        }
        Some(Issued { site, number, ordinal })
    }
}

impl ActionLog {
    /// Adds an action and gives its index.
    pub(crate) fn push(&mut self, action: NewAction<'_>, held: bool) -> usize {
        let NewAction { issued, arguments, cost, key } = action;
        let index = self.len();
        if held {
            self.held.push(Held { issued, first: slot::count(self.slots.len()) });
            self.slots.extend_from_slice(arguments);
        } else {
            self.done.push(issued, arguments);
        }
        self.costs.extend((cost != (0, 0)).then_some((index, cost)));
        self.keys.extend(key.map(|key| (index, key)));
        index
    }

    /// Adds an action that is carried out at once and has no key.
    #[inline(always)]
    pub(crate) fn push_done(&mut self, issued: Issued, arguments: &[u64]) {
        self.done.push(issued, arguments);
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.done.count.saturating_add(self.held().len())
    }

    /// How many were carried out.
    pub(crate) fn done(&self) -> usize {
        self.done.count
    }

    fn held(&self) -> &[Held] {
        self.held.get(self.settled..).unwrap_or(&[])
    }

    /// Whether any is held.
    pub(crate) fn holds(&self) -> bool {
        !self.held().is_empty()
    }

    /// The first that is held, and its index.
    pub(crate) fn first_held(&self) -> Option<(usize, Issued)> {
        self.held().first().map(|held| (self.done.count, held.issued))
    }

    /// Its arguments.
    pub(crate) fn first_arguments(&self) -> &[u64] {
        arguments(&self.held, &self.slots, self.settled)
    }

    /// The first that is held is carried out, or will not be.
    pub(crate) fn settle_first(&mut self) {
        let Some((_, issued)) = self.first_held() else { return };
        self.done.push(issued, arguments(&self.held, &self.slots, self.settled));
        self.settled = self.settled.saturating_add(1);
        if !self.holds() {
            self.held.clear();
            self.slots.clear();
            self.settled = 0;
        }
    }

    /// Takes back those from this index on; all of them are held. Gives their numbers and what was reserved
    /// for them.
    pub(crate) fn take_back(&mut self, from: usize) -> Vec<(u64, (i64, i64))> {
        let from = from.max(self.done.count).min(self.len());
        let costs: Vec<_> = (from..self.len()).map(|at| self.cost(at)).collect();
        let undone = self.held.split_off(from.saturating_sub(self.done.count).saturating_add(self.settled));
        if let Some(first) = undone.first() {
            self.slots.truncate(slot::index(first.first));
        }
        self.keys.retain(|(at, _)| *at < from);
        self.costs.retain(|(at, _)| *at < from);
        undone.iter().map(|held| held.issued.number).zip(costs).collect()
    }

    /// Forgets all of them.
    pub(crate) fn clear(&mut self) {
        self.done.bytes.clear();
        self.done = Done { bytes: std::mem::take(&mut self.done.bytes), ..Done::default() };
        self.held.clear();
        self.slots.clear();
        self.settled = 0;
        self.errors.clear();
        self.keys.clear();
        self.costs.clear();
    }

    /// What is reserved for an action that is held: micro-dollars and tokens.
    pub(crate) fn cost(&self, at: usize) -> (i64, i64) {
        let found = self.costs.binary_search_by_key(&at, |(own, _)| *own);
        found.ok().and_then(|found| self.costs.get(found)).map_or((0, 0), |(_, cost)| *cost)
    }

    /// The key of an action that is ONCE.
    pub(crate) fn key(&self, at: usize) -> Option<EffectKey> {
        self.keys.iter().rev().find(|(own, _)| *own == at).map(|(_, key)| *key)
    }

    /// Notes why an action could not be done.
    pub(crate) fn fail(&mut self, at: usize, error: &str) {
        self.errors.push((at, error.into()));
    }

    /// Calls `visit` with each action in order, and its arguments.
    pub(crate) fn each(&self, code: &Code, mut visit: impl FnMut(Issued, &[u64])) {
        let (mut left, mut next, mut slots) = (self.done.bytes.as_slice(), (0, 0), Vec::new());
        while let Some(issued) = Done::next(&mut left, &mut next, code, &mut slots) {
            visit(issued, &slots);
        }
        for (at, held) in self.held.iter().enumerate().skip(self.settled) {
            visit(held.issued, arguments(&self.held, &self.slots, at));
        }
    }

    pub(crate) fn records(&self, data: Data<'_>) -> Vec<ActionRecord> {
        let mut errors = self.errors.iter().peekable();
        let mut records = Vec::with_capacity(self.len());
        self.each(data.code, |issued, slots| {
            let import = data.code.import_at(issued.site).map(|(_, import)| import);
            let types = import.map_or(&[][..], |import| &import.parameters);
            let arguments = types.iter().zip(slots);
            let args =
                arguments.map(|(ty, slot)| ValueRef { data, ty: *ty, slot: *slot }.to_shown()).collect();
            let error =
                errors.next_if(|(failed, _)| *failed == records.len()).map(|(_, error)| error.clone());
            let name = import.map(|import| import.name.clone()).unwrap_or_default();
            records.push(ActionRecord { name, args, error });
        });
        records
    }
}

/// The arguments of one that is held.
fn arguments<'s>(held: &[Held], slots: &'s [u64], at: usize) -> &'s [u64] {
    let first = |at: usize| held.get(at).map_or(slots.len(), |held| slot::index(held.first));
    slots.get(first(at)..first(at.saturating_add(1))).unwrap_or(&[])
}

/// The actions of a [`crate::Report`]: a slice of [`ActionRecord`]s, which are made when they are first
/// looked at.
#[derive(Clone, Default)]
pub struct Actions {
    records: OnceLock<Vec<ActionRecord>>,
    kept: Option<Arc<Kept>>,
}

/// What records are made from.
struct Kept {
    log: Arc<ActionLog>,
    program: Program,
    attached: Arc<Attached>,
    heap: Heap,
}

/// A record takes at least so many bytes: an arena is copied if that is not more than all of them.
const RECORD: usize = size_of::<ActionRecord>();

impl Actions {
    /// The actions of a log.
    pub(crate) fn of(
        log: &Arc<ActionLog>,
        program: &Program,
        attached: &Arc<Attached>,
        heap: &Heap,
    ) -> Actions {
        if log.len() == 0 {
            return Actions::default();
        }
        let arena = heap.words().saturating_mul(size_of::<u64>()).saturating_add(heap.text_bytes());
        if arena > log.len().saturating_mul(RECORD) {
            return log.records(Data { code: program.code(), attached, heap }).into();
        }
        let (log, program, attached) = (Arc::clone(log), program.clone(), Arc::clone(attached));
        let kept = Kept { log, program, attached, heap: heap.clone() };
        Actions { records: OnceLock::new(), kept: Some(Arc::new(kept)) }
    }
}

impl Deref for Actions {
    type Target = [ActionRecord];

    fn deref(&self) -> &[ActionRecord] {
        self.records.get_or_init(|| match self.kept.as_deref() {
            Some(Kept { log, program, attached, heap }) => {
                log.records(Data { code: program.code(), attached, heap })
            }
            None => Vec::new(),
        })
    }
}

impl From<Vec<ActionRecord>> for Actions {
    fn from(records: Vec<ActionRecord>) -> Actions {
        Actions { records: OnceLock::from(records), kept: None }
    }
}

impl IntoIterator for Actions {
    type Item = ActionRecord;
    type IntoIter = std::vec::IntoIter<ActionRecord>;

    fn into_iter(self) -> Self::IntoIter {
        let _ = self.deref();
        self.records.into_inner().unwrap_or_default().into_iter()
    }
}

impl<'a> IntoIterator for &'a Actions {
    type Item = &'a ActionRecord;
    type IntoIter = std::slice::Iter<'a, ActionRecord>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl PartialEq for Actions {
    fn eq(&self, other: &Actions) -> bool {
        **self == **other
    }
}

impl fmt::Debug for Actions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}
