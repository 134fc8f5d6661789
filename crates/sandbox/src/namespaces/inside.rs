//! Sockets in the network of a sandbox, held by us.

use std::fs::File;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

/// How long a connection to a listener inside may take: on a loopback interface it is there at once or never.
const CONNECT_MAX: Duration = Duration::from_secs(1);

/// Listens on `ports` in the network namespace of the process `pid`.
///
/// The only interface in it is loopback, which may not be up yet, hence the address.
///
/// # Errors
/// When we may not enter, as when we are not root.
pub(super) fn listen(pid: u32, ports: &[u16]) -> io::Result<Vec<TcpListener>> {
    let namespace = File::open(format!("/proc/{pid}/ns/net"))?;
    within(namespace.as_fd(), || {
        let bound = ports.iter().map(|port| {
            let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, *port))?;
            listener.set_nonblocking(true)?;
            Ok(listener)
        });
        bound.collect::<io::Result<Vec<TcpListener>>>()
    })
}

/// Connects to `port` on the loopback interface of the network namespace; on the host's, without one.
///
/// # Errors
/// When nobody listens there, or we may not enter.
pub(super) fn connect(namespace: Option<&OwnedFd>, port: u16) -> io::Result<TcpStream> {
    let work = || {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let stream = TcpStream::connect_timeout(&address, CONNECT_MAX)?;
        stream.set_nonblocking(true)?;
        Ok(stream)
    };
    match namespace {
        Some(namespace) => within(namespace.as_fd(), work),
        None => work(),
    }
}

/// Does `work` on a thread of its own that enters the network namespace and ends; its sockets stay there.
fn within<T: Send>(namespace: BorrowedFd<'_>, work: impl FnOnce() -> io::Result<T> + Send) -> io::Result<T> {
    let work = || {
        move_into_link_name_space(namespace, Some(LinkNameSpaceType::Network))?;
        work()
    };
    std::thread::scope(|scope| {
        let ended =
            std::thread::Builder::new().name("sandbox-network".into()).spawn_scoped(scope, work)?.join();
        ended.unwrap_or_else(|_| Err(io::Error::other("the thread in a sandbox's network panicked")))
    })
}
