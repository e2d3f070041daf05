//! The engine of simulated agents: the real virtual machine, over made-up work.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use smol_str::SmolStr;
use swarm_bytecode::module::{Effect, FunctionId, Module};
use swarm_bytecode::types::{Type, TypeId};
use swarm_vm::trace::{ActionResult, Event, EventKind};
use swarm_vm::{
    Agenda, Answer, Call, Due, EffectKey, Effects, Exit, Grants, Host, Inputs, Instance, Level, Limits,
    Program, Report, Table, Value, VirtualClock,
};

use super::random::Chance;
use super::workload::{Shape, Workload, shapes};
use crate::agent::{Start, Which};
use crate::engine::Engine;
use crate::journal::{Journal, Permit};
use crate::monitor::Judge;
use crate::order::Sha256Digest;
use crate::tasks::{TASK_QUEUE, Tasks};
use crate::trace::entry::{What, records, sample_of};
use crate::window::{Actions, Activation, Number};

/// Figures of the agent itself, which its host records where the program does not.
const OWN: [&str; 4] = ["latency", "memory", "cpu", "error_rate"];

/// Runs programs in virtual machines. One host serves all of them, one after the other.
pub struct Machines {
    seed: u64,
    started_at: i64,
    programs: BTreeMap<(Sha256Digest, [u8; 16]), Arc<Loaded>>,
    host: Host<'static>,
    clock: VirtualClock,
    desk: Rc<RefCell<Desk>>,
    /// An input that is not made up, and where it comes from.
    outer: Option<(SmolStr, Source)>,
}

/// Gives an input as it is now; none where it cannot be read.
type Source = Box<dyn Fn() -> Option<Arc<Table>>>;

impl std::fmt::Debug for Machines {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Machines").field("programs", &self.programs.len()).finish_non_exhaustive()
    }
}

/// A program, and what is the same for all agents that run it.
struct Loaded {
    program: Program,
    context: Inputs,
    shapes: Vec<Option<Shape>>,
    /// Indices of the metrics of [`OWN`] that the program does not record itself.
    own: Vec<(usize, &'static str)>,
}

/// Answers a call, or leaves it to the simulator.
type Given = Box<dyn Fn(&Call<'_>) -> Option<Answer>>;

/// What the host's handlers see of the agent at work.
#[derive(Default)]
struct Desk {
    /// What is answered in the place of what is made up.
    given: Option<Given>,
    order: [u8; 16],
    /// Nothing is performed.
    shadow: bool,
    /// Effects done once: what the journal said of each, by key, in order of the calls.
    asked: Vec<EffectKey>,
    permits: BTreeMap<EffectKey, Permit>,
    eased: Vec<(SmolStr, &'static str, i64)>,
    in_doubt: u64,
    journal: Journal,
    /// Effects that were permitted and happen as soon as the activation is over.
    permitted: Vec<EffectKey>,
    /// The tasks of a queue it holds.
    tasks: Option<Tasks>,
}

/// A program under way.
pub struct Run {
    loaded: Arc<Loaded>,
    instance: Instance,
    agenda: Option<Agenda>,
    work: Workload,
    deadline_ns: u64,
    order: [u8; 16],
    shadow: bool,
    now_ns: u64,
    over: bool,
}

impl std::fmt::Debug for Run {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Run").field("over", &self.over).finish_non_exhaustive()
    }
}

impl Machines {
    /// Machines whose work follows from a seed; the time is when theirs begins, in nanoseconds since the Unix
    /// epoch.
    pub fn new(seed: u64, started_at: i64) -> Machines {
        let desk = Rc::new(RefCell::new(Desk::default()));
        let mut host = Host::new();
        let clock = VirtualClock::default();
        host.clock(clock.clone());
        let own = Rc::clone(&desk);
        host.otherwise(move |call| own.borrow_mut().tell(call));
        Machines { seed, started_at, programs: BTreeMap::new(), host, clock, desk, outer: None }
    }

    /// The same machines, in which the input of this name is read from somewhere instead of made up: anew
    /// before each activation.
    #[must_use]
    pub fn reading(mut self, input: &str, source: impl Fn() -> Option<Arc<Table>> + 'static) -> Machines {
        self.outer = Some((input.into(), Box::new(source)));
        self
    }

    pub(super) fn host(&mut self) -> &mut Host<'static> {
        &mut self.host
    }

    fn inputs(&self, loaded: &Loaded, work: &Workload, now_ns: u64) -> Result<Inputs, String> {
        let inputs = work.inputs(&loaded.program, &loaded.shapes, &loaded.context, self.at(now_ns))?;
        if let Some(tasks) = &mut self.desk.borrow_mut().tasks {
            return Ok(loaded.with_tasks(inputs, tasks));
        }
        let declared =
            |name: &SmolStr| loaded.program.module().inputs.iter().any(|input| input.name == *name);
        let Some((name, source)) = self.outer.as_ref().filter(|(name, _)| declared(name)) else {
            return Ok(inputs);
        };
        let table = source().ok_or_else(|| format!("{name} cannot be read"))?;
        inputs.table(name, &table).map_err(|error| error.to_string())
    }

    /// The same machines, with a host that answers these calls so, and all others as before.
    pub fn answering(self, given: impl Fn(&Call<'_>) -> Option<Answer> + 'static) -> Machines {
        self.desk.borrow_mut().given = Some(Box::new(given));
        self
    }

    fn load(&mut self, start: &Start) -> Result<Arc<Loaded>, SmolStr> {
        let plan = start.checked.plan();
        let digest = (start.digest(), plan.order.id);
        if let Some(loaded) = self.programs.get(&digest) {
            return Ok(Arc::clone(loaded));
        }
        let (verified, context) = match (start.which, start.checked.former(), &plan.former) {
            (Which::Former, Some(module), Some(former)) => (module.clone(), former.context.as_str()),
            _ => (start.checked.module().clone(), plan.context.as_str()),
        };
        let context = if context.is_empty() { "{}" } else { context };
        let program = Program::new(verified).map_err(|error| SmolStr::new(error.message()))?;
        let context = Inputs::new(&program).context_json(context);
        let context = context.map_err(|error| SmolStr::new(error.to_string()))?;
        let shapes = shapes(program.module());
        let own = own_metrics(program.module());
        let loaded = Arc::new(Loaded { context, shapes, own, program });
        self.programs.insert(digest, Arc::clone(&loaded));
        Ok(loaded)
    }
}

impl Loaded {
    /// The type of the rows of the program's `task_queue`, and how many it takes; none where it has none, or
    /// its rows have no KEY by which calls could name them.
    fn rows_of_tasks(&self) -> Option<(TypeId, u32)> {
        let module = self.program.module();
        let input = module.inputs.iter().find(|input| input.name == TASK_QUEUE)?;
        let Some(Type::List { element, max }) = module.ty(input.ty) else { return None };
        self.key_of(*element).map(|_| (*element, max.unwrap_or(u32::MAX)))
    }

    /// The KEY of a record, if it is a text.
    fn key_of(&self, row: TypeId) -> Option<&SmolStr> {
        let Some(Type::Record { fields, .. }) = self.program.module().ty(row) else { return None };
        let key = fields.iter().find(|field| field.key && field.ty == TypeId::STRING);
        key.map(|field| &field.name)
    }

    /// The inputs with these tasks as `task_queue`. One that is no row of it is told so.
    fn with_tasks(&self, inputs: Inputs, tasks: &mut Tasks) -> Inputs {
        let Some((ty, _)) = self.rows_of_tasks() else { return inputs };
        let key = self.key_of(ty).cloned().unwrap_or_default();
        let secret = self.program.module().holds_secret(ty);
        let (mut rows, mut unfit) = (Vec::new(), Vec::new());
        for (id, row) in tasks.rows() {
            if secret {
                let why = "the program takes secrets with its tasks, and a queue keeps tasks in the clear";
                unfit.push((id.clone(), why.to_owned()));
                continue;
            }
            let row = serde_json::from_str(row).map_err(|error| format!("it is no JSON object: {error}"));
            let row = row.and_then(|mut row: serde_json::Map<String, serde_json::Value>| {
                row.insert(key.to_string(), id.as_str().into());
                let row = serde_json::Value::Object(row).to_string();
                let read = self.program.read_value("task", ty, &row);
                read.map(|_| row).map_err(|error| error.to_string())
            });
            match row {
                Ok(row) => rows.push(row),
                Err(why) => unfit.push((id.clone(), why)),
            }
        }
        for (id, why) in unfit {
            tasks.unfit(&id, why);
        }
        let document = format!("{{\"{TASK_QUEUE}\":[{}]}}", rows.join(","));
        // Each row was read as one.
        inputs.clone().from_json(&document).unwrap_or(inputs)
    }
}

/// The metrics of an agent itself that a program declares and does not record.
fn own_metrics(module: &Module) -> Vec<(usize, &'static str)> {
    let metrics = module.metrics.iter().enumerate();
    let own = metrics.filter_map(|(at, metric)| Some((at, *OWN.iter().find(|name| metric.name == **name)?)));
    own.filter(|(at, _)| !records(module, *at)).collect()
}

impl Desk {
    /// Answers a call; what it came to is noted with the task it is about.
    fn tell(&mut self, call: &Call<'_>) -> Answer {
        let answer = self.answer(call);
        let Some(tasks) = self.tasks.as_mut().filter(|_| call.effect() != Effect::Query) else {
            return answer;
        };
        let key = call.argument(0).and_then(swarm_vm::ValueRef::key);
        if let Some(id) = key.and_then(swarm_vm::ValueRef::as_str) {
            let second = call.argument(1).map(|second| match second.as_str() {
                Some(text) => text.to_owned(),
                None => second.to_shown().to_json().trim_matches('"').to_owned(),
            });
            let done = answer.error().map_or(Ok(()), |error| Err(error.to_string()));
            tasks.acted(id, call.name(), &second.unwrap_or_default(), done);
        }
        answer
    }

    fn answer(&mut self, call: &Call<'_>) -> Answer {
        if self.shadow && call.effect() != Effect::Query {
            return Answer::done();
        }
        if let Some(answer) = self.given.as_ref().and_then(|given| given(call)) {
            return answer;
        }
        if call.effect() == Effect::Query {
            let result = call.result().map(|ty| Value::zero(call.module(), ty));
            return result.map_or_else(Answer::done, Answer::value);
        }
        if let Some(key) = call.key() {
            let permit = *self.permits.entry(key).or_insert_with(|| {
                self.asked.push(key);
                self.journal.intend(&self.order, key)
            });
            match permit {
                Permit::Perform => self.permitted.push(key),
                Permit::Done => return Answer::done(),
                Permit::Full => return Answer::failed("the order has done as much once as a journal holds"),
                Permit::InDoubt => {
                    self.in_doubt = self.in_doubt.saturating_add(1);
                    return Answer::failed("in doubt: it may have been done before");
                }
            }
        }
        let key = call.argument(0).and_then(swarm_vm::ValueRef::key);
        if let Some(key) = key.and_then(swarm_vm::ValueRef::as_str) {
            let by = call.argument(1).and_then(swarm_vm::ValueRef::as_word).unwrap_or(200_000);
            let field = match call.name() {
                "REDUCE_CPU_THROTTLE" => Some("cpu_time"),
                "REDUCE_MEMORY_CACHE" => Some("memory"),
                "ROUTE_TO_CHEAPER_REGION" => Some("cost"),
                _ => None,
            };
            self.eased.extend(field.map(|field| (SmolStr::new(key), field, by)));
        }
        Answer::done()
    }
}

impl Engine for Machines {
    type Run = Run;

    fn start(&mut self, agent: u32, start: &Start, now_ns: u64) -> Result<Run, SmolStr> {
        let loaded = self.load(start)?;
        let name = start.checked.directive().targets().get(usize::try_from(start.rank).unwrap_or(usize::MAX));
        let chance =
            Chance::new(self.seed.wrapping_add(u64::from(agent).wrapping_mul(0x9e37_79b9_7f4a_7c15)));
        let module = loaded.program.module();
        let work = Workload::new(module, &loaded.shapes, name.map_or("", |name| name.as_str()), chance);
        let inputs = self.inputs(&loaded, &work, now_ns).map_err(SmolStr::new)?;
        let order = start.checked.plan().order.id;
        let grants: Grants = swarm_capabilities(module);
        let instance = Instance::new(&loaded.program, &inputs, limits(start), &grants, &self.host);
        let instance = instance.map_err(|error| SmolStr::new(error.message()))?;
        let instance = instance.effects(Effects::Collected).without_action_log().without_digest();
        let instance = instance.identity(&start.identity);
        let deadline_ns = now_ns.saturating_add(start.remaining_ns);
        let shadow = start.shadow;
        Ok(Run { loaded, instance, agenda: None, work, deadline_ns, order, shadow, now_ns, over: false })
    }

    fn due(&self, run: &Run) -> Option<u64> {
        if run.over {
            return None;
        }
        match &run.agenda {
            None => Some(run.now_ns),
            Some(agenda) => agenda.next_ns(),
        }
    }

    fn takes(&self, run: &Run) -> u32 {
        run.loaded.rows_of_tasks().map_or(0, |(_, max)| max)
    }

    fn activate(
        &mut self,
        run: &mut Run,
        now_ns: u64,
        journal: &mut Journal,
        mut tasks: Option<&mut Tasks>,
    ) -> (Activation, Vec<EffectKey>) {
        self.clock.advance_to(now_ns);
        run.now_ns = now_ns;
        {
            let mut desk = self.desk.borrow_mut();
            let given = desk.given.take();
            let (order, shadow) = (run.order, run.shadow);
            let (journal, tasks) =
                (std::mem::take(journal), tasks.as_mut().map(|tasks| std::mem::take(*tasks)));
            *desk = Desk { given, order, shadow, journal, tasks, ..Desk::default() };
        }
        let activation = self.run(run, now_ns);
        let mut desk = self.desk.borrow_mut();
        *journal = std::mem::take(&mut desk.journal);
        if let (Some(tasks), Some(own)) = (tasks, desk.tasks.take()) {
            *tasks = own;
        }
        (activation, std::mem::take(&mut desk.permitted))
    }
}

impl Machines {
    fn at(&self, now_ns: u64) -> i64 {
        self.started_at.saturating_add(i64::try_from(now_ns).unwrap_or(i64::MAX))
    }

    fn run(&mut self, run: &mut Run, now_ns: u64) -> Activation {
        let module = run.loaded.program.module();
        let deadline = module.instruction.deadline_ns.and_then(|deadline| u64::try_from(deadline).ok());
        let activation = Activation::default();
        let queued = self.desk.borrow().tasks.is_some();
        match &mut run.agenda {
            None => {
                if queued && let Ok(inputs) = self.inputs(&run.loaded, &run.work, now_ns) {
                    // They were made for this program.
                    let _bound = run.instance.inputs(&inputs);
                }
                let end = deadline.map_or(u64::MAX, |deadline| now_ns.saturating_add(deadline));
                run.agenda = Some(Agenda::new(module, now_ns, Some(end.min(run.deadline_ns))));
            }
            Some(agenda) => match agenda.next(now_ns) {
                Some(Due::Tick(timer)) => {
                    let changed = run.work.turn(module, &run.loaded.shapes) || self.outer.is_some() || queued;
                    if changed && let Ok(inputs) = self.inputs(&run.loaded, &run.work, now_ns) {
                        // They were made for this program.
                        let _bound = run.instance.inputs(&inputs);
                    }
                    // Nothing else is under way, and the timer is the module's own.
                    let _begun = run.instance.tick(timer);
                }
                Some(Due::Deadline) => {
                    let mut seen = Seen { activation, module: &run.loaded.program };
                    run.instance.close_traced(Level::Effects, &mut |event: &Event<'_>| seen.event(event));
                    run.over = true;
                    let mut activation = seen.activation;
                    activation.ended = Some(("done".into(), "its time is over".into()));
                    return activation;
                }
                _ => return activation,
            },
        }
        let mut seen = Seen { activation, module: &run.loaded.program };
        let mut sink = |event: &Event<'_>| seen.event(event);
        let report = match run.instance.run_traced(&mut self.host, Level::Effects, &mut sink) {
            Exit::Finished(report) => report,
            // Handlers answer at once, and out of fuel is out.
            _ => run.instance.close_traced(Level::Effects, &mut sink),
        };
        let mut activation = seen.activation;
        if let Some(agenda) = &mut run.agenda {
            agenda.finished(now_ns);
        }
        finish(&mut activation, &report, run.instance.is_over());
        run.over = run.instance.is_over();
        let mut desk = self.desk.borrow_mut();
        activation.in_doubt = desk.in_doubt;
        let mut changed = false;
        for (key, field, by) in std::mem::take(&mut desk.eased) {
            changed |= run.work.ease(&run.loaded.shapes, &key, field, by);
        }
        drop(desk);
        if changed
            && !run.over
            && !queued
            && let Ok(inputs) = self.inputs(&run.loaded, &run.work, now_ns)
        {
            // They were made for this program.
            let _bound = run.instance.inputs(&inputs);
        }
        run.measure(&mut activation);
        activation
    }
}

impl Run {
    /// What the agent's host measures of the agent itself.
    fn measure(&mut self, activation: &mut Activation) {
        let failed =
            activation.actions.iter().fold(0_u64, |sum, (_, actions)| sum.saturating_add(actions.failed));
        let done =
            activation.actions.iter().fold(0_u64, |sum, (_, actions)| sum.saturating_add(actions.done));
        for (at, name) in &self.loaded.own {
            let sample = match *name {
                "latency" => i128::from(self.work.delay()),
                "memory" => i128::from(self.work.sum("memory", &self.loaded.shapes)),
                "cpu" => i128::from(self.work.busy(&self.loaded.shapes)),
                _ => {
                    let calls = i128::from(failed.saturating_add(done)).max(1);
                    i128::from(failed).saturating_mul(1_000_000).checked_div(calls).unwrap_or(0)
                }
            };
            activation.samples.push((*at, Number::Word(sample)));
            let metric = u16::try_from(*at).unwrap_or(u16::MAX);
            activation.entries.own(&What::Measured(metric, Number::Word(sample)));
        }
    }
}

fn limits(start: &Start) -> Limits {
    let order = start.checked.plan().order.limits;
    let mut limits = Limits::default().deadline_ns(u64::MAX);
    if let Some(fuel) = order.fuel {
        limits = limits.fuel(fuel);
    }
    if let Some(bytes) = order.memory_bytes {
        limits = limits.memory_bytes(bytes);
    }
    if let Some(money) = start.money {
        limits = limits.money(money);
    }
    if let Some(tokens) = start.tokens {
        limits = limits.tokens(tokens);
    }
    limits
}

/// The agent's grants were checked when the step was accepted: the machine gets what the module asks for.
fn swarm_capabilities(module: &Module) -> Grants {
    module.imports.iter().filter_map(|import| import.capability.as_ref()).collect()
}

fn finish(activation: &mut Activation, report: &Report, over: bool) {
    activation.fuel = report.fuel_used;
    activation.money = report.money;
    activation.tokens = report.tokens;
    if over {
        let reason = report.reason.as_ref().map_or_else(String::new, |reason| reason.message.clone());
        activation.ended = Some((report.outcome.name().into(), reason.into()));
    }
}

/// Counts what a trace says.
struct Seen<'p> {
    activation: Activation,
    module: &'p Program,
}

impl Seen<'_> {
    fn event(&mut self, event: &Event<'_>) {
        self.activation.entries.event(self.module.module(), event);
        match &event.kind {
            EventKind::Action { name, result, .. } | EventKind::Applied { name, result, .. } => {
                let actions = match result {
                    ActionResult::Held => return,
                    ActionResult::Done => Actions { done: 1, ..Actions::default() },
                    ActionResult::Failed(_) => Actions { failed: 1, ..Actions::default() },
                    ActionResult::Vetoed(_) => Actions { vetoed: 1, ..Actions::default() },
                };
                self.activation.count(&SmolStr::new(name), actions);
            }
            EventKind::Veto { name, .. } => {
                self.activation.count(&SmolStr::new(name), Actions { vetoed: 1, ..Actions::default() });
            }
            EventKind::Metric { name, value } => {
                let at = self.module.module().metrics.iter().position(|metric| metric.name == *name);
                self.activation.samples.extend(at.zip(sample_of(value)));
            }
            _ => {}
        }
    }
}

/// Asks a program's own conditions: gates, expectations, the end. They see the fleet's figures.
pub struct Conditions {
    instance: Instance,
}

impl std::fmt::Debug for Conditions {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Conditions")
    }
}

impl Conditions {
    /// Conditions of a program with this context. They read no inputs, so what they get there does not matter.
    ///
    /// # Errors
    /// The context does not fit, in a sentence.
    pub fn new(program: &Program, context: &str) -> Result<Conditions, String> {
        let module = program.module();
        let context = Inputs::new(program).context_json(context).map_err(|error| error.to_string())?;
        let shapes = shapes(module);
        let inputs =
            Workload::new(module, &shapes, "", Chance::new(0)).inputs(program, &shapes, &context, 0)?;
        let mut host = Host::new();
        host.otherwise(|_| Answer::failed("conditions only compute"));
        let grants = swarm_capabilities(module);
        let instance = Instance::new(program, &inputs, Limits::default(), &grants, &host);
        Ok(Conditions { instance: instance.map_err(|error| error.message().to_owned())? })
    }

    /// Whether an agent is among those TARGET … WHERE wants.
    pub fn fits(&mut self, filter: FunctionId, agent: &Value) -> bool {
        self.instance.evaluate(filter, std::slice::from_ref(agent)) == Ok(Value::Bool(true))
    }

    /// A record of the type the filter takes, its texts those of an agent; what it has not is empty.
    pub fn agent<'t>(
        module: &Module,
        filter: FunctionId,
        text: &dyn Fn(&str) -> Option<&'t str>,
    ) -> Option<Value> {
        let ty = *module.functions.get(filter.index())?.registers.first()?;
        let Some(Type::Record { fields, .. }) = module.ty(ty) else { return None };
        let field = |field: &swarm_bytecode::types::Field| {
            let value = match (field.name.as_str(), field.ty) {
                (name, TypeId::STRING) => Value::String(text(name).unwrap_or_default().into()),
                (_, ty) => Value::zero(module, ty),
            };
            (field.name.clone(), value)
        };
        Some(Value::Record(fields.iter().map(field).collect()))
    }
}

impl Judge for Conditions {
    fn set(&mut self, metric: &str, value: &Value) {
        // A figure of another type than the metric's leaves it unknown, and conditions false.
        let _set = self.instance.set_metric(metric, value);
    }

    fn holds(&mut self, condition: FunctionId) -> bool {
        self.instance.evaluate(condition, &[]) == Ok(Value::Bool(true))
    }
}
