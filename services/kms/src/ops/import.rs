use std::sync::Arc;

use haneul_kit::{Access, Cx, Handle, Instant, Result};
use haneul_kms_wire::operations as op;
use haneul_kms_wire::shapes as s;

use crate::access::Ask;
use crate::crypto::material::{self, Secret};
use crate::crypto::{Material, wrapping};
use crate::error;
use crate::kms::{Kms, check_not_pending_deletion};
use crate::live::LiveKey;
use crate::model::{KeyRecord, MaterialRecord, MaterialState};
use crate::spec::Spec;
use crate::store::DAY_MS;

/// How long a wrapping key and its token can be used.
const VALID_MS: i64 = DAY_MS;

/// Imported material expires within a year.
const VALID_TO_MAX_MS: i64 = 365 * DAY_MS;

const PURPOSE: &str = "kms.import";

/// What an import token says: whoever holds it can do nothing with it but give it back.
struct Token {
    arn: String,
    algorithm: String,
    valid_to_ms: i64,
    /// The private wrapping key, PKCS #8.
    pkcs8: Vec<u8>,
}

impl Handle<op::GetParametersForImport> for Kms {
    async fn access(&self, cx: &Cx, input: &s::GetParametersForImportRequest) -> Result<Vec<Access>> {
        let access = self.ask(cx, Ask::own("kms:GetParametersForImport", &input.key_id)).await?;
        Ok(vec![
            access
                .key("kms:WrappingAlgorithm", input.wrapping_algorithm.as_str())
                .key("kms:WrappingKeySpec", input.wrapping_key_spec.as_str()),
        ])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::GetParametersForImportRequest,
    ) -> Result<s::GetParametersForImportResponse> {
        let key = self.external(cx, &input.key_id, "GetParametersForImport").await?;
        let algorithm = input.wrapping_algorithm;
        let wrapper = Spec::parse(&input.wrapping_key_spec).filter(|spec| matches!(spec, Spec::Rsa(_)));
        let (Some(wrapper), true) = (wrapper, wrapping::ALGORITHMS.contains(&algorithm.as_str())) else {
            return Err(error::unsupported(format!(
                "WrappingAlgorithm {algorithm} with WrappingKeySpec {} is not supported.",
                input.wrapping_key_spec
            )));
        };
        if matches!(key.record.spec(), Spec::Rsa(_)) && algorithm.starts_with("RSAES") {
            return Err(error::validation(format!(
                "WrappingAlgorithm {algorithm} cannot wrap key material of KeySpec {}.",
                key.record.spec
            )));
        }
        let pkcs8 = material::generate(self.env(), wrapper).await.map_err(error::broken)?;
        let public = Material::load(wrapper, &pkcs8).map_err(error::broken)?;
        let valid_to_ms = cx.now().millis() + VALID_MS;
        let token = Token { arn: key.name.arn().to_string(), algorithm, valid_to_ms, pkcs8: pkcs8.to_vec() };
        let content = encode(&token);
        Ok(s::GetParametersForImportResponse {
            key_id: Some(token.arn),
            import_token: Some(self.state.seal.seal(PURPOSE, &content).into_bytes().into()),
            public_key: public.public_key().map(|public| public.to_vec().into()),
            parameters_valid_to: Some(Instant::from_millis(valid_to_ms)),
        })
    }
}

impl Handle<op::ImportKeyMaterial> for Kms {
    async fn access(&self, cx: &Cx, input: &s::ImportKeyMaterialRequest) -> Result<Vec<Access>> {
        let mut access = self.ask(cx, Ask::own("kms:ImportKeyMaterial", &input.key_id)).await?;
        let model = input.expiration_model.as_deref().unwrap_or("KEY_MATERIAL_EXPIRES");
        access = access.key("kms:ExpirationModel", model);
        Ok(vec![match input.valid_to {
            Some(valid_to) => access.key("kms:ValidTo", valid_to.iso8601()),
            None => access,
        }])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::ImportKeyMaterialRequest,
    ) -> Result<s::ImportKeyMaterialResponse> {
        let key = self.external(cx, &input.key_id, "ImportKeyMaterial").await?;
        let valid_to_ms = expiry(cx, input.expiration_model.as_deref(), input.valid_to)?;
        let secret = self.unwrap(cx, &key, &input.import_token, &input.encrypted_key_material)?;
        let spec = key.record.spec();
        Material::load(spec, &secret)
            .map_err(|_| error::incorrect_material("The key material is not of the key's KeySpec."))?;
        let id = self.state.material_id(&key.name, &secret).await?;
        if input.key_material_id.as_ref().is_some_and(|given| *given != id) {
            return Err(error::incorrect_material(
                "The key material does not match the specified KeyMaterialId.",
            ));
        }
        let material = MaterialRecord {
            sealed: Some(self.state.seal(&key.name, &id, &secret)),
            id: id.clone(),
            state: MaterialState::Current,
            rotated: None,
            valid_to_ms,
            description: input.key_material_description.clone(),
        };
        let first = key.record.materials.is_empty();
        let new = match input.import_type.as_deref() {
            Some(kind) => kind == "NEW_KEY_MATERIAL",
            None => first,
        };
        let known = self.is_of_primary(cx, &key, &id).await?;
        self.state
            .change_key(&key.name, |record| {
                check_not_pending_deletion(record.state(cx.now()), &key.name.arn())?;
                import(record, &key, material.clone(), new, known)
            })
            .await?;
        self.due.wake();
        let shown = (spec == Spec::Symmetric).then_some(id);
        Ok(s::ImportKeyMaterialResponse { key_id: Some(key.name.arn().to_string()), key_material_id: shown })
    }
}

impl Handle<op::DeleteImportedKeyMaterial> for Kms {
    async fn access(&self, cx: &Cx, input: &s::DeleteImportedKeyMaterialRequest) -> Result<Vec<Access>> {
        Ok(vec![self.ask(cx, Ask::own("kms:DeleteImportedKeyMaterial", &input.key_id)).await?])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::DeleteImportedKeyMaterialRequest,
    ) -> Result<s::DeleteImportedKeyMaterialResponse> {
        let key = self.external(cx, &input.key_id, "DeleteImportedKeyMaterial").await?;
        let given = input.key_material_id.as_ref();
        let deleted = self
            .state
            .change_key(&key.name, |record| {
                let wanted = given.cloned().or_else(|| record.current().map(|material| material.id.clone()));
                let Some(at) = record.materials.iter().position(|m| Some(&m.id) == wanted.as_ref()) else {
                    return match given {
                        Some(_) => Err(error::incorrect_material("The key has no such key material.")),
                        // There is none yet: as it should be.
                        None => Ok(None),
                    };
                };
                let material = &mut record.materials[at];
                material.sealed = None;
                material.valid_to_ms = None;
                if material.state == MaterialState::PendingRotation {
                    record.materials.remove(at);
                }
                Ok(wanted)
            })
            .await?;
        let shown = deleted.filter(|_| key.record.spec() == Spec::Symmetric);
        Ok(s::DeleteImportedKeyMaterialResponse {
            key_id: Some(key.name.arn().to_string()),
            key_material_id: shown,
        })
    }
}

impl Kms {
    async fn external(&self, cx: &Cx, key_id: &str, operation: &str) -> Result<Arc<LiveKey>> {
        let key = self.own_key(cx, key_id, operation).await?;
        if !key.record.imported {
            return Err(error::unsupported(format!(
                "{} origin is AWS_KMS which is not valid for this operation.",
                key.name.arn()
            )));
        }
        // Material may be deleted while the key waits for its own deletion.
        if operation != "DeleteImportedKeyMaterial" {
            check_not_pending_deletion(key.record.state(cx.now()), &key.name.arn())?;
        }
        Ok(key)
    }

    fn unwrap(&self, cx: &Cx, key: &LiveKey, token: &[u8], wrapped: &[u8]) -> Result<Secret> {
        let text = std::str::from_utf8(token).map_err(|_| error::import_token())?;
        let content = self.state.seal.open(PURPOSE, text).ok_or_else(error::import_token)?;
        let token = decode(&content).ok_or_else(error::import_token)?;
        if token.arn != key.name.arn().as_str() {
            return Err(error::import_token());
        }
        if cx.now().millis() >= token.valid_to_ms {
            return Err(error::import_token_expired());
        }
        wrapping::unwrap(&token.algorithm, &token.pkcs8, wrapped).map_err(|_| error::invalid_ciphertext())
    }

    /// Whether material with this id is the primary key's: a replica takes only that.
    async fn is_of_primary(&self, cx: &Cx, key: &LiveKey, id: &str) -> Result<Option<MaterialState>> {
        let Some(multi) =
            key.record.multi_region.as_ref().filter(|_| key.record.is_replica_in(key.name.region))
        else {
            return Ok(Some(MaterialState::Current));
        };
        let Ok(region) = multi.primary.parse() else { return Ok(None) };
        let primary = self.live(cx, &key.name.in_region(region)).await?;
        let found = primary.as_ref().and_then(|key| key.record.materials.iter().find(|m| m.id == id));
        Ok(found.map(|material| material.state))
    }
}

/// Adds or renews material. `known` is the state that it has at the primary key.
fn import(
    record: &mut KeyRecord,
    key: &LiveKey,
    material: MaterialRecord,
    new: bool,
    known: Option<MaterialState>,
) -> Result<()> {
    let is_replica = record.is_replica_in(key.name.region);
    if let Some(at) = record.materials.iter().position(|known| known.id == material.id) {
        if new {
            return Err(error::incorrect_material("The key material has been imported into the key before."));
        }
        let before = &record.materials[at];
        record.materials[at] = MaterialRecord {
            state: before.state,
            rotated: before.rotated,
            description: material.description.clone().or_else(|| before.description.clone()),
            ..material
        };
        return Ok(());
    }
    if is_replica {
        let Some(state) = known else {
            return Err(error::incorrect_material(
                "The key material is not the primary key's. Import it into the primary key first.",
            ));
        };
        record.materials.push(MaterialRecord { state, ..material });
        return Ok(());
    }
    let first = record.materials.is_empty();
    if !first && (!new || record.spec() != Spec::Symmetric) {
        return Err(error::incorrect_material(
            "The key material that was imported is not the one that the key had before.",
        ));
    }
    if record.materials.iter().any(|material| material.state == MaterialState::PendingRotation) {
        return Err(error::invalid_state(
            &key.name.arn(),
            "has key material that is pending rotation already",
        ));
    }
    let state = if first { MaterialState::Current } else { MaterialState::PendingRotation };
    record.materials.push(MaterialRecord { state, ..material });
    Ok(())
}

fn expiry(cx: &Cx, model: Option<&str>, valid_to: Option<Instant>) -> Result<Option<i64>> {
    match (model.unwrap_or("KEY_MATERIAL_EXPIRES"), valid_to) {
        ("KEY_MATERIAL_EXPIRES", Some(valid_to)) => {
            let ahead_ms = valid_to.millis() - cx.now().millis();
            match ahead_ms > 0 && ahead_ms <= VALID_TO_MAX_MS {
                true => Ok(Some(valid_to.millis())),
                false => Err(error::validation("ValidTo must be in the future and within 365 days.")),
            }
        }
        ("KEY_MATERIAL_EXPIRES", None) => Err(error::validation(
            "A validTo date must be set if the ExpirationModel is KEY_MATERIAL_EXPIRES",
        )),
        (_, None) => Ok(None),
        (_, Some(_)) => Err(error::validation(
            "ValidTo must be omitted if the ExpirationModel is KEY_MATERIAL_DOES_NOT_EXPIRE",
        )),
    }
}

/// Lengths and bytes: as JSON a token would be longer than an import token may be.
fn encode(token: &Token) -> Vec<u8> {
    let mut out = token.valid_to_ms.to_be_bytes().to_vec();
    for part in [token.arn.as_bytes(), token.algorithm.as_bytes(), &token.pkcs8] {
        out.extend_from_slice(&(part.len() as u32).to_be_bytes());
        out.extend_from_slice(part);
    }
    out
}

fn decode(content: &[u8]) -> Option<Token> {
    let (valid_to_ms, mut rest) = content.split_at_checked(8)?;
    let mut part = || {
        let (length, after) = rest.split_at_checked(4)?;
        let length = u32::from_be_bytes(length.try_into().ok()?) as usize;
        let (part, after) = after.split_at_checked(length)?;
        rest = after;
        Some(part.to_vec())
    };
    Some(Token {
        valid_to_ms: i64::from_be_bytes(valid_to_ms.try_into().ok()?),
        arn: String::from_utf8(part()?).ok()?,
        algorithm: String::from_utf8(part()?).ok()?,
        pkcs8: part()?,
    })
}
