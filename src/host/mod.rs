//! What a program run here gets to see of this machine.

pub(crate) mod processes;
