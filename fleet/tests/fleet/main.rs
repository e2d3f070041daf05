//! The fleet's protocol: plans, agents, injector and monitor, alone and together in the simulator.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "test code"
)]

mod agents;
mod drift;
mod injectors;
mod plans;
mod seeds;
mod stub;
mod windows;
