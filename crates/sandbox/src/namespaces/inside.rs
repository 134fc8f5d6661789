//! Sockets in the network of a sandbox, held by us.

use std::fs::File;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::os::fd::AsFd;

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

/// Listens on `ports` in the network namespace of the process `pid`.
///
/// A thread of its own enters the namespace and ends; its sockets stay there. The only interface in it is loopback,
/// which may not be up yet, hence the address.
///
/// # Errors
/// When we may not enter, as when we are not root.
pub(super) fn listen(pid: u32, ports: &[u16]) -> io::Result<Vec<TcpListener>> {
    let namespace = File::open(format!("/proc/{pid}/ns/net"))?;
    let work = || {
        move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network))?;
        let bound = ports.iter().map(|port| {
            let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, *port))?;
            listener.set_nonblocking(true)?;
            Ok(listener)
        });
        bound.collect::<io::Result<Vec<TcpListener>>>()
    };
    std::thread::scope(|scope| {
        let ended =
            std::thread::Builder::new().name("sandbox-listen".into()).spawn_scoped(scope, work)?.join();
        ended.unwrap_or_else(|_| Err(io::Error::other("the thread that listens in a sandbox panicked")))
    })
}
