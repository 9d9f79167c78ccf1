/* The 93C46's serial protocol (Microchip DS20001749, section 2; Microwire): READ, WRITE, ERASE, ERAL, WRAL, EWEN, EWDS.
 * Programming takes no time. */
#include "hw/net/microwire.h"

#include <string.h>

enum { WAIT_START, COMMAND, READ, WRITE, WRITE_ALL, IGNORE };
enum { COMMAND_BITS = 8, WORD_BITS = 16 };

/* Two bits of opcode and six of address are in. */
static void command(struct microwire *m)
{
    unsigned address = m->shift & 63, op = m->shift >> 6 & 3, more = address >> 4;
    m->state = IGNORE;
    if (op == 2) {
        m->out = m->word[address];
        m->state = READ;
        m->data_out = 0; /* the bit before the data */
    } else if (op == 1) {
        m->state = WRITE;
    } else if (op == 3 && m->writable) {
        m->word[address] = 0xffff;
    } else if (!op && (more == 3 || more == 0)) {
        m->writable = more == 3;
    } else if (!op && more == 1) {
        m->state = WRITE_ALL;
    } else if (!op && m->writable) {
        memset(m->word, 0xff, sizeof(m->word));
    }
    m->bits = 0;
}
static void word_write(struct microwire *m)
{
    unsigned at = m->shift >> WORD_BITS & 63;
    for (unsigned i = 0; i < MICROWIRE_WORDS && m->writable; i++) {
        if (i == at || m->state == WRITE_ALL) {
            m->word[i] = (u16)m->shift;
        }
    }
    m->state = IGNORE;
}
static void clock_rises(struct microwire *m, bool di)
{
    m->shift = m->shift << 1 | di;
    switch (m->state) {
    case WAIT_START:
        m->state = di ? COMMAND : WAIT_START;
        m->bits = 0;
        break;
    case COMMAND:
        if (++m->bits == COMMAND_BITS) {
            command(m);
        }
        break;
    case READ:
        m->data_out = m->out >> 15;
        m->out = (u16)(m->out << 1);
        break;
    case WRITE:
    case WRITE_ALL:
        if (++m->bits == WORD_BITS) {
            word_write(m);
        }
        break;
    default:
        break;
    }
}
void microwire_set(struct microwire *m, bool cs, bool sk, bool di)
{
    bool rises = sk && !m->sk;
    m->sk = sk;
    if (!cs) {
        m->state = WAIT_START;
        m->data_out = 1; /* ready */
    } else if (rises) {
        clock_rises(m, di);
    }
}
