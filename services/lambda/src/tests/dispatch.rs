use super::cloud::Cloud;

#[tokio::test]
async fn service_toml_names_what_is_dispatched() {
    let cloud = Cloud::new().await;
    let entry = cloud.front.catalog().named("lambda").unwrap();
    let toml: toml::Table = include_str!("../../service.toml").parse().unwrap();
    let listed: Vec<_> =
        toml["implemented"].as_array().unwrap().iter().map(|o| o.as_str().unwrap()).collect();
    let dispatched: Vec<_> = entry.service.as_ref().unwrap().implemented().collect();
    assert_eq!(listed, dispatched);
}
