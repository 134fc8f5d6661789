use super::cloud::Cloud;

#[tokio::test]
async fn service_toml_names_what_is_dispatched() {
    let cloud = Cloud::new().await;
    let service = crate::service(&cloud.platform).await.unwrap();
    let toml: toml::Table = include_str!("../../service.toml").parse().unwrap();
    let named: Vec<&str> =
        toml["implemented"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
    assert_eq!(named, service.implemented().collect::<Vec<_>>());
    for name in toml["notes"].as_table().unwrap().keys() {
        assert!(named.contains(&name.as_str()), "a note on {name}, which is not implemented");
    }
}
