use std::sync::Arc;

use haneul_blob::Blobs;
use haneul_kit::cx::Parts;
use haneul_kit::platform::Config;
use haneul_kit::{AccountId, Caller, Cx, Env, Platform, Region, Seal, Service};
use haneul_store::Store;
use haneul_wire::{Payload, Protocol, RequestParts};
use http::HeaderMap;
use serde_json::{Value, json};

/// A cloud with nothing in it but DynamoDB, spoken to in JSON: through the codecs and the model's validation, as root.
pub(super) struct World {
    pub(super) env: Env,
    services: Arc<Vec<Service>>,
}

impl World {
    pub(super) async fn new() -> World {
        World::seeded(11).await
    }

    pub(super) async fn seeded(seed: u64) -> World {
        World::on(Env::simulated(seed), Store::memory()).await
    }

    pub(super) async fn on(env: Env, store: Store) -> World {
        let seal = Seal::new(&[7; 32], env.rng.clone());
        let config = Config { root_keys: Vec::new(), relaxed: false };
        let platform = Platform::new(env.clone(), store, Blobs::memory(&env), None, seal, config);
        let services = crate::services(&platform).await.unwrap();
        World { env, services: Arc::new(services) }
    }

    /// The answer, or the error as `Code: message` and what else it says.
    pub(super) async fn call(&self, name: &str, input: Value) -> Result<Value, (String, Value)> {
        self.call_in(Region::US_EAST_1, name, input).await
    }

    pub(super) async fn call_in(
        &self,
        region: Region,
        name: &str,
        input: Value,
    ) -> Result<Value, (String, Value)> {
        let service = self.services.iter().find(|service| service.operation(name).is_some());
        let service = service.unwrap_or_else(|| panic!("{name} is not implemented"));
        let operation = service.operation(name).unwrap();
        let model = haneul_wire::model(service.model());
        let def = model.operation(name).unwrap();
        let headers = HeaderMap::new();
        let parts = RequestParts { method: "POST", path: "/", query: "", headers: &headers, labels: &[] };
        let mut shape = operation.new_input();
        let body = Payload::from(serde_json::to_vec(&input).unwrap());
        let read = haneul_wire::decode_request(model, def, Protocol::AwsJson, &parts, body, &mut *shape)
            .and_then(|missing| haneul_wire::validate(model, Protocol::AwsJson, &*shape, &missing));
        if let Err(error) = read {
            return Err((format!("{}: {}", error.code, error.message), Value::Null));
        }
        let cx = self.cx(region);
        operation.access(&cx, &*shape).await.map_err(|error| (error.to_string(), Value::Null))?;
        match operation.call(&cx, shape).await {
            Ok(mut output) => {
                let answer =
                    haneul_wire::encode_response(model, def, Protocol::AwsJson, &mut *output, "r").unwrap();
                Ok(read_json(answer.into_body()).await)
            }
            Err(mut error) => {
                let text = format!("{}: {}", error.code(), error.message());
                let detail = match error.take_detail() {
                    Some(detail) => {
                        let error = haneul_wire::WireError {
                            detail: Some(detail.into()),
                            ..haneul_wire::WireError::sender(error.code().to_owned(), error.message())
                        };
                        let answer = haneul_wire::encode_error(model, None, Protocol::AwsJson, &error, "r");
                        read_json(answer.into_body()).await
                    }
                    None => Value::Null,
                };
                Err((text, detail))
            }
        }
    }

    pub(super) async fn ok(&self, name: &str, input: Value) -> Value {
        match self.call(name, input.clone()).await {
            Ok(answer) => answer,
            Err((error, _)) => panic!("{name} {input}: {error}"),
        }
    }

    /// `Code: message`
    pub(super) async fn err(&self, name: &str, input: Value) -> String {
        match self.call(name, input.clone()).await {
            Ok(answer) => panic!("{name} {input} went through: {answer}"),
            Err((error, _)) => error,
        }
    }

    pub(super) async fn ok_in(&self, region: &str, name: &str, input: Value) -> Value {
        match self.call_in(region.parse().unwrap(), name, input.clone()).await {
            Ok(answer) => answer,
            Err((error, _)) => panic!("{name} {input} in {region}: {error}"),
        }
    }

    pub(super) async fn err_in(&self, region: &str, name: &str, input: Value) -> String {
        match self.call_in(region.parse().unwrap(), name, input.clone()).await {
            Ok(answer) => panic!("{name} {input} in {region} went through: {answer}"),
            Err((error, _)) => error,
        }
    }

    /// Lets every reconciler do what is due.
    pub(super) async fn settle(&self) {
        for reconciler in self.services.iter().flat_map(|service| service.reconcilers()) {
            reconciler.reconcile().await.unwrap();
        }
    }

    /// A table on demand: `t`, with the partition key `p` (S), and the sort key of that name and type, if any.
    pub(super) async fn table(&self, name: &str, sort: Option<(&str, &str)>) {
        let mut keys = vec![json!({"AttributeName": "p", "KeyType": "HASH"})];
        let mut attributes = vec![json!({"AttributeName": "p", "AttributeType": "S"})];
        if let Some((name, kind)) = sort {
            keys.push(json!({"AttributeName": name, "KeyType": "RANGE"}));
            attributes.push(json!({"AttributeName": name, "AttributeType": kind}));
        }
        let input = json!({
            "TableName": name, "KeySchema": keys, "AttributeDefinitions": attributes,
            "BillingMode": "PAY_PER_REQUEST",
        });
        self.ok("CreateTable", input).await;
    }

    pub(super) async fn put(&self, table: &str, item: Value) {
        self.ok("PutItem", json!({"TableName": table, "Item": item})).await;
    }

    pub(super) async fn get(&self, table: &str, key: Value) -> Value {
        let answer =
            self.ok("GetItem", json!({"TableName": table, "Key": key, "ConsistentRead": true})).await;
        answer["Item"].clone()
    }

    pub(super) fn services(&self) -> &[Service] {
        &self.services
    }

    fn cx(&self, region: Region) -> Cx {
        Cx::new(Parts::within("r", Caller::root(AccountId::DEFAULT), region, self.env.now()))
    }
}

async fn read_json(body: Payload) -> Value {
    let bytes = body.into_stream().collect(usize::MAX).await.unwrap();
    serde_json::from_slice(&bytes).unwrap()
}
