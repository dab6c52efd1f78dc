//! Which Chromium there is: the one that the environment names, the pinned one, or one that is installed.

use std::{env, path::PathBuf, process::Command};

use crate::{
    config::{self, BROWSER},
    stack::workspace,
};

const INSTALLED: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/// A Chromium, and what it needs to run here.
#[derive(Debug, Clone)]
pub struct Program {
    pub executable: PathBuf,
    pub options: Vec<&'static str>,
    pub environment: Vec<(&'static str, PathBuf)>,
}

impl Program {
    /// Finds one. The pinned one is installed first, which takes some seconds the first time.
    ///
    /// # Errors
    /// Why there is none on this machine, in one sentence.
    pub fn find() -> anyhow::Result<Self> {
        if let Some(named) = config::browser()? {
            return Ok(Self::of(named));
        }
        let installed = || {
            let mut programs = config::search_path().flat_map(|folder| INSTALLED.map(|name| folder.join(name)));
            programs.find(|program| program.exists())
        };
        Self::pinned().or_else(|missing| installed().map(Self::of).ok_or(missing))
    }

    fn of(executable: PathBuf) -> Self {
        // Its sandbox refuses root; the only page that it shows is ours.
        Self { executable, options: vec!["--no-sandbox"], environment: Vec::new() }
    }

    fn pinned() -> anyhow::Result<Self> {
        let platform = (env::consts::OS, env::consts::ARCH);
        anyhow::ensure!(
            platform == ("linux", "x86_64"),
            "there is no Chromium, and the pinned one is for Linux on x86_64: {BROWSER} can name another"
        );
        let directory = workspace().join(".dev/browser");
        let installed = Command::new("python3")
            .arg(workspace().join("tools/install_browser.py"))
            .arg(workspace().join("integration/browser.lock"))
            .arg(&directory)
            .output()?;
        let complaint = String::from_utf8_lossy(&installed.stderr);
        anyhow::ensure!(installed.status.success(), "there is no Chromium: {}", complaint.trim());
        Ok(Self {
            options: vec!["--no-sandbox", "--no-zygote", "--in-process-gpu", "--disable-webgl"],
            environment: vec![("LD_LIBRARY_PATH", directory.join("lib")), ("FONTCONFIG_PATH", directory.clone())],
            executable: directory.join("chromium"),
        })
    }
}
