//! How the event of an action is written into the digest where much of it is known before: docs/trace.md says
//! what it is.

use swarm_bytecode::module::{Import, Module};
use swarm_bytecode::types::{Class, Type, TypeId};

use super::digest::{put_bytes, put_text, put_value, put_word};
use crate::attached::Texts;
use crate::host::{Call, Ready};

/// What is known of the events of an action before it is issued, so that it is not found out for each of them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ActionForm {
    /// The name behind its length, and how many bytes that is; none of a long one.
    name: [u8; ActionForm::NAME],
    name_bytes: u8,
    /// Of the first arguments; calls in place have no more.
    arguments: [Form; Ready::MOST],
}

/// How a value is written.
#[derive(Debug, Clone, Copy)]
enum Form {
    Word,
    /// A record by its KEY: this field, a text.
    Key(u8),
    /// As its type says.
    Other,
}

impl Form {
    fn of(module: &Module, ty: TypeId) -> Form {
        let ty = module.ty(ty);
        match ty.map(Type::class) {
            Some(Class::Word | Class::Bool | Class::Float) => Form::Word,
            Some(Class::Record) => {
                let fields = if let Some(Type::Record { fields, .. }) = ty { fields.as_slice() } else { &[] };
                let key = (0..=u8::MAX).zip(fields).find(|(_, field)| field.key);
                let text = |ty| module.ty(ty).map(Type::class) == Some(Class::String);
                key.filter(|(_, field)| text(field.ty)).map_or(Form::Other, |(at, _)| Form::Key(at))
            }
            _ => Form::Other,
        }
    }
}

impl ActionForm {
    /// Bytes of a name that is copied at once, its length included.
    const NAME: usize = 40;
    /// Bytes of a KEY that is copied at once.
    const KEY: usize = 32;

    pub(crate) fn new(module: &Module, import: &Import) -> ActionForm {
        let mut form =
            ActionForm { name: [0; Self::NAME], name_bytes: 0, arguments: [Form::Other; Ready::MOST] };
        let [length, _, _, _, _, _, _, _, name @ ..] = &mut form.name;
        if let Some(name) = name.get_mut(..import.name.len()) {
            name.copy_from_slice(import.name.as_bytes());
            *length = u8::try_from(name.len()).unwrap_or(0);
            form.name_bytes = length.saturating_add(8);
        }
        for (form, ty) in form.arguments.iter_mut().zip(&import.parameters) {
            *form = Form::of(module, *ty);
        }
        form
    }

    /// Adds name and arguments of an action, which has so many; `keys` are the texts its records were shown
    /// by last.
    #[inline(always)]
    pub(crate) fn put(&self, bytes: &mut Vec<u8>, call: &Call<'_>, count: u8, keys: &mut Texts<'_>) {
        match usize::from(self.name_bytes) {
            0 => put_text(bytes, call.name()),
            length => put_start(bytes, &self.name, length),
        }
        let arguments = call.arguments.get(..usize::from(count)).unwrap_or(&[]);
        for (at, (form, slot)) in self.arguments.iter().zip(arguments).enumerate() {
            match *form {
                Form::Word => put_word(bytes, *slot),
                Form::Key(field) if let Some((text, length)) = keys.find(*slot, field) => {
                    match text.first_chunk::<{ ActionForm::KEY }>() {
                        Some(text) if length <= text.len() => {
                            bytes.extend_from_slice(&[2, length.to_le_bytes()[0], 0, 0, 0, 0, 0, 0, 0]);
                            put_start(bytes, text, length);
                        }
                        _ => {
                            bytes.push(2);
                            put_bytes(bytes, text.get(..length).unwrap_or(&[]));
                        }
                    }
                }
                _ => put_argument(bytes, call, at),
            }
        }
    }
}

/// Adds an argument as its type says.
#[inline(never)]
fn put_argument(bytes: &mut Vec<u8>, call: &Call<'_>, at: usize) {
    if let Some(value) = call.argument(at) {
        put_value(bytes, value);
    }
}

/// Adds the first bytes of some. All of them are copied, which takes less than copying any number of them.
#[inline(always)]
fn put_start<const N: usize>(bytes: &mut Vec<u8>, from: &[u8; N], length: usize) {
    let end = bytes.len().saturating_add(length);
    bytes.extend_from_slice(from);
    bytes.truncate(end);
}
