//! What a program run here gets to see: this machine, and what files say of the rest of the world.

pub(crate) mod answers;
pub(crate) mod events;
pub(crate) mod processes;
