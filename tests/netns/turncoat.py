"""A real server that falls ill again and again, and measures for how long clients are still sent to it.

turncoat.py DIRECTOR COUNT: on port 80, checks come from DIRECTOR, clients from elsewhere. Whenever a few checks were good and clients
came in between, the next check gets 503; then "delay MILLISECONDS" is printed: from that reply's last byte to the last connection
of a client. All on one thread, one connection at a time: what it measures is rather too long than too short.
"""
import socket
import sys
import time

GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n"
SICK = b"HTTP/1.1 503 Sick\r\nContent-Length: 5\r\nConnection: close\r\n\r\nsick\n"
QUIET = 0.15  # so long without a client means that none comes any more


def answer(connection, reply):
    connection.settimeout(0.2)
    try:
        connection.recv(4096)
        connection.sendall(reply)
        return time.monotonic()
    except OSError:
        return None
    finally:
        connection.close()


def main(director, count):
    listener = socket.create_server(("", 80), backlog=512, reuse_port=False)
    listener.settimeout(QUIET)
    print("listening", flush=True)
    good_checks, clients, sick_since, last_client = 0, 0, None, None
    while count > 0:
        try:
            connection, peer = listener.accept()
        except TimeoutError:
            connection = None
        now = time.monotonic()
        if sick_since and now - max(sick_since, last_client or 0) > QUIET:
            print(f"delay {max(0.0, (last_client or sick_since) - sick_since) * 1000:.3f}", flush=True)
            count -= 1
            good_checks, clients, sick_since, last_client = 0, 0, None, None
        if connection is None:
            continue
        if peer[0] != director:
            clients += 1
            if sick_since:
                last_client = now
            answer(connection, GOOD)
        elif sick_since or (good_checks >= 3 and clients > 10):
            ended = answer(connection, SICK)
            sick_since = sick_since or ended
        else:
            answer(connection, GOOD)
            good_checks += 1


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
