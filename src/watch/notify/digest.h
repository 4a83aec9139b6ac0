// What happened becomes messages: notices in, messages out. Pure but for memory: no clock, no I/O.
//
// What happens first is told within DIGEST_SETTLE_MS, with all else that happens until then; what
// follows is gathered until interval_ms have passed since that message. Of one incident only the
// newest state is told; one that opened and was resolved meanwhile is one line; what was told
// already in the same words is not told again.
#pragma once

#include "base/list.h"
#include "watch/notify/courier.h"

#include <jansson.h>

#define DIGEST_SETTLE_MS 10000
#define DIGEST_ITEMS_MAX 500     // of one message; further ones are counted
#define DIGEST_TOLD_MAX 1024     // things of which is remembered what was told last
#define DIGEST_COMPONENTS_MAX 256 // of one notice
#define DIGEST_TITLE_MAX 255     // bytes: any id of a component
#define DIGEST_TEXT_MAX 4000

// A notice, cleaned of everything that is no text, with memory of its own.
struct digest_item {
    struct list link;
    uint64_t sequence;     // of the last notice in it
    enum notice_kind kind;
    bool opened;           // nothing was told of it before
    bool is_own_title, is_own_text; // see struct notice
    struct reason reason;
    struct slice id, title, text;
    enum incident_state state;
    enum incident_impact impact;
    enum window_state window_state;
    int64_t begin_ms, end_ms, eta_ms, at_ms;
    struct slice *components, *component_ids; // ids: NULL where they are not known
    size_t component_count;
    struct arena arena;
};

struct digest_message {
    char id[33];            // 32 hexadecimal digits, from what is in it
    int64_t at_ms;
    uint64_t sequence;      // the last of all notices in it
    struct list items;      // the gravest first
    size_t item_count;
    uint64_t omitted;       // what there was no room for
};

struct digest_told {
    uint64_t key, hash; // key 0: free
};

struct digest {
    uint64_t interval_ms;
    struct list items;     // in the order in which they began
    size_t item_count;
    uint64_t omitted;
    int64_t first_ms;      // when the first of them came
    int64_t last_ms;       // when there was a message last; INT64_MIN: never
    uint64_t sequence;
    struct digest_told told[DIGEST_TOLD_MAX];
    size_t told_next;      // the oldest
};

void digest_init(struct digest *digest, uint64_t interval_ms);
void digest_free(struct digest *digest);

enum digest_outcome {
    DIGEST_TAKEN,
    DIGEST_KNOWN, // it was told already
    DIGEST_FULL,  // counted, and lost
};

// ret_replaced: the sequence number of what it takes the place of, 0: nothing. ret_item: as it is
// now in the digest.
enum digest_outcome digest_add(struct digest *digest, const struct notice *notice,
    uint64_t sequence, uint64_t *ret_replaced, const struct digest_item **ret_item);
int64_t digest_due_ms(const struct digest *digest); // INT64_MAX: there is nothing to be told
// All that was gathered, once it is due; NULL before that. The caller's to free.
struct digest_message *digest_take(struct digest *digest, int64_t now_ms) MUST_CHECK;
void digest_message_free(struct digest_message *message); // NULL is fine

// For what outlives a crash.
void digest_remember(struct digest *digest, uint64_t key, uint64_t hash);
void digest_told_of(const struct digest_item *item, uint64_t *ret_key, uint64_t *ret_hash);
json_t *digest_item_to_json(const struct digest_item *item) MUST_CHECK; // NULL: no memory
// INVALID: it is none.
enum error digest_add_json(struct digest *digest, const json_t *json, uint64_t sequence);
json_t *digest_message_to_json(const struct digest_message *message) MUST_CHECK;
struct digest_message *digest_message_from_json(const json_t *json) MUST_CHECK;

// Does it concern who chose these components (ids, each on a line)? Empty: everything.
bool digest_item_concerns(const struct digest_item *item, struct slice chosen);
