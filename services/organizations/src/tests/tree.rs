use haneul_organizations_wire::operations as op;
use haneul_organizations_wire::shapes as s;
use haneul_shape::Empty;

use super::cloud::{Cloud, master, stranger};

#[tokio::test]
async fn an_organization_begins_and_ends() {
    let cloud = Cloud::new().await;
    let missing = cloud.err::<op::DescribeOrganization>(&master(), Empty).await;
    assert_eq!(
        missing,
        "AWSOrganizationsNotInUseException: Your account is not a member of an organization."
    );
    let made = cloud.ok::<op::CreateOrganization>(&master(), Default::default()).await.organization.unwrap();
    let id = made.id.clone().unwrap();
    assert!(id.starts_with("o-") && id.len() == 12, "{id}");
    assert_eq!(made.arn.unwrap(), format!("arn:aws:organizations::111111111111:organization/{id}"));
    assert_eq!(
        made.master_account_arn.unwrap(),
        format!("arn:aws:organizations::111111111111:account/{id}/111111111111")
    );
    assert_eq!(made.feature_set.as_deref(), Some("ALL"));
    let again = cloud.err::<op::CreateOrganization>(&master(), Default::default()).await;
    assert!(again.starts_with("AlreadyInOrganizationException"), "{again}");

    let roots = cloud.ok::<op::ListRoots>(&master(), Default::default()).await.roots.unwrap();
    assert!(roots[0].policy_types.as_ref().unwrap().is_empty(), "each has to be enabled");
    let accounts = cloud.ok::<op::ListAccounts>(&master(), Default::default()).await.accounts.unwrap();
    assert_eq!(accounts.len(), 1);
    assert_eq!(accounts[0].joined_method.as_deref(), Some("INVITED"));
    let root = roots[0].id.as_deref().unwrap();
    assert_eq!(accounts[0].paths.as_deref().unwrap(), [format!("{id}/{root}/111111111111/")]);

    let member = cloud.account("one").await;
    let kept = cloud.err::<op::DeleteOrganization>(&master(), Empty).await;
    assert!(kept.starts_with("OrganizationNotEmptyException"), "{kept}");
    let leave = cloud.err::<op::LeaveOrganization>(&master(), Empty).await;
    assert!(leave.starts_with("MasterCannotLeaveOrganizationException"), "{leave}");
    cloud.empty::<op::LeaveOrganization>(&haneul_kit::Caller::root(member)).await;
    cloud.empty::<op::DeleteOrganization>(&master()).await;
    cloud.err::<op::DescribeOrganization>(&master(), Empty).await;
    cloud.ok::<op::CreateOrganization>(&master(), Default::default()).await;
}

#[tokio::test]
async fn units_nest_five_deep_and_have_names_of_their_own() {
    let cloud = Cloud::organized().await;
    let root = cloud.root_id().await;
    let mut parent = root.clone();
    for depth in 1..=5 {
        parent = cloud.unit(&parent, &format!("level {depth}")).await;
        assert!(parent.starts_with(&format!("ou-{}-", &root[2..])), "{parent}");
    }
    let create = |parent: &str, name: &str| s::CreateOrganizationalUnitRequest {
        parent_id: parent.into(),
        name: name.into(),
        tags: None,
    };
    let deep = cloud.err::<op::CreateOrganizationalUnit>(&master(), create(&parent, "six")).await;
    assert_eq!(deep, "ConstraintViolationException OU_DEPTH_LIMIT_EXCEEDED");
    let same = cloud.err::<op::CreateOrganizationalUnit>(&master(), create(&root, "level 1")).await;
    assert_eq!(same, "DuplicateOrganizationalUnitException: An OU with the same name already exists.");
    let lost = cloud.err::<op::CreateOrganizationalUnit>(&master(), create("ou-zzzz-zzzzzzzz", "x")).await;
    assert!(lost.starts_with("ParentNotFoundException"), "{lost}");

    let children = s::ListChildrenRequest {
        parent_id: root.clone(),
        child_type: "ORGANIZATIONAL_UNIT".into(),
        ..Default::default()
    };
    let children = cloud.ok::<op::ListChildren>(&master(), children).await.children.unwrap();
    let first = children[0].id.clone().unwrap();
    let delete = s::DeleteOrganizationalUnitRequest { organizational_unit_id: first.clone() };
    let full = cloud.err::<op::DeleteOrganizationalUnit>(&master(), delete).await;
    assert!(full.starts_with("OrganizationalUnitNotEmptyException"), "{full}");
    let delete = s::DeleteOrganizationalUnitRequest { organizational_unit_id: parent.clone() };
    cloud.ok::<op::DeleteOrganizationalUnit>(&master(), delete.clone()).await;
    let gone = cloud.err::<op::DeleteOrganizationalUnit>(&master(), delete).await;
    assert!(gone.starts_with("OrganizationalUnitNotFoundException"), "{gone}");

    let rename = s::UpdateOrganizationalUnitRequest {
        organizational_unit_id: first.clone(),
        name: Some("other".into()),
    };
    let renamed = cloud.ok::<op::UpdateOrganizationalUnit>(&master(), rename).await;
    assert_eq!(renamed.organizational_unit.unwrap().name.as_deref(), Some("other"));
}

#[tokio::test]
async fn accounts_move() {
    let cloud = Cloud::organized().await;
    let root = cloud.root_id().await;
    let unit = cloud.unit(&root, "unit").await;
    let account = cloud.account("one").await;
    let input = |from: &str, to: &str| s::MoveAccountRequest {
        account_id: account.to_string(),
        source_parent_id: from.into(),
        destination_parent_id: to.into(),
    };
    cloud.ok::<op::MoveAccount>(&master(), input(&root, &unit)).await;
    for (from, to, code) in [
        (&root, &unit, "DuplicateAccountException"),
        (&root, &root, "SourceParentNotFoundException"),
        (&unit, &"ou-zzzz-zzzzzzzz".to_owned(), "DestinationParentNotFoundException"),
        (&"ou-zzzz-zzzzzzzz".to_owned(), &unit, "SourceParentNotFoundException"),
    ] {
        let refused = cloud.err::<op::MoveAccount>(&master(), input(from, to)).await;
        assert!(refused.starts_with(code), "{from} {to}: {refused}");
    }
    let parents = s::ListParentsRequest { child_id: account.to_string(), ..Default::default() };
    let parents = cloud.ok::<op::ListParents>(&master(), parents).await.parents.unwrap();
    assert_eq!(parents[0].id.as_deref(), Some(unit.as_str()));
    let below = s::ListAccountsForParentRequest { parent_id: unit.clone(), ..Default::default() };
    let below = cloud.ok::<op::ListAccountsForParent>(&master(), below).await.accounts.unwrap();
    assert_eq!(below[0].id, Some(account.to_string()));
}

#[tokio::test]
async fn listings_come_in_pages() {
    let cloud = Cloud::organized().await;
    let root = cloud.root_id().await;
    let mut made: Vec<String> = Vec::new();
    for n in 0..45 {
        made.push(cloud.unit(&root, &format!("unit {n}")).await);
    }
    made.sort();
    let mut found = Vec::new();
    let mut token = None;
    loop {
        let list = s::ListOrganizationalUnitsForParentRequest {
            parent_id: root.clone(),
            next_token: token,
            max_results: Some(7),
        };
        let page = cloud.ok::<op::ListOrganizationalUnitsForParent>(&master(), list).await;
        found.extend(page.organizational_units.unwrap().into_iter().map(|unit| unit.id.unwrap()));
        token = page.next_token;
        if token.is_none() {
            break;
        }
    }
    assert_eq!(found, made);
    let bad = s::ListAccountsRequest { next_token: Some("x".into()), max_results: None };
    let bad = cloud.err::<op::ListAccounts>(&master(), bad).await;
    assert_eq!(bad, "InvalidInputException INVALID_NEXT_TOKEN");
}

#[tokio::test]
async fn members_and_strangers_may_not_manage() {
    let cloud = Cloud::organized().await;
    let root = cloud.root_id().await;
    let member = haneul_kit::Caller::root(cloud.account("one").await);
    let create =
        || s::CreateOrganizationalUnitRequest { parent_id: root.clone(), name: "x".into(), tags: None };
    let refused = cloud.err::<op::CreateOrganizationalUnit>(&member, create()).await;
    assert_eq!(refused, "AccessDeniedException: You don't have permissions to access this resource.");
    let refused = cloud.err::<op::ListAccounts>(&member, Default::default()).await;
    assert!(refused.starts_with("AccessDeniedException"), "{refused}");
    let outside = cloud.err::<op::CreateOrganizationalUnit>(&stranger(), create()).await;
    assert!(outside.starts_with("AWSOrganizationsNotInUseException"), "{outside}");
    let seen = cloud.empty::<op::DescribeOrganization>(&member).await.organization.unwrap();
    assert_eq!(seen.master_account_id.as_deref(), Some("111111111111"));
}

#[tokio::test]
async fn tags_are_kept_and_limited() {
    let cloud = Cloud::organized().await;
    let root = cloud.root_id().await;
    let unit = cloud.unit(&root, "unit").await;
    let account = cloud.account("one").await.to_string();
    let policy = cloud.policy("SERVICE_CONTROL_POLICY", "p", super::cloud::NOT_IN_THE_WEST).await;
    let tag = |key: &str| s::Tag { key: key.into(), value: "v".into() };
    for resource in [&root, &unit, &account, &policy] {
        let input = s::TagResourceRequest { resource_id: resource.clone(), tags: vec![tag("b"), tag("a")] };
        cloud.ok::<op::TagResource>(&master(), input).await;
        let input = s::UntagResourceRequest { resource_id: resource.clone(), tag_keys: vec!["b".into()] };
        cloud.ok::<op::UntagResource>(&master(), input).await;
        let list = s::ListTagsForResourceRequest { resource_id: resource.clone(), next_token: None };
        let tags = cloud.ok::<op::ListTagsForResource>(&master(), list).await.tags.unwrap();
        assert_eq!(tags.len(), 1, "{resource}");
        let many = (0..50).map(|n| tag(&format!("k{n}"))).collect();
        let input = s::TagResourceRequest { resource_id: resource.clone(), tags: many };
        let full = cloud.err::<op::TagResource>(&master(), input).await;
        assert_eq!(full, "ConstraintViolationException MAX_TAG_LIMIT_EXCEEDED");
    }
    for (tags, reason) in [
        (vec![tag("aws:x")], "INVALID_SYSTEM_TAGS_PARAMETER"),
        (vec![tag("x"), tag("x")], "DUPLICATE_TAG_KEY"),
    ] {
        let input = s::TagResourceRequest { resource_id: root.clone(), tags };
        let refused = cloud.err::<op::TagResource>(&master(), input).await;
        assert_eq!(refused, format!("InvalidInputException {reason}"));
    }
    let lost = s::ListTagsForResourceRequest { resource_id: "ou-zzzz-zzzzzzzz".into(), next_token: None };
    assert!(
        cloud.err::<op::ListTagsForResource>(&master(), lost).await.starts_with("TargetNotFoundException")
    );
}
