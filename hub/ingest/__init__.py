"""How events come in: HTTP, polling, and what is written down before anybody hears 200.

A request goes through `protocol` (is it proper HTTP, in time?), `app` (what is it for?), `body`, `intake`
(whose source?), `admission` (which events?), and `writing` (are they on disk?).
"""

from hub.ingest.app import Gateway
from hub.ingest.lines import lines
from hub.ingest.polling import Polling
from hub.ingest.server import Server, command_socket, listening_socket
from hub.ingest.watch import Bounds

__all__ = ["Bounds", "Gateway", "Polling", "Server", "command_socket", "lines", "listening_socket"]
