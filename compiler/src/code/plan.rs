//! The lines of a TEST in terms of the module that was made for it.

use swarm_bytecode::module::FunctionId;
use swarm_grammar::span::Span;

use super::tables::Tables;
use crate::typed::{FunctionIndex, Test, TestStepKind};

/// A line of a TEST: its functions are those of the module, have no parameters and do nothing but compute a
/// value. All other ids are the module's too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedStep {
    /// The line.
    pub kind: TestStepKind<FunctionId>,
    /// Where.
    pub span: Span,
}

/// The lines of a TEST, in order.
pub(super) fn steps(test: &Test, tables: &Tables<'_>) -> Vec<PlannedStep> {
    test.steps.iter().map(|step| PlannedStep { kind: kind(&step.kind, tables), span: step.span }).collect()
}

fn kind(kind: &TestStepKind, tables: &Tables<'_>) -> TestStepKind<FunctionId> {
    use TestStepKind as S;
    let one = |function: FunctionIndex| tables.function(function);
    let all = |functions: &[FunctionIndex]| functions.iter().map(|function| one(*function)).collect();
    match kind {
        S::GivenInput(id, value) => S::GivenInput(tables.input(*id), one(*value)),
        S::GivenContext(id, value) => S::GivenContext(tables.context(*id), one(*value)),
        S::GivenState(id, value) => S::GivenState(tables.state(*id), one(*value)),
        S::GivenMetric(id, value) => S::GivenMetric(tables.metric(*id), one(*value)),
        S::GivenAnswer(id, arguments, value) => {
            S::GivenAnswer(tables.import(*id), all(arguments), one(*value))
        }
        S::GivenFails(id, arguments) => S::GivenFails(tables.import(*id), all(arguments)),
        S::Run => S::Run,
        S::RunFor(time) => S::RunFor(*time),
        S::RunEvent(event, arguments) => S::RunEvent(*event, all(arguments)),
        S::ExpectNoActions => S::ExpectNoActions,
        S::ExpectAction(id, arguments) => S::ExpectAction(tables.import(*id), all(arguments)),
        S::ExpectStop(why) => S::ExpectStop(why.clone()),
        S::ExpectFail(why) => S::ExpectFail(why.clone()),
        S::Expect(condition, sides) => {
            S::Expect(one(*condition), sides.map(|(left, right)| (one(left), one(right))))
        }
    }
}
