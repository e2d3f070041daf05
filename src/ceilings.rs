//! What a local run may use, and which word each limit is from.

use serde_json::{Value, json};
use swarm_bytecode::module::Module;
use swarm_bytecode::quantity;
use swarm_bytecode::types::TypeId;
use swarm_vm::Limits;

use crate::cli::LimitArguments;
use crate::render::bound::{money_text, tokens_text};
use crate::render::text::grouped;

/// Where a limit is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    /// What every run has.
    Default,
    /// The header's clause of this name.
    Header(&'static str),
    /// The option of this name.
    Flag(&'static str),
}

impl Source {
    fn name(self) -> &'static str {
        match self {
            Source::Default => "default",
            Source::Header(name) | Source::Flag(name) => name,
        }
    }
}

/// The limits of a run: those of its header, where no option says otherwise.
#[derive(Debug, Clone)]
pub(crate) struct Ceilings {
    pub(crate) limits: Limits,
    fuel: Source,
    memory: Source,
    money: Source,
    tokens: Source,
    time: Source,
    /// Among how many agents the BUDGET is dealt out.
    agents: Option<u32>,
}

impl Ceilings {
    pub(crate) fn new(module: &Module, flags: &LimitArguments) -> Ceilings {
        let header = &module.instruction;
        let from = |given: bool, name| if given { Source::Header(name) } else { Source::Default };
        let mut ceilings = Ceilings {
            limits: Limits::of_header(header),
            fuel: Source::Default,
            memory: Source::Default,
            money: from(header.budget_money.is_some(), "BUDGET"),
            tokens: from(header.budget_tokens.is_some(), "BUDGET"),
            time: from(header.deadline_ns.is_some(), "DEADLINE"),
            agents: header.target.and_then(|target| target.count.number()),
        };
        let Ceilings { limits, fuel, memory, money, tokens, time, .. } = &mut ceilings;
        let whole = |value: i64| u64::try_from(value).unwrap_or(0);
        if let Some(units) = flags.fuel {
            (*limits, *fuel) = (limits.fuel(whole(units)), Source::Flag("--fuel"));
        }
        if let Some(bytes) = flags.memory {
            (*limits, *memory) = (limits.memory_bytes(whole(bytes)), Source::Flag("--memory"));
        }
        if let Some(nanoseconds) = flags.deadline {
            (*limits, *time) = (limits.deadline_ns(whole(nanoseconds)), Source::Flag("--deadline"));
        }
        if let Some(micro_dollars) = flags.budget {
            (*limits, *money) = (limits.money(micro_dollars), Source::Flag("--budget"));
        }
        if let Some(count) = flags.tokens {
            (*limits, *tokens) = (limits.tokens(count), Source::Flag("--tokens"));
        }
        ceilings
    }

    /// The time is virtual: the header's DEADLINE ends the order, not the patience for one run.
    #[must_use]
    pub(crate) fn in_virtual_time(mut self) -> Ceilings {
        if !matches!(self.time, Source::Flag(_)) {
            self.limits = self.limits.deadline_ns(u64::MAX);
        }
        self
    }

    fn sources(&self) -> [(&'static str, Source); 5] {
        [
            ("fuel", self.fuel),
            ("memory", self.memory),
            ("money", self.money),
            ("tokens", self.tokens),
            ("time", self.time),
        ]
    }

    /// Those that are not the defaults, for people; nothing if all are.
    pub(crate) fn for_people(&self) -> Option<String> {
        let mut parts: Vec<String> = Vec::new();
        for name in ["--fuel", "--memory", "--budget", "--tokens", "--deadline", "BUDGET", "DEADLINE"] {
            let sources = self.sources();
            let own = sources.iter().filter(|(_, source)| source.name() == name).map(|(what, _)| *what);
            let own: Vec<&str> = own.collect();
            if own.is_empty() {
                continue;
            }
            let what = own.join(" and ");
            parts.push(match self.agents.filter(|agents| name == "BUDGET" && *agents > 1) {
                Some(agents) => format!(
                    "{what} by BUDGET, of which each of {} agents has its part",
                    grouped(agents.into())
                ),
                None => format!("{what} by {name}"),
            });
        }
        (!parts.is_empty()).then(|| format!("{}; else the defaults", parts.join("; ")))
    }

    /// For programs.
    pub(crate) fn for_programs(&self) -> Value {
        let limits = &self.limits;
        let positive = |value: i64| u64::try_from(value).unwrap_or(0);
        let time =
            i64::try_from(limits.deadline_ns).ok().map(|time| quantity::format(TypeId::DURATION, time));
        json!({
            "fuel": { "limit": limits.fuel, "from": self.fuel.name() },
            "memory_bytes": { "limit": limits.memory_bytes, "from": self.memory.name() },
            "host_calls": { "limit": limits.host_calls, "from": "default" },
            "money": { "limit": money_text(positive(limits.money)), "from": self.money.name() },
            "tokens": { "limit": tokens_text(positive(limits.tokens)), "from": self.tokens.name() },
            "deadline": { "limit": time, "from": self.time.name() },
        })
    }
}
