// Making, finding and forgetting ticket keys.
#include "tls/tickets.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <string.h>

void tls_tickets_init(struct tls_tickets *tickets)
{
    memset(tickets, 0, sizeof(*tickets));
    lock_init(&tickets->lock);
}

void tls_tickets_destroy(struct tls_tickets *tickets)
{
    lock_destroy(&tickets->lock);
    OPENSSL_cleanse(tickets, sizeof(*tickets));
}

static bool is_older(const struct tls_ticket_key *key, uint64_t now_ns, uint64_t age_ns)
{
    return key->born_ns == 0 || (now_ns > key->born_ns && now_ns - key->born_ns >= age_ns);
}

static bool rotate(struct tls_tickets *tickets, uint64_t now_ns)
{
    struct tls_ticket_key key = {.born_ns = MAXIMUM(now_ns, 1)};
    if (RAND_bytes(key.name, sizeof(key.name)) != 1
        || RAND_priv_bytes(key.cipher, sizeof(key.cipher)) != 1
        || RAND_priv_bytes(key.mac, sizeof(key.mac)) != 1)
        return false;
    tickets->before = tickets->now;
    tickets->now = key;
    OPENSSL_cleanse(&key, sizeof(key));
    return true;
}

bool tls_tickets_current(struct tls_tickets *tickets, uint64_t now_ns, uint64_t period_ns,
    struct tls_ticket_key *ret_key)
{
    lock_acquire(&tickets->lock);
    bool is_good = !is_older(&tickets->now, now_ns, period_ns) || rotate(tickets, now_ns);
    if (is_good)
        *ret_key = tickets->now;
    lock_release(&tickets->lock);
    return is_good;
}

bool tls_tickets_find(struct tls_tickets *tickets, const unsigned char name[16], uint64_t now_ns,
    uint64_t period_ns, struct tls_ticket_key *ret_key, bool *ret_renew)
{
    bool found = false;
    lock_acquire(&tickets->lock);
    const struct tls_ticket_key *keys[] = {&tickets->now, &tickets->before};
    for (size_t i = 0; i < ARRAY_SIZE(keys) && !found; i++) {
        if (is_older(keys[i], now_ns, 2 * period_ns)
            || memcmp(keys[i]->name, name, sizeof(keys[i]->name)) != 0)
            continue;
        *ret_key = *keys[i];
        *ret_renew = is_older(keys[i], now_ns, period_ns);
        found = true;
    }
    lock_release(&tickets->lock);
    return found;
}
