//! Turns verified, serialized ops into words, with the fuel constants of their edges.

use std::fmt;

use smol_str::SmolStr;
use swarm_bytecode::layout::Layout;
use swarm_bytecode::module::{Function, FunctionId, ImportId, Module, Place};
use swarm_bytecode::op::{Op, Register};
use swarm_bytecode::types::{Class, Type, TypeId};
use swarm_bytecode::verify::Verified;

use crate::slot::{self, MODULE_TEXT, TextSlot};
use crate::word::Word;

/// A module in the form that runs.
pub(crate) struct Code {
    module: Module,
    /// All string constants, one behind the other.
    text: String,
    pub(crate) words: Vec<Word>,
    /// One for each word.
    origins: Vec<Origin>,
    pub(crate) functions: Vec<FunctionCode>,
    pub(crate) constants: Vec<u64>,
    pub(crate) sites: Vec<Site>,
    arguments: Vec<Argument>,
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

#[derive(Debug, Clone, Copy)]
pub(crate) struct FunctionCode {
    /// Its first word.
    pub(crate) start: u32,
    pub(crate) registers: u8,
}

/// Operands of a call, a record or a list.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Site {
    pub(crate) target: SiteTarget,
    first: u32,
    count: u8,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum SiteTarget {
    Function(FunctionId),
    Import(ImportId),
    Object,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Argument {
    pub(crate) register: u8,
    /// Whether it is a reference, which must be marked shared where it is stored.
    pub(crate) shares: bool,
}

/// Code that no verifier would have passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DecodeError {
    pub(crate) function: usize,
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "function {} cannot be decoded", self.function)
    }
}

impl Code {
    pub(crate) fn new(verified: Verified) -> Result<Code, DecodeError> {
        let module = verified.module();
        let mut text = String::new();
        let mut strings = Vec::with_capacity(module.strings.len());
        for string in &module.strings {
            let (offset, length) = (slot::count(text.len()), slot::count(string.len()));
            strings.push(TextSlot { source: MODULE_TEXT, offset, length }.pack());
            text.push_str(string);
        }
        let mut decoder = Decoder {
            module,
            strings,
            words: Vec::new(),
            origins: Vec::new(),
            constants: Vec::new(),
            sites: Vec::new(),
            arguments: Vec::new(),
        };
        let mut functions = Vec::with_capacity(module.functions.len());
        for (index, (function, layout)) in module.functions.iter().zip(verified.layouts()).enumerate() {
            let code = decoder.function(index, function, layout).ok_or(DecodeError { function: index })?;
            functions.push(code);
        }
        let Decoder { words, origins, constants, sites, arguments, .. } = decoder;
        Ok(Code {
            text,
            words,
            origins,
            functions,
            constants,
            sites,
            arguments,
            module: verified.into_module(),
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
        let none = Origin { function: 0, op: 0, spent: 0, due: 0 };
        self.origins.get(pc).copied().unwrap_or(none)
    }

    pub(crate) fn arguments(&self, site: Site) -> &[Argument] {
        let start = slot::index(site.first);
        self.arguments.get(start..start.saturating_add(usize::from(site.count))).unwrap_or(&[])
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

struct Decoder<'m> {
    module: &'m Module,
    /// Slot of each string constant.
    strings: Vec<u64>,
    words: Vec<Word>,
    origins: Vec<Origin>,
    constants: Vec<u64>,
    sites: Vec<Site>,
    arguments: Vec<Argument>,
}

impl Decoder<'_> {
    fn function(&mut self, index: usize, function: &Function, layout: &Layout) -> Option<FunctionCode> {
        let start = slot::count(self.words.len());
        // Where each op's first word will lie; ops without one count as their successor.
        let mut positions = Vec::with_capacity(function.code.len().saturating_add(1));
        let mut position = start;
        for op in &function.code {
            positions.push(position);
            position = position.checked_add(word_count(op))?;
        }
        positions.push(position);
        let function_index = u16::try_from(index).ok()?;
        for (p, op) in function.code.iter().enumerate() {
            let origin = Origin {
                function: function_index,
                op: slot::count(p),
                spent: u16::try_from(layout.spent(p)).ok()?,
                due: u16::try_from(layout.charge(p)).ok()?,
            };
            let edges = Edges { layout, positions: &positions, p };
            self.op(function, op, &edges, origin.due)?;
            self.origins.resize(self.words.len(), origin);
        }
        // Verified code never gets here.
        self.words.push(Word::Return { due: 0 });
        self.origins.resize(
            self.words.len(),
            Origin { function: function_index, op: slot::count(function.code.len()), spent: 0, due: 0 },
        );
        Some(FunctionCode { start, registers: u8::try_from(function.registers.len()).ok()? })
    }

    #[expect(clippy::too_many_lines, reason = "one arm for each op")]
    fn op(&mut self, function: &Function, op: &Op, edges: &Edges<'_>, due: u16) -> Option<()> {
        let ty = |register: &Register| function.registers.get(usize::from(register.0)).copied();
        /// A word whose fields are registers of the same names.
        macro_rules! plain {
            ($word:ident { $($field:ident),* } $($rest:ident: $value:expr),*) => {
                Word::$word { $($field: $field.0,)* $($rest: $value),* }
            };
        }
        let word = match op {
            Op::Block {} | Op::End {} => return Some(()),
            Op::If { condition } => {
                let (credit, otherwise) = edges.jump()?;
                Word::If { condition: condition.0, credit, otherwise }
            }
            Op::Else {} | Op::Break { .. } | Op::Continue { .. } => {
                let (credit, target) = edges.jump()?;
                Word::Jump { credit, target }
            }
            Op::Loop {} => Word::Loop { due },
            Op::Repeat {} => Word::Repeat { due, target: edges.target()? },
            Op::ForEach { item, index, list } => {
                self.words.push(plain!(ForEach { item, index, list } due: due));
                edges.past()?
            }
            Op::Range { item, first, last } => {
                self.words.push(plain!(Range { item, first, last } due: due));
                edges.past()?
            }
            Op::Advance {} => {
                let opening = function.code.get(edges.layout.partner(edges.p)?)?;
                match opening {
                    Op::ForEach { item, index, list } => {
                        self.words.push(plain!(NextItem { item, index, list } due: due));
                    }
                    Op::Range { item, last, .. } => {
                        self.words.push(plain!(NextInRange { item, last } due: due))
                    }
                    _ => return None,
                }
                Word::Target { credit: edges.credit(edges.p.checked_add(1)?)?, target: edges.target()? }
            }
            Op::Return {} => Word::Return { due },
            Op::ReturnValue { value } => plain!(ReturnValue { value } due: due),
            Op::Stop { reason } => plain!(Stop { reason } due: due),
            Op::Fail { reason } => plain!(Fail { reason } due: due),
            Op::Call { function: callee, arguments } => {
                let site = self.site(function, SiteTarget::Function(*callee), arguments)?;
                Word::Call { result: 0, due, site }
            }
            Op::CallValue { result, function: callee, arguments } => {
                let site = self.site(function, SiteTarget::Function(*callee), arguments)?;
                Word::Call { result: result.0, due, site }
            }
            Op::Host { import, arguments } => {
                let site = self.site(function, SiteTarget::Import(*import), arguments)?;
                Word::Host { result: 0, due, site }
            }
            Op::HostValue { result, import, arguments } => {
                let site = self.site(function, SiteTarget::Import(*import), arguments)?;
                Word::Host { result: result.0, due, site }
            }
            Op::RecordMetric { metric, value } => {
                Word::RecordMetric { value: value.0, metric: metric.0, due }
            }
            Op::Settle {} => Word::Settle { due },
            Op::RoundsExhausted {} => Word::RoundsExhausted { due },
            Op::Move { result, value } => plain!(Move { result, value }),
            Op::Copy { result, value } if self.is_reference(ty(value)?) => plain!(Copy { result, value }),
            Op::Copy { result, value } => plain!(Move { result, value }),
            Op::Integer { result, value } => match i32::try_from(*value) {
                Ok(value) => Word::Integer { result: result.0, value },
                Err(_) => self.constant(*result, value.cast_unsigned()),
            },
            Op::Float { result, value } => {
                let value = slot::from_float(*self.module.floats.get(value.index())?);
                self.constant(*result, value)
            }
            Op::String { result, value } => {
                let value = *self.strings.get(value.index())?;
                self.constant(*result, value)
            }
            Op::Zero { result } => Word::Integer { result: result.0, value: 0 },
            Op::Input { result, input } => Word::Input { result: result.0, input: input.0 },
            Op::Context { result, context } => Word::Context { result: result.0, context: context.0 },
            Op::Metric { result, metric } => Word::Metric { result: result.0, metric: metric.0, due },
            Op::AddInt { result, left, right } => plain!(AddInt { result, left, right }),
            Op::SubInt { result, left, right } => plain!(SubInt { result, left, right }),
            Op::MulInt { result, left, right } => plain!(MulInt { result, left, right }),
            Op::DivInt { result, left, right } => plain!(DivInt { result, left, right }),
            Op::ModInt { result, left, right } => plain!(ModInt { result, left, right }),
            Op::NegInt { result, value } => plain!(NegInt { result, value }),
            Op::Product { result, left, right, divisor } => {
                plain!(Product { result, left, right } divisor: self.intern(divisor.cast_unsigned()))
            }
            Op::Quotient { result, left, right, factor } => {
                plain!(Quotient { result, left, right } factor: self.intern(factor.cast_unsigned()))
            }
            Op::Scale { result, value, factor } => plain!(Scale { result, value, factor }),
            Op::Unscale { result, value, divisor } => plain!(Unscale { result, value, divisor }),
            Op::Ratio { result, left, right } => plain!(Ratio { result, left, right }),
            Op::AddFloat { result, left, right } => plain!(AddFloat { result, left, right }),
            Op::SubFloat { result, left, right } => plain!(SubFloat { result, left, right }),
            Op::MulFloat { result, left, right } => plain!(MulFloat { result, left, right }),
            Op::DivFloat { result, left, right } => plain!(DivFloat { result, left, right }),
            Op::NegFloat { result, value } => plain!(NegFloat { result, value }),
            Op::IntToFloat { result, value } => plain!(IntToFloat { result, value }),
            Op::PercentToFloat { result, value } => plain!(PercentToFloat { result, value }),
            Op::EqInt { result, left, right } => plain!(EqInt { result, left, right }),
            Op::NeInt { result, left, right } => plain!(NeInt { result, left, right }),
            Op::LtInt { result, left, right } => plain!(LtInt { result, left, right }),
            Op::LeInt { result, left, right } => plain!(LeInt { result, left, right }),
            Op::EqFloat { result, left, right } => plain!(EqFloat { result, left, right }),
            Op::NeFloat { result, left, right } => plain!(NeFloat { result, left, right }),
            Op::LtFloat { result, left, right } => plain!(LtFloat { result, left, right }),
            Op::LeFloat { result, left, right } => plain!(LeFloat { result, left, right }),
            Op::EqString { result, left, right } => plain!(EqString { result, left, right } due: due),
            Op::LtString { result, left, right } => plain!(LtString { result, left, right } due: due),
            Op::LeString { result, left, right } => plain!(LeString { result, left, right } due: due),
            Op::EqValue { result, left, right } => {
                self.words.push(plain!(EqValue { result, left, right } due: due));
                Word::Shape { ty: ty(left)?.0, fields: 0, shares: false }
            }
            Op::Not { result, value } => plain!(Not { result, value }),
            Op::NewRecord { result, fields } => {
                let site = self.site(function, SiteTarget::Object, fields)?;
                Word::NewObject { result: result.0, due, site }
            }
            Op::NewList { result, items } => {
                let site = self.site(function, SiteTarget::Object, items)?;
                Word::NewObject { result: result.0, due, site }
            }
            Op::Field { result, record, field } => {
                Word::Field { result: result.0, record: record.0, field: *field }
            }
            Op::SetField { record, field, value } => {
                let word = Word::SetField { record: record.0, field: *field, value: value.0, due };
                self.words.push(word);
                self.shape(ty(record)?, ty(value)?)?
            }
            Op::Length { result, list } => plain!(Length { result, list }),
            Op::Item { result, list, index } => plain!(Item { result, list, index }),
            Op::SetItem { list, index, value } => {
                self.words.push(plain!(SetItem { list, index, value } due: due));
                self.shape(ty(list)?, ty(value)?)?
            }
            Op::Some { result, value } => {
                let shares = self.is_reference(ty(value)?);
                plain!(Some { result, value } shares: shares, due: due)
            }
            Op::IsSome { result, value } => plain!(IsSome { result, value }),
            Op::Unwrap { result, value } => plain!(Unwrap { result, value }),
        };
        self.words.push(word);
        Some(())
    }

    fn is_reference(&self, ty: TypeId) -> bool {
        let class = self.module.ty(ty).map(Type::class);
        matches!(class, Some(Class::List | Class::Record | Class::Optional))
    }

    /// What a write into a value of type `ty` must know.
    fn shape(&self, ty: TypeId, value: TypeId) -> Option<Word> {
        let fields = match self.module.ty(ty)? {
            Type::Record { fields, .. } => u16::try_from(fields.len()).ok()?,
            _ => 0,
        };
        Some(Word::Shape { ty: ty.0, fields, shares: self.is_reference(value) })
    }

    fn site(&mut self, function: &Function, target: SiteTarget, arguments: &[Register]) -> Option<u32> {
        let first = slot::count(self.arguments.len());
        for register in arguments {
            let ty = *function.registers.get(usize::from(register.0))?;
            self.arguments.push(Argument { register: register.0, shares: self.is_reference(ty) });
        }
        let site = slot::count(self.sites.len());
        self.sites.push(Site { target, first, count: u8::try_from(arguments.len()).ok()? });
        Some(site)
    }

    fn intern(&mut self, value: u64) -> u32 {
        let constant = slot::count(self.constants.len());
        self.constants.push(value);
        constant
    }

    fn constant(&mut self, result: Register, value: u64) -> Word {
        Word::Constant { result: result.0, constant: self.intern(value) }
    }
}

/// How many words an op becomes.
fn word_count(op: &Op) -> u32 {
    match op {
        Op::Block {} | Op::End {} => 0,
        Op::ForEach { .. }
        | Op::Range { .. }
        | Op::Advance {}
        | Op::EqValue { .. }
        | Op::SetField { .. }
        | Op::SetItem { .. } => 2,
        _ => 1,
    }
}

/// The ways out of op `p`.
struct Edges<'a> {
    layout: &'a Layout,
    positions: &'a [u32],
    p: usize,
}

impl Edges<'_> {
    /// The word `p` jumps to.
    fn target(&self) -> Option<u32> {
        self.positions.get(self.layout.target(self.p)?).copied()
    }

    /// What the step to op `t` adds to the fuel.
    fn credit(&self, t: usize) -> Option<u16> {
        u16::try_from(self.layout.edge(self.p, t)).ok()
    }

    /// Credit and word of the jump of `p`.
    fn jump(&self) -> Option<(u16, u32)> {
        Some((self.credit(self.layout.target(self.p)?)?, self.target()?))
    }

    /// The way past a loop that has nothing to do.
    fn past(&self) -> Option<Word> {
        let (credit, target) = self.jump()?;
        Some(Word::Target { credit, target })
    }
}
