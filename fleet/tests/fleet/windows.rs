//! Windows in bytes: what goes out comes back, and bytes have one meaning or none.

use proptest::prelude::*;
use swarm_bytecode::module::MetricKind;
use swarm_fleet::message::TraceHead;
use swarm_fleet::name::Name;
use swarm_fleet::window::{Actions, Activation, Aggregate, Figure, Number, Totals};

fn aggregate(samples: &[(u8, i64)], actions: &[(u8, u8)], window: u64) -> Aggregate {
    let kinds = [MetricKind::Total, MetricKind::Gauge, MetricKind::Distribution];
    let mut totals =
        Totals { figures: kinds.iter().map(|kind| Figure::new(*kind)).collect(), ..Totals::default() };
    let number = |(metric, word): (u8, i64)| match metric % 2 {
        0 => (usize::from(metric % 3), Number::Word(word.into())),
        _ => (usize::from(metric % 3), Number::Float(word as f64 / 3.0)),
    };
    let counted = |(name, done): (u8, u8)| {
        (format!("ACT_{}", name % 4).into(), Actions { done: done.into(), failed: 1, vetoed: 0 })
    };
    for sample in samples {
        totals.record(&Activation {
            fuel: 21,
            money: -7,
            samples: vec![number(*sample)],
            actions: actions.iter().copied().map(counted).collect(),
            ended: window.is_multiple_of(2).then(|| ("failed".into(), "änderte sich".repeat(40).into())),
            ..Activation::default()
        });
    }
    let head = TraceHead { events: window, hash: [3; 32] };
    Aggregate { agent: Name::new("agent-7").unwrap(), incarnation: 2, window, order: [9; 16], totals, head }
}

proptest! {
    #[test]
    fn what_goes_out_comes_back(
        samples in prop::collection::vec((any::<u8>(), any::<i64>()), 0..40),
        actions in prop::collection::vec((any::<u8>(), any::<u8>()), 0..4),
        window in any::<u64>(),
    ) {
        let window = aggregate(&samples, &actions, window);
        prop_assert_eq!(Aggregate::decode(&window.encode()).unwrap(), window);
    }

    #[test]
    fn bytes_have_one_meaning_or_none(
        samples in prop::collection::vec((any::<u8>(), -300_i64..300), 0..12),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
        cut in any::<bool>(),
    ) {
        let mut bytes = aggregate(&samples, &[(1, 2)], 4).encode();
        let at = at.index(bytes.len());
        if cut { bytes.truncate(at) } else { bytes[at] = byte }
        if let Ok(window) = Aggregate::decode(&bytes) {
            prop_assert_eq!(window.encode(), bytes);
        }
    }
}

#[test]
fn whole_numbers_of_any_size_go_through() {
    for word in [0, -1, 1, 63, 64, -64, -65, i128::MAX, i128::MIN] {
        let mut window = aggregate(&[], &[], 1);
        window.totals.figures[0] = Figure::Total(Number::Word(word));
        assert_eq!(Aggregate::decode(&window.encode()).unwrap(), window);
    }
}
