/* cli/advice.c: the flags that an error's advice stands for. The rooms below know none; see enum err_advice. */
#include <stdio.h>

#include "cli/cli.h"

/* Added to the message, so each begins with what joins them; what the advice is about stands between the two. */
static const struct {
	const char *text, *after;
} advices[ADVICE_N] = {
	[ADVICE_NONE] = {"", ""},
	[ADVICE_OTHER_LAKE] = {", or choose another place with --lake", ""},
	[ADVICE_CHECK_LAKE] = {"; check --lake", ""},
	[ADVICE_SINGLE_WRITER] = {", or --unsafe-single-writer if nothing else ever writes to this lake", ""},
	[ADVICE_OTHER_CONTROL] = {"; move it away, or name another with --control", ""},
	[ADVICE_NEW_RUN] = {"; name a new run with --run-id", ""},
	[ADVICE_OR_NEW_RUN] = {", or start a new run with --run-id", ""},
	[ADVICE_AS_OF] = {"; name the last day with --as-of", ""},
	[ADVICE_SOURCE] = {"; give --source a value", ""},
	[ADVICE_SEE_QUALITY] = {"; see `pqr quality --run-id ", "`"},
	[ADVICE_STAGE_FIRST] = {"; `pqr STAGE --run-id ", "` runs a stage"},
	[ADVICE_RETENTION] = {"; --no-retention-check allows it", ""},
};

const char *cli_error_text(const struct err *err, char dst[CLI_ERROR_CHARS])
{
	ASSERT(err->advice < ADVICE_N);
	(void)err_text(err, dst, CLI_ERROR_CHARS);
	const size_t n = strlen(dst);
	(void)snprintf(dst + n, CLI_ERROR_CHARS - n, "%s%s%s", advices[err->advice].text, err->about,
		advices[err->advice].after);
	return dst;
}
