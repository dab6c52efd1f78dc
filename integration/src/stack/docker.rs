//! Servers in containers, by testcontainers: for machines that have Docker and want the official images. Each is removed
//! with its value; what is to last is in named volumes.

use std::net::Ipv4Addr;
use std::path::Path;

use anyhow::Context;
use sha2::{Digest, Sha256};
use testcontainers::core::{IntoContainerPort, Mount};
use testcontainers::runners::AsyncRunner;
use testcontainers::{ContainerAsync, ContainerRequest, GenericImage, ImageExt};

use crate::config::Images;
use crate::stack::program::last_lines;

/// How to start servers as containers.
#[derive(Debug, Clone)]
pub struct Containers {
    images: Images,
    /// The beginning of the names of their volumes; `None`: what they store goes with them.
    volumes: Option<String>,
}

/// A server in its container, which ends with the value.
#[derive(Debug)]
pub struct Container(Box<ContainerAsync<GenericImage>>);

/// Where the images keep what they store.
const POSTGRES_STORE: &str = "/var/lib/postgresql";
const NATS_STORE: &str = "/data";
const NATS_CONFIGURATION: &str = "/etc/nats/platform.conf";

impl Containers {
    pub(super) const fn of(images: Images) -> Self {
        Self { images, volumes: None }
    }

    pub(super) fn lasting_with(mut self, directory: &Path) -> Self {
        let digest = Sha256::digest(directory.as_os_str().as_encoded_bytes());
        self.volumes = Some(format!("fintech-platform-{}", &hex::encode(digest)[..16]));
        self
    }

    /// A Postgres whose superuser has this password. `options` are the server's.
    pub(super) async fn postgres(&self, password: &str, options: &[&str]) -> anyhow::Result<Container> {
        let request = image(&self.images.postgres, &[5432])?
            .with_env_var("POSTGRES_PASSWORD", password)
            .with_env_var("POSTGRES_INITDB_ARGS", "--encoding=UTF8 --locale-provider=builtin --locale=C.UTF-8")
            .with_cmd(options.iter().flat_map(|option| ["-c", option]));
        self.start(request, &self.images.postgres, Some(("postgres", POSTGRES_STORE))).await
    }

    /// A NATS with this configuration, in which it listens at 4222 and for its monitoring at 8222.
    pub(super) async fn nats(&self, configuration: impl Fn(&Path) -> String) -> anyhow::Result<Container> {
        let text = configuration(Path::new(NATS_STORE));
        let request = image(&self.images.nats, &[4222, 8222])?
            .with_copy_to(NATS_CONFIGURATION, text.into_bytes())
            .with_cmd(["--config", NATS_CONFIGURATION]);
        self.start(request, &self.images.nats, Some(("nats", NATS_STORE))).await
    }

    pub(super) async fn redis(&self, options: &[&str]) -> anyhow::Result<Container> {
        let request = image(&self.images.redis, &[6379])?.with_cmd(options.iter().copied());
        self.start(request, &self.images.redis, None).await
    }

    async fn start(
        &self,
        mut request: ContainerRequest<GenericImage>,
        image: &str,
        store: Option<(&str, &str)>,
    ) -> anyhow::Result<Container> {
        if let (Some(prefix), Some((name, path))) = (&self.volumes, store) {
            request = request.with_mount(Mount::volume_mount(format!("{prefix}-{name}"), path));
        }
        let started = request.start().await;
        let container = started.with_context(|| format!("the image {image} cannot be started: is Docker running?"))?;
        Ok(Container(Box::new(container)))
    }
}

impl Container {
    /// Where this machine reaches a port of it: host and port.
    pub(super) async fn published(&self, port: u16) -> anyhow::Result<(String, u16)> {
        let host = self.0.get_host().await?.to_string();
        // The port is published for IPv4, and `localhost` may be another's.
        let host = if host == "localhost" { Ipv4Addr::LOCALHOST.to_string() } else { host };
        match self.0.get_host_port_ipv4(port.tcp()).await {
            Ok(published) => Ok((host, published)),
            Err(error) => {
                let said = self.0.stderr_to_vec().await.unwrap_or_default();
                Err(error).with_context(|| format!("the container's last words:\n{}", last_lines(&said)))
            }
        }
    }
}

/// `name:tag`, as Docker writes it; its ports are published.
fn image(reference: &str, ports: &[u16]) -> anyhow::Result<ContainerRequest<GenericImage>> {
    let named = reference.rsplit_once(':').filter(|(_, tag)| !tag.contains('/'));
    let (name, tag) = named.with_context(|| format!("the image {reference} has no tag"))?;
    let image = GenericImage::new(name, tag);
    Ok(ports.iter().fold(image, |image, port| image.with_exposed_port(port.tcp())).into())
}
