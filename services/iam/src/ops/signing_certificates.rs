use haneul_iam_wire::operations as op;
use haneul_iam_wire::shapes as s;
use haneul_kit::{Access, Cx, Handle, Result};
use haneul_shape::Empty;

use super::ssh_keys::{read_status, shown_status};
use crate::iam::Iam;
use crate::model::SigningCertificate;
use crate::page::Wanted;
use crate::{certificate, error, quotas};

const ID_ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const ID_LENGTH: usize = 32;

impl Handle<op::UploadSigningCertificate> for Iam {
    async fn access(&self, cx: &Cx, input: &s::UploadSigningCertificateRequest) -> Result<Vec<Access>> {
        self.on_subject(cx, "iam:UploadSigningCertificate", input.user_name.as_deref()).await
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::UploadSigningCertificateRequest,
    ) -> Result<s::UploadSigningCertificateResponse> {
        let subject = self.subject(cx, input.user_name.as_deref())?;
        let name = self.shown_name(cx, &subject).await?.unwrap_or_default();
        let read = certificate::read(&input.certificate_body)?;
        if cx.now() > read.not_after {
            return Err(error::invalid_certificate());
        }
        let made = SigningCertificate {
            id: self.platform.env.rng.text(ID_ALPHABET, ID_LENGTH),
            body: input.certificate_body,
            active: true,
            uploaded: cx.now().into(),
        };
        let (new, der) = (&made, &read.der);
        self.state
            .change_credentials(cx.account(), subject.holder(), |credentials| {
                let mut others = credentials.signing_certificates.iter();
                if others.any(|other| certificate::read(&other.body).is_ok_and(|other| other.der == *der)) {
                    return Err(error::duplicate_certificate());
                }
                if credentials.signing_certificates.len() >= quotas::SIGNING_CERTIFICATES {
                    return Err(error::quota("CertificatesPerUser", quotas::SIGNING_CERTIFICATES));
                }
                credentials.signing_certificates.push(new.clone());
                Ok(())
            })
            .await?;
        Ok(s::UploadSigningCertificateResponse { certificate: shown(&name, made) })
    }
}

impl Handle<op::ListSigningCertificates> for Iam {
    async fn access(&self, cx: &Cx, input: &s::ListSigningCertificatesRequest) -> Result<Vec<Access>> {
        self.on_subject(cx, "iam:ListSigningCertificates", input.user_name.as_deref()).await
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::ListSigningCertificatesRequest,
    ) -> Result<s::ListSigningCertificatesResponse> {
        let subject = self.subject(cx, input.user_name.as_deref())?;
        let found = self.state.credentials(cx.account(), subject.holder()).await?;
        let name = self.shown_name(cx, &subject).await?.unwrap_or_default();
        let wanted = Wanted {
            marker: input.marker.as_deref(),
            max_items: input.max_items,
            listing: format!("ListSigningCertificates {:?}", subject.holder()),
        };
        let numbered = found.signing_certificates.into_iter().enumerate().collect();
        let page = self.page(cx, wanted, numbered, |(at, _)| format!("{at:03}"))?;
        Ok(s::ListSigningCertificatesResponse {
            certificates: page.items.into_iter().map(|(_, found)| shown(&name, found)).collect(),
            is_truncated: page.is_truncated,
            marker: page.marker,
        })
    }
}

impl Handle<op::UpdateSigningCertificate> for Iam {
    async fn access(&self, cx: &Cx, input: &s::UpdateSigningCertificateRequest) -> Result<Vec<Access>> {
        self.on_subject(cx, "iam:UpdateSigningCertificate", input.user_name.as_deref()).await
    }

    async fn call(&self, cx: &Cx, input: s::UpdateSigningCertificateRequest) -> Result<Empty> {
        let subject = self.subject(cx, input.user_name.as_deref())?;
        let (id, active) = (&input.certificate_id, read_status(&input.status)?);
        self.state
            .change_credentials(cx.account(), subject.holder(), |credentials| {
                let found = credentials.signing_certificates.iter_mut().find(|found| found.id == *id);
                found.ok_or_else(|| error::no_such_certificate(id))?.active = active;
                Ok(())
            })
            .await?;
        Ok(Empty)
    }
}

impl Handle<op::DeleteSigningCertificate> for Iam {
    async fn access(&self, cx: &Cx, input: &s::DeleteSigningCertificateRequest) -> Result<Vec<Access>> {
        self.on_subject(cx, "iam:DeleteSigningCertificate", input.user_name.as_deref()).await
    }

    async fn call(&self, cx: &Cx, input: s::DeleteSigningCertificateRequest) -> Result<Empty> {
        let subject = self.subject(cx, input.user_name.as_deref())?;
        let id = &input.certificate_id;
        self.state
            .change_credentials(cx.account(), subject.holder(), |credentials| {
                let before = credentials.signing_certificates.len();
                credentials.signing_certificates.retain(|found| found.id != *id);
                match credentials.signing_certificates.len() == before {
                    true => Err(error::no_such_certificate(id)),
                    false => Ok(()),
                }
            })
            .await?;
        Ok(Empty)
    }
}

fn shown(user_name: &str, found: SigningCertificate) -> s::SigningCertificate {
    s::SigningCertificate {
        user_name: user_name.to_owned(),
        certificate_id: found.id,
        certificate_body: found.body,
        status: shown_status(found.active).to_owned(),
        upload_date: Some(found.uploaded.into()),
    }
}
