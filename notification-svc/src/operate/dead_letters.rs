//! Redriving and discarding dead letters, one, some or all, with their place in the audit.

use messaging::{
    StoredDeadLetter,
    dead_letters::{Census, Class},
};
use serde_json::{Value, json};

use super::{OperateError, Operations};
use crate::store::audit::{Action, Order};

/// How often the audit is told how far a long operation has come, in letters.
const NOTE_EVERY: u64 = 100;

/// What to do with dead letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Treatment {
    /// Hand them to their consumer again.
    Redrive,
    /// Remove them for good.
    Discard,
}

impl Treatment {
    const fn action(self) -> Action {
        match self {
            Self::Redrive => Action::RedriveDeadLetters,
            Self::Discard => Action::DiscardDeadLetters,
        }
    }
}

/// Which dead letters; those that come back meanwhile are not among them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    Ids(Vec<u64>),
    /// The oldest of a class, at most so many.
    Oldest(Class, u64),
}

impl Selection {
    fn to_json(&self) -> Value {
        match self {
            Self::Ids(ids) => json!({ "ids": ids }),
            Self::Oldest(class, limit) => {
                let limit = Some(limit).filter(|limit| **limit != u64::MAX);
                json!({ "consumer": class.consumer(), "reason": class.reason(), "limit": limit })
            }
        }
    }
}

/// How far an operation has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Treated {
    pub planned: u64,
    pub done: u64,
}

impl Operations {
    /// Treats the selected letters one after the other; `told` hears how far that has come.
    ///
    /// # Errors
    /// [`OperateError`]; the audit says how many were treated before.
    pub async fn treat(
        &self,
        treatment: Treatment,
        selection: &Selection,
        order: &Order,
        mut told: impl FnMut(Treated),
    ) -> Result<Treated, OperateError> {
        let mut chosen = self.choose(selection).await?;
        let mut treated = Treated { planned: chosen.count, done: 0 };
        if treated.planned == 0 {
            return Ok(treated);
        }
        let entry = self.begin(treatment.action(), order, selection.to_json(), treated.planned).await?;
        let end = self.treat_each(treatment, &mut chosen, order, entry, &mut treated, &mut told).await;
        let ended_at = end.is_ok().then(|| self.clock.now());
        self.audit.note(entry, treated.done, ended_at).await?;
        end.map(|()| treated)
    }

    async fn treat_each(
        &self,
        treatment: Treatment,
        chosen: &mut Chosen<'_>,
        order: &Order,
        entry: i64,
        treated: &mut Treated,
        told: &mut impl FnMut(Treated),
    ) -> Result<(), OperateError> {
        while let Some(letter) = self.next(chosen).await? {
            match treatment {
                Treatment::Redrive => self.dead_letters.redrive(&letter, &order.operator, self.clock.now()).await?,
                Treatment::Discard => self.dead_letters.discard(letter.id).await?,
            }
            treated.done += 1;
            told(*treated);
            if treated.done.is_multiple_of(NOTE_EVERY) {
                self.audit.note(entry, treated.done, None).await?;
            }
        }
        Ok(())
    }

    async fn choose<'s>(&self, selection: &'s Selection) -> Result<Chosen<'s>, OperateError> {
        match selection {
            Selection::Ids(ids) => {
                let mut letters = Vec::with_capacity(ids.len());
                for id in ids {
                    letters.extend(self.dead_letters.get(*id).await?);
                }
                letters.reverse();
                Ok(Chosen { count: letters.len() as u64, source: Source::Letters(letters) })
            }
            Selection::Oldest(class, limit) => {
                let Census { classes, last_id } = self.dead_letters.census(class).await?;
                let count = classes.iter().map(|class| class.count).sum::<u64>().min(*limit);
                Ok(Chosen { count, source: Source::Class { class, after: 0, last_id, left: count } })
            }
        }
    }

    async fn next(&self, chosen: &mut Chosen<'_>) -> Result<Option<StoredDeadLetter>, OperateError> {
        match &mut chosen.source {
            Source::Letters(letters) => Ok(letters.pop()),
            Source::Class { left: 0, .. } => Ok(None),
            Source::Class { class, after, last_id, left } => {
                let letter = self.dead_letters.next(class, *after).await?.filter(|letter| letter.id <= *last_id);
                *after = letter.as_ref().map_or(*last_id, |letter| letter.id);
                *left -= 1;
                Ok(letter)
            }
        }
    }
}

/// What a selection came to when the operation began.
struct Chosen<'s> {
    count: u64,
    source: Source<'s>,
}

enum Source<'s> {
    /// The next one last.
    Letters(Vec<StoredDeadLetter>),
    Class {
        class: &'s Class,
        after: u64,
        last_id: u64,
        left: u64,
    },
}
