//! The words of a function that has its places, one op after the other.

use swarm_bytecode::codec::CodeReader;
use swarm_bytecode::cost;
use swarm_bytecode::layout::Layout;
use swarm_bytecode::module::Function;
use swarm_bytecode::op::Op;

use super::lower::Decoder;
use super::places::{Edges, WordsAt, leaves, leaving_words};
use super::{FunctionCode, Packed};
use crate::slot;
use crate::word::Word;

/// A function while words are made of its ops, one after the other.
pub(super) struct Filling<'d, 'm> {
    decoder: &'d mut Decoder<'m>,
    function: &'m Function,
    index: u16,
    layout: &'d Layout,
    start: u32,
    /// Memory of the decoder.
    positions: Vec<WordsAt>,
    ahead: Vec<Word>,
    /// How many of the words before those of ops have their place.
    placed: usize,
    /// The last fused word that may end a round.
    round: Option<usize>,
    /// The next op.
    p: usize,
    /// The ops that opened the loops around it which end with `next`.
    opened: Vec<Op>,
}

impl<'d, 'm> Filling<'d, 'm> {
    /// Of the function that has its places.
    pub(super) fn new(
        decoder: &'d mut Decoder<'m>,
        index: usize,
        function: &'m Function,
        layout: &'d Layout,
    ) -> Filling<'d, 'm> {
        let start = slot::count(decoder.words.len());
        let (positions, ahead) = (std::mem::take(&mut decoder.positions), std::mem::take(&mut decoder.ahead));
        // There are no more functions than that.
        let index = u16::try_from(index).unwrap_or(u16::MAX);
        Filling {
            decoder,
            function,
            index,
            layout,
            start,
            positions,
            ahead,
            placed: 0,
            round: None,
            p: 0,
            opened: Vec::new(),
        }
    }

    /// Of all ops.
    pub(super) fn whole(mut self, code: &[Op]) -> Option<FunctionCode> {
        code.iter().try_for_each(|op| self.op(op))?;
        self.finish()
    }

    /// Of the ops that the reader is at.
    pub(super) fn read(mut self, reader: CodeReader<'_>) -> Option<FunctionCode> {
        let module = self.decoder.module;
        reader.read(module, |op| self.op(&op))?;
        self.finish()
    }

    /// Makes the words of the next op.
    fn op(&mut self, op: &Op) -> Option<()> {
        let (p, layout) = (self.p, self.layout);
        let (spent, due) = layout.costs(p);
        let origin = Packed { function: self.index, op: u16::try_from(p).ok()?, spent, due };
        let opening = if let Op::Advance {} = op { self.opened.pop() } else { None };
        let edges = Edges { layout, positions: &self.positions, p, opening: opening.as_ref() };
        let ahead = self.positions.get(p)?.ahead();
        if ahead > 0 {
            let placed = self.placed;
            self.placed = placed.checked_add(ahead)?;
            for word in self.ahead.get(placed..self.placed)? {
                if word.with_another_end().is_some() {
                    self.round = Some(self.decoder.words.len());
                }
                self.decoder.put(*word);
            }
        }
        if leaving_words(op, layout, p) > 0 {
            self.decoder.put(Word::Leave { count: leaves(op, layout, p)?, due });
        }
        let first = self.decoder.words.len();
        self.decoder.op(self.function, op, &edges, due)?;
        if let Op::Advance {} = op
            && let Some(round) = self.round.take()
        {
            self.decoder.end_round(round, first);
        }
        self.decoder.origins.resize(self.decoder.words.len(), origin);
        if let Op::ForEach { .. } | Op::ForEachEntry { .. } | Op::Range { .. } = op {
            self.opened.push(op.clone());
        }
        self.p = p.checked_add(1)?;
        Some(())
    }

    /// The function, behind its last op.
    fn finish(self) -> Option<FunctionCode> {
        let Filling { decoder, function, index, start, positions, ahead, p, .. } = self;
        // Verified code never gets here.
        decoder.put(Word::Return { due: 0 });
        let end = Packed { function: index, op: u16::try_from(p).ok()?, spent: 0, due: 0 };
        decoder.origins.resize(decoder.words.len(), end);
        (decoder.positions, decoder.ahead) = (positions, ahead);
        let registers = u8::try_from(function.registers.len()).ok()?;
        let bytes = u16::try_from(cost::frame_bytes(u64::from(registers))).ok()?;
        Some(FunctionCode { start, bytes, registers })
    }
}
