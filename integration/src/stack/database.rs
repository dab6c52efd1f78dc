//! Databases of a Postgres server: the one the platform keeps, the template that is migrated once, and its clones, one per
//! test, which are dropped with their value.

use std::thread;

use anyhow::Context;
use sqlx::{Connection, PgConnection};
use url::Url;

use crate::stack::provision::{self, Tenant, execute};

/// The migrated database that tests clone.
const TEMPLATE: &str = "platform_template";

/// A database and its roles' addresses.
#[derive(Debug)]
pub struct Database {
    admin: Url,
    dropped_at_the_end: bool,
}

impl Database {
    /// The database of this name, created with its schemas when it is not there.
    ///
    /// # Errors
    /// When a statement fails.
    pub async fn provide(server: &Url, name: &str) -> anyhow::Result<Self> {
        let mut connection = PgConnection::connect(server.as_str()).await?;
        execute(&mut connection, provision::roles(server)).await.context("cannot create the database roles")?;
        let exists: bool = sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)")
            .bind(name)
            .fetch_one(&mut connection)
            .await?;
        if !exists {
            execute(&mut connection, [format!("CREATE DATABASE {name}")]).await?;
        }
        execute(&mut connection, provision::admission(name)).await?;
        connection.close().await?;
        let database = Self::at(server, name);
        let mut connection = PgConnection::connect(database.admin.as_str()).await?;
        execute(&mut connection, provision::schemas()).await.context("cannot create the schemas")?;
        connection.close().await?;
        Ok(database)
    }

    /// One that is there, or will be.
    #[must_use]
    pub fn at(server: &Url, name: &str) -> Self {
        Self { admin: provision::database(server, name), dropped_at_the_end: false }
    }

    /// The template, made anew: it is migrated by whoever asks for it.
    ///
    /// # Errors
    /// When a statement fails.
    pub async fn fresh_template(server: &Url) -> anyhow::Result<Self> {
        drop_database(&provision::database(server, TEMPLATE)).await?;
        Self::provide(server, TEMPLATE).await
    }

    /// A copy of the template, dropped with the value.
    ///
    /// # Errors
    /// When there is no template or it cannot be copied.
    pub async fn clone_template(server: &Url) -> anyhow::Result<Self> {
        let name = format!("test_{:016x}", rand::random::<u64>());
        let mut connection = PgConnection::connect(server.as_str()).await?;
        execute(&mut connection, [format!("CREATE DATABASE {name} TEMPLATE {TEMPLATE}")])
            .await
            .context("cannot clone the template database: `platform servers -- <command>` makes it")?;
        let database = Self { admin: provision::database(server, &name), dropped_at_the_end: true };
        execute(&mut connection, provision::admission(&name)).await?;
        connection.close().await?;
        Ok(database)
    }

    /// The superuser's address.
    #[must_use]
    pub const fn admin(&self) -> &Url {
        &self.admin
    }

    /// The running service's address.
    #[must_use]
    pub fn service(&self, tenant: Tenant) -> Url {
        provision::address(&self.admin, tenant.service)
    }

    /// The address of the schema's owner.
    #[must_use]
    pub fn migrator(&self, tenant: Tenant) -> Url {
        provision::address(&self.admin, tenant.migrator)
    }
}

impl Drop for Database {
    /// In a thread and runtime of its own: a drop cannot wait inside another's.
    fn drop(&mut self) {
        if !self.dropped_at_the_end {
            return;
        }
        let admin = self.admin.clone();
        let dropping = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(drop_database(&admin))
        });
        // A database left behind goes with the test server; a test must not fail for it.
        drop(dropping.join());
    }
}

async fn drop_database(admin: &Url) -> anyhow::Result<()> {
    let name = provision::database_name(admin);
    let mut connection = PgConnection::connect(provision::database(admin, "postgres").as_str()).await?;
    execute(&mut connection, [format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")]).await?;
    connection.close().await?;
    Ok(())
}
