use sqlparser::ast::{self, SelectItem};

use super::place::{conjuncts, place, relations_of};
use super::query::{Planned, ordered};
use super::scope::Scope;
use super::shape::{name_of, ordinal};
use super::{Planner, Result};
use crate::lake::expr::Expr;
use crate::lake::nodes::{Node, Order};

/// The same keys may be grouped in so many ways.
const SETS_MAX: usize = 64;

impl<'q> Planner<'q> {
    pub(super) fn select(
        &mut self,
        select: &'q ast::Select,
        order: &'q [ast::OrderByExpr],
        wanted: Option<usize>,
    ) -> Result<Planned> {
        self.scopes.push(Scope::default());
        let planned = self.selected(select, order, wanted);
        self.scopes.pop();
        planned
    }

    fn selected(
        &mut self,
        select: &'q ast::Select,
        order: &'q [ast::OrderByExpr],
        wanted: Option<usize>,
    ) -> Result<Planned> {
        check(select)?;
        let mut node = self.from(&select.from)?;
        let mut left = Vec::new();
        if let Some(selection) = &select.selection {
            let whole = self.expr(selection)?;
            for one in conjuncts(whole) {
                left.extend(place(&mut node, one));
            }
        }
        if !left.is_empty() {
            node = Node::Filter { input: Box::new(node), all: left };
        }
        let (keys, sets) = self.group_by(select)?;
        let grouped = !sets.is_empty() || select.having.is_some();
        if grouped {
            self.scope().groups = Some(keys.clone());
        }
        let mut columns = self.projection(select);
        if !grouped && self.scope().met_aggregate {
            // Aggregates without GROUP BY: all rows are one group.
            let scope = self.scope();
            scope.windows.clear();
            scope.groups = Some(Vec::new());
            columns = self.projection(select);
        }
        let columns = columns?;
        let having = match &select.having {
            Some(having) => conjuncts(self.expr(having)?),
            None => Vec::new(),
        };
        let (distinct, order) = (is_distinct(select)?, self.order_by(&columns, order)?);
        let scope = std::mem::take(self.scope());
        if let Some(keys) = scope.groups {
            let sets = if sets.is_empty() { vec![Vec::new()] } else { sets };
            node = Node::Group { input: Box::new(node), keys, sets, aggregates: scope.aggregates };
        }
        if !having.is_empty() {
            node = Node::Filter { input: Box::new(node), all: having };
        }
        if !scope.windows.is_empty() {
            node = Node::Windows { input: Box::new(node), windows: scope.windows };
        }
        let (names, mut exprs): (Vec<String>, Vec<Expr>) = columns.into_iter().unzip();
        let width = names.len();
        // What is sorted by and does not come out stands behind what does.
        let mut orders = Vec::new();
        for one in order {
            let at = exprs.iter().position(|expr| *expr == one.expr);
            if at.is_none() && distinct {
                return Err("For SELECT DISTINCT, ORDER BY expressions must appear in select list".to_owned());
            }
            let at = at.unwrap_or(exprs.len());
            if at == exprs.len() {
                exprs.push(one.expr);
            }
            orders.push(Order { expr: Expr::Column(0, at), ..one });
        }
        node = Node::Project { input: Box::new(node), columns: exprs };
        if distinct {
            node = Node::Distinct { input: Box::new(node), width };
        }
        if !orders.is_empty() {
            node = Node::Sort { input: Box::new(node), order: orders, wanted, width };
        }
        Ok(Planned { node, columns: names })
    }

    fn projection(&mut self, select: &'q ast::Select) -> Result<Vec<(String, Expr)>> {
        self.scope().takes_windows = true;
        let mut columns: Vec<(String, Expr)> = Vec::new();
        for item in &select.projection {
            match item {
                SelectItem::UnnamedExpr(expr) => {
                    columns.push((name_of(expr, columns.len()), self.expr(expr)?))
                }
                SelectItem::ExprWithAlias { expr, alias } => {
                    columns.push((alias.value.clone(), self.expr(expr)?));
                }
                SelectItem::Wildcard(_) if self.scope().groups.is_none() => {
                    let merged = self.scope().merged.clone();
                    let taken = |name: &str| merged.iter().any(|(own, _)| own.eq_ignore_ascii_case(name));
                    let mut all = merged.clone();
                    for relation in 0..self.scope().relations.len() {
                        all.extend(self.all_of(relation).into_iter().filter(|(name, _)| !taken(name)));
                    }
                    columns.extend(all);
                }
                SelectItem::QualifiedWildcard(ast::SelectItemQualifiedWildcardKind::ObjectName(name), _)
                    if self.scope().groups.is_none() =>
                {
                    let name = name.to_string().trim_matches('"').to_owned();
                    let is = |own: &String| own.eq_ignore_ascii_case(&name);
                    let found = self.scope().relations.iter().position(|one| one.names.iter().any(is));
                    let found = found.ok_or_else(|| format!("Unable to resolve reference {name}"))?;
                    columns.extend(self.all_of(found));
                }
                _ => return Err("* is not supported here".to_owned()),
            }
        }
        if columns.is_empty() {
            return Err("SELECT must have columns".to_owned());
        }
        Ok(columns)
    }

    /// The keys, and which of them make groups; nothing if rows are not grouped.
    fn group_by(&mut self, select: &'q ast::Select) -> Result<(Vec<Expr>, Vec<Vec<usize>>)> {
        let all = match &select.group_by {
            ast::GroupByExpr::Expressions(all, modifiers) if modifiers.is_empty() => all,
            _ => return Err("GROUP BY ALL and WITH are not supported".to_owned()),
        };
        let (mut keys, mut sets) = (Vec::new(), vec![Vec::new()]);
        for one in all {
            let own: Vec<Vec<&[ast::Expr]>> = match one {
                ast::Expr::Rollup(parts) => (0..=parts.len())
                    .rev()
                    .map(|to| parts[..to].iter().map(Vec::as_slice).collect())
                    .collect(),
                ast::Expr::Cube(parts) if parts.len() <= 6 => (0..1usize << parts.len())
                    .rev()
                    .map(|set| {
                        let within = parts.iter().enumerate().filter(|(at, _)| set >> at & 1 == 1);
                        within.map(|(_, part)| part.as_slice()).collect()
                    })
                    .collect(),
                ast::Expr::Cube(_) => return Err("CUBE of more than 6 keys is not supported".to_owned()),
                ast::Expr::GroupingSets(all) => all.iter().map(|set| vec![set.as_slice()]).collect(),
                one => vec![vec![std::slice::from_ref(one)]],
            };
            let mut made: Vec<Vec<usize>> = Vec::new();
            for parts in own {
                let mut set = Vec::new();
                for expr in parts.into_iter().flatten() {
                    let key = self.key(expr, &select.projection)?;
                    let at = keys.iter().position(|known| *known == key);
                    let at = at.unwrap_or_else(|| {
                        keys.push(key);
                        keys.len() - 1
                    });
                    set.push(at);
                }
                made.push(set);
            }
            sets = sets
                .iter()
                .flat_map(|set: &Vec<usize>| {
                    made.iter().map(|own| set.iter().chain(own).copied().collect::<Vec<_>>())
                })
                .collect();
            if sets.len() > SETS_MAX {
                return Err(format!("More than {SETS_MAX} grouping sets"));
            }
        }
        if all.is_empty() {
            sets.clear();
        }
        Ok((keys, sets))
    }

    /// A column by its number, an expression, or the alias of one.
    fn key(&mut self, expr: &'q ast::Expr, columns: &'q [SelectItem]) -> Result<Expr> {
        if let ast::Expr::Value(value) = expr {
            return match &columns[ordinal(&value.value, columns.len())?] {
                SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => self.plain(expr),
                _ => Err("* cannot be grouped by".to_owned()),
            };
        }
        let found = self.plain(expr);
        let (Err(_), ast::Expr::Identifier(name)) = (&found, expr) else { return found };
        let aliased = columns.iter().find_map(|item| match item {
            SelectItem::ExprWithAlias { expr, alias } if alias.value.eq_ignore_ascii_case(&name.value) => {
                Some(expr)
            }
            _ => None,
        });
        aliased.map_or(found, |expr| self.plain(expr))
    }

    /// An expression without aggregates.
    fn plain(&mut self, expr: &'q ast::Expr) -> Result<Expr> {
        let found = self.expr(expr)?;
        match std::mem::take(&mut self.scope().met_aggregate) {
            true => Err("GROUP BY clause cannot contain aggregations".to_owned()),
            false => Ok(found),
        }
    }

    fn order_by(&mut self, columns: &[(String, Expr)], order: &'q [ast::OrderByExpr]) -> Result<Vec<Order>> {
        let mut orders = Vec::new();
        self.scope().takes_windows = true;
        for one in order {
            let named = match &one.expr {
                ast::Expr::Identifier(name) => {
                    columns.iter().find(|(own, _)| own.eq_ignore_ascii_case(&name.value))
                }
                ast::Expr::Value(value) => Some(&columns[ordinal(&value.value, columns.len())?]),
                _ => None,
            };
            let expr = match named {
                Some((_, expr)) => expr.clone(),
                None => match self.expr(&one.expr) {
                    Ok(expr) => expr,
                    // It may be of what comes out.
                    Err(error) => {
                        self.scope().aliases = columns.to_vec();
                        let found = self.expr(&one.expr).map_err(|_| error);
                        self.scope().aliases.clear();
                        found?
                    }
                },
            };
            orders.push(ordered(one, expr)?);
        }
        if self.scope().groups.is_none() && self.scope().met_aggregate {
            return Err("ORDER BY has an aggregate, and rows are not grouped".to_owned());
        }
        Ok(orders)
    }
}

/// What no SELECT of Trino has.
pub(super) fn check(select: &ast::Select) -> Result<()> {
    if select.into.is_some()
        || select.top.is_some()
        || select.qualify.is_some()
        || !select.lateral_views.is_empty()
        || !select.named_window.is_empty()
        || select.prewhere.is_some()
        || !select.connect_by.is_empty()
        || !select.cluster_by.is_empty()
        || !select.distribute_by.is_empty()
        || !select.sort_by.is_empty()
        || select.value_table_mode.is_some()
        || select.exclude.is_some()
    {
        return Err("INTO, TOP, QUALIFY, LATERAL VIEW and WINDOW are not supported".to_owned());
    }
    Ok(())
}

fn is_distinct(select: &ast::Select) -> Result<bool> {
    match &select.distinct {
        None | Some(ast::Distinct::All) => Ok(false),
        Some(ast::Distinct::Distinct) => Ok(true),
        Some(_) => Err("DISTINCT ON is not supported".to_owned()),
    }
}

/// Whether an expression is of relations within a range alone.
pub(super) fn within(expr: &Expr, range: (usize, usize)) -> bool {
    relations_of(expr).iter().all(|relation| (range.0..range.1).contains(relation))
}
