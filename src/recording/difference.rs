//! What one run did and another did not.

use swarm_vm::{ActionRecord, Report, Value};

/// An action: its name, and its arguments as traces show them.
pub(crate) type Moved = (String, Vec<String>);

/// An action that only one of the runs issued, or that both did with other arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Change {
    Added(Moved),
    Removed(Moved),
    /// The first argument is the same: what it is about.
    Changed {
        before: Moved,
        after: Moved,
    },
}

/// The difference between what two runs did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Difference {
    /// Actions that both issued.
    pub(crate) same: usize,
    /// In the order of the run that is left, then of the other.
    pub(crate) changes: Vec<Change>,
    /// How many of each kind: before, after. In the order in which they first appear.
    pub(crate) kinds: Vec<(String, usize, usize)>,
    /// Name, before, after: only those that differ.
    pub(crate) metrics: Vec<(String, Option<String>, Option<String>)>,
}

impl Difference {
    /// Compares two runs. Actions that were dropped were not done.
    pub(crate) fn between(before: &Report, after: &Report) -> Difference {
        let (old, new) = (done(before), done(after));
        let mut kinds: Vec<(String, usize, usize)> = Vec::new();
        let sides = old.iter().map(|action| (action, 1, 0)).chain(new.iter().map(|action| (action, 0, 1)));
        for ((name, _), left, right) in sides {
            match kinds.iter_mut().find(|(kind, ..)| kind == name) {
                Some(kind) => {
                    kind.1 = kind.1.saturating_add(left);
                    kind.2 = kind.2.saturating_add(right);
                }
                None => kinds.push((name.clone(), left, right)),
            }
        }
        let (old, new, same) = without_common(old, new);
        Difference { same, changes: changes(old, new), kinds, metrics: metrics(before, after) }
    }
}

fn done(report: &Report) -> Vec<Moved> {
    if report.actions_dropped {
        return Vec::new();
    }
    let moved =
        |action: &ActionRecord| (action.name.to_string(), action.args.iter().map(Value::to_json).collect());
    report.actions.iter().map(moved).collect()
}

/// What is left when equal ones are taken out in pairs, and how many pairs there were.
fn without_common(old: Vec<Moved>, new: Vec<Moved>) -> (Vec<Moved>, Vec<Moved>, usize) {
    let mut count = std::collections::BTreeMap::<Moved, usize>::new();
    for action in &old {
        let count = count.entry(action.clone()).or_insert(0);
        *count = count.saturating_add(1);
    }
    let mut same = 0_usize;
    let mut rest = Vec::new();
    for action in new {
        match count.get_mut(&action).filter(|count| **count > 0) {
            Some(count) => {
                *count = count.saturating_sub(1);
                same = same.saturating_add(1);
            }
            None => rest.push(action),
        }
    }
    // What is left of a kind are its last ones.
    let mut old: Vec<Moved> = old.into_iter().rev().filter(|action| take_one(&mut count, action)).collect();
    old.reverse();
    (old, rest, same)
}

fn take_one(count: &mut std::collections::BTreeMap<Moved, usize>, action: &Moved) -> bool {
    match count.get_mut(action).filter(|count| **count > 0) {
        Some(count) => {
            *count = count.saturating_sub(1);
            true
        }
        None => false,
    }
}

/// Those of the same name about the same thing are one, changed.
fn changes(old: Vec<Moved>, new: Vec<Moved>) -> Vec<Change> {
    let mut new: Vec<Option<Moved>> = new.into_iter().map(Some).collect();
    let mut changes = Vec::new();
    for before in old {
        let about = |action: &Moved| action.0 == before.0 && action.1.first() == before.1.first();
        let other = new
            .iter_mut()
            .find(|action| action.as_ref().is_some_and(|action| !before.1.is_empty() && about(action)));
        changes.push(match other.and_then(Option::take) {
            Some(after) => Change::Changed { before, after },
            None => Change::Removed(before),
        });
    }
    changes.extend(new.into_iter().flatten().map(Change::Added));
    changes
}

fn metrics(before: &Report, after: &Report) -> Vec<(String, Option<String>, Option<String>)> {
    let value = |report: &Report, name: &str| {
        report.metrics.iter().find(|(own, _)| own == name).map(|(_, value)| value.to_json())
    };
    let mut names: Vec<&str> =
        before.metrics.iter().chain(&after.metrics).map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    let both = names.into_iter().map(|name| (name.to_owned(), value(before, name), value(after, name)));
    both.filter(|(_, before, after)| before != after).collect()
}
