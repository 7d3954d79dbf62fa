/* cli/session.h: what most commands open: configuration, lake, control plane, the run they speak of. */
#ifndef PQR_CLI_SESSION_H
#define PQR_CLI_SESSION_H

#include "cli/cli.h"
#include "flow/run.h"

struct session {
	struct store *lake;
	struct control *control;
	void *config;         /* of the workload, opened; NULL when not asked for */
	struct buf canonical; /* the configuration as canonical JSON */
	struct arena arena;
	int threads;
	const char *executor;
	const char *lake_uri, *control_uri; /* as configured; may hold a password */
};

/* Nothing is there: a local lake ("./lake", "file:///lake") or control plane ("sqlite:<path>") that the next run makes. */
bool session_missing(const char *uri);
/* The path of such a lake or control plane. */
const char *session_path(const char *uri);

/* SESSION_EXISTING: E_NOT_FOUND where there is no lake yet, instead of an empty one in a folder entered by mistake. */
enum session_need { SESSION_LAKE = 1, SESSION_CONTROL = 2, SESSION_CONFIG = 4, SESSION_EXISTING = 8 };

/* Open what `need` names, from flags, environment and pqr.yaml (docs/configuration.md). session_close also after a failure. */
status session_open(struct session *s, const struct cli *c, unsigned need, struct err *err) MUST_USE;
void session_close(struct session *s);

/* An instant of a person's: a date means the last instant of that day in calendar.timezone, else RFC 3339. Needs SESSION_CONFIG.
 * Microseconds. E_USAGE names the option. */
status session_instant(
	const struct session *s, const char *option, const char *text, int64_t *out, struct err *err) MUST_USE;

/* Run options from the flags of the run commands (those the command has). The session holds everything they point to. */
status session_run_opts(struct session *s, const struct cli *c, struct run_opts *out, struct err *err) MUST_USE;

/* The run that --run-id, else the first argument, else the newest run names; E_NOT_FOUND when there is none. dst[37]. */
status session_run_id(struct session *s, const struct cli *c, char dst[37], struct err *err) MUST_USE;

#endif
