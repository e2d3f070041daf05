//! Turns verified, serialized ops into words, with the fuel constants of their edges.

mod fill;
mod lower;
mod places;

use std::fmt;
use std::sync::OnceLock;

use smol_str::SmolStr;
use swarm_bytecode::codec::LONG;
use swarm_bytecode::layout::Layout;
use swarm_bytecode::module::{Import, ImportId, Module, Place, StringId};
use swarm_bytecode::op::Op;
use swarm_bytecode::types::{Type, TypeId};
use swarm_bytecode::verify::Verified;

use crate::encoded::Encoded;
use crate::extended::Extended;
use crate::filter::{Filter, Filtered};
use crate::quick::Quick;
use crate::slot::{self, MODULE_TEXT, TextSlot};
use crate::word::Word;
use fill::Filling;
use lower::Decoder;
use places::{Beside, Placing, words_of};

/// A module in the form that runs.
pub(crate) struct Code {
    /// Of a large one without the ops of its functions.
    module: Module,
    /// The module, if it is large, and once somebody asks for its ops.
    bytes: Box<[u8]>,
    whole: OnceLock<Module>,
    /// All string constants, one behind the other.
    text: String,
    pub(crate) words: Vec<Encoded>,
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
    /// Types of the arguments of natives.
    types: Vec<TypeId>,
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
    operands: Operands,
}

/// Operands of a host call, a record, a list or an op that takes any number.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Site {
    pub(crate) target: SiteTarget,
    /// Where the word lies that was to be made next: of a host call, its own.
    pub(crate) pc: u32,
    operands: Operands,
}

/// Registers that an op takes any number of, among those of all ops.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Operands {
    first: u32,
    count: u8,
}

impl Operands {
    /// Those registers.
    #[inline]
    fn of(self, all: &[Argument]) -> &[Argument] {
        let start = slot::index(self.first);
        all.get(start..start.saturating_add(usize::from(self.count))).unwrap_or(&[])
    }
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

/// Programs of at most so many ops keep them beside their words. Those of larger ones, about ten bytes of memory for
/// each of the module's, are given up function by function while words are made; whoever asks for them reads them
/// again.
const KEPT_OPS: usize = 1_000;

// A program with a long function is large, so that its bytes are there.
const _: () = assert!(KEPT_OPS < LONG);

/// Whether a module's ops are given up when its words are made.
pub(crate) fn is_large(module: &Module) -> bool {
    count_ops(module) > KEPT_OPS
}

fn count_ops(module: &Module) -> usize {
    module.functions.iter().map(|function| function.code.len()).fold(0, usize::saturating_add)
}

impl Code {
    /// The code of a module that was loaded from these bytes; if it is not large, they may be missing.
    pub(crate) fn new(verified: Verified, bytes: &[u8]) -> Result<Code, DecodeError> {
        let (room, long) = (verified.room(), verified.long_functions(bytes));
        let (mut module, layouts) = verified.into_parts();
        let only_tried = only_tried(&module);
        let (large, quick, beside) = (is_large(&module), quick_functions(&module), Beside::of(&module));
        let mut ops = count_ops(&module);
        let bytes = if large { bytes } else { &[] };
        let codes = module.functions.iter_mut().filter(|_| large);
        let codes: Vec<Vec<Op>> = codes.map(|function| std::mem::take(&mut function.code)).collect();
        let (text, strings) = texts(&module);
        let mut functions = Vec::with_capacity(module.functions.len());
        let tables = [
            size_of_val(strings.as_slice()).saturating_add(text.len()),
            functions.capacity().saturating_mul(size_of::<FunctionCode>()),
            size_of_val(codes.as_slice()).saturating_add(size_of_val(quick.as_slice())),
            beside.constants.saturating_mul(size_of::<u64>()).saturating_add(bytes.len()),
        ];
        let tables = tables.into_iter().fold(0, usize::saturating_add);
        let room = room.checked_sub(tables).ok_or(DecodeError::TooLarge)?;
        let mut decoder = Decoder::new(&module, strings, quick, beside, room);
        let (mut codes, mut layouts) = (codes.into_iter(), layouts.into_iter());
        let mut long = long.into_iter().peekable();
        for (index, function) in module.functions.iter().enumerate() {
            let given_up = codes.next();
            let code = given_up.as_deref().unwrap_or(&function.code);
            let layout = layouts.next().or_else(|| Layout::of(code).ok());
            let layout = layout.ok_or(DecodeError::Function(index))?;
            ops = ops.saturating_sub(code.len());
            let (words, freed) = (words_of(code), given_up.as_deref().map_or(0, size_of_val));
            let own = if let Some((_, reader)) = long.next_if(|(long, _)| *long == index) {
                let filtered = Filtered::of(code);
                drop(given_up);
                decoder.room = decoder.room.saturating_add(freed);
                Placing::new(&mut decoder, function, &layout, filtered, words)?.read(reader.clone())?;
                decoder.make_room(ops)?;
                Filling::new(&mut decoder, index, function, &layout).read(reader)
            } else {
                Placing::new(&mut decoder, function, &layout, Filtered::default(), words)?.whole(code)?;
                decoder.make_room(ops)?;
                let own = Filling::new(&mut decoder, index, function, &layout).whole(code);
                decoder.room = decoder.room.saturating_add(freed);
                own
            };
            functions.push(own.ok_or(DecodeError::Function(index))?);
        }
        decoder.quicken();
        let Decoder { strings, words, origins, constants, sites, mut calls, .. } = decoder;
        let Decoder { extended, withins, mut filters, arguments, types, .. } = decoder;
        for (number, filter) in (0..).zip(&mut filters) {
            filter.find_calls(number, &words);
        }
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
            types,
            only_tried,
            bytes: bytes.into(),
            whole: OnceLock::new(),
            module,
        })
    }

    /// The module; of a large one, without the ops of its functions.
    pub(crate) fn module(&self) -> &Module {
        &self.module
    }

    /// The module with the ops of its functions. Those of a large one are read when they are first asked for, and
    /// kept.
    pub(crate) fn whole(&self) -> &Module {
        if self.bytes.is_empty() {
            return &self.module;
        }
        // What was read before is read again.
        self.whole.get_or_init(|| Module::decode(&self.bytes).unwrap_or_else(|_| self.module.clone()))
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
        let fused = own.clone().take_while(|(_, word)| word.decode().is_some_and(Word::is_fused)).count();
        (fused < own.count()).then(|| first.saturating_add(fused))
    }

    /// The word at a place.
    pub(crate) fn word(&self, pc: usize) -> Option<Word> {
        self.words.get(pc).copied().and_then(Encoded::decode)
    }

    pub(crate) fn arguments(&self, site: Site) -> &[Argument] {
        site.operands.of(&self.arguments)
    }

    pub(crate) fn operands(&self, operands: Operands) -> &[Argument] {
        operands.of(&self.arguments)
    }

    /// Types of so many arguments of a native, the first of which stands there.
    pub(crate) fn types(&self, first: u32, count: usize) -> &[TypeId] {
        let start = slot::index(first);
        self.types.get(start..start.saturating_add(count)).unwrap_or(&[])
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
        call.operands.of(&self.arguments)
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

/// All string constants, one behind the other, and the slot of each.
fn texts(module: &Module) -> (String, Vec<u64>) {
    let bytes = module.strings.iter().map(|text| text.len()).fold(0, usize::saturating_add);
    let mut text = String::with_capacity(bytes);
    let mut strings = Vec::with_capacity(module.strings.len());
    for string in &module.strings {
        let (offset, length) = (slot::count(text.len()), slot::count(string.len()));
        strings.push(TextSlot { source: MODULE_TEXT, offset, length }.pack());
        text.push_str(string);
    }
    (text, strings)
}

/// The functions that may return at once, in order.
fn quick_functions(module: &Module) -> Vec<(u16, Quick)> {
    let functions = (0..).zip(&module.functions);
    functions.filter_map(|(index, function)| Some((index, Quick::of(module, function)?))).collect()
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

#[cfg(test)]
mod tests {
    use swarm_bytecode::module::Function;
    use swarm_bytecode::op::Register;

    use super::*;

    /// So many lists of equal items, each followed by a condition.
    fn module(rounds: usize) -> Module {
        let [number, last, list, bool] = [0, 1, 3, 4].map(Register);
        let constant = Register(2);
        let round = [
            Op::Settle {},
            Op::Range { item: number, first: last, last },
            Op::Integer { result: constant, value: 7 },
            Op::Push { list, value: constant },
            Op::Advance {},
            Op::LtInt { result: bool, left: constant, right: last },
            Op::If { condition: bool },
            Op::End {},
        ];
        let code = std::iter::repeat_n(round, rounds).flatten().chain([Op::Return {}]).collect();
        let mut module = Module::empty();
        module.types = vec![Type::List { element: TypeId::INT, max: None }];
        let registers =
            vec![TypeId::INT, TypeId::INT, TypeId::INT, TypeId(TypeId::BUILTIN_COUNT), TypeId::BOOL];
        module.functions = vec![Function { registers, parameters: 0, result: None, code }];
        module
    }

    #[test]
    fn what_is_fused_does_not_depend_on_where_a_part_ends() {
        for rounds in [10, 100, 1_000] {
            let bytes = module(rounds).encode();
            let code = Code::new(Verified::load(&bytes).unwrap(), &bytes).unwrap();
            let is_large = rounds > 100;
            assert_eq!(code.module.functions.iter().all(|function| function.code.is_empty()), is_large);
            let fused = code.words.iter().filter(|word| word.decode().is_some_and(Word::is_fused)).count();
            assert_eq!(fused, 2 * rounds, "{rounds}");
            assert_eq!(code.whole(), &module(rounds));
        }
    }
}
