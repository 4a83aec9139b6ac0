// The rows of a rule's protect.
#include "edge/rules/rule_protect.h"
#include "conf/conf.h"

#include <stdio.h>

#define TEXTS_MAX 32
#define TEXT_SIZE_LEAST 4
#define TEXT_SIZE_MAX 200

static bool check_text(struct slice value, char *message, size_t size)
{
    if (value.size >= TEXT_SIZE_LEAST && value.size <= TEXT_SIZE_MAX)
        return true;
    snprintf(message, size, "would be found too easily or too rarely; expected %d to %d bytes of "
        "what the broken page says", TEXT_SIZE_LEAST, TEXT_SIZE_MAX);
    return false;
}

static const char *const unheld_choices[] = {
    [RULE_PROTECT_PASS] = "pass",
    [RULE_PROTECT_FAIL] = "fail",
    NULL,
};

static void rule_protect_review(struct setting_review *review, const void *all)
{
    const struct rule_protect_settings *settings = all;
    const void *others[] = {&settings->examined, &settings->unheld};
    for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
        if (settings->minimum_percent == 0 && settings->forbidden.count == 0
            && conf_is_written(review, others[i])) {
            conf_add_mistake(review, others[i], "protect: doubts no answer; expected "
                "protect.forbidden or protect.minimum");
            return;
        }
    }
    if (settings->minimum_percent > 90)
        conf_add_warning(review, &settings->minimum_percent, "protect.minimum: a page that becomes "
            "a little shorter is never renewed until its copy is purged; 50%% leaves room for "
            "that");
}

#define MEMBER(member) .offset = offsetof(struct rule_protect_settings, member)
static const struct setting rows[] = {
    {.name = "minimum", .type = SETTING_PERCENT, MEMBER(minimum_percent), .fallback = "0%",
        .example = "50%",
        .summary = "An answer shorter than that much of the copy that it would replace is not "
                   "believed; both in a content coding, or neither. One that does not say its "
                   "length is long enough once `examined` has come.",
        .touch = "Where the backend answers with empty or half pages when something behind it is "
                 "gone. A page that has become so much shorter for good is taken once its copy "
                 "was purged (--hard)."},
    {.name = "forbidden", .type = SETTING_TEXT_LIST, MEMBER(forbidden), .maximum = TEXTS_MAX,
        .check = check_text, .example = "[\"Error establishing a database connection\"]",
        .summary = "An answer that has one of these texts is not believed; byte for byte, in what "
                   "is not in a content coding.",
        .touch = "For what the site says when it is broken, and in no good page. Backends that "
                 "compress: request_headers: {remove: [Accept-Encoding]} lets them not, and the "
                 "edge does it itself."},
    {.name = "examined", .type = SETTING_SIZE, MEMBER(examined), .fallback = "64KiB",
        .minimum = 1024, .maximum = 1024 * 1024,
        .summary = "So much of the content is received before anything of it is sent, and looked "
                   "at.",
        .touch = "Raise it when the text comes late in the page; lower it when visitors should see "
                 "the beginning of slow pages sooner."},
    {.name = "unheld", .type = SETTING_CHOICE, MEMBER(unheld), .choices = unheld_choices,
        .fallback = "pass",
        .summary = "What becomes of such an answer while no copy can be sent instead: it is "
                   "passed on as it came, and not stored; or \"fail\": it counts as none, and the "
                   "visitor gets the rule's fallback or the honest page.",
        .touch = "\"fail\" where a wrong page does more harm than an error."},
};
#undef MEMBER

const struct setting_section rule_protect_settings_section = {
    .size = sizeof(struct rule_protect_settings),
    .rows = rows,
    .count = ARRAY_SIZE(rows),
    .summary = "Answers with status 200 that are not to be believed: they never replace a copy. "
               "While it may be sent, visitors get that, and the backend is asked again with a "
               "back-off. Only for what may be shared; ranges, 304 and other statuses pass.",
    .review = rule_protect_review,
};
