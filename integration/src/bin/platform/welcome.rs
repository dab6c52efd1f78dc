//! What a newcomer wants to know once the platform runs: where everything is, what to kill, what to paste.

use std::path::Path;

use integration::stack::platform::Platform;

use crate::DEFAULT_DATA_DIRECTORY;
use crate::demo::Accounts;
use crate::terminal::Terminal;

pub(crate) fn say(
    platform: &Platform,
    accounts: Option<&Accounts>,
    data: &Path,
    terminal: &Terminal,
) -> anyhow::Result<()> {
    terminal.say("\nRunning:");
    for service in platform.services() {
        let (name, pid) = (service.kind.program(), service.process.pid().unwrap_or_default());
        terminal.say(&format!("  {name:<17} pid {pid:<8} {}   metrics {}metrics", service.url, service.admin_url));
    }
    for server in platform.backing.processes() {
        terminal.say(&format!("  {:<17} pid {}", server.name(), server.pid().unwrap_or_default()));
    }
    terminal.say("`kill -9` any of them: it is started again, and no transaction and no notification is lost.");
    terminal.say(&format!("Logs, data and platform.json are in {}.", data.display()));

    let program = std::env::current_exe()?;
    let option = match data == Path::new(DEFAULT_DATA_DIRECTORY) {
        true => String::new(),
        false => format!(" --data-dir '{}'", data.display()),
    };
    terminal.say("\nIn another terminal:");
    terminal.say(&format!("  eval \"$('{}' env{option})\"", program.display()));
    terminal.say("  curl -s $TX/v1/accounts -H \"Authorization: Bearer $ALICE\"");
    if let Some(Accounts { alice, bob }) = accounts {
        let body = format!(
            r#"{{"source": "{alice}", "destination": "{bob}", "amount": "250", "currency": "EUR", "description": "Coffee"}}"#
        );
        terminal.say(
            "  curl -s $TX/v1/transactions -H \"Authorization: Bearer $ALICE\" -H \"Idempotency-Key: $(date +%s%N)\" \\",
        );
        terminal.say(&format!("       -H 'Content-Type: application/json' -d '{body}'"));
    }
    terminal.say("  curl -s $NT/v1/users/me/notifications -H \"Authorization: Bearer $BOB\"");
    if let Some(notifications) = platform.notification_svc.first() {
        terminal.say(&format!("\nThe operators' console: {}console   (the token is $OPERATOR)", notifications.url));
    }
    terminal.say("\nCtrl-C stops everything; the data stays, and the next run goes on with it.\n");
    Ok(())
}
