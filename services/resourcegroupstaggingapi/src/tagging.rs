use haneul_kit::{Cx, Platform, Result, Tagged};

/// The state of the service: none of its own.
pub struct Tagging {
    pub(crate) platform: Platform,
}

impl Tagging {
    /// The tagged resources of the caller's account and Region, by ARN.
    pub(crate) async fn tagged(&self, cx: &Cx) -> Result<Vec<Tagged>> {
        let mut all = self.platform.resources(None, cx.account(), cx.region()).await?;
        all.retain(|resource| !resource.tags.is_empty());
        all.sort_by(|one, other| one.arn.cmp(&other.arn));
        Ok(all)
    }
}
