#include "workloads/pqrs/silver/rules.h"

#include "check.h"
#include "fixture.h"
#include "workloads/pqrs/silver/entities.h"

static struct rules *make_rules(void)
{
	static struct pqrs_config cfg;
	struct err err;
	struct rules *r;
	fixture_rules(&cfg);
	CHECK_OK(&err, rules_create(&cfg, &r, &err));
	return r;
}

static void test_predictions(void **state)
{
	(void)state;
	static const struct {
		const char *subject, *text;
		enum pqrs_type type;
		enum pqrs_priority priority;
		int64_t score;
		const char *explain;
	} cases[] = {
		{"", "", TYPE_P, PRIORITY_MEDIA, 0,
			"{\"keywords\":[],\"priority\":{\"alta\":0,\"baja\":0,\"media\":0},\"type\":{\"P\":0,\"Q\":0,"
			"\"R\":0,\"S\":0}}"},
		{"nada de eso", "hola", TYPE_P, PRIORITY_MEDIA, 0, NULL},
		{"QUEJA", "", TYPE_Q, PRIORITY_ALTA, 10000,
			"{\"keywords\":[\"queja\"],\"priority\":{\"alta\":1,\"baja\":0,\"media\":0},\"type\":{\"P\":0,"
			"\"Q\":1,\"R\":0,\"S\":0}}"},
		{"quejas", "reclamos", TYPE_P, PRIORITY_MEDIA, 0, NULL},     /* whole words only */
		{"reclamo", "solicito", TYPE_P, PRIORITY_MEDIA, 5000, NULL}, /* a tie goes to P */
		{"Sugerencia", "reclamo, cobro y factura", TYPE_R, PRIORITY_MEDIA, 7500, NULL},
		{"solicito solicito", "QUEJA", TYPE_P, PRIORITY_ALTA, 6667,
			NULL}, /* 2/3, half away from zero; repeats count */
		{"", "Solicitó INFORMACIÓN", TYPE_P, PRIORITY_MEDIA, 10000,
			"{\"keywords\":[\"solicito\",\"informacion\"],\"priority\":{\"alta\":0,\"baja\":0,\"media\":0},"
			"\"type\":{\"P\":2,\"Q\":0,\"R\":0,\"S\":0}}"},
		{"", "informacio\xCC\x81n", TYPE_P, PRIORITY_MEDIA, 10000, NULL}, /* o + combining acute */
		{"", "NIÑO", TYPE_S, PRIORITY_MEDIA, 10000, NULL},
		{"", "\xEF\xBC\xB1\xEF\xBC\xB5\xEF\xBC\xA5\xEF\xBC\xAA\xEF\xBC\xA1", TYPE_Q, PRIORITY_ALTA, 10000,
			NULL}, /* full-width QUEJA */
		{"", "(factura)cobro.", TYPE_R, PRIORITY_MEDIA, 10000, NULL},
		{"", "Derecho, de  Petición!", TYPE_P, PRIORITY_MEDIA, 10000, NULL}, /* a phrase over any separators */
		{"", "derecho de peticiones", TYPE_P, PRIORITY_MEDIA, 0, NULL},
		{"derecho de", "peticion", TYPE_P, PRIORITY_MEDIA, 10000, NULL},
		{"", "urgente, pronto", TYPE_P, PRIORITY_ALTA, 0, NULL}, /* a tie goes to alta */
		{"", "cuando puedan", TYPE_P, PRIORITY_BAJA, 0, NULL},
		{"", "pronto", TYPE_P, PRIORITY_MEDIA, 0, NULL},
	};
	struct rules *r = make_rules();
	struct err err;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct prediction p;
		CHECK_OK(&err, rules_classify(r, str_of(cases[i].subject), str_of(cases[i].text), &p, &err));
		if (p.type != cases[i].type || p.priority != cases[i].priority || p.score != cases[i].score) {
			fail_msg("case %zu \"%s\" / \"%s\": type %d priority %d score %lld, %.*s", i, cases[i].subject,
				cases[i].text, (int)p.type, (int)p.priority, (long long)p.score, (int)p.explain_json.n,
				p.explain_json.p);
		}
		if (cases[i].explain != NULL && !str_is(p.explain_json, cases[i].explain))
			fail_msg("case %zu: %.*s", i, (int)p.explain_json.n, p.explain_json.p);
	}
	rules_destroy(r);
}

/* The vector path and the table give what the library gives code point by code point, at every length and alignment. */
static void test_fold_oracle(void **state)
{
	(void)state;
	static const char *const pieces[] = {"a", "Z", "9", " ", "-", "é", "Ñ", "ß", "½", "ª", "æ", "\xCC\x81", "Ω",
		"\xEF\xB7\xBA", "\xF0\x9F\x98\x80", "palabra", "\xC2\xA0", "ÿ", "Ÿ", "@", "[", "`", "{", "/", ":",
		"\x7F", "\x01", "ﬁ", "\xC2", "\xFF"};
	struct rules *r = make_rules();
	char text[512], fast[512 * 32 + 256], plain[512 * 32 + 256];
	uint32_t seed = 1;
	for (int round = 0; round < 20000; round++) {
		size_t n = 0;
		const size_t target = (size_t)round % 120;
		while (n < target) {
			seed = seed * 1664525 + 1013904223;
			const char *piece = pieces[(seed >> 8) % (sizeof pieces / sizeof pieces[0])];
			if ((seed >> 28) < 12) piece = pieces[(seed >> 8) % 6];
			memcpy(text + n, piece, strlen(piece));
			n += strlen(piece);
		}
		/* Only valid UTF-8 is promised to agree: a cut sequence may swallow the byte behind it in the table's path. */
		if (memchr(text, 0xFF, n) != NULL || strstr((text[n] = 0, text), "\xC2\xC2") != NULL) continue;
		bool cut = false;
		for (size_t i = 0; i < n; i++)
			cut |= (uint8_t)text[i] == 0xC2 && (i + 1 == n || (text[i + 1] & 0xC0) != 0x80);
		if (cut) continue;
		rules_fold_force_plain(r, false);
		const size_t n_fast = rules_fold(r, (struct str){text, n}, fast);
		rules_fold_force_plain(r, true);
		const size_t n_plain = rules_fold(r, (struct str){text, n}, plain);
		if (n_fast != n_plain || memcmp(fast, plain, n_fast) != 0)
			fail_msg("\"%.*s\": \"%.*s\", expected \"%.*s\"", (int)n, text, (int)n_fast, fast, (int)n_plain,
				plain);
	}
	rules_destroy(r);
}

/* A keyword is found at every place of a long text, across the 64-byte blocks. */
static void test_block_borders(void **state)
{
	(void)state;
	struct rules *r = make_rules();
	struct err err;
	char text[300];
	for (size_t at = 0; at < 200; at++) {
		memset(text, 'x', sizeof text);
		memcpy(text + at + 1, "reclamo", 7);
		text[at] = text[at + 8] = ' ';
		struct prediction p;
		CHECK_OK(&err, rules_classify(r, (struct str){text, at + 1}, (struct str){text + at, 100}, &p, &err));
		CHECK_I64(p.type_hits[TYPE_R], 1);
		CHECK_I64(p.type_hits[TYPE_P] + p.type_hits[TYPE_Q] + p.type_hits[TYPE_S], 0);
		text[at] = 'x';
		CHECK_OK(&err, rules_classify(r, (struct str){text, sizeof text}, STR(""), &p, &err));
		CHECK_I64(p.type_hits[TYPE_R], 0);
	}
	rules_destroy(r);
}

static void test_many_keywords(void **state)
{
	(void)state;
	struct rules *r = make_rules();
	struct err err;
	struct prediction p;
	struct buf b;
	buf_init(&b, 0);
	for (int i = 0; i < 100000; i++) buf_str(&b, "queja solicito ");
	CHECK_OK(&err, rules_classify(r, STR(""), (struct str){(char *)b.p, b.n}, &p, &err));
	CHECK_I64(p.type_hits[TYPE_Q], 100000);
	CHECK_I64(p.type_hits[TYPE_P], 100000);
	CHECK_I64(p.type, TYPE_P);
	CHECK_I64(p.score, 5000);
	buf_deinit(&b);
	rules_destroy(r);
}

static void test_entities(void **state)
{
	(void)state;
	static const struct {
		const char *text, *json;
	} cases[] = {
		{"", "{}"},
		{"sin nada, 3 veces", "{}"},
		{"cobraron $1.250.000, y $ 3,5.", "{\"amounts\":[\"$1.250.000\",\"$ 3,5\"]}"},
		{"$ y $x", "{}"},
		{"el 2025-10-03 y 3/10/2025", "{\"dates\":[\"2025-10-03\",\"3/10/2025\"]}"},
		{"el 2025-13-03 y 32/10/2025", "{\"case_numbers\":[\"2025-13-03\"]}"},
		{"radicado RAD-2025-001234.", "{\"case_numbers\":[\"RAD-2025-001234\"]}"},
		{"No. 12345 y 123456", "{\"case_numbers\":[\"123456\"]}"},
		{"a ana.p1@correo.com.co, gracias", "{\"emails\":[\"ana.p1@correo.com.co\"]}"},
		{"@ a@ @b a@b a@b.c x@y.co.", "{\"emails\":[\"x@y.co\"]}"},
		{"1a2b3c@d4.org 20251003 $20 el 01/02/2026",
			"{\"amounts\":[\"$20\"],\"case_numbers\":[\"20251003\"],\"dates\":[\"01/02/"
			"2026\"],\"emails\":[\"1a2b3c@d4.org\"]}"},
		{"$1 $2 $3 $4 $5 $6 $7 $8 $9",
			"{\"amounts\":[\"$1\",\"$2\",\"$3\",\"$4\",\"$5\",\"$6\",\"$7\",\"$8\"]}"},
	};
	struct buf b;
	buf_init(&b, 0);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		buf_reset(&b);
		entities_json(str_of(cases[i].text), &b);
		if (!str_is((struct str){(char *)b.p, b.n}, cases[i].json))
			fail_msg("\"%s\": %.*s, expected %s", cases[i].text, (int)b.n, (char *)b.p, cases[i].json);
	}
	buf_deinit(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_predictions),
		cmocka_unit_test(test_fold_oracle),
		cmocka_unit_test(test_block_borders),
		cmocka_unit_test(test_many_keywords),
		cmocka_unit_test(test_entities),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
