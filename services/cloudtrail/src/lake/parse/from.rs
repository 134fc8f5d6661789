use sqlparser::ast::{self, JoinConstraint, JoinOperator, TableFactor};

use super::place::{conjuncts, place_on};
use super::query::{Planned, rename};
use super::scope::{Columns, Relation};
use super::select::within;
use super::{COLUMNS, Planner, Result};
use crate::lake::cast::Type;
use crate::lake::expr::Expr;
use crate::lake::functions::Function;
use crate::lake::nodes::{Join, Node, Scan, Unnest};
use crate::lake::value::Value;

const RELATIONS_MAX: usize = 20;

impl<'q> Planner<'q> {
    pub(super) fn from(&mut self, from: &'q [ast::TableWithJoins]) -> Result<Node> {
        let mut whole: Option<Node> = None;
        for one in from {
            let node = match whole {
                None => self.joined(one, None)?,
                Some(left) => self.joined(one, Some(left))?,
            };
            whole = Some(node);
        }
        let mut node = whole.unwrap_or(Node::One);
        let count = self.scope().relations.len();
        set_relations(&mut node, count);
        Ok(node)
    }

    /// A table with what is joined to it, beside what is there.
    fn joined(&mut self, one: &'q ast::TableWithJoins, left: Option<Node>) -> Result<Node> {
        let begin = self.scope().relations.len();
        let mut node = match left {
            None => self.factor(&one.relation)?,
            Some(left) => self.join(left, 0, &one.relation, (false, false), &JoinConstraint::None)?,
        };
        let after_comma = begin > 0;
        for join in &one.joins {
            let (keeps, constraint) = match &join.join_operator {
                JoinOperator::Join(constraint) | JoinOperator::Inner(constraint) => {
                    ((false, false), constraint)
                }
                JoinOperator::Left(constraint) | JoinOperator::LeftOuter(constraint) => {
                    ((true, false), constraint)
                }
                JoinOperator::Right(constraint) | JoinOperator::RightOuter(constraint) => {
                    ((false, true), constraint)
                }
                JoinOperator::FullOuter(constraint) => ((true, true), constraint),
                JoinOperator::CrossJoin(constraint @ JoinConstraint::None) => ((false, false), constraint),
                _ => return Err("Only INNER, LEFT, RIGHT, FULL and CROSS JOIN are supported".to_owned()),
            };
            let crosses = matches!(join.join_operator, JoinOperator::CrossJoin(_));
            if matches!(constraint, JoinConstraint::None) && !crosses {
                return Err("JOIN needs ON or USING".to_owned());
            }
            // A comma binds less; what that means is the same but for what keeps the right.
            if after_comma && keeps.1 {
                return Err("RIGHT and FULL JOIN after a comma are not supported".to_owned());
            }
            node = self.join(node, begin, &join.relation, keeps, constraint)?;
        }
        Ok(node)
    }

    fn join(
        &mut self,
        mut left: Node,
        begin: usize,
        factor: &'q TableFactor,
        keeps: (bool, bool),
        constraint: &'q JoinConstraint,
    ) -> Result<Node> {
        if let TableFactor::UNNEST { .. } = factor {
            return self.unnested(left, factor, keeps, constraint);
        }
        let from = self.scope().relations.len();
        let mut right = self.factor(factor)?;
        let to = self.scope().relations.len();
        let mut join = Join {
            keeps_left: keeps.0,
            keeps_right: keeps.1,
            keys: Vec::new(),
            condition: Vec::new(),
            right: (from, to),
        };
        match constraint {
            JoinConstraint::None => {}
            JoinConstraint::Natural => return Err("NATURAL JOIN is not supported".to_owned()),
            JoinConstraint::On(expr) => {
                let whole = self.expr(expr)?;
                if !within(&whole, (begin, to)) {
                    return Err("ON names a table that is not joined there".to_owned());
                }
                for one in conjuncts(whole) {
                    place_on(&mut left, &mut right, &mut join, one);
                }
            }
            JoinConstraint::Using(names) => {
                for name in names {
                    let name = name.to_string().trim_matches('"').to_owned();
                    let key = self.using(&name, (begin, from), (from, to), keeps)?;
                    join.keys.push(key);
                }
            }
        }
        Ok(Node::Join { left: Box::new(left), right: Box::new(right), join })
    }

    /// A column of both sides, which is one from then on.
    fn using(
        &mut self,
        name: &str,
        left: (usize, usize),
        right: (usize, usize),
        keeps: (bool, bool),
    ) -> Result<(Expr, Expr)> {
        let mut side = |range: (usize, usize)| -> Result<Expr> {
            let known = self.scope().merged.iter().position(|(own, _)| own.eq_ignore_ascii_case(name));
            if let Some(at) = known.filter(|_| range.0 == left.0) {
                return Ok(self.scope().merged.remove(at).1);
            }
            let path = [name.to_owned()];
            let level = self.scopes.len() - 1;
            let mut found = Vec::new();
            for relation in range.0..range.1 {
                if self.all_of(relation).iter().any(|(own, _)| own.eq_ignore_ascii_case(name)) {
                    found.push(self.of_relation(level, relation, &path));
                }
            }
            match found.len() {
                1 => Ok(found.remove(0)),
                0 => Err(format!("Column '{name}' of USING cannot be resolved")),
                _ => Err(format!("Column '{name}' is ambiguous")),
            }
        };
        let (one, other) = (side(left)?, side(right)?);
        let merged = match keeps {
            (true, true) => Expr::Call(Function::named("coalesce", 2)?, vec![one.clone(), other.clone()]),
            (false, true) => other.clone(),
            _ => one.clone(),
        };
        self.scope().merged.push((name.to_owned(), merged));
        Ok((one, other))
    }

    fn factor(&mut self, factor: &'q TableFactor) -> Result<Node> {
        match factor {
            TableFactor::Table {
                name,
                alias,
                args: None,
                version: None,
                sample: None,
                json_path: None,
                ..
            } => {
                let [part] = &name.0[..] else {
                    return Err("FROM must name an event data store by its id".to_owned());
                };
                let name = part.as_ident().map(|ident| ident.value.clone()).unwrap_or_default();
                let mut names = vec![name.clone()];
                if let Some(alias) = alias {
                    names = vec![alias.name.value.clone()];
                }
                if let Some(planned) = self.named(&name)? {
                    return self.derived(planned, names, alias.as_ref());
                }
                if alias.as_ref().is_some_and(|alias| !alias.columns.is_empty()) {
                    return Err("Columns of an event data store have no other names".to_owned());
                }
                // Its id names it beside its alias.
                names.push(name.clone());
                names.dedup();
                let scan = self.scans.len();
                self.scans.push(Scan { store: name, columns: Vec::new() });
                let relation = self.add(Relation { names, columns: Columns::Events(scan) })?;
                Ok(Node::Events { scan, relation, relations: 0, filter: Vec::new() })
            }
            TableFactor::Derived { lateral: false, subquery, alias, sample: None } => {
                let planned = self.apart(subquery)?;
                let names = alias.iter().map(|alias| alias.name.value.clone()).collect();
                self.derived(planned, names, alias.as_ref())
            }
            TableFactor::NestedJoin { table_with_joins, alias: None } => {
                let begin = self.scope().relations.len();
                if begin > 0 {
                    self.nested(table_with_joins, begin)
                } else {
                    self.joined(table_with_joins, None)
                }
            }
            TableFactor::UNNEST { .. } => {
                // Of no row of ours.
                let nothing = Node::Derived {
                    input: Box::new(Node::One),
                    relation: 0,
                    relations: 0,
                    filter: Vec::new(),
                };
                self.unnested(nothing, factor, (false, false), &JoinConstraint::None)
            }
            other => Err(format!("FROM {other} is not supported")),
        }
    }

    /// Joins in parentheses, which see nothing of what is before them.
    fn nested(&mut self, one: &'q ast::TableWithJoins, begin: usize) -> Result<Node> {
        let mut node = self.factor(&one.relation)?;
        for join in &one.joins {
            let (keeps, constraint) = match &join.join_operator {
                JoinOperator::Join(on) | JoinOperator::Inner(on) => ((false, false), on),
                JoinOperator::Left(on) | JoinOperator::LeftOuter(on) => ((true, false), on),
                JoinOperator::Right(on) | JoinOperator::RightOuter(on) => ((false, true), on),
                JoinOperator::FullOuter(on) => ((true, true), on),
                _ => return Err("This join is not supported in parentheses".to_owned()),
            };
            node = self.join(node, begin, &join.relation, keeps, constraint)?;
        }
        Ok(node)
    }

    fn derived(
        &mut self,
        mut planned: Planned,
        names: Vec<String>,
        alias: Option<&ast::TableAlias>,
    ) -> Result<Node> {
        let columns: Vec<String> =
            alias.iter().flat_map(|alias| &alias.columns).map(|column| column.name.value.clone()).collect();
        rename(&mut planned.columns, &columns)?;
        let relation = self.add(Relation { names, columns: Columns::Named(planned.columns) })?;
        Ok(Node::Derived { input: Box::new(planned.node), relation, relations: 0, filter: Vec::new() })
    }

    fn add(&mut self, relation: Relation) -> Result<usize> {
        let relations = &mut self.scope().relations;
        if relations.len() >= RELATIONS_MAX {
            return Err(format!("More than {RELATIONS_MAX} tables"));
        }
        relations.push(relation);
        Ok(relations.len() - 1)
    }

    fn unnested(
        &mut self,
        input: Node,
        factor: &'q TableFactor,
        keeps: (bool, bool),
        constraint: &'q JoinConstraint,
    ) -> Result<Node> {
        let TableFactor::UNNEST { alias, array_exprs, with_offset, with_ordinality, .. } = factor else {
            return Err("UNNEST is not there".to_owned());
        };
        if *with_offset || keeps.1 {
            return Err("UNNEST WITH OFFSET and joined from the right is not supported".to_owned());
        }
        let given: Vec<String> =
            alias.iter().flat_map(|alias| &alias.columns).map(|column| column.name.value.clone()).collect();
        let own = given.len().checked_sub(usize::from(*with_ordinality));
        let (mut parts, mut names) = (Vec::new(), Vec::new());
        for expr in array_exprs {
            let expr = self.expr(expr)?;
            let mut of = self.columns_of(&expr);
            // One that stands alone has as many columns as it is given names.
            if array_exprs.len() == 1
                && let Some(own) = own.filter(|own| (1..=20).contains(own))
            {
                of.resize(own, String::new());
            }
            parts.push((expr, of.len()));
            names.extend(of);
        }
        if *with_ordinality {
            names.push("ordinality".to_owned());
        }
        rename(&mut names, &given)?;
        let relation_names = alias.iter().map(|alias| alias.name.value.clone()).collect();
        let relation = self.add(Relation { names: relation_names, columns: Columns::Named(names) })?;
        let filter = match constraint {
            JoinConstraint::None => Vec::new(),
            JoinConstraint::On(expr) => {
                let all = conjuncts(self.expr(expr)?).into_iter();
                all.filter(|one| *one != Expr::Literal(Value::Bool(true))).collect()
            }
            _ => return Err("UNNEST takes ON alone".to_owned()),
        };
        let unnest = Unnest { relation, parts, ordinality: *with_ordinality, outer: keeps.0, filter };
        Ok(Node::Unnest { input: Box::new(input), unnest })
    }

    /// The columns that something is taken apart to: a map to two, resources to their fields, else one.
    fn columns_of(&self, expr: &Expr) -> Vec<String> {
        let event = |column: usize, relation: usize| {
            let scope = self.scopes.last()?;
            match scope.relations.get(relation)?.columns {
                Columns::Events(scan) => match &self.scans[scan].columns.get(column)?[..] {
                    [name] => COLUMNS.iter().find(|own| *own == name).copied(),
                    _ => None,
                },
                Columns::Named(_) => None,
            }
        };
        let map = || vec!["key".to_owned(), "value".to_owned()];
        match expr {
            Expr::Column(relation, column) => match event(*column, *relation) {
                Some("resources") => ["accountId", "type", "ARN", "ARNPrefix"].map(str::to_owned).to_vec(),
                Some("requestParameters" | "responseElements" | "additionalEventData") => map(),
                Some("serviceEventDetails" | "edgeDeviceDetails") => map(),
                _ => vec!["_col0".to_owned()],
            },
            Expr::Cast(_, Type::Map(..)) => map(),
            Expr::Call(function, _) if matches!(function.name(), "map" | "map_concat" | "split_to_map") => {
                map()
            }
            _ => vec!["_col0".to_owned()],
        }
    }
}

/// How many relations there are is known when all are.
fn set_relations(node: &mut Node, count: usize) {
    match node {
        Node::Events { relations, .. } | Node::Derived { relations, .. } => *relations = count,
        Node::Unnest { input, .. } => set_relations(input, count),
        Node::Join { left, right, .. } => {
            set_relations(left, count);
            set_relations(right, count);
        }
        _ => {}
    }
}
