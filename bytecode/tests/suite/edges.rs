//! Places where a slip in decoder or verifier would go unseen by the modules of `rules` and `whole`: found by making such
//! slips with cargo-mutants.

use crate::rules::base;
use crate::support::{TASKS, sample};
use swarm_bytecode::codec::{self, DecodeErrorKind};
use swarm_bytecode::layout::{Layout, MAX_SETTLE_FREE};
use swarm_bytecode::module::*;
use swarm_bytecode::op::{Op, Register, Registers};
use swarm_bytecode::types::{Type, TypeId};
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
