//! What a snapshot says, as it is written: plain data in one canonical order. Nothing in it depends on how
//! the machine decodes code, on addresses, on the hash of a map, or on when the clock was looked at.

use wincode::config::{self, Configuration};
use wincode::{SchemaRead, SchemaWrite};

use crate::attached::AttachedImage;
use crate::driver::{Meters, Totals};

/// Most bytes of what a snapshot says: a bound for a format, not a budget. Memory is limited by the run's own
/// limit.
pub(super) const MOST_BYTES: usize = 64 << 20;

/// Everything of a run that is not given again when it is resumed.
#[derive(Debug, PartialEq, SchemaRead, SchemaWrite)]
pub(crate) struct Image {
    pub(crate) settings: SettingsImage,
    pub(crate) phase: PhaseImage,
    pub(crate) machine: MachineImage,
    pub(crate) meters: Meters,
    pub(crate) at_begin: Meters,
    pub(crate) totals: Totals,
    pub(crate) actions: ActionsImage,
    pub(crate) call: CallImage,
    /// The STATE variable whose first value is being computed.
    pub(crate) opening: Option<u16>,
    pub(crate) given: Option<GivenImage>,
    pub(crate) withins: Vec<WithinImage>,
    /// Slots that open `within`s saved.
    pub(crate) saved: Vec<u64>,
    pub(crate) deadline: Option<Until>,
    pub(crate) ending: Option<EndingImage>,
    /// How often each effect that is ONCE was done, by the hash of its place and arguments.
    pub(crate) once: Vec<([u8; 32], u64)>,
    pub(crate) digest: Option<DigestImage>,
    /// Number of the next event of the trace.
    pub(crate) seq: u64,
    pub(crate) graph: Graph,
    pub(crate) attached: AttachedImage,
    pub(crate) course: Option<CourseImage>,
}

/// A time, in nanoseconds from the moment of the snapshot.
pub(crate) type Until = i128;

#[derive(Debug, PartialEq, SchemaRead, SchemaWrite)]
pub(crate) struct SettingsImage {
    pub(crate) fuel: u64,
    pub(crate) memory_bytes: u64,
    pub(crate) call_depth: u32,
    pub(crate) host_calls: u64,
    pub(crate) deadline_ns: u64,
    pub(crate) money: i64,
    pub(crate) tokens: i64,
    pub(crate) collected: bool,
    pub(crate) keep_actions: bool,
    pub(crate) slice: u32,
}

/// Where a run stands still.
#[derive(Debug, PartialEq, SchemaRead, SchemaWrite)]
pub(crate) enum PhaseImage {
    /// The op at hand cannot be paid.
    OutOfFuel,
    /// The answer to the host call at hand is to come.
    Waiting { number: u64, money: i64, tokens: i64, logged: Option<u64> },
    /// The next attempt at the host call at hand comes at this time.
    Sleeping { number: u64, until: Until },
    /// The answer to the first action that is held is to come.
    Applying { number: u64, money: i64, tokens: i64 },
    /// Between two activations.
    Resting,
}

/// A word of the decoded code, by the op it stands for.
#[derive(Debug, Clone, Copy, PartialEq, SchemaRead, SchemaWrite)]
pub(crate) struct Position {
    pub(crate) function: u16,
    pub(crate) op: u32,
    /// Which word of the op: not 0 only where an op leaves a `within` first.
    pub(crate) word: u8,
}

#[derive(Debug, PartialEq, SchemaRead, SchemaWrite)]
pub(crate) struct MachineImage {
    pub(crate) at: Position,
    /// Callers, the outermost first: each where it called.
    pub(crate) callers: Vec<CallerImage>,
    /// Of all frames, the outermost first.
    pub(crate) registers: Vec<u64>,
    pub(crate) states: Vec<u64>,
    pub(crate) metrics: Vec<MetricImage>,
    pub(crate) fuel_used: i64,
    pub(crate) fuel_limit: u64,
    pub(crate) memory_used: u64,
    pub(crate) memory_peak: u64,
    /// The trace has shown the op at hand already.
    pub(crate) seen: bool,
}

#[derive(Debug, PartialEq, SchemaRead, SchemaWrite)]
pub(crate) struct CallerImage {
    pub(crate) at: Position,
    /// It is a host call whose cost is being computed.
    pub(crate) quote: bool,
}

#[derive(Debug, PartialEq, SchemaRead, SchemaWrite)]
pub(crate) enum MetricImage {
    Total(u64),
    Gauge(Option<u64>),
    Distribution { buckets: Vec<(i32, u64)>, least: u64, greatest: u64, words: i128, floats: u64 },
}

#[derive(Debug, PartialEq, SchemaRead, SchemaWrite)]
pub(crate) struct ActionsImage {
    pub(crate) issued: Vec<IssuedImage>,
    /// Arguments of all of them.
    pub(crate) slots: Vec<u64>,
    pub(crate) errors: Vec<(u32, String)>,
    pub(crate) keys: Vec<(u32, [u8; 32])>,
    /// How many were carried out.
    pub(crate) done: u32,
}

#[derive(Debug, PartialEq, SchemaRead, SchemaWrite)]
pub(crate) struct IssuedImage {
    pub(crate) import: u16,
    pub(crate) at: Position,
    pub(crate) money: i64,
    pub(crate) tokens: i64,
    pub(crate) number: u64,
    pub(crate) ordinal: u64,
}

/// How far the host call at hand has come.
#[derive(Debug, PartialEq, SchemaRead, SchemaWrite)]
pub(crate) struct CallImage {
    pub(crate) asks_cost: bool,
    pub(crate) vetoes: u32,
    pub(crate) verdict: Option<(RuleImage, String)>,
    pub(crate) quotes: (Option<i64>, Option<i64>),
    pub(crate) paid: bool,
    pub(crate) counted: bool,
    pub(crate) attempts: u32,
    pub(crate) key: Option<[u8; 32]>,
}

#[derive(Debug, PartialEq, SchemaRead, SchemaWrite)]
pub(crate) enum RuleImage {
    Program(u32),
    Agent,
    Grant,
}

/// STATE as it was when the activation began.
#[derive(Debug, PartialEq, SchemaRead, SchemaWrite)]
pub(crate) struct GivenImage {
    pub(crate) given: Vec<u16>,
    pub(crate) before: Option<(Graph, Vec<u64>)>,
}

#[derive(Debug, PartialEq, SchemaRead, SchemaWrite)]
pub(crate) struct WithinImage {
    pub(crate) within: u32,
    pub(crate) frames: u32,
    pub(crate) deadline: Option<Until>,
    pub(crate) duration: i64,
    /// Budget, and what is reserved or spent of it.
    pub(crate) money: Option<(i64, i64)>,
    pub(crate) tokens: Option<(i64, i64)>,
    pub(crate) first_call: u64,
    pub(crate) first_action: u32,
    pub(crate) saved: u32,
    pub(crate) bytes: u64,
    pub(crate) metrics: Vec<(u16, MetricImage)>,
}

#[derive(Debug, PartialEq, SchemaRead, SchemaWrite)]
pub(crate) struct EndingImage {
    pub(crate) outcome: u8,
    pub(crate) reason: Option<ReasonImage>,
    pub(crate) fuel_used: u64,
    pub(crate) result: Option<u64>,
    pub(crate) dropped: bool,
}

#[derive(Debug, PartialEq, SchemaRead, SchemaWrite)]
pub(crate) struct ReasonImage {
    pub(crate) code: String,
    pub(crate) message: String,
    /// Function and op.
    pub(crate) place: Option<(u16, u32)>,
}

/// The digest of the run so far: the hash of the blocks that are full, and that of the one that is not,
/// unfinished.
#[derive(Debug, PartialEq, SchemaRead, SchemaWrite)]
pub(crate) struct DigestImage {
    pub(crate) chain: [u8; 32],
    /// Bytes of the block so far, and SHA-256's state after them.
    pub(crate) block: Option<(u32, Vec<u8>)>,
}

/// Values of an arena that something refers to.
///
/// A slot of a string of the arena is the number of one of `texts`, from 1; a slot of an object the number of
/// one of `objects`, from 1, which comes before all that refer to it. All other slots are as the machine has
/// them.
#[derive(Debug, Default, PartialEq, SchemaRead, SchemaWrite)]
pub(crate) struct Graph {
    pub(crate) objects: Vec<ObjectImage>,
    /// Offset and length in `text`.
    pub(crate) texts: Vec<(u32, u32)>,
    pub(crate) text: String,
}

#[derive(Debug, PartialEq, SchemaRead, SchemaWrite)]
pub(crate) struct ObjectImage {
    pub(crate) ty: u16,
    /// Slots or entries there is room for.
    pub(crate) room: u32,
    /// A write must copy it first.
    pub(crate) shared: bool,
    /// A map's entries are in the order of their keys.
    pub(crate) sorted: bool,
    pub(crate) slots: Vec<u64>,
}

/// When timers and events of an order are due.
#[derive(Debug, PartialEq, SchemaRead, SchemaWrite)]
pub(crate) struct CourseImage {
    /// Next tick, and how many were skipped.
    pub(crate) timers: Vec<(Until, u64)>,
    /// How many more events its MAX lets through, and how many were dropped.
    pub(crate) handlers: Vec<(Option<u32>, u64)>,
    /// Handler, and arguments as JSON.
    pub(crate) queue: Vec<(u16, Vec<String>)>,
    pub(crate) deadline: Option<Until>,
    pub(crate) over: bool,
    pub(crate) began: Option<Until>,
    pub(crate) latest: Until,
    pub(crate) overflowed: u64,
    /// What the program would read as `now` at the moment of the snapshot.
    pub(crate) program_now: Option<i64>,
}

/// One configuration with another bound of what may be allocated for one list before its items are read.
macro_rules! configuration {
    ($most:expr) => {
        Configuration::default()
            .with_varint_encoding()
            .with_tag_encoding::<u8>()
            .with_preallocation_size_limit::<{ $most }>()
            .with_deserialization_size_limit::<MOST_BYTES>()
    };
}

impl Image {
    /// Appends its canonical bytes; `None` if they are too many.
    pub(crate) fn write(&self, bytes: &mut Vec<u8>) -> Option<()> {
        let start = bytes.len();
        config::serialize_into(&mut *bytes, self, configuration!(MOST_BYTES)).ok()?;
        (bytes.len().saturating_sub(start) <= MOST_BYTES).then_some(())
    }

    /// Reads what [`Image::write`] wrote, to the last byte. What is allocated is bounded by the number of bytes.
    pub(crate) fn read(bytes: &[u8]) -> Option<Image> {
        match bytes.len() {
            0..0x1_0000 => config::deserialize_exact(bytes, configuration!(1 << 18)).ok(),
            0x1_0000..0x10_0000 => config::deserialize_exact(bytes, configuration!(1 << 22)).ok(),
            _ => config::deserialize_exact(bytes, configuration!(MOST_BYTES * 4)).ok(),
        }
    }
}
