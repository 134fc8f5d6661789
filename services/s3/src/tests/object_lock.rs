use haneul_kit::{Instant, Result};
use haneul_s3_wire::operations as op;
use haneul_s3_wire::shapes as s;

use super::world::{Who, World, code, put};

const DAY_S: i64 = 24 * 60 * 60;

/// A world whose bucket `bkt` has Object Lock.
async fn locked_world() -> World {
    let world = World::new();
    let input = s::CreateBucketRequest {
        bucket: "bkt".into(),
        object_lock_enabled_for_bucket: Some(true),
        ..Default::default()
    };
    world.root::<op::CreateBucket>(input).await.unwrap();
    world
}

fn in_days(world: &World, days: i64) -> Instant {
    Instant::from_secs(world.env.now().secs() + days * DAY_S)
}

/// Puts `k` with a lock and gives the version's id.
async fn put_locked(world: &World, mode: Option<&str>, days: i64, hold: Option<&str>) -> String {
    let input = s::PutObjectRequest {
        object_lock_mode: mode.map(str::to_owned),
        object_lock_retain_until_date: mode.map(|_| in_days(world, days)),
        object_lock_legal_hold_status: hold.map(str::to_owned),
        content_md5: Some("XUFAKrxLKna5cZ2REBfFkg==".into()),
        ..put("k", "hello")
    };
    world.root::<op::PutObject>(input).await.unwrap().version_id.unwrap()
}

fn delete(version: &str, bypass: bool) -> s::DeleteObjectRequest {
    s::DeleteObjectRequest {
        bucket: "bkt".into(),
        key: "k".into(),
        version_id: Some(version.to_owned()),
        bypass_governance_retention: Some(bypass),
        ..Default::default()
    }
}

fn retain(
    version: &str,
    mode: Option<&str>,
    until: Option<Instant>,
    bypass: bool,
) -> s::PutObjectRetentionRequest {
    s::PutObjectRetentionRequest {
        bucket: "bkt".into(),
        key: "k".into(),
        version_id: Some(version.to_owned()),
        bypass_governance_retention: Some(bypass),
        retention: Some(s::ObjectLockRetention {
            mode: mode.map(str::to_owned),
            retain_until_date: until,
            ..Default::default()
        }),
        ..Default::default()
    }
}

async fn delete_many(world: &World, version: &str, bypass: bool) -> String {
    let object =
        s::ObjectIdentifier { key: "k".into(), version_id: Some(version.to_owned()), ..Default::default() };
    let input = s::DeleteObjectsRequest {
        bucket: "bkt".into(),
        delete: s::Delete { objects: vec![object], quiet: Some(true) },
        bypass_governance_retention: Some(bypass),
        checksum_algorithm: Some("CRC32".into()),
        ..Default::default()
    };
    let output = world.root::<op::DeleteObjects>(input).await.unwrap();
    output.errors.and_then(|mut errors| errors.remove(0).code).unwrap_or_else(|| "ok".to_owned())
}

async fn is_there(world: &World, version: &str) -> bool {
    let input = s::HeadObjectRequest {
        bucket: "bkt".into(),
        key: "k".into(),
        version_id: Some(version.to_owned()),
        ..Default::default()
    };
    world.root::<op::HeadObject>(input).await.is_ok()
}

/// Every way in which the root user might get rid of a version that compliance keeps, or shorten how long it does.
#[tokio::test]
async fn nobody_deletes_early() {
    let world = locked_world().await;
    let version = put_locked(&world, Some("COMPLIANCE"), 30, None).await;
    let v = version.as_str();
    let refused = "AccessDenied";
    // 1–4: by its id, alone or in a list, with and without the bypass.
    for bypass in [false, true] {
        assert_eq!(code(&world.root::<op::DeleteObject>(delete(v, bypass)).await), refused);
        assert_eq!(delete_many(&world, v, bypass).await, refused);
    }
    // 5–7: no retention, with and without the bypass; one of neither mode nor date.
    for bypass in [false, true] {
        assert_eq!(code(&world.root::<op::PutObjectRetention>(retain(v, None, None, bypass)).await), refused);
    }
    let none = s::PutObjectRetentionRequest { retention: None, ..retain(v, None, None, true) };
    assert_eq!(code(&world.root::<op::PutObjectRetention>(none).await), refused);
    // 8–11: shorter, over at once, past, or governance.
    for (mode, days, expected) in
        [("COMPLIANCE", 29, refused), ("COMPLIANCE", -1, "InvalidArgument"), ("GOVERNANCE", 60, refused)]
    {
        let input = retain(v, Some(mode), Some(in_days(&world, days)), true);
        assert_eq!(code(&world.root::<op::PutObjectRetention>(input).await), expected, "{mode} {days}");
    }
    let soon = Instant::from_secs(world.env.now().secs() + 1);
    let input = retain(v, Some("COMPLIANCE"), Some(soon), true);
    assert_eq!(code(&world.root::<op::PutObjectRetention>(input).await), refused);
    // 12: a legal hold taken off is not a lock taken off.
    let hold = s::PutObjectLegalHoldRequest {
        bucket: "bkt".into(),
        key: "k".into(),
        version_id: Some(version.clone()),
        legal_hold: Some(s::ObjectLockLegalHold { status: Some("OFF".into()) }),
        ..Default::default()
    };
    world.root::<op::PutObjectLegalHold>(hold).await.unwrap();
    assert_eq!(code(&world.root::<op::DeleteObject>(delete(v, true)).await), refused);
    // 13: the bucket.
    let bucket = s::DeleteBucketRequest { bucket: "bkt".into(), ..Default::default() };
    assert_eq!(code(&world.root::<op::DeleteBucket>(bucket).await), "BucketNotEmpty");
    // 14: versions suspended, so that a write takes the place of what is there.
    let versioning_configuration =
        s::VersioningConfiguration { status: Some("Suspended".into()), mfa_delete: None };
    let input = s::PutBucketVersioningRequest {
        bucket: "bkt".into(),
        versioning_configuration,
        ..Default::default()
    };
    assert_eq!(code(&world.root::<op::PutBucketVersioning>(input).await), "InvalidBucketState");
    // 15: Object Lock taken from the bucket; 16: its default made harmless.
    let configuration = |enabled: &str| s::PutObjectLockConfigurationRequest {
        bucket: "bkt".into(),
        object_lock_configuration: Some(s::ObjectLockConfiguration {
            object_lock_enabled: Some(enabled.to_owned()),
            rule: None,
        }),
        ..Default::default()
    };
    let disable = world.root::<op::PutObjectLockConfiguration>(configuration("Disabled")).await;
    assert_eq!(code(&disable), "MalformedXML");
    world.root::<op::PutObjectLockConfiguration>(configuration("Enabled")).await.unwrap();
    assert_eq!(code(&world.root::<op::DeleteObject>(delete(v, true)).await), refused);
    // 17: overwritten; 18: copied onto; 19: deleted without naming a version.
    put_locked(&world, None, 0, None).await;
    let copy = s::CopyObjectRequest {
        bucket: "bkt".into(),
        key: "k".into(),
        copy_source: "bkt/k".into(),
        metadata_directive: Some("REPLACE".into()),
        ..Default::default()
    };
    world.root::<op::CopyObject>(copy).await.unwrap();
    world.delete("k").await;
    assert!(is_there(&world, v).await);
    // 20: by lifecycle rules, as the clock goes on.
    let rule = s::LifecycleRule {
        status: "Enabled".into(),
        filter: Some(s::LifecycleRuleFilter { prefix: Some(String::new()), ..Default::default() }),
        expiration: Some(s::LifecycleExpiration { days: Some(1), ..Default::default() }),
        noncurrent_version_expiration: Some(s::NoncurrentVersionExpiration {
            noncurrent_days: Some(1),
            newer_noncurrent_versions: None,
        }),
        ..Default::default()
    };
    let input = s::PutBucketLifecycleConfigurationRequest {
        bucket: "bkt".into(),
        lifecycle_configuration: Some(s::BucketLifecycleConfiguration { rules: vec![rule] }),
        ..Default::default()
    };
    world.root::<op::PutBucketLifecycleConfiguration>(input).await.unwrap();
    world.env.clock.advance(std::time::Duration::from_secs(20 * DAY_S as u64));
    for task in crate::tasks::reconcilers(&world.s3) {
        task.reconcile().await.unwrap();
    }
    assert!(is_there(&world, v).await, "twenty days are not thirty");
    // When it has ended, it goes.
    world.env.clock.advance(std::time::Duration::from_secs(11 * DAY_S as u64));
    assert_eq!(code(&world.root::<op::DeleteObject>(delete(v, false)).await), "ok");
    assert!(!is_there(&world, v).await);
}

#[tokio::test]
async fn governance_gives_way_to_who_may_and_says_so() {
    let world = locked_world().await;
    let version = put_locked(&world, Some("GOVERNANCE"), 30, None).await;
    let v = version.as_str();
    assert_eq!(code(&world.root::<op::DeleteObject>(delete(v, false)).await), "AccessDenied");
    let with = |actions: &str| {
        Who::user(&format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":[{actions}],"Resource":"*"}}]}}"#
        ))
    };
    let deleter = with(r#""s3:DeleteObjectVersion""#);
    assert_eq!(code(&world.call::<op::DeleteObject>(&deleter, delete(v, true)).await.result), "AccessDenied");
    assert!(is_there(&world, v).await);
    let both = with(r#""s3:DeleteObjectVersion","s3:BypassGovernanceRetention""#);
    assert_eq!(code(&world.call::<op::DeleteObject>(&both, delete(v, true)).await.result), "ok");
    // A legal hold gives way to nothing but its end.
    let version = put_locked(&world, None, 0, Some("ON")).await;
    assert_eq!(code(&world.root::<op::DeleteObject>(delete(&version, true)).await), "AccessDenied");
}

#[tokio::test]
async fn defaults_and_what_is_shown() {
    let world = locked_world().await;
    let rule = |mode: &str, days, years| s::PutObjectLockConfigurationRequest {
        bucket: "bkt".into(),
        object_lock_configuration: Some(s::ObjectLockConfiguration {
            object_lock_enabled: Some("Enabled".into()),
            rule: Some(s::ObjectLockRule {
                default_retention: Some(s::DefaultRetention {
                    mode: Some(mode.into()),
                    days,
                    years,
                    ..Default::default()
                }),
            }),
        }),
        ..Default::default()
    };
    for (mode, days, years, expected) in [
        ("GOVERNANCE", Some(1), Some(1), "MalformedXML"),
        ("GOVERNANCE", None, None, "MalformedXML"),
        ("nonsense", Some(1), None, "MalformedXML"),
        ("GOVERNANCE", Some(0), None, "InvalidRetentionPeriod"),
        ("GOVERNANCE", Some(36_501), None, "InvalidRetentionPeriod"),
        ("COMPLIANCE", None, Some(101), "InvalidRetentionPeriod"),
        ("COMPLIANCE", Some(10), None, "ok"),
    ] {
        let put = world.root::<op::PutObjectLockConfiguration>(rule(mode, days, years)).await;
        assert_eq!(code(&put), expected, "{mode} {days:?} {years:?}");
    }
    // What is locked by default wants a checksum as well.
    assert_eq!(code(&world.root::<op::PutObject>(put("k", "hello")).await), "InvalidRequest");
    put_locked(&world, None, 0, None).await;
    let head = s::HeadObjectRequest { bucket: "bkt".into(), key: "k".into(), ..Default::default() };
    let shown = world.root::<op::HeadObject>(head).await.unwrap();
    assert_eq!(shown.object_lock_mode.as_deref(), Some("COMPLIANCE"));
    assert_eq!(shown.object_lock_retain_until_date, Some(in_days(&world, 10)));
    assert_eq!(shown.object_lock_legal_hold_status, None);
    let retention =
        s::GetObjectRetentionRequest { bucket: "bkt".into(), key: "k".into(), ..Default::default() };
    let retention = world.root::<op::GetObjectRetention>(retention).await.unwrap().retention.unwrap();
    assert_eq!(retention.mode.as_deref(), Some("COMPLIANCE"));
    let hold =
        || s::GetObjectLegalHoldRequest { bucket: "bkt".into(), key: "k".into(), ..Default::default() };
    let none: Result<_> = world.root::<op::GetObjectLegalHold>(hold()).await;
    assert_eq!(code(&none), "NoSuchObjectLockConfiguration");
    // A user sees of it what it may see.
    let reader = Who::user(
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}]}"#,
    );
    let shown = world.call::<op::GetObject>(&reader, super::world::get("k")).await.result.unwrap();
    assert_eq!(shown.object_lock_mode, None);
}

#[tokio::test]
async fn only_in_buckets_that_have_it() {
    let world = World::with_bucket().await;
    world.put("k", "x").await;
    let locked = s::PutObjectRequest { object_lock_legal_hold_status: Some("ON".into()), ..put("k", "x") };
    assert_eq!(code(&world.root::<op::PutObject>(locked).await), "InvalidRequest");
    let retention =
        s::GetObjectRetentionRequest { bucket: "bkt".into(), key: "k".into(), ..Default::default() };
    assert_eq!(code(&world.root::<op::GetObjectRetention>(retention).await), "InvalidRequest");
    let get = || s::GetObjectLockConfigurationRequest { bucket: "bkt".into(), ..Default::default() };
    let found = world.root::<op::GetObjectLockConfiguration>(get()).await;
    assert_eq!(code(&found), "ObjectLockConfigurationNotFoundError");
    let enable = || s::PutObjectLockConfigurationRequest {
        bucket: "bkt".into(),
        object_lock_configuration: Some(s::ObjectLockConfiguration {
            object_lock_enabled: Some("Enabled".into()),
            rule: None,
        }),
        ..Default::default()
    };
    assert_eq!(code(&world.root::<op::PutObjectLockConfiguration>(enable()).await), "InvalidBucketState");
    world.version("Enabled").await;
    assert_eq!(code(&world.root::<op::PutObjectLockConfiguration>(enable()).await), "ok");
    assert_eq!(code(&world.root::<op::GetObjectLockConfiguration>(get()).await), "ok");
    // Both headers or none, a mode that there is, and a date to come.
    let md5 = Some("XUFAKrxLKna5cZ2REBfFkg==".to_owned());
    for (mode, days) in
        [(Some("GOVERNANCE"), None), (None, Some(1)), (Some("x"), Some(1)), (Some("GOVERNANCE"), Some(-1))]
    {
        let input = s::PutObjectRequest {
            object_lock_mode: mode.map(str::to_owned),
            object_lock_retain_until_date: days.map(|days| in_days(&world, days)),
            content_md5: md5.clone(),
            ..put("k", "hello")
        };
        assert_eq!(code(&world.root::<op::PutObject>(input).await), "InvalidArgument", "{mode:?} {days:?}");
    }
}

#[tokio::test]
async fn a_bypass_is_of_locked_buckets_alone() {
    let world = World::with_bucket().await;
    world.put("k", "x").await;
    for bypass_governance_retention in [Some(true), Some(false)] {
        let one = s::DeleteObjectRequest {
            bucket: "bkt".into(),
            key: "k".into(),
            bypass_governance_retention,
            ..Default::default()
        };
        assert_eq!(code(&world.root::<op::DeleteObject>(one).await), "InvalidArgument");
        let object = s::ObjectIdentifier { key: "k".into(), ..Default::default() };
        let many = s::DeleteObjectsRequest {
            bucket: "bkt".into(),
            delete: s::Delete { objects: vec![object], ..Default::default() },
            bypass_governance_retention,
            ..Default::default()
        };
        assert_eq!(code(&world.root::<op::DeleteObjects>(many).await), "InvalidArgument");
    }
    assert!(world.get("k").await.is_ok());
}

#[tokio::test]
async fn a_past_date_is_told_in_the_time_of_the_pacific() {
    let world = locked_world().await;
    world.put("k", "x").await;
    for (date, shown) in [
        ("2020-01-01T00:00:00Z", "Tue Dec 31 16:00:00 PST 2019"),
        ("2020-07-01T00:00:00Z", "Tue Jun 30 17:00:00 PDT 2020"),
    ] {
        let retention = s::ObjectLockRetention {
            mode: Some("GOVERNANCE".into()),
            retain_until_date: haneul_kit::Instant::parse_iso8601(date),
            ..Default::default()
        };
        let input = s::PutObjectRetentionRequest {
            bucket: "bkt".into(),
            key: "k".into(),
            retention: Some(retention),
            ..Default::default()
        };
        let refused = world.root::<op::PutObjectRetention>(input).await.err().unwrap();
        let field = |name| refused.fields().iter().find(|(given, _)| *given == name).map(|(_, v)| v.as_str());
        assert_eq!((field("ArgumentName"), field("ArgumentValue")), (Some("RetainUntilDate"), Some(shown)));
    }
}
