"""A TLS server on loopback that publishes keys, with a CA of its own, and misbehaves when asked to."""

from __future__ import annotations

import contextlib
import ipaddress
import json
import re
import socket
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

NAMES = ("localhost", "keys.example")
Act = Callable[[ssl.SSLSocket], None]  # what the server does with a connection once it has read the HTTP request


def ok(body: bytes, *header: str, status: str = "200 OK") -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *header, "", ""]
    return "\r\n".join(lines).encode() + body


def json_ok(value: object) -> bytes:
    return ok(json.dumps(value).encode(), "Content-Type: application/json")


@dataclass
class KeyServer:
    """`answers`: by path, the bytes to send or an act on the connection. `requests`: heads as they came in."""

    port: int
    ca_file: str
    answers: dict[str, bytes | Act] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)  # of these requests

    @property
    def host(self) -> str:
        return f"localhost:{self.port}"

    @property
    def url(self) -> str:
        return f"https://{self.host}"

    def publish(self, *jwks: dict[str, Any], path: str = "/keys") -> str:
        self.answers[path] = json_ok({"keys": list(jwks)})
        return f"{self.url}{path}"

    def discover(self, *jwks: dict[str, Any], issuer: str = "") -> str:
        """Publish keys by a discovery document; return the issuer."""
        jwks_uri = self.publish(*jwks)
        self.answers["/.well-known/openid-configuration"] = json_ok(
            {"issuer": issuer or self.url, "jwks_uri": jwks_uri}
        )
        return self.url


def _certificate(
    name: str, key: ec.EllipticCurvePrivateKey, by: tuple[x509.Name, ec.EllipticCurvePrivateKey] | None
) -> x509.Certificate:
    subject, now = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]), datetime.now(UTC)
    issuer, signer = by or (subject, key)
    alternatives: list[x509.GeneralName] = [x509.DNSName(known) for known in NAMES]
    alternatives.append(x509.IPAddress(ipaddress.ip_address("127.0.0.1")))
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=by is None, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=by is None), critical=True)
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
        .sign(signer, hashes.SHA256())
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True, content_commitment=False, key_encipherment=False, data_encipherment=False,
        key_agreement=False, key_cert_sign=signs_certificates, crl_sign=signs_certificates, encipher_only=False,
        decipher_only=False,
    )  # fmt: skip


def _files(folder: Path) -> tuple[str, str]:
    """Write the CA, and the server's certificate with its key."""
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca = _certificate("CA of the tests", ca_key, None)
    mine = _certificate("localhost", key, (ca.subject, ca_key))
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "ca.pem").write_bytes(ca.public_bytes(serialization.Encoding.PEM))
    (folder / "server.pem").write_bytes(mine.public_bytes(serialization.Encoding.PEM) + private)
    return str(folder / "ca.pem"), str(folder / "server.pem")


def _read(connection: ssl.SSLSocket) -> tuple[bytes, bytes] | None:
    """Return head and body of an HTTP request; None if the other side went away."""
    head = b""
    while b"\r\n\r\n" not in head:
        if not (part := connection.recv(4096)):
            return None
        head += part
    head, _blank, body = head.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)\r\ncontent-length: *([0-9]+)", head)
    while length and len(body) < int(length[1]) and (part := connection.recv(4096)):
        body += part
    return head, body


@contextmanager
def serving(folder: Path) -> Iterator[KeyServer]:
    ca_file, server_file = _files(folder)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(server_file)
    shown = KeyServer(0, ca_file)

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with contextlib.suppress(OSError), tls.wrap_socket(self.request, server_side=True) as connection:
                self.answer(connection)

        def answer(self, connection: ssl.SSLSocket) -> None:
            if not (read := _read(connection)):
                return
            head, body = read
            shown.requests.append(head.decode())
            shown.bodies.append(body)
            answer = shown.answers.get(head.split()[1].decode(), ok(b"", status="404 Not Found"))
            if callable(answer):
                answer(connection)
            else:
                connection.sendall(answer)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        address_family = socket.AF_INET

    with Server(("127.0.0.1", 0), Handler) as server:
        shown.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield shown
        finally:
            server.shutdown()
            thread.join()
