//! What the requests of several operations have in common.

use std::sync::Arc;

use haneul_dynamodb_wire::shapes::{
    AttributeValue, ConsumedCapacity, ExpectedAttributeValue, ItemCollectionMetrics,
};
use haneul_kit::{Cx, Result};
use haneul_shape::value::Map;

use super::Dynamodb;
use crate::engine::plan::Write;
use crate::error::validation;
use crate::expression::{Condition, Placeholders, check_takers, legacy};
use crate::table::TableInfo;
use crate::value::{Attrs, wire};

/// The parameters that PutItem and DeleteItem share.
pub(super) struct Parameters {
    pub(super) table: String,
    pub(super) condition: Option<String>,
    pub(super) names: Option<Map<String>>,
    pub(super) values: Option<Map<AttributeValue>>,
    pub(super) expected: Option<Map<ExpectedAttributeValue>>,
    pub(super) operator: Option<String>,
    pub(super) return_values: Option<String>,
    pub(super) capacity: Option<String>,
    pub(super) metrics: Option<String>,
    pub(super) on_failure: Option<String>,
}

/// Takes them out of an input.
macro_rules! parameters {
    ($input:expr) => {
        $crate::ops::request::Parameters {
            table: $input.table_name,
            condition: $input.condition_expression,
            names: $input.expression_attribute_names,
            values: $input.expression_attribute_values,
            expected: $input.expected,
            operator: $input.conditional_operator,
            return_values: $input.return_values,
            capacity: $input.return_consumed_capacity,
            metrics: $input.return_item_collection_metrics,
            on_failure: $input.return_values_on_condition_check_failure,
        }
    };
}

pub(super) use parameters;

/// What both answer.
pub(super) struct Written {
    pub(super) attributes: Option<Map<AttributeValue>>,
    pub(super) consumed_capacity: Option<ConsumedCapacity>,
    pub(super) item_collection_metrics: Option<ItemCollectionMetrics>,
}

impl Parameters {
    /// What is refused before anything is looked at.
    pub(super) fn check(&self) -> Result<()> {
        let expressions = [("ConditionExpression", self.condition.is_some())];
        legacy::check_mix(
            &[("Expected", self.expected.is_some()), ("ConditionalOperator", self.operator.is_some())],
            &expressions,
        )?;
        check_takers(self.names.is_some(), self.values.is_some(), &expressions)
    }

    pub(super) fn returns_old(&self) -> Result<bool> {
        match self.return_values.as_deref() {
            None | Some("NONE") => Ok(false),
            Some("ALL_OLD") => Ok(true),
            Some(_) => Err(validation("ReturnValues can only be ALL_OLD or NONE")),
        }
    }
}

impl Dynamodb {
    /// One write of one item; `write` is made with the table and the condition.
    pub(super) async fn write_item(
        &self,
        cx: &Cx,
        parameters: Parameters,
        write: impl FnOnce(Arc<TableInfo>, Option<Condition>) -> Result<Write>,
    ) -> Result<Written> {
        let returns_old = parameters.returns_old()?;
        let Parameters { table, condition, names, values, expected, operator, .. } = parameters;
        let expressions = [("ConditionExpression", condition.is_some())];
        let expected = legacy::expected(expected.unwrap_or_default(), operator.as_deref())?;
        let placeholders = Placeholders::of(names, values, &expressions)?;
        let condition = match &condition {
            Some(text) => Some(Condition::parse("ConditionExpression", text, &placeholders)?),
            None => expected,
        };
        placeholders.check_used()?;
        let table = self.table(cx, &table).await?;
        let write = write(table.clone(), condition)?;
        let (capacity, metrics) = (parameters.capacity.as_deref(), parameters.metrics.as_deref());
        let key = asks_for(metrics).then(|| write.key.clone());
        let on_failure = parameters.on_failure.as_deref() == Some("ALL_OLD");
        let done = self.db.write_one(write, returns_old || asks_for(capacity)).await;
        let outcome = done.map_err(|failure| failure.into_api(on_failure))?;
        Ok(Written {
            attributes: outcome.old.filter(|_| returns_old).map(to_wire),
            consumed_capacity: outcome.used.report(&table, capacity, None),
            item_collection_metrics: match key {
                Some(key) => self.collection_metrics(&table, &key, metrics).await?,
                None => None,
            },
        })
    }
}

pub(super) fn to_wire(item: Arc<Attrs>) -> Map<AttributeValue> {
    wire::attrs_to_wire(Arc::unwrap_or_clone(item))
}

pub(super) fn asks_for(wanted: Option<&str>) -> bool {
    wanted.is_some_and(|wanted| wanted != "NONE")
}
