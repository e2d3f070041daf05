//! Host calls made in place: an action that nothing stands against costs little more than its handler.

use swarm_bytecode::module::ImportId;

use super::answers::put_result;
use super::look::Look;
use super::state::Meters;
use crate::actions::{ActionLog, NewAction};
use crate::attached::Attached;
use crate::decode::Code;
use crate::heap::{Data, Heap};
use crate::host::{Answer, Call, Host, Ready, charge_with_texts};
use crate::interpret::get;
use crate::limits::Limits;
use crate::machine::MemoryMeter;
use crate::outside::{Outside, Reply};
use crate::scope::Window;
use crate::slot;
use crate::trace::{ActionResult, Digest, Tag, put_text, put_value};
use crate::value::ValueRef;
use crate::word::Word;

/// What a call in place can reach of a run.
pub(super) struct Direct<'a, 'h> {
    pub(super) code: &'a Code,
    pub(super) attached: &'a Attached,
    /// Where host calls can be made in place.
    pub(super) sites: &'a [Ready],
    pub(super) left: Left,
    /// The least of limit and slice, in total fuel used.
    pub(super) mark: i64,
    /// Actions the order issued before this activation.
    pub(super) first_action: u64,
    pub(super) actions: &'a mut ActionLog,
    pub(super) arguments: &'a mut Vec<u64>,
    pub(super) look: &'a mut Look,
    pub(super) digest: Option<&'a mut Digest>,
    pub(super) host: &'a mut Host<'h>,
    /// An answer that is more than "done", and what is reserved for it and for actions that are held.
    pub(super) answer: Option<Answer>,
    pub(super) reserved: (i64, i64),
    /// Whether actions are logged, and whether they are held for the end.
    pub(super) logs: bool,
    pub(super) holds: bool,
    /// Whether anything is kept of an action: in the log or the digest.
    pub(super) keeps: bool,
    /// When the order's time is over.
    pub(super) deadline_ns: Option<u64>,
}

/// What the limits leave of calls, micro-dollars and tokens. The meters learn of what was taken when the interpreter
/// gives control back.
#[derive(Debug, Clone, Copy)]
pub(super) struct Left {
    start: Meters,
    /// Calls that would be one too many.
    end: u64,
    calls: u64,
    /// Neither these nor costs are below 0: so a call that costs nothing is always allowed.
    money: i64,
    tokens: i64,
}

impl Left {
    pub(super) fn of(limits: &Limits, meters: &Meters) -> Left {
        let calls = limits.host_calls.saturating_sub(meters.host_calls);
        Left {
            start: *meters,
            end: meters.host_calls.saturating_add(calls),
            calls,
            money: limits.money.saturating_sub(meters.money).saturating_sub(meters.money_reserved).max(0),
            tokens: limits.tokens.saturating_sub(meters.tokens).saturating_sub(meters.tokens_reserved).max(0),
        }
    }

    /// Takes a call at this cost if it is allowed; gives its number. What costs nothing always is.
    #[inline(always)]
    fn take(&mut self, (money, tokens): (i64, i64)) -> Option<u64> {
        if self.calls == 0 {
            return None;
        }
        let (money, tokens) = (self.money.wrapping_sub(money), self.tokens.wrapping_sub(tokens));
        if money | tokens < 0 {
            return None;
        }
        (self.money, self.tokens) = (money, tokens);
        let number = self.end.wrapping_sub(self.calls);
        self.calls = self.calls.wrapping_sub(1);
        Some(number)
    }

    /// Whether a call was made.
    pub(super) fn took_any(&self) -> bool {
        self.end.wrapping_sub(self.calls) != self.start.host_calls
    }

    /// The meters as they stand now, but for what is `reserved`, which is not spent yet.
    pub(super) fn meters(&self, limits: &Limits, reserved: (i64, i64)) -> Meters {
        let before = Left::of(limits, &self.start);
        let calls = before.calls.wrapping_sub(self.calls);
        let mut meters = self.start;
        meters.host_calls = meters.host_calls.saturating_add(calls);
        meters.actions_issued = meters.actions_issued.saturating_add(calls);
        let money = before.money.wrapping_sub(self.money);
        let tokens = before.tokens.wrapping_sub(self.tokens);
        meters.spend((money.saturating_sub(reserved.0), tokens.saturating_sub(reserved.1)));
        meters.reserve(reserved);
        meters
    }
}

impl Outside for Direct<'_, '_> {
    fn host_call(
        &mut self,
        site: u32,
        left: i64,
        window: &Window,
        heap: &mut Heap,
        memory: &mut MemoryMeter,
    ) -> Reply {
        let Some(site) = self.sites.get(slot::index(site)) else { return Reply::Declined };
        if self.keeps || !site.small {
            let arguments = site.registers.map(|register| get(window, register));
            return self.any_call(site, left, &arguments, heap, memory);
        }
        // A register more costs less than a loop.
        let Some(registers) = site.registers.first_chunk() else { return Reply::Declined };
        let arguments = registers.map(|register| get(window, register));
        self.call::<2, false>(site, left, &arguments, heap, memory).unwrap_or(Reply::Declined)
    }

    fn call_with(
        &mut self,
        site: u32,
        left: i64,
        arguments: &[u64; Ready::MOST],
        heap: &mut Heap,
        memory: &mut MemoryMeter,
    ) -> Reply {
        let Some(site) = self.sites.get(slot::index(site)) else { return Reply::Declined };
        if site.shares != 0 && any_object(site.shares, arguments) {
            return Reply::Declined;
        }
        match arguments.first_chunk() {
            Some(arguments) if !self.keeps && site.small => {
                self.call::<2, false>(site, left, arguments, heap, memory).unwrap_or(Reply::Declined)
            }
            _ => self.any_call(site, left, arguments, heap, memory),
        }
    }

    fn allows(&self, site: u32, memory: &MemoryMeter) -> Option<u64> {
        let site = self.sites.get(slot::index(site)).filter(|site| site.count != Ready::NOT)?;
        if site.texts || !self.can_hold(slot::index(site.pc)) {
            return None;
        }
        let before_look = match self.holds {
            true => u64::MAX,
            false if site.silent && !self.host.has_cancel_flag() => self.look.calls_before(),
            false => return None,
        };
        let fits = |left: i64, cost: i64| {
            left.checked_div(cost).map_or(u64::MAX, |times| times.max(0).cast_unsigned())
        };
        let memory = memory.limit.saturating_sub(memory.used).checked_div(site.bytes)?;
        let (money, tokens) = (fits(self.left.money, site.cost.0), fits(self.left.tokens, site.cost.1));
        Some(self.left.calls.min(memory).min(money).min(tokens).min(before_look))
    }

    fn look_at_clock(&mut self) -> bool {
        let (now, deadline) = (self.host.now_ns(), self.deadline_ns.unwrap_or(u64::MAX));
        if now >= deadline || self.host.is_cancelled() {
            return false;
        }
        self.look.looked(now, deadline);
        true
    }

    fn mark_moved(&mut self, mark: i64) {
        self.mark = mark;
    }
}

impl Direct<'_, '_> {
    /// Whether a call can be kept for the end without the driver: an action that nobody waits for.
    fn can_hold(&self, pc: usize) -> bool {
        matches!(self.code.words.get(pc), Some(Word::Host { .. }))
    }

    /// What a call costs is not spent yet.
    fn reserve(&mut self, (money, tokens): (i64, i64)) {
        self.reserved = (self.reserved.0.saturating_add(money), self.reserved.1.saturating_add(tokens));
    }

    /// Makes any call.
    #[inline(never)]
    fn any_call(
        &mut self,
        site: &Ready,
        fuel: i64,
        arguments: &[u64; Ready::MOST],
        heap: &mut Heap,
        memory: &mut MemoryMeter,
    ) -> Reply {
        if site.count == Ready::NOT {
            return Reply::Declined;
        }
        self.call::<{ Ready::MOST }, true>(site, fuel, arguments, heap, memory).unwrap_or(Reply::Declined)
    }

    /// Makes a call of at most `N` arguments. Unless it is `FULL`, none of them is a text and nothing is kept of it.
    /// Everything is looked at before anything is done: where this gives `None`, the driver begins the call anew.
    #[inline(always)]
    fn call<const N: usize, const FULL: bool>(
        &mut self,
        site: &Ready,
        fuel: i64,
        arguments: &[u64; N],
        heap: &mut Heap,
        memory: &mut MemoryMeter,
    ) -> Option<Reply> {
        let (code, pc) = (self.code, slot::index(site.pc));
        let slots = arguments.get(..usize::from(site.count))?;
        let import = code.module().imports.get(usize::from(site.import))?;
        if FULL && self.holds && !self.can_hold(pc) {
            return None;
        }
        let charge = if FULL && site.texts { charge_with_texts(code, import, slots) } else { site.charge };
        if charge > fuel {
            return None;
        }
        let used = memory.with(site.bytes)?;
        let number = self.left.take(site.cost)?;
        memory.set(used);
        if site.shares != 0 {
            share(heap, site.shares, slots);
        }
        let data = Data { code, attached: self.attached, heap };
        let call = Call { import, data, arguments: slots, number, pc, attempt: 1, key: None };
        let left = fuel.wrapping_sub(charge);
        if FULL && self.keep(&call, site, left) {
            return Some(Reply::Done { charge });
        }
        self.host.call(site.target, &call, &mut self.answer);
        if self.answer.is_some() {
            return Some(self.answered(site, &call, charge));
        }
        if FULL {
            self.digest(&call, left, ActionResult::Done);
        }
        let late = self.look.is_due(self.host) && !self.look_at_clock();
        Some(if late { Reply::Look { charge } } else { Reply::Done { charge } })
    }

    /// The answer is more than "done", so the driver will want to know what was asked.
    #[cold]
    #[inline(never)]
    fn answered(&mut self, site: &Ready, call: &Call<'_>, charge: i64) -> Reply {
        self.reserve(site.cost);
        self.arguments.clear();
        self.arguments.extend_from_slice(call.arguments);
        Reply::Answered { charge }
    }

    /// Adds an action to the log, where one is kept; tells whether it is held there until the end.
    #[inline(never)]
    fn keep(&mut self, call: &Call<'_>, site: &Ready, left: i64) -> bool {
        if self.logs || self.holds {
            let ordinal = self.left.start.actions_issued.wrapping_sub(self.first_action);
            self.actions.push(
                NewAction {
                    import: ImportId(site.import),
                    arguments: call.arguments,
                    cost: site.cost,
                    pc: call.pc,
                    number: call.number,
                    ordinal: ordinal.wrapping_add(call.number.wrapping_sub(self.left.start.host_calls)),
                    key: None,
                },
                self.holds,
            );
        }
        if self.holds {
            self.reserve(site.cost);
            self.digest(call, left, ActionResult::Held);
        }
        self.holds
    }

    /// Adds an action to the digest, if there is one; `left` is the fuel to the mark once it is paid.
    #[inline(never)]
    fn digest(&mut self, call: &Call<'_>, left: i64, result: ActionResult<'_>) {
        let Some(digest) = &mut self.digest else { return };
        let origin = call.data.code.origin(call.pc);
        let own = i64::from(origin.due.wrapping_sub(origin.spent));
        let used = self.mark.wrapping_sub(left).wrapping_sub(own);
        let at = Some((origin.function, origin.op));
        digest.event(Tag::Action as u8, used.max(0).cast_unsigned(), at, |bytes| {
            put_text(bytes, &call.import.name);
            for (ty, slot) in call.import.parameters.iter().zip(call.arguments) {
                put_value(bytes, ValueRef { data: call.data, ty: *ty, slot: *slot });
            }
            put_result(bytes, result);
        });
    }
}

/// Whether any of the references among a call's arguments is to an object of the arena.
fn any_object(shares: u8, arguments: &[u64; Ready::MOST]) -> bool {
    let mut references = (0_u32..).zip(arguments).filter(|(at, _)| shares.wrapping_shr(*at) & 1 != 0);
    references.any(|(_, slot)| *slot != 0 && slot.wrapping_shr(32) == 0)
}

/// Marks the references among a call's arguments as shared.
#[inline(always)]
fn share(heap: &mut Heap, shares: u8, slots: &[u64]) {
    for (at, slot) in (0_u32..).zip(slots) {
        if shares.wrapping_shr(at) & 1 != 0 {
            heap.share(*slot);
        }
    }
}
