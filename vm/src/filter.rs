//! Loops over a host's table whose bodies are conditions on fields of the row, one after the other, each with
//! what is done where it holds. A word before each condition passes over all conditions that do not hold, of
//! this row and those behind it, and leaves registers and fuel as if they had been gone through one by one.
//!
//! Like a fused word it stands before the words of an op, does nothing where it cannot pay for it, and no
//! trace sees it.

mod find;
mod registers;

use std::cell::OnceCell;
use std::ops::Range;

use swarm_bytecode::layout::Layout;
use swarm_bytecode::op::Op;

use find::find;
use registers::{Outliving, Written};

use crate::decode::Code;
use crate::encoded::Encoded;
use crate::fuse::Fusing;
use crate::slot;
use crate::word::Word;

/// Most conditions of one filter: a bit of a byte for each, and one for the end of the round.
pub(crate) const MOST: usize = 7;

/// Most comparisons of one filter.
pub(crate) const MOST_TESTS: usize = 12;

/// Conditions of the rows of a loop.
#[derive(Debug, Clone)]
pub(crate) struct Filter {
    pub(crate) item: u8,
    pub(crate) index: u8,
    pub(crate) list: u8,
    /// Fuel of a round in which no condition holds.
    pub(crate) cost: u16,
    pub(crate) conditions: Box<[Condition]>,
    /// What the conditions compare, in their order.
    pub(crate) tests: Box<[Test]>,
    /// Fields that are read from their registers behind the condition that loads them.
    pub(crate) kept: Box<[Kept]>,
    /// Registers that conditions write and that hold something else elsewhere: what comes behind the loop writes them first.
    pub(crate) reused: Box<[u8]>,
    /// Credit of a whole round in which no condition holds.
    pub(crate) credit: u16,
    /// Whether conditions are passed over from within a row as well, not only from its beginning: nothing
    /// that is done changes what rows are compared with, and what the conditions write is read nowhere else, but for
    /// fields that are kept.
    pub(crate) goes_on: bool,
    /// The closing op of the loop; once that is decoded, its word.
    end: u32,
}

/// One comparison, or several of which one has to hold.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Condition {
    /// Whether it is one comparison.
    pub(crate) single: bool,
    /// What the jumps over the conditions before put back, where none of them holds.
    pub(crate) credit: u16,
    /// What jumps have put back inside of it.
    pub(crate) credit_inside: u16,
    /// Its first op; once that is decoded, its word.
    pub(crate) start: u32,
    /// How many ops behind that the first one inside of it stands; once that is decoded, how many words.
    pub(crate) inside: u8,
    /// The site of the call of the host that is all that is done where it holds, or [`NO_SITE`], what that is due to pay, and
    /// how many words before it load its arguments.
    pub(crate) site: u32,
    pub(crate) due: u16,
    pub(crate) loads: u8,
}

/// How a field of the row compares with a register, or with FALSE if there is none.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Test {
    /// The number of its condition.
    pub(crate) condition: u8,
    pub(crate) field: u8,
    pub(crate) other: Option<u8>,
    pub(crate) relation: Relation,
    /// Where the field goes, unless a test before has put it there, and whether it is so, unless it is that itself.
    pub(crate) loaded: Option<u8>,
    pub(crate) result: Option<u8>,
}

impl Test {
    /// What it leaves in registers if its condition does not hold, in order: its field, or FALSE.
    pub(crate) fn leaves(&self) -> impl Iterator<Item = (u8, Option<u8>)> {
        let field = self.loaded.map(|register| (register, Some(self.field)));
        field.into_iter().chain(self.result.map(|register| (register, None)))
    }
}

/// A field that is read in each round from the register it was loaded to, inside of the condition that did or behind that.
/// Where conditions were passed over it has to be put there.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kept {
    pub(crate) condition: u8,
    pub(crate) register: u8,
    /// The test that compares it first.
    pub(crate) test: u8,
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
    Equal,
    NotEqual,
}

impl Filter {
    /// Finds out where one call of the host is all that is done, once all words are made. Conditions are passed over behind
    /// those only if they are from within a row as well.
    pub(crate) fn find_calls(&mut self, number: u16, words: &[Encoded]) {
        if !self.goes_on {
            return;
        }
        for (behind, condition) in (1..).zip(&mut self.conditions).filter(|(_, condition)| condition.single) {
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

    /// The registers that conditions write that do not hold.
    pub(crate) fn written(&self) -> impl Iterator<Item = u8> {
        self.tests.iter().flat_map(|test| test.leaves()).map(|(register, _)| register)
    }

    /// What is left in registers by the last of all conditions that write them: a field of the row, or FALSE.
    pub(crate) fn last_leaves(&self) -> impl Iterator<Item = (u8, Option<u8>)> {
        let all = || self.tests.iter().flat_map(|test| test.leaves()).zip(1..);
        let is_last =
            move |own: u8, at: i32| all().all(|((register, _), other)| register != own || other <= at);
        all().filter(move |((register, _), at)| is_last(*register, *at)).map(|(leave, _)| leave)
    }

    /// The memory it takes, with that of its places while a function is decoded.
    pub(crate) fn bytes(&self) -> usize {
        let own = [size_of_val(&*self.conditions), size_of_val(&*self.tests), size_of_val(&*self.kept)];
        let places = self.conditions.len().saturating_add(1).saturating_mul(size_of::<Place>());
        let own = own.into_iter().chain([self.reused.len(), places]);
        own.fold(size_of::<Filter>(), usize::saturating_add)
    }

    /// Whether a word stands in its loop.
    fn is_inside(&self, word: u32) -> bool {
        // The word that passes over rows stands before the first condition.
        let first = self.conditions.first().map_or(0, |first| first.start.saturating_sub(1));
        (first..=self.end).contains(&word)
    }

    /// The fields that are kept, each with the words where its register holds it.
    fn kept_within(&self) -> impl Iterator<Item = (&Kept, Range<u32>)> {
        self.kept.iter().filter_map(|kept| {
            let condition = self.conditions.get(usize::from(kept.condition))?;
            Some((kept, condition.first_inside()..self.end))
        })
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
    let mut filters = code.filters.iter().filter(own).peekable();
    filters.peek()?;
    let at = slot::count(pc);
    let (mut unread, mut reused) = ([false; 256], [false; 256]);
    for filter in filters {
        let inside = filter.is_inside(at);
        for register in filter.written() {
            let elsewhere = !inside && filter.reused.contains(&register);
            let noted = if elsewhere { &mut reused } else { &mut unread };
            flag(noted, register.into(), true);
        }
        for (kept, within) in filter.kept_within() {
            if within.contains(&at) {
                flag(&mut unread, kept.register.into(), false);
            }
        }
    }
    // What may be read of others stands before the next op that begins or ends a block.
    let ops =
        code.whole().functions.get(usize::from(function))?.code.get(slot::index(code.origin(pc).op)..)?;
    let mut written = Written::default();
    for (at, op) in ops.iter().enumerate() {
        let goes_on = written.go_on(op, |register| {
            flag(&mut unread, register, false);
            flag(&mut reused, register, false);
        });
        if !goes_on {
            break;
        }
        if at == 0 {
            // Of the first op it is not known how far it has come.
            written = Written::default();
        }
    }
    // What was in use elsewhere is so where it is not written anew.
    let reused = reused.into_iter().zip(written.0).map(|(reused, written)| reused && written);
    unread.iter_mut().zip(reused).for_each(|(unread, reused)| *unread |= reused);
    Some(unread)
}

fn flag(flags: &mut [bool; 256], register: usize, value: bool) {
    flags.iter_mut().skip(register).take(1).for_each(|own| *own = value);
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
        let Some((filter, end)) = find(code, layout, p, outlive) else { return };
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
            self.inside = Some((p.saturating_add(condition.inside.into()), number, from));
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
