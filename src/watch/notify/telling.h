// A message in words, for people (mail) and for programs (webhooks). Pure.
#pragma once

#include "watch/notify/digest.h"
#include "watch/page/words.h"

#define TELLING_SHOWN 50 // things told with all their words; of further ones the titles

// Whose page it is, and where people read more. base: "https://status.example.com/", where its
// pages are; empty: no links.
struct telling {
    struct slice name, page, base, support;
};

// Where the pages are of a status page at this URL: itself, or where "status" is one of them.
struct slice telling_base(struct slice page, struct arena *arena);

// Who reads a mail. chosen: his components, empty: everything. unsubscribe: a link, empty for those
// whom the settings name.
struct telling_reader {
    enum language language;
    struct slice chosen, unsubscribe;
};

struct telling_mail {
    struct slice subject, text, html;
};
// What concerns the reader, in his language; the arena's. MEMORY.
enum error telling_write_mail(const struct telling *telling, const struct digest_message *message,
    const struct telling_reader *reader, struct arena *arena,
    struct telling_mail *ret_mail) MUST_CHECK;
// The mail by which somebody confirms that he wants to be told.
enum error telling_write_confirmation(const struct telling *telling, struct slice link,
    enum language language, struct arena *arena, struct telling_mail *ret_mail) MUST_CHECK;
// The body of a webhook, from memory_alloc. MEMORY.
enum error telling_write_json(const struct telling *telling, const struct digest_message *message,
    char **ret_body, size_t *ret_size) MUST_CHECK;
