//! What operations need permission for. Source: Service Authorization Reference, "AWS Application Auto Scaling".

use haneul_kit::{Access, Cx, Result};

use crate::ApplicationAutoscaling;
use crate::model::{TargetKey, TargetRecord};
use crate::target;

impl ApplicationAutoscaling {
    /// For an operation on one target, whether it is there or not.
    pub(super) async fn on_target(
        &self,
        cx: &Cx,
        action: &'static str,
        namespace: &str,
        resource: &str,
        dimension: &str,
    ) -> Result<Access> {
        let found = self.target(&key(cx, resource, dimension)).await?;
        let id = found.as_ref().map_or("*", |target| target.id.as_str());
        let access = Access::on(action, &target::arn(cx.account(), cx.region(), id))
            .key("application-autoscaling:service-namespace", namespace)
            .key("application-autoscaling:scalable-dimension", dimension);
        Ok(match &found {
            Some(target) => access.resource_tags(tags(target)),
            None => access,
        })
    }
}

pub(super) fn tags(target: &TargetRecord) -> impl Iterator<Item = (&str, &str)> {
    target.tags.iter().map(|(key, value)| (key.as_str(), value.as_str()))
}

pub(super) fn key(cx: &Cx, resource: &str, dimension: &str) -> TargetKey {
    (cx.account(), cx.region(), resource.to_owned(), dimension.to_owned())
}
