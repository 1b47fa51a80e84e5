/* A site's own inventory as CSV, in English or Italian: what the site knows of its systems. Never
 * taken for another table by looking: who says so matters. */
#include "base/size.h"
#include "survey/source/import/table.h"

static const struct column columns[] = {
    {"address", COLUMN_IP, EV_NONE},
    {"ip", COLUMN_IP, EV_NONE},
    {"ip_address", COLUMN_IP, EV_NONE},
    {"indirizzo", COLUMN_IP, EV_NONE},
    {"indirizzo_ip", COLUMN_IP, EV_NONE},
    {"port", COLUMN_PORT, EV_NONE},
    {"porta", COLUMN_PORT, EV_NONE},
    {"name", COLUMN_FACT, EV_hostname},
    {"hostname", COLUMN_FACT, EV_hostname},
    {"nome", COLUMN_FACT, EV_hostname},
    {"nome_host", COLUMN_FACT, EV_hostname},
    {"maker", COLUMN_FACT, EV_maker},
    {"manufacturer", COLUMN_FACT, EV_maker},
    {"vendor", COLUMN_FACT, EV_maker},
    {"produttore", COLUMN_FACT, EV_maker},
    {"costruttore", COLUMN_FACT, EV_maker},
    {"fabbricante", COLUMN_FACT, EV_maker},
    {"marca", COLUMN_FACT, EV_maker},
    {"model", COLUMN_FACT, EV_model},
    {"modello", COLUMN_FACT, EV_model},
    {"version", COLUMN_FACT, EV_version},
    {"versione", COLUMN_FACT, EV_version},
    {"owner", COLUMN_FACT, EV_owner},
    {"proprietario", COLUMN_FACT, EV_owner},
    {"responsabile", COLUMN_FACT, EV_owner},
    {"zone", COLUMN_FACT, EV_zone},
    {"zona", COLUMN_FACT, EV_zone},
    {"site", COLUMN_FACT, EV_site},
    {"sede", COLUMN_FACT, EV_site},
    {"ospedale", COLUMN_FACT, EV_site},
    {"edificio", COLUMN_FACT, EV_site},
    {"country", COLUMN_FACT, EV_country},
    {"paese", COLUMN_FACT, EV_country},
    {"nazione", COLUMN_FACT, EV_country},
    {"role", COLUMN_FACT, EV_role},
    {"type", COLUMN_FACT, EV_role},
    {"ruolo", COLUMN_FACT, EV_role},
    {"tipo", COLUMN_FACT, EV_role},
    {"mac", COLUMN_FACT, EV_mac},
    {"mac_address", COLUMN_FACT, EV_mac},
    {"indirizzo_mac", COLUMN_FACT, EV_mac},
    {"os", COLUMN_FACT, EV_os},
    {"sistema_operativo", COLUMN_FACT, EV_os},
    {"ae", COLUMN_FACT, EV_dicom_ae},
    {"aet", COLUMN_FACT, EV_dicom_ae},
    {"ae_title", COLUMN_FACT, EV_dicom_ae},
    {"titolo_ae", COLUMN_FACT, EV_dicom_ae},
    {"never_probe", COLUMN_FACT, EV_never_probe},
    {"do_not_probe", COLUMN_FACT, EV_never_probe},
    {"non_sondare", COLUMN_FACT, EV_never_probe},
};

static const struct table_format format = {
    columns, COUNT(columns), BY_SITE, false,
    "the first row names no column for the address: it must be called address, ip or indirizzo"};

const struct importer importer_hosts = {
    .name = "hosts",
    .about =
        "a site's own inventory, CSV: address, name, maker, model, owner, zone, site, role, mac",
    .reader = &table_reader,
    .format = &format,
};
