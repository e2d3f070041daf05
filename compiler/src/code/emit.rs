//! The code of one function as it grows: ops, the places they come from, open blocks, and the `settle` ops
//! that keep ways without one short.

use swarm_bytecode::op::{Flow, Op, Settle};
use swarm_grammar::span::Span;

/// A way without a settling op is at most this long. The verifier admits 2,048; the rest is for the ops that
/// follow a check within one step of the generator.
const LONGEST_WAY: u32 = 1_900;

/// A block that is not closed yet. The costs are those of the longest way since the last settling op.
#[derive(Debug)]
enum Block {
    /// `if` or `within`: cost at its opening, and at the end of its first arm.
    If { opening: u32, first_arm: u32 },
    /// `block`, `foreach` or `range`: the greatest cost at a `break` out of it.
    Breakable { exit: u32 },
}

/// A block or loop that `break` can leave, by how many such enclose it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Level(usize);

/// Code under construction.
#[derive(Debug)]
pub(crate) struct Emitter {
    code: Vec<Op>,
    places: Vec<(u32, Span)>,
    blocks: Vec<Block>,
    /// The most blocks that were open at once.
    deepest: usize,
    way: u32,
    /// Static cost of all ops.
    cost: u32,
}

/// Ops for which there is room from the start: most functions have no more.
const ROOM: usize = 32;

impl Emitter {
    pub(crate) fn new() -> Emitter {
        Emitter {
            code: Vec::with_capacity(ROOM),
            places: Vec::with_capacity(ROOM),
            blocks: Vec::new(),
            deepest: 0,
            way: 0,
            cost: 0,
        }
    }

    /// Appends `op`, which comes from `span`, and returns its index.
    pub(crate) fn push(&mut self, op: Op, span: Span) -> usize {
        let cost = u32::from(op.info().cost);
        if self.way.saturating_add(cost) > LONGEST_WAY && op.info().settle == Settle::No {
            self.append(Op::Settle {}, span);
            self.way = 0;
        }
        self.way = match op.info().settle {
            Settle::No => self.way.saturating_add(cost),
            Settle::Yes | Settle::Dynamic => 0,
        };
        self.track(&op);
        self.append(op, span)
    }

    fn append(&mut self, op: Op, span: Span) -> usize {
        let index = self.code.len();
        let at = u32::try_from(index).unwrap_or(u32::MAX);
        let known =
            self.places.last().is_some_and(|(_, last)| (last.file, last.start) == (span.file, span.start));
        // An `end` executes nothing.
        if !known && op.info().flow != Flow::End {
            self.places.push((at, span));
        }
        self.cost = self.cost.saturating_add(u32::from(op.info().cost));
        self.code.push(op);
        index
    }

    /// Follows the blocks, so that `way` is the longest over all ways to the next op.
    fn track(&mut self, op: &Op) {
        match op.info().flow {
            Flow::Open if matches!(op, Op::If { .. }) => {
                self.blocks.push(Block::If { opening: self.way, first_arm: 0 });
            }
            Flow::Open | Flow::OpenLoop => self.blocks.push(Block::Breakable { exit: 0 }),
            // Both settle: what is behind starts afresh.
            Flow::OpenWithin => self.blocks.push(Block::If { opening: 0, first_arm: 0 }),
            Flow::WithinElse => {}
            Flow::Else => {
                let way = self.way;
                if let Some(Block::If { opening, first_arm }) = self.blocks.last_mut() {
                    self.way = *opening;
                    (*opening, *first_arm) = (0, way);
                }
            }
            Flow::End | Flow::Repeat | Flow::Advance | Flow::WithinEnd => match self.blocks.pop() {
                Some(Block::If { opening, first_arm }) => self.way = self.way.max(opening).max(first_arm),
                Some(Block::Breakable { exit }) => self.way = self.way.max(exit),
                None => {}
            },
            Flow::Branch => {
                if let Op::Break { depth } = op {
                    let way = self.way;
                    let breakable = self.blocks.iter_mut().rev().filter_map(|block| match block {
                        Block::Breakable { exit } => Some(exit),
                        Block::If { .. } => None,
                    });
                    if let Some(exit) = breakable.into_iter().nth(usize::from(*depth)) {
                        *exit = way.max(*exit);
                    }
                }
            }
            Flow::Next | Flow::Call | Flow::Leave => {}
        }
        self.deepest = self.deepest.max(self.blocks.len());
    }

    /// The index of the op that comes next.
    pub(crate) fn next(&self) -> usize {
        self.code.len()
    }

    /// The level of the innermost block or loop.
    pub(crate) fn level(&self) -> Level {
        Level(self.blocks.iter().filter(|block| matches!(block, Block::Breakable { .. })).count())
    }

    /// How many blocks are open, `if`s included.
    pub(crate) fn nesting(&self) -> usize {
        self.blocks.len()
    }

    /// The operand of a `break` or `continue` to `level`; `None` where it is too far out.
    pub(crate) fn depth_of(&self, level: Level) -> Option<u8> {
        self.level().0.checked_sub(level.0).and_then(|depth| u8::try_from(depth).ok())
    }

    /// Whether the last op leaves the function.
    pub(crate) fn ends(&self) -> bool {
        self.code.last().is_some_and(|op| op.info().flow == Flow::Leave)
    }

    /// Sum of the static costs of all ops.
    pub(crate) fn cost(&self) -> u32 {
        self.cost
    }

    /// How many blocks were open at once at most.
    pub(crate) fn deepest(&self) -> usize {
        self.deepest
    }

    /// The code and its places.
    pub(crate) fn finish(self) -> (Vec<Op>, Vec<(u32, Span)>) {
        (self.code, self.places)
    }
}
