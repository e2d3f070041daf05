//! Whatever lies on a disk or stands in the registry is read, or left out.
#![expect(clippy::unwrap_used, clippy::arithmetic_side_effects, reason = "test code")]

use proptest::prelude::*;
use serde_json::{Value as Json, json};
use swarm_bus::{Bus, MemoryBus};
use swarm_fleet::key::SecretKey;
use swarm_fleet::name::Name;
use swarm_node::disk::Disk;
use swarm_node::layout::Layout;
use swarm_node::registry;

/// JSON that is nearly what is meant: of each member that value, or any other.
fn nearly(whole: Json) -> impl Strategy<Value = Json> {
    let other = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        any::<f64>().prop_map(Json::from),
        ".{0,12}".prop_map(Json::from),
        prop::collection::vec("[a-z\\x1b\u{202e}]{0,4}".prop_map(Json::from), 0..4).prop_map(Json::from),
        prop::collection::btree_map("[a-z \\x07]{0,4}", ".{0,4}", 0..3).prop_map(|map| json!(map)),
    ];
    let members = whole.as_object().unwrap().len();
    prop::collection::vec(prop::option::weighted(0.15, other), members).prop_map(move |others| {
        let mut whole = whole.clone();
        for (member, other) in whole.as_object_mut().unwrap().values_mut().zip(others) {
            if let Some(other) = other {
                *member = other;
            }
        }
        whole
    })
}

fn key() -> String {
    SecretKey::from_seed([7; 32]).public_key().to_string()
}

fn page() -> impl Strategy<Value = Json> {
    let key = key();
    nearly(json!({
        "process": "p1", "labels": { "role": "worker", "no name": "\u{1b}[2J" }, "grants": ["scale"],
        "agents": [["a1", key], ["a2", "no key"], ["no name", key], ["a3", key]],
    }))
}

fn states() -> impl Strategy<Value = Json> {
    let state = json!({ "status": "active", "program": "P v1", "revision": "1.1" });
    nearly(json!({ "at": 5, "agents": [state, { "status": "left", "program": null, "revision": "" }] }))
}

fn beat() -> impl Strategy<Value = Json> {
    nearly(
        json!({ "at": 7, "agents": 3, "running": 1, "trouble": null, "traces_waiting": 0, "role": "executor" }),
    )
}

/// A document, or bytes that are none.
fn bytes(document: impl Strategy<Value = Json>) -> impl Strategy<Value = Vec<u8>> {
    let whole = document.prop_map(|json| json.to_string().into_bytes());
    prop_oneof![
        8 => whole,
        1 => prop::collection::vec(any::<u8>(), 0..60),
        1 => Just("[".repeat(100_000).into_bytes()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_registry_that_anybody_may_write(page in bytes(page()), states in bytes(states()), beat in bytes(beat())) {
        let mut bus = MemoryBus::new();
        let layout = Layout::new(&Name::new("f").unwrap());
        let good = json!({ "process": "p0", "labels": {}, "grants": null,
            "agents": [["good", key()]] });
        for (key, bytes) in [
            (format!("{}p0.0", layout.registry), good.to_string().as_bytes()),
            (format!("{}p1.0", layout.registry), &page),
            (format!("{}p1.99999999999999999999", layout.registry), &page),
            (format!("{}p1.0", layout.states), &states),
            (format!("{}p1", layout.beats), &beat),
        ] {
            prop_assert!(bus.compare_and_set(&key, None, Some(bytes)).unwrap().is_some());
        }
        let members = registry::read(&mut bus, &layout).unwrap();
        let seen = registry::agents(&mut bus, &layout).unwrap();
        registry::beats(&mut bus, &layout).unwrap();
        // Whoever else writes nonsense: one that is registered is there.
        prop_assert!(members.contains_key("good") && seen.contains_key("good"));
        prop_assert!(members.keys().chain(seen.keys()).all(|name| Name::new(name.as_str()).is_some()));
    }

    #[test]
    fn a_disk_that_anything_happened_to(
        values in prop::collection::vec((0..8_u8, prop::collection::vec(any::<u8>(), 0..20)), 1..12),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in any::<prop::sample::Index>(),
    ) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("own.swarm");
        {
            let mut disk = Disk::open(&path).unwrap();
            for (key, value) in &values {
                disk.put(&[*key], value.clone());
                disk.commit().unwrap();
            }
        }
        let mut bytes = std::fs::read(&path).unwrap();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        bytes.truncate(cut.index(bytes.len()) + 1);
        std::fs::write(&path, &bytes).unwrap();
        // Of a file that is none of these nothing is lost; of one that is, what it says was once put.
        match Disk::open(&path) {
            Err(_) => prop_assert_eq!(std::fs::read(&path).unwrap(), bytes),
            Ok(disk) => {
                for (key, value) in disk.under(b"") {
                    prop_assert!(values.iter().any(|(own, put)| key == [*own] && value == put));
                }
            }
        }
    }
}
