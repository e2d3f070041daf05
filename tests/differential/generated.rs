//! Generated programs: what they mean, what the reference makes of their modules, and what the machine does, optimised
//! and not, with plenty of everything and with little.
//!
//! `SWARM_PROGRAMS` says how many, `SWARM_SECONDS` for how long at most, `SWARM_SEED` where to begin; `cargo xtask
//! differential` sets them.

use std::collections::BTreeMap;

use arbitrary::Unstructured;
use swarm_bytecode::module::Module;
use swarm_bytecode::native::NATIVES;
use swarm_bytecode::op::{OPS, Op};
use swarm_compiler::typed::Program;
use swarm_compiler::{Options, check, compile_text_with};
use swarm_grammar::source::{SourceFile, Sources};
use swarm_reference::generate::{Generated, program, says};
use swarm_reference::report::Limits;

use crate::compare::{World, difference, machine, other_meaning, real, source};

/// What was done and found.
#[derive(Debug, Default)]
struct Tally {
    programs: u64,
    refused: BTreeMap<String, u64>,
    comparisons: u64,
    /// Of activations, by how the machine ended them.
    outcomes: BTreeMap<String, u64>,
    divergences: Vec<String>,
    /// How many programs have each op, native and statement.
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

#[test]
fn generated_programs_do_what_they_mean() {
    crate::deep(|| {
        let (programs, seed) = (from_environment("SWARM_PROGRAMS", 400), from_environment("SWARM_SEED", 1));
        let mut tally = Tally::default();
        let (begun, seconds) = (std::time::Instant::now(), from_environment("SWARM_SECONDS", u64::MAX));
        for number in 0..programs {
            if begun.elapsed().as_secs() >= seconds {
                break;
            }
            one(seed.wrapping_add(number), &mut tally);
        }
        let programs = tally.programs;
        report(&tally);
        let refused: u64 = tally.refused.values().sum();
        assert!(tally.divergences.is_empty(), "{} divergences", tally.divergences.len());
        assert!(refused * 10 <= programs, "{refused} of {programs} do not compile");
        assert!(programs < 400 || unreached(&tally).is_empty(), "not reached: {:?}", unreached(&tally));
    });
}

fn one(seed: u64, tally: &mut Tally) {
    let mut random = Random(seed);
    let bytes: Vec<u8> = (0..600).flat_map(|_| random.next().to_le_bytes()).collect();
    let made = program(&mut Unstructured::new(&bytes));
    tally.programs += 1;
    let mut sources = Sources::new();
    let file = sources.add(SourceFile::new("made.swarm", &*made.text));
    let checked = check(&mut sources, file);
    let compile = |optimise| {
        compile_text_with("made.swarm", &*made.text, &Options { optimise, ..Options::default() }).0
    };
    let (plain, better) = (compile(false), compile(true));
    let (Some(program), Some(plain), Some(better)) = (checked.program, plain.module, better.module) else {
        let first = plain
            .diagnostics
            .iter()
            .find(|found| found.severity() == swarm_grammar::diagnostic::Severity::Error);
        let why = first.map_or("only one way".to_owned(), |found| {
            format!("{:?}: {} {:?}", found.code, found.message, found.notes.first())
        });
        if std::env::var_os("SWARM_SHOW").is_some() && !tally.refused.contains_key(&why) {
            println!("{why}\n{}", made.text);
        }
        *tally.refused.entry(why).or_default() += 1;
        return;
    };
    reach(&plain, &made.text, tally);
    compare(seed, &made, (&program, &sources), [&plain, &better], &mut random, tally);
}

fn compare(
    seed: u64,
    made: &Generated,
    (program, sources): (&Program, &Sources),
    modules: [&Module; 2],
    random: &mut Random,
    tally: &mut Tally,
) {
    let limits = Limits { fuel: 100_000, ..Limits::default() };
    let (input, context, wakes) = (made.input.clone(), made.context.clone(), made.wakes.clone());
    let world = World { input, context, limits, collected: random.below(2) == 0, wakes };
    let mut problems = Vec::new();
    let meant = source(program, &world, &says).unwrap();
    for (module, kind) in modules.into_iter().zip(["plain", "optimised"]) {
        let (expected, found) = (machine(module, &world, &says), real(module, &world, &says));
        tally.comparisons += 2;
        problems.extend(difference(&expected, &found).map(|problem| format!("{kind} {problem}")));
        let Ok(found) = &found else { continue };
        for (report, _) in &found.seen {
            let how = if report.code.is_empty() { report.outcome } else { &report.code };
            *tally.outcomes.entry(how.to_owned()).or_default() += 1;
        }
        problems
            .extend(other_meaning(sources, &meant, found).map(|problem| format!("{kind}, meant {problem}")));
        let most = |of: fn(&swarm_reference::machine::Meter) -> u64| {
            found.seen.iter().map(|(_, meter)| of(meter)).max()
        };
        let (fuel, memory) =
            (most(|meter| meter.fuel).unwrap_or(0), most(|meter| meter.memory_peak).unwrap_or(0));
        for _ in 0..3 {
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
                let world = World { limits, ..world.clone() };
                tally.comparisons += 1;
                let found = difference(&machine(module, &world, &says), &real(module, &world, &says));
                problems.extend(found.map(|problem| format!("{kind} {limits:?} {problem}")));
            }
        }
    }
    if let Some(problem) = problems.first() {
        if tally.divergences.len() < 5 {
            println!(
                "seed {seed}: {problem}\n{}\n{} {} {:?}\n",
                made.text, made.input, made.context, made.wakes
            );
        }
        tally.divergences.push(format!("seed {seed}: {problem}"));
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
    let mut names = std::collections::BTreeSet::new();
    for op in module.functions.iter().flat_map(|function| &function.code) {
        names.insert(format!("op {}", op.info().mnemonic));
        if let Op::Native { native, .. } = op {
            names.insert(format!("native {}", native.function().unwrap().info().name));
        }
    }
    let tree =
        swarm_grammar::dump::dump(&swarm_grammar::parse(swarm_grammar::span::FileId::default(), text).0);
    let words = tree.split(['(', ' ', '\n', ')']).filter(|word| STATEMENTS.contains(word));
    names.extend(words.map(|word| format!("statement {word}")));
    for name in names {
        *tally.reached.entry(name).or_default() += 1;
    }
}

fn unreached(tally: &Tally) -> Vec<String> {
    let ops = OPS.iter().map(|op| op.mnemonic).filter(|op| !RARE.contains(op)).map(|op| format!("op {op}"));
    let natives = NATIVES.iter().map(|native| format!("native {}", native.name));
    let statements = STATEMENTS.iter().map(|statement| format!("statement {statement}"));
    ops.chain(natives).chain(statements).filter(|name| !tally.reached.contains_key(name)).collect()
}

fn report(tally: &Tally) {
    let refused: u64 = tally.refused.values().sum();
    println!("{} programs, {refused} of them refused, {} comparisons", tally.programs, tally.comparisons);
    for (why, count) in &tally.refused {
        println!("  {count} × {why}");
    }
    println!("activations ended: {:?}", tally.outcomes);
    let rarest = tally.reached.values().min().copied().unwrap_or(0);
    println!(
        "{} ops, natives and statements reached, each by at least {rarest} programs; not: {:?}",
        tally.reached.len(),
        unreached(tally)
    );
    println!("{} divergences", tally.divergences.len());
    for divergence in tally.divergences.iter().skip(5) {
        println!("{}", divergence.lines().next().unwrap_or(""));
    }
}
