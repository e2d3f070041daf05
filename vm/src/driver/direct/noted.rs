//! Actions that a tier noted and put off, made one after the other.

use super::{Direct, any_object, padded};
use crate::heap::Heap;
use crate::host::{Call, Ready};
use crate::machine::MemoryMeter;
use crate::slot;
use crate::tier::Note;
use crate::trace::ActionResult;

impl Direct<'_, '_> {
    /// Makes those that are known to be allowed, of functions that can say no more than "done", while nobody may end the
    /// run: those that are not held for the end. Gives how many, which are the first ones.
    pub(super) fn make_surely(
        &mut self,
        mut notes: &[Note],
        heap: &mut Heap,
        memory: &mut MemoryMeter,
    ) -> usize {
        let calls = notes.len() as u64;
        let known = calls <= self.left.surely_until.wrapping_sub(self.left.next);
        let bytes = calls.checked_mul(self.most_bytes);
        let fits = bytes.is_some_and(|bytes| bytes <= memory.limit.saturating_sub(memory.used));
        if self.holds || !known || !fits || self.host.has_cancel_flag() {
            return 0;
        }
        let mut all = 0_usize;
        while let Some([site, ..]) = notes.first().map(|note| note.map(u64::from_le_bytes)) {
            let site = self.sites.get(slot::index(slot::low(site)));
            let Some(site) = site.filter(|site| site.small && site.silent) else { break };
            let made = match self.keeps {
                true => self.make_like::<true>(site, notes, heap),
                false => self.make_like::<false>(site, notes, heap),
            };
            if made == 0 {
                break;
            }
            memory.used = memory.used.wrapping_add(site.bytes.wrapping_mul(made as u64));
            notes = notes.get(made..).unwrap_or_default();
            all = all.wrapping_add(made);
        }
        all
    }

    /// Makes the calls of one site that come first. Gives how many, without counting what they take of memory.
    #[inline(never)]
    fn make_like<const KEEPS: bool>(&mut self, site: &Ready, notes: &[Note], heap: &mut Heap) -> usize {
        let Some(import) = self.imports.get(usize::from(site.import)) else { return 0 };
        (self.about.pc, self.about.import) = (slot::index(site.pc), import);
        let first = self.left.next;
        self.about.number = first;
        for note in notes {
            let [own, left, one, other, ..] = note.map(u64::from_le_bytes);
            let arguments = [one, other];
            if slot::low(own) != site.number || site.shares != 0 && any_object(site.shares, &arguments) {
                break;
            }
            if KEEPS {
                self.keep(site, &padded(arguments));
            }
            let call = Call { about: &self.about, heap, arguments: &arguments };
            self.host.call_own(site.function, call, &mut self.answer);
            if KEEPS {
                let left = left.cast_signed().wrapping_sub(site.charge);
                self.digest(site, left, &padded(arguments), heap, ActionResult::Done);
            }
            self.about.number = self.about.number.wrapping_add(1);
        }
        let made = self.about.number.wrapping_sub(first);
        self.left.count_all(made, site.cost);
        usize::try_from(made).unwrap_or(0)
    }
}
