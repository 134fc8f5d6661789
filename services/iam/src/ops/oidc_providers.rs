use haneul_iam_wire::operations as op;
use haneul_iam_wire::shapes as s;
use haneul_kit::{Access, Cx, Handle, Result};
use haneul_shape::Empty;

use crate::iam::Iam;
use crate::model::OidcProvider;
use crate::store::tags;
use crate::{error, quotas, render};

impl Handle<op::CreateOpenIDConnectProvider> for Iam {
    async fn access(&self, cx: &Cx, input: &s::CreateOpenIDConnectProviderRequest) -> Result<Vec<Access>> {
        let place = input.url.split_once("://").map_or(input.url.as_str(), |(_, place)| place);
        let access = Iam::on_new(cx, "iam:CreateOpenIDConnectProvider", "oidc-provider", None, place)?;
        Ok(super::tags::with_request_tags("iam:TagOpenIDConnectProvider", access, input.tags.as_ref()))
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::CreateOpenIDConnectProviderRequest,
    ) -> Result<s::CreateOpenIDConnectProviderResponse> {
        check_url(&input.url)?;
        let mut client_ids = Vec::new();
        for id in input.client_id_list.unwrap_or_default() {
            add_client_id(&mut client_ids, &id)?;
        }
        let provider = OidcProvider {
            url: input.url,
            client_ids,
            thumbprints: thumbprints(input.thumbprint_list.unwrap_or_default())?,
            created: cx.now().into(),
            tags: tags::check(render::pairs(input.tags))?,
        };
        self.state.create_oidc_provider(cx.account(), &provider).await?;
        Ok(s::CreateOpenIDConnectProviderResponse {
            open_id_connect_provider_arn: Some(provider.arn(cx.account()).to_string()),
            tags: render::tags(&provider.tags),
        })
    }
}

impl Handle<op::GetOpenIDConnectProvider> for Iam {
    async fn access(&self, cx: &Cx, input: &s::GetOpenIDConnectProviderRequest) -> Result<Vec<Access>> {
        let arn = &input.open_id_connect_provider_arn;
        Ok(vec![self.on_oidc_provider(cx, "iam:GetOpenIDConnectProvider", arn).await?])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::GetOpenIDConnectProviderRequest,
    ) -> Result<s::GetOpenIDConnectProviderResponse> {
        let provider = self.state.oidc_provider(cx.account(), &input.open_id_connect_provider_arn).await?;
        Ok(s::GetOpenIDConnectProviderResponse {
            url: Some(provider.place().to_owned()),
            client_id_list: Some(provider.client_ids),
            thumbprint_list: Some(provider.thumbprints),
            create_date: Some(provider.created.into()),
            tags: render::tags(&provider.tags),
        })
    }
}

impl Handle<op::ListOpenIDConnectProviders> for Iam {
    async fn access(&self, cx: &Cx, _: &s::ListOpenIDConnectProvidersRequest) -> Result<Vec<Access>> {
        Ok(vec![Iam::on_new(cx, "iam:ListOpenIDConnectProviders", "oidc-provider", None, "*")?])
    }

    async fn call(
        &self,
        cx: &Cx,
        _: s::ListOpenIDConnectProvidersRequest,
    ) -> Result<s::ListOpenIDConnectProvidersResponse> {
        let providers = self.state.oidc_providers(cx.account()).await?;
        let shown = providers.iter().map(|provider| s::OpenIDConnectProviderListEntry {
            arn: Some(provider.arn(cx.account()).to_string()),
        });
        Ok(s::ListOpenIDConnectProvidersResponse { open_id_connect_provider_list: Some(shown.collect()) })
    }
}

impl Handle<op::DeleteOpenIDConnectProvider> for Iam {
    async fn access(&self, cx: &Cx, input: &s::DeleteOpenIDConnectProviderRequest) -> Result<Vec<Access>> {
        let arn = &input.open_id_connect_provider_arn;
        Ok(vec![self.on_oidc_provider(cx, "iam:DeleteOpenIDConnectProvider", arn).await?])
    }

    async fn call(&self, cx: &Cx, input: s::DeleteOpenIDConnectProviderRequest) -> Result<Empty> {
        self.state.delete_oidc_provider(cx.account(), &input.open_id_connect_provider_arn).await?;
        Ok(Empty)
    }
}

/// Changes of one list of a provider.
macro_rules! changes {
    ($($op:ident($input:ident, $action:literal) |$provider:ident, $given:ident| $change:expr;)*) => {$(
        impl Handle<op::$op> for Iam {
            async fn access(&self, cx: &Cx, input: &s::$input) -> Result<Vec<Access>> {
                Ok(vec![self.on_oidc_provider(cx, $action, &input.open_id_connect_provider_arn).await?])
            }

            async fn call(&self, cx: &Cx, input: s::$input) -> Result<Empty> {
                let $given = &input;
                let change = |$provider: &mut OidcProvider| $change;
                let arn = &input.open_id_connect_provider_arn;
                self.state.change_oidc_provider(cx.account(), arn, change).await?;
                Ok(Empty)
            }
        }
    )*};
}

changes! {
    AddClientIDToOpenIDConnectProvider(AddClientIDToOpenIDConnectProviderRequest, "iam:AddClientIDToOpenIDConnectProvider")
        |provider, given| add_client_id(&mut provider.client_ids, &given.client_id);
    RemoveClientIDFromOpenIDConnectProvider(RemoveClientIDFromOpenIDConnectProviderRequest, "iam:RemoveClientIDFromOpenIDConnectProvider")
        |provider, given| {
            provider.client_ids.retain(|id| *id != given.client_id);
            Ok(())
        };
    UpdateOpenIDConnectProviderThumbprint(UpdateOpenIDConnectProviderThumbprintRequest, "iam:UpdateOpenIDConnectProviderThumbprint")
        |provider, given| {
            provider.thumbprints = thumbprints(given.thumbprint_list.clone())?;
            Ok(())
        };
}

/// `https://host[:port][/path]`; without TLS only for an issuer on this machine, which AWS could not reach.
fn check_url(url: &str) -> Result<()> {
    let (is_tls, place) = match (url.strip_prefix("https://"), url.strip_prefix("http://")) {
        (Some(place), _) => (true, place),
        (_, Some(place)) => (false, place),
        _ => return Err(error::oidc_url()),
    };
    let authority = place.split('/').next().unwrap_or_default();
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (authority, None),
    };
    let named = !host.is_empty()
        && host.split('.').all(|label| {
            !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        });
    let ported = port.is_none_or(|port| port.parse::<u16>().is_ok());
    let local = host == "localhost" || host.ends_with(".localhost") || host.starts_with("127.");
    let plain = place.bytes().all(|b| b.is_ascii_graphic() && !b"?#\"<>\\^`{|}*".contains(&b));
    if named && ported && plain && (is_tls || local) { Ok(()) } else { Err(error::oidc_url()) }
}

/// Nothing happens when it is there already.
fn add_client_id(client_ids: &mut Vec<String>, id: &str) -> Result<()> {
    if client_ids.iter().any(|other| other == id) {
        return Ok(());
    }
    if client_ids.len() >= quotas::CLIENT_IDS {
        return Err(error::quota("ClientIdsPerOpenIdConnectProvider", quotas::CLIENT_IDS));
    }
    client_ids.push(id.to_owned());
    Ok(())
}

fn thumbprints(given: Vec<String>) -> Result<Vec<String>> {
    if given.len() > quotas::THUMBPRINTS {
        return Err(error::too_many_thumbprints());
    }
    for thumbprint in &given {
        if thumbprint.len() != 40 || !thumbprint.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(error::thumbprint(thumbprint));
        }
    }
    Ok(given)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_of_issuers() {
        for good in [
            "https://example.com",
            "https://token.actions.githubusercontent.com",
            "https://oidc.eks.eu-west-1.amazonaws.com/id/0F",
            "https://login.example.com:8443/a/b",
            "http://localhost:9000",
            "http://127.0.0.1:9000/realms/a",
        ] {
            assert!(check_url(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "example.com",
            "http://example.com",
            "https://",
            "https:///a",
            "https://a?b=c",
            "https://a#b",
            "https://a b",
            "https://a:b",
            "https://*.example.com",
            "ftp://localhost",
        ] {
            assert!(check_url(bad).is_err(), "{bad}");
        }
    }
}
