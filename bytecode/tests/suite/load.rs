//! What loading a module costs: memory in proportion to its bytes, and steps in proportion to them too.

use crate::rules::base;
use crate::support::{any_module, sample};
use smol_str::SmolStr;
use swarm_bytecode::codec::{CodeReader, LONG};
use swarm_bytecode::module::*;
use swarm_bytecode::op::{Op, Register};
use swarm_bytecode::types::{Field, Type, TypeId};
use swarm_bytecode::verify::Verified;

/// The most bytes alive at once while a module was decoded and verified; the module's own bytes are not among
/// them.
fn peak(bytes: &[u8]) -> u64 {
    let info = allocation_counter::measure(|| drop(Verified::load(bytes)));
    info.bytes_max
}

fn check(bytes: &[u8], what: &str) {
    let (length, peak) = (u64::try_from(bytes.len()).unwrap(), peak(bytes));
    let most = 16 * length + (64 << 10);
    assert!(peak <= most, "{what}: {length} bytes take {peak} bytes of memory; at most {most}");
}

/// Modules of one kind of thing, as many as there may be or as fit, each as short as it can be in bytes.
fn dense(count: usize) -> Vec<(&'static str, Module)> {
    let name = |at: usize| SmolStr::from(format!("n{at}"));
    let function =
        |registers: Vec<TypeId>, code: Vec<Op>| Function { registers, parameters: 0, result: None, code };
    let module = |change: &dyn Fn(&mut Module)| {
        let mut module = Module::empty();
        module.functions.push(function(vec![TypeId::INT], vec![Op::Return {}]));
        change(&mut module);
        module
    };
    let zeros = vec![Op::Zero { result: Register(0) }; count.min(60_000)];
    let call = Op::Call { function: FunctionId(0), arguments: [Register(0); 2].into() };
    vec![
        (
            "ops without operands",
            module(&|own| own.functions[0].code = vec![Op::Settle {}; count.min(60_000)]),
        ),
        ("ops", module(&|own| own.functions[0].code.splice(0..0, zeros.clone()).for_each(drop))),
        ("calls", module(&|own| own.functions[0].code = vec![call.clone(); count.min(60_000)])),
        (
            "functions",
            module(&|own| {
                own.functions = vec![function(Vec::new(), vec![Op::Return {}]); count.min(4_000)];
            }),
        ),
        (
            "registers",
            module(&|own| {
                own.functions = vec![function(vec![TypeId::INT; 250], vec![Op::Return {}]); count.min(4_000)];
            }),
        ),
        ("types", module(&|own| own.types = vec![Type::Optional(TypeId::INT); count.min(4_000)])),
        (
            "records",
            module(&|own| {
                let fields = |at: usize| {
                    let field =
                        Field { name: name(at), ty: TypeId::INT, key: false, unit: None, default: None };
                    vec![field; 4]
                };
                own.types = (0..count.min(4_000))
                    .map(|at| Type::Record { name: name(at), fields: fields(at) })
                    .collect();
            }),
        ),
        ("strings", module(&|own| own.strings = (0..count.min(16_000)).map(name).collect())),
        (
            "floats",
            module(&|own| {
                own.floats = (0..count.min(16_000)).map(|at| f64::from(u32::try_from(at).unwrap())).collect();
            }),
        ),
        (
            "imports",
            module(&|own| {
                own.imports = (0..count.min(1_000))
                    .map(|at| Import {
                        name: name(at),
                        parameters: vec![TypeId::INT; 8],
                        result: None,
                        effect: Effect::Plain,
                        capability: None,
                        cost: CallCost::default(),
                    })
                    .collect();
            }),
        ),
        (
            "terms",
            module(&|own| {
                let term =
                    |at: usize| Term { factors: Factors::new(), coefficient: u64::try_from(at).unwrap() };
                own.bound.fuel = Polynomial::Terms((1..count.min(4_000)).map(term).collect());
            }),
        ),
        (
            "places",
            module(&|own| {
                let place = |at: u32| (at, Place { file: 0, line: 1, column: 1 });
                own.functions[0].code = vec![Op::Settle {}; count.min(60_000)];
                own.debug = Some(Debug {
                    files: Vec::new(),
                    functions: vec![FunctionDebug {
                        name: "f".into(),
                        registers: Vec::new(),
                        places: (0..u32::try_from(count.min(60_000)).unwrap()).map(place).collect(),
                    }],
                });
            }),
        ),
    ]
}

#[test]
fn loading_takes_memory_in_proportion() {
    check(&sample().encode(), "the sample");
    check(&base().encode(), "the base of all rules");
    for seed in 0..300 {
        let bytes = any_module(seed).encode();
        check(&bytes, "a module made at random");
    }
    for count in [100, 1_000, 4_000, 16_000, 60_000] {
        for (what, module) in dense(count) {
            let bytes = module.encode();
            check(&bytes, &format!("{count} {what}"));
            // A module that ends too soon is refused before it has taken more.
            check(&bytes[..bytes.len() - 1], &format!("{count} {what}, cut off"));
        }
    }
}

/// Twice as many functions are twice as many steps.
#[test]
fn verifying_takes_steps_in_proportion() {
    let work = |functions: usize| {
        let mut module = base();
        module.debug = None;
        let body = module.functions[0].clone();
        module.functions.extend(std::iter::repeat_n(body, functions));
        Verified::from_module(&module).unwrap().work()
    };
    for functions in [250, 500, 1_000, 2_000] {
        let (once, twice) = (work(functions), work(2 * functions));
        assert!(twice * 10 <= once * 22, "{functions} functions: {once} steps, twice as many: {twice}");
    }
}

/// Up to four megabytes: twice as many bytes are at most 2.2 times as many steps.
#[test]
fn verifying_four_megabytes_takes_steps_in_proportion() {
    let mut before = None;
    for shift in 0..4 {
        let module = of_bytes(512 << (10 + shift));
        let (bytes, steps) = (module.encode().len(), Verified::from_module(&module).unwrap().work());
        assert!((bytes >> (19 + shift)) == 1, "{bytes} bytes");
        if let Some(before) = before.replace(steps) {
            assert!(steps * 10 <= before * 22, "{bytes} bytes: {steps} steps, half as many: {before}");
        }
    }
}

/// A module of so many bytes: functions of arithmetic, a third of it in loops.
fn of_bytes(bytes: usize) -> Module {
    let (item, first, sum) = (Register(0), Register(1), Register(2));
    let mut code = vec![
        Op::Integer { result: first, value: 1 },
        Op::Integer { result: sum, value: 0 },
        Op::Range { item, first, last: first },
    ];
    let add = Op::AddInt { result: sum, left: sum, right: item };
    code.extend(vec![add.clone(); 100]);
    code.push(Op::Advance {});
    code.extend(vec![add; 200]);
    code.push(Op::Return {});
    let mut module = Module::empty();
    // An op of three registers has four bytes, or three where one follows from the code.
    let each = 1_150;
    let function = Function { registers: vec![TypeId::INT; 3], parameters: 0, result: None, code };
    module.functions = vec![function; bytes / each + 1];
    module
}

/// A function of so many ops that have results of several types, told by ops and spelt out.
fn long_function(ops: usize) -> Function {
    let some = [
        Op::Integer { result: Register(1), value: 70_000 },
        Op::AddInt { result: Register(0), left: Register(0), right: Register(1) },
        Op::Zero { result: Register(2) },
        Op::Settle {},
    ];
    let mut code: Vec<Op> = some.iter().cycle().take(ops - 1).cloned().collect();
    code.push(Op::ReturnValue { value: Register(0) });
    let registers = vec![TypeId::INT, TypeId::INT, TypeId::FLOAT];
    Function { registers, parameters: 1, result: Some(TypeId::INT), code }
}

#[test]
fn the_ops_of_long_functions_are_read_once_more() {
    let mut module = base();
    module.debug = None;
    let sizes = [3, LONG - 1, LONG, LONG + 1, 5, LONG + 2, 3 * LONG];
    module.functions.extend(sizes.map(long_function));
    let bytes = module.encode();
    let verified = Verified::load(&bytes).unwrap();
    let long = verified.long_functions(&bytes);
    let first = module.functions.len() - sizes.len();
    let found: Vec<usize> = long.iter().map(|(index, _)| *index).collect();
    assert_eq!(found, [3, 5, 6].map(|at| first + at));

    for (index, reader) in long {
        let own = &module.functions[index].code;
        let mut ops = Vec::new();
        let all = |reader: CodeReader<'_>, ops: &mut Vec<Op>, most: usize| {
            reader.read(&module, |op| {
                ops.push(op);
                (ops.len() < most).then_some(())
            })
        };
        assert_eq!(all(reader.clone(), &mut ops, usize::MAX), Some(()));
        assert_eq!(&ops, own);
        ops.clear();
        assert_eq!(all(reader, &mut ops, LONG / 2), None);
        assert_eq!(ops, own[..LONG / 2]);
    }
    // Of bytes that end in the midst of it there are only the ops before.
    let (last, _) = verified.long_functions(&bytes).pop().unwrap();
    let cut = &bytes[..bytes.len() - 1_000];
    let (_, reader) = verified.long_functions(cut).pop().unwrap();
    let mut ops = 0;
    assert_eq!(
        reader.read(&module, |_| {
            ops += 1;
            Some(())
        }),
        None
    );
    assert!(ops > 0 && ops < module.functions[last].code.len(), "{ops}");
}
