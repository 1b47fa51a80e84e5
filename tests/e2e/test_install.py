"""`make install` into a folder: the program, its manual pages, the unit; and what systemd says of the unit."""

import os
import shutil
import subprocess

import pytest

from conftest import BINARY

BUILD = os.environ.get("LASTRA_BUILD") or os.path.dirname(os.path.dirname(os.path.dirname(BINARY)))


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Where it was installed."""
    folder = tmp_path_factory.mktemp("install")
    done = subprocess.run(["meson", "install", "-C", BUILD, "--no-rebuild"], capture_output=True, text=True,
                          env={**os.environ, "DESTDIR": str(folder)}, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return str(folder)


def find(root, name):
    return [os.path.join(folder, name) for folder, _, files in os.walk(root) if name in files]


def test_everything_is_installed(root):
    program, = find(root, "lastra")
    assert os.access(program, os.X_OK)
    said = subprocess.run([program, "--help"], capture_output=True, text=True, check=True).stdout
    commands = [line.split()[0] for line in said.splitlines() if line.startswith("  ")]
    assert len(commands) > 15
    assert find(root, "lastra.1")
    for command in commands:
        assert find(root, f"lastra-{command}.1"), command
    for name in ("lastra.service", "README.md", "LICENSE", "conformance.md", "options.md"):
        assert find(root, name), name


def test_the_unit_starts_what_was_installed(root):
    unit, = find(root, "lastra.service")
    program, = find(root, "lastra")
    with open(unit) as f:
        start, = [line for line in f if line.startswith("ExecStart=")]
    assert start.split("=", 1)[1].split()[0] == program[len(root):]


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="there is no systemd")
def test_systemd_finds_the_unit_well_confined(root):
    unit, = find(root, "lastra.service")
    done = subprocess.run(["systemd-analyze", "security", "--offline=true", "--threshold=20", unit],
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.skipif(not shutil.which("man"), reason="there is no man")
def test_the_manual_pages_are_set_without_a_warning(root):
    pages = [os.path.join(folder, f) for folder, _, files in os.walk(root) for f in files if f.endswith(".1")]
    for page in pages:
        done = subprocess.run(["man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", page], capture_output=True,
                              text=True, errors="replace", timeout=60, env={**os.environ, "LC_ALL": "C.UTF-8"})
        assert done.returncode == 0 and not done.stderr, (page, done.stderr)
