//! The least data that still does it: shorter lists, smaller numbers, fewer words.

use swarm_vm::Value;

use super::{Given, Step};

/// A field.
type Named = (smol_str::SmolStr, Value);

/// Runs spent on making one case smaller.
const MOST_TRIES: u32 = 2_000;

/// Makes data smaller as long as `same` holds.
pub(super) fn least(mut given: Given, same: impl Fn(&Given) -> bool) -> Given {
    let mut tries = 0_u32;
    loop {
        let mut smaller = None;
        for candidate in candidates(&given) {
            tries = tries.saturating_add(1);
            if tries > MOST_TRIES {
                return given;
            }
            if same(&candidate) {
                smaller = Some(candidate);
                break;
            }
        }
        match smaller {
            Some(candidate) => given = candidate,
            None => return given,
        }
    }
}

/// The data with one value made smaller, those that make it much smaller first.
fn candidates(given: &Given) -> Vec<Given> {
    let mut all = Vec::new();
    for at in 0..given.steps.len() {
        let mut candidate = given.clone();
        candidate.steps.remove(at);
        all.push(candidate);
    }
    for (at, (_, value)) in given.inputs.iter().enumerate() {
        for value in smaller(value) {
            let mut candidate = given.clone();
            if let Some((_, place)) = candidate.inputs.get_mut(at) {
                *place = value;
                all.push(candidate);
            }
        }
    }
    for (at, (_, value)) in given.contexts.iter().enumerate() {
        for value in smaller(value) {
            let mut candidate = given.clone();
            if let Some((_, place)) = candidate.contexts.get_mut(at) {
                *place = value;
                all.push(candidate);
            }
        }
    }
    for (at, step) in given.steps.iter().enumerate() {
        let Step::Event(handler, arguments) = step else { continue };
        for arguments in one_smaller(arguments) {
            let mut candidate = given.clone();
            if let Some(place) = candidate.steps.get_mut(at) {
                *place = Step::Event(*handler, arguments);
                all.push(candidate);
            }
        }
    }
    all
}

/// One of several values smaller.
fn one_smaller(values: &[Value]) -> Vec<Vec<Value>> {
    let mut all = Vec::new();
    for (at, value) in values.iter().enumerate() {
        for value in smaller(value) {
            let mut values = values.to_vec();
            if let Some(place) = values.get_mut(at) {
                *place = value;
                all.push(values);
            }
        }
    }
    all
}

fn smaller(value: &Value) -> Vec<Value> {
    match value {
        Value::Int(number) => numbers(*number).into_iter().map(Value::Int).collect(),
        Value::Quantity(ty, number) => {
            numbers(*number).into_iter().map(|number| Value::Quantity(*ty, number)).collect()
        }
        Value::Float(number) => floats(*number).into_iter().map(Value::Float).collect(),
        Value::Rate(dimension, number) => {
            floats(*number).into_iter().map(|number| Value::Rate(*dimension, number)).collect()
        }
        Value::Bool(true) => vec![Value::Bool(false)],
        Value::String(text) if !text.is_empty() => {
            let count = text.chars().count();
            let half = text.chars().take(count / 2).collect::<String>();
            vec![Value::String("".into()), Value::String(half.into())]
        }
        Value::List(items) => lists(items),
        Value::Record(fields) => records(fields).into_iter().map(Value::Record).collect(),
        Value::Case(name, fields) => {
            records(fields).into_iter().map(|fields| Value::Case(name.clone(), fields)).collect()
        }
        Value::Map(entries) => (0..entries.len())
            .map(|at| {
                let mut fewer = entries.clone();
                fewer.remove(at);
                Value::Map(fewer)
            })
            .collect(),
        _ => Vec::new(),
    }
}

fn numbers(number: i64) -> Vec<i64> {
    let mut all = vec![0, number / 2, number.saturating_sub(number.signum())];
    all.retain(|smaller| *smaller != number);
    all.dedup();
    all
}

fn floats(number: f64) -> Vec<f64> {
    [0.0, 1.0, number.trunc()].into_iter().filter(|smaller| smaller.abs() < number.abs()).collect()
}

/// Half of the items, all but one, or one of them smaller.
fn lists(items: &[Value]) -> Vec<Value> {
    let mut all = Vec::new();
    if items.is_empty() {
        return all;
    }
    all.push(Value::List(Vec::new()));
    let (first, second) = items.split_at(items.len() / 2);
    if !first.is_empty() {
        all.push(Value::List(first.to_vec()));
        all.push(Value::List(second.to_vec()));
    }
    for at in 0..items.len() {
        let mut fewer = items.to_vec();
        fewer.remove(at);
        all.push(Value::List(fewer));
    }
    all.extend(one_smaller(items).into_iter().map(Value::List));
    all
}

/// One field smaller.
fn records(fields: &[Named]) -> Vec<Vec<Named>> {
    let mut all = Vec::new();
    for (at, (_, value)) in fields.iter().enumerate() {
        for value in smaller(value) {
            let mut fields = fields.to_vec();
            if let Some((_, place)) = fields.get_mut(at) {
                *place = value;
                all.push(fields);
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_matters_is_left() {
        let items = (0..10).map(|number| Value::Int(number * 100)).collect();
        let given = Given {
            inputs: vec![("xs".into(), Value::List(items))],
            contexts: Vec::new(),
            steps: Vec::new(),
        };
        let same = |given: &Given| match given.inputs.first() {
            Some((_, Value::List(items))) => {
                items.iter().any(|item| matches!(item, Value::Int(number) if *number > 250))
            }
            _ => false,
        };
        let least = least(given, same);
        assert_eq!(least.inputs[0].1, Value::List(vec![Value::Int(251)]));
    }
}
