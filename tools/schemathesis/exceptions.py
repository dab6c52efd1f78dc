"""What schemathesis may find and we keep: each with the operation's answer by which it is known, and its reason.

Everything else that it finds fails the run.
"""

import re

import schemathesis

# Valid by the schema, and refused with 400: rules that a schema cannot say.
FIELD_RULES = [
    (r".*/expires_at", "only a hold expires, and it does so in the future, within 365 days"),
    (r"/transactions/\d+/idempotency_key", "each item has a key where the mode is `independent`, none where it is `atomic`"),
    (r"/url", "which addresses are public is known when they are looked at; a run is allowed no others"),
    (r".*/(amount|min_balance)", "at most 2^63 - 1 minor units, and a new account is empty: a pattern cannot compare"),
    (r".*/currency", "currencies are those of ISO 4217: their list is longer than the rest of the document"),
    (r".*/metadata", "names and values have 4 KiB at most, together"),
]
DETAILS = [
    (r"The moment of as_of has not come yet", "it depends on the time of day"),
    (r"The header Idempotency-Key is required", "it may be left out where another parameter says that nothing is to be done"),
    (r"The cursor is not one that this list gave out", "cursors are authenticated: none can be made up"),
]
# Where a field problem says it itself.
FIELD_DETAILS = [
    (r".*found floating point `-?\d+\.0`", "to JSON Schema 12.0 is an integer, to serde it is none"),
]
# Invalid by the schema, and accepted all the same.
ACCEPTED = [
    (r"in header - object with unexpected properties", "whoever is in between may add headers"),
    (r"(amount|min_balance): Incorrect type", "a JSON integer up to 2^53 - 1 is taken for an amount; the document says what to send"),
]


def is_known(error: dict) -> bool:
    """Whether a field problem is for one of these reasons."""
    by_pointer = any(re.fullmatch(pointer, error.get("pointer", "")) for pointer, _reason in FIELD_RULES)
    return by_pointer or any(re.fullmatch(detail, error.get("detail", "")) for detail, _reason in FIELD_DETAILS)


@schemathesis.hook
def filter_failure(context, failure, case, response) -> bool:
    """Whether the failure counts."""
    kind = type(failure).__name__
    if kind == "RejectedPositiveData" and response.status_code == 400:
        problem = response.json()
        known_detail = any(re.match(detail, problem["detail"]) for detail, _reason in DETAILS)
        errors = problem.get("errors", [])
        return not (known_detail or errors and all(map(is_known, errors)))
    if kind == "ServerError":
        # Redis gets 100 ms, which a busy machine may not give it; everything else has to be there.
        return not (response.status_code == 503 and "Sessions are unavailable" in response.json()["detail"])
    if kind == "AcceptedNegativeData":
        return not any(re.search(message, failure.message) for message, _reason in ACCEPTED)
    # OpenAPI 3.1 has no words for the events of a stream: the document can only say that it is text.
    return not (kind == "JsonSchemaError" and failure.title == "SSE event violates schema")
