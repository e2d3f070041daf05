//! The worst case: five polynomials. Each is 0 for unbounded, else the number of its terms and 1, and the terms:
//! their factors and their coefficient.

use crate::codec::error::DecodeErrorKind;
use crate::codec::limits;
use crate::codec::read::{Reader, Result};
use crate::codec::write::Writer;
use crate::module::{Bound, InputId, Polynomial, Term};

pub(super) fn write(bound: &Bound, out: &mut Writer) {
    if *bound == Bound::default() {
        return;
    }
    for polynomial in [&bound.fuel, &bound.memory, &bound.host_calls, &bound.money, &bound.tokens] {
        let Polynomial::Terms(terms) = polynomial else {
            out.count(0);
            continue;
        };
        out.count(terms.len().saturating_add(1));
        for term in terms {
            out.list(&term.factors, |out, factor| out.unsigned(factor.0));
            out.unsigned(term.coefficient);
        }
    }
}

pub(super) fn read(reader: &mut Reader<'_>) -> Result<Bound> {
    let start = reader.position();
    let bound = Bound {
        fuel: polynomial(reader)?,
        memory: polynomial(reader)?,
        host_calls: polynomial(reader)?,
        money: polynomial(reader)?,
        tokens: polynomial(reader)?,
    };
    if bound == Bound::default() {
        return Err(reader.error_at(start, DecodeErrorKind::NotCanonical, "an empty section"));
    }
    Ok(bound)
}

fn polynomial(reader: &mut Reader<'_>) -> Result<Polynomial> {
    let start = reader.position();
    let code = reader.unsigned32(u32::MAX)?;
    let Some(count) = code.checked_sub(1).and_then(|count| usize::try_from(count).ok()) else {
        return Ok(Polynomial::Unbounded);
    };
    if count > limits::TERMS || count > reader.remaining() {
        return Err(reader.error_at(start, DecodeErrorKind::TooLarge, format!("a bound of {count} terms")));
    }
    let mut terms = reader.room(count)?;
    for _ in 0..count {
        let factors = reader.list(limits::FACTORS, |reader| reader.unsigned16(u16::MAX).map(InputId))?;
        terms.push(Term { factors, coefficient: reader.unsigned(u64::MAX)? });
    }
    Ok(Polynomial::Terms(terms))
}
