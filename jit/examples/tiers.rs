//! The work of the bench on both tiers, in native Rust and in wasmtime, in turn: medians as ratios to native Rust.
//! `cargo run --release -p swarm-jit --example tiers [ROUNDS]`.
#![expect(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::panic,
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
use swarm_vm::{Grants, Host, Inputs, Instance, Limits, Outcome, Program, Table};

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

fn native(name: &str, n: i64) -> Runs<'static> {
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

fn swarm(name: &'static str, n: i64, tier: Option<Arc<dyn Tier>>) -> Runs<'static> {
    let module = compile_text("work.swarm", text(&format!("{name}.swarm"))).0.module.unwrap();
    let program = Program::load(&module.encode()).unwrap();
    let table = Table::builder().words("n", Type::Int, vec![n]).build().unwrap();
    let inputs = Inputs::new(&program).table("n", &table).unwrap();
    let given: &'static Cell<i64> = Box::leak(Box::default());
    let mut host = Host::new();
    host.action("RESULT", move |value: i64| given.set(value));
    host.action("REROUTE", move |value: i64| given.set(given.get().wrapping_mul(31).wrapping_add(value)));
    let limits =
        Limits::default().fuel(1 << 40).memory_bytes(1 << 30).host_calls(1 << 40).deadline_ns(1 << 40);
    Box::new(move || {
        given.set(0);
        let run = Instance::new(&program, &inputs, limits, &Grants::all(), &host).unwrap();
        let mut run = run.without_action_log().without_digest();
        if let Some(tier) = &tier {
            run = run.tier(Arc::clone(tier));
        }
        let report = run.run(&mut host).report().unwrap();
        assert!(report.outcome == Outcome::Done, "{name}: {:?}", report.reason);
        given.get()
    })
}

fn wasm(name: &'static str, n: i64, fuel: bool) -> Runs<'static> {
    let mut config = wasmtime::Config::new();
    config.consume_fuel(fuel);
    let engine = wasmtime::Engine::new(&config).unwrap();
    let bytes = wat::parse_str(text(&format!("{name}.wat"))).unwrap();
    let module = wasmtime::Module::new(&engine, bytes).unwrap();
    let mut linker: wasmtime::Linker<i64> = wasmtime::Linker::new(&engine);
    type Own<'a> = wasmtime::Caller<'a, i64>;
    linker
        .func_wrap("host", "reroute", |mut caller: Own<'_>, value: i64| {
            let sum = caller.data_mut();
            *sum = sum.wrapping_mul(31).wrapping_add(value);
        })
        .unwrap();
    let mut store = wasmtime::Store::new(&engine, 0);
    let instance = linker.instantiate(&mut store, &module).unwrap();
    let run = instance.get_typed_func::<i64, i64>(&mut store, "run").unwrap();
    let by_host = name == "hostcall";
    Box::new(move || {
        if fuel {
            store.set_fuel(1 << 40).unwrap();
        }
        *store.data_mut() = 0;
        let given = run.call(&mut store, n).unwrap();
        if by_host { *store.data() } else { given }
    })
}

fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn main() {
    let rounds = std::env::args().nth(1).map_or(15, |rounds| rounds.parse().unwrap());
    let jit: Arc<dyn Tier> = Arc::new(Jit::new().unwrap());
    let auto: Arc<dyn Tier> = Arc::new(Jit::new().unwrap().when_hot());
    let unmetered: Arc<dyn Tier> = Arc::new(Jit::new().unwrap().unmetered());
    println!("| work | native µs | interpreter | auto | jit | jit unmetered | wasmtime | wasmtime + fuel |");
    println!("|---|---:|---:|---:|---:|---:|---:|---:|");
    for (name, n) in
        [("hostcall", 200_000), ("fib", 27), ("sieve", 200_000), ("loop32", 10_000_000), ("mandel", 200)]
    {
        let mut all = [
            native(name, n),
            swarm(name, n, None),
            swarm(name, n, Some(Arc::clone(&auto))),
            swarm(name, n, Some(Arc::clone(&jit))),
            swarm(name, n, Some(Arc::clone(&unmetered))),
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
        let medians: Vec<f64> = times.iter_mut().map(|times| median(times)).collect();
        let ratios: Vec<String> =
            medians.iter().skip(1).map(|own| format!("{:.2}", own / medians[0])).collect();
        println!("| {name} | {:.0} | {} |", medians[0] * 1e6, ratios.join(" | "));
    }
}
