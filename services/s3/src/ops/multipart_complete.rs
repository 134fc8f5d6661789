use haneul_kit::{Access, Cx, Handle, Result};
use haneul_s3_wire::operations::CompleteMultipartUpload;
use haneul_s3_wire::shapes::{CompleteMultipartUploadOutput, CompleteMultipartUploadRequest, CompletedPart};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::multipart_upload::part_number;
use crate::checksum::Kind;
use crate::checksum::wire::{claim, show};
use crate::conditions::WriteConditions;
use crate::encryption::Shown;
use crate::headers::creation_key;
use crate::store::assembly::{ListedPart, Whole};
use crate::store::uploads::Completion;
use crate::store::watch::By;
use crate::{S3, error, names};

impl Handle<CompleteMultipartUpload> for S3 {
    async fn access(&self, cx: &Cx, input: &CompleteMultipartUploadRequest) -> Result<Vec<Access>> {
        let bucket = self.bucket_to_write(cx, &input.bucket, &input.expected_bucket_owner).await?;
        let put = bucket.object_access(cx, "s3:PutObject", &input.key);
        let conditions = [("s3:if-match", &input.if_match), ("s3:if-none-match", &input.if_none_match)];
        Ok(vec![crate::headers::write_keys(creation_key(put, true), &conditions)])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: CompleteMultipartUploadRequest,
    ) -> Result<CompleteMultipartUploadOutput> {
        let bucket = self.bucket_to_write(cx, &input.bucket, &input.expected_bucket_owner).await?;
        names::check_key(&input.key)?;
        let claim = claim!(input)?;
        let kind = input.checksum_type.as_deref().map(Kind::parse).transpose()?;
        let size = input.mpu_object_size.and_then(|size| u64::try_from(size).ok());
        let none = || error::invalid_request("You must specify at least one part");
        let parts = input.multipart_upload.ok_or_else(none)?.parts.unwrap_or_default();
        let listed: Vec<ListedPart> = parts.into_iter().map(listed).collect::<Result<_>>()?;
        let conditions = WriteConditions::of_write(input.if_match, input.if_none_match)?;
        let watch = self.watch(cx, &bucket, By::CompleteMultipartUpload);
        let completion = Completion {
            at: bucket.upload(&input.key, &input.upload_id),
            listed: &listed,
            whole: &Whole { claim, kind, size },
            conditions: &conditions,
            now: cx.now(),
            random: self.platform.env.rng.bytes(),
            manifest_id: self.content.data_id(),
            watch: &watch,
        };
        let (done, freed) = self.records.complete_upload(&completion).await?;
        self.content.free(freed).await;
        let is_virtual = cx.http().is_some_and(|http| http.bucket.is_some());
        let mut output = CompleteMultipartUploadOutput {
            location: Some(location(&cx.endpoint(), is_virtual, &bucket.name, &input.key)),
            bucket: Some(bucket.name.clone()),
            e_tag: Some(format!("\"{}\"", done.etag)),
            version_id: done.version_id,
            key: Some(input.key),
            ..CompleteMultipartUploadOutput::default()
        };
        let shown = Shown::of(done.sealed.as_ref());
        output.server_side_encryption = shown.algorithm;
        output.ssekms_key_id = shown.kms_key;
        output.bucket_key_enabled = shown.bucket_key;
        if let Some(sum) = done.checksum {
            output.checksum_type = Some(sum.kind.as_str().to_owned());
            show!(output, sum.algorithm, sum.value);
        }
        Ok(output)
    }
}

fn listed(part: CompletedPart) -> Result<ListedPart> {
    let (Some(number), Some(etag)) = (part.part_number, part.e_tag.clone()) else {
        return Err(error::malformed_xml());
    };
    if number < 1 {
        let message = "PartNumber must be >= 1";
        return Err(error::invalid_argument(message, "PartNumber", number.to_string()));
    }
    part_number(number)?;
    Ok(ListedPart { number, etag, claim: claim!(part)? })
}

/// The object's URL below an endpoint, whose host may name the bucket already. S3 encodes the key as Java's URLEncoder does
/// (HTML 4.01, section 17.13.4.1).
pub(super) fn location(endpoint: &str, is_virtual: bool, bucket: &str, key: &str) -> String {
    const CODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'*');
    let key = utf8_percent_encode(key, CODED).to_string().replace("%20", "+");
    if is_virtual { format!("{endpoint}/{key}") } else { format!("{endpoint}/{bucket}/{key}") }
}

#[cfg(test)]
mod tests {
    #[test]
    fn location() {
        for (key, expected) in
            [("k", "k"), ("a/b c+d", "a%2Fb+c%2Bd"), ("%20~*._-", "%2520%7E*._-"), ("é", "%C3%A9")]
        {
            assert_eq!(super::location("http://h", false, "bkt", key), format!("http://h/bkt/{expected}"));
            assert_eq!(super::location("http://bkt.h", true, "bkt", key), format!("http://bkt.h/{expected}"));
        }
    }
}
