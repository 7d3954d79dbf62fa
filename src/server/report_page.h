/* server/report_page.h: the dashboard's executive page of a period as one file, which shows itself without a server.
 *
 *   web/dist/report.txt: what the page asks  ->  the router, without a socket  ->  answers, as JSON inside the page
 *   web/dist/app.css, app.js                 ->  the page; its content security policy names their hashes and nothing else
 */
#ifndef PQR_SERVER_REPORT_PAGE_H
#define PQR_SERVER_REPORT_PAGE_H

#include "server/report_period.h"

struct server;

/* Append it; period is clipped to the days that are published. E_NOT_FOUND: none are. What the page can do without (cases, where the
 * lake can't be asked) is told in it. */
status report_page_make(struct server *s, struct report_period *period, struct buf *out, struct err *err) MUST_USE;

#endif
