use haneul_base::tags::InvalidTags;
use haneul_kit::{Access, Cx, Handle, Result, Tags};
use haneul_secretsmanager_wire::operations as op;
use haneul_secretsmanager_wire::shapes as s;

use crate::calls::Value;
use crate::error;
use crate::model::{SecretName, SecretRecord, VersionRecord};
use crate::replicas::statuses;
use crate::secrets::{Found, SUFFIX_LENGTH, Secrets};
use crate::store::Values;
use crate::versions::{self, CURRENT};

const SUFFIX_ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

impl Handle<op::CreateSecret> for Secrets {
    async fn access(&self, cx: &Cx, input: &s::CreateSecretRequest) -> Result<Vec<Access>> {
        let mut access =
            Access::to("secretsmanager:CreateSecret").request_tags(borrowed(input.tags.as_ref()));
        access.resource = self.guess(cx, &input.name).into();
        let others = access.clone();
        access = access.key("secretsmanager:Name", input.name.as_str());
        if let Some(description) = &input.description {
            access = access.key("secretsmanager:Description", description.as_str());
        }
        if let Some(key) = &input.kms_key_id {
            access = access.key("secretsmanager:KmsKeyId", key.as_str());
        }
        let mut all = vec![access];
        if input.tags.as_ref().is_some_and(|tags| !tags.is_empty()) {
            all.push(Access { action: "secretsmanager:TagResource", ..others.clone() });
        }
        if let Some(regions) = &input.add_replica_regions {
            let regions = regions.iter().filter_map(|one| one.region.clone()).collect();
            let keys = Vec::new();
            let replicate = Access { action: "secretsmanager:ReplicateSecretToRegions", keys, ..others };
            all.push(replicate.keys("secretsmanager:AddReplicaRegions", regions));
        }
        Ok(all)
    }

    async fn call(&self, cx: &Cx, input: s::CreateSecretRequest) -> Result<s::CreateSecretResponse> {
        if input.r#type.is_some() || input.cross_account_primary_arn.is_some() {
            return Err(error::request(
                "Managed external secrets and cross-account replicas are not supported.",
            ));
        }
        check_token(cx.http().is_some(), input.client_request_token.as_deref())?;
        check_name(&input.name)?;
        let tags = parse_tags(input.tags)?;
        let value = value(input.secret_string, input.secret_binary)?;
        let token = token(self, input.client_request_token);
        let name = SecretName { account: cx.account(), region: cx.region(), name: input.name };
        if let Some(found) = self.find_exact(cx, &name).await? {
            return self.made_before(cx, found, &token, value).await;
        }
        let key = input.kms_key_id.filter(|key| !key.is_empty());
        if let Some(key) = &key {
            self.check_key(cx, cx.region(), key).await?;
        }
        let now_ms = cx.now().millis();
        let mut record = SecretRecord {
            suffix: self.platform.env.rng.text(SUFFIX_ALPHABET, SUFFIX_LENGTH),
            description: input.description,
            kms_key_id: key.clone(),
            created_ms: now_ms,
            changed_ms: now_ms,
            tags: tags.iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect(),
            ..Default::default()
        };
        let arn = name.arn(&record.suffix);
        let mut values = Values::default();
        if let Some(value) = &value {
            let sealed = self.encrypt(cx, cx.region(), key.as_deref(), (arn.as_str(), &token), value).await?;
            values.put.push((token.clone(), sealed));
            let version =
                VersionRecord { created_ms: now_ms, kms_key_id: key, has_value: true, ..Default::default() };
            versions::add(&mut record, &token, version, &[CURRENT.to_owned()])?;
        }
        self.state.create(&name, &record, &values).await?;
        let mut answer = s::CreateSecretResponse {
            arn: Some(arn.to_string()),
            name: Some(name.name.clone()),
            version_id: value.map(|_| token),
            replication_status: None,
        };
        if let Some(regions) = input.add_replica_regions {
            let found = Found { name, record, arn };
            let overwrite = input.force_overwrite_replica_secret.unwrap_or(false);
            answer.replication_status = Some(self.replicate(cx, &found, regions, overwrite).await?);
        }
        Ok(answer)
    }
}

impl Secrets {
    async fn find_exact(&self, cx: &Cx, name: &SecretName) -> Result<Option<Found>> {
        Ok(self.find(cx, &name.name).await?.filter(|found| found.name == *name))
    }

    /// A retry of what has been done is answered as then; anything else is refused.
    async fn made_before(
        &self,
        cx: &Cx,
        found: Found,
        token: &str,
        value: Option<Value>,
    ) -> Result<s::CreateSecretResponse> {
        if found.record.deletion.is_some() {
            return Err(error::name_scheduled_for_deletion());
        }
        let same = match (&value, found.record.versions.contains_key(token)) {
            (Some(value), true) => self.has_value(cx, &found, token, value).await?,
            _ => false,
        };
        if !same {
            return Err(error::exists(&found.name.name));
        }
        Ok(s::CreateSecretResponse {
            arn: Some(found.arn.to_string()),
            name: Some(found.name.name),
            version_id: Some(token.to_owned()),
            replication_status: found.record.primary_region.as_ref().map(|_| statuses(&found.record)),
        })
    }

    /// Whether a version has this value.
    pub(super) async fn has_value(&self, cx: &Cx, found: &Found, id: &str, value: &Value) -> Result<bool> {
        let Some(sealed) = self.state.value(&found.name, id).await? else { return Ok(false) };
        Ok(self.decrypt(cx, found.name.region, (found.arn.as_str(), id), &sealed).await? == *value)
    }
}

/// SDKs make up a token where the caller gives none. Who writes requests by hand must give one; what calls within the
/// cloud need not.
pub(crate) fn check_token(by_http: bool, given: Option<&str>) -> Result<()> {
    if given.is_none() && by_http { Err(error::no_token()) } else { Ok(()) }
}

pub(super) fn token(secrets: &Secrets, given: Option<String>) -> String {
    given.unwrap_or_else(|| secrets.platform.env.rng.uuid())
}

/// The one value that a request has.
pub(super) fn value(text: Option<String>, binary: Option<haneul_shape::Bytes>) -> Result<Option<Value>> {
    match (text, binary) {
        (Some(_), Some(_)) => {
            Err(error::parameter("You can't specify both a SecretString and a SecretBinary."))
        }
        (Some(text), None) if text.len() > 65_536 => {
            Err(error::parameter("Invalid SecretString. The value must not be longer than 65536 bytes."))
        }
        (Some(text), None) => Ok(Some(Value { binary: false, bytes: text.into_bytes() })),
        (None, Some(bytes)) => Ok(Some(Value { binary: true, bytes: bytes.to_vec() })),
        (None, None) => Ok(None),
    }
}

fn check_name(name: &str) -> Result<()> {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"-/_+=.@!".contains(&b);
    match name.bytes().all(allowed) {
        true => Ok(()),
        false => Err(error::validation(
            "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!",
        )),
    }
}

pub(super) fn borrowed(tags: Option<&Vec<s::Tag>>) -> impl Iterator<Item = (&str, &str)> {
    tags.into_iter()
        .flatten()
        .map(|tag| (tag.key.as_deref().unwrap_or_default(), tag.value.as_deref().unwrap_or_default()))
}

pub(super) fn parse_tags(tags: Option<Vec<s::Tag>>) -> Result<Tags> {
    let pairs = tags.unwrap_or_default().into_iter();
    let pairs = pairs.map(|tag| (tag.key.unwrap_or_default(), tag.value.unwrap_or_default()));
    Tags::from_request(pairs).map_err(refused_tags)
}

pub(super) fn refused_tags(invalid: InvalidTags) -> haneul_kit::ApiError {
    match invalid {
        InvalidTags::TooMany => error::limit("The maximum number of tags of the secret is 50."),
        InvalidTags::Duplicate(key) => error::parameter(format!("Duplicate tag key {key}.")),
        InvalidTags::Reserved(key) => {
            error::parameter(format!("Tag key {key} is reserved: it must not begin with aws:."))
        }
        InvalidTags::Key(key) | InvalidTags::Value(key) | InvalidTags::Character(key) => {
            error::parameter(format!("The tag with the key {key} is not valid."))
        }
    }
}
