//! Says whether handlers of words may call each other: where the compiler makes jumps of such calls, which it
//! does where it optimises.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-check-cfg=cfg(swarm_chained)");
    let is =
        |name: &str, values: &[&str]| std::env::var(name).is_ok_and(|value| values.contains(&value.as_str()));
    let optimised = is("OPT_LEVEL", &["2", "3", "s", "z"]);
    // Where it was looked at.
    let known = is("CARGO_CFG_TARGET_ARCH", &["x86_64"]);
    let checked = std::env::var_os("CARGO_CFG_DEBUG_ASSERTIONS").is_some();
    if optimised && known && !checked {
        println!("cargo::rustc-cfg=swarm_chained");
    }
}
