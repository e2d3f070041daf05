//! Swarm's second tier: verified bytecode as WebAssembly, compiled by wasmtime, metered like the interpreter.
//!
//! Compiled code counts the same fuel on the same edges. What it does not do itself it leaves to the interpreter, op by
//! op or for good, so results, actions, fuel, traps and their places are the interpreter's. `docs/jit.md` says how.
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

mod body;
mod layout;
mod module;
mod session;

use std::collections::HashMap;
use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use swarm_bytecode::op::Op;
use swarm_vm::Program;
use swarm_vm::tier::{OpAt, Tier, Work};
use wasmtime::{Cache, CacheConfig, Config, Engine, Linker, OptLevel};

use layout::STACK;
use module::Translation;
use session::{Handles, Session};

/// When compiled code takes the interpreter's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum When {
    /// At once.
    Always,
    /// Once a program has used so much fuel.
    Hot(u64),
}

/// Compiles programs and runs them. One serves any number of programs, instances and threads.
pub struct Jit {
    engine: Engine,
    linker: Linker<Handles>,
    when: When,
    metered: bool,
    programs: Mutex<HashMap<[u8; 32], Arc<Known>>>,
}

/// What is known of a program.
struct Known {
    compiled: Option<Compiled>,
    idle: Mutex<Vec<Session>>,
}

struct Compiled {
    module: wasmtime::Module,
    places: layout::Places,
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

/// Fuel after which a program counts as hot: compiling takes about as long as the interpreter takes for it.
const HOT: u64 = 1_000_000;

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
        config.max_wasm_stack(STACK);
        if let Some(directory) = cache {
            let mut settings = CacheConfig::new();
            settings.with_directory(directory);
            config.cache(Some(Cache::new(settings)?));
        }
        let engine = Engine::new(&config)?;
        let mut linker = Linker::new(&engine);
        session::link(&mut linker)?;
        Ok(Jit { engine, linker, when: When::Always, metered: true, programs: Mutex::default() })
    }

    /// Leaves a program to the interpreter until it has used so much fuel that compiling it may pay.
    #[must_use]
    pub fn when_hot(mut self) -> Jit {
        self.when = When::Hot(HOT);
        self
    }

    /// Counts no fuel: to measure what counting costs. Such a run has no limit of fuel, and its fuel says nothing.
    #[must_use]
    pub fn unmetered(mut self) -> Jit {
        self.metered = false;
        self
    }

    fn known(&self, program: &Program) -> Arc<Known> {
        let mut programs = self.programs.lock().unwrap_or_else(PoisonError::into_inner);
        let known = programs.entry(program.digest()).or_insert_with(|| {
            let compiled = self.compile(program);
            Arc::new(Known { compiled, idle: Mutex::default() })
        });
        Arc::clone(known)
    }

    fn compile(&self, program: &Program) -> Option<Compiled> {
        let Translation { bytes, places } = module::translate(program, self.metered)?;
        let module = wasmtime::Module::new(&self.engine, &bytes).ok()?;
        Some(Compiled { module, places })
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
    (point || behind_call).then(|| i32::try_from(at.op).ok()?.checked_add(1))?
}

impl Tier for Jit {
    fn run(&self, work: &mut Work<'_>) {
        let program = work.program().clone();
        if let When::Hot(fuel) = self.when
            && work.fuel_used() < fuel
        {
            return;
        }
        let Some(op) = work.at() else { return };
        if enters(&program, op).is_none() {
            return;
        }
        let known = self.known(&program);
        let Some(compiled) = &known.compiled else { return };
        let idle = known.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let session = match idle {
            Some(session) => Ok(session),
            None => {
                let functions = program.module().functions.len();
                Session::new(&self.linker, &compiled.module, compiled.places, functions)
            }
        };
        let Ok(mut session) = session else { return };
        session.run(work, |op| enters(&program, op));
        known.idle.lock().unwrap_or_else(PoisonError::into_inner).push(session);
    }
}
