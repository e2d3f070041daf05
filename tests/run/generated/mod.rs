//! Programs made at random, against a plain evaluator of their syntax tree: same actions and queries in the same
//! order, same outcome; and no run beyond the bound that was proved for it (the harness sees to that).

mod program;
mod text;
mod world;

use program::{Maker, Statement};
use world::{Leave, World};

use super::harness::Program;

fn check(seed: u64) -> bool {
    let mut maker = Maker::new(seed);
    let body: Vec<Statement> = (0..4).map(|_| maker.statement(3)).collect();
    let mut world = World::new(maker.next + 1);
    let outcome = world.block(&body);
    if let Err(Leave::Trap("too long")) = outcome {
        return false;
    }
    let text = text::text(&body);
    let run = Program::of(&text).budget_micro_dollars(1_000_000_000_000).run();
    let shown = || format!("seed {seed}\n{text}");
    assert_eq!(run.asked, world.asked, "{}", shown());
    match outcome {
        Err(Leave::Trap(code)) => assert_eq!(run.reason_code(), Some(code), "{}", shown()),
        Err(Leave::Budget) => assert_eq!(run.reason_code(), Some("money"), "{}", shown()),
        _ => {
            assert_eq!(run.reason_code(), None, "{}", shown());
            assert_eq!(run.actions, world.values.acted, "{}", shown());
        }
    }
    true
}

/// How many programs are made; `SWARM_PROGRAMS` asks for more.
fn programs() -> u64 {
    std::env::var("SWARM_PROGRAMS").ok().and_then(|count| count.parse().ok()).unwrap_or(400)
}

#[test]
fn programs_at_random_do_what_they_say_within_their_bound() {
    let all = programs();
    let checked = (0..all).filter(|&seed| check(seed)).count();
    assert!(checked as u64 > all * 3 / 4, "{checked} programs were short enough to check");
}
