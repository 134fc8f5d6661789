use sqlparser::ast::{self, SetExpr, SetOperator, SetQuantifier};

use super::scope::{Columns, Relation, Scope};
use super::shape::{count, ordinal};
use super::{Named, Planner, Result, SELECTS_MAX};
use crate::lake::expr::Expr;
use crate::lake::nodes::{Node, Operation, Order};

/// A query with the names of its columns.
pub(super) struct Planned {
    pub(super) node: Node,
    pub(super) columns: Vec<String>,
}

/// Operations on the rows of queries, one after another.
const OPERATIONS_MAX: usize = 100;

impl<'q> Planner<'q> {
    pub(super) fn query(&mut self, query: &'q ast::Query) -> Result<Planned> {
        if !query.locks.is_empty()
            || !query.pipe_operators.is_empty()
            || query.for_clause.is_some()
            || query.settings.is_some()
            || query.format_clause.is_some()
        {
            return Err("FOR, SETTINGS, FORMAT and pipes are not supported".to_owned());
        }
        self.selects += 1;
        if self.selects > SELECTS_MAX {
            return Err(format!("The query has more than {SELECTS_MAX} SELECTs"));
        }
        let before = self.named.len();
        if let Some(with) = &query.with {
            self.with(with)?;
        }
        let (offset, limit) = bounds(query)?;
        let order = match &query.order_by {
            None => &[][..],
            Some(ast::OrderBy { kind: ast::OrderByKind::Expressions(all), interpolate: None }) => all,
            Some(_) => return Err("ORDER BY ALL is not supported".to_owned()),
        };
        let wanted = limit.map(|limit| limit.saturating_add(offset));
        let mut planned = match &*query.body {
            SetExpr::Select(select) => self.select(select, order, wanted)?,
            body => {
                let Planned { node, columns } = self.operations(body)?;
                let node = self.sorted(node, &columns, order, wanted)?;
                Planned { node, columns }
            }
        };
        if (offset, limit) != (0, None) {
            planned.node = Node::Limit { input: Box::new(planned.node), offset, limit };
        }
        self.named.truncate(before);
        Ok(planned)
    }

    fn with(&mut self, with: &'q ast::With) -> Result<()> {
        if with.recursive {
            return Err("WITH RECURSIVE is not supported".to_owned());
        }
        for one in &with.cte_tables {
            let columns = one.alias.columns.iter().map(|column| column.name.value.clone()).collect();
            let (name, before) = (one.alias.name.value.clone(), self.named.len());
            self.named.push(Named { name, columns, query: &one.query, before });
        }
        Ok(())
    }

    /// A query that sees nothing of those that it is in.
    pub(super) fn apart(&mut self, query: &'q ast::Query) -> Result<Planned> {
        let (scopes, named) = (std::mem::take(&mut self.scopes), self.named.len());
        let planned = self.query(query);
        // Also after an error: what is read may be read in another way.
        self.named.truncate(named);
        self.scopes = scopes;
        planned
    }

    /// The query of WITH that has the name, if one has.
    pub(super) fn named(&mut self, name: &str) -> Result<Option<Planned>> {
        let found = self.named.iter().rposition(|one| one.name.eq_ignore_ascii_case(name));
        let Some(found) = found.map(|at| self.named[at].clone()) else { return Ok(None) };
        // It names those before it only.
        let all = self.named.clone();
        self.named.truncate(found.before);
        let planned = self.apart(found.query);
        self.named = all;
        let mut planned = planned?;
        rename(&mut planned.columns, &found.columns)?;
        Ok(Some(planned))
    }

    fn operations(&mut self, body: &'q SetExpr) -> Result<Planned> {
        let (mut first, mut rest) = (body, Vec::new());
        while let SetExpr::SetOperation { op, set_quantifier, left, right } = first {
            rest.push((op, set_quantifier, right));
            first = left;
            if rest.len() > OPERATIONS_MAX {
                return Err(format!("More than {OPERATIONS_MAX} UNION, INTERSECT and EXCEPT"));
            }
        }
        let mut planned = self.operand(first)?;
        for (op, quantifier, right) in rest.into_iter().rev() {
            let all = match quantifier {
                SetQuantifier::All => true,
                SetQuantifier::None | SetQuantifier::Distinct => false,
                other => return Err(format!("{op} {other} is not supported")),
            };
            let operation = match op {
                SetOperator::Union => Operation::Union,
                SetOperator::Intersect => Operation::Intersect,
                SetOperator::Except => Operation::Except,
                SetOperator::Minus => return Err("MINUS is not supported".to_owned()),
            };
            let right = self.operations(right)?;
            if right.columns.len() != planned.columns.len() {
                return Err(format!(
                    "{op} query has different number of fields: {}, {}",
                    planned.columns.len(),
                    right.columns.len()
                ));
            }
            let (left, right) = (Box::new(planned.node), Box::new(right.node));
            planned.node = Node::Set { operation, all, left, right };
        }
        Ok(planned)
    }

    fn operand(&mut self, body: &'q SetExpr) -> Result<Planned> {
        match body {
            SetExpr::Select(select) => {
                self.selects += 1;
                if self.selects > SELECTS_MAX {
                    return Err(format!("The query has more than {SELECTS_MAX} SELECTs"));
                }
                self.select(select, &[], None)
            }
            SetExpr::Query(query) => self.query(query),
            SetExpr::SetOperation { .. } => self.operations(body),
            SetExpr::Values(values) => {
                let mut rows = Vec::new();
                self.scopes.push(Scope::default());
                for row in &values.rows {
                    let row: Result<Vec<Expr>> = row.iter().map(|expr| self.expr(expr)).collect();
                    rows.push(row);
                }
                self.scopes.pop();
                let rows = rows.into_iter().collect::<Result<Vec<_>>>()?;
                let width = rows.first().map_or(0, Vec::len);
                if rows.iter().any(|row| row.len() != width) {
                    return Err("Values rows have mismatched types".to_owned());
                }
                let columns = (0..width).map(|at| format!("_col{at}")).collect();
                Ok(Planned { node: Node::Values { rows }, columns })
            }
            _ => Err("Only SELECT statements are supported".to_owned()),
        }
    }

    /// Sorted by the columns that come out.
    fn sorted(
        &mut self,
        node: Node,
        columns: &[String],
        order: &'q [ast::OrderByExpr],
        wanted: Option<usize>,
    ) -> Result<Node> {
        if order.is_empty() {
            return Ok(node);
        }
        let relation = Relation { names: Vec::new(), columns: Columns::Named(columns.to_vec()) };
        self.scopes.push(Scope { relations: vec![relation], ..Scope::default() });
        let mut orders = Vec::new();
        for one in order {
            let expr = match &one.expr {
                ast::Expr::Value(value) => ordinal(&value.value, columns.len()).map(|at| Expr::Column(0, at)),
                expr => self.expr(expr),
            };
            orders.push(expr.and_then(|expr| ordered(one, expr)));
        }
        self.scopes.pop();
        let order = orders.into_iter().collect::<Result<Vec<Order>>>()?;
        Ok(Node::Sort { input: Box::new(node), order, wanted, width: columns.len() })
    }
}

pub(super) fn ordered(one: &ast::OrderByExpr, expr: Expr) -> Result<Order> {
    if one.with_fill.is_some() {
        return Err("WITH FILL is not supported".to_owned());
    }
    let down = one.options.asc == Some(false);
    Ok(Order { expr, down, nulls_first: one.options.nulls_first == Some(true) })
}

/// Names that are given to columns anew.
pub(super) fn rename(columns: &mut Vec<String>, names: &[String]) -> Result<()> {
    if names.is_empty() {
        return Ok(());
    }
    if names.len() != columns.len() {
        return Err(format!(
            "Column alias list has {} entries but relation has {} columns",
            names.len(),
            columns.len()
        ));
    }
    *columns = names.to_vec();
    Ok(())
}

/// OFFSET and LIMIT, or FETCH FIRST.
fn bounds(query: &ast::Query) -> Result<(usize, Option<usize>)> {
    let (offset, limit) = match &query.limit_clause {
        None => (0, None),
        Some(ast::LimitClause::LimitOffset { limit, offset, limit_by }) if limit_by.is_empty() => {
            let offset = offset.as_ref().map_or(Ok(0), |offset| count(&offset.value))?;
            let limit = match limit {
                Some(ast::Expr::Identifier(ident)) if ident.value.eq_ignore_ascii_case("all") => None,
                limit => limit.as_ref().map(count).transpose()?,
            };
            (offset, limit)
        }
        Some(_) => return Err("LIMIT BY is not supported".to_owned()),
    };
    let Some(fetch) = &query.fetch else { return Ok((offset, limit)) };
    if fetch.with_ties || fetch.percent || limit.is_some() {
        return Err("FETCH with LIMIT, PERCENT or TIES is not supported".to_owned());
    }
    Ok((offset, Some(fetch.quantity.as_ref().map_or(Ok(1), count)?)))
}
