//! Bugs that tests plant in a running service, to see whether the checks would find them.
//!
//! They are named in the environment (`FAILPOINTS="relay::drops_an_event=1*return"`), and only where the program was built
//! with the feature `failpoints`. In a release there are none: [`bug`] is `false` when the program is compiled.

/// Whether the bug of this name is planted, for this time.
#[cfg_attr(not(feature = "failpoints"), expect(unused_variables, reason = "a release has no such bugs"))]
#[must_use]
pub fn bug(name: &'static str) -> bool {
    fail::fail_point!(name, |_| true);
    false
}
