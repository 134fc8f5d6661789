//! S3 Storage Lens: what configurations and groups may say, and how they read back.

use haneul_s3control_wire::{operations as control, shapes as c};

use super::cloud::{Cloud, OURS};
use super::storage_lens::{account, asking, configure, destination, lens};

#[tokio::test]
async fn what_a_configuration_may_say() {
    let cloud = Cloud::new().await;
    let on = || Some(c::ActivityMetrics { is_enabled: Some(true) });
    type Change = fn(&mut c::StorageLensConfiguration);
    let table: &[(&str, Change)] = &[
        ("InvalidIncludeExcludeContainers", |it| {
            it.include = Some(c::Include { regions: Some(vec!["us-east-1".into()]), buckets: None });
            it.exclude = Some(c::Exclude { regions: Some(vec!["us-east-1".into()]), buckets: None });
        }),
        ("EmptyIncludeContainer", |it| it.include = Some(c::Include::default())),
        ("EmptyExcludeContainer", |it| {
            it.exclude = Some(c::Exclude { buckets: Some(vec![]), regions: None })
        }),
        ("InvalidRegionName", |it| {
            it.include = Some(c::Include { regions: Some(vec!["moon-1".into()]), buckets: None });
        }),
        ("TooManyBuckets", |it| {
            it.include = Some(c::Include { buckets: Some(vec!["arn:aws:s3:::a".into(); 51]), regions: None });
        }),
        ("MissingBucketLevelActivityMetrics", |it| {
            it.account_level.activity_metrics = Some(c::ActivityMetrics { is_enabled: Some(true) });
        }),
        ("InvalidDestination", |it| {
            it.data_export.as_mut().unwrap().s3_bucket_destination.as_mut().unwrap().arn = "told".into();
        }),
        ("MissingEncryptionMethod", |it| {
            it.data_export.as_mut().unwrap().s3_bucket_destination.as_mut().unwrap().encryption =
                Some(c::StorageLensDataExportEncryption::default());
        }),
        ("MalformedXML", |it| {
            it.data_export.as_mut().unwrap().s3_bucket_destination.as_mut().unwrap().format = "ORC".into();
        }),
        ("InvalidStorageLensArn", |it| {
            it.storage_lens_arn = Some("arn:aws:s3:us-east-1:1:storage-lens/x".into())
        }),
        ("NotImplemented", |it| it.int_access_tiers = Some(c::IntAccessTiers { is_enabled: Some(true) })),
        ("NotImplemented", |it| it.aws_org = Some(c::StorageLensAwsOrg::default())),
        ("InvalidMaximumPrefixDepth", |it| {
            it.account_level.bucket_level.prefix_level = Some(c::PrefixLevel {
                storage_metrics: c::PrefixLevelStorageMetrics {
                    is_enabled: Some(true),
                    selection_criteria: Some(c::SelectionCriteria {
                        max_depth: Some(11),
                        ..Default::default()
                    }),
                },
            });
        }),
        ("InvalidStorageLensGroupARN", |it| {
            let arns = Some(vec!["arn:aws:s3:us-east-1:000000000000:storage-lens-group/g".to_owned()]);
            it.account_level.storage_lens_group_level = Some(c::StorageLensGroupLevel {
                selection_criteria: Some(c::StorageLensGroupLevelSelectionCriteria {
                    include: arns,
                    exclude: None,
                }),
            });
        }),
        ("InvalidConfigId", |it| it.id = "a b".into()),
    ];
    for (expected, change) in table {
        let mut configuration = lens("x");
        change(&mut configuration);
        let refused = cloud.err::<control::PutStorageLensConfiguration>(asking(configuration)).await;
        assert!(refused.starts_with(&format!("{expected}:")), "{refused} / {expected}");
    }
    // The default dashboard is there, stays there, and has no filters.
    let get =
        |id: &str| c::GetStorageLensConfigurationRequest { config_id: id.into(), account_id: account() };
    let ids = |cloud: c::ListStorageLensConfigurationsResult| -> Vec<_> {
        cloud.storage_lens_configuration_list.unwrap().into_iter().map(|entry| entry.id).collect()
    };
    let list = c::ListStorageLensConfigurationsRequest { account_id: account(), next_token: None };
    assert_eq!(
        ids(cloud.ok::<control::ListStorageLensConfigurations>(list.clone()).await),
        [crate::storage_lens::DEFAULT_ID]
    );
    let delete =
        |id: &str| c::DeleteStorageLensConfigurationRequest { config_id: id.into(), account_id: account() };
    let refused =
        cloud.err::<control::DeleteStorageLensConfiguration>(delete("default-account-dashboard")).await;
    assert!(refused.starts_with("DefaultConfigurationDeleteForbidden"), "{refused}");
    let mut narrow = lens("default-account-dashboard");
    narrow.include = Some(c::Include { regions: Some(vec!["us-east-1".into()]), buckets: None });
    let refused = cloud.err::<control::PutStorageLensConfiguration>(asking(narrow)).await;
    assert!(refused.starts_with("InvalidFilterForDefaultConfiguration"), "{refused}");
    // What is taken reads back.
    let mut given = lens("mine");
    given.account_level.activity_metrics = on();
    given.account_level.bucket_level.activity_metrics = on();
    given.data_export.as_mut().unwrap().cloud_watch_metrics = Some(c::CloudWatchMetrics { is_enabled: true });
    given.exclude = Some(c::Exclude { regions: Some(vec!["eu-west-1".into()]), buckets: None });
    configure(&cloud, given).await;
    let shown =
        cloud.ok::<control::GetStorageLensConfiguration>(get("mine")).await.storage_lens_configuration;
    let shown = shown.unwrap();
    let arn = format!("arn:aws:s3:us-east-1:{OURS}:storage-lens/mine");
    assert_eq!((shown.id.as_str(), shown.storage_lens_arn, shown.is_enabled), ("mine", Some(arn), true));
    let level = shown.account_level;
    assert_eq!(level.activity_metrics.unwrap().is_enabled, Some(true));
    assert_eq!(level.bucket_level.activity_metrics.unwrap().is_enabled, Some(true));
    assert!(level.advanced_cost_optimization_metrics.is_none() && level.bucket_level.prefix_level.is_none());
    let export = shown.data_export.unwrap();
    assert!(export.cloud_watch_metrics.unwrap().is_enabled);
    let (shown_to, given_to) =
        (export.s3_bucket_destination.unwrap(), destination("CSV").s3_bucket_destination.unwrap());
    let of =
        |to: c::S3BucketDestination| (to.format, to.output_schema_version, to.account_id, to.arn, to.prefix);
    assert!(shown_to.encryption.as_ref().is_some_and(|encryption| encryption.sses3.is_some()));
    assert_eq!(of(shown_to), of(given_to));
    assert!(shown.include.is_none());
    let excluded = shown.exclude.unwrap();
    assert_eq!((excluded.regions, excluded.buckets), (Some(vec!["eu-west-1".to_owned()]), None));
    let tags = vec![c::StorageLensTag { key: "team".into(), value: "sky".into() }];
    let tagging = c::PutStorageLensConfigurationTaggingRequest {
        config_id: "mine".into(),
        account_id: account(),
        tags,
    };
    cloud.ok::<control::PutStorageLensConfigurationTagging>(tagging).await;
    let tagging =
        c::GetStorageLensConfigurationTaggingRequest { config_id: "mine".into(), account_id: account() };
    let tags = cloud.ok::<control::GetStorageLensConfigurationTagging>(tagging).await.tags.unwrap();
    assert_eq!((tags.len(), tags[0].key.as_str(), tags[0].value.as_str()), (1, "team", "sky"));
    assert_eq!(ids(cloud.ok::<control::ListStorageLensConfigurations>(list).await).len(), 2);
    cloud.ok::<control::DeleteStorageLensConfiguration>(delete("mine")).await;
    let refused = cloud.err::<control::GetStorageLensConfiguration>(get("mine")).await;
    assert!(refused.starts_with("NoSuchConfiguration"), "{refused}");
}

#[tokio::test]
async fn what_a_group_may_ask() {
    let cloud = Cloud::new().await;
    let create = |name: &str, filter: c::StorageLensGroupFilter| c::CreateStorageLensGroupRequest {
        account_id: account(),
        storage_lens_group: c::StorageLensGroup { name: name.into(), filter, storage_lens_group_arn: None },
        tags: Some(vec![c::Tag { key: "team".into(), value: "sky".into() }]),
    };
    let prefixes = |list: &[&str]| c::StorageLensGroupFilter {
        match_any_prefix: Some(list.iter().map(|one| (*one).to_owned()).collect()),
        ..Default::default()
    };
    let days = |greater, less| c::StorageLensGroupFilter {
        match_object_age: Some(c::MatchObjectAge { days_greater_than: greater, days_less_than: less }),
        ..Default::default()
    };
    let alone =
        c::StorageLensGroupAndOperator { match_any_prefix: Some(vec!["a".into()]), ..Default::default() };
    for (filter, expected) in [
        (c::StorageLensGroupFilter::default(), "InvalidFilter"),
        (c::StorageLensGroupFilter { and: Some(alone), ..Default::default() }, "InvalidLogicalOperator"),
        (prefixes(&[]), "InvalidMatchAnyPrefix"),
        (prefixes(&[""]), "InvalidPrefix"),
        (prefixes(&["a", "a"]), "DuplicateElement"),
        (prefixes(&["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "a"]), "TooManyElements"),
        (days(None, None), "InvalidMatchObjectAge"),
        (days(Some(0), None), "InvalidAge"),
        (days(Some(5), Some(5)), "InvalidNumericCombination"),
    ] {
        let refused = cloud.err::<control::CreateStorageLensGroup>(create("g", filter)).await;
        assert!(refused.starts_with(&format!("{expected}:")), "{refused} / {expected}");
    }
    let refused = cloud.err::<control::CreateStorageLensGroup>(create("g g", prefixes(&["a"]))).await;
    assert!(refused.starts_with("InvalidName"), "{refused}");
    cloud.ok::<control::CreateStorageLensGroup>(create("g", prefixes(&["a"]))).await;
    let again = cloud.err::<control::CreateStorageLensGroup>(create("g", prefixes(&["a"]))).await;
    assert!(again.starts_with("ConfigurationAlreadyExists"), "{again}");
    let update = |name: &str, inner: &str| c::UpdateStorageLensGroupRequest {
        name: name.into(),
        account_id: account(),
        storage_lens_group: c::StorageLensGroup {
            name: inner.into(),
            filter: days(Some(3), None),
            storage_lens_group_arn: None,
        },
    };
    assert!(
        cloud.err::<control::UpdateStorageLensGroup>(update("g", "h")).await.starts_with("MismatchedName")
    );
    assert!(
        cloud
            .err::<control::UpdateStorageLensGroup>(update("h", "h"))
            .await
            .starts_with("NoSuchConfiguration")
    );
    cloud.ok::<control::UpdateStorageLensGroup>(update("g", "g")).await;
    let get = c::GetStorageLensGroupRequest { name: "g".into(), account_id: account() };
    let shown = cloud.ok::<control::GetStorageLensGroup>(get.clone()).await.storage_lens_group.unwrap();
    let age = shown.filter.match_object_age.unwrap();
    assert_eq!((age.days_greater_than, age.days_less_than), (Some(3), None));
    assert!(shown.filter.match_any_prefix.is_none() && shown.filter.and.is_none());
    let arn = shown.storage_lens_group_arn.unwrap();
    let tags = c::ListTagsForResourceRequest { account_id: account(), resource_arn: arn };
    let tags = cloud.ok::<control::ListTagsForResource>(tags).await.tags.unwrap();
    assert_eq!((tags.len(), tags[0].value.as_str()), (1, "sky"));
    let list = c::ListStorageLensGroupsRequest { account_id: account(), next_token: None };
    assert_eq!(
        cloud.ok::<control::ListStorageLensGroups>(list).await.storage_lens_group_list.unwrap().len(),
        1
    );
    let delete = c::DeleteStorageLensGroupRequest { name: "g".into(), account_id: account() };
    cloud.ok::<control::DeleteStorageLensGroup>(delete).await;
    assert!(cloud.err::<control::GetStorageLensGroup>(get).await.starts_with("NoSuchConfiguration"));
}
