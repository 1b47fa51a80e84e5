"""The DICOM sample files that tests store: Debian's python3-pydicom, and ../shared/samples where it is. Each is taken apart
here by plain Python, so that what a peer would send is the file's own bytes."""

import contextlib
import struct
import warnings
from functools import cached_property

import pydicom
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from test_json import SAMPLES

# What holds no SOP instance of a patient's study, or none that is whole: what the archive says of it.
NOT_STORABLE = {
    **dict.fromkeys(["DICOMDIR", "DICOMDIR-bigEnd", "DICOMDIR-empty.dcm", "DICOMDIR-implicit", "DICOMDIR-nopatient",
                     "DICOMDIR-reordered"], "no SOP class UID"),  # a medium's table of contents
    "DICOMDIR-nooffset": "ends too early",
    # parts of data sets, made for tests of readers
    **dict.fromkeys(["UN_sequence.dcm", "empty_charset_LEI.dcm", "meta_missing_tsyntax.dcm", "nested_priv_SQ.dcm",
                     "no_meta_group_length.dcm", "priv_SQ.dcm", "chrSQEncoding.dcm", "chrSQEncoding1.dcm"],
                    "no SOP class UID"),
    **dict.fromkeys(["MR_truncated.dcm", "rtplan_truncated.dcm", "no_meta.dcm"], "ends too early"),
    # Color Palette Storage: objects of no patient, without a study
    **dict.fromkeys(["fall.dcm", "hotiron.dcm", "hotmetalblue.dcm", "pet.dcm", "pet20step.dcm", "spring.dcm", "summer.dcm",
                     "winter.dcm"], "no study instance UID"),
    # pixel data with hardly a header
    **dict.fromkeys(["HTJ2KLossless_08_RGB.dcm", "HTJ2K_08_RGB.dcm", "JLSL_08_07_0_1F.dcm", "JLSL_16_15_1_1F.dcm"],
                    "no study instance UID"),
    **dict.fromkeys(["JLSL_RGB_ILV0.dcm", "JLSL_RGB_ILV1.dcm", "JLSL_RGB_ILV2.dcm", "JLSN_RGB_ILV0.dcm"],
                    "no SOP instance UID"),
    "bad_sequence.dcm": "not a UID",  # its UIDs are hexadecimal digests
}


def split(content):
    """(file meta as bytes, data set as bytes) of a file that may have neither preamble nor meta."""
    if content[128:132] != b"DICM":
        return b"", content
    at = 132
    while content[at:at + 2] == b"\2\0":
        long_form = content[at + 4:at + 6] in (b"OB", b"UN", b"SQ", b"UT", b"OW")
        length = struct.unpack_from("<I", content, at + 8)[0] if long_form else struct.unpack_from("<H", content, at + 6)[0]
        at += (12 if long_form else 8) + length
    return content[132:at], content[at:]


@contextlib.contextmanager
def reading(guessing):
    """How pydicom reads elements of VR UN: by its dictionary, or as they stand. It is a setting of the whole process."""
    before = pydicom.config.replace_un_with_known_vr
    pydicom.config.replace_un_with_known_vr = guessing
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        pydicom.config.replace_un_with_known_vr = before


def whole(ds):
    """With every element converted, which is else done when it is asked for."""
    for _ in ds.iterall():
        pass
    return ds


class Sample:
    """A file: what it is by its own data set, and the data set's bytes."""

    def __init__(self, path):
        self.path, self.name = path, path.name

    def __repr__(self):
        return self.name

    @cached_property
    def data(self):
        return split(self.path.read_bytes())[1]

    @cached_property
    def ds(self):
        with reading(guessing=True):
            return whole(pydicom.dcmread(self.path, force=True))

    @cached_property
    def plain(self):
        """The same with UN left as bytes, which no conversion changes."""
        with reading(guessing=False):
            return whole(pydicom.dcmread(self.path, force=True))

    @cached_property
    def syntax(self):
        said = getattr(self.ds, "file_meta", {}).get("TransferSyntaxUID")
        if said:
            return str(said)
        if self.ds.is_implicit_VR:
            return str(ImplicitVRLittleEndian)
        return str(ExplicitVRLittleEndian if self.ds.is_little_endian else ExplicitVRBigEndian)

    def uid(self, keyword):
        return str(self.ds.get(keyword) or "")

    @cached_property
    def sop_class(self):
        return self.uid("SOPClassUID")

    @cached_property
    def instance(self):
        return self.uid("SOPInstanceUID")

    @cached_property
    def series(self):
        return self.uid("SeriesInstanceUID")

    @cached_property
    def study(self):
        return self.uid("StudyInstanceUID")


ALL = [Sample(path) for path in SAMPLES]
STORABLE = [s for s in ALL if s.name not in NOT_STORABLE]
REFUSED = [s for s in ALL if s.name in NOT_STORABLE]


def shelves():
    """The storable samples in groups in which no SOP instance UID stands twice."""
    out, taken = [], {}
    for s in STORABLE:
        n = taken.get(s.instance, 0)
        taken[s.instance] = n + 1
        if n == len(out):
            out.append([])
        out[n].append(s)
    return out
