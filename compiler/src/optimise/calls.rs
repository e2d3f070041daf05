//! In which order functions are looked at.

use crate::typed::{Function, FunctionIndex};

/// A function on the way down the calls.
struct Visit<'f> {
    function: usize,
    callees: &'f [FunctionIndex],
    /// How many of them were followed.
    followed: usize,
}

/// What is known of a function while calls are followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seen {
    Not,
    OnTheWay,
    Done { recursive: bool },
}

/// All functions, callees before their callers, with whether a call of one may come back to a function that
/// is running.
pub(super) fn order(functions: &[Function]) -> Vec<(FunctionIndex, bool)> {
    let mut done = Vec::with_capacity(functions.len());
    let mut seen = vec![Seen::Not; functions.len()];
    for start in 0..functions.len() {
        let mut way: Vec<Visit<'_>> = Vec::new();
        way.extend(enter(start, functions, &mut seen));
        while let Some(visit) = way.last_mut() {
            if let Some(callee) = visit.callees.get(visit.followed) {
                visit.followed = visit.followed.saturating_add(1);
                way.extend(enter(callee.0 as usize, functions, &mut seen));
                continue;
            }
            let back = |callee: &FunctionIndex| {
                !matches!(
                    seen.get(callee.0 as usize),
                    Some(Seen::Not | Seen::Done { recursive: false }) | None
                )
            };
            let recursive = visit.callees.iter().any(back);
            if let Some(state) = seen.get_mut(visit.function) {
                *state = Seen::Done { recursive };
            }
            done.extend(u32::try_from(visit.function).ok().map(|index| (FunctionIndex(index), recursive)));
            way.pop();
        }
    }
    done
}

fn enter<'f>(function: usize, functions: &'f [Function], seen: &mut [Seen]) -> Option<Visit<'f>> {
    let found = functions.get(function)?;
    let state = seen.get_mut(function).filter(|state| **state == Seen::Not)?;
    *state = Seen::OnTheWay;
    Some(Visit { function, callees: &found.calls, followed: 0 })
}
