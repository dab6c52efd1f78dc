//! The database refuses what carol is to be told, and somebody publishes what is no event.

use contract::EventId;
use integration::stack::platform::Platform;
use sqlx::raw_sql;

use super::chapter::Chapter;
use crate::{
    notifications::fixture::{Store, message, now, payment, publish},
    operations::fixture::{there_are, unread},
};

pub(super) const CHAPTER: &str = "Dead letters appear";

#[tokio::test(flavor = "multi_thread")]
async fn what_to_do_when_dead_letters_appear() {
    let platform = Platform::start().await.unwrap();
    let database = platform.pool().await.unwrap();
    let mut chapter = Chapter::open(&platform, CHAPTER).await;
    let refuse = "ALTER TABLE notifications.notifications ADD CONSTRAINT not_to_carol CHECK (recipient <> 'carol')";
    raw_sql(refuse).execute(&database).await.unwrap();
    let (carols, bobs) = (payment("alice", "carol"), payment("alice", "bob"));
    let poison = (EventId::new(now(), rand::random()), b"not an event".to_vec());
    publish(&platform, vec![message(&carols), message(&bobs), poison]).await;
    there_are(&platform, &[("malformed", 2)]).await;
    let said = chapter.run(0).await;
    assert!(said.contains("not_to_carol") && said.contains(&carols.id.to_string()), "{said}");

    raw_sql("ALTER TABLE notifications.notifications DROP CONSTRAINT not_to_carol").execute(&database).await.unwrap();
    chapter.run(1).await;
    unread(&platform, "carol", 1).await;
    there_are(&platform, &[("malformed", 1)]).await;
    chapter.run(2).await;
    there_are(&platform, &[]).await;
    chapter.close();
    Store::of(&platform.backing.database).await.is_consistent().await;
}
