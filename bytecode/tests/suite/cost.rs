//! The formulas of the cost model, against simpler ones or against adding up.

use proptest::prelude::*;
use swarm_bytecode::cost::{self, NativeWork};
use swarm_bytecode::native::Charge;

#[test]
fn sorting_is_charged_by_the_logarithm_rounded_up() {
    let expected = [(0, 0), (1, 0), (2, 2), (3, 6), (4, 8), (5, 15), (8, 24), (9, 36), (1024, 10_240)];
    for (items, charge) in expected {
        assert_eq!(cost::sort(items, items, 0), charge, "{items} items");
    }
    assert_eq!(cost::sort(4, 4, 64), (4 + 4) * 2);
    assert_eq!(cost::sort(u64::MAX, u64::MAX, 0), u64::MAX);
}

#[test]
fn room_is_a_power_of_two() {
    let expected = [(0, 0), (1, 4), (4, 4), (5, 8), (8, 8), (9, 16), (u64::MAX, u64::MAX)];
    for (items, capacity) in expected {
        assert_eq!(cost::capacity(items), capacity);
    }
    assert_eq!(cost::moves_to(4, 4, false), None);
    assert_eq!(cost::moves_to(5, 4, false), Some(8));
    assert_eq!(cost::moves_to(3, 4, true), Some(4));
    // A list made at once has no room to spare.
    assert_eq!(cost::push(3, 3, false), cost::object_words(4));
}

#[test]
fn natives_are_charged_by_their_row() {
    let work = NativeWork { items: 8, slots: 20, text_bytes: 64, words: 3 };
    let charges = [
        Charge::Fixed,
        Charge::Text,
        Charge::Search,
        Charge::Letters,
        Charge::Items,
        Charge::Values,
        Charge::Sort,
    ];
    assert_eq!(
        charges.map(|charge| cost::native(charge, work)),
        [3, 4 + 3, 16 + 3, 64 + 3, 8 + 4 + 3, 2 * 20 + 4 + 3, 24 * 3 + 3]
    );
}

#[test]
fn attempts_are_paid_before_the_first() {
    assert_eq!(cost::retry(3, 2, 32), 3 * cost::host_call(2, 32));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn pushing_costs_four_words_an_item_at_most(items in 1..5000_u64) {
        let (mut words, mut room) = (0, 0);
        for held in 0..items {
            let charge = cost::push(held, room, false);
            prop_assert_eq!(charge == 0, cost::moves_to(held + 1, room, false).is_none());
            words += charge;
            room = cost::moves_to(held + 1, room, false).unwrap_or(room);
        }
        prop_assert_eq!(words, cost::pushed_words(items));
        prop_assert!(words <= 4 * items + 8);
    }

    #[test]
    fn entries_are_charged_as_items_are(entries in 0..5000_u64, room in 0..5000_u64, copies: bool) {
        let moved = cost::moves_to(entries, room, copies).map_or(0, cost::map_words);
        prop_assert_eq!(cost::write_key(33, entries, room, copies), 2 + moved);
        prop_assert!(entries <= room || cost::moves_to(entries, room, copies).is_some_and(|to| to >= entries));
    }
}
