//! How fast an agent can tell a good order from a bad one.

use std::collections::BTreeSet;
use std::hint::black_box;
use std::io::Write;
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group};
use swarm_benches::SAMPLE;
use swarm_bytecode::codec::digest;
use swarm_bytecode::quantity::parse_time;
use swarm_compiler::compile_text;
use swarm_fleet::envelope::{Envelope, ORDER_TYPE, TRUST_TYPE, pre_authentication_encoding};
use swarm_fleet::key::SecretKey;
use swarm_fleet::name::Name;
use swarm_fleet::order::{Limits, Order, Revision, Targets};
use swarm_fleet::state::HighWaterMark;
use swarm_fleet::time::DAY;
use swarm_fleet::trust::document::{
    Document, FORMAT, PublisherDocument, RevokedDocument, RootDocument, RootsDocument, ThresholdDocument,
};
use swarm_fleet::trust::{Capabilities, Trust};
use swarm_fleet::verify::{Audience, Mode, Receiver, verify_bytes};

type Failure = Box<dyn std::error::Error>;

/// What one core has to reach.
const FLOOR: f64 = 10_000.0;

const START: &str = "2026-11-20T00:00:00Z";

/// An order for the sample with one signature, on the wire; the trust file it counts by; and when.
fn prepared() -> Result<(Vec<u8>, Trust, i64), Failure> {
    let now = parse_time(START).ok_or("no time")?;
    let (compilation, _) = compile_text("cost_optimization.swarm", SAMPLE);
    let mut module = compilation.module.ok_or("the sample does not compile")?;
    module.strip();
    let (root, publisher) = (SecretKey::from_seed([1; 32]), SecretKey::from_seed([2; 32]));
    let document = Document {
        format: FORMAT,
        fleet: "bench".to_owned(),
        version: 1,
        issued: START.to_owned(),
        expires: "2026-12-04T00:00:00Z".to_owned(),
        roots: RootsDocument {
            threshold: 1,
            keys: vec![RootDocument { key: root.public_key().to_string(), owner: "ana".to_owned() }],
        },
        publishers: vec![PublisherDocument {
            key: publisher.public_key().to_string(),
            owner: "dan".to_owned(),
            from: START.to_owned(),
            until: "2027-02-01T00:00:00Z".to_owned(),
            names: vec![String::new()],
            capabilities: vec!["*".to_owned()],
        }],
        thresholds: vec![ThresholdDocument { prefix: String::new(), owners: 1 }],
        blast_radius: Vec::new(),
        revoked: RevokedDocument::default(),
        floors: Vec::new(),
    };
    let mut envelope = Envelope::new(TRUST_TYPE, document.to_payload());
    envelope.sign(&root)?;
    let trust = Trust::accept(&envelope, None)?;
    let bytes = module.encode();
    let order = Order {
        id: [7; 16],
        fleet: Name::new("bench").ok_or("no name")?,
        revision: Revision { epoch: 1, counter: 1 },
        name: Name::new(&module.instruction.name).ok_or("no name")?,
        version: module.instruction.version,
        digest: digest(&bytes),
        module: Some(bytes),
        replaces: None,
        targets: Targets::All,
        limits: Limits::default(),
        not_before: now,
        not_after: now.saturating_add(DAY),
        emergency: false,
    };
    let mut envelope = Envelope::new(ORDER_TYPE, order.encode());
    envelope.sign(&publisher)?;
    Ok((envelope.encode(), trust, now))
}

fn orders(criterion: &mut Criterion) -> Result<(), Failure> {
    let (bytes, trust, clock) = prepared()?;
    let mark = HighWaterMark::default();
    let grants = Capabilities::Only(BTreeSet::from(
        ["cpu.throttle", "memory.trim", "network.route", "metrics.report"].map(Into::into),
    ));
    let (trust, mark, grants) = (&trust, &mark, &grants);
    let receiver =
        Receiver { trust, mark, clock, audience: Audience::Anyone, grants, module: None, mode: Mode::Strict };
    verify_bytes(&bytes, &receiver)?;
    let key = SecretKey::from_seed([2; 32]);
    let (public, message) = (key.public_key(), pre_authentication_encoding(ORDER_TYPE, &bytes));
    let signature = key.sign(&message);
    let mut group = criterion.benchmark_group("trust");
    group.bench_function("check a signature", |bencher| {
        bencher.iter(|| public.verifies(black_box(&message), black_box(&signature)));
    });
    group.bench_function("accept an order", |bencher| {
        bencher.iter(|| verify_bytes(black_box(&bytes), &receiver).is_ok());
    });
    group.finish();

    let mut checked = 0_u32;
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(1) {
        black_box(public.verifies(black_box(&message), &signature));
        checked = checked.saturating_add(1);
    }
    let rate = f64::from(checked) / start.elapsed().as_secs_f64();
    let verdict = if rate >= FLOOR { "reached" } else { "missed" };
    let size = message.len();
    writeln!(
        std::io::stdout(),
        "{rate:.0} signatures of {size} bytes a second on one core; {FLOOR:.0} {verdict}"
    )?;
    Ok(())
}

fn all(criterion: &mut Criterion) {
    if let Err(error) = orders(criterion) {
        // Nobody is left to tell if this cannot be printed.
        let _unheard = writeln!(std::io::stderr(), "error: {error}");
    }
}

criterion_group!(benches, all);

fn main() {
    benches();
    Criterion::default().configure_from_args().final_summary();
}
