use haneul_kit::{Access, Cx, Handle, Instant, Result, paging};
use haneul_ssm_wire::operations as op;
use haneul_ssm_wire::shapes as s;

use super::describe_parameters::shown_policies;
use crate::error;
use crate::model::SECURE_STRING;
use crate::name::reference;
use crate::parameters::Parameters;

const RESULTS_DEFAULT: i32 = 50;

impl Handle<op::GetParameterHistory> for Parameters {
    async fn access(&self, cx: &Cx, input: &s::GetParameterHistoryRequest) -> Result<Vec<Access>> {
        Ok(vec![self.ask(cx, "ssm:GetParameterHistory", &input.name).await?])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::GetParameterHistoryRequest,
    ) -> Result<s::GetParameterHistoryResult> {
        let name = reference(cx, &input.name)?.name;
        let record = self.get(cx, &name).await?;
        let purpose = format!("ssm.history {}", name.arn());
        let seal = &self.platform.seal;
        let after: Option<u64> = match input.next_token.as_ref().filter(|token| !token.is_empty()) {
            Some(token) => Some(paging::position(seal, &purpose, token).ok_or_else(error::next_token)?),
            None => None,
        };
        let versions = self.state.versions(&name).await?.into_iter();
        let versions = versions.filter(|(number, _)| after.is_none_or(|after| *number > after));
        let limit = input.max_results.unwrap_or(RESULTS_DEFAULT) as usize;
        let page =
            paging::cut(versions.take(limit + 1).collect(), limit, seal, &purpose, |(number, _)| *number);
        let tiers = page.items.iter().map(|(_, version)| &*version.tier);
        self.meter(cx, "GetParameterHistory", tiers).await?;
        let mut parameters = Vec::with_capacity(page.items.len());
        for (number, version) in page.items {
            let decrypts = version.kind == SECURE_STRING && input.with_decryption == Some(true);
            let value = match decrypts {
                true => self.decrypt(cx, &name, &version).await?,
                false => version.value.clone(),
            };
            let labels =
                record.labels.iter().filter(|(_, on)| **on == number).map(|(label, _)| label.clone());
            parameters.push(s::ParameterHistory {
                name: Some(name.name.clone()),
                policies: Some(shown_policies(&version)),
                r#type: Some(version.kind),
                key_id: version.key_id,
                last_modified_date: Some(Instant::from_millis(version.modified_ms)),
                last_modified_user: Some(version.modified_user),
                description: version.description,
                value: Some(value),
                allowed_pattern: version.allowed_pattern,
                version: Some(number as i64),
                labels: Some(labels.collect()),
                tier: Some(version.tier),
                data_type: Some(version.data_type),
            });
        }
        Ok(s::GetParameterHistoryResult { parameters: Some(parameters), next_token: page.next })
    }
}
