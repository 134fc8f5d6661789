use sqlparser::ast;

use super::terms::{binary, literal, negate, shifted, type_of};
use super::{EXPR_DEPTH_MAX, Planner, Result};
use crate::lake::expr::{Comparison, Expr};
use crate::lake::functions::Function;
use crate::lake::value::{Value, parse_time};

/// Operators of one chain, but for AND, OR and `||`.
const CHAIN_MAX: usize = 100;

impl<'q> Planner<'q> {
    /// An expression; in a grouped query, of the group.
    pub(super) fn expr(&mut self, expr: &'q ast::Expr) -> Result<Expr> {
        self.depth += 1;
        let found = self.of_any(expr);
        self.depth -= 1;
        let found = found?;
        if self.depth.is_multiple_of(16) {
            let mut deepest = 0;
            found.visit(&mut |_, depth| deepest = deepest.max(depth));
            if deepest > EXPR_DEPTH_MAX {
                return Err("The expression is too deep".to_owned());
            }
        }
        Ok(found)
    }

    fn of_any(&mut self, expr: &'q ast::Expr) -> Result<Expr> {
        if let Some(key) = self.group_key(expr) {
            return Ok(key);
        }
        match expr {
            ast::Expr::Identifier(ident) => self.column(std::slice::from_ref(ident)),
            ast::Expr::CompoundIdentifier(parts) => self.column(parts),
            ast::Expr::Value(value) => Ok(Expr::Literal(literal(&value.value)?)),
            ast::Expr::Nested(inner) => self.expr(inner),
            ast::Expr::BinaryOp { .. } => self.chain(expr),
            ast::Expr::UnaryOp { op, expr } => self.unary(*op, expr),
            ast::Expr::Function(function) => self.function(function),
            ast::Expr::Exists { .. } | ast::Expr::InSubquery { .. } | ast::Expr::Subquery(_) => {
                self.subquery(expr)
            }
            ast::Expr::CompoundFieldAccess { root, access_chain } => self.access(root, access_chain),
            ast::Expr::Case { operand, conditions, else_result, .. } => {
                self.case(operand.as_deref(), conditions, else_result.as_deref())
            }
            ast::Expr::InList { .. }
            | ast::Expr::InUnnest { .. }
            | ast::Expr::Between { .. }
            | ast::Expr::Like { .. }
            | ast::Expr::IsNull(_)
            | ast::Expr::IsNotNull(_)
            | ast::Expr::IsTrue(_)
            | ast::Expr::IsNotTrue(_)
            | ast::Expr::IsFalse(_)
            | ast::Expr::IsNotFalse(_)
            | ast::Expr::IsDistinctFrom(..)
            | ast::Expr::IsNotDistinctFrom(..) => self.condition(expr),
            other => self.form(other),
        }
    }

    /// The key of the group, if it is by this.
    fn group_key(&mut self, expr: &'q ast::Expr) -> Option<Expr> {
        if matches!(expr, ast::Expr::Identifier(_) | ast::Expr::CompoundIdentifier(_) | ast::Expr::Value(_)) {
            return None;
        }
        let scope = self.scope();
        let keys = scope.groups.take()?;
        if scope.comparing || keys.iter().all(|key| matches!(key, Expr::Column(..))) {
            scope.groups = Some(keys);
            return None;
        }
        scope.comparing = true;
        let (windows, met) = (scope.takes_windows, scope.met_aggregate);
        scope.takes_windows = false;
        let found = self.of_any(expr);
        let scope = self.scope();
        (scope.takes_windows, scope.met_aggregate, scope.comparing) = (windows, met, false);
        let at = found.ok().and_then(|found| keys.iter().position(|key| *key == found));
        scope.groups = Some(keys);
        at.map(|at| Expr::Column(0, at))
    }

    /// Operators from the left on, however many: the parser makes them as deep as they are long.
    fn chain(&mut self, expr: &'q ast::Expr) -> Result<Expr> {
        let (mut first, mut rest) = (expr, Vec::new());
        let mut base = None;
        while let ast::Expr::BinaryOp { left, op, right } = first {
            if !rest.is_empty() {
                base = self.group_key(first);
                if base.is_some() {
                    break;
                }
            }
            rest.push((op, &**right));
            first = left;
        }
        let mut found = match base {
            Some(base) => base,
            None => self.expr(first)?,
        };
        let mut deep = 0;
        for (op, right) in rest.into_iter().rev() {
            if let ast::Expr::Interval(interval) = right
                && matches!(op, ast::BinaryOperator::Plus | ast::BinaryOperator::Minus)
            {
                found = shifted(found, interval, matches!(op, ast::BinaryOperator::Minus))?;
                continue;
            }
            let other = self.expr(right)?;
            found = match (op, found) {
                (ast::BinaryOperator::And, Expr::All(mut all)) => {
                    all.push(other);
                    Expr::All(all)
                }
                (ast::BinaryOperator::And, one) => Expr::All(vec![one, other]),
                (ast::BinaryOperator::Or, Expr::Any(mut all)) => {
                    all.push(other);
                    Expr::Any(all)
                }
                (ast::BinaryOperator::Or, one) => Expr::Any(vec![one, other]),
                (ast::BinaryOperator::StringConcat, Expr::Call(function, mut all))
                    if function.name() == "concat" && all.len() < 1000 =>
                {
                    all.push(other);
                    Expr::Call(function, all)
                }
                (ast::BinaryOperator::StringConcat, one) => {
                    Expr::Call(Function::named("concat", 2)?, vec![one, other])
                }
                (op, one) => {
                    deep += 1;
                    binary(op, Box::new(one), Box::new(other))?
                }
            };
            if deep > CHAIN_MAX {
                return Err("The expression is too deep".to_owned());
            }
        }
        Ok(found)
    }

    fn unary(&mut self, op: ast::UnaryOperator, expr: &'q ast::Expr) -> Result<Expr> {
        match op {
            ast::UnaryOperator::Not => Ok(Expr::Not(Box::new(self.expr(expr)?))),
            ast::UnaryOperator::Plus => self.expr(expr),
            ast::UnaryOperator::Minus => Ok(match self.expr(expr)? {
                Expr::Literal(Value::Int(int)) => Expr::Literal(Value::Int(-int)),
                found => Expr::Negative(Box::new(found)),
            }),
            other => Err(format!("The operator {other} is not supported")),
        }
    }

    fn access(&mut self, root: &'q ast::Expr, chain: &'q [ast::AccessExpr]) -> Result<Expr> {
        let mut found = self.expr(root)?;
        if chain.len() > CHAIN_MAX {
            return Err("The expression is too deep".to_owned());
        }
        for access in chain {
            found = match access {
                ast::AccessExpr::Subscript(ast::Subscript::Index { index }) => {
                    Expr::Element(Box::new(found), Box::new(self.expr(index)?))
                }
                ast::AccessExpr::Dot(ast::Expr::Identifier(ident)) => {
                    Expr::Field(Box::new(found), ident.value.clone())
                }
                _ => return Err("This access to a field is not supported".to_owned()),
            };
        }
        Ok(found)
    }

    fn case(
        &mut self,
        operand: Option<&'q ast::Expr>,
        conditions: &'q [ast::CaseWhen],
        otherwise: Option<&'q ast::Expr>,
    ) -> Result<Expr> {
        let operand = operand.map(|operand| self.expr(operand)).transpose()?;
        let mut cases = Vec::new();
        for case in conditions {
            let mut condition = self.expr(&case.condition)?;
            if let Some(operand) = &operand {
                condition = Expr::Compare(Comparison::Equal, Box::new(operand.clone()), Box::new(condition));
            }
            cases.push((condition, self.expr(&case.result)?));
        }
        let otherwise = otherwise.map(|expr| self.expr(expr)).transpose()?;
        Ok(Expr::Case(cases, otherwise.map(Box::new)))
    }

    fn boxed(&mut self, expr: &'q ast::Expr) -> Result<Box<Expr>> {
        Ok(Box::new(self.expr(expr)?))
    }

    fn condition(&mut self, expr: &'q ast::Expr) -> Result<Expr> {
        let is = |flag: bool, expr: Expr| {
            let flag = Expr::Literal(Value::Bool(flag));
            Expr::Not(Box::new(Expr::Differs(Box::new(expr), Box::new(flag))))
        };
        Ok(match expr {
            ast::Expr::InList { expr, list, negated } => {
                let all = list.iter().map(|one| self.expr(one)).collect::<Result<Vec<_>>>()?;
                negate(*negated, Expr::In(self.boxed(expr)?, all))
            }
            ast::Expr::InUnnest { expr, array_expr, negated } => {
                let arguments = vec![self.expr(array_expr)?, self.expr(expr)?];
                negate(*negated, Expr::Call(Function::named("contains", 2)?, arguments))
            }
            ast::Expr::Between { expr, negated, low, high } => {
                let value = self.boxed(expr)?;
                let (low, high) = (self.boxed(low)?, self.boxed(high)?);
                let from = Expr::Compare(Comparison::GreaterOrEqual, value.clone(), low);
                let to = Expr::Compare(Comparison::LessOrEqual, value, high);
                negate(*negated, Expr::All(vec![from, to]))
            }
            ast::Expr::Like { negated, any: false, expr, pattern, escape_char } => {
                let escape = match escape_char {
                    None => None,
                    Some(ast::Value::SingleQuotedString(text)) if text.chars().count() == 1 => {
                        text.chars().next()
                    }
                    Some(_) => return Err("Escape string must be a single character".to_owned()),
                };
                negate(*negated, Expr::Like(self.boxed(expr)?, self.boxed(pattern)?, escape))
            }
            ast::Expr::IsNull(inner) => Expr::IsNull(self.boxed(inner)?),
            ast::Expr::IsNotNull(inner) => Expr::Not(Box::new(Expr::IsNull(self.boxed(inner)?))),
            ast::Expr::IsTrue(inner) => is(true, self.expr(inner)?),
            ast::Expr::IsNotTrue(inner) => Expr::Not(Box::new(is(true, self.expr(inner)?))),
            ast::Expr::IsFalse(inner) => is(false, self.expr(inner)?),
            ast::Expr::IsNotFalse(inner) => Expr::Not(Box::new(is(false, self.expr(inner)?))),
            ast::Expr::IsDistinctFrom(one, other) => Expr::Differs(self.boxed(one)?, self.boxed(other)?),
            ast::Expr::IsNotDistinctFrom(one, other) => {
                Expr::Not(Box::new(Expr::Differs(self.boxed(one)?, self.boxed(other)?)))
            }
            _ => return Err("This condition is not supported".to_owned()),
        })
    }

    /// A cast, or a text with its type before it.
    pub(super) fn typed(&mut self, expr: &'q ast::Expr) -> Result<Expr> {
        match expr {
            ast::Expr::Cast { expr, data_type, format: None, kind, .. } => match kind {
                ast::CastKind::SafeCast => Err("SAFE_CAST is not supported".to_owned()),
                _ => Ok(Expr::Cast(self.boxed(expr)?, type_of(&data_type.to_string())?)),
            },
            ast::Expr::TypedString(typed) => {
                let text = typed.value.value.clone().into_string().unwrap_or_default();
                let to = type_of(&typed.data_type.to_string())?;
                let at = parse_time(&text)
                    .ok_or_else(|| format!("'{text}' is not a valid {}", typed.data_type))?;
                Ok(Expr::Literal(to.cast(Value::Time(at))))
            }
            other => Err(format!("{other} is not supported")),
        }
    }
}
