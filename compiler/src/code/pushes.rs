//! `xs = append(xs, [x])`: a list that a local or a STATE variable is grows where it is.

use swarm_bytecode::native::NativeFunction;
use swarm_bytecode::op::Op;

use super::function::{Generator, Step};
use super::making::MOST_AT_ONCE;
use super::places::Root;
use super::texts::TextPlace;
use super::walk::any;
use crate::typed::{Expr, ExprKind};

/// An assignment that puts items behind those its place has.
#[derive(Clone, Copy)]
pub(crate) struct Pushes<'a> {
    pub(crate) root: Root,
    /// The place as it is read.
    list: &'a Expr,
    items: &'a [Expr],
}

impl<'a> Pushes<'a> {
    /// What `place = value` comes to, if it is one. Of a field there is none: what it holds has two holders
    /// as soon as it is read.
    pub(crate) fn of(place: &Expr, value: &'a Expr) -> Option<Pushes<'a>> {
        let ExprKind::Native(native, arguments) = &value.kind else { return None };
        let [list, Expr { kind: ExprKind::List(items), .. }] = arguments.as_slice() else { return None };
        let root = match (&place.kind, &list.kind) {
            (ExprKind::Local(written), ExprKind::Local(read)) if written == read => Root::Local(*read),
            // A call could assign the variable between its being read and its being written.
            (ExprKind::State(written), ExprKind::State(read)) if written == read && !calls(items) => {
                Root::State(*read)
            }
            _ => return None,
        };
        let appends = native.function() == Some(NativeFunction::Append);
        let admits_as_many = value.ty == place.ty && list.ty == place.ty;
        let fits = items.len() <= MOST_AT_ONCE;
        (appends && admits_as_many && fits).then_some(Pushes { root, list, items })
    }
}

fn calls(items: &[Expr]) -> bool {
    items.iter().any(|item| any(item, &|part| matches!(part.kind, ExprKind::Call(..))))
}

impl Generator<'_, '_> {
    /// Evaluates all items, which may read the list, before the first is put behind it.
    pub(crate) fn push(&mut self, pushes: Pushes<'_>, value: &Expr) -> Step<()> {
        let Pushes { root, list, items } = pushes;
        if items.is_empty() {
            return Ok(());
        }
        let ty = self.type_of(list);
        let (element, most) = (self.inner_type(ty), self.size(list));
        let mut values = Vec::with_capacity(items.len());
        for item in items {
            self.store_text(TextPlace::Items, item);
            values.push(self.operand_typed(item, element)?);
        }
        let holder = self.open_root(root)?;
        let first = self.emitter.next();
        for (item, pushed) in items.iter().zip(&values) {
            let at = self.emit_at(Op::Push { list: holder, value: pushed.register }, value.span);
            self.shares(at, item);
            if let Root::Local(local) = root {
                self.changes_local(at, local);
            }
        }
        match root {
            Root::Local(local) => self.adds_items(first, local, items.len() > 1, most),
            Root::State(state) => self.adds_state_items(first, state, items.len() > 1, most),
        }
        self.close_root(root, holder);
        values.into_iter().for_each(|value| self.release(value));
        Ok(())
    }
}
