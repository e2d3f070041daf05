//! Natives of constants: what a run calls too, from [`numeric`], [`text`] and [`Calendar`], on folded arguments.

use std::cmp::Ordering;

use swarm_bytecode::cost::MAX_LIST_ITEMS;
use swarm_bytecode::native::{NativeFunction as Native, NativeId};
use swarm_bytecode::quantity::Calendar;
use swarm_bytecode::trap::TrapCode;
use swarm_bytecode::types::TypeId;
use swarm_bytecode::{numeric, text};

use super::{Folder, Why, Work};
use crate::typed::{Expr, ExprKind};

/// Why a native gives nothing.
enum Stop {
    /// It would stop the run, or is too much work.
    Why(Why),
    /// An argument is not a value that is known here.
    Unknown,
}

impl From<TrapCode> for Stop {
    fn from(trap: TrapCode) -> Stop {
        Stop::Why(Why::Trap(trap))
    }
}

impl From<Why> for Stop {
    fn from(why: Why) -> Stop {
        Stop::Why(why)
    }
}

type Given = Result<ExprKind, Stop>;

/// What a native gives for these folded arguments; `None` where that is not known here.
pub(super) fn call(
    native: NativeId,
    arguments: &[Expr],
    returns: Option<TypeId>,
    folder: &Folder<'_>,
) -> Result<Option<ExprKind>, Why> {
    let (Some(function), Some(returns)) = (native.function(), returns) else { return Ok(None) };
    let call = Call { function, arguments, returns, folder };
    match call.given() {
        Ok(kind) => Ok(Some(kind)),
        Err(Stop::Unknown) => Ok(None),
        Err(Stop::Why(why)) => Err(why),
    }
}

/// The items of a folded list.
pub(super) fn items(list: &ExprKind) -> Option<&[Expr]> {
    match list {
        ExprKind::List(items) => Some(items),
        ExprKind::Zero => Some(&[]),
        _ => None,
    }
}

/// The entries of a folded map in the order of their keys. Of equal keys the last one counts.
pub(super) fn entries(map: &ExprKind) -> Option<Vec<(&Expr, &Expr)>> {
    let all = match map {
        ExprKind::Map(entries) => entries.as_slice(),
        ExprKind::Zero => &[],
        _ => return None,
    };
    let mut sorted: Vec<(&Expr, &Expr)> = all.iter().rev().map(|(key, value)| (key, value)).collect();
    let by_key = |left: &Expr, right: &Expr| order(left, right).unwrap_or(Ordering::Equal);
    sorted.sort_by(|(left, _), (right, _)| by_key(left, right));
    sorted.dedup_by(|(later, _), (kept, _)| by_key(later, kept).is_eq());
    Some(sorted)
}

/// `map[key]`: the value as an optional.
pub(super) fn found(entries: &[(&Expr, &Expr)], key: &Expr) -> ExprKind {
    let entry = entries.iter().find(|(own, _)| equal(own, key));
    entry.map_or(ExprKind::Zero, |(_, value)| ExprKind::Some(Box::new((*value).clone())))
}

/// The order of two folded values, where they have one.
pub(super) fn order(left: &Expr, right: &Expr) -> Option<Ordering> {
    match (&left.kind, &right.kind) {
        (ExprKind::Word(left), ExprKind::Word(right)) => Some(left.cmp(right)),
        (ExprKind::Float(left), ExprKind::Float(right)) => left.partial_cmp(right),
        (ExprKind::String(left), ExprKind::String(right)) => Some(left.cmp(right)),
        (ExprKind::Case(left, _), ExprKind::Case(right, _)) => Some(left.cmp(right)),
        _ => None,
    }
}

/// Whether two folded values of one type are equal. Types nest at most 16 deep, so this does too.
pub(super) fn equal(left: &Expr, right: &Expr) -> bool {
    let all = |left: &[Expr], right: &[Expr]| {
        left.len() == right.len() && left.iter().zip(right).all(|(left, right)| equal(left, right))
    };
    match (&left.kind, &right.kind) {
        (ExprKind::Zero, ExprKind::Zero) => true,
        (ExprKind::Some(left), ExprKind::Some(right)) => equal(left, right),
        (ExprKind::Record(left), ExprKind::Record(right)) => all(left, right),
        (ExprKind::Case(left, own), ExprKind::Case(right, other)) => left == right && all(own, other),
        (ExprKind::List(_), _) | (_, ExprKind::List(_)) => {
            items(&left.kind).zip(items(&right.kind)).is_some_and(|(left, right)| all(left, right))
        }
        (ExprKind::Map(_), _) | (_, ExprKind::Map(_)) => {
            entries(&left.kind).zip(entries(&right.kind)).is_some_and(|(left, right)| {
                let same = |((key, value), (other, held)): (&(&Expr, &Expr), &(&Expr, &Expr))| {
                    equal(key, other) && equal(value, held)
                };
                left.len() == right.len() && left.iter().zip(&right).all(same)
            })
        }
        _ => order(left, right).is_some_and(Ordering::is_eq),
    }
}

/// How much a value holds, as [`Work`] counts.
fn weight(value: &Expr) -> usize {
    let all =
        |parts: &[Expr]| parts.iter().fold(Work::ITEM, |sum: usize, part| sum.saturating_add(weight(part)));
    match &value.kind {
        ExprKind::String(text) => text.len(),
        ExprKind::List(parts) | ExprKind::Record(parts) | ExprKind::Case(_, parts) => all(parts),
        ExprKind::Some(inner) => weight(inner).saturating_add(Work::ITEM),
        ExprKind::Map(entries) => entries.iter().fold(Work::ITEM, |sum, (key, value)| {
            sum.saturating_add(weight(key)).saturating_add(weight(value))
        }),
        _ => 1,
    }
}

struct Call<'c> {
    function: Native,
    arguments: &'c [Expr],
    returns: TypeId,
    folder: &'c Folder<'c>,
}

impl<'c> Call<'c> {
    fn given(&self) -> Given {
        self.pay()?;
        match self.function {
            Native::Absolute
            | Native::Minimum
            | Native::Maximum
            | Native::Clamp
            | Native::Round
            | Native::Floor
            | Native::Ceiling
            | Native::ToFloat
            | Native::SquareRoot
            | Native::Near
            | Native::Ratio
            | Native::PercentOf => self.number(),
            Native::BitAnd => self.whole(|left, right| Ok(left & right)),
            Native::BitOr => self.whole(|left, right| Ok(left | right)),
            Native::BitXor => self.whole(|left, right| Ok(left ^ right)),
            Native::BitNot => Ok(ExprKind::Word(!self.word(0)?)),
            Native::ShiftLeft => self.whole(numeric::shift_left),
            Native::ShiftRight => self.whole(numeric::shift_right),
            Native::TextLength
            | Native::StartsWith
            | Native::EndsWith
            | Native::TextContains
            | Native::TextIndexOf
            | Native::ParseInt
            | Native::ParseFloat => self.of_text(),
            Native::Lower
            | Native::Upper
            | Native::Trim
            | Native::Replace
            | Native::Split
            | Native::Words
            | Native::Join
            | Native::TextLeft
            | Native::TextRight
            | Native::Repeat => self.texts(),
            Native::Get
            | Native::First
            | Native::Last
            | Native::Reverse
            | Native::Sort
            | Native::Slice
            | Native::Append
            | Native::ListContains
            | Native::ListIndexOf
            | Native::Unique => self.lists(),
            Native::Keys | Native::Values | Native::Has | Native::Without => self.maps(),
            Native::Year
            | Native::Month
            | Native::Day
            | Native::Hour
            | Native::Minute
            | Native::Second
            | Native::Weekday
            | Native::Seconds => self.time(),
        }
    }

    /// Takes the work of looking at the arguments, before it is done.
    fn pay(&self) -> Result<(), Why> {
        let all = self.arguments.iter().fold(1, |sum: usize, value| sum.saturating_add(weight(value)));
        let count = self.arguments.first().and_then(|first| items(&first.kind)).map_or(0, <[Expr]>::len);
        let rounds = match self.function {
            // Each item is compared with all that are kept.
            Native::Unique => count,
            Native::Sort => usize::try_from(count.checked_ilog2().unwrap_or(0)).unwrap_or(0),
            _ => 0,
        };
        self.folder.work.take(all.saturating_mul(rounds.saturating_add(1)))
    }

    fn argument(&self, at: usize) -> Result<&'c Expr, Stop> {
        self.arguments.get(at).ok_or(Stop::Unknown)
    }

    fn word(&self, at: usize) -> Result<i64, Stop> {
        if let ExprKind::Word(word) = self.argument(at)?.kind { Ok(word) } else { Err(Stop::Unknown) }
    }

    fn float(&self, at: usize) -> Result<f64, Stop> {
        if let ExprKind::Float(float) = self.argument(at)?.kind { Ok(float) } else { Err(Stop::Unknown) }
    }

    fn text(&self, at: usize) -> Result<&'c str, Stop> {
        if let ExprKind::String(text) = &self.argument(at)?.kind { Ok(text) } else { Err(Stop::Unknown) }
    }

    fn items(&self, at: usize) -> Result<&'c [Expr], Stop> {
        items(&self.argument(at)?.kind).ok_or(Stop::Unknown)
    }

    fn entries(&self) -> Result<Vec<(&'c Expr, &'c Expr)>, Stop> {
        entries(&self.argument(0)?.kind).ok_or(Stop::Unknown)
    }

    /// An int of two ints.
    fn whole(&self, of: impl Fn(i64, i64) -> Result<i64, TrapCode>) -> Given {
        Ok(ExprKind::Word(of(self.word(0)?, self.word(1)?)?))
    }

    fn is_float(&self) -> bool {
        matches!(self.arguments, [Expr { kind: ExprKind::Float(_), .. }, ..])
    }

    /// Whether the second argument is less than the first.
    fn descends(&self, first: usize, second: usize) -> Result<bool, Stop> {
        order(self.argument(second)?, self.argument(first)?).map(Ordering::is_lt).ok_or(Stop::Unknown)
    }

    fn number(&self) -> Given {
        let pick = |at: usize| Ok(self.argument(at)?.kind.clone());
        Ok(match self.function {
            Native::Absolute if self.is_float() => float(self.float(0)?.abs()),
            Native::Absolute => ExprKind::Word(numeric::absolute(self.word(0)?)?),
            Native::Minimum => return pick(usize::from(self.descends(0, 1)?)),
            Native::Maximum => return pick(usize::from(!self.descends(0, 1)?)),
            Native::Clamp => {
                let (value, low, high) = (0, 1, 2);
                let cut = if self.descends(value, high)? { high } else { value };
                return pick(if self.descends(low, cut)? { low } else { cut });
            }
            Native::Round => ExprKind::Word(numeric::round(self.float(0)?)?),
            Native::Floor => ExprKind::Word(numeric::floor(self.float(0)?)?),
            Native::Ceiling => ExprKind::Word(numeric::ceiling(self.float(0)?)?),
            Native::ToFloat => float(numeric::int_to_float(self.word(0)?)),
            Native::SquareRoot => float(numeric::square_root(self.float(0)?)?),
            Native::Near => truth(numeric::near(self.float(0)?, self.float(1)?, self.word(2)?)),
            Native::Ratio if self.is_float() => match self.float(1)? {
                0.0 => ExprKind::Zero,
                whole => return self.some(float(numeric::divide_float(self.float(0)?, whole)?)),
            },
            Native::Ratio => match self.word(1)? {
                0 => ExprKind::Zero,
                whole => return self.some(float(numeric::ratio(self.word(0)?, whole)?)),
            },
            Native::PercentOf if self.is_float() => {
                ExprKind::Word(numeric::percent_of_float(self.float(0)?, self.float(1)?)?)
            }
            Native::PercentOf => return self.whole(numeric::percent_of),
            _ => return Err(Stop::Unknown),
        })
    }

    /// What is said of a text.
    fn of_text(&self) -> Given {
        let text = self.text(0)?;
        Ok(match self.function {
            Native::TextLength => ExprKind::Word(text::length(text)),
            Native::StartsWith => truth(text.starts_with(self.text(1)?)),
            Native::EndsWith => truth(text.ends_with(self.text(1)?)),
            Native::TextContains => truth(text.contains(self.text(1)?)),
            Native::TextIndexOf => {
                return self.optional(text::index_of(text, self.text(1)?).map(ExprKind::Word));
            }
            Native::ParseInt => return self.optional(text::parse_int(text).map(ExprKind::Word)),
            Native::ParseFloat => return self.optional(text::parse_float(text).map(float)),
            _ => return Err(Stop::Unknown),
        })
    }

    /// What is made of texts.
    fn texts(&self) -> Given {
        let made = match self.function {
            Native::Lower => text::lower(self.text(0)?)?,
            Native::Upper => text::upper(self.text(0)?)?,
            Native::Trim => self.text(0)?.trim().to_owned(),
            Native::Replace => text::replace(self.text(0)?, self.text(1)?, self.text(2)?)?,
            Native::Split => return self.pieces(text::split(self.text(0)?, self.text(1)?)),
            Native::Words => return self.pieces(text::words(self.text(0)?)),
            Native::Join => {
                let parts: Option<Vec<&str>> = self.items(0)?.iter().map(as_text).collect();
                text::join(parts.ok_or(Stop::Unknown)?.into_iter(), self.text(1)?)?
            }
            Native::TextLeft => text::left(self.text(0)?, self.word(1)?).to_owned(),
            Native::TextRight => text::right(self.text(0)?, self.word(1)?).to_owned(),
            Native::Repeat => text::repeat(self.text(0)?, self.word(1)?)?,
            _ => return Err(Stop::Unknown),
        };
        self.folder.work.take(made.len())?;
        Ok(ExprKind::String(made.into()))
    }

    /// Parts of a text as a list. Each is paid for before it is made.
    fn pieces(&self, pieces: impl Iterator<Item = &'c str>) -> Given {
        let span = self.argument(0)?.span;
        let mut made = Vec::new();
        for piece in pieces {
            self.folder.work.take(piece.len().saturating_add(Work::ITEM))?;
            let kind = ExprKind::String(piece.into());
            made.push(Expr { kind, ty: Some(TypeId::STRING), span });
        }
        self.list(made)
    }

    fn lists(&self) -> Given {
        let own = self.items(0)?;
        let at = |at: i64| usize::try_from(at).ok().and_then(|at| own.get(at));
        let position = |wanted: &Expr| own.iter().position(|item| equal(item, wanted));
        Ok(match self.function {
            Native::Get => return Ok(present(at(self.word(1)?))),
            Native::First => present(own.first()),
            Native::Last => present(own.last()),
            Native::Reverse => return self.list(own.iter().rev().cloned().collect()),
            Native::Sort => {
                let mut sorted = own.to_vec();
                sorted.sort_by(|left, right| order(left, right).unwrap_or(Ordering::Equal));
                return self.list(sorted);
            }
            Native::Slice => {
                // Places before the first count, but hold none.
                let (from, count) = (self.word(1)?, self.word(2)?.max(0));
                let end = usize::try_from(from.saturating_add(count)).unwrap_or(0).min(own.len());
                let start = usize::try_from(from).unwrap_or(0);
                return self.list(own.get(start..end).unwrap_or_default().to_vec());
            }
            Native::Append => return self.list([own, self.items(1)?].concat()),
            Native::ListContains => truth(position(self.argument(1)?).is_some()),
            Native::ListIndexOf => {
                let found = position(self.argument(1)?).and_then(|at| i64::try_from(at).ok());
                return self.optional(found.map(ExprKind::Word));
            }
            Native::Unique => {
                let mut kept: Vec<Expr> = Vec::new();
                for item in own {
                    if !kept.iter().any(|known| equal(known, item)) {
                        kept.push(item.clone());
                    }
                }
                return self.list(kept);
            }
            _ => return Err(Stop::Unknown),
        })
    }

    fn maps(&self) -> Given {
        let own = self.entries()?;
        match self.function {
            Native::Keys => self.list(own.iter().map(|(key, _)| (*key).clone()).collect()),
            Native::Values => self.list(own.iter().map(|(_, value)| (*value).clone()).collect()),
            Native::Has => {
                let key = self.argument(1)?;
                Ok(truth(own.iter().any(|(own, _)| equal(own, key))))
            }
            Native::Without => {
                let key = self.argument(1)?;
                let left = own.iter().filter(|(own, _)| !equal(own, key));
                let left: Vec<_> = left.map(|(key, value)| ((*key).clone(), (*value).clone())).collect();
                self.check_count(left.len())?;
                Ok(ExprKind::Map(left))
            }
            _ => Err(Stop::Unknown),
        }
    }

    fn time(&self) -> Given {
        let own = Calendar::of(self.word(0)?);
        Ok(match self.function {
            Native::Year => ExprKind::Word(own.year),
            Native::Month => ExprKind::Word(own.month),
            Native::Day => ExprKind::Word(own.day),
            Native::Hour => ExprKind::Word(own.hour),
            Native::Minute => ExprKind::Word(own.minute),
            Native::Second => ExprKind::Word(own.second),
            Native::Weekday => ExprKind::Word(own.weekday),
            Native::Seconds => float(numeric::seconds(self.word(0)?)),
            _ => return Err(Stop::Unknown),
        })
    }

    /// A list, if its type admits so many items.
    fn list(&self, items: Vec<Expr>) -> Given {
        self.check_count(items.len())?;
        Ok(ExprKind::List(items))
    }

    /// Whether the list or map it gives may have so many items or entries.
    fn check_count(&self, count: usize) -> Result<(), Stop> {
        let most = self.folder.types.max(self.returns).map_or(MAX_LIST_ITEMS, u64::from);
        if u64::try_from(count).is_ok_and(|count| count <= most) {
            Ok(())
        } else {
            Err(TrapCode::TooLong.into())
        }
    }

    /// An optional that holds a value made here.
    fn some(&self, kind: ExprKind) -> Given {
        let ty = self.folder.types.inner(self.returns);
        Ok(ExprKind::Some(Box::new(Expr { kind, ty, span: self.argument(0)?.span })))
    }

    fn optional(&self, value: Option<ExprKind>) -> Given {
        value.map_or(Ok(ExprKind::Zero), |kind| self.some(kind))
    }
}

/// An optional that holds a value of an argument.
fn present(value: Option<&Expr>) -> ExprKind {
    value.map_or(ExprKind::Zero, |value| ExprKind::Some(Box::new(value.clone())))
}

fn as_text(value: &Expr) -> Option<&str> {
    if let ExprKind::String(text) = &value.kind { Some(text) } else { None }
}

fn truth(holds: bool) -> ExprKind {
    ExprKind::Word(i64::from(holds))
}

/// Zero has no sign.
fn float(value: f64) -> ExprKind {
    ExprKind::Float(if value == 0.0 { 0.0 } else { value })
}
