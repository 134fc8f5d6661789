use std::time::Duration;

use haneul_blob::Blobs;
use haneul_cloudwatch_wire::operations as op;
use haneul_cloudwatch_wire::shapes as s;
use haneul_env::Env;
use haneul_front::{Cloud as Front, Options};
use haneul_kit::platform::Config;
use haneul_kit::{AccountId, Caller, Instant, Operation, Platform, Region, Result, Seal};
use haneul_store::Store;

use super::alarms::Topics;
use super::data_sources::Functions;
use super::streams::Sink;

pub(super) struct Cloud {
    pub platform: Platform,
    pub topics: std::sync::Arc<Topics>,
    pub sink: std::sync::Arc<Sink>,
    pub functions: std::sync::Arc<Functions>,
    _front: std::sync::Arc<Front>,
}

pub(super) const OURS: u64 = 111_111_111_111;

impl Cloud {
    pub(super) async fn new() -> Cloud {
        Cloud::on(Store::memory(), Env::simulated(11)).await
    }

    pub(super) async fn on(store: Store, env: Env) -> Cloud {
        let seal = Seal::new(&[7; 32], env.rng.clone());
        let config = Config { root_keys: Vec::new(), relaxed: false };
        let platform = Platform::new(env.clone(), store, Blobs::memory(&env), None, seal, config);
        let topics = std::sync::Arc::new(Topics::default());
        let sink = std::sync::Arc::new(Sink::default());
        let functions = std::sync::Arc::new(Functions::default());
        let services = vec![
            haneul_iam::service(&platform).await.unwrap(),
            crate::service(&platform).await.unwrap(),
            super::alarms::service(&topics),
            haneul_sts::service(&platform).await.unwrap(),
            super::streams::service(&sink),
            super::data_sources::service(&functions),
        ];
        let models = [
            &haneul_iam_wire::SERVICE,
            &haneul_cloudwatch_wire::SERVICE,
            &haneul_sns_wire::SERVICE,
            &haneul_firehose_wire::SERVICE,
            &haneul_lambda_wire::SERVICE,
        ];
        let front = Front::new(platform.clone(), &models, services, Options::default());
        front.start_reconcilers();
        Cloud { platform, topics, sink, functions, _front: front }
    }

    pub(super) fn root() -> Caller {
        Caller::root(AccountId::new(OURS).unwrap())
    }

    pub(super) fn now(&self) -> Instant {
        self.platform.env.now()
    }

    /// The beginning of the current minute, in seconds.
    pub(super) fn minute(&self) -> i64 {
        self.now().secs() / 60 * 60
    }

    pub(super) async fn call<O: Operation>(&self, input: O::Input) -> Result<O::Output> {
        self.platform.bus.call::<O>(Self::root(), Region::US_EAST_1, None, input).await
    }

    pub(super) async fn ok<O: Operation>(&self, input: O::Input) -> O::Output {
        self.call::<O>(input).await.unwrap_or_else(|error| panic!("{}: {error}", O::NAME))
    }

    /// The error as `Code: message`.
    pub(super) async fn err<O: Operation>(&self, input: O::Input) -> String {
        match self.call::<O>(input).await {
            Ok(_) => panic!("{} went through", O::NAME),
            Err(error) => error.to_string(),
        }
    }

    /// Moves the clock, and lets what is due run.
    pub(super) async fn advance(&self, seconds: u64) {
        self.platform.env.clock.advance(Duration::from_secs(seconds));
        self.settle().await;
    }

    pub(super) async fn settle(&self) {
        for _ in 0..200 {
            tokio::task::yield_now().await;
        }
    }

    pub(super) async fn put(&self, name: &str, at: i64, value: f64) {
        self.put_all(vec![datum(name, at, value)]).await;
    }

    pub(super) async fn put_all(&self, data: Vec<s::MetricDatum>) {
        let input =
            s::PutMetricDataInput { namespace: "Test".into(), metric_data: Some(data), ..Default::default() };
        self.ok::<op::PutMetricData>(input).await;
    }

    /// The values of a statistic of a metric, by time.
    pub(super) async fn statistic(
        &self,
        name: &str,
        from: i64,
        to: i64,
        period: i32,
        stat: &str,
    ) -> Vec<(i64, f64)> {
        let stat = s::MetricStat { metric: metric(name), period, stat: stat.into(), unit: None };
        let query = s::MetricDataQuery { id: "m".into(), metric_stat: Some(stat), ..Default::default() };
        self.data(vec![query], from, to).await.remove(0).1
    }

    /// Label and points of each result, oldest first.
    pub(super) async fn data(
        &self,
        queries: Vec<s::MetricDataQuery>,
        from: i64,
        to: i64,
    ) -> Vec<(String, Vec<(i64, f64)>)> {
        let input = s::GetMetricDataInput {
            metric_data_queries: queries,
            start_time: Instant::from_secs(from),
            end_time: Instant::from_secs(to),
            scan_by: Some("TimestampAscending".into()),
            ..Default::default()
        };
        let output = self.ok::<op::GetMetricData>(input).await;
        let results = output.metric_data_results.unwrap_or_default();
        let points = |result: &s::MetricDataResult| {
            let times = result.timestamps.iter().flatten().map(|at| at.secs());
            times.zip(result.values.iter().flatten().copied()).collect()
        };
        results.iter().map(|result| (result.label.clone().unwrap_or_default(), points(result))).collect()
    }
}

pub(super) fn metric(name: &str) -> s::Metric {
    s::Metric { namespace: Some("Test".into()), metric_name: Some(name.into()), dimensions: None }
}

pub(super) fn datum(name: &str, at: i64, value: f64) -> s::MetricDatum {
    s::MetricDatum {
        metric_name: name.into(),
        timestamp: Some(Instant::from_secs(at)),
        value: Some(value),
        ..Default::default()
    }
}

pub(super) fn expression(id: &str, text: &str, period: Option<i32>) -> s::MetricDataQuery {
    s::MetricDataQuery { id: id.into(), expression: Some(text.into()), period, ..Default::default() }
}

pub(super) fn query(id: &str, name: &str, period: i32, stat: &str) -> s::MetricDataQuery {
    let stat = s::MetricStat { metric: metric(name), period, stat: stat.into(), unit: None };
    s::MetricDataQuery { id: id.into(), metric_stat: Some(stat), ..Default::default() }
}
