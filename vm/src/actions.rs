//! The actions a run issued: kept as slots, made readable only for the report.

use smol_str::SmolStr;
use swarm_bytecode::module::ImportId;

use crate::heap::Data;
use crate::report::ActionRecord;
use crate::slot;
use crate::value::ValueRef;

/// One action.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Issued {
    pub(crate) import: ImportId,
    first: u32,
    count: u8,
    /// Reserved for it until it is carried out.
    pub(crate) money: i64,
    pub(crate) tokens: i64,
    pub(crate) place: (u16, u32),
    /// Its number among the run's host calls.
    pub(crate) number: u64,
}

/// Actions in the order they were issued. Their arguments are marked as shared, so they keep their values.
#[derive(Debug, Default)]
pub(crate) struct ActionLog {
    issued: Vec<Issued>,
    slots: Vec<u64>,
    /// By index, ascending.
    errors: Vec<(usize, SmolStr)>,
}

impl ActionLog {
    pub(crate) fn push(
        &mut self,
        import: ImportId,
        arguments: &[u64],
        cost: (i64, i64),
        place: (u16, u32),
        number: u64,
    ) {
        let first = slot::count(self.slots.len());
        let count = u8::try_from(arguments.len()).unwrap_or(u8::MAX);
        self.slots.extend_from_slice(arguments);
        self.issued.push(Issued { import, first, count, money: cost.0, tokens: cost.1, place, number });
    }

    pub(crate) fn get(&self, at: usize) -> Option<Issued> {
        self.issued.get(at).copied()
    }

    pub(crate) fn last(&self) -> usize {
        self.issued.len().saturating_sub(1)
    }

    pub(crate) fn arguments(&self, issued: Issued) -> &[u64] {
        let start = slot::index(issued.first);
        self.slots.get(start..start.saturating_add(usize::from(issued.count))).unwrap_or(&[])
    }

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
