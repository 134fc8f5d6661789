use haneul_s3_wire::{operations as op, shapes as s};
use haneul_s3control_wire::{operations as control, shapes as c};

use super::cloud::{Cloud, OURS};

async fn job(
    cloud: &Cloud,
    role: &str,
    manifest: (&str, &str),
    operation: c::JobOperation,
    confirm: bool,
) -> String {
    let input = c::CreateJobRequest {
        account_id: OURS.to_string(),
        confirmation_required: Some(confirm),
        operation,
        report: c::JobReport {
            enabled: true,
            bucket: Some("arn:aws:s3:::bkt".into()),
            prefix: Some("reports".into()),
            format: Some("Report_CSV_20180820".into()),
            report_scope: Some("AllTasks".into()),
            ..Default::default()
        },
        client_request_token: cloud.env.rng.uuid(),
        manifest: Some(c::JobManifest {
            spec: c::JobManifestSpec {
                format: "S3BatchOperations_CSV_20180820".into(),
                fields: Some(vec!["Bucket".into(), "Key".into()]),
            },
            location: c::JobManifestLocation {
                object_arn: format!("arn:aws:s3:::{}", manifest.0),
                e_tag: manifest.1.into(),
                ..Default::default()
            },
        }),
        priority: 10,
        role_arn: role.into(),
        ..Default::default()
    };
    cloud.ok::<control::CreateJob>(input).await.job_id.unwrap()
}

async fn describe(cloud: &Cloud, id: &str) -> c::JobDescriptor {
    let input = c::DescribeJobRequest { account_id: OURS.to_string(), job_id: id.into() };
    cloud.ok::<control::DescribeJob>(input).await.job.unwrap()
}

fn tag() -> c::JobOperation {
    c::JobOperation {
        s3_put_object_tagging: Some(c::S3SetObjectTaggingOperation {
            tag_set: Some(vec![c::S3Tag { key: "seen".into(), value: "yes".into() }]),
        }),
        ..Default::default()
    }
}

#[tokio::test]
async fn a_job_does_one_thing_to_a_list_of_objects() {
    let cloud = Cloud::new().await;
    cloud.bucket("bkt").await;
    cloud.bucket("copies").await;
    let mut list = String::new();
    for i in 0..150 {
        cloud.put("bkt", &format!("in/{i} x"), "body").await;
        list.push_str(&format!("bkt,in/{i}%20x\n"));
    }
    list.push_str("bkt,in/none\n");
    let etag = cloud.put("bkt", "list.csv", &list).await.e_tag.unwrap();
    let role = cloud.role("batch", r#""Effect":"Allow","Action":"s3:*","Resource":"*""#).await;
    let id = job(&cloud, &role, ("bkt/list.csv", &etag), tag(), true).await;
    cloud.run().await;
    let waiting = describe(&cloud, &id).await;
    assert_eq!(waiting.status.as_deref(), Some("Suspended"));
    assert_eq!(waiting.progress_summary.unwrap().total_number_of_tasks, Some(151));
    let go = |status: &str| c::UpdateJobStatusRequest {
        account_id: OURS.to_string(),
        job_id: id.clone(),
        requested_job_status: status.into(),
        status_update_reason: None,
    };
    cloud.ok::<control::UpdateJobStatus>(go("Ready")).await;
    cloud.run().await;
    let done = describe(&cloud, &id).await;
    let progress = done.progress_summary.unwrap();
    assert_eq!(
        done.status.as_deref(),
        Some("Complete"),
        "{:?}",
        done.failure_reasons.map(|f| f[0].failure_reason.clone())
    );
    assert_eq!((progress.number_of_tasks_succeeded, progress.number_of_tasks_failed), (Some(150), Some(1)));
    let tags =
        s::GetObjectTaggingRequest { bucket: "bkt".into(), key: "in/149 x".into(), ..Default::default() };
    assert_eq!(cloud.ok::<op::GetObjectTagging>(tags).await.tag_set[0].key, "seen");
    let manifest = cloud.get("bkt", &format!("reports/job-{id}/manifest.json")).await.unwrap();
    let manifest: serde_json::Value = serde_json::from_str(&manifest).unwrap();
    let report = cloud.get("bkt", manifest["Results"][0]["Key"].as_str().unwrap()).await.unwrap();
    assert_eq!(report.lines().count(), 151);
    assert!(report.contains("bkt,in%2Fnone,,failed,NoSuchKey,404,"), "{report}");
    assert!(cloud.err::<control::UpdateJobStatus>(go("Cancelled")).await.starts_with("JobStatusException"));

    let copy = c::JobOperation {
        s3_put_object_copy: Some(c::S3CopyObjectOperation {
            target_resource: Some("arn:aws:s3:::copies".into()),
            target_key_prefix: Some("to".into()),
            ..Default::default()
        }),
        ..Default::default()
    };
    let id = job(&cloud, &role, ("bkt/list.csv", &etag), copy, false).await;
    cloud.run().await;
    assert_eq!(describe(&cloud, &id).await.status.as_deref(), Some("Complete"));
    assert_eq!(cloud.get("copies", "to/in/7 x").await.unwrap(), "body");
    let jobs = c::ListJobsRequest {
        account_id: OURS.to_string(),
        job_statuses: Some(vec!["Complete".into()]),
        ..Default::default()
    };
    assert_eq!(cloud.ok::<control::ListJobs>(jobs).await.jobs.unwrap().len(), 2);
}

#[tokio::test]
async fn a_job_fails_with_its_reason() {
    let cloud = Cloud::new().await;
    cloud.bucket("bkt").await;
    let etag = cloud.put("bkt", "list.csv", "bkt,k\n").await.e_tag.unwrap();
    let weak = cloud.role("weak", r#""Effect":"Allow","Action":"s3:PutObject","Resource":"*""#).await;
    let strong = cloud.role("strong", r#""Effect":"Allow","Action":"s3:*","Resource":"*""#).await;
    for (role, etag, code) in [(&weak, etag.as_str(), "AccessDenied"), (&strong, "other", "InvalidManifest")]
    {
        let id = job(&cloud, role, ("bkt/list.csv", etag), tag(), false).await;
        cloud.run().await;
        let failed = describe(&cloud, &id).await;
        assert_eq!(failed.status.as_deref(), Some("Failed"));
        assert_eq!(failed.failure_reasons.unwrap()[0].failure_code.as_deref(), Some(code));
    }
}

#[tokio::test]
async fn jobs_that_nobody_can_do_are_refused() {
    let cloud = Cloud::new().await;
    cloud.bucket("bkt").await;
    let good = c::CreateJobRequest {
        account_id: OURS.to_string(),
        confirmation_required: Some(true),
        operation: tag(),
        report: c::JobReport::default(),
        client_request_token: "once".into(),
        manifest: Some(c::JobManifest {
            spec: c::JobManifestSpec {
                format: "S3BatchOperations_CSV_20180820".into(),
                fields: Some(vec!["Bucket".into(), "Key".into()]),
            },
            location: c::JobManifestLocation {
                object_arn: "arn:aws:s3:::bkt/list.csv".into(),
                e_tag: "x".into(),
                ..Default::default()
            },
        }),
        priority: 10,
        role_arn: format!("arn:aws:iam::{OURS}:role/batch"),
        ..Default::default()
    };
    let report = |format: Option<&str>, scope: Option<&str>| c::JobReport {
        enabled: true,
        bucket: Some("arn:aws:s3:::bkt".into()),
        format: format.map(str::to_owned),
        report_scope: scope.map(str::to_owned),
        ..Default::default()
    };
    let format = Some("Report_CSV_20180820");
    let tags = (0..51).map(|i| c::S3Tag { key: i.to_string(), value: "v".into() }).collect();
    for (job, code, what) in [
        (c::CreateJobRequest { priority: -1, ..good.clone() }, "InvalidRequest", "priority"),
        (c::CreateJobRequest { manifest: None, ..good.clone() }, "InvalidRequest", "manifest"),
        (c::CreateJobRequest { role_arn: "batch".into(), ..good.clone() }, "InvalidRequest", "role"),
        (
            c::CreateJobRequest { operation: Default::default(), ..good.clone() },
            "InvalidRequest",
            "operation",
        ),
        (
            c::CreateJobRequest { description: Some("d".repeat(257)), ..good.clone() },
            "InvalidRequest",
            "description",
        ),
        (
            c::CreateJobRequest { report: report(None, Some("AllTasks")), ..good.clone() },
            "InvalidRequest",
            "format",
        ),
        (c::CreateJobRequest { report: report(format, None), ..good.clone() }, "InvalidRequest", "scope"),
        (c::CreateJobRequest { tags: Some(tags), ..good.clone() }, "TooManyTags", "tags"),
    ] {
        let refused = cloud.err::<control::CreateJob>(job).await;
        assert!(refused.starts_with(code), "{what}: {refused}");
    }
    let first = cloud.ok::<control::CreateJob>(good.clone()).await.job_id;
    assert_eq!(cloud.ok::<control::CreateJob>(good.clone()).await.job_id, first, "the same again");
    let other = c::CreateJobRequest { confirmation_required: Some(false), ..good };
    assert!(cloud.err::<control::CreateJob>(other).await.starts_with("IdempotencyException"));
    let list = |max_results, next_token: Option<&str>, status: &str| c::ListJobsRequest {
        account_id: OURS.to_string(),
        max_results,
        next_token: next_token.map(str::to_owned),
        job_statuses: Some(vec![status.to_owned()]),
    };
    for refused in
        [list(Some(1001), None, "Active"), list(None, Some("x"), "Active"), list(None, None, "Nothing")]
    {
        assert!(cloud.err::<control::ListJobs>(refused).await.starts_with("InvalidRequest"));
    }
    let update = c::UpdateJobStatusRequest {
        account_id: OURS.to_string(),
        job_id: first.unwrap(),
        requested_job_status: "Active".into(),
        status_update_reason: None,
    };
    assert!(cloud.err::<control::UpdateJobStatus>(update).await.starts_with("InvalidRequest"));
}

#[tokio::test]
async fn a_job_restores_what_is_archived() {
    let cloud = Cloud::new().await;
    cloud.bucket("bkt").await;
    let archived = s::PutObjectRequest {
        storage_class: Some("GLACIER".into()),
        ..super::cloud::put("bkt", "cold", "x")
    };
    cloud.ok::<op::PutObject>(archived).await;
    let etag = cloud.put("bkt", "list.csv", "bkt,cold\n").await.e_tag.unwrap();
    let role = cloud.role("batch", r#""Effect":"Allow","Action":"s3:*","Resource":"*""#).await;
    let restore = |tier: &str| c::JobOperation {
        s3_initiate_restore_object: Some(c::S3InitiateRestoreObjectOperation {
            expiration_in_days: Some(3),
            glacier_job_tier: Some(tier.into()),
        }),
        ..Default::default()
    };
    let id = job(&cloud, &role, ("bkt/list.csv", &etag), restore("STANDARD"), false).await;
    cloud.run().await;
    let done = describe(&cloud, &id).await;
    assert_eq!(done.progress_summary.unwrap().number_of_tasks_succeeded, Some(1));
    let shown = done.operation.unwrap().s3_initiate_restore_object.unwrap();
    assert_eq!((shown.expiration_in_days, shown.glacier_job_tier.as_deref()), (Some(3), Some("STANDARD")));
    let head = s::HeadObjectRequest { bucket: "bkt".into(), key: "cold".into(), ..Default::default() };
    let head = cloud.ok::<op::HeadObject>(head).await;
    assert_eq!(head.restore.as_deref(), Some("ongoing-request=\"true\""));
}
