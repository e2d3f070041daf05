//! A conversation with the compiler: each line is compiled as part of a program that grows.

mod lines;
mod session;

pub(crate) use lines::{Lines, Read};
pub(crate) use session::Session;
