//! The decoded form of code: fixed words of 8 bytes, made at load and never stored. Registers are indices into a
//! window of 256 slots; `due` is the fuel of the region since the anchor once the op is paid (`d(p)`),
//! `credit` what a jump puts back (rule F2 of `swarm_bytecode::layout`).

use crate::encoded::{Encoded, Operand, place, place_of, words};
use crate::order::Order;
use crate::quick::How;

words! {
    // Flow
    If {
        condition: u8,
        credit: u16,
        otherwise: u32,
    },
    Jump {
        credit: u16,
        target: u32,
    },
    Loop {
        due: u16,
    },
    Repeat {
        due: u16,
        target: u32,
    },
    /// Followed by [`Word::Target`]: where to go when there is no item.
    ForEach {
        item: u8,
        index: u8,
        list: u8,
        due: u16,
    },
    /// Followed by [`Word::Target`]: the first word of the body, which is `body` as well.
    NextItem {
        item: u8,
        index: u8,
        list: u8,
        due: u16,
        body: u16,
    },
    /// As [`Word::NextItem`], of a list of bools.
    NextItemBool {
        item: u8,
        index: u8,
        list: u8,
        due: u16,
        body: u16,
    },
    /// Followed by [`Word::Target`]: where to go when the range is empty.
    Range {
        item: u8,
        first: u8,
        last: u8,
        due: u16,
    },
    /// As [`Word::NextItem`], of the numbers of a range.
    NextInRange {
        item: u8,
        last: u8,
        due: u16,
        body: u16,
    },
    /// [`Word::NextItem`] where the first word of the body has a number beyond 16 bits.
    FarItem {
        item: u8,
        index: u8,
        list: u8,
        due: u16,
    },
    /// [`Word::NextItemBool`] of this kind.
    FarItemBool {
        item: u8,
        index: u8,
        list: u8,
        due: u16,
    },
    /// [`Word::NextInRange`] of this kind.
    FarInRange {
        item: u8,
        last: u8,
        due: u16,
    },
    /// Belongs to the word before it. `credit` holds on the way out of, or past, the loop.
    Target {
        credit: u16,
        target: u32,
    },
    /// Opens the `within` of this number.
    Within {
        due: u16,
        within: u32,
    },
    /// Closes so many `within`s before the next word leaves them; part of the same op as that, or all of it.
    Leave {
        count: u8,
        due: u16,
    },
    Return {
        due: u16,
    },
    ReturnValue {
        value: u8,
        due: u16,
    },
    Stop {
        reason: u8,
        due: u16,
    },
    Fail {
        reason: u8,
        due: u16,
    },
    // Calls
    Call {
        result: u8,
        due: u16,
        site: u32,
    },
    Host {
        result: u8,
        due: u16,
        site: u32,
    },
    TryHost {
        result: u8,
        due: u16,
        site: u32,
    },
    /// Followed by [`Word::Attempts`].
    RetryHost {
        result: u8,
        due: u16,
        site: u32,
    },
    /// Belongs to the word before it.
    Attempts {
        backoff: u8,
        times: u32,
    },
    RecordMetric {
        value: u8,
        metric: u16,
        due: u16,
    },
    Settle {
        due: u16,
    },
    RoundsExhausted {
        due: u16,
    },
    // Loading
    Move {
        result: u8,
        value: u8,
    },
    /// Of a list, map or record: the source keeps its zero.
    MoveMutable {
        result: u8,
        value: u8,
    },
    Copy {
        result: u8,
        value: u8,
    },
    Integer {
        result: u8,
        value: i32,
    },
    Constant {
        result: u8,
        constant: u32,
    },
    Input {
        result: u8,
        input: u16,
    },
    Context {
        result: u8,
        context: u16,
    },
    Metric {
        result: u8,
        metric: u16,
        due: u16,
    },
    /// `shares`: the value is a reference.
    State {
        result: u8,
        shares: bool,
        state: u16,
    },
    TakeState {
        result: u8,
        state: u16,
    },
    /// `mutable`: a list, map or record, of which the register keeps the zero.
    SetState {
        value: u8,
        mutable: bool,
        state: u16,
    },
    // Integer-carried arithmetic
    AddInt {
        result: u8,
        left: u8,
        right: u8,
    },
    SubInt {
        result: u8,
        left: u8,
        right: u8,
    },
    MulInt {
        result: u8,
        left: u8,
        right: u8,
    },
    DivInt {
        result: u8,
        left: u8,
        right: u8,
    },
    ModInt {
        result: u8,
        left: u8,
        right: u8,
    },
    NegInt {
        result: u8,
        value: u8,
    },
    Product {
        result: u8,
        left: u8,
        right: u8,
        divisor: u32,
    },
    Quotient {
        result: u8,
        left: u8,
        right: u8,
        factor: u32,
    },
    Scale {
        result: u8,
        value: u8,
        factor: u8,
    },
    Unscale {
        result: u8,
        value: u8,
        divisor: u8,
    },
    Ratio {
        result: u8,
        left: u8,
        right: u8,
    },
    // Natives that cost little more than a word
    AndInt {
        result: u8,
        left: u8,
        right: u8,
        due: u16,
    },
    OrInt {
        result: u8,
        left: u8,
        right: u8,
        due: u16,
    },
    XorInt {
        result: u8,
        left: u8,
        right: u8,
        due: u16,
    },
    ShiftLeft {
        result: u8,
        left: u8,
        right: u8,
        due: u16,
    },
    ShiftRight {
        result: u8,
        left: u8,
        right: u8,
        due: u16,
    },
    // Float arithmetic
    AddFloat {
        result: u8,
        left: u8,
        right: u8,
    },
    SubFloat {
        result: u8,
        left: u8,
        right: u8,
    },
    MulFloat {
        result: u8,
        left: u8,
        right: u8,
    },
    DivFloat {
        result: u8,
        left: u8,
        right: u8,
    },
    NegFloat {
        result: u8,
        value: u8,
    },
    IntToFloat {
        result: u8,
        value: u8,
    },
    PercentToFloat {
        result: u8,
        value: u8,
    },
    // Comparison
    /// Of words, bools and floats: equal floats are equal bits.
    EqSlot {
        result: u8,
        left: u8,
        right: u8,
    },
    NeSlot {
        result: u8,
        left: u8,
        right: u8,
    },
    LtInt {
        result: u8,
        left: u8,
        right: u8,
    },
    LeInt {
        result: u8,
        left: u8,
        right: u8,
    },
    LtFloat {
        result: u8,
        left: u8,
        right: u8,
    },
    LeFloat {
        result: u8,
        left: u8,
        right: u8,
    },
    EqString {
        result: u8,
        left: u8,
        right: u8,
        due: u16,
    },
    LtString {
        result: u8,
        left: u8,
        right: u8,
        due: u16,
    },
    LeString {
        result: u8,
        left: u8,
        right: u8,
        due: u16,
    },
    /// Followed by [`Word::Shape`].
    EqValue {
        result: u8,
        left: u8,
        right: u8,
        due: u16,
    },
    Not {
        result: u8,
        value: u8,
    },
    // Records, lists, optionals
    /// A record or a list of the site's arguments.
    NewObject {
        result: u8,
        due: u16,
        site: u32,
    },
    Field {
        result: u8,
        record: u8,
        field: u8,
    },
    /// Followed by [`Word::Shape`].
    SetField {
        record: u8,
        field: u8,
        value: u8,
        due: u16,
    },
    Length {
        result: u8,
        list: u8,
    },
    Item {
        result: u8,
        list: u8,
        index: u8,
    },
    /// `shares`: the value is a reference.
    SetItem {
        list: u8,
        index: u8,
        value: u8,
        shares: bool,
        due: u16,
    },
    /// As [`Word::Item`], of a list of bools.
    ItemBool {
        result: u8,
        list: u8,
        index: u8,
    },
    /// As [`Word::SetItem`], of a list of bools.
    SetItemBool {
        list: u8,
        index: u8,
        value: u8,
        due: u16,
    },
    /// `shares`: the value is a reference.
    Some {
        result: u8,
        value: u8,
        shares: bool,
        due: u16,
    },
    IsSome {
        result: u8,
        value: u8,
    },
    Unwrap {
        result: u8,
        value: u8,
    },
    /// Belongs to the word before it: the type compared or written to, its number of fields, and whether the
    /// value written is a reference.
    Shape {
        ty: u16,
        fields: u16,
        shares: bool,
    },
    /// Followed by [`Word::Items`].
    Push {
        list: u8,
        value: u8,
        due: u16,
    },
    /// As [`Word::Push`], to a list of bools.
    PushBool {
        list: u8,
        value: u8,
        due: u16,
    },
    /// Belongs to the word before it: whether the items are references, and how many there may be.
    Items {
        shares: bool,
        most: u32,
    },
    // Enums
    Case {
        result: u8,
        value: u8,
    },
    Payload {
        result: u8,
        value: u8,
        case: u8,
        field: u8,
    },
    // Maps
    /// Followed by [`Word::Entries`].
    Find {
        found: u8,
        value: u8,
        map: u8,
        key: u8,
        due: u16,
    },
    /// Followed by [`Word::Entries`].
    SetEntry {
        map: u8,
        key: u8,
        value: u8,
        due: u16,
    },
    /// Followed by [`Word::Entries`].
    RemoveEntry {
        map: u8,
        key: u8,
        due: u16,
    },
    /// Followed by [`Word::Target`], where to go when there is no entry, and [`Word::Entries`].
    ForEachEntry {
        key: u8,
        value: u8,
        index: u8,
        map: u8,
        due: u16,
    },
    /// Followed by [`Word::Target`]: the first word of the body.
    NextEntry {
        key: u8,
        value: u8,
        index: u8,
        map: u8,
        due: u16,
    },
    /// Belongs to the words before it: the order of the keys, whether the values are references, and how many
    /// entries there may be.
    Entries {
        order: Order,
        shares: bool,
        most: u32,
    },
    // Several ops at once, before the words of the first: see [`crate::fuse`]. Each says which ops it stands
    // for; what it lacks it reads from their words, which follow.
    /// `int`; whether `other` is less than that, or `unless` it is; `if`.
    LessConstantIf {
        other: u8,
        register: u8,
        result: u8,
        unless: bool,
        constant: u16,
    },
    /// `int`; whether `other` is more than that, or `unless` it is; `if`.
    MoreConstantIf {
        other: u8,
        register: u8,
        result: u8,
        unless: bool,
        constant: u16,
    },
    /// `int`; whether `other` is that, or `unless` it is; `if`.
    EqualConstantIf {
        other: u8,
        register: u8,
        result: u8,
        unless: bool,
        constant: u16,
    },
    /// `lt`, or with the operands exchanged and `unless` `le`; `if`.
    LessIf {
        left: u8,
        right: u8,
        result: u8,
        unless: bool,
    },
    /// `eq`, or with `unless` `ne`; `if`.
    EqualIf {
        left: u8,
        right: u8,
        result: u8,
        unless: bool,
    },
    /// `flt`, or with the operands exchanged and `unless` `fle`; `if`.
    LessFloatIf {
        left: u8,
        right: u8,
        result: u8,
        unless: bool,
    },
    /// `field`; whether it is less than `other`, or `unless` it is; `if`.
    FieldLessIf {
        loaded: u8,
        record: u8,
        field: u8,
        other: u8,
        result: u8,
        unless: bool,
    },
    /// `field`; whether it is more than `other`, or `unless` it is; `if`.
    FieldMoreIf {
        loaded: u8,
        record: u8,
        field: u8,
        other: u8,
        result: u8,
        unless: bool,
    },
    /// `item` of a list of bools, `if`.
    ItemIf {
        result: u8,
        list: u8,
        index: u8,
    },
    /// The same, and `else` for what is to be done only where it is false.
    ItemElse {
        result: u8,
        list: u8,
        index: u8,
    },
    /// `fadd`; whether the sum is more than `other`, or `unless` it is; `if`.
    SumMoreIf {
        sum: u8,
        left: u8,
        right: u8,
        other: u8,
        result: u8,
        unless: bool,
    },
    /// The squares of `left` and `right`, their sum, [`Word::LtFloat`] of it and [`Word::If`].
    SquaresMoreIf {
        first: u8,
        left: u8,
        second: u8,
        right: u8,
        sum: u8,
    },
    /// `move`, and a [`Word::NextInRange`].
    MoveNext {
        result: u8,
        value: u8,
    },
    /// A [`Word::SetItem`] of what is no reference, and a [`Word::NextInRange`].
    SetItemNext {
        list: u8,
        index: u8,
        value: u8,
    },
    /// `int`, a [`Word::SetItem`] of that, and a [`Word::NextInRange`].
    SetConstantNext {
        list: u8,
        index: u8,
        register: u8,
        constant: u16,
    },
    /// As [`Word::SetItemNext`], of a list of bools.
    SetItemBoolNext {
        list: u8,
        index: u8,
        value: u8,
    },
    /// As [`Word::SetConstantNext`], of a list of bools.
    SetConstantBoolNext {
        list: u8,
        index: u8,
        register: u8,
        value: u32,
    },
    /// A [`Word::Push`] of what is no reference, and a [`Word::NextInRange`].
    PushNext {
        list: u8,
        value: u8,
    },
    /// As [`Word::PushNext`], to a list of bools.
    PushBoolNext {
        list: u8,
        value: u8,
    },
    /// All rounds but the last of a loop over a range that does no more than `int` and [`Word::Push`] or
    /// [`Word::PushBool`]: a list of equal items.
    FillRounds,
    /// `int` and a sum with it.
    AddConstant {
        result: u8,
        other: u8,
        register: u8,
        constant: u16,
    },
    /// `int` and a difference.
    SubConstant {
        result: u8,
        other: u8,
        register: u8,
        constant: u16,
    },
    /// `int` and a product with it.
    MulConstant {
        result: u8,
        other: u8,
        register: u8,
        constant: u16,
    },
    /// `mul`, and a sum of that and `other`.
    MulAddInt {
        middle: u8,
        left: u8,
        right: u8,
        result: u8,
        other: u8,
    },
    /// `mul`, a sum of that and `other` in the same register, and a [`Word::AndInt`] of that.
    MulAddAndInt {
        middle: u8,
        left: u8,
        right: u8,
        other: u8,
        mask: u8,
    },
    /// `shift_right`, and a [`Word::XorInt`] of that and `other`.
    ShiftXorInt {
        middle: u8,
        left: u8,
        right: u8,
        other: u8,
    },
    /// A [`Word::ShiftXorInt`], and a [`Word::NextInRange`].
    ShiftXorNext {
        middle: u8,
        left: u8,
        right: u8,
        other: u8,
    },
    /// Two products.
    TwiceMulFloat {
        first: u8,
        left: u8,
        right: u8,
        second: u8,
        second_left: u8,
        second_right: u8,
    },
    /// `fmul`, and a sum of that and `other`.
    MulAddFloat {
        middle: u8,
        left: u8,
        right: u8,
        result: u8,
        other: u8,
    },
    /// `fsub`, and a sum of that and `other`.
    SubAddFloat {
        middle: u8,
        left: u8,
        right: u8,
        result: u8,
        other: u8,
    },
    /// `fmul`, a product of that and `factor` in the same register, and a sum of that and `other`.
    MulMulAddFloat {
        middle: u8,
        left: u8,
        right: u8,
        factor: u8,
        result: u8,
        other: u8,
    },
    /// A call whose callee may return at once: which register to ask, the answer, and what the return is due. See
    /// [`crate::quick`].
    QuickCall {
        asked: u8,
        answer: u8,
        how: How,
        constant: i16,
        own: u16,
    },
    /// Between that and the call: where the callee goes on if it does not, and the register that holds the constant
    /// there.
    Asked {
        held: u8,
        credit: u16,
        otherwise: u32,
    },
    /// In place of a fused word whose constant lies too far, whose value is a reference, or that thought of another end of the round.
    Unfused,
    /// Before the body of a loop: passes over rows and conditions that do not hold. See [`crate::filter`].
    PassRows {
        filter: u16,
        list: u8,
    },
    /// The same before a condition that is not the first, or behind the last. The credit is that of the jumps
    /// before.
    PassOn {
        filter: u16,
        from: u8,
        credit: u16,
    },
    /// An op whose operands do not fit: [`crate::extended`].
    Extended {
        result: u8,
        due: u16,
        site: u32,
    },
}

impl Word {
    /// Of a fused word that ends with a [`Word::NextInRange`]: what stands in its place where a round ends with another word.
    pub(crate) const fn with_another_end(self) -> Option<Word> {
        match self {
            Word::ShiftXorNext { middle, left, right, other } => {
                Some(Word::ShiftXorInt { middle, left, right, other })
            }
            Word::MoveNext { .. }
            | Word::SetItemNext { .. }
            | Word::SetConstantNext { .. }
            | Word::PushNext { .. }
            | Word::SetItemBoolNext { .. }
            | Word::SetConstantBoolNext { .. }
            | Word::PushBoolNext { .. }
            | Word::FillRounds => Some(Word::Unfused),
            _ => None,
        }
    }

    /// Whether the word does at once what the words behind it do.
    pub(crate) const fn is_fused(self) -> bool {
        matches!(
            self,
            Word::LessConstantIf { .. }
                | Word::MoreConstantIf { .. }
                | Word::EqualConstantIf { .. }
                | Word::LessIf { .. }
                | Word::EqualIf { .. }
                | Word::LessFloatIf { .. }
                | Word::FieldLessIf { .. }
                | Word::FieldMoreIf { .. }
                | Word::ItemIf { .. }
                | Word::ItemElse { .. }
                | Word::SumMoreIf { .. }
                | Word::MoveNext { .. }
                | Word::SquaresMoreIf { .. }
                | Word::SetItemNext { .. }
                | Word::SetConstantNext { .. }
                | Word::PushNext { .. }
                | Word::SetItemBoolNext { .. }
                | Word::SetConstantBoolNext { .. }
                | Word::PushBoolNext { .. }
                | Word::FillRounds
                | Word::AddConstant { .. }
                | Word::SubConstant { .. }
                | Word::MulConstant { .. }
                | Word::MulAddInt { .. }
                | Word::MulAddAndInt { .. }
                | Word::ShiftXorInt { .. }
                | Word::ShiftXorNext { .. }
                | Word::TwiceMulFloat { .. }
                | Word::MulAddFloat { .. }
                | Word::SubAddFloat { .. }
                | Word::MulMulAddFloat { .. }
                | Word::QuickCall { .. }
                | Word::Asked { .. }
                | Word::Unfused
                | Word::PassRows { .. }
                | Word::PassOn { .. }
        )
    }
}

const _: () = assert!(size_of::<Word>() == 8);
