//! What stopping and moving a run costs, and what each level of tracing does.

use std::cell::Cell;
use std::hint::black_box;
use std::io::Write;

use criterion::{Criterion, criterion_group};
use swarm_benches::{SAMPLE, Tasks, counting_host, side_by_side};
use swarm_compiler::compile_text;
use swarm_vm::snapshot::{Seal, SnapshotKey, Unseal};
use swarm_vm::trace::{Event, write_line};
use swarm_vm::{Answer, Exit, Grants, Host, Inputs, Instance, Level, Limits, Program};

type Failure = Box<dyn std::error::Error>;

fn sample() -> Result<Program, Failure> {
    let (compilation, _) = compile_text("cost_optimization.swarm", SAMPLE);
    let mut module = compilation.module.ok_or("the sample does not compile")?;
    module.strip();
    Ok(Program::load(&module.encode())?)
}

/// The sample over eight tasks, at the call of this number.
fn waiting(version: bool, calls: u32) -> Result<(Program, Inputs, Host<'static>, Instance), Failure> {
    let program = sample()?;
    let mut inputs = Inputs::new(&program).table("task_queue", &*Tasks::random(8).table()?)?;
    if version {
        inputs = inputs.version("task_queue", b"rev-17")?;
    }
    let mut host = Host::new();
    host.otherwise(|_| Answer::pending());
    let mut run = Instance::new(&program, &inputs, Limits::default(), &Grants::all(), &host)?;
    for _ in 0..calls {
        if let Exit::Pending(call) = run.run(&mut host) {
            run.resolve(call.id, Answer::done())?;
        }
    }
    match run.run(&mut host) {
        Exit::Pending(_) => Ok((program, inputs, host, run)),
        other => Err(format!("{other:?}").into()),
    }
}

fn snapshots(criterion: &mut Criterion) -> Result<(), Failure> {
    let key = SnapshotKey::new([7; 32]);
    let seal = Seal { key: &key, nonce: [1; 24], at_ns: 0 };
    let mut group = criterion.benchmark_group("snapshot");
    let mut sizes = Vec::new();
    for (name, version, calls) in [
        ("first call, inputs with a version", true, 0),
        ("fifth call, inputs with a version", true, 4),
        ("first call, inputs within", false, 0),
    ] {
        let (program, inputs, host, mut run) = waiting(version, calls)?;
        let bytes = run.snapshot(&host, &seal)?.bytes;
        sizes.push((name, bytes.len()));
        group.bench_function(format!("take, {name}"), |bencher| {
            bencher.iter(|| black_box(run.snapshot(&host, &seal).is_ok()))
        });
        let unseal = Unseal { key: &key, identity: None, above: 0, at_ns: 0 };
        group.bench_function(format!("resume, {name}"), |bencher| {
            bencher.iter(|| {
                black_box(Instance::resume(&program, &inputs, &Grants::all(), &host, &bytes, &unseal).is_ok())
            });
        });
    }
    group.finish();
    let mut out = std::io::stdout().lock();
    for (name, bytes) in sizes {
        writeln!(out, "snapshot of the sample, {name}: {bytes} bytes")?;
    }
    Ok(())
}

/// One line for each level: what tracing costs beside a run without it.
fn levels() -> Result<(), Failure> {
    let program = sample()?;
    let inputs = Inputs::new(&program).table("task_queue", &*Tasks::random(1_000).table()?)?;
    let calls = Cell::new(0);
    let mut out = std::io::stdout().lock();
    for level in [Level::Off, Level::Effects, Level::Steps, Level::Ops] {
        let fresh =
            |host: &Host<'_>| Instance::new(&program, &inputs, Limits::default(), &Grants::all(), host);
        let (mut host, mut plain) = (counting_host(&calls), counting_host(&calls));
        let mut text = String::new();
        let comparison = side_by_side(
            21,
            || {
                text.clear();
                if let Ok(mut run) = fresh(&host) {
                    let mut sink = |event: &Event<'_>| write_line(event, &mut text);
                    black_box(run.run_traced(&mut host, level, &mut sink));
                }
            },
            || {
                if let Ok(mut run) = fresh(&plain) {
                    black_box(run.run(&mut plain));
                }
            },
        );
        writeln!(
            out,
            "trace level {}: {:.2}x of a run without a trace (quartiles {:.2} to {:.2}), {} bytes",
            level.name(),
            comparison.ratio[1],
            comparison.ratio[0],
            comparison.ratio[2],
            text.len()
        )?;
    }
    Ok(())
}

fn all(criterion: &mut Criterion) {
    let done = snapshots(criterion).and_then(|()| levels());
    if let Err(failure) = done {
        let _unheard = writeln!(std::io::stderr(), "{failure}");
    }
}

criterion_group!(benches, all);

fn main() {
    benches();
    Criterion::default().configure_from_args().final_summary();
}
