use haneul_kit::{Cx, Instant};
use haneul_kms_wire::shapes as s;

use crate::access::origin;
use crate::model::{KeyName, KeyRecord, KeyState, MultiRegion};
use crate::spec::{ENCAPSULATE_DECAPSULATE, ENCRYPT_DECRYPT, KEY_AGREEMENT, SIGN_VERIFY, Spec};

/// A key as DescribeKey and CreateKey show it.
pub(crate) fn metadata(cx: &Cx, name: &KeyName, record: &KeyRecord) -> s::KeyMetadata {
    let state = record.state(cx.now());
    let spec = record.spec();
    let usage = record.usage.as_str();
    let current = record.current().filter(|material| material.is_there(cx.now()));
    let expiring = current.filter(|_| record.imported);
    let deletion = record.deletion.as_ref();
    s::KeyMetadata {
        aws_account_id: Some(name.account.to_string()),
        key_id: name.id.clone(),
        arn: Some(name.arn().to_string()),
        creation_date: Some(Instant::from_millis(record.created_ms)),
        enabled: Some(state == KeyState::Enabled),
        description: Some(record.description.clone()),
        key_usage: Some(record.usage.clone()),
        key_state: Some(state.as_str().into()),
        deletion_date: deletion.and_then(|deletion| deletion.at_ms).map(Instant::from_millis),
        pending_deletion_window_in_days: deletion.filter(|d| d.at_ms.is_none()).map(|d| d.window_days),
        valid_to: expiring.and_then(|material| material.valid_to_ms).map(Instant::from_millis),
        expiration_model: expiring.map(|material| expiration_model(material.valid_to_ms).into()),
        origin: Some(origin(record.imported).into()),
        key_manager: Some(if record.aws_managed { "AWS" } else { "CUSTOMER" }.into()),
        customer_master_key_spec: Some(record.spec.clone()),
        key_spec: Some(record.spec.clone()),
        encryption_algorithms: algorithms(usage == ENCRYPT_DECRYPT, spec.encryption_algorithms()),
        signing_algorithms: algorithms(usage == SIGN_VERIFY, spec.signing_algorithms()),
        key_agreement_algorithms: algorithms(usage == KEY_AGREEMENT, &["ECDH"]),
        encapsulation_algorithms: algorithms(usage == ENCAPSULATE_DECAPSULATE, &["ML_KEM"]),
        mac_algorithms: algorithms(true, spec.mac_algorithms()),
        multi_region: Some(record.multi_region.is_some()),
        multi_region_configuration: record.multi_region.as_ref().map(|multi| configuration(name, multi)),
        current_key_material_id: record
            .current()
            .filter(|_| spec == Spec::Symmetric)
            .map(|material| material.id.clone()),
        ..Default::default()
    }
}

pub(crate) fn algorithms(apply: bool, names: &[&str]) -> Option<Vec<String>> {
    (apply && !names.is_empty()).then(|| names.iter().map(|name| (*name).to_owned()).collect())
}

pub(crate) fn expiration_model(valid_to_ms: Option<i64>) -> &'static str {
    if valid_to_ms.is_some() { "KEY_MATERIAL_EXPIRES" } else { "KEY_MATERIAL_DOES_NOT_EXPIRE" }
}

fn configuration(name: &KeyName, multi: &MultiRegion) -> s::MultiRegionConfiguration {
    let key = |region: &String| s::MultiRegionKey {
        arn: region.parse().ok().map(|region| name.in_region(region).arn().to_string()),
        region: Some(region.clone()),
    };
    let is_primary = multi.primary == name.region.as_str();
    s::MultiRegionConfiguration {
        multi_region_key_type: Some(if is_primary { "PRIMARY" } else { "REPLICA" }.into()),
        primary_key: Some(key(&multi.primary)),
        replica_keys: Some(multi.replicas.iter().map(key).collect()),
    }
}
