//! TagResource, UntagResource, ListTagsForResource: of all that can have tags.

use haneul_base::tags::InvalidTags;
use haneul_cloudwatch_wire::operations as op;
use haneul_cloudwatch_wire::shapes as s;
use haneul_kit::{Access, ApiError, Arn, Cx, Handle, Result, Tags};

use super::alarm_parts::owner;
use crate::CloudWatch;
use crate::error;
use crate::store::alarms::Traces;

pub(crate) fn refused(why: InvalidTags) -> ApiError {
    error::invalid_value(match why {
        InvalidTags::TooMany => "A resource can have no more than 50 tags.".to_owned(),
        InvalidTags::Reserved(key) => format!("aws: prefixed tag key names are not allowed: {key}"),
        InvalidTags::Duplicate(key) => format!("The tag key {key} is given twice."),
        InvalidTags::Key(key) | InvalidTags::Value(key) | InvalidTags::Character(key) => {
            format!("The tag with the key {key} is not valid.")
        }
    })
}

enum Tagged {
    Alarm(String),
    Dashboard(String),
    Rule(String),
    Mute(String),
    Stream(String),
    Query(String),
}

fn tagged(cx: &Cx, text: &str) -> Result<(Arn, Tagged)> {
    let unknown = || error::resource_not_found("resource", text);
    let arn = Arn::parse(text).map_err(|_| error::invalid_value(format!("{text} is not a valid ARN.")))?;
    if arn.service() != "cloudwatch" || arn.account_id() != Some(cx.account()) {
        return Err(unknown());
    }
    let here = arn.region() == cx.region().as_str();
    let alarm = arn.resource().strip_prefix("alarm:").map(|name| Tagged::Alarm(name.to_owned()));
    let rule = arn.resource().strip_prefix("insight-rule/").map(|name| Tagged::Rule(name.to_owned()));
    let mute = arn.resource().strip_prefix("alarm-mute-rule:").map(|name| Tagged::Mute(name.to_owned()));
    let stream = arn.resource().strip_prefix("metric-stream/").map(|name| Tagged::Stream(name.to_owned()));
    let query =
        arn.resource().strip_prefix("metric-query-definition/").map(|id| Tagged::Query(id.to_owned()));
    if let Some(tagged) = alarm.or(rule).or(mute).or(stream).or(query) {
        return if here { Ok((arn, tagged)) } else { Err(unknown()) };
    }
    match arn.resource().strip_prefix("dashboard/") {
        Some(name) => {
            let tagged = Tagged::Dashboard(name.to_owned());
            Ok((arn, tagged))
        }
        None => Err(unknown()),
    }
}

impl CloudWatch {
    async fn tags_of(&self, cx: &Cx, what: &Tagged) -> Result<Option<Vec<(String, String)>>> {
        Ok(match what {
            Tagged::Alarm(name) => self.alarm(owner(cx), name).await?.map(|alarm| alarm.tags),
            Tagged::Dashboard(name) => {
                self.dashboard(cx.account(), name).await?.map(|dashboard| dashboard.tags)
            }
            Tagged::Rule(name) => self.rule(owner(cx), name).await?.map(|rule| rule.tags),
            Tagged::Mute(name) => self.mute_rule(owner(cx), name).await?.map(|rule| rule.tags),
            Tagged::Stream(name) => self.stream(owner(cx), name).await?.map(|stream| stream.tags),
            Tagged::Query(id) => {
                self.query_definition(owner(cx), id).await?.map(|definition| definition.tags)
            }
        })
    }

    async fn tagging(&self, cx: &Cx, action: &'static str, arn: &str) -> Result<Access> {
        let (arn, what) = tagged(cx, arn)?;
        let access = Access::on(action, &arn);
        let access = if arn.account_id().is_none() { access.owned_by(cx.account()) } else { access };
        Ok(match self.tags_of(cx, &what).await? {
            Some(tags) => {
                access.resource_tags(tags.iter().map(|(key, value)| (key.as_str(), value.as_str())))
            }
            None => access,
        })
    }

    async fn change_tags(
        &self,
        cx: &Cx,
        arn: &str,
        change: impl Fn(&mut Vec<(String, String)>) -> Result<()> + Sync,
    ) -> Result<()> {
        let (_, what) = tagged(cx, arn)?;
        match what {
            Tagged::Alarm(name) => {
                let changed = self
                    .change_alarm(owner(cx), &name, cx.now(), |alarm| {
                        change(&mut alarm.tags)?;
                        Ok(Some(Traces::default()))
                    })
                    .await?;
                if changed { Ok(()) } else { Err(error::resource_not_found("Alarm", &name)) }
            }
            Tagged::Dashboard(name) => self.change_dashboard_tags(cx.account(), &name, change).await,
            Tagged::Rule(name) => self.change_rule_tags(cx, &name, change).await,
            Tagged::Mute(name) => self.change_mute_rule_tags(owner(cx), &name, change).await,
            Tagged::Stream(name) => {
                let changed = self.change_stream(owner(cx), &name, |stream| change(&mut stream.tags)).await?;
                if changed { Ok(()) } else { Err(error::resource_not_found("MetricStream", &name)) }
            }
            Tagged::Query(id) => {
                self.change_query_definition(owner(cx), &id, |definition| change(&mut definition.tags))
                    .await?;
                Ok(())
            }
        }
    }
}

impl Handle<op::TagResource> for CloudWatch {
    async fn access(&self, cx: &Cx, input: &s::TagResourceInput) -> Result<Vec<Access>> {
        let tags = input.tags.iter().map(|tag| (tag.key.as_str(), tag.value.as_str()));
        Ok(vec![self.tagging(cx, "cloudwatch:TagResource", &input.resource_arn).await?.request_tags(tags)])
    }

    async fn call(&self, cx: &Cx, input: s::TagResourceInput) -> Result<s::TagResourceOutput> {
        let added =
            Tags::from_request(input.tags.into_iter().map(|tag| (tag.key, tag.value))).map_err(refused)?;
        self.change_tags(cx, &input.resource_arn, |known| {
            let mut tags: Tags = known.iter().cloned().collect();
            tags.merge(added.clone()).map_err(refused)?;
            *known = tags.iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
            Ok(())
        })
        .await?;
        Ok(s::TagResourceOutput {})
    }
}

impl Handle<op::UntagResource> for CloudWatch {
    async fn access(&self, cx: &Cx, input: &s::UntagResourceInput) -> Result<Vec<Access>> {
        let access = self.tagging(cx, "cloudwatch:UntagResource", &input.resource_arn).await?;
        Ok(vec![access.keys("aws:TagKeys", input.tag_keys.clone())])
    }

    async fn call(&self, cx: &Cx, input: s::UntagResourceInput) -> Result<s::UntagResourceOutput> {
        self.change_tags(cx, &input.resource_arn, |known| {
            known.retain(|(key, _)| !input.tag_keys.contains(key));
            Ok(())
        })
        .await?;
        Ok(s::UntagResourceOutput {})
    }
}

impl Handle<op::ListTagsForResource> for CloudWatch {
    async fn access(&self, cx: &Cx, input: &s::ListTagsForResourceInput) -> Result<Vec<Access>> {
        Ok(vec![self.tagging(cx, "cloudwatch:ListTagsForResource", &input.resource_arn).await?])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::ListTagsForResourceInput,
    ) -> Result<s::ListTagsForResourceOutput> {
        let (_, what) = tagged(cx, &input.resource_arn)?;
        let tags = self.tags_of(cx, &what).await?;
        let tags = tags.ok_or_else(|| error::resource_not_found("Resource", &input.resource_arn))?;
        let tags = tags.into_iter().map(|(key, value)| s::Tag { key, value }).collect();
        Ok(s::ListTagsForResourceOutput { tags: Some(tags) })
    }
}
