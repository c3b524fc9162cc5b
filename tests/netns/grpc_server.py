"""A gRPC server with the health service: grpc_server.py PORT FILE. FILE's number is the serving status (1 SERVING, 2
NOT_SERVING); a service other than shop.Cart is NOT_FOUND. The two small messages are made by hand, so that no generated
code is needed."""
import sys
from concurrent import futures

import grpc

PORT, FILE = sys.argv[1:3]


def check(request, context):
    if request not in (b"", b"\x0a\x09shop.Cart"):
        context.abort(grpc.StatusCode.NOT_FOUND, "unknown service")
    with open(FILE, encoding="ascii") as file:
        return b"\x08" + bytes([int(file.read())])


server = grpc.server(futures.ThreadPoolExecutor(max_workers=2))
handler = grpc.unary_unary_rpc_method_handler(check)
server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("grpc.health.v1.Health", {"Check": handler}),))
server.add_insecure_port(f"0.0.0.0:{PORT}")
server.start()
server.wait_for_termination()
