//! From a program and what is decided about it to a plan: waves, gate and targets follow from the program's
//! header.

use swarm_bytecode::module::{GateFailure, Instruction, TargetCount};
use swarm_bytecode::verify::Verified;

use super::{Former, Gate, Plan, reaches};
use crate::key::PublicKey;
use crate::name::Name;
use crate::order::{Limits, Order, Revision, Targets};
use crate::refusal::{Cause, Refusal};

/// Nanoseconds a gate waits for answers where the program names no time.
const PATIENCE_NS: u64 = 300_000_000_000;

/// What is decided about a program that is to go out.
#[derive(Debug)]
pub struct Outline<'a> {
    /// The program, stripped.
    pub module: &'a [u8],
    /// Names the order.
    pub id: [u8; 16],
    /// The fleet it is for.
    pub fleet: Name,
    /// Above all before.
    pub revision: Revision,
    /// Its targets, as [`super::draw`] gave them.
    pub targets: &'a [Name],
    /// What runs now, and a rollback puts back.
    pub former: Option<Former>,
    /// Values of the program's CONTEXT, as a JSON object.
    pub context: String,
    /// What each agent's run may use at most.
    pub limits: Limits,
    /// From when and until when it is valid, in nanoseconds since the Unix epoch.
    pub valid: (i64, i64),
    /// Answers a gate needs.
    pub minimum_sample: u32,
    /// Who takes the steps.
    pub injector: PublicKey,
    /// Runs it in shadow for so many nanoseconds: in one wave, since nothing can go wrong.
    pub shadow: Option<u64>,
}

impl Outline<'_> {
    /// The plan, for publishers to sign.
    ///
    /// # Errors
    /// [`Cause::ModuleRefused`]; [`Cause::NoOrder`] for a program whose name cannot be ordered by.
    pub fn plan(self) -> Result<Plan, Refusal> {
        let program = Verified::load(self.module).map_err(|error| {
            Refusal::new(Cause::ModuleRefused, format!("the module is refused: {}: {error}", error.code()))
        })?;
        let header = &program.module().instruction;
        let name = Name::new(&header.name)
            .ok_or_else(|| Refusal::new(Cause::NoOrder, "a name is 1 to 64 of A-Z a-z 0-9 . _ -"))?;
        let order = Order {
            id: self.id,
            fleet: self.fleet,
            revision: self.revision,
            name,
            version: header.version,
            digest: program.digest(),
            module: Some(self.module.to_vec()),
            replaces: None,
            targets: Targets::freeze(self.targets.iter().cloned()),
            limits: self.limits,
            not_before: self.valid.0,
            not_after: self.valid.1,
            emergency: false,
        };
        let rollout = header.rollout.as_ref().filter(|_| self.shadow.is_none());
        let shares = rollout.map_or(&[1_000_000][..], |rollout| &rollout.waves);
        let after = rollout.and_then(|rollout| rollout.after_ns);
        let after_ns = self.shadow.or(after.and_then(|after| u64::try_from(after).ok())).unwrap_or(0);
        Ok(Plan {
            order,
            waves: reaches(shares, u32::try_from(self.targets.len()).unwrap_or(u32::MAX)),
            gate: Gate {
                after_ns,
                patience_ns: after_ns.max(PATIENCE_NS),
                minimum_sample: self.minimum_sample,
                rolls_back: rollout.is_some_and(|rollout| rollout.failure == GateFailure::Rollback),
            },
            injector: self.injector,
            former: self.former,
            context: self.context,
            shadow: self.shadow,
        })
    }
}

/// How many targets a program wants, of so many that fit; `None`: all of them.
pub fn wanted(header: &Instruction, fitting: usize) -> Option<u32> {
    match header.target.map(|target| target.count)? {
        TargetCount::Exactly(count) => Some(count),
        TargetCount::UpTo(count) => Some(count.min(u32::try_from(fitting).unwrap_or(u32::MAX))),
        TargetCount::All => None,
    }
}
