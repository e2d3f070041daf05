//! What a monitor says of figures that leave the baseline, and what a governor is told in two kilobytes.

use std::sync::Arc;

use serde_json::{Value as Json, json};
use swarm_bytecode::module::{Expectation, FunctionId, Metric, MetricKind, Module};
use swarm_bytecode::types::TypeId;
use swarm_fleet::injector::{Accounting, Phase};
use swarm_fleet::message::TraceHead;
use swarm_fleet::monitor::baseline::Baseline;
use swarm_fleet::monitor::{Against, History, MAX_RESULT, Monitor, Stands};
use swarm_fleet::name::Name;
use swarm_fleet::window::{Activation, Aggregate, Number, Totals};

use super::stub::{SECOND, Threshold};

fn module() -> Module {
    let mut module = Module::empty();
    module.instruction.name = "save".into();
    module.metrics = vec![
        Metric { name: "saved".into(), ty: TypeId::MONEY, kind: MetricKind::Total },
        Metric { name: "share".into(), ty: TypeId::PERCENT, kind: MetricKind::Gauge },
    ];
    module
}

/// So many agents that each saved so much, in micro-dollars, in each of so many activations.
fn window(
    monitor: &mut Monitor,
    module: &Module,
    (agents, activations): (u32, u64),
    saved: i64,
    number: u64,
) {
    for rank in 0..agents {
        let mut totals = Totals::new(&module.metrics);
        for _ in 0..activations {
            let samples = vec![(0, Number::Word(saved.into())), (1, Number::Word(500_000))];
            totals.record(&Activation { samples, ..Activation::default() });
        }
        let agent = Name::new(&format!("agent-{rank}")).unwrap();
        let head = TraceHead { events: number, hash: [1; 32] };
        let own = Aggregate { agent, incarnation: 1, window: number, order: [7; 16], totals, head };
        monitor.take(rank, &Arc::new(own));
    }
    monitor.close(number * 30 * SECOND, 0, &mut Threshold::new(1));
}

fn baseline(module: &Module, document: &Json) -> Option<Baseline> {
    Baseline::read(document, &module.metrics)
}

#[test]
fn a_figure_that_leaves_the_baseline_is_told_once_and_again_after_it_came_back() {
    let module = module();
    // $1 in each of a hundred activations; a report has it so, and the bus a little otherwise.
    let report = json!({
        "order": "aa", "spent": { "activations": 100 },
        "figures": { "saved": { "numerator": "$100" }, "share": { "mean": "50%" } },
    });
    let told = json!({
        "order": "aa", "activations": 100, "figures": { "saved": { "sum": "$100" }, "share": { "mean": "50%" } },
    });
    assert_eq!(baseline(&module, &report), baseline(&module, &told));
    let mut monitor = Monitor::new(&module, [7; 16]).against(baseline(&module, &report));
    // Twice the agents, a tenth of the time: the same in each activation.
    window(&mut monitor, &module, (4, 10), 1_000_000, 1);
    assert_eq!(monitor.alerts(), []);
    window(&mut monitor, &module, (4, 20), 790_000, 2);
    assert_eq!(monitor.alerts().len(), 1);
    let alert = &monitor.alerts()[0];
    assert_eq!(alert.against, Against::Baseline { metric: 0, fell: true });
    assert_eq!(alert.message, "21.0 % below order aa: $0.79 per activation, it was $1");
    let document: Json = serde_json::from_slice(&monitor.alert_document(alert, &module)).unwrap();
    assert_eq!((&document["figure"], &document["baseline"]), (&"saved".into(), &"aa".into()));
    assert_eq!(document["agents"].as_array().unwrap().len(), 4);
    // It stays off, comes back half of the way, and leaves on the other side.
    for (number, saved, alerts) in [(3, 850_000, 1), (4, 950_000, 1), (5, 1_300_000, 2)] {
        window(&mut monitor, &module, (4, 20), saved, number);
        assert_eq!(monitor.alerts().len(), alerts, "{saved}");
    }
    assert_eq!(monitor.alerts()[1].against, Against::Baseline { metric: 0, fell: false });
}

#[test]
fn few_activations_and_figures_of_another_type_are_held_against_nothing() {
    let module = module();
    let few = json!({ "order": "aa", "activations": 29, "figures": { "saved": { "sum": "$29" } } });
    assert_eq!(baseline(&module, &few), None);
    for other in ["5GB", "twelve"] {
        let document = json!({ "order": "aa", "activations": 30, "figures": { "saved": { "sum": other } } });
        let mut monitor = Monitor::new(&module, [7; 16]).against(baseline(&module, &document));
        window(&mut monitor, &module, (4, 20), 1, 1);
        assert_eq!(monitor.alerts(), []);
    }
    let document = json!({ "order": "aa", "activations": 100, "figures": { "saved": { "sum": "$100" } } });
    let mut monitor = Monitor::new(&module, [7; 16]).against(baseline(&module, &document));
    window(&mut monitor, &module, (1, 29), 1, 1);
    assert_eq!(monitor.alerts(), []);
}

#[test]
fn a_result_is_never_longer_than_a_governor_is_promised() {
    let mut module = module();
    let text: String = format!("saved >= ${}", "9".repeat(12));
    let expected = |_| Expectation { text: text.as_str().into(), by_ns: Some(9), condition: FunctionId(0) };
    module.instruction.expectations = (0..30).map(expected).collect();
    module.metrics.extend((0..100).map(|at| Metric {
        name: format!("{}{at}", "figure_".repeat(20)).into(),
        ty: TypeId::MONEY,
        kind: MetricKind::Total,
    }));
    let mut monitor = Monitor::new(&module, [7; 16]);
    window(&mut monitor, &module, (3, 5), i64::MAX / 2, 1);
    for others in [0, 1, 1000] {
        let why = "\u{1}\"ä".repeat(60);
        let exceptions: Vec<_> =
            (0..others).map(|at| (format!("agent-{at}"), "failed".to_owned(), why.clone())).collect();
        let accounting =
            Accounting { targets: 1000, failed: others, active: 1000 - others, ..Accounting::default() };
        let stands =
            Stands { at_ns: u64::MAX, phase: Phase::RolledBack, accounting, exceptions: &exceptions };
        let result = monitor.result_document(stands);
        assert!(result.len() <= MAX_RESULT, "{}", result.len());
        let result: Json = serde_json::from_slice(&result).unwrap();
        assert_eq!(result["agents"]["failed"], others);
        assert!(result["expectations"].as_array().unwrap().len() >= 4, "{result}");
    }
}

#[test]
fn a_history_goes_on_where_a_document_of_the_same_order_ends_and_keeps_the_newest() {
    let module = module();
    let mut monitor = Monitor::new(&module, [7; 16]);
    let mut history = History::resume([7; 16], None);
    for number in 1..=250 {
        window(&mut monitor, &module, (1, 1), 5, number);
        history.push(&monitor);
    }
    let document: Json = serde_json::from_slice(&history.document()).unwrap();
    assert_eq!((&document["skipped"], document["points"].as_array().unwrap().len()), (&10.into(), 240));
    assert_eq!(document["points"][239]["at_ns"], 250 * 30 * SECOND);
    assert_eq!(History::resume([7; 16], Some(&history.document())), history);
    let other = History::resume([8; 16], Some(&history.document()));
    assert_eq!(other, History::resume([8; 16], Some(b"{")));
}

#[test]
fn a_long_order_and_made_up_starts_take_bounded_memory() {
    let module = module();
    let mut monitor = Monitor::new(&module, [7; 16]);
    let mut quiet = Threshold::new(1);
    for number in 1..=10_000_u64 {
        monitor.close(number * 30 * SECOND, 0, &mut quiet);
    }
    assert!((1_000..=2_048).contains(&monitor.points().len()), "{}", monitor.points().len());
    let times: Vec<u64> = monitor.points().iter().map(|point| point.at_ns).collect();
    assert!(times.is_sorted() && times[0] < 1_000 * SECOND, "it reaches back to the beginning: {}", times[0]);
    assert_eq!(times.last(), Some(&(10_000 * 30 * SECOND)));
    for incarnation in 0..10_000 {
        let agent = Name::new("agent-0").unwrap();
        let (totals, head) = (Totals::new(&module.metrics), TraceHead { events: 1, hash: [1; 32] });
        let own = Aggregate { agent, incarnation, window: 1, order: [7; 16], totals, head };
        monitor.take(0, &Arc::new(own));
    }
    assert_eq!(monitor.latest().count(), 4_096);
}
