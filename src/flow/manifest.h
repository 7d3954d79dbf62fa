/* flow/manifest.h: manifest.json and checksums.json of a run: pure functions of its commits, so they can be made again and
 * compared byte by byte. */
#ifndef PQR_FLOW_MANIFEST_H
#define PQR_FLOW_MANIFEST_H

#include "flow/commit.h"
#include "flow/workload.h"

/* SHA-256 over the sorted `path\0sha256\n` lines (sha256 in hexadecimal) of the list; sorted by path already. */
status manifest_root(const struct file_list *files, char root[HEX_SHA256_CHARS + 1], struct err *err) MUST_USE;
/* manifest.json from raw's commit, of a run of w; out was checked. */
status manifest_json(struct buf *out, const struct workload *w, const struct commit *raw, struct err *err) MUST_USE;
/* checksums.json: {path: sha256} of every file of every stage. E_NOMEM. */
status manifest_checksums_json(struct buf *out, const struct commit *commits, size_t n, struct err *err) MUST_USE;

#endif
