//! What a caller was granted.

use std::fmt;

/// A permission, as tokens name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u16)]
pub enum Scope {
    AccountsRead,
    AccountsWrite,
    /// Accounts of anybody.
    AccountsAny,
    /// Accounts that may go below zero.
    AccountsUnlimited,
    TransactionsRead,
    TransactionsWrite,
    /// Transactions of anybody.
    TransactionsAny,
    NotificationsRead,
    NotificationsWrite,
    /// Notifications of anybody.
    NotificationsAny,
    WebhooksManage,
    OpsRead,
    OpsReplay,
}

impl Scope {
    const ALL: [Self; 13] = [
        Self::AccountsRead,
        Self::AccountsWrite,
        Self::AccountsAny,
        Self::AccountsUnlimited,
        Self::TransactionsRead,
        Self::TransactionsWrite,
        Self::TransactionsAny,
        Self::NotificationsRead,
        Self::NotificationsWrite,
        Self::NotificationsAny,
        Self::WebhooksManage,
        Self::OpsRead,
        Self::OpsReplay,
    ];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AccountsRead => "accounts:read",
            Self::AccountsWrite => "accounts:write",
            Self::AccountsAny => "accounts:any",
            Self::AccountsUnlimited => "accounts:unlimited",
            Self::TransactionsRead => "transactions:read",
            Self::TransactionsWrite => "transactions:write",
            Self::TransactionsAny => "transactions:any",
            Self::NotificationsRead => "notifications:read",
            Self::NotificationsWrite => "notifications:write",
            Self::NotificationsAny => "notifications:any",
            Self::WebhooksManage => "webhooks:manage",
            Self::OpsRead => "ops:read",
            Self::OpsReplay => "ops:replay",
        }
    }

    const fn bit(self) -> u16 {
        1 << self as u16
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// A set of scopes.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Scopes(u16);

impl Scopes {
    /// Reads a `scope` claim (RFC 8693): names with spaces between them. Names that are not ours are other services'
    /// business.
    #[must_use]
    pub fn parse(claim: &str) -> Self {
        claim.split(' ').filter_map(|name| Scope::ALL.into_iter().find(|scope| scope.as_str() == name)).collect()
    }

    /// As a `scope` claim.
    #[must_use]
    pub fn to_claim(self) -> String {
        let granted = Scope::ALL.into_iter().filter(|scope| self.contains(*scope));
        granted.map(Scope::as_str).collect::<Vec<_>>().join(" ")
    }

    #[must_use]
    pub fn contains(self, scope: Scope) -> bool {
        self.0 & scope.bit() != 0
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        Self(scopes.into_iter().fold(0, |bits, scope| bits | scope.bit()))
    }
}

impl fmt::Debug for Scopes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let granted = Scope::ALL.into_iter().filter(|scope| self.contains(*scope));
        formatter.debug_set().entries(granted).finish()
    }
}
