//! Delivers the rows of queries to S3: a compressed file of CSV, and a file that signs it. A crash repeats both under their names.
//!
//! Source: CloudTrail User Guide, "Get and download saved query results", "CloudTrail sign file structure".

use std::io::Write;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use haneul_kit::{ApiError, Fault, Instant, Result};
use haneul_roles::is_denial;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::deliver::day;
use crate::CloudTrail;
use crate::calls::ResultFile;
use crate::lake::parse;
use crate::model::{Delivery, Query};
use crate::names::store_arn;
use crate::store::TrailKey;

/// After a failure that may pass.
const RETRY: Duration = Duration::from_secs(60);

impl CloudTrail {
    /// When to try again, if that is to be.
    pub(crate) async fn deliver_results(&self, key: &TrailKey, query: &Query) -> Result<Option<Instant>> {
        let Some(delivery) = &query.delivery else { return Ok(None) };
        let status = match self.deliver_result_files(key, query, delivery).await {
            Ok(()) => "SUCCESS",
            Err((_, error)) if error.fault() == Fault::Server => {
                tracing::warn!(query = key.2, %error, "results of a query could not be delivered");
                return Ok(Some(self.platform.env.now() + RETRY));
            }
            Err((_, error)) if error.code() == "NoSuchBucket" => "RESOURCE_NOT_FOUND",
            Err((false, error)) if is_denial(&error) => "ACCESS_DENIED",
            Err((true, error)) if is_denial(&error) => "ACCESS_DENIED_SIGNING_FILE",
            Err((false, _)) => "FAILED",
            Err((true, _)) => "FAILED_SIGNING_FILE",
        };
        self.note_delivery(key, status).await?;
        Ok(None)
    }

    /// An error says whether it was of the file that signs.
    async fn deliver_result_files(
        &self,
        key: &TrailKey,
        query: &Query,
        delivery: &Delivery,
    ) -> std::result::Result<(), (bool, ApiError)> {
        let of_rows = |error| (false, error);
        let of_sign = |error| (true, error);
        let store = store_arn(key.0, key.1, &query.store);
        let finished = Instant::from_millis(delivery.finished_ms);
        let directory =
            format!("{}AWSLogs/{}/CloudTrail-Lake/Query/{}/{}", delivery.prefix, key.0, day(finished), key.2);
        let bytes = self.csv(key, query).await.map_err(of_rows)?;
        let hash = hex::encode(Sha256::digest(&bytes));
        let name = "result_1.csv.gz";
        let file = ResultFile {
            key: format!("{directory}/{name}"),
            bytes,
            content_type: "application/x-gzip",
            md5: None,
        };
        self.put_result(delivery, &store, file).await.map_err(of_rows)?;
        let signer = self.signer(finished).await.map_err(of_sign)?;
        // Signed are the hashes of all files, with spaces between.
        let signature = signer.sign(hash.as_bytes()).map_err(of_sign)?;
        let sign = json!({
            "version": "1.0",
            "region": key.1.as_str(),
            "files": [{ "fileHashValue": hash, "fileName": name }],
            "hashAlgorithm": "SHA-256",
            "signatureAlgorithm": "SHA256withRSA",
            "queryCompleteTime": finished.iso8601(),
            "hashSignature": signature,
            "publicKeyFingerprint": signer.fingerprint,
        });
        let file = ResultFile {
            key: format!("{directory}/result_sign.json"),
            bytes: sign.to_string().into_bytes(),
            content_type: "application/json",
            md5: None,
        };
        self.put_result(delivery, &store, file).await.map_err(of_sign)
    }

    /// Compressed while it is read page by page.
    async fn csv(&self, key: &TrailKey, query: &Query) -> Result<Vec<u8>> {
        let mut out = GzEncoder::new(Vec::new(), Compression::default());
        // The names of the columns are there even if no row is.
        let plan = parse(&query.text, Instant::from_millis(query.created_ms)).map_err(ApiError::internal)?;
        let mut text = String::new();
        line(&mut text, plan.columns.iter().map(|name| Some(name.as_str())));
        for at in 0..query.pages.len() {
            for row in self.result_page(&key.2, at).await?.0 {
                line(&mut text, row.iter().map(|(_, value)| value.as_deref()));
            }
            out.write_all(text.as_bytes()).map_err(ApiError::internal)?;
            text.clear();
        }
        out.write_all(text.as_bytes()).map_err(ApiError::internal)?;
        out.finish().map_err(ApiError::internal)
    }
}

/// RFC 4180; NULL is nothing.
fn line<'a>(out: &mut String, values: impl Iterator<Item = Option<&'a str>>) {
    for (at, value) in values.enumerate() {
        if at > 0 {
            out.push(',');
        }
        let value = value.unwrap_or_default();
        if value.contains([',', '"', '\n', '\r']) {
            out.push('"');
            out.push_str(&value.replace('"', "\"\""));
            out.push('"');
        } else {
            out.push_str(value);
        }
    }
    out.push('\n');
}
