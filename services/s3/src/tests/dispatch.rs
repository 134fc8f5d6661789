use super::world::World;

#[tokio::test]
async fn service_toml_names_what_is_dispatched() {
    let world = World::new();
    let service = crate::service(&world.s3.platform).await.unwrap();
    let toml: toml::Table = include_str!("../../service.toml").parse().unwrap();
    let named: Vec<&str> =
        toml["implemented"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
    assert_eq!(named, service.implemented().collect::<Vec<_>>());
    for name in toml["notes"].as_table().unwrap().keys() {
        assert!(named.contains(&name.as_str()), "a note on {name}, which is not implemented");
    }
}

#[test]
fn service_toml_of_s3_control_names_what_is_dispatched() {
    let world = super::world::World::new();
    let services = crate::service::services_of(world.s3.clone());
    let text = include_str!("../../../s3control/service.toml");
    let toml: toml::Table = text.parse().unwrap();
    let named: Vec<_> = toml["implemented"].as_array().unwrap().iter().map(|n| n.as_str().unwrap()).collect();
    assert_eq!(named, services[1].implemented().collect::<Vec<_>>());
}

#[test]
fn service_toml_of_s3_tables_names_what_is_dispatched() {
    let world = super::world::World::new();
    let services = crate::service::services_of(world.s3.clone());
    let text = include_str!("../../../s3tables/service.toml");
    let toml: toml::Table = text.parse().unwrap();
    let named: Vec<_> = toml["implemented"].as_array().unwrap().iter().map(|n| n.as_str().unwrap()).collect();
    assert_eq!(named, services[2].implemented().collect::<Vec<_>>());
}
