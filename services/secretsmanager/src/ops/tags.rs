use haneul_kit::{Access, Cx, Handle, Result, Tags};
use haneul_secretsmanager_wire::operations as op;
use haneul_secretsmanager_wire::shapes as s;
use haneul_shape::Empty;

use super::create_secret::{borrowed, parse_tags, refused_tags};
use crate::secrets::Secrets;
use crate::store::Values;

impl Handle<op::TagResource> for Secrets {
    async fn access(&self, cx: &Cx, input: &s::TagResourceRequest) -> Result<Vec<Access>> {
        let access = self.ask(cx, "secretsmanager:TagResource", &input.secret_id).await?;
        Ok(vec![access.request_tags(borrowed(Some(&input.tags)))])
    }

    async fn call(&self, cx: &Cx, input: s::TagResourceRequest) -> Result<Empty> {
        let found = self.primary(cx, &input.secret_id).await?;
        let new = &parse_tags(Some(input.tags))?;
        let now_ms = cx.now().millis();
        self.state
            .change(&found.name, |record| {
                let mut tags: Tags = record.tags.clone().into_iter().collect();
                tags.merge(new.clone()).map_err(refused_tags)?;
                record.tags = tags.iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
                record.changed_ms = now_ms;
                Ok(((), Values::default()))
            })
            .await?;
        self.sync(cx, &found.name).await?;
        Ok(Empty)
    }
}

impl Handle<op::UntagResource> for Secrets {
    async fn access(&self, cx: &Cx, input: &s::UntagResourceRequest) -> Result<Vec<Access>> {
        let access = self.ask(cx, "secretsmanager:UntagResource", &input.secret_id).await?;
        Ok(vec![access.keys("aws:TagKeys", input.tag_keys.clone())])
    }

    async fn call(&self, cx: &Cx, input: s::UntagResourceRequest) -> Result<Empty> {
        let found = self.primary(cx, &input.secret_id).await?;
        let now_ms = cx.now().millis();
        self.state
            .change(&found.name, |record| {
                record.tags.retain(|key, _| !input.tag_keys.contains(key));
                record.changed_ms = now_ms;
                Ok(((), Values::default()))
            })
            .await?;
        self.sync(cx, &found.name).await?;
        Ok(Empty)
    }
}
