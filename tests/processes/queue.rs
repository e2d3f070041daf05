//! Agents that take their tasks from a queue of the bus, and die at it.

use std::fmt::Write;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::fleet::{Extra, Fleet, outcome};
use crate::over_each_engine;

const SERVE: &str = r#"INSTRUCTION serve_v1 {
  DEADLINE 1h
  TARGET ALL AGENTS
}
METRIC served: int TOTAL
ACTION SERVE(task: Task) REQUIRES work.serve ONCE
EVERY 1s {
  FOR EACH task IN task_queue {
    RECORD served = 1
    SERVE(task)
  }
}
"#;

const TASKS: usize = 200;

/// Every task is served once and completed once, though processes are killed in the middle and the bus dies too.
#[test]
fn tasks_are_served_once_whoever_dies() {
    over_each_engine(|engine| {
        let extra = Extra {
            agents: &["--queue", "work", "--claim", "1", "--lease", "15s"],
            files: &[("serve.swarm", SERVE)],
            ..Extra::default()
        };
        let mut fleet = Fleet::start_with(engine, 2, 10, extra);
        fleet.until_told(20);
        let mut tasks = String::from("[");
        for number in 0..TASKS {
            write!(tasks, "{}{{\"id\":\"t{number}\"}}", if number == 0 { "" } else { "," }).unwrap();
        }
        std::fs::write(fleet.directory.join("tasks.json"), tasks + "]").unwrap();
        let (code, document) = fleet.command(&["queue", "add", "work", "tasks.json"]);
        assert_eq!((code, &document["added"]), (0, &Value::from(TASKS)), "{document}");
        let (code, document) = fleet.command(&["queue", "add", "work", "tasks.json"]);
        assert_eq!((code, &document["known"]), (0, &Value::from(TASKS)), "{document}");
        let (code, _, said) = outcome(fleet.inject_file("serve.swarm", &[]));
        assert_eq!(code, 0, "{said}{}", fleet.logs());

        let done = |fleet: &Fleet, least: usize| {
            let begun = Instant::now();
            loop {
                let (_, document) = fleet.command(&["queue", "show", "work"]);
                if document["done"].as_u64().is_some_and(|done| done >= least as u64) {
                    return document;
                }
                assert!(begun.elapsed() < Duration::from_secs(180), "{least}: {document}{}", fleet.logs());
                std::thread::sleep(Duration::from_millis(100));
            }
        };
        for (process, least) in [(1, TASKS / 5), (2, TASKS / 3), (1, TASKS / 2)] {
            done(&fleet, least);
            fleet.kill_agents(process);
            if process == 2 {
                fleet.server.kill();
                fleet.server.start_again().unwrap();
            }
            fleet.start_agents(process);
        }
        let document = done(&fleet, TASKS);
        assert_eq!((&document["dead"], &document["ready"]), (&Value::from(0), &Value::from(0)), "{document}");
        assert_eq!(fleet.effects(), (TASKS, Vec::new()), "{engine:?}");
    });
}
