//! Who there is: agents come, leave and come back while an order is out.

use std::collections::BTreeMap;
use std::time::Duration;

use swarm_fleet::name::Name;
use swarm_node::layout::Layout;
use swarm_node::operator::Operator;
use swarm_node::registry::{self, Seen};
use swarm_node::submission::Submission;

use crate::support::{Bench, Fleet, Kind, key, name};

/// In two waves, the second after a second of the test's time.
fn program(version: u32) -> String {
    format!(
        r#"INSTRUCTION hello_v{version} {{
  DEADLINE 1h
  TARGET ALL AGENTS
  ROLLOUT 50%, 100% AFTER 20s WHEN error_rate < 70% ELSE ROLLBACK
}}
EVERY 1s {{ LOG("here") }}
"#
    )
}

fn seen(fleet: &Fleet) -> BTreeMap<Name, Seen> {
    registry::agents(&mut *fleet.bench.open(), &Layout::new(&name("test"))).unwrap()
}

/// Status, program and revision of an agent.
fn state(fleet: &Fleet, agent: &str) -> Option<(String, Option<String>, String)> {
    let seen = seen(fleet);
    let state = seen.get(&name(agent))?.state.clone()?;
    Some((state.status, state.program, state.revision))
}

fn until_state(fleet: &mut Fleet, agent: &str, status: &str) -> (Option<String>, String) {
    fleet.until(&format!("{agent} is {status}"), |fleet| {
        let (own, program, revision) = state(fleet, agent)?;
        (own == status).then_some((program, revision))
    })
}

#[test]
fn who_comes_and_who_leaves_while_an_order_is_out() {
    for bench in Bench::all() {
        let mut fleet = Fleet::new(bench);
        fleet.start("a", &Kind { agents: 5, ..Kind::default() });
        fleet.start("b", &Kind { agents: 1, ..Kind::default() });
        until_state(&mut fleet, "b-1", "idle");
        let all = ["a-1", "a-2", "a-3", "a-4", "a-5", "b-1"];
        fleet.send(&program(1), &all);
        fleet.until_status("the first wave is out", |status| status.waves.len() == 1);

        // One leaves, and says so; two come, and are no targets.
        fleet.agents.remove("b").unwrap().leave(Duration::from_secs(10)).unwrap();
        fleet.start("c", &Kind { agents: 2, ..Kind::default() });
        let status = fleet.until_status("all waves are out, and all but one have answered", |status| {
            status.phase == "converged" && status.reached.active == 5
        });
        assert_eq!((status.reached.targets, status.reached.silent), (6, 1));
        // Who left before its wave went out has not said so of it.
        let (who, counts_as, why) = &status.exceptions[0];
        assert_eq!((status.exceptions.len(), who.as_str(), counts_as.as_str()), (1, "b-1", "silent"));
        assert!(why.is_empty() || why == "left", "{why}");
        let (program_of_a, revision) = until_state(&mut fleet, "a-1", "active");
        assert_eq!(program_of_a.as_deref(), Some("hello_v1"));
        assert!(!revision.starts_with("0."), "{revision}");
        until_state(&mut fleet, "c-1", "idle");
        assert_eq!(until_state(&mut fleet, "c-2", "idle"), (None, "0.0".to_owned()));
        let people = seen(&fleet);
        assert_eq!(people.len(), 8);
        let b = &people[&name("b-1")];
        assert_eq!((b.role.as_str(), b.process.as_str()), ("worker", "b"));
        assert_eq!(b.state.as_ref().unwrap().status, "left");
        assert!(b.last_seen > 0 && people[&name("a-1")].last_seen >= b.last_seen);

        // It comes back, and takes up what is desired.
        fleet.start("b", &Kind { agents: 1, ..Kind::default() });
        fleet.until_status("who came back is active", |status| status.reached.active == 6);
        until_state(&mut fleet, "b-1", "active");

        // The next order reaches those who came too.
        let mut everyone = all.to_vec();
        everyone.extend(["c-1", "c-2"]);
        fleet.send(&program(2), &everyone);
        fleet.until_status("all eight run it", |status| {
            status.phase == "converged" && status.reached.active == 8
        });
        assert_eq!(until_state(&mut fleet, "c-1", "active").0.as_deref(), Some("hello_v2"));
    }
}

#[test]
fn a_bus_that_forgot_everything_is_told_again() {
    let mut fleet = Fleet::new(Bench::all().remove(0));
    fleet.start("a", &Kind::default());
    until_state(&mut fleet, "a-1", "idle");
    fleet.bench.forget();
    assert!(seen(&fleet).is_empty());
    until_state(&mut fleet, "a-1", "idle");
    assert_eq!(seen(&fleet).len(), 3);
}

#[test]
fn another_key_than_the_first_is_refused_and_named_until_someone_says_that_it_is_right() {
    let mut fleet = Fleet::new(Bench::all().remove(0));
    fleet.start("a", &Kind::default());
    fleet.start("b", &Kind { agents: 1, ..Kind::default() });
    let all = ["a-1", "a-2", "a-3", "b-1"];
    fleet.send(&program(1), &all);
    let status =
        fleet.until_status("all run it", |status| status.phase == "converged" && status.reached.active == 4);
    assert_eq!(status.strangers, Vec::<String>::new());

    // Somebody else comes under the name of one of them, or its disk is gone and its key with it.
    drop(fleet.agents.remove("b"));
    fleet.lose_disk("b");
    fleet.start("b", &Kind { agents: 1, keys: " of another", ..Kind::default() });
    fleet.send(&program(2), &all);
    let status = fleet.until_status("the others run it", |status| {
        status.phase == "converged" && status.reached.active == 3
    });
    assert_eq!(status.strangers, ["b-1"]);
    until_state(&mut fleet, "b-1", "active");
    for _ in 0..20 {
        fleet.turn();
    }
    let status = fleet.until_status("it counts for nothing", |_| true);
    assert_eq!((status.reached.active, status.reached.silent), (3, 1));

    fleet.injector.renew_keys(&[name("b-1")]).unwrap();
    fleet.send(&program(3), &all);
    let status = fleet
        .until_status("all four run it", |status| status.phase == "converged" && status.reached.active == 4);
    assert_eq!(status.strangers, Vec::<String>::new());
}

/// Sends a plan; the injector takes its turns meanwhile. Why it was refused, if it was.
fn submit(fleet: &mut Fleet, plan: &Submission) -> Option<String> {
    let mut operator = Operator::new(&name("test"), fleet.bench.open());
    assert_eq!(operator.submit(plan, Duration::ZERO).unwrap(), None, "nobody can have answered yet");
    let plan = plan.clone();
    fleet.until("the injector answers", |_| operator.answer(&plan).unwrap()).refused.map(|(code, _)| code)
}

#[test]
fn what_was_refused_can_be_sent_again() {
    for bench in Bench::all() {
        let mut fleet = Fleet::new(bench);
        let plan = fleet.plan(&program(1), &["a-1"]);
        assert_eq!(submit(&mut fleet, &plan).as_deref(), Some("E0632"));
        assert_eq!(submit(&mut fleet, &plan).as_deref(), Some("E0632"));
        fleet.start("a", &Kind { agents: 1, ..Kind::default() });
        until_state(&mut fleet, "a-1", "idle");
        assert_eq!(submit(&mut fleet, &plan), None);
        // With another signature it is another submission, and an order that is out is not taken twice.
        let mut signed = plan.clone();
        signed.sign(&key("injector")).unwrap();
        assert_ne!(signed.digest(), plan.digest());
        assert_eq!(submit(&mut fleet, &signed), None);
    }
}
