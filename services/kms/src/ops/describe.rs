use haneul_kit::{Access, Cx, Handle, Instant, Result, paging};
use haneul_kms_wire::operations as op;
use haneul_kms_wire::shapes as s;

use super::position;
use crate::access::Ask;
use crate::kms::{Forms, Kms};
use crate::model::KeyName;
use crate::{error, render};

const LIMIT_DEFAULT: i32 = 100;

impl Handle<op::DescribeKey> for Kms {
    async fn access(&self, cx: &Cx, input: &s::DescribeKeyRequest) -> Result<Vec<Access>> {
        let ask = Ask::crypto("kms:DescribeKey", &input.key_id, "DescribeKey", &input.grant_tokens);
        Ok(vec![self.ask(cx, ask).await?])
    }

    async fn call(&self, cx: &Cx, input: s::DescribeKeyRequest) -> Result<s::DescribeKeyResponse> {
        let key = self.key(cx, &input.key_id, Forms::Alias).await?;
        Ok(s::DescribeKeyResponse { key_metadata: Some(render::metadata(cx, &key.name, &key.record)) })
    }
}

impl Handle<op::ListKeys> for Kms {
    async fn access(&self, _: &Cx, _: &s::ListKeysRequest) -> Result<Vec<Access>> {
        Ok(vec![Access::to("kms:ListKeys")])
    }

    async fn call(&self, cx: &Cx, input: s::ListKeysRequest) -> Result<s::ListKeysResponse> {
        let purpose = format!("kms.keys {} {}", cx.account(), cx.region());
        let limit = input.limit.unwrap_or(LIMIT_DEFAULT) as usize;
        let mut after: Option<String> = position(&self.state.seal, &purpose, input.marker.as_ref())?;
        // Keys shared by RAM are none: there is no RAM.
        let own = input.resource_owners.is_none_or(|owners| owners.iter().any(|owner| owner == "SELF"));
        let mut keys = Vec::new();
        while own && keys.len() <= limit {
            let rows =
                self.state.keys_after((cx.account(), cx.region()), after.as_deref(), limit + 1).await?;
            let more = rows.len() > limit;
            after = rows.last().map(|(id, _)| id.clone());
            keys.extend(rows.into_iter().filter(|(_, record)| !record.is_gone(cx.now())).map(|(id, _)| id));
            if !more {
                break;
            }
        }
        let page = paging::cut(keys, limit, &self.state.seal, &purpose, String::clone);
        let entry = |id: String| {
            let name = KeyName { account: cx.account(), region: cx.region(), id };
            s::KeyListEntry { key_arn: Some(name.arn().to_string()), key_id: Some(name.id) }
        };
        Ok(s::ListKeysResponse {
            keys: Some(page.items.into_iter().map(entry).collect()),
            truncated: Some(page.next.is_some()),
            next_marker: page.next,
        })
    }
}

impl Handle<op::GetKeyLastUsage> for Kms {
    async fn access(&self, cx: &Cx, input: &s::GetKeyLastUsageRequest) -> Result<Vec<Access>> {
        Ok(vec![self.ask(cx, Ask::own("kms:GetKeyLastUsage", &input.key_id)).await?])
    }

    async fn call(&self, cx: &Cx, input: s::GetKeyLastUsageRequest) -> Result<s::GetKeyLastUsageResponse> {
        let key = self.key(cx, &input.key_id, Forms::Key).await?;
        let used = self.last_used.get(&key.name).await?;
        let created = Instant::from_millis(key.record.created_ms);
        Ok(s::GetKeyLastUsageResponse {
            key_id: Some(key.name.arn().to_string()),
            key_last_usage: used.map(|used| s::KeyLastUsageData {
                operation: Some(used.operation),
                timestamp: Some(Instant::from_millis(used.at_ms)),
                cloud_trail_event_id: None,
                kms_request_id: Some(used.request_id),
            }),
            // Uses are noted from a key's first day.
            tracking_start_date: Some(created),
            key_creation_date: Some(created),
        })
    }
}

impl Handle<op::GetPublicKey> for Kms {
    async fn access(&self, cx: &Cx, input: &s::GetPublicKeyRequest) -> Result<Vec<Access>> {
        let ask = Ask::crypto("kms:GetPublicKey", &input.key_id, "GetPublicKey", &input.grant_tokens);
        Ok(vec![self.ask(cx, ask).await?])
    }

    async fn call(&self, cx: &Cx, input: s::GetPublicKeyRequest) -> Result<s::GetPublicKeyResponse> {
        let key = self.key(cx, &input.key_id, Forms::Alias).await?;
        let spec = key.record.spec();
        if !spec.is_asymmetric() {
            return Err(error::unsupported(format!(
                "{} is a symmetric KMS key, which has no public key.",
                key.name.arn()
            )));
        }
        crate::kms::check_enabled(cx, &key)?;
        let (_, material) = self.current(cx, &key)?;
        let public = material.public_key().map(<[u8]>::to_vec).unwrap_or_default();
        let shown = render::metadata(cx, &key.name, &key.record);
        Ok(s::GetPublicKeyResponse {
            key_id: shown.arn,
            public_key: Some(public.into()),
            customer_master_key_spec: shown.customer_master_key_spec,
            key_spec: shown.key_spec,
            key_usage: shown.key_usage,
            encryption_algorithms: shown.encryption_algorithms,
            signing_algorithms: shown.signing_algorithms,
            key_agreement_algorithms: shown.key_agreement_algorithms,
            encapsulation_algorithms: shown.encapsulation_algorithms,
        })
    }
}
