//! How claims end: many of them in a few round trips.

use std::collections::BTreeMap;

use super::{Claim, Completed, Fate, Loss, Queue, QueueError, cut};
use crate::{Change, Version};

/// How a claim ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// It is done, with this result.
    Complete(Vec<u8>),
    /// The try came to nothing, and why.
    Fail(String),
    /// It is for somebody else: the try does not count, and the task rests for as long as after a first failure.
    GiveBack,
}

/// What ending a claim came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// It was completed.
    Completed(Completed),
    /// It is tried again, or not.
    Failed(Fate),
}

impl Queue {
    /// Ends claims, each in its own way; says for each, in their order, what it came to. A claim that has
    /// ended so before is as that left it. Of one that is lost ([`Loss::Taken`]) nothing is changed.
    ///
    /// # Errors
    /// If the bus fails; some may have ended then. Ending all of them again has no further effect.
    pub fn end(
        &mut self,
        endings: &[(Claim, Ending)],
        now: u64,
    ) -> Result<Vec<Result<Ended, Loss>>, QueueError> {
        // Before a task is done, so that what is done has a result.
        let mut results = self.put_results(endings)?;
        let mut of_shard: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (at, (claim, _)) in endings.iter().enumerate() {
            of_shard.entry(self.shard_of(&claim.id)).or_default().push(at);
        }
        let settings = self.settings;
        let mut outcomes = vec![Err(Loss::Unknown); endings.len()];
        for (shard, own) in of_shard {
            let ended = self.change(shard, |state| {
                let chosen = own.iter().filter_map(|at| Some((*at, endings.get(*at)?)));
                let ended = chosen.map(|(at, (claim, ending))| {
                    let (id, number) = (claim.id.as_str(), claim.number);
                    let ended = match ending {
                        Ending::Complete(_) => state.complete(id, number, now).map(|new| {
                            Ended::Completed(if new { Completed::Now } else { Completed::Before })
                        }),
                        Ending::Fail(reason) => {
                            state.fail(id, number, cut(reason), &settings, now).map(Ended::Failed)
                        }
                        Ending::GiveBack => state.give_back(id, number, &settings, now).map(Ended::Failed),
                    };
                    (at, ended)
                });
                Ok(ended.collect::<Vec<_>>())
            })?;
            self.forget_old(shard)?;
            for (at, ended) in ended {
                if ended.is_ok() {
                    results.remove(&at);
                }
                if let Some(outcome) = outcomes.get_mut(at) {
                    *outcome = ended;
                }
            }
        }
        let lost = results.values().map(|(key, expected)| Change { key, expected: *expected, value: None });
        self.bus.compare_and_set_many(&lost.collect::<Vec<_>>())?;
        Ok(outcomes)
    }

    /// Puts the results of what is to be completed under the claims' numbers, so that no one's is somebody
    /// else's. Gives those that were not there, by their place.
    fn put_results(
        &mut self,
        endings: &[(Claim, Ending)],
    ) -> Result<BTreeMap<usize, (String, Version)>, QueueError> {
        let results = endings.iter().enumerate().filter_map(|(at, (claim, ending))| match ending {
            Ending::Complete(result) => Some((at, self.result_key(&claim.id, claim.number), result)),
            _ => None,
        });
        let results: Vec<_> = results.collect();
        let changes = results.iter().map(|(_, key, result)| Change {
            key,
            expected: None,
            value: Some(result.as_slice()),
        });
        let done = self.bus.compare_and_set_many(&changes.collect::<Vec<_>>())?;
        let put = results.into_iter().zip(done).filter_map(|((at, key, _), put)| Some((at, (key, put?))));
        Ok(put.collect())
    }
}
