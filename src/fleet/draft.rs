//! From a program to a plan: its targets by name, its context, what runs now, and the signatures.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json};
use sha2::{Digest, Sha256};
use swarm_bytecode::codec::strip;
use swarm_bytecode::module::{FunctionId, Module};
use swarm_bytecode::types::Type;
use swarm_fleet::key::{PublicKey, SecretKey};
use swarm_fleet::name::Name;
use swarm_fleet::order::{Limits, Revision};
use swarm_fleet::plan::{Former, Outline, Plan, draw, wanted};
use swarm_fleet::record::{Directive, Record, Step};
use swarm_fleet::refusal::Refusal;
use swarm_fleet::simulate::Conditions;
use swarm_fleet::time::SECOND;
use swarm_node::submission::Submission;
use swarm_vm::Program;

use crate::keys;
use crate::program::Loaded;
use crate::status::{Failure, Fault, Status};

/// Nanoseconds in an hour.
const HOUR: i64 = 3_600 * SECOND;

/// An agent that may become a target: its name and its labels.
pub(crate) type Candidate = (Name, BTreeMap<Name, Name>);

/// What a plan is made from.
pub(crate) struct Draft<'a> {
    /// The program.
    pub(crate) loaded: &'a Loaded,
    /// The fleet.
    pub(crate) fleet: Name,
    /// Agents to choose targets from.
    pub(crate) candidates: Vec<Candidate>,
    /// Values of the program's CONTEXT.
    pub(crate) context: Map<String, Json>,
    /// Names the order; without it, what it is does.
    pub(crate) id: Option<[u8; 16]>,
    /// How many targets a governor wants, where the program leaves it open.
    pub(crate) agents: Option<u32>,
    /// What is desired now.
    pub(crate) desired: Option<&'a Directive>,
    /// The revision.
    pub(crate) revision: Revision,
    /// Nanoseconds it is valid.
    pub(crate) expires: Option<i64>,
    /// Answers a gate needs.
    pub(crate) minimum_sample: u32,
    /// Who takes the steps.
    pub(crate) injector: PublicKey,
    /// Runs it in shadow for so many nanoseconds.
    pub(crate) shadow: Option<u64>,
}

impl Draft<'_> {
    /// The plan, signed with these keys.
    pub(crate) fn submission(self, signers: &[SecretKey]) -> Result<Submission, Failure> {
        let module = strip(&self.loaded.bytes).unwrap_or_else(|_| self.loaded.bytes.clone());
        let context = self.checked_context(&module)?;
        let header = &self.loaded.module.instruction;
        let fitting = self.fitting(&module, &context)?;
        let now = keys::whole_seconds(keys::now());
        let id = self.id.unwrap_or_else(|| self.derived(&module, &context, &fitting, now));
        let count = match (wanted(header, fitting.len()), self.agents) {
            (Some(count), _) => Some(count),
            (None, agents) => agents,
        };
        let targets = draw(&id, fitting, count).map_err(|refusal| refused(&refusal))?;
        let running = self.desired.and_then(running);
        // A program is not put back in its own place.
        let running = running.filter(|(_, bytes)| *bytes != module);
        let lasts = self.expires.or(header.deadline_ns.map(|deadline| deadline.saturating_add(HOUR)));
        let (former, former_bytes) = running.unzip();
        let outline = Outline {
            module: &module,
            id,
            fleet: self.fleet,
            revision: self.revision,
            targets: &targets,
            former,
            context,
            limits: Limits::default(),
            valid: (now, now.saturating_add(lasts.unwrap_or(24 * HOUR))),
            minimum_sample: self.minimum_sample,
            injector: self.injector,
            shadow: self.shadow,
        };
        let plan = outline.plan().map_err(|refusal| refused(&refusal))?;
        let envelope = swarm_fleet::envelope::Envelope::new(swarm_fleet::envelope::PLAN_TYPE, plan.encode());
        let mut submission = Submission { envelope, targets, former: former_bytes };
        for signer in signers {
            submission.sign(signer).map_err(|refusal| refused(&refusal))?;
        }
        Ok(submission)
    }

    /// The id of an order that is given none follows from what it is: the same order of the same second is
    /// the same.
    fn derived(&self, module: &[u8], context: &str, fitting: &[Name], now: i64) -> [u8; 16] {
        let mut hash = Sha256::new();
        hash.update(b"swarm.order.id.v1");
        let revision = [self.revision.epoch, self.revision.counter].map(u64::to_le_bytes).concat();
        let limits =
            [self.expires.unwrap_or(-1), i64::from(self.minimum_sample)].map(i64::to_le_bytes).concat();
        let times =
            [now, self.agents.map_or(-1, i64::from), shadow(self.shadow)].map(i64::to_le_bytes).concat();
        let names = fitting.iter().map(|name| name.as_str().as_bytes());
        let parts = [self.fleet.as_str().as_bytes(), module, context.as_bytes(), &revision, &limits, &times];
        for part in parts.into_iter().chain(names) {
            hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_le_bytes());
            hash.update(part);
        }
        let digest: [u8; 32] = hash.finalize().into();
        *digest.first_chunk().unwrap_or(&[0; 16])
    }

    /// The context as JSON, if it has all the program needs and fits.
    fn checked_context(&self, module: &[u8]) -> Result<String, Failure> {
        let own = |name: &str| self.context.keys().any(|key| crate::commands::snake_case(key) == name);
        let optional = |ty| matches!(self.loaded.module.ty(ty), Some(Type::Optional(_)));
        let needed =
            self.loaded.module.contexts.iter().filter(|own| own.default.is_none() && !optional(own.ty));
        if let Some(missing) = needed.into_iter().find(|context| !own(&context.name)) {
            let message = format!("the order's context has no {}", missing.name);
            return Err(Failure::usage(Fault::NoData, message)
                .note("give it with `--context F.json`, or with `--order F.json`"));
        }
        let text = Json::Object(self.context.clone()).to_string();
        conditions(module, &text)?;
        Ok(text)
    }

    /// The candidates the program's TARGET … WHERE is for.
    fn fitting(&self, module: &[u8], context: &str) -> Result<Vec<Name>, Failure> {
        let filter = self.loaded.module.instruction.target.and_then(|target| target.filter);
        let Some(filter) = filter else {
            return Ok(self.candidates.iter().map(|(name, _)| name.clone()).collect());
        };
        let (program, mut conditions) = conditions(module, context)?;
        let fits =
            |(name, labels): &&Candidate| agent_fits(&mut conditions, program.module(), filter, name, labels);
        Ok(self.candidates.iter().filter(fits).map(|(name, _)| name.clone()).collect())
    }
}

fn shadow(nanoseconds: Option<u64>) -> i64 {
    nanoseconds.map_or(-1, |own| i64::try_from(own).unwrap_or(i64::MAX))
}

fn agent_fits(
    conditions: &mut Conditions,
    module: &Module,
    filter: FunctionId,
    name: &Name,
    labels: &BTreeMap<Name, Name>,
) -> bool {
    let text = |field: &str| match field {
        "id" => Some(name.as_str()),
        _ => labels.get(field).map(Name::as_str),
    };
    Conditions::agent(module, filter, &text).is_some_and(|agent| conditions.fits(filter, &agent))
}

/// A program, and its conditions with this context.
pub(crate) fn conditions(module: &[u8], context: &str) -> Result<(Program, Conditions), Failure> {
    let program = Program::load(module)
        .map_err(|error| Failure::coded(Status::Refused, error.code(), error.message()))?;
    let conditions = Conditions::new(&program, context).map_err(|error| {
        Failure::usage(Fault::WrongData, format_args!("the context does not fit: {error}"))
    })?;
    Ok((program, conditions))
}

/// What a desired state makes run: what a rollback from the next one puts back.
fn running(directive: &Directive) -> Option<(Former, Vec<u8>)> {
    let plan = Plan::decode(&directive.plan().payload).ok()?;
    let record = Record::decode(&directive.record().payload).ok()?;
    if plan.shadow.is_some() {
        // What it ran beside runs on.
        return Some((plan.former?, directive.former()?.to_vec()));
    }
    match record.step {
        Step::Run { .. } | Step::Resume | Step::Halt => {
            let Plan { order, context, .. } = plan;
            Some((Former { version: order.version, digest: order.digest, context }, order.module?))
        }
        Step::Rollback { to: Some(_), .. } => Some((plan.former?, directive.former()?.to_vec())),
        Step::Rollback { to: None, .. } | Step::Stop => None,
    }
}

/// Something that is refused before it was signed.
pub(crate) fn refused(refusal: &Refusal) -> Failure {
    Failure::coded(Status::Refused, refusal.code(), refusal).note(refusal.help())
}

#[cfg(test)]
mod tests {
    use super::*;
    use swarm_compiler::compile_text;

    const PROGRAM: &str =
        "INSTRUCTION hello_v1 {\n  DEADLINE 1h\n  TARGET ALL AGENTS\n}\nON START { LOG(\"here\") }\n";

    fn loaded(text: &str) -> Loaded {
        let (compilation, _) = compile_text("hello.swarm", text);
        let module = compilation.module.unwrap();
        Loaded { bytes: module.encode(), module, findings: Default::default(), bill: None }
    }

    fn draft<'a>(loaded: &'a Loaded, names: &[&str]) -> Draft<'a> {
        Draft {
            loaded,
            fleet: Name::new("demo").unwrap(),
            candidates: names.iter().map(|name| (Name::new(name).unwrap(), BTreeMap::new())).collect(),
            context: Map::new(),
            id: None,
            agents: None,
            desired: None,
            revision: Revision { epoch: 1, counter: 4 },
            expires: None,
            minimum_sample: 10,
            injector: SecretKey::from_seed([1; 32]).public_key(),
            shadow: None,
        }
    }

    fn id(draft: &Draft<'_>, now: i64) -> [u8; 16] {
        let names: Vec<Name> = draft.candidates.iter().map(|(name, _)| name.clone()).collect();
        draft.derived(&draft.loaded.bytes, "{}", &names, now)
    }

    #[test]
    fn an_order_without_an_id_is_called_after_what_it_is() {
        let (program, other) = (loaded(PROGRAM), loaded(&PROGRAM.replace("_v1", "_v2")));
        let plain = || draft(&program, &["a", "b"]);
        let own = id(&plain(), 7);
        assert_eq!(own, id(&plain(), 7), "the same order of the same second");
        let others = [
            id(&plain(), 8),
            id(&draft(&other, &["a", "b"]), 7),
            id(&draft(&program, &["a", "bb"]), 7),
            id(&draft(&program, &["ab"]), 7),
            id(&Draft { fleet: Name::new("other").unwrap(), ..plain() }, 7),
            id(&Draft { revision: Revision { epoch: 1, counter: 5 }, ..plain() }, 7),
            id(&Draft { agents: Some(1), ..plain() }, 7),
            id(&Draft { expires: Some(9), ..plain() }, 7),
            id(&Draft { minimum_sample: 11, ..plain() }, 7),
            id(&Draft { shadow: Some(9), ..plain() }, 7),
            plain().derived(&program.bytes, "{\"n\":2}", &[], 7),
        ];
        let all: std::collections::BTreeSet<[u8; 16]> = others.into_iter().chain([own]).collect();
        assert_eq!(all.len(), 12, "whatever is another gives another id");
        // Signed, with a second's clock: two plans of one second are the same bytes.
        let bytes = |draft: Draft<'_>| draft.submission(&[]).unwrap().envelope.payload;
        let same = (0..20).any(|_| bytes(plain()) == bytes(plain()));
        assert!(same, "two plans made within a second are alike");
        let given = Draft { id: Some([3; 16]), ..plain() }.submission(&[]).unwrap();
        assert_eq!(given.plan().unwrap().order.id, [3; 16]);
    }
}
