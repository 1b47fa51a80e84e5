"""What the end-to-end tests stand on: an archive of its own for each test, on free loopback ports, with its peers.

LASTRA_BIN       the program (default: build/src/app/lastra)
LASTRA_ASAN_BIN  one built with sanitizers; tests of hostile input run the server from it when it is there
"""

import itertools
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
BINARY = os.path.abspath(os.environ.get("LASTRA_BIN", os.path.join(ROOT, "build", "src", "app", "lastra")))
ASAN_BINARY = os.environ.get("LASTRA_ASAN_BIN", "")
PYDICOM_FILES = "/usr/lib/python3/dist-packages/pydicom/data/test_files"


_handed_out = set()


_ports = itertools.count(random.randrange(2000))


def free_port():
    """A port that is free, from a range of this test process's own below those that the kernel gives to outgoing
    connections: nobody else takes it before the server does."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:])
    while True:
        port = 12000 + 4000 * (worker % 5) + next(_ports) % 4000
        with socket.socket() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                s.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


class Archive:
    """A data folder and the server on it."""

    def __init__(self, folder, server_binary=None, **options):
        self.binary = BINARY
        self.server_binary = server_binary or BINARY
        self.folder = folder
        self.data = os.path.join(folder, "data")
        self.port, self.tls_port = free_port(), free_port()
        self.process = None
        self.lines, self.reader = [], None
        self.options = {"dicom-addresses": "127.0.0.1", "dicom-tls-addresses": "127.0.0.1", **options}
        self.sanitized = bool(ASAN_BINARY) and self.server_binary == os.path.abspath(ASAN_BINARY)
        if self.sanitized:
            self.options.setdefault("seccomp", "no")  # the sanitizers' own calls are not in its table
        self.init_output = self.lastra("init", self.data)

    def lastra(self, *arguments, check=True, **kwargs):
        done = subprocess.run([self.binary, *arguments], capture_output=True, text=True, timeout=120, **kwargs)
        assert not check or done.returncode == 0, f"lastra {' '.join(arguments)}: {done.stdout}{done.stderr}"
        return done

    def peer(self, aet, network="127.0.0.1", grants="echo,store,find,get", *more):
        self.lastra("peer", "add", self.data, aet, network, "--grant", grants, *more)

    def set(self, **options):
        """Options of the next start; '_' stands for '-'."""
        self.options.update({k.replace("_", "-"): v for k, v in options.items()})

    def start(self, wait=True):
        with open(os.path.join(self.data, "lastra.conf"), "w") as f:
            f.write(f"dicom-port = {self.port}\ndicom-tls-port = {self.tls_port}\n")
            f.writelines(f"{name} = {value}\n" for name, value in self.options.items())
        environment = {**os.environ, "ASAN_OPTIONS": "detect_leaks=1:abort_on_error=0:exitcode=99:quarantine_size_mb=8",
                       "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1"}
        self.process = subprocess.Popen([self.server_binary, "serve", self.data], stderr=subprocess.PIPE,
                                        stdout=subprocess.DEVNULL, env=environment)
        self.lines = []
        self.reader = threading.Thread(target=self._read, args=(self.process,), daemon=True)
        self.reader.start()
        if wait:
            self.wait_for("started:")
        return self

    def _read(self, process):
        for line in process.stderr:
            self.lines.append(line.decode(errors="replace").rstrip("\n"))

    def log(self):
        return "\n".join(self.lines)

    def wait_for(self, text, seconds=30):
        """Until a line of the log holds it."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for line in list(self.lines):
                if text in line:
                    return line
            assert self.process.poll() is None or self.reader.is_alive(), f"the server ended:\n{self.log()}"
            time.sleep(0.01)
        raise AssertionError(f"no \"{text}\" in the log:\n{self.log()}")

    def stop(self, seconds=60):
        """In order; whatever a sanitizer found fails here."""
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(seconds)
        self.reader.join(10)
        self.process = None
        assert code == 0, f"exit status {code}:\n{self.log()}"

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.reader.join(10)
        self.process = None

    def rss(self):
        """Resident bytes."""
        with open(f"/proc/{self.process.pid}/statm") as f:
            return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def close(self):
        if self.process is not None:
            self.kill()


@pytest.fixture
def archive_factory():
    """Makes archives; what still runs at the end is killed, what was made is removed."""
    made, folders = [], []

    def make(**options):
        server_binary = options.pop("server_binary", None)
        folders.append(tempfile.mkdtemp(prefix="lastra-e2e-"))
        made.append(Archive(folders[-1], server_binary, **{k.replace("_", "-"): v for k, v in options.items()}))
        return made[-1]

    yield make
    for archive in made:
        archive.close()
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def archive(archive_factory):
    """One that serves, with DCMTK's tools as peers on loopback; it must end in order."""
    a = archive_factory()
    for aet in ("STORESCU", "FINDSCU", "GETSCU", "ECHOSCU"):
        a.peer(aet)
    a.start()
    yield a
    a.stop()


@pytest.fixture
def hostile(archive_factory):
    """For tests that send what nobody should: the server runs with sanitizers where there is such a build."""
    binary = os.path.abspath(ASAN_BINARY) if ASAN_BINARY and os.path.exists(ASAN_BINARY) else None

    def make(**options):
        a = archive_factory(server_binary=binary, **options)
        a.peer("TEST", "127.0.0.1", "echo,store,find,get")
        return a.start()

    made = []

    def remember(**options):
        made.append(make(**options))
        return made[-1]

    yield remember
    for a in made:
        a.stop()
