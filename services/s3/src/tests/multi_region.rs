//! Multi-Region Access Points. Requests that are signed for several Regions are in `testing/clients`.

use haneul_kit::{Caller, Region, Result};
use haneul_s3_wire::{operations as op, shapes as s};
use haneul_s3control_wire::{operations as control, shapes as c};

use super::cloud::{Cloud, OURS, THEIRS, policy, put, root};

fn west() -> Region {
    "us-west-2".parse().unwrap()
}

async fn bucket_in(cloud: &Cloud, name: &str, region: &str) {
    let place =
        s::CreateBucketConfiguration { location_constraint: Some(region.into()), ..Default::default() };
    let input = s::CreateBucketRequest {
        bucket: name.into(),
        create_bucket_configuration: Some(place),
        ..Default::default()
    };
    let region: Region = region.parse().unwrap();
    cloud.platform.bus.call::<op::CreateBucket>(root(OURS), region, None, input).await.unwrap();
}

fn create(name: &str, token: &str, buckets: &[&str]) -> c::CreateMultiRegionAccessPointRequest {
    let region = |bucket: &&str| c::Region { bucket: (*bucket).to_owned(), bucket_account_id: None };
    c::CreateMultiRegionAccessPointRequest {
        account_id: OURS.to_string(),
        client_token: token.into(),
        details: c::CreateMultiRegionAccessPointInput {
            name: name.into(),
            public_access_block: None,
            regions: buckets.iter().map(region).collect(),
        },
    }
}

async fn outcome(cloud: &Cloud, arn: Option<String>) -> (String, String) {
    let ask = c::DescribeMultiRegionAccessPointOperationRequest {
        account_id: OURS.to_string(),
        request_token_arn: arn.unwrap(),
    };
    let told =
        cloud.ok::<control::DescribeMultiRegionAccessPointOperation>(ask).await.async_operation.unwrap();
    let error = told.response_details.and_then(|details| details.error_details);
    (told.request_status.unwrap(), error.and_then(|error| error.code).unwrap_or_default())
}

async fn read(cloud: &Cloud, caller: &Caller, alias: &str, region: &str) -> Result<String> {
    let input = s::GetObjectRequest { bucket: alias.into(), key: "where".into(), ..Default::default() };
    let region = region.parse().unwrap();
    let output = cloud.platform.bus.call::<op::GetObject>(caller.clone(), region, None, input).await?;
    Ok(String::from_utf8(output.body.collect(100).await.unwrap()).unwrap())
}

#[tokio::test]
async fn requests_go_where_the_routes_lead() {
    let cloud = Cloud::new().await;
    cloud.bucket("east").await;
    cloud.put("east", "where", "east").await;
    bucket_in(&cloud, "west", "us-west-2").await;
    let there =
        cloud.platform.bus.call::<op::PutObject>(root(OURS), west(), None, put("west", "where", "west"));
    there.await.unwrap();
    cloud.bucket("east-too").await;
    let ours = root(OURS);
    for (token, buckets, expected) in [
        ("a", &["east", "none"][..], "NoSuchBucket"),
        ("b", &["east", "east-too"], "MultiRegionAccessPointSameBucketRegion"),
    ] {
        let made = cloud.ok::<control::CreateMultiRegionAccessPoint>(create("own", token, buckets)).await;
        assert_eq!(outcome(&cloud, made.request_token_arn).await, ("FAILED".into(), expected.into()));
    }
    let first =
        cloud.ok::<control::CreateMultiRegionAccessPoint>(create("own", "c", &["east", "west"])).await;
    let arn = first.request_token_arn.clone().unwrap();
    assert!(arn.starts_with(&format!("arn:aws:s3:us-west-2:{OURS}:async-request/mrap/create/")), "{arn}");
    assert_eq!(outcome(&cloud, first.request_token_arn.clone()).await.0, "SUCCEEDED");
    let again =
        cloud.ok::<control::CreateMultiRegionAccessPoint>(create("own", "c", &["east", "west"])).await;
    assert_eq!(again.request_token_arn, first.request_token_arn, "the same request");
    let reused = cloud.err::<control::CreateMultiRegionAccessPoint>(create("more", "c", &["east"])).await;
    assert!(reused.starts_with("IdempotencyException"), "{reused}");
    let other = cloud.ok::<control::CreateMultiRegionAccessPoint>(create("own", "d", &["east"])).await;
    assert_eq!(outcome(&cloud, other.request_token_arn).await.1, "MultiRegionAccessPointAlreadyOwnedByYou");
    let account_id = OURS.to_string();
    let ask = c::GetMultiRegionAccessPointRequest { account_id: account_id.clone(), name: "own".into() };
    let shown = cloud.ok::<control::GetMultiRegionAccessPoint>(ask.clone()).await.access_point.unwrap();
    let alias = shown.alias.unwrap();
    assert!(
        alias.ends_with(".mrap")
            && shown.status.as_deref() == Some("READY")
            && shown.regions.unwrap().len() == 2
    );
    // Near, else the first; and by the routes.
    let mrap = format!("arn:aws:s3::{OURS}:accesspoint/{alias}");
    for (region, expected) in [("us-west-2", "west"), ("us-east-1", "east"), ("eu-west-1", "east")] {
        assert_eq!(read(&cloud, &ours, &alias, region).await.unwrap(), expected, "{region}");
    }
    let submit = |routes: &[(&str, i32)]| c::SubmitMultiRegionAccessPointRoutesRequest {
        account_id: OURS.to_string(),
        mrap: mrap.replace("accesspoint/", "accesspoint:"),
        route_updates: routes
            .iter()
            .map(|(region, percentage)| c::MultiRegionAccessPointRoute {
                bucket: None,
                region: Some((*region).to_owned()),
                traffic_dial_percentage: *percentage,
            })
            .collect(),
    };
    for routes in [&[("us-east-1", 50)][..], &[("eu-west-1", 0)], &[("us-east-1", 0), ("us-west-2", 0)]] {
        let refused = cloud.err::<control::SubmitMultiRegionAccessPointRoutes>(submit(routes)).await;
        assert!(refused.starts_with("InvalidRequest"), "{refused}");
    }
    cloud.ok::<control::SubmitMultiRegionAccessPointRoutes>(submit(&[("us-east-1", 0)])).await;
    for region in ["us-west-2", "us-east-1", "eu-west-1"] {
        assert_eq!(read(&cloud, &ours, &alias, region).await.unwrap(), "west", "failed over");
    }
    cloud.ok::<op::PutObject>(put(&alias, "new", "x")).await;
    let kept = s::GetObjectRequest { bucket: "west".into(), key: "new".into(), ..Default::default() };
    cloud.platform.bus.call::<op::GetObject>(ours.clone(), west(), None, kept).await.unwrap();
    let routes =
        c::GetMultiRegionAccessPointRoutesRequest { account_id: account_id.clone(), mrap: alias.clone() };
    let routes = cloud.ok::<control::GetMultiRegionAccessPointRoutes>(routes).await.routes.unwrap();
    assert_eq!(routes.iter().map(|route| route.traffic_dial_percentage).collect::<Vec<_>>(), [0, 100]);
    // Another account needs both policies.
    let theirs = root(THEIRS);
    assert_eq!(read(&cloud, &theirs, &alias, "us-east-1").await.unwrap_err().code(), "AccessDenied");
    let delegate = format!(
        r#""Effect":"Allow","Principal":{{"AWS":"*"}},"Action":"s3:*","Resource":["arn:aws:s3:::west","arn:aws:s3:::west/*"],
           "Condition":{{"StringEquals":{{"s3:DataAccessPointArn":"{mrap}"}}}}"#
    );
    let input =
        s::PutBucketPolicyRequest { bucket: "west".into(), policy: policy(&delegate), ..Default::default() };
    cloud.platform.bus.call::<op::PutBucketPolicy>(ours.clone(), west(), None, input).await.unwrap();
    assert!(
        read(&cloud, &theirs, &alias, "us-east-1").await.is_err(),
        "the access point has said nothing yet"
    );
    let allow = |principal: &str, resource: &str, token: &str| c::PutMultiRegionAccessPointPolicyRequest {
        account_id: OURS.to_string(),
        client_token: token.into(),
        details: c::PutMultiRegionAccessPointPolicyInput {
            name: "own".into(),
            policy: policy(&format!(
                r#""Effect":"Allow","Principal":{{"AWS":"{principal}"}},"Action":"s3:GetObject","Resource":"{resource}""#
            )),
        },
    };
    let within = format!("{mrap}/object/*");
    for (principal, resource, token, expected) in [
        ("*", within.as_str(), "p1", "AccessDenied"),
        (&THEIRS.to_string(), "arn:aws:s3:::west/*", "p2", "MalformedPolicy"),
        (&THEIRS.to_string(), &within, "p3", ""),
    ] {
        let done =
            cloud.ok::<control::PutMultiRegionAccessPointPolicy>(allow(principal, resource, token)).await;
        assert_eq!(outcome(&cloud, done.request_token_arn).await.1, expected, "{token}");
    }
    assert_eq!(read(&cloud, &theirs, &alias, "us-east-1").await.unwrap(), "west");
    // Gone with its alias.
    let delete = c::DeleteMultiRegionAccessPointRequest {
        account_id,
        client_token: "e".into(),
        details: c::DeleteMultiRegionAccessPointInput { name: "own".into() },
    };
    let done = cloud.ok::<control::DeleteMultiRegionAccessPoint>(delete).await;
    assert_eq!(outcome(&cloud, done.request_token_arn).await.0, "SUCCEEDED");
    let gone = cloud.err::<control::GetMultiRegionAccessPoint>(ask).await;
    assert!(gone.starts_with("NoSuchMultiRegionAccessPoint"), "{gone}");
    assert_eq!(
        read(&cloud, &ours, &alias, "us-east-1").await.unwrap_err().code(),
        "NoSuchMultiRegionAccessPoint"
    );
}
