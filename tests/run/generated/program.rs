//! Programs made at random.

/// Numbers from a seed, the same on every machine.
pub(super) struct Dice(pub(super) u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }

    fn small(&mut self) -> i64 {
        self.roll(9).cast_signed() - 3
    }

    fn index(&mut self, count: usize) -> usize {
        self.roll(count as u64) as usize
    }
}

pub(super) type Name = usize;

pub(super) enum Number {
    Constant(i64),
    Variable(Name),
    Operation(char, Box<Number>, Box<Number>),
    Choice(Box<Truth>, Box<Number>, Box<Number>),
    Ask(Box<Number>),
    Item(List, i64),
    /// COUNT of the items of a list for which something holds.
    Count(List, Name, Box<Truth>),
    Sum(List, Name, Box<Number>, Box<Truth>),
    /// MIN or MAX of a list, with a value for NONE.
    Extreme(bool, List, Name, Box<Truth>, Box<Number>),
    /// The mean, rounded, with 0 for none.
    Mean(List, Name, Box<Number>, Box<Truth>),
    /// How many COLLECT collects.
    Collected(List, Name, Box<Number>, Box<Truth>),
    Call(Function, Vec<Number>),
    Field(Name, usize),
    Entry(Map, Box<Number>, Box<Number>),
    Entries(Map),
    State,
    Metric,
    /// How long a text is with two numbers in it.
    Text(Box<Number>, Box<Number>),
    Length(Text),
    /// How many items a function gives: those of a list that are at most so great.
    UpTo(List, Box<Number>),
    /// How many pieces a text has between its ones.
    Pieces(Text),
    /// Of the map with texts as keys.
    NamedEntry(Text, Box<Number>),
}

/// A text that can be named inside of another.
#[derive(Clone, Copy)]
pub(super) enum Named {
    Variable(Name),
    State,
    /// The field of a record.
    Label,
    /// The item of a list.
    Item,
}

pub(super) const NAMED: [Named; 5] =
    [Named::Variable(0), Named::Variable(1), Named::State, Named::Label, Named::Item];

pub(super) enum Text {
    Named(Named),
    /// One of a few constants.
    Constant(usize),
    /// A text, a sign and a number.
    Joined(Named, Box<Number>),
    /// Its first characters.
    Left(Box<Text>, i64),
    Upper(Box<Text>),
    Replaced(Box<Text>),
}

pub(super) const CONSTANTS: [&str; 4] = ["", "a", "a1-21", "b11b"];

/// Functions of the program's head.
#[derive(Clone, Copy)]
pub(super) enum Function {
    /// Half of a number, −1 below 0.
    Half,
    /// The second less the first.
    Less,
    Twice,
    /// Adds to the STATE variable and gives what it is then.
    Bump,
}

pub(super) const FUNCTIONS: [Function; 4] = [Function::Half, Function::Less, Function::Twice, Function::Bump];

/// A list or map: a variable, the STATE variable or the input.
pub(super) type List = usize;
pub(super) type Map = usize;

pub(super) enum Truth {
    Compare(&'static str, Number, Number),
    And(Box<Truth>, Box<Truth>),
    Or(Box<Truth>, Box<Truth>),
    Not(Box<Truth>),
    /// ANY or ALL.
    Each(bool, List, Name, Box<Truth>),
    Same(List, List),
    SameMap(Map, Map),
    SameRecord,
    /// Whether the value of the enum is of this case.
    Is(usize),
    Has(Map, Box<Number>),
    CompareTexts(&'static str, Text, Text),
    StartsWith(Text, Text),
}

pub(super) enum Statement {
    Act(Number),
    Say(Text),
    SetText(Named, Text),
    SetNamedEntry(Text, Number),
    ForNamedEntry(Name, Vec<Statement>),
    Assign(Name, Number),
    SetItem(List, i64, Number),
    AddToItem(List, Number, Number),
    CopyList(List, List),
    /// Puts items behind those of a list, if it has room for them.
    Append(List, Vec<Number>),
    SetField(Name, usize, Number),
    CopyRecord(Name, Name),
    SetEntry(Map, Number, Number),
    CopyMap(Map, Map),
    EmptyMap(Map),
    SetState(Number),
    Record(Number),
    /// The enum's value becomes a case with a payload.
    SetCase(usize, Number, Number),
    /// A block for each case; the payload's names.
    Match([Vec<Statement>; 3], Name, [Name; 2]),
    If(Truth, Vec<Statement>, Vec<Statement>),
    IfEntry(Map, Number, Name, Vec<Statement>, Vec<Statement>),
    ForEach(List, Name, Truth, Vec<Statement>),
    ForEntry(Map, Name, Name, Vec<Statement>),
    /// Over the items with the greatest or least keys.
    ForTop(bool, Number, List, Name, Number, Name, Vec<Statement>),
    ForRange(Name, Number, i64, Vec<Statement>),
    /// Over what a function gives.
    ForUpTo(List, Number, Name, Vec<Statement>),
    While(Truth, i64, Vec<Statement>),
    Pay,
    /// Pays as many dollars as the number, of those up to 5.
    Buy(Number),
    Try(Number, Vec<Statement>),
    /// A budget in dollars, and whether it undoes.
    Within(i64, Vec<Statement>, Option<Vec<Statement>>),
    Break,
    Continue,
    Return,
}

/// Lists start with three items.
pub(super) const ITEMS: u64 = 3;
/// The last one is a STATE variable; behind it comes the input, which nothing can be written to.
pub(super) const LISTS: usize = 3;
/// MAX of all lists.
pub(super) const MOST_ITEMS: usize = 5;
/// MAX of the input.
const INPUT_ITEMS: u64 = 5;
/// So is the last map.
pub(super) const MAPS: usize = 3;
/// MAX of the maps that have one.
pub(super) const MOST_ENTRIES: usize = 8;
pub(super) const VARIABLES: usize = 3;

pub(super) struct Maker {
    pub(super) dice: Dice,
    /// Variables in scope; the first few can be assigned.
    pub(super) scope: Vec<Name>,
    pub(super) next: Name,
    pub(super) loops: usize,
    /// Whether there is a WITHIN around: a second one would raise the question which gives way.
    pub(super) within: bool,
    /// Whether that undoes: then nothing may wait for an action.
    pub(super) undoes: bool,
    /// Whether the place is inside of a text.
    quoted: bool,
}

impl Maker {
    pub(super) fn new(seed: u64) -> Maker {
        Maker {
            dice: Dice(seed.wrapping_mul(0x9e37_79b9)),
            scope: (0..VARIABLES).collect(),
            next: VARIABLES,
            loops: 0,
            within: false,
            undoes: false,
            quoted: false,
        }
    }

    fn boxed(&mut self, depth: u64) -> Box<Number> {
        Box::new(self.number(depth))
    }

    pub(super) fn number(&mut self, depth: u64) -> Number {
        let Some(less) = depth.checked_sub(1) else { return self.leaf() };
        match self.dice.roll(24) {
            0..=4 => self.leaf(),
            21..=23 if !self.quoted => match self.dice.roll(3) {
                0 => Number::Length(self.text(less)),
                1 => Number::Pieces(self.text(less)),
                _ => Number::NamedEntry(self.text(less), self.boxed(less)),
            },
            5..=7 => {
                let sign = ['+', '-', '*'][self.dice.index(3)];
                Number::Operation(sign, self.boxed(less), self.boxed(less))
            }
            8 => Number::Choice(Box::new(self.truth(less)), self.boxed(less), self.boxed(less)),
            9 => Number::Ask(self.boxed(less)),
            10 => self.over_list(|maker, list, item| Number::Count(list, item, Box::new(maker.truth(less)))),
            11 => self.over_list(|maker, list, item| {
                Number::Sum(list, item, maker.boxed(less), Box::new(maker.truth(less)))
            }),
            12 => {
                let (least, otherwise) = (self.dice.roll(2) == 0, self.boxed(less));
                self.over_list(|maker, list, item| {
                    Number::Extreme(least, list, item, Box::new(maker.truth(less)), otherwise)
                })
            }
            13 => self.over_list(|maker, list, item| {
                Number::Mean(list, item, maker.boxed(less), Box::new(maker.truth(less)))
            }),
            14 => self.over_list(|maker, list, item| {
                Number::Collected(list, item, maker.boxed(less), Box::new(maker.truth(less)))
            }),
            15 | 16 => {
                let function = FUNCTIONS[self.dice.index(FUNCTIONS.len())];
                let parameters = if let Function::Less = function { 2 } else { 1 };
                Number::Call(function, (0..parameters).map(|_| self.number(less)).collect())
            }
            17 => Number::Entry(self.map(), self.boxed(less), self.boxed(less)),
            // There are no quotes inside of quotes.
            18 if !self.quoted => {
                self.quoted = true;
                let text = Number::Text(self.boxed(less), self.boxed(less));
                self.quoted = false;
                text
            }
            19 => Number::UpTo(self.list(), self.boxed(less)),
            _ => Number::Entries(self.map()),
        }
    }

    fn leaf(&mut self) -> Number {
        match self.dice.roll(8) {
            0 | 1 => Number::Constant(self.dice.small()),
            2 => Number::Item(self.list(), self.dice.roll(ITEMS).cast_signed()),
            3 => Number::Field(self.dice.index(2), self.dice.index(2)),
            4 => Number::State,
            5 => Number::Metric,
            _ => Number::Variable(self.variable()),
        }
    }

    fn named(&mut self) -> Named {
        NAMED[self.dice.index(NAMED.len())]
    }

    fn text(&mut self, depth: u64) -> Text {
        match (self.dice.roll(8), depth.checked_sub(1)) {
            (0 | 1, _) | (_, None) => Text::Named(self.named()),
            (2, _) => Text::Constant(self.dice.index(CONSTANTS.len())),
            (3, Some(less)) => Text::Left(Box::new(self.text(less)), self.dice.small()),
            (4, Some(less)) => Text::Upper(Box::new(self.text(less))),
            (5, Some(less)) => Text::Replaced(Box::new(self.text(less))),
            (_, Some(less)) => {
                let named = self.named();
                self.quoted = true;
                let joined = Text::Joined(named, self.boxed(less));
                self.quoted = false;
                joined
            }
        }
    }

    pub(super) fn truth(&mut self, depth: u64) -> Truth {
        let boxed = |maker: &mut Maker| Box::new(maker.truth(depth - 1));
        if !self.quoted && self.dice.roll(8) == 0 {
            let (left, right) = (self.text(1), self.text(1));
            let comparison = ["==", "!=", "<", "<=", ">", ">="][self.dice.index(6)];
            return match self.dice.roll(3) {
                0 => Truth::StartsWith(left, right),
                _ => Truth::CompareTexts(comparison, left, right),
            };
        }
        match self.dice.roll(if depth == 0 { 3 } else { 13 }) {
            0..=2 => {
                let comparison = ["==", "!=", "<", "<=", ">", ">="][self.dice.index(6)];
                let depth = depth.saturating_sub(1);
                Truth::Compare(comparison, self.number(depth), self.number(depth))
            }
            3 | 4 => Truth::And(boxed(self), boxed(self)),
            5 => Truth::Or(boxed(self), boxed(self)),
            6 => Truth::Not(boxed(self)),
            7 => Truth::Same(self.list(), self.list()),
            8 => Truth::SameMap(self.map(), self.map()),
            9 => Truth::SameRecord,
            10 => Truth::Is(self.dice.index(3)),
            11 => Truth::Has(self.map(), self.boxed(depth - 1)),
            _ => {
                let all = self.dice.roll(2) == 0;
                self.over_list(|maker, list, item| {
                    Truth::Each(all, list, item, Box::new(maker.truth(depth - 1)))
                })
            }
        }
    }

    /// Makes something with a new variable for the items of a list.
    fn over_list<T>(&mut self, make: impl FnOnce(&mut Maker, List, Name) -> T) -> T {
        let list = self.list();
        self.with_new(|maker, item| make(maker, list, item))
    }

    fn with_new<T>(&mut self, make: impl FnOnce(&mut Maker, Name) -> T) -> T {
        self.next += 1;
        let name = self.next;
        self.scope.push(name);
        let made = make(self, name);
        self.scope.pop();
        made
    }

    fn list(&mut self) -> List {
        self.dice.index(LISTS + 1)
    }

    /// A list that can be written to.
    fn own_list(&mut self) -> List {
        self.dice.index(LISTS)
    }

    /// What the input holds.
    pub(super) fn input(&mut self) -> Vec<i64> {
        let items = self.dice.roll(INPUT_ITEMS + 1);
        (0..items).map(|_| self.dice.small()).collect()
    }

    fn map(&mut self) -> Map {
        self.dice.index(MAPS)
    }

    /// The second map has no MAX: what is put into it is all that bounds it.
    fn bounded_map(&mut self) -> Map {
        self.dice.index(2) * 2
    }

    fn variable(&mut self) -> Name {
        let at = self.dice.index(self.scope.len());
        self.scope[at]
    }

    fn block(&mut self, depth: u64) -> Vec<Statement> {
        let length = 1 + self.dice.roll(3);
        (0..length).map(|_| self.statement(depth)).collect()
    }

    pub(super) fn statement(&mut self, depth: u64) -> Statement {
        let Some(less) = depth.checked_sub(1) else { return self.simple() };
        match self.dice.roll(22) {
            0..=6 => self.simple(),
            20 => self.with_new(|maker, value| Statement::ForNamedEntry(value, maker.in_loop(less))),
            7 | 8 => {
                let condition = self.truth(2);
                let then = self.block(less);
                let otherwise = if self.dice.roll(2) == 0 { self.block(less) } else { Vec::new() };
                Statement::If(condition, then, otherwise)
            }
            9 => self.over_list(|maker, list, item| {
                let filter = maker.truth(1);
                Statement::ForEach(list, item, filter, maker.in_loop(less))
            }),
            10 => {
                let (first, last) = (self.number(1), self.dice.small());
                self.with_new(|maker, item| Statement::ForRange(item, first, last, maker.in_loop(less)))
            }
            11 => {
                let (condition, most) = (self.truth(2), self.dice.roll(5).cast_signed());
                Statement::While(condition, most, self.in_loop(less))
            }
            12 => {
                let map = self.map();
                self.with_new(|maker, key| {
                    maker.with_new(|maker, value| Statement::ForEntry(map, key, value, maker.in_loop(less)))
                })
            }
            13 => {
                let most = if self.dice.roll(2) == 0 {
                    Number::Constant(self.dice.roll(5).cast_signed())
                } else {
                    Number::Variable(self.variable())
                };
                let bottom = self.dice.roll(2) == 0;
                self.over_list(|maker, list, item| {
                    let key = maker.number(1);
                    maker.scope.pop();
                    let made = maker.with_new(|maker, found| {
                        Statement::ForTop(bottom, most, list, item, key, found, maker.in_loop(less))
                    });
                    maker.scope.push(item);
                    made
                })
            }
            14 => {
                let (map, key) = (self.map(), self.number(1));
                let (found, then) = self.with_new(|maker, found| (found, maker.block(less)));
                Statement::IfEntry(map, key, found, then, self.block(less))
            }
            21 => {
                let most = self.number(1);
                self.over_list(|maker, list, item| Statement::ForUpTo(list, most, item, maker.in_loop(less)))
            }
            15 => {
                let first = self.block(less);
                let (one, second) = self.with_new(|maker, one| (one, maker.block(less)));
                let (two, third) = self.with_new(|maker, left| {
                    let (right, third) = maker.with_new(|maker, right| (right, maker.block(less)));
                    ([left, right], third)
                });
                Statement::Match([first, second, third], one, two)
            }
            16 if !self.within => self.within(less),
            17 if !self.undoes => Statement::Try(self.number(1), self.block(less)),
            _ if self.loops == 0 && self.dice.roll(4) == 0 => Statement::Return,
            _ if self.loops == 0 => Statement::Act(self.number(3)),
            18 => Statement::Break,
            _ => Statement::Continue,
        }
    }

    fn simple(&mut self) -> Statement {
        if self.dice.roll(5) == 0 {
            return match self.dice.roll(4) {
                0 => Statement::Say(self.text(2)),
                1 => Statement::SetNamedEntry(self.text(1), self.number(1)),
                _ => {
                    let named = self.named();
                    Statement::SetText(named, self.text(2))
                }
            };
        }
        match self.dice.roll(16) {
            0..=2 => Statement::Act(self.number(2)),
            3 => Statement::Assign(self.dice.index(VARIABLES), self.number(2)),
            4 => Statement::SetItem(self.own_list(), self.dice.roll(ITEMS).cast_signed(), self.number(2)),
            5 if self.dice.roll(2) == 0 => {
                let (list, items) = (self.own_list(), self.dice.roll(2) + 1);
                Statement::Append(list, (0..items).map(|_| self.number(1)).collect())
            }
            5 => Statement::CopyList(self.own_list(), self.list()),
            6 => Statement::AddToItem(self.own_list(), self.number(1), self.number(1)),
            7 => Statement::SetField(self.dice.index(2), self.dice.index(2), self.number(2)),
            8 => Statement::CopyRecord(self.dice.index(2), self.dice.index(2)),
            9 | 10 => Statement::SetEntry(self.map(), self.number(1), self.number(2)),
            11 => Statement::CopyMap(self.bounded_map(), self.bounded_map()),
            12 if self.dice.roll(2) == 0 => Statement::EmptyMap(self.bounded_map()),
            12 => Statement::Record(self.number(1)),
            13 => Statement::SetState(self.number(2)),
            14 => Statement::SetCase(self.dice.index(3), self.number(1), self.number(1)),
            _ if self.dice.roll(2) == 0 => Statement::Buy(self.number(1)),
            _ => Statement::Pay,
        }
    }

    fn within(&mut self, depth: u64) -> Statement {
        let (dollars, undoes) = (self.dice.roll(4).cast_signed(), self.dice.roll(4) > 0);
        (self.within, self.undoes) = (true, undoes);
        let body = self.block(depth);
        (self.within, self.undoes) = (false, false);
        Statement::Within(dollars, body, undoes.then(|| self.block(depth)))
    }

    fn in_loop(&mut self, depth: u64) -> Vec<Statement> {
        self.loops += 1;
        let body = self.block(depth);
        self.loops -= 1;
        body
    }
}
