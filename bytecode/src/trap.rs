//! Why a run ends before its program does: traps are the program's own errors, limits are the embedder's.

use std::fmt;

macro_rules! codes {
    ($(#[$doc:meta])* $enum:ident, $table:ident { $( $name:ident $code:literal $text:literal; )* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $enum { $(
            #[doc = $text]
            $name,
        )* }

        /// Every value, in order.
        pub static $table: &[$enum] = &[ $( $enum::$name ),* ];

        impl $enum {
            /// The stable name: what JSON output, traces and scripts hold on to.
            pub const fn code(self) -> &'static str {
                match self { $( $enum::$name => $code, )* }
            }

            /// One sentence for people.
            pub const fn text(self) -> &'static str {
                match self { $( $enum::$name => $text, )* }
            }
        }

        impl fmt::Display for $enum {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(self.code())
            }
        }
    };
}

codes! {
    /// An error the program ran into: the op at fault was paid for and did nothing.
    TrapCode, TRAP_CODES {
        Overflow "overflow" "A result does not fit 64 bits.";
        DivisionByZero "division_by_zero" "Something was divided by zero.";
        NotFinite "not_finite" "A float result is infinite or not a number.";
        IndexOutOfRange "index_out_of_range" "A list has no item at this index.";
        NoneUnwrapped "none_unwrapped" "An optional was used that holds NONE.";
        WrongCase "wrong_case" "The payload of another case than the value's was read.";
        ShiftOutOfRange "shift_out_of_range" "Bits were shifted by less than 0 or more than 63 places.";
        TooLong "too_long" "A string, list or map would be longer than its type admits.";
        NegativeCost "negative_cost" "The declared cost of a call came out below zero.";
        HostFailed "host_failed" "The host could not answer a query whose result is not optional.";
        HostAnswer "host_answer" "The host's answer does not have the declared type.";
        HostPrice "host_price" "The host charged more than the declared cost of the call.";
    }
}

codes! {
    /// A limit the embedder set; every one is finite by default.
    LimitKind, LIMIT_KINDS {
        Fuel "fuel" "The run used all its fuel.";
        Memory "memory" "The run needs more memory than it may hold.";
        CallDepth "call_depth" "Functions call each other too deeply.";
        HostCalls "host_calls" "The run made as many host calls as it may.";
        Deadline "deadline" "The time given to the run is over.";
        Money "money" "The next call costs more money than is left.";
        Tokens "tokens" "The next call costs more tokens than are left.";
    }
}
