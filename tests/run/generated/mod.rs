//! Programs made at random, against a plain evaluator of their syntax tree: same actions and queries in the same
//! order, same outcome; and no run beyond the bound that was proved for it (the harness sees to that).

mod program;
mod text;
mod world;

use program::{Maker, Statement};
use world::{Leave, World};

use super::harness::Program;

/// Runs a program, unless it goes on for long: how much of each bound it used.
fn check(seed: u64) -> Option<Vec<f64>> {
    let mut maker = Maker::new(seed);
    let input = maker.input();
    let body: Vec<Statement> = (0..4).map(|_| maker.statement(3)).collect();
    let mut world = World::new(maker.next + 1, &input);
    let outcome = world.block(&body);
    if let Err(Leave::Trap("too long")) = outcome {
        return None;
    }
    let text = text::text(&body);
    let json = format!("{{\"l3\": {input:?}}}");
    let shown = || format!("seed {seed}, input {input:?}\n{text}");
    let run = Program::of(&text).input(&json).budget_micro_dollars(1_000_000_000_000).run();
    assert_eq!(run.asked, world.asked, "{}", shown());
    match outcome {
        Err(Leave::Trap(code)) => assert_eq!(run.reason_code(), Some(code), "{}", shown()),
        Err(Leave::Budget) => assert_eq!(run.reason_code(), Some("money"), "{}", shown()),
        _ => {
            assert_eq!(run.reason_code(), None, "{}", shown());
            assert_eq!(run.actions, world.values.acted, "{}", shown());
        }
    }
    Some(run.used)
}

/// How many programs are made; `SWARM_PROGRAMS` asks for more.
fn programs() -> u64 {
    std::env::var("SWARM_PROGRAMS").ok().and_then(|count| count.parse().ok()).unwrap_or(400)
}

#[test]
fn programs_at_random_do_what_they_say_within_their_bound() {
    let all = programs();
    let (mut checked, mut used) = (0_u64, Vec::new());
    for shares in (0..all).filter_map(check) {
        checked += 1;
        used.extend(shares);
    }
    assert!(checked > all * 3 / 4, "{checked} programs were short enough to check");
    used.sort_by(f64::total_cmp);
    let (worst, median) = (used.last().unwrap(), used[used.len() / 2]);
    println!(
        "soundness: {checked} programs, {} runs, no run beyond its bound; the most of a bound that was used: \
         {:.1} %, the median {:.1} %",
        checked * 2,
        worst * 100.0,
        median * 100.0
    );
}
