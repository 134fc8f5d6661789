//! Organizations with IAM, STS and SQS, called over the bus: through validation and authorisation, as a client's calls
//! go.

mod accounts;
mod cloud;
mod delegation;
mod dispatch;
mod enforcement;
mod handshakes;
mod policies;
mod properties;
mod transfers;
mod tree;
