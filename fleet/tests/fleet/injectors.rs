//! What the injector makes of what it hears: waves, gates, who counts as what.

use std::collections::BTreeMap;
use std::sync::Arc;

use sha2::{Digest, Sha256};
use swarm_bytecode::module::GateFailure;
use swarm_fleet::agent::Profile;
use swarm_fleet::envelope::{ACK_TYPE, Envelope};
use swarm_fleet::injector::{Accounting, Command, Durable, Event, Injector, Phase};
use swarm_fleet::message::{Ack, FromAgent, Status, ToAgent, TraceHead};
use swarm_fleet::record::{Directive, Record, Step};
use swarm_fleet::simulate::{Request, STARTED_AT, Setup};

use super::stub::{SECOND, module};

/// An injector for twenty targets in two waves of 4 and 20, two minutes apart; a gate needs three answers.
struct Scene {
    injector: Injector,
    profiles: BTreeMap<usize, Profile>,
    now: u64,
    disk: Option<Durable>,
    bus: Option<Arc<Directive>>,
    judged: Vec<i64>,
    covered: Vec<u64>,
    hints: usize,
}

impl Scene {
    fn new() -> Scene {
        let ordered = module(2, GateFailure::Rollback);
        let request = Request {
            shadow: None,
            context: "",
            seed: 5,
            agents: 20,
            module: &ordered,
            former: None,
            order: None,
            lasts_ns: 3600 * SECOND,
            minimum_sample: 3,
            labels: BTreeMap::new(),
            poll_ns: 30 * SECOND,
            window_ns: 30 * SECOND,
        };
        let setup = Setup::new(&request, |_| true).unwrap();
        let rank = |profile: &Profile| setup.targets.iter().position(|name| *name == profile.name).unwrap();
        let profiles: BTreeMap<usize, Profile> =
            setup.profiles.into_iter().map(|profile| (rank(&profile), profile)).collect();
        let keys = profiles.values().map(|profile| profile.key.public_key()).collect();
        let injector = Injector::new(setup.injector, setup.plan, setup.targets.clone(), keys, None).unwrap();
        let (disk, bus) = (None, None);
        let mut scene =
            Scene { injector, profiles, now: 0, disk, bus, judged: vec![], covered: vec![], hints: 0 };
        scene.step(Event::Begin);
        scene
    }

    fn step(&mut self, event: Event<'_>) {
        let mut commands = Vec::new();
        let clock = STARTED_AT + i64::try_from(self.now).unwrap();
        self.injector.step((clock, self.now), event, &mut commands);
        for command in commands {
            match command {
                Command::Persist(durable) => self.disk = Some(*durable),
                Command::Publish(directive) => {
                    let persisted = self.disk.as_ref().map(|disk| disk.directive.digest());
                    assert_eq!(
                        persisted,
                        Some(directive.digest()),
                        "a step is on disk before it is published"
                    );
                    self.bus = Some(directive);
                }
                Command::Hint(names) => self.hints += names.len(),
                Command::Send(_, ToAgent::Covered { sequence }) => self.covered.push(sequence),
                Command::Send(..) | Command::Wake(_) => {}
                Command::Judge { error_rate } => {
                    self.judged.push(error_rate);
                    self.step(Event::Verdict(error_rate < 10_000));
                }
            }
        }
        assert!(self.injector.accounting().adds_up());
        assert_eq!(self.injector.accounting(), self.injector.recount());
    }

    fn record(&self) -> Record {
        Record::decode(&self.bus.as_ref().unwrap().record().payload).unwrap()
    }

    fn ack(&self, rank: usize, sequence: u64, status: Status, signer: usize, skew: i64) -> Envelope {
        let ack = Ack {
            agent: self.profiles[&rank].name.clone(),
            incarnation: 1,
            sequence,
            record: Sha256::digest(&self.bus.as_ref().unwrap().record().payload).into(),
            status,
            head: TraceHead::default(),
            clock: STARTED_AT + i64::try_from(self.now).unwrap() + skew,
        };
        let mut envelope = Envelope::new(ACK_TYPE, ack.encode());
        envelope.sign(&self.profiles[&signer].key).unwrap();
        envelope
    }

    fn hear(&mut self, rank: usize, envelope: Envelope) {
        let name = self.profiles[&rank].name.clone();
        self.step(Event::Message(&name, &FromAgent::Ack(Arc::new(envelope))));
    }

    fn says(&mut self, rank: usize, sequence: u64, status: Status) {
        let ack = self.ack(rank, sequence, status, rank, 0);
        self.hear(rank, ack);
    }

    fn wait(&mut self, seconds: u64) {
        self.now += seconds * SECOND;
        self.step(Event::Wake);
    }

    fn counts(&self) -> [u32; 4] {
        let Accounting { active, refused, failed, silent, .. } = self.injector.accounting();
        [active, refused, failed, silent]
    }
}

#[test]
fn waves_follow_when_their_gates_hold() {
    let mut scene = Scene::new();
    assert_eq!((scene.record().reach, scene.record().step), (4, Step::Run { wave: 0 }));
    (0..4).for_each(|rank| scene.says(rank, 1, Status::Active));
    assert!(scene.judged.is_empty(), "all is well, so its time is waited for");
    scene.wait(120);
    assert_eq!((scene.record().reach, scene.record().step), (20, Step::Run { wave: 1 }));
    assert_eq!(scene.counts(), [4, 0, 0, 16]);
    (4..20).for_each(|rank| scene.says(rank, 1, Status::Active));
    scene.wait(120);
    assert_eq!(scene.injector.phase(), Some(Phase::Converged));
    assert_eq!(scene.judged, [0, 0]);
}

#[test]
fn a_gate_fails_as_soon_as_all_have_answered_and_badly() {
    let mut scene = Scene::new();
    (0..3).for_each(|rank| scene.says(rank, 1, Status::Active));
    scene.says(3, 1, Status::Refused("E0629".into()));
    assert_eq!(scene.judged, [250_000]);
    assert_eq!(scene.injector.phase(), Some(Phase::RolledBack));
    assert!(matches!(scene.record().step, Step::Rollback { to: None, .. }));
    assert_eq!(scene.counts(), [0, 0, 0, 4], "a rollback has to be answered for itself");
    scene.says(3, 2, Status::Idle);
    assert_eq!(scene.counts(), [1, 0, 0, 3]);
}

#[test]
fn without_evidence_a_gate_holds_and_then_has_failed() {
    let mut scene = Scene::new();
    (0..2).for_each(|rank| scene.says(rank, 1, Status::Active));
    scene.wait(120);
    assert!(scene.judged.is_empty(), "two of four answers are no evidence");
    scene.wait(299);
    assert!(scene.judged.is_empty());
    scene.wait(1);
    assert_eq!(scene.judged, [1_000_000]);
    assert_eq!(scene.injector.phase(), Some(Phase::RolledBack));
}

#[test]
fn who_is_silent_is_nudged() {
    let mut scene = Scene::new();
    assert_eq!(scene.hints, 4);
    scene.says(0, 1, Status::Active);
    scene.wait(15);
    assert_eq!(scene.hints, 7);
}

#[test]
fn the_highest_number_counts_not_the_last_to_arrive() {
    let mut scene = Scene::new();
    scene.says(0, 5, Status::Failed("trapped".into()));
    scene.says(0, 4, Status::Active);
    assert_eq!(scene.counts(), [0, 0, 1, 3]);
    assert_eq!(scene.covered, [5, 5]);
    // The same again is the same; another content under the number is another agent.
    scene.says(0, 5, Status::Failed("trapped".into()));
    assert_eq!(scene.injector.standings()[0].status, Some(Status::Failed("trapped".into())));
    scene.says(0, 5, Status::Active);
    assert_eq!(scene.counts(), [0, 0, 1, 3]);
    assert!(
        matches!(&scene.injector.standings()[0].status, Some(Status::Failed(why)) if why.contains("two"))
    );
}

#[test]
fn only_the_agent_itself_speaks_for_itself() {
    let mut scene = Scene::new();
    let others = scene.ack(0, 1, Status::Active, 1, 0);
    scene.hear(0, others);
    let borrowed = scene.ack(1, 1, Status::Active, 1, 0);
    scene.hear(0, borrowed);
    let mut changed = scene.ack(0, 1, Status::Active, 0, 0);
    *changed.payload.last_mut().unwrap() ^= 1;
    scene.hear(0, changed);
    assert_eq!(scene.counts(), [0, 0, 0, 4]);
    assert!(scene.covered.is_empty());
}

#[test]
fn clocks_that_are_off_are_told_and_then_not_believed() {
    let mut scene = Scene::new();
    for (rank, seconds) in [(0, 30), (1, 31), (2, -301)] {
        let ack = scene.ack(rank, 1, Status::Active, rank, seconds * 1_000_000_000);
        scene.hear(rank, ack);
    }
    assert_eq!(scene.counts(), [2, 1, 0, 1]);
    let skews: Vec<bool> =
        scene.injector.standings().iter().take(3).map(|standing| standing.skew_ns.is_some()).collect();
    assert_eq!(skews, [false, true, true]);
}

#[test]
fn an_answer_that_comes_late_changes_the_report() {
    let mut scene = Scene::new();
    (0..4).for_each(|rank| scene.says(rank, 1, Status::Active));
    scene.wait(120);
    (4..20).filter(|rank| *rank != 9).for_each(|rank| scene.says(rank, 1, Status::Active));
    scene.wait(120);
    assert_eq!(scene.injector.phase(), Some(Phase::RolledBack), "one of twenty is five per cent");
    assert_eq!(scene.injector.report_revision(), 1);
    scene.says(9, 1, Status::Idle);
    assert_eq!(scene.injector.report_revision(), 2);
}

#[test]
fn a_new_start_goes_on_under_a_higher_epoch() {
    let mut scene = Scene::new();
    scene.says(0, 1, Status::Active);
    let before = scene.record();
    let disk = scene.disk.clone().unwrap();
    scene.wait(60);
    scene.step(Event::Boot(disk));
    let after = scene.record();
    assert!(after.revision > before.revision && after.revision.epoch == before.revision.epoch + 1);
    assert_eq!((after.reach, after.step), (before.reach, before.step));
    assert_eq!(scene.counts(), [0, 0, 0, 4], "what was said was said to another record");
    (0..4).for_each(|rank| scene.says(rank, 2, Status::Active));
    scene.wait(60);
    assert_eq!(scene.record().reach, 20, "the wave's time went on meanwhile");
}

#[test]
fn a_bus_that_forgets_is_told_again() {
    let mut scene = Scene::new();
    let before = scene.bus.take();
    scene.step(Event::BusLost);
    assert_eq!(scene.bus, before);
}

#[test]
fn an_operator_can_halt_at_any_time_and_nothing_follows() {
    let mut scene = Scene::new();
    scene.step(Event::Halt);
    assert_eq!((scene.injector.phase(), scene.record().step), (Some(Phase::Halted), Step::Halt));
    let revision = scene.record().revision;
    scene.step(Event::Rollback);
    scene.step(Event::Goal);
    scene.wait(600);
    assert_eq!(scene.record().revision, revision);
}

#[test]
fn who_leaves_is_silent_by_name_unless_the_order_was_over_there() {
    let mut scene = Scene::new();
    scene.says(0, 1, Status::Failed("no disk".into()));
    scene.says(1, 1, Status::Finished("done".into()));
    scene.says(2, 1, Status::Active);
    (0..3).for_each(|rank| scene.says(rank, 2, Status::Left));
    assert_eq!(scene.counts(), [1, 0, 1, 2]);
    let why = |rank: usize| {
        let name = &scene.injector.targets()[rank];
        let exceptions = scene.injector.exceptions();
        let (_, counts_as, status) = exceptions.iter().find(|(own, ..)| *own == name)?;
        Some((*counts_as, status.map_or("", |status| status.why()).to_owned()))
    };
    assert_eq!(why(0), Some(("failed", "no disk".to_owned())));
    assert_eq!(why(1), None);
    assert_eq!(why(2), Some(("silent", "left".to_owned())));
    assert_eq!(why(3), Some(("silent", String::new())));
    // It comes back, and counts again.
    scene.says(2, 3, Status::Active);
    assert_eq!(scene.counts(), [2, 0, 1, 1]);
}
