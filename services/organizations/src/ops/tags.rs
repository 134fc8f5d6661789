use haneul_kit::{Access, Cx, Handle, Result};
use haneul_organizations_wire::operations as op;
use haneul_organizations_wire::shapes as s;
use haneul_shape::Empty;

use super::tags_of;
use crate::organizations::{On, Who};
use crate::page::{self, Wanted};
use crate::{Organizations, render};

impl Organizations {
    async fn ask_tags(&self, cx: &Cx, who: Who, action: &'static str, id: &str) -> Result<Vec<Access>> {
        match id {
            _ if id.starts_with("rp-") => self.ask(cx, who, action, &[On::ResourcePolicy], &[]).await,
            _ if id.starts_with("p-") => self.ask_policy(cx, who, action, id, None).await,
            _ if id.starts_with("rt-") => {
                let action_on = self.ask(cx, who, action, &[On::Transfer(id)], &[]).await?;
                Ok(action_on.into_iter().map(super::transfers::billing).collect())
            }
            _ => self.ask(cx, who, action, &[On::Target(id)], &[]).await,
        }
    }
}

impl Handle<op::TagResource> for Organizations {
    async fn access(&self, cx: &Cx, input: &s::TagResourceRequest) -> Result<Vec<Access>> {
        let all = self.ask_tags(cx, Who::Delegate, "organizations:TagResource", &input.resource_id).await?;
        let tags = || input.tags.iter().map(|tag| (tag.key.as_str(), tag.value.as_str()));
        Ok(all.into_iter().map(|access| access.request_tags(tags())).collect())
    }

    async fn call(&self, cx: &Cx, input: s::TagResourceRequest) -> Result<Empty> {
        let vantage = self.enter(cx, Who::Delegate).await?;
        let tags = tags_of(Some(input.tags))?;
        self.state.tag(&vantage.id, &input.resource_id, &tags).await?;
        Ok(Empty)
    }
}

impl Handle<op::UntagResource> for Organizations {
    async fn access(&self, cx: &Cx, input: &s::UntagResourceRequest) -> Result<Vec<Access>> {
        let all = self.ask_tags(cx, Who::Delegate, "organizations:UntagResource", &input.resource_id).await?;
        let with_keys = |access: Access| access.keys("aws:TagKeys", input.tag_keys.clone());
        Ok(all.into_iter().map(with_keys).collect())
    }

    async fn call(&self, cx: &Cx, input: s::UntagResourceRequest) -> Result<Empty> {
        let vantage = self.enter(cx, Who::Delegate).await?;
        self.state.untag(&vantage.id, &input.resource_id, &input.tag_keys).await?;
        Ok(Empty)
    }
}

impl Handle<op::ListTagsForResource> for Organizations {
    async fn access(&self, cx: &Cx, input: &s::ListTagsForResourceRequest) -> Result<Vec<Access>> {
        let action = "organizations:ListTagsForResource";
        self.ask_tags(cx, Who::Reader, action, &input.resource_id).await
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::ListTagsForResourceRequest,
    ) -> Result<s::ListTagsForResourceResponse> {
        /// All that a resource can have.
        const PAGE: i32 = 50;
        let vantage = self.enter(cx, Who::Reader).await?;
        let wanted = Wanted {
            token: input.next_token.as_deref(),
            results_max: Some(PAGE),
            listing: format!("tags {} {}", vantage.id, input.resource_id),
        };
        let tags = self.state.tags(&vantage.id, &input.resource_id).await?;
        let mut tags = render::tags(&tags);
        tags.sort_by(|a, b| a.key.cmp(&b.key));
        let (tags, next_token) = page::cut(&self.platform.seal, &wanted, tags, |tag| tag.key.clone())?;
        Ok(s::ListTagsForResourceResponse { tags, next_token })
    }
}
