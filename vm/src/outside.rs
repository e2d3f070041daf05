//! What the interpreter asks of the world without leaving its loop.

use crate::heap::Heap;
use crate::machine::MemoryMeter;
use crate::scope::Window;

/// A host call about to be made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HostOp {
    pub(crate) site: u32,
    pub(crate) pc: usize,
    /// Fuel to the mark once the op's static cost is paid.
    pub(crate) left: i64,
}

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
    fn host_call(&mut self, op: HostOp, window: &Window, heap: &mut Heap, memory: &mut MemoryMeter) -> Reply;
    /// Looks at the clock. False if there is no time left, or it is up to the driver.
    fn look_at_clock(&mut self) -> bool {
        false
    }
    /// The mark was moved, in total fuel used.
    fn mark_moved(&mut self, _mark: i64) {}
}

impl<T: Outside + ?Sized> Outside for &mut T {
    fn host_call(&mut self, op: HostOp, window: &Window, heap: &mut Heap, memory: &mut MemoryMeter) -> Reply {
        (**self).host_call(op, window, heap, memory)
    }

    fn look_at_clock(&mut self) -> bool {
        (**self).look_at_clock()
    }

    fn mark_moved(&mut self, mark: i64) {
        (**self).mark_moved(mark);
    }
}

/// Leaves every call to the driver.
pub(crate) struct Apart;

impl Outside for Apart {
    fn host_call(&mut self, _: HostOp, _: &Window, _: &mut Heap, _: &mut MemoryMeter) -> Reply {
        Reply::Declined
    }
}
