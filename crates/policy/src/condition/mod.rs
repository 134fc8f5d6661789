//! The `Condition` element (IAM User Guide, "Condition operators", "Conditions with multiple context keys or
//! values", "Single-valued vs. multivalued context keys").
//!
//! Operators are ANDed, keys of an operator are ANDed, values of a key are ORed; a negated operator is the
//! negation of that OR, so its values are NORed. A key that is not in the request fails a plain operator and
//! passes a negated one; `…IfExists` passes, `ForAllValues:` passes, `ForAnyValue:` fails.
//!
//! - [`operator`]: the operators' names and what they compare;
//! - `values`: values compiled for an operator, and the comparison;
//! - `date`, `network`: the two kinds of values with a grammar of their own.

pub(crate) mod date;
mod network;
pub mod operator;
mod values;

pub use operator::{Comparison, Operator, SetOperator};

use crate::context::Context;
use crate::error::PolicyError;
use values::Values;

/// One operator and key of a condition block, with its values.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    pub(crate) operator: Operator,
    /// The operator and key as written.
    pub(crate) operator_source: Box<str>,
    pub(crate) key_source: Box<str>,
    pub(crate) values: Box<[Box<str>]>,
    key: Box<str>,
    compiled: Values,
}

impl Condition {
    pub(crate) fn new(
        operator_source: &str,
        key_source: &str,
        values: Vec<Box<str>>,
        variables: bool,
        path: &str,
    ) -> Result<Self, PolicyError> {
        let operator = Operator::parse(operator_source).ok_or_else(|| {
            PolicyError::malformed(path, format!("Invalid Condition type : {operator_source}."))
        })?;
        Ok(Self {
            operator,
            operator_source: operator_source.into(),
            key_source: key_source.into(),
            key: key_source.to_lowercase().into(),
            compiled: Values::new(operator.comparison, &values, variables, path)?,
            values: values.into(),
        })
    }

    /// The operator and the key as written.
    pub fn source(&self) -> (&str, &str) {
        (&self.operator_source, &self.key_source)
    }

    /// The operator, as parsed.
    pub fn operator(&self) -> Operator {
        self.operator
    }

    /// The key, in lower case.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The values, as strings.
    pub fn values(&self) -> impl Iterator<Item = &str> {
        self.values.iter().map(|v| &**v)
    }

    /// Whether one of the networks of an `IpAddress` condition is as good as everywhere.
    pub(crate) fn is_broad_network(&self) -> bool {
        matches!(&self.compiled, Values::Address(networks) if networks.iter().any(network::Network::is_broad))
    }

    /// Whether the request meets this condition.
    pub fn holds(&self, context: &Context<'_>) -> bool {
        let asked = context.values(&self.key);
        if self.operator.comparison == Comparison::Null {
            return self.compiled.null(asked.is_empty());
        }
        if asked.is_empty() {
            return match self.operator.set {
                _ if self.operator.if_exists => true,
                Some(SetOperator::ForAllValues) => true,
                Some(SetOperator::ForAnyValue) => false,
                None => self.operator.comparison.is_negated(),
            };
        }
        let negated = self.operator.comparison.is_negated();
        let hit = |value: &String| self.compiled.any(value, context);
        match self.operator.set {
            Some(SetOperator::ForAllValues) => asked.iter().all(|v| hit(v) != negated),
            Some(SetOperator::ForAnyValue) => asked.iter().any(|v| hit(v) != negated),
            None => asked.iter().any(hit) != negated,
        }
    }
}
