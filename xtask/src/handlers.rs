//! The interpreter's handlers as the compiler made them: that each ends in a jump to the next, none calls the
//! next, and none that leads to one of two words picks it with a conditional move, which would wait for what
//! it depends on where a branch is foreseen.

use std::collections::{BTreeMap, BTreeSet};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::{OPTIMISED, cargo, root, say, tools};

/// The test whose program has all handlers.
const TEST: [&str; 2] = ["--test", "stack"];

/// Which handler carries out which word.
const TABLE: &str = include_str!("../../vm/src/interpret/table.rs");

/// Handlers that give control back, and so lead to no other.
const LAST: [&str; 4] = ["flow::part", "flow::effect", "flow::Stop", "flow::Fail"];

/// What the machine code of one handler has.
#[derive(Debug, Default, PartialEq, Eq)]
struct Found {
    /// Jumps to handlers.
    jumps: u32,
    /// Calls of handlers, which would take stack.
    calls: u32,
    /// Conditional moves on which it depends where a jump leads.
    moves: u32,
}

/// Runs the test of the native stack, then reads its machine code. Where objdump cannot be had, or the
/// handlers come back to a loop (on other machines than x86-64), it says so.
pub(crate) fn handlers() -> Result<()> {
    cargo("native stack of the interpreter", ["test"].into_iter().chain(OPTIMISED).chain(TEST), &[])?;
    if !cfg!(target_arch = "x86_64") || !tools::ensure("objdump", "binutils")? {
        return say("handlers: machine code not looked at, for there is no objdump, or this is no x86-64");
    }
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = Command::new(program);
    build.arg("test").args(OPTIMISED).args(TEST);
    build.args(["--no-run", "--message-format", "json"]).current_dir(root());
    let built = output(build.stderr(Stdio::inherit()))?;
    let test = executable(&built).context("cargo named no program of the test")?;
    let code = output(Command::new("objdump").args(["-d", "-C", "--no-show-raw-insn", test]))?;
    let handlers = read(&code);
    say(&format!("handlers: {} lead to the next", handlers.len()))?;
    for name in named(TABLE).filter(|name| !LAST.contains(name)) {
        ensure!(handlers.contains_key(name), "{name} does not jump to the next handler");
    }
    if let Some((name, _)) = handlers.iter().find(|(_, found)| found.moves > 0) {
        anyhow::bail!("{name} picks the next word with a conditional move");
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

/// The handlers that the table names.
fn named(table: &str) -> impl Iterator<Item = &str> {
    table
        .lines()
        .filter_map(|line| line.trim().strip_suffix(',')?.split_once(" => ").map(|(_, handler)| handler))
}

/// The functions of the interpreter that go through the table of handlers, by module and name. Of one that is
/// there in both modes, it is the one whose handlers lead to each other.
fn read(code: &str) -> BTreeMap<&str, Found> {
    let mut handlers = BTreeMap::new();
    for function in code.split("\n\n") {
        let mut lines = function.lines();
        let name = lines.find_map(|line| line.split_once("<swarm_vm::interpret::")?.1.strip_suffix(">:"));
        let Some(name) = name else { continue };
        // Behind a `#` is what an address means.
        let instructions = lines.filter_map(|line| Some(line.split_once(":\t")?.1.split('#').next()?.trim()));
        let instructions: Vec<&str> = instructions.collect();
        let mut found = Found::default();
        for (at, instruction) in instructions.iter().enumerate() {
            let before = instructions.get(..at).unwrap_or(&[]);
            if !leads_on(instruction) && !leads_where_kept(before, instruction) {
                continue;
            }
            found.calls = found.calls.saturating_add(u32::from(instruction.starts_with("call")));
            if instruction.starts_with("jmp") {
                found.jumps = found.jumps.saturating_add(1);
                found.moves = found.moves.saturating_add(u32::from(is_picked(before, instruction)));
            }
        }
        if found.jumps > 0 {
            handlers.insert(name, found);
        }
    }
    handlers
}

/// Whether an instruction goes to a handler: through their table, or where the compiler knows which word is next, to its own.
fn leads_on(instruction: &str) -> bool {
    let own = |at: &str| at.strip_suffix('>').is_some_and(|name| named(TABLE).any(|own| own == name));
    let known = instruction.split_once("<swarm_vm::interpret::").is_some_and(|(_, at)| own(at));
    known || (instruction.contains("*(") && instruction.ends_with(",8)"))
}

/// Whether an instruction goes to a handler that was kept in memory, as a round's first is: to a register that was read as it is. Where
/// the compiler made a table of the arms of a match, what it reads there is added to something.
fn leads_where_kept(before: &[&str], instruction: &str) -> bool {
    let Some((_, register)) = instruction.split_once("*%") else { return false };
    let written = before.iter().rev().find(|written| {
        let target = written.rsplit(',').next().unwrap_or("").trim();
        target.strip_prefix('%').is_some_and(|target| whole(target) == whole(register))
    });
    written.is_some_and(|written| written.starts_with("mov ") && written.contains('('))
}

/// Registers that a call may change.
const CLOBBERED: [&str; 9] = ["ax", "cx", "dx", "si", "di", "r8", "r9", "r10", "r11"];

/// Whether a conditional move has a part in where a jump leads: the instructions before it are gone through
/// backwards, with the registers it depends on. Those are the index of the handler, where the words begin and how
/// many there are. It knows of no branches, so it may find one that is of another way; none was found so far.
fn is_picked(before: &[&str], jump: &str) -> bool {
    let mut wanted: BTreeSet<String> = registers(jump).chain(["di", "si"].map(str::to_owned)).collect();
    for instruction in before.iter().rev() {
        let (operation, operands) = instruction.split_once(char::is_whitespace).unwrap_or((instruction, ""));
        if operation.starts_with("call") {
            wanted.retain(|register| !CLOBBERED.contains(&register.as_str()));
            continue;
        }
        // Where the target is not a register, or is only looked at, nothing changes.
        let target = operands.trim().rsplit(',').next().unwrap_or("");
        let reads_only =
            ["cmp", "test", "ucomi", "j", "push", "bt"].iter().any(|only| operation.starts_with(only));
        let Some(register) = target.strip_prefix('%').map(whole).filter(|_| !reads_only) else { continue };
        if !wanted.contains(&register) {
            continue;
        }
        if operation.starts_with("cmov") {
            return true;
        }
        let sources = operands.trim().strip_suffix(target).unwrap_or("");
        if operation.starts_with("mov") || operation.starts_with("lea") || operation.starts_with("pop") {
            wanted.remove(&register);
        }
        wanted.extend(registers(sources));
    }
    false
}

/// The registers named in operands.
fn registers(operands: &str) -> impl Iterator<Item = String> {
    operands.split('%').skip(1).map(|behind| {
        let end = behind.find(|letter: char| !letter.is_ascii_alphanumeric()).unwrap_or(behind.len());
        whole(behind.get(..end).unwrap_or(""))
    })
}

/// The register that a name means all or a part of.
fn whole(name: &str) -> String {
    if name.starts_with('r') && name.contains(|letter: char| letter.is_ascii_digit()) {
        return name.trim_end_matches(['d', 'w', 'b']).to_owned();
    }
    let name = name.trim_start_matches(['r', 'e']);
    match name {
        "al" | "bl" | "cl" | "dl" => name.replace('l', "x"),
        "ah" | "bh" | "ch" | "dh" => name.replace('h', "x"),
        _ => name.strip_suffix('l').unwrap_or(name).to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Found, executable, is_picked, leads_where_kept, named, read, whole};

    #[test]
    fn machine_code_is_read() {
        let code = "\nDisassembly of section .text:\n\n\
            0000000000000010 <swarm_vm::interpret::flow::If>:\n  10:\tcmp    %rdx,%rsi\n  14:\tcmovne %rax,%rsi\n  \
            18:\tjmp    *(%r10,%r11,8)\n\n\
            0000000000000020 <swarm_vm::interpret::flow::If>:\n  20:\tret\n\n\
            0000000000000030 <swarm_vm::interpret::flow::Host>:\n  30:\tcall   *0x18(%rax)\n  \
            34:\tcall   *(%r11,%rax,8)\n  38:\tjmp    *(%r11,%rax,8)\n\n\
            0000000000000040 <swarm_vm::other>:\n  40:\tjmp    *(%r11,%rax,8)\n\n\
            0000000000000050 <swarm_vm::interpret::flow::Loop>:\n  \
            50:\tcall   10 <swarm_vm::interpret::flow::If>\n  58:\tje     10 <swarm_vm::interpret::flow::If+0x8>\n  \
            60:\tjmp    10 <swarm_vm::interpret::flow::If>\n";
        let handlers = read(code);
        assert_eq!(handlers.get("flow::If"), Some(&Found { jumps: 1, calls: 0, moves: 1 }));
        assert_eq!(handlers.get("flow::Host"), Some(&Found { jumps: 1, calls: 1, moves: 0 }));
        assert_eq!(handlers.get("flow::Loop"), Some(&Found { jumps: 1, calls: 1, moves: 0 }));
        assert_eq!(handlers.len(), 3);
    }

    #[test]
    fn a_handler_that_was_kept_is_one() {
        let kept = ["mov    0x470(%r8),%rax", "mov    0x460(%r8),%rdi", "pop    %rbx"];
        assert!(leads_where_kept(&kept, "jmp    *%rax"));
        assert!(leads_where_kept(&kept, "call   *%rax"));
        let arms = ["movslq (%r10,%r9,4),%r11", "add    %r10,%r11"];
        assert!(!leads_where_kept(&arms, "jmp    *%r11"));
        assert!(!leads_where_kept(&["mov    %rcx,%rax"], "jmp    *%rax"));
    }

    #[test]
    fn what_a_jump_depends_on_is_followed() {
        let jump = "jmp    *(%r11,%rax,8)";
        assert!(is_picked(&["cmovge %rcx,%r10", "lea    0x8(%rbx,%r10,8),%rsi"], jump));
        assert!(is_picked(&["cmovge %ecx,%ebx", "movzbl (%rbx),%eax"], jump));
        // A value, not a place; one that a call has replaced; one that is overwritten.
        assert!(!is_picked(&["cmova  %rcx,%r10", "mov    %r10,0x8(%r9)", "movzbl (%rsi),%eax"], jump));
        assert!(!is_picked(&["cmova  %rcx,%rax", "call   *%rbx", "movzbl (%r14),%eax"], jump));
        assert!(!is_picked(&["cmova  %rcx,%rsi", "mov    %r13,%rsi", "cmp    %rdx,%rsi"], jump));
    }

    #[test]
    fn registers_have_one_name() {
        let names = ["rax", "eax", "al", "r10d", "r10", "sil", "rsi", "bpl", "r8b"].map(whole);
        assert_eq!(names, ["ax", "ax", "ax", "r10", "r10", "si", "si", "bp", "r8"]);
    }

    #[test]
    fn the_table_names_handlers() {
        let handlers: Vec<&str> =
            named("table! {\n    If => flow::If,\n    Target => flow::part,\n}\n").collect();
        assert_eq!(handlers, ["flow::If", "flow::part"]);
        assert!(named(super::TABLE).count() > 100);
    }

    #[test]
    fn the_test_is_found() {
        let messages = "{\"executable\":null}\n{\"executable\":\"/a/stack-1\",\"fresh\":true}\n";
        assert_eq!(executable(messages), Some("/a/stack-1"));
    }
}
