#!/usr/bin/env python3
"""Writes the C table of fingerprints from data/fingerprints.tsv.

usage: gen_fingerprints.py TABLE CATEGORIES -o OUTPUT

CATEGORIES: src/survey/identify/category.def, for the check that every category is known.
"""
import argparse
import csv
import re
import sys

# Which kinds of facts a layer looks at; a layer that is not here is itself the name of a kind.
LAYERS = {
    'dicom_class_uid': ['dicom_class_uid', 'dicom_client_class_uid'],
    'dicom_version_name': ['dicom_version_name', 'dicom_client_version'],
    'dicom_ae': ['dicom_ae', 'dicom_client_ae'],
    'dicom_pdu': ['raw_dicom'],
    'shodan_data': ['raw_banner', 'banner'],
    'hl7_mllp': ['raw_hl7', 'raw_banner', 'banner'],
    'tcp_banner': ['raw_banner', 'banner'],
    'telnet_banner': ['raw_banner', 'banner'],
    'http_header': ['http_header', 'raw_http_header'],
    'http_body': ['raw_http_body'],
    'name': ['said_product', 'said_cpe', 'model', 'fhir_software', 'hl7_app'],
    'oui': ['mac'],
    'port': [],
    'correlation': [],
}
# Kinds with long values of any text: their literals are looked for in an automaton of their own.
TEXT = {'raw_dicom', 'raw_http_body', 'raw_hl7', 'raw_banner', 'raw_http_header', 'banner'}
MATCHES = ['exact', 'exact_ci', 'prefix', 'substring', 'substring_ci', 'word', 'any', 'all', 'regex', 'regex_ci', 'hexregex', 'rule']
CONFIDENCE = {'high': 'CONF_high', 'medium': 'CONF_medium', 'low': 'CONF_low'}
LITERAL_MIN = 3  # TEXT_MIN of src/survey/identify/texts.h: what a row's text must have to be looked for
ESCAPES = {'r': '\r', 'n': '\n', 't': '\t', '\\': '\\'}


def fail(message):
    sys.exit('gen_fingerprints.py: ' + message)


def read_table(path):
    with open(path, encoding='utf-8', newline='') as f:
        lines = [line for line in f if not line.startswith('#')]
    return list(csv.DictReader(lines, delimiter='\t', quoting=csv.QUOTE_NONE))


def read_categories(path):
    with open(path, encoding='utf-8') as f:
        found = re.findall(r'^CATEGORY\((\w+), (\w+), (\w+), (\w+)\)', f.read(), re.M)
    return {name: (role, kind, never) for name, role, kind, never in found}


def c_bytes(b):
    """Bytes as a C literal; what is not plain ASCII as octal escapes, which cannot run on into a digit."""
    out = ''
    for c in b:
        out += chr(c) if 0x20 <= c < 0x7f and chr(c) not in '"\\?' else '\\%03o' % c
    return 'STR_INIT("%s")' % out


def c_text(s):
    return c_bytes(s.encode('utf-8'))


def unescape(s):
    """Bytes of a text with \\xNN, \\r, \\n, \\t and \\\\."""
    out, i = b'', 0
    while i < len(s):
        if s[i] == '\\' and s[i + 1:i + 2] == 'x':
            out += bytes([int(s[i + 2:i + 4], 16)])
            i += 4
        elif s[i] == '\\' and s[i + 1:i + 2] in ESCAPES:
            out += ESCAPES[s[i + 1]].encode()
            i += 2
        else:
            out += s[i].encode('utf-8')
            i += 1
    return out


def hex_regex(pattern):
    """'^02 00 .. (01|02)' as an expression over bytes."""
    out = ''
    for part in re.findall(r'\.\.|[0-9a-fA-F]{2}|\[[^]]*\]|[0-9a-fA-F]\[[^]]*\]|[\^$()|+*?]|\s+|.', pattern):
        if part == '..':
            out += r'[\s\S]'
        elif re.fullmatch(r'[0-9a-fA-F]{2}', part):
            out += '\\x' + part.lower()
        elif re.fullmatch(r'[0-9a-fA-F]\[[0-9a-fA-F]-[0-9a-fA-F]\]', part):
            out += '[\\x%s%s-\\x%s%s]' % (part[0], part[2], part[0], part[4])
        elif part in '^$()|+*?':
            out += part
        elif not part.isspace():
            fail('cannot read %r in the bytes %s' % (part, pattern))
    return out


CLASS = re.compile(r'\[\^?\]?(?:\\.|[^\]\\])*\]')
QUANTIFIER = re.compile(r'[*?+]|\{\d+(?:,\d*)?\}')


def literal_char(regex, i):
    """(the byte that regex[i:] surely begins with or None, how long it is written)."""
    c = regex[i]
    if c == '\\':
        if regex[i + 1] == 'x':
            return bytes([int(regex[i + 2:i + 4], 16)]), 4
        return (None, 2) if regex[i + 1].isalnum() else (regex[i + 1].encode(), 2)
    if c == '[':
        return None, len(CLASS.match(regex, i).group())
    return (None, 1) if c in '^$.|' else (c.encode('utf-8'), 1)


def skip_group(regex, i):
    """The index past the group that begins at i."""
    depth = 0
    while i < len(regex):
        if regex[i] in '([':
            if regex[i] == '[':
                i = CLASS.match(regex, i).end()
                continue
            depth += 1
        elif regex[i] == ')':
            depth -= 1
            if depth == 0:
                return i + 1
        i += 2 if regex[i] == '\\' else 1
    fail('a group is not closed in ' + regex)


def required(regex):
    """The longest text that stands in everything that the expression matches; empty when none is sure."""
    runs, run, i = [], b'', 0
    while i < len(regex):
        if regex[i] == '|':
            return b''
        if regex[i] == '(':
            i, char = skip_group(regex, i), None
        else:
            char, size = literal_char(regex, i)
            i += size
        q = QUANTIFIER.match(regex, i)
        if q:
            i = q.end()
            char = None
            while regex[i:i + 1] in ('?', '+'):
                i += 1
        if char is None:
            runs.append(run)
            run = b''
        else:
            run += char
    best = max(runs + [run], key=len)
    return best if len(best) >= LITERAL_MIN else b''


class Row:
    def __init__(self, row, categories):
        self.row, self.id = row, row['id']
        if row['match'] not in MATCHES:
            self.fail('no such match: ' + row['match'])
        if row['category'] not in categories:
            self.fail('no such category: ' + row['category'])
        if row['confidence'] not in CONFIDENCE or row['needs'] not in ('', 'second'):
            self.fail('confidence or needs')
        if not row['example'] or not row['source']:
            self.fail('an example and a source are wanted')
        self.role, self.type, self.never = categories[row['category']]
        self.regex = self.make_regex()
        self.texts = self.make_texts()
        self.example = bytes.fromhex(row['example']) if row['match'] == 'hexregex' else unescape(row['example'])

    def fail(self, message):
        fail('%s: %s' % (self.id, message))

    def make_regex(self):
        kind, pattern = self.row['match'], self.row['pattern']
        if kind == 'hexregex':
            return hex_regex(pattern)
        return pattern if kind in ('regex', 'regex_ci') else ''

    def make_texts(self):
        """What is looked for in a value before anything else, for `all` the rest after it."""
        kind, pattern, layer = self.row['match'], self.row['pattern'], self.row['layer']
        if layer in ('port', 'correlation'):
            return []
        if layer == 'oui':
            return [re.sub('[^0-9a-f]', '', pattern.lower()).encode()]
        if self.regex:
            found = required(self.regex)
            return [found] if found else []
        parts = {'any': ' || ', 'all': ' && '}.get(kind)
        texts = [p.encode('utf-8') for p in (pattern.split(parts) if parts else [pattern])]
        if min(map(len, texts)) < LITERAL_MIN:
            self.fail('a text of fewer than %d bytes' % LITERAL_MIN)
        return texts

    def is_text(self):
        return bool(TEXT & set(LAYERS.get(self.row['layer'], [])))

    def write(self, out):
        r = self.row
        fields = ['id', 'layer', 'match', 'pattern', 'vendor', 'product', 'category', 'version_rule', 'cpe', 'source', 'note', 'built_with']
        out.write('    {%s,\n     %s, %s, %s, ROLE_%s, TYPE_%s, %s},\n' % (
            ',\n     '.join('.%s = %s' % (f, c_text(r[f])) for f in fields), '.example = ' + c_bytes(self.example),
            CONFIDENCE[r['confidence']], 'true' if r['needs'] else 'false', self.role, self.type, self.never))


def write_layers(out, rows):
    layers = list(dict.fromkeys(r.row['layer'] for r in rows))
    if len(layers) > 32:
        fail('more than 32 layers')
    kinds = {}
    for i, layer in enumerate(layers):
        for kind in LAYERS.get(layer, [layer]):
            kinds[kind] = kinds.get(kind, 0) | 1 << i
    out.write('/* The layers, as bits, that look at a kind of fact. */\nstatic const uint32_t fp_layers_of_kind[EV_KINDS] = {\n')
    for kind, bits in sorted(kinds.items()):
        out.write('    [EV_%s] = 0x%x,\n' % (kind, bits))
    out.write('};\n\n')
    return {layer: 1 << i for i, layer in enumerate(layers)}


def write_rows(out, rows, layers):
    out.write('static const struct fingerprint fp_rows[] = {\n')
    for r in rows:
        r.write(out)
    out.write('};\n\n/* How each row is matched: layer, match, its texts, its expression. */\n')
    out.write('static const struct fp_plan fp_plans[] = {\n')
    texts = []
    for r in rows:
        sought = len(r.texts) if r.row['match'] == 'any' else min(1, len(r.texts))
        out.write('    {0x%x, FP_%s, %s, %d, %d, %d, %s},\n' % (
            layers[r.row['layer']], r.row['match'], 'true' if r.is_text() else 'false', len(texts), len(r.texts),
            sought, c_text(r.regex)))
        texts += r.texts
    out.write('};\n\nstatic const struct str fp_texts[] = {\n')
    for t in texts:
        out.write('    %s,\n' % c_bytes(t))
    out.write('};\n')


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument('table')
    p.add_argument('categories')
    p.add_argument('-o', dest='output', required=True)
    a = p.parse_args()
    categories = read_categories(a.categories)
    rows = [Row(r, categories) for r in read_table(a.table)]
    ids = [r.id for r in rows]
    if len(set(ids)) != len(ids) or ids != sorted(ids):
        fail('ids are not in order, or one stands twice')
    with open(a.output, 'w', encoding='ascii', newline='\n') as out:
        out.write('/* Generated by tools/gen_fingerprints.py; edit data/fingerprints.tsv instead. */\n')
        write_rows(out, rows, write_layers(out, rows))


if __name__ == '__main__':
    main()
