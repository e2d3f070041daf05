//! The sample program from its text to its last action, and its loop beside the same loop in native Rust.

use std::cell::Cell;
use std::hint::black_box;
use std::io::Write;

use criterion::{Criterion, criterion_group};
use swarm_benches::{
    SAMPLE, Tasks, counting_host, first_result, first_result_of_text, instance, side_by_side,
};
use swarm_compiler::compile_text;
use swarm_vm::{Inputs, Program};

type Failure = Box<dyn std::error::Error>;

fn stripped() -> Result<Vec<u8>, Failure> {
    let (compilation, _) = compile_text("cost_optimization.swarm", SAMPLE);
    let mut module = compilation.module.ok_or("the sample does not compile")?;
    module.strip();
    Ok(module.encode())
}

fn cold(criterion: &mut Criterion) -> Result<(), Failure> {
    let bytes = stripped()?;
    let program = Program::load(&bytes)?;
    let inputs = Inputs::new(&program).table("task_queue", &*Tasks::random(10_000).table()?)?;
    let calls = Cell::new(0);
    let host = counting_host(&calls);
    let mut group = criterion.benchmark_group("sample");
    group.bench_function("compile, warm", |bencher| {
        bencher.iter(|| compile_text("cost_optimization.swarm", black_box(SAMPLE)));
    });
    group.bench_function("decode and verify", |bencher| bencher.iter(|| Program::load(black_box(&bytes))));
    let few = Tasks::random(4).table()?;
    let mut first_host = counting_host(&calls);
    group.bench_function("bytes to first result", |bencher| {
        bencher.iter(|| first_result(black_box(&bytes), &few, &mut first_host).is_ok());
    });
    group.bench_function("source to first result", |bencher| {
        bencher.iter(|| first_result_of_text(black_box(SAMPLE), &few, &mut first_host).is_ok());
    });
    group.bench_function("new instance", |bencher| bencher.iter(|| instance(&program, &inputs, &host)));
    group.finish();
    Ok(())
}

/// One line for a person: how the sample over 10,000 tasks compares with native Rust.
fn ratio() -> Result<(), Failure> {
    let tasks = Tasks::random(10_000);
    let program = Program::load(&stripped()?)?;
    let inputs = Inputs::new(&program).table("task_queue", &*tasks.table()?)?;
    let calls = Cell::new(0);
    let mut host = counting_host(&calls);
    let mut arena = (0, 0);
    let native_calls = Cell::new(0_u64);
    let mut act = |_, row, amount| {
        black_box((row, amount));
        native_calls.set(native_calls.get().saturating_add(1));
    };
    let comparison = side_by_side(
        21,
        || {
            if let Ok(mut run) = instance(&program, &inputs, &host) {
                black_box(run.run(&mut host));
                arena = run.arena_used();
            }
        },
        || {
            black_box(tasks.native(black_box(&mut act)));
        },
    );
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "sample over 10,000 tasks: {:.1} us in the VM, {:.1} us native: {:.2}x (quartiles {:.2} to {:.2}); arena used: {} words, {} bytes of text",
        comparison.first_ns / 1e3,
        comparison.second_ns / 1e3,
        comparison.ratio[1],
        comparison.ratio[0],
        comparison.ratio[2],
        arena.0,
        arena.1,
    )?;
    Ok(())
}

fn benches(criterion: &mut Criterion) {
    if let Err(failure) = cold(criterion) {
        let _ = writeln!(std::io::stderr(), "bench failed: {failure}");
        std::process::exit(1);
    }
}

criterion_group!(group, benches);

fn main() {
    group();
    Criterion::default().configure_from_args().final_summary();
    if let Err(failure) = ratio() {
        let _ = writeln!(std::io::stderr(), "bench failed: {failure}");
        std::process::exit(1);
    }
}
