//! Hostile programs in the real sandbox of this host: each trick must fail. Beside it is its control, which shows that the
//! trick works outside or without the guard, so that the test can fail.

mod trial;

use std::time::Duration;

use haneul_sandbox::{Exit, Mount, Network};
use trial::{Outcome, Trial, sh};

/// Runs `script` by the shell in a sandbox that is like a function's.
async fn inside(script: &str) -> Option<Outcome> {
    sh(script).run().await
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_nobody_and_can_become_nobody_else() {
    let Some(seen) = inside("id -u; id -g; grep -E 'CapEff|CapBnd|NoNewPrivs|Seccomp:' /proc/self/status; grep Seccomp: /proc/1/status").await else {
        return;
    };
    let text = seen.out();
    assert!(text.starts_with("993\n990\n"), "{text}");
    for line in ["CapEff:\t0000000000000000", "CapBnd:\t0000000000000000", "NoNewPrivs:\t1", "Seccomp:\t2"] {
        assert!(text.contains(line), "{text}");
    }
    // The first process too, which this one may write into.
    assert_eq!(text.matches("Seccomp:\t2").count(), 2, "{text}");
    // The control: outside, the same words say who we are and what we may.
    let host = trial::on_the_host("/bin/sh", "id -u; grep -E 'CapBnd' /proc/self/status");
    assert!(!host.starts_with("993\n") && !host.contains("CapBnd:\t0000000000000000"), "{host}");
    // Not root of the host in disguise: its user has a number of its own there.
    if trial::is_root() {
        let map = inside("cat /proc/self/uid_map").await.unwrap().out();
        let outside: Vec<&str> = map.split_whitespace().collect();
        assert_eq!(outside[0], "993", "{map}");
        assert_ne!(seen.host_uid, Some(0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_hosts_files_are_not_there() {
    let secret = tempfile::tempdir().unwrap();
    std::fs::write(secret.path().join("store"), b"the data directory").unwrap();
    let script = format!(
        "for path in /etc/shadow /root /home /var/lib/dpkg /sys /boot {0} {0}/store /proc/1/root{0} /proc/self/root{0}; do
           if ls -d $path 2>/dev/null; then echo SEEN $path; fi
         done; cat /etc/passwd; ls /tmp | wc -l",
        secret.path().display()
    );
    let Some(seen) = inside(&script).await else { return };
    let text = seen.out();
    assert!(!text.contains("SEEN"), "{text}");
    assert!(text.contains("sbx_user1051") && text.lines().count() == 4, "{text}");
    // The control: outside they are there.
    let host = trial::on_the_host("/bin/sh", &script);
    for path in [&format!("{}/store", secret.path().display()), "/sys", "/var/lib/dpkg"] {
        assert!(
            host.contains(&format!("SEEN {path}\n")) || !std::path::Path::new(path).exists(),
            "{path}: {host}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_can_be_written_but_tmp() {
    // The control is /given, which it may write to: what can be written is noticed. Without the guards it would write into
    // the host's own /usr, so that is not tried.
    let script = "for folder in /given / /usr /usr/bin /etc /dev /dev/shm /proc /var/task /run /var; do
           if touch $folder/x 2>/dev/null; then echo WROTE $folder; fi
         done
         for file in /etc/hosts /proc/sys/kernel/core_pattern /proc/sysrq-trigger /usr/bin/env /proc/self/oom_adj; do
           if (echo x > $file) 2>/dev/null; then echo WROTE $file; fi
         done
         touch /tmp/x && echo tmp";
    let given = tempfile::tempdir().unwrap();
    std::fs::set_permissions(given.path(), std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
    let mut trial = sh(script);
    trial.program.mounts.push(Mount::Writable { source: given.path().to_owned(), target: "/given".into() });
    let Some(seen) = trial.run().await else { return };
    let text = seen.out().replace("WROTE /proc/self/oom_adj\n", "");
    assert_eq!(text, "WROTE /given\ntmp\n", "{}", seen.err());
    assert!(given.path().join("x").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_filler_meets_its_quota() {
    let Some(seen) = inside("dd if=/dev/zero of=/tmp/fill bs=1M count=200 2>&1; stat -c %s /tmp/fill").await
    else {
        return;
    };
    let text = seen.out();
    assert!(text.contains("No space left on device"), "{text}");
    let size: u64 = text.lines().last().unwrap().parse().unwrap();
    assert!(size <= trial::TMP_BYTES, "{size}");
    // The control: with a larger quota all of it fits.
    let mut wide = sh("dd if=/dev/zero of=/tmp/fill bs=1M count=32 2>&1; stat -c %s /tmp/fill");
    wide.program.mounts = vec![Mount::Memory { target: "/tmp".into(), bytes: 48 << 20 }];
    let text = wide.run().await.unwrap().out();
    assert!(text.ends_with(&format!("{}\n", 32 << 20)), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fork_bomb_meets_its_limit() {
    let bomb = "n=0; while [ $n -lt 300 ]; do sleep 60 & n=$((n+1)); done; echo all; kill -9 -1";
    let trial = sh(bomb).limit(|limits| limits.processes_max = 50);
    let Some(seen) = trial.run().await else { return };
    assert!(!seen.out().contains("all"), "{}", seen.out());
    assert!(seen.err().contains("fork") || seen.err().contains("retry"), "{}", seen.err());
    trial::assert_gone(seen.pid).await;
    // The control: with a higher limit it goes off.
    let wide = sh(bomb).limit(|limits| limits.processes_max = 1000).run().await.unwrap();
    assert!(wide.out().contains("all"), "{}", wide.err());
    trial::assert_gone(wide.pid).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_memory_bomb_is_ended_and_said_to_be_one() {
    // Doubles a string in the shell's memory, to 64 MB.
    let bomb = "x=0123456789abcdef; n=0; while [ $n -lt 22 ]; do x=$x$x; n=$((n+1)); done; echo survived";
    let trial = sh(bomb).limit(|limits| limits.memory_bytes = 64 << 20);
    let Some(seen) = trial.run().await else { return };
    assert_eq!((seen.exit, seen.out().as_str()), (Exit::OutOfMemory, ""), "{}", seen.err());
    // The control: with a higher limit it goes off.
    let wide = sh(bomb).limit(|limits| limits.memory_bytes = 512 << 20).run().await.unwrap();
    assert_eq!((wide.exit, wide.out().as_str()), (Exit::Code(0), "survived\n"), "{}", wide.err());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_lies_in_tmp_is_not_the_programs_memory() {
    let trial =
        sh("dd if=/dev/zero of=/tmp/fill bs=1M count=15 2>/dev/null; sleep 0.2; echo ok").limit(|limits| {
            limits.memory_bytes = 12 << 20;
        });
    let Some(seen) = trial.run().await else { return };
    assert_eq!((seen.exit, seen.out().as_str()), (Exit::Code(0), "ok\n"), "{}", seen.err());
    // The control: as much in its own memory is too much.
    let own =
        sh("x=0123456789abcdef; n=0; while [ $n -lt 20 ]; do x=$x$x; n=$((n+1)); done; sleep 0.2; echo ok");
    let own = own.limit(|limits| limits.memory_bytes = 12 << 20).run().await.unwrap();
    assert_eq!(own.exit, Exit::OutOfMemory, "{}", own.err());
}

#[tokio::test(flavor = "multi_thread")]
async fn there_is_no_network_but_what_we_listen_on() {
    // That a port of the host can be reached from outside is shown below; a way to the internet has no control, because not
    // every machine that tests has one.
    let script = "ls /sys/class/net 2>/dev/null; cat /proc/net/dev | tail -n +3 | cut -d: -f1
         (exec 3<>/dev/tcp/127.0.0.1/22) 2>/dev/null && echo REACHED 22
         (exec 3<>/dev/tcp/1.1.1.1/53) 2>/dev/null && echo REACHED out
         exec 3<>/dev/tcp/127.0.0.1/9001 && echo ask >&3 && cat <&3";
    let mut trial = Trial::new(&["/bin/bash", "-c", script]);
    trial.program.network = Network::Loopback(vec![9001]);
    let Some(seen) = trial.answering("answered\n").run().await else { return };
    assert_eq!(seen.out().split_whitespace().collect::<Vec<_>>(), ["lo", "answered"], "{}", seen.err());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_ports_of_the_host_are_not_its_loopback() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let script = format!("(exec 3<>/dev/tcp/127.0.0.1/{port}) 2>/dev/null && echo REACHED; echo end");
    let Some(seen) = Trial::new(&["/bin/bash", "-c", &script]).run().await else { return };
    assert_eq!(seen.out(), "end\n");
    // The controls: with the host's network, and outside, it is reached.
    let mut shared = Trial::new(&["/bin/bash", "-c", &script]);
    shared.program.network = Network::Host(0);
    assert_eq!(shared.run().await.unwrap().out(), "REACHED\nend\n");
    assert_eq!(trial::on_the_host("/bin/bash", &script), "REACHED\nend\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn sandboxes_do_not_see_each_other() {
    let Some(mut other) = sh("echo secret > /tmp/theirs; echo here; sleep 300").start().await else { return };
    other.line().await;
    let script = format!(
        "cat /tmp/theirs 2>/dev/null; for pid in /proc/[0-9]*; do tr '\\0' ' ' < $pid/cmdline; echo; done | grep -c 300
         ls -d /proc/{0} 2>/dev/null; kill -9 {0} 2>/dev/null && echo KILLED; echo end",
        other.process.id()
    );
    let seen = sh(&script).run().await.unwrap();
    // The script's own text has the number in it.
    let text = seen.out();
    assert!(!text.contains("secret") && !text.contains("KILLED") && !text.contains("/proc/"), "{text}");
    assert!(text.ends_with("end\n"));
    // The control: outside its process is seen, and root reads what it wrote.
    let pid = other.process.id();
    let host =
        trial::on_the_host("/bin/sh", &format!("ls -d /proc/{pid}; cd /proc/{pid}/root && cat tmp/theirs"));
    assert!(host.starts_with(&format!("/proc/{pid}\n")), "{host}");
    assert!(host.ends_with("secret\n") || !trial::is_root(), "{host}");
    other.process.kill();
    assert_eq!(other.process.wait().await, Exit::Signal(9));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_its_own_descriptors_and_environment_are_there() {
    let mut trial = sh("ls /proc/self/fd | tr '\\n' ' '; echo; env; tr '\\0' '\\n' < /proc/1/environ");
    trial.program.environment.insert("LD_PRELOAD_OF_MINE".into(), "kept".into());
    let Some(seen) = trial.run().await else { return };
    let text = seen.out();
    // Its three, the folder that ls reads, and dash's copy of its standard input.
    let descriptors = text.lines().next().unwrap_or_default();
    assert!(descriptors.split_whitespace().all(|fd| ["0", "1", "2", "3", "10"].contains(&fd)), "{text}");
    assert!(text.contains("LD_PRELOAD_OF_MINE=kept"), "{text}");
    assert!(!text.contains("CARGO") && !text.contains("HOME="), "{text}");
    // The control: a child of ours inherits our variables. No descriptor of ours has one: the standard library marks them.
    assert!(trial::on_the_host("/bin/sh", "env").contains("CARGO"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preloaded_library_of_the_program_stays_inside() {
    // Were it in bubblewrap's own environment, the loader would complain of it outside.
    let mut trial = sh("echo ran");
    trial.program.environment.insert("LD_PRELOAD".into(), "/tmp/none.so".into());
    let Some(seen) = trial.run().await else { return };
    assert_eq!(seen.out(), "ran\n");
    // The first process and the script's shell, which are both inside.
    assert!((1..=2).contains(&seen.err().matches("/tmp/none.so").count()), "{}", seen.err());
}

#[tokio::test(flavor = "multi_thread")]
async fn its_end_is_the_end_of_all_its_children() {
    let Some(mut trial) =
        sh("(setsid sleep 301 &) ; (setsid sleep 301 &) ; echo begun; sleep 301").start().await
    else {
        return;
    };
    trial.line().await;
    let pid = trial.process.id();
    assert!(trial.process.usage().processes >= 4, "{:?}", trial.process.usage());
    trial.process.kill();
    assert_eq!(trial.process.wait().await, Exit::Signal(9));
    trial::assert_gone(pid).await;
    // The control: outside, such a child outlives who started it.
    let orphan = trial::on_the_host("/bin/sh", "setsid sleep 301 > /dev/null 2>&1 & echo $!");
    let there = std::path::Path::new("/proc").join(orphan.trim()).exists();
    let _ = trial::on_the_host("/bin/sh", &format!("kill {orphan}"));
    assert!(there, "{orphan}");
}

#[tokio::test(flavor = "multi_thread")]
async fn frozen_it_does_nothing_and_can_still_be_killed() {
    let script = "while :; do echo tick; sleep 0.01; done";
    let Some(mut trial) = sh(script).start().await else { return };
    trial.line().await;
    trial.process.freeze();
    trial.drain().await;
    let before = trial.process.usage().cpu_micros;
    let silent = haneul_env::Clock::real().timeout(Duration::from_millis(120), trial.line()).await;
    assert!(silent.is_none(), "it wrote while it was frozen");
    assert_eq!(trial.process.usage().cpu_micros, before);
    trial.process.thaw();
    trial.line().await;
    trial.process.freeze();
    trial.process.kill();
    assert_eq!(trial.process.wait().await, Exit::Signal(9));
}

#[tokio::test(flavor = "multi_thread")]
async fn exits_are_told_apart() {
    for (script, exit) in [
        ("exit 0", Exit::Code(0)),
        ("exit 7", Exit::Code(7)),
        ("kill -9 $$", Exit::Signal(9)),
        ("kill -11 $$", Exit::Signal(11)),
    ] {
        let Some(seen) = inside(script).await else { return };
        assert_eq!(seen.exit, exit, "{script}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn layers_lie_over_one_another() {
    let folders: Vec<tempfile::TempDir> = (0..2).map(|_| tempfile::tempdir().unwrap()).collect();
    for (number, folder) in folders.iter().enumerate() {
        trial::readable(folder.path());
        std::fs::write(folder.path().join("both"), format!("{number}\n")).unwrap();
        std::fs::write(folder.path().join(format!("only{number}")), "x").unwrap();
    }
    if !trial::is_root() {
        println!("skipped: only root can mount layers");
        return;
    }
    let mut trial =
        sh("cat /opt/both; ls /opt; touch /opt/x 2>/dev/null && echo WROTE; rm /opt/both 2>/dev/null; echo");
    let sources = folders.iter().map(|folder| folder.path().to_owned()).collect();
    trial.program.mounts.push(Mount::Layers { sources, target: "/opt".into() });
    let Some(seen) = trial.run().await else { return };
    assert_eq!(
        seen.out().split_whitespace().collect::<Vec<_>>(),
        ["1", "both", "only0", "only1"],
        "{}",
        seen.err()
    );
    assert_eq!(std::fs::read_to_string(folders[1].path().join("both")).unwrap(), "1\n");
    // Links in a layer lead within the sandbox. The control: outside, this one leads to the secret.
    let secret = tempfile::tempdir().unwrap();
    trial::readable(secret.path());
    std::fs::write(secret.path().join("secret"), "secret\n").unwrap();
    let link = folders[1].path().join("link");
    std::os::unix::fs::symlink(secret.path().join("secret"), &link).unwrap();
    assert_eq!(trial::on_the_host("/bin/sh", &format!("cat {}", link.display())), "secret\n");
    let mut trial = sh("cat /opt/link; ls -l /opt/link | grep -c secret");
    let sources = folders.iter().map(|folder| folder.path().to_owned()).collect();
    trial.program.mounts.push(Mount::Layers { sources, target: "/opt".into() });
    assert_eq!(trial.run().await.unwrap().out(), "1\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_run_is_said() {
    let Some(sandbox) = trial::sandbox() else { return };
    let mut trial = sh("true");
    trial.program.command.clear();
    assert!(sandbox.start(trial.program).await.is_err());
    let mut trial = sh("true");
    trial.program.mounts.push(Mount::ReadOnly { source: "/no/such/folder".into(), target: "/x".into() });
    let error = sandbox.start(trial.program).await.err().expect("there is no such folder");
    assert!(error.to_string().contains("/no/such/folder"), "{error}");
    let mut trial = sh("true");
    trial.program.environment.insert("A".into(), "zero\0byte".into());
    assert!(sandbox.start(trial.program).await.is_err());
}
