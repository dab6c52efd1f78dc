//! The operators' guide, `docs/operations.md`: each chapter's trouble is made, and its commands are run as they stand there.

mod chapter;
mod dead_letters;
mod lag;
mod nats;
mod postgres;
mod receivers;
mod restored;

use std::collections::BTreeSet;

/// Every chapter has its story; what the others do with the head of the guide is in all of them.
const STORIES: [&str; 6] =
    [lag::CHAPTER, dead_letters::CHAPTER, nats::CHAPTER, postgres::CHAPTER, restored::CHAPTER, receivers::CHAPTER];

#[test]
fn every_chapter_of_the_guide_has_a_story_that_runs_its_commands() {
    let chapters: BTreeSet<_> = chapter::headings().collect();
    assert_eq!(chapters, BTreeSet::from(STORIES));
}
