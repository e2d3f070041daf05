//! From source text to a verified module in one call.

use smol_str::SmolStr;
use swarm_bytecode::module::Module;
use swarm_bytecode::verify::{LoadError, Verified};
use swarm_grammar::ast::{Item, ItemKind};
use swarm_grammar::diagnostic::{Code, Diagnostic, Severity};
use swarm_grammar::source::{SourceFile, Sources};
use swarm_grammar::span::{FileId, Span};

use crate::bound::{Facts, FunctionBound, Report, prove, warn_of_budget, warn_of_unbounded};
use crate::check::{Checked, Loader, NoFiles, check_with};
use crate::code::{Generated, PlannedStep, generate};
use crate::optimise::optimise;
use crate::options::Options;
use crate::typed::{self, FunctionIndex, Program, Test, TestStep, TestStepKind};

/// What a compilation gives.
#[derive(Debug, Clone, Default)]
pub struct Compilation {
    /// The module, if the program has no errors. It keeps every rule of the verifier.
    pub module: Option<Module>,
    /// Errors and warnings, by place.
    pub diagnostics: Vec<Diagnostic>,
    /// The worst case: the bound that stands in the module, and why a part of it is unbounded.
    pub bound: Report,
    /// What the bound was computed from, for [`crate::bound::lines()`].
    pub facts: Facts,
}

impl Compilation {
    /// Whether the program has errors; warnings do not count.
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(|diagnostic| diagnostic.severity() == Severity::Error)
    }
}

/// A program that can run at once.
#[derive(Debug, Clone, Default)]
pub struct Ready {
    /// The program as the verifier has read it from its bytes, if it has no errors.
    pub verified: Option<Verified>,
    /// Errors and warnings, by place.
    pub diagnostics: Vec<Diagnostic>,
}

/// The TESTs of a program, ready to be run.
#[derive(Debug, Clone, Default)]
pub struct CompiledTests {
    /// One for each TEST, in order; none if the program has errors.
    pub plans: Vec<TestPlan>,
    /// Errors and warnings, by place.
    pub diagnostics: Vec<Diagnostic>,
}

/// One TEST, with a module of its own: the program, and the functions that the lines of the TEST name.
#[derive(Debug, Clone)]
pub struct TestPlan {
    /// The TEST's name.
    pub name: SmolStr,
    /// Its declaration.
    pub span: Span,
    /// The program with the TEST's functions; nothing in it calls them. It keeps every rule of the verifier.
    pub module: Module,
    /// The lines, in order.
    pub steps: Vec<PlannedStep>,
}

/// Compiles a file of `sources` that uses no others; the prelude, which every program can use, is added to them.
pub fn compile(sources: &mut Sources, file: FileId) -> Compilation {
    compile_with(sources, file, &NoFiles, &Options::default())
}

/// Compiles a file of `sources` as `options` say. What it uses is added to them, other files by `loader`.
pub fn compile_with(
    sources: &mut Sources,
    file: FileId,
    loader: &dyn Loader,
    options: &Options,
) -> Compilation {
    compile_and(sources, file, loader, options, Verified::accepts).0
}

/// Compiles a file of `sources` as [`compile_with`] does, for a machine of the same process: what the
/// verifier has read and checked is kept, so that nobody has to do it again.
pub fn compile_ready(sources: &mut Sources, file: FileId, loader: &dyn Loader, options: &Options) -> Ready {
    let (compilation, verified) = compile_and(sources, file, loader, options, Verified::from_module);
    Ready { verified, diagnostics: compilation.diagnostics }
}

/// Compiles, and gives what `verify` made of the module.
fn compile_and<V>(
    sources: &mut Sources,
    file: FileId,
    loader: &dyn Loader,
    options: &Options,
    verify: Verify<V>,
) -> (Compilation, Option<V>) {
    let before = sources.clone();
    let Checked { program, diagnostics } = check_with(sources, file, loader, options);
    let mut compilation = Compilation { diagnostics, ..Compilation::default() };
    let Some(mut program) = program else { return (compilation, None) };
    if options.optimise {
        optimise(&mut program.functions);
    }
    let mut built = build(&program, sources, None, verify);
    if options.optimise && built.is_err() {
        // Better code may not fit where the code as it was written does. That is rare: rather than to keep a
        // copy of each program, such a one is checked once more.
        *sources = before;
        if let Some(plain) = check_with(sources, file, loader, options).program {
            built = build(&plain, sources, None, verify);
        }
    }
    match built {
        Ok((Generated { module, facts, .. }, bound, verified)) => {
            compilation.diagnostics.extend(warn_of_budget(&bound, &module, file, sources));
            compilation.diagnostics.extend(warn_of_unbounded(&bound, file, sources));
            compilation.module = Some(module);
            compilation.bound = bound;
            compilation.facts = facts;
            (compilation, Some(verified))
        }
        Err(errors) => {
            compilation.diagnostics.extend(errors);
            (compilation, None)
        }
    }
}

/// Compiles a text that stands alone, and gives the sources that its diagnostics point into.
pub fn compile_text(name: impl Into<SmolStr>, text: impl Into<String>) -> (Compilation, Sources) {
    compile_text_with(name, text, &Options::default())
}

/// The same as `options` say.
pub fn compile_text_with(
    name: impl Into<SmolStr>,
    text: impl Into<String>,
    options: &Options,
) -> (Compilation, Sources) {
    let mut sources = Sources::new();
    let file = sources.add(SourceFile::new(name, text));
    let compilation = compile_with(&mut sources, file, &NoFiles, options);
    (compilation, sources)
}

/// Compiles the TESTs of a file of `sources`: each with a module of its own.
pub fn compile_tests(
    sources: &mut Sources,
    file: FileId,
    loader: &dyn Loader,
    options: &Options,
) -> CompiledTests {
    let options = Options { tests: true, ..*options };
    let Checked { program, diagnostics } = check_with(sources, file, loader, &options);
    let mut tests = CompiledTests { diagnostics, ..CompiledTests::default() };
    let Some(program) = program else { return tests };
    let mut better = program.clone();
    if options.optimise {
        optimise(&mut better.functions);
    }
    for test in &program.tests {
        let built = build(&better, sources, Some(test), Verified::accepts);
        // Better code may not fit where the code as it was written does.
        match built.or_else(|_| build(&program, sources, Some(test), Verified::accepts)) {
            Ok((Generated { module, steps, .. }, ..)) => {
                tests.plans.push(TestPlan { name: test.name.clone(), span: test.span, module, steps });
            }
            // They are the same for every TEST, except what only this one has.
            Err(errors) => {
                let new = errors.into_iter().filter(|error| !tests.diagnostics.contains(error));
                let new: Vec<Diagnostic> = new.collect();
                tests.diagnostics.extend(new);
            }
        }
    }
    tests
}

/// What each FUNC of a file costs at most, in the order of the file, as it is written: what a call of it adds
/// to a program. Nothing of a program with errors.
pub fn function_bounds(sources: &mut Sources, file: FileId, loader: &dyn Loader) -> Vec<FunctionBound> {
    let options = Options { tests: true, optimise: false };
    let Some(program) = check_with(sources, file, loader, &options).program else { return Vec::new() };
    let tree = swarm_grammar::parse(file, sources.get(file).map_or("", |source| source.text())).0;
    let declared = |function: &typed::Function| {
        let is = |item: &Item| match &item.kind {
            ItemKind::Func(func) => func.name.text == function.name,
            _ => false,
        };
        function.span.file == file && tree.items.iter().any(is)
    };
    let functions = (0_u32..).zip(&program.functions).filter(|(_, function)| declared(function));
    let functions: Vec<(FunctionIndex, &typed::Function)> =
        functions.map(|(at, function)| (FunctionIndex(at), function)).collect();
    // A module has what its lines name: here they name all functions.
    let step = |(index, function): &(FunctionIndex, &typed::Function)| TestStep {
        kind: TestStepKind::Expect(*index, None),
        span: function.span,
    };
    let all =
        Test { name: SmolStr::default(), span: Span::default(), steps: functions.iter().map(step).collect() };
    let Ok(Generated { module, facts, steps }) = generate(&program, sources, Some(&all)) else {
        return Vec::new();
    };
    let bound = |(step, (_, function)): (&PlannedStep, &(FunctionIndex, &typed::Function))| match step.kind {
        TestStepKind::Expect(id, _) => {
            let parameters = function.locals.iter().take(function.parameters as usize);
            let parameters = parameters.map(|local| local.name.clone()).collect();
            Some(FunctionBound::new(
                function.name.clone(),
                parameters,
                (&module, &facts),
                (id, function.span),
            ))
        }
        _ => None,
    };
    steps.iter().zip(&functions).filter_map(bound).collect()
}

/// Checks a module that was just made.
type Verify<V> = fn(&Module) -> Result<V, LoadError>;

/// What the compiler made: the module, its bound, and what the verifier says to it.
type Built<V> = Result<(Generated, Report, V), Vec<Diagnostic>>;

/// Makes the module of a checked program as it is, with its bound: as the verifier has read it from its bytes.
///
/// # Errors
/// [`Code::E0180`] where the program is too large; [`Code::E0190`] where the compiler itself is wrong.
pub fn assemble(program: &Program, sources: &Sources) -> Result<(Verified, Report), Vec<Diagnostic>> {
    build(program, sources, None, Verified::from_module).map(|(_, report, verified)| (verified, report))
}

/// The same, for a TEST if one is given.
fn build<V>(program: &Program, sources: &Sources, test: Option<&Test>, verify: Verify<V>) -> Built<V> {
    let mut generated = generate(program, sources, test)?;
    let report = prove(&generated.module, &generated.facts);
    generated.module.bound = report.bound.clone();
    match verify(&generated.module) {
        Ok(verified) => Ok((generated, report, verified)),
        Err(error) => {
            let span = generated.facts.functions.first().map_or_else(Span::default, |facts| facts.span);
            Err(vec![internal(span, &error.to_string())])
        }
    }
}

/// The compiler made a module that its own verifier refuses.
fn internal(span: Span, error: &str) -> Diagnostic {
    Diagnostic::new(Code::E0190, span, "the compiler made a mistake: its own check refuses the code it made")
        .note(format!("The check says: {error}."))
        .note("Nothing was compiled. Please report this together with the program.")
}
