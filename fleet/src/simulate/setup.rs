//! What a simulation begins with: keys, a trust file, agents, a signed plan – all from the seed.

use std::collections::BTreeMap;
use std::sync::Arc;

use sha2::{Digest, Sha256};
use swarm_bytecode::verify::Verified;

use crate::agent::Profile;
use crate::envelope::{Envelope, PLAN_TYPE, RECORD_TYPE};
use crate::key::SecretKey;
use crate::name::Name;
use crate::order::{Limits, Revision, Sha256Digest};
use crate::plan::{Former, Outline, Plan, draw, wanted};
use crate::record::{Directive, Record, Step};
use crate::refusal::{Cause, Refusal};
use crate::trust::{Capabilities, Trust};

/// When simulations take place: 2026-01-01T00:00:00Z, in nanoseconds since the Unix epoch.
pub const STARTED_AT: i64 = 1_767_225_600_000_000_000;

/// What is to be simulated.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    /// Everything follows from it.
    pub seed: u64,
    /// How many agents are registered.
    pub agents: u32,
    /// The program, stripped.
    pub module: &'a [u8],
    /// What ran before, stripped; a rollback puts it back.
    pub former: Option<&'a [u8]>,
    /// Names the order; without it, the seed does.
    pub order: Option<[u8; 16]>,
    /// Nanoseconds until the order runs out.
    pub lasts_ns: u64,
    /// Values of the program's CONTEXT, as a JSON object.
    pub context: &'a str,
    /// Answers a gate needs.
    pub minimum_sample: u32,
    /// Labels of all agents.
    pub labels: BTreeMap<Name, Name>,
    /// Nanoseconds between two readings of the desired state without a hint.
    pub poll_ns: u64,
    /// Nanoseconds of a window.
    pub window_ns: u64,
    /// Runs the program in shadow for so many nanoseconds.
    pub shadow: Option<u64>,
}

/// What a simulation begins with.
#[derive(Debug)]
pub struct Setup {
    /// Everything follows from it.
    pub seed: u64,
    /// The trust file all agents have.
    pub trust: Arc<Trust>,
    /// The program.
    pub program: Verified,
    /// The signed plan.
    pub plan: Envelope,
    /// The plan's id of the order.
    pub order: [u8; 16],
    /// Its targets, in the order of the waves.
    pub targets: Vec<Name>,
    /// The key that signed the plan.
    pub publisher: SecretKey,
    /// The key the plan delegates to.
    pub injector: SecretKey,
    /// What ran before: the module, and the desired state that brought it.
    pub former: Option<(Vec<u8>, Arc<Directive>)>,
    /// The agents.
    pub profiles: Vec<Profile>,
    /// Nanoseconds until the order runs out.
    pub lasts_ns: u64,
    /// Nanoseconds of a window.
    pub window_ns: u64,
    /// Size of the signed plan in bytes, module and all.
    pub plan_bytes: usize,
}

/// A key that follows from the seed.
fn key(seed: u64, what: &str, number: u64) -> SecretKey {
    let mut hash = Sha256::new();
    hash.update(b"swarm.simulate.key");
    hash.update(seed.to_le_bytes());
    hash.update(what.as_bytes());
    hash.update(number.to_le_bytes());
    SecretKey::from_seed(hash.finalize().into())
}

/// The name of an agent.
fn agent_name(number: u32) -> Option<Name> {
    Name::new(&format!("agent-{number:04}"))
}

/// The name of the fleet, and of the one who signs.
fn fixed_name(text: &str) -> Result<Name, Refusal> {
    Name::new(text).ok_or_else(|| Refusal::new(Cause::NoOrder, "a name is 1 to 64 of A-Z a-z 0-9 . _ -"))
}

impl Setup {
    /// Makes all of it. `fits` says which agents the program's TARGET … WHERE is for.
    ///
    /// # Errors
    /// [`Cause::ModuleRefused`], [`Cause::TooFewAgents`], [`Cause::NoOrder`] for a program whose name cannot
    /// be ordered.
    pub fn new(request: &Request<'_>, mut fits: impl FnMut(&Name) -> bool) -> Result<Setup, Refusal> {
        let seed = request.seed;
        let program = load(request.module)?;
        let publisher = key(seed, "publisher", 0);
        let injector = key(seed, "injector", 0);
        let (root, name) = (key(seed, "root", 0), fixed_name("simulated")?);
        let trust = Trust::of_one_governor(&name, &publisher.public_key(), &root, STARTED_AT, 20)?;
        let names: Vec<Name> = (1..=request.agents).filter_map(agent_name).collect();
        let id = request.order.unwrap_or_else(|| {
            let digest: Sha256Digest = Sha256::digest(seed.to_le_bytes()).into();
            *digest.first_chunk().unwrap_or(&[0; 16])
        });
        let fitting: Vec<Name> = names.iter().filter(|name| fits(name)).cloned().collect();
        let header = &program.module().instruction;
        let count = wanted(header, fitting.len());
        let targets = draw(&id, fitting, count)?;
        let lasts_ns = request.lasts_ns;
        let maker = Maker {
            publisher: &publisher,
            injector: &injector,
            lasts_ns,
            sample: request.minimum_sample,
            context: request.context,
            shadow: request.shadow,
        };
        let revision = |counter| Revision { epoch: 1, counter };
        let former = match request.former {
            Some(bytes) => {
                let performed = Maker { shadow: None, ..maker };
                Some((bytes.to_vec(), performed.installed(bytes, revision(1), &names)?))
            }
            None => None,
        };
        let before = former.as_ref().map(|(bytes, _)| load(bytes)).transpose()?.map(|before| Former {
            version: before.module().instruction.version,
            digest: before.digest(),
            context: request.context.to_owned(),
        });
        let plan = maker.plan(request.module, id, revision(10), &targets, before)?;
        let plan_bytes = plan.encode().len();
        let profile = |(name, number): (&Name, u64)| Profile {
            name: name.clone(),
            labels: request.labels.clone(),
            grants: Capabilities::All,
            key: key(seed, "agent", number),
            poll_ns: request.poll_ns,
            window_ns: request.window_ns,
            attempts: 3,
        };
        let profiles = names.iter().zip(1..).map(profile).collect();
        Ok(Setup {
            seed,
            trust: Arc::new(trust),
            program,
            plan,
            order: id,
            targets,
            publisher,
            injector,
            former,
            profiles,
            lasts_ns,
            window_ns: request.window_ns,
            plan_bytes,
        })
    }
}

fn load(bytes: &[u8]) -> Result<Verified, Refusal> {
    Verified::load(bytes).map_err(|error| {
        Refusal::new(Cause::ModuleRefused, format!("the module is refused: {}: {error}", error.code()))
    })
}

/// Makes plans and signs them.
#[derive(Clone, Copy)]
struct Maker<'a> {
    publisher: &'a SecretKey,
    injector: &'a SecretKey,
    lasts_ns: u64,
    sample: u32,
    context: &'a str,
    shadow: Option<u64>,
}

impl Maker<'_> {
    fn plan(
        &self,
        module: &[u8],
        id: [u8; 16],
        revision: Revision,
        targets: &[Name],
        former: Option<Former>,
    ) -> Result<Envelope, Refusal> {
        let end = STARTED_AT.saturating_add(i64::try_from(self.lasts_ns).unwrap_or(i64::MAX));
        let outline = Outline {
            module,
            id,
            fleet: fixed_name("simulated")?,
            revision,
            targets,
            former,
            context: self.context.to_owned(),
            limits: Limits::default(),
            valid: (STARTED_AT, end),
            minimum_sample: self.sample,
            injector: self.injector.public_key(),
            shadow: self.shadow,
        };
        let plan = outline.plan()?;
        let mut envelope = Envelope::new(PLAN_TYPE, plan.encode());
        envelope.sign(self.publisher)?;
        Ok(envelope)
    }

    /// The desired state that brought what runs already: all agents, one wave.
    fn installed(
        &self,
        module: &[u8],
        revision: Revision,
        names: &[Name],
    ) -> Result<Arc<Directive>, Refusal> {
        let id = [1; 16];
        let targets = draw(&id, names.iter().cloned(), None)?;
        let mut plan = self.plan(module, id, revision, &targets, None)?;
        let mut decoded = Plan::decode(&plan.payload)?;
        decoded.waves = vec![u32::try_from(targets.len()).unwrap_or(u32::MAX)];
        plan = Envelope::new(PLAN_TYPE, decoded.encode());
        plan.sign(self.publisher)?;
        let record = Record {
            fleet: decoded.order.fleet.clone(),
            plan: Sha256::digest(&plan.payload).into(),
            revision: Revision { epoch: revision.epoch, counter: revision.counter.saturating_add(1) },
            reach: decoded.targets(),
            issued: STARTED_AT,
            step: Step::Run { wave: 0 },
        };
        let mut envelope = Envelope::new(RECORD_TYPE, record.encode());
        envelope.sign(self.injector)?;
        Ok(Arc::new(Directive::new(plan, targets, envelope, None)))
    }
}
