/* io/s3/s3_xml.c: as much of XML as S3 answers with: elements, text, entities. Untrusted: reads nothing outside its
 * text, and no depth of it costs stack. */
#include "io/s3/s3_xml.h"

static bool starts(const char *p, const char *end, const char *what)
{
	const size_t n = strlen(what);
	return (size_t)(end - p) >= n && memcmp(p, what, n) == 0;
}

static const char *find(const char *p, const char *end, const char *what)
{
	return memmem(p, (size_t)(end - p), what, strlen(what));
}

/* Past <?...?>, <!--...--> and text, to the '<' of a tag; NULL: none. */
static const char *tag_find(const char *p, const char *end)
{
	while (p < end) {
		p = memchr(p, '<', (size_t)(end - p));
		if (p == NULL) return NULL;
		const char *skip = starts(p, end, "<?") ? "?>" : starts(p, end, "<!--") ? "-->" : NULL;
		if (skip == NULL) return p;
		p = find(p + 2, end, skip);
		if (p == NULL) return NULL;
		p += strlen(skip);
	}
	return NULL;
}

struct tag {
	struct str name;
	bool closes, empty;
	const char *after;
};

static bool tag_read(const char *p, const char *end, struct tag *t)
{
	const char *stop = memchr(p, '>', (size_t)(end - p));
	if (stop == NULL || p + 1 == stop) return false;
	t->closes = p[1] == '/';
	t->empty = stop[-1] == '/' && !t->closes;
	const char *name = p + 1 + t->closes;
	const char *at = name;
	while (at < stop && *at != ' ' && *at != '\t' && *at != '\r' && *at != '\n' && *at != '/') at++;
	t->name = (struct str){name, (size_t)(at - name)};
	t->after = stop + 1;
	return t->name.n > 0;
}

bool s3_xml_next(struct s3_xml *x, struct str *name, struct str *inside)
{
	struct tag open, t;
	const char *p = tag_find(x->p, x->end);
	if (p == NULL || !tag_read(p, x->end, &open) || open.closes) return false;
	*name = open.name;
	if (open.empty) {
		*inside = (struct str){open.after, 0};
		x->p = open.after;
		return true;
	}
	p = open.after;
	for (size_t depth = 1;;) {
		p = tag_find(p, x->end);
		if (p == NULL || !tag_read(p, x->end, &t)) return false;
		if (t.closes)
			depth--;
		else if (!t.empty)
			depth++;
		if (depth == 0) break;
		p = t.after;
	}
	if (!str_eq(t.name, open.name)) return false;
	*inside = (struct str){open.after, (size_t)(p - open.after)};
	x->p = t.after;
	return true;
}

bool s3_xml_child(struct str inside, const char *name, struct str *out)
{
	struct s3_xml x = s3_xml_of(inside);
	struct str found;
	while (s3_xml_next(&x, &found, out))
		if (str_is(found, name)) return true;
	return false;
}

bool s3_xml_root(struct str text, const char *name, struct str *inside)
{
	struct s3_xml x = s3_xml_of(text);
	struct str found;
	return s3_xml_next(&x, &found, inside) && str_is(found, name);
}

/* UTF-8 of a character reference; 0: none (RFC 3629 and XML 1.0 section 4.1). */
static size_t reference(struct str digits, char dst[4])
{
	uint32_t base = 10, c = 0;
	if (digits.n > 0 && digits.p[0] == 'x') base = 16, digits.p++, digits.n--;
	if (digits.n == 0 || digits.n > 7) return 0;
	for (size_t i = 0; i < digits.n; i++) {
		const char d = digits.p[i];
		const uint32_t v = d >= '0' && d <= '9'   ? (uint32_t)(d - '0')
				   : d >= 'a' && d <= 'f' ? (uint32_t)(d - 'a') + 10
				   : d >= 'A' && d <= 'F' ? (uint32_t)(d - 'A') + 10
							  : 99;
		if (v >= base) return 0;
		c = c * base + v; /* 7 hexadecimal digits fit */
	}
	if (c == 0 || c > 0x10ffff || (c >= 0xd800 && c < 0xe000)) return 0;
	if (c < 0x80) return dst[0] = (char)c, 1;
	if (c < 0x800) return dst[0] = (char)(0xc0 | c >> 6), dst[1] = (char)(0x80 | (c & 63)), 2;
	if (c < 0x10000)
		return dst[0] = (char)(0xe0 | c >> 12), dst[1] = (char)(0x80 | (c >> 6 & 63)),
		       dst[2] = (char)(0x80 | (c & 63)), 3;
	return dst[0] = (char)(0xf0 | c >> 18), dst[1] = (char)(0x80 | (c >> 12 & 63)),
	       dst[2] = (char)(0x80 | (c >> 6 & 63)), dst[3] = (char)(0x80 | (c & 63)), 4;
}

static size_t entity(struct str name, char dst[4])
{
	static const struct {
		const char *name;
		char c;
	} known[] = {{"amp", '&'}, {"lt", '<'}, {"gt", '>'}, {"quot", '"'}, {"apos", '\''}};
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (str_is(name, known[i].name)) return dst[0] = known[i].c, 1;
	return name.n > 1 && name.p[0] == '#' ? reference((struct str){name.p + 1, name.n - 1}, dst) : 0;
}

static bool decode(struct str s, char *dst, size_t size)
{
	size_t n = 0;
	for (size_t i = 0; i < s.n;) {
		char c[4] = {s.p[i]};
		size_t c_n = 1, used = 1;
		if (s.p[i] == '<' || s.p[i] == '\0') return false;
		if (s.p[i] == '&') {
			const size_t window = s.n - i < 12 ? s.n - i : 12;
			const char *end = memchr(s.p + i, ';', window);
			if (end == NULL) return false;
			used = (size_t)(end - (s.p + i)) + 1;
			c_n = entity((struct str){s.p + i + 1, used - 2}, c);
			if (c_n == 0) return false;
		}
		if (c_n >= size - n) return false;
		memcpy(dst + n, c, c_n);
		n += c_n;
		i += used;
	}
	dst[n] = '\0';
	return true;
}

bool s3_xml_text(struct str inside, const char *name, char *dst, size_t size)
{
	struct str raw;
	if (s3_xml_child(inside, name, &raw) && decode(raw, dst, size)) return true;
	dst[0] = '\0';
	return false;
}
