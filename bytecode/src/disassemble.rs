//! A module as text for people: every table, and each function with types, names and costs. It never fails; of a
//! module that breaks rules it shows what there is.

use std::fmt::Write;

use crate::layout::Layout;
use crate::module::{
    Amount, Effect, Function, FunctionDebug, FunctionId, Import, Instruction, MetricKind, Module, Polynomial,
    Priority, TargetCount,
};
use crate::op::{Op, Operand, OperandKind, Register, Settle};
use crate::quantity::{format, format_float, format_rate};
use crate::types::{Constant, Field, Type, TypeId};

/// The whole module.
pub fn disassemble(module: &Module) -> String {
    let mut listing = Listing { module, text: String::new() };
    listing.header(&module.instruction);
    listing.tables();
    listing.bound();
    for (index, function) in module.functions.iter().enumerate() {
        listing.function(index, function);
    }
    listing.text
}

/// The name of a type, as a program writes it.
pub fn type_name(module: &Module, ty: TypeId) -> String {
    let mut text = String::new();
    write_type(module, ty, 0, &mut text);
    text
}

/// Deeper than the verifier admits; here modules are shown before they are checked.
const MAX_DEPTH: u8 = 20;

fn write_type(module: &Module, ty: TypeId, depth: u8, text: &mut String) {
    let name = match module.ty(ty) {
        None => "?",
        Some(_) if depth > MAX_DEPTH => "…",
        Some(Type::Int) => "int",
        Some(Type::Float) => "float",
        Some(Type::Bool) => "bool",
        Some(Type::String) => "string",
        Some(Type::Duration) => "duration",
        Some(Type::Bytes) => "bytes",
        Some(Type::Bandwidth) => "bandwidth",
        Some(Type::Money) => "money",
        Some(Type::Tokens) => "tokens",
        Some(Type::Percent) => "percent",
        Some(Type::Time) => "time",
        Some(Type::Rate(dimension)) => {
            let parts = [
                ("time", dimension.time),
                ("data", dimension.data),
                ("money", dimension.money),
                ("tokens", dimension.tokens),
            ];
            let parts = parts.iter().filter(|(_, exponent)| *exponent != 0);
            let parts: Vec<String> = parts.map(|(name, exponent)| format!("{name}^{exponent}")).collect();
            text.push_str("rate(");
            text.push_str(&parts.join(" "));
            ")"
        }
        Some(Type::List { element, max }) => {
            text.push_str("list<");
            write_type(module, *element, depth.saturating_add(1), text);
            text.push('>');
            if let Some(max) = max {
                text.push_str(&format!(" MAX {max}"));
            }
            ""
        }
        Some(Type::Record { name, .. }) => name,
        Some(Type::Optional(inner)) => {
            write_type(module, *inner, depth.saturating_add(1), text);
            "?"
        }
    };
    text.push_str(name);
}

struct Listing<'a> {
    module: &'a Module,
    text: String,
}

impl Listing<'_> {
    fn line(&mut self, line: &str) {
        self.text.push_str(line.trim_end());
        self.text.push('\n');
    }

    fn header(&mut self, instruction: &Instruction) {
        let name = if instruction.name.is_empty() { "(no name)" } else { &instruction.name };
        self.line(&format!("instruction {name} version {}", instruction.version));
        let priority = match instruction.priority {
            Priority::Low => Some("low"),
            Priority::Normal => None,
            Priority::High => Some("high"),
            Priority::Critical => Some("critical"),
        };
        let target = instruction.target.map(|target| {
            let count = match target.count {
                TargetCount::All => "all".to_owned(),
                TargetCount::Exactly(count) => format!("exactly {count}"),
                TargetCount::UpTo(count) => format!("up to {count}"),
            };
            let filter = target.filter.map(|filter| format!(" where {}", self.function_name(filter)));
            format!("{count}{}", filter.unwrap_or_default())
        });
        let facts = [
            ("priority", priority.map(str::to_owned)),
            ("deadline", instruction.deadline_ns.map(|limit| format(TypeId::DURATION, limit))),
            ("budget", instruction.budget_money.map(|limit| format(TypeId::MONEY, limit))),
            ("budget", instruction.budget_tokens.map(|limit| format(TypeId::TOKENS, limit))),
            ("target", target),
        ];
        for (name, fact) in facts {
            if let Some(fact) = fact {
                self.line(&format!("  {name} {fact}"));
            }
        }
    }

    fn tables(&mut self) {
        let module = self.module;
        self.section("types", module.types.iter().enumerate(), |listing, (index, ty)| {
            let id = usize::from(TypeId::BUILTIN_COUNT).saturating_add(index);
            let id = TypeId(u16::try_from(id).unwrap_or(u16::MAX));
            let fields =
                if let Type::Record { fields, .. } = ty { listing.fields(fields) } else { String::new() };
            format!("t{} {}{fields}", id.0, type_name(listing.module, id))
        });
        self.section("imports", module.imports.iter(), |listing, import| listing.import(import));
        self.section("inputs", module.inputs.iter(), |listing, input| {
            listing.declared(&input.name, input.ty, input.unit.as_deref(), input.default.as_ref())
        });
        self.section("context", module.contexts.iter(), |listing, context| {
            listing.declared(&context.name, context.ty, context.unit.as_deref(), context.default.as_ref())
        });
        self.section("metrics", module.metrics.iter(), |listing, metric| {
            let kind = match metric.kind {
                MetricKind::Total => "TOTAL",
                MetricKind::Gauge => "GAUGE",
                MetricKind::Distribution => "DISTRIBUTION",
            };
            format!("{}: {} {kind}", metric.name, type_name(listing.module, metric.ty))
        });
    }

    fn section<T>(
        &mut self,
        title: &str,
        items: impl ExactSizeIterator<Item = T>,
        show: impl Fn(&Self, T) -> String,
    ) {
        if items.len() == 0 {
            return;
        }
        self.line(&format!("\n{title}"));
        for item in items {
            let line = show(self, item);
            self.line(&format!("  {line}"));
        }
    }

    fn fields(&self, fields: &[Field]) -> String {
        let mut text = String::new();
        for field in fields {
            let declared = self.declared(&field.name, field.ty, None, None);
            let key = if field.key { " KEY" } else { "" };
            let extras = self.extras(field.ty, field.unit.as_deref(), field.default.as_ref());
            // Writing to a string cannot fail.
            let _ = write!(text, "\n    {declared}{key}{extras}");
        }
        text
    }

    fn declared(&self, name: &str, ty: TypeId, unit: Option<&str>, default: Option<&Constant>) -> String {
        format!("{name}: {}{}", type_name(self.module, ty), self.extras(ty, unit, default))
    }

    fn extras(&self, ty: TypeId, unit: Option<&str>, default: Option<&Constant>) -> String {
        let unit = unit.map(|unit| format!(" IN {unit}")).unwrap_or_default();
        let default = default.map(|default| format!(" = {}", self.constant(ty, default))).unwrap_or_default();
        format!("{unit}{default}")
    }

    fn constant(&self, ty: TypeId, constant: &Constant) -> String {
        match constant {
            Constant::Word(word) => format(ty, *word),
            Constant::Float(float) => self.float(ty, *float),
            Constant::String(text) => format!("{text:?}"),
            Constant::Empty => "empty".to_owned(),
        }
    }

    fn float(&self, ty: TypeId, value: f64) -> String {
        match self.module.ty(ty) {
            Some(Type::Rate(dimension)) => format_rate(*dimension, value),
            _ => format_float(value),
        }
    }

    fn import(&self, import: &Import) -> String {
        let parameters: Vec<String> =
            import.parameters.iter().map(|ty| type_name(self.module, *ty)).collect();
        let result = import.result.map(|ty| format!(" -> {}", type_name(self.module, ty)));
        let capability = import.capability.as_ref().map(|name| format!(" REQUIRES {name}"));
        let effect = match import.effect {
            Effect::Query => " QUERY",
            Effect::Idempotent => " IDEMPOTENT",
            Effect::Once => " ONCE",
            Effect::Plain => "",
        };
        let mut text = format!(
            "{}({}){}{}{effect}",
            import.name,
            parameters.join(", "),
            result.unwrap_or_default(),
            capability.unwrap_or_default(),
        );
        for (ty, amount) in [(TypeId::MONEY, import.cost.money), (TypeId::TOKENS, import.cost.tokens)] {
            match amount {
                Amount::Fixed(0) => {}
                Amount::Fixed(fixed) => text.push_str(&format!(" COSTS {}", format(ty, fixed))),
                Amount::Computed(function) => {
                    let name = self.function_name(function);
                    text.push_str(&format!(" COSTS {} by {name}", type_name(self.module, ty)));
                }
            }
        }
        text
    }

    fn bound(&mut self) {
        let bound = &self.module.bound;
        let figures = [
            ("fuel", &bound.fuel, TypeId::INT),
            ("memory", &bound.memory, TypeId::BYTES),
            ("host calls", &bound.host_calls, TypeId::INT),
            ("money", &bound.money, TypeId::MONEY),
            ("tokens", &bound.tokens, TypeId::TOKENS),
        ];
        let shown = figures.into_iter().filter(|(_, figure, _)| **figure != Polynomial::default());
        let shown: Vec<_> = shown.map(|(name, figure, ty)| (name, self.polynomial(figure, ty))).collect();
        self.section("worst case", shown.into_iter(), |_, (name, figure)| format!("{name} {figure}"));
    }

    fn polynomial(&self, polynomial: &Polynomial, ty: TypeId) -> String {
        let Polynomial::Terms(terms) = polynomial else { return "unbounded".to_owned() };
        let terms = terms.iter().map(|term| {
            let factors = term
                .factors
                .iter()
                .map(|input| self.module.inputs.get(input.index()).map_or("?", |input| input.name.as_str()));
            let factors: String = factors.map(|name| format!(" × {name}")).collect();
            let coefficient = i64::try_from(term.coefficient).unwrap_or(i64::MAX);
            format!("{}{factors}", format(ty, coefficient))
        });
        terms.collect::<Vec<_>>().join(" + ")
    }

    fn debug(&self, function: usize) -> Option<&FunctionDebug> {
        self.module.debug.as_ref()?.functions.get(function)
    }

    fn function_name(&self, id: FunctionId) -> String {
        let name = self.debug(id.index()).map(|debug| debug.name.as_str()).filter(|name| !name.is_empty());
        name.map_or_else(|| format!("f{}", id.0), str::to_owned)
    }

    fn function(&mut self, index: usize, function: &Function) {
        let id = FunctionId(u16::try_from(index).unwrap_or(u16::MAX));
        let name = self.function_name(id);
        let entry = if self.module.entry == id { ", entry" } else { "" };
        let result = function.result.map(|ty| format!(" -> {}", type_name(self.module, ty)));
        let layout = Layout::of(&function.code).ok();
        let cost = layout.as_ref().map(|layout| format!(", static cost {}", layout.total()));
        self.line(&format!(
            "\nfunction {index} {name}{}{entry}{}",
            result.unwrap_or_default(),
            cost.unwrap_or_default()
        ));
        for (register, ty) in function.registers.iter().enumerate() {
            let role = if register < usize::from(function.parameters) { "parameter" } else { "register" };
            let name = self.register_name(index, register);
            let ty = type_name(self.module, *ty);
            self.line(&format!("  {role} r{register}{name}: {ty}"));
        }
        for (at, op) in function.code.iter().enumerate() {
            let depth = layout.as_ref().map_or(0, |layout| layout.depth(at));
            let line = self.op(index, function, at, op, depth);
            self.line(&line);
        }
    }

    fn register_name(&self, function: usize, register: usize) -> String {
        let names = self.debug(function).map(|debug| debug.registers.as_slice()).unwrap_or_default();
        let name = names.iter().find(|(named, _)| usize::from(*named) == register);
        name.map(|(_, name)| format!(" {name}")).unwrap_or_default()
    }

    /// Index, cost (`+` where it grows with an operand), the op inside its blocks, and its place.
    fn op(&self, index: usize, function: &Function, at: usize, op: &Op, depth: usize) -> String {
        let info = op.info();
        let cost = format!("{}{}", info.cost, if info.settle == Settle::Dynamic { "+" } else { "" });
        let operands = self.operands(function, op);
        let body = format!("{}{} {}", "  ".repeat(depth), info.mnemonic, operands.join(", "));
        let place = self.debug(index).and_then(|debug| {
            let at = u32::try_from(at).ok()?;
            let found = debug.places.binary_search_by_key(&at, |(op, _)| *op).ok()?;
            debug.places.get(found).map(|(_, place)| format!("; {}:{}", place.line, place.column))
        });
        format!("{at:>5} {cost:>3}  {body:<44} {}", place.unwrap_or_default())
    }

    fn operands(&self, function: &Function, op: &Op) -> Vec<String> {
        let ty = |register: Register| function.registers.get(usize::from(register.0)).copied();
        let mut shown = Vec::new();
        // What an immediate operand is read by: the type of the result, or of the record.
        let mut context = None;
        op.visit_operands(|_, kind, operand| {
            shown.push(match (kind, operand) {
                (_, Operand::Register(register)) => {
                    if let OperandKind::Destination(_)
                    | OperandKind::Source(crate::op::OperandClass::Record) = kind
                    {
                        context = ty(register);
                    }
                    format!("r{}", register.0)
                }
                (_, Operand::Registers(list)) => {
                    let list: Vec<String> = list.iter().map(|register| format!("r{}", register.0)).collect();
                    format!("({})", list.join(", "))
                }
                (_, Operand::Integer(value)) => match op {
                    Op::Integer { .. } => format(context.unwrap_or(TypeId::INT), value),
                    _ => value.to_string(),
                },
                (kind, Operand::Index(index)) => self.index(kind, index, context),
            });
        });
        shown
    }

    fn index(&self, kind: OperandKind, index: u32, context: Option<TypeId>) -> String {
        let module = self.module;
        let at = usize::try_from(index).unwrap_or(usize::MAX);
        let record = context.and_then(|ty| module.ty(ty));
        let named = match (kind, record) {
            (OperandKind::Depth, _) => Some(index.to_string()),
            (OperandKind::Float, _) => {
                let float = module.floats.get(at).copied();
                float.map(|float| self.float(context.unwrap_or(TypeId::FLOAT), float))
            }
            (OperandKind::String, _) => module.strings.get(at).map(|text| format!("{text:?}")),
            (OperandKind::Function, _) => {
                u16::try_from(index).ok().map(|index| self.function_name(FunctionId(index)))
            }
            (OperandKind::Import, _) => module.imports.get(at).map(|import| import.name.to_string()),
            (OperandKind::Input, _) => module.inputs.get(at).map(|input| input.name.to_string()),
            (OperandKind::Context, _) => module.contexts.get(at).map(|context| context.name.to_string()),
            (OperandKind::Metric, _) => module.metrics.get(at).map(|metric| metric.name.to_string()),
            (OperandKind::Field, Some(Type::Record { fields, .. })) => {
                fields.get(at).map(|field| format!(".{}", field.name))
            }
            _ => None,
        };
        named.unwrap_or_else(|| format!("#{index}"))
    }
}
