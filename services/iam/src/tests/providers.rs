use haneul_iam_wire::operations as op;
use haneul_iam_wire::shapes as s;
use haneul_kit::Arn;

use super::cloud::Cloud;

fn certificate() -> String {
    rcgen::generate_simple_self_signed(vec!["idp.example.com".into()]).unwrap().cert.pem()
}

pub(super) fn metadata(entity: &str) -> String {
    let body: String = certificate().lines().filter(|line| !line.starts_with('-')).collect();
    format!(
        r#"<?xml version="1.0"?>
<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="{entity}" validUntil="2030-01-02T03:04:05Z">
  <md:IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">
    <md:KeyDescriptor use="signing"><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#">
      <ds:X509Data><ds:X509Certificate>{body}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>
    <md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="https://idp.example.com/sso"/>
  </md:IDPSSODescriptor>
</md:EntityDescriptor>"#
    )
}

#[tokio::test]
async fn a_saml_provider_is_what_its_metadata_says() {
    let cloud = Cloud::new().await;
    let create = s::CreateSAMLProviderRequest {
        name: "idp".into(),
        saml_metadata_document: metadata("https://idp.example.com"),
        ..Default::default()
    };
    let arn = cloud.ok::<op::CreateSAMLProvider>(create.clone()).await.saml_provider_arn.unwrap();
    assert_eq!(arn, "arn:aws:iam::123456789012:saml-provider/idp");
    let again = cloud.call::<op::CreateSAMLProvider>(create).await.err().unwrap();
    assert_eq!(again.code(), "EntityAlreadyExistsException");
    let found = cloud.directory().saml_provider(&Arn::parse(&arn).unwrap()).await.unwrap().unwrap();
    assert_eq!((found.entity_id.as_str(), found.signing_certificates.len()), ("https://idp.example.com", 1));
    assert_eq!(found.valid_until.iso8601(), "2030-01-02T03:04:05Z");

    let update = s::UpdateSAMLProviderRequest {
        saml_provider_arn: arn.clone(),
        saml_metadata_document: Some(metadata("https://other.example.com")),
        ..Default::default()
    };
    cloud.ok::<op::UpdateSAMLProvider>(update).await;
    let found = cloud.directory().saml_provider(&Arn::parse(&arn).unwrap()).await.unwrap().unwrap();
    assert_eq!(found.entity_id, "https://other.example.com");
    cloud.ok::<op::DeleteSAMLProvider>(s::DeleteSAMLProviderRequest { saml_provider_arn: arn.clone() }).await;
    assert!(cloud.directory().saml_provider(&Arn::parse(&arn).unwrap()).await.unwrap().is_none());
}

#[test]
fn metadata_that_is_none_is_refused() {
    let good = metadata("https://idp.example.com");
    assert!(crate::saml_metadata::read(&good).is_ok());
    for (from, to) in [
        ("</md:EntityDescriptor>", ""),
        ("entityID=\"https://idp.example.com\"", ""),
        ("IDPSSODescriptor", "SPSSODescriptor"),
        ("use=\"signing\"", "use=\"encryption\""),
        ("2030-01-02T03:04:05Z", "soon"),
        ("urn:oasis:names:tc:SAML:2.0:metadata", "urn:other"),
        ("<ds:X509Certificate>MII", "<ds:X509Certificate>mii"),
        ("<?xml version=\"1.0\"?>", "<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]>"),
    ] {
        let bad = good.replace(from, to);
        assert_ne!(bad, good, "{from}");
        assert!(crate::saml_metadata::read(&bad).is_err(), "{from} → {to}");
    }
    assert!(crate::saml_metadata::read(&"<a>".repeat(100_000)).is_err());
}

#[tokio::test]
async fn an_oidc_provider_keeps_clients_and_thumbprints() {
    let cloud = Cloud::new().await;
    let create = s::CreateOpenIDConnectProviderRequest {
        url: "https://oidc.example.com/id/A".into(),
        client_id_list: Some(vec!["sts.amazonaws.com".into()]),
        thumbprint_list: Some(vec!["ab".repeat(20)]),
        ..Default::default()
    };
    let arn = cloud.ok::<op::CreateOpenIDConnectProvider>(create.clone()).await;
    let arn = arn.open_id_connect_provider_arn.unwrap();
    assert_eq!(arn, "arn:aws:iam::123456789012:oidc-provider/oidc.example.com/id/A");
    let again = cloud.call::<op::CreateOpenIDConnectProvider>(create).await.err().unwrap();
    assert!(again.to_string().ends_with("Provider with url https://oidc.example.com/id/A already exists."));
    for _ in 0..2 {
        let add = s::AddClientIDToOpenIDConnectProviderRequest {
            open_id_connect_provider_arn: arn.clone(),
            client_id: "app".into(),
        };
        cloud.ok::<op::AddClientIDToOpenIDConnectProvider>(add).await;
    }
    let found = cloud.directory().oidc_provider(&Arn::parse(&arn).unwrap()).await.unwrap().unwrap();
    assert_eq!(found.url, "https://oidc.example.com/id/A");
    assert_eq!(found.client_ids, ["sts.amazonaws.com", "app"]);
    let shown = s::GetOpenIDConnectProviderRequest { open_id_connect_provider_arn: arn.clone() };
    let shown = cloud.ok::<op::GetOpenIDConnectProvider>(shown).await;
    assert_eq!(shown.url.as_deref(), Some("oidc.example.com/id/A"));
    let too_many = s::UpdateOpenIDConnectProviderThumbprintRequest {
        open_id_connect_provider_arn: arn.clone(),
        thumbprint_list: vec!["ab".repeat(20); 6],
    };
    assert!(cloud.call::<op::UpdateOpenIDConnectProviderThumbprint>(too_many).await.is_err());
    for _ in 0..2 {
        let delete = s::DeleteOpenIDConnectProviderRequest { open_id_connect_provider_arn: arn.clone() };
        cloud.ok::<op::DeleteOpenIDConnectProvider>(delete).await;
    }
}
