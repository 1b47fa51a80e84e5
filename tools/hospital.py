#!/usr/bin/env python3
"""A small hospital on loopback addresses, for trying the survey on and for its tests.

Each system is a row of SYSTEMS: where it stands, what it speaks, and the truth about it (type, vendor, product, version,
toolkit), which the tests hold the survey's answer against. What a system says on the wire is what programs of that name
say: association answers with their implementation class UID and version name, their pages, their certificates.
Nothing listens beyond 127.0.0.0/8.

usage: hospital.py [--base 127.77] [--cert PEM --key PEM] [--scope FILE] [--hosts FILE] [--policy FILE] [--pcap FILE] [--list]
Serves until it is killed; prints `ready` once all ports listen. The FILE options write what goes with it, then go on."""

import argparse
import asyncio
import json
import ssl
import struct
import sys

VERIFICATION = "1.2.840.10008.1.1"
FIND, MOVE, GET = ("1.2.840.10008.5.1.4.1.2.2." + n for n in "123")
WORKLIST = "1.2.840.10008.5.1.4.31"
PRINT = "1.2.840.10008.5.1.1.9"
CT, SC = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.7"
IMPLICIT = "1.2.840.10008.1.2"
ARCHIVE = (VERIFICATION, FIND, MOVE, GET, CT, SC)


def item(kind, body):
    return struct.pack(">BBH", kind, 0, len(body)) + body


def ui_pad(uid):
    raw = uid.encode()
    return raw + b"\0" * (len(raw) % 2)


def element(tag, raw):
    return struct.pack("<HHI", tag >> 16, tag & 0xFFFF, len(raw)) + raw


def command(fields):
    """A command set, implicit little endian, with its group length (PS3.7 6.3.1)."""
    body = b"".join(element(tag, raw) for tag, raw in sorted(fields.items()))
    return element(0x00000000, struct.pack("<I", len(body))) + body


def p_data(context, is_command, body):
    flags = (1 if is_command else 0) | 2
    pdv = struct.pack(">IBB", len(body) + 2, context, flags) + body
    return struct.pack(">BBI", 4, 0, len(pdv)) + pdv


class Dicom:
    """An association acceptor: implementation, what it lets in, what it serves."""

    def __init__(self, class_uid, version, serves=ARCHIVE, calling=None, called=None, studies=0, images=0, max_pdu=16384):
        self.class_uid, self.version, self.serves = class_uid, version, serves
        self.calling, self.called, self.studies, self.images, self.max_pdu = calling, called, studies, images, max_pdu

    def refusal(self, calling, called):
        if self.called and called not in self.called:
            return (1, 1, 7)
        if self.calling and calling not in self.calling:
            return (1, 1, 3)
        return None

    def answer(self, head, contexts):
        body = head + item(0x10, b"1.2.840.10008.3.1.1.1")
        for cid, abstract, syntaxes in contexts:
            ok = abstract in self.serves
            chosen = (IMPLICIT if IMPLICIT in syntaxes else syntaxes[0]) if syntaxes else IMPLICIT
            body += item(0x21, struct.pack("BBBB", cid, 0, 0 if ok else 3, 0) + item(0x40, chosen.encode()))
        user = item(0x51, struct.pack(">I", self.max_pdu)) + item(0x52, self.class_uid.encode())
        if self.version:
            user += item(0x55, self.version.encode())
        body += item(0x50, user)
        return struct.pack(">BBI", 2, 0, len(body)) + body

    def find_answers(self, context, message_id, fields):
        per, more = divmod(self.images, self.studies) if self.studies else (0, 0)
        for i in range(self.studies):
            n = str(per + (1 if i < more else 0)).encode()
            data = element(0x00080052, b"STUDY ") + element(0x0020000D, ui_pad(f"1.2.3.{i + 1}"))
            data += element(0x00201208, n + b" " * (len(n) % 2))
            yield p_data(context, True, command({
                0x00000002: fields[0x00000002], 0x00000100: struct.pack("<H", 0x8020),
                0x00000120: message_id, 0x00000800: struct.pack("<H", 1), 0x00000900: struct.pack("<H", 0xFF00)}))
            yield p_data(context, False, data)
        yield p_data(context, True, command({
            0x00000002: fields[0x00000002], 0x00000100: struct.pack("<H", 0x8020),
            0x00000120: message_id, 0x00000800: struct.pack("<H", 0x0101), 0x00000900: struct.pack("<H", 0)}))

    async def serve(self, reader, writer):
        head = await reader.readexactly(6)
        kind, length = head[0], struct.unpack(">I", head[2:])[0]
        if kind != 1 or length > 1 << 20:
            writer.write(bytes([7, 0, 0, 0, 0, 4, 0, 0, 2, 1 if kind > 7 else 2]))
            return
        rq = await reader.readexactly(length)
        called, calling = rq[4:20].decode("latin-1").strip(), rq[20:36].decode("latin-1").strip()
        no = self.refusal(calling, called)
        if no:
            writer.write(struct.pack(">BBIBBBB", 3, 0, 4, 0, *no))
            return
        writer.write(self.answer(rq[:68], list(self.contexts(rq[68:]))))
        await writer.drain()
        await self.operate(reader, writer)

    @staticmethod
    def contexts(items):
        at = 0
        while at + 4 <= len(items):
            kind, _, n = struct.unpack(">BBH", items[at:at + 4])
            body = items[at + 4:at + 4 + n]
            at += 4 + n
            if kind != 0x20:
                continue
            abstract, syntaxes, sub = "", [], 4
            while sub + 4 <= len(body):
                k, _, m = struct.unpack(">BBH", body[sub:sub + 4])
                text = body[sub + 4:sub + 4 + m].rstrip(b"\0").decode("latin-1")
                sub += 4 + m
                if k == 0x30:
                    abstract = text
                elif k == 0x40:
                    syntaxes.append(text)
            yield body[0], abstract, syntaxes

    async def operate(self, reader, writer):
        while True:
            head = await reader.readexactly(6)
            body = await reader.readexactly(struct.unpack(">I", head[2:])[0])
            if head[0] == 5:
                writer.write(struct.pack(">BBII", 6, 0, 4, 0))
                return
            if head[0] == 7:
                return
            if head[0] != 4 or not body[5] & 1:
                continue
            fields, at, raw = {}, 0, body[6:]
            while at + 8 <= len(raw):
                group, elem, n = struct.unpack("<HHI", raw[at:at + 8])
                fields[group << 16 | elem] = raw[at + 8:at + 8 + n]
                at += 8 + n
            what = struct.unpack("<H", fields[0x00000100])[0]
            if what == 0x0020:
                for pdu in self.find_answers(body[4], fields[0x00000110], fields):
                    writer.write(pdu)
                    await writer.drain()
            elif what == 0x0030:
                writer.write(p_data(body[4], True, command({
                    0x00000002: fields[0x00000002], 0x00000100: struct.pack("<H", 0x8030),
                    0x00000120: fields[0x00000110], 0x00000800: struct.pack("<H", 0x0101),
                    0x00000900: struct.pack("<H", 0)})))
            await writer.drain()


class Http:
    """Pages by path: (status, headers, body). Anything else is `otherwise`."""

    def __init__(self, pages, server=None, otherwise=(404, {}, b"not found")):
        self.pages, self.server, self.otherwise = pages, server, otherwise

    async def serve(self, reader, writer):
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            path = head.split(b" ", 2)[1].decode("latin-1")
            status, headers, body = self.pages.get(path, self.otherwise)
            if isinstance(body, str):
                body = body.encode()
            lines = [f"HTTP/1.1 {status} Whatever"] + ([f"Server: {self.server}"] if self.server else [])
            lines += [f"{k}: {v}" for k, v in headers.items()] + [f"Content-Length: {len(body)}", "", ""]
            writer.write("\r\n".join(lines).encode() + body)
            await writer.drain()
            if b"connection: close" in head.lower():
                return


class Banner:
    """Says something first, then nothing."""

    def __init__(self, text):
        self.text = text

    async def serve(self, reader, writer):
        writer.write(self.text)
        await writer.drain()
        await reader.read(1)


class Hl7:
    """Answers MLLP messages with an acknowledgement; says nothing by itself."""

    def __init__(self, app, facility, text=""):
        self.app, self.facility, self.text = app, facility, text

    async def serve(self, reader, writer):
        while True:
            message = await reader.readuntil(b"\x1c\r")
            fields = message.lstrip(b"\x0b").split(b"\r")[0].split(b"|")
            control = fields[9] if len(fields) > 9 else b""
            sender = fields[2] if len(fields) > 2 else b""
            ack = b"\x0bMSH|^~\\&|%s|%s|%s||20260101120000||ACK|1|P|2.5\rMSA|AA|%s|%s\r\x1c\r" % (
                self.app.encode(), self.facility.encode(), sender, control, self.text.encode())
            writer.write(ack)
            await writer.drain()


class Silent:
    async def serve(self, reader, writer):
        await reader.read()


def page(title, body="", status=200, **headers):
    return (status, {"Content-Type": "text/html; charset=utf-8", **headers},
            f"<!DOCTYPE html><html><head><title>{title}</title></head><body>{body}</body></html>")


def as_json(value, status=200, **headers):
    return (status, {"Content-Type": "application/json", **headers}, json.dumps(value))


LOGIN = '<form method="post"><input name="user"><input type="password" name="pass"></form>'


def orthanc(version, dcmtk, signin=False):
    """Orthanc announces its DCMTK and shows its version at /system."""
    code = dcmtk.replace(".", "")
    dicom = Dicom(f"1.2.276.0.7230010.3.0.{dcmtk}", f"OFFIS_DCMTK_{code}", studies=40, images=5200)
    no = (401, {"WWW-Authenticate": 'Basic realm="Orthanc Secure Area"'}, b"")
    if signin:
        return dicom, Http({}, otherwise=no)
    return dicom, Http({
        "/": (301, {"Location": "app/explorer.html"}, b""),
        "/app/explorer.html": page("Orthanc Explorer"),
        "/system": as_json({"ApiVersion": 24, "DicomAet": "ORTHANC", "DicomPort": 4242, "Name": "Archive",
                            "Version": version, "PluginsEnabled": True})})


def fhir_server(name, version):
    return as_json({"resourceType": "CapabilityStatement", "status": "active", "fhirVersion": "4.0.1",
                    "software": {"name": name, "version": version}, "format": ["json"],
                    "rest": [{"mode": "server", "resource": []}]})


class Truth:
    """What is true of a system; an empty text is `nobody can tell from outside`."""

    def __init__(self, kind, vendor="", product="", version="", toolkit=""):
        self.kind, self.vendor, self.product, self.version, self.toolkit = kind, vendor, product, version, toolkit


def systems():
    """(name, zone, host part, {port: (speaker, tls)}, truth)."""
    arc, arc_web = Dicom("1.2.40.0.13.1.3", "dcm4che-5.29.2", studies=1200, images=310000), Http(
        {"/": page("dcm4chee-arc-ui"), "/dcm4chee-arc/ui2/": page("dcm4chee-arc-ui")}, server="WildFly")
    o1, o1_web = orthanc("1.12.1", "3.6.7")
    o2, o2_web = orthanc("1.9.7", "3.6.6", signin=True)
    rows = [
        ("pacs-research", "pacs", "10.5", {4242: (o1, False), 8042: (o1_web, False)},
         Truth("pacs", "Orthanc", "Orthanc", "1.12.1", "DCMTK")),
        ("pacs-old", "pacs", "10.6", {4242: (o2, False), 8042: (o2_web, False)},
         Truth("pacs", "Orthanc", "Orthanc", "", "DCMTK")),
        ("vna", "pacs", "10.7", {11112: (arc, False), 8080: (arc_web, False)},
         Truth("pacs", "dcm4che.org", "dcm4chee-arc", "", "dcm4che")),
        ("pacs-main", "pacs", "10.8", {104: (Dicom("1.2.840.113845.1.1", "Syn5,7,200,0", called={"SYNAPSE"}), False)},
         Truth("unknown_dicom")),
        ("pacs-synapse-open", "pacs", "10.9", {104: (Dicom("1.2.840.113845.1.1", "Syn5,7,200,0", studies=3, images=900), False)},
         Truth("pacs", "Fujifilm", "Synapse", "5.7.200.0")),
        ("conquest", "pacs", "10.10", {5678: (Dicom("1.2.826.0.1.3680043.2.135.1066.101", "1.5.0/WIN32"), False)},
         Truth("pacs", "Conquest", "Conquest", "1.5.0")),
        ("horos", "radiology", "1.20", {11112: (Dicom("1.2.276.0.7238010.5.0.3.5.4", "OSIRIX"), False)},
         Truth("pacs", "OsiriX/Horos", "OsiriX")),
        ("storescp", "radiology", "1.21", {11112: (Dicom("1.2.276.0.7230010.3.0.3.6.6", "OFFIS_DCMTK_366", serves=(VERIFICATION, CT, SC)), False)},
         Truth("dicom_toolkit", "", "", "", "DCMTK")),
        ("script", "radiology", "1.22", {11112: (Dicom("1.2.826.0.1.3680043.9.3811.2.0.2", "PYNETDICOM_202", serves=(VERIFICATION,)), False)},
         Truth("dicom_toolkit", "", "", "", "pynetdicom")),
        ("ct-1", "radiology", "1.30", {104: (Dicom("1.3.12.2.1107.5.9.20000101", "SIEMENS_SWFVB10A", serves=(VERIFICATION,)), False)},
         Truth("", "Siemens")),
        ("mr-1", "radiology", "1.31", {104: (Dicom("1.2.840.113619.6.260", "GE_MR_27", serves=(VERIFICATION,)), False)},
         Truth("", "GE")),
        ("us-1", "radiology", "1.32", {104: (Dicom("1.3.46.670589.50.1.8.0", "Philips_US", serves=(VERIFICATION,)), False)},
         Truth("", "Philips")),
        ("printer-1", "radiology", "1.40", {104: (Dicom("1.2.840.999999.1.1", "FILM_1", serves=(VERIFICATION, PRINT)), False)},
         Truth("printer")),
        ("worklist", "ris", "20.5", {11112: (Dicom("1.2.276.0.7230010.3.0.3.6.7", "OFFIS_DCMTK_367", serves=(VERIFICATION, WORKLIST)), False)},
         Truth("worklist", "", "", "", "DCMTK")),
        ("engine", "ris", "20.6", {8443: (Http({"/": page("Mirth Connect Administrator"),
                                                  "/api/server/version": (200, {"Content-Type": "text/plain"}, "4.4.0")}), True),
                                    6661: (Hl7("MIRTH", "HOSP"), False)},
         Truth("integration_engine", "NextGen", "Mirth", "4.4.0")),
        ("emr", "office", "30.5", {80: (Http({"/": (302, {"Location": "interface/login/login.php?site=default"}, b"")}, server="Apache/2.4.57 (Debian)"), False)},
         Truth("emr", "OpenEMR", "OpenEMR")),
        ("fhir", "office", "30.6", {8080: (Http({"/": page("Local Tester", "This is a HAPI FHIR server"), "/fhir/metadata": fhir_server("HAPI FHIR Server", "6.8.0"),
                                                   "/metadata": fhir_server("HAPI FHIR Server", "6.8.0")}), False)},
         Truth("fhir", "HAPI", "HAPI FHIR", "6.8.0")),
        ("viewer", "office", "30.7", {443: (Http({"/": page("OHIF Viewer", '<script src="/app-config.js"></script>')}), True)},
         Truth("viewer", "OHIF", "OHIF")),
        ("secure-pacs", "pacs", "10.20", {2762: (Dicom("1.2.40.0.13.1.3", "dcm4che-5.31.0", called={"ARCHIVE"}), True)},
         Truth("unknown_dicom")),
        ("pot-1", "wards", "40.66", {104: (Dicom("1.2.826.0.1.3680043.9.7133.1.1", "GODICOM_1_1"), False),
                                      11112: (Dicom("1.2.826.0.1.3680043.9.7133.1.1", "GODICOM_1_1"), False)},
         Truth("honeypot")),
        # Decoys: medical port numbers, nothing medical behind them; and ports that say nothing.
        ("ssh-on-104", "wards", "40.10", {104: (Banner(b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"), False)}, Truth("none")),
        ("web-on-11112", "wards", "40.11", {11112: (Http({"/": page("It works!")}, server="nginx"), False)}, Truth("none")),
        ("smtp-on-2575", "wards", "40.12", {2575: (Banner(b"220 mail ESMTP\r\n"), False)}, Truth("none")),
        ("silent-on-4242", "wards", "40.13", {4242: (Silent(), False)}, Truth("none")),
        ("web-on-8080", "wards", "40.14", {8080: (Http({"/": page("Router administration", LOGIN)}, server="lighttpd"), False)}, Truth("none")),
        ("tls-on-2762", "wards", "40.15", {2762: (Http({"/": page("intranet")}), True)}, Truth("none")),
        ("mllp-quiet", "ris", "20.9", {2575: (Hl7("LAB", "HOSP"), False)}, Truth("none")),
        ("html-banner", "wards", "40.16", {104: (Banner(b"<script>alert(1)</script>\x1b]0;owned\x07\x1b[2J\r\n"), False)}, Truth("none")),
    ]
    return rows


ZONES = {"radiology": "1.0/24", "pacs": "10.0/24", "ris": "20.0/24", "office": "30.0/24", "wards": "40.0/24"}
PORTS = ("104, 4242, 5678, 11112, 2762/tls, 80/http, 8042/http, 8080/http, 443/https, 8443/https, 2575/mllp, 6661/mllp")


def write_scope(path, base):
    with open(path, "w", encoding="utf-8") as out:
        out.write("# A simulated hospital on this machine's loopback addresses.\n"
                  "owner = San Luca Hospital (simulated)\npermission = the person at this keyboard\n"
                  "permitted-until = 2099-12-31\n")
        for zone in ZONES.values():
            out.write(f"network = {base}.{zone}\n")
        out.write(f"ports = {PORTS}\nrate = 5\nsurface = yes\ncount = yes\n")


def write_hosts(path, base):
    with open(path, "w", encoding="utf-8") as out:
        out.write("address,name,zone,site,owner\n")
        for name, zone, host, _, _ in systems():
            out.write(f"{base}.{host},{name},{zone},San Luca,{'clinical engineering' if zone == 'radiology' else 'IT'}\n")


def write_policy(path, base):
    with open(path, "w", encoding="utf-8") as out:
        for zone, net in ZONES.items():
            out.write(f"zone {zone} = {base}.{net}\n")
        out.write("allow radiology -> pacs : dicom, dicom-tls\nallow radiology -> ris : dicom\nallow ris -> pacs : dicom, dicom-tls\n"
                  "allow office -> pacs : https\nallow office -> office : any\nallow ris -> ris : hl7, https\n")


# ---- a capture of an ordinary day ----

class Capture:
    """Writes a pcap of TCP conversations between addresses that need not exist."""

    def __init__(self, out):
        self.out, self.clock, self.port = out, 1760000000.0, 40000
        out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1))

    @staticmethod
    def mac(ip):
        return bytes([2, 0]) + bytes(int(x) for x in ip.split("."))

    def frame(self, src, dst, sport, dport, seq, ack, flags, data=b""):
        tcp = struct.pack(">HHIIBBHHH", sport, dport, seq & 0xFFFFFFFF, ack & 0xFFFFFFFF, 0x50, flags, 65535, 0, 0) + data
        ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(tcp), 0, 0x4000, 64, 6, 0,
                         bytes(int(x) for x in src.split(".")), bytes(int(x) for x in dst.split(".")))
        raw = self.mac(dst) + self.mac(src) + b"\x08\x00" + ip + tcp
        self.clock += 0.001
        self.out.write(struct.pack("<IIII", int(self.clock), int(self.clock % 1 * 1e6), len(raw), len(raw)) + raw)

    def talk(self, client, server, dport, turns):
        """turns: [(from_client, bytes)]."""
        self.port += 1
        c, s = 1000, 9000
        self.frame(client, server, self.port, dport, c, 0, 2)
        self.frame(server, client, dport, self.port, s, c + 1, 18)
        c, s = c + 1, s + 1
        for from_client, data in turns:
            for at in range(0, len(data), 1448):
                part = data[at:at + 1448]
                if from_client:
                    self.frame(client, server, self.port, dport, c, s, 24, part)
                    c += len(part)
                else:
                    self.frame(server, client, dport, self.port, s, c, 24, part)
                    s += len(part)
        self.frame(client, server, self.port, dport, c, s, 17)
        self.frame(server, client, dport, self.port, s, c + 1, 17)


def associate_rq(calling, called, class_uid, version, contexts):
    body = struct.pack(">HH16s16s32x", 1, 0, called.ljust(16).encode(), calling.ljust(16).encode())
    body += item(0x10, b"1.2.840.10008.3.1.1.1")
    for cid, abstract in contexts:
        body += item(0x20, struct.pack("BBBB", cid, 0, 0, 0) + item(0x30, abstract.encode()) + item(0x40, IMPLICIT.encode()))
    body += item(0x50, item(0x51, struct.pack(">I", 16384)) + item(0x52, class_uid.encode()) + item(0x55, version.encode()))
    return struct.pack(">BBI", 1, 0, len(body)) + body


def text_element(tag, text):
    raw = text.encode()
    return element(tag, raw + b" " * (len(raw) % 2))


def ct_object(patient, number):
    return (element(0x00080016, ui_pad(CT)) + element(0x00080018, ui_pad(f"1.2.3.4.{number}")) +
            text_element(0x00080020, "20260105") + text_element(0x00080080, "San Luca") + text_element(0x00081030, "CT head") +
            text_element(0x00100010, patient) + text_element(0x00100020, f"P{number}") + text_element(0x00100030, "19500101") +
            element(0x0020000D, ui_pad("1.2.3.4")) + element(0x7FE00010, b"\0" * 4096))


def store_turns(calling, called, implementation, acceptor, patients):
    rq = associate_rq(calling, called, *implementation, [(1, CT)])
    turns = [(True, rq), (False, acceptor.answer(rq[6:74], [(1, CT, [IMPLICIT])]))]
    for i, patient in enumerate(patients):
        turns.append((True, p_data(1, True, command({
            0x00000002: ui_pad(CT), 0x00000100: struct.pack("<H", 1), 0x00000110: struct.pack("<H", i + 1),
            0x00000700: struct.pack("<H", 0), 0x00000800: struct.pack("<H", 0), 0x00001000: ui_pad(f"1.2.3.4.{i}")}))
            + p_data(1, False, ct_object(patient, i))))
        turns.append((False, p_data(1, True, command({
            0x00000002: ui_pad(CT), 0x00000100: struct.pack("<H", 0x8001), 0x00000120: struct.pack("<H", i + 1),
            0x00000800: struct.pack("<H", 0x0101), 0x00000900: struct.pack("<H", 0), 0x00001000: ui_pad(f"1.2.3.4.{i}")}))))
    turns += [(True, struct.pack(">BBII", 5, 0, 4, 0)), (False, struct.pack(">BBII", 6, 0, 4, 0))]
    return turns


def write_pcap(path, base, canary="CANARY^NOBODY"):
    """A day's traffic: a CT stores, an admission goes to the laboratory in clear, an office machine reaches the archive."""
    by_name = {name: (f"{base}.{host}", ports) for name, _, host, ports, _ in systems()}
    with open(path, "wb") as out:
        cap = Capture(out)
        vna, vna_ports = by_name["vna"]
        ct = by_name["ct-1"][0]
        siemens = ("1.3.12.2.1107.5.9.20000101", "SIEMENS_SWFVB10A")
        cap.talk(ct, vna, 11112, store_turns("CT1", "DCM4CHEE", siemens, vna_ports[11112][0], [canary] * 5))
        cap.talk(f"{base}.30.99", vna, 11112, store_turns("OFFICE", "DCM4CHEE", ("1.2.276.0.7230010.3.0.3.6.6", "OFFIS_DCMTK_366"),
                                                          vna_ports[11112][0], [canary]))
        adt = (f"\x0bMSH|^~\\&|ADT|HOSP|LAB|HOSP|202601051200||ADT^A01|M1|P|2.5\rPID|1||P1^^^HOSP||{canary}||19500101|F|||"
               "Via Roma 1^^Lucca\rPV1|1|I|W^101\r\x1c\r").encode()
        ack = b"\x0bMSH|^~\\&|LAB|HOSP|ADT|HOSP|202601051200||ACK^A01|A1|P|2.5\rMSA|AA|M1\r\x1c\r"
        cap.talk(by_name["engine"][0], by_name["mllp-quiet"][0], 2575, [(True, adt), (False, ack)] * 3)


# ---- serving ----

def handler(speaker):
    async def handle(reader, writer):
        try:
            await asyncio.wait_for(speaker.serve(reader, writer), 60)
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, asyncio.TimeoutError, ConnectionError, ssl.SSLError, OSError):
            pass
        finally:
            try:
                writer.close()
            except OSError:
                pass
    return handle


async def listen(base, cert, key):
    context = None
    if cert:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert, key)
    servers = []
    for _, _, host, ports, _ in systems():
        for port, (speaker, tls) in ports.items():
            if tls and not context:
                continue
            servers.append(await asyncio.start_server(handler(speaker), f"{base}.{host}", port, ssl=context if tls else None,
                                                      backlog=128))
    return servers


async def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--base", default="127.77")
    for name in ("cert", "key", "scope", "hosts", "policy", "pcap"):
        p.add_argument("--" + name)
    p.add_argument("--list", action="store_true")
    a = p.parse_args()
    if not a.base.startswith("127."):
        sys.exit("hospital.py stays on loopback: --base 127.N")
    for path, write in ((a.scope, write_scope), (a.hosts, write_hosts), (a.policy, write_policy), (a.pcap, write_pcap)):
        if path:
            write(path, a.base)
    if a.list:
        for name, zone, host, ports, truth in systems():
            print(f"{a.base}.{host}", name, zone, ",".join(map(str, ports)), truth.kind, truth.product, sep="\t")
        return
    servers = await listen(a.base, a.cert, a.key)
    print("ready", flush=True)
    await asyncio.gather(*(s.serve_forever() for s in servers))


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        pass
