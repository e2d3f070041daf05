//! What a function that has a role may depend on or bring about: each role with each op that matters, two
//! calls away.

use crate::rules::base;
use swarm_bytecode::module::*;
use swarm_bytecode::op::{Op, Register};
use swarm_bytecode::types::TypeId;
use swarm_bytecode::verify::{LoadError, Rule, Verified};

const fn r(register: u8) -> Register {
    Register(register)
}

/// `money?` of [`base`].
const MONEY_OR_NONE: TypeId = TypeId(14);
/// Tasks, money, `money?`, int, duration, text, bool.
const REGISTERS: [TypeId; 7] = [
    crate::support::TASKS,
    TypeId::MONEY,
    MONEY_OR_NONE,
    TypeId::INT,
    TypeId::DURATION,
    TypeId::STRING,
    TypeId::BOOL,
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Does {
    Nothing,
    Input,
    Context,
    Metric,
    State,
    /// More than compute.
    Acts,
}

fn ops() -> Vec<(Does, Vec<Op>)> {
    let (state, metric, price) = (StateId(0), MetricId(0), MetricId(2));
    let report = || (ImportId(3), [r(4)]);
    let try_host = Op::TryHost { accepted: r(6), import: report().0, arguments: report().1.into() };
    let retry = Op::RetryHost {
        accepted: r(6),
        times: 2,
        backoff: r(4),
        import: report().0,
        arguments: report().1.into(),
    };
    let within =
        Op::Within { budgets: Box::new([r(1)].into()), saved: Box::default(), phase: StringId(0), undoes: 0 };
    vec![
        (Does::Nothing, vec![Op::Integer { result: r(3), value: 5 }]),
        (Does::Input, vec![Op::Input { result: r(0), input: InputId(0) }]),
        (Does::Context, vec![Op::Context { result: r(1), context: ContextId(0) }]),
        (Does::Metric, vec![Op::Metric { result: r(1), metric }]),
        (Does::Metric, vec![Op::Quantile { result: r(2), metric: price, share: 500_000 }]),
        (Does::Metric, vec![Op::Mean { result: r(2), metric: price }]),
        (Does::State, vec![Op::State { result: r(3), state }]),
        (Does::Acts, vec![Op::TakeState { result: r(3), state }]),
        (Does::Acts, vec![Op::SetState { state, value: r(3) }]),
        (Does::Acts, vec![Op::Host { import: report().0, arguments: report().1.into() }]),
        (Does::Acts, vec![Op::HostValue { result: r(1), import: ImportId(4), arguments: [r(5)].into() }]),
        (Does::Acts, vec![try_host]),
        (Does::Acts, vec![retry]),
        (Does::Acts, vec![Op::RecordMetric { metric, value: r(1) }]),
        (Does::Acts, vec![within, Op::WithinEnd {}]),
        (Does::Acts, vec![Op::If { condition: r(6) }, Op::Stop { reason: r(5) }, Op::End {}]),
        (Does::Acts, vec![Op::If { condition: r(6) }, Op::Fail { reason: r(5) }, Op::End {}]),
    ]
}

/// A role: parameters and result of its function, the rule about it, what it may do, and what gives the role.
type Role = (Vec<TypeId>, TypeId, Rule, &'static [Does], fn(&mut Module, FunctionId));

fn roles() -> Vec<Role> {
    use Does::{Context, Input, Metric, State};
    let condition = |give| -> Role { (vec![], TypeId::BOOL, Rule::Conditions, &[Metric, Context], give) };
    vec![
        (vec![TypeId::STRING], TypeId::MONEY, Rule::CallCosts, &[], |own, id| {
            own.imports[4].cost.money = Amount::Computed(id);
        }),
        (vec![], TypeId::INT, Rule::States, &[Input, Context], |own, id| own.states[0].initial = Some(id)),
        (
            vec![crate::support::TASK, TypeId::PERCENT],
            TypeId::BOOL,
            Rule::Vetoes,
            &[Input, Context, Metric, State],
            |own, id| {
                own.vetoes = vec![Veto { import: ImportId(0), condition: id, reason: StringId(0) }];
            },
        ),
        (vec![crate::support::TASK], TypeId::BOOL, Rule::Filter, &[], |own, id| {
            own.instruction.target = Some(Target { count: TargetCount::All, filter: Some(id) });
        }),
        condition(|own, id| own.instruction.stops = vec![id]),
        condition(|own, id| {
            own.instruction.expectations = vec![Expectation { condition: id, by_ns: None, text: "".into() }];
        }),
        condition(|own, id| {
            let rollout = Rollout {
                waves: vec![1_000_000],
                after_ns: None,
                gate: Some(id),
                failure: GateFailure::Halt,
            };
            own.instruction.rollout = Some(rollout);
        }),
    ]
}

/// A function that does this and gives a zero.
fn function(parameters: &[TypeId], result: Option<TypeId>, mut ops: Vec<Op>) -> Function {
    let count = u8::try_from(parameters.len()).unwrap();
    let mut registers = parameters.to_vec();
    registers.extend(result);
    ops.push(match result {
        Some(_) => Op::ReturnValue { value: r(count) },
        None => Op::Return {},
    });
    Function { registers, parameters: count, result, code: ops }
}

/// [`base`] without a function that has a role.
fn bare() -> Module {
    let mut module = base();
    module.debug = None;
    module.instruction.target = None;
    module.imports[4].cost.money = Amount::Fixed(5);
    module.states = vec![State { name: "n".into(), ty: TypeId::INT, initial: None }];
    module
}

fn said(module: &Module) -> Option<Rule> {
    match Verified::from_module(module) {
        Ok(_) => None,
        Err(LoadError::Verify(error)) => Some(error.rule),
        Err(other) => panic!("{other}"),
    }
}

/// What the verifier says where a function of this role calls one that calls one with these ops.
fn verdict((parameters, result, _, _, give): &Role, ops: Vec<Op>) -> Option<Rule> {
    let mut module = bare();
    let next = |module: &Module| FunctionId(u16::try_from(module.functions.len()).unwrap());
    let innermost = next(&module);
    let mut registers = Function { registers: REGISTERS.to_vec(), parameters: 0, result: None, code: ops };
    registers.code.push(Op::Return {});
    module.functions.push(registers);
    let call = |function| vec![Op::Call { function, arguments: [].into() }];
    let middle = next(&module);
    module.functions.push(function(&[], None, call(innermost)));
    let outer = next(&module);
    module.functions.push(function(parameters, Some(*result), call(middle)));
    give(&mut module, outer);
    // A STATE alone has functions looked at; it is left out where nothing needs it.
    if !uses_state(&module) && module.states.iter().all(|state| state.initial.is_none()) {
        module.states.clear();
    }
    said(&module)
}

fn uses_state(module: &Module) -> bool {
    let uses = |op: &Op| matches!(op, Op::State { .. } | Op::TakeState { .. } | Op::SetState { .. });
    module.functions.iter().flat_map(|function| &function.code).any(uses)
}

/// Parameters and result of a role are what they are.
#[test]
fn a_role_wants_its_parameters_and_its_result() {
    for (parameters, result, rule, _, give) in roles() {
        let given = |parameters: &[TypeId], result: Option<TypeId>| {
            let mut module = bare();
            module.functions.push(function(parameters, result, vec![]));
            give(&mut module, FunctionId(4));
            said(&module)
        };
        assert_eq!(given(&parameters, Some(result)), None, "{rule:?}");
        let more = [&parameters[..], &[TypeId::INT]].concat();
        let other: Vec<TypeId> = parameters.iter().map(|_| TypeId::FLOAT).collect();
        assert_eq!(given(&more, Some(result)), Some(rule), "one more: {rule:?}");
        if !parameters.is_empty() {
            assert_eq!(given(&parameters[1..], Some(result)), Some(rule), "one less: {rule:?}");
            assert_eq!(given(&other, Some(result)), Some(rule), "others: {rule:?}");
        }
        assert_eq!(given(&parameters, Some(TypeId::STRING)), Some(rule), "another result: {rule:?}");
        assert_eq!(given(&parameters, None), Some(rule), "no result: {rule:?}");
    }
}

/// Without roles, what functions do is not looked at.
#[test]
fn functions_are_gone_through_for_roles_only() {
    let work = |own: fn(&mut Module)| {
        let mut module = bare();
        module.states.clear();
        module.functions.extend(vec![function(&[], None, vec![]); 100]);
        own(&mut module);
        Verified::from_module(&module).unwrap().work()
    };
    let without = work(|_| {});
    let timer = work(|own| own.timers = vec![Timer { period_ns: 1_000_000_000, function: FunctionId(4) }]);
    assert!(without + 100 <= timer, "{without} and {timer}");
}

#[test]
fn a_role_admits_what_it_says_and_no_more() {
    for role in roles() {
        for (does, ops) in ops() {
            let fits = does == Does::Nothing || role.3.contains(&does);
            let wanted = if fits { None } else { Some(role.2) };
            assert_eq!(verdict(&role, ops.clone()), wanted, "{:?}: {does:?} {ops:?}", role.2);
        }
    }
}

/// What is called inside of a `within` that undoes may act, but not wait for an action, and not issue one
/// that is ONCE.
#[test]
fn what_is_called_where_actions_are_held_neither_waits_nor_acts_once() {
    for once in [false, true] {
        for (does, ops) in ops() {
            let mut module = base();
            module.debug = None;
            module.states = vec![State { name: "n".into(), ty: TypeId::INT, initial: None }];
            if once {
                module.imports[3].effect = Effect::Once;
            }
            let waits = ops.iter().any(|op| matches!(op, Op::TryHost { .. } | Op::RetryHost { .. }));
            let acts_once = once && ops.iter().any(|op| matches!(op, Op::Host { .. }));
            let mut callee =
                Function { registers: REGISTERS.to_vec(), parameters: 0, result: None, code: ops };
            callee.code.push(Op::Return {});
            module.functions.push(callee);
            let within = Op::Within {
                budgets: Box::new([r(0)].into()),
                saved: Box::default(),
                phase: StringId(0),
                undoes: 1,
            };
            let call = Op::Call { function: FunctionId(4), arguments: [].into() };
            let code = vec![within, call, Op::WithinElse {}, Op::End {}, Op::Return {}];
            module.functions.push(Function {
                registers: vec![TypeId::MONEY],
                parameters: 0,
                result: None,
                code,
            });
            let found = match Verified::from_module(&module) {
                Ok(_) => None,
                Err(LoadError::Verify(error)) => Some((error.rule, error.function, error.op)),
                Err(other) => panic!("{other}"),
            };
            let held = (Rule::Held, Some(FunctionId(5)), Some(1));
            assert_eq!(found, (waits || acts_once).then_some(held), "{does:?}, once: {once}");
        }
    }
}
