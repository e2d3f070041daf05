//! What cannot be: a report is read as anyone could read it, without a trace, and refused where its figures
//! contradict each other. What they say is then held against the traces.

use serde_json::{Map, Value as Json};
use swarm_fleet::refusal::Cause;

use super::account::number;

/// A figure that cannot be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Impossible {
    pub(crate) cause: Cause,
    /// Where in the document, as a JSON pointer.
    pub(crate) place: String,
    /// Both numbers, in a sentence without a full stop.
    pub(crate) message: String,
}

fn impossible(cause: Cause, place: &str, message: String) -> Impossible {
    Impossible { cause, place: place.to_owned(), message }
}

/// Everything in a report that contradicts itself, in its order.
pub(crate) fn contradictions(report: &Json) -> Vec<Impossible> {
    let mut found = Vec::new();
    let bases = bases(report);
    walk(report, "", &bases, &mut found, 0);
    accounting(report, &mut found);
    actions(report, &mut found);
    sums(report, &mut found);
    counters(report, &mut found);
    baselines(report, &mut found);
    found
}

/// What else a rate might have been divided by, with its name.
fn bases(report: &Json) -> Vec<(String, i128)> {
    let mut bases = Vec::new();
    let targets = report.pointer("/accounting/targets").and_then(number);
    bases.extend(targets.map(|targets| ("targets".to_owned(), targets)));
    let actions = report.get("actions").and_then(Json::as_object);
    let issued = |row: &Json| row.get("denominator").and_then(number);
    if let Some(actions) = actions {
        bases.extend(
            actions.iter().filter_map(|(name, row)| Some((format!("actions of {name}"), issued(row)?))),
        );
        let all = actions.values().filter_map(issued).fold(0, i128::saturating_add);
        bases.push(("all actions".to_owned(), all));
    }
    bases
}

/// Parts of a whole, wherever they stand.
fn walk(json: &Json, place: &str, bases: &[(String, i128)], found: &mut Vec<Impossible>, depth: u32) {
    if depth > 64 {
        return;
    }
    let deeper = depth.saturating_add(1);
    match json {
        Json::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                walk(item, &format!("{place}/{at}"), bases, found, deeper);
            }
        }
        Json::Object(members) => {
            if members.contains_key("rate") {
                ratio(members, place, bases, found);
            }
            for (name, member) in members {
                walk(member, &format!("{place}/{name}"), bases, found, deeper);
            }
        }
        _ => {}
    }
}

fn ratio(members: &Map<String, Json>, place: &str, bases: &[(String, i128)], found: &mut Vec<Impossible>) {
    let of = |name: &str| members.get(name).and_then(number);
    let (Some(part), Some(whole)) = (of("numerator"), of("denominator")) else { return };
    let shown = |name: &str| members.get(name).map(Json::to_string).unwrap_or_default();
    let (numerator, denominator) = (shown("numerator"), shown("denominator"));
    if part > whole {
        let message = format!("the part is {numerator}, the whole {denominator}");
        found.push(impossible(Cause::PartAboveWhole, &format!("{place}/numerator"), message));
        return;
    }
    let Some(rate) = members.get("rate").and_then(Json::as_str) else { return };
    let place = format!("{place}/rate");
    if follows(rate, part, whole) {
        return;
    }
    let base = bases.iter().find(|(_, base)| *base != whole && follows(rate, part, *base));
    found.push(match base {
        Some((name, base)) => {
            let message =
                format!("{rate} is {numerator} of {base} {name}, and not of the {denominator} it names");
            impossible(Cause::WrongBase, &place, message)
        }
        None => {
            let message = format!("{rate} is not {numerator} of {denominator}");
            impossible(Cause::RateOff, &place, message)
        }
    });
}

/// Whether a percentage is this part of this whole, rounded to the digits it has.
fn follows(rate: &str, part: i128, whole: i128) -> bool {
    let Some((hundredths, half)) = percentage(rate) else { return false };
    let Some(exact) = part.checked_mul(1_000_000) else { return true };
    // Both in parts per million of the whole.
    let Some(exact) = exact.checked_div(whole) else { return false };
    hundredths.saturating_sub(exact).abs() <= half.saturating_add(1)
}

/// A percentage in parts per million, and half a unit of its last digit.
fn percentage(rate: &str) -> Option<(i128, i128)> {
    let text = rate.strip_suffix('%')?;
    let (negative, text) = text.strip_prefix('-').map_or((false, text), |text| (true, text));
    let (whole, digits) = text.split_once('.').unwrap_or((text, ""));
    let power = u32::try_from(digits.len()).ok().filter(|digits| *digits <= 4)?;
    let unit = 10_000_i128.checked_div(10_i128.checked_pow(power)?)?;
    let value = format!("{whole}{digits}").parse::<i128>().ok()?.checked_mul(unit)?;
    Some((if negative { value.saturating_neg() } else { value }, unit / 2))
}

fn accounting(report: &Json, found: &mut Vec<Impossible>) {
    let Some(members) = report.get("accounting").and_then(Json::as_object) else { return };
    let of = |name: &str| members.get(name).and_then(number).unwrap_or(0);
    let targets = of("targets");
    let mut sum = 0_i128;
    for part in ["active", "refused", "failed", "silent"] {
        if of(part) > targets {
            let message = format!("{} {part} of {targets} targets", of(part));
            found.push(impossible(Cause::PartAboveWhole, &format!("/accounting/{part}"), message));
            return;
        }
        sum = sum.saturating_add(of(part));
    }
    if sum != targets {
        let message = format!("active, refused, failed and silent are {sum}, the targets {targets}");
        found.push(impossible(Cause::SumOff, "/accounting/targets", message));
    }
}

fn actions(report: &Json, found: &mut Vec<Impossible>) {
    for (name, row) in report.get("actions").and_then(Json::as_object).into_iter().flatten() {
        let of = |member: &str| row.get(member).and_then(number).unwrap_or(0);
        let sum = of("numerator").saturating_add(of("failed")).saturating_add(of("vetoed"));
        if sum != of("denominator") && of("numerator") <= of("denominator") {
            let message = format!("done, failed and vetoed are {sum}, the actions {}", of("denominator"));
            found.push(impossible(Cause::SumOff, &format!("/actions/{name}/denominator"), message));
        }
    }
}

/// Items that have to be their whole.
fn sums(report: &Json, found: &mut Vec<Impossible>) {
    let sum = |list: &str, member: &str| {
        let items = report.pointer(list).and_then(Json::as_array);
        items.map(|items| {
            items.iter().filter_map(|item| number(item.get(member)?)).fold(0_i128, i128::saturating_add)
        })
    };
    let whole = |place: &str| report.pointer(place).and_then(number);
    if let (Some(sum), Some(whole)) = (sum("/failures/items", "numerator"), whole("/failures/whole"))
        && sum != whole
    {
        let message = format!("the items are {sum}, the whole {whole}");
        found.push(impossible(Cause::SumOff, "/failures/whole", message));
    }
    let left = whole("/rewards/left").unwrap_or(0);
    if let (Some(sum), Some(pot)) = (sum("/rewards/items", "amount"), whole("/rewards/pot"))
        && sum.saturating_add(left) != pot
    {
        let message = format!("the rewards are {sum} micro-dollars, the pot {pot}");
        found.push(impossible(Cause::SumOff, "/rewards/pot", message));
    }
}

/// What only rises.
fn counters(report: &Json, found: &mut Vec<Impossible>) {
    let points = report.get("history").and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
    for (at, pair) in points.windows(2).enumerate() {
        let [before, after] = pair else { continue };
        for counter in ["activations", "fuel", "actions"] {
            let (Some(was), Some(is)) =
                (before.get(counter).and_then(number), after.get(counter).and_then(number))
            else {
                continue;
            };
            if is < was {
                let place = format!("/history/{}/{counter}", at.saturating_add(1));
                found.push(impossible(Cause::CounterFell, &place, format!("it is {is}, and was {was}")));
            }
        }
    }
}

/// One baseline, and changes that are shares of it.
fn baselines(report: &Json, found: &mut Vec<Impossible>) {
    let Some(baseline) = report.get("baseline").filter(|baseline| !baseline.is_null()) else { return };
    let base = baseline.get("order");
    let items = baseline.get("items").and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
    for (at, item) in items.iter().enumerate() {
        let place = |member: &str| format!("/baseline/items/{at}/{member}");
        if item.get("baseline") != base {
            let shown = |json: Option<&Json>| json.map(Json::to_string).unwrap_or_default();
            let message = format!("{} here, {} for the report", shown(item.get("baseline")), shown(base));
            found.push(impossible(Cause::TwoBaselines, &place("baseline"), message));
            continue;
        }
        let of = |member: &str| item.get(member).and_then(number);
        let (Some(is), Some(was)) = (of("is"), of("was")) else { continue };
        let Some(change) = item.get("change").and_then(Json::as_str) else { continue };
        let difference = is.saturating_sub(was);
        if follows(change, difference, was) {
            continue;
        }
        let shown = |member: &str| item.get(member).map(Json::to_string).unwrap_or_default();
        let (from, to) = (shown("was"), shown("is"));
        found.push(if follows(change, difference, is) {
            let message = format!("from {from} to {to}, {change} is a share of {to}, and not of {from}");
            impossible(Cause::WrongBase, &place("change"), message)
        } else {
            impossible(Cause::RateOff, &place("change"), format!("from {from} to {to} is not {change}"))
        });
    }
}

/// The first places at which a report says something else than the traces.
pub(crate) fn differences(report: &Json, traces: &Json) -> Vec<Impossible> {
    let mut found = Vec::new();
    compare(report, traces, "", &mut found, 0);
    found
}

fn compare(report: &Json, traces: &Json, place: &str, found: &mut Vec<Impossible>, depth: u32) {
    if depth > 64 || found.len() >= 20 {
        return;
    }
    let deeper = depth.saturating_add(1);
    match (report, traces) {
        (Json::Object(own), Json::Object(other)) => {
            for name in own.keys().chain(other.keys().filter(|name| !own.contains_key(*name))) {
                let side = |members: &Map<String, Json>| members.get(name).cloned().unwrap_or(Json::Null);
                compare(&side(own), &side(other), &format!("{place}/{name}"), found, deeper);
            }
        }
        (Json::Array(own), Json::Array(other)) if own.len() == other.len() => {
            for (at, (own, other)) in own.iter().zip(other).enumerate() {
                compare(own, other, &format!("{place}/{at}"), found, deeper);
            }
        }
        (own, other) if own == other => {}
        (Json::Array(own), Json::Array(other)) => {
            let message = format!("the report has {} items, the traces give {}", own.len(), other.len());
            found.push(impossible(Cause::NotInTraces, place, message));
        }
        (own, other) => {
            let shown = |json: &Json| crate::render::text::cut(&json.to_string(), 80).to_string();
            let message = format!("the report says {}, the traces {}", shown(own), shown(other));
            found.push(impossible(Cause::NotInTraces, place, message));
        }
    }
}
