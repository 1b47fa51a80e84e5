"""A storage SCP in plain Python, independent of Lastra's own code: it takes what a C-MOVE sends and keeps the bytes."""

import socket
import struct
import threading

import upper_layer as ul


def items(body):
    """(kind, content) of the items in a row."""
    at = 0
    while at + 4 <= len(body):
        kind, length = struct.unpack_from(">BxH", body, at)
        yield kind, body[at + 4:at + 4 + length]
        at += 4 + length


class Receiver:
    """Accepts every association and context; accept(abstract, transfers) picks the transfer syntax (None: refused)."""

    def __init__(self, accept=lambda abstract, transfers: transfers[0], status=0):
        self.accept, self.status = accept, status
        self.objects = {}  # SOP instance UID: (SOP class, transfer syntax, data set bytes)
        self.fields = []  # command set of each C-STORE
        self.sock = socket.create_server(("127.0.0.1", 0))
        self.port = self.sock.getsockname()[1]
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self):
        while True:
            try:
                connection = self.sock.accept()[0]
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        peer = Peer(connection)
        try:
            peer.associate(self.accept)
            while True:
                self._take(peer)
        except (ul.Aborted, OSError):
            connection.close()

    def _take(self, peer):
        cid, fields, data = peer.read_message()
        uid = fields[0x1000].rstrip(b"\0").decode()
        sop_class = fields[2].rstrip(b"\0").decode()
        self.fields.append(fields)
        if self.status == 0:
            self.objects[uid] = sop_class, peer.transfers[cid], data
        peer.send_message(cid, ul.command((2, fields[2]), (0x100, ul.us(0x8001)), (0x120, fields[0x110]),
                                          (0x800, ul.us(0x101)), (0x900, ul.us(self.status)), (0x1000, fields[0x1000])))

    def close(self):
        self.sock.close()


class Peer(ul.Association):
    """The accepting end of an association."""

    def __init__(self, connection):  # pylint: disable=super-init-not-called
        self.sock, self.max_pdu, self.transfers, self.abstracts = connection, 16384, {}, {}
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.settimeout(60)

    def associate(self, accept):
        kind, body = self.read_pdu()
        assert kind == 1, kind
        answer = roles = b""
        for item_kind, content in items(body[68:]):
            if item_kind == 0x20:
                answer += self._context(content, accept)
            elif item_kind == 0x50:  # roles are accepted as proposed
                roles = b"".join(ul.item(0x54, role) for kind, role in items(content) if kind == 0x54)
        user = ul.item(0x51, struct.pack(">I", 131072)) + ul.item(0x52, b"1.2.826.0.1.3680043.10.1474.3") + roles
        self.sock.sendall(ul.pdu(2, body[:68] + ul.item(0x10, ul.APPLICATION.encode()) + answer + ul.item(0x50, user)))

    def _context(self, content, accept):
        parts = [(kind, part.decode().rstrip("\0")) for kind, part in items(content[4:])]
        abstract = next(part for kind, part in parts if kind == 0x30)
        transfers = [part for kind, part in parts if kind == 0x40]
        chosen = accept(abstract, transfers)
        if chosen:
            self.transfers[content[0]], self.abstracts[content[0]] = chosen, abstract
        return ul.item(0x21, struct.pack(">BxBx", content[0], 0 if chosen else 4) +
                       ul.item(0x40, (chosen or transfers[0]).encode()))
