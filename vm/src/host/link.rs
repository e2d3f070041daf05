//! Which function of a host answers which import: looked up and checked once, not at every call.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use swarm_bytecode::cost;
use swarm_bytecode::module::{Amount, Effect, Import, Module};
use swarm_bytecode::types::Type;

use super::Host;
use crate::decode::{Code, Site, SiteTarget};
use crate::limits::Grants;
use crate::program::Program;
use crate::slot;
use crate::trace::ActionForm;

/// What answers an import.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Target {
    /// The host's function at this index.
    Own(u32),
    /// The host's handler for everything else.
    Otherwise,
    /// The host's function takes or gives other types.
    Misfit,
    /// Nothing.
    #[default]
    Missing,
}

impl Target {
    /// Why it does not answer.
    pub(crate) const fn problem(self) -> &'static str {
        match self {
            Target::Misfit => "the host's function of this name has other types",
            _ => "the host has no such function",
        }
    }
}

/// An import with all that can be known of its calls before they are made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Link {
    pub(crate) target: Target,
    /// Whether that never says more than "done".
    pub(crate) silent: bool,
    /// Whether its capability is granted, if it needs one.
    pub(crate) granted: bool,
    /// Whether the agent has vetoes of its own for it.
    pub(crate) vetoed: bool,
    /// Whether it is an action without anything to compute or to ask first.
    pub(crate) plain: bool,
    /// Micro-dollars and tokens, where `plain`.
    pub(crate) cost: (i64, i64),
    /// Dynamic charge of a call without texts.
    pub(crate) charge: i64,
    /// Whether there are texts among its parameters.
    pub(crate) texts: bool,
    /// Logical bytes of a call.
    pub(crate) bytes: u64,
    /// How the events of an action are written.
    pub(crate) form: ActionForm,
}

/// Dynamic charge of a call that takes texts.
#[inline(never)]
pub(crate) fn charge_with_texts(code: &Code, import: &Import, arguments: &[u64]) -> i64 {
    let texts = code.text_bytes(import, arguments);
    let count = u64::from(slot::count(arguments.len()));
    i64::try_from(cost::host_call(count, texts)).unwrap_or(i64::MAX)
}

/// The site of a host call that can be made in place, with all that takes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ready {
    /// Whether it has at most two arguments, none is a text, and `function` answers it.
    pub(crate) small: bool,
    /// How many arguments, or [`Ready::NOT`].
    pub(crate) count: u8,
    /// Which of them are references: a bit for each.
    pub(crate) shares: u8,
    /// Whether there are texts among them.
    pub(crate) texts: bool,
    pub(crate) registers: [u8; Ready::MOST],
    pub(crate) import: u16,
    /// What answers it.
    pub(crate) target: Target,
    /// The same, where it is a function of the host's own.
    pub(crate) function: u32,
    /// As in [`Link`].
    pub(crate) silent: bool,
    /// Its number, and its word.
    pub(crate) number: u32,
    pub(crate) pc: u32,
    /// As in [`Link`].
    pub(crate) charge: i64,
    /// As in [`Link`].
    pub(crate) bytes: u64,
    /// As in [`Link`].
    pub(crate) cost: (i64, i64),
}

impl Ready {
    /// Most arguments.
    pub(crate) const MOST: usize = 4;
    /// The `count` of what is no call that can be made in place.
    pub(crate) const NOT: u8 = u8::MAX;

    fn new(code: &Code, table: &[Link], (number, site): (u32, Site)) -> Option<Ready> {
        let SiteTarget::Import(import) = site.target else { return None };
        let link = table.get(import.index()).filter(|link| link.plain)?;
        let arguments = code.arguments(site);
        let mut ready = Ready {
            count: u8::try_from(arguments.len()).ok().filter(|count| usize::from(*count) <= Ready::MOST)?,
            small: arguments.len() <= 2 && !link.texts && matches!(link.target, Target::Own(_)),
            texts: link.texts,
            import: import.0,
            target: link.target,
            function: if let Target::Own(function) = link.target { function } else { 0 },
            silent: link.silent,
            number,
            pc: site.pc,
            charge: link.charge,
            bytes: link.bytes,
            cost: link.cost,
            ..Ready::default()
        };
        for (at, (register, argument)) in (0u32..).zip(ready.registers.iter_mut().zip(arguments)) {
            *register = argument.register;
            ready.shares |= u8::from(argument.shares).checked_shl(at).unwrap_or(0);
        }
        Some(ready)
    }
}

impl Default for Ready {
    fn default() -> Self {
        Ready {
            small: false,
            count: Ready::NOT,
            shares: 0,
            texts: false,
            registers: [0; Ready::MOST],
            import: 0,
            target: Target::Missing,
            function: 0,
            silent: false,
            number: 0,
            pc: 0,
            charge: 0,
            bytes: 0,
            cost: (0, 0),
        }
    }
}

/// All imports of a program, linked to one host as it was. A clone shares them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Links {
    /// The host's stamp at that time.
    stamp: Option<u64>,
    table: Arc<[Link]>,
    /// One for each site of the code.
    sites: Arc<[Ready]>,
    /// The most that any of these calls costs: micro-dollars, tokens.
    most_cost: (i64, i64),
    most_bytes: u64,
}

impl Links {
    /// Links what a program imports to a host.
    pub(crate) fn new(code: &Code, host: &Host<'_>, grants: &Grants) -> Links {
        let module = code.module();
        let table = module.imports.iter().enumerate().map(|(at, import)| {
            let mut link = link(module, import, host);
            link.granted = import.capability.as_ref().is_none_or(|name| grants.contains(name));
            let asked = link.vetoed || module.vetoes.iter().any(|veto| veto.import.index() == at);
            link.plain = link.plain && link.granted && !asked;
            link
        });
        let table: Arc<[Link]> = table.collect();
        let sites = (0..).zip(code.sites.iter().copied());
        let sites = sites.map(|site| Ready::new(code, &table, site).unwrap_or_default());
        let sites: Arc<[Ready]> = sites.collect();
        let costs = sites.iter().map(|site| site.cost);
        let most_cost = costs.fold((0, 0), |most, cost| (cost.0.max(most.0), cost.1.max(most.1)));
        let most_bytes = sites.iter().map(|site| site.bytes).max().unwrap_or(0);
        Links { stamp: Some(host.stamp), sites, most_cost, most_bytes, table }
    }

    /// Makes sure they are made new before they are used again.
    pub(crate) fn expire(&mut self) {
        self.stamp = None;
    }

    /// Whether they hold for the host as it is.
    pub(crate) fn hold(&self, host: &Host<'_>) -> bool {
        self.stamp == Some(host.stamp)
    }

    /// One for each site of the code.
    pub(crate) fn sites(&self) -> &[Ready] {
        &self.sites
    }

    /// One for each import.
    pub(crate) fn table(&self) -> &[Link] {
        &self.table
    }

    /// The most that any of these calls costs.
    pub(crate) fn most_cost(&self) -> (i64, i64) {
        self.most_cost
    }

    /// The most logical bytes of any of these calls.
    pub(crate) fn most_bytes(&self) -> u64 {
        self.most_bytes
    }

    pub(crate) fn get(&self, import: usize) -> Option<&Link> {
        self.table.get(import)
    }
}

/// The program a host was asked for last, so that instances of one program share its links.
#[derive(Debug)]
pub(super) struct Linked {
    pub(super) program: Program,
    pub(super) grants: Grants,
    pub(super) links: Links,
    /// Whether the host has all the program needs, and all of that is granted.
    pub(super) admitted: bool,
}

impl Linked {
    /// Whether it is about this program under these grants, and the host is as it was.
    pub(super) fn is_of(&self, program: &Program, grants: &Grants, host: &Host<'_>) -> bool {
        self.links.hold(host) && self.program.is_same(program) && self.grants == *grants
    }
}

fn link(module: &Module, import: &Import, host: &Host<'_>) -> Link {
    let action = import.effect != Effect::Query;
    let (cost, fixed) = match (import.cost.money, import.cost.tokens) {
        (Amount::Fixed(money), Amount::Fixed(tokens)) => ((money, tokens), money >= 0 && tokens >= 0),
        _ => ((0, 0), false),
    };
    let arguments = u64::from(slot::count(import.parameters.len()));
    let is_text = |ty: &_| matches!(module.ty(*ty), Some(Type::String));
    let target = host.target(module, import);
    Link {
        target,
        silent: host.is_plain(target),
        granted: true,
        vetoed: action && host.may_forbid(&import.name),
        plain: action && fixed && import.effect != Effect::Once,
        cost,
        charge: i64::try_from(cost::host_call(arguments, 0)).unwrap_or(i64::MAX),
        texts: import.parameters.iter().any(is_text),
        bytes: cost::action_bytes(arguments),
        form: ActionForm::new(module, import),
    }
}

/// A number that no other host has, and this one had not before it was changed.
pub(crate) fn next_stamp() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}
