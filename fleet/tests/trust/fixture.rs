//! What the tests share: keys, a program, a trust file, an order, and an agent that takes it.

use std::collections::{BTreeMap, BTreeSet};

use swarm_bytecode::module::{CallCost, Effect, Function, Import, ImportId, Module};
use swarm_bytecode::op::Op;
use swarm_bytecode::quantity::{format_time, parse_time};
use swarm_fleet::envelope::{Envelope, ORDER_TYPE, TRUST_TYPE};
use swarm_fleet::key::SecretKey;
use swarm_fleet::name::Name;
use swarm_fleet::order::{Limits, Order, Revision, Targets};
use swarm_fleet::refusal::{Cause, Refusal};
use swarm_fleet::state::HighWaterMark;
use swarm_fleet::time::DAY;
use swarm_fleet::trust::document::{
    Document, FORMAT, PublisherDocument, RevokedDocument, RootDocument, RootsDocument, ThresholdDocument,
};
use swarm_fleet::trust::{Capabilities, Trust};
use swarm_fleet::verify::{Accepted, Audience, Mode, Receiver, verify};

/// The moment at which the tests take place.
pub(crate) fn noon() -> i64 {
    parse_time("2026-11-20T12:00:00Z").unwrap()
}

/// Noon and so many days.
pub(crate) fn day(days: i64) -> String {
    format_time(noon() + days * DAY)
}

pub(crate) fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

/// A key of its own for each number.
pub(crate) fn key(number: u8) -> SecretKey {
    SecretKey::from_seed([number; 32])
}

pub(crate) const ROOT_ANA: u8 = 1;
pub(crate) const ROOT_BEN: u8 = 2;
pub(crate) const ROOT_CYN: u8 = 3;
pub(crate) const DAN: u8 = 11;
pub(crate) const DAN_TOO: u8 = 12;
pub(crate) const EVE: u8 = 13;
pub(crate) const STRANGER: u8 = 99;

/// A program that asks for one capability.
pub(crate) fn module(version: u32) -> Vec<u8> {
    module_that(version, Effect::Idempotent, 0)
}

/// The same, whose action is of this class and is taken at so many places.
pub(crate) fn module_that(version: u32, effect: Effect, places: usize) -> Vec<u8> {
    let mut module = Module::empty();
    module.instruction.name = "cost_cut".into();
    module.instruction.version = version;
    module.imports.push(Import {
        name: "THROTTLE".into(),
        parameters: vec![],
        result: None,
        effect,
        capability: Some("cpu.throttle".into()),
        cost: CallCost::default(),
    });
    let act = Op::Host { import: ImportId(0), arguments: [].into() };
    let mut code = vec![act; places];
    code.push(Op::Return {});
    module.functions.push(Function { registers: vec![], parameters: 0, result: None, code });
    module.encode()
}

pub(crate) fn digest_of(version: u32) -> [u8; 32] {
    swarm_bytecode::codec::digest(&module(version))
}

pub(crate) fn publisher(number: u8, owner: &str) -> PublisherDocument {
    PublisherDocument {
        key: key(number).public_key().to_string(),
        owner: owner.to_owned(),
        from: day(-10),
        until: day(50),
        names: vec!["cost_".to_owned()],
        capabilities: vec!["cpu.throttle".to_owned()],
    }
}

pub(crate) fn root(number: u8, owner: &str) -> RootDocument {
    RootDocument { key: key(number).public_key().to_string(), owner: owner.to_owned() }
}

/// Two of three roots; two owners for `cost_…`.
pub(crate) fn document() -> Document {
    Document {
        format: FORMAT,
        fleet: "demo".to_owned(),
        version: 7,
        issued: day(-1),
        expires: day(13),
        roots: RootsDocument {
            threshold: 2,
            keys: vec![root(ROOT_ANA, "ana"), root(ROOT_BEN, "ben"), root(ROOT_CYN, "cyn")],
        },
        publishers: vec![publisher(DAN, "dan"), publisher(DAN_TOO, "dan"), publisher(EVE, "eve")],
        thresholds: vec![ThresholdDocument { prefix: "cost_".to_owned(), owners: 2 }],
        blast_radius: Vec::new(),
        revoked: RevokedDocument::default(),
        floors: vec![],
    }
}

pub(crate) fn sealed(payload_type: &str, payload: Vec<u8>, keys: &[u8]) -> Envelope {
    let mut envelope = Envelope::new(payload_type, payload);
    for number in keys {
        envelope.sign(&key(*number)).unwrap();
    }
    envelope
}

pub(crate) fn trust_envelope(document: &Document, keys: &[u8]) -> Envelope {
    sealed(TRUST_TYPE, document.to_payload(), keys)
}

pub(crate) fn order() -> Order {
    Order {
        id: [5; 16],
        fleet: name("demo"),
        revision: Revision { epoch: 1, counter: 10 },
        name: name("cost_cut"),
        version: 2,
        digest: digest_of(2),
        module: Some(module(2)),
        replaces: None,
        targets: Targets::All,
        limits: Limits { fuel: Some(1_000_000), ..Limits::default() },
        not_before: noon(),
        not_after: noon() + DAY,
        emergency: false,
    }
}

/// Everything an order is held against, to be changed in one place by each test.
pub(crate) struct Scene {
    pub(crate) document: Document,
    pub(crate) mark: HighWaterMark,
    pub(crate) clock: i64,
    pub(crate) agent: Name,
    pub(crate) labels: BTreeMap<Name, Name>,
    pub(crate) names: Option<Vec<Name>>,
    pub(crate) grants: Capabilities,
    pub(crate) module: Option<Vec<u8>>,
    pub(crate) mode: Mode,
    pub(crate) signers: Vec<u8>,
    pub(crate) order: Order,
}

impl Scene {
    /// An order that is accepted.
    pub(crate) fn new() -> Scene {
        Scene {
            document: document(),
            mark: HighWaterMark::default(),
            clock: noon(),
            agent: name("agent-1"),
            labels: BTreeMap::from([(name("role"), name("optimizer"))]),
            names: None,
            grants: Capabilities::Only(BTreeSet::from(["cpu.throttle".into()])),
            module: None,
            mode: Mode::Strict,
            signers: vec![DAN, EVE],
            order: order(),
        }
    }

    pub(crate) fn envelope(&self) -> Envelope {
        sealed(ORDER_TYPE, self.order.encode(), &self.signers)
    }

    pub(crate) fn trust(&self) -> Trust {
        Trust::accept(&trust_envelope(&self.document, &[ROOT_ANA, ROOT_BEN]), None).unwrap()
    }

    pub(crate) fn take(&self, envelope: &Envelope) -> Result<Accepted, Refusal> {
        self.take_under(&self.trust(), envelope)
    }

    pub(crate) fn take_under(&self, trust: &Trust, envelope: &Envelope) -> Result<Accepted, Refusal> {
        let receiver = Receiver {
            trust,
            mark: &self.mark,
            clock: self.clock,
            audience: Audience::Agent {
                name: &self.agent,
                labels: &self.labels,
                names: self.names.as_deref(),
            },
            grants: &self.grants,
            module: self.module.as_deref(),
            mode: self.mode,
        };
        verify(envelope, &receiver)
    }

    pub(crate) fn run(&self) -> Result<Accepted, Refusal> {
        self.take(&self.envelope())
    }

    #[track_caller]
    pub(crate) fn accepts(&self) -> Accepted {
        match self.run() {
            Ok(accepted) => accepted,
            Err(refusal) => panic!("refused: {} {refusal}", refusal.code()),
        }
    }

    #[track_caller]
    pub(crate) fn refuses(&self, cause: Cause) {
        match self.run() {
            Ok(_) => panic!("accepted, expected {cause:?}"),
            Err(refusal) => assert_eq!(refusal.cause, cause, "{refusal}"),
        }
    }
}

/// A scene with one thing changed.
pub(crate) fn scene(change: impl FnOnce(&mut Scene)) -> Scene {
    let mut scene = Scene::new();
    change(&mut scene);
    scene
}
