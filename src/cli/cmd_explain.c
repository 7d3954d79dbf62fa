/* cli/cmd_explain.c: pqr explain: asks the workload that has something to explain. */
#include "cli/run_options.h"
#include "workloads/registry.h"

static status explain_print(struct session *s, struct cli *c, void *arg, struct err *err)
{
	(void)arg;
	for (size_t i = 0; i < registry_workloads.n; i++) {
		const struct workload *w = registry_workloads.items[i];
		if (w->explain == NULL) continue;
		TRY(w->explain(s->lake, c->args[0], c->json, &c->out, err));
		return cli_print_result(c, err);
	}
	return fail(err, E_UNSUPPORTED, "unsupported: no workload of this program has anything to explain");
}

static status explain_run(struct cli *c, struct err *err)
{
	return cli_with_session(c, SESSION_LAKE | SESSION_TABLES | SESSION_EXISTING, explain_print, NULL, err);
}

const struct cli_command cli_explain_command = {.name = "explain",
	.synopsis = "TICKET",
	.summary = "a ticket's due date, day by day, with the law in force",
	.details = "TICKET is a ticket_id, or the external_id that the citizen was given. Each day from\n"
		   "reception to due date is counted, or skipped as week-end, holiday, hold, or stop\n"
		   "(answered, then reopened). As the newest run left the ticket.\n\n"
		   "  pqr explain RAD-2025-000123\n"
		   "  pqr explain 6f1c0f5e-0c3f-5b1c-9d8e-2b6f0a6f3f11 --json",
	.args_min = 1,
	.args_max = 1,
	.run = explain_run};
