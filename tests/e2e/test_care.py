"""What an administrator does with an archive: import, export, remove, verify, rebuild, backup, restore, status."""

import glob
import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import time
import zipfile

import pydicom
import pydicom.fileset
import pytest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "..", "bench"))
import objects  # noqa: E402

PYDICOM = "/usr/lib/python3/dist-packages/pydicom/data"


def result(done):
    return json.loads(done.stdout)


def data_set_bytes(path):
    """What stands after the file meta information."""
    with open(path, "rb") as f:
        pydicom.filereader.read_preamble(f, True)
        pydicom.filereader._read_file_meta_info(f)
        return f.read()


@pytest.fixture
def slices(tmp_path):
    folder = tmp_path / "slices"
    objects.slices(str(folder), 12, rows=64, columns=64, first_study=7)
    objects.studies(str(tmp_path / "small"), 5, first_study=100)
    return folder


def imported(archive, *paths):
    return result(archive.lastra("import", archive.data, *map(str, paths), "--json"))


def test_imports_folders_files_zip_and_tar_alike(archive_factory, slices, tmp_path):
    archive = archive_factory()
    assert imported(archive, slices)["taken"] == 12
    packed = tmp_path / "all.zip"
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as z:
        for f in sorted(slices.iterdir()):
            z.write(f, f"../../etc/{f.name}")
        z.writestr("notes.txt", "no image")
    counts = imported(archive, packed)
    assert (counts["same"], counts["other"], counts["taken"], counts["failed"]) == (12, 1, 0, 0)
    tarred = tmp_path / "small.tar.gz"
    with tarfile.open(tarred, "w:gz") as t:
        t.add(tmp_path / "small", "small")
    assert imported(archive, tarred)["taken"] == 5
    assert imported(archive, slices / "000003.dcm")["same"] == 1


def test_says_for_each_file_why_it_was_not_taken(archive_factory, tmp_path):
    archive = archive_factory()
    whole = tmp_path / "a.dcm"
    objects.write_file(str(whole), 1, rows=32, columns=32)
    (tmp_path / "cut.dcm").write_bytes(whole.read_bytes()[:1500])
    (tmp_path / "readme.txt").write_text("hello")
    done = archive.lastra("import", archive.data, str(tmp_path), check=False)
    assert done.returncode == 1
    assert "cut.dcm: the data set ends too early" in done.stderr
    assert "readme.txt: not a DICOM object" in done.stderr
    assert "1  objects taken" in done.stdout


def test_a_dicomdir_stands_for_its_medium_and_what_is_missing_is_told(archive_factory, tmp_path):
    medium = tmp_path / "cd"
    shutil.copytree(os.path.join(PYDICOM, "test_files", "dicomdirtests"), medium)
    victim = next(p for p in sorted(medium.rglob("*")) if p.is_file() and p.stat().st_size > 1000
                  and "DICOMDIR" not in p.name and p.parent.name != "dicomdirtests" and "README" not in p.name)
    victim.unlink()
    archive = archive_factory()
    done = archive.lastra("import", archive.data, str(medium / "DICOMDIR"), check=False)
    assert f"{victim.name}: the DICOMDIR names it, but it is not on the medium" in done.stderr
    assert done.returncode == 1


def test_an_import_that_was_killed_goes_on_where_it_was(archive_factory, tmp_path):
    archive = archive_factory()
    folder = tmp_path / "many"
    objects.studies(str(folder), 3000, rows=100, columns=100)
    process = subprocess.Popen([archive.binary, "import", archive.data, str(folder)], stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    time.sleep(0.6)
    process.send_signal(signal.SIGKILL)
    process.wait()
    counts = imported(archive, folder)
    assert counts["before"] + counts["same"] + counts["taken"] == 3000
    assert counts["before"] > 0, counts
    assert counts["taken"] > 0, "the kill came too late to show anything"
    assert result(archive.lastra("status", archive.data, "--json"))["instances"] == 3000
    assert not glob.glob(os.path.join(archive.data, "import", "*")), "the note stays after a finished import"


def test_export_is_a_file_set_that_pydicom_reads_with_the_data_sets_as_received(archive_factory, slices, tmp_path):
    archive = archive_factory()
    imported(archive, slices, tmp_path / "small", os.path.join(PYDICOM, "test_files", "CT_small.dcm"),
             os.path.join(PYDICOM, "test_files", "reportsi.dcm"))
    out = tmp_path / "out"
    counts = result(archive.lastra("export", archive.data, "--all", str(out), "--json"))
    assert (counts["objects"], counts["failed"]) == (19, 0)
    file_set = pydicom.fileset.FileSet(str(out / "DICOMDIR"))
    originals = {pydicom.dcmread(f, stop_before_pixels=True).SOPInstanceUID: f for f in
                 [*map(str, slices.iterdir()), *map(str, (tmp_path / "small").iterdir()),
                  os.path.join(PYDICOM, "test_files", "CT_small.dcm"),
                  os.path.join(PYDICOM, "test_files", "reportsi.dcm")]}
    assert {i.SOPInstanceUID for i in file_set} == set(originals)
    for instance in file_set:
        assert data_set_bytes(instance.path) == data_set_bytes(originals[instance.SOPInstanceUID])
    subprocess.run(["dcmdump", "-q", str(out / "DICOMDIR")], check=True, stdout=subprocess.DEVNULL)
    again = archive.lastra("export", archive.data, "--all", str(out), check=False)
    assert again.returncode == 1 and "not empty" in again.stderr


def test_export_of_one_study_or_patient(archive_factory, slices, tmp_path):
    archive = archive_factory()
    imported(archive, slices, tmp_path / "small")
    study = objects.uids(7)[0]
    assert result(archive.lastra("export", archive.data, "--study", study, str(tmp_path / "a"), "--json"))["objects"] == 12
    assert result(archive.lastra("export", archive.data, "--patient", "P0000102", str(tmp_path / "b"),
                                 "--json"))["objects"] == 1
    none = archive.lastra("export", archive.data, "--study", "1.2.3", str(tmp_path / "c"), check=False)
    assert none.returncode == 1 and "nothing" in none.stderr


def test_remove_gives_space_back_and_nothing_brings_it_back(archive_factory, slices, tmp_path):
    archive = archive_factory()
    imported(archive, slices, tmp_path / "small")
    blocks = lambda: sum(os.stat(p).st_blocks for p in glob.glob(os.path.join(archive.data, "packs", "*")))  # noqa: E731
    before = blocks()
    study = objects.uids(7)[0]
    asked = archive.lastra("remove", archive.data, "--study", study, check=False, stdin=subprocess.DEVNULL)
    assert asked.returncode == 2, "without a terminal it must not go ahead unasked"
    archive.lastra("remove", archive.data, "--study", study, "--yes")
    assert blocks() < before
    assert result(archive.lastra("status", archive.data, "--json"))["instances"] == 5
    archive.lastra("verify", archive.data)
    archive.lastra("rebuild", archive.data)
    assert result(archive.lastra("status", archive.data, "--json"))["instances"] == 5
    gone = archive.lastra("remove", archive.data, "--study", study, "--yes", check=False)
    assert gone.returncode == 1
    trail = archive.lastra("audit", "tail", archive.data, "-n", "50", "--json").stdout
    assert "110105" in trail and study in trail


def test_verify_names_a_flipped_bit_and_the_rest_stays_whole(archive_factory, slices):
    archive = archive_factory()
    imported(archive, slices)
    pack = max(glob.glob(os.path.join(archive.data, "packs", "*.pack")), key=os.path.getsize)
    with open(pack, "r+b") as f:
        f.seek(os.path.getsize(pack) // 2)
        byte = f.read(1)
        f.seek(-1, os.SEEK_CUR)
        f.write(bytes([byte[0] ^ 1]))
    done = archive.lastra("verify", archive.data, "--json", check=False)
    counts = result(done)
    assert done.returncode == 1
    assert (counts["damaged"], counts["whole"]) == (1, 11)
    assert "pack " in done.stderr and "offset " in done.stderr


def test_rebuild_needs_packs_and_keys_alone(archive_factory, slices, tmp_path):
    archive = archive_factory()
    imported(archive, slices, tmp_path / "small")
    archive.lastra("import", archive.data, PYDICOM, check=False)  # some of these are broken on purpose
    before = result(archive.lastra("status", archive.data, "--json"))
    for f in glob.glob(os.path.join(archive.data, "index.db*")):
        os.unlink(f)
    lost = archive.lastra("status", archive.data, check=False)
    assert lost.returncode == 1 and "rebuild" in lost.stderr
    archive.lastra("rebuild", archive.data)
    after = result(archive.lastra("status", archive.data, "--json"))
    for key in ("patients", "studies", "series", "instances", "conflicts"):
        assert after[key] == before[key], key
    archive.lastra("verify", archive.data)


def test_rebuild_keeps_peers_of_an_index_that_can_be_read(archive_factory, slices):
    archive = archive_factory()
    archive.peer("CT1")
    imported(archive, slices)
    archive.lastra("rebuild", archive.data)
    assert "CT1" in archive.lastra("peer", "list", archive.data).stdout


def test_backup_beside_a_running_server_is_consistent_incremental_and_forgets_what_was_removed(
        archive_factory, slices, tmp_path):
    archive = archive_factory()
    archive.peer("STORESCU")
    archive.start()
    send = ["storescu", "-aec", "LASTRA", "127.0.0.1", str(archive.port), "+sd"]
    subprocess.run([*send, str(slices)], check=True)
    copy = tmp_path / "copy"
    archive.lastra("backup", archive.data, str(copy))
    subprocess.run([*send, str(tmp_path / "small")], check=True)
    archive.lastra("backup", archive.data, str(copy))
    archive.stop()
    archive.lastra("remove", archive.data, "--study", objects.uids(7)[0], "--yes")
    archive.lastra("backup", archive.data, str(copy))
    back = tmp_path / "back"
    archive.lastra("restore", str(copy), str(back))
    assert result(archive.lastra("status", str(back), "--json"))["instances"] == 5
    archive.lastra("verify", str(back))
    archive.lastra("rebuild", str(back))
    assert result(archive.lastra("status", str(back), "--json"))["instances"] == 5, "the backup brought removed objects back"
    other = archive_factory()
    refused = other.lastra("backup", other.data, str(copy), check=False)
    assert refused.returncode == 1 and "another archive" in refused.stderr


def test_backup_without_keys_is_worth_nothing_without_them(archive_factory, slices, tmp_path):
    archive = archive_factory()
    imported(archive, slices)
    copy, back = tmp_path / "copy", tmp_path / "back"
    archive.lastra("backup", archive.data, str(copy), "--without-keys")
    assert not (copy / "keys").exists()
    refused = archive.lastra("restore", str(copy), str(back), check=False)
    assert refused.returncode == 1 and "keys" in refused.stderr
    shutil.rmtree(back, ignore_errors=True)
    back.mkdir(mode=0o700)
    shutil.copytree(os.path.join(archive.data, "keys"), back / "keys")
    archive.lastra("restore", str(copy), str(back))
    assert result(archive.lastra("status", str(back), "--json"))["instances"] == 12


def test_status_says_what_is_open_and_why(archive_factory):
    archive = archive_factory()
    archive.peer("OLDCT", "10.1.2.3", "store", "--cleartext", "no TLS in its firmware")
    status = result(archive.lastra("status", archive.data, "--json"))
    assert status["serving"] is False
    assert any("OLDCT" in n and "no TLS in its firmware" in n for n in status["attention"])
    archive.start()
    assert result(archive.lastra("status", archive.data, "--json"))["serving"] is True
    archive.stop()
    assert result(archive.lastra("status", archive.data, "--json"))["serving"] is False


def test_conflicts_are_seen_and_settled(archive_factory, tmp_path):
    archive = archive_factory()
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir()
    two.mkdir()
    for folder, side in ((one, 32), (two, 48)):
        for study in (1, 2):
            objects.write_file(str(folder / f"{study}.dcm"), study, rows=side, columns=side)
    assert imported(archive, one)["taken"] == 2
    assert imported(archive, two)["conflicts"] == 2
    listed = archive.lastra("conflict", "list", archive.data).stdout.splitlines()
    numbers = {line.split()[2]: line.split()[0] for line in listed[1:]}
    archive.lastra("conflict", "keep", archive.data, numbers[objects.uids(1)[2]], "--yes")
    archive.lastra("conflict", "take", archive.data, numbers[objects.uids(2)[2]], "--yes")
    assert "no conflicts" in archive.lastra("conflict", "list", archive.data).stdout
    archive.lastra("rebuild", archive.data)
    archive.lastra("export", archive.data, "--all", str(tmp_path / "out"))
    rows = {str(i.SOPInstanceUID): pydicom.dcmread(i.path).Rows
            for i in pydicom.fileset.FileSet(str(tmp_path / "out" / "DICOMDIR"))}
    assert rows == {objects.uids(1)[2]: 32, objects.uids(2)[2]: 48}


def test_a_served_archive_is_not_worked_on_by_two(archive_factory, slices):
    archive = archive_factory()
    archive.start()
    done = archive.lastra("import", archive.data, str(slices), check=False)
    assert done.returncode == 1 and "another process" in done.stderr
    archive.stop()


def test_removes_and_settles_while_the_archive_serves(archive_factory, slices, tmp_path):
    archive = archive_factory()
    imported(archive, slices, tmp_path / "small")
    other = tmp_path / "other.dcm"
    objects.write_file(str(other), 100, rows=40, columns=40)
    assert imported(archive, other)["conflicts"] == 1
    archive.start()
    done = archive.lastra("remove", archive.data, "--study", objects.uids(7)[0], "--yes")
    assert "12 objects removed" in done.stdout
    archive.lastra("conflict", "keep", archive.data, "1", "--yes")
    status = result(archive.lastra("status", archive.data, "--json"))
    assert (status["instances"], status["conflicts"]) == (5, 0)
    gone = archive.lastra("remove", archive.data, "--study", objects.uids(7)[0], "--yes", check=False)
    assert gone.returncode == 1
    assert os.stat(os.path.join(archive.data, "control")).st_mode & 0o777 == 0o600
    archive.stop()
    archive.lastra("verify", archive.data)
    assert "110105" in archive.lastra("audit", "tail", archive.data, "-n", "50", "--json").stdout
