//! What a module may hold of each thing: so many are read, one more is refused; and what reading is reckoned at.

use smol_str::SmolStr;
use swarm_bytecode::codec::DecodeErrorKind;
use swarm_bytecode::module::*;
use swarm_bytecode::op::{Op, Register};
use swarm_bytecode::types::{EnumCase, Field, Type, TypeId};
use swarm_bytecode::verify::Verified;

/// A name that is in no dictionary, long enough that no cap but the one in question is met.
fn name(at: usize) -> SmolStr {
    SmolStr::from(format!("{at:08}_a_name_of_some_length"))
}

fn field(at: usize) -> Field {
    Field { name: name(at), ty: TypeId::INT, key: false, unit: None, default: None }
}

fn function(registers: usize, code: Vec<Op>) -> Function {
    Function { registers: vec![TypeId::INT; registers], parameters: 0, result: None, code }
}

fn import(parameters: usize) -> Import {
    Import {
        name: name(0),
        parameters: vec![TypeId::INT; parameters],
        result: None,
        effect: Effect::Plain,
        capability: Some(name(1)),
        cost: CallCost::default(),
    }
}

fn debug(files: usize, registers: usize) -> Debug {
    let file = |at| SourceName { name: name(at), sha256: [7; 32] };
    let register = |at: usize| (u8::try_from(at % 256).unwrap(), name(at));
    let registers = (0..registers).map(register).collect();
    let function = FunctionDebug { name: name(0), registers, places: Vec::new() };
    Debug { files: (0..files).map(file).collect(), functions: vec![function] }
}

/// A sum of so many products of two inputs.
fn products(terms: usize) -> Polynomial {
    let input = |at: usize| InputId(u16::try_from(at).unwrap());
    let term =
        |at: usize| Term { factors: [input(at), input(at)].into_iter().collect(), coefficient: u64::MAX };
    Polynomial::Terms((0..terms).map(term).collect())
}

/// A kind of thing: its name, how many there may be, and what puts so many into a module.
type Cap = (&'static str, usize, fn(&mut Module, usize));

const TABLES: &[Cap] = &[
    ("types", 4_096, |own, count| {
        own.types = (0..count).map(|at| Type::Record { name: name(at), fields: Vec::new() }).collect();
    }),
    ("fields of a record", 256, |own, count| {
        own.types = vec![Type::Record { name: name(0), fields: (0..count).map(field).collect() }];
    }),
    ("cases of an enum", 256, |own, count| {
        let case = |at| EnumCase { name: name(at), fields: Vec::new() };
        own.types = vec![Type::Enum { name: name(0), cases: (0..count).map(case).collect() }];
    }),
    ("fields of a case", 256, |own, count| {
        let case = EnumCase { name: name(0), fields: (0..count).map(field).collect() };
        own.types = vec![Type::Enum { name: name(0), cases: vec![case] }];
    }),
    ("imports", 1_024, |own, count| own.imports = vec![import(0); count]),
    ("parameters of an import", 250, |own, count| own.imports = vec![import(count)]),
    ("inputs", 1_024, |own, count| {
        own.inputs =
            vec![Input { name: name(0), ty: TypeId::INT, unit: Some(name(1)), default: None }; count];
    }),
    ("contexts", 1_024, |own, count| {
        let context = Context { name: name(0), ty: TypeId::INT, unit: Some(name(1)), default: None };
        own.contexts = vec![context; count];
    }),
    ("metrics", 1_024, |own, count| {
        own.metrics = vec![Metric { name: name(0), ty: TypeId::INT, kind: MetricKind::Total }; count];
    }),
    ("states", 1_024, |own, count| {
        own.states = vec![State { name: name(0), ty: TypeId::INT, initial: None }; count];
    }),
    ("events", 256, |own, count| {
        own.events = vec![EventHandler { name: name(0), function: FunctionId(0), max: None }; count];
    }),
    ("timers", 256, |own, count| {
        own.timers = vec![Timer { period_ns: 1_000_000_001, function: FunctionId(0) }; count];
    }),
    ("vetoes", 1_024, |own, count| {
        let veto = Veto { import: ImportId(0), condition: FunctionId(0), reason: StringId(0) };
        own.vetoes = vec![veto; count];
    }),
    ("floats", 16_384, |own, count| own.floats = vec![1.5; count]),
    ("strings", 16_384, |own, count| own.strings = vec![name(0); count]),
    ("bytes of a string", (1 << 20) - 1, |own, count| own.strings = vec!["x".repeat(count).into()]),
    ("bytes of a name", 255, |own, count| own.instruction.name = "x".repeat(count).into()),
];

const PROGRAM: &[Cap] = &[
    ("functions", 4_096, |own, count| {
        own.functions = vec![function(1, vec![Op::Zero { result: Register(0) }, Op::Return {}]); count];
    }),
    ("registers", 250, |own, count| own.functions = vec![function(count, vec![Op::Return {}])]),
    ("ops", 65_535, |own, count| {
        let load = Op::Integer { result: Register(0), value: i64::MAX };
        own.functions = vec![function(1, vec![load; count])];
    }),
    ("waves", 64, |own, count| {
        let rollout =
            Rollout { waves: vec![7; count], after_ns: None, gate: None, failure: GateFailure::Halt };
        own.instruction.rollout = Some(rollout);
    }),
    ("expectations", 256, |own, count| {
        let expectation = Expectation { condition: FunctionId(0), by_ns: None, text: name(0) };
        own.instruction.expectations = vec![expectation; count];
    }),
    ("stops", 256, |own, count| own.instruction.stops = vec![FunctionId(0); count]),
    ("reports", 256, |own, count| {
        own.instruction.reports = vec![Reporting { metrics: Vec::new(), every_ns: None }; count];
    }),
    ("metrics of a report", 1_024, |own, count| {
        own.instruction.reports = vec![Reporting { metrics: vec![MetricId(7); count], every_ns: None }];
    }),
    ("terms of a bound", 4_096, |own, count| own.bound.fuel = products(count)),
    ("factors of a term", 16, |own, count| {
        let factors = vec![InputId(0); count].into_iter().collect();
        own.bound.fuel = Polynomial::Terms(vec![Term { factors, coefficient: 1 }]);
    }),
    ("files", 1_024, |own, count| own.debug = Some(debug(count, 0))),
    ("names of registers", 250, |own, count| own.debug = Some(debug(0, count))),
];

/// So many are read, so it is not the budget of memory that refuses one more.
#[test]
fn one_more_than_there_may_be_is_refused() {
    for (what, most, put) in TABLES.iter().chain(PROGRAM) {
        let with = |count: usize| {
            let mut module = Module::empty();
            module.functions = vec![function(1, vec![Op::Return {}])];
            put(&mut module, count);
            module
        };
        let module = with(*most);
        assert_eq!(Module::decode(&module.encode()).as_ref(), Ok(&module), "{most} {what}");
        let refused = Module::decode(&with(most + 1).encode()).map_err(|error| error.kind);
        assert_eq!(refused, Err(DecodeErrorKind::TooLarge), "{} {what}", most + 1);
    }
}

/// The products of all resources stand in one table, which has room for more than one of them may have.
#[test]
fn each_resource_may_have_products_of_its_own() {
    let (Polynomial::Terms(of_fuel), Polynomial::Terms(mut of_memory)) = (products(4_096), products(4_106))
    else {
        panic!()
    };
    of_memory.drain(..4_096);
    let mut module = Module::empty();
    module.bound.fuel = Polynomial::Terms(of_fuel);
    module.bound.memory = Polynomial::Terms(of_memory);
    assert_eq!(Module::decode(&module.encode()).as_ref(), Ok(&module));
}

#[test]
fn more_than_sixteen_mebibytes_are_not_looked_at() {
    let kind = |bytes: usize| Module::decode(&vec![0; bytes]).unwrap_err().kind;
    assert_eq!(kind(1 << 24), DecodeErrorKind::NotAModule);
    assert_eq!(kind((1 << 24) + 1), DecodeErrorKind::TooLarge);
}

/// What decoding and verifying are reckoned at: what is not left of 16 bytes for each of the module's, and 64
/// KiB.
fn reckoned(module: &Module) -> usize {
    let bytes = module.encode();
    let room = Verified::load(&bytes).unwrap().room();
    16 * bytes.len() + (64 << 10) - room
}

#[test]
fn what_is_read_is_reckoned() {
    let of_ops = |count: usize| {
        let mut module = Module::empty();
        module.functions = vec![function(1, vec![Op::Settle {}; count])];
        module.functions[0].code.push(Op::Return {});
        reckoned(&module)
    };
    assert!((1..1_000).contains(&of_ops(1)), "{}", of_ops(1));
    // An op takes 24 bytes, and 8 while its function is checked.
    assert_eq!(of_ops(101) - of_ops(1), 100 * (24 + 8));
    let of_texts = |length: usize| {
        let mut module = Module::empty();
        module.functions = vec![function(1, vec![Op::Return {}])];
        module.strings = vec!["x".repeat(length).into()];
        reckoned(&module)
    };
    // A short text lies in the table itself, a long one beside it, with two counters.
    assert_eq!([of_texts(1), of_texts(22)], [of_texts(23); 2]);
    assert_eq!([of_texts(24), of_texts(25)].map(|bytes| bytes - of_texts(23)), [24 + 16, 25 + 16]);
    let of_factors = |count: usize| {
        let mut module = Module::empty();
        module.functions = vec![function(1, vec![Op::Return {}])];
        module.types = vec![Type::List { element: TypeId::INT, max: None }];
        let ty = TypeId(TypeId::BUILTIN_COUNT);
        module.inputs = vec![Input { name: name(0), ty, unit: None, default: None }];
        let factors = vec![InputId(0); count].into_iter().collect();
        module.bound.fuel = Polynomial::Terms(vec![Term { factors, coefficient: 1 }]);
        reckoned(&module)
    };
    // A factor takes two bytes in its term. Up to four lie in the table of products itself, more beside it.
    assert_eq!(of_factors(4) - of_factors(3), 2);
    assert_eq!(of_factors(5) - of_factors(4), 2 + 2 * 5);
    assert_eq!(of_factors(6) - of_factors(5), 2 + 2);
}
