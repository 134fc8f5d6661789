//! The service's errors, and the only place that gives them their names on the wire.
