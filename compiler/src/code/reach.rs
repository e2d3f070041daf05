//! What a program uses: the functions reached from its entry, its filter and the costs of the calls it makes,
//! and all they mention. Everything else of the prelude and the program stays behind.

use std::collections::{BTreeMap, BTreeSet};

use swarm_bytecode::module::{Amount, ContextId, ImportId, InputId, MetricId};
use swarm_bytecode::types::{Type, TypeId};

use super::walk::{Part, walk};
use crate::typed::{BinaryOperation, Expr, ExprKind, FunctionIndex, Program, StatementKind};

/// All that is used.
#[derive(Debug, Default)]
pub(crate) struct Reach {
    /// Functions in the order they were met; the entry is the first.
    pub(crate) functions: Vec<FunctionIndex>,
    pub(crate) imports: BTreeSet<ImportId>,
    pub(crate) inputs: BTreeSet<InputId>,
    pub(crate) contexts: BTreeSet<ContextId>,
    pub(crate) metrics: BTreeSet<MetricId>,
    /// Fields used, by record type.
    pub(crate) fields: BTreeMap<TypeId, BTreeSet<u8>>,
    /// Types used whole.
    whole: BTreeSet<TypeId>,
}

impl Reach {
    /// Whether a field of a record type is used.
    pub(crate) fn uses_field(&self, record: TypeId, index: u8) -> bool {
        self.whole.contains(&record) || self.fields.get(&record).is_some_and(|fields| fields.contains(&index))
    }

    fn function(&mut self, function: FunctionIndex) {
        if !self.functions.contains(&function) {
            self.functions.push(function);
        }
    }

    fn import(&mut self, program: &Program, id: ImportId) {
        let Some(import) = program.imports.get(id.index()) else { return };
        if self.imports.insert(id) {
            for amount in [import.cost.money, import.cost.tokens] {
                if let Amount::Computed(function) = amount {
                    self.function(FunctionIndex(u32::from(function.0)));
                }
            }
            for &parameter in &import.parameters {
                self.passed(program, parameter);
            }
        }
    }

    /// A value of this type goes to the host. A record stands there by its key; one without a key stands for
    /// itself.
    fn passed(&mut self, program: &Program, ty: TypeId) {
        match program.ty(ty) {
            Some(Type::List { element: inner, .. } | Type::Optional(inner)) => self.passed(program, *inner),
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
            ExprKind::Metric(id) => {
                self.metrics.insert(*id);
            }
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
            _ => {}
        }
    }
}

/// Finds all that `program` uses.
pub(crate) fn reach(program: &Program) -> Reach {
    let mut reach = Reach::default();
    reach.function(program.entry);
    if let Some((_, Some(filter))) = program.target {
        reach.function(filter);
    }
    let mut next = 0;
    while let Some(&FunctionIndex(index)) = reach.functions.get(next) {
        let Some(function) = program.functions.get(index as usize) else { break };
        walk(&function.body, &mut |part| match part {
            Part::Expr(expr) => reach.expr(program, expr),
            Part::Statement(statement) => {
                if let StatementKind::Record { metric, .. } = statement.kind {
                    reach.metrics.insert(metric);
                }
            }
        });
        next = next.saturating_add(1);
    }
    reach
}
