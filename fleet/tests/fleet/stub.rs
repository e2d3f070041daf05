//! An engine without a machine, a judge without a program, and modules to send: what the protocol is tested with.

use sha2::{Digest, Sha256};
use smol_str::SmolStr;
use swarm_bytecode::module::{
    CallCost, Effect, Function, FunctionId, GateFailure, Import, Metric, MetricKind, Module, Rollout,
};
use swarm_bytecode::op::Op;
use swarm_bytecode::types::TypeId;
use swarm_fleet::agent::Start;
use swarm_fleet::engine::Engine;
use swarm_fleet::journal::{Journal, Permit};
use swarm_fleet::monitor::{ERROR_RATE, Judge};
use swarm_fleet::tasks::Tasks;
use swarm_fleet::trace::entry::{Became, What};
use swarm_fleet::window::{Actions, Activation, Number};
use swarm_vm::{EffectKey, Value};

pub(crate) const SECOND: u64 = 1_000_000_000;

/// A module that asks for one capability and has a rollout with a gate. It says nothing of what runs: that is
/// up to the engine.
pub(crate) fn module(version: u32, failure: GateFailure) -> Vec<u8> {
    let mut module = Module::empty();
    module.instruction.name = "stub".into();
    module.instruction.version = version;
    module.instruction.rollout = Some(Rollout {
        waves: vec![200_000, 1_000_000],
        after_ns: Some(120_000_000_000),
        gate: Some(FunctionId(1)),
        failure,
    });
    module.metrics = vec![
        Metric { name: ERROR_RATE.into(), ty: TypeId::PERCENT, kind: MetricKind::Gauge },
        Metric { name: "work".into(), ty: TypeId::INT, kind: MetricKind::Total },
    ];
    module.imports.push(Import {
        name: "PAY".into(),
        parameters: vec![],
        result: None,
        effect: Effect::Once,
        capability: Some("money.pay".into()),
        cost: CallCost::default(),
    });
    module.functions.push(Function {
        registers: vec![],
        parameters: 0,
        result: None,
        code: vec![Op::Return {}],
    });
    module.functions.push(Function {
        registers: vec![TypeId::BOOL],
        parameters: 0,
        result: Some(TypeId::BOOL),
        code: vec![Op::ReturnValue { value: swarm_bytecode::op::Register(0) }],
    });
    module.encode()
}

/// Says that a gate holds below this share of errors, in parts per million.
#[derive(Debug)]
pub(crate) struct Threshold {
    pub(crate) below: i64,
    seen: i64,
}

impl Threshold {
    pub(crate) fn new(below: i64) -> Threshold {
        Threshold { below, seen: 0 }
    }
}

impl Judge for Threshold {
    fn set(&mut self, metric: &str, value: &Value) {
        if let (ERROR_RATE, Value::Quantity(_, rate)) = (metric, value) {
            self.seen = *rate;
        }
    }

    fn holds(&mut self, _: FunctionId) -> bool {
        self.seen < self.below
    }
}

/// Runs nothing: each activation does one thing once, under a name that a second life of the same order shares.
#[derive(Debug, Default)]
pub(crate) struct Stub {
    /// Programs that end badly at their first activation, by version.
    pub(crate) traps: Option<u32>,
    /// It does what happens once without asking whether it has happened.
    pub(crate) reckless: bool,
}

#[derive(Debug)]
pub(crate) struct StubRun {
    identity: Vec<u8>,
    order: [u8; 16],
    next: u64,
    round: u64,
    ends: u64,
    traps: bool,
    shadow: bool,
}

impl Engine for Stub {
    type Run = StubRun;

    fn start(&mut self, _: u32, start: &Start, now_ns: u64) -> Result<StubRun, SmolStr> {
        let order = &start.checked.plan().order;
        Ok(StubRun {
            identity: start.identity.clone(),
            order: order.id,
            next: now_ns,
            round: 0,
            ends: now_ns + start.remaining_ns,
            traps: self.traps == Some(order.version) && start.digest() == order.digest,
            shadow: start.shadow,
        })
    }

    fn due(&self, run: &StubRun) -> Option<u64> {
        Some(run.next)
    }

    fn activate(
        &mut self,
        run: &mut StubRun,
        now_ns: u64,
        journal: &mut Journal,
        _: Option<&mut Tasks>,
    ) -> (Activation, Vec<EffectKey>) {
        let mut activation = Activation { fuel: 10, ..Activation::default() };
        if run.traps {
            activation.ended = Some(("trapped".into(), "it always does".into()));
            return (activation, Vec::new());
        }
        if now_ns >= run.ends {
            activation.ended = Some(("done".into(), "its time is over".into()));
            return (activation, Vec::new());
        }
        let mut hash = Sha256::new();
        hash.update(&run.identity);
        hash.update(run.round.to_le_bytes());
        let key: EffectKey = hash.finalize().into();
        let mut permitted = Vec::new();
        let permit = if run.shadow {
            Permit::Done
        } else if self.reckless {
            Permit::Perform
        } else {
            journal.intend(&run.order, key)
        };
        match permit {
            Permit::Perform => {
                permitted.push(key);
                activation.actions.push(("PAY".into(), Actions { done: 1, ..Actions::default() }));
                activation.entries.own(&What::Applied(0, 0, Became::Done));
            }
            Permit::Done => {
                let done = u64::from(run.shadow);
                activation.actions.push(("PAY".into(), Actions { done, ..Actions::default() }));
            }
            Permit::InDoubt | Permit::Full => activation.in_doubt = 1,
        }
        activation.samples.push((1, Number::Word(1)));
        activation.entries.own(&What::Measured(1, Number::Word(1)));
        run.round += 1;
        run.next = now_ns + 20 * SECOND;
        (activation, permitted)
    }
}
