//! One function's ops as words.

use swarm_bytecode::cost;
use swarm_bytecode::module::{Function, FunctionId, Module, StringId};
use swarm_bytecode::native::NativeFunction;
use swarm_bytecode::op::{Op, Register};
use swarm_bytecode::types::{Class, Type, TypeId};

use super::places::{Beside, Edges, WordsAt};
use super::{
    Argument, Budget, CallSite, FunctionCode, Operands, Packed, Site, SiteTarget, WithinCode, holds_bools,
    is_reference,
};
use crate::encoded::Encoded;
use crate::extended::{Extended, Top};
use crate::filter::Filter;
use crate::objects::MapShape;
use crate::order::Order;
use crate::quick::Quick;
use crate::slot;
use crate::word::{Kind, Word};

/// What is made of a module's functions.
pub(super) struct Decoder<'m> {
    /// Of a large one without its ops.
    pub(super) module: &'m Module,
    /// The functions that may return at once, in order.
    pub(super) quick: Vec<(u16, Quick)>,
    /// Slot of each string constant.
    pub(super) strings: Vec<u64>,
    pub(super) words: Vec<Encoded>,
    pub(super) origins: Vec<Packed>,
    pub(super) constants: Vec<u64>,
    pub(super) sites: Vec<Site>,
    pub(super) calls: Vec<CallSite>,
    pub(super) extended: Vec<Extended>,
    pub(super) withins: Vec<WithinCode>,
    pub(super) filters: Vec<Filter>,
    pub(super) arguments: Vec<Argument>,
    pub(super) types: Vec<TypeId>,
    /// How long these will be, until there is room for them.
    pub(super) beside: Option<Beside>,
    /// Of the function at hand: where the words of each op begin, and the words that stand before those of ops.
    pub(super) positions: Vec<WordsAt>,
    pub(super) ahead: Vec<Word>,
    /// How many bytes of memory may still be taken.
    pub(super) room: usize,
}

impl<'m> Decoder<'m> {
    /// With room for what may be needed before the words of the first function.
    pub(super) fn new(
        module: &'m Module,
        strings: Vec<u64>,
        quick: Vec<(u16, Quick)>,
        beside: Beside,
        room: usize,
    ) -> Decoder<'m> {
        Decoder {
            module,
            quick,
            strings,
            words: Vec::new(),
            origins: Vec::new(),
            constants: Vec::with_capacity(beside.constants),
            sites: Vec::new(),
            calls: Vec::new(),
            extended: Vec::new(),
            withins: Vec::new(),
            filters: Vec::new(),
            arguments: Vec::new(),
            types: Vec::new(),
            beside: Some(beside),
            positions: Vec::new(),
            ahead: Vec::new(),
            room,
        }
    }

    /// The next word.
    pub(super) fn put(&mut self, word: Word) {
        let encoded = word.encode();
        debug_assert_eq!(encoded.decode(), Some(word));
        self.words.push(encoded);
    }

    #[expect(clippy::too_many_lines, reason = "one arm for each op")]
    pub(super) fn op(&mut self, function: &Function, op: &Op, edges: &Edges<'_>, due: u16) -> Option<()> {
        let ty = |register: &Register| function.registers.get(usize::from(register.0)).copied();
        /// A word whose fields are registers of the same names.
        macro_rules! plain {
            ($word:ident { $($field:ident),* } $($rest:ident: $value:expr),*) => {
                Word::$word { $($field: $field.0,)* $($rest: $value),* }
            };
        }
        let word = match op {
            Op::Block {} | Op::End {} => return Some(()),
            Op::TryHost { accepted, import, arguments } => {
                let site = self.site(function, SiteTarget::Import(*import), arguments)?;
                Word::TryHost { result: accepted.0, due, site }
            }
            Op::RetryHost { accepted, times, backoff, import, arguments } => {
                let site = self.site(function, SiteTarget::Import(*import), arguments)?;
                self.put(Word::RetryHost { result: accepted.0, due, site });
                Word::Attempts { backoff: backoff.0, times: u32::try_from(*times).unwrap_or(u32::MAX) }
            }
            Op::Within { budgets, saved, phase, undoes } => {
                let otherwise = if *undoes == 0 { None } else { Some(edges.target()?) };
                let within = self.within(function, budgets, saved, *phase, otherwise)?;
                Word::Within { due, within }
            }
            Op::WithinEnd {} => Word::Leave { count: 1, due },
            Op::WithinElse {} => {
                self.put(Word::Leave { count: 1, due });
                let (credit, target) = edges.jump()?;
                Word::Jump { credit, target }
            }
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
                self.put(plain!(ForEach { item, index, list } due: due));
                edges.past()?
            }
            Op::Range { item, first, last } => {
                self.put(plain!(Range { item, first, last } due: due));
                edges.past()?
            }
            Op::Advance {} => {
                let target = edges.target()?;
                self.put(match (edges.opening?, u16::try_from(target)) {
                    (Op::ForEach { item, index, list }, Ok(body)) if self.holds_bools(ty(list)?) => {
                        plain!(NextItemBool { item, index, list } due: due, body: body)
                    }
                    (Op::ForEach { item, index, list }, Err(_)) if self.holds_bools(ty(list)?) => {
                        plain!(FarItemBool { item, index, list } due: due)
                    }
                    (Op::ForEach { item, index, list }, Ok(body)) => {
                        plain!(NextItem { item, index, list } due: due, body: body)
                    }
                    (Op::ForEach { item, index, list }, Err(_)) => {
                        plain!(FarItem { item, index, list } due: due)
                    }
                    (Op::ForEachEntry { key, value, index, map }, _) => {
                        plain!(NextEntry { key, value, index, map } due: due)
                    }
                    (Op::Range { item, last, .. }, Ok(body)) => {
                        plain!(NextInRange { item, last } due: due, body: body)
                    }
                    (Op::Range { item, last, .. }, Err(_)) => plain!(FarInRange { item, last } due: due),
                    _ => return None,
                });
                Word::Target { credit: edges.credit(edges.p.checked_add(1)?)?, target }
            }
            Op::Return {} => Word::Return { due },
            Op::ReturnValue { value } => plain!(ReturnValue { value } due: due),
            Op::Stop { reason } => plain!(Stop { reason } due: due),
            Op::Fail { reason } => plain!(Fail { reason } due: due),
            Op::Call { function: callee, arguments } => {
                Word::Call { result: 0, due, site: self.call(function, *callee, arguments)? }
            }
            Op::CallValue { result, function: callee, arguments } => {
                Word::Call { result: result.0, due, site: self.call(function, *callee, arguments)? }
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
            Op::Move { result, value } if self.is_mutable(ty(value)?) => {
                plain!(MoveMutable { result, value })
            }
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
            Op::State { result, state } => {
                let shares = self.is_reference(ty(result)?);
                Word::State { result: result.0, shares, state: state.0 }
            }
            Op::TakeState { result, state } => Word::TakeState { result: result.0, state: state.0 },
            Op::SetState { state, value } => {
                let mutable = self.is_mutable(ty(value)?);
                Word::SetState { value: value.0, mutable, state: state.0 }
            }
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
            Op::EqInt { result, left, right } | Op::EqFloat { result, left, right } => {
                plain!(EqSlot { result, left, right })
            }
            Op::NeInt { result, left, right } | Op::NeFloat { result, left, right } => {
                plain!(NeSlot { result, left, right })
            }
            Op::LtInt { result, left, right } => plain!(LtInt { result, left, right }),
            Op::LeInt { result, left, right } => plain!(LeInt { result, left, right }),
            Op::LtFloat { result, left, right } => plain!(LtFloat { result, left, right }),
            Op::LeFloat { result, left, right } => plain!(LeFloat { result, left, right }),
            Op::EqString { result, left, right } => plain!(EqString { result, left, right } due: due),
            Op::LtString { result, left, right } => plain!(LtString { result, left, right } due: due),
            Op::LeString { result, left, right } => plain!(LeString { result, left, right } due: due),
            Op::EqValue { result, left, right } => {
                self.put(plain!(EqValue { result, left, right } due: due));
                Word::Shape { ty: ty(left)?.0, fields: 0, shares: false }
            }
            Op::Not { result, value } => plain!(Not { result, value }),
            Op::NewRecord { result, fields } => {
                let site = self.site(function, SiteTarget::Object, fields)?;
                Word::NewObject { result: result.0, due, site }
            }
            Op::NewList { result, items } => {
                let bools = self.holds_bools(ty(result)?);
                let target = if bools { SiteTarget::Bools } else { SiteTarget::Object };
                let site = self.site(function, target, items)?;
                Word::NewObject { result: result.0, due, site }
            }
            Op::Field { result, record, field } => {
                Word::Field { result: result.0, record: record.0, field: *field }
            }
            Op::SetField { record, field, value } => {
                let word = Word::SetField { record: record.0, field: *field, value: value.0, due };
                self.put(word);
                self.shape(ty(record)?, ty(value)?)?
            }
            Op::Length { result, list } | Op::MapLength { result, map: list } => {
                plain!(Length { result, list })
            }
            Op::Item { result, list, index } if self.holds_bools(ty(list)?) => {
                plain!(ItemBool { result, list, index })
            }
            Op::Item { result, list, index } => plain!(Item { result, list, index }),
            Op::SetItem { list, index, value } if self.holds_bools(ty(list)?) => {
                plain!(SetItemBool { list, index, value } due: due)
            }
            Op::SetItem { list, index, value } => {
                let shares = self.is_reference(ty(value)?);
                plain!(SetItem { list, index, value } shares: shares, due: due)
            }
            Op::Some { result, value } => {
                let shares = self.is_reference(ty(value)?);
                plain!(Some { result, value } shares: shares, due: due)
            }
            Op::IsSome { result, value } => plain!(IsSome { result, value }),
            Op::Unwrap { result, value } => plain!(Unwrap { result, value }),
            Op::Push { list, value } => {
                self.put(if self.holds_bools(ty(list)?) {
                    plain!(PushBool { list, value } due: due)
                } else {
                    plain!(Push { list, value } due: due)
                });
                Word::Items { shares: self.is_reference(ty(value)?), most: self.most(ty(list)?) }
            }
            Op::Case { result, value } => plain!(Case { result, value }),
            Op::Payload { result, value, case, field } => {
                plain!(Payload { result, value } case: *case, field: *field)
            }
            Op::Find { found, value, map, key } => {
                self.put(plain!(Find { found, value, map, key } due: due));
                self.entries(ty(map)?)
            }
            Op::SetEntry { map, key, value } => {
                self.put(plain!(SetEntry { map, key, value } due: due));
                self.entries(ty(map)?)
            }
            Op::RemoveEntry { map, key } => {
                self.put(plain!(RemoveEntry { map, key } due: due));
                self.entries(ty(map)?)
            }
            Op::ForEachEntry { key, value, index, map } => {
                self.put(plain!(ForEachEntry { key, value, index, map } due: due));
                self.put(edges.past()?);
                self.entries(ty(map)?)
            }
            Op::Quantile { result, .. }
            | Op::Mean { result, .. }
            | Op::Top { result, .. }
            | Op::NewCase { result, .. }
            | Op::NewMap { result, .. }
            | Op::Text { result, .. }
            | Op::Concat { result, .. }
            | Op::Native { result, .. } => {
                if let Some(word) = quick_native(op, due) {
                    word
                } else {
                    let extended = self.extended(function, op)?;
                    let site = slot::count(self.extended.len());
                    self.extended.push(extended);
                    Word::Extended { result: result.0, due, site }
                }
            }
        };
        self.put(word);
        Some(())
    }

    /// The decoded form of an op whose operands do not fit a word.
    fn extended(&mut self, function: &Function, op: &Op) -> Option<Extended> {
        let ty = |register: &Register| function.registers.get(usize::from(register.0)).copied();
        Some(match op {
            Op::Quantile { metric, share, .. } => {
                Extended::Quantile { metric: metric.0, share: u32::try_from(*share).ok()? }
            }
            Op::Mean { metric, result } => {
                let float = match self.module.ty(ty(result)?)? {
                    Type::Optional(inner) => self.module.ty(*inner)?.class() == Class::Float,
                    _ => false,
                };
                Extended::Mean { metric: metric.0, float }
            }
            Op::Top { result, list, keys, count, bottom } => {
                let (Type::List { element: item, .. }, Type::List { element: key, .. }) =
                    (self.module.ty(ty(list)?)?, self.module.ty(ty(keys)?)?)
                else {
                    return None;
                };
                Extended::Top(Top {
                    list: list.0,
                    keys: keys.0,
                    count: count.0,
                    bottom: *bottom != 0,
                    order: Order::of(self.module, *key),
                    shares: self.is_reference(*item),
                    most: self.most(ty(result)?),
                    returns: ty(result)?,
                })
            }
            Op::NewCase { case, fields, .. } => {
                Extended::NewCase { case: *case, payload: self.operands(function, fields)? }
            }
            Op::NewMap { result, entries } => {
                let shape = self.map_shape(ty(result)?);
                Extended::NewMap { entries: self.operands(function, entries)?, shape }
            }
            Op::Text { value, .. } => Extended::Text { value: value.0, ty: ty(value)? },
            Op::Concat { parts, .. } => Extended::Concat { parts: self.operands(function, parts)? },
            Op::Native { result, native, arguments } => Extended::Native {
                function: native.function()?,
                types: self.types(function, arguments)?,
                returns: ty(result)?,
                arguments: self.operands(function, arguments)?,
            },
            _ => return None,
        })
    }

    fn is_mutable(&self, ty: TypeId) -> bool {
        self.module.ty(ty).is_some_and(Type::is_mutable)
    }

    fn is_reference(&self, ty: TypeId) -> bool {
        is_reference(self.module, ty)
    }

    fn holds_bools(&self, ty: TypeId) -> bool {
        holds_bools(self.module, ty)
    }

    /// Whether an op is a call of a function that may return at once.
    pub(super) fn is_quick(&self, op: &Op) -> bool {
        let Op::CallValue { function, .. } = op else { return false };
        self.quick(function.0).is_some()
    }

    fn quick(&self, function: u16) -> Option<Quick> {
        let at = self.quick.binary_search_by_key(&function, |(own, _)| *own).ok()?;
        self.quick.get(at).map(|(_, quick)| *quick)
    }

    /// The words before calls of functions that may return at once, now that all functions have their words.
    pub(super) fn quicken(&mut self) {
        for at in 0..self.words.len() {
            if let Some([first, second, call, ..]) = self.words.get(at..)
                && [first, second].iter().all(|word| word.kind() == Kind::Unfused as u8)
                && let Some(Word::Call { site, .. }) = call.decode()
                && let Some(quick) = self.quick_call(site)
                && let Some(words) = self.words.get_mut(at..).and_then(<[Encoded]>::first_chunk_mut)
            {
                *words = quick.map(Word::encode);
                debug_assert_eq!(words.map(Encoded::decode), quick.map(Some));
            }
        }
    }

    /// The words before the call of a site.
    fn quick_call(&self, site: u32) -> Option<[Word; 2]> {
        let call = self.calls.get(slot::index(site))?;
        let quick = self.quick(call.function)?;
        let word = |op: u32| {
            let at = self.origins.partition_point(|own| own.place() < (call.function, op));
            self.words.get(at).copied().and_then(Encoded::decode)
        };
        let (Word::If { credit, otherwise, .. }, Word::ReturnValue { due, .. }) =
            (word(Quick::ASKS)?, word(quick.returns)?)
        else {
            return None;
        };
        let asked = Word::Asked { held: quick.held, credit, otherwise };
        Some([quick.word(call.operands.of(&self.arguments), due)?, asked])
    }

    /// A fused word that has to do with a list, for what its type is.
    pub(super) fn fitting(&self, function: &Function, word: Word) -> Word {
        let type_of = |register: u8| function.registers.get(usize::from(register)).copied();
        let bools = |list: u8| type_of(list).is_some_and(|ty| self.holds_bools(ty));
        match word {
            // What is stored has to be marked shared then.
            Word::SetItemNext { value, .. } | Word::PushNext { value, .. }
                if type_of(value).is_none_or(|ty| self.is_reference(ty)) =>
            {
                Word::Unfused
            }
            Word::SetItemNext { list, index, value } if bools(list) => {
                Word::SetItemBoolNext { list, index, value }
            }
            Word::SetConstantNext { list, index, register, constant } if bools(list) => {
                let value = self.constants.get(usize::from(constant)).is_some_and(|value| *value != 0);
                Word::SetConstantBoolNext { list, index, register, value: value.into() }
            }
            Word::PushNext { list, value } if bools(list) => Word::PushBoolNext { list, value },
            word => word,
        }
    }

    /// Where a round of a loop over a range does not end with the word of this number, the fused word that thought so is another.
    pub(super) fn end_round(&mut self, fused: usize, end: usize) {
        let ends = self.words.get(end).is_some_and(|word| word.kind() == Kind::NextInRange as u8);
        if !ends
            && let Some(word) = self.words.get_mut(fused)
            && let Some(other) = word.decode().and_then(Word::with_another_end)
        {
            *word = other.encode();
        }
    }

    /// How many items a list, or entries a map, of this type may have.
    fn most(&self, ty: TypeId) -> u32 {
        let max = match self.module.ty(ty) {
            Some(Type::List { max, .. } | Type::Map { max, .. }) => *max,
            _ => None,
        };
        let limit = u32::try_from(cost::MAX_LIST_ITEMS).unwrap_or(u32::MAX);
        max.map_or(limit, |max| max.min(limit))
    }

    fn map_shape(&self, map: TypeId) -> MapShape {
        let shares = match self.module.ty(map) {
            Some(Type::Map { value, .. }) => self.is_reference(*value),
            _ => false,
        };
        MapShape { order: Order::of_keys(self.module, map), shares, most: self.most(map) }
    }

    fn entries(&self, map: TypeId) -> Word {
        let MapShape { order, shares, most } = self.map_shape(map);
        Word::Entries { order, shares, most }
    }

    /// What a write into a value of type `ty` must know.
    fn shape(&self, ty: TypeId, value: TypeId) -> Option<Word> {
        let fields = match self.module.ty(ty)? {
            Type::Record { fields, .. } => u16::try_from(fields.len()).ok()?,
            _ => 0,
        };
        Some(Word::Shape { ty: ty.0, fields, shares: self.is_reference(value) })
    }

    fn call(&mut self, function: &Function, callee: FunctionId, arguments: &[Register]) -> Option<u32> {
        let operands = self.operands(function, arguments)?;
        let site = slot::count(self.calls.len());
        let only = if let [only] = arguments { Some(only.0) } else { None };
        let callee_code = FunctionCode::default();
        self.calls.push(CallSite { callee: callee_code, function: callee.0, only, operands });
        Some(site)
    }

    fn site(&mut self, function: &Function, target: SiteTarget, arguments: &[Register]) -> Option<u32> {
        let operands = self.operands(function, arguments)?;
        let (site, pc) = (slot::count(self.sites.len()), slot::count(self.words.len()));
        self.sites.push(Site { target, pc, operands });
        Some(site)
    }

    fn operands(&mut self, function: &Function, registers: &[Register]) -> Option<Operands> {
        let first = slot::count(self.arguments.len());
        for register in registers {
            let ty = *function.registers.get(usize::from(register.0))?;
            self.arguments.push(Argument { register: register.0, shares: self.is_reference(ty) });
        }
        Some(Operands { first, count: u8::try_from(registers.len()).ok()? })
    }

    /// Where the types of a native's arguments stand.
    fn types(&mut self, function: &Function, arguments: &[Register]) -> Option<u32> {
        let first = slot::count(self.types.len());
        for register in arguments {
            self.types.push(*function.registers.get(usize::from(register.0))?);
        }
        Some(first)
    }

    fn within(
        &mut self,
        function: &Function,
        budgets: &[Register],
        saved: &[Register],
        phase: StringId,
        otherwise: Option<u32>,
    ) -> Option<u32> {
        let ty = |register: &Register| function.registers.get(usize::from(register.0)).copied();
        let budget = |register: &Register| match self.module.ty(ty(register)?)? {
            Type::Duration => Some((Budget::Duration, register.0)),
            Type::Money => Some((Budget::Money, register.0)),
            Type::Tokens => Some((Budget::Tokens, register.0)),
            _ => None,
        };
        let save = |register: &Register| {
            Some(Argument { register: register.0, shares: self.is_reference(ty(register)?) })
        };
        let within = WithinCode {
            budgets: budgets.iter().map(budget).collect::<Option<_>>()?,
            saved: saved.iter().map(save).collect::<Option<_>>()?,
            phase,
            otherwise,
        };
        let index = slot::count(self.withins.len());
        self.withins.push(within);
        Some(index)
    }

    fn intern(&mut self, value: u64) -> u32 {
        let constant = slot::count(self.constants.len());
        self.constants.push(value);
        constant
    }

    /// The place of a constant of a fused word.
    pub(super) fn small_constant(&mut self, value: i64) -> Option<u16> {
        let value = value.cast_unsigned();
        // Constants of one function lie close together; a few looks back are enough to find most again.
        let recent = self.constants.iter().enumerate().rev().take(16).find(|(_, own)| **own == value);
        match recent {
            Some((place, _)) => u16::try_from(place).ok(),
            None => {
                let place = u16::try_from(self.constants.len()).ok()?;
                self.constants.push(value);
                Some(place)
            }
        }
    }

    fn constant(&mut self, result: Register, value: u64) -> Word {
        Word::Constant { result: result.0, constant: self.intern(value) }
    }
}

/// The word of a native that costs little more than one.
fn quick_native(op: &Op, due: u16) -> Option<Word> {
    let Op::Native { result, native, arguments } = op else { return None };
    let [left, right] = arguments.as_slice() else { return None };
    let (result, left, right) = (result.0, left.0, right.0);
    Some(match native.function()? {
        NativeFunction::BitAnd => Word::AndInt { result, left, right, due },
        NativeFunction::BitOr => Word::OrInt { result, left, right, due },
        NativeFunction::BitXor => Word::XorInt { result, left, right, due },
        NativeFunction::ShiftLeft => Word::ShiftLeft { result, left, right, due },
        NativeFunction::ShiftRight => Word::ShiftRight { result, left, right, due },
        _ => return None,
    })
}
