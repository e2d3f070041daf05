//! A module as text for people: every table, and each function with types, names and costs. It never fails; of a
//! module that breaks rules it shows what there is.

mod tables;

use crate::layout::Layout;
use crate::module::{Function, FunctionDebug, FunctionId, Module};
use crate::native::NativeId;
use crate::op::{Op, Operand, OperandClass, OperandKind, Register, Settle};
use crate::quantity::format;
use crate::types::{EnumCase, Type, TypeId};

/// What a module declares: [`disassemble`] without its functions.
pub fn outline(module: &Module) -> String {
    let mut listing = Listing { module, text: String::new() };
    listing.header(&module.instruction);
    listing.tables();
    listing.bound();
    listing.text
}

/// The whole module.
pub fn disassemble(module: &Module) -> String {
    let mut listing = Listing { module, text: outline(module) };
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
        Some(Type::Secret) => "secret",
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
        Some(Type::Record { name, .. } | Type::Enum { name, .. }) => name,
        Some(Type::Map { key, value, max }) => {
            text.push_str("map<");
            write_type(module, *key, depth.saturating_add(1), text);
            text.push_str(", ");
            write_type(module, *value, depth.saturating_add(1), text);
            text.push('>');
            if let Some(max) = max {
                text.push_str(&format!(" MAX {max}"));
            }
            ""
        }
        Some(Type::Optional(inner)) => {
            write_type(module, *inner, depth.saturating_add(1), text);
            "?"
        }
    };
    text.push_str(name);
}

/// The name of a case.
fn case_name(cases: &[EnumCase], case: usize) -> String {
    cases.get(case).map_or_else(|| format!("case {case}"), |case| case.name.to_string())
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
        let mut depth = 0_usize;
        for (at, op) in function.code.iter().enumerate() {
            let (opens, closes) = op.info().flow.blocks();
            depth = depth.saturating_sub(usize::from(closes));
            let line = self.op(index, function, at, op, if layout.is_some() { depth } else { 0 });
            depth = depth.saturating_add(usize::from(opens));
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
        let mut context = Reading::default();
        op.visit_operands(|_, kind, operand| {
            shown.push(match (kind, operand) {
                (_, Operand::Register(register)) => {
                    if let OperandKind::Destination(_)
                    | OperandKind::Source(OperandClass::Record | OperandClass::Enum) = kind
                    {
                        context.ty = ty(register);
                    }
                    format!("r{}", register.0)
                }
                (_, Operand::Registers(list)) => {
                    let list: Vec<String> = list.iter().map(|register| format!("r{}", register.0)).collect();
                    format!("({})", list.join(", "))
                }
                (_, Operand::Integer(value)) => match op {
                    Op::Integer { .. } => format(context.ty.unwrap_or(TypeId::INT), value),
                    _ => value.to_string(),
                },
                (kind, Operand::Index(index)) => {
                    let text = self.index(kind, index, &context);
                    if kind == OperandKind::Case {
                        context.case = usize::try_from(index).ok();
                    }
                    text
                }
            });
        });
        shown
    }

    fn index(&self, kind: OperandKind, index: u32, context: &Reading) -> String {
        let module = self.module;
        let at = usize::try_from(index).unwrap_or(usize::MAX);
        let ty = context.ty.and_then(|ty| module.ty(ty));
        let short = u16::try_from(index).ok();
        let named = match (kind, ty) {
            (OperandKind::Depth, _) => Some(index.to_string()),
            (OperandKind::Float, _) => {
                let float = module.floats.get(at).copied();
                float.map(|float| self.float(context.ty.unwrap_or(TypeId::FLOAT), float))
            }
            (OperandKind::String, _) => module.strings.get(at).map(|text| format!("{text:?}")),
            (OperandKind::Function, _) => short.map(|index| self.function_name(FunctionId(index))),
            (OperandKind::Import, _) => module.imports.get(at).map(|import| import.name.to_string()),
            (OperandKind::Input, _) => module.inputs.get(at).map(|input| input.name.to_string()),
            (OperandKind::Context, _) => module.contexts.get(at).map(|context| context.name.to_string()),
            (OperandKind::Metric, _) => module.metrics.get(at).map(|metric| metric.name.to_string()),
            (OperandKind::State, _) => module.states.get(at).map(|state| state.name.to_string()),
            (OperandKind::Native, _) => {
                short.and_then(|index| NativeId(index).function()).map(|native| native.info().name.to_owned())
            }
            (OperandKind::Case, Some(Type::Enum { cases, .. })) => Some(case_name(cases, at)),
            (OperandKind::Field, Some(Type::Record { fields, .. })) => {
                fields.get(at).map(|field| format!(".{}", field.name))
            }
            (OperandKind::Field, Some(Type::Enum { cases, .. })) => context
                .case
                .and_then(|case| cases.get(case)?.fields.get(at))
                .map(|field| format!(".{}", field.name)),
            _ => None,
        };
        named.unwrap_or_else(|| format!("#{index}"))
    }
}

/// What an immediate operand is read by.
#[derive(Default)]
struct Reading {
    /// The type of the result, or of the record or enum.
    ty: Option<TypeId>,
    /// The case that was named before.
    case: Option<usize>,
}
