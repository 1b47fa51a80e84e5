#include "fixture.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/size.h"

enum { NOW_S = 1795305600 }; /* 2026-11-22 */

/* Shares in thousandths, as the 2022 study had them. */
static const struct {
    const char *code;
    unsigned share;
} countries[] = {{"US", 584}, {"IR", 60}, {"IN", 45}, {"BR", 40}, {"TR", 34},
                 {"IT", 30},  {"AU", 20}, {"DE", 18}, {"FR", 18}, {"ES", 16},
                 {"ZA", 14},  {"MX", 14}, {"GB", 12}, {"CN", 12}, {"NL", 10},
                 {"CA", 10},  {"TW", 9},  {"KR", 9},  {"TH", 8},  {"CO", 8},
                 {"PL", 7},   {"ID", 6},  {"PK", 6},  {"EG", 5},  {"AR", 5}};

static const struct kind_of_system {
    enum sys_type type;
    unsigned of_300;
    const char *vendor, *product, *version, *toolkit, *ports;
    unsigned vulnerable; /* percent, of the product itself */
    const char *cve;
    int cvss;
} kinds[] = {
    {TYPE_pacs, 36, "Carestream", "Vue PACS", "12.1.5", "DCMTK", "104/dicom 443/https", 50,
     "CVE-2021-27501", 98},
    {TYPE_pacs, 16, "Opal-RAD", "PACS", "4.4.0", "", "104/dicom 80/http", 69, "CVE-2022-0001", 75},
    {TYPE_pacs, 30, "Orthanc", "Orthanc", "1.9.7", "DCMTK", "4242/dicom 8042/http", 20,
     "CVE-2023-33466", 88},
    {TYPE_pacs, 22, "dcm4che", "dcm4chee", "5.23.1", "dcm4che", "11112/dicom 8080/http", 0, "", 0},
    {TYPE_pacs, 12, "", "Conquest", "1.4.17", "", "5678/dicom", 10, "CVE-2020-29193", 78},
    {TYPE_pacs, 24, "", "", "", "DCMTK", "104/dicom", 0, "", 0},
    {TYPE_integration_engine, 42, "NextGen", "Mirth Connect", "4.3.0", "", "8443/https 6661/hl7",
     14, "CVE-2023-43208", 98},
    {TYPE_emr, 30, "OpenEMR", "OpenEMR", "5.0.1", "", "443/https 80/http", 31, "CVE-2022-31496",
     88},
    {TYPE_emr, 8, "", "OpenMRS", "2.3.1", "", "8080/http", 20, "CVE-2020-24621", 98},
    {TYPE_ris_lis, 14, "", "RIS", "", "", "443/https", 0, "", 0},
    {TYPE_printer, 12, "Fujifilm", "DryPix", "", "", "104/dicom 80/http", 0, "", 0},
    {TYPE_dispensing, 9, "Omnicell", "Automated dispensing", "", "", "443/https", 0, "", 0},
    {TYPE_modality, 9, "GE HealthCare", "Ultrasound", "", "MergeCOM", "104/dicom", 0, "", 0},
    {TYPE_viewer, 8, "Pixmeo", "OsiriX", "9.0", "DCMTK", "11112/dicom", 0, "", 0},
    {TYPE_fhir, 6, "", "HAPI FHIR", "5.1.0", "", "8080/fhir", 33, "CVE-2023-28465", 86},
    {TYPE_worklist, 4, "", "", "", "DCMTK", "105/dicom", 0, "", 0},
    {TYPE_ecg, 2, "", "", "", "", "80/http", 0, "", 0},
    {TYPE_dicom_toolkit, 12, "", "", "", "DCMTK", "11112/dicom", 0, "", 0},
    {TYPE_unknown_dicom, 4, "", "", "", "", "104/dicom", 0, "", 0},
    {TYPE_honeypot, 2, "", "Dicompot", "", "", "104/dicom", 0, "", 0},
};

static const char *const sites[] = {"Ospedale San Luca", "Clinica Santa Chiara",
                                    "Poliambulatorio Nord", ""};
static const char *const zones[] = {"radiology", "servers", "office", "guest", ""};

struct filling {
    struct inventory *v;
    struct run run;
    unsigned random;
};

/* Numbers that look random and are the same in every run. */
static unsigned chance(struct filling *f)
{
    f->random = f->random * 1664525 + 1013904223;
    return (f->random >> 16) % 100;
}

static struct ip ip_of_number(unsigned n, bool public)
{
    struct ip ip;
    char text[32];
    snprintf(text, sizeof text, public ? "198.41.%u.%u" : "10.20.%u.%u", n / 250, n % 250 + 1);
    if (ip_parse(str_z(text), &ip) != OK)
        abort();
    return ip;
}

static err_t finding(struct filling *f, const struct system *s, const char *kind,
                     enum severity severity, const char *evidence)
{
    struct finding one = {.system = s->id,
                          .kind = str_z(kind),
                          .severity = severity,
                          .level = s->level,
                          .port = s->port,
                          .evidence = str_z(evidence),
                          .cvss = -1};
    return inventory_put_finding(f->v, &one);
}

static err_t vulnerability(struct filling *f, const struct system *s, const char *kind,
                           const char *cve, int cvss, enum match_state state, const char *component)
{
    struct finding one = {.system = s->id,
                          .kind = str_z(kind),
                          .severity = state == STATE_unknown || state == STATE_asserted ? SEV_low
                                      : cvss >= 90 ? SEV_critical
                                      : cvss >= 70 ? SEV_high
                                                   : SEV_medium,
                          .level = s->level,
                          .port = s->port,
                          .evidence = STR("the banner gives the version"),
                          .state = state,
                          .cve = str_z(cve),
                          .cvss_source = STR("CISA CSAF (CVSS:3.1)"),
                          .component = str_z(component),
                          .cvss = cvss,
                          .exploited = cvss >= 98 && state == STATE_confirmed};
    return inventory_put_finding(f->v, &one);
}

static err_t access_findings(struct filling *f, const struct system *s)
{
    if (s->open_calling == 1)
        TRY(finding(f, s, "accepts_any_calling_ae", SEV_high,
                    "accepted an association from the AE title LASTRA-SURVEY"));
    if (s->open_query == 1)
        TRY(finding(f, s, "query_open", SEV_high, "accepted Study Root query"));
    if (s->open_retrieve == 1)
        TRY(finding(f, s, "retrieve_open", SEV_high, "accepted Study Root C-MOVE"));
    if (s->studies > 0)
        TRY(finding(f, s, "studies_reachable", SEV_critical, "a counting query was answered"));
    if (s->web_open == 1)
        TRY(finding(f, s, "web_without_signin", SEV_high, "GET / gave a page with no sign-in"));
    if (s->is_public == 1)
        TRY(finding(f, s, "public_address", SEV_critical, "the address is public"));
    if (s->cleartext == 1 && s->open_calling >= 0)
        TRY(finding(f, s, "cleartext_dicom", SEV_medium, "spoke DICOM without TLS"));
    if (s->clear_fields.n)
        TRY(finding(f, s, "patient_data_in_clear", SEV_high, "PatientName 40 among others"));
    if (s->zone.n && str_eq(s->zone, STR("guest")))
        TRY(finding(f, s, "segmentation_violation", SEV_high,
                    "office 10.30.4.9 reached dicom in guest; the policy denies it"));
    return OK;
}

static void open_it(struct filling *f, const struct kind_of_system *k, struct system *s)
{
    bool dicom = strstr(k->ports, "dicom"), web = strstr(k->ports, "http");
    if (dicom) {
        s->open_calling = chance(f) < 62;
        s->open_called = s->open_calling;
        s->open_query = s->open_calling && k->type == TYPE_pacs ? chance(f) < 70 : 0;
        s->open_retrieve = s->open_query == 1 ? chance(f) < 80 : 0;
        s->open_store = s->open_calling ? chance(f) < 40 : -1;
        s->open_print = k->type == TYPE_printer ? chance(f) < 80 : -1;
        if (s->open_query == 1 && chance(f) < 60) {
            s->studies = 400 + 731 * (int64_t)chance(f);
            s->images = s->studies * 17;
        }
    }
    if (web)
        s->web_open = chance(f) < 18;
    s->cleartext = dicom || strstr(k->ports, "/http ") || chance(f) < 30;
    s->tls = strstr(k->ports, "https") ? 1 : dicom ? chance(f) < 6 : 0;
    if (dicom && chance(f) < 12) {
        s->clear_fields = STR("PatientName 40, PatientID 40, PatientBirthDate 38, "
                              "StudyDescription 22, ReferringPhysicianName 17, InstitutionName 40");
        s->clear_values = 197;
        s->clear_objects = 40;
    }
}

static err_t evidence_of(struct filling *f, const struct kind_of_system *k, const struct system *s)
{
    struct arena arena = arena_init(1 << 20);
    struct evidence e;
    evidence_init(&e, &arena);
    err_t err = OK;
    if (chance(f) < 70)
        err = evidence_add(&e, BY_PROBE, EV_protocol, STR("dicom"));
    if (err == OK && (chance(f) < 55 || !e.n))
        err = evidence_add(&e, BY_ENGINE, EV_said_product, str_z(k->product));
    if (err == OK && chance(f) < 20)
        err = evidence_add(&e, BY_TRAFFIC, EV_protocol, STR("dicom"));
    f->run.records++;
    f->run.packets += 9;
    if (err == OK)
        err = inventory_put(f->v, &f->run, &s->ip, s->port, &e, (int64_t)NOW_S * 1000000);
    arena_done(&arena);
    return err;
}

static const char *country_of(unsigned n)
{
    unsigned at = n * 617 % 1000, sum = 0;
    for (size_t i = 0; i < COUNT(countries); i++)
        if ((sum += countries[i].share) > at)
            return countries[i].code;
    return "";
}

static struct system system_of(struct filling *f, const struct kind_of_system *k, unsigned n)
{
    bool public = chance(f) < 57;
    struct system s = {
        .ip = ip_of_number(n, public),
        .port = (uint16_t)strtoul(k->ports, NULL, 10),
        .ports = str_z(k->ports),
        .type = k->type,
        .type_conf = CONF_high,
        .type_why = STR("dicom_class_uid 1.2.276.0.7230010.3.0.3.6.7 (fp001)"),
        .product = {str_z(k->vendor), str_z(k->product), str_z(k->version),
                    *k->product ? CONF_high : CONF_none, STR("dicom_version_name (fp010)"), false},
        .toolkit = {*k->toolkit ? STR("OFFIS") : STR(""), str_z(k->toolkit),
                    *k->toolkit ? STR("3.6.4") : STR(""), CONF_high, STR("class UID (fp001)"),
                    false},
        .level = *k->version   ? VER_version
                 : *k->product ? VER_product
                               : VER_protocol,
        .open_calling = -1,
        .open_called = -1,
        .open_query = -1,
        .open_retrieve = -1,
        .open_store = -1,
        .open_print = -1,
        .cleartext = -1,
        .tls = -1,
        .web_open = -1,
        .is_public = public,
        .studies = -1,
        .images = -1,
        .country = str_z(country_of(n)),
        .site = str_z(sites[n % COUNT(sites)]),
        .zone = str_z(zones[n % COUNT(zones)]),
        .owner = STR("Fisica sanitaria"),
    };
    open_it(f, k, &s);
    return s;
}

static err_t one_system(struct filling *f, const struct kind_of_system *k, unsigned n)
{
    struct system s = system_of(f, k, n);
    TRY(inventory_put_system(f->v, &s));
    if (k->type == TYPE_honeypot)
        return finding(f, &s, "honeypot_suspected", SEV_info, "answers everything alike");
    TRY(access_findings(f, &s));
    if (k->vulnerable && chance(f) < k->vulnerable)
        TRY(vulnerability(f, &s, "vulnerability", k->cve, k->cvss, STATE_confirmed, ""));
    else if (*k->cve && chance(f) < 20)
        TRY(vulnerability(f, &s, "possible_vulnerability", "", k->cvss, STATE_unknown, ""));
    if (strcmp(k->toolkit, "DCMTK") == 0)
        TRY(vulnerability(f, &s, "vulnerable_toolkit", "CVE-2022-2119", 75, STATE_potential,
                          "OFFIS DCMTK"));
    if (chance(f) < 9)
        TRY(vulnerability(f, &s, "asserted_vulnerability", "", 98, STATE_asserted, ""));
    return OK;
}

/* Every system of the table twice over: evidence first, then what was concluded of it. */
static err_t survey_of(struct inventory *v, const char *name, unsigned seed, unsigned leave_out)
{
    struct survey survey;
    struct filling f = {.v = v, .random = seed};
    TRY(inventory_survey(v, str_z(name), &survey, NULL));
    TRY(inventory_note(v, survey.id, STR("owner"), STR("Azienda Sanitaria Esempio")));
    TRY(inventory_note(v, survey.id, STR("permission"),
                       STR("Dr. A. Rossi, CISO, letter of 2026-11-20")));
    TRY(inventory_note(v, survey.id, STR("scope"), STR("10.20.0.0/16, 198.41.0.0/23")));
    TRY(inventory_note(v, survey.id, STR("policy"), STR("segmentation.conf")));
    TRY(inventory_run_begin(v, survey.id, STR("probe"), STR("scope.conf (412 bytes)"), STR(""),
                            &f.run, NULL));
    unsigned n = 0;
    for (size_t i = 0; i < COUNT(kinds); i++)
        for (unsigned k = 0; k < kinds[i].of_300; k++, n++) {
            f.random = seed + n * 7919;
            struct system s = system_of(&f, &kinds[i], n);
            TRY(evidence_of(&f, &kinds[i], &s));
        }
    struct flow flow = {.client = ip_of_number(3, false),
                        .server = ip_of_number(9, false),
                        .port = 104,
                        .protocol = STR("dicom"),
                        .clear = true,
                        .connections = 3,
                        .fields = STR("PatientName 12"),
                        .vantage = STR("radiology")};
    TRY(inventory_put_flow(v, &f.run, &flow));
    TRY(inventory_run_end(v, &f.run, STR("300 hosts answered")));
    TRY(inventory_conclude_begin(v, survey.id));
    n = 0;
    for (size_t i = 0; i < COUNT(kinds); i++)
        for (unsigned k = 0; k < kinds[i].of_300; k++, n++) {
            f.random = seed + n * 7919;
            if (!leave_out || n % leave_out)
                TRY(one_system(&f, &kinds[i], n));
        }
    return inventory_conclude_end(v, NULL);
}

err_t fixture_study(struct inventory *v)
{
    int64_t id;
    TRY(survey_of(v, "spring", 7, 8));
    TRY(inventory_accept(v,
                         &(struct risk){.kind = STR("cleartext_dicom"),
                                        .where = STR("10.20.0.0/26"),
                                        .owner = STR("Ing. B. Bianchi"),
                                        .why = STR("modalities without TLS, replaced in 2027"),
                                        .until = STR("2027-06-30")},
                         &id, NULL));
    TRY(inventory_accept(v,
                         &(struct risk){.kind = STR("self_signed_certificate"),
                                        .owner = STR("Ing. B. Bianchi"),
                                        .why = STR("internal authority comes"),
                                        .until = STR("2026-06-30")},
                         &id, NULL));
    return survey_of(v, "autumn", 7, 0);
}

static err_t put_hostile_finding(struct filling *f, const struct system *s, struct str h)
{
    struct finding one = {.system = s->id,
                          .kind = STR("vulnerability"),
                          .severity = SEV_critical,
                          .level = VER_version,
                          .port = 104,
                          .evidence = h,
                          .state = STATE_confirmed,
                          .cve = h,
                          .advisory = h,
                          .cvss_source = h,
                          .cvss = 98,
                          .references = h};
    TRY(inventory_put_finding(f->v, &one));
    one.kind = STR("segmentation_violation");
    one.state = STATE_none;
    one.cve = STR("");
    TRY(inventory_put_finding(f->v, &one));
    one.kind = STR("vulnerable_toolkit");
    one.state = STATE_potential;
    one.cve = STR("CVE-2022-2119");
    one.component = h;
    return inventory_put_finding(f->v, &one);
}

err_t fixture_hostile(struct inventory *v, struct str h)
{
    struct survey survey;
    struct filling f = {.v = v};
    int64_t id;
    TRY(inventory_survey(v, STR("hostile"), &survey, NULL));
    TRY(inventory_note(v, survey.id, STR("owner"), h));
    TRY(inventory_note(v, survey.id, STR("scope"), h));
    TRY(inventory_run_begin(v, survey.id, STR("import"), h, STR(""), &f.run, NULL));
    TRY(inventory_run_end(v, &f.run, h));
    err_t e = inventory_accept(v,
                               &(struct risk){.kind = STR("query_open"),
                                              .where = STR("10.0.0.7"),
                                              .owner = h,
                                              .why = h,
                                              .until = STR("2099-01-01")},
                               &id, NULL);
    /* The inventory may refuse such an owner: then there is no risk to write. */
    if (e != OK && e != E_USAGE && e != E_MALFORMED)
        return e;
    TRY(inventory_conclude_begin(v, survey.id));
    struct system s = system_of(&f, &kinds[0], 1);
    s.type_why = s.hostname = s.country = s.city = s.site = s.zone = s.owner = h;
    s.organisation = s.maker = s.ports = s.clear_fields = h;
    s.product = s.toolkit = s.vendor = (struct answer){h, h, h, CONF_high, h, false};
    TRY(inventory_put_system(v, &s));
    TRY(put_hostile_finding(&f, &s, h));
    s = system_of(&f, &kinds[1], 2);
    TRY(inventory_put_system(v, &s));
    return inventory_conclude_end(v, NULL);
}

const char *const fixture_secrets[] = {
    "10.77.66.55",       "pacs-segreto",         "Ospedale-Segreto",   "zona-segreta",
    "Dott-Segretario",   "Organizzazione-X",     "CITTASEGRETA",       "AESEGRETA",
    "aa:bb:cc:dd:ee:ff", "cert-segreto",         "Azienda-Segreta",    "Firma-Segreta",
    "rete-segreta.conf", "vista-segreta",        "export-segreto",     "nota-segreta",
    "rischio-segreto",   "proprietario-segreto", "censimento-segreto", NULL};

err_t fixture_secret(struct inventory *v)
{
    struct survey survey;
    struct filling f = {.v = v};
    int64_t id;
    TRY(inventory_survey(v, STR("censimento-segreto"), &survey, NULL));
    TRY(inventory_note(v, survey.id, STR("owner"), STR("Azienda-Segreta")));
    TRY(inventory_note(v, survey.id, STR("permission"), STR("Firma-Segreta")));
    TRY(inventory_note(v, survey.id, STR("scope"), STR("rete-segreta.conf 10.77.66.0/24")));
    TRY(inventory_note(v, survey.id, STR("vantage"), STR("vista-segreta")));
    TRY(inventory_run_begin(v, survey.id, STR("import"), STR("export-segreto.json"), STR(""),
                            &f.run, NULL));
    TRY(inventory_run_end(v, &f.run, STR("nota-segreta")));
    TRY(inventory_accept(v,
                         &(struct risk){.kind = STR("query_open"),
                                        .where = STR("10.77.66.55"),
                                        .owner = STR("proprietario-segreto"),
                                        .why = STR("rischio-segreto"),
                                        .until = STR("2099-01-01")},
                         &id, NULL));
    TRY(inventory_conclude_begin(v, survey.id));
    struct system s = system_of(&f, &kinds[2], 1);
    TRY(ip_parse(STR("10.77.66.55"), &s.ip));
    s.hostname = STR("pacs-segreto.example.it");
    s.site = STR("Ospedale-Segreto");
    s.zone = STR("zona-segreta");
    s.owner = STR("Dott-Segretario");
    s.organisation = STR("Organizzazione-X");
    s.city = STR("CITTASEGRETA");
    s.maker = STR("Orthanc of Ospedale-Segreto");
    s.type_why = STR("dicom_ae AESEGRETA");
    s.product.why = s.vendor.why = STR("mac aa:bb:cc:dd:ee:ff, tls_subject cert-segreto");
    s.product.name = STR("Orthanc at PACS-SEGRETO.example.it");
    s.toolkit.name = STR("tool aa:bb:cc:dd:ee:ff");
    s.toolkit.version = STR("10.77.66.55");
    s.open_query = 1;
    TRY(inventory_put_system(v, &s));
    TRY(finding(&f, &s, "query_open", SEV_high, "10.77.66.55 AESEGRETA took it"));
    TRY(finding(&f, &s, "segmentation_violation", SEV_high, "zona-segreta from 10.77.66.55"));
    TRY(finding(&f, &s, "self_signed_certificate", SEV_low, "cert-segreto"));
    TRY(vulnerability(&f, &s, "vulnerable_toolkit", "CVE-2022-2119", 75, STATE_potential,
                      "component at pacs-segreto.example.it"));
    return inventory_conclude_end(v, NULL);
}

err_t fixture_many(struct inventory *v, uint32_t n)
{
    struct survey survey;
    struct filling f = {.v = v, .random = 1};
    TRY(inventory_survey(v, STR("many"), &survey, NULL));
    TRY(inventory_conclude_begin(v, survey.id));
    for (uint32_t i = 0; i < n; i++) {
        char product[64], site[64], ip[32];
        snprintf(product, sizeof product, "Product %u", i);
        snprintf(site, sizeof site, "Site %u", i);
        snprintf(ip, sizeof ip, "10.%u.%u.%u", i >> 16 & 255, i >> 8 & 255, i & 255);
        struct system s = system_of(&f, &kinds[i % (COUNT(kinds) - 1)], i);
        TRY(ip_parse(str_z(ip), &s.ip));
        s.product.name = str_z(product);
        s.site = str_z(site);
        TRY(inventory_put_system(v, &s));
        TRY(finding(&f, &s, "query_open", SEV_high, "accepted Study Root query"));
        TRY(vulnerability(&f, &s, "vulnerability", "CVE-2021-27501", 98, STATE_confirmed, ""));
    }
    return inventory_conclude_end(v, NULL);
}

err_t fixture_empty(struct inventory *v)
{
    struct survey survey;
    TRY(inventory_survey(v, STR("empty"), &survey, NULL));
    TRY(inventory_conclude_begin(v, survey.id));
    return inventory_conclude_end(v, NULL);
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st;
    (void)kind;
    (void)ftw;
    return remove(path);
}

err_t fixture_open(char folder[FIXTURE_PATH], struct inventory **ret)
{
    char site[FIXTURE_PATH + 8];
    snprintf(folder, FIXTURE_PATH, "/tmp/lastra-report-XXXXXX");
    if (!mkdtemp(folder))
        return E_IO;
    snprintf(site, sizeof site, "%s/site", folder);
    struct diag d = {""};
    err_t e = inventory_open(site, INVENTORY_CREATE, STR(""), ret, NULL, &d);
    if (e != OK)
        fprintf(stderr, "fixture: %s\n", diag_text(&d, e));
    return e;
}

void fixture_close(char folder[FIXTURE_PATH], struct inventory *v)
{
    inventory_close(v);
    (void)nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}
