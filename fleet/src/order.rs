//! Orders: what is to run, where, under which limits, and until when. The order's bytes are what publishers sign.
//!
//! ```text
//! order    = "SWRO" version id fleet revision name program-version digest module replaces
//!            targets limits not-before not-after emergency
//! revision = epoch counter                         module, replaces = 0, or 1 and what it is
//! targets  = 0, or 1 and labels, or 2 and how many names and their digest
//! ```
//!
//! Numbers are LEB128 in shortest form, names and modules stand behind their length, times are eight bytes,
//! little-endian. There is one way to write each order, so `encode(decode(bytes)) == bytes`.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};

use crate::codec::{Reader, Writer};
use crate::name::Name;
use crate::refusal::{Cause, Refusal};

/// First bytes of every order.
pub const MAGIC: [u8; 4] = *b"SWRO";

/// Version of the format.
const VERSION: u8 = 1;

/// Most bytes of a module in an order.
pub const MAX_MODULE: usize = swarm_bytecode::codec::limits::MODULE_BYTES;

/// Most labels targets may name.
pub const MAX_LABELS: usize = 16;

/// Most agents in a frozen list.
pub const MAX_NAMES: u64 = 1 << 24;

/// SHA-256 of something.
pub type Sha256Digest = [u8; 32];

/// An order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// Names the order; the same over waves, rollback and resume, so that what is done once stays done once.
    pub id: [u8; 16],
    /// The fleet it is for.
    pub fleet: Name,
    /// Which desired state this is. It only rises, also when the program's version falls.
    pub revision: Revision,
    /// The program's name.
    pub name: Name,
    /// The author's version of the program.
    pub version: u32,
    /// SHA-256 of the stripped module: the program itself.
    pub digest: Sha256Digest,
    /// The module; without it agents fetch it by its digest.
    pub module: Option<Vec<u8>>,
    /// The order is a rollback: of the program with this digest. Only then may the version fall.
    pub replaces: Option<Sha256Digest>,
    /// Which agents it is for.
    pub targets: Targets,
    /// What each agent's run may use at most.
    pub limits: Limits,
    /// When it begins, in nanoseconds since the Unix epoch.
    pub not_before: i64,
    /// When it ends, in nanoseconds since the Unix epoch.
    pub not_after: i64,
    /// An emergency: keys that have run out get no grace.
    pub emergency: bool,
}

/// A place in the order of desired states: a later epoch is above every counter of an earlier one. 0.0 is below
/// everything an agent accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Revision {
    /// Rises when another injector takes over.
    pub epoch: u64,
    /// Rises with every order.
    pub counter: u64,
}

impl fmt::Display for Revision {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}", self.epoch, self.counter)
    }
}

impl FromStr for Revision {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Revision, Self::Err> {
        let read = |digits: &str| {
            let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
            digits.parse().ok().filter(|_| plain)
        };
        let (epoch, counter) = text.split_once('.').ok_or("a revision is EPOCH.COUNTER, such as 1.42")?;
        match (read(epoch), read(counter)) {
            (Some(epoch), Some(counter)) => Ok(Revision { epoch, counter }),
            _ => Err("a revision is EPOCH.COUNTER, such as 1.42"),
        }
    }
}

/// Which agents an order is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Targets {
    /// Every agent of the fleet.
    All,
    /// Agents that have all these labels.
    Labels(BTreeMap<Name, Name>),
    /// Agents by name, in a list that travels beside the order.
    Frozen {
        /// How many names the list has.
        count: u64,
        /// What [`frozen_digest`] gives for it.
        digest: Sha256Digest,
    },
}

impl Targets {
    /// Freezes a list of agents. Order and repetition do not matter.
    pub fn freeze(names: impl IntoIterator<Item = Name>) -> Targets {
        let mut names: Vec<Name> = names.into_iter().collect();
        names.sort_unstable();
        names.dedup();
        Targets::Frozen {
            count: u64::try_from(names.len()).unwrap_or(u64::MAX),
            digest: frozen_digest(&names),
        }
    }
}

/// The digest of a list of names, each with its length, in the order given: [`Targets::freeze`] sorts them.
pub fn frozen_digest(names: &[Name]) -> Sha256Digest {
    let mut writer = Writer::default();
    writer.raw(b"swarm.targets.v1");
    writer.count(names.len());
    for name in names {
        writer.name(name);
    }
    Sha256::digest(&writer.bytes).into()
}

/// What a run may use at most; the agent's own limits hold beside these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Limits {
    /// Fuel.
    pub fuel: Option<u64>,
    /// Logical bytes of memory.
    pub memory_bytes: Option<u64>,
    /// Nanoseconds.
    pub deadline_ns: Option<u64>,
    /// Micro-dollars.
    pub money: Option<u64>,
    /// Tokens.
    pub tokens: Option<u64>,
}

impl Limits {
    fn fields(self) -> [Option<u64>; 5] {
        [self.fuel, self.memory_bytes, self.deadline_ns, self.money, self.tokens]
    }
}

impl Order {
    /// The order in bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.raw(&MAGIC);
        writer.byte(VERSION);
        writer.raw(&self.id);
        writer.name(&self.fleet);
        writer.unsigned(self.revision.epoch);
        writer.unsigned(self.revision.counter);
        writer.name(&self.name);
        writer.unsigned(u64::from(self.version));
        writer.raw(&self.digest);
        writer.byte(u8::from(self.module.is_some()));
        if let Some(module) = &self.module {
            writer.blob(module);
        }
        writer.byte(u8::from(self.replaces.is_some()));
        if let Some(digest) = &self.replaces {
            writer.raw(digest);
        }
        write_targets(&mut writer, &self.targets);
        for limit in self.limits.fields() {
            writer.byte(u8::from(limit.is_some()));
            if let Some(limit) = limit {
                writer.unsigned(limit);
            }
        }
        writer.word(self.not_before);
        writer.word(self.not_after);
        writer.byte(u8::from(self.emergency));
        writer.bytes
    }

    /// Reads an order.
    ///
    /// # Errors
    /// [`Cause::NoOrder`] where the bytes are not the one form of an order.
    pub fn decode(bytes: &[u8]) -> Result<Order, Refusal> {
        let mut reader = Reader::new(bytes, Cause::NoOrder);
        reader.expect(&MAGIC, "an order begins with `SWRO`")?;
        reader.expect(&[VERSION], "version 1 is known here")?;
        let order = Order {
            id: reader.array()?,
            fleet: reader.name()?,
            revision: Revision { epoch: reader.unsigned(u64::MAX)?, counter: reader.unsigned(u64::MAX)? },
            name: reader.name()?,
            version: u32::try_from(reader.unsigned(u64::from(u32::MAX))?).unwrap_or(u32::MAX),
            digest: reader.array()?,
            module: if reader.flag()? { Some(reader.blob(MAX_MODULE)?.to_vec()) } else { None },
            replaces: if reader.flag()? { Some(reader.array()?) } else { None },
            targets: read_targets(&mut reader)?,
            limits: Limits {
                fuel: read_limit(&mut reader)?,
                memory_bytes: read_limit(&mut reader)?,
                deadline_ns: read_limit(&mut reader)?,
                money: read_limit(&mut reader)?,
                tokens: read_limit(&mut reader)?,
            },
            not_before: reader.word()?,
            not_after: reader.word()?,
            emergency: reader.flag()?,
        };
        if order.not_after <= order.not_before {
            return Err(reader.refusal("the order ends before it begins"));
        }
        reader.end()?;
        Ok(order)
    }
}

fn write_targets(writer: &mut Writer, targets: &Targets) {
    match targets {
        Targets::All => writer.byte(0),
        Targets::Labels(labels) => {
            writer.byte(1);
            writer.count(labels.len());
            for (label, value) in labels {
                writer.name(label);
                writer.name(value);
            }
        }
        Targets::Frozen { count, digest } => {
            writer.byte(2);
            writer.unsigned(*count);
            writer.raw(digest);
        }
    }
}

fn read_targets(reader: &mut Reader<'_>) -> Result<Targets, Refusal> {
    match reader.byte()? {
        0 => Ok(Targets::All),
        1 => {
            let count = reader.count(MAX_LABELS, 4)?;
            let mut labels = BTreeMap::new();
            for _ in 0..count {
                let (label, value) = (reader.name()?, reader.name()?);
                if labels.last_key_value().is_some_and(|(last, _)| *last >= label) {
                    return Err(reader.refusal("labels stand ascending, none twice"));
                }
                labels.insert(label, value);
            }
            if labels.is_empty() {
                return Err(reader.refusal("no label at all is written as all agents"));
            }
            Ok(Targets::Labels(labels))
        }
        2 => Ok(Targets::Frozen { count: reader.unsigned(MAX_NAMES)?, digest: reader.array()? }),
        _ => Err(reader.refusal("targets are of kind 0, 1 or 2")),
    }
}

fn read_limit(reader: &mut Reader<'_>) -> Result<Option<u64>, Refusal> {
    if reader.flag()? { reader.unsigned(u64::MAX).map(Some) } else { Ok(None) }
}
