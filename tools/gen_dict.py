#!/usr/bin/env python3
"""Writes the C tables of the DICOM dictionary and UID registry from data/*.tsv.

usage: gen_dict.py KIND TABLE... -o OUTPUT

KIND: tags (TAG_ names), dict (the dictionary), uid-names (UID_ names), uids (the registry),
syntaxes (transfer syntaxes; tables: uids.tsv transfer-syntaxes.tsv).
"""
import argparse
import csv
import re
import sys

HASH_BITS = 13  # the dictionary's hash table: 8192 places for some 5,300 tags
HASH_FACTOR = 2654435761
ENCODINGS = {'implicit': 'DCM_IMPLICIT_LE', 'explicit': 'DCM_EXPLICIT_LE', 'big': 'DCM_EXPLICIT_BE'}
UID_TYPES = {
    'SOP Class': 'SOP_CLASS', 'Meta SOP Class': 'META_SOP_CLASS',
    'Transfer Syntax': 'TRANSFER_SYNTAX', 'Well-known SOP Instance': 'WELL_KNOWN_INSTANCE',
    'Well-known frame of reference': 'WELL_KNOWN_INSTANCE',
    'Synchronization Frame of Reference': 'WELL_KNOWN_INSTANCE', 'Service Class': 'SERVICE_CLASS',
}
# A storage SOP class is named so: "CT Image Storage", "... Storage - For Processing", "Stored Print
# Storage SOP Class". The classes of the storage arc whose names were withdrawn are taken for such too.
STORAGE_NAME = re.compile(r'Storage( - (For Presentation|For Processing|Trial))?( SOP Class)?$')
STORAGE_ARC = '1.2.840.10008.5.1.4.1.1.'
NOT_STORED = {'MediaStorageDirectoryStorage'}  # a DICOMDIR is exchanged on media only (PS3.10)


def fail(message):
    sys.exit('gen_dict.py: ' + message)


def read_table(path):
    with open(path, encoding='utf-8', newline='') as f:
        lines = [line for line in f if not line.startswith('#')]
    return list(csv.DictReader(lines, delimiter='\t', quoting=csv.QUOTE_NONE))


def c_string(s):
    """A C literal; what is not plain ASCII as octal escapes, which cannot run on into a digit."""
    out = ''
    for b in s.encode('utf-8'):
        out += chr(b) if 0x20 <= b < 0x7f and chr(b) not in '"\\?' else '\\%03o' % b
    return '"%s"' % out


def size(s):
    return len(s.encode('utf-8'))


class Pool:
    """Many texts in one array, so that the tables hold offsets and need no relocation."""

    def __init__(self):
        self.parts, self.at = [], 0

    def add(self, *texts):
        start = self.at
        for t in texts:
            self.parts.append(t)
            self.at += size(t)
        return start

    def write(self, out, name):
        out.write('#pragma GCC diagnostic push\n'
                  '#pragma GCC diagnostic ignored "-Woverlength-strings"\n')
        out.write('static const char %s[] =\n' % name)
        for p in self.parts:
            out.write('    %s\n' % c_string(p))
        out.write('    ;\n#pragma GCC diagnostic pop\n\n')


def elements(path):
    """Rows of the dictionary that name an element: (first tag, step, last tag, row). The rows that
    give a rule (private creators, group lengths) are in dict.c."""
    found = []
    for row in read_table(path):
        if row['source'] in ('GENERIC', 'ILLEGAL', 'PRIVATE'):
            continue
        group, element = row['tag'].split(',')
        g = [int(x, 16) for x in group.split('-')]
        e = [int(x, 16) for x in element.split('-')]
        if len(g) > 2 or len(e) > 2 or not re.fullmatch(r'[A-Za-z][A-Za-z0-9]*', row['keyword']):
            fail('cannot read the row of ' + row['tag'])
        found.append(((g[0], g[-1]), (e[0], e[-1]), row))
    found.sort(key=lambda x: (x[0], x[1]))
    return found


def first_tag(entry):
    return entry[0][0] << 16 | entry[1][0]


def write_tags(out, path):
    out.write('#ifndef LASTRA_DICOM_TAGS_H\n#define LASTRA_DICOM_TAGS_H\n\n')
    for entry in elements(path):
        out.write('#define TAG_%s 0x%08Xu\n' % (entry[2]['keyword'], first_tag(entry)))
    out.write('\n#endif\n')


def hash_places(tags):
    places = [0] * (1 << HASH_BITS)
    for i, tag in enumerate(tags):
        at = (tag * HASH_FACTOR & 0xffffffff) >> (32 - HASH_BITS)
        while places[at]:
            at = (at + 1) % len(places)
        places[at] = i + 1
    return places


def numbers(out, ctype, name, values):
    out.write('static const %s %s[] = {\n' % (ctype, name))
    for i in range(0, len(values), 16):
        out.write('    %s,\n' % ', '.join(map(str, values[i:i + 16])))
    out.write('};\n\n')


def write_dict(out, path):
    entries = elements(path)
    single = [e for e in entries if e[0][0] == e[0][1] and e[1][0] == e[1][1]]
    ranges = [e for e in entries if e not in single]
    if len(single) > 0.8 * (1 << HASH_BITS):
        fail('the dictionary has outgrown its hash table: raise HASH_BITS')
    pool, vms = Pool(), sorted({e[2]['vm'] for e in entries})
    rows = single + ranges  # ranges stand at the end, in this order
    lines = []
    for e in rows:
        r = e[2]
        lines.append("    {0x%08X, %d, VR('%s', '%s'), %d, %d, %d, %d},\n" % (
            first_tag(e), pool.add(r['keyword'], r['name']), r['vr'][0], r['vr'][1],
            size(r['keyword']), size(r['name']), vms.index(r['vm']), bool(r['retired'])))
    pool.write(out, 'dict_text')
    out.write('static const struct str dict_vms[] = {\n')
    for vm in vms:
        out.write('    STR_INIT("%s"),\n' % vm)
    out.write('};\n\nstatic const struct dict_row dict_rows[] = {\n%s};\n\n' % ''.join(lines))
    out.write('/* Repeating groups and elements: row, last group, last element. */\n')
    out.write('static const struct dict_range dict_ranges[] = {\n')
    for i, e in enumerate(ranges):
        out.write('    {%d, 0x%04X, 0x%04X},\n' % (len(single) + i, e[0][1], e[1][1]))
    out.write('};\n\nenum { DICT_HASH_BITS = %d };\n' % HASH_BITS)
    out.write('#define DICT_HASH_FACTOR %uu\n' % HASH_FACTOR)
    out.write('/* Row + 1 by hash of the tag, 0: empty. */\n')
    numbers(out, 'uint16_t', 'dict_places', hash_places([first_tag(e) for e in single]))
    order = sorted(range(len(rows)), key=lambda i: rows[i][2]['keyword'].encode())
    out.write('/* Rows in the order of their keywords. */\n')
    numbers(out, 'uint16_t', 'dict_by_keyword', order)


def uids(path):
    rows = read_table(path)
    rows.sort(key=lambda r: r['uid'].encode())
    return rows


def is_storage(row):
    if row['type'] != 'SOP Class' or row['keyword'] in NOT_STORED:
        return False
    if not row['name']:
        return row['uid'].startswith(STORAGE_ARC)
    return bool(STORAGE_NAME.search(row['name']))


def write_uid_names(out, path):
    out.write('#ifndef LASTRA_DICOM_UIDS_H\n#define LASTRA_DICOM_UIDS_H\n\n')
    for r in uids(path):
        if r['keyword']:
            out.write('#define UID_%s "%s"\n' % (r['keyword'], r['uid']))
    out.write('\n#endif\n')


def write_uids(out, path):
    rows, pool, lines = uids(path), Pool(), []
    for r in rows:
        lines.append('    {%d, %d, %d, %d, DCM_UID_%s, %d, %d},\n' % (
            pool.add(r['uid'], r['keyword'], r['name']), size(r['uid']), size(r['keyword']),
            size(r['name']), UID_TYPES.get(r['type'], 'OTHER'), r['retired'] == 'Retired',
            is_storage(r)))
    pool.write(out, 'uid_text')
    out.write('static const struct uid_row uid_rows[] = {\n%s};\n\n' % ''.join(lines))
    order = sorted(range(len(rows)), key=lambda i: rows[i]['keyword'].encode())
    numbers(out, 'uint16_t', 'uid_by_keyword', order)


def write_syntaxes(out, uid_path, path):
    known = {r['keyword']: r for r in uids(uid_path) if r['type'] == 'Transfer Syntax'}
    table = {r['keyword']: r for r in read_table(path)}
    if set(known) != set(table):
        fail('transfer-syntaxes.tsv and uids.tsv differ in ' +
             ' '.join(sorted(set(known) ^ set(table))))
    out.write('static const struct dcm_ts ts_rows[] = {\n')
    for keyword, r in sorted(known.items(), key=lambda x: x[1]['uid'].encode()):
        t = table[keyword]
        out.write('    {STR_INIT("%s"), STR_INIT(%s), %s, DCM_PIXELS_%s, %d, %d, %d},\n' % (
            r['uid'], c_string(r['name']), ENCODINGS[t['encoding']], t['pixels'].upper(),
            t['deflated'] == 'deflated', t['lossy'] == 'lossy', r['retired'] == 'Retired'))
    out.write('};\n')


KINDS = {'tags': write_tags, 'dict': write_dict, 'uid-names': write_uid_names, 'uids': write_uids,
         'syntaxes': write_syntaxes}


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument('kind', choices=KINDS)
    p.add_argument('tables', nargs='+')
    p.add_argument('-o', dest='output', required=True)
    a = p.parse_args()
    with open(a.output, 'w', encoding='ascii', newline='\n') as out:
        out.write('/* Generated by tools/gen_dict.py; edit the tables in data/ instead. */\n')
        KINDS[a.kind](out, *a.tables)


if __name__ == '__main__':
    main()
