//! Signed parts of traces, as agents send them: each also stands under a name of its own, and goes to an archive.

use std::collections::{BTreeMap, VecDeque};

use swarm_bus::{Bus, BusError, Position};
use swarm_fleet::envelope::Envelope;
use swarm_fleet::message::FromAgent;
use swarm_fleet::message::wire::decode_reports;
use swarm_fleet::name::Name;
use swarm_fleet::record::Directive;
use swarm_fleet::trace::chunk::{Chunk, frame};

use crate::NodeError;
use crate::layout::{READ, trace_key};
use crate::operator::Operator;
use crate::registry::{self, Member};

/// Parts of an agent's trace that stand on the bus under names of their own; older ones go.
const EACH: usize = 8;

/// Names of parts that are read at the start.
const MOST: usize = 100_000;

/// Keeps what was signed, for a report.
pub trait Archive: Send {
    /// The desired state, whenever it was looked at: the same one any number of times.
    ///
    /// # Errors
    /// [`NodeError::Disk`] where it cannot be kept.
    fn step(&mut self, directive: &Directive, members: &BTreeMap<Name, Member>) -> Result<(), NodeError>;

    /// An acknowledgement; the same one any number of times.
    fn ack(&mut self, ack: &Envelope);

    /// A part of an agent's trace; the same one any number of times.
    fn chunk(&mut self, chunk: &Chunk, envelope: &Envelope);

    /// Brings it all to disk.
    ///
    /// # Errors
    /// As [`Archive::step`].
    fn flush(&mut self) -> Result<(), NodeError>;
}

/// How far traces and acknowledgements were read.
#[derive(Debug, Default)]
pub(super) struct Traces {
    traces: Option<Position>,
    acks: Option<Position>,
    /// The parts that stand under names of their own, by agent; none: it was not looked yet.
    names: Option<BTreeMap<Name, VecDeque<String>>>,
}

impl Traces {
    /// All is read again.
    pub(super) fn forget(&mut self) {
        *self = Traces::default();
    }

    /// Another order: an archive is given all that is there.
    pub(super) fn begin(&mut self) {
        (self.traces, self.acks) = (None, None);
    }

    /// Reads what is new.
    pub(super) fn read(
        &mut self,
        operator: &mut Operator,
        mut archive: Option<&mut (dyn Archive + 'static)>,
    ) -> Result<(), NodeError> {
        let layout = operator.layout().clone();
        loop {
            let entries = operator.bus().read(&layout.traces, self.traces, READ)?;
            for entry in &entries {
                self.traces = Some(entry.position);
                let Ok(envelope) = Envelope::decode(&entry.bytes) else { continue };
                let Ok(chunk) = Chunk::decode(&envelope.payload) else { continue };
                self.name(operator.bus(), &chunk, &envelope)?;
                if let Some(archive) = &mut archive {
                    archive.chunk(&chunk, &envelope);
                }
            }
            if entries.len() < READ {
                break;
            }
        }
        let Some(archive) = archive else { return Ok(()) };
        loop {
            let entries = operator.bus().read(&layout.acks, self.acks, READ)?;
            for entry in &entries {
                self.acks = Some(entry.position);
                for (_, message) in decode_reports(&entry.bytes).unwrap_or_default() {
                    if let FromAgent::Ack(envelope) = message {
                        archive.ack(&envelope);
                    }
                }
            }
            if entries.len() < READ {
                return archive.flush();
            }
        }
    }

    /// Puts a part under its own name, and takes the oldest of its agent away where there are too many.
    fn name(&mut self, bus: &mut dyn Bus, chunk: &Chunk, envelope: &Envelope) -> Result<(), BusError> {
        if self.names.is_none() {
            self.names = Some(standing(bus)?);
        }
        let Some(names) = &mut self.names else { return Ok(()) };
        let own = names.entry(chunk.agent.clone()).or_default();
        let key = trace_key(&chunk.agent, chunk.clock);
        // Keys of one agent are of one length and stand in the order of time.
        if own.contains(&key) || own.front().is_some_and(|oldest| key < *oldest && own.len() >= EACH) {
            return Ok(());
        }
        registry::put(bus, &key, &mut None, &frame(envelope))?;
        own.push_back(key);
        while own.len() > EACH
            && let Some(oldest) = own.pop_front()
        {
            let (_, version) = bus.get(&oldest)?;
            bus.compare_and_set(&oldest, version, None)?;
        }
        Ok(())
    }
}

/// The parts that stand under names of their own.
fn standing(bus: &mut dyn Bus) -> Result<BTreeMap<Name, VecDeque<String>>, BusError> {
    let mut names: BTreeMap<Name, VecDeque<String>> = BTreeMap::new();
    for key in bus.keys("trace:", MOST)? {
        let agent = key.strip_prefix("trace:").and_then(|rest| Name::new(rest.rsplit_once(':')?.0));
        if let Some(agent) = agent {
            names.entry(agent).or_default().push_back(key);
        }
    }
    Ok(names)
}
