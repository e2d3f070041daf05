//! Generated programs: what they mean, what the reference makes of their modules, and what the machine does,
//! optimised and not, with plenty of everything and with little.
//!
//! `SWARM_PROGRAMS` says how many, `SWARM_SECONDS` for how long at most, `SWARM_SEED` where to begin;
//! `cargo xtask differential` sets them.

use std::collections::BTreeMap;

use arbitrary::Unstructured;
use rayon::iter::{IntoParallelIterator, ParallelIterator};
use swarm_bytecode::module::Module;
use swarm_bytecode::native::NATIVES;
use swarm_bytecode::op::{OPS, Op};
use swarm_bytecode::types::Type;
use swarm_compiler::check;
use swarm_compiler::compile::assemble;
use swarm_compiler::optimise::optimise;
use swarm_compiler::typed;
use swarm_grammar::diagnostic::{Diagnostic, Severity};
use swarm_grammar::source::{SourceFile, Sources};
use swarm_reference::generate::{Generated, program, says};
use swarm_reference::machine::Given;
use swarm_reference::report::Limits;
use swarm_vm::Program;

use swarm_differential::{Loaded, World, difference, evaluate, other_meaning, run, source, told};

/// What was done and found.
#[derive(Debug, Default)]
struct Tally {
    programs: u64,
    refused: BTreeMap<String, u64>,
    comparisons: u64,
    /// How many activations were held against what the program means.
    meant: u64,
    /// Of activations, by how the machine ended them.
    outcomes: BTreeMap<String, u64>,
    divergences: Vec<String>,
    /// How many programs were looked at for what they have.
    looked_at: u64,
    /// How many of these have each op, native, statement and kind of type.
    reached: BTreeMap<String, u64>,
}

/// Numbers from a seed: SplitMix64.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, count: u64) -> u64 {
        self.next() % count.max(1)
    }
}

pub(crate) fn from_environment(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |value| value.parse().unwrap())
}

/// So many programs are looked at before the clock is.
const BATCH: u64 = 2_048;

/// So many programs reach everything.
const ALL_REACHED: u64 = 800;

#[test]
fn generated_programs_do_what_they_mean() {
    let (programs, seed) =
        (from_environment("SWARM_PROGRAMS", ALL_REACHED), from_environment("SWARM_SEED", 1));
    let (begun, seconds) = (std::time::Instant::now(), from_environment("SWARM_SECONDS", u64::MAX));
    // The reference evaluates a call by a call.
    let pool = rayon::ThreadPoolBuilder::new().stack_size(1 << 28).build().unwrap();
    let mut tally = Tally::default();
    while tally.programs < programs && begun.elapsed().as_secs() < seconds {
        let first = tally.programs;
        let batch = (first..programs.min(first + BATCH)).into_par_iter();
        let found = pool.install(|| {
            // What a program reaches takes as long to find out as all else.
            let one = |number: u64| {
                one(seed.wrapping_add(number), number < ALL_REACHED || number.is_multiple_of(64))
            };
            batch.map(one).reduce(Tally::default, Tally::and)
        });
        for divergence in found.divergences.iter().take(5_usize.saturating_sub(tally.divergences.len())) {
            println!("{divergence}");
        }
        tally = tally.and(found);
    }
    report(&tally, begun.elapsed().as_secs_f64());
    let (programs, refused) = (tally.programs, tally.refused.values().sum::<u64>());
    assert!(tally.divergences.is_empty(), "{} divergences", tally.divergences.len());
    assert!(refused * 10 <= programs, "{refused} of {programs} do not compile");
    let activations = tally.outcomes.values().sum::<u64>();
    assert!(tally.meant * 10 >= activations * 9, "the meaning of {} of {activations} is known", tally.meant);
    assert!(programs < ALL_REACHED || unreached(&tally).is_empty(), "not reached: {:?}", unreached(&tally));
}

impl Tally {
    fn and(mut self, other: Tally) -> Tally {
        self.programs += other.programs;
        self.comparisons += other.comparisons;
        self.meant += other.meant;
        self.looked_at += other.looked_at;
        let pairs = [
            (&mut self.refused, other.refused),
            (&mut self.outcomes, other.outcomes),
            (&mut self.reached, other.reached),
        ];
        for (own, more) in pairs {
            for (name, count) in more {
                *own.entry(name).or_default() += count;
            }
        }
        self.divergences.extend(other.divergences);
        self
    }
}

fn one(seed: u64, looks: bool) -> Tally {
    let mut tally = Tally { programs: 1, ..Tally::default() };
    let mut random = Random(seed);
    let bytes: Vec<u8> = (0..600).flat_map(|_| random.next().to_le_bytes()).collect();
    let made = program(&mut Unstructured::new(&bytes));
    let mut sources = Sources::new();
    let file = sources.add(SourceFile::new("made.swarm", &*made.text));
    let checked = check(&mut sources, file);
    let Some(typed) = checked.program else {
        refuse(&checked.diagnostics, &made, &mut tally);
        return tally;
    };
    let mut better = typed.clone();
    optimise(&mut better.functions);
    let (plain, better) = match (assemble(&typed, &sources), assemble(&better, &sources)) {
        (Ok((plain, _)), Ok((better, _))) => (plain, better),
        (Err(diagnostics), _) | (_, Err(diagnostics)) => {
            refuse(&diagnostics, &made, &mut tally);
            return tally;
        }
    };
    if looks {
        reach(plain.module(), &made.text, &mut tally);
    }
    let mut problems = Vec::new();
    let programs = [plain, better].map(|verified| Program::new(verified).unwrap());
    compare((&made, &typed, &sources), programs, &mut random, &mut tally, &mut problems);
    if let Some(problem) = problems.first() {
        let Generated { text, input, context, wakes } = made;
        tally.divergences.push(format!("seed {seed}: {problem}\n{text}\n{input} {context} {wakes:?}\n"));
    }
    tally
}

fn refuse(diagnostics: &[Diagnostic], made: &Generated, tally: &mut Tally) {
    let first = diagnostics.iter().find(|found| found.severity() == Severity::Error);
    let why = first.map_or("nobody says why".to_owned(), |found| {
        format!("{:?}: {} {:?}", found.code, found.message, found.notes.first())
    });
    if std::env::var_os("SWARM_SHOW").is_some() {
        println!("{why}\n{}", made.text);
    }
    *tally.refused.entry(why).or_default() += 1;
}

/// Both modules with plenty of everything against each other, the reference and what the program means; then,
/// with little fuel, little memory and few calls, one of the two each.
fn compare(
    (made, typed, sources): (&Generated, &typed::Program, &Sources),
    programs: [Program; 2],
    random: &mut Random,
    tally: &mut Tally,
    problems: &mut Vec<String>,
) {
    let limits = Limits { fuel: 100_000, ..Limits::default() };
    let (input, context, wakes) = (made.input.clone(), made.context.clone(), made.wakes.clone());
    let mut world =
        World { input, context, limits, collected: random.below(2) == 0, states: Vec::new(), wakes };
    // What is generated fits.
    let loaded = programs.map(|program| Loaded::new(program, &world).unwrap());
    let given = loaded.each_ref().map(|own| Given::new(own.module(), &world.input, &world.context).unwrap());
    let (mut fuel, mut memory) = (0, 0);
    let mut done = Vec::new();
    for ((loaded, given), kind) in loaded.iter().zip(&given).zip(["plain", "optimised"]) {
        let (expected, found) = (evaluate(given, &world, &says), run(loaded, &world, &says));
        tally.comparisons += 2;
        problems.extend(difference(&expected, &found).map(|problem| format!("{kind} {problem}")));
        let Ok(found) = found else { continue };
        for (report, meter) in &found.seen {
            let how = if report.code.is_empty() { report.outcome } else { &report.code };
            *tally.outcomes.entry(how.to_owned()).or_default() += 1;
            (fuel, memory) = (fuel.max(meter.fuel), memory.max(meter.memory_peak));
        }
        done.push((kind, found));
    }
    // What the machine did not bring to an end takes the reference long, and would be compared with nothing.
    let mut wakes = world.wakes.clone();
    wakes.truncate(done.iter().map(|(_, found)| told(found)).max().unwrap_or(0));
    let meant = source(typed, &World { wakes, ..world.clone() }, &says).unwrap();
    for (kind, found) in &done {
        tally.meant += u64::try_from(told(found).min(meant.len())).unwrap();
        let other = other_meaning(sources, &meant, found);
        problems.extend(other.map(|problem| format!("{kind}, meant {problem}")));
    }
    let small = [
        Limits { fuel: random.below(fuel + 1), ..limits },
        Limits { memory: random.below(memory + 1), ..limits },
        Limits {
            host_calls: random.below(5),
            money: i64::try_from(random.below(3_000_000)).unwrap(),
            tokens: i64::try_from(random.below(60)).unwrap(),
            depth: usize::try_from(random.below(4)).unwrap() + 1,
            ..limits
        },
    ];
    for limits in small {
        let which = usize::try_from(random.below(2)).unwrap();
        world.limits = limits;
        tally.comparisons += 1;
        let (expected, found) = (evaluate(&given[which], &world, &says), run(&loaded[which], &world, &says));
        let found = difference(&expected, &found);
        problems.extend(found.map(|problem| format!("{limits:?} {problem}")));
    }
}

/// Words of the syntax tree's text form that stand for a statement.
const STATEMENTS: &[&str] = &[
    "let", "=", "if", "match", "for-each", "while", "within", "phase", "try", "retry", "break", "continue",
    "return", "stop", "fail", "record", "require",
];

/// Ops that no small program has, and `map.remove`, for which there is no statement.
const RARE: &[&str] = &["settle", "loop", "repeat", "map.remove"];

fn reach(module: &Module, text: &str, tally: &mut Tally) {
    tally.looked_at += 1;
    let mut names = std::collections::BTreeSet::new();
    for op in module.functions.iter().flat_map(|function| &function.code) {
        names.insert(format!("op {}", op.info().mnemonic));
        if let Op::Native { native, .. } = op {
            names.insert(format!("native {}", native.function().unwrap().info().name));
        }
    }
    let registers = module.functions.iter().flat_map(|function| &function.registers);
    names.extend(registers.map(|ty| format!("type {}", kind(module.ty(*ty).unwrap()))));
    let tree =
        swarm_grammar::dump::dump(&swarm_grammar::parse(swarm_grammar::span::FileId::default(), text).0);
    let words = tree.split(['(', ' ', '\n', ')']).filter(|word| STATEMENTS.contains(word));
    names.extend(words.map(|word| format!("statement {word}")));
    for name in names {
        *tally.reached.entry(name).or_default() += 1;
    }
}

/// What kind of type it is.
fn kind(ty: &Type) -> &'static str {
    match ty {
        Type::Bool => "bool",
        Type::Int => "int",
        Type::Float => "float",
        Type::String => "string",
        Type::Duration => "duration",
        Type::Bytes => "bytes",
        Type::Bandwidth => "bandwidth",
        Type::Money => "money",
        Type::Tokens => "tokens",
        Type::Percent => "percent",
        Type::Time => "time",
        Type::Rate(_) => "rate",
        Type::List { .. } => "list",
        Type::Record { .. } => "record",
        Type::Optional(_) => "optional",
        Type::Enum { .. } => "enum",
        Type::Map { .. } => "map",
        Type::Secret => "secret",
    }
}

const KINDS: &[&str] = &[
    "bool",
    "int",
    "float",
    "string",
    "duration",
    "bytes",
    "bandwidth",
    "money",
    "tokens",
    "percent",
    "time",
    "rate",
    "list",
    "record",
    "optional",
    "enum",
    "map",
    "secret",
];

fn unreached(tally: &Tally) -> Vec<String> {
    let ops = OPS.iter().map(|op| op.mnemonic).filter(|op| !RARE.contains(op)).map(|op| format!("op {op}"));
    let natives = NATIVES.iter().map(|native| format!("native {}", native.name));
    let statements = STATEMENTS.iter().map(|statement| format!("statement {statement}"));
    let types = KINDS.iter().map(|kind| format!("type {kind}"));
    ops.chain(natives)
        .chain(statements)
        .chain(types)
        .filter(|name| !tally.reached.contains_key(name))
        .collect()
}

fn report(tally: &Tally, seconds: f64) {
    let refused: u64 = tally.refused.values().sum();
    println!(
        "{} programs, {refused} of them refused, {} comparisons, {:.0} programs a second",
        tally.programs,
        tally.comparisons,
        f64::from(u32::try_from(tally.programs).unwrap()) / seconds
    );
    for (why, count) in &tally.refused {
        println!("  {count} × {why}");
    }
    println!("activations ended: {:?}; {} held against what they mean", tally.outcomes, tally.meant);
    let rarest = tally.reached.values().min().copied().unwrap_or(0);
    println!(
        "{} ops, natives, statements and kinds of types reached, each by at least {rarest} of {} programs; not: {:?}",
        tally.reached.len(),
        tally.looked_at,
        unreached(tally)
    );
    println!("{} divergences", tally.divergences.len());
    for divergence in tally.divergences.iter().skip(5) {
        println!("{}", divergence.lines().next().unwrap_or(""));
    }
}
