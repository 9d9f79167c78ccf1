/* The telnet side of a socket (RFC 854, 856-858): we offer to echo, to suppress go-ahead and to talk
 * binary, refuse every other option, and take BREAK. */
#include "chardev/telnet.h"

enum { IAC = 255, DONT = 254, DO = 253, WONT = 252, WILL = 251, SB = 250, BRK = 243, SE = 240 };
enum { OPT_BINARY = 0, OPT_ECHO = 1, OPT_SGA = 3 };
enum { ST_DATA, ST_IAC, ST_OPTION, ST_SUB, ST_SUB_IAC };

const u8 telnet_hello[12] = {IAC, WILL, OPT_ECHO, IAC, WILL, OPT_SGA, IAC, WILL, OPT_BINARY, IAC, DO, OPT_BINARY};

static void option_answer(struct telnet *t, u8 option, struct buf *answer)
{
    bool ours = option == OPT_BINARY || option == OPT_ECHO || option == OPT_SGA;
    switch (t->verb) {
    case WILL:
        if (option == OPT_BINARY) {
            t->binary = true;
        } else if (option != OPT_SGA) {
            buf_put(answer, (const u8[]){IAC, DONT, option}, 3);
        }
        break;
    case WONT:
        t->binary &= option != OPT_BINARY;
        break;
    case DO:
        if (!ours) {
            buf_put(answer, (const u8[]){IAC, WONT, option}, 3);
        }
        break;
    default:
        break;
    }
}

/* Outside of binary mode a carriage return is followed by NUL. */
static bool is_padding(const struct telnet *t, u8 ch)
{
    return ch == 0 && t->after_cr && !t->binary;
}

size_t telnet_input(struct telnet *t, u8 *p, size_t n, bool *brk, struct buf *answer)
{
    size_t out = 0;
    for (size_t i = 0; i < n; i++) {
        u8 ch = p[i];
        switch (t->state) {
        case ST_DATA:
            if (ch == IAC) {
                t->state = ST_IAC;
            } else {
                if (!is_padding(t, ch)) {
                    p[out++] = ch;
                }
                t->after_cr = ch == '\r';
            }
            break;
        case ST_IAC:
            t->state = ST_DATA;
            if (ch == IAC) {
                p[out++] = IAC;
            } else if (ch >= WILL) {
                t->verb = ch;
                t->state = ST_OPTION;
            } else if (ch == SB) {
                t->state = ST_SUB;
            } else if (ch == BRK) {
                *brk = true;
            }
            break;
        case ST_OPTION:
            option_answer(t, ch, answer);
            t->state = ST_DATA;
            break;
        case ST_SUB:
            t->state = ch == IAC ? ST_SUB_IAC : ST_SUB;
            break;
        default:
            t->state = ch == SE ? ST_DATA : ST_SUB;
            break;
        }
    }
    return out;
}

void telnet_output(const u8 *p, size_t n, struct buf *out)
{
    for (size_t i = 0; i < n; i++) {
        if (p[i] == IAC) {
            buf_u8(out, IAC);
        }
        buf_u8(out, p[i]);
    }
}
