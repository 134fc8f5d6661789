use haneul_kit::{Access, Cx, Handle, Result};
use haneul_lambda_wire::operations as op;
use haneul_lambda_wire::shapes as s;

use super::paging::limit;
use super::render::arn_of;
use super::update_code::check_revision;
use crate::model::function::{State, VersionRecord};
use crate::names::{self, FunctionName, PUBLISHED, PUBLISHED_NUMBER, version_number};
use crate::{Lambda, error};

impl Handle<op::PublishVersion> for Lambda {
    async fn access(&self, cx: &Cx, input: &s::PublishVersionRequest) -> Result<Vec<Access>> {
        Ok(vec![self.on_function(cx, "lambda:PublishVersion", &input.function_name).await?])
    }

    async fn call(&self, cx: &Cx, input: s::PublishVersionRequest) -> Result<s::FunctionConfiguration> {
        let function = names::read(cx, &input.function_name, None)?.function;
        let to = PublishTo::read(input.publish_to.as_deref())?;
        let (sha256, revision) = (input.code_sha256.as_deref(), input.revision_id.as_deref());
        let version = self.publish(cx, &function, to, input.description, sha256, revision).await?;
        let arn = arn_of(&function, &version.version, None);
        self.configuration(cx, &function, &version, arn, false).await
    }
}

/// As what the unpublished version is published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PublishTo {
    /// The next one.
    Number,
    /// `$LATEST.PUBLISHED`.
    LatestPublished,
}

impl PublishTo {
    pub(super) fn read(given: Option<&str>) -> Result<PublishTo> {
        match given {
            None => Ok(PublishTo::Number),
            Some("LATEST_PUBLISHED") => Ok(PublishTo::LatestPublished),
            Some(_) => Err(error::parameter("PublishTo must be LATEST_PUBLISHED.")),
        }
    }

    /// # Errors
    /// InvalidParameterValueException for `$LATEST.PUBLISHED` of a function without a provider.
    pub(super) fn check(self, on_provider: bool) -> Result<()> {
        match self {
            PublishTo::LatestPublished if !on_provider => {
                Err(error::parameter("PublishTo is only supported for functions with a capacity provider."))
            }
            _ => Ok(()),
        }
    }
}

impl Lambda {
    /// Publishes the unpublished version as it is, when its code is ready.
    pub(super) async fn publish(
        &self,
        cx: &Cx,
        function: &FunctionName,
        to: PublishTo,
        description: Option<String>,
        sha256: Option<&str>,
        wanted: Option<&str>,
    ) -> Result<VersionRecord> {
        // The revision of who asked is that of before the code was ready.
        let before = self.records.get(function).await?;
        check_revision(wanted, &before.latest.revision)?;
        to.check(before.latest.capacity.is_some())?;
        self.settled(function).await?;
        let (revision, setting) = (self.revision(), self.platform.env.rng.u64());
        let check = |latest: &VersionRecord| match sha256.filter(|sha256| *sha256 != latest.code.sha256) {
            Some(sha256) => Err(error::parameter(format!(
                "CodeSHA256 ({sha256}) is different from current CodeSHA256 in $LATEST ({}). Please try again with the \
                 CodeSHA256 in $LATEST.",
                latest.code.sha256
            ))),
            None => Ok(()),
        };
        let make = |latest: &VersionRecord, number: u64| VersionRecord {
            version: number.to_string(),
            revision: revision.clone(),
            setting,
            modified_ms: cx.now().millis(),
            description: description.clone().unwrap_or_else(|| latest.description.clone()),
            // On a capacity provider it is ready when its environments are.
            state: if latest.capacity.is_some() { State::Pending } else { latest.state.clone() },
            ..latest.clone()
        };
        let version = match to {
            PublishTo::Number => self.records.publish(function, check, make).await?,
            PublishTo::LatestPublished => {
                let make = |latest: &VersionRecord| VersionRecord {
                    version: PUBLISHED.into(),
                    ..make(latest, PUBLISHED_NUMBER)
                };
                self.records.republish(function, check, make).await?
            }
        };
        if version.capacity.is_some() {
            self.wake.capacity.wake();
        }
        Ok(version)
    }
}

impl Handle<op::ListVersionsByFunction> for Lambda {
    async fn access(&self, cx: &Cx, input: &s::ListVersionsByFunctionRequest) -> Result<Vec<Access>> {
        Ok(vec![self.on_function(cx, "lambda:ListVersionsByFunction", &input.function_name).await?])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::ListVersionsByFunctionRequest,
    ) -> Result<s::ListVersionsByFunctionResponse> {
        let function = names::read(cx, &input.function_name, None)?.function;
        let record = self.records.get(&function).await?;
        let listing = format!("versions {}", function.name);
        let begin: Option<u64> = self.begin(cx, &listing, input.marker.as_deref())?;
        let limit = limit(input.max_items);
        let mut found = Vec::new();
        if begin.is_none() {
            found.push(record.latest);
        }
        found.extend(self.records.versions(&function, begin.unwrap_or(0), limit + 1).await?);
        let page =
            self.page(cx, &listing, found, limit, |version| version_number(&version.version).unwrap_or(0));
        let mut versions = Vec::with_capacity(page.items.len());
        for version in &page.items {
            let arn = function.qualified(&version.version);
            versions.push(self.configuration(cx, &function, version, arn, true).await?);
        }
        Ok(s::ListVersionsByFunctionResponse { versions: Some(versions), next_marker: page.next })
    }
}
