"""The events that the hub knows by name: the whole Segment spec, and our own.

A further part of the spec is a further table of lines here: `Spelling | what happened | its properties`.
`{product}` stands for many properties, `position@video` for the sense that a property has there.
"""

from __future__ import annotations

from typing import NamedTuple

from hub.catalogue.properties import PROPERTIES, SENSES, SHORT, Property


class Known(NamedTuple):
    """One event of the catalogue."""

    name: str
    """As it is called inside: `product_added`."""
    spelling: str
    """As the Segment spec writes it: `Product Added`."""
    group: str
    meaning: str
    properties: tuple[Property, ...]
    activity: bool
    """Something that the person did."""
    names_person: bool
    """Its e-mail address and phone number are the person's own."""


_CALLS = """
Traits Updated | an identify call: what is said of a person |
Group Joined | a group call: the person belongs to a group | group_id traits
Aliased | an alias call: two ids are one person | previous_id
Page Viewed | a page was seen | name category path url title referrer search
Screen Viewed | a screen of an app was seen | name category
"""

_BROWSING = """
Products Searched | searched for products | query products
Product List Viewed | saw a list of products | list_id list_name category products
Product List Filtered | filtered or sorted a list | list_id category filters sorts products
Promotion Viewed | saw a promotion | promotion_id creative name position@promotion
Promotion Clicked | clicked on a promotion | promotion_id creative name position@promotion
"""

_ORDERING = """
Product Clicked | clicked on a product | {product}
Product Viewed | saw a product's page | {product}
Product Added | put a product into the cart | cart_id {product}
Product Removed | took a product out of the cart | cart_id {product}
Cart Viewed | looked at the cart | cart_id value currency products
Checkout Started | began the checkout | checkout_id cart_id order_id email {amounts}
Checkout Step Viewed | saw a step of the checkout | checkout_id step shipping_method payment_method
Checkout Step Completed | finished a step of the checkout | checkout_id step shipping_method payment_method
Payment Info Entered | gave payment details | checkout_id order_id step shipping_method payment_method
Order Completed | bought | order_id checkout_id email {amounts}
Order Updated | an order changed | order_id {amounts}
Order Refunded | an order was paid back, whole or in part | order_id {amounts}
Order Cancelled | an order was called off | order_id reason {amounts}
"""

_COUPONS = """
Coupon Entered | typed a coupon code | order_id cart_id coupon_id
Coupon Applied | a coupon was accepted | order_id cart_id coupon_id coupon_name discount
Coupon Denied | a coupon was refused | order_id cart_id coupon_id coupon_name reason
Coupon Removed | a coupon was taken out | order_id cart_id coupon_id coupon_name discount
"""

_WISHLIST = """
Product Added to Wishlist | put a product on a wishlist | wishlist_id wishlist_name {product}
Product Removed from Wishlist | took a product off a wishlist | wishlist_id wishlist_name {product}
Wishlist Product Added to Cart | moved a product to the cart | wishlist_id wishlist_name cart_id {product}
"""

_SHARING = """
Product Shared | showed a product to others | share_via share_message recipient {product}
Cart Shared | showed the cart to others | share_via share_message recipient cart_id products
Product Reviewed | reviewed a product | product_id review_id review_body rating
"""

_EMAIL = """
Email Delivered | the e-mail arrived | {email}
Email Opened | the e-mail was opened | {email}
Email Link Clicked | a link in the e-mail was clicked | link_id link_url {email}
Email Bounced | the e-mail could not be delivered | reason {email}
Email Marked as Spam | the person complained of the e-mail | {email}
Unsubscribed | wants no more of these e-mails | list_id list_name {email}
"""

_VIDEO = """
Video Playback Started | began to play a video | {playback}
Video Playback Paused | paused a video | {playback}
Video Playback Interrupted | a video stopped without anybody's wish | method@video {playback}
Video Playback Buffer Started | a video began to load ahead | {playback}
Video Playback Buffer Completed | a video has loaded ahead | {playback}
Video Playback Seek Started | went to another place of a video | seek_position {playback}
Video Playback Seek Completed | is at the other place of a video | seek_position {playback}
Video Playback Resumed | went on with a video | {playback}
Video Playback Completed | a video ended, with all its parts | {playback}
Video Playback Exited | left a video before its end | {playback}
Video Quality Updated | a video changed its quality | {playback}
Video Content Started | a part of a video began | {content}
Video Content Playing | is watching a part of a video; said every few seconds | {content}
Video Content Completed | watched a part of a video to its end | {content}
Video Ad Started | an advertisement in a video began | {ad}
Video Ad Playing | is watching an advertisement; said every few seconds | {ad}
Video Ad Completed | watched an advertisement to its end | {ad}
"""

_MOBILE = """
Application Installed | opened the app for the first time | version build
Application Opened | opened the app | version build from_background referring_application url@app
Application Foregrounded | came back to the app | version build
Application Updated | opened the app after an update | previous_version previous_build version build
Application Uninstalled | removed the app | version build
Application Crashed | the app broke down | version build
Install Attributed | it is known what led to the app | provider campaign
Deep Link Opened | came into the app by a link | provider url@app
Deep Link Clicked | clicked on a link that leads into the app | provider url@app
"""

_COMPANIES = """
Signed Up | made a user account | type@account first_name last_name email phone username title@person
Signed In | signed in | username method
Signed Out | signed out | username
Account Deleted | an account was deleted | account_name
Account Added User | a user joined an account | role
Account Removed User | a user left an account | role
Invite Sent | invited somebody | invitee_email invitee_first_name invitee_last_name invitee_role
Trial Started | a trial began | trial_start_date trial_end_date trial_plan_name
Trial Ended | a trial ended | trial_start_date trial_end_date trial_plan_name
"""

_CHAT = """
Live Chat Conversation Started | began a conversation with an agent | {chat}
Live Chat Conversation Ended | a conversation with an agent ended | {chat}
Live Chat Message Sent | wrote to an agent | {chat}
Live Chat Message Received | an agent wrote | {chat}
"""

_FATES = """
Message Clicked | a link in a message of the hub was clicked, on any channel | message channel link_url
Push Notification Received | a push notification arrived | message {push}
Push Notification Tapped | a push notification was tapped | message {push}
Push Notification Bounced | a push notification could not be delivered | message reason {push}
Sms Delivered | a text message arrived | message
Sms Bounced | a text message could not be delivered | message reason
Sms Link Clicked | a link in a text message was clicked | message link_url
Sms Replied | answered a text message | message text
"""

_BEYOND = """
Scroll Reached | scrolled down a page | depth
Product Hovered | rested over a product | {product}
Cta Clicked | clicked on a call to action | element text url
Link Clicked | clicked on a link | link_id link_url text
Form Submitted | sent a form | form_id email
File Downloaded | downloaded a file | file_name file_extension link_url text
Video Played | played a video up to a point | name percent duration url
Page Left | left a page | path url duration
Page Ping | is still on a page | path url duration
Session Started | a session began | method
Session Ended | a session ended | duration
App Backgrounded | put the app into the background | duration
Account Created | made an account | method email account_name
Tutorial Completed | finished the introduction | name
Consent Changed | gave or took back consent | channel purpose state wording
"""

_SHOP = """
Order Paid | an order was paid | order_id {amounts}
Order Fulfilled | an order was sent out | order_id {amounts}
Fulfillment Created | a parcel of an order is on its way | order_id
Checkout Updated | a checkout changed | checkout_id cart_id email {amounts}
Cart Updated | a cart changed | cart_id value currency products
Product Updated | the shop changed a product | product_id sku name price category
App Uninstalled | the shop removed the app |
"""

_OWN = """
Segment Entered | the person entered a segment | segment
Segment Left | the person left a segment | segment
Journey Entered | the person began a journey | journey
Journey Ended | the person's journey is over | journey
"""

_TABLES = (
    ("Calls", _CALLS),
    ("Browsing", _BROWSING),
    ("Ordering", _ORDERING),
    ("Coupons", _COUPONS),
    ("Wishlist", _WISHLIST),
    ("Sharing and reviews", _SHARING),
    ("E-mail", _EMAIL),
    ("Video", _VIDEO),
    ("Mobile apps", _MOBILE),
    ("Software for companies", _COMPANIES),
    ("Live chat", _CHAT),
    ("Other messages", _FATES),
    ("Beyond Segment", _BEYOND),
    ("What a shop does", _SHOP),
    ("What the hub says", _OWN),
)

# What a shop does by itself is marked `system` where it comes in; a name alone does not say who did it.
NO_ACTIVITY = frozenset(
    {"traits_updated", "group_joined", "aliased", "consent_changed"}
    | {"application_uninstalled", "application_crashed", "install_attributed"}
    | {"account_deleted", "account_added_user", "account_removed_user", "trial_ended"}
    | {"live_chat_conversation_ended", "live_chat_message_received"}
    | {"push_notification_received", "push_notification_bounced"}
    | {"segment_entered", "segment_left", "journey_entered", "journey_ended"}
    | {
        f"{channel}_{fate}"
        for channel in ("email", "sms", "push", "webhook", "message")
        for fate in ("sent", "delivered", "bounced", "failed", "dropped")
    }
)
"""Names of events that a person did not cause."""

_NAMES_PERSON = ("checkout_", "order_", "payment_", "account_created", "form_submitted", "signed_up")


def is_activity(name: str) -> bool:
    """An event of this name is something that a person did, unless it is marked as a system's doing."""
    return name not in NO_ACTIVITY


def _property(word: str) -> Property:
    return SENSES[word] if "@" in word else PROPERTIES[word]


def _read() -> dict[str, Known]:
    known = {}
    for group, table in _TABLES:
        for line in table.format_map(SHORT).strip().splitlines():
            spelling, meaning, words = (part.strip() for part in line.split("|"))
            name = spelling.lower().replace(" ", "_")
            properties = tuple(_property(word) for word in words.split())
            names_person = name.startswith(_NAMES_PERSON)
            known[name] = Known(name, spelling, group, meaning, properties, is_activity(name), names_person)
    return known


EVENTS: dict[str, Known] = _read()
"""The catalogue: every known event by its folded name."""
