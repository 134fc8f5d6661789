use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use haneul_kit::Instant;
use ring::digest;

use super::attributes;
use super::error::SamlError;
use super::signature::{ASSERTION, PROTOCOL};
use super::xml::{Document, Id};

/// What an assertion is held against.
pub struct Expected<'a> {
    /// The provider's ARN: its account and name are in `saml:doc` and the name qualifier.
    pub provider_arn: &'a str,
    /// Its account and name: `111122223333/Corp`.
    pub provider: &'a str,
    /// `entityID` of its metadata.
    pub issuer: &'a str,
    /// X.509 in DER.
    pub certificates: &'a [Vec<u8>],
    pub role_arn: &'a str,
    pub now: Instant,
}

/// What the provider says of the holder.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Assertion {
    pub issuer: String,
    pub subject: String,
    /// `persistent`, `transient`, or the whole format of the name.
    pub subject_type: String,
    pub name_qualifier: String,
    /// The `Recipient`: the endpoint for which it was made.
    pub audience: String,
    pub session_name: String,
    pub session_secs: Option<u64>,
    pub session_not_on_or_after: Option<Instant>,
    pub source_identity: Option<String>,
    pub tags: Vec<(String, String)>,
    pub transitive_tag_keys: Vec<String>,
    /// Condition keys of its attributes: `saml:edupersonaffiliation`, …
    pub keys: Vec<(&'static str, Vec<String>)>,
}

const SUCCESS: &str = "urn:oasis:names:tc:SAML:2.0:status:Success";
const BEARER: &str = "urn:oasis:names:tc:SAML:2.0:cm:bearer";
const NAME_FORMATS: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:";
const AUDIENCES: [&str; 3] =
    ["urn:amazon:webservices", "urn:amazon:webservices:cn-north-1", "urn:amazon:webservices:govcloud"];
const ATTRIBUTES: &str = "https://aws.amazon.com/SAML/Attributes/";
const TAG: &str = "https://aws.amazon.com/SAML/Attributes/PrincipalTag:";

/// From being issued to being presented.
const AGE_MAX: Duration = Duration::from_secs(5 * 60);
/// What clocks may differ by.
const SKEW: Duration = Duration::from_secs(60);
const SESSION_SECS: std::ops::RangeInclusive<u64> = 900..=43_200;

/// Reads an assertion that is known to be the provider's.
pub(super) fn read(document: &Document, id: Id, expected: &Expected<'_>) -> Result<Assertion, SamlError> {
    let reader = Reader { document, assertion: id, expected };
    reader.check_response()?;
    reader.check_issuer()?;
    let mut assertion = Assertion { issuer: expected.issuer.to_owned(), ..Assertion::default() };
    assertion.audience = reader.check_subject()?;
    reader.check_conditions()?;
    reader.subject(&mut assertion)?;
    assertion.name_qualifier = qualifier(expected);
    reader.statements(&mut assertion)?;
    Ok(assertion)
}

struct Reader<'a> {
    document: &'a Document,
    assertion: Id,
    expected: &'a Expected<'a>,
}

impl Reader<'_> {
    fn check_response(&self) -> Result<(), SamlError> {
        let document = self.document;
        let status = document.only(0, PROTOCOL, "Status");
        let code = status.and_then(|status| document.only(status, PROTOCOL, "StatusCode"));
        if code.and_then(|code| document.attribute(code, "Value")) != Some(SUCCESS) {
            return Err(SamlError::rejected("The identity provider did not authenticate the user"));
        }
        if document.attribute(0, "Destination").is_some_and(|url| !is_sign_in(url)) {
            return Err(SamlError::invalid("Response Destination is not an AWS sign-in endpoint"));
        }
        // We ask identity providers for nothing, so nothing is an answer to us.
        if document.attribute(0, "InResponseTo").is_some() {
            return Err(SamlError::invalid("Response is InResponseTo a request that was never made"));
        }
        let issuers: Vec<Id> = document.named(0, ASSERTION, "Issuer").collect();
        if issuers.iter().any(|issuer| document.text(*issuer) != Some(self.expected.issuer)) {
            return Err(self.wrong_issuer());
        }
        if document.attribute(self.assertion, "Version") != Some("2.0") {
            return Err(SamlError::invalid("SAML assertion must be of version 2.0"));
        }
        Ok(())
    }

    fn wrong_issuer(&self) -> SamlError {
        SamlError::invalid("Issuer not present in specified provider")
    }

    fn check_issuer(&self) -> Result<(), SamlError> {
        let issuer = self.document.only(self.assertion, ASSERTION, "Issuer");
        let text = issuer.and_then(|issuer| self.document.text(issuer));
        if text != Some(self.expected.issuer) {
            return Err(self.wrong_issuer());
        }
        let issued = self.time(self.assertion, "IssueInstant")?;
        let issued = issued.ok_or_else(|| SamlError::invalid("SAML assertion has no IssueInstant"))?;
        if issued > self.expected.now + SKEW {
            return Err(SamlError::invalid("SAML assertion was issued in the future"));
        }
        if self.expected.now >= issued + AGE_MAX {
            return Err(SamlError::expired("Token must be redeemed within 5 minutes of issuance"));
        }
        Ok(())
    }

    /// One bearer confirmation that is good now; its recipient.
    fn check_subject(&self) -> Result<String, SamlError> {
        let document = self.document;
        let invalid = SamlError::invalid;
        let subject = document.only(self.assertion, ASSERTION, "Subject");
        let subject = subject.ok_or_else(|| invalid("SAML assertion has no subject"))?;
        let mut last = invalid("SAML assertion has no bearer SubjectConfirmation");
        for confirmation in document.named(subject, ASSERTION, "SubjectConfirmation") {
            if document.attribute(confirmation, "Method") != Some(BEARER) {
                continue;
            }
            let Some(data) = document.only(confirmation, ASSERTION, "SubjectConfirmationData") else {
                continue;
            };
            match self.check_confirmation(data) {
                Ok(recipient) => return Ok(recipient),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    fn check_confirmation(&self, data: Id) -> Result<String, SamlError> {
        let document = self.document;
        let recipient = document.attribute(data, "Recipient").unwrap_or_default();
        if !is_sign_in(recipient) {
            return Err(SamlError::invalid(
                "SubjectConfirmationData Recipient is not an AWS sign-in endpoint",
            ));
        }
        if document.attribute(data, "InResponseTo").is_some() {
            return Err(SamlError::invalid(
                "SubjectConfirmationData is InResponseTo a request that was never made",
            ));
        }
        if document.attribute(data, "NotBefore").is_some() {
            return Err(SamlError::invalid("SubjectConfirmationData must not have NotBefore"));
        }
        match self.time(data, "NotOnOrAfter")? {
            None => Err(SamlError::invalid("SubjectConfirmationData has no NotOnOrAfter")),
            Some(end) if self.expected.now >= end => Err(SamlError::expired("SAML assertion has expired")),
            Some(_) => Ok(recipient.to_owned()),
        }
    }

    fn check_conditions(&self) -> Result<(), SamlError> {
        let document = self.document;
        let conditions = document.only(self.assertion, ASSERTION, "Conditions");
        let conditions = conditions.ok_or_else(|| SamlError::invalid("SAML assertion has no conditions"))?;
        if self.time(conditions, "NotBefore")?.is_some_and(|start| self.expected.now + SKEW < start) {
            return Err(SamlError::invalid("SAML assertion is not yet valid"));
        }
        if self.time(conditions, "NotOnOrAfter")?.is_some_and(|end| self.expected.now >= end) {
            return Err(SamlError::expired("SAML assertion has expired"));
        }
        let restrictions: Vec<Id> = document.named(conditions, ASSERTION, "AudienceRestriction").collect();
        let is_ours = |restriction: &Id| {
            let mut audiences = document.named(*restriction, ASSERTION, "Audience");
            audiences.any(|audience| document.text(audience).is_some_and(is_audience))
        };
        // Each restriction holds by itself (saml-core, 2.5.1.4).
        if restrictions.is_empty() || !restrictions.iter().all(is_ours) {
            return Err(SamlError::invalid("Audience must be urn:amazon:webservices"));
        }
        Ok(())
    }

    fn subject(&self, assertion: &mut Assertion) -> Result<(), SamlError> {
        let document = self.document;
        let subject = document.only(self.assertion, ASSERTION, "Subject");
        let name = subject.and_then(|subject| document.only(subject, ASSERTION, "NameID"));
        let text = name.and_then(|name| document.text(name)).filter(|text| !text.is_empty());
        let (Some(name), Some(text)) = (name, text) else {
            return Err(SamlError::invalid("SAML assertion has no NameID"));
        };
        let format = document.attribute(name, "Format").unwrap_or_default();
        let short = format.strip_prefix(NAME_FORMATS);
        let short = short.filter(|short| matches!(*short, "persistent" | "transient"));
        assertion.subject = text.to_owned();
        assertion.subject_type = short.unwrap_or(format).to_owned();
        Ok(())
    }

    fn statements(&self, assertion: &mut Assertion) -> Result<(), SamlError> {
        let document = self.document;
        for statement in document.named(self.assertion, ASSERTION, "AuthnStatement") {
            if let Some(end) = self.time(statement, "SessionNotOnOrAfter")? {
                if self.expected.now >= end {
                    return Err(SamlError::expired("SAML assertion's session has expired"));
                }
                let before = assertion.session_not_on_or_after;
                assertion.session_not_on_or_after = Some(before.map_or(end, |before| before.min(end)));
            }
        }
        let mut roles: Vec<String> = Vec::new();
        for statement in document.named(self.assertion, ASSERTION, "AttributeStatement") {
            for attribute in document.named(statement, ASSERTION, "Attribute") {
                let name = document.attribute(attribute, "Name").unwrap_or_default();
                let values = self.values(attribute)?;
                if name == format!("{ATTRIBUTES}Role") {
                    roles.extend(values);
                } else {
                    take(assertion, name, values)?;
                }
            }
        }
        if roles.is_empty() {
            return Err(SamlError::invalid("Role attribute is required in AuthnResponse"));
        }
        if !roles.iter().any(|value| self.is_asked_role(value)) {
            return Err(SamlError::denied());
        }
        if assertion.session_name.is_empty() {
            return Err(SamlError::invalid("RoleSessionName is required in AuthnResponse"));
        }
        Ok(())
    }

    /// The ARNs of role and provider, in either order.
    fn is_asked_role(&self, value: &str) -> bool {
        let pair: Vec<&str> = value.split(',').map(str::trim).collect();
        let Expected { role_arn, provider_arn, .. } = *self.expected;
        pair == [role_arn, provider_arn] || pair == [provider_arn, role_arn]
    }

    fn values(&self, attribute: Id) -> Result<Vec<String>, SamlError> {
        let values = self.document.named(attribute, ASSERTION, "AttributeValue");
        let text = |id: Id| {
            let text = self.document.text(id).map(str::to_owned);
            text.ok_or_else(|| SamlError::invalid("An attribute's value must be text"))
        };
        values.map(text).collect()
    }

    fn time(&self, of: Id, attribute: &str) -> Result<Option<Instant>, SamlError> {
        let Some(text) = self.document.attribute(of, attribute) else { return Ok(None) };
        let at = Instant::parse_iso8601(text);
        let invalid = || SamlError::invalid(format!("{attribute} is not a time in UTC"));
        // saml-core, 1.3.3: all times are in UTC.
        at.filter(|_| text.ends_with('Z')).map(Some).ok_or_else(invalid)
    }
}

/// AWS's own attributes and those of condition keys; others are of no interest.
fn take(assertion: &mut Assertion, name: &str, values: Vec<String>) -> Result<(), SamlError> {
    let one = |values: Vec<String>| {
        let [value] = <[String; 1]>::try_from(values)
            .map_err(|_| SamlError::invalid(format!("Attribute {name} must have exactly one value")))?;
        Ok::<String, SamlError>(value)
    };
    if let Some(tag) = name.strip_prefix(TAG) {
        assertion.tags.push((tag.to_owned(), one(values)?));
        return Ok(());
    }
    match name.strip_prefix(ATTRIBUTES) {
        Some("RoleSessionName") => {
            let value = one(values)?;
            let allowed = |b: u8| b.is_ascii_alphanumeric() || b"_+=,.@-".contains(&b);
            if !(2..=64).contains(&value.len()) || !value.bytes().all(allowed) {
                let message = "RoleSessionName in AuthnResponse must match [a-zA-Z_0-9+=,.@-]{2,64}";
                return Err(SamlError::invalid(message));
            }
            assertion.session_name = value;
        }
        Some("SessionDuration") => {
            let secs = one(values)?.parse().ok().filter(|secs| SESSION_SECS.contains(secs));
            let invalid = || SamlError::invalid("SessionDuration must be between 900 and 43200 seconds");
            assertion.session_secs = Some(secs.ok_or_else(invalid)?);
        }
        Some("TransitiveTagKeys") => assertion.transitive_tag_keys.extend(values),
        Some("SourceIdentity") => {
            let value = one(values)?;
            let allowed = |b: u8| b.is_ascii_alphanumeric() || b"_+=,.@-".contains(&b);
            if !(2..=64).contains(&value.len()) || !value.bytes().all(allowed) {
                return Err(SamlError::invalid(
                    "SourceIdentity in AuthnResponse must match [\\w+=,.@-]{2,64}",
                ));
            }
            assertion.source_identity = Some(value);
        }
        Some(_) => {}
        None => {
            if let Some(key) = attributes::key(name) {
                match assertion.keys.iter_mut().find(|(of, _)| *of == key) {
                    Some((_, before)) => before.extend(values),
                    None => assertion.keys.push((key, values)),
                }
            }
        }
    }
    Ok(())
}

/// STS API Reference, AssumeRoleWithSAML: base64 of SHA-1 of issuer, account and the provider's name.
fn qualifier(expected: &Expected<'_>) -> String {
    let text = format!("{}{}", expected.issuer, expected.provider);
    STANDARD.encode(digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, text.as_bytes()))
}

/// `https://signin.aws.amazon.com/saml`, that of a Region, and those that name a provider for encrypted assertions.
fn is_sign_in(url: &str) -> bool {
    let Some((host, path)) = url.strip_prefix("https://").and_then(|rest| rest.split_once('/')) else {
        return false;
    };
    let is_path = path == "saml" || path.strip_prefix("saml/acs/").is_some_and(|id| !id.is_empty());
    let is_region = |host: &str, domain: &str| {
        let region = host.strip_suffix(domain);
        region.is_some_and(|r| !r.is_empty() && r.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'))
    };
    let of_aws = ["signin.aws.amazon.com", "signin.amazonaws.cn", "signin.amazonaws-us-gov.com"];
    is_path && of_aws.iter().any(|domain| host == *domain || is_region(host, &format!(".{domain}")))
}

fn is_audience(text: &str) -> bool {
    AUDIENCES.contains(&text) || is_sign_in(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints() {
        for good in [
            "https://signin.aws.amazon.com/saml",
            "https://eu-west-1.signin.aws.amazon.com/saml",
            "https://us-east-1.signin.aws.amazon.com/saml/acs/SAMLSP1",
        ] {
            assert!(is_sign_in(good), "{good}");
        }
        for bad in [
            "http://signin.aws.amazon.com/saml",
            "https://signin.aws.amazon.com.evil.example/saml",
            "https://evil.example/signin.aws.amazon.com/saml",
            "https://x.evil.signin.aws.amazon.com/saml",
            "https://signin.aws.amazon.com/saml2",
            "https://evilsignin.aws.amazon.com/saml",
        ] {
            assert!(!is_sign_in(bad), "{bad}");
        }
    }
}
