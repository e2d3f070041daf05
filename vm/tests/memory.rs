//! What a program takes in memory while it is loaded: in proportion to its bytes.
#![expect(clippy::panic, reason = "test code")]

#[path = "../../benches/generated.rs"]
#[expect(unreachable_pub, reason = "the benches make it public")]
mod generated;

use swarm_vm::Program;

/// A stripped module of text as governors write it.
fn module(text: &str) -> Vec<u8> {
    let (compilation, _) = swarm_compiler::compile_text("generated.swarm", text);
    let mut module = compilation.module.unwrap_or_else(|| panic!("{:?}", compilation.diagnostics));
    module.strip();
    module.encode()
}

/// The most bytes alive at once while a module is decoded, verified and made ready to run, the module's own bytes not
/// among them. Decoding and verifying keep to this whatever the bytes are; with the words it holds for code as governors
/// write it, of two to three bytes an op.
#[test]
fn a_program_is_loaded_in_proportion_to_its_bytes() {
    // The first program of a process has every limit tested.
    Program::load(&module("ON START { }\n")).unwrap();
    for text_bytes in [1 << 12, 1 << 16, 1 << 19] {
        let bytes = module(&generated::generated(text_bytes));
        let peak = allocation_counter::measure(|| drop(Program::load(&bytes).unwrap())).bytes_max;
        let length = u64::try_from(bytes.len()).unwrap();
        let most = 16 * length + (64 << 10);
        assert!(peak <= most, "{length} bytes take {peak} bytes of memory; at most {most}");
    }
}
