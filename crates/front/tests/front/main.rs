//! The front door with a small cloud behind it: [`world`] makes one, of services that do just enough to be seen through.

mod authn;
mod authz;
mod bodies;
mod bus;
mod control;
mod drain;
mod explain;
mod guests;
mod hostile;
mod limits;
mod organization;
mod properties;
mod protocols;
mod socket;
mod tls;
mod world;
