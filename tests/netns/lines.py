"""A server of one sentence: lines.py PORT tcp GREETING ANSWER, or lines.py PORT sip "200 OK".

tcp: greets with one line and answers every line with another. sip: answers a request over UDP with that status and the
request's own Via, From, To, Call-ID and CSeq (RFC 3261 section 8.2.6).
"""
import socket
import socketserver
import sys


def serve_lines(port, greeting, answer):
    class Handler(socketserver.StreamRequestHandler):
        def handle(self):
            self.wfile.write(greeting.encode() + b"\r\n")
            for _ in self.rfile:
                self.wfile.write(answer.encode() + b"\r\n")

    socketserver.ThreadingTCPServer.allow_reuse_address = True
    socketserver.ThreadingTCPServer(("", port), Handler).serve_forever()


def serve_sip(port, status):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("", port))
        while True:
            request, client = server.recvfrom(65535)
            kept = [line for line in request.split(b"\r\n")
                    if line.split(b":")[0].lower() in (b"via", b"from", b"to", b"call-id", b"cseq")]
            server.sendto(b"\r\n".join([b"SIP/2.0 " + status.encode(), *kept, b"Content-Length: 0", b"", b""]), client)


if sys.argv[2] == "tcp":
    serve_lines(int(sys.argv[1]), *sys.argv[3:5])
else:
    serve_sip(int(sys.argv[1]), sys.argv[3])
