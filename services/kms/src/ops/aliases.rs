use haneul_kit::{Access, Cx, Handle, Instant, Result};
use haneul_kms_wire::operations as op;
use haneul_kms_wire::shapes as s;
use haneul_shape::Empty;

use super::page;
use crate::access::Ask;
use crate::error;
use crate::kms::{Forms, Kms, check_not_pending_deletion};
use crate::live::LiveKey;
use crate::managed;
use crate::model::{AliasRecord, KeyName};
use crate::reference::is_key_id;
use crate::store::alias_arn;

const LIMIT_DEFAULT: usize = 50;

/// Aliases of one account and Region (quota "Aliases" is 50 for each key; of keys there are at most 100,000).
const ALIASES_MAX: usize = 100_000;

impl Handle<op::CreateAlias> for Kms {
    async fn access(&self, cx: &Cx, input: &s::CreateAliasRequest) -> Result<Vec<Access>> {
        self.ask_alias(cx, "kms:CreateAlias", &input.alias_name, &input.target_key_id).await
    }

    async fn call(&self, cx: &Cx, input: s::CreateAliasRequest) -> Result<Empty> {
        check_name(&input.alias_name)?;
        let target = self.target(cx, &input.target_key_id).await?;
        self.state.create_alias(&target.name, &input.alias_name, cx.now().millis(), false).await?;
        Ok(Empty)
    }
}

impl Handle<op::UpdateAlias> for Kms {
    async fn access(&self, cx: &Cx, input: &s::UpdateAliasRequest) -> Result<Vec<Access>> {
        let action = "kms:UpdateAlias";
        let mut all = self.ask_alias(cx, action, &input.alias_name, &input.target_key_id).await?;
        if let Some(record) = self.state.alias(cx.account(), cx.region(), &input.alias_name).await? {
            all.push(self.ask(cx, Ask::own(action, &record.key_id)).await?);
        }
        Ok(all)
    }

    async fn call(&self, cx: &Cx, input: s::UpdateAliasRequest) -> Result<Empty> {
        check_name(&input.alias_name)?;
        let alias = self.state.alias(cx.account(), cx.region(), &input.alias_name).await?;
        let arn = alias_arn(cx.account(), cx.region(), &input.alias_name);
        let alias = alias.ok_or_else(|| error::alias_not_found(&arn))?;
        let target = self.target(cx, &input.target_key_id).await?;
        let old = KeyName { account: cx.account(), region: cx.region(), id: alias.key_id };
        if let Some(old) = self.live(cx, &old).await? {
            let (old, new) = (&old.record, &target.record);
            // What was encrypted through the alias must stay of one kind.
            if old.spec().is_asymmetric() != new.spec().is_asymmetric() || old.usage != new.usage {
                return Err(error::validation(
                    "Alias must point to a KMS key of the same type and key usage as its current key.",
                ));
            }
        }
        self.state.update_alias(&target.name, &input.alias_name, cx.now().millis()).await?;
        Ok(Empty)
    }
}

impl Handle<op::DeleteAlias> for Kms {
    async fn access(&self, cx: &Cx, input: &s::DeleteAliasRequest) -> Result<Vec<Access>> {
        let action = "kms:DeleteAlias";
        let arn = alias_arn(cx.account(), cx.region(), &input.alias_name);
        let mut all = vec![Access::on(action, &arn).key("kms:CallerAccount", cx.account().to_string())];
        if let Some(record) = self.state.alias(cx.account(), cx.region(), &input.alias_name).await? {
            all.push(self.ask(cx, Ask::own(action, &record.key_id)).await?);
        }
        Ok(all)
    }

    async fn call(&self, cx: &Cx, input: s::DeleteAliasRequest) -> Result<Empty> {
        check_name(&input.alias_name)?;
        self.state.delete_alias(cx.account(), cx.region(), &input.alias_name).await?;
        Ok(Empty)
    }
}

impl Handle<op::ListAliases> for Kms {
    async fn access(&self, _: &Cx, _: &s::ListAliasesRequest) -> Result<Vec<Access>> {
        Ok(vec![Access::to("kms:ListAliases")])
    }

    async fn call(&self, cx: &Cx, input: s::ListAliasesRequest) -> Result<s::ListAliasesResponse> {
        let of_key = match &input.key_id {
            Some(key_id) => Some(self.key(cx, key_id, Forms::Key).await?.name.id.clone()),
            None => None,
        };
        let rows = self.state.aliases_after((cx.account(), cx.region()), None, ALIASES_MAX).await?;
        let mut all: Vec<(String, Option<AliasRecord>)> = match &of_key {
            Some(id) => {
                rows.into_iter().filter(|(_, r)| r.key_id == *id).map(|(a, r)| (a, Some(r))).collect()
            }
            None => rows.into_iter().map(|(alias, record)| (alias, Some(record))).collect(),
        };
        if of_key.is_none() {
            // AWS's own aliases are there before the keys that they will point to.
            let own = managed::SERVICES.iter().map(|managed| managed.alias());
            let missing: Vec<String> = own.filter(|own| !all.iter().any(|(alias, _)| alias == own)).collect();
            all.extend(missing.into_iter().map(|alias| (alias, None)));
            all.sort_by(|a, b| a.0.cmp(&b.0));
        }
        let purpose = format!("kms.aliases {} {} {of_key:?}", cx.account(), cx.region());
        let limit = (input.limit, LIMIT_DEFAULT);
        let page =
            page(&self.state.seal, &purpose, limit, input.marker.as_ref(), all, |(alias, _)| alias.clone())?;
        let entry = |(alias, record): (String, Option<AliasRecord>)| s::AliasListEntry {
            alias_arn: Some(alias_arn(cx.account(), cx.region(), &alias).to_string()),
            alias_name: Some(alias),
            creation_date: record.as_ref().map(|record| Instant::from_millis(record.created_ms)),
            last_updated_date: record.as_ref().map(|record| Instant::from_millis(record.updated_ms)),
            target_key_id: record.map(|record| record.key_id),
        };
        Ok(s::ListAliasesResponse {
            aliases: Some(page.items.into_iter().map(entry).collect()),
            truncated: Some(page.next.is_some()),
            next_marker: page.next,
        })
    }
}

impl Kms {
    /// Both the alias and the key must allow it.
    async fn ask_alias(
        &self,
        cx: &Cx,
        action: &'static str,
        alias: &str,
        target: &str,
    ) -> Result<Vec<Access>> {
        let arn = alias_arn(cx.account(), cx.region(), alias);
        let on_alias = Access::on(action, &arn).key("kms:CallerAccount", cx.account().to_string());
        Ok(vec![on_alias, self.ask(cx, Ask::own(action, target)).await?])
    }

    async fn target(&self, cx: &Cx, key_id: &str) -> Result<std::sync::Arc<LiveKey>> {
        let key = self.own_key(cx, key_id, "CreateAlias").await?;
        check_not_pending_deletion(key.record.state(cx.now()), &key.name.arn())?;
        Ok(key)
    }
}

fn check_name(alias: &str) -> Result<()> {
    let Some(name) = alias.strip_prefix("alias/") else {
        return Err(error::validation(
            "Alias must start with the prefix \"alias/\". Please see \
             https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html",
        ));
    };
    if name.starts_with("aws/") {
        return Err(error::not_authorized());
    }
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"/_-".contains(&b);
    if name.is_empty() || !name.bytes().all(allowed) {
        return Err(error::validation(format!("{alias} contains invalid characters for an alias")));
    }
    if is_key_id(name) {
        return Err(error::invalid_alias("Alias cannot have the form of a key ID."));
    }
    Ok(())
}
