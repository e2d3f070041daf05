//! The shape of a function's code and the fuel constants that follow from it.
//!
//! `C[p]` is the sum of the static costs of the ops before op `p`. The *anchor* `a(p)` is the first op of the
//! innermost enclosing loop's body, else op 0. A loop's closing op belongs to the body, its opening op does not.
//! A machine keeps a number `F` and the limit `mark`, such that
//!
//! - **F1**, at every op `p` about to run: `used = mark − (F − (C[p] − C[a(p)]))`;
//! - **F2**, for every step `p → t` inside a function: `F += (C[t] − C[a(t)]) − (C[p+1] − C[a(p)])`
//!   ([`Layout::edge`]). It is 0 along straight-line code, so only jumps, loop entries, back edges and loop exits
//!   touch `F` at all;
//! - **F3**, an op that settles first looks whether `F − d(p)` is still there ([`Layout::charge`]):
//!   `d(p) = C[p+1] − C[a(p)]` is what the region since the anchor has cost, `p` itself included;
//! - **F11**, a function costs at most [`MAX_FUNCTION_COST`], so every constant is small, and at most
//!   [`MAX_SETTLE_FREE`] can be spent on any way from one settling op to the next, so that is how far a run can
//!   overshoot its limit, in pure ops;
//! - **F9**, a `within` is open from the op behind it to its closing op, that included ([`Layout::withins`]).
//!   Every step that leaves some of them ([`Layout::leaves`]) closes them; what leaves the function closes
//!   all of its own. When a budget of one that undoes runs out, the machine closes it and those inside it,
//!   puts back what it saved, makes `F = mark − used + (C[t] − C[a(t)])` for the op `t` behind its
//!   `within.else`, looks whether the fuel is there, and goes on at `t`.

use std::fmt;

use crate::codec::limits;
use crate::op::{Flow, Op, Settle};

/// Greatest static cost of a function.
pub const MAX_FUNCTION_COST: u32 = 65_535;

/// Greatest static cost of a way without a settling op.
pub const MAX_SETTLE_FREE: u32 = 2_048;

/// Greatest number of blocks open at once.
pub const MAX_NESTING: usize = 64;

/// Why code has no layout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LayoutError {
    /// The op at fault.
    pub op: usize,
    /// What is wrong there.
    pub kind: LayoutErrorKind,
}

/// What can be wrong with the shape of code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LayoutErrorKind {
    /// An `else`, `end`, `repeat` or `next` closes nothing, or a block of another kind.
    Mismatched,
    /// A block is not closed; the op is the one that opens it.
    Unclosed,
    /// More than [`MAX_NESTING`] blocks are open.
    TooDeep,
    /// A `break` or `continue` names a block that is not there, or a `continue` one that is no loop.
    BadDepth,
    /// The code costs more than [`MAX_FUNCTION_COST`].
    TooCostly,
}

impl fmt::Display for LayoutError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self.kind {
            LayoutErrorKind::Mismatched => "closes no block of its kind",
            LayoutErrorKind::Unclosed => "opens a block that is never closed",
            LayoutErrorKind::TooDeep => "opens a block too deep inside others",
            LayoutErrorKind::BadDepth => "names an enclosing block that is not there",
            LayoutErrorKind::TooCostly => "makes the function too long",
        };
        write!(formatter, "op {} {text}", self.op)
    }
}

impl std::error::Error for LayoutError {}

/// What the layout knows of one op, in 8 bytes: no function has more ops than [`limits::OPS`] or costs more than
/// [`MAX_FUNCTION_COST`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Entry {
    /// `C[p]`.
    before: u16,
    /// `a(p)`.
    anchor: u16,
    /// The other end of the block. None if it is the op itself: nothing closes itself.
    partner: u16,
    /// Where it jumps. None if it is 0: op 0 is in no block, and so no step goes to it.
    target: u16,
}

/// The shape of one function's code. All methods take an op's index; for an index beyond the end they answer as
/// for the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// One entry for each op and one for the end.
    entries: Vec<Entry>,
    /// How many `within`s are open when an op is about to run: of each op up to the last where one is.
    withins: Vec<u8>,
    /// The greatest cost of a way without a settling op, and the op where it ends.
    longest: (u16, u16),
}

impl Layout {
    /// Computes the layout in two linear passes.
    ///
    /// # Errors
    /// Where blocks do not nest, a branch names no enclosing block, or the code costs too much.
    pub fn of(code: &[Op]) -> Result<Layout, LayoutError> {
        if code.len() > limits::OPS {
            return Err(LayoutError { op: limits::OPS, kind: LayoutErrorKind::TooCostly });
        }
        let mut builder = Builder::new(code.len());
        for (index, op) in code.iter().enumerate() {
            builder.step(index, op)?;
        }
        builder.finish(code)
    }

    /// Bytes of memory that the layout of so many ops takes, with a `within` among them or without.
    pub(crate) const fn bytes(ops: usize, within: bool) -> usize {
        let each = size_of::<Entry>().saturating_add(if within { 1 } else { 0 });
        ops.saturating_add(1).saturating_mul(each)
    }

    /// How many ops there are.
    pub fn len(&self) -> usize {
        self.entries.len().saturating_sub(1)
    }

    /// Whether there are no ops.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// `C[p]`: static cost of all ops before `p`.
    pub fn before(&self, p: usize) -> u32 {
        self.entry(p).map_or(0, |entry| u32::from(entry.before))
    }

    /// Static cost of the whole function.
    pub fn total(&self) -> u32 {
        self.before(self.len())
    }

    /// `a(p)`: the op from which the fuel of the region around `p` is counted.
    pub fn anchor(&self, p: usize) -> usize {
        self.entry(p).map_or(0, |entry| usize::from(entry.anchor))
    }

    /// `C[p] − C[a(p)]`: what the region has cost when `p` is about to run.
    pub fn spent(&self, p: usize) -> u32 {
        self.before(p).saturating_sub(self.before(self.anchor(p)))
    }

    /// `d(p) = C[p+1] − C[a(p)]`: what the region has cost once `p` is paid.
    pub fn charge(&self, p: usize) -> u32 {
        self.before(p.saturating_add(1)).saturating_sub(self.before(self.anchor(p)))
    }

    /// [`Layout::spent`] and [`Layout::charge`] of an op, both at once.
    pub fn costs(&self, p: usize) -> (u16, u16) {
        let Some([own, next]) = self.entries.get(p..).and_then(|rest| rest.first_chunk()) else {
            return (0, 0);
        };
        let before = self.entries.get(usize::from(own.anchor)).map_or(0, |anchor| anchor.before);
        (own.before.saturating_sub(before), next.before.saturating_sub(before))
    }

    /// Rule F2: what is added to `F` on the step from `p` to `t`.
    pub fn edge(&self, p: usize, t: usize) -> i32 {
        // Both are at most MAX_FUNCTION_COST.
        self.spent(t).cast_signed().wrapping_sub(self.charge(p).cast_signed())
    }

    /// Where `p` goes when it does not go on with `p + 1`: an `if` behind its `else` or `end`; an `else`
    /// behind its `end`; a loop's opening op behind its closing op; a closing op to the first op of the body;
    /// a `break` behind the block's closing op; a `continue` to it; a `within` that undoes behind its
    /// `within.else`, when a budget has run out; a `within.else` behind its `end`. `None` for all others.
    pub fn target(&self, p: usize) -> Option<usize> {
        self.entry(p).map(|entry| usize::from(entry.target)).filter(|&target| target != 0)
    }

    /// The other end of a block: `if` → its `else` or `end`; `else` → its `end`; `end` → its `if` or `block`;
    /// `block` → its `end`; a loop's opening and closing op → each other; `break` and `continue` → the opening op
    /// of the block they name; `within` → its `within.else` or `within.end`; `within.else` → its `end`;
    /// `within.end`, and the `end` behind a `within.else` → the `within`.
    pub fn partner(&self, p: usize) -> Option<usize> {
        let p = p.min(self.len());
        self.entry(p).map(|entry| usize::from(entry.partner)).filter(|&partner| partner != p)
    }

    /// How many `within`s of this function are open when `p` is about to run: a `within`'s closing op counts
    /// as inside of it, the block behind `within.else` does not.
    pub fn withins(&self, p: usize) -> usize {
        self.withins.get(p).map_or(0, |count| usize::from(*count))
    }

    /// Rule F9: how many `within`s the step from `p` to `t` leaves.
    pub fn leaves(&self, p: usize, t: usize) -> usize {
        self.withins(p).saturating_sub(self.withins(t))
    }

    /// The costliest way without a settling op: its cost and the op where it ends. Rule F11 wants at most
    /// [`MAX_SETTLE_FREE`].
    pub fn longest_unsettled(&self) -> (u32, usize) {
        (u32::from(self.longest.0), usize::from(self.longest.1))
    }

    fn entry(&self, p: usize) -> Option<&Entry> {
        self.entries.get(p).or(self.entries.last())
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum BlockKind {
    If,
    Block,
    Loop,
    Items,
    Within,
}

impl BlockKind {
    /// Whether `break` and `continue` count it.
    const fn counts(self) -> bool {
        matches!(self, BlockKind::Block | BlockKind::Loop | BlockKind::Items)
    }
}

/// A block that is open.
struct Open {
    kind: BlockKind,
    start: usize,
    /// Its `else` or `within.else`, once seen.
    otherwise: Option<usize>,
    /// The anchor around it.
    outer_anchor: u16,
    /// The most spent on a way that leaves it by a jump to its end (`break`, `else`, a condition that fails).
    leaving: u32,
    /// The most spent on a way that goes on with its closing op (`continue`).
    continuing: u32,
    /// What was spent when it was entered; where an `else` starts.
    entering: u32,
}

struct Builder {
    entries: Vec<Entry>,
    open: Vec<Open>,
    before: u32,
    anchor: u16,
    /// How many `within`s are open.
    inside: u8,
    withins: Vec<u8>,
    /// The most spent since the last settling op; 0 where nothing arrives.
    unsettled: u32,
    longest: (u32, usize),
}

impl Builder {
    fn new(length: usize) -> Builder {
        Builder {
            entries: Vec::with_capacity(length.saturating_add(1)),
            open: Vec::new(),
            before: 0,
            anchor: 0,
            inside: 0,
            withins: Vec::new(),
            unsettled: 0,
            longest: (0, 0),
        }
    }

    fn step(&mut self, p: usize, op: &Op) -> Result<(), LayoutError> {
        let info = op.info();
        let error = |kind| LayoutError { op: p, kind };
        if let Flow::Repeat | Flow::Advance = info.flow
            && let Some(open) = self.open.last()
        {
            self.unsettled = self.unsettled.max(open.continuing);
        }
        self.push();
        let spent = self.unsettled.saturating_add(u32::from(info.cost));
        if spent > self.longest.0 {
            self.longest = (spent, p);
        }
        self.before = self.before.saturating_add(u32::from(info.cost));
        if self.before > MAX_FUNCTION_COST {
            return Err(error(LayoutErrorKind::TooCostly));
        }
        self.unsettled = if info.settle == Settle::No { spent } else { 0 };
        match info.flow {
            Flow::Next | Flow::Call => {}
            Flow::Leave => self.unsettled = 0,
            Flow::Open => {
                let kind = if let Op::If { .. } = op { BlockKind::If } else { BlockKind::Block };
                self.enter(p, kind)?;
            }
            Flow::OpenLoop => {
                let kind = if let Op::Loop { .. } = op { BlockKind::Loop } else { BlockKind::Items };
                self.enter(p, kind)?;
                self.anchor = small(p.saturating_add(1));
            }
            Flow::OpenWithin => self.enter(p, BlockKind::Within)?,
            Flow::Else => {
                self.otherwise(p, BlockKind::If).ok_or(error(LayoutErrorKind::Mismatched))?;
            }
            Flow::WithinElse => {
                self.otherwise(p, BlockKind::Within).ok_or(error(LayoutErrorKind::Mismatched))?;
            }
            Flow::WithinEnd => self.end_within(p).ok_or(error(LayoutErrorKind::Mismatched))?,
            Flow::End => self.end(p).ok_or(error(LayoutErrorKind::Mismatched))?,
            Flow::Repeat => self.close_loop(p, BlockKind::Loop).ok_or(error(LayoutErrorKind::Mismatched))?,
            Flow::Advance => {
                self.close_loop(p, BlockKind::Items).ok_or(error(LayoutErrorKind::Mismatched))?
            }
            Flow::Branch => self.branch(p, op).ok_or(error(LayoutErrorKind::BadDepth))?,
        }
        Ok(())
    }

    fn push(&mut self) {
        let p = self.entries.len();
        if self.inside > 0 {
            self.withins.reserve_exact(self.entries.capacity().saturating_sub(self.withins.len()));
            self.withins.resize(p, 0);
            self.withins.push(self.inside);
        }
        self.entries.push(Entry {
            before: u16::try_from(self.before).unwrap_or(u16::MAX),
            anchor: self.anchor,
            partner: small(p),
            target: 0,
        });
    }

    fn enter(&mut self, p: usize, kind: BlockKind) -> Result<(), LayoutError> {
        if self.open.len() >= MAX_NESTING {
            return Err(LayoutError { op: p, kind: LayoutErrorKind::TooDeep });
        }
        if kind == BlockKind::Within {
            self.inside = self.inside.saturating_add(1);
        }
        self.open.push(Open {
            kind,
            start: p,
            otherwise: None,
            outer_anchor: self.anchor,
            leaving: 0,
            continuing: 0,
            entering: self.unsettled,
        });
        Ok(())
    }

    /// An `else` or `within.else`. What opened the block settles or the `if` did not: either way the second
    /// arm starts with what was spent when the block was entered.
    fn otherwise(&mut self, p: usize, kind: BlockKind) -> Option<()> {
        let open = self.open.last_mut().filter(|open| open.kind == kind && open.otherwise.is_none())?;
        if kind == BlockKind::Within {
            self.inside = self.inside.saturating_sub(1);
        }
        open.otherwise = Some(p);
        open.leaving = open.leaving.max(self.unsettled);
        self.unsettled = open.entering;
        let start = open.start;
        self.link(start, p, Some(p.saturating_add(1)));
        Some(())
    }

    fn end(&mut self, p: usize) -> Option<()> {
        let open = self.open.pop()?;
        let behind = p.saturating_add(1);
        match (open.kind, open.otherwise) {
            (BlockKind::If | BlockKind::Within, Some(otherwise)) => self.link(otherwise, p, Some(behind)),
            (BlockKind::If, None) => {
                self.link(open.start, p, Some(behind));
                self.unsettled = self.unsettled.max(open.entering);
            }
            (BlockKind::Block, _) => self.link(open.start, p, None),
            (BlockKind::Loop | BlockKind::Items | BlockKind::Within, _) => return None,
        }
        self.link(p, open.start, None);
        self.unsettled = self.unsettled.max(open.leaving);
        // `end` itself was measured on its fall-through only; it costs nothing, so the next op makes up for it.
        Some(())
    }

    fn end_within(&mut self, p: usize) -> Option<()> {
        let open =
            self.open.pop().filter(|open| open.kind == BlockKind::Within && open.otherwise.is_none())?;
        self.inside = self.inside.saturating_sub(1);
        self.link(open.start, p, None);
        self.link(p, open.start, None);
        Some(())
    }

    fn close_loop(&mut self, p: usize, kind: BlockKind) -> Option<()> {
        let open = self.open.pop().filter(|open| open.kind == kind)?;
        self.link(open.start, p, Some(p.saturating_add(1)));
        self.link(p, open.start, Some(open.start.saturating_add(1)));
        self.anchor = open.outer_anchor;
        self.unsettled = open.leaving;
        Some(())
    }

    fn branch(&mut self, p: usize, op: &Op) -> Option<()> {
        let (depth, continues) = match op {
            Op::Continue { depth } => (*depth, true),
            Op::Break { depth } => (*depth, false),
            _ => return None,
        };
        let spent = self.unsettled;
        let named = self.open.iter_mut().rev().filter(|open| open.kind.counts()).nth(usize::from(depth))?;
        if continues {
            if named.kind == BlockKind::Block {
                return None;
            }
            named.continuing = named.continuing.max(spent);
        } else {
            named.leaving = named.leaving.max(spent);
        }
        // Where the block ends is not known yet: `finish` fills in the target.
        let start = named.start;
        self.link(p, start, None);
        self.unsettled = 0;
        Some(())
    }

    fn link(&mut self, p: usize, partner: usize, target: Option<usize>) {
        if let Some(entry) = self.entries.get_mut(p) {
            entry.partner = small(partner);
            entry.target = target.map_or(0, small);
        }
    }

    fn finish(mut self, code: &[Op]) -> Result<Layout, LayoutError> {
        if let Some(open) = self.open.last() {
            return Err(LayoutError { op: open.start, kind: LayoutErrorKind::Unclosed });
        }
        self.push();
        for (p, op) in code.iter().enumerate() {
            if !matches!(op, Op::Break { .. } | Op::Continue { .. }) {
                continue;
            }
            let start = self.entries.get(p).map_or(0, |entry| entry.partner);
            let close = self.entries.get(usize::from(start)).map_or(0, |entry| entry.partner);
            let behind = u16::from(matches!(op, Op::Break { .. }));
            if let Some(entry) = self.entries.get_mut(p) {
                entry.target = close.saturating_add(behind);
            }
        }
        let (cost, op) = self.longest;
        let longest = (u16::try_from(cost).unwrap_or(u16::MAX), small(op));
        Ok(Layout { entries: self.entries, withins: self.withins, longest })
    }
}

/// An op's index, or that of the end.
fn small(index: usize) -> u16 {
    u16::try_from(index).unwrap_or(u16::MAX)
}
