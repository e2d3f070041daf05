//! Trust files: who may sign them, how they follow each other, and what they may say.

use super::fixture::*;
use swarm_fleet::envelope::ORDER_TYPE;
use swarm_fleet::refusal::Cause;
use swarm_fleet::trust::Trust;
use swarm_fleet::trust::document::{Document, FloorDocument, ThresholdDocument};

fn accept(document: &Document, keys: &[u8], held: Option<&Trust>) -> Result<Trust, Cause> {
    Trust::accept(&trust_envelope(document, keys), held).map_err(|refusal| refusal.cause)
}

#[test]
fn roots_sign_by_owners() {
    let document = document();
    assert!(accept(&document, &[ROOT_ANA, ROOT_CYN], None).is_ok());
    assert_eq!(accept(&document, &[], None), Err(Cause::Unsigned));
    assert_eq!(accept(&document, &[ROOT_ANA], None), Err(Cause::TooFewRoots));
    assert_eq!(accept(&document, &[ROOT_ANA, STRANGER], None), Err(Cause::TooFewRoots));
    assert!(accept(&document, &[ROOT_ANA, ROOT_BEN, STRANGER], None).is_ok(), "it may be a former root");
    assert_eq!(accept(&document, &[DAN, EVE], None), Err(Cause::TooFewRoots));
    let mut twice = document;
    twice.roots.keys[1].owner = "ana".to_owned();
    assert_eq!(accept(&twice, &[ROOT_ANA, ROOT_BEN], None), Err(Cause::TooFewRoots));
}

#[test]
fn an_order_is_no_trust_file() {
    let envelope = sealed(ORDER_TYPE, document().to_payload(), &[ROOT_ANA, ROOT_BEN]);
    assert_eq!(Trust::accept(&envelope, None).unwrap_err().cause, Cause::OtherPayload);
}

#[test]
fn versions_only_rise() {
    let both = &[ROOT_ANA, ROOT_BEN];
    let held = accept(&document(), both, None).unwrap();
    assert!(accept(&document(), both, Some(&held)).is_ok(), "the same file again");
    let next = Document { version: 8, ..document() };
    assert!(accept(&next, both, Some(&held)).is_ok());
    let older = Document { version: 6, ..document() };
    assert_eq!(accept(&older, both, Some(&held)), Err(Cause::TrustOlder));
    let other = Document { expires: day(3), ..document() };
    assert_eq!(accept(&other, both, Some(&held)), Err(Cause::TrustEquivocation));
    let elsewhere = Document { fleet: "elsewhere".to_owned(), version: 8, ..document() };
    assert_eq!(accept(&elsewhere, both, Some(&held)), Err(Cause::TrustOtherFleet));
}

#[test]
fn a_fleet_is_not_called_as_the_bus_calls_its_own() {
    let both = &[ROOT_ANA, ROOT_BEN];
    for name in ["queue", "agent", "bus", "hint", "health"] {
        let document = Document { fleet: name.to_owned(), ..document() };
        assert_eq!(accept(&document, both, None).unwrap_err(), Cause::TrustContradicts, "{name}");
    }
    assert!(accept(&Document { fleet: "queues".to_owned(), ..document() }, both, None).is_ok());
}

#[test]
fn roots_rotate_step_by_step() {
    let first = document();
    let mut second = Document { version: 8, ..document() };
    second.roots.keys = vec![root(ROOT_BEN, "ben"), root(ROOT_CYN, "cyn"), root(4, "dot")];
    let mut third = Document { version: 9, ..document() };
    third.roots.keys = vec![root(4, "dot"), root(5, "eli")];

    let held = accept(&first, &[ROOT_ANA, ROOT_BEN], None).unwrap();
    // By the old threshold and the new one; a signature can count for both.
    assert_eq!(accept(&second, &[ROOT_ANA, ROOT_BEN], Some(&held)), Err(Cause::TooFewRoots));
    assert_eq!(accept(&second, &[ROOT_BEN, 4], Some(&held)), Err(Cause::TooFewOldRoots));
    assert!(accept(&second, &[ROOT_ANA, ROOT_BEN, 4], Some(&held)).is_ok());
    assert!(accept(&second, &[ROOT_BEN, ROOT_CYN], Some(&held)).is_ok());
    // No step is left out.
    assert_eq!(accept(&third, &[4, 5], Some(&held)), Err(Cause::TooFewOldRoots));
    assert_eq!(accept(&third, &[ROOT_BEN, 4, 5], Some(&held)), Err(Cause::TooFewOldRoots));
    let held = accept(&second, &[ROOT_ANA, ROOT_BEN, 4], Some(&held)).unwrap();
    // A root that is gone does not count any more.
    assert_eq!(accept(&third, &[ROOT_ANA, 4, 5], Some(&held)), Err(Cause::TooFewOldRoots));
    assert_eq!(accept(&third, &[ROOT_CYN, 4, 5], Some(&held)).map(|trust| trust.version()), Ok(9));
    // Whoever holds nothing yet can take it as well.
    assert!(accept(&third, &[ROOT_CYN, 4, 5], None).is_ok());
}

#[test]
fn a_file_in_between_may_have_run_out() {
    let mut second = Document { version: 8, issued: day(-40), expires: day(-30), ..document() };
    second.publishers.clear();
    let held = accept(&document(), &[ROOT_ANA, ROOT_BEN], None).unwrap();
    assert!(accept(&second, &[ROOT_ANA, ROOT_BEN], Some(&held)).is_ok());
}

#[test]
fn contradictions_are_refused() {
    let threshold = |prefix: &str, owners| ThresholdDocument { prefix: prefix.to_owned(), owners };
    let floor = |name: &str| FloorDocument { name: name.to_owned(), version: 1 };
    type Change<'c> = (&'c str, &'c dyn Fn(&mut Document));
    let changes: &[Change<'_>] = &[
        ("version 0", &|document| document.version = 0),
        ("too long", &|document| document.expires = day(30)),
        ("backwards", &|document| document.expires = day(-2)),
        ("no time", &|document| document.issued = "yesterday".to_owned()),
        ("no fleet", &|document| document.fleet = String::new()),
        ("no roots", &|document| document.roots.keys.clear()),
        ("threshold 0", &|document| document.roots.threshold = 0),
        ("threshold 4 of 3", &|document| document.roots.threshold = 4),
        ("root twice", &|document| document.roots.keys[1] = document.roots.keys[0].clone()),
        ("publisher twice", &|document| document.publishers[1] = document.publishers[0].clone()),
        ("root publishes", &|document| document.publishers[0] = publisher(ROOT_ANA, "ana")),
        ("key too long", &|document| document.publishers[0].until = day(81)),
        ("key backwards", &|document| document.publishers[0].until = day(-11)),
        ("no names", &|document| document.publishers[0].names.clear()),
        ("odd prefix", &|document| document.publishers[0].names.push("a b".to_owned())),
        ("owner", &|document| document.publishers[0].owner = "dan\n".to_owned()),
        ("threshold of no owner", &|document| document.thresholds.push(threshold("x", 0))),
        ("threshold of 17", &|document| document.thresholds.push(threshold("x", 17))),
        ("threshold twice", &|document| document.thresholds.push(threshold("cost_", 1))),
        ("floor twice", &|document| document.floors = vec![floor("a"), floor("a")]),
        ("floor of nothing", &|document| document.floors = vec![floor("")]),
        ("no digest", &|document| document.revoked.keys.push("sha256:12".to_owned())),
        ("upper case", &|document| document.revoked.digests.push(format!("sha256:{}", "A".repeat(64)))),
    ];
    for (what, change) in changes {
        let mut document = document();
        change(&mut document);
        let refusal = Trust::read(&document.to_payload()).unwrap_err();
        assert_eq!(refusal.cause, Cause::TrustContradicts, "{what}: {refusal}");
    }
    let mut weak = document();
    weak.publishers[0].key = "ed25519:AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=".to_owned();
    assert_eq!(Trust::read(&weak.to_payload()).unwrap_err().cause, Cause::WeakKey);
}

#[test]
fn the_json_is_taken_strictly() {
    let text = String::from_utf8(document().to_payload()).unwrap();
    assert!(Trust::read(text.as_bytes()).is_ok());
    let cases = [
        text.replacen("\"format\": 1", "\"format\": 2", 1),
        text.replacen("\"format\": 1,", "\"format\": 1, \"more\": 1,", 1),
        text.replacen("\"format\": 1,", "\"format\": 1, \"format\": 1,", 1),
        text.replacen("\"floors\"", "\"floor\"", 1),
        format!("{text}x"),
        format!("{}{text}", " ".repeat(1 << 20)),
        "[".repeat(100_000),
        String::new(),
    ];
    for case in cases {
        assert_eq!(Trust::read(case.as_bytes()).unwrap_err().cause, Cause::NoTrustFile);
    }
}
