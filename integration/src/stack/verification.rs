//! `transaction-svc verify` on a platform, as an operator runs it.

use anyhow::Context;
use tokio::process::Command;
use transaction_svc::operate::verify::Report;

use super::{
    platform::Platform,
    service::{self, ServiceKind, built_programs},
    settings,
};

impl Platform {
    /// Runs the command; gives its exit code and its report.
    ///
    /// # Errors
    /// What it said when it had no report.
    pub async fn verify(&self) -> anyhow::Result<(i32, Report)> {
        let settings = settings::serve(ServiceKind::Transaction, &self.backing);
        let log = self.backing.directory.path().join("verify.log");
        let program = service::program(ServiceKind::Transaction, "verify", &built_programs()?, log, &settings);
        let mut command = Command::new(program.executable);
        let output = command.args(program.arguments).arg("--json").envs(program.environment).output().await?;
        let report = serde_json::from_slice(&output.stdout)
            .with_context(|| format!("verify said: {}", String::from_utf8_lossy(&output.stderr)))?;
        Ok((output.status.code().context("verify was killed")?, report))
    }
}
