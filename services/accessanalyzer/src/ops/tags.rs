use haneul_accessanalyzer_wire::operations as op;
use haneul_accessanalyzer_wire::shapes as s;
use haneul_kit::{Access, Cx, Handle, Result};

use crate::{AccessAnalyzer, error};

const TAGS_MAX: usize = 50;

impl Handle<op::TagResource> for AccessAnalyzer {
    async fn access(&self, cx: &Cx, input: &s::TagResourceRequest) -> Result<Vec<Access>> {
        let name = input.resource_arn.rsplit('/').next().unwrap_or_default();
        let access = self.on(cx, "access-analyzer:TagResource", name).await?;
        let tags = input.tags.iter().map(|(key, value)| (key, value.as_str()));
        Ok(vec![access.request_tags(tags)])
    }

    async fn call(&self, cx: &Cx, input: s::TagResourceRequest) -> Result<s::TagResourceResponse> {
        let name = AccessAnalyzer::name(cx, &input.resource_arn)?;
        if input.tags.iter().any(|(key, _)| key.to_ascii_lowercase().starts_with("aws:")) {
            return Err(error::invalid("Tag keys must not begin with aws:."));
        }
        self.state
            .change(cx.account(), cx.region(), &name, |analyzer| {
                for (key, value) in input.tags.iter() {
                    analyzer.tags.insert(key.to_owned(), value.clone());
                }
                match analyzer.tags.len() > TAGS_MAX {
                    true => Err(error::invalid("A resource can have at most 50 tags.")),
                    false => Ok(s::TagResourceResponse {}),
                }
            })
            .await
    }
}

impl Handle<op::UntagResource> for AccessAnalyzer {
    async fn access(&self, cx: &Cx, input: &s::UntagResourceRequest) -> Result<Vec<Access>> {
        let name = input.resource_arn.rsplit('/').next().unwrap_or_default();
        let access = self.on(cx, "access-analyzer:UntagResource", name).await?;
        Ok(vec![access.keys("aws:TagKeys", input.tag_keys.clone())])
    }

    async fn call(&self, cx: &Cx, input: s::UntagResourceRequest) -> Result<s::UntagResourceResponse> {
        let name = AccessAnalyzer::name(cx, &input.resource_arn)?;
        self.state
            .change(cx.account(), cx.region(), &name, |analyzer| {
                analyzer.tags.retain(|key, _| !input.tag_keys.contains(key));
                Ok(s::UntagResourceResponse {})
            })
            .await
    }
}

impl Handle<op::ListTagsForResource> for AccessAnalyzer {
    async fn access(&self, cx: &Cx, input: &s::ListTagsForResourceRequest) -> Result<Vec<Access>> {
        let name = input.resource_arn.rsplit('/').next().unwrap_or_default();
        Ok(vec![self.on(cx, "access-analyzer:ListTagsForResource", name).await?])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::ListTagsForResourceRequest,
    ) -> Result<s::ListTagsForResourceResponse> {
        let name = AccessAnalyzer::name(cx, &input.resource_arn)?;
        let analyzer = self.analyzer(cx, &name).await?;
        Ok(s::ListTagsForResourceResponse { tags: Some(analyzer.tags.into_iter().collect()) })
    }
}
