/* query/duckdb_abi.h: the part of DuckDB's stable C interface that query/duckdb.c uses, declared here because the library is
 * loaded at run time and no distribution ships its header. Numbers and layouts are those of DuckDB 1.2 and later. */
#ifndef PQR_QUERY_DUCKDB_ABI_H
#define PQR_QUERY_DUCKDB_ABI_H

#include <stdbool.h>
#include <stdint.h>

typedef uint64_t idx_t;
typedef enum { DuckDBSuccess = 0, DuckDBError = 1 } duckdb_state;
typedef struct duckdb_database_ *duckdb_database;
typedef struct duckdb_connection_ *duckdb_connection;
typedef struct duckdb_config_ *duckdb_config;
typedef struct duckdb_extracted_ *duckdb_extracted_statements;
typedef struct duckdb_prepared_ *duckdb_prepared_statement;
typedef struct duckdb_chunk_ *duckdb_data_chunk;
typedef struct duckdb_vector_ *duckdb_vector;
typedef struct duckdb_type_ *duckdb_logical_type;

typedef struct {
	idx_t columns, rows, changed; /* not to be used */
	void *column_data;
	char *error;
	void *internal;
} duckdb_result;

typedef union {
	struct {
		uint32_t length;
		char prefix[4];
		const char *p;
	} pointer;
	struct {
		uint32_t length; /* at most 12 */
		char bytes[12];
	} inlined;
} duckdb_string_t;
_Static_assert(sizeof(duckdb_string_t) == 16, "as in DuckDB");

typedef struct {
	uint64_t offset, length;
} duckdb_list_entry;

typedef enum {
	DUCKDB_TYPE_BOOLEAN = 1,
	DUCKDB_TYPE_TINYINT,
	DUCKDB_TYPE_SMALLINT,
	DUCKDB_TYPE_INTEGER,
	DUCKDB_TYPE_BIGINT,
	DUCKDB_TYPE_UTINYINT,
	DUCKDB_TYPE_USMALLINT,
	DUCKDB_TYPE_UINTEGER,
	DUCKDB_TYPE_UBIGINT,
	DUCKDB_TYPE_FLOAT,
	DUCKDB_TYPE_DOUBLE,
	DUCKDB_TYPE_TIMESTAMP,
	DUCKDB_TYPE_DATE,
	DUCKDB_TYPE_TIME,
	DUCKDB_TYPE_INTERVAL,
	DUCKDB_TYPE_HUGEINT,
	DUCKDB_TYPE_VARCHAR,
	DUCKDB_TYPE_BLOB,
	DUCKDB_TYPE_DECIMAL,
	DUCKDB_TYPE_TIMESTAMP_S,
	DUCKDB_TYPE_TIMESTAMP_MS,
	DUCKDB_TYPE_TIMESTAMP_NS,
	DUCKDB_TYPE_ENUM,
	DUCKDB_TYPE_LIST,
	DUCKDB_TYPE_STRUCT,
	DUCKDB_TYPE_MAP,
	DUCKDB_TYPE_UUID,
	DUCKDB_TYPE_UNION,
	DUCKDB_TYPE_BIT,
	DUCKDB_TYPE_TIME_TZ,
	DUCKDB_TYPE_TIMESTAMP_TZ,
	DUCKDB_TYPE_UHUGEINT,
	DUCKDB_TYPE_ARRAY,
	DUCKDB_TYPE_BIGNUM = 35,
	DUCKDB_TYPE_SQLNULL = 36,
	DUCKDB_TYPE_TIME_NS = 39,
	DUCKDB_TYPE_GEOMETRY = 40,
	DUCKDB_TYPE_VARIANT = 41,
	DUCKDB_TYPE_TIMESTAMP_TZ_NS = 42, /* since 2.0 */
} duckdb_type;

typedef enum {
	DUCKDB_STATEMENT_TYPE_SELECT = 1,
	DUCKDB_STATEMENT_TYPE_EXPLAIN = 4,
	DUCKDB_STATEMENT_TYPE_CREATE = 7,
	DUCKDB_STATEMENT_TYPE_MULTI = 27,
} duckdb_statement_type;

/* result, name without "duckdb_", parameters */
#define DUCKDB_FUNCTIONS(F)                                                                            \
	F(const char *, library_version, (void))                                                       \
	F(duckdb_state, create_config, (duckdb_config *))                                              \
	F(duckdb_state, set_config, (duckdb_config, const char *name, const char *value))              \
	F(void, destroy_config, (duckdb_config *))                                                     \
	F(duckdb_state, open_ext, (const char *path, duckdb_database *, duckdb_config, char **error))  \
	F(void, close, (duckdb_database *))                                                            \
	F(duckdb_state, connect, (duckdb_database, duckdb_connection *))                               \
	F(void, disconnect, (duckdb_connection *))                                                     \
	F(void, interrupt, (duckdb_connection))                                                        \
	F(duckdb_state, query, (duckdb_connection, const char *, duckdb_result *))                     \
	F(void, destroy_result, (duckdb_result *))                                                     \
	F(const char *, result_error, (duckdb_result *))                                               \
	F(idx_t, extract_statements, (duckdb_connection, const char *, duckdb_extracted_statements *)) \
	F(const char *, extract_statements_error, (duckdb_extracted_statements))                       \
	F(void, destroy_extracted, (duckdb_extracted_statements *))                                    \
	F(duckdb_state, prepare_extracted_statement,                                                   \
		(duckdb_connection, duckdb_extracted_statements, idx_t, duckdb_prepared_statement *))  \
	F(const char *, prepare_error, (duckdb_prepared_statement))                                    \
	F(void, destroy_prepare, (duckdb_prepared_statement *))                                        \
	F(duckdb_statement_type, prepared_statement_type, (duckdb_prepared_statement))                 \
	F(idx_t, nparams, (duckdb_prepared_statement))                                                 \
	F(duckdb_state, bind_varchar, (duckdb_prepared_statement, idx_t, const char *))                \
	F(duckdb_state, execute_prepared, (duckdb_prepared_statement, duckdb_result *))                \
	F(duckdb_state, execute_prepared_streaming, (duckdb_prepared_statement, duckdb_result *))      \
	F(idx_t, column_count, (duckdb_result *))                                                      \
	F(const char *, column_name, (duckdb_result *, idx_t))                                         \
	F(duckdb_logical_type, column_logical_type, (duckdb_result *, idx_t))                          \
	F(duckdb_data_chunk, fetch_chunk, (duckdb_result))                                             \
	F(idx_t, data_chunk_get_size, (duckdb_data_chunk))                                             \
	F(duckdb_vector, data_chunk_get_vector, (duckdb_data_chunk, idx_t))                            \
	F(void, destroy_data_chunk, (duckdb_data_chunk *))                                             \
	F(void *, vector_get_data, (duckdb_vector))                                                    \
	F(uint64_t *, vector_get_validity, (duckdb_vector))                                            \
	F(duckdb_vector, list_vector_get_child, (duckdb_vector))                                       \
	F(duckdb_vector, struct_vector_get_child, (duckdb_vector, idx_t))                              \
	F(duckdb_vector, array_vector_get_child, (duckdb_vector))                                      \
	F(duckdb_type, get_type_id, (duckdb_logical_type))                                             \
	F(char *, logical_type_get_alias, (duckdb_logical_type))                                       \
	F(void, destroy_logical_type, (duckdb_logical_type *))                                         \
	F(uint8_t, decimal_width, (duckdb_logical_type))                                               \
	F(uint8_t, decimal_scale, (duckdb_logical_type))                                               \
	F(uint32_t, enum_dictionary_size, (duckdb_logical_type))                                       \
	F(char *, enum_dictionary_value, (duckdb_logical_type, idx_t))                                 \
	F(duckdb_logical_type, list_type_child_type, (duckdb_logical_type))                            \
	F(duckdb_logical_type, array_type_child_type, (duckdb_logical_type))                           \
	F(idx_t, array_type_array_size, (duckdb_logical_type))                                         \
	F(duckdb_logical_type, map_type_key_type, (duckdb_logical_type))                               \
	F(duckdb_logical_type, map_type_value_type, (duckdb_logical_type))                             \
	F(idx_t, struct_type_child_count, (duckdb_logical_type))                                       \
	F(char *, struct_type_child_name, (duckdb_logical_type, idx_t))                                \
	F(duckdb_logical_type, struct_type_child_type, (duckdb_logical_type, idx_t))                   \
	F(idx_t, union_type_member_count, (duckdb_logical_type))                                       \
	F(char *, union_type_member_name, (duckdb_logical_type, idx_t))                                \
	F(duckdb_logical_type, union_type_member_type, (duckdb_logical_type, idx_t))                   \
	F(void, free, (void *))

#endif
