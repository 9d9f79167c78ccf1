/* A device tree as text, for golden files: nodes and properties in the blob's order, each property on a line, as
 * strings if it looks like strings and as cells or bytes if not. */
#ifndef MOSS_TESTS_HW_DTS_H
#define MOSS_TESTS_HW_DTS_H

#include "base/buf.h"

void dts_print(const void *blob, struct buf *out);

#endif
