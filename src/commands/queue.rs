//! `swarmc queue`: puts tasks into a queue that agents take them from, and says how it stands.

use std::path::Path;

use serde_json::{Map, Value, json};
use swarm_bus::queue::{Added, Queue, QueueError, Settings, Status as Stands, Task};

use crate::cli::{QueueAddArguments, QueueCommand, QueueReviveArguments, QueueShowArguments};
use crate::fleet::{no_bus, open};
use crate::render::module::row;
use crate::render::style::{bold, error, good, warning};
use crate::render::text::{cut, grouped, plural, safe};
use crate::status::{Failure, Fault, Status};
use crate::terminal::Terminal;
use crate::{files, keys};

/// Tasks that are added in a few round trips together.
const AT_ONCE: usize = 1_000;

/// Tasks that are not tried again, named before the rest is only counted.
const MOST_NAMED: usize = 12;

/// Most of them in a document.
const MOST_DEAD: usize = 1_000;

/// Does what the subcommand says.
pub(crate) fn queue(command: &QueueCommand, terminal: Terminal) -> Result<Status, Failure> {
    match command {
        QueueCommand::Add(arguments) => add(arguments, terminal),
        QueueCommand::Show(arguments) => show(arguments, terminal),
        QueueCommand::Revive(arguments) => revive(arguments, terminal),
    }
}

fn add(arguments: &QueueAddArguments, terminal: Terminal) -> Result<Status, Failure> {
    let tasks = tasks(&arguments.file, arguments.attempts)?;
    let bus = open(&arguments.bus.bus)?;
    let mut queue = Queue::open(bus, &arguments.name, Settings::default()).map_err(unusable)?;
    let (mut new, mut known, mut other) = (0_usize, 0_usize, Vec::new());
    for part in tasks.chunks(AT_ONCE) {
        let added = queue.add(part, now()).map_err(unusable)?;
        for (task, added) in part.iter().zip(added) {
            match added {
                Added::New => new = new.saturating_add(1),
                Added::Known => known = known.saturating_add(1),
                Added::Other => other.push(task.id.clone()),
            }
        }
    }
    if terminal.json() {
        let document = json!({ "queue": arguments.name, "added": new, "known": known, "conflicts": other });
        terminal.document(document)?;
    } else {
        let known =
            if known == 0 { String::new() } else { format!(", {} known already", grouped(known as u128)) };
        terminal.data(&format!(
            "{} added to {}{known}\n",
            plural(new, "task"),
            bold(&safe(&arguments.name))
        ))?;
        for id in &other {
            terminal.talk(&format!("{} is there with another content\n", warning(&safe(id))));
        }
    }
    Ok(if other.is_empty() { Status::Done } else { Status::Failed })
}

/// The tasks of a file: an array of rows as a program's `task_queue` has them.
fn tasks(path: &Path, attempts: Option<u32>) -> Result<Vec<Task>, Failure> {
    let (_, document) = files::read_json(path)?;
    let file = files::display_name(path);
    let unfit = |message: String| {
        Failure::usage(Fault::WrongData, format_args!("{file}: {message}")).file(file.clone())
    };
    // As `--input` has them too.
    let rows = match document {
        Value::Array(rows) => rows,
        Value::Object(mut inputs) => match inputs.remove("task_queue") {
            Some(Value::Array(rows)) => rows,
            _ => return Err(unfit("tasks are an array, or the array `task_queue` of an object".to_owned())),
        },
        _ => return Err(unfit("tasks are an array of objects".to_owned())),
    };
    let task = |(number, row): (usize, &Value)| {
        let id = row.get("id").and_then(Value::as_str).filter(|id| !id.is_empty());
        let id = id.ok_or_else(|| unfit(format!("task {number} has no `id`, which is a text")))?;
        let priority = row.get("priority").and_then(Value::as_i64).unwrap_or(0).clamp(0, u8::MAX.into());
        let priority = u8::try_from(priority).unwrap_or(u8::MAX);
        Ok(Task { id: id.to_owned(), payload: row.to_string().into_bytes(), priority, attempts })
    };
    rows.iter().enumerate().map(|(at, row)| task((at.saturating_add(1), row))).collect()
}

fn find(url: &str, name: &str) -> Result<Queue, Failure> {
    let queue = Queue::find(open(url)?, name).map_err(unusable)?;
    queue.ok_or_else(|| {
        Failure::usage(Fault::NoState, format_args!("the bus knows of no queue {name}"))
            .note("`swarmc queue add` makes one")
    })
}

fn show(arguments: &QueueShowArguments, terminal: Terminal) -> Result<Status, Failure> {
    let mut queue = find(&arguments.bus.bus, &arguments.name)?;
    if let Some(id) = &arguments.task {
        let stands = queue.status(id).map_err(unusable)?.ok_or_else(|| no_task(id))?;
        let result = queue.result(id).map_err(unusable)?;
        let result = result.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        let mut document = stands_json(&stands);
        document.insert("result".to_owned(), result.clone().into());
        if terminal.json() {
            terminal.document(json!({ "queue": arguments.name, "task": id, "stands": document }))?;
        } else {
            let result = result.map_or_else(String::new, |result| format!(": {}", safe(&result)));
            terminal.data(&format!("{}  {}{result}\n", bold(&safe(id)), in_words(&stands)))?;
        }
        return Ok(Status::Done);
    }
    let counts = queue.counts().map_err(unusable)?;
    let dead = queue.dead(MOST_DEAD).map_err(unusable)?;
    if terminal.json() {
        let named: Map<String, Value> =
            dead.iter().map(|(id, stands)| (id.clone(), Value::Object(stands_json(stands)))).collect();
        terminal.document(json!({
            "queue": arguments.name, "ready": counts.ready, "leased": counts.leased, "done": counts.done,
            "dead": counts.dead, "dead_tasks": named,
        }))?;
        return Ok(Status::Done);
    }
    let mut text = format!("{}\n", bold(&safe(&arguments.name)));
    let sum = format!(
        "{} waiting, {} at work, {} done, {} given up",
        grouped(counts.ready.into()),
        grouped(counts.leased.into()),
        grouped(counts.done.into()),
        grouped(counts.dead.into())
    );
    row(&mut text, "tasks", &sum);
    for (id, stands) in dead.iter().take(MOST_NAMED) {
        row(&mut text, "", &format!("{}  {}", safe(id), in_words(stands)));
    }
    terminal.data(&text)?;
    Ok(Status::Done)
}

fn revive(arguments: &QueueReviveArguments, terminal: Terminal) -> Result<Status, Failure> {
    let mut queue = find(&arguments.bus.bus, &arguments.name)?;
    for id in &arguments.tasks {
        queue.revive(id, now()).map_err(|error| match error {
            QueueError::Task(..) => no_task(id).note("only a task that was given up is revived"),
            error => unusable(error),
        })?;
    }
    if terminal.json() {
        terminal.document(json!({ "queue": arguments.name, "revived": arguments.tasks }))?;
    } else {
        terminal.data(&format!("{} revived\n", plural(arguments.tasks.len(), "task")))?;
    }
    Ok(Status::Done)
}

fn no_task(id: &str) -> Failure {
    Failure::usage(Fault::NoState, format_args!("the queue has no such task: {id}"))
}

/// A queue that cannot be used.
pub(crate) fn unusable(error: QueueError) -> Failure {
    match error {
        QueueError::Bus(error) => no_bus(&error),
        QueueError::Unfit(message) => Failure::usage(Fault::Arguments, message),
        error => Failure::usage(Fault::NoState, error),
    }
}

fn in_words(stands: &Stands) -> String {
    match stands {
        Stands::Ready { tried: 0, .. } => "waits".to_owned(),
        Stands::Ready { tried, .. } => warning(&format!("waits, tried {tried}×")),
        Stands::Leased { worker, note, .. } if note.is_empty() => format!("at {}", safe(worker)),
        Stands::Leased { worker, note, .. } => format!("at {}: {}", safe(worker), safe(note)),
        Stands::Done { .. } => good("done"),
        Stands::Dead { reason, tried, .. } => {
            error(&format!("given up after {tried}×: {}", cut(&safe(reason), 80)))
        }
    }
}

fn stands_json(stands: &Stands) -> Map<String, Value> {
    let document = match stands {
        Stands::Ready { from, tried } => json!({ "state": "ready", "from_ms": from, "tried": tried }),
        Stands::Leased { worker, until, note } => {
            json!({ "state": "leased", "worker": worker, "until_ms": until, "note": note })
        }
        Stands::Done { at } => json!({ "state": "done", "at_ms": at }),
        Stands::Dead { at, reason, tried } => {
            json!({ "state": "dead", "at_ms": at, "reason": reason, "tried": tried })
        }
    };
    match document {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

/// Milliseconds since the Unix epoch.
fn now() -> u64 {
    u64::try_from(keys::now().checked_div(1_000_000).unwrap_or(0)).unwrap_or(0)
}
