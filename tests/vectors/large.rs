//! Of a program with more than a thousand ops the machine gives up the ops when it has made words of them, and reads them
//! from the module's bytes where they are asked for. Every vector with a function beside its own that makes it so long.

use serde_json::Value as Json;
use swarm_bytecode::module::{Function, Module};
use swarm_bytecode::op::Op;
use swarm_compiler::Options;
use swarm_vm::Program;

use super::suspended::{every_vector, moved, seen, straight};
use super::{compiled, limits, load};

/// The module with a function that nobody calls, in front of which its own stay where they are.
fn lengthened(mut module: Module) -> Module {
    let code = std::iter::repeat_n(Op::Settle {}, 1_500).chain([Op::Return {}]).collect();
    module.functions.push(Function { registers: Vec::new(), parameters: 0, result: None, code });
    module
}

/// What does not depend on which program it is.
fn without_digests(mut seen: Json) -> Json {
    for key in ["digest", "trace_digest"] {
        seen["report"].as_object_mut().unwrap().remove(key).unwrap();
    }
    seen
}

#[test]
fn large_programs_do_what_small_ones_do() {
    let mut stops = 0;
    every_vector(|name, vector| {
        let module = compiled(vector, &Options::default()).unwrap();
        let long = lengthened(module.clone());
        let (small, large) = (load(vector, &module).unwrap(), load(vector, &long).unwrap());
        assert_eq!(large.0.module(), &long, "{name}");
        let wanted = straight(vector, &small.0, &small.1);
        let found = straight(vector, &large.0, &large.1);
        assert_eq!(without_digests(seen(&found)), without_digests(seen(&wanted)), "{name}");
        let (moved, count) = moved(vector, (&large.0, &large.1), limits(vector).fuel, &mut || 0);
        assert_eq!(seen(&moved), seen(&found), "{name}");
        stops += count;
    });
    assert!(stops > 1_000, "only {stops} stops");
}

/// A module that is already verified has no bytes any more.
#[test]
fn a_large_module_that_was_verified_is_the_same_program() {
    every_vector(|name, vector| {
        let long = lengthened(compiled(vector, &Options::default()).unwrap());
        let verified = swarm_bytecode::verify::Verified::from_module(&long).unwrap();
        let (made, loaded) = (Program::new(verified).unwrap(), Program::load(&long.encode()).unwrap());
        assert_eq!((made.module(), made.digest()), (loaded.module(), loaded.digest()), "{name}");
    });
}
