"""Every sample file, one by one: stored as it is, found by query at every level with what pydicom reads in it, returned
bit for bit by C-GET and C-MOVE, converted for who takes another uncompressed syntax, and shown as pydicom's JSON.

Files that share a SOP Instance UID stand in different archives ("shelves"), each filled once for all tests here."""

import copy
import io
import json
import os
import re
import shutil
import subprocess
import tempfile
import warnings

import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.filereader import read_dataset
from pydicom.uid import (DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ExplicitVRLittleEndian,
                         ImplicitVRLittleEndian)

import samples
import test_dicom_data
import test_json
import upper_layer as ul
from conftest import BINARY, ROOT, Archive, free_port
from receiver import Receiver

pytestmark = [pytest.mark.xdist_group("samples"), pytest.mark.filterwarnings("ignore")]

PATIENT_ROOT_FIND = "1.2.840.10008.5.1.4.1.2.1.1"
STUDY_ROOT_MOVE = "1.2.840.10008.5.1.4.1.2.2.2"
NATIVE = [ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian]


class Shelf:
    """An archive with samples in it; what it said of each."""

    def __init__(self, archive, members):
        self.archive, self.members, self.said = archive, members, {}
        self.receiver = Receiver()
        archive.lastra("peer", "add", archive.data, "TAKER", "127.0.0.1", "--host", "127.0.0.1", "--port",
                       str(self.receiver.port), "--grant", "find,move", "--to", "TAKER")
        archive.start()
        for s in members:
            a = self.associate("STORESCU", (1, s.sop_class, (s.syntax,)))
            self.said[s] = a.store(s.sop_class, s.instance, s.data), a.comment
            a.release()

    def associate(self, calling, *contexts, **more):
        return ul.Association(self.archive.port, calling, contexts=contexts, timeout=60, **more)

    def find(self, model, keys):
        a = self.associate("FINDSCU", (1, model, (ul.EXPLICIT_LE,)))
        buffer = pydicom.filebase.DicomBytesIO()
        buffer.is_little_endian, buffer.is_implicit_VR = True, False
        pydicom.filewriter.write_dataset(buffer, keys)
        status, answers = a.find(model, buffer.getvalue())
        assert status == 0, (hex(status), a.comment)
        a.release()
        return [read_dataset(io.BytesIO(answer), False, True) for answer in answers]

    def get(self, s, syntax):
        """The object's bytes in that transfer syntax."""
        a = self.associate("GETSCU", (1, ul.STUDY_ROOT_GET, (ul.IMPLICIT_LE,)), (3, s.sop_class, (syntax,)),
                           roles=((s.sop_class, 0, 1),))
        status, got = a.get(ul.STUDY_ROOT_GET,
                            ul.identifier("IMAGE", study=s.study, series=s.series, instance=s.instance))
        assert status == 0 and list(got) == [s.instance], (hex(status), a.fields.get(0x902))
        a.release()
        return got[s.instance]

    def close(self):
        self.receiver.close()
        self.archive.stop()


def another(archive, folder):
    """A copy of an archive that nobody serves, with other ports: quicker than making one."""
    made = copy.copy(archive)
    made.folder, made.data = folder, os.path.join(folder, "data")
    shutil.copytree(archive.data, made.data)
    made.port, made.tls_port, made.options = free_port(), free_port(), dict(archive.options)
    return made


@pytest.fixture(scope="module")
def shelf_of():
    """The shelf on which a sample stands."""
    top = tempfile.mkdtemp(prefix="lastra-e2e-samples-")
    first = Archive(top)
    for aet in ("STORESCU", "FINDSCU", "GETSCU"):
        first.peer(aet)
    groups, made = samples.shelves(), {}

    def get(s):
        n = next(i for i, group in enumerate(groups) if s in group) if isinstance(s, samples.Sample) else s
        if n not in made:
            made[n] = Shelf(another(first, os.path.join(top, str(n))), groups[n])
        return made[n]

    yield get
    for shelf in made.values():
        shelf.close()
    shutil.rmtree(top)


def each(which):
    return pytest.mark.parametrize("sample", which, ids=lambda s: s.name)


every_shelf = pytest.mark.parametrize("number", range(len(samples.shelves())))


def test_there_are_samples():
    assert len(samples.STORABLE) >= 140 and not samples.REFUSED == []


@each(samples.STORABLE)
def test_is_stored_and_comes_back_bit_for_bit(shelf_of, sample):
    shelf = shelf_of(sample)
    assert shelf.said[sample] == (0, "")
    assert shelf.get(sample, sample.syntax) == sample.data


@each(samples.REFUSED)
def test_what_is_no_whole_object_of_a_study_is_refused_with_the_reason(shelf_of, sample):
    shelf = shelf_of(0)
    sop_class = sample.sop_class or ul.CT_IMAGE
    a = shelf.associate("STORESCU", (1, sop_class, (sample.syntax,)))
    assert a.store(sop_class, sample.instance or "1.2.3", sample.data) in (0xC000, 0xA900, 0x117)
    assert samples.NOT_STORABLE[sample.name] in a.comment
    a.release()


@every_shelf
def test_c_move_sends_every_study_bit_for_bit(shelf_of, number):
    shelf = shelf_of(number)
    a = shelf.associate("TAKER", (1, STUDY_ROOT_MOVE, (ul.IMPLICIT_LE,)))
    for study in {s.study for s in shelf.members}:
        a.request(1, 0x21, STUDY_ROOT_MOVE, ul.identifier("STUDY", study=study), (0x600, b"TAKER".ljust(16)))
        status = 0xFF00
        while status == 0xFF00:
            fields = a.read_message()[1]
            status = ul.number(fields, 0x900)
        assert status == 0, (study, hex(status), fields.get(0x902))
    a.release()
    assert shelf.receiver.objects == {s.instance: (s.sop_class, s.syntax, s.data) for s in shelf.members}


@each([s for s in samples.ALL if s.name not in test_json.DAMAGED])
def test_dump_gives_the_json_of_pydicom(sample, monkeypatch):
    monkeypatch.setattr(pydicom.config, "replace_un_with_known_vr", True)
    monkeypatch.setattr(pydicom.datadict, "private_dictionaries", {})
    monkeypatch.setattr(pydicom.datadict, "private_dictionary_VR", test_json.unknown)
    whole = "truncated" not in sample.name and "nooffset" not in sample.name
    done = subprocess.run([BINARY, "dump", "--json", sample.path], capture_output=True,
                          timeout=60)
    assert done.returncode == 0 or not whole, done.stderr
    ours = {tag: element for tag, element in json.loads(done.stdout).items() if not tag.startswith("0002")}
    assert ours == test_json.theirs(sample.path)


# --- queries


LEVELS = ("PATIENT", "STUDY", "SERIES", "IMAGE")
UNIQUE = {"PATIENT": "PatientID", "STUDY": "StudyInstanceUID", "SERIES": "SeriesInstanceUID", "IMAGE": "SOPInstanceUID"}
COUNTS = re.compile(r"NumberOf\w+Related\w+|ModalitiesInStudy|SOPClassesInStudy|AvailableTransferSyntaxUID")
# No key of the index's own: read from the object's header part.
HEADER = ["ImageType", "ContentDate", "ContentTime", "AcquisitionNumber", "ImageComments", "KVP", "PixelSpacing",
          "ImagePositionPatient", "PhotometricInterpretation", "ReferencedSeriesSequence"]


def keys_of_levels():
    """{level: [keyword, ...]} of the index, by its own table."""
    keys = {level: [] for level in LEVELS}
    with open(os.path.join(ROOT, "src", "archive", "attrs.def")) as f:
        for line in f:
            found = re.match(r"(EXTRA|COLUMN|EQUIPMENT)\((?:(\w+), )?(\w+), \"(\w\w)\"", line)
            if found and pydicom.datadict.tag_for_keyword(found[3]):  # its dictionary is some years older
                keys[found[2] or "SERIES"].append(found[3])
    return keys


KEYS = keys_of_levels()


def asked(levels, more=()):
    keys = Dataset()
    for keyword in [k for level in levels for k in KEYS[level]] + list(more):
        setattr(keys, keyword, None)
        if keys[keyword].VR == "SQ":
            setattr(keys, keyword, [])
    return keys


def text_of(value):
    """One value as text, without padding; names without what is empty at their end."""
    if isinstance(value, pydicom.valuerep.PersonName):
        return "=".join(group.rstrip("^ ") for group in str(value).split("=")).rstrip("=").strip()
    return str(getattr(value, "original_string", value)).strip(" \0")


def said(ds, keyword):
    """What a data set says of it, in a form that two encodings of the same share."""
    element = ds.get(pydicom.datadict.tag_for_keyword(keyword))
    if element is None or element.value is None or isinstance(element.value, bytes):
        return ""
    if element.VR == "SQ":
        whole = Dataset()
        whole.add(element)
        return json.dumps(test_json.corrected(whole.to_json_dict())) if element.value else ""
    values = element.value if element.VM > 1 else [element.value]
    return "\\".join(text_of(v) for v in values).strip()


def akin(shelf, sample):
    """Who may have said what is known of the sample's patient: those with its study or its Patient ID."""
    near = [s for s in shelf.members if s.study == sample.study]
    ids = {said(s.ds, "PatientID") for s in near}
    return [s for s in shelf.members if said(s.ds, "PatientID") in ids]


def may_say(shelf, sample, level):
    return {"PATIENT": lambda: akin(shelf, sample), "STUDY": lambda: [s for s in shelf.members if s.study == sample.study],
            "SERIES": lambda: [s for s in shelf.members if s.series == sample.series], "IMAGE": lambda: [sample]}[level]()


def integer(keyword, text):
    """The index has these as numbers: 01 comes back as 1, and what is none (1A) as nothing where there may be none."""
    if keyword not in ("InstanceNumber", "NumberOfFrames"):
        return text
    try:
        return str(int(text))
    except ValueError:
        return text if keyword == "InstanceNumber" else ""


def compare(shelf, sample, answer, levels, more=()):
    wrong = []
    for level in levels:
        sources = may_say(shelf, sample, level)
        for keyword in KEYS[level]:
            theirs = {integer(keyword, said(s.ds, keyword)) for s in sources}
            if not COUNTS.fullmatch(keyword) and integer(keyword, said(answer, keyword)) not in theirs:
                wrong.append((keyword, said(answer, keyword), theirs))
    wrong += [(k, said(answer, k), said(sample.ds, k)) for k in more if said(answer, k) != said(sample.ds, k)]
    assert not wrong


def check_counts(shelf, sample, answer):
    of_study = [s for s in shelf.members if s.study == sample.study]
    assert int(answer.NumberOfStudyRelatedInstances) == len(of_study)
    modalities = {said(s.ds, "Modality") for s in of_study} - {""}
    assert set(said(answer, "ModalitiesInStudy").split("\\")) - {""} == modalities
    assert set(said(answer, "SOPClassesInStudy").split("\\")) == {s.sop_class for s in of_study}


@each(samples.STORABLE)
def test_is_found_at_every_level_with_what_pydicom_reads(shelf_of, sample):
    shelf = shelf_of(sample)
    for i, level in enumerate(LEVELS):
        root, more = (1, HEADER if level == "IMAGE" else ()) if level != "PATIENT" else (0, ())
        keys = asked(LEVELS[:i + 1], more)
        keys.QueryRetrieveLevel = level
        for upper in LEVELS[root:i + 1]:
            setattr(keys, UNIQUE[upper], said(sample.ds, UNIQUE[upper]))
        answers = shelf.find(ul.STUDY_ROOT_FIND if root else PATIENT_ROOT_FIND, keys)
        if level == "PATIENT" and not said(sample.ds, "PatientID"):
            names = {said(s.ds, "PatientName") for s in akin(shelf, sample)}
            answers = [a for a in answers if said(a, "PatientName") in names and not said(a, "PatientID")][:1]
        assert len(answers) == 1, level
        compare(shelf, sample, answers[0], LEVELS[:i + 1], more)
        if level == "STUDY":
            check_counts(shelf, sample, answers[0])
    assert answers[0].AvailableTransferSyntaxUID == sample.syntax


def number_of(key):
    """A key by number: DCMTK has other keywords for what is retired."""
    keyword, equals, value = key.partition("=")
    tag = pydicom.tag.Tag(pydicom.datadict.tag_for_keyword(keyword))
    return f"{tag.group:04x},{tag.element:04x}{equals}{value}"


def findscu(shelf, tmp_path, model, *keys):
    """DCMTK's answers as files that pydicom reads."""
    for old in tmp_path.glob("rsp*.dcm"):
        old.unlink()
    subprocess.run(["findscu", model, "-X", "-od", tmp_path, "-aet", "FINDSCU", "-aec", "LASTRA", "127.0.0.1",
                    str(shelf.archive.port), *[x for k in keys for x in ("-k", number_of(k))]], check=True, capture_output=True,
                   timeout=60)
    return [pydicom.dcmread(f, force=True) for f in sorted(tmp_path.glob("rsp*.dcm"))]


@every_shelf
def test_findscu_lists_every_patient_and_study(shelf_of, number, tmp_path):
    shelf = shelf_of(number)
    wanted = [k for k in KEYS["PATIENT"] if "Sequence" not in k]
    patients = findscu(shelf, tmp_path, "-P", "QueryRetrieveLevel=PATIENT", *wanted)
    assert {said(a, "PatientID") for a in patients} >= {said(s.ds, "PatientID") for s in shelf.members}
    wanted += [k for k in KEYS["STUDY"] if "Sequence" not in k]
    answers = findscu(shelf, tmp_path, "-S", "QueryRetrieveLevel=STUDY", *wanted)
    assert sorted(a.StudyInstanceUID for a in answers) == sorted({s.study for s in shelf.members})
    for answer in answers:
        sample = next(s for s in shelf.members if s.study == answer.StudyInstanceUID)
        for level in ("PATIENT", "STUDY"):
            for keyword in [k for k in KEYS[level] if k in wanted and not COUNTS.fullmatch(k)]:
                assert said(answer, keyword) in {said(s.ds, keyword) for s in may_say(shelf, sample, level)}, keyword


NAMED = [s for s in samples.STORABLE if "charset_files" in str(s.path)]


@each(NAMED)
def test_findscu_shows_names_in_every_character_set(shelf_of, sample, tmp_path):
    shelf = shelf_of(sample)
    for level, keys in (("SERIES", []), ("IMAGE", [f"SOPInstanceUID={sample.instance}"])):
        answers = findscu(shelf, tmp_path, "-S", f"QueryRetrieveLevel={level}", f"StudyInstanceUID={sample.study}",
                          f"SeriesInstanceUID={sample.series}", "PatientName", "PatientID", "StudyDate", *keys)
        assert len(answers) == 1
        for keyword in ("PatientName", "PatientID", "StudyDate"):
            assert said(answers[0], keyword) in {said(s.ds, keyword) for s in akin(shelf, sample)}


@each(NAMED)
def test_a_name_is_found_by_itself_in_its_own_character_set(shelf_of, sample):
    """The key as it stands in the file, by each component group, in small letters and by a prefix."""
    shelf = shelf_of(sample)
    name = said(sample.ds, "PatientName")
    if not name:
        pytest.skip("nobody's")
    groups = [g for g in name.split("=") if g]
    forms = [name] + groups + [g.split("^")[0] + "*" for g in groups] + [name.lower()]
    for form in forms:
        keys = Dataset()
        keys.SpecificCharacterSet = "ISO_IR 192"
        keys.QueryRetrieveLevel, keys.PatientName, keys.StudyInstanceUID = "STUDY", form, ""
        assert sample.study in [a.StudyInstanceUID for a in shelf.find(ul.STUDY_ROOT_FIND, keys)], form
    raw = sample.ds["PatientName"].value.original_string
    identifier = (ul.element(8, 5, "CS", "\\".join(charset_of(sample))) +
                  ul.element(8, 0x52, "CS", "STUDY") + ul.element(0x10, 0x10, "PN", raw) +
                  ul.element(0x20, 0xD, "UI", ""))
    a = shelf.associate("FINDSCU", (1, ul.STUDY_ROOT_FIND, (ul.IMPLICIT_LE,)))
    status, answers = a.find(ul.STUDY_ROOT_FIND, identifier)
    assert status == 0 and any(sample.study.encode() in answer for answer in answers)
    a.release()


def charset_of(sample):
    value = sample.ds.get("SpecificCharacterSet") or ""
    return [value] if isinstance(value, str) else list(value)


# --- another syntax


@each([s for s in samples.STORABLE if s.syntax in [*NATIVE, DeflatedExplicitVRLittleEndian]])
def test_is_converted_for_who_takes_another_uncompressed_syntax(shelf_of, sample):
    shelf = shelf_of(sample)
    original = test_dicom_data.flat(sample.plain, not sample.plain.is_little_endian)
    for syntax in NATIVE:
        if syntax == sample.syntax:
            continue
        implicit, big = syntax == ImplicitVRLittleEndian, syntax == ExplicitVRBigEndian
        with samples.reading(guessing=False):
            ds = samples.whole(read_dataset(io.BytesIO(shelf.get(sample, str(syntax))), implicit, not big))
        test_dicom_data.same(original, test_dicom_data.flat(ds, big), implicit != sample.plain.is_implicit_VR)
