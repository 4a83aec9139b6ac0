// Loopback is allowed without any setting, since that is where a plugin mostly runs; what comes
// from there on behalf of others is told by its fields and refused.
#include "edge/purge_settings.h"
#include "edge/access_list.h"

#include <stdio.h>

static const char *const mode_choices[] = {"soft", "hard", NULL};

static bool check_path(struct slice value, char *message, size_t message_size)
{
    if (value.size == 0
        || (value.data[0] == '/' && value.size > 1 && value.data[value.size - 1] != '/'))
        return true;
    snprintf(message, message_size,
        "is no such path; expected one that begins with / and does not end with it, such as "
        "/purge, or \"\" for none");
    return false;
}

#define MEMBER(member) .offset = offsetof(struct purge_settings, member)
static const struct setting rows[] = {
    {.name = "allow", .type = SETTING_TEXT_LIST, MEMBER(allow), .maximum = 1000,
        .check = access_list_check, .fallback = "[127.0.0.0/8, \"::1\"]",
        .summary = "Clients that may purge with PURGE, BAN, PURGEKEYS and URIBAN requests; others "
                   "get 403. Empty: such requests go to the origin like any other.",
        .touch = "Name the server that the site's CMS runs on, by the address from which it "
                 "reaches this edge."},
    {.name = "mode", .type = SETTING_CHOICE, MEMBER(mode), .choices = mode_choices,
        .fallback = "soft",
        .summary = "soft: what is purged is stale at once and sent only if the backend fails. "
                   "hard: it is gone. Afloat-Purge: hard in a request overrides it.",
        .touch = "Set it to hard where what was taken down must not be seen again."},
    {.name = "path", .type = SETTING_TEXT, MEMBER(path), .fallback = "/purge", .check = check_path,
        .summary = "GET /purge/PATH from clients that are allowed purges /PATH, as plugins for "
                   "nginx ask for it. \"\": it does not.",
        .touch = "Change it to what the plugin is set to, or when the site uses that path itself."},
    {.name = "hide_tags", .type = SETTING_BOOL, MEMBER(hide_tags), .fallback = "true",
        .summary = "Keep the fields by which the origin tags its answers (Surrogate-Key, xkey, "
                   "Cache-Tag, Cache-Tags, Purge-Cache-Tags, X-Cache-Tags, X-Magento-Tags) from "
                   "visitors.",
        .touch = "Turn it off when another cache in front purges by them."},
};
#undef MEMBER

static void purge_review(struct setting_review *review, const void *settings)
{
    const struct purge_settings *purge = settings;
    access_list_warn(review, &purge->allow, "purge.allow",
        "everybody can empty the cache and make the origin do all the work");
}

const struct setting_section purge_settings_section = {
    .review = purge_review,
    .size = sizeof(struct purge_settings),
    .rows = rows,
    .count = ARRAY_SIZE(rows),
    .summary = "Purging over HTTP, with the requests that plugins for Varnish and nginx send: "
               "see docs/purging.md.",
};
