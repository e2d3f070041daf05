//! The layout's constants against a counter that adds up one op after the other.

use proptest::prelude::*;
use swarm_bytecode::layout::{Layout, LayoutErrorKind};
use swarm_bytecode::module::StringId;
use swarm_bytecode::op::{Flow, Op, Register, Settle};

use crate::support::{Random, structured_code};

/// The other ends of all blocks, found by looking for them.
fn ends(code: &[Op], open: usize) -> (Option<usize>, usize) {
    let mut depth = 0;
    let mut otherwise = None;
    for (index, op) in code.iter().enumerate().skip(open) {
        match op.info().flow {
            Flow::Open | Flow::OpenLoop | Flow::OpenWithin => depth += 1,
            Flow::Else | Flow::WithinElse if depth == 1 => otherwise = Some(index),
            Flow::End | Flow::Repeat | Flow::Advance | Flow::WithinEnd => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return (otherwise, index);
        }
    }
    panic!("op {open} is not closed");
}

/// The blocks around an op, outermost first, by their opening ops. An opening op is not inside its block; a
/// closing op is, and so is an `else`.
fn around(code: &[Op], at: usize) -> Vec<usize> {
    let is_open = |op: &Op| matches!(op.info().flow, Flow::Open | Flow::OpenLoop | Flow::OpenWithin);
    (0..at).filter(|open| is_open(&code[*open]) && ends(code, *open).1 >= at).collect()
}

/// The `within`s that are open when an op is about to run, outermost first.
fn withins(code: &[Op], at: usize) -> Vec<usize> {
    let open = |start: &usize| {
        matches!(code[*start], Op::Within { .. })
            && ends(code, *start).0.is_none_or(|otherwise| otherwise >= at)
    };
    around(code, at).into_iter().filter(open).collect()
}

/// The opening op of the block that a branch names.
fn named(code: &[Op], at: usize, depth: u8) -> usize {
    let counts = |open: &usize| !matches!(code[*open], Op::If { .. } | Op::Within { .. });
    around(code, at).into_iter().filter(counts).rev().nth(usize::from(depth)).unwrap()
}

/// Where an op may go, by the words of the op table.
fn successors(code: &[Op], at: usize) -> Vec<usize> {
    let op = &code[at];
    let named = |depth: u8| named(code, at, depth);
    match op {
        Op::If { .. } => {
            let (otherwise, end) = ends(code, at);
            vec![at + 1, otherwise.unwrap_or(end) + 1]
        }
        Op::Else {} | Op::WithinElse {} => vec![ends(code, *around(code, at).last().unwrap()).1 + 1],
        Op::ForEach { .. } | Op::Range { .. } => vec![at + 1, ends(code, at).1 + 1],
        Op::Repeat {} => vec![around(code, at).last().unwrap() + 1],
        Op::Advance {} => vec![around(code, at).last().unwrap() + 1, at + 1],
        Op::Break { depth } => vec![ends(code, named(*depth)).1 + 1],
        Op::Continue { depth } => vec![ends(code, named(*depth)).1],
        _ if op.info().flow == Flow::Leave => vec![],
        _ => vec![at + 1],
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn jumps_are_those_of_the_op_table(seed: u64) {
        let code = structured_code(seed);
        let layout = Layout::of(&code).unwrap();
        prop_assert_eq!(layout.len(), code.len());
        for (at, op) in code.iter().enumerate() {
            let jump = successors(&code, at).into_iter().find(|next| *next != at + 1);
            prop_assert_eq!(layout.withins(at), withins(&code, at).len(), "at op {}", at);
            match op.info().flow {
                Flow::Open | Flow::OpenLoop => {
                    let (otherwise, end) = ends(&code, at);
                    let jumps = !matches!(op, Op::Block {});
                    let other = otherwise.unwrap_or(end);
                    prop_assert_eq!(layout.partner(at), Some(other));
                    prop_assert_eq!(layout.target(at), jumps.then_some(other + 1));
                }
                Flow::OpenWithin => {
                    let (otherwise, end) = ends(&code, at);
                    prop_assert_eq!(layout.partner(at), Some(otherwise.unwrap_or(end)));
                    prop_assert_eq!(layout.target(at), otherwise.map(|otherwise| otherwise + 1));
                    prop_assert_eq!(layout.partner(end), Some(at));
                }
                Flow::Branch | Flow::Else | Flow::WithinElse => {
                    prop_assert_eq!(layout.target(at), Some(successors(&code, at)[0]));
                }
                _ => prop_assert_eq!(layout.target(at), jump),
            }
            if let Op::Break { depth } | Op::Continue { depth } = op {
                let inside = named(&code, at, *depth);
                let left = withins(&code, at).into_iter().filter(|start| *start > inside).count();
                prop_assert_eq!(layout.leaves(at, layout.target(at).unwrap()), left);
            }
        }
    }

    #[test]
    fn fuel_is_exact_at_every_op(seed: u64, walk: u64) {
        let code = structured_code(seed);
        let layout = Layout::of(&code).unwrap();
        let mut random = Random(walk);
        let limit = 1_000_000_i64;
        let (mut at, mut used, mut f) = (0, 0, limit);
        for _ in 0..500 {
            // Rule F1.
            let spent = i64::from(layout.before(at) - layout.before(layout.anchor(at)));
            prop_assert_eq!(spent, i64::from(layout.spent(at)));
            prop_assert_eq!(used, limit - (f - spent), "at op {}", at);
            // Rule F9: a budget has run out.
            let undoing = withins(&code, at).into_iter().filter_map(|start| layout.target(start)).next();
            if let Some(to) = undoing.filter(|_| random.below(8) == 0) {
                f = limit - used + i64::from(layout.spent(to));
                at = to;
                continue;
            }
            let next = successors(&code, at);
            let Some(count) = u64::try_from(next.len()).ok().filter(|count| *count > 0) else { break };
            let to = next[usize::try_from(random.below(count)).unwrap()];
            let straight = to == at + 1 && !matches!(code[at].info().flow, Flow::OpenLoop | Flow::Advance);
            prop_assert!(!straight || layout.edge(at, to) == 0);
            used += i64::from(code[at].info().cost);
            f += i64::from(layout.edge(at, to));
            at = to;
        }
    }

    #[test]
    fn nothing_is_spent_unsettled_beyond_what_the_layout_says(seed: u64, walk: u64) {
        let code = structured_code(seed);
        let layout = Layout::of(&code).unwrap();
        let mut random = Random(walk);
        let (mut at, mut unsettled) = (0, 0);
        for _ in 0..500 {
            let info = code[at].info();
            prop_assert!(unsettled + u32::from(info.cost) <= layout.longest_unsettled().0, "at op {}", at);
            unsettled = if info.settle == Settle::No { unsettled + u32::from(info.cost) } else { 0 };
            let undoing = withins(&code, at).into_iter().filter_map(|start| layout.target(start)).next();
            if let Some(to) = undoing.filter(|_| random.below(8) == 0) {
                // The machine looks at the fuel before it goes on there.
                (at, unsettled) = (to, 0);
                continue;
            }
            let next = successors(&code, at);
            let Some(count) = u64::try_from(next.len()).ok().filter(|count| *count > 0) else { break };
            at = next[usize::try_from(random.below(count)).unwrap()];
        }
    }

    #[test]
    fn any_ops_have_a_layout_or_a_reason(seed: u64) {
        let mut random = Random(seed);
        let code = random.list(30, crate::support::any_op);
        let _ = Layout::of(&code);
    }
}

#[test]
fn the_longest_way_is_found_through_joins_and_breaks() {
    let add = Op::AddInt { result: Register(0), left: Register(0), right: Register(0) };
    let longest = |code: &[Op]| Layout::of(code).unwrap().longest_unsettled();
    let condition = || Op::If { condition: Register(1) };
    assert_eq!(longest(&[add.clone(), add.clone(), Op::Return {}]), (3, 2));
    // The longer arm counts: 1 for the `if`, 2, 1 for the `else`; 1 for the `return`.
    let arms = [condition(), add.clone(), add.clone(), Op::Else {}, add.clone(), Op::End {}, Op::Return {}];
    assert_eq!(longest(&arms), (5, 6));
    // What settles resets; a break carries what was spent.
    let broken = [
        Op::Block {},
        condition(),
        add.clone(),
        Op::Break { depth: 0 },
        Op::End {},
        Op::Settle {},
        Op::End {},
        add,
        Op::Return {},
    ];
    assert_eq!(longest(&broken), (5, 8));
}

#[test]
fn a_within_is_closed_by_what_leaves_it() {
    let within =
        |undoes| Op::Within { budgets: Box::default(), saved: Box::default(), phase: StringId(0), undoes };
    let code = [
        Op::Loop {},
        within(1),
        within(0),
        Op::Break { depth: 0 },
        Op::Continue { depth: 0 },
        Op::WithinEnd {},
        Op::WithinElse {},
        Op::Settle {},
        Op::End {},
        Op::Repeat {},
        Op::Return {},
    ];
    let layout = Layout::of(&code).unwrap();
    let withins: Vec<usize> = (0..code.len()).map(|at| layout.withins(at)).collect();
    assert_eq!(withins, [0, 0, 1, 2, 2, 2, 1, 0, 0, 0, 0]);
    assert_eq!((layout.target(3), layout.leaves(3, 10)), (Some(10), 2));
    assert_eq!((layout.target(4), layout.leaves(4, 9)), (Some(9), 2));
    assert_eq!((layout.partner(1), layout.target(1), layout.leaves(6, 9)), (Some(6), Some(7), 1));
    assert_eq!((layout.partner(2), layout.target(2), layout.leaves(5, 6)), (Some(5), None, 1));
    assert_eq!((layout.partner(6), layout.target(6), layout.partner(8)), (Some(8), Some(9), Some(1)));
    let kind = |code: &[Op]| Layout::of(code).unwrap_err().kind;
    for close in [Op::End {}, Op::Repeat {}, Op::Advance {}, Op::Else {}] {
        assert_eq!(kind(&[within(0), close]), LayoutErrorKind::Mismatched);
    }
    assert_eq!(kind(&[within(1), Op::WithinElse {}, Op::WithinEnd {}]), LayoutErrorKind::Mismatched);
    assert_eq!(kind(&[within(1), Op::WithinElse {}]), LayoutErrorKind::Unclosed);
    assert_eq!(kind(&[within(0), Op::Break { depth: 0 }, Op::WithinEnd {}]), LayoutErrorKind::BadDepth);
}

#[test]
fn an_empty_function_has_a_layout() {
    let layout = Layout::of(&[]).unwrap();
    assert!(layout.is_empty());
    assert_eq!((layout.total(), layout.anchor(7), layout.target(0)), (0, 0, None));
}

#[test]
fn errors_name_the_op() {
    let error = Layout::of(&[Op::Settle {}, Op::Loop {}]).unwrap_err();
    assert_eq!((error.op, error.kind), (1, LayoutErrorKind::Unclosed));
}
