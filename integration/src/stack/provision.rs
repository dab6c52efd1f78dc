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
pub const SERVICE_TIMEOUTS: [(&str, &str); 3] =
    [("statement_timeout", "5s"), ("lock_timeout", "3s"), ("idle_in_transaction_session_timeout", "3s")];

/// What creates the roles, with passwords that follow from the administrator's.
#[must_use]
pub fn roles(admin: &Url) -> Vec<String> {
    let mut statements = Vec::new();
    for Tenant { service, migrator, schema } in TENANTS {
        for role in [service, migrator] {
            let password = password(admin, role);
            let create = format!("CREATE ROLE {role}");
            statements.extend([
                format!("DO $$ BEGIN {create}; EXCEPTION WHEN duplicate_object THEN NULL; END $$"),
                format!("ALTER ROLE {role} LOGIN PASSWORD '{password}'"),
                format!("ALTER ROLE {role} SET search_path = {schema}"),
            ]);
        }
        let timeouts = SERVICE_TIMEOUTS.iter();
        statements.extend(timeouts.map(|(setting, value)| format!("ALTER ROLE {service} SET {setting} = '{value}'")));
    }
    statements
}

/// What creates the schemas in the connected database, and closes everything to everybody else.
#[must_use]
pub fn schemas() -> Vec<String> {
    let schemas = TENANTS.iter().flat_map(|Tenant { schema, migrator, service }| {
        [
            format!("CREATE SCHEMA IF NOT EXISTS {schema} AUTHORIZATION {migrator}"),
            format!("GRANT USAGE ON SCHEMA {schema} TO {service}"),
        ]
    });
    ["REVOKE ALL ON SCHEMA public FROM PUBLIC".to_owned()].into_iter().chain(schemas).collect()
}

/// What lets only the services' roles into a database. It does not inherit this from its template.
#[must_use]
pub fn admission(database: &str) -> Vec<String> {
    let roles = TENANTS.map(|Tenant { service, migrator, .. }| format!("{service}, {migrator}")).join(", ");
    vec![
        format!("REVOKE ALL ON DATABASE {database} FROM PUBLIC"),
        format!("GRANT CONNECT ON DATABASE {database} TO {roles}"),
    ]
}

/// All of it, for a new server that runs it in the database which `admin` names.
#[must_use]
pub fn script(admin: &Url) -> String {
    let statements = [roles(admin), admission(database_name(admin)), schemas()].concat();
    statements.iter().map(|statement| format!("{statement};\n")).collect()
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

/// The database that this address names.
#[must_use]
pub fn database_name(url: &Url) -> &str {
    url.path().trim_start_matches('/')
}

fn password(admin: &Url, role: &str) -> String {
    Secret::from_text(admin.password().unwrap_or_default()).derive(role)
}

/// Runs statements made of our own constants and hexadecimal digits, one after the other.
pub(super) async fn execute(
    connection: &mut PgConnection,
    statements: impl IntoIterator<Item = String>,
) -> sqlx::Result<()> {
    for statement in statements {
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut *connection).await?;
    }
    Ok(())
}
