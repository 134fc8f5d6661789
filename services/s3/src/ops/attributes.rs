use haneul_kit::{Access, Cx, Handle, Instant, Result};
use haneul_s3_wire::operations::GetObjectAttributes;
use haneul_s3_wire::shapes::{
    Checksum, GetObjectAttributesOutput, GetObjectAttributesParts, GetObjectAttributesRequest, ObjectPart,
};

use super::list_objects::limit;
use super::read::shown_version;
use crate::checksum::wire::show;
use crate::encryption::customer_key;
use crate::facts::Named;
use crate::model::{Body, Manifest};
use crate::{S3, error, names};

impl Handle<GetObjectAttributes> for S3 {
    async fn access(&self, cx: &Cx, input: &GetObjectAttributesRequest) -> Result<Vec<Access>> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        let named = Named { key: &input.key, version: input.version_id.as_deref() };
        let (read, attributes) = match named.version {
            Some(_) => ("s3:GetObjectVersion", "s3:GetObjectVersionAttributes"),
            None => ("s3:GetObject", "s3:GetObjectAttributes"),
        };
        let mut needed = self.object_access(cx, &bucket, read, named).await?;
        needed.push(self.write_access(cx, &bucket, attributes, named).await?);
        Ok(needed)
    }

    async fn call(&self, cx: &Cx, input: GetObjectAttributesRequest) -> Result<GetObjectAttributesOutput> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        names::check_key(&input.key)?;
        let wanted = wanted(&input.object_attributes)?;
        let named = Named { key: &input.key, version: input.version_id.as_deref() };
        let found = self.records.find(bucket.id(), named.key, named.version).await?;
        let (record, body) = self.readable(cx, found, named).await?;
        self.check_customer_key(body.sealed.as_ref(), &customer_key!(input))?;
        let has = |name: &str| wanted.iter().any(|wanted| wanted == name);
        let manifest = if has("ObjectParts") { self.manifest(&body.data).await? } else { None };
        let parts = match manifest {
            Some(manifest) => Some(parts(&body, manifest, &input)?),
            None => None,
        };
        Ok(GetObjectAttributesOutput {
            last_modified: Some(Instant::from_secs(record.modified_s)),
            version_id: shown_version(&bucket, &record),
            e_tag: has("ETag").then(|| body.etag.clone()),
            checksum: if has("Checksum") { checksum(&body) } else { None },
            object_parts: parts,
            storage_class: has("StorageClass").then(|| body.storage_class().to_owned()),
            object_size: has("ObjectSize").then_some(body.size as i64),
            ..GetObjectAttributesOutput::default()
        })
    }
}

/// The header may come as one value with commas.
fn wanted(attributes: &[String]) -> Result<Vec<String>> {
    let names: Vec<String> = attributes
        .iter()
        .flat_map(|names| names.split(','))
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
        .collect();
    let known = ["ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"];
    match names.iter().find(|name| !known.contains(&name.as_str())) {
        Some(unknown) => Err(error::invalid_argument(
            "Invalid attribute name specified.",
            "x-amz-object-attributes",
            unknown,
        )),
        None if names.is_empty() => Err(error::no_object_attributes()),
        None => Ok(names),
    }
}

fn checksum(body: &Body) -> Option<Checksum> {
    let sum = body.checksum.as_ref()?;
    let mut shown = Checksum { checksum_type: Some(sum.kind.as_str().to_owned()), ..Checksum::default() };
    // Here the number of parts is left off.
    let value = sum.value.split('-').next().unwrap_or_default().to_owned();
    show!(shown, sum.algorithm, value);
    Some(shown)
}

/// Parts one by one only where they have checksums of their own.
fn parts(
    body: &Body,
    manifest: Manifest,
    input: &GetObjectAttributesRequest,
) -> Result<GetObjectAttributesParts> {
    let total = Some(body.parts as i32);
    let Some(sum) =
        body.checksum.as_ref().filter(|_| manifest.parts.iter().any(|part| part.checksum.is_some()))
    else {
        return Ok(GetObjectAttributesParts {
            total_parts_count: total,
            ..GetObjectAttributesParts::default()
        });
    };
    let limit = limit(input.max_parts, "max-parts")?;
    let after = input.part_number_marker.unwrap_or(0).max(0) as usize;
    let count = manifest.parts.len();
    let numbered = manifest.parts.into_iter().enumerate().skip(after).take(limit);
    let shown: Vec<ObjectPart> = numbered
        .map(|(i, part)| {
            let mut entry = ObjectPart {
                part_number: Some(i as i32 + 1),
                size: Some(part.size as i64),
                ..ObjectPart::default()
            };
            if let Some(value) = part.checksum {
                show!(entry, sum.algorithm, value);
            }
            entry
        })
        .collect();
    let last = after + shown.len();
    Ok(GetObjectAttributesParts {
        total_parts_count: total,
        part_number_marker: Some(after as i32),
        next_part_number_marker: Some(last as i32),
        max_parts: Some(limit as i32),
        is_truncated: Some(last < count),
        parts: Some(shown),
    })
}
