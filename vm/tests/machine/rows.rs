//! Loops over tables that pass over rows: nothing may differ from going through them one by one, which is
//! what a traced run does.

use std::sync::Arc;

use swarm_bytecode::module::{ImportId, InputId};
use swarm_bytecode::op::Op;
use swarm_bytecode::types::{Type, TypeId};
use swarm_compiler::compile_text;
use swarm_vm::trace::{Event, Level};

use crate::common::{int, load, r, rs};
use swarm_vm::{Exit, Grants, Host, Inputs, Instance, Limits, Program, Report, Table};

const TEXT: &str = "
TYPE Row { id: string KEY  a: int  b: float  c: duration }
INPUT rows: list<Row> MAX 1_000
ACTION SEEN(row: Row, how: int) IDEMPOTENT
ACTION LAST(sum: int) IDEMPOTENT

ON START {
  LET limit = 100
  LET sum = 0
  FOR EACH row IN rows {
    IF row.a > limit {
      SEEN(row, 1)
      limit = limit + 1
    }
    IF row.b <= 0.5 THEN SEEN(row, 2)
    IF row.c >= 10s {
      IF row.a < 50 THEN SEEN(row, 3)
      sum += row.a
    }
  }
  FOR EACH row IN rows WHERE row.a < 3 AND row.b > 1.0 {
    SEEN(row, 4)
  }
  FOR EACH row IN rows {
    IF row.a > 120 { SEEN(row, 5) }
    ELSE IF row.b < 0.25 { SEEN(row, 6) }
  }
  LAST(sum)
}
";

/// Conditions of other kinds: the same field in several, equal and not, flags, one of several, one where another does not
/// hold, and loops behind each other.
const KINDS: &str = "
TYPE Row { id: string KEY  a: int  b: float  c: duration }
INPUT rows: list<Row> MAX 1_000
TYPE Mark { id: string KEY  a: int  on: bool  off: bool }
INPUT marks: list<Mark> MAX 1_000
ACTION SEEN(row: Row, how: int) IDEMPOTENT
ACTION FLAG(mark: Mark, how: int) IDEMPOTENT
ACTION LAST(sum: int) IDEMPOTENT

FUNC heavy(row: Row) -> bool { RETURN row.c > 10s OR row.b <= 0.25 OR row.a > 150 }

ON START {
  LET sum = 0
  FOR EACH row IN rows {
    IF row.a > 120 THEN SEEN(row, 1)
    IF row.a < -10 THEN SEEN(row, row.a)
    IF row.a == 60 { sum += row.a }
    IF row.c != 5s { SEEN(row, 2) }
    IF row.b < 0.2 { SEEN(row, 3) } ELSE IF row.a == 7 { SEEN(row, 4) }
  }
  FOR EACH row IN rows WHERE heavy(row) { SEEN(row, 5) }
  sum += SUM row.a FOR row IN rows WHERE heavy(row)
  FOR EACH row IN rows {
    IF row.a > 199 OR row.c == 20s { SEEN(row, 6) }
    IF row.b == 0.125 THEN SEEN(row, row.a)
    IF row.a > 198 OR row.b == 0.125 OR row.c == 7s {
      SEEN(row, 7)
      sum += 1
    }
  }
  FOR EACH mark IN marks {
    IF mark.on THEN FLAG(mark, 1)
    IF NOT mark.off THEN FLAG(mark, 2)
    IF mark.a == 0 THEN FLAG(mark, mark.a)
  }
  IF ANY heavy(row) FOR row IN rows { sum += 1000 }
  LAST(sum)
}
";

/// A table in which few rows matter, or most.
fn table(rows: i64, seed: i64, rare: i64) -> Arc<Table> {
    let number = |row: i64, column: i64| {
        let mixed = (row * 3 + column + seed).wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1 << 40);
        (mixed >> 33).rem_euclid(1 << 20)
    };
    let pick = |row, column, often: i64, seldom: i64| {
        if number(row, column) % rare == 0 { seldom } else { often }
    };
    let floats: Vec<f64> = (0..rows).map(|row| pick(row, 1, 8, number(row, 4) % 8) as f64 / 8.0).collect();
    Table::builder()
        .strings("id", (0..rows).map(|row| format!("row-{row}")))
        .words("a", Type::Int, (0..rows).map(|row| pick(row, 0, 60, number(row, 5) % 200 - 20)).collect())
        .floats("b", Type::Float, &floats)
        .words("c", Type::Duration, (0..rows).map(|row| pick(row, 2, 5, 20) * 1_000_000_000).collect())
        .build()
        .unwrap()
}

/// What first comes of a run, what comes of it if it is given more fuel bit by bit, and what the host saw.
fn outcome(
    program: &Program,
    inputs: &Inputs,
    budget: u64,
    slice: u32,
    traced: bool,
) -> (String, Report, Vec<(u32, i64)>) {
    let seen = std::cell::RefCell::new(Vec::new());
    let mut host = Host::new();
    host.action("SEEN", |row: swarm_vm::Record<'_>, how: i64| {
        seen.borrow_mut().push((row.row().unwrap(), how));
    });
    host.action("LAST", |sum: i64| seen.borrow_mut().push((0, sum)));
    host.action("FLAG", |mark: swarm_vm::Record<'_>, how: i64| {
        seen.borrow_mut().push((mark.row().unwrap(), how));
    });
    let limits = Limits::default().fuel(budget).host_calls(100_000);
    let mut run = Instance::new(program, inputs, limits, &Grants::all(), &host).unwrap().look_every(slice);
    let mut sink = |_: &Event<'_>| {};
    let mut first = None;
    loop {
        let exit = if traced { run.run_traced(&mut host, Level::Ops, &mut sink) } else { run.run(&mut host) };
        first.get_or_insert_with(|| format!("{exit:?}"));
        match exit {
            Exit::Finished(report) => {
                drop(host);
                return (first.unwrap(), report, seen.into_inner());
            }
            _ => run.refuel(97),
        };
    }
}

/// Marks of which few are set, or most.
fn marks(rows: i64, rare: i64) -> Arc<Table> {
    let set = |row: i64, column: i64| (row * 7 + column) % (rare * 2) == 0;
    let flags = |column: i64, seldom: bool| {
        (0..rows).map(|row| if set(row, column) { seldom } else { !seldom }).collect::<Vec<_>>()
    };
    Table::builder()
        .strings("id", (0..rows).map(|row| format!("mark-{row}")))
        .words("a", Type::Int, (0..rows).map(|row| i64::from(!set(row, 3))).collect())
        .bools("on", &flags(0, true))
        .bools("off", &flags(1, false))
        .build()
        .unwrap()
}

#[test]
fn passing_over_rows_changes_nothing() {
    for (text, filters, others) in [(TEXT, 3, false), (KINDS, 6, true)] {
        let (compiled, diagnostics) = compile_text("rows.swarm", text);
        let module = compiled.module.unwrap_or_else(|| panic!("{diagnostics:?}"));
        let program = Program::load(&module.encode()).unwrap();
        assert_eq!(program.pass_rows().len(), filters, "{:?}", program.pass_rows());
        for (rows, rare, slice) in
            [(0, 2, 4096), (1, 2, 7), (40, 3, 1), (300, 40, 4096), (300, 1000, 333), (300, 1, 4096)]
        {
            for seed in 0..3 {
                let mut inputs =
                    Inputs::new(&program).table("rows", &table(rows, seed * 1_000, rare)).unwrap();
                if others {
                    inputs = inputs.table("marks", &marks(rows, rare)).unwrap();
                }
                go_through(&program, &inputs, slice);
            }
        }
    }
}

/// Compares a run with one gone through op by op, with budgets that end anywhere.
fn go_through(program: &Program, inputs: &Inputs, slice: u32) {
    let all = outcome(program, inputs, 10_000_000, slice, true);
    assert_eq!(outcome(program, inputs, 10_000_000, slice, false), all);
    let used = all.1.fuel_used;
    for budget in (0..used + 3).step_by(usize::try_from(used / 60).unwrap().max(1)) {
        let traced = outcome(program, inputs, budget, slice, true);
        assert_eq!(outcome(program, inputs, budget, slice, false), traced, "{budget}");
        assert_eq!(traced.2, all.2);
    }
}

/// Conditions with one call each: two arguments and one, rows and other things, the field compared, priced and free, more
/// than three; and one with more than a call, which reads the field compared.
const CALLS: &str = "
TYPE Row { id: string KEY  a: int  b: float  c: duration  d: int  e: float  f: int  g: int  n: int }
INPUT rows: list<Row> MAX 1_000
ACTION SEEN(row: Row, how: int) IDEMPOTENT COSTS $0.01
ACTION BOTH(how: int, rows: list<int>) IDEMPOTENT COSTS 2 tokens
ACTION NAMED(name: string) IDEMPOTENT
ACTION PICKY(row: Row) IDEMPOTENT

ON START {
  LET picked = [1, 2, 3]
  LET late = [5]
  FOR EACH row IN rows {
    IF row.a > 120 THEN SEEN(row, 1)
    IF row.b <= 0.5 THEN BOTH(2, picked)
    IF row.c >= 10s THEN SEEN(row, row.n)
    IF row.d < 0 THEN PICKY(row)
    IF row.e > 0.9 THEN BOTH(5, late)
    IF row.f < 20 {
      SEEN(row, 6)
      IF row.n > 5 THEN NAMED(\"six\")
      IF row.f < 10 THEN SEEN(row, row.f)
    }
    IF row.g >= 6 THEN SEEN(row, row.g)
  }
  picked = append(picked, [4])
  FOR i IN 6..7 { late = append(late, [i]) }
  BOTH(len(picked), late)
}
";

/// The same with no more than calls, one of which is given the field compared.
const ONLY_CALLS: &str = "
TYPE Row { id: string KEY  a: int  b: float  c: duration  n: int }
INPUT rows: list<Row> MAX 1_000
ACTION SEEN(row: Row, how: int) IDEMPOTENT COSTS $0.01
ACTION BOTH(how: int, rows: list<int>) IDEMPOTENT COSTS 2 tokens

ON START {
  LET late = [5]
  FOR EACH row IN rows {
    IF row.a > 120 THEN SEEN(row, row.a)
    IF row.c >= 10s THEN SEEN(row, row.n)
    IF row.b <= 0.5 THEN BOTH(5, late)
  }
  FOR i IN 6..7 { late = append(late, [i]) }
  BOTH(len(late), late)
}
";

/// Rows for these: of so many each, one for which a condition holds. The lists are passed in the last third only.
fn columns(rows: i64, rare: i64) -> Arc<Table> {
    let holds = |row: i64, column: i64| (row * 31 + column * 17) % rare == 0;
    let late = |row: i64, column: i64| row * 3 > rows * 2 && holds(row, column);
    let pick = |column: i64, holds: &dyn Fn(i64, i64) -> bool, yes: i64, no: i64| {
        (0..rows).map(|row| if holds(row, column) { yes } else { no }).collect::<Vec<_>>()
    };
    let floats = |column: i64, yes: f64, no: f64| {
        (0..rows).map(|row| if late(row, column) { yes } else { no }).collect::<Vec<_>>()
    };
    Table::builder()
        .strings("id", (0..rows).map(|row| format!("row-{row}")))
        .words("a", Type::Int, pick(0, &holds, 200, 5))
        .floats("b", Type::Float, &floats(1, 0.25, 1.0))
        .words("c", Type::Duration, pick(2, &holds, 20_000_000_000, 5))
        .words("d", Type::Int, pick(3, &holds, -1, 1))
        .floats("e", Type::Float, &floats(4, 1.0, 0.5))
        .words("f", Type::Int, pick(5, &holds, 3, 30))
        .words("g", Type::Int, pick(6, &holds, 6, 5))
        .words("n", Type::Int, (0..rows).collect())
        .build()
        .unwrap()
}

/// What a host saw of a run, and how it ended.
#[derive(Debug, PartialEq)]
struct Told {
    exits: Vec<String>,
    report: Report,
    seen: Vec<(Option<u32>, i64)>,
}

/// How a run goes on: watched op by op, or as it is.
fn calls(program: &Program, inputs: &Inputs, limits: Limits, keeps: bool, traced: bool) -> Told {
    let seen = std::cell::RefCell::new(Vec::new());
    let mut host = Host::new();
    host.action("SEEN", |row: swarm_vm::Record<'_>, how: i64| {
        seen.borrow_mut().push((Some(row.row().unwrap()), how));
    });
    host.raw("BOTH", |call| {
        let how = call.argument(0).and_then(|how| how.as_word()).unwrap();
        seen.borrow_mut().push((None, how));
    });
    host.action("NAMED", |name: &str| seen.borrow_mut().push((None, name.len().try_into().unwrap())));
    host.action("PICKY", |row: swarm_vm::Record<'_>| {
        let row = row.row().unwrap();
        seen.borrow_mut().push((Some(row), 4));
        if row.is_multiple_of(3) { Err(swarm_vm::HostError::new("not this one")) } else { Ok(()) }
    });
    let run = Instance::new(program, inputs, limits, &Grants::all(), &host).unwrap().look_every(500);
    let mut run = if keeps { run } else { run.without_action_log().without_digest() };
    let mut sink = |_: &Event<'_>| {};
    let mut exits = Vec::new();
    loop {
        let exit = if traced { run.run_traced(&mut host, Level::Ops, &mut sink) } else { run.run(&mut host) };
        if let Exit::Finished(report) = exit {
            drop(host);
            return Told { exits, report, seen: seen.into_inner() };
        }
        exits.push(format!("{exit:?}"));
        run.refuel(211);
    }
}

#[test]
fn calls_on_rows_are_made_as_one_by_one() {
    let plenty = Limits::default().fuel(10_000_000).host_calls(100_000).money(100_000_000).tokens(100_000);
    for (text, only_calls) in [(CALLS, false), (ONLY_CALLS, true)] {
        let (compiled, _) = compile_text("calls.swarm", text);
        let program = Program::load(&compiled.module.expect("it compiles").encode()).unwrap();
        let passes = program.pass_rows();
        assert!(matches!(passes.as_slice(), [rows] if rows.only_calls == only_calls), "{passes:?}");
        for (rows, rare) in [(1, 1), (9, 1), (300, 2), (300, 30)] {
            let inputs = Inputs::new(&program).table("rows", &columns(rows, rare)).unwrap();
            let all = calls(&program, &inputs, plenty, false, true);
            let Report { fuel_used, memory_peak_bytes, host_calls, money, tokens, .. } = all.report;
            let part = |all: u64, of_40: u64| all * of_40 / 40;
            for of_40 in 0..=41 {
                let scarce = [
                    plenty.fuel(part(fuel_used, of_40)),
                    plenty.memory_bytes(part(memory_peak_bytes, of_40)),
                    plenty.host_calls(part(host_calls, of_40)),
                    plenty.money(part(money.cast_unsigned(), of_40).cast_signed()),
                    plenty.tokens(part(tokens.cast_unsigned(), of_40).cast_signed()),
                ];
                for limits in scarce {
                    for keeps in [false, true] {
                        let one_by_one = calls(&program, &inputs, limits, keeps, true);
                        let together = calls(&program, &inputs, limits, keeps, false);
                        assert_eq!(together, one_by_one, "{rows} {of_40}");
                    }
                }
            }
        }
    }
}

/// Where the bits of a limit say nothing about order (below 0, or those of no float), a condition is known to hold by looking
/// only.
#[test]
fn limits_of_any_size_are_kept_to() {
    let numbers = ["0", "1", "-1", "-9_223_372_036_854_775_807", "9_223_372_036_854_775_807"];
    let floats = ["0.0", "-0.5", "-1e300", "1e-300", "0.5"];
    let limits = numbers.into_iter().zip(floats);
    for (number, float) in limits {
        for relation in ["<", "<=", ">", ">="] {
            let text = format!(
                "
TYPE Row {{ id: string KEY  a: int  d: int  e: float }}
INPUT rows: list<Row> MAX 1_000
ACTION SEEN(row: Row, how: int) IDEMPOTENT
ON START {{
  FOR EACH row IN rows {{
    IF row.a > 120 THEN SEEN(row, 1)
    IF row.d {relation} {number} THEN SEEN(row, 2)
    IF row.e {relation} {float} {{
      SEEN(row, 3)
      SEEN(row, 4)
    }}
  }}
}}
"
            );
            let (compiled, _) = compile_text("limits.swarm", &text);
            let program = Program::load(&compiled.module.expect("it compiles").encode()).unwrap();
            let d = [0, 1, -1, i64::MIN, i64::MAX, 5, 1 << 62].into_iter().cycle().take(100).collect();
            let e = [0.0, 0.5, -0.5, -1e301, 1e-301, 7.0].into_iter().cycle().take(100).collect::<Vec<_>>();
            let table = Table::builder()
                .strings("id", (0..100).map(|row| format!("row-{row}")))
                .words("a", Type::Int, (0..100).map(|row| if row % 3 == 0 { 200 } else { 5 }).collect())
                .words("d", Type::Int, d)
                .floats("e", Type::Float, &e)
                .build()
                .unwrap();
            let inputs = Inputs::new(&program).table("rows", &table).unwrap();
            for keeps in [false, true] {
                let limits = Limits::default().host_calls(10_000).money(1);
                let one_by_one = calls(&program, &inputs, limits, keeps, true);
                let together = calls(&program, &inputs, limits, keeps, false);
                assert_eq!(together, one_by_one, "{relation} {number} {float}");
            }
        }
    }
}

/// Where nothing holds for 64 rows that are asked about together, and the fuel of a slice ends among them.
#[test]
fn rows_behind_many_that_are_passed_over_are_found() {
    let text = "
TYPE Row { id: string KEY  a: int }
INPUT rows: list<Row> MAX 1_000
ACTION SEEN(row: Row, how: int) IDEMPOTENT
ACTION LAST(sum: int) IDEMPOTENT
ON START {
  LET sum = 0
  FOR EACH row IN rows { IF row.a > 120 THEN SEEN(row, 1) }
  FOR EACH row IN rows {
    IF row.a > 120 {
      SEEN(row, 2)
      sum += row.a
    }
  }
  LAST(sum)
}
";
    let program = load(&compile_text("lines.swarm", text).0.module.expect("it compiles"));
    assert_eq!(program.pass_rows().len(), 2);
    let seldom = |row: i64| if (row - 32) % 128 < 8 { 200 } else { 5 };
    let table = Table::builder()
        .strings("id", (0..700).map(|row| format!("row-{row}")))
        .words("a", Type::Int, (0..700).map(seldom).collect())
        .build()
        .unwrap();
    let inputs = Inputs::new(&program).table("rows", &table).unwrap();
    for slice in (20..4_000).step_by(43) {
        let one_by_one = outcome(&program, &inputs, 10_000_000, slice, true);
        assert_eq!(outcome(&program, &inputs, 10_000_000, slice, false), one_by_one, "{slice}");
    }
}

/// Loops that nobody would compile, in which a register is something else than it seems. Row r1 at place r2 of list r0;
/// compared are fields 1, 2 and 3 in r3 and r4 with 100 in r5 or 1 in r7, into r6.
fn odd_loops() -> Vec<Vec<Op>> {
    let get = |result, field| Op::Field { result: r(result), record: r(1), field };
    let less = |left, right| {
        [Op::LtInt { result: r(6), left: r(left), right: r(right) }, Op::If { condition: r(6) }]
    };
    let seen = |how| Op::Host { import: ImportId(0), arguments: rs(&[1, how]) };
    let row = |body: Vec<Vec<Op>>| {
        let begin = [Op::ForEach { item: r(1), index: r(2), list: r(0) }];
        begin.into_iter().chain(body.into_iter().flatten()).chain([Op::Advance {}]).collect::<Vec<_>>()
    };
    let when = |condition: Vec<Op>, how: u8| [condition, vec![seen(how), Op::End {}]].concat();
    let loads = |register, field| vec![get(register, field)];
    let asks = |left, right| less(left, right).to_vec();
    let twice = |condition: Vec<Op>| [condition, vec![seen(5), seen(5), Op::End {}]].concat();
    // What was loaded is not what is asked about; it is seen in the next row.
    let other = row(vec![loads(4, 1), when(asks(5, 4), 3), loads(3, 2), when(asks(5, 4), 4)]);
    // What is read behind an ELSE was loaded within.
    let otherwise = row(vec![
        loads(4, 2),
        asks(4, 7),
        vec![seen(7), Op::Else {}],
        loads(3, 1),
        when(asks(5, 3), 5),
        vec![Op::End {}],
        loads(4, 3),
        when(asks(5, 4), 3),
    ]);
    // What is asked about was loaded for a second comparison only.
    let second = row(vec![
        loads(4, 2),
        asks(5, 4),
        vec![Op::Else {}],
        loads(3, 1),
        asks(5, 3)[..1].to_vec(),
        vec![Op::End {}, Op::If { condition: r(6) }],
        vec![seen(5), Op::End {}],
        when(asks(3, 7), 3),
    ]);
    // A loop is left to where a register is read that is written anew behind it.
    let left = row(vec![
        loads(3, 1),
        asks(5, 3),
        vec![seen(5), Op::Break { depth: 1 }, Op::End {}],
        loads(4, 2),
        twice(asks(5, 4)),
    ]);
    let last = Op::Host { import: ImportId(1), arguments: rs(&[3]) };
    let left = [vec![Op::Block {}], left, vec![int(3, 7), Op::End {}, last]].concat();
    vec![other, otherwise, second, left]
}

#[test]
fn registers_are_what_they_are_in_odd_loops() {
    let (compiled, _) = compile_text("calls.swarm", ODD);
    let module = compiled.module.expect("it compiles");
    for (number, code) in odd_loops().into_iter().enumerate() {
        let mut module = module.clone();
        let function = module.functions.first_mut().unwrap();
        let (list, row) = (function.registers[0], function.registers[1]);
        function.registers = vec![list, row];
        function.registers.extend([TypeId::INT; 4]);
        function.registers.extend([TypeId::BOOL, TypeId::INT]);
        let begin =
            [Op::Input { result: r(0), input: InputId(0) }, int(3, -1), int(4, -1), int(5, 100), int(7, 0)];
        function.code = begin.into_iter().chain(code).chain([Op::Return {}]).collect();
        module.debug = None;
        let program = load(&module);
        for rare in [2, 5, 20] {
            let value = |row: i64, column: i64| {
                let mixed = (row * 3 + column).wrapping_mul(6_364_136_223_846_793_005);
                let mixed = ((mixed ^ mixed >> 29).wrapping_mul(2_685_821_657_736_338_717) >> 33) & 0xF_FFFF;
                // The first is seldom something else.
                let usual = mixed % (if column == 1 { rare * 8 } else { rare }) != 0;
                if usual { 5 } else { [200, -1, 150][usize::try_from(mixed / 160 % 3).unwrap()] }
            };
            let column = |column: i64| (0..900).map(|row| value(row, column)).collect::<Vec<_>>();
            let table = Table::builder()
                .strings("id", (0..900).map(|row| format!("row-{row}")))
                .words("a", Type::Int, column(1))
                .words("d", Type::Int, column(2))
                .words("n", Type::Int, column(3))
                .build()
                .unwrap();
            let inputs = Inputs::new(&program).table("rows", &table).unwrap();
            let one_by_one = outcome(&program, &inputs, 1_000_000, 4096, true);
            assert_eq!(outcome(&program, &inputs, 1_000_000, 4096, false), one_by_one, "{number} {rare}");
        }
    }
}

const ODD: &str = "
TYPE Row { id: string KEY  a: int  d: int  n: int }
INPUT rows: list<Row> MAX 1_000
ACTION SEEN(row: Row, how: int) IDEMPOTENT
ACTION LAST(sum: int) IDEMPOTENT
ON START { FOR EACH row IN rows { SEEN(row, row.a)  LAST(row.d + row.n) } }
";

/// A flag that is set in the midst of calls ends a run behind the call at hand, or at the next look.
#[test]
fn a_flag_ends_calls_on_rows() {
    let (compiled, _) = compile_text("calls.swarm", ONLY_CALLS);
    let program = Program::load(&compiled.module.expect("it compiles").encode()).unwrap();
    let inputs = Inputs::new(&program).table("rows", &columns(300, 2)).unwrap();
    let flag = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let mut seen = 0;
    let mut host = Host::new();
    host.cancel_flag(flag.clone());
    host.action("SEEN", |_: swarm_vm::Record<'_>, _: i64| {
        seen += 1;
        flag.store(seen == 100, std::sync::atomic::Ordering::Relaxed);
    });
    host.raw("BOTH", |_| ());
    let limits = Limits::default().host_calls(100_000);
    let run = Instance::new(&program, &inputs, limits, &Grants::all(), &host).unwrap();
    let Exit::Finished(report) = run.without_action_log().without_digest().run(&mut host) else { panic!() };
    drop(host);
    assert_eq!((report.outcome, report.host_calls, seen), (swarm_vm::Outcome::Limit, 100, 100));
}
