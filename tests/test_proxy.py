"""What docs/proxy.md and the nginx configuration say of headers and bodies is what the server does."""

from __future__ import annotations

import re
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient
from starlette.types import Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from digest.config import read_settings
from digest.web import headers

ROOT = Path(__file__).resolve().parent.parent
NGINX = ROOT / "ops" / "nginx" / "firstlight.conf"


def seen_by_us(peer: str, **sent: str) -> str:
    """Return the visitor and scheme that the site sees, with the settings' own trusted proxies."""

    async def echo(scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        host = request.client.host if request.client else "nobody"
        await PlainTextResponse(f"{host} {request.url.scheme}")(scope, receive, send)

    trusting = ProxyHeadersMiddleware(echo, trusted_hosts=read_settings().trusted_proxies)
    named = {name.replace("_", "-"): value for name, value in sent.items()}
    return TestClient(trusting, client=(peer, 4711)).get("/", headers=named).text  # type: ignore[arg-type]  # ASGI


def test_a_proxy_on_this_machine_is_believed_by_default() -> None:
    assert seen_by_us("127.0.0.1", X_Forwarded_For="203.0.113.7", X_Forwarded_Proto="https") == "203.0.113.7 https"


def test_what_a_visitor_puts_in_front_is_not_believed() -> None:
    assert seen_by_us("127.0.0.1", X_Forwarded_For="198.51.100.1, 203.0.113.7").startswith("203.0.113.7 ")


def test_a_visitor_who_comes_directly_is_not_believed_at_all() -> None:
    assert seen_by_us("203.0.113.9", X_Forwarded_For="198.51.100.1", X_Forwarded_Proto="https") == "203.0.113.9 http"


def test_two_proxies_in_a_row_are_both_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIGEST_TRUSTED_PROXIES", "127.0.0.1,10.0.0.0/8")
    assert seen_by_us("127.0.0.1", X_Forwarded_For="203.0.113.7, 10.2.3.4").startswith("203.0.113.7 ")


def test_nginx_replaces_what_visitors_claim_and_lets_every_body_through_that_we_take() -> None:
    words = NGINX.read_text(encoding="utf-8")
    assert "proxy_set_header X-Forwarded-For $remote_addr;" in words
    assert "proxy_set_header X-Forwarded-Proto $scheme;" in words
    [megabytes] = re.findall(r"client_max_body_size (\d+)m;", words)
    largest = [headers.MAX_BODY, *headers._LARGER_BODY.values()]
    assert max(largest) <= int(megabytes) * 2**20
    assert f"{megabytes} MB" in (ROOT / "docs" / "proxy.md").read_text(encoding="utf-8")


@pytest.mark.skipif(shutil.which("nginx") is None, reason="nginx is not there; apt-get install nginx")
def test_nginx_itself_takes_the_configuration(tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "digest.example.org")])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(days=1)).sign(
        key, hashes.SHA256()
    )
    (tmp_path / "fullchain.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (tmp_path / "privkey.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    ours = NGINX.read_text(encoding="utf-8").replace("/etc/ssl/firstlight", str(tmp_path))
    whole = f"pid {tmp_path}/pid; error_log stderr; events {{}} http {{ {ours} }}"
    (tmp_path / "nginx.conf").write_text(
        whole.replace("listen 80", "listen 18080").replace("listen 443", "listen 18443")
    )
    tried = subprocess.run(
        ["nginx", "-t", "-p", str(tmp_path), "-c", str(tmp_path / "nginx.conf")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert tried.returncode == 0, tried.stderr
