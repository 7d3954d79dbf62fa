/* app/session.h: what a program opens before it works: configuration, lake, control plane. Must not know a command line: flags come as
 * settings, each with the name that a person gave it by. */
#ifndef PQR_APP_SESSION_H
#define PQR_APP_SESSION_H

#include "control/control.h"
#include "flow/engine_config.h"
#include "flow/run.h"

/* A key of the configuration that is set for this process, over file and environment. */
struct session_setting {
	const char *key, *value;
	const char *origin; /* what an error calls it: "--seed" */
};

struct session_opts {
	const char *config_file;                /* NULL: ./pqr.yaml when there is one */
	const struct session_setting *settings; /* borrows settings[n_settings]; the later wins */
	size_t n_settings;
	const struct workload *workload; /* read its configuration too; NULL: the engine's alone */
	bool ingested; /* of a run that takes its events from files; else of one that simulates them */
	bool quiet;    /* log errors alone, whatever file and environment say */
};

struct session {
	struct arena arena;
	struct engine_config engine;     /* lake_uri and control_uri may hold a password */
	const struct workload *workload; /* that of the options, else the first there is */
	struct buf canonical;            /* the workload's configuration as canonical JSON; empty when not asked for */
	void *config;                    /* the same, opened; NULL when not asked for */
	struct store *lake;              /* NULL until session_connect */
	struct control *control;
};

/* Read the configuration (docs/configuration.md) and set up the log by it. Touches neither lake nor control plane, so that what it
 * refuses leaves nothing behind. session_close also after a failure. */
status session_open(struct session *s, const struct session_opts *o, struct err *err) MUST_USE;

/* SESSION_EXISTING: E_NOT_FOUND where there is no lake yet, instead of an empty one in a folder entered by mistake.
 * SESSION_LOOK: a control plane that this user may only read will do.
 * SESSION_TABLES: the lake's tables are read or written; E_BUSY where a rebuild of them is not finished (flow/rebuild.h). */
enum session_plane {
	SESSION_LAKE = 1,
	SESSION_CONTROL = 2,
	SESSION_EXISTING = 4,
	SESSION_LOOK = 8,
	SESSION_TABLES = 16
};

/* Open the planes that `need` names; SESSION_CONTROL opens the lake too. */
status session_connect(struct session *s, unsigned need, struct err *err) MUST_USE;
void session_close(struct session *s);

/* Open a lake as every program of ours does. *out: store_close. */
status session_lake_open(const char *uri, bool single_writer, struct store **out, struct err *err) MUST_USE;

/* Nothing is there: a local lake ("./lake", "file:///lake") or control plane ("sqlite:<path>") that the next run makes. */
bool session_missing(const char *uri);
/* The path of such a lake or control plane. */
const char *session_path(const char *uri);

/* An instant of a person's: a date means the last instant of that day where the workload has its days, else RFC 3339. Needs the workload's
 * configuration. Microseconds. E_USAGE names the option. */
status session_instant(
	const struct session *s, const char *option, const char *text, int64_t *out, struct err *err) MUST_USE;

/* The options of a run by configuration alone. The session holds everything they point to. */
void session_run_opts(const struct session *s, struct run_opts *out);

/* The run that a person means: its id, an unambiguous beginning of it, or "latest"; `what` names the text in errors. dst[37].
 * E_USAGE: no such text, or several runs begin so; E_NOT_FOUND: no run does. A whole id is not looked up. */
status session_run_find(struct session *s, const char *text, const char *what, char dst[37], struct err *err) MUST_USE;
bool session_run_is_whole(const char *text); /* a whole id: needs no control plane */
/* Is it any of these? E_USAGE; looks nothing up. */
status session_run_check(const char *text, const char *what, struct err *err) MUST_USE;

/* s->workload becomes that of a run that is there: as the control plane has it, or the lake; unchanged where neither knows the run. For
 * sessions without a workload's configuration. E_USAGE: of a workload that this version does not have. */
status session_run_workload(struct session *s, const char *run_id, struct err *err) MUST_USE;
/* The newest run of s->workload. E_NOT_FOUND. */
status session_run_latest(struct session *s, char dst[37], struct err *err) MUST_USE;

/* What to say where no run (of w; NULL: of any workload) is recorded. dst[n]; returns dst. */
const char *session_no_runs(const struct session *s, const struct workload *w, char *dst, size_t n);

#endif
