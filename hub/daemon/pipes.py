"""The wires between the processes: one byte wakes, a message tells, an end of file ends."""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import signal
import socket
import sys
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Pipe:
    """A pipe whose ends both stay open in the supervisor, so that a restarted child finds them."""

    out: int
    into: int

    @classmethod
    def new(cls) -> Pipe:
        out, into = os.pipe()
        os.set_blocking(out, False)
        os.set_blocking(into, False)
        return cls(out, into)

    def ring(self) -> None:
        """Wakes the reader; a full pipe means that it is awake anyway."""
        with contextlib.suppress(BlockingIOError, BrokenPipeError):
            os.write(self.into, b"\0")

    def drain(self) -> bytes:
        """Everything that was written so far."""
        try:
            return os.read(self.out, 1 << 16)
        except BlockingIOError:
            return b""

    def wait(self, seconds: float, *others: int) -> list[int]:
        """Waits until something was written here or at the others, or the time is over."""
        ready, _, _ = select.select([self.out, *others], [], [], seconds)
        return ready


@dataclass(frozen=True)
class Messages:
    """A line for whole messages: one that finds no room is dropped, none is ever cut."""

    out: socket.socket
    into: socket.socket

    @classmethod
    def new(cls) -> Messages:
        out, into = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        for end in (out, into):
            end.setblocking(False)
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
        return cls(out, into)

    def send(self, message: bytes) -> None:
        """Hands a message over, where there is room and somebody listens."""
        with contextlib.suppress(OSError):
            self.into.send(message)

    def receive(self) -> list[bytes]:
        """Every message that has come."""
        messages = []
        with contextlib.suppress(BlockingIOError):
            while True:
                messages.append(self.out.recv(1 << 20))
        return messages


@dataclass(frozen=True)
class Wires:
    """Everything that connects the processes of one hub."""

    journal: Pipe = field(default_factory=Pipe.new)
    """gateway → engine: entries were written."""
    outbox: Pipe = field(default_factory=Pipe.new)
    """engine → delivery: deliveries were decided."""
    told: Messages = field(default_factory=Messages.new)
    """engine → gateway: counters and health, once a second."""
    ready: Pipe = field(default_factory=Pipe.new)
    """child → supervisor: a letter when it is ready."""
    life: Pipe = field(default_factory=Pipe.new)
    """Held open by the supervisor: its end of file tells the children that it is gone."""


def live_with_parent(wires: Wires) -> None:
    """Makes this child end with its supervisor, also after a SIGKILL of that."""
    os.close(wires.life.into)
    if sys.platform == "linux":
        pr_set_pdeathsig = 1
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)
    # The parent may have gone between the fork and this line.
    if os.getppid() == 1 and select.select([wires.life.out], [], [], 0)[0]:
        os._exit(1)
