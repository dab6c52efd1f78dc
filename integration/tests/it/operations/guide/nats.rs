//! NATS comes up with an empty store.

use std::fs;

use integration::people::cents;

use super::chapter::Chapter;
use crate::stage::{Stage, next_second};

pub(super) const CHAPTER: &str = "NATS has lost data";

#[tokio::test(flavor = "multi_thread")]
async fn what_to_do_when_nats_has_lost_data() {
    let stage = Stage::over_jetstream_alone().await;
    let mut chapter = Chapter::open(&stage.platform, CHAPTER).await;
    stage.pay(20).await;
    stage.assert_in_order().await;
    let nats = stage.platform.backing.nats.process.as_ref().unwrap();
    nats.stop().await.unwrap();
    // By others: what waits is published before what is published again, and their accounts have nothing else.
    let bank = stage.platform.bank().await.unwrap();
    bank.open_funded(&stage.platform.person("carol").unwrap(), cents(1)).await.unwrap();
    fs::remove_dir_all(stage.platform.backing.directory.path().join("nats")).unwrap();
    nats.start().await.unwrap();
    chapter.run(0).await;
    let said = chapter.run(1).await;
    assert!(said.contains("made anew"), "{said}");
    chapter.run(2).await;
    next_second(stage.database()).await;
    let said = chapter.run(3).await;
    assert!(said.contains("\"missing\":{\"count\":0"), "{said}");
    chapter.close();
    stage.assert_in_order().await;
}
