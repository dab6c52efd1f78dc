//! Who may do what in Postgres, before any migration: one schema per service, owned by its migrator, used by its service,
//! closed to everybody else. The same statements run again change nothing.
//!
//! Roles belong to the server, schemas to each database; migrations grant to the service roles by the names used here.

use sqlx::{AssertSqlSafe, PgConnection};
use url::Url;

use crate::stack::secret::Secret;

/// A service's schema and its two roles.
#[derive(Debug, Clone, Copy)]
pub struct Tenant {
    /// The role of the running service.
    pub service: &'static str,
    /// The role that owns the schema.
    pub migrator: &'static str,
    pub schema: &'static str,
}

pub const TRANSACTIONS: Tenant =
    Tenant { service: "transaction_svc", migrator: "transaction_svc_migrator", schema: "transactions" };
pub const NOTIFICATIONS: Tenant =
    Tenant { service: "notification_svc", migrator: "notification_svc_migrator", schema: "notifications" };
const TENANTS: [Tenant; 2] = [TRANSACTIONS, NOTIFICATIONS];

/// A replica that hangs must not freeze accounts, so the running services' statements, locks and idle transactions end.
/// Migrations may take longer.
const SERVICE_TIMEOUTS: [(&str, &str); 3] =
    [("statement_timeout", "5s"), ("lock_timeout", "3s"), ("idle_in_transaction_session_timeout", "3s")];

/// Creates the roles, with passwords that follow from the administrator's.
///
/// # Errors
/// When a statement fails.
pub async fn create_roles(connection: &mut PgConnection, admin: &Url) -> sqlx::Result<()> {
    for Tenant { service, migrator, schema } in TENANTS {
        for role in [service, migrator] {
            let password = password(admin, role);
            let create = format!("CREATE ROLE {role}");
            execute(connection, format!("DO $$ BEGIN {create}; EXCEPTION WHEN duplicate_object THEN NULL; END $$"))
                .await?;
            execute(connection, format!("ALTER ROLE {role} LOGIN PASSWORD '{password}'")).await?;
            execute(connection, format!("ALTER ROLE {role} SET search_path = {schema}")).await?;
        }
        for (setting, value) in SERVICE_TIMEOUTS {
            execute(connection, format!("ALTER ROLE {service} SET {setting} = '{value}'")).await?;
        }
    }
    Ok(())
}

/// Creates the schemas in the connected database, and closes everything to everybody else.
///
/// # Errors
/// When a statement fails.
pub async fn create_schemas(connection: &mut PgConnection) -> sqlx::Result<()> {
    execute(connection, "REVOKE ALL ON SCHEMA public FROM PUBLIC".to_owned()).await?;
    for Tenant { schema, migrator, service } in TENANTS {
        execute(connection, format!("CREATE SCHEMA IF NOT EXISTS {schema} AUTHORIZATION {migrator}")).await?;
        execute(connection, format!("GRANT USAGE ON SCHEMA {schema} TO {service}")).await?;
    }
    Ok(())
}

/// Lets only the services' roles into a database. It does not inherit this from its template.
///
/// # Errors
/// When a statement fails.
pub async fn close_database(connection: &mut PgConnection, database: &str) -> sqlx::Result<()> {
    let roles = TENANTS.map(|Tenant { service, migrator, .. }| format!("{service}, {migrator}")).join(", ");
    execute(connection, format!("REVOKE ALL ON DATABASE {database} FROM PUBLIC")).await?;
    execute(connection, format!("GRANT CONNECT ON DATABASE {database} TO {roles}")).await
}

/// A role's address in the database that `admin` names.
#[must_use]
pub fn address(admin: &Url, role: &str) -> Url {
    let mut address = admin.clone();
    let changed = address.set_username(role).and_then(|()| address.set_password(Some(&password(admin, role))));
    debug_assert!(changed.is_ok(), "a Postgres address has a host");
    address
}

/// The address of another database of the same server, for the same user.
#[must_use]
pub fn database(url: &Url, name: &str) -> Url {
    let mut address = url.clone();
    address.set_path(name);
    address
}

fn password(admin: &Url, role: &str) -> String {
    Secret::from_text(admin.password().unwrap_or_default()).derive(role)
}

/// Runs a statement made of our own constants and hexadecimal digits.
pub(super) async fn execute(connection: &mut PgConnection, statement: String) -> sqlx::Result<()> {
    sqlx::raw_sql(AssertSqlSafe(statement)).execute(connection).await?;
    Ok(())
}
