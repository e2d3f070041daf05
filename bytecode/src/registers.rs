//! Lists of registers, as ops have them: short ones in place, so that an op of a few arguments is one piece
//! of memory.

use std::fmt;
use std::ops::Deref;

use crate::op::Register;

/// Lists up to so long lie in the op itself.
const FEW: usize = 7;

/// The registers that an op reads as a list. Looked at it is a slice.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Registers(List);

/// A list has one form, so that equal lists are equal in memory.
#[derive(Clone, PartialEq, Eq, Hash)]
enum List {
    /// The first `count` of them; the others are register 0.
    Few { count: u8, registers: [Register; FEW] },
    /// More than [`FEW`].
    Many(Box<[Register]>),
}

// Beside a list of 16 bytes an op has room for all else it needs.
const _: () = assert!(size_of::<Registers>() == 16);

impl Registers {
    /// The registers in order.
    pub fn as_slice(&self) -> &[Register] {
        match &self.0 {
            List::Few { count, registers } => registers.get(..usize::from(*count)).unwrap_or(registers),
            List::Many(registers) => registers,
        }
    }

    /// Bytes that a list of so many registers takes beside the op it belongs to.
    pub(crate) const fn bytes_beside(count: usize) -> usize {
        if count > FEW { count } else { 0 }
    }

    /// A list by the numbers of its registers.
    pub(crate) fn read(numbers: &[u8]) -> Registers {
        let mut registers = [Register(0); FEW];
        match (u8::try_from(numbers.len()), registers.get_mut(..numbers.len())) {
            (Ok(count), Some(few)) => {
                few.iter_mut().zip(numbers).for_each(|(register, number)| *register = Register(*number));
                Registers(List::Few { count, registers })
            }
            _ => Registers(List::Many(numbers.iter().copied().map(Register).collect())),
        }
    }
}

impl Default for Registers {
    fn default() -> Registers {
        Registers::from([])
    }
}

impl From<&[Register]> for Registers {
    fn from(list: &[Register]) -> Registers {
        let mut registers = [Register(0); FEW];
        match (u8::try_from(list.len()), registers.get_mut(..list.len())) {
            (Ok(count), Some(few)) => {
                few.copy_from_slice(list);
                Registers(List::Few { count, registers })
            }
            _ => Registers(List::Many(list.into())),
        }
    }
}

impl<const COUNT: usize> From<[Register; COUNT]> for Registers {
    fn from(list: [Register; COUNT]) -> Registers {
        Registers::from(list.as_slice())
    }
}

impl From<Vec<Register>> for Registers {
    fn from(list: Vec<Register>) -> Registers {
        if list.len() > FEW { Registers(List::Many(list.into())) } else { Registers::from(list.as_slice()) }
    }
}

impl FromIterator<Register> for Registers {
    fn from_iter<I: IntoIterator<Item = Register>>(registers: I) -> Registers {
        registers.into_iter().collect::<Vec<_>>().into()
    }
}

impl Deref for Registers {
    type Target = [Register];

    fn deref(&self) -> &[Register] {
        self.as_slice()
    }
}

impl<'a> IntoIterator for &'a Registers {
    type Item = &'a Register;
    type IntoIter = std::slice::Iter<'a, Register>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Debug for Registers {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_list().entries(self.iter()).finish()
    }
}
