use std::sync::Arc;

use haneul_lambda_exec::{BoxFuture, Endpoint};
use haneul_sandbox::Connection;
use tokio::io::AsyncWriteExt;
use tokio::sync::watch;

/// Where handlers wait until the test lets them go.
pub(crate) struct Gate {
    pub(crate) arrived: watch::Sender<usize>,
    open: watch::Sender<bool>,
}

impl Gate {
    pub(crate) fn new() -> Arc<Gate> {
        Arc::new(Gate { arrived: watch::Sender::new(0), open: watch::Sender::new(false) })
    }

    pub(crate) async fn arrived(&self, count: usize) {
        self.arrived.subscribe().wait_for(|there| *there >= count).await.unwrap();
    }

    pub(crate) fn open(&self, open: bool) {
        self.arrived.send_replace(0);
        self.open.send_replace(open);
    }
}

/// Its other side, in the sandbox.
pub(crate) struct Door(pub(crate) Arc<Gate>);

impl Endpoint for Door {
    fn serve(&self, mut connection: Connection) -> BoxFuture<'static, ()> {
        let gate = self.0.clone();
        Box::pin(async move {
            let mut open = gate.open.subscribe();
            gate.arrived.send_modify(|count| *count += 1);
            let _ = open.wait_for(|open| *open).await;
            let _ = connection.write_all(b"go\n").await;
        })
    }
}
