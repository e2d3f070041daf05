//! How long it takes to load modules of up to 4 MiB, decoding and verifying apart, and how many times as long
//! one takes that has twice as many bytes.

use std::hint::black_box;
use std::io::Write;

use swarm_benches::processor_ns;
use swarm_bytecode::module::{Function, Module};
use swarm_bytecode::op::{Op, Register};
use swarm_bytecode::types::TypeId;
use swarm_bytecode::verify::Verified;

type Failure = Box<dyn std::error::Error>;

/// Bytes of a function of [`of_functions`], about.
const EACH: usize = 1_150;

/// A module of so many functions of arithmetic, a third of it in loops.
fn of_functions(count: usize) -> Module {
    let (item, first, sum) = (Register(0), Register(1), Register(2));
    let add = Op::AddInt { result: sum, left: sum, right: item };
    let mut code = vec![
        Op::Integer { result: first, value: 1 },
        Op::Integer { result: sum, value: 0 },
        Op::Range { item, first, last: first },
    ];
    code.extend(vec![add.clone(); 100]);
    code.push(Op::Advance {});
    code.extend(vec![add; 200]);
    code.push(Op::Return {});
    let mut module = Module::empty();
    let function = Function { registers: vec![TypeId::INT; 3], parameters: 0, result: None, code };
    module.functions = vec![function; count];
    module
}

fn main() -> Result<(), Failure> {
    let out = &mut std::io::stdout();
    let mut measured: Vec<[f64; 3]> = Vec::new();
    for kibibytes in [64_usize, 128, 256, 512, 1_024, 2_048, 4_096] {
        let module = of_functions(kibibytes.saturating_mul(1_024).div_euclid(EACH));
        let bytes = module.encode();
        Verified::from_module(&module)?;
        let decode =
            processor_ns(|| Module::decode(black_box(&bytes)).map(|module| drop(black_box(module))))?;
        let verify =
            processor_ns(|| Verified::from_module(black_box(&module)).map(|own| drop(black_box(own))))?;
        let (length, decode, verify) = (u32::try_from(bytes.len())?, decode / 1e6, verify / 1e6);
        writeln!(out, "load: {length} bytes: decoded in {decode:.3} ms, verified in {verify:.3} ms")?;
        measured.push([f64::from(length), decode, verify]);
    }
    if let (Some([least, decode, verify]), Some([most, last_decode, last_verify])) =
        (measured.first(), measured.last())
    {
        // What it would be at each doubling if it were the same at all.
        let doublings = (most / least).log2();
        let each = |times: f64| times.powf(doublings.recip());
        let (decode, verify) = (each(last_decode / decode), each(last_verify / verify));
        writeln!(
            out,
            "load: twice as many bytes take {decode:.2} times as long to decode, {verify:.2} to verify"
        )?;
    }
    Ok(())
}
