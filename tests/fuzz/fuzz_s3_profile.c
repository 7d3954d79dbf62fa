/* Any bytes as an AWS profile file: "section\nkey\nfile". What is found is a whole value that stands in the file, and is found again in a file of
 * that value alone. */
#include "base/buf.h"
#include "fuzz.h"
#include "io/s3/s3_settings.h"

enum { NAME_CHARS = 63, VALUE_CHARS = 200 };

/* The first line of *rest, cut at its first NUL. */
static void take_line(struct str *rest, char dst[NAME_CHARS + 1])
{
	const char *end = rest->n > 0 ? memchr(rest->p, '\n', rest->n) : NULL;
	const size_t n = end != NULL ? (size_t)(end - rest->p) : rest->n;
	const size_t kept = n < NAME_CHARS ? n : NAME_CHARS;
	memcpy(dst, n > 0 ? rest->p : "", kept);
	dst[kept] = '\0';
	rest->p += n + (end != NULL);
	rest->n -= n + (end != NULL);
}

static bool holds(struct str file, const char *value)
{
	return memmem(file.p, file.n, value, strlen(value)) != NULL;
}

/* "s3.addressing_style" is asked for below "s3 =". */
static void found_again(const char *section, const char *key, const char *value)
{
	char again[VALUE_CHARS];
	struct buf file;
	buf_init(&file, 0);
	const char *dot = strchr(key, '.');
	if (dot != NULL)
		buf_printf(&file, "[%s]\n%.*s =\n\t%s = %s\n", section, (int)(dot - key), key, dot + 1, value);
	else
		buf_printf(&file, "[%s]\n%s = %s\n", section, key, value);
	ASSERT(buf_check(&file, NULL) == OK);
	ASSERT(s3_profile_value((struct str){(const char *)file.p, file.n}, section, key, again, sizeof again));
	ASSERT(strcmp(again, value) == 0);
	buf_deinit(&file);
}

static bool is_plain(const char *name)
{
	return name[0] != '\0' && strpbrk(name, " \t\r[]=#;.") == NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str file = {(const char *)data, size};
	char section[NAME_CHARS + 1], key[NAME_CHARS + 1], value[VALUE_CHARS], tight[VALUE_CHARS];
	take_line(&file, section);
	take_line(&file, key);
	if (!s3_profile_value(file, section, key, value, sizeof value)) return 0;
	const size_t n = strlen(value);
	ASSERT(n > 0 && n < sizeof value && strpbrk(value, "\n") == NULL);
	ASSERT(strchr(" \t", value[0]) == NULL && strchr(" \t\r", value[n - 1]) == NULL);
	ASSERT(holds(file, value));
	ASSERT(s3_profile_value(file, section, key, tight, n + 1) && strcmp(tight, value) == 0);
	ASSERT(!s3_profile_value(file, section, key, tight, n)); /* never a part of it */
	if (is_plain(section) && (is_plain(key) || strcmp(key, "s3.addressing_style") == 0))
		found_again(section, key, value);
	return 0;
}
