//! Types by their ids.

use swarm_bytecode::types::{BUILTIN_TYPES, Class, Field, Type, TypeId};

/// The types of a module or of a checked program.
#[derive(Debug, Clone, Copy)]
pub struct Types<'a>(pub &'a [Type]);

impl<'a> Types<'a> {
    /// The type with this id; an int for an id that no type has.
    pub fn get(self, id: TypeId) -> &'a Type {
        let found = match id.0.checked_sub(TypeId::BUILTIN_COUNT) {
            None => BUILTIN_TYPES.get(usize::from(id.0)),
            Some(own) => self.0.get(usize::from(own)),
        };
        found.unwrap_or(&Type::Int)
    }

    /// How values of a type are carried.
    pub fn class(self, id: TypeId) -> Class {
        self.get(id).class()
    }

    /// Whether a value of the type is a secret or may hold one. A type refers only to those before it.
    pub fn holds_secret(self, id: TypeId) -> bool {
        let own = |id: TypeId| id.0.checked_sub(TypeId::BUILTIN_COUNT).map(usize::from);
        let mut known: Vec<bool> = Vec::new();
        for ty in self.0 {
            let part = |part| own(part).and_then(|at| known.get(at)).copied().unwrap_or(false);
            let holds = *ty == Type::Secret || ty.any_part(part);
            known.push(holds);
        }
        own(id).and_then(|at| known.get(at)).copied().unwrap_or(false)
    }

    /// Whether values of a type are floats or rates.
    pub fn is_float(self, id: TypeId) -> bool {
        self.class(id) == Class::Float
    }

    /// What a list holds.
    pub fn element(self, list: TypeId) -> TypeId {
        if let Type::List { element, .. } = self.get(list) { *element } else { TypeId::INT }
    }

    /// Keys and values of a map.
    pub fn entry(self, map: TypeId) -> (TypeId, TypeId) {
        if let Type::Map { key, value, .. } = self.get(map) {
            (*key, *value)
        } else {
            (TypeId::INT, TypeId::INT)
        }
    }

    /// What an optional holds.
    pub fn inner(self, optional: TypeId) -> TypeId {
        if let Type::Optional(inner) = self.get(optional) { *inner } else { TypeId::INT }
    }

    /// The fields of a record.
    pub fn fields(self, record: TypeId) -> &'a [Field] {
        if let Type::Record { fields, .. } = self.get(record) { fields } else { &[] }
    }

    /// The fields of the payload of a case of an enum.
    pub fn payload(self, id: TypeId, case: u8) -> &'a [Field] {
        match self.get(id) {
            Type::Enum { cases, .. } => cases.get(usize::from(case)).map_or(&[], |case| &case.fields),
            _ => &[],
        }
    }

    /// The most items or entries a list or map may have.
    pub fn most(self, id: TypeId) -> u64 {
        const MOST: u64 = 16_777_215;
        match self.get(id) {
            Type::List { max: Some(max), .. } | Type::Map { max: Some(max), .. } => u64::from(*max).min(MOST),
            _ => MOST,
        }
    }
}
