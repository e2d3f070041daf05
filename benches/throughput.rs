//! How much source text the front end takes in a second, on one core: a generated instruction file of 1 MB.

use std::hint::black_box;
use std::io::Write as _;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use swarm_benches::generated;
use swarm_bytecode::verify::Verified;
use swarm_compiler::compile_text;
use swarm_grammar::span::FileId;

fn throughput(criterion: &mut Criterion) {
    let text = generated(1 << 20);
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
