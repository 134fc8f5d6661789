//! The operator's folder: what is wrong with it stops the start, and boundaries never change.

use haneul_blob::Blobs;
use haneul_env::Env;
use haneul_kit::platform::Config;
use haneul_kit::{Platform, Seal};
use haneul_store::Store;

use crate::Iam;

const PARTNER: &str = r#"
account = "111122223333"
name = "Example"
domain = "example.com"
channels = ["arn:aws:sqs:us-east-1:111122223333:news"]

[[templates]]
name = "One"
policy = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::@{bucket}/*"}]}'
parameters = [{ name = "bucket", type = "string" }]

[[boundaries]]
name = "Reader"
policy = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}'
"#;

const TEMPLATE: &str = r#"
arn = "arn:aws:iam::aws:role-template/example/One"
name = "One"

[[versions]]
minor = 0
role_name = "@{Name}"
trust_policy = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}'
parameters = [{ name = "Name", type = "String" }]
"#;

/// What opening IAM over this store with these files says.
async fn open(store: &Store, files: &[(&str, &str)]) -> Result<(), String> {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let env = Env::simulated(1);
    let seal = Seal::new(&[7; 32], env.rng.clone());
    let config = Config { root_keys: Vec::new(), relaxed: false };
    let platform = Platform::new(env.clone(), store.clone(), Blobs::memory(&env), None, seal, config);
    platform.set_iam_catalog(folder.path());
    Iam::open(&platform).await.map(drop).map_err(|error| error.to_string())
}

#[tokio::test]
async fn files_that_are_wrong_stop_the_start() {
    let partner = |from: &str, to: &str| {
        assert!(PARTNER.contains(from), "{from}");
        ("partners/a.toml", PARTNER.replacen(from, to, 1))
    };
    let template = |from: &str, to: &str| {
        assert!(TEMPLATE.contains(from), "{from}");
        ("role-templates/a.toml", TEMPLATE.replacen(from, to, 1))
    };
    for ((name, text), expected) in [
        (partner("111122223333", "1"), "twelve digits"),
        (
            partner("name = \"Example\"", "name = \"An Example of a Name That Is Too Long\""),
            "1 to 30 characters",
        ),
        (partner("example.com", "example com"), "letters, digits"),
        (partner("arn:aws:sqs", "arn:aws:sns"), "no SNS"),
        (partner("arn:aws:sqs", "arn:aws:s3"), "not the ARN of an SQS queue"),
        (
            partner("us-east-1:111122223333:news", "nowhere-1:111122223333:news"),
            "not the ARN of an SQS queue",
        ),
        (partner("@{bucket}", "@{other}"), "none of its parameters"),
        (partner("@{bucket}", "@{bucket"), "placeholder"),
        (partner("\"string\"", "\"number\""), "no stringList"),
        (partner("\"s3:*\"", "\"s3\""), "boundary Reader"),
        (partner("channels", "chanels"), "unknown field"),
        (partner("s3:GetObject", "GetObject"), "template One"),
        (partner("\"Effect\"", "\"Efect\""), "template One"),
        (template("sts:AssumeRole", "s3:GetObject"), "trust_policy"),
        (template("\"Principal\"", "\"Prinzipal\""), "trust_policy"),
        (template("type = \"String\"", "type = \"Number\", default = \"x\""), "parameter Name cannot be x"),
        (template("minor = 0", "minor = 0\nmax_session_duration = 60"), "max_session_duration"),
        (
            template(
                "minor = 0",
                "minor = 0\ninline_policies = [{ name = \"a\", policy = '{\"Statement\":[]}' }]",
            ),
            "inline policy a",
        ),
        (template("One\"\nname", "One\"\nnames"), "unknown field"),
        (template("arn:aws:iam::aws:role-template/example/One", "One"), "not an ARN"),
        (template("minor = 0", "minor = 1"), "no version 0"),
        (template("@{Name}", "@{Other}"), "none of its parameters"),
        (template("\"String\"", "\"Text\""), "unknown variant"),
        (("role-templates/a.json", "{".to_owned()), "EOF"),
    ] {
        let said = open(&Store::memory(), &[(name, &text)]).await.unwrap_err();
        assert!(said.contains(expected) && said.contains(name), "{expected}: {said}");
    }
    let twice = [("partners/a.toml", PARTNER), ("partners/b.toml", PARTNER)];
    assert!(open(&Store::memory(), &twice).await.unwrap_err().contains("two partners"));
    let good =
        [("partners/a.toml", PARTNER), ("role-templates/a.toml", TEMPLATE), ("partners/notes.txt", "x")];
    assert_eq!(open(&Store::memory(), &good).await, Ok(()));
    let said = open(&Store::memory(), &[("partners", "a file")]).await.unwrap_err();
    assert!(said.contains("partners"), "what cannot be read is not empty: {said}");
    assert_eq!(open(&Store::memory(), &[]).await, Ok(()));
}

#[tokio::test]
async fn boundaries_never_change() {
    let store = Store::memory();
    assert_eq!(open(&store, &[("partners/a.toml", PARTNER)]).await, Ok(()));
    assert_eq!(open(&store, &[("partners/a.toml", PARTNER)]).await, Ok(()), "the same again");
    let other = PARTNER.replace("s3:*", "*");
    let said = open(&store, &[("partners/a.toml", &other)]).await.unwrap_err();
    assert!(said.contains("boundaries never change"), "{said}");
    let renamed = other.replace("Reader", "Reader2");
    assert_eq!(open(&store, &[("partners/a.toml", &renamed)]).await, Ok(()));
    assert_eq!(open(&store, &[]).await, Ok(()), "and stay without their partner");
}
