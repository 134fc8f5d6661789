//! Digest files: each names the log files of an hour with their hashes, and the digest before it; each is signed.
//!
//! Source: CloudTrail User Guide, "CloudTrail digest file structure".

use std::collections::BTreeSet;

use haneul_kit::{AccountId, ApiError, Instant, Region, Result};
use haneul_store::{Range, Reads};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::deliver::{day, directory, gzip};
use crate::CloudTrail;
use crate::calls::File;
use crate::model::{CHAINS, Chain, FILES, LogFile, Trail};
use crate::names::trail_arn;
use crate::store::{PAGE, TrailKey};

const HOUR_MS: i64 = 3_600_000;
/// Hours without files that are made up for one by one; more become one digest.
const BEHIND_MAX: i64 = 48;
const ALGORITHM: &str = "SHA256withRSA";

type FileKey = (String, AccountId, Region, i64, String);

impl CloudTrail {
    /// Writes the digests whose hour is over. The answer tells when the next one is.
    pub(crate) async fn digest_due(&self, now: Instant) -> Result<Option<Instant>> {
        let mut next: Option<Instant> = None;
        for (key, trail) in self.every_trail().await? {
            let Some(since_ms) = trail.validating_since_ms.filter(|_| trail.validation) else { continue };
            match self.digest_trail(&key, &trail, since_ms, now).await {
                Ok(due) => next = [next, due].into_iter().flatten().min(),
                Err(error) => {
                    tracing::warn!(trail = key.2, %error, "a trail's digest could not be delivered");
                    let code = error.code().to_owned();
                    self.note_status(&trail.id, |status| status.digest_error = Some(code.clone())).await?;
                    let retry = Instant::from_millis(now.millis() + 300_000);
                    next = [next, Some(retry)].into_iter().flatten().min();
                }
            }
        }
        Ok(next)
    }

    async fn digest_trail(
        &self,
        key: &TrailKey,
        trail: &Trail,
        since_ms: i64,
        now: Instant,
    ) -> Result<Option<Instant>> {
        let store = &self.platform.store;
        let of_trail = || Range::prefix((trail.id.clone(),));
        let mut groups: BTreeSet<(AccountId, Region)> = BTreeSet::new();
        if trail.logging {
            groups.insert((key.0, key.1));
            let chains = store.scan_keys(&CHAINS, of_trail(), PAGE).await?;
            groups.extend(chains.into_iter().map(|(_, account, region)| (account, region)));
        }
        let files = store.scan_keys(&FILES, Range::prefix((trail.id.clone(),)), PAGE).await?;
        groups.extend(files.into_iter().map(|(_, account, region, _, _)| (account, region)));
        let mut next = None;
        for (account, region) in groups {
            let chain_key = (trail.id.clone(), account, region);
            loop {
                let chain = store.get(&CHAINS, &chain_key).await?;
                let start_ms = chain.as_ref().map_or(since_ms, |chain| chain.end_ms);
                if start_ms + HOUR_MS > now.millis() {
                    let due = Instant::from_millis(start_ms + HOUR_MS);
                    next = [next, Some(due)].into_iter().flatten().min();
                    break;
                }
                let range = Range::prefix((trail.id.clone(), account, region));
                let waiting: Vec<(FileKey, LogFile)> = store.scan(&FILES, range, PAGE).await?;
                if waiting.is_empty() && !trail.logging {
                    break;
                }
                let hours = (now.millis() - start_ms) / HOUR_MS;
                let end_ms = match waiting.first() {
                    None if hours > BEHIND_MAX => start_ms + hours * HOUR_MS,
                    Some(first) if (first.0.3 - start_ms) / HOUR_MS > BEHIND_MAX => {
                        start_ms + (first.0.3 - start_ms) / HOUR_MS * HOUR_MS
                    }
                    _ => start_ms + HOUR_MS,
                };
                let files = waiting.into_iter().filter(|(key, _)| key.3 <= end_ms).collect();
                self.write_digest(key, trail, (account, region), chain, (start_ms, end_ms), files).await?;
            }
        }
        Ok(next)
    }

    async fn write_digest(
        &self,
        key: &TrailKey,
        trail: &Trail,
        (account, region): (AccountId, Region),
        before: Option<Chain>,
        (start_ms, end_ms): (i64, i64),
        files: Vec<(FileKey, LogFile)>,
    ) -> Result<()> {
        let end = Instant::from_millis(end_ms);
        let signer = self.signer(end).await?;
        let (day, name, home) = (day(end), &key.2, key.1);
        let object = format!(
            "{}/CloudTrail-Digest/{region}/{day}/{account}_CloudTrail-Digest_{region}_{name}_{home}_{}.json.gz",
            directory(trail, account),
            end.basic()
        );
        let time = |at_ms: Option<i64>| at_ms.map(|at_ms| Instant::from_millis(at_ms).iso8601());
        let log_files: Vec<Value> = files
            .iter()
            .map(|(_, file)| {
                json!({
                    "s3Bucket": file.bucket,
                    "s3Object": file.key,
                    "hashValue": file.hash,
                    "hashAlgorithm": "SHA-256",
                    "newestEventTime": time(Some(file.newest_ms)),
                    "oldestEventTime": time(Some(file.oldest_ms)),
                })
            })
            .collect();
        let content = json!({
            "awsAccountId": account.to_string(),
            "digestStartTime": time(Some(start_ms)),
            "digestEndTime": time(Some(end_ms)),
            "digestS3Bucket": trail.bucket,
            "digestS3Object": object,
            "digestPublicKeyFingerprint": signer.fingerprint,
            "digestSignatureAlgorithm": ALGORITHM,
            "newestEventTime": time(files.iter().map(|(_, file)| file.newest_ms).max()),
            "oldestEventTime": time(files.iter().map(|(_, file)| file.oldest_ms).min()),
            "previousDigestS3Bucket": before.as_ref().map(|before| &before.bucket),
            "previousDigestS3Object": before.as_ref().map(|before| &before.key),
            "previousDigestHashValue": before.as_ref().map(|before| &before.hash),
            "previousDigestHashAlgorithm": before.as_ref().map(|_| "SHA-256"),
            "previousDigestSignature": before.as_ref().map(|before| &before.signature),
            "logFiles": log_files,
        });
        let text = content.to_string();
        let hash = hex::encode(Sha256::digest(text.as_bytes()));
        let previous = before.as_ref().map_or("null", |before| &before.signature);
        let signed = format!("{}\n{}/{object}\n{hash}\n{previous}", end.iso8601(), trail.bucket);
        let signature = signer.sign(signed.as_bytes())?;
        let metadata = vec![("signature", signature.clone()), ("signature-algorithm", ALGORITHM.to_owned())];
        let file = File { key: object.clone(), gzip: gzip(text.as_bytes())?, metadata };
        self.put_file(trail, &trail_arn(key.0, key.1, &key.2), file).await?;
        let chain = &Chain { end_ms, bucket: trail.bucket.clone(), key: object, hash, signature };
        let (files, chain_key) = (&files, &(trail.id.clone(), account, region));
        self.platform
            .store
            .transact(|tx| async move {
                files.iter().try_for_each(|(key, _)| tx.delete(&FILES, key))?;
                tx.put(&CHAINS, chain_key, chain)?;
                Ok::<_, ApiError>(())
            })
            .await?;
        let now_ms = self.platform.env.now().millis();
        self.note_status(&trail.id, |status| {
            status.digest_error = None;
            status.digest_ms = Some(now_ms);
        })
        .await
    }
}
