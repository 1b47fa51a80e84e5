#!/usr/bin/env python3
"""data/advisories.tsv from a table whose rows name several products at once.

    gen_advisories.py SOURCE.tsv > data/advisories.tsv

SOURCE has a row a vulnerability, with its products and their ranges run together ("Vue Motion <= 12.2.1.5 ;
Vue PACS <= 12.2.x.x"). Here each product gets its row and its range alone, so that the program need not guess
where a name ends. What the source cut short keeps its product with the range '?', which reads as unknown; a name cut short is left out.
"""
import csv
import re
import sys

COLUMNS = ['cve', 'vendor', 'product', 'range', 'fixed', 'cvss', 'cvss_source', 'advisory', 'kev', 'core', 'category',
           'source', 'confidence', 'note']
PRODUCT_CUT, RANGE_CUT = 140, 300
# Where a range begins inside "PRODUCT RANGE" when the product's own text does not tell.
OPERATOR = re.compile(r'\s*(vers:|<=|>=|<|>|\*|all \(see|all$)')
ENDING = re.compile(r'\s+((?:[vVR]?\d[\w.]*|[A-Z]\.\d[\w.]*)(?:\s*\|\s*[\w.]+)*)$')
VERSIONED = re.compile(r'^(.*\S)\s+((?:\d+\.)+(?:\d+|x))$')
# A name that goes on where the list of products was cut.
LONGER = re.compile(r'^((?:[A-Za-z][\w-]*\s+)+)(vers:.*|[<>=].*|\*.*)$')
VENDORS = {'Innokas Yhtym\u00c3\u00a4 Oy': 'Innokas Yhtym\u00e4 Oy', 'Phillips': 'Philips'}
# ICSMA-18-086-01 is about one product, whose name stands in the title only.
PRODUCTS = {('ICSMA-18-086-01', 'Version'): 'Alice 6 System'}
# What a reader of the source knows and its text does not say plainly.
RANGES = {'4.3.0 (per CVE record); treat <4.4.0': '<4.4.0',
          '5.35.1 (record lists only 5.35.1 as affected)': '5.35.1',
          '1995-2019b and current': '*',
          '(Release 1.3.2 1.4.0 1.4.1 1.4.3 1.4.5)': '1.3.2|1.4.0|1.4.1|1.4.3|1.4.5', 'A10 < A11': '< A11',
          '01-03,01-04,01-05,01-06,02-10,02-11,02-40': '01-03|01-04|01-05|01-06|02-10|02-11|02-40'}


def named(item, products):
    """(product, range) of one item by the longest product that it begins with."""
    for p in sorted(products, key=len, reverse=True):
        if item == p or item.startswith(p + ' ') or item.startswith(p + '<') or item.startswith(p + '>'):
            return p, item[len(p):].strip()
    return None


def split_item(item, products, cut, cut_list):
    """(product, range) of "PRODUCT RANGE"."""
    found = named(item, products)
    m = LONGER.match(found[1]) if found else None
    if m and cut_list:
        return found[0] + ' ' + m.group(1).strip(), m.group(2)
    if found:
        return found[0], found[1] or ('?' if cut else '*')
    if len(products) == 1 and item[:1].isdigit():
        return None, item
    m = OPERATOR.search(item)
    if m and m.start() > 0:
        return item[:m.start()].strip(), item[m.start():].strip()
    if m:
        return None, item
    m = ENDING.search(item)
    if m and not cut:
        return item[:m.start()].strip(), m.group(1)
    return item, '?'


def unversioned(product, affected):
    """A version at the end of a product's name that is affected as a whole is its range."""
    m = VERSIONED.match(product)
    if m and affected in ('vers:all/*', '*'):
        return m.group(1), m.group(2)
    return product, affected


def split_row(row):
    """[(product, range)] of a row of the source."""
    text, column = row['affected_range_text'], row['product']
    text = RANGES.get(text, text).replace(' distributed ', ' ')
    text = re.sub(r'([a-z]+ \d+), (\d{4})', r'\1 \2', text)
    products = [p.strip() for p in column.split(';') if p.strip()]
    if len(column) >= PRODUCT_CUT - 1 and products:
        products.pop()
    items = [i.strip() for i in text.rstrip(' ;').split(' ; ') if i.strip()]
    out = []
    for n, item in enumerate(items):
        cut = len(text) >= RANGE_CUT - 1 and n == len(items) - 1
        product, affected = split_item(item, products, cut, len(column) >= PRODUCT_CUT - 7)
        if product is None or not named(item, products) and len(products) == 1 and OPERATOR.match(item):
            product, affected = (products or [column])[0], item
        # A name that was cut short is nobody's.
        if cut and affected == '?' and product not in products:
            continue
        affected = re.sub(r' model \w+$', '', RANGES.get(affected, affected))
        out.append(unversioned(product, affected))
    return out


def plain_row(row):
    """Rows of CVE records hold the range alone."""
    text = row['affected_range_text']
    return [(row['product'], RANGES.get(text, text))]


def rows_of(row):
    merged = {}
    for product, affected in (split_row if row['source'].startswith('cisagov/CSAF') else plain_row)(row):
        ranges = merged.setdefault(product, [])
        if affected not in ranges:
            ranges.append(affected)
    for product, ranges in merged.items():
        yield {'cve': row['cve'], 'vendor': VENDORS.get(row['vendor'], row['vendor']), 'product': PRODUCTS.get((row['advisory'], product), product), 'range': ' ; '.join(ranges),
               'fixed': row['fixed_in'], 'cvss': row['cvss_base'], 'cvss_source': row['cvss_source'],
               'advisory': row['advisory'], 'kev': row['kev'], 'core': row['core'], 'category': row['category'],
               'source': row['source'], 'confidence': row['confidence'], 'note': row['note']}


def main():
    with open(sys.argv[1], encoding='utf-8', newline='') as f:
        source = list(csv.DictReader(f, delimiter='\t', quoting=csv.QUOTE_NONE))
    print('\t'.join(COLUMNS))
    for row in source:
        for out in rows_of(row):
            print('\t'.join((out[c] or '').strip() for c in COLUMNS))


if __name__ == '__main__':
    main()
