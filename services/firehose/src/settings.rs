//! What a destination may be, and how it is shown.

use haneul_firehose_wire::shapes as s;
use haneul_kit::{Arn, Result};

use crate::error::{invalid, not_offered};
use crate::model::{Destination, Logging, Processing};
use crate::prefix;

const MEBIBYTE: u64 = 1024 * 1024;

/// Defaults of buffering. Source: API Reference, BufferingHints.
const SIZE_MB: i32 = 5;
const INTERVAL_S: i32 = 300;

const ENABLED: &str = "Enabled";

impl Destination {
    /// How much an object holds before it is compressed.
    pub(crate) fn size(&self) -> u64 {
        u64::try_from(self.size_mb).unwrap_or(1) * MEBIBYTE
    }

    /// What has to be asked for to hand it over: its roles.
    pub(crate) fn roles(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.role.as_str()).chain(self.backup.as_deref().map(|backup| backup.role.as_str()))
    }

    pub(crate) fn processors(&self) -> &[(String, Vec<(String, String)>)] {
        self.processing
            .as_ref()
            .filter(|processing| processing.enabled)
            .map_or(&[], |processing| &processing.processors)
    }

    pub(crate) fn of_plain(given: s::S3DestinationConfiguration) -> Result<Destination> {
        Destination::of_extended(s::ExtendedS3DestinationConfiguration {
            role_arn: given.role_arn,
            bucket_arn: given.bucket_arn,
            prefix: given.prefix,
            error_output_prefix: given.error_output_prefix,
            buffering_hints: given.buffering_hints,
            compression_format: given.compression_format,
            encryption_configuration: given.encryption_configuration,
            cloud_watch_logging_options: given.cloud_watch_logging_options,
            ..Default::default()
        })
    }

    pub(crate) fn of_extended(given: s::ExtendedS3DestinationConfiguration) -> Result<Destination> {
        let backup_enabled = given.s3_backup_mode.as_deref() == Some(ENABLED);
        let backup = given.s3_backup_configuration.map(Destination::of_plain).transpose()?;
        if backup_enabled && backup.is_none() {
            return Err(invalid("S3BackupConfiguration must be specified when S3BackupMode is Enabled."));
        }
        refuse_conversion(
            given.data_format_conversion_configuration.and_then(|conversion| conversion.enabled),
        )?;
        refuse_partitions(given.dynamic_partitioning_configuration)?;
        let (size_mb, interval_s) = hints(given.buffering_hints)?;
        Destination {
            role: given.role_arn,
            bucket: given.bucket_arn,
            prefix: given.prefix,
            error_prefix: given.error_output_prefix,
            size_mb,
            interval_s,
            compression: given.compression_format.unwrap_or_else(|| "UNCOMPRESSED".into()),
            kms_key: kms_key(given.encryption_configuration),
            logging: given.cloud_watch_logging_options.map(logging),
            processing: given.processing_configuration.map(processing),
            backup_enabled,
            backup: backup.map(Box::new),
            file_extension: given.file_extension,
            time_zone: given.custom_time_zone,
        }
        .checked()
    }

    /// With what an update says.
    pub(crate) fn updated(&self, given: s::ExtendedS3DestinationUpdate) -> Result<Destination> {
        refuse_conversion(
            given.data_format_conversion_configuration.and_then(|conversion| conversion.enabled),
        )?;
        refuse_partitions(given.dynamic_partitioning_configuration)?;
        let mut new = self.clone();
        if given.buffering_hints.is_some() {
            (new.size_mb, new.interval_s) = hints(given.buffering_hints)?;
        }
        if given.encryption_configuration.is_some() {
            new.kms_key = kms_key(given.encryption_configuration);
        }
        set(&mut new.role, given.role_arn);
        set(&mut new.bucket, given.bucket_arn);
        set(&mut new.compression, given.compression_format);
        new.prefix = given.prefix.or(new.prefix);
        new.error_prefix = given.error_output_prefix.or(new.error_prefix);
        new.logging = given.cloud_watch_logging_options.map(logging).or(new.logging);
        new.processing = given.processing_configuration.map(processing).or(new.processing);
        new.file_extension = given.file_extension.or(new.file_extension);
        new.time_zone = given.custom_time_zone.or(new.time_zone);
        if let Some(mode) = given.s3_backup_mode {
            if new.backup_enabled && mode != ENABLED {
                return Err(invalid("S3 backup cannot be disabled once it is enabled."));
            }
            new.backup_enabled = mode == ENABLED;
        }
        if let Some(update) = given.s3_backup_update {
            let update = extended(update);
            new.backup = Some(Box::new(match &self.backup {
                Some(backup) => backup.updated(update)?,
                None => Destination::of_update(update)?,
            }));
        }
        if new.backup_enabled && new.backup.is_none() {
            return Err(invalid("S3BackupUpdate must be specified when S3BackupMode is Enabled."));
        }
        new.checked()
    }

    /// A backup that an update is the first to name.
    fn of_update(given: s::ExtendedS3DestinationUpdate) -> Result<Destination> {
        let missing = || invalid("RoleARN and BucketARN must be specified for a new backup.");
        Destination::of_extended(s::ExtendedS3DestinationConfiguration {
            role_arn: given.role_arn.ok_or_else(missing)?,
            bucket_arn: given.bucket_arn.ok_or_else(missing)?,
            prefix: given.prefix,
            error_output_prefix: given.error_output_prefix,
            buffering_hints: given.buffering_hints,
            compression_format: given.compression_format,
            encryption_configuration: given.encryption_configuration,
            cloud_watch_logging_options: given.cloud_watch_logging_options,
            ..Default::default()
        })
    }

    fn checked(self) -> Result<Destination> {
        let bucket =
            Arn::parse(&self.bucket).ok().filter(|arn| arn.service() == "s3" && !arn.resource().is_empty());
        if bucket.is_none() {
            return Err(invalid(format!("Bucket ARN {} is not valid.", self.bucket)));
        }
        if matches!(self.compression.as_str(), "Snappy" | "HADOOP_SNAPPY") {
            return Err(not_offered("Snappy compression"));
        }
        prefix::check(self.prefix.as_deref().unwrap_or_default(), false).map_err(invalid)?;
        prefix::check(self.error_prefix.as_deref().unwrap_or_default(), true).map_err(invalid)?;
        if self.prefix.as_deref().is_some_and(prefix::has_expressions) && self.error_prefix.is_none() {
            return Err(invalid(
                "ErrorOutputPrefix cannot be null or empty when Prefix contains expressions.",
            ));
        }
        if let Some(name) = &self.time_zone
            && jiff::tz::TimeZone::get(name).is_err()
        {
            return Err(invalid(format!("CustomTimeZone {name} is not valid.")));
        }
        if let Some(logging) = self.logging.as_ref().filter(|logging| logging.enabled)
            && (logging.group.is_none() || logging.stream.is_none())
        {
            return Err(invalid(
                "LogGroupName and LogStreamName must be specified when CloudWatch logging is enabled.",
            ));
        }
        for (kind, parameters) in self.processors() {
            crate::delivery::check_processor(kind, parameters)?;
        }
        Ok(self)
    }

    pub(crate) fn plain(&self) -> s::S3DestinationDescription {
        s::S3DestinationDescription {
            role_arn: self.role.clone(),
            bucket_arn: self.bucket.clone(),
            prefix: self.prefix.clone(),
            error_output_prefix: self.error_prefix.clone(),
            buffering_hints: self.hints(),
            compression_format: self.compression.clone(),
            encryption_configuration: self.encryption(),
            cloud_watch_logging_options: self.logging.clone().map(shown_logging),
        }
    }

    pub(crate) fn extended(&self) -> s::ExtendedS3DestinationDescription {
        let plain = self.plain();
        s::ExtendedS3DestinationDescription {
            role_arn: plain.role_arn,
            bucket_arn: plain.bucket_arn,
            prefix: plain.prefix,
            error_output_prefix: plain.error_output_prefix,
            buffering_hints: plain.buffering_hints,
            compression_format: plain.compression_format,
            encryption_configuration: plain.encryption_configuration,
            cloud_watch_logging_options: plain.cloud_watch_logging_options,
            processing_configuration: self.processing.clone().map(shown_processing),
            s3_backup_mode: Some(if self.backup_enabled { ENABLED } else { "Disabled" }.into()),
            s3_backup_description: self.backup.as_ref().map(|backup| backup.plain()),
            data_format_conversion_configuration: None,
            dynamic_partitioning_configuration: None,
            file_extension: self.file_extension.clone(),
            custom_time_zone: self.time_zone.clone(),
        }
    }

    fn hints(&self) -> s::BufferingHints {
        s::BufferingHints { size_in_m_bs: Some(self.size_mb), interval_in_seconds: Some(self.interval_s) }
    }

    fn encryption(&self) -> s::EncryptionConfiguration {
        let key = self.kms_key.clone().map(|awskms_key_arn| s::KMSEncryptionConfig { awskms_key_arn });
        s::EncryptionConfiguration {
            no_encryption_config: key.is_none().then(|| "NoEncryption".into()),
            kms_encryption_config: key,
        }
    }
}

/// The update of a plain destination as one of an extended one.
pub(crate) fn extended(given: s::S3DestinationUpdate) -> s::ExtendedS3DestinationUpdate {
    s::ExtendedS3DestinationUpdate {
        role_arn: given.role_arn,
        bucket_arn: given.bucket_arn,
        prefix: given.prefix,
        error_output_prefix: given.error_output_prefix,
        buffering_hints: given.buffering_hints,
        compression_format: given.compression_format,
        encryption_configuration: given.encryption_configuration,
        cloud_watch_logging_options: given.cloud_watch_logging_options,
        ..Default::default()
    }
}

fn set(field: &mut String, given: Option<String>) {
    if let Some(given) = given {
        *field = given;
    }
}

fn refuse_conversion(enabled: Option<bool>) -> Result<()> {
    // Left out, it is on.
    match enabled {
        Some(true) => Err(not_offered("Conversion to Parquet and ORC")),
        _ => Ok(()),
    }
}

fn refuse_partitions(given: Option<s::DynamicPartitioningConfiguration>) -> Result<()> {
    match given.and_then(|given| given.enabled) {
        Some(true) => Err(not_offered("Dynamic partitioning")),
        _ => Ok(()),
    }
}

fn hints(given: Option<s::BufferingHints>) -> Result<(i32, i32)> {
    let given = given.unwrap_or_default();
    if given.size_in_m_bs.is_some() != given.interval_in_seconds.is_some() {
        return Err(invalid("BufferingHints must specify both SizeInMBs and IntervalInSeconds."));
    }
    Ok((given.size_in_m_bs.unwrap_or(SIZE_MB), given.interval_in_seconds.unwrap_or(INTERVAL_S)))
}

fn kms_key(given: Option<s::EncryptionConfiguration>) -> Option<String> {
    Some(given?.kms_encryption_config?.awskms_key_arn)
}

fn logging(given: s::CloudWatchLoggingOptions) -> Logging {
    Logging {
        enabled: given.enabled.unwrap_or(false),
        group: given.log_group_name,
        stream: given.log_stream_name,
    }
}

fn shown_logging(logging: Logging) -> s::CloudWatchLoggingOptions {
    s::CloudWatchLoggingOptions {
        enabled: Some(logging.enabled),
        log_group_name: logging.group,
        log_stream_name: logging.stream,
    }
}

fn processing(given: s::ProcessingConfiguration) -> Processing {
    let pair = |one: s::ProcessorParameter| (one.parameter_name, one.parameter_value);
    let processor = |one: s::Processor| {
        let parameters = one.parameters.unwrap_or_default().into_iter().map(pair).collect();
        (one.r#type, parameters)
    };
    Processing {
        enabled: given.enabled.unwrap_or(false),
        processors: given.processors.unwrap_or_default().into_iter().map(processor).collect(),
    }
}

fn shown_processing(processing: Processing) -> s::ProcessingConfiguration {
    let pair = |(parameter_name, parameter_value)| s::ProcessorParameter { parameter_name, parameter_value };
    let processor = |(kind, parameters): (String, Vec<(String, String)>)| s::Processor {
        r#type: kind,
        parameters: Some(parameters.into_iter().map(pair).collect()),
    };
    s::ProcessingConfiguration {
        enabled: Some(processing.enabled),
        processors: Some(processing.processors.into_iter().map(processor).collect()),
    }
}
