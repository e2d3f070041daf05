//! The monitor as a process: what it tells on the bus, what it says of drift, and what it keeps for a report.

use std::time::{Duration, Instant};

use serde_json::Value;
use swarm_bus::Bus;
use swarm_test_servers::Engine;

use crate::fleet::{Extra, Fleet, outcome};

/// Expects what cannot be; the first version counts ten in each activation, the second one.
const PROGRAM: &str = r#"INSTRUCTION count_v1 {
  DEADLINE 1h
  TARGET ALL AGENTS
  EXPECT beats >= 100_000 BY 10s
}
METRIC beats: int TOTAL
METRIC level: percent GAUGE
ON START { RECORD level = 50% }
EVERY 1s {
  RECORD beats = 10
}
"#;

fn newest(bus: &mut dyn Bus, log: &str) -> Vec<Value> {
    let entries = bus.read(log, None, 10_000).unwrap();
    entries.iter().map(|entry| serde_json::from_slice(&entry.bytes).unwrap()).collect()
}

fn value(bus: &mut dyn Bus, key: &str) -> Value {
    bus.get(key).unwrap().0.map_or(Value::Null, |bytes| serde_json::from_slice(&bytes).unwrap())
}

/// Waits until something is so.
fn until<T>(fleet: &Fleet, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begun.elapsed() < Duration::from_secs(180), "{what}\n{}", fleet.logs());
        std::thread::sleep(Duration::from_millis(200));
    }
}

fn watch(engine: Engine) {
    let files = &[("library/count1.swarm", PROGRAM)];
    let mut fleet = Fleet::start_with(engine, 1, 10, Extra { files, ..Extra::default() });
    let second = PROGRAM.replace("count_v1", "count_v2").replace("beats = 10", "beats = 1");
    std::fs::write(fleet.directory.join("library/count2.swarm"), second).unwrap();
    fleet.until_told(10);
    fleet.start_monitor();
    let (code, document, said) = outcome(fleet.inject_file("library/count1.swarm", &[]));
    assert_eq!(code, 0, "{engine:?}: {said}{}", fleet.logs());
    let order = document["status"]["order"].clone();
    let mut bus = swarm_bus::open(&fleet.server.url()).unwrap();

    // What is not reached at this pace is told halfway, with its line, its figure and who is furthest off.
    let alert = until(&fleet, "an alert", || newest(&mut *bus, "swarm:alerts").into_iter().next());
    assert_eq!((&alert["order"], &alert["expectation"]), (&order, &"beats >= 100_000".into()), "{alert}");
    assert_eq!((&alert["line"], &alert["figure"]), (&4.into(), &"beats".into()), "{alert}");
    assert_eq!(alert["agents"].as_array().unwrap().len(), 5, "{alert}");
    assert!(alert["to_change"].as_str().unwrap().contains("`beats`"), "{alert}");

    let metrics = until(&fleet, "figures of all agents", || {
        let all = newest(&mut *bus, "swarm:metrics:aggregate");
        all.into_iter().rfind(|own| own["traces"]["agents"] == 10 && own["activations"].as_u64() >= Some(40))
    });
    assert_eq!(metrics["figures"]["level"]["mean"], "50%", "{metrics}");
    assert!(metrics["figures"]["beats"]["sum"].as_u64() >= Some(300), "{metrics}");
    let health = until(&fleet, "a health that has all agents", || {
        Some(value(&mut *bus, "swarm:health:status")).filter(|own| own["active"] == 10)
    });
    assert_eq!(
        (&health["order"], &health["phase"], &health["healthy"]),
        (&order, &"converged".into(), &false.into())
    );

    // Another monitor goes on where the first one was, and repeats nothing.
    let points =
        |bus: &mut dyn Bus| value(bus, "swarm:performance:history")["points"].as_array().map_or(0, Vec::len);
    let before = points(&mut *bus);
    assert!(before >= 2);
    fleet.kill_monitor();
    fleet.start_monitor();
    until(&fleet, "a longer history", || (points(&mut *bus) > before + 1).then_some(()));
    let about = |own: &Value| own["order"] == order;
    assert_eq!(newest(&mut *bus, "swarm:alerts").iter().filter(|own| about(own)).count(), 1, "{engine:?}");

    // The next version does a tenth of it: held against the order before, that is told too.
    let (code, _, said) = outcome(fleet.inject_file("library/count2.swarm", &[]));
    assert_eq!(code, 0, "{said}{}", fleet.logs());
    let alert = until(&fleet, "drift against the order before", || {
        newest(&mut *bus, "swarm:alerts").into_iter().find(|own| own["baseline"] == order)
    });
    assert_eq!((&alert["figure"], &alert["line"]), (&"beats".into(), &10.into()), "{alert}");
    assert!(alert["message"].as_str().unwrap().contains("below"), "{alert}");
    assert_eq!(alert["agents"].as_array().unwrap().len(), 5, "{alert}");

    // What stops is signed and sent: the report computes from that what the monitor told.
    let (code, _) = fleet.command(&["halt", "--fleet", "demo", "--key", "dan.key", "--wait", "120s"]);
    assert_eq!(code, 0);
    let run = format!("runs/{}", order.as_str().unwrap());
    let verified = until(&fleet, "all of the traces", || {
        let (code, found) = fleet.plain(&["trace", "verify", &run, "--format", "json"]);
        assert_eq!(code, 0, "{found}");
        (found["agents"] == 10 && found["awaited"] == 0 && found["chunks"].as_u64() >= Some(10))
            .then_some(found)
    });
    assert_eq!((&verified["faults"], &verified["signatures_checked"]), (&Value::Array(vec![]), &true.into()));
    let (code, report) = fleet.plain(&["report", &run, "--format", "json"]);
    assert_eq!(code, 0, "{report}");
    let beats = &report["figures"]["beats"];
    assert!(beats["numerator"].as_u64() >= metrics["figures"]["beats"]["sum"].as_u64(), "{beats} {metrics}");
    assert_eq!(
        (&beats["denominator"], &report["expectations"][0]["line"]),
        (&10.into(), &4.into()),
        "{report}"
    );
    std::fs::write(fleet.directory.join("report.json"), report.to_string()).unwrap();
    let (code, verdict) =
        fleet.plain(&["report", "verify", "report.json", "--run", &run, "--format", "json"]);
    assert_eq!((code, &verdict["recomputed"]), (0, &true.into()), "{verdict}");

    // The last parts of each trace stand under names of their own.
    assert!(bus.keys("trace:a1-0001:", 100).unwrap().len() >= 2, "{:?}", bus.keys("trace:", 10));
    let results = bus.read("swarm:execution:results", None, 1000).unwrap();
    assert!(!results.is_empty() && results.iter().all(|entry| entry.bytes.len() <= 2048));
}

#[test]
fn the_monitor_tells_figures_health_history_and_drift_and_keeps_what_a_report_needs_over_redis() {
    watch(Engine::Redis);
}

#[test]
fn the_monitor_tells_figures_health_history_and_drift_and_keeps_what_a_report_needs_over_nats() {
    watch(Engine::Nats);
}

/// A monitor that was not there when a program was replaced still keeps the end of what it did.
#[test]
fn a_monitor_that_starts_anew_keeps_the_end_of_the_order_before() {
    let mut fleet = Fleet::start(Engine::Redis, 1, 3);
    std::fs::create_dir(fleet.directory.join("library")).unwrap();
    fleet.start_monitor();
    fleet.until_told(3);
    let (code, first, said) = outcome(fleet.inject(1));
    assert_eq!(code, 0, "{said}{}", fleet.logs());
    let run = format!("runs/{}", first["status"]["order"].as_str().unwrap());
    until(&fleet, "it is kept", || fleet.directory.join(&run).join("run.json").is_file().then_some(()));
    fleet.kill_monitor();
    fleet.write_program(2);
    let (code, _, said) = outcome(fleet.inject(2));
    assert_eq!(code, 0, "{said}{}", fleet.logs());
    let traces = |fleet: &Fleet| {
        let files = std::fs::read_dir(fleet.directory.join(&run).join("traces")).unwrap();
        files.filter(|file| file.as_ref().unwrap().metadata().unwrap().len() > 0).count()
    };
    assert_eq!(traces(&fleet), 0, "its chunks were not full before it was replaced");
    fleet.start_monitor();
    until(&fleet, "all of its traces", || (traces(&fleet) == 3).then_some(()));
    let (code, found) = fleet.plain(&["trace", "verify", &run, "--format", "json"]);
    assert_eq!((code, &found["agents"]), (0, &Value::from(3)), "{found}");
}
