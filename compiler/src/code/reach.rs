//! What a program uses: the functions reached from where it can start, from its header and the costs of the
//! calls it makes, and all they mention. Everything else of the prelude and the program stays behind.

use std::collections::{BTreeMap, BTreeSet};

use swarm_bytecode::module::{Amount, ContextId, ImportId, InputId, MetricId, StateId};
use swarm_bytecode::native::{Charge, NativeId};
use swarm_bytecode::types::{Type, TypeId};

use super::walk::{Part, walk};
use crate::typed::{
    BinaryOperation, Expr, ExprKind, FunctionIndex, Program, StatementKind, Test, TestStepKind,
};

/// All that is used.
#[derive(Debug, Default)]
pub(crate) struct Reach {
    /// Functions in the order they were met; the entry is the first.
    pub(crate) functions: Vec<FunctionIndex>,
    met: BTreeSet<FunctionIndex>,
    pub(crate) imports: BTreeSet<ImportId>,
    pub(crate) inputs: BTreeSet<InputId>,
    pub(crate) contexts: BTreeSet<ContextId>,
    pub(crate) metrics: BTreeSet<MetricId>,
    pub(crate) states: BTreeSet<StateId>,
    /// VETOs of actions that are used, by their place in the program.
    pub(crate) vetoes: BTreeSet<usize>,
    /// Fields used, by record type.
    pub(crate) fields: BTreeMap<TypeId, BTreeSet<u8>>,
    /// Types used whole.
    whole: BTreeSet<TypeId>,
    /// Types that hold secrets. Such fields are kept though nobody reads them: the machine has to know what
    /// not to show of what it is given.
    secret: BTreeSet<TypeId>,
}

impl Reach {
    /// Whether a value of the type is a secret or may hold one.
    pub(crate) fn holds_secret(&self, ty: TypeId) -> bool {
        self.secret.contains(&ty)
    }

    /// Whether a field of a record type is used.
    pub(crate) fn uses_field(&self, record: TypeId, index: u8) -> bool {
        self.whole.contains(&record) || self.fields.get(&record).is_some_and(|fields| fields.contains(&index))
    }

    fn function(&mut self, function: FunctionIndex) {
        if self.met.insert(function) {
            self.functions.push(function);
        }
    }

    fn import(&mut self, program: &Program, id: ImportId) {
        let Some(import) = program.imports.get(id.index()) else { return };
        if !self.imports.insert(id) {
            return;
        }
        for amount in [import.cost.money, import.cost.tokens] {
            if let Amount::Computed(function) = amount {
                self.function(FunctionIndex(u32::from(function.0)));
            }
        }
        for &parameter in &import.parameters {
            self.passed(program, parameter);
        }
        for (at, veto) in program.vetoes.iter().enumerate() {
            if veto.import == id {
                self.vetoes.insert(at);
                self.function(veto.condition);
            }
        }
    }

    fn state(&mut self, program: &Program, id: StateId) {
        if self.states.insert(id)
            && let Some(state) = program.states.get(id.index())
        {
            self.function(state.initial);
        }
    }

    /// A value of this type goes to the host, or is printed. A record stands there by its key; one without a key
    /// stands for itself.
    fn passed(&mut self, program: &Program, ty: TypeId) {
        match program.ty(ty) {
            Some(Type::List { element: inner, .. } | Type::Optional(inner)) => self.passed(program, *inner),
            Some(Type::Map { key, value, .. }) => {
                self.passed(program, *key);
                self.passed(program, *value);
            }
            Some(Type::Enum { cases, .. }) => {
                for field in cases.iter().flat_map(|case| &case.fields) {
                    self.passed(program, field.ty);
                }
            }
            Some(Type::Record { fields, .. }) if !fields.iter().any(|field| field.key) => {
                self.whole(program, ty);
            }
            _ => {}
        }
    }

    /// A value of this type is used with all its parts.
    fn whole(&mut self, program: &Program, ty: TypeId) {
        match program.ty(ty) {
            Some(Type::List { element: inner, .. } | Type::Optional(inner)) => self.whole(program, *inner),
            Some(Type::Map { key, value, .. }) => {
                self.whole(program, *key);
                self.whole(program, *value);
            }
            Some(Type::Enum { cases, .. }) if self.whole.insert(ty) => {
                for field in cases.iter().flat_map(|case| &case.fields) {
                    self.whole(program, field.ty);
                }
            }
            Some(Type::Record { fields, .. }) if self.whole.insert(ty) => {
                for field in fields {
                    self.whole(program, field.ty);
                }
            }
            _ => {}
        }
    }

    fn expr(&mut self, program: &Program, expr: &Expr) {
        match &expr.kind {
            ExprKind::Input(id) => {
                self.inputs.insert(*id);
            }
            ExprKind::Context(id) => {
                self.contexts.insert(*id);
            }
            ExprKind::Metric(id) | ExprKind::Quantile(id, _) | ExprKind::Mean(id) => {
                self.metrics.insert(*id);
            }
            ExprKind::State(id) => self.state(program, *id),
            ExprKind::Call(function, _) => self.function(*function),
            ExprKind::Host(import, _) => self.import(program, *import),
            ExprKind::Field(record, index) => {
                if let Some(ty) = record.ty {
                    self.fields.entry(ty).or_default().insert(*index);
                }
            }
            ExprKind::Record(values) => {
                let Some(ty) = expr.ty else { return };
                let all = (0..values.len()).filter_map(|index| u8::try_from(index).ok());
                self.fields.entry(ty).or_default().extend(all);
            }
            ExprKind::Binary(BinaryOperation::Compare(_), left, right) => {
                let none = |side: &Expr| matches!(side.kind, ExprKind::Zero);
                if let Some(ty) = left.ty.filter(|_| !none(left) && !none(right)) {
                    self.whole(program, ty);
                }
            }
            ExprKind::Text(value) => {
                if let Some(ty) = value.ty {
                    self.passed(program, ty);
                }
            }
            ExprKind::Native(native, arguments) if compares(*native) => {
                for ty in arguments.iter().filter_map(|argument| argument.ty) {
                    self.whole(program, ty);
                }
            }
            _ => {}
        }
    }

    fn body(&mut self, program: &Program, function: FunctionIndex) {
        let Some(function) = program.functions.get(function.0 as usize) else { return };
        walk(&function.body, &mut |part| match part {
            Part::Expr(expr) => self.expr(program, expr),
            Part::Statement(statement) => match &statement.kind {
                StatementKind::Record { metric, .. } => {
                    self.metrics.insert(*metric);
                }
                StatementKind::Try { import, .. } => self.import(program, *import),
                _ => {}
            },
        });
    }

    /// Where a program can start, and what its header asks.
    fn roots(&mut self, program: &Program) {
        self.function(program.entry);
        if let Some((_, Some(filter))) = program.target {
            self.function(filter);
        }
        program.events.iter().for_each(|event| self.function(event.function));
        program.timers.iter().for_each(|timer| self.function(timer.function));
        let fleet = &program.fleet;
        let gate = fleet.rollout.as_ref().and_then(|(_, gate)| *gate);
        let expectations = fleet.expectations.iter().map(|(condition, ..)| *condition);
        let conditions = gate.into_iter().chain(expectations).chain(fleet.stops.iter().copied());
        conditions.for_each(|condition| self.function(condition));
        self.metrics.extend(fleet.reports.iter().flat_map(|report| report.metrics.iter().copied()));
    }

    /// What the lines of a TEST name and compute.
    fn test(&mut self, program: &Program, test: &Test) {
        for step in &test.steps {
            step.kind.functions(&mut |function| self.function(function));
            match step.kind {
                TestStepKind::GivenInput(id, _) => {
                    self.inputs.insert(id);
                }
                TestStepKind::GivenContext(id, _) => {
                    self.contexts.insert(id);
                }
                TestStepKind::GivenMetric(id, _) => {
                    self.metrics.insert(id);
                }
                TestStepKind::GivenState(id, _) => self.state(program, id),
                TestStepKind::GivenAnswer(id, ..)
                | TestStepKind::GivenFails(id, ..)
                | TestStepKind::ExpectAction(id, ..) => self.import(program, id),
                _ => {}
            }
        }
    }
}

/// Whether a native looks at all parts of its arguments.
fn compares(native: NativeId) -> bool {
    let charge = native.function().map(|native| native.info().charge);
    matches!(charge, Some(Charge::Values | Charge::Sort))
}

/// The types that are secret or hold what is. Types nest at most so deep, so few rounds find all.
fn secret_types(program: &Program) -> BTreeSet<TypeId> {
    let mut secret = BTreeSet::new();
    loop {
        let known = secret.len();
        for (ty, id) in program.types.iter().zip(TypeId::BUILTIN_COUNT..) {
            if *ty == Type::Secret || ty.any_part(|part| secret.contains(&part)) {
                secret.insert(TypeId(id));
            }
        }
        if secret.len() == known {
            return secret;
        }
    }
}

/// Finds all that `program` uses; with `test`, also what that uses.
pub(crate) fn reach(program: &Program, test: Option<&Test>) -> Reach {
    let mut reach = Reach { secret: secret_types(program), ..Reach::default() };
    reach.inputs.extend(program.secret_inputs.iter().copied());
    reach.roots(program);
    if let Some(test) = test {
        reach.test(program, test);
    }
    let mut next = 0;
    while let Some(&function) = reach.functions.get(next) {
        reach.body(program, function);
        next = next.saturating_add(1);
    }
    reach
}
