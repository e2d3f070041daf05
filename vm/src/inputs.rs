//! The data of a run: what the host gives, bound to what the program declares.

use std::sync::Arc;

use smol_str::SmolStr;
use swarm_bytecode::types::{Constant, Type, TypeId};

use crate::attached::{Attached, Linker, position, type_text};
use crate::error::{InputError, Path};
use crate::heap::{Data, Heap};
use crate::json::{Wanted, read_document};
use crate::program::Program;
use crate::table::Table;
use crate::value::{Value, ValueRef};

/// Most bytes of the name of an input's version.
const MAX_VERSION_BYTES: usize = 64;

/// Inputs and context of a program. A clone shares the data; bind once, use for any number of instances.
#[derive(Debug, Clone)]
pub struct Inputs {
    program: Program,
    attached: Arc<Attached>,
    warnings: Vec<String>,
}

impl Inputs {
    /// What the program's own defaults give; everything else has to be added.
    pub fn new(program: &Program) -> Inputs {
        let module = program.tables();
        let mut attached = Attached::new(module);
        for (at, input) in module.inputs.iter().enumerate() {
            let start = attached.extent();
            let slot = default_slot(program, &mut attached, &input.name, input.ty, input.default.as_ref());
            attached.end_part(at, start);
            if let Some(place) = attached.inputs.get_mut(at) {
                *place = slot;
            }
        }
        for (at, context) in module.contexts.iter().enumerate() {
            let start = attached.extent();
            let slot =
                default_slot(program, &mut attached, &context.name, context.ty, context.default.as_ref());
            attached.end_part(module.inputs.len().saturating_add(at), start);
            if let Some(place) = attached.contexts.get_mut(at) {
                *place = slot;
            }
        }
        Inputs { program: program.clone(), attached: Arc::new(attached), warnings: Vec::new() }
    }

    /// Gives an input as a table: the items of a list, one row for a record, one cell for a scalar. Columns are
    /// matched to fields by name and type; a field without a column takes its default.
    ///
    /// # Errors
    /// The program reads no such input; a column is missing or has another type; a list is longer than its MAX.
    pub fn table(self, name: &str, table: &Table) -> Result<Inputs, InputError> {
        let Some(at) = position(self.program.tables().inputs.iter().map(|input| &input.name), name) else {
            let names = self.program.tables().inputs.iter().map(|input| input.name.clone());
            return Err(InputError::unknown(&Path::of(name), names));
        };
        self.attach_input(at, table)
    }

    /// Gives inputs as JSON: an object of inputs by name, or, where the program reads one list, that list.
    ///
    /// # Errors
    /// The text is no JSON, or a value does not have the declared type; the error names its path.
    pub fn from_json(mut self, text: &str) -> Result<Inputs, InputError> {
        let program = self.program.clone();
        let module = program.tables();
        let wanted = module
            .inputs
            .iter()
            .map(|input| Wanted { name: &input.name, ty: input.ty, unit: input.unit.as_deref() })
            .collect::<Vec<_>>();
        let document = read_document(text, module, &wanted)?;
        self.warn("input", &document.unknown);
        for (at, table) in document.tables.iter().enumerate() {
            if let Some(table) = table {
                self = self.attach_input(at, table)?;
            }
        }
        Ok(self)
    }

    /// Gives context values as a JSON object.
    ///
    /// # Errors
    /// As [`Inputs::from_json`].
    pub fn context_json(mut self, text: &str) -> Result<Inputs, InputError> {
        let program = self.program.clone();
        let module = program.tables();
        let wanted = module
            .contexts
            .iter()
            .map(|context| Wanted { name: &context.name, ty: context.ty, unit: context.unit.as_deref() })
            .collect::<Vec<_>>();
        let document = read_document(text, module, &wanted)?;
        self.warn("context value", &document.unknown);
        let attached = Arc::make_mut(&mut self.attached);
        for (at, (table, context)) in document.tables.iter().zip(&module.contexts).enumerate() {
            let Some(table) = table else { continue };
            let start = attached.extent();
            let mut linker = Linker { module, attached, path: Path::of(&context.name) };
            let slot = linker.value(table, context.ty)?;
            attached.end_part(module.inputs.len().saturating_add(at), start);
            if let Some(place) = attached.contexts.get_mut(at) {
                *place = Some(slot);
            }
        }
        Ok(self)
    }

    /// Gives one input or context value, by its name.
    ///
    /// # Errors
    /// The program reads nothing of that name, or the value does not have the declared type.
    pub fn value(self, name: &str, value: &Value) -> Result<Inputs, InputError> {
        let mut json = String::from("{");
        crate::json::write_string(name, &mut json);
        json.push(':');
        json.push_str(&value.to_json_with_secrets());
        json.push('}');
        let module = self.program.tables();
        if module.inputs.iter().any(|input| input.name == name) {
            self.from_json(&json)
        } else if module.contexts.iter().any(|context| context.name == name) {
            self.context_json(&json)
        } else {
            let inputs = module.inputs.iter().map(|input| input.name.clone());
            let contexts = module.contexts.iter().map(|context| context.name.clone());
            Err(InputError::unknown(&Path::of(name), inputs.chain(contexts)))
        }
    }

    /// Names the version of an input or context value that was given: any bytes that are others as soon as
    /// the data are others, and the same in every process that has the same data. A snapshot then holds this
    /// name instead of the data, and is resumed only with data of the same name.
    ///
    /// # Errors
    /// The program reads nothing of that name, or the version has more than 64 bytes.
    pub fn version(mut self, name: &str, version: &[u8]) -> Result<Inputs, InputError> {
        let module = self.program.tables();
        let names = || {
            let inputs = module.inputs.iter().map(|input| &input.name);
            inputs.chain(module.contexts.iter().map(|context| &context.name))
        };
        let Some(part) = position(names(), name) else {
            return Err(InputError::unknown(&Path::of(name), names().cloned()));
        };
        if version.len() > MAX_VERSION_BYTES {
            let advice = "name it by a hash";
            return Err(InputError::new(&Path::of(name), "its version has more than 64 bytes", advice));
        }
        Arc::make_mut(&mut self.attached).set_token(part, version);
        Ok(self)
    }

    /// Gives `now`, in nanoseconds since 1970, if the program reads it. Everything else stays as it is.
    #[must_use]
    pub fn at(mut self, now_ns: i64) -> Inputs {
        let Some(at) = self.now_index() else { return self };
        let attached = Arc::make_mut(&mut self.attached);
        if let (Some(place), Some(size)) = (attached.inputs.get_mut(at), attached.sizes.get_mut(at)) {
            *place = Some(now_ns.cast_unsigned());
            *size = 1;
        }
        self
    }

    /// `now` in nanoseconds since 1970, if the program reads it and it was given.
    pub fn now_ns(&self) -> Option<i64> {
        let slot = *self.attached.inputs.get(self.now_index()?)?;
        slot.map(u64::cast_signed)
    }

    fn now_index(&self) -> Option<usize> {
        let module = self.program.tables();
        module.inputs.iter().position(|input| input.name == "now" && input.ty == TypeId::TIME)
    }

    /// What was given but not used: names the program does not read.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Number of items of each input, in the order of the module; 1 for what is no list.
    pub fn sizes(&self) -> &[u32] {
        &self.attached.sizes
    }

    fn warn(&mut self, kind: &str, names: &[SmolStr]) {
        let shown = names.iter().take(20);
        self.warnings.extend(shown.map(|name| {
            let mut quoted = String::new();
            crate::json::write_string(&name.chars().take(80).collect::<String>(), &mut quoted);
            format!("the program does not read the {kind} {quoted}")
        }));
    }

    fn attach_input(mut self, at: usize, table: &Table) -> Result<Inputs, InputError> {
        let program = self.program.clone();
        let module = program.tables();
        let Some(input) = module.inputs.get(at) else { return Ok(self) };
        let attached = Arc::make_mut(&mut self.attached);
        let start = attached.extent();
        let mut linker = Linker { module, attached, path: Path::of(&input.name) };
        let slot = linker.value(table, input.ty)?;
        attached.end_part(at, start);
        if let (Some(place), Some(size)) = (attached.inputs.get_mut(at), attached.sizes.get_mut(at)) {
            *place = Some(slot);
            *size = if matches!(module.ty(input.ty), Some(Type::List { .. } | Type::Map { .. })) {
                table.rows
            } else {
                1
            };
        }
        Ok(self)
    }

    pub(crate) fn program(&self) -> &Program {
        &self.program
    }

    /// The data as far as they were given.
    pub(crate) fn attached(&self) -> &Attached {
        &self.attached
    }

    /// Inputs that lack nothing.
    pub(crate) fn of_attached(program: &Program, attached: Arc<Attached>) -> Inputs {
        Inputs { program: program.clone(), attached, warnings: Vec::new() }
    }

    /// The data, once nothing is missing.
    pub(crate) fn complete(&self) -> Result<Arc<Attached>, InputError> {
        let module = self.program.tables();
        let inputs = module.inputs.iter().map(|input| (&input.name, input.ty)).zip(&self.attached.inputs);
        let contexts = module.contexts.iter().map(|context| (&context.name, context.ty));
        for ((name, ty), slot) in inputs.chain(contexts.zip(&self.attached.contexts)) {
            if slot.is_none() {
                return Err(InputError::missing(&Path::of(name), &type_text(module, ty)));
            }
        }
        Ok(Arc::clone(&self.attached))
    }
}

impl Program {
    /// Reads a value of a type of the program from JSON, as an input of that type would be read.
    ///
    /// # Errors
    /// As [`Inputs::from_json`]; `name` is how the error calls the value.
    pub fn read_value(&self, name: &str, ty: TypeId, json: &str) -> Result<Value, InputError> {
        let module = self.module();
        let name: SmolStr = name.into();
        let wanted = [Wanted { name: &name, ty, unit: None }];
        let mut whole = String::from("{");
        crate::json::write_string(&name, &mut whole);
        whole.push(':');
        whole.push_str(json);
        whole.push('}');
        let document = read_document(&whole, module, &wanted)?;
        let Some(table) = document.tables.first().and_then(Option::as_ref) else {
            return Err(InputError::missing(&Path::of(&name), &type_text(module, ty)));
        };
        let mut attached = Attached::new(module);
        let slot = Linker { module, attached: &mut attached, path: Path::of(&name) }.value(table, ty)?;
        let data = Data { code: self.code(), attached: &attached, heap: &Heap::default() };
        Ok(ValueRef { data, ty, slot }.to_value())
    }
}

fn default_slot(
    program: &Program,
    attached: &mut Attached,
    name: &SmolStr,
    ty: TypeId,
    default: Option<&Constant>,
) -> Option<u64> {
    let module = program.tables();
    match default {
        // A default that cannot be bound is as good as none: the value has to be given.
        Some(default) => Linker { module, attached, path: Path::of(name) }.constant(default, ty, 0).ok(),
        None => matches!(module.ty(ty), Some(Type::Optional(_))).then_some(0),
    }
}
