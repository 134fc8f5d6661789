//! Updates: what is to become of an item.

use std::borrow::Cow;

use haneul_kit::{ApiError, Result};

use super::condition::{arity, not_allowed_so, operand_type};
use super::names::Placeholders;
use super::path::{Path, Step, clashes};
use super::raw::{self, RawOperand, RawUpdate};
use super::{Projection, invalid};
use crate::error::validation;
use crate::value::{Attrs, Value};

#[derive(Clone, Debug, Default)]
pub(crate) struct Update {
    pub(crate) set: Vec<(Path, Term)>,
    pub(crate) remove: Vec<Path>,
    pub(crate) add: Vec<(Path, Value)>,
    pub(crate) delete: Vec<(Path, Value)>,
    /// Made of AttributeUpdates, whose mismatches have words of their own.
    pub(crate) legacy: bool,
}

impl Update {
    /// Whether it takes attributes or elements away and does nothing else. One that does nothing at all is none of these.
    pub(crate) fn only_removes(&self) -> bool {
        self.set.is_empty() && self.add.is_empty() && !(self.remove.is_empty() && self.delete.is_empty())
    }
}

/// The right side of SET.
#[derive(Clone, Debug)]
pub(crate) enum Term {
    Path(Path),
    Value(Value),
    IfNotExists(Path, Box<Term>),
    ListAppend(Box<Term>, Box<Term>),
    Plus(Box<Term>, Box<Term>),
    Minus(Box<Term>, Box<Term>),
}

const KIND: &str = "UpdateExpression";

const INVALID_PATH: &str = "The document path provided in the update expression is invalid for update";
const WRONG_TYPE: &str = "An operand in the update expression has an incorrect data type";
const NO_ATTRIBUTE: &str = "The provided expression refers to an attribute that does not exist in the item";

type Checked<T> = std::result::Result<T, String>;

impl Update {
    pub(crate) fn parse(text: &str, placeholders: &Placeholders) -> Result<Update> {
        raw::update(text)
            .and_then(|raw| {
                check_words(&raw, placeholders)?;
                let update = resolve(&raw, placeholders)?;
                clashes(&update.paths().collect::<Vec<_>>())?;
                Ok(update)
            })
            .map_err(|why| invalid(KIND, why))
    }

    /// The paths that it changes.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &Path> {
        let set = self.set.iter().map(|(path, _)| path);
        let with_value = self.add.iter().chain(&self.delete).map(|(path, _)| path);
        set.chain(&self.remove).chain(with_value)
    }

    /// The parts that it touches, for UPDATED_OLD and UPDATED_NEW.
    pub(crate) fn touched(&self) -> Projection {
        Projection::of(self.paths().cloned().collect())
    }

    /// The item as it is afterwards. Every right side sees the item as it was.
    pub(crate) fn apply(&self, before: &Attrs) -> Result<Attrs> {
        let mut item = before.clone();
        let mut values = Vec::with_capacity(self.set.len());
        for (path, term) in &self.set {
            values.push((path, term.evaluate(before)?.into_owned()));
        }
        // Later elements first would leave holes: what lies beyond a list's end is appended in the order of the indexes.
        values.sort_by_key(|(path, _)| match path.0.last() {
            Some(Step::Index(index)) => *index,
            _ => 0,
        });
        for (path, value) in values {
            set(&mut item, path, value)?;
        }
        for (path, value) in &self.add {
            add(&mut item, path, value).map_err(|error| self.worded(error))?;
        }
        for (path, value) in &self.delete {
            delete(&mut item, path, value).map_err(|error| self.worded(error))?;
        }
        // From the back, so that an index still means what it meant.
        let mut removed: Vec<&Path> = self.remove.iter().collect();
        removed.sort_by_key(|path| match path.0.last() {
            Some(Step::Index(index)) => std::cmp::Reverse(*index),
            _ => std::cmp::Reverse(0),
        });
        for path in removed {
            remove(&mut item, path)?;
        }
        Ok(item)
    }
}

impl Update {
    fn worded(&self, error: ApiError) -> ApiError {
        match self.legacy && error.message() == WRONG_TYPE {
            true => validation("Type mismatch for attribute to update"),
            false => error,
        }
    }
}

impl Term {
    fn evaluate<'a>(&'a self, item: &'a Attrs) -> Result<Cow<'a, Value>> {
        Ok(match self {
            Term::Value(value) => Cow::Borrowed(value),
            Term::Path(path) => Cow::Borrowed(path.get(item).ok_or_else(|| validation(NO_ATTRIBUTE))?),
            Term::IfNotExists(path, other) => match path.get(item) {
                Some(value) => Cow::Borrowed(value),
                None => other.evaluate(item)?,
            },
            Term::ListAppend(a, b) => {
                match (a.evaluate(item)?.into_owned(), b.evaluate(item)?.into_owned()) {
                    (Value::L(mut list), Value::L(more)) => {
                        list.extend(more);
                        Cow::Owned(Value::L(list))
                    }
                    _ => return Err(validation(WRONG_TYPE)),
                }
            }
            Term::Plus(a, b) | Term::Minus(a, b) => match (&*a.evaluate(item)?, &*b.evaluate(item)?) {
                (Value::N(a), Value::N(b)) => {
                    let sum = if matches!(self, Term::Plus(..)) { a.add(b) } else { a.sub(b) };
                    Cow::Owned(Value::N(sum.map_err(|error| validation(error.to_string()))?))
                }
                _ => return Err(validation(WRONG_TYPE)),
            },
        })
    }
}

/// The map or list that holds the last step of a path.
fn parent<'a>(item: &'a mut Attrs, path: &Path) -> Option<Container<'a>> {
    let (_, steps) = path.0.split_last()?;
    let Some((first, steps)) = steps.split_first() else { return Some(Container::Map(item)) };
    let Step::Name(first) = first else { return None };
    let mut value = item.get_mut(first)?;
    for step in steps {
        value = match (step, value) {
            (Step::Name(name), Value::M(map)) => map.get_mut(name)?,
            (Step::Index(index), Value::L(list)) => list.get_mut(*index)?,
            _ => return None,
        };
    }
    match value {
        Value::M(map) => Some(Container::Map(map)),
        Value::L(list) => Some(Container::List(list)),
        _ => None,
    }
}

enum Container<'a> {
    Map(&'a mut Attrs),
    List(&'a mut Vec<Value>),
}

fn set(item: &mut Attrs, path: &Path, value: Value) -> Result<()> {
    match (parent(item, path), path.0.last()) {
        (Some(Container::Map(map)), Some(Step::Name(name))) => map.insert(name, value),
        (Some(Container::List(list)), Some(Step::Index(index))) => match list.get_mut(*index) {
            Some(element) => *element = value,
            None => list.push(value),
        },
        _ => return Err(validation(INVALID_PATH)),
    }
    Ok(())
}

fn remove(item: &mut Attrs, path: &Path) -> Result<()> {
    match (parent(item, path), path.0.last()) {
        (Some(Container::Map(map)), Some(Step::Name(name))) => drop(map.remove(name)),
        (Some(Container::List(list)), Some(Step::Index(index))) => {
            if *index < list.len() {
                list.remove(*index);
            }
        }
        _ => return Err(validation(INVALID_PATH)),
    }
    Ok(())
}

/// The place of a value that is there; `None` when only its parent is.
fn place<'a>(item: &'a mut Attrs, path: &Path) -> Result<Option<&'a mut Value>> {
    match (parent(item, path), path.0.last()) {
        (Some(Container::Map(map)), Some(Step::Name(name))) => Ok(map.get_mut(name)),
        (Some(Container::List(list)), Some(Step::Index(index))) => Ok(list.get_mut(*index)),
        _ => Err(validation(INVALID_PATH)),
    }
}

fn add(item: &mut Attrs, path: &Path, value: &Value) -> Result<()> {
    fn union<T: Clone + PartialEq>(set: &mut Vec<T>, more: &[T]) {
        for element in more {
            if !set.contains(element) {
                set.push(element.clone());
            }
        }
    }
    match (place(item, path)?, value) {
        (None, value) => set(item, path, value.clone())?,
        (Some(Value::N(number)), Value::N(more)) => {
            *number = number.add(more).map_err(|error| validation(error.to_string()))?;
        }
        (Some(Value::Ss(set)), Value::Ss(more)) => union(set, more),
        (Some(Value::Ns(set)), Value::Ns(more)) => union(set, more),
        (Some(Value::Bs(set)), Value::Bs(more)) => union(set, more),
        // Only AttributeUpdates can ask for it.
        (Some(Value::L(list)), Value::L(more)) => list.extend(more.iter().cloned()),
        _ => return Err(validation(WRONG_TYPE)),
    }
    Ok(())
}

/// An empty set is no value: with its last element the attribute goes too.
fn delete(item: &mut Attrs, path: &Path, value: &Value) -> Result<()> {
    fn subtract<T: PartialEq>(set: &mut Vec<T>, less: &[T]) -> bool {
        set.retain(|element| !less.contains(element));
        set.is_empty()
    }
    let empty = match (place(item, path)?, value) {
        (None, _) => false,
        (Some(Value::Ss(set)), Value::Ss(less)) => subtract(set, less),
        (Some(Value::Ns(set)), Value::Ns(less)) => subtract(set, less),
        (Some(Value::Bs(set)), Value::Bs(less)) => subtract(set, less),
        _ => return Err(validation(WRONG_TYPE)),
    };
    if empty { remove(item, path) } else { Ok(()) }
}

fn check_words(raw: &RawUpdate<'_>, placeholders: &Placeholders) -> Checked<()> {
    for (path, value) in raw.set.iter().chain(&raw.add).chain(&raw.delete) {
        placeholders.check_path(path)?;
        check_operand_words(value, placeholders)?;
    }
    raw.remove.iter().try_for_each(|path| placeholders.check_path(path))
}

fn check_operand_words(raw: &RawOperand<'_>, placeholders: &Placeholders) -> Checked<()> {
    match raw {
        RawOperand::Path(steps) => placeholders.check_path(steps),
        RawOperand::Value(_) => Ok(()),
        RawOperand::Function(name, operands) => {
            if !matches!(*name, "if_not_exists" | "list_append") {
                return Err(format!("Invalid function name; function: {name}"));
            }
            operands.iter().try_for_each(|one| check_operand_words(one, placeholders))
        }
        RawOperand::Arithmetic(_, a, b) => {
            check_operand_words(a, placeholders).and_then(|()| check_operand_words(b, placeholders))
        }
    }
}

fn resolve(raw: &RawUpdate<'_>, placeholders: &Placeholders) -> Checked<Update> {
    let mut update = Update::default();
    for (path, value) in &raw.set {
        update.set.push((placeholders.path(path)?, term(value, placeholders)?));
    }
    for path in &raw.remove {
        update.remove.push(placeholders.path(path)?);
    }
    for (path, value) in &raw.add {
        let path = placeholders.path(path)?;
        let value = set_operand("ADD", value, placeholders)?;
        if !matches!(value, Value::N(_) | Value::Ss(_) | Value::Ns(_) | Value::Bs(_)) {
            return Err(wrong_set("ADD", &value));
        }
        update.add.push((path, value));
    }
    for (path, value) in &raw.delete {
        let path = placeholders.path(path)?;
        let value = set_operand("DELETE", value, placeholders)?;
        if !matches!(value, Value::Ss(_) | Value::Ns(_) | Value::Bs(_)) {
            return Err(wrong_set("DELETE", &value));
        }
        update.delete.push((path, value));
    }
    Ok(update)
}

/// ADD and DELETE take a value of the request and nothing else.
fn set_operand(clause: &str, raw: &RawOperand<'_>, placeholders: &Placeholders) -> Checked<Value> {
    match raw {
        RawOperand::Value(name) => placeholders.value(name),
        RawOperand::Function(name, _) => Err(not_allowed_so(name)),
        _ => Err(format!("Operator or function requires an expression attribute value; operator: {clause}")),
    }
}

fn wrong_set(clause: &str, value: &Value) -> String {
    let name = match value {
        Value::S(_) => "STRING",
        Value::N(_) => "NUMBER",
        Value::B(_) => "BINARY",
        Value::Bool(_) => "BOOLEAN",
        Value::Null => "NULL",
        Value::M(_) => "MAP",
        Value::L(_) => "LIST",
        Value::Ss(_) => "STRING_SET",
        Value::Ns(_) => "NUMBER_SET",
        Value::Bs(_) => "BINARY_SET",
    };
    format!(
        "Incorrect operand type for operator or function; operator: {clause}, operand type: {name}, typeSet: \
         ALLOWED_FOR_{clause}_OPERAND"
    )
}

fn term(raw: &RawOperand<'_>, placeholders: &Placeholders) -> Checked<Term> {
    let boxed = |raw: &RawOperand<'_>| term(raw, placeholders).map(Box::new);
    match raw {
        RawOperand::Path(steps) => placeholders.path(steps).map(Term::Path),
        RawOperand::Value(name) => placeholders.value(name).map(Term::Value),
        RawOperand::Function(name, operands) => {
            let [a, b] = operands.as_slice() else { return Err(arity(name, operands.len())) };
            if *name == "if_not_exists" {
                let Term::Path(path) = term(a, placeholders)? else {
                    return Err(format!(
                        "Operator or function requires a document path; operator or function: {name}"
                    ));
                };
                return Ok(Term::IfNotExists(path, boxed(b)?));
            }
            let (a, b) = (boxed(a)?, boxed(b)?);
            [&a, &b].into_iter().try_for_each(|one| check_type(name, one, "L"))?;
            Ok(Term::ListAppend(a, b))
        }
        RawOperand::Arithmetic(sign, a, b) => {
            let (a, b) = (boxed(a)?, boxed(b)?);
            [&a, &b].into_iter().try_for_each(|one| check_type(sign, one, "N"))?;
            Ok(if *sign == "+" { Term::Plus(a, b) } else { Term::Minus(a, b) })
        }
    }
}

fn check_type(name: &str, term: &Term, wanted: &str) -> Checked<()> {
    let found = match term {
        Term::Value(value) => value.type_name(),
        Term::ListAppend(..) => "L",
        Term::Plus(..) | Term::Minus(..) => "N",
        Term::Path(_) => return Ok(()),
        Term::IfNotExists(_, other) => return check_type(name, other, wanted),
    };
    if found == wanted { Ok(()) } else { Err(operand_type(name, found)) }
}
