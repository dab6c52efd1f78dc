//! The background tasks of a process: each has a name, holds the token that tells it to stop, and says what its death
//! means.
//!
//! A task that ends before it was told to stop has died: by an error, by a panic, or by simply returning. The death of a
//! vital task stops the process; a restarting one begins again after a growing, jittered delay. This is the only file
//! that spawns tasks.

use std::any::Any;
use std::io;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use backon::{BackoffBuilder, ExponentialBuilder};
use futures_util::FutureExt;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Why a task ended.
pub type TaskError = Box<dyn std::error::Error + Send + Sync>;

const FIRST_DELAY: Duration = Duration::from_millis(100);
/// Before jitter, which adds at most as much again.
const LONGEST_DELAY: Duration = Duration::from_secs(15);
/// A task that ran this long was well: its next restart begins with the first delay again.
const STEADY_AFTER: Duration = Duration::from_secs(60);

/// The tasks of a process, or of one stage of its shutdown.
#[derive(Debug, Clone, Default)]
pub struct Tasks(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    tracker: TaskTracker,
    token: CancellationToken,
    running: Mutex<Vec<&'static str>>,
    died: OnceLock<&'static str>,
}

/// How a shutdown went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shutdown {
    /// Tasks that did not end within the deadline.
    pub unfinished: Vec<&'static str>,
    /// The vital task whose death began the shutdown, if it was one.
    pub died: Option<&'static str>,
}

impl Shutdown {
    /// Nothing died and everything ended in time.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.unfinished.is_empty() && self.died.is_none()
    }
}

impl Tasks {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Cancelled when the tasks are to stop: by [`Tasks::shutdown`], or because a vital one died.
    #[must_use]
    pub fn token(&self) -> CancellationToken {
        self.0.token.clone()
    }

    /// Runs a task without which the process is of no use: its death cancels the token.
    pub fn spawn_vital<F, Fut>(&self, name: &'static str, start: F)
    where
        F: FnOnce(CancellationToken) -> Fut + Send + 'static,
        Fut: Future<Output = Result<(), TaskError>> + Send + 'static,
    {
        let presence = Presence::enter(self, name);
        self.0.tracker.spawn(async move {
            let tasks = &presence.tasks;
            let end = run(async { start(tasks.token()).await }).await;
            if tasks.0.token.is_cancelled() {
                log_late_failure(name, end);
                return;
            }
            tracing::error!(task = name, cause = cause(&end), "Task {name} died; the process stops.");
            // Only the first death is the reason for the stop.
            tasks.0.died.get_or_init(|| name);
            tasks.0.token.cancel();
        });
    }

    /// Runs a task that is started again whenever it dies.
    pub fn spawn_restarting<F, Fut>(&self, name: &'static str, mut start: F)
    where
        F: FnMut(CancellationToken) -> Fut + Send + 'static,
        Fut: Future<Output = Result<(), TaskError>> + Send + 'static,
    {
        let presence = Presence::enter(self, name);
        self.0.tracker.spawn(async move {
            let token = presence.tasks.token();
            let mut delays = restart_delays();
            loop {
                let started = Instant::now();
                let end = run(async { start(token.clone()).await }).await;
                if token.is_cancelled() {
                    log_late_failure(name, end);
                    return;
                }
                if started.elapsed() >= STEADY_AFTER {
                    delays = restart_delays();
                }
                let delay = delays.next().unwrap_or(LONGEST_DELAY);
                tracing::error!(
                    task = name,
                    cause = cause(&end),
                    delay_seconds = delay.as_secs_f64(),
                    "Task {name} died and is started again."
                );
                tokio::select! {
                    () = tokio::time::sleep(delay) => {}
                    () = token.cancelled() => return,
                }
            }
        });
    }

    /// Tells every task to stop and waits until they have, at most `deadline`.
    pub async fn shutdown(&self, deadline: Duration) -> Shutdown {
        self.0.token.cancel();
        self.0.tracker.close();
        let in_time = tokio::time::timeout(deadline, self.0.tracker.wait()).await;
        let unfinished = match in_time {
            Ok(()) => Vec::new(),
            Err(_elapsed) => self.running().clone(),
        };
        Shutdown { unfinished, died: self.0.died.get().copied() }
    }

    fn running(&self) -> MutexGuard<'_, Vec<&'static str>> {
        self.0.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Waits for SIGINT or SIGTERM and returns its name.
///
/// # Errors
/// When the process may not listen for signals.
pub async fn wait_for_shutdown_signal() -> io::Result<&'static str> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(tokio::select! {
        _ = interrupt.recv() => "SIGINT",
        _ = terminate.recv() => "SIGTERM",
    })
}

/// Keeps a task's name in the list of running ones for as long as the task exists.
struct Presence {
    tasks: Tasks,
    name: &'static str,
}

impl Presence {
    fn enter(tasks: &Tasks, name: &'static str) -> Self {
        tasks.running().push(name);
        Self { tasks: tasks.clone(), name }
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        let mut running = self.tasks.running();
        if let Some(position) = running.iter().position(|name| *name == self.name) {
            running.swap_remove(position);
        }
    }
}

fn restart_delays() -> impl Iterator<Item = Duration> + Send {
    ExponentialBuilder::default()
        .with_min_delay(FIRST_DELAY)
        .with_max_delay(LONGEST_DELAY)
        .with_jitter()
        .without_max_times()
        .build()
}

/// Runs a task's future to its end; a panic is an end like an error.
async fn run(task: impl Future<Output = Result<(), TaskError>>) -> Result<(), TaskError> {
    AssertUnwindSafe(task).catch_unwind().await.unwrap_or_else(|panic| Err(panic_message(panic.as_ref()).into()))
}

fn panic_message(panic: &(dyn Any + Send)) -> String {
    let message = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("panicked: {}", message.unwrap_or("no message"))
}

/// The chain of errors in one line.
fn cause(end: &Result<(), TaskError>) -> String {
    match end {
        Ok(()) => "it returned before it was told to stop".to_owned(),
        Err(error) => crate::telemetry::chain(error.as_ref()),
    }
}

fn log_late_failure(name: &'static str, end: Result<(), TaskError>) {
    if end.is_err() {
        tracing::warn!(task = name, cause = cause(&end), "Task {name} failed while it was stopping.");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    const PATIENCE: Duration = Duration::from_secs(20);

    async fn until_stopped(stop: CancellationToken) -> Result<(), TaskError> {
        stop.cancelled().await;
        Ok(())
    }

    async fn stopped(tasks: &Tasks) -> Shutdown {
        tokio::time::timeout(PATIENCE, tasks.token().cancelled_owned()).await.expect("the tasks are told to stop");
        tasks.shutdown(PATIENCE).await
    }

    #[tokio::test]
    async fn tasks_that_obey_end_clean() {
        let tasks = Tasks::new();
        tasks.spawn_vital("first", until_stopped);
        tasks.spawn_restarting("second", until_stopped);
        assert_eq!(tasks.shutdown(PATIENCE).await, Shutdown { unfinished: vec![], died: None });
    }

    #[tokio::test]
    async fn the_death_of_a_vital_task_stops_the_others() {
        let tasks = Tasks::new();
        tasks.spawn_vital("other", until_stopped);
        tasks.spawn_vital("returns", async |_| Ok(()));
        assert_eq!(stopped(&tasks).await.died, Some("returns"));

        let tasks = Tasks::new();
        tasks.spawn_vital("fails", async |_| Err("no socket".into()));
        assert_eq!(stopped(&tasks).await.died, Some("fails"));

        let tasks = Tasks::new();
        tasks.spawn_vital("panics", async |_| panic!("at once"));
        assert_eq!(stopped(&tasks).await, Shutdown { unfinished: vec![], died: Some("panics") });
    }

    #[tokio::test]
    async fn a_restarting_task_begins_again_after_each_death() {
        let tasks = Tasks::new();
        let runs = Arc::new(AtomicU32::new(0));
        let (counter, done) = (runs.clone(), CancellationToken::new());
        let reached = done.clone();
        tasks.spawn_restarting("restless", move |stop| {
            let (run, reached) = (counter.fetch_add(1, Ordering::SeqCst), reached.clone());
            async move {
                match run {
                    0 => Ok(()),
                    1 => Err("away".into()),
                    2 => panic!("again"),
                    _ => {
                        reached.cancel();
                        until_stopped(stop).await
                    }
                }
            }
        });
        tokio::time::timeout(PATIENCE, done.cancelled()).await.expect("it runs a fourth time");
        assert_eq!(tasks.shutdown(PATIENCE).await, Shutdown { unfinished: vec![], died: None });
        assert_eq!(runs.load(Ordering::SeqCst), 4);
    }

    #[tokio::test]
    async fn a_task_that_waits_for_its_restart_stops_at_once() {
        let tasks = Tasks::new();
        tasks.spawn_restarting("hopeless", async |_| Err("away".into()));
        assert!(tasks.shutdown(PATIENCE).await.is_clean());
    }

    #[tokio::test]
    async fn tasks_that_do_not_end_in_time_are_named() {
        let tasks = Tasks::new();
        tasks.spawn_vital("obeys", until_stopped);
        tasks.spawn_vital("stuck", async |_| std::future::pending().await);
        let shutdown = tasks.shutdown(Duration::from_millis(50)).await;
        assert_eq!(shutdown, Shutdown { unfinished: vec!["stuck"], died: None });
    }

    #[test]
    fn delays_grow_and_are_bounded() {
        let delays: Vec<_> = restart_delays().take(20).collect();
        assert!(delays[0] >= FIRST_DELAY && delays[0] <= 2 * FIRST_DELAY);
        assert!(delays.iter().all(|delay| *delay <= 2 * LONGEST_DELAY));
        assert!(delays[19] >= LONGEST_DELAY);
    }
}
