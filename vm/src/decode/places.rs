//! Where the words of a function's ops lie, and what they take of memory.

use swarm_bytecode::codec::{CodeReader, LONG};
use swarm_bytecode::layout::Layout;
use swarm_bytecode::module::{Function, Module};
use swarm_bytecode::op::{Op, Register};
use swarm_bytecode::types::{Type, TypeId};

use super::lower::Decoder;
use super::{Argument, Budget, CallSite, DecodeError, Packed, Site, WithinCode};
use crate::encoded::Encoded;
use crate::extended::Extended;
use crate::filter::{Filtered, Part};
use crate::fuse::Fusing;
use crate::slot;
use crate::word::Word;

/// How many ops of a long function are there at a time while places are found for their words.
const WINDOW: usize = LONG;

/// How many of them stand behind the one at hand, for fused words and the filters of loops.
const AHEAD: usize = 256;

/// Finds where each op's first word will lie; ops without one count as their successor. What all of this takes of memory is
/// reckoned before it is taken.
pub(super) struct Placing<'d, 'm> {
    decoder: &'d mut Decoder<'m>,
    function: &'m Function,
    layout: &'d Layout,
    fusing: Fusing,
    filtered: Filtered,
    /// Where the next op's words begin.
    position: u32,
    /// The next op.
    p: usize,
    /// How much memory there is for words that need not be.
    spare: usize,
}

impl<'d, 'm> Placing<'d, 'm> {
    /// Of the next function, whose ops take so many words at least.
    pub(super) fn new(
        decoder: &'d mut Decoder<'m>,
        function: &'m Function,
        layout: &'d Layout,
        filtered: Filtered,
        words: usize,
    ) -> Result<Placing<'d, 'm>, DecodeError> {
        decoder.room_for_positions(layout.len().saturating_add(1))?;
        decoder.ahead.clear();
        let position = slot::count(decoder.words.len());
        let beside = decoder.beside.as_ref().map_or(0, Beside::bytes);
        let there = decoder.words.capacity().saturating_sub(decoder.words.len());
        let needed = words.saturating_sub(there).saturating_mul(WORD_BYTES).saturating_add(beside);
        let spare = decoder.room.saturating_sub(needed.saturating_add(needed / 16));
        Ok(Placing { decoder, function, layout, fusing: Fusing::default(), filtered, position, p: 0, spare })
    }

    /// Of all ops.
    pub(super) fn whole(mut self, code: &[Op]) -> Result<(), DecodeError> {
        self.part(Part { ops: code, first: 0 }, code.len())?;
        self.finish();
        Ok(())
    }

    /// Of the ops that the reader is at.
    pub(super) fn read(mut self, reader: CodeReader<'_>) -> Result<(), DecodeError> {
        let window = self.layout.len().min(WINDOW);
        let bytes = window.saturating_mul(size_of::<Op>());
        self.decoder.take(bytes)?;
        let (mut ops, mut first, mut outcome) = (Vec::with_capacity(window), 0_usize, Ok(()));
        let module = self.decoder.module;
        // What was read before is read again.
        let _ = reader.read(module, |op| {
            if ops.len() == WINDOW {
                let end = first.saturating_add(WINDOW).saturating_sub(AHEAD);
                outcome = self.part(Part { ops: &ops, first }, end);
                outcome.as_ref().ok()?;
                // The one before the next is asked for.
                let past = end.saturating_sub(1).saturating_sub(first);
                ops.drain(..past);
                first = first.saturating_add(past);
            }
            ops.push(op);
            Some(())
        });
        outcome?;
        self.part(Part { ops: &ops, first }, first.saturating_add(ops.len()))?;
        let decoder = self.finish();
        decoder.room = decoder.room.saturating_add(bytes);
        Ok(())
    }

    /// Goes on up to op `end`.
    fn part(&mut self, code: Part<'_>, end: usize) -> Result<(), DecodeError> {
        while self.p < end
            && let Some(op) = code.from(self.p).and_then(<[Op]>::first)
        {
            self.op(code, op)?;
        }
        Ok(())
    }

    fn op(&mut self, code: Part<'_>, op: &Op) -> Result<(), DecodeError> {
        let ahead = self.ahead(code, op)?;
        self.decoder.positions.push(WordsAt::new(self.position, ahead));
        let own = word_count(op).saturating_add(leaving_words(op, self.layout, self.p));
        self.position = self.position.saturating_add(own).saturating_add(ahead);
        self.p = self.p.saturating_add(1);
        Ok(())
    }

    /// How many words stand before those of the next op: found once, put where they belong by [`super::fill::Filling`]. A module
    /// goes without where they would take the memory of words that have to be.
    fn ahead(&mut self, code: Part<'_>, op: &Op) -> Result<u32, DecodeError> {
        let Placing { decoder, function, layout, fusing, filtered, position, p, spare } = self;
        let (module, p, before) = (decoder.module, *p, decoder.ahead.len());
        if *spare > 0 {
            let known = decoder.filters.len();
            filtered.begin(&mut decoder.filters, code, layout, p);
            if let Some(filter) = decoder.filters.get(known) {
                // A vector that doubles has three times its length while it moves.
                let bytes = filter.bytes().saturating_mul(3);
                decoder.take(bytes)?;
                *spare = spare.saturating_sub(bytes);
            }
        }
        if let Some(word) = filtered.at(&mut decoder.filters, p, *position, fusing) {
            decoder.stand_ahead(word)?;
        }
        if *spare > 0 && !fusing.covers(p) {
            let mutable = |register: Register| {
                let ty = function.registers.get(usize::from(register.0)).and_then(|ty| module.ty(*ty));
                ty.is_some_and(Type::is_mutable)
            };
            if let Some(word) = fusing.at(code, p, mutable, |value| decoder.small_constant(value)) {
                decoder.stand_ahead(decoder.fitting(function, word))?;
            } else if decoder.is_quick(op) {
                decoder.stand_ahead(Word::Unfused)?;
                decoder.stand_ahead(Word::Unfused)?;
            }
        }
        let ahead = decoder.ahead.len().saturating_sub(before);
        *spare = spare.saturating_sub(ahead.saturating_mul(WORD_BYTES.saturating_mul(2)));
        Ok(slot::count(ahead))
    }

    /// Behind the last op.
    fn finish(self) -> &'d mut Decoder<'m> {
        self.decoder.positions.push(WordsAt::new(self.position, 0));
        self.decoder
    }
}

impl Decoder<'_> {
    /// Takes so many bytes from the room that is left.
    pub(super) fn take(&mut self, bytes: usize) -> Result<(), DecodeError> {
        self.room = self.room.checked_sub(bytes).ok_or(DecodeError::TooLarge)?;
        Ok(())
    }

    fn room_for_positions(&mut self, count: usize) -> Result<(), DecodeError> {
        self.positions.clear();
        let had = self.positions.capacity();
        if count > had {
            self.take(count.saturating_sub(had).saturating_mul(size_of::<WordsAt>()))?;
            // There is nothing that would have to move.
            self.positions = Vec::new();
            self.positions.reserve_exact(count);
        }
        Ok(())
    }

    /// A word that stands before those of an op. Memory for more is taken a little at a time.
    fn stand_ahead(&mut self, word: Word) -> Result<(), DecodeError> {
        let had = self.ahead.capacity();
        if self.ahead.len() == had {
            let more = (had / 8).max(16);
            let bytes = |words: usize| words.saturating_mul(size_of::<Word>());
            // It moves: both are there for a while.
            self.take(bytes(had.saturating_add(more)))?;
            self.ahead.reserve_exact(more);
            self.room = self.room.saturating_add(bytes(had));
        }
        self.ahead.push(word);
        Ok(())
    }

    /// Room for the words of the function that has its places, and for those of so many ops to come as far as it
    /// goes; before the first one, for all that stands beside words.
    pub(super) fn make_room(&mut self, to_come: usize) -> Result<(), DecodeError> {
        if let Some(beside) = self.beside.take() {
            self.take(beside.bytes())?;
            self.sites.reserve_exact(beside.sites);
            self.calls.reserve_exact(beside.calls);
            self.extended.reserve_exact(beside.extended);
            self.withins.reserve_exact(beside.withins);
            self.arguments.reserve_exact(beside.arguments);
            self.types.reserve_exact(beside.types);
        }
        let end = self.positions.last().map_or(0, |end| slot::index(end.word())).saturating_add(1);
        let had = self.words.capacity();
        if end <= had {
            return Ok(());
        }
        // About a word for each op: what is fused adds some, ends of blocks have none.
        let hoped = to_come.saturating_add((to_come / 4).min(64).max(to_come / 16));
        let bytes = |words: usize| words.saturating_sub(had).saturating_mul(WORD_BYTES);
        // One of the two is there twice while it moves.
        let moving = had.saturating_mul(WORD_BYTES / 2);
        let free = self.room.checked_sub(moving).ok_or(DecodeError::TooLarge)?;
        // Ops to come need places, and words ahead of theirs.
        let kept = to_come.saturating_mul(size_of::<Word>());
        let wanted =
            [(hoped, kept), (self.words.len() / 8, 0)].map(|(more, kept)| (end.saturating_add(more), kept));
        let fits = |(words, kept): &(usize, usize)| bytes(*words).saturating_add(*kept) <= free;
        let words = wanted.into_iter().find(fits).map_or(end, |(words, _)| words);
        if bytes(words) > free {
            return Err(DecodeError::TooLarge);
        }
        self.take(bytes(words))?;
        self.words.reserve_exact(words.saturating_sub(self.words.len()));
        self.origins.reserve_exact(words.saturating_sub(self.words.len()));
        Ok(())
    }
}

/// Bytes of memory for a word and its origin.
const WORD_BYTES: usize = size_of::<Encoded>() + size_of::<Packed>();

const _: () = assert!(size_of::<Encoded>() == 8 && size_of::<Word>() == 8 && size_of::<Packed>() == 8);

/// How long the tables beside the words will be, and what they take.
#[derive(Default)]
pub(super) struct Beside {
    pub(super) constants: usize,
    pub(super) sites: usize,
    pub(super) calls: usize,
    pub(super) extended: usize,
    pub(super) withins: usize,
    pub(super) arguments: usize,
    pub(super) types: usize,
    /// Bytes that what is in them takes beside them.
    bytes: usize,
}

impl Beside {
    /// For all ops of a module.
    pub(super) fn of(module: &Module) -> Beside {
        let mut beside = Beside::default();
        module.functions.iter().flat_map(|function| &function.code).for_each(|op| beside.add(op));
        beside
    }

    fn add(&mut self, op: &Op) {
        let add = |own: &mut usize, count: usize| *own = own.saturating_add(count);
        match op {
            Op::Integer { .. }
            | Op::Zero { .. }
            | Op::Float { .. }
            | Op::String { .. }
            | Op::Product { .. }
            | Op::Quotient { .. } => add(&mut self.constants, 1),
            Op::Native { arguments, .. } => {
                add(&mut self.extended, 1);
                add(&mut self.arguments, arguments.len());
                add(&mut self.types, arguments.len());
            }
            Op::NewCase { fields: list, .. }
            | Op::NewMap { entries: list, .. }
            | Op::Concat { parts: list, .. } => {
                add(&mut self.extended, 1);
                add(&mut self.arguments, list.len());
            }
            Op::Quantile { .. } | Op::Mean { .. } | Op::Top { .. } | Op::Text { .. } => {
                add(&mut self.extended, 1);
            }
            Op::Host { arguments: list, .. }
            | Op::HostValue { arguments: list, .. }
            | Op::TryHost { arguments: list, .. }
            | Op::RetryHost { arguments: list, .. }
            | Op::NewRecord { fields: list, .. }
            | Op::NewList { items: list, .. } => {
                add(&mut self.sites, 1);
                add(&mut self.arguments, list.len());
            }
            Op::Call { arguments, .. } | Op::CallValue { arguments, .. } => {
                add(&mut self.calls, 1);
                add(&mut self.arguments, arguments.len());
            }
            Op::Within { budgets, saved, .. } => {
                add(&mut self.withins, 1);
                add(&mut self.bytes, budgets.len().saturating_mul(size_of::<(Budget, u8)>()));
                add(&mut self.bytes, saved.len().saturating_mul(size_of::<Argument>()));
            }
            _ => {}
        }
    }

    /// Bytes of memory for all of it but constants.
    pub(super) fn bytes(&self) -> usize {
        let tables = [
            (self.sites, size_of::<Site>()),
            (self.calls, size_of::<CallSite>()),
            (self.extended, size_of::<Extended>()),
            (self.withins, size_of::<WithinCode>()),
            (self.arguments, size_of::<Argument>()),
            (self.types, size_of::<TypeId>()),
        ];
        let each = tables.into_iter().map(|(count, bytes)| count.saturating_mul(bytes));
        each.fold(self.bytes, usize::saturating_add)
    }
}

/// How many words these ops become.
pub(super) fn words_of(code: &[Op]) -> usize {
    code.iter().fold(0, |words: usize, op| words.saturating_add(slot::index(word_count(op))))
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

/// Where an op's words begin, and how many of them stand ahead of its own: at most one of a filter and two before a
/// call. A module is too short for more words than 30 bits can number.
#[derive(Debug, Clone, Copy)]
pub(super) struct WordsAt(u32);

impl WordsAt {
    fn new(word: u32, ahead: u32) -> WordsAt {
        WordsAt(word << 2 | ahead & 3)
    }

    pub(super) fn word(self) -> u32 {
        self.0 >> 2
    }

    pub(super) fn ahead(self) -> usize {
        slot::index(self.0 & 3)
    }
}

/// The ways out of op `p`.
pub(super) struct Edges<'a> {
    pub(super) layout: &'a Layout,
    pub(super) positions: &'a [WordsAt],
    pub(super) p: usize,
    /// If it is `next`: the op that opened its loop.
    pub(super) opening: Option<&'a Op>,
}

impl Edges<'_> {
    /// The word `p` jumps to.
    pub(super) fn target(&self) -> Option<u32> {
        self.positions.get(self.layout.target(self.p)?).map(|at| at.word())
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
