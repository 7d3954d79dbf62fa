/* parquet/format.h: numbers of parquet.thrift that reading and writing share.
 *
 * Source: https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift */
#ifndef PQR_PARQUET_FORMAT_H
#define PQR_PARQUET_FORMAT_H

enum parquet_physical {
	PHYSICAL_BOOLEAN = 0,
	PHYSICAL_INT32 = 1,
	PHYSICAL_INT64 = 2,
	PHYSICAL_INT96 = 3,
	PHYSICAL_FLOAT = 4,
	PHYSICAL_DOUBLE = 5,
	PHYSICAL_BYTE_ARRAY = 6,
	PHYSICAL_FIXED = 7, /* FIXED_LEN_BYTE_ARRAY */
};

enum parquet_page_kind { PAGE_DATA = 0, PAGE_INDEX = 1, PAGE_DICTIONARY = 2, PAGE_DATA_V2 = 3 };

enum parquet_encoding {
	ENCODING_PLAIN = 0,
	ENCODING_PLAIN_DICTIONARY = 2,
	ENCODING_RLE = 3,
	ENCODING_BIT_PACKED = 4,
	ENCODING_DELTA_BINARY_PACKED = 5,
	ENCODING_DELTA_LENGTH = 6,
	ENCODING_DELTA_STRINGS = 7,
	ENCODING_RLE_DICTIONARY = 8,
	ENCODING_SPLIT = 9,
};

#endif
