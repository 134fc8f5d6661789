use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use haneul_kit::{BoxFuture, Guests};
use tokio::net::TcpStream;

use super::seat::Seated;
use super::{Settings, connection};
use crate::Cloud;

/// Where connections of programs in a sandbox are said to come from: a link-local address, as AWS's functions have
/// inside. It is not loopback, so control requests and what else is only for this machine are refused.
const GUEST: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::new(169, 254, 100, 1)), 0);

impl Guests for Cloud {
    fn welcome(self: Arc<Self>, socket: TcpStream) -> BoxFuture<'static, ()> {
        Box::pin(connection::serve(self, Seated::fixed(socket), GUEST, Arc::new(Settings::default())))
    }
}
