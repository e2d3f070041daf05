//! Generated modules: valid ones, which reach every op, and changed ones, of which the verifier refuses some
//! and both machines have to run the others alike.

use std::collections::BTreeMap;

use arbitrary::Unstructured;
use swarm_bytecode::op::OPS;
use swarm_bytecode::verify::{LoadError, RULES, Verified};
use swarm_reference::generate::modules::{mutated, valid};

use crate::generated::{Random, from_environment};
use swarm_differential::unlike;

fn bytes(seed: u64) -> Vec<u8> {
    let mut random = Random(seed);
    (0..600).flat_map(|_| random.next().to_le_bytes()).collect()
}

#[test]
fn valid_modules_reach_every_op() {
    crate::deep(|| {
        let mut reached: BTreeMap<&str, u64> = OPS.iter().map(|op| (op.mnemonic, 0)).collect();
        for seed in 0..from_environment("SWARM_PROGRAMS", 1_000) {
            let Some(made) = valid(&mut Unstructured::new(&bytes(seed))) else { continue };
            Verified::from_module(&made.module).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
            for op in made.module.functions.iter().flat_map(|function| &function.code) {
                *reached.get_mut(op.info().mnemonic).unwrap() += 1;
            }
            assert_eq!(unlike(&made), None, "seed {seed}");
        }
        println!("ops in valid modules: {reached:?}");
        let missing: Vec<_> = reached.iter().filter(|(_, count)| **count == 0).collect();
        assert!(missing.is_empty(), "{missing:?} are in no module");
    });
}

#[test]
fn what_the_verifier_accepts_runs_alike() {
    crate::deep(|| {
        let (modules, seed) = (from_environment("SWARM_PROGRAMS", 600), from_environment("SWARM_SEED", 1));
        let mut refused: BTreeMap<&str, u64> = BTreeMap::new();
        let (mut accepted, mut undecoded) = (0, 0);
        for seed in seed..seed.saturating_add(modules) {
            let Some(made) = mutated(&mut Unstructured::new(&bytes(seed))) else { continue };
            match Verified::from_module(&made.module) {
                Ok(_) => {
                    accepted += 1;
                    assert_eq!(unlike(&made), None, "seed {seed}");
                }
                Err(LoadError::Verify(error)) => *refused.entry(error.rule.number()).or_default() += 1,
                Err(LoadError::Decode(_)) => undecoded += 1,
            }
        }
        println!(
            "{modules} changed modules: {accepted} accepted and run alike, {undecoded} not decoded, refused by {} of {} rules: \
             {refused:?}",
            refused.len(),
            RULES.len()
        );
        assert!(accepted * 10 > modules && refused.len() > 10, "{accepted} accepted, {refused:?}");
    });
}
