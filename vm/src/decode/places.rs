//! Where the words of a function's ops lie, and what they take of memory.

use swarm_bytecode::layout::Layout;
use swarm_bytecode::module::Function;
use swarm_bytecode::op::{Op, Register};
use swarm_bytecode::types::{Type, TypeId};

use super::lower::Decoder;
use super::{Argument, Budget, CallSite, DecodeError, Packed, Site, WithinCode};
use crate::extended::Extended;
use crate::filter::{Filter, Filtered};
use crate::fuse::Fusing;
use crate::slot;
use crate::word::Word;

impl Decoder<'_> {
    /// Finds where each op's first word will lie; ops without one count as their successor. What all of this
    /// takes of memory is reckoned before it is taken.
    pub(super) fn place(
        &mut self,
        start: u32,
        function: &Function,
        layout: &Layout,
    ) -> Result<(), DecodeError> {
        let places = function.code.len().saturating_add(1);
        // These are there for one function at a time.
        let fleeting = places.saturating_mul(size_of::<u32>().saturating_mul(2));
        let mut room = self.room.checked_sub(fleeting).ok_or(DecodeError::TooLarge)?;
        self.positions.clear();
        self.positions.reserve_exact(places);
        self.ahead.clear();
        let mut position = start;
        let module = self.module;
        let mutable = |register: Register| {
            let ty = function.registers.get(usize::from(register.0)).and_then(|ty| module.ty(*ty));
            ty.is_some_and(Type::is_mutable)
        };
        let mut fusing = Fusing::default();
        let mut filtered = Filtered::default();
        for (p, op) in function.code.iter().enumerate() {
            self.positions.push(position);
            // The words that stand before those of an op: found once, put where they belong by `fill`.
            let (before, known) = (self.ahead.len(), self.filters.len());
            filtered.begin(&mut self.filters, &function.code, layout, p);
            self.ahead.extend(filtered.at(&mut self.filters, p, position, &fusing).map(|word| (p, word)));
            let filter = self.filters.get(known).map_or(0, Filter::bytes);
            let beside = bytes_beside(op).saturating_add(filter);
            let fused = fusing.at(&function.code, p, mutable, |value| self.small_constant(value));
            if fused.is_none() && !fusing.covers(p) && self.is_quick(op) {
                self.ahead.extend([(p, Word::Unfused); 2]);
            }
            self.ahead.extend(fused.map(|word| (p, self.fitting(function, word))));
            let fused = slot::count(self.ahead.len().saturating_sub(before));
            let words = word_count(op).saturating_add(leaving_words(op, layout, p)).saturating_add(fused);
            position = position.saturating_add(words);
            // A vector that doubles has three times its length while it moves.
            let ahead = slot::index(fused).saturating_mul(size_of::<(usize, Word)>().saturating_mul(3));
            let taken =
                slot::index(words).saturating_mul(WORD_BYTES).saturating_add(beside.saturating_mul(3));
            room = room.checked_sub(taken.saturating_add(ahead)).ok_or(DecodeError::TooLarge)?;
        }
        self.positions.push(position);
        self.room = room.saturating_add(fleeting);
        self.make_room(slot::index(position.saturating_sub(start)).saturating_add(1));
        Ok(())
    }

    /// Room for so many more words: a little more than has to be, for memory is counted.
    fn make_room(&mut self, words: usize) {
        if self.words.capacity().saturating_sub(self.words.len()) < words {
            let room = words.saturating_add(self.words.len() / 8);
            self.words.reserve_exact(room);
            self.origins.reserve_exact(room);
        }
    }
}

/// Bytes of memory for a word: it and its origin with an eighth to spare, and one of the two once more while
/// it moves.
pub(super) const WORD_BYTES: usize = 27;

const _: () = assert!(size_of::<Word>() == 8 && size_of::<Packed>() == 8);

/// Bytes that an op takes in the tables beside the words.
fn bytes_beside(op: &Op) -> usize {
    const CONSTANT: usize = size_of::<u64>();
    let of =
        |own: usize, list: &[Register]| list.len().saturating_mul(size_of::<Argument>()).saturating_add(own);
    match op {
        Op::Integer { .. } | Op::Float { .. } | Op::String { .. } => CONSTANT,
        Op::Product { .. } | Op::Quotient { .. } => CONSTANT,
        Op::Native { arguments, .. } => {
            // The types of its arguments lie in a box.
            const BOX: usize = 16;
            of(size_of::<Extended>().saturating_add(BOX), arguments)
                .saturating_add(arguments.len().saturating_mul(size_of::<TypeId>()))
        }
        Op::NewCase { fields: list, .. }
        | Op::NewMap { entries: list, .. }
        | Op::Concat { parts: list, .. } => of(size_of::<Extended>(), list),
        Op::Quantile { .. } | Op::Mean { .. } | Op::Top { .. } | Op::Text { .. } => size_of::<Extended>(),
        Op::Host { arguments: list, .. }
        | Op::HostValue { arguments: list, .. }
        | Op::TryHost { arguments: list, .. }
        | Op::RetryHost { arguments: list, .. }
        | Op::NewRecord { fields: list, .. }
        | Op::NewList { items: list, .. } => of(size_of::<Site>(), list),
        Op::Call { arguments, .. } | Op::CallValue { arguments, .. } => of(size_of::<CallSite>(), arguments),
        Op::Within { budgets, saved, .. } => {
            let budgets = budgets.len().saturating_mul(size_of::<(Budget, u8)>());
            of(size_of::<WithinCode>(), saved).saturating_add(budgets)
        }
        _ => 0,
    }
}

/// How many words an op becomes.
fn word_count(op: &Op) -> u32 {
    match op {
        Op::Block {} | Op::End {} => 0,
        Op::ForEach { .. }
        | Op::RetryHost { .. }
        | Op::WithinElse {}
        | Op::Range { .. }
        | Op::Advance {}
        | Op::EqValue { .. }
        | Op::SetField { .. }
        | Op::Push { .. }
        | Op::Find { .. }
        | Op::SetEntry { .. }
        | Op::RemoveEntry { .. } => 2,
        Op::ForEachEntry { .. } => 3,
        _ => 1,
    }
}

/// How many `within`s an op leaves that jumps or returns out of them.
pub(super) fn leaves(op: &Op, layout: &Layout, p: usize) -> Option<u8> {
    let count = match op {
        Op::Break { .. } | Op::Continue { .. } => layout.target(p).map_or(0, |t| layout.leaves(p, t)),
        Op::Return {} | Op::ReturnValue { .. } => layout.withins(p),
        _ => 0,
    };
    u8::try_from(count).ok()
}

/// A [`Word::Leave`] in front of those that leave any.
pub(super) fn leaving_words(op: &Op, layout: &Layout, p: usize) -> u32 {
    u32::from(leaves(op, layout, p) != Some(0))
}

/// The ways out of op `p`.
pub(super) struct Edges<'a> {
    pub(super) layout: &'a Layout,
    pub(super) positions: &'a [u32],
    pub(super) p: usize,
}

impl Edges<'_> {
    /// The word `p` jumps to.
    pub(super) fn target(&self) -> Option<u32> {
        self.positions.get(self.layout.target(self.p)?).copied()
    }

    /// What the step to op `t` adds to the fuel.
    pub(super) fn credit(&self, t: usize) -> Option<u16> {
        u16::try_from(self.layout.edge(self.p, t)).ok()
    }

    /// Credit and word of the jump of `p`.
    pub(super) fn jump(&self) -> Option<(u16, u32)> {
        Some((self.credit(self.layout.target(self.p)?)?, self.target()?))
    }

    /// The way past a loop that has nothing to do.
    pub(super) fn past(&self) -> Option<Word> {
        let (credit, target) = self.jump()?;
        Some(Word::Target { credit, target })
    }
}
