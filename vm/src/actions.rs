//! The actions an activation issued: kept as slots, made readable only where a report is asked for them.

use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use smol_str::SmolStr;
use swarm_bytecode::module::ImportId;

use crate::attached::Attached;
use crate::heap::{Data, Heap};
use crate::host::EffectKey;
use crate::program::Program;
use crate::report::ActionRecord;
use crate::slot;
use crate::value::ValueRef;

/// One action.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Issued {
    pub(crate) import: ImportId,
    pub(crate) first: u32,
    pub(crate) count: u8,
    /// Its word.
    pub(crate) pc: u32,
    /// Its number among the order's host calls.
    pub(crate) number: u64,
    /// Its number among the activation's actions, those undone included.
    pub(crate) ordinal: u64,
}

/// A call about to be issued.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NewAction<'a> {
    pub(crate) import: ImportId,
    pub(crate) arguments: &'a [u64],
    pub(crate) cost: (i64, i64),
    pub(crate) pc: usize,
    pub(crate) number: u64,
    pub(crate) ordinal: u64,
    pub(crate) key: Option<EffectKey>,
}

/// Actions in the order they were issued: first those that were carried out, then those held. Their arguments are
/// marked as shared, so they keep their values.
#[derive(Debug, Clone, Default)]
pub(crate) struct ActionLog {
    pub(crate) issued: Vec<Issued>,
    pub(crate) slots: Vec<u64>,
    /// By index, ascending.
    pub(crate) errors: Vec<(usize, SmolStr)>,
    /// Micro-dollars and tokens that are reserved for those held, by index, ascending, but for those of none.
    pub(crate) costs: Vec<(usize, (i64, i64))>,
    /// Of those that are ONCE, by index, ascending.
    pub(crate) keys: Vec<(usize, EffectKey)>,
    /// How many were carried out.
    pub(crate) done: usize,
}

impl ActionLog {
    /// Adds an action and gives its index.
    pub(crate) fn push(&mut self, action: NewAction<'_>, held: bool) -> usize {
        let NewAction { import, arguments, cost, pc, number, ordinal, key } = action;
        let first = slot::count(self.slots.len());
        let count = u8::try_from(arguments.len()).unwrap_or(u8::MAX);
        self.slots.extend_from_slice(arguments);
        self.issued.push(Issued { import, first, count, pc: slot::count(pc), number, ordinal });
        let index = self.issued.len().saturating_sub(1);
        if held && cost != (0, 0) {
            self.costs.push((index, cost));
        }
        self.keys.extend(key.map(|key| (index, key)));
        if !held {
            self.done = self.issued.len();
        }
        index
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.issued.len()
    }

    /// Whether any is held.
    pub(crate) fn holds(&self) -> bool {
        self.done < self.issued.len()
    }

    /// The first that is held, and its index.
    pub(crate) fn first_held(&self) -> Option<(usize, Issued)> {
        self.issued.get(self.done).map(|issued| (self.done, *issued))
    }

    /// The first that is held is carried out, or will not be.
    pub(crate) fn settle_first(&mut self) {
        self.done = self.done.saturating_add(1).min(self.issued.len());
    }

    /// Takes back those from this index on; all of them are held. Gives their numbers and what was reserved for them.
    pub(crate) fn take_back(&mut self, from: usize) -> Vec<(u64, (i64, i64))> {
        let from = from.max(self.done).min(self.issued.len());
        let costs: Vec<_> = (from..self.issued.len()).map(|at| self.cost(at)).collect();
        let undone = self.issued.split_off(from);
        let slots = undone.first().map_or(self.slots.len(), |first| slot::index(first.first));
        self.slots.truncate(slots);
        self.keys.retain(|(at, _)| *at < from);
        self.costs.retain(|(at, _)| *at < from);
        undone.iter().map(|issued| issued.number).zip(costs).collect()
    }

    /// Forgets all of them.
    pub(crate) fn clear(&mut self) {
        self.issued.clear();
        self.slots.clear();
        self.errors.clear();
        self.keys.clear();
        self.costs.clear();
        self.done = 0;
    }

    pub(crate) fn arguments(&self, issued: Issued) -> &[u64] {
        let start = slot::index(issued.first);
        self.slots.get(start..start.saturating_add(usize::from(issued.count))).unwrap_or(&[])
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

    pub(crate) fn records(&self, data: Data<'_>) -> Vec<ActionRecord> {
        let mut errors = self.errors.iter().peekable();
        let record = |(at, issued): (usize, &Issued)| {
            let import = data.code.module().imports.get(issued.import.index());
            let types = import.map_or(&[][..], |import| &import.parameters);
            let arguments = types.iter().zip(self.arguments(*issued));
            let args =
                arguments.map(|(ty, slot)| ValueRef { data, ty: *ty, slot: *slot }.to_shown()).collect();
            let error = errors.next_if(|(failed, _)| *failed == at).map(|(_, error)| error.clone());
            ActionRecord { name: import.map(|import| import.name.clone()).unwrap_or_default(), args, error }
        };
        self.issued.iter().enumerate().map(record).collect()
    }
}

/// The actions of a [`crate::Report`]: a slice of [`ActionRecord`]s, which are made when they are first looked at.
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
