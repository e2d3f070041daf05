//! Enums, maps, growing lists, texts made while running, STATE and distributions.

use crate::common::*;
use swarm_bytecode::cost;
use swarm_bytecode::module::{FloatId, Module, State, StateId, StringId};
use swarm_bytecode::op::Op;
use swarm_bytecode::types::{EnumCase, Field, Type, TypeId};
use swarm_vm::{Host, Limits};

const INT: TypeId = TypeId::INT;
const BOOL: TypeId = TypeId::BOOL;
const STRING: TypeId = TypeId::STRING;
const MONEY: TypeId = TypeId::MONEY;

/// `Severity`: `low`, `high(limit: money, tags: list<string>)`, `OTHER(name: string)`.
fn severity(module: &mut Module) -> (TypeId, TypeId) {
    let tags = add_type(module, Type::List { element: STRING, max: None });
    let case = |name: &str, fields: Vec<Field>| EnumCase { name: name.into(), fields };
    let cases = vec![
        case("low", vec![]),
        case("medium", vec![]),
        case("high", vec![field("limit", MONEY), field("tags", tags)]),
        case("OTHER", vec![field("name", STRING)]),
    ];
    (add_type(module, Type::Enum { name: "Severity".into(), cases }), tags)
}

/// A function of these registers that returns register 0.
fn returning(module: &Module, registers: &[TypeId], mut code: Vec<Op>) -> Module {
    code.push(Op::ReturnValue { value: r(0) });
    let mut module = module.clone();
    module.functions = vec![function(registers, 0, Some(registers[0]), code)];
    module
}

fn string(register: u8, id: u16) -> Op {
    Op::String { result: r(register), value: StringId(id) }
}

fn case(register: u8, case: u8, fields: &[u8]) -> Op {
    Op::NewCase { result: r(register), case, fields: rs(fields) }
}

#[test]
fn enums() {
    let mut m = module(vec![]);
    let (severity, tags) = severity(&mut m);
    m.strings = vec!["eu".into()];
    // 1: the value, 2: money, 3: a tag, 4: tags
    let with = |ty: TypeId, make: Op, ops: &[Op]| {
        let mut code =
            vec![int(2, 1_500_000), string(3, 0), Op::NewList { result: r(4), items: rs(&[3]) }, make];
        code.extend_from_slice(ops);
        returning(&m, &[ty, severity, MONEY, STRING, tags], code)
    };
    let shown = |make: Op| result(&with(severity, make, &[Op::Move { result: r(0), value: r(1) }]));
    assert_eq!(shown(case(1, 0, &[])), "\"low\"");
    assert_eq!(shown(case(1, 1, &[])), "\"medium\"");
    assert_eq!(shown(case(1, 2, &[2, 4])), r#"{"high":{"limit":"$1.5","tags":["eu"]}}"#);
    assert_eq!(shown(case(1, 3, &[3])), r#"{"OTHER":{"name":"eu"}}"#);
    assert_eq!(shown(Op::Zero { result: r(1) }), "\"low\"");

    let which = [Op::Case { result: r(0), value: r(1) }];
    for (at, fields) in [&[][..], &[], &[2, 4], &[3]].into_iter().enumerate() {
        let at = u8::try_from(at).unwrap();
        assert_eq!(result(&with(INT, case(1, at, fields), &which)), at.to_string());
    }
    assert_eq!(result(&with(INT, Op::Zero { result: r(1) }, &which)), "0");
    // Only what has a payload is an object.
    let memory = |make: Op| run(&with(INT, make, &which)).memory_peak_bytes;
    assert_eq!(memory(case(1, 1, &[])), memory(Op::Zero { result: r(1) }));
    assert_eq!(memory(case(1, 3, &[3])), memory(case(1, 1, &[])) + cost::object_bytes(3));
    let payload = |ty, field| (ty, [Op::Payload { result: r(0), value: r(1), case: 2, field }]);
    let (ty, limit) = payload(MONEY, 0);
    assert_eq!(result(&with(ty, case(1, 2, &[2, 4]), &limit)), "\"$1.5\"");
    assert_eq!(failure(&with(ty, case(1, 1, &[]), &limit)), "wrong_case");
    assert_eq!(failure(&with(ty, case(1, 3, &[3]), &limit)), "wrong_case");
    assert_eq!(failure(&with(ty, Op::Zero { result: r(1) }, &limit)), "wrong_case");
    let (ty, of_tags) = payload(tags, 1);
    assert_eq!(result(&with(ty, case(1, 2, &[2, 4]), &of_tags)), "[\"eu\"]");
}

#[test]
fn a_payload_is_a_value_of_its_own() {
    let mut m = module(vec![]);
    let (severity, tags) = severity(&mut m);
    m.strings = vec!["eu".into(), "us".into()];
    let code = vec![
        string(3, 0),
        string(5, 1),
        Op::NewList { result: r(4), items: rs(&[3]) },
        case(0, 2, &[2, 4]),
        Op::SetItem { list: r(4), index: r(6), value: r(5) },
    ];
    let m = returning(&m, &[severity, severity, MONEY, STRING, tags, STRING, INT], code);
    assert_eq!(result(&m), r#"{"high":{"limit":"$0","tags":["eu"]}}"#);
}

#[test]
fn enums_are_compared_by_case_and_payload() {
    let mut m = module(vec![]);
    let (severity, tags) = severity(&mut m);
    m.strings = vec!["eu".into(), "us".into()];
    let with = |left: Op, right: Op| {
        let code = vec![
            string(3, 0),
            string(6, 1),
            Op::NewList { result: r(4), items: rs(&[3]) },
            Op::NewList { result: r(5), items: rs(&[6]) },
            left,
            right,
            Op::EqValue { result: r(0), left: r(1), right: r(7) },
        ];
        let report =
            run(&returning(&m, &[BOOL, severity, MONEY, STRING, tags, tags, STRING, severity], code));
        (report.result.unwrap().to_json() == "true", report.fuel_used)
    };
    let (plain, base) = with(case(1, 1, &[]), case(7, 1, &[]));
    assert!(plain);
    assert!(!with(case(1, 1, &[]), case(7, 0, &[])).0);
    assert!(with(Op::Zero { result: r(1) }, case(7, 0, &[])).0);
    assert!(!with(case(1, 1, &[]), case(7, 2, &[2, 4])).0);
    // Two fields, one item; each of the two cases is an object of four words.
    assert_eq!(with(case(1, 2, &[2, 4]), case(7, 2, &[2, 4])), (true, base + 2 * 3 + 2 * 4));
    assert_eq!(with(case(1, 2, &[2, 4]), case(7, 2, &[2, 5])), (false, base + 2 * 3 + 2 * 4));
    assert!(!with(case(1, 3, &[3]), case(7, 3, &[6])).0);
}

/// Registers: 0 result, 1 map, 2 key, 3 value, 4 found, 5 index, 6 other map, 7 list of keys.
struct Maps {
    module: Module,
    map: TypeId,
    keys: TypeId,
}

impl Maps {
    fn new(key: TypeId, max: Option<u32>) -> Maps {
        let mut module = module(vec![]);
        let map = add_type(&mut module, Type::Map { key, value: INT, max });
        let keys = add_type(&mut module, Type::List { element: key, max: None });
        module.strings = (0..40).map(|at| format!("key {at:02}").into()).collect();
        Maps { module, map, keys }
    }

    fn program(&self, key: TypeId, ty: TypeId, code: Vec<Op>) -> Module {
        returning(&self.module, &[ty, self.map, key, INT, BOOL, INT, self.map, self.keys, STRING], code)
    }
}

fn set(register: u8) -> Op {
    Op::SetEntry { map: r(register), key: r(2), value: r(3) }
}

fn find() -> Op {
    Op::Find { found: r(4), value: r(3), map: r(1), key: r(2) }
}

fn give(register: u8) -> Op {
    Op::Move { result: r(0), value: r(register) }
}

#[test]
fn maps_of_texts() {
    let maps = Maps::new(STRING, None);
    let map = maps.map;
    let run = |ty, code| result(&maps.program(STRING, ty, code));
    assert_eq!(run(map, vec![give(1)]), "{}");
    let two = [string(2, 1), int(3, 10), set(1), string(2, 0), int(3, 20), set(1)];
    let with = |ops: &[Op]| [&two[..], ops].concat();
    assert_eq!(run(map, with(&[give(1)])), r#"{"key 00":20,"key 01":10}"#);
    assert_eq!(run(map, with(&[int(3, 7), set(1), give(1)])), r#"{"key 00":7,"key 01":10}"#);
    assert_eq!(run(INT, with(&[Op::MapLength { result: r(0), map: r(1) }])), "2");
    assert_eq!(run(INT, with(&[find(), give(3)])), "20");
    assert_eq!(run(BOOL, with(&[find(), give(4)])), "true");
    assert_eq!(run(INT, with(&[string(2, 9), find(), give(3)])), "0");
    assert_eq!(run(BOOL, with(&[string(2, 9), find(), give(4)])), "false");
    let remove = Op::RemoveEntry { map: r(1), key: r(2) };
    assert_eq!(run(map, with(&[remove.clone(), give(1)])), r#"{"key 01":10}"#);
    assert_eq!(run(map, with(&[string(2, 9), remove.clone(), give(1)])), r#"{"key 00":20,"key 01":10}"#);
    assert_eq!(run(map, vec![remove, give(1)]), "{}");
    // A copy is a value of its own.
    let copy = Op::Copy { result: r(6), value: r(1) };
    assert_eq!(run(map, with(&[copy.clone(), int(3, 5), set(1), give(6)])), r#"{"key 00":20,"key 01":10}"#);
    assert_eq!(run(map, with(&[copy, int(3, 5), set(1), give(1)])), r#"{"key 00":5,"key 01":10}"#);
    let new = Op::NewMap { result: r(1), entries: rs(&[2, 3, 8, 5, 2, 5]) };
    assert_eq!(
        run(map, vec![string(2, 4), int(3, 1), string(8, 3), int(5, 2), new, give(1)]),
        r#"{"key 03":2,"key 04":2}"#
    );
}

#[test]
fn maps_grow_and_shrink() {
    let maps = Maps::new(INT, None);
    // Keys 37 · i mod 1009 for i in 1..=900, all different; those of even i are taken out again.
    let code = vec![
        int(5, 1),
        int(3, 900),
        Op::Range { item: r(7), first: r(5), last: r(3) },
        int(4, 37),
        Op::MulInt { result: r(2), left: r(7), right: r(4) },
        int(4, 1009),
        Op::ModInt { result: r(2), left: r(2), right: r(4) },
        Op::SetEntry { map: r(1), key: r(2), value: r(7) },
        int(4, 2),
        Op::ModInt { result: r(4), left: r(7), right: r(4) },
        int(8, 0),
        Op::EqInt { result: r(9), left: r(4), right: r(8) },
        Op::If { condition: r(9) },
        Op::RemoveEntry { map: r(1), key: r(2) },
        Op::End {},
        Op::Advance {},
        Op::ForEachEntry { key: r(2), value: r(4), index: r(8), map: r(1) },
        // 0: 31 · checksum + key · value, as long as the keys ascend
        Op::LtInt { result: r(9), left: r(6), right: r(2) },
        Op::If { condition: r(9) },
        int(5, 31),
        Op::MulInt { result: r(0), left: r(0), right: r(5) },
        Op::MulInt { result: r(5), left: r(2), right: r(4) },
        Op::AddInt { result: r(0), left: r(0), right: r(5) },
        int(5, 1_000_003),
        Op::ModInt { result: r(0), left: r(0), right: r(5) },
        Op::End {},
        Op::Move { result: r(6), value: r(2) },
        Op::Advance {},
        Op::Find { found: r(9), value: r(4), map: r(1), key: r(6) },
        Op::AddInt { result: r(0), left: r(0), right: r(4) },
    ];
    let registers = [INT, maps.map, INT, INT, INT, INT, INT, INT, INT, BOOL];
    let mut expected = std::collections::BTreeMap::new();
    for i in (1..=900i64).filter(|i| i % 2 == 1) {
        expected.insert(37 * i % 1009, i);
    }
    let sum = expected.iter().fold(0, |sum, (key, value)| (31 * sum + key * value) % 1_000_003);
    let sum = sum + expected.last_key_value().unwrap().1;
    let limits = Limits::default().memory_bytes(1 << 22);
    let report = run_with(&returning(&maps.module, &registers, code), limits, &mut Host::new());
    assert_eq!(report.result.unwrap().to_json(), sum.to_string());
}

#[test]
fn maps_pay_for_keys_and_moves() {
    let maps = Maps::new(STRING, None);
    let fuel = |ops: Vec<Op>| run(&maps.program(STRING, INT, ops)).fuel_used;
    let base = fuel(vec![]);
    let set_cost = |ops: &[Op]| fuel([ops, &[set(1)]].concat()) - fuel(ops.to_vec()) - 6;
    assert_eq!(set_cost(&[]), cost::map_words(4));
    let fill = |count: u16| (0..count).flat_map(|at| [string(2, at), set(1)]).collect::<Vec<_>>();
    let next = |count: u16| [fill(count), vec![string(2, count)]].concat();
    assert_eq!(set_cost(&next(1)), 0);
    assert_eq!(set_cost(&next(4)), cost::map_words(8));
    assert_eq!(set_cost(&next(16)), cost::map_words(32));
    // A known key needs no room.
    assert_eq!(set_cost(&fill(4)), 0);
    let copied = |count: u16| [fill(count), vec![Op::Copy { result: r(6), value: r(1) }]].concat();
    assert_eq!(set_cost(&copied(9)), cost::map_words(16));
    let remove = |ops: &[Op]| {
        let remove = Op::RemoveEntry { map: r(1), key: r(2) };
        fuel([ops, &[remove]].concat()) - fuel(ops.to_vec()) - 6
    };
    assert_eq!(remove(&fill(9)), 0);
    assert_eq!(remove(&copied(9)), cost::map_words(8));
    assert_eq!(remove(&[copied(9), vec![string(2, 30)]].concat()), 0);
    let each = |count: u16| {
        let each = [Op::ForEachEntry { key: r(2), value: r(3), index: r(5), map: r(1) }, Op::Advance {}];
        fuel([fill(count), each.to_vec()].concat()) - fuel(fill(count))
    };
    let of = |count: u64| cost::foreach_entry(count, 6 * count);
    assert_eq!(each(0), 4 + of(0));
    assert_eq!(each(9), 4 + of(9) + 9 * 2);
    assert!(base > 0);
}

#[test]
fn keys_of_every_kind_are_in_order() {
    // key type, keys as integers, the keys of the result in order
    let cases: [(TypeId, &[i64], &str); 4] = [
        (INT, &[3, -1, 2], r#"{"-1":0,"2":0,"3":0}"#),
        (BOOL, &[1, 0, 1], r#"{"false":0,"true":0}"#),
        (TypeId::DURATION, &[60_000_000_000, 1_000_000_000], r#"{"1s":0,"1min":0}"#),
        (TypeId::TIME, &[1_000_000_000, 0], r#"{"1970-01-01T00:00:00Z":0,"1970-01-01T00:00:01Z":0}"#),
    ];
    for (ty, keys, expected) in cases {
        let maps = Maps::new(ty, None);
        let mut code: Vec<Op> = keys.iter().flat_map(|key| [int(2, *key), set(1)]).collect();
        code.push(give(1));
        assert_eq!(result(&maps.program(ty, maps.map, code)), expected);
    }
    let mut m = module(vec![]);
    let names = ["low", "medium", "high"].map(|name| EnumCase { name: name.into(), fields: vec![] });
    let severity = add_type(&mut m, Type::Enum { name: "Severity".into(), cases: names.to_vec() });
    let map = add_type(&mut m, Type::Map { key: severity, value: INT, max: None });
    let code =
        vec![case(2, 2, &[]), set(1), case(2, 0, &[]), int(3, 4), set(1), case(2, 1, &[]), set(1), give(1)];
    let m = returning(&m, &[map, map, severity, INT], code);
    assert_eq!(result(&m), r#"{"low":4,"medium":4,"high":0}"#);
}

#[test]
fn maps_hold_their_max() {
    let maps = Maps::new(INT, Some(2));
    let fill = |count: i64| (0..count).flat_map(|at| [int(2, at), set(1)]).chain([give(1)]).collect();
    assert_eq!(result(&maps.program(INT, maps.map, fill(2))), r#"{"0":0,"1":0}"#);
    assert_eq!(failure(&maps.program(INT, maps.map, fill(3))), "too_long");
}

#[test]
fn maps_are_compared_by_their_entries() {
    let maps = Maps::new(STRING, None);
    let with = |left: &[(u16, i64)], right: &[(u16, i64)]| {
        let fill = |register: u8, entries: &[(u16, i64)]| {
            let entry = |(key, value): &(u16, i64)| [string(2, *key), int(3, *value), set(register)];
            entries.iter().flat_map(entry).collect::<Vec<_>>()
        };
        let equal = Op::EqValue { result: r(0), left: r(1), right: r(6) };
        let code = [fill(1, left), fill(6, right), vec![equal]].concat();
        let report = run(&maps.program(STRING, BOOL, code));
        (report.result.unwrap().to_json() == "true", report.fuel_used)
    };
    let (one, two) = ([(3, 1), (1, 2), (2, 3)], [(1, 2), (2, 3), (3, 1)]);
    let (same, fuel) = with(&one, &two);
    assert!(same);
    assert_eq!(with(&one, &one), (true, fuel));
    // The entries before the first difference, by key.
    assert_eq!(with(&one, &[(3, 9), (1, 2), (2, 3)]), (false, fuel));
    assert_eq!(with(&one, &[(3, 1), (1, 9), (2, 3)]), (false, fuel - 8));
    assert_eq!(with(&one, &[(3, 1), (0, 2), (2, 3)]), (false, fuel - 10));
    assert!(!with(&one, &two[..2]).0);
    assert!(with(&[], &[]).0);
}

#[test]
fn lists_grow() {
    let mut m = module(vec![]);
    let list = add_type(&mut m, Type::List { element: INT, max: Some(6) });
    let lists = add_type(&mut m, Type::List { element: list, max: None });
    let push = |value: u8| Op::Push { list: r(1), value: r(value) };
    let with = |ty: TypeId, ops: Vec<Op>| returning(&m, &[ty, list, INT, INT, list, lists], ops);
    let fill = |count: i64| (1..=count).flat_map(|at| [int(2, at), push(2)]).collect::<Vec<_>>();
    let shown = |ops: Vec<Op>| result(&with(list, [ops, vec![give(1)]].concat()));
    assert_eq!(shown(fill(6)), "[1,2,3,4,5,6]");
    assert_eq!(failure(&with(list, fill(7))), "too_long");
    let copy = Op::Copy { result: r(4), value: r(1) };
    let two = [fill(3), vec![copy.clone(), int(2, 9), push(2)]].concat();
    assert_eq!(shown(two.clone()), "[1,2,3,9]");
    assert_eq!(result(&with(list, [two, vec![give(4)]].concat())), "[1,2,3]");
    // What is pushed is a value of its own.
    let nested = [
        fill(1),
        vec![Op::Push { list: r(5), value: r(1) }],
        fill(1),
        vec![Op::Push { list: r(5), value: r(1) }, give(5)],
    ];
    assert_eq!(result(&with(lists, nested.concat())), "[[1],[1,1]]");

    let fuel = |ops: Vec<Op>| run(&with(INT, ops)).fuel_used;
    let cost_of = |ops: &[Op]| fuel([ops, &[push(2)]].concat()) - fuel(ops.to_vec()) - 2;
    assert_eq!(cost_of(&[]), cost::object_words(4));
    assert_eq!(cost_of(&fill(1)), 0);
    assert_eq!(cost_of(&fill(4)), cost::object_words(8));
    let three = Op::NewList { result: r(1), items: rs(&[2, 2, 2]) };
    assert_eq!(cost_of(&[three]), cost::object_words(4));
    assert_eq!(cost_of(&[fill(2), vec![copy]].concat()), cost::object_words(4));
}

#[test]
fn growing_is_held_by_memory() {
    let mut m = module(vec![]);
    let list = add_type(&mut m, Type::List { element: INT, max: None });
    let code = vec![Op::Loop {}, Op::Push { list: r(0), value: r(1) }, Op::Repeat {}, Op::Return {}];
    let mut m = m.clone();
    m.functions = vec![function(&[list, INT], 0, None, code)];
    let report = run_with(&m, Limits::default().memory_bytes(10_000), &mut Host::new());
    assert_eq!(report.reason.unwrap().code, "memory");
    // 4, 8, … 512 items and their headers, and the frame.
    let words = (2..=9).map(|power| cost::object_words(1 << power)).sum::<u64>();
    assert_eq!(report.memory_peak_bytes, cost::object_bytes(words) + cost::frame_bytes(2));
}

#[test]
fn the_best_items() {
    let mut m = module(vec![]);
    let items = add_type(&mut m, Type::List { element: STRING, max: None });
    let ints = add_type(&mut m, Type::List { element: INT, max: None });
    let few = add_type(&mut m, Type::List { element: STRING, max: Some(2) });
    m.strings = ["a", "b", "c", "d"].map(Into::into).to_vec();
    let with = |ty: TypeId, keys: &[i64], count: i64, bottom: i64| {
        let mut code: Vec<Op> = (0..4).map(|at| string(at + 3, u16::from(at))).collect();
        code.push(Op::NewList { result: r(1), items: rs(&[3, 4, 5, 6]) });
        for key in keys {
            code.extend([int(7, *key), Op::Push { list: r(2), value: r(7) }]);
        }
        code.push(int(7, count));
        code.push(Op::Top { result: r(0), list: r(1), keys: r(2), count: r(7), bottom });
        returning(&m, &[ty, items, ints, STRING, STRING, STRING, STRING, INT], code)
    };
    let keys = [3, 1, 3, 2];
    assert_eq!(result(&with(items, &keys, 2, 0)), r#"["a","c"]"#);
    assert_eq!(result(&with(items, &keys, 3, 0)), r#"["a","c","d"]"#);
    assert_eq!(result(&with(items, &keys, 3, 1)), r#"["b","d","a"]"#);
    assert_eq!(result(&with(items, &keys, 9, 0)), r#"["a","c","d","b"]"#);
    assert_eq!(result(&with(items, &keys, 0, 0)), "[]");
    assert_eq!(result(&with(items, &keys, i64::MIN, 1)), "[]");
    assert_eq!(failure(&with(items, &keys[..3], 1, 0)), "index_out_of_range");
    assert_eq!(failure(&with(few, &keys, 3, 0)), "too_long");
    let fuel = |count| run(&with(items, &keys, count, 0)).fuel_used;
    assert_eq!(fuel(3) - fuel(1), 2);
}

#[test]
fn values_as_text() {
    let mut m = module(vec![]);
    let (severity, tags) = severity(&mut m);
    let optional = add_type(&mut m, Type::Optional(TypeId::DURATION));
    let map = add_type(&mut m, Type::Map { key: STRING, value: severity, max: None });
    let task =
        add_type(&mut m, Type::Record { name: "Task".into(), fields: vec![field("n", INT), key("id")] });
    let pair = add_type(
        &mut m,
        Type::Record { name: "Pair".into(), fields: vec![field("n", INT), field("t", task)] },
    );
    m.strings = vec!["say \"hi\"\n".into(), "b".into()];
    m.floats = vec![0.5];
    let text = |ty: TypeId, ops: &[Op]| {
        let code = [ops, &[Op::Text { result: r(0), value: r(1) }]].concat();
        let registers = [STRING, ty, INT, STRING, tags, severity, MONEY, task];
        let report = run(&returning(&m, &registers, code));
        match report.result.unwrap() {
            swarm_vm::Value::String(text) => text.to_string(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(text(INT, &[int(1, -5)]), "-5");
    assert_eq!(text(BOOL, &[int(1, 1)]), "true");
    assert_eq!(text(TypeId::FLOAT, &[Op::Float { result: r(1), value: FloatId(0) }]), "0.5");
    assert_eq!(text(MONEY, &[int(1, 1_500_000)]), "$1.5");
    assert_eq!(text(TypeId::DURATION, &[int(1, 90_000_000_000)]), "90s");
    assert_eq!(text(STRING, &[string(1, 0)]), "say \"hi\"\n");
    assert_eq!(text(optional, &[]), "null");
    assert_eq!(
        text(tags, &[string(3, 0), Op::NewList { result: r(1), items: rs(&[3]) }]),
        r#"["say \"hi\"\n"]"#
    );
    assert_eq!(text(severity, &[case(1, 1, &[])]), "medium");
    assert_eq!(text(severity, &[case(1, 2, &[6, 4])]), r#"{"high":{"limit":"$0","tags":[]}}"#);
    let entries = [string(3, 1), case(5, 1, &[]), Op::NewMap { result: r(1), entries: rs(&[3, 5]) }];
    assert_eq!(text(map, &entries), r#"{"b":"medium"}"#);
    let make = |result| [string(3, 1), Op::NewRecord { result: r(result), fields: rs(&[2, 3]) }];
    assert_eq!(text(task, &make(1)), "b");
    let [id, made] = make(7);
    assert_eq!(
        text(pair, &[id, made, Op::NewRecord { result: r(1), fields: rs(&[2, 7]) }]),
        r#"{"n":0,"t":"b"}"#
    );
}

#[test]
fn texts_one_behind_the_other() {
    let concat = |parts: &[u8]| Op::Concat { result: r(0), parts: rs(parts) };
    let mut m = module(vec![]);
    m.strings = vec!["ab".into(), "ü".into()];
    let with = |ops: Vec<Op>| returning(&m, &[STRING, STRING, STRING, INT, INT, INT], ops);
    let two = [string(1, 0), string(2, 1)];
    assert_eq!(result(&with([&two[..], &[concat(&[1, 2, 1])]].concat())), "\"abüab\"");
    assert_eq!(result(&with(vec![concat(&[])])), "\"\"");
    // What was made before can be a part, more than once.
    assert_eq!(result(&with([&two[..], &[concat(&[1, 2]), concat(&[0, 2, 0])]].concat())), "\"abüüabü\"");
    // Doubled 20 times it is too long; what is charged is its length.
    let double = |times: i64| {
        let ops = [
            string(0, 0),
            int(3, 1),
            int(4, times),
            Op::Range { item: r(5), first: r(3), last: r(4) },
            concat(&[0, 0]),
            Op::Advance {},
            Op::Zero { result: r(0) },
        ];
        run_with(&with(ops.to_vec()), Limits::default().memory_bytes(1 << 22), &mut Host::new())
    };
    let report = double(18);
    let bytes = (1..=18).map(|times| 2u64 << times).sum::<u64>();
    assert_eq!(report.memory_peak_bytes, bytes + cost::frame_bytes(6));
    let charge = (1..=18).map(|times| cost::make_text(2 << times)).sum::<u64>();
    assert_eq!(report.fuel_used, charge + 3 + 2 + 18 * (4 + 2) + 2);
    assert_eq!(double(19).reason.unwrap().code, "too_long");
    let held = run_with(
        &with([&two[..], &[concat(&[1, 2])]].concat()),
        Limits::default().memory_bytes(67),
        &mut Host::new(),
    );
    assert_eq!(held.reason.unwrap().code, "memory");
}

#[test]
fn state_is_loaded_taken_and_set() {
    let mut m = module(vec![]);
    let list = add_type(&mut m, Type::List { element: INT, max: None });
    m.states = vec![
        State { name: "count".into(), ty: INT, initial: None },
        State { name: "seen".into(), ty: list, initial: None },
    ];
    let load = |register: u8, state: u16| Op::State { result: r(register), state: StateId(state) };
    let take = |register: u8, state: u16| Op::TakeState { result: r(register), state: StateId(state) };
    let set = |state: u16, register: u8| Op::SetState { state: StateId(state), value: r(register) };
    let with = |ty: TypeId, ops: Vec<Op>| returning(&m, &[ty, list, INT, list], ops);
    assert_eq!(result(&with(INT, vec![load(0, 0)])), "0");
    assert_eq!(result(&with(INT, vec![int(2, 5), set(0, 2), int(2, 6), load(0, 0)])), "5");
    let push = |list: u8| Op::Push { list: r(list), value: r(2) };
    // Taken, changed in place and set again; taken, it is empty meanwhile.
    let add = vec![take(1, 1), push(1), set(1, 1)];
    assert_eq!(result(&with(list, [add.clone(), add.clone(), vec![load(0, 1)]].concat())), "[0,0]");
    assert_eq!(result(&with(list, [add.clone(), vec![take(1, 1), load(0, 1)]].concat())), "[]");
    // What is loaded is a value of its own.
    let ops = [add.clone(), vec![load(1, 1), int(2, 3), push(1), load(0, 1)]].concat();
    assert_eq!(result(&with(list, ops)), "[0]");
    let fuel = |ops: Vec<Op>| run(&with(INT, ops)).fuel_used;
    let once = fuel(add.clone());
    assert_eq!(fuel([add.clone(), add].concat()) - once, 1 + 2 + 1, "no copy");
}

#[test]
fn what_is_taken_over_has_one_name() {
    let mut m = module(vec![]);
    let list = add_type(&mut m, Type::List { element: INT, max: None });
    let optional = add_type(&mut m, Type::Optional(INT));
    m.states = vec![State { name: "seen".into(), ty: list, initial: None }];
    let push = |list: u8| Op::Push { list: r(list), value: r(2) };
    let moved = |result: u8, value: u8| Op::Move { result: r(result), value: r(value) };
    let set = |register: u8| Op::SetState { state: StateId(0), value: r(register) };
    let with =
        |ops: &[Op], at: u8| result(&returning(&m, &[list, list, INT], [ops, &[moved(0, at)]].concat()));
    let of_two = |ops: &[Op]| [with(ops, 0), with(ops, 1)];
    // The register that was read is empty then, and what is done to it is done to another list.
    assert_eq!(of_two(&[push(1), moved(0, 1)]), ["[0]", "[]"]);
    assert_eq!(of_two(&[push(1), moved(0, 1), int(2, 7), push(1)]), ["[0]", "[7]"]);
    assert_eq!(of_two(&[push(1), moved(1, 1)]), ["[]", "[0]"]);
    let seen = Op::State { result: r(0), state: StateId(0) };
    assert_eq!(of_two(&[push(1), set(1), int(2, 7), push(1), seen]), ["[0]", "[7]"]);
    // What cannot be written in place may have two.
    let some = [Op::Some { result: r(1), value: r(2) }, moved(3, 1), moved(0, 1)];
    assert_eq!(result(&returning(&m, &[optional, optional, INT, optional], some.to_vec())), "0");
}

#[test]
fn distributions_are_read() {
    use swarm_bytecode::module::MetricKind;
    let of = |ty: TypeId, samples: &[i64], mean: bool| {
        let mut m = module(vec![]);
        let given = if mean && ty == INT { TypeId::FLOAT } else { ty };
        let optional = add_type(&mut m, Type::Optional(given));
        m.metrics = vec![metric("m", ty, MetricKind::Distribution)];
        let mut code: Vec<Op> = samples
            .iter()
            .flat_map(|sample| [int(1, *sample), Op::RecordMetric { metric: METRIC, value: r(1) }])
            .collect();
        code.push(if mean {
            Op::Mean { result: r(0), metric: METRIC }
        } else {
            Op::Quantile { result: r(0), metric: METRIC, share: 500_000 }
        });
        result(&returning(&m, &[optional, ty], code))
    };
    assert_eq!(of(INT, &[], false), "null");
    assert_eq!(of(INT, &[], true), "null");
    assert_eq!(of(INT, &[3, 1, 2], false), "2");
    assert_eq!(of(INT, &[3, 1, 3], true), "2.3333333333333335");
    assert_eq!(of(TypeId::DURATION, &[3, 1, 4, 2], true), "\"2ns\"");
    assert_eq!(of(TypeId::DURATION, &[3, 4, 4, 3], true), "\"4ns\"");
    assert_eq!(of(TypeId::DURATION, &[i64::MAX, i64::MAX], true), format!("\"{}ns\"", i64::MAX));
    assert_eq!(of(TypeId::DURATION, &[i64::MIN, i64::MAX], true), "\"0s\"");
}
