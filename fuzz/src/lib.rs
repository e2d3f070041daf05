//! What each fuzz target does with bytes. A target fails by a panic, and tells whether the bytes were what it
//! is about: a program that compiles, a module that loads. `tests/corpora.rs` calls the same functions
//! without libFuzzer.

mod outside;
mod snapshot;

use arbitrary::Unstructured;
use swarm_bytecode::module::Module;
use swarm_bytecode::verify::Verified;
use swarm_compiler::{Options, check as check_program, compile_text_with};
use swarm_fleet::envelope::Envelope;
use swarm_fleet::trace::chunk::Chunk;
use swarm_fleet::trace::entry::EntryReader;
use swarm_fleet::trace::log::recovered;
use swarm_fleet::trace::tally::Tally;
use swarm_fleet::trace::verify::{Question, verify as verify_trace};
use swarm_grammar::source::{SourceFile, Sources};
use swarm_grammar::span::FileId;
use swarm_reference::generate::modules::{damaged, mutated, valid};
use swarm_reference::generate::{program, says};
use swarm_reference::report::Limits;
use swarm_vm::{Grants, Host, Inputs, Instance, Program};

pub use outside::{kept, message, recording, trust};
pub use snapshot::snapshot;

use swarm_differential::{World, difference, machine, other_meaning, real, source, unlike};

/// A target: whether the bytes were accepted.
pub type Target = fn(&[u8]) -> bool;

/// All targets by name; each has a file in `fuzz_targets` and a folder in `corpus`.
pub const TARGETS: [(&str, Target); 15] = [
    ("check", check),
    ("decode", decode),
    ("differential", differential),
    ("envelope", envelope),
    ("format", format),
    ("json_input", json_input),
    ("kept", kept),
    ("message", message),
    ("parse", parse),
    ("recording", recording),
    ("run_verified", run_verified),
    ("snapshot", snapshot),
    ("trace_reader", trace_reader),
    ("trust", trust),
    ("verify", verify),
];

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap_or("")
}

/// Any text parses, with diagnostics or without.
pub fn parse(bytes: &[u8]) -> bool {
    swarm_grammar::parse(FileId::default(), text(bytes)).1.is_empty()
}

/// Any text is checked, and what is free of errors compiles to a module that keeps all rules.
pub fn check(bytes: &[u8]) -> bool {
    let (compilation, _) = compile_text_with("fuzz.swarm", text(bytes), &Options::default());
    if let Some(module) = &compilation.module {
        Verified::from_module(module).expect("what the compiler makes is verified");
    }
    let own = compilation.diagnostics.iter().find(|found| format!("{:?}", found.code) == "E0190");
    assert!(own.is_none(), "{own:?}");
    compilation.module.is_some()
}

/// A formatted text says the same as before, and is formatted to itself.
pub fn format(bytes: &[u8]) -> bool {
    let Ok(once) = swarm_grammar::format(text(bytes)) else { return false };
    let parsed = |text: &str| swarm_grammar::parse(FileId::default(), text).0;
    let (before, after) = (parsed(text(bytes)), parsed(&once));
    assert_eq!(swarm_grammar::dump::dump(&before), swarm_grammar::dump::dump(&after));
    assert_eq!(before.comments.len(), after.comments.len());
    let twice = swarm_grammar::format(&once).expect("what was formatted parses");
    assert_eq!(once, twice);
    true
}

/// What an action gives, and that it never held more memory than 16 times the bytes and 64 KiB.
fn within<T>(bytes: &[u8], action: impl FnOnce() -> T) -> T {
    let mut given = None;
    let peak = allocation_counter::measure(|| given = Some(action())).bytes_max;
    let most = 16 * bytes.len() + (64 << 10);
    assert!(peak <= u64::try_from(most).expect("few"), "{} bytes took {peak} bytes of memory", bytes.len());
    given.expect("it was done")
}

/// Bytes that are a module are the only ones that are that module. Reading and verifying them takes little
/// memory.
pub fn decode(bytes: &[u8]) -> bool {
    let _ = within(bytes, || Verified::load(bytes));
    let Ok(module) = Module::decode(bytes) else { return false };
    assert_eq!(module.encode(), bytes);
    true
}

/// Whatever is verified runs to an end within its fuel.
pub fn run_verified(bytes: &[u8]) -> bool {
    // The first program of a process has every limit tested, which takes memory once.
    swarm_vm::self_test().expect("every limit holds");
    let Ok(program) = within(bytes, || Program::load(bytes)) else { return false };
    let (inputs, mut host) = (Inputs::new(&program), Host::new());
    let limits = swarm_vm::Limits::default().fuel(20_000).memory_bytes(1 << 16);
    host.clock(swarm_vm::VirtualClock::default());
    host.otherwise(|_| swarm_vm::Answer::failed("no"));
    if let Ok(mut run) = Instance::new(&program, &inputs, limits, &Grants::all(), &host) {
        let _ = run.run(&mut host);
        assert!(run.fuel_used() <= 20_000);
    }
    true
}

/// A generated module, or one that was valid before parts or bytes of it were changed: whatever the verifier
/// accepts does what the reference says, which looks at each step whether the rules hold, and what was not
/// changed is accepted.
pub fn verify(bytes: &[u8]) -> bool {
    let Some((kind, rest)) = bytes.split_first() else { return false };
    let mut rest = Unstructured::new(rest);
    let made = match kind % 4 {
        0 => {
            let Some(made) = valid(&mut rest) else { return false };
            Verified::from_module(&made.module).expect("a valid module is accepted");
            made
        }
        1 => {
            let Some(damaged) = damaged(&mut rest) else { return false };
            return run_verified(&damaged);
        }
        _ => match mutated(&mut rest) {
            Some(made) => made,
            None => return false,
        },
    };
    if Verified::from_module(&made.module).is_err() {
        return false;
    }
    let other = unlike(&made);
    assert!(other.is_none(), "{}\n{}", other.unwrap_or_default(), made.program.text);
    true
}

/// Any JSON is an input or is refused.
pub fn json_input(bytes: &[u8]) -> bool {
    const READS: &str =
        "TYPE P { a: int  b: string = \"\"  c: map<string, money> MAX 4 = [:]  d: duration? = NONE }
ENUM K { one  two(p: P)  OTHER(name: string) }
INPUT ps: list<P> MAX 9
INPUT k: K
FUNC main() { LOG(\"{ps} {k}\") }";
    thread_local! {
        static PROGRAM: Program = {
            let module = compile_text_with("fuzz.swarm", READS, &Options::default()).0.module;
            Program::load(&module.expect("it compiles").encode()).expect("it loads")
        };
    }
    PROGRAM.with(|program| Inputs::new(program).from_json(text(bytes)).is_ok())
}

/// Bytes that are an envelope are the only ones that are that envelope, and its JSON is that envelope too.
pub fn envelope(bytes: &[u8]) -> bool {
    let Ok(envelope) = Envelope::read(bytes) else { return false };
    if let Ok(own) = Envelope::decode(bytes) {
        assert_eq!(own.encode(), bytes);
    }
    assert_eq!(Envelope::decode(&envelope.encode()).as_ref(), Ok(&envelope));
    assert_eq!(Envelope::from_json(envelope.to_json().as_bytes()).as_ref(), Ok(&envelope));
    true
}

/// Bytes that are a chunk of a trace are the only ones that are that chunk; whatever its entries say is read
/// or refused, one behind the other. The same bytes as a file of chunks, or as its end after a crash, have
/// faults or none.
pub fn trace_reader(bytes: &[u8]) -> bool {
    let found = verify_trace(bytes, &Question { open: true, ..Question::default() });
    assert!(!found.chunks.is_empty() || !found.faults.is_empty() || bytes.is_empty());
    for chunk in Chunk::decode(bytes).iter().inspect(|chunk| assert_eq!(chunk.encode(), bytes)) {
        read_entries(chunk);
    }
    for chunk in found.chunks.iter().chain(&recovered(bytes)) {
        read_entries(chunk);
    }
    !found.chunks.is_empty()
}

fn read_entries(chunk: &Chunk) {
    let (mut reader, mut before) = (EntryReader::new(&chunk.body), None);
    while let Ok(Some(_)) = reader.next_entry() {
        assert!(before < Some(reader.offset()) && reader.offset() <= chunk.body.len());
        before = Some(reader.offset());
    }
    let module = Module::empty();
    let mut tally = Tally::new(&module, chunk.order, chunk.program);
    let _ = tally.read(chunk, &mut |_| {});
}

/// A generated program does what it means, optimised and not.
pub fn differential(bytes: &[u8]) -> bool {
    let made = program(&mut Unstructured::new(bytes));
    let mut sources = Sources::new();
    let file = sources.add(SourceFile::new("made.swarm", &*made.text));
    let Some(typed) = check_program(&mut sources, file).program else { return false };
    let limits = Limits { fuel: 50_000, depth: 16, ..Limits::default() };
    let world = World {
        input: made.input,
        context: made.context,
        limits,
        collected: true,
        states: Vec::new(),
        wakes: made.wakes,
    };
    let meant = source(&typed, &world, &says).expect("what is given fits");
    for optimise in [false, true] {
        let options = Options { optimise, ..Options::default() };
        let Some(module) = compile_text_with("made.swarm", &*made.text, &options).0.module else {
            return false;
        };
        let (expected, found) = (machine(&module, &world, &says), real(&module, &world, &says));
        let other = difference(&expected, &found);
        assert!(other.is_none(), "{}\n{}", other.unwrap_or_default(), made.text);
        let other = found.ok().and_then(|found| other_meaning(&sources, &meant, &found));
        assert!(other.is_none(), "{}\n{}", other.unwrap_or_default(), made.text);
    }
    true
}
