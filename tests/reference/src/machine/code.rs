//! How the blocks of a function nest.

use swarm_bytecode::op::Op;

/// For each op that opens a block, where that is closed, and where its second part begins.
#[derive(Debug, Clone, Default)]
pub(crate) struct Blocks {
    ends: Vec<usize>,
    elses: Vec<Option<usize>>,
}

impl Blocks {
    pub(crate) fn of(code: &[Op]) -> Blocks {
        let mut blocks = Blocks { ends: vec![0; code.len()], elses: vec![None; code.len()] };
        let mut open: Vec<usize> = Vec::new();
        for (at, op) in code.iter().enumerate() {
            match op {
                Op::If { .. }
                | Op::Block {}
                | Op::Loop {}
                | Op::ForEach { .. }
                | Op::ForEachEntry { .. }
                | Op::Range { .. }
                | Op::Within { .. } => open.push(at),
                Op::Else {} | Op::WithinElse {} => {
                    if let Some(place) = open.last().and_then(|start| blocks.elses.get_mut(*start)) {
                        *place = Some(at);
                    }
                }
                Op::End {} | Op::Repeat {} | Op::Advance {} | Op::WithinEnd {} => {
                    if let Some(place) = open.pop().and_then(|start| blocks.ends.get_mut(start)) {
                        *place = at;
                    }
                }
                _ => {}
            }
        }
        blocks
    }

    /// The op that closes the block which begins here.
    pub(crate) fn end(&self, start: usize) -> usize {
        self.ends.get(start).copied().unwrap_or(start)
    }

    /// Its `else` or `within.else`.
    pub(crate) fn otherwise(&self, start: usize) -> Option<usize> {
        self.elses.get(start).copied().flatten()
    }
}
