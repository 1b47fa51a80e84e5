"""A small DICOM client in plain Python, independent of Lastra's own code: it speaks PS3.8 and PS3.7 byte by byte,
says exactly which objects were acknowledged, and can say anything else that a test wants said."""

import socket
import struct

APPLICATION = "1.2.840.10008.3.1.1.1"
VERIFICATION = "1.2.840.10008.1.1"
IMPLICIT_LE = "1.2.840.10008.1.2"
EXPLICIT_LE = "1.2.840.10008.1.2.1"
STUDY_ROOT_FIND = "1.2.840.10008.5.1.4.1.2.2.1"
STUDY_ROOT_GET = "1.2.840.10008.5.1.4.1.2.2.3"
CT_IMAGE = "1.2.840.10008.5.1.4.1.1.2"


class Refused(Exception):
    """A-ASSOCIATE-RJ: (result, source, reason)."""


class Aborted(Exception):
    """A-ABORT: (source, reason), or the connection closed without one."""


def item(kind, body):
    return struct.pack(">BxH", kind, len(body)) + body


def pdu(kind, body):
    return struct.pack(">BxI", kind, len(body)) + body


def associate_rq(calling, called, contexts, max_pdu=131072, roles=(), version=1, extra=b""):
    """contexts: [(id, abstract, [transfer, ...]), ...]; roles: [(class, scu, scp), ...]; extra: more user items."""
    body = struct.pack(">HH16s16s32x", version, 0, called.encode().ljust(16), calling.encode().ljust(16))
    body += item(0x10, APPLICATION.encode())
    for cid, abstract, transfers in contexts:
        syntaxes = item(0x30, abstract.encode()) + b"".join(item(0x40, t.encode()) for t in transfers)
        body += item(0x20, struct.pack(">B3x", cid) + syntaxes)
    user = item(0x51, struct.pack(">I", max_pdu)) + item(0x52, b"1.2.826.0.1.3680043.10.1474.2")
    for cls, scu, scp in roles:
        user += item(0x54, struct.pack(">H", len(cls)) + cls.encode() + bytes([scu, scp]))
    return pdu(1, body + item(0x50, user + extra))


def command_element(element, value):
    return struct.pack("<HHI", 0, element, len(value)) + value


def uid_bytes(uid):
    b = uid if isinstance(uid, bytes) else uid.encode()
    return b + b"\0" * (len(b) % 2)


def us(v):
    return struct.pack("<H", v)


def command(*elements):
    body = b"".join(command_element(e, v) for e, v in elements)
    return command_element(0, struct.pack("<I", len(body))) + body


def parse_command(data):
    fields, at = {}, 0
    while at + 8 <= len(data):
        _, element, length = struct.unpack_from("<HHI", data, at)
        fields[element] = data[at + 8:at + 8 + length]
        at += 8 + length
    return fields


def number(fields, element, default=None):
    return struct.unpack("<H", fields[element])[0] if element in fields else default


class Association:
    def __init__(self, port, calling="TEST", called="LASTRA", contexts=((1, VERIFICATION, (IMPLICIT_LE,)),),
                 roles=(), timeout=20, sock=None, extra=b""):
        self.sock = sock or socket.create_connection(("127.0.0.1", port), timeout)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock.settimeout(timeout)
        self.message_id = 0
        self.sock.sendall(associate_rq(calling, called, contexts, roles=roles, extra=extra))
        kind, body = self.read_pdu()
        if kind == 3:
            raise Refused(tuple(body[1:4]))
        assert kind == 2, kind
        self.answer = body
        self.accepted, self.max_pdu = self._contexts(body)
        self.proposed = {c[0]: c[1] for c in contexts}

    def _contexts(self, body):
        accepted, max_pdu, at = {}, 16384, 68
        while at + 4 <= len(body):
            kind, length = struct.unpack_from(">BxH", body, at)
            part = body[at + 4:at + 4 + length]
            if kind == 0x21 and part[2] == 0:
                accepted[part[0]] = part[8:].decode().rstrip("\0")
            if kind == 0x50:
                sub = 0
                while sub + 4 <= len(part):
                    k, n = struct.unpack_from(">BxH", part, sub)
                    if k == 0x51:
                        max_pdu = struct.unpack_from(">I", part, sub + 4)[0] or 1 << 20
                    sub += 4 + n
            at += 4 + length
        return accepted, min(max_pdu, 1 << 20)

    def context_for(self, abstract):
        return next(c for c, a in self.proposed.items() if a == abstract and c in self.accepted)

    def read_exactly(self, n):
        data = bytearray()
        while len(data) < n:
            piece = self.sock.recv(min(n - len(data), 1 << 18))
            if not piece:
                raise Aborted("closed")
            data += piece
        return bytes(data)

    def read_pdu(self):
        kind, length = struct.unpack(">BxI", self.read_exactly(6))
        body = self.read_exactly(length)
        if kind == 7:
            raise Aborted(tuple(body[2:4]))
        return kind, body

    def send_message(self, cid, command_set, data=None):
        out = bytearray()
        for flag, content in ((1, command_set), (0, data)):
            if content is None:
                continue
            room = self.max_pdu - 6
            for at in range(0, max(len(content), 1), room):
                piece = content[at:at + room]
                last = 2 if at + room >= len(content) else 0
                out += pdu(4, struct.pack(">IBB", len(piece) + 2, cid, flag | last) + piece)
        self.sock.sendall(out)

    def read_message(self):
        """(context id, command fields, data set bytes or None)."""
        parts, cid, fields = [bytearray(), bytearray()], None, None
        while True:
            kind, body = self.read_pdu()
            if kind == 5:
                self.sock.sendall(pdu(6, b"\0" * 4))
                raise Aborted("released")
            assert kind == 4, kind
            at = 0
            while at < len(body):
                length, cid, flags = struct.unpack_from(">IBB", body, at)
                parts[0 if flags & 1 else 1] += body[at + 6:at + 4 + length]
                at += 4 + length
                if flags & 2 and flags & 1:
                    fields = parse_command(bytes(parts[0]))
                    if number(fields, 0x800) == 0x101:
                        return cid, fields, None
                elif flags & 2:
                    return cid, fields, bytes(parts[1])

    def next_id(self):
        self.message_id = self.message_id % 65535 + 1
        return self.message_id

    def request(self, cid, field, sop_class, data=None, *more):
        mid = self.next_id()
        elements = [(2, uid_bytes(sop_class)), (0x100, us(field)), (0x110, us(mid))]
        elements += [(0x700, us(0))] if field != 0x30 else []
        elements += [(0x800, us(0x101 if data is None else 0))]
        self.send_message(cid, command(*sorted(elements + list(more))), data)
        return mid

    def echo(self):
        self.request(self.context_for(VERIFICATION), 0x30, VERIFICATION)
        return number(self.read_message()[1], 0x900)

    def store(self, sop_class, uid, data, cid=None):
        """The status; also keeps the Error Comment in self.comment."""
        cid = cid or self.context_for(sop_class)
        self.request(cid, 1, sop_class, data, (0x1000, uid_bytes(uid)))
        fields = self.read_message()[1]
        self.comment = fields.get(0x902, b"").decode(errors="replace").strip()
        return number(fields, 0x900)

    def find(self, sop_class, identifier):
        """(final status, [data set bytes])."""
        self.request(self.context_for(sop_class), 0x20, sop_class, identifier)
        answers = []
        while True:
            _, fields, data = self.read_message()
            status = number(fields, 0x900)
            if status not in (0xFF00, 0xFF01):
                self.comment = fields.get(0x902, b"").decode(errors="replace").strip()
                return status, answers
            answers.append(data)

    def get(self, sop_class, identifier):
        """(final status, {instance UID: data set bytes}): answers each C-STORE sub-operation with success."""
        self.request(self.context_for(sop_class), 0x10, sop_class, identifier)
        got = {}
        while True:
            cid, fields, data = self.read_message()
            if number(fields, 0x100) == 1:
                uid = fields[0x1000].rstrip(b"\0").decode()
                got[uid] = data
                answer = command((2, fields[2]), (0x100, us(0x8001)), (0x120, fields[0x110]), (0x800, us(0x101)),
                                 (0x900, us(0)), (0x1000, fields[0x1000]))
                self.send_message(cid, answer)
            elif number(fields, 0x900) not in (0xFF00, 0xFF01):
                self.fields = fields
                return number(fields, 0x900), got

    def release(self):
        self.sock.sendall(pdu(5, b"\0" * 4))
        kind, _ = self.read_pdu()
        assert kind == 6, kind
        self.sock.close()

    def close(self):
        self.sock.close()


def element(group, number_, vr, value):
    """One element in implicit little endian (the VR is for the reader)."""
    value = value if isinstance(value, bytes) else value.encode()
    value += (b"\0" if vr == "UI" else b" ") * (len(value) % 2)
    return struct.pack("<HHI", group, number_, len(value)) + value


def identifier(level, **uids):
    """A query or retrieve identifier in implicit little endian: study=, series=, instance=; instances as a list."""
    def joined(v):
        return v.decode().rstrip("\0 ") if isinstance(v, bytes) else v if isinstance(v, str) else "\\".join(v)

    out = b""
    if "instance" in uids:
        out += element(8, 0x18, "UI", joined(uids["instance"]))
    out += element(8, 0x52, "CS", level)
    if "study" in uids:
        out += element(0x20, 0x0D, "UI", joined(uids["study"]))
    if "series" in uids:
        out += element(0x20, 0x0E, "UI", joined(uids["series"]))
    return out
