//! Subqueries in expressions. One that names nothing of the row around is run once; one that does is run once too, with what
//! connects it as its keys: each row finds its own by them.

use sqlparser::ast::{self, SelectItem, SetExpr};

use super::place::{conjuncts, place, relations_of};
use super::scope::Scope;
use super::select::check;
use super::terms::negate;
use super::{Planner, Result};
use crate::lake::expr::{Comparison, Expr, Row, Segment, Subquery, SubqueryKind};
use crate::lake::nodes::{Gather, Node};
use crate::lake::run::aggregate::State;
use crate::lake::run::answers::{Answers, SUBQUERIES_MAX};
use crate::lake::run::budget::Fuel;
use crate::lake::value::Value;

/// What is asked of a subquery.
#[derive(Clone, Copy, PartialEq)]
enum Asked {
    Exists,
    In,
    Scalar,
}

impl<'q> Planner<'q> {
    pub(super) fn subquery(&mut self, expr: &'q ast::Expr) -> Result<Expr> {
        if self.scope().comparing {
            return Err("A subquery is no key".to_owned());
        }
        if !self.scope().parameters.is_empty() {
            return Err("A lambda expression has no subqueries".to_owned());
        }
        let (asked, query, negated, value) = match expr {
            ast::Expr::Exists { subquery, negated } => (Asked::Exists, subquery, *negated, None),
            ast::Expr::InSubquery { expr, subquery, negated } => {
                (Asked::In, subquery, *negated, Some(self.expr(expr)?))
            }
            ast::Expr::Subquery(subquery) => (Asked::Scalar, subquery, false, None),
            other => return Err(format!("{other} is not supported")),
        };
        let known = (self.scans.len(), self.subqueries.len());
        let alone = self.apart(query).and_then(|planned| {
            if asked != Asked::Exists && planned.columns.len() != 1 {
                return Err(format!(
                    "Multiple columns returned by subquery are not yet supported. Found {}",
                    planned.columns.len()
                ));
            }
            let gather = Gather {
                node: planned.node,
                keys: Vec::new(),
                value: (asked != Asked::Exists).then_some(Expr::Column(0, 0)),
                rows: false,
                single: asked == Asked::Scalar,
            };
            Ok((gather, Vec::new(), Vec::new(), Value::Null))
        });
        let planned = match alone {
            Ok(planned) => planned,
            Err(error) if error.contains("cannot be resolved") => {
                self.scans.truncate(known.0);
                self.subqueries.truncate(known.1);
                self.connected(query, asked)?
            }
            Err(error) => return Err(error),
        };
        let (gather, keys, residual, missing) = planned;
        if self.subqueries.len() >= SUBQUERIES_MAX {
            return Err(format!("More than {SUBQUERIES_MAX} subqueries"));
        }
        self.subqueries.push(gather);
        let kind = match (asked, value) {
            (Asked::In, Some(value)) => SubqueryKind::In(value),
            (Asked::Scalar, _) => SubqueryKind::Scalar(missing),
            _ => SubqueryKind::Exists,
        };
        let number = self.subqueries.len() - 1;
        Ok(negate(negated, Expr::Subquery(Box::new(Subquery { number, kind, keys, residual }))))
    }

    /// One that names what is around it, in equalities of its WHERE.
    fn connected(
        &mut self,
        query: &'q ast::Query,
        asked: Asked,
    ) -> Result<(Gather, Vec<Expr>, Vec<Expr>, Value)> {
        let refused = || "This subquery names what is around it in a form that is not supported".to_owned();
        let bounded = query.limit_clause.is_some() || query.fetch.is_some();
        let SetExpr::Select(select) = &*query.body else { return Err(refused()) };
        if query.with.is_some() || (bounded && asked != Asked::Exists) {
            return Err(refused());
        }
        check(select)?;
        let grouped = !matches!(&select.group_by, ast::GroupByExpr::Expressions(all, _) if all.is_empty());
        if grouped || select.having.is_some() {
            return Err(refused());
        }
        self.scopes.push(Scope { ..Scope::default() });
        let planned = self.connected_select(select, asked);
        self.scopes.pop();
        planned
    }

    fn connected_select(
        &mut self,
        select: &'q ast::Select,
        asked: Asked,
    ) -> Result<(Gather, Vec<Expr>, Vec<Expr>, Value)> {
        let refused = || "This subquery names what is around it in a form that is not supported".to_owned();
        let mut node = self.from(&select.from)?;
        let (mut keys, mut residual, mut above) = (Vec::new(), Vec::new(), Vec::new());
        if let Some(selection) = &select.selection {
            self.scope().sees_outer = true;
            let whole = self.expr(selection);
            self.scope().sees_outer = false;
            for one in conjuncts(whole?) {
                if !names_outer(&one) {
                    above.extend(place(&mut node, one));
                    continue;
                }
                match split(one) {
                    Ok(key) => keys.push(key),
                    Err(one) => residual.push(one),
                }
            }
        }
        if !above.is_empty() {
            node = Node::Filter { input: Box::new(node), all: above };
        }
        let (mut inner, outer): (Vec<Expr>, Vec<Expr>) = keys.into_iter().unzip();
        let mut missing = Value::Null;
        let value = match (asked, &select.projection[..]) {
            (Asked::Exists, _) => None,
            (_, [SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. }]) => {
                self.scope().takes_windows = true;
                let mut value = self.expr(expr)?;
                if self.scope().met_aggregate {
                    if asked != Asked::Scalar || !residual.is_empty() {
                        return Err(refused());
                    }
                    self.scope().groups = Some(inner.clone());
                    value = self.expr(expr)?;
                    let aggregates = std::mem::take(&mut self.scope().aggregates);
                    // Of no rows, a count is zero.
                    let nothing = inner.iter().map(|_| Value::Null);
                    let results = aggregates.iter().map(|aggregate| State::default().result(aggregate));
                    let segment: Segment = std::sync::Arc::new(nothing.chain(results).collect());
                    missing = value.value(Row::of(&[segment], &Answers::default(), &Fuel::default()));
                    let sets = vec![(0..inner.len()).collect()];
                    node = Node::Group { input: Box::new(node), keys: inner.clone(), sets, aggregates };
                    inner = (0..inner.len()).map(|at| Expr::Column(0, at)).collect();
                }
                if !self.scope().windows.is_empty() {
                    return Err(refused());
                }
                Some(value)
            }
            _ => return Err(refused()),
        };
        if asked == Asked::Scalar && !residual.is_empty() {
            return Err(refused());
        }
        let rows = !residual.is_empty();
        let gather = Gather { node, keys: inner, value, rows, single: asked == Asked::Scalar };
        Ok((gather, outer, residual, missing))
    }
}

fn names_outer(expr: &Expr) -> bool {
    let mut found = false;
    expr.visit(&mut |one, _| found |= matches!(one, Expr::Outer(_)));
    found
}

/// An equality of what is ours with what is around.
fn split(condition: Expr) -> std::result::Result<(Expr, Expr), Expr> {
    let Expr::Compare(Comparison::Equal, one, other) = condition else { return Err(condition) };
    let (inner, outer) = match (names_outer(&one), names_outer(&other)) {
        (false, true) => (one, other),
        (true, false) => (other, one),
        _ => return Err(Expr::Compare(Comparison::Equal, one, other)),
    };
    match *outer {
        Expr::Outer(around) if !relations_of(&inner).is_empty() => Ok((*inner, *around)),
        other => Err(Expr::Compare(Comparison::Equal, inner, Box::new(other))),
    }
}
