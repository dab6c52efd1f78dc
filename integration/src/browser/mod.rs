//! A headless Chromium, driven over the DevTools protocol as a person would use it: by keys, and by what can be seen.
//!
//! The protocol runs over the browser's own pipe, one JSON text after the other, so there is no port and no library.

mod page;
mod program;

use std::{path::Path, process::Stdio};

use anyhow::{Context, bail};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    process::{Child, ChildStdin, ChildStdout, Command},
};

pub use page::Page;
pub use program::Program;

/// Speaks the protocol over its third and fourth file; a shell makes these of its input and output.
const OVER_THE_PIPE: &str = r#"exec "$@" 3<&0 4>&1 </dev/null >/dev/null 2>&1"#;
/// Nothing is looked for anywhere else: there may be no network.
const OPTIONS: [&str; 9] = [
    "--headless",
    "--remote-debugging-pipe",
    "--no-first-run",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
];
const END: u8 = 0;

/// A running browser; it ends when it is dropped.
#[derive(Debug)]
pub struct Browser {
    _process: Child,
    _profile: TempDir,
    commands: ChildStdin,
    messages: BufReader<ChildStdout>,
    last_id: u64,
    /// What has happened meanwhile, in order.
    events: Vec<Value>,
}

impl Browser {
    /// # Errors
    /// A program that does not start.
    pub fn start(program: &Program) -> anyhow::Result<Self> {
        let profile = tempfile::tempdir()?;
        let mut process = Command::new("sh")
            .args(["-c", OVER_THE_PIPE, "sh"])
            .arg(&program.executable)
            .args(OPTIONS)
            .args(&program.options)
            .arg(user_data(profile.path()))
            .arg("about:blank")
            .envs(program.environment.iter().cloned())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("{} does not start", program.executable.display()))?;
        let commands = process.stdin.take().context("the input is a pipe")?;
        let messages = BufReader::new(process.stdout.take().context("the output is a pipe")?);
        Ok(Self { _process: process, _profile: profile, commands, messages, last_id: 0, events: Vec::new() })
    }

    /// The one page that there is.
    ///
    /// # Errors
    /// A browser that does not answer.
    pub async fn page(mut self) -> anyhow::Result<Page> {
        let targets = self.call(None, "Target.getTargets", json!({})).await?;
        let page = targets["targetInfos"].as_array().into_iter().flatten().find(|target| target["type"] == "page");
        let target = page.context("the browser has no page")?["targetId"].clone();
        let attached = self.call(None, "Target.attachToTarget", json!({"targetId": target, "flatten": true})).await?;
        let session = attached["sessionId"].as_str().context("the browser gives no session")?.to_owned();
        Page::of(self, session).await
    }

    /// A command, and its result.
    async fn call(&mut self, session: Option<&str>, method: &str, parameters: Value) -> anyhow::Result<Value> {
        self.last_id += 1;
        let mut command = json!({"id": self.last_id, "method": method, "params": parameters});
        if let Some(session) = session {
            command["sessionId"] = session.into();
        }
        let mut bytes = serde_json::to_vec(&command)?;
        bytes.push(END);
        self.commands.write_all(&bytes).await?;
        loop {
            let mut message = self.next().await.with_context(|| format!("no answer to {method}"))?;
            if message["id"] != self.last_id {
                self.events.push(message);
            } else if message["error"].is_null() {
                return Ok(message["result"].take());
            } else {
                bail!("{method}: {}", message["error"]);
            }
        }
    }

    async fn next(&mut self) -> anyhow::Result<Value> {
        let mut bytes = Vec::new();
        self.messages.read_until(END, &mut bytes).await?;
        let end = bytes.pop().context("the browser has ended")?;
        anyhow::ensure!(end == END, "the browser has ended in the middle of a message");
        Ok(serde_json::from_slice(&bytes)?)
    }
}

fn user_data(directory: &Path) -> String {
    format!("--user-data-dir={}", directory.display())
}
