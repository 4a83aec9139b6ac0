// Dropping, keeping and sorting parameters.
#include "edge/rules/rule_query.h"
#include "http/characters.h"

// A final * stands for any ending.
static const char *const tracking[] = {
    "utm_*", "mtm_*", "pk_*", "piwik_*", "matomo_*", "hsa_*", "_hsenc", "_hsmi", "__hssc", "__hstc",
    "__hsfp", "fbclid", "gclid", "gclsrc", "dclid", "gbraid", "wbraid", "srsltid", "_ga", "_gl",
    "msclkid", "yclid", "ysclid", "twclid", "ttclid", "igshid", "igsh", "li_fat_id", "epik",
    "mc_cid", "mc_eid", "mkt_tok", "vero_id", "_openstat", "ScCid", "rdt_cid",
};

static bool is_listed(struct slice name, struct slice listed)
{
    if (slice_ends_with(listed, SLICE("*")))
        return slice_starts_with(name, slice_of(listed.data, listed.size - 1));
    return slice_equal(name, listed);
}

bool rule_query_is_tracking(struct slice name)
{
    for (size_t i = 0; i < ARRAY_SIZE(tracking); i++) {
        if (is_listed(name, slice_from_string(tracking[i])))
            return true;
    }
    return false;
}

bool rule_query_is_changed(const struct key_settings *settings)
{
    return settings->query == KEY_QUERY_SORTED || settings->query == KEY_QUERY_IGNORED
        || settings->tracking == KEY_TRACKING_DROPPED || settings->keep_parameters.count > 0
        || settings->drop_parameters.count > 0;
}

// --- Names as the least careful of servers reads them ---

// The next byte of a name, advancing *at; '\0' at its end, which "[" is for PHP.
static char loose_next(struct slice name, size_t *at)
{
    if (*at >= name.size)
        return '\0';
    char byte = name.data[(*at)++];
    if (byte == '%' && name.size - *at >= 2
        && http_characters_all(slice_of(name.data + *at, 2), HTTP_CHARACTER_HEX)) {
        byte = (char)(slice_hex_value(name.data[*at]) << 4 | slice_hex_value(name.data[*at + 1]));
        *at += 2;
    }
    if (byte == '[')
        *at = name.size;
    if (byte == '[' || byte == '\0')
        return '\0';
    if (byte >= 'A' && byte <= 'Z')
        return (char)(byte | 0x20);
    return byte == '.' || byte == '+' || byte == ' ' ? '_' : byte;
}

static struct slice without_leading_spaces(struct slice name)
{
    while (name.size > 0) {
        size_t skip = name.data[0] == '+' ? 1 : slice_starts_with(name, SLICE("%20")) ? 3 : 0;
        if (skip == 0)
            break;
        name = slice_of(name.data + skip, name.size - skip);
    }
    return name;
}

static int loose_compare(struct slice a, struct slice b)
{
    size_t at = 0, in = 0;
    a = without_leading_spaces(a);
    b = without_leading_spaces(b);
    for (;;) {
        unsigned char x = (unsigned char)loose_next(a, &at);
        unsigned char y = (unsigned char)loose_next(b, &in);
        if (x != y)
            return x < y ? -1 : 1;
        if (x == '\0')
            return 0;
    }
}

static bool loose_is_listed(struct slice name, struct slice listed)
{
    if (!slice_ends_with(listed, SLICE("*")))
        return loose_compare(name, listed) == 0;
    size_t at = 0, in = 0;
    name = without_leading_spaces(name);
    listed.size--;
    while (in < listed.size) {
        if (loose_next(name, &at) != loose_next(listed, &in))
            return false;
    }
    return true;
}

// --- Parameters ---

static struct slice name_of(struct slice parameter)
{
    return slice_cut(&parameter, '=');
}

static bool is_dropped(const struct key_settings *settings, struct slice parameter)
{
    struct slice name = name_of(parameter);
    const struct slice *drop = settings->drop_parameters.items;
    const struct slice *keep = settings->keep_parameters.items;
    if (slice_contains(parameter, ';'))
        return false;
    for (size_t i = 0; i < settings->drop_parameters.count; i++) {
        if (is_listed(name, drop[i]))
            return true;
    }
    if (settings->tracking == KEY_TRACKING_DROPPED && rule_query_is_tracking(name))
        return true;
    if (settings->keep_parameters.count == 0)
        return false;
    for (size_t i = 0; i < settings->keep_parameters.count; i++) {
        if (loose_is_listed(name, keep[i]))
            return false;
    }
    return true;
}

static void append_parameter(struct text *text, bool *any, struct slice parameter)
{
    if (*any)
        text_append_byte(text, '&');
    text_append(text, parameter);
    *any = true;
}

// By name alone, so that those of one name stay in their order, which servers care about.
static void insert_sorted(struct slice *items, size_t count, struct slice item)
{
    size_t at = count;
    while (at > 0 && loose_compare(name_of(items[at - 1]), name_of(item)) > 0) {
        items[at] = items[at - 1];
        at--;
    }
    items[at] = item;
}

static bool write_sorted(struct text *text, const struct key_settings *settings, struct slice query)
{
    struct slice sorted[RULE_QUERY_SORTED_MAX];
    size_t count = 0;
    bool any = false;
    while (query.data != NULL) {
        struct slice parameter = slice_cut(&query, '&');
        if (!is_dropped(settings, parameter))
            insert_sorted(sorted, count++, parameter);
    }
    for (size_t i = 0; i < count; i++)
        append_parameter(text, &any, sorted[i]);
    return any;
}

static bool may_be_sorted(struct slice query)
{
    size_t count = 1;
    for (size_t i = 0; i < query.size; i++)
        count += query.data[i] == '&';
    return count <= RULE_QUERY_SORTED_MAX && !slice_contains(query, ';');
}

bool rule_query_write(struct text *text, const struct key_settings *settings, struct slice query)
{
    bool any = false;
    if (query.data == NULL || settings->query == KEY_QUERY_IGNORED)
        return false;
    if (!rule_query_is_changed(settings)) {
        text_append(text, query);
        return true;
    }
    if (settings->query == KEY_QUERY_SORTED && may_be_sorted(query))
        return write_sorted(text, settings, query);
    struct slice rest = query;
    while (rest.data != NULL) {
        struct slice parameter = slice_cut(&rest, '&');
        if (!is_dropped(settings, parameter))
            append_parameter(text, &any, parameter);
    }
    return any;
}
