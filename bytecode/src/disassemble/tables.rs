//! The header and the tables of a module as text.

use std::fmt::Write;

use super::{Listing, case_name, type_name};
use crate::module::{
    Amount, Effect, GateFailure, Import, Instruction, MetricKind, Polynomial, Priority, Rollout, TargetCount,
};
use crate::quantity::{format, format_float, format_rate};
use crate::types::{Constant, Field, Type, TypeId};

impl Listing<'_> {
    pub(super) fn header(&mut self, instruction: &Instruction) {
        let name = if instruction.name.is_empty() { "(no name)" } else { &instruction.name };
        self.line(&format!("instruction {name} version {}", instruction.version));
        let priority = match instruction.priority {
            Priority::Low => Some("low"),
            Priority::Normal => None,
            Priority::High => Some("high"),
            Priority::Critical => Some("critical"),
        };
        let target = instruction.target.map(|target| {
            let count = match target.count {
                TargetCount::All => "all".to_owned(),
                TargetCount::Exactly(count) => format!("exactly {count}"),
                TargetCount::UpTo(count) => format!("up to {count}"),
            };
            let filter = target.filter.map(|filter| format!(" where {}", self.function_name(filter)));
            format!("{count}{}", filter.unwrap_or_default())
        });
        let facts = [
            ("priority", priority.map(str::to_owned)),
            ("deadline", instruction.deadline_ns.map(|limit| format(TypeId::DURATION, limit))),
            ("budget", instruction.budget_money.map(|limit| format(TypeId::MONEY, limit))),
            ("budget", instruction.budget_tokens.map(|limit| format(TypeId::TOKENS, limit))),
            ("target", target),
        ];
        for (name, fact) in facts {
            if let Some(fact) = fact {
                self.line(&format!("  {name} {fact}"));
            }
        }
        self.fleet(instruction);
    }

    /// What of the header only the fleet reads.
    fn fleet(&mut self, instruction: &Instruction) {
        let time = |word: &str, time: Option<i64>| {
            time.map(|time| format!(" {word} {}", format(TypeId::DURATION, time))).unwrap_or_default()
        };
        if let Some(Rollout { waves, after_ns, gate, failure }) = &instruction.rollout {
            let waves: Vec<String> = waves.iter().map(|wave| format(TypeId::PERCENT, *wave)).collect();
            let gate = gate.map(|gate| format!(" when {}", self.function_name(gate))).unwrap_or_default();
            let failure = match failure {
                GateFailure::Rollback => "rollback",
                GateFailure::Halt => "halt",
            };
            let after = time("after", *after_ns);
            self.line(&format!("  rollout {}{after}{gate} else {failure}", waves.join(", ")));
        }
        for expectation in &instruction.expectations {
            let (by, condition) = (time("by", expectation.by_ns), self.function_name(expectation.condition));
            self.line(&format!("  expect {:?}{by}: {condition}", expectation.text));
        }
        for stop in &instruction.stops {
            self.line(&format!("  stop when {}", self.function_name(*stop)));
        }
        for report in &instruction.reports {
            let metrics = report.metrics.iter().map(|metric| self.module.metrics.get(metric.index()));
            let metrics: Vec<&str> =
                metrics.map(|metric| metric.map_or("?", |metric| &metric.name)).collect();
            self.line(&format!("  report {}{}", metrics.join(", "), time("every", report.every_ns)));
        }
    }

    pub(super) fn tables(&mut self) {
        let module = self.module;
        self.section("types", module.types.iter().enumerate(), |listing, (index, ty)| {
            let id = usize::from(TypeId::BUILTIN_COUNT).saturating_add(index);
            let id = TypeId(u16::try_from(id).unwrap_or(u16::MAX));
            let parts = match ty {
                Type::Record { fields, .. } => listing.fields(fields),
                Type::Enum { cases, .. } => {
                    let cases = cases.iter().map(|case| {
                        let fields = case.fields.iter();
                        let fields: Vec<String> =
                            fields.map(|field| listing.declared(&field.name, field.ty, None, None)).collect();
                        let payload = if fields.is_empty() {
                            String::new()
                        } else {
                            format!("({})", fields.join(", "))
                        };
                        format!("\n    {}{payload}", case.name)
                    });
                    cases.collect()
                }
                _ => String::new(),
            };
            format!("t{} {}{parts}", id.0, type_name(listing.module, id))
        });
        self.section("imports", module.imports.iter(), |listing, import| listing.import(import));
        self.section("inputs", module.inputs.iter(), |listing, input| {
            listing.declared(&input.name, input.ty, input.unit.as_deref(), input.default.as_ref())
        });
        self.section("context", module.contexts.iter(), |listing, context| {
            listing.declared(&context.name, context.ty, context.unit.as_deref(), context.default.as_ref())
        });
        self.section("metrics", module.metrics.iter(), |listing, metric| {
            let kind = match metric.kind {
                MetricKind::Total => "TOTAL",
                MetricKind::Gauge => "GAUGE",
                MetricKind::Distribution => "DISTRIBUTION",
            };
            format!("{}: {} {kind}", metric.name, type_name(listing.module, metric.ty))
        });
        self.activations();
    }

    /// What is kept between activations, what starts them, and what they may not do.
    fn activations(&mut self) {
        let module = self.module;
        self.section("states", module.states.iter(), |listing, state| {
            let initial = state.initial.map(|initial| format!(" = {}", listing.function_name(initial)));
            format!("{}{}", listing.declared(&state.name, state.ty, None, None), initial.unwrap_or_default())
        });
        self.section("events", module.events.iter(), |listing, event| {
            let max = event.max.map(|max| format!(" MAX {max}")).unwrap_or_default();
            format!("{}{max}: {}", event.name, listing.function_name(event.function))
        });
        self.section("timers", module.timers.iter(), |listing, timer| {
            let period = format(TypeId::DURATION, timer.period_ns);
            format!("every {period}: {}", listing.function_name(timer.function))
        });
        self.section("vetoes", module.vetoes.iter(), |listing, veto| {
            let import = module.imports.get(veto.import.index()).map_or("?", |import| &import.name);
            let reason = module.strings.get(veto.reason.index()).map_or("?", |reason| reason);
            format!("{import} when {} because {reason:?}", listing.function_name(veto.condition))
        });
    }

    fn section<T>(
        &mut self,
        title: &str,
        items: impl ExactSizeIterator<Item = T>,
        show: impl Fn(&Self, T) -> String,
    ) {
        if items.len() == 0 {
            return;
        }
        self.line(&format!("\n{title}"));
        for item in items {
            let line = show(self, item);
            self.line(&format!("  {line}"));
        }
    }

    fn fields(&self, fields: &[Field]) -> String {
        let mut text = String::new();
        for field in fields {
            let declared = self.declared(&field.name, field.ty, None, None);
            let key = if field.key { " KEY" } else { "" };
            let extras = self.extras(field.ty, field.unit.as_deref(), field.default.as_ref());
            // Writing to a string cannot fail.
            let _ = write!(text, "\n    {declared}{key}{extras}");
        }
        text
    }

    fn declared(&self, name: &str, ty: TypeId, unit: Option<&str>, default: Option<&Constant>) -> String {
        format!("{name}: {}{}", type_name(self.module, ty), self.extras(ty, unit, default))
    }

    fn extras(&self, ty: TypeId, unit: Option<&str>, default: Option<&Constant>) -> String {
        let unit = unit.map(|unit| format!(" IN {unit}")).unwrap_or_default();
        let default = default.map(|default| format!(" = {}", self.constant(ty, default))).unwrap_or_default();
        format!("{unit}{default}")
    }

    fn constant(&self, ty: TypeId, constant: &Constant) -> String {
        match constant {
            Constant::Word(word) => format(ty, *word),
            Constant::Float(float) => self.float(ty, *float),
            Constant::String(text) => format!("{text:?}"),
            Constant::Empty => "empty".to_owned(),
            Constant::Case(case) => match self.module.ty(ty) {
                Some(Type::Enum { cases, .. }) => case_name(cases, usize::from(*case)),
                _ => format!("case {case}"),
            },
        }
    }

    pub(super) fn float(&self, ty: TypeId, value: f64) -> String {
        match self.module.ty(ty) {
            Some(Type::Rate(dimension)) => format_rate(*dimension, value),
            _ => format_float(value),
        }
    }

    fn import(&self, import: &Import) -> String {
        let parameters: Vec<String> =
            import.parameters.iter().map(|ty| type_name(self.module, *ty)).collect();
        let result = import.result.map(|ty| format!(" -> {}", type_name(self.module, ty)));
        let capability = import.capability.as_ref().map(|name| format!(" REQUIRES {name}"));
        let effect = match import.effect {
            Effect::Query => " QUERY",
            Effect::Idempotent => " IDEMPOTENT",
            Effect::Once => " ONCE",
            Effect::Plain => "",
        };
        let mut text = format!(
            "{}({}){}{}{effect}",
            import.name,
            parameters.join(", "),
            result.unwrap_or_default(),
            capability.unwrap_or_default(),
        );
        for (ty, amount) in [(TypeId::MONEY, import.cost.money), (TypeId::TOKENS, import.cost.tokens)] {
            match amount {
                Amount::Fixed(0) => {}
                Amount::Fixed(fixed) => text.push_str(&format!(" COSTS {}", format(ty, fixed))),
                Amount::Computed(function) => {
                    let name = self.function_name(function);
                    text.push_str(&format!(" COSTS {} by {name}", type_name(self.module, ty)));
                }
            }
        }
        text
    }

    pub(super) fn bound(&mut self) {
        let bound = &self.module.bound;
        let figures = [
            ("fuel", &bound.fuel, TypeId::INT),
            ("memory", &bound.memory, TypeId::BYTES),
            ("host calls", &bound.host_calls, TypeId::INT),
            ("money", &bound.money, TypeId::MONEY),
            ("tokens", &bound.tokens, TypeId::TOKENS),
        ];
        let shown = figures.into_iter().filter(|(_, figure, _)| **figure != Polynomial::default());
        let shown: Vec<_> = shown.map(|(name, figure, ty)| (name, self.polynomial(figure, ty))).collect();
        self.section("worst case", shown.into_iter(), |_, (name, figure)| format!("{name} {figure}"));
    }

    fn polynomial(&self, polynomial: &Polynomial, ty: TypeId) -> String {
        let Polynomial::Terms(terms) = polynomial else { return "unbounded".to_owned() };
        let terms = terms.iter().map(|term| {
            let factors = term
                .factors
                .iter()
                .map(|input| self.module.inputs.get(input.index()).map_or("?", |input| input.name.as_str()));
            let factors: String = factors.map(|name| format!(" × {name}")).collect();
            let coefficient = i64::try_from(term.coefficient).unwrap_or(i64::MAX);
            format!("{}{factors}", format(ty, coefficient))
        });
        terms.collect::<Vec<_>>().join(" + ")
    }
}
