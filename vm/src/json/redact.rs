//! Takes the secrets out of documents that were given to a program, so that they can be kept.

use serde_json::{Map, Value};
use smol_str::SmolStr;
use swarm_bytecode::module::Module;
use swarm_bytecode::types::{Field, REDACTED, Type, TypeId};

use super::read::{find_case, match_name};
use crate::program::Program;
use crate::secret;

impl Program {
    /// Puts `"[redacted]"` for each secret in a document that [`crate::Inputs::from_json`] takes. Of a
    /// program with secrets, what it does not know is taken out too, since it cannot tell what that is. A run
    /// over what is left has the same digest.
    pub fn redact_inputs(&self, document: &mut Value) {
        let inputs = self.module().inputs.iter().map(|input| (&input.name, input.ty));
        redact_document(self.module(), inputs, document);
    }

    /// The same for a document that [`crate::Inputs::context_json`] takes.
    pub fn redact_context(&self, document: &mut Value) {
        let contexts = self.module().contexts.iter().map(|context| (&context.name, context.ty));
        redact_document(self.module(), contexts, document);
    }

    /// The same for the JSON of one value of a type.
    pub fn redact_value(&self, ty: TypeId, json: &mut Value) {
        if secret::occurs(self.module()) {
            redact(self.module(), ty, json);
        }
    }
}

fn redact_document<'m>(
    module: &'m Module,
    wanted: impl Iterator<Item = (&'m SmolStr, TypeId)> + Clone,
    document: &mut Value,
) {
    if !secret::occurs(module) {
        return;
    }
    match document {
        Value::Object(members) => redact_members(module, wanted, members),
        // The items of the only list.
        Value::Array(_) => {
            let lists = wanted.filter(|(_, ty)| matches!(module.ty(*ty), Some(Type::List { .. })));
            lists.for_each(|(_, ty)| redact(module, ty, document));
        }
        _ => {}
    }
}

fn redact_members<'m>(
    module: &Module,
    wanted: impl Iterator<Item = (&'m SmolStr, TypeId)> + Clone,
    members: &mut Map<String, Value>,
) {
    members.retain(|key, json| {
        let at = match_name(wanted.clone().map(|(name, _)| name), key);
        let known = at.and_then(|at| wanted.clone().nth(at));
        if let Some((_, ty)) = known {
            redact(module, ty, json);
        }
        known.is_some()
    });
}

fn redact_fields(module: &Module, fields: &[Field], json: &mut Value) {
    if let Value::Object(members) = json {
        redact_members(module, fields.iter().map(|field| (&field.name, field.ty)), members);
    }
}

/// Types nest at most 16 deep (rule V04), so this does too.
fn redact(module: &Module, ty: TypeId, json: &mut Value) {
    match (module.ty(ty), json) {
        (Some(Type::Secret), json) => *json = REDACTED.into(),
        (Some(Type::Optional(_)), Value::Null) => {}
        (Some(Type::Optional(inner)), json) => redact(module, *inner, json),
        (Some(Type::List { element, .. }), Value::Array(items)) => {
            items.iter_mut().for_each(|item| redact(module, *element, item));
        }
        (Some(Type::Map { value, .. }), Value::Object(entries)) => {
            entries.values_mut().for_each(|held| redact(module, *value, held));
        }
        (Some(Type::Record { fields, .. }), json) => redact_fields(module, fields, json),
        (Some(Type::Enum { cases, .. }), Value::Object(members)) => {
            for (name, payload) in members {
                let case = find_case(cases, name).and_then(|at| cases.get(at));
                redact_fields(module, case.map_or(&[], |case| &case.fields), payload);
            }
        }
        _ => {}
    }
}
