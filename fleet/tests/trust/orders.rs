//! What an agent accepts and what it refuses: each way an order can be wrong, alone.

use super::fixture::*;
use swarm_bytecode::codec::digest_text;
use swarm_bytecode::module::Effect;
use swarm_fleet::envelope::{Envelope, ORDER_TYPE, TRUST_TYPE};
use swarm_fleet::order::{Order, Revision, Targets, frozen_digest};
use swarm_fleet::refusal::{Cause, Severity};
use swarm_fleet::time::{DAY, MINUTE};
use swarm_fleet::trust::document::{BlastRadiusDocument, FloorDocument, ThresholdDocument};
use swarm_fleet::trust::{Capabilities, GRACE};
use swarm_fleet::verify::Mode;

#[test]
fn an_order_in_order_is_accepted() {
    let scene = Scene::new();
    let accepted = scene.accepts();
    assert_eq!(accepted.module().digest(), scene.order.digest);
    let mut owners: Vec<&str> = accepted.signers().iter().map(|signer| signer.owner.as_str()).collect();
    owners.sort_unstable();
    assert_eq!(owners, ["dan", "eve"]);
    assert!(accepted.overlooked().is_empty());
    let mark = accepted.mark();
    assert_eq!((mark.revision, mark.trust_version), (Revision { epoch: 1, counter: 10 }, 7));
    assert_eq!(mark.programs[&name("cost_cut")], (2, digest_of(2)));
}

#[test]
fn who_signs() {
    scene(|scene| scene.signers = vec![]).refuses(Cause::Unsigned);
    scene(|scene| scene.signers = vec![DAN, STRANGER]).refuses(Cause::UnknownKey);
    scene(|scene| scene.signers = vec![DAN, EVE, STRANGER]).refuses(Cause::UnknownKey);
    scene(|scene| scene.signers = vec![DAN, ROOT_ANA]).refuses(Cause::UnknownKey);
    scene(|scene| scene.signers = vec![DAN]).refuses(Cause::TooFewOwners);
    scene(|scene| scene.signers = vec![DAN, DAN_TOO]).refuses(Cause::TooFewOwners);
    scene(|scene| scene.signers = vec![DAN, DAN_TOO, EVE]).accepts();
}

#[test]
fn a_signature_counts_for_one_payload_type() {
    let scene = Scene::new();
    let as_trust = sealed(TRUST_TYPE, scene.order.encode(), &[DAN, EVE]);
    assert_eq!(scene.take(&as_trust).unwrap_err().cause, Cause::OtherPayload);
    // The same signatures under the right type: they covered the type.
    let mut renamed = as_trust;
    renamed.payload_type = ORDER_TYPE.to_owned();
    assert_eq!(scene.take(&renamed).unwrap_err().cause, Cause::WrongSignature);
}

#[test]
fn the_longest_prefix_decides() {
    let with = |owners: &[(&str, u32)], signers: &[u8]| {
        scene(|scene| {
            let threshold =
                |&(prefix, owners): &(&str, u32)| ThresholdDocument { prefix: prefix.to_owned(), owners };
            scene.document.thresholds = owners.iter().map(threshold).collect();
            scene.signers = signers.to_vec();
        })
    };
    with(&[("", 2), ("cost_", 1)], &[DAN]).accepts();
    with(&[("", 1), ("cost_", 2)], &[DAN]).refuses(Cause::TooFewOwners);
    with(&[("cost_", 1), ("cost_cut", 2)], &[DAN]).refuses(Cause::TooFewOwners);
    with(&[("cost_", 1), ("cost_cut_more", 2)], &[DAN]).accepts();
    with(&[("other", 1)], &[DAN, EVE]).refuses(Cause::NoThreshold);
    with(&[], &[DAN, EVE]).refuses(Cause::NoThreshold);
}

#[test]
fn what_can_do_more_takes_more_owners() {
    let names = vec![name("agent-1"), name("agent-2"), name("agent-3")];
    let frozen = || Targets::Frozen { count: 3, digest: frozen_digest(&names) };
    let with = |effect: Effect, targets: Targets, rules: &[(u64, u32)], signers: &[u8]| {
        scene(|scene| {
            let rule = |&(above, owners): &(u64, u32)| BlastRadiusDocument { above, owners };
            scene.document.thresholds[0].owners = 1;
            scene.document.blast_radius = rules.iter().map(rule).collect();
            scene.names = Some(names.clone());
            let module = module_that(2, effect, 2);
            (scene.order.digest, scene.order.targets) = (swarm_bytecode::codec::digest(&module), targets);
            scene.order.module = Some(module);
            scene.signers = signers.to_vec();
        })
    };
    // Three agents, two places that act.
    with(Effect::Once, frozen(), &[(6, 2)], &[DAN]).accepts();
    with(Effect::Once, frozen(), &[(5, 2)], &[DAN]).refuses(Cause::TooFewOwners);
    with(Effect::Once, frozen(), &[(5, 2)], &[DAN, DAN_TOO]).refuses(Cause::TooFewOwners);
    with(Effect::Once, frozen(), &[(5, 2)], &[DAN, EVE]).accepts();
    // Of all that are exceeded, the one with most owners decides.
    with(Effect::Once, frozen(), &[(2, 3), (5, 1)], &[DAN, EVE]).refuses(Cause::TooFewOwners);
    // Whoever fits: nobody knows how many.
    with(Effect::Once, Targets::All, &[(u64::MAX - 1, 2)], &[DAN]).refuses(Cause::TooFewOwners);
    with(Effect::Idempotent, Targets::All, &[(0, 2)], &[DAN]).accepts();
    // As many owners must be allowed what it asks for.
    let mut scene = with(Effect::Once, frozen(), &[(5, 2)], &[DAN, EVE]);
    scene.document.publishers[2].capabilities.clear();
    scene.refuses(Cause::AboveCeiling);
}

#[test]
fn keys_have_windows_and_grace() {
    let until = |days: i64, emergency: bool| {
        scene(|scene| {
            scene.document.publishers[2].from = day(-60);
            scene.document.publishers[2].until = day(days);
            scene.order.emergency = emergency;
        })
    };
    until(1, true).accepts();
    until(-6, false).accepts();
    until(-6, true).refuses(Cause::KeyExpired);
    until(-8, false).refuses(Cause::KeyExpired);
    assert_eq!(GRACE, 7 * DAY);
    scene(|scene| scene.document.publishers[2].from = day(1)).refuses(Cause::KeyNotYet);
    // A key that has run out does no harm beside enough that have not.
    scene(|scene| {
        scene.document.publishers[1].from = day(-60);
        scene.document.publishers[1].until = day(-20);
        scene.signers = vec![DAN, DAN_TOO, EVE];
    })
    .accepts();
}

#[test]
fn keys_have_scope_and_ceiling() {
    scene(|scene| scene.document.publishers[2].names = vec!["other_".to_owned()]).refuses(Cause::OutOfScope);
    scene(|scene| scene.document.publishers[2].names = vec!["x".to_owned(), String::new()]).accepts();
    scene(|scene| scene.document.publishers[2].capabilities.clear()).refuses(Cause::AboveCeiling);
    scene(|scene| scene.document.publishers[2].capabilities = vec!["cpu".to_owned()])
        .refuses(Cause::AboveCeiling);
    scene(|scene| scene.document.publishers[2].capabilities = vec!["*".to_owned()]).accepts();
    // The second key of the same owner has the ceiling: the owner counts.
    scene(|scene| {
        scene.document.publishers[0].capabilities.clear();
        scene.signers = vec![DAN, DAN_TOO, EVE];
    })
    .accepts();
}

#[test]
fn revocation_beats_everything() {
    let revoked = key(EVE).public_key().id().to_string();
    for mode in [Mode::Strict, Mode::Permissive, Mode::Audit] {
        scene(|scene| {
            scene.document.revoked.keys.push(revoked.clone());
            scene.mode = mode;
        })
        .refuses(Cause::KeyRevoked);
        // Also when there is no rule for the name, and when the key is no longer listed.
        scene(|scene| {
            scene.document.revoked.keys.push(revoked.clone());
            scene.document.thresholds.clear();
            scene.document.publishers.pop();
            scene.mode = mode;
        })
        .refuses(if mode == Mode::Strict { Cause::UnknownKey } else { Cause::KeyRevoked });
        scene(|scene| {
            scene.document.revoked.digests.push(digest_text(&digest_of(2)));
            scene.mode = mode;
        })
        .refuses(Cause::ProgramRevoked);
    }
}

#[test]
fn for_whom() {
    scene(|scene| scene.order.fleet = name("production")).refuses(Cause::OtherFleet);
    let labels = |pairs: &[(&str, &str)]| {
        Targets::Labels(pairs.iter().map(|(label, value)| (name(label), name(value))).collect())
    };
    scene(|scene| scene.order.targets = labels(&[("role", "optimizer")])).accepts();
    scene(|scene| scene.order.targets = labels(&[("role", "designer")])).refuses(Cause::NotATarget);
    scene(|scene| scene.order.targets = labels(&[("region", "eu"), ("role", "optimizer")]))
        .refuses(Cause::NotATarget);

    let list = vec![name("agent-1"), name("agent-2")];
    let frozen = Targets::freeze(vec![name("agent-2"), name("agent-1"), name("agent-2")]);
    let with = |names: Option<Vec<_>>, agent: &str| {
        scene(|scene| {
            scene.order.targets = frozen.clone();
            scene.names = names;
            scene.agent = name(agent);
        })
    };
    with(Some(list.clone()), "agent-1").accepts();
    with(Some(list.clone()), "agent-3").refuses(Cause::NotATarget);
    with(None, "agent-1").refuses(Cause::NotATarget);
    with(Some(vec![name("agent-1")]), "agent-1").refuses(Cause::NotATarget);
    with(Some([list, vec![name("agent-3")]].concat()), "agent-3").refuses(Cause::NotATarget);
}

#[test]
fn when() {
    let at = |clock: i64| scene(|scene| scene.clock = clock);
    at(noon() - 5 * MINUTE).accepts();
    at(noon() - 6 * MINUTE).refuses(Cause::NotYet);
    at(noon() + DAY + 4 * MINUTE).accepts();
    at(noon() + DAY + 5 * MINUTE).refuses(Cause::Expired);
    at(noon() + 14 * DAY).refuses(Cause::TrustExpired);
    at(noon() - 2 * DAY).refuses(Cause::TrustNotYet);
}

#[test]
fn a_clock_set_back_brings_nothing_back() {
    let mut scene = Scene::new();
    scene.mark.latest_signed = noon() + 2 * DAY;
    scene.refuses(Cause::Expired);
    scene.clock = noon() - 300 * DAY;
    scene.refuses(Cause::Expired);
}

#[test]
fn the_signed_time_seen_never_runs_ahead_of_the_clock() {
    let mut scene = Scene::new();
    scene.mode = Mode::Audit;
    scene.order.not_before = noon() + 100 * DAY;
    scene.order.not_after = noon() + 101 * DAY;
    let accepted = scene.accepts();
    assert_eq!(accepted.overlooked()[0].cause, Cause::NotYet);
    assert_eq!(accepted.mark().latest_signed, noon() + 5 * MINUTE);
}

#[test]
fn revisions_only_rise() {
    let mut scene = Scene::new();
    let first = scene.accepts();
    scene.mark = first.mark().clone();
    scene.refuses(Cause::Repeated);
    scene.order.limits.fuel = Some(2);
    scene.refuses(Cause::Equivocation);
    for (epoch, counter, fits) in [(1, 9, false), (0, u64::MAX, false), (1, 11, true), (2, 0, true)] {
        scene.order.revision = Revision { epoch, counter };
        if fits { drop(scene.accepts()) } else { scene.refuses(Cause::OldRevision) }
    }
    // Nothing is below the first.
    let mut fresh = Scene::new();
    fresh.order.revision = Revision::default();
    fresh.refuses(Cause::OldRevision);
}

#[test]
fn versions_fall_only_under_a_rollback() {
    let mut scene = Scene::new();
    scene.mark = scene.accepts().mark().clone();
    scene.order = Order {
        revision: Revision { epoch: 1, counter: 11 },
        version: 1,
        digest: digest_of(1),
        module: Some(module(1)),
        ..scene.order
    };
    scene.refuses(Cause::VersionFell);
    scene.order.replaces = Some(digest_of(3));
    scene.refuses(Cause::OtherRollback);
    scene.order.replaces = Some(digest_of(2));
    let back = scene.accepts();
    assert_eq!(back.mark().revision, Revision { epoch: 1, counter: 11 }, "the revision rises");
    assert_eq!(back.mark().programs[&name("cost_cut")].0, 1, "the version falls");
    // Agents that never took the newer program, or have none at all, take the rollback too.
    let mut behind = Scene::new();
    behind.order = scene.order.clone();
    behind.accepts();
    behind.mark.programs.insert(name("cost_cut"), (1, digest_of(1)));
    behind.accepts();
    // The floor holds for rollbacks too.
    scene.document.floors.push(FloorDocument { name: "cost_cut".to_owned(), version: 2 });
    scene.refuses(Cause::BelowFloor);
}

#[test]
fn the_trust_file_never_gets_older() {
    scene(|scene| scene.mark.trust_version = 8).refuses(Cause::TrustOlder);
    scene(|scene| scene.mark.trust_version = 7).accepts();
}

#[test]
fn the_module_is_the_one_ordered() {
    scene(|scene| scene.order.module = None).refuses(Cause::NoModule);
    let fetched = |bytes: Vec<u8>| {
        scene(|scene| {
            scene.order.module = None;
            scene.module = Some(bytes);
        })
    };
    fetched(module(2)).accepts();
    fetched(module(1)).refuses(Cause::OtherModule);
    fetched([module(2), vec![0]].concat()).refuses(Cause::OtherModule);
    fetched(vec![]).refuses(Cause::OtherModule);
    scene(|scene| scene.order.module = Some(module(1))).refuses(Cause::OtherModule);
    scene(|scene| scene.order.module = Some(b"SWRM".to_vec())).refuses(Cause::ModuleRefused);
    scene(|scene| scene.order.version = 3).refuses(Cause::OtherProgram);
    scene(|scene| scene.order.name = name("cost_cutter")).refuses(Cause::OtherProgram);
}

#[test]
fn nothing_is_granted_by_the_signature() {
    for mode in [Mode::Strict, Mode::Permissive, Mode::Audit] {
        scene(|scene| {
            scene.grants = Capabilities::Only(Default::default());
            scene.mode = mode;
        })
        .refuses(Cause::NotGranted);
    }
    scene(|scene| scene.grants = Capabilities::All).accepts();
}

#[test]
fn no_payload_but_an_order() {
    let scene = Scene::new();
    for payload in [&b""[..], b"SWRO", b"{}"] {
        let envelope = sealed(ORDER_TYPE, payload.to_vec(), &[DAN, EVE]);
        assert_eq!(scene.take(&envelope).unwrap_err().cause, Cause::NoOrder);
    }
}

#[test]
fn modes_say_what_strict_would_have_refused() {
    let mut scene = Scene::new();
    scene.signers = vec![DAN];
    scene.clock = noon() + 2 * DAY;
    scene.refuses(Cause::TooFewOwners);
    scene.mode = Mode::Permissive;
    scene.refuses(Cause::Expired);
    scene.mode = Mode::Audit;
    let causes: Vec<Cause> = scene.accepts().overlooked().iter().map(|refusal| refusal.cause).collect();
    assert_eq!(causes, [Cause::TooFewOwners, Cause::Expired]);
    for cause in Cause::ALL {
        assert!(!Mode::Strict.overlooks(*cause));
        assert_eq!(Mode::Audit.overlooks(*cause), cause.severity() != Severity::Always);
        assert!(!Mode::Permissive.overlooks(*cause) || Mode::Audit.overlooks(*cause));
    }
}

#[test]
fn no_mode_lowers_the_mark() {
    let mut scene = Scene::new();
    scene.mark = scene.accepts().mark().clone();
    scene.mark.revision = Revision { epoch: 9, counter: 9 };
    scene.mode = Mode::Audit;
    let accepted = scene.accepts();
    assert_eq!(accepted.overlooked()[0].cause, Cause::OldRevision);
    assert_eq!(accepted.mark().revision, Revision { epoch: 9, counter: 9 });
}

#[test]
fn an_envelope_takes_a_key_once_and_sixteen_at_most() {
    let mut envelope = Envelope::new(ORDER_TYPE, vec![]);
    for number in 0..16 {
        envelope.sign(&key(number)).unwrap();
    }
    assert_eq!(envelope.sign(&key(3)).unwrap_err().cause, Cause::SignedTwice);
    assert_eq!(envelope.sign(&key(16)).unwrap_err().cause, Cause::NoEnvelope);
    assert_eq!(Envelope::decode(&envelope.encode()).unwrap(), envelope);
}
