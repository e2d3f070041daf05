//! One file for each command.

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
mod inspect;
mod keygen;
mod new;
pub(crate) mod order;
mod payload;
mod repl;
mod replay;
mod run;
mod sign;
mod simulate;
mod test;
mod trust;
mod verify;
mod version;

use crate::cli::Command;
use crate::status::{Failure, Status};
use crate::terminal::Terminal;

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
