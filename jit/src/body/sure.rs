//! Loops whose rounds take the same fuel: what is known of products and indexes before the first round.
//!
//! The item goes up one by one. So its product by what the loop leaves alone lies between those of the first and the last
//! item, as does an index that is either of these: where both ends are in order no round has to look.

use swarm_bytecode::op::{Op, Register};
use wasm_encoder::{BlockType, Instruction, ValType};

use super::{Body, Label, values};

/// A register that goes up or down evenly: the item, or its product by a factor.
#[derive(Clone, Copy)]
struct Steady {
    register: Register,
    factor: Option<Register>,
}

impl Body<'_> {
    /// Looks at both ends of the rounds from the item at hand to the one before `end`, and gives the ops that need no look.
    /// Where an end is not in order, the loop that looks in each round goes on.
    pub(super) fn sure(
        &mut self,
        (p, inside): (usize, &[Op]),
        (item, end): (Register, u32),
        slow: Label,
    ) -> Vec<usize> {
        use Instruction as I;
        let mut steady = vec![Steady { register: item, factor: None }];
        let mut sure = Vec::new();
        let mut last = None;
        for (op, q) in inside.iter().zip(p.saturating_add(1)..) {
            let accessed = match op {
                Op::Item { list, index, .. } => self.known_list(*list).map(|list| (*index, list.length)),
                Op::SetItem { list, index, .. } => self.known_list(*list).map(|list| (*index, list.own)),
                _ => None,
            };
            let accessed = accessed.and_then(|(index, size)| {
                Some((steady.iter().find(|own| own.register == index).copied()?, size))
            });
            steady.retain(|own| !values::writes(op, own.register));
            let (own, size) = match op {
                Op::MulInt { result, left, right } if (*left == item) != (*right == item) => {
                    let factor = if *left == item { *right } else { *left };
                    if inside.iter().any(|op| values::changes(op, factor)) {
                        continue;
                    }
                    let own = Steady { register: *result, factor: Some(factor) };
                    steady.push(own);
                    if self.ranges.get(item).multiplies(self.ranges.get(factor)) {
                        continue;
                    }
                    (own, None)
                }
                _ => {
                    let Some((own, size)) = accessed else { continue };
                    (own, Some(size))
                }
            };
            sure.push(q);
            let last = *last.get_or_insert_with(|| {
                let last = self.local(ValType::I64);
                self.emit([I::LocalGet(end), I::I64Const(1), I::I64Sub, I::LocalSet(last)]);
                last
            });
            let ends = [self.register(item), last];
            match size {
                None => self.look_at_products(ends, own, slow),
                Some(size) => {
                    for end in ends {
                        self.at_end(end, own);
                        self.emit([I::LocalGet(size), I::I64GeU]);
                        self.go_slow(slow);
                    }
                }
            }
        }
        sure
    }

    /// What such a register is at an end.
    fn at_end(&mut self, end: u32, own: Steady) {
        self.emit([Instruction::LocalGet(end)]);
        if let Some(factor) = own.factor {
            self.get(factor);
            self.emit([Instruction::I64Mul]);
        }
    }

    /// Looks whether the products at both ends are numbers of 64 bits.
    fn look_at_products(&mut self, ends: [u32; 2], own: Steady, slow: Label) {
        use Instruction as I;
        let Some(factor) = own.factor else { return };
        let [high, _, _] = self.scratch;
        let fit = self.block(I::Block(BlockType::Empty));
        self.emit(ends.map(I::LocalGet));
        self.emit([I::I64Or]);
        self.get(factor);
        // Two numbers of 31 bits never overflow.
        self.emit([I::I64Or, I::I64Const(31), I::I64ShrU, I::I64Eqz]);
        let out = self.to(fit);
        self.hints.push((self.code.len(), true));
        self.emit([I::BrIf(out)]);
        for end in ends {
            self.emit([I::LocalGet(end)]);
            self.get(factor);
            self.emit([I::I64MulWideS, I::LocalSet(high), I::I64Const(63), I::I64ShrS]);
            self.emit([I::LocalGet(high), I::I64Ne]);
            self.go_slow(slow);
        }
        self.end();
    }

    fn go_slow(&mut self, slow: Label) {
        let out = self.to(slow);
        self.hints.push((self.code.len(), false));
        self.emit([Instruction::BrIf(out)]);
    }

    /// Whether an op needs no look in any round of the loop at hand.
    pub(super) fn is_sure(&self, p: usize) -> bool {
        self.tight.as_ref().is_some_and(|tight| tight.sure.contains(&p))
    }
}
