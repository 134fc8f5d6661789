use haneul_cloudtrail_wire::operations as op;
use haneul_cloudtrail_wire::shapes as s;
use haneul_cloudtrail_wire::values::error as code;
use haneul_kit::{Access, Arn, Cx, Handle, Region, Result, paging};

use super::tags::{self, access_with_tags};
use crate::CloudTrail;
use crate::calls::LogGroup;
use crate::error;
use crate::model::Trail;
use crate::names::{TrailName, trail_arn};
use crate::selectors::Selectors;
use crate::store::TrailKey;
use crate::tasks::deliver::directory;

const PREFIX_CHARS_MAX: usize = 200;
/// Trails on one page of ListTrails.
const PAGE: usize = 100;

impl CloudTrail {
    /// The trail that a name means, for reading.
    pub(super) async fn trail(&self, cx: &Cx, given: &str) -> Result<(TrailKey, Trail)> {
        let name = TrailName::parse(cx, given)?;
        let found = self.find_trail(&name).await?;
        let meant = trail_arn(name.account, name.region, &name.name);
        let unknown = || error::trail_not_found(meant.as_str(), cx.account());
        let (region, trail) = found.ok_or_else(unknown)?;
        let own = name.account == cx.account();
        if !own && !self.sees(cx, &trail).await? {
            return Err(unknown());
        }
        Ok(((name.account, region, name.name), trail))
    }

    /// The trail that a name means, for changing: by its owner, in its home Region.
    pub(super) async fn own_trail(&self, cx: &Cx, given: &str) -> Result<(TrailKey, Trail)> {
        let (key, trail) = self.trail(cx, given).await?;
        if key.0 != cx.account() {
            return Err(error::not_trails_owner());
        }
        if key.1 != cx.region() {
            let arn = trail_arn(key.0, key.1, &key.2);
            return Err(error::home_region(arn.as_str(), key.1.as_str()));
        }
        Ok((key, trail))
    }

    /// Whether another account's trail is one of the caller's organization.
    async fn sees(&self, cx: &Cx, trail: &Trail) -> Result<bool> {
        let Some(organization) = &trail.organization else { return Ok(false) };
        let standing = self.platform.standing(cx.account()).await?;
        let own = standing.as_ref().and_then(|standing| standing.membership.as_ref());
        Ok(own.is_some_and(|own| own.organization_id == *organization))
    }

    /// The action on the trail's ARN with its tags. A name that means no trail is asked for the ARN it would have.
    pub(super) async fn on_trail(&self, cx: &Cx, action: &'static str, given: &str) -> Result<Access> {
        let name = TrailName::parse(cx, given)?;
        Ok(match self.find_trail(&name).await? {
            Some((region, trail)) => {
                let access = Access::on(action, &trail_arn(name.account, region, &name.name));
                access.resource_tags(trail.tags.iter().map(|(key, value)| (key.as_str(), value.as_str())))
            }
            None => Access::on(action, &name.arn()),
        })
    }

    /// The organization whose trail the caller may make.
    async fn organization(&self, cx: &Cx) -> Result<String> {
        let standing = self.platform.standing(cx.account()).await?;
        let membership = standing.as_ref().and_then(|standing| standing.membership.as_ref());
        let own = membership.ok_or_else(error::no_organization)?;
        let delegated = own.delegated_services.iter().any(|service| service == crate::calls::PRINCIPAL);
        if !own.is_management_account(cx.account()) && !delegated {
            return Err(error::not_management_account());
        }
        if !own.trusts(crate::calls::PRINCIPAL) {
            return Err(error::trusted_access());
        }
        Ok(own.organization_id.clone())
    }

    /// Looks whether what a trail will use is there and lets it in.
    async fn check(&self, cx: &Cx, key: &TrailKey, trail: &Trail) -> Result<()> {
        let arn = &trail_arn(key.0, key.1, &key.2);
        if trail.multi_region && !trail.global {
            return Err(error::combination("Multi-Region trail must include global service events."));
        }
        if trail.prefix.as_ref().is_some_and(|prefix| prefix.chars().count() > PREFIX_CHARS_MAX) {
            return Err(error::prefix());
        }
        self.check_bucket(trail, arn, &directory(trail, cx.account())).await?;
        match (&trail.log_group, &trail.logs_role) {
            (None, None) => Ok(()),
            (Some(group), Some(_)) => self.check_logs(key, trail, arn, group).await,
            (Some(_), None) => Err(error::logs_role("You must specify a role ARN as well as a log group.")),
            (None, Some(_)) => Err(error::logs_role("You must specify a log group as well as a role ARN.")),
        }
    }

    async fn check_logs(&self, key: &TrailKey, trail: &Trail, arn: &Arn, group: &str) -> Result<()> {
        let group = LogGroup::parse(group).ok_or_else(error::log_group)?;
        // A session that is kept says nothing about the role as it is now.
        self.sessions.forget(&trail.id);
        let session = self.logs_session(trail, arn).await;
        let session = session
            .map_err(|_| error::logs_role("Access denied. Check the trust relationships for your role."))?;
        let stream = match &trail.organization {
            Some(id) => format!("{id}_{}_CloudTrail_{}", key.0, key.1),
            None => format!("{}_CloudTrail_{}", key.0, key.1),
        };
        match self.make_stream(&session, &group, &stream).await {
            Ok(()) => Ok(()),
            Err(error) if error.code() == "ResourceNotFoundException" => Err(error::log_group()),
            Err(error) if haneul_roles::is_denial(&error) => {
                Err(error::logs_role("Access denied. Check the permissions for your role."))
            }
            Err(error) => Err(error),
        }
    }
}

/// A text that was given and is not empty; an empty one takes the setting away.
fn given(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

fn pass_role(role: Option<&String>) -> Option<Access> {
    let arn = Arn::parse(role?).ok().filter(|arn| arn.service() == "iam")?;
    Some(Access::on("iam:PassRole", &arn).key("iam:PassedToService", crate::calls::PRINCIPAL))
}

impl Handle<op::CreateTrail> for CloudTrail {
    async fn access(&self, cx: &Cx, input: &s::CreateTrailRequest) -> Result<Vec<Access>> {
        let name = TrailName::parse(cx, &input.name)?;
        let mut all = access_with_tags("cloudtrail:CreateTrail", &name.arn(), input.tags_list.as_deref());
        all.extend(pass_role(input.cloud_watch_logs_role_arn.as_ref()));
        Ok(all)
    }

    async fn call(&self, cx: &Cx, input: s::CreateTrailRequest) -> Result<s::CreateTrailResponse> {
        let name = TrailName::parse(cx, &input.name)?;
        if name.is_arn {
            return Err(error::trail_name(
                "Trail name can only contain uppercase letters, lowercase letters, numbers, periods (.), hyphens (-), and underscores (_).",
            ));
        }
        if given(input.sns_topic_name).is_some() {
            return Err(error::topics());
        }
        let key = (cx.account(), cx.region(), name.name);
        let organization = match input.is_organization_trail {
            Some(true) => Some(self.organization(cx).await?),
            _ => None,
        };
        let kms_key = match given(input.kms_key_id) {
            Some(key) => Some(self.find_key(cx.caller(), cx.region(), &key).await?),
            None => None,
        };
        let trail = Trail {
            id: self.ids.uuid(),
            bucket: input.s3_bucket_name,
            prefix: given(input.s3_key_prefix),
            global: input.include_global_service_events.unwrap_or(true),
            multi_region: input.is_multi_region_trail.unwrap_or(false),
            validation: input.enable_log_file_validation.unwrap_or(false),
            log_group: given(input.cloud_watch_logs_log_group_arn),
            logs_role: given(input.cloud_watch_logs_role_arn),
            kms_key,
            organization,
            selectors: Selectors::default(),
            tags: tags::parse(input.tags_list)?,
            logging: false,
            started_ms: None,
            stopped_ms: None,
            recursive: input.recursive_logging.unwrap_or(true),
            validating_since_ms: None,
            insights: None,
        };
        self.check(cx, &key, &trail).await?;
        self.create_trail(&key, &trail).await?;
        let made = shape(&key, trail);
        Ok(s::CreateTrailResponse {
            name: made.name,
            s3_bucket_name: made.s3_bucket_name,
            s3_key_prefix: made.s3_key_prefix,
            include_global_service_events: made.include_global_service_events,
            is_multi_region_trail: made.is_multi_region_trail,
            trail_arn: made.trail_arn,
            log_file_validation_enabled: made.log_file_validation_enabled,
            cloud_watch_logs_log_group_arn: made.cloud_watch_logs_log_group_arn,
            cloud_watch_logs_role_arn: made.cloud_watch_logs_role_arn,
            kms_key_id: made.kms_key_id,
            is_organization_trail: made.is_organization_trail,
            recursive_logging: made.recursive_logging,
            ..Default::default()
        })
    }
}

impl Handle<op::UpdateTrail> for CloudTrail {
    async fn access(&self, cx: &Cx, input: &s::UpdateTrailRequest) -> Result<Vec<Access>> {
        let mut all = vec![self.on_trail(cx, "cloudtrail:UpdateTrail", &input.name).await?];
        all.extend(pass_role(input.cloud_watch_logs_role_arn.as_ref()));
        Ok(all)
    }

    async fn call(&self, cx: &Cx, input: s::UpdateTrailRequest) -> Result<s::UpdateTrailResponse> {
        let (key, before) = self.own_trail(cx, &input.name).await?;
        if given(input.sns_topic_name.clone()).is_some() {
            return Err(error::topics());
        }
        let organization = match input.is_organization_trail {
            Some(true) => Some(self.organization(cx).await?),
            Some(false) => None,
            None => before.organization.clone(),
        };
        let kms_key = match &input.kms_key_id {
            Some(key) if !key.is_empty() => Some(self.find_key(cx.caller(), cx.region(), key).await?),
            Some(_) => None,
            None => before.kms_key.clone(),
        };
        let now_ms = cx.now().millis();
        let change = |trail: &mut Trail| {
            if let Some(bucket) = &input.s3_bucket_name {
                trail.bucket.clone_from(bucket);
            }
            if let Some(prefix) = &input.s3_key_prefix {
                trail.prefix = given(Some(prefix.clone()));
            }
            if let Some(group) = &input.cloud_watch_logs_log_group_arn {
                trail.log_group = given(Some(group.clone()));
            }
            if let Some(role) = &input.cloud_watch_logs_role_arn {
                trail.logs_role = given(Some(role.clone()));
            }
            trail.global = input.include_global_service_events.unwrap_or(trail.global);
            trail.multi_region = input.is_multi_region_trail.unwrap_or(trail.multi_region);
            trail.recursive = input.recursive_logging.unwrap_or(trail.recursive);
            trail.organization.clone_from(&organization);
            trail.kms_key.clone_from(&kms_key);
            if let Some(validation) = input.enable_log_file_validation
                && validation != trail.validation
            {
                trail.validation = validation;
                trail.validating_since_ms = (validation && trail.logging).then_some(now_ms);
            }
            Ok(())
        };
        let mut wanted = before.clone();
        change(&mut wanted)?;
        self.check(cx, &key, &wanted).await?;
        self.deliver_now(&key, &before).await?;
        if wanted.validation && !before.validation {
            self.break_chains(&before.id).await?;
        }
        let made = shape(&key, self.change_trail(&key, change).await?);
        Ok(s::UpdateTrailResponse {
            name: made.name,
            s3_bucket_name: made.s3_bucket_name,
            s3_key_prefix: made.s3_key_prefix,
            include_global_service_events: made.include_global_service_events,
            is_multi_region_trail: made.is_multi_region_trail,
            trail_arn: made.trail_arn,
            log_file_validation_enabled: made.log_file_validation_enabled,
            cloud_watch_logs_log_group_arn: made.cloud_watch_logs_log_group_arn,
            cloud_watch_logs_role_arn: made.cloud_watch_logs_role_arn,
            kms_key_id: made.kms_key_id,
            is_organization_trail: made.is_organization_trail,
            recursive_logging: made.recursive_logging,
            ..Default::default()
        })
    }
}

impl Handle<op::DeleteTrail> for CloudTrail {
    async fn access(&self, cx: &Cx, input: &s::DeleteTrailRequest) -> Result<Vec<Access>> {
        Ok(vec![self.on_trail(cx, "cloudtrail:DeleteTrail", &input.name).await?])
    }

    async fn call(&self, cx: &Cx, input: s::DeleteTrailRequest) -> Result<s::DeleteTrailResponse> {
        let (key, trail) = self.own_trail(cx, &input.name).await?;
        self.deliver_now(&key, &trail).await?;
        self.delete_trail(&key).await?;
        Ok(s::DeleteTrailResponse {})
    }
}

impl Handle<op::GetTrail> for CloudTrail {
    async fn access(&self, cx: &Cx, input: &s::GetTrailRequest) -> Result<Vec<Access>> {
        Ok(vec![self.on_trail(cx, "cloudtrail:GetTrail", &input.name).await?])
    }

    async fn call(&self, cx: &Cx, input: s::GetTrailRequest) -> Result<s::GetTrailResponse> {
        let found = self.trail(cx, &input.name).await;
        let (key, trail) = found.map_err(|refused| match refused.code() {
            // In the words of the client, here alone.
            code::TRAIL_NOT_FOUND_EXCEPTION => error::trail_not_found(&input.name, cx.account()),
            _ => refused,
        })?;
        Ok(s::GetTrailResponse { trail: Some(shape(&key, trail)) })
    }
}

impl CloudTrail {
    /// The caller's trails and, in other Regions and accounts, those that are shown here too.
    async fn visible(&self, cx: &Cx, shadows: bool) -> Result<Vec<(TrailKey, Trail)>> {
        let mut all = self.trails_of(cx.account()).await?;
        all.retain(|((_, region, _), trail)| *region == cx.region() || shadows && trail.multi_region);
        let standing = self.platform.standing(cx.account()).await?;
        if let Some(own) =
            standing.as_ref().and_then(|standing| standing.membership.as_ref()).filter(|_| shadows)
        {
            for (key, trail) in self.every_trail().await? {
                let ours = trail.organization.as_ref() == Some(&own.organization_id);
                if ours && key.0 != cx.account() && (trail.multi_region || key.1 == cx.region()) {
                    all.push((key, trail));
                }
            }
        }
        Ok(all)
    }
}

impl Handle<op::DescribeTrails> for CloudTrail {
    async fn access(&self, _: &Cx, _: &s::DescribeTrailsRequest) -> Result<Vec<Access>> {
        Ok(vec![Access::to("cloudtrail:DescribeTrails")])
    }

    async fn call(&self, cx: &Cx, input: s::DescribeTrailsRequest) -> Result<s::DescribeTrailsResponse> {
        let shadows = input.include_shadow_trails.unwrap_or(true);
        let names = input.trail_name_list.unwrap_or_default();
        let mut wanted = Vec::new();
        for name in &names {
            wanted.push(TrailName::parse(cx, name)?);
        }
        let mut all = self.visible(cx, shadows).await?;
        if !wanted.is_empty() {
            all.retain(|(key, _)| {
                let is = |name: &TrailName| {
                    name.name == key.2 && (!name.is_arn || (name.account, name.region) == (key.0, key.1))
                };
                wanted.iter().any(is)
            });
        }
        let trails = all.into_iter().map(|(key, trail)| shape(&key, trail)).collect();
        Ok(s::DescribeTrailsResponse { trail_list: Some(trails) })
    }
}

impl Handle<op::ListTrails> for CloudTrail {
    async fn access(&self, _: &Cx, _: &s::ListTrailsRequest) -> Result<Vec<Access>> {
        Ok(vec![Access::to("cloudtrail:ListTrails")])
    }

    async fn call(&self, cx: &Cx, input: s::ListTrailsRequest) -> Result<s::ListTrailsResponse> {
        let purpose = &format!("cloudtrail.trails {}", cx.account());
        let seal = &self.platform.seal;
        let after: Option<String> = match &input.next_token {
            Some(token) => Some(paging::position(seal, purpose, token).ok_or_else(error::next_token)?),
            None => None,
        };
        let mut all: Vec<s::TrailInfo> = self
            .visible(cx, true)
            .await?
            .into_iter()
            .chain(self.elsewhere(cx).await?)
            .map(|((account, region, name), _)| s::TrailInfo {
                trail_arn: Some(trail_arn(account, region, &name).to_string()),
                name: Some(name),
                home_region: Some(region.to_string()),
            })
            .collect();
        all.sort_by(|one, other| one.trail_arn.cmp(&other.trail_arn));
        all.retain(|trail| trail.trail_arn > after);
        let page = paging::cut(all, PAGE, seal, purpose, |trail| trail.trail_arn.clone().unwrap_or_default());
        Ok(s::ListTrailsResponse { trails: Some(page.items), next_token: page.next })
    }
}

impl CloudTrail {
    /// The caller's trails of other Regions that are shown by ListTrails alone.
    async fn elsewhere(&self, cx: &Cx) -> Result<Vec<(TrailKey, Trail)>> {
        let mut all = self.trails_of(cx.account()).await?;
        all.retain(|((_, region, _), trail)| *region != cx.region() && !trail.multi_region);
        Ok(all)
    }
}

fn shape((account, region, name): &TrailKey, trail: Trail) -> s::Trail {
    let region: &Region = region;
    s::Trail {
        trail_arn: Some(trail_arn(*account, *region, name).to_string()),
        name: Some(name.clone()),
        s3_bucket_name: Some(trail.bucket),
        s3_key_prefix: trail.prefix,
        sns_topic_name: None,
        sns_topic_arn: None,
        include_global_service_events: Some(trail.global),
        is_multi_region_trail: Some(trail.multi_region),
        home_region: Some(region.to_string()),
        log_file_validation_enabled: Some(trail.validation),
        cloud_watch_logs_log_group_arn: trail.log_group,
        cloud_watch_logs_role_arn: trail.logs_role,
        kms_key_id: trail.kms_key,
        has_custom_event_selectors: Some(trail.selectors.is_custom()),
        has_insight_selectors: Some(trail.insights.is_some()),
        is_organization_trail: Some(trail.organization.is_some()),
        recursive_logging: Some(trail.recursive),
    }
}
