use super::world::World;

#[tokio::test]
async fn service_toml_names_what_is_dispatched() {
    let world = World::new().await;
    let files = [include_str!("../../service.toml"), include_str!("../../../dynamodbstreams/service.toml")];
    for (service, file) in world.services().iter().zip(files) {
        let toml: toml::Table = file.parse().unwrap();
        let named: Vec<&str> =
            toml["implemented"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
        assert_eq!(named, service.implemented().collect::<Vec<_>>());
        for name in toml["notes"].as_table().unwrap().keys() {
            assert!(named.contains(&name.as_str()), "a note on {name}, which is not implemented");
        }
    }
}
