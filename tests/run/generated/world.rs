//! A plain evaluator of the syntax tree. It gives up on programs that go on for long.

use std::collections::BTreeMap;

use super::program::{
    CONSTANTS, Function, List, MOST_ENTRIES, MOST_ITEMS, Name, Named, Number, Statement, Text, Truth,
};

/// Why a block was left before its end.
pub(super) enum Leave {
    Break,
    Continue,
    Return,
    Trap(&'static str),
    /// The money of a budget has run out.
    Budget,
}

type Step<T> = Result<T, Leave>;

const OVERFLOW: Leave = Leave::Trap("overflow");
const OUT_OF_RANGE: Leave = Leave::Trap("index_out_of_range");

/// All that a budget that undoes puts back.
#[derive(Clone)]
pub(super) struct Values {
    variables: Vec<i64>,
    lists: Vec<Vec<i64>>,
    maps: Vec<BTreeMap<i64, i64>>,
    records: [[i64; 2]; 2],
    case: (usize, i64, i64),
    state: i64,
    total: i64,
    texts: [String; 5],
    named: BTreeMap<String, i64>,
    pub(super) acted: Vec<String>,
}

pub(super) struct World {
    pub(super) values: Values,
    pub(super) asked: Vec<String>,
    pub(super) patience: u32,
    /// Dollars left in the budget around.
    budget: Option<i64>,
}

impl World {
    pub(super) fn new(variables: usize, input: &[i64]) -> World {
        let values = Values {
            variables: vec![1; variables],
            lists: vec![vec![1, 2, 3], vec![3, -1, 2], vec![2, 2, 5], input.to_vec()],
            maps: vec![[(1, 10)].into(), [(1, 10), (2, 20)].into(), [(2, 4)].into()],
            records: [[1, 2], [2, 1]],
            case: (0, 0, 0),
            state: 1,
            total: 0,
            texts: ["x", "11", "s", "tag", "two"].map(str::to_owned),
            named: [("x".to_owned(), 3)].into(),
            acted: Vec::new(),
        };
        World { values, asked: Vec::new(), patience: 5_000, budget: None }
    }

    fn number(&mut self, number: &Number) -> Step<i64> {
        Ok(match number {
            Number::Constant(value) => *value,
            Number::Variable(name) => self.values.variables[*name],
            Number::Operation(sign, left, right) => {
                let (left, right) = (self.number(left)?, self.number(right)?);
                operation(*sign, left, right).ok_or(OVERFLOW)?
            }
            Number::Choice(condition, then, otherwise) => {
                if self.truth(condition)? {
                    self.number(then)?
                } else {
                    self.number(otherwise)?
                }
            }
            Number::Ask(value) => {
                let value = self.number(value)?;
                self.asked.push(format!("ask({value})"));
                value
            }
            Number::Item(list, index) => {
                let index = usize::try_from(*index).unwrap();
                *self.values.lists[*list].get(index).ok_or(OUT_OF_RANGE)?
            }
            Number::Count(list, item, filter) => {
                self.each(*list, *item, filter, |_| Ok(0))?.len().try_into().unwrap()
            }
            Number::Sum(list, item, value, filter) => {
                let mut sum = 0_i64;
                self.each(*list, *item, filter, |world| {
                    sum = sum.checked_add(world.number(value)?).ok_or(OVERFLOW)?;
                    Ok(0)
                })?;
                sum
            }
            Number::Extreme(least, list, item, filter, otherwise) => {
                let all = self.each(*list, *item, filter, |world| Ok(world.values.variables[*item]))?;
                let best = if *least { all.into_iter().min() } else { all.into_iter().max() };
                match best {
                    Some(best) => best,
                    None => self.number(otherwise)?,
                }
            }
            Number::Mean(list, item, value, filter) => {
                let mut sum = 0_i64;
                let all = self.each(*list, *item, filter, |world| {
                    sum = sum.checked_add(world.number(value)?).ok_or(OVERFLOW)?;
                    Ok(0)
                })?;
                let mean = if all.is_empty() { 0.0 } else { sum as f64 / all.len() as f64 };
                let rounded = mean.round_ties_even();
                if rounded >= 9_223_372_036_854_775_808.0 {
                    return Err(OVERFLOW);
                }
                rounded as i64
            }
            Number::Collected(list, item, value, filter) => {
                self.each(*list, *item, filter, |world| world.number(value))?.len().try_into().unwrap()
            }
            Number::Call(function, arguments) => self.call(*function, arguments)?,
            Number::Field(record, field) => self.values.records[*record][*field],
            Number::Entry(map, key, otherwise) => {
                // What the map has is settled before its key is evaluated.
                let map = self.values.maps[*map].clone();
                let key = self.number(key)?;
                match map.get(&key) {
                    Some(value) => *value,
                    None => self.number(otherwise)?,
                }
            }
            Number::Entries(map) => self.values.maps[*map].len().try_into().unwrap(),
            Number::State => self.values.state,
            Number::Metric => self.values.total,
            Number::UpTo(list, most) => self.up_to(*list, most)?.len().try_into().unwrap(),
            Number::Length(text) => self.text(text)?.chars().count().try_into().unwrap(),
            Number::Pieces(text) => self.text(text)?.split('1').count().try_into().unwrap(),
            Number::NamedEntry(key, otherwise) => {
                let key = self.text(key)?;
                match self.values.named.get(&key) {
                    Some(value) => *value,
                    None => self.number(otherwise)?,
                }
            }
            Number::Text(left, right) => {
                let (left, right) = (self.number(left)?, self.number(right)?);
                format!("<{left} and {right}>").chars().count().try_into().unwrap()
            }
        })
    }

    fn text(&mut self, text: &Text) -> Step<String> {
        Ok(match text {
            Text::Named(named) => self.values.texts[at(*named)].clone(),
            Text::Constant(at) => CONSTANTS[*at].to_owned(),
            Text::Joined(named, number) => {
                let first = self.values.texts[at(*named)].clone();
                format!("{first}-{}", self.number(number)?)
            }
            Text::Left(text, count) => {
                let count = usize::try_from(*count).unwrap_or(0);
                self.text(text)?.chars().take(count).collect()
            }
            Text::Upper(text) => self.text(text)?.to_uppercase(),
            Text::Replaced(text) => self.text(text)?.replace('1', "one"),
        })
    }

    fn up_to(&mut self, list: List, most: &Number) -> Step<Vec<i64>> {
        let (items, most) = (self.values.lists[list].clone(), self.number(most)?);
        Ok(items.into_iter().filter(|item| *item <= most).collect())
    }

    /// Money of the budget around goes.
    fn pay(&mut self, dollars: i64) -> Step<()> {
        if let Some(budget) = &mut self.budget {
            *budget = budget.checked_sub(dollars).filter(|left| *left >= 0).ok_or(Leave::Budget)?;
        }
        Ok(())
    }

    fn call(&mut self, function: Function, arguments: &[Number]) -> Step<i64> {
        let values = arguments.iter().map(|argument| self.number(argument)).collect::<Step<Vec<i64>>>()?;
        match function {
            Function::Half => Ok(if values[0] < 0 { -1 } else { values[0] / 2 }),
            Function::Less => values[1].checked_sub(values[0]).ok_or(OVERFLOW),
            Function::Twice => values[0].checked_add(values[0]).ok_or(OVERFLOW),
            Function::Bump => {
                self.values.state = self.values.state.checked_add(values[0]).ok_or(OVERFLOW)?;
                Ok(self.values.state)
            }
        }
    }

    /// The values for the items of a list that a filter lets through. The list is taken as it is at first.
    fn each(
        &mut self,
        list: List,
        item: Name,
        filter: &Truth,
        mut value: impl FnMut(&mut World) -> Step<i64>,
    ) -> Step<Vec<i64>> {
        let mut values = Vec::new();
        for member in self.values.lists[list].clone() {
            self.values.variables[item] = member;
            if self.truth(filter)? {
                values.push(value(self)?);
            }
        }
        Ok(values)
    }

    fn truth(&mut self, truth: &Truth) -> Step<bool> {
        Ok(match truth {
            Truth::Compare(comparison, left, right) => {
                let (left, right) = (self.number(left)?, self.number(right)?);
                match *comparison {
                    "==" => left == right,
                    "!=" => left != right,
                    "<" => left < right,
                    "<=" => left <= right,
                    ">" => left > right,
                    _ => left >= right,
                }
            }
            Truth::And(left, right) => self.truth(left)? && self.truth(right)?,
            Truth::Or(left, right) => self.truth(left)? || self.truth(right)?,
            Truth::Not(inner) => !self.truth(inner)?,
            Truth::Each(all, list, item, inner) => {
                for value in self.values.lists[*list].clone() {
                    self.values.variables[*item] = value;
                    if self.truth(inner)? != *all {
                        return Ok(!*all);
                    }
                }
                *all
            }
            Truth::Same(left, right) => self.values.lists[*left] == self.values.lists[*right],
            Truth::SameMap(left, right) => self.values.maps[*left] == self.values.maps[*right],
            Truth::SameRecord => self.values.records[0] == self.values.records[1],
            Truth::Is(case) => self.values.case == [(0, 0, 0), (1, 1, 0), (2, 1, 1)][*case],
            Truth::CompareTexts(comparison, left, right) => {
                let (left, right) = (self.text(left)?, self.text(right)?);
                match *comparison {
                    "==" => left == right,
                    "!=" => left != right,
                    "<" => left < right,
                    "<=" => left <= right,
                    ">" => left > right,
                    _ => left >= right,
                }
            }
            Truth::StartsWith(text, part) => {
                let text = self.text(text)?;
                text.starts_with(&self.text(part)?)
            }
            Truth::Has(map, key) => {
                let map = self.values.maps[*map].clone();
                map.contains_key(&self.number(key)?)
            }
        })
    }

    pub(super) fn block(&mut self, block: &[Statement]) -> Step<()> {
        block.iter().try_for_each(|statement| self.statement(statement))
    }

    /// One round of a loop; `false` if it is the last.
    fn round(&mut self, body: &[Statement]) -> Step<bool> {
        match self.block(body) {
            Ok(()) | Err(Leave::Continue) => Ok(true),
            Err(Leave::Break) => Ok(false),
            Err(leave) => Err(leave),
        }
    }

    fn statement(&mut self, statement: &Statement) -> Step<()> {
        self.patience = self.patience.checked_sub(1).ok_or(Leave::Trap("too long"))?;
        if self.change(statement)? {
            return Ok(());
        }
        match statement {
            Statement::Act(value) => {
                let value = self.number(value)?;
                self.values.acted.push(format!("ACT({value})"));
            }
            Statement::Match(blocks, one, [left, right]) => {
                let (case, first, second) = self.values.case;
                match case {
                    0 => {}
                    1 => self.values.variables[*one] = first,
                    _ => {
                        self.values.variables[*left] = first;
                        self.values.variables[*right] = second;
                    }
                }
                self.block(&blocks[case])?;
            }
            Statement::If(condition, then, otherwise) => {
                let block = if self.truth(condition)? { then } else { otherwise };
                self.block(block)?;
            }
            Statement::IfEntry(map, key, found, then, otherwise) => {
                let map = self.values.maps[*map].clone();
                match map.get(&self.number(key)?) {
                    Some(value) => {
                        self.values.variables[*found] = *value;
                        self.block(then)?;
                    }
                    None => self.block(otherwise)?,
                }
            }
            Statement::Pay => {
                self.pay(1)?;
                self.values.acted.push("PAY(0)".to_owned());
            }
            Statement::Buy(value) => {
                let value = self.number(value)?.min(5);
                self.pay(value.max(0))?;
                self.values.acted.push(format!("BUY({value})"));
            }
            Statement::Try(value, otherwise) => {
                let value = self.number(value)?;
                self.asked.push(format!("RISKY({value})"));
                // A report has what was refused too.
                self.values.acted.push(format!("RISKY({value})"));
                if value < 0 {
                    self.block(otherwise)?;
                }
            }
            Statement::Within(dollars, body, otherwise) => {
                self.within(*dollars, body, otherwise.as_deref())?
            }
            Statement::Break => return Err(Leave::Break),
            Statement::Continue => return Err(Leave::Continue),
            Statement::Return => return Err(Leave::Return),
            _ => self.repeat(statement)?,
        }
        Ok(())
    }

    /// Statements that change a value.
    fn change(&mut self, statement: &Statement) -> Step<bool> {
        match statement {
            Statement::Say(text) => {
                let text = self.text(text)?;
                self.values.acted.push(format!("SAY({text})"));
            }
            Statement::SetText(named, text) => self.values.texts[at(*named)] = self.text(text)?,
            Statement::SetNamedEntry(key, value) => {
                let (key, value) = (self.text(key)?, self.number(value)?);
                if self.values.named.len() == 20 && !self.values.named.contains_key(&key) {
                    return Err(Leave::Trap("too_long"));
                }
                self.values.named.insert(key, value);
            }
            Statement::Assign(name, value) => self.values.variables[*name] = self.number(value)?,
            Statement::SetItem(list, index, value) => {
                let (index, value) = (usize::try_from(*index).unwrap(), self.number(value)?);
                *self.values.lists[*list].get_mut(index).ok_or(OUT_OF_RANGE)? = value;
            }
            Statement::AddToItem(list, index, value) => {
                let index = usize::try_from(self.number(index)?).map_err(|_| OUT_OF_RANGE)?;
                let current = *self.values.lists[*list].get(index).ok_or(OUT_OF_RANGE)?;
                let sum = current.checked_add(self.number(value)?).ok_or(OVERFLOW)?;
                self.values.lists[*list][index] = sum;
            }
            Statement::Append(list, items) => {
                if self.values.lists[*list].len() + items.len() <= MOST_ITEMS {
                    let items: Result<Vec<i64>, _> = items.iter().map(|item| self.number(item)).collect();
                    self.values.lists[*list].extend(items?);
                }
            }
            Statement::CopyList(to, from) => self.values.lists[*to] = self.values.lists[*from].clone(),
            Statement::SetField(record, field, value) => {
                self.values.records[*record][*field] = self.number(value)?;
            }
            Statement::CopyRecord(to, from) => self.values.records[*to] = self.values.records[*from],
            Statement::SetEntry(map, key, value) => {
                let (key, value) = (self.number(key)?, self.number(value)?);
                let bounded = *map != 1;
                let map = &mut self.values.maps[*map];
                if bounded && map.len() == MOST_ENTRIES && !map.contains_key(&key) {
                    return Err(Leave::Trap("too_long"));
                }
                map.insert(key, value);
            }
            Statement::CopyMap(to, from) => self.values.maps[*to] = self.values.maps[*from].clone(),
            Statement::EmptyMap(map) => self.values.maps[*map].clear(),
            Statement::SetState(value) => self.values.state = self.number(value)?,
            Statement::Record(value) => {
                let sample = self.number(value)?;
                self.values.total = self.values.total.checked_add(sample).ok_or(OVERFLOW)?;
            }
            Statement::SetCase(case, left, right) => {
                let left = if *case > 0 { self.number(left)? } else { 0 };
                let right = if *case > 1 { self.number(right)? } else { 0 };
                self.values.case = (*case, left, right);
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn repeat(&mut self, statement: &Statement) -> Step<()> {
        match statement {
            Statement::ForEach(list, item, filter, body) => {
                for value in self.values.lists[*list].clone() {
                    self.values.variables[*item] = value;
                    if self.truth(filter)? && !self.round(body)? {
                        break;
                    }
                }
            }
            Statement::ForEntry(map, key, value, body) => {
                for (entry_key, entry_value) in self.values.maps[*map].clone() {
                    self.values.variables[*key] = entry_key;
                    self.values.variables[*value] = entry_value;
                    if !self.round(body)? {
                        break;
                    }
                }
            }
            Statement::ForNamedEntry(value, body) => {
                for (key, entry) in self.values.named.clone() {
                    self.values.variables[*value] = entry;
                    self.values.acted.push(format!("SAY({key})"));
                    if entry > 0 && !self.round(body)? {
                        break;
                    }
                }
            }
            Statement::ForTop(bottom, most, list, item, key, found, body) => {
                let most = usize::try_from(self.number(most)?).unwrap_or(0);
                let mut ranked = Vec::new();
                for value in self.values.lists[*list].clone() {
                    self.values.variables[*item] = value;
                    ranked.push((self.number(key)?, value));
                }
                // Stable: of equal keys the first in the list comes first.
                if *bottom {
                    ranked.sort_by_key(|(key, _)| *key);
                } else {
                    ranked.sort_by_key(|(key, _)| std::cmp::Reverse(*key));
                }
                for (_, value) in ranked.into_iter().take(most) {
                    self.values.variables[*found] = value;
                    if !self.round(body)? {
                        break;
                    }
                }
            }
            Statement::ForUpTo(list, most, item, body) => {
                for value in self.up_to(*list, most)? {
                    self.values.variables[*item] = value;
                    if !self.round(body)? {
                        break;
                    }
                }
            }
            Statement::ForRange(item, first, last, body) => {
                for value in self.number(first)?..=*last {
                    self.values.variables[*item] = value;
                    if !self.round(body)? {
                        break;
                    }
                }
            }
            Statement::While(condition, most, body) => {
                for _ in 0..*most {
                    if !self.truth(condition)? || !self.round(body)? {
                        break;
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn within(&mut self, dollars: i64, body: &[Statement], otherwise: Option<&[Statement]>) -> Step<()> {
        let before = self.values.clone();
        self.budget = Some(dollars);
        let result = self.block(body);
        self.budget = None;
        match (result, otherwise) {
            (Err(Leave::Budget), Some(otherwise)) => {
                self.values = before;
                self.block(otherwise)
            }
            (result, _) => result,
        }
    }
}

fn operation(sign: char, left: i64, right: i64) -> Option<i64> {
    match sign {
        '+' => left.checked_add(right),
        '-' => left.checked_sub(right),
        _ => left.checked_mul(right),
    }
}

/// Where a text that has a name is kept.
fn at(named: Named) -> usize {
    match named {
        Named::Variable(name) => name,
        Named::State => 2,
        Named::Label => 3,
        Named::Item => 4,
    }
}
