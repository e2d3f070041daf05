//! How much source text the front end takes in a second, on one core: a generated instruction file of 1 MB.

use std::fmt::Write as _;
use std::hint::black_box;
use std::io::Write as _;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use swarm_bytecode::verify::Verified;
use swarm_compiler::compile_text;
use swarm_grammar::span::FileId;

/// A program of at least so many bytes: functions as governors write them, all reached from the start.
fn program(bytes: usize) -> String {
    let mut text = String::from("METRIC saved: money TOTAL\n");
    let mut start = String::from("ON START {\n");
    let mut number = 0_u32;
    while text.len().saturating_add(start.len()) < bytes {
        number = number.saturating_add(1);
        let limit = number.wrapping_rem(50).saturating_add(1);
        let _ = write!(
            text,
            "
/// Relieves tasks of kind {number}.
FUNC relieve_{number}(limit: duration, share: percent) -> int {{
  LET relieved = 0
  FOR EACH task IN task_queue WHERE task.priority < {limit} AND NOT task.status == \"done\" {{
    IF task.cpu_time > limit THEN
      REDUCE_CPU_THROTTLE(task, share)
    IF task.memory > {limit}GB OR task.cost * 20% > ${limit} {{
      REDUCE_MEMORY_CACHE(task, share * 50%)
      RECORD saved = task.cost * share
      relieved += 1
    }} ELSE IF task.network > {limit}Mbps {{
      ROUTE_TO_CHEAPER_REGION(task)
    }}
  }}
  RETURN relieved + (COUNT FOR t IN task_queue WHERE t.memory > 1GB)
}}
"
        );
        let _ = writeln!(start, "  LET relieved_{number} = relieve_{number}({limit}s, 20%)");
        let _ = writeln!(start, "  IF relieved_{number} > 100 THEN STOP \"kind {number} is relieved\"");
        if number.wrapping_rem(100) == 0 {
            // Functions stay within their size, and all are reached.
            let _ = write!(start, "  part_{number}()\n}}\nFUNC part_{number}() {{\n");
        }
    }
    text.push_str(&start);
    text.push_str("}\n");
    text
}

fn throughput(criterion: &mut Criterion) {
    let text = program(1 << 20);
    let (compilation, _) = compile_text("generated.swarm", text.clone());
    let size = compilation.module.as_ref().map(|module| Verified::from_module(module).is_ok());
    let mut out = std::io::stderr();
    let _ = writeln!(out, "{} bytes of source, verified: {size:?}", text.len());
    let mut group = criterion.benchmark_group("front end, 1 MB");
    group.sample_size(10);
    group.throughput(Throughput::Bytes(text.len() as u64));
    group.bench_function("tokens", |bencher| bencher.iter(|| swarm_grammar::count_tokens(black_box(&text))));
    group.bench_function("syntax tree", |bencher| {
        bencher.iter(|| swarm_grammar::parse(FileId::default(), black_box(&text)));
    });
    group.bench_function("source to verified bytecode", |bencher| {
        bencher.iter(|| compile_text("generated.swarm", black_box(text.as_str())));
    });
    group.finish();
}

criterion_group!(benches, throughput);
criterion_main!(benches);
