//! What code the compiler makes: each statement and aggregate beside its code, sizes, and what does not fit.

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
use swarm_bytecode::types::Type;
use swarm_bytecode::verify::Verified;
use swarm_compiler::bound::formula;
use swarm_compiler::{Compilation, Options, compile_text, compile_text_with};

const HEAD: &str = "
TYPE Job { id: string KEY  name: string = \"\"  cost: money = $0  size: bytes = 0B  priority: int = 0 }
INPUT jobs: list<Job> MAX 100
METRIC saved: money TOTAL
ACTION ACT(value: int)
ACTION DROP(job: Job)
QUERY ask(n: int) -> int
QUERY find(n: int) -> int?
QUERY word(n: int) -> string
ACTION SAY(text: string)
ACTION PAY(amount: money) COSTS $0.01, 10 tokens
ENUM Level { low  high(why: string)  mixed(code: int, job: Job) }
QUERY level(n: int) -> Level
METRIC times: duration DISTRIBUTION
STATE rounds: int = 0
STATE counts: map<string, int> MAX 50 = [:]
STATE kept: list<int> MAX 20 = [1, 2, 3]
";

/// As it is written, without the optimiser.
fn compiled(text: &str) -> Module {
    let plain = Options { optimise: false, ..Options::default() };
    let (compilation, _) = compile_text_with("test.swarm", text, &plain);
    let diagnostics = &compilation.diagnostics;
    let module = compilation.module.clone().unwrap_or_else(|| panic!("{text}\n{diagnostics:#?}"));
    Verified::from_module(&module).unwrap();
    module
}

/// The body of a function beside its code.
fn shown(body: &str) -> String {
    let module = compiled(&format!("{HEAD}\nFUNC main() {{\n{body}\n}}"));
    let listing = disassemble(&module);
    let at = listing.find("function 0").unwrap();
    let body: Vec<&str> = body.lines().map(str::trim_end).filter(|line| !line.trim().is_empty()).collect();
    let indent = body.iter().map(|line| line.len() - line.trim_start().len()).min().unwrap_or(0);
    let mut text = String::new();
    for line in body {
        writeln!(text, "{}", &line[indent..]).unwrap();
    }
    writeln!(
        text,
        "\nfuel {}\nmemory {}\n",
        formula(&module.bound.fuel, &module),
        formula(&module.bound.memory, &module)
    )
    .unwrap();
    // Places change with the head above.
    for line in listing[at..].lines() {
        writeln!(text, "{}", line.split("  ; ").next().unwrap().trim_end()).unwrap();
    }
    text
}

macro_rules! shows {
    ($($name:ident $body:literal;)*) => { $(
        #[test]
        fn $name() {
            insta::assert_snapshot!(stringify!($name), shown($body));
        }
    )* };
}

shows! {
    let_and_assignment "
        LET a = ask(1)
        LET b = a
        b = b * 2 + a
        b += 1
        ACT(b)";
    if_then_else "
        LET n = ask(1)
        IF n > 5 { ACT(1) } ELSE IF n == 0 { ACT(2) } ELSE { ACT(3) }";
    if_and "
        LET n = ask(1)
        IF n > 5 AND n < 9 THEN ACT(1)";
    if_or_with_else "
        LET n = ask(1)
        IF n < 5 OR n > 9 { ACT(1) } ELSE { ACT(2) }";
    if_not "
        LET on = ask(1) > 1
        IF NOT on THEN ACT(1)
        IF NOT (on OR ask(2) > 2) THEN ACT(2)";
    if_as_a_value "
        LET n = ask(1)
        ACT(IF n > 5 THEN n ELSE 5)";
    if_let "
        IF LET n = find(1) { ACT(n) } ELSE { ACT(0) }";
    coalesce "
        ACT(find(1) ?? ask(2))";
    for_each "
        FOR EACH job IN jobs { DROP(job) }";
    for_each_where_with_index "
        FOR EACH i, job IN jobs WHERE job.priority > 3 AND job.cost < $1 { ACT(i) }";
    for_range "
        FOR i IN 1..3 { ACT(i) }";
    while_max "
        LET n = 0
        WHILE n < 5 AND ask(n) > 0 MAX 10 {
          n += 1
          IF n == 2 THEN CONTINUE
          IF n == 4 THEN BREAK
          ACT(n)
        }";
    break_and_continue "
        FOR EACH job IN jobs {
          IF job.priority == 1 THEN CONTINUE
          IF job.priority == 2 { DROP(job) BREAK }
        }";
    stop_and_fail "
        IF ask(1) > 1 THEN STOP \"enough\"
        FAIL \"not enough\"";
    record "
        RECORD saved = $2 * 50%
        IF saved > $1 THEN ACT(1)";
    count "
        ACT(COUNT(FOR job IN jobs))
        ACT(COUNT(FOR job IN jobs WHERE job.priority > 3))";
    sum "
        RECORD saved = SUM job.cost * 20% FOR job IN jobs WHERE job.priority > 3";
    min_with_default "
        ACT(MIN(job.priority FOR job IN jobs) ?? -1)";
    if_let_max "
        IF LET most = MAX(job.priority FOR job IN jobs) { ACT(most) }";
    max_compared_with_none "
        IF MAX(job.priority FOR job IN jobs) == NONE THEN ACT(0)";
    min_kept "
        LET least = MIN(job.priority FOR job IN jobs)
        ACT(least ?? 1)
        ACT(least ?? 2)";
    any "
        IF ANY job.priority > 3 FOR job IN jobs THEN ACT(1)";
    all "
        IF ALL job.priority > 3 FOR job IN jobs THEN ACT(1)";
    records_and_fields "
        LET job = Job(id: \"a\", priority: 2)
        LET other = job
        job.priority += 1
        DROP(job)
        IF job == other THEN ACT(1)";
    lists_and_items "
        LET m = [[1, 2], [3]]
        m[ask(0)][1] += 5
        ACT(m[0][1])
        ACT(len(m))";
    case_and_match "
        LET at = Level.high(why: \"it\")
        MATCH at {
          WHEN low { ACT(0) }
          WHEN high(why) { SAY(why) }
          WHEN mixed(code, job) { ACT(code) DROP(job) }
        }";
    match_with_else "
        MATCH level(1) {
          WHEN high(why) { SAY(why) }
          ELSE { ACT(1) }
        }";
    case_compared "
        IF level(1) == low OR level(2) != low THEN ACT(1)";
    map_and_entries "
        LET ages = [\"a\": 1, \"b\": 2]
        ages[word(1)] = 3
        ages[\"a\"] = (ages[\"a\"] ?? 0) + 4
        ACT(ages[\"a\"] ?? 0)
        ACT(len(ages))";
    for_each_entry "
        LET ages = [\"a\": 1, \"b\": 2]
        FOR EACH name, age IN ages WHERE age > 1 { SAY(name) ACT(age) }";
    entry_if_let "
        LET ages = [\"a\": 1]
        IF LET age = ages[word(1)] { ACT(age) } ELSE { ACT(0) }
        IF ages[word(2)] == NONE THEN ACT(1)";
    entry_kept "
        LET ages = [\"a\": 1]
        LET age = ages[\"a\"]
        ACT(age ?? 0)";
    state "
        rounds = rounds + 1
        rounds += 2
        ACT(rounds)";
    state_map "
        counts[\"a\"] = (counts[\"a\"] ?? 0) + 1
        counts[word(1)] = len(counts)
        FOR EACH job IN jobs { counts[job.name] = (counts[job.name] ?? 0) + 1 }";
    state_list "
        kept[0] = kept[1] + 1
        FOR EACH n IN kept { ACT(n) }
        kept = [4, 5]";
    interpolation "
        LET n = ask(1)
        SAY(\"{n} jobs of {word(1)} at {$2} each\")";
    natives "
        LET a = word(1)
        ACT(max(len(a), 3))
        IF starts_with(a, \"x\") THEN SAY(lower(a))
        FOR EACH part IN split(a, \",\") { SAY(trim(part)) }";
    average "
        LET mean = AVG job.priority FOR job IN jobs
        IF LET some = mean { SAY(\"{some}\") }
        RECORD saved = AVG(job.cost FOR job IN jobs) ?? $0";
    collect "
        LET names = COLLECT job.name FOR job IN jobs WHERE job.priority > 3
        FOR EACH name IN names { SAY(name) }";
    top "
        FOR EACH job IN TOP 3 j IN jobs BY j.cost { DROP(job) }";
    bottom_where "
        LET worst = BOTTOM 2 j IN jobs WHERE j.priority > 1 BY j.name
        ACT(len(worst))";
    quantiles "
        RECORD times = 3s
        IF (p99(times) ?? 0s) > (mean(times) ?? 0s) THEN ACT(1)";
    within "
        WITHIN 30s, $5 { PAY($1) }";
    within_else "
        LET n = 1
        LET list = [1, 2]
        WITHIN $0.05, 100 tokens {
          n += 1
          list[0] = n
          FOR EACH job IN jobs { PAY($1) }
        } ELSE { ACT(n) }
        ACT(list[0])";
    phase "
        PHASE \"look\" WITHIN 10s { ACT(ask(1)) }";
    try_else "
        TRY PAY($1) ELSE { ACT(0) }";
    retry "
        RETRY 3 TIMES BACKOFF 100ms PAY($1) ELSE { FAIL \"no\" }";
    require "
        REQUIRE len(jobs) > 0 ELSE \"no jobs\"";
    a_loop_over_a_list_it_changes "
        LET a = [1, 2, 3]
        FOR EACH n IN a { a[0] = n }
        FOR EACH n IN a { ACT(n) }";
}

#[test]
fn the_sample_is_small() {
    let module = compiled(include_str!("../../examples/cost_optimization.swarm"));
    let stripped = Module { debug: None, ..module.clone() };
    let bytes = stripped.encode().len();
    assert!(bytes <= 224, "{bytes} bytes; 256 are admitted");
    insta::assert_snapshot!("sample", disassemble(&module));
}

#[test]
fn only_what_is_used_goes_into_the_module() {
    let module = compiled(&format!(
        "{HEAD}
        FUNC unused(n: int) {{ DROP(Job(id: \"x\")) }}
        FUNC main() {{ FOR EACH job IN jobs WHERE job.size > 1GB {{ DROP(job) }} }}"
    ));
    assert_eq!(module.functions.len(), 1);
    assert_eq!(module.imports.iter().map(|import| import.name.as_str()).collect::<Vec<_>>(), ["DROP"]);
    assert_eq!(module.inputs.iter().map(|input| input.name.as_str()).collect::<Vec<_>>(), ["jobs"]);
    assert!(module.metrics.is_empty());
    let Type::Record { fields, .. } = &module.types[0] else { panic!("{:?}", module.types) };
    assert_eq!(fields.iter().map(|field| field.name.as_str()).collect::<Vec<_>>(), ["id", "size"]);
}

#[test]
fn the_same_text_gives_the_same_bytes() {
    let text = format!("{HEAD} FUNC main() {{ FOR EACH job IN jobs {{ DROP(job) }}  ACT(ask(1)) }}");
    assert_eq!(compiled(&text).encode(), compiled(&text).encode());
}

fn codes(text: &str) -> Vec<&'static str> {
    let (Compilation { module, diagnostics, .. }, _) = compile_text("test.swarm", text);
    assert!(module.is_none());
    diagnostics
        .iter()
        .map(|diagnostic| diagnostic.code.as_str())
        .filter(|code| code.starts_with('E'))
        .collect()
}

#[test]
fn what_does_not_fit_is_said() {
    assert_eq!(codes(include_str!("../../examples/size_error/E0180_too_large.swarm")), ["E0180"]);
    let deep = |levels: usize| {
        format!(
            "{HEAD} FUNC main() {{ LET n = ask(1) {} ACT(n) {} }}",
            "IF n > 1 {".repeat(levels),
            "}".repeat(levels)
        )
    };
    assert_eq!(codes(&deep(65)), ["E0180"]);
    compiled(&deep(64));
    let long =
        |ops: usize| format!("{HEAD} FUNC main() {{ LET n = 0 {} ACT(n) }}", "n = ask(n)\n".repeat(ops));
    compiled(&long(8_000));
    assert_eq!(codes(&long(8_200)), ["E0180"]);
}

#[test]
fn long_conditions_do_not_nest() {
    let all: Vec<String> = (0..100).map(|n| format!("n != {n}")).collect();
    compiled(&format!("{HEAD} FUNC main() {{ LET n = ask(1)  IF {} THEN ACT(n) }}", all.join(" AND ")));
}
