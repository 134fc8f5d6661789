use haneul_kit::{Access, Arn, Cx, Handle, Result};
use haneul_s3_wire::operations as op;
use haneul_s3_wire::shapes as s;
use haneul_shape::Empty;

use crate::bucket::Bucket;
use crate::metadata_tables::{ANNOTATION, INVENTORY, JOURNAL, PRINCIPAL, namespace_of, refuse, shown};
use crate::model::metadata::{
    AnnotationProgress, AnnotationTable, MetadataConfiguration, MetadataFeed, MetadataTable, TableProgress,
};
use crate::model::table::TableEncryption;
use crate::tables::access::encryption_keys;
use crate::tables::{BucketName, MANAGED_BUCKET};
use crate::{S3, error};

impl S3 {
    /// What one must be allowed in a table bucket to have tables made there (S3 User Guide, "Setting up permissions for configuring
    /// metadata tables").
    pub(super) async fn making_tables(
        &self,
        cx: &Cx,
        lake: &BucketName,
        namespace: &str,
        tables: &[(&str, &TableEncryption)],
    ) -> Result<Vec<Access>> {
        let mut needed = vec![self.on_table_bucket(cx, lake, "s3tables:CreateNamespace").await?];
        for (name, encryption) in tables {
            let create = self.on_table_bucket(cx, lake, "s3tables:CreateTable").await?;
            let mut create = create.key("s3tables:namespace", namespace);
            if encryption.kms_key.is_some() {
                create = encryption_keys(create, encryption);
                let put = self.on_table(cx, lake, (namespace, name), "s3tables:PutTableEncryption").await?;
                needed.push(encryption_keys(put, encryption));
            }
            needed.push(create);
            for action in ["s3tables:GetTable", "s3tables:PutTablePolicy"] {
                needed.push(self.on_table(cx, lake, (namespace, name), action).await?);
            }
        }
        Ok(needed)
    }

    /// A configuration, and the feed of it.
    pub(super) async fn begin_metadata(
        &self,
        cx: &Cx,
        bucket: &Bucket,
        configuration: MetadataConfiguration,
    ) -> Result<()> {
        let id = configuration.feed;
        let feed = MetadataFeed {
            bucket: bucket.name.clone(),
            bucket_id: bucket.id(),
            owner: bucket.owner.number(),
            region: bucket.region.as_str().to_owned(),
            configuration,
            journal: TableProgress::default(),
            inventory: TableProgress::default(),
            inventory_run: 0,
            is_stale: false,
            listed_ms: 0,
            annotations: AnnotationProgress::default(),
            cleaned_ms: cx.now().millis(),
            failing_since_ms: None,
            is_closing: false,
        };
        self.records.begin_metadata(id, &feed).await?;
        self.tasks.metadata.wake();
        Ok(())
    }

    /// A bucket's configuration, and how far its tables are.
    pub(super) async fn metadata_of(&self, bucket: &Bucket) -> Result<MetadataFeed> {
        let none = || error::no_metadata(&bucket.name);
        let configuration = bucket.record.features.metadata.as_ref().ok_or_else(none)?;
        self.records.metadata_feed(configuration.feed).await?.ok_or_else(none)
    }
}

/// The table bucket of what S3 makes in the Region of the call.
fn lake(cx: &Cx) -> BucketName {
    BucketName::own(cx, MANAGED_BUCKET)
}

/// What V1's operation made can only be taken away and made anew.
fn check_v2(configuration: &MetadataConfiguration) -> Result<()> {
    if configuration.is_v1 { Err(error::of_metadata_v1()) } else { Ok(()) }
}

/// The tables that a document asks for.
struct Wanted {
    journal: TableEncryption,
    expiration_days: Option<u32>,
    inventory: Option<TableEncryption>,
    annotations: Option<Annotations>,
}

/// The table of annotations, as it is asked for.
struct Annotations {
    encryption: TableEncryption,
    role: Arn,
}

impl Annotations {
    /// `None` where it is switched off.
    fn of(
        state: &str,
        encryption: Option<&s::MetadataTableEncryptionConfiguration>,
        role: Option<&str>,
    ) -> Result<Option<Annotations>> {
        if !refuse::state(state)? {
            return Ok(None);
        }
        let encryption = refuse::encryption(encryption)?;
        let role = role.ok_or_else(|| {
            error::invalid_request("An IAM role is required to enable the annotation table.")
        })?;
        let is_role = |arn: &Arn| arn.service() == "iam" && arn.resource().starts_with("role/");
        match Arn::parse(role).ok().filter(is_role) {
            Some(role) => Ok(Some(Annotations { encryption, role })),
            None => Err(error::invalid_argument("The IAM role is not valid.", "Role", role)),
        }
    }

    /// What S3 Metadata does as the role, the caller must be allowed to let it do.
    fn passing(&self) -> Access {
        Access::on("iam:PassRole", &self.role).key("iam:PassedToService", PRINCIPAL)
    }

    fn table(self) -> AnnotationTable {
        let table = MetadataTable { name: ANNOTATION.to_owned(), encryption: self.encryption, enabled: true };
        AnnotationTable { table, role: self.role.to_string() }
    }
}

impl Wanted {
    fn of(given: &s::MetadataConfiguration) -> Result<Wanted> {
        let annotations = match &given.annotation_table_configuration {
            Some(given) => Annotations::of(
                &given.configuration_state,
                given.encryption_configuration.as_ref(),
                given.role.as_deref(),
            )?,
            None => None,
        };
        let inventory = match &given.inventory_table_configuration {
            Some(given) if refuse::state(&given.configuration_state)? => {
                Some(refuse::encryption(given.encryption_configuration.as_ref())?)
            }
            _ => None,
        };
        let journal = &given.journal_table_configuration;
        Ok(Wanted {
            journal: refuse::encryption(journal.encryption_configuration.as_ref())?,
            expiration_days: refuse::expiration(&journal.record_expiration)?,
            inventory,
            annotations,
        })
    }
}

impl Handle<op::CreateBucketMetadataConfiguration> for S3 {
    async fn access(
        &self,
        cx: &Cx,
        input: &s::CreateBucketMetadataConfigurationRequest,
    ) -> Result<Vec<Access>> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        let wanted = Wanted::of(&input.metadata_configuration)?;
        let lake = lake(cx);
        let mut needed = vec![
            bucket.access(cx, "s3:CreateBucketMetadataTableConfiguration"),
            self.on_table_bucket(cx, &lake, "s3tables:CreateTableBucket").await?,
        ];
        let mut tables = vec![(JOURNAL, &wanted.journal)];
        tables.extend(wanted.inventory.as_ref().map(|encryption| (INVENTORY, encryption)));
        tables.extend(wanted.annotations.as_ref().map(|own| (ANNOTATION, &own.encryption)));
        needed.extend(wanted.annotations.as_ref().map(Annotations::passing));
        needed.extend(self.making_tables(cx, &lake, &namespace_of(&bucket.name), &tables).await?);
        Ok(needed)
    }

    async fn call(&self, cx: &Cx, input: s::CreateBucketMetadataConfigurationRequest) -> Result<Empty> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        let wanted = Wanted::of(&input.metadata_configuration)?;
        self.check_table_key(cx, &wanted.journal).await?;
        if let Some(encryption) = &wanted.inventory {
            self.check_table_key(cx, encryption).await?;
        }
        if let Some(annotations) = &wanted.annotations {
            self.check_table_key(cx, &annotations.encryption).await?;
        }
        let table =
            |name: &str, encryption| MetadataTable { name: name.to_owned(), encryption, enabled: true };
        let configuration = MetadataConfiguration {
            feed: self.platform.env.rng.u64(),
            is_v1: false,
            lake: MANAGED_BUCKET.to_owned(),
            namespace: namespace_of(&bucket.name),
            journal: table(JOURNAL, wanted.journal),
            expiration_days: wanted.expiration_days,
            inventory: wanted.inventory.map(|encryption| table(INVENTORY, encryption)),
            annotations: wanted.annotations.map(Annotations::table),
            is_broken: false,
        };
        self.begin_metadata(cx, &bucket, configuration).await?;
        Ok(Empty)
    }
}

impl Handle<op::GetBucketMetadataConfiguration> for S3 {
    async fn access(&self, cx: &Cx, input: &s::GetBucketMetadataConfigurationRequest) -> Result<Vec<Access>> {
        let action = "s3:GetBucketMetadataTableConfiguration";
        self.bucket_access(cx, &input.bucket, &input.expected_bucket_owner, action).await
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::GetBucketMetadataConfigurationRequest,
    ) -> Result<s::GetBucketMetadataConfigurationOutput> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        let feed = self.metadata_of(&bucket).await?;
        let result = s::GetBucketMetadataConfigurationResult {
            metadata_configuration_result: shown::v2(&bucket, &feed),
        };
        Ok(s::GetBucketMetadataConfigurationOutput { get_bucket_metadata_configuration_result: Some(result) })
    }
}

impl Handle<op::DeleteBucketMetadataConfiguration> for S3 {
    async fn access(
        &self,
        cx: &Cx,
        input: &s::DeleteBucketMetadataConfigurationRequest,
    ) -> Result<Vec<Access>> {
        let action = "s3:DeleteBucketMetadataTableConfiguration";
        self.bucket_access(cx, &input.bucket, &input.expected_bucket_owner, action).await
    }

    /// The tables stay until somebody deletes them.
    async fn call(&self, cx: &Cx, input: s::DeleteBucketMetadataConfigurationRequest) -> Result<Empty> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        self.records.end_metadata(&bucket.name).await?;
        self.tasks.metadata.wake();
        Ok(Empty)
    }
}

impl Handle<op::UpdateBucketMetadataJournalTableConfiguration> for S3 {
    async fn access(
        &self,
        cx: &Cx,
        input: &s::UpdateBucketMetadataJournalTableConfigurationRequest,
    ) -> Result<Vec<Access>> {
        let action = "s3:UpdateBucketMetadataJournalTableConfiguration";
        self.bucket_access(cx, &input.bucket, &input.expected_bucket_owner, action).await
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::UpdateBucketMetadataJournalTableConfigurationRequest,
    ) -> Result<Empty> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        let days = refuse::expiration(&input.journal_table_configuration.record_expiration)?;
        let set = |configuration: &mut MetadataConfiguration, _: &mut MetadataFeed| {
            check_v2(configuration)?;
            configuration.expiration_days = days;
            Ok(())
        };
        self.records.change_configuration(&bucket.name, set).await?;
        Ok(Empty)
    }
}

impl Handle<op::UpdateBucketMetadataInventoryTableConfiguration> for S3 {
    async fn access(
        &self,
        cx: &Cx,
        input: &s::UpdateBucketMetadataInventoryTableConfigurationRequest,
    ) -> Result<Vec<Access>> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        let mut needed = vec![bucket.access(cx, "s3:UpdateBucketMetadataInventoryTableConfiguration")];
        let given = &input.inventory_table_configuration;
        if refuse::state(&given.configuration_state)? {
            let lake = lake(cx);
            let encryption = refuse::encryption(given.encryption_configuration.as_ref())?;
            needed.push(self.on_table_bucket(cx, &lake, "s3tables:CreateTableBucket").await?);
            let tables = [(INVENTORY, &encryption)];
            needed.extend(self.making_tables(cx, &lake, &namespace_of(&bucket.name), &tables).await?);
        }
        Ok(needed)
    }

    /// Switched off, the table stays as it is; switched on again it is made anew, for which the old one must be gone.
    async fn call(
        &self,
        cx: &Cx,
        input: s::UpdateBucketMetadataInventoryTableConfigurationRequest,
    ) -> Result<Empty> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        let given = &input.inventory_table_configuration;
        let enabled = refuse::state(&given.configuration_state)?;
        let encryption = refuse::encryption(given.encryption_configuration.as_ref())?;
        if enabled {
            self.check_table_key(cx, &encryption).await?;
        }
        let set = |configuration: &mut MetadataConfiguration, feed: &mut MetadataFeed| {
            check_v2(configuration)?;
            if configuration.inventory.as_ref().is_some_and(|inventory| inventory.enabled) == enabled {
                return Ok(());
            }
            let encryption = encryption.clone();
            configuration.inventory = Some(MetadataTable { name: INVENTORY.to_owned(), encryption, enabled });
            feed.inventory = TableProgress::default();
            feed.inventory_run += 1;
            Ok(())
        };
        self.records.change_configuration(&bucket.name, set).await?;
        self.tasks.metadata.wake();
        Ok(Empty)
    }
}

impl Handle<op::UpdateBucketMetadataAnnotationTableConfiguration> for S3 {
    async fn access(
        &self,
        cx: &Cx,
        input: &s::UpdateBucketMetadataAnnotationTableConfigurationRequest,
    ) -> Result<Vec<Access>> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        let mut needed = vec![bucket.access(cx, "s3:UpdateBucketMetadataAnnotationTableConfiguration")];
        if let Some(wanted) = self.annotations_wanted(&bucket, &input.annotation_table_configuration)? {
            let lake = lake(cx);
            if input.annotation_table_configuration.role.is_some() {
                needed.push(wanted.passing());
            }
            needed.push(self.on_table_bucket(cx, &lake, "s3tables:CreateTableBucket").await?);
            let tables = [(ANNOTATION, &wanted.encryption)];
            needed.extend(self.making_tables(cx, &lake, &namespace_of(&bucket.name), &tables).await?);
        }
        Ok(needed)
    }

    /// As with the inventory: switched off, the table stays as it is. The role of one that is there can be changed.
    async fn call(
        &self,
        cx: &Cx,
        input: s::UpdateBucketMetadataAnnotationTableConfigurationRequest,
    ) -> Result<Empty> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        let wanted = self.annotations_wanted(&bucket, &input.annotation_table_configuration)?;
        if let Some(wanted) = &wanted {
            self.check_table_key(cx, &wanted.encryption).await?;
        }
        let wanted = wanted.map(Annotations::table);
        let set = |configuration: &mut MetadataConfiguration, feed: &mut MetadataFeed| {
            check_v2(configuration)?;
            let before = configuration.annotations.take();
            let was_enabled = before.as_ref().is_some_and(|before| before.table.enabled);
            configuration.annotations = match (before, &wanted) {
                (Some(before), Some(wanted)) if was_enabled => {
                    feed.annotations.is_stale |= before.role != wanted.role;
                    Some(AnnotationTable { role: wanted.role.clone(), ..before })
                }
                (_, Some(wanted)) => Some(wanted.clone()),
                (before, None) => before.map(|mut before| {
                    before.table.enabled = false;
                    before
                }),
            };
            if was_enabled != wanted.is_some() {
                feed.annotations =
                    AnnotationProgress { run: feed.annotations.run + 1, ..AnnotationProgress::default() };
            }
            Ok(())
        };
        self.records.change_configuration(&bucket.name, set).await?;
        self.tasks.metadata.wake();
        Ok(Empty)
    }
}

impl S3 {
    /// What an update asks for: without a role, the one that there is goes on.
    fn annotations_wanted(
        &self,
        bucket: &Bucket,
        given: &s::AnnotationTableConfigurationUpdates,
    ) -> Result<Option<Annotations>> {
        let configuration = bucket.record.features.metadata.as_ref();
        let known = configuration.and_then(|one| one.annotations.as_ref()).map(|own| own.role.as_str());
        let role = given.role.as_deref().or(known);
        Annotations::of(&given.configuration_state, given.encryption_configuration.as_ref(), role)
    }
}
