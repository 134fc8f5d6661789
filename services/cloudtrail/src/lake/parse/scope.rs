//! What a name means in a SELECT.

use sqlparser::ast;

use super::{COLUMNS, Planner, Result};
use crate::lake::expr::Expr;
use crate::lake::nodes::Scan;
use crate::lake::run::aggregate::Aggregate;
use crate::lake::run::window::Window;

/// A SELECT while it is read.
#[derive(Default)]
pub(super) struct Scope {
    pub(super) relations: Vec<Relation>,
    /// Columns of USING, which stand for those of both sides.
    pub(super) merged: Vec<(String, Expr)>,
    /// What rows are grouped by, once they are.
    pub(super) groups: Option<Vec<Expr>>,
    pub(super) aggregates: Vec<Aggregate>,
    pub(super) windows: Vec<Window>,
    /// Columns that come out, where they can be named.
    pub(super) aliases: Vec<(String, Expr)>,
    /// Whether windows may stand here.
    pub(super) takes_windows: bool,
    /// Whether a name may be of the SELECT around.
    pub(super) sees_outer: bool,
    /// Whether an aggregate stood where rows were not grouped.
    pub(super) met_aggregate: bool,
    /// While an expression is only compared with others, it has no subqueries.
    pub(super) comparing: bool,
    /// Parameters of the lambda expressions that we are in.
    pub(super) parameters: Vec<String>,
}

pub(super) struct Relation {
    pub(super) names: Vec<String>,
    pub(super) columns: Columns,
}

pub(super) enum Columns {
    /// Those of events, by the number of the scan.
    Events(usize),
    Named(Vec<String>),
}

const PATH_MAX: usize = 20;

impl Planner<'_> {
    pub(super) fn scope(&mut self) -> &mut Scope {
        if self.scopes.is_empty() {
            self.scopes.push(Scope::default());
        }
        let last = self.scopes.len() - 1;
        &mut self.scopes[last]
    }

    /// What a name with its fields means.
    pub(super) fn column(&mut self, parts: &[ast::Ident]) -> Result<Expr> {
        let names: Vec<String> = parts.iter().map(|ident| ident.value.clone()).collect();
        if names.len() > PATH_MAX {
            return Err(format!("'{}' has too many parts", names[0]));
        }
        self.scope();
        let level = self.scopes.len() - 1;
        let scope = &self.scopes[level];
        let same = |name: &String| name.eq_ignore_ascii_case(&names[0]);
        if let Some(at) = scope.parameters.iter().rposition(same) {
            return Ok(fields(Expr::Parameter(at), &names[1..]));
        }
        if let Some((_, found)) = scope.aliases.iter().find(|(alias, _)| same(alias)) {
            return Ok(fields(found.clone(), &names[1..]));
        }
        if let Some(found) = self.found(level, &names)? {
            return Ok(found);
        }
        if self.scopes[level].sees_outer
            && level > 0
            && let Some(found) = self.found(level - 1, &names)?
        {
            return Ok(Expr::Outer(Box::new(found)));
        }
        Err(format!("Column '{}' cannot be resolved", names.join(".")))
    }

    fn found(&mut self, level: usize, names: &[String]) -> Result<Option<Expr>> {
        let scope = &self.scopes[level];
        let is =
            |relation: &Relation, name: &str| relation.names.iter().any(|own| own.eq_ignore_ascii_case(name));
        let mut places = Vec::new();
        if names.len() > 1 {
            for (at, relation) in scope.relations.iter().enumerate() {
                if is(relation, &names[0]) && relation.has(&names[1]) {
                    places.push((at, 1));
                }
            }
        }
        if places.is_empty() {
            let merged = scope.merged.iter().find(|(name, _)| name.eq_ignore_ascii_case(&names[0]));
            if let Some((_, found)) = merged {
                let found = fields(found.clone(), &names[1..]);
                return self.of_groups(level, found, names).map(Some);
            }
            for (at, relation) in scope.relations.iter().enumerate() {
                if relation.has(&names[0]) {
                    places.push((at, 0));
                }
            }
        }
        match places[..] {
            [] => Ok(None),
            [(relation, from)] => {
                let path = &names[from..];
                // A group may be by a row, of which a field is asked.
                if self.scopes[level].groups.is_some() {
                    for length in 1..=path.len() {
                        let column = self.of_relation(level, relation, &path[..length]);
                        if let Some(found) = self.group_of(level, &column) {
                            return Ok(Some(fields(found, &path[length..])));
                        }
                    }
                }
                let column = self.of_relation(level, relation, path);
                self.of_groups(level, column, names).map(Some)
            }
            _ => Err(format!("Column '{}' is ambiguous", names.join("."))),
        }
    }

    /// A column of a relation, with fields in it; it is read from then on.
    pub(super) fn of_relation(&mut self, level: usize, relation: usize, path: &[String]) -> Expr {
        match &self.scopes[level].relations[relation].columns {
            Columns::Named(columns) => {
                let at = columns.iter().position(|name| name.eq_ignore_ascii_case(&path[0]));
                fields(Expr::Column(relation, at.unwrap_or(0)), &path[1..])
            }
            Columns::Events(scan) => Expr::Column(relation, read(&mut self.scans[*scan], path)),
        }
    }

    fn group_of(&self, level: usize, expr: &Expr) -> Option<Expr> {
        let groups = self.scopes[level].groups.as_ref()?;
        groups.iter().position(|key| key == expr).map(|at| Expr::Column(0, at))
    }

    fn of_groups(&self, level: usize, expr: Expr, names: &[String]) -> Result<Expr> {
        if self.scopes[level].groups.is_none() {
            return Ok(expr);
        }
        self.group_of(level, &expr).ok_or_else(|| {
            let name = names.join(".");
            format!("'{name}' must be an aggregate expression or appear in GROUP BY clause")
        })
    }

    /// All columns of a relation, with their names.
    pub(super) fn all_of(&mut self, relation: usize) -> Vec<(String, Expr)> {
        let level = self.scopes.len() - 1;
        let names = match &self.scopes[level].relations[relation].columns {
            Columns::Named(names) => {
                let all = names.iter().enumerate();
                return all.map(|(at, name)| (name.clone(), Expr::Column(relation, at))).collect();
            }
            // What is the event once more is asked for by name.
            Columns::Events(_) => COLUMNS.iter().filter(|name| !name.starts_with("eventJson")),
        };
        let names: Vec<String> = names.map(|name| (*name).to_owned()).collect();
        let column = |name: String| {
            let column = self.of_relation(level, relation, std::slice::from_ref(&name));
            (name, column)
        };
        names.into_iter().map(column).collect()
    }
}

impl Relation {
    fn has(&self, name: &str) -> bool {
        match &self.columns {
            Columns::Named(names) => names.iter().any(|own| own.eq_ignore_ascii_case(name)),
            Columns::Events(_) => COLUMNS.iter().any(|own| own.eq_ignore_ascii_case(name)),
        }
    }
}

pub(super) fn fields(expr: Expr, names: &[String]) -> Expr {
    names.iter().fold(expr, |expr, name| Expr::Field(Box::new(expr), name.clone()))
}

/// The number of a path among the columns of a scan.
fn read(scan: &mut Scan, path: &[String]) -> usize {
    let mut path = path.to_vec();
    if let Some(column) = COLUMNS.iter().find(|column| column.eq_ignore_ascii_case(&path[0])) {
        path[0] = (*column).to_owned();
    }
    let same = |own: &Vec<String>| {
        own.len() == path.len() && own.iter().zip(&path).all(|(one, other)| one.eq_ignore_ascii_case(other))
    };
    if let Some(at) = scan.columns.iter().position(same) {
        return at;
    }
    scan.columns.push(path);
    scan.columns.len() - 1
}
