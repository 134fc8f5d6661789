use std::sync::{Arc, OnceLock};

use super::{Parsed, Parser};
use crate::insights::plan::{Command, Expr, Plan};
use crate::insights::subquery::{AppendCols, Found, Hands, Join, Secondary, Subquery};

/// Source: User Guide, "appendcols".
const ROWS_MAX: usize = 100_000;
const ROWS_DEFAULT: usize = 10_000;

impl Parser<'_> {
    /// A query up to the parenthesis behind it.
    fn subquery(&mut self) -> Parsed<Plan> {
        if self.is_nested {
            return Err(self.fault("a subquery cannot be in another"));
        }
        let outer = (self.begins, self.depth, std::mem::take(&mut self.subqueries));
        (self.begins, self.depth, self.is_nested) = (self.at, 0, true);
        let mut plan = Plan::new();
        self.commands(&mut plan)?;
        self.expect(")")?;
        (self.begins, self.depth, self.subqueries) = outer;
        self.is_nested = false;
        Ok(plan)
    }

    /// `FIELD in ( SUBQUERY )`, behind the first parenthesis.
    pub(super) fn among(&mut self, left: Expr) -> Parsed<Expr> {
        let Expr::Field(field) = &left else {
            return Err(self.fault("what is looked for in a subquery is a field"));
        };
        let (field, place) = (field.clone(), self.place());
        let plan = self.subquery()?;
        if !plan.shown.contains(&field) {
            return Err((format!("the subquery does not return the field {field}"), place));
        }
        let found = Arc::new(Found::default());
        self.subqueries.push(Subquery { plan, hands: Hands::Values { field, to: found.clone() } });
        Ok(Expr::Among(Box::new(left), found))
    }

    /// `join [type=inner|left] left=A right=B where A.FIELD=B.FIELD (SOURCE …)`
    pub(super) fn join(&mut self, plan: &mut Plan, place: (usize, usize)) -> Parsed<()> {
        if self.is_nested {
            return Err(("join cannot be in a subquery".into(), place));
        }
        if plan.commands.iter().any(|command| matches!(command, Command::Join(_))) {
            return Err(("only one join is supported in a query".into(), place));
        }
        let (mut is_left, mut left, mut right) = (false, None, None);
        loop {
            if self.option("type") {
                is_left = self.take_word("left");
                if !is_left {
                    self.keyword("inner")?;
                }
            } else if self.option("left") {
                left = Some(self.name()?);
            } else if self.option("right") {
                right = Some(self.name()?);
            } else {
                break;
            }
        }
        let (Some(left), Some(right)) = (left, right) else {
            return Err(("join wants an alias for its left and for its right".into(), place));
        };
        if left == right || [&left, &right].iter().any(|alias| alias.is_empty() || alias.contains('.')) {
            return Err(("the aliases of join are two different names".into(), place));
        }
        self.keyword("where")?;
        let at = self.place();
        let one = self.field_name()?;
        if !self.take("=") {
            self.expect("==")?;
        }
        let other = self.field_name()?;
        let of = |alias: &str, field: &str| Some(field.strip_prefix(alias)?.strip_prefix('.')?.to_owned());
        let pair = |a: &str, b: &str| of(&left, a).zip(of(&right, b));
        let Some((left_field, right_field)) = pair(&one, &other).or_else(|| pair(&other, &one)) else {
            return Err((format!("join compares a field of {left} with one of {right}"), at));
        };
        self.expect("(")?;
        let source = self.place();
        let right_plan = self.subquery()?;
        if right_plan.source.is_none() || !right_plan.commands.is_empty() {
            return Err(("the right of join is a SOURCE, and nothing else".into(), source));
        }
        let secondary = Arc::new(Secondary::new(right_field));
        self.subqueries.push(Subquery { plan: right_plan, hands: Hands::Records(secondary.clone()) });
        plan.commands.push(Command::Join(Box::new(Join {
            is_left,
            left: left.into(),
            right: right.into(),
            left_field,
            secondary,
        })));
        Ok(())
    }

    /// `appendcols [override=BOOL] [max=N] ( SUBQUERY )`
    pub(super) fn append_cols(&mut self, plan: &mut Plan, place: (usize, usize)) -> Parsed<()> {
        if self.is_nested {
            return Err(("appendcols cannot be in a subquery".into(), place));
        }
        let (mut overrides, mut max) = (false, ROWS_DEFAULT);
        loop {
            if self.option("override") {
                overrides = self.truth()?;
            } else if self.option("max") {
                max = self.whole(1, ROWS_MAX)?;
            } else {
                break;
            }
        }
        self.expect("(")?;
        let appended = self.subquery()?;
        appended.shown.iter().chain(&appended.looked_up).for_each(|name| plan.adds(name));
        let rows = Arc::new(OnceLock::new());
        self.subqueries.push(Subquery { plan: appended, hands: Hands::Rows(rows.clone()) });
        plan.commands.push(Command::AppendCols(AppendCols { overrides, max, rows }));
        Ok(())
    }
}
