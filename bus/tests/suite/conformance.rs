//! What every bus does alike: one suite over memory, Redis and NATS.
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use crate::support::{over_each_bus, text};
use swarm_bus::{Bus, BusError, Change, Entry};

const SECOND: Duration = Duration::from_secs(1);

fn texts(entries: &[Entry]) -> Vec<String> {
    entries.iter().map(|entry| text(&entry.bytes)).collect()
}

over_each_bus! {
    /// A log gives back what was appended, in order, from any position on, to whoever reads.
    fn a_log_is_read_in_order(bench) {
        let mut one = bench.open();
        let mut other = bench.open();
        assert_eq!(one.read("swarm:instructions", None, 10).unwrap(), []);
        one.append("swarm:instructions", &[b"a"], 1_000).unwrap();
        one.append("swarm:instructions", &[b"b", b"", b"c"], 1_000).unwrap();
        other.append("swarm:instructions", &[b"d"], 1_000).unwrap();
        one.append("swarm:alerts", &[b"elsewhere"], 1_000).unwrap();
        for bus in [&mut one, &mut other] {
            let all = bus.read("swarm:instructions", None, 100).unwrap();
            assert_eq!(texts(&all), ["a", "b", "", "c", "d"]);
            assert!(all.windows(2).all(|pair| pair[0].position < pair[1].position));
            for (at, entry) in all.iter().enumerate() {
                let behind = bus.read("swarm:instructions", Some(entry.position), 100).unwrap();
                assert_eq!(behind, all[at + 1..], "behind entry {at}");
                let next = bus.read("swarm:instructions", Some(entry.position), 1).unwrap();
                assert_eq!(next, all[at + 1..].iter().take(1).cloned().collect::<Vec<_>>());
            }
        }
        one.append("swarm:instructions", &[], 1_000).unwrap();
        assert_eq!(one.read("swarm:instructions", None, 0).unwrap(), []);
        assert_eq!(one.read("swarm:instructions", None, 3).unwrap().len(), 3);
    }

    /// Reading by pages meets every entry once, while others append.
    fn a_log_is_read_by_pages(bench) {
        let threads: Vec<_> = (0..4).map(|thread| {
            let mut bus = bench.open();
            std::thread::spawn(move || {
                for round in 0..40 {
                    let entries = (0..round % 7 + 1).map(|at| format!("{thread} {round} {at}"));
                    let entries: Vec<String> = entries.collect();
                    let entries: Vec<&[u8]> = entries.iter().map(String::as_bytes).collect();
                    bus.append("swarm:acks", &entries, 100_000).unwrap();
                }
            })
        }).collect();
        let mut bus = bench.open();
        let (mut behind, mut seen) = (None, Vec::new());
        let mut finished = false;
        loop {
            let page = bus.read("swarm:acks", behind, 17).unwrap();
            assert!(page.len() <= 17);
            behind = page.last().map(|entry| entry.position).or(behind);
            seen.extend(texts(&page));
            if page.is_empty() && finished {
                break;
            }
            finished = threads.iter().all(|thread| thread.is_finished());
        }
        for thread in threads {
            thread.join().unwrap();
        }
        for thread in 0..4 {
            let own: Vec<&String> = seen.iter().filter(|entry| entry.starts_with(&format!("{thread} "))).collect();
            let expected: Vec<String> =
                (0..40).flat_map(|round| (0..round % 7 + 1).map(move |at| format!("{thread} {round} {at}"))).collect();
            assert_eq!(own, expected.iter().collect::<Vec<_>>());
        }
        let others = bench.open().read("swarm:acks", None, 10_000).unwrap();
        assert_eq!(texts(&others), seen);
    }

    /// A log loses its oldest entries, and never more of the newest than it should keep.
    fn a_log_is_trimmed(bench) {
        let mut bus = bench.open();
        for at in 0..1_500 {
            bus.append("swarm:alerts", &[format!("{at}").as_bytes()], 100).unwrap();
        }
        let left = bus.read("swarm:alerts", None, 10_000).unwrap();
        assert!((100..=400).contains(&left.len()), "{} entries are left", left.len());
        let expected: Vec<String> = (1_500 - left.len()..1_500).map(|at| at.to_string()).collect();
        assert_eq!(texts(&left), expected);
        // A position that is gone stands before everything that is left.
        let first = left[0].position;
        bus.append("swarm:alerts", &vec![&b"new"[..]; 100], 100).unwrap();
        let behind = bus.read("swarm:alerts", Some(first), 10_000).unwrap();
        assert!(behind.len() >= 100 && texts(&behind).ends_with(&["new".to_owned()]));
    }

    /// An append of many entries is there as a whole or not at all, whoever reads meanwhile.
    fn an_append_is_whole(bench) {
        let mut writer = bench.open();
        let mut reader = bench.open();
        let entries: Vec<String> = (0..1_159).map(|at| format!("agent-{at:04} {}", "x".repeat(400))).collect();
        let entries: Vec<&[u8]> = entries.iter().map(String::as_bytes).collect();
        let thread = std::thread::spawn(move || {
            let begun = Instant::now();
            loop {
                let count = reader.read("swarm:orders", None, 10_000).unwrap().len();
                assert!(count % 1_159 == 0, "{count} entries");
                if count > 0 || begun.elapsed() > 120 * SECOND {
                    return count;
                }
            }
        });
        writer.append("swarm:orders", &entries, 100_000).unwrap();
        assert_eq!(thread.join().unwrap(), 1_159);
    }

    /// A value changes only for whoever knows its version.
    fn a_value_is_compared_and_set(bench) {
        let mut one = bench.open();
        let mut other = bench.open();
        let key = "swarm:desired";
        assert_eq!(one.get(key).unwrap(), (None, None));
        assert_eq!(one.compare_and_set(key, Some(7), Some(b"x")).unwrap(), None);
        assert_eq!(one.compare_and_set(key, None, None).unwrap(), Some(None), "removing what is not there");
        let first = one.compare_and_set(key, None, Some(b"first")).unwrap().unwrap();
        assert!(first.is_some());
        assert_eq!(other.get(key).unwrap(), (Some(b"first".to_vec()), first));
        assert_eq!(other.compare_and_set(key, None, Some(b"again")).unwrap(), None);
        assert_eq!(other.compare_and_set(key, None, None).unwrap(), None);
        let second = other.compare_and_set(key, first, Some(b"")).unwrap().unwrap();
        assert!(second.is_some() && second != first);
        assert_eq!(one.compare_and_set(key, first, Some(b"late")).unwrap(), None);
        assert_eq!(one.compare_and_set(key, first, None).unwrap(), None);
        assert_eq!(one.get(key).unwrap(), (Some(Vec::new()), second));
        assert_eq!(one.compare_and_set(key, second, None).unwrap(), Some(None));
        assert_eq!(other.get(key).unwrap(), (None, None));
        assert_eq!(one.keys("swarm:desired", 10).unwrap(), Vec::<String>::new());
        assert_eq!(one.compare_and_set(key, second, Some(b"late")).unwrap(), None);
        let third = other.compare_and_set(key, None, Some(b"third")).unwrap().unwrap();
        assert!(third != first && third != second, "a version comes twice");
        assert_eq!(one.get(key).unwrap(), (Some(b"third".to_vec()), third));
    }

    /// Bounds without bounds, and names of all kinds.
    fn extremes(bench) {
        let mut bus = bench.open();
        bus.append("\t", &[b"x"], u64::MAX).unwrap();
        bus.append("é *>. :", &[b"y", b"z"], 0).unwrap();
        assert_eq!(texts(&bus.read("\t", None, usize::MAX).unwrap()), ["x"]);
        assert!(bus.read("é *>. :", None, usize::MAX).unwrap().len() <= 2);
        for key in ["", ":", "::", "a\r\nb", "\0", "=parts", "=parts:a", &"x".repeat(500)] {
            let version = bus.compare_and_set(key, None, Some(key.as_bytes())).unwrap().unwrap();
            assert_eq!(bus.get(key).unwrap(), (Some(key.as_bytes().to_vec()), version));
        }
        assert_eq!(bus.keys("", usize::MAX).unwrap().len(), 8);
        assert_eq!(bus.keys(":", usize::MAX).unwrap(), [":", "::"]);
        assert_eq!(bus.compare_and_set("", Some(u64::MAX), None).unwrap(), None);
        assert!(!bus.wait(&["", ":"], Duration::from_millis(1)).unwrap());
        bus.hint(":").unwrap();
        assert!(bus.wait(&["", ":"], Duration::MAX).unwrap());
    }

    /// Of those who change a value at once, one wins each time.
    fn changes_at_once_are_told_apart(bench) {
        let threads: Vec<_> = (0..8).map(|_| {
            let mut bus = bench.open();
            std::thread::spawn(move || {
                let mut tries = 0;
                let mut done = 0;
                while done < 25 {
                    let (bytes, version) = bus.get("swarm:count").unwrap();
                    let count: u64 = bytes.map_or(0, |bytes| text(&bytes).parse().unwrap());
                    tries += 1;
                    let next = (count + 1).to_string();
                    if bus.compare_and_set("swarm:count", version, Some(next.as_bytes())).unwrap().is_some() {
                        done += 1;
                    }
                }
                tries
            })
        }).collect();
        let tries: u64 = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
        let (bytes, _) = bench.open().get("swarm:count").unwrap();
        assert_eq!(text(&bytes.unwrap()), "200", "after {tries} tries");
    }

    /// Of those who make or remove a value at once, one wins.
    fn values_are_made_and_removed_once(bench) {
        for round in 0..10 {
            let key = format!("swarm:lock:{round}");
            let win = |act: fn(&mut dyn Bus, &str) -> bool| -> usize {
                let threads: Vec<_> = (0..6).map(|_| {
                    let (mut bus, key) = (bench.open(), key.clone());
                    std::thread::spawn(move || act(&mut *bus, &key))
                }).collect();
                threads.into_iter().map(|thread| usize::from(thread.join().unwrap())).sum()
            };
            let make =
                |bus: &mut dyn Bus, key: &str| bus.compare_and_set(key, None, Some(b"mine")).unwrap().is_some();
            assert_eq!(win(make), 1);
            let change = |bus: &mut dyn Bus, key: &str| {
                let (bytes, version) = bus.get(key).unwrap();
                bytes.is_some() && bus.compare_and_set(key, version, None).unwrap().is_some()
            };
            assert_eq!(win(change), 1);
            assert_eq!(win(make), 1);
        }
    }

    /// Many values and changes in one call are those of one call each.
    fn many_values_at_once(bench) {
        let mut bus = bench.open();
        let keys: Vec<String> = (0..300).map(|at| format!("swarm:agent:{at:04}")).collect();
        let changes: Vec<Change<'_>> = keys.iter()
            .map(|key| Change { key, expected: None, value: Some(key.as_bytes()) })
            .collect();
        let versions = bus.compare_and_set_many(&changes).unwrap();
        assert!(versions.iter().all(|version| matches!(version, Some(Some(_)))));
        let distinct: BTreeSet<_> = versions.iter().flatten().collect();
        assert_eq!(distinct.len(), 300);
        assert!(bus.compare_and_set_many(&changes).unwrap().iter().all(Option::is_none));
        let mut names: Vec<&str> = keys.iter().map(String::as_str).collect();
        names.push("swarm:agent:none");
        let found = bus.get_many(&names).unwrap();
        assert_eq!(found.len(), 301);
        assert_eq!(found[300], (None, None));
        for ((found, key), version) in found.iter().zip(&keys).zip(&versions) {
            assert_eq!(found.0.as_deref(), Some(key.as_bytes()));
            assert_eq!(Some(found.1), *version);
        }
        assert_eq!(bus.get_many(&[]).unwrap(), []);
        assert_eq!(bus.compare_and_set_many(&[]).unwrap(), []);
    }

    /// Keys are listed in order, those with the prefix, as many as wanted.
    fn keys_are_listed(bench) {
        let mut bus = bench.open();
        let keys =
            ["trace:a-1:17", "trace:a-1:2", "trace:a:1", "trace:é:1", "trace", "traces:x", "a b:*:>", "trace:b:1"];
        for key in keys {
            bus.compare_and_set(key, None, Some(b"1")).unwrap().unwrap();
        }
        let all = ["trace:a-1:17", "trace:a-1:2", "trace:a:1", "trace:b:1", "trace:é:1"];
        assert_eq!(bus.keys("trace:", 100).unwrap(), all);
        assert_eq!(bus.keys("trace:", 2).unwrap(), all[..2]);
        assert_eq!(bus.keys("trace:a-1:", 100).unwrap(), all[..2]);
        assert_eq!(bus.keys("trace:a", 100).unwrap(), all[..3]);
        assert_eq!(bus.keys("a b:*", 100).unwrap(), ["a b:*:>"]);
        assert_eq!(bus.keys("nothing", 100).unwrap(), Vec::<String>::new());
        let (_, version) = bus.get("trace:a:1").unwrap();
        bus.compare_and_set("trace:a:1", version, None).unwrap().unwrap();
        assert_eq!(bus.keys("trace:a", 100).unwrap(), all[..2]);
    }

    /// Values and appends greater than one message of a server may be.
    fn great_values_and_appends(bench) {
        let mut one = bench.open();
        let mut other = bench.open();
        let great = |seed: u8, size: usize| -> Vec<u8> {
            (0..=250).cycle().map(|at: u8| seed.wrapping_add(at)).take(size).collect()
        };
        let mut version = None;
        for (seed, size) in [(1, 1 << 20), (2, 5 << 20), (3, 100), (4, (1 << 20) + 1), (5, 3 << 20)] {
            let value = great(seed, size);
            version = one.compare_and_set("swarm:desired", version, Some(&value)).unwrap().unwrap();
            let (bytes, read) = other.get("swarm:desired").unwrap();
            assert!(bytes == Some(value) && read == version, "{size} bytes");
        }
        let late = great(6, 2 << 20);
        assert_eq!(other.compare_and_set("swarm:desired", None, Some(&late)).unwrap(), None);
        assert_eq!(one.get("swarm:desired").unwrap().0, Some(great(5, 3 << 20)));
        assert_eq!(one.keys("", 10).unwrap(), ["swarm:desired"]);
        one.compare_and_set("swarm:desired", version, None).unwrap().unwrap();
        assert_eq!(other.get("swarm:desired").unwrap(), (None, None));

        let (whole, half) = (great(7, 3 << 20), great(8, 1 << 19));
        one.append("swarm:orders", &[b"before"], 100).unwrap();
        one.append("swarm:orders", &[&whole], 100).unwrap();
        one.append("swarm:orders", &[&half, b"small", &half, &half], 100).unwrap();
        one.append("swarm:orders", &[b"after"], 100).unwrap();
        let (mut behind, mut read) = (None, Vec::new());
        while let Some(entry) = other.read("swarm:orders", behind, 1).unwrap().pop() {
            behind = Some(entry.position);
            read.push(entry.bytes);
        }
        let expected: [&[u8]; 7] = [b"before", &whole, &half, b"small", &half, &half, b"after"];
        assert!(read == expected, "{:?}", read.iter().map(Vec::len).collect::<Vec<_>>());
        let all = one.read("swarm:orders", None, 100).unwrap();
        assert!(all.into_iter().map(|entry| entry.bytes).eq(expected.map(<[u8]>::to_vec)));
    }

    /// Great values that many change at once are whole all the time.
    fn great_values_changed_at_once_are_whole(bench) {
        let threads: Vec<_> = (0..4_u8).map(|thread| {
            let mut bus = bench.open();
            std::thread::spawn(move || {
                for round in 0..6_u8 {
                    let size = if round % 3 == 2 { 10 } else { 1_300_000 };
                    let value = vec![thread * 16 + round; size];
                    loop {
                        let (bytes, version) = bus.get("swarm:desired").unwrap();
                        if let Some(bytes) = bytes {
                            assert!(bytes.iter().all(|byte| *byte == bytes[0]));
                            assert!(bytes.len() == 10 || bytes.len() == 1_300_000);
                        }
                        if bus.compare_and_set("swarm:desired", version, Some(&value)).unwrap().is_some() {
                            break;
                        }
                    }
                }
            })
        }).collect();
        for thread in threads {
            thread.join().unwrap();
        }
    }

    /// A hint wakes those who wait for its name, also if it came a bit before; nobody else.
    fn hints_wake(bench) {
        let mut waiting = bench.open();
        let mut hinting = bench.open();
        hinting.hint("swarm:orders").unwrap();
        std::thread::sleep(Duration::from_millis(200));
        assert!(!waiting.wait(&["swarm:orders", "swarm:halt"], Duration::ZERO).unwrap(), "nobody listened yet");
        // Before the wait.
        hinting.hint("swarm:orders").unwrap();
        let begun = Instant::now();
        assert!(waiting.wait(&["swarm:orders", "swarm:halt"], 20 * SECOND).unwrap());
        assert!(begun.elapsed() < 10 * SECOND);
        // It counts once, and so do many.
        assert!(!waiting.wait(&["swarm:orders"], Duration::from_millis(50)).unwrap());
        for _ in 0..50 {
            hinting.hint("swarm:orders").unwrap();
        }
        std::thread::sleep(Duration::from_millis(300));
        assert!(waiting.wait(&["swarm:orders"], 20 * SECOND).unwrap());
        let mut again = || waiting.wait(&["swarm:orders"], Duration::from_millis(20)).unwrap();
        let more = (0..50).take_while(|_| again()).count();
        assert!(more < 10, "{more} times woken by what came at once");
        // During the wait.
        let thread = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(300));
            hinting.hint("swarm:halt").unwrap();
            hinting
        });
        let begun = Instant::now();
        assert!(waiting.wait(&["swarm:orders", "swarm:halt"], 20 * SECOND).unwrap());
        assert!(begun.elapsed() < 10 * SECOND);
        // Other names wake nobody, and the time that is waited is the time that was given.
        thread.join().unwrap().hint("swarm:other").unwrap();
        let begun = Instant::now();
        assert!(!waiting.wait(&["swarm:orders"], Duration::from_millis(400)).unwrap());
        assert!((Duration::from_millis(390)..5 * SECOND).contains(&begun.elapsed()), "{:?}", begun.elapsed());
        assert!(!waiting.wait(&[], Duration::from_millis(1)).unwrap());
    }

    /// The generation is that of the bus: everybody sees the same, and it stays.
    fn the_generation_stays(bench) {
        let threads: Vec<_> = (0..8).map(|_| {
            let mut bus = bench.open();
            std::thread::spawn(move || bus.generation().unwrap())
        }).collect();
        let seen: BTreeSet<u64> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
        assert_eq!(seen.len(), 1);
        let mut bus = bench.open();
        bus.append("swarm:alerts", &[b"x"], 10).unwrap();
        assert_eq!(BTreeSet::from([bus.generation().unwrap()]), seen);
        assert_eq!(BTreeSet::from([bus.another().unwrap().generation().unwrap()]), seen);
    }

    /// A bus that is gone is `Away`, soon and without a hang; when it is back, so are the same handles and
    /// what stood in it.
    fn a_lost_connection_comes_back(bench) {
        let mut bus = bench.open();
        bus.append("swarm:alerts", &[b"kept"], 10).unwrap();
        let version = bus.compare_and_set("swarm:desired", None, Some(b"kept")).unwrap().unwrap();
        let generation = bus.generation().unwrap();
        assert!(!bus.wait(&["swarm:orders"], Duration::ZERO).unwrap());
        bench.disconnect();
        let begun = Instant::now();
        let away = |done: Result<(), BusError>| assert!(matches!(done, Err(BusError::Away(_))), "{done:?}");
        away(bus.append("swarm:alerts", &[b"lost"], 10));
        away(bus.read("swarm:alerts", None, 10).map(drop));
        away(bus.get("swarm:desired").map(drop));
        away(bus.compare_and_set("swarm:desired", version, None).map(drop));
        away(bus.keys("", 10).map(drop));
        away(bus.hint("swarm:orders"));
        away(bus.generation().map(drop));
        away(bus.another().map(drop));
        assert!(begun.elapsed() < 20 * SECOND, "{:?}", begun.elapsed());
        let begun = Instant::now();
        away(bus.wait(&["swarm:orders"], Duration::from_millis(700)).map(drop));
        assert!((Duration::from_millis(690)..10 * SECOND).contains(&begun.elapsed()), "{:?}", begun.elapsed());
        bench.connect();
        // What was said meanwhile may have been missed, so whoever waited is woken.
        let begun = Instant::now();
        while !bus.wait(&["swarm:orders"], SECOND).unwrap_or(false) {
            assert!(begun.elapsed() < 120 * SECOND);
        }
        let begun = Instant::now();
        while bus.generation() != Ok(generation) {
            assert!(begun.elapsed() < 120 * SECOND, "{:?} is not {generation}", bus.generation());
            std::thread::sleep(Duration::from_millis(50));
        }
        // What was asked for as it went away may have been done.
        let left = texts(&bus.read("swarm:alerts", None, 10).unwrap());
        assert!(left == ["kept"] || left == ["kept", "lost"], "{left:?}");
        assert_eq!(bus.get("swarm:desired").unwrap(), (Some(b"kept".to_vec()), version));
        bus.compare_and_set("swarm:desired", version, Some(b"new")).unwrap().unwrap();
        let mut other = bench.open();
        other.hint("swarm:orders").unwrap();
        assert!(bus.wait(&["swarm:orders"], 20 * SECOND).unwrap());
    }

    /// A bus that forgot everything is another one, and no version or position of before is taken for one of it.
    fn an_emptied_bus_is_another(bench) {
        let mut bus = bench.open();
        let generation = bus.generation().unwrap();
        let version = bus.compare_and_set("swarm:desired", None, Some(b"old")).unwrap().unwrap();
        bus.append("swarm:alerts", &[b"old"], 10).unwrap();
        bench.empty();
        let begun = Instant::now();
        let new = loop {
            match bus.generation() {
                Ok(new) => break new,
                Err(error) => assert!(begun.elapsed() < 120 * SECOND, "{error}"),
            }
            std::thread::sleep(Duration::from_millis(50));
        };
        assert!(new != generation);
        assert_eq!(bus.get("swarm:desired").unwrap(), (None, None));
        assert_eq!(bus.compare_and_set("swarm:desired", version, Some(b"late")).unwrap(), None);
        assert_eq!(bus.read("swarm:alerts", None, 10).unwrap(), []);
        bus.append("swarm:alerts", &[b"new"], 10).unwrap();
        assert_eq!(texts(&bus.read("swarm:alerts", None, 10).unwrap()), ["new"]);
        assert_eq!(bench.open().generation().unwrap(), new);
    }
}
