//! Natives: the examples of every row of their table, their traps, and what they pay.

use crate::common::*;
use swarm_bytecode::cost::{self, NativeWork};
use swarm_bytecode::module::{FloatId, Module, StringId};
use swarm_bytecode::native::{Bindings, Charge, NATIVES, Native, NativeFunction, Shape};
use swarm_bytecode::op::{Op, Register};
use swarm_bytecode::quantity::{Literal, parse_literal, parse_time};
use swarm_bytecode::types::{Type, TypeId};

/// Makes a module of one function out of an expression: calls of natives, literals, lists, maps, `time("…")`,
/// `a - b` and `a CONTAINS b`.
struct Maker<'t> {
    rest: &'t str,
    module: Module,
    registers: Vec<TypeId>,
    code: Vec<Op>,
}

impl<'t> Maker<'t> {
    fn expression(text: &'t str) -> Module {
        let mut maker = Maker { rest: text, module: module(vec![]), registers: vec![], code: vec![] };
        let value = maker.sum();
        assert_eq!(maker.rest, "", "{text}");
        maker.code.push(Op::ReturnValue { value });
        let ty = maker.ty(value);
        maker.module.functions = vec![function(&maker.registers, 0, Some(ty), maker.code)];
        maker.module
    }

    fn skip(&mut self, token: char) -> bool {
        self.rest = self.rest.trim_start();
        let rest = self.rest.strip_prefix(token);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn ty(&self, register: Register) -> TypeId {
        self.registers[usize::from(register.0)]
    }

    fn register(&mut self, ty: TypeId) -> Register {
        self.registers.push(ty);
        Register(u8::try_from(self.registers.len() - 1).unwrap())
    }

    fn type_id(&mut self, ty: Type) -> TypeId {
        let own = self.module.types.iter().position(|own| *own == ty);
        match own {
            Some(own) => TypeId(TypeId::BUILTIN_COUNT + u16::try_from(own).unwrap()),
            None => add_type(&mut self.module, ty),
        }
    }

    fn sum(&mut self) -> Register {
        let mut left = self.value();
        if let Some(rest) = self.rest.trim_start().strip_prefix("CONTAINS") {
            self.rest = rest;
            let right = self.value();
            return self.native("contains", vec![left, right]);
        }
        while self.skip('-') {
            let right = self.value();
            let result = self.register(self.ty(left));
            self.code.push(Op::SubInt { result, left, right });
            left = result;
        }
        left
    }

    fn value(&mut self) -> Register {
        self.rest = self.rest.trim_start();
        if self.skip('[') {
            return self.items();
        }
        if self.skip('"') {
            let (text, rest) = self.rest.split_once('"').unwrap();
            self.rest = rest;
            return self.string(text);
        }
        let end = self.rest.find([',', ')', ']', ' ', '(', ':']).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        if self.skip('(') {
            return self.call(word);
        }
        self.number(word)
    }

    fn string(&mut self, text: &str) -> Register {
        let known = self.module.strings.iter().position(|own| own == text);
        let id = known.unwrap_or_else(|| {
            self.module.strings.push(text.into());
            self.module.strings.len() - 1
        });
        let result = self.register(TypeId::STRING);
        self.code.push(Op::String { result, value: StringId(u16::try_from(id).unwrap()) });
        result
    }

    fn number(&mut self, word: &str) -> Register {
        let (number, sign) = word.strip_prefix('-').map_or((word, 1), |number| (number, -1));
        let (ty, value) = match parse_literal(number).unwrap_or_else(|error| panic!("{word}: {error}")) {
            Literal::Int(value) => (TypeId::INT, value),
            Literal::Quantity { ty, value } => (ty, value),
            Literal::Float(value) => {
                let value = value * if sign < 0 { -1.0 } else { 1.0 };
                let known = self.module.floats.iter().position(|own| own.to_bits() == value.to_bits());
                let id = known.unwrap_or_else(|| {
                    self.module.floats.push(value);
                    self.module.floats.len() - 1
                });
                let result = self.register(TypeId::FLOAT);
                self.code.push(Op::Float { result, value: FloatId(u16::try_from(id).unwrap()) });
                return result;
            }
            Literal::Rate { .. } => panic!("{word}"),
        };
        let result = self.register(ty);
        self.code.push(Op::Integer { result, value: sign * value });
        result
    }

    fn items(&mut self) -> Register {
        let (mut values, mut map) = (Vec::new(), false);
        while !self.skip(']') {
            values.push(self.sum());
            if self.skip(':') {
                map = true;
                values.push(self.sum());
            }
            self.skip(',');
        }
        let (first, last) = (self.ty(values[0]), self.ty(values[values.len() - 1]));
        if map {
            let ty = self.type_id(Type::Map { key: first, value: last, max: None });
            let result = self.register(ty);
            self.code.push(Op::NewMap { result, entries: values.into() });
            return result;
        }
        let ty = self.type_id(Type::List { element: first, max: None });
        let result = self.register(ty);
        self.code.push(Op::NewList { result, items: values.into() });
        result
    }

    fn call(&mut self, name: &str) -> Register {
        let mut arguments = Vec::new();
        while !self.skip(')') {
            arguments.push(self.sum());
            self.skip(',');
        }
        if name == "time" {
            let text = self.module.strings.last().unwrap().clone();
            let result = self.register(TypeId::TIME);
            self.code.push(Op::Integer { result, value: parse_time(&text).unwrap() });
            return result;
        }
        self.native(name, arguments)
    }

    fn native(&mut self, name: &str, arguments: Vec<Register>) -> Register {
        let types: Vec<TypeId> = arguments.iter().map(|argument| self.ty(*argument)).collect();
        let (native, bindings) = self.row(name, &types);
        let ty = match native.result.shape(&bindings).unwrap() {
            Shape::Is(ty) => ty,
            Shape::Optional(inner) => self.type_id(Type::Optional(inner)),
            Shape::List(element) => self.type_id(Type::List { element, max: None }),
            Shape::Map(key, value) => self.type_id(Type::Map { key, value, max: None }),
        };
        let result = self.register(ty);
        self.code.push(Op::Native { result, native: native.id, arguments: arguments.into() });
        result
    }

    fn row(&self, name: &str, types: &[TypeId]) -> (&'static Native, Bindings) {
        let admits = |native: &'static Native| {
            let mut bindings = Bindings::default();
            let fits = native.parameters.len() == types.len()
                && types
                    .iter()
                    .zip(native.parameters)
                    .all(|(ty, (_, pattern))| pattern.admits(*ty, &mut bindings, |ty| self.module.ty(ty)));
            fits.then_some((native, bindings))
        };
        Native::named(name).find_map(admits).unwrap_or_else(|| panic!("{name} of {types:?}"))
    }
}

fn json(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn gives(expression: &str) -> String {
    result(&Maker::expression(expression))
}

fn traps(expression: &str) -> String {
    failure(&Maker::expression(expression))
}

#[test]
fn every_example_gives_what_it_says() {
    for native in NATIVES {
        for (expression, expected) in native.examples {
            assert_eq!(json(&gives(expression)), json(expected), "{expression}");
        }
    }
}

#[test]
fn numbers() {
    let cases = [
        ("abs(-2.5)", "2.5"),
        ("min(2.5, -1.0)", "-1.0"),
        ("max(-2, -3)", "-2"),
        ("clamp(5, 10, 0)", "10"),
        ("clamp(0.5, 0.0, 1.0)", "0.5"),
        ("floor(-0.5)", "-1"),
        ("ceil(-0.5)", "0"),
        ("ratio(1.5, 0.5)", "3.0"),
        ("ratio(1.5, 0.0)", "null"),
        ("percent_of(0.5, 4.0)", "\"12.5%\""),
        ("bit_not(-1)", "0"),
        ("shift_right(-1, 63)", "-1"),
        ("near(1.0, 1.0, 0%)", "true"),
        ("seconds(-1ns)", "-1e-9"),
        ("weekday(time(\"1969-12-28T23:59:59Z\"))", "7"),
    ];
    for (expression, expected) in cases {
        assert_eq!(gives(expression), expected, "{expression}");
    }
    let cases = [
        ("abs(-9223372036854775807 - 1)", "overflow"),
        ("round(1e300)", "overflow"),
        ("floor(1e19)", "overflow"),
        ("ceil(-1e19)", "overflow"),
        ("sqrt(-1.0)", "not_finite"),
        ("percent_of(1, 0)", "division_by_zero"),
        ("percent_of(9223372036854775807, 1)", "overflow"),
        ("ratio(1e300, 1e-300)", "not_finite"),
        ("shift_left(1, 64)", "shift_out_of_range"),
        ("shift_right(1, -1)", "shift_out_of_range"),
    ];
    for (expression, expected) in cases {
        assert_eq!(traps(expression), expected, "{expression}");
    }
}

#[test]
fn texts() {
    let cases = [
        ("split(\"ab\", \"\")", "[\"ab\"]"),
        ("join(split(\"a b c\", \" \"), \"\")", "\"abc\""),
        ("upper(left(trim(\"  straße \"), 5))", "\"STRASS\""),
        ("right(\"日本語\", 2)", "\"本語\""),
        ("right(trim(\" 日本語 \"), 1)", "\"語\""),
        ("index_of(words(\"one two three\"), \"two\")", "1"),
        ("replace(\"aaa\", \"\", \"b\")", "\"aaa\""),
        ("repeat(\"\", 9223372036854775807)", "\"\""),
        ("parse_int(\"9223372036854775808\")", "null"),
        ("parse_float(\"1e999\")", "null"),
        ("parse_float(\".5\")", "null"),
        ("len(repeat(\"ü\", 1000))", "1000"),
        ("lower(repeat(\"AB\", 2))", "\"abab\""),
    ];
    for (expression, expected) in cases {
        assert_eq!(gives(expression), expected, "{expression}");
    }
    for expression in ["repeat(\"ab\", 524288)", "repeat(repeat(\"a\", 1024), 1024)"] {
        assert_eq!(traps(expression), "too_long", "{expression}");
    }
    // A megabyte, most of it made of it again.
    assert_eq!(traps("replace(repeat(\"a\", 100000), \"a\", repeat(\"b\", 11))"), "too_long");
    assert_eq!(traps("join(split(repeat(\"a,\", 20000), \",\"), repeat(\"-\", 100))"), "too_long");
}

#[test]
fn lists_and_maps() {
    let cases = [
        ("sort([2.5, -1.0, 0.0])", "[-1.0,0.0,2.5]"),
        ("sort([3s, 1s])", "[\"1s\",\"3s\"]"),
        ("get([[1], [2]], 1)", "[2]"),
        ("reverse(words(\"a b\"))", "[\"b\",\"a\"]"),
        ("slice([1, 2, 3], -5, 6)", "[1]"),
        ("slice([1, 2, 3], 2, 9223372036854775807)", "[3]"),
        ("slice([1, 2, 3], 1, -1)", "[]"),
        ("slice([1, 2, 3], -9223372036854775807, 9223372036854775807)", "[]"),
        ("slice([1, 2, 3], 9223372036854775807, 2)", "[]"),
        ("[[1, 2], [3]] CONTAINS [3]", "true"),
        ("[[1, 2], [3]] CONTAINS [1]", "false"),
        ("unique([[1], [2], [1]])", "[[1],[2]]"),
        ("unique([[\"a\": 1, \"b\": 2], [\"b\": 2, \"a\": 1]])", "[{\"a\":1,\"b\":2}]"),
        ("unique(words(\"b a b a c\"))", "[\"b\",\"a\",\"c\"]"),
        ("first(slice([1], 1, 1))", "null"),
        ("last(slice([1], 1, 1))", "null"),
        ("keys([10: 1, -2: 2, 3: 3])", "[-2,3,10]"),
        ("values([10: \"a\", -2: \"b\", 3: \"c\"])", "[\"b\",\"c\",\"a\"]"),
        ("keys([2s: 1, 1s: 2])", "[\"1s\",\"2s\"]"),
        ("without([3: \"c\", 1: \"a\", 2: \"b\"], 1)", "{\"2\":\"b\",\"3\":\"c\"}"),
        ("without(without([1: 2], 1), 1)", "{}"),
        ("has(without([1: 2], 1), 1)", "false"),
    ];
    for (expression, expected) in cases {
        assert_eq!(gives(expression), expected, "{expression}");
    }
}

/// The fuel of the last native of an expression, beyond the static cost of its op.
fn charge(expression: &str) -> u64 {
    let module = Maker::expression(expression);
    let mut without = module.clone();
    let code = &mut without.functions[0].code;
    let Some(Op::Native { result, .. }) = code.get(code.len() - 2).cloned() else { panic!("{expression}") };
    let at = code.len() - 2;
    code[at] = Op::Zero { result };
    let (with, without) = (run(&module), run(&without));
    with.fuel_used - without.fuel_used - 3
}

#[test]
fn natives_pay_by_their_row() {
    let object = |slots| cost::object_words(slots);
    let cases = [
        ("abs(5)", NativeWork::default()),
        ("ratio(1, 0)", NativeWork::default()),
        ("ratio(1, 2)", NativeWork { words: object(1), ..NativeWork::default() }),
        ("len(repeat(\"a\", 160))", NativeWork { text_bytes: 160, ..NativeWork::default() }),
        ("lower(repeat(\"a\", 160))", NativeWork { text_bytes: 320, ..NativeWork::default() }),
        (
            "split(repeat(\"ab\", 80), \"b\")",
            NativeWork { text_bytes: 160 + 1 + 80, words: object(81), ..NativeWork::default() },
        ),
        (
            "join(words(repeat(\"ab \", 80)), repeat(\"-\", 16))",
            NativeWork { items: 80, text_bytes: 160 + 16 + 160 + 79 * 16, ..NativeWork::default() },
        ),
        ("get([5, 6], 1)", NativeWork { words: object(1), ..NativeWork::default() }),
        ("get([5, 6], 2)", NativeWork::default()),
        ("reverse([1, 2, 3])", NativeWork { words: object(3), ..NativeWork::default() }),
        (
            "sort([1, 2, 3, 4, 5])",
            NativeWork { items: 5, slots: 5, words: object(5), ..NativeWork::default() },
        ),
        (
            "sort(words(repeat(\"0123456789abcdef \", 5)))",
            NativeWork { items: 5, slots: 5, text_bytes: 80, words: object(5) },
        ),
        // Each list is a slot, and so is each item of it.
        ("index_of([[1, 2], [3]], [7, 2])", NativeWork { items: 2, slots: 2 + 3, ..NativeWork::default() }),
        (
            "unique([[1, 2], [1, 2]])",
            NativeWork { items: 2, slots: 6, words: object(1), ..NativeWork::default() },
        ),
        (
            "keys([\"0123456789abcdef\": 1, \"b\": 2, \"c\": 3])",
            NativeWork { items: 3, slots: 3, text_bytes: 18, words: object(3) },
        ),
        ("has([\"a\": 1], repeat(\"a\", 32))", NativeWork { text_bytes: 32, ..NativeWork::default() }),
        (
            "without([\"a\": 1, \"b\": 2], \"a\")",
            NativeWork { words: cost::map_words(4), text_bytes: 1, ..NativeWork::default() },
        ),
        ("without([1: 1], 2)", NativeWork::default()),
    ];
    for (expression, work) in cases {
        let name = expression.split_once('(').unwrap().0;
        // Of `index_of`, the one on lists.
        let row = Native::named(name).find(|row| row.function != NativeFunction::TextIndexOf);
        let charged = cost::native(row.unwrap().charge, work);
        assert_eq!(charge(expression), charged, "{expression}");
    }
    assert_eq!(NativeFunction::Unique.info().charge, Charge::Sort);
}
