/* Network cards and what they are plugged into: -netdev, -nic, -net, and the card that a machine has when nobody says
 * otherwise. */
#include <string.h>

#include "base/log.h"
#include "net/net.h"
#include "system/system.h"

static unsigned nnics;
static bool asked; /* something was said about the network: no default card */

/* The card's keys among those of -nic and -net nic; the rest is the back end's. */
#define CARD_KEYS "model,mac,macaddr,addr,vectors,name"

static bool card_imply(const struct board *b, struct opts *o, const char *netdev, struct err *e)
{
    const char *model = opts_str(o, "model", b->default_nic), *mac = opts_str(o, "mac", opts_str(o, "macaddr", NULL));
    bool by_board = b->default_nic && !strncmp(b->default_nic, "virtio", 6);
    const char *cls = model && !strcmp(model, "virtio") ? by_board ? b->default_nic : "virtio-net-pci" : model;
    const char *addr = opts_str(o, "addr", NULL);
    opts_ignore(o, CARD_KEYS);
    if (!cls) {
        return err_set(e, "this board has no place for a network card");
    }
    device_imply(false, "%s%s%s%s%s%s%s", cls, netdev ? ",netdev=" : "", netdev ? netdev : "", mac ? ",mac=" : "",
                 mac ? mac : "", addr ? ",addr=" : "", addr ? addr : "");
    return true;
}

/* -- -netdev and -nic ---------------------------------------------------------------------------------------- */

bool netdev_item(const char *text, struct err *e)
{
    struct opts o = {0};
    asked = true;
    bool ok = opts_from_text(&o, text, "type", e);
    const char *id = ok ? opts_str(&o, "id", NULL) : NULL;
    if (ok && !id) {
        ok = err_set(e, "Parameter 'id' is missing");
    }
    ok = ok && net_new(id, opts_str(&o, "type", ""), &o, e) != NULL;
    opts_free(&o);
    return ok;
}

static bool nic_make(const struct board *b, const char *text, struct err *e)
{
    struct opts o = {0};
    char made[32];
    snprintf(made, sizeof(made), "nic%u", nnics++);
    bool ok = opts_parse(&o, text, "type", e);
    const char *id = ok ? opts_str(&o, "id", made) : NULL;
    ok = ok && card_imply(b, &o, id, e) && net_new(id, opts_str(&o, "type", "user"), &o, e) != NULL;
    opts_free(&o);
    return ok;
}

bool nic_item(const struct board *b, const char *text, struct err *e)
{
    asked = true;
    return !strcmp(text, "none") || nic_make(b, text, e);
}

/* -- -net ------------------------------------------------------------------------------------------------------ */

/* All cards and back ends of -net are on one wire. With one of each the wire is left out. */
static struct strings cards, ends;

void net_item(const char *text)
{
    asked = true;
    if (!strncmp(text, "nic", 3) && (!text[3] || text[3] == ',')) {
        strings_add(&cards, text);
    } else if (strcmp(text, "none") != 0) {
        strings_add(&ends, text);
    }
}

static bool port_make(const char *id, const char *back, struct err *e)
{
    struct opts o = {0};
    opts_add(&o, "hubid", "0");
    if (back) {
        opts_add(&o, "netdev", back);
    }
    bool ok = net_new(id, "hubport", &o, e) != NULL;
    opts_free(&o);
    return ok;
}

static bool end_make(unsigned i, bool wire, struct err *e)
{
    struct opts o = {0};
    char id[32], port[32];
    snprintf(id, sizeof(id), "net%u", i);
    snprintf(port, sizeof(port), "net-port%u", i);
    bool ok = opts_parse(&o, ends.v[i], "type", e);
    if (ok) {
        opts_ignore(&o, CARD_KEYS);
        ok = net_new(id, opts_str(&o, "type", ""), &o, e) && (!wire || port_make(port, id, e));
    }
    opts_free(&o);
    return ok;
}

static bool card_make(const struct board *b, unsigned i, bool wire, struct err *e)
{
    struct opts o = {0};
    char port[32];
    snprintf(port, sizeof(port), "net-card%u", i);
    bool ok = opts_parse(&o, cards.v[i], "type", e);
    const char *netdev = ok ? opts_str(&o, "netdev", NULL) : NULL;
    opts_ignore(&o, "type,id");
    if (ok && !netdev && (wire || !ends.n)) {
        ok = port_make(port, NULL, e);
        netdev = port;
    }
    ok = ok && card_imply(b, &o, netdev ? netdev : "net0", e) && opts_all_used(&o, "-net nic", NULL, e);
    opts_free(&o);
    return ok;
}

bool nets_finish(const struct config *c, const struct board *b, struct err *e)
{
    bool wire = cards.n > 1 || ends.n > 1;
    for (unsigned i = 0; i < ends.n; i++) {
        if (!end_make(i, wire, e)) {
            err_prefix(e, "-net %s", ends.v[i]);
            return false;
        }
    }
    for (unsigned i = 0; i < cards.n; i++) {
        if (!card_make(b, i, wire, e)) {
            err_prefix(e, "-net %s", cards.v[i]);
            return false;
        }
    }
    for (size_t i = 0; i < c->nitems; i++) {
        asked |= !strcmp(c->items[i].option, "device") && strstr(c->items[i].text, "net");
    }
    if (c->nodefaults || asked || !b->default_nic || !device_class_find(b->default_nic)) {
        return true;
    }
    struct err why = {{0}};
    if (!nic_make(b, "user", &why)) {
        warn_once("no default network card: %s", why.msg);
    }
    return true;
}
