//! What the optimiser makes of programs: each pass beside the code as it is written.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::arithmetic_side_effects,
    clippy::string_slice,
    reason = "test code"
)]

use std::fmt::Write;

use swarm_bytecode::disassemble::disassemble;
use swarm_bytecode::module::Module;
use swarm_compiler::bound::formula;
use swarm_compiler::{Options, compile_text_with};

const HEAD: &str = "
TYPE Job { id: string KEY  name: string = \"\"  cost: money = $0  size: bytes = 0B  priority: int = 0 }
INPUT jobs: list<Job> MAX 100
CONTEXT most: int
ACTION ACT(value: int)
ACTION DROP(job: Job)
ACTION SAY(text: string)
QUERY ask(n: int) -> int
METRIC seen: int TOTAL
STATE rounds: int = 0
";

fn compiled(text: &str, optimise: bool) -> Module {
    let options = Options { optimise, ..Options::default() };
    let (compilation, _) = compile_text_with("test.swarm", format!("{HEAD}\n{text}"), &options);
    let diagnostics = &compilation.diagnostics;
    compilation.module.clone().unwrap_or_else(|| panic!("{text}\n{diagnostics:#?}"))
}

/// The ops of the entry, without their places.
fn code(module: &Module) -> String {
    let listing = disassemble(module);
    let at = listing.find(", entry").unwrap();
    let end = listing[at..].find("\n\n").map_or(listing.len(), |end| at + end);
    let mut text = format!("fuel {}\n", formula(&module.bound.fuel, module));
    for line in listing[at..end].lines().skip(1).filter(|line| !line.trim().starts_with("register")) {
        writeln!(text, "{}", line.split("  ; ").next().unwrap().trim_end()).unwrap();
    }
    text
}

fn shown(text: &str) -> String {
    let (plain, better) = (compiled(text, false), compiled(text, true));
    format!("{}\n\n== as it is written\n{}\n== optimised\n{}", text.trim(), code(&plain), code(&better))
}

macro_rules! shows {
    ($($name:ident $text:literal;)*) => { $(
        #[test]
        fn $name() {
            insta::assert_snapshot!(concat!("optimise_", stringify!($name)), shown($text));
        }
    )* };
}

shows! {
    fold "
FUNC main() {
  LET share = 20%
  LET limit = 1min * share
  ACT(2 * 3 + ask(1) * 1 + 0)
  IF 1min * 2 > limit AND ask(2) > 0 { SAY(\"at most {limit}, {1 + 1} times\") }
}";
    a_trap_is_not_folded_away "
FUNC main() {
  LET zero = 0
  LET lost = 7 DIV zero
  ACT(9_223_372_036_854_775_807 + 1)
}";
    dead "
CONST DEBUG: bool = FALSE
FUNC main() {
  LET unused = len(jobs) > 3
  LET kept = ask(1)
  IF DEBUG { SAY(\"debug\") } ELSE { ACT(1) }
  FOR EACH job IN jobs WHERE job.priority > 3 { IF DEBUG THEN DROP(job) }
}";
    inline "
FUNC heavy(job: Job) -> bool { RETURN job.size > 1GB OR urgent(job) }
FUNC urgent(job: Job) -> bool { RETURN job.priority > 7 }
FUNC capped(n: int, top: int) -> int { IF n > top { RETURN top } RETURN n }
FUNC main() {
  FOR EACH job IN jobs WHERE heavy(job) { DROP(job) }
  ACT(capped(most, 10))
  ACT(capped(ask(1), 10))
}";
    recursion_is_not_inlined "
FUNC down(n: int) -> int { IF n <= 0 THEN RETURN 0; RETURN down(n - 1) + 1 }
FUNC main() { ACT(down(most)) }";
    hoist "
FUNC main() {
  LET low = most * 2
  FOR EACH job IN jobs {
    FOR EACH other IN jobs WHERE other.priority > most AND other.cost < job.cost {
      IF other.size > 1GB { ACT(low) }
    }
  }
  ACT(COUNT(FOR job IN jobs WHERE job.size > 1GB))
}";
    what_may_trap_stays_in_the_loop "
FUNC main() {
  FOR EACH job IN jobs { ACT(most * 2) RECORD seen = seen + rounds }
}";
    loads "
FUNC main() {
  FOR EACH job IN jobs WHERE job.priority > 3 {
    IF job.priority > 7 { ACT(job.priority) }
    IF job.priority < 5 { DROP(job) }
  }
}";
    what_is_assigned_is_loaded_again "
FUNC main() {
  LET job = Job(id: \"a\")
  ACT(job.priority)
  job.priority = ask(job.priority)
  ACT(job.priority)
}";
}

#[test]
fn both_forms_of_the_sample_are_small() {
    let text = include_str!("../../examples/cost_optimization.swarm");
    for optimise in [false, true] {
        let options = Options { optimise, ..Options::default() };
        let (compilation, _) = compile_text_with("sample.swarm", text, &options);
        let module = Module { debug: None, ..compilation.module.unwrap() };
        let bytes = module.encode().len();
        assert!(bytes <= 256, "{bytes} bytes");
    }
}

/// Values kept for a loop take registers; where they do not fit, the program is compiled as it is.
#[test]
fn a_program_that_only_fits_as_it_is_still_compiles() {
    let lets: Vec<String> = (0..245).map(|n| format!("LET v{n} = ask({n})")).collect();
    let uses: Vec<String> = (0..245).map(|n| format!("ACT(v{n})")).collect();
    let loops = "FOR EACH job IN jobs { ACT(1) ACT(2) ACT(3) ACT(4) ACT(5) ACT(6) ACT(7) ACT(8) }";
    let text = format!("FUNC main() {{ {} {loops} {} }}", lets.join("\n"), uses.join("\n"));
    compiled(&text, true);
}

/// Where the divisions stand in the text.
fn divisions(module: &Module) -> Vec<String> {
    let listing = disassemble(module);
    let mut place = "";
    let mut found = Vec::new();
    for line in listing.lines() {
        let (op, own) = line.split_once(" ; ").unwrap_or((line, place));
        place = own;
        if op.contains(" div ") {
            found.push(place.to_owned());
        }
    }
    found
}

/// What is left of an expression traps where it stands, not where the whole began.
#[test]
fn a_part_in_the_place_of_its_whole_keeps_its_own_place() {
    let main = |value: &str| format!("FUNC main() {{\n  ACT({value})\n}}");
    let first = "FUNC first(n: int) -> int {\n  IF n > 3 THEN RETURN 0\n  RETURN n DIV most\n}\n";
    let programs = [
        main("IF FALSE THEN 1 ELSE\n 1 DIV most"),
        main("0 +\n (1 DIV most)"),
        main("1 *\n (1 DIV most)"),
        main("IF FALSE OR\n 1 DIV most > 2 THEN 1 ELSE 2"),
        main("Job(id: \"a\", priority:\n 1 DIV most).priority"),
        format!("{first}{}", main("first(2)")),
    ];
    for text in programs {
        let [plain, better] = [false, true].map(|optimise| divisions(&compiled(&text, optimise)));
        assert_eq!((plain.len(), better), (1, plain.clone()), "{text}");
    }
}
