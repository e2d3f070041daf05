//! The work of the bench on both tiers, in native Rust and in wasmtime, in turn: the fastest runs, as ratios
//! to native Rust, since whatever else a machine does only makes runs slower.
//! `cargo run --release -p swarm-jit --example tiers [ROUNDS]`.
#![expect(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a bench"
)]

use std::cell::Cell;
use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use swarm_bytecode::types::Type;
use swarm_compiler::compile_text;
use swarm_jit::Jit;
use swarm_vm::tier::Tier;
use swarm_vm::{
    Duration, Effects, Grants, Host, Inputs, Instance, Limits, Outcome, Percent, Program, Record, Table,
};

type Runs<'a> = Box<dyn FnMut() -> i64 + 'a>;

fn text(name: &str) -> String {
    let programs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../benches/peers/programs");
    std::fs::read_to_string(programs.join(name)).unwrap()
}

fn fib(k: i64) -> i64 {
    if k < 2 { k } else { fib(black_box(k - 1)) + fib(k - 2) }
}

fn loop32(n: i64) -> i64 {
    let (mut x, mut sum) = (1_i64, 0);
    for _ in 0..n {
        x = (x * 1_664_525 + 1_013_904_223) & 0xffff_ffff;
        sum ^= x >> 7;
    }
    sum
}

fn sieve(n: usize) -> i64 {
    let mut composite = vec![false; n + 1];
    let mut count = 0;
    for i in 2..=n {
        if !composite[i] {
            count += 1;
            (i..=n / i).for_each(|k| composite[i * k] = true);
        }
    }
    count
}

fn mandel(n: i64) -> i64 {
    let (side, mut sum) = (n as f64, 0);
    for row in 0..n {
        let cy = row as f64 * 2.0 / side - 1.0;
        for column in 0..n {
            let cx = column as f64 * 3.5 / side - 2.5;
            let (mut x, mut y, mut rounds) = (0.0_f64, 0.0_f64, 0);
            for round in 1..=100 {
                let (xx, yy) = (x * x, y * y);
                if xx + yy > 4.0 {
                    break;
                }
                y = 2.0 * x * y + cy;
                x = xx - yy + cx;
                rounds = round;
            }
            sum += rounds;
        }
    }
    sum
}

/// Tasks as columns, each value above its limit for so many of a hundred.
struct Tasks([Vec<i64>; 3]);

const LIMITS: [i64; 3] = [5_000_000_000, 1_000_000_000, 100_000_000];

fn tasks(count: i64, share: i64) -> Tasks {
    let mut state = 42_u64;
    let mut below = |bound: i64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        i64::try_from(state >> 33).unwrap() % bound
    };
    let mut columns = [Vec::new(), Vec::new(), Vec::new()];
    for _ in 0..count {
        for (column, limit) in columns.iter_mut().zip(LIMITS) {
            let above = if below(100) < share { limit + 1 } else { 0 };
            column.push(above + below(limit));
        }
    }
    Tasks(columns)
}

fn seen(sum: &Cell<i64>, value: i64) {
    sum.set(sum.get().wrapping_mul(31).wrapping_add(value));
}

fn policy(n: i64, share: i64) -> Runs<'static> {
    let Tasks([cpu, memory, network]) = tasks(n, share);
    Box::new(move || {
        let sum = Cell::new(0_i64);
        let act = |row: usize| seen(&sum, i64::try_from(row).unwrap());
        let act: &dyn Fn(usize) = black_box(&act);
        for (row, ((cpu, memory), network)) in cpu.iter().zip(&memory).zip(&network).enumerate() {
            if *cpu > LIMITS[0] {
                act(row);
            }
            if *memory > LIMITS[1] {
                act(row);
            }
            if *network > LIMITS[2] {
                act(row);
            }
        }
        sum.get()
    })
}

/// Of how many of a hundred tasks each value is above its limit.
fn share(name: &str) -> Option<i64> {
    match name {
        "policy" => Some(40),
        "policy1" => Some(1),
        _ => None,
    }
}

fn native(name: &str, n: i64) -> Runs<'static> {
    if let Some(share) = share(name) {
        return policy(n, share);
    }
    let work: fn(i64) -> i64 = match name {
        "fib" => fib,
        "loop32" => loop32,
        "sieve" => |n| sieve(usize::try_from(n).unwrap()),
        "mandel" => mandel,
        _ => |n| {
            let sum = Cell::new(0_i64);
            let add = |value| sum.set(sum.get().wrapping_mul(31).wrapping_add(value));
            let call: &dyn Fn(i64) = black_box(&add);
            (0..n).for_each(call);
            sum.get()
        },
    };
    Box::new(move || work(black_box(n)))
}

fn inputs(program: &Program, name: &str, n: i64) -> Inputs {
    if let Some(share) = share(name) {
        let Tasks([cpu, memory, network]) = tasks(n, share);
        let table = Table::builder()
            .strings("id", (0..n).map(|row| format!("task-{row}")))
            .words("cpu_time", Type::Duration, cpu)
            .words("memory", Type::Bytes, memory)
            .words("network", Type::Bandwidth, network);
        return Inputs::new(program).table("task_queue", &table.build().unwrap()).unwrap();
    }
    let table = Table::builder().words("n", Type::Int, vec![n]).build().unwrap();
    Inputs::new(program).table("n", &table).unwrap()
}

fn swarm(name: &'static str, n: i64, effects: Effects, tier: Option<Arc<dyn Tier>>) -> Runs<'static> {
    let source = match share(name) {
        Some(_) => {
            let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/cost_optimization.swarm");
            std::fs::read_to_string(sample).unwrap()
        }
        None => text(&format!("{name}.swarm")),
    };
    let module = compile_text("work.swarm", source).0.module.unwrap();
    let program = Program::load(&module.encode()).unwrap();
    let inputs = inputs(&program, name, n);
    let given: &'static Cell<i64> = Box::leak(Box::default());
    let row = |task: Record<'_>| task.row().map_or(-1, i64::from);
    let mut host = Host::new();
    host.action("RESULT", move |value: i64| given.set(value));
    host.action("REROUTE", move |value: i64| seen(given, value));
    host.action("REDUCE_CPU_THROTTLE", move |task: Record<'_>, _: Percent| seen(given, row(task)));
    host.action("REDUCE_MEMORY_CACHE", move |task: Record<'_>, _: Percent| seen(given, row(task)));
    host.action("ROUTE_TO_CHEAPER_REGION", move |task: Record<'_>| seen(given, row(task)));
    host.action("REPORT_METRICS_EVERY", |_: Duration| {});
    let limits = Limits::default().fuel(1 << 40).memory_bytes(1 << 30);
    let limits = limits.host_calls(1 << 40).money(1 << 40).deadline_ns(1 << 40);
    Box::new(move || {
        given.set(0);
        let run = Instance::new(&program, &inputs, limits, &Grants::all(), &host).unwrap();
        let mut run = run.without_action_log().without_digest().effects(effects);
        if let Some(tier) = &tier {
            run = run.tier(Arc::clone(tier));
        }
        let report = run.run(&mut host).report().unwrap();
        assert!(report.outcome == Outcome::Done, "{name}: {:?}", report.reason);
        given.get()
    })
}

fn wasm(name: &'static str, n: i64, fuel: bool) -> Runs<'static> {
    type Own<'a> = wasmtime::Caller<'a, Cell<i64>>;
    let mut config = wasmtime::Config::new();
    config.consume_fuel(fuel);
    let engine = wasmtime::Engine::new(&config).unwrap();
    let file = if share(name).is_some() { "policy" } else { name };
    let bytes = wat::parse_str(text(&format!("{file}.wat"))).unwrap();
    let module = wasmtime::Module::new(&engine, bytes).unwrap();
    let mut linker: wasmtime::Linker<Cell<i64>> = wasmtime::Linker::new(&engine);
    let calls = &mut linker;
    calls.func_wrap("host", "reroute", |caller: Own<'_>, value: i64| seen(caller.data(), value)).unwrap();
    for name in ["throttle", "trim"] {
        calls.func_wrap("host", name, |caller: Own<'_>, row: i64, _: i64| seen(caller.data(), row)).unwrap();
    }
    let mut store = wasmtime::Store::new(&engine, Cell::new(0));
    let instance = linker.instantiate(&mut store, &module).unwrap();
    let run = instance.get_typed_func::<i64, i64>(&mut store, "run").unwrap();
    if let Some(share) = share(name) {
        let Tasks([cpu, memory, network]) = tasks(n, share);
        let rows = (0..n).zip(cpu).zip(memory).zip(network);
        let bytes: Vec<u8> = rows
            .flat_map(|(((row, cpu), memory), network)| [cpu, memory, network, row])
            .flat_map(i64::to_le_bytes)
            .collect();
        let memory = instance.get_memory(&mut store, "memory").unwrap();
        memory.grow(&mut store, u64::try_from(bytes.len() >> 16).unwrap()).unwrap();
        memory.write(&mut store, 0, &bytes).unwrap();
    }
    let by_host = name == "hostcall" || share(name).is_some();
    Box::new(move || {
        if fuel {
            store.set_fuel(1 << 40).unwrap();
        }
        store.data().set(0);
        let given = run.call(&mut store, n).unwrap();
        if by_host { store.data().get() } else { given }
    })
}

fn main() {
    let rounds = std::env::args().nth(1).map_or(15, |rounds| rounds.parse().unwrap());
    let jit: Arc<dyn Tier> = Arc::new(Jit::new().unwrap());
    let auto: Arc<dyn Tier> = Arc::new(Jit::new().unwrap().when_hot());
    let unmetered: Arc<dyn Tier> = Arc::new(Jit::new().unwrap().unmetered());
    println!("| work | native µs | interpreter | auto | jit | jit unmetered | wasmtime | wasmtime + fuel |");
    println!("|---|---:|---:|---:|---:|---:|---:|---:|");
    let (now, later) = (Effects::Immediate, Effects::Collected);
    for (name, n, effects) in [
        ("policy", 10_000, now),
        ("policy", 10_000, later),
        ("policy1", 10_000, now),
        ("hostcall", 200_000, now),
        ("hostcall", 200_000, later),
        ("fib", 27, now),
        ("sieve", 200_000, now),
        ("loop32", 1_000_000, now),
        ("mandel", 200, now),
    ] {
        if std::env::args().skip(2).any(|only| only != name) {
            continue;
        }
        let mut all = [
            native(name, n),
            swarm(name, n, effects, None),
            swarm(name, n, effects, Some(Arc::clone(&auto))),
            swarm(name, n, effects, Some(Arc::clone(&jit))),
            swarm(name, n, effects, Some(Arc::clone(&unmetered))),
            wasm(name, n, false),
            wasm(name, n, true),
        ];
        let wanted = all[0]();
        let mut times = vec![Vec::new(); all.len()];
        for round in 0..=rounds {
            for (at, work) in all.iter_mut().enumerate() {
                let mut best = f64::MAX;
                for _ in 0..3 {
                    let start = Instant::now();
                    assert!(work() == wanted, "{name}, {at}");
                    best = best.min(start.elapsed().as_secs_f64());
                }
                // The first round compiles.
                if round > 0 {
                    times[at].push(best);
                }
            }
        }
        let least: Vec<f64> =
            times.iter().map(|times| times.iter().copied().fold(f64::MAX, f64::min)).collect();
        let ratios: Vec<String> = least.iter().skip(1).map(|own| format!("{:.2}", own / least[0])).collect();
        let name = if effects == later { format!("{name}, collected") } else { name.to_owned() };
        println!("| {name} | {:.0} | {} |", least[0] * 1e6, ratios.join(" | "));
    }
}
