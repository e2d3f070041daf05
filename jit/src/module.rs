//! A program as one WebAssembly module: each function once for calls from compiled code and once to be
//! entered from outside, at its start or in its midst.

use swarm_bytecode::layout::Layout;
use swarm_bytecode::module::{Function as Source, Module};
use swarm_bytecode::op::Op;
use swarm_bytecode::types::Class;
use wasm_encoder::{
    BranchHints, CodeSection, ConstExpr, EntityType, ExportKind, ExportSection, FunctionSection,
    GlobalSection, GlobalType, ImportSection, MemoryType, TypeSection, ValType,
};

use swarm_vm::Program;
use swarm_vm::tier::PassRows;

use crate::body::{Body, Quick, Use};
use crate::layout::{CALM, Places, TOP};

/// Functions that compiled code calls of its host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Helper {
    /// `(due, F) -> F`: the fuel does not cover a region.
    Look,
    /// `(call, F, held, arguments) -> F`: a host call of at most two arguments.
    Host,
    /// The same with up to four.
    HostLong,
    /// `(function, op, F, held, changes) -> F`: any op; whether it may change what lies in the arena.
    Step,
    /// `(held) -> allowed`: one frame more.
    Rise,
    /// `(list) -> first item`: a list whose items are rows of a host table.
    Walk,
    /// `(item, field) -> address`: a column of a host table.
    Column,
    /// `(filter, item, most, fields) -> passed and wait`: rows that a loop may pass over, and the fields of
    /// those behind them, up to the next that it is worth asking for.
    Pass,
}

impl Helper {
    pub(crate) const ALL: [Helper; 8] = [
        Helper::Look,
        Helper::Host,
        Helper::HostLong,
        Helper::Step,
        Helper::Rise,
        Helper::Walk,
        Helper::Column,
        Helper::Pass,
    ];

    /// Its name in the module.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Helper::Look => "look",
            Helper::Host => "host",
            Helper::HostLong => "host_long",
            Helper::Step => "step",
            Helper::Rise => "rise",
            Helper::Walk => "walk",
            Helper::Column => "column",
            Helper::Pass => "pass",
        }
    }

    fn signature(self) -> (&'static [ValType], ValType) {
        use ValType::{I32, I64};
        match self {
            Helper::Look => (&[I64, I64], I64),
            Helper::Host => (&[I64, I64, I64, I64, I64], I64),
            Helper::HostLong => (&[I64, I64, I64, I64, I64, I64, I64], I64),
            Helper::Step => (&[I32, I32, I64, I64, I32], I64),
            Helper::Rise => (&[I64], I32),
            Helper::Walk => (&[I64], I64),
            Helper::Column => (&[I64, I32], I32),
            Helper::Pass => (&[I32, I64, I64, I64], I64),
        }
    }
}

/// What is made of a program.
#[derive(Debug, Clone)]
pub(crate) struct Translation {
    /// The WebAssembly module.
    pub(crate) bytes: Vec<u8>,
    pub(crate) places: Places,
}

/// What functions of a module know of each other.
pub(crate) struct Plan<'m> {
    pub(crate) module: &'m Module,
    pub(crate) program: &'m Program,
    pub(crate) places: Places,
    pub(crate) metered: bool,
    /// Slots of the constant texts.
    pub(crate) strings: Vec<u64>,
    /// Functions that may return at once.
    pub(crate) quick: Vec<Option<Quick>>,
    /// Rows that loops may pass over, by number.
    pub(crate) filters: Vec<PassRows>,
}

impl Plan<'_> {
    /// The WebAssembly function of a function, to be called.
    pub(crate) fn inner(&self, function: usize) -> u32 {
        count(Helper::ALL.len().saturating_add(function))
    }

    pub(crate) fn small(&self, function: usize) -> u16 {
        u16::try_from(function).unwrap_or(u16::MAX)
    }

    pub(crate) fn helper(helper: Helper) -> u32 {
        count(Helper::ALL.iter().position(|own| *own == helper).unwrap_or(0))
    }

    pub(crate) fn value_type(&self, function: &Source, register: usize) -> ValType {
        let ty = function.registers.get(register).and_then(|ty| self.module.ty(*ty));
        if ty.is_some_and(|ty| ty.class() == Class::Float) { ValType::F64 } else { ValType::I64 }
    }

    pub(crate) fn result_type(&self, function: &Source) -> Option<ValType> {
        let ty = self.module.ty(function.result?)?;
        Some(if ty.class() == Class::Float { ValType::F64 } else { ValType::I64 })
    }
}

/// A count as WebAssembly wants it.
pub(crate) fn count(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

/// The program in WebAssembly; `metered` says whether it counts fuel, which only a benchmark does without.
pub(crate) fn translate(program: &Program, metered: bool) -> Option<Translation> {
    let module = program.module();
    let widest = module.functions.iter().map(|function| function.registers.len()).max()?;
    let called = called(module);
    let small = module.functions.iter().zip(&called).filter(|(_, called)| **called);
    let small = small.map(|(function, _)| function.registers.len()).min();
    let places = Places::new((module.inputs.len(), module.contexts.len()), program.sites(), widest, small);
    let strings = (0..module.strings.len()).map_while(|at| program.string(at)).collect();
    let layouts: Vec<Layout> =
        module.functions.iter().map(|function| Layout::of(&function.code).ok()).collect::<Option<_>>()?;
    let quick =
        module.functions.iter().zip(&layouts).map(|(function, layout)| Quick::of(module, function, layout));
    let (quick, filters) = (quick.collect(), program.pass_rows());
    let plan = Plan { module, program, places, metered, strings, quick, filters };
    let mut types = TypeSection::new();
    let mut imports = ImportSection::new();
    for (at, helper) in Helper::ALL.into_iter().enumerate() {
        let (parameters, result) = helper.signature();
        types.ty().function(parameters.iter().copied(), [result]);
        imports.import("swarm", helper.name(), EntityType::Function(count(at)));
    }
    let mut functions = FunctionSection::new();
    let mut code = CodeSection::new();
    let mut exports = ExportSection::new();
    let mut hints = BranchHints::new();
    for function in &module.functions {
        let own = (0..usize::from(function.parameters)).map(|at| plan.value_type(function, at));
        let parameters = [ValType::I64, ValType::I64].into_iter().chain(own);
        functions.function(types.len());
        let parameters: Vec<ValType> = parameters.collect();
        let results: Vec<ValType> = [ValType::I64].into_iter().chain(plan.result_type(function)).collect();
        types.ty().function(parameters, results);
    }
    let outer = types.len();
    types.ty().function([ValType::I32, ValType::I64, ValType::I64], [ValType::I64]);
    for role in [Use::Called, Use::Entered] {
        for (at, (function, layout)) in module.functions.iter().zip(&layouts).enumerate() {
            if role == Use::Entered {
                functions.function(outer);
                let place = plan.inner(at.saturating_add(module.functions.len()));
                exports.export(&format!("f{at}"), ExportKind::Func, place);
            }
            let (body, unlikely) = Body::new(&plan, at, function, layout, role).translate()?;
            let place = Helper::ALL.len().saturating_add(usize::try_from(code.len()).ok()?);
            hints.function_hints(count(place), unlikely);
            code.function(&body);
        }
    }
    let mut bytes = wasm_encoder::Module::new();
    bytes.section(&types).section(&imports).section(&functions);
    memories(&mut bytes, &mut exports, &places);
    bytes.section(&exports).section(&hints).section(&code);
    Some(Translation { bytes: bytes.finish(), places })
}

fn memories(module: &mut wasm_encoder::Module, exports: &mut ExportSection, places: &Places) {
    let mut memories = wasm_encoder::MemorySection::new();
    let pages = (places.columns >> 16).saturating_add(1);
    for minimum in [pages, 1] {
        memories.memory(MemoryType {
            minimum,
            maximum: None,
            memory64: false,
            shared: false,
            page_size_log2: None,
        });
    }
    let mut globals = GlobalSection::new();
    let global = |val_type| GlobalType { val_type, mutable: true, shared: false };
    globals.global(global(ValType::I32), &ConstExpr::i32_const(0));
    globals.global(global(ValType::I64), &ConstExpr::i64_const(0));
    exports.export("memory", ExportKind::Memory, 0);
    exports.export("arena", ExportKind::Memory, 1);
    exports.export("top", ExportKind::Global, TOP);
    exports.export("calm", ExportKind::Global, CALM);
    module.section(&memories).section(&globals);
}

/// Which functions are called by others.
fn called(module: &Module) -> Vec<bool> {
    let mut called = vec![false; module.functions.len()];
    for op in module.functions.iter().flat_map(|function| &function.code) {
        if let Op::Call { function, .. } | Op::CallValue { function, .. } = op
            && let Some(flag) = called.get_mut(function.index())
        {
            *flag = true;
        }
    }
    called
}
