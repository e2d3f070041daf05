//! Host calls made in place: an action that nothing stands against costs little more than its handler.

use swarm_bytecode::module::ImportId;

use super::look::Look;
use super::state::{Meters, Settings};
use crate::actions::{ActionLog, NewAction};
use crate::attached::Attached;
use crate::decode::Code;
use crate::heap::{Data, Heap};
use crate::host::{Answer, Call, Host, Links};
use crate::machine::MemoryMeter;
use crate::outside::{HostOp, Outside, Reply};
use crate::scope::Window;
use crate::slot;
use crate::trace::{Digest, Tag, put_text, put_value};
use crate::value::ValueRef;

/// What a call in place can reach of a run.
pub(super) struct Direct<'a, 'h> {
    pub(super) code: &'a Code,
    pub(super) attached: &'a Attached,
    pub(super) settings: &'a Settings,
    pub(super) links: &'a Links,
    pub(super) meters: &'a mut Meters,
    /// Actions the order issued before this activation.
    pub(super) first_action: u64,
    pub(super) actions: &'a mut ActionLog,
    pub(super) arguments: &'a mut Vec<u64>,
    pub(super) look: &'a mut Look,
    pub(super) digest: Option<&'a mut Digest>,
    pub(super) host: &'a mut Host<'h>,
    /// Dynamic charge of the last call.
    pub(super) charge: i64,
    /// An answer that is more than "done".
    pub(super) answer: Option<Answer>,
}

impl Outside for Direct<'_, '_> {
    #[inline(always)]
    fn host_call(&mut self, op: HostOp, window: &Window, heap: &mut Heap, memory: &mut MemoryMeter) -> Reply {
        self.call(op, window, heap, memory).unwrap_or(Reply::Declined)
    }

    fn charge(&self) -> i64 {
        self.charge
    }
}

impl Direct<'_, '_> {
    /// Everything is looked at before anything is done: where this gives `None`, the driver begins the call anew.
    #[inline(always)]
    fn call(
        &mut self,
        op: HostOp,
        window: &Window,
        heap: &mut Heap,
        memory: &mut MemoryMeter,
    ) -> Option<Reply> {
        let code = self.code;
        let site = *code.quick_sites.get(slot::index(op.site))?;
        // A register more costs less than a loop.
        let slots = site.registers.map(|register| window.get(usize::from(register)).copied().unwrap_or(0));
        let slots = slots.get(..usize::from(site.count))?;
        let id = ImportId(site.import);
        let link = self.links.get(id.index()).filter(|link| link.plain)?;
        let import = code.module().imports.get(id.index())?;
        let texts = if link.texts { code.text_bytes(import, slots) } else { 0 };
        let charge = link.charge(texts);
        let meters = &mut *self.meters;
        if charge > op.left || !meters.fit(&self.settings.limits, link.cost) {
            return None;
        }
        memory.take(link.bytes).ok()?;
        if site.shares != 0 {
            share(heap, site.shares, slots);
        }
        self.charge = charge;
        let (number, ordinal) = (meters.host_calls, meters.actions_issued.wrapping_sub(self.first_action));
        meters.host_calls = meters.host_calls.wrapping_add(1);
        meters.actions_issued = meters.actions_issued.wrapping_add(1);
        if self.settings.keep_actions {
            let (cost, pc) = (link.cost, op.pc);
            let action = NewAction { import: id, arguments: slots, cost, pc, number, ordinal, key: None };
            self.actions.push(action, false);
        }
        let data = Data { code, attached: self.attached, heap };
        let call = Call { import, data, arguments: slots, number, pc: op.pc, attempt: 1, key: None };
        self.host.call(link.target, &call, &mut self.answer);
        if self.answer.is_some() {
            meters.reserve(link.cost);
            self.arguments.clear();
            self.arguments.extend_from_slice(slots);
            return Some(Reply::Answered);
        }
        // It fits its limit, so it overflows nothing.
        meters.money = meters.money.wrapping_add(link.cost.0);
        meters.tokens = meters.tokens.wrapping_add(link.cost.1);
        if let Some(digest) = &mut self.digest {
            digest_action(digest, &call, op, charge);
        }
        Some(if self.look.is_due(self.host) { Reply::Look } else { Reply::Done })
    }
}

/// Marks the references among a call's arguments as shared.
#[inline(always)]
fn share(heap: &mut Heap, shares: u8, slots: &[u64]) {
    for (at, slot) in (0u32..).zip(slots) {
        if shares.checked_shr(at).unwrap_or(0) & 1 != 0 {
            heap.share(*slot);
        }
    }
}

/// Adds an action that was done to the digest.
fn digest_action(digest: &mut Digest, call: &Call<'_>, op: HostOp, charge: i64) {
    let origin = call.data.code.origin(op.pc);
    let own = i64::from(origin.due.wrapping_sub(origin.spent));
    let used = op.mark.wrapping_sub(op.left.wrapping_sub(charge)).wrapping_sub(own);
    let at = Some((origin.function, origin.op));
    digest.event(Tag::Action as u8, used.max(0).cast_unsigned(), at, |bytes| {
        put_text(bytes, &call.import.name);
        for (ty, slot) in call.import.parameters.iter().zip(call.arguments) {
            put_value(bytes, ValueRef { data: call.data, ty: *ty, slot: *slot });
        }
        bytes.push(1);
    });
}
