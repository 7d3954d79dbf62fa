/* pqrs/contract/quality_text.h: what the quality checks of silver and gold share. */
#ifndef PQR_PQRS_QUALITY_TEXT_H
#define PQR_PQRS_QUALITY_TEXT_H

#include "flow/task.h"

/* Rows of a table over the files of all stages in the view. */
int64_t stage_view_rows(const struct stage_view *view, const char *table);

/* Add q with its value and threshold given as numbers; q's own value and threshold are not read, details may be NULL.
 * false: out of memory. */
bool quality_add_numbers(
	struct quality_list *out, bool pass, struct quality q, int64_t value, int64_t threshold) MUST_USE;

/* Millionths (PROB_ONE is 1) as a decimal fraction into dst, which is returned. */
const char *quality_fraction(int64_t millionths, char dst[32]);

#endif
