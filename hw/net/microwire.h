/* A 93C46 EEPROM: 64 words behind three wires, as network cards have it. */
#ifndef MOSS_HW_NET_MICROWIRE_H
#define MOSS_HW_NET_MICROWIRE_H

#include "base/field.h"

enum { MICROWIRE_WORDS = 64 };
struct microwire {
    u16 word[MICROWIRE_WORDS];
    u32 shift; /* bits in */
    u16 out;
    u8 bits, writable, state, sk, data_out;
};
#define MICROWIRE_FIELDS(T, m) \
    FIELDS(T, m.word, .flags = F_KEEP), FIELD(T, m.shift), FIELD(T, m.out), FIELD(T, m.bits), FIELD(T, m.writable), \
        FIELD(T, m.state), FIELD(T, m.sk), FIELD(T, m.data_out)

/* The wires as the card's register sets them; data_out is the fourth. */
void microwire_set(struct microwire *m, bool cs, bool sk, bool di);

#endif
