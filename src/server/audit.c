/* server/audit.c: lines of the audit log. Must not know routes. */
#include "server/audit.h"

#include <stdio.h>

#include "base/log.h"
#include "io/utf8.h"

/* Every JSON object in base64url begins so: {" */
static bool token_at(struct str s, size_t i)
{
	return s.n - i >= 3 && memcmp(s.p + i, "eyJ", 3) == 0;
}

static bool of_token(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
	       c == '.';
}

const char *audit_target(struct str target, char dst[AUDIT_TARGET_MAX])
{
	size_t n = 0;
	for (size_t i = 0; i < target.n && n + 4 < AUDIT_TARGET_MAX; i++) {
		if (token_at(target, i)) {
			memcpy(dst + n, "***", 3);
			n += 3;
			while (i + 1 < target.n && of_token(target.p[i + 1])) i++;
			continue;
		}
		dst[n++] = (char)(target.p[i] > ' ' && target.p[i] < 0x7f ? target.p[i] : '?');
	}
	dst[n] = '\0';
	return dst;
}

/* A claim's text, which the signer of the token chose: whole characters of it that fit. */
static const char *claim(struct str s, char dst[128])
{
	size_t n = s.n < 127 ? s.n : 127;
	n = utf8_text_prefix((struct str){s.p, n});
	for (size_t i = 0; i < n; i++) dst[i] = (char)((unsigned char)s.p[i] >= ' ' ? s.p[i] : '?');
	dst[n] = '\0';
	return dst;
}

void audit_log(const struct request *r, const struct response *out, int64_t us)
{
	static const char *const methods[] = {"GET", "HEAD", "POST", "other"};
	char target[AUDIT_TARGET_MAX], sub[128], tenant[128], session[128], number[16], rows[24], time[24];
	ASSERT((size_t)r->method < sizeof methods / sizeof *methods);
	(void)snprintf(number, sizeof number, "%d", out->status);
	(void)snprintf(rows, sizeof rows, "%lld", (long long)(out->rows >= 0 ? out->rows : 0));
	(void)snprintf(time, sizeof time, "%lld", (long long)us);
	log_line(LOG_INFO, "request", "role", auth_role_name(r->who.role), "sub", claim(r->who.sub, sub), "tenant",
		claim(r->who.tenant, tenant), "session", claim(r->who.session, session), "method", methods[r->method],
		"target", audit_target(r->target, target), "status", number, "rows", rows, "us", time, NULL);
}
