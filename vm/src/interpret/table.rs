//! Which handler carries out which word.

use super::chain::{Handler, Mode};
use super::{flow, fused, objects, reach, skip, values};
use crate::word::Word;

/// Words in the order of [`Word`], so that the index of one is its tag and finding it takes no table, each
/// with its handler.
macro_rules! table {
    ($($word:ident => $module:ident::$handler:ident,)*) => {
        #[derive(Clone, Copy)]
        #[repr(u8)]
        enum Index {
            $($word,)*
        }

        /// The index of a word's handler.
        #[inline(always)]
        pub(super) const fn index(word: &Word) -> u8 {
            match word {
                $(Word::$word { .. } => Index::$word as u8,)*
            }
        }

        /// The handlers by index. Those at the end belong to no word.
        #[expect(clippy::indexing_slicing, reason = "it is made when the program is compiled")]
        pub(super) const fn handlers<M: Mode>() -> [Handler; 256] {
            let mut handlers: [Handler; 256] = [flow::part::<M>; 256];
            $(handlers[Index::$word as usize] = $module::$handler::<M>;)*
            handlers
        }
    };
}

table! {
    If => flow::If,
    Jump => flow::Jump,
    Loop => flow::Loop,
    Repeat => flow::Repeat,
    ForEach => flow::ForEach,
    NextItem => flow::NextItem,
    NextItemBool => flow::NextItemBool,
    Range => flow::Range,
    NextInRange => flow::NextInRange,
    Target => flow::part,
    Within => flow::effect,
    Leave => flow::effect,
    Return => flow::Return,
    ReturnValue => flow::ReturnValue,
    Stop => flow::Stop,
    Fail => flow::Fail,
    Call => flow::Call,
    Host => flow::Host,
    TryHost => flow::TryHost,
    RetryHost => flow::effect,
    Attempts => flow::part,
    RecordMetric => flow::effect,
    Settle => flow::Settle,
    RoundsExhausted => flow::effect,
    Move => values::Move,
    MoveMutable => objects::MoveMutable,
    Copy => objects::Copy,
    Integer => values::Integer,
    Constant => values::Constant,
    Input => values::Input,
    Context => values::Context,
    Metric => reach::reach,
    State => objects::State,
    TakeState => objects::TakeState,
    SetState => objects::SetState,
    AddInt => values::AddInt,
    SubInt => values::SubInt,
    MulInt => values::MulInt,
    DivInt => values::DivInt,
    ModInt => values::ModInt,
    NegInt => values::NegInt,
    Product => values::Product,
    Quotient => values::Quotient,
    Scale => values::Scale,
    Unscale => values::Unscale,
    Ratio => values::Ratio,
    AndInt => values::AndInt,
    OrInt => values::OrInt,
    XorInt => values::XorInt,
    ShiftLeft => values::ShiftLeft,
    ShiftRight => values::ShiftRight,
    AddFloat => values::AddFloat,
    SubFloat => values::SubFloat,
    MulFloat => values::MulFloat,
    DivFloat => values::DivFloat,
    NegFloat => values::NegFloat,
    IntToFloat => values::IntToFloat,
    PercentToFloat => values::PercentToFloat,
    EqSlot => values::EqSlot,
    NeSlot => values::NeSlot,
    LtInt => values::LtInt,
    LeInt => values::LeInt,
    LtFloat => values::LtFloat,
    LeFloat => values::LeFloat,
    EqString => objects::EqString,
    LtString => objects::LtString,
    LeString => objects::LeString,
    EqValue => reach::reach,
    Not => values::Not,
    NewObject => reach::reach,
    Field => objects::Field,
    SetField => objects::SetField,
    Length => objects::Length,
    Item => objects::Item,
    SetItem => objects::SetItem,
    ItemBool => objects::ItemBool,
    SetItemBool => objects::SetItemBool,
    Some => reach::reach,
    IsSome => values::IsSome,
    Unwrap => objects::Unwrap,
    Shape => flow::part,
    Push => objects::Push,
    PushBool => objects::PushBool,
    Items => flow::part,
    Case => objects::Case,
    Payload => objects::Payload,
    Find => objects::Find,
    SetEntry => objects::SetEntry,
    RemoveEntry => reach::reach,
    ForEachEntry => reach::reach,
    NextEntry => flow::NextEntry,
    Entries => flow::part,
    LessConstantIf => fused::LessConstantIf,
    MoreConstantIf => fused::MoreConstantIf,
    EqualConstantIf => fused::EqualConstantIf,
    LessIf => fused::LessIf,
    EqualIf => fused::EqualIf,
    LessFloatIf => fused::LessFloatIf,
    FieldLessIf => fused::FieldLessIf,
    FieldMoreIf => fused::FieldMoreIf,
    ItemIf => fused::ItemIf,
    SumMoreIf => fused::SumMoreIf,
    ProductsMoreIf => fused::ProductsMoreIf,
    MoveNext => fused::MoveNext,
    SetItemNext => fused::SetItemNext,
    SetConstantNext => fused::SetConstantNext,
    SetItemBoolNext => fused::SetItemBoolNext,
    SetConstantBoolNext => fused::SetConstantBoolNext,
    PushNext => fused::PushNext,
    PushBoolNext => fused::PushBoolNext,
    FillRounds => fused::FillRounds,
    AddConstant => fused::AddConstant,
    SubConstant => fused::SubConstant,
    MulConstant => fused::MulConstant,
    MulAddInt => fused::MulAddInt,
    MulAddAndInt => fused::MulAddAndInt,
    ShiftXorInt => fused::ShiftXorInt,
    TwiceMulFloat => fused::TwiceMulFloat,
    MulAddFloat => fused::MulAddFloat,
    SubAddFloat => fused::SubAddFloat,
    MulMulAddFloat => fused::MulMulAddFloat,
    QuickCall => flow::QuickCall,
    Asked => flow::part,
    Unfused => fused::Unfused,
    PassRows => skip::PassRows,
    PassOn => skip::PassOn,
    Extended => reach::reach,
}
