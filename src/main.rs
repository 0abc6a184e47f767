use std::process::ExitCode;

use camunda_upgrade_guard::cli::Cli;

#[cfg(target_os = "linux")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    Cli::typed().run()
}
