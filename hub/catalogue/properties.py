"""The properties of the catalogue's events: what kind of value each holds, and what it says."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

Type = Literal["text", "number", "integer", "boolean", "time", "list", "object"]


class Property(NamedTuple):
    """One property of an event: its name, the type of its value, its meaning, and a value as an example."""

    name: str
    type: Type
    meaning: str
    example: Any


_LINE = {
    "product_id": "507f1f77",
    "sku": "45790-32",
    "name": "Monopoly: 3rd Edition",
    "price": 19.0,
    "quantity": 1,
    "category": "Games",
}

_KNOWN: tuple[tuple[str, Type, str, Any], ...] = (
    # the product
    ("product_id", "text", "the shop's id of the product", "507f1f77"),
    ("sku", "text", "stock keeping unit", "45790-32"),
    ("name", "text", "what it is called", "Monopoly: 3rd Edition"),
    ("category", "text", "category of the product or page", "Games"),
    ("brand", "text", "brand of the product", "Hasbro"),
    ("variant", "text", "variant of the product, such as a colour", "200 pieces"),
    ("price", "number", "price of one piece", 19.0),
    ("quantity", "integer", "how many pieces", 1),
    ("coupon", "text", "coupon code that was used", "SPRING"),
    ("position", "number", "place in a list, from 1", 3),
    ("url", "text", "address of the page", "https://shop.example.com/monopoly?utm_source=news"),
    ("image_url", "text", "address of a picture", "https://shop.example.com/monopoly.jpg"),
    ("products", "list", "the products, each with the properties of a product", [_LINE]),
    # money
    ("currency", "text", "ISO 4217 code of all amounts", "EUR"),
    ("value", "number", "what the event is worth in money", 19.0),
    ("revenue", "number", "amount without shipping and tax", 19.0),
    ("total", "number", "amount with shipping, tax and discounts", 25.0),
    ("subtotal", "number", "amount after discounts, before shipping and tax", 19.0),
    ("shipping", "number", "cost of shipping", 4.0),
    ("tax", "number", "tax in the total", 2.0),
    ("discount", "number", "discount in the total", 0.0),
    # cart, checkout, order
    ("cart_id", "text", "id of the cart; also an identifier of its person", "c-81"),
    ("checkout_id", "text", "id of the checkout; also an identifier of its person", "k-17"),
    ("order_id", "text", "id of the order", "o-1001"),
    ("affiliation", "text", "shop or partner that took the order", "Web shop"),
    ("step", "integer", "step of the checkout, from 1", 2),
    ("shipping_method", "text", "chosen way of shipping", "DHL"),
    ("payment_method", "text", "chosen way of payment", "Visa"),
    ("email", "text", "e-mail address given with it; also an identifier of its person", "ann@example.com"),
    ("coupon_id", "text", "id of the coupon", "spring_2026"),
    ("coupon_name", "text", "name of the coupon", "Spring sale"),
    ("reason", "text", "why", "expired"),
    ("wishlist_id", "text", "id of the wishlist", "w-3"),
    ("wishlist_name", "text", "name of the wishlist", "Birthday"),
    # browsing
    ("query", "text", "what was searched for", "blue roses"),
    ("list_id", "text", "id of the list", "hot_deals"),
    ("list_name", "text", "name of the list", "New customers"),
    ("filters", "list", "filters of the list, each with type and value", [{"type": "price", "value": "-25"}]),
    ("sorts", "list", "orders of the list, each with type and value", [{"type": "price", "value": "desc"}]),
    ("promotion_id", "text", "id of the promotion", "promo_1"),
    ("creative", "text", "creative of the promotion", "top_banner_2"),
    ("share_via", "text", "road of the sharing", "email"),
    ("share_message", "text", "words of the sharing", "Look at this"),
    ("recipient", "text", "to whom it was shared", "bob@example.com"),
    ("review_id", "text", "id of the review", "r-5"),
    ("review_body", "text", "words of the review", "I love it"),
    ("rating", "number", "stars or points given", 5),
    ("path", "text", "path of the page", "/monopoly"),
    ("title", "text", "title of the page", "Monopoly"),
    ("referrer", "text", "address of the page before", "https://search.example.com/"),
    ("search", "text", "query of the page's address", "?utm_source=news"),
    # e-mail and other messages
    ("email_id", "text", "the e-mail's id at its vendor", "18vzF7u3z"),
    ("email_subject", "text", "subject of the e-mail", "Your cart is waiting"),
    ("campaign_id", "text", "id of the campaign", "123"),
    ("campaign_name", "text", "name of the campaign", "New customers"),
    ("link_id", "text", "id of the link", "101"),
    ("link_url", "text", "where the link leads", "https://shop.example.com/sale"),
    ("message", "text", "the hub's id of the message, where it sent it", "cart_reminder"),
    ("text", "text", "words of the message or element", "Yes please"),
    ("channel", "text", "road of the message: email, sms, push …", "email"),
    ("purpose", "text", "what for: marketing, transactional …; `*` is all", "marketing"),
    ("state", "text", "granted or denied", "granted"),
    ("wording", "text", "the words that the person agreed to", "Yes, send me the newsletter"),
    # groups, ids
    ("group_id", "text", "id of the group or company", "acme"),
    ("traits", "object", "what is said of the group", {"name": "Acme"}),
    ("previous_id", "text", "the id that the person had before", "anon-1"),
    # beyond Segment
    ("depth", "number", "how far down the page, in percent", 75),
    ("element", "text", "which element of the page", "hero_button"),
    ("form_id", "text", "id of the form", "newsletter"),
    ("file_name", "text", "name of the file", "guide.pdf"),
    ("file_extension", "text", "extension of the file", "pdf"),
    ("percent", "number", "how much was played, in percent", 75),
    ("duration", "number", "seconds", 42),
    ("method", "text", "by which method", "google"),
    # video
    ("session_id", "text", "id of the playback; the same from start to end", "12345"),
    ("content_asset_id", "text", "id of the part that plays", "0129370"),
    ("content_asset_ids", "list", "ids of all parts", ["0129370"]),
    ("content_pod_id", "text", "id of the group of parts that plays", "segA"),
    ("content_pod_ids", "list", "ids of all groups of parts", ["segA", "segB"]),
    ("ad_asset_id", "text", "id of the advertisement that plays", "ad123"),
    ("ad_asset_ids", "list", "ids of all advertisements", ["ad123", "ad097"]),
    ("ad_pod_id", "text", "id of the advertising break that plays", "adSegA"),
    ("ad_pod_ids", "list", "ids of all advertising breaks", ["adSegA", "adSegB"]),
    ("ad_type", "text", "where in the video the advertisement is", "mid-roll"),
    ("ad_types", "list", "where in the video the advertisements are", ["mid-roll", "post-roll"]),
    ("seek_position", "number", "to which second it goes", 320),
    ("total_length", "number", "length in seconds", 392),
    ("bitrate", "number", "kilobits a second", 100),
    ("framerate", "number", "pictures a second", 29),
    ("video_player", "text", "name of the player", "youtube"),
    ("sound", "number", "volume, 0 to 100", 88),
    ("full_screen", "boolean", "on the whole screen", False),
    ("ad_enabled", "boolean", "advertisements can be shown", True),
    ("quality", "text", "quality of the picture", "hd1080"),
    ("livestream", "boolean", "sent live", False),
    ("asset_id", "text", "id of the part or advertisement", "0129370"),
    ("pod_id", "text", "id of the group that it belongs to", "segA"),
    ("program", "text", "name of the programme", "Planet Earth"),
    ("description", "text", "a description", "The woodlands of the earth"),
    ("season", "text", "number of the season", "1"),
    ("episode", "text", "number of the episode", "7"),
    ("genre", "text", "genre", "Documentary"),
    ("publisher", "text", "who made it", "BBC"),
    ("airdate", "time", "when it was first sent", "1991-08-13"),
    ("full_episode", "boolean", "a whole episode, no excerpt", True),
    ("keywords", "list", "words that describe it", ["nature", "forests"]),
    ("load_type", "text", "how advertisements are chosen: dynamic or linear", "dynamic"),
    # apps
    ("version", "text", "version of the app", "1.2.3"),
    ("build", "text", "build of the app", "1234"),
    ("previous_version", "text", "version before the update", "1.1.2"),
    ("previous_build", "text", "build before the update", "1230"),
    ("from_background", "boolean", "the app was already running", False),
    ("referring_application", "text", "app that it was opened from", "Mail"),
    ("provider", "text", "service that knows of it", "Branch Metrics"),
    (
        "campaign",
        "object",
        "the campaign: name, source, medium, content",
        {"name": "Spring", "source": "news"},
    ),
    ("action", "text", "which button was tapped", "Accept"),
    # accounts
    ("account_name", "text", "name of the account", "Initech"),
    ("first_name", "text", "first name", "Ann"),
    ("last_name", "text", "last name", "Lee"),
    ("phone", "text", "phone number given with it; also an identifier of its person", "+4915112345678"),
    ("username", "text", "user name", "ann"),
    ("role", "text", "role of the user in the account", "Owner"),
    ("invitee_email", "text", "e-mail address of who is invited", "bob@example.com"),
    ("invitee_first_name", "text", "first name of who is invited", "Bob"),
    ("invitee_last_name", "text", "last name of who is invited", "Ray"),
    ("invitee_role", "text", "role that is offered", "Owner"),
    ("trial_start_date", "time", "first day of the trial", "2026-08-28T04:09:47Z"),
    ("trial_end_date", "time", "last day of the trial", "2026-09-20T04:09:47Z"),
    ("trial_plan_name", "text", "plan of the trial", "Business"),
    # live chat
    ("agent_id", "text", "id of the agent", "bce89acdd11901"),
    ("agent_name", "text", "name of the agent", "Peter Gibbons"),
    ("agent_username", "text", "user name of the agent", "pgibbons"),
    ("conversation_id", "text", "id of the conversation", "abd627dbecffc"),
    ("conversation_duration", "number", "seconds since the conversation began", 45),
    ("message_id", "text", "id of the message in the conversation", "beaffc193618cbe"),
    ("message_body", "text", "words of the message", "Is it in stock?"),
    # what the hub says
    ("segment", "text", "name of the segment", "vip"),
    ("journey", "text", "name of the journey", "welcome"),
)

PROPERTIES: dict[str, Property] = {line[0]: Property(*line) for line in _KNOWN}
"""Every known property by its name."""

_MORE: tuple[tuple[str, str, Type, str, Any], ...] = (
    ("promotion", "position", "text", "place of the promotion", "top"),
    ("video", "position", "number", "at which second of the video", 278),
    ("video", "title", "text", "title of the video", "Seasonal Forests"),
    ("video", "channel", "text", "channel that sends it", "espn"),
    ("video", "method", "text", "what interrupted it", "network loss"),
    ("ad", "type", "text", "where in the video it is: pre-roll, mid-roll or post-roll", "mid-roll"),
    ("app", "url", "text", "the link, or what the app was opened with", "app://landing"),
    ("account", "type", "text", "how the account came about", "organic"),
    ("person", "title", "text", "title of the person", "Mr"),
)

SENSES: dict[str, Property] = {f"{line[1]}@{line[0]}": Property(*line[1:]) for line in _MORE}
"""What properties say in some events in a sense of their own: `position@video`."""

_PLAYED = "session_id position@video total_length"

SHORT: dict[str, str] = {
    "product": (
        "product_id sku category name brand variant price quantity coupon currency position value url "
        "image_url"
    ),
    "amounts": "affiliation value revenue total subtotal shipping tax discount coupon currency products",
    "email": "email_id email_subject campaign_id campaign_name message",
    "playback": (
        f"{_PLAYED} content_asset_id content_asset_ids content_pod_id content_pod_ids ad_asset_id "
        "ad_asset_ids ad_pod_id ad_pod_ids ad_type ad_types bitrate framerate video_player sound full_screen "
        "ad_enabled quality livestream"
    ),
    "content": (
        f"{_PLAYED} asset_id pod_id program title@video description season episode genre publisher airdate "
        "channel@video full_episode livestream keywords bitrate framerate"
    ),
    "ad": f"{_PLAYED} asset_id pod_id type@ad title@video publisher load_type",
    "push": "action campaign campaign_id campaign_name",
    "chat": (
        "agent_id agent_name agent_username conversation_id conversation_duration message_id message_body"
    ),
}
"""What many events have in common: the properties of a product, of an order's amounts, of a video …"""

TRAITS: tuple[tuple[str, Type, str], ...] = (
    ("address", "object", "postal address: street, city, state, postal_code, country"),
    ("age", "integer", "age in years"),
    ("avatar", "text", "address of a picture"),
    ("birthday", "time", "date of birth"),
    ("company", "object", "company: name, id, industry, employee_count, plan"),
    ("created_at", "time", "when the account was made"),
    ("description", "text", "a description"),
    ("email", "text", "e-mail address; also an identifier"),
    ("first_name", "text", "first name"),
    ("gender", "text", "gender"),
    ("id", "text", "id in the sender's database"),
    ("last_name", "text", "last name"),
    ("name", "text", "full name"),
    ("phone", "text", "phone number; also an identifier"),
    ("title", "text", "title, such as one at work"),
    ("username", "text", "user name"),
    ("website", "text", "address of a website"),
)
"""Traits whose names the Segment spec reserves, in snake_case as all keys inside the hub."""
