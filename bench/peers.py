"""Servers to measure: Lastra, DCMTK's storescp and dcmqrscp, Orthanc. Each starts on a free loopback port with
what it needs to be at its best (TCP_NODELAY on accepted sockets for the peers, by a preload)."""

import json
import os
import shutil
import socket
import subprocess
import tempfile
import time


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_port(port, process, seconds=20):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if process.poll() is not None:
            raise RuntimeError(f"{process.args[0]} ended with {process.returncode}")
        try:
            socket.create_connection(("127.0.0.1", port), 0.2).close()
            return
        except OSError:
            time.sleep(0.02)
    raise RuntimeError(f"{process.args[0]} does not listen")


def rss_kib(pid, field="VmRSS"):
    with open(f"/proc/{pid}/status") as f:
        for line in f:
            if line.startswith(field + ":"):
                return int(line.split()[1])
    return 0


class Server:
    """A server process in a folder of its own, removed at the end."""

    name = aet = ""
    preload = True

    def __init__(self, build, base=None):
        self.build = os.path.abspath(build)
        self.dir = tempfile.mkdtemp(prefix=f"lastra-bench-{self.name}-", dir=base)
        self.port = free_port()
        self.process = None

    def environment(self):
        env = dict(os.environ, TCP_NODELAY="1")
        if self.preload:
            env["LD_PRELOAD"] = os.path.join(self.build, "bench", "libnodelay.so")
        return env

    def prepare(self):
        pass

    def command(self):
        raise NotImplementedError

    def start(self):
        self.log = open(os.path.join(self.dir, "log"), "ab")
        begun = time.monotonic()
        self.process = subprocess.Popen(self.command(), cwd=self.dir, env=self.environment(),
                                        stdout=self.log, stderr=self.log)
        wait_port(self.port, self.process)
        self.started_in = time.monotonic() - begun
        return self

    def stop(self):
        if self.process:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self.process = None
            self.log.close()

    def __enter__(self):
        self.prepare()
        return self.start()

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.dir, ignore_errors=True)


class StoreScp(Server):
    name, aet = "storescp", "STORESCP"

    def command(self):
        os.makedirs(os.path.join(self.dir, "out"), exist_ok=True)
        return ["storescp", "-od", "out", "-aet", self.aet, str(self.port)]


class Orthanc(Server):
    name, aet = "orthanc", "ORTHANC"

    def prepare(self):
        config = {
            "Name": "bench", "StorageDirectory": os.path.join(self.dir, "db"),
            "IndexDirectory": os.path.join(self.dir, "db"), "HttpServerEnabled": False,
            "DicomServerEnabled": True, "DicomAet": self.aet, "DicomPort": self.port,
            "DicomCheckCalledAet": False, "DicomAlwaysAllowEcho": True, "DicomAlwaysAllowStore": True,
            "DicomAlwaysAllowFind": True, "DicomAlwaysAllowGet": True, "Plugins": [], "LimitFindResults": 0,
        }
        with open(os.path.join(self.dir, "orthanc.json"), "w") as f:
            json.dump(config, f)

    def command(self):
        binary = shutil.which("Orthanc") or "/usr/sbin/Orthanc"
        return [binary, os.path.join(self.dir, "orthanc.json")]


class DcmQrScp(Server):
    name, aet = "dcmqrscp", "DCMQRSCP"

    def prepare(self):
        store = os.path.join(self.dir, "store")
        os.makedirs(store)
        with open(os.path.join(self.dir, "qr.cfg"), "w") as f:
            f.write(
                f'NetworkTCPPort = {self.port}\nMaxPDUSize = 131072\nMaxAssociations = 16\n'
                f'HostTable BEGIN\nHostTable END\nVendorTable BEGIN\nVendorTable END\nAETable BEGIN\n'
                f"{self.aet} {store} RW (2000, 4096mb) ANY\nAETable END\n"
            )

    def command(self):
        return ["dcmqrscp", "-c", os.path.join(self.dir, "qr.cfg"), str(self.port)]


class Lastra(Server):
    name, aet, preload = "lastra", "LASTRA", False
    peers = ("STORESCU", "FINDSCU", "GETSCU", "LASTRA_SCU")

    def lastra(self, *arguments):
        binary = os.path.join(self.build, "src", "app", "lastra")
        done = subprocess.run([binary, *arguments], capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"lastra {' '.join(arguments)}: {done.stdout}{done.stderr}")
        return done.stdout

    def prepare(self):
        self.data = os.path.join(self.dir, "data")
        self.lastra("init", self.data)
        with open(os.path.join(self.data, "lastra.conf"), "a") as f:
            f.write(f"\ndicom-port = {self.port}\ndicom-tls = no\nae-title = {self.aet}\n")
        for peer in self.peers:
            self.lastra("peer", "add", self.data, peer, "127.0.0.1", "--grant", "echo,store,find,get")

    def command(self):
        return [os.path.join(self.build, "src", "app", "lastra"), "serve", self.data]
