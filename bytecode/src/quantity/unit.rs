//! The unit table: every unit a literal may carry.

use crate::types::{Dimension, TypeId};

/// One unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unit {
    /// How it is written; case matters.
    pub text: &'static str,
    /// The quantity it measures.
    pub ty: TypeId,
    /// How many carrier units it is: nanoseconds, bytes, bit/s, micro-dollars, tokens, parts per million.
    pub scale: i64,
    /// Whether values are printed in it.
    pub printed: bool,
}

const fn unit(text: &'static str, ty: TypeId, scale: i64, printed: bool) -> Unit {
    Unit { text, ty, scale, printed }
}

/// All units, those of one type together, ascending.
pub static UNITS: &[Unit] = &[
    unit("ns", TypeId::DURATION, 1, true),
    unit("us", TypeId::DURATION, 1_000, true),
    unit("ms", TypeId::DURATION, 1_000_000, true),
    unit("s", TypeId::DURATION, 1_000_000_000, true),
    unit("min", TypeId::DURATION, 60_000_000_000, true),
    unit("h", TypeId::DURATION, 3_600_000_000_000, true),
    unit("d", TypeId::DURATION, 86_400_000_000_000, true),
    unit("B", TypeId::BYTES, 1, true),
    unit("KB", TypeId::BYTES, 1_000, true),
    unit("kB", TypeId::BYTES, 1_000, false),
    unit("KiB", TypeId::BYTES, 1 << 10, false),
    unit("MB", TypeId::BYTES, 1_000_000, true),
    unit("MiB", TypeId::BYTES, 1 << 20, false),
    unit("GB", TypeId::BYTES, 1_000_000_000, true),
    unit("GiB", TypeId::BYTES, 1 << 30, false),
    unit("TB", TypeId::BYTES, 1_000_000_000_000, true),
    unit("TiB", TypeId::BYTES, 1 << 40, false),
    unit("bps", TypeId::BANDWIDTH, 1, true),
    unit("Kbps", TypeId::BANDWIDTH, 1_000, true),
    unit("kbps", TypeId::BANDWIDTH, 1_000, false),
    unit("Mbps", TypeId::BANDWIDTH, 1_000_000, true),
    unit("Gbps", TypeId::BANDWIDTH, 1_000_000_000, true),
    unit("Tbps", TypeId::BANDWIDTH, 1_000_000_000_000, true),
    unit("USD", TypeId::MONEY, 1_000_000, false),
    unit("token", TypeId::TOKENS, 1, false),
    unit("tokens", TypeId::TOKENS, 1, true),
    unit("%", TypeId::PERCENT, 10_000, false),
];

/// What a bare number of host data mostly counts, if it is of this type.
pub const fn usual_unit(ty: TypeId) -> Option<&'static str> {
    match ty {
        TypeId::DURATION => Some("ms"),
        TypeId::BYTES => Some("B"),
        TypeId::BANDWIDTH => Some("bps"),
        TypeId::MONEY => Some("USD"),
        TypeId::TOKENS => Some("tokens"),
        _ => None,
    }
}

/// What people write for a unit, and the unit. Looked up before a match that ignores case.
static ALIASES: &[(&str, &str)] = &[
    ("m", "min"),
    ("M", "min"),
    ("sec", "s"),
    ("secs", "s"),
    ("second", "s"),
    ("seconds", "s"),
    ("mins", "min"),
    ("minute", "min"),
    ("minutes", "min"),
    ("hr", "h"),
    ("hrs", "h"),
    ("hour", "h"),
    ("hours", "h"),
    ("day", "d"),
    ("days", "d"),
    ("msec", "ms"),
    ("millis", "ms"),
    ("milliseconds", "ms"),
    ("usec", "us"),
    ("µs", "us"),
    ("μs", "us"),
    ("micros", "us"),
    ("nanos", "ns"),
    ("nsec", "ns"),
    ("byte", "B"),
    ("bytes", "B"),
    ("b", "B"),
    ("k", "KB"),
    ("K", "KB"),
    ("g", "GB"),
    ("G", "GB"),
    ("T", "TB"),
    ("kib", "KiB"),
    ("MBps", "MB/s"),
    ("GBps", "GB/s"),
    ("KBps", "KB/s"),
    ("mbit", "Mbps"),
    ("Mbit", "Mbps"),
    ("gbit", "Gbps"),
    ("Gbit", "Gbps"),
    ("kbit", "Kbps"),
    ("bit", "bps"),
    ("dollar", "USD"),
    ("dollars", "USD"),
    ("tok", "tokens"),
    ("percent", "%"),
    ("pct", "%"),
];

/// The unit written like this.
pub fn find(text: &str) -> Option<&'static Unit> {
    UNITS.iter().find(|unit| unit.text == text)
}

/// The unit that was probably meant by a word that is none.
pub fn suggest(word: &str) -> Option<&'static str> {
    let alias = ALIASES.iter().find(|(text, _)| *text == word).map(|(_, unit)| *unit);
    let same = || {
        let printed = UNITS.iter().filter(|unit| unit.text.eq_ignore_ascii_case(word));
        printed.max_by_key(|unit| unit.printed).map(|unit| unit.text)
    };
    let loose = || ALIASES.iter().find(|(text, _)| text.eq_ignore_ascii_case(word)).map(|(_, unit)| *unit);
    alias.or_else(same).or_else(loose)
}

/// The dimension of a named quantity; [`Dimension::NONE`] for numbers, percents and everything without one.
pub fn dimension(ty: TypeId) -> Dimension {
    let none = Dimension::NONE;
    match ty {
        TypeId::DURATION => Dimension { time: 1, ..none },
        TypeId::BYTES => Dimension { data: 1, ..none },
        TypeId::BANDWIDTH => Dimension { data: 1, time: -1, ..none },
        TypeId::MONEY => Dimension { money: 1, ..none },
        TypeId::TOKENS => Dimension { tokens: 1, ..none },
        _ => none,
    }
}

/// The named, integer-carried quantity of a dimension, if it has one.
pub fn named(dimension: Dimension) -> Option<TypeId> {
    let none = Dimension::NONE;
    let named = [TypeId::DURATION, TypeId::BYTES, TypeId::BANDWIDTH, TypeId::MONEY, TypeId::TOKENS];
    named.into_iter().find(|&ty| dimension != none && self::dimension(ty) == dimension)
}
