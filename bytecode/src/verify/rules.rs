//! The verifier's rules: one row each.

use std::fmt;

macro_rules! rules {
    ($( $name:ident $number:literal $title:literal $doc:literal; )*) => {
        /// A rule every loaded module keeps. Numbers are never reused.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Rule { $(
            #[doc = $doc]
            $name,
        )* }

        /// All rules, in order of their numbers.
        pub static RULES: &[Rule] = &[ $( Rule::$name ),* ];

        impl Rule {
            /// The stable number: `V07`.
            pub const fn number(self) -> &'static str {
                match self { $( Rule::$name => $number, )* }
            }

            /// A few words.
            pub const fn title(self) -> &'static str {
                match self { $( Rule::$name => $title, )* }
            }

            /// What it demands.
            pub const fn doc(self) -> &'static str {
                match self { $( Rule::$name => $doc, )* }
            }
        }
    };
}

rules! {
    // The module's tables
    Work "V01" "work" "Checking takes no more steps than the caller allows, by default 16 for each byte and 4096.";
    TypeExists "V02" "type exists" "A type id names a type; a type of the module refers only to built-in types and to those before it, so no type contains itself.";
    OwnTypes "V03" "own types" "The type table holds no built-in type.";
    TypeDepth "V04" "type depth" "Types nest at most 16 deep.";
    NestedOptional "V05" "nested optional" "An optional does not hold an optional.";
    Names "V06" "names" "Names in one table, and of one record's fields or one enum's cases, differ and are not empty.";
    KeyField "V07" "key field" "A record has at most one KEY, which is a string, a bool or integer-carried.";
    Defaults "V08" "defaults" "A default fits its type: 0 or 1 for a bool, a finite float, a case without payload, the empty value only for a list, a map, a record or an optional.";
    Units "V09" "units" "A unit is known and counts what the type holds.";
    ImportResult "V10" "import result" "A query has a result, an action has none.";
    CallCosts "V11" "call costs" "A fixed cost is not negative; a computed one is a pure function of the call's parameters with an integer-carried result.";
    MetricType "V12" "metric type" "A metric's samples are integer-carried or float-carried.";
    Limits "V13" "limits" "Deadline and budgets of the header are not negative, nor are AFTER and BY.";
    Filter "V14" "filter" "The filter of the header's target is a pure function of one record with a bool as its result.";
    Constants "V15" "constants" "No two constants in a table are the same.";
    Entry "V16" "entry" "The entry is a function without parameters.";
    BoundForm "V17" "bound" "A bound's factors are inputs that are lists or maps, ascending; its terms ascend by factors, each with a coefficient other than 0.";
    DebugForm "V18" "debug" "Debug information, where there is any, describes each function once; its registers, ops and files exist and ascend.";
    // Functions as a whole
    Registers "V19" "registers" "A function has at most as many parameters as registers.";
    Blocks "V20" "blocks" "Every block is closed by the op of its kind.";
    Nesting "V21" "nesting" "Blocks nest at most 64 deep.";
    Branches "V22" "branches" "A `break` or `continue` names an enclosing block, a `continue` a loop.";
    Cost "V23" "static cost" "A function's static cost is at most 65535.";
    SettleFree "V24" "settling" "No way from one settling op to the next costs more than 2048.";
    Falling "V25" "end of function" "A function's last op leaves it.";
    // Ops
    Register "V26" "register" "A register operand is one of the function's registers.";
    Class "V27" "class" "A register's type has the class the operand asks for.";
    Index "V28" "index" "An index operand lies in its table.";
    SameType "V29" "same type" "`move` and `copy` keep the type, or go to a list or map type with the same items and no smaller MAX; `veq` compares references of one type, `eq` and `ne` values of one class.";
    Calls "V30" "calls" "A call passes what the function takes and stores what it gives.";
    HostCalls "V31" "host calls" "`host`, `host.try` and `host.retry` call an action, `host.value` a query; each passes what it takes and stores what it gives.";
    Returns "V32" "returns" "`return.value` gives the function's result; `return` stands only where there is none.";
    Bools "V33" "bools" "An integer constant loaded as a bool is 0 or 1.";
    Records "V34" "records" "A record op names a field of the record's type and moves a value of that field's type; a new record gets every field.";
    Lists "V35" "lists" "A list op moves items of the list's element type; a new list has no more than its MAX.";
    Optionals "V36" "optionals" "`some` and `unwrap` move a value of the type the optional holds.";
    Loads "V37" "loads" "`input`, `context`, `state`, `state.take` and `metric` load, and `record` and `state.set` take, the declared type; a gauge is read as an optional, a distribution by `quantile` and `mean` alone.";
    Protected "V38" "protected registers" "A `foreach` body writes neither index nor list, a `foreach.entry` body neither index nor map, a `range` body neither item nor last, and these and what is loaded are different registers.";
    Positive "V39" "divisor" "The divisor of `product` and the factor of `quotient` are greater than 0.";
    // What the whole language added: tables
    Enums "V40" "enums" "An enum has 1 to 256 cases; a case `OTHER` is the last and its payload is `name: string`; fields of a payload have no KEY, unit or default.";
    MapKeys "V41" "map keys" "A map's keys are strings, bools, integer-carried, or of an enum whose cases have no payload.";
    States "V42" "states" "A STATE variable's first value comes from a function without parameters that gives its type and does nothing but compute; it may read inputs and context values.";
    Events "V43" "events" "An event's handler is a function without a result.";
    Timers "V44" "timers" "A timer's period is at least a second, and its function has neither parameters nor a result.";
    Vetoes "V45" "vetoes" "A veto is of an action and has a reason; its condition is a function of the action's parameters that gives a bool and does nothing but compute; it may read inputs, context values, STATE variables and metrics.";
    Conditions "V46" "conditions" "An EXPECT, a STOP WHEN and a rollout's gate are functions without parameters that give a bool and do nothing but compute; they may read metrics and context values.";
    Rollout "V47" "rollout" "A rollout has waves, which rise and lie between 1 and 1000000.";
    Reports "V48" "reports" "A report is of metrics, no two alike, and its interval is greater than 0.";
    // What the whole language added: ops
    Within "V49" "within" "`undoes` is 1 where a `within` closes with `within.else`, and 0 where it closes with `within.end`.";
    Budgets "V50" "budgets" "The budgets of a `within` are a duration, money and tokens, each at most once.";
    Saved "V51" "saved registers" "A `within` that undoes saves each register at most once, one that does not saves none.";
    Held "V52" "held actions" "Inside of a `within` that undoes nothing waits for an action, and no action is ONCE; nor is there in what is called from it.";
    Attempts "V53" "attempts" "`host.retry` makes 1 to 100 attempts, and its backoff is a duration.";
    Cases "V54" "cases" "`case.new` and `payload` name a case of the enum; a new case gets every field of its payload, and `payload` moves a value of the field's type.";
    Maps "V55" "maps" "A map op moves keys and values of the map's types; a new map gets both of each entry, and no more entries than its MAX.";
    Top "V56" "top" "`top` gives a list of the same items, by keys that are numbers or strings; `bottom` is 0 or 1.";
    Quantiles "V57" "quantiles" "`quantile` and `mean` read a DISTRIBUTION as an optional of its type, the mean of ints as an optional float; the share is at most 1000000.";
    Natives "V58" "natives" "`native` passes what the native takes and stores what it gives.";
    Texts "V59" "texts" "The parts of `concat` are strings.";
    Secrets "V60" "secrets" "`text`, `veq` and the natives that compare items are given nothing that is a secret or may hold one.";
}

impl fmt::Display for Rule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} ({})", self.number(), self.title())
    }
}
