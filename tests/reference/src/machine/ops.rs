//! Ops that go on with the next one.

use std::rc::Rc;

use swarm_bytecode::module::MetricKind;
use swarm_bytecode::op::{Op, Register};
use swarm_bytecode::trap::TrapCode::{DivisionByZero, IndexOutOfRange, NoneUnwrapped, TooLong, WrongCase};
use swarm_bytecode::types::{Type, TypeId};

use super::flow::Frame;
use super::{Done, Order, Slot, price};
use crate::native::{self, Made};
use crate::number;
use crate::report::Host;
use crate::value::{Entries, Value, equal, order, to_text};

impl<'m> Order<'m> {
    /// Evaluates one op. Its order is always the same: what traps, what it costs, what it holds, what it does.
    #[expect(clippy::too_many_lines, reason = "one arm for each op, or for a few")]
    pub(super) fn op(&mut self, frame: &mut Frame<'m>, op: &Op, host: &mut Host<'_>) -> Done {
        let seen: &[Register] = match op {
            Op::Text { value, .. } => std::slice::from_ref(value),
            Op::EqValue { left, .. } => std::slice::from_ref(left),
            Op::Native { native, arguments, .. } if native.function().is_some_and(|own| own.compares()) => {
                arguments
            }
            _ => &[],
        };
        if let Some(register) = seen.iter().find(|register| self.types.holds_secret(frame.ty(**register))) {
            self.breaks(|| format!("{} looks at a secret in register {}", op.info().mnemonic, register.0));
        }
        let word = |register: &Register| frame.value(*register).word();
        let float = |register: &Register| frame.value(*register).float();
        let text = |register: &Register| frame.value(*register);
        let (result, slot) = match op {
            Op::Call { function, arguments } => {
                self.enter(frame, None, *function, arguments, host)?;
                return Ok(());
            }
            Op::CallValue { result, function, arguments } => {
                self.enter(frame, Some(*result), *function, arguments, host)?;
                return Ok(());
            }
            Op::Host { .. } | Op::HostValue { .. } | Op::TryHost { .. } | Op::RetryHost { .. } => {
                return self.host(frame, op, host);
            }
            Op::Stop { reason } | Op::Fail { reason } => return self.ends(op, &text(reason)),
            Op::Settle {} => return self.settle(0),
            Op::RoundsExhausted {} => {
                self.settle(0)?;
                self.tell_rounds();
                return Ok(());
            }
            Op::RecordMetric { metric, value } => return self.record(metric.index(), frame.value(*value)),

            Op::Move { result, value } => (result, self.moved(frame, *value)),
            Op::Copy { result, value } => {
                let slot = frame.get(*value);
                slot.share();
                (result, slot)
            }
            Op::Integer { result, value } => (result, Slot::of(Value::Word(*value))),
            Op::Float { result, value } => {
                let value = self.module.floats.get(value.index()).copied().unwrap_or(0.0);
                (result, Slot::of(Value::Float(number::float(value)?)))
            }
            Op::String { result, value } => (result, Slot::of(at(&self.given.strings, value.index()))),
            Op::Zero { result } => (result, Slot::of(Value::Zero)),
            Op::Input { result, input } => (result, Slot::of(at(&self.given.inputs, input.index()))),
            Op::Context { result, context } => (result, Slot::of(at(&self.given.contexts, context.index()))),
            Op::Metric { result, metric } => (result, self.read_metric(metric.index())?),
            Op::Quantile { result, metric, share } => {
                let ty = self.module.metrics.get(metric.index()).map_or(TypeId::INT, |metric| metric.ty);
                let value = self.metrics.get(metric.index());
                let value = value.and_then(|samples| samples.quantile(self.types, ty, *share));
                (result, self.optional(value)?)
            }
            Op::Mean { result, metric } => {
                let ty = self.module.metrics.get(metric.index()).map_or(TypeId::INT, |metric| metric.ty);
                let value = self.metrics.get(metric.index()).and_then(|samples| samples.mean(self.types, ty));
                (result, self.optional(value)?)
            }
            Op::State { result, state } => {
                let slot = self.states.get(state.index()).cloned().unwrap_or(Slot::of(Value::Zero));
                slot.share();
                (result, slot)
            }
            Op::TakeState { result, state } => {
                let zero = Slot::of(Value::Zero);
                let taken =
                    self.states.get_mut(state.index()).map(|own| std::mem::replace(own, zero.clone()));
                (result, taken.unwrap_or(zero))
            }
            Op::SetState { state, value } => {
                let value = self.moved(frame, *value);
                if let Some(own) = self.states.get_mut(state.index()) {
                    *own = value;
                }
                return Ok(());
            }

            Op::AddInt { result, left, right } => (result, of_word(number::add(word(left), word(right))?)),
            Op::SubInt { result, left, right } => {
                (result, of_word(number::subtract(word(left), word(right))?))
            }
            Op::MulInt { result, left, right } => {
                (result, of_word(number::multiply(word(left), word(right))?))
            }
            Op::DivInt { result, left, right } => (result, of_word(number::divide(word(left), word(right))?)),
            Op::ModInt { result, left, right } => (result, of_word(number::modulo(word(left), word(right))?)),
            Op::NegInt { result, value } => (result, of_word(number::subtract(0, word(value))?)),
            Op::Product { result, left, right, divisor } => {
                (result, of_word(number::product(word(left), word(right), *divisor)?))
            }
            Op::Quotient { result, left, right, factor } => {
                (result, of_word(number::product(word(left), *factor, word(right))?))
            }
            Op::Scale { result, value, factor } => {
                (result, of_word(number::scale(word(value), float(factor))?))
            }
            Op::Unscale { result, value, divisor } => {
                (result, of_word(number::unscale(word(value), float(divisor))?))
            }
            Op::Ratio { result, left, right } if word(right) != 0 => {
                let ratio = number::to_float(word(left)) / number::to_float(word(right));
                (result, of_float(ratio)?)
            }
            Op::Ratio { .. } => return Err(DivisionByZero.into()),
            Op::AddFloat { result, left, right } => (result, of_float(float(left) + float(right))?),
            Op::SubFloat { result, left, right } => (result, of_float(float(left) - float(right))?),
            Op::MulFloat { result, left, right } => (result, of_float(float(left) * float(right))?),
            Op::DivFloat { result, left, right } => {
                (result, of_float(number::divide_float(float(left), float(right))?)?)
            }
            Op::NegFloat { result, value } => (result, of_float(-float(value))?),
            Op::IntToFloat { result, value } => (result, of_float(number::to_float(word(value)))?),
            Op::PercentToFloat { result, value } => {
                (result, of_float(number::percent_to_float(word(value)))?)
            }

            Op::EqInt { result, left, right } => (result, of_bool(word(left) == word(right))),
            Op::NeInt { result, left, right } => (result, of_bool(word(left) != word(right))),
            Op::LtInt { result, left, right } => (result, of_bool(word(left) < word(right))),
            Op::LeInt { result, left, right } => (result, of_bool(word(left) <= word(right))),
            Op::EqFloat { result, left, right } => (result, of_bool(float(left) == float(right))),
            Op::NeFloat { result, left, right } => (result, of_bool(float(left) != float(right))),
            Op::LtFloat { result, left, right } => (result, of_bool(float(left) < float(right))),
            Op::LeFloat { result, left, right } => (result, of_bool(float(left) <= float(right))),
            Op::EqString { result, left, right }
            | Op::LtString { result, left, right }
            | Op::LeString { result, left, right } => {
                let (left, right) = (text(left), text(right));
                self.settle(price::text(price::count(left.text().len().min(right.text().len()))))?;
                let (left, right) = (left.text(), right.text());
                let holds = match op {
                    Op::EqString { .. } => left == right,
                    Op::LtString { .. } => left < right,
                    _ => left <= right,
                };
                (result, of_bool(holds))
            }
            Op::EqValue { result, left, right } => {
                let mut work = 0;
                let (ty, left, right) = (frame.ty(*left), frame.value(*left), frame.value(*right));
                let same = equal(self.types, ty, &left, &right, &mut work);
                self.settle(work)?;
                (result, of_bool(same))
            }
            Op::Not { result, value } => (result, of_bool(!frame.value(*value).holds())),

            Op::NewRecord { result, fields } => {
                let parts = self.new_object(frame, fields, price::words(price::count(fields.len())))?;
                (result, Slot::object(Value::Record(Rc::new(parts)), price::count(fields.len())))
            }
            Op::NewList { result, items } => {
                let parts = self.new_object(frame, items, price::words(price::count(items.len())))?;
                (result, Slot::object(Value::list(parts), price::count(items.len())))
            }
            Op::NewCase { result, case, fields } => {
                let parts = self.new_object(frame, fields, price::case_words(fields.len()))?;
                (result, Slot::object(Value::Case(*case, Rc::new(parts)), 0))
            }
            Op::Some { result, value } => {
                let parts = self.new_object(frame, &[*value], price::words(1))?;
                (result, Slot::object(Value::optional(parts.into_iter().next()), 1))
            }
            Op::Field { result, record, field } => {
                (result, Slot::of(frame.value(*record).field(usize::from(*field))))
            }
            Op::SetField { record, field, value } => {
                let fields = self.types.fields(frame.ty(*record)).len();
                (record, self.write(frame, *record, usize::from(*field), fields, *value)?)
            }
            Op::Length { result, list } | Op::MapLength { result, map: list } => {
                (result, of_word(i64::try_from(frame.value(*list).length()).unwrap_or(i64::MAX)))
            }
            Op::Item { result, list, index } => {
                let at = usize::try_from(word(index)).map_err(|_| IndexOutOfRange)?;
                let item = frame.value(*list).parts().get(at).cloned().ok_or(IndexOutOfRange)?;
                (result, Slot::of(item))
            }
            Op::SetItem { list, index, value } => {
                let count = frame.value(*list).parts().len();
                let at = usize::try_from(word(index)).ok().filter(|at| *at < count).ok_or(IndexOutOfRange)?;
                (list, self.write(frame, *list, at, count, *value)?)
            }
            Op::IsSome { result, value } => (result, of_bool(frame.value(*value).some().is_some())),
            Op::Unwrap { result, value } => {
                (result, Slot::of(frame.value(*value).some().cloned().ok_or(NoneUnwrapped)?))
            }
            Op::Push { list, value } => (list, self.push(frame, *list, *value)?),
            Op::Top { result, list, keys, count, bottom } => {
                let (items, own) = (frame.value(*list), frame.value(*keys));
                let most = self.types.most(frame.ty(*result));
                let least = *bottom != 0;
                (result, self.top((&items, &own), frame.ty(*keys), word(count), least, most)?)
            }
            Op::Case { result, value } => (result, of_word(i64::from(frame.value(*value).case()))),
            Op::Payload { result, value, case, field } => {
                let value = frame.value(*value);
                if value.case() != *case {
                    return Err(WrongCase.into());
                }
                (result, Slot::of(value.field(usize::from(*field))))
            }

            Op::NewMap { result, entries } => (result, self.new_map(frame, *result, entries)?),
            Op::Find { found, value, map, key } => {
                let (map, key) = (frame.value(*map), frame.value(*key));
                self.settle(price::text(price::key_bytes(&key)))?;
                let held = map.entries().remove(&key.key()).map(|(_, held)| held);
                let there = held.is_some();
                frame.set(*value, Slot::of(held.unwrap_or(Value::Zero)));
                (found, of_bool(there))
            }
            Op::SetEntry { map, key, value } => (map, self.set_entry(frame, *map, *key, *value)?),
            Op::RemoveEntry { map, key } => (map, self.remove_entry(frame, *map, *key)?),

            Op::Text { result, value } => {
                let text = to_text(self.types, frame.ty(*value), &frame.value(*value));
                let charge = price::count(text.len()).saturating_mul(2);
                (result, self.new_text(text, charge)?)
            }
            Op::Concat { result, parts } => {
                let whole: String = parts.iter().map(|part| frame.value(*part).text().to_owned()).collect();
                let charge = price::text(price::count(whole.len()));
                (result, self.new_text(whole, charge)?)
            }
            Op::Native { result, native, arguments } => {
                let Some(function) = native.function() else { return Ok(()) };
                let slots: Vec<Slot> = arguments.iter().map(|register| frame.get(*register)).collect();
                let types: Vec<TypeId> = arguments.iter().map(|register| frame.ty(*register)).collect();
                let most = self.types.most(frame.ty(*result));
                (result, self.native(function, &slots, &types, most)?)
            }
            // What opens, closes or leaves a block is evaluated where blocks are.
            _ => return Ok(()),
        };
        frame.set(*result, slot);
        Ok(())
    }

    fn enter(
        &mut self,
        frame: &mut Frame<'m>,
        result: Option<Register>,
        function: swarm_bytecode::module::FunctionId,
        arguments: &[Register],
        host: &mut Host<'_>,
    ) -> Done {
        self.settle(0)?;
        let arguments = arguments.iter().map(|register| frame.get(*register)).collect();
        let value = self.call(function, arguments, true, host)?;
        if let (Some(result), Some(value)) = (result, value) {
            frame.set(result, value);
        }
        Ok(())
    }

    /// What a register holds. Of a list, map or record the register keeps the zero, so that none has two names.
    fn moved(&self, frame: &mut Frame<'m>, register: Register) -> Slot {
        let value = frame.get(register);
        let ty = self.module.ty(frame.ty(register));
        if matches!(ty, Some(Type::List { .. } | Type::Map { .. } | Type::Record { .. })) {
            frame.set(register, Slot::of(Value::Zero));
        }
        value
    }

    /// Registers as the parts of a new object, which is paid for.
    fn new_object(&mut self, frame: &Frame<'m>, registers: &[Register], words: u64) -> Done<Vec<Value>> {
        self.settle(words)?;
        self.take(price::held(words))?;
        Ok(registers.iter().map(|register| self.stored(frame, *register)).collect())
    }

    /// A value that goes into an object: whoever else refers to it must not write it any more.
    fn stored(&self, frame: &Frame<'m>, register: Register) -> Value {
        let slot = frame.get(register);
        slot.share();
        slot.value
    }

    fn new_text(&mut self, text: String, charge: u64) -> Done<Slot> {
        native::check_text(&text)?;
        self.settle(charge)?;
        self.take(price::count(text.len()))?;
        Ok(Slot::of(Value::from(text)))
    }

    /// A number that may not be there.
    fn optional(&mut self, value: Option<Value>) -> Done<Slot> {
        let words = if value.is_some() { price::words(1) } else { 0 };
        self.settle(words)?;
        self.take(price::held(words))?;
        Ok(Slot::object(Value::optional(value), 1))
    }

    fn read_metric(&mut self, metric: usize) -> Done<Slot> {
        let kind = self.module.metrics.get(metric).map(|metric| metric.kind);
        let samples = self.metrics.get(metric).cloned().unwrap_or_default();
        if kind == Some(MetricKind::Gauge) {
            return self.optional(samples.last());
        }
        self.settle(0)?;
        Ok(Slot::of(samples.total()))
    }

    fn record(&mut self, metric: usize, sample: Value) -> Done {
        self.settle(0)?;
        if let (Some(declared), Some(samples)) =
            (self.module.metrics.get(metric), self.metrics.get_mut(metric))
        {
            samples.record(self.types, declared, sample.clone())?;
            self.tell_metric(metric, declared.ty, &sample);
        }
        Ok(())
    }

    fn ends(&mut self, op: &Op, reason: &Value) -> Done {
        self.settle(0)?;
        let stops = matches!(op, Op::Stop { .. });
        if stops {
            self.keep(self.run.withins.len());
        }
        Err(super::Halt::Ends(stops, reason.text().to_owned()))
    }

    /// A record or list with another value in a place; copied first unless it may be written.
    fn write(
        &mut self,
        frame: &Frame<'m>,
        object: Register,
        at: usize,
        count: usize,
        value: Register,
    ) -> Done<Slot> {
        let own = frame.get(object);
        let words = if own.room().is_some() { 0 } else { price::words(price::count(count)) };
        self.settle(words)?;
        self.take(price::held(words))?;
        let value = own.value.with(at, count, self.stored(frame, value));
        Ok(if own.room().is_some() {
            Slot { value, ..own }
        } else {
            Slot::object(value, price::count(count))
        })
    }

    fn push(&mut self, frame: &Frame<'m>, list: Register, value: Register) -> Done<Slot> {
        let own = frame.get(list);
        let count = own.value.length().saturating_add(1);
        if count > self.types.most(frame.ty(list)) {
            return Err(TooLong.into());
        }
        let room = price::moves_to(count, own.room());
        self.settle(room.map_or(0, price::words))?;
        self.take(price::held(room.map_or(0, price::words)))?;
        let mut items = own.value.parts().to_vec();
        items.push(self.stored(frame, value));
        let value = Value::list(items);
        Ok(match room {
            Some(room) => Slot::object(value, room),
            None => Slot { value, ..own },
        })
    }

    fn top(
        &mut self,
        (items, keys): (&Value, &Value),
        keys_type: TypeId,
        count: i64,
        least: bool,
        most: u64,
    ) -> Done<Slot> {
        let (items, keys) = (items.parts(), keys.parts());
        if keys.len() < items.len() {
            return Err(IndexOutOfRange.into());
        }
        let taken = usize::try_from(count).unwrap_or(0).min(items.len());
        if price::count(taken) > most {
            return Err(TooLong.into());
        }
        let mut ranked: Vec<(&Value, &Value)> = keys.iter().zip(items).collect();
        let key_bytes = ranked.iter().map(|(key, _)| price::key_bytes(key)).sum();
        let words = price::words(price::count(taken));
        self.settle(price::order(price::count(items.len()), key_bytes).saturating_add(words))?;
        self.take(price::held(words))?;
        let ty = self.types.element(keys_type);
        // Sorting is stable: of equal keys the one that stands first comes first.
        ranked.sort_by(|(left, _), (right, _)| {
            if least { order(self.types, ty, left, right) } else { order(self.types, ty, right, left) }
        });
        let best: Vec<Value> = ranked.into_iter().take(taken).map(|(_, item)| item.clone()).collect();
        Ok(Slot::object(Value::list(best), price::count(taken)))
    }

    fn new_map(&mut self, frame: &Frame<'m>, result: Register, registers: &[Register]) -> Done<Slot> {
        let pairs = || registers.chunks_exact(2).filter_map(|pair| Some((*pair.first()?, *pair.last()?)));
        let count = price::count(registers.len() / 2);
        if count > self.types.most(frame.ty(result)) {
            return Err(TooLong.into());
        }
        let words = price::map_words(price::room(count));
        let key_bytes = pairs().map(|(key, _)| price::key_bytes(&frame.value(key))).sum();
        self.settle(words.saturating_add(price::text(key_bytes)))?;
        self.take(price::held(words))?;
        let mut entries = Entries::new();
        for (key, value) in pairs() {
            put(&mut entries, self.stored(frame, key), self.stored(frame, value));
        }
        Ok(Slot::object(Value::Map(Rc::new(entries)), price::room(count)))
    }

    fn set_entry(&mut self, frame: &Frame<'m>, map: Register, key: Register, value: Register) -> Done<Slot> {
        let mut entries = frame.value(map).entries();
        put(&mut entries, frame.value(key), frame.value(value));
        if price::count(entries.len()) > self.types.most(frame.ty(map)) {
            return Err(TooLong.into());
        }
        let slot = self.changed_map(frame, map, key, entries)?;
        frame.get(value).share();
        Ok(slot)
    }

    fn remove_entry(&mut self, frame: &Frame<'m>, map: Register, key: Register) -> Done<Slot> {
        let mut entries = frame.value(map).entries();
        if entries.remove(&frame.value(key).key()).is_none() {
            self.settle(price::text(price::key_bytes(&frame.value(key))))?;
            return Ok(frame.get(map));
        }
        self.changed_map(frame, map, key, entries)
    }

    /// Pays for a map that comes to have these entries.
    fn changed_map(
        &mut self,
        frame: &Frame<'m>,
        map: Register,
        key: Register,
        entries: Entries,
    ) -> Done<Slot> {
        let own = frame.get(map);
        let room = price::moves_to(price::count(entries.len()), own.room());
        let words = room.map_or(0, price::map_words);
        self.settle(price::text(price::key_bytes(&frame.value(key))).saturating_add(words))?;
        self.take(price::held(words))?;
        let value = Value::Map(Rc::new(entries));
        Ok(match room {
            Some(room) => Slot::object(value, room),
            None => Slot { value, ..own },
        })
    }

    fn native(
        &mut self,
        function: swarm_bytecode::native::NativeFunction,
        slots: &[Slot],
        types: &[TypeId],
        most: u64,
    ) -> Done<Slot> {
        let arguments: Vec<Value> = slots.iter().map(|slot| slot.value.clone()).collect();
        let native::Given { value, made } = native::call(self.types, function, &arguments, types, most)?;
        let ty = types.first().copied().unwrap_or(TypeId::INT);
        let charge = function.info().charge;
        self.settle(price::native(self.types, charge, &arguments, ty, &value, made))?;
        let text = if made == Made::Text { price::count(value.text().len()) } else { 0 };
        self.take(price::held(price::made_words(made)).saturating_add(text))?;
        Ok(match made {
            Made::Nothing | Made::Text => Slot::of(value),
            Made::Object(slots) => Slot::object(value, slots),
            Made::Map(entries) => Slot::object(value, price::room(entries)),
            Made::First => {
                let first = slots.first().cloned().unwrap_or(Slot::of(value));
                first.share();
                first
            }
        })
    }
}

/// Puts a value under a key; an equal key stays as it is.
fn put(entries: &mut Entries, key: Value, value: Value) {
    entries.entry(key.key()).and_modify(|(_, held)| *held = value.clone()).or_insert((key, value));
}

fn at(values: &[Value], index: usize) -> Value {
    values.get(index).cloned().unwrap_or(Value::Zero)
}

fn of_word(word: i64) -> Slot {
    Slot::of(Value::Word(word))
}

fn of_bool(holds: bool) -> Slot {
    Slot::of(Value::from(holds))
}

fn of_float(float: f64) -> Done<Slot> {
    Ok(Slot::of(Value::Float(number::float(float)?)))
}
