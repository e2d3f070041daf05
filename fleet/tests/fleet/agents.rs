//! What one agent does: which steps it takes, what it writes down before it acts, what it runs when things go
//! wrong.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use sha2::{Digest, Sha256};
use swarm_bytecode::module::GateFailure;
use swarm_fleet::agent::{Agent, Command, Durable, Event, Start, Which};
use swarm_fleet::cache::Cache;
use swarm_fleet::envelope::{CHECKPOINT_TYPE, Envelope, RECORD_TYPE};
use swarm_fleet::key::SecretKey;
use swarm_fleet::message::{Ack, Checkpoint, FromAgent, Status, ToAgent};
use swarm_fleet::order::Revision;
use swarm_fleet::plan::Plan;
use swarm_fleet::record::{Directive, Record, Step};
use swarm_fleet::simulate::{Request, STARTED_AT, Setup};
use swarm_fleet::time::MINUTE;
use swarm_fleet::trust::Capabilities;
use swarm_fleet::window::Activation;

use super::stub::{SECOND, module};

/// A plan for twenty agents where version 1 runs, and one of the agents: the first target.
pub(crate) struct Scene {
    pub(crate) setup: Setup,
    pub(crate) plan: Envelope,
    cache: Cache,
    agent: Agent,
    disk: Option<Box<Durable>>,
    now: u64,
    clock: i64,
    counter: u64,
}

impl Scene {
    pub(crate) fn new() -> Scene {
        Scene::with(|_| {})
    }

    fn with(change: impl FnOnce(&mut swarm_fleet::agent::Profile)) -> Scene {
        let (ordered, former) = (module(2, GateFailure::Rollback), module(1, GateFailure::Rollback));
        let request = Request {
            shadow: None,
            context: "",
            seed: 1,
            agents: 20,
            module: &ordered,
            former: Some(&former),
            order: None,
            lasts_ns: 3600 * SECOND,
            minimum_sample: 3,
            labels: BTreeMap::new(),
            poll_ns: 30 * SECOND,
            window_ns: 30 * SECOND,
        };
        let mut setup = Setup::new(&request, |_| true).unwrap();
        let at = setup.profiles.iter().position(|profile| profile.name == setup.targets[0]).unwrap();
        let mut profile = setup.profiles.remove(at);
        change(&mut profile);
        let plan = setup.plan.clone();
        let cache = Cache::new(Arc::clone(&setup.trust));
        let agent = Agent::new(profile);
        let mut scene = Scene {
            setup,
            plan,
            cache,
            agent,
            disk: Some(Box::new(Durable::installed())),
            now: 0,
            clock: STARTED_AT,
            counter: 10,
        };
        scene.boot();
        scene
    }

    fn step(&mut self, event: Event<'_>) -> Vec<Command> {
        let mut commands = Vec::new();
        self.agent.step((self.clock, self.now), event, &mut self.cache, &mut commands);
        let mut persisted = false;
        for command in &commands {
            match command {
                Command::Persist(durable) => {
                    self.disk = Some(durable.clone());
                    persisted = true;
                }
                Command::Start(_) | Command::Send(FromAgent::Ack(_)) => {
                    // What is told again was written down before.
                    assert!(persisted || self.told_again(command), "{command:?} before anything is on disk");
                }
                _ => {}
            }
        }
        commands
    }

    fn told_again(&self, command: &Command) -> bool {
        let Command::Send(FromAgent::Ack(ack)) = command else { return false };
        self.disk.as_ref().is_some_and(|disk| disk.outbox.iter().any(|(_, own)| own == ack))
    }

    fn boot(&mut self) -> Vec<Command> {
        let disk = self.disk.clone();
        self.step(Event::Boot { disk, tail: Vec::new(), nonce: 77 })
    }

    /// A step of the plan, by a key, with the next revision.
    fn record(&mut self, reach: u32, step: Step) -> Record {
        self.counter += 1;
        Record {
            fleet: self.setup.trust.fleet().clone(),
            plan: Sha256::digest(&self.plan.payload).into(),
            revision: Revision { epoch: 1, counter: self.counter },
            reach,
            issued: self.clock,
            step,
        }
    }

    fn directive(&self, record: &Record, key: Option<&SecretKey>) -> Arc<Directive> {
        let mut envelope = Envelope::new(RECORD_TYPE, record.encode());
        if let Some(key) = key {
            envelope.sign(key).unwrap();
        }
        let former = self.setup.former.as_ref().map(|(bytes, _)| bytes.clone());
        Arc::new(Directive::new(self.plan.clone(), self.setup.targets.clone(), envelope, former))
    }

    /// The injector's next step, as the agent takes it.
    fn desired(&mut self, reach: u32, step: Step) -> Vec<Command> {
        let record = self.record(reach, step);
        let directive = self.directive(&record, Some(&self.setup.injector));
        self.read(directive)
    }

    fn read(&mut self, directive: Arc<Directive>) -> Vec<Command> {
        self.step(Event::Message(&ToAgent::Desired(Some(directive))))
    }

    fn running(&self) -> Option<u32> {
        let digest = self.agent.running()?;
        let version = |version| {
            let digest: [u8; 32] = swarm_bytecode::codec::digest(&module(version, GateFailure::Rollback));
            digest
        };
        [1, 2].into_iter().find(|number| version(*number) == digest)
    }
}

fn starts(commands: &[Command]) -> Vec<&Start> {
    let starts = commands.iter().filter_map(|command| match command {
        Command::Start(start) => Some(&**start),
        _ => None,
    });
    starts.collect()
}

fn acks(commands: &[Command]) -> Vec<Status> {
    let ack = |command: &Command| match command {
        Command::Send(FromAgent::Ack(envelope)) => Some(Ack::decode(&envelope.payload).unwrap().status),
        _ => None,
    };
    commands.iter().filter_map(ack).collect()
}

#[track_caller]
fn refused(commands: &[Command], code: &str) {
    assert_eq!(acks(commands), [Status::Refused(code.into())]);
    assert!(starts(commands).is_empty());
}

#[test]
fn a_wave_starts_the_program_and_is_acknowledged() {
    let mut scene = Scene::new();
    let commands = scene.desired(4, Step::Run { wave: 0 });
    let start = starts(&commands)[0];
    assert_eq!((start.rank, start.which, start.fallback), (0, Which::Ordered, false));
    assert!(acks(&commands).is_empty(), "nothing is said before it runs");
    let commands = scene.step(Event::Started(Ok(())));
    assert_eq!(acks(&commands), [Status::Active]);
    assert_eq!(scene.running(), Some(2));
    // The next wave is of the same program: it goes on, and says so.
    let commands = scene.desired(20, Step::Run { wave: 1 });
    assert_eq!(acks(&commands), [Status::Active]);
    assert!(starts(&commands).is_empty());
}

#[test]
fn nothing_happens_twice() {
    let mut scene = Scene::new();
    let record = scene.record(4, Step::Run { wave: 0 });
    let directive = scene.directive(&record, Some(&scene.setup.injector));
    assert_eq!(starts(&scene.read(Arc::clone(&directive))).len(), 1);
    scene.step(Event::Started(Ok(())));
    assert!(acks(&scene.read(Arc::clone(&directive))).is_empty());
    scene.boot();
    let commands = scene.read(directive);
    assert!(starts(&commands).is_empty() && acks(&commands).is_empty(), "it was resumed from disk already");
}

#[test]
fn only_what_the_plan_delegates_is_taken_from_the_injector() {
    let ordered = swarm_bytecode::codec::digest(&module(2, GateFailure::Rollback));
    for (reach, step) in [
        (20, Step::Run { wave: 0 }),
        (20, Step::Run { wave: 2 }),
        (4, Step::Stop),
        (4, Step::Resume),
        (4, Step::Rollback { from: ordered, to: None }),
        (4, Step::Rollback { from: ordered, to: Some([7; 32]) }),
        (4, Step::Rollback { from: [7; 32], to: Some(ordered) }),
    ] {
        let mut scene = Scene::new();
        refused(&scene.desired(reach, step), "E0631");
    }
}

#[test]
fn who_may_not_sign_is_refused() {
    let mut scene = Scene::new();
    let record = scene.record(4, Step::Run { wave: 0 });
    let stranger = SecretKey::from_seed([9; 32]);
    let unknown = scene.directive(&record, Some(&stranger));
    refused(&scene.read(unknown), "E0604");
    let unsigned = scene.directive(&record, None);
    refused(&scene.read(unsigned), "E0603");
    // A publisher signs plans; the next wave is the injector's.
    let publisher = scene.directive(&record, Some(&scene.setup.publisher));
    refused(&scene.read(publisher), "E0631");
}

#[test]
fn a_changed_plan_is_refused() {
    let mut scene = Scene::new();
    let record = scene.record(4, Step::Run { wave: 0 });
    let mut plan = Plan::decode(&scene.plan.payload).unwrap();
    plan.gate.minimum_sample = 0;
    scene.plan.payload = plan.encode();
    let directive = scene.directive(&record, Some(&scene.setup.injector));
    refused(&scene.read(directive), "E0605");
}

#[test]
fn targets_are_the_ones_that_were_signed_in_their_order() {
    let mut scene = Scene::new();
    let record = scene.record(4, Step::Run { wave: 0 });
    scene.setup.targets.reverse();
    let directive = scene.directive(&record, Some(&scene.setup.injector));
    refused(&scene.read(directive), "E0614");
}

#[test]
fn noise_around_a_record_that_was_accepted_is_not_answered() {
    let mut scene = Scene::new();
    let record = scene.record(4, Step::Run { wave: 0 });
    let genuine = scene.directive(&record, Some(&scene.setup.injector));
    scene.read(genuine);
    assert_eq!(acks(&scene.step(Event::Started(Ok(())))), [Status::Active]);
    scene.setup.targets.reverse();
    let forged = scene.directive(&record, Some(&scene.setup.injector));
    assert!(acks(&scene.read(forged)).is_empty(), "its answer would count against the genuine one");
}

#[test]
fn a_wave_that_does_not_reach_an_agent_says_nothing_to_it() {
    let mut scene = Scene::with(|_| {});
    // The last target instead of the first.
    scene.setup.targets.rotate_left(0);
    let last = scene.setup.targets[19].clone();
    let at = scene.setup.profiles.iter().position(|profile| profile.name == last).unwrap();
    scene.agent = Agent::new(scene.setup.profiles.remove(at));
    scene.boot();
    let commands = scene.desired(4, Step::Run { wave: 0 });
    assert!(acks(&commands).is_empty() && starts(&commands).is_empty());
    assert_eq!(starts(&scene.desired(20, Step::Run { wave: 1 })).len(), 1);
}

#[test]
fn revisions_only_rise() {
    let mut scene = Scene::new();
    let old = scene.record(4, Step::Run { wave: 0 });
    let old = scene.directive(&old, Some(&scene.setup.injector));
    scene.desired(20, Step::Run { wave: 1 });
    scene.step(Event::Started(Ok(())));
    let commands = scene.read(old);
    assert!(acks(&commands).is_empty() && starts(&commands).is_empty());
    // Two records under one revision: both are kept out, and it is told.
    let mut twin = scene.record(20, Step::Halt);
    twin.revision.counter -= 1;
    let twin = scene.directive(&twin, Some(&scene.setup.injector));
    refused(&scene.read(twin), "E0619");
    assert_eq!(scene.running(), Some(2), "what ran goes on");
}

#[test]
fn what_is_not_granted_is_refused() {
    let mut scene = Scene::with(|profile| profile.grants = Capabilities::Only(BTreeSet::new()));
    refused(&scene.desired(4, Step::Run { wave: 0 }), "E0629");
}

#[test]
fn an_order_that_has_run_out_is_refused() {
    let mut scene = Scene::new();
    scene.clock = STARTED_AT + 66 * MINUTE;
    refused(&scene.desired(4, Step::Run { wave: 0 }), "E0616");
}

#[test]
fn a_halt_lasts_until_the_owners_resume() {
    let mut scene = Scene::new();
    scene.desired(4, Step::Run { wave: 0 });
    scene.step(Event::Started(Ok(())));
    let commands = scene.desired(4, Step::Halt);
    assert!(commands.iter().any(|command| matches!(command, Command::Stop)));
    assert_eq!(acks(&commands), [Status::Idle]);
    scene.boot();
    assert_eq!(scene.running(), None, "it stays halted through a restart");
    refused(&scene.desired(20, Step::Run { wave: 1 }), "E0633");
    let resume = scene.record(20, Step::Resume);
    let resume = scene.directive(&resume, Some(&scene.setup.publisher));
    let commands = scene.read(resume);
    assert_eq!(starts(&commands).len(), 1);
    assert_eq!(acks(&scene.step(Event::Started(Ok(())))), [Status::Active]);
}

#[test]
fn one_operator_is_enough_to_halt() {
    let mut scene = Scene::new();
    let halt = scene.record(20, Step::Halt);
    let halt = scene.directive(&halt, Some(&scene.setup.publisher));
    assert_eq!(acks(&scene.read(halt)), [Status::Idle]);
}

#[test]
fn a_rollback_puts_the_former_program_back() {
    let mut scene = Scene::new();
    scene.desired(4, Step::Run { wave: 0 });
    scene.step(Event::Started(Ok(())));
    let digest = |version| swarm_bytecode::codec::digest(&module(version, GateFailure::Rollback));
    let commands = scene.desired(4, Step::Rollback { from: digest(2), to: Some(digest(1)) });
    assert_eq!(starts(&commands)[0].which, Which::Former);
    scene.step(Event::Started(Ok(())));
    assert_eq!(scene.running(), Some(1));
    let mark = &scene.agent.durable().mark;
    let (version, _) = mark.programs.values().next().unwrap();
    assert_eq!((*version, mark.revision.counter), (1, 12), "the version fell, the revision rose");
}

#[test]
fn a_program_that_does_not_start_is_tried_three_times() {
    let mut scene = Scene::new();
    scene.desired(4, Step::Run { wave: 0 });
    for attempt in 1..3 {
        assert!(acks(&scene.step(Event::Started(Err("no".into())))).is_empty());
        scene.now += 6 * SECOND;
        assert_eq!(starts(&scene.step(Event::Wake)).len(), 1, "attempt {attempt}");
    }
    let commands = scene.step(Event::Started(Err("no handler".into())));
    assert_eq!(acks(&commands), [Status::Failed("E0634: no handler".into())]);
    scene.boot();
    assert_eq!(scene.running(), None);
    assert!(starts(&scene.boot()).is_empty(), "a restart does not bring it back");
}

#[test]
fn a_program_that_kills_the_agent_is_counted_too() {
    let mut scene = Scene::new();
    assert_eq!(starts(&scene.desired(4, Step::Run { wave: 0 })).len(), 1);
    assert_eq!(starts(&scene.boot()).len(), 1);
    assert_eq!(starts(&scene.boot()).len(), 1);
    let commands = scene.boot();
    assert!(starts(&commands).is_empty());
    assert_eq!(acks(&commands).len(), 1);
}

#[test]
fn what_ran_well_before_comes_back_in_its_place() {
    let mut scene = Scene::new();
    let before = scene.setup.former.as_ref().map(|(_, directive)| Arc::clone(directive)).unwrap();
    assert_eq!(starts(&scene.read(before)).len(), 1);
    scene.step(Event::Started(Ok(())));
    scene.step(Event::Activated(&Activation::default()));
    assert_eq!(scene.running(), Some(1));
    scene.desired(4, Step::Run { wave: 0 });
    scene.boot();
    scene.boot();
    let commands = scene.boot();
    let start = starts(&commands)[0];
    assert!(start.fallback && start.which == Which::Ordered);
    assert!(acks(&scene.step(Event::Started(Ok(())))).is_empty(), "it is not what is desired");
    assert_eq!(scene.running(), Some(1));
    assert_eq!(scene.agent.durable().mark.revision.counter, 11, "the revision is what it was");
}

#[test]
fn an_agent_with_a_new_disk_runs_nothing_until_it_is_admitted() {
    let mut scene = Scene::new();
    scene.desired(4, Step::Run { wave: 0 });
    scene.disk = None;
    let commands = scene.boot();
    assert!(commands.iter().any(|command| matches!(command, Command::Send(FromAgent::Admit { nonce: 77 }))));
    let record = scene.record(20, Step::Run { wave: 1 });
    let directive = scene.directive(&record, Some(&scene.setup.injector));
    assert!(starts(&scene.read(Arc::clone(&directive))).is_empty());
    // A restart does not turn the empty disk into one that counts.
    scene.boot();
    assert!(starts(&scene.read(Arc::clone(&directive))).is_empty());
    for (nonce, key, admitted) in [
        (76, &scene.setup.injector.public_key(), false),
        (77, &SecretKey::from_seed([9; 32]).public_key(), false),
        (77, &scene.setup.injector.public_key(), true),
    ] {
        let checkpoint = Checkpoint {
            agent: scene.agent.name().clone(),
            nonce,
            revision: record.revision,
            record: Sha256::digest(record.encode()).into(),
            order: scene.setup.order,
            sequence: 1 << 20,
        };
        let mut envelope = Envelope::new(CHECKPOINT_TYPE, checkpoint.encode());
        let own = *key == scene.setup.injector.public_key();
        let stranger = SecretKey::from_seed([9; 32]);
        envelope.sign(if own { &scene.setup.injector } else { &stranger }).unwrap();
        let commands = scene.step(Event::Message(&ToAgent::Checkpoint(Arc::new(envelope))));
        let forgets = commands.iter().any(|command| matches!(command, Command::Forget(_)));
        assert_eq!(forgets, admitted, "its journal is gone: what happens once is in doubt");
    }
    let commands = scene.read(directive);
    let start = starts(&commands)[0];
    assert_eq!(start.money, None);
    // What it had spent is not known, so its share counts as spent.
    assert_eq!(scene.agent.durable().spent, Some((scene.setup.order, i64::MAX, i64::MAX)));
    scene.step(Event::Started(Ok(())));
    assert_eq!(scene.agent.durable().sequence, (1 << 20) + 1, "above what it said before");
}

#[test]
fn acknowledgements_are_repeated_until_they_are_covered() {
    let mut scene = Scene::new();
    scene.desired(4, Step::Run { wave: 0 });
    scene.step(Event::Started(Ok(())));
    scene.now += 40 * SECOND;
    assert_eq!(acks(&scene.step(Event::Wake)), [Status::Active]);
    scene.boot();
    scene.step(Event::Started(Ok(())));
    scene.now += 40 * SECOND;
    assert_eq!(acks(&scene.step(Event::Wake)).len(), 1, "the last one says all that those before it said");
    scene.step(Event::Message(&ToAgent::Covered { sequence: 2 }));
    scene.now += 40 * SECOND;
    assert!(acks(&scene.step(Event::Wake)).is_empty());
}

#[test]
fn a_window_tells_everything_since_the_agent_started() {
    let mut scene = Scene::new();
    scene.desired(4, Step::Run { wave: 0 });
    scene.step(Event::Started(Ok(())));
    for round in 1..=3_u64 {
        scene.step(Event::Activated(&Activation { fuel: 5, ..Activation::default() }));
        scene.now += 30 * SECOND;
        let commands = scene.step(Event::Wake);
        let persisted = commands.iter().position(|command| matches!(command, Command::Persist(_))).unwrap();
        let sent = commands.iter().enumerate().find_map(|(at, command)| match command {
            Command::Send(FromAgent::Window(aggregate)) => Some((at, aggregate)),
            _ => None,
        });
        let (at, aggregate) = sent.unwrap();
        assert!(persisted < at, "its head is on disk first");
        assert_eq!((aggregate.totals.activations, aggregate.totals.fuel), (round, round * 5));
        assert_eq!(aggregate.head.events, round + 1, "which program, then the sum of each activation");
    }
}

fn closing(commands: &[Command]) -> Vec<bool> {
    let seals = commands.iter().filter_map(|command| match command {
        Command::Seal(chunk) => Some(chunk.closing),
        _ => None,
    });
    seals.collect()
}

#[test]
fn who_is_told_to_stop_says_so_and_closes_its_trace() {
    let mut scene = Scene::new();
    scene.desired(4, Step::Run { wave: 0 });
    scene.step(Event::Started(Ok(())));
    let commands = scene.step(Event::Leave);
    assert_eq!(acks(&commands), [Status::Left]);
    assert!(commands.iter().any(|command| matches!(command, Command::Stop)));
    assert_eq!(closing(&commands), [true]);
    // To be stopped on purpose is no failed start, however often.
    for _ in 0..5 {
        assert_eq!(starts(&scene.boot()).len(), 1, "it comes back to what it ran");
        assert_eq!(acks(&scene.step(Event::Started(Ok(())))), [Status::Active]);
        assert_eq!(acks(&scene.step(Event::Leave)), [Status::Left]);
    }
    scene.boot();
    scene.step(Event::Started(Ok(())));
    assert_eq!(scene.agent.durable().attempts.values().copied().max(), Some(1));
}

#[test]
fn who_was_halted_and_left_comes_back_and_says_so() {
    let mut scene = Scene::new();
    scene.desired(4, Step::Run { wave: 0 });
    scene.step(Event::Started(Ok(())));
    scene.desired(4, Step::Halt);
    assert_eq!(acks(&scene.step(Event::Leave)), [Status::Left]);
    let commands = scene.boot();
    assert!(starts(&commands).is_empty());
    assert_eq!(acks(&commands), [Status::Idle]);
}

#[test]
fn who_never_took_anything_leaves_without_a_word() {
    let mut scene = Scene::new();
    let commands = scene.step(Event::Leave);
    assert!(acks(&commands).is_empty());
    assert_eq!(closing(&commands), [true]);
}

/// Version 1 of the format, which knew no shadows, is version 2 without its last byte.
#[test]
fn a_state_of_the_first_version_is_read() {
    let mut scene = Scene::new();
    scene.desired(4, Step::Run { wave: 0 });
    scene.step(Event::Started(Ok(())));
    let durable = scene.agent.durable().clone();
    assert!(durable.shadow.is_none() && durable.installed.is_some() && durable.outbox.is_some());
    let known = |digest: &[u8; 32]| durable.directives().find(|own| own.digest() == *digest).cloned();
    let mut bytes = durable.encode();
    assert_eq!(Durable::decode(&bytes, &known).unwrap(), durable);
    assert_eq!((bytes[4], bytes.pop()), (2, Some(0)));
    assert!(Durable::decode(&bytes, &known).is_err(), "it is none of version 2");
    bytes[4] = 1;
    assert_eq!(Durable::decode(&bytes, &known).unwrap(), durable);
    bytes[4] = 3;
    assert!(Durable::decode(&bytes, &known).is_err(), "nobody knows version 3");
}
