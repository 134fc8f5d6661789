use haneul_kit::{Access, Arn, Cx, Handle, Instant, Result};
use haneul_ssm_wire::operations as op;
use haneul_ssm_wire::shapes as s;

use crate::error;
use crate::model::{ADVANCED, INTELLIGENT, STANDARD, SettingRecord};
use crate::parameters::Parameters;

/// A setting that exists, its default first among its values.
pub(crate) struct Setting {
    id: &'static str,
    values: &'static [&'static str],
}

pub(super) static DEFAULT_TIER: Setting =
    Setting { id: "/ssm/parameter-store/default-parameter-tier", values: &[STANDARD, ADVANCED, INTELLIGENT] };

pub(crate) static HIGH_THROUGHPUT: Setting =
    Setting { id: "/ssm/parameter-store/high-throughput-enabled", values: &["false", "true"] };

impl Handle<op::GetServiceSetting> for Parameters {
    async fn access(&self, cx: &Cx, input: &s::GetServiceSettingRequest) -> Result<Vec<Access>> {
        Ok(vec![ask(cx, "ssm:GetServiceSetting", &input.setting_id)?])
    }

    async fn call(&self, cx: &Cx, input: s::GetServiceSettingRequest) -> Result<s::GetServiceSettingResult> {
        let setting = known(&input.setting_id)?;
        Ok(s::GetServiceSettingResult { service_setting: Some(self.shown(cx, setting).await?) })
    }
}

impl Handle<op::UpdateServiceSetting> for Parameters {
    async fn access(&self, cx: &Cx, input: &s::UpdateServiceSettingRequest) -> Result<Vec<Access>> {
        Ok(vec![ask(cx, "ssm:UpdateServiceSetting", &input.setting_id)?])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::UpdateServiceSettingRequest,
    ) -> Result<s::UpdateServiceSettingResult> {
        let setting = known(&input.setting_id)?;
        if !setting.values.contains(&input.setting_value.as_str()) {
            return Err(error::validation(format!(
                "Invalid value {} for {}. Valid values: {}.",
                input.setting_value,
                setting.id,
                setting.values.join(", ")
            )));
        }
        let record = SettingRecord {
            value: input.setting_value,
            modified_ms: cx.now().millis(),
            modified_user: cx.caller().arn(),
        };
        self.state.put_setting((cx.account(), cx.region()), setting.id, Some(&record)).await?;
        Ok(s::UpdateServiceSettingResult {})
    }
}

impl Handle<op::ResetServiceSetting> for Parameters {
    async fn access(&self, cx: &Cx, input: &s::ResetServiceSettingRequest) -> Result<Vec<Access>> {
        Ok(vec![ask(cx, "ssm:ResetServiceSetting", &input.setting_id)?])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::ResetServiceSettingRequest,
    ) -> Result<s::ResetServiceSettingResult> {
        let setting = known(&input.setting_id)?;
        self.state.put_setting((cx.account(), cx.region()), setting.id, None).await?;
        Ok(s::ResetServiceSettingResult { service_setting: Some(self.shown(cx, setting).await?) })
    }
}

impl Parameters {
    pub(crate) async fn setting_value(&self, cx: &Cx, setting: &Setting) -> Result<String> {
        let record = self.state.setting(cx.account(), cx.region(), setting.id).await?;
        Ok(record.map_or_else(|| setting.values[0].to_owned(), |record| record.value))
    }

    async fn shown(&self, cx: &Cx, setting: &Setting) -> Result<s::ServiceSetting> {
        let record = self.state.setting(cx.account(), cx.region(), setting.id).await?;
        let status = if record.is_some() { "Customized" } else { "Default" };
        let modified_ms = record.as_ref().map_or(0, |record| record.modified_ms);
        Ok(s::ServiceSetting {
            setting_id: Some(setting.id.to_owned()),
            setting_value: Some(
                record.as_ref().map_or_else(|| setting.values[0].to_owned(), |record| record.value.clone()),
            ),
            last_modified_date: Some(Instant::from_millis(modified_ms)),
            last_modified_user: Some(
                record.map_or_else(|| "System".to_owned(), |record| record.modified_user),
            ),
            arn: Some(cx.arn("ssm", format_args!("servicesetting{}", setting.id)).to_string()),
            status: Some(status.to_owned()),
        })
    }
}

/// By id, or by the ARN that ends in it.
fn known(id: &str) -> Result<&'static Setting> {
    let resource = match Arn::parse(id) {
        Ok(arn) => arn.resource().strip_prefix("servicesetting").unwrap_or_default().to_owned(),
        Err(_) => id.to_owned(),
    };
    let settings = [&DEFAULT_TIER, &HIGH_THROUGHPUT];
    settings.into_iter().find(|setting| setting.id == resource).ok_or_else(|| error::setting(id))
}

fn ask(cx: &Cx, action: &'static str, id: &str) -> Result<Access> {
    let id = match Arn::parse(id) {
        Ok(arn) => arn.resource().strip_prefix("servicesetting").unwrap_or_default().to_owned(),
        Err(_) => id.to_owned(),
    };
    Ok(Access::on(action, &cx.arn("ssm", format_args!("servicesetting{id}"))))
}
