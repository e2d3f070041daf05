//! MATCH over an enum: a tree of comparisons of the value's case.

use swarm_bytecode::op::{Op, Register};
use swarm_bytecode::types::{Type, TypeId};

use super::emit::Level;
use super::function::{Generator, Step, Value};
use super::texts::TextPlace;
use crate::typed::{CaseArm, Expr, Statement};

/// Neighbouring cases that go to one arm, in order of their numbers: the first case, and the arm.
type Ranges = Vec<(u8, usize)>;

/// What is compared, and where it leads.
enum Decision {
    Arm(usize),
    /// Whether it is this case.
    Is(u8, Box<[Decision; 2]>),
    /// Whether it comes before this case.
    Before(u8, Box<[Decision; 2]>),
}

/// A MATCH whose code is made. The arm behind the last is ELSE.
struct Matching<'m> {
    arms: &'m [CaseArm],
    otherwise: &'m [Statement],
    value: Register,
    case: Register,
    ty: TypeId,
    /// Where arms are that several ways lead to: behind this block.
    shared: Vec<(usize, Level)>,
    /// Behind the whole, where there are such arms.
    end: Option<Level>,
}

impl Generator<'_, '_> {
    /// Says whether the program can go on behind it.
    pub(crate) fn match_case(
        &mut self,
        subject: &Expr,
        arms: &[CaseArm],
        otherwise: &[Statement],
    ) -> Step<bool> {
        let ty = self.type_of(subject);
        let count = match self.program.ty(ty) {
            Some(Type::Enum { cases, .. }) => cases.len(),
            _ => 0,
        };
        let ranges = ranges(count, arms);
        let decision = decide(&ranges);
        let value = self.operand(subject)?;
        let case = self.temporary_value(TypeId::INT)?;
        if !matches!(decision, Decision::Arm(_)) {
            self.emit(Op::Case { result: case.register, value: value.register });
        }
        let mut uses = vec![0_usize; arms.len().saturating_add(1)];
        tally(&decision, &mut uses);
        let mut matching = Matching {
            arms,
            otherwise,
            value: value.register,
            case: case.register,
            ty,
            shared: Vec::new(),
            end: None,
        };
        let goes_on = self.match_shared(&mut matching, &decision, &uses)?;
        self.release(case);
        self.release(value);
        Ok(goes_on)
    }

    /// The tree, and behind it the arms that several ways lead to.
    fn match_shared(
        &mut self,
        matching: &mut Matching<'_>,
        decision: &Decision,
        uses: &[usize],
    ) -> Step<bool> {
        let empty = |arm| matching.body(arm).is_empty();
        let shared: Vec<usize> = (0..uses.len())
            .filter(|&arm| uses.get(arm).is_some_and(|&uses| uses > 1) && !empty(arm))
            .collect();
        if shared.is_empty() {
            return self.match_tree(matching, decision);
        }
        self.emit(Op::Block {});
        let end = self.emitter.level();
        matching.end = Some(end);
        for &arm in &shared {
            self.emit(Op::Block {});
            matching.shared.push((arm, self.emitter.level()));
        }
        let mut goes_on = self.match_tree(matching, decision)?;
        while let Some((arm, _)) = matching.shared.pop() {
            if goes_on {
                self.leave(end)?;
            }
            self.emit(Op::End {});
            goes_on = self.match_arm(matching, arm)?;
        }
        self.emit(Op::End {});
        Ok(true)
    }

    fn match_tree(&mut self, matching: &Matching<'_>, decision: &Decision) -> Step<bool> {
        let (op, [then, otherwise]) = match decision {
            Decision::Arm(arm) => return self.match_leaf(matching, *arm),
            Decision::Is(case, ways) => (self.is_case(matching.case, *case)?, ways.as_ref()),
            Decision::Before(case, ways) => (self.before_case(matching.case, *case)?, ways.as_ref()),
        };
        self.emit(Op::If { condition: op.register });
        self.release(op);
        if matching.is_empty(then) {
            self.emit(Op::Else {});
            self.match_tree(matching, otherwise)?;
            self.emit(Op::End {});
            return Ok(true);
        }
        let first_goes_on = self.match_tree(matching, then)?;
        if !first_goes_on {
            self.emit(Op::End {});
            return self.match_tree(matching, otherwise);
        }
        if !matching.is_empty(otherwise) {
            self.emit(Op::Else {});
            self.match_tree(matching, otherwise)?;
        }
        self.emit(Op::End {});
        Ok(true)
    }

    fn match_leaf(&mut self, matching: &Matching<'_>, arm: usize) -> Step<bool> {
        if let Some((_, level)) = matching.shared.iter().find(|(shared, _)| *shared == arm) {
            self.leave(*level)?;
            return Ok(false);
        }
        let goes_on = self.match_arm(matching, arm)?;
        match matching.end {
            Some(end) if goes_on => {
                self.leave(end)?;
                Ok(false)
            }
            _ => Ok(goes_on),
        }
    }

    fn match_arm(&mut self, matching: &Matching<'_>, index: usize) -> Step<bool> {
        let Some(arm) = matching.arms.get(index) else { return self.statements(matching.otherwise) };
        if let [case] = arm.cases.as_slice() {
            for (field, local) in &arm.binders {
                let place = TextPlace::Payload(matching.ty, *case, *field);
                let size = self.part_size(self.local(*local).0, place);
                let result = self.declare(*local, true, size)?;
                self.emit(Op::Payload { result, value: matching.value, case: *case, field: *field });
            }
        }
        let goes_on = self.statements(&arm.body)?;
        for (_, local) in &arm.binders {
            self.forget(*local);
        }
        Ok(goes_on)
    }

    fn is_case(&mut self, case: Register, wanted: u8) -> Step<Value> {
        self.against(case, wanted, &|result, left, right| Op::EqInt { result, left, right })
    }

    fn before_case(&mut self, case: Register, wanted: u8) -> Step<Value> {
        self.against(case, wanted, &|result, left, right| Op::LtInt { result, left, right })
    }

    fn against(
        &mut self,
        case: Register,
        wanted: u8,
        op: &dyn Fn(Register, Register, Register) -> Op,
    ) -> Step<Value> {
        let constant = self.temporary_value(TypeId::INT)?;
        self.word(constant.register, i64::from(wanted));
        let result = self.temporary_value(TypeId::BOOL)?;
        self.emit(op(result.register, case, constant.register));
        self.release(constant);
        Ok(result)
    }
}

impl Matching<'_> {
    fn body(&self, arm: usize) -> &[Statement] {
        self.arms.get(arm).map_or(self.otherwise, |arm| &arm.body)
    }

    /// Whether nothing is to be done on this way.
    fn is_empty(&self, decision: &Decision) -> bool {
        match decision {
            Decision::Arm(arm) => self.body(*arm).is_empty() && self.end.is_none(),
            _ => false,
        }
    }
}

/// Which arm each case goes to, as ranges.
fn ranges(count: usize, arms: &[CaseArm]) -> Ranges {
    let mut ranges = Ranges::new();
    for (case, _) in (0..=u8::MAX).zip(0..count) {
        let arm = arms.iter().position(|arm| arm.cases.contains(&case)).unwrap_or(arms.len());
        if ranges.last().is_none_or(|(_, last)| *last != arm) {
            ranges.push((case, arm));
        }
    }
    ranges
}

/// A tree over ranges with few comparisons on every way.
fn decide(ranges: &[(u8, usize)]) -> Decision {
    match ranges {
        [] => Decision::Arm(usize::MAX),
        [(_, arm)] => Decision::Arm(*arm),
        // One case that differs from all around it.
        [(_, around), (case, arm), (next, after)]
            if around == after && next.checked_sub(1) == Some(*case) =>
        {
            Decision::Is(*case, Box::new([Decision::Arm(*arm), Decision::Arm(*around)]))
        }
        _ => {
            let (low, high) = ranges.split_at(ranges.len() / 2);
            let first = high.first().map_or(0, |(case, _)| *case);
            Decision::Before(first, Box::new([decide(low), decide(high)]))
        }
    }
}

/// How many ways lead to each arm.
fn tally(decision: &Decision, uses: &mut [usize]) {
    match decision {
        Decision::Arm(arm) => {
            let last = uses.len().saturating_sub(1);
            if let Some(uses) = uses.get_mut((*arm).min(last)) {
                *uses = uses.saturating_add(1);
            }
        }
        Decision::Is(_, ways) | Decision::Before(_, ways) => {
            ways.iter().for_each(|way| tally(way, uses));
        }
    }
}
