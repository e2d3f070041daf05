//! Rules of the agent itself: the VETOs of a program that never runs, held against every call of every other
//! program.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;

use smol_str::SmolStr;
use swarm_bytecode::module::{FunctionId, Module};
use swarm_vm::{Call, Grants, Host, Inputs, Instance, Limits, Program, Value, ValueRef};

use super::machine::Machines;

/// The VETOs of a program.
struct Rules {
    instance: Instance,
    /// Action, condition and reason of each.
    vetoes: Vec<(SmolStr, FunctionId, SmolStr)>,
}

impl Rules {
    /// Why a call is forbidden. A rule that cannot be computed forbids.
    fn forbid(&mut self, call: &Call<'_>) -> Option<SmolStr> {
        let arguments: Vec<Value> = call.arguments().map(ValueRef::to_value).collect();
        let Rules { instance, vetoes } = self;
        let mut own = vetoes.iter().filter(|(action, ..)| action == call.name());
        own.find_map(|(_, condition, reason)| match instance.evaluate(*condition, &arguments) {
            Ok(Value::Bool(false)) => None,
            Ok(_) => Some(reason.clone()),
            Err(_) => Some("a rule of the agent cannot be computed for this call".into()),
        })
    }
}

/// Action, condition and reason of each VETO of a module.
fn vetoes(module: &Module) -> Vec<(SmolStr, FunctionId, SmolStr)> {
    let named = |veto: &swarm_bytecode::module::Veto| {
        let action = module.imports.get(veto.import.index())?.name.clone();
        let reason = module.strings.get(veto.reason.index()).cloned().unwrap_or_default();
        Some((action, veto.condition, reason))
    };
    module.vetoes.iter().filter_map(named).collect()
}

impl Machines {
    /// The same machines, in which no program may do what a VETO of these rules forbids. The rules see an
    /// action and its arguments; inputs and a context of their own they have none.
    ///
    /// # Errors
    /// In a sentence: the rules declare an INPUT or a CONTEXT, or there is no VETO among them.
    pub fn vetoing(mut self, rules: &Program) -> Result<Machines, String> {
        let module = rules.module();
        if !module.inputs.is_empty() || !module.contexts.is_empty() {
            return Err("rules of an agent read the action and nothing else: no INPUT, no CONTEXT".to_owned());
        }
        let vetoes = vetoes(module);
        if vetoes.is_empty() {
            return Err("rules of an agent are VETOs of actions it calls, and there is none".to_owned());
        }
        let mut host = Host::new();
        host.otherwise(|_| swarm_vm::Answer::failed("rules only compute"));
        // It never starts: what it would need is granted to nobody.
        let grants: Grants = module.imports.iter().filter_map(|import| import.capability.as_ref()).collect();
        let instance = Instance::new(rules, &Inputs::new(rules), Limits::default(), &grants, &host);
        let instance = instance.map_err(|error| error.message().to_owned())?;
        let actions: BTreeSet<SmolStr> = vetoes.iter().map(|(action, ..)| action.clone()).collect();
        let rules = Rc::new(RefCell::new(Rules { instance, vetoes }));
        for action in actions {
            let rules = Rc::clone(&rules);
            self.host().veto(&action, move |call| rules.borrow_mut().forbid(call));
        }
        Ok(self)
    }
}
