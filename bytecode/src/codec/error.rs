//! Why bytes are no module.

use std::borrow::Cow;
use std::fmt;

macro_rules! kinds {
    ($( $name:ident $code:literal $doc:literal; )*) => {
        /// The ways in which bytes fail to be a module.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum DecodeErrorKind { $(
            #[doc = $doc]
            $name,
        )* }

        impl DecodeErrorKind {
            /// All kinds, in order of their codes.
            pub const ALL: &'static [DecodeErrorKind] = &[ $( DecodeErrorKind::$name ),* ];

            /// The stable diagnostic code.
            pub const fn code(self) -> &'static str {
                match self { $( DecodeErrorKind::$name => $code, )* }
            }

            /// One sentence.
            pub const fn title(self) -> &'static str {
                match self { $( DecodeErrorKind::$name => $doc, )* }
            }
        }
    };
}

kinds! {
    NotAModule "E0401" "The bytes do not begin like a module.";
    Version "E0402" "The module was made for another version of the format, cost model or dictionary.";
    Length "E0403" "The module is cut short, or bytes follow it.";
    NotCanonical "E0404" "The module says something in another than the one form it may have.";
    Malformed "E0405" "The module holds a value that means nothing.";
    TooLarge "E0406" "The module holds more of something than it may.";
}

/// Why bytes are no module, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecodeError {
    /// In which way.
    pub kind: DecodeErrorKind,
    /// The byte at which it was noticed.
    pub offset: usize,
    /// What was expected or found there.
    pub text: Cow<'static, str>,
}

impl DecodeError {
    /// The stable diagnostic code.
    pub fn code(&self) -> &'static str {
        self.kind.code()
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "byte {}: {}", self.offset, self.text)
    }
}

impl std::error::Error for DecodeError {}
