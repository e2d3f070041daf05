//! The host: what a program can reach outside, and how.

mod answer;
mod argument;
mod handler;
mod link;

use std::cell::RefCell;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use smol_str::SmolStr;
use swarm_bytecode::module::{Effect, Import, Module};
use swarm_bytecode::types::TypeId;

use crate::attached::{Attached, type_text};
use crate::clock::{Clock, SystemClock};
use crate::decode::Code;
use crate::error::LoadError;
use crate::heap::{Data, Heap};
use crate::limits::Grants;
use crate::program::Program;
use crate::report::PlaceName;
use crate::value::ValueRef;

pub(crate) use answer::AnswerKind;
pub use answer::{Answer, HostError, IntoAnswer, IntoValue};
pub use argument::{
    Argument, Bandwidth, Bytes, Duration, List, Money, Percent, Rate, Record, Text, Time, Tokens,
};
pub use handler::Handler;
use link::Linked;
pub(crate) use link::{Link, Links, Ready, Target, charge_with_texts};

/// The functions an embedder offers to programs, the clock that times them and the flag that cancels them.
///
/// ```
/// use swarm_vm::{Host, Percent, Record};
/// let mut throttled = Vec::new();
/// let mut host = Host::new();
/// host.action("REDUCE_CPU_THROTTLE", |task: Record<'_>, by: Percent| {
///     throttled.push((task.key_text().to_owned(), by));
/// });
/// ```
pub struct Host<'h> {
    /// Renewed by each change of what it offers, so that links can tell whether they hold.
    stamp: u64,
    functions: Vec<HostFunction<'h>>,
    otherwise: Option<Function<'h>>,
    /// The agent's own vetoes, by action.
    vetoes: Vec<(SmolStr, Rule<'h>)>,
    clock: Box<dyn Clock + 'h>,
    cancel: Option<Arc<AtomicBool>>,
    linked: RefCell<Option<Linked>>,
    /// Register stacks that no run needs now.
    stacks: Vec<Vec<u64>>,
}

/// How many register stacks a host keeps for later runs, and how many words one of these may have at most.
const MAX_STACKS: usize = 16;
const MAX_STACK: usize = 64 << 10;

/// A handler. It leaves the answer empty for a plain "done", which so costs nothing to hand back.
/// What makes up a [`Call`] comes in parts, which are all in registers of the machine.
type Function<'h> = Box<dyn FnMut(&About<'_>, &Heap, &[u64], &mut Option<Answer>) + 'h>;

/// Gives the reason if it forbids a call.
type Rule<'h> = Box<dyn FnMut(&Call<'_>) -> Option<SmolStr> + 'h>;

/// Whether a handler's types are those of an import; if not, the handler's signature as text.
type Check = fn(&Module, &Import) -> Result<(), String>;

struct HostFunction<'h> {
    name: SmolStr,
    /// Whether it was registered as a query; `None` for both.
    query: Option<bool>,
    /// Whether it never says more than "done".
    plain: bool,
    check: Check,
    call: Function<'h>,
}

impl HostFunction<'_> {
    fn fits(&self, module: &Module, import: &Import) -> Result<(), String> {
        let query = import.effect == Effect::Query;
        match self.query {
            Some(registered) if registered != query => {
                Err(if registered { ", a query" } else { ", an action" }.to_owned())
            }
            _ => (self.check)(module, import),
        }
    }
}

impl Default for Host<'_> {
    fn default() -> Self {
        Host {
            stamp: link::next_stamp(),
            functions: Vec::new(),
            otherwise: None,
            vetoes: Vec::new(),
            clock: Box::new(SystemClock::default()),
            cancel: None,
            linked: RefCell::new(None),
            stacks: Vec::new(),
        }
    }
}

impl fmt::Debug for Host<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.functions.iter().map(|function| &function.name)).finish()
    }
}

impl<'h> Host<'h> {
    /// A host without functions, with the machine's clock.
    pub fn new() -> Host<'h> {
        Host::default()
    }

    /// Registers an action. The types of the closure's parameters must be those the program declares; it returns
    /// `()`, a `Result<(), HostError>` or an [`Answer`]. A name registered again replaces the first.
    pub fn action<M, H: Handler<M> + 'h>(&mut self, name: &str, handler: H) -> &mut Self {
        self.register(name, false, handler)
    }

    /// Registers a query. The closure returns the answer: a value, a `Result` of one, or an [`Answer`].
    pub fn query<M, H: Handler<M> + 'h>(&mut self, name: &str, handler: H) -> &mut Self {
        self.register(name, true, handler)
    }

    fn register<M, H: Handler<M> + 'h>(&mut self, name: &str, query: bool, mut handler: H) -> &mut Self {
        self.put(HostFunction {
            name: name.into(),
            query: Some(query),
            plain: H::PLAIN,
            check: H::check,
            call: Box::new(move |about, heap, arguments, answer| {
                handler.call(&Call { about, heap, arguments }, answer);
            }),
        })
    }

    /// Registers a handler of any signature, action or query, that looks at its arguments itself. One that
    /// returns `()` is for what has no answer.
    pub fn raw<R: IntoAnswer>(
        &mut self,
        name: &str,
        mut handler: impl FnMut(&Call<'_>) -> R + 'h,
    ) -> &mut Self {
        self.put(HostFunction {
            name: name.into(),
            query: None,
            plain: R::PLAIN,
            check: |_, import| match R::PLAIN && import.result.is_some() {
                true => Err("(..)".to_owned()),
                false => Ok(()),
            },
            call: Box::new(move |about, heap, arguments, answer| {
                keep(answer, handler(&Call { about, heap, arguments }).into_answer());
            }),
        })
    }

    /// Registers a handler for every function without one of its own.
    pub fn otherwise(&mut self, mut handler: impl FnMut(&Call<'_>) -> Answer + 'h) -> &mut Self {
        self.otherwise = Some(Box::new(move |about, heap, arguments, answer| {
            keep(answer, handler(&Call { about, heap, arguments }));
        }));
        self.stamp = link::next_stamp();
        self
    }

    /// Forbids some calls of an action, whatever the program says: the rule sees each call as it is issued,
    /// and again when a held one is carried out, and gives a reason if it forbids it. The agent pays for its
    /// rules, the program does not. Rules of one action are asked in the order they were added; the first
    /// that forbids decides.
    ///
    /// ```
    /// # let mut host = swarm_vm::Host::new();
    /// host.veto("RESTART", |call| {
    ///     let name = call.argument(0).and_then(swarm_vm::ValueRef::as_str)?;
    ///     (name == "db").then(|| "the database is never restarted".to_owned())
    /// });
    /// ```
    pub fn veto<S: AsRef<str>>(
        &mut self,
        action: &str,
        mut rule: impl FnMut(&Call<'_>) -> Option<S> + 'h,
    ) -> &mut Self {
        let rule = move |call: &Call<'_>| rule(call).map(|reason| crate::trace::cut(reason.as_ref()));
        self.vetoes.push((action.into(), Box::new(rule)));
        self.stamp = link::next_stamp();
        self
    }

    fn put(&mut self, function: HostFunction<'h>) -> &mut Self {
        match self.functions.iter_mut().find(|own| own.name == function.name) {
            Some(own) => *own = function,
            None => self.functions.push(function),
        }
        self.stamp = link::next_stamp();
        self
    }

    /// Times runs by another clock.
    pub fn clock(&mut self, clock: impl Clock + 'h) -> &mut Self {
        self.clock = Box::new(clock);
        self
    }

    /// Ends runs, as at their deadline, soon after the flag is set.
    pub fn cancel_flag(&mut self, flag: Arc<AtomicBool>) -> &mut Self {
        self.cancel = Some(flag);
        self
    }

    pub(crate) fn now_ns(&self) -> u64 {
        self.clock.now_ns()
    }

    /// Whether the clock came to that time by itself. If not, someone else has to wait.
    pub(crate) fn sleep_until(&self, until_ns: u64) -> bool {
        self.clock.sleep_until(until_ns)
    }

    /// Whether the agent has vetoes of its own for an action.
    pub(crate) fn may_forbid(&self, action: &str) -> bool {
        self.vetoes.iter().any(|(name, _)| name == action)
    }

    /// The reason of the first of the agent's vetoes that forbids a call.
    pub(crate) fn forbids(&mut self, call: &Call<'_>) -> Option<SmolStr> {
        let rules = self.vetoes.iter_mut().filter(|(name, _)| *name == call.import().name);
        rules.into_iter().find_map(|(_, rule)| rule(call))
    }

    /// Whether somebody may end runs by a flag.
    pub(crate) fn has_cancel_flag(&self) -> bool {
        self.cancel.is_some()
    }

    #[inline]
    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancel.as_ref().is_some_and(|flag| flag.load(Ordering::Relaxed))
    }

    fn find(&self, name: &str) -> Option<&HostFunction<'h>> {
        self.functions.iter().find(|function| function.name == name)
    }

    /// A register stack, of use before or new. Its words hold anything.
    pub(crate) fn lend_stack(&mut self) -> Vec<u64> {
        self.stacks.pop().unwrap_or_default()
    }

    /// Takes back a register stack.
    pub(crate) fn take_stack(&mut self, stack: Vec<u64>) {
        if (1..=MAX_STACK).contains(&stack.capacity()) && self.stacks.len() < MAX_STACKS {
            self.stacks.push(stack);
        }
    }

    /// The links of a program's imports under these grants.
    pub(crate) fn links(&self, program: &Program, grants: &Grants) -> Links {
        self.linked(program, grants, |linked| linked.links.clone())
    }

    /// Makes sure that every import has a handler of its types, and a granted capability unless the program
    /// only ever tries it.
    pub(crate) fn admit(&self, program: &Program, grants: &Grants) -> Result<(), LoadError> {
        self.linked(program, grants, |linked| {
            if !linked.admitted {
                self.check(program.code(), grants)?;
                linked.admitted = true;
            }
            Ok(())
        })
    }

    /// Looks at what is known of a program under these grants.
    fn linked<T>(&self, program: &Program, grants: &Grants, look: impl FnOnce(&mut Linked) -> T) -> T {
        let mut kept = self.linked.borrow_mut();
        let known = kept.take().filter(|linked| linked.is_of(program, grants, self));
        look(kept.insert(known.unwrap_or_else(|| Linked {
            program: program.clone(),
            grants: grants.clone(),
            links: Links::new(program.code(), self, grants),
            admitted: false,
        })))
    }

    fn check(&self, code: &Code, grants: &Grants) -> Result<(), LoadError> {
        let module = code.module();
        let demanded = module.imports.iter().enumerate().filter(|(at, _)| !code.only_tries(*at));
        let capabilities = demanded.filter_map(|(_, import)| import.capability.as_ref());
        let mut missing: Vec<SmolStr> = capabilities.filter(|name| !grants.contains(name)).cloned().collect();
        if !missing.is_empty() {
            missing.sort_unstable();
            missing.dedup();
            return Err(LoadError::capabilities(missing));
        }
        for import in &module.imports {
            let action = import.effect != Effect::Query;
            let Some(function) = self.find(&import.name) else {
                if self.otherwise.is_some() {
                    continue;
                }
                return Err(LoadError::missing_handler(&import.name, action));
            };
            if let Err(registered) = function.fits(module, import) {
                return Err(LoadError::signature(&import.name, &declared(module, import), &registered));
            }
        }
        Ok(())
    }

    /// What answers an import. The host may be another one than at the start, so types are looked at again: a
    /// typed handler only ever sees its own.
    fn target(&self, module: &Module, import: &Import) -> Target {
        match self.functions.iter().position(|function| function.name == import.name) {
            Some(at) if self.functions.get(at).is_some_and(|own| own.fits(module, import).is_ok()) => {
                u32::try_from(at).map_or(Target::Missing, Target::Own)
            }
            Some(_) => Target::Misfit,
            None if self.otherwise.is_some() => Target::Otherwise,
            None => Target::Missing,
        }
    }

    /// Whether what answers an import never says more than "done".
    fn is_plain(&self, target: Target) -> bool {
        let Target::Own(at) = target else { return false };
        self.functions.get(crate::slot::index(at)).is_some_and(|own| own.plain)
    }

    /// Calls a function of its own.
    #[inline(always)]
    pub(crate) fn call_own(&mut self, function: u32, call: Call<'_>, answer: &mut Option<Answer>) {
        match self.functions.get_mut(crate::slot::index(function)) {
            Some(own) => (own.call)(call.about, call.heap, call.arguments, answer),
            None => fail(Target::Missing, answer),
        }
    }

    /// Calls what answers an import; what is not there fails. The answer stays empty for a plain "done".
    pub(crate) fn call(&mut self, target: Target, call: Call<'_>, answer: &mut Option<Answer>) {
        match (target, &mut self.otherwise) {
            (Target::Own(at), _) => self.call_own(at, call, answer),
            (Target::Otherwise, Some(function)) => function(call.about, call.heap, call.arguments, answer),
            _ => fail(target, answer),
        }
    }
}

/// There is nothing that answers.
#[cold]
#[inline(never)]
fn fail(target: Target, answer: &mut Option<Answer>) {
    *answer = Some(Answer::failed(target.problem()));
}

/// Keeps an answer that is more than "done".
#[inline]
fn keep(place: &mut Option<Answer>, answer: Answer) {
    if !answer.is_plain() {
        *place = Some(answer);
    }
}

/// A declared signature as text: `(Task, percent) -> money`.
pub(crate) fn declared(module: &Module, import: &Import) -> String {
    let parameters = import.parameters.iter().map(|ty| type_text(module, *ty)).collect::<Vec<_>>().join(", ");
    match import.result {
        Some(result) => format!("({parameters}) -> {}", type_text(module, result)),
        None => format!("({parameters})"),
    }
}

/// One call of the host, as a handler sees it. Look records up by their KEY in your own data: a program can
/// make up the other fields.
#[derive(Clone, Copy)]
pub struct Call<'a> {
    pub(crate) about: &'a About<'a>,
    pub(crate) heap: &'a Heap,
    pub(crate) arguments: &'a [u64],
}

/// Which call it is.
#[derive(Clone, Copy)]
pub(crate) struct About<'a> {
    pub(crate) code: &'a Code,
    pub(crate) attached: &'a Attached,
    pub(crate) import: &'a Import,
    pub(crate) number: u64,
    /// Its word.
    pub(crate) pc: usize,
    /// Which attempt of a `RETRY` it is, from 1.
    pub(crate) attempt: u32,
    pub(crate) key: Option<EffectKey>,
}

/// Names one effect of an action that is ONCE. See [`Call::key`].
pub type EffectKey = [u8; 32];

impl<'a> Call<'a> {
    /// Name of the function.
    pub fn name(&self) -> &'a str {
        &self.about.import.name
    }

    /// Its whole declaration.
    pub fn import(&self) -> &'a Import {
        self.about.import
    }

    /// What it does to the world.
    pub fn effect(&self) -> Effect {
        self.about.import.effect
    }

    /// Type of the answer; only a query has one.
    pub fn result(&self) -> Option<TypeId> {
        self.about.import.result
    }

    /// Number of the call in its order, from 0.
    pub fn number(&self) -> u64 {
        self.about.number
    }

    /// Which attempt of a `RETRY` it is, from 1; always 1 elsewhere.
    pub fn attempt(&self) -> u32 {
        self.about.attempt
    }

    /// Of an action that is ONCE: what stands for this effect and no other. It is the same for all attempts of a
    /// `RETRY`, and for the same call of an order that runs anew: SHA-256 over the identity given to
    /// [`crate::Instance::identity`], the place, the arguments, and how many calls with equal arguments came from
    /// that place before. Who has done the effect of a key must not do it again.
    pub fn key(&self) -> Option<EffectKey> {
        self.about.key
    }

    /// Where in the program the call stands.
    pub fn place(&self) -> PlaceName {
        let About { code, pc, .. } = *self.about;
        let origin = code.origin(pc);
        crate::trace::place_name(code, origin.function, origin.op)
    }

    /// The module that gives type ids their meaning.
    pub fn module(&self) -> &'a Module {
        self.about.code.module()
    }

    /// An argument, from 0.
    #[inline]
    pub fn argument(&self, at: usize) -> Option<ValueRef<'a>> {
        let ty = *self.about.import.parameters.get(at)?;
        Some(ValueRef { data: self.data(), ty, slot: *self.arguments.get(at)? })
    }

    #[inline]
    pub(crate) fn data(&self) -> Data<'a> {
        Data { code: self.about.code, attached: self.about.attached, heap: self.heap }
    }

    /// All arguments in order.
    pub fn arguments(&self) -> impl Iterator<Item = ValueRef<'a>> + use<'a> {
        let data = self.data();
        let typed = self.about.import.parameters.iter().zip(self.arguments);
        typed.map(move |(ty, slot)| ValueRef { data, ty: *ty, slot: *slot })
    }
}

impl fmt::Debug for Call<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        f.debug_list().entries(self.arguments()).finish()
    }
}
