//! Fleets of real processes over real servers: an order goes out in waves, is halted and resumed, rolled
//! back; servers, injectors and agents are killed in the middle of it, and nothing is doubled.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::print_stderr, reason = "test code")]
#![expect(clippy::arithmetic_side_effects, reason = "test code")]

mod deploy;
mod fleet;
mod members;
mod monitor;
mod queue;
mod tls;

use std::time::{Duration, Instant};

use fleet::{Extra, Fleet, outcome};
use serde_json::Value;
use swarm_test_servers::Engine;

/// How long commands wait for answers on a computer with much to do.
const PATIENT: &str = "120s";

const PROCESSES: u32 = 2;
const EACH: u32 = 10;
const ALL_AGENTS: u32 = PROCESSES * EACH;

/// So many fleets have a fault at the same time.
const AT_ONCE: usize = 5;

fn active(status: &Value) -> u64 {
    status["reached"]["active"].as_u64().unwrap_or(0)
}

/// Over each kind of server, at the same time: such a test mostly waits.
fn over_each_engine(test: impl Fn(Engine) + Sync) {
    std::thread::scope(|scope| {
        for engine in Engine::ALL {
            let test = &test;
            scope.spawn(move || test(engine));
        }
    });
}

#[test]
fn an_order_goes_out_is_halted_resumed_and_rolled_back() {
    over_each_engine(|engine| {
        let fleet = Fleet::start(engine, PROCESSES, EACH);
        fleet.until_told(20);
        let (code, document, said) = outcome(fleet.inject(1));
        assert_eq!(code, 0, "{engine:?}: {said}{}", fleet.logs());
        assert_eq!(document["status"]["phase"], "converged");
        assert_eq!(document["status"]["waves"].as_array().map(Vec::len), Some(2));
        assert_eq!(active(&document["status"]), u64::from(ALL_AGENTS));

        // A halt reaches everyone, and outlives a new order.
        let begun = Instant::now();
        let (code, document) =
            fleet.command(&["halt", "--fleet", "demo", "--key", "dan.key", "--wait", PATIENT]);
        eprintln!("{engine:?}: halt in {} ms", begun.elapsed().as_millis());
        assert_eq!((code, &document["status"]["phase"]), (0, &Value::from("halted")), "{document}");
        let (count, _) = fleet.effects();
        std::thread::sleep(Duration::from_secs(2));
        assert_eq!(fleet.effects().0, count, "something runs in a halted fleet");
        let (code, _) = fleet.command(&["resume", "--fleet", "demo", "--key", "dan.key", "--wait", PATIENT]);
        assert_eq!(code, 0);
        // A program that was stopped begins at START: first comes again what has been done, and is not done
        // again.
        fleet.until_effects(count + 1);

        // The next version in shadow: it counts as many calls, and there are no more than without it.
        fleet.write_program(2);
        let (code, document, said) = outcome(fleet.inject_with(2, &["--shadow", "4s"]));
        assert_eq!(code, 0, "{said}{}", fleet.logs());
        let shadow = &document["shadow"];
        assert_eq!(
            (&shadow["agents"], &shadow["alone"]),
            (&Value::from(ALL_AGENTS), &Value::from(0)),
            "{shadow}"
        );
        let calls = |side: &str| shadow["actions"]["PING"][side]["done"].as_u64().unwrap_or(0);
        assert!(calls("new") >= 2 * u64::from(ALL_AGENTS) && calls("old") > 0, "{shadow}");

        // The next version, and back again.
        let (code, document, said) = outcome(fleet.inject(2));
        assert_eq!(code, 0, "{said}{}", fleet.logs());
        assert_eq!(document["status"]["version"], 2);
        let begun = Instant::now();
        let (code, document) =
            fleet.command(&["rollback", "--fleet", "demo", "--key", "dan.key", "--wait", PATIENT]);
        eprintln!("{engine:?}: rollback in {} ms", begun.elapsed().as_millis());
        assert_eq!((code, &document["status"]["phase"]), (0, &Value::from("rolled back")), "{document}");
        assert_eq!(fleet.effects().1, Vec::<String>::new());
    });
}

#[test]
fn a_step_no_publisher_signed_changes_nothing() {
    let fleet = Fleet::start(Engine::Redis, 1, 5);
    fleet.until_told(5);
    let (code, _, said) = outcome(fleet.inject(1));
    assert_eq!(code, 0, "{said}");
    let (code, document) =
        fleet.command(&["halt", "--fleet", "demo", "--key", "injector.key", "--wait", PATIENT]);
    // The injector's key may halt: the plan delegates that. The root's may not.
    assert_eq!(code, 0, "{document}");
    let (code, _) = fleet.command(&["resume", "--fleet", "demo", "--key", "root.key", "--wait", "1s"]);
    assert_eq!(code, 3);
    let status = fleet.until("the forged step is written over", |status| status["phase"] == "halted");
    assert_eq!(active(&status["status"]), 5);
}

const LIBRARY: &str = r#"INSTRUCTION SAVE_v3 {
  DEADLINE 2h
  TARGET ALL AGENTS WHERE agent.role == "worker"
}
CONTEXT current_costs: money
ACTION PAY(what: money) REQUIRES money.pay ONCE
ON START { PAY(current_costs) }
"#;

#[test]
fn governors_order_by_name_and_are_told_what_is_wrong_by_name() {
    let extra = Extra {
        injector: &["--library", "library", "--publisher", "dan.key"],
        files: &[("library/save.swarm", LIBRARY)],
        ..Extra::default()
    };
    let fleet = Fleet::start_with(Engine::Redis, 1, 5, extra);
    fleet.until_told(5);
    let mut bus = swarm_bus::open(&fleet.server.url()).unwrap();
    let mut order = |text: &str| {
        bus.append("swarm:instructions", &[text.as_bytes()], 100).unwrap();
    };
    order(r#"{"id":"1","type":"SAVE_v3","context":{}}"#);
    order(r#"{"id":"2","type":"SAVE_v3","context":{"currentCosts":"$5","colour":"red"}}"#);
    order(r#"{"id":"3","type":"SAVE_v3","context":{"currentCosts":"5GB"}}"#);
    order(r#"{"id":"4","type":"SPEND_v1","context":{}}"#);
    order(
        r#"{"id":"5","type":"SAVE_v3","context":{"currentCosts":"$5","deadline":7200000},"priority":"CRITICAL"}"#,
    );
    fleet.until("the good one is done", |status| status["phase"] == "converged" && active(status) == 5);
    let results = fleet.results();
    let of = |id: &str| {
        results.iter().find(|own| own["order"] == id).map(|own| own["error"]["message"].to_string())
    };
    assert!(of("1").unwrap().contains("current_costs"), "{results:?}");
    assert!(of("2").unwrap().contains("colour"), "{results:?}");
    assert!(of("3").unwrap().contains("current_costs"), "{results:?}");
    assert!(of("4").unwrap().contains("SPEND_v1"), "{results:?}");
    let last = results.last().unwrap();
    let told = (&last["instruction"], &last["agents"]["active"]);
    assert_eq!(told, (&Value::from("SAVE_v3"), &Value::from(5)), "{results:?}");
    // An order that was taken is told by the governor's name for it, and by that of the results.
    let receipt = results.iter().find(|own| own["order"] == "5").unwrap();
    assert_eq!((&receipt["accepted"], &receipt["id"]), (&Value::from(true), &last["order"]), "{results:?}");
    assert_eq!(fleet.effects().0, 5);
}

const RULES: &str = r#"INSTRUCTION rules {}
ON START { PING(0) }
ACTION PING(n: int) REQUIRES ping.send ONCE
VETO PING(n) WHEN n > 0 BECAUSE "once is enough"
"#;

#[test]
fn no_program_does_what_a_rule_of_the_agent_forbids() {
    let extra =
        Extra { agents: &["--veto", "rules.swarm"], files: &[("rules.swarm", RULES)], ..Extra::default() };
    let fleet = Fleet::start_with(Engine::Nats, 1, 3, extra);
    fleet.until_told(3);
    let (code, _, said) = outcome(fleet.inject(1));
    assert_eq!(code, 0, "{said}{}", fleet.logs());
    fleet.until_effects(3);
    std::thread::sleep(Duration::from_millis(1500));
    assert_eq!(fleet.effects().0, 3, "each pings once, with 0");
}

/// A fault in the middle of an order.
fn fault(fleet: &mut Fleet, seed: u64) -> &'static str {
    match seed % 5 {
        0 => {
            fleet.kill_injector();
            std::thread::sleep(Duration::from_millis(200 + seed * 37 % 900));
            fleet.start_injector();
            "injector killed"
        }
        1 => {
            fleet.kill_agents(1);
            std::thread::sleep(Duration::from_millis(200 + seed * 53 % 900));
            fleet.start_agents(1);
            "agents killed"
        }
        2 => {
            fleet.server.kill_and_empty().unwrap();
            std::thread::sleep(Duration::from_millis(100 + seed * 41 % 900));
            fleet.server.start_again().unwrap();
            "bus killed, with all it held"
        }
        3 => {
            fleet.kill_agents(2);
            fleet.kill_injector();
            fleet.server.kill_and_empty().unwrap();
            fleet.server.start_again().unwrap();
            fleet.start_injector();
            fleet.start_agents(2);
            "everything but one process killed"
        }
        _ => {
            fleet.server.pause().unwrap();
            std::thread::sleep(Duration::from_millis(300 + seed * 29 % 1500));
            fleet.server.resume().unwrap();
            "bus paused"
        }
    }
}

/// One order with one fault in its middle: it converges, and nothing happens twice.
fn faulty(seed: u64) {
    let engine = Engine::ALL[usize::try_from(seed / 5 % 2).unwrap()];
    let mut fleet = Fleet::start(engine, PROCESSES, EACH);
    fleet.until_told(20);
    let sent = fleet.inject(1);
    fleet.until("the first wave is out", |status| {
        status["waves"].as_array().is_some_and(|own| !own.is_empty())
    });
    std::thread::sleep(Duration::from_millis(seed * 97 % 2500));
    let what = fault(&mut fleet, seed);
    let begun = Instant::now();
    fleet.until(&format!("seed {seed}, {engine:?}, {what}"), |status| {
        status["phase"] == "converged" && active(status) == u64::from(ALL_AGENTS)
    });
    // Restarted programs run on, and what they did once they do not do again.
    fleet.until_effects(20);
    std::thread::sleep(Duration::from_millis(1200));
    let (effects, twice) = fleet.effects();
    assert_eq!(twice, Vec::<String>::new(), "seed {seed}, {engine:?}, {what}");
    let _said = outcome(sent);
    eprintln!(
        "fault {seed}: {engine:?}, {what}: converged after {} ms, {effects} effects",
        begun.elapsed().as_millis()
    );
}

#[test]
fn whatever_dies_in_the_middle_of_an_order_it_converges_and_nothing_happens_twice() {
    let number = |name: &str, otherwise: u64| {
        std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
    };
    let (first, runs) = (number("SWARM_SEED", 0), number("SWARM_FAULTS", 10));
    std::thread::scope(|scope| {
        for begin in (first..).take(AT_ONCE) {
            scope.spawn(move || (begin..first + runs).step_by(AT_ONCE).for_each(faulty));
        }
    });
    eprintln!("{runs} of {runs} fault runs converged");
}

/// Orders while a process of agents does not answer, over each kind of server.
fn hampered(
    what: &str,
    hamper: impl Fn(&Fleet) + Sync,
    seen: impl Fn(&Value) -> bool + Sync,
    mend: impl Fn(&Fleet) + Sync,
) {
    over_each_engine(|engine| hampered_over(engine, what, &hamper, &seen, &mend));
}

fn hampered_over(
    engine: Engine,
    what: &str,
    hamper: &dyn Fn(&Fleet),
    seen: &dyn Fn(&Value) -> bool,
    mend: &dyn Fn(&Fleet),
) {
    let fleet = Fleet::start(engine, PROCESSES, EACH);
    fleet.until_told(20);
    hamper(&fleet);
    let order = fleet.inject(1);
    let (begun, mut since) = (Instant::now(), None);
    loop {
        let status = fleet.status();
        // For a moment everyone is silent; it has to be so for a while.
        since = if seen(&status) { since.or(Some(Instant::now())) } else { None };
        if since.is_some_and(|since| since.elapsed() > Duration::from_millis(1200)) {
            break;
        }
        assert!(
            begun.elapsed() < Duration::from_secs(120),
            "{engine:?}: {what} is not named: {status}\n{}",
            fleet.logs()
        );
        std::thread::sleep(Duration::from_millis(100));
    }
    mend(&fleet);
    let (code, document, said) = outcome(order);
    assert_eq!(code, 0, "{what}: {said}{}", fleet.logs());
    assert_eq!(active(&document["status"]), u64::from(ALL_AGENTS), "{engine:?}, {what}: {document}");
    assert_eq!(fleet.effects().1, Vec::<String>::new(), "{engine:?}, {what}: something happened twice");
}

/// Whether all who are silent are of this process, and someone is.
fn silent(status: &Value, process: &str) -> bool {
    let exceptions = status["status"]["exceptions"].as_array();
    exceptions.is_some_and(|all| {
        let of_it = |own: &Value| own[1] == "silent" && own[0].as_str().unwrap_or("").starts_with(process);
        !all.is_empty() && all.iter().all(of_it)
    })
}

#[test]
fn agents_that_stand_still_are_named_and_catch_up() {
    let stop = |fleet: &Fleet| fleet.signal_agents(1, "STOP");
    let go_on = |fleet: &Fleet| fleet.signal_agents(1, "CONT");
    hampered("a slow process", stop, |status| silent(status, "a1"), go_on);
}

#[test]
fn agents_whose_disk_is_full_do_nothing_say_so_and_go_on() {
    let fill = |fleet: &Fleet| fleet.limit_agents(1, Some(64));
    let empty = |fleet: &Fleet| fleet.limit_agents(1, None);
    let named = |status: &Value| status["processes"]["a1"]["trouble"].is_string() && silent(status, "a1");
    hampered("a full disk", fill, named, empty);
}

#[test]
fn without_room_for_traces_programs_wait_or_traces_thin_out() {
    for (policy, runs) in [("block", false), ("sample", true)] {
        let agents: &[&str] = if runs {
            &["--overflow", "sample", "--trace-room", "0B"]
        } else {
            &["--overflow", "block", "--trace-room", "0B"]
        };
        let fleet = Fleet::start_with(Engine::Redis, 1, 3, Extra { agents, ..Extra::default() });
        fleet.until_told(3);
        let mut order = fleet.inject(1);
        fleet.until("they run", |status| active(status) > 0);
        let begun = Instant::now();
        let beat = loop {
            let beat = fleet.status()["processes"]["a1"].take();
            let lost = beat["traces_lost"].as_u64().unwrap_or(0);
            if beat["trouble"].is_string() && (lost > 0) == runs {
                break beat;
            }
            assert!(begun.elapsed() < Duration::from_secs(120), "{policy}: {beat}\n{}", fleet.logs());
            std::thread::sleep(Duration::from_millis(100));
        };
        assert_eq!(fleet.effects().0 > 0, runs, "{policy}: {beat}");
        order.kill().unwrap();
        order.wait().unwrap();
    }
}
