//! One process of the stack: started until it is ready, watched, stopped, killed, started again.
//!
//! Dropping it ends the process and waits for that: nothing is left behind, whatever a test does.

use std::process::ExitStatus;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use rustix::process::Signal;
use tokio::sync::watch;
use tokio::time::timeout;

use crate::fault::signal;
use crate::stack::program::Program;
use crate::stack::readiness::Readiness;

/// Longer than the 25 s within which a service promises to end.
const STOP_PATIENCE: Duration = Duration::from_secs(30);
const DEATH_PATIENCE: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub struct Process {
    program: Program,
    readiness: Readiness,
    running: Mutex<Option<Running>>,
}

/// A started child and the thread that waits for its end.
#[derive(Debug)]
struct Running {
    pid: u32,
    status: watch::Receiver<Option<ExitStatus>>,
    waiter: JoinHandle<()>,
}

impl Process {
    #[must_use]
    pub const fn new(program: Program, readiness: Readiness) -> Self {
        Self { program, readiness, running: Mutex::new(None) }
    }

    #[must_use]
    pub fn name(&self) -> &str {
        &self.program.name
    }

    /// Its process id, when it runs.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        let running = self.running();
        running.as_ref().filter(|running| running.status.borrow().is_none()).map(|running| running.pid)
    }

    /// Starts it and waits until it is ready.
    ///
    /// # Errors
    /// When it runs already, cannot be started, ends, or is not ready after a minute, and is then killed; with the end of
    /// its log.
    pub async fn start(&self) -> anyhow::Result<()> {
        self.start_with(&[]).await
    }

    /// Starts it with these variables in its environment besides, for this life only.
    ///
    /// # Errors
    /// As [`Process::start`].
    pub async fn start_with(&self, environment: &[(&str, &str)]) -> anyhow::Result<()> {
        self.launch(environment)?;
        let outcome = tokio::select! {
            outcome = self.readiness.waited_for("ready") => outcome,
            status = self.ended() => Err(anyhow::anyhow!("it ended with {status}")),
        };
        if outcome.is_err() && self.pid().is_some() {
            self.kill().await?;
        }
        outcome
            .with_context(|| format!("{} did not start; its last words:\n{}", self.name(), self.program.last_words()))
    }

    fn launch(&self, environment: &[(&str, &str)]) -> anyhow::Result<()> {
        if self.pid().is_some() {
            bail!("{} runs already", self.name());
        }
        let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let program = self.program.clone().environment(environment.collect());
        let mut child = program.spawn().with_context(|| format!("cannot start {}", program.executable.display()))?;
        let (report, status) = watch::channel(None);
        let pid = child.id();
        let waiter = thread::spawn(move || {
            report.send_replace(child.wait().ok());
        });
        *self.running() = Some(Running { pid, status, waiter });
        Ok(())
    }

    /// Waits until it has ended. One that was never started has.
    pub async fn ended(&self) -> String {
        let status = self.running().as_ref().map(|running| running.status.clone());
        match status {
            None => "never started".to_owned(),
            Some(mut status) => match status.wait_for(Option::is_some).await.as_deref() {
                Ok(Some(status)) => status.to_string(),
                _ => "unknown status".to_owned(),
            },
        }
    }

    /// `kill -9`, and waits for the end.
    ///
    /// # Errors
    /// When it does not run.
    pub async fn kill(&self) -> anyhow::Result<()> {
        self.signal(Signal::KILL)?;
        self.ended().await;
        Ok(())
    }

    /// Asks it to end in good order and waits; kills it after 30 seconds. One that does not run is left alone.
    ///
    /// # Errors
    /// When it had to be killed.
    pub async fn stop(&self) -> anyhow::Result<()> {
        if self.signal(self.program.stop_signal).is_err() {
            return Ok(());
        }
        if timeout(STOP_PATIENCE, self.ended()).await.is_err() {
            self.kill().await?;
            bail!("{} had not ended {} s after it was asked to", self.name(), STOP_PATIENCE.as_secs());
        }
        Ok(())
    }

    /// Ends it in good order and starts it again.
    ///
    /// # Errors
    /// As [`Process::stop`] and [`Process::start`].
    pub async fn restart(&self) -> anyhow::Result<()> {
        self.stop().await?;
        self.start().await
    }

    /// Sends a signal, such as `SIGSTOP` and `SIGCONT`.
    ///
    /// # Errors
    /// When it does not run.
    pub fn signal(&self, what: Signal) -> anyhow::Result<()> {
        let pid = self.pid().with_context(|| format!("{} does not run", self.name()))?;
        signal::send(pid, what).with_context(|| format!("cannot signal {}", self.name()))
    }

    /// The end of its log.
    #[must_use]
    pub fn last_words(&self) -> String {
        self.program.last_words()
    }

    fn running(&self) -> MutexGuard<'_, Option<Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let death = self.program.death.signal();
        let Some(running) = self.running().take() else { return };
        // A frozen process takes no other signal than SIGKILL.
        for what in [death, Signal::CONT] {
            if running.status.borrow().is_none() {
                drop(signal::send(running.pid, what));
            }
        }
        let deadline = Instant::now() + DEATH_PATIENCE;
        while !running.waiter.is_finished() {
            if Instant::now() > deadline {
                drop(signal::kill(running.pid));
                break;
            }
            thread::sleep(Duration::from_millis(2));
        }
        drop(running.waiter.join());
    }
}
