//! Access Analyzer with IAM, S3, SQS and Organizations, called over the bus.

mod analyzers;
mod cloud;
mod compare;
mod dispatch;
mod generations;
mod unused;
mod validate;
