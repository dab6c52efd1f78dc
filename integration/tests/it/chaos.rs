//! The short part of `make chaos`: each kind of fault once, under load, in an order that does not change.

use std::time::Duration;

use integration::{
    chaos::arena::Arena,
    fault::{
        kind::{Kind, Topology},
        plan::{Fault, Strike},
    },
    history::record::Load,
    stack::directory::DataDirectory,
};

/// More than these take.
const LENGTH: Duration = Duration::from_secs(90);

/// Each of these once, one after the other.
#[expect(clippy::print_stdout, reason = "a test that fails shows what was done")]
async fn survives(is_meant: impl Fn(&Kind) -> bool) {
    let setting = Arena::set(DataDirectory::scratch().unwrap(), Topology::Simple, Load::default());
    let arena = Box::pin(setting).await.unwrap();
    if let Some(reason) = &arena.no_small_disk {
        println!("the disk of nats is not filled: {reason}");
    }
    let faults = arena.kinds().into_iter().filter(is_meant).zip(0..);
    let strikes: Vec<_> = faults
        .map(|(kind, choice)| Strike {
            after: Duration::ZERO,
            faults: vec![Fault { kind, lasts: Duration::from_millis(500), choice }],
        })
        .collect();
    let planned = strikes.len();
    let outcome = Box::pin(arena.play(strikes, LENGTH, |strike| println!("{strike:?}"))).await.unwrap();
    let violations: Vec<_> = outcome.violations.iter().map(ToString::to_string).collect();
    assert!(violations.is_empty(), "{}", violations.join("\n"));
    assert_eq!(outcome.strikes.len(), planned, "not everything was done in time");
    assert!(outcome.history.acknowledged() > 10, "only {} payments prove little", outcome.history.acknowledged());
}

#[tokio::test]
async fn processes_that_are_killed_and_frozen_are_survived() {
    survives(|kind| matches!(kind, Kind::Killed(_) | Kind::Frozen(_))).await;
}

#[tokio::test]
async fn lines_that_are_cut_half_open_stalled_delayed_and_throttled_are_survived() {
    survives(|kind| matches!(kind, Kind::Line(..))).await;
}

#[tokio::test]
async fn streams_that_are_lost_disks_that_are_full_and_clocks_that_are_off_are_survived() {
    survives(|kind| !matches!(kind, Kind::Killed(_) | Kind::Frozen(_) | Kind::Line(..))).await;
}
