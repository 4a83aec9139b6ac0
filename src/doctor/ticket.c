// Signing and checking. A ticket is remembered only once its signature is known to be good, so
// strangers cannot fill the memory.
#include "doctor/ticket.h"
#include "tls/hmac.h"

#include <openssl/rand.h>

#define PARTS 6
#define NUMBER_MAX 24 // bytes of a number as text, with what separates it

struct ticket {
    int64_t expiry;
    uint8_t nonce[TICKET_NONCE_SIZE], signature[HMAC_SIZE];
};

void ticket_memory_init(struct ticket_memory *memory)
{
    *memory = (struct ticket_memory){0};
    lock_init(&memory->lock);
}

void ticket_memory_destroy(struct ticket_memory *memory)
{
    lock_destroy(&memory->lock);
}

static enum error sign(struct slice key, const struct ticket_subject *subject,
    struct ticket *ticket)
{
    char expiry_buffer[NUMBER_MAX], sizes[PARTS][NUMBER_MAX];
    struct text expiry = text_in(expiry_buffer, sizeof(expiry_buffer));
    text_append_u64(&expiry, (uint64_t)ticket->expiry);
    const struct slice said[PARTS] = {SLICE("afloat ticket 1"), subject->method, subject->path,
        subject->url, text_slice(&expiry),
        slice_of((const char *)ticket->nonce, TICKET_NONCE_SIZE)};
    struct slice parts[2 * PARTS];
    for (size_t i = 0; i < PARTS; i++) {
        struct text size = text_in(sizes[i], sizeof(sizes[i]));
        text_append_u64(&size, said[i].size);
        text_append_byte(&size, ':');
        parts[2 * i] = text_slice(&size);
        parts[2 * i + 1] = said[i];
    }
    return hmac_sign(key, parts, ARRAY_SIZE(parts), ticket->signature);
}

enum error ticket_make_nonce(uint8_t nonce[TICKET_NONCE_SIZE])
{
    return RAND_bytes(nonce, TICKET_NONCE_SIZE) == 1 ? ERROR_NONE : ERROR_SYSTEM;
}

enum error ticket_write(struct text *text, struct slice key, const struct ticket_subject *subject,
    int64_t expiry, const uint8_t nonce[TICKET_NONCE_SIZE])
{
    struct ticket ticket = {.expiry = expiry};
    memcpy(ticket.nonce, nonce, TICKET_NONCE_SIZE);
    enum error error = sign(key, subject, &ticket);
    if (error != ERROR_NONE)
        return error;
    text_append_u64(text, (uint64_t)expiry);
    text_append_byte(text, ' ');
    text_append_hex_bytes(text, ticket.nonce, TICKET_NONCE_SIZE);
    text_append_byte(text, ' ');
    text_append_hex_bytes(text, ticket.signature, HMAC_SIZE);
    return ERROR_NONE;
}

static bool read_ticket(struct slice value, struct ticket *ticket)
{
    uint64_t expiry;
    struct slice first = slice_cut(&value, ' '), second = slice_cut(&value, ' ');
    if (!slice_parse_u64(first, INT64_MAX, &expiry)
        || !slice_parse_hex(second, ticket->nonce, TICKET_NONCE_SIZE)
        || !slice_parse_hex(value, ticket->signature, HMAC_SIZE))
        return false;
    ticket->expiry = (int64_t)expiry;
    return true;
}

// All keys are tried, and each comparison takes as long wherever it differs.
static enum error check_signature(const struct ticket *ticket, const struct slice *keys,
    size_t key_count, const struct ticket_subject *subject)
{
    bool fits = false;
    for (size_t i = 0; i < key_count; i++) {
        struct ticket expected = *ticket;
        enum error error = sign(keys[i], subject, &expected);
        if (error != ERROR_NONE)
            return error;
        fits |= hmac_equal(expected.signature, ticket->signature, HMAC_SIZE);
    }
    return fits ? ERROR_NONE : ERROR_DENIED;
}

static enum error remember(struct ticket_memory *memory, const struct ticket *ticket, int64_t now)
{
    enum error error = ERROR_LIMIT;
    size_t place = TICKET_MEMORY;
    lock_acquire(&memory->lock);
    for (size_t i = 0; i < TICKET_MEMORY && error != ERROR_BUSY; i++) {
        if (memory->seen[i].expiry < now)
            place = i;
        else if (memcmp(memory->seen[i].signature, ticket->signature, 16) == 0)
            error = ERROR_BUSY;
    }
    if (error != ERROR_BUSY && place < TICKET_MEMORY) {
        memcpy(memory->seen[place].signature, ticket->signature, 16);
        memory->seen[place].expiry = ticket->expiry;
        error = ERROR_NONE;
    }
    lock_release(&memory->lock);
    return error;
}

enum error ticket_check(struct slice value, const struct slice *keys, size_t key_count,
    const struct ticket_subject *subject, int64_t now, struct ticket_memory *memory)
{
    struct ticket ticket;
    if (!read_ticket(value, &ticket) || ticket.expiry - now > TICKET_AHEAD_SECONDS)
        return ERROR_INVALID;
    if (ticket.expiry < now)
        return ERROR_TIMEOUT;
    enum error error = check_signature(&ticket, keys, key_count, subject);
    return error == ERROR_NONE ? remember(memory, &ticket, now) : error;
}
