//! What a program reads: from files, from this machine's process table, from the clock.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::SystemTime;

use serde_json::{Value, json};
use swarm_bytecode::module::Module;
use swarm_bytecode::types::Type;
use swarm_vm::{InputError, Inputs, Program};

use crate::cli::{DataArguments, HostChoice};
use crate::files;
use crate::host::processes::{self, Processes};
use crate::recording::Given;
use crate::render::text::grouped;
use crate::status::{Failure, Fault};

/// What the program reads, and where it came from.
pub(crate) struct Data {
    /// Bound to the program.
    pub(crate) inputs: Inputs,
    /// For people: a file, or the processes of this machine.
    pub(crate) origin: Option<String>,
    /// What is worth saying about it.
    pub(crate) notes: Vec<String>,
    /// Names of tasks for people, by id.
    pub(crate) names: BTreeMap<String, String>,
    /// What was read, as it would have to be given to read the same again.
    pub(crate) given: Given,
}

impl Given {
    /// Adds the document of `--input`, which may be all there is.
    fn add(&mut self, document: Value, whole: bool) {
        match (&mut self.input, document) {
            (Some(Value::Object(members)), Value::Object(more)) if !whole => members.extend(more),
            (input, document) => *input = Some(document),
        }
    }

    /// Binds it to a program; `name` is what an error calls the documents.
    pub(crate) fn bind(&self, program: &Program, name: &Path) -> Result<Inputs, Failure> {
        let mut inputs = Inputs::new(program).at(self.now_ns);
        if let Some(input) = &self.input {
            inputs = inputs.from_json(&input.to_string()).map_err(|error| unfit(name, &error))?;
        }
        if let Some(context) = &self.context {
            inputs = inputs.context_json(&context.to_string()).map_err(|error| unfit(name, &error))?;
        }
        Ok(inputs)
    }
}

impl Data {
    /// Reads all of it.
    pub(crate) fn gather(arguments: &DataArguments, program: &Program) -> Result<Data, Failure> {
        // `now` is the start of the run, unless the input says otherwise.
        let given = Given { now_ns: clock_now(), ..Given::default() };
        let inputs = Inputs::new(program).at(given.now_ns);
        let mut data = Data { inputs, origin: None, notes: Vec::new(), names: BTreeMap::new(), given };
        let input = arguments.input.as_deref().map(|path| Ok((path, files::read_json(path)?))).transpose()?;
        let given = input.as_ref().is_some_and(|(_, (_, document))| gives_tasks(document));
        if arguments.host == Some(HostChoice::Processes) && !given {
            data.processes(program)?;
        }
        if let Some((path, (text, document))) = input {
            data.inputs = data.inputs.from_json(&text).map_err(|error| unfit(path, &error))?;
            data.given.add(document, given);
            if given || data.names.is_empty() {
                data.origin = Some(files::display_name(path));
            }
        }
        if let Some(path) = arguments.context.as_deref() {
            let (text, document) = files::read_json(path)?;
            data.inputs = data.inputs.context_json(&text).map_err(|error| unfit(path, &error))?;
            data.given.context = Some(document);
        }
        data.notes.extend(data.inputs.warnings().iter().cloned());
        Ok(data)
    }

    /// This machine's processes as the task queue, if the program reads it.
    fn processes(&mut self, program: &Program) -> Result<(), Failure> {
        if !program.module().inputs.iter().any(|input| input.name == processes::INPUT) {
            self.notes.push(format!(
                "the program does not read {}: --host processes gives it nothing",
                processes::INPUT
            ));
            return Ok(());
        }
        let running = Processes::now()?;
        let tasks = running.tasks()?;
        self.inputs = self.inputs.clone().table(processes::INPUT, &tasks).map_err(|error| {
            Failure::usage(
                Fault::WrongData,
                format_args!("this machine's processes do not fit the program: {error}"),
            )
        })?;
        let processes = if running.count() == 1 { "process" } else { "processes" };
        self.origin = Some(format!("the {} {processes} of this machine", grouped(running.count() as u128)));
        self.names = running.names();
        self.given.input = Some(json!({ (processes::INPUT): running.document() }));
        if reads_network(program.module()) {
            self.notes.push(processes::NOTE.to_owned());
        }
        Ok(())
    }
}

/// What the machine's clock shows, in nanoseconds since 1970.
pub(crate) fn clock_now() -> i64 {
    let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since_epoch.as_nanos()).unwrap_or(i64::MAX)
}

/// Whether the data says itself what the tasks are.
fn gives_tasks(document: &Value) -> bool {
    document.is_array() || document.get(processes::INPUT).is_some() || document.get("taskQueue").is_some()
}

/// The module holds only fields that someone reads.
fn reads_network(module: &Module) -> bool {
    module.types.iter().any(
        |ty| matches!(ty, Type::Record { fields, .. } if fields.iter().any(|field| field.name == "network")),
    )
}

fn unfit(path: &Path, error: &InputError) -> Failure {
    let name = files::display_name(path);
    Failure::usage(Fault::WrongData, format_args!("{name} does not fit the program: {error}")).file(name)
}
