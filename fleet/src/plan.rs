//! Plans: an order, its targets by name, its waves, and what the injector may do of itself.
//!
//! ```text
//! plan   = "SWRP" version order waves gate injector former context shadow
//! order  = length bytes              an order as publishers sign it, its targets a frozen list
//! waves  = count (reach)*            how many targets are reached once the wave is out, rising
//! gate   = after patience minimum-sample failure
//! former = 0, or 1 version digest context      what a rollback puts back
//! context = length text              values of the program's CONTEXT: a JSON object, or nothing
//! shadow = nothing in version 1, nanoseconds in version 2
//! ```
//!
//! The publisher signs the plan and is done: its signature delegates exactly the next wave, halt, rollback
//! and, where the program itself has a STOP WHEN, the end – and nothing else – to the injector's key.

mod outline;

use sha2::{Digest, Sha256};

use crate::codec::{Reader, Writer};
use crate::key::PublicKey;
use crate::name::Name;
use crate::order::{Order, Sha256Digest, Targets};
use crate::refusal::{Cause, Refusal};

pub use outline::{Outline, wanted};

/// First bytes of every plan.
const MAGIC: [u8; 4] = *b"SWRP";

/// Version of the format: that of plans that are performed, and that of those that run in shadow.
const VERSIONS: [u8; 2] = [1, 2];

/// Most waves of a plan.
pub const MAX_WAVES: usize = 64;

/// Most bytes of a context.
pub const MAX_CONTEXT: usize = 1 << 16;

/// A plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// What is to run, for how long, under which limits. Its targets are frozen.
    pub order: Order,
    /// How many targets are reached once each wave is out: rising, the last at most as many as there are targets.
    pub waves: Vec<u32>,
    /// What has to hold before the next wave.
    pub gate: Gate,
    /// The key that takes the steps.
    pub injector: PublicKey,
    /// What a rollback puts back: the former version and its digest. `None`: nothing ran before, so nothing will.
    pub former: Option<Former>,
    /// Values of the program's CONTEXT, as a JSON object; empty where its defaults do.
    pub context: String,
    /// The program runs beside what is installed for so many nanoseconds, and nothing it does is performed.
    /// An agent that knows nothing of shadows refuses such a plan.
    pub shadow: Option<u64>,
}

/// A program that ran before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Former {
    /// The author's version.
    pub version: u32,
    /// SHA-256 of the stripped module.
    pub digest: Sha256Digest,
    /// Values of its CONTEXT, as in [`Plan::context`].
    pub context: String,
}

/// When and on what evidence the next wave goes out. Whether it does is for the program's own condition to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gate {
    /// Nanoseconds from a wave to the next at the earliest.
    pub after_ns: u64,
    /// Nanoseconds a gate may hold for want of evidence; after that it counts as failed.
    pub patience_ns: u64,
    /// How many targets must have answered before a share of them says anything.
    pub minimum_sample: u32,
    /// Whether a gate that fails rolls back; else the rollout goes no further.
    pub rolls_back: bool,
}

impl Gate {
    /// Answers that are needed of so many targets: never more than there are.
    pub fn sample_of(&self, targets: u32) -> u32 {
        self.minimum_sample.min(targets)
    }
}

/// The targets of an order in the order in which the waves reach them: that of H(order, agent), so that no
/// one can choose to be first. Exactly `count` of them, or all.
///
/// # Errors
/// [`Cause::TooFewAgents`] where fewer are there than the order wants.
pub fn draw(
    order: &[u8; 16],
    candidates: impl IntoIterator<Item = Name>,
    count: Option<u32>,
) -> Result<Vec<Name>, Refusal> {
    let ranked = |name: Name| {
        let mut hash = Sha256::new();
        hash.update(b"swarm.rank.v1");
        hash.update(order);
        hash.update(name.as_str().as_bytes());
        let rank: Sha256Digest = hash.finalize().into();
        (rank, name)
    };
    let mut ranked: Vec<_> = candidates.into_iter().map(ranked).collect();
    ranked.sort_unstable();
    ranked.dedup();
    if let Some(count) = count {
        let wanted = usize::try_from(count).unwrap_or(usize::MAX);
        if ranked.len() < wanted {
            let message = format!("the order is for {count} agents, {} fit", ranked.len());
            return Err(Refusal::new(Cause::TooFewAgents, message));
        }
        ranked.truncate(wanted);
    }
    if ranked.is_empty() {
        return Err(Refusal::new(Cause::TooFewAgents, "no agent fits the order"));
    }
    Ok(ranked.into_iter().map(|(_, name)| name).collect())
}

/// How many targets each wave reaches: ⌈share × targets⌉, shares in parts per million. A wave that would
/// reach no one new is left out; without a share there is one wave.
pub fn reaches(shares: &[i64], targets: u32) -> Vec<u32> {
    let mut reaches: Vec<u32> = Vec::new();
    for share in shares.iter().take(MAX_WAVES) {
        let share = u64::try_from(*share).unwrap_or(0).min(1_000_000);
        let reach = share.saturating_mul(u64::from(targets)).div_ceil(1_000_000);
        let reach = u32::try_from(reach).unwrap_or(targets).min(targets);
        if reach > reaches.last().copied().unwrap_or(0) {
            reaches.push(reach);
        }
    }
    if reaches.is_empty() {
        reaches.push(targets);
    }
    reaches
}

/// The share of an amount that the target of this rank may spend: equal parts, what is left over a unit each
/// to the first. Together they are the amount, so no one can overdraw the fleet.
pub fn share(amount: i64, targets: u32, rank: u32) -> i64 {
    let (amount, targets) = (amount.max(0), i64::from(targets.max(1)));
    let part = amount.checked_div(targets).unwrap_or(0);
    let rest = amount.checked_rem(targets).unwrap_or(0);
    if i64::from(rank) < rest { part.saturating_add(1) } else { part }
}

fn context(reader: &mut Reader<'_>) -> Result<String, Refusal> {
    let bytes = reader.blob(MAX_CONTEXT)?;
    std::str::from_utf8(bytes).map(str::to_owned).map_err(|_| reader.refusal("a context is UTF-8"))
}

impl Plan {
    /// How many targets it has.
    pub fn targets(&self) -> u32 {
        match self.order.targets {
            Targets::Frozen { count, .. } => u32::try_from(count).unwrap_or(u32::MAX),
            _ => 0,
        }
    }

    /// The plan in bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.raw(&MAGIC);
        writer.byte(if self.shadow.is_some() { 2 } else { 1 });
        writer.blob(&self.order.encode());
        writer.count(self.waves.len());
        for reach in &self.waves {
            writer.unsigned(u64::from(*reach));
        }
        writer.unsigned(self.gate.after_ns);
        writer.unsigned(self.gate.patience_ns);
        writer.unsigned(u64::from(self.gate.minimum_sample));
        writer.byte(u8::from(self.gate.rolls_back));
        writer.raw(&self.injector.to_bytes());
        writer.byte(u8::from(self.former.is_some()));
        if let Some(former) = &self.former {
            writer.unsigned(u64::from(former.version));
            writer.raw(&former.digest);
            writer.blob(former.context.as_bytes());
        }
        writer.blob(self.context.as_bytes());
        if let Some(shadow_ns) = self.shadow {
            writer.unsigned(shadow_ns);
        }
        writer.bytes
    }

    /// Reads a plan.
    ///
    /// # Errors
    /// [`Cause::NoPlan`] where the bytes are not the one form of a plan; [`Cause::NoOrder`], [`Cause::WeakKey`].
    pub fn decode(bytes: &[u8]) -> Result<Plan, Refusal> {
        let mut reader = Reader::new(bytes, Cause::NoPlan);
        reader.expect(&MAGIC, "a plan begins with `SWRP`")?;
        let version = reader.byte()?;
        if !VERSIONS.contains(&version) {
            return Err(reader.refusal("versions 1 and 2 are known here"));
        }
        let order = Order::decode(reader.blob(crate::envelope::MAX_PAYLOAD)?)?;
        let count = reader.count(MAX_WAVES, 1)?;
        let mut waves = Vec::with_capacity(count);
        for _ in 0..count {
            waves.push(reader.small()?);
        }
        let gate = Gate {
            after_ns: reader.unsigned(u64::MAX)?,
            patience_ns: reader.unsigned(u64::MAX)?,
            minimum_sample: reader.small()?,
            rolls_back: reader.flag()?,
        };
        let injector = PublicKey::from_bytes(&reader.array()?)?;
        let former = match reader.flag()? {
            true => Some(Former {
                version: reader.small()?,
                digest: reader.array()?,
                context: context(&mut reader)?,
            }),
            false => None,
        };
        let context = context(&mut reader)?;
        let shadow = if version == 2 { Some(reader.unsigned(u64::MAX)?) } else { None };
        let plan = Plan { order, waves, gate, injector, former, context, shadow };
        let rising = plan.waves.windows(2).all(|pair| matches!(pair, [lower, higher] if lower < higher));
        let last = plan.waves.last().copied().unwrap_or(0);
        if !rising || last == 0 || plan.waves.first() == Some(&0) || last > plan.targets() {
            return Err(reader.refusal("waves reach more and more of a frozen list of targets"));
        }
        if plan.shadow.is_some() && plan.waves.len() != 1 {
            return Err(reader.refusal("a program runs in shadow in one wave"));
        }
        reader.end()?;
        Ok(plan)
    }
}
