//! Two publishers: the one that no longer leads must store nothing twice and nothing out of order, however late what it
//! once sent arrives.

use std::{sync::atomic::Ordering::Relaxed, time::Duration};

use integration::eventually::eventually;
use messaging::{
    OutgoingMessage, Publisher, Role,
    connect::is_connected,
    publisher::{WINDOW, WindowEnd},
};
use rustix::process::Signal;
use tokio::{
    io::AsyncWriteExt,
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
};

use super::fixture::{Server, event, ids, until};

#[derive(Debug, Clone, Copy, PartialEq)]
enum Way {
    Open,
    /// Connections stand, and nothing gets through.
    Stalled,
    /// Connections break, and new ones get nowhere.
    Cut,
}

/// A way to the server for one client only.
struct Detour {
    port: u16,
    way: watch::Sender<Way>,
    _task: JoinSet<()>,
}

impl Detour {
    async fn to(server: &Server) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let (port, target) = (listener.local_addr().unwrap().port(), server.port.number());
        let (way, state) = watch::channel(Way::Open);
        let mut task = JoinSet::new();
        task.spawn(async move {
            let mut connections = JoinSet::new();
            let mut may_accept = state.clone();
            loop {
                may_accept.wait_for(|way| *way == Way::Open).await.unwrap();
                let (near, _) = listener.accept().await.unwrap();
                let far = TcpStream::connect(("127.0.0.1", target)).await.unwrap();
                connections.spawn(forward(near, far, state.clone()));
            }
        });
        Self { port, way, _task: task }
    }
}

async fn forward(mut near: TcpStream, mut far: TcpStream, mut state: watch::Receiver<Way>) {
    loop {
        tokio::select! {
            _ = tokio::io::copy_bidirectional(&mut near, &mut far) => return,
            _ = state.wait_for(|way| *way != Way::Open) => {}
        }
        if *state.wait_for(|way| *way != Way::Stalled).await.unwrap() == Way::Cut {
            drop(far.shutdown().await);
            return;
        }
    }
}

/// Large enough that a window does not fit into the buffers of the operating system.
fn large_events(count: u64) -> Vec<OutgoingMessage> {
    (1..=count).map(|number| event(number, vec![b'x'; 60_000])).collect()
}

/// The stale one had not seen the first event, which was committed late: its window is the same, moved by one.
#[tokio::test]
async fn what_a_publisher_held_back_is_refused_after_another_went_on() {
    let server = Server::start().await;
    let detour = Detour::to(&server).await;
    let client = server.client_through(detour.port, Role::TransactionSvc).await;
    let stale = Publisher::with_ack_timeout(client.clone(), Duration::from_millis(500));
    let messages = large_events(500);

    detour.way.send_replace(Way::Stalled);
    let outcome = stale.publish_in_order(&messages[1..], 0).await;
    assert!(matches!(outcome.end, WindowEnd::Unknown { .. }), "{outcome:?}");
    detour.way.send_replace(Way::Cut);
    until("the cut is noticed", async || !is_connected(&client)).await;
    let sent_before = client.statistics().out_messages.load(Relaxed);

    let leader = server.publisher().await;
    let outcome = leader.publish_at_once(&messages, 0).await;
    assert!(matches!(outcome.end, WindowEnd::Complete) && outcome.acknowledged.len() == WINDOW, "{outcome:?}");

    detour.way.send_replace(Way::Open);
    let sent = || client.statistics().out_messages.load(Relaxed) - sent_before;
    until("what was held back is sent", async || is_connected(&client) && sent() > 100).await;
    client.flush().await.unwrap();

    let outcome = leader.publish_in_order(&messages[WINDOW..], WINDOW as u64).await;
    assert!(matches!(outcome.end, WindowEnd::Complete), "{outcome:?}");
    assert_eq!(server.stored_ids().await, ids(&messages));
}

#[tokio::test]
async fn a_server_that_froze_and_thaws_stores_each_event_once_and_in_order() {
    let server = Server::start().await;
    let (first, second) = (server.publisher().await, server.publisher().await);
    let messages = large_events(20);
    first.publish_in_order(&messages[..5], 0).await;

    server.process.signal(Signal::STOP).unwrap();
    let (one, two) =
        tokio::join!(first.publish_in_order(&messages[5..], 5), second.publish_in_order(&messages[5..], 5));
    assert!(!matches!((&one.end, &two.end), (WindowEnd::Complete, WindowEnd::Complete)), "{one:?} {two:?}");
    server.process.signal(Signal::CONT).unwrap();

    eventually("everything is stored", async || {
        let last = second.stream_state().await?.last_sequence;
        let stored = usize::try_from(last)?;
        anyhow::ensure!(stored == messages.len(), "{stored} are");
        Ok(())
    })
    .await;
    assert_eq!(server.stored_ids().await, ids(&messages));
}
