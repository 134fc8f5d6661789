use haneul_kit::{Access, ApiError, Cx, Handle, Result, paging};
use haneul_secretsmanager_wire::operations as op;
use haneul_secretsmanager_wire::shapes as s;

use crate::secrets::{Found, Secrets};
use crate::{error, filter};

const RESULTS_MAX: i32 = 20;

impl Handle<op::BatchGetSecretValue> for Secrets {
    async fn access(&self, _: &Cx, input: &s::BatchGetSecretValueRequest) -> Result<Vec<Access>> {
        let mut all = vec![Access::to("secretsmanager:BatchGetSecretValue")];
        if input.filters.is_some() {
            all.push(Access::to("secretsmanager:ListSecrets"));
        }
        Ok(all)
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::BatchGetSecretValueRequest,
    ) -> Result<s::BatchGetSecretValueResponse> {
        let (mut values, mut errors, mut next_token) = (Vec::new(), Vec::new(), None);
        match (input.secret_id_list, input.filters) {
            (Some(ids), None) => {
                if input.max_results.is_some() {
                    return Err(error::parameter("MaxResults can only be used with Filters."));
                }
                for id in ids {
                    let found = self.find(cx, &id).await?;
                    self.read_into(cx, &id, found, &mut values, &mut errors).await;
                }
            }
            (None, Some(filters)) => {
                filter::check(&filters)?;
                let limit = input.max_results.unwrap_or(RESULTS_MAX) as usize;
                let purpose = format!("secretsmanager.batch {} {}", cx.account(), cx.region());
                let after: Option<String> = match &input.next_token {
                    Some(token) => Some(
                        paging::position(&self.platform.seal, &purpose, token)
                            .ok_or_else(error::next_token)?,
                    ),
                    None => None,
                };
                let all = self.state.all(cx.account(), cx.region()).await?;
                let passing = all.into_iter().filter(|(name, record)| {
                    after.as_ref().is_none_or(|after| name > after)
                        && record.deletion.is_none()
                        && filter::passes(&filters, name, record)
                });
                let page = paging::cut(
                    passing.take(limit + 1).collect(),
                    limit,
                    &self.platform.seal,
                    &purpose,
                    |(name, _)| name.clone(),
                );
                for (name, _) in page.items {
                    let found = self.find(cx, &name).await?;
                    self.read_into(cx, &name, found, &mut values, &mut errors).await;
                }
                next_token = page.next;
            }
            _ => return Err(error::parameter("You must include Filters or SecretIdList, but not both.")),
        }
        Ok(s::BatchGetSecretValueResponse { secret_values: Some(values), errors: Some(errors), next_token })
    }
}

impl Secrets {
    /// Reads one secret of a batch, with its own permission; a failure is the secret's alone.
    async fn read_into(
        &self,
        cx: &Cx,
        id: &str,
        found: Option<Found>,
        values: &mut Vec<s::SecretValueEntry>,
        errors: &mut Vec<s::APIErrorType>,
    ) {
        let read = async {
            let access = self.ask(cx, "secretsmanager:GetSecretValue", id).await?;
            self.platform.authorize(cx, "secretsmanager", &[access]).await?;
            let found = found.ok_or_else(error::not_found)?;
            if found.record.deletion.is_some() {
                return Err(error::deleted());
            }
            self.read(cx, &found, None, None).await
        };
        let read: Result<_, ApiError> = read.await;
        match read {
            Ok(value) => values.push(value),
            Err(refused) => errors.push(s::APIErrorType {
                secret_id: Some(id.to_owned()),
                error_code: Some(refused.code().to_owned()),
                message: Some(refused.message().to_owned()),
            }),
        }
    }
}
