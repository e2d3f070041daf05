//! How a program in shadow differs from the one that runs: for people and for programs.

use serde_json::{Map, Value, json};
use swarm_bytecode::module::Metric;
use swarm_fleet::monitor::{mean, typed};
use swarm_fleet::shadow::{Difference, Pair};
use swarm_fleet::window::{Actions, Figure};

use super::amount;
use super::fleet::figure_words;
use super::style::{dim, name, warning};
use super::text::{grouped, padded, plural, safe};

/// What stands where a program has no such action or metric.
const NONE: &str = "–";

/// A difference, with the metrics of both programs.
pub(crate) struct Shadow<'a> {
    pub(crate) difference: &'a Difference,
    pub(crate) old: &'a [Metric],
    pub(crate) new: &'a [Metric],
}

impl Shadow<'_> {
    /// For people.
    pub(crate) fn for_people(&self) -> String {
        let own = self.difference;
        let mut page = format!(
            "  shadow: nothing of it was performed\n  {} ran both, {} of them with the same actions",
            plural(own.agents, "agent"),
            grouped(own.same as u128)
        );
        if own.alone > 0 {
            page.push_str(&format!(
                "; {}",
                warning(&format!("{} ran it beside nothing comparable", plural(own.alone, "agent")))
            ));
        }
        page.push('\n');
        if own.agents == 0 {
            return page;
        }
        let money = |amount: i64| amount::money(u128::try_from(amount).unwrap_or(0));
        let work = |what: &str, (old, new): (u64, u64)| {
            row(what, Some(grouped(old.into())), Some(grouped(new.into())), String::new())
        };
        let mut rows = vec![work("activations", own.activations), work("fuel", own.fuel)];
        if own.money != (0, 0) {
            rows.push(row("money", Some(money(own.money.0)), Some(money(own.money.1)), String::new()));
        }
        table("work", &rows, &mut page);
        let rows: Vec<_> = own.actions.iter().map(action).collect();
        table("actions", &rows, &mut page);
        let rows: Vec<_> = own.metrics.iter().filter_map(|pair| self.metric(pair)).collect();
        table("figures", &rows, &mut page);
        page
    }

    fn metric(&self, pair: &Pair<Figure>) -> Option<[String; 4]> {
        let words = |metrics: &[Metric], figure: &Option<Figure>| {
            let metric = metrics.iter().find(|metric| metric.name == pair.name)?;
            figure_words(metric, figure.as_ref()?)
        };
        let (old, new) = (words(self.old, &pair.old), words(self.new, &pair.new));
        (old.is_some() || new.is_some()).then(|| row(&pair.name, old, new, String::new()))
    }

    /// For programs.
    pub(crate) fn for_programs(&self) -> Value {
        let own = self.difference;
        let counts = |actions: Option<Actions>| {
            actions.map(|own| json!({"done": own.done, "failed": own.failed, "vetoed": own.vetoed}))
        };
        let actions: Map<String, Value> = own
            .actions
            .iter()
            .map(|pair| {
                let both = json!({"old": counts(pair.old), "new": counts(pair.new), "agents_that_differ": pair.differ});
                (pair.name.to_string(), both)
            })
            .collect();
        let figure = |metrics: &[Metric], pair: &Pair<Figure>, figure: &Option<Figure>| {
            let metric = metrics.iter().find(|metric| metric.name == pair.name)?;
            let number = match figure.as_ref()? {
                Figure::Total(sum) => *sum,
                Figure::Gauge(sketch) => mean(sketch)?,
                Figure::Distribution(sketch) => sketch.quantile(500_000)?,
            };
            serde_json::from_str::<Value>(&typed(metric, number).to_json()).ok()
        };
        let metrics: Map<String, Value> = own
            .metrics
            .iter()
            .map(|pair| {
                let old = figure(self.old, pair, &pair.old);
                (pair.name.to_string(), json!({"old": old, "new": figure(self.new, pair, &pair.new)}))
            })
            .collect();
        let both = |(old, new): (u64, u64)| json!({"old": old, "new": new});
        json!({
            "agents": own.agents, "same_actions": own.same, "alone": own.alone, "over": own.over,
            "activations": both(own.activations), "fuel": both(own.fuel),
            "money": {"old": own.money.0, "new": own.money.1},
            "tokens": {"old": own.tokens.0, "new": own.tokens.1},
            "actions": actions, "metrics": metrics,
        })
    }
}

fn row(what: &str, old: Option<String>, new: Option<String>, note: String) -> [String; 4] {
    let [old, new] = [old, new].map(|text| text.unwrap_or_else(|| NONE.to_owned()));
    [safe(what).into_owned(), old, new, note]
}

fn action(pair: &Pair<Actions>) -> [String; 4] {
    let shown = |actions: Option<Actions>| {
        let own = actions?;
        let mut text = grouped(own.done.into());
        for (count, word) in [(own.failed, "failed"), (own.vetoed, "vetoed")] {
            if count > 0 {
                text.push_str(&format!(" + {} {word}", grouped(count.into())));
            }
        }
        Some(text)
    };
    let note = match pair.differ {
        0 => "the same at every agent".to_owned(),
        differ => format!("differs at {}", plural(differ, "agent")),
    };
    row(&pair.name, shown(pair.old), shown(pair.new), note)
}

fn table(title: &str, rows: &[[String; 4]], page: &mut String) {
    if rows.is_empty() {
        return;
    }
    let wide =
        |at: usize| rows.iter().filter_map(|row| Some(row.get(at)?.chars().count())).max().unwrap_or(0);
    let [first, old, new] = [wide(0).max(title.len()), wide(1).max(4), wide(2).max(6)];
    page.push_str(&format!("\n  {}  {:>old$}  {:>new$}\n", dim(&padded(title, first)), "runs", "shadow"));
    for [what, one, other, note] in rows {
        let note = if note.is_empty() { String::new() } else { format!("  {}", dim(note)) };
        page.push_str(&format!("  {}  {one:>old$}  {other:>new$}{note}", name(&padded(what, first))));
        page.push('\n');
    }
}
