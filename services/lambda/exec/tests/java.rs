//! The managed Java runtimes, on a JDK of this host.

mod host;

use host::{Host, function};
use serde_json::json;

const RUNTIMES: &[&str] = &["java11", "java17", "java21", "java25"];

/// What the library that functions bring along declares, as far as the tests use it.
const INTERFACES: &[(&str, &str)] = &[
    ("com/amazonaws/services/lambda/runtime/LambdaLogger.java",
     "package com.amazonaws.services.lambda.runtime; public interface LambdaLogger { void log(String message); }"),
    ("com/amazonaws/services/lambda/runtime/Context.java",
     "package com.amazonaws.services.lambda.runtime; public interface Context { String getAwsRequestId(); String getFunctionName();
      int getRemainingTimeInMillis(); int getMemoryLimitInMB(); LambdaLogger getLogger(); }"),
    ("com/amazonaws/services/lambda/runtime/RequestHandler.java",
     "package com.amazonaws.services.lambda.runtime; public interface RequestHandler<I, O> { O handleRequest(I input, Context context); }"),
    ("com/amazonaws/services/lambda/runtime/RequestStreamHandler.java",
     "package com.amazonaws.services.lambda.runtime; import java.io.*; public interface RequestStreamHandler {
      void handleRequest(InputStream input, OutputStream output, Context context) throws IOException; }"),
];

const APP: &str = r#"
package example;
import com.amazonaws.services.lambda.runtime.*;
import java.util.*;
public class App implements RequestHandler<App.Order, Map<String, Object>> {
    public static class Item { private String name; private int count; public String getName() { return name; }
        public void setName(String name) { this.name = name; } public int getCount() { return count; } public void setCount(int count) { this.count = count; } }
    public static class Order { private List<Item> items; private Map<String, Double> prices; public List<Item> getItems() { return items; }
        public void setItems(List<Item> items) { this.items = items; } public Map<String, Double> getPrices() { return prices; }
        public void setPrices(Map<String, Double> prices) { this.prices = prices; } }
    static int calls = 0;
    public Map<String, Object> handleRequest(Order order, Context context) {
        calls++;
        context.getLogger().log("hello\nfrom " + context.getFunctionName());
        if (order.getItems() == null) throw new IllegalStateException("no items");
        double sum = 0;
        for (Item item : order.getItems()) sum += item.getCount() * order.getPrices().get(item.getName());
        Map<String, Object> answer = new LinkedHashMap<>();
        answer.put("sum", sum); answer.put("calls", calls); answer.put("id", context.getAwsRequestId());
        answer.put("first", order.getItems().get(0)); answer.put("memory", context.getMemoryLimitInMB());
        return answer;
    }
    public String plain(String name) { return "hello " + name; }
    public static class Streams implements RequestStreamHandler {
        public void handleRequest(java.io.InputStream in, java.io.OutputStream out, Context context) throws java.io.IOException {
            for (int next = in.read(); next >= 0; next = in.read()) out.write(next);
        }
    }
}
"#;

#[tokio::test(flavor = "multi_thread")]
async fn handlers_of_all_shapes_answer() {
    let Some(host) = Host::new() else { return };
    let Some(runtime) = RUNTIMES.iter().find(|runtime| host.has(runtime)) else { return };
    let mut files = INTERFACES.to_vec();
    files.push(("example/App.java", APP));
    let first = function(runtime, "compiled", &files);
    let sources = files.iter().map(|(name, _)| first.code().join(name));
    let done =
        std::process::Command::new("javac").arg("-d").arg(first.code()).args(sources).status().unwrap();
    assert!(done.success());
    let compiled = |handler: &str| {
        function(runtime, handler, &[])
            .with(|spec| {
                spec.code = first.code();
                spec.timeout = std::time::Duration::from_secs(60);
            })
            .done()
    };
    let app = compiled("example.App::handleRequest");
    let order = json!({ "items": [{ "name": "tea", "count": 2 }, { "name": "ü", "count": 1 }], "prices": { "tea": 1.5, "ü": 4 } });
    for calls in 1..=2 {
        let answer = host.invoke(&app, &order).await;
        let value = answer.ok();
        assert_eq!(
            (&value["sum"], &value["calls"], &value["memory"]),
            (&json!(7.0), &json!(calls), &json!(256))
        );
        assert_eq!(value["first"], json!({ "name": "tea", "count": 2 }));
        assert_eq!(value["id"].as_str(), Some(answer.request_id.as_str()));
        assert!(answer.log.contains(&format!("hello\nfrom {}\n", app.spec.function_name)), "{}", answer.log);
    }
    let answer = host.invoke(&app, &json!({})).await;
    assert_eq!(answer.failed(), ("java.lang.IllegalStateException", "no items"));
    assert!(
        answer.value["stackTrace"][0].as_str().unwrap().starts_with("example.App.handleRequest(App.java:"),
        "{}",
        answer.value
    );
    assert_eq!(*host.invoke(&compiled("example.App::plain"), &json!("you")).await.ok(), json!("hello you"));
    assert_eq!(*host.invoke(&compiled("example.App$Streams"), &json!([1, 2])).await.ok(), json!([1, 2]));
    let answer = host.invoke(&compiled("example.Gone"), &json!({})).await;
    assert_eq!(answer.failed(), ("java.lang.ClassNotFoundException", "Class not found: example.Gone"));
}
