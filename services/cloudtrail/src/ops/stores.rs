use std::time::Duration;

use haneul_cloudtrail_wire::operations as op;
use haneul_cloudtrail_wire::shapes as s;
use haneul_kit::{Access, Arn, Cx, Handle, Instant, Result, paging};

use super::policies;
use super::tags::{self, access_with_tags};
use crate::CloudTrail;
use crate::error;
use crate::model::{EXTENDABLE, EventStore};
use crate::names::store_arn;
use crate::selectors::{Advanced, Field, parse};
use crate::store::TrailKey;

const RETENTION_DAYS_MIN: i32 = 7;
/// How long a deleted store can be restored.
const WAIT: Duration = Duration::from_secs(7 * 86_400);
const SELECTORS_MAX: usize = 5;

impl CloudTrail {
    /// The event data store that an ARN, or the id in it, means. It is of another account only where its policy lets the
    /// caller in, which was asked for by [`CloudTrail::on_store`].
    pub(super) async fn event_store(&self, cx: &Cx, given: &str) -> Result<(TrailKey, EventStore)> {
        let key = store_key(cx, given)?;
        let found = self.find_store(&key).await?.filter(|_| key.1 == cx.region());
        let store = found.ok_or_else(|| error::no_store(given))?;
        Ok((key, store))
    }

    /// The same, unless it is deleted.
    pub(super) async fn active_store(&self, cx: &Cx, given: &str) -> Result<(TrailKey, EventStore)> {
        let (key, store) = self.event_store(cx, given).await?;
        if store.gone_at_ms.is_some() {
            return Err(error::store_inactive(store_arn(key.0, key.1, &key.2).as_str()));
        }
        Ok((key, store))
    }

    pub(super) async fn on_store(&self, cx: &Cx, action: &'static str, given: &str) -> Result<Access> {
        // What is no store's name is refused by the call, once it is allowed.
        let key = store_key(cx, given).unwrap_or_else(|_| (cx.account(), cx.region(), given.to_owned()));
        let access = Access::on(action, &store_arn(key.0, key.1, &key.2));
        Ok(match self.find_store(&key).await? {
            Some(store) => {
                let tags = store.tags.iter().map(|(key, value)| (key.as_str(), value.as_str()));
                access.with_policy(policies::that_lets(&store, action)).resource_tags(tags)
            }
            None => access,
        })
    }

    async fn organization_of_store(&self, cx: &Cx) -> Result<String> {
        let standing = self.platform.standing(cx.account()).await?;
        let membership = standing.as_ref().and_then(|standing| standing.membership.as_ref());
        let own = membership.ok_or_else(error::no_organization)?;
        if !own.is_management_account(cx.account()) {
            return Err(error::not_management_account());
        }
        if !own.trusts(crate::calls::PRINCIPAL) {
            return Err(error::trusted_access());
        }
        Ok(own.organization_id.clone())
    }
}

fn store_key(cx: &Cx, given: &str) -> Result<TrailKey> {
    if !given.starts_with("arn:") {
        let is_id = given.len() == 36 && given.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
        return match is_id {
            true => Ok((cx.account(), cx.region(), given.to_owned())),
            false => Err(error::store_arn(given)),
        };
    }
    let parsed = Arn::parse(given).ok().filter(|arn| arn.service() == "cloudtrail");
    let key = parsed.as_ref().and_then(|arn| {
        let id = arn.resource().strip_prefix("eventdatastore/")?;
        Some((arn.account_id()?, arn.region().parse().ok()?, id.to_owned()))
    });
    key.ok_or_else(|| error::store_arn(given))
}

fn retention_max(billing: &str) -> i32 {
    if billing == EXTENDABLE { 3653 } else { 2557 }
}

fn check_retention(days: i32, billing: &str) -> Result<i32> {
    let max = retention_max(billing);
    if (RETENTION_DAYS_MIN..=max).contains(&days) {
        return Ok(days);
    }
    Err(error::parameter(format!(
        "RetentionPeriod must be between {RETENTION_DAYS_MIN} and {max} days for {billing}."
    )))
}

fn selectors(given: Option<Vec<s::AdvancedEventSelector>>) -> Result<Vec<Advanced>> {
    match given {
        None => Ok(vec![Advanced {
            name: Some("Default management events".to_owned()),
            fields: vec![Field::equal("eventCategory", ["Management"])],
        }]),
        Some(all) if all.len() > SELECTORS_MAX => {
            Err(error::selectors("An event data store has at most five advanced event selectors."))
        }
        Some(all) => parse::advanced(all, true),
    }
}

fn no_key(key: Option<&String>) -> Result<()> {
    match key {
        Some(_) => Err(haneul_kit::ApiError::new(
            "NotImplemented",
            "Haneul does not encrypt event data stores with keys of KMS yet.",
        )
        .with_status(501)),
        None => Ok(()),
    }
}

impl Handle<op::CreateEventDataStore> for CloudTrail {
    async fn access(&self, cx: &Cx, input: &s::CreateEventDataStoreRequest) -> Result<Vec<Access>> {
        let arn = cx.arn("cloudtrail", "eventdatastore/*");
        Ok(access_with_tags("cloudtrail:CreateEventDataStore", &arn, input.tags_list.as_deref()))
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::CreateEventDataStoreRequest,
    ) -> Result<s::CreateEventDataStoreResponse> {
        no_key(input.kms_key_id.as_ref())?;
        let billing = input.billing_mode.unwrap_or_else(|| EXTENDABLE.to_owned());
        let default = if billing == EXTENDABLE { 366 } else { 2557 };
        let organization = match input.organization_enabled {
            Some(true) => Some(self.organization_of_store(cx).await?),
            _ => None,
        };
        let key = (cx.account(), cx.region(), self.ids.uuid());
        let store = EventStore {
            name: input.name,
            created_ms: cx.now().millis(),
            updated_ms: cx.now().millis(),
            selectors: selectors(input.advanced_event_selectors)?,
            multi_region: input.multi_region_enabled.unwrap_or(true),
            organization,
            retention_days: check_retention(input.retention_period.unwrap_or(default), &billing)?,
            protected: input.termination_protection_enabled.unwrap_or(true),
            billing,
            kms_key: None,
            tags: tags::parse(input.tags_list)?,
            ingesting: input.start_ingestion.unwrap_or(true),
            gone_at_ms: None,
            insights: None,
            policy: None,
        };
        // What came before is not of it.
        self.ingest().await?;
        self.create_store(&key, &store).await?;
        let made = shape(&key, &store);
        Ok(s::CreateEventDataStoreResponse {
            event_data_store_arn: made.event_data_store_arn,
            name: made.name,
            // The states in between pass at once; the answer says what AWS's says.
            status: Some("CREATED".to_owned()),
            advanced_event_selectors: made.advanced_event_selectors,
            multi_region_enabled: made.multi_region_enabled,
            organization_enabled: made.organization_enabled,
            retention_period: made.retention_period,
            termination_protection_enabled: made.termination_protection_enabled,
            tags_list: Some(tags::shapes(&store.tags)),
            created_timestamp: made.created_timestamp,
            updated_timestamp: made.updated_timestamp,
            kms_key_id: None,
            billing_mode: Some(store.billing),
        })
    }
}

impl Handle<op::GetEventDataStore> for CloudTrail {
    async fn access(&self, cx: &Cx, input: &s::GetEventDataStoreRequest) -> Result<Vec<Access>> {
        Ok(vec![self.on_store(cx, "cloudtrail:GetEventDataStore", &input.event_data_store).await?])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::GetEventDataStoreRequest,
    ) -> Result<s::GetEventDataStoreResponse> {
        let (key, store) = self.event_store(cx, &input.event_data_store).await?;
        let made = shape(&key, &store);
        Ok(s::GetEventDataStoreResponse {
            event_data_store_arn: made.event_data_store_arn,
            name: made.name,
            status: made.status,
            advanced_event_selectors: made.advanced_event_selectors,
            multi_region_enabled: made.multi_region_enabled,
            organization_enabled: made.organization_enabled,
            retention_period: made.retention_period,
            termination_protection_enabled: made.termination_protection_enabled,
            created_timestamp: made.created_timestamp,
            updated_timestamp: made.updated_timestamp,
            kms_key_id: None,
            billing_mode: Some(store.billing),
            federation_status: Some("DISABLED".to_owned()),
            federation_role_arn: None,
            partition_keys: None,
        })
    }
}

impl Handle<op::UpdateEventDataStore> for CloudTrail {
    async fn access(&self, cx: &Cx, input: &s::UpdateEventDataStoreRequest) -> Result<Vec<Access>> {
        Ok(vec![self.on_store(cx, "cloudtrail:UpdateEventDataStore", &input.event_data_store).await?])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::UpdateEventDataStoreRequest,
    ) -> Result<s::UpdateEventDataStoreResponse> {
        let (key, before) = self.active_store(cx, &input.event_data_store).await?;
        no_key(input.kms_key_id.as_ref())?;
        let organization = match input.organization_enabled {
            Some(true) => Some(self.organization_of_store(cx).await?),
            Some(false) => None,
            None => before.organization.clone(),
        };
        let new = match input.advanced_event_selectors {
            Some(given) => Some(selectors(Some(given))?),
            None => None,
        };
        if let (Some(insights), Some(new)) = (&before.insights, &new) {
            super::insight_selectors::logs_what_is_asked(
                &insights.selectors,
                new,
                "source event data store",
            )?;
        }
        let billing = input.billing_mode.unwrap_or_else(|| before.billing.clone());
        if billing != before.billing && billing != EXTENDABLE {
            return Err(error::parameter(
                "The billing mode can be changed to EXTENDABLE_RETENTION_PRICING only.",
            ));
        }
        let retention = check_retention(input.retention_period.unwrap_or(before.retention_days), &billing)?;
        self.ingest().await?;
        let store = self
            .change_store(&key, |store| {
                if let Some(name) = &input.name {
                    store.name.clone_from(name);
                }
                if let Some(new) = &new {
                    store.selectors.clone_from(new);
                }
                store.multi_region = input.multi_region_enabled.unwrap_or(store.multi_region);
                store.organization.clone_from(&organization);
                store.protected = input.termination_protection_enabled.unwrap_or(store.protected);
                store.retention_days = retention;
                store.billing.clone_from(&billing);
                store.updated_ms = cx.now().millis();
                Ok(())
            })
            .await?;
        let made = shape(&key, &store);
        Ok(s::UpdateEventDataStoreResponse {
            event_data_store_arn: made.event_data_store_arn,
            name: made.name,
            status: made.status,
            advanced_event_selectors: made.advanced_event_selectors,
            multi_region_enabled: made.multi_region_enabled,
            organization_enabled: made.organization_enabled,
            retention_period: made.retention_period,
            termination_protection_enabled: made.termination_protection_enabled,
            created_timestamp: made.created_timestamp,
            updated_timestamp: made.updated_timestamp,
            kms_key_id: None,
            billing_mode: Some(store.billing),
            federation_status: Some("DISABLED".to_owned()),
            federation_role_arn: None,
        })
    }
}

impl Handle<op::DeleteEventDataStore> for CloudTrail {
    async fn access(&self, cx: &Cx, input: &s::DeleteEventDataStoreRequest) -> Result<Vec<Access>> {
        Ok(vec![self.on_store(cx, "cloudtrail:DeleteEventDataStore", &input.event_data_store).await?])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::DeleteEventDataStoreRequest,
    ) -> Result<s::DeleteEventDataStoreResponse> {
        let (key, _) = self.active_store(cx, &input.event_data_store).await?;
        self.ingest().await?;
        self.change_store(&key, |store| {
            if store.protected {
                return Err(error::store_protected());
            }
            store.gone_at_ms = Some((cx.now() + WAIT).millis());
            store.updated_ms = cx.now().millis();
            Ok(())
        })
        .await?;
        Ok(s::DeleteEventDataStoreResponse {})
    }
}

impl Handle<op::RestoreEventDataStore> for CloudTrail {
    async fn access(&self, cx: &Cx, input: &s::RestoreEventDataStoreRequest) -> Result<Vec<Access>> {
        Ok(vec![self.on_store(cx, "cloudtrail:RestoreEventDataStore", &input.event_data_store).await?])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::RestoreEventDataStoreRequest,
    ) -> Result<s::RestoreEventDataStoreResponse> {
        let (key, store) = self.event_store(cx, &input.event_data_store).await?;
        if store.gone_at_ms.is_none() {
            return Err(error::store_status("The event data store is not pending deletion."));
        }
        let store = self
            .change_store(&key, |store| {
                store.gone_at_ms = None;
                store.updated_ms = cx.now().millis();
                Ok(())
            })
            .await?;
        let made = shape(&key, &store);
        Ok(s::RestoreEventDataStoreResponse {
            event_data_store_arn: made.event_data_store_arn,
            name: made.name,
            status: made.status,
            advanced_event_selectors: made.advanced_event_selectors,
            multi_region_enabled: made.multi_region_enabled,
            organization_enabled: made.organization_enabled,
            retention_period: made.retention_period,
            termination_protection_enabled: made.termination_protection_enabled,
            created_timestamp: made.created_timestamp,
            updated_timestamp: made.updated_timestamp,
            kms_key_id: None,
            billing_mode: Some(store.billing),
        })
    }
}

impl Handle<op::ListEventDataStores> for CloudTrail {
    async fn access(&self, _: &Cx, _: &s::ListEventDataStoresRequest) -> Result<Vec<Access>> {
        Ok(vec![Access::to("cloudtrail:ListEventDataStores")])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::ListEventDataStoresRequest,
    ) -> Result<s::ListEventDataStoresResponse> {
        let purpose = format!("cloudtrail.stores {} {}", cx.account(), cx.region());
        let seal = &self.platform.seal;
        let after: Option<String> = match &input.next_token {
            Some(token) => Some(paging::position(seal, &purpose, token).ok_or_else(error::next_token)?),
            None => None,
        };
        let limit = input.max_results.map_or(1000, |limit| usize::try_from(limit).unwrap_or(1).max(1));
        let mut all = self.stores_of(cx.account(), cx.region()).await?;
        all.retain(|(key, _)| after.as_ref().is_none_or(|after| key.2 > *after));
        let page = paging::cut(all, limit, seal, &purpose, |(key, _)| key.2.clone());
        let list = page.items.iter().map(|(key, store)| shape(key, store)).collect();
        Ok(s::ListEventDataStoresResponse { event_data_stores: Some(list), next_token: page.next })
    }
}

impl CloudTrail {
    async fn set_ingesting(&self, cx: &Cx, given: &str, on: bool) -> Result<()> {
        let (key, store) = self.active_store(cx, given).await?;
        if store.ingesting == on {
            let message = if on {
                "The event data store ingests already."
            } else {
                "The event data store does not ingest."
            };
            return Err(error::store_status(message));
        }
        self.ingest().await?;
        self.change_store(&key, |store| {
            store.ingesting = on;
            store.updated_ms = cx.now().millis();
            Ok(())
        })
        .await
        .map(drop)
    }
}

impl Handle<op::StartEventDataStoreIngestion> for CloudTrail {
    async fn access(&self, cx: &Cx, input: &s::StartEventDataStoreIngestionRequest) -> Result<Vec<Access>> {
        Ok(vec![self.on_store(cx, "cloudtrail:StartEventDataStoreIngestion", &input.event_data_store).await?])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::StartEventDataStoreIngestionRequest,
    ) -> Result<s::StartEventDataStoreIngestionResponse> {
        self.set_ingesting(cx, &input.event_data_store, true).await?;
        Ok(s::StartEventDataStoreIngestionResponse {})
    }
}

impl Handle<op::StopEventDataStoreIngestion> for CloudTrail {
    async fn access(&self, cx: &Cx, input: &s::StopEventDataStoreIngestionRequest) -> Result<Vec<Access>> {
        Ok(vec![self.on_store(cx, "cloudtrail:StopEventDataStoreIngestion", &input.event_data_store).await?])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::StopEventDataStoreIngestionRequest,
    ) -> Result<s::StopEventDataStoreIngestionResponse> {
        self.set_ingesting(cx, &input.event_data_store, false).await?;
        Ok(s::StopEventDataStoreIngestionResponse {})
    }
}

fn shape(key: &TrailKey, store: &EventStore) -> s::EventDataStore {
    let status = match (store.gone_at_ms, store.ingesting) {
        (Some(_), _) => "PENDING_DELETION",
        (None, true) => "ENABLED",
        (None, false) => "STOPPED_INGESTION",
    };
    s::EventDataStore {
        event_data_store_arn: Some(store_arn(key.0, key.1, &key.2).to_string()),
        name: Some(store.name.clone()),
        termination_protection_enabled: Some(store.protected),
        status: Some(status.to_owned()),
        advanced_event_selectors: Some(store.selectors.iter().map(parse::advanced_shape).collect()),
        multi_region_enabled: Some(store.multi_region),
        organization_enabled: Some(store.organization.is_some()),
        retention_period: Some(store.retention_days),
        created_timestamp: Some(Instant::from_millis(store.created_ms)),
        updated_timestamp: Some(Instant::from_millis(store.updated_ms)),
    }
}
