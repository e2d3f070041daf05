//! What was committed survives; what was torn is cut off; what is taken away is gone.

use std::io::Write;

use swarm_node::disk::Disk;

#[test]
fn what_was_committed_is_there_again() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state/own.swarm");
    {
        let mut disk = Disk::open(&path).unwrap();
        disk.put(b"a1", b"one".to_vec());
        disk.put(b"a2", b"two".to_vec());
        disk.commit().unwrap();
        disk.put(b"a2", b"three".to_vec());
        disk.remove(b"a1");
        disk.commit().unwrap();
        disk.put(b"a3", b"never committed".to_vec());
    }
    let disk = Disk::open(&path).unwrap();
    let all: Vec<_> = disk.under(b"a").collect();
    assert_eq!(all, [(b"a2".as_slice(), b"three".as_slice())]);
}

#[test]
fn wherever_the_file_is_torn_the_records_before_are_whole() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("own.swarm");
    let mut sizes = Vec::new();
    {
        let mut disk = Disk::open(&path).unwrap();
        for number in 0..20_u8 {
            disk.put(&[number], vec![number; 9]);
            disk.commit().unwrap();
            sizes.push(std::fs::metadata(&path).unwrap().len());
        }
    }
    let whole = std::fs::read(&path).unwrap();
    for length in (usize::try_from(sizes[0]).unwrap()..whole.len()).step_by(3) {
        let torn = directory.path().join(format!("torn-{length}"));
        std::fs::write(&torn, &whole[..length]).unwrap();
        let disk = Disk::open(&torn).unwrap();
        let expected = sizes.iter().filter(|size| **size <= length as u64).count();
        assert_eq!(disk.under(b"").count(), expected, "cut at {length}");
    }
    // A byte that changed ends what is believed.
    let mut changed = whole.clone();
    let at = usize::try_from(sizes[9]).unwrap() + 20;
    changed[at] ^= 1;
    let path = directory.path().join("changed");
    std::fs::write(&path, changed).unwrap();
    assert_eq!(Disk::open(&path).unwrap().under(b"").count(), 10);
}

#[test]
fn no_two_have_one_state_and_strangers_files_are_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("own.swarm");
    let held = Disk::open(&path).unwrap();
    assert!(Disk::open(&path).is_err());
    drop(held);
    assert!(Disk::open(&path).is_ok());
    let other = directory.path().join("other");
    std::fs::File::create(&other).unwrap().write_all(b"a letter to a friend").unwrap();
    assert!(Disk::open(&other).is_err());
    assert_eq!(std::fs::read(&other).unwrap(), b"a letter to a friend");
}

#[test]
fn a_file_that_is_mostly_past_is_written_anew() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("own.swarm");
    let mut disk = Disk::open(&path).unwrap();
    for round in 0..200_u8 {
        disk.put(b"same", vec![round; 20_000]);
        disk.commit().unwrap();
    }
    assert!(std::fs::metadata(&path).unwrap().len() < 2 << 20);
    // Who has it still has it, and it alone.
    assert!(Disk::open(&path).is_err());
    drop(disk);
    assert_eq!(Disk::open(&path).unwrap().get(b"same"), Some([199; 20_000].as_slice()));
}
