"""The probe before real servers: what DCMTK, Orthanc, GnuTLS, OpenSSL and web servers are told by, and what they see of it."""

import http.server
import json
import os
import re
import ssl
import subprocess
import threading

import pytest

from conftest import free_port
from survey_site import Site, certificate, program, worker_base

DCMTK_ECHO = "1.2.840.10008.1.1"


def facts(site, address, port):
    """{kind: [values]} of an endpoint."""
    found = {}
    here = False
    for line in site.survey("evidence", address).stdout.splitlines():
        if not line.startswith(" "):
            here = line.strip().endswith(f"port {port}")
        elif here:
            kind, value = line.split(None, 1)
            found.setdefault(kind, []).append(re.sub(r"  \([a-z ]+\)$", "", value))
    return found


def probe(tmp_path, ports, *arguments, **more):
    site = Site(tmp_path)
    site.survey("probe", "--scope", site.scope(["127.0.0.1"], ports, **more), "--unlimited", *arguments)
    return site


def test_storescp_takes_anybody_and_says_its_version(tmp_path):
    port = free_port()
    (tmp_path / "in").mkdir()
    with program(["storescp", port, "-od", tmp_path / "in"], "127.0.0.1", port):
        found = facts(probe(tmp_path, port, "--surface", surface="yes"), "127.0.0.1", port)
    assert found["dicom_answer"] == ["accepted"]
    assert found["dicom_any_calling"] == ["yes"] and found["dicom_any_called"] == ["yes"]
    assert found["dicom_class_uid"][0].startswith("1.2.276.0.7230010.3.0.3.")
    assert found["dicom_version_name"][0].startswith("OFFIS_DCMTK_")
    assert set(found["dicom_service"]) == {"verification", "store", "-query", "-retrieve", "-print", "-worklist"}
    assert found["transport"] == ["clear"]
    assert os.listdir(tmp_path / "in") == []


def test_a_server_that_wants_its_own_name_is_told_from_one_that_takes_any(tmp_path):
    port = free_port()
    (tmp_path / "qr").mkdir()
    (tmp_path / "cfg").write_text(
        f"NetworkTCPPort = {port}\nMaxPDUSize = 16384\nMaxAssociations = 16\nHostTable BEGIN\nHostTable END\nVendorTable BEGIN\n"
        f"VendorTable END\nAETable BEGIN\nQR {tmp_path}/qr RW (10, 100mb) ANY\nAETable END\n")
    with program(["dcmqrscp", "-c", tmp_path / "cfg"], "127.0.0.1", port):
        found = facts(probe(tmp_path, port), "127.0.0.1", port)
        assert found["dicom_answer"] == ["rejected 1/1/7"] and found["dicom_any_called"] == ["no"]
        assert "dicom_any_calling" not in found
        site = Site(tmp_path / "named")
        os.makedirs(site.folder)
        scope = site.scope(["127.0.0.1"], port, surface="yes", count="yes")
        site.survey("probe", "--scope", scope, "--unlimited", "--called", "QR", "--surface", "--count")
        found = facts(site, "127.0.0.1", port)
        assert found["dicom_answer"] == ["accepted"] and "query" in found["dicom_service"]
        assert "dicom_any_called" not in found, "QR is its own name"
        assert found["dicom_studies"] == ["0"]


def test_orthanc_is_counted_and_its_pages_say_what_it_is(tmp_path):
    dicom, web = free_port(), free_port()
    config = {"Name": "x", "StorageDirectory": str(tmp_path / "o"), "IndexDirectory": str(tmp_path / "o"), "DicomPort": dicom,
              "HttpPort": web, "RemoteAccessAllowed": True, "AuthenticationEnabled": False, "DicomAlwaysAllowFind": True,
              "DicomAlwaysAllowEcho": True, "DicomAlwaysAllowStore": True}
    (tmp_path / "orthanc.json").write_text(json.dumps(config))
    with program(["Orthanc", tmp_path / "orthanc.json"], "127.0.0.1", web):
        files = "/usr/lib/python3/dist-packages/pydicom/data/test_files"
        for name in ("CT_small.dcm", "MR_small.dcm"):
            subprocess.run(["storescu", "127.0.0.1", str(dicom), os.path.join(files, name)], check=True, capture_output=True)
        site = probe(tmp_path, f"{dicom}, {web}/http", "--surface", "--count", surface="yes", count="yes")
        found = facts(site, "127.0.0.1", dicom)
        assert found["dicom_studies"] == ["2"]
        assert found["dicom_images"] == ["2"]
        pages = facts(site, "127.0.0.1", web)
        assert any(v.startswith("/system Version=") for v in pages["http_json"])


def test_our_own_archive_tells_a_stranger_nothing(tmp_path, archive):
    found = facts(probe(tmp_path, archive.port), "127.0.0.1", archive.port)
    assert found["port_open"] == ["yes"]
    assert not any(kind.startswith("dicom_version") or kind == "dicom_class_uid" for kind in found)


class Tls(threading.Thread):
    """A TLS server by OpenSSL whose one answer is a web page."""

    def __init__(self, tmp_path, **settings):
        super().__init__(daemon=True)
        cert, key = certificate(str(tmp_path), **settings.pop("cert", {}))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert, key)
        if settings.get("wants_certificate"):
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(cert)
        if settings.get("obsolete"):
            context.set_ciphers("ALL:@SECLEVEL=0")
            context.minimum_version = context.maximum_version = settings["obsolete"]
        if settings.get("version"):
            context.minimum_version = context.maximum_version = settings["version"]

        class Page(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                body = b"<html><title>A viewer</title></html>"
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.port = free_port()
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), Page)
        self.server.handle_error = lambda *_: None
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.start()

    def run(self):
        self.server.serve_forever()


@pytest.mark.parametrize("version,name", [(ssl.TLSVersion.TLSv1_2, "TLS1.2"), (ssl.TLSVersion.TLSv1_3, "TLS1.3")])
def test_tls_is_read_and_the_page_behind_it(tmp_path, version, name):
    server = Tls(tmp_path, version=version)
    found = facts(probe(tmp_path, f"{server.port}/https"), "127.0.0.1", server.port)
    assert found["tls_version"] == [name] and found["transport"] == ["tls"]
    assert found["tls_subject"] == ["CN=localhost"] and found["tls_self_signed"] == ["yes"]
    assert found["http_title"] == ["A viewer"]
    assert "tls_asks_client" not in found


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
@pytest.mark.parametrize("version,name", [(ssl.TLSVersion.TLSv1, "TLS1.0"), (ssl.TLSVersion.TLSv1_1, "TLS1.1")])
def test_an_old_server_is_told_by_its_version(tmp_path, version, name):
    server = Tls(tmp_path, obsolete=version)
    found = facts(probe(tmp_path, f"{server.port}/https"), "127.0.0.1", server.port)
    assert found["tls_version"] == [name], found
    assert found["http_title"] == ["A viewer"]


def test_an_expired_certificate_is_a_fact(tmp_path):
    server = Tls(tmp_path, cert={"begun": ("2020-01-01", "2021-01-01")})
    found = facts(probe(tmp_path, f"{server.port}/https"), "127.0.0.1", server.port)
    assert found["tls_until"] == ["2021-01-01"]


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_server_that_wants_a_certificate_is_told(tmp_path, version):
    server = Tls(tmp_path, wants_certificate=True, version=version)
    found = facts(probe(tmp_path, f"{server.port}/https"), "127.0.0.1", server.port)
    assert found["tls_asks_client"] == ["yes"] and found["tls_subject"] == ["CN=localhost"]
    assert "http_status" not in found


def test_dicom_over_tls_by_dcmtk(tmp_path):
    port = free_port()
    cert, key = certificate(str(tmp_path))
    (tmp_path / "in").mkdir()
    with program(["storescp", "+tls", key, cert, "-ic", port, "-od", tmp_path / "in"], "127.0.0.1", port):
        found = facts(probe(tmp_path, f"{port}/tls"), "127.0.0.1", port)
    assert found["transport"] == ["tls"] and found["dicom_answer"] == ["accepted"], found
    assert found["dicom_version_name"][0].startswith("OFFIS_DCMTK_")


def test_a_tls_port_taken_for_a_clear_one_and_the_other_way_round(tmp_path):
    server, port = Tls(tmp_path), free_port()
    (tmp_path / "in").mkdir()
    with program(["storescp", port, "-od", tmp_path / "in"], "127.0.0.1", port):
        site = probe(tmp_path, f"{server.port}, {port}/tls")
    assert facts(site, "127.0.0.1", port)["tls_failed"]
    found = facts(site, "127.0.0.1", server.port)
    assert found["dicom_answer"][0] in ("other", "silent", "aborted") and "dicom_any_calling" not in found


@pytest.mark.skipif(os.geteuid() != 0, reason="capturing needs root")
def test_few_packets_go_to_a_real_server(tmp_path):
    """Counted on the wire, by tshark: to DCMTK with --surface, to TLS, to a port that is closed."""
    base = worker_base() + ".7.1"
    port, closed = free_port(), free_port()
    (tmp_path / "in").mkdir()
    pcap = str(tmp_path / "sent.pcapng")
    with program(["storescp", port, "-od", tmp_path / "in"], base, port):
        sniffer = subprocess.Popen(["tshark", "-i", "lo", "-n", "-q", "-w", pcap, "-f", f"dst host {base}"], stdout=subprocess.DEVNULL,
                                   stderr=subprocess.PIPE, text=True)
        while "Capturing" not in sniffer.stderr.readline():
            assert sniffer.poll() is None
        subprocess.run(["sleep", "1"], check=True)
        site = Site(tmp_path)
        site.survey("probe", "--scope", site.scope([base], f"{port}, {closed}", surface="yes"), "--unlimited", "--surface")
        subprocess.run(["sleep", "1"], check=True)
        sniffer.terminate()
        sniffer.wait(30)
    out = subprocess.run(["tshark", "-n", "-r", pcap, "-T", "fields", "-e", "tcp.dstport", "-e", "tcp.len"], capture_output=True,
                         text=True, check=True).stdout
    packets = {}
    for line in out.splitlines():
        to, size = map(int, line.split("\t"))
        packets.setdefault(to, []).append(size)
    print({p: (len(s), sum(s)) for p, s in packets.items()})
    assert len(packets[closed]) == 1
    assert len(packets[port]) <= 6 and sum(packets[port]) < 1000
