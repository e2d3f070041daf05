//! The report for programs, and its essence for the governor.

use serde_json::{Map, Value as Json, json};
use swarm_bytecode::codec::digest_text;
use swarm_bytecode::module::Metric;
use swarm_bytecode::quantity::format;
use swarm_bytecode::types::TypeId;
use swarm_fleet::monitor::Verdict;
use swarm_fleet::window::{Figure, Totals};

use super::figure::{duration, signed};
use super::parts::{accounting_json, figures, figures_in_words, sketch_json, value, with_exceptions};
use super::shortfall::Shortfall;
use super::{Report, issued, reason};
use crate::render::bound::money_text;

impl Report<'_> {
    /// The report for programs.
    pub(crate) fn for_programs(&self) -> Map<String, Json> {
        let outcome = self.outcome;
        let header = &self.module.instruction;
        let totals = outcome.monitor.totals();
        let exceptions = outcome.injector.exceptions().into_iter().map(|(agent, counts_as, status)| {
            json!({ "agent": agent.as_str(), "counts_as": counts_as, "reason": status.map(reason) })
        });
        let skews = outcome.injector.targets().iter().zip(outcome.injector.standings());
        let skews = skews.filter_map(|(agent, standing)| {
            Some(json!({ "agent": agent.as_str(), "skew": format(TypeId::DURATION, signed(standing.skew_ns?)) }))
        });
        let waves = outcome.injector.waves().iter().map(|wave| {
            let accounting = self.judged(wave);
            json!({
                "reach": wave.reach, "at": duration(wave.at_ns), "judged": wave.judged_ns.map(duration),
                "passed": wave.passed, "accounting": accounting_json(accounting),
                "error_rate": { "numerator": accounting.not_active(), "denominator": accounting.targets,
                    "unit": "targets", "value": format(TypeId::PERCENT, accounting.error_rate()) },
            })
        });
        let (replaced, stale) = outcome.monitor.received();
        let document = json!({
            "instruction": header.name.as_str(), "version": header.version, "digest": self.facts.program,
            "order": self.facts.order, "seed": self.facts.seed, "agents": self.facts.agents,
            "faults": self.facts.faults, "outcome": self.phase().name(),
            "report_revision": outcome.injector.report_revision(),
            "ended": duration(outcome.ended_ns),
            "bill": {
                "agent": self.facts.bill[0].map(money_text), "fleet": self.facts.bill[1].map(money_text),
                "share": self.facts.bill[2].map(money_text),
            },
            "waves": waves.collect::<Vec<_>>(),
            "accounting": accounting_json(self.accounting()),
            "exceptions": exceptions.collect::<Vec<_>>(),
            "clocks_off": skews.collect::<Vec<_>>(),
            "expectations": self.verdicts(),
            "alerts": outcome.monitor.alerts().iter().map(|alert| json!({
                "at": duration(alert.at_ns), "expectation": alert.text.as_str(), "message": alert.message,
            })).collect::<Vec<_>>(),
            "figures": self.figures_json(&totals),
            "actions": totals.actions.iter().map(|(name, counts)| (name.to_string(), json!({
                "numerator": counts.done, "denominator": issued(*counts), "unit": "actions",
                "failed": counts.failed, "vetoed": counts.vetoed,
            }))).collect::<Map<_, _>>(),
            "endings": totals.endings.iter().map(|((outcome, reason), agents)| json!({
                "outcome": outcome.as_str(), "reason": reason.as_str(), "agents": agents,
            })).collect::<Vec<_>>(),
            "spent": {
                "money": { "numerator": format(TypeId::MONEY, totals.money), "denominator": header.budget_money.map(|budget| format(TypeId::MONEY, budget)), "unit": "money" },
                "tokens": { "numerator": format(TypeId::TOKENS, totals.tokens), "denominator": header.budget_tokens.map(|budget| format(TypeId::TOKENS, budget)), "unit": "tokens" },
                "fuel": totals.fuel, "activations": totals.activations,
            },
            "traces": { "events": outcome.events, "agents": self.reporting(), "heads": digest_text(&outcome.traces) },
            "once": { "done": outcome.effects, "in_doubt": totals.in_doubt },
            "messages": { "sent": outcome.messages.0, "lost": outcome.messages.1, "windows_replaced": replaced, "windows_stale": stale },
            "restarts": outcome.restarts,
            "checks": outcome.checks, "violations": outcome.violations,
            "notes": self.facts.notes,
            "feedback": self.feedback(),
        });
        match document {
            Json::Object(members) => members,
            _ => Map::new(),
        }
    }

    fn verdicts(&self) -> Vec<Json> {
        let totals = self.outcome.monitor.totals();
        let verdict = |verdict: &Verdict| {
            let missed = self.shortfall(&totals, verdict);
            json!({
                "expectation": verdict.text.as_str(), "by": verdict.by_ns.map(duration), "holds": verdict.holds,
                "first_held": verdict.first_ns.map(duration), "judged": verdict.judged_ns.map(duration),
                "missed_by": missed.as_ref().map(Shortfall::distance), "says": missed.as_ref().map(Shortfall::words),
                "to_change": missed.as_ref().map(Shortfall::advice),
            })
        };
        self.outcome.monitor.verdicts().iter().map(verdict).collect()
    }

    /// Each figure with what it is of, and the part of the traces it was made from.
    fn figures_json(&self, totals: &Totals) -> Map<String, Json> {
        let one = |(_, metric, figure): (usize, &Metric, &Figure)| {
            let json = match figure {
                Figure::Total(sum) => json!({
                    "kind": "total", "numerator": value(metric, Some(*sum)), "denominator": self.reporting(),
                    "unit": "agents",
                }),
                Figure::Gauge(sketch) | Figure::Distribution(sketch) => {
                    Json::Object(sketch_json(metric, sketch))
                }
            };
            (metric.name.to_string(), json)
        };
        figures(self.outcome.monitor.metrics(), totals).map(one).collect()
    }

    /// What the governor gets back: the essence, small enough for a language model. Agents are counted, and
    /// named while there is room.
    pub(super) fn feedback(&self) -> Json {
        let header = &self.module.instruction;
        let totals = self.outcome.monitor.totals();
        let figures = figures_in_words(self.outcome.monitor.metrics(), &totals);
        let feedback = json!({
            "order": self.facts.order, "instruction": format!("{}_v{}", header.name, header.version),
            "outcome": self.phase().name(), "after": duration(self.outcome.ended_ns),
            "agents": accounting_json(self.accounting()), "figures": figures,
            "money": format(TypeId::MONEY, totals.money), "budget": header.budget_money.map(|budget| format(TypeId::MONEY, budget)),
            "expectations": self.verdicts(), "alerts": self.outcome.monitor.alerts().len(),
            "traces": digest_text(&self.outcome.traces), "exceptions": [],
        });
        with_exceptions(feedback, self.outcome.injector.exceptions().into_iter())
    }
}
