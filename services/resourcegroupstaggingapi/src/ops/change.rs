use haneul_kit::{Access, ApiError, Cx, Handle, Result};
use haneul_resourcegroupstaggingapi_wire::operations as op;
use haneul_resourcegroupstaggingapi_wire::shapes as s;
use haneul_shape::value::Map;

use crate::Tagging;
use crate::change::Change;
use crate::error;

/// What went wrong with each resource.
type Failures = Vec<(String, s::FailureInfo)>;

impl Tagging {
    async fn change_all(&self, cx: &Cx, arns: &[String], change: &Change<'_>) -> Failures {
        let mut failures = Vec::new();
        for arn in arns {
            if let Err(error) = self.change(cx, arn, change).await {
                failures.push((arn.clone(), failure(&error)));
            }
        }
        failures
    }
}

fn failure(error: &ApiError) -> s::FailureInfo {
    let server = error.fault() == haneul_kit::Fault::Server;
    let code = if server { "InternalServiceException" } else { error.code() };
    let denied = error.code().starts_with("AccessDenied");
    s::FailureInfo {
        status_code: Some(match (server, denied) {
            (true, _) => 500,
            (false, true) => 403,
            (false, false) => 400,
        }),
        error_code: Some(code.to_owned()),
        error_message: Some(error.message().to_owned()),
    }
}

fn failed(failures: Failures) -> Option<Map<s::FailureInfo>> {
    Some(failures.into_iter().collect())
}

fn check_reserved<'a>(mut keys: impl Iterator<Item = &'a String>) -> Result<()> {
    match keys.any(|key| key.to_ascii_lowercase().starts_with("aws:")) {
        true => Err(error::parameter("Tag keys must not begin with aws:.")),
        false => Ok(()),
    }
}

impl Handle<op::TagResources> for Tagging {
    async fn access(&self, _: &Cx, _: &s::TagResourcesInput) -> Result<Vec<Access>> {
        Ok(vec![Access::to("tag:TagResources")])
    }

    async fn call(&self, cx: &Cx, input: s::TagResourcesInput) -> Result<s::TagResourcesOutput> {
        let tags: Vec<(String, String)> = input.tags.into_iter().collect();
        check_reserved(tags.iter().map(|(key, _)| key))?;
        let failures = self.change_all(cx, &input.resource_arn_list, &Change::Set(&tags)).await;
        Ok(s::TagResourcesOutput { failed_resources_map: failed(failures) })
    }
}

impl Handle<op::UntagResources> for Tagging {
    async fn access(&self, _: &Cx, _: &s::UntagResourcesInput) -> Result<Vec<Access>> {
        Ok(vec![Access::to("tag:UntagResources")])
    }

    async fn call(&self, cx: &Cx, input: s::UntagResourcesInput) -> Result<s::UntagResourcesOutput> {
        check_reserved(input.tag_keys.iter())?;
        let failures = self.change_all(cx, &input.resource_arn_list, &Change::Remove(&input.tag_keys)).await;
        Ok(s::UntagResourcesOutput { failed_resources_map: failed(failures) })
    }
}
