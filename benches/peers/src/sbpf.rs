//! The work in the assembly language of solana-sbpf, run by its interpreter with and without its instruction
//! meter. It has no floats, and no maps.

use std::any::Any;
use std::ptr::NonNull;
use std::sync::Arc;

use solana_sbpf::aligned_memory::AlignedMemory;
use solana_sbpf::assembler::assemble;
use solana_sbpf::ebpf;
use solana_sbpf::elf::Executable;
use solana_sbpf::error::StableResult;
use solana_sbpf::memory_region::{MemoryMapping, MemoryRegion};
use solana_sbpf::program::{BuiltinFunctionDefinition, BuiltinProgram, SBPFVersion};
use solana_sbpf::verifier::RequisiteVerifier;
use solana_sbpf::vm::{CallFrame, Config, ContextObject, EbpfVm, ExecutionMode};

use crate::task::{Makes, Run, Runs, Task, Timer, bytes, held, repeated};
use crate::work::{Seen, Work, tasks};
use crate::{Engine, Failure};

/// Two ways to run it.
pub const ENGINES: [Engine; 2] = [
    Engine { name: "sbpf + meter", runs: |task| runs(task, true) },
    Engine { name: "sbpf", runs: |task| runs(task, false) },
];

/// What a program runs in.
struct Context {
    left: u64,
    seen: Seen,
    mapping: MemoryMapping,
}

impl ContextObject for Context {
    fn consume(&mut self, amount: u64) {
        self.left = self.left.saturating_sub(amount);
    }

    fn get_remaining(&self) -> u64 {
        self.left
    }

    fn active_mapping_ptr(&mut self) -> NonNull<MemoryMapping> {
        NonNull::from_mut(&mut self.mapping)
    }
}

struct Throttle;

impl BuiltinFunctionDefinition<Context> for Throttle {
    type Error = Failure;

    fn rust(context: &mut Context, row: u64, by: u64, _: u64, _: u64, _: u64) -> Result<u64, Failure> {
        context.seen.throttle(row as i64, by as i64);
        Ok(0)
    }
}

struct Trim;

impl BuiltinFunctionDefinition<Context> for Trim {
    type Error = Failure;

    fn rust(context: &mut Context, row: u64, by: u64, _: u64, _: u64, _: u64) -> Result<u64, Failure> {
        context.seen.trim(row as i64, by as i64);
        Ok(0)
    }
}

struct Reroute;

impl BuiltinFunctionDefinition<Context> for Reroute {
    type Error = Failure;

    fn rust(context: &mut Context, row: u64, _: u64, _: u64, _: u64, _: u64) -> Result<u64, Failure> {
        context.seen.reroute(row as i64);
        Ok(0)
    }
}

fn text(work: Work) -> Option<&'static str> {
    Some(match work {
        Work::Hostcall => include_str!("../programs/hostcall.sbpf"),
        Work::Fib => include_str!("../programs/fib.sbpf"),
        Work::Sieve => include_str!("../programs/sieve.sbpf"),
        Work::Loop32 => include_str!("../programs/loop32.sbpf"),
        Work::Mandel | Work::Wordcount => return None,
        _ => include_str!("../programs/policy.sbpf"),
    })
}

fn failure(error: impl std::fmt::Debug) -> Failure {
    format!("{error:?}").into()
}

type Loader = Arc<BuiltinProgram<Context>>;

fn loader(metered: bool) -> Result<Loader, Failure> {
    let mut loader = BuiltinProgram::new_loader(Config {
        enable_instruction_meter: metered,
        enabled_sbpf_versions: SBPFVersion::V0..=SBPFVersion::V0,
        ..Config::default()
    });
    loader.register_definition::<Throttle>("host_throttle").map_err(failure)?;
    loader.register_definition::<Trim>("host_trim").map_err(failure)?;
    loader.register_definition::<Reroute>("host_reroute").map_err(failure)?;
    Ok(Arc::new(loader))
}

fn program(loader: &Loader, text: &str) -> Result<Executable<Context>, Failure> {
    let program = assemble::<Context>(text, Arc::clone(loader)).map_err(failure)?;
    program.verify::<RequisiteVerifier>().map_err(failure)?;
    Ok(program)
}

/// What one live instance owns: its memories, and how they are mapped.
struct Instance {
    _stack: AlignedMemory<{ ebpf::HOST_ALIGN }>,
    _heap: AlignedMemory<{ ebpf::HOST_ALIGN }>,
    input: Vec<u8>,
    context: Context,
    frames: Vec<CallFrame>,
    stack_length: usize,
}

impl Instance {
    fn new(program: &Executable<Context>, heap: usize, mut input: Vec<u8>) -> Result<Instance, Failure> {
        let config = program.get_config();
        let mut stack = AlignedMemory::<{ ebpf::HOST_ALIGN }>::zero_filled(config.stack_size());
        let mut heap = AlignedMemory::<{ ebpf::HOST_ALIGN }>::zero_filled(heap);
        let regions = vec![
            program.get_ro_region(),
            MemoryRegion::new_gapped(&mut stack, ebpf::MM_STACK_START, config.stack_frame_size as u64),
            MemoryRegion::new(&mut heap, ebpf::MM_HEAP_START),
            MemoryRegion::new(&raw mut input[..], ebpf::MM_INPUT_START),
        ];
        let version = program.get_sbpf_version();
        #[expect(
            unsafe_code,
            reason = "the memories live in the same instance as their mapping, and none ever moves"
        )]
        let mapping = unsafe { MemoryMapping::new(regions, config, version) }.map_err(failure)?;
        Ok(Instance {
            stack_length: stack.len(),
            _stack: stack,
            _heap: heap,
            input,
            context: Context { left: 0, seen: Seen::default(), mapping },
            frames: vec![CallFrame::default(); config.max_call_depth],
        })
    }

    fn run(&mut self, program: &Executable<Context>, arguments: [u64; 2]) -> Result<u64, Failure> {
        self.context.left = 1 << 40;
        let (loader, version) = (Arc::clone(program.get_loader()), program.get_sbpf_version());
        let mut machine = EbpfVm::new(loader, version, &mut self.context, self.stack_length);
        [machine.registers[1], machine.registers[2]] = arguments;
        match machine.execute_program(program, &mut ExecutionMode::Interpreted, &mut self.frames).1 {
            StableResult::Ok(value) => Ok(value),
            StableResult::Err(error) => Err(failure(error)),
        }
    }
}

fn work_runs(work: Work, metered: bool) -> Result<Option<Runs>, Failure> {
    let Some(text) = text(work) else { return Ok(None) };
    let program = program(&loader(metered)?, text)?;
    let sets = if work.is_policy() { work.sets() } else { 0 };
    let sets: Vec<Vec<u8>> = (0..sets).map(|set| tasks(work, set).bytes()).collect();
    let first = sets.first().cloned().unwrap_or_else(|| vec![0; 8]);
    let mut instance = Instance::new(&program, 200_008, first)?;
    let argument = work.argument() as u64;
    let arguments = match work {
        _ if work.is_policy() => [ebpf::MM_INPUT_START, argument],
        Work::Sieve => [ebpf::MM_HEAP_START, argument],
        _ => [argument, 0],
    };
    let mut turn = 0_usize;
    Ok(Some(Box::new(move || {
        if sets.len() > 1 {
            instance.input.copy_from_slice(&sets[turn % sets.len()]);
        }
        turn += 1;
        instance.context.seen = Seen::default();
        let start = Timer::start();
        let given = instance.run(&program, arguments)?;
        let amount = start.nanoseconds();
        let result = if work.by_host() { instance.context.seen.result() } else { given as i64 };
        Ok(Run { amount, result })
    })))
}

fn runs(task: Task, metered: bool) -> Result<Option<Runs>, Failure> {
    if let Task::Work(work) = task {
        return work_runs(work, metered);
    }
    let Some(text) = text(Work::Policy) else { return Ok(None) };
    let loader = loader(metered)?;
    let first_result = |program: &Executable<Context>| -> Result<Box<dyn Any>, Failure> {
        let mut instance = Instance::new(program, 8, vec![0; 8])?;
        instance.run(program, [ebpf::MM_INPUT_START, 0])?;
        Ok(Box::new(instance))
    };
    let sample = program(&loader, text)?;
    let size = sample.get_text_bytes().1.len();
    let instances: Makes = Box::new(move || first_result(&sample));
    Ok(Some(match task {
        Task::Source => repeated(Box::new(move || {
            let program = program(&loader, text)?;
            first_result(&program)
        })),
        Task::Instance => repeated(instances),
        Task::Idle => held(instances),
        Task::Size => bytes(size),
        _ => return Ok(None),
    }))
}
