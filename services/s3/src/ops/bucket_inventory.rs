use haneul_kit::{Access, Cx, Handle, Result};
use haneul_s3_wire::operations as op;
use haneul_s3_wire::shapes as s;
use haneul_shape::Empty;

use super::configurations::{self as common, PAGE_MAX};
use crate::bucket::arn_of;
use crate::inventory::fields::{is_known, is_offered};
use crate::inventory::next_s;
use crate::model::inventory::{Format, Inventory};
use crate::{S3, error};

impl Handle<op::PutBucketInventoryConfiguration> for S3 {
    async fn access(
        &self,
        cx: &Cx,
        input: &s::PutBucketInventoryConfigurationRequest,
    ) -> Result<Vec<Access>> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        let access = bucket.access(cx, "s3:PutInventoryConfiguration");
        let fields = input.inventory_configuration.optional_fields.clone().unwrap_or_default();
        Ok(vec![access.keys("s3:InventoryAccessibleOptionalFields", fields)])
    }

    async fn call(&self, cx: &Cx, input: s::PutBucketInventoryConfigurationRequest) -> Result<Empty> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        let given = input.inventory_configuration;
        let inventory = from_wire(&input.id, given, cx.now().secs())?;
        self.records.put_inventory(&bucket.name, &input.id, &inventory).await?;
        self.tasks.inventory.wake();
        Ok(Empty)
    }
}

impl Handle<op::GetBucketInventoryConfiguration> for S3 {
    async fn access(
        &self,
        cx: &Cx,
        input: &s::GetBucketInventoryConfigurationRequest,
    ) -> Result<Vec<Access>> {
        self.bucket_access(cx, &input.bucket, &input.expected_bucket_owner, "s3:GetInventoryConfiguration")
            .await
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::GetBucketInventoryConfigurationRequest,
    ) -> Result<s::GetBucketInventoryConfigurationOutput> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        let found = self.records.inventory(&bucket.name, &input.id).await?;
        let found = found.ok_or_else(|| common::none(&bucket.name))?;
        let shown = to_wire(bucket.region, input.id, found);
        Ok(s::GetBucketInventoryConfigurationOutput { inventory_configuration: Some(shown) })
    }
}

impl Handle<op::DeleteBucketInventoryConfiguration> for S3 {
    async fn access(
        &self,
        cx: &Cx,
        input: &s::DeleteBucketInventoryConfigurationRequest,
    ) -> Result<Vec<Access>> {
        self.bucket_access(cx, &input.bucket, &input.expected_bucket_owner, "s3:PutInventoryConfiguration")
            .await
    }

    async fn call(&self, cx: &Cx, input: s::DeleteBucketInventoryConfigurationRequest) -> Result<Empty> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        if self.records.delete_inventory(&bucket.name, &input.id).await? {
            Ok(Empty)
        } else {
            Err(common::none(&bucket.name))
        }
    }
}

impl Handle<op::ListBucketInventoryConfigurations> for S3 {
    async fn access(
        &self,
        cx: &Cx,
        input: &s::ListBucketInventoryConfigurationsRequest,
    ) -> Result<Vec<Access>> {
        self.bucket_access(cx, &input.bucket, &input.expected_bucket_owner, "s3:GetInventoryConfiguration")
            .await
    }

    /// The token is the id of the last one.
    async fn call(
        &self,
        cx: &Cx,
        input: s::ListBucketInventoryConfigurationsRequest,
    ) -> Result<s::ListBucketInventoryConfigurationsOutput> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        let after = input.continuation_token.as_deref();
        let mut found = self.records.inventories(&bucket.name, after, PAGE_MAX + 1).await?;
        let more = found.len() > PAGE_MAX;
        found.truncate(PAGE_MAX);
        let next = found.last().map(|(id, _)| id.clone()).filter(|_| more);
        let list: Vec<_> = found.into_iter().map(|(id, one)| to_wire(bucket.region, id, one)).collect();
        Ok(s::ListBucketInventoryConfigurationsOutput {
            continuation_token: input.continuation_token,
            inventory_configuration_list: (!list.is_empty()).then_some(list),
            is_truncated: Some(more),
            next_continuation_token: next,
        })
    }
}

fn from_wire(id: &str, given: s::InventoryConfiguration, now_s: i64) -> Result<Inventory> {
    let to = given.destination.s3_bucket_destination;
    let format = match to.format.as_str() {
        "ORC" => return Err(error::not_implemented("An inventory as ORC")),
        name => Format::parse(name).ok_or_else(error::malformed_xml)?,
    };
    let (encrypted, kms_key) = match to.encryption {
        None => (false, None),
        Some(s::InventoryEncryption { sses3: Some(_), ssekms: None }) => (true, None),
        Some(s::InventoryEncryption { sses3: None, ssekms: Some(kms) }) => (false, Some(kms.key_id)),
        Some(_) => return Err(error::malformed_xml()),
    };
    let all_versions = match given.included_object_versions.as_str() {
        "All" => true,
        "Current" => false,
        _ => return Err(error::malformed_xml()),
    };
    let weekly = match given.schedule.frequency.as_str() {
        "Weekly" => true,
        "Daily" => false,
        _ => return Err(error::malformed_xml()),
    };
    let fields = given.optional_fields.unwrap_or_default();
    if let Some(field) = fields.iter().find(|field| !is_offered(field)) {
        return Err(match is_known(field) {
            true => error::not_implemented(format_args!("The inventory field {field}")),
            false => error::malformed_xml(),
        });
    }
    if id != given.id {
        let message = "Document ID does not match the specified configuration ID.";
        return Err(error::new("IdMismatch", 400, message));
    }
    common::check_id(id, &given.id)?;
    let bucket =
        to.bucket.split_once(":s3:::").map(|(_, name)| name.to_owned()).filter(|name| !name.is_empty());
    let bucket =
        bucket.ok_or_else(|| error::new("InvalidS3DestinationBucket", 400, "Invalid bucket ARN."))?;
    Ok(Inventory {
        enabled: given.is_enabled,
        bucket,
        account: to.account_id,
        prefix: to.prefix,
        format,
        encrypted,
        kms_key,
        filter: given.filter.map(|filter| filter.prefix),
        all_versions,
        weekly,
        fields,
        next_s: next_s(weekly, now_s),
    })
}

fn to_wire(region: haneul_kit::Region, id: String, inventory: Inventory) -> s::InventoryConfiguration {
    let encryption = match inventory.kms_key {
        Some(key_id) => Some(s::InventoryEncryption { sses3: None, ssekms: Some(s::SSEKMS { key_id }) }),
        None => {
            inventory.encrypted.then_some(s::InventoryEncryption { sses3: Some(s::SSES3 {}), ssekms: None })
        }
    };
    s::InventoryConfiguration {
        id,
        is_enabled: inventory.enabled,
        destination: s::InventoryDestination {
            s3_bucket_destination: s::InventoryS3BucketDestination {
                account_id: inventory.account,
                bucket: arn_of(region, &inventory.bucket),
                format: inventory.format.as_str().to_owned(),
                prefix: inventory.prefix,
                encryption,
            },
        },
        filter: inventory.filter.map(|prefix| s::InventoryFilter { prefix }),
        included_object_versions: if inventory.all_versions { "All" } else { "Current" }.to_owned(),
        optional_fields: (!inventory.fields.is_empty()).then_some(inventory.fields),
        schedule: s::InventorySchedule {
            frequency: if inventory.weekly { "Weekly" } else { "Daily" }.to_owned(),
        },
    }
}
