//! Loops over a host's table that do nothing for most of its rows: conditions on fields of the row, one after the other,
//! each with what is done where it holds. A word before the body's first passes over rows for which none of them holds,
//! and leaves registers and fuel as if they had been gone through one by one.
//!
//! Like a fused word it stands before the words of an op, does nothing where it cannot pay for it, and no trace sees it.

use swarm_bytecode::layout::Layout;
use swarm_bytecode::op::{Op, Register};

use crate::fuse::{Ask, Compared, floats, words};

/// Most conditions of one filter.
pub(crate) const MOST: usize = 8;

/// Conditions of the rows of a loop.
#[derive(Debug, Clone)]
pub(crate) struct Filter {
    pub(crate) item: u8,
    pub(crate) index: u8,
    pub(crate) list: u8,
    /// Fuel of a round in which no condition holds.
    pub(crate) cost: u16,
    pub(crate) conditions: Vec<Condition>,
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
    /// The filter to stand before op `p`, if that begins the body of a loop of such conditions.
    pub(crate) fn at(code: &[Op], layout: &Layout, p: usize) -> Option<Filter> {
        let opening = p.checked_sub(1)?;
        let Op::ForEach { item, index, list } = code.get(opening)? else { return None };
        let end = layout.partner(opening)?;
        let mut conditions = Vec::new();
        // What the jumps put back.
        let mut credit = 0_i64;
        let mut at = p;
        while at != end {
            if let Op::End {} | Op::Block {} = code.get(at)? {
                at = at.checked_add(1)?;
                continue;
            }
            let [Op::Field { result: loaded, record, field }, compare, Op::If { condition }, ..] =
                code.get(at..)?
            else {
                return None;
            };
            let compared = words(compare).or_else(|| floats(compare))?.with_left(*loaded)?;
            let Compared { result, right, .. } = compared;
            if record != item || result != *condition || conditions.len() == MOST {
                return None;
            }
            let relation = relation(compared)?;
            let (loaded, result, other) = (loaded.0, result.0, right.0);
            conditions.push(Condition { field: *field, loaded, result, other, relation });
            let branch = at.checked_add(2)?;
            at = layout.target(branch)?;
            credit = credit.checked_add(i64::from(layout.edge(branch, at)))?;
        }
        let cost = i64::from(layout.charge(end)).checked_sub(credit)?;
        let filter = Filter {
            item: item.0,
            index: index.0,
            list: list.0,
            cost: u16::try_from(cost).ok().filter(|cost| *cost > 0)?,
            conditions,
        };
        filter.keeps(&[*item, *index, *list]).then_some(filter)
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
