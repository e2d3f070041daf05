//! WITHIN and PHASE: blocks with budgets of their own.

use smol_str::SmolStr;
use swarm_bytecode::op::{Op, Register};
use swarm_bytecode::types::TypeId;

use super::function::{Generator, Step};
use super::walk::assigned;
use crate::bound::facts::WithinFacts;
use crate::typed::{Expr, LocalId, Statement};

impl Generator<'_, '_> {
    /// Says whether the program can go on behind it. With ELSE, what the block assigns outside of itself is
    /// saved: if a budget runs out it is put back.
    pub(crate) fn within(
        &mut self,
        phase: Option<&SmolStr>,
        budgets: &[Expr],
        body: &[Statement],
        otherwise: Option<&[Statement]>,
    ) -> Step<bool> {
        let mut facts = WithinFacts::default();
        let mut types = Vec::with_capacity(budgets.len());
        for budget in budgets {
            let ty = self.type_of(budget);
            types.push(ty);
            match ty {
                TypeId::MONEY => facts.money = self.size(budget).ok(),
                TypeId::TOKENS => facts.tokens = self.size(budget).ok(),
                _ => {}
            }
        }
        let budgets = self.arguments(budgets, &types)?;
        let saved = if otherwise.is_some() { self.outer_locals(body) } else { Vec::new() };
        let op = Op::Within {
            budgets: budgets.into(),
            saved: Box::new(saved.iter().map(|(register, _)| *register).collect()),
            phase: self.tables.string(&phase.cloned().unwrap_or_default()),
            undoes: i16::from(otherwise.is_some()),
        };
        let at = self.emit_at(op, self.statement);
        if otherwise.is_some() {
            // What is saved has a second holder from now on, STATE variables too.
            saved.iter().for_each(|(_, local)| self.shares_local(at, *local));
            for state in self.tables.changed_states() {
                self.shares_state(at, state);
            }
        }
        self.facts.withins.insert(at, facts);
        let goes_on = self.statements(body)?;
        let Some(otherwise) = otherwise else {
            self.emit(Op::WithinEnd {});
            return Ok(goes_on);
        };
        self.emit(Op::WithinElse {});
        let else_goes_on = self.statements(otherwise)?;
        self.emit(Op::End {});
        Ok(goes_on || else_goes_on)
    }

    /// The locals from outside that `body` assigns, with their registers, in order of those.
    fn outer_locals(&self, body: &[Statement]) -> Vec<(Register, LocalId)> {
        let lives = |local: &LocalId| self.homes.get(local.0 as usize).is_some_and(Option::is_some);
        let mut outer: Vec<(Register, LocalId)> =
            assigned(body).into_iter().filter(lives).map(|local| (self.register_of(local), local)).collect();
        outer.sort_unstable();
        outer
    }
}
