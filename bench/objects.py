"""Makes DICOM files for benchmarks and soak tests: many, quickly, and the same every time."""

import os
import struct

EXPLICIT_LE = "1.2.840.10008.1.2.1"
CT_IMAGE = "1.2.840.10008.5.1.4.1.1.2"
ROOT = "1.2.826.0.1.3680043.10.1474"  # a test root; these objects never leave the machine

LONG_VRS = {"OB", "OW", "SQ", "UN", "UT", "OF", "OD", "OL", "OV", "UC", "UR"}


def element(group, number, vr, value):
    if isinstance(value, str):
        value = value.encode()
    if isinstance(value, int):
        value = struct.pack("<H", value)
    if len(value) % 2:
        value += b"\0" if vr in ("UI", "OB", "UN") else b" "
    head = struct.pack("<HH2s", group, number, vr.encode())
    if vr in LONG_VRS:
        return head + struct.pack("<HI", 0, len(value)) + value
    return head + struct.pack("<H", len(value)) + value


def file_meta(sop_class, instance, syntax=EXPLICIT_LE):
    body = (
        element(2, 1, "OB", b"\0\1")
        + element(2, 2, "UI", sop_class)
        + element(2, 3, "UI", instance)
        + element(2, 0x10, "UI", syntax)
        + element(2, 0x12, "UI", ROOT + ".1")
    )
    return b"\0" * 128 + b"DICM" + element(2, 0, "UL", struct.pack("<I", len(body))) + body


def uids(study, series=1, instance=1):
    s = f"{ROOT}.9.{study}"
    return s, f"{s}.{series}", f"{s}.{series}.{instance}"


def data_set(study, series, instance, rows, columns, pixels, patient=None):
    study_uid, series_uid, instance_uid = uids(study, series, instance)
    patient = patient or study
    names = ("MÜLLER^ANNA", "ROSSI^GIOVANNI", "SMITH^JOHN", "GARCÍA^MARÍA", "NGUYEN^VAN", "DUPONT^CHLOÉ")
    return (
        element(8, 5, "CS", "ISO_IR 192")
        + element(8, 8, "CS", "ORIGINAL\\PRIMARY\\AXIAL")
        + element(8, 0x16, "UI", CT_IMAGE)
        + element(8, 0x18, "UI", instance_uid)
        + element(8, 0x20, "DA", f"20{10 + study % 15:02d}{1 + study % 12:02d}{1 + study % 28:02d}")
        + element(8, 0x30, "TM", f"{study % 24:02d}{instance % 60:02d}00")
        + element(8, 0x50, "SH", f"A{study:07d}")
        + element(8, 0x60, "CS", "CT")
        + element(8, 0x70, "LO", "Bench")
        + element(8, 0x90, "PN", "REFERRER^ONE")
        + element(8, 0x1030, "LO", "CT ABDOMEN")
        + element(8, 0x103E, "LO", "AXIAL 5MM")
        + element(0x10, 0x10, "PN", names[patient % len(names)] + str(patient))
        + element(0x10, 0x20, "LO", f"P{patient:07d}")
        + element(0x10, 0x30, "DA", f"19{30 + patient % 70:02d}0101")
        + element(0x10, 0x40, "CS", "F" if patient % 2 else "M")
        + element(0x18, 0x50, "DS", "5.0")
        + element(0x20, 0x0D, "UI", study_uid)
        + element(0x20, 0x0E, "UI", series_uid)
        + element(0x20, 0x10, "SH", str(study))
        + element(0x20, 0x11, "IS", str(series))
        + element(0x20, 0x13, "IS", str(instance))
        + element(0x28, 2, "US", 1)
        + element(0x28, 4, "CS", "MONOCHROME2")
        + element(0x28, 0x10, "US", rows)
        + element(0x28, 0x11, "US", columns)
        + element(0x28, 0x100, "US", 16)
        + element(0x28, 0x101, "US", 16)
        + element(0x28, 0x102, "US", 15)
        + element(0x28, 0x103, "US", 0)
        + element(0x7FE0, 0x10, "OW", pixels)
    ), instance_uid


def write_file(path, study, series=1, instance=1, rows=512, columns=512, patient=None):
    """One CT image of rows x columns 16-bit pixels, its pixels telling which one it is."""
    stamp = struct.pack("<QQ", study, instance)
    size = rows * columns * 2
    pixels = (stamp * (size // len(stamp) + 1))[:size]
    data, uid = data_set(study, series, instance, rows, columns, pixels, patient)
    with open(path, "wb") as f:
        f.write(file_meta(CT_IMAGE, uid) + data)
    return uid


def slices(folder, count, rows=512, columns=512, first_study=1):
    """One study of `count` slices; 512 x 512 makes 525 kB each."""
    os.makedirs(folder, exist_ok=True)
    for i in range(1, count + 1):
        write_file(os.path.join(folder, f"{i:06d}.dcm"), first_study, 1, i, rows, columns)


def studies(folder, count, rows=62, columns=62, first_study=1):
    """`count` studies of one small image; 62 x 62 makes 8 kB each."""
    os.makedirs(folder, exist_ok=True)
    for i in range(count):
        write_file(os.path.join(folder, f"{i:06d}.dcm"), first_study + i, 1, 1, rows, columns)
