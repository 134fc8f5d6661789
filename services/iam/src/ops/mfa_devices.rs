use haneul_iam_wire::operations as op;
use haneul_iam_wire::shapes as s;
use haneul_iam_wire::values::assignment_status_type as assignment;
use haneul_kit::{Access, Arn, Cx, Handle, Result};
use haneul_shape::{Bytes, Empty};

use crate::iam::{Iam, Subject};
use crate::model::{Enabled, MfaDevice, User};
use crate::page::Wanted;
use crate::secret::Secret;
use crate::store::tags;
use crate::{error, render, totp};

impl Handle<op::CreateVirtualMFADevice> for Iam {
    async fn access(&self, cx: &Cx, input: &s::CreateVirtualMFADeviceRequest) -> Result<Vec<Access>> {
        let (path, name) = (input.path.as_deref(), &input.virtual_mfa_device_name);
        let access = Iam::on_new(cx, "iam:CreateVirtualMFADevice", "mfa", path, name)?;
        Ok(super::tags::with_request_tags("iam:TagMFADevice", access, input.tags.as_ref()))
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::CreateVirtualMFADeviceRequest,
    ) -> Result<s::CreateVirtualMFADeviceResponse> {
        let seed = totp::base32(&self.platform.env.rng.bytes::<{ totp::SEED_BYTES }>());
        let device = MfaDevice {
            path: input.path.unwrap_or_else(|| String::from("/")),
            name: input.virtual_mfa_device_name,
            seed: Secret::seal(&self.platform.seal, &seed),
            created: cx.now().into(),
            tags: tags::check(render::pairs(input.tags))?,
            enabled: None,
        };
        let alias = self.state.account(cx.account()).await?.alias;
        let account = alias.unwrap_or_else(|| cx.account().to_string());
        let picture = totp::picture(&device.name, &account, &seed)?;
        self.state.create_mfa_device(cx.account(), &device).await?;
        let virtual_mfa_device = s::VirtualMFADevice {
            serial_number: device.arn(cx.account()).to_string(),
            base32_string_seed: Some(Bytes::from(seed)),
            qr_code_png: Some(Bytes::from(picture)),
            tags: render::tags(&device.tags),
            ..Default::default()
        };
        Ok(s::CreateVirtualMFADeviceResponse { virtual_mfa_device })
    }
}

impl Handle<op::DeleteVirtualMFADevice> for Iam {
    async fn access(&self, cx: &Cx, input: &s::DeleteVirtualMFADeviceRequest) -> Result<Vec<Access>> {
        Ok(vec![self.on_mfa_device(cx, "iam:DeleteVirtualMFADevice", &input.serial_number).await?])
    }

    async fn call(&self, cx: &Cx, input: s::DeleteVirtualMFADeviceRequest) -> Result<Empty> {
        self.state.delete_mfa_device(cx.account(), &input.serial_number).await?;
        Ok(Empty)
    }
}

impl Handle<op::EnableMFADevice> for Iam {
    async fn access(&self, cx: &Cx, input: &s::EnableMFADeviceRequest) -> Result<Vec<Access>> {
        let subject = self.mfa_subject(cx, Some(&input.user_name)).await?;
        self.on_holder(cx, "iam:EnableMFADevice", &subject).await
    }

    async fn call(&self, cx: &Cx, input: s::EnableMFADeviceRequest) -> Result<Empty> {
        let subject = self.mfa_subject(cx, Some(&input.user_name)).await?;
        let codes = (input.authentication_code1.as_str(), input.authentication_code2.as_str());
        let serial = &input.serial_number;
        self.state.enable_mfa_device(cx.account(), subject.holder(), serial, codes, cx.now()).await?;
        Ok(Empty)
    }
}

impl Handle<op::ResyncMFADevice> for Iam {
    async fn access(&self, cx: &Cx, input: &s::ResyncMFADeviceRequest) -> Result<Vec<Access>> {
        let subject = self.mfa_subject(cx, Some(&input.user_name)).await?;
        self.on_holder(cx, "iam:ResyncMFADevice", &subject).await
    }

    async fn call(&self, cx: &Cx, input: s::ResyncMFADeviceRequest) -> Result<Empty> {
        let subject = self.mfa_subject(cx, Some(&input.user_name)).await?;
        let codes = (input.authentication_code1.as_str(), input.authentication_code2.as_str());
        let serial = &input.serial_number;
        self.state.resync_mfa_device(cx.account(), subject.holder(), serial, codes, cx.now()).await?;
        Ok(Empty)
    }
}

impl Handle<op::DeactivateMFADevice> for Iam {
    async fn access(&self, cx: &Cx, input: &s::DeactivateMFADeviceRequest) -> Result<Vec<Access>> {
        let subject = self.mfa_subject(cx, input.user_name.as_deref()).await?;
        self.on_holder(cx, "iam:DeactivateMFADevice", &subject).await
    }

    async fn call(&self, cx: &Cx, input: s::DeactivateMFADeviceRequest) -> Result<Empty> {
        let subject = self.mfa_subject(cx, input.user_name.as_deref()).await?;
        self.state.deactivate_mfa_device(cx.account(), subject.holder(), &input.serial_number).await?;
        Ok(Empty)
    }
}

impl Handle<op::GetMFADevice> for Iam {
    async fn access(&self, cx: &Cx, input: &s::GetMFADeviceRequest) -> Result<Vec<Access>> {
        let subject = self.mfa_subject(cx, input.user_name.as_deref()).await?;
        self.on_holder(cx, "iam:GetMFADevice", &subject).await
    }

    async fn call(&self, cx: &Cx, input: s::GetMFADeviceRequest) -> Result<s::GetMFADeviceResponse> {
        let subject = self.mfa_subject(cx, input.user_name.as_deref()).await?;
        let devices = self.state.mfa_devices_of(cx.account(), subject.holder()).await?;
        let mut its = devices.into_iter().filter(|of| of.arn(cx.account()).as_str() == input.serial_number);
        let device = its.next().ok_or_else(|| error::no_such_mfa_device(&input.serial_number))?;
        Ok(s::GetMFADeviceResponse {
            user_name: self.shown_name(cx, &subject).await?,
            serial_number: input.serial_number,
            enable_date: device.enabled.map(|enabled| enabled.since.into()),
            certifications: None,
        })
    }
}

impl Handle<op::ListMFADevices> for Iam {
    async fn access(&self, cx: &Cx, input: &s::ListMFADevicesRequest) -> Result<Vec<Access>> {
        let subject = self.mfa_subject(cx, input.user_name.as_deref()).await?;
        self.on_holder(cx, "iam:ListMFADevices", &subject).await
    }

    async fn call(&self, cx: &Cx, input: s::ListMFADevicesRequest) -> Result<s::ListMFADevicesResponse> {
        let subject = self.mfa_subject(cx, input.user_name.as_deref()).await?;
        let devices = self.state.mfa_devices_of(cx.account(), subject.holder()).await?;
        let name = self.shown_name(cx, &subject).await?.unwrap_or_else(|| ROOT.to_owned());
        let wanted = Wanted {
            marker: input.marker.as_deref(),
            max_items: input.max_items,
            listing: format!("ListMFADevices {:?}", subject.holder()),
        };
        let numbered = devices.into_iter().enumerate().collect();
        let page = self.page(cx, wanted, numbered, |(at, _)| format!("{at:03}"))?;
        let shown = page.items.into_iter().map(|(_, device)| s::MFADevice {
            user_name: name.clone(),
            serial_number: device.arn(cx.account()).to_string(),
            enable_date: device.enabled.map_or(device.created, |enabled| enabled.since).into(),
        });
        Ok(s::ListMFADevicesResponse {
            mfa_devices: shown.collect(),
            is_truncated: page.is_truncated,
            marker: page.marker,
        })
    }
}

impl Handle<op::ListVirtualMFADevices> for Iam {
    async fn access(&self, cx: &Cx, _: &s::ListVirtualMFADevicesRequest) -> Result<Vec<Access>> {
        Ok(vec![Iam::on_new(cx, "iam:ListVirtualMFADevices", "mfa", None, "")?])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::ListVirtualMFADevicesRequest,
    ) -> Result<s::ListVirtualMFADevicesResponse> {
        let mut devices = self.state.mfa_devices(cx.account()).await?;
        let status = input.assignment_status.as_deref().unwrap_or(assignment::ANY);
        devices.retain(|device| match status {
            assignment::ASSIGNED => device.enabled.is_some(),
            assignment::UNASSIGNED => device.enabled.is_none(),
            _ => true,
        });
        let wanted = Wanted {
            marker: input.marker.as_deref(),
            max_items: input.max_items,
            listing: format!("ListVirtualMFADevices {status}"),
        };
        let page = self.page(cx, wanted, devices, |device| {
            format!("{}{}", device.path, device.name).to_ascii_lowercase()
        })?;
        let mut shown = Vec::new();
        for device in page.items {
            shown.push(s::VirtualMFADevice {
                serial_number: device.arn(cx.account()).to_string(),
                user: match &device.enabled {
                    Some(enabled) => Some(self.device_user(cx, enabled).await?),
                    None => None,
                },
                enable_date: device.enabled.map(|enabled| enabled.since.into()),
                ..Default::default()
            });
        }
        Ok(s::ListVirtualMFADevicesResponse {
            virtual_mfa_devices: shown,
            is_truncated: page.is_truncated,
            marker: page.marker,
        })
    }
}

/// How a request that must have a user name means the root user.
const ROOT: &str = "root";

impl Iam {
    /// Whose devices: as [`Iam::subject`], and the root user may call itself `root` where no user has that name.
    async fn mfa_subject(&self, cx: &Cx, name: Option<&str>) -> Result<Subject> {
        if name == Some(ROOT) && matches!(cx.caller().principal, haneul_kit::Principal::Root) {
            let found: Option<User> = self.state.find(cx.account(), ROOT).await?;
            if found.is_none() {
                return Ok(Subject::Root);
            }
        }
        self.subject(cx, name)
    }

    pub(super) async fn on_holder(
        &self,
        cx: &Cx,
        action: &'static str,
        subject: &Subject,
    ) -> Result<Vec<Access>> {
        match subject {
            Subject::User(name) => Ok(vec![self.on::<User>(cx, action, name).await?]),
            Subject::Root => {
                Iam::to(cx, action)?;
                Ok(vec![Access::on(action, &Arn::global("iam", cx.account(), "root"))])
            }
        }
    }

    async fn device_user(&self, cx: &Cx, enabled: &Enabled) -> Result<s::User> {
        if enabled.holder.is_empty() {
            return self.root_user(cx).await;
        }
        let user: User = self.state.entity(cx.account(), &enabled.holder).await?;
        Ok(render::listed_user(cx.account(), &user))
    }
}
