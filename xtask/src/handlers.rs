//! The interpreter's handlers as the compiler made them: that each ends in a jump to the next, none calls the next, and
//! none that leads to one of two words picks it with a conditional move, which would wait for what it depends on where a
//! branch is foreseen.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::{cargo, root, say, tools};

/// The test whose program has all handlers.
const TEST: [&str; 7] = ["test", "--release", "--locked", "--package", "swarm-vm", "--test", "stack"];

/// The handlers of words that lead to one of two.
const CHOOSING: [&str; 22] = [
    "flow::If",
    "flow::ForEach",
    "flow::NextItem",
    "flow::NextEntry",
    "flow::Range",
    "flow::NextInRange",
    "fused::LessIf",
    "fused::EqualIf",
    "fused::LessFloatIf",
    "fused::LessConstantIf",
    "fused::MoreConstantIf",
    "fused::EqualConstantIf",
    "fused::FieldLessIf",
    "fused::FieldMoreIf",
    "fused::ItemIf",
    "fused::SumMoreIf",
    "fused::MoveNext",
    "fused::SetItemNext",
    "fused::PushNext",
    "fused::AddConstant",
    "fused::MulAddInt",
    "fused::MulAddAndInt",
];

/// What the machine code of one handler has.
#[derive(Debug, Default, PartialEq, Eq)]
struct Found {
    /// Jumps through the table of handlers.
    jumps: u32,
    /// Calls through it, which would take stack.
    calls: u32,
    moves: u32,
}

/// Runs the test of the native stack, then reads its machine code. Where objdump cannot be had, or the handlers come back
/// to a loop (on other machines than x86-64), it says so.
pub(crate) fn handlers() -> Result<()> {
    cargo("native stack of the interpreter", TEST, &[])?;
    if !cfg!(target_arch = "x86_64") || !tools::ensure("objdump", "binutils")? {
        return say("handlers: machine code not looked at, for there is no objdump, or this is no x86-64");
    }
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = Command::new(program);
    build.args(TEST).args(["--no-run", "--message-format", "json"]).current_dir(root());
    let built = output(build.stderr(Stdio::inherit()))?;
    let test = executable(&built).context("cargo named no program of the test")?;
    let code = output(Command::new("objdump").args(["-d", "-C", "--no-show-raw-insn", test]))?;
    let handlers = read(&code);
    say(&format!("handlers: {} lead to the next", handlers.len()))?;
    for name in CHOOSING {
        let found =
            handlers.get(name).with_context(|| format!("{name} does not jump to the next handler"))?;
        ensure!(found.moves == 0, "{name} picks the next word with a conditional move");
    }
    match handlers.iter().find(|(_, found)| found.calls > 0) {
        Some((name, _)) => anyhow::bail!("{name} calls the next handler, which takes native stack"),
        None => Ok(()),
    }
}

/// The test's program, of cargo's messages.
fn executable(messages: &str) -> Option<&str> {
    let named = messages.lines().filter_map(|line| line.split_once("\"executable\":\""));
    named.filter_map(|(_, behind)| behind.split('"').next()).find(|path| path.contains("stack"))
}

fn output(command: &mut Command) -> Result<String> {
    let done = command.output().with_context(|| format!("cannot start {command:?}"))?;
    ensure!(done.status.success(), "{command:?} failed");
    String::from_utf8(done.stdout).with_context(|| format!("{command:?} wrote no text"))
}

/// The functions of the interpreter that go through the table of handlers, by module and name. Of one that is there in
/// both modes, it is the one whose handlers lead to each other.
fn read(code: &str) -> BTreeMap<&str, Found> {
    let mut handlers = BTreeMap::new();
    for function in code.split("\n\n") {
        let mut lines = function.lines();
        let name = lines.find_map(|line| line.split_once("<swarm_vm::interpret::")?.1.strip_suffix(">:"));
        let Some(name) = name else { continue };
        let mut found = Found::default();
        for instruction in lines.filter_map(|line| line.split_once(":\t")) {
            let instruction = instruction.1.trim_start();
            let by_table = instruction.contains("*(") && instruction.trim_end().ends_with(",8)");
            found.jumps = found.jumps.saturating_add(u32::from(by_table && instruction.starts_with("jmp")));
            found.calls = found.calls.saturating_add(u32::from(by_table && instruction.starts_with("call")));
            found.moves = found.moves.saturating_add(u32::from(instruction.starts_with("cmov")));
        }
        if found.jumps > 0 {
            handlers.insert(name, found);
        }
    }
    handlers
}

#[cfg(test)]
mod tests {
    use super::{Found, executable, read};

    #[test]
    fn machine_code_is_read() {
        let code = "\nDisassembly of section .text:\n\n\
            0000000000000010 <swarm_vm::interpret::flow::If>:\n  10:\tcmp    %rdx,%rsi\n  14:\tcmovne %rax,%rdi\n  \
            18:\tjmp    *(%r10,%r11,8)\n\n\
            0000000000000020 <swarm_vm::interpret::flow::If>:\n  20:\tret\n\n\
            0000000000000030 <swarm_vm::interpret::flow::Host>:\n  30:\tcall   *0x18(%rax)\n  \
            34:\tcall   *(%r11,%rax,8)\n  38:\tjmp    *(%r11,%rax,8)\n\n\
            0000000000000040 <swarm_vm::other>:\n  40:\tjmp    *(%r11,%rax,8)\n";
        let handlers = read(code);
        assert_eq!(handlers.get("flow::If"), Some(&Found { jumps: 1, calls: 0, moves: 1 }));
        assert_eq!(handlers.get("flow::Host"), Some(&Found { jumps: 1, calls: 1, moves: 0 }));
        assert_eq!(handlers.len(), 2);
    }

    #[test]
    fn the_test_is_found() {
        let messages = "{\"executable\":null}\n{\"executable\":\"/a/stack-1\",\"fresh\":true}\n";
        assert_eq!(executable(messages), Some("/a/stack-1"));
    }
}
