//! What simulated agents have to do: inputs made from the types a program declares, from a seed. A list has a
//! few rows; what looks like work comes and goes, and becomes less where the program eases it.

use std::sync::Arc;

use smol_str::SmolStr;
use swarm_bytecode::module::Module;
use swarm_bytecode::types::{Field, Type, TypeId};
use swarm_vm::{Inputs, Program, Table, TableBuilder};

use super::random::Chance;

/// Most rows of a list.
const MOST_ROWS: u32 = 24;

/// How often a row of a list is replaced between two activations, in parts per million.
const TURNOVER: u32 = 20_000;

const REGIONS: [&str; 4] = ["eu-west", "us-east", "us-west", "ap-south"];
const TAGS: [&str; 4] = ["gpu", "batch", "eu-only", "spot"];
const WORDS: [&str; 4] = ["running", "sleeping", "waiting", "idle"];

/// The inputs of one agent.
#[derive(Debug, Clone)]
pub(crate) struct Workload {
    chance: Chance,
    inputs: Vec<Option<Rows>>,
}

#[derive(Debug, Clone)]
struct Rows {
    /// By row, each with a cell for each field.
    rows: Vec<Vec<Cell>>,
    next: u64,
}

#[derive(Debug, Clone)]
enum Cell {
    Word(i64),
    Float(f64),
    Bool(bool),
    Text(SmolStr),
    Texts(Vec<&'static str>),
    /// The field's own default.
    Default,
}

/// What the rows of an input look like.
#[derive(Debug, Clone)]
pub(crate) struct Shape {
    fields: Vec<Field>,
    /// Most rows of a list; `None`: it is no list.
    max: Option<u32>,
}

/// The shapes of a program's inputs; none for what cannot be made here.
pub(crate) fn shapes(module: &Module) -> Vec<Option<Shape>> {
    let record = |ty: TypeId| match module.ty(ty) {
        Some(Type::Record { fields, .. }) => Some(fields.clone()),
        Some(Type::List { .. } | Type::Map { .. } | Type::Optional(_) | Type::Enum { .. }) | None => None,
        Some(_) => Some(vec![Field { name: "item".into(), ty, key: false, unit: None, default: None }]),
    };
    let shape = |ty: TypeId| match module.ty(ty)? {
        Type::List { element, max } => {
            Some(Shape { fields: record(*element)?, max: Some(max.unwrap_or(MOST_ROWS).min(MOST_ROWS)) })
        }
        _ => Some(Shape { fields: record(ty)?, max: None }),
    };
    module.inputs.iter().map(|input| shape(input.ty)).collect()
}

impl Workload {
    /// What an agent finds at the start.
    pub(crate) fn new(
        module: &Module,
        shapes: &[Option<Shape>],
        agent: &str,
        mut chance: Chance,
    ) -> Workload {
        let inputs = shapes.iter().map(|shape| {
            let Shape { fields, max } = shape.as_ref()?;
            let count = match max {
                Some(max) => chance.between(4, 14).min(u64::from(*max)),
                None => 1,
            };
            let mut rows = Rows { rows: Vec::new(), next: 0 };
            for _ in 0..count {
                let row = rows.make(module, fields, agent, max.is_none(), &mut chance);
                rows.rows.push(row);
            }
            Some(rows)
        });
        let inputs = inputs.collect();
        Workload { chance, inputs }
    }

    /// Time goes by: some work is done, other comes. Gives whether anything changed.
    pub(crate) fn turn(&mut self, module: &Module, shapes: &[Option<Shape>]) -> bool {
        let mut changed = false;
        let Workload { chance, inputs } = self;
        for (shape, rows) in shapes.iter().zip(inputs) {
            let (Some(rows), Some(Shape { fields, max: Some(_) })) = (rows, shape) else { continue };
            for at in 0..rows.rows.len() {
                if chance.happens(TURNOVER) {
                    let row = rows.make(module, fields, "", false, chance);
                    if let Some(place) = rows.rows.get_mut(at) {
                        *place = row;
                    }
                    changed = true;
                }
            }
        }
        changed
    }

    /// An action on the row with this key eased it: what it uses becomes less by this share, in parts per
    /// million.
    pub(crate) fn ease(&mut self, shapes: &[Option<Shape>], key: &str, field: &str, by: i64) -> bool {
        let mut eased = false;
        for (shape, rows) in shapes.iter().zip(&mut self.inputs) {
            let (Some(rows), Some(Shape { fields, .. })) = (rows, shape) else { continue };
            let Some(column) = fields.iter().position(|own| own.name == field) else { continue };
            let hit = rows
                .rows
                .iter_mut()
                .filter(|row| row.iter().any(|cell| matches!(cell, Cell::Text(text) if text == key)));
            for row in hit {
                if let Some(Cell::Word(word)) = row.get_mut(column) {
                    let rest = i128::from(1_000_000_i64.saturating_sub(by.clamp(0, 1_000_000)));
                    let less = i128::from(*word).saturating_mul(rest).checked_div(1_000_000).unwrap_or(0);
                    *word = i64::try_from(less).unwrap_or(0);
                    eased = true;
                }
            }
        }
        eased
    }

    /// How long a request of the agent takes now, in nanoseconds.
    pub(crate) fn delay(&mut self) -> i64 {
        self.chance.exponential(40_000_000).saturating_add(2_000_000)
    }

    /// The sum of a field over all rows.
    pub(crate) fn sum(&self, field: &str, shapes: &[Option<Shape>]) -> i64 {
        let mut sum = 0_i64;
        for (shape, rows) in shapes.iter().zip(&self.inputs) {
            let (Some(Shape { fields, .. }), Some(rows)) = (shape, rows) else { continue };
            let Some(column) = fields.iter().position(|own| own.name == field) else { continue };
            for row in &rows.rows {
                if let Some(Cell::Word(word)) = row.get(column) {
                    sum = sum.saturating_add(*word);
                }
            }
        }
        sum
    }

    /// The share of the agent's processors in use, in parts per million: tasks that used a minute together
    /// are all it can do.
    pub(crate) fn busy(&self, shapes: &[Option<Shape>]) -> i64 {
        const WHOLE_NS: i64 = 60_000_000_000;
        let busy = i128::from(self.sum("cpu_time", shapes)).saturating_mul(1_000_000);
        i64::try_from(busy.checked_div(i128::from(WHOLE_NS)).unwrap_or(0)).unwrap_or(1_000_000).min(1_000_000)
    }

    /// The inputs as a program reads them.
    pub(crate) fn inputs(
        &self,
        program: &Program,
        shapes: &[Option<Shape>],
        context: &Inputs,
        now: i64,
    ) -> Result<Inputs, String> {
        let module = program.module();
        let mut inputs = context.clone();
        let shaped = shapes.iter().zip(&self.inputs);
        for (input, shaped) in module.inputs.iter().zip(shaped) {
            let (Some(Shape { fields, .. }), Some(rows)) = shaped else { continue };
            let table = if matches!(module.ty(input.ty), Some(Type::Time)) {
                Table::builder().words(&input.name, Type::Time, vec![now]).build()
            } else {
                rows.table(module, fields).build()
            };
            let table: Arc<Table> = table.map_err(|error| error.to_string())?;
            inputs = inputs.table(&input.name, &table).map_err(|error| error.to_string())?;
        }
        Ok(inputs)
    }
}

impl Rows {
    fn make(
        &mut self,
        module: &Module,
        fields: &[Field],
        agent: &str,
        own: bool,
        chance: &mut Chance,
    ) -> Vec<Cell> {
        self.next = self.next.saturating_add(1);
        let number = self.next;
        fields.iter().map(|field| cell(module, field, if own { agent } else { "" }, number, chance)).collect()
    }

    fn table(&self, module: &Module, fields: &[Field]) -> TableBuilder {
        let mut builder = Table::builder();
        for (at, field) in fields.iter().enumerate() {
            let cells = || self.rows.iter().filter_map(|row| row.get(at));
            let Some(ty) = module.ty(field.ty) else { continue };
            builder = match cells().next() {
                Some(Cell::Word(_)) => {
                    let words = cells().map(|cell| if let Cell::Word(word) = cell { *word } else { 0 });
                    builder.words(&field.name, ty.clone(), words.collect())
                }
                Some(Cell::Float(_)) => {
                    let floats = cells().map(|cell| if let Cell::Float(float) = cell { *float } else { 0.0 });
                    builder.floats(&field.name, ty.clone(), &floats.collect::<Vec<_>>())
                }
                Some(Cell::Bool(_)) => {
                    let bools = cells().map(|cell| matches!(cell, Cell::Bool(true)));
                    builder.bools(&field.name, &bools.collect::<Vec<_>>())
                }
                Some(Cell::Text(_)) => {
                    let texts =
                        cells().map(|cell| if let Cell::Text(text) = cell { text.as_str() } else { "" });
                    builder.strings(&field.name, texts)
                }
                Some(Cell::Texts(_)) => {
                    let texts =
                        |cell: &Cell| if let Cell::Texts(texts) = cell { texts.clone() } else { Vec::new() };
                    let lengths = cells().map(|cell| texts(cell).len());
                    match Table::of_strings(cells().flat_map(texts)) {
                        Ok(items) => builder.lists(&field.name, lengths, items),
                        Err(_) => builder,
                    }
                }
                Some(Cell::Default) | None => builder,
            };
        }
        builder
    }
}

/// A value for a field: by its name where that says what it is, else by its type.
fn cell(module: &Module, field: &Field, agent: &str, number: u64, chance: &mut Chance) -> Cell {
    const SECOND: i64 = 1_000_000_000;
    match module.ty(field.ty) {
        Some(Type::String) => Cell::Text(match field.name.as_str() {
            "region" => pick(&REGIONS, chance).into(),
            "status" => pick(&WORDS, chance).into(),
            "id" | "name" | "key" if !agent.is_empty() => agent.into(),
            name => format!("{}-{number}", name.chars().next().unwrap_or('x')).into(),
        }),
        Some(Type::List { element, .. }) if matches!(module.ty(*element), Some(Type::String)) => {
            Cell::Texts(if chance.happens(150_000) { vec![pick(&TAGS, chance)] } else { Vec::new() })
        }
        Some(Type::Secret) => Cell::Text(format!("secret-{number}").into()),
        Some(Type::Bool) => Cell::Bool(chance.happens(500_000)),
        Some(Type::Duration) => Cell::Word(chance.exponential(4_i64.saturating_mul(SECOND))),
        Some(Type::Bytes) => Cell::Word(chance.exponential(700_000_000)),
        Some(Type::Bandwidth) => Cell::Word(chance.exponential(60_000_000)),
        Some(Type::Money) => Cell::Word(chance.exponential(1_200_000)),
        Some(Type::Tokens) => Cell::Word(chance.exponential(2_000)),
        Some(Type::Percent) => Cell::Word(i64::try_from(chance.below(1_000_001)).unwrap_or(0)),
        Some(Type::Int) => Cell::Word(i64::try_from(chance.below(10)).unwrap_or(0)),
        Some(Type::Float | Type::Rate(_)) => Cell::Float(chance.unit()),
        _ => Cell::Default,
    }
}

fn pick(words: &[&'static str], chance: &mut Chance) -> &'static str {
    let at = usize::try_from(chance.below(u64::try_from(words.len()).unwrap_or(1))).unwrap_or(0);
    words.get(at).copied().unwrap_or_default()
}
