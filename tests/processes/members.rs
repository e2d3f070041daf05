//! Agents that are told to stop, and agents that come while an order is out.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::fleet::{Fleet, outcome};
use crate::over_each_engine;

/// What each agent does, and whether it is a target, by name.
fn people(fleet: &Fleet) -> BTreeMap<String, (String, bool)> {
    let (code, document) = fleet.command(&["status", "--fleet", "demo", "--agents"]);
    assert_eq!(code, 0, "{document}");
    let agents = document["agents"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    agents
        .map(|agent| {
            assert_eq!(agent["role"], "worker");
            (text(&agent["name"]), (text(&agent["status"]), agent["target"] == true))
        })
        .collect()
}

fn until_people(fleet: &Fleet, what: &str, holds: impl Fn(&BTreeMap<String, (String, bool)>) -> bool) {
    let begun = Instant::now();
    loop {
        let people = people(fleet);
        if holds(&people) {
            return;
        }
        assert!(begun.elapsed() < Duration::from_secs(120), "{what}: {people:?}\n{}", fleet.logs());
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn who_is_told_to_stop_has_left_and_who_comes_is_no_target() {
    over_each_engine(|engine| {
        let mut fleet = Fleet::start(engine, 2, 5);
        std::fs::create_dir(fleet.directory.join("library")).unwrap();
        fleet.start_monitor();
        fleet.until_told(10);
        let (code, document, said) = outcome(fleet.inject(1));
        assert_eq!(code, 0, "{said}{}", fleet.logs());
        let order = document["status"]["order"].as_str().unwrap().to_owned();

        // Five leave: silent by name, and why.
        fleet.stop_agents(2);
        let status = fleet.until("five are silent", |status| status["reached"]["silent"] == 5);
        assert_eq!(status["status"]["reached"]["targets"], 10);
        let exceptions = status["status"]["exceptions"].as_array().unwrap();
        for exception in exceptions {
            assert_eq!(
                (&exception[1], &exception[2]),
                (&Value::from("silent"), &Value::from("left")),
                "{status}"
            );
            assert!(exception[0].as_str().unwrap().starts_with("a2-"));
        }
        assert_eq!(exceptions.len(), 5);

        // Five come: they are no targets, and run nothing.
        fleet.start_agents(3);
        until_people(&fleet, "five came, five left", |people| {
            let count = |wanted: (&str, bool)| {
                people.values().filter(|(status, target)| (status.as_str(), *target) == wanted).count()
            };
            (count(("idle", false)), count(("left", true)), count(("active", true))) == (5, 5, 5)
        });
        assert_eq!(fleet.status()["status"]["reached"]["targets"], 10);

        // Those who left come back to what they ran; what they did once stays done.
        fleet.start_agents(2);
        fleet.until("all ten are active", |status| status["reached"]["active"] == 10);
        assert_eq!(fleet.effects().1, Vec::<String>::new());
        assert!(people(&fleet).iter().all(|(name, (status, _))| !name.starts_with("a3") || status == "idle"));

        // The next order is for all fifteen. An injector that was told to stop leaves its lease to the next.
        fleet.stop_injector();
        fleet.start_injector();
        fleet.write_program(2);
        let (code, document, said) = outcome(fleet.inject(2));
        assert_eq!(
            (code, &document["status"]["reached"]["active"]),
            (0, &Value::from(15)),
            "{said}{}",
            fleet.logs()
        );

        // Traces of agents that left are closed: nothing of them is missing.
        for process in 1..=3 {
            fleet.stop_agents(process);
        }
        let begun = Instant::now();
        loop {
            let (code, document) =
                fleet.plain(&["trace", "verify", &format!("runs/{order}"), "--format", "json"]);
            if code == 0 && document["agents"].as_u64() == Some(10) {
                break;
            }
            assert!(begun.elapsed() < Duration::from_secs(60), "{document}\n{}", fleet.logs());
            std::thread::sleep(Duration::from_millis(200));
        }
        fleet.kill_monitor();
    });
}
