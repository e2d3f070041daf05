//! Host calls made in place: an action that nothing stands against costs little more than its handler.

mod noted;
mod rows;

use swarm_bytecode::module::Import;

use super::look::Look;
use super::state::Meters;
use crate::actions::{ActionLog, Issued, NewAction};
use crate::attached::Texts;
use crate::decode::Code;
use crate::heap::Heap;
use crate::host::{About, Answer, Call, Host, Link, Ready, charge_with_texts};
use crate::interpret::{Acting, get};
use crate::limits::Limits;
use crate::machine::MemoryMeter;
use crate::outside::{Outside, Reply};
use crate::program::Program;
use crate::scope::Window;
use crate::slot;
use crate::tier::{Note, Tier};
use crate::trace::{ActionResult, Digest, Tag};
use crate::word::Word;

/// What a call in place can reach of a run.
pub(super) struct Direct<'a, 'h> {
    pub(super) code: &'a Code,
    pub(super) imports: &'a [Import],
    /// Where host calls can be made in place.
    pub(super) sites: &'a [Ready],
    /// What is known of each import.
    pub(super) links: &'a [Link],
    pub(super) left: Left,
    /// The most that any of these calls costs.
    pub(super) most_cost: (i64, i64),
    /// The most logical bytes of any of these calls.
    pub(super) most_bytes: u64,
    /// The call at hand.
    pub(super) about: About<'a>,
    /// The least of limit and slice, in total fuel used.
    pub(super) mark: i64,
    /// The number that the activation's first action had, if all calls since were actions.
    pub(super) first_number: u64,
    pub(super) actions: &'a mut ActionLog,
    pub(super) arguments: &'a mut Vec<u64>,
    pub(super) look: &'a mut Look,
    pub(super) digest: Option<&'a mut Digest>,
    /// What the digest shows records by.
    pub(super) keys: Texts<'a>,
    pub(super) host: &'a mut Host<'h>,
    /// An answer that is more than "done", and what is reserved for it and for actions that are held.
    pub(super) answer: Option<Answer>,
    pub(super) reserved: (i64, i64),
    /// Whether actions are logged, and whether they are held for the end.
    pub(super) logs: bool,
    pub(super) holds: bool,
    /// Whether anything is kept of an action: in the log or the digest.
    pub(super) keeps: bool,
    /// Fuel between two looks at the clock.
    pub(super) slice: i64,
    /// What may take the interpreter's place then.
    pub(super) tier: Option<&'a dyn Tier>,
    pub(super) program: &'a Program,
    /// When the order's time is over.
    pub(super) deadline_ns: Option<u64>,
}

/// What the limits leave of calls, micro-dollars and tokens. The meters learn of what was taken when the
/// interpreter gives control back.
#[derive(Debug, Clone, Copy)]
pub(super) struct Left {
    start: Meters,
    /// The number of the next call, and of the first that is one too many.
    next: u64,
    end: u64,
    /// All calls before this one surely fit all limits, whichever they are, and come before the next look at
    /// the clock. That was found out before this many calls.
    surely_until: u64,
    known_from: u64,
    /// Neither these nor costs are below 0: so a call that costs nothing is always allowed.
    money: i64,
    tokens: i64,
}

impl Left {
    pub(super) fn of(limits: &Limits, meters: &Meters) -> Left {
        let next = meters.host_calls;
        Left {
            start: *meters,
            next,
            end: next.max(limits.host_calls),
            surely_until: next,
            known_from: next,
            money: limits.money.saturating_sub(meters.money).saturating_sub(meters.money_reserved).max(0),
            tokens: limits.tokens.saturating_sub(meters.tokens).saturating_sub(meters.tokens_reserved).max(0),
        }
    }

    /// Takes a call at this cost if it is known to be allowed; gives its number.
    #[inline(always)]
    fn take_surely(&mut self, cost: (i64, i64)) -> Option<u64> {
        (self.next != self.surely_until).then(|| self.count(cost))
    }

    /// Takes a call at this cost if it is allowed; gives its number. What costs nothing always is.
    fn take(&mut self, (money, tokens): (i64, i64)) -> Option<u64> {
        let fits = self.next < self.end && money <= self.money && tokens <= self.tokens;
        fits.then(|| {
            let number = self.count((money, tokens));
            self.forget();
            number
        })
    }

    #[inline(always)]
    fn count(&mut self, (money, tokens): (i64, i64)) -> u64 {
        let number = self.next;
        self.next = number.wrapping_add(1);
        (self.money, self.tokens) = (self.money.wrapping_sub(money), self.tokens.wrapping_sub(tokens));
        number
    }

    /// The same for so many calls.
    fn count_all(&mut self, calls: u64, (money, tokens): (i64, i64)) {
        self.next = self.next.wrapping_add(calls);
        let cost = |each: i64| each.wrapping_mul(calls.cast_signed());
        self.money = self.money.wrapping_sub(cost(money));
        self.tokens = self.tokens.wrapping_sub(cost(tokens));
    }

    /// So many calls from the next one on are known to be allowed, if they are even at the greatest cost.
    fn foresee(&mut self, calls: u32, (money, tokens): (i64, i64)) {
        let fit = |cost: i64, left: i64| cost.checked_mul(calls.into()).is_some_and(|all| all <= left);
        let end = self.next.saturating_add(calls.into());
        if end <= self.end && fit(money, self.money) && fit(tokens, self.tokens) {
            self.surely_until = end;
        }
    }

    /// How many calls were made that were known to be allowed.
    fn made_surely(&self) -> u32 {
        u32::try_from(self.next.wrapping_sub(self.known_from)).unwrap_or(u32::MAX)
    }

    /// Nothing is known any more.
    fn forget(&mut self) {
        (self.known_from, self.surely_until) = (self.next, self.next);
    }

    /// Whether a call was made.
    pub(super) fn took_any(&self) -> bool {
        self.next != self.start.host_calls
    }

    /// The meters as they stand now, but for what is `reserved`, which is not spent yet.
    pub(super) fn meters(&self, limits: &Limits, reserved: (i64, i64)) -> Meters {
        let before = Left::of(limits, &self.start);
        let calls = self.next.wrapping_sub(before.next);
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
        let arguments = match (site.small, site.registers) {
            (true, [first, second, ..]) => [get(window, first), get(window, second), 0, 0],
            (false, registers) => registers.map(|register| get(window, register)),
        };
        self.call(site, left, &arguments, heap, memory)
    }

    fn act(&mut self, rows: &mut Acting<'_, '_>, heap: &mut Heap, memory: &mut MemoryMeter) -> Reply {
        self.act_on_rows(rows, heap, memory)
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
        self.call(site, left, arguments, heap, memory)
    }

    fn make_noted(&mut self, notes: &[Note], heap: &mut Heap, memory: &mut MemoryMeter) -> usize {
        self.make_surely(notes, heap, memory)
    }

    fn allows(&self, site: u32, memory: &MemoryMeter) -> Option<u64> {
        let site = self.sites.get(slot::index(site)).filter(|site| site.count != Ready::NOT)?;
        if site.texts || !self.can_hold(slot::index(site.pc)) {
            return None;
        }
        let before_look = match self.holds {
            true => u64::MAX,
            false if site.silent && !self.host.has_cancel_flag() => {
                self.look.calls_before().saturating_sub(self.left.made_surely()).into()
            }
            false => return None,
        };
        let fits = |left: i64, cost: i64| {
            left.checked_div(cost).map_or(u64::MAX, |times| times.max(0).cast_unsigned())
        };
        let memory = memory.limit.saturating_sub(memory.used).checked_div(site.bytes)?;
        let (money, tokens) = (fits(self.left.money, site.cost.0), fits(self.left.tokens, site.cost.1));
        Some(self.left.end.saturating_sub(self.left.next).min(memory).min(money).min(tokens).min(before_look))
    }

    fn look_at_clock(&mut self) -> bool {
        let (now, deadline) = (self.host.now_ns(), self.deadline_ns.unwrap_or(u64::MAX));
        if now >= deadline || self.host.is_cancelled() {
            return false;
        }
        self.left.forget();
        self.look.looked(now, deadline);
        true
    }

    fn next_slice(&mut self, needed: i64, limit: i64) -> Option<i64> {
        let used = needed.max(0).cast_unsigned();
        let ready = self.tier.is_some_and(|tier| tier.is_ready(self.program, used));
        if ready || !self.look_at_clock() {
            return None;
        }
        self.mark = needed.saturating_add(self.slice).min(limit);
        Some(self.mark)
    }

    fn holds(&self) -> bool {
        self.holds
    }

    fn mark_moved(&mut self, mark: i64) {
        self.mark = mark;
    }
}

impl Direct<'_, '_> {
    /// Whether a call can be kept for the end without the driver: an action that nobody waits for.
    fn can_hold(&self, pc: usize) -> bool {
        matches!(self.code.word(pc), Some(Word::Host { .. }))
    }

    /// Counts the calls that were made without a look at what counts them.
    pub(super) fn settle_look(&mut self) {
        self.look.made(self.left.made_surely());
        self.left.forget();
    }

    /// What a call costs is not spent yet.
    fn reserve(&mut self, (money, tokens): (i64, i64)) {
        self.reserved = (self.reserved.0.saturating_add(money), self.reserved.1.saturating_add(tokens));
    }

    /// Makes a call. What is known to be allowed and needs nothing beside the host is made here, with at most two
    /// arguments.
    #[inline(always)]
    fn call(
        &mut self,
        site: &Ready,
        fuel: i64,
        arguments: &[u64; Ready::MOST],
        heap: &mut Heap,
        memory: &mut MemoryMeter,
    ) -> Reply {
        if site.small
            && site.charge <= fuel
            && let Some(used) = memory.with(site.bytes)
            && let Some(number) = self.left.take_surely(site.cost)
        {
            memory.used = used;
            if self.keeps {
                return self.make(site, number, (fuel, site.charge), arguments, heap);
            }
            let [first, second, ..] = *arguments;
            self.begin(site, number, &[first, second], heap);
            let call = Call { about: &self.about, heap, arguments };
            self.host.call_own(site.function, call, &mut self.answer);
            return match self.answer {
                Some(_) => self.answered(site, arguments, site.charge),
                None if self.host.is_cancelled() => Reply::Look { charge: site.charge },
                None => Reply::Done { charge: site.charge },
            };
        }
        self.any_call(site, fuel, arguments, heap, memory).unwrap_or(Reply::Declined)
    }

    /// Makes any call. Everything is looked at before anything is done: where this gives `None`, the driver
    /// begins the call anew.
    #[inline(never)]
    fn any_call(
        &mut self,
        site: &Ready,
        fuel: i64,
        arguments: &[u64; Ready::MOST],
        heap: &mut Heap,
        memory: &mut MemoryMeter,
    ) -> Option<Reply> {
        self.settle_look();
        let slots = arguments.get(..usize::from(site.count))?;
        let import = self.code.module().imports.get(usize::from(site.import))?;
        if self.holds && !self.can_hold(slot::index(site.pc)) {
            return None;
        }
        let charge = if site.texts { charge_with_texts(self.code, import, slots) } else { site.charge };
        if charge > fuel {
            return None;
        }
        let used = memory.with(site.bytes)?;
        let number = self.left.take(site.cost)?;
        memory.used = used;
        let reply = self.make(site, number, (fuel, charge), arguments, heap);
        if self.holds || matches!(reply, Reply::Answered { .. }) {
            return Some(reply);
        }
        let late = self.look.is_due(self.host) && !self.look_at_clock();
        self.left.foresee(self.look.calls_before(), self.most_cost);
        Some(if late { Reply::Look { charge } } else { Reply::Done { charge } })
    }

    /// Makes the call of this number, which is allowed, or holds it for the end, and keeps what is to be kept
    /// of it.
    #[inline(never)]
    fn make(
        &mut self,
        site: &Ready,
        number: u64,
        (fuel, charge): (i64, i64),
        arguments: &[u64; Ready::MOST],
        heap: &mut Heap,
    ) -> Reply {
        self.begin(site, number, arguments, heap);
        self.keep(site, arguments);
        let mut result = ActionResult::Held;
        if !self.holds {
            let call = Call { about: &self.about, heap, arguments };
            self.host.call(site.target, call, &mut self.answer);
            if self.answer.is_some() {
                return self.answered(site, arguments, charge);
            }
            result = ActionResult::Done;
        }
        self.digest(site, fuel.wrapping_sub(charge), arguments, heap, result);
        if !self.holds && self.host.is_cancelled() { Reply::Look { charge } } else { Reply::Done { charge } }
    }

    /// Begins the call of this number, which is allowed and has at most `N` arguments.
    #[inline(always)]
    fn begin<const N: usize>(&mut self, site: &Ready, number: u64, arguments: &[u64; N], heap: &mut Heap) {
        (self.about.number, self.about.pc) = (number, slot::index(site.pc));
        if let Some(import) = self.imports.get(usize::from(site.import)) {
            self.about.import = import;
        }
        if site.shares != 0 {
            for (at, slot) in (0_u32..).zip(arguments) {
                if site.shares.wrapping_shr(at) & 1 != 0 {
                    heap.share(*slot);
                }
            }
        }
    }

    /// The answer is more than "done", so the driver will want to know what was asked.
    #[cold]
    #[inline(never)]
    fn answered(&mut self, site: &Ready, arguments: &[u64; Ready::MOST], charge: i64) -> Reply {
        self.reserve(site.cost);
        self.arguments.clear();
        self.arguments.extend(arguments.iter().take(usize::from(site.count)));
        Reply::Answered { charge }
    }

    /// Adds an action to the log, where one is kept, or it is held there until the end.
    #[inline(always)]
    fn keep(&mut self, site: &Ready, arguments: &[u64; Ready::MOST]) {
        let number = self.about.number;
        let ordinal = number.wrapping_sub(self.first_number);
        let issued = Issued { site: site.number, number, ordinal };
        let arguments = arguments.get(..usize::from(site.count)).unwrap_or(&[]);
        if self.holds {
            self.actions.push(NewAction { issued, arguments, cost: site.cost, key: None }, true);
            self.reserve(site.cost);
        } else if self.logs {
            self.actions.push_done(issued, arguments);
        }
    }

    /// Adds an action to the digest, if there is one; `left` is the fuel to the mark once it is paid.
    #[inline(always)]
    fn digest(
        &mut self,
        site: &Ready,
        left: i64,
        arguments: &[u64; Ready::MOST],
        heap: &Heap,
        result: ActionResult<'_>,
    ) {
        let (Some(digest), Some(link)) = (&mut self.digest, self.links.get(usize::from(site.import))) else {
            return;
        };
        let call = Call { about: &self.about, heap, arguments };
        let origin = self.about.code.origin(self.about.pc);
        let own = i64::from(origin.due.wrapping_sub(origin.spent));
        let used = self.mark.wrapping_sub(left).wrapping_sub(own);
        let at = Some((origin.function, origin.op));
        let keys = &mut self.keys;
        digest.event(Tag::Action as u8, used.max(0).cast_unsigned(), at, |bytes| {
            link.form.put(bytes, &call, site.count, keys);
            bytes.push(result.code());
        });
    }
}

/// As many arguments as other calls may have.
fn padded([one, other]: [u64; 2]) -> [u64; Ready::MOST] {
    [one, other, 0, 0]
}

/// Whether any of the references among a call's arguments is to an object of the arena.
fn any_object(shares: u8, arguments: &[u64]) -> bool {
    let mut references = (0_u32..).zip(arguments).filter(|(at, _)| shares.wrapping_shr(*at) & 1 != 0);
    references.any(|(_, slot)| *slot != 0 && slot.wrapping_shr(32) == 0)
}
