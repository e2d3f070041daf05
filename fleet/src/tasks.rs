//! The tasks an agent holds of its fleet's queue: a program sees them as the rows of its `task_queue`, and
//! what it does with a row decides what becomes of the task.

use std::collections::BTreeMap;

use smol_str::SmolStr;

/// The input whose rows are the tasks.
pub const TASK_QUEUE: &str = "task_queue";

/// What becomes of a task as an activation ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is done, with this result.
    Complete(String),
    /// The try came to nothing, and why.
    Fail(String),
    /// It is for somebody else.
    GiveBack,
    /// The agent keeps it, and says this of it.
    Keep(String),
}

/// What a program did with a task.
#[derive(Debug, Clone, Default)]
struct Treated {
    /// The task as it came: a row in JSON.
    row: String,
    /// What the last call of each action about it came to.
    actions: BTreeMap<SmolStr, Result<(), String>>,
    /// What the program said in so many words: `COMPLETE`, `UPDATE`, `RELEASE` of `std.queues`.
    said: Option<Verdict>,
    /// Why it cannot be a row.
    unfit: Option<String>,
}

/// The tasks an agent holds during an activation, by their identifiers.
#[derive(Debug, Clone, Default)]
pub struct Tasks(BTreeMap<SmolStr, Treated>);

impl Tasks {
    /// Tasks as they came: identifier, and the row in JSON.
    pub fn new(held: impl IntoIterator<Item = (SmolStr, String)>) -> Tasks {
        Tasks(held.into_iter().map(|(id, row)| (id, Treated { row, ..Treated::default() })).collect())
    }

    /// Identifiers and rows.
    pub fn rows(&self) -> impl Iterator<Item = (&SmolStr, &str)> {
        self.0.iter().map(|(id, task)| (id, task.row.as_str()))
    }

    /// A task cannot be a row of the program's `task_queue`: it is none, and the try has failed.
    pub fn unfit(&mut self, id: &str, why: String) {
        if let Some(task) = self.0.get_mut(id) {
            task.unfit = Some(why);
        }
    }

    /// An action was called with this task as its first argument, and came to this; its second argument is a
    /// text or a number as a program reads it.
    pub fn acted(&mut self, id: &str, action: &str, second: &str, done: Result<(), String>) {
        let Some(task) = self.0.get_mut(id) else { return };
        let said = match (action, &done) {
            ("COMPLETE", Ok(())) => Some(Verdict::Complete(second.to_owned())),
            ("UPDATE", Ok(())) => Some(Verdict::Keep(second.to_owned())),
            ("RELEASE", Ok(())) => Some(Verdict::GiveBack),
            _ => None,
        };
        // What was completed is not kept because of an update before.
        if said.is_some() {
            task.said = said;
        } else {
            task.actions.insert(action.into(), done);
        }
    }

    /// What becomes of each task, in the order of their identifiers. What the program said counts; else a
    /// failed action fails the try; else the task is completed by whatever action was about it; what was left
    /// alone is given back.
    pub fn verdicts(self) -> Vec<(SmolStr, Verdict)> {
        self.0.into_iter().map(|(id, task)| (id, task.verdict())).collect()
    }
}

impl Treated {
    fn verdict(self) -> Verdict {
        if let Some(why) = self.unfit {
            return Verdict::Fail(why);
        }
        if let Some(said) = self.said {
            return said;
        }
        let failed = self.actions.iter().find_map(|(name, done)| Some((name, done.as_ref().err()?)));
        match failed {
            Some((name, why)) => Verdict::Fail(format!("{name}: {why}")),
            None if self.actions.is_empty() => Verdict::GiveBack,
            None => {
                let names: Vec<&str> = self.actions.keys().map(SmolStr::as_str).collect();
                Verdict::Complete(names.join(" "))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(acts: &[(&str, &str, Result<(), &str>)]) -> Verdict {
        let mut tasks = Tasks::new([("t".into(), "{}".to_owned())]);
        for (action, second, done) in acts {
            tasks.acted("t", action, second, done.map_err(str::to_owned));
        }
        tasks.acted("another", "EASE", "", Ok(()));
        tasks.verdicts().remove(0).1
    }

    #[test]
    fn what_a_program_does_decides() {
        assert_eq!(verdict(&[]), Verdict::GiveBack);
        assert_eq!(
            verdict(&[("EASE", "", Ok(())), ("CUT", "", Ok(()))]),
            Verdict::Complete("CUT EASE".into())
        );
        assert_eq!(verdict(&[("EASE", "", Ok(())), ("CUT", "", Err("no"))]), Verdict::Fail("CUT: no".into()));
        // A RETRY that came right in the end is right.
        assert_eq!(verdict(&[("CUT", "", Err("no")), ("CUT", "", Ok(()))]), Verdict::Complete("CUT".into()));
    }

    #[test]
    fn what_a_program_says_counts_more() {
        let eased = ("EASE", "", Ok(()));
        assert_eq!(verdict(&[eased, ("UPDATE", "40%", Ok(()))]), Verdict::Keep("40%".into()));
        assert_eq!(
            verdict(&[("UPDATE", "40%", Ok(())), eased, ("COMPLETE", "well", Ok(()))]),
            Verdict::Complete("well".into())
        );
        assert_eq!(verdict(&[("RELEASE", "not mine", Ok(()))]), Verdict::GiveBack);
        // A word that failed says nothing.
        assert_eq!(verdict(&[("COMPLETE", "well", Err("no"))]), Verdict::Fail("COMPLETE: no".into()));
    }
}
