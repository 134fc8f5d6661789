use std::collections::BTreeMap;

use haneul_kit::{Access, Cx, Handle, Region, Result, pinned_policy};
use haneul_kms_wire::operations as op;
use haneul_kms_wire::shapes as s;
use haneul_shape::Empty;

use super::tags;
use crate::access::{Ask, of_key};
use crate::error;
use crate::kms::{Kms, check_enabled};
use crate::live::LiveKey;
use crate::model::KeyRecord;
use crate::{policy, render};

impl Handle<op::ReplicateKey> for Kms {
    async fn access(&self, cx: &Cx, input: &s::ReplicateKeyRequest) -> Result<Vec<Access>> {
        let access = self.ask(cx, Ask::own("kms:ReplicateKey", &input.key_id)).await?;
        let access = access.key("kms:ReplicaRegion", input.replica_region.as_str());
        let mut make = Access::to("kms:CreateKey").request_tags(tags::borrowed(input.tags.as_ref()));
        make = make.key("kms:CallerAccount", cx.account().to_string()).key("kms:MultiRegion", "true");
        let make = make.key("kms:MultiRegionKeyType", "REPLICA");
        if input.tags.as_ref().is_none_or(Vec::is_empty) {
            return Ok(vec![access, make]);
        }
        let tagging = Access { action: "kms:TagResource", ..make.clone() };
        Ok(vec![access, make, tagging])
    }

    async fn call(&self, cx: &Cx, input: s::ReplicateKeyRequest) -> Result<s::ReplicateKeyResponse> {
        let key = self.primary(cx, &input.key_id, "ReplicateKey").await?;
        check_enabled(cx, &key)?;
        let region = parse_region(&key, &input.replica_region)?;
        if region == cx.region() {
            return Err(error::validation("The replica Region must be another than the primary key's."));
        }
        let name = key.name.in_region(region);
        let policy_text = match input.policy {
            Some(text) => {
                let bypass = input.bypass_policy_lockout_safety_check.unwrap_or(false);
                self.check_policy(cx, &name, &text, bypass).await?
            }
            None => policy::default(cx.account()),
        };
        let tags = tags::parse(input.tags)?;
        let tags: BTreeMap<String, String> = tags.iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect();
        let replica = KeyRecord {
            created_ms: cx.now().millis(),
            description: input.description.unwrap_or_default(),
            enabled: true,
            deletion: None,
            policy: policy_text.clone(),
            tags: tags.clone(),
            ..key.record.clone()
        };
        let replica = self.state.replicate(&key.name, region, &replica).await?;
        let mut shown = render::metadata(cx, &name, &replica);
        // AWS makes it in the background; ours is there at once, and the next DescribeKey says so.
        shown.key_state = Some("Creating".into());
        shown.enabled = Some(false);
        let tag = |(tag_key, tag_value)| s::Tag { tag_key, tag_value };
        Ok(s::ReplicateKeyResponse {
            replica_key_metadata: Some(shown),
            replica_policy: Some(pinned_policy::show(&self.platform, &policy_text).await?),
            replica_tags: Some(tags.into_iter().map(tag).collect()),
        })
    }
}

impl Handle<op::UpdatePrimaryRegion> for Kms {
    async fn access(&self, cx: &Cx, input: &s::UpdatePrimaryRegionRequest) -> Result<Vec<Access>> {
        let action = "kms:UpdatePrimaryRegion";
        let here = self.ask(cx, Ask::own(action, &input.key_id)).await?;
        let here = here.key("kms:PrimaryRegion", input.primary_region.as_str());
        let found = self.find(cx, &input.key_id, crate::kms::Forms::Key).await?;
        let (Some(key), Ok(region)) = (found.key, input.primary_region.parse()) else {
            return Ok(vec![here]);
        };
        let Some(there) = self.live(cx, &key.name.in_region(region)).await? else { return Ok(vec![here]) };
        let access = Access::on(action, &there.name.arn()).key("kms:CallerAccount", cx.account().to_string());
        let access =
            of_key(access, &there).with_policy(Some(there.policy.clone())).decided_by_resource_policy();
        Ok(vec![here, access])
    }

    async fn call(&self, cx: &Cx, input: s::UpdatePrimaryRegionRequest) -> Result<Empty> {
        let key = self.primary(cx, &input.key_id, "UpdatePrimaryRegion").await?;
        check_enabled(cx, &key)?;
        let region = parse_region(&key, &input.primary_region)?;
        let multi = key.record.multi_region.as_ref();
        if region == cx.region() {
            return Err(error::unsupported(format!("{} is the primary key already.", key.name.arn())));
        }
        if multi.is_none_or(|multi| !multi.replicas.iter().any(|replica| replica == region.as_str())) {
            return Err(error::key_not_found(&key.name.in_region(region).arn()));
        }
        self.state.make_primary(&key.name, region).await?;
        self.due.wake();
        Ok(Empty)
    }
}

impl Kms {
    async fn primary(&self, cx: &Cx, key_id: &str, operation: &str) -> Result<std::sync::Arc<LiveKey>> {
        let key = self.own_key(cx, key_id, operation).await?;
        match &key.record.multi_region {
            Some(_) if !key.record.is_replica_in(key.name.region) => Ok(key),
            _ => Err(error::unsupported(format!("{} is not a multi-Region primary key.", key.name.arn()))),
        }
    }
}

fn parse_region(key: &LiveKey, text: &str) -> Result<Region> {
    let region: Option<Region> = text.parse().ok();
    region
        .filter(|region| region.partition() == key.name.region.partition())
        .ok_or_else(|| error::validation(format!("{text} is not a valid Region for this key.")))
}
