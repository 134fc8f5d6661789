//! Query.

use haneul_dynamodb_wire::operations::Query;
use haneul_dynamodb_wire::shapes::{AttributeValue, QueryInput, QueryOutput};
use haneul_kit::{Access, Cx, Handle, Result};

use super::Dynamodb;
use super::access::{Facts, named};
use super::select::{self, Asked, Wanted};
use crate::engine::capacity::{self, Used};
use crate::engine::keys;
use crate::error::validation;
use crate::expression::key_condition::{self, KeyRange, SortCondition};
use crate::expression::{Condition, Placeholders, check_takers, legacy};
use crate::store::read::{self, Page, Span, successor};
use crate::table::{Index, KeyAttribute, KeySchema, TableInfo, name};
use crate::value::{Attrs, Value, order, size, wire};

impl Handle<Query> for Dynamodb {
    async fn access(&self, cx: &Cx, input: &QueryInput) -> Result<Vec<Access>> {
        let id = name::of(cx, &input.table_name)?;
        let info = self.db.find_table(&id).await?;
        let leading = info.as_deref().and_then(|info| leading_key(info, input));
        let specific = input.projection_expression.is_some() || input.attributes_to_get.is_some();
        let facts = Facts {
            leading: leading.into_iter().collect(),
            attributes: named(
                [
                    input.projection_expression.as_ref(),
                    input.filter_expression.as_ref(),
                    input.key_condition_expression.as_ref(),
                ],
                input.expression_attribute_names.as_ref(),
                input.attributes_to_get.iter().flatten().map(String::as_str),
            ),
            select: input.select.as_deref().or(specific.then_some("SPECIFIC_ATTRIBUTES")),
            return_consumed_capacity: input.return_consumed_capacity.as_deref(),
            index: input.index_name.as_deref(),
            ..Facts::default()
        };
        Ok(vec![super::access::item_access("dynamodb:Query", &id, info.as_deref(), facts)])
    }

    async fn call(&self, cx: &Cx, input: QueryInput) -> Result<QueryOutput> {
        let expressions = [
            ("ProjectionExpression", input.projection_expression.is_some()),
            ("FilterExpression", input.filter_expression.is_some()),
            ("KeyConditionExpression", input.key_condition_expression.is_some()),
        ];
        // KeyConditions may stand beside the other expressions, as long as their own has not replaced them.
        let twice = input.key_conditions.is_some() && input.key_condition_expression.is_some();
        legacy::check_mix(
            &[
                ("AttributesToGet", input.attributes_to_get.is_some()),
                ("QueryFilter", input.query_filter.is_some()),
                ("ConditionalOperator", input.conditional_operator.is_some()),
                ("KeyConditions", twice),
            ],
            &expressions,
        )?;
        let (names, values) = (input.expression_attribute_names, input.expression_attribute_values);
        check_takers(names.is_some(), values.is_some(), &expressions)?;
        let legacy_filter =
            legacy::filter(input.query_filter.unwrap_or_default(), input.conditional_operator.as_deref())?;
        let asked = Asked::new(
            "1 validation error detected: ",
            input.select,
            input.projection_expression,
            input.attributes_to_get,
            input.index_name.is_some(),
        )?;
        let start = select::start_key(input.exclusive_start_key)?;
        if input.key_conditions.is_none() && input.key_condition_expression.is_none() {
            return Err(validation(
                "Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.",
            ));
        }
        let placeholders = Placeholders::of(names, values, &expressions)?;
        let key_condition = input
            .key_condition_expression
            .as_deref()
            .map(|text| Condition::parse("KeyConditionExpression", text, &placeholders))
            .transpose()?;
        let filter = match &input.filter_expression {
            Some(text) => Some(Condition::parse("FilterExpression", text, &placeholders)?),
            None => legacy_filter,
        };
        let wanted = asked.wanted(&placeholders)?;
        placeholders.check_used()?;
        let terms = match &key_condition {
            Some(condition) => key_condition::terms(condition)?,
            None => legacy::key_terms(input.key_conditions.unwrap_or_default())?,
        };
        let table = self.table(cx, &input.table_name).await?;
        let index = input.index_name.as_deref().map(|name| table.index(name)).transpose()?;
        let consistent = input.consistent_read.unwrap_or(false);
        if consistent && index.is_some_and(|index| index.record.global) {
            return Err(validation("Consistent reads are not supported on global secondary indexes"));
        }
        let schema = index.map_or(&table.schema, |index| &index.schema);
        let space = index.map_or(table.record.space, |index| index.record.space);
        if let Some(start) = &start {
            check_start(&table, schema, start)?;
        }
        let range = KeyRange::of_terms(terms, schema)?;
        let named = schema.hash.iter().zip(&range.partition);
        let partition = match table.record.insights.is_empty() {
            true => Attrs::new(),
            false => named.map(|(key, value)| (key.name.clone(), value.clone())).collect(),
        };
        let mut span = span(space, &range);
        span.reverse = input.scan_index_forward == Some(false);
        if let Some(start) = &start {
            check_within(&range, schema, start)?;
            let at = select::start_at(&table, index, start)?;
            span = span.after(&at);
        }
        if let Some(filter) = &filter {
            let parameter =
                if input.filter_expression.is_some() { "Filter Expression" } else { "QueryFilter" };
            check_filter(filter, schema, parameter)?;
            select::check_projected(filter, &table, index)?;
        }
        let limit = input.limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(1));
        let reading = Reading {
            table: &table,
            index,
            wanted: &wanted,
            filter: filter.as_ref(),
            consistent,
            counted: Counted::Partition(&partition),
        };
        let read = self.read(reading, span, limit).await?;
        table.returned(self.db.metrics(), "Query", cx.now(), usize::try_from(read.count).unwrap_or(0));
        Ok(QueryOutput {
            count: Some(read.count),
            scanned_count: Some(read.scanned),
            last_evaluated_key: read.last.map(wire::attrs_to_wire),
            consumed_capacity: read.used.report(&table, input.return_consumed_capacity.as_deref(), None),
            items: (!wanted.is_count()).then(|| read.items.into_iter().map(wire::attrs_to_wire).collect()),
        })
    }
}

/// ExclusiveStartKey has the attributes of the table's key and of the index's, and no others.
fn check_start(table: &TableInfo, schema: &KeySchema, start: &Attrs) -> Result<()> {
    let others = schema.attributes().filter(|key| !table.schema.has(&key.name)).count();
    if start.len() != table.schema.len() + others {
        return Err(select::invalid_start(""));
    }
    for key in schema.attributes() {
        match start.get(&key.name) {
            None => return Err(select::invalid_start("")),
            Some(value) if value.type_name() != key.kind => {
                return Err(validation("The provided key element does not match the schema"));
            }
            Some(value) => keys::check_not_empty(value, &key.name)?,
        }
    }
    Ok(())
}

/// A page goes on within what the query asks for.
fn check_within(range: &KeyRange, schema: &KeySchema, start: &Attrs) -> Result<()> {
    let of = |keys: &'_ [KeyAttribute]| -> Vec<&Value> {
        keys.iter().filter_map(|key| start.get(&key.name)).collect()
    };
    if !range.allows(&of(&schema.range)) {
        return Err(validation("The provided starting key does not match the range key predicate"));
    }
    match of(&schema.hash).into_iter().eq(&range.partition) {
        true => Ok(()),
        false if range.is_one_item(schema) => {
            Err(validation("The query can return at most one row and cannot be restarted"))
        }
        false => Err(validation(
            "The provided starting key is outside query boundaries based on provided conditions",
        )),
    }
}

/// A filter is for what the keys do not say.
fn check_filter(filter: &Condition, schema: &KeySchema, parameter: &str) -> Result<()> {
    let mut key = None;
    filter.paths(&mut |path| {
        if key.is_none() && schema.has(path.attribute()) {
            key = Some(path.attribute().to_owned());
        }
    });
    match key {
        Some(name) => Err(validation(format!(
            "{parameter} can only contain non-primary key attributes: Primary key attribute: {name}"
        ))),
        None => Ok(()),
    }
}

/// The keys of a space that meet a key condition.
pub(super) fn span(space: u64, range: &KeyRange) -> Span {
    let mut prefix = keys::of_partition(space, &range.partition);
    range.sort.iter().for_each(|value| order::encode(value, &mut prefix));
    let with = |value: &Value| {
        let mut key = prefix.clone();
        order::encode(value, &mut key);
        key
    };
    let mut span = Span::prefix(prefix.clone());
    match &range.last {
        None => {}
        Some(SortCondition::Lt(value)) => span.end = with(value),
        Some(SortCondition::Le(value)) => span.end = successor(&with(value)),
        Some(SortCondition::Gt(value)) => span.start = successor(&with(value)),
        Some(SortCondition::Ge(value)) => span.start = with(value),
        Some(SortCondition::Between(low, high)) => {
            (span.start, span.end) = (with(low), successor(&with(high)));
        }
        Some(SortCondition::BeginsWith(value)) => {
            let mut start = prefix;
            match value {
                Value::S(text) => order::encode_start(text.as_bytes(), &mut start),
                Value::B(bytes) => order::encode_start(bytes, &mut start),
                _ => {}
            }
            span = Span::prefix(start);
        }
    }
    span
}

/// What Query and Scan do with the entries of a span.
pub(super) struct Reading<'a> {
    pub(super) table: &'a TableInfo,
    pub(super) index: Option<&'a Index>,
    pub(super) wanted: &'a Wanted,
    pub(super) filter: Option<&'a Condition>,
    pub(super) consistent: bool,
    /// What contributor insights count.
    pub(super) counted: Counted<'a>,
}

/// Which keys a read uses, for contributor insights.
#[derive(Clone, Copy)]
pub(super) enum Counted<'a> {
    /// Those of a statement are not counted.
    Nothing,
    /// The one partition that is queried.
    Partition(&'a Attrs),
    /// Each item that is read, by its size.
    Items,
}

pub(super) struct Read {
    pub(super) items: Vec<Attrs>,
    pub(super) count: i32,
    pub(super) scanned: i32,
    pub(super) last: Option<Attrs>,
    pub(super) used: Used,
}

impl Dynamodb {
    pub(super) async fn read(&self, reading: Reading<'_>, span: Span, limit: usize) -> Result<Read> {
        let Reading { table, index, wanted, filter, consistent, counted } = reading;
        let at = index.and_then(|index| position(table, index));
        let fetches = index.map(|index| wanted.fetches(table, index)).transpose()?.unwrap_or(false);
        self.db.admit_read(table, at).inspect_err(|_| match counted {
            Counted::Partition(key) => self.db.note_throttled(table, at, key),
            // Of which key, nobody knows.
            Counted::Items | Counted::Nothing => {}
        })?;
        let snapshot = self.db.snapshot().await?;
        let Page { entries, more } = read::page(&snapshot, table, span, limit).await?;
        let scanned = entries.len() as i32;
        let bytes: usize = entries.iter().map(|(_, size)| size).sum();
        let last = entries.last().filter(|_| more).map(|(item, _)| select::last_key(table, index, item));
        let mut used = Used::default();
        let units = capacity::of_read(bytes, consistent);
        match at {
            Some(position) => used.add_index(position, units),
            None => used.table = units,
        }
        if let (Counted::Items, false) = (counted, table.record.insights.is_empty()) {
            for (item, size) in &entries {
                self.db.note_read(table, at, item, units * *size as f64 / bytes.max(1) as f64);
            }
        }
        let (mut items, mut count) = (Vec::new(), 0);
        for (item, _) in entries {
            let item = match fetches {
                true => match select::fetch(&snapshot, table, &item).await? {
                    Some(whole) => {
                        used.table += capacity::of_read(size::of_item(&whole), consistent);
                        whole
                    }
                    None => continue,
                },
                false => item,
            };
            if filter.is_some_and(|filter| !filter.holds(&item)) {
                continue;
            }
            count += 1;
            if !wanted.is_count() {
                items.push(wanted.part(item));
            }
        }
        self.db.charge_read(table, &used);
        if let Counted::Partition(key) = counted {
            self.db.note_read(table, at, key, used.total());
        }
        Ok(Read { items, count, scanned, last, used })
    }
}

fn position(table: &TableInfo, index: &Index) -> Option<usize> {
    table.indexes.iter().position(|other| other.record.space == index.record.space)
}

/// The partition key's value in the request, for the authorisation: whatever else may be wrong with it.
fn leading_key(info: &TableInfo, input: &QueryInput) -> Option<String> {
    let schema = match &input.index_name {
        Some(name) => &info.indexes.iter().find(|index| index.record.name == *name)?.schema,
        None => &info.schema,
    };
    let hash = &schema.hash.first()?.name;
    if let Some(conditions) = &input.key_conditions {
        let value = conditions.get(hash)?.attribute_value_list.as_ref()?.first()?;
        return super::access::text_of(value);
    }
    let placeholders = Placeholders::of(
        input.expression_attribute_names.clone(),
        input.expression_attribute_values.clone(),
        &[("KeyConditionExpression", true)],
    )
    .ok()?;
    let text = input.key_condition_expression.as_ref()?;
    let condition = Condition::parse("KeyConditionExpression", text, &placeholders).ok()?;
    let range = KeyRange::of_terms(key_condition::terms(&condition).ok()?, schema).ok()?;
    let value: AttributeValue = wire::to_wire(range.partition.into_iter().next()?);
    super::access::text_of(&value)
}
