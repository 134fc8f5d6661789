use std::io::Read;

use flate2::read::GzDecoder;
use haneul_logs_wire::operations as op;
use haneul_logs_wire::shapes as s;
use haneul_s3_wire::operations as s3;
use haneul_s3_wire::shapes as b;

use super::cloud::Cloud;

impl Cloud {
    async fn bucket(&self, lets_in: bool) {
        let create = b::CreateBucketRequest { bucket: "exports".into(), ..Default::default() };
        self.ok::<s3::CreateBucket>(create).await;
        if lets_in {
            let policy = r#"{"Version":"2012-10-17","Statement":[
                {"Effect":"Allow","Principal":{"Service":"logs.us-east-1.amazonaws.com"},"Action":"s3:GetBucketAcl","Resource":"arn:aws:s3:::exports"},
                {"Effect":"Allow","Principal":{"Service":"logs.us-east-1.amazonaws.com"},"Action":"s3:PutObject","Resource":"arn:aws:s3:::exports/*",
                 "Condition":{"StringEquals":{"s3:x-amz-acl":"bucket-owner-full-control","aws:SourceAccount":"111111111111"}}}]}"#;
            let put = b::PutBucketPolicyRequest {
                bucket: "exports".into(),
                policy: policy.into(),
                ..Default::default()
            };
            self.ok::<s3::PutBucketPolicy>(put).await;
        }
    }

    async fn files(&self) -> Vec<String> {
        let list = b::ListObjectsV2Request { bucket: "exports".into(), ..Default::default() };
        let found = self.ok::<s3::ListObjectsV2>(list).await.contents.unwrap_or_default();
        found.into_iter().filter_map(|object| object.key).collect()
    }

    async fn file(&self, key: &str) -> Vec<u8> {
        let get = b::GetObjectRequest { bucket: "exports".into(), key: key.into(), ..Default::default() };
        self.ok::<s3::GetObject>(get).await.body.collect(1 << 20).await.unwrap().to_vec()
    }

    async fn tasks(&self, status: Option<&str>) -> Vec<s::ExportTask> {
        let list =
            s::DescribeExportTasksRequest { status_code: status.map(str::to_owned), ..Default::default() };
        self.ok::<op::DescribeExportTasks>(list).await.export_tasks.unwrap()
    }
}

fn create(from: i64, to: i64) -> s::CreateExportTaskRequest {
    s::CreateExportTaskRequest {
        task_name: Some("mine".into()),
        log_group_name: "g".into(),
        from,
        to,
        destination: "exports".into(),
        ..Default::default()
    }
}

fn code(task: &s::ExportTask) -> &str {
    task.status.as_ref().unwrap().code.as_deref().unwrap()
}

#[tokio::test]
async fn events_are_exported_with_the_layout_of_aws() {
    let cloud = Cloud::new().await;
    cloud.group("g").await;
    let now = cloud.now_ms();
    for stream in ["app/one", "app/two", "other", "app/empty"] {
        cloud.stream("g", stream).await;
    }
    cloud
        .put("g", "app/one", &[(now - 2000, "too early"), (now - 1000, "first"), (now, "second")])
        .await
        .unwrap();
    cloud.put("g", "app/two", &[(now, "third")]).await.unwrap();
    cloud.put("g", "other", &[(now, "not this")]).await.unwrap();
    cloud.bucket(true).await;
    let input = s::CreateExportTaskRequest {
        log_stream_name_prefix: Some("app/".into()),
        destination_prefix: Some("p".into()),
        ..create(now - 1000, now)
    };
    let id = cloud.ok::<op::CreateExportTask>(input.clone()).await.task_id.unwrap();
    let task = &cloud.tasks(None).await[0];
    assert_eq!((code(task), task.task_id.as_ref()), ("PENDING", Some(&id)));
    assert_eq!(
        cloud.err::<op::CreateExportTask>(input.clone()).await,
        "LimitExceededException: Resource limit exceeded."
    );
    cloud.settle().await;
    let task = &cloud.tasks(Some("COMPLETED")).await[0];
    assert_eq!(task.status.as_ref().unwrap().message.as_deref(), Some("Completed successfully"));
    assert!(task.execution_info.as_ref().unwrap().completion_time.is_some());
    let one = format!("p/{id}/app-one/000000.gz");
    let mut wanted = [one.clone(), format!("p/{id}/app-two/000000.gz"), "p/aws-logs-write-test".into()];
    wanted.sort();
    assert_eq!(cloud.files().await, wanted);
    assert_eq!(cloud.file("p/aws-logs-write-test").await, b"Permission Check Successful");
    let mut text = String::new();
    GzDecoder::new(&cloud.file(&one).await[..]).read_to_string(&mut text).unwrap();
    let time = |ms| haneul_kit::Instant::from_millis(ms).iso8601_millis();
    assert_eq!(text, format!("{} first\n{} second\n", time(now - 1000), time(now)));
    let cancel = s::CancelExportTaskRequest { task_id: id };
    assert!(cloud.err::<op::CancelExportTask>(cancel).await.starts_with("InvalidOperationException"));
    let cancel = s::CancelExportTaskRequest { task_id: "none".into() };
    assert_eq!(
        cloud.err::<op::CancelExportTask>(cancel).await,
        "ResourceNotFoundException: The specified export task does not exist."
    );
}

/// Streams whose names differ only in what S3 would take for a folder.
#[tokio::test]
async fn no_stream_is_written_over_another() {
    let cloud = Cloud::new().await;
    cloud.group("g").await;
    let now = cloud.now_ms();
    for stream in ["a-b-c", "a/b-c", "a/b/c"] {
        cloud.stream("g", stream).await;
        cloud.put("g", stream, &[(now, stream)]).await.unwrap();
    }
    cloud.bucket(true).await;
    let id = cloud.ok::<op::CreateExportTask>(create(now, now)).await.task_id.unwrap();
    cloud.settle().await;
    let folder = format!("exportedlogs/{id}/");
    let files: Vec<String> =
        cloud.files().await.into_iter().filter(|file| file.starts_with(&folder)).collect();
    assert_eq!(files.iter().filter(|file| **file == format!("{folder}a-b-c/000000.gz")).count(), 1);
    let mut lines = Vec::new();
    for file in &files {
        let mut text = String::new();
        GzDecoder::new(&cloud.file(file).await[..]).read_to_string(&mut text).unwrap();
        lines.extend(
            text.lines().filter_map(|line| line.split_once(' ')).map(|(_, message)| message.to_owned()),
        );
    }
    lines.sort();
    assert_eq!(lines, ["a-b-c", "a/b-c", "a/b/c"]);
}

#[tokio::test]
async fn a_task_is_cancelled_or_refused() {
    let cloud = Cloud::new().await;
    cloud.group("g").await;
    cloud.stream("g", "s").await;
    let now = cloud.now_ms();
    cloud.put("g", "s", &[(now, "x")]).await.unwrap();
    let error = cloud.err::<op::CreateExportTask>(create(0, now)).await;
    assert_eq!(
        error,
        "InvalidParameterException: The given bucket does not exist. Please provide a valid bucket."
    );
    cloud.bucket(false).await;
    assert_eq!(
        cloud.err::<op::CreateExportTask>(create(0, now)).await,
        "InvalidParameterException: GetBucketAcl call on the given bucket failed. Please check if CloudWatch Logs has been granted \
         permission to perform this operation."
    );
    assert!(
        cloud
            .err::<op::CreateExportTask>(create(now, now - 1))
            .await
            .starts_with("InvalidParameterException")
    );
    assert!(cloud.err::<op::CreateExportTask>(create(0, 1)).await.starts_with("InvalidParameterException"));
    cloud
        .ok::<s3::DeleteBucket>(b::DeleteBucketRequest { bucket: "exports".into(), ..Default::default() })
        .await;
    cloud.bucket(true).await;
    let id = cloud.ok::<op::CreateExportTask>(create(0, now)).await.task_id.unwrap();
    cloud.ok::<op::CancelExportTask>(s::CancelExportTaskRequest { task_id: id }).await;
    cloud.settle().await;
    assert_eq!(code(&cloud.tasks(None).await[0]), "CANCELLED");
    assert_eq!(cloud.files().await, ["exportedlogs/aws-logs-write-test"]);
}
