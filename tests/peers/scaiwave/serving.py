# SPDX-License-Identifier: Apache-2.0
"""An HTTP/1.1 server on a loopback port of the system's choice, with or without TLS."""
import json
import socket
import socketserver
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from .signatures import Request


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256
    tls = None

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.open_connections = set()
        self.connections = 0

    def server_bind(self):
        # HTTPServer's own asks the resolver for a name of the address; nobody needs one here.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]

    def get_request(self):
        connection, address = super().get_request()
        if self.tls:
            # The handshake belongs to the connection's own thread, not to the one that accepts.
            connection = self.tls.wrap_socket(connection, server_side=True,
                                              do_handshake_on_connect=False)
        connection.settimeout(120)
        self.open_connections.add(connection)
        self.connections += 1
        return connection, address

    def shutdown_request(self, request):
        self.open_connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request, client_address):
        pass  # handshakes that fail and connections that end are what many tests are about


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *arguments):
        pass

    def _take(self):
        length = int(self.headers.get("Content-Length", 0))
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            body = self._chunks()
        else:
            body = self.rfile.read(length)
        request = Request(self.command, self.path, self.headers.get("Host", ""),
                          list(self.headers.items()), body,
                          "https" if self.server.tls else "http")
        self.server.answer(self, request)

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = do_OPTIONS = _take

    def _chunks(self):
        body = b""
        while True:
            size = int(self.rfile.readline().split(b";")[0], 16)
            body += self.rfile.read(size)
            self.rfile.readline()
            if size == 0:
                return body

    def reply(self, status, value, headers=()):
        """value: bytes as they are, anything else as JSON."""
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.send_response(status)
        names = {name.lower() for name, _ in headers}
        if "content-type" not in names:
            self.send_header("Content-Type", "application/json")
        for name, text in headers:
            self.send_header(name, text)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def drop(self):
        """Ends the connection without an answer."""
        self.close_connection = True
        try:
            self.connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


class Service:
    """Subclasses define answer(handler, request), called on the connection's thread."""

    def __init__(self, host="127.0.0.1", port=0, tls=None):
        self._host, self._port, self._tls = host, port, tls
        self._server = None
        self._thread = None
        self.start()

    def start(self):
        """Listens (again, on the same port, after stop())."""
        server = _Server((self._host, self._port), _Handler)
        server.tls, server.answer = self._tls, self.answer
        self._port = server.server_port
        self._server = server
        self._thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def stop(self):
        """Closes the port and every connection: what a crashed server looks like."""
        if not self._server:
            return
        self._server.shutdown()
        self._server.server_close()
        for connection in list(self._server.open_connections):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        self._server = None

    @property
    def port(self):
        return self._port

    @property
    def connections(self):
        """How many have come since it listens."""
        return self._server.connections if self._server else 0

    @property
    def address(self):
        return f"{self._host}:{self._port}"

    def answer(self, handler, request):
        raise NotImplementedError


def tls_context(certificate, private_key):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, private_key)
    return context
