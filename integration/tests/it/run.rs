//! `platform run`, as a newcomer uses it: a payment is shown, anything may be killed, Ctrl-C ends it, and the next run goes
//! on with the data.

#![cfg(target_os = "linux")]

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command};
use std::time::Duration;

use anyhow::{Context, ensure};
use integration::eventually::within;
use integration::fault::signal;
use integration::stack::record::Record;

const PATIENCE: Duration = Duration::from_secs(60);

struct Run {
    platform: Child,
    data: std::path::PathBuf,
}

impl Run {
    fn start(data: &Path) -> Self {
        let output = File::create(data.join("output")).unwrap();
        let platform = Command::new(env!("CARGO_BIN_EXE_platform"))
            .args(["run", "--data-dir"])
            .arg(data)
            .env_remove(integration::config::POSTGRES_URL)
            .stdout(output)
            .spawn()
            .unwrap();
        Self { platform, data: data.to_owned() }
    }

    fn output(&self) -> String {
        fs::read_to_string(self.data.join("output")).unwrap()
    }

    async fn until_it_says(&self, words: &str) {
        let says = async || {
            let output = self.output();
            output.contains(words).then_some(()).with_context(|| format!("so far it said:\n{output}"))
        };
        within(PATIENCE, words, says).await.unwrap();
    }

    async fn stop(mut self) {
        signal::terminate(self.platform.id()).unwrap();
        let ended = async || self.platform.try_wait()?.context("it still runs");
        let status = within(PATIENCE, "the end of the run", ended).await.unwrap();
        assert!(status.success(), "{status}");
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        drop(self.platform.kill());
        drop(self.platform.wait());
    }
}

fn pids(record: &Record) -> Vec<u32> {
    let services = record.transaction_svc.iter().chain(&record.notification_svc).map(|replica| replica.pid);
    let servers = [record.postgres.pid, record.nats.pid, record.redis.pid];
    services.chain(servers).flatten().collect()
}

#[tokio::test]
async fn whatever_is_killed_runs_again_and_the_next_run_goes_on_with_the_data() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path();

    let run = Run::start(data);
    run.until_it_says("accepted 5 · notified 5 · lost 0").await;
    let shown = run.output();
    for once in
        ["accepted in", "over JetStream after", "by signed webhook after", "first: both are told", "bob is told once"]
    {
        assert_eq!(shown.matches(once).count(), 1, "{once}:\n{shown}");
    }
    let mode = fs::metadata(data.join("platform.json")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let first = pids(&Record::read(data).unwrap());
    assert_eq!(first.len(), 5);
    for pid in &first {
        signal::kill(*pid).unwrap();
    }
    let all_new = async || {
        let now = pids(&Record::read(data)?);
        ensure!(now.len() == 5 && !now.iter().any(|pid| first.contains(pid)), "{first:?} became {now:?}");
        Ok(now)
    };
    let second = within(PATIENCE, "everything runs again", all_new).await.unwrap();
    run.stop().await;
    assert!(!second.iter().any(|pid| Path::new("/proc").join(pid.to_string()).exists()));

    let run = Run::start(data);
    run.until_it_says("accepted 7 · notified 7 · lost 0").await;
    run.stop().await;
    // What root keeps elsewhere for Postgres's user does not go with the directory.
    fs::remove_dir_all(data.join("postgres").canonicalize().unwrap()).unwrap();
}
