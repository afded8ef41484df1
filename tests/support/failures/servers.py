"""Servers that fail in one way each. All listen on 127.0.0.1 and end with the program."""

import os
import socket
import ssl
import struct
import subprocess
import threading
import time

# Nothing here outlives this many seconds.
LIFETIME = 30


def listening(backlog=64):
    server = socket.socket()
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind(("127.0.0.1", 0))
    server.listen(backlog)
    return server


class Server:
    """Calls `answer` with each accepted connection, in its own thread."""

    def __init__(self, answer):
        self.answer = answer
        self.socket = listening()
        self.socket.settimeout(LIFETIME)
        self.open = []
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def address(self):
        return "127.0.0.1:%d" % self.socket.getsockname()[1]

    def _accept(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            self.open.append(connection)
            connection.settimeout(LIFETIME)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        try:
            self.answer(connection)
        except (OSError, ValueError):
            pass
        finally:
            connection.close()

    def close(self):
        self.socket.close()
        for connection in self.open:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


class BlackHole:
    """Never completes a TCP handshake, because its queue is full."""

    def __init__(self):
        self.socket = listening(0)
        self.fillers = []
        for _ in range(4):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(self.socket.getsockname())
            self.fillers.append(filler)

    @property
    def address(self):
        return "127.0.0.1:%d" % self.socket.getsockname()[1]

    def close(self):
        for one in [self.socket, *self.fillers]:
            one.close()


class Refused:
    """An address at which nothing listens."""

    def __init__(self):
        # Bound but not listening, so that nothing else gets the port.
        self.socket = socket.socket()
        self.socket.bind(("127.0.0.1", 0))

    @property
    def address(self):
        return "127.0.0.1:%d" % self.socket.getsockname()[1]

    def close(self):
        self.socket.close()


def reset(connection):
    connection.recv(64)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def close(connection):
    connection.recv(65536)


def silent(connection):
    time.sleep(LIFETIME)


def dribble(head):
    """Answers with `head`, then one byte a second."""

    def answer(connection):
        connection.recv(65536)
        connection.sendall(head)
        while True:
            connection.sendall(b" ")
            time.sleep(1)

    return answer


def say(data, keep_open=False):
    """Answers with `data`, then closes the connection or keeps it open."""

    def answer(connection):
        connection.recv(65536)
        connection.sendall(data)
        if keep_open:
            time.sleep(LIFETIME)

    return answer


def flood(head, chunk, size):
    """Answers with `head`, and with `chunk` until `size` bytes are sent."""

    def answer(connection):
        connection.recv(65536)
        connection.sendall(head)
        sent = 0
        # Large pieces, so that the sender is not the bottleneck.
        piece = chunk * max(1, 65536 // len(chunk))
        while sent < size:
            connection.sendall(piece)
            sent += len(piece)

    return answer


def http(status, body=b"", headers=(), length=None):
    lines = ["HTTP/1.1 " + status, "Content-Length: %d" % (len(body) if length is None else length)]
    lines += [*headers, "Connection: close", "", ""]
    return "\r\n".join(lines).encode() + body


def read_request(connection):
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(65536)
        if not piece:
            raise OSError("closed")
        data += piece
    return data


def http_server(status, body=b"", headers=(), length=None):
    def answer(connection):
        read_request(connection)
        connection.sendall(http(status, body, headers, length))

    return answer


def tls(context, answer=close):
    """Speaks only TLS."""

    def wrapped(connection):
        with context.wrap_socket(connection, server_side=True) as secure:
            answer(secure)

    return wrapped


def docker_proxy(intercept, path="/var/run/docker.sock"):
    """Passes requests on to the engine, except those that `intercept` answers.

    `intercept(connection, path)` returns whether it has answered.
    """

    def answer(connection):
        request = read_request(connection)
        target = request.split(b" ", 2)[1].decode()
        if not request.startswith(b"GET ") or intercept(connection, target):
            return
        engine = socket.socket(socket.AF_UNIX)
        engine.settimeout(LIFETIME)
        engine.connect(path)
        # One request for each connection, because only the first one is looked at.
        head, rest = request.split(b"\r\n", 1)
        engine.sendall(head + b"\r\nConnection: close\r\n" + rest)
        while True:
            data = engine.recv(65536)
            if not data:
                return
            connection.sendall(data)

    return answer


def log_frame(text):
    line = b"%s %s\n" % (time.strftime("%Y-%m-%dT%H:%M:%S.000000000Z", time.gmtime()).encode(), text)
    return struct.pack(">BxxxI", 1, len(line)) + line


class Certificates:
    """A certificate authority and certificates that are wrong in one way each."""

    def __init__(self, directory):
        self.directory = directory
        config = os.path.join(directory, "openssl.cnf")
        with open(config, "w") as file:
            file.write(OPENSSL % {"dir": directory})
        open(os.path.join(directory, "index.txt"), "w").close()
        with open(os.path.join(directory, "serial"), "w") as file:
            file.write("01\n")
        self._run("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.pem",
                  "-days", "3650", "-subj", "/CN=failures CA", "-config", config, "-extensions", "authority")
        self._sign("good", "IP:127.0.0.1,DNS:localhost", "20250101000000Z", "20450101000000Z")
        self._sign("expired", "IP:127.0.0.1,DNS:localhost", "20240101000000Z", "20250101000000Z")
        self._sign("other", "DNS:elsewhere.example", "20250101000000Z", "20450101000000Z")
        self._run("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "self.key", "-out", "self.pem",
                  "-days", "3650", "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1")
        # The names that Docker's client uses.
        for name, source in [("cert.pem", "good.pem"), ("key.pem", "good.key")]:
            os.link(self.path(source), self.path(name))

    def path(self, name):
        return os.path.join(self.directory, name)

    def context(self, name):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.path(name + ".pem"), self.path(name + ".key"))
        return context

    def _run(self, *arguments):
        subprocess.run(["openssl", *arguments], cwd=self.directory, check=True, capture_output=True)

    def _sign(self, name, names, start, end):
        config = self.path("openssl.cnf")
        self._run("req", "-newkey", "rsa:2048", "-nodes", "-keyout", name + ".key", "-out", name + ".csr",
                  "-subj", "/CN=" + name, "-config", config)
        with open(self.path(name + ".ext"), "w") as file:
            file.write("subjectAltName=%s\n" % names)
        self._run("ca", "-batch", "-notext", "-config", config, "-in", name + ".csr", "-out", name + ".pem",
                  "-extfile", name + ".ext", "-startdate", start, "-enddate", end)


OPENSSL = """
[ca]
default_ca = default
[default]
dir = %(dir)s
database = $dir/index.txt
serial = $dir/serial
new_certs_dir = $dir
certificate = $dir/ca.pem
private_key = $dir/ca.key
default_md = sha256
policy = policy
unique_subject = no
[policy]
commonName = supplied
[req]
distinguished_name = name
[name]
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign
"""
