"""A shop session with an official Python library: python_session.py segment|rudder URL KEY.

Prints the marks of the messages that were sent, as a JSON list. Nothing but host and key is set.
"""

from __future__ import annotations

import json
import sys
from typing import Any


def client(which: str, url: str, key: str) -> Any:
    if which == "segment":
        from segment.analytics.client import Client
    else:
        from rudderstack.analytics.client import Client
    return Client(key, host=url)


def session(client: Any) -> list[str]:
    marks = []

    def mark(word: str) -> str:
        marks.append(f"{word}-{len(marks)}")
        return marks[-1]

    for visit in range(6):
        anonymous_id, user_id = f"anonymous-{visit}", f"user-{visit}"
        client.page(user_id, "Docs", "Home", {"n": mark("page"), "url": "https://shop.example.com/"})
        client.screen(user_id, "App", "Home", {"n": mark("screen")})
        client.identify(user_id, {"n": mark("identify"), "email": f"{user_id}@example.com"})
        client.group(user_id, "group", {"n": mark("group")})
        client.alias(mark("alias"), user_id)
        for number in range(5):
            properties = {"n": mark("track"), "product_id": f"p{number}", "price": 9.5}
            client.track(user_id, "Product Added", properties, anonymous_id=anonymous_id)
        client.flush()
    client.join()
    return marks


if __name__ == "__main__":
    print(json.dumps(session(client(*sys.argv[1:4]))))
