//! The host: what a program can reach outside, and how.

mod answer;
mod argument;
mod handler;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use smol_str::SmolStr;
use swarm_bytecode::module::{Effect, Import, Module};
use swarm_bytecode::types::TypeId;

use crate::attached::type_text;
use crate::clock::{Clock, SystemClock};
use crate::error::LoadError;
use crate::heap::Data;
use crate::limits::Grants;
use crate::report::PlaceName;
use crate::value::ValueRef;

pub(crate) use answer::AnswerKind;
pub use answer::{Answer, HostError, IntoAnswer, IntoValue};
pub use argument::{
    Argument, Bandwidth, Bytes, Duration, List, Money, Percent, Rate, Record, Text, Time, Tokens,
};
pub use handler::Handler;

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
    functions: Vec<HostFunction<'h>>,
    otherwise: Option<Function<'h>>,
    clock: Box<dyn Clock + 'h>,
    cancel: Option<Arc<AtomicBool>>,
}

type Function<'h> = Box<dyn FnMut(&Call<'_>) -> Answer + 'h>;

/// Whether a handler's types are those of an import; if not, the handler's signature as text.
type Check = fn(&Module, &Import) -> Result<(), String>;

struct HostFunction<'h> {
    name: SmolStr,
    /// Whether it was registered as a query; `None` for both.
    query: Option<bool>,
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
        Host { functions: Vec::new(), otherwise: None, clock: Box::new(SystemClock::default()), cancel: None }
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
            check: H::check,
            call: Box::new(move |call| handler.call(call)),
        })
    }

    /// Registers a handler of any signature, action or query, that looks at its arguments itself.
    pub fn raw(&mut self, name: &str, handler: impl FnMut(&Call<'_>) -> Answer + 'h) -> &mut Self {
        self.put(HostFunction {
            name: name.into(),
            query: None,
            check: |_, _| Ok(()),
            call: Box::new(handler),
        })
    }

    /// Registers a handler for every function without one of its own.
    pub fn otherwise(&mut self, handler: impl FnMut(&Call<'_>) -> Answer + 'h) -> &mut Self {
        self.otherwise = Some(Box::new(handler));
        self
    }

    fn put(&mut self, function: HostFunction<'h>) -> &mut Self {
        match self.functions.iter_mut().find(|own| own.name == function.name) {
            Some(own) => *own = function,
            None => self.functions.push(function),
        }
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

    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancel.as_ref().is_some_and(|flag| flag.load(Ordering::Relaxed))
    }

    fn find(&self, name: &str) -> Option<&HostFunction<'h>> {
        self.functions.iter().find(|function| function.name == name)
    }

    /// Whether every import has a handler of its types and a granted capability.
    pub(crate) fn admit(&self, module: &Module, grants: &Grants) -> Result<(), LoadError> {
        let capabilities = module.imports.iter().filter_map(|import| import.capability.as_ref());
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

    /// Calls a handler; one that is not there fails.
    pub(crate) fn call(&mut self, call: &Call<'_>) -> Answer {
        let name = &call.import.name;
        let own = self.functions.iter_mut().find(|function| function.name == *name);
        // The host may be another one than at the start: a typed handler only ever sees its own types.
        match own {
            Some(function) => match function.fits(call.data.code.module(), call.import) {
                Ok(()) => (function.call)(call),
                Err(_) => Answer::failed("the host's function of this name has other types"),
            },
            None => match &mut self.otherwise {
                Some(otherwise) => otherwise(call),
                None => Answer::failed("the host has no such function"),
            },
        }
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

/// One call of the host, as a handler sees it. Look records up by their KEY in your own data: a program can make up
/// the other fields.
pub struct Call<'a> {
    pub(crate) import: &'a Import,
    pub(crate) data: Data<'a>,
    pub(crate) arguments: &'a [u64],
    pub(crate) number: u64,
    pub(crate) place: (u16, u32),
}

impl<'a> Call<'a> {
    /// Name of the function.
    pub fn name(&self) -> &'a str {
        &self.import.name
    }

    /// Its whole declaration.
    pub fn import(&self) -> &'a Import {
        self.import
    }

    /// What it does to the world.
    pub fn effect(&self) -> Effect {
        self.import.effect
    }

    /// Type of the answer; only a query has one.
    pub fn result(&self) -> Option<TypeId> {
        self.import.result
    }

    /// Number of the call in its run, from 0.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Where in the program the call stands.
    pub fn place(&self) -> PlaceName {
        crate::trace::place_name(self.data.code, self.place.0, self.place.1)
    }

    /// The module that gives type ids their meaning.
    pub fn module(&self) -> &'a Module {
        self.data.code.module()
    }

    /// An argument, from 0.
    pub fn argument(&self, at: usize) -> Option<ValueRef<'a>> {
        let ty = *self.import.parameters.get(at)?;
        Some(ValueRef { data: self.data, ty, slot: *self.arguments.get(at)? })
    }

    /// All arguments in order.
    pub fn arguments(&self) -> impl Iterator<Item = ValueRef<'a>> + use<'a> {
        let data = self.data;
        let typed = self.import.parameters.iter().zip(self.arguments);
        typed.map(move |(ty, slot)| ValueRef { data, ty: *ty, slot: *slot })
    }
}

impl fmt::Debug for Call<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        f.debug_list().entries(self.arguments()).finish()
    }
}
