//! `swarmc report`: what came of a run, from its traces and from nothing else; and whether a report can be true.

use std::path::Path;

use serde_json::{Value as Json, json};
use swarm_bytecode::module::Module;
use swarm_bytecode::verify::Verified;
use swarm_fleet::refusal::{Cause, Refusal};
use swarm_fleet::report::{Account, Accountant};
use swarm_fleet::simulate::Conditions;
use swarm_vm::Program;

use crate::cli::{Format, Ranking, ReportArguments, ReportCommand, ReportVerifyArguments};
use crate::files;
use crate::render::fleet::account::{Options, Page, number};
use crate::render::fleet::account_text::{markdown, text};
use crate::render::fleet::plausible::{Impossible, contradictions, differences};
use crate::render::style::{dim, error, good};
use crate::render::text::{grouped, plural, safe};
use crate::run_folder::{Run, refused};
use crate::status::{Failure, Fault, Status};
use crate::terminal::Terminal;

/// Refusals shown to people.
const MOST_SHOWN: usize = 20;

/// Makes a report, or checks one.
pub(crate) fn report(arguments: &ReportArguments, terminal: Terminal) -> Result<Status, Failure> {
    match (&arguments.command, &arguments.run) {
        (Some(ReportCommand::Verify(arguments)), _) => verify(arguments, terminal),
        (None, Some(run)) => make(run, arguments, terminal),
        (None, None) => Err(Failure::usage(Fault::Arguments, "name the folder of a run")),
    }
}

fn make(run: &Path, arguments: &ReportArguments, terminal: Terminal) -> Result<Status, Failure> {
    let options = options(&arguments.ranking)?;
    let (account, module) = account(run)?;
    let page = Page::new(&account, &module, &options);
    if page.ranking().is_none()
        && let Some(name) = &options.rank_by
    {
        let names = module.metrics.iter().map(|metric| metric.name.to_string()).collect::<Vec<_>>();
        return Err(Failure::usage(Fault::Arguments, format_args!("the program has no METRIC `{name}`"))
            .note(format!("it has {}", names.join(", "))));
    }
    match arguments.format {
        Format::Json => terminal.document(Json::Object(page.document()))?,
        Format::Markdown => terminal.data(&markdown(&page))?,
        _ => terminal.data(&text(&page))?,
    }
    let faults = account.lines.iter().any(|line| !line.faults.is_empty());
    Ok(if faults { Status::Refused } else { Status::Done })
}

fn options(ranking: &Ranking) -> Result<Options, Failure> {
    let baseline = ranking.baseline.as_deref().map(files::read_json).transpose()?;
    Ok(Options {
        rank_by: ranking.rank_by.clone(),
        ascending: ranking.ascending,
        minimum_sample: ranking.minimum_sample,
        pot: ranking.pot,
        baseline: baseline.map(|(_, json)| json),
    })
}

/// Computes everything from the folder of a run.
fn account(root: &Path) -> Result<(Account, Module), Failure> {
    let run = Run::open(root)?;
    let verified = Verified::load(&run.program).map_err(|error| {
        Failure::coded(Status::Refused, error.code(), format_args!("the program is refused: {error}"))
    })?;
    let module = verified.module().clone();
    let program = Program::new(verified)
        .map_err(|error| Failure::coded(Status::Refused, error.code(), error.message()))?;
    let folder = run.root().to_owned();
    let ordered = program.digest();
    let mut accountant = Accountant::new(&module, run.evidence).map_err(|refusal| refused(&refusal))?;
    if accountant.plan().order.digest != ordered {
        let message = "the program in the folder is not the one the plan names";
        return Err(refused(&Refusal::new(Cause::OtherModule, message)));
    }
    let context = match accountant.plan().context.as_str() {
        "" => "{}".to_owned(),
        context => context.to_owned(),
    };
    let mut judge = Conditions::new(&program, &context).map_err(|error| {
        Failure::usage(Fault::WrongData, format_args!("the context does not fit: {error}"))
    })?;
    while let Some(name) = accountant.awaits().cloned() {
        accountant.take(&Run::read_trace(&folder, &name)?);
    }
    Ok((accountant.finish(&mut judge), module))
}

fn verify(arguments: &ReportVerifyArguments, terminal: Terminal) -> Result<Status, Failure> {
    let (file, run) = if arguments.report.is_dir() {
        let run = arguments.run.as_ref().unwrap_or(&arguments.report);
        (arguments.report.join("report.json"), Some(run))
    } else {
        (arguments.report.clone(), arguments.run.as_ref())
    };
    let (_, report) = files::read_json(&file)?;
    if report.get("accounting").is_none() || report.get("figures").is_none() {
        let refusal = Refusal::new(Cause::NoReport, "it has no `accounting` and no `figures`");
        return Err(refused(&refusal).file(files::display_name(&file)));
    }
    let mut found = contradictions(&report);
    if let Some(run) = run.filter(|_| found.is_empty()) {
        let options = stated(&report);
        let (account, module) = account(run)?;
        for (name, line) in account.targets.iter().zip(&account.lines) {
            found.extend(line.faults.iter().map(|fault| Impossible {
                cause: fault.cause,
                place: format!("/traces/{name}/{}.{}/{}", fault.incarnation, fault.chunk, fault.entry),
                message: fault.message.clone(),
            }));
        }
        let mut computed = Page::new(&account, &module, &options).document();
        computed.insert("schema_version".into(), crate::terminal::SCHEMA_VERSION.into());
        found.extend(differences(&report, &Json::Object(computed)));
    }
    tell(&found, &files::display_name(&file), run.is_some(), terminal)?;
    Ok(if found.is_empty() { Status::Done } else { Status::Refused })
}

/// The options a report says it was made with. Its baseline is taken at its word: that is another report.
fn stated(report: &Json) -> Options {
    let of = |name: &str| report.pointer(&format!("/options/{name}"));
    let items = report.pointer("/baseline/items").and_then(Json::as_array);
    let baseline = items.map(|items| {
        let figures = items.iter().filter_map(|item| {
            let was = item.get("was")?;
            Some((item.get("figure")?.as_str()?.to_owned(), json!({ "numerator": was, "mean": was })))
        });
        json!({
            "order": report.pointer("/baseline/order"),
            "figures": figures.collect::<serde_json::Map<_, _>>(),
        })
    });
    Options {
        rank_by: of("rank_by").and_then(Json::as_str).map(str::to_owned),
        ascending: of("ascending").and_then(Json::as_bool).unwrap_or(false),
        minimum_sample: of("minimum_sample").and_then(Json::as_u64).unwrap_or(10),
        pot: of("pot").and_then(number).and_then(|pot| i64::try_from(pot).ok()),
        baseline,
    }
}

fn tell(found: &[Impossible], file: &str, against_traces: bool, terminal: Terminal) -> Result<(), Failure> {
    if terminal.json() {
        let items = found.iter().map(|own| {
            json!({ "code": own.cause.code(), "place": own.place, "message": own.message, "help": own.cause.help() })
        });
        return terminal.document(json!({
            "report": file, "recomputed": against_traces, "refused": items.collect::<Vec<_>>(),
        }));
    }
    let mut page = String::new();
    for own in found.iter().take(MOST_SHOWN) {
        let code = error(&format!("error[{}]", own.cause.code()));
        page.push_str(&format!(
            "{code}: {}\n  {} {}: {}\n  {} {}\n",
            own.cause.title(),
            dim("at"),
            safe(&own.place),
            safe(&own.message),
            dim("help:"),
            own.cause.help(),
        ));
    }
    if let Some(more) = found.len().checked_sub(MOST_SHOWN).filter(|more| *more > 0) {
        page.push_str(&format!("… and {} more, all in --format json\n", grouped(more as u128)));
    }
    page.push_str(&match (found.len(), against_traces) {
        (0, true) => format!("{}: every figure follows from the traces\n", good("verified")),
        (0, false) => format!(
            "{}: nothing in it contradicts itself; with --run RUN it is held against the traces\n",
            good("plausible")
        ),
        (count, _) => format!("{}: {}\n", error("refused"), plural(count, "figure")),
    });
    terminal.data(&page)
}
