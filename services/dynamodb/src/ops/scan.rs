//! Scan.

use haneul_dynamodb_wire::operations::Scan;
use haneul_dynamodb_wire::shapes::{ScanInput, ScanOutput};
use haneul_kit::{Access, Cx, Handle, Result};

use super::Dynamodb;
use super::access::{Facts, named};
use super::query::{Counted, Reading};
use super::select::{self, Asked};
use crate::engine::keys;
use crate::error::validation;
use crate::expression::{Condition, Placeholders, check_takers, legacy};
use crate::store::read::Span;
use crate::value::wire;

impl Handle<Scan> for Dynamodb {
    async fn access(&self, cx: &Cx, input: &ScanInput) -> Result<Vec<Access>> {
        let specific = input.projection_expression.is_some() || input.attributes_to_get.is_some();
        let facts = Facts {
            attributes: named(
                [input.projection_expression.as_ref(), input.filter_expression.as_ref()],
                input.expression_attribute_names.as_ref(),
                input.attributes_to_get.iter().flatten().map(String::as_str),
            ),
            select: input.select.as_deref().or(specific.then_some("SPECIFIC_ATTRIBUTES")),
            return_consumed_capacity: input.return_consumed_capacity.as_deref(),
            index: input.index_name.as_deref(),
            ..Facts::default()
        };
        Ok(vec![self.on_items(cx, "dynamodb:Scan", &input.table_name, facts).await?])
    }

    async fn call(&self, cx: &Cx, input: ScanInput) -> Result<ScanOutput> {
        let expressions = [
            ("ProjectionExpression", input.projection_expression.is_some()),
            ("FilterExpression", input.filter_expression.is_some()),
        ];
        legacy::check_mix(
            &[
                ("AttributesToGet", input.attributes_to_get.is_some()),
                ("ScanFilter", input.scan_filter.is_some()),
                ("ConditionalOperator", input.conditional_operator.is_some()),
            ],
            &expressions,
        )?;
        let (names, values) = (input.expression_attribute_names, input.expression_attribute_values);
        check_takers(names.is_some(), values.is_some(), &expressions)?;
        let asked = Asked::new(
            "",
            input.select,
            input.projection_expression,
            input.attributes_to_get,
            input.index_name.is_some(),
        )?;
        let legacy_filter =
            legacy::filter(input.scan_filter.unwrap_or_default(), input.conditional_operator.as_deref())?;
        let segment = segment(input.segment, input.total_segments)?;
        let start = select::start_key(input.exclusive_start_key)?;
        let placeholders = Placeholders::of(names, values, &expressions)?;
        let filter = match &input.filter_expression {
            Some(text) => Some(Condition::parse("FilterExpression", text, &placeholders)?),
            None => legacy_filter,
        };
        let wanted = asked.wanted(&placeholders)?;
        placeholders.check_used()?;
        let table = self.table(cx, &input.table_name).await?;
        let index = input.index_name.as_deref().map(|name| table.index(name)).transpose()?;
        let consistent = input.consistent_read.unwrap_or(false);
        if consistent && index.is_some_and(|index| index.record.global) {
            return Err(validation("Consistent reads are not supported on global secondary indexes"));
        }
        let space = index.map_or(table.record.space, |index| index.record.space);
        let mut span = span(space, segment);
        if let Some(start) = start {
            let start = select::start_at(&table, index, &start)?;
            if !span.contains(&start) {
                let (own, total) = segment;
                return Err(validation(format!(
                    "The provided starting key is invalid: Invalid ExclusiveStartKey. Please use ExclusiveStartKey \
                     with correct Segment. TotalSegments: {total} Segment: {own}"
                )));
            }
            span = span.after(&start);
        }
        let limit = input.limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(1));
        let reading = Reading {
            table: &table,
            index,
            wanted: &wanted,
            filter: filter.as_ref(),
            consistent,
            counted: Counted::Items,
        };
        let read = self.read(reading, span, limit).await?;
        table.returned(self.db.metrics(), "Scan", cx.now(), usize::try_from(read.count).unwrap_or(0));
        Ok(ScanOutput {
            count: Some(read.count),
            scanned_count: Some(read.scanned),
            last_evaluated_key: read.last.map(wire::attrs_to_wire),
            consumed_capacity: read.used.report(&table, input.return_consumed_capacity.as_deref(), None),
            items: (!wanted.is_count()).then(|| read.items.into_iter().map(wire::attrs_to_wire).collect()),
        })
    }
}

/// Which segment of how many.
fn segment(segment: Option<i32>, total: Option<i32>) -> Result<(u64, u64)> {
    match (segment, total) {
        (None, None) => Ok((0, 1)),
        (Some(_), None) => Err(validation(
            "The TotalSegments parameter is required but was not present in the request when Segment parameter is \
             present",
        )),
        (None, Some(_)) => Err(validation(
            "The Segment parameter is required but was not present in the request when parameter TotalSegments is \
             present",
        )),
        (Some(segment), Some(total)) if segment >= total => Err(validation(format!(
            "The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: {segment} is \
             not less than TotalSegments: {total}"
        ))),
        (Some(segment), Some(total)) => {
            Ok((u64::try_from(segment).unwrap_or(0), u64::try_from(total).unwrap_or(1)))
        }
    }
}

/// Segments are even parts of the hashes.
fn span(space: u64, (segment, total): (u64, u64)) -> Span {
    let whole = Span::prefix(keys::of_space(space).to_vec());
    if total == 1 {
        return whole;
    }
    let bound = |segment: u64| {
        let hash = (u128::from(segment) << 32) / u128::from(total);
        let mut key = keys::of_space(space).to_vec();
        // The bound behind the last hash is the space's own.
        match u32::try_from(hash) {
            Ok(hash) => key.extend_from_slice(&hash.to_be_bytes()),
            Err(_) => return whole.end.clone(),
        }
        key
    };
    Span { start: bound(segment), end: bound(segment + 1), reverse: false }
}
