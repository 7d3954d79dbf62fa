/* stream/json_contract_int.h: what a contract says of each member, for its reader (json_contract.c) and for that of messages (json_record.c). */
#ifndef PQR_STREAM_JSON_CONTRACT_INT_H
#define PQR_STREAM_JSON_CONTRACT_INT_H

#include "stream/json_contract.h"

enum json_member_type {
	MEMBER_TEXT,
	MEMBER_UUID,
	MEMBER_DATE,
	MEMBER_TIME,
	MEMBER_INTEGER,
	MEMBER_NUMBER,
	MEMBER_DECIMAL,
	MEMBER_BOOLEAN,
	MEMBER_OBJECT,
	MEMBER_ARRAY
};

/* What an object is made of; of an array the one member is its elements. */
struct json_member;
struct json_shape {
	struct json_member *members; /* [n] in the order of the schema */
	size_t n;
	bool closed; /* no others: additionalProperties false */
};

struct json_member {
	struct str name; /* NUL-terminated too; empty: of elements */
	struct str path; /* "lines[].price" */
	enum json_member_type type;
	uint8_t scale; /* MEMBER_DECIMAL */
	bool required; /* the message has it */
	bool nullable; /* and it may be null */
	int column;    /* of the table's data columns, or of the struct around it; -1: it is the partition's value */
	struct json_shape shape; /* MEMBER_OBJECT, MEMBER_ARRAY */
	const struct str *words; /* [n_words] what a text may be; none: anything */
	size_t n_words;
	size_t length_min, length_max; /* code points of a text, elements of an array */
	double min, max;               /* numbers; exclusive: these are not among them */
	bool min_exclusive, max_exclusive;
};

enum json_partition { PARTITION_NONE, PARTITION_VALUE, PARTITION_DATE };
enum json_own_column { OWN_EXTRA, OWN_SCHEMA_ID, OWN_TOPIC, OWN_PARTITION, OWN_OFFSET, OWN_INCARNATION, OWN_COLUMNS };
enum json_change_column { CHANGE_OP, CHANGE_AT, CHANGE_BEFORE, CHANGE_SOURCE, CHANGE_COLUMNS };

struct json_contract {
	struct arena arena;
	struct json_shape shape;
	bool debezium;
	size_t message_bytes_max;
	struct str topic_name;
	enum json_partition partition;
	size_t partition_member;
	const char *partition_column;
	struct table_schema table;
	struct parquet_opts parquet;
	int own[OWN_COLUMNS], change[CHANGE_COLUMNS]; /* data columns */
	struct stream_topic topic;
};

/* json_record.c: a message to a row, the functions of a stream_topic. */
void json_record_functions(struct stream_topic *t);

#endif
