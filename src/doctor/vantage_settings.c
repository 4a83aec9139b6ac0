// The rows of section `vantage`. All of it is off unless told otherwise.
#include "doctor/vantage_settings.h"
#include "doctor/check.h"
#include "doctor/ticket.h"
#include "edge/access_list.h"

#include <stdio.h>

static bool check_key(struct slice value, char *message, size_t message_size)
{
    bool is_good = value.size >= TICKET_KEY_MIN && value.size <= 256;
    for (size_t i = 0; i < value.size; i++)
        is_good = is_good && value.data[i] > ' ' && value.data[i] < 0x7f;
    if (!is_good)
        snprintf(message, message_size, "is no key; expected at least %d letters, digits and "
            "marks, such as what \"openssl rand -hex 16\" prints", TICKET_KEY_MIN);
    return is_good;
}

static bool check_port(struct slice value, char *message, size_t message_size)
{
    uint64_t port;
    if (slice_parse_u64(value, UINT16_MAX, &port) && port != 0)
        return true;
    snprintf(message, message_size, "is no port; expected one such as 8443");
    return false;
}

static bool check_url(struct slice value, char *message, size_t message_size)
{
    bool has_scheme = slice_starts_with(value, SLICE("http://"))
        || slice_starts_with(value, SLICE("https://"));
    if (value.size == 0 || (has_scheme && value.size <= 2048))
        return true;
    snprintf(message, message_size, "is no URL; expected one such as " CHECK_CONTROL);
    return false;
}

#define MEMBER(member) .offset = offsetof(struct vantage_rate, member)
static const struct setting client_rows[] = {
    {.name = "requests", .type = SETTING_COUNT, MEMBER(requests), .fallback = "6",
        .minimum = 1, .maximum = 1000000,
        .summary = "How many looks one client (an IPv4 address, an IPv6 /64) may ask for without "
                   "a signature, per interval; further ones get 429 with Retry-After.",
        .touch = "Raise it for a vantage that only friends can reach."},
    {.name = "interval", .type = SETTING_DURATION, MEMBER(interval_ms), .fallback = "1m",
        .minimum = 1000, .maximum = 86400000, .summary = "What requests are counted per.",
        .touch = "Leave it, and set requests."},
    {.name = "burst", .type = SETTING_COUNT, MEMBER(burst), .fallback = "3", .minimum = 1,
        .maximum = 1000000, .summary = "How many of them may come at once.",
        .touch = "Raise it together with requests."},
};
static const struct setting total_rows[] = {
    {.name = "requests", .type = SETTING_COUNT, MEMBER(requests), .fallback = "60",
        .minimum = 1, .maximum = 1000000,
        .summary = "How many looks all clients together may ask for without a signature, per "
                   "interval; further ones get 429 with Retry-After.",
        .touch = "Raise it when vantage_limited grows and the machine has room."},
    {.name = "interval", .type = SETTING_DURATION, MEMBER(interval_ms), .fallback = "1m",
        .minimum = 1000, .maximum = 86400000, .summary = "What requests are counted per.",
        .touch = "Leave it, and set requests."},
    {.name = "burst", .type = SETTING_COUNT, MEMBER(burst), .fallback = "10", .minimum = 1,
        .maximum = 1000000, .summary = "How many of them may come at once.",
        .touch = "Raise it together with requests."},
};
#undef MEMBER

#define MEMBER(member) .offset = offsetof(struct vantage_other, member)
static const struct setting other_rows[] = {
    {.name = "url", .type = SETTING_TEXT, MEMBER(url), .required = true, .check = check_url,
        .example = "https://fra1.example.net",
        .summary = "Where it is: of another edge its address, of afloat vantage with its port."},
    {.name = "key", .type = SETTING_TEXT, MEMBER(key), .check = check_key,
        .example = "0123456789abcdef0123456789abcdef",
        .summary = "One of its keys, to sign what it is asked; without one its rates hold.",
        .touch = "Set it: a page that many visitors use soon reaches the rates."},
};
#undef MEMBER

const struct setting_section vantage_other_section = {
    .size = sizeof(struct vantage_other), .rows = other_rows, .count = ARRAY_SIZE(other_rows),
    .summary = "Another vantage, by the name that visitors read.",
};

static const struct setting_section client_section = {
    .size = sizeof(struct vantage_rate), .rows = client_rows, .count = ARRAY_SIZE(client_rows),
    .summary = "What one client may ask for without a signature.",
};
static const struct setting_section total_section = {
    .size = sizeof(struct vantage_rate), .rows = total_rows, .count = ARRAY_SIZE(total_rows),
    .summary = "What all of them together may.",
};

#define MEMBER(member) .offset = offsetof(struct vantage_settings, member)
static const struct setting rows[] = {
    {.name = "enabled", .type = SETTING_BOOL, MEMBER(enabled), .fallback = "false",
        .summary = "PREFIXlook?url=URL looks at the URL from here and answers with what it found, "
                   "for afloat check --from and for other edges.",
        .touch = "Turn it on where visitors of your sites may ask how they look from elsewhere."},
    {.name = "name", .type = SETTING_TEXT, MEMBER(name), .example = "fra1",
        .summary = "What the vantage calls itself; without it, the edge's name.",
        .touch = "Set it when there are several."},
    {.name = "keys", .type = SETTING_TEXT_LIST, MEMBER(keys), .maximum = 16, .check = check_key,
        .example = "[0123456789abcdef0123456789abcdef]",
        .summary = "Keys of those who sign their requests, and are not held to the rates below.",
        .touch = "Set one, the same on both sides, for edges of your own that ask."},
    {.name = "key_file", .type = SETTING_TEXT, MEMBER(key_file),
        .example = "/etc/afloat/vantage.keys",
        .summary = "A file with further keys, one on each line.",
        .touch = "Set it to keep keys out of this file."},
    {.name = "allow", .type = SETTING_TEXT_LIST, MEMBER(allow), .maximum = 1000,
        .check = access_list_check, .example = "[198.51.100.0/24]",
        .summary = "Ranges of addresses that may be looked at beside those that everybody can "
                   "reach. Private, loopback and other special ones may not, by default.",
        .touch = "Name a network of your own whose sites may be looked at by strangers."},
    {.name = "ports", .type = SETTING_TEXT_LIST, MEMBER(ports), .maximum = 64,
        .check = check_port, .example = "[8443]",
        .summary = "Ports that may be looked at beside 80 and 443.",
        .touch = "Name those of sites you watch."},
    {.name = "control", .type = SETTING_TEXT, MEMBER(control), .fallback = CHECK_CONTROL,
        .check = check_url,
        .summary = "A site that has nothing to do with the one in question, looked at for "
                   "comparison; \"\" for none.",
        .touch = "Set it to a site near the vantage that is nearly always well."},
    {.name = "canaries", .type = SETTING_TEXT_LIST, MEMBER(canaries),
        .maximum = VANTAGE_CANARIES_MAX, .check = check_url,
        .example = "[\"https://www.example.com/\"]",
        .summary = "URLs looked at once a minute while somebody asks. When none of them is well, "
                   "it is the vantage that has a fault, and its answers say that they conclude "
                   "nothing. Without any, the control.",
        .touch = "Name two or three sites of different hosters."},
    {.name = "looks", .type = SETTING_COUNT, MEMBER(looks), .fallback = "4", .minimum = 1,
        .maximum = VANTAGE_LOOKS_MAX,
        .summary = "Looks at once; further requests get 503 with Retry-After. Changes of this "
                   "section need a restart.",
        .touch = "Raise it together with total."},
    {.name = "timeout", .type = SETTING_DURATION, MEMBER(timeout_ms), .fallback = "8s",
        .minimum = CHECK_TIMEOUT_MIN_MS, .maximum = 60000,
        .summary = "How long one look may take.",
        .touch = "Leave it: who asks waits for little more."},
    {.name = "keep", .type = SETTING_DURATION, MEMBER(keep_ms), .fallback = "30s",
        .maximum = 3600000,
        .summary = "How long what was found is told to everybody who asks for the same URL.",
        .touch = "Lower it for tests."},
    {.name = "others", .type = SETTING_SECTION_MAP, MEMBER(others),
        .section = &vantage_other_section, .maximum = FACTS_VANTAGES_MAX,
        .summary = "Other vantages that PREFIXcheck asks too, by name.",
        .touch = "Name those in other networks: what fails from there too fails for everyone."},
    {.name = "check_any", .type = SETTING_BOOL, MEMBER(check_any), .fallback = "false",
        .summary = "PREFIXcheck, the page where visitors ask whether a site is down for everyone, "
                   "looks at any site. Otherwise at those alone that this edge serves by name "
                   "(hosts of sites).",
        .touch = "Turn it on for a public service; the rates below hold for it too."},
    {.name = "per_client", .type = SETTING_SECTION, MEMBER(per_client), .section = &client_section,
        .summary = "What one client may ask for without a signature."},
    {.name = "total", .type = SETTING_SECTION, MEMBER(total), .section = &total_section,
        .summary = "What all of them together may."},
};
#undef MEMBER

static void vantage_review(struct setting_review *review, const void *settings)
{
    const struct vantage_settings *vantage = settings;
    access_list_warn(review, &vantage->allow, "vantage.allow",
        "strangers can have this machine connect to its own network");
}

const struct setting_section vantage_settings_section = {
    .size = sizeof(struct vantage_settings), .rows = rows, .count = ARRAY_SIZE(rows),
    .review = vantage_review,
    .summary = "A vantage: how sites look from here, told to whoever asks.",
};
