//! Durable executions whole: a small SDK ([`sdk`]) plays the function's part, on the simulated executor.

mod calls;
mod configuration;
mod control;
mod executions;
mod restart;
mod sdk;
