#include "check.h"

#include "io/s3/s3_xml.h"

static const char listing[] =
	"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!-- a note -->"
	"<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Name>b</Name><Prefix/>"
	"<Contents><Key>a/b&amp;c=1 +&#x2F;&#241;.txt</Key><Size>3</Size><Owner><ID>x</ID></Owner></Contents>\r\n"
	"<Contents><Key>z</Key><Size>4</Size></Contents><IsTruncated>false</IsTruncated></ListBucketResult>";

static void test_listing(void **state)
{
	(void)state;
	struct str inside, name, child;
	char text[64];
	assert_true(s3_xml_root(str_of(listing), "ListBucketResult", &inside));
	assert_false(s3_xml_root(str_of(listing), "Error", &child));
	struct s3_xml x = s3_xml_of(inside);
	static const char *const names[] = {"Name", "Prefix", "Contents", "Contents", "IsTruncated"};
	for (size_t i = 0; i < 5; i++) {
		assert_true(s3_xml_next(&x, &name, &child));
		if (!str_is(name, names[i])) fail_msg("%.*s, expected %s", (int)name.n, name.p, names[i]);
		if (i == 2) {
			assert_true(s3_xml_text(child, "Key", text, sizeof text));
			assert_string_equal(text, "a/b&c=1 +/\xc3\xb1.txt");
			assert_false(s3_xml_text(child, "ID", text, sizeof text)); /* one level further down */
			assert_string_equal(text, "");
		}
	}
	assert_false(s3_xml_next(&x, &name, &child));
	assert_true(s3_xml_text(inside, "Prefix", text, sizeof text));
	assert_string_equal(text, "");
	assert_false(s3_xml_text(inside, "Name", text, 1)); /* no room */
}

static void test_broken(void **state)
{
	(void)state;
	static const char *const broken[] = {"", "<", "<>", "</a>", "<a", "<a>", "<a><b></a>", "<a></b>", "<a></a",
		"text", "<!-- <a></a>", "<? <a></a>", "<a><a></a>"};
	struct str name, inside;
	for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
		struct s3_xml x = s3_xml_of(str_of(broken[i]));
		if (s3_xml_next(&x, &name, &inside)) fail_msg("accepted: %s", broken[i]);
	}
}

static void test_entities(void **state)
{
	(void)state;
	static const struct {
		const char *in, *out; /* NULL: refused */
	} cases[] = {
		{"<k>&lt;&gt;&quot;&apos;&amp;</k>", "<>\"'&"},
		{"<k>&#65;&#x41;&#x1F600;</k>", "AA\xf0\x9f\x98\x80"},
		{"<k>&nbsp;</k>", NULL},
		{"<k>&</k>", NULL},
		{"<k>&amp</k>", NULL},
		{"<k>&#0;</k>", NULL},
		{"<k>&#xD800;</k>", NULL},
		{"<k>&#x110000;</k>", NULL},
		{"<k>&#99999999;</k>", NULL},
		{"<k>&#xG;</k>", NULL},
		{"<k>a<b/>c</k>", NULL},
	};
	char text[32];
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const bool ok = s3_xml_text(str_of(cases[i].in), "k", text, sizeof text);
		if (ok != (cases[i].out != NULL)) fail_msg("%s: %d", cases[i].in, ok);
		assert_string_equal(text, ok ? cases[i].out : "");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_listing), cmocka_unit_test(test_broken), cmocka_unit_test(test_entities)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
