// Sealing, counting, and the two steps of consent.
#include "watch/notify/subscribe.h"
#include "base/hash.h"
#include "base/memory.h"
#include "io/network.h"
#include "watch/notify/mail_address.h"

#include <inttypes.h>

#define HOUR_MS INT64_C(3600000)

// --- What links say ---

enum error subscribe_seal(const struct courier *courier, const struct subscribe_words *words,
    struct text *text)
{
    char buffer[SEAL_WORDS_MAX];
    struct text plain = text_in(buffer, sizeof(buffer));
    text_append(&plain, words->ends ? SLICE("u") : SLICE("c:"));
    if (!words->ends)
        text_append(&plain, language_code(words->language));
    text_format(&plain, "\n%" PRId64 "\n", words->until_ms);
    text_append(&plain, words->address);
    if (words->components.size > 0) {
        text_append_byte(&plain, '\n');
        text_append(&plain, words->components);
    }
    return plain.full ? ERROR_LIMIT : seal_close(&courier->seal, text_slice(&plain), text);
}

enum error subscribe_unseal(const struct courier *courier, struct slice token, bool ends,
    int64_t now_ms, char *buffer, struct subscribe_words *ret_words)
{
    size_t size;
    uint64_t until_ms;
    if (token.data == NULL || seal_open(&courier->seal, token, buffer, &size) != ERROR_NONE)
        return ERROR_INVALID;
    struct slice rest = slice_of(buffer, size), language = slice_cut(&rest, '\n');
    struct slice kind = slice_cut(&language, ':'); // without a language: of an earlier version
    enum language known = LANGUAGE_ENGLISH;
    struct slice until = slice_cut(&rest, '\n'), address = slice_cut(&rest, '\n');
    if (!slice_equal(kind, ends ? SLICE("u") : SLICE("c"))
        || !slice_parse_u64(until, INT64_MAX, &until_ms) || !mail_address_is_valid(address))
        return ERROR_INVALID;
    if (language.data != NULL && !language_find(language, &known))
        return ERROR_INVALID;
    if (until_ms != 0 && (int64_t)until_ms < now_ms)
        return ERROR_TIMEOUT;
    *ret_words = (struct subscribe_words){.ends = ends, .until_ms = (int64_t)until_ms,
        .address = address, .components = rest, .language = known};
    return ERROR_NONE;
}

static struct slice make_link(const struct courier *courier, const struct subscribe_words *words,
    struct arena *arena)
{
    char buffer[SEAL_TEXT_MAX];
    struct text token = text_in(buffer, sizeof(buffer));
    if (subscribe_seal(courier, words, &token) != ERROR_NONE)
        return SLICE_EMPTY;
    return arena_printf(arena, "%.*s%s?token=%.*s&lang=%.*s", SLICE_ARGS(courier->telling.base),
        words->ends ? "unsubscribe" : "confirm", (int)token.size, token.data,
        SLICE_ARGS(language_code(words->language)));
}

struct slice subscribe_end_link(const struct courier *courier, struct slice address,
    enum language language, struct arena *arena)
{
    return make_link(courier, &(struct subscribe_words){.ends = true, .address = address,
        .language = language}, arena);
}

// --- How often ---

static uint64_t hash_address(const struct courier *courier, struct slice address)
{
    char lower[MAIL_ADDRESS_MAX];
    size_t size = MINIMUM(address.size, sizeof(lower));
    for (size_t i = 0; i < size; i++)
        lower[i] = (char)(address.data[i] >= 'A' && address.data[i] <= 'Z'
            ? address.data[i] | 0x20 : address.data[i]);
    return hash_bytes(slice_of(lower, size), courier->seed);
}

static uint64_t hash_network(const struct courier *courier, const struct address *client)
{
    struct network network = {0};
    if (!network_of_client(client, &network))
        return 0;
    return hash_bytes(slice_of((const char *)network.bytes, sizeof(network.bytes)), courier->seed);
}

enum sent_before { SENT_NEVER, SENT_TO_HIM, SENT_TOO_MANY };

// Every mail that goes out within an hour is in the table, so it says exactly who had how many.
// ret_free: where the next one is noted.
static enum sent_before look_up(struct courier *courier, uint64_t address, uint64_t network,
    int64_t now_ms, struct confirmation_sent **ret_free)
{
    unsigned from_network = 0;
    bool to_him = false;
    *ret_free = NULL;
    for (size_t i = 0; i < CONFIRMATIONS_AN_HOUR; i++) {
        struct confirmation_sent *sent = &courier->confirmations[i];
        if (sent->at_ms == 0 || sent->at_ms + HOUR_MS <= now_ms || sent->at_ms > now_ms) {
            *ret_free = sent;
            continue;
        }
        from_network += sent->network == network;
        to_him = to_him || sent->address == address;
    }
    if (from_network >= CONFIRMATIONS_FROM_NETWORK || *ret_free == NULL)
        return SENT_TOO_MANY;
    return to_him ? SENT_TO_HIM : SENT_NEVER;
}

// --- Consent ---

// The lock is held.
static bool post(struct courier *courier, const struct subscribe_words *wanted,
    struct slice link, int64_t now_ms)
{
    struct delivery_message *message = memory_zero_alloc(sizeof(*message));
    struct delivery *delivery = message == NULL ? NULL : delivery_create(message,
        RECIPIENT_CONFIRMING, CHANNEL_MAIL, wanted->address, link, now_ms);
    if (delivery == NULL) {
        memory_free(message);
        return false;
    }
    delivery->language = wanted->language;
    list_append(&courier->messages, &message->link);
    courier_enqueue(courier, delivery);
    return true;
}

enum subscribe_answer subscribe_ask(struct courier *courier, const struct subscribe_words *wanted,
    const struct address *client, int64_t now_ms)
{
    struct arena arena;
    struct confirmation_sent *place;
    enum subscribe_answer answer = SUBSCRIBE_FAILED;
    uint64_t whom = hash_address(courier, wanted->address), whence = hash_network(courier, client);
    struct subscribe_words words = *wanted;
    words.ends = false;
    words.until_ms = now_ms + CONFIRMATION_VALID_MS;
    arena_init(&arena, 4096, 65536);
    struct slice link = make_link(courier, &words, &arena);
    lock_acquire(&courier->lock);
    switch (look_up(courier, whom, whence, now_ms, &place)) {
    case SENT_TOO_MANY:
        answer = SUBSCRIBE_TOO_MANY;
        break;
    case SENT_TO_HIM:
        answer = SUBSCRIBE_MAILED; // as if; who asks is not told that somebody has just asked
        break;
    case SENT_NEVER:
        if (link.data == NULL || !post(courier, wanted, link, now_ms))
            break;
        *place = (struct confirmation_sent){whom, whence, now_ms};
        answer = SUBSCRIBE_MAILED;
        break;
    }
    lock_release(&courier->lock);
    arena_free(&arena);
    courier_wake(courier);
    return answer;
}

enum error subscribe_confirm(struct courier *courier, const struct subscribe_words *words,
    int64_t now_ms)
{
    lock_acquire(&courier->lock);
    enum error error = subscribers_put(&courier->subscribers, words->address, words->components,
        words->language, now_ms);
    if (error == ERROR_NONE)
        notify_store_subscriber(courier, subscribers_find(&courier->subscribers, words->address));
    lock_release(&courier->lock);
    return error;
}

void subscribe_end(struct courier *courier, struct slice address)
{
    lock_acquire(&courier->lock);
    notify_store_forget_subscriber(courier, address);
    (void)subscribers_remove(&courier->subscribers, address);
    lock_release(&courier->lock);
}
