/* workloads/pqrs/config/config_same.c: whether two configurations simulate the same events. */
#include "io/json/json_doc.h"
#include "workloads/pqrs/config/config.h"

static bool is_range(struct str key)
{
	return str_is(key, "seed") || str_is(key, "date_range");
}

static bool same_simulation(const struct json_node *a, const struct json_node *b)
{
	struct str key;
	const struct json_node *value;
	bool same = a != NULL && b != NULL && json_node_n(a) == json_node_n(b);
	for (const void *at = NULL; same && json_node_next(a, &at, &key, &value);)
		same = is_range(key) || json_node_equal(value, json_node_get(b, key.p));
	return same;
}

/* How events are classified, checked, stored and published does not tell which there are. */
static bool same_events(const struct json_node *a, const struct json_node *b)
{
	static const char *const sections[] = {"calendar", "geography", "law", "sla", "status", "topics"};
	bool same = same_simulation(json_node_get(a, "simulation"), json_node_get(b, "simulation"));
	for (size_t i = 0; i < sizeof sections / sizeof *sections && same; i++)
		same = json_node_equal(json_node_get(a, sections[i]), json_node_get(b, sections[i]));
	return same;
}

bool pqrs_config_same_events(struct str a, struct str b)
{
	struct json_doc *x = NULL, *y = NULL;
	const bool same = json_doc_parse(a, &x, NULL) == OK && json_doc_parse(b, &y, NULL) == OK &&
			  same_events(json_doc_root(x), json_doc_root(y));
	json_doc_destroy(x);
	json_doc_destroy(y);
	return same;
}
