//! What comes from the host and goes to it.

use super::harness::{Program, program};

#[test]
fn the_sample() {
    let text = include_str!("../../examples/cost_optimization.swarm");
    let tasks = r#"{"task_queue": [
        {"id": "t1", "cpu_time": "6s", "memory": "10MB", "network": "1Mbps"},
        {"id": "t2", "cpu_time": "5s", "memory": "2GB", "network": "200Mbps"},
        {"id": "t3", "cpu_time": "1s", "memory": "1GB", "network": "100Mbps"}
    ]}"#;
    Program::of(text).input(tasks).run().done(
        "REDUCE_CPU_THROTTLE(t1, 20%) REDUCE_MEMORY_CACHE(t2, 30%) ROUTE_TO_CHEAPER_REGION(t2) \
         REPORT_METRICS_EVERY(5s)",
        93,
    );
}

#[test]
fn context_values() {
    let text = "
        CONTEXT current_costs: money
        CONTEXT target_costs: money = $100
        ACTION MONEY(value: money)
        FUNC main() { MONEY(current_costs - target_costs) }";
    Program::of(text).context(r#"{"currentCosts": 250}"#).run().done("MONEY($150)", 14);
}

#[test]
fn an_input_that_is_one_record() {
    let text = "
        ACTION TEXT(value: string)
        FUNC main() { TEXT(agent.id)  IF agent.load > 50% THEN TEXT(agent.role) }";
    Program::of(text)
        .input(r#"{"agent": {"id": "a1", "role": "worker", "load": "80%"}}"#)
        .run()
        .done("TEXT(a1) TEXT(worker)", 30);
}

#[test]
fn a_query_answers() {
    let text = "
        QUERY one(n: int) -> int
        QUERY maybe(n: int) -> int?
        ACTION INT(value: int)
        FUNC main() { INT(one(4) + one(5))  INT(maybe(0) ?? 7)  INT(maybe(3) ?? 7)  one(6) }";
    let run = program(text);
    run.done("INT(9) INT(7) INT(3)", 94);
    assert_eq!(run.asked, ["one(4)", "one(5)", "maybe(0)", "maybe(3)", "one(6)"]);
}

#[test]
fn an_answer_is_a_value_of_its_own() {
    let text = "
        TYPE Box { label: string  items: list<int> MAX 4 }
        QUERY box(n: int) -> Box
        ACTION LIST(value: list<int>)
        FUNC main() { LET a = box(2)  LET items = a.items  items[0] = 9  LIST(a.items)  LIST(items) }";
    program(text).done("LIST([2,2]) LIST([9,2])", 43);
}

#[test]
fn metrics_are_recorded_and_read() {
    let text = "
        METRIC saved: money TOTAL
        METRIC level: int GAUGE
        ACTION MONEY(value: money)
        ACTION INT(value: int)
        FUNC main() {
          INT(level ?? -1)
          RECORD saved = $2
          RECORD saved = $3
          RECORD level = 4
          RECORD level = 6
          MONEY(saved)  INT(level ?? -1)
        }";
    let run = program(text);
    run.done("INT(-1) MONEY($5) INT(6)", 66);
}

#[test]
fn money_is_reserved_before_a_call() {
    let text = "
        ACTION SPEND(n: int) COSTS $0.50
        FUNC main() { FOR i IN 1..3 { SPEND(i) } }";
    Program::of(text).budget_micro_dollars(1_500_000).run().done("SPEND(1) SPEND(2) SPEND(3)", 41);
    Program::of(text).budget_micro_dollars(1_400_000).run().limited("money");
}

#[test]
fn a_price_that_depends_on_the_arguments() {
    let text = "
        ACTION ASK(limit: tokens) COSTS limit, limit * ($2 / 1_000_000 tokens)
        FUNC main() { ASK(500_000 tokens) }";
    Program::of(text).tokens(500_000).budget_micro_dollars(1_000_000).run().done("ASK(500000 tokens)", 22);
    Program::of(text).tokens(500_000).budget_micro_dollars(999_999).run().limited("money");
}
