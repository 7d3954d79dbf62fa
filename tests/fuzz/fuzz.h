/* tests/fuzz/fuzz.h: what a fuzz target defines; libFuzzer or replay.c calls it. Targets assert with ASSERT of base/err.h. */
#ifndef PQR_TESTS_FUZZ_H
#define PQR_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

__attribute__((visibility("default"))) int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
