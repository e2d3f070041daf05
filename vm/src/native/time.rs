//! Parts of a point in time, in UTC, and durations.

use swarm_bytecode::numeric;
use swarm_bytecode::quantity::Calendar;

use super::{Call, Given};

pub(super) fn part(call: &mut Call<'_, '_>, of: impl Fn(Calendar) -> i64) -> Given {
    call.plain_word(of(Calendar::of(call.word(0))))
}

pub(super) fn seconds(call: &mut Call<'_, '_>) -> Given {
    call.plain_float(numeric::seconds(call.word(0)))
}
