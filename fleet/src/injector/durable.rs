//! What an injector keeps, in bytes.
//!
//! ```text
//! durable = "SWRI" version revision phase report-revision count wave* directive
//! wave    = reach at (0 | 1 judged) targets active refused failed silent passed
//! ```

use std::sync::Arc;

use super::{Accounting, Durable, Phase, WaveReport};
use crate::codec::{Reader, Writer};
use crate::order::Revision;
use crate::plan::MAX_WAVES;
use crate::record::{Directive, Step};
use crate::refusal::{Cause, Refusal};
use crate::verify::step::Checked;

const MAGIC: [u8; 4] = *b"SWRI";
const VERSION: u8 = 1;

/// Most bytes of a desired state: a plan with its module and the former one, and a long list of names.
const MAX_DIRECTIVE: usize = 1 << 27;

impl Durable {
    /// Publishers took a step of the plan themselves, and it counts: what is kept is that, of a plan with so
    /// many waves. A wave that it overtook never went out.
    pub fn overtaken(&mut self, checked: &Checked, planned: usize, now: u64) {
        let record = checked.record();
        self.revision = record.revision;
        self.directive = Arc::clone(checked.directive());
        self.waves.retain(|wave| wave.reach <= record.reach);
        self.phase = match (record.step, self.phase) {
            (Step::Halt, _) => Phase::Halted,
            (Step::Rollback { .. }, _) => Phase::RolledBack,
            (Step::Resume, Phase::Halted) => self.rolls_on(planned, now),
            (_, phase) => phase,
        };
    }

    /// After a halt the last wave has its time again, unless its gate was the last and held.
    fn rolls_on(&mut self, planned: usize, now: u64) -> Phase {
        let all = self.waves.len() >= planned;
        match self.waves.last_mut() {
            Some(wave) if !(all && wave.passed == Some(true)) => {
                (wave.at_ns, wave.judged_ns, wave.passed) = (now, None, None);
                Phase::Rolling
            }
            _ => Phase::Converged,
        }
    }

    /// What it keeps, in bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.raw(&MAGIC);
        writer.byte(VERSION);
        writer.unsigned(self.revision.epoch);
        writer.unsigned(self.revision.counter);
        writer.count(Phase::ALL.iter().position(|phase| *phase == self.phase).unwrap_or_default());
        writer.unsigned(u64::from(self.report_revision));
        writer.count(self.waves.len());
        for wave in &self.waves {
            writer.unsigned(u64::from(wave.reach));
            writer.unsigned(wave.at_ns);
            writer.byte(u8::from(wave.judged_ns.is_some()));
            if let Some(judged) = wave.judged_ns {
                writer.unsigned(judged);
            }
            let Accounting { targets, active, refused, failed, silent } = wave.accounting;
            for count in [targets, active, refused, failed, silent] {
                writer.unsigned(u64::from(count));
            }
            writer.byte(match wave.passed {
                None => 0,
                Some(false) => 1,
                Some(true) => 2,
            });
        }
        writer.blob(&self.directive.encode());
        writer.bytes
    }

    /// Reads what an injector kept.
    ///
    /// # Errors
    /// [`Cause::NoState`] where the bytes are not the one form of it; as [`Directive::decode`].
    pub fn decode(bytes: &[u8]) -> Result<Durable, Refusal> {
        let mut reader = Reader::new(bytes, Cause::NoState);
        reader.expect(&MAGIC, "an injector's state begins with `SWRI`")?;
        reader.expect(&[VERSION], "version 1 is known here")?;
        let revision = Revision { epoch: reader.unsigned(u64::MAX)?, counter: reader.unsigned(u64::MAX)? };
        let phase = Phase::ALL.get(usize::from(reader.byte()?)).copied();
        let Some(phase) = phase else { return Err(reader.refusal("a phase is 0 to 4")) };
        let report_revision = reader.small()?;
        let count = reader.count(MAX_WAVES, 9)?;
        let mut waves = Vec::with_capacity(count);
        for _ in 0..count {
            waves.push(wave(&mut reader)?);
        }
        let directive = Arc::new(Directive::decode(reader.blob(MAX_DIRECTIVE)?)?);
        reader.end()?;
        Ok(Durable { revision, directive, phase, waves, report_revision })
    }
}

fn wave(reader: &mut Reader<'_>) -> Result<WaveReport, Refusal> {
    Ok(WaveReport {
        reach: reader.small()?,
        at_ns: reader.unsigned(u64::MAX)?,
        judged_ns: if reader.flag()? { Some(reader.unsigned(u64::MAX)?) } else { None },
        accounting: Accounting {
            targets: reader.small()?,
            active: reader.small()?,
            refused: reader.small()?,
            failed: reader.small()?,
            silent: reader.small()?,
        },
        passed: match reader.byte()? {
            0 => None,
            1 => Some(false),
            2 => Some(true),
            _ => return Err(reader.refusal("a gate is 0 to 2")),
        },
    })
}
