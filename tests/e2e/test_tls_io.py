"""TLS of the io layer against other people's: OpenSSL and GnuTLS's own tools, both ways, with certificates that they made."""

import os
import re
import shutil
import socket
import subprocess
import tempfile
import time

import pytest

BUILD = os.environ.get("LASTRA_BUILD", "build")
PEER = os.path.join(BUILD, "tests", "unit", "io", "tls_peer")


def sh(*args, **kw):
    return subprocess.run(args, check=True, capture_output=True, text=True, timeout=60, **kw)


@pytest.fixture(scope="module")
def pki():
    """An authority made by OpenSSL, with RSA and ECDSA certificates; a self-signed one of a stranger."""
    folder = tempfile.mkdtemp(prefix="lastra-tls-")

    def path(name):
        return os.path.join(folder, name)

    def new_key(kind):
        return ("-newkey", "rsa:2048") if kind == "rsa" else ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")

    sh("openssl", "req", "-x509", *new_key("ec"), "-nodes", "-subj", "/CN=authority", "-days", "5", "-keyout", path("ca.key"),
       "-out", path("ca.crt"))
    for name, kind, key_bits in (("server", "ec", None), ("server-rsa", "rsa", None), ("client", "ec", None),
                                 ("client-rsa", "rsa", None), ("weak", "rsa", "1024")):
        key = ("-newkey", f"rsa:{key_bits}") if key_bits else new_key(kind)
        sh("openssl", "req", *key, "-nodes", "-subj", f"/CN={name}", "-keyout", path(name + ".key"), "-out", path("csr"))
        with open(path("ext"), "w") as f:
            f.write("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
        sh("openssl", "x509", "-req", "-in", path("csr"), "-CA", path("ca.crt"), "-CAkey", path("ca.key"), "-CAcreateserial",
           "-days", "5", "-extfile", path("ext"), "-out", path(name + ".crt"))
    sh("openssl", "req", "-x509", *new_key("rsa"), "-nodes", "-subj", "/CN=stranger", "-days", "5", "-keyout",
       path("stranger.key"), "-out", path("stranger.crt"))
    yield path
    shutil.rmtree(folder)


def fingerprint(path):
    text = sh("openssl", "x509", "-in", path, "-noout", "-fingerprint", "-sha256").stdout
    return text.split("=")[1].strip().replace(":", "").lower()


class Server:
    """Ours. Each connection's line is one of `lines`."""

    def __init__(self, pki, cert="server", trust=True, known="-"):
        self.p = subprocess.Popen([PEER, "serve", pki(cert + ".crt"), pki(cert + ".key"), pki("ca.crt") if trust else "-", known],
                                  stdout=subprocess.PIPE, text=True)
        self.port = int(self.p.stdout.readline().split()[1])

    def line(self):
        return self.p.stdout.readline().strip()

    def __enter__(self):
        return self

    def __exit__(self, *a):
        self.p.kill()
        self.p.wait()
        self.p.stdout.close()


def s_client(port, *options, text="hello\n"):
    """OpenSSL's client: what it printed, and whether the text came back."""
    p = subprocess.Popen(["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-quiet", "-verify_quiet", "-no_ign_eof", *options],
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        p.stdin.write(text)
        p.stdin.flush()
        time.sleep(0.3)
        out, _ = p.communicate(timeout=10)
    except BrokenPipeError:
        out, _ = p.communicate(timeout=10)
    return out


def own(pki, name):
    return "-cert", pki(name + ".crt"), "-key", pki(name + ".key")


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
@pytest.mark.parametrize("server", ["server", "server-rsa"])
@pytest.mark.parametrize("client", ["client", "client-rsa"])
def test_openssl_client_with_a_certificate_is_served(pki, version, server, client):
    with Server(pki, server) as s:
        assert "hello" in s_client(s.port, version, *own(pki, client), "-CAfile", pki("ca.crt"), "-verify_return_error")
        assert s.line() == "accepted " + fingerprint(pki(client + ".crt"))


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_openssl_client_without_a_certificate_is_refused(pki, version):
    with Server(pki) as s:
        assert "hello" not in s_client(s.port, version)
        assert s.line().startswith("refused not permitted")


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_a_self_signed_certificate_is_refused_unless_registered(pki, version):
    with Server(pki) as s:
        assert "hello" not in s_client(s.port, version, *own(pki, "stranger"))
        assert s.line().startswith("refused not permitted")
    mark = fingerprint(pki("stranger.crt"))
    with Server(pki, known=mark) as s:
        assert "hello" in s_client(s.port, version, *own(pki, "stranger"))
        assert s.line() == "accepted " + mark
    with Server(pki, trust=False, known=mark) as s:
        assert "hello" in s_client(s.port, version, *own(pki, "stranger"))


def test_a_weak_key_is_refused(pki):
    with Server(pki) as s:
        assert "hello" not in s_client(s.port, *own(pki, "weak"), "-cipher", "DEFAULT@SECLEVEL=0")
        assert s.line().startswith("refused")


@pytest.mark.parametrize("options", [
    ("-tls1_1", "-cipher", "ALL@SECLEVEL=0"), ("-tls1", "-cipher", "ALL@SECLEVEL=0"),
    ("-tls1_2", "-cipher", "AES128-SHA"), ("-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA256"),
    ("-tls1_2", "-cipher", "DHE-RSA-AES128-GCM-SHA256"), ("-tls1_2", "-cipher", "AES256-GCM-SHA384"),
    ("-tls1_2", "-curves", "P-224")])
def test_what_the_profile_forbids_is_refused(pki, options):
    with Server(pki) as s:
        assert "hello" not in s_client(s.port, *options, *own(pki, "client"))
        assert s.line().startswith("refused")


@pytest.mark.parametrize("cipher", ["ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-ECDSA-CHACHA20-POLY1305"])
def test_what_the_profile_asks_for_is_served(pki, cipher):
    with Server(pki) as s:
        assert "hello" in s_client(s.port, "-tls1_2", "-cipher", cipher, *own(pki, "client"))


def test_renegotiation_is_refused(pki):
    """In OpenSSL's client a line of just R asks for it."""
    with Server(pki) as s:
        p = subprocess.Popen(["openssl", "s_client", "-connect", f"127.0.0.1:{s.port}", "-tls1_2", *own(pki, "client")],
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        assert s.line().startswith("accepted")
        time.sleep(0.2)
        p.stdin.write("R\n")
        p.stdin.flush()
        time.sleep(0.3)
        try:
            p.stdin.write("after\n")
            p.stdin.flush()
        except BrokenPipeError:
            pass
        out, _ = p.communicate(timeout=15)
        assert "RENEGOTIATING" in out and "after" not in out


def test_no_session_is_resumed_past_a_revoked_registration(pki):
    """Tickets are not given, so that every connection shows its certificate."""
    session = pki("session")
    with Server(pki) as s:
        out = sh("sh", "-c", f"(echo hello; sleep 0.5) | openssl s_client -connect 127.0.0.1:{s.port} -sess_out {session} "
                 f"-cert {pki('client.crt')} -key {pki('client.key')} 2>&1").stdout
        assert s.line().startswith("accepted")
        assert "Post-Handshake New Session Ticket" not in out and "TLS session ticket:" not in out


@pytest.mark.parametrize("version", ["NORMAL:-VERS-ALL:+VERS-TLS1.2", "NORMAL:-VERS-ALL:+VERS-TLS1.3"])
def test_gnutls_client_is_served(pki, version):
    with Server(pki) as s:
        p = subprocess.run(["gnutls-cli", "--priority", version, "--x509cafile", pki("ca.crt"), "--x509certfile", pki("client.crt"),
                            "--x509keyfile", pki("client.key"), "-p", str(s.port), "localhost"], input="quit\n",
                           capture_output=True, text=True, timeout=20)
        assert "quit" in p.stdout and "Handshake was completed" in p.stdout
        assert s.line().startswith("accepted")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Foreign:
    """Somebody else's server; waits until it listens."""

    def __init__(self, args, port):
        self.port = port
        self.p = subprocess.Popen(args, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(100):
            with socket.socket() as s:
                if s.connect_ex(("127.0.0.1", port)) == 0:
                    return
            time.sleep(0.05)
        raise AssertionError("it does not listen")

    def __enter__(self):
        return self

    def __exit__(self, *a):
        self.p.kill()
        self.p.wait()
        self.p.stdin.close()


def openssl_server(pki, cert, *options):
    port = free_port()
    return Foreign(["openssl", "s_server", "-accept", f"127.0.0.1:{port}", *own(pki, cert), "-CAfile", pki("ca.crt"), "-Verify", "2",
                    "-verify_return_error", "-rev", *options], port)


def gnutls_server(pki, cert):
    port = free_port()
    return Foreign(["gnutls-serv", "--echo", "--port", str(port), "--x509certfile", pki(cert + ".crt"), "--x509keyfile",
                    pki(cert + ".key"), "--x509cafile", pki("ca.crt"), "--require-client-cert", "--verify-client-cert"], port)


def talk(pki, port, trust="ca", pin="-", client="client", host="127.0.0.1"):
    args = [PEER, "talk", host, str(port), pki(trust + ".crt") if trust else "-", pin]
    if client:
        args += [pki(client + ".crt"), pki(client + ".key")]
    return subprocess.run(args, capture_output=True, text=True, timeout=30).stdout


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
@pytest.mark.parametrize("cert", ["server", "server-rsa"])
def test_our_client_talks_to_openssl(pki, version, cert):
    with openssl_server(pki, cert, version) as s:
        for host in ("127.0.0.1", "localhost"):
            out = talk(pki, s.port, host=host)
            assert "got gnip" in out and "server " + fingerprint(pki(cert + ".crt")) in out


def test_our_client_talks_to_gnutls(pki):
    with gnutls_server(pki, "server") as s:
        assert "got ping" in talk(pki, s.port)


def test_our_client_refuses_a_server_that_it_cannot_prove(pki):
    with openssl_server(pki, "stranger") as s:
        assert "failed not permitted" in talk(pki, s.port)
        assert "got gnip" in talk(pki, s.port, trust=None, pin=fingerprint(pki("stranger.crt")))
        assert "failed not permitted" in talk(pki, s.port, trust=None, pin=fingerprint(pki("server.crt")))


@pytest.mark.parametrize("options", [("-tls1_1", "-cipher", "ALL@SECLEVEL=0"), ("-tls1_2", "-cipher", "AES128-SHA@SECLEVEL=0")])
def test_our_client_refuses_what_the_profile_forbids(pki, options):
    with openssl_server(pki, "server-rsa", *options) as s:
        assert re.match("failed (rejected by the other side|closed by the other side|the other side broke)", talk(pki, s.port))


def test_our_client_is_refused_without_a_certificate(pki):
    with openssl_server(pki, "server") as s:
        assert "got" not in talk(pki, s.port, client=None)
