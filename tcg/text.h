/* The text form of the IR, out and in: golden tests and -d ir use it.
 *
 *   v3 = add.i64 v1, 0x10        v4 = ld.i32 [v3 + 8] 32|acq|view1      put x0, v4      exitcc.eq.i64 v1, v2, +0x20 */
#ifndef MOSS_TCG_TEXT_H
#define MOSS_TCG_TEXT_H

#include "base/buf.h"
#include "tcg/ir.h"

void ir_print(const struct ir *ir, struct buf *out);
/* Reads what ir_print wrote; `ir` was initialised with the target whose slots and helpers it names. */
bool ir_parse(struct ir *ir, const char *text, struct err *e);

#endif
