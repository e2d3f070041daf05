//! Rules about tables, at their edges: what just fits and what just does not.

use crate::rules::base;
use swarm_bytecode::module::*;
use swarm_bytecode::types::{Constant, EnumCase, Field, Type, TypeId};
use swarm_bytecode::verify::{LoadError, Rule, Verified};

fn said(module: &Module) -> Option<Rule> {
    match Verified::from_module(module) {
        Ok(_) => None,
        Err(LoadError::Verify(error)) => Some(error.rule),
        Err(other) => panic!("{other}"),
    }
}

/// [`base`] with one type more, and that type's id.
fn with_type(ty: Type) -> (Module, TypeId) {
    let mut module = base();
    module.debug = None;
    let id = TypeId(u16::try_from(module.types.len()).unwrap() + TypeId::BUILTIN_COUNT);
    module.types.push(ty);
    (module, id)
}

fn field(name: &str, ty: TypeId) -> Field {
    Field { name: name.into(), ty, key: false, unit: None, default: None }
}

/// Types of every class but words, each with the defaults it may have.
fn defaults() -> Vec<(Type, Vec<Constant>)> {
    use Constant::{Case, Empty};
    let case = |name: &str, fields| EnumCase { name: name.into(), fields };
    let cases = vec![case("low", vec![]), case("high", vec![field("by", TypeId::INT)])];
    vec![
        (Type::List { element: TypeId::INT, max: None }, vec![Empty]),
        (Type::Map { key: TypeId::STRING, value: TypeId::INT, max: None }, vec![Empty]),
        (Type::Record { name: "R".into(), fields: vec![field("a", TypeId::INT)] }, vec![Empty]),
        (Type::Optional(TypeId::FLOAT), vec![Empty]),
        (Type::Enum { name: "E".into(), cases }, vec![Case(0)]),
    ]
}

fn constants() -> Vec<Constant> {
    let words = [0, 1, 2, -1].map(Constant::Word);
    let cases = [0, 1, 2].map(Constant::Case);
    let rest = [Constant::Float(1.5), Constant::String("x".into()), Constant::Empty];
    words.into_iter().chain(cases).chain(rest).collect()
}

#[test]
fn a_default_is_one_of_its_type() {
    let check = |module: &Module, ty: TypeId, good: &[Constant]| {
        for constant in constants() {
            let wanted = (!good.contains(&constant)).then_some(Rule::Defaults);
            let mut of_input = module.clone();
            let input = Input { name: "own".into(), ty, unit: None, default: Some(constant.clone()) };
            of_input.inputs.push(input);
            assert_eq!(said(&of_input), wanted, "an input: {constant:?} for {:?}", module.ty(ty));
            let mut of_context = module.clone();
            let context = Context { name: "own".into(), ty, unit: None, default: Some(constant.clone()) };
            of_context.contexts.push(context);
            assert_eq!(said(&of_context), wanted, "a context value: {constant:?} for {:?}", module.ty(ty));
            let own = Field { default: Some(constant.clone()), ..field("own", ty) };
            let (mut of_field, _) = with_type(Type::Optional(TypeId::FLOAT));
            of_field.types.clone_from(&module.types);
            of_field.types.push(Type::Record { name: "Own".into(), fields: vec![own] });
            assert_eq!(said(&of_field), wanted, "a field: {constant:?} for {:?}", module.ty(ty));
        }
    };
    let (module, _) = with_type(Type::Optional(TypeId::FLOAT));
    let words = [0, 1, 2, -1].map(Constant::Word);
    check(&module, TypeId::INT, &words);
    check(&module, TypeId::MONEY, &words);
    check(&module, TypeId::BOOL, &words[..2]);
    check(&module, TypeId::FLOAT, &[Constant::Float(1.5)]);
    check(&module, TypeId::STRING, &[Constant::String("x".into())]);
    for (ty, good) in defaults() {
        let (module, id) = with_type(ty);
        check(&module, id, &good);
    }
}

#[test]
fn a_unit_counts_what_is_inside() {
    let types = |inner: TypeId| {
        vec![
            Type::List { element: inner, max: None },
            Type::Map { key: TypeId::STRING, value: inner, max: None },
            Type::Optional(inner),
        ]
    };
    let fits = |module: &Module, ty: TypeId, unit: &str| {
        let mut module = module.clone();
        module.inputs.push(Input { name: "own".into(), ty, unit: Some(unit.into()), default: None });
        said(&module)
    };
    let (plain, _) = with_type(Type::Optional(TypeId::FLOAT));
    assert_eq!(fits(&plain, TypeId::DURATION, "ms"), None);
    for (unit, inner) in
        [("ms", TypeId::MONEY), ("USD", TypeId::DURATION), ("ms", TypeId::STRING), ("x", TypeId::INT)]
    {
        assert_eq!(fits(&plain, inner, unit), Some(Rule::Units), "{unit}");
        for ty in types(inner) {
            let (module, id) = with_type(ty);
            assert_eq!(fits(&module, id, unit), Some(Rule::Units), "{unit}");
        }
    }
    for ty in types(TypeId::DURATION) {
        let (mut module, id) = with_type(ty.clone());
        assert_eq!(fits(&module, id, "ms"), None, "{ty:?}");
        // A list of such, too.
        module.types.push(Type::List { element: id, max: None });
        assert_eq!(fits(&module, TypeId(id.0 + 1), "ms"), None, "a list of {ty:?}");
    }
}

/// A change of the header or of a table, and what the verifier says of it.
fn changed(change: impl FnOnce(&mut Module)) -> Option<Rule> {
    let mut module = base();
    change(&mut module);
    said(&module)
}

#[test]
fn numbers_of_the_header_at_their_edges() {
    for (number, wanted) in [(0, None), (-1, Some(Rule::Limits))] {
        assert_eq!(changed(|own| own.instruction.deadline_ns = Some(number)), wanted);
        assert_eq!(changed(|own| own.instruction.budget_money = Some(number)), wanted);
        assert_eq!(changed(|own| own.instruction.budget_tokens = Some(number)), wanted);
        let rollout =
            Rollout { waves: vec![1], after_ns: Some(number), gate: None, failure: GateFailure::Halt };
        assert_eq!(changed(|own| own.instruction.rollout = Some(rollout)), wanted);
        let mut with = base();
        with.functions.push(Function {
            registers: vec![TypeId::BOOL],
            parameters: 0,
            result: Some(TypeId::BOOL),
            code: vec![swarm_bytecode::op::Op::ReturnValue { value: swarm_bytecode::op::Register(0) }],
        });
        with.debug = None;
        let condition = FunctionId(u16::try_from(with.functions.len() - 1).unwrap());
        with.instruction.expectations = vec![Expectation { condition, by_ns: Some(number), text: "".into() }];
        assert_eq!(said(&with), wanted);
    }
    let rollout = |waves: &[i64]| {
        let waves = waves.to_vec();
        changed(|own| {
            own.instruction.rollout =
                Some(Rollout { waves, after_ns: None, gate: None, failure: GateFailure::Halt });
        })
    };
    for waves in [&[1][..], &[1_000_000], &[1, 2, 1_000_000]] {
        assert_eq!(rollout(waves), None, "{waves:?}");
    }
    for waves in [&[][..], &[0], &[1_000_001], &[1, 1_000_001], &[2, 1], &[2, 2], &[0, 5], &[-1]] {
        assert_eq!(rollout(waves), Some(Rule::Rollout), "{waves:?}");
    }
    let report = |metrics: &[u16], every_ns| {
        let metrics = metrics.iter().copied().map(MetricId).collect();
        changed(|own| own.instruction.reports = vec![Reporting { metrics, every_ns }])
    };
    assert_eq!(report(&[0], None), None);
    assert_eq!(report(&[2, 0, 1], Some(1)), None);
    assert_eq!(report(&[0], Some(0)), Some(Rule::Reports));
    assert_eq!(report(&[0], Some(-1)), Some(Rule::Reports));
    assert_eq!(report(&[], None), Some(Rule::Reports));
    assert_eq!(report(&[1, 0, 1], None), Some(Rule::Reports));
    assert_eq!(report(&[3], None), Some(Rule::Reports));
}

#[test]
fn a_timer_has_a_second_at_least() {
    for (period_ns, wanted) in
        [(1_000_000_000, None), (999_999_999, Some(Rule::Timers)), (0, Some(Rule::Timers))]
    {
        let timer = Timer { period_ns, function: FunctionId(3) };
        assert_eq!(changed(|own| own.timers = vec![timer]), wanted, "{period_ns}");
    }
}

/// Few names are compared each with each, many are sorted.
#[test]
fn names_differ_however_many_there_are() {
    for count in [1, 2, 3, 8, 9, 10, 40] {
        let names = |twice: Option<usize>| {
            changed(|own| {
                let state =
                    |at: usize| State { name: format!("s{at}").into(), ty: TypeId::INT, initial: None };
                own.states = (0..count).map(state).collect();
                if let Some(twice) = twice {
                    own.states[count - 1].name = own.states[twice].name.clone();
                }
            })
        };
        assert_eq!(names(None), None, "{count}");
        for twice in 0..count - 1 {
            assert_eq!(names(Some(twice)), Some(Rule::Names), "{twice} of {count}");
        }
    }
    assert_eq!(changed(|own| own.imports[0].capability = Some("".into())), Some(Rule::Names));
}

#[test]
fn terms_of_a_bound_ascend_and_count_something() {
    let bound = |terms: &[(&[u16], u64)]| {
        let term = |(factors, coefficient): &(&[u16], u64)| Term {
            factors: factors.iter().copied().map(InputId).collect(),
            coefficient: *coefficient,
        };
        let mut module = base();
        let list = module.inputs[0].ty;
        module.inputs.push(Input { name: "more".into(), ty: list, unit: None, default: None });
        module.inputs.push(Input { name: "one".into(), ty: TypeId::INT, unit: None, default: None });
        module.bound.fuel = Polynomial::Terms(terms.iter().map(term).collect());
        // A bound that cannot be written at all is none of this rule's.
        if Module::decode(&module.encode()).ok().as_ref() != Some(&module) {
            return Some(Rule::BoundForm);
        }
        said(&module)
    };
    assert_eq!(bound(&[(&[], 1), (&[0], 1), (&[0, 0], 1), (&[0, 1], 1), (&[1], 2)]), None);
    assert_eq!(bound(&[(&[2], 1)]), Some(Rule::BoundForm), "an input without items");
    assert_eq!(bound(&[(&[3], 1)]), Some(Rule::BoundForm), "no input");
    assert_eq!(bound(&[(&[1, 0], 1)]), Some(Rule::BoundForm), "factors out of order");
}
