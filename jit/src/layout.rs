//! Where things lie in the linear memories that compiled code works on.
//!
//! Memory 0 is for what passes between compiled code and its helpers, and for columns of host tables. Memory
//! 1 is a copy of the run's arena, word for word.

/// The op that a single step led to.
pub(crate) const NEXT: u64 = 0;
/// The number of items of the list that was looked at last.
pub(crate) const LENGTH: u64 = 8;
/// What a function gave that was entered from outside.
pub(crate) const VALUE: u64 = 16;
/// `F` where a run left by itself.
pub(crate) const FUEL: u64 = 24;
/// How many actions compiled code has noted.
pub(crate) const NOTED: u64 = 32;
/// Whether loops over rows whose conditions only call the host are left to the interpreter.
pub(crate) const LEAVES: u64 = 40;
/// Bytes of such a note: see [`swarm_vm::tier::Note`].
pub(crate) const NOTE_BYTES: u64 = size_of::<swarm_vm::tier::Note>() as u64;
/// Most notes.
pub(crate) const MOST_NOTES: u64 = 256;
/// The global with the place behind the frames that left.
pub(crate) const TOP: u32 = 0;
/// The global with what frames may take without asking, in bytes as [`FRAME`] counts them.
pub(crate) const CALM: u32 = 1;
/// Registers of the function to be entered.
pub(crate) const REGISTERS: u64 = 2048;
/// Operands of a single step.
pub(crate) const SCRATCH: u64 = 4096;
/// Inputs, then context values.
pub(crate) const GIVEN: u64 = 8192;
/// Bytes of arena for which there is one mark.
pub(crate) const PAGE_BITS: u32 = 12;
/// Fields of the rows that a loop goes through before it asks for rows to pass over: a column of so many
/// bytes each.
pub(crate) const NEAR_BYTES: u64 = 1 << 10;
/// Most such columns.
pub(crate) const MOST_NEAR: usize = 16;
/// Most bytes of arena.
pub(crate) const MAX_ARENA: u64 = 1 << 30;
/// Words below the arena's first: an object's offset is never less.
pub(crate) const ZEROS: u64 = 300;
/// `F` of a run that left compiled code: no region is paid to below 0.
pub(crate) const LEFT: i64 = i64::MIN;
/// What a call gives whose function had no room: [`FUEL`] has the `F` it was called with.
pub(crate) const REFUSED: i64 = LEFT + 1;
/// What frames hold is one number: their bytes in units of this, and how many they are.
pub(crate) const FRAME: i64 = 1 << 12;
/// Bytes of stack for compiled code.
pub(crate) const STACK: usize = 1 << 20;

/// What depends on the program.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Places {
    /// First context value.
    pub(crate) contexts: u64,
    /// The frames of a run that leaves: function, op, registers; the innermost first.
    pub(crate) log: u64,
    /// Marks of pages of the arena that were written.
    pub(crate) marks: u64,
    /// Fields of the rows that are gone through now.
    pub(crate) near: u64,
    /// Actions noted.
    pub(crate) notes: u64,
    /// For each site of a host call how many actions may be noted before somebody has to be asked.
    pub(crate) allowed: u64,
    /// How many sites there are.
    pub(crate) sites: u32,
    /// Columns of host tables.
    pub(crate) columns: u64,
    /// Most frames at once.
    pub(crate) frames: u64,
    /// Bytes of the smallest frame of a function that is called.
    pub(crate) frame_bytes: u64,
    /// Whether functions call each other, so that somebody asks what frames may take.
    pub(crate) calls: bool,
}

impl Places {
    /// For so many inputs and context values, sites of host calls, and functions of at most so many
    /// registers, of which those that are called have at least `smallest`.
    pub(crate) fn new(
        (inputs, contexts): (usize, usize),
        sites: u32,
        registers: usize,
        smallest: Option<usize>,
    ) -> Places {
        let words = |count: usize| u64::try_from(count).unwrap_or(0).saturating_mul(8);
        let registers = words(registers);
        // What a frame may take of the stack: each register and each of the values at work, spilled, and what
        // the call itself needs.
        let frame = registers.saturating_mul(3).saturating_add(512);
        let stack = u64::try_from(STACK).unwrap_or(0) >> 1;
        let frames = stack.checked_div(frame).unwrap_or(1).max(1);
        let contexts = words(contexts);
        let at_contexts = GIVEN.saturating_add(words(inputs));
        let log = at_contexts.saturating_add(contexts);
        let entries = frames.saturating_add(2).saturating_mul(registers.saturating_add(16));
        let marks = log.saturating_add(entries);
        let near = marks.saturating_add(MAX_ARENA >> PAGE_BITS).next_multiple_of(64);
        let notes = near.saturating_add(words(MOST_NEAR).saturating_mul(NEAR_BYTES >> 3));
        let allowed = notes.saturating_add(MOST_NOTES.saturating_mul(NOTE_BYTES));
        let columns = allowed.saturating_add(u64::from(sites).saturating_mul(8)).next_multiple_of(64);
        let calls = smallest.is_some();
        let smallest = u64::try_from(smallest.unwrap_or(0)).unwrap_or(0);
        let frame_bytes = swarm_bytecode::cost::frame_bytes(smallest);
        Places {
            contexts: at_contexts,
            log,
            marks,
            near,
            notes,
            allowed,
            sites,
            columns,
            frames,
            frame_bytes,
            calls,
        }
    }
}
