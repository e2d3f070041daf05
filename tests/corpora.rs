//! Replays the committed corpora of all fuzz targets, without libFuzzer: the same functions over the same bytes.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "test code")]
#![expect(clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "test code")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

#[path = "../fuzz/src/lib.rs"]
#[expect(unreachable_pub, reason = "the library of another workspace")]
mod targets;

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz").join(name)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let found = fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path());
    let mut found: Vec<PathBuf> = found.filter(|path| path.is_file()).collect();
    found.sort();
    found
}

#[test]
fn each_target_is_in_the_list() {
    let files = files(&folder("fuzz_targets"));
    let files: BTreeSet<&str> =
        files.iter().map(|path| path.file_stem().unwrap().to_str().unwrap()).collect();
    assert_eq!(files, targets::TARGETS.iter().map(|(name, _)| *name).collect());
}

/// On a stack as large as the differential tests have: the reference evaluates a call by a call.
#[test]
fn each_corpus_is_replayed() {
    let replay = || {
        for (name, target) in targets::TARGETS {
            let inputs = files(&folder("corpus").join(name));
            assert!(!inputs.is_empty(), "{name} has no corpus");
            let accepted = inputs.iter().filter(|path| target(&fs::read(path).unwrap())).count();
            assert!(accepted > 0, "none of the {} inputs of {name} is one it is about", inputs.len());
        }
    };
    let thread = std::thread::Builder::new().stack_size(1 << 28).spawn(replay).unwrap();
    if let Err(panic) = thread.join() {
        std::panic::resume_unwind(panic);
    }
}
