// Signing and checking. A ticket is remembered only once its signature is known to be good, so
// strangers cannot fill the memory.
#include "doctor/ticket.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#define SIGNATURE_SIZE 32
#define NUMBER_MAX 24 // bytes of a number as text, with what separates it

struct ticket {
    int64_t expiry;
    uint8_t nonce[TICKET_NONCE_SIZE], signature[SIGNATURE_SIZE];
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

static bool add(EVP_MAC_CTX *mac, struct slice part)
{
    char buffer[NUMBER_MAX];
    struct text size = text_in(buffer, sizeof(buffer));
    text_append_u64(&size, part.size);
    text_append_byte(&size, ':');
    return EVP_MAC_update(mac, (const unsigned char *)size.data, size.size) == 1
        && EVP_MAC_update(mac, (const unsigned char *)part.data, part.size) == 1;
}

static bool sign_parts(EVP_MAC_CTX *mac, struct slice key, const struct ticket_subject *subject,
    struct ticket *ticket)
{
    char buffer[NUMBER_MAX], digest[] = "SHA256";
    struct text expiry = text_in(buffer, sizeof(buffer));
    size_t size = 0;
    const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string("digest", digest, 0),
        OSSL_PARAM_construct_end()};
    text_append_u64(&expiry, (uint64_t)ticket->expiry);
    return EVP_MAC_init(mac, (const unsigned char *)key.data, key.size, parameters) == 1
        && add(mac, SLICE("afloat ticket 1")) && add(mac, subject->method)
        && add(mac, subject->path) && add(mac, subject->url) && add(mac, text_slice(&expiry))
        && add(mac, slice_of((const char *)ticket->nonce, TICKET_NONCE_SIZE))
        && EVP_MAC_final(mac, ticket->signature, &size, SIGNATURE_SIZE) == 1
        && size == SIGNATURE_SIZE;
}

static enum error sign(struct slice key, const struct ticket_subject *subject,
    struct ticket *ticket)
{
    EVP_MAC *algorithm = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *mac = algorithm == NULL ? NULL : EVP_MAC_CTX_new(algorithm);
    bool is_signed = mac != NULL && sign_parts(mac, key, subject, ticket);
    EVP_MAC_CTX_free(mac);
    EVP_MAC_free(algorithm);
    return is_signed ? ERROR_NONE : ERROR_SYSTEM;
}

static void append_bytes(struct text *text, const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        text_append_hex(text, bytes[i], 2);
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
    append_bytes(text, ticket.nonce, TICKET_NONCE_SIZE);
    text_append_byte(text, ' ');
    append_bytes(text, ticket.signature, SIGNATURE_SIZE);
    return ERROR_NONE;
}

static int digit_of(char byte)
{
    if (byte >= '0' && byte <= '9')
        return byte - '0';
    return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

static bool read_bytes(struct slice digits, uint8_t *bytes, size_t size)
{
    if (digits.size != 2 * size)
        return false;
    for (size_t i = 0; i < size; i++) {
        int high = digit_of(digits.data[2 * i]), low = digit_of(digits.data[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        bytes[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

static bool read_ticket(struct slice value, struct ticket *ticket)
{
    uint64_t expiry;
    struct slice first = slice_cut(&value, ' '), second = slice_cut(&value, ' ');
    if (!slice_parse_u64(first, INT64_MAX, &expiry)
        || !read_bytes(second, ticket->nonce, TICKET_NONCE_SIZE)
        || !read_bytes(value, ticket->signature, SIGNATURE_SIZE))
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
        fits |= CRYPTO_memcmp(expected.signature, ticket->signature, SIGNATURE_SIZE) == 0;
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
