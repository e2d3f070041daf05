//! Finds the loops that are filters.

use swarm_bytecode::layout::Layout;
use swarm_bytecode::op::{Op, Register};

use super::registers::{Outliving, first_written, registers, writers};
use super::{Condition, Filter, Kept, Leave, MOST, MOST_TESTS, NO_SITE, Part, Relation, Test};
use crate::fuse::{Ask, Compared, floats, words};
use crate::slot;

/// The filter of a loop whose body begins with op `p`, if it is a loop of conditions, and its closing op. `outlive` is
/// asked for what is known of the whole function.
pub(super) fn find<'o>(
    code: Part<'_>,
    layout: &Layout,
    p: usize,
    outlive: impl FnOnce() -> Option<&'o Outliving>,
) -> Option<(Filter, usize)> {
    let opening = p.checked_sub(1)?;
    let Op::ForEach { item, index, list } = code.from(opening)?.first()? else { return None };
    let end = layout.partner(opening)?;
    let mut found = Finding::new(code, layout, *item, p);
    while found.at != end {
        match found.ops()?.first()? {
            Op::Block {} => found.depth = found.depth.checked_add(1)?,
            Op::End {} => {
                found.depth = found.depth.checked_sub(1)?;
                // What was loaded in there was not on every way here.
                found.known.retain(|known| known.depth <= found.depth);
            }
            _ => {
                found.condition()?;
                continue;
            }
        }
        found.at = found.at.checked_add(1)?;
    }
    let body = code.from(p)?.get(..end.checked_sub(p)?)?;
    let cost = i64::from(layout.charge(end)).checked_sub(found.credit)?;
    let mut filter = Filter {
        item: item.0,
        index: index.0,
        list: list.0,
        cost: u16::try_from(cost).ok().filter(|cost| *cost > 0)?,
        conditions: std::mem::take(&mut found.conditions).into(),
        tests: std::mem::take(&mut found.tests).into(),
        leaves: found.leaves.as_slice().into(),
        kept: Box::default(),
        reused: Box::default(),
        credit: u16::try_from(found.credit).ok()?,
        goes_on: false,
        end: slot::count(end),
    };
    if !filter.keeps(&[*item, *index, *list]) {
        return None;
    }
    if filter.is_steady(body)
        && let Some((kept, reused)) = found.read_elsewhere((p, end), body, outlive()?)
    {
        filter.goes_on = true;
        (filter.kept, filter.reused) = (kept.into(), reused.into());
    }
    Some((filter, end))
}

/// What was found so far.
struct Finding<'c> {
    code: Part<'c>,
    layout: &'c Layout,
    item: Register,
    /// The op at hand.
    at: usize,
    /// How many blocks around it began in the body.
    depth: usize,
    /// What the jumps put back.
    credit: i64,
    conditions: Vec<Condition>,
    tests: Vec<Test>,
    leaves: Vec<Leave>,
    /// Registers that hold fields of the row.
    known: Vec<Load>,
    /// Those that each round loads in which nothing leaves the loop.
    loads: Vec<Load>,
}

/// A field in a register.
#[derive(Clone, Copy)]
struct Load {
    register: u8,
    field: u8,
    depth: usize,
    /// The op that loads it, for the test and the condition of these numbers.
    op: usize,
    test: u8,
    condition: u8,
}

impl<'c> Finding<'c> {
    fn new(code: Part<'c>, layout: &'c Layout, item: Register, at: usize) -> Self {
        Finding {
            code,
            layout,
            item,
            at,
            depth: 0,
            credit: 0,
            conditions: Vec::new(),
            tests: Vec::new(),
            leaves: Vec::new(),
            known: Vec::new(),
            loads: Vec::new(),
        }
    }

    /// The ops from the one at hand on.
    fn ops(&self) -> Option<&'c [Op]> {
        self.code.from(self.at)
    }

    /// Reads a condition and goes on where it leads if it does not hold.
    fn condition(&mut self) -> Option<()> {
        if self.conditions.len() == MOST {
            return None;
        }
        let (start, credit) = (self.at, u16::try_from(self.credit).ok()?);
        let first = self.tests.len();
        let condition = self.test(true)?;
        // Of several, each is asked where the one before does not hold.
        while let Some(otherwise) = self.otherwise(condition) {
            self.jump(self.at, self.layout.target(self.at)?)?;
            self.test(false)?;
            self.at = otherwise.checked_add(1)?;
        }
        let branch = self.at;
        let mut inside = branch.checked_add(1)?;
        let mut credit_inside = credit;
        let is_field = self.known.iter().any(|known| known.register == condition.0);
        match self.code.from(inside)?.first()? {
            Op::Else {} if is_field => {
                // NOT a field: what is done is behind the `else`.
                self.tests.last_mut()?.relation = Relation::Equal;
                self.jump(inside, self.layout.target(inside)?)?;
                inside = inside.checked_add(1)?;
                let jump = i64::from(self.layout.edge(branch, inside));
                credit_inside = u16::try_from(jump.checked_add(credit.into())?).ok()?;
            }
            _ => {
                self.jump(branch, self.layout.target(branch)?)?;
                // What follows an `else` is in a block of it.
                let last = self.code.from(self.at.checked_sub(1)?)?.first()?;
                self.depth = self.depth.checked_add(usize::from(matches!(last, Op::Else {})))?;
            }
        }
        self.conditions.push(Condition {
            single: self.tests.len().checked_sub(first)? == 1,
            credit,
            credit_inside,
            start: slot::count(start),
            inside: u8::try_from(inside.checked_sub(start)?).ok()?,
            site: NO_SITE,
            due: 0,
            loads: 0,
        });
        Some(())
    }

    /// Jumps from an op to another.
    fn jump(&mut self, from: usize, to: usize) -> Option<()> {
        self.credit = self.credit.checked_add(i64::from(self.layout.edge(from, to)))?;
        self.at = to;
        Some(())
    }

    /// The `end` behind another comparison of the same condition, if there is one where the branch at hand does not hold,
    /// and nothing is done where it does.
    fn otherwise(&self, condition: Register) -> Option<usize> {
        let behind = self.at.checked_add(1)?;
        let Op::Else {} = self.code.from(behind)?.first()? else { return None };
        let end = self.layout.partner(behind)?;
        let inside =
            self.code.from(behind.checked_add(1)?)?.get(..end.checked_sub(behind)?.checked_sub(1)?)?;
        let ([Op::Field { .. }, compare] | [compare]) = inside else { return None };
        let compared = comparison(compare)?;
        let next = self.code.from(end.checked_add(1)?)?.first()?;
        (compared.result == condition && matches!(next, Op::If { condition: asked } if *asked == condition))
            .then_some(end)
    }

    /// Reads a comparison up to the branch on its result, and gives the register of that. `always` is it asked if no
    /// condition before it holds.
    fn test(&mut self, always: bool) -> Option<Register> {
        let condition = u8::try_from(self.conditions.len()).ok()?;
        let test = u8::try_from(self.tests.len()).ok().filter(|test| usize::from(*test) < MOST_TESTS)?;
        let mut loaded = None;
        if let Op::Field { result, record, field } = self.ops()?.first()? {
            if *record != self.item {
                return None;
            }
            self.forget(*result);
            self.leaves.push(Leave { condition, register: result.0, test: Some(test) });
            loaded = Some(result.0);
            let load =
                Load { register: result.0, field: *field, depth: self.depth, op: self.at, test, condition };
            if always {
                self.known.push(load);
                self.loads.extend((self.depth == 0).then_some(load));
            } else {
                self.known.push(Load { depth: usize::MAX, ..load });
            }
            self.at = self.at.checked_add(1)?;
        }
        // What was just loaded is what is asked about.
        let is_asked = |known: &&Load| loaded.is_none_or(|loaded| known.register == loaded);
        let op = self.ops()?.first()?;
        if let Op::If { condition: asked } = op
            && always
        {
            let known = self.known.iter().find(|known| known.register == asked.0).filter(is_asked)?;
            let field = known.field;
            self.tests.push(Test { condition, field, other: None, relation: Relation::NotEqual });
            return Some(*asked);
        }
        let compared = comparison(op)?;
        let field = |register| self.known.iter().find(|known| Register(known.register) == register);
        let ((Some(known), None) | (None, Some(known))) = (field(compared.left), field(compared.right))
        else {
            return None;
        };
        let compared = compared.with_left(Register(known.register)).filter(|_| is_asked(&known))?;
        let field = known.field;
        let Compared { result, right, .. } = compared;
        self.tests.push(Test { condition, field, other: Some(right.0), relation: relation(compared) });
        self.forget(result);
        self.leaves.push(Leave { condition, register: result.0, test: None });
        self.at = self.at.checked_add(1)?;
        if !always {
            self.known.retain(|known| known.depth < usize::MAX);
            return Some(result);
        }
        let Op::If { condition: asked } = self.ops()?.first()? else { return None };
        (*asked == result).then_some(result)
    }

    /// What is read elsewhere of what the conditions write: the fields that are kept, and registers that are written anew
    /// behind the loop. `None` if there is anything else. The body of the loop goes from op `p` to its closing op.
    fn read_elsewhere(
        &self,
        (p, end): (usize, usize),
        body: &[Op],
        outlive: &Outliving,
    ) -> Option<(Vec<Kept>, Vec<u8>)> {
        let (mut kept, mut reused) = (Vec::new(), Vec::new());
        if !self.leaves.iter().any(|leave| outlive.any(leave.register)) {
            return Some((kept, reused));
        }
        let all = Outliving::of(body);
        let mut inside = all.clone();
        for load in self.loads.iter().filter(|load| all.any(load.register)) {
            // Nothing else is put there in a round.
            if writers(body, load.register) == 1 {
                let behind = load.op.checked_sub(p).and_then(|op| body.get(op..));
                inside.take(load.register, &Outliving::of(behind.unwrap_or_default()));
                kept.push(Kept { condition: load.condition, register: load.register, test: load.test });
            }
        }
        if self.leaves.iter().any(|leave| inside.any(leave.register)) {
            return None;
        }
        let mut outside = outlive.clone();
        outside.take_all(&all);
        let mut anew = None;
        for Leave { register, .. } in &self.leaves {
            if outside.any(*register) && !reused.contains(register) {
                let anew = anew.get_or_insert_with(|| self.written_anew(p, end));
                reused.push(*anew.as_ref()?.contains(register).then_some(register)?);
            }
        }
        Some((kept, reused))
    }

    /// The registers that are written before they are read, wherever a loop is left to.
    fn written_anew(&self, p: usize, end: usize) -> Option<Vec<u8>> {
        let behind = end.checked_add(1)?;
        let stays = |op: usize| self.layout.target(op).is_none_or(|target| (p..=behind).contains(&target));
        // A budget around it may end it anywhere.
        if self.layout.withins(end) > 0 || !(p..end).all(stays) {
            return None;
        }
        Some(first_written(self.code.from(behind)?))
    }

    /// A register holds something else from here on.
    fn forget(&mut self, register: Register) {
        self.known.retain(|known| known.register != register.0);
    }
}

impl Filter {
    /// Whether no condition writes what the loop or a condition reads.
    fn keeps(&self, loop_registers: &[Register]) -> bool {
        let mut written = self.leaves.iter().map(|leave| leave.register);
        let read = |register| {
            loop_registers.contains(&Register(register))
                || self.tests.iter().any(|test| test.other == Some(register))
        };
        !self.conditions.is_empty() && !written.any(read)
    }

    /// Whether nothing in the body of the loop writes the item, or what its fields are compared with.
    fn is_steady(&self, body: &[Op]) -> bool {
        let mut steady = true;
        let read = |register: u8| {
            register == self.item || self.tests.iter().any(|test| test.other == Some(register))
        };
        for op in body {
            registers(op, |register, written| steady &= !(written && read(register.0)));
        }
        steady
    }
}

/// A comparison of words or of floats.
fn comparison(op: &Op) -> Option<Compared> {
    let equal = |result, left, right, unless| Compared { result, left, right, ask: Ask::Equal, unless };
    match *op {
        Op::EqFloat { result, left, right } => Some(equal(result, left, right, false)),
        Op::NeFloat { result, left, right } => Some(equal(result, left, right, true)),
        _ => words(op).or_else(|| floats(op)),
    }
}

fn relation(compared: Compared) -> Relation {
    match (compared.ask, compared.unless) {
        (Ask::Less, false) => Relation::Less,
        (Ask::Less, true) => Relation::NotLess,
        (Ask::More, false) => Relation::More,
        (Ask::More, true) => Relation::NotMore,
        (Ask::Equal, false) => Relation::Equal,
        (Ask::Equal, true) => Relation::NotEqual,
    }
}
