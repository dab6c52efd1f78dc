//! A program of the stack and how it is run: arguments, environment, log file, user, and which signals end it.
//!
//! Children must not outlive us, not even when we are killed. On Linux `setpriv` asks the kernel for that, and the kernel
//! means the *thread* that started the child: all children are therefore started by one thread that never ends.

use std::ffi::{OsStr, OsString};
use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{LazyLock, mpsc};
use std::thread;

use anyhow::{Context, ensure};
use rustix::process::Signal;

use crate::stack::privilege::User;

#[derive(Debug, Clone)]
pub struct Program {
    /// What people call it; also in errors.
    pub name: String,
    pub executable: PathBuf,
    /// A command that runs it, such as one that enters a namespace; none when empty.
    pub within: Vec<OsString>,
    pub arguments: Vec<OsString>,
    /// Added to the inherited environment.
    pub environment: Vec<(String, String)>,
    /// Receives standard output and error, appended.
    pub log: PathBuf,
    /// `None`: our own user.
    pub user: Option<User>,
    /// Asks it to end in good order.
    pub stop_signal: Signal,
    /// Ends it at once; also what it gets when we die.
    pub death: Death,
}

/// How a program is ended at once.
#[derive(Debug, Clone, Copy)]
pub enum Death {
    Kill,
    /// For programs whose own children must not outlive them.
    Quit,
}

impl Death {
    #[must_use]
    pub const fn signal(self) -> Signal {
        match self {
            Self::Kill => Signal::KILL,
            Self::Quit => Signal::QUIT,
        }
    }

    /// As `setpriv` knows it.
    const fn name(self) -> &'static str {
        match self {
            Self::Kill => "KILL",
            Self::Quit => "QUIT",
        }
    }
}

impl Program {
    /// A program that ends on SIGTERM and stands a SIGKILL.
    pub fn new(name: &str, executable: PathBuf, log: PathBuf) -> Self {
        Self {
            name: name.to_owned(),
            executable,
            within: Vec::new(),
            arguments: Vec::new(),
            environment: Vec::new(),
            log,
            user: None,
            stop_signal: Signal::TERM,
            death: Death::Kill,
        }
    }

    #[must_use]
    pub fn arguments(mut self, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        self.arguments.extend(arguments.into_iter().map(|argument| argument.as_ref().to_owned()));
        self
    }

    #[must_use]
    pub fn environment(mut self, environment: Vec<(String, String)>) -> Self {
        self.environment.extend(environment);
        self
    }

    /// Starts it in a process group of its own: a Ctrl-C on the terminal is ours to pass on, in order.
    ///
    /// # Errors
    /// When the log cannot be opened or the executable not be started.
    pub fn spawn(&self) -> io::Result<Child> {
        let mut command = self.command();
        let log = OpenOptions::new().create(true).append(true).open(&self.log)?;
        command
            .args(&self.arguments)
            .env("NO_COLOR", "1")
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .process_group(0);
        if let Some(user) = self.user {
            command.uid(user.uid).gid(user.gid).current_dir("/");
        }
        spawn_from_the_lasting_thread(command)
    }

    /// Runs it to its end.
    ///
    /// # Errors
    /// When it cannot be started or fails, with the end of its log.
    pub async fn run(&self) -> anyhow::Result<()> {
        let mut child = self.spawn().with_context(|| format!("cannot start {}", self.executable.display()))?;
        let status = tokio::task::spawn_blocking(move || child.wait()).await??;
        ensure!(status.success(), "{} failed with {status}; its last words:\n{}", self.name, self.last_words());
        Ok(())
    }

    /// The wish to be told of our death comes last: whoever enters a namespace loses it.
    fn command(&self) -> Command {
        let mut words = self.within.clone();
        if *PARENT_DEATH_SIGNAL {
            words.extend(["setpriv", "--pdeathsig", self.death.name()].map(OsString::from));
        }
        words.push(self.executable.clone().into());
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]);
        command
    }

    /// The last lines of the log, for an error message.
    #[must_use]
    pub fn last_words(&self) -> String {
        last_lines(&fs::read(&self.log).unwrap_or_default())
    }
}

/// The last lines of a log.
pub(super) fn last_lines(log: &[u8]) -> String {
    const LINES: usize = 15;
    let log = String::from_utf8_lossy(log);
    let lines: Vec<&str> = log.lines().collect();
    lines[lines.len().saturating_sub(LINES)..].join("\n")
}

/// Whether `setpriv` is there and can ask for a signal on the parent's death (Linux with util-linux).
static PARENT_DEATH_SIGNAL: LazyLock<bool> = LazyLock::new(|| {
    let probe = Command::new("setpriv").args(["--pdeathsig", "KILL", "true"]).stderr(Stdio::null()).status();
    probe.is_ok_and(|status| status.success())
});

type Order = (Command, mpsc::SyncSender<io::Result<Child>>);

static ORDERS: LazyLock<mpsc::Sender<Order>> = LazyLock::new(|| {
    let (orders, inbox) = mpsc::channel::<Order>();
    thread::spawn(move || {
        for (mut command, answer) in inbox {
            // An orderer that is gone takes its child with it: nobody else could end it.
            if let Err(mpsc::SendError(Ok(mut child))) = answer.send(command.spawn()) {
                drop(child.kill());
            }
        }
    });
    orders
});

fn spawn_from_the_lasting_thread(command: Command) -> io::Result<Child> {
    let (answer, outcome) = mpsc::sync_channel(1);
    ORDERS.send((command, answer)).map_err(|_gone| io::Error::other("the spawning thread is gone"))?;
    outcome.recv().map_err(|_gone| io::Error::other("the spawning thread is gone"))?
}
