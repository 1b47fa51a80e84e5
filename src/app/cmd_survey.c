/* lastra survey: which medical systems stand on my networks, how open are they, and what to do. The
 * verbs' work is in survey_source.c and survey_care.c. */
#include "app/site.h"

static const struct cmd_option import_options[] = {
    SITE_ROWS,
    [IMPORT_FORMAT] = {.name = "format",
                       .letter = 'f',
                       .arg = "NAME",
                       .help = "shodan, censys, zgrab2, nmap, masscan or csv (found by looking)"},
    [IMPORT_SHARD] = {.name = "shard",
                      .arg = "I/N",
                      .help = "only the I-th of N parts of the addresses"},
};

static const struct cmd_option capture_options[] = {
    SITE_ROWS,
    [CAPTURE_INTERFACE] = {.name = "interface",
                           .letter = 'i',
                           .arg = "NAME",
                           .help = "listen on a network interface instead; nothing is sent"},
    [CAPTURE_FOR] = {.name = "for",
                     .arg = "SECONDS",
                     .type = CMD_NUMBER,
                     .min = 1,
                     .max = 31536000,
                     .help = "how long to listen (until Ctrl-C)"},
    [CAPTURE_FROM] = {.name = "from",
                      .arg = "ZONE",
                      .help = "where it was taken: a zone of the policy, or a name"},
};

static const struct cmd_option hosts_options[] = {SITE_ROWS};

static const struct cmd_option probe_options[] = {
    SITE_ROWS,
    [PROBE_SCOPE] = {.name = "scope",
                     .letter = 's',
                     .arg = "FILE",
                     .help = "the networks, their owner and who allowed it; required"},
    [PROBE_DRY_RUN] = {.name = "dry-run", .letter = 'n', .help = "show the plan, send nothing"},
    [PROBE_SURFACE] = {.name = "surface",
                       .help =
                           "also propose query, retrieve, storage and print, and read the answer"},
    [PROBE_COUNT] = {.name = "count",
                     .help = "also count reachable studies and images, where the scope grants it"},
    [PROBE_RATE] = {.name = "rate",
                    .arg = "N",
                    .type = CMD_NUMBER,
                    .min = 1,
                    .max = 100000,
                    .help = "connections a second, at most the scope's"},
    [PROBE_UNLIMITED] = {.name = "unlimited", .help = "no rate limit; loopback addresses only"},
    [PROBE_FROM] = {.name = "from",
                    .arg = "ZONE",
                    .help = "the zone of the policy that the probe runs in"},
    [PROBE_SHARD] = {.name = "shard",
                     .arg = "I/N",
                     .help = "only the I-th of N parts of the addresses"},
    [PROBE_STOP_FILE] = {.name = "stop-file",
                         .arg = "FILE",
                         .help = "probing ends as soon as this file exists"},
    [PROBE_AET] = {.name = "aet",
                   .letter = 'a',
                   .arg = "AE",
                   .help = "our own AE title (LASTRA-SURVEY); not with --surface or --count"},
    [PROBE_CALLED] = {.name = "called",
                      .arg = "AE",
                      .help = "the AE title that is called (ANY-SCP)"},
};

static const struct cmd_option report_options[] = {
    SITE_ROWS,
    [REPORT_AGAIN] = {.name = "again", .help = "draw the conclusions again"},
};

static const struct cmd_option diff_options[] = {
    [DIFF_SURVEY] = {.name = "survey", .arg = "NAME", .help = "the later survey (the newest)"},
    [DIFF_BEFORE] = {.name = "before", .arg = "NAME", .help = "the earlier one (the one before)"},
    [DIFF_OTHER] = {.name = "other",
                    .arg = "SITE",
                    .help = "the folder that the earlier one is in"},
    [DIFF_JSON] = {.name = "json", .help = "write JSON"},
};

static const struct cmd_option merge_options[] = {
    [MERGE_SURVEY] = {.name = "survey", .arg = "NAME", .help = "the survey to join to (theirs)"},
    [MERGE_FROM] = {.name = "from", .arg = "NAME", .help = "which of theirs (the newest)"},
};

static const struct cmd_option accept_options[] = {
    [ACCEPT_WHERE] = {.name = "where",
                      .arg = "ADDRESS",
                      .help = "address, address:port or network (everywhere)"},
    [ACCEPT_CVE] = {.name = "cve", .arg = "CVE", .help = "one vulnerability only"},
    [ACCEPT_OWNER] = {.name = "owner", .arg = "NAME", .help = "who answers for it; required"},
    [ACCEPT_WHY] = {.name = "why", .arg = "TEXT", .help = "the reason; required"},
    [ACCEPT_UNTIL] = {.name = "until", .arg = "DATE", .help = "the last day, YYYY-MM-DD; required"},
    [ACCEPT_WITHDRAW] = {.name = "withdraw",
                         .arg = "ID",
                         .type = CMD_NUMBER,
                         .min = 1,
                         .max = INT64_MAX,
                         .help = "take an accepted risk back"},
};

static const struct cmd_option list_options[] = {
    [LIST_JSON] = {.name = "json", .help = "write JSON"},
};

static const struct cmd_option evidence_options[] = {
    [EVIDENCE_SURVEY] = {.name = "survey", .arg = "NAME", .help = "of which survey (the newest)"},
    [EVIDENCE_JSON] = {.name = "json", .help = "write JSON, an endpoint a line"},
};

static const struct cmd verbs[] = {
    {.name = "import",
     .summary = "take what a search engine or scanner found; no packet is sent",
     .args = "SITE FILE...",
     .min_args = 2,
     .max_args = 100000,
     .options = import_options,
     .n_options = COUNT(import_options),
     .about = "Reads downloads of Shodan, Censys, zgrab2, nmap (XML), masscan (JSON) and CSV with "
              "a header "
              "line, plain or gzip, - for\nstandard input. SITE is made when it is not there. A "
              "malformed "
              "record is named, counted and passed over; a run that was broken\noff goes on where "
              "it was.",
     .examples = "lastra survey import /srv/survey shodan.json.gz -o report.html\n"
                 "lastra survey import /srv/survey export.json.gz --shard 1/4\n",
     .run = survey_import},
    {.name = "capture",
     .summary = "analyse recorded or live traffic; no packet is sent",
     .args = "SITE [FILE...]",
     .min_args = 1,
     .max_args = 100000,
     .options = capture_options,
     .n_options = COUNT(capture_options),
     .about =
         "Reads pcap and pcapng files, or listens on an interface. Patient data that passes in "
         "clear is reported as names of fields and\ncounts: values are never kept or printed.",
     .examples = "lastra survey capture /srv/survey monday.pcapng --from radiology -o report.html\n"
                 "lastra survey capture /srv/survey --interface eth1 --for 3600\n",
     .run = survey_capture},
    {.name = "hosts",
     .summary = "take the site's own inventory (CSV)",
     .args = "SITE FILE...",
     .min_args = 2,
     .max_args = 1000,
     .options = hosts_options,
     .n_options = COUNT(hosts_options),
     .about = "The first line names the columns: address, and any of name, maker, model, version, "
              "role, owner, zone, site, country, mac.",
     .examples = "lastra survey hosts /srv/survey devices.csv\n",
     .run = survey_hosts},
    {.name = "probe",
     .summary = "ask the networks of a scope file, carefully",
     .args = "SITE",
     .min_args = 1,
     .max_args = 1,
     .options = probe_options,
     .n_options = COUNT(probe_options),
     .about =
         "Only with the owner's permission, which the scope file states. One well-formed "
         "connection "
         "to each address and port, five a second; never\na login, a stored or fetched object, a "
         "patient's record; devices on the do-not-probe lists are left alone. Everything sent is "
         "in "
         "the\njournal. See the manual, \"A careful first survey\".",
     .examples =
         "lastra survey probe /srv/survey --scope scope.conf --dry-run\n"
         "lastra survey probe /srv/survey --scope scope.conf --from office -o report.html\n",
     .run = survey_probe},
    {.name = "report",
     .summary = "say what was found",
     .args = "SITE",
     .min_args = 1,
     .max_args = 1,
     .options = report_options,
     .n_options = COUNT(report_options),
     .about =
         "Without a file to write, a screenful. A report that is not redacted names open systems: "
         "its files can be read by their owner only.",
     .examples = "lastra survey report /srv/survey -o report.html --pdf report.pdf --language it\n"
                 "lastra survey report /srv/survey --redact --json shared.json\n",
     .run = survey_report},
    {.name = "diff",
     .summary = "what is new, gone, fixed or worse since the survey before",
     .args = "SITE",
     .min_args = 1,
     .max_args = 1,
     .options = diff_options,
     .n_options = COUNT(diff_options),
     .examples = "lastra survey diff /srv/survey --before 2025-11-20\n",
     .run = survey_diff},
    {.name = "merge",
     .summary = "join survey folders made on several machines",
     .args = "SITE OTHER...",
     .min_args = 2,
     .max_args = 10000,
     .options = merge_options,
     .n_options = COUNT(merge_options),
     .about = "Merging the same folder twice changes nothing.",
     .examples = "lastra survey merge /srv/survey part1 part2 part3 part4\n",
     .run = survey_merge},
    {.name = "accept",
     .summary = "accept a risk until a day, or withdraw that",
     .args = "SITE [KIND]",
     .min_args = 1,
     .max_args = 2,
     .options = accept_options,
     .n_options = COUNT(accept_options),
     .about =
         "KIND is a finding's name as reports give it. An accepted finding stays in the report, "
         "apart from the others, and comes back\nthe day after.",
     .examples = "lastra survey accept /srv/survey cleartext_dicom --where 10.20.1.7 --owner 'Dr. "
                 "Bianchi' --why 'replaced in March' --until 2027-03-31\n"
                 "lastra survey accept /srv/survey --withdraw 3\n",
     .run = survey_accept},
    {.name = "accepted",
     .summary = "show the accepted risks",
     .args = "SITE",
     .min_args = 1,
     .max_args = 1,
     .run = survey_accepted},
    {.name = "evidence",
     .summary = "show the facts that the conclusions stand on",
     .args = "SITE [ADDRESS|NETWORK]",
     .min_args = 1,
     .max_args = 2,
     .options = evidence_options,
     .n_options = COUNT(evidence_options),
     .about = "Each with who says so: the probe, traffic, the site's own list, a search engine.",
     .examples = "lastra survey evidence /srv/survey 10.20.1.7\n",
     .run = survey_evidence},
    {.name = "list",
     .summary = "show the surveys of a folder",
     .args = "SITE",
     .min_args = 1,
     .max_args = 1,
     .options = list_options,
     .n_options = COUNT(list_options),
     .run = survey_list},
    {.name = "journal",
     .summary = "prove that the journal of what was sent is whole",
     .args = "SITE",
     .min_args = 1,
     .max_args = 1,
     .run = survey_journal},
};

const struct cmd cmd_survey = {
    .name = "survey",
    .summary = "which medical systems stand on my networks, how open are they, what to do",
    .verbs = verbs,
    .n_verbs = COUNT(verbs),
};
