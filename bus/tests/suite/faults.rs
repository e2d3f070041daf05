//! Servers that are killed in the middle of the work and started again with what they had written down.
//! `SWARM_FAULT_RUNS` says how often each is done.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use swarm_bus::queue::{Completed, Counts, Loss, Queue, QueueError, Settings, Task};
use swarm_bus::{BusError, Position, open};
use swarm_test_servers::{Engine, Server};

use crate::support::text;

const PATIENCE: Duration = Duration::from_secs(60);

fn runs() -> u32 {
    std::env::var("SWARM_FAULT_RUNS").ok().and_then(|runs| runs.parse().ok()).unwrap_or(1)
}

/// Tries until the bus is there.
fn until_done<T>(mut act: impl FnMut() -> Result<T, BusError>) -> T {
    let begun = Instant::now();
    loop {
        match act() {
            Ok(done) => return done,
            Err(BusError::Away(_)) if begun.elapsed() < PATIENCE => {
                std::thread::sleep(Duration::from_millis(10))
            }
            Err(error) => panic!("{error} after {:?}", begun.elapsed()),
        }
    }
}

/// Kills the server three times while something is under way.
fn kill_thrice(server: &mut Server, progress: &AtomicU32, steps: u32) {
    for kill in 1..=3 {
        let begun = Instant::now();
        while progress.load(Ordering::Relaxed) < kill * steps && begun.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(1));
        }
        server.kill();
        std::thread::sleep(Duration::from_millis(100));
        server.start_again().unwrap();
    }
}

/// What was acknowledged is there afterwards, and everything in the order it was appended in; what was not
/// may be there twice, as the writer says it again.
fn nothing_acknowledged_is_lost(engine: Engine) {
    let mut server = Server::start(engine).unwrap();
    let progress = Arc::new(AtomicU32::new(0));
    let mut writer = open(&server.url()).unwrap();
    let count = Arc::clone(&progress);
    let thread = std::thread::spawn(move || {
        for number in 0..400 {
            let text = number.to_string();
            until_done(|| writer.append("swarm:acks", &[text.as_bytes()], 100_000));
            count.fetch_add(1, Ordering::Relaxed);
        }
    });
    let (mut reader, finished) = (open(&server.url()).unwrap(), Arc::new(AtomicBool::new(false)));
    let end = Arc::clone(&finished);
    let reading = std::thread::spawn(move || {
        let (mut behind, mut seen) = (None::<Position>, Vec::new());
        loop {
            let is_last = end.load(Ordering::Relaxed);
            let page = until_done(|| reader.read("swarm:acks", behind, 50));
            behind = page.last().map(|entry| entry.position).or(behind);
            seen.extend(page.iter().map(|entry| text(&entry.bytes).parse::<u32>().unwrap()));
            if page.is_empty() && is_last {
                return seen;
            }
        }
    });
    kill_thrice(&mut server, &progress, 100);
    thread.join().unwrap();
    finished.store(true, Ordering::Relaxed);
    let seen = reading.join().unwrap();
    let all = until_done(|| open(&server.url())?.read("swarm:acks", None, 10_000));
    let all: Vec<u32> = all.iter().map(|entry| text(&entry.bytes).parse().unwrap()).collect();
    assert_eq!(seen, all, "who read all the time saw what is there");
    let distinct: BTreeSet<u32> = all.iter().copied().collect();
    assert_eq!(distinct.len(), 400, "{engine}");
    assert!(all.is_sorted(), "{engine}: {all:?}");
}

/// Workers that try again whatever was away complete each task once.
fn a_queue_outlives_its_server(engine: Engine) {
    let mut server = Server::start(engine).unwrap();
    let settings = Settings { shards: 4, ..Settings::default() };
    let url = server.url();
    let connect = move || Queue::open(open(&url).unwrap(), "work", settings).unwrap();
    let tasks: Vec<Task> = (0..160)
        .map(|at| Task { id: format!("t{at}"), payload: vec![7], priority: 0, attempts: Some(1_000) })
        .collect();
    connect().add(&tasks, 0).unwrap();
    let (progress, clock) = (Arc::new(AtomicU32::new(0)), Instant::now());
    let threads: Vec<_> = (0..3)
        .map(|worker| {
            let (mut queue, progress) = (connect(), Arc::clone(&progress));
            std::thread::spawn(move || work(&mut queue, &format!("w{worker}"), &progress, clock))
        })
        .collect();
    kill_thrice(&mut server, &progress, 40);
    let done: u32 = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
    let mut queue = connect();
    assert_eq!(queue.counts().unwrap(), Counts { done: 160, ..Counts::default() });
    assert!(done <= 160, "{engine}: {done} completions for 160 tasks");
    for task in &tasks {
        let result = queue.result(&task.id).unwrap();
        assert!(result.is_some_and(|result| result.starts_with(b"w")), "{}", task.id);
    }
}

/// Works until everything is done; how many tasks this worker was told it completed.
fn work(queue: &mut Queue, worker: &str, progress: &AtomicU32, clock: Instant) -> u32 {
    let now = || u64::try_from(clock.elapsed().as_millis()).unwrap();
    let mut done = 0;
    while clock.elapsed() < PATIENCE {
        match queue.claim(worker, 2, 500, now()) {
            Ok(claims) if claims.is_empty() => match queue.counts() {
                Ok(counts) if counts.ready + counts.leased == 0 => return done,
                _ => std::thread::sleep(Duration::from_millis(50)),
            },
            Ok(claims) => {
                for claim in claims {
                    // After an error it is unknown whether it was done; completing again is safe.
                    loop {
                        match queue.complete(&claim, worker.as_bytes(), now()) {
                            Ok(Completed::Now) => done += 1,
                            Ok(Completed::Before) | Err(QueueError::Task(_, Loss::Taken)) => {}
                            Err(_) if clock.elapsed() < PATIENCE => {
                                std::thread::sleep(Duration::from_millis(10));
                                continue;
                            }
                            Err(error) => panic!("{error}"),
                        }
                        progress.fetch_add(1, Ordering::Relaxed);
                        break;
                    }
                }
            }
            Err(_) => std::thread::sleep(Duration::from_millis(10)),
        }
    }
    panic!("{worker} found work after {PATIENCE:?}")
}

#[test]
fn redis_killed_under_a_log() {
    (0..runs()).for_each(|_| nothing_acknowledged_is_lost(Engine::Redis));
}

#[test]
fn nats_killed_under_a_log() {
    (0..runs()).for_each(|_| nothing_acknowledged_is_lost(Engine::Nats));
}

#[test]
fn redis_killed_under_a_queue() {
    (0..runs()).for_each(|_| a_queue_outlives_its_server(Engine::Redis));
}

#[test]
fn nats_killed_under_a_queue() {
    (0..runs()).for_each(|_| a_queue_outlives_its_server(Engine::Nats));
}
