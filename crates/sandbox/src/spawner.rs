use std::io;
use std::path::Path;
use std::sync::mpsc;

use rustix::mount::{
    MountFlags, MountPropagationFlags, UnmountFlags, mount, mount_bind_recursive, mount_change, unmount,
};
use tokio::sync::oneshot;

/// A thread that starts all programs and never ends before we do.
///
/// Programs ask to be killed when the *thread* that started them ends (`PR_SET_PDEATHSIG`), so it may not be one of a
/// pool. As root it also lives in a mount namespace of its own, where it shows the sources of mounts at paths that
/// an unprivileged user can walk: what a sandbox mounts may lie in folders that only we can open. That namespace, with
/// all that is mounted in it, ends with us, however we end.
pub(crate) struct Spawner {
    jobs: mpsc::Sender<Job>,
}

type Job = Box<dyn FnOnce() + Send>;

impl Spawner {
    /// `stage` is a folder that becomes the private one of this thread; `None` when we are not root.
    pub(crate) fn start(stage: Option<&Path>) -> io::Result<Spawner> {
        // What we inherited from who started us is not for programs.
        close_fds::set_fds_cloexec(3, &[]);
        let (jobs, queue) = mpsc::channel::<Job>();
        let stage = stage.map(Path::to_path_buf);
        let (ready, began) = mpsc::channel();
        std::thread::Builder::new().name("sandbox-spawner".into()).spawn(move || {
            let prepared = stage.map_or(Ok(()), |stage| private_stage(&stage));
            let failed = prepared.is_err();
            let _ = ready.send(prepared);
            if failed {
                return;
            }
            for job in queue {
                job();
            }
        })?;
        began.recv().map_err(|_| io::Error::other("the thread that starts programs has ended"))??;
        Ok(Spawner { jobs })
    }

    /// Runs `work` on the thread. It must be short: every start waits for it.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> io::Result<T> + Send + 'static,
    ) -> io::Result<T> {
        let gone = || io::Error::other("the thread that starts programs has ended");
        let (answer, done) = oneshot::channel();
        let runtime = tokio::runtime::Handle::current();
        let job: Job = Box::new(move || {
            // Sockets and children register with the runtime of who asked.
            let _entered = runtime.enter();
            let _ = answer.send(work());
        });
        self.jobs.send(job).map_err(|_| gone())?;
        done.await.map_err(|_| gone())?
    }

    /// As [`Spawner::run`], without waiting for it.
    pub(crate) fn later(&self, work: impl FnOnce() + Send + 'static) {
        let _ = self.jobs.send(Box::new(work));
    }
}

fn private_stage(stage: &Path) -> io::Result<()> {
    // Deprecated because unsharing file descriptors is unsound; the mount namespace of one thread is not.
    #[allow(deprecated)]
    rustix::thread::unshare(rustix::thread::UnshareFlags::NEWNS)?;
    mount_change("/", MountPropagationFlags::DOWNSTREAM | MountPropagationFlags::REC)?;
    mount("haneul", stage, "tmpfs", MountFlags::NOSUID | MountFlags::NODEV, Some(c"mode=0711,size=4m"))?;
    Ok(())
}

/// Shows `source` at `target`, which is made. Only on the spawner's thread.
pub(crate) fn show(source: &Path, target: &Path) -> io::Result<()> {
    if std::fs::metadata(source)?.is_dir() {
        std::fs::create_dir(target)?;
    } else {
        std::fs::write(target, b"")?;
    }
    mount_bind_recursive(source, target)?;
    Ok(())
}

/// Shows `sources` over one another at `target`, the last on top. Only on the spawner's thread.
pub(crate) fn show_layers(sources: &[std::path::PathBuf], target: &Path) -> io::Result<()> {
    std::fs::create_dir(target)?;
    let mut options = b"lowerdir=".to_vec();
    for (i, source) in sources.iter().rev().enumerate() {
        if i > 0 {
            options.push(b':');
        }
        for byte in source.as_os_str().as_encoded_bytes() {
            if matches!(byte, b':' | b',' | b'\\') {
                options.push(b'\\');
            }
            options.push(*byte);
        }
    }
    // One page, with the zero at its end.
    if options.len() >= 4096 {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "too many layers with paths as long as these",
        ));
    }
    let options = std::ffi::CString::new(options).map_err(io::Error::other)?;
    mount("overlay", target, "overlay", MountFlags::RDONLY | MountFlags::NOSUID, Some(options.as_c_str()))?;
    Ok(())
}

pub(crate) fn hide(target: &Path) {
    if let Err(error) = unmount(target, UnmountFlags::DETACH) {
        tracing::debug!(%error, "a staged mount could not be taken away");
    }
    let _ = std::fs::remove_dir(target).or_else(|_| std::fs::remove_file(target));
}
