//! Swarm's second tier: verified bytecode as WebAssembly, compiled by wasmtime, metered like the interpreter.
//!
//! Compiled code counts the same fuel on the same edges. What it does not do itself it leaves to the
//! interpreter, op by op or for good, so results, actions, fuel, traps and their places are the
//! interpreter's. `docs/jit.md` says how.
//!
//! ```
//! use std::sync::Arc;
//! use swarm_jit::Jit;
//! use swarm_vm::{Grants, Host, Inputs, Instance, Limits, Program};
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # use swarm_bytecode::{module::{Function, Module}, op::Op};
//! # let mut module = Module::empty();
//! # module.functions.push(Function { registers: vec![], parameters: 0, result: None, code: vec![Op::Return {}] });
//! # let bytes = module.encode();
//! let jit = Arc::new(Jit::new()?); // for any number of programs and instances
//! let program = Program::load(&bytes)?;
//! let (inputs, mut host) = (Inputs::new(&program), Host::new());
//! let run = Instance::new(&program, &inputs, Limits::default(), &Grants::none(), &host)?;
//! let report = run.tier(jit).run(&mut host).report().ok_or("not over yet")?;
//! assert_eq!(report.outcome.name(), "done");
//! # Ok(())
//! # }
//! ```

mod balance;
mod body;
mod layout;
mod module;
mod ranges;
mod session;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fmt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use swarm_bytecode::op::Op;
use swarm_vm::Program;
use swarm_vm::tier::{OpAt, PassRows, Tier, Work};
use wasmtime::{Cache, CacheConfig, Config, Engine, Linker, OptLevel};

use balance::Balance;
use layout::STACK;
use module::Translation;
use session::{Handles, Session};

/// When compiled code takes the interpreter's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum When {
    /// At once.
    Always,
    /// Once an activation has used much fuel.
    Hot,
}

/// Compiles programs and runs them. One serves any number of programs, instances and threads.
pub struct Jit {
    engine: Engine,
    linker: Linker<Handles>,
    when: When,
    metered: bool,
    programs: Mutex<HashMap<[u8; 32], Arc<Known>>>,
    marks: Marks,
}

/// What [`Tier::is_ready`] found, so that asking again, at each call that comes back to the driver, costs
/// next to nothing: one mark for all programs whose digests begin alike, with the rest of the last one's.
struct Marks([AtomicU64; 64]);

/// What a mark says of a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    /// Nothing.
    None = 0,
    /// Its code is there, and worth it.
    Compiled = 1,
    /// It stays with the interpreter.
    GivenUp = 2,
}

impl Marks {
    fn new() -> Marks {
        Marks(std::array::from_fn(|_| AtomicU64::new(0)))
    }

    /// The mark's place and what the mark of this program looks like.
    fn place(&self, digest: [u8; 32]) -> Option<(&AtomicU64, u64)> {
        let [first, rest @ ..] = digest.first_chunk::<9>()?;
        let own = u64::from_le_bytes(*rest) & !3;
        self.0.get(usize::from(first & 63)).map(|mark| (mark, own))
    }

    fn get(&self, digest: [u8; 32]) -> Mark {
        match self.place(digest) {
            Some((mark, own)) if mark.load(Ordering::Relaxed) == own | Mark::Compiled as u64 => {
                Mark::Compiled
            }
            Some((mark, own)) if mark.load(Ordering::Relaxed) == own | Mark::GivenUp as u64 => Mark::GivenUp,
            _ => Mark::None,
        }
    }

    fn set(&self, digest: [u8; 32], mark: Mark) {
        if let Some((place, own)) = self.place(digest) {
            place.store(own | mark as u64, Ordering::Relaxed);
        }
    }
}

/// What is known of a program.
#[derive(Default)]
struct Known {
    /// Nothing if it cannot be compiled.
    compiled: OnceLock<Option<Compiled>>,
    /// Whether somebody compiles it.
    begun: AtomicBool,
    idle: Mutex<Vec<Session>>,
    balance: Balance,
}

struct Compiled {
    module: wasmtime::Module,
    places: layout::Places,
    filters: Arc<[PassRows]>,
}

/// What a [`Jit`] has found out about a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// Nothing yet: it is not compiled, or was not long in compiled code.
    Open,
    /// It runs in compiled code.
    Compiled,
    /// It stays with the interpreter: it cannot be compiled, or is not worth it.
    Interpreter,
}

/// Why there is no second tier.
#[derive(Debug)]
pub struct JitError(wasmtime::Error);

impl fmt::Display for JitError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:#}", self.0)
    }
}

impl std::error::Error for JitError {}

impl fmt::Debug for Jit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Jit").field("when", &self.when).field("metered", &self.metered).finish()
    }
}

/// Fuel of an activation after which its program is compiled.
const HOT: u64 = 1_000_000;
/// Fuel of an activation after which compiled code takes over.
const WARM: u64 = 50_000;

/// Programs that are kept compiled; with one more, all are forgotten.
const MOST_PROGRAMS: usize = 256;

impl Jit {
    /// Compiles each program when it first runs.
    ///
    /// # Errors
    /// This machine is none that wasmtime compiles for.
    pub fn new() -> Result<Jit, JitError> {
        Jit::with(None).map_err(JitError)
    }

    /// As [`Jit::new`], and keeps compiled code in a directory, by what it was made from.
    ///
    /// # Errors
    /// As there; or the directory is of no use.
    pub fn cached(directory: &Path) -> Result<Jit, JitError> {
        Jit::with(Some(directory)).map_err(JitError)
    }

    fn with(cache: Option<&Path>) -> wasmtime::Result<Jit> {
        let mut config = Config::new();
        config.cranelift_opt_level(OptLevel::Speed);
        config.wasm_wide_arithmetic(true);
        config.wasm_branch_hinting(true);
        config.max_wasm_stack(STACK);
        if let Some(directory) = cache {
            let mut settings = CacheConfig::new();
            settings.with_directory(directory);
            config.cache(Some(Cache::new(settings)?));
        }
        let engine = Engine::new(&config)?;
        let mut linker = Linker::new(&engine);
        session::link(&mut linker)?;
        Ok(Jit {
            engine,
            linker,
            when: When::Always,
            metered: true,
            programs: Mutex::default(),
            marks: Marks::new(),
        })
    }

    /// Leaves a program to the interpreter until it has used so much fuel that compiling it may pay, compiles
    /// beside the run, and gives up on programs that call their host more than they compute.
    #[must_use]
    pub fn when_hot(mut self) -> Jit {
        self.when = When::Hot;
        self
    }

    /// Counts no fuel: to measure what counting costs. Such a run has no limit of fuel, and its fuel says
    /// nothing.
    #[must_use]
    pub fn unmetered(mut self) -> Jit {
        self.metered = false;
        self
    }

    /// What was found out about a program so far. With [`Jit::when_hot`] what is left to the interpreter
    /// stays there, as long as no more than 256 programs are known.
    pub fn choice(&self, program: &Program) -> Choice {
        let known = self.known(program);
        match known.compiled.get() {
            None => Choice::Open,
            Some(None) => Choice::Interpreter,
            Some(Some(_)) if self.when == When::Always => Choice::Compiled,
            Some(Some(_)) => known.balance.choice(),
        }
    }

    fn known(&self, program: &Program) -> Arc<Known> {
        let mut programs = self.programs.lock().unwrap_or_else(PoisonError::into_inner);
        // Each instance that is kept reserves gigabytes of addresses.
        if programs.len() >= MOST_PROGRAMS && !programs.contains_key(&program.digest()) {
            programs.clear();
        }
        Arc::clone(programs.entry(program.digest()).or_default())
    }
}

fn compile(engine: &Engine, program: &Program, metered: bool) -> Option<Compiled> {
    let Translation { bytes, places } = module::translate(program, metered)?;
    let module = wasmtime::Module::new(engine, &bytes).ok()?;
    Some(Compiled { module, places, filters: program.pass_rows().into() })
}

impl Known {
    /// Has a thread of its own compile the program, once.
    fn compile_beside(self: &Arc<Known>, engine: &Engine, program: &Program, metered: bool) {
        if self.begun.swap(true, Ordering::Relaxed) {
            return;
        }
        let (known, engine, program) = (Arc::clone(self), engine.clone(), program.clone());
        let thread = std::thread::Builder::new().name("swarm-jit".to_owned());
        // Without a thread the program stays with the interpreter.
        drop(thread.spawn(move || {
            known.compiled.get_or_init(|| compile(&engine, &program, metered));
        }));
    }
}

/// The program as WebAssembly, as bytes.
pub fn to_wasm(program: &Program) -> Option<Vec<u8>> {
    module::translate(program, true).map(|translation| translation.bytes)
}

/// The program as WebAssembly, as text.
pub fn to_wat(program: &Program) -> Option<String> {
    wasmprinter::print_bytes(to_wasm(program)?).ok()
}

/// How a function is entered at an op: 0 for its start, else the op's number and 1.
fn enters(program: &Program, at: OpAt) -> Option<i32> {
    if at.op == 0 {
        return Some(0);
    }
    let code = &program.module().functions.get(usize::from(at.function))?.code;
    let op = usize::try_from(at.op).ok()?;
    let before = code.iter().take(op).rev().find(|op| !matches!(op, Op::Block {} | Op::End {}));
    let behind_call = matches!(before, Some(Op::Call { .. } | Op::CallValue { .. }));
    let point =
        matches!(code.get(op)?, Op::Repeat {} | Op::Advance {} | Op::Call { .. } | Op::CallValue { .. });
    let point = point || body::ends_round(code, op);
    (point || behind_call).then(|| i32::try_from(at.op).ok()?.checked_add(1))?
}

impl Tier for Jit {
    fn is_ready(&self, program: &Program, fuel_used: u64) -> bool {
        if self.when == When::Always {
            return true;
        }
        if fuel_used < WARM {
            return false;
        }
        let mark = self.marks.get(program.digest());
        if mark == Mark::GivenUp || (mark == Mark::None && fuel_used < HOT) {
            return false;
        }
        let known = self.known(program);
        let Some(compiled) = known.compiled.get() else {
            known.compile_beside(&self.engine, program, self.metered);
            return false;
        };
        let is_good = compiled.is_some() && known.balance.choice() != Choice::Interpreter;
        self.marks.set(program.digest(), if is_good { Mark::Compiled } else { Mark::GivenUp });
        is_good
    }

    fn run(&self, work: &mut Work<'_>) {
        let program = work.program().clone();
        let Some(op) = work.at() else { return };
        if enters(&program, op).is_none() || work.only_calls() {
            return;
        }
        let known = self.known(&program);
        let compiled = known.compiled.get_or_init(|| compile(&self.engine, &program, self.metered));
        let Some(compiled) = compiled else { return };
        let idle = known.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let session = match idle {
            Some(session) => Ok(session),
            None => {
                let functions = program.module().functions.len();
                Session::new(&self.linker, compiled, functions, self.metered)
            }
        };
        let Ok(mut session) = session else { return };
        let before = work.fuel_used();
        let balance = (self.when == When::Hot).then_some(&known.balance);
        let visit = session.run(work, balance, |op| enters(&program, op));
        let fuel = work.fuel_used().saturating_sub(before);
        known.balance.add(fuel, visit);
        known.idle.lock().unwrap_or_else(PoisonError::into_inner).push(session);
    }
}
