/* CSV of any search engine or scanner: the first row names the columns. */
#include "base/size.h"
#include "survey/source/import/table.h"

static const struct column columns[] = {
    {"ip", COLUMN_IP, EV_NONE},
    {"ip_str", COLUMN_IP, EV_NONE},
    {"ip_address", COLUMN_IP, EV_NONE},
    {"address", COLUMN_IP, EV_NONE},
    {"saddr", COLUMN_IP, EV_NONE},
    {"indirizzo", COLUMN_IP, EV_NONE},
    {"indirizzo_ip", COLUMN_IP, EV_NONE},
    {"port", COLUMN_PORT, EV_NONE},
    {"sport", COLUMN_PORT, EV_NONE},
    {"porta", COLUMN_PORT, EV_NONE},
    {"timestamp", COLUMN_TIME, EV_NONE},
    {"last_seen", COLUMN_TIME, EV_NONE},
    {"lastupdatetime", COLUMN_TIME, EV_NONE},
    {"product", COLUMN_PRODUCT, EV_NONE},
    {"prodotto", COLUMN_PRODUCT, EV_NONE},
    {"version", COLUMN_PRODUCT_VERSION, EV_NONE},
    {"versione", COLUMN_PRODUCT_VERSION, EV_NONE},
    {"data", COLUMN_BANNER, EV_NONE},
    {"banner", COLUMN_BANNER, EV_NONE},
    {"raw_banner", COLUMN_BANNER, EV_NONE},
    {"title", COLUMN_FACT, EV_http_title},
    {"titolo", COLUMN_FACT, EV_http_title},
    {"server", COLUMN_FACT, EV_http_header},
    {"status_code", COLUMN_FACT, EV_http_status},
    {"host", COLUMN_FACT, EV_hostname},
    {"hostnames", COLUMN_FACT, EV_hostname},
    {"domain", COLUMN_FACT, EV_hostname},
    {"country_code", COLUMN_FACT, EV_country},
    {"paese", COLUMN_FACT, EV_country},
    {"citta", COLUMN_FACT, EV_city},
    {"org", COLUMN_FACT, EV_organisation},
    {"organization", COLUMN_FACT, EV_organisation},
    {"isp", COLUMN_FACT, EV_organisation},
    {"cpe", COLUMN_FACT, EV_said_cpe},
    {"cve", COLUMN_FACT, EV_said_cve},
    {"tag", COLUMN_FACT, EV_said_tag},
    {"tags", COLUMN_FACT, EV_said_tag},
    {"favicon_hash", COLUMN_FACT, EV_favicon_mmh3},
    {"icon_hash", COLUMN_FACT, EV_favicon_mmh3},
};

static const struct table_format format = {
    columns, COUNT(columns), BY_ENGINE, true,
    "the first row names no column for the address: it must be called ip or address"};

static unsigned looks(struct str head)
{
    return table_looks(&format, head) ? 60 : 0;
}

const struct importer importer_csv = {
    .name = "csv",
    .about =
        "CSV: columns named ip, port, product, version, title, banner or as a kind of evidence",
    .looks = looks,
    .reader = &table_reader,
    .format = &format,
};
