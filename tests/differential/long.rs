//! Functions of thousands of ops: the machine makes words of them from a part of the ops at a time, with loops, fused words
//! and filters wherever a part happens to end.

use std::fmt::Write as _;

use serde_json::json;
use swarm_compiler::{Options, compile_text_with};
use swarm_reference::report::{Answer, Limits, Wake};

use crate::generated::{Random, from_environment};
use swarm_differential::{World, difference, machine, real};

/// So many statements of all kinds that words are made for, each a little other than the one before.
fn text(statements: usize, random: &mut Random) -> String {
    let mut text = "RECORD Row { id: int  load: int  share: float }
INPUT rows: list<Row> MAX 40
ACTION mend(id: int, load: int) IDEMPOTENT
FUNC least(value: int) -> int { IF value < 3 { RETURN value }  RETURN value - least(value - 1) }
FUNC main() {
  LET n = 1
  LET f = 0.5
  LET xs = [3, 1, 2]
  LET flags = COLLECT FALSE FOR i IN 0..20
"
    .replace("RECORD Row", "TYPE Row");
    for at in 0..statements {
        let (some, other) = (random.below(60), random.below(9));
        let statement = match random.below(9) {
            0 => format!(
                "FOR EACH row IN rows {{ IF row.load > {some} {{ mend(row.id, {at}) }}  IF row.id < {other} {{ n = n + row.load }} }}"
            ),
            1 => {
                format!("FOR EACH row IN rows {{ IF row.share > 0.{some:02} {{ f = f * 0.5 + row.share }} }}")
            }
            2 => format!("FOR i IN 0..{other} {{ IF flags[i] {{ n = n + 1 }}  flags[i] = n > {some} }}"),
            3 => format!("IF n > {some} {{ n = n MOD 1000 - {other} }} ELSE {{ n = n + least({other}) }}"),
            4 => format!("WHILE n < {some} MAX {other} {{ n = n * 2 + 1 }}"),
            5 => format!("xs = append(xs, [n MOD 7, {some}])  IF len(xs) > 30 {{ xs = [{other}] }}"),
            6 => format!("f = f * 0.5 + {other}.25 * f  IF f > {some}.5 {{ f = 0.{other} }}"),
            7 => format!("n = max(n, {some}) MOD 500 + xs[0]"),
            _ => format!("FOR x IN xs {{ IF x == {other} {{ BREAK }}  n = (n + x) MOD 700 }}"),
        };
        writeln!(text, "  {statement}").unwrap();
    }
    text.push_str("  LOG(\"{n} {f} {xs} {flags}\")\n}\n");
    text
}

#[test]
fn functions_of_thousands_of_ops_are_what_they_say() {
    crate::deep(|| {
        let mut most = 0;
        for seed in 1..=from_environment("SWARM_LONG", 6) {
            let mut random = Random(seed);
            let text = text(usize::try_from(150 * seed).unwrap(), &mut random);
            let rows: Vec<_> = (0..30)
                .map(|id| json!({ "id": id % 13, "load": id * 7 % 61, "share": f64::from(id) / 31.0 }))
                .collect();
            let world = World {
                input: json!({ "rows": rows }),
                context: json!({}),
                limits: Limits::default(),
                collected: true,
                states: Vec::new(),
                wakes: vec![Wake::Start],
            };
            let says = |_: &str, _: &[String]| Answer::Done;
            for optimise in [false, true] {
                let options = Options { optimise, ..Options::default() };
                let compilation = compile_text_with("long.swarm", &*text, &options).0;
                let module =
                    compilation.module.unwrap_or_else(|| panic!("{:?}\n{text}", compilation.diagnostics));
                most = most.max(module.functions.iter().map(|function| function.code.len()).max().unwrap());
                let whole = real(&module, &world, &says).unwrap();
                assert_eq!(whole.seen[0].0.outcome, "done", "{:?}", whole.seen);
                let used = whole.seen.iter().map(|(_, meter)| meter.fuel).max().unwrap();
                let other = difference(&machine(&module, &world, &says), &Ok(whole));
                assert!(other.is_none(), "seed {seed}, {optimise}: {}", other.unwrap());
                for _ in 0..40 {
                    let limits = Limits { fuel: random.below(used), ..world.limits };
                    let world = World { limits, ..world.clone() };
                    let (wanted, found) = (machine(&module, &world, &says), real(&module, &world, &says));
                    let other = difference(&wanted, &found);
                    assert!(other.is_none(), "seed {seed}, {optimise}, {limits:?}: {}", other.unwrap());
                }
            }
        }
        assert!(most > 8_000, "the longest has {most} ops");
    });
}
