//! Code generation: a typed program becomes a module. Only what the program uses goes into it.
//!
//! Values are never seen to change by two holders. What is shared is copied before it is written, and a list,
//! map or record gets a second holder in three ways only: by `copy` or by being read from a STATE variable,
//! which mark it as shared, or by being stored in an object, which marks it too. So a part read from an
//! object needs no mark, and a value that is merely looked at (an argument, the list of a loop) stays where
//! it is and costs nothing. A STATE variable is moved out to be changed or looked at, and back.

mod aggregates;
mod budgets;
mod calls;
mod changes;
mod conditions;
mod debug;
mod emit;
mod expressions;
mod function;
mod loops;
mod making;
mod matching;
mod optionals;
mod places;
mod plan;
mod printed;
mod pushes;
mod reach;
mod registers;
mod sizes;
mod statements;
mod tables;
#[cfg(test)]
mod tests;
mod texts;
pub(crate) mod walk;

use smol_str::SmolStr;
use swarm_bytecode::module::{Bound, Function, Instruction, Module};
use swarm_grammar::diagnostic::{Code, Diagnostic};
use swarm_grammar::source::Sources;
use swarm_grammar::span::Span;

use crate::bound::Facts;
use crate::bound::facts::FunctionFacts;
use crate::typed::{FunctionIndex, Program, Test};

pub(crate) use changes::map_words;
pub use plan::PlannedStep;

/// A module, and what the bound is computed from.
#[derive(Debug, Clone)]
pub struct Generated {
    /// The module; its bound is not filled in yet.
    pub module: Module,
    /// What is known of its functions and texts.
    pub facts: Facts,
    /// The lines of the TEST it was made for.
    pub steps: Vec<PlannedStep>,
}

/// Makes the module of a checked program; with a TEST, one that has the functions of its lines too.
///
/// # Errors
/// [`Code::E0180`] for each function that does not fit: too many values at once, too long, nested too deeply.
pub fn generate(
    program: &Program,
    sources: &Sources,
    test: Option<&Test>,
) -> Result<Generated, Vec<Diagnostic>> {
    let reach = reach::reach(program, test);
    let mut tables = tables::Tables::new(program, &reach);
    let (inputs, contexts) = (tables.inputs(), tables.contexts());
    let (metrics, imports) = (tables.metrics(), tables.imports());
    let (states, vetoes) = (tables.states(), tables.vetoes());
    let mut errors = Vec::new();
    let mut done = Vec::new();
    for index in &reach.functions {
        let Some(source) = program.functions.get(index.0 as usize) else { continue };
        match function::generate(program, &mut tables, *index, source) {
            Ok(compiled) => done.push(compiled),
            Err(error) => errors.push(*error),
        }
    }
    if tables.is_full() || reach.functions.len() > usize::from(u16::MAX) {
        errors.push(too_large(
            entry_span(program),
            "the program has more constants, types or functions than fit",
        ));
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    let steps = test.map_or_else(Vec::new, |test| plan::steps(test, &tables));
    let instruction = instruction(program, &tables);
    let (entry, events, timers) = (tables.function(program.entry), tables.events(), tables.timers());
    let debug = Some(debug::debug(sources, &done));
    let (changed, pushed) = (tables.changed(), tables.pushed());
    let (state_facts, results) = (tables.state_facts(), tables.result_facts());
    let (types, strings, floats, texts) = tables.finish();
    let (functions, facts) = done.into_iter().map(|compiled| (compiled.function, compiled.facts)).unzip();
    let facts = Facts {
        functions: facts,
        texts: texts.finish(),
        results,
        changed,
        pushed,
        states: state_facts,
        events: program.events.iter().map(|event| event.span).collect(),
        timers: program.timers.iter().map(|timer| timer.span).collect(),
    };
    let module = Module {
        instruction,
        types,
        imports,
        inputs,
        contexts,
        metrics,
        states,
        events,
        timers,
        vetoes,
        floats,
        strings,
        functions,
        entry,
        bound: Bound::default(),
        debug,
    };
    Ok(Generated { module, facts, steps })
}

/// The header; a program without one is called as its entry is.
fn instruction(program: &Program, tables: &tables::Tables<'_>) -> Instruction {
    let mut instruction = tables.instruction();
    if instruction.name.is_empty() {
        instruction.name = entry_name(program);
    }
    instruction.version = instruction.version.max(1);
    instruction
}

fn entry_name(program: &Program) -> SmolStr {
    let FunctionIndex(entry) = program.entry;
    program.functions.get(entry as usize).map_or_else(SmolStr::default, |function| function.name.clone())
}

fn entry_span(program: &Program) -> Span {
    let FunctionIndex(entry) = program.entry;
    program.functions.get(entry as usize).map_or_else(Span::default, |function| function.span)
}

/// A function, or a program, that does not fit into a module.
fn too_large(span: Span, what: &str) -> Diagnostic {
    Diagnostic::new(Code::E0180, span, what)
        .note("Put a part of it into a function of its own, or compute less in one expression.")
}

/// A function's code with what belongs to it.
pub(crate) struct Compiled {
    pub(crate) function: Function,
    pub(crate) facts: FunctionFacts,
    pub(crate) name: SmolStr,
    pub(crate) registers: Vec<(u8, SmolStr)>,
    pub(crate) places: Vec<(u32, Span)>,
}
