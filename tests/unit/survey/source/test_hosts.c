#include "import_test.h"

static err_t hosts(struct site *s, struct str text)
{
    site_append(s, text);
    return source_hosts(&s->r, &s->sum, &s->d);
}

static void what_a_site_knows_in_english(void **state)
{
    struct site *s = *state;
    assert_ok(hosts(s, STR("Address,Name,Maker,Model,Owner,Zone,Site,Country,Role,MAC\n"
                           "10.0.0.7,pacs1,Acme,A 1,Radiology,imaging,San Luca,it,PACS or VNA,"
                           "AA-BB-CC-00-00-01\n")));
    has(s, "10.0.0.7:0 site hostname=pacs1");
    has(s, "10.0.0.7:0 site maker=Acme");
    has(s, "10.0.0.7:0 site model=A 1");
    has(s, "10.0.0.7:0 site owner=Radiology");
    has(s, "10.0.0.7:0 site zone=imaging");
    has(s, "10.0.0.7:0 site site=San Luca");
    has(s, "10.0.0.7:0 site country=IT");
    has(s, "10.0.0.7:0 site role=pacs");
    has(s, "10.0.0.7:0 site mac=aa:bb:cc:00:00:01");
    has_not(s, "port_open");
}

static void what_a_site_knows_in_italian(void **state)
{
    struct site *s = *state;
    assert_ok(
        hosts(s, STR("Indirizzo IP;Nome;Produttore;Modello;Responsabile;Zona;Sede;Ruolo;Titolo AE;"
                     "Porta;Non sondare\n10.0.0.8;tac1;Acme;T 2;Ing. Bianchi;diagnostica;San Luca;"
                     "Modalità diagnostica;TAC1;104;in uso\n")));
    has(s, "10.0.0.8:0 site hostname=tac1");
    has(s, "10.0.0.8:0 site maker=Acme");
    has(s, "10.0.0.8:0 site owner=Ing. Bianchi");
    has(s, "10.0.0.8:0 site role=modality");
    has(s, "10.0.0.8:0 site never_probe=in uso");
    has(s, "10.0.0.8:104 site dicom_ae=TAC1");
    has_not(s, "10.0.0.8:104 site hostname");
}

static void it_is_never_guessed(void **state)
{
    struct site *s = *state;
    assert_ok(site_import(s, "", STR("ip,port,zone\n10.0.0.7,104,imaging\n")));
    has(s, "10.0.0.7:0 search engine zone=imaging");
}

static void the_site_outweighs_a_search_engine(void **state)
{
    struct site *s = *state;
    assert_ok(hosts(s, STR("address,country\n10.0.0.7,IT\n")));
    assert_int_equal(truncate(s->file, 0), 0);
    assert_ok(site_import(s, "csv", STR("ip,country\n10.0.0.7,US\n")));
    has(s, "10.0.0.7:0 site country=IT");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_SITE(what_a_site_knows_in_english),
        WITH_SITE(what_a_site_knows_in_italian),
        WITH_SITE(it_is_never_guessed),
        WITH_SITE(the_site_outweighs_a_search_engine),
    };
    return cmocka_run_group_tests_name("hosts", tests, NULL, NULL);
}
