use std::collections::BTreeSet;
use std::time::Duration;

use haneul_kit::{Access, Cx, Handle, Instant, Result, Tagged, paging};
use haneul_resourcegroupstaggingapi_wire::operations as op;
use haneul_resourcegroupstaggingapi_wire::shapes as s;

use crate::Tagging;
use crate::error;

/// Resources on a page.
const PAGE: usize = 50;
const PAGE_MAX: i32 = 100;
/// Tags on a page, if asked for, in steps of a hundred.
const TAGS_MIN: i32 = 100;
const TAGS_MAX: i32 = 500;
/// Keys or values on a page.
const NAMES: usize = 1000;
const TOKEN_VALID: Duration = Duration::from_secs(15 * 60);

impl Tagging {
    /// Where a listing goes on, if it does; empty tokens begin it.
    fn position(&self, cx: &Cx, purpose: &str, token: Option<&String>) -> Result<Option<String>> {
        let Some(token) = token.filter(|token| !token.is_empty()) else { return Ok(None) };
        let found: Option<(i64, String)> = paging::position(&self.platform.seal, purpose, token);
        let (made_ms, after) = found.ok_or_else(|| error::parameter("The pagination token is not valid."))?;
        if Instant::from_millis(made_ms) + TOKEN_VALID < cx.now() {
            return Err(error::token_expired());
        }
        Ok(Some(after))
    }

    fn token(&self, cx: &Cx, purpose: &str, last: &str) -> String {
        paging::token(&self.platform.seal, purpose, &(cx.now().millis(), last))
    }

    /// A page of names, and the token of the next one, which is empty at the end.
    fn page(
        &self,
        cx: &Cx,
        purpose: &str,
        names: BTreeSet<String>,
        token: Option<&String>,
    ) -> Result<(Vec<String>, String)> {
        let after = self.position(cx, purpose, token)?;
        let rest = names.into_iter().filter(|name| after.as_ref().is_none_or(|after| name > after));
        let mut page: Vec<String> = rest.take(NAMES + 1).collect();
        let more = page.len() > NAMES;
        page.truncate(NAMES);
        let next = page.last().filter(|_| more).map(|last| self.token(cx, purpose, last));
        Ok((page, next.unwrap_or_default()))
    }
}

impl Handle<op::GetResources> for Tagging {
    async fn access(&self, _: &Cx, _: &s::GetResourcesInput) -> Result<Vec<Access>> {
        Ok(vec![Access::to("tag:GetResources")])
    }

    async fn call(&self, cx: &Cx, input: s::GetResourcesInput) -> Result<s::GetResourcesOutput> {
        let filters = input.tag_filters.unwrap_or_default();
        let types = input.resource_type_filters.unwrap_or_default();
        check(&filters)?;
        let arns = input.resource_arn_list;
        let paged = input.pagination_token.as_ref().is_some_and(|token| !token.is_empty())
            || input.resources_per_page.is_some()
            || input.tags_per_page.is_some();
        if arns.is_some() && (!filters.is_empty() || !types.is_empty() || paged) {
            return Err(error::parameter(
                "ResourceARNList cannot be combined with TagFilters, ResourceTypeFilters or pagination parameters.",
            ));
        }
        let compliance = input.include_compliance_details.unwrap_or(false);
        let only_bad = input.exclude_compliant_resources.unwrap_or(false);
        if only_bad && !compliance {
            return Err(error::parameter("ExcludeCompliantResources needs IncludeComplianceDetails."));
        }
        let limit = match input.resources_per_page {
            None => PAGE,
            Some(limit @ 1..=PAGE_MAX) => limit as usize,
            Some(_) => return Err(error::parameter("ResourcesPerPage must be between 1 and 100.")),
        };
        let tags_max = match input.tags_per_page {
            None => usize::MAX,
            Some(tags @ TAGS_MIN..=TAGS_MAX) if tags % 100 == 0 => tags as usize,
            Some(_) => return Err(error::parameter("TagsPerPage must be 100, 200, 300, 400 or 500.")),
        };
        let purpose = purpose(cx, &filters, &types, only_bad);
        let after = self.position(cx, &purpose, input.pagination_token.as_ref())?;
        let policy = if compliance { Some(self.tag_policy(cx).await?) } else { None };
        let mut found = self.tagged(cx).await?;
        found.retain(|resource| {
            let wanted = match &arns {
                Some(arns) => arns.contains(&resource.arn),
                None => is_of(&types, resource) && has(&filters, resource),
            };
            wanted && after.as_ref().is_none_or(|after| resource.arn > *after)
        });
        let limit = if arns.is_some() { usize::MAX } else { limit };
        let (mut page, mut tags, mut next) = (Vec::new(), 0, String::new());
        for resource in found {
            let details = policy.as_ref().map(|policy| policy.details(&resource));
            if only_bad && details.as_ref().is_some_and(|details| details.compliance_status == Some(true)) {
                continue;
            }
            let count = resource.tags.len().max(1);
            if page.len() == limit || !page.is_empty() && tags + count > tags_max {
                let last: Option<&s::ResourceTagMapping> = page.last();
                let last = last.and_then(|mapping| mapping.resource_arn.clone()).unwrap_or_default();
                next = self.token(cx, &purpose, &last);
                break;
            }
            tags += count;
            page.push(s::ResourceTagMapping {
                resource_arn: Some(resource.arn),
                tags: Some(resource.tags.into_iter().map(|(key, value)| s::Tag { key, value }).collect()),
                compliance_details: details,
            });
        }
        Ok(s::GetResourcesOutput { pagination_token: Some(next), resource_tag_mapping_list: Some(page) })
    }
}

fn check(filters: &[s::TagFilter]) -> Result<()> {
    let keys: BTreeSet<&str> = filters.iter().filter_map(|filter| filter.key.as_deref()).collect();
    if filters.iter().any(|filter| filter.key.as_ref().is_none_or(String::is_empty)) {
        return Err(error::parameter("A tag filter must have a key."));
    }
    if keys.len() != filters.len() {
        return Err(error::parameter("A tag filter's key is given more than once."));
    }
    Ok(())
}

/// What a token is for: not to be taken to another listing.
fn purpose(cx: &Cx, filters: &[s::TagFilter], types: &[String], only_bad: bool) -> String {
    let filters: Vec<_> = filters.iter().map(|filter| (&filter.key, &filter.values)).collect();
    format!("tagging.resources {} {} {filters:?} {types:?} {only_bad}", cx.account(), cx.region())
}

/// `sqs`, `iam:role`, or `dynamodb:table` for a service whose only kind has no name of its own.
fn is_of(types: &[String], resource: &Tagged) -> bool {
    let name = resource.kind.name;
    let (service, own) = name.split_once(':').unwrap_or((name, ""));
    let in_arn =
        resource.arn.splitn(6, ':').nth(5).unwrap_or_default().split(['/', ':']).next().unwrap_or_default();
    types.is_empty()
        || types.iter().any(|wanted| match wanted.split_once(':') {
            Some((wanted, kind)) => wanted == service && (kind == own || kind == in_arn),
            None => wanted == service,
        })
}

fn has(filters: &[s::TagFilter], resource: &Tagged) -> bool {
    filters.iter().all(|filter| {
        let values = filter.values.as_deref().unwrap_or_default();
        resource.tags.iter().any(|(key, value)| {
            Some(key) == filter.key.as_ref() && (values.is_empty() || values.contains(value))
        })
    })
}

impl Handle<op::GetTagKeys> for Tagging {
    async fn access(&self, _: &Cx, _: &s::GetTagKeysInput) -> Result<Vec<Access>> {
        Ok(vec![Access::to("tag:GetTagKeys")])
    }

    async fn call(&self, cx: &Cx, input: s::GetTagKeysInput) -> Result<s::GetTagKeysOutput> {
        let purpose = format!("tagging.keys {} {}", cx.account(), cx.region());
        let keys = self.tagged(cx).await?.into_iter().flat_map(|resource| resource.tags).map(|(key, _)| key);
        let (keys, next) = self.page(cx, &purpose, keys.collect(), input.pagination_token.as_ref())?;
        Ok(s::GetTagKeysOutput { pagination_token: Some(next), tag_keys: Some(keys) })
    }
}

impl Handle<op::GetTagValues> for Tagging {
    async fn access(&self, _: &Cx, _: &s::GetTagValuesInput) -> Result<Vec<Access>> {
        Ok(vec![Access::to("tag:GetTagValues")])
    }

    async fn call(&self, cx: &Cx, input: s::GetTagValuesInput) -> Result<s::GetTagValuesOutput> {
        let purpose = format!("tagging.values {} {} {}", cx.account(), cx.region(), input.key);
        let tags = self.tagged(cx).await?.into_iter().flat_map(|resource| resource.tags);
        let values = tags.filter(|(key, _)| *key == input.key).map(|(_, value)| value).collect();
        let (values, next) = self.page(cx, &purpose, values, input.pagination_token.as_ref())?;
        Ok(s::GetTagValuesOutput { pagination_token: Some(next), tag_values: Some(values) })
    }
}
