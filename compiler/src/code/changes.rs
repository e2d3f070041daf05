//! What it costs that values are changed in place.
//!
//! A value is copied before it is changed if someone else may hold it, and a map or list moves when it has no
//! room for another entry or item. Which write it is that pays is known only when the program runs, but how
//! often it can come to that is known before: a variable's own object is copied at most once for each time it
//! may have got a second holder, and while a loop fills a map or list, it moves as often as its room doubles.
//! So that is charged at the ops that share a value, and at loops; a write to a variable's own object costs
//! no more. A part of another object always has two holders, so a write to one pays for its copy itself.

use std::collections::BTreeMap;

use swarm_bytecode::cost;
use swarm_bytecode::module::StateId;
use swarm_bytecode::types::{Type, TypeId};

use super::function::{Generator, Home};
use super::walk::lenders;
use crate::bound::sum::{Size, Sum, Symbol, add, plus, times};
use crate::typed::{Expr, ExprKind, LocalId};

/// What is known of the changes of one local, up to the end of its scope.
#[derive(Debug, Clone)]
pub(crate) struct Changes {
    /// How often each op may make a copy necessary, and from which op on: that of a loop around it, which may
    /// come to a change before it comes to an end.
    shared: BTreeMap<usize, (u64, usize)>,
    /// The last op that changes the local's own object.
    last: Option<usize>,
    /// Ops, among them loops, while which the local's map or list may move, and whether it does so more than
    /// once.
    grown: BTreeMap<usize, bool>,
    /// How many entries are put into the local's map, beside those it was made with.
    entries: Size,
    /// How long the local's list can be, if items are put behind it.
    most: Option<Size>,
}

impl Default for Changes {
    fn default() -> Changes {
        Changes {
            shared: BTreeMap::new(),
            last: None,
            grown: BTreeMap::new(),
            entries: Ok(Sum::zero()),
            most: None,
        }
    }
}

impl Home {
    fn changes(&mut self) -> &mut Changes {
        self.changes.get_or_insert_default()
    }
}

impl Generator<'_, '_> {
    /// The op at `at` may give the value of `expr` a second holder.
    pub(crate) fn shares(&mut self, at: usize, expr: &Expr) {
        let mut found = Vec::new();
        lenders(expr, &mut found);
        for local in found {
            self.shares_local(at, local);
        }
    }

    /// The same for the arguments of an op.
    pub(crate) fn shares_all(&mut self, at: usize, arguments: &[Expr]) {
        for argument in arguments {
            self.shares(at, argument);
        }
    }

    pub(crate) fn shares_local(&mut self, at: usize, local: LocalId) {
        if !self.changed.contains(&local) && !self.pushed.contains(&local) {
            return;
        }
        let outer = self.home(local).map_or(0, |home| home.loops);
        let around = self.loops.get(outer..).and_then(<[_]>::first).map_or(at, |open| open.at);
        if let Some(home) = self.home_mut(local) {
            let (times, _) = home.changes().shared.entry(at).or_insert((0, around));
            *times = times.saturating_add(1);
        }
    }

    /// The op at `at` may give a STATE variable's value a second holder.
    pub(crate) fn shares_state(&mut self, at: usize, state: StateId) {
        let Some(ty) = self.program.states.get(state.index()).map(|state| state.ty) else { return };
        if self.tables.changes(state) {
            let words = self.words_of_type(ty);
            self.moves(at, words);
        }
        if self.tables.pushes(state) {
            let most = self.size_of_type(ty);
            self.moves(at, most.map(|most| room_words(&most)));
        }
    }

    /// A local gets a value that it may have to copy before it changes a part of it.
    pub(crate) fn takes_over(&mut self, local: LocalId, value: &Expr) {
        let fresh = match &value.kind {
            ExprKind::Record(parts) | ExprKind::List(parts) => !parts.is_empty(),
            // Of an empty map there is nothing to copy.
            ExprKind::Map(_) => true,
            ExprKind::Zero => self.is_map(local),
            ExprKind::Aggregate { .. } | ExprKind::Top { .. } => true,
            _ => false,
        };
        if !fresh {
            self.shares_local(self.emitter.next(), local);
        }
    }

    /// A local's value gives way to another: if that is a map or list, it may grow as the first did.
    pub(crate) fn starts_over(&mut self, local: LocalId) {
        let at = self.emitter.next();
        let grows = self.pushed.contains(&local) || (self.changed.contains(&local) && self.is_map(local));
        if grows && let Some(home) = self.home_mut(local) {
            home.changes().grown.insert(at, true);
        }
    }

    /// The same for a STATE variable, which the op at `at` sets.
    pub(crate) fn starts_state_over(&mut self, at: usize, state: StateId) {
        let Some(ty) = self.program.states.get(state.index()).map(|state| state.ty) else { return };
        if self.tables.changes(state) {
            let words = match self.program.ty(ty) {
                Some(Type::Map { .. }) => self.size_of_type(ty).map(|entries| grown_words(&entries)),
                _ => self.words_of_type(ty),
            };
            self.moves(at, words);
        }
        if self.tables.pushes(state) {
            let most = self.size_of_type(ty);
            self.moves(at, most.map(|most| pushed_words(&most)));
        }
    }

    /// The op at `at` changes a local's own object.
    pub(crate) fn changes_local(&mut self, at: usize, local: LocalId) {
        if let Some(home) = self.home_mut(local) {
            home.changes().last = Some(at);
        }
    }

    /// The op at `at` puts an entry into the map that a local is.
    pub(crate) fn adds_entry(&mut self, at: usize, local: LocalId) {
        let outer = self.home(local).map_or(0, |home| home.loops);
        let around = self.loops.get(outer..).unwrap_or(&[]);
        let span = self.statement;
        let one = Ok(Sum::constant(1));
        let entries = around.iter().fold(one, |entries, open| times(&entries, &open.rounds, span));
        let (at, often) = around.first().map_or((at, false), |open| (open.at, true));
        if let Some(home) = self.home_mut(local) {
            let changes = home.changes();
            add(&mut changes.entries, &entries);
            changes.grown.insert(at, often);
        }
    }

    /// The op at `at` puts an entry into the map that a STATE variable is. Most of what it has may be there
    /// already.
    pub(crate) fn adds_state_entry(&mut self, at: usize, state: StateId) {
        let Some(ty) = self.program.states.get(state.index()).map(|state| state.ty) else { return };
        let outermost = self.loops.first().map(|open| open.at);
        match outermost {
            None => {
                let words = self.words_of_type(ty);
                self.moves(at, words);
            }
            Some(at) if self.growing.insert((at, state)) => {
                let size = self.size_of_type(ty);
                self.moves(at, size.map(|entries| grown_words(&entries)));
            }
            Some(_) => {}
        }
    }

    /// From the op at `at` on, one item or more are put behind those of the list that a local is.
    pub(crate) fn adds_items(&mut self, at: usize, local: LocalId, several: bool, most: Size) {
        let outer = self.home(local).map_or(0, |home| home.loops);
        let around = self.loops.get(outer..).and_then(<[_]>::first).map(|open| open.at);
        if let Some(home) = self.home_mut(local) {
            let changes = home.changes();
            changes.most = Some(most);
            changes.grown.insert(around.unwrap_or(at), several || around.is_some());
        }
    }

    /// The same of the list that a STATE variable is.
    pub(crate) fn adds_state_items(&mut self, at: usize, state: StateId, several: bool, most: Size) {
        match self.loops.first().map(|open| open.at) {
            None if several => self.moves(at, most.map(|most| pushed_words(&most))),
            None => self.moves(at, most.map(|most| room_words(&most))),
            Some(at) if self.growing.insert((at, state)) => {
                self.moves(at, most.map(|most| pushed_words(&most)));
            }
            Some(_) => {}
        }
    }

    /// How many entries or items an unassigned local has at most where code is made now. `None`: that depends
    /// on rounds of a loop that are still to come.
    pub(crate) fn entries(&self, local: LocalId, home: &Home) -> Option<Size> {
        if !self.changed.contains(&local) || !self.is_map(local) {
            return Some(home.size.clone());
        }
        let around = self.loops.get(home.loops..).unwrap_or(&[]);
        let still_grows = around.iter().any(|open| open.assigned.contains(&local));
        (!still_grows).then(|| {
            let mut entries = home.size.clone();
            home.changes.iter().for_each(|changes| add(&mut entries, &changes.entries));
            entries
        })
    }

    fn is_map(&self, local: LocalId) -> bool {
        matches!(self.program.ty(self.local(local).0), Some(Type::Map { .. }))
    }

    /// The end of a local's scope: how great it has become is known now.
    pub(crate) fn settle_changes(&mut self, local: LocalId) {
        let Some(home) = self.home_mut(local) else { return };
        let Some(changes) = home.changes.take() else { return };
        let Changes { mut shared, last, grown, entries, most } = *changes;
        let made = home.size.clone();
        // What has got another holder after the last change is not copied any more.
        shared.retain(|_, from| last.is_some_and(|last| last >= from.1));
        if shared.is_empty() && grown.is_empty() {
            return;
        }
        let (ty, _) = self.local(local);
        let by_type = most.unwrap_or_else(|| self.size_of_type(ty));
        let known = if self.replaced.contains(&local) {
            by_type
        } else if self.is_map(local) {
            self.lesser(plus(made, &entries), by_type)
        } else {
            made.or(by_type)
        };
        // What is shared is copied before a part of it is written, and a list moves before an item is put
        // behind it.
        let words = self.words(ty, &known);
        let (once, often) = if self.pushed.contains(&local) {
            (known.clone().map(|items| room_words(&items)), known.map(|items| pushed_words(&items)))
        } else {
            (words.clone(), known.map(|entries| grown_words(&entries)))
        };
        let copied = match (self.changed.contains(&local), self.pushed.contains(&local)) {
            (true, true) => plus(words, &once),
            (_, pushed) => {
                if pushed {
                    once.clone()
                } else {
                    words
                }
            }
        };
        for (at, (times, _)) in shared {
            self.moves(at, copied.clone().map(|words| words.scaled(times)));
        }
        for (at, more) in grown {
            self.moves(at, if more { often.clone() } else { once.clone() });
        }
    }

    /// Of two bounds the one that says more.
    pub(crate) fn lesser(&self, left: Size, right: Size) -> Size {
        let most = |symbol| match symbol {
            Symbol::Input(input) => self.tables.input_max(input),
            _ => None,
        };
        match (left, right) {
            (Ok(left), Ok(right)) => Ok(match (left.at_most(&most), right.at_most(&most)) {
                (Some(here), Some(there)) if here <= there => left,
                (Some(_), None) => left,
                _ => right,
            }),
            (left, right) => left.or(right),
        }
    }

    /// Words that are moved because of the op at `at`.
    pub(crate) fn moves(&mut self, at: usize, words: Size) {
        let known = self.facts.moves.remove(at).unwrap_or_else(|| Ok(Sum::zero()));
        self.facts.moves.insert(at, plus(known, &words));
    }

    /// Words of the greatest value of a type, without its parts.
    pub(crate) fn words_of_type(&mut self, ty: TypeId) -> Size {
        let size = self.size_of_type(ty);
        self.words(ty, &size)
    }

    /// Words of a list, map or record with so many items, without its parts.
    pub(crate) fn words(&mut self, ty: TypeId, items: &Size) -> Size {
        match self.program.ty(ty) {
            Some(Type::Record { .. }) => Ok(Sum::constant(cost::object_words(self.tables.kept_fields(ty)))),
            Some(Type::Map { .. }) => items.clone().map(|entries| map_words(&entries)),
            _ => items.clone().map(|items| items.plus(&Sum::constant(cost::HEADER_WORDS))),
        }
    }
}

/// Words of a map with so many entries.
pub(crate) fn map_words(entries: &Sum) -> Sum {
    match entries.as_constant() {
        Some(entries) => Sum::constant(cost::map_words(cost::capacity(entries))),
        // Room is made for at most 2n + 2 entries.
        None => entries.clone().scaled(6).plus(&Sum::constant(7)),
    }
}

/// Words of all the objects that a map goes through while it grows to so many entries.
pub(crate) fn grown_words(entries: &Sum) -> Sum {
    match entries.as_constant() {
        Some(entries) => {
            let mut words = 0_u64;
            let mut room = cost::capacity(entries);
            while room >= 4 {
                words = words.saturating_add(cost::map_words(room));
                room >>= 1;
            }
            Sum::constant(words)
        }
        // All rooms together hold at most 4n entries, and there are at most n of them.
        None => entries.clone().scaled(13),
    }
}

/// Words of a list that has moved to where there is room for another item.
pub(crate) fn room_words(items: &Sum) -> Sum {
    match items.as_constant() {
        Some(items) => Sum::constant(cost::object_words(cost::capacity(items))),
        // Room is made for at most 2n + 2 items.
        None => items.clone().scaled(2).plus(&Sum::constant(3)),
    }
}

/// Words of all the objects that a list goes through while so many items are pushed to it.
pub(crate) fn pushed_words(items: &Sum) -> Sum {
    match items.as_constant() {
        Some(items) => Sum::constant(cost::pushed_words(items)),
        // All rooms together hold at most 4n items, and there are at most n of them.
        None => items.clone().scaled(5),
    }
}
