//! The grammar for constrained generation: what a language model may write next, in three notations.
//!
//! It is derived from the grammar that parses, not written a second time: [`notation`] reads its rules,
//! [`strict`] takes out what only helps people (recovery, forms whose meaning hangs on the layout) and makes
//! line ends part of the grammar, [`shape`] turns the rules into expressions without left recursion, and
//! [`write`] prints them. Every text it derives is a program without syntax errors; a test generates such
//! texts and parses them.

mod names;
mod notation;
mod shape;
mod spacing;
mod strict;
mod write;

use crate::cli::Format;

/// The grammar in a notation.
///
/// # Errors
/// What in the grammar's own rules is not understood; a test sees to it that there is nothing.
pub(crate) fn derive(format: Format) -> Result<String, String> {
    let rules = strict::restrict(notation::read(swarm_grammar::NOTATION)?);
    let grammar = shape::build(&rules, strict::START)?;
    Ok(match format {
        Format::Gbnf => write::gbnf(&spacing::spaced(&grammar)),
        Format::Lark => write::lark(&grammar),
        _ => write::ebnf(&grammar),
    })
}
