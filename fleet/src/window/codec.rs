//! Windows in bytes. There is one form for each, and it can only say what samples can add up to: buckets
//! ascend, the least and the greatest sample lie in the outermost of them, nothing is counted that is not
//! there.
//!
//! ```text
//! aggregate = "SWRW" version agent incarnation window order totals head
//! totals    = activations fuel money tokens in-doubt actions* figures* endings*      a count before each *
//! action    = name done failed vetoed                                                 ascending by name
//! figure    = 0 number (total) | 1 sketch (gauge) | 2 sketch (distribution)
//! sketch    = buckets* (sum least greatest, unless there are none)
//! bucket    = key (the first as it is, others by how much they are higher) samples
//! number    = 0 whole | 1 eight bytes of a finite float
//! ending    = outcome reason agents                                                   ascending
//! ```

use std::collections::BTreeMap;

use smol_str::SmolStr;

use super::{Actions, Aggregate, Figure, Number, Sketch, Totals, bucket};
use crate::codec::{Reader, Writer};
use crate::message::{MAX_REASON, TraceHead};
use crate::refusal::{Cause, Refusal};

/// First bytes of a window.
const MAGIC: [u8; 4] = *b"SWRW";

/// Version of the form.
const VERSION: u8 = 1;

/// Most names of actions, most metrics, most ways to end.
const MOST: usize = 1024;

/// Most bytes of the name of an action.
const MAX_NAME: usize = 255;

/// Most buckets of a sketch: there are no more floats of sixteen bits.
const MAX_BUCKETS: usize = 1 << 16;

/// Most bytes of a window.
pub const MAX_WINDOW: usize = 1 << 20;

impl Aggregate {
    /// The window in bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.raw(&MAGIC);
        writer.byte(VERSION);
        writer.name(&self.agent);
        writer.unsigned(self.incarnation);
        writer.unsigned(self.window);
        writer.raw(&self.order);
        self.totals.write(&mut writer);
        writer.unsigned(self.head.events);
        writer.raw(&self.head.hash);
        writer.bytes
    }

    /// Reads a window.
    ///
    /// # Errors
    /// [`Cause::NoPlan`] where the bytes are not the one form of a window.
    pub fn decode(bytes: &[u8]) -> Result<Aggregate, Refusal> {
        let mut reader = Reader::new(bytes, Cause::NoPlan);
        if bytes.len() > MAX_WINDOW {
            return Err(reader.refusal("a window is at most 1 MiB long"));
        }
        reader.expect(&MAGIC, "a window begins with `SWRW`")?;
        reader.expect(&[VERSION], "version 1 is known here")?;
        let aggregate = Aggregate {
            agent: reader.name()?,
            incarnation: reader.unsigned(u64::MAX)?,
            window: reader.unsigned(u64::MAX)?,
            order: reader.array()?,
            totals: Totals::read(&mut reader)?,
            head: TraceHead { events: reader.unsigned(u64::MAX)?, hash: reader.array()? },
        };
        reader.end()?;
        Ok(aggregate)
    }
}

impl Totals {
    pub(crate) fn write(&self, writer: &mut Writer) {
        writer.unsigned(self.activations);
        writer.unsigned(self.fuel);
        writer.word(self.money);
        writer.word(self.tokens);
        writer.unsigned(self.in_doubt);
        writer.count(self.actions.len().min(MOST));
        for (name, actions) in self.actions.iter().take(MOST) {
            writer.blob(name.as_bytes());
            [actions.done, actions.failed, actions.vetoed]
                .into_iter()
                .for_each(|count| writer.unsigned(count));
        }
        writer.count(self.figures.len().min(MOST));
        self.figures.iter().take(MOST).for_each(|figure| figure.write(writer));
        writer.count(self.endings.len().min(MOST));
        for ((outcome, reason), agents) in self.endings.iter().take(MOST) {
            writer.blob(outcome.as_bytes());
            writer.blob(reason.as_bytes());
            writer.unsigned(*agents);
        }
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Totals, Refusal> {
        let mut totals = Totals {
            activations: reader.unsigned(u64::MAX)?,
            fuel: reader.unsigned(u64::MAX)?,
            money: reader.word()?,
            tokens: reader.word()?,
            in_doubt: reader.unsigned(u64::MAX)?,
            ..Totals::default()
        };
        for _ in 0..reader.count(MOST, 4)? {
            let name = text(reader, MAX_NAME)?;
            let actions = Actions {
                done: reader.unsigned(u64::MAX)?,
                failed: reader.unsigned(u64::MAX)?,
                vetoed: reader.unsigned(u64::MAX)?,
            };
            ascending(reader, totals.actions.last_key_value().is_none_or(|(last, _)| *last < name))?;
            totals.actions.insert(name, actions);
        }
        for _ in 0..reader.count(MOST, 2)? {
            totals.figures.push(Figure::read(reader)?);
        }
        for _ in 0..reader.count(MOST, 3)? {
            let ended = (text(reader, MAX_REASON)?, text(reader, MAX_REASON)?);
            ascending(reader, totals.endings.last_key_value().is_none_or(|(last, _)| *last < ended))?;
            let agents = reader.unsigned(u64::MAX)?;
            totals.endings.insert(ended, agents);
        }
        Ok(totals)
    }
}

fn text(reader: &mut Reader<'_>, most: usize) -> Result<SmolStr, Refusal> {
    let bytes = reader.blob(most)?;
    std::str::from_utf8(bytes).map(SmolStr::new).map_err(|_| reader.refusal("a text is UTF-8"))
}

fn ascending(reader: &Reader<'_>, holds: bool) -> Result<(), Refusal> {
    if holds { Ok(()) } else { Err(reader.refusal("what has a name stands ascending, nothing twice")) }
}

impl Figure {
    fn write(&self, writer: &mut Writer) {
        match self {
            Figure::Total(sum) => {
                writer.byte(0);
                sum.write(writer);
            }
            Figure::Gauge(sketch) => {
                writer.byte(1);
                sketch.write(writer);
            }
            Figure::Distribution(sketch) => {
                writer.byte(2);
                sketch.write(writer);
            }
        }
    }

    fn read(reader: &mut Reader<'_>) -> Result<Figure, Refusal> {
        Ok(match reader.byte()? {
            0 => Figure::Total(Number::read(reader)?),
            1 => Figure::Gauge(Sketch::read(reader)?),
            2 => Figure::Distribution(Sketch::read(reader)?),
            _ => return Err(reader.refusal("a figure is of kind 0 to 2")),
        })
    }
}

impl Number {
    fn write(self, writer: &mut Writer) {
        match self {
            Number::Word(word) => {
                writer.byte(0);
                writer.whole(word);
            }
            Number::Float(float) => {
                writer.byte(1);
                writer.raw(&float.to_le_bytes());
            }
        }
    }

    fn read(reader: &mut Reader<'_>) -> Result<Number, Refusal> {
        match reader.byte()? {
            0 => reader.whole().map(Number::Word),
            1 => {
                let float = f64::from_le_bytes(reader.array()?);
                if float.is_finite() {
                    Ok(Number::Float(float))
                } else {
                    Err(reader.refusal("a float is finite"))
                }
            }
            _ => Err(reader.refusal("a number is of kind 0 or 1")),
        }
    }
}

impl Sketch {
    fn write(&self, writer: &mut Writer) {
        writer.count(self.buckets.len());
        let mut last = None;
        for (key, samples) in &self.buckets {
            let step = last.map_or(i128::from(*key), |last| i128::from(*key).wrapping_sub(last));
            writer.whole(step);
            writer.unsigned(*samples);
            last = Some(i128::from(*key));
        }
        for number in [self.sum, self.least, self.greatest].into_iter().flatten() {
            number.write(writer);
        }
    }

    fn read(reader: &mut Reader<'_>) -> Result<Sketch, Refusal> {
        let mut buckets = BTreeMap::new();
        let mut count = 0_u64;
        let mut last: Option<i128> = None;
        for _ in 0..reader.count(MAX_BUCKETS, 2)? {
            let step = reader.whole()?;
            if last.is_some() && step <= 0 {
                return Err(reader.refusal("buckets stand ascending, none twice"));
            }
            let key = last.unwrap_or(0).saturating_add(step);
            let Ok(own) = i32::try_from(key) else {
                return Err(reader.refusal("there is no such bucket"));
            };
            let samples = reader.unsigned(u64::MAX)?;
            if samples == 0 {
                return Err(reader.refusal("a bucket without samples is left out"));
            }
            count = count.saturating_add(samples);
            buckets.insert(own, samples);
            last = Some(key);
        }
        let (Some((first, _)), Some((end, _))) = (buckets.first_key_value(), buckets.last_key_value()) else {
            return Ok(Sketch::default());
        };
        let outermost = (*first, *end);
        let [sum, least, greatest] = [Number::read(reader)?, Number::read(reader)?, Number::read(reader)?];
        if (bucket(least.float()), bucket(greatest.float())) != outermost || greatest.is_below(least) {
            return Err(reader.refusal("the least and the greatest sample lie in the outermost buckets"));
        }
        Ok(Sketch { buckets, count, sum: Some(sum), least: Some(least), greatest: Some(greatest) })
    }
}
