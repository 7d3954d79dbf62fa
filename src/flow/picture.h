/* flow/picture.h: versions of a lake's tables that belong together, and the history they are of.
 *
 *   manifests/day=<as_of local date>/run_id=<U>/base.json        what U found and builds on; put before U changes the first table
 *   manifests/day=<as_of local date>/run_id=<U>/versions.json    what U left; put once after its last stage
 *   {"claim":n,"runs":["<run>",...],"seal":"","tables":{"silver.tickets":7,...}}      canonical; no wall clock; seal: base/seal.h
 *
 * A history is a chain of runs, each of which continues the one before: runs[0] opened it, and its id is the history's. In a table with a
 * column run_id the picture is the files of these runs in that version; a table without (a dimension) belongs to it whole. Two
 * tables of one picture never show two runs' states, whatever later runs have committed meanwhile.
 */
#ifndef PQR_FLOW_PICTURE_H
#define PQR_FLOW_PICTURE_H

#include "base/arena.h"
#include "base/buf.h"
#include "io/store.h"

struct picture_table {
	const char *name; /* "silver.tickets" */
	int64_t version;  /* -1: there was no such table */
};
struct picture {
	const char *const *runs; /* [n_runs] oldest first; of versions.json the run itself is the last */
	size_t n_runs;
	int64_t claim; /* how often the history was continued or made again: a run that goes on claims the next number */
	const struct picture_table *tables; /* [n_tables] sorted by name */
	size_t n_tables;
};

#define PICTURE_BASE "base.json"
#define PICTURE_LEFT "versions.json"

/* One of a run's two; views. */
struct picture_at {
	int32_t date; /* of the run's folder */
	const char *run_id;
	const char *name; /* PICTURE_BASE or PICTURE_LEFT */
};

void picture_json(struct buf *out, const struct picture *p);
/* Everything of *out lives in arena. E_CORRUPT. */
status picture_parse(struct str text, struct arena *arena, struct picture *out, struct err *err) MUST_USE;
/* E_NOT_FOUND; E_VERIFY: not what picture_json writes. */
status picture_load(
	struct store *lake, struct picture_at at, struct arena *arena, struct picture *out, struct err *err) MUST_USE;
/* Replaces what stands there: base.json may be put anew while its run is at work and holds the lease. */
status picture_put(struct store *lake, struct picture_at at, const struct picture *p, struct err *err) MUST_USE;

/* What the run left. E_NOT_FOUND: there is no such run, or it has not finished its last stage. */
status picture_of_run(
	struct store *lake, const char *run_id, struct arena *arena, struct picture *out, struct err *err) MUST_USE;
/* For each table what the run left that finished last, by the store's clock, of those whose set names it; out[n]; n_runs == 0: none has.
 * One listing of manifests/, and sets from the newest on until each table was met. */
status picture_newest(struct store *lake, const char *const *tables, size_t n, struct arena *arena, struct picture *out,
	struct err *err) MUST_USE;

/* -1: the table is not in it, or was not there. */
int64_t picture_version(const struct picture *p, const char *table);
bool picture_has_run(const struct picture *p, struct str run_id);

#endif
