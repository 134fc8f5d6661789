use haneul_kit::{Access, Cx, Handle, Result, Tags, paging};
use haneul_logs_wire::operations as op;
use haneul_logs_wire::shapes as s;
use haneul_shape::Empty;

use super::access::on_all;
use super::data_sources::is_of;
use super::indexes::default_fields;
use crate::Logs;
use crate::calls::Keeper;
use crate::data_source::DataSource;
use crate::error;
use crate::model::{Group, GroupKey};
use crate::names::GroupName;

const PAGE: usize = 50;
const LIST_PAGE_MAX: i32 = 1000;
/// Groups looked at for one page of a listing by pattern.
const SCAN: usize = 10_000;

impl Handle<op::CreateLogGroup> for Logs {
    async fn access(&self, cx: &Cx, input: &s::CreateLogGroupRequest) -> Result<Vec<Access>> {
        let name = GroupName::own(cx, &input.log_group_name);
        let tags: Vec<(&str, &str)> =
            input.tags.iter().flat_map(|tags| tags.iter()).map(|(k, v)| (k, v.as_str())).collect();
        let access = Access::on("logs:CreateLogGroup", &name.stream_arn("")).request_tags(tags.clone());
        let mut all = vec![access];
        if !tags.is_empty() {
            all.push(Access::on("logs:TagResource", &name.arn()).request_tags(tags));
        }
        Ok(all)
    }

    async fn call(&self, cx: &Cx, input: s::CreateLogGroupRequest) -> Result<Empty> {
        let class = input.log_group_class.unwrap_or_else(|| "STANDARD".into());
        if !matches!(class.as_str(), "STANDARD" | "INFREQUENT_ACCESS" | "DELIVERY") {
            return Err(error::not_offered(&format!("The log group class {class}")));
        }
        if input.log_group_name.starts_with("aws/") {
            return Err(error::invalid("Log groups starting with AWS/ are reserved for AWS."));
        }
        let tags = Tags::from_request(input.tags.unwrap_or_default()).map_err(super::tags::refused)?;
        let name = GroupName::own(cx, &input.log_group_name);
        if self.records.store_group(&name).await?.is_some() {
            return Err(error::group_exists());
        }
        let key = match &input.kms_key_id {
            Some(key_id) => Some(self.new_data_key(&Keeper::group(&name), key_id).await?),
            None => None,
        };
        let group = Group {
            id: self.platform.env.rng.u64(),
            created_ms: cx.now().millis(),
            retention_days: None,
            class,
            deletion_protected: input.deletion_protection_enabled.unwrap_or(false),
            takes_bearer_tokens: false,
            tags: tags.iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect(),
            metric_filters: 0,
            subscriptions: 0,
            key: key.as_ref().map(|key| GroupKey { arn: key.key_arn.clone(), number: 1 }),
            protection: None,
            transformer: None,
            index: None,
        };
        self.records.create_group(&name, &group, key.as_ref()).await?;
        Ok(Empty {})
    }
}

impl Handle<op::DeleteLogGroup> for Logs {
    async fn access(&self, cx: &Cx, input: &s::DeleteLogGroupRequest) -> Result<Vec<Access>> {
        self.on_group("logs:DeleteLogGroup", &GroupName::own(cx, &input.log_group_name)).await
    }

    async fn call(&self, cx: &Cx, input: s::DeleteLogGroupRequest) -> Result<Empty> {
        self.records.delete_group(&GroupName::own(cx, &input.log_group_name)).await?;
        self.sweeping.wake();
        Ok(Empty {})
    }
}

impl Handle<op::PutLogGroupDeletionProtection> for Logs {
    async fn access(&self, cx: &Cx, input: &s::PutLogGroupDeletionProtectionRequest) -> Result<Vec<Access>> {
        let name = GroupName::identified(cx, &input.log_group_identifier)?;
        self.on_group("logs:PutLogGroupDeletionProtection", &name).await
    }

    async fn call(&self, cx: &Cx, input: s::PutLogGroupDeletionProtectionRequest) -> Result<Empty> {
        let name = GroupName::identified(cx, &input.log_group_identifier)?;
        let protected = input.deletion_protection_enabled;
        self.records
            .change_group(&name, |group| {
                group.deletion_protected = protected;
                Ok(())
            })
            .await?;
        Ok(Empty {})
    }
}

impl Handle<op::PutBearerTokenAuthentication> for Logs {
    async fn access(&self, cx: &Cx, input: &s::PutBearerTokenAuthenticationRequest) -> Result<Vec<Access>> {
        let name = GroupName::identified(cx, &input.log_group_identifier)?;
        self.on_group("logs:PutBearerTokenAuthentication", &name).await
    }

    async fn call(&self, cx: &Cx, input: s::PutBearerTokenAuthenticationRequest) -> Result<Empty> {
        let name = GroupName::identified(cx, &input.log_group_identifier)?;
        let enabled = input.bearer_token_authentication_enabled;
        self.records
            .change_group(&name, |group| {
                group.takes_bearer_tokens = enabled;
                Ok(())
            })
            .await?;
        Ok(Empty {})
    }
}

impl Handle<op::DescribeLogGroups> for Logs {
    async fn access(&self, cx: &Cx, _: &s::DescribeLogGroupsRequest) -> Result<Vec<Access>> {
        Ok(on_all(cx, "logs:DescribeLogGroups"))
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::DescribeLogGroupsRequest,
    ) -> Result<s::DescribeLogGroupsResponse> {
        if input.include_linked_accounts == Some(true) || input.account_identifiers.is_some() {
            return Err(error::not_offered("Cross-account observability"));
        }
        if input.log_group_name_prefix.is_some() && input.log_group_name_pattern.is_some() {
            return Err(error::invalid(
                "LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.",
            ));
        }
        let wanted: Option<Vec<GroupName>> = match &input.log_group_identifiers {
            Some(list) => Some(list.iter().map(|one| GroupName::identified(cx, one)).collect::<Result<_>>()?),
            None => None,
        };
        let limit = input.limit.map_or(PAGE, |limit| limit as usize);
        let pattern = input.log_group_name_pattern.unwrap_or_default();
        let filter = |name: &str, group: &Group| {
            name.contains(&pattern)
                && input.log_group_class.as_ref().is_none_or(|class| *class == group.class)
                && wanted.as_ref().is_none_or(|list| list.iter().any(|one| one.name == name))
        };
        let prefix = input.log_group_name_prefix.as_deref().unwrap_or_default();
        let page = self.group_page(cx, prefix, input.next_token.as_deref(), limit, filter).await?;
        let mut groups = Vec::with_capacity(page.items.len());
        for (name, group) in page.items {
            let streams = self.records.streams(group.id, "").await?;
            let stored = streams.iter().map(|(_, stream)| stream.bytes).sum();
            let arn = GroupName::own(cx, &name).arn().to_string();
            groups.push(s::LogGroup {
                log_group_name: Some(name),
                creation_time: Some(group.created_ms),
                retention_in_days: group.retention_days,
                metric_filter_count: i32::try_from(group.metric_filters).ok(),
                arn: Some(format!("{arn}:*")),
                stored_bytes: Some(stored),
                log_group_class: Some(group.class),
                log_group_arn: Some(arn),
                deletion_protection_enabled: Some(group.deletion_protected),
                bearer_token_authentication_enabled: Some(group.takes_bearer_tokens),
                kms_key_id: group.key.map(|key| key.arn),
                data_protection_status: group.protection.map(|_| "ACTIVATED".into()),
                ..Default::default()
            });
        }
        Ok(s::DescribeLogGroupsResponse { log_groups: Some(groups), next_token: page.next })
    }
}

impl Handle<op::ListLogGroups> for Logs {
    async fn access(&self, cx: &Cx, _: &s::ListLogGroupsRequest) -> Result<Vec<Access>> {
        Ok(on_all(cx, "logs:ListLogGroups"))
    }

    async fn call(&self, cx: &Cx, input: s::ListLogGroupsRequest) -> Result<s::ListLogGroupsResponse> {
        if input.include_linked_accounts == Some(true) || input.account_identifiers.is_some() {
            return Err(error::not_offered("Cross-account observability"));
        }
        let fields = input.field_index_names.unwrap_or_default();
        let settings = self.settings.of(&self.records, (cx.account(), cx.region())).await?;
        let is_indexed = |name: &str, group: &Group| {
            // Policies were all read when they were put.
            let by_policy = settings.indexed_fields(name, group).unwrap_or_default();
            let defaults = default_fields(&GroupName::own(cx, name), group);
            let has = |field: &String| {
                by_policy.iter().any(|one| one.name == *field) || defaults.contains(&field.as_str())
            };
            fields.iter().all(has)
        };
        let sources = input.data_sources;
        let is_of_source = |group: &Group| {
            sources.is_none()
                || DataSource::of(&group.tags).is_some_and(|source| is_of(sources.as_deref(), &source))
        };
        let tags = input.log_group_tags.unwrap_or_default();
        let pattern = NamePattern::parse(input.log_group_name_pattern.as_deref().unwrap_or_default())?;
        let limit = input.limit.map_or(PAGE, |limit| limit.clamp(1, LIST_PAGE_MAX) as usize);
        let filter = |name: &str, group: &Group| {
            pattern.matches(name)
                && input.log_group_class.as_ref().is_none_or(|class| *class == group.class)
                && is_of_source(group)
                && (fields.is_empty() || is_indexed(name, group))
                && tags.iter().all(|filter| is_tagged(filter, &group.tags))
        };
        let page = self.group_page(cx, "", input.next_token.as_deref(), limit, filter).await?;
        let summary = |(name, group): (String, Group)| s::LogGroupSummary {
            log_group_arn: Some(GroupName::own(cx, &name).arn().to_string()),
            log_group_name: Some(name),
            log_group_class: Some(group.class),
        };
        let groups = page.items.into_iter().map(summary).collect();
        Ok(s::ListLogGroupsResponse { log_groups: Some(groups), next_token: page.next })
    }
}

impl Logs {
    async fn group_page(
        &self,
        cx: &Cx,
        prefix: &str,
        token: Option<&str>,
        limit: usize,
        filter: impl Fn(&str, &Group) -> bool,
    ) -> Result<paging::Page<(String, Group)>> {
        let purpose = format!("logs.groups {} {} {prefix}", cx.account(), cx.region());
        let seal = &self.platform.seal;
        let mut after: Option<String> = match token {
            Some(token) => Some(paging::position(seal, &purpose, token).ok_or_else(error::next_token)?),
            None => None,
        };
        let mut items = Vec::new();
        loop {
            let found = self.records.groups(cx, prefix, after.as_deref(), SCAN).await?;
            let last = found.last().map(|(name, _)| name.clone());
            let through = found.len() < SCAN;
            items.extend(found.into_iter().filter(|(name, group)| filter(name, group)));
            if items.len() > limit || through {
                break;
            }
            after = last;
        }
        Ok(paging::cut(items, limit, seal, &purpose, |(name, _)| name.clone()))
    }
}

/// Whether tags are as a filter wants: the key, and one of its values; `!` negates one, `*` stands for anything.
fn is_tagged(filter: &s::TagFilter, tags: &[(String, String)]) -> bool {
    let Some((_, value)) = tags.iter().find(|(key, _)| *key == filter.key) else { return false };
    let wanted = filter.values.as_deref().unwrap_or_default();
    let fits = |wanted: &String| {
        let (negated, wanted) = match wanted.strip_prefix('!') {
            Some(rest) => (true, rest),
            None => (false, wanted.as_str()),
        };
        let inner = wanted.trim_matches('*').to_lowercase();
        let lower = value.to_lowercase();
        let is = match (wanted.starts_with('*'), wanted.ends_with('*')) {
            (true, true) => lower.contains(&inner),
            (true, false) => lower.ends_with(&inner),
            (false, true) => lower.starts_with(&inner),
            (false, false) => value == wanted,
        };
        is != negated
    };
    wanted.is_empty() || wanted.iter().any(fits)
}

/// Names joined by `|`; one that begins with `^` is a prefix, others stand anywhere.
pub(super) struct NamePattern(Vec<(bool, String)>);

impl NamePattern {
    const PARTS_MAX: usize = 5;

    pub(super) fn parse(text: &str) -> Result<NamePattern> {
        let part = |part: &str| match part.strip_prefix('^') {
            Some(prefix) => (true, prefix.to_owned()),
            None => (false, part.to_owned()),
        };
        let parts: Vec<(bool, String)> = text.split('|').map(part).collect();
        if parts.len() > Self::PARTS_MAX {
            return Err(error::invalid("The specified log group name pattern is invalid."));
        }
        Ok(NamePattern(parts))
    }

    pub(super) fn matches(&self, name: &str) -> bool {
        self.0.iter().any(|(prefix, text)| if *prefix { name.starts_with(text) } else { name.contains(text) })
    }
}
