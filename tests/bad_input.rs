//! Whatever is handed to the tool, it answers with a clear error and the documented exit code: no panic, no hang,
//! no memory without end.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::string_slice, reason = "test code")]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use swarmc::bytecode::verify::Verified;
use swarmc::compiler::compile_text;

const SAMPLE: &str = "examples/cost_optimization.swarm";
const TASKS: &str = "examples/tasks.json";

/// Longer than any of these commands takes on a slow machine, shorter than a hang.
const PATIENCE: Duration = Duration::from_secs(60);

fn scratch(name: &str) -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bad_input");
    std::fs::create_dir_all(&directory).unwrap();
    directory.join(name)
}

fn file(name: &str, content: impl AsRef<[u8]>) -> String {
    let path = scratch(name);
    std::fs::write(&path, content).unwrap();
    path.display().to_string()
}

fn swarmc(arguments: &[&str]) -> Output {
    swarmc_with_input(arguments, b"")
}

fn swarmc_with_input(arguments: &[&str], input: &[u8]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_swarmc"))
        .args(arguments)
        .env("TMPDIR", env!("CARGO_TARGET_TMPDIR"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = std::thread::spawn(move || {
        // A command that does not read its input closes it: that is its right.
        let _closed = stdin.write_all(&input);
    });
    let start = Instant::now();
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    assert!(start.elapsed() < PATIENCE, "{arguments:?} took {:?}", start.elapsed());
    output
}

/// The command ends with this exit code, says something with each of `words`, and nobody panicked.
#[track_caller]
fn refused(output: &Output, code: i32, words: &[&str]) {
    let said =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "{said}");
    assert!(!said.contains("panicked"), "{said}");
    for word in words {
        assert!(said.contains(word), "`{word}` is missing in:\n{said}");
    }
}

fn sample() -> String {
    std::fs::read_to_string(SAMPLE).unwrap()
}

fn module() -> Vec<u8> {
    let (compilation, _) = compile_text(SAMPLE, sample());
    compilation.module.expect("the sample compiles").encode()
}

#[test]
fn text_that_is_not_utf_8() {
    let path = file("latin1.swarm", b"FUNC f() {\n  LOG(\"gr\xfc\xdfe\")\n}\n");
    refused(&swarmc(&["check", &path]), 2, &["E0502", "line 2", "0xfc", "UTF-8"]);
    let json = swarmc(&["check", &path, "--format", "json"]);
    refused(&json, 2, &[]);
    let document: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(document["error"]["code"], "E0502");
    assert_eq!(document["schema_version"], 1);
}

#[test]
fn an_empty_file() {
    let path = file("empty.swarm", "");
    refused(&swarmc(&["check", &path]), 1, &["error["]);
    refused(&swarmc_with_input(&["run", "-"], b""), 1, &["error["]);
    let module = file("empty.bc", "");
    refused(&swarmc(&["run", &module]), 4, &["E040"]);
}

#[test]
fn ten_megabytes_of_brackets() {
    for text in ["(", "[", "{", "((((", "FUNC f() { LET x = (", "NOT ", "-", "IF x THEN { "] {
        let many = text.repeat(10_000_000_usize.div_ceil(text.len()));
        let output = swarmc_with_input(&["check", "-"], many.as_bytes());
        refused(&output, 1, &["error["]);
        assert!(
            output.stderr.len() < 100_000,
            "the message on `{text}` is {} bytes long",
            output.stderr.len()
        );
    }
}

/// A message repeats the name it speaks of, but not all of it.
#[test]
fn names_of_a_million_characters() {
    let name = "n".repeat(1_000_000);
    let digits = "9".repeat(1_000_000);
    for text in [
        format!("FUNC main() {{ {name}() }}"),
        format!("FUNC main() {{ LET x = {name} + 1 }}"),
        format!("FUNC main() {{ LET x: {name} = 1 }}"),
        format!("FUNC main() {{ LET {name} = 1 LET {name} = TRUE }}"),
        format!("FUNC main() {{ LET {name} = \"\" {name} = 1 }}"),
        format!(
            "TYPE {name} {{ a: int }} TYPE {name} {{ a: int }} FUNC main() {{ LET x: int = {name}(a: 1) }}"
        ),
        format!("FUNC {name}() {{ {name}() }} ON START {{ {name}(1) }}"),
        format!("FUNC main() {{ LET x = {digits} }}"),
        format!("FUNC main() {{ LET x: int = \"{name}\" }}"),
        format!("USE std.{name}\nFUNC main() {{ }}"),
        format!("{name} {name} {name}"),
    ] {
        let (compilation, _) = compile_text("long.swarm", &*text);
        assert!(!compilation.diagnostics.is_empty(), "{:.100}", text);
        for found in &compilation.diagnostics {
            let labels = found.secondary.iter().chain([&found.primary]).map(|label| &label.message);
            let fix = found.fix.iter().map(|fix| &fix.description);
            for said in labels.chain(&found.notes).chain(fix).chain([&found.message]) {
                assert!(said.len() < 1_000, "{:?} says {} bytes: {said:.200}", found.code, said.len());
            }
        }
        let output = swarmc_with_input(&["check", "-"], text.as_bytes());
        assert!(output.stderr.len() < 20_000, "{} bytes on {text:.100}", output.stderr.len());
    }
}

#[test]
fn a_program_cut_at_every_byte() {
    let text = sample();
    for end in 0..text.trim_end().len() {
        let (compilation, _) = compile_text("cut.swarm", &text[..end]);
        assert!(compilation.has_errors(), "a program of {end} bytes has no error");
        assert!(compilation.module.is_none());
    }
    for end in [1, 17, 100, 200] {
        refused(&swarmc_with_input(&["check", "-"], &text.as_bytes()[..end]), 1, &["error["]);
    }
}

#[test]
fn every_byte_of_a_program_replaced() {
    let text = sample().into_bytes();
    for at in 0..text.len() {
        for byte in [0, b'(', b'}', b'"', b'9', b'\n', 0x7f] {
            let mut bytes = text.clone();
            bytes[at] = byte;
            // Whatever it means now, it means something or it is an error.
            let (compilation, _) = compile_text("changed.swarm", String::from_utf8(bytes).unwrap());
            assert_eq!(compilation.module.is_none(), compilation.has_errors(), "byte {at} is {byte}");
        }
    }
}

#[test]
fn a_module_cut_at_every_byte() {
    let bytes = module();
    for end in 0..bytes.len() {
        assert!(Verified::load(&bytes[..end]).is_err(), "a module of {end} bytes is loaded");
    }
    let path = file("cut.bc", &bytes[..bytes.len() / 2]);
    for command in ["run", "inspect", "disasm"] {
        refused(&swarmc(&[command, &path]), 4, &["E040"]);
    }
}

#[test]
fn every_byte_of_a_module_flipped() {
    let bytes = module();
    for at in 0..bytes.len() {
        for flip in [0x01, 0x80, 0xff, 0x10] {
            let mut flipped = bytes.clone();
            flipped[at] ^= flip;
            // It is refused, or it is another module in its one canonical form.
            if let Ok(verified) = Verified::load(&flipped) {
                assert_eq!(verified.into_module().encode(), flipped, "byte {at} flipped by {flip:#x}");
            }
        }
    }
    for at in (0..bytes.len()).step_by(bytes.len() / 24) {
        let mut flipped = bytes.clone();
        flipped[at] ^= 0x55;
        let path = file("flipped.bc", &flipped);
        let output = swarmc(&["run", &path, "--input", TASKS, "--trace-level", "off"]);
        let code = output.status.code();
        assert!(matches!(code, Some(0 | 1 | 2 | 4)), "byte {at}: {code:?}");
        assert!(!String::from_utf8_lossy(&output.stderr).contains("panicked"), "byte {at}");
    }
}

#[test]
fn bytes_after_a_module() {
    let mut bytes = module();
    bytes.push(0);
    let path = file("longer.bc", bytes);
    refused(&swarmc(&["run", &path]), 4, &["E0403"]);
}

#[test]
fn data_of_the_wrong_shape() {
    for (name, json, words) in [
        ("not_json", "{ \"task_queue\": [", &["E0505", "line 1"][..]),
        ("trailing", "{} {}", &["E0505"]),
        ("empty", "", &["E0505", "empty"]),
        ("text", "\"tasks\"", &["E0508"]),
        ("number", "7", &["E0508"]),
        ("no_list", r#"{ "task_queue": 7 }"#, &["E0508", "task_queue"]),
        (
            "no_unit",
            r#"{ "task_queue": [ { "id": "a", "network": "5" } ] }"#,
            &["E0508", "task_queue[0].network"],
        ),
        (
            "other_unit",
            r#"{ "task_queue": [ { "id": "a", "memory": "5s" } ] }"#,
            &["E0508", "task_queue[0].memory"],
        ),
        ("no_id", r#"{ "task_queue": [ { "memory": "5MB" } ] }"#, &["E0508", "task_queue[0].id"]),
        ("null", r#"{ "task_queue": [ null ] }"#, &["E0508", "task_queue[0]"]),
        ("other_name", r#"{ "task_que": [] }"#, &["E0506", "task_queue"]),
        ("huge", r#"{ "task_queue": [ { "id": "a", "memory": "99999999999999999999GB" } ] }"#, &["E0508"]),
        ("fine", r#"{ "task_queue": [ { "id": "a", "cpu_time": "0.1ns" } ] }"#, &["E0508", "1ns"]),
    ] {
        let path = file(&format!("{name}.json"), json);
        refused(&swarmc(&["run", SAMPLE, "--input", &path]), 2, words);
        let json = swarmc(&["run", SAMPLE, "--input", &path, "--format", "json"]);
        refused(&json, 2, &[]);
        let document: Value = serde_json::from_slice(&json.stdout).unwrap();
        assert_eq!(document["error"]["code"], words[0], "{name}");
    }
}

#[test]
fn data_nested_without_end() {
    let path = file("deep.json", "[".repeat(5_000_000));
    refused(&swarmc(&["run", SAMPLE, "--input", &path]), 2, &["E0505"]);
}

#[test]
fn more_items_than_max() {
    let item = r#"{"id":"a"}"#;
    let many = vec![item; 10_001].join(",");
    let path = file("many.json", format!("{{\"task_queue\":[{many}]}}"));
    refused(&swarmc(&["run", SAMPLE, "--input", &path]), 2, &["E0508", "10,001", "10,000"]);
}

#[test]
fn no_data_at_all() {
    refused(&swarmc(&["run", SAMPLE]), 2, &["E0506", "task_queue", "--input", "--host processes"]);
}

#[test]
fn an_unknown_capability() {
    let arguments = ["run", SAMPLE, "--input", TASKS, "--grant", "cpu.throtle"];
    refused(&swarmc(&arguments), 2, &["E0507", "cpu.throtle", "cpu.throttle"]);
}

#[test]
fn a_capability_that_is_not_granted() {
    let arguments = ["run", SAMPLE, "--input", TASKS, "--grant", "cpu.throttle"];
    refused(&swarmc(&arguments), 4, &["E0509", "memory.trim", "metrics.report", "network.route"]);
}

#[test]
fn a_directory_for_a_file() {
    for command in ["check", "compile", "run", "inspect", "disasm", "fmt"] {
        refused(&swarmc(&[command, "examples"]), 2, &["E0501", "directory"]);
    }
    refused(&swarmc(&["run", SAMPLE, "--input", "examples"]), 2, &["E0501", "directory"]);
    refused(&swarmc(&["compile", SAMPLE, "-o", "examples"]), 2, &["E0504", "directory"]);
}

#[test]
fn a_file_that_is_not_there() {
    refused(
        &swarmc(&["check", "examples/cost_optimisation.swarm"]),
        2,
        &["E0501", "cost_optimization.swarm"],
    );
    refused(&swarmc(&["compile", SAMPLE, "-o", "nowhere/out.bc"]), 2, &["E0504"]);
    refused(&swarmc(&["run", SAMPLE, "--input", TASKS, "--trace", "nowhere/out.jsonl"]), 2, &["E0504"]);
}

#[test]
fn a_file_that_is_too_large() {
    let path = scratch("large.swarm");
    let file = std::fs::File::create(&path).unwrap();
    file.set_len((64 << 20) + 1).unwrap();
    refused(&swarmc(&["check", path.to_str().unwrap()]), 2, &["E0503", "64 MiB"]);
    std::fs::remove_file(path).unwrap();
}

#[test]
#[cfg(unix)]
fn a_pipe_that_is_closed() {
    for arguments in [
        &["run", SAMPLE, "--input", TASKS, "--trace-level", "off"][..],
        &["explain"],
        &["completions", "bash"],
        &["disasm", SAMPLE],
        &["--help"],
    ] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_swarmc"))
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        refused(&output, 0, &[]);
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_disk_that_is_full() {
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let status = Command::new(env!("CARGO_BIN_EXE_swarmc"))
        .args(["disasm", SAMPLE])
        .stdout(full)
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert_eq!(status.code(), Some(2));
}

#[test]
fn text_that_would_drive_the_terminal() {
    let text = "FUNC f() {\n  LOG(\"\u{1b}[2J\u{202e}\u{9b}31m\") \u{1b}]0;owned\u{7}\n}\n";
    let output = swarmc_with_input(&["check", "-"], text.as_bytes());
    refused(&output, 1, &[]);
    let json = swarmc_with_input(&["check", "-", "--format", "json"], text.as_bytes());
    for bytes in [&output.stderr, &json.stdout] {
        let said = String::from_utf8(bytes.clone()).unwrap();
        assert!(!said.chars().any(|c| (c.is_control() && c != '\n') || c == '\u{202e}'), "{said:?}");
    }
}

#[test]
fn options_that_make_no_sense() {
    for arguments in [
        &["run", SAMPLE, "--memory", "5s"][..],
        &["run", SAMPLE, "--memory", "5"],
        &["run", SAMPLE, "--memory", "-5MB"],
        &["run", SAMPLE, "--deadline", "soon"],
        &["run", SAMPLE, "--budget", "5%"],
        &["run", SAMPLE, "--fuel", "much"],
        &["run", SAMPLE, "--fuel", "99999999999999999999"],
        &["run", SAMPLE, "--trace-level", "loud"],
        &["run", SAMPLE, "--host", "moon"],
        &["run", SAMPLE, "--format", "yaml"],
        &["explain", "E9999"],
        &["check"],
        &["dance"],
    ] {
        refused(&swarmc(arguments), 2, &["error"]);
    }
}

#[test]
fn the_tools_refuse_what_is_no_program() {
    let garbage = file("garbage.swarm", b"FUNC f() { \xff }");
    let slip = file("slip.swarm", "FUNC f( {");
    let truncated = file("truncated.bc", module().get(..40).unwrap());
    for command in ["test", "cost", "bench", "fuzz", "doc", "check"] {
        let fix: &[&str] = if command == "check" { &["--fix"] } else { &[] };
        refused(&swarmc(&[&[command, "nowhere.swarm"], fix].concat()), 2, &["E0501"]);
        refused(&swarmc(&[&[command, "src"], fix].concat()), 2, &["E0501", "directory"]);
        refused(&swarmc(&[&[command, &garbage], fix].concat()), 2, &["E0502"]);
        if command != "check" {
            refused(&swarmc(&[command, &slip]), 1, &["error["]);
        }
    }
    for command in ["cost", "bench", "fuzz"] {
        refused(&swarmc(&[command, &truncated]), 4, &["is refused"]);
    }
    refused(&swarmc(&["bench", SAMPLE]), 2, &["E0506"]);
    refused(&swarmc(&["cost", SAMPLE, "--size", "task_queue"]), 2, &["task_queue=10000"]);
    refused(&swarmc(&["cost", SAMPLE, "--agents", "0"]), 2, &["--agents"]);
    refused(&swarmc(&["fuzz", "-", "--write"]), 2, &["E0500"]);
    refused(&swarmc(&["doc"]), 2, &["FILE"]);
    refused(&swarmc(&["doc", "--std", "-o", "/dev/null/there"]), 2, &["E0504"]);
    refused(&swarmc(&["grammar", "--format", "yacc"]), 2, &["gbnf"]);
    refused(&swarmc(&["new", "if"]), 2, &["word of the language"]);
    refused(&swarmc(&["new", "nowhere/at/all"]), 2, &["E0504"]);
}

#[test]
fn a_session_survives_everything() {
    for input in [
        &b"\xff\xfe\n1 + 1\n"[..],
        b"(((((\n",
        b"\"\n",
        b"ON START { }\n",
        &[b'('; 10_000],
        b":type\n:cost )\n",
    ] {
        let output = swarmc_with_input(&["repl"], input);
        assert!(matches!(output.status.code(), Some(0 | 1)), "{output:?}");
        assert!(!String::from_utf8_lossy(&output.stderr).contains("panicked"));
    }
}
