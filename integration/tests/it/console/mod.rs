//! The operators' console: its routes, and its page as an operator uses it, by the keyboard, in a real browser.

mod page;
mod routes;
