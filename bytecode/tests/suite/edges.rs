//! Places where a slip in decoder or verifier would go unseen by the modules of `rules` and `whole`: found by
//! making such slips with cargo-mutants.

use crate::rules::base;
use crate::support::{TASKS, sample};
use swarm_bytecode::codec::{self, DecodeErrorKind};
use swarm_bytecode::layout::{Layout, MAX_SETTLE_FREE};
use swarm_bytecode::module::*;
use swarm_bytecode::op::{Op, Register, Registers};
use swarm_bytecode::types::{EnumCase, Field, Type, TypeId};
use swarm_bytecode::verify::{LoadError, Rule, Verified, VerifyError};

const fn r(register: u8) -> Register {
    Register(register)
}

fn refused(module: &Module) -> VerifyError {
    match Verified::from_module(module) {
        Err(LoadError::Verify(error)) => error,
        other => panic!("{other:?}"),
    }
}

/// A module with a function of these registers and ops beside its own.
fn with(registers: &[TypeId], mut code: Vec<Op>) -> Module {
    let mut module = base();
    module.debug = None;
    code.push(Op::Return {});
    module.functions.push(Function { registers: registers.to_vec(), parameters: 0, result: None, code });
    module
}

#[test]
fn a_block_inside_of_a_loop_does_not_lift_its_protection() {
    let registers = [TypeId::INT, TypeId::INT, TypeId::INT, TypeId::BOOL];
    let writing = |inside: Vec<Op>, written: u8| {
        let mut code = vec![Op::Range { item: r(0), first: r(1), last: r(2) }];
        code.extend(inside);
        code.extend([Op::Zero { result: r(written) }, Op::Advance {}]);
        with(&registers, code)
    };
    let blocks: [Vec<Op>; 4] = [
        vec![],
        vec![Op::If { condition: r(3) }, Op::End {}],
        vec![Op::If { condition: r(3) }, Op::Else {}, Op::End {}],
        vec![Op::Loop {}, Op::Break { depth: 0 }, Op::Repeat {}],
    ];
    for block in blocks {
        assert_eq!(refused(&writing(block.clone(), 0)).rule, Rule::Protected, "{block:?}");
        assert!(Verified::from_module(&writing(block, 1)).is_ok());
    }
}

#[test]
fn a_block_inside_of_a_within_does_not_lift_what_is_held() {
    let mut module = with(
        &[TypeId::MONEY, TypeId::BOOL, TypeId::STRING],
        vec![
            Op::Within {
                budgets: Box::new([r(0)].into()),
                saved: Box::default(),
                phase: StringId(0),
                undoes: 1,
            },
            Op::If { condition: r(1) },
            Op::End {},
            Op::TryHost { accepted: r(1), import: ImportId(0), arguments: Registers::default() },
            Op::WithinElse {},
            Op::End {},
        ],
    );
    module.imports[0].parameters.clear();
    module.functions[0].code.retain(|op| !matches!(op, Op::Host { import: ImportId(0), .. }));
    assert_eq!(refused(&module).rule, Rule::Held);
}

#[test]
fn lists_and_maps_move_to_where_there_is_room() {
    let list = |element, max| Type::List { element, max };
    let map = |max| Type::Map { key: TypeId::STRING, value: TypeId::INT, max };
    let own = [
        list(TypeId::INT, Some(2)),
        list(TypeId::INT, None),
        list(TypeId::MONEY, None),
        map(Some(2)),
        map(Some(3)),
    ];
    let moved = |from: usize, to: usize| {
        let mut module = with(&[], vec![]);
        let first = u16::try_from(module.types.len()).unwrap() + TypeId::BUILTIN_COUNT;
        module.types.extend(own.iter().cloned());
        let id = |at: usize| TypeId(first + u16::try_from(at).unwrap());
        let function = module.functions.last_mut().unwrap();
        function.registers = vec![id(from), id(to)];
        function.code.insert(0, Op::Move { result: r(1), value: r(0) });
        module
    };
    for (from, to, good) in
        [(0, 0, true), (0, 1, true), (1, 0, false), (1, 2, false), (3, 4, true), (4, 3, false)]
    {
        match Verified::from_module(&moved(from, to)) {
            Ok(_) => assert!(good, "{from} to {to}"),
            Err(error) => {
                assert!(!good && refused(&moved(from, to)).rule == Rule::SameType, "{from} to {to}: {error}")
            }
        }
    }
}

#[test]
fn an_error_of_a_functions_shape_names_its_op() {
    let error = refused(&with(&[], vec![Op::Settle {}, Op::End {}]));
    assert_eq!((error.rule, error.function, error.op), (Rule::Blocks, Some(FunctionId(4)), Some(1)));
    // A way that is too long names the op at its end.
    let error = refused(&with(&[TypeId::INT], vec![Op::Zero { result: r(0) }; 2_100]));
    assert_eq!((error.rule, error.op), (Rule::SettleFree, Some(2_100)));
}

#[test]
fn a_way_without_a_settling_op_may_be_so_long_and_no_longer() {
    let ways: Vec<(u32, bool)> = (2_040..2_060)
        .map(|ops| {
            let mut code = vec![Op::Settle {}];
            code.extend(vec![Op::Zero { result: r(0) }; ops]);
            let module = with(&[TypeId::INT], code);
            let (longest, _) =
                Layout::of(&module.functions.last().unwrap().code).unwrap().longest_unsettled();
            (longest, Verified::from_module(&module).is_ok())
        })
        .collect();
    assert!(
        ways.contains(&(MAX_SETTLE_FREE, true)) && ways.contains(&(MAX_SETTLE_FREE + 1, false)),
        "{ways:?}"
    );
    assert!(ways.iter().all(|(longest, kept)| *kept == (*longest <= MAX_SETTLE_FREE)), "{ways:?}");
}

#[test]
fn registers_are_checked_for_little() {
    let work = |registers: usize| {
        let mut module = Module::empty();
        let function = Function {
            registers: vec![TypeId::INT; registers],
            parameters: 0,
            result: None,
            code: vec![Op::Return {}],
        };
        module.functions = vec![function; 40];
        Verified::from_module(&module).unwrap().work()
    };
    assert_eq!(work(240) - work(0), 40 * 15);
    work(250);
}

#[test]
fn a_verified_module_knows_its_digest() {
    let mut module = sample();
    let verified = Verified::from_module(&module).unwrap();
    module.strip();
    assert_eq!(verified.digest(), codec::digest(&module.encode()));
    assert_eq!(module.functions[0].registers[0], TASKS);
}

#[test]
fn an_error_of_the_decoder_is_a_sentence_with_its_place() {
    let error = Module::decode(b"SWRM").unwrap_err();
    assert_eq!(error.kind, DecodeErrorKind::Length);
    assert!(error.to_string().contains("the bytes end in the middle of a value"), "{error}");
    // The entry is the first function, but it is spelt out; and a module without functions.
    let mut module = sample();
    module.strip();
    let bytes = module.encode();
    let functions = codec::sections(&bytes).unwrap();
    let at = functions.iter().find(|(section, _)| section.name() == "functions").unwrap().1.start;
    let mut elsewhere = bytes.clone();
    elsewhere.splice(at..=at, [bytes[at] | 1, 0]);
    let mut none = bytes.clone();
    none[at] = 0;
    for bytes in [elsewhere, none] {
        assert_eq!(Module::decode(&bytes).unwrap_err().kind, DecodeErrorKind::NotCanonical);
    }
}

#[test]
fn a_register_may_state_any_type() {
    // That there is no such type is for the verifier to say.
    assert_eq!(refused(&with(&[TypeId(u16::MAX)], vec![])).rule, Rule::TypeExists);
}

#[test]
fn a_bound_is_written_in_one_form() {
    let mut module = sample();
    module.strip();
    let bytes = module.encode();
    let sections = codec::sections(&bytes).unwrap();
    let range = sections.iter().find(|(section, _)| section.name() == "bound").unwrap().1.clone();
    let with = |bound: &[u8]| {
        let mut bytes = bytes.clone();
        bytes.splice(range.clone(), bound.iter().copied());
        Module::decode(&bytes).map_err(|error| error.kind)
    };
    let refused = Err(DecodeErrorKind::NotCanonical);
    // Nothing is unbounded; the products of input 0 and of input 1; each resource's constant and coefficients.
    assert!(with(&[0, 2, 1, 0, 1, 1, 9, 5, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]).is_ok());
    assert_eq!(with(&[0, 2, 1, 0, 1, 0, 9, 5, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]), refused, "one twice");
    assert_eq!(with(&[0, 2, 1, 0, 1, 1, 9, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]), refused, "one unused");
    assert_eq!(with(&[0, 0, 0, 0, 0, 0, 0]), refused, "nothing is said");
}

#[test]
fn a_usual_unit_is_not_spelt_out() {
    let with = |ty| {
        let mut module = Module::empty();
        module.inputs = vec![Input { name: "own".into(), ty, unit: Some("ms".into()), default: None }];
        module.encode()
    };
    // Milliseconds are usual for neither.
    let (money, bytes) = (with(TypeId::MONEY), with(TypeId::BYTES));
    let differ: Vec<usize> = (0..money.len()).filter(|at| money[*at] != bytes[*at]).collect();
    let [at] = differ[..] else { panic!("{differ:?}") };
    let mut spelt = money;
    spelt[at] = u8::try_from(TypeId::DURATION.0).unwrap();
    assert_eq!(Module::decode(&spelt).unwrap_err().kind, DecodeErrorKind::NotCanonical);
}

/// What is told must not change: it is part of the format, and so of each program's digest.
#[test]
fn the_type_of_a_result_is_left_out_where_its_op_tells_it() {
    let field = |ty| Field { name: "f".into(), ty, key: false, unit: None, default: None };
    let (text, float, int, truth) = (TypeId::STRING, TypeId::FLOAT, TypeId::INT, TypeId::BOOL);
    let mut module = Module::empty();
    module.types = vec![
        Type::List { element: float, max: None },
        Type::Map { key: text, value: float, max: None },
        Type::Record { name: "R".into(), fields: vec![field(float)] },
        Type::Enum {
            name: "E".into(),
            cases: vec![EnumCase { name: "C".into(), fields: vec![field(float)] }],
        },
        Type::Optional(float),
    ];
    let [list, map, record, choice, optional] =
        [0, 1, 2, 3, 4].map(|own| TypeId(TypeId::BUILTIN_COUNT + own));
    module.inputs = vec![Input { name: "i".into(), ty: float, unit: None, default: None }];
    module.contexts = vec![Context { name: "c".into(), ty: float, unit: None, default: None }];
    module.imports = vec![Import {
        name: "Q".into(),
        parameters: vec![],
        result: Some(float),
        effect: Effect::Query,
        capability: None,
        cost: CallCost::default(),
    }];
    let value = r(0);
    let (left, right) = (r(0), r(0));
    // One parameter, then what the op writes, of these types.
    let cases: [(TypeId, Op, &[TypeId]); 28] = [
        (int, Op::Input { result: r(1), input: InputId(0) }, &[float]),
        (int, Op::Context { result: r(1), context: ContextId(0) }, &[float]),
        (int, Op::HostValue { result: r(1), import: ImportId(0), arguments: Registers::default() }, &[float]),
        (record, Op::Field { result: r(1), record: value, field: 0 }, &[float]),
        (choice, Op::Payload { result: r(1), value, case: 0, field: 0 }, &[float]),
        (list, Op::Item { result: r(1), list: value, index: value }, &[float]),
        (list, Op::ForEach { item: r(1), index: r(2), list: value }, &[float, int]),
        (map, Op::ForEachEntry { key: r(1), value: r(2), index: r(3), map: value }, &[text, float, int]),
        (map, Op::Find { found: r(1), value: r(2), map: value, key: value }, &[truth, float]),
        (optional, Op::Unwrap { result: r(1), value }, &[float]),
        (list, Op::Length { result: r(1), list: value }, &[int]),
        (map, Op::MapLength { result: r(1), map: value }, &[int]),
        (choice, Op::Case { result: r(1), value }, &[int]),
        (int, Op::Range { item: r(1), first: value, last: value }, &[int]),
        (text, Op::Move { result: r(1), value }, &[text]),
        (text, Op::Copy { result: r(1), value }, &[text]),
        (int, Op::AddInt { result: r(1), left, right }, &[int]),
        (int, Op::SubInt { result: r(1), left, right }, &[int]),
        (int, Op::NegInt { result: r(1), value }, &[int]),
        (int, Op::ModInt { result: r(1), left, right }, &[int]),
        (float, Op::AddFloat { result: r(1), left, right }, &[float]),
        (float, Op::SubFloat { result: r(1), left, right }, &[float]),
        (float, Op::MulFloat { result: r(1), left, right }, &[float]),
        (float, Op::DivFloat { result: r(1), left, right }, &[float]),
        (float, Op::NegFloat { result: r(1), value }, &[float]),
        (int, Op::LtInt { result: r(1), left, right }, &[truth]),
        (int, Op::Text { result: r(1), value }, &[text]),
        (truth, Op::Not { result: r(1), value }, &[truth]),
    ];
    for (parameter, op, told) in cases {
        let length = |results: &[TypeId]| {
            let mut module = module.clone();
            let registers = [&[parameter], results].concat();
            let code = vec![op.clone(), Op::Return {}];
            module.functions = vec![Function { registers, parameters: 1, result: None, code }];
            assert_eq!(Module::decode(&module.encode()).as_ref(), Ok(&module), "{op:?}");
            module.encode().len()
        };
        for at in 0..told.len() {
            let mut others = told.to_vec();
            others[at] = TypeId::MONEY;
            assert!(length(told) < length(&others), "{op:?}: the type of result {at}");
        }
    }
}
