// The rows of compression, and the patterns of media types.
#include "edge/compression/compress.h"

#include <stdio.h>

static bool check_encoding(struct slice value, char *message, size_t message_size)
{
    enum http_coding coding;
    if (http_coding_find(value, &coding) && coding != HTTP_CODING_IDENTITY)
        return true;
    snprintf(message, message_size, "is no encoding; expected br, zstd or gzip");
    return false;
}

static bool check_type(struct slice value, char *message, size_t message_size)
{
    size_t slashes = 0, stars = 0;
    for (size_t i = 0; i < value.size; i++) {
        slashes += value.data[i] == '/';
        stars += value.data[i] == '*';
    }
    if (value.size + stars > 1 && stars <= 1 && slashes <= 1 && slashes + stars > 0
        && !slice_contains(value, ';') && !slice_contains(value, ' '))
        return true;
    snprintf(message, message_size,
        "is no media type; expected one such as application/json, text/*, \"*+xml\", or, "
        "for what is left alone, \"!text/css\"");
    return false;
}

static const struct setting rows[] = {
    {.name = "enabled", .type = SETTING_BOOL, .fallback = "true",
        .offset = offsetof(struct compress_settings, enabled),
        .summary = "Compress answers for visitors who take that. What the backend has compressed "
                   "or marked no-transform is passed on as it is.",
        .touch = "Turn it off when visitors reach the edge through a proxy that compresses."},
    {.name = "personal", .type = SETTING_BOOL, .fallback = "true",
        .offset = offsetof(struct compress_settings, personal),
        .summary = "Compress answers too that belong to one visitor: pages after a login, answers "
                   "to forms.",
        .touch = "Turn it off for pages that hold a secret (a token against forged requests that "
                 "is the same on every page) next to words from the request: over TLS, an attacker "
                 "who makes a visitor ask again and again and sees the sizes of the answers can "
                 "guess the secret (BREACH). Answers are padded by a random length against "
                 "that, which makes it slower, not impossible; better still mask such tokens."},
    {.name = "encodings", .type = SETTING_TEXT_LIST, .fallback = "[br, zstd, gzip]",
        .offset = offsetof(struct compress_settings, encodings), .minimum = 1, .maximum = 3,
        .check = check_encoding,
        .summary = "The encodings that are offered; of those that a visitor likes "
                   "equally well, the first.",
        .touch = "Put zstd or gzip first when the processor is busier than the network."},
    {.name = "types", .type = SETTING_TEXT_LIST,
        .fallback = "[text/*, \"!text/event-stream\", application/json, application/javascript, "
                    "application/x-javascript, application/xml, application/wasm, "
                    "application/x-ndjson, application/vnd.ms-fontobject, image/x-icon, "
                    "image/bmp, font/ttf, font/otf, \"*+json\", \"*+xml\"]",
        .offset = offsetof(struct compress_settings, types), .maximum = 100, .check = check_type,
        .summary = "The media types that are compressed; * stands for anything, a type after ! "
                   "is left alone whatever else is said.",
        .touch = "Add your own formats that are text; images, video and archives are compressed "
                 "already. Streams of events are left out because each would hold an encoder."},
    {.name = "minimum", .type = SETTING_SIZE, .fallback = "1KB",
        .offset = offsetof(struct compress_settings, minimum), .minimum = 0,
        .maximum = UINT64_C(1) << 40,
        .summary = "Answers known to be smaller are left alone.",
        .touch = "Hardly ever: what fits into one packet gains nothing."},
    {.name = "at_once", .type = SETTING_SIZE, .fallback = "32KB",
        .offset = offsetof(struct compress_settings, at_once), .minimum = 0, .maximum = 1048576,
        .summary = "Up to this size, the compressed form of a copy is made while its first visitor "
                   "waits (a millisecond or two). That of a larger one is made on a helper thread, "
                   "and visitors get the plain content until it is ready.",
        .touch = "Lower it when the slowest answers matter more than bytes."},
    {.name = "maximum", .type = SETTING_SIZE, .fallback = "16MB",
        .offset = offsetof(struct compress_settings, maximum), .minimum = 1024,
        .maximum = UINT64_C(1) << 32,
        .summary = "Of larger copies, no compressed form is made.",
        .touch = "Raise it for large data files that are asked for often."},
    {.name = "gzip_level", .type = SETTING_COUNT, .fallback = "6",
        .offset = offsetof(struct compress_settings, gzip_level), .minimum = 1, .maximum = 9,
        .summary = "How hard gzip tries for a form that is kept; what passes is "
                   "compressed lightly.",
        .touch = "Raise it when bandwidth is dear; forms are made once."},
    {.name = "brotli_level", .type = SETTING_COUNT, .fallback = "5",
        .offset = offsetof(struct compress_settings, brotli_level), .minimum = 1, .maximum = 11,
        .summary = "The same for brotli.",
        .touch = "9 is several times slower, 10 and 11 much more; lower at_once with them."},
    {.name = "zstd_level", .type = SETTING_COUNT, .fallback = "6",
        .offset = offsetof(struct compress_settings, zstd_level), .minimum = 1, .maximum = 19,
        .summary = "The same for zstd.",
        .touch = "Above 12 it is slow; lower at_once with it."},
};

const struct setting_section compress_settings_section = {
    .size = sizeof(struct compress_settings),
    .rows = rows,
    .count = ARRAY_SIZE(rows),
    .summary = "Compression at the edge: which answers, and how.",
};

static const struct setting limit_rows[] = {
    {.name = "streams", .type = SETTING_COUNT, .fallback = "64",
        .offset = offsetof(struct compress_limits, streams), .maximum = 100000,
        .summary = "Contents that are compressed as they come or pass, at once; further ones go "
                   "out as they are. Each takes up to 1 MB. All who wait for the same answer share "
                   "one for each encoding; copies that have their compressed form need none.",
        .touch = "When `afloat status` counts encoders_refused and memory is left."},
    {.name = "jobs", .type = SETTING_COUNT, .fallback = "2",
        .offset = offsetof(struct compress_limits, jobs), .maximum = 1000,
        .summary = "Compressed forms of large copies being made on helper threads at once; beyond, "
                   "a later visitor has it made.",
        .touch = "When `afloat status` counts forms_put_off and processors are idle."},
};

const struct setting_section compress_limits_section = {
    .size = sizeof(struct compress_limits),
    .rows = limit_rows,
    .count = ARRAY_SIZE(limit_rows),
    .summary = "How much is compressed at once; what is compressed, each site says.",
};

// --- Media types ---

// "text/*", "*+json" or a whole type.
static bool pattern_takes(struct slice pattern, struct slice type)
{
    const char *star = memchr(pattern.data, '*', pattern.size);
    if (star == NULL)
        return slice_equal_nocase(pattern, type);
    size_t before = (size_t)(star - pattern.data), after = pattern.size - before - 1;
    return type.size >= before + after
        && slice_equal_nocase(slice_of(type.data, before), slice_of(pattern.data, before))
        && slice_equal_nocase(slice_of(type.data + type.size - after, after),
            slice_of(star + 1, after));
}

bool compress_takes_type(const struct setting_list *patterns, struct slice content_type)
{
    const struct slice *items = patterns->items;
    struct slice rest = content_type, type = slice_trim(slice_cut(&rest, ';'));
    bool takes = false;
    if (type.size == 0)
        return false;
    for (size_t i = 0; i < patterns->count; i++) {
        struct slice pattern = items[i];
        bool excludes = pattern.data[0] == '!';
        if (excludes)
            pattern = slice_of(pattern.data + 1, pattern.size - 1);
        if ((excludes || !takes) && pattern_takes(pattern, type)) {
            if (excludes)
                return false;
            takes = true;
        }
    }
    return takes;
}
