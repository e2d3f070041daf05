//! This machine's process table as the `task_queue` of a program: one `Task` for each process.
//!
//! An operating system does not count network traffic by process, so `network` is 0bps in every row; the run's
//! summary says so. `cost`, `tokens` and `region` are not known either and keep their defaults.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};
use swarm_bytecode::quantity;
use swarm_bytecode::types::{Type, TypeId};
use swarm_vm::{Table, TableError};
use sysinfo::{Process, ProcessRefreshKind, ProcessStatus, ProcessesToUpdate, System};

use crate::status::{Failure, Fault};

/// The input this host provides.
pub(crate) const INPUT: &str = "task_queue";

/// Said beside a run that reads the process table.
pub(crate) const NOTE: &str = "network is 0bps in each task: no operating system counts it by process";

/// The processes that ran at one moment.
#[derive(Debug, Default)]
pub(crate) struct Processes {
    rows: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    pid: u32,
    name: String,
    cpu_time_ns: i64,
    memory_bytes: i64,
    status: &'static str,
}

impl Processes {
    /// The processes that run now, by process id.
    pub(crate) fn now() -> Result<Processes, Failure> {
        let mut system = System::new().map_err(|error| unreadable(&format!("{error:?}")))?;
        let what = ProcessRefreshKind::nothing().with_cpu().with_memory().without_tasks();
        system.refresh_processes_specifics(ProcessesToUpdate::All, true, what);
        let mut rows: Vec<Row> = system.processes().values().map(row).collect();
        rows.sort_unstable_by_key(|row| row.pid);
        Ok(Processes { rows })
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.rows.len()
    }

    /// Name of each process by its id as a task has it.
    pub(crate) fn names(&self) -> BTreeMap<String, String> {
        self.rows.iter().map(|row| (row.pid.to_string(), row.name.clone())).collect()
    }

    /// As tasks.
    pub(crate) fn tasks(&self) -> Result<Arc<Table>, Failure> {
        self.table().map_err(|error| unreadable(&error.to_string()))
    }

    /// As the document that gives the same tasks.
    pub(crate) fn document(&self) -> Value {
        let task = |row: &Row| {
            json!({
                "id": row.pid.to_string(),
                "name": row.name,
                "cpu_time": quantity::format(TypeId::DURATION, row.cpu_time_ns),
                "memory": quantity::format(TypeId::BYTES, row.memory_bytes),
                "network": quantity::format(TypeId::BANDWIDTH, 0),
                "status": row.status,
            })
        };
        self.rows.iter().map(task).collect()
    }

    fn table(&self) -> Result<Arc<Table>, TableError> {
        let rows = &self.rows;
        Table::builder()
            .strings("id", rows.iter().map(|row| row.pid.to_string()))
            .strings("name", rows.iter().map(|row| row.name.as_str()))
            .words("cpu_time", Type::Duration, rows.iter().map(|row| row.cpu_time_ns).collect())
            .words("memory", Type::Bytes, rows.iter().map(|row| row.memory_bytes).collect())
            .words("network", Type::Bandwidth, vec![0; rows.len()])
            .strings("status", rows.iter().map(|row| row.status))
            .build()
    }
}

fn unreadable(reason: &str) -> Failure {
    Failure::usage(Fault::Unreadable, format_args!("cannot read this machine's process table: {reason}"))
}

fn row(process: &Process) -> Row {
    const NANOSECONDS_PER_MILLISECOND: u64 = 1_000_000;
    let carried = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
    Row {
        pid: process.pid().as_u32(),
        name: process.name().to_string_lossy().into_owned(),
        cpu_time_ns: carried(process.accumulated_cpu_time().saturating_mul(NANOSECONDS_PER_MILLISECOND)),
        memory_bytes: carried(process.memory()),
        status: status(process.status()),
    }
}

fn status(status: ProcessStatus) -> &'static str {
    match status {
        ProcessStatus::Run | ProcessStatus::Waking => "running",
        ProcessStatus::Sleep => "sleeping",
        ProcessStatus::Idle | ProcessStatus::Parked => "idle",
        ProcessStatus::UninterruptibleDiskSleep | ProcessStatus::LockBlocked => "waiting",
        ProcessStatus::Stop | ProcessStatus::Tracing | ProcessStatus::Suspended => "stopped",
        ProcessStatus::Zombie | ProcessStatus::Dead => "dead",
        _ => "unknown",
    }
}
