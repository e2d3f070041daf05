//! Which lines and branches of a program ran.

use std::collections::{BTreeMap, BTreeSet};

use smol_str::SmolStr;
use swarm_bytecode::module::Module;
use swarm_bytecode::op::Op;
use swarm_compiler::TestPlan;
use swarm_grammar::source::Sources;
use swarm_grammar::span::FileId;
use swarm_vm::trace::{Event, EventKind, TraceSink};

/// A place in a file: line and column, from 1.
type At = (u32, u32);

/// Which ways of a condition were taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Branch {
    /// How often it held.
    pub held: u64,
    /// How often it did not.
    pub failed: u64,
}

/// What ran of a program's own file, in runs and in the functions that EXPECT and GIVEN call. The program
/// must not be optimised: code that was put into its callers would hide what ran.
#[derive(Debug, Clone, Default)]
pub struct Coverage {
    /// The file's name.
    pub file: SmolStr,
    /// How often an op of each line ran.
    pub lines: BTreeMap<u32, u64>,
    /// The conditions by line and column.
    pub branches: BTreeMap<(u32, u32), Branch>,
    /// A condition whose outcome is not known yet: function, op, place.
    open: Option<(u16, u32, At)>,
}

impl Coverage {
    /// Lines that ran, and all lines.
    pub fn lines_run(&self) -> (usize, usize) {
        (self.lines.values().filter(|count| **count > 0).count(), self.lines.len())
    }

    /// Ways that were taken, and all ways: two for each condition.
    pub fn ways_taken(&self) -> (usize, usize) {
        let taken =
            |branch: &Branch| usize::from(branch.held > 0).saturating_add(usize::from(branch.failed > 0));
        (self.branches.values().map(taken).sum(), self.branches.len().saturating_mul(2))
    }

    /// Adds what can run of a module.
    pub(super) fn add_module(&mut self, module: &Module, sources: &Sources) {
        self.file = sources.get(FileId(0)).map_or_else(SmolStr::default, |file| file.name().clone());
        let Some(debug) = &module.debug else { return };
        let own = debug.files.iter().position(|file| file.name == self.file);
        let header = fleet_functions(module);
        for ((function, debug), id) in module.functions.iter().zip(&debug.functions).zip(0_u16..) {
            if header.contains(&id) {
                continue;
            }
            let mut places = debug.places.iter().peekable();
            let mut place = None;
            for (at, op) in (0_u32..).zip(&function.code) {
                while let Some((_, next)) = places.next_if(|(first, _)| *first <= at) {
                    place = Some(*next);
                }
                let Some(place) = place.filter(|place| Some(usize::from(place.file)) == own) else {
                    continue;
                };
                self.lines.entry(place.line).or_insert(0);
                if matches!(op, Op::If { .. }) {
                    self.branches.entry((place.line, place.column)).or_default();
                }
            }
        }
    }

    /// Takes out the lines of the TESTs themselves.
    pub(super) fn leave_out_tests(&mut self, plans: &[TestPlan], sources: &Sources) {
        let Some(file) = sources.get(FileId(0)) else { return };
        let mut tests = BTreeSet::new();
        for plan in plans.iter().filter(|plan| plan.span.file == FileId(0)) {
            tests.extend(file.position(plan.span.start).line..=file.position(plan.span.end).line);
        }
        self.lines.retain(|line, _| !tests.contains(line));
        self.branches.retain(|(line, _), _| !tests.contains(line));
    }

    /// Sees the ops of a module.
    pub(super) fn sink<'c>(&'c mut self, module: &'c Module) -> impl TraceSink + 'c {
        self.open = None;
        |event: &Event<'_>| self.event(event, module)
    }

    /// An op is about to run.
    fn event(&mut self, event: &Event<'_>, module: &Module) {
        let (EventKind::Op { .. }, Some(place)) = (&event.kind, &event.place) else { return };
        if let Some((function, op, at)) = self.open.take() {
            let branch = self.branches.entry(at).or_default();
            // What follows the condition is its block; anything else is behind it.
            let held = place.function == function && place.op == op.saturating_add(1);
            let count = if held { &mut branch.held } else { &mut branch.failed };
            *count = count.saturating_add(1);
        }
        let Some(source) = place.source.as_ref().filter(|source| source.file == self.file) else { return };
        let count = self.lines.entry(source.line).or_insert(0);
        *count = count.saturating_add(1);
        let op = module.functions.get(usize::from(place.function));
        let op = op.and_then(|function| function.code.get(usize::try_from(place.op).unwrap_or(usize::MAX)));
        if let Some(Op::If { .. }) = op {
            self.open = Some((place.function, place.op, (source.line, source.column)));
        }
    }
}

/// Functions of the header: only the fleet runs them, never an agent.
fn fleet_functions(module: &Module) -> BTreeSet<u16> {
    let header = &module.instruction;
    let filter = header.target.and_then(|target| target.filter);
    let gate = header.rollout.as_ref().and_then(|rollout| rollout.gate);
    let expected = header.expectations.iter().map(|expectation| expectation.condition);
    let all = filter.into_iter().chain(gate).chain(expected).chain(header.stops.iter().copied());
    all.map(|function| function.0).collect()
}
