//! Actions on the rows of a table, one after the other.

use swarm_bytecode::module::Import;

use super::{Direct, padded};
use crate::heap::Heap;
use crate::host::{Call, Ready};
use crate::interpret::{Act, Acting, get};
use crate::machine::MemoryMeter;
use crate::outside::{Outside, Reply};
use crate::slot;
use crate::trace::ActionResult;

/// Most conditions of a filter, and the end of a round.
const PLACES: usize = crate::filter::MOST + 1;

/// A call that costs, where it is allowed, the same for each row.
#[derive(Clone, Copy)]
struct Sure<'a> {
    site: &'a Ready,
    import: &'a Import,
    /// Which arguments are references that may be to objects of the arena, which no row is.
    shares: u8,
    loads: bool,
    /// What the call is due and takes, without what jumps put back; the fuel there has to be in the row for that; and what of it is
    /// gone behind the call.
    charge: i64,
    needs: i64,
    takes: i64,
}

impl<'a> Sure<'a> {
    /// What is known of a call on the rows that a register holds, if it needs nothing but fuel.
    fn of(act: Act, sites: &'a [Ready], imports: &'a [Import], item: u8) -> Option<Sure<'a>> {
        let site = sites.get(slot::index(act.site)).filter(|site| site.small && site.silent)?;
        let others = (0_u32..).zip(site.registers).filter(|(_, register)| *register != item);
        let others = others.fold(0, |bits, (at, _)| bits | 1_u8.wrapping_shl(at));
        let inside = site.charge.wrapping_sub(act.credit);
        Some(Sure {
            site,
            import: imports.get(usize::from(site.import))?,
            shares: site.shares & others,
            loads: act.loads,
            charge: inside.wrapping_add(act.due),
            needs: inside.wrapping_add(act.due).max(0),
            takes: inside.wrapping_add(act.credit_behind),
        })
    }
}

impl<'a> Direct<'a, '_> {
    /// Makes the calls that rows come to, until one is more than done or something else stands next.
    pub(super) fn act_on_rows(
        &mut self,
        rows: &mut Acting<'_, '_>,
        heap: &mut Heap,
        memory: &mut MemoryMeter,
    ) -> Reply {
        let mut sure = [None; PLACES];
        for (condition, sure) in sure.iter_mut().enumerate().take(rows.conditions()) {
            let act = rows.act(condition);
            *sure = act.and_then(|act| Sure::of(act, self.sites, self.imports, rows.item()));
        }
        loop {
            match self.keeps {
                true => self.act_surely::<true>(&sure, rows, heap, memory),
                false => self.act_surely::<false>(&sure, rows, heap, memory),
            }
            let Some(next) = rows.next(rows.at) else { return Reply::Done { charge: 0 } };
            let act = rows.act(next.condition()).filter(|_| next.covers(0));
            let Some(act) = act else { return Reply::Done { charge: 0 } };
            rows.set_row(&next);
            if act.loads {
                rows.load(&next);
            }
            let inside = next.fuel.wrapping_add(act.credit);
            match self.host_call(act.site, inside.wrapping_sub(act.due), rows.window, heap, memory) {
                Reply::Done { charge } => {
                    rows.at = next.behind(inside.wrapping_sub(charge).wrapping_sub(act.credit_behind));
                }
                reply => {
                    rows.at = next;
                    return reply;
                }
            }
        }
    }

    /// Makes those that are known to be allowed, of functions that can say no more than "done", while nobody may end the
    /// run: those that are not held for the end, logged and digested if anything is kept of them.
    #[inline(never)]
    #[expect(clippy::indexing_slicing, reason = "the number of a condition is less than 8")]
    fn act_surely<const KEEPS: bool>(
        &mut self,
        sure: &[Option<Sure<'a>>; PLACES],
        rows: &mut Acting<'_, '_>,
        heap: &mut Heap,
        memory: &mut MemoryMeter,
    ) {
        let calls = self.left.surely_until.wrapping_sub(self.left.next);
        let bytes = calls.checked_mul(self.most_bytes);
        let fits = bytes.is_some_and(|bytes| bytes <= memory.limit.saturating_sub(memory.used));
        if calls == 0 || self.holds || !fits || self.host.has_cancel_flag() {
            return;
        }
        let functions = sure.map(|sure| sure.map_or(0, |sure| sure.site.function));
        let [first, second, third, ..] = functions;
        let mut made = [0_u64; PLACES];
        let mut at = rows.at;
        let mut number = self.left.next;
        while number != self.left.surely_until {
            let Some(next) = rows.next(at) else {
                at = rows.at;
                break;
            };
            let condition = next.condition();
            let Some(Sure { site, import, shares, loads, charge, needs, takes }) = sure[condition] else {
                break;
            };
            if !next.covers(needs) {
                break;
            }
            rows.set_row(&next);
            if loads {
                rows.load(&next);
            }
            at = next.behind(next.fuel.wrapping_sub(takes));
            made[condition] = made[condition].wrapping_add(1);
            let [one, other, ..] = site.registers;
            let arguments = [get(rows.window, one), get(rows.window, other)];
            (self.about.number, self.about.pc, self.about.import) = (number, slot::index(site.pc), import);
            number = number.wrapping_add(1);
            if shares != 0 {
                share(shares, &arguments, heap);
            }
            if KEEPS {
                self.keep(site, &padded(arguments));
            }
            let call = Call { about: &self.about, heap, arguments: &arguments };
            // A branch for each: a processor foresees these better than where the one call goes that all share.
            match condition {
                0 => self.host.call_own(first, call, &mut self.answer),
                1 => self.host.call_own(second, call, &mut self.answer),
                2 => self.host.call_own(third, call, &mut self.answer),
                _ => self.host.call_own(functions[condition], call, &mut self.answer),
            }
            if KEEPS {
                let left = next.fuel.wrapping_sub(charge);
                self.digest(site, left, &padded(arguments), heap, ActionResult::Done);
            }
        }
        rows.at = at;
        for (made, sure) in made.into_iter().zip(sure) {
            let Some(Sure { site, .. }) = *sure else { continue };
            memory.used = memory.used.wrapping_add(made.wrapping_mul(site.bytes));
            self.left.count_all(made, site.cost);
        }
    }
}

/// Marks objects among the arguments as shared.
#[inline(never)]
fn share(shares: u8, arguments: &[u64; 2], heap: &mut Heap) {
    for (at, slot) in (0_u32..).zip(arguments) {
        if shares.wrapping_shr(at) & 1 != 0 {
            heap.share(*slot);
        }
    }
}
