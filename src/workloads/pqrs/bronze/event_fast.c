/* workloads/pqrs/bronze/event_fast.c: key orders seen before, as a trie of the bytes between values.
 *
 * A line that follows a path of the trie byte for byte is valid JSON wherever its values are, because the path came from a line
 * that was; so only values are looked at. On the default data this is the path of all but the first few lines. Matching needs vectors
 * (event_avx2.c): without them no line matches, and all go the way of the first.
 */
#include "workloads/pqrs/bronze/event_int.h"

bool event_uuid_parse(const char *p, uint8_t id[UUID_BYTES], bool *upper)
{
#ifdef PQR_SIMD
	if (__builtin_cpu_supports("avx2")) return event_uuid_parse_avx2(p, id, upper);
#endif
	if (!uuid_parse((struct str){p, UUID_CHARS}, id)) return false;
	*upper = false;
	for (int i = 0; i < UUID_CHARS; i++) *upper |= p[i] >= 'A' && p[i] <= 'F';
	return true;
}

const char *event_layout_match(struct event_parser *e, const char *p, const char *limit)
{
	ASSERT(limit > p && limit[-1] == '\n');
#ifdef PQR_SIMD
	if (e->plain || e->nodes[0].n_children == 0 || !__builtin_cpu_supports("avx2")) return NULL;
	event_line_reset(e);
	const char *after = event_layout_match_avx2(e, p, limit);
	if (after != NULL) event_set_value(e, EVENT_DATA, "{", 1, false); /* every layout has a data object */
	return after;
#else
	(void)e;
	return NULL;
#endif
}

static uint32_t low_bits(size_t n)
{
	return n >= 32 ? UINT32_MAX : (UINT32_C(1) << n) - 1;
}

/* The child of `parent` with this text and field, made when missing; 0: no room. */
static uint32_t child_add(
	struct event_parser *e, uint32_t parent, const char *p, size_t n, const struct layout_span *span)
{
	struct layout_node *from = &e->nodes[parent];
	const uint8_t field = span != NULL ? span->field : FIELD_N;
	for (unsigned i = 0; i < from->n_children; i++) {
		const struct layout_node *child = &e->nodes[from->children[i]];
		if (child->n == n && memcmp(child->text, p, n) == 0)
			return child->field == field ? from->children[i] : 0;
	}
	if (from->n_children == LAYOUT_CHILDREN_MAX || e->n_nodes == LAYOUT_NODES_MAX) return 0;
	const uint32_t at = e->n_nodes++;
	struct layout_node *node = &e->nodes[at];
	*node = (struct layout_node){
		.n = (uint8_t)n, .field = field, .mask_low = low_bits(n), .mask_high = n > 32 ? low_bits(n - 32) : 0};
	memcpy(node->text, p, n);
	if (field >= FIELD_UNKNOWN && span != NULL) {
		node->key_at = (uint8_t)(span->key.p - p);
		node->key_n = (uint8_t)span->key.n;
	}
	from->children[from->n_children++] = (uint8_t)at;
	return at;
}

void event_layout_learn(struct event_parser *e, const char *p, size_t n)
{
	if (e->plain || e->n_spans > LAYOUT_MEMBERS_MAX) return;
	uint32_t node = 0;
	const char *from = p;
	for (size_t i = 0; i <= e->n_spans; i++) {
		const struct layout_span *span = i < e->n_spans ? &e->spans[i] : NULL;
		const char *to = span != NULL ? span->from : p + n;
		if ((size_t)(to - from) > LAYOUT_TEXT_MAX) return;
		node = child_add(e, node, from, (size_t)(to - from), span);
		if (node == 0) return;
		if (span != NULL) from = span->to;
	}
}
