/* Any bytes as YAML and as JSON: refused, or a tree whose canonical JSON reads back, through both readers, as itself. */
#include "fuzz.h"
#include "io/config/config.h"

static bool parse(struct config *c, enum config_format format, struct str text, struct buf *json)
{
	struct config_node *node = NULL;
	struct err err = {0};
	const status code = config_parse(c, format, text, "input", &node, &err);
	ASSERT(code == OK || code == E_USAGE || code == E_LIMIT);
	ASSERT(code == OK || err.message[0] != '\0');
	if (code != OK) return false;
	buf_reset(json);
	config_json(node, json);
	ASSERT(buf_check(json, NULL) == OK);
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf json;
	struct buf again;
	buf_init(&json, 0);
	buf_init(&again, 0);
	for (int format = CONFIG_YAML; format <= CONFIG_JSON; format++) {
		struct config c;
		ASSERT(config_init(&c, NULL) == OK);
		if (parse(&c, (enum config_format)format, (struct str){(const char *)data, size}, &json)) {
			const struct str text = {(const char *)json.p, json.n};
			/* Only the budget may refuse the second reading: both trees live in one configuration. */
			if (parse(&c, CONFIG_JSON, text, &again))
				ASSERT(str_eq(text, (struct str){(const char *)again.p, again.n}));
			else
				ASSERT(c.n_nodes * 2 > 1 << 18);
		}
		config_deinit(&c);
	}
	buf_deinit(&again);
	buf_deinit(&json);
	return 0;
}
