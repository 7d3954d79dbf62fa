/* parquet/thrift/thrift.h: the types of Thrift's compact protocol.
 *
 * Source: https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md */
#ifndef PQR_PARQUET_THRIFT_THRIFT_H
#define PQR_PARQUET_THRIFT_THRIFT_H

enum thrift_type {
	THRIFT_STOP = 0,
	THRIFT_TRUE = 1, /* as a field: the value itself; as an element type: bool, one byte each */
	THRIFT_FALSE = 2,
	THRIFT_I8 = 3,
	THRIFT_I16 = 4,
	THRIFT_I32 = 5,
	THRIFT_I64 = 6,
	THRIFT_DOUBLE = 7,
	THRIFT_BINARY = 8,
	THRIFT_LIST = 9,
	THRIFT_SET = 10,
	THRIFT_MAP = 11,
	THRIFT_STRUCT = 12,
};

#endif
