//! The registry of agents, over memory, Redis and NATS.

use std::collections::{BTreeMap, BTreeSet};
use std::slice::from_ref;

use crate::support::over_each_bus;
use swarm_bus::registry::{Agent, Beat, Record, Registered, Registry};

fn record(number: u32) -> Record {
    let role = if number == 0 { "governor" } else { "executor" };
    Record {
        name: format!("agent-{number:04}"),
        role: role.to_owned(),
        labels: BTreeMap::from([("zone".to_owned(), format!("z{}", number.checked_rem(3).unwrap()))]),
        grants: BTreeSet::from(["queue.read".to_owned()]),
        key: format!("key {number}"),
        incarnation: 1,
        registered: 100,
    }
}

fn beat(number: u32, incarnation: u64, status: &str) -> Beat {
    Beat { name: format!("agent-{number:04}"), incarnation, status: status.to_owned() }
}

fn names<'a>(agents: impl Iterator<Item = &'a Agent>) -> Vec<&'a str> {
    agents.map(|agent| agent.record.name.as_str()).collect()
}

over_each_bus! {
    /// A whole fleet registers, says that it lives, and is listed in the order of its names.
    fn a_fleet_is_listed(bench) {
        let mut fleet = Registry::new(bench.open());
        let records: Vec<Record> = (0..1_159).rev().map(record).collect();
        assert!(fleet.register(&records).unwrap().iter().all(|done| *done == Registered::Now));
        assert!(fleet.register(&records).unwrap().iter().all(|done| *done == Registered::Before));
        let mut monitor = Registry::new(bench.open());
        monitor.refresh(150).unwrap();
        assert_eq!(monitor.agents().count(), 1_159);
        let all = names(monitor.agents());
        assert!(all.is_sorted() && all[1_158] == "agent-1158");
        assert_eq!(monitor.agent("agent-0007").unwrap().record, record(7));
        assert_eq!(names(monitor.of_role("governor")), ["agent-0000"]);
        assert_eq!(monitor.labelled("zone", "z1").count(), 386);
        assert_eq!(monitor.labelled("zone", "z9").count(), 0);
        assert_eq!(monitor.agent("agent-0007").unwrap().last_seen, 100);
        assert_eq!(monitor.silent_since(100).count(), 0);
        assert_eq!(monitor.silent_since(101).count(), 1_159);

        let living = (0..1_159).filter(|number| number % 100 != 5);
        let beats: Vec<Beat> = living.map(|number| beat(number, 1, "busy")).collect();
        fleet.beat(&beats, 500).unwrap();
        monitor.refresh(600).unwrap();
        assert_eq!(monitor.silent_since(500).count(), 12);
        assert_eq!(names(monitor.silent_since(500))[..2], ["agent-0005", "agent-0105"]);
        let agent = monitor.agent("agent-0007").unwrap();
        assert_eq!((agent.last_seen, agent.status.as_str()), (500, "busy"));
        // One that comes later sees the same.
        let mut later = Registry::new(bench.open());
        later.refresh(600).unwrap();
        assert_eq!(later.agents().collect::<Vec<_>>(), monitor.agents().collect::<Vec<_>>());
    }

    /// A later start replaces an earlier one, never the other way; what the earlier one says does not count.
    fn a_later_start_counts(bench) {
        let mut registry = Registry::new(bench.open());
        let first = record(1);
        let second = Record { incarnation: 2, role: "designer".to_owned(), ..record(1) };
        assert_eq!(registry.register(from_ref(&first)).unwrap(), [Registered::Now]);
        registry.beat(&[beat(1, 1, "old")], 200).unwrap();
        let mut monitor = Registry::new(bench.open());
        monitor.refresh(300).unwrap();
        assert_eq!(monitor.agent("agent-0001").unwrap().status, "old");
        assert_eq!(registry.register(from_ref(&second)).unwrap(), [Registered::Now]);
        let superseded = Registered::Superseded { incarnation: 2 };
        assert_eq!(registry.register(from_ref(&first)).unwrap(), [superseded]);
        let other_key = Record { key: "another".to_owned(), ..second.clone() };
        assert_eq!(registry.register(&[other_key]).unwrap(), [superseded]);
        registry.beat(&[beat(1, 1, "a ghost"), beat(9, 1, "nobody")], 400).unwrap();
        monitor.refresh(500).unwrap();
        let agent = monitor.agent("agent-0001").unwrap();
        assert_eq!((agent.status.as_str(), agent.last_seen), ("", 100));
        assert_eq!(agent.record, second);
        assert_eq!(monitor.agents().count(), 1);
        assert!(!registry.remove("agent-0001", 1).unwrap());
        assert!(registry.remove("agent-0001", 2).unwrap());
        monitor.refresh(600).unwrap();
        assert_eq!(monitor.agents().count(), 0);
    }

    /// A clock that is ahead is not believed, an old word does not undo a new one, and what is forged is passed over.
    fn nonsense_is_passed_over(bench) {
        let mut registry = Registry::new(bench.open());
        let ahead = Record { registered: 9_999, ..record(2) };
        registry.register(&[record(1), ahead]).unwrap();
        registry.beat(&[beat(1, 1, "ahead")], 9_999).unwrap();
        registry.beat(&[beat(1, 1, "late")], 250).unwrap();
        let mut bus = bench.open();
        bus.append("swarm:heartbeats", &[b"", b"{}", b"[[[", br#"{"at":1,"agents":[{"name":3}]}"#], 100).unwrap();
        bus.compare_and_set("swarm:agent:broken", None, Some(b"not json")).unwrap().unwrap();
        let stolen = serde_json::to_vec(&record(1)).unwrap();
        bus.compare_and_set("swarm:agent:else", None, Some(&stolen)).unwrap().unwrap();
        registry.refresh(300).unwrap();
        assert_eq!(names(registry.agents()), ["agent-0001", "agent-0002"]);
        let agent = registry.agent("agent-0001").unwrap();
        assert_eq!((agent.status.as_str(), agent.last_seen), ("ahead", 300));
        assert_eq!(registry.agent("agent-0002").unwrap().last_seen, 300);
    }

    /// After the bus forgot everything, what is registered anew is heard anew.
    fn an_emptied_bus_is_read_anew(bench) {
        let mut registry = Registry::new(bench.open());
        registry.register(&[record(1)]).unwrap();
        registry.beat(&[beat(1, 1, "before")], 200).unwrap();
        registry.refresh(300).unwrap();
        bench.empty();
        while registry.refresh(300).is_err() {
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        assert_eq!(registry.agents().count(), 0);
        registry.register(&[record(1)]).unwrap();
        registry.beat(&[beat(1, 1, "after")], 400).unwrap();
        registry.refresh(500).unwrap();
        let agent = registry.agent("agent-0001").unwrap();
        assert_eq!((agent.status.as_str(), agent.last_seen), ("after", 400));
    }
}
