/* Places by code and by name, over the table that the program has. */
#include "workloads/pqrs/silver/places.h"

#include "check.h"
#include "workloads/pqrs/config/embedded.h"
#include "workloads/pqrs/config/config_int.h"

static struct arena arena;
static struct geo_table table;
static struct places *places;

static int open_places(void **state)
{
	(void)state;
	struct err err;
	arena_init(&arena, 0);
	CHECK_OK(&err, pqrs_config_read_geo_csv(embedded_file("geo_colombia_v1.csv"), "geo", &arena, &table, &err));
	CHECK_OK(&err, places_create(table.places, table.n, &places, &err));
	return 0;
}

static int close_places(void **state)
{
	(void)state;
	places_destroy(places);
	arena_deinit(&arena);
	return 0;
}

static struct str text_of(const char *s)
{
	return s != NULL ? str_of(s) : (struct str){NULL, 0};
}

static struct place_found find(const char *code, const char *region, const char *city)
{
	const struct place_texts texts = {text_of(code), text_of(region), text_of(city)};
	return places_find(places, &texts);
}

static const char *shown(const char *s)
{
	return s != NULL ? s : "(none)";
}

static void check(
	const char *code, const char *region, const char *city, const char *want_code, const char *want_department)
{
	const struct place_found f = find(code, region, city);
	const char *got = f.place == PLACE_NONE ? "-" : table.places[f.place].dane_code,
		   *department = f.department == PLACE_NONE ? "-" : table.places[f.department].department;
	if (strcmp(got, want_code) != 0 || strcmp(department, want_department) != 0)
		fail_msg("%s, %s, %s: %s in %s, expected %s in %s", shown(code), shown(region), shown(city), got,
			department, want_code, want_department);
}

static void test_table(void **state)
{
	(void)state;
	size_t departments = 0, weighted = 0;
	CHECK_I64(table.n, 1122);
	for (size_t i = 0; i < table.n; i++) {
		const struct geo_place *p = &table.places[i];
		bool first = true;
		for (size_t k = 0; k < i; k++) first &= strcmp(table.places[k].department, p->department) != 0;
		departments += first;
		weighted += p->weight > 0;
		if (i > 0) assert_true(strcmp(table.places[i - 1].dane_code, p->dane_code) < 0);
		check(p->dane_code, NULL, NULL, p->dane_code, p->department);
		check(NULL, p->department, p->city, p->dane_code, p->department);
		assert_true(p->latitude_e6 > -4300000 && p->latitude_e6 < 13500000);
		assert_true(p->longitude_e6 > -81800000 && p->longitude_e6 < -66800000);
	}
	CHECK_I64(departments, 33);
	CHECK_I64(weighted, 150);
	check("27493", NULL, NULL, "27493", "Chocó");
	check("11001", NULL, NULL, "11001", "Bogotá, D.C.");
}

static void test_spellings(void **state)
{
	(void)state;
	static const char *const bogota[] = {"Bogotá, D.C.", "Bogotá D.C.", "BOGOTA D.C", "Bogotá", "bogota",
		"Bogotá DC", "BOGOTÁ  D. C.", "Bogota\xcc\x81", "Santafé de Bogotá", " Bogotá Distrito Capital"};
	enum { N = sizeof bogota / sizeof bogota[0] };
	for (size_t i = 0; i < N; i++) {
		check(NULL, bogota[i], NULL, "11001", "Bogotá, D.C.");
		check(NULL, NULL, bogota[i], "11001", "Bogotá, D.C.");
		check("", "Cundinamarca", bogota[i], "11001", "Bogotá, D.C.");
		check(NULL, bogota[i], bogota[(i + 1) % N], "11001", "Bogotá, D.C.");
	}
	check(NULL, "VALLE", "cali", "76001", "Valle del Cauca");
	check(NULL, "Norte de Santander", "Cucuta", "54001", "Norte de Santander");
	check(NULL, "Cundinamarca", "San Juan de Río Seco", "25662", "Cundinamarca");
	check(NULL, "San Andrés y Providencia", "Providencia", "88564",
		"Archipiélago de San Andrés, Providencia y Santa Catalina");
	check(NULL, "narino", "PASTO", "52001", "Nariño");
}

/* What the names don't tell stays open. */
static void test_not_told(void **state)
{
	(void)state;
	check(NULL, NULL, "Armenia", "-", "-"); /* two of them */
	check(NULL, "Antioquia", "Armenia", "05059", "Antioquia");
	check(NULL, "QUINDIO", "armenia", "63001", "Quindío");
	check(NULL, "Quindío", NULL, "-", "Quindío");
	check(NULL, "cundinamarca", NULL, "-", "Cundinamarca");
	check(NULL, "Antioquia", "Bogotá", "-", "Antioquia");
	check(NULL, "Mordor", "Medellín", "-", "-");
	check(NULL, "", "Medellín", "05001", "Antioquia");
	check(NULL, "-", "...", "-", "-");
	check(NULL, NULL, NULL, "-", "-");
	char long_name[400];
	memset(long_name, 'x', sizeof long_name - 1);
	long_name[sizeof long_name - 1] = '\0';
	check(NULL, long_name, long_name, "-", "-");
	check(NULL, "\xff\xfe", "Cali", "76001", "Valle del Cauca"); /* no letters: no region */
}

static void test_codes(void **state)
{
	(void)state;
	check("5001", "Chocó", "Quibdó", "05001", "Antioquia"); /* a code that is known decides */
	check("99999", "Antioquia", "Medellin", "05001", "Antioquia");
	check("99999", "Antioquia", "Nowhere", "-", "Antioquia");
	check("no code", "Antioquia", "Medellin", "05001", "Antioquia");
	CHECK_I64(find("99999", NULL, NULL).code, 99999);
	CHECK_I64(find("00012", NULL, NULL).code, 12);
	CHECK_I64(find("", NULL, NULL).code, -1);
	CHECK_I64(find("123456", NULL, NULL).code, -1);
	CHECK_I64(find(NULL, NULL, NULL).code, -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_spellings),
		cmocka_unit_test(test_not_told),
		cmocka_unit_test(test_codes),
	};
	return cmocka_run_group_tests(tests, open_places, close_places);
}
