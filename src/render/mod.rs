//! Facts become words: everything people and programs read is made here.

pub(crate) mod amount;
pub(crate) mod bill;
pub(crate) mod bound;
mod changes;
pub(crate) mod diagnostic;
pub(crate) mod documentation;
pub(crate) mod fleet;
pub(crate) mod live;
pub(crate) mod module;
pub(crate) mod order;
pub(crate) mod people;
pub(crate) mod plan;
pub(crate) mod progress;
pub(crate) mod replay;
mod resource;
pub(crate) mod run;
pub(crate) mod schema;
pub(crate) mod shadow;
pub(crate) mod style;
mod table;
pub(crate) mod tests;
pub(crate) mod text;
