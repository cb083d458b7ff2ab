"""What the checks of all clients share. The first difference ends the program."""

import socket
import sys
import time


class Checks:
    """Counts what was found as expected."""

    def __init__(self, client):
        self.client = client
        self.count = 0

    def equal(self, what, found, expected):
        self.that(what, found == expected, f"{found!r} is not {expected!r}")

    def that(self, what, holds, detail=""):
        if not holds:
            print(f"{self.client}: FAILED: {what}: {detail}", flush=True)
            sys.exit(1)
        self.count += 1
        print(f"{self.client}: ok: {what}", flush=True)

    def raises(self, what, kind, found):
        self.that(what, isinstance(found, kind), f"{found!r} is no {kind.__name__}")

    def done(self):
        print(f"{self.client}: {self.count} checks passed", flush=True)


def only_loopback():
    """Nothing of this process reaches another machine, whatever a client has as a default."""
    connect = socket.socket.connect
    connect_ex = socket.socket.connect_ex

    def is_near(self, address):
        return self.family == socket.AF_UNIX or address[0] in ("127.0.0.1", "::1")

    def guarded(self, address):
        if not is_near(self, address):
            raise ConnectionRefusedError(f"{address} is not on loopback")
        return connect(self, address)

    def guarded_ex(self, address):
        if not is_near(self, address):
            raise ConnectionRefusedError(f"{address} is not on loopback")
        return connect_ex(self, address)

    socket.socket.connect = guarded
    socket.socket.connect_ex = guarded_ex


def name(prefix):
    """A client order id that was not used before."""
    return f"{prefix}-{time.time_ns()}"
