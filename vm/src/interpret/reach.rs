//! Words that make values, move them or look through them: what they cost depends on the values, and they pay
//! it before they act. They are apart from the loop, to keep what is needed at each word in registers there.

use swarm_bytecode::trap::TrapCode;
use swarm_bytecode::types::TypeId;

use super::chain::{Mode, Vm, Words, go_to, mistaken, pause, short, trap};
use super::window::{get, set};
use crate::attached::Attached;
use crate::compare;
use crate::decode::Code;
use crate::extended::{self, read_metric};
use crate::heap::bools::byte;
use crate::heap::{Data, Heap};
use crate::limits::MAX_FUEL;
use crate::machine::{MemoryMeter, Pause};
use crate::metric::MetricState;
use crate::objects::{
    ListShape, MapShape, begin_entries, move_list, move_record, new_object, new_some, push_moving,
    remove_entry, set_entry,
};
use crate::scope::{Scope, Window};
use crate::slot;
use crate::word::Word;

/// What such a word can reach.
struct Reach<'a> {
    code: &'a Code,
    attached: &'a Attached,
    heap: &'a mut Heap,
    memory: &'a mut MemoryMeter,
    metrics: &'a [MetricState],
    window: &'a Window,
    /// The entry of a map that was found last.
    found: u32,
    pc: usize,
    /// `F` before the word.
    fuel: i64,
    /// Fuel from the mark to the limit.
    beyond: i64,
    /// What the word took of the fuel; it counts even where the word did not come to its end.
    paid: i64,
}

impl<'a> Reach<'a> {
    fn data(&self) -> Data<'_> {
        Data { code: self.code, attached: self.attached, heap: self.heap }
    }

    /// The word so many words on.
    fn word(&self, words: usize) -> Result<Word, Pause> {
        self.code.word(self.pc.wrapping_add(words)).ok_or(Pause::Internal)
    }

    /// Pays a dynamic charge, or finds that it is not there (rule F4).
    fn settle(&mut self, due: u16, charge: u64) -> Result<(), Pause> {
        let wanted = charge.min(MAX_FUEL).cast_signed();
        if self.fuel.wrapping_sub(i64::from(due)) < wanted {
            return Err(Pause::Short { charge });
        }
        self.paid = wanted;
        Ok(())
    }

    /// Does what reaches into the arena with what it needs for that, and takes what that paid.
    fn with<T>(
        &mut self,
        due: u16,
        act: impl FnOnce(&mut Scope<'_>, &Window, &[MetricState]) -> Result<T, Pause>,
    ) -> Result<T, Pause> {
        let left = self.fuel.wrapping_sub(i64::from(due));
        let budget = self.beyond.saturating_add(left).max(0).cast_unsigned();
        let mut scope = Scope::new(self.code, self.attached, self.heap, self.memory, left, budget);
        let done = act(&mut scope, self.window, self.metrics);
        self.paid = scope.paid();
        done
    }

    fn get(&self, register: u8) -> u64 {
        get(self.window, register)
    }

    fn set(&mut self, register: u8, value: u64) {
        set(self.window, register, value);
    }

    fn share(&mut self, shares: bool, value: u64) {
        if shares {
            self.heap.share(value);
        }
    }
}

/// A word that is carried out here.
pub(super) fn reach<'a, M: Mode>(words: Words<'a>, window: &'a Window, fuel: i64, vm: &mut Vm<'a>) {
    if let Some(next) = carry_out(words, window, fuel, vm) {
        go_to::<M>(next, window, vm.fuel, vm);
    }
}

/// Carries a word out and gives the place of the one to go on with, and the fuel to the machine.
#[inline(never)]
fn carry_out<'a>(words: Words<'a>, window: &'a Window, fuel: i64, vm: &mut Vm<'a>) -> Option<u32> {
    let (Some(word), [_, rest @ ..]) = (words.first().and_then(|word| word.decode()), words) else {
        mistaken(words, window, fuel, vm);
        return None;
    };
    let pc = vm.place_before(rest);
    let mut reach = Reach {
        code: vm.code,
        attached: vm.attached,
        heap: &mut vm.heap,
        memory: vm.memory,
        metrics: vm.metrics,
        found: *vm.found,
        window,
        pc,
        fuel,
        // What is left to the limit, not to the slice: nothing is looked at twice in vain.
        beyond: vm.fuel_limit.saturating_sub(vm.mark),
        paid: 0,
    };
    let done = run(&mut reach, word);
    let fuel = fuel.wrapping_sub(reach.paid);
    match done {
        Ok(next) => {
            vm.fuel = fuel;
            return Some(slot::count(next));
        }
        Err(Pause::Trap(code)) => trap(words, fuel, vm, code),
        Err(Pause::Short { charge }) => short(rest, fuel, vm, charge),
        Err(other) => pause(rest, fuel, vm, other),
    }
    None
}

/// Carries a word out and gives the one to go on with.
fn run(reach: &mut Reach<'_>, word: Word) -> Result<usize, Pause> {
    let pc = reach.pc;
    let code = reach.code;
    let behind = match word {
        Word::EqValue { result, left, right, due } => {
            let Word::Shape { ty, .. } = reach.word(1)? else { return Err(Pause::Internal) };
            let (left, right) = (reach.get(left), reach.get(right));
            let outcome =
                reach.with(due, |scope, _, _| Ok(compare::equal(scope, TypeId(ty), left, right)))?;
            reach.settle(due, outcome.charge)?;
            reach.set(result, u64::from(outcome.equal));
            2
        }
        Word::NewObject { result, due, site } => {
            let site = *code.sites.get(slot::index(site)).ok_or(Pause::Internal)?;
            let object = reach.with(due, |scope, window, _| new_object(scope, window, site))?;
            reach.set(result, object);
            1
        }
        Word::Some { result, value, shares, due } => {
            let value = reach.get(value);
            let object = reach.with(due, |scope, _, _| new_some(scope, value, shares))?;
            reach.set(result, object);
            1
        }
        Word::SetField { record, field, value, due } => {
            let Word::Shape { fields, shares, .. } = reach.word(1)? else { return Err(Pause::Internal) };
            let (target, value) = (reach.get(record), reach.get(value));
            let object = reach.with(due, |scope, _, _| move_record(scope, target, fields))?;
            reach.set(record, object);
            reach.share(shares, value);
            reach.heap.write(object, u32::from(field), value);
            2
        }
        Word::SetItem { .. } | Word::SetItemBool { .. } => {
            set_item(reach, word)?;
            1
        }
        Word::Push { list, value, due } | Word::PushBool { list, value, due } => {
            let Word::Items { shares, most } = reach.word(1)? else { return Err(Pause::Internal) };
            let shape = ListShape { shares, bytes: matches!(word, Word::PushBool { .. }), most };
            let (target, value) = (reach.get(list), reach.get(value));
            let moved = reach.with(due, |scope, _, _| push_moving(scope, target, value, shape))?;
            reach.set(list, moved);
            2
        }
        Word::Metric { result, metric, due } => {
            let read = |scope: &mut Scope<'_>, _: &Window, metrics: &[MetricState]| {
                read_metric(scope, metrics.get(usize::from(metric)))
            };
            let value = reach.with(due, read)?;
            reach.set(result, value);
            1
        }
        Word::Extended { result, due, site } => {
            let op = code.extended.get(slot::index(site)).ok_or(Pause::Internal)?;
            let value =
                reach.with(due, |scope, window, metrics| extended::run(op, scope, window, metrics))?;
            reach.set(result, value);
            1
        }
        Word::SetEntry { .. } | Word::RemoveEntry { .. } => {
            entry(reach, word)?;
            2
        }
        Word::ForEachEntry { key, value, index, map, due } => {
            let Word::Entries { order, .. } = reach.word(2)? else { return Err(Pause::Internal) };
            let map = reach.get(map);
            reach.with(due, |scope, _, _| begin_entries(scope, map, order))?;
            let Some((own, held)) = reach.data().entry(map, 0) else {
                let Word::Target { credit, target } = reach.word(1)? else { return Err(Pause::Internal) };
                reach.paid = reach.paid.wrapping_sub(i64::from(credit));
                return Ok(slot::index(target));
            };
            reach.set(key, own);
            reach.set(value, held);
            reach.set(index, 0);
            reach.paid = reach.paid.wrapping_add(i64::from(due));
            3
        }
        _ => return Err(Pause::Internal),
    };
    Ok(pc.wrapping_add(behind))
}

/// Sets an item of a list that may have to be copied for that, or has no such item.
fn set_item(reach: &mut Reach<'_>, word: Word) -> Result<(), Pause> {
    let (list, index, value, shares, bytes, due) = match word {
        Word::SetItem { list, index, value, shares, due } => (list, index, value, shares, false, due),
        Word::SetItemBool { list, index, value, due } => (list, index, value, false, true, due),
        _ => return Err(Pause::Internal),
    };
    let (target, value) = (reach.get(list), reach.get(value));
    let length = reach.data().length(target);
    let index = u32::try_from(reach.get(index)).ok().filter(|index| *index < length);
    let index = index.ok_or(Pause::Trap(TrapCode::IndexOutOfRange))?;
    let mut object = target;
    if reach.heap.must_copy(target) {
        object = reach.with(due, |scope, _, _| move_list(scope, target, length, bytes))?;
        reach.set(list, object);
    } else {
        reach.settle(due, 0)?;
    }
    reach.share(shares, value);
    if !bytes {
        reach.heap.write(object, index, value);
    } else if let Some(place) = reach.heap.own_bool(object, u64::from(index)) {
        *place = byte(value);
    }
    Ok(())
}

/// Sets or takes out an entry of a map.
fn entry(reach: &mut Reach<'_>, word: Word) -> Result<(), Pause> {
    let Word::Entries { order, shares, most } = reach.word(1)? else { return Err(Pause::Internal) };
    match word {
        Word::SetEntry { map, key, value, due } => {
            let (target, key, value) = (reach.get(map), reach.get(key), reach.get(value));
            let shape = MapShape { order, shares, most };
            let near = reach.found;
            let changed =
                reach.with(due, |scope, _, _| set_entry(scope, target, (key, value), shape, near))?;
            reach.set(map, changed);
        }
        Word::RemoveEntry { map, key, due } => {
            let (target, key) = (reach.get(map), reach.get(key));
            let changed = reach.with(due, |scope, _, _| remove_entry(scope, target, key, order))?;
            reach.set(map, changed);
        }
        _ => return Err(Pause::Internal),
    }
    Ok(())
}
