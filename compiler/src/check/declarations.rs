//! TYPE, ENUM, INPUT, CONTEXT, METRIC and STATE: what a program holds and what crosses the border, and how it
//! looks.

use std::collections::BTreeMap;

use smol_str::SmolStr;
use swarm_bytecode::module::{Context, Input, InputId, Metric};
use swarm_bytecode::types::{EnumCase, Field, TypeId};
use swarm_grammar::ast;
use swarm_grammar::span::Span;

use super::Checker;
use super::body::Place;
use super::collect::Plan;
use super::conversions::Wanted;
use super::environment::{Answer, Given, MetricInfo, Parameter, ScopeId, Signature, StateInfo};
use super::errors;
use super::types::{MAX_TYPE_DEPTH, TypeTable};
use crate::typed::State;

/// Fields a record may have.
const MAX_FIELDS: usize = 256;

impl Checker<'_> {
    /// The fields of a TYPE.
    pub(crate) fn record(&mut self, id: TypeId, declaration: &ast::TypeDeclaration) {
        let name = &declaration.name;
        if TypeTable::is_builtin(&name.text) {
            self.report(errors::names::builtin_type(&name.text, name.span));
        }
        if declaration.fields.len() > MAX_FIELDS {
            self.report(errors::declarations::too_many("fields", MAX_FIELDS, name.span));
            return;
        }
        let mut fields = Vec::with_capacity(declaration.fields.len());
        let mut parameters = Vec::with_capacity(declaration.fields.len());
        let mut first: BTreeMap<&SmolStr, Span> = BTreeMap::new();
        let mut key: Option<Span> = None;
        for field in &declaration.fields {
            if let Some(first) = first.insert(&field.name.text, field.name.span) {
                self.report(errors::names::declared_twice(&field.name.text, field.name.span, first));
            }
            let ty = self.field_type(field);
            if let (Some(span), Some(ty)) = (field.key, ty) {
                self.key(span, ty, key);
                key = key.or(Some(span));
            }
            let default = self.field_default(field, ty);
            self.check_unit(field, ty);
            parameters.push(Parameter {
                name: field.name.text.clone(),
                // A default that was not understood must not make the field look like one without.
                ty: ty.filter(|_| default.is_some() == field.default.is_some()),
                span: field.name.span,
                default: default.clone(),
            });
            fields.push(Field {
                name: field.name.text.clone(),
                ty: ty.unwrap_or(TypeId::INT),
                key: field.key.is_some(),
                unit: field.unit.as_ref().map(|unit| unit.text.clone()),
                default,
            });
        }
        self.types.complete_record(id, fields);
        let signature = Signature {
            name: name.text.clone(),
            span: name.span,
            parameters: parameters.into(),
            answer: Answer::Value(id),
        };
        self.env.records.insert(id, signature);
    }

    fn field_default(
        &mut self,
        field: &ast::Field,
        ty: Option<TypeId>,
    ) -> Option<swarm_bytecode::types::Constant> {
        let (source, ty) = (field.default.as_ref()?, ty?);
        self.default_value(source, ty, &field.name)
    }

    fn check_unit(&mut self, field: &ast::Field, ty: Option<TypeId>) {
        if let (Some(unit), Some(ty)) = (&field.unit, ty) {
            self.field_unit(unit, ty);
        }
    }

    fn key(&mut self, span: Span, ty: TypeId, first: Option<Span>) {
        if let Some(first) = first {
            self.report(errors::header::given_twice("KEY", span, first));
        } else if self.types.is_secret(ty) {
            self.report(errors::secrets::declared_as("the KEY of a record", span));
        } else if !matches!(ty, TypeId::STRING | TypeId::INT) {
            self.report(errors::declarations::key_type(&self.types.name(ty), span));
        }
    }

    /// The payloads of an ENUM.
    pub(crate) fn payloads(&mut self, id: TypeId, declaration: &ast::EnumDeclaration) {
        let name = &declaration.name;
        if TypeTable::is_builtin(&name.text) {
            self.report(errors::names::builtin_type(&name.text, name.span));
        }
        let Some(mut info) = self.env.enums.get(&id).cloned() else { return };
        let mut cases = Vec::with_capacity(info.cases.len());
        for (case, written) in info.cases.iter_mut().zip(&declaration.cases) {
            let signature = self.signature(&written.name, &written.parameters, None);
            case.parameters = signature.parameters;
            let fields = case.parameters.iter().map(|own| Field {
                name: own.name.clone(),
                ty: own.ty.unwrap_or(TypeId::INT),
                key: false,
                unit: None,
                default: None,
            });
            if case.name == "OTHER" && !takes_in_the_rest(&case.parameters, case.span, declaration) {
                self.report(errors::declarations::other_out_of_place(&name.text, case.span));
            }
            cases.push(EnumCase { name: case.name.clone(), fields: fields.collect() });
        }
        self.types.complete_enum(id, cases);
        self.env.enums.insert(id, info);
    }

    /// How deep each TYPE and ENUM nests; one that contains itself is reported. The walk keeps its own way,
    /// so a long chain of types does not grow the stack.
    pub(crate) fn type_depths(&mut self, plan: &Plan<'_>) {
        let records = plan.types.iter().map(|(id, own)| (*id, (&own.item.name, "TYPE")));
        let enums = plan.enums.iter().map(|(id, own)| (*id, (&own.item.name, "ENUM")));
        let names: BTreeMap<TypeId, (&ast::Name, &str)> = records.chain(enums).collect();
        let inside: BTreeMap<TypeId, Vec<TypeId>> =
            names.keys().map(|id| (*id, self.declared_inside(*id))).collect();
        let mut done: BTreeMap<TypeId, bool> = BTreeMap::new();
        for root in names.keys() {
            let mut way = vec![*root];
            while let Some(&at) = way.last() {
                done.entry(at).or_insert(false);
                let next = inside.get(&at).and_then(|all| all.iter().find(|id| done.get(id) != Some(&true)));
                match next {
                    Some(next) if done.contains_key(next) => {
                        let start = way.iter().position(|id| id == next).unwrap_or(0);
                        let circle: Vec<(&ast::Name, &str)> =
                            way.iter().skip(start).filter_map(|id| names.get(id).copied()).collect();
                        let keyword = circle.first().map_or("TYPE", |(_, keyword)| keyword);
                        let circle: Vec<&ast::Name> = circle.into_iter().map(|(name, _)| name).collect();
                        let why =
                            "A value of it would never end; keep an identifier instead of the record itself.";
                        if let Some(diagnostic) = errors::declarations::circle(keyword, &circle, why) {
                            self.report(diagnostic);
                        }
                        for id in way.drain(..) {
                            done.insert(id, true);
                        }
                    }
                    Some(next) => way.push(*next),
                    None => {
                        way.pop();
                        if done.insert(at, true) == Some(false) {
                            self.set_type_depth(at, names.get(&at).map(|(name, _)| name.span));
                        }
                    }
                }
            }
        }
    }

    fn set_type_depth(&mut self, own: TypeId, span: Option<Span>) {
        let fields: Vec<TypeId> = self.field_types(own);
        let deepest = fields.iter().map(|ty| self.types.depth(*ty)).max().unwrap_or(0);
        self.types.set_depth(own, deepest);
        if let Some(span) = span
            && deepest >= MAX_TYPE_DEPTH
        {
            self.report(errors::types::too_deep(span));
        }
    }

    /// The types of a record's fields, or of all payloads of an enum.
    fn field_types(&self, own: TypeId) -> Vec<TypeId> {
        let record = self.env.records.get(&own).into_iter();
        let cases = self.env.enums.get(&own).into_iter().flat_map(|own| &own.cases);
        record.chain(cases).flat_map(|own| own.parameters.iter()).filter_map(|field| field.ty).collect()
    }

    fn declared_inside(&self, own: TypeId) -> Vec<TypeId> {
        let fields = self.field_types(own).into_iter();
        fields.filter_map(|ty| self.types.declared_inside(ty)).collect()
    }

    pub(crate) fn contexts(&mut self, plan: &Plan<'_>) -> Vec<Context> {
        let mut contexts = Vec::with_capacity(plan.contexts.len());
        for field in &plan.contexts {
            self.env.at = field.scope;
            let (ty, default) = self.given(field, "a CONTEXT value");
            if ty.is_some_and(|ty| self.types.holds_secret(ty)) {
                self.report(errors::secrets::in_the_clear(field.ty.span));
            }
            self.env.contexts.push(Given { ty });
            let ty = ty.unwrap_or(TypeId::INT);
            let unit = field.unit.as_ref().map(|unit| unit.text.clone());
            let unit = unit.or_else(|| self.usual_unit(ty));
            contexts.push(Context { name: field.name.text.clone(), ty, unit, default });
        }
        contexts
    }

    /// What a bare number of the order's context counts where the declaration does not say so (rule 30).
    fn usual_unit(&self, ty: TypeId) -> Option<SmolStr> {
        let unit = match self.types.inner(ty).unwrap_or(ty) {
            TypeId::MONEY => "USD",
            TypeId::DURATION => "ms",
            TypeId::TOKENS => "tokens",
            TypeId::BYTES => "B",
            _ => return None,
        };
        Some(SmolStr::new_static(unit))
    }

    /// Of all inputs, of which the plan's stand behind so many, those that the program declares and that hold
    /// secrets.
    pub(crate) fn secret_inputs(&mut self, plan: &Plan<'_>, all: &[Input], known: usize) -> Vec<InputId> {
        let mut secret = Vec::new();
        for ((id, input), field) in (0..).map(InputId).zip(all).skip(known).zip(&plan.inputs) {
            if field.scope != ScopeId::PRELUDE && self.types.holds_secret(input.ty) {
                secret.push(id);
            }
        }
        secret
    }

    pub(crate) fn inputs(&mut self, plan: &Plan<'_>) -> Vec<Input> {
        let mut inputs = Vec::with_capacity(plan.inputs.len());
        for field in &plan.inputs {
            self.env.at = field.scope;
            let (ty, default) = self.given(field, "an INPUT");
            self.env.inputs.push(Given { ty });
            let unit = field.unit.as_ref().map(|unit| unit.text.clone());
            inputs.push(Input {
                name: field.name.text.clone(),
                ty: ty.unwrap_or(TypeId::INT),
                unit,
                default,
            });
        }
        inputs
    }

    fn given(
        &mut self,
        field: &ast::Field,
        what: &'static str,
    ) -> (Option<TypeId>, Option<swarm_bytecode::types::Constant>) {
        let ty = self.field_type(field);
        if let Some(key) = field.key {
            self.report(errors::declarations::key_outside_type(what, key));
        }
        self.check_unit(field, ty);
        let default = self.field_default(field, ty);
        (ty, default)
    }

    pub(crate) fn metrics(&mut self, plan: &Plan<'_>) -> Vec<Metric> {
        let mut metrics = Vec::with_capacity(plan.metrics.len());
        for metric in &plan.metrics {
            self.env.at = metric.scope;
            let resolved = self.resolve(&metric.ty);
            let ty = resolved.filter(|ty| self.types.kind(*ty).calculates());
            if resolved.is_some_and(|ty| self.types.is_secret(ty)) {
                self.report(errors::secrets::declared_as("counted by a METRIC", metric.ty.span));
            } else if let (Some(wrong), None) = (resolved, ty) {
                let name = self.types.name(wrong);
                self.report(errors::declarations::metric_type(&name, metric.ty.span));
            }
            self.env.metrics.push(MetricInfo {
                ty,
                kind: metric.kind,
                by_agent: metric.by_agent,
                span: metric.name.span,
            });
            metrics.push(Metric {
                name: metric.name.text.clone(),
                ty: ty.unwrap_or(TypeId::INT),
                kind: metric.kind,
            });
        }
        metrics
    }

    /// Types of the STATE variables; their first values come with the bodies, since they may call functions.
    pub(crate) fn states(&mut self, plan: &Plan<'_>) {
        for state in &plan.states {
            self.env.at = state.scope;
            let ty = self.resolve(&state.ty);
            let (name, span) = (state.name.text.clone(), state.name.span);
            self.env.states.push(StateInfo { name, ty, span, read: false, assigned: false });
        }
    }

    /// First values of the STATE variables.
    pub(crate) fn initial_values(&mut self, plan: &Plan<'_>) -> Vec<State> {
        let mut states = Vec::with_capacity(plan.states.len());
        for (at, state) in plan.states.iter().enumerate() {
            self.env.at = state.scope;
            let ty = self.env.states.get(at).and_then(|info| info.ty);
            let name = state.name.text.clone();
            let wanted = Wanted::declared(name.clone(), state.ty.span);
            let initial = self.expression_function(
                &format!("STATE {name}"),
                Place::Initial,
                state.value.span,
                &[],
                |body| body.maybe_value(&state.value, ty, &wanted),
            );
            states.push(State { name, ty: ty.unwrap_or(TypeId::INT), initial, span: state.span });
        }
        states
    }
}

/// Whether the case OTHER is the last one and holds the name of what the program does not know.
fn takes_in_the_rest(parameters: &[Parameter], case: Span, declaration: &ast::EnumDeclaration) -> bool {
    let last = declaration.cases.last().is_some_and(|last| last.name.span == case);
    // A type that was not understood has been reported.
    let text = |ty: Option<TypeId>| ty.is_none_or(|ty| ty == TypeId::STRING);
    last && matches!(parameters, [name] if name.name == "name" && text(name.ty))
}
