use haneul_kit::{Access, Cx, Handle, Result, paging};
use haneul_logs_wire::operations as op;
use haneul_logs_wire::shapes as s;
use haneul_shape::Empty;

use super::access::on_all;
use crate::Logs;
use crate::error;
use crate::filters::metric::Compiled;
use crate::filters::system::{self, Selected};
use crate::model::MetricFilter;
use crate::names::GroupName;
use crate::pattern::Pattern;

pub(super) const PAGE: usize = 50;

impl Handle<op::PutMetricFilter> for Logs {
    async fn access(&self, cx: &Cx, input: &s::PutMetricFilterRequest) -> Result<Vec<Access>> {
        self.on_group("logs:PutMetricFilter", &GroupName::own(cx, &input.log_group_name)).await
    }

    async fn call(&self, cx: &Cx, input: s::PutMetricFilterRequest) -> Result<Empty> {
        let selection = input.field_selection_criteria.filter(|text| !text.trim().is_empty());
        selection.as_deref().map(Selected::parse).transpose()?;
        let system_dimensions = input.emit_system_field_dimensions.unwrap_or_default();
        system::check(&system_dimensions, &system::DIMENSIONS, "emitSystemFieldDimensions")?;
        let Some(transformation) = input.metric_transformations.into_iter().next() else {
            return Err(error::invalid("A metric transformation must be given."));
        };
        let dimensions = transformation.dimensions.unwrap_or_default();
        let filter = MetricFilter {
            created_ms: cx.now().millis(),
            pattern: input.filter_pattern,
            metric: transformation.metric_name,
            namespace: transformation.metric_namespace,
            value: transformation.metric_value,
            default: transformation.default_value,
            dimensions: dimensions.iter().map(|(k, v)| (k.to_owned(), v.clone())).collect(),
            unit: transformation.unit,
            transformed: input.apply_on_transformed_logs == Some(true),
            selection,
            system_dimensions,
        };
        Pattern::given(&filter.pattern)?;
        Compiled::new(&input.filter_name, &filter)?;
        let name = GroupName::own(cx, &input.log_group_name);
        let group = self.records.group(&name).await?;
        if group.class != "STANDARD" {
            return Err(error::not_of_class("Metric filters", &group.class));
        }
        if filter.transformed && !self.has_transformer(&name, &group).await? {
            return Err(error::no_transformer());
        }
        self.records.put_metric_filter(&name, &input.filter_name, &filter).await?;
        Ok(Empty {})
    }
}

impl Handle<op::DeleteMetricFilter> for Logs {
    async fn access(&self, cx: &Cx, input: &s::DeleteMetricFilterRequest) -> Result<Vec<Access>> {
        self.on_group("logs:DeleteMetricFilter", &GroupName::own(cx, &input.log_group_name)).await
    }

    async fn call(&self, cx: &Cx, input: s::DeleteMetricFilterRequest) -> Result<Empty> {
        let name = GroupName::own(cx, &input.log_group_name);
        self.records.delete_metric_filter(&name, &input.filter_name).await?;
        Ok(Empty {})
    }
}

impl Handle<op::DescribeMetricFilters> for Logs {
    async fn access(&self, cx: &Cx, input: &s::DescribeMetricFiltersRequest) -> Result<Vec<Access>> {
        match &input.log_group_name {
            Some(name) => self.on_group("logs:DescribeMetricFilters", &GroupName::own(cx, name)).await,
            None => Ok(on_all(cx, "logs:DescribeMetricFilters")),
        }
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::DescribeMetricFiltersRequest,
    ) -> Result<s::DescribeMetricFiltersResponse> {
        if input.metric_name.is_some() != input.metric_namespace.is_some() {
            return Err(error::invalid(
                "metricName and metricNamespace must be given together, or neither of them.",
            ));
        }
        let purpose = format!("logs.metric-filters {} {}", cx.account(), cx.region());
        let seal = &self.platform.seal;
        let after: Option<(String, String)> = match &input.next_token {
            Some(token) => Some(paging::position(seal, &purpose, token).ok_or_else(error::next_token)?),
            None => None,
        };
        let limit = input.limit.map_or(PAGE, |limit| limit as usize);
        let wanted = |filter: &str, group: &str, record: &MetricFilter| {
            input.metric_name.as_ref().is_none_or(|metric| record.metric == *metric)
                && input.metric_namespace.as_ref().is_none_or(|namespace| record.namespace == *namespace)
                && after.as_ref().is_none_or(|after| (filter, group) > (after.0.as_str(), after.1.as_str()))
        };
        let found: Vec<(String, String, MetricFilter)> = match &input.log_group_name {
            Some(group) => {
                let name = GroupName::own(cx, group);
                self.records.group(&name).await?;
                let prefix = input.filter_name_prefix.as_deref().unwrap_or_default();
                let all = self.records.metric_filters_named(&name, prefix).await?.into_iter();
                let all = all.filter(|(filter, record)| wanted(filter, group, record));
                all.map(|(filter, record)| (filter, group.clone(), record)).collect()
            }
            None => {
                let owner = (cx.account(), cx.region());
                self.records.first_metric_filters(owner, limit + 1, wanted).await?
            }
        };
        let key = |(filter, group, _): &(String, String, MetricFilter)| (filter.clone(), group.clone());
        let page = paging::cut(found, limit, seal, &purpose, key);
        Ok(s::DescribeMetricFiltersResponse {
            metric_filters: Some(page.items.into_iter().map(shown).collect()),
            next_token: page.next,
        })
    }
}

fn shown((filter_name, group, filter): (String, String, MetricFilter)) -> s::MetricFilter {
    let transformation = s::MetricTransformation {
        metric_name: filter.metric,
        metric_namespace: filter.namespace,
        metric_value: filter.value,
        default_value: filter.default,
        dimensions: (!filter.dimensions.is_empty()).then(|| filter.dimensions.into_iter().collect()),
        unit: filter.unit,
    };
    s::MetricFilter {
        filter_name: Some(filter_name),
        filter_pattern: Some(filter.pattern),
        metric_transformations: Some(vec![transformation]),
        creation_time: Some(filter.created_ms),
        log_group_name: Some(group),
        apply_on_transformed_logs: Some(filter.transformed),
        field_selection_criteria: filter.selection,
        emit_system_field_dimensions: Some(filter.system_dimensions).filter(|list| !list.is_empty()),
    }
}
