/* cli/advice.c: the flags that an error's advice stands for. The rooms below know none; see enum err_advice. */
#include <stdio.h>

#include <stdlib.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "cli/cli.h"

bool cli_installed(const char *name, char dst[CLI_ERROR_CHARS])
{
	char program[CLI_ERROR_CHARS - 64], path[CLI_ERROR_CHARS];
	const ssize_t n = readlink("/proc/self/exe", program, sizeof program - 1);
	program[n > 0 ? n : 0] = '\0';
	if (n <= 0) /* no /proc in a change of root: as the program was called */
		(void)snprintf(program, sizeof program, "%s", (const char *)getauxval(AT_EXECFN)); // NOLINT: an address
	for (int i = 0; i < 2; i++) {                                                              /* PREFIX/bin/pqr */
		char *slash = strrchr(program, '/');
		if (slash == NULL) return false;
		*slash = '\0';
	}
	if (snprintf(path, sizeof path, "%s/%.60s", program, name) >= (int)sizeof path || access(path, F_OK) != 0)
		return false;
	memcpy(dst, path, sizeof path);
	return true;
}

/* Added to the message, so each begins with what joins them; what the advice is about stands between the two. */
static const struct {
	const char *text, *after;
} advices[ADVICE_N] = {
	[ADVICE_NONE] = {"", ""},
	[ADVICE_OTHER_LAKE] = {", or choose another place with --lake", ""},
	[ADVICE_NO_LAKE] = {": go to the folder that holds it, name it with --lake, or make it with `pqr run`", ""},
	[ADVICE_CHECK_LAKE] = {"; check --lake", ""},
	[ADVICE_SINGLE_WRITER] = {", or --unsafe-single-writer if nothing else ever writes to this lake", ""},
	[ADVICE_OTHER_CONTROL] = {"; move it away, or name another with --control", ""},
	[ADVICE_NEW_RUN] = {"; name a new run with --run-id", ""},
	[ADVICE_OR_NEW_RUN] = {", or start a new run with --run-id", ""},
	[ADVICE_AS_OF] = {"; name the last day with --as-of", ""},
	[ADVICE_SOURCE] = {"; give --source a value", ""},
	[ADVICE_SEE_QUALITY] = {"; see `pqr quality --run-id ", "`"},
	[ADVICE_STAGE_FIRST] = {"; `pqr STAGE --run-id ", "` runs a stage"},
	[ADVICE_WRITTEN] = {"; --at is when tables were written, not what their events tell: --run RUN reads them as "
			    "that run left them",
		""},
	[ADVICE_COLUMNS] = {"; `pqr table schema` lists the columns", ""},
	[ADVICE_GET_DUCKDB] = {": `", "` gets it, or name one with PQR_DUCKDB_LIB=FILE"},
	[ADVICE_CONVERT] = {"; `", " FILE | pqr run --input -` reads it"},
	[ADVICE_PRODUCERS] = {"; docs/events.md says what events are and how to make them", ""},
	[ADVICE_REPLACE_PUBLISHED] = {"; --replace-published allows it, --no-publish leaves them as they are", ""},
	[ADVICE_REBUILD] = {": `pqr rebuild` makes the lake's tables again from raw", ""},
	[ADVICE_REBUILD_ON] = {": `pqr rebuild` goes on with it", ""},
	[ADVICE_RETENTION] = {"; --no-retention-check allows it", ""},
};

const char *cli_error_text(const struct err *err, char dst[CLI_ERROR_CHARS])
{
	ASSERT(err->advice < ADVICE_N);
	(void)err_text(err, dst, CLI_ERROR_CHARS);
	const size_t n = strlen(dst);
	char script[CLI_ERROR_CHARS];
	const char *about = err->about;
	if (err->advice == ADVICE_GET_DUCKDB)
		about = cli_installed("share/pqr/get-libduckdb", script) ? script : "scripts/install-deps duckdb";
	(void)snprintf(
		dst + n, CLI_ERROR_CHARS - n, "%s%s%s", advices[err->advice].text, about, advices[err->advice].after);
	return dst;
}
