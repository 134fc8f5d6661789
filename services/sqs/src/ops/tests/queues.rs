use super::*;

#[tokio::test]
async fn a_queue_is_made_found_listed_and_deleted() {
    let cloud = Cloud::new().await;
    let url = cloud.queue("q").await;
    assert_eq!(url, "http://localhost:4566/000000000000/q");
    let input = GetQueueUrlRequest { queue_name: "q".into(), ..Default::default() };
    assert_eq!(cloud.call::<op::GetQueueUrl>(input).await.unwrap().queue_url, Some(url.clone()));
    // Only the path matters: an address of AWS's own form names the same queue.
    cloud.send("https://sqs.us-east-1.amazonaws.com/000000000000/q", "hello").await;
    assert_eq!(cloud.bodies(&url, 1).await, ["hello"]);

    cloud.call::<op::DeleteQueue>(DeleteQueueRequest { queue_url: url.clone() }).await.unwrap();
    let again = cloud.call::<op::DeleteQueue>(DeleteQueueRequest { queue_url: url.clone() }).await;
    assert_eq!(code(again), "QueueDoesNotExist");
    assert_eq!(code(cloud.create("q", &[]).await), "QueueDeletedRecently");
    cloud.advance(60);
    let url = cloud.queue("q").await;
    assert_eq!(cloud.counts(&url).await, (0, 0, 0), "the new queue has nothing of the old one");
}

#[tokio::test]
async fn creating_again() {
    let cloud = Cloud::new().await;
    let url = cloud.create("q", &[("DelaySeconds", "5"), ("VisibilityTimeout", "10")]).await.unwrap();
    for (attributes, outcome) in [
        (&[][..], None),
        (&[("DelaySeconds", "5")], None),
        (&[("MessageRetentionPeriod", "345600")], None),
        (&[("DelaySeconds", "6")], Some(("QueueNameExists", "DelaySeconds"))),
        (
            &[("VisibilityTimeout", "10"), ("MaximumMessageSize", "1024")],
            Some(("QueueNameExists", "MaximumMessageSize")),
        ),
        (&[("DelaySeconds", "901")], Some(("InvalidAttributeValue", "DelaySeconds"))),
    ] {
        match (cloud.create("q", attributes).await, outcome) {
            (Ok(same), None) => assert_eq!(same, url),
            (Err(error), Some((code, attribute))) => {
                assert_eq!(error.code(), code, "{attributes:?}");
                assert!(error.message().contains(attribute), "{error}");
            }
            (got, _) => panic!("{attributes:?}: {got:?}"),
        }
    }
    let error = cloud.create("q", &[("DelaySeconds", "6")]).await.unwrap_err();
    assert_eq!(
        error.message(),
        "A queue already exists with the same name and a different value for attribute DelaySeconds"
    );
}

#[tokio::test]
async fn creating_again_with_tags() {
    let cloud = Cloud::new().await;
    let create = async |tags: &[(&str, &str)]| {
        let tags = Some(map(tags)).filter(|tags| !tags.is_empty());
        let input = CreateQueueRequest { queue_name: "q".into(), tags, ..Default::default() };
        code(cloud.call::<op::CreateQueue>(input).await)
    };
    for (tags, outcome) in [
        (&[("team", "sky")][..], "none"),
        (&[("team", "sky")], "none"),
        (&[], "none"),
        (&[("team", "sea")], "QueueNameExists"),
        (&[("team", "sky"), ("more", "")], "QueueNameExists"),
    ] {
        assert_eq!(create(tags).await, outcome, "{tags:?}");
    }
}

#[tokio::test]
async fn names_and_types() {
    let cloud = Cloud::new().await;
    for (name, attributes, outcome) in [
        ("a.fifo", &[("FifoQueue", "true")][..], "none"),
        ("b.fifo", &[], "InvalidParameterValue"),
        ("c", &[("FifoQueue", "true")], "InvalidParameterValue"),
        ("d", &[("FifoQueue", "false")], "InvalidAttributeName"),
        ("e", &[("ContentBasedDeduplication", "true")], "InvalidAttributeName"),
        ("f f", &[], "InvalidParameterValue"),
        ("", &[], "InvalidParameterValue"),
        ("g", &[("KmsMasterKeyId", "alias/aws/sqs")], "none"),
        ("h", &[("KmsMasterKeyId", "")], "none"),
    ] {
        assert_eq!(code(cloud.create(name, attributes).await), outcome, "{name} {attributes:?}");
    }
}

#[tokio::test]
async fn bad_addresses() {
    let cloud = Cloud::new().await;
    cloud.queue("there").await;
    for (url, outcome) in [
        ("", "MissingParameter"),
        ("q", "QueueDoesNotExist"),
        ("http://localhost:4566", "QueueDoesNotExist"),
        ("http://localhost:4566/q", "QueueDoesNotExist"),
        ("http://localhost:4566/12/there", "InvalidAddress"),
        ("http://localhost:4566/000000000000/", "QueueDoesNotExist"),
        ("there", "none"),
        ("http://localhost:4566/000000000000/q", "QueueDoesNotExist"),
        ("http://localhost:4566/111111111111/q", "QueueDoesNotExist"),
    ] {
        let purged = cloud.call::<op::PurgeQueue>(PurgeQueueRequest { queue_url: url.into() }).await;
        assert_eq!(code(purged), outcome, "{url}");
    }
    let input = PurgeQueueRequest { queue_url: "http://localhost:4566/12/there".into() };
    let error = cloud.call::<op::PurgeQueue>(input).await.err().unwrap();
    assert_eq!(error.message(), "The address http://localhost:4566/ is not valid for this endpoint.");
    for owner in ["x", "12"] {
        let owner = Some(owner.to_owned());
        let input = GetQueueUrlRequest { queue_name: "q".into(), queue_owner_aws_account_id: owner };
        assert_eq!(code(cloud.call::<op::GetQueueUrl>(input).await), "InvalidAddress");
    }
}

#[tokio::test]
async fn pages_of_queues() {
    let cloud = Cloud::new().await;
    for name in ["a1", "a2", "a3", "b1"] {
        cloud.queue(name).await;
    }
    let list = async |prefix: &str, max: Option<i32>, token: Option<String>| {
        let input =
            ListQueuesRequest { queue_name_prefix: Some(prefix.into()), max_results: max, next_token: token };
        let output = cloud.call::<op::ListQueues>(input).await?;
        let names = output.queue_urls.unwrap_or_default();
        let names: Vec<String> = names.iter().map(|url| url.rsplit('/').next().unwrap().to_owned()).collect();
        Result::Ok((names.join(" "), output.next_token))
    };
    assert_eq!(list("", None, None).await.unwrap(), ("a1 a2 a3 b1".into(), None));
    assert_eq!(list("c", None, None).await.unwrap(), (String::new(), None));
    let (names, token) = list("a", Some(2), None).await.unwrap();
    assert_eq!(names, "a1 a2");
    assert_eq!(
        code(list("b", Some(2), token.clone()).await),
        "InvalidParameterValue",
        "a token of another listing"
    );
    assert_eq!(list("a", Some(2), token).await.unwrap(), ("a3".into(), None));
    for max in [0, 1001] {
        assert_eq!(code(list("", Some(max), None).await), "InvalidParameterValue");
    }
}

#[tokio::test]
async fn purge() {
    let cloud = Cloud::new().await;
    let url = cloud.queue("q").await;
    for body in ["a", "b", "c"] {
        cloud.send(&url, body).await;
    }
    let received = cloud.receive(&url, 1).await;
    let purge = async || cloud.call::<op::PurgeQueue>(PurgeQueueRequest { queue_url: url.clone() }).await;
    purge().await.unwrap();
    assert_eq!(cloud.counts(&url).await, (0, 0, 0));
    let error = purge().await.err().unwrap();
    assert_eq!(error.code(), "PurgeQueueInProgress");
    assert_eq!(error.message(), "Only one PurgeQueue operation on q is allowed every 60 seconds.");
    cloud.delete(&url, handle(&received[0])).await.unwrap();
    cloud.send(&url, "d").await;
    assert_eq!(cloud.bodies(&url, 10).await, ["d"]);
    cloud.advance(60);
    purge().await.unwrap();
}

#[tokio::test]
async fn tags() {
    let cloud = Cloud::new().await;
    let input = CreateQueueRequest {
        queue_name: "q".into(),
        tags: Some(map(&[("team", "sky")])),
        ..Default::default()
    };
    let url = cloud.call::<op::CreateQueue>(input).await.unwrap().queue_url.unwrap();
    let list = async || {
        let input = ListQueueTagsRequest { queue_url: url.clone() };
        let tags = cloud.call::<op::ListQueueTags>(input).await.unwrap().tags.unwrap_or_default();
        tags.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(" ")
    };
    let tag = async |pairs: &[(&str, &str)]| {
        cloud.call::<op::TagQueue>(TagQueueRequest { queue_url: url.clone(), tags: map(pairs) }).await
    };
    tag(&[("a", "1"), ("team", "sea")]).await.unwrap();
    assert_eq!(list().await, "a=1 team=sea");
    let many: Vec<(String, String)> = (0..49).map(|i| (format!("k{i}"), String::new())).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    for (pairs, outcome) in [
        (&many[..], "InvalidParameterValue"),
        (&[("aws:x", "1")], "InvalidParameterValue"),
        (&[("", "1")], "InvalidParameterValue"),
        (&[], "MissingParameter"),
    ] {
        assert_eq!(code(tag(pairs).await), outcome);
    }
    let input = UntagQueueRequest { queue_url: url.clone(), tag_keys: vec!["team".into(), "none".into()] };
    cloud.call::<op::UntagQueue>(input).await.unwrap();
    assert_eq!(list().await, "a=1");
}

#[tokio::test]
async fn permissions_edit_the_policy_as_aws_does() {
    let cloud = Cloud::new().await;
    let url = cloud.queue("q").await;
    let add = async |label: &str, accounts: &[&str], actions: &[&str]| {
        let strings = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        cloud
            .call::<op::AddPermission>(AddPermissionRequest {
                queue_url: url.clone(),
                label: label.into(),
                aws_account_ids: strings(accounts),
                actions: strings(actions),
            })
            .await
    };
    let policy = async || {
        let policy = cloud.attributes(&url).await.get("Policy").cloned().unwrap_or_default();
        serde_json::from_str::<serde_json::Value>(&policy).unwrap_or_default()
    };
    add("one", &["111111111111"], &["SendMessage"]).await.unwrap();
    add("two", &["111111111111", "222222222222"], &["SendMessage", "ReceiveMessage"]).await.unwrap();
    assert_eq!(
        policy().await,
        serde_json::json!({
            "Version": "2008-10-17",
            "Id": "arn:aws:sqs:us-east-1:000000000000:q/SQSDefaultPolicy",
            "Statement": [
                {
                    "Sid": "one",
                    "Effect": "Allow",
                    "Principal": { "AWS": "arn:aws:iam::111111111111:root" },
                    "Action": "SQS:SendMessage",
                    "Resource": "arn:aws:sqs:us-east-1:000000000000:q"
                },
                {
                    "Sid": "two",
                    "Effect": "Allow",
                    "Principal": { "AWS": ["arn:aws:iam::111111111111:root", "arn:aws:iam::222222222222:root"] },
                    "Action": ["SQS:SendMessage", "SQS:ReceiveMessage"],
                    "Resource": "arn:aws:sqs:us-east-1:000000000000:q"
                }
            ]
        })
    );
    for (label, accounts, actions, outcome) in [
        ("one", &["111111111111"][..], &["SendMessage"][..], "InvalidParameterValue"),
        ("a b", &["111111111111"], &["SendMessage"], "InvalidParameterValue"),
        ("x", &["1"], &["SendMessage"], "InvalidParameterValue"),
        ("x", &["111111111111"], &["CreateQueue"], "InvalidParameterValue"),
        ("x", &["111111111111"], &["Nothing"], "InvalidParameterValue"),
        ("x", &[], &["SendMessage"], "MissingParameter"),
        ("x", &["111111111111"], &[], "MissingParameter"),
        ("x", &["111111111111"], &["SendMessage"; 8], "OverLimit"),
    ] {
        assert_eq!(code(add(label, accounts, actions).await), outcome, "{label} {accounts:?} {actions:?}");
    }
    for (action, reason) in [
        ("CreateQueue", "Only the queue owner is allowed to invoke this action."),
        ("SendMessageBatch", "Please refer to the appropriate WSDL for a list of valid actions."),
    ] {
        let error = add("x", &["111111111111"], &[action]).await.err().unwrap();
        assert_eq!(
            error.message(),
            format!("Value SQS:{action} for parameter ActionName is invalid. Reason: {reason}")
        );
    }
    let remove = async |label: &str| {
        let input = RemovePermissionRequest { queue_url: url.clone(), label: label.into() };
        cloud.call::<op::RemovePermission>(input).await
    };
    remove("one").await.unwrap();
    assert_eq!(code(remove("one").await), "InvalidParameterValue");
    remove("two").await.unwrap();
    assert!(policy().await.is_null(), "nothing is left of the policy");
}

#[tokio::test]
async fn what_a_call_must_be_allowed() {
    let cloud = Cloud::new().await;
    let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"sqs:*","Resource":"*"}]}"#;
    let url = cloud.create("q", &[("Policy", policy)]).await.unwrap();
    cloud
        .call::<op::TagQueue>(TagQueueRequest { queue_url: url.clone(), tags: map(&[("team", "sky")]) })
        .await
        .unwrap();
    let input = SendMessageRequest { queue_url: url.clone(), ..Default::default() };
    let access = Handle::<op::SendMessage>::access(&*cloud.sqs, &cloud.cx(OTHER), &input).await.unwrap();
    assert_eq!(access[0].action, "sqs:SendMessage");
    assert_eq!(access[0].resource, "arn:aws:sqs:us-east-1:000000000000:q");
    assert_eq!(access[0].resource_account, AccountId::new(ME));
    assert!(access[0].resource_policy.is_some());
    assert!(access[0].keys.iter().any(|(key, values)| key == "aws:ResourceTag/team" && values == &["sky"]));
    // The owner's actions are not for others, whatever the policy says.
    let input = DeleteQueueRequest { queue_url: url };
    let access = Handle::<op::DeleteQueue>::access(&*cloud.sqs, &cloud.cx(OTHER), &input).await.unwrap();
    assert!(access[0].resource_policy.is_none());
    let access = Handle::<op::DeleteQueue>::access(&*cloud.sqs, &cloud.cx(ME), &input).await.unwrap();
    assert!(access[0].resource_policy.is_some());
    // A queue that is not there is asked for all the same.
    let input = PurgeQueueRequest { queue_url: "http://x/000000000000/none".into() };
    let access = Handle::<op::PurgeQueue>::access(&*cloud.sqs, &cloud.cx(ME), &input).await.unwrap();
    assert_eq!(access[0].resource, "arn:aws:sqs:us-east-1:000000000000:none");
}

#[tokio::test]
async fn queues_are_listed_by_whoever_may_on_the_arn_without_a_name() {
    let cloud = Cloud::new().await;
    let (cx, input) = (cloud.cx(OTHER), ListQueuesRequest::default());
    let asked = Handle::<op::ListQueues>::access(&*cloud.sqs, &cx, &input).await.unwrap();
    assert_eq!(asked[0].resource, "arn:aws:sqs:us-east-1:111111111111:");
}
