//! The receiver's half.

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::Mac;

use super::{ID_HEADER, SIGNATURE_HEADER, Secret, TIMESTAMP_HEADER, TOLERANCE_SECONDS, VERSION};

const MAX_ID_LENGTH: usize = 256;
/// A sender has one for each live secret; more than this only cost time.
const MAX_SIGNATURES: usize = 16;

/// The rule that a request breaks. For the receiver's log: a sender is told only that the request was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("the header {header} is missing")]
    Missing { header: &'static str },
    #[error("the header {header} is given more than once")]
    Repeated { header: &'static str },
    #[error("{ID_HEADER} is not 1 to {MAX_ID_LENGTH} visible ASCII characters without a full stop")]
    MalformedId,
    #[error("{TIMESTAMP_HEADER} is not a number of seconds since 1970")]
    MalformedTimestamp,
    #[error("{TIMESTAMP_HEADER} is more than {TOLERANCE_SECONDS} s in the past")]
    TooOld,
    #[error("{TIMESTAMP_HEADER} is more than {TOLERANCE_SECONDS} s in the future")]
    TooNew,
    #[error("{SIGNATURE_HEADER} has no signature of version {VERSION}")]
    NoSignature,
    #[error("{SIGNATURE_HEADER} has more than {MAX_SIGNATURES} signatures")]
    TooManySignatures,
    #[error("no signature was made of this id, time and body with a live secret")]
    WrongSignature,
}

/// The three headers of a request, as they came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Presented<'h> {
    pub id: &'h str,
    pub timestamp: &'h str,
    pub signature: &'h str,
}

impl<'h> Presented<'h> {
    /// Finds them among a request's headers, whose names may be written in any case.
    ///
    /// # Errors
    /// One that is missing, or there twice: nobody could say which of the two was looked at on the way.
    pub fn among(headers: impl IntoIterator<Item = (&'h str, &'h str)>) -> Result<Self, Refusal> {
        let (mut id, mut timestamp, mut signature) = (None, None, None);
        for (name, value) in headers {
            for (header, place) in
                [(ID_HEADER, &mut id), (TIMESTAMP_HEADER, &mut timestamp), (SIGNATURE_HEADER, &mut signature)]
            {
                if name.eq_ignore_ascii_case(header) && place.replace(value).is_some() {
                    return Err(Refusal::Repeated { header });
                }
            }
        }
        let there = |value: Option<&'h str>, header| value.ok_or(Refusal::Missing { header });
        Ok(Self {
            id: there(id, ID_HEADER)?,
            timestamp: there(timestamp, TIMESTAMP_HEADER)?,
            signature: there(signature, SIGNATURE_HEADER)?,
        })
    }
}

/// Whether somebody who knows one of the secrets has sent exactly these bytes, under this id, about `now` (in seconds
/// since 1970). Takes as long for a wrong signature as for a right one.
///
/// # Errors
/// The first rule that the request breaks.
pub fn verify(secrets: &[Secret], presented: Presented<'_>, now: i64, body: &[u8]) -> Result<(), Refusal> {
    let Presented { id, timestamp, signature } = presented;
    let id_is_well_formed =
        (1..=MAX_ID_LENGTH).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'.');
    if !id_is_well_formed {
        return Err(Refusal::MalformedId);
    }
    check_time(timestamp, now)?;

    let mut made = Vec::new();
    for one in signature.split(' ') {
        if let Some((VERSION, base64)) = one.split_once(',') {
            made.push(STANDARD.decode(base64).unwrap_or_default());
        }
        if made.len() > MAX_SIGNATURES {
            return Err(Refusal::TooManySignatures);
        }
    }
    if made.is_empty() {
        return Err(Refusal::NoSignature);
    }
    let mut is_right = false;
    for secret in secrets {
        let mac = secret.mac(id, timestamp, body);
        for one in &made {
            is_right |= mac.clone().verify_slice(one).is_ok();
        }
    }
    if is_right { Ok(()) } else { Err(Refusal::WrongSignature) }
}

fn check_time(timestamp: &str, now: i64) -> Result<(), Refusal> {
    let is_number = !timestamp.is_empty() && timestamp.bytes().all(|byte| byte.is_ascii_digit());
    let signed_at: i64 = match timestamp.parse() {
        Ok(seconds) if is_number => seconds,
        _ => return Err(Refusal::MalformedTimestamp),
    };
    match signed_at.abs_diff(now) > TOLERANCE_SECONDS {
        true if signed_at < now => Err(Refusal::TooOld),
        true => Err(Refusal::TooNew),
        false => Ok(()),
    }
}
