"""The ways to fail: for each row of the table and each system, the server and the arguments."""

import struct
import time
from dataclasses import dataclass, field

import servers
from servers import BlackHole, Refused, Server, docker_proxy, flood, http_server, say, tls

GIB = 1 << 30
DATABASE = "postgres://app:sandbox-only@%s/kodingcaravan"


@dataclass
class Setup:
    """What one run gets besides its neighbours."""

    address: str = ""
    # The whole argument for the system, if it is more than the address.
    value: str = ""
    env: dict = field(default_factory=dict)
    # The command that runs the program with something about this machine changed.
    wrapper: list = field(default_factory=list)
    servers: list = field(default_factory=list)
    arguments: list = field(default_factory=list)
    deadline: float = 3.0
    systems: tuple = ()

    def close(self):
        for server in self.servers:
            server.close()


def serve(answer, **more):
    server = answer if hasattr(answer, "address") else Server(answer)
    return Setup(address=server.address, servers=[server], **more)


def kafka_frame(length, payload=b""):
    return struct.pack(">i", length) + payload


def error_response(code, message):
    fields = b"SFATAL\0VFATAL\0C%s\0M%s\0\0" % (code.encode(), message.encode())
    return b"E" + struct.pack(">i", len(fields) + 4) + fields


def postgres_tls(context):
    """Agrees to TLS, as a PostgreSQL server does, and then presents the certificate."""

    def answer(connection):
        connection.recv(8)
        connection.sendall(b"S")
        tls(context)(connection)

    return answer


def repeated(one, head=b"["):
    """A JSON list of a gigabyte."""
    return flood(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n" + head,
                 one, GIB)


CONTAINER = b'{"Id":"0123456789abcdef","Names":["/x"],"Labels":{}},'


def rows(certificates, silent_dns):
    """The table: for each row its title and what each system meets."""
    def postgres_url(mode, root=True):
        url = DATABASE + "?sslmode=" + mode
        return url + ("&sslrootcert=" + certificates.path("ca.pem") if root else "")

    def docker_tls(answer):
        setup = serve(answer, env={"DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": certificates.directory})
        return setup

    def https(answer):
        setup = serve(answer, env={"SSL_CERT_FILE": certificates.path("ca.pem")})
        setup.value = "https://" + setup.address
        return setup

    def database(answer, url):
        setup = serve(answer)
        setup.value = url % setup.address
        return setup

    def everywhere(make):
        return {system: make for system in ("Docker", "Kafka", "PostgreSQL", "HTTP")}

    def certificate(name):
        context = certificates.context(name)
        return {
            "Docker": lambda: docker_tls(tls(context)),
            "PostgreSQL": lambda: database(postgres_tls(context), postgres_url("verify-full")),
            "HTTP": lambda: https(tls(context)),
        }

    good = certificates.context("good")
    startup = b"R" + struct.pack(">ii", 8, 0)
    body = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 10000\r\n\r\n".encode()
    garbage = b"\x00\x7f garbage \xff\xfe\r\n" * 20
    status = lambda line, text: lambda: serve(http_server(line, text))
    return [
        ("refused", everywhere(lambda: serve(Refused()))),
        ("black hole", everywhere(lambda: serve(BlackHole()))),
        ("accepted, never answered", everywhere(lambda: serve(servers.silent))),
        ("slow: a byte a second", {
            "Docker": lambda: serve(servers.dribble(body)),
            "Kafka": lambda: serve(servers.dribble(kafka_frame(1000))),
            "PostgreSQL": lambda: serve(servers.dribble(b"R\0\0\x03\xe8")),
            "HTTP": lambda: serve(servers.dribble(body)),
        }),
        ("reset", everywhere(lambda: serve(servers.reset))),
        ("closed without a byte", everywhere(lambda: serve(servers.close))),
        ("garbage, then closed", everywhere(lambda: serve(say(garbage)))),
        ("garbage, kept open", everywhere(lambda: serve(say(garbage, keep_open=True)))),
        ("plain spoken, TLS expected", {
            "Docker": lambda: serve(tls(good)),
            "Kafka": lambda: serve(tls(good)),
            "PostgreSQL": lambda: database(
                say(error_response("28000", 'no pg_hba.conf entry for host "127.0.0.1", user "app", '
                                   'database "kodingcaravan", no encryption')),
                postgres_url("disable", root=False)),
            "HTTP": lambda: serve(tls(good)),
        }),
        ("TLS spoken, plain expected", {
            "Docker": lambda: docker_tls(say(http_400())),
            "PostgreSQL": lambda: database(say(b"N"), postgres_url("require", root=False)),
            "HTTP": lambda: https(say(http_400())),
        }),
        ("self-signed certificate", certificate("self")),
        ("expired certificate", certificate("expired")),
        ("certificate for another name", certificate("other")),
        ("wrong login", {
            "Docker": status("401 Unauthorized", b'{"message":"authentication required"}'),
            "PostgreSQL": lambda: Setup(value="postgres://app:wrong-one@127.0.0.1:5432/kodingcaravan"),
            "HTTP": status("401 Unauthorized", b'{"error":"no token"}'),
        }),
        ("no permission", {
            "Docker": status("403 Forbidden", b'{"message":"denied by the proxy"}'),
            "PostgreSQL": lambda: serve(say(startup + error_response(
                "42501", 'permission denied for database "kodingcaravan"'))),
            "HTTP": status("403 Forbidden", b"forbidden"),
        }),
        ("half an answer, then closed", {
            "Docker": lambda: serve(http_server("200 OK", b'[{"Id":"01', length=1000)),
            "Kafka": lambda: serve(say(kafka_frame(100, b"\0\0\0\1half"))),
            "PostgreSQL": lambda: serve(say(b"R\0\0\0\x40half")),
            "HTTP": lambda: serve(http_server("200 OK", b'{"data":', length=1000)),
        }),
        ("1 GB", {
            "Docker": lambda: serve(repeated(CONTAINER)),
            "Kafka": lambda: serve(flood(kafka_frame(GIB), b"\0" * 1024, GIB)),
            "PostgreSQL": lambda: serve(flood(b"R\x7f\xff\xff\xff", b"\0" * 1024, GIB)),
            "HTTP": lambda: serve(repeated(b"1,")),
        }),
        ("no such name", everywhere(lambda: Setup(address="no-such-host.invalid:1234"))),
        ("name server silent", everywhere(
            lambda: Setup(address="somewhere.example:1234", wrapper=silent_dns))),
    ]


def http_400():
    return servers.http("400 Bad Request", b"plain")


def one_container(path_part, answer):
    """Docker as it is, except that requests whose path contains `path_part` get `answer`."""

    def intercept(connection, path):
        if path_part not in path:
            return False
        answer(connection)
        return True

    return lambda: serve(docker_proxy(intercept))


def send(data):
    return lambda connection: connection.sendall(data)


def logs(line, count, containers="/logs"):
    frame = servers.log_frame(line)

    def answer(connection):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.raw-stream\r\n"
                           b"Connection: close\r\n\r\n")
        sent = 0
        while sent < count:
            connection.sendall(frame * 100)
            sent += 100

    return one_container(containers, answer)


JSON_LINE = (b'{"level":"info","time":"2026-01-07T16:55:09Z","message":"handled","topic":"orders",'
             b'"partition":3,"offset":182736,"durationMs":12,"customer":"0123456789",')


def json_line(length):
    filler = b'"note":"' + b"lorem ipsum dolor sit amet " * (length // 27 + 1)
    return JSON_LINE + filler[: length - len(JSON_LINE) - 2] + b'"}'


def big(path_part, head=b"["):
    def answer(connection):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n" + head)
        piece = CONTAINER * 1000
        sent = 0
        while sent < GIB:
            connection.sendall(piece)
            sent += len(piece)

    return one_container(path_part, answer)


def many_containers(count):
    """A thousand containers besides the pipeline's own."""
    ids = ["%064x" % number for number in range(count)]
    listed = [
        '{"Id":"%s","Names":["/extra-%d"],"Labels":{"com.docker.compose.project":"kodingcaravan",'
        '"com.docker.compose.service":"extra-%d"}}' % (one, number, number) for number, one in enumerate(ids)]
    inspected = '{"Id":"%s","Name":"/extra-%d","State":{"Status":"running"},"Config":{"Image":"x"}}'

    def intercept(connection, path):
        if "/containers/json" in path:
            rest = engine_list()
            body = rest[:-1] + "," + ",".join(listed) + "]"
        else:
            number = next((n for n, one in enumerate(ids) if one in path), None)
            if number is None or not path.split("?")[0].endswith("/json"):
                return number is not None and bool(connection.sendall(servers.http("404 Not Found")) or True)
            body = inspected % (ids[number], number)
        connection.sendall(servers.http("200 OK", body.encode()))
        return True

    def make():
        setup = serve(docker_proxy(intercept))
        setup.wrapper = ["sh", "-c", 'ulimit -n 256; exec "$0" "$@"']
        return setup

    return make


def engine_list():
    """The engine's own list of containers."""
    import subprocess

    command = ["curl", "-s", "--unix-socket", "/var/run/docker.sock", "http://d/containers/json?all=true"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def all_black_holed():
    holes = [BlackHole() for _ in range(4)]
    setup = Setup(servers=holes, systems=("Docker", "Kafka", "PostgreSQL", "HTTP"))
    setup.value = [hole.address for hole in holes]
    return setup


def gzip_lie():
    return serve(http_server("200 OK", b"\x1f\x8bnot gzip at all", ["Content-Encoding: gzip",
                                                                    "Content-Type: application/json"]))


def more():
    """Further cases: (title, system, setup)."""
    admin = "/containers/"
    return [
        ("one container's inspection hangs", "Docker", inspection(servers.silent)),
        ("one container's inspection answers 500", "Docker",
         inspection(send(servers.http("500 Internal Server Error", b'{"message":"boom"}')))),
        ("/images hangs", "Docker", one_container("/images/", servers.silent)),
        ("/images answers 500", "Docker",
         one_container("/images/", send(servers.http("500 Internal Server Error", b"boom")))),
        ("/info of 1 GB", "Docker", big("/info")),
        ("inspections of 1 GB", "Docker", big("/json?size", b"[")),
        ("every inspection of 1 GB", "Docker", inspection_of_all()),
        ("endless log", "Docker", logs(json_line(500), 10**9)),
        ("20,000 log lines of 500 bytes", "Docker", logs(json_line(500), 20_000)),
        ("1,000 log lines of 16 KB", "Docker", logs(json_line(16_000), 1_000)),
        ("log line of 1 GB", "Docker", logs_of_one_line()),
        ("1,000 more containers, 256 descriptors", "Docker", many_containers(1_000)),
        ("500", "HTTP", lambda: serve(http_server("500 Internal Server Error", b"boom"))),
        ("503", "HTTP", lambda: serve(http_server("503 Service Unavailable", b"later"))),
        ("302 to a login", "HTTP",
         lambda: serve(http_server("302 Found", b"", ["Location: https://login.example/start"]))),
        ("redirects in a circle", "HTTP", lambda: serve(http_server("302 Found", b"", ["Location: /again"]))),
        ("HTML instead of JSON", "HTTP", lambda: serve(http_server("200 OK", b"<html>hello</html>"))),
        ("wrong encoding", "HTTP", gzip_lie),
        ("body of 2 MB", "HTTP", lambda: serve(http_server("200 OK", b'{"a":"' + b"x" * (2 << 20) + b'"}'))),
        ("all four black-holed", "all", all_black_holed),
        ("a deadline of 10 ms", "none", lambda: Setup(deadline=0.01)),
        ("descriptors used up", "none",
         lambda: Setup(wrapper=["sh", "-c", 'ulimit -n 12; exec "$0" "$@"'])),
        ("a deadline of a year", "none", lambda: Setup(deadline=8784 * 3600.0)),
    ]


def is_inspection(path):
    path = path.split("?")[0]
    return "/containers/" in path and path.endswith("/json") and not path.endswith("/containers/json")


def inspection(answer):
    """The first container that is inspected gets `answer`, always."""
    first = []

    def intercept(connection, path):
        if not is_inspection(path):
            return False
        first.append(path)
        if path != first[0]:
            return False
        answer(connection)
        return True

    return lambda: (first.clear(), serve(docker_proxy(intercept)))[1]


def inspection_of_all():
    def intercept(connection, path):
        if not is_inspection(path):
            return False
        repeated(b'"x",', b'{"Name":[')(Replayed(connection))
        return True

    return lambda: serve(docker_proxy(intercept))


class Replayed:
    """A connection whose request has been read already."""

    def __init__(self, connection):
        self.sendall = connection.sendall

    @staticmethod
    def recv(_):
        return b""


def logs_of_one_line():
    def answer(connection):
        connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + struct.pack(">BxxxI", 1, GIB))
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S.0Z ", time.gmtime()).encode()
        connection.sendall(stamp)
        for _ in range(GIB // 65536):
            connection.sendall(b"x" * 65536)

    return one_container("/logs", answer)
