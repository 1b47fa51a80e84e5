/* What the text of a web page tells: its title, and how one would sign in. For survey/wire's own
 * files. */
#ifndef LASTRA_SURVEY_WIRE_HTTP_PAGE_H
#define LASTRA_SURVEY_WIRE_HTTP_PAGE_H

#include "base/wr.h"

enum { HTTP_PAGE_TEXT = 256 };

struct http_page {
    struct str title; /* as it stands, entities and all; p is NULL when there is none */
    bool password;    /* it has a field for a password */
    bool script;      /* it has scripts */
    bool to_login;    /* it sends one to a page for signing in (meta refresh) */
    size_t text;      /* bytes of text outside tags, scripts and styles, blanks not counted; at most
                       HTTP_PAGE_TEXT */
};

/* One pass over HTML, linear whatever it holds. */
void http_page_read(struct str html, struct http_page *ret);

/* Text of HTML as people see it, in UTF-8: entities decoded, white space folded to one blank, none
 * at the ends. Bytes that are not UTF-8 are taken for Latin-1. */
void http_page_text(struct str html, struct wr *w);

/* Whether an address looks like a page for signing in: "/login.php", "/auth/realms/...". */
bool http_is_login(struct str url);

#endif
