//! The table of natives: library functions that are not written in Swarm. Name, signature, charge and meaning of
//! each stand here once; the checker, the verifier, the interpreter and the manual read them here.
//!
//! To add one: a row below with a number of its own, its arm in `vm/src/native/`, and its examples, which are
//! tests. The compiler refuses a build in which the arm is forgotten: the match there is exhaustive.

mod pattern;

pub use pattern::{Bindings, Pattern, Shape};

/// The number of a native: that of a row of [`NATIVES`], not its place. Never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NativeId(pub u16);

impl NativeId {
    /// The native with this number, if there is one.
    pub fn function(self) -> Option<NativeFunction> {
        NativeFunction::of(self)
    }
}

/// How the work of a native grows with what it is given. It pays for that, and one for each word of the
/// objects it makes, beyond the static cost of its op; the formula is [`crate::cost::native`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Charge {
    /// Not at all, but for the objects it makes.
    Fixed,
    /// With the texts among its arguments and its result: one for each [`crate::cost::TEXT_STEP`] bytes.
    Text,
    /// As [`Charge::Text`], but one for each [`crate::cost::SEARCH_STEP`] bytes: it looks for something in them.
    Search,
    /// As [`Charge::Text`], but one for each byte: it decides anew at each of them.
    Letters,
    /// As [`Charge::Text`], and one for each item of its lists.
    Items,
    /// With its first argument: two for each slot of it and of all that it holds, however deep, and as
    /// [`Charge::Text`] for the texts among them.
    Values,
    /// As [`Charge::Values`], but one for each slot, times ⌈log₂ items⌉ of its first argument, of which only
    /// the keys count if it is a map.
    Sort,
}

impl Charge {
    /// Bytes of text worth one unit of fuel.
    pub const fn text_step(self) -> u64 {
        match self {
            Charge::Letters => 1,
            Charge::Search => crate::cost::SEARCH_STEP,
            _ => crate::cost::TEXT_STEP,
        }
    }
}

/// One row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Native {
    /// Its number.
    pub id: NativeId,
    /// What it is, for a match.
    pub function: NativeFunction,
    /// Its name in the language; several rows may share one, told apart by what they take.
    pub name: &'static str,
    /// Parameters: name and pattern.
    pub parameters: &'static [(&'static str, Pattern)],
    /// Result.
    pub result: Pattern,
    /// Dynamic charge.
    pub charge: Charge,
    /// One sentence, or a few; traps are named.
    pub doc: &'static str,
    /// Expressions, and what each gives, as JSON. Each is a test.
    pub examples: &'static [(&'static str, &'static str)],
}

impl Native {
    /// All rows of this name, in order.
    pub fn named(name: &str) -> impl Iterator<Item = &'static Native> {
        NATIVES.iter().filter(move |native| native.name == name)
    }
}

/// The table of natives. Calls the macro named by `$with` with all rows; each row reads
///
/// ```text
/// NUMBER Variant "name" (parameter: Pattern, …) -> Pattern Charge "what it gives" ["example" => "as JSON", …];
/// ```
#[macro_export]
macro_rules! for_each_native {
    ($with:ident) => { $with! {
        // Numbers
        0x01 Absolute "abs" (value: Quantity) -> Quantity Fixed
            "The value without its sign. Traps: overflow."
            ["abs(-5)" => "5", "abs(2.5)" => "2.5", "abs(1s - 3s)" => "\"2s\""];
        0x02 Minimum "min" (left: Number, right: Number) -> Number Fixed
            "The lesser of two values."
            ["min(3, 2)" => "2", "min(1GB, 900MB)" => "\"900MB\""];
        0x03 Maximum "max" (left: Number, right: Number) -> Number Fixed
            "The greater of two values."
            ["max(3, 2)" => "3", "max(0.5, 1.5)" => "1.5"];
        0x04 Clamp "clamp" (value: Number, low: Number, high: Number) -> Number Fixed
            "The value, but not above `high`, and not below `low` even if that is above `high`."
            ["clamp(15, 0, 10)" => "10", "clamp(-1, 0, 10)" => "0", "clamp(5s, 1s, 1min)" => "\"5s\""];
        0x05 Round "round" (value: Float) -> Int Fixed
            "The nearest whole number; of two, the even one. Traps: overflow."
            ["round(2.6)" => "3", "round(2.5)" => "2", "round(-3.5)" => "-4"];
        0x06 Floor "floor" (value: Float) -> Int Fixed
            "The greatest whole number not above the value. Traps: overflow."
            ["floor(2.9)" => "2", "floor(-2.1)" => "-3"];
        0x07 Ceiling "ceil" (value: Float) -> Int Fixed
            "The least whole number not below the value. Traps: overflow."
            ["ceil(2.1)" => "3", "ceil(-2.9)" => "-2"];
        0x08 ToFloat "to_float" (value: Int) -> Float Fixed
            "The nearest float."
            ["to_float(3)" => "3.0"];
        0x09 SquareRoot "sqrt" (value: Float) -> Float Fixed
            "The square root, correctly rounded. Traps: not finite, for a value below zero."
            ["sqrt(6.25)" => "2.5"];
        0x0a Near "near" (left: Float, right: Float, tolerance: Percent) -> Bool Fixed
            "Whether two floats differ by at most this share of the one that is greater without its sign."
            ["near(100.0, 100.05, 0.1%)" => "true", "near(100.0, 101.0, 0.1%)" => "false"];
        0x0b Ratio "ratio" (part: Quantity, whole: Quantity) -> OptionalFloat Fixed
            "part ÷ whole as a float; NONE where `whole` is zero. Traps: not finite."
            ["ratio(3, 4)" => "0.75", "ratio(30s, 1min)" => "0.5", "ratio(1, 0)" => "null"];
        0x0c PercentOf "percent_of" (part: Quantity, whole: Quantity) -> Percent Fixed
            "part ÷ whole as a percent, rounded half to even to a millionth. Traps: division by zero, overflow."
            ["percent_of(1, 4)" => "\"25%\"", "percent_of($2, $3)" => "\"66.6667%\""];
        // Bits: an int as 64 bits in two's complement
        0x10 BitAnd "bit_and" (left: Int, right: Int) -> Int Fixed
            "The bits set in both."
            ["bit_and(12, 10)" => "8"];
        0x11 BitOr "bit_or" (left: Int, right: Int) -> Int Fixed
            "The bits set in either."
            ["bit_or(12, 10)" => "14"];
        0x12 BitXor "xor" (left: Int, right: Int) -> Int Fixed
            "The bits set in one of the two."
            ["xor(12, 10)" => "6"];
        0x13 BitNot "bit_not" (value: Int) -> Int Fixed
            "The bits that are not set."
            ["bit_not(0)" => "-1"];
        0x14 ShiftLeft "shift_left" (value: Int, count: Int) -> Int Fixed
            "The bits moved up; those moved out are lost. Traps: shift out of range."
            ["shift_left(1, 10)" => "1024", "shift_left(3, 63)" => "-9223372036854775808"];
        0x15 ShiftRight "shift_right" (value: Int, count: Int) -> Int Fixed
            "The bits moved down; the sign stays. Traps: shift out of range."
            ["shift_right(1024, 3)" => "128", "shift_right(-8, 1)" => "-4"];
        // Texts; positions and lengths count characters (Unicode scalar values)
        0x20 TextLength "len" (text: String) -> Int Text
            "How many characters."
            ["len(\"Zürich\")" => "6", "len(\"\")" => "0"];
        0x21 Lower "lower" (text: String) -> String Letters
            "Each character by its Unicode lower case. Traps: too long."
            ["lower(\"EU-West\")" => "\"eu-west\""];
        0x22 Upper "upper" (text: String) -> String Letters
            "Each character by its Unicode upper case. Traps: too long."
            ["upper(\"eu-west\")" => "\"EU-WEST\""];
        0x23 Trim "trim" (text: String) -> String Text
            "Without the white space at both ends."
            ["trim(\"  a b \")" => "\"a b\""];
        0x24 StartsWith "starts_with" (text: String, part: String) -> Bool Text
            "Whether the text begins with the part."
            ["starts_with(\"eu-west\", \"eu\")" => "true", "starts_with(\"eu\", \"\")" => "true"];
        0x25 EndsWith "ends_with" (text: String, part: String) -> Bool Text
            "Whether the text ends with the part."
            ["ends_with(\"eu-west\", \"west\")" => "true", "ends_with(\"eu-west\", \"eu\")" => "false"];
        0x26 TextContains "contains" (text: String, part: String) -> Bool Search
            "Whether the part stands somewhere in the text."
            ["\"eu-west\" CONTAINS \"-\"" => "true", "\"eu-west\" CONTAINS \"us\"" => "false"];
        0x27 Replace "replace" (text: String, part: String, by: String) -> String Letters
            "The text with each occurrence of the part replaced, from the left; as it is where the part is empty. Traps: too long."
            ["replace(\"a-b-c\", \"-\", \"+\")" => "\"a+b+c\"", "replace(\"aaa\", \"aa\", \"b\")" => "\"ba\""];
        0x28 Split "split" (text: String, separator: String) -> ListString Search
            "What stands between the separators; the whole text where the separator is empty. Traps: too long."
            ["split(\"a,b,,c\", \",\")" => "[\"a\", \"b\", \"\", \"c\"]", "split(\"\", \",\")" => "[\"\"]"];
        0x29 Words "words" (text: String) -> ListString Text
            "What stands between white space. Traps: too long."
            ["words(\" two  words \")" => "[\"two\", \"words\"]", "words(\" \")" => "[]"];
        0x2a Join "join" (items: ListString, separator: String) -> String Items
            "The texts, one behind the other, with the separator between them. Traps: too long."
            ["join([\"a\", \"b\", \"c\"], \", \")" => "\"a, b, c\""];
        0x2b TextLeft "left" (text: String, count: Int) -> String Text
            "The first `count` characters; all, where there are fewer; none, where `count` is below 1."
            ["left(\"Zürich\", 2)" => "\"Zü\"", "left(\"ab\", 5)" => "\"ab\""];
        0x2c TextRight "right" (text: String, count: Int) -> String Text
            "The last `count` characters; all, where there are fewer; none, where `count` is below 1."
            ["right(\"Zürich\", 3)" => "\"ich\"", "right(\"ab\", -1)" => "\"\""];
        0x2d TextIndexOf "index_of" (text: String, part: String) -> OptionalInt Search
            "Where the part first stands in the text, counted from 0; NONE where it does not."
            ["index_of(\"Zürich\", \"r\")" => "2", "index_of(\"Zürich\", \"x\")" => "null"];
        0x2e ParseInt "parse_int" (text: String) -> OptionalInt Search
            "The whole number a text says: a sign or none, and digits. NONE where it says anything else."
            ["parse_int(\"-42\")" => "-42", "parse_int(\"4 2\")" => "null", "parse_int(\"4.2\")" => "null"];
        0x2f ParseFloat "parse_float" (text: String) -> OptionalFloat Search
            "The nearest float to the number a text says: a sign or none, digits, a point and digits or none, an exponent (`e-3`) or none. Digits behind the nineteenth that counts are as zeros. NONE where it says anything else."
            ["parse_float(\"2.5\")" => "2.5", "parse_float(\"1e3\")" => "1000.0", "parse_float(\"x\")" => "null"];
        0x30 Repeat "repeat" (text: String, count: Int) -> String Text
            "The text `count` times, one behind the other; none, where `count` is below 1. Traps: too long."
            ["repeat(\"ab\", 3)" => "\"ababab\"", "repeat(\"ab\", 0)" => "\"\""];
        // Lists; positions count from 0
        0x40 Get "get" (list: ListAny, index: Int) -> OptionalAny Fixed
            "The item at an index; NONE where there is none."
            ["get([5, 6], 1)" => "6", "get([5, 6], 2)" => "null", "get([5, 6], -1)" => "null"];
        0x41 First "first" (list: ListAny) -> OptionalAny Fixed
            "The first item; NONE where there is none."
            ["first([5, 6])" => "5"];
        0x42 Last "last" (list: ListAny) -> OptionalAny Fixed
            "The last item; NONE where there is none."
            ["last([5, 6])" => "6"];
        0x43 Reverse "reverse" (list: ListAny) -> ListAny Fixed
            "The items from the last to the first."
            ["reverse([1, 2, 3])" => "[3, 2, 1]"];
        0x44 Sort "sort" (list: ListOrdered) -> ListOrdered Sort
            "The items from the least to the greatest; equal ones stay in order."
            ["sort([3, 1, 2])" => "[1, 2, 3]", "sort([\"b\", \"a\"])" => "[\"a\", \"b\"]"];
        0x45 Slice "slice" (list: ListAny, from: Int, count: Int) -> ListAny Fixed
            "`count` items from index `from` on, as far as there are any; places before the first count, but hold none."
            ["slice([1, 2, 3, 4], 1, 2)" => "[2, 3]", "slice([1, 2], 1, 9)" => "[2]", "slice([1, 2], -1, 2)" => "[1]"];
        0x46 Append "append" (left: ListAny, right: ListAny) -> ListAny Fixed
            "The items of one list, then those of the other. Traps: too long."
            ["append([1], [2, 3])" => "[1, 2, 3]"];
        0x47 ListContains "contains" (list: ListAny, item: Any) -> Bool Values
            "Whether an item equals this one."
            ["[1, 2] CONTAINS 2" => "true", "[\"eu\"] CONTAINS \"us\"" => "false"];
        0x48 ListIndexOf "index_of" (list: ListAny, item: Any) -> OptionalInt Values
            "Where the first item stands that equals this one, counted from 0; NONE where none does."
            ["index_of([\"a\", \"b\", \"b\"], \"b\")" => "1", "index_of([1], 2)" => "null"];
        0x49 Unique "unique" (list: ListAny) -> ListAny Sort
            "The items without those that equal one before them."
            ["unique([3, 1, 3, 2, 1])" => "[3, 1, 2]"];
        // Maps
        0x50 Keys "keys" (map: Map) -> ListKey Sort
            "The keys, from the least to the greatest."
            ["keys([\"b\": 2, \"a\": 1])" => "[\"a\", \"b\"]"];
        0x51 Values "values" (map: Map) -> ListValue Sort
            "The values, in the order of their keys."
            ["values([\"b\": 2, \"a\": 1])" => "[1, 2]"];
        0x52 Has "has" (map: Map, key: Key) -> Bool Text
            "Whether there is an entry under the key."
            ["has([\"a\": 1], \"a\")" => "true", "has([\"a\": 1], \"b\")" => "false"];
        0x53 Without "without" (map: Map, key: Key) -> Map Text
            "The map without the entry under the key, if there is one. Traps: too long."
            ["without([\"a\": 1, \"b\": 2], \"a\")" => "{\"b\": 2}", "without([\"a\": 1], \"b\")" => "{\"a\": 1}"];
        // Time in UTC, and durations
        0x60 Year "year" (time: Time) -> Int Fixed
            "The year."
            ["year(time(\"2026-11-20T08:30:15Z\"))" => "2026"];
        0x61 Month "month" (time: Time) -> Int Fixed
            "The month, 1 to 12."
            ["month(time(\"2026-11-20T08:30:15Z\"))" => "11"];
        0x62 Day "day" (time: Time) -> Int Fixed
            "The day of the month, from 1."
            ["day(time(\"2026-11-20T08:30:15Z\"))" => "20"];
        0x63 Hour "hour" (time: Time) -> Int Fixed
            "The hour, 0 to 23."
            ["hour(time(\"2026-11-20T08:30:15Z\"))" => "8"];
        0x64 Minute "minute" (time: Time) -> Int Fixed
            "The minute, 0 to 59."
            ["minute(time(\"2026-11-20T08:30:15Z\"))" => "30"];
        0x65 Second "second" (time: Time) -> Int Fixed
            "The whole second, 0 to 59."
            ["second(time(\"2026-11-20T08:30:15.9Z\"))" => "15"];
        0x66 Weekday "weekday" (time: Time) -> Int Fixed
            "The day of the week: 1 is Monday, 7 is Sunday."
            ["weekday(time(\"2026-11-20T08:30:15Z\"))" => "5"];
        0x68 Seconds "seconds" (duration: Duration) -> Float Fixed
            "The duration in seconds."
            ["seconds(1500ms)" => "1.5", "seconds(2min)" => "120.0"];
    } };
}

macro_rules! define_natives {
    ($( $id:literal $function:ident $name:literal ( $( $parameter:ident : $pattern:ident ),* ) -> $result:ident
        $charge:ident $doc:literal [ $( $example:literal => $gives:literal ),* ] ; )*) => {
        /// A native. See the table in [`for_each_native!`](crate::for_each_native).
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum NativeFunction { $(
            #[doc = concat!("`", $name, "`: ", $doc)]
            $function,
        )* }

        /// All rows, in order of their numbers.
        pub static NATIVES: &[Native] = &[ $( Native {
            id: NativeId($id),
            function: NativeFunction::$function,
            name: $name,
            parameters: &[ $( (stringify!($parameter), Pattern::$pattern) ),* ],
            result: Pattern::$result,
            charge: Charge::$charge,
            doc: $doc,
            examples: &[ $( ($example, $gives) ),* ],
        } ),* ];

        impl NativeFunction {
            /// The native with this number; `None` for a number that none has.
            pub const fn of(id: NativeId) -> Option<NativeFunction> {
                match id.0 {
                    $( $id => Some(NativeFunction::$function), )*
                    _ => None,
                }
            }

            /// Its number.
            pub const fn id(self) -> NativeId {
                match self { $( NativeFunction::$function => NativeId($id), )* }
            }

            /// Whether it tells values of any type apart: what holds a secret is not for it.
            pub const fn compares(self) -> bool {
                matches!(self, Self::ListContains | Self::ListIndexOf | Self::Unique)
            }

            /// Its row.
            pub fn info(self) -> &'static Native {
                match self { $( NativeFunction::$function => {
                    const INFO: &Native = &Native {
                        id: NativeId($id),
                        function: NativeFunction::$function,
                        name: $name,
                        parameters: &[ $( (stringify!($parameter), Pattern::$pattern) ),* ],
                        result: Pattern::$result,
                        charge: Charge::$charge,
                        doc: $doc,
                        examples: &[ $( ($example, $gives) ),* ],
                    };
                    INFO
                } )* }
            }
        }
    };
}

for_each_native!(define_natives);
