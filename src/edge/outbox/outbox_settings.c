// The rows of the outbox and of what a rule says of it.
#include "edge/outbox/outbox_settings.h"

#include <stdio.h>

static bool check_directory(struct slice value, char *message, size_t size)
{
    if (value.size > 1 && value.size < 4000 && value.data[0] == '/')
        return true;
    snprintf(message, size,
        "is no directory that means the same everywhere; expected one that begins with /, such as "
        "/var/lib/afloat/outbox");
    return false;
}

#define MEMBER(member) .offset = offsetof(struct outbox_settings, member)
static const struct setting outbox_rows[] = {
    {.name = "directory", .type = SETTING_TEXT, MEMBER(directory), .check = check_directory,
        .example = "/var/lib/afloat/outbox",
        .summary = "The directory in which accepted writes are kept; it is made if its parent is "
                   "there. Needed as soon as a rule says accept_writes. Changes need a restart.",
        .touch = "Put it on a disk that survives a restart of the machine. Whoever can read it can "
                 "read what visitors sent, cookies and passwords included: files are of mode "
                 "0600."},
    {.name = "writes", .type = SETTING_COUNT, MEMBER(writes), .fallback = "10000", .minimum = 1,
        .maximum = 1000000,
        .summary = "How many are kept at most, those delivered a while ago included; beyond, no "
                   "further one is accepted.",
        .touch = "Raise it for what comes in during your longest outage; each takes a kilobyte of "
                 "memory."},
    {.name = "size", .type = SETTING_SIZE, MEMBER(size), .fallback = "256MB", .minimum = 65536,
        .maximum = UINT64_C(1) << 50,
        .summary = "How much of the disk they may take; beyond, no further one is accepted.",
        .touch = "Lower it on a small disk."},
    {.name = "age", .type = SETTING_DURATION, MEMBER(age_ms), .fallback = "7d",
        .minimum = 1000, .maximum = UINT64_C(365) * 86400000,
        .summary = "What could not be delivered for that long is given up, with a warning in the "
                   "log. What waits for a decision of yours is not.",
        .touch = "Lower it where a late write does more harm than none."},
    {.name = "keep", .type = SETTING_DURATION, MEMBER(keep_ms), .fallback = "1d",
        .minimum = 1000, .maximum = UINT64_C(365) * 86400000,
        .summary = "How long visitors can still ask what became of a write; its content goes at "
                   "once.",
        .touch = "Raise it where programs ask late."},
    {.name = "deliveries", .type = SETTING_COUNT, MEMBER(deliveries), .fallback = "8",
        .minimum = 1, .maximum = 256,
        .summary = "How many paths are delivered to at once; each of them gets its writes one "
                   "after another.",
        .touch = "Raise it where writes go to very many paths."},
};
#undef MEMBER

const struct setting_section outbox_settings_section = {
    .size = sizeof(struct outbox_settings),
    .rows = outbox_rows,
    .count = ARRAY_SIZE(outbox_rows),
    .summary = "Writes that were accepted while the origin could not take them: see the rules' "
               "accept_writes, and afloat help outbox.",
};

static const char *const method_choices[] = {
    [OUTBOX_METHOD_POST] = "POST",
    [OUTBOX_METHOD_PUT] = "PUT",
    [OUTBOX_METHOD_PATCH] = "PATCH",
    [OUTBOX_METHOD_DELETE] = "DELETE",
    NULL,
};

#define MEMBER(member) .offset = offsetof(struct accept_settings, member)
static const struct setting accept_rows[] = {
    {.name = "methods", .type = SETTING_CHOICE_SET, MEMBER(methods), .choices = method_choices,
        .example = "[POST, PUT]",
        .summary = "The methods that are accepted; without any, none.",
        .touch = "Only where whoever writes understands 202 (Accepted): programs, forms whose page "
                 "says so."},
    {.name = "content", .type = SETTING_SIZE, MEMBER(content), .fallback = "1MB", .minimum = 0,
        .maximum = UINT64_C(1) << 40,
        .summary = "The largest content accepted. Larger ones wait or fail as without this rule; "
                   "those that do not say how large they are get 413.",
        .touch = "Set it to what your largest upload takes, and outbox.size with it."},
    {.name = "add_key", .type = SETTING_BOOL, MEMBER(add_key), .fallback = "false",
        .summary = "Give an accepted write an Idempotency-Key if the visitor sent none, so that it "
                   "can be sent again when nobody knows whether it arrived.",
        .touch = "Where the rule says idempotency_key: honoured, and visitors' programs do not "
                 "send keys of their own."},
};
#undef MEMBER

const struct setting_section accept_settings_section = {
    .size = sizeof(struct accept_settings),
    .rows = accept_rows,
    .count = ARRAY_SIZE(accept_rows),
    .summary = "Writes that the origin cannot take are kept on disk (see outbox), answered 202 "
               "with the URL of a page that tells what becomes of them, and delivered when it is "
               "back: those of one path one after another, in their order, and later ones queue "
               "behind them. This goes before the lifeline hold.",
};
