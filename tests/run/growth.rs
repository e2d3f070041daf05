//! `xs = append(xs, [x])`: the list grows where it is, and no other holder sees it.

use super::harness::{Program, Run, program};

const HEAD: &str = "
    TYPE Box { items: list<int> MAX 8 = [] }
    STATE kept: list<int> MAX 40_000 = []
    STATE few: list<int> MAX 3 = [1]
    STATE table: list<list<int> MAX 8> MAX 8 = []
    CONTEXT n: int
    ACTION INT(value: int)
    ACTION SPEND(n: int) COSTS $1
    ACTION LIST(value: list<int>)
    ACTION TEXTS(value: list<string>)
    FUNC more(x: int) -> int { kept = append(kept, [x])  RETURN len(kept) }
    ";

fn grown(main: &str) -> Run {
    program(&format!("{HEAD} FUNC main() {{ {main} }}"))
}

/// How much more fuel it takes with twice as many rounds.
fn ratio(main: &str) -> f64 {
    let fuel = |n: u64| {
        let text = format!("{HEAD} FUNC main() {{ {main} }}");
        let run = Program::of(&text).context(&format!(r#"{{"n": {n}}}"#)).run();
        assert_eq!(run.actions, [format!("INT({n})")]);
        run.fuel as f64
    };
    fuel(20_000) / fuel(10_000)
}

#[test]
fn twice_as_many_items_take_twice_the_fuel() {
    let local = "LET xs: list<int> MAX 40_000 = []  FOR i IN 1..n { xs = append(xs, [i]) }  INT(len(xs))";
    let state = "FOR i IN 1..n { kept = append(kept, [i]) }  INT(len(kept))";
    let read = "LET xs: list<int> MAX 40_000 = [1]
        FOR i IN 2..n { xs = append(xs, [xs[i - 2] + len(xs)]) }
        INT(len(xs))";
    for main in [local, state, read] {
        let ratio = ratio(main);
        assert!((1.8..=2.2).contains(&ratio), "{ratio}: {main}");
    }
}

#[test]
fn another_holder_keeps_what_it_has() {
    grown("LET xs = [1, 2]  LET ys = xs  xs = append(xs, [3])  ys = append(ys, [4])  LIST(xs)  LIST(ys)")
        .actions(["LIST([1,2,3])", "LIST([1,2,4])"]);
    grown("LET xs = kept  kept = append(kept, [1])  LET ys = kept  kept = append(kept, [2])  LIST(xs)  LIST(ys)  LIST(kept)")
        .actions(["LIST([])", "LIST([1])", "LIST([1,2])"]);
    grown("LET xs: list<int> MAX 8 = [1]  LET box = Box(items: xs)  xs = append(xs, [2])  LIST(box.items)  LIST(xs)")
        .actions(["LIST([1])", "LIST([1,2])"]);
    grown("LET xs = [1, 2]  FOR x IN xs { xs = append(xs, [x * 10]) }  LIST(xs)")
        .actions(["LIST([1,2,10,20])"]);
    grown("LET xs = [1]  LIST(xs)  xs = append(xs, [2])  LIST(xs)").actions(["LIST([1])", "LIST([1,2])"]);
}

#[test]
fn a_row_that_was_put_into_a_table_stays_as_it_was() {
    grown(
        "LET row: list<int> MAX 8 = []
         FOR i IN 1..3 { row = append(row, [i])  table = append(table, [row]) }
         FOR one IN table { LIST(one) }",
    )
    .actions(["LIST([1])", "LIST([1,2])", "LIST([1,2,3])"]);
}

#[test]
fn several_items_and_none() {
    grown("LET xs = [1]  xs = append(xs, [2, 3, 4])  xs = append(xs, [])  LIST(xs)")
        .actions(["LIST([1,2,3,4])"]);
    grown("few = append(few, [])  few = append(few, [2, 3])  LIST(few)").actions(["LIST([1,2,3])"]);
    grown(r#"LET ws = ["a"]  ws = append(ws, ["b", "{ws[0]}c"])  TEXTS(ws)"#)
        .actions([r#"TEXTS(["a","b","ac"])"#]);
}

#[test]
fn items_are_evaluated_before_the_first_is_put_behind() {
    grown("LET xs = [5]  xs = append(xs, [len(xs), len(xs), xs[0]])  LIST(xs)").actions(["LIST([5,1,1,5])"]);
    grown("kept = append(kept, [len(kept), len(kept)])  LIST(kept)").actions(["LIST([0,0])"]);
}

#[test]
fn a_call_among_the_items_does_not_change_what_is_appended_to() {
    grown("kept = append(kept, [more(7)])  LIST(kept)").actions(["LIST([1])"]);
    grown("LET xs = kept  xs = append(xs, [more(7)])  LIST(xs)  LIST(kept)")
        .actions(["LIST([1])", "LIST([7])"]);
}

#[test]
fn items_are_written_and_put_behind_in_turn() {
    grown(
        "LET xs: list<int> MAX 8 = []
         LET seen: list<list<int> MAX 8> MAX 8 = []
         FOR i IN 1..3 { xs = append(xs, [i])  xs[0] += 10  seen = append(seen, [xs]) }
         FOR one IN seen { LIST(one) }",
    )
    .actions(["LIST([11])", "LIST([21,2])", "LIST([31,2,3])"]);
}

#[test]
fn too_many_items_stop_the_run_and_undo_it() {
    for place in ["few", "xs"] {
        let main = format!(
            "LET xs: list<int> MAX 3 = [1]
             LIST({place})
             {place} = append({place}, [2])
             {place} = append({place}, [3, 4])"
        );
        let run = grown(&main);
        assert_eq!(run.reason_code(), Some("too_long"));
        assert!(run.actions.is_empty());
    }
}

#[test]
fn a_budget_that_runs_out_takes_items_back() {
    let run = grown(
        "LET xs: list<int> MAX 40_000 = [1]
         WITHIN $3 {
           FOR i IN 1..9 { xs = append(xs, [i, i])  kept = append(kept, [i])  SPEND(i) }
         } ELSE { INT(len(xs) + len(kept)) }
         LIST(xs)",
    );
    run.actions(["INT(1)", "LIST([1])"]);
}
