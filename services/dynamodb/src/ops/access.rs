//! What operations ask permission for, with the keys of fine-grained access control. Source: DynamoDB Developer Guide,
//! "Using IAM policy conditions for fine-grained access control".

use std::sync::Arc;

use haneul_dynamodb_wire::shapes::AttributeValue;
use haneul_kit::{Access, Cx, Result};
use haneul_shape::value::Map;

use super::Dynamodb;
use crate::expression::attribute_names;
use crate::table::name::{self, TableId};
use crate::table::{KeySchema, TableInfo};

/// What a request says that a condition of a policy may ask about.
#[derive(Default)]
pub(super) struct Facts<'a> {
    /// Keys or items, whose partition keys are the leading ones.
    pub(super) keys: Vec<&'a Map<AttributeValue>>,
    /// Leading keys that are found otherwise.
    pub(super) leading: Vec<String>,
    pub(super) attributes: Vec<String>,
    pub(super) select: Option<&'a str>,
    pub(super) return_values: Option<&'a str>,
    pub(super) return_consumed_capacity: Option<&'a str>,
    pub(super) enclosing: Option<&'static str>,
    pub(super) index: Option<&'a str>,
}

impl Dynamodb {
    /// For an operation on the items of a table.
    pub(super) async fn on_items(
        &self,
        cx: &Cx,
        action: &'static str,
        table: &str,
        facts: Facts<'_>,
    ) -> Result<Access> {
        let id = name::of(cx, table)?;
        let info = self.db.find_table(&id).await?;
        Ok(item_access(action, &id, info.as_deref(), facts))
    }

    /// A table whose items the caller uses, its key open if it is encrypted with one of KMS.
    pub(super) async fn table(&self, cx: &Cx, given: &str) -> Result<Arc<TableInfo>> {
        let table = self.db.table(&name::of(cx, given)?).await?;
        cx.concerns(&table);
        self.db.open_for(cx, &table).await?;
        Ok(table)
    }

    /// For an operation on a table as a whole.
    pub(super) async fn on_table(&self, cx: &Cx, action: &'static str, table: &str) -> Result<Vec<Access>> {
        let id = name::of_table(cx, table)?;
        let info = self.db.find_table(&id).await?;
        let access = Access::on(action, &name::arn(&id));
        Ok(vec![match info {
            Some(info) => access.with_policy(info.policy.clone()).resource_tags(tags(&info)),
            None => access,
        }])
    }
}

pub(super) fn item_access(
    action: &'static str,
    id: &TableId,
    info: Option<&TableInfo>,
    facts: Facts<'_>,
) -> Access {
    let mut arn = name::arn(id);
    if let Some(index) = facts.index {
        arn = haneul_kit::Arn::new("dynamodb", id.1, id.0, format_args!("table/{}/index/{index}", id.2));
    }
    let mut access = Access::on(action, &arn);
    if let Some(info) = info {
        access = access.with_policy(info.policy.clone()).resource_tags(tags(info));
        let mut leading = facts.leading;
        leading.extend(facts.keys.iter().filter_map(|key| leading_key(&info.schema, key)));
        if !leading.is_empty() {
            access = access.keys("dynamodb:LeadingKeys", leading);
        }
    }
    if !facts.attributes.is_empty() {
        let mut attributes = facts.attributes;
        attributes.sort_unstable();
        attributes.dedup();
        access = access.keys("dynamodb:Attributes", attributes);
    }
    for (key, value) in [
        ("dynamodb:Select", facts.select),
        ("dynamodb:ReturnValues", facts.return_values),
        ("dynamodb:ReturnConsumedCapacity", facts.return_consumed_capacity),
        ("dynamodb:EnclosingOperation", facts.enclosing),
    ] {
        if let Some(value) = value {
            access = access.key(key, value);
        }
    }
    access
}

fn tags(info: &TableInfo) -> impl Iterator<Item = (&str, &str)> {
    info.record.tags.iter().map(|(key, value)| (key.as_str(), value.as_str()))
}

/// The first attribute of the partition key as a text.
fn leading_key(schema: &KeySchema, key: &Map<AttributeValue>) -> Option<String> {
    text_of(key.get(&schema.hash.first()?.name)?)
}

pub(super) fn text_of(value: &AttributeValue) -> Option<String> {
    match value {
        AttributeValue::S(text) | AttributeValue::N(text) => Some(text.clone()),
        AttributeValue::B(bytes) => {
            use base64::Engine;
            Some(base64::engine::general_purpose::STANDARD.encode(bytes))
        }
        _ => None,
    }
}

/// The attributes that expressions name, and those given as they are.
pub(super) fn named<'a>(
    expressions: impl IntoIterator<Item = Option<&'a String>>,
    names: Option<&Map<String>>,
    others: impl IntoIterator<Item = &'a str>,
) -> Vec<String> {
    let mut all: Vec<String> = others.into_iter().map(str::to_owned).collect();
    for expression in expressions.into_iter().flatten() {
        attribute_names(expression, names, &mut all);
    }
    all
}
