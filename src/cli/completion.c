/* cli/completion.c: what can stand where the cursor is. Shells hand the words over and show what comes back, so that all of them know
 * the same, the tables and runs of the lake that the line names included.
 *
 * Invariant: completing never fails and never makes anything: without a lake, or with half a line that makes no sense, nothing comes.
 */
#include <stdio.h>

#include "base/log.h"
#include "cli/run_options.h"
#include "workloads/registry.h"
#include "table/catalog.h"

/* Words between blanks; of every command where that is NULL. */
static const struct {
	const char *command, *option, *values;
} option_values[] = {
	{NULL, "--log-level", "debug info warn error off"},
	{NULL, "--log-format", "text json"},
	{NULL, "--executor", "threads dask:// spark:// spark-local[2]"},
	{"run", "--until", "raw bronze silver gold publish"},
	{"ingest", "--format", "jsonl auto"},
	{"lineage", "--format", "text json openlineage dot cypher"},
	{"table", "--format", "table csv json"},
	{"rejects", "--format", "table csv json"},
	{"sql", "--format", "table csv json parquet"},
	{"contract", "--format", "json-schema ddl-postgres ddl-sqlite markdown delta"},
};

/* The first argument of a command; what follows it is in `rest`. */
static const struct {
	const char *command, *first;
} arguments[] = {
	{"runs", "list show retry drop diff"},
	{"table", "list schema history files cat optimize vacuum checkpoint"},
	{"lake", "create"},
	{"completion", "bash zsh fish"},
};

struct completing {
	struct cli *cli;
	const struct cli_command *command; /* NULL: none yet */
	const char *const *words;
	size_t n_words;
	const char *word;   /* the last: what is completed */
	const char *option; /* the option whose value it is; NULL */
	size_t n_args;      /* arguments of the command before it */
	const char *first;  /* of those */
	struct buf out;
};

static void offer(struct completing *k, struct str s)
{
	const size_t n = strlen(k->word);
	if (s.n < n || memcmp(s.p, k->word, n) != 0) return;
	buf_add(&k->out, s.p, s.n);
	buf_char(&k->out, '\n');
}

static void offer_words(struct completing *k, const char *words)
{
	for (const char *p = words; *p != '\0';) {
		const size_t n = strcspn(p, " ");
		offer(k, (struct str){p, n});
		p += n + (p[n] == ' ');
	}
}

/* ---- what a lake knows ---- */

static status offer_table(void *arg, const char *layer, const char *name, struct err *err)
{
	char full[256];
	(void)err;
	(void)snprintf(full, sizeof full, "%s.%s", layer, name);
	offer(arg, str_of(full));
	return OK;
}

static status offer_run(void *arg, const struct control_value *values, size_t n, struct err *err)
{
	(void)err;
	if (n == 1 && values[0].kind == CONTROL_TEXT) offer(arg, values[0].text);
	return OK;
}

static void offer_of_lake(struct completing *k, bool runs)
{
	struct session s;
	const struct control_select all = {.sql = "SELECT run_id FROM meta.runs ORDER BY started_at DESC, run_id"};
	status code = cli_session_open(&s, k->cli, SESSION_EXISTING, NULL);
	const bool nothing = code != OK || (runs && session_missing(s.engine.control_uri));
	if (!nothing) code = session_connect(&s, runs ? SESSION_CONTROL | SESSION_LOOK : SESSION_LAKE, NULL);
	if (!nothing && code == OK)
		code = runs ? control_query(s.control, &all, offer_run, k, NULL)
			    : delta_catalog_list(s.lake, offer_table, k, NULL);
	(void)code; /* nothing to offer is no failure */
	session_close(&s);
}

static void offer_runs(struct completing *k)
{
	offer_of_lake(k, true);
	offer_words(k, "latest");
}

/* ---- the line ---- */

/* Options of the line decide which lake is asked. */
static void keep_global(struct completing *k, const char *name, const char *value)
{
	for (size_t i = 0; i < cli_n_globals; i++)
		if (strcmp(cli_globals[i].name, name) == 0) k->cli->values[i] = value;
}

static void read_line(struct completing *k)
{
	size_t index;
	k->word = k->n_words > 0 ? k->words[k->n_words - 1] : "";
	for (size_t i = 0; i + 1 < k->n_words; i++) {
		const char *w = k->words[i];
		if (w[0] == '-' && w[1] != '\0') {
			const struct cli_option *o = cli_option_find(k->command, w, strlen(w), &index);
			if (o == NULL || o->value == NULL) continue;
			if (i + 2 == k->n_words)
				k->option = o->name;
			else
				keep_global(k, o->name, k->words[++i]);
		} else if (k->command == NULL) {
			k->command = cli_command_find(k->cli, w);
			if (k->command == NULL) return;
		} else {
			if (k->n_args++ == 0) k->first = w;
		}
	}
}

/* Workloads share the words for lines that are no JSON. */
static bool reason_known(size_t n_before, const char *reason)
{
	char text[WORKLOAD_REASON_MAX];
	for (size_t i = 0; i < n_before; i++) {
		const struct workload *w = registry_workloads.items[i];
		const char *other;
		for (size_t k = 0; w->reason != NULL && (other = w->reason(k, text)) != NULL; k++) {
			if (strcmp(other, reason) == 0) return true;
		}
	}
	return false;
}

static void offer_reasons(struct completing *k)
{
	char text[WORKLOAD_REASON_MAX];
	for (size_t i = 0; i < registry_workloads.n; i++) {
		const struct workload *w = registry_workloads.items[i];
		const char *reason;
		for (size_t r = 0; w->reason != NULL && (reason = w->reason(r, text)) != NULL; r++) {
			if (!reason_known(i, reason)) offer(k, str_of(reason));
		}
	}
}

static void offer_option_value(struct completing *k)
{
	const char *command = k->command != NULL ? k->command->name : "";
	if (strcmp(k->option, "--run-id") == 0) offer_runs(k);
	if (strcmp(k->option, "--reason") == 0) offer_reasons(k);
	for (size_t i = 0; i < sizeof option_values / sizeof option_values[0]; i++) {
		if (strcmp(option_values[i].option, k->option) != 0) continue;
		if (option_values[i].command != NULL && strcmp(option_values[i].command, command) != 0) continue;
		offer_words(k, option_values[i].values);
	}
}

static void offer_options(struct completing *k)
{
	for (size_t i = 0; k->command != NULL && i < k->command->n_options; i++)
		offer(k, str_of(k->command->options[i].name));
	for (size_t i = 0; i < cli_n_globals; i++) offer(k, str_of(cli_globals[i].name));
}

static void offer_commands(struct completing *k)
{
	for (size_t i = 0; i < k->cli->n_commands; i++) offer(k, str_of(k->cli->commands[i]->name));
}

static void offer_contracts(struct completing *k)
{
	for (size_t i = 0; i < registry_workloads.n; i++) {
		const struct workload *w = registry_workloads.items[i];
		for (size_t t = 0; t < w->n_tables; t++)
			(void)!offer_table(k, w->tables[t]->layer, w->tables[t]->name, NULL);
	}
}

static void offer_argument(struct completing *k)
{
	const char *command = k->command->name;
	const bool table = strcmp(command, "table") == 0, runs = strcmp(command, "runs") == 0;
	const bool workload = (k->n_args == 0 && k->command->takes_workload) ||
			      (k->n_args == 1 && runs && strcmp(k->first, "list") == 0);
	for (size_t i = 0; k->n_args == 0 && i < sizeof arguments / sizeof arguments[0]; i++)
		if (strcmp(arguments[i].command, command) == 0) offer_words(k, arguments[i].first);
	if (k->n_args == 0 && strcmp(command, "help") == 0) offer_commands(k);
	if (k->n_args == 1 && table && strcmp(k->first, "list") != 0) offer_of_lake(k, false);
	if (k->n_args > 0 && runs && strcmp(k->first, "list") != 0) offer_runs(k);
	if (k->n_args == 0 && strcmp(command, "contract") == 0) offer_contracts(k);
	for (size_t i = 0; workload && i < registry_workloads.n; i++)
		offer(k, str_of(registry_workloads.items[i]->name));
}

static status complete(struct cli *c, struct err *err)
{
	struct completing k = {.cli = c, .words = c->args + 1, .n_words = c->n_args - 1};
	buf_init(&k.out, 1 << 20);
	log_setup(LOG_OFF, LOG_TEXT);
	c->quiet = true;
	read_line(&k);
	if (k.option != NULL)
		offer_option_value(&k);
	else if (k.word[0] == '-')
		offer_options(&k);
	else if (k.command == NULL)
		offer_commands(&k);
	else
		offer_argument(&k);
	const status code = cli_print(&k.out, err);
	buf_deinit(&k.out);
	return code;
}

/* ---- the scripts ---- */

static const struct {
	const char *shell, *text;
} scripts[] = {
	{"bash", "# bash completion for pqr: source it, or put it into /usr/share/bash-completion/completions/pqr\n"
		 "_pqr() {\n"
		 "  mapfile -t COMPREPLY < <(\"${COMP_WORDS[0]}\" completion words -- "
		 "\"${COMP_WORDS[@]:1:COMP_CWORD}\" 2>/dev/null)\n"
		 "}\n"
		 "complete -o default -F _pqr pqr\n"},
	{"zsh", "#compdef pqr\n"
		"# zsh completion for pqr: source it after compinit, or put it into a folder of $fpath as _pqr\n"
		"_pqr() {\n"
		"  local -a found\n"
		"  found=(\"${(@f)$(\"${words[1]}\" completion words -- \"${(@)words[2,CURRENT]}\" 2>/dev/null)}\")\n"
		"  found=(${found:#})\n"
		"  if (( $#found )); then compadd -- $found; else _files; fi\n"
		"}\n"
		"if [ \"$funcstack[1]\" = _pqr ]; then _pqr \"$@\"; else compdef _pqr pqr; fi\n"},
	{"fish", "# fish completion for pqr: source it, or put it into ~/.config/fish/completions/pqr.fish\n"
		 "complete -c pqr -a '(pqr completion words -- (commandline -opc)[2..] (commandline -ct) "
		 "2>/dev/null)'\n"},
};

static status completion_run(struct cli *c, struct err *err)
{
	const char *shell = c->n_args > 0 ? c->args[0] : "bash";
	if (strcmp(shell, "words") == 0) return complete(c, err);
	if (c->n_args > 1) return fail(err, E_USAGE, "pqr completion: unexpected argument '%s'", c->args[1]);
	for (size_t i = 0; i < sizeof scripts / sizeof scripts[0]; i++) {
		if (strcmp(scripts[i].shell, shell) != 0) continue;
		return cli_write(scripts[i].text, strlen(scripts[i].text), NULL, err);
	}
	return fail(err, E_USAGE, "pqr completion: expected bash, zsh or fish, found '%s'", shell);
}

const struct cli_command cli_completion_command = {.name = "completion",
	.synopsis = "[bash | zsh | fish]",
	.summary = "completion for a shell, to be sourced",
	.details = "It knows commands, options and their values, the lake's tables and the runs.\n\n"
		   "  source <(pqr completion bash)\n"
		   "  source <(pqr completion zsh)\n"
		   "  pqr completion fish | source\n\n"
		   "What the scripts call is `pqr completion words -- WORD...`: what the last word can become, a line "
		   "each.",
	.args_max = -1,
	.run = completion_run};
