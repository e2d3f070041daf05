//! Finds the loops that are filters.

use swarm_bytecode::layout::Layout;
use swarm_bytecode::op::{Flow, Op, Register};

use super::registers::{Outliving, first_written, registers, writers};
use super::{Condition, Filter, Kept, MOST, MOST_TESTS, NO_SITE, Part, Relation, Test};
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
                let depth = found.depth;
                found.forget(|load| load.depth > depth);
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
        && let Some((kept, reused)) = found.read_elsewhere(&filter, (p, end), body, outlive()?)
    {
        (filter.goes_on, filter.kept, filter.reused) = (true, kept.into(), reused.into());
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
    /// The field that each test loads.
    loads: [Option<Load>; MOST_TESTS],
}

/// The depth of what is only loaded where other comparisons of its condition do not hold.
const SOMETIMES: usize = usize::MAX;

/// A field in a register.
#[derive(Clone, Copy)]
struct Load {
    register: u8,
    field: u8,
    /// Whether it is still there.
    known: bool,
    /// How many blocks around it began in the body.
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
            loads: [None; MOST_TESTS],
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
        let is_field = self.known(condition).is_some();
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
            self.forget(|load| load.register == result.0);
            loaded = Some(result.0);
            let depth = if always { self.depth } else { SOMETIMES };
            let (register, field, op) = (result.0, *field, self.at);
            let load = Load { register, field, known: true, depth, op, test, condition };
            *self.loads.get_mut(usize::from(test))? = Some(load);
            self.at = self.at.checked_add(1)?;
        }
        // What was just loaded is what is asked about.
        let is_asked = |known: &&Load| loaded.is_none_or(|loaded| known.register == loaded);
        let op = self.ops()?.first()?;
        if let Op::If { condition: asked } = op
            && always
        {
            let field = self.known(*asked).filter(is_asked)?.field;
            let relation = Relation::NotEqual;
            self.tests.push(Test { condition, field, other: None, relation, loaded, result: None });
            return Some(*asked);
        }
        let compared = comparison(op)?;
        let ((Some(known), None) | (None, Some(known))) =
            (self.known(compared.left), self.known(compared.right))
        else {
            return None;
        };
        let compared = compared.with_left(Register(known.register)).filter(|_| is_asked(&known))?;
        let field = known.field;
        let Compared { result, right, .. } = compared;
        let (other, relation) = (Some(right.0), relation(compared));
        self.tests.push(Test { condition, field, other, relation, loaded, result: Some(result.0) });
        self.forget(|load| load.register == result.0);
        self.at = self.at.checked_add(1)?;
        if !always {
            self.forget(|load| load.depth == SOMETIMES);
            return Some(result);
        }
        let Op::If { condition: asked } = self.ops()?.first()? else { return None };
        (*asked == result).then_some(result)
    }

    /// What is read elsewhere of what the conditions write: the fields that are kept, and registers that are written anew
    /// behind the loop. `None` if there is anything else. The body of the loop goes from op `p` to its closing op.
    fn read_elsewhere(
        &self,
        filter: &Filter,
        (p, end): (usize, usize),
        body: &[Op],
        outlive: &Outliving,
    ) -> Option<(Vec<Kept>, Vec<u8>)> {
        let (mut kept, mut reused) = (Vec::new(), Vec::new());
        if !filter.written().any(|register| outlive.any(register)) {
            return Some((kept, reused));
        }
        // So that each op is gone through for one loop only, however deep they are in each other.
        if body.iter().any(|op| op.info().flow == Flow::OpenLoop) {
            return None;
        }
        let all = Outliving::of(body);
        let mut inside = all.clone();
        for load in self.loads.iter().flatten().filter(|load| load.depth == 0 && all.any(load.register)) {
            // Nothing else is put there in a round.
            if writers(body, load.register) == 1 {
                let behind = load.op.checked_sub(p).and_then(|op| body.get(op..));
                inside.take(load.register, &Outliving::of(behind.unwrap_or_default()));
                kept.push(Kept { condition: load.condition, register: load.register, test: load.test });
            }
        }
        // Behind the `end` of a second comparison the branch asks for what one of the two has just written.
        for (_, test) in
            filter.tests.iter().zip(filter.tests.iter().skip(1)).filter(|(a, b)| a.condition == b.condition)
        {
            test.result.into_iter().for_each(|register| inside.take_one(register));
        }
        if filter.written().any(|register| inside.any(register)) {
            return None;
        }
        let mut outside = outlive.clone();
        outside.take_all(&all);
        let mut anew = None;
        for register in filter.written() {
            if outside.any(register) && !reused.contains(&register) {
                let anew = anew.get_or_insert_with(|| self.written_anew(p, end));
                reused.push(anew.as_ref()?.contains(&register).then_some(register)?);
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

    /// The field that a register holds.
    fn known(&self, register: Register) -> Option<&Load> {
        self.loads.iter().flatten().find(|load| load.known && load.register == register.0)
    }

    /// These registers hold something else from here on, or may do so.
    fn forget(&mut self, which: impl Fn(&Load) -> bool) {
        self.loads.iter_mut().flatten().for_each(|load| load.known &= !which(load));
    }
}

impl Filter {
    /// Whether no condition writes what the loop or a condition reads.
    fn keeps(&self, loop_registers: &[Register]) -> bool {
        let read = |register| {
            loop_registers.contains(&Register(register))
                || self.tests.iter().any(|test| test.other == Some(register))
        };
        !self.conditions.is_empty() && !self.written().any(read)
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
