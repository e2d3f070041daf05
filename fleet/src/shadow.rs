//! Shadows: what a program would have done beside the one that runs, told by each agent and added up by
//! whoever asked.
//!
//! ```text
//! comparison = "SWRC" version agent incarnation window order beside old new
//! beside     = 0, or 1 digest           old, new = totals, as a window has them
//! ```

use std::collections::{BTreeMap, BTreeSet};

use smol_str::SmolStr;
use swarm_bytecode::module::Metric;

use crate::codec::{Reader, Writer};
use crate::name::Name;
use crate::order::Sha256Digest;
use crate::refusal::{Cause, Refusal};
use crate::window::{Actions, Figure, Totals};

const MAGIC: [u8; 4] = *b"SWRC";
const VERSION: u8 = 1;

/// What one agent's two programs did since the shadow began there.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// Whose.
    pub agent: Name,
    /// Of which start.
    pub incarnation: u64,
    /// The highest of an incarnation counts.
    pub window: u64,
    /// The order that is tried.
    pub order: [u8; 16],
    /// The program it runs beside; `None`: nothing ran.
    pub beside: Option<Sha256Digest>,
    /// What that did.
    pub old: Totals,
    /// What the program in shadow did, and what it would have had done.
    pub new: Totals,
}

impl Comparison {
    /// In bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.raw(&MAGIC);
        writer.byte(VERSION);
        writer.name(&self.agent);
        writer.unsigned(self.incarnation);
        writer.unsigned(self.window);
        writer.raw(&self.order);
        writer.byte(u8::from(self.beside.is_some()));
        if let Some(digest) = &self.beside {
            writer.raw(digest);
        }
        self.old.write(&mut writer);
        self.new.write(&mut writer);
        writer.bytes
    }

    /// Reads a comparison.
    ///
    /// # Errors
    /// [`Cause::NoPlan`] where the bytes are not the one form of it.
    pub fn decode(bytes: &[u8]) -> Result<Comparison, Refusal> {
        let mut reader = Reader::new(bytes, Cause::NoPlan);
        reader.expect(&MAGIC, "a comparison begins with `SWRC`")?;
        reader.expect(&[VERSION], "version 1 is known here")?;
        let comparison = Comparison {
            agent: reader.name()?,
            incarnation: reader.unsigned(u64::MAX)?,
            window: reader.unsigned(u64::MAX)?,
            order: reader.array()?,
            beside: if reader.flag()? { Some(reader.array()?) } else { None },
            old: Totals::read(&mut reader)?,
            new: Totals::read(&mut reader)?,
        };
        reader.end()?;
        Ok(comparison)
    }
}

/// What all agents told of one order, whatever was lost, doubled or late.
#[derive(Debug, Clone, Default)]
pub struct Comparisons {
    order: [u8; 16],
    /// By agent and incarnation, the highest window.
    told: BTreeMap<(Name, u64), Comparison>,
}

/// Two figures of the same name. One that a program does not have is `None`.
#[derive(Debug, Clone, PartialEq)]
pub struct Pair<T> {
    /// Of what.
    pub name: SmolStr,
    /// The program that runs.
    pub old: Option<T>,
    /// The one in shadow.
    pub new: Option<T>,
    /// Agents at which the two differ.
    pub differ: usize,
}

/// The difference between two programs, over all agents at which they ran side by side.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Difference {
    /// Agents that told of both.
    pub agents: usize,
    /// Of those, the ones whose actions are the same.
    pub same: usize,
    /// Agents at which it ran alone, or beside another program than the plan's.
    pub alone: usize,
    /// Agents at which it came to its end.
    pub over: usize,
    /// Activations of either.
    pub activations: (u64, u64),
    /// Fuel of either.
    pub fuel: (u64, u64),
    /// Micro-dollars of either; what the shadow would have spent was not spent.
    pub money: (i64, i64),
    /// Tokens of either.
    pub tokens: (i64, i64),
    /// Actions, ascending by name. Those of the shadow were not performed.
    pub actions: Vec<Pair<Actions>>,
    /// Metrics, ascending by name.
    pub metrics: Vec<Pair<Figure>>,
}

impl Comparisons {
    /// Nothing yet, of this order.
    pub fn new(order: [u8; 16]) -> Comparisons {
        Comparisons { order, told: BTreeMap::new() }
    }

    /// Takes what an agent tells.
    pub fn take(&mut self, comparison: &Comparison) {
        if comparison.order != self.order {
            return;
        }
        let key = (comparison.agent.clone(), comparison.incarnation);
        let newer = self.told.get(&key).is_none_or(|own| own.window <= comparison.window);
        if newer {
            self.told.insert(key, comparison.clone());
        }
    }

    /// How many agents have told that the shadow is over there.
    pub fn over(&self) -> usize {
        self.last().filter(|comparison| !comparison.new.endings.is_empty()).count()
    }

    /// The last incarnation of each agent.
    fn last(&self) -> impl Iterator<Item = &Comparison> {
        let last: BTreeMap<&Name, &Comparison> =
            self.told.iter().map(|((name, _), comparison)| (name, comparison)).collect();
        last.into_values()
    }

    /// The difference between a program that runs, if one does, and the one in shadow; each with its metrics.
    pub fn difference(&self, old: Option<(Sha256Digest, &[Metric])>, new: &[Metric]) -> Difference {
        let digest = old.map(|(digest, _)| digest);
        let beside = |name: &Name| {
            let own = self.told.range((name.clone(), 0)..=(name.clone(), u64::MAX));
            own.map(|(_, comparison)| comparison).filter(|own| own.beside.is_some() && own.beside == digest)
        };
        let mut difference = Difference { over: self.over(), ..Difference::default() };
        let (mut sums, mut actions) = (Sums::default(), BTreeSet::new());
        for agent in self.last().map(|comparison| &comparison.agent) {
            let mut own = Sums::default();
            beside(agent).for_each(|comparison| own.add(&comparison.old, &comparison.new));
            let Some((one, other)) = own.0.as_ref() else {
                difference.alone = difference.alone.saturating_add(1);
                continue;
            };
            difference.agents = difference.agents.saturating_add(1);
            difference.same = difference.same.saturating_add(usize::from(counted(one).eq(counted(other))));
            actions.extend(one.actions.keys().chain(other.actions.keys()).cloned());
            sums.compare(one, other);
            sums.add(one, other);
        }
        let Some((one, other)) = &sums.0 else { return difference };
        difference.activations = (one.activations, other.activations);
        difference.fuel = (one.fuel, other.fuel);
        difference.money = (one.money, other.money);
        difference.tokens = (one.tokens, other.tokens);
        difference.actions = actions
            .into_iter()
            .map(|name| Pair {
                old: one.actions.get(&name).copied(),
                new: other.actions.get(&name).copied(),
                differ: sums.1.get(&name).copied().unwrap_or(0),
                name,
            })
            .collect();
        difference.metrics = metrics(old.map_or(&[], |(_, metrics)| metrics), one, new, other);
        difference
    }
}

/// What an agent did, without what it did not do once.
fn counted(totals: &Totals) -> impl Iterator<Item = (&SmolStr, &Actions)> {
    totals.actions.iter().filter(|(_, actions)| **actions != Actions::default())
}

/// Both programs' sums, and by action the agents at which they differ.
#[derive(Default)]
struct Sums(Option<(Totals, Totals)>, BTreeMap<SmolStr, usize>);

impl Sums {
    fn add(&mut self, old: &Totals, new: &Totals) {
        match &mut self.0 {
            Some((one, other)) => {
                one.merge(old);
                other.merge(new);
            }
            None => self.0 = Some((old.clone(), new.clone())),
        }
    }

    fn compare(&mut self, old: &Totals, new: &Totals) {
        let names: BTreeSet<&SmolStr> = old.actions.keys().chain(new.actions.keys()).collect();
        for name in names.into_iter().filter(|name| old.actions.get(*name) != new.actions.get(*name)) {
            let differ = self.1.entry(name.clone()).or_default();
            *differ = differ.saturating_add(1);
        }
    }
}

fn metrics(old: &[Metric], one: &Totals, new: &[Metric], other: &Totals) -> Vec<Pair<Figure>> {
    let by_name = |metrics: &[Metric], totals: &Totals| -> BTreeMap<SmolStr, Figure> {
        let names = metrics.iter().map(|metric| SmolStr::new(&metric.name));
        names.zip(totals.figures.iter().cloned()).collect()
    };
    let (mut old, mut new) = (by_name(old, one), by_name(new, other));
    let names: BTreeSet<SmolStr> = old.keys().chain(new.keys()).cloned().collect();
    let pair = |name: SmolStr| Pair { old: old.remove(&name), new: new.remove(&name), name, differ: 0 };
    names.into_iter().map(pair).collect()
}
