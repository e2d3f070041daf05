//! What the machine lets a tier do in the interpreter's place.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

use crate::common::*;
use swarm_bytecode::module::{Amount, FunctionId, ImportId, Module};
use swarm_bytecode::op::Op;
use swarm_bytecode::types::{Type, TypeId};
use swarm_vm::tier::{HostCall, Tier, Work};
use swarm_vm::{Effects, Host, Limits, VirtualClock};

const INT: TypeId = TypeId::INT;

/// Takes more fuel, makes host calls in place, as far as it may, and leaves all else. Counts those that it made.
#[derive(Debug, Default)]
struct Calls(Mutex<u32>);

impl Tier for Calls {
    fn run(&self, work: &mut Work<'_>) {
        if let Some(fuel) = work.look(0, work.fuel()) {
            work.set_fuel(fuel);
        }
        while let Some(at) = work.at()
            && let Some(call) = work.program().host_call_at(at)
        {
            let op = work.module().op(FunctionId(at.function), usize::try_from(at.op).unwrap());
            let Some(Op::Host { arguments, .. }) = op.cloned() else { return };
            let mut slots = [0; HostCall::MOST];
            for (slot, register) in slots.iter_mut().zip(&arguments[..]) {
                *slot = work.registers()[usize::from(register.0)];
            }
            let due = i64::from(call.due);
            let Some(left) = work.host_call(call.site, work.fuel() - due, 0, &slots) else { return };
            *self.0.lock().unwrap() += 1;
            work.go_to(at.op + 1, left + due);
        }
    }
}

/// Acts thirty times with a list and a number: the list is empty, or of the arena.
fn acts_with(list: Op) -> Module {
    let mut module = module(vec![]);
    let numbers = add_type(&mut module, Type::List { element: INT, max: None });
    module.imports = vec![action("ACT", &[numbers, INT])];
    let act = Op::Host { import: ImportId(0), arguments: rs(&[0, 1]) };
    let mut code = vec![int(1, 5), list];
    code.extend(vec![act; 30]);
    code.push(Op::Return {});
    module.functions = vec![function(&[numbers, INT], 0, None, code)];
    module
}

#[test]
fn calls_in_place_change_nothing_and_take_no_object_of_the_arena() {
    let empty = Op::Zero { result: r(0) };
    let made = Op::NewList { result: r(0), items: rs(&[1]) };
    for (list, in_place) in [(empty, true), (made, false)] {
        let module = acts_with(list);
        for effects in [Effects::Immediate, Effects::Collected] {
            let run = |tier: Option<Arc<Calls>>, slice| {
                let mut host = Host::new();
                host.clock(VirtualClock::default());
                host.action("ACT", |_: Vec<i64>, _: i64| ());
                let run = instance(&module, Limits::default(), &host).effects(effects).look_every(slice);
                let mut run = match tier {
                    Some(tier) => run.tier(tier),
                    None => run,
                };
                run.run(&mut host).report().unwrap()
            };
            let tier = Arc::new(Calls::default());
            // Most slices end before an action, and then the tier is asked.
            for slice in 24..64 {
                assert_eq!(run(Some(Arc::clone(&tier)), slice), run(None, slice), "looks every {slice}");
            }
            assert_eq!(*tier.0.lock().unwrap() > 0, in_place, "{effects:?}");
        }
    }
}

/// Asks before the first op how many calls of the first site can wait, and for more fuel.
#[derive(Debug, Default)]
struct Asks(Mutex<Vec<(Option<u64>, bool)>>);

impl Tier for Asks {
    fn run(&self, work: &mut Work<'_>) {
        let allowed = work.allows(0);
        let fuel = work.look(0, work.fuel());
        if let Some(fuel) = fuel {
            work.set_fuel(fuel);
        }
        self.0.lock().unwrap().push((allowed, fuel.is_some()));
    }
}

#[test]
fn calls_wait_only_where_nothing_can_stand_against_them() {
    let with = |op: fn() -> Op, effects, flag: bool| {
        let mut module = main(&[TypeId::BOOL], vec![op()]);
        module.imports = vec![costing(action("ACT", &[]), Amount::Fixed(10), Amount::Fixed(0))];
        let tier = Arc::new(Asks::default());
        let mut host = Host::new();
        host.clock(VirtualClock::default());
        host.action("ACT", || ());
        if flag {
            host.cancel_flag(Arc::new(AtomicBool::new(false)));
        }
        let run = instance(&module, Limits::default().money(75), &host).effects(effects);
        run.tier(Arc::clone(&tier) as Arc<dyn Tier>).run(&mut host).report().unwrap();
        let asked = tier.0.lock().unwrap().clone();
        asked[0]
    };
    let act = || Op::Host { import: ImportId(0), arguments: rs(&[]) };
    let try_act = || Op::TryHost { accepted: r(0), import: ImportId(0), arguments: rs(&[]) };
    let (now, held) = (Effects::Immediate, Effects::Collected);
    // What is held for the end can wait as long as it is paid for.
    assert_eq!(with(act, held, false), (Some(7), true));
    assert_eq!(with(act, held, true), (Some(7), true));
    // Of others only so many as come before the next look at the clock: none before the first.
    assert_eq!(with(act, now, false), (Some(0), true));
    assert_eq!(with(act, now, true), (None, true));
    // Somebody waits for what came of it.
    assert_eq!(with(try_act, now, false).0, None);
    assert_eq!(with(try_act, held, false).0, None);
}
