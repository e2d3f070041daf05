//! What a program changes about the one that runs: its declarations line by line, its code by size.

use serde_json::{Value, json};
use similar::{ChangeTag, TextDiff};
use swarm_bytecode::disassemble::outline;
use swarm_bytecode::module::Module;

use super::text::{cut, grouped, plural, safe};

/// Changed lines shown before the rest is only counted.
const MOST_SHOWN: usize = 16;

/// Longest line that is shown whole, in characters.
const WIDTH: usize = 90;

/// The difference between two programs, as their modules tell it: an agent keeps no source.
pub(super) struct Changes {
    /// Lines of the declarations, with `-` before what was and `+` before what comes.
    declarations: Vec<String>,
    /// Ops before and now; `None`: the code is the same.
    code: Option<(usize, usize)>,
}

impl Changes {
    pub(super) fn between(before: &Module, now: &Module) -> Changes {
        let (old, new) = (outline(before), outline(now));
        let difference = TextDiff::from_lines(&old, &new);
        let mut section = String::new();
        let mut declarations = Vec::new();
        for change in difference.iter_all_changes() {
            let line = change.value().trim_end();
            let sign = match change.tag() {
                ChangeTag::Equal => "",
                ChangeTag::Delete => "-",
                ChangeTag::Insert => "+",
            };
            if line.starts_with(|first: char| !first.is_whitespace()) {
                // Name and version of both are told beside it.
                let is_header = line.starts_with("instruction ");
                section = if is_header { String::new() } else { format!("{line}: ") };
                continue;
            }
            if !sign.is_empty() && !line.is_empty() {
                declarations.push(format!("{sign} {section}{}", line.trim_start()));
            }
        }
        let ops = |module: &Module| module.functions.iter().map(|own| own.code.len()).sum();
        let code = (before.functions != now.functions).then(|| (ops(before), ops(now)));
        Changes { declarations, code }
    }

    /// For people, a row each.
    pub(super) fn rows(&self) -> Vec<String> {
        let shown = self.declarations.iter().take(MOST_SHOWN).map(|line| cut(&safe(line), WIDTH).to_string());
        let hidden = self.declarations.len().saturating_sub(MOST_SHOWN);
        let more =
            (hidden > 0).then(|| format!("… and {} more, all in --format json", plural(hidden, "line")));
        let code = match self.code {
            None => "the code is the same".to_owned(),
            Some((before, now)) => {
                format!("code of {}, {} before", plural(now, "op"), grouped(before as u128))
            }
        };
        shown.chain(more).chain([code]).collect()
    }

    /// For programs.
    pub(super) fn json(&self) -> Value {
        let code = self.code.map(|(before, now)| json!({ "ops_before": before, "ops": now }));
        json!({ "declarations": self.declarations, "code": code })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use swarm_compiler::compile_text;

    fn module(text: &str) -> Module {
        let (compilation, _) = compile_text("change.swarm", text);
        compilation.module.unwrap_or_else(|| panic!("{:?}", compilation.diagnostics))
    }

    const BEFORE: &str =
        "INSTRUCTION pay_v1 {\n  BUDGET $500\n}\nMETRIC seen: int GAUGE\nON START { RECORD seen = 1 }\n";

    #[test]
    fn what_changed_is_named_line_by_line() {
        let now = BEFORE.replace("_v1", "_v2").replace("$500", "$800").replace(
            "ON START {",
            "ACTION PAY(amount: money) REQUIRES pay.out ONCE COSTS $1\nON START {\n  PAY($1)\n ",
        );
        let changes = Changes::between(&module(BEFORE), &module(&now));
        let rows = changes.rows();
        for wanted in
            ["- budget $500", "+ budget $800", "+ imports: PAY(money) REQUIRES pay.out ONCE COSTS $1"]
        {
            assert!(rows.iter().any(|row| row == wanted), "{wanted}: {rows:#?}");
        }
        assert!(rows.iter().all(|row| !row.contains("instruction")), "{rows:#?}");
        assert_eq!(rows.last().unwrap(), "code of 5 ops, 3 before");
    }

    #[test]
    fn what_did_not_change_is_not_named() {
        let now = module(&BEFORE.replace("_v1", "_v2"));
        assert_eq!(Changes::between(&module(BEFORE), &now).rows(), ["the code is the same"]);
    }

    #[test]
    fn a_long_list_is_counted() {
        let metrics: String = (0..40).map(|own| format!("METRIC m{own}: int GAUGE\n")).collect();
        let records: String = (0..40).map(|own| format!("RECORD m{own} = 1\n")).collect();
        let now = BEFORE.replace("ON START {", &format!("{metrics}ON START {{ {records}"));
        let changes = Changes::between(&module(BEFORE), &module(&now));
        let (all, rows) = (changes.declarations.len(), changes.rows());
        assert!(all >= 40, "{rows:#?}");
        assert_eq!(rows.len(), MOST_SHOWN + 2);
        assert_eq!(rows[MOST_SHOWN], format!("… and {} lines more, all in --format json", all - MOST_SHOWN));
    }
}
