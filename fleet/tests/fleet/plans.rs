//! Plans, records, messages: their bytes, their arithmetic, what they delegate.

use proptest::prelude::*;
use swarm_bytecode::module::GateFailure;
use swarm_fleet::envelope::{Envelope, PLAN_TYPE};
use swarm_fleet::message::{Ack, Checkpoint, Status, TraceHead};
use swarm_fleet::name::Name;
use swarm_fleet::order::Revision;
use swarm_fleet::plan::{MAX_WAVES, Plan, draw, reaches, share};
use swarm_fleet::record::{Directive, Record, Step};
use swarm_fleet::refusal::Cause;

use super::agents::Scene;
use super::stub::module;

fn names(count: u32) -> Vec<Name> {
    (0..count).map(|number| Name::new(&format!("a-{number}")).unwrap()).collect()
}

#[test]
fn waves_reach_at_least_their_share() {
    assert_eq!(reaches(&[10_000, 100_000, 1_000_000], 1159), [12, 116, 1159]);
    assert_eq!(reaches(&[10_000, 20_000, 1_000_000], 12), [1, 12], "a wave that reaches no one new is none");
    assert_eq!(reaches(&[], 5), [5]);
    assert_eq!(reaches(&[500_000], 5), [3], "a rollout may end early");
    assert_eq!(reaches(&[1; 1000], 5), [1]);
    assert!(reaches(&(1..=1_000_000).collect::<Vec<_>>(), 1_000_000).len() <= MAX_WAVES);
}

#[test]
fn targets_are_drawn_by_hash() {
    let all = names(50);
    let drawn = draw(&[1; 16], all.clone(), Some(20)).unwrap();
    assert_eq!(drawn.len(), 20);
    let mut reversed = all.clone();
    reversed.reverse();
    assert_eq!(drawn, draw(&[1; 16], reversed, Some(20)).unwrap(), "the order of names does not matter");
    assert_ne!(drawn, draw(&[2; 16], all.clone(), Some(20)).unwrap(), "another order, another draw");
    assert_eq!(draw(&[1; 16], all.clone(), None).unwrap()[..20], drawn, "waves are prefixes");
    assert_eq!(draw(&[1; 16], all, Some(51)).unwrap_err().cause, Cause::TooFewAgents);
    assert_eq!(draw(&[1; 16], [], None).unwrap_err().cause, Cause::TooFewAgents);
}

proptest! {
    #[test]
    fn shares_are_the_whole(amount in 0_i64..=i64::MAX / 2, targets in 1_u32..3000) {
        let shares: Vec<i64> = (0..targets).map(|rank| share(amount, targets, rank)).collect();
        prop_assert_eq!(shares.iter().sum::<i64>(), amount);
        prop_assert!(shares.iter().max().unwrap() - shares.iter().min().unwrap() <= 1);
    }

    #[test]
    fn bytes_from_strangers_are_refused_or_canonical(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        for magic in [&b"SWRP\x01"[..], b"SWRR\x01", b"SWRD\x01", b"SWRA\x01", b"SWRK\x01", b""] {
            let bytes = [magic, &bytes].concat();
            if let Ok(plan) = Plan::decode(&bytes) { prop_assert_eq!(plan.encode(), bytes.clone()); }
            if let Ok(record) = Record::decode(&bytes) { prop_assert_eq!(record.encode(), bytes.clone()); }
            if let Ok(directive) = Directive::decode(&bytes) { prop_assert_eq!(directive.encode(), bytes.clone()); }
            if let Ok(ack) = Ack::decode(&bytes) { prop_assert_eq!(ack.encode(), bytes.clone()); }
            if let Ok(checkpoint) = Checkpoint::decode(&bytes) { prop_assert_eq!(checkpoint.encode(), bytes); }
        }
    }
}

#[test]
fn all_that_is_sent_reads_back() {
    let scene = Scene::new();
    let plan = Plan::decode(&scene.plan.payload).unwrap();
    assert_eq!(plan.encode(), scene.plan.payload);
    for former in [None, Some(module(1, GateFailure::Rollback))] {
        let targets = scene.setup.targets.clone();
        let directive = Directive::new(scene.plan.clone(), targets, scene.plan.clone(), former);
        let bytes = directive.encode();
        assert_eq!(Directive::decode(&bytes).unwrap(), directive);
        // Not one of its bytes can go, and none can follow.
        assert!((0..bytes.len()).all(|end| Directive::decode(&bytes[..end]).is_err()));
        assert!(Directive::decode(&[&bytes[..], b"x"].concat()).is_err());
    }
    let name = Name::new("a-1").unwrap();
    let steps = [
        Step::Run { wave: 3 },
        Step::Halt,
        Step::Stop,
        Step::Resume,
        Step::Rollback { from: [1; 32], to: None },
        Step::Rollback { from: [1; 32], to: Some([2; 32]) },
    ];
    for step in steps {
        let revision = Revision { epoch: 2, counter: 7 };
        let record = Record { fleet: name.clone(), plan: [3; 32], revision, reach: 9, issued: -1, step };
        assert_eq!(Record::decode(&record.encode()).unwrap(), record);
    }
    let statuses = [
        Status::Active,
        Status::Finished("done".into()),
        Status::Refused("E0629".into()),
        Status::Failed("é".repeat(300).into()),
        Status::Idle,
        Status::Left,
    ];
    for status in statuses {
        let head = TraceHead { events: 5, hash: [8; 32] };
        let agent = name.clone();
        let ack = Ack { agent, incarnation: 1, sequence: 2, record: [4; 32], status, head, clock: 9 };
        let read = Ack::decode(&ack.encode()).unwrap();
        assert_eq!(read.encode(), ack.encode());
        assert_eq!(read.status.name(), ack.status.name());
    }
}

#[test]
fn a_plan_with_waves_that_do_not_rise_is_none() {
    let scene = Scene::new();
    let plan = Plan::decode(&scene.plan.payload).unwrap();
    for waves in [vec![], vec![0, 5], vec![5, 5], vec![5, 4], vec![5, 21]] {
        let broken = Plan { waves, ..plan.clone() };
        assert_eq!(Plan::decode(&broken.encode()).unwrap_err().cause, Cause::NoPlan);
    }
}

#[test]
fn a_plan_under_another_type_is_refused() {
    let scene = Scene::new();
    let mut other = Envelope::new("application/vnd.swarm.order.v1", scene.plan.payload.clone());
    other.sign(&scene.setup.injector).unwrap();
    assert_eq!(other.check(PLAN_TYPE, |_| None).unwrap_err().cause, Cause::OtherPayload);
    assert_ne!(module(1, GateFailure::Halt), module(2, GateFailure::Halt));
}
