//! The worst case: a byte whose bits say which of the five polynomials are unbounded; the products of inputs
//! that have a coefficient in any of the others, in order; then for each of these its constant and a
//! coefficient for each product.

use crate::codec::error::DecodeErrorKind;
use crate::codec::limits;
use crate::codec::read::{Reader, Result};
use crate::codec::write::Writer;
use crate::module::{Bound, Factors, InputId, Polynomial, Term};

/// Most products: each of the five polynomials may have its own.
const PRODUCTS: usize = 5 * limits::TERMS;

/// Most bounds have at most so many terms.
const USUAL_TERMS: usize = 4;

pub(super) fn write(bound: &Bound, out: &mut Writer) {
    if *bound == Bound::default() {
        return;
    }
    let polynomials = [&bound.fuel, &bound.memory, &bound.host_calls, &bound.money, &bound.tokens];
    let mut unbounded = 0_u8;
    let mut products: Vec<&[InputId]> = Vec::new();
    for (bit, polynomial) in (0_u32..).zip(polynomials) {
        match polynomial {
            Polynomial::Unbounded => unbounded |= 1_u8.wrapping_shl(bit),
            Polynomial::Terms(terms) => products.extend(terms.iter().map(|term| term.factors.as_slice())),
        }
    }
    products.retain(|product| !product.is_empty());
    products.sort_unstable();
    products.dedup();
    out.byte(unbounded);
    out.count(products.len());
    for product in &products {
        out.list(product, |out, factor| out.unsigned(factor.0));
    }
    for polynomial in polynomials {
        let Polynomial::Terms(terms) = polynomial else { continue };
        let coefficient = |product: &[InputId]| {
            let of_it = terms.iter().filter(|term| term.factors.as_slice() == product);
            of_it.fold(0, |sum: u64, term| sum.saturating_add(term.coefficient))
        };
        out.unsigned(coefficient(&[]));
        products.iter().for_each(|product| out.unsigned(coefficient(product)));
    }
}

pub(super) fn read(reader: &mut Reader<'_>) -> Result<Bound> {
    let start = reader.position();
    let unbounded = reader.byte()?;
    super::known_flags(reader, unbounded, 0x1f)?;
    let products = reader.list(PRODUCTS, read_product)?;
    let ascending = products.is_sorted_by(|left, right| left < right);
    if !ascending || products.first().is_some_and(|first| first.is_empty()) {
        let text = "the products of the bound do not ascend";
        return Err(reader.error_at(start, DecodeErrorKind::NotCanonical, text));
    }
    let mut used = vec![false; products.len()];
    let mut polynomial = |bit| {
        if super::flag(unbounded, bit) {
            return Ok(Polynomial::Unbounded);
        }
        read_terms(reader, &products, &mut used)
    };
    let bound = Bound {
        fuel: polynomial(0)?,
        memory: polynomial(1)?,
        host_calls: polynomial(2)?,
        money: polynomial(3)?,
        tokens: polynomial(4)?,
    };
    if bound == Bound::default() || used.contains(&false) {
        return Err(reader.error_at(
            start,
            DecodeErrorKind::NotCanonical,
            "the bound says less than it could",
        ));
    }
    Ok(bound)
}

fn read_product(reader: &mut Reader<'_>) -> Result<Factors> {
    let count = reader.count(limits::FACTORS)?;
    let mut factors = Factors::new();
    if count > factors.inline_size() {
        reader.allocate(count.saturating_mul(size_of::<InputId>()))?;
        factors.reserve_exact(count);
    }
    for _ in 0..count {
        factors.push(InputId(reader.unsigned16(u16::MAX)?));
    }
    Ok(factors)
}

fn read_terms(reader: &mut Reader<'_>, products: &[Factors], used: &mut [bool]) -> Result<Polynomial> {
    let constant = reader.unsigned(u64::MAX)?;
    let mut terms = Vec::new();
    if constant != 0 {
        terms = reader.room(products.len().saturating_add(1).min(USUAL_TERMS))?;
        terms.push(Term { factors: Factors::new(), coefficient: constant });
    }
    for (factors, used) in products.iter().zip(used) {
        let coefficient = reader.unsigned(u64::MAX)?;
        if coefficient == 0 {
            continue;
        }
        *used = true;
        // Growing by doubling can hold twice as many.
        let factor_bytes = factors.len().saturating_mul(size_of::<InputId>());
        reader.allocate(size_of::<Term>().saturating_mul(2).saturating_add(factor_bytes))?;
        terms.push(Term { factors: factors.clone(), coefficient });
    }
    if terms.len() > limits::TERMS {
        let text = format!("a bound of {} terms", terms.len());
        return Err(reader.error(DecodeErrorKind::TooLarge, text));
    }
    Ok(Polynomial::Terms(terms))
}
