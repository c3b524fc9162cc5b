"""A real server that falls ill again and again, and measures for how long clients are still sent to it.

turncoat.py DIRECTOR COUNT: on port 80, checks come from DIRECTOR, clients from elsewhere. Whenever a few checks were good and clients
came in between, the next check gets 503; then "delay MILLISECONDS" is printed: from that reply's last byte to the last connection
of a client. Connections are accepted as they come, however slow the requests of others are, and a connection counts from its accept(2).
"""
import selectors
import socket
import sys
import time

GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n"
SICK = b"HTTP/1.1 503 Sick\r\nContent-Length: 5\r\nConnection: close\r\n\r\nsick\n"
QUIET = 0.15  # so long without a client means that none comes any more


class Turncoat:
    def __init__(self, director, count):
        self.director, self.count = director, count
        self.ready = selectors.EpollSelector()
        self.listener = socket.create_server(("", 80), backlog=512)
        self.listener.setblocking(False)
        self.ready.register(self.listener, selectors.EVENT_READ)
        self.be_well()

    def be_well(self):
        self.good_checks, self.clients, self.sick_since, self.last_client = 0, 0, None, None

    def accept(self):
        try:
            while True:
                connection, peer = self.listener.accept()
                now = time.monotonic()
                if peer[0] != self.director:
                    self.clients += 1
                    self.last_client = now if self.sick_since else None
                connection.setblocking(False)
                self.ready.register(connection, selectors.EVENT_READ, peer[0] == self.director)
        except BlockingIOError:
            pass

    def answer(self, connection, is_check):
        self.ready.unregister(connection)
        try:
            if connection.recv(4096):
                sick = is_check and (self.sick_since or (self.good_checks >= 3 and self.clients > 10))
                connection.sendall(SICK if sick else GOOD)
                self.good_checks += is_check and not sick
                if sick and not self.sick_since:
                    self.sick_since = time.monotonic()
        except OSError:
            pass
        connection.close()

    def run(self):
        print("listening", flush=True)
        while self.count > 0:
            for key, _ in self.ready.select(QUIET):
                if key.fileobj is self.listener:
                    self.accept()
                else:
                    self.answer(key.fileobj, key.data)
            now = time.monotonic()
            if self.sick_since and now - (self.last_client or self.sick_since) > QUIET:
                print(f"delay {((self.last_client or self.sick_since) - self.sick_since) * 1000:.3f}", flush=True)
                self.count -= 1
                self.be_well()


if __name__ == "__main__":
    Turncoat(sys.argv[1], int(sys.argv[2])).run()
