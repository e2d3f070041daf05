//! Snapshots: a run that stands still, as bytes from which it goes on in another process.
//!
//! A run stands still when it waits for an answer or for the next attempt of a RETRY, when it is out of fuel,
//! and between two activations. What it was given – program, host, grants – is given again when it is
//! resumed; everything else is in the snapshot, so the result, the fuel, the actions and the digest are those
//! of a run that never stopped.

mod course;
mod freeze;
mod graph;
mod image;
mod seal;
#[cfg(test)]
mod tests;
mod thaw;

use std::fmt;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use crate::attached::Unlike;
use crate::error::LoadError;
use crate::host::Host;
use crate::inputs::Inputs;
use crate::instance::Instance;
use crate::limits::Grants;
use crate::program::Program;
use graph::Damaged;
use image::Image;
pub use seal::{SNAPSHOT_VERSION, Seal, SnapshotHeader, SnapshotKey, Unseal};
use thaw::{Moment, Thawed, thaw};

/// A run as bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// Encrypted and authenticated: [`Instance::resume`] reads them.
    pub bytes: Vec<u8>,
    /// Number of the snapshot among those of its run, from 1.
    pub generation: u64,
    /// Bytes of values of inputs among it, before encoding: of those without a version ([`Inputs::version`]).
    pub input_bytes: usize,
}

/// Why there is no snapshot, or why one is not resumed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotError {
    kind: SnapshotErrorKind,
    message: String,
}

/// The kinds of [`SnapshotError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum SnapshotErrorKind {
    /// The run does not stand still: it has not begun, is over, or has been given an answer it has not taken.
    NotSuspended,
    /// It ran out of fuel within a VETO: what that decides is not known yet.
    InVeto,
    /// It would have more than 64 MiB.
    TooLarge,
    /// The bytes are no snapshot.
    NoSnapshot,
    /// It was made by another version of the format, the cost model or the ops.
    Version,
    /// Its bytes were changed, or the key is another.
    Forged,
    /// It is a run of another program.
    Program,
    /// It is another run: the identity differs.
    Run,
    /// It, or a later one of the same run, was resumed before.
    Resumed,
    /// An input is of another version, or is not bound as it was.
    Inputs,
    /// The host does not fit the program.
    Load,
    /// What it says cannot be, though its seal is whole.
    Damaged,
}

impl SnapshotErrorKind {
    /// The stable name: what JSON output and scripts hold on to.
    pub const fn code(self) -> &'static str {
        match self {
            SnapshotErrorKind::NotSuspended => "snapshot_not_suspended",
            SnapshotErrorKind::InVeto => "snapshot_in_veto",
            SnapshotErrorKind::TooLarge => "snapshot_too_large",
            SnapshotErrorKind::NoSnapshot => "snapshot_unreadable",
            SnapshotErrorKind::Version => "snapshot_version",
            SnapshotErrorKind::Forged => "snapshot_forged",
            SnapshotErrorKind::Program => "snapshot_other_program",
            SnapshotErrorKind::Run => "snapshot_other_run",
            SnapshotErrorKind::Resumed => "snapshot_resumed_before",
            SnapshotErrorKind::Inputs => "snapshot_inputs_differ",
            SnapshotErrorKind::Load => "snapshot_host_unfit",
            SnapshotErrorKind::Damaged => "snapshot_damaged",
        }
    }

    const fn text(self) -> &'static str {
        match self {
            SnapshotErrorKind::NotSuspended => {
                "the run does not stand still: it has not begun, is over, or has an answer to take first"
            }
            SnapshotErrorKind::InVeto => "the run is out of fuel within a VETO; refuel it and run on first",
            SnapshotErrorKind::TooLarge => {
                "the snapshot would be larger than 64 MiB; give its inputs versions, so that they stay outside"
            }
            SnapshotErrorKind::NoSnapshot => "these bytes are no snapshot",
            SnapshotErrorKind::Version => {
                "the snapshot was made by another version of the machine; resume it with that one"
            }
            SnapshotErrorKind::Forged => "the snapshot was changed, or sealed with another key",
            SnapshotErrorKind::Program => "the snapshot is of a run of another program",
            SnapshotErrorKind::Run => "the snapshot is of another run: its identity is another",
            SnapshotErrorKind::Resumed => "the snapshot, or a later one of its run, was resumed before",
            SnapshotErrorKind::Inputs => "the inputs are not those of the run",
            SnapshotErrorKind::Load => "the host does not fit the program",
            SnapshotErrorKind::Damaged => "the snapshot says what cannot be",
        }
    }
}

impl SnapshotError {
    fn of(kind: SnapshotErrorKind) -> SnapshotError {
        SnapshotError { kind, message: kind.text().to_owned() }
    }

    fn load(error: &LoadError) -> SnapshotError {
        SnapshotError { kind: SnapshotErrorKind::Load, message: error.to_string() }
    }

    fn inputs(program: &Program, unlike: Unlike) -> SnapshotError {
        let module = program.tables();
        let mut names = module.inputs.iter().map(|input| &input.name);
        let name = |at: usize| match names.nth(at) {
            Some(input) => input.as_str(),
            None => {
                let context = module.contexts.get(at.saturating_sub(module.inputs.len()));
                context.map_or("", |context| &context.name)
            }
        };
        let message = match unlike {
            Unlike::Version(at) => {
                format!("{} is not of the version the run has begun with; give it that one", { name }(at))
            }
            Unlike::Bound(at) => format!(
                "{} is bound in another way than when the run began: give the same inputs, with the same columns, \
                 in the same order",
                { name }(at)
            ),
            Unlike::Damaged => return SnapshotError::of(SnapshotErrorKind::Damaged),
        };
        SnapshotError { kind: SnapshotErrorKind::Inputs, message }
    }

    /// What kind of error it is.
    pub fn kind(&self) -> SnapshotErrorKind {
        self.kind
    }

    /// The stable name of the kind.
    pub fn code(&self) -> &'static str {
        self.kind.code()
    }
}

impl fmt::Display for SnapshotError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for SnapshotError {}

impl From<SnapshotErrorKind> for SnapshotError {
    fn from(kind: SnapshotErrorKind) -> SnapshotError {
        SnapshotError::of(kind)
    }
}

impl From<Damaged> for SnapshotError {
    fn from(_: Damaged) -> SnapshotError {
        SnapshotError::of(SnapshotErrorKind::Damaged)
    }
}

/// How a run is called in the header of a snapshot.
fn run_name(identity: Option<&[u8]>) -> [u8; 32] {
    identity.map_or([0; 32], |identity| Sha256::digest(identity).into())
}

impl Instance {
    /// Number of the last snapshot of the run, taken or resumed; 0 if there was none.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// The run as it stands, as bytes from which [`Instance::resume`] makes it go on, in this process or in
    /// another. The instance itself stays as it is: it can go on, and give later snapshots.
    ///
    /// Inputs whose version has a name ([`Inputs::version`]) stay outside; the values of all others are in
    /// it. Inputs given for the next activation, and grants, are not: they are given again. Times are kept by
    /// the calendar of the seal.
    ///
    /// # Errors
    /// The run does not stand still, or its snapshot would be too large.
    pub fn snapshot(&mut self, host: &Host<'_>, seal: &Seal<'_>) -> Result<Snapshot, SnapshotError> {
        let image = freeze::freeze(self, host.now_ns())?;
        self.sealed(&image, seal)
    }

    fn sealed(&mut self, image: &Image, seal: &Seal<'_>) -> Result<Snapshot, SnapshotError> {
        let generation = self.generation.saturating_add(1);
        let run =
            self.state.as_ref().and_then(|state| state.once.as_ref()).map_or([0; 32], |once| once.identity);
        let header = SnapshotHeader::new(self.program.digest(), run, generation, seal.at_ns);
        let bytes = seal::seal(&header, seal, |bytes| image.write(bytes))?;
        self.generation = generation;
        Ok(Snapshot { bytes, generation, input_bytes: image.attached.value_bytes() })
    }

    /// Goes on with the run of a snapshot where it stood: with an answer ([`Instance::resolve`]), more fuel
    /// ([`Instance::refuel`]) or the next activation. Limits, effects and identity are those it had; grants
    /// are those given. The embedder notes [`Instance::generation`] before the instance runs.
    ///
    /// Of the inputs, those are given that had versions; the others are in the snapshot.
    ///
    /// # Errors
    /// The snapshot was changed, is of another run, program or version, or was resumed before; the inputs or
    /// the host are others.
    pub fn resume(
        program: &Program,
        inputs: &Inputs,
        grants: &Grants,
        host: &Host<'_>,
        bytes: &[u8],
        unseal: &Unseal<'_>,
    ) -> Result<Instance, SnapshotError> {
        resume(program, inputs, grants, host, bytes, unseal).map(|(instance, _, _)| instance)
    }
}

/// The instance of a snapshot, with the image and the moment for what else is in it.
fn resume(
    program: &Program,
    inputs: &Inputs,
    grants: &Grants,
    host: &Host<'_>,
    bytes: &[u8],
    unseal: &Unseal<'_>,
) -> Result<(Instance, Image, Moment), SnapshotError> {
    let (header, body) = seal::open(bytes, unseal.key)?;
    let kind = if header.program != program.digest() {
        Some(SnapshotErrorKind::Program)
    } else if header.run != run_name(unseal.identity) {
        Some(SnapshotErrorKind::Run)
    } else if header.generation <= unseal.above {
        Some(SnapshotErrorKind::Resumed)
    } else {
        None
    };
    if let Some(kind) = kind {
        return Err(kind.into());
    }
    host.admit(program, grants).map_err(|error| SnapshotError::load(&error))?;
    let image = Image::read(&body).ok_or(Damaged)?;
    let elapsed_ns = unseal.at_ns.saturating_sub(header.at_ns);
    let moment = Moment { now_ns: host.now_ns(), elapsed_ns };
    let instance = revive(program, inputs, grants, &image, moment)?;
    Ok((Instance { generation: header.generation, ..instance.of_run(header.run) }, image, moment))
}

/// The instance of an image.
fn revive(
    program: &Program,
    inputs: &Inputs,
    grants: &Grants,
    image: &Image,
    moment: Moment,
) -> Result<Instance, SnapshotError> {
    if !inputs.program().is_same(program) {
        return Err(SnapshotErrorKind::Inputs.into());
    }
    let bound = image.attached.bind(inputs.attached());
    let attached = Arc::new(bound.map_err(|unlike| SnapshotError::inputs(program, unlike))?);
    let Thawed { settings, state, recorder } = thaw(image, program.code(), &attached, moment)?;
    Ok(Instance {
        program: program.clone(),
        attached,
        tier: None,
        next_attached: None,
        grants: grants.clone(),
        settings,
        state: Some(Box::new(state)),
        recorder,
        generation: 0,
    })
}

impl Instance {
    fn of_run(mut self, run: [u8; 32]) -> Instance {
        if let Some(state) = self.state.as_mut().filter(|_| run != [0; 32]) {
            state.once.get_or_insert_default().identity = run;
        }
        self
    }
}
