//! The task queue, over memory, Redis and NATS.
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use crate::support::over_each_bus;
use proptest::prelude::*;
use swarm_bus::queue::{
    Added, Claim, Completed, Counts, Ended, Ending, Fate, Loss, Queue, QueueError, Settings, Status, Task,
};
use swarm_bus::{Bus, MemoryBus};

const LEASE: u64 = 1_000;

fn queue(bus: Box<dyn Bus>) -> Queue {
    let settings = Settings { shards: 4, attempts: 3, pause: 100, most_open: 2_000, keep_done: 400 };
    Queue::open(bus, "work", settings).unwrap()
}

fn task(id: impl Into<String>) -> Task {
    let id = id.into();
    Task { payload: format!("payload of {id}").into_bytes(), id, priority: 0, attempts: None }
}

fn one(queue: &mut Queue, worker: &str, now: u64) -> Claim {
    let mut claims = queue.claim(worker, 1, LEASE, now).unwrap();
    assert_eq!(claims.len(), 1);
    claims.remove(0)
}

fn lost(done: Result<impl std::fmt::Debug, QueueError>) -> bool {
    matches!(done, Err(QueueError::Task(_, Loss::Taken)))
}

over_each_bus! {
    /// A task goes from being added to its result, and each step is seen.
    fn a_task_is_done(bench) {
        let mut queue = queue(bench.open());
        assert_eq!(queue.status("a").unwrap(), None);
        assert_eq!(queue.add(&[task("a")], 10).unwrap(), [Added::New]);
        assert_eq!(queue.status("a").unwrap(), Some(Status::Ready { from: 10, tried: 0 }));
        assert_eq!(queue.claim("w", 1, LEASE, 9).unwrap(), [], "it is not to be claimed yet");
        let mut claim = one(&mut queue, "w", 20);
        assert_eq!((claim.id.as_str(), claim.payload.as_slice()), ("a", &b"payload of a"[..]));
        assert_eq!((claim.attempt, claim.until), (1, 1_020));
        assert_eq!(queue.claim("other", 1, LEASE, 1_019).unwrap(), []);
        queue.update(&mut claim, LEASE, "half way", 900).unwrap();
        let status = Status::Leased { worker: "w".to_owned(), until: 1_900, note: "half way".to_owned() };
        assert_eq!(queue.status("a").unwrap(), Some(status));
        assert_eq!(queue.claim("other", 1, LEASE, 1_899).unwrap(), []);
        assert_eq!(queue.result("a").unwrap(), None);
        assert_eq!(queue.complete(&claim, b"42", 1_000).unwrap(), Completed::Now);
        assert_eq!(queue.result("a").unwrap(), Some(b"42".to_vec()));
        assert_eq!(queue.status("a").unwrap(), Some(Status::Done { at: 1_000 }));
        assert_eq!(queue.claim("other", 1, LEASE, 9_000).unwrap(), []);
        assert_eq!(queue.counts().unwrap(), Counts { done: 1, ..Counts::default() });
    }

    /// Adding and completing twice have one effect.
    fn twice_is_once(bench) {
        let mut queue = queue(bench.open());
        assert_eq!(queue.add(&[task("a"), task("b"), task("a")], 0).unwrap(), [Added::New, Added::New, Added::Known]);
        let other = Task { payload: b"else".to_vec(), ..task("a") };
        assert_eq!(queue.add(&[task("b"), other], 0).unwrap(), [Added::Known, Added::Other]);
        assert_eq!(queue.counts().unwrap().ready, 2);
        for _ in 0..2 {
            let claim = one(&mut queue, "w", 0);
            assert_eq!(queue.complete(&claim, claim.id.as_bytes(), 1).unwrap(), Completed::Now);
            assert_eq!(queue.complete(&claim, b"again", 2).unwrap(), Completed::Before);
            assert_eq!(queue.result(&claim.id).unwrap(), Some(claim.id.clone().into_bytes()));
            assert!(lost(queue.fail(&claim, "too late", 3)));
        }
        assert_eq!(queue.add(&[task("a")], 5).unwrap(), [Added::Known]);
        assert_eq!(queue.counts().unwrap(), Counts { done: 2, ..Counts::default() });
    }

    /// A lease that is over gives the task to somebody else, and whoever had it cannot do anything about it
    /// any more.
    fn a_lost_lease_comes_back(bench) {
        let (mut queue, mut former) = (queue(bench.open()), queue(bench.open()));
        queue.add(&[task("a")], 0).unwrap();
        let mut old = one(&mut former, "former", 0);
        // Its time is over, but nobody else has it: its work counts.
        former.update(&mut old, LEASE, "slow", 1_500).unwrap();
        assert_eq!(old.until, 2_500);
        assert_eq!(queue.claim("heir", 1, LEASE, 2_499).unwrap(), []);
        let new = one(&mut queue, "heir", 2_500);
        assert_eq!(new.attempt, 2);
        assert!(lost(former.complete(&old, b"late", 2_600)));
        assert!(lost(former.update(&mut old, LEASE, "still here", 2_600)));
        assert!(lost(former.fail(&old, "no", 2_600)));
        assert_eq!(queue.result("a").unwrap(), None);
        assert_eq!(queue.complete(&new, b"good", 2_700).unwrap(), Completed::Now);
        assert!(lost(former.complete(&old, b"late", 2_800)));
        assert_eq!(former.result("a").unwrap(), Some(b"good".to_vec()));
        assert_eq!(bench.open().keys("swarm:queue:work:result:", 10).unwrap().len(), 1, "the late result is gone");
    }

    /// Many claims end together, each in its own way; to say it again changes nothing.
    fn claims_end_together(bench) {
        let (mut queue, mut thief) = (queue(bench.open()), queue(bench.open()));
        let names = ["done", "failed", "given back", "stolen"];
        queue.add(&names.map(task), 0).unwrap();
        let mut claims = queue.claim("w", 4, LEASE, 0).unwrap();
        claims.sort_by(|one, other| one.id.cmp(&other.id));
        // Claims outlive their process.
        let kept = serde_json::to_string(&claims).unwrap();
        let claims: Vec<Claim> = serde_json::from_str(&kept).unwrap();
        queue.update(&mut claims[0].clone(), 9 * LEASE, "", 10).unwrap();
        queue.update(&mut claims[1].clone(), 9 * LEASE, "", 10).unwrap();
        queue.update(&mut claims[2].clone(), 9 * LEASE, "", 10).unwrap();
        let stolen = one(&mut thief, "thief", LEASE);
        assert_eq!(stolen.id, "stolen");
        let how = [Ending::Complete(b"42".to_vec()), Ending::Fail("no".to_owned()), Ending::GiveBack,
            Ending::Complete(b"late".to_vec())];
        let endings: Vec<(Claim, Ending)> = claims.into_iter().zip(how).collect();
        let again = |from| Ok(Ended::Failed(Fate::Again { from }));
        let ended = |how| [Ok(Ended::Completed(how)), again(1_120), again(1_120), Err(Loss::Taken)];
        assert_eq!(queue.end(&endings, 1_020).unwrap(), ended(Completed::Now));
        assert_eq!(queue.end(&endings, 1_050).unwrap(), ended(Completed::Before));
        assert_eq!(queue.status("failed").unwrap(), Some(Status::Ready { from: 1_120, tried: 1 }));
        assert_eq!(queue.status("given back").unwrap(), Some(Status::Ready { from: 1_120, tried: 0 }));
        assert_eq!(queue.result("done").unwrap(), Some(b"42".to_vec()));
        assert_eq!(bench.open().keys("swarm:queue:work:result:", 10).unwrap().len(), 1, "the late result is gone");
        assert_eq!(thief.complete(&stolen, b"mine", 1_060).unwrap(), Completed::Now);
        // Once another has it, to give it back is too late.
        let next = queue.claim("other", 4, LEASE, 1_200).unwrap();
        assert_eq!(next.len(), 2);
        let late = queue.end(&endings[1..3], 1_300).unwrap();
        assert_eq!(late, [Err(Loss::Taken), Err(Loss::Taken)]);
    }

    /// A task that fails is tried again after a while, as often as it may be, and then lies with the dead.
    fn a_failing_task_dies(bench) {
        let mut queue = queue(bench.open());
        queue.add(&[task("a"), Task { attempts: Some(1), ..task("b") }], 0).unwrap();
        let mut seen = Vec::new();
        let mut now = 0;
        while now < 5_000 {
            for claim in queue.claim("w", 10, LEASE, now).unwrap() {
                let fate = queue.fail(&claim, &format!("try {}", claim.attempt), now).unwrap();
                seen.push((claim.id, now, fate));
            }
            now += 50;
        }
        seen.sort_by(|one, other| one.0.cmp(&other.0));
        let again = |from| Fate::Again { from };
        let expected = [("a", 0, again(100)), ("a", 100, again(300)), ("a", 300, Fate::Dead), ("b", 0, Fate::Dead)];
        assert_eq!(seen, expected.map(|(id, at, fate)| (id.to_owned(), at, fate)));
        let dead = queue.dead(10).unwrap();
        let of = |at, reason: &str, tried| Status::Dead { at, reason: reason.to_owned(), tried };
        assert_eq!(dead, [("a".to_owned(), of(300, "try 3", 3)), ("b".to_owned(), of(0, "try 1", 1))]);
        assert!(lost(queue.revive("c", 0)) || matches!(queue.revive("c", 0), Err(QueueError::Task(_, Loss::Unknown))));
        queue.revive("b", 6_000).unwrap();
        assert!(lost(queue.revive("b", 6_000)));
        let claim = one(&mut queue, "w", 6_000);
        assert_eq!(queue.complete(&claim, b"", 6_001).unwrap(), Completed::Now);
        assert_eq!(queue.counts().unwrap(), Counts { done: 1, dead: 1, ..Counts::default() });
    }

    /// A task whose workers all fall silent is given up, and says who was the last.
    fn silent_workers_use_tries_up(bench) {
        let mut queue = queue(bench.open());
        queue.add(&[task("a")], 0).unwrap();
        for attempt in 1..=3 {
            assert_eq!(one(&mut queue, &format!("w{attempt}"), attempt * LEASE).attempt, u32::try_from(attempt).unwrap());
        }
        assert_eq!(queue.claim("w4", 1, LEASE, 4 * LEASE).unwrap(), []);
        let reason = "w3 was not heard of any more".to_owned();
        assert_eq!(queue.status("a").unwrap(), Some(Status::Dead { at: 4 * LEASE, reason, tried: 3 }));
    }

    /// Higher priorities are claimed first, wherever they are.
    fn priorities_go_first(bench) {
        let mut queue = queue(bench.open());
        let tasks = (0..60_u8).map(|at| Task { priority: at % 3, ..task(format!("t{at:02}")) });
        let tasks: Vec<Task> = tasks.collect();
        queue.add(&tasks, 0).unwrap();
        let mut seen = Vec::new();
        for worker in 0..10 {
            let claims = queue.claim(&format!("w{worker}"), 6, LEASE, 0).unwrap();
            seen.extend(claims.iter().map(|claim| claim.priority));
        }
        let mut sorted = seen.clone();
        sorted.sort_unstable_by(|one, other| other.cmp(one));
        assert_eq!(seen, sorted);
        assert_eq!(seen.len(), 60);
    }

    /// Workers that claim at once never get the same task within a lease, and every task is done once.
    fn workers_at_once(bench) {
        let tasks: Vec<Task> = (0..120).map(|at| task(format!("t{at:03}"))).collect();
        queue(bench.open()).add(&tasks, 0).unwrap();
        let done = Arc::new(Mutex::new(BTreeMap::<String, Vec<String>>::new()));
        let threads: Vec<_> = (0..6).map(|thread| {
            let (mut queue, done) = (queue(bench.open()), Arc::clone(&done));
            std::thread::spawn(move || {
                let worker = format!("w{thread}");
                loop {
                    let claims = queue.claim(&worker, thread % 3 + 1, LEASE, 0).unwrap();
                    if claims.is_empty() {
                        return;
                    }
                    for claim in claims {
                        done.lock().unwrap().entry(claim.id.clone()).or_default().push(worker.clone());
                        assert_eq!(claim.payload, task(claim.id.clone()).payload);
                        assert_eq!(queue.complete(&claim, worker.as_bytes(), 0).unwrap(), Completed::Now);
                    }
                }
            })
        }).collect();
        for thread in threads {
            thread.join().unwrap();
        }
        let done = done.lock().unwrap();
        assert_eq!(done.len(), 120);
        let mut queue = queue(bench.open());
        for (id, workers) in done.iter() {
            assert_eq!(workers.len(), 1, "{id} was claimed by {workers:?}");
            assert_eq!(queue.result(id).unwrap(), Some(workers[0].clone().into_bytes()));
        }
        assert_eq!(queue.counts().unwrap(), Counts { done: 120, ..Counts::default() });
    }

    /// A queue remembers a bounded number of what was done, with payloads and results, and takes a bounded
    /// number.
    fn a_queue_is_bounded(bench) {
        let settings = Settings { shards: 2, most_open: 20, keep_done: 10, ..Settings::default() };
        let mut queue = Queue::open(bench.open(), "small", settings).unwrap();
        for round in 0..5 {
            let tasks: Vec<Task> = (0..10).map(|at| task(format!("{round}.{at}"))).collect();
            queue.add(&tasks, round).unwrap();
            for claim in queue.claim("w", 100, LEASE, round).unwrap() {
                queue.complete(&claim, b"done", round).unwrap();
            }
        }
        let counts = queue.counts().unwrap();
        assert!((1..=10).contains(&counts.done), "{counts:?}");
        let mut bus = bench.open();
        assert_eq!(bus.keys("swarm:queue:small:task:", 1_000).unwrap().len() as u64, counts.done);
        assert_eq!(bus.keys("swarm:queue:small:result:", 1_000).unwrap().len() as u64, counts.done);
        assert_eq!(queue.add(&[task("0.0")], 9).unwrap(), [Added::New], "it was forgotten");
        let many: Vec<Task> = (0..100).map(|at| task(format!("many {at}"))).collect();
        assert!(matches!(queue.add(&many, 9), Err(QueueError::Task(_, Loss::Full))));
        assert!(queue.counts().unwrap().ready <= 20);
    }

    /// What others wrote where a queue should be is said, not believed; settings are those of whoever came first.
    fn what_is_no_queue_is_refused(bench) {
        let mut bus = bench.open();
        let mut queue = queue(bench.open());
        queue.add(&[task("a")], 0).unwrap();
        let again = Queue::open(bench.open(), "work", Settings::default()).unwrap();
        assert_eq!(again.settings(), queue.settings());
        for shard in 0..4 {
            let key = format!("swarm:queue:work:part:{shard}");
            let (_, version) = bus.get(&key).unwrap();
            bus.compare_and_set(&key, version, Some(b"{\"added\":[]}")).unwrap().unwrap();
        }
        assert!(matches!(queue.claim("w", 1, LEASE, 0), Err(QueueError::Broken(_))));
        assert!(matches!(queue.status("a"), Err(QueueError::Broken(_))));
        bus.compare_and_set("swarm:queue:other", None, Some(b"{}")).unwrap().unwrap();
        assert!(matches!(Queue::open(bench.open(), "other", Settings::default()), Err(QueueError::Broken(_))));
        for name in ["", &"x".repeat(201)] {
            assert!(matches!(Queue::open(bench.open(), name, Settings::default()), Err(QueueError::Unfit(_))));
            assert!(matches!(queue.add(&[task(name)], 0), Err(QueueError::Unfit(_))));
        }
        let none = Settings { shards: 0, ..Settings::default() };
        assert!(matches!(Queue::open(bench.open(), "new", none), Err(QueueError::Unfit(_))));
    }

    /// A task whose payload was lost is not handed out, and not forgotten either.
    fn a_lost_payload_is_said(bench) {
        let mut queue = queue(bench.open());
        queue.add(&[task("a")], 0).unwrap();
        let mut bus = bench.open();
        let key = "swarm:queue:work:task:a";
        let (_, version) = bus.get(key).unwrap();
        bus.compare_and_set(key, version, None).unwrap().unwrap();
        assert_eq!(queue.claim("w", 1, LEASE, 5).unwrap(), []);
        let reason = "its payload is gone".to_owned();
        assert_eq!(queue.status("a").unwrap(), Some(Status::Dead { at: 5, reason, tried: 1 }));
    }
}

/// What a test does with a queue, at a time that goes on.
#[derive(Debug, Clone)]
enum Step {
    Add(u8),
    Claim(u8, u8),
    Complete(u8),
    Fail(u8),
    Update(u8),
    Pass(u16),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0..12_u8).prop_map(Step::Add),
        (0..3_u8, 1..4_u8).prop_map(|(worker, most)| Step::Claim(worker, most)),
        any::<u8>().prop_map(Step::Complete),
        any::<u8>().prop_map(Step::Fail),
        any::<u8>().prop_map(Step::Update),
        (0..1_500_u16).prop_map(Step::Pass),
    ]
}

/// One of the claims, if there are any.
fn pick(at: u8, claims: &[Claim]) -> Option<&Claim> {
    usize::from(at).checked_rem(claims.len()).and_then(|at| claims.get(at))
}

proptest! {
    /// Whatever is done in whatever order: no two hold a task at a time, nothing is done twice, nothing is lost.
    #[test]
    fn leases_exclude_each_other(steps in prop::collection::vec(step(), 1..80)) {
        let mut queue = queue(Box::new(MemoryBus::new()));
        let mut now = 0;
        let mut claims: Vec<Claim> = Vec::new();
        let mut held: BTreeMap<String, u64> = BTreeMap::new();
        let mut done: BTreeMap<String, u32> = BTreeMap::new();
        let mut added = std::collections::BTreeSet::new();
        for step in steps {
            match step {
                Step::Add(id) => {
                    let is_new = added.insert(id);
                    let outcome = queue.add(&[task(format!("t{id}"))], now).unwrap();
                    prop_assert_eq!(outcome[0] == Added::New, is_new);
                }
                Step::Claim(worker, most) => {
                    for claim in queue.claim(&format!("w{worker}"), usize::from(most), LEASE, now).unwrap() {
                        prop_assert!(held.get(&claim.id).is_none_or(|until| *until <= now), "{} is held", claim.id);
                        prop_assert!(!done.contains_key(&claim.id));
                        prop_assert!(claim.attempt <= 3);
                        held.insert(claim.id.clone(), claim.until);
                        claims.push(claim);
                    }
                }
                Step::Complete(at) => if let Some(claim) = pick(at, &claims)
                    && queue.complete(claim, b"x", now) == Ok(Completed::Now)
                {
                    *done.entry(claim.id.clone()).or_default() += 1;
                    held.remove(&claim.id);
                },
                Step::Fail(at) => if let Some(claim) = pick(at, &claims)
                    && queue.fail(claim, "x", now).is_ok()
                {
                    held.remove(&claim.id);
                },
                Step::Update(at) => if let Some(mut claim) = pick(at, &claims).cloned()
                    && queue.update(&mut claim, LEASE, "x", now).is_ok()
                {
                    held.insert(claim.id.clone(), claim.until);
                },
                Step::Pass(time) => now += u64::from(time),
            }
        }
        prop_assert!(done.values().all(|times| *times == 1));
        let counts = queue.counts().unwrap();
        prop_assert_eq!(counts.done, done.len() as u64);
        prop_assert_eq!(counts.ready + counts.leased + counts.done + counts.dead, added.len() as u64);
    }
}
