use std::sync::Arc;

use tokio::net::TcpStream;

use crate::BoxFuture;

/// Lets programs that we run in a sandbox reach our endpoint. The front door implements it.
pub trait Guests: Send + Sync + 'static {
    /// Serves one connection to its end, as one that comes from another machine: programs are nobody's operator, so
    /// they have no way to what only who is on this machine may do.
    fn welcome(self: Arc<Self>, socket: TcpStream) -> BoxFuture<'static, ()>;
}
