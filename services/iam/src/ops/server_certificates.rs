use haneul_iam_wire::operations as op;
use haneul_iam_wire::shapes as s;
use haneul_kit::{Access, AccountId, Cx, Handle, Result};
use haneul_shape::Empty;

use crate::iam::Iam;
use crate::model::ServerCertificate;
use crate::page::Wanted;
use crate::secret::Secret;
use crate::store::tags;
use crate::{certificate, render};

impl Handle<op::UploadServerCertificate> for Iam {
    async fn access(&self, cx: &Cx, input: &s::UploadServerCertificateRequest) -> Result<Vec<Access>> {
        let (path, name) = (input.path.as_deref(), &input.server_certificate_name);
        let access = Iam::on_new(cx, "iam:UploadServerCertificate", "server-certificate", path, name)?;
        Ok(super::tags::with_request_tags("iam:TagServerCertificate", access, input.tags.as_ref()))
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::UploadServerCertificateRequest,
    ) -> Result<s::UploadServerCertificateResponse> {
        let chain = input.certificate_chain.filter(|chain| !chain.trim().is_empty());
        let read =
            certificate::check_pair(&input.certificate_body, &input.private_key, chain.as_deref(), cx.now())?;
        let made = ServerCertificate {
            path: input.path.unwrap_or_else(|| String::from("/")),
            name: input.server_certificate_name,
            id: self.unique_id("ASCA", cx.account()),
            uploaded: cx.now().into(),
            expires: read.not_after.into(),
            // AWS shows them without the white space around them.
            body: input.certificate_body.trim().to_owned(),
            chain: chain.map(|chain| chain.trim().to_owned()),
            private_key: Secret::seal(&self.platform.seal, &input.private_key),
            tags: tags::check(render::pairs(input.tags))?,
        };
        self.state.create_server_certificate(cx.account(), &made).await?;
        Ok(s::UploadServerCertificateResponse {
            server_certificate_metadata: Some(metadata(cx.account(), &made)),
            tags: render::tags(&made.tags),
        })
    }
}

impl Handle<op::GetServerCertificate> for Iam {
    async fn access(&self, cx: &Cx, input: &s::GetServerCertificateRequest) -> Result<Vec<Access>> {
        let name = &input.server_certificate_name;
        Ok(vec![self.on_server_certificate(cx, "iam:GetServerCertificate", name).await?])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::GetServerCertificateRequest,
    ) -> Result<s::GetServerCertificateResponse> {
        let found = self.state.server_certificate(cx.account(), &input.server_certificate_name).await?;
        Ok(s::GetServerCertificateResponse {
            server_certificate: s::ServerCertificate {
                server_certificate_metadata: metadata(cx.account(), &found),
                certificate_body: found.body,
                certificate_chain: found.chain,
                tags: render::tags(&found.tags),
            },
        })
    }
}

impl Handle<op::ListServerCertificates> for Iam {
    async fn access(&self, cx: &Cx, input: &s::ListServerCertificatesRequest) -> Result<Vec<Access>> {
        let prefix = input.path_prefix.as_deref();
        Ok(vec![Iam::on_new(cx, "iam:ListServerCertificates", "server-certificate", prefix, "")?])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::ListServerCertificatesRequest,
    ) -> Result<s::ListServerCertificatesResponse> {
        let mut found = self.state.server_certificates(cx.account()).await?;
        let prefix = input.path_prefix.as_deref().unwrap_or("/");
        found.retain(|found| found.path.starts_with(prefix));
        let wanted = Wanted {
            marker: input.marker.as_deref(),
            max_items: input.max_items,
            listing: format!("ListServerCertificates {prefix}"),
        };
        let page = self.page(cx, wanted, found, |found| found.name.to_ascii_lowercase())?;
        let shown = page.items.iter().map(|found| metadata(cx.account(), found));
        Ok(s::ListServerCertificatesResponse {
            server_certificate_metadata_list: shown.collect(),
            is_truncated: page.is_truncated,
            marker: page.marker,
        })
    }
}

impl Handle<op::UpdateServerCertificate> for Iam {
    async fn access(&self, cx: &Cx, input: &s::UpdateServerCertificateRequest) -> Result<Vec<Access>> {
        // AWS asks for the permission on both names.
        let (action, name) = ("iam:UpdateServerCertificate", &input.server_certificate_name);
        let mut access = vec![self.on_server_certificate(cx, action, name).await?];
        if input.new_path.is_some() || input.new_server_certificate_name.is_some() {
            let found = self.state.find_server_certificate(cx.account(), name).await?;
            let before = found.as_ref().map_or("/", |found| &found.path);
            let path = input.new_path.as_deref().unwrap_or(before);
            let name = input.new_server_certificate_name.as_ref().unwrap_or(name);
            access.push(Iam::on_new(cx, action, "server-certificate", Some(path), name)?);
        }
        Ok(access)
    }

    async fn call(&self, cx: &Cx, input: s::UpdateServerCertificateRequest) -> Result<Empty> {
        let (path, name) = (input.new_path.as_deref(), input.new_server_certificate_name.as_deref());
        let from = &input.server_certificate_name;
        self.state.update_server_certificate(cx.account(), from, path, name).await?;
        Ok(Empty)
    }
}

impl Handle<op::DeleteServerCertificate> for Iam {
    async fn access(&self, cx: &Cx, input: &s::DeleteServerCertificateRequest) -> Result<Vec<Access>> {
        let name = &input.server_certificate_name;
        Ok(vec![self.on_server_certificate(cx, "iam:DeleteServerCertificate", name).await?])
    }

    async fn call(&self, cx: &Cx, input: s::DeleteServerCertificateRequest) -> Result<Empty> {
        self.state.delete_server_certificate(cx.account(), &input.server_certificate_name).await?;
        Ok(Empty)
    }
}

fn metadata(account: AccountId, found: &ServerCertificate) -> s::ServerCertificateMetadata {
    s::ServerCertificateMetadata {
        path: found.path.clone(),
        server_certificate_name: found.name.clone(),
        server_certificate_id: found.id.clone(),
        arn: found.arn(account).to_string(),
        upload_date: Some(found.uploaded.into()),
        expiration: Some(found.expires.into()),
    }
}
