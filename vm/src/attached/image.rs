//! Bound data as a snapshot holds them: how they are bound, and the values of what has no version of its own.
//!
//! Views are numbered in the order they were bound, and values refer to rows by these numbers. So what a
//! snapshot leaves out because it has a version has to be bound again in the same order.

use std::sync::Arc;

use wincode::{SchemaRead, SchemaWrite};

use super::{Attached, Binding, Part, RowKind, View};
use crate::slot;

/// Most rows that all have the same constants.
const MOST_CONSTANT_ROWS: usize = 1 << 20;

/// An [`Attached`].
#[derive(Debug, PartialEq, SchemaRead, SchemaWrite)]
pub(crate) struct AttachedImage {
    views: Vec<ViewImage>,
    bindings: Vec<BindingImage>,
    texts: Vec<TextImage>,
    inputs: Vec<u64>,
    contexts: Vec<u64>,
    sizes: Vec<u32>,
    parts: Vec<PartImage>,
    nodes: u32,
}

/// Values, or only how many they are.
#[derive(Debug, Clone, PartialEq, SchemaRead, SchemaWrite)]
enum Values<T> {
    Here(Vec<T>),
    Elsewhere(u32),
}

#[derive(Debug, PartialEq, SchemaRead, SchemaWrite)]
enum ViewImage {
    Lists { starts: Option<Values<u32>>, rows: u32 },
    Maps { starts: Option<Values<u32>>, order: Values<u32>, rows: u32 },
    Rows { first: u32, fields: u32, rows: u32, kind: KindImage },
}

#[derive(Debug, PartialEq, SchemaRead, SchemaWrite)]
enum KindImage {
    Record,
    Only,
    Case(u8),
}

#[derive(Debug, PartialEq, SchemaRead, SchemaWrite)]
enum BindingImage {
    Slots { values: Values<u64>, source: u64 },
    Row { view: u32 },
    Optional { present: Values<bool>, view: u32 },
    Constant(u64),
}

#[derive(Debug, PartialEq, SchemaRead, SchemaWrite)]
enum TextImage {
    Here(String),
    Elsewhere(u32),
}

#[derive(Debug, PartialEq, SchemaRead, SchemaWrite)]
struct PartImage {
    views: (u32, u32),
    bindings: (u32, u32),
    texts: (u32, u32),
    token: Option<Vec<u8>>,
}

/// Why an image cannot be bound again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unlike {
    /// This input (or, after the inputs, context value) is of another version.
    Version(usize),
    /// It is bound in another way: other columns, rows or order.
    Bound(usize),
    /// The image cannot be.
    Damaged,
}

fn values<T: Copy>(values: &[T], here: bool) -> Values<T> {
    if here { Values::Here(values.to_vec()) } else { Values::Elsewhere(slot::count(values.len())) }
}

fn number(value: usize) -> u32 {
    slot::count(value)
}

impl Part {
    fn image(&self) -> PartImage {
        PartImage {
            views: (number(self.views.start), number(self.views.end)),
            bindings: (number(self.bindings.start), number(self.bindings.end)),
            texts: (number(self.texts.start), number(self.texts.end)),
            token: self.token.as_ref().map(|token| token.to_vec()),
        }
    }
}

impl PartImage {
    fn part(&self) -> Part {
        let range = |(start, end): (u32, u32)| slot::index(start)..slot::index(end);
        Part {
            views: range(self.views),
            bindings: range(self.bindings),
            texts: range(self.texts),
            token: self.token.as_deref().map(Arc::from),
        }
    }
}

impl Attached {
    /// The image. What has a version is left out.
    pub(crate) fn image(&self) -> AttachedImage {
        let named = || self.parts.iter().filter(|part| part.token.is_some());
        let views = self.views.iter().enumerate();
        let views = views.map(|(at, view)| view.image(!named().any(|part| part.views.contains(&at))));
        let bindings = self.bindings.iter().enumerate();
        let bindings =
            bindings.map(|(at, binding)| binding.image(!named().any(|part| part.bindings.contains(&at))));
        let texts = self.texts.iter().enumerate().map(|(at, text)| {
            let elsewhere = named().any(|part| part.texts.contains(&at));
            if elsewhere {
                TextImage::Elsewhere(number(text.len()))
            } else {
                TextImage::Here((**text).into())
            }
        });
        let slots = |slots: &[Option<u64>]| slots.iter().map(|slot| slot.unwrap_or(0)).collect();
        AttachedImage {
            views: views.collect(),
            bindings: bindings.collect(),
            texts: texts.collect(),
            inputs: slots(&self.inputs),
            contexts: slots(&self.contexts),
            sizes: self.sizes.clone(),
            parts: self.parts.iter().map(Part::image).collect(),
            nodes: self.nodes,
        }
    }
}

impl View {
    fn image(&self, here: bool) -> ViewImage {
        match self {
            View::Lists { starts, rows } => {
                ViewImage::Lists { starts: starts.as_ref().map(|starts| values(starts, here)), rows: *rows }
            }
            View::Maps { starts, order, rows } => ViewImage::Maps {
                starts: starts.as_ref().map(|starts| values(starts, here)),
                order: values(order, here),
                rows: *rows,
            },
            View::Rows { first, fields, rows, kind } => ViewImage::Rows {
                first: *first,
                fields: *fields,
                rows: *rows,
                kind: match kind {
                    RowKind::Record => KindImage::Record,
                    RowKind::Only => KindImage::Only,
                    RowKind::Case(case) => KindImage::Case(*case),
                },
            },
        }
    }
}

impl Binding {
    fn image(&self, here: bool) -> BindingImage {
        match self {
            Binding::Slots { values: own, source } => {
                BindingImage::Slots { values: values(own, here), source: *source }
            }
            Binding::Row { view } => BindingImage::Row { view: *view },
            Binding::Optional { present, view } => {
                BindingImage::Optional { present: values(present, here), view: *view }
            }
            Binding::Constant(value) => BindingImage::Constant(*value),
        }
    }
}

impl AttachedImage {
    /// Bytes of values of inputs it holds.
    pub(crate) fn value_bytes(&self) -> usize {
        fn held<T>(values: &Values<T>) -> usize {
            match values {
                Values::Here(values) => std::mem::size_of_val(values.as_slice()),
                Values::Elsewhere(_) => 0,
            }
        }
        let starts = |starts: &Option<Values<u32>>| starts.as_ref().map_or(0, held);
        let views = self.views.iter().map(|view| match view {
            ViewImage::Lists { starts: own, .. } => starts(own),
            ViewImage::Maps { starts: own, order, .. } => starts(own).saturating_add(held(order)),
            ViewImage::Rows { .. } => 0,
        });
        let bindings = self.bindings.iter().map(|binding| match binding {
            BindingImage::Slots { values, .. } => held(values),
            BindingImage::Optional { present, .. } => held(present),
            BindingImage::Row { .. } | BindingImage::Constant(_) => 0,
        });
        let texts = self.texts.iter().map(|text| match text {
            TextImage::Here(text) => text.len(),
            TextImage::Elsewhere(_) => 0,
        });
        views.chain(bindings).chain(texts).fold(0, usize::saturating_add)
    }

    /// Binds it again: what it left out is taken from what is given.
    pub(crate) fn bind(&self, given: &Attached) -> Result<Attached, Unlike> {
        let same_shape = self.inputs.len() == given.inputs.len()
            && self.contexts.len() == given.contexts.len()
            && self.sizes.len() == given.sizes.len()
            && self.parts.len() == given.parts.len();
        if !same_shape {
            return Err(Unlike::Damaged);
        }
        let named = self.parts.iter().enumerate().filter(|(_, part)| part.token.is_some());
        for (at, part) in named {
            let other = given.parts.get(at).map(Part::image);
            match other {
                Some(other) if other == *part => {}
                Some(other) if other.token == part.token => return Err(Unlike::Bound(at)),
                _ => return Err(Unlike::Version(at)),
            }
            if !self.has_the_shape_of(given, &part.part()) {
                return Err(Unlike::Bound(at));
            }
        }
        let mut bound = Attached {
            inputs: self.inputs.iter().copied().map(Some).collect(),
            contexts: self.contexts.iter().copied().map(Some).collect(),
            sizes: self.sizes.clone(),
            parts: self.parts.iter().map(PartImage::part).collect(),
            nodes: self.nodes,
            ..Attached::default()
        };
        for (at, view) in self.views.iter().enumerate() {
            bound.views.push(view.bind(given.views.get(at)).ok_or(Unlike::Damaged)?);
        }
        for (at, binding) in self.bindings.iter().enumerate() {
            bound.bindings.push(binding.bind(given.bindings.get(at)).ok_or(Unlike::Damaged)?);
        }
        for (at, text) in self.texts.iter().enumerate() {
            bound.texts.push(match text {
                TextImage::Here(text) => Arc::from(text.as_str()),
                TextImage::Elsewhere(_) => Arc::clone(given.texts.get(at).ok_or(Unlike::Damaged)?),
            });
        }
        if bound.is_sound() { Ok(bound) } else { Err(Unlike::Damaged) }
    }

    /// Whether what is given for a part was bound as the part was: the same columns and as many rows.
    fn has_the_shape_of(&self, given: &Attached, part: &Part) -> bool {
        let views = part.views.clone().all(|at| {
            self.views.get(at).zip(given.views.get(at)).is_some_and(|(own, view)| *own == view.image(false))
        });
        let bindings = part.bindings.clone().all(|at| {
            let pair = self.bindings.get(at).zip(given.bindings.get(at));
            pair.is_some_and(|(own, binding)| *own == binding.image(false))
        });
        let texts = part.texts.clone().all(|at| {
            let pair = self.texts.get(at).zip(given.texts.get(at));
            pair.is_some_and(|(own, text)| *own == TextImage::Elsewhere(number(text.len())))
        });
        views && bindings && texts
    }
}

/// The values of an image, or those given; they were compared before.
fn take<T: Clone>(own: &Values<T>, given: Option<&Arc<[T]>>) -> Option<Arc<[T]>> {
    match own {
        Values::Here(values) => Some(values.as_slice().into()),
        Values::Elsewhere(count) => given.filter(|given| number(given.len()) == *count).cloned(),
    }
}

impl ViewImage {
    fn bind(&self, given: Option<&View>) -> Option<View> {
        let starts = match given {
            Some(View::Lists { starts, .. } | View::Maps { starts, .. }) => starts.as_ref(),
            _ => None,
        };
        let order = match given {
            Some(View::Maps { order, .. }) => Some(order),
            _ => None,
        };
        let starts = |own: &Option<Values<u32>>| match own {
            Some(own) => take(own, starts).map(Some),
            None => Some(None),
        };
        Some(match self {
            ViewImage::Lists { starts: own, rows } => View::Lists { starts: starts(own)?, rows: *rows },
            ViewImage::Maps { starts: own, order: by, rows } => {
                View::Maps { starts: starts(own)?, order: take(by, order)?, rows: *rows }
            }
            ViewImage::Rows { first, fields, rows, kind } => View::Rows {
                first: *first,
                fields: *fields,
                rows: *rows,
                kind: match kind {
                    KindImage::Record => RowKind::Record,
                    KindImage::Only => RowKind::Only,
                    KindImage::Case(case) => RowKind::Case(*case),
                },
            },
        })
    }
}

impl BindingImage {
    fn bind(&self, given: Option<&Binding>) -> Option<Binding> {
        Some(match self {
            BindingImage::Slots { values, source } => {
                let given = match given {
                    Some(Binding::Slots { values, .. }) => Some(values),
                    _ => None,
                };
                Binding::Slots { values: take(values, given)?, source: *source }
            }
            BindingImage::Row { view } => Binding::Row { view: *view },
            BindingImage::Optional { present, view } => {
                let given = match given {
                    Some(Binding::Optional { present, .. }) => Some(present),
                    _ => None,
                };
                Binding::Optional { present: take(present, given)?, view: *view }
            }
            BindingImage::Constant(value) => Binding::Constant(*value),
        })
    }
}

impl Attached {
    /// Whether lists and maps end where their rows do, so that going through one takes no longer than its items.
    fn is_sound(&self) -> bool {
        let longest = self.bindings.iter().map(|binding| match binding {
            Binding::Slots { values, .. } => values.len(),
            Binding::Optional { present, .. } => present.len(),
            Binding::Row { .. } | Binding::Constant(_) => 1,
        });
        let longest = slot::count(longest.fold(MOST_CONSTANT_ROWS, usize::max));
        let rows_of = |view: u32| match self.views.get(slot::index(view)) {
            Some(View::Rows { rows, kind: RowKind::Record | RowKind::Only, .. }) => Some(*rows),
            _ => None,
        };
        let within = |starts: &Option<Arc<[u32]>>, end: u32| {
            let starts = starts.as_deref().unwrap_or(&[]);
            starts.is_sorted() && starts.last().is_none_or(|last| *last <= end)
        };
        self.views.iter().all(|view| match view {
            View::Lists { starts, rows } => {
                rows_of(*rows).is_some_and(|rows| rows <= longest && within(starts, rows))
            }
            View::Maps { starts, order, rows } => rows_of(*rows).is_some_and(|rows| {
                slot::count(order.len()) == rows
                    && within(starts, rows)
                    && order.iter().all(|row| *row < rows)
            }),
            View::Rows { .. } => true,
        })
    }
}
