//! Sub-resources, such as the `?acl` of a bucket: their names in logs and refusals, and where there is none.

use std::borrow::Cow;

use haneul_kit::{ApiError, RequestHead, Result};
use http::Method;
use percent_encoding::percent_decode_str;

use crate::error;

/// What a query says that it is about.
const NAMES: &[(&str, &str)] = &[
    ("uploads", "UPLOADS"),
    ("acl", "ACL"),
    ("tagging", "TAGGING"),
    ("versions", "BUCKETVERSIONS"),
    ("versioning", "VERSIONING"),
    ("policy", "BUCKETPOLICY"),
    ("policyStatus", "BUCKETPOLICYSTATUS"),
    ("logging", "LOGGING_STATUS"),
    ("location", "LOCATION"),
    ("lifecycle", "LIFECYCLE"),
    ("notification", "NOTIFICATION"),
    ("website", "WEBSITE"),
    ("cors", "CORS"),
    ("encryption", "ENCRYPTION"),
    ("replication", "REPLICATION"),
    ("accelerate", "ACCELERATE"),
    ("requestPayment", "REQUEST_PAYMENT"),
    ("publicAccessBlock", "PUBLIC_ACCESS_BLOCK"),
    ("ownershipControls", "OWNERSHIP_CONTROLS"),
    ("object-lock", "OBJECT_LOCK_CONFIGURATION"),
    ("retention", "OBJECT_LOCK_RETENTION"),
    ("legal-hold", "OBJECT_LOCK_LEGALHOLD"),
    ("restore", "OBJECT_RESTORE"),
    ("attributes", "OBJECT_ATTRIBUTES"),
    ("inventory", "INVENTORY"),
    ("metrics", "METRICS"),
    ("analytics", "ANALYTICS"),
    ("intelligent-tiering", "INTELLIGENT_TIERING"),
];

/// Those that logs have no name for.
const UNNAMED: &[&str] = &[
    "abac",
    "annotation",
    "delete",
    "metadataAnnotationTable",
    "metadataConfiguration",
    "metadataInventoryTable",
    "metadataJournalTable",
    "metadataTable",
    "renameObject",
    "select",
    "session",
    "torrent",
];

/// The name that S3 has for the sub-resource among these names of parameters.
pub(crate) fn named<S: AsRef<str>>(parameters: &[S], is_object: bool) -> Option<&'static str> {
    let has = |name: &str| parameters.iter().any(|parameter| parameter.as_ref() == name);
    match NAMES.iter().find(|(name, _)| has(name))?.1 {
        "TAGGING" if is_object => Some("OBJECT_TAGGING"),
        name => Some(name),
    }
}

/// The names of the parameters of a query.
pub(crate) fn parameters(http: &RequestHead) -> Vec<Cow<'_, str>> {
    let pairs = http.uri.query().unwrap_or_default().split('&');
    pairs
        .map(|pair| percent_decode_str(pair.split('=').next().unwrap_or_default()).decode_utf8_lossy())
        .collect()
}

/// Refuses what the model would take for a request of the bucket or object itself, because it knows no such method of
/// the sub-resource: `DELETE /bucket?acl` is not to delete the bucket.
pub(crate) fn check(http: &RequestHead, operation: &str) -> Result<()> {
    let is_object = match operation {
        "ListObjects" | "HeadBucket" | "CreateBucket" | "DeleteBucket" => false,
        "GetObject" | "HeadObject" | "PutObject" | "CopyObject" | "DeleteObject" => true,
        // Posted to an object, as long as nothing says what.
        "CompleteMultipartUpload" => true,
        _ => return Ok(()),
    };
    // As most requests are.
    if http.uri.query().is_none() && operation != "CompleteMultipartUpload" {
        return Ok(());
    }
    let names = parameters(http);
    if operation == "CompleteMultipartUpload" {
        let of_upload = names.iter().any(|name| name == "uploadId");
        return if of_upload { Ok(()) } else { Err(refused(http, named(&names, true).unwrap_or("OBJECT"))) };
    }
    match named(&names, is_object) {
        None if names.iter().any(|name| UNNAMED.contains(&name.as_ref())) => {
            Err(refused(http, if is_object { "OBJECT" } else { "BUCKET" }))
        }
        None => Ok(()),
        Some("BUCKETVERSIONS") if is_object && http.method == Method::GET => {
            Err(error::invalid_request("There is no such thing as the ?versions sub-resource for a key"))
        }
        Some("UPLOADS") if is_object && http.method == Method::GET => {
            Err(error::invalid_request("Key is not expected for the GET method ?uploads subresource"))
        }
        Some("LOGGING_STATUS") if is_object => Err(error::new(
            "NoLoggingStatusForKey",
            400,
            "There is no such thing as the ?logging sub-resource for a key",
        )),
        Some(name) => Err(refused(http, name)),
    }
}

fn refused(http: &RequestHead, kind: &str) -> ApiError {
    error::method_not_allowed_of(http.method.as_str(), kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_the_model_has_are_known() {
        let model = haneul_wire::model(&haneul_s3_wire::SERVICE);
        let queries = model.operations.iter().flat_map(|operation| operation.uri.query.iter());
        let names: Vec<_> = queries.filter(|(_, value)| value.is_empty()).map(|(name, _)| *name).collect();
        assert!(names.len() > 60, "{names:?}");
        for name in names {
            assert!(NAMES.iter().any(|(known, _)| *known == name) != UNNAMED.contains(&name), "{name}");
        }
    }
}
