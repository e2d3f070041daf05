//! Numbers, shares and bits.

use swarm_bytecode::cost::NativeWork;
use swarm_bytecode::numeric;

use super::{Call, Given};
use crate::machine::Pause;
use crate::slot;

pub(super) fn absolute(call: &mut Call<'_, '_>) -> Given {
    if call.is_float(0) {
        return call.plain_float(call.float(0).abs());
    }
    let value = numeric::absolute(call.word(0)).map_err(Pause::Trap)?;
    call.plain_word(value)
}

/// Whether the second number is less than the first.
fn descends(call: &Call<'_, '_>, first: usize, second: usize) -> bool {
    if call.is_float(first) {
        call.float(second) < call.float(first)
    } else {
        call.word(second) < call.word(first)
    }
}

pub(super) fn minimum(call: &mut Call<'_, '_>) -> Given {
    let least = usize::from(descends(call, 0, 1));
    call.plain(call.slot(least))
}

pub(super) fn maximum(call: &mut Call<'_, '_>) -> Given {
    let greatest = usize::from(!descends(call, 0, 1));
    call.plain(call.slot(greatest))
}

pub(super) fn clamp(call: &mut Call<'_, '_>) -> Given {
    let (value, low, high) = (0, 1, 2);
    let cut = if descends(call, value, high) { high } else { value };
    let cut = if descends(call, low, cut) { low } else { cut };
    call.plain(call.slot(cut))
}

pub(super) fn round(call: &mut Call<'_, '_>) -> Given {
    let value = numeric::round(call.float(0)).map_err(Pause::Trap)?;
    call.plain_word(value)
}

pub(super) fn floor(call: &mut Call<'_, '_>) -> Given {
    let value = numeric::floor(call.float(0)).map_err(Pause::Trap)?;
    call.plain_word(value)
}

pub(super) fn ceiling(call: &mut Call<'_, '_>) -> Given {
    let value = numeric::ceiling(call.float(0)).map_err(Pause::Trap)?;
    call.plain_word(value)
}

pub(super) fn to_float(call: &mut Call<'_, '_>) -> Given {
    call.plain_float(numeric::int_to_float(call.word(0)))
}

pub(super) fn square_root(call: &mut Call<'_, '_>) -> Given {
    let value = numeric::square_root(call.float(0)).map_err(Pause::Trap)?;
    call.plain_float(value)
}

pub(super) fn near(call: &mut Call<'_, '_>) -> Given {
    let near = numeric::near(call.float(0), call.float(1), call.word(2));
    call.plain(u64::from(near))
}

pub(super) fn ratio(call: &mut Call<'_, '_>) -> Given {
    let ratio = if call.is_float(0) {
        let (part, whole) = (call.float(0), call.float(1));
        if whole == 0.0 { None } else { Some(numeric::divide_float(part, whole)) }
    } else {
        let (part, whole) = (call.word(0), call.word(1));
        if whole == 0 { None } else { Some(numeric::ratio(part, whole)) }
    };
    let ratio = ratio.transpose().map_err(Pause::Trap)?;
    call.optional(ratio.map(slot::from_float), NativeWork::default(), false)
}

pub(super) fn percent_of(call: &mut Call<'_, '_>) -> Given {
    let share = if call.is_float(0) {
        numeric::percent_of_float(call.float(0), call.float(1))
    } else {
        numeric::percent_of(call.word(0), call.word(1))
    };
    call.plain_word(share.map_err(Pause::Trap)?)
}
