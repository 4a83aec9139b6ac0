// See priority.h.
#include "edge/priority.h"
#include "edge/rules/rule_serve.h"

#include <stdio.h>

#define WORDS_MOST 100
#define WORD_SIZE_MOST 64

const char *priority_word(enum priority priority)
{
    switch (priority) {
    case PRIORITY_INTERACTIVE:
        return "interactive";
    case PRIORITY_BACKGROUND:
        return "background";
    case PRIORITY_BOT:
        return "bot";
    }
    return "";
}

static bool is_letter(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
}

static bool ends_with_any(struct slice word, const struct setting_list *endings)
{
    const struct slice *items = endings->items;
    for (size_t i = 0; i < endings->count; i++) {
        size_t size = items[i].size;
        if (size <= word.size
            && slice_equal_nocase(slice_of(word.data + word.size - size, size), items[i]))
            return true;
    }
    return false;
}

// Each byte is looked at once for each ending at the most.
static bool is_bot(const struct priority_settings *settings, struct slice user_agent)
{
    bool found = false;
    for (size_t at = 0; at < user_agent.size; at++) {
        size_t begin = at;
        while (at < user_agent.size && is_letter(user_agent.data[at]))
            at++;
        struct slice word = slice_of(user_agent.data + begin, at - begin);
        if (word.size == 0)
            continue;
        if (ends_with_any(word, &settings->people))
            return false;
        found = found || ends_with_any(word, &settings->bots);
    }
    return found;
}

static bool is_urgency_of_background(struct slice value)
{
    while (value.size > 0) {
        if (slice_equal(slice_trim(slice_cut(&value, ',')), SLICE("u=7")))
            return true;
    }
    return false;
}

static bool says_background(const struct http_field *field)
{
    if (slice_equal_nocase(field->name, SLICE("priority")))
        return is_urgency_of_background(field->value);
    return slice_starts_with(field->value, SLICE("prefetch"))
        && (slice_equal_nocase(field->name, SLICE("sec-purpose"))
            || slice_equal_nocase(field->name, SLICE("purpose"))
            || slice_equal_nocase(field->name, SLICE("x-moz")));
}

enum priority priority_told_by(const struct priority_settings *settings,
    const struct http_fields *fields)
{
    enum priority priority = PRIORITY_INTERACTIVE;
    if (!settings->enabled)
        return priority;
    for (uint32_t i = 0; i < fields->count; i++) {
        const struct http_field *field = &fields->items[i];
        if (slice_equal_nocase(field->name, SLICE("user-agent")) && is_bot(settings, field->value))
            return PRIORITY_BOT;
        if (says_background(field))
            priority = PRIORITY_BACKGROUND;
    }
    return priority;
}

enum priority priority_of(const struct request *request)
{
    const struct priority_settings *settings = &request_site(request)->priority;
    enum priority priority;
    if (settings->enabled && rule_says_priority(request, &priority))
        return priority;
    return priority_told_by(settings, &request->head.fields);
}

static bool check_word(struct slice value, char *message, size_t message_size)
{
    bool good = value.size > 0 && value.size <= WORD_SIZE_MOST;
    for (size_t i = 0; i < value.size; i++)
        good = good && is_letter(value.data[i]);
    if (!good)
        snprintf(message, message_size,
            "is no word; expected letters alone, such as bot or googlebot");
    return good;
}

static const struct setting rows[] = {
    {.name = "enabled", .type = SETTING_BOOL, .fallback = "true",
        .offset = offsetof(struct priority_settings, enabled),
        .summary = "Where requests wait for room at an origin, people go before prefetches (and "
                   "what says Priority: u=7) and these before bots; one turn of eight is for those "
                   "behind. When the edge itself runs short, it refuses prefetches and bots first.",
        .touch = "Turn it off when bots matter as much as people."},
    {.name = "bots", .type = SETTING_TEXT_LIST,
        .fallback = "[bot, crawler, crawl, spider, slurp, archiver, externalhit, externalagent, "
                    "feedfetcher, scrapy]",
        .offset = offsetof(struct priority_settings, bots), .maximum = WORDS_MOST,
        .check = check_word,
        .summary = "Whose User-Agent has a word that ends like this is a bot; case does not count.",
        .touch = "Add the programs that ask your site at their leisure, such as python or wget; "
                 "the list replaces the default, so repeat what of that you want."},
    {.name = "people", .type = SETTING_TEXT_LIST, .fallback = "cubot",
        .offset = offsetof(struct priority_settings, people), .maximum = WORDS_MOST,
        .check = check_word,
        .summary = "Whose User-Agent has a word that ends like this is no bot whatever else it "
                   "says. (Cubot makes telephones.)",
        .touch = "Add a bot that you want to be served like a person: uptimerobot."},
};

const struct setting_section priority_settings_section = {
    .size = sizeof(struct priority_settings), .rows = rows, .count = ARRAY_SIZE(rows),
    .summary = "Who goes first where not all can be served at once.",
};
