//! VETO: actions a program forbids itself.

use swarm_bytecode::module::ImportId;
use swarm_bytecode::types::TypeId;
use swarm_grammar::ast;

use super::Checker;
use super::body::Place;
use super::collect::Plan;
use super::environment::{Parameter, Symbol};
use super::errors;
use crate::typed::Veto;

impl Checker<'_> {
    /// Every VETO in the order written; those of used files first.
    pub(crate) fn vetoes(&mut self, plan: &Plan<'_>) -> Vec<Veto> {
        let mut vetoes = Vec::with_capacity(plan.vetoes.len());
        for veto in &plan.vetoes {
            self.env.at = veto.scope;
            let import = self.vetoed(&veto.action);
            let signature = import.and_then(|import| self.env.host(import).cloned());
            let parameters = match &signature {
                Some(signature) => self.bound_names(signature, Some(&veto.binders), veto.action.span, false),
                None => veto.binders.iter().map(unknown).collect(),
            };
            let name = format!("VETO {}", veto.action.text);
            let span = veto.condition.span;
            let condition = self.expression_function(&name, Place::Veto, span, &parameters, |body| {
                let condition = body.condition(&veto.condition)?;
                // `WHEN TRUE` forbids an action altogether: only what never forbids is worth a word.
                if body.cx.always(&condition) == Some(false) {
                    body.constant_condition(&condition);
                }
                Some(condition)
            });
            let reason = self.constant_text(&veto.reason, "the reason of a VETO");
            if let (Some(import), Some(reason)) = (import, reason) {
                vetoes.push(Veto { import, condition, reason, span: veto.span });
            }
        }
        vetoes
    }

    /// The action a VETO is about.
    fn vetoed(&mut self, action: &ast::Name) -> Option<ImportId> {
        match self.env.get(&action.text).map(|declared| declared.symbol) {
            Some(Symbol::Host(id)) if !self.host_is_query(id) => Some(id),
            Some(Symbol::Unknown) => None,
            found => {
                if !self.env.incomplete {
                    let query = matches!(found, Some(Symbol::Host(_)));
                    let near = self.nearest_action(&action.text);
                    self.report(errors::host::veto_of_what(action, found.is_some(), query, near.as_deref()));
                }
                None
            }
        }
    }

    /// The ACTION a word was probably meant to be.
    pub(crate) fn nearest_action(&self, word: &str) -> Option<String> {
        let actions = self
            .env
            .names()
            .filter(|(_, symbol)| matches!(symbol, Symbol::Host(id) if !self.host_is_query(*id)));
        errors::nearest(word, actions.map(|(name, _)| name)).map(str::to_owned)
    }
}

/// A name for a parameter that is not known.
fn unknown(name: &ast::Name) -> Parameter {
    Parameter { name: name.text.clone(), ty: None::<TypeId>, span: name.span, default: None }
}
