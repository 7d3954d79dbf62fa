/* Any bytes as an answer of S3: every element found lies in the input, and its text is valid where it is taken. */
#include "base/alloc.h"
#include "fuzz.h"
#include "io/s3/s3_xml.h"

static void walk(struct str text, int depth)
{
	struct s3_xml x = s3_xml_of(text);
	struct str name, inside;
	const char *last = text.p;
	while (s3_xml_next(&x, &name, &inside)) {
		ASSERT(name.n > 0 && name.p > last && name.p + name.n <= text.p + text.n);
		ASSERT(inside.p >= name.p + name.n && inside.p + inside.n <= text.p + text.n);
		ASSERT(x.p >= inside.p + inside.n && x.p <= text.p + text.n);
		last = x.p - 1;
		if (depth < 4) walk(inside, depth + 1);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct str text = {(const char *)data, size};
	char key[16];
	struct str inside;
	walk(text, 0);
	if (s3_xml_root(text, "ListBucketResult", &inside) && s3_xml_text(inside, "Key", key, sizeof key))
		ASSERT(strlen(key) < sizeof key);
	return 0;
}
