use super::cloud::Cloud;

#[tokio::test]
async fn service_toml_names_what_is_dispatched() {
    let cloud = Cloud::new().await;
    let toml: toml::Table = include_str!("../../service.toml").parse().unwrap();
    let listed: Vec<_> =
        toml["implemented"].as_array().unwrap().iter().map(|o| o.as_str().unwrap()).collect();
    assert_eq!(listed, cloud.implemented);
}
