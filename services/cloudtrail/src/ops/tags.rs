use haneul_base::tags::InvalidTags;
use haneul_cloudtrail_wire::operations as op;
use haneul_cloudtrail_wire::shapes as s;
use haneul_kit::{Access, Arn, Cx, Handle, Result, Tags};

use crate::CloudTrail;
use crate::error;
use crate::names::{TrailName, trail_arn};
use crate::store::TrailKey;

/// What has tags.
enum Tagged {
    Trail(TrailKey),
    Store(TrailKey),
}

impl CloudTrail {
    async fn tagged(&self, cx: &Cx, given: &str) -> Result<Tagged> {
        let arn = Arn::parse(given).map_err(|_| error::trail_arn(given))?;
        if arn.service() != "cloudtrail" {
            return Err(error::trail_arn(given));
        }
        if arn.resource().starts_with("trail/") {
            let name = TrailName::parse(cx, given)?;
            let found = self.find_trail(&name).await?.filter(|_| name.account == cx.account());
            let (region, _) = found.ok_or_else(|| error::no_resource(given))?;
            return Ok(Tagged::Trail((name.account, region, name.name)));
        }
        if arn.resource().starts_with("eventdatastore/") {
            let found = self.event_store(cx, given).await.map_err(|_| error::no_resource(given))?;
            return Ok(Tagged::Store(found.0));
        }
        Err(error::resource_type(given))
    }

    async fn on_tagged(&self, cx: &Cx, action: &'static str, given: &str) -> Result<Access> {
        match Arn::parse(given) {
            Ok(arn) if arn.resource().starts_with("trail/") => self.on_trail(cx, action, given).await,
            Ok(arn) if arn.resource().starts_with("eventdatastore/") => {
                self.on_store(cx, action, given).await
            }
            Ok(arn) => Ok(Access::on(action, &arn)),
            // Refused by the call, once it is allowed.
            Err(_) => Ok(Access::on(action, &trail_arn(cx.account(), cx.region(), given))),
        }
    }

    async fn change_tags(
        &self,
        cx: &Cx,
        given: &str,
        change: impl Fn(&mut Vec<(String, String)>) -> Result<()> + Sync,
    ) -> Result<()> {
        match self.tagged(cx, given).await? {
            Tagged::Trail(key) => self.change_trail(&key, |trail| change(&mut trail.tags)).await.map(drop),
            Tagged::Store(key) => self.change_store(&key, |store| change(&mut store.tags)).await.map(drop),
        }
    }
}

impl Handle<op::AddTags> for CloudTrail {
    async fn access(&self, cx: &Cx, input: &s::AddTagsRequest) -> Result<Vec<Access>> {
        let access = self.on_tagged(cx, "cloudtrail:AddTags", &input.resource_id).await?;
        Ok(vec![access.request_tags(pairs(&input.tags_list))])
    }

    async fn call(&self, cx: &Cx, input: s::AddTagsRequest) -> Result<s::AddTagsResponse> {
        let new = &read(Some(input.tags_list))?;
        self.change_tags(cx, &input.resource_id, |tags| {
            let mut all: Tags = std::mem::take(tags).into_iter().collect();
            all.merge(new.clone()).map_err(refused)?;
            *tags = all.iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
            Ok(())
        })
        .await?;
        Ok(s::AddTagsResponse {})
    }
}

impl Handle<op::RemoveTags> for CloudTrail {
    async fn access(&self, cx: &Cx, input: &s::RemoveTagsRequest) -> Result<Vec<Access>> {
        let access = self.on_tagged(cx, "cloudtrail:RemoveTags", &input.resource_id).await?;
        Ok(vec![access.keys("aws:TagKeys", input.tags_list.iter().map(|tag| tag.key.clone()).collect())])
    }

    async fn call(&self, cx: &Cx, input: s::RemoveTagsRequest) -> Result<s::RemoveTagsResponse> {
        let gone = &input.tags_list;
        self.change_tags(cx, &input.resource_id, |tags| {
            tags.retain(|(key, _)| !gone.iter().any(|tag| tag.key == *key));
            Ok(())
        })
        .await?;
        Ok(s::RemoveTagsResponse {})
    }
}

impl Handle<op::ListTags> for CloudTrail {
    async fn access(&self, cx: &Cx, input: &s::ListTagsRequest) -> Result<Vec<Access>> {
        let mut all = Vec::new();
        for given in &input.resource_id_list {
            all.push(self.on_tagged(cx, "cloudtrail:ListTags", given).await?);
        }
        Ok(all)
    }

    async fn call(&self, cx: &Cx, input: s::ListTagsRequest) -> Result<s::ListTagsResponse> {
        if input.next_token.is_some() {
            return Err(haneul_kit::ApiError::new("InvalidTokenException", "Invalid NextToken."));
        }
        let mut all = Vec::new();
        for given in input.resource_id_list {
            let tags = match self.tagged(cx, &given).await? {
                Tagged::Trail(key) => {
                    let found = self.trails_of(key.0).await?.into_iter().find(|(other, _)| *other == key);
                    found.map(|(_, trail)| trail.tags)
                }
                Tagged::Store(key) => self.find_store(&key).await?.map(|store| store.tags),
            };
            let tags = shapes(&tags.unwrap_or_default());
            all.push(s::ResourceTag { resource_id: Some(given), tags_list: Some(tags) });
        }
        Ok(s::ListTagsResponse { resource_tag_list: Some(all), next_token: None })
    }
}

pub(super) fn shapes(tags: &[(String, String)]) -> Vec<s::Tag> {
    tags.iter().map(|(key, value)| s::Tag { key: key.clone(), value: Some(value.clone()) }).collect()
}

pub(super) fn pairs(tags: &[s::Tag]) -> impl Iterator<Item = (&str, &str)> {
    tags.iter().map(|tag| (tag.key.as_str(), tag.value.as_deref().unwrap_or_default()))
}

/// The action on a new resource with the tags of the request.
pub(super) fn access_with_tags(action: &'static str, arn: &Arn, tags: Option<&[s::Tag]>) -> Vec<Access> {
    let tags = tags.unwrap_or_default();
    let mut all = vec![Access::on(action, arn).request_tags(pairs(tags))];
    if !tags.is_empty() {
        all.push(Access::on("cloudtrail:AddTags", arn).request_tags(pairs(tags)));
    }
    all
}

pub(super) fn parse(tags: Option<Vec<s::Tag>>) -> Result<Vec<(String, String)>> {
    Ok(read(tags)?.iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect())
}

fn read(tags: Option<Vec<s::Tag>>) -> Result<Tags> {
    let pairs = tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value.unwrap_or_default()));
    Tags::from_request(pairs).map_err(refused)
}

fn refused(invalid: InvalidTags) -> haneul_kit::ApiError {
    match invalid {
        InvalidTags::TooMany => error::tags_limit(),
        InvalidTags::Duplicate(key) => error::tag(format!("The tag key {key} is given more than once.")),
        InvalidTags::Reserved(_) => error::tag("Tag keys must not begin with aws:."),
        InvalidTags::Key(key) | InvalidTags::Value(key) | InvalidTags::Character(key) => {
            error::tag(format!("The tag with the key {key} is not valid."))
        }
    }
}
