//! The [W3C trace context](https://www.w3.org/TR/trace-context/) of a message, in and out of its headers, so that one
//! trace spans the request, the relay and the consumer. A malformed one is dropped: it must never fail a message.

use async_nats::HeaderMap;

const TRACEPARENT: &str = "traceparent";

pub(crate) fn write(headers: &mut HeaderMap, traceparent: &str) {
    if is_valid(traceparent) {
        headers.insert(TRACEPARENT, traceparent);
    }
}

pub(crate) fn read(headers: &HeaderMap) -> Option<&str> {
    headers.get(TRACEPARENT).map(async_nats::HeaderValue::as_str).filter(|text| is_valid(text))
}

/// Version 00: `00-<32 hex>-<16 hex>-<2 hex>`, lower case; ids of zeros are invalid.
fn is_valid(text: &str) -> bool {
    let hex =
        |part: &str, length| part.len() == length && part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let nonzero = |part: &str| part.bytes().any(|byte| byte != b'0');
    let mut parts = text.split('-');
    let (Some("00"), Some(trace), Some(span), Some(flags), None) =
        (parts.next(), parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return false;
    };
    hex(trace, 32) && nonzero(trace) && hex(span, 16) && nonzero(span) && hex(flags, 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_valid_context_goes_through_and_another_is_dropped() {
        let mut headers = HeaderMap::new();
        for malformed in [
            "",
            "00-1-2-01",
            "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\nX: 1",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        ] {
            write(&mut headers, malformed);
            assert_eq!(read(&headers), None);
        }
        let valid = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        write(&mut headers, valid);
        assert_eq!(read(&headers), Some(valid));
    }
}
