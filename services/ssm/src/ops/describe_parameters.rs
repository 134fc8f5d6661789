use haneul_kit::{Access, Cx, Handle, Instant, Result, paging};
use haneul_ssm_wire::operations as op;
use haneul_ssm_wire::shapes as s;

use crate::model::{FullName, ParameterRecord, VersionRecord};
use crate::parameters::Parameters;
use crate::{error, filter};

const RESULTS_DEFAULT: i32 = 50;

/// Parameters looked at for one page.
const LOOKED_AT_MAX: usize = 1000;

impl Handle<op::DescribeParameters> for Parameters {
    async fn access(&self, cx: &Cx, _: &s::DescribeParametersRequest) -> Result<Vec<Access>> {
        Ok(vec![Access::on("ssm:DescribeParameters", &cx.arn("ssm", "*"))])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::DescribeParametersRequest,
    ) -> Result<s::DescribeParametersResult> {
        let filters = filters(input.filters, input.parameter_filters)?;
        filter::check(&filters, false)?;
        let limit = input.max_results.unwrap_or(RESULTS_DEFAULT) as usize;
        let purpose = format!("ssm.describe {} {}", cx.account(), cx.region());
        let seal = &self.platform.seal;
        let mut after: Option<String> = match input.next_token.as_ref().filter(|token| !token.is_empty()) {
            Some(token) => Some(paging::position(seal, &purpose, token).ok_or_else(error::next_token)?),
            None => None,
        };
        let mut found = Vec::new();
        // What was shared by a resource policy alone is not listed, at AWS neither; there is no RAM.
        while found.len() <= limit && input.shared != Some(true) {
            let place = (cx.account(), cx.region());
            let rows = self.state.after(place, "", after.as_deref(), LOOKED_AT_MAX).await?;
            let more = rows.len() == LOOKED_AT_MAX;
            after = rows.last().map(|(name, _)| name.clone());
            found.extend(rows.into_iter().filter(|(name, record)| {
                let expired = record.latest.expires_ms.is_some_and(|at_ms| at_ms <= cx.now().millis());
                !expired && filter::passes(&filters, name, record)
            }));
            if !more {
                break;
            }
        }
        let page = paging::cut(found, limit, seal, &purpose, |(name, _)| name.clone());
        let show = |(name, record): (String, ParameterRecord)| {
            metadata(FullName { account: cx.account(), region: cx.region(), name }, record)
        };
        Ok(s::DescribeParametersResult {
            parameters: Some(page.items.into_iter().map(show).collect()),
            next_token: page.next,
        })
    }
}

/// The old form of filters, which only know Name, Type and KeyId, and the new one.
fn filters(
    old: Option<Vec<s::ParametersFilter>>,
    new: Option<Vec<s::ParameterStringFilter>>,
) -> Result<Vec<s::ParameterStringFilter>> {
    match (old.filter(|old| !old.is_empty()), new) {
        (Some(_), Some(_)) => {
            Err(error::validation("You can use either Filters or ParameterFilters in a single request."))
        }
        (None, new) => Ok(new.unwrap_or_default()),
        (Some(old), None) => {
            let convert = |old: s::ParametersFilter| s::ParameterStringFilter {
                option: Some(if old.key == "Name" { "BeginsWith" } else { "Equals" }.into()),
                key: old.key,
                values: Some(old.values),
            };
            Ok(old.into_iter().map(convert).collect())
        }
    }
}

fn metadata(name: FullName, record: ParameterRecord) -> s::ParameterMetadata {
    let latest = record.latest;
    s::ParameterMetadata {
        arn: Some(name.arn().to_string()),
        name: Some(name.name),
        policies: Some(shown_policies(&latest)),
        r#type: Some(latest.kind),
        key_id: latest.key_id,
        last_modified_date: Some(Instant::from_millis(latest.modified_ms)),
        last_modified_user: Some(latest.modified_user),
        description: latest.description,
        allowed_pattern: latest.allowed_pattern,
        version: Some(record.version as i64),
        tier: Some(latest.tier),
        data_type: Some(latest.data_type),
    }
}

pub(super) fn shown_policies(version: &VersionRecord) -> Vec<s::ParameterInlinePolicy> {
    let show = |text: &String| s::ParameterInlinePolicy {
        policy_text: Some(text.clone()),
        policy_type: Some("Expiration".into()),
        policy_status: Some("Pending".into()),
    };
    version.policies.iter().map(show).collect()
}
