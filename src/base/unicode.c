/* base/unicode.c: folding a code point for the matching of keywords, by utf8proc; the only file that includes it. */
#include "base/unicode.h"

#include <utf8proc.h>

static bool is_token(utf8proc_int32_t c)
{
	switch (utf8proc_category(c)) {
	case UTF8PROC_CATEGORY_LU:
	case UTF8PROC_CATEGORY_LL:
	case UTF8PROC_CATEGORY_LT:
	case UTF8PROC_CATEGORY_LM:
	case UTF8PROC_CATEGORY_LO:
	case UTF8PROC_CATEGORY_ND:
	case UTF8PROC_CATEGORY_NL:
	case UTF8PROC_CATEGORY_NO: return true;
	default: return false;
	}
}

size_t unicode_fold(const char *p, size_t n, char *dst, size_t *n_out)
{
	enum { PARTS_MAX = UNICODE_FOLD_MAX / 4 };
	utf8proc_int32_t c, parts[PARTS_MAX];
	*n_out = 0;
	const utf8proc_ssize_t used =
		utf8proc_iterate((const utf8proc_uint8_t *)p, (utf8proc_ssize_t)(n > 4 ? 4 : n), &c);
	if (used <= 0) {
		dst[(*n_out)++] = ' ';
		return 1;
	}
	int last_class = 0;
	const utf8proc_option_t options = UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT | UTF8PROC_CASEFOLD | UTF8PROC_STRIPMARK;
	const utf8proc_ssize_t n_parts = utf8proc_decompose_char(c, parts, PARTS_MAX, options, &last_class);
	if (n_parts < 0 || n_parts > PARTS_MAX) {
		dst[(*n_out)++] = ' ';
		return (size_t)used;
	}
	for (utf8proc_ssize_t i = 0; i < n_parts; i++) {
		if (!is_token(parts[i]))
			dst[(*n_out)++] = ' ';
		else
			*n_out += (size_t)utf8proc_encode_char(parts[i], (utf8proc_uint8_t *)dst + *n_out);
	}
	return (size_t)used;
}
