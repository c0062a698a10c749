"""The supervisor: holds the socket, the locks and the pipes, starts the roles and starts them again.

It has no loop of its own but one `select`, no threads and no store, so there is little in it that could
fail. Its children end with it.
"""

from __future__ import annotations

import gc
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from hub.daemon.pipes import Wires, live_with_parent

_STOP = frozenset({signal.SIGTERM, signal.SIGINT})
_PAUSES = (0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0)
"""Seconds before a role is started again: after its first end, its second in a row, and so on."""
_HEARD = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)


@dataclass
class Child:
    """One process: what it runs, and how often it had to be started lately."""

    name: str
    run: Callable[[], int]
    pid: int = 0
    ready: bool = False
    reload: bool = False
    """A reload was asked for before it was ready to hear of it."""
    failures: int = 0
    start_at: float = 0.0
    started_at: float = field(default=0.0)


def prepare_memory() -> None:
    """Sets the garbage collector up, for this process and its children, when everything is loaded.

    What was loaded so far is shared with the children as long as nobody touches it. Thousands of events are
    alive at a time, and none of them in a circle: the usual thresholds would cost a fifth of the engine.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


class Supervisor:
    """Runs children until a signal ends it; `said` tells people what happens to them."""

    def __init__(
        self,
        children: Sequence[Child],
        wires: Wires,
        *,
        drain: float,
        said: Callable[[str, str], None],
        ready: Callable[[], None],
    ) -> None:
        self._children = list(children)
        self._wires = wires
        self._drain = drain
        self._said = said
        self._ready = ready
        self._stopping = False
        self._announced = False

    def run(self) -> None:
        """Until SIGTERM or SIGINT."""
        ear, mouth = socket.socketpair()
        for end in (ear, mouth):
            end.setblocking(False)
        signal.set_wakeup_fd(mouth.fileno(), warn_on_full_buffer=False)
        before = {number: signal.signal(number, lambda *_: None) for number in _HEARD}
        prepare_memory()
        try:
            self._watch(ear)
        finally:
            signal.set_wakeup_fd(-1)
            for number, handler in before.items():
                signal.signal(number, handler)
            ear.close()
            mouth.close()

    def _watch(self, ear: socket.socket) -> None:
        while True:
            self._start_due()
            select.select([ear.fileno(), self._wires.ready.out], [], [], self._pause())
            self._greet()
            for number in _signals(ear):
                self._hear(number)
            self._bury()
            if self._stopping:
                self._stop()
                return

    def _pause(self) -> float:
        waiting = [child.start_at for child in self._children if not child.pid]
        return max(0.0, min(waiting, default=time.monotonic() + 1) - time.monotonic())

    def _start_due(self) -> None:
        for child in self._children:
            if not child.pid and not self._stopping and time.monotonic() >= child.start_at:
                self._start(child)

    def _start(self, child: Child) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        child.started_at, child.ready = time.monotonic(), False
        # Held back over the fork: a SIGTERM that the child hears by our handlers would be lost.
        signal.pthread_sigmask(signal.SIG_BLOCK, _HEARD)
        pid = os.fork()
        if pid:
            child.pid = pid
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _HEARD)
            return
        code = 1
        try:
            signal.set_wakeup_fd(-1)
            for number in _HEARD:
                signal.signal(number, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to all: the supervisor decides.
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _HEARD)
            live_with_parent(self._wires)
            code = child.run()
        except BaseException:
            sys.excepthook(*sys.exc_info())
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)

    def _greet(self) -> None:
        for letter in self._wires.ready.drain().decode():
            for child in self._children:
                if child.name[0] == letter:
                    self._greet_one(child)
        if not self._announced and all(child.ready for child in self._children):
            self._announced = True
            self._ready()

    def _greet_one(self, child: Child) -> None:
        child.ready = child.pid > 0
        if child.ready and child.reload:
            os.kill(child.pid, signal.SIGHUP)
            child.reload = False

    def _hear(self, number: int) -> None:
        if number in _STOP:
            self._stopping = True
        elif number == signal.SIGHUP:
            # Whoever only starts would die of it, and nobody would have read the file again.
            for child in self._children:
                child.reload = not child.ready
                if child.ready:
                    os.kill(child.pid, signal.SIGHUP)

    def _bury(self) -> None:
        for child in self._children:
            if not child.pid:
                continue
            pid, status = os.waitpid(child.pid, os.WNOHANG)
            if not pid:
                continue
            child.pid, child.ready = 0, False
            code = os.waitstatus_to_exitcode(status)
            lived = time.monotonic() - child.started_at
            child.failures = child.failures + 1 if lived < 30 else 1
            child.start_at = time.monotonic() + _PAUSES[min(child.failures, len(_PAUSES)) - 1]
            self._said(child.name, f"ended with {code}")

    def _stop(self) -> None:
        self._signal(signal.SIGTERM)
        until = time.monotonic() + self._drain
        while any(child.pid for child in self._children) and time.monotonic() < until:
            self._reap()
            time.sleep(0.01)
        self._signal(signal.SIGKILL)
        while any(child.pid for child in self._children):
            self._reap()
            time.sleep(0.005)

    def _reap(self) -> None:
        for child in self._children:
            if child.pid and os.waitpid(child.pid, os.WNOHANG)[0]:
                child.pid = 0

    def _signal(self, number: int) -> None:
        for child in self._children:
            if child.pid:
                os.kill(child.pid, number)


def _signals(ear: socket.socket) -> bytes:
    try:
        return ear.recv(4096)
    except BlockingIOError:
        return b""
