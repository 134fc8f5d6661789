//! Assertions. The files in `data` were signed by other implementations (signxml, and lxml by hand), so that ours is not only
//! held against itself; what has to be signed anew for a case is signed by [`crate::saml::sign`].

use haneul_iam_wire::operations as iam;
use haneul_iam_wire::shapes as i;
use haneul_kit::{Caller, Instant};
use haneul_sts_wire::operations as op;
use haneul_sts_wire::shapes as s;

use super::cloud::{Cloud, OURS, policy, root};
use crate::saml::{self, Assertion, Expected, Problem, SamlError};

const ROLE: &str = "arn:aws:iam::111111111111:role/sso";
const PROVIDER: &str = "arn:aws:iam::111111111111:saml-provider/Corp";
const ISSUER: &str = "https://idp.example.com/metadata";

const RSA: &[u8] = include_bytes!("data/rsa.der");
const EC: &[u8] = include_bytes!("data/ec.der");
const EC384: &[u8] = include_bytes!("data/ec384.der");
const EC_KEY: &[u8] = include_bytes!("data/ec.p8");

const RSA_ASSERTION: &str = include_str!("data/rsa_sha256_assertion.xml");
const EC_RESPONSE: &str = include_str!("data/ecdsa_sha256_response.xml");

/// Half a minute after the assertions were made.
fn now() -> Instant {
    Instant::parse_iso8601("2026-01-01T00:00:30Z").unwrap()
}

fn verify_at(xml: &str, certificate: &[u8], now: Instant) -> Result<Assertion, SamlError> {
    use base64::Engine;
    let certificates = [certificate.to_vec()];
    let expected = Expected {
        provider_arn: PROVIDER,
        provider: "111111111111/Corp",
        issuer: ISSUER,
        certificates: &certificates,
        role_arn: ROLE,
        now,
    };
    saml::verify(&base64::engine::general_purpose::STANDARD.encode(xml), &expected)
}

fn verify(xml: &str, certificate: &[u8]) -> Result<Assertion, SamlError> {
    verify_at(xml, certificate, now())
}

#[test]
fn what_another_implementation_signed() {
    for (name, xml, certificate) in [
        ("RSA, SHA-256, the assertion", RSA_ASSERTION, RSA),
        ("RSA, SHA-384, inclusive prefixes", include_str!("data/rsa_sha384_prefixes.xml"), RSA),
        ("RSA, SHA-512, the response", include_str!("data/rsa_sha512_response.xml"), RSA),
        ("ECDSA, SHA-256, the response", EC_RESPONSE, EC),
        ("ECDSA, SHA-384, the assertion", include_str!("data/ecdsa_sha384_assertion.xml"), EC384),
    ] {
        let found = verify(xml, certificate).unwrap_or_else(|error| panic!("{name}: {error:?}"));
        assert_eq!(found.subject, "ann@example.com", "{name}");
        assert_eq!(found.subject_type, "persistent");
        assert_eq!(found.session_name, "ann@example.com");
        assert_eq!(found.audience, "https://signin.aws.amazon.com/saml");
        assert_eq!(found.tags, [("Team".to_owned(), "Sky & \"Sea\" <1>".to_owned())]);
        let staff = vec!["staff".to_owned(), "member".to_owned()];
        assert_eq!(found.keys, [("saml:edupersonaffiliation", staff)]);
        for other in [RSA, EC, EC384].into_iter().filter(|other| *other != certificate) {
            let error = verify(xml, other).unwrap_err();
            assert_eq!(error.message, "Response signature invalid", "{name} by another key");
        }
    }
}

/// Nothing that was signed can be changed, and no document that could be read in two ways is read.
#[test]
fn tampered() {
    let signature = || {
        let from = RSA_ASSERTION.find("<ds:Signature").unwrap();
        let to = RSA_ASSERTION.find("</ds:Signature>").unwrap() + "</ds:Signature>".len();
        &RSA_ASSERTION[from..to]
    };
    let assertion = || {
        let from = RSA_ASSERTION.find("<saml:Assertion").unwrap();
        let to = RSA_ASSERTION.find("</saml:Assertion>").unwrap() + "</saml:Assertion>".len();
        &RSA_ASSERTION[from..to]
    };
    // A forged assertion in the place of the signed one, which is kept somewhere where its signature still holds.
    let forged = assertion().replace(signature(), "").replace("ann@", "eve@").replace("_assert1", "_forged");
    let forged_around = forged.replace("<saml:Subject>", &format!("{}<saml:Subject>", assertion()));
    let signed_elsewhere = signature().replace(
        "</ds:Signature>",
        &format!("<ds:Object>{}</ds:Object></ds:Signature>", assertion().replace(signature(), "")),
    );
    let forged_with_object = assertion().replace(signature(), &signed_elsewhere).replace("ann@", "eve@");
    let cases: Vec<(&str, String)> = vec![
        ("a name", RSA_ASSERTION.replace("ann@example.com", "eve@example.com")),
        ("a role", RSA_ASSERTION.replace("role/sso,", "role/admin,")),
        ("a time", RSA_ASSERTION.replace("00:05:00Z", "23:05:00Z")),
        ("white space within", RSA_ASSERTION.replace("<saml:Subject>\n", "<saml:Subject>")),
        (
            "a comment that changes text",
            RSA_ASSERTION.replace("ann@example.com<", "ann@example.com<!---->.evil.example<"),
        ),
        ("no signature", RSA_ASSERTION.replace(signature(), "")),
        (
            "the assertion twice",
            RSA_ASSERTION.replace(assertion(), &format!("{}{}", assertion(), assertion())),
        ),
        ("a forged one before", RSA_ASSERTION.replace(assertion(), &format!("{forged}{}", assertion()))),
        ("a forged one after", RSA_ASSERTION.replace(assertion(), &format!("{}{forged}", assertion()))),
        ("a forged one around", RSA_ASSERTION.replace(assertion(), &forged_around)),
        (
            "the signed one in an extension",
            RSA_ASSERTION
                .replace(
                    "<samlp:Status>",
                    &format!("<samlp:Extensions>{}</samlp:Extensions><samlp:Status>", assertion()),
                )
                .replacen(assertion(), &forged, 2),
        ),
        ("the signed one in the signature", RSA_ASSERTION.replace(assertion(), &forged_with_object)),
        ("an id that is not unique", RSA_ASSERTION.replace("ID=\"_resp1\"", "ID=\"_assert1\"")),
        ("a reference to nothing", RSA_ASSERTION.replace("URI=\"#_assert1\"", "URI=\"\"")),
        ("a reference to another", RSA_ASSERTION.replace("URI=\"#_assert1\"", "URI=\"#_resp1\"")),
        ("an outer reference", RSA_ASSERTION.replace("URI=\"#_assert1\"", "URI=\"http://127.0.0.1/x\"")),
        ("SHA-1", RSA_ASSERTION.replace("2001/04/xmldsig-more#rsa-sha256", "2000/09/xmldsig#rsa-sha1")),
        ("an HMAC", RSA_ASSERTION.replace("#rsa-sha256", "#hmac-sha256")),
        ("a key of another kind", RSA_ASSERTION.replace("#rsa-sha256", "#ecdsa-sha256")),
        ("no transforms", RSA_ASSERTION.replace("xmldsig#enveloped-signature", "xmldsig#base64")),
        ("canonical with comments", RSA_ASSERTION.replace("xml-exc-c14n#\"", "xml-exc-c14n#WithComments\"")),
        (
            "inclusive",
            RSA_ASSERTION.replace(
                "http://www.w3.org/2001/10/xml-exc-c14n#",
                "http://www.w3.org/TR/2001/REC-xml-c14n-20010315",
            ),
        ),
        ("a document type", format!("<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]>{RSA_ASSERTION}")),
        ("an entity", RSA_ASSERTION.replace("ann@example.com<", "&e;<")),
        ("an instruction", RSA_ASSERTION.replace("<saml:Subject>", "<?x y?><saml:Subject>")),
        ("encrypted", RSA_ASSERTION.replace("<samlp:Status>", "<saml:EncryptedAssertion/><samlp:Status>")),
        ("no response", assertion().to_owned()),
        ("another status", EC_RESPONSE.replace("status:Success", "status:Responder")),
        ("nothing", String::new()),
        ("cut off", RSA_ASSERTION[..RSA_ASSERTION.len() / 2].to_owned()),
    ];
    for (what, xml) in cases {
        let unchanged = xml == RSA_ASSERTION || xml == EC_RESPONSE;
        assert!(!unchanged, "{what}: the case changes nothing");
        let certificate = if what == "another status" { EC } else { RSA };
        let error = verify(&xml, certificate).map(drop).unwrap_err();
        assert_eq!(error.problem, Problem::Invalid, "{what}: {error:?}");
    }
    // What canonicalisation leaves out may change, and then is not looked at either.
    let commented = RSA_ASSERTION.replace("ann@example.com<", "ann@exam<!-- x -->ple.com<");
    let found = verify(&commented, RSA).unwrap();
    assert_eq!((found.subject.as_str(), found.session_name.as_str()), ("ann@example.com", "ann@example.com"));
    let quoted = RSA_ASSERTION.replace("ID=\"_assert1\" Version=\"2.0\"", "Version='2.0'   ID='_assert1'");
    assert!(verify(&quoted, RSA).is_ok());
}

/// What is signed and yet not for us, or not for now.
#[test]
fn well_signed_and_refused() {
    let template = EC_RESPONSE.replace(
        &EC_RESPONSE[EC_RESPONSE.find("<ds:Signature").unwrap()
            ..EC_RESPONSE.find("</ds:Signature>").unwrap() + "</ds:Signature>".len()],
        "",
    );
    let signed = |xml: &str| saml::sign::response(xml, EC_KEY);
    assert_eq!(verify(&signed(&template), EC).unwrap().subject, "ann@example.com");
    let recipient = "Recipient=\"https://signin.aws.amazon.com/saml\"";
    let session = "<saml:AttributeValue xsi:type=\"xs:string\">ann@example.com<";
    use Problem::{Denied, Expired, Invalid, Rejected};
    let cases = [
        ("another audience", "urn:amazon:webservices<", "urn:example<", Invalid),
        (
            "no audience",
            "<saml:AudienceRestriction><saml:Audience>urn:amazon:webservices</saml:Audience></saml:AudienceRestriction>",
            "",
            Invalid,
        ),
        (
            "two restrictions, one another's",
            "<saml:AudienceRestriction>",
            "<saml:AudienceRestriction><saml:Audience>urn:example</saml:Audience></saml:AudienceRestriction><saml:AudienceRestriction>",
            Invalid,
        ),
        ("another recipient", recipient, "Recipient=\"https://sp.example.com/saml\"", Invalid),
        ("no recipient", recipient, "", Invalid),
        ("another destination", "Destination=\"https://signin", "Destination=\"https://evil", Invalid),
        (
            "a confirmation that is over",
            "<saml:SubjectConfirmationData NotOnOrAfter=\"2026-01-01T00:05:00Z\"",
            "<saml:SubjectConfirmationData NotOnOrAfter=\"2026-01-01T00:00:30Z\"",
            Expired,
        ),
        (
            "a confirmation without end",
            "<saml:SubjectConfirmationData NotOnOrAfter=\"2026-01-01T00:05:00Z\"",
            "<saml:SubjectConfirmationData",
            Invalid,
        ),
        (
            "a confirmation with a beginning",
            recipient,
            "NotBefore=\"2025-01-01T00:00:00Z\" Recipient=\"https://signin.aws.amazon.com/saml\"",
            Invalid,
        ),
        (
            "an answer to nobody",
            recipient,
            "InResponseTo=\"_x\" Recipient=\"https://signin.aws.amazon.com/saml\"",
            Invalid,
        ),
        ("a response to nobody", "Destination=", "InResponseTo=\"_x\" Destination=", Invalid),
        ("no bearer", "cm:bearer", "cm:holder-of-key", Invalid),
        (
            "conditions that are over",
            "NotBefore=\"2025-12-31T23:59:00Z\" NotOnOrAfter=\"2026-01-01T00:05:00Z\"",
            "NotOnOrAfter=\"2026-01-01T00:00:00Z\"",
            Expired,
        ),
        (
            "conditions to come",
            "NotBefore=\"2025-12-31T23:59:00Z\"",
            "NotBefore=\"2026-01-01T00:02:00Z\"",
            Invalid,
        ),
        (
            "a time of no zone",
            "NotBefore=\"2025-12-31T23:59:00Z\"",
            "NotBefore=\"2025-12-31T23:59:00\"",
            Invalid,
        ),
        (
            "another issuer",
            "<saml:Issuer>https://idp.example.com/metadata",
            "<saml:Issuer>https://other.example.com",
            Invalid,
        ),
        (
            "a session that is over",
            "SessionNotOnOrAfter=\"2026-01-01T08:00:00Z\"",
            "SessionNotOnOrAfter=\"2026-01-01T00:00:10Z\"",
            Expired,
        ),
        ("another role", "role/sso,", "role/other,", Denied),
        ("another provider", "saml-provider/Corp<", "saml-provider/Other<", Denied),
        ("no role", "Attributes/Role\"", "Attributes/Rolle\"", Invalid),
        ("no session name", "Attributes/RoleSessionName", "Attributes/Name", Invalid),
        ("a bad session name", session, "<saml:AttributeValue xsi:type=\"xs:string\">a b<", Invalid),
        (
            "two session names",
            session,
            "<saml:AttributeValue>x1</saml:AttributeValue><saml:AttributeValue>ann@example.com<",
            Invalid,
        ),
        ("a refusal", "status:Success", "status:AuthnFailed", Rejected),
        ("of SAML 1.1", "ID=\"_assert1\" Version=\"2.0\"", "ID=\"_assert1\" Version=\"1.1\"", Invalid),
    ];
    for (what, from, to, problem) in cases {
        assert!(template.contains(from), "{what}");
        let error = verify(&signed(&template.replace(from, to)), EC).map(drop).unwrap_err();
        assert_eq!(error.problem, problem, "{what}: {error:?}");
    }
    let later = Instant::parse_iso8601("2026-01-01T00:05:00Z").unwrap();
    let unhurried = template.replace("00:05:00Z", "02:05:00Z");
    assert_eq!(verify_at(&signed(&unhurried), EC, later).unwrap_err().problem, Expired, "five minutes old");
    let swapped = template.replace(&format!("{ROLE},{PROVIDER}"), &format!("{PROVIDER}, {ROLE}"));
    assert!(verify(&signed(&swapped), EC).is_ok(), "in either order");
}

fn metadata() -> String {
    use base64::Engine;
    let certificate = base64::engine::general_purpose::STANDARD.encode(EC);
    let filler = "<!-- metadata has at least a thousand characters -->".repeat(20);
    format!(
        r#"<?xml version="1.0"?><EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="{ISSUER}" validUntil="2030-01-01T00:00:00Z"><IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"><KeyDescriptor use="signing"><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:X509Data><ds:X509Certificate>{certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></KeyDescriptor><SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="https://idp.example.com/sso"/></IDPSSODescriptor></EntityDescriptor>{filler}"#
    )
}

#[tokio::test]
async fn a_role_is_assumed_with_an_assertion() {
    use base64::Engine;
    let cloud = Cloud::new().await;
    let nobody = Caller::anonymous(haneul_kit::AccountId::DEFAULT);
    let assume = s::AssumeRoleWithSAMLRequest {
        role_arn: ROLE.into(),
        principal_arn: PROVIDER.into(),
        saml_assertion: base64::engine::general_purpose::STANDARD.encode(EC_RESPONSE),
        duration_seconds: Some(3600),
        ..Default::default()
    };
    let error = cloud.err::<op::AssumeRoleWithSAML>(&nobody, assume.clone()).await;
    assert_eq!(error, "InvalidIdentityTokenException: Specified provider doesn't exist");
    // As who mixes the two up gets it.
    let swapped = s::AssumeRoleWithSAMLRequest {
        role_arn: PROVIDER.into(),
        principal_arn: ROLE.into(),
        ..assume.clone()
    };
    let error = cloud.err::<op::AssumeRoleWithSAML>(&nobody, swapped).await;
    assert_eq!(error, "ValidationError: Request ARN is invalid");
    let create = i::CreateSAMLProviderRequest {
        saml_metadata_document: metadata(),
        name: "Corp".into(),
        ..Default::default()
    };
    cloud.ok::<iam::CreateSAMLProvider>(&root(OURS), create).await;
    let denied = "AccessDenied: Not authorized to perform sts:AssumeRoleWithSAML";
    let error = cloud.err::<op::AssumeRoleWithSAML>(&nobody, assume.clone()).await;
    assert_eq!(error, denied, "a role that is not there");
    let trust = |condition: &str| {
        format!(
            r#""Effect":"Allow","Principal":{{"Federated":"{PROVIDER}"}},"Action":["sts:AssumeRoleWithSAML","sts:TagSession"],"Condition":{condition}"#
        )
    };
    let staff = r#"{"StringEquals":{"SAML:aud":"https://signin.aws.amazon.com/saml","saml:doc":"111111111111/Corp"},"ForAnyValue:StringEquals":{"saml:edupersonaffiliation":"staff"}}"#;
    cloud.role(OURS, "sso", &trust(staff)).await;
    let made = cloud.ok::<op::AssumeRoleWithSAML>(&nobody, assume.clone()).await;
    assert_eq!(made.subject.as_deref(), Some("ann@example.com"));
    assert_eq!(made.issuer.as_deref(), Some(ISSUER));
    // base64(sha1("https://idp.example.com/metadata" + "111111111111/Corp")), by another program.
    assert_eq!(made.name_qualifier.as_deref(), Some("ENlStvepvPzN4Yh93lQp4MGMzPY="));
    let session = cloud.open(made.credentials);
    assert_eq!(session.arn(), "arn:aws:sts::111111111111:assumed-role/sso/ann@example.com");
    let held = session.session.as_ref().unwrap();
    assert_eq!(held.tags, [("Team".to_owned(), "Sky & \"Sea\" <1>".to_owned())]);
    assert_eq!(held.federation.as_ref().unwrap().provider, PROVIDER);
    // Its policies and keys count from here on.
    let put = i::PutRolePolicyRequest {
        role_name: "sso".into(),
        policy_name: "all".into(),
        policy_document: policy(
            r#""Effect":"Allow","Action":"iam:ListUsers","Resource":"*","Condition":{"StringEquals":{"saml:sub":"ann@example.com","saml:sub_type":"persistent","aws:FederatedProvider":"arn:aws:iam::111111111111:saml-provider/Corp","aws:PrincipalTag/team":"Sky & \"Sea\" <1>"}}"#,
        ),
    };
    cloud.ok::<iam::PutRolePolicy>(&root(OURS), put).await;
    cloud.ok::<iam::ListUsers>(&session, Default::default()).await;
    // Another condition, and the same assertion opens nothing.
    let update = i::UpdateAssumeRolePolicyRequest {
        role_name: "sso".into(),
        policy_document: policy(&trust(r#"{"StringEquals":{"saml:sub_type":"transient"}}"#)),
    };
    cloud.ok::<iam::UpdateAssumeRolePolicy>(&root(OURS), update).await;
    assert_eq!(cloud.err::<op::AssumeRoleWithSAML>(&nobody, assume.clone()).await, denied);
    let long = s::AssumeRoleWithSAMLRequest { duration_seconds: Some(7200), ..assume };
    let update =
        i::UpdateAssumeRolePolicyRequest { role_name: "sso".into(), policy_document: policy(&trust("{}")) };
    cloud.ok::<iam::UpdateAssumeRolePolicy>(&root(OURS), update).await;
    let error = cloud.err::<op::AssumeRoleWithSAML>(&nobody, long).await;
    assert!(error.contains("exceeds the MaxSessionDuration"), "{error}");
}
