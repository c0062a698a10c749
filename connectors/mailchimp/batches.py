"""Many members in one request: who was taken, and who was not."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any

import hub

from .answers import Refusal, refusals, status
from .members import Row
from .settings import Settings

MOST = 500
"""Members in one request. https://mailchimp.com/developer/marketing/api/lists/batch-subscribe-or-unsubscribe/"""

NO_AUDIENCE = "answered 404: there is no audience of this list_id"

_QUERY = {
    "skip_merge_validation": "true",
    "skip_duplicate_check": "true",
    # Whom it took is of no use, and 500 members would be longer than an answer may be.
    "exclude_fields": "new_members,updated_members,_links",
}


def batched(
    rows: Sequence[Row],
    settings: Settings,
    said: Callable[[Row], Mapping[str, Any]],
    *,
    update: bool,
) -> Generator[hub.Request, hub.Response, dict[str, Refusal]]:
    """Sends members, and returns by their addresses those that were not taken.

    A repeat writes the same once more, so that what an answer leaves open is asked again in halves. `update`
    lets the request change those who are there already, with their status.
    """
    found: dict[str, Refusal] = {}
    waiting = [list(rows)]
    while waiting:
        batch = waiting.pop(0)
        if not batch:
            continue
        body = {"members": [said(row) for row in batch], "update_existing": update}
        answer = yield from of_the_audience(
            hub.Request("POST", f"/lists/{settings.list_id}", query=_QUERY, json=body)
        )
        refused = refusals(answer)
        if refused is None and not answer.truncated:
            raise hub.RetryLater(f"answered {answer.status} with a body that cannot be read")
        if refused is not None and refused.keys() <= {row.email for row in batch}:
            found |= refused
        elif len(batch) > 1:
            half = len(batch) // 2
            waiting += [batch[:half], batch[half:]]
        elif refused is not None:
            found[batch[0].email] = next(iter(refused.values()))
    return found


def of_the_audience(request: hub.Request) -> Generator[hub.Request, hub.Response, hub.Response]:
    """A request that finds nothing only where the audience itself is not there."""
    try:
        answer: hub.Response = yield request
    except hub.GiveUp as refused:
        if status(refused) == 404:
            raise hub.CredentialsRejected(NO_AUDIENCE) from None
        raise
    return answer
