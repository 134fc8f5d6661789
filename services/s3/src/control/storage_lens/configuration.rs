//! What a configuration may say, and how it reads back: as it was given.

use std::collections::HashSet;

use haneul_kit::{ApiError, Arn, Cx, Region, Result};
use haneul_s3control_wire::shapes as s;

use super::is_id;
use crate::error;
use crate::model::inventory::Format;
use crate::model::storage_lens::{
    GroupChoice, LensConfiguration, LensEncryption, LensExport, Places, PrefixSelection, Prefixes, Scope,
    Switches,
};
use crate::storage_lens::default_region;
use crate::storage_lens::file::SCHEMA_VERSION;

/// Buckets, Regions and groups that a configuration may name.
const NAMED_MAX: usize = 50;

fn refused(code: &'static str, message: &str) -> ApiError {
    error::new(code, 400, message)
}

/// What the default dashboard may not be.
pub(super) fn check_default(region: Region, given: &s::StorageLensConfiguration) -> Result<()> {
    if region.as_str() != default_region(region) {
        let message = "The specified Region is not supported for default configuration.";
        return Err(refused("InvalidRegionForDefaultConfiguration", message));
    }
    if given.include.is_some() || given.exclude.is_some() {
        let message = "The default configuration must not include any filters.";
        return Err(refused("InvalidFilterForDefaultConfiguration", message));
    }
    if given.aws_org.is_some() {
        let message = "The default configuration does not support organization-level metrics.";
        return Err(refused("InvalidOrganizationForDefaultConfiguration", message));
    }
    Ok(())
}

pub(super) fn from_wire(cx: &Cx, given: s::StorageLensConfiguration) -> Result<LensConfiguration> {
    check_offered(&given)?;
    let level = given.account_level;
    let account = Switches {
        activity: level.activity_metrics.map(|one| one.is_enabled == Some(true)),
        cost: level.advanced_cost_optimization_metrics.map(|one| one.is_enabled == Some(true)),
        protection: level.advanced_data_protection_metrics.map(|one| one.is_enabled == Some(true)),
        status_codes: level.detailed_status_codes_metrics.map(|one| one.is_enabled == Some(true)),
        performance: level.advanced_performance_metrics.map(|one| one.is_enabled == Some(true)),
    };
    let groups = level.storage_lens_group_level.map(|level| read_groups(cx, level)).transpose()?;
    let level = level.bucket_level;
    let bucket = Switches {
        activity: level.activity_metrics.map(|one| one.is_enabled == Some(true)),
        cost: level.advanced_cost_optimization_metrics.map(|one| one.is_enabled == Some(true)),
        protection: level.advanced_data_protection_metrics.map(|one| one.is_enabled == Some(true)),
        status_codes: level.detailed_status_codes_metrics.map(|one| one.is_enabled == Some(true)),
        performance: level.advanced_performance_metrics.map(|one| one.is_enabled == Some(true)),
    };
    check_levels(&account, &bucket)?;
    let (export, cloud_watch) = match given.data_export {
        None => (None, None),
        Some(export) => (
            export.s3_bucket_destination.map(read_export).transpose()?,
            export.cloud_watch_metrics.map(|metrics| metrics.is_enabled),
        ),
    };
    let scope = read_scope(given.include, given.exclude)?;
    Ok(LensConfiguration {
        enabled: given.is_enabled,
        account,
        bucket,
        prefixes: level.prefix_level.map(read_prefixes).transpose()?,
        groups,
        scope,
        export,
        cloud_watch,
        delimiter: given.prefix_delimiter,
    })
}

/// What is not counted here is refused.
fn check_offered(given: &s::StorageLensConfiguration) -> Result<()> {
    if given.storage_lens_arn.is_some() {
        let message = "The S3 Storage Lens ARN is not required in input.";
        return Err(refused("InvalidStorageLensArn", message));
    }
    let on = |one: &Option<s::AdvancedPerformanceMetrics>| {
        one.as_ref().is_some_and(|one| one.is_enabled == Some(true))
    };
    let table = |one: &Option<s::StorageLensTableDestination>| one.as_ref().is_some_and(|one| one.is_enabled);
    let export = given.data_export.as_ref();
    let costs =
        given.cost_and_usage_reports_publish.as_ref().and_then(|publish| publish.prefix_level.as_ref());
    let what = if given.aws_org.is_some() {
        "S3 Storage Lens of an organization"
    } else if on(&given.account_level.advanced_performance_metrics)
        || on(&given.account_level.bucket_level.advanced_performance_metrics)
    {
        "Advanced performance metrics of S3 Storage Lens"
    } else if given.expanded_prefixes_data_export.is_some() {
        "An expanded prefixes metrics report of S3 Storage Lens"
    } else if export.is_some_and(|export| table(&export.storage_lens_table_destination)) {
        "An export of S3 Storage Lens to S3 tables"
    } else if costs.is_some_and(|costs| costs.is_enabled) {
        "Publishing cost data of prefixes"
    } else if given.int_access_tiers.as_ref().is_some_and(|tiers| tiers.is_enabled == Some(true)) {
        "Metrics of Intelligent-Tiering access tiers"
    } else {
        return Ok(());
    };
    Err(error::not_implemented(what))
}

fn check_levels(account: &Switches, bucket: &Switches) -> Result<()> {
    match (account.activity == Some(true), bucket.activity == Some(true)) {
        (false, true) => Err(refused(
            "MissingAccountLevelActivityMetrics",
            "Activity metrics must be enabled at the account level when activity metrics are enabled at the bucket level.",
        )),
        (true, false) => Err(refused(
            "MissingBucketLevelActivityMetrics",
            "Activity metrics must be enabled at the bucket level when activity metrics are enabled at the account level.",
        )),
        _ => Ok(()),
    }
}

fn read_groups(cx: &Cx, level: s::StorageLensGroupLevel) -> Result<GroupChoice> {
    let Some(criteria) = level.selection_criteria else { return Ok(GroupChoice::All) };
    let (arns, is_include) = match (criteria.include, criteria.exclude) {
        (Some(arns), None) => (arns, true),
        (None, Some(arns)) => (arns, false),
        _ => {
            let message = "Only one Include or Exclude element is allowed. At least one Include or Exclude element must be present.";
            return Err(refused("InvalidIncludeExcludeElements", message));
        }
    };
    if arns.is_empty() {
        return Err(match is_include {
            true => refused(
                "EmptyIncludeElement",
                "You must specify a Storage Lens group with your Include element.",
            ),
            false => refused(
                "EmptyExcludeElement",
                "You must specify a Storage Lens group with your Exclude element.",
            ),
        });
    }
    if arns.len() > NAMED_MAX {
        let message = "You can't attach more than 50 Storage Lens groups to your Storage Lens dashboard.";
        return Err(refused("TooManyStorageLensGroups", message));
    }
    if arns.iter().collect::<HashSet<_>>().len() < arns.len() {
        let message =
            "There are two or more entries of the same Storage Lens group ARN in this configuration.";
        return Err(refused("DuplicateStorageLensGroupARN", message));
    }
    let is_own = |text: &String| {
        Arn::parse(text).is_ok_and(|arn| {
            arn.service() == "s3"
                && arn.region() == cx.region().as_str()
                && arn.account() == cx.account().to_string()
                && arn.resource().strip_prefix("storage-lens-group/").is_some_and(is_id)
        })
    };
    if !arns.iter().all(is_own) {
        let message = "This Storage Lens group ARN isn't valid or only Storage Lens groups in your account are allowed.";
        return Err(refused("InvalidStorageLensGroupARN", message));
    }
    Ok(if is_include { GroupChoice::Include(arns) } else { GroupChoice::Exclude(arns) })
}

fn read_prefixes(level: s::PrefixLevel) -> Result<Prefixes> {
    let metrics = level.storage_metrics;
    let selection = metrics.selection_criteria.map(|criteria| PrefixSelection {
        delimiter: criteria.delimiter,
        depth_max: criteria.max_depth,
        share_min: criteria.min_storage_bytes_percentage,
    });
    if let Some(selection) = &selection {
        if selection.depth_max.is_some_and(|depth| !(1..=10).contains(&depth)) {
            let message = "MaxDepth must be within the range [1,10].";
            return Err(refused("InvalidMaximumPrefixDepth", message));
        }
        if selection.share_min.is_some_and(|share| !(1.0..=100.0).contains(&share)) {
            let message = "MinStorageBytesPercentage must be within the range [1.00,100.00].";
            return Err(refused("InvalidMinimumStorageBytesPercentage", message));
        }
    }
    Ok(Prefixes { enabled: metrics.is_enabled, selection })
}

fn read_export(given: s::S3BucketDestination) -> Result<LensExport> {
    let malformed = || refused("InvalidDestination", "The S3 bucket ARN is malformed.");
    let arn = Arn::parse(&given.arn).map_err(|_| malformed())?;
    let is_bucket = arn.service() == "s3" && arn.region().is_empty() && arn.account().is_empty();
    if !is_bucket || arn.resource().is_empty() || arn.resource().contains(['/', ':']) {
        return Err(malformed());
    }
    if given.output_schema_version != SCHEMA_VERSION {
        return Err(error::malformed_xml());
    }
    let encryption = match given.encryption {
        None => None,
        Some(given) => Some(match (given.sses3, given.ssekms) {
            (Some(_), None) => LensEncryption::S3,
            (None, Some(kms)) => {
                if Arn::parse(&kms.key_id).map_or(true, |arn| arn.service() != "kms") {
                    let message = "The KMS key ID ARN is not valid.";
                    return Err(refused("InvalidKMSEncryptionKeyId", message));
                }
                LensEncryption::Kms(kms.key_id)
            }
            (Some(_), Some(_)) => {
                let message = "Only one encryption method can be specified.";
                return Err(refused("InvalidEncryptionMethod", message));
            }
            (None, None) => {
                let message = "The encryption method cannot be blank. Specify either SSE-KMS or SSE-S3.";
                return Err(refused("MissingEncryptionMethod", message));
            }
        }),
    };
    Ok(LensExport {
        format: Format::parse(&given.format).ok_or_else(error::malformed_xml)?,
        bucket: given.arn,
        account: given.account_id,
        prefix: given.prefix,
        encryption,
    })
}

fn read_scope(include: Option<s::Include>, exclude: Option<s::Exclude>) -> Result<Scope> {
    let places = match (include, exclude) {
        (None, None) => return Ok(Scope::All),
        (Some(_), Some(_)) => {
            let message = "You can specify either an Include container or an Exclude container in a configuration. You cannot specify both in a configuration.";
            return Err(refused("InvalidIncludeExcludeContainers", message));
        }
        (Some(given), None) => Scope::Include(Places { buckets: given.buckets, regions: given.regions }),
        (None, Some(given)) => Scope::Exclude(Places { buckets: given.buckets, regions: given.regions }),
    };
    let (given, empty) = match &places {
        Scope::Exclude(given) => {
            (given, refused("EmptyExcludeContainer", "The exclude container cannot be empty."))
        }
        Scope::Include(given) => {
            (given, refused("EmptyIncludeContainer", "The include container cannot be empty."))
        }
        Scope::All => return Ok(Scope::All),
    };
    let lists = [&given.buckets, &given.regions];
    if lists.iter().all(|list| list.is_none()) || lists.iter().any(|list| list.as_deref() == Some(&[])) {
        return Err(empty);
    }
    if given.buckets.as_ref().is_some_and(|buckets| buckets.len() > NAMED_MAX) {
        let message = "The buckets container cannot have more than 50 buckets.";
        return Err(refused("TooManyBuckets", message));
    }
    if given.regions.as_ref().is_some_and(|regions| regions.len() > NAMED_MAX) {
        let message = "The Regions container cannot have more than 50 Regions.";
        return Err(refused("TooManyRegions", message));
    }
    if given.regions.iter().flatten().any(|region| region.parse::<Region>().is_err()) {
        return Err(refused("InvalidRegionName", "The Region name is not valid."));
    }
    Ok(places)
}

pub(super) fn to_wire(id: String, arn: String, kept: LensConfiguration) -> s::StorageLensConfiguration {
    let (include, exclude) = match kept.scope {
        Scope::All => (None, None),
        Scope::Include(places) => {
            (Some(s::Include { buckets: places.buckets, regions: places.regions }), None)
        }
        Scope::Exclude(places) => {
            (None, Some(s::Exclude { buckets: places.buckets, regions: places.regions }))
        }
    };
    let export = kept.export.map(|export| s::S3BucketDestination {
        format: export.format.as_str().to_owned(),
        output_schema_version: SCHEMA_VERSION.to_owned(),
        account_id: export.account,
        arn: export.bucket,
        prefix: export.prefix,
        encryption: export.encryption.map(|encryption| match encryption {
            LensEncryption::S3 => {
                s::StorageLensDataExportEncryption { sses3: Some(s::SSES3 {}), ssekms: None }
            }
            LensEncryption::Kms(key_id) => {
                s::StorageLensDataExportEncryption { sses3: None, ssekms: Some(s::SSEKMS { key_id }) }
            }
        }),
    });
    let data_export = (export.is_some() || kept.cloud_watch.is_some()).then(|| s::StorageLensDataExport {
        s3_bucket_destination: export,
        cloud_watch_metrics: kept.cloud_watch.map(|is_enabled| s::CloudWatchMetrics { is_enabled }),
        storage_lens_table_destination: None,
    });
    s::StorageLensConfiguration {
        id,
        account_level: levels_to_wire(kept.account, kept.bucket, kept.prefixes, kept.groups),
        include,
        exclude,
        data_export,
        is_enabled: kept.enabled,
        storage_lens_arn: Some(arn),
        prefix_delimiter: kept.delimiter,
        ..Default::default()
    }
}

fn levels_to_wire(
    account: Switches,
    bucket: Switches,
    prefixes: Option<Prefixes>,
    groups: Option<GroupChoice>,
) -> s::AccountLevel {
    let prefix_level = prefixes.map(|prefixes| s::PrefixLevel {
        storage_metrics: s::PrefixLevelStorageMetrics {
            is_enabled: prefixes.enabled,
            selection_criteria: prefixes.selection.map(|selection| s::SelectionCriteria {
                delimiter: selection.delimiter,
                max_depth: selection.depth_max,
                min_storage_bytes_percentage: selection.share_min,
            }),
        },
    });
    let choice = |include, exclude| Some(s::StorageLensGroupLevelSelectionCriteria { include, exclude });
    let groups = groups.map(|groups| s::StorageLensGroupLevel {
        selection_criteria: match groups {
            GroupChoice::All => None,
            GroupChoice::Include(arns) => choice(Some(arns), None),
            GroupChoice::Exclude(arns) => choice(None, Some(arns)),
        },
    });
    macro_rules! switch {
        ($shape:ident, $value:expr) => {
            $value.map(|on| s::$shape { is_enabled: Some(on) })
        };
    }
    s::AccountLevel {
        activity_metrics: switch!(ActivityMetrics, account.activity),
        advanced_cost_optimization_metrics: switch!(AdvancedCostOptimizationMetrics, account.cost),
        advanced_data_protection_metrics: switch!(AdvancedDataProtectionMetrics, account.protection),
        detailed_status_codes_metrics: switch!(DetailedStatusCodesMetrics, account.status_codes),
        advanced_performance_metrics: switch!(AdvancedPerformanceMetrics, account.performance),
        storage_lens_group_level: groups,
        bucket_level: s::BucketLevel {
            activity_metrics: switch!(ActivityMetrics, bucket.activity),
            advanced_cost_optimization_metrics: switch!(AdvancedCostOptimizationMetrics, bucket.cost),
            advanced_data_protection_metrics: switch!(AdvancedDataProtectionMetrics, bucket.protection),
            detailed_status_codes_metrics: switch!(DetailedStatusCodesMetrics, bucket.status_codes),
            advanced_performance_metrics: switch!(AdvancedPerformanceMetrics, bucket.performance),
            prefix_level,
        },
    }
}
