//! `swarmc bench`: how long a run takes, and what it uses.

use std::hint::black_box;
use std::time::{Duration, Instant};

use allocation_counter::AllocationInfo;
use serde_json::json;
use swarm_bytecode::codec::digest_text;
use swarm_vm::{Effects, Grants, Host, Instance, Limits, Program, Report};

use crate::cli::BenchArguments;
use crate::commands::run::{host, refused};
use crate::data::Data;
use crate::files;
use crate::program;
use crate::render::style::{bold, dim};
use crate::render::text::{grouped, plural, safe};
use crate::render::{amount, diagnostic};
use crate::status::{Failure, Status};
use crate::terminal::Terminal;

/// Parts the time is divided into; each gives one figure.
const SAMPLES: u32 = 50;
/// Runs of a sample at most: each needs an instance that is made before.
const MOST_RUNS: usize = 10_000;

/// Runs the program over and over and tells how long a run takes.
pub(crate) fn bench(arguments: &BenchArguments, terminal: Terminal) -> Result<Status, Failure> {
    let files = [Some(&arguments.file), arguments.data.input.as_ref(), arguments.data.context.as_ref()];
    files::one_standard_input(files.into_iter().flatten())?;
    let Some(loaded) = program::load(&arguments.file, program::options(false), terminal)? else {
        return Ok(Status::Failed);
    };
    let program = Program::load(&loaded.bytes).map_err(|error| refused(&error, &arguments.data))?;
    let mut host = host(&arguments.data, &program)?;
    let data = Data::gather(&arguments.data, &program)?;
    let limits = Limits::of_header(&program.module().instruction);
    let fresh = |host: &Host<'_>| {
        Instance::new(&program, &data.inputs, limits, &Grants::all(), host)
            .map(|instance| instance.effects(Effects::Collected).without_action_log().without_digest())
    };
    let mut first = fresh(&host).map_err(|error| refused(&error, &arguments.data))?;
    let report = first.finish(&mut host, None);
    let mut second = fresh(&host).map_err(|error| refused(&error, &arguments.data))?;
    let allocations = allocation_counter::measure(|| drop(black_box(second.run(&mut host))));

    let whole = Duration::from_nanos(u64::try_from(arguments.time).unwrap_or(0));
    let mut sample = |runs: usize| {
        let instances: Result<Vec<Instance>, _> = (0..runs).map(|_| fresh(&host)).collect();
        let mut instances = instances.map_err(|error| refused(&error, &arguments.data))?;
        let start = Instant::now();
        // Counting would take time.
        allocation_counter::opt_out(|| {
            for instance in &mut instances {
                black_box(instance.run(&mut host));
            }
        });
        Ok(start.elapsed())
    };
    let runs = warm_up(whole, &mut sample)?;
    let mut times = Vec::new();
    let start = Instant::now();
    while times.is_empty() || (start.elapsed() < whole && times.len() < SAMPLES as usize) {
        times.push(sample(runs)?.as_secs_f64() * 1e9 / runs as f64);
    }
    times.sort_by(f64::total_cmp);
    let figures = Figures { times, runs, allocations, report: &report };
    if terminal.json() {
        let mut document = figures.document();
        if let Some(members) = document.as_object_mut() {
            members.insert("diagnostics".into(), diagnostic::for_programs(&[loaded.findings]));
        }
        terminal.document(document)?;
    } else {
        terminal.data(&figures.page(data.origin.as_deref()))?;
    }
    Ok(if report.outcome.applies() { Status::Done } else { Status::Failed })
}

/// Runs until caches are warm, a fifth of the time; gives how many runs make a sample.
fn warm_up(
    whole: Duration,
    sample: &mut impl FnMut(usize) -> Result<Duration, Failure>,
) -> Result<usize, Failure> {
    let wanted = whole.checked_div(SAMPLES).unwrap_or(whole);
    let start = Instant::now();
    let mut runs = 1_usize;
    loop {
        let took = sample(runs)?;
        if start.elapsed() >= whole.checked_div(5).unwrap_or(whole) {
            return Ok(runs);
        }
        if took < wanted && runs < MOST_RUNS {
            runs = runs.saturating_mul(2).min(MOST_RUNS);
        }
    }
}

/// What was measured. Times are in nanoseconds a run, ascending; at least one.
struct Figures<'a> {
    times: Vec<f64>,
    runs: usize,
    /// Of one run.
    allocations: AllocationInfo,
    report: &'a Report,
}

impl Figures<'_> {
    /// The time that so many of a hundred samples do not exceed.
    fn quantile(&self, percent: usize) -> f64 {
        let last = self.times.len().saturating_sub(1);
        let at = last.saturating_mul(percent).checked_div(100).unwrap_or(0);
        self.times.get(at).copied().unwrap_or(0.0)
    }

    fn page(&self, origin: Option<&str>) -> String {
        let report = self.report;
        let data = origin.map_or(String::new(), |origin| format!(" · {}", safe(origin)));
        let [low, median, high] = [5, 50, 95].map(|percent| self.quantile(percent));
        let spread = if median > 0.0 { (high - low) / median * 100.0 } else { 0.0 };
        let measured =
            format!("median of {} of {}", plural(self.times.len(), "sample"), plural(self.runs, "run"));
        let per_unit = if report.fuel_used > 0 { median / report.fuel_used as f64 } else { 0.0 };
        format!(
            "{}{data}\n\n  time        {} a run  {}\n  spread      {} to {}, {spread:.0}% of the median  {}\n  \
             fuel        {}  {}\n  memory      {}\n  allocations {}  {}\n  host calls  {}\n  outcome     {}\n",
            bold(&safe(&report.instruction)),
            time(median),
            dim(&measured),
            time(low),
            time(high),
            dim("the middle nine tenths"),
            grouped(report.fuel_used.into()),
            dim(&format!("{per_unit:.2} ns a unit")),
            amount::data(report.memory_peak_bytes.into()),
            grouped(self.allocations.count_total.into()),
            dim(&format!("{} in all", amount::data(self.allocations.bytes_total.into()))),
            grouped(report.host_calls.into()),
            report.outcome.name(),
        )
    }

    fn document(&self) -> serde_json::Value {
        let report = self.report;
        json!({
            "instruction": report.instruction.as_str(),
            "digest": digest_text(&report.digest),
            "outcome": report.outcome.name(),
            "samples": self.times.len(),
            "runs_per_sample": self.runs,
            "ns_per_run": {
                "median": self.quantile(50), "p5": self.quantile(5), "p95": self.quantile(95),
                "min": self.quantile(0), "max": self.quantile(100),
            },
            "allocations_per_run": {
                "count": self.allocations.count_total, "bytes": self.allocations.bytes_total,
            },
            "fuel_used": report.fuel_used,
            "memory_peak_bytes": report.memory_peak_bytes,
            "host_calls": report.host_calls,
            "actions_issued": report.actions_issued,
        })
    }
}

/// Nanoseconds in a unit that leaves three digits.
fn time(nanoseconds: f64) -> String {
    match nanoseconds {
        ns if ns < 1e3 => format!("{ns:.0} ns"),
        ns if ns < 1e6 => format!("{:.2} µs", ns / 1e3),
        ns if ns < 1e9 => format!("{:.2} ms", ns / 1e6),
        ns => format!("{:.2} s", ns / 1e9),
    }
}
