//! What gives way when no one takes a trace away, and that it is counted.

use std::sync::mpsc::sync_channel;

use swarm_fleet::key::SecretKey;
use swarm_fleet::trace::chunk::frame;
use swarm_fleet::trace::entry::{EntryReader, What};
use swarm_fleet::trace::log::Log;
use swarm_fleet::trace::overflow::{Next, Policy, Room};

use super::{activation, name};

#[test]
fn each_policy_gives_up_something_else() {
    for (policy, next) in
        [(Policy::Block, Next::Wait), (Policy::Spill, Next::Run), (Policy::Sample, Next::Thin)]
    {
        let mut room = Room::new(policy, 1000);
        room.written(999);
        assert_eq!(room.next(), Next::Run);
        room.written(1);
        assert_eq!(room.next(), next);
        room.taken(1);
        assert_eq!(room.next(), Next::Run, "there is room again");
        assert_eq!(Policy::from_name(policy.name()), Some(policy));
    }
}

#[test]
fn what_is_left_out_is_counted_in_the_trace_itself() {
    let mut room = Room::new(Policy::Sample, 0);
    let mut log = Log::new(name(), 1, None);
    let mut left_out = 0;
    for round in 0..50 {
        let mut activation = activation(round);
        activation.entries.own(&What::Clock(1));
        let before = activation.entries.count();
        room.thin(&mut activation);
        left_out += (before + 1).saturating_sub(activation.entries.count()) as u64;
        log.record(0, ([1; 16], [2; 32]), &activation);
    }
    let chunk = log.close(0);
    let mut reader = EntryReader::new(&chunk.body);
    let mut told = 0;
    while let Some(entry) = reader.next_entry().unwrap() {
        if let What::Lost(count) = entry.what {
            told += count;
        }
    }
    assert!(told > 0);
    assert_eq!((told, room.lost()), (left_out, left_out));
}

/// Records activations, writes chunks to a disk, and offers each to a reader without waiting for it. What the
/// disk has at the end.
fn work(reader: &std::sync::mpsc::SyncSender<Vec<u8>>, key: &SecretKey) -> Vec<u8> {
    let mut log = Log::new(name(), 1, None);
    let mut room = Room::new(Policy::Sample, 1 << 30);
    let mut disk = Vec::new();
    for round in 0..1500 {
        let mut activation = activation(round);
        if room.next() == Next::Thin {
            room.thin(&mut activation);
        }
        if let Some(chunk) = log.record(0, ([1; 16], [2; 32]), &activation) {
            let sealed = frame(&chunk.seal(key));
            room.written(sealed.len() as u64);
            disk.extend_from_slice(&sealed);
            // A full channel is no reason to wait: the disk has it.
            let _unread = reader.try_send(sealed);
        }
        disk.extend(log.unsaved().unwrap_or_default());
    }
    disk
}

#[test]
fn a_reader_that_stalls_is_not_waited_for() {
    let key = SecretKey::from_seed([3; 32]);
    let (stalled, never_read) = sync_channel(1);
    let (live, read) = sync_channel(1);
    let reader = std::thread::spawn(move || read.iter().map(|chunk: Vec<u8>| chunk.len()).sum::<usize>());
    let with_reader = work(&live, &key);
    // Were it waited for, this would not come back.
    let without = work(&stalled, &key);
    assert_eq!(with_reader, without, "the same trace on disk");
    drop((live, stalled));
    assert!(reader.join().unwrap() > 0);
    assert_eq!(never_read.iter().count(), 1, "one chunk waits, the others are on disk only");
}
