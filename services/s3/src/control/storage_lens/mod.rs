//! S3 Storage Lens. Source: S3 User Guide, "Assessing your storage activity and usage with S3 Storage Lens"; S3 API
//! Reference, "List of Amazon S3 Storage Lens error codes".
//!
//! Reading order: this file (configurations), [`configuration`] (what they may say), [`tagging`], [`groups`], [`filter`] (of groups).

mod configuration;
mod filter;
mod groups;
mod tagging;

use std::borrow::Cow;
use std::collections::BTreeMap;

use haneul_kit::{Access, Cx, Handle, Result};
use haneul_s3control_wire::operations as op;
use haneul_s3control_wire::shapes as s;
use haneul_shape::Empty;

use super::account;
use crate::analysis::day_of;
use crate::model::storage_lens::Lens;
use crate::storage_lens::{DEFAULT_ID, arn, default_configuration, default_region};
use crate::store::storage_lens::{LensRow, no_such_lens};
use crate::{S3, error};

const PAGE_MAX: usize = 100;

/// Longest id and name.
const ID_LENGTH_MAX: usize = 64;

fn is_id(text: &str) -> bool {
    (1..=ID_LENGTH_MAX).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

fn row(cx: &Cx, id: &str) -> LensRow {
    (cx.account(), cx.region(), id.to_owned())
}

/// Whether it is the one that is there without having been made.
fn is_default(cx: &Cx, id: &str) -> bool {
    id == DEFAULT_ID && cx.region().as_str() == default_region(cx.region())
}

impl S3 {
    async fn lens(&self, cx: &Cx, id: &str) -> Result<Lens> {
        if let Some(lens) = self.records.lens(&row(cx, id)).await? {
            return Ok(lens);
        }
        if is_default(cx, id) {
            return Ok(Lens { configuration: default_configuration(), ..Lens::default() });
        }
        Err(no_such_lens())
    }

    /// A permission on a configuration, with the tags that it has.
    async fn on_lens(&self, cx: &Cx, account_id: &str, id: &str, action: &'static str) -> Result<Access> {
        account(cx, account_id)?;
        let mut access = Access::to(action).owned_by(cx.account());
        access.resource = Cow::Owned(arn(cx.region(), cx.account(), id));
        let tags = self.records.lens(&row(cx, id)).await?.map(|lens| lens.tags).unwrap_or_default();
        Ok(access.resource_tags(tags.iter().map(|(key, value)| (key.as_str(), value.as_str()))))
    }
}

impl Handle<op::PutStorageLensConfiguration> for S3 {
    async fn access(&self, cx: &Cx, input: &s::PutStorageLensConfigurationRequest) -> Result<Vec<Access>> {
        account(cx, &input.account_id)?;
        let tags = || input.tags.iter().flatten().map(|tag| (tag.key.as_str(), tag.value.as_str()));
        let put = Access::to("s3:PutStorageLensConfiguration").owned_by(cx.account()).request_tags(tags());
        if input.tags.is_none() {
            return Ok(vec![put]);
        }
        let action = "s3:PutStorageLensConfigurationTagging";
        let tagging = self.on_lens(cx, &input.account_id, &input.config_id, action).await?;
        Ok(vec![put, tagging.request_tags(tags())])
    }

    async fn call(&self, cx: &Cx, input: s::PutStorageLensConfigurationRequest) -> Result<Empty> {
        let given = input.storage_lens_configuration;
        if !is_id(&input.config_id) || given.id != input.config_id {
            return Err(error::new("InvalidConfigId", 400, "The configuration ID is not valid."));
        }
        if input.config_id == DEFAULT_ID {
            configuration::check_default(cx.region(), &given)?;
        }
        let configuration = configuration::from_wire(cx, given)?;
        let tags = input.tags.map(tagging::read).transpose()?;
        let today = day_of(cx.now().secs());
        let change = |found: Option<Lens>| {
            let new = || Lens { since_day: today, ..Lens::default() };
            let mut lens = found.unwrap_or_else(new);
            if !lens.configuration.is_told() {
                lens.since_day = today;
            }
            lens.configuration = configuration.clone();
            if !lens.configuration.is_told() {
                lens.pending = None;
            }
            if let Some(tags) = &tags {
                lens.tags = tags.clone();
            }
            lens
        };
        let row = row(cx, &input.config_id);
        self.records.put_lens(&row, change).await?;
        if !configuration.is_told() {
            self.records.forget_report(&row).await?;
        }
        Ok(Empty)
    }
}

impl Handle<op::GetStorageLensConfiguration> for S3 {
    async fn access(&self, cx: &Cx, input: &s::GetStorageLensConfigurationRequest) -> Result<Vec<Access>> {
        let action = "s3:GetStorageLensConfiguration";
        Ok(vec![self.on_lens(cx, &input.account_id, &input.config_id, action).await?])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::GetStorageLensConfigurationRequest,
    ) -> Result<s::GetStorageLensConfigurationResult> {
        let lens = self.lens(cx, &input.config_id).await?;
        let arn = arn(cx.region(), cx.account(), &input.config_id);
        let shown = configuration::to_wire(input.config_id, arn, lens.configuration);
        Ok(s::GetStorageLensConfigurationResult { storage_lens_configuration: Some(shown) })
    }
}

impl Handle<op::DeleteStorageLensConfiguration> for S3 {
    async fn access(&self, cx: &Cx, input: &s::DeleteStorageLensConfigurationRequest) -> Result<Vec<Access>> {
        let action = "s3:DeleteStorageLensConfiguration";
        Ok(vec![self.on_lens(cx, &input.account_id, &input.config_id, action).await?])
    }

    async fn call(&self, cx: &Cx, input: s::DeleteStorageLensConfigurationRequest) -> Result<Empty> {
        if input.config_id == DEFAULT_ID {
            let message = "The Default configuration cannot be deleted.";
            return Err(error::new("DefaultConfigurationDeleteForbidden", 403, message));
        }
        if self.records.delete_lens(&row(cx, &input.config_id)).await? {
            Ok(Empty)
        } else {
            Err(no_such_lens())
        }
    }
}

impl Handle<op::ListStorageLensConfigurations> for S3 {
    async fn access(&self, cx: &Cx, input: &s::ListStorageLensConfigurationsRequest) -> Result<Vec<Access>> {
        account(cx, &input.account_id)?;
        Ok(vec![Access::to("s3:ListStorageLensConfigurations").owned_by(cx.account())])
    }

    /// The token is the id of the last one.
    async fn call(
        &self,
        cx: &Cx,
        input: s::ListStorageLensConfigurationsRequest,
    ) -> Result<s::ListStorageLensConfigurationsResult> {
        let after = input.next_token.as_deref();
        let found = self.records.lenses(cx.account(), cx.region(), after, PAGE_MAX + 1).await?;
        let mut all: BTreeMap<String, bool> =
            found.into_iter().map(|(id, lens)| (id, lens.configuration.enabled)).collect();
        if is_default(cx, DEFAULT_ID) && after.is_none_or(|after| after < DEFAULT_ID) {
            all.entry(DEFAULT_ID.to_owned()).or_insert(true);
        }
        let more = all.len() > PAGE_MAX;
        let entries: Vec<_> = all
            .into_iter()
            .take(PAGE_MAX)
            .map(|(id, is_enabled)| s::ListStorageLensConfigurationEntry {
                storage_lens_arn: arn(cx.region(), cx.account(), &id),
                id,
                home_region: cx.region().to_string(),
                is_enabled: Some(is_enabled),
            })
            .collect();
        Ok(s::ListStorageLensConfigurationsResult {
            next_token: entries.last().map(|entry| entry.id.clone()).filter(|_| more),
            storage_lens_configuration_list: Some(entries),
        })
    }
}
