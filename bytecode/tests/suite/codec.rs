//! The container: one form for each module, and nothing but that form is read.
use crate::support::{any_module, sample};
use proptest::prelude::*;
use swarm_bytecode::codec::{self, DecodeErrorKind, Section, digest_text, program_digest};
use swarm_bytecode::module::{Function, FunctionId, Module};
use swarm_bytecode::op::{Op, Register};
use swarm_bytecode::verify::Verified;

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_was_written_is_read(seed: u64) {
        let module = any_module(seed);
        let bytes = module.encode();
        let read = Module::decode(&bytes);
        prop_assert_eq!(read.as_ref(), Ok(&module));
        prop_assert_eq!(read.map(|module| module.encode()), Ok(bytes));
    }

    #[test]
    fn a_damaged_module_is_refused_or_another_in_its_one_form(
        seed: u64, at: prop::sample::Index, bits in 1..=255_u8, splice in prop::collection::vec(any::<u8>(), 0..4),
    ) {
        let mut bytes = any_module(seed).encode();
        let at = at.index(bytes.len());
        if bits & 1 == 0 {
            bytes.splice(at..at, splice);
        } else {
            bytes[at] ^= bits;
        }
        check_form(&bytes)?;
    }

    #[test]
    fn noise_is_no_module(noise in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut bytes = b"SWRM\x02\x01\x30".to_vec();
        bytes.extend_from_slice(&noise);
        check_form(&bytes)?;
        check_form(&noise)?;
    }
}

/// Bytes are refused, or they are the one form of what is read from them.
fn check_form(bytes: &[u8]) -> Result<(), TestCaseError> {
    let _ = Verified::load(bytes);
    if let Ok(module) = Module::decode(bytes) {
        let again = module.encode();
        prop_assert_eq!(again.as_slice(), bytes);
    }
    Ok(())
}

#[test]
fn every_byte_of_the_sample_flipped() {
    let bytes = sample().encode();
    for at in 0..bytes.len() {
        for bits in 1..=255_u8 {
            let mut damaged = bytes.clone();
            damaged[at] ^= bits;
            check_form(&damaged).unwrap();
        }
    }
}

/// Its third function names the next register where no type is left for one, and has that register later.
#[test]
fn a_result_spelt_out_before_its_register_has_a_type_is_refused() {
    let bytes = include_bytes!("../../../fuzz/corpus/decode/result_without_type");
    let refused = Module::decode(bytes).map_err(|error| error.kind);
    assert_eq!(refused, Err(DecodeErrorKind::NotCanonical));
}

/// A number is a mantissa and how many zeros follow it, and the mantissa ends in none.
#[test]
fn a_number_is_written_in_one_form() {
    let with = |value: i64| {
        let mut module = sample();
        module.functions[0].code[0] = Op::Integer { result: Register(2), value };
        module.encode()
    };
    let (ten, thirty) = (with(10), with(30));
    let differ: Vec<usize> = (0..ten.len()).filter(|at| ten[*at] != thirty[*at]).collect();
    let [at] = differ[..] else { panic!("{differ:?}") };
    let mut long = ten;
    long.splice(at..=at, [0xc0, 0x02]);
    assert_eq!(Module::decode(&long).unwrap_err().kind, DecodeErrorKind::NotCanonical);
}

#[test]
fn parts_of_a_module_are_found() {
    let module = sample();
    let entry = FunctionId(0);
    assert_eq!(module.op(entry, 1), module.functions[0].code.get(1));
    assert_eq!(module.op(entry, module.functions[0].code.len()), None);
    assert_eq!(module.op(FunctionId(1), 0), None);
    let verified = Verified::from_module(&module).unwrap();
    assert_eq!(verified.function(entry), Some(&module.functions[0]));
    assert_eq!(verified.function(FunctionId(1)), None);
    assert!(Verified::accepts(&module).is_ok());
    let mut unfit = module;
    unfit.functions.clear();
    assert!(Verified::accepts(&unfit).is_err());
}

#[test]
fn an_error_has_its_kind_s_code() {
    let error = Module::decode(b"nonsense").unwrap_err();
    assert_eq!((error.kind, error.code()), (DecodeErrorKind::NotAModule, "E0401"));
}

#[test]
fn every_prefix_is_refused() {
    for module in (0..50).map(any_module).chain([sample()]) {
        let bytes = module.encode();
        for length in 0..bytes.len() {
            assert!(Module::decode(&bytes[..length]).is_err(), "{length} of {} bytes", bytes.len());
        }
    }
}

#[test]
fn a_byte_behind_the_module_is_refused() {
    let mut bytes = sample().encode();
    bytes.push(0);
    assert_eq!(Module::decode(&bytes).unwrap_err().kind, DecodeErrorKind::Length);
}

#[test]
fn the_header_says_what_is_wrong() {
    let bytes = sample().encode();
    let kind = |at: usize, byte: u8| {
        let mut bytes = bytes.clone();
        bytes[at] = byte;
        Module::decode(&bytes).unwrap_err().kind
    };
    assert_eq!(kind(0, b'X'), DecodeErrorKind::NotAModule);
    assert_eq!(kind(4, 1), DecodeErrorKind::Version);
    assert_eq!(kind(5, 0), DecodeErrorKind::Version);
    assert_eq!(kind(6, 127), DecodeErrorKind::Version);
    assert_eq!(kind(7, 0), DecodeErrorKind::Length);
    assert_eq!(Module::decode(b"").unwrap_err().kind, DecodeErrorKind::NotAModule);
    assert_eq!(Module::decode(b"SWRM").unwrap_err().kind, DecodeErrorKind::Length);
}

#[test]
fn the_digest_is_that_of_the_stripped_bytes() {
    let module = sample();
    let mut stripped = module.clone();
    stripped.strip();
    let (bytes, without) = (module.encode(), stripped.encode());
    assert_ne!(bytes, without);
    assert_eq!(codec::strip(&bytes).unwrap(), without);
    assert_eq!(program_digest(&module), codec::digest(&without));
    assert_eq!(program_digest(&stripped), codec::digest(&without));
    assert_eq!(Verified::load(&bytes).unwrap().digest(), Verified::load(&without).unwrap().digest());
    let text = digest_text(&codec::digest(b""));
    assert_eq!(text, "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

#[test]
fn the_sample_is_small() {
    let bytes = codec::strip(&sample().encode()).unwrap();
    let sections: Vec<(&str, usize)> = codec::sections(&bytes)
        .unwrap()
        .into_iter()
        .map(|(section, range)| (section.name(), range.len()))
        .collect();
    assert!(bytes.len() <= 160, "{} bytes: {sections:?}", bytes.len());
    assert_eq!(Module::empty().encode().len(), 8);
}

#[test]
fn a_module_that_unfolds_too_far_is_refused() {
    // An op takes a byte here and much more in memory.
    let mut module = Module::empty();
    module.functions = vec![sample().functions.remove(0)];
    module.functions[0].code = vec![Op::Settle {}; 65_000];
    assert_eq!(Module::decode(&module.encode()).unwrap_err().kind, DecodeErrorKind::TooLarge);
    module.functions[0].code.truncate(2000);
    assert_eq!(Module::decode(&module.encode()).as_ref(), Ok(&module));
}

#[test]
fn a_count_is_held_against_the_bytes_that_are_left() {
    let mut bytes = b"SWRM\x02\x01\x30\x02\xff\xff\x03\x04".to_vec();
    let error = Module::decode(&bytes).unwrap_err();
    assert_eq!(error.kind, DecodeErrorKind::TooLarge, "{error}");
    bytes.splice(8..11, [0xa0, 0x1f, 0x00]);
    let error = Module::decode(&bytes).unwrap_err();
    assert_eq!(error.kind, DecodeErrorKind::Length, "{error}");
}

/// Memory for functions is taken only where each can have a byte.
#[test]
fn a_count_of_functions_is_held_against_the_bytes_that_are_left() {
    let mut module = Module::empty();
    module.functions =
        vec![Function { registers: vec![], parameters: 0, result: None, code: vec![Op::Return {}] }];
    let bytes = module.encode();
    let [(Section::Functions, range)] = &codec::sections(&bytes).unwrap()[..] else { panic!() };
    let with = |count: u16| {
        let mut bytes = bytes.clone();
        let twice = 2 * count;
        let (low, high) = (u8::try_from(twice & 0x7f).unwrap(), u8::try_from(twice >> 7).unwrap());
        let head = if high == 0 { vec![low] } else { vec![low | 0x80, high] };
        bytes.splice(range.start..=range.start, head);
        Module::decode(&bytes).unwrap_err()
    };
    let left = u16::try_from(range.len() - 1).unwrap();
    let error = with(4_000);
    assert_eq!(error.text, format!("4000 functions cannot stand in {left} bytes"));
    assert_eq!(error.kind, DecodeErrorKind::Length);
    assert_eq!(with(left).text, "the bytes end in the middle of a value");
}

#[test]
fn sections_tell_where_they_lie() {
    let bytes = sample().encode();
    let sections = codec::sections(&bytes).unwrap();
    assert_eq!(sections.first().unwrap().0, Section::Instruction);
    let (last, range) = sections.last().unwrap();
    assert_eq!((*last, range.end), (Section::Debug, bytes.len()));
    assert!(sections.is_sorted_by(|left, right| left.0 < right.0 && left.1.end == right.1.start));
}
