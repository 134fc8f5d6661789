use haneul_kit::{Access, Cx, Handle, Result, paging};
use haneul_secretsmanager_wire::operations as op;
use haneul_secretsmanager_wire::shapes as s;

use super::describe::entry;
use crate::model::{SecretName, SecretRecord};
use crate::secrets::Secrets;
use crate::{error, filter};

const RESULTS_DEFAULT: i32 = 100;

impl Handle<op::ListSecrets> for Secrets {
    async fn access(&self, _: &Cx, _: &s::ListSecretsRequest) -> Result<Vec<Access>> {
        Ok(vec![Access::to("secretsmanager:ListSecrets")])
    }

    async fn call(&self, cx: &Cx, input: s::ListSecretsRequest) -> Result<s::ListSecretsResponse> {
        let filters = input.filters.unwrap_or_default();
        filter::check(&filters)?;
        let deleted = input.include_planned_deletion.unwrap_or(false);
        let descending = input.sort_order.as_deref().is_none_or(|order| order == "desc");
        let by = input.sort_by.unwrap_or_else(|| "created-date".into());
        let now_ms = cx.now().millis();
        let mut all = self.state.all(cx.account(), cx.region()).await?;
        all.retain(|(name, record)| {
            let kept = match &record.deletion {
                Some(deletion) => deleted && deletion.ends_ms > now_ms,
                None => true,
            };
            kept && filter::passes(&filters, name, record)
        });
        let place = |(name, record): &(String, SecretRecord)| {
            let key = match by.as_str() {
                "last-accessed-date" => record.accessed_ms.unwrap_or_default(),
                "last-changed-date" => record.changed_ms,
                "name" => 0,
                _ => record.created_ms,
            };
            (key, name.clone())
        };
        all.sort_by_key(place);
        if descending {
            all.reverse();
        }
        let purpose = format!("secretsmanager.list {} {} {by} {descending}", cx.account(), cx.region());
        let seal = &self.platform.seal;
        if let Some(token) = &input.next_token {
            let after: (i64, String) =
                paging::position(seal, &purpose, token).ok_or_else(error::next_token)?;
            all.retain(|one| if descending { place(one) < after } else { place(one) > after });
        }
        let limit = input.max_results.unwrap_or(RESULTS_DEFAULT) as usize;
        let page = paging::cut(all, limit, seal, &purpose, place);
        let show = |(name, record): (String, SecretRecord)| {
            entry(&SecretName { account: cx.account(), region: cx.region(), name }, &record)
        };
        Ok(s::ListSecretsResponse {
            secret_list: Some(page.items.into_iter().map(show).collect()),
            next_token: page.next,
        })
    }
}
