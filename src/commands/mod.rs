//! One file for each command.

mod agent;
mod bench;
mod check;
mod compile;
mod completions;
mod cost;
mod disasm;
mod doc;
mod explain;
mod fmt;
mod fuzz;
mod grammar;
mod inject;
mod injector;
mod inspect;
mod keygen;
mod monitor;
mod new;
pub(crate) mod order;
mod payload;
mod plan;
pub(crate) mod queue;
mod repl;
mod replay;
mod report;
mod run;
mod schema;
mod shadow;
mod sign;
mod simulate;
mod steps;
mod test;
mod tier;
mod trace;
mod trust;
mod verify;
mod version;

use swarm_node::operator::Intent;

use crate::cli::Command;
use crate::status::{Failure, Status};

use crate::terminal::Terminal;
pub(crate) use agent::key as agent_key;
pub(crate) use plan::{context_of, program_of, role_of};
pub(crate) use simulate::snake_case;

/// Does what the command line asks for.
pub(crate) fn dispatch(command: Command, terminal: Terminal) -> Result<Status, Failure> {
    match command {
        Command::New(arguments) => new::new(&arguments, terminal),
        Command::Check(arguments) => check::check(&arguments, terminal),
        Command::Compile(arguments) => compile::compile(&arguments, terminal),
        Command::Run(arguments) => run::run(&arguments, terminal),
        Command::Replay(arguments) => replay::replay(&arguments, terminal),
        Command::Cost(arguments) => cost::cost(&arguments, terminal),
        Command::Inspect(arguments) => inspect::inspect(&arguments, terminal),
        Command::Disasm(arguments) => disasm::disasm(&arguments, terminal),
        Command::Simulate(arguments) => simulate::simulate(&arguments, terminal),
        Command::Plan(arguments) => plan::plan(&arguments, terminal),
        Command::Inject(arguments) => inject::inject(&arguments, terminal),
        Command::Status(arguments) => steps::status(&arguments, terminal),
        Command::Halt(arguments) => steps::step(Intent::Halt, &arguments, terminal),
        Command::Resume(arguments) => steps::step(Intent::Resume, &arguments, terminal),
        Command::Rollback(arguments) => steps::step(Intent::Rollback, &arguments, terminal),
        Command::Injector(arguments) => injector::injector(&arguments, terminal),
        Command::Agent(arguments) => agent::agent(&arguments, terminal),
        Command::Monitor(arguments) => monitor::monitor(&arguments, terminal),
        Command::Queue(command) => queue::queue(&command, terminal),
        Command::Report(arguments) => report::report(&arguments, terminal),
        Command::Trace(command) => trace::trace(&command, terminal),
        Command::Schema(arguments) => schema::schema(&arguments, terminal),
        Command::Keygen(arguments) => keygen::keygen(&arguments, terminal),
        Command::Sign(arguments) => sign::sign(&arguments, terminal),
        Command::Verify(arguments) => verify::verify(&arguments, terminal),
        Command::Trust(command) => trust::trust(&command, terminal),
        Command::Fmt(arguments) => fmt::fmt(&arguments, terminal),
        Command::Repl(arguments) => repl::repl(&arguments, terminal),
        Command::Test(arguments) => test::test(&arguments, terminal),
        Command::Bench(arguments) => bench::bench(&arguments, terminal),
        Command::Fuzz(arguments) => fuzz::fuzz(&arguments, terminal),
        Command::Doc(arguments) => doc::doc(&arguments, terminal),
        Command::Grammar(arguments) => grammar::grammar(&arguments, terminal),
        Command::Explain(arguments) => explain::explain(&arguments, terminal),
        Command::Completions(arguments) => completions::completions(&arguments, terminal),
        Command::Version => version::version(terminal),
    }
}
