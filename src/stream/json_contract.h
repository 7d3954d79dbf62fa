/* stream/json_contract.h: the topic of any JSON messages, by a JSON Schema that says which members become columns of which type.
 *
 *   orders.schema.json -> columns      members -> typed columns; the rest -> extra; what breaks the schema -> a reject with its reason
 *
 * Keywords that are understood: type (string, integer, number, boolean, each alone or with null), properties, required,
 * additionalProperties (true, false), items, minItems, maxItems, enum and const of texts, minLength, maxLength, minimum, maximum, exclusiveMinimum, exclusiveMaximum,
 * multipleOf (a power of ten up to 1: a decimal of so many digits), format (date-time, date, uuid); and those that say nothing about a value:
 * $schema, $id, $comment, title, description, default, examples, deprecated, readOnly, writeOnly. Any other one is refused by name: a schema
 * that is half understood lets pass what it should not. An object with properties becomes a struct, an array with items a list, COLUMN_DEPTH_MAX
 * deep at most; a member that is left out of properties is kept as JSON in extra, and so is, whole, a nested one that has such parts.
 *
 * Columns are nullable, whatever is required: a contract may ask less of a member later. Behind them stand extra, schema_id (of Confluent's
 * framing: 0, id), kafka_topic, kafka_partition, kafka_offset; of Debezium's envelope before these change_op, change_at, change_before and
 * change_source, and the members are those of `after`, of a deletion those of `before`.
 */
#ifndef PQR_STREAM_JSON_CONTRACT_H
#define PQR_STREAM_JSON_CONTRACT_H

#include "stream/topic.h"

struct json_contract_opts {
	const char *file;  /* of the schema, for errors */
	const char *table; /* "bronze.orders" */
	const char *topic; /* its name */
	const char *
		partition_by; /* a member, or date(member) of a date-time or date: the column <member>_date; NULL: not partitioned */
	bool debezium; /* messages are envelopes of changes */
	size_t message_bytes_max;
	struct parquet_opts parquet;
	/* The columns that the table has already, n_standing 0: none yet. They keep their places, those of members that are new follow; one that
	 * is no member any more is null from now on. */
	const struct column_def *standing;
	size_t n_standing;
};

struct json_contract;
/* Copies all but the names in `standing`, which it views. E_USAGE: the schema or an option is not understood, with the file, the member and
 * the keyword. E_CORRUPT: no JSON. E_CONFLICT: the table that stands has a column of another type, or is partitioned otherwise. */
status json_contract_open(
	struct str schema, const struct json_contract_opts *o, struct json_contract **out, struct err *err) MUST_USE;
void json_contract_close(struct json_contract *c); /* NULL is fine */
/* Views c; its `config` is c. */
const struct stream_topic *json_contract_topic(const struct json_contract *c);
/* May it be a column's name for everyone who reads Delta tables? */
bool json_contract_is_name(struct str name);

#endif
