//! The binary of the ledger service; see `transaction-svc --help`.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    transaction_svc::cli::run()
}
