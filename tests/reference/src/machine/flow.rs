//! Blocks, loops, calls, and blocks with budgets.

use swarm_bytecode::module::Function;
use swarm_bytecode::op::{Op, Register};
use swarm_bytecode::trap::LimitKind;
use swarm_bytecode::types::{Type, TypeId};

use super::{Done, Halt, Order, Slot, index, price};
use crate::metric::Samples;
use crate::report::Host;
use crate::types::Types;
use crate::value::{Value, fits};

/// A live call.
#[derive(Debug)]
pub(super) struct Frame<'m> {
    pub(super) function: u16,
    pub(super) own: &'m Function,
    pub(super) registers: Vec<Slot>,
    /// The blocks that are open here, outermost first: whether `break` counts them.
    open: Vec<Block>,
    types: Types<'m>,
    /// The first register that got what is not of its type.
    misfit: Option<Register>,
}

/// What kind of block is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Block {
    If,
    /// What `break` and `continue` count.
    Counted,
    Within,
}

impl<'m> Frame<'m> {
    pub(super) fn new(function: u16, own: &'m Function, types: Types<'m>, arguments: Vec<Slot>) -> Frame<'m> {
        let registers = vec![Slot::of(Value::Zero); own.registers.len()];
        let mut frame = Frame { function, own, registers, open: Vec::new(), types, misfit: None };
        for (register, slot) in (0_u8..).zip(arguments) {
            frame.set(Register(register), slot);
        }
        frame
    }

    pub(super) fn get(&self, register: Register) -> Slot {
        let slot = self.registers.get(index(register)).cloned().unwrap_or(Slot::of(Value::Zero));
        // A text that was never put there is the empty one; as the key of a map it has to be found as that.
        match (&slot.value, self.types.get(self.ty(register))) {
            (Value::Zero, Type::String | Type::Secret) => Slot::of(Value::from(String::new())),
            _ => slot,
        }
    }

    pub(super) fn value(&self, register: Register) -> Value {
        self.get(register).value
    }

    pub(super) fn set(&mut self, register: Register, slot: Slot) {
        if !fits(self.types, self.ty(register), &slot.value) {
            self.misfit.get_or_insert(register);
        }
        if let Some(place) = self.registers.get_mut(index(register)) {
            *place = slot;
        }
    }

    pub(super) fn ty(&self, register: Register) -> TypeId {
        self.own.registers.get(index(register)).copied().unwrap_or(TypeId::INT)
    }

    /// How many `within`s a jump out of the `depth`-th counted block leaves.
    fn withins_left(&self, depth: u8) -> usize {
        let mut counted = 0_u32;
        let inside = self.open.iter().rev().take_while(|block| {
            counted = counted.saturating_add(u32::from(**block == Block::Counted));
            counted <= u32::from(depth)
        });
        inside.filter(|block| **block == Block::Within).count()
    }

    fn withins(&self) -> usize {
        self.open.iter().filter(|block| **block == Block::Within).count()
    }
}

/// The most fuel from one settling op to the next, both included: rule V24, and the settling op itself.
const MOST_UNSETTLED: u64 = 2048 + 16;

/// How a stretch of code was left.
#[derive(Debug)]
pub(super) enum Left {
    /// At its end.
    Through,
    Break(u8),
    Continue(u8),
    Return(Option<Slot>),
}

/// An open `within`.
#[derive(Debug)]
pub(super) struct Within {
    pub(super) phase: String,
    /// What it puts back; `None` if it does not undo.
    saved: Option<Box<Saved>>,
    bytes: u64,
    pub(super) duration_ends: Option<i64>,
    pub(super) money: Option<Purse>,
    pub(super) tokens: Option<Purse>,
    /// Host calls of the order before it.
    pub(super) first_call: u64,
}

/// As it was when a `within` was entered.
#[derive(Debug)]
struct Saved {
    registers: Vec<(Register, Slot)>,
    states: Vec<Slot>,
    metrics: Vec<Samples>,
    actions: usize,
}

/// A budget, and what is reserved or spent of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Purse {
    budget: i64,
    pub(super) used: i64,
}

impl Purse {
    pub(super) fn fits(self, more: i64) -> bool {
        more == 0 || self.used.saturating_add(more) <= self.budget
    }
}

impl Within {
    pub(super) fn undoes(&self) -> bool {
        self.saved.is_some()
    }
}

impl<'m> Order<'m> {
    /// Evaluates the ops from one to another.
    pub(super) fn block(
        &mut self,
        frame: &mut Frame<'m>,
        from: usize,
        to: usize,
        host: &mut Host<'_>,
    ) -> Done<Left> {
        let own = frame.own;
        let mut at = from;
        while let Some(op) = own.code.get(at).filter(|_| at < to) {
            self.arrive(frame, at);
            let left = match op {
                Op::If { .. } | Op::Block {} | Op::Within { .. } => self.open(frame, at, op, host)?,
                Op::Loop {} | Op::ForEach { .. } | Op::ForEachEntry { .. } | Op::Range { .. } => {
                    self.repeat(frame, at, op, host)?
                }
                Op::Break { depth } => {
                    self.leave(frame.withins_left(*depth), host)?;
                    Left::Break(*depth)
                }
                Op::Continue { depth } => {
                    self.leave(frame.withins_left(*depth), host)?;
                    Left::Continue(*depth)
                }
                Op::Return {} => {
                    self.settle(0)?;
                    self.leave(frame.withins(), host)?;
                    Left::Return(None)
                }
                Op::ReturnValue { value } => {
                    self.settle(0)?;
                    self.leave(frame.withins(), host)?;
                    Left::Return(Some(frame.get(*value)))
                }
                simple => {
                    self.op(frame, simple, host)?;
                    Left::Through
                }
            };
            self.paid();
            if let Some(register) = frame.misfit.take() {
                self.breaks(|| format!("register {} after {op:?} does not have its type", register.0));
            }
            match left {
                Left::Through => {}
                other => return Ok(other),
            }
            // A block goes on behind what closes it.
            at = self.closing(frame, at).saturating_add(1);
        }
        Ok(Left::Through)
    }

    /// The op at an index is at hand.
    fn arrive(&mut self, frame: &Frame<'_>, at: usize) {
        self.run.place = (frame.function, u32::try_from(at).unwrap_or(u32::MAX));
        self.run.due = frame.own.code.get(at).map_or(0, |op| u64::from(op.info().cost));
        self.run.unsettled = self.run.unsettled.saturating_add(self.run.due);
        if self.run.unsettled > MOST_UNSETTLED {
            self.breaks(|| format!("{MOST_UNSETTLED} units of fuel without a settling op"));
        }
    }

    fn closing(&self, frame: &Frame<'_>, at: usize) -> usize {
        let opens = frame.own.code.get(at).is_some_and(|op| {
            use swarm_bytecode::op::Flow::{Open, OpenLoop, OpenWithin};
            matches!(op.info().flow, Open | OpenLoop | OpenWithin)
        });
        match self.given.blocks.get(usize::from(frame.function)) {
            Some(blocks) if opens => blocks.end(at),
            _ => at,
        }
    }

    /// Evaluates what stands in a block.
    fn inside(
        &mut self,
        frame: &mut Frame<'m>,
        kind: Block,
        from: usize,
        to: usize,
        host: &mut Host<'_>,
    ) -> Done<Left> {
        frame.open.push(kind);
        let left = self.block(frame, from, to, host);
        frame.open.pop();
        left
    }

    fn open(&mut self, frame: &mut Frame<'m>, at: usize, op: &Op, host: &mut Host<'_>) -> Done<Left> {
        let end = self.closing(frame, at);
        let body = at.saturating_add(1);
        let otherwise =
            self.given.blocks.get(usize::from(frame.function)).and_then(|blocks| blocks.otherwise(at));
        match op {
            Op::If { condition } => {
                self.paid();
                match (frame.value(*condition).holds(), otherwise) {
                    (true, Some(otherwise)) => {
                        let left = self.inside(frame, Block::If, body, otherwise, host)?;
                        if let Left::Through = left {
                            self.arrive(frame, otherwise);
                        }
                        Ok(left)
                    }
                    (true, None) => self.inside(frame, Block::If, body, end, host),
                    (false, Some(otherwise)) => {
                        self.inside(frame, Block::If, otherwise.saturating_add(1), end, host)
                    }
                    (false, None) => Ok(Left::Through),
                }
            }
            Op::Within { .. } => self.within(frame, (body, otherwise, end), op, host),
            _ => Ok(match self.inside(frame, Block::Counted, body, end, host)? {
                Left::Break(0) => Left::Through,
                other => outward(other),
            }),
        }
    }

    /// A loop: its opening op, then the body and the closing op by turns.
    fn repeat(&mut self, frame: &mut Frame<'m>, at: usize, op: &Op, host: &mut Host<'_>) -> Done<Left> {
        let mut items = self.items(frame, op)?;
        self.paid();
        let endless = matches!(op, Op::Loop {});
        let (body, end) = (at.saturating_add(1), self.closing(frame, at));
        let mut next = items.next();
        while endless || next.is_some() {
            let begun = next.take();
            for (register, value) in begun.iter().flatten() {
                frame.set(*register, Slot::of(value.clone()));
            }
            let left = self.inside(frame, Block::Counted, body, end, host)?;
            if let Some((counter, value)) = begun.iter().flatten().last()
                && frame.value(*counter).word() != value.word()
            {
                self.breaks(|| format!("register {} was written in the loop that it counts", counter.0));
            }
            match left {
                Left::Through | Left::Continue(0) => {}
                Left::Break(0) => return Ok(Left::Through),
                other => return Ok(outward(other)),
            }
            self.arrive(frame, end);
            self.settle(0)?;
            self.paid();
            next = items.next();
        }
        Ok(Left::Through)
    }

    /// What each round of a loop begins with: values for registers.
    #[expect(clippy::type_complexity, reason = "rounds, each of which sets some registers")]
    fn items(
        &mut self,
        frame: &mut Frame<'m>,
        op: &Op,
    ) -> Done<Box<dyn Iterator<Item = Vec<(Register, Value)>>>> {
        match *op {
            Op::ForEach { item, index, list } => {
                self.settle(0)?;
                let items = frame.value(list).parts().to_vec().into_iter().zip(0_i64..);
                Ok(Box::new(items.map(move |(value, at)| vec![(item, value), (index, Value::Word(at))])))
            }
            Op::Range { item, first, last } => {
                self.settle(0)?;
                let range = frame.value(first).word()..=frame.value(last).word();
                Ok(Box::new(range.map(move |value| vec![(item, Value::Word(value))])))
            }
            Op::ForEachEntry { key, value, index, map } => {
                let map = frame.value(map);
                self.settle(price::entries(&map))?;
                let entries = map.entries().into_values().zip(0_i64..);
                Ok(Box::new(
                    entries.map(move |((own, held), at)| {
                        vec![(key, own), (value, held), (index, Value::Word(at))]
                    }),
                ))
            }
            _ => {
                self.settle(0)?;
                Ok(Box::new(std::iter::empty()))
            }
        }
    }

    fn within(
        &mut self,
        frame: &mut Frame<'m>,
        (body, otherwise, end): (usize, Option<usize>, usize),
        op: &Op,
        host: &mut Host<'_>,
    ) -> Done<Left> {
        let own = self.run.withins.len();
        self.open_within(frame, op)?;
        let (depth, frames) = (self.run.depth, self.run.frames);
        let late = |within: &Within| within.duration_ends.is_some_and(|end| end <= self.now);
        let begun = if self.run.withins.last().is_some_and(late) {
            Err(Halt::Struck(own, LimitKind::Deadline))
        } else {
            self.paid();
            self.inside(frame, Block::Within, body, otherwise.unwrap_or(end), host)
        };
        let left = begun.and_then(|left| {
            if let Left::Through = left {
                // `within.else` or `within.end`.
                self.arrive(frame, otherwise.unwrap_or(end));
                self.settle(0)?;
                self.leave(1, host)?;
                self.paid();
            }
            Ok(left)
        });
        match (left, otherwise) {
            (Err(Halt::Struck(at, limit)), Some(otherwise)) if at == own => {
                self.undo(frame, own, limit);
                self.unwind(depth, frames);
                self.inside(frame, Block::If, otherwise.saturating_add(1), end, host)
            }
            (left, _) => left,
        }
    }

    fn open_within(&mut self, frame: &mut Frame<'m>, op: &Op) -> Done {
        let Op::Within { budgets, saved, phase, undoes } = op else { return Ok(()) };
        let undoes = *undoes != 0;
        let beside = if undoes { self.states.len().saturating_add(self.metrics.len()) } else { 0 };
        let kept = price::count(saved.len().saturating_add(beside));
        self.settle(kept)?;
        let bytes = price::within(kept);
        self.take(bytes)?;
        let registers: Vec<(Register, Slot)> = saved.iter().map(|own| (*own, frame.get(*own))).collect();
        if undoes {
            registers.iter().for_each(|(_, slot)| slot.share());
            self.states.iter().for_each(Slot::share);
        }
        let saved = Saved {
            registers,
            states: self.states.clone(),
            metrics: self.metrics.clone(),
            actions: self.run.actions.len(),
        };
        let mut within = Within {
            phase: self
                .given
                .strings
                .get(phase.index())
                .map_or(String::new(), |phase| phase.text().to_owned()),
            saved: undoes.then(|| Box::new(saved)),
            bytes,
            duration_ends: None,
            money: None,
            tokens: None,
            first_call: self.meters.host_calls,
        };
        for register in budgets.iter() {
            let budget = frame.value(*register).word();
            match frame.ty(*register) {
                TypeId::MONEY => within.money = Some(Purse { budget, used: 0 }),
                TypeId::TOKENS => within.tokens = Some(Purse { budget, used: 0 }),
                _ => within.duration_ends = Some(self.now.saturating_add(budget.max(0))),
            }
        }
        self.tell_within(13, &within.phase, None);
        self.run.withins.push(within);
        Ok(())
    }

    /// The op at hand leaves so many `within`s, whose work is kept; that has to be paid for first.
    fn leave(&mut self, count: usize, host: &mut Host<'_>) -> Done {
        if count == 0 {
            return Ok(());
        }
        self.settle(0)?;
        self.keep(count);
        if self.holds() { Ok(()) } else { self.apply(host) }
    }

    /// Closes the innermost `within`s.
    pub(super) fn keep(&mut self, count: usize) {
        for _ in 0..count {
            let Some(within) = self.run.withins.pop() else { return };
            self.give_back(within.bytes);
            self.tell_within(14, &within.phase, None);
        }
    }

    /// Puts back what was saved when the `within` at an index was entered. What was spent stays spent.
    fn undo(&mut self, frame: &mut Frame<'m>, at: usize, limit: LimitKind) {
        if let Some(within) = self.run.withins.get(at) {
            let phase = within.phase.clone();
            self.tell_within(15, &phase, Some(limit));
        }
        self.paid();
        let mut saved = None;
        while self.run.withins.len() > at {
            let Some(within) = self.run.withins.pop() else { break };
            self.give_back(within.bytes);
            saved = within.saved;
        }
        let Some(saved) = saved else { return };
        for (register, slot) in saved.registers {
            frame.set(register, slot);
        }
        self.states = saved.states;
        self.metrics = saved.metrics;
        for action in self.run.actions.split_off(saved.actions.min(self.run.actions.len())) {
            self.release(action.number, action.cost, (0, 0));
            self.run.undone = self.run.undone.saturating_add(1);
        }
    }
}

/// A jump seen from outside of a block that it counts.
fn outward(left: Left) -> Left {
    match left {
        Left::Break(depth) => Left::Break(depth.saturating_sub(1)),
        Left::Continue(depth) => Left::Continue(depth.saturating_sub(1)),
        other => other,
    }
}
