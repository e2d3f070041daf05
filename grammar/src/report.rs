//! The messages about text and grammar: one function a kind.

use crate::diagnostic::{Code, Diagnostic, Edit};
use crate::source::SourceFile;
use crate::span::Span;

pub(crate) fn unknown_character(span: Span, sign: char) -> Diagnostic {
    let shown = if sign.is_control() { sign.escape_unicode().to_string() } else { sign.to_string() };
    Diagnostic::new(Code::E0001, span, format!("`{shown}` does not belong in a program"))
        .label("outside a string, Swarm has no use for this")
}

pub(crate) fn look_alike(span: Span, sign: char, replacement: &str) -> Diagnostic {
    let shown = if sign.is_whitespace() { "a special space".to_owned() } else { format!("`{sign}`") };
    let meant = if replacement == " " { "an ordinary space".to_owned() } else { format!("`{replacement}`") };
    Diagnostic::new(Code::E0001, span, format!("{shown} does not belong in a program"))
        .label(format!("{meant} is meant here"))
        .note("Word processors put such characters in the place of the plain ones.")
        .fix(format!("write {meant}"), span, replacement)
}

pub(crate) fn foreign_letters(span: Span) -> Diagnostic {
    Diagnostic::new(Code::E0001, span, "this name has letters that names cannot have")
        .label("names are made of a to z, A to Z, digits and _")
        .note("Text in strings and comments may be in any script.")
}

pub(crate) fn unfinished_string(span: Span) -> Diagnostic {
    Diagnostic::new(Code::E0002, span, "this string has no closing quote on its line")
        .label("begins here, and ends nowhere")
        .note("A string stands on one line; \\n in it is a line break.")
        .fix("write the closing \"", span.after(), "\"")
}

pub(crate) fn wrong_quotes(span: Span, inner: &str) -> Diagnostic {
    let mut text = String::with_capacity(inner.len().saturating_add(2));
    text.push('"');
    text.push_str(&inner.replace('"', "\\\""));
    text.push('"');
    Diagnostic::new(Code::E0014, span, "strings stand in double quotes")
        .label("other quotes do not begin a string")
        .fix("write it in \" quotes", span, text)
}

pub(crate) fn foreign_comment(span: Span, sign: &str) -> Diagnostic {
    let diagnostic = Diagnostic::new(Code::E0015, span, format!("`{sign}` does not begin a comment"))
        .label("a comment begins with // and ends with its line");
    if sign == "/*" { diagnostic } else { diagnostic.fix("write //", span, "//") }
}

pub(crate) fn too_deep(span: Span) -> Diagnostic {
    Diagnostic::new(Code::E0005, span, "this is nested too deeply")
        .label(format!("more than {} levels stand around this place", crate::ast::MAX_DEPTH))
        .note("Give a part of it a name with LET, or move a part of it into a FUNC.")
}

pub(crate) fn too_many_tokens(span: Span) -> Diagnostic {
    Diagnostic::new(Code::E0008, span, "this text is too long for one program").label("read up to here")
}

pub(crate) fn too_long(span: Span, bytes: usize) -> Diagnostic {
    let limit = SourceFile::MAX_BYTES;
    Diagnostic::new(Code::E0008, span, format!("this text has {bytes} bytes, a program at most {limit}"))
}

pub(crate) fn more(span: Span) -> Diagnostic {
    Diagnostic::new(Code::E0009, span, "there are more problems than are shown")
        .label("behind this place")
        .note("Mend those above first: some of the others may go with them.")
}

pub(crate) fn assign_in_condition(operator: Span) -> Diagnostic {
    Diagnostic::new(Code::E0010, operator, "`=` gives a name a value; `==` compares")
        .label("here a comparison is meant")
        .fix("write ==", operator, "==")
}

pub(crate) fn argument_with_equals(operator: Span, name: Span) -> Diagnostic {
    let whole = name.to(operator);
    Diagnostic::new(Code::E0011, operator, "an argument's name is followed by `:`").label("not by `=`").fix(
        "write :",
        Span { start: whole.start.max(name.end), ..whole },
        ":",
    )
}

pub(crate) fn foreign_sign(span: Span, sign: &str, advice: &str) -> Diagnostic {
    Diagnostic::new(Code::E0012, span, format!("`{sign}` is not a sign of Swarm")).label(advice)
}

pub(crate) fn foreign_sign_replaced(span: Span, sign: &str, right: &str, edit: String) -> Diagnostic {
    Diagnostic::new(Code::E0012, span, format!("`{sign}` is not a sign of Swarm"))
        .label(format!("write {right}"))
        .fix(format!("write {right}"), span, edit)
}

pub(crate) fn remainder(span: Span, edit: String) -> Diagnostic {
    Diagnostic::new(Code::E0012, span, "`%` is only ever the percent sign")
        .label("the remainder of a division is MOD")
        .fix("write MOD", span, edit)
}

pub(crate) fn step_by_one(span: Span, sign: &str) -> Diagnostic {
    Diagnostic::new(Code::E0012, span, "Swarm has no sign for a step by one")
        .label(format!("write {sign}"))
        .fix(format!("write {sign}"), span, format!(" {sign}"))
}

pub(crate) fn foreign_word(span: Span, word: &str, right: &str) -> Diagnostic {
    Diagnostic::new(Code::E0013, span, format!("`{word}` is written {right} in Swarm")).fix(
        format!("write {right}"),
        span,
        right,
    )
}

/// `new Task(…)`; `gap` reaches to what follows.
pub(crate) fn needless_word_of_call(span: Span, word: &str, gap: Span) -> Diagnostic {
    Diagnostic::new(Code::E0013, span, format!("`{word}` is not written in Swarm"))
        .label("the name and its arguments are enough")
        .fix("take it out", gap, "")
}

/// `f"{a} of {b}"`
pub(crate) fn needless_letter_of_text(span: Span, letter: &str) -> Diagnostic {
    Diagnostic::new(Code::E0013, span, format!("a text needs no `{letter}` before it"))
        .label("each may have { } with a value in it")
        .fix("take it out", span, "")
}

/// `FUNC f(): int`; `gap` reaches back to the bracket.
pub(crate) fn colon_before_result(span: Span, gap: Span) -> Diagnostic {
    Diagnostic::new(Code::E0012, span, "what a call gives stands behind `->`")
        .label("here")
        .fix("write ->", gap, " ->")
}

/// `Task[]`; `right` is the whole as a list.
pub(crate) fn type_of_list(span: Span, right: String) -> Diagnostic {
    Diagnostic::new(Code::E0012, span, "a list of something is list<…>").label("here").fix(
        format!("write {right}"),
        span,
        right,
    )
}

/// `ROLLOUT 5%, 100% EVERY 10min IF rate < 1%`
pub(crate) fn word_of_waves(span: Span, word: &str, right: &str) -> Diagnostic {
    Diagnostic::new(Code::E0003, span, format!("the waves of a ROLLOUT have {right}, not {word}"))
        .label("ROLLOUT 5%, 100% AFTER 10min WHEN error_rate < 1% ELSE ROLLBACK")
        .fix(format!("write {right}"), span, right)
}

/// `RECORD saved += $1`
pub(crate) fn recorded_sum(span: Span) -> Diagnostic {
    Diagnostic::new(Code::E0003, span, "RECORD gives a metric a sample, with `=`")
        .label("a TOTAL adds it to the others itself")
        .fix("write =", span, "=")
}

pub(crate) fn version_apart(span: Span, right: &str) -> Diagnostic {
    Diagnostic::new(Code::E0013, span, "the version of an instruction stands in its name")
        .label(format!("write {right}"))
}

pub(crate) fn percent_apart(sign: Span, gap: Span) -> Diagnostic {
    Diagnostic::new(Code::E0006, sign, "the percent sign stands directly behind its number")
        .label("separated from its number")
        .fix("take out the space", gap, "")
}

/// `number` with the unit that is meant; `gap` reaches from the number to the end of what was written.
pub(crate) fn unit_apart(unit: Span, gap: Span, text: &str, (number, right): (&str, &str)) -> Diagnostic {
    Diagnostic::new(Code::E0006, unit, format!("the unit `{text}` stands directly behind its number"))
        .label("separated from its number")
        .note("Only `tokens` and `USD` may stand apart.")
        .fix(format!("write {number}{right}"), gap, right)
}

/// `2M tokens`; `right` is the number in full.
pub(crate) fn counted_tokens(span: Span, text: &str, right: Option<String>) -> Diagnostic {
    let diagnostic = Diagnostic::new(Code::E0006, span, format!("`{text}` is not a number"))
        .label("tokens are counted in full");
    match right {
        Some(right) => diagnostic.fix(format!("write {right}"), span, right),
        None => diagnostic,
    }
}

/// A word of another language that has no counterpart.
pub(crate) fn no_such_word(span: Span, word: &str, advice: &str) -> Diagnostic {
    Diagnostic::new(Code::E0013, span, format!("`{word}` is not a word of Swarm")).label(advice)
}

/// `ON EVENT vote(from)`; `gap` reaches to the name.
pub(crate) fn word_behind_on(span: Span, gap: Span) -> Diagnostic {
    Diagnostic::new(Code::E0003, span, "the name of the event stands directly behind ON")
        .label("EVENT declares one")
        .fix("take it out", gap, "")
}

/// `ON down(pool: Pool)`; `gap` has the sign and the type.
pub(crate) fn typed_binder(span: Span, name: &str, gap: Span) -> Diagnostic {
    Diagnostic::new(Code::E0003, span, "only names stand here")
        .label(format!("their types are those that {name} is declared with"))
        .fix("take the type out", gap, "")
}

/// `async`, `mut`; `gap` reaches to the word behind.
pub(crate) fn needless_word(span: Span, word: &str, gap: Span) -> Diagnostic {
    Diagnostic::new(Code::E0013, span, format!("`{word}` is not a word of Swarm"))
        .label("nothing stands in its place")
        .fix(format!("take out {word}"), gap, "")
}

pub(crate) fn needless_semicolon(span: Span) -> Diagnostic {
    Diagnostic::new(Code::E0012, span, "no `;` stands behind a declaration")
        .label("a declaration ends by itself")
        .fix("take it out", span, "")
}

/// `${x}` where no text is.
pub(crate) fn hole_outside_text(span: Span, inner: &str) -> Diagnostic {
    Diagnostic::new(Code::E0012, span, "`${ }` is not a sign of Swarm")
        .label("a name stands alone; in a text it stands between { and }")
        .fix(format!("write {inner}"), span, inner)
}

/// `for (task in tasks) {`
pub(crate) fn loop_in_brackets(span: Span, edits: Vec<Edit>) -> Diagnostic {
    Diagnostic::new(Code::E0012, span, "a loop has no brackets around its variable and its list")
        .label("FOR EACH x IN xs { }")
        .fixes("take them out", edits)
}

/// `for (let i = 0; …`
pub(crate) fn counting_loop(span: Span) -> Diagnostic {
    Diagnostic::new(Code::E0003, span, "expected a name, found `(`")
        .label("a loop is FOR i IN 1..n { }, or FOR EACH x IN xs WHERE c { }")
}

/// `MATCH x { low => … }`
pub(crate) fn arm_without_when(
    span: Span,
    found: &str,
    (keyword, case): (&str, &str),
    edits: Vec<Edit>,
) -> Diagnostic {
    let label = match keyword {
        "ELSE" => "what is done for all other cases is ELSE { }".to_owned(),
        _ => format!("an arm is WHEN {case} {{ }}, or WHEN {case} THEN one statement"),
    };
    Diagnostic::new(Code::E0003, span, format!("expected WHEN or `}}`, found {found}"))
        .label(label)
        .fixes(format!("write {keyword}"), edits)
}

/// `[x.cost for x in xs]`
pub(crate) fn comprehension(span: Span, edits: Vec<Edit>) -> Diagnostic {
    Diagnostic::new(Code::E0012, span, "a list is made of another by COLLECT")
        .label("COLLECT e FOR x IN xs WHERE c")
        .fixes("write COLLECT", edits)
}

/// `xs.filter(x => x.cost > 3)`
pub(crate) fn method_with_function(span: Span, right: String) -> Diagnostic {
    Diagnostic::new(Code::E0012, span, "Swarm has no functions without a name")
        .label("what is done with each item of a list has a form of its own")
        .fix(format!("write {right}"), span, right)
}

/// `FUNC f(x: int) -> int = x + 1`
pub(crate) fn expression_body(span: Span, edits: Vec<Edit>) -> Diagnostic {
    Diagnostic::new(Code::E0012, span, "what a FUNC does stands in braces")
        .label("its result stands behind RETURN")
        .fixes("write { RETURN … }", edits)
}

/// `USE std.scaling AS s`; `gap` has all but the module.
pub(crate) fn renamed_module(span: Span, gap: Span) -> Diagnostic {
    Diagnostic::new(Code::E0003, span, "a module of the library has no other name")
        .label("here")
        .note("What it declares is used as it is: divide_pot(…). Only a file is given a name: USE \"lib/x.swarm\" AS x.")
        .fix("take it out", gap, "")
}

/// `{"id": "a"}`
pub(crate) fn record_in_braces(span: Span) -> Diagnostic {
    Diagnostic::new(Code::E0012, span, "a record is written with the name of its type, a map in [ ]")
        .label("Task(id: \"a\", cost: $2), or [\"a\": 1, \"b\": 2]")
}

/// `[{id: "a", cost: $2}, …]`, `Task { id: "a" }` where one type has such fields.
pub(crate) fn record_of_type(span: Span, name: &str, edits: Vec<Edit>) -> Diagnostic {
    Diagnostic::new(Code::E0012, span, "a record is written with the name of its type, in ( )")
        .label(format!("{name} has such fields"))
        .fixes(format!("write {name}(…)"), edits)
}

/// `STATE seen: map<string, int> MAX 9 = {}`; `right` is what the type asks for.
pub(crate) fn empty_braces(span: Span, right: Option<&str>) -> Diagnostic {
    let diagnostic = Diagnostic::new(Code::E0012, span, "an empty map is [:], an empty list []");
    match right {
        Some(right) => diagnostic.label("here").fix(format!("write {right}"), span, right),
        None => diagnostic.label("here a value is expected"),
    }
}

/// `x IN xs`; `right` is the whole the other way round.
pub(crate) fn membership(word: Span, whole: Span, right: String) -> Diagnostic {
    Diagnostic::new(Code::E0013, word, "whether something is in a list, map or text is asked with CONTAINS")
        .label("IN stands between FOR x and what it goes over")
        .fix(format!("write {right}"), whole, right)
}

/// `ROLLOUT canary 5%`; `gap` reaches back to what stands before.
pub(crate) fn named_waves(word: Span, name: &str, gap: Span) -> Diagnostic {
    Diagnostic::new(Code::E0003, word, format!("a wave is a share of the fleet, and `{name}` is none"))
        .label("ROLLOUT 5%, 25%, 100% AFTER 10min")
        .fix("take it out", gap, "")
}

/// `BUDGET money $100`; `right` is what the whole becomes.
pub(crate) fn named_budget(word: Span, name: &str, whole: Span, right: &str) -> Diagnostic {
    Diagnostic::new(Code::E0003, word, format!("a budget says by its unit what it limits, not by `{name}`"))
        .label("BUDGET $5, 100_000 tokens")
        .fix(format!("write {right}"), whole, right)
}

/// `TARGET agents`
pub(crate) fn target_without_count(word: Span) -> Diagnostic {
    Diagnostic::new(Code::E0003, word, "TARGET does not say how many agents are meant")
        .label("ALL AGENTS, 50 AGENTS, or UP TO 50 AGENTS")
        .fix("write ALL AGENTS", word, "ALL AGENTS")
}

/// `METRIC served: counter`; `right` is the type with the kind that is meant.
pub(crate) fn metric_kind(word: Span, right: &str) -> Diagnostic {
    Diagnostic::new(Code::E0003, word, "a metric has a type, and behind it what becomes of its samples")
        .label("TOTAL adds them, GAUGE keeps the last, DISTRIBUTION has quantiles")
        .fix(format!("write {right}"), word, right)
}

/// `GOAL "spend less"`
pub(crate) fn described(span: Span, word: &str) -> Diagnostic {
    Diagnostic::new(
        Code::E0003,
        span,
        format!("{word} is no clause: what people should know stands in a comment"),
    )
    .label("here")
}

/// `INSTRUCTION save_v1 { FUNC f() { } }`; the edits end the header before.
pub(crate) fn body_in_header(span: Span, word: &str, edits: Vec<Edit>) -> Diagnostic {
    Diagnostic::new(Code::E0003, span, format!("{word} stands behind the header, not in it"))
        .label("only clauses such as DEADLINE, BUDGET and TARGET stand in INSTRUCTION { }")
        .fixes("put it behind the header", edits)
}

/// `TRY { PAY(x) }`
pub(crate) fn block_of_a_try(span: Span, edits: Option<Vec<Edit>>) -> Diagnostic {
    let diagnostic = Diagnostic::new(Code::E0003, span, "what is tried is one ACTION, found `{`")
        .label("TRY f(x) ELSE { }, or RETRY 3 TIMES f(x) ELSE { }");
    match edits {
        Some(edits) => diagnostic.fixes("take the braces out", edits),
        None => diagnostic,
    }
}

/// `WHEN low -> f()`; `gap` reaches back to what stands before.
pub(crate) fn sign_for_then(span: Span, gap: Span, right: &str) -> Diagnostic {
    let (text, fix) = if right.is_empty() {
        ("no sign stands before what is done", "take it out")
    } else {
        ("what is done stands behind THEN, or in braces", "write THEN")
    };
    Diagnostic::new(Code::E0012, span, text).label("here").fix(fix, gap, right)
}

/// `RETURN MATCH x { … }`; the edits write RETURN, or the assignment, into each arm.
pub(crate) fn match_as_value(span: Span, edits: Option<Vec<Edit>>) -> Diagnostic {
    let diagnostic = Diagnostic::new(Code::E0003, span, "MATCH is a statement and gives no value")
        .label("here a value is expected");
    match edits {
        Some(edits) => diagnostic.fixes("write what stands before MATCH in each arm instead", edits),
        None => diagnostic.note(
            "RETURN, or the assignment, stands in each arm: WHEN a THEN RETURN 1. What LET names gets a first value before.",
        ),
    }
}

/// `TRY f(x) CATCH e { }`; `whole` has all before the brace.
pub(crate) fn catch(word: Span, whole: Span, text: &str) -> Diagnostic {
    let text = text.to_ascii_uppercase();
    Diagnostic::new(Code::E0013, word, format!("`{text}` is written ELSE in Swarm"))
        .label("what happens when the call was refused stands in ELSE { }")
        .fix("write ELSE", whole, "ELSE")
}

/// `RETRY 3 TIMES ACT()`; `edit` puts the ELSE in.
pub(crate) fn missing_else(word: Span, keyword: &str, edit: Edit) -> Diagnostic {
    let when = if keyword == "RETRY" { "each attempt was refused" } else { "the call was refused" };
    Diagnostic::new(Code::E0003, word, format!("{keyword} needs an ELSE behind its call"))
        .label(format!("what happens when {when} stands in ELSE {{ }}"))
        .note("An empty ELSE { } goes on as if nothing had happened.")
        .fixes(format!("write{}", edit.text), vec![edit])
}

/// `a ? b : c`; the edits write IF, THEN and ELSE.
pub(crate) fn choice(sign: Span, edits: Vec<Edit>) -> Diagnostic {
    Diagnostic::new(Code::E0012, sign, "a choice has words: IF a THEN b ELSE c")
        .label("here THEN is meant")
        .fixes("write IF … THEN … ELSE", edits)
}

/// `x BETWEEN a AND b`; `right` is the whole as two comparisons.
pub(crate) fn between(word: Span, whole: Span, right: String) -> Diagnostic {
    Diagnostic::new(Code::E0013, word, "a value between two others is compared with each")
        .label("BETWEEN is no word of Swarm")
        .fix(format!("write {right}"), whole, right)
}

/// `TOP 3 x IN xs BY e DESC`
pub(crate) fn order_of_best(word: Span, text: &str, edits: Vec<Edit>) -> Diagnostic {
    let fix = if edits.len() > 1 { "take the other word" } else { "take it out" };
    Diagnostic::new(Code::E0013, word, "TOP has the greatest first, BOTTOM the least")
        .label(format!("{} is said by that", text.to_ascii_uppercase()))
        .fixes(fix, edits)
}

/// `FOR EACH (id, count) IN counts`
pub(crate) fn names_in_brackets(open: Span, close: Span) -> Diagnostic {
    let edits = [open, close].map(|span| Edit { span, text: String::new() });
    Diagnostic::new(Code::E0012, open, "no brackets stand around the names of a loop")
        .label("FOR EACH key, value IN map { }")
        .fixes("take them out", edits.into())
}

/// `println!(x)`
pub(crate) fn call_with_bang(span: Span) -> Diagnostic {
    Diagnostic::new(Code::E0012, span, "a call has no `!`")
        .label("the bracket stands directly behind the name")
        .fix("take it out", span, "")
}

/// `PRIORITY = HIGH`, `PRIORITY: HIGH`; `gap` reaches back to the word before.
pub(crate) fn clause_with_sign(span: Span, sign: &str, gap: Span) -> Diagnostic {
    Diagnostic::new(Code::E0012, span, format!("a clause of the header takes no `{sign}`"))
        .label("what it says stands directly behind its word")
        .fix("take it out", gap, "")
}

/// `INSTRUCTION "a"`; `name` is what stands in the quotes, if it can be a name.
pub(crate) fn quoted_name(span: Span, name: Option<&str>) -> Diagnostic {
    let diagnostic =
        Diagnostic::new(Code::E0003, span, "expected a name, found a string").label("names have no quotes");
    match name {
        Some(name) => diagnostic.fix(format!("write {name}"), span, name),
        None => diagnostic,
    }
}

/// `ROLLOUT 10% -> 50%`; `gap` reaches back to what stands before.
pub(crate) fn waves_apart(span: Span, gap: Span) -> Diagnostic {
    Diagnostic::new(Code::E0012, span, "commas stand between the waves of a ROLLOUT")
        .label("the next wave follows a comma")
        .fix("write ,", gap, ",")
}

/// `EXPECT rate < 1% WITHIN 10min`
pub(crate) fn expected_within(span: Span) -> Diagnostic {
    Diagnostic::new(Code::E0003, span, "by when something is expected stands behind BY")
        .label("the time since the order began")
        .fix("write BY", span, "BY")
}

/// `ROLLOUT 10% WHEN rate < 1%`
pub(crate) fn gate_without_else(behind: Span) -> Diagnostic {
    Diagnostic::new(
        Code::E0003,
        behind,
        "this ROLLOUT does not say what happens where its condition does not hold",
    )
    .label("ELSE ROLLBACK or ELSE HALT is missing")
    .fix("write ELSE ROLLBACK", behind, " ELSE ROLLBACK")
}

/// `FUNC f(task)`, `STATE seen = 0`
pub(crate) fn without_type(name: Span, text: &str) -> Diagnostic {
    Diagnostic::new(Code::E0003, name, format!("the type of `{text}` is missing"))
        .label(format!("write {text}: and its type, such as {text}: int or {text}: Task"))
}

/// `STOP "a" + b`
pub(crate) fn joined_reason(span: Span) -> Diagnostic {
    Diagnostic::new(Code::E0003, span, "the reason is one text, found `+`")
        .label("values stand inside its quotes: \"… {x}\"")
}

/// `{ f() ELSE`: the block of the IF is still open.
pub(crate) fn else_in_block(span: Span, open: Span) -> Diagnostic {
    Diagnostic::new(Code::E0003, span, "expected a statement or `}`, found ELSE")
        .label("the block before it is still open")
        .also(open, "opened here")
}

pub(crate) fn leading_dot(dot: Span) -> Diagnostic {
    Diagnostic::new(Code::E0006, dot, "a number begins with a digit").label("write 0 before the point").fix(
        "write 0 before the point",
        dot.before(),
        "0",
    )
}

pub(crate) fn unknown_escape(span: Span, sign: Option<char>) -> Diagnostic {
    let diagnostic = match sign {
        Some('u') => Diagnostic::new(Code::E0016, span, "`\\u` names no character here")
            .note("Write the character's number in braces: \\u{20ac} is the euro sign."),
        Some(sign) => Diagnostic::new(Code::E0016, span, format!("`\\{sign}` means nothing in a string")),
        None => Diagnostic::new(Code::E0016, span, "a single `\\` ends this string"),
    };
    diagnostic.label("the escapes are \\\" \\\\ \\n \\t \\r \\u{…}").fix(
        "write \\\\ for the sign itself",
        Span { end: span.start.saturating_add(1), ..span },
        "\\\\",
    )
}

pub(crate) fn unclosed_hole(span: Span) -> Diagnostic {
    Diagnostic::new(Code::E0017, span, "`{` begins an expression in a string, and `}` is missing")
        .label("no } follows in this string")
        .note("Write {{ for a brace that is only text.")
        .fix("write {{", span, "{{")
}

pub(crate) fn empty_hole(span: Span) -> Diagnostic {
    Diagnostic::new(Code::E0017, span, "there is no expression between these braces")
        .label("a name or an expression stands here")
        .note("Write {{}} for braces that are only text.")
        .fix("write {{}}", span, "{{}}")
}

pub(crate) fn stray_hole_end(span: Span) -> Diagnostic {
    Diagnostic::new(Code::E0017, span, "this `}` ends no expression")
        .label("write }} for a brace that is only text")
        .fix("write }}", span, "}}")
}

pub(crate) fn bad_hole(span: Span, brace: Span) -> Diagnostic {
    Diagnostic::new(Code::E0017, span, "this is not an expression")
        .label("between { and } in a string stands one expression")
        .note(
            "Write {{ and }} for braces that are only text; give a longer expression a name with LET first.",
        )
        .also(brace, "the expression begins here")
}

pub(crate) fn needs_braces(keyword: &str, statement: Span) -> Diagnostic {
    let word = Span { end: statement.start.saturating_add(crate::lexer::offset(keyword.len())), ..statement };
    Diagnostic::new(Code::E0018, word, format!("{keyword} needs braces around it here"))
        .label("THEN and ELSE take one simple statement: a call, an assignment, RETURN, STOP, …")
        .fixes(
            "put braces around it",
            vec![
                Edit { span: statement.before(), text: "{ ".to_owned() },
                Edit { span: statement.after(), text: " }".to_owned() },
            ],
        )
}

pub(crate) fn indented_under_if(next: Span, body: Span, last: Span) -> Diagnostic {
    Diagnostic::new(
        Code::E0019,
        next,
        "this statement is not under the IF, though it is indented as if it were",
    )
    .label("runs whatever the condition is")
    .also(body, "only this statement is under the IF")
    .note("THEN takes one statement; several stand in braces.")
    .fixes(
        "put all of it in braces",
        vec![
            Edit { span: body.before(), text: "{ ".to_owned() },
            Edit { span: last.after(), text: " }".to_owned() },
        ],
    )
}

pub(crate) fn unknown_declaration(span: Span, word: &str, meant: Option<&str>) -> Diagnostic {
    let diagnostic = Diagnostic::new(Code::E0020, span, format!("`{word}` does not begin a declaration"));
    match meant {
        Some(meant) => {
            let text = format!("write {meant}");
            diagnostic.label(format!("did you mean {meant}?")).fix(text, span, meant)
        }
        None => {
            diagnostic.label("a declaration begins with INSTRUCTION, INPUT, METRIC, FUNC, ON, EVERY, TYPE, …")
        }
    }
}

pub(crate) fn unclosed_bracket(opener: Span, bracket: &str, noticed: Span) -> Diagnostic {
    Diagnostic::new(Code::E0004, opener, format!("this `{bracket}` is never closed"))
        .label("opened here")
        .also(noticed, "still open here")
}

pub(crate) fn wrong_closer(opener: Span, bracket: &str, closer: Span, right: &str) -> Diagnostic {
    Diagnostic::new(Code::E0004, opener, format!("this `{bracket}` is closed by a bracket of another kind"))
        .label("opened here")
        .also(closer, format!("`{right}` is expected here"))
        .fix(format!("write {right}"), closer, right)
}

pub(crate) fn stray_closer(span: Span, bracket: &str) -> Diagnostic {
    Diagnostic::new(Code::E0021, span, format!("this `{bracket}` closes nothing"))
        .label("no open bracket is left")
        .fix("take it out", span, "")
}

pub(crate) fn outside_block(span: Span, statement: &str) -> Diagnostic {
    Diagnostic::new(Code::E0022, span, format!("{statement} stands outside a block"))
        .label("a statement stands in ON START { }, EVERY … { } or FUNC … { }")
}

pub(crate) fn outside_header(span: Span, clause: &str) -> Diagnostic {
    Diagnostic::new(Code::E0022, span, format!("{clause} stands outside of the header"))
        .label("it belongs between the braces of INSTRUCTION name { }")
}

/// The edits that put statements into an ON START; `end` is behind the last of them.
pub(crate) fn into_start(outside: Diagnostic, end: Span) -> Diagnostic {
    let start = outside.primary.span.before();
    outside.fixes(
        "put it into ON START",
        vec![
            Edit { span: start, text: "ON START {\n".to_owned() },
            Edit { span: end, text: "\n}".to_owned() },
        ],
    )
}

pub(crate) fn chained_comparison(left: Span, middle: Span, second: Span, text: &str) -> Diagnostic {
    Diagnostic::new(Code::E0023, second, "comparisons do not chain")
        .label("a second comparison on the result of the first")
        .also(left, "the first comparison")
        .fix("compare twice", middle.after(), format!(" AND {text}"))
}

pub(crate) fn reserved_name(span: Span, word: &str) -> Diagnostic {
    Diagnostic::new(Code::E0024, span, format!("`{word}` is a word of the language and cannot be a name"))
        .label("a name is expected here")
        .note("24 words are reserved; all other words of the language may be names.")
        .fix("write another name", span, format!("{}_", word.to_ascii_lowercase()))
}

pub(crate) fn not_a_statement(span: Span) -> Diagnostic {
    Diagnostic::new(Code::E0025, span, "an expression alone does nothing")
        .label("a statement is a call, an assignment, or begins with a word such as LET, IF, RECORD")
}

/// `inside` is the aggregate without its word, where its end is clear. TOP and BOTTOM stand in brackets; of
/// the others only what they go over does.
pub(crate) fn inner_aggregate(span: Span, word: &str, inside: Option<Span>) -> Diagnostic {
    let outer = matches!(word, "TOP" | "BOTTOM");
    let form = if outer { format!("({word} n x IN xs BY …)") } else { format!("{word}(… FOR x IN xs)") };
    let diagnostic =
        Diagnostic::new(Code::E0026, span, format!("inside a larger expression, {word} needs brackets"))
            .label(format!("write {form}"))
            .note("Without brackets an aggregate reaches to the end of the whole expression.");
    match inside {
        Some(inside) => in_brackets(diagnostic, span, inside, outer),
        None => diagnostic,
    }
}

/// `inside` is the aggregate without its word, and begins with this sign.
pub(crate) fn aggregate_of_a_sign(span: Span, word: &str, sign: &str, inside: Span) -> Diagnostic {
    let read = match sign {
        "(" => "a call",
        "[" => "an item of a list",
        _ => "a difference",
    };
    let message = format!("{word} needs brackets where what follows it begins with `{sign}`");
    let diagnostic = Diagnostic::new(Code::E0026, span, message)
        .label(format!("write {word}(… FOR x IN xs)"))
        .note(format!("Without brackets `{word} {sign}` begins {read}, and FOR the next statement."));
    in_brackets(diagnostic, span, inside, false)
}

/// With the edit that puts an aggregate in brackets, with its word or behind it.
fn in_brackets(diagnostic: Diagnostic, word: Span, inside: Span, outer: bool) -> Diagnostic {
    // The blank behind the word goes: SUM(….
    let open = if outer { word.before() } else { Span { end: inside.start, ..word.after() } };
    diagnostic.fixes(
        "put it in brackets",
        vec![Edit { span: open, text: "(".to_owned() }, Edit { span: inside.after(), text: ")".to_owned() }],
    )
}

pub(crate) fn misplaced_generator(span: Span) -> Diagnostic {
    Diagnostic::new(Code::E0003, span, "FOR inside brackets belongs to an aggregate")
        .label("only SUM, COUNT, MIN, MAX, AVG, ANY, ALL and COLLECT take it")
}

pub(crate) fn missing_value(behind: Span, written: &str) -> Diagnostic {
    Diagnostic::new(Code::E0003, behind, format!("a value is missing behind `{written}`"))
        .label("nothing follows")
}

pub(crate) fn missing_type(behind: Span, written: &str) -> Diagnostic {
    Diagnostic::new(Code::E0003, behind, format!("a type is missing behind `{written}`"))
        .label("such as int, money, duration, string or list<Task>")
}

pub(crate) fn quote_in_string(quote: Span, hole: bool) -> Diagnostic {
    let code = if hole { Code::E0017 } else { Code::E0003 };
    let diagnostic = Diagnostic::new(code, quote, "the string ends at this quote");
    if hole {
        diagnostic
            .label("no quotes stand between { and }")
            .note("Give the text a name with LET first, or write {{ and }} for braces that are only text.")
    } else {
        diagnostic.label("what follows is no longer text").note("A quote inside a string is written \\\".")
    }
}

pub(crate) fn unexpected(span: Span, found: &str, expected: &str) -> Diagnostic {
    Diagnostic::new(Code::E0003, span, format!("expected {expected}, found {found}"))
}
