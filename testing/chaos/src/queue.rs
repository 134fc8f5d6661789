//! What the two kinds of queues are asked alike.

use std::time::Duration;

use haneul_env::clock;
use serde_json::{Value, json};

use crate::client::{Client, Result};

/// How long messages that were received before the end may stay hidden, and then some.
const DRAIN_MAX: Duration = Duration::from_secs(30);

#[derive(Clone)]
pub struct Queue {
    pub name: &'static str,
}

pub struct Received {
    pub body: String,
    pub group: String,
    pub handle: String,
}

impl Queue {
    /// The host is this run's, and does not matter.
    pub fn url(&self) -> String {
        format!("http://localhost/000000000000/{}", self.name)
    }

    pub fn create(&self, client: &mut Client, attributes: &Value) -> Result<()> {
        client.sqs("CreateQueue", &json!({"QueueName": self.name, "Attributes": attributes})).map(drop)
    }

    pub fn delete(&self, client: &mut Client) -> Result<()> {
        client.sqs("DeleteQueue", &json!({"QueueUrl": self.url()})).map(drop)
    }

    pub fn receive(&self, client: &mut Client, hidden_s: u32) -> Result<Vec<Received>> {
        let input = json!({
            "QueueUrl": self.url(), "MaxNumberOfMessages": 10, "VisibilityTimeout": hidden_s,
            "WaitTimeSeconds": 1, "MessageSystemAttributeNames": ["MessageGroupId"],
        });
        let answer = client.sqs("ReceiveMessage", &input)?;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let received = |message: &Value| Received {
            body: text(&message["Body"]),
            group: text(&message["Attributes"]["MessageGroupId"]),
            handle: text(&message["ReceiptHandle"]),
        };
        Ok(answer["Messages"].as_array().into_iter().flatten().map(received).collect())
    }

    pub fn remove(&self, client: &mut Client, message: &Received) -> Result<()> {
        client
            .sqs("DeleteMessage", &json!({"QueueUrl": self.url(), "ReceiptHandle": message.handle}))
            .map(drop)
    }

    /// Receives and deletes everything, in order; waits for what is hidden, and for what `wanted` still wants.
    pub fn drain(
        &self,
        client: &mut Client,
        wanted: impl Fn(&[(String, String)]) -> bool,
    ) -> Result<Vec<(String, String)>> {
        let began = clock::monotonic();
        let mut drained = Vec::new();
        loop {
            for message in self.receive(client, 60)? {
                self.remove(client, &message)?;
                drained.push((message.group, message.body));
            }
            let names: Vec<String> = ["", "NotVisible", "Delayed"]
                .iter()
                .map(|kind| format!("ApproximateNumberOfMessages{kind}"))
                .collect();
            let answer = client
                .sqs("GetQueueAttributes", &json!({"QueueUrl": self.url(), "AttributeNames": names}))?;
            let empty = names.iter().all(|name| answer["Attributes"][name] == "0");
            if (empty && !wanted(&drained)) || began.elapsed() > DRAIN_MAX {
                return Ok(drained);
            }
        }
    }
}
