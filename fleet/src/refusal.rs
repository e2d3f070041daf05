//! Why something is not accepted: a stable code, what is wrong, and how to mend it.

use std::fmt;

/// How far a [`Mode`](crate::verify::Mode) can look away from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// Never accepted, in no mode: the bytes lie, cannot run safely, or were forbidden by name.
    Always,
    /// It is not new, not for here or not for now: accepted in audit mode only.
    Circumstance,
    /// Whoever sent it may not: accepted in permissive and audit mode.
    Authority,
}

/// The table of causes: name, code, [`Severity`], title, and how it is mended. Everything about them is made
/// from it.
#[macro_export]
macro_rules! for_each_cause {
    ($then:ident) => {
        $then! {
            NoEnvelope E0601 Always "bytes that are no envelope"
                "send what `swarmc sign` wrote, unchanged";
            OtherPayload E0602 Always "envelope that holds something else"
                "an order and a trust file are signed as different types; give each where it belongs";
            Unsigned E0603 Authority "envelope without a signature"
                "sign it: `swarmc sign`, or `swarmc trust sign` for a trust file";
            UnknownKey E0604 Authority "signature by an unknown key"
                "have the key added to the trust file, or sign with a key that is in it";
            WrongSignature E0605 Always "signature that is wrong"
                "the bytes changed after they were signed: take them from their source again";
            KeyNotYet E0606 Authority "key that is not valid yet"
                "wait until its window begins, or sign with a key that is valid now";
            KeyExpired E0607 Authority "key that has run out"
                "make a new key, have it added to the trust file, and sign again";
            KeyRevoked E0608 Always "key that was revoked"
                "sign with another key; a revoked key never comes back";
            OutOfScope E0609 Authority "key that may not sign this name"
                "have an owner of this name sign, or have the key's names widened in the trust file";
            NoThreshold E0610 Authority "name without a rule"
                "have a threshold for the name added: `swarmc trust add --threshold PREFIX=N`";
            TooFewOwners E0611 Authority "too few owners have signed"
                "have another owner sign the same bytes: `swarmc sign OUT.order --key …`, or the plan in its place";
            NoOrder E0612 Always "payload that is no order"
                "sign with a `swarmc` of the same version as the agents";
            OtherFleet E0613 Circumstance "order for another fleet"
                "sign it for this fleet: `--fleet`";
            NotATarget E0614 Circumstance "order that is not for this agent"
                "nothing to mend here; name the agent among the targets if it was meant";
            NotYet E0615 Circumstance "order that is not valid yet"
                "wait until it begins, or look at the agent's clock";
            Expired E0616 Circumstance "order that has run out"
                "sign it again with a higher revision, or look at the agent's clock";
            OldRevision E0617 Circumstance "revision that is not above the last"
                "sign it with a higher revision";
            Repeated E0618 Circumstance "order that was accepted before"
                "nothing to mend: the agent has it";
            Equivocation E0619 Always "two orders under one revision"
                "keep both orders as evidence, find out who signed twice, and sign anew with a higher revision";
            ProgramRevoked E0620 Always "program that was revoked"
                "send a program that is not on the list of revocations";
            BelowFloor E0621 Authority "version below the floor"
                "send a version at or above the floor the trust file states for this name";
            VersionFell E0622 Circumstance "version that falls without a rollback"
                "raise the program's version, or sign a rollback that names what it replaces: `--replaces`";
            OtherRollback E0623 Circumstance "rollback of something that does not run"
                "name the digest that runs now: `--replaces`";
            NoModule E0624 Always "order without its module"
                "fetch the module by its digest, or sign the order with the module inside";
            OtherModule E0625 Always "module that is not the one ordered"
                "fetch the module again; the order stays good";
            ModuleRefused E0626 Always "module that is refused"
                "compile it again with a `swarmc` of the same version as the agents";
            OtherProgram E0627 Always "module with another name than its order"
                "let `swarmc sign` read name and version from the module";
            AboveCeiling E0628 Authority "capability above the signers' ceiling"
                "have owners sign whose ceiling has it, or have the ceiling raised in the trust file";
            NotGranted E0629 Always "capability the agent does not grant"
                "grant it to the agent, or send a program that does without it";
            NoPlan E0630 Always "payload that is no plan"
                "send it from a `swarmc` of the same version as the agents";
            NotDelegated E0631 Always "step the plan does not delegate"
                "have the publishers sign what the injector may not do of itself";
            TooFewAgents E0632 Always "fewer agents than the order is for"
                "write `TARGET UP TO n AGENTS`, widen its WHERE, or register more agents";
            Halted E0633 Always "agent that is halted"
                "have the owners sign a resume";
            Quarantined E0634 Always "program that failed to start too often"
                "mend the program, give it a higher version, and send that";

            NoTrustFile E0640 Always "payload that is no trust file"
                "make trust files with `swarmc trust`";
            TrustContradicts E0641 Always "trust file that contradicts itself"
                "mend what the message names with `swarmc trust add`, then sign again";
            TooFewRoots E0642 Always "too few root owners have signed"
                "have another root owner sign: `swarmc trust sign`";
            TooFewOldRoots E0643 Always "too few of the former root owners have signed"
                "a new list of roots needs signatures of the former threshold too; give the files in between, in order";
            TrustOlder E0644 Always "trust file that is older than the one held"
                "fetch the newest trust file";
            TrustEquivocation E0645 Always "two trust files under one version"
                "keep both as evidence, and have the roots sign one with a higher version";
            TrustExpired E0646 Authority "trust file that has run out"
                "fetch the newest trust file, or have the roots renew it: `swarmc trust add`, then `swarmc trust sign`";
            TrustOtherFleet E0647 Always "trust file of another fleet"
                "install the trust file of this fleet";
            TrustNotYet E0648 Authority "trust file from the future"
                "look at the clock of the agent and of whoever made the file";

            NoKey E0650 Always "text that is no key"
                "make keys with `swarmc keygen`";
            WeakKey E0651 Always "key that proves nothing"
                "make a new key with `swarmc keygen`";
            SignedTwice E0652 Always "key that has signed already"
                "have another owner sign";
            NoState E0653 Always "bytes that are no high-water mark"
                "restore the agent's state; without it the agent must be admitted anew";

            NoTrace E0660 Always "bytes that are no trace"
                "fetch the trace again from where the agent keeps it";
            TraceAltered E0661 Always "trace that was changed"
                "take nothing from this trace behind the entry; fetch the chunk again from the agent's disk";
            TraceMissing E0662 Always "trace with a gap"
                "fetch the missing part from the agent's disk; figures without it are too small";
            TraceOrder E0663 Always "trace out of order"
                "fetch the trace again; what came first has to stand first";
            TraceCut E0664 Always "trace that was cut off"
                "fetch its end from the agent's disk; for a trace that is still being written say `--open`";
            TraceForged E0665 Always "chunk its agent did not sign"
                "trust nothing it says; ask the agent for its own, and look for who wrote this";

            NoReport E0670 Always "bytes that are no report"
                "send what `swarmc report --format json` wrote, unchanged";
            PartAboveWhole E0671 Always "part that is larger than its whole"
                "count the part and the whole from the same traces";
            RateOff E0672 Always "rate that does not follow from its counts"
                "divide the numerator by the denominator that stand beside it";
            CounterFell E0673 Always "counter that fell"
                "a sum over what happened only rises; look for a window that was left out";
            TwoBaselines E0674 Always "figures held against two baselines"
                "choose one baseline for the whole report";
            SumOff E0675 Always "items that do not add up"
                "count again: the items are the whole, nothing twice and nothing left out";
            WrongBase E0676 Always "percentage of another base than it says"
                "divide by the base that is named";
            NotInTraces E0677 Always "figure the traces do not give"
                "make the report anew with `swarmc report`; what stands in no trace did not happen";
        }
    };
}

macro_rules! causes {
    ($( $name:ident $code:ident $severity:ident $title:literal $help:literal; )*) => {
        /// The causes of a refusal. Codes are never reused and never renumbered.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Cause { $(
            #[doc = $title]
            $name,
        )* }

        impl Cause {
            /// All causes, in order of their codes.
            pub const ALL: &'static [Cause] = &[ $( Cause::$name ),* ];

            /// The stable code.
            pub const fn code(self) -> &'static str {
                match self { $( Cause::$name => stringify!($code), )* }
            }

            /// What it is, in a few words.
            pub const fn title(self) -> &'static str {
                match self { $( Cause::$name => $title, )* }
            }

            /// How it is mended.
            pub const fn help(self) -> &'static str {
                match self { $( Cause::$name => $help, )* }
            }

            /// How far a mode can look away from it.
            pub const fn severity(self) -> Severity {
                match self { $( Cause::$name => Severity::$severity, )* }
            }
        }
    };
}

for_each_cause!(causes);

/// Why something is not accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The cause.
    pub cause: Cause,
    /// What is wrong, one sentence without a full stop.
    pub message: String,
}

impl Refusal {
    /// A refusal with its message.
    pub fn new(cause: Cause, message: impl Into<String>) -> Refusal {
        Refusal { cause, message: message.into() }
    }

    /// The stable code.
    pub fn code(&self) -> &'static str {
        self.cause.code()
    }

    /// How it is mended.
    pub fn help(&self) -> &'static str {
        self.cause.help()
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for Refusal {}
