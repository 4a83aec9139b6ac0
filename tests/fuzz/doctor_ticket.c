// What a stranger asks of a vantage: a query, a line's end, and a ticket. A URL that is read is no
// longer than it may be; a ticket that nobody signed is never good; a signed one is, once, and for
// no other URL.
#include "base/invariant.h"
#include "doctor/ticket.h"
#include "doctor/vantage_inside.h"

#define NOW INT64_C(1764500000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct ticket_memory memory;

static void check_signed(struct slice url, const struct slice *key)
{
    static const uint8_t nonce[TICKET_NONCE_SIZE] = {1};
    struct ticket_subject subject = {SLICE("GET"), SLICE("/.afloat/look"), url};
    struct ticket_subject other = {SLICE("GET"), SLICE("/.afloat/look"), SLICE("http://a/")};
    char buffer[256];
    struct text text = text_in(buffer, sizeof(buffer));
    invariant(ticket_write(&text, *key, &subject, NOW + 60, nonce) == ERROR_NONE && !text.full);
    struct slice value = text_slice(&text);
    if (!slice_equal(url, other.url))
        invariant(ticket_check(value, key, 1, &other, NOW, &memory) == ERROR_DENIED);
    invariant(ticket_check(value, key, 1, &subject, NOW, &memory) == ERROR_NONE);
    invariant(ticket_check(value, key, 1, &subject, NOW, &memory) == ERROR_BUSY);
    invariant(ticket_check(value, key, 1, &subject, NOW + 61, &memory) == ERROR_TIMEOUT);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice key = SLICE("0123456789abcdef"), url = SLICE_EMPTY;
    struct slice ticket = slice_of((const char *)data, size), query = slice_cut(&ticket, '\n');
    struct arena arena;
    arena_init(&arena, 4096, (size_t)1 << 20);
    ticket_memory_init(&memory);
    for (unsigned is_form = 0; is_form < 2; is_form++) {
        if (!vantage_read_url(query, is_form != 0, &arena, &url) || url.data == NULL)
            continue;
        invariant(url.size <= VANTAGE_URL_MAX && url.size <= query.size);
        struct ticket_subject subject = {SLICE("GET"), SLICE("/.afloat/look"), url};
        invariant(ticket_check(ticket, &key, 1, &subject, NOW, &memory) != ERROR_NONE);
        ticket_memory_destroy(&memory);
        ticket_memory_init(&memory);
        check_signed(url, &key);
    }
    ticket_memory_destroy(&memory);
    arena_free(&arena);
    return 0;
}
