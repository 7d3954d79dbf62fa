/* flow/error_json.c: the errors of other processes keep their code and class, which decide whether a task is tried again. */
#include "flow/error_json.h"

static const char *const classes[] = {
	[ERR_FATAL] = "fatal",
	[ERR_RETRY] = "retry",
	[ERR_CONFLICT] = "conflict",
	[ERR_DATA] = "data",
	[ERR_UNKNOWN] = "unknown",
	[ERR_DENIED] = "denied",
};

void error_json(struct buf *out, const struct err *e)
{
	char text[ERR_MESSAGE_MAX + ERR_WHERE_MAX + 64];
	buf_printf(out, "{\"class\":\"%s\",\"code\":\"%s\",\"exit\":%d,\"message\":", classes[e->class],
		status_name(e->code), status_exit(e->code));
	buf_json_str(out, str_of(err_text(e, text, sizeof text)));
	buf_char(out, '}');
}

bool error_parse(const struct json_node *n, struct err *out)
{
	struct str class, code, message;
	int c = E_USAGE, k = ERR_FATAL;
	if (!json_node_str(json_node_get(n, "class"), &class) || !json_node_str(json_node_get(n, "code"), &code) ||
		!json_node_str(json_node_get(n, "message"), &message))
		return false;
	while (c <= E_CANCELLED && !str_is(code, status_name((status)c))) c++;
	while (k <= ERR_DENIED && !str_is(class, classes[k])) k++;
	if (c > E_CANCELLED || k > ERR_DENIED) return false;
	(void)fail(out, (status)c, "%s", message.p);
	err_set_class(out, (enum err_class)k);
	return true;
}
