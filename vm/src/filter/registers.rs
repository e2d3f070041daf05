//! Which registers ops read and write.

use swarm_bytecode::op::{Flow, Op, Operand, OperandKind, Register};

/// How often each register is read where the ops right before, up to the last one that begins or ends a block, have not
/// written it: where ops are passed over, its value is needed.
#[derive(Debug, Clone)]
pub(crate) struct Outliving([u32; 256]);

impl Outliving {
    /// Of ops that begin behind one that begins or ends a block.
    pub(super) fn of(code: &[Op]) -> Outliving {
        let mut outliving = Outliving([0; 256]);
        let mut written = Written::default();
        for op in code {
            let goes_on = written.go_on(op, |register| {
                outliving.0.iter_mut().skip(register).take(1).for_each(|own| *own = own.saturating_add(1));
            });
            if !goes_on {
                written = Written::default();
            }
        }
        outliving
    }

    pub(super) fn any(&self, register: u8) -> bool {
        self.0.get(usize::from(register)).is_none_or(|own| *own > 0)
    }

    /// Leaves out how often some of the ops read registers so.
    pub(super) fn take_all(&mut self, some: &Outliving) {
        self.0.iter_mut().zip(some.0).for_each(|(all, some)| *all = all.saturating_sub(some));
    }

    /// Leaves out that a register is read so once.
    pub(super) fn take_one(&mut self, register: u8) {
        let register = usize::from(register);
        self.0.iter_mut().skip(register).take(1).for_each(|all| *all = all.saturating_sub(1));
    }

    /// Leaves out how often some of the ops read a register so.
    pub(super) fn take(&mut self, register: u8, some: &Outliving) {
        let register = usize::from(register);
        if let (Some(all), Some(some)) = (self.0.get_mut(register), some.0.get(register)) {
            *all = all.saturating_sub(*some);
        }
    }
}

/// How many of these ops write a register.
pub(super) fn writers(code: &[Op], register: u8) -> usize {
    let mut count = 0_usize;
    for op in code {
        registers(op, |own, written| count = count.saturating_add(usize::from(written && own.0 == register)));
    }
    count
}

/// The registers that ops write before they read them, up to the first op that begins or ends a block.
pub(super) fn first_written(code: &[Op]) -> Vec<u8> {
    let (mut written, mut read) = (Written::default(), [false; 256]);
    for op in code {
        let goes_on = written.go_on(op, |register| {
            read.iter_mut().skip(register).take(1).for_each(|own| *own = true);
        });
        if !goes_on {
            break;
        }
    }
    let written = written.0.into_iter().zip(read).zip(0..=u8::MAX);
    written.filter(|((written, read), _)| *written && !read).map(|(_, register)| register).collect()
}

/// The registers that the ops so far have written.
pub(super) struct Written(pub(super) [bool; 256]);

impl Default for Written {
    fn default() -> Self {
        Written([false; 256])
    }
}

impl Written {
    /// Calls `read` with each register that an op reads and the ops before have not written, then adds what
    /// it writes. Tells whether the ops go on, or it begins or ends a block.
    pub(super) fn go_on(&mut self, op: &Op, mut read: impl FnMut(usize)) -> bool {
        let mut result = None;
        registers(op, |Register(register), writes| {
            let register = usize::from(register);
            if writes {
                result = Some(register);
            } else if self.0.get(register) == Some(&false) {
                read(register);
            }
        });
        if let Some(written) = result.and_then(|register| self.0.get_mut(register)) {
            *written = true;
        }
        matches!(op.info().flow, Flow::Next | Flow::Call)
    }
}

/// Calls `visit` with each register of an op, and whether it is written.
pub(super) fn registers(op: &Op, mut visit: impl FnMut(Register, bool)) {
    op.visit_operands(|_, kind, operand| match operand {
        Operand::Register(register) => visit(register, matches!(kind, OperandKind::Destination(_))),
        Operand::Registers(all) => all.iter().for_each(|register| visit(*register, false)),
        Operand::Integer(_) | Operand::Index(_) => {}
    });
}
