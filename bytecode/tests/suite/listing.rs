//! The disassembler's listing.

use proptest::prelude::*;
use swarm_bytecode::disassemble::disassemble;

use crate::support::{any_module, sample};
use crate::whole;

#[test]
fn the_sample_reads_well() {
    insta::assert_snapshot!(disassemble(&sample()));
}

#[test]
fn everything_else_reads_well_too() {
    insta::assert_snapshot!(disassemble(&whole::with_every_op()));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_module_has_a_listing(seed: u64) {
        let module = any_module(seed);
        let listing = disassemble(&module);
        let ops: usize = module.functions.iter().map(|function| function.code.len()).sum();
        prop_assert!(listing.lines().count() > ops);
    }
}
