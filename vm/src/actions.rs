//! The actions an activation issued: kept as slots, made readable only for the report.

use smol_str::SmolStr;
use swarm_bytecode::module::ImportId;

use crate::heap::Data;
use crate::host::EffectKey;
use crate::report::ActionRecord;
use crate::slot;
use crate::value::ValueRef;

/// One action.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Issued {
    pub(crate) import: ImportId,
    pub(crate) first: u32,
    pub(crate) count: u8,
    /// Reserved for it until it is carried out: micro-dollars, tokens.
    pub(crate) cost: (i64, i64),
    /// Its word.
    pub(crate) pc: usize,
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
#[derive(Debug, Default)]
pub(crate) struct ActionLog {
    pub(crate) issued: Vec<Issued>,
    pub(crate) slots: Vec<u64>,
    /// By index, ascending.
    pub(crate) errors: Vec<(usize, SmolStr)>,
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
        self.issued.push(Issued { import, first, count, cost, pc, number, ordinal });
        let index = self.issued.len().saturating_sub(1);
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

    /// Takes back those from this index on; all of them are held. Gives them.
    pub(crate) fn take_back(&mut self, from: usize) -> Vec<Issued> {
        let from = from.max(self.done).min(self.issued.len());
        let undone = self.issued.split_off(from);
        let slots = undone.first().map_or(self.slots.len(), |first| slot::index(first.first));
        self.slots.truncate(slots);
        self.keys.retain(|(at, _)| *at < from);
        undone
    }

    /// Forgets all of them.
    pub(crate) fn clear(&mut self) {
        self.issued.clear();
        self.slots.clear();
        self.errors.clear();
        self.keys.clear();
        self.done = 0;
    }

    pub(crate) fn arguments(&self, issued: Issued) -> &[u64] {
        let start = slot::index(issued.first);
        self.slots.get(start..start.saturating_add(usize::from(issued.count))).unwrap_or(&[])
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
