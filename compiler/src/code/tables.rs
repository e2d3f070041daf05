//! The module's tables while code is made: types, constants, and the new numbers of all that is used.

use std::collections::{BTreeMap, BTreeSet};

use smol_str::SmolStr;
use swarm_bytecode::module::{
    Amount, CallCost, Context, ContextId, EventHandler, Expectation, FloatId, FunctionId, Import, ImportId,
    Input, InputId, Instruction, Metric, MetricId, Reporting, Rollout, State, StateId, StringId, Target,
    Timer, Veto,
};
use swarm_bytecode::types::{EnumCase, Field, Type, TypeId};

use super::pushes::Pushes;
use super::reach::Reach;
use super::texts::{TextPlace, Texts};
use super::walk::{Part, base, walk};
use crate::bound::StateFacts;
use crate::bound::results::ResultFacts;
use crate::bound::sum::{Sum, Symbol};
use crate::typed::{Expr, ExprKind, FunctionIndex, Program, StatementKind};

/// Gives out new numbers in the order in which things are first met.
#[derive(Debug)]
pub(crate) struct Pool<K, V> {
    numbers: BTreeMap<K, u16>,
    items: Vec<V>,
    full: bool,
}

impl<K: Ord, V> Pool<K, V> {
    fn new() -> Pool<K, V> {
        Pool { numbers: BTreeMap::new(), items: Vec::new(), full: false }
    }

    fn number(&mut self, key: K, value: impl FnOnce() -> V) -> u16 {
        if let Some(&number) = self.numbers.get(&key) {
            return number;
        }
        let number = u16::try_from(self.items.len()).unwrap_or(u16::MAX);
        self.full |= self.items.len() >= usize::from(u16::MAX);
        self.items.push(value());
        self.numbers.insert(key, number);
        number
    }
}

/// The tables.
pub(crate) struct Tables<'p> {
    program: &'p Program,
    reach: &'p Reach,
    types: Vec<Type>,
    type_numbers: BTreeMap<TypeId, TypeId>,
    strings: Pool<SmolStr, SmolStr>,
    floats: Pool<u64, f64>,
    functions: BTreeMap<FunctionIndex, u16>,
    /// What is known of texts that are kept.
    pub(crate) texts: Texts,
    /// Calls whose results have items.
    results: Vec<ResultFacts>,
    /// STATE variables of which a part is assigned somewhere.
    changed: BTreeSet<StateId>,
    /// Those that are lists which items are put behind.
    pushed: BTreeSet<StateId>,
    /// Functions that a VETO comes to.
    looking: BTreeSet<FunctionIndex>,
}

impl<'p> Tables<'p> {
    pub(crate) fn new(program: &'p Program, reach: &'p Reach) -> Tables<'p> {
        let functions = reach.functions.iter().copied().zip(0..=u16::MAX).collect();
        Tables {
            program,
            reach,
            types: Vec::new(),
            type_numbers: BTreeMap::new(),
            strings: Pool::new(),
            floats: Pool::new(),
            functions,
            texts: Texts::default(),
            results: Vec::new(),
            changed: assigned_states(program, reach, &|place, _| !matches!(place.kind, ExprKind::State(_))),
            pushed: assigned_states(program, reach, &|place, value| Pushes::of(place, value).is_some()),
            looking: reached_by_vetoes(program, reach),
        }
    }

    /// The module's number for a type of the program; the types it is made of come before it.
    pub(crate) fn ty(&mut self, id: TypeId) -> TypeId {
        if id.0 < TypeId::BUILTIN_COUNT {
            return id;
        }
        if let Some(&number) = self.type_numbers.get(&id) {
            return number;
        }
        // The checker refuses types that contain themselves, so this comes to an end.
        let ty = match self.program.ty(id) {
            Some(Type::List { element, max }) => Type::List { element: self.ty(*element), max: *max },
            Some(Type::Optional(inner)) => Type::Optional(self.ty(*inner)),
            Some(Type::Map { key, value, max }) => {
                Type::Map { key: self.ty(*key), value: self.ty(*value), max: *max }
            }
            Some(Type::Record { name, fields }) => {
                Type::Record { name: name.clone(), fields: self.fields(id, fields) }
            }
            Some(Type::Enum { name, cases }) => {
                Type::Enum { name: name.clone(), cases: cases.iter().map(|case| self.case(case)).collect() }
            }
            Some(other) => other.clone(),
            None => Type::Int,
        };
        let number = self.number_of(ty);
        self.type_numbers.insert(id, number);
        number
    }

    fn number_of(&mut self, ty: Type) -> TypeId {
        let at = self.types.iter().position(|known| *known == ty).unwrap_or_else(|| {
            self.types.push(ty);
            self.types.len().saturating_sub(1)
        });
        TypeId(u16::try_from(at).unwrap_or(u16::MAX).saturating_add(TypeId::BUILTIN_COUNT))
    }

    /// The module's number for a list of any number of items of a type of the program.
    pub(crate) fn list_of(&mut self, element: TypeId) -> TypeId {
        let element = self.ty(element);
        self.number_of(Type::List { element, max: None })
    }

    fn fields(&mut self, record: TypeId, fields: &[Field]) -> Vec<Field> {
        let mut kept = Vec::new();
        for (index, field) in fields.iter().enumerate() {
            if self.keeps(record, index, field) {
                kept.push(Field { ty: self.ty(field.ty), ..field.clone() });
            }
        }
        kept
    }

    fn case(&mut self, case: &EnumCase) -> EnumCase {
        let fields = case.fields.iter().map(|field| Field { ty: self.ty(field.ty), ..field.clone() });
        EnumCase { name: case.name.clone(), fields: fields.collect() }
    }

    fn keeps(&self, record: TypeId, index: usize, field: &Field) -> bool {
        field.key
            || self.reach.holds_secret(field.ty)
            || u8::try_from(index).is_ok_and(|index| self.reach.uses_field(record, index))
    }

    /// The number of a field among those that are kept.
    pub(crate) fn field(&self, record: TypeId, index: u8) -> u8 {
        let Some(Type::Record { fields, .. }) = self.program.ty(record) else { return index };
        let before = fields.iter().enumerate().take(usize::from(index));
        let kept = before.filter(|(at, field)| self.keeps(record, *at, field)).count();
        u8::try_from(kept).unwrap_or(u8::MAX)
    }

    /// How many fields of a record type are kept.
    pub(crate) fn kept_fields(&self, record: TypeId) -> u64 {
        let Some(Type::Record { fields, .. }) = self.program.ty(record) else { return 0 };
        let kept = fields.iter().enumerate().filter(|(at, field)| self.keeps(record, *at, field)).count();
        u64::try_from(kept).unwrap_or(u64::MAX)
    }

    /// MAX of an input, by its number in the module.
    pub(crate) fn input_max(&self, id: InputId) -> Option<u64> {
        let input = self.reach.inputs.iter().nth(id.index())?;
        match self.program.ty(self.program.inputs.get(input.index())?.ty)? {
            Type::List { max, .. } | Type::Map { max, .. } => max.map(u64::from),
            _ => None,
        }
    }

    pub(crate) fn string(&mut self, text: &SmolStr) -> StringId {
        StringId(self.strings.number(text.clone(), || text.clone()))
    }

    pub(crate) fn float(&mut self, value: f64) -> FloatId {
        // −0 is no value of its own: it would print and compare as 0.
        let value = if value == 0.0 { 0.0 } else { value };
        FloatId(self.floats.number(value.to_bits(), || value))
    }

    /// What is used is found before code is made, so it has a number.
    pub(crate) fn function(&self, function: FunctionIndex) -> FunctionId {
        FunctionId(self.functions.get(&function).copied().unwrap_or(u16::MAX))
    }

    pub(crate) fn import(&self, id: ImportId) -> ImportId {
        ImportId(position(self.reach.imports.iter(), &id))
    }

    pub(crate) fn input(&self, id: InputId) -> InputId {
        InputId(position(self.reach.inputs.iter(), &id))
    }

    pub(crate) fn context(&self, id: ContextId) -> ContextId {
        ContextId(position(self.reach.contexts.iter(), &id))
    }

    pub(crate) fn metric(&self, id: MetricId) -> MetricId {
        MetricId(position(self.reach.metrics.iter(), &id))
    }

    pub(crate) fn state(&self, id: StateId) -> StateId {
        StateId(position(self.reach.states.iter(), &id))
    }

    /// Whether a part of a STATE variable is assigned somewhere.
    pub(crate) fn changes(&self, id: StateId) -> bool {
        self.changed.contains(&id)
    }

    /// Whether a VETO comes to a function, which may then not even move a STATE variable out and back.
    pub(crate) fn only_looks(&self, function: FunctionIndex) -> bool {
        self.looking.contains(&function)
    }

    /// Whether items are put behind those of a STATE variable somewhere.
    pub(crate) fn pushes(&self, id: StateId) -> bool {
        self.pushed.contains(&id)
    }

    /// The STATE variables that are changed where they are.
    pub(crate) fn changed_states(&self) -> Vec<StateId> {
        self.changed.union(&self.pushed).copied().collect()
    }

    /// The STATE variables of which a part is assigned somewhere, by their numbers in the module.
    pub(crate) fn changed(&self) -> Vec<StateId> {
        self.changed.iter().map(|id| self.state(*id)).collect()
    }

    /// The same of those that items are put behind.
    pub(crate) fn pushed(&self) -> Vec<StateId> {
        self.pushed.iter().map(|id| self.state(*id)).collect()
    }

    /// Calls whose results have items.
    pub(crate) fn result_facts(&mut self) -> Vec<ResultFacts> {
        std::mem::take(&mut self.results)
    }

    /// What the bound needs to know of the STATE variables that are used.
    pub(crate) fn state_facts(&mut self) -> Vec<StateFacts> {
        let program = self.program;
        let mut facts = Vec::new();
        for id in &self.reach.states {
            let Some(state) = program.states.get(id.index()) else { continue };
            let text = (state.ty == TypeId::STRING).then(|| self.texts.at(TextPlace::State(*id)));
            facts.push(StateFacts { span: state.span, text });
        }
        facts
    }

    /// The program's functions that are asked before an action is issued, or what it costs.
    pub(crate) fn asked(&self, id: ImportId) -> Vec<FunctionIndex> {
        let Some(import) = self.program.imports.get(id.index()) else { return Vec::new() };
        let prices = [import.cost.money, import.cost.tokens].into_iter().filter_map(|amount| match amount {
            Amount::Computed(function) => Some(FunctionIndex(u32::from(function.0))),
            Amount::Fixed(_) => None,
        });
        let vetoes = self.program.vetoes.iter().filter(|veto| veto.import == id).map(|veto| veto.condition);
        prices.chain(vetoes).collect()
    }

    /// The inputs that are used.
    pub(crate) fn inputs(&mut self) -> Vec<Input> {
        let used = self.reach.inputs.iter().filter_map(|id| self.program.inputs.get(id.index()));
        let used: Vec<&Input> = used.collect();
        used.into_iter().map(|input| Input { ty: self.ty(input.ty), ..input.clone() }).collect()
    }

    /// The context values that are used.
    pub(crate) fn contexts(&mut self) -> Vec<Context> {
        let used = self.reach.contexts.iter().filter_map(|id| self.program.contexts.get(id.index()));
        let used: Vec<&Context> = used.collect();
        used.into_iter().map(|context| Context { ty: self.ty(context.ty), ..context.clone() }).collect()
    }

    /// The metrics that are used.
    pub(crate) fn metrics(&mut self) -> Vec<Metric> {
        let used = self.reach.metrics.iter().filter_map(|id| self.program.metrics.get(id.index()));
        let used: Vec<&Metric> = used.collect();
        used.into_iter().map(|metric| Metric { ty: self.ty(metric.ty), ..metric.clone() }).collect()
    }

    /// The host functions that are called.
    pub(crate) fn imports(&mut self) -> Vec<Import> {
        let used = self.reach.imports.iter().filter_map(|id| self.program.imports.get(id.index()));
        let used: Vec<&Import> = used.collect();
        used.into_iter()
            .map(|import| Import {
                parameters: import.parameters.iter().map(|&ty| self.ty(ty)).collect(),
                result: import.result.map(|ty| self.ty(ty)),
                cost: CallCost {
                    money: self.amount(import.cost.money),
                    tokens: self.amount(import.cost.tokens),
                },
                ..import.clone()
            })
            .collect()
    }

    /// The STATE variables that are used.
    pub(crate) fn states(&mut self) -> Vec<State> {
        let program = self.program;
        let mut states = Vec::new();
        for id in &self.reach.states {
            let Some(state) = program.states.get(id.index()) else { continue };
            if state.ty == TypeId::STRING {
                let first = self.texts.at(TextPlace::Result(state.initial));
                self.texts.store(TextPlace::State(*id), first);
            }
            states.push(State {
                name: state.name.clone(),
                ty: self.ty(state.ty),
                initial: Some(self.function(state.initial)),
            });
        }
        states
    }

    /// ON handlers.
    pub(crate) fn events(&self) -> Vec<EventHandler> {
        let handlers = self.program.events.iter().map(|handler| EventHandler {
            name: handler.name.clone(),
            function: self.function(handler.function),
            max: handler.max,
        });
        handlers.collect()
    }

    /// EVERY.
    pub(crate) fn timers(&self) -> Vec<Timer> {
        let timers = self.program.timers.iter();
        timers
            .map(|timer| Timer { period_ns: timer.period_ns, function: self.function(timer.function) })
            .collect()
    }

    /// The VETOs of actions that are used.
    pub(crate) fn vetoes(&mut self) -> Vec<Veto> {
        let used = self.reach.vetoes.iter().filter_map(|at| self.program.vetoes.get(*at));
        let used: Vec<_> = used.collect();
        used.into_iter()
            .map(|veto| Veto {
                import: self.import(veto.import),
                condition: self.function(veto.condition),
                reason: self.string(&veto.reason),
            })
            .collect()
    }

    /// The header, with all that the fleet reads.
    pub(crate) fn instruction(&self) -> Instruction {
        let (program, fleet) = (self.program, &self.program.fleet);
        let rollout = fleet.rollout.as_ref().map(|(rollout, gate)| Rollout {
            gate: gate.map(|condition| self.function(condition)),
            ..rollout.clone()
        });
        let expectations = fleet.expectations.iter().map(|(condition, by_ns, text)| Expectation {
            condition: self.function(*condition),
            by_ns: *by_ns,
            text: text.clone(),
        });
        let reports = fleet.reports.iter().map(|report| Reporting {
            metrics: report.metrics.iter().map(|metric| self.metric(*metric)).collect(),
            every_ns: report.every_ns,
        });
        let target = program
            .target
            .map(|(count, filter)| Target { count, filter: filter.map(|function| self.function(function)) });
        Instruction {
            target,
            rollout,
            expectations: expectations.collect(),
            stops: fleet.stops.iter().map(|condition| self.function(*condition)).collect(),
            reports: reports.collect(),
            ..program.instruction.clone()
        }
    }

    fn amount(&self, amount: Amount) -> Amount {
        match amount {
            Amount::Fixed(_) => amount,
            Amount::Computed(function) => {
                Amount::Computed(self.function(FunctionIndex(u32::from(function.0))))
            }
        }
    }

    /// Whether some table has more entries than numbers.
    pub(crate) fn is_full(&self) -> bool {
        self.strings.full
            || self.floats.full
            || self.types.len() > usize::from(u16::MAX - TypeId::BUILTIN_COUNT)
    }

    /// Types, strings, floats, and what is known of texts.
    /// How much a call gives.
    pub(crate) fn result(&mut self, call: ResultFacts) -> Sum {
        let number = u32::try_from(self.results.len()).unwrap_or(u32::MAX);
        self.results.push(call);
        Sum::symbol(Symbol::Result(number))
    }

    pub(crate) fn finish(self) -> (Vec<Type>, Vec<SmolStr>, Vec<f64>, Texts) {
        (self.types, self.strings.items, self.floats.items, self.texts)
    }
}

/// The STATE variables that some function that is used assigns in such a way, or a part of them.
fn assigned_states(
    program: &Program,
    reach: &Reach,
    such: &dyn Fn(&Expr, &Expr) -> bool,
) -> BTreeSet<StateId> {
    let mut changed = BTreeSet::new();
    if reach.states.is_empty() {
        return changed;
    }
    for function in reach.functions.iter().filter_map(|index| program.functions.get(index.0 as usize)) {
        walk(&function.body, &mut |part| {
            if let Part::Statement(statement) = part
                && let StatementKind::Assign { place, value, .. } = &statement.kind
                && let Expr { kind: ExprKind::State(state), .. } = base(place)
                && such(place, value)
            {
                changed.insert(*state);
            }
        });
    }
    changed
}

/// Where `wanted` stands; what is used was found by the same walk, so it is there.
fn position<'a, T: PartialEq + 'a>(mut items: impl Iterator<Item = &'a T>, wanted: &T) -> u16 {
    items.position(|item| item == wanted).and_then(|at| u16::try_from(at).ok()).unwrap_or(u16::MAX)
}

/// The conditions of the VETOs that are used, and the functions they call.
fn reached_by_vetoes(program: &Program, reach: &Reach) -> BTreeSet<FunctionIndex> {
    let conditions = reach.vetoes.iter().filter_map(|at| program.vetoes.get(*at));
    let mut open: Vec<FunctionIndex> = conditions.map(|veto| veto.condition).collect();
    let mut reached = BTreeSet::new();
    while let Some(index) = open.pop() {
        if !reached.insert(index) {
            continue;
        }
        let Some(function) = program.functions.get(index.0 as usize) else { continue };
        walk(&function.body, &mut |part| {
            if let Part::Expr(Expr { kind: ExprKind::Call(called, _), .. }) = part {
                open.push(*called);
            }
        });
    }
    reached
}
