//! Turns verified, serialized ops into words, with the fuel constants of their edges.

mod lower;
mod places;

use std::fmt;

use smol_str::SmolStr;
use swarm_bytecode::layout::Layout;
use swarm_bytecode::module::{Import, ImportId, Module, Place, StringId};
use swarm_bytecode::op::Op;
use swarm_bytecode::types::{Type, TypeId};
use swarm_bytecode::verify::Verified;

use crate::extended::Extended;
use crate::filter::Filter;
use crate::slot::{self, MODULE_TEXT, TextSlot};
use crate::word::Word;
use lower::Decoder;
use places::WORD_BYTES;

/// A module in the form that runs.
pub(crate) struct Code {
    module: Module,
    /// All string constants, one behind the other.
    text: String,
    pub(crate) words: Vec<Word>,
    /// One for each word.
    origins: Vec<Packed>,
    pub(crate) functions: Vec<FunctionCode>,
    pub(crate) constants: Vec<u64>,
    /// Slot of each string constant.
    pub(crate) strings: Vec<u64>,
    pub(crate) sites: Vec<Site>,
    pub(crate) calls: Vec<CallSite>,
    pub(crate) extended: Vec<Extended>,
    pub(crate) withins: Vec<WithinCode>,
    pub(crate) filters: Vec<Filter>,
    arguments: Vec<Argument>,
    /// For each import, whether the program calls it, but only in a TRY or RETRY. Empty if there are none of
    /// these.
    only_tried: Vec<bool>,
}

/// Operands of a `within`.
#[derive(Debug, Clone)]
pub(crate) struct WithinCode {
    pub(crate) budgets: Vec<(Budget, u8)>,
    pub(crate) saved: Vec<Argument>,
    pub(crate) phase: StringId,
    /// If it undoes: the word to go on with when a budget has run out.
    pub(crate) otherwise: Option<u32>,
}

/// What a budget of a `within` counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Budget {
    Duration,
    Money,
    Tokens,
}

/// An [`Origin`] in 8 bytes: no function has more ops than fit.
#[derive(Debug, Clone, Copy)]
struct Packed {
    function: u16,
    op: u16,
    spent: u16,
    due: u16,
}

impl Packed {
    /// The function, and the op in it.
    fn place(self) -> (u16, u32) {
        (self.function, u32::from(self.op))
    }
}

/// The serialized op a word stands for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Origin {
    pub(crate) function: u16,
    /// Index of the op in its function.
    pub(crate) op: u32,
    /// `C[p] − C[a(p)]`
    pub(crate) spent: u16,
    /// `d(p)`
    pub(crate) due: u16,
}

#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct FunctionCode {
    /// Its first word.
    pub(crate) start: u32,
    /// Logical bytes of a live call of it.
    pub(crate) bytes: u16,
    pub(crate) registers: u8,
}

/// A call of a function.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CallSite {
    pub(crate) callee: FunctionCode,
    pub(crate) function: u16,
    /// The only argument, if it is one.
    pub(crate) only: Option<u8>,
    count: u8,
    first: u32,
}

impl CallSite {
    /// What it passes, of the arguments of all.
    #[inline]
    fn arguments(self, all: &[Argument]) -> &[Argument] {
        let start = slot::index(self.first);
        all.get(start..start.saturating_add(usize::from(self.count))).unwrap_or(&[])
    }
}

/// Operands of a host call, a record, a list or an op that takes any number.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Site {
    pub(crate) target: SiteTarget,
    /// Where the word lies that was to be made next: of a host call, its own.
    pub(crate) pc: u32,
    first: u32,
    count: u8,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum SiteTarget {
    Import(ImportId),
    /// A list of bools.
    Bools,
    Object,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Argument {
    pub(crate) register: u8,
    /// Whether it is a reference, which must be marked shared where it is stored.
    pub(crate) shares: bool,
}

/// Why there is nothing that could run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DecodeError {
    /// A function that no verifier would have passed.
    Function(usize),
    /// It would take more memory than [`Verified::room`].
    TooLarge,
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DecodeError::Function(function) => write!(f, "function {function} cannot be decoded"),
            DecodeError::TooLarge => {
                write!(
                    f,
                    "the module unfolds to far more memory than it has bytes when it is made ready to run"
                )
            }
        }
    }
}

impl Code {
    pub(crate) fn new(verified: Verified) -> Result<Code, DecodeError> {
        let room = verified.room();
        let (module, layouts) = verified.into_parts();
        let texts = module.strings.iter().map(|text| text.len()).fold(0, usize::saturating_add);
        let mut text = String::with_capacity(texts);
        let mut strings = Vec::with_capacity(module.strings.len());
        for string in &module.strings {
            let (offset, length) = (slot::count(text.len()), slot::count(string.len()));
            strings.push(TextSlot { source: MODULE_TEXT, offset, length }.pack());
            text.push_str(string);
        }
        // About a word for each op: what is fused adds some, ends of blocks have none. More of them make room for
        // themselves; room for many that are not there would be most of what loading takes too much.
        let ops = module.functions.iter().map(|function| function.code.len()).fold(0, usize::saturating_add);
        let words =
            ops.saturating_add((ops / 4).min(64).max(ops / 16)).saturating_add(module.functions.len());
        let beside = strings.len().saturating_mul(size_of::<u64>()).saturating_add(text.len());
        let beside = beside.saturating_add(module.functions.len().saturating_mul(size_of::<FunctionCode>()));
        let room = room.checked_sub(beside).ok_or(DecodeError::TooLarge)?;
        if words.saturating_mul(WORD_BYTES) > room {
            return Err(DecodeError::TooLarge);
        }
        let mut decoder = Decoder {
            module: &module,
            strings,
            words: Vec::with_capacity(words),
            origins: Vec::with_capacity(words),
            constants: Vec::new(),
            sites: Vec::new(),
            calls: Vec::new(),
            extended: Vec::new(),
            withins: Vec::new(),
            filters: Vec::new(),
            arguments: Vec::new(),
            positions: Vec::new(),
            ahead: Vec::new(),
            room,
        };
        let mut functions = Vec::with_capacity(module.functions.len());
        let mut layouts = layouts.into_iter();
        for (index, function) in module.functions.iter().enumerate() {
            let layout = layouts.next().or_else(|| Layout::of(&function.code).ok());
            let layout = layout.ok_or(DecodeError::Function(index))?;
            let code = decoder.function(index, function, &layout);
            functions.push(code?);
        }
        decoder.quicken();
        let Decoder {
            strings,
            words,
            origins,
            constants,
            sites,
            mut calls,
            extended,
            withins,
            filters,
            arguments,
            ..
        } = decoder;
        for call in &mut calls {
            call.callee = functions.get(usize::from(call.function)).copied().unwrap_or_default();
        }
        Ok(Code {
            text,
            words,
            origins,
            functions,
            constants,
            strings,
            sites,
            calls,
            extended,
            withins,
            filters,
            arguments,
            only_tried: only_tried(&module),
            module,
        })
    }

    pub(crate) fn module(&self) -> &Module {
        &self.module
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The op a word stands for. Every word has one.
    pub(crate) fn origin(&self, pc: usize) -> Origin {
        let none = Packed { function: 0, op: 0, spent: 0, due: 0 };
        let Packed { function, op, spent, due } = self.origins.get(pc).copied().unwrap_or(none);
        Origin { function, op: u32::from(op), spent, due }
    }

    /// Which word of its op this is, counted without fused ones.
    pub(crate) fn word_in_op(&self, pc: usize) -> usize {
        let Origin { function, op, .. } = self.origin(pc);
        pc.saturating_sub(self.first_word(function, op).unwrap_or(pc))
    }

    /// The word of this number of an op, the inverse of [`Code::origin`] and [`Code::word_in_op`].
    pub(crate) fn word_of_op(&self, function: u16, op: u32, word: usize) -> Option<usize> {
        let pc = self.first_word(function, op)?.checked_add(word)?;
        let origin = self.origins.get(pc)?;
        (origin.place() == (function, op)).then_some(pc)
    }

    /// The first word of an op, fused or not; of an op without words, its successor's.
    pub(crate) fn start_of_op(&self, function: u16, op: u32) -> usize {
        self.origins.partition_point(|own| own.place() < (function, op))
    }

    /// An op's first word that stands for it alone.
    pub(crate) fn first_word(&self, function: u16, op: u32) -> Option<usize> {
        let first = self.start_of_op(function, op);
        let own = self.origins.get(first..)?.iter().zip(self.words.get(first..)?);
        let own = own.take_while(|(origin, _)| origin.place() == (function, op));
        let fused = own.clone().take_while(|(_, word)| word.is_fused()).count();
        (fused < own.count()).then(|| first.saturating_add(fused))
    }

    pub(crate) fn arguments(&self, site: Site) -> &[Argument] {
        let start = slot::index(site.first);
        self.arguments.get(start..start.saturating_add(usize::from(site.count))).unwrap_or(&[])
    }

    /// What the host call of a site calls.
    pub(crate) fn import_at(&self, site: u32) -> Option<(ImportId, &Import)> {
        let SiteTarget::Import(id) = self.sites.get(slot::index(site))?.target else { return None };
        Some((id, self.module.imports.get(id.index())?))
    }

    /// The word of a host call's site.
    pub(crate) fn word_at(&self, site: u32) -> usize {
        self.sites.get(slot::index(site)).map_or(0, |site| slot::index(site.pc))
    }

    #[inline]
    pub(crate) fn call_arguments(&self, call: CallSite) -> &[Argument] {
        call.arguments(&self.arguments)
    }

    /// Bytes of the texts among a call's arguments.
    pub(crate) fn text_bytes(&self, import: &Import, arguments: &[u64]) -> u64 {
        let typed = import.parameters.iter().zip(arguments);
        let texts = typed.filter(|(ty, _)| matches!(self.module.ty(**ty), Some(Type::String)));
        texts.fold(0, |sum, (_, slot)| sum.saturating_add(u64::from(slot::text_length(*slot))))
    }

    /// Whether the program calls an import, but only in a TRY or RETRY.
    pub(crate) fn only_tries(&self, import: usize) -> bool {
        self.only_tried.get(import).copied().unwrap_or(false)
    }

    /// A function's name, if the module still has it.
    pub(crate) fn function_name(&self, function: u16) -> Option<&SmolStr> {
        Some(&self.module.debug.as_ref()?.functions.get(usize::from(function))?.name)
    }

    /// The place in source text that an op comes from, if the module still knows, and the op that begins it.
    pub(crate) fn source_place(&self, function: u16, op: u32) -> Option<(u32, Place)> {
        let places = &self.module.debug.as_ref()?.functions.get(usize::from(function))?.places;
        let at = places.partition_point(|(first, _)| *first <= op).checked_sub(1)?;
        places.get(at).copied()
    }

    /// The name of a source file.
    pub(crate) fn file_name(&self, file: u16) -> Option<&SmolStr> {
        Some(&self.module.debug.as_ref()?.files.get(usize::from(file))?.name)
    }
}

/// For each import, whether it is called, but only by ops that can do without it.
fn only_tried(module: &Module) -> Vec<bool> {
    let mut ops = module.functions.iter().flat_map(|function| &function.code);
    if !ops.any(|op| matches!(op, Op::TryHost { .. } | Op::RetryHost { .. })) {
        return Vec::new();
    }
    let mut tried = vec![false; module.imports.len()];
    let mut demanded = vec![false; module.imports.len()];
    for op in module.functions.iter().flat_map(|function| &function.code) {
        let (list, import) = match op {
            Op::TryHost { import, .. } | Op::RetryHost { import, .. } => (&mut tried, import),
            Op::Host { import, .. } | Op::HostValue { import, .. } => (&mut demanded, import),
            _ => continue,
        };
        if let Some(flag) = list.get_mut(import.index()) {
            *flag = true;
        }
    }
    tried.into_iter().zip(demanded).map(|(tried, demanded)| tried && !demanded).collect()
}

/// Whether values of a type may be objects of the arena, which are marked as shared where they are stored.
pub(crate) fn is_reference(module: &Module, ty: TypeId) -> bool {
    match module.ty(ty) {
        Some(Type::List { .. } | Type::Map { .. } | Type::Record { .. } | Type::Optional(_)) => true,
        Some(Type::Enum { cases, .. }) => cases.iter().any(|case| !case.fields.is_empty()),
        _ => false,
    }
}

/// Whether values of this type are lists of bools, whose items take a byte each in the arena.
pub(crate) fn holds_bools(module: &Module, ty: TypeId) -> bool {
    let Some(Type::List { element, .. }) = module.ty(ty) else { return false };
    matches!(module.ty(*element), Some(Type::Bool))
}
