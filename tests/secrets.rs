//! A text that comes in as a `secret` is in nothing that comes out, but for the call of the host function
//! that is to have it.
#![expect(clippy::unwrap_used, clippy::panic, reason = "test code")]

use std::fmt::Debug;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value as Json;
use swarm_compiler::compile_text;
use swarm_fleet::trace::entry::{Entries, EntryReader};
use swarm_vm::snapshot::{Seal, SnapshotKey, Unseal};
use swarm_vm::trace::{JsonLines, Level};
use swarm_vm::{
    Answer, Effects, Exit, Grants, Host, Inputs, Instance, Limits, Program, Report, Secret, Table, Value,
    VirtualClock,
};

/// What is looked for.
const CANARY: &str = "canary-5ecb0b";
const OTHER: &str = "a quite different text, and longer";

/// Hands secrets about in every way there is.
const PROGRAM: &str = r#"
TYPE Login { user: string  key: secret  spare: secret? }
TYPE Agent { id: string KEY  key: secret }
ENUM Access { open  by(key: secret) }
INPUT api_key: secret
INPUT second_key: secret?
INPUT logins: list<Login> MAX 4
INPUT vault: map<string, secret> MAX 4
INPUT access: Access
INPUT worker: Agent
STATE held: secret = api_key
STATE last: Login? = NONE
EVENT ROTATE(key: secret, login: Login)
QUERY token_of(user: string) -> secret
QUERY session(key: secret) -> Login
ACTION DEPLOY(key: secret, login: Login, all: list<secret> MAX 9, access: Access)
ACTION GREET(worker: Agent, vault: map<string, secret> MAX 4)
ACTION ROLL(key: secret, spare: secret?) ONCE
VETO ROLL(key, spare) WHEN spare == NONE BECAUSE "there is no spare key"

FUNC chosen(spare: secret?) -> secret { RETURN spare ?? api_key }

ON START {
  LET token = token_of("root")
  last = session(token)
  DEPLOY(token, logins[0], append(COLLECT(login.key FOR login IN logins), [chosen(second_key), held]), access)
  GREET(worker, vault)
  ROLL(api_key, second_key)
  ROLL(api_key, NONE)
  TRY DEPLOY(held, Login(user: "{worker}", key: api_key, spare: second_key), values(vault), by(key: token)) ELSE { STOP "no" }
}

ON ROTATE(key, login) {
  held = key
  last = login
  DEPLOY(held, login, [], open)
}
"#;

/// All that the program is given.
fn given(secret: &str) -> Json {
    serde_json::json!({
        "api_key": secret, "second_key": secret,
        "logins": [{"user": "root", "key": secret, "spare": null}, {"user": "ana", "key": secret, "spare": secret}],
        "vault": {"eu": secret, "us": secret}, "access": {"by": {"key": secret}},
        "worker": {"id": "w1", "key": secret, "more": secret},
    })
}

fn program() -> Program {
    let (compiled, _) = compile_text("secrets.swarm", PROGRAM);
    let module = compiled.module.unwrap_or_else(|| panic!("{:?}", compiled.diagnostics));
    Program::load(&module.encode()).unwrap()
}

fn login(secret: &str) -> Value {
    let key = Value::String(secret.into());
    Value::Record(vec![
        ("user".into(), Value::String("root".into())),
        ("key".into(), key.clone()),
        ("spare".into(), key.clone()),
        ("not declared".into(), key),
    ])
}

/// A host that answers with secrets, as texts and as such, and notes which it was handed.
fn host<'h>(secret: &'h str, handed: &'h std::cell::RefCell<Vec<String>>) -> Host<'h> {
    let mut host = Host::new();
    host.clock(VirtualClock::default());
    host.otherwise(move |call| {
        handed
            .borrow_mut()
            .extend(call.arguments().filter_map(|own| Some(own.as_secret()?.expose().to_owned())));
        match call.name() {
            "token_of" => Answer::value(Secret::new(secret)),
            "session" => Answer::value(login(secret)),
            _ => Answer::done(),
        }
    });
    host
}

/// What a run came to, and all that was written on the way.
struct Seen {
    texts: Vec<String>,
    handed: Vec<String>,
    digest: Option<[u8; 32]>,
    fuel: u64,
}

fn run(secret: &str, level: Level, effects: Effects) -> Seen {
    let program = program();
    let inputs = Inputs::new(&program).from_json(&given(secret).to_string()).unwrap();
    let handed = std::cell::RefCell::default();
    let mut host = host(secret, &handed);
    let instance = Instance::new(&program, &inputs, Limits::default(), &Grants::all(), &host).unwrap();
    let mut run = instance.effects(effects);
    let (mut lines, mut events, mut entries) = (JsonLines::new(), String::new(), Entries::default());
    let mut texts = Vec::new();
    let mut show = |report: Report, run: &Instance| {
        texts.extend([
            report.to_json(),
            debug(&report),
            debug(run),
            debug(&run.order()),
            run.order().to_json(),
        ]);
    };
    let mut sink = |event: &swarm_vm::trace::Event<'_>| {
        swarm_vm::trace::TraceSink::event(&mut lines, event);
        entries.event(program.module(), event);
        events.push_str(&format!("{event:?}\n"));
    };
    let report = run.finish(&mut host, Some((level, &mut sink)));
    show(report, &run);
    run.event(0, &[Value::String(secret.into()), login(secret)]).unwrap();
    let report = run.finish(&mut host, Some((level, &mut sink)));
    let digest = report.trace_digest;
    let fuel = run.order().fuel_used;
    show(report, &run);
    // What an agent keeps and sends of its trace, as bytes and as it is read again.
    for bytes in entries.iter() {
        let entry = EntryReader::new(bytes).next_entry().unwrap();
        texts.extend([String::from_utf8_lossy(bytes).into_owned(), debug(&entry)]);
    }
    texts.extend([debug(&inputs), debug(&host), lines.take(), events]);
    drop(host);
    Seen { texts, handed: handed.take(), digest, fuel }
}

fn debug(value: &impl Debug) -> String {
    format!("{value:?} {value:#?}")
}

#[track_caller]
fn clean(what: &str, text: &str) {
    assert!(!text.contains(CANARY), "{what} shows the secret:\n{text}");
    assert!(!text.contains("5ecb0b"), "{what} shows a part of the secret:\n{text}");
}

#[test]
fn no_report_trace_or_debug_form_shows_a_secret() {
    for level in [Level::Off, Level::Effects, Level::Steps, Level::Ops] {
        for effects in [Effects::Collected, Effects::Immediate] {
            let seen = run(CANARY, level, effects);
            seen.texts.iter().for_each(|text| clean(level.name(), text));
            assert!(seen.texts.concat().contains("[redacted]"));
            // The host has them all the same.
            assert!(
                seen.handed.len() >= 5 && seen.handed.iter().all(|text| text == CANARY),
                "{:?}",
                seen.handed
            );
        }
    }
}

#[test]
fn what_a_secret_says_changes_neither_digest_nor_fuel() {
    let (one, other) =
        (run(CANARY, Level::Off, Effects::Collected), run(OTHER, Level::Ops, Effects::Collected));
    assert!(one.digest.is_some());
    assert_eq!((one.digest, one.fuel), (other.digest, other.fuel));
}

/// A typed handler says that it is to have a secret, and an answer may be one.
#[test]
fn a_host_function_takes_and_gives_secrets() {
    let text = "INPUT key: secret  QUERY next(key: secret) -> secret?  ACTION LOGIN(key: secret, more: list<secret> MAX 3)\n\
                ON START { LOGIN(next(key) ?? key, [key]) }";
    let program = Program::load(&compile_text("host.swarm", text).0.module.unwrap().encode()).unwrap();
    let inputs = Inputs::new(&program).from_json(&format!("{{\"key\": \"{CANARY}\"}}")).unwrap();
    let had = std::cell::RefCell::new(Vec::new());
    let mut host = Host::new();
    host.query("next", |key: Secret| Some(Secret::new(format!("{} 2", key.expose()))));
    host.action("LOGIN", |key: Secret, more: Vec<Secret>| {
        had.borrow_mut().push(key.expose().to_owned());
        had.borrow_mut().extend(more.iter().map(|own| own.expose().to_owned()));
    });
    let mut run = Instance::new(&program, &inputs, Limits::default(), &Grants::none(), &host).unwrap();
    let report = run.finish(&mut host, None);
    assert_eq!(report.outcome.name(), "done", "{report:?}");
    drop(host);
    assert_eq!(had.take(), [format!("{CANARY} 2"), CANARY.to_owned()]);
    // A handler for a text is none for a secret.
    let mut host = Host::new();
    host.query("next", |_: &str| Some("text"));
    host.action("LOGIN", |_: &str, _: Vec<String>| {});
    let refused = Instance::new(&program, &inputs, Limits::default(), &Grants::none(), &host).unwrap_err();
    assert_eq!(refused.code(), "host_signature_mismatch");
}

#[test]
fn values_show_no_secret_unless_asked() {
    let secret = Secret::new(CANARY);
    let value = Value::List(vec![Value::Secret(secret.clone())]);
    for text in [
        debug(&secret),
        secret.to_string(),
        debug(&value),
        value.to_json(),
        debug(&Answer::value(secret.clone())),
    ] {
        clean("a value", &text);
    }
    assert_eq!(secret.expose(), CANARY);
    assert_eq!(value.to_json_with_secrets(), format!("[\"{CANARY}\"]"));
    let table = Table::builder().strings("key", [CANARY]).build().unwrap();
    clean("a table", &debug(&table));
}

#[test]
fn messages_about_what_does_not_fit_show_no_secret() {
    let program = program();
    let wrong = [
        ("api_key", serde_json::json!([CANARY])),
        ("api_key", serde_json::json!({ CANARY: 1 })),
        ("second_key", serde_json::json!([CANARY])),
        ("logins", serde_json::json!(CANARY)),
        ("logins", serde_json::json!([CANARY])),
        ("logins", serde_json::json!([{"user": "root", "key": [CANARY]}])),
        ("vault", serde_json::json!(CANARY)),
        ("vault", serde_json::json!({"eu": [CANARY]})),
        ("access", serde_json::json!(CANARY)),
        ("access", serde_json::json!({"by": CANARY})),
        ("access", serde_json::json!({"by": {"key": [CANARY]}})),
        ("worker", serde_json::json!(CANARY)),
        ("api_key", serde_json::json!(CANARY.repeat(400))),
    ];
    for (name, value) in wrong {
        let mut document = given(OTHER);
        *document.get_mut(name).unwrap() = value;
        let error = Inputs::new(&program).from_json(&document.to_string()).unwrap_err();
        clean(name, &format!("{error} {error:?}"));
    }
    // Answers that do not fit: the trap, the report and the trace.
    let inputs = Inputs::new(&program).from_json(&given(OTHER).to_string()).unwrap();
    for answer in [
        Value::List(vec![Value::String(CANARY.into())]),
        Value::Record(vec![("key".into(), Value::String(CANARY.into()))]),
    ] {
        let mut host = Host::new();
        host.clock(VirtualClock::default()).otherwise(move |_| Answer::value(answer.clone()));
        let mut run = Instance::new(&program, &inputs, Limits::default(), &Grants::all(), &host).unwrap();
        let mut lines = JsonLines::new();
        let report = run.finish(&mut host, Some((Level::Ops, &mut lines)));
        assert_eq!(report.outcome.name(), "trapped");
        clean("a wrong answer", &(report.to_json() + lines.as_str() + &debug(&report)));
    }
}

#[test]
fn a_snapshot_keeps_the_secret_and_shows_it_to_nobody() {
    let program = program();
    let inputs = Inputs::new(&program).from_json(&given(CANARY).to_string()).unwrap();
    let mut waits = Host::new();
    waits.clock(VirtualClock::default()).otherwise(|_| Answer::pending());
    let mut run = Instance::new(&program, &inputs, Limits::default(), &Grants::all(), &waits).unwrap();
    assert!(matches!(run.run(&mut waits), Exit::Pending(_)));
    let key = SnapshotKey::new([7; 32]);
    let bytes = run.snapshot(&waits, &Seal { key: &key, nonce: [3; 24], at_ns: 0 }).unwrap();
    clean("a snapshot", &debug(&bytes));
    let bytes = bytes.bytes;
    assert!(!bytes.windows(CANARY.len()).any(|window| window == CANARY.as_bytes()), "it is sealed");
    drop(run);

    let handed = std::cell::RefCell::default();
    let unseal = Unseal { key: &key, identity: None, above: 0, at_ns: 0 };
    let mut run = Instance::resume(&program, &inputs, &Grants::all(), &waits, &bytes, &unseal).unwrap();
    let mut host = host(CANARY, &handed);
    let Exit::Pending(call) = run.run(&mut host) else { panic!("it waits for the token") };
    run.resolve(call.id, Answer::value(CANARY)).unwrap();
    let report = run.finish(&mut host, None);
    assert_eq!(report.outcome.name(), "done", "{report:?}");
    drop(host);
    let handed = handed.take();
    assert!(handed.len() >= 4 && handed.iter().all(|text| text == CANARY), "{handed:?}");
}

/// What agents of the simulator can be given.
const FLEET: &str = r#"
TYPE Login { user: string  key: secret }
INPUT key: secret
INPUT logins: list<Login> MAX 4
QUERY token_of(user: string) -> secret
ACTION DEPLOY(key: secret, login: Login?, all: list<secret> MAX 9)
METRIC deployed: int TOTAL

ON START {
  DEPLOY(token_of("root"), first(logins), [key])
  RECORD deployed = 1
}

EVERY 10min {
  FOR EACH login IN logins { DEPLOY(login.key, login, [key, token_of(login.user)]) }
  RECORD deployed = len(logins)
}
"#;

fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("secrets_{name}"));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("p.swarm"), PROGRAM).unwrap();
    let unread = serde_json::json!({"not_read": CANARY});
    let mut input = given(CANARY);
    input.as_object_mut().unwrap().extend(unread.as_object().unwrap().clone());
    std::fs::write(folder.join("in.json"), input.to_string()).unwrap();
    let own = serde_json::json!({"user": "root", "key": CANARY, "spare": CANARY});
    let answers = [
        serde_json::json!({"call": "token_of", "answer": CANARY}),
        serde_json::json!({"call": "session", "with": [CANARY], "answer": own}),
    ];
    let lines = |lines: &[Json]| lines.iter().map(|line| format!("{line}\n")).collect::<String>();
    std::fs::write(folder.join("answers.jsonl"), lines(&answers)).unwrap();
    let events = [
        serde_json::json!({"at": "5s", "event": "ROTATE", "data": {"key": CANARY, "login": own}}),
        serde_json::json!({"at": "6s", "event": "ROTATE", "data": [CANARY, own]}),
    ];
    std::fs::write(folder.join("events.jsonl"), lines(&events)).unwrap();
    folder
}

/// What a command says, on both streams.
fn swarmc(folder: &Path, arguments: &[&str]) -> (String, bool) {
    let output =
        Command::new(env!("CARGO_BIN_EXE_swarmc")).args(arguments).current_dir(folder).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (String::from_utf8(said).unwrap(), output.status.success())
}

#[test]
fn no_command_shows_or_records_a_secret() {
    let folder = folder("run");
    let given = ["--input", "in.json", "--answers", "answers.jsonl", "--events", "events.jsonl"];
    for level in ["off", "effects", "steps", "ops"] {
        for format in ["text", "json"] {
            let more = ["--trace", "t.jsonl", "--trace-level", level, "--format", format];
            let (said, done) = swarmc(&folder, &[&["run", "p.swarm"][..], &given, &more].concat());
            assert!(done, "{said}");
            clean("run", &said);
            assert!(said.contains("[redacted]"), "{said}");
            clean("a trace", &std::fs::read_to_string(folder.join("t.jsonl")).unwrap_or_default());
        }
    }
    let recorded = [&["run", "p.swarm"][..], &given, &["--record", "r.jsonl", "--format", "json"]].concat();
    let (said, done) = swarmc(&folder, &recorded);
    assert!(done, "{said}");
    let first: Json = serde_json::from_str(&said).unwrap();
    clean("a recording", &std::fs::read_to_string(folder.join("r.jsonl")).unwrap());
    // Run again from what was recorded it is the same run.
    let (said, done) = swarmc(&folder, &["replay", "r.jsonl", "--format", "json"]);
    assert!(done, "{said}");
    clean("replay", &said);
    assert!(said.contains(first.get("trace_digest").unwrap().as_str().unwrap()), "{said}");
    let (said, done) = swarmc(&folder, &["replay", "r.jsonl"]);
    assert!(done, "{said}");
    clean("replay", &said);
}

#[test]
fn a_recording_has_all_that_is_no_secret() {
    let folder = folder("whole");
    let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).unwrap();
    let input = serde_json::json!({"n": 1, "later": 7, "key": CANARY});
    write("whole.json", &input.to_string());
    // A secret that nobody reads is one.
    write("unread.swarm", "INPUT n: int\nINPUT key: secret\nFUNC main() -> int { RETURN n }\n");
    // What an earlier text did not read is there for a later one.
    write("plain.swarm", "INPUT n: int\nFUNC main() -> int { RETURN n }\n");
    write("later.swarm", "INPUT n: int\nINPUT later: int\nFUNC main() -> int { RETURN n + later }\n");
    let record = |program: &str, to: &str| {
        let (said, done) = swarmc(&folder, &["run", program, "--input", "whole.json", "--record", to]);
        assert!(done, "{said}");
        clean("a run", &said);
    };
    record("unread.swarm", "unread.jsonl");
    clean("a recording", &std::fs::read_to_string(folder.join("unread.jsonl")).unwrap());
    record("plain.swarm", "plain.jsonl");
    let (said, _) =
        swarmc(&folder, &["replay", "plain.jsonl", "--program", "later.swarm", "--format", "json"]);
    let said: Json = serde_json::from_str(&said).unwrap();
    assert_eq!(said["replayed"]["result"], 8, "{said:#}");
}

/// Every file below a folder, as text.
fn all_text(folder: &Path) -> String {
    let mut text = String::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            text.push_str(&all_text(&path));
        } else {
            text.push_str(&String::from_utf8_lossy(&std::fs::read(&path).unwrap()));
        }
    }
    text
}

/// The simulator makes secrets up: `secret-` and a number.
#[test]
fn a_fleet_reports_and_keeps_no_secret() {
    let folder = folder("fleet");
    std::fs::write(folder.join("fleet.swarm"), FLEET).unwrap();
    std::fs::write(
        folder.join("token.jsonl"),
        format!("{{\"call\": \"token_of\", \"answer\": \"{CANARY}\"}}\n"),
    )
    .unwrap();
    let simulate = ["simulate", "fleet.swarm", "--agents", "9", "--seed", "3", "--answers", "token.jsonl"];
    let (said, _) = swarmc(&folder, &[&simulate[..], &["--traces", "runs", "--for", "2h"]].concat());
    assert!(said.contains("9"), "{said}");
    let kept = all_text(&folder.join("runs"));
    for (what, text) in [("simulate", &said), ("what is kept", &kept)] {
        clean(what, text);
        assert!(!text.contains("secret-"), "{what} shows a made-up secret: {text}");
    }
    assert!(kept.len() > 1_000, "{said}");
    let (said, _) = swarmc(&folder, &["report", "runs", "--format", "json"]);
    clean("a report", &said);
    assert!(!said.contains("secret-"), "{said}");
}
