//! Loops over a host's table whose bodies are conditions on fields of the row, one after the other, each with
//! what is done where it holds. A word before each condition passes over all conditions that do not hold, of
//! this row and those behind it, and leaves registers and fuel as if they had been gone through one by one.
//!
//! Like a fused word it stands before the words of an op, does nothing where it cannot pay for it, and no
//! trace sees it.

use std::cell::OnceCell;

use swarm_bytecode::layout::Layout;
use swarm_bytecode::op::{Flow, Op, Operand, OperandKind, Register};

use crate::decode::Code;
use crate::encoded::Encoded;
use crate::fuse::{Ask, Compared, Fusing, floats, words};
use crate::slot;
use crate::word::Word;

/// Most conditions of one filter: a bit of a byte for each, and one for the end of the round.
pub(crate) const MOST: usize = 7;

/// Conditions of the rows of a loop.
#[derive(Debug, Clone)]
pub(crate) struct Filter {
    pub(crate) item: u8,
    pub(crate) index: u8,
    pub(crate) list: u8,
    /// Fuel of a round in which no condition holds.
    pub(crate) cost: u16,
    pub(crate) conditions: Box<[Condition]>,
    /// Credit of a whole round in which no condition holds.
    pub(crate) credit: u16,
    /// Whether conditions are passed over from within a row as well, not only from its beginning: nothing
    /// that is done changes what rows are compared with, and what the conditions write is read nowhere else, but for a
    /// field inside of its own condition.
    pub(crate) goes_on: bool,
    /// The closing op of the loop; once that is decoded, its word.
    end: u32,
}

/// Whether a field of the row compares so with a register.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Condition {
    pub(crate) field: u8,
    /// Where the field goes, and whether the condition holds.
    pub(crate) loaded: u8,
    pub(crate) result: u8,
    pub(crate) other: u8,
    pub(crate) relation: Relation,
    /// What the jumps over the conditions before put back, where none of them holds.
    pub(crate) credit: u16,
    /// Its first op; once that is decoded, its word.
    pub(crate) start: u32,
    /// How many words behind that the first one inside of it stands.
    pub(crate) inside: u8,
    /// Whether what is done where it holds reads the field from its register.
    pub(crate) reads: bool,
    /// The site of the call of the host that is all that is done where it holds, or [`NO_SITE`], what that is due to pay, and
    /// how many words before it load its arguments.
    pub(crate) site: u32,
    pub(crate) due: u16,
    pub(crate) loads: u8,
}

/// No call of the host, or more than that.
pub(crate) const NO_SITE: u32 = u32::MAX;

/// Most words that load the arguments of such a call.
const MOST_LOADS: usize = 4;

impl Condition {
    /// The first word inside of it.
    pub(crate) fn first_inside(&self) -> u32 {
        self.start.wrapping_add(self.inside.into())
    }

    /// The word of the call.
    pub(crate) fn call(&self) -> u32 {
        self.first_inside().wrapping_add(self.loads.into())
    }
}

/// How the field compares with the other value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Relation {
    Less,
    More,
    NotLess,
    NotMore,
}

impl Filter {
    /// The filter of a loop whose body begins with op `p`, if it is a loop of such conditions, and its
    /// closing op. `outlive` are the registers of the function's [`Outliving`].
    fn at<'o>(
        code: Part<'_>,
        layout: &Layout,
        p: usize,
        outlive: impl FnOnce() -> Option<&'o Outliving>,
    ) -> Option<(Filter, usize)> {
        let opening = p.checked_sub(1)?;
        let Op::ForEach { item, index, list } = code.from(opening)?.first()? else { return None };
        let end = layout.partner(opening)?;
        let (mut conditions, mut insides) = (Vec::new(), Vec::new());
        // What the jumps put back.
        let mut credit = 0_i64;
        let mut at = p;
        while at != end {
            if let Op::End {} | Op::Block {} = code.from(at)?.first()? {
                at = at.checked_add(1)?;
                continue;
            }
            let [Op::Field { result: loaded, record, field }, compare, Op::If { condition }, ..] =
                code.from(at)?
            else {
                return None;
            };
            let compared = words(compare).or_else(|| floats(compare))?.with_left(*loaded)?;
            let Compared { result, right, .. } = compared;
            if record != item || result != *condition || conditions.len() == MOST {
                return None;
            }
            let branch = at.checked_add(2)?;
            conditions.push(Condition {
                field: *field,
                loaded: loaded.0,
                result: result.0,
                other: right.0,
                relation: relation(compared)?,
                credit: u16::try_from(credit).ok()?,
                start: slot::count(at),
                inside: 0,
                reads: false,
                site: NO_SITE,
                due: 0,
                loads: 0,
            });
            at = layout.target(branch)?;
            insides.push(code.from(branch.checked_add(1)?)?.get(..at.checked_sub(branch)?.checked_sub(1)?)?);
            credit = credit.checked_add(i64::from(layout.edge(branch, at)))?;
        }
        let cost = i64::from(layout.charge(end)).checked_sub(credit)?;
        let mut filter = Filter {
            item: item.0,
            index: index.0,
            list: list.0,
            cost: u16::try_from(cost).ok().filter(|cost| *cost > 0)?,
            conditions: conditions.into(),
            credit: u16::try_from(credit).ok()?,
            goes_on: false,
            end: slot::count(end),
        };
        if !filter.keeps(&[*item, *index, *list]) {
            return None;
        }
        filter.goes_on = filter.is_steady(code.from(p)?.get(..end.checked_sub(p)?)?)
            && filter.is_local(&insides, outlive()?);
        Some((filter, end))
    }

    /// Finds out where one call of the host is all that is done, once all words are made. Conditions are passed over behind
    /// those only if they are from within a row as well.
    pub(crate) fn find_calls(&mut self, number: u16, words: &[Encoded]) {
        if !self.goes_on {
            return;
        }
        for (behind, condition) in (1..).zip(&mut self.conditions) {
            let inside = words.get(slot::index(condition.first_inside())..).unwrap_or_default();
            let loads = inside.iter().take(MOST_LOADS).take_while(|word| match word.decode() {
                Some(Word::Integer { .. } | Word::Constant { .. } | Word::Move { .. }) => true,
                Some(Word::Field { record, .. }) => record == self.item,
                _ => false,
            });
            let loads = loads.count();
            if let Some([call, next, ..]) = inside.get(loads..)
                && let Some(Word::Host { due, site, .. }) = call.decode()
                && let Some(Word::PassOn { filter, from, .. }) = next.decode()
                && (filter, from) == (number, behind)
            {
                (condition.site, condition.due) = (site, due);
                condition.loads = u8::try_from(loads).unwrap_or(0);
            }
        }
    }

    /// Whether a call of the host is all that is done where any of its conditions holds.
    pub(crate) fn only_calls(&self) -> bool {
        self.conditions.iter().all(|condition| condition.site != NO_SITE)
    }

    /// The memory it takes, with that of its places while a function is decoded.
    pub(crate) fn bytes(&self) -> usize {
        let conditions = size_of_val(self.conditions.as_ref());
        size_of::<Filter>().saturating_add(conditions.saturating_mul(2)).saturating_add(size_of::<Place>())
    }

    /// Whether no condition writes what the loop or a condition reads.
    fn keeps(&self, loop_registers: &[Register]) -> bool {
        let mut written = self.conditions.iter().flat_map(|condition| [condition.loaded, condition.result]);
        let read = |register| {
            loop_registers.contains(&Register(register))
                || self.conditions.iter().any(|condition| condition.other == register)
        };
        !self.conditions.is_empty() && !written.any(read)
    }

    /// Whether nothing in the body of the loop writes the item, or what its fields are compared with.
    fn is_steady(&self, body: &[Op]) -> bool {
        let mut steady = true;
        let read = |register: u8| {
            register == self.item || self.conditions.iter().any(|condition| condition.other == register)
        };
        for op in body {
            registers(op, |register, written| steady &= !(written && read(register.0)));
        }
        steady
    }

    /// Whether what the conditions write is read nowhere else but for a field inside of its own condition, where nothing
    /// else is put into its register. Notes which fields are.
    fn is_local(&mut self, insides: &[&[Op]], outlive: &Outliving) -> bool {
        let any = |outside: &Outliving, own: &Condition| outside.any(own.loaded) || outside.any(own.result);
        if !self.conditions.iter().any(|own| any(outlive, own)) {
            return true;
        }
        let mut outside = outlive.clone();
        for (condition, inside) in self.conditions.iter_mut().zip(insides) {
            let own = Outliving::of(inside);
            if own.any(condition.loaded) && !writes(inside, condition.loaded) {
                condition.reads = true;
                outside.take(condition.loaded, &own);
            }
        }
        !self.conditions.iter().any(|own| any(&outside, own))
    }

    /// The conditions, and where the next one or the end of the loop stands.
    fn with_ends(&self) -> impl Iterator<Item = (&Condition, u32)> {
        let next = self.conditions.iter().skip(1).map(|next| next.start);
        self.conditions.iter().zip(next.chain([self.end]))
    }
}

/// Of the registers that filters of a function leave out, those that nobody reads before they are written
/// again, where it goes on at a word: they hold one thing or another, as there was fuel for passing on.
/// `None`: nothing is left out.
pub(crate) fn unread(code: &Code, function: u16, pc: usize) -> Option<[bool; 256]> {
    let own = |filter: &&Filter| {
        let first = filter.conditions.first().map(|own| slot::index(own.start));
        filter.goes_on && first.is_some_and(|first| code.origin(first).function == function)
    };
    let mut unread = None;
    for condition in code.filters.iter().filter(own).flat_map(|filter| &filter.conditions) {
        let unread = unread.get_or_insert([false; 256]);
        for register in [condition.loaded, condition.result] {
            unread.iter_mut().skip(usize::from(register)).take(1).for_each(|own| *own = true);
        }
    }
    let unread = unread.as_mut()?;
    for (condition, end) in code.filters.iter().filter(own).flat_map(Filter::with_ends) {
        if condition.reads && (condition.first_inside()..end).contains(&slot::count(pc)) {
            unread.iter_mut().skip(usize::from(condition.loaded)).take(1).for_each(|own| *own = false);
        }
    }
    // All others outlive no block, so what may be read stands before the next op that begins or ends one.
    let ops =
        code.whole().functions.get(usize::from(function))?.code.get(slot::index(code.origin(pc).op)..)?;
    let mut written = Written::default();
    for (at, op) in ops.iter().enumerate() {
        let goes_on = written.go_on(op, |register| {
            unread.iter_mut().skip(register).take(1).for_each(|own| *own = false);
        });
        if !goes_on {
            break;
        }
        if at == 0 {
            // Of the first op it is not known how far it has come.
            written = Written::default();
        }
    }
    Some(*unread)
}

/// An op, the number of its filter, and which of its conditions, or the end behind the last, it begins.
type Place = (usize, u16, u8);

/// Goes through the ops of a function in order and says where the words of filters stand.
#[derive(Debug, Default)]
pub(crate) struct Filtered {
    /// The conditions still to come, and the ends of loops, the next one last.
    next: Vec<Place>,
    /// The condition whose inside comes next, with the op of that.
    inside: Option<Place>,
    outlive: OnceCell<Outliving>,
}

impl Filtered {
    /// Of a function whose code comes in parts.
    pub(crate) fn of(code: &[Op]) -> Filtered {
        let loops = code.iter().any(|op| matches!(op, Op::ForEach { .. }));
        let outlive = if loops { OnceCell::from(Outliving::of(code)) } else { OnceCell::new() };
        Filtered { outlive, ..Filtered::default() }
    }

    /// Adds the filter of the loop whose body begins with op `p`, if it has one and the part of the code has the
    /// whole of it.
    pub(crate) fn begin(&mut self, filters: &mut Vec<Filter>, code: Part<'_>, layout: &Layout, p: usize) {
        let opening = p.checked_sub(1).and_then(|opening| code.from(opening)?.first());
        let Some(Op::ForEach { .. }) = opening else { return };
        let outlive = || {
            if code.first == 0 && code.ops.len() == layout.len() {
                return Some(self.outlive.get_or_init(|| Outliving::of(code.ops)));
            }
            self.outlive.get()
        };
        // The greatest number is that of no filter.
        let Some(number) = u16::try_from(filters.len()).ok().filter(|own| *own < u16::MAX) else { return };
        let Some((filter, end)) = Filter::at(code, layout, p, outlive) else { return };
        let conditions = filter.conditions.iter().map(|own| slot::index(own.start));
        let first = self.next.len();
        self.next.extend(conditions.chain([end]).zip(0..).map(|(op, from)| (op, number, from)));
        self.next.get_mut(first..).unwrap_or_default().reverse();
        filters.push(filter);
    }

    /// The word to stand before all others of op `p`, if any, whose words begin at `position`.
    pub(crate) fn at(
        &mut self,
        filters: &mut [Filter],
        p: usize,
        position: u32,
        fusing: &Fusing,
    ) -> Option<Word> {
        if let Some((_, number, from)) = self.inside.take_if(|(op, ..)| *op == p)
            && let Some(filter) = filters.get_mut(usize::from(number))
            && let Some(condition) = filter.conditions.get_mut(usize::from(from))
        {
            let words = position.saturating_sub(condition.start);
            condition.inside = u8::try_from(words).unwrap_or(0);
        }
        let (_, number, from) = self.next.pop_if(|(op, ..)| *op == p)?;
        let filter = filters.get_mut(usize::from(number))?;
        let stands = (from == 0 || filter.goes_on) && !fusing.covers(p);
        if let Some(condition) = filter.conditions.get_mut(usize::from(from)) {
            condition.start = position.saturating_add(u32::from(stands));
            // Behind its three ops.
            self.inside = Some((p.saturating_add(3), number, from));
        } else {
            filter.end = position.saturating_add(u32::from(stands));
        }
        let word = match from {
            0 => Word::PassRows { filter: number, list: filter.list },
            from => {
                let own = filter.conditions.get(usize::from(from));
                let credit = own.map_or(filter.credit, |own| own.credit);
                Word::PassOn { filter: number, from, credit }
            }
        };
        stands.then_some(word)
    }
}

/// How often each register is read where the ops right before, up to the last one that begins or ends a block, have not
/// written it: where ops are passed over, its value is needed.
#[derive(Debug, Clone)]
pub(crate) struct Outliving([u32; 256]);

impl Outliving {
    /// Of ops that begin behind one that begins or ends a block.
    fn of(code: &[Op]) -> Outliving {
        let mut outliving = Outliving([0; 256]);
        let mut written = Written::default();
        for op in code {
            let goes_on = written.go_on(op, |register| {
                outliving.0.iter_mut().skip(register).take(1).for_each(|own| *own = own.saturating_add(1));
            });
            if !goes_on {
                written = Written::default();
            }
        }
        outliving
    }

    fn any(&self, register: u8) -> bool {
        self.0.get(usize::from(register)).is_none_or(|own| *own > 0)
    }

    /// Leaves out how often some of the ops read a register so.
    fn take(&mut self, register: u8, some: &Outliving) {
        let register = usize::from(register);
        if let (Some(all), Some(some)) = (self.0.get_mut(register), some.0.get(register)) {
            *all = all.saturating_sub(*some);
        }
    }
}

/// Whether any of these ops writes a register.
fn writes(code: &[Op], register: u8) -> bool {
    let mut any = false;
    for op in code {
        registers(op, |own, written| any |= written && own.0 == register);
    }
    any
}

/// Some ops of a function that follow each other, from the one of this number on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Part<'a> {
    pub(crate) ops: &'a [Op],
    pub(crate) first: usize,
}

impl<'a> Part<'a> {
    /// Those from op `p` on, if it is among them.
    pub(crate) fn from(self, p: usize) -> Option<&'a [Op]> {
        self.ops.get(p.checked_sub(self.first)?..)
    }
}

/// The registers that the ops so far have written.
struct Written([bool; 256]);

impl Default for Written {
    fn default() -> Self {
        Written([false; 256])
    }
}

impl Written {
    /// Calls `read` with each register that an op reads and the ops before have not written, then adds what
    /// it writes. Tells whether the ops go on, or it begins or ends a block.
    fn go_on(&mut self, op: &Op, mut read: impl FnMut(usize)) -> bool {
        let mut result = None;
        registers(op, |Register(register), writes| {
            let register = usize::from(register);
            if writes {
                result = Some(register);
            } else if self.0.get(register) == Some(&false) {
                read(register);
            }
        });
        if let Some(written) = result.and_then(|register| self.0.get_mut(register)) {
            *written = true;
        }
        matches!(op.info().flow, Flow::Next | Flow::Call)
    }
}

/// Calls `visit` with each register of an op, and whether it is written.
fn registers(op: &Op, mut visit: impl FnMut(Register, bool)) {
    op.visit_operands(|_, kind, operand| match operand {
        Operand::Register(register) => visit(register, matches!(kind, OperandKind::Destination(_))),
        Operand::Registers(all) => all.iter().for_each(|register| visit(*register, false)),
        Operand::Integer(_) | Operand::Index(_) => {}
    });
}

fn relation(compared: Compared) -> Option<Relation> {
    Some(match (compared.ask, compared.unless) {
        (Ask::Less, false) => Relation::Less,
        (Ask::Less, true) => Relation::NotLess,
        (Ask::More, false) => Relation::More,
        (Ask::More, true) => Relation::NotMore,
        (Ask::Equal, _) => return None,
    })
}
