"""What the survey's end-to-end tests stand on: a survey folder, the simulated hospital, real servers on loopback addresses."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import time

from conftest import BINARY, ROOT

sys.path.insert(0, os.path.join(ROOT, "tools"))
import hospital  # noqa: E402

HOSPITAL = os.path.join(ROOT, "tools", "hospital.py")


def worker_base():
    """A /16 of loopback for this test process alone."""
    return f"127.{80 + int(os.environ.get('PYTEST_XDIST_WORKER', 'gw0')[2:])}"


class Site:
    """A survey folder and the program on it."""

    def __init__(self, folder):
        self.folder = str(folder)
        self.path = os.path.join(self.folder, "site")

    def survey(self, verb, *arguments, check=True, timeout=180, **kwargs):
        done = subprocess.run([BINARY, "survey", verb, self.path, *map(str, arguments)], capture_output=True, text=True,
                              errors="replace", timeout=timeout, **kwargs)
        assert not check or done.returncode == 0, f"survey {verb} {arguments}: {done.stdout}{done.stderr}"
        return done

    def file(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        return path

    def scope(self, networks, ports, **more):
        lines = ["owner = test", "permission = the test itself", "permitted-until = 2099-12-31"]
        lines += [f"network = {n}" for n in networks] + [f"ports = {ports}"]
        lines += [f"{k.replace('_', '-')} = {v}" for k, v in more.items()]
        return self.file("scope.conf", "\n".join(lines) + "\n")

    def report(self, *arguments):
        path = os.path.join(self.folder, "report.json")
        self.survey("report", "--json", path, *arguments)
        with open(path, encoding="utf-8") as f:
            return json.load(f)


@contextlib.contextmanager
def simulated_hospital(folder, base, tls=True):
    """The hospital of tools/hospital.py, serving; gives the folder of its files."""
    folder = str(folder)
    names = {n: os.path.join(folder, n) for n in ("scope", "hosts", "policy", "pcap")}
    command = [sys.executable, HOSPITAL, "--base", base]
    for name, path in names.items():
        command += ["--" + name, path]
    if tls:
        cert, key = certificate(folder)
        command += ["--cert", cert, "--key", key]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert process.stdout.readline().strip() == "ready"
        yield names
    finally:
        process.kill()
        process.wait()


def certificate(folder, days=30, name="localhost", begun=None):
    """A self-signed certificate by GnuTLS's certtool."""
    template, key, cert = (os.path.join(folder, f"{name}.{n}") for n in ("tmpl", "key", "pem"))
    with open(template, "w", encoding="utf-8") as f:
        f.write(f'cn = "{name}"\ndns_name = "{name}"\ntls_www_server\n')
        f.write(f"expiration_days = {days}\n" if begun is None else
                f'activation_date = "{begun[0]}"\nexpiration_date = "{begun[1]}"\n')
    subprocess.run(["certtool", "--generate-privkey", "--key-type", "ecdsa", "--outfile", key], check=True, capture_output=True)
    subprocess.run(["certtool", "--generate-self-signed", "--load-privkey", key, "--template", template, "--outfile", cert],
                   check=True, capture_output=True)
    return cert, key


def wait_for(host, port, seconds=20):
    import socket
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with socket.socket() as s:
            s.settimeout(1)
            if s.connect_ex((host, port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError(f"nothing listens on {host}:{port}")


@contextlib.contextmanager
def program(command, host, port, **kwargs):
    """A real server, up."""
    assert shutil.which(command[0]), command[0]
    process = subprocess.Popen(list(map(str, command)), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **kwargs)
    try:
        wait_for(host, port)
        yield process
    finally:
        process.kill()
        process.wait()
