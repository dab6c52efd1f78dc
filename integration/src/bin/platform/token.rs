//! `platform token`: a bearer token of anybody, for a platform on this machine.

use std::str::FromStr;
use std::time::Duration;

use anyhow::Context;
use integration::stack::identity::{Issuer, USER_SCOPES};
use integration::stack::secret::Secret;

use crate::DataDirectory;

#[derive(clap::Args)]
pub(crate) struct Options {
    /// The user
    #[arg(long = "sub", value_name = "USER")]
    subject: String,
    /// What the bearer may do, separated by spaces
    #[arg(long, default_value = USER_SCOPES)]
    scope: String,
    /// How long it is valid: 90s, 15m, 12h, 30d
    #[arg(long = "ttl", default_value = "30d", value_name = "TIME")]
    lifetime: Lifetime,
    #[command(flatten)]
    data: DataDirectory,
}

#[derive(Clone)]
struct Lifetime(Duration);

impl FromStr for Lifetime {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let units = [('s', 1), ('m', 60), ('h', 3_600), ('d', 86_400)];
        let unit = units.iter().find_map(|(unit, seconds)| Some((text.strip_suffix(*unit)?, seconds)));
        let (number, seconds) = unit.context("a time is a number with s, m, h or d, such as 30d")?;
        let number: u32 = number.parse().context("a time is a whole number with s, m, h or d, such as 30d")?;
        Ok(Self(Duration::from_secs(u64::from(number) * seconds)))
    }
}

#[expect(clippy::print_stdout, reason = "the token is the command's output")]
pub(crate) fn print(options: &Options) -> anyhow::Result<()> {
    std::fs::create_dir_all(&options.data.path)?;
    let secret = Secret::kept_in(&options.data.path.join("secret"))?;
    let token = Issuer::new(&secret)?.token(&options.subject, &options.scope, options.lifetime.0)?;
    println!("{token}");
    Ok(())
}
