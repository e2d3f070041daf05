//! The command line as its users see it: each transcript in tests/cli/ is run and compared.
//! `TRYCMD=overwrite cargo test --test cli` writes what the commands say now; look at the difference before you keep it.

#[test]
fn transcripts() {
    // What a test prints must not depend on the terminal or the directory of the machine it runs on.
    let cases = trycmd::TestCases::new();
    cases
        .env("NO_COLOR", "1")
        .env("TMPDIR", env!("CARGO_TARGET_TMPDIR"))
        .case("tests/cli/*.trycmd")
        .case("tests/cli/*.toml");
}
