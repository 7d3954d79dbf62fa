/* workloads/pqrs/silver/places.h: which place of the configuration a ticket's texts mean.
 *
 * A code that the table has decides. Without one the names do, compared without case, accents, punctuation and spaces, and by the
 * other names that the table gives a place. Must not know where texts come from. Read-only once made. */
#ifndef PQR_PQRS_PLACES_H
#define PQR_PQRS_PLACES_H

#include "workloads/pqrs/config/config.h"

#define PLACE_NONE UINT32_MAX
enum { PLACE_CODES = 100000 }; /* of five digits */

struct place_texts {
	struct str code, region, city; /* p == NULL: not given */
};
struct place_found {
	uint32_t place;      /* index in the table of places, or PLACE_NONE */
	uint32_t department; /* index of a place of the department that the region means, or PLACE_NONE */
	int32_t code; /* the number that the code says, below PLACE_CODES, or -1; a code that the table does not have, too */
};

struct places;
/* list[n] is borrowed: its texts are. */
status places_create(const struct geo_place *list, size_t n, struct places **out, struct err *err) MUST_USE;
void places_destroy(struct places *p); /* NULL is fine */
/*   region and city   the city of that name in the department; a city that several places of it have means none
 *   city alone        the only place of that name in the table
 *   region alone      the department, and its place where it has but one */
struct place_found places_find(const struct places *p, const struct place_texts *texts);

#endif
