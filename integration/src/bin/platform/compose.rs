//! `platform compose`: what the containers of compose.yaml are given.

use std::path::PathBuf;

use integration::stack::containers;

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Where it is put; compose.yaml looks for it there
    #[arg(long = "data-dir", default_value = ".dev/compose", value_name = "DIRECTORY")]
    path: PathBuf,
}

pub(crate) fn prepare(options: &Options) -> anyhow::Result<()> {
    containers::prepare(&options.path)
}
