//! What the interpreter asks of the world without leaving its loop.

use crate::heap::Heap;
use crate::host::Ready;
use crate::interpret::Acting;
use crate::machine::MemoryMeter;
use crate::scope::Window;
use crate::tier::Note;

/// What came of offering a host call to [`Outside`], with the dynamic charge of a call that was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reply {
    /// The call is made and done.
    Done { charge: i64 },
    /// The same, and it is time to look at the clock.
    Look { charge: i64 },
    /// The call is made; the driver has to settle its answer.
    Answered { charge: i64 },
    /// Nothing has happened: it is up to the driver.
    Declined,
}

/// Makes host calls.
pub(crate) trait Outside {
    /// Makes a call if nothing stands against it: no limit, no veto, no cost to compute, no trace to write.
    /// `left` is the fuel to the mark once the op's static cost is paid.
    fn host_call(
        &mut self,
        site: u32,
        left: i64,
        window: &Window,
        heap: &mut Heap,
        memory: &mut MemoryMeter,
    ) -> Reply;
    /// Makes the calls of actions on rows, as long as one follows the other, that stand next. `Done` if all that were
    /// come to are.
    fn act(&mut self, _rows: &mut Acting<'_, '_>, _heap: &mut Heap, _memory: &mut MemoryMeter) -> Reply {
        Reply::Done { charge: 0 }
    }
    /// The same as `host_call`, with the arguments by themselves; none of them becomes shared by that.
    fn call_with(
        &mut self,
        _site: u32,
        _left: i64,
        _arguments: &[u64; Ready::MOST],
        _heap: &mut Heap,
        _memory: &mut MemoryMeter,
    ) -> Reply {
        Reply::Declined
    }
    /// Makes calls that a tier noted, one after the other, as long as they are known to be allowed and need nothing beside the
    /// host: gives how many, which are the first ones.
    fn make_noted(&mut self, _notes: &[Note], _heap: &mut Heap, _memory: &mut MemoryMeter) -> usize {
        0
    }
    /// How many calls of a site can be made a little later than they are issued, one after the other and
    /// whatever else is so, without anything standing against it: they are held for the end, or all that
    /// answers them is "done" and the clock is not looked at. Nothing if such a call has to be made at once.
    fn allows(&self, _site: u32, _memory: &MemoryMeter) -> Option<u64> {
        None
    }
    /// Looks at the clock. False if there is no time left, or it is up to the driver.
    fn look_at_clock(&mut self) -> bool {
        false
    }
    /// Looks at the clock, and gives the mark at the end of the next slice: more than `needed` and no more than `limit`, in
    /// total fuel used. Nothing if there is no time left, or it is up to the driver.
    fn next_slice(&mut self, _needed: i64, _limit: i64) -> Option<i64> {
        None
    }
    /// Whether actions are held for the end.
    fn holds(&self) -> bool {
        false
    }
    /// The mark was moved, in total fuel used.
    fn mark_moved(&mut self, _mark: i64) {}
}

/// Leaves every call to the driver.
pub(crate) struct Apart;

impl Outside for Apart {
    fn host_call(&mut self, _: u32, _: i64, _: &Window, _: &mut Heap, _: &mut MemoryMeter) -> Reply {
        Reply::Declined
    }
}
