//! Both tiers beside each other: the language vectors at many limits, and each place where tiers could differ.
#![expect(clippy::arithmetic_side_effects, reason = "test code")]
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "test code")]

mod places;
mod rounds;
mod vector;

use std::path::Path;
use std::sync::Arc;

use serde_json::{Value as Json, json};
use swarm_compiler::{Options, compile_text_with};
use swarm_jit::Jit;
use swarm_vm::tier::Tier;
use swarm_vm::{Effects, Limits, Program};
use vector::{Random, limits, run};

#[test]
fn every_vector_is_the_same_on_both_tiers() {
    // All of them take minutes: `SWARM_JIT_STEP=1`.
    let step = std::env::var("SWARM_JIT_STEP").map_or(12, |step| step.parse().unwrap());
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/language");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    let mut random = Random(1);
    let (mut count, mut problems) = (0, Vec::new());
    for file in files {
        let jit: Arc<dyn Tier> = Arc::new(Jit::new().unwrap());
        let file: Json = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
        for vector in file["vectors"].as_array().unwrap().iter().step_by(step) {
            let name = format!("{}: {}", file["subject"], vector["name"]);
            let text = vector["program"].as_str().unwrap();
            let options = Options { tests: false, ..Options::default() };
            let module = compile_text_with("vector.swarm", text, &options).0.module.unwrap();
            let program = Program::load(&module.encode()).unwrap();
            let own = limits(vector);
            let mut tries = vec![own];
            let fuel = json!(vector["pinned"]["fuel"]).as_u64().unwrap_or(0).min(own.fuel);
            let memory = vector["pinned"]["memory_peak_bytes"].as_u64().unwrap_or(0);
            for _ in 0..6 {
                tries.push(own.fuel(random.below(fuel + 2)));
            }
            tries.push(own.memory_bytes(random.below(memory + 1)));
            tries.push(own.host_calls(random.below(3)));
            tries.push(own.call_depth(u32::try_from(1 + random.below(4)).unwrap()));
            for limits in tries {
                for effects in [Effects::Immediate, Effects::Collected] {
                    count += 1;
                    let wanted = run(&program, vector, limits, effects, None);
                    let found = run(&program, vector, limits, effects, Some(Arc::clone(&jit)));
                    if wanted != found && problems.len() < 8 {
                        problems.push(format!("{name} {limits:?} {effects:?}\n{text}\n{wanted}\n{found}"));
                    }
                }
            }
        }
    }
    assert!(problems.is_empty(), "{} of {count}:\n{}", problems.len(), problems.join("\n\n"));
}

#[test]
fn work_of_the_bench_is_the_same() {
    let jit: Arc<dyn Tier> = Arc::new(Jit::new().unwrap());
    for (name, n) in [("fib", 18), ("loop32", 3_000), ("mandel", 20), ("sieve", 3_000), ("hostcall", 3_000)] {
        let path =
            Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../benches/peers/programs/{name}.swarm"));
        let text = std::fs::read_to_string(path).unwrap();
        let module = compile_text_with("work.swarm", &*text, &Options::default()).0.module.unwrap();
        let program = Program::load(&module.encode()).unwrap();
        let limits = Limits::default().fuel(1 << 40).memory_bytes(1 << 30);
        let vector = json!({"input": {"n": n}});
        for effects in [Effects::Immediate, Effects::Collected] {
            let wanted = run(&program, &vector, limits, effects, None);
            let found = run(&program, &vector, limits, effects, Some(Arc::clone(&jit)));
            assert!(wanted == found, "{name}: {wanted}\n{found}");
        }
    }
}

/// Frames of compiled code become the interpreter's wherever fuel, depth or memory ends, and the run goes on in them.
#[test]
fn a_recursion_that_is_left_in_its_midst_is_the_same() {
    let text = "INPUT n: int\nACTION RESULT(value: int) IDEMPOTENT\n\
        FUNC fib(k: int) -> int {\n  IF k < 2 THEN RETURN k\n  RETURN fib(k - 1) + fib(k - 2)\n}\n\
        FUNC walk(k: int, far: int) -> int {\n  IF k <= 0 THEN RETURN 7\n  RETURN walk(k - 1, far + k) + far\n}\n\
        ON START {\n  RESULT(fib(n))\n  RESULT(walk(n, 3))\n}\n";
    let module = compile_text_with("work.swarm", text, &Options::default()).0.module.unwrap();
    let program = Program::load(&module.encode()).unwrap();
    let jit: Arc<dyn Tier> = Arc::new(Jit::new().unwrap());
    let vector = json!({"input": {"n": 8}});
    let full = Limits::default();
    let mut tries: Vec<Limits> = (0..1_600).step_by(3).map(|fuel| full.fuel(fuel)).collect();
    tries.extend((1..16).map(|depth| full.call_depth(depth)));
    tries.extend((0..1_024).step_by(16).map(|bytes| full.memory_bytes(bytes)));
    let mut seen = std::collections::BTreeSet::new();
    for limits in tries {
        let wanted = run(&program, &vector, limits, Effects::Immediate, None);
        let found = run(&program, &vector, limits, Effects::Immediate, Some(Arc::clone(&jit)));
        assert!(wanted == found, "{limits:?}: {wanted}\n{found}");
        seen.insert(wanted);
    }
    assert!(seen.len() > 100, "{}: {seen:?}", seen.len());
}

#[test]
fn products_that_fit_by_their_ranges_are_not_looked_at() {
    let wat = |text: &str| {
        let module = compile_text_with("work.swarm", text, &Options::default()).0.module.unwrap();
        swarm_jit::to_wat(&Program::load(&module.encode()).unwrap()).unwrap()
    };
    let programs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../benches/peers/programs");
    let masked = wat(&std::fs::read_to_string(programs.join("loop32.swarm")).unwrap());
    assert!(masked.contains("i64.mul") && !masked.contains("i64.mul_wide_s"), "{masked}");
    let any = wat("CONTEXT n: int\nFUNC main() -> int { RETURN n * n }\n");
    assert!(any.contains("i64.mul_wide_s"), "{any}");
}
