//! PartiQL: the statements that DynamoDB takes, read into the same conditions, updates and items as the other operations
//! have. Source: DynamoDB Developer Guide, "PartiQL - a SQL-compatible query language for Amazon DynamoDB".
//!
//! Reading order: [`token`], [`parse`] (statements), [`condition`] (WHERE), [`literal`] (values), [`plan`] (which keys a
//! statement speaks of).

mod condition;
mod literal;
mod parse;
pub(crate) mod plan;
#[cfg(test)]
mod tests;
mod token;

pub(crate) use parse::parse;

use crate::expression::{Condition, Path, Update};
use crate::value::Attrs;

#[derive(Clone, Debug)]
pub(crate) enum Statement {
    Select(Select),
    /// `EXISTS(SELECT …)`, which a transaction may have.
    Exists(Select),
    Insert {
        table: String,
        item: Attrs,
    },
    Update {
        table: String,
        update: Update,
        condition: Condition,
        returning: Option<Returning>,
    },
    Delete {
        table: String,
        condition: Condition,
        returning: Option<Returning>,
    },
}

#[derive(Clone, Debug)]
pub(crate) struct Select {
    /// `None` for `*`.
    pub(crate) paths: Option<Vec<Path>>,
    pub(crate) table: String,
    pub(crate) index: Option<String>,
    pub(crate) condition: Option<Condition>,
    /// Attributes, each with whether it descends.
    pub(crate) order: Vec<(String, bool)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Returning {
    AllOld,
    ModifiedOld,
    AllNew,
    ModifiedNew,
}

impl Statement {
    pub(crate) fn table(&self) -> &str {
        match self {
            Statement::Select(select) | Statement::Exists(select) => &select.table,
            Statement::Insert { table, .. }
            | Statement::Update { table, .. }
            | Statement::Delete { table, .. } => table,
        }
    }

    pub(crate) fn is_read(&self) -> bool {
        matches!(self, Statement::Select(_))
    }
}
