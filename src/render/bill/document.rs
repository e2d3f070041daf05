//! The bill for programs.

use serde_json::{Map, Value, json};
use swarm_bytecode::module::{Amount, Bound};
use swarm_compiler::bound::{CallBound, LineAmounts, Unbounded, advice};

use super::{Bill, Call};
use crate::render::resource::{
    CALLS, MONEY, RESOURCES, Resource, TOKENS, amounts_json, money_text, tokens_text,
};

impl Bill<'_> {
    /// For programs.
    pub(crate) fn for_programs(&self) -> Map<String, Value> {
        let activations: Vec<Value> = self
            .report
            .map_or(&[][..], |report| &report.activations)
            .iter()
            .map(|activation| {
                let wake = activation.wake.text(self.module);
                let bound = self.bound_json(&activation.bound);
                json!({ "wake": wake, "times": activation.times, "worst_case": bound })
            })
            .collect();
        let bill = self.fleet();
        let fleet = bill.agents.map(|agents| {
            let mut members = amounts_json(&bill.fleet);
            members.insert("agents".into(), json!(agents));
            members.insert("money_share".into(), json!(bill.money_share.map(money_text)));
            members.insert("tokens_share".into(), json!(bill.tokens_share.map(tokens_text)));
            members
        });
        let members = [
            ("instruction", json!(self.module.instruction.name.as_str())),
            ("activations", json!(activations)),
            ("order", self.bound_json(self.order())),
            ("limits", Value::Object(amounts_json(&self.limits()))),
            ("calls", self.calls().iter().map(|call| self.call_json(call, bill.agents)).collect()),
            ("lines", self.lines().iter().map(|line| self.line_json(line)).collect()),
            ("fleet", json!(fleet)),
            ("unbounded", self.causes().iter().map(|cause| self.cause_json(cause)).collect()),
        ];
        members.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
    }

    fn bound_json(&self, bound: &Bound) -> Value {
        let amounts = self.amounts(bound);
        let member = |resource: &Resource| {
            let at_most = (resource.amount)(&amounts);
            (resource.key.to_owned(), resource.bound_json((resource.polynomial)(bound), self.module, at_most))
        };
        Value::Object(RESOURCES.iter().map(member).collect())
    }

    fn line_json(&self, line: &LineAmounts) -> Value {
        let mut entry = amounts_json(&line.amounts);
        let files = self.module.debug.as_ref().map_or(&[][..], |debug| &debug.files);
        let file = files.get(usize::from(line.file)).map(|file| file.name.as_str());
        entry.insert("file".into(), json!(file));
        entry.insert("line".into(), json!(line.line));
        Value::Object(entry)
    }

    fn call_json(&self, call: &Call<'_>, agents: Option<u64>) -> Value {
        let mut members = Map::new();
        members.insert("name".into(), json!(call.import.name.as_str()));
        let fixed = |price: Amount, text: fn(u64) -> String| match price {
            Amount::Fixed(price) => json!(text(u64::try_from(price).unwrap_or(0))),
            Amount::Computed(_) => Value::Null,
        };
        let (money, tokens) =
            (fixed(call.import.cost.money, money_text), fixed(call.import.cost.tokens, tokens_text));
        members.insert("each".into(), json!({ "money": money, "tokens": tokens }));
        type Of = fn(&CallBound) -> &swarm_bytecode::module::Polynomial;
        let parts: [(Resource, Of, Option<u64>); 3] = [
            (CALLS, |bound| &bound.count, call.count),
            (MONEY, |bound| &bound.money, call.money),
            (TOKENS, |bound| &bound.tokens, call.tokens),
        ];
        for (resource, polynomial, at_most) in parts {
            let fleet = |amount: Option<u64>| Some(amount?.saturating_mul(agents?)).map(resource.json);
            let known = call.bound.map(|bound| {
                let mut known = resource.bound_json(polynomial(bound), self.module, at_most);
                if let Value::Object(known) = &mut known {
                    known.insert("fleet".into(), json!(fleet(at_most)));
                }
                known
            });
            members.insert(resource.key.into(), json!(known));
        }
        Value::Object(members)
    }

    fn cause_json(&self, cause: &Unbounded) -> Value {
        let fix = advice(cause, self.sources).map(|fix| {
            let edits: Vec<Value> = fix
                .edits
                .iter()
                .map(|edit| json!({ "start_byte": edit.span.start, "end_byte": edit.span.end, "text": edit.text }))
                .collect();
            json!({ "edits": edits, "description": fix.description })
        });
        json!({ "place": self.place(cause), "reason": cause.reason, "fix": fix })
    }
}
