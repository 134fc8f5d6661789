use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use haneul_kit::Instant;
use serde_json::{Map, Value};

use super::keys::KeySet;

/// A JSON Web Token whose signature has not been looked at.
#[derive(Clone, Debug)]
pub struct Token {
    pub algorithm: String,
    pub key_id: Option<String>,
    signed: String,
    signature: Vec<u8>,
    claims: Map<String, Value>,
}

/// Claims that were verified.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Claims {
    pub subject: String,
    /// `azp` where there is one, else `aud`: what IAM's condition key `aud` is.
    pub audience: String,
    /// All of `aud`.
    pub audiences: Vec<String>,
    pub methods: Vec<String>,
    pub source_identity: Option<String>,
    pub tags: Tags,
    pub transitive_tag_keys: Vec<String>,
}

/// Keys and values.
pub type Tags = Vec<(String, String)>;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenError {
    /// `InvalidIdentityToken`
    Invalid(&'static str),
    /// `ExpiredTokenException`: now, and the end, in seconds since the epoch.
    Expired(i64, i64),
}

/// RS256 to RS512, ES256 and ES384; never none, never an HMAC.
const ALGORITHMS: [&str; 5] = ["RS256", "RS384", "RS512", "ES256", "ES384"];
const NOT_A_JWT: TokenError = TokenError::Invalid(
    "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)",
);
/// What clocks may differ by.
const SKEW: Duration = Duration::from_secs(60);
const TAGS: &str = "https://aws.amazon.com/tags";
const SOURCE_IDENTITY: &str = "https://aws.amazon.com/source_identity";

impl Token {
    /// Reads a token in compact form.
    ///
    /// # Errors
    /// When it is none, or of an algorithm that is not accepted.
    pub fn parse(text: &str) -> Result<Token, TokenError> {
        let parts: Vec<&str> = text.split('.').collect();
        let [header, claims, signature] = parts[..] else { return Err(NOT_A_JWT) };
        let bytes = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| NOT_A_JWT);
        let object = |part: &str| match serde_json::from_slice(&bytes(part)?) {
            Ok(Value::Object(fields)) => Ok(fields),
            _ => Err(NOT_A_JWT),
        };
        let header = object(header)?;
        let algorithm = header.get("alg").and_then(Value::as_str).unwrap_or_default();
        if !ALGORITHMS.contains(&algorithm) {
            return Err(TokenError::Invalid(
                "The ID Token is signed with an algorithm that is not supported",
            ));
        }
        // RFC 7515, 4.1.11: who does not understand what is critical must refuse.
        if header.contains_key("crit") {
            return Err(TokenError::Invalid("The ID Token has critical headers that are not supported"));
        }
        let key_id = match header.get("kid") {
            None => None,
            Some(Value::String(id)) => Some(id.clone()),
            Some(_) => return Err(NOT_A_JWT),
        };
        Ok(Token {
            algorithm: algorithm.to_owned(),
            key_id,
            signed: text[..text.len() - signature.len() - 1].to_owned(),
            signature: bytes(signature)?,
            claims: object(claims)?,
        })
    }

    /// Who says that it issued this. Not to be believed before [`Token::verify`].
    pub fn issuer(&self) -> Option<&str> {
        self.claims.get("iss").and_then(Value::as_str)
    }

    /// The claims, once the signature is by one of `keys`, the token of `issuer`, for one of `client_ids`, and good now.
    ///
    /// # Errors
    /// The first of these that does not hold.
    pub fn verify(
        &self,
        keys: &KeySet,
        issuer: &str,
        client_ids: &[String],
        now: Instant,
    ) -> Result<Claims, TokenError> {
        if !keys.verifies(self.key_id.as_deref(), &self.algorithm, self.signed.as_bytes(), &self.signature) {
            return Err(TokenError::Invalid("The ID Token's signature is not valid"));
        }
        if self.issuer() != Some(issuer) {
            return Err(TokenError::Invalid("The ID Token is of another issuer"));
        }
        let end = self.time("exp")?.ok_or(TokenError::Invalid("Missing a required claim: exp"))?;
        if now >= end {
            return Err(TokenError::Expired(now.secs(), end.secs()));
        }
        if self.time("nbf")?.is_some_and(|start| now + SKEW < start) {
            return Err(TokenError::Invalid("The ID Token is not yet valid"));
        }
        let issued = self.time("iat")?.ok_or(TokenError::Invalid("Missing a required claim: iat"))?;
        if now + SKEW < issued {
            return Err(TokenError::Invalid("The ID Token was issued in the future"));
        }
        let subject = self.text("sub")?.filter(|subject| !subject.is_empty());
        let subject = subject.ok_or(TokenError::Invalid("Missing a required claim: sub"))?;
        let audiences = self.texts("aud")?;
        let party = self.text("azp")?.filter(|party| !party.is_empty());
        if audiences.is_empty() {
            return Err(TokenError::Invalid("Missing a required claim: aud"));
        }
        let is_client = |audience: &&String| client_ids.contains(audience);
        let audience = match &party {
            Some(party) => Some(party).filter(is_client),
            None => audiences.iter().find(is_client),
        };
        let audience = audience.cloned().ok_or(TokenError::Invalid("Incorrect token audience"))?;
        let (tags, transitive_tag_keys) = self.tags()?;
        Ok(Claims {
            subject,
            audience,
            audiences,
            methods: self.texts("amr")?,
            source_identity: self.text(SOURCE_IDENTITY)?,
            tags,
            transitive_tag_keys,
        })
    }

    fn text(&self, claim: &str) -> Result<Option<String>, TokenError> {
        match self.claims.get(claim) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(TokenError::Invalid("The ID Token has a claim of the wrong type")),
        }
    }

    /// A string, or a list of strings.
    fn texts(&self, claim: &str) -> Result<Vec<String>, TokenError> {
        texts(self.claims.get(claim))
    }

    /// NumericDate: seconds since the epoch, perhaps with a fraction.
    fn time(&self, claim: &str) -> Result<Option<Instant>, TokenError> {
        let wrong = TokenError::Invalid("The ID Token has a time that is not a number");
        match self.claims.get(claim) {
            None => Ok(None),
            Some(value) => match value.as_f64().filter(|secs| (0.0..=253_402_300_799.0).contains(secs)) {
                Some(secs) => Ok(Some(Instant::from_secs(secs as i64))),
                None => Err(wrong),
            },
        }
    }

    /// Both forms: one object, or claims whose names are paths.
    fn tags(&self) -> Result<(Tags, Vec<String>), TokenError> {
        let wrong = || TokenError::Invalid("The ID Token has session tags that are not of the form of AWS");
        let (mut tags, mut keys) = (Vec::new(), Vec::new());
        if let Some(all) = self.claims.get(TAGS) {
            let all = all.as_object().ok_or_else(wrong)?;
            if let Some(principal) = all.get("principal_tags") {
                for (key, values) in principal.as_object().ok_or_else(wrong)? {
                    let [value] = <[String; 1]>::try_from(texts(Some(values))?).map_err(|_| wrong())?;
                    tags.push((key.clone(), value));
                }
            }
            keys = texts(all.get("transitive_tag_keys"))?;
        }
        let flat = format!("{TAGS}/principal_tags/");
        for (claim, values) in &self.claims {
            if let Some(key) = claim.strip_prefix(&flat) {
                let [value] = <[String; 1]>::try_from(texts(Some(values))?).map_err(|_| wrong())?;
                tags.push((key.to_owned(), value));
            }
        }
        keys.extend(texts(self.claims.get(&format!("{TAGS}/transitive_tag_keys")))?);
        Ok((tags, keys))
    }
}

fn texts(value: Option<&Value>) -> Result<Vec<String>, TokenError> {
    let wrong = || TokenError::Invalid("The ID Token has a claim of the wrong type");
    match value {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::String(text)) => Ok(vec![text.clone()]),
        Some(Value::Array(items)) => {
            items.iter().map(|item| item.as_str().map(str::to_owned).ok_or_else(wrong)).collect()
        }
        Some(_) => Err(wrong()),
    }
}
