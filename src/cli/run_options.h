/* cli/run_options.h: the flags of a command as a session, and as the options of a run. */
#ifndef PQR_CLI_RUN_OPTIONS_H
#define PQR_CLI_RUN_OPTIONS_H

#include "app/session.h"
#include "cli/cli.h"

/* Beside the planes of enum session_plane. */
enum { CLI_CONFIG = 1 << 8 }; /* the workload's configuration, and every flag of a run checked before a lake is made */

/* Open what `need` names, from flags, environment and pqr.yaml (docs/configuration.md). session_close also after a failure. */
status cli_session_open(struct session *s, const struct cli *c, unsigned need, struct err *err) MUST_USE;
/* What a command does with a session; arg is its own. */
typedef status (*cli_work)(struct session *s, struct cli *c, void *arg, struct err *err);
/* Open, work, close. */
status cli_with_session(struct cli *c, unsigned need, cli_work work, void *arg, struct err *err) MUST_USE;

/* The same of a command that is no run's: settings of the engine's flags and more[n_more], and w's configuration. Opens no plane. */
status cli_session_open_as(struct session *s, const struct cli *c, const struct workload *w,
	const struct session_setting *more, size_t n_more, struct err *err) MUST_USE;

/* Run options from the flags of the run commands (those the command has). The session holds everything they point to. */
status cli_run_opts(struct session *s, const struct cli *c, struct run_opts *out, struct err *err) MUST_USE;

/* The workload that the command line of a run names; NULL: none. */
const struct workload *cli_run_named(const struct cli *c);
/* Does the command line of a run tell which run it is, by what decides its output or by a new id? */
bool cli_tells_run(const struct cli *c);

/* The planes that cli_run_id needs beside the lake: a whole id needs none. */
unsigned cli_run_needs(const struct cli *c);
/* The run that --run-id, else the newest run, names; E_NOT_FOUND when there is none. dst[37]. */
status cli_run_id(struct session *s, const struct cli *c, char dst[37], struct err *err) MUST_USE;

#endif
