//! An agent's `task_queue` that is a queue of the bus.

use std::collections::BTreeSet;
use std::time::Duration;

use swarm_bus::queue::{Added, Status, Task};
use swarm_vm::{Answer, Call, ValueRef};

use crate::support::{Bench, Fleet, Kind};

const SERVE: &str = r#"INSTRUCTION serve_v1 {
  DEADLINE 1h
  TARGET ALL AGENTS
}
ACTION SERVE(task: Task, memory: bytes) REQUIRES work.serve ONCE
EVERY 1s {
  FOR EACH task IN task_queue WHERE NOT (task.tags CONTAINS "leave") { SERVE(task, task.memory) }
}
"#;

const STEPS: &str = r#"USE std.queues
INSTRUCTION steps_v1 {
  DEADLINE 1h
  TARGET ALL AGENTS
}
INPUT task_queue: list<WorkItem> MAX 8
STATE rounds: int = 0
EVERY 1s {
  rounds += 1
  FOR EACH item IN task_queue {
    IF item.kind == "foreign" { RELEASE(item, "not ours") }
    ELSE IF rounds < 40 { UPDATE(item, 25%) }
    ELSE { COMPLETE(item, "in {rounds} rounds") }
  }
}
"#;

fn task(id: &str, rest: &str) -> Task {
    let payload = format!(r#"{{"id":"whatever","memory":"{}MB"{rest}}}"#, id.len());
    Task { id: id.to_owned(), payload: payload.into_bytes(), priority: 0, attempts: None }
}

/// Tasks that begin so fail.
fn answers(call: &Call<'_>) -> Option<Answer> {
    let id = call.argument(0).and_then(ValueRef::key).and_then(ValueRef::as_str)?;
    id.starts_with("fail").then(|| Answer::failed("it always does"))
}

fn working() -> Kind {
    Kind { queue: Some((4, Duration::from_secs(60))), answers, ..Kind::default() }
}

#[test]
fn tasks_come_from_claims_and_are_completed_once() {
    for bench in Bench::all() {
        let mut queue = bench.queue();
        let mut tasks: Vec<Task> = (0..60).map(|number| task(&format!("t{number:02}"), "")).collect();
        tasks.extend([task("left alone", r#","tags":["leave"]"#), task("fails", "")]);
        tasks.push(Task { payload: br#"{"memory":"3 bananas"}"#.to_vec(), ..task("unfit", "") });
        assert!(queue.add(&tasks, 0).unwrap().iter().all(|added| *added == Added::New));
        let mut fleet = Fleet::new(bench);
        fleet.start("a", &working());
        fleet.start("b", &working());
        fleet.send(SERVE, &["a-1", "a-2", "a-3", "b-1", "b-2", "b-3"]);
        fleet.until("all are served, and two are given up", |_| {
            let counts = queue.counts().unwrap();
            (counts.done == 60 && counts.dead == 2).then_some(())
        });
        for task in tasks.iter().take(60) {
            assert_eq!(queue.result(&task.id).unwrap(), Some(b"SERVE".to_vec()), "{}", task.id);
        }
        let done: BTreeSet<_> = fleet.world.borrow().iter().cloned().collect();
        assert_eq!((fleet.world.borrow().len(), done.len()), (60, 60), "each was served, none twice");
        let left = queue.status("left alone").unwrap();
        assert!(matches!(left, Some(Status::Leased { .. } | Status::Ready { tried: 0, .. })), "{left:?}");
        let dead = queue.dead(10).unwrap();
        let reason = |at: usize| match &dead[at].1 {
            Status::Dead { reason, tried: 2, .. } => reason.clone(),
            other => panic!("{other:?}"),
        };
        assert_eq!((dead[0].0.as_str(), reason(0).as_str()), ("fails", "SERVE: it always does"));
        assert_eq!(dead[1].0, "unfit");
        assert!(reason(1).contains("memory"), "{}", reason(1));
    }
}

const KEYS: &str = r#"INSTRUCTION keys_v1 {
  DEADLINE 1h
  TARGET ALL AGENTS
}
TYPE Job { id: string KEY  key: secret }
INPUT task_queue: list<Job> MAX 8
ACTION OPEN(job: Job, key: secret) ONCE
EVERY 1s { FOR EACH job IN task_queue { OPEN(job, job.key) } }
"#;

/// A bus is no place for secrets.
#[test]
fn no_task_brings_a_secret() {
    for bench in Bench::all() {
        let mut queue = bench.queue();
        queue.add(&[task("k", r#","key":"canary-5ecb0b""#)], 0).unwrap();
        let mut fleet = Fleet::new(bench);
        fleet.start("a", &working());
        fleet.send(KEYS, &["a-1"]);
        fleet.until("it is given up", |_| (queue.counts().unwrap().dead == 1).then_some(()));
        let Status::Dead { reason, .. } = &queue.dead(10).unwrap()[0].1 else { panic!("it is not dead") };
        assert!(reason.contains("in the clear") && !reason.contains("canary"), "{reason}");
        assert!(fleet.world.borrow().is_empty());
    }
}

#[test]
fn what_a_program_says_of_a_task_counts() {
    for bench in Bench::all() {
        let mut queue = bench.queue();
        let item = |id: &str, kind: &str| Task {
            payload: format!(r#"{{"kind":"{kind}"}}"#).into_bytes(),
            ..task(id, "")
        };
        queue.add(&[item("own", "ours"), item("foreign", "foreign")], 0).unwrap();
        let mut fleet = Fleet::new(bench);
        // Its claims last shorter than its work: they are made longer.
        fleet.start("a", &Kind { agents: 1, queue: Some((4, Duration::from_secs(1))), ..Kind::default() });
        fleet.send(STEPS, &["a-1"]);
        let mut notes = BTreeSet::new();
        fleet.until("the item is completed", |_| {
            match queue.status("own").unwrap() {
                Some(Status::Leased { note, .. }) => drop(notes.insert(note)),
                Some(Status::Done { .. }) => return Some(()),
                other => assert!(matches!(other, Some(Status::Ready { tried: 0, .. })), "{other:?}"),
            }
            None
        });
        assert_eq!(queue.result("own").unwrap(), Some(b"in 40 rounds".to_vec()));
        assert!(!matches!(queue.status("foreign").unwrap(), Some(Status::Done { .. })));
        assert!(notes.contains("25%"), "{notes:?}");
    }
}

/// A process dies with tasks in its hands: somebody else gets them, and what was written down is completed.
#[test]
fn what_a_dead_process_held_is_done_by_another() {
    for bench in Bench::all() {
        let mut queue = bench.queue();
        let item = |number: u32| Task { payload: b"{}".to_vec(), ..task(&format!("w{number}"), "") };
        queue.add(&(0..6).map(item).collect::<Vec<_>>(), 0).unwrap();
        let mut fleet = Fleet::new(bench);
        let kind = || Kind { agents: 1, queue: Some((4, Duration::from_secs(1))), ..Kind::default() };
        fleet.start("a", &kind());
        fleet.start("b", &kind());
        fleet.send(STEPS, &["a-1", "b-1"]);
        fleet.until("both hold tasks", |_| (queue.counts().unwrap().leased == 6).then_some(()));
        drop(fleet.agents.remove("a"));
        fleet.until("the other has done all", |_| (queue.counts().unwrap().done == 6).then_some(()));
    }
}
