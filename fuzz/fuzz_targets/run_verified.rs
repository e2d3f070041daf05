#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    swarm_fuzz::run_verified(bytes);
});
