//! The agent: takes up what is desired, if it may; runs it, traces it, and says so. A machine without input
//! or output: each event gives commands, which are carried out in their order, each before the next. So what
//! has to be on disk before something is done or said stands before it, and a crash between two commands is a
//! crash between two acts.

mod durable;
mod leave;
mod reconcile;
mod shadow;
mod state;

use std::collections::BTreeMap;
use std::sync::Arc;

use sha2::{Digest, Sha256};
use smol_str::SmolStr;

use crate::cache::Cache;
use crate::envelope::{ACK_TYPE, CHECKPOINT_TYPE, Envelope};
use crate::key::SecretKey;
use crate::message::{Ack, Checkpoint, FromAgent, Status, ToAgent, TraceHead, cut};
use crate::name::Name;
use crate::order::Sha256Digest;
use crate::plan::share;
use crate::record::Directive;
use crate::shadow::Comparison;
use crate::state::HighWaterMark;
use crate::time::TOLERANCE;
use crate::trace::chunk::{Chunk, Previous};
use crate::trace::log::{Log, recovered};
use crate::trust::Capabilities;
use crate::verify::step::Checked;
use crate::window::{Activation, Aggregate, Totals};

/// Nanoseconds before a failed start is tried again.
const RETRY_NS: u64 = 5_000_000_000;

pub use state::State;

/// What an agent is, and how it behaves.
#[derive(Debug)]
pub struct Profile {
    /// Its name.
    pub name: Name,
    /// Its labels.
    pub labels: BTreeMap<Name, Name>,
    /// What it grants to programs.
    pub grants: Capabilities,
    /// The key it signs with.
    pub key: SecretKey,
    /// Nanoseconds between two readings of the desired state without a hint.
    pub poll_ns: u64,
    /// Nanoseconds of a window.
    pub window_ns: u64,
    /// How often a program may fail to start before it is not tried again.
    pub attempts: u32,
}

/// Which program of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Which {
    /// The one that is ordered.
    Ordered,
    /// The one a rollback puts back.
    Former,
}

/// A program with the plan that allows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installed {
    /// The desired state it was accepted under.
    pub directive: Arc<Directive>,
    /// Which of its programs.
    pub which: Which,
    /// The order.
    pub order: [u8; 16],
    /// The program's digest.
    pub digest: Sha256Digest,
}

/// A program that runs in shadow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shadowed {
    /// The program.
    pub installed: Installed,
    /// It ran, or could not, and is over.
    pub over: Option<Status>,
}

/// What an agent keeps on disk.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Durable {
    /// Whether the mark is to be believed: who installed the agent said so, or a checkpoint did. A new disk
    /// is empty, and stays unadmitted through restarts.
    pub admitted: bool,
    /// Below this nothing is accepted.
    pub mark: HighWaterMark,
    /// What is to run.
    pub installed: Option<Installed>,
    /// What ran well last.
    pub last_good: Option<Installed>,
    /// Nothing runs until a resume.
    pub halted: bool,
    /// What is installed ran and is over.
    pub finished: Option<Status>,
    /// Starts of a program that were begun and not survived.
    pub attempts: BTreeMap<Sha256Digest, u32>,
    /// How often the agent has started.
    pub incarnation: u64,
    /// The last acknowledgement's number.
    pub sequence: u64,
    /// The last acknowledgement, with its number, until the injector has confirmed it. It says all that those
    /// before it said.
    pub outbox: Option<(u64, Arc<Envelope>)>,
    /// Where the trace stands.
    pub head: TraceHead,
    /// What the order has spent here, in micro-dollars and tokens.
    pub spent: Option<([u8; 16], i64, i64)>,
    /// What is desired runs in shadow, beside what is installed.
    pub shadow: Option<Shadowed>,
}

impl Durable {
    /// What an agent is installed with: nothing ran before it.
    pub fn installed() -> Durable {
        Durable { admitted: true, ..Durable::default() }
    }
}

/// What happens to an agent.
#[derive(Debug)]
pub enum Event<'a> {
    /// It starts, with what is on its disk; a new disk has nothing.
    Boot {
        /// What is on disk.
        disk: Option<Box<Durable>>,
        /// What [`Command::Append`] wrote since the last [`Command::Seal`].
        tail: Vec<u8>,
        /// A number it has never used.
        nonce: u64,
    },
    /// A message.
    Message(&'a ToAgent),
    /// Time has passed.
    Wake,
    /// The bus is there again, and may have forgotten all it was told.
    Reconnected,
    /// The answer to [`Command::Start`].
    Started(Result<(), SmolStr>),
    /// The program ran.
    Activated(&'a Activation),
    /// The answer to [`Command::Start`] of a program in shadow.
    ShadowStarted(Result<(), SmolStr>),
    /// The program in shadow ran.
    ShadowActivated(&'a Activation),
    /// It is told to stop: what it wants done now is the last of this start.
    Leave,
}

/// A program about to start.
#[derive(Debug, Clone)]
pub struct Start {
    /// What was checked.
    pub checked: Arc<Checked>,
    /// Which of its programs.
    pub which: Which,
    /// Whether it is the last that ran well, because what is desired does not start.
    pub fallback: bool,
    /// Whether it runs in shadow, beside what runs already: its actions are recorded and not performed.
    pub shadow: bool,
    /// The agent's place among the targets.
    pub rank: u32,
    /// For whom effects are named: fleet, order, agent.
    pub identity: Vec<u8>,
    /// Micro-dollars it may spend.
    pub money: Option<i64>,
    /// Tokens it may spend.
    pub tokens: Option<i64>,
    /// Nanoseconds until the order runs out.
    pub remaining_ns: u64,
}

impl Start {
    /// The program's digest.
    pub fn digest(&self) -> Sha256Digest {
        match (self.which, self.checked.former()) {
            (Which::Former, Some(former)) => former.digest(),
            _ => self.checked.module().digest(),
        }
    }
}

/// What an agent wants done.
#[derive(Debug)]
pub enum Command {
    /// Write this to disk, before anything after it.
    Persist(Box<Durable>),
    /// Add this to the tail of the trace on disk, before anything after it.
    Append(Vec<u8>),
    /// Write this part of the trace to disk, signed with the agent's key ([`Chunk::seal`]), and empty the
    /// tail. It is sent from there, when there is someone to take it.
    Seal(Box<Chunk>),
    /// The journal of effects is gone, and this order was under way: all it does once is in doubt.
    Forget([u8; 16]),
    /// Send a message.
    Send(FromAgent),
    /// Start a program. Answer with [`Event::Started`]; of one in shadow with [`Event::ShadowStarted`].
    Start(Box<Start>),
    /// Stop the program that runs, between two steps.
    Stop,
    /// Stop the program in shadow.
    StopShadow,
    /// Wake the agent up at this time.
    Wake(u64),
}

/// An agent.
#[derive(Debug)]
pub struct Agent {
    profile: Profile,
    durable: Durable,
    /// Its disk was new, and it has sent this nonce.
    unadmitted: Option<u64>,
    /// Why the last start failed.
    failure: Option<SmolStr>,
    /// The digest of what was looked at last, to do nothing twice.
    seen: Option<Sha256Digest>,
    running: Option<Sha256Digest>,
    starting: Option<(Sha256Digest, bool)>,
    retry_at: Option<u64>,
    totals: Option<(Sha256Digest, [u8; 16], Totals)>,
    sent: Option<Arc<Aggregate>>,
    /// What a program in shadow did so far, if one runs.
    comparison: Option<Comparison>,
    log: Log,
    next_poll: u64,
    next_window: u64,
    window: u64,
    /// It was told to stop.
    left: bool,
}

/// What a step of the machine works with.
struct Context<'c> {
    clock: i64,
    now: u64,
    cache: &'c mut Cache,
    commands: &'c mut Vec<Command>,
}

impl Agent {
    /// An agent that has not started yet.
    pub fn new(profile: Profile) -> Agent {
        Agent {
            log: Log::new(profile.name.clone(), 0, None),
            profile,
            durable: Durable::default(),
            unadmitted: None,
            failure: None,
            seen: None,
            running: None,
            starting: None,
            retry_at: None,
            totals: None,
            sent: None,
            comparison: None,
            next_poll: 0,
            next_window: 0,
            window: 0,
            left: false,
        }
    }

    /// Its name.
    pub fn name(&self) -> &Name {
        &self.profile.name
    }

    /// What it is.
    pub fn profile(&self) -> &Profile {
        &self.profile
    }

    /// What it would find on its disk.
    pub fn durable(&self) -> &Durable {
        &self.durable
    }

    /// The digest of the program it runs.
    pub fn running(&self) -> Option<Sha256Digest> {
        self.running
    }

    /// The window it told last.
    pub fn told(&self) -> Option<&Aggregate> {
        self.sent.as_deref()
    }

    /// One step: by the agent's clock, in nanoseconds since the Unix epoch, and by a time that never goes back.
    pub fn step(
        &mut self,
        (clock, now): (i64, u64),
        event: Event<'_>,
        cache: &mut Cache,
        commands: &mut Vec<Command>,
    ) {
        let mut context = Context { clock, now, cache, commands };
        match event {
            Event::Boot { disk, tail, nonce } => self.boot(disk, &tail, nonce, &mut context),
            Event::Message(message) => self.message(message, &mut context),
            Event::Wake => self.wake(&mut context),
            Event::Reconnected => self.ask_again(&mut context),
            Event::Started(result) => self.started(result, &mut context),
            Event::Activated(activation) => self.activated(activation, &mut context),
            Event::ShadowStarted(result) => self.shadow_started(result, &mut context),
            Event::ShadowActivated(activation) => self.shadow_activated(activation, &mut context),
            Event::Leave => self.leave(&mut context),
        }
    }

    fn boot(&mut self, disk: Option<Box<Durable>>, tail: &[u8], nonce: u64, context: &mut Context<'_>) {
        self.durable = disk.map(|disk| *disk).unwrap_or_default();
        self.reopen(tail, context);
        self.unadmitted = (!self.durable.admitted).then_some(nonce);
        (self.seen, self.running, self.starting, self.retry_at) = (None, None, None, None);
        (self.totals, self.sent, self.comparison, self.window) = (None, None, None, 0);
        self.left = false;
        self.persist(context);
        // Agents do not all ask at once: where in the interval each does follows from its name.
        let hash: Sha256Digest = Sha256::digest(self.profile.name.as_str().as_bytes()).into();
        let offset = u64::from_le_bytes(*hash.first_chunk().unwrap_or(&[0; 8]));
        let offset = offset.checked_rem(self.profile.poll_ns.max(1)).unwrap_or(0);
        self.next_poll = context.now.saturating_add(offset);
        self.next_window = context.now.saturating_add(self.profile.window_ns);
        match self.unadmitted {
            Some(nonce) => context.commands.push(Command::Send(FromAgent::Admit { nonce })),
            None => {
                self.resume(context);
                self.come_back(context);
                self.begin_shadow(context);
            }
        }
        context.commands.push(Command::Send(FromAgent::Read));
        self.sleep(context);
    }

    /// Begins a new incarnation's trace. It names the last head on disk of the one before, so the gap shows;
    /// what is left of that one's last chunk is signed now.
    fn reopen(&mut self, tail: &[u8], context: &mut Context<'_>) {
        let name = &self.profile.name;
        let before = self.durable.incarnation;
        let kept = recovered(tail).filter(|chunk| chunk.agent == *name && chunk.incarnation == before);
        let head = kept.as_ref().map(Chunk::head).filter(|head| head.events >= self.durable.head.events);
        let previous =
            (before > 0).then(|| Previous { incarnation: before, head: head.unwrap_or(self.durable.head) });
        context.commands.extend(kept.map(|chunk| Command::Seal(Box::new(chunk))));
        self.durable.incarnation = before.saturating_add(1);
        self.log = Log::new(name.clone(), self.durable.incarnation, previous);
        self.durable.head = self.log.head();
    }

    /// The rest of its trace, by its clock, for an agent that stops and means to.
    pub fn close(&mut self, clock: i64) -> Chunk {
        self.log.close(clock)
    }

    fn message(&mut self, message: &ToAgent, context: &mut Context<'_>) {
        match message {
            ToAgent::Hint => context.commands.push(Command::Send(FromAgent::Read)),
            // Until it is admitted it only learns whose checkpoint counts.
            ToAgent::Desired(Some(directive)) if self.unadmitted.is_some() => {
                let _learned = context.cache.checked(directive);
            }
            ToAgent::Desired(Some(directive)) => {
                self.reconcile(directive, context);
                self.sleep(context);
            }
            ToAgent::Desired(None) => {}
            ToAgent::Covered { sequence } => {
                // That it left is remembered: it has to say so when it is back.
                let kept = |(own, ack): &(u64, Arc<Envelope>)| own > sequence || leave::says_left(ack);
                self.durable.outbox = self.durable.outbox.take().filter(kept);
            }
            ToAgent::Checkpoint(envelope) => self.admitted(envelope, context),
        }
    }

    /// A checkpoint counts if it answers the nonce, and if its signer is the injector of a plan that
    /// publishers signed: the one the agent then reads.
    fn admitted(&mut self, envelope: &Envelope, context: &mut Context<'_>) {
        let Some(nonce) = self.unadmitted else { return };
        let injector = |id: &_| context.cache.injectors().find(|key| key.id() == *id);
        if envelope.check(CHECKPOINT_TYPE, injector).is_err() {
            return;
        }
        let Ok(checkpoint) = Checkpoint::decode(&envelope.payload) else { return };
        if checkpoint.nonce != nonce || checkpoint.agent != self.profile.name {
            return;
        }
        self.unadmitted = None;
        self.durable.admitted = true;
        self.durable.mark.revision = checkpoint.revision;
        self.durable.mark.payload = checkpoint.record;
        self.durable.spent = Some((checkpoint.order, i64::MAX, i64::MAX));
        self.durable.sequence = checkpoint.sequence;
        context.commands.push(Command::Forget(checkpoint.order));
        self.persist(context);
        context.commands.push(Command::Send(FromAgent::Read));
    }

    fn wake(&mut self, context: &mut Context<'_>) {
        if context.now >= self.next_poll {
            self.next_poll = context.now.saturating_add(self.profile.poll_ns);
            self.ask_again(context);
        }
        if self.retry_at.is_some_and(|at| context.now >= at) {
            self.retry_at = None;
            self.resume(context);
        }
        if context.now >= self.next_window {
            self.next_window = context.now.saturating_add(self.profile.window_ns);
            self.window = self.window.saturating_add(1);
            self.close_window(context);
        }
        self.sleep(context);
    }

    /// Says again what no one has confirmed, and reads what is desired.
    fn ask_again(&self, context: &mut Context<'_>) {
        if let Some(nonce) = self.unadmitted {
            context.commands.push(Command::Send(FromAgent::Admit { nonce }));
        }
        let unheard = self.durable.outbox.iter().map(|(_, ack)| Arc::clone(ack));
        context.commands.extend(unheard.map(|ack| Command::Send(FromAgent::Ack(ack))));
        context.commands.push(Command::Send(FromAgent::Read));
    }

    fn sleep(&self, context: &mut Context<'_>) {
        let next = self.next_poll.min(self.next_window).min(self.retry_at.unwrap_or(u64::MAX));
        context.commands.push(Command::Wake(next));
    }

    /// Sends what the trace says so far. Its head is on disk before.
    fn close_window(&mut self, context: &mut Context<'_>) {
        self.tell_comparison(context);
        let Some((_, order, totals)) = &self.totals else { return };
        let old = self.log.seal_old(context.clock);
        context.commands.extend(old.map(|chunk| Command::Seal(Box::new(chunk))));
        let fresh = self.sent.as_ref().is_none_or(|sent| sent.head != self.durable.head);
        if fresh {
            let aggregate = Aggregate {
                agent: self.profile.name.clone(),
                incarnation: self.durable.incarnation,
                window: self.window,
                order: *order,
                totals: totals.clone(),
                head: self.durable.head,
            };
            self.sent = Some(Arc::new(aggregate));
            self.persist(context);
        }
        if let Some(sent) = &self.sent {
            context.commands.push(Command::Send(FromAgent::Window(Arc::clone(sent))));
        }
    }

    fn activated(&mut self, activation: &Activation, context: &mut Context<'_>) {
        let program = self.totals.as_ref().map_or(([0; 16], [0; 32]), |(digest, order, _)| (*order, *digest));
        let full = self.log.record(context.clock, program, activation);
        self.durable.head = self.log.head();
        context.commands.extend(full.map(|chunk| Command::Seal(Box::new(chunk))));
        if let Some((_, _, totals)) = &mut self.totals {
            totals.record(activation);
        }
        if let Some(comparison) = &mut self.comparison {
            comparison.old.record(activation);
        }
        let spends = activation.money != 0 || activation.tokens != 0;
        if let Some((_, money, tokens)) = self.durable.spent.as_mut().filter(|_| spends) {
            *money = money.saturating_add(activation.money);
            *tokens = tokens.saturating_add(activation.tokens);
        }
        let survived = self.running.and_then(|digest| self.durable.attempts.remove(&digest)).is_some();
        let badly = activation.ended.as_ref().is_some_and(|(outcome, _)| !well(outcome));
        if survived && !badly {
            self.durable.last_good = self.durable.installed.clone();
        }
        match &activation.ended {
            Some((outcome, reason)) => self.ended(outcome, reason, context),
            None if spends || survived => self.persist(context),
            None => {}
        }
    }

    fn ended(&mut self, outcome: &SmolStr, reason: &SmolStr, context: &mut Context<'_>) {
        let desired = self.running == self.durable.installed.as_ref().map(|installed| installed.digest);
        self.running = None;
        if !desired {
            // A program that runs in place of what is desired is not accounted for.
            self.persist(context);
            return;
        }
        let status = if well(outcome) {
            Status::Finished(outcome.clone())
        } else {
            Status::Failed(cut(&format!("{outcome}: {reason}")).into())
        };
        self.durable.finished = Some(status.clone());
        self.acknowledge_installed(status, context);
        self.close_window(context);
    }

    /// Says what became of what is installed, unless what is desired is a shadow: that has answers of its own.
    fn acknowledge_installed(&mut self, status: Status, context: &mut Context<'_>) {
        match self.durable.shadow {
            Some(_) => self.persist(context),
            None => self.acknowledge(status, context),
        }
    }

    /// Signs an acknowledgement of the record that was accepted last, writes all down, and sends it.
    fn acknowledge(&mut self, status: Status, context: &mut Context<'_>) {
        let ack = self.signed(self.durable.mark.payload, status, context);
        self.answer(ack, context);
    }

    /// Writes an acknowledgement down, and says it until it is confirmed.
    fn answer(&mut self, ack: Arc<Envelope>, context: &mut Context<'_>) {
        self.durable.outbox = Some((self.durable.sequence, Arc::clone(&ack)));
        self.persist(context);
        context.commands.push(Command::Send(FromAgent::Ack(ack)));
    }

    fn signed(&mut self, record: Sha256Digest, status: Status, context: &Context<'_>) -> Arc<Envelope> {
        self.durable.sequence = self.durable.sequence.saturating_add(1);
        let ack = Ack {
            agent: self.profile.name.clone(),
            incarnation: self.durable.incarnation,
            sequence: self.durable.sequence,
            record,
            status,
            head: self.durable.head,
            clock: context.clock,
        };
        let mut envelope = Envelope::new(ACK_TYPE, ack.encode());
        // An envelope no one has signed yet takes a signature.
        let _signed = envelope.sign(&self.profile.key);
        Arc::new(envelope)
    }

    /// No head is told, or written down, whose trace is not on disk.
    fn persist(&mut self, context: &mut Context<'_>) {
        context.commands.extend(self.log.unsaved().map(Command::Append));
        context.commands.push(Command::Persist(Box::new(self.durable.clone())));
    }

    /// What is left of the agent's share of the fleet's money and tokens.
    fn left(&self, checked: &Checked, rank: u32) -> (Option<i64>, Option<i64>) {
        let plan = checked.plan();
        let header = &checked.module().module().instruction;
        let (money, tokens) = match self.durable.spent {
            Some((order, money, tokens)) if order == plan.order.id => (money, tokens),
            _ => (0, 0),
        };
        let left = |budget: Option<i64>, spent: i64| {
            budget.map(|budget| share(budget, plan.targets(), rank).saturating_sub(spent).max(0))
        };
        (left(header.budget_money, money), left(header.budget_tokens, tokens))
    }

    fn start(
        &self,
        checked: &Arc<Checked>,
        which: Which,
        fallback: bool,
        context: &Context<'_>,
    ) -> Option<Start> {
        let rank = checked.rank(&self.profile.name)?;
        let order = &checked.plan().order;
        let mut identity = order.fleet.as_str().as_bytes().to_vec();
        identity.push(0);
        identity.extend_from_slice(&order.id);
        identity.extend_from_slice(self.profile.name.as_str().as_bytes());
        let (money, tokens) = self.left(checked, rank);
        let end = order.not_after.saturating_add(TOLERANCE);
        let remaining = end.saturating_sub(context.clock.max(self.durable.mark.latest_signed));
        let remaining_ns = u64::try_from(remaining).unwrap_or(0);
        let shadow_ns = checked.plan().shadow;
        let remaining_ns = remaining_ns.min(shadow_ns.unwrap_or(u64::MAX));
        let (checked, shadow) = (Arc::clone(checked), shadow_ns.is_some());
        Some(Start { checked, which, fallback, shadow, rank, identity, money, tokens, remaining_ns })
    }
}

/// Whether a run that ends so has done what it should.
fn well(outcome: &str) -> bool {
    matches!(outcome, "done" | "stopped")
}
