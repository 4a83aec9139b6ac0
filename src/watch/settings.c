// The rows of section `status`. Without a name there is no status page, and what programs ask for
// is answered for each site by itself.
#include "watch/settings.h"
#include "conf/conf.h"
#include "doctor/vantage_settings.h"
#include "edge/access_list.h"
#include "watch/truth/quorum.h"

#include <stdio.h>
#include <strings.h>

static bool check_colour(struct slice value, char *message, size_t message_size)
{
    bool is_good = value.size == 7 && value.data[0] == '#';
    for (size_t i = 1; i < value.size && is_good; i++) {
        char byte = value.data[i] | 0x20;
        is_good = (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'f');
    }
    if (!is_good)
        snprintf(message, message_size, "is no colour; expected one such as #1d4ed8");
    return is_good;
}

static bool has_scheme(struct slice value)
{
    return slice_starts_with(value, SLICE("http://"))
        || slice_starts_with(value, SLICE("https://"));
}

static bool check_url(struct slice value, char *message, size_t message_size)
{
    bool is_good = value.size == 0 || (has_scheme(value) && value.size <= 2048);
    for (size_t i = 0; i < value.size; i++) // it goes into fields of mails and lines of calendars
        is_good = is_good && (unsigned char)value.data[i] > ' ' && value.data[i] != 0x7f;
    if (!is_good)
        snprintf(message, message_size,
            "is no URL; expected one such as https://status.example.org");
    return is_good;
}

static bool check_host(struct slice value, char *message, size_t message_size)
{
    if (slice_equal(value, SLICE("*")))
        return true; // see main/review.c
    bool is_good = value.size > 0 && value.size <= 253;
    for (size_t i = 0; i < value.size; i++)
        is_good = is_good && value.data[i] > ' ' && value.data[i] != '/' && value.data[i] != ':'
            && value.data[i] != '*';
    if (!is_good)
        snprintf(message, message_size, "is no host name; expected one such as status.example.org");
    return is_good;
}

static bool check_name(struct slice value, char *message, size_t message_size)
{
    bool is_good = value.size <= 100;
    for (size_t i = 0; i < value.size; i++)
        is_good = is_good && (unsigned char)value.data[i] >= ' ' && value.data[i] != 0x7f;
    if (!is_good)
        snprintf(message, message_size,
            "cannot be shown; expected at most 100 bytes of text such as Example");
    return is_good;
}

static const char *const languages[] = {"en", "de", "fr", "es", "zh", "ar", NULL};

static bool check_language(struct slice value, char *message, size_t message_size)
{
    for (size_t i = 0; languages[i] != NULL; i++) {
        if (slice_equal(value, slice_from_string(languages[i])))
            return true;
    }
    snprintf(message, message_size, "is none that the page speaks; expected en, de, fr, es, zh or "
        "ar");
    return false;
}

#define MEMBER(member) .offset = offsetof(struct watch_settings, member)
static const struct setting rows[] = {
    {.name = "name", .type = SETTING_TEXT, MEMBER(name), .check = check_name, .example = "Example",
        .summary = "Whose status it is. With a name there is a status page: at PREFIXstatus of "
                   "every host, and as the root of the hosts below. Changes of this section need a "
                   "restart.",
        .touch = "Set it to have a status page."},
    {.name = "hosts", .type = SETTING_TEXT_LIST, MEMBER(hosts), .maximum = 16, .check = check_host,
        .example = "[status.example.org]",
        .summary = "Host names that are the status page's own; \"*\" means all, where there are no "
                   "sites.",
        .touch = "Name one that has a DNS entry and, with tls, a certificate."},
    {.name = "url", .type = SETTING_TEXT, MEMBER(url), .check = check_url,
        .example = "https://status.example.org",
        .summary = "The status page's address as people know it, for feeds, mails and programs.",
        .touch = "Set it together with hosts."},
    {.name = "site", .type = SETTING_TEXT, MEMBER(site), .check = check_url,
        .example = "https://www.example.org", .summary = "Where the page's name leads to."},
    {.name = "support", .type = SETTING_TEXT, MEMBER(support), .check = check_name,
        .example = "support@example.org",
        .summary = "Whom visitors may ask: a URL or an address, shown on the page."},
    {.name = "logo", .type = SETTING_TEXT, MEMBER(logo), .example = "/etc/afloat/logo.svg",
        .summary = "A picture to stand before the name: SVG, PNG, JPEG or WebP, at most 64 KB."},
    {.name = "accent", .type = SETTING_TEXT, MEMBER(accent), .check = check_colour,
        .fallback = "\"#1d4ed8\"", .summary = "The page's colour."},
    {.name = "accent_dark", .type = SETTING_TEXT, MEMBER(accent_dark), .check = check_colour,
        .fallback = "\"#93c5fd\"", .summary = "The same for those who prefer dark pages."},
    {.name = "language", .type = SETTING_TEXT, MEMBER(language), .check = check_language,
        .fallback = "en",
        .summary = "What the page speaks where a visitor asks for none of its languages, and what "
                   "mails to those of notify.mail.to speak."},
    {.name = "directory", .type = SETTING_TEXT, MEMBER(directory),
        .example = "/var/lib/afloat/status",
        .summary = "Where its history is kept; without it, status in the state directory."},
    {.name = "monitors", .type = SETTING_SECTION_MAP, MEMBER(monitors), .maximum = 9000,
        .section = &monitor_settings_section, .check = monitor_check_id,
        .summary = "What is polled beside the sites of this edge, by its name."},
    {.name = "places", .type = SETTING_SECTION_MAP, MEMBER(places),
        .section = &vantage_other_section, .maximum = QUORUM_PLACES_MAX - 1,
        .summary = "Other vantages that look at the monitors' URLs too, by name. What this machine "
                   "alone cannot reach is not down.",
        .touch = "Name two or more in other networks, and give each a key."},
    {.name = "canaries", .type = SETTING_TEXT_LIST, MEMBER(canaries), .maximum = 4,
        .check = check_url, .example = "[\"https://www.example.com/\"]",
        .summary = "URLs of sites that are nearly always well. While none of them answers, it is "
                   "this machine that has a fault, and nothing is concluded.",
        .touch = "Name two or three sites of different hosters."},
    {.name = "allow", .type = SETTING_TEXT_LIST, MEMBER(allow), .maximum = 1000,
        .check = access_list_check, .example = "[10.0.0.0/8]",
        .summary = "Ranges of private addresses to which a redirect may lead a monitor.",
        .touch = "Name networks of your own whose sites redirect to each other."},
    {.name = "rounds", .type = SETTING_COUNT, MEMBER(rounds), .fallback = "2", .minimum = 1,
        .maximum = 10, .summary = "So many rounds in a row have to agree before a monitor's state "
                                  "changes.",
        .touch = "Raise it for what fails now and then without harm."},
    {.name = "damping", .type = SETTING_DURATION, MEMBER(damping_ms), .fallback = "30m",
        .maximum = 86400000,
        .summary = "Each change within this time makes the next one need one round more.",
        .touch = "Leave it."},
    {.name = "every", .type = SETTING_COUNT, MEMBER(every), .fallback = "10", .minimum = 1,
        .maximum = 10000,
        .summary = "Each so many rounds all places are asked, also while all is well from here.",
        .touch = "Lower it to find sooner what fails for others alone."},
    {.name = "streams", .type = SETTING_COUNT, MEMBER(streams), .fallback = "1000",
        .maximum = 100000,
        .summary = "How many visitors' pages are told of changes at once: of one network (an IPv4 "
                   "/24, an IPv6 /48) a twentieth of that, or 8; others ask now and then.",
        .touch = "Raise it together with tasks.tasks: each takes one."},
    {.name = "incidents", .type = SETTING_SECTION, MEMBER(incidents),
        .section = &incident_settings_section, .summary = "When incidents open and end."},
    {.name = "reports", .type = SETTING_SECTION, MEMBER(reports),
        .section = &report_settings_section, .summary = "What visitors may report."},
    {.name = "notify", .type = SETTING_SECTION, MEMBER(notify),
        .section = &notify_settings_section, .summary = "Who is told by mail and webhooks."},
    {.name = "operators", .type = SETTING_SECTION, MEMBER(operators),
        .section = &operator_settings_section, .summary = "Who may write incidents in a browser."},
};
#undef MEMBER

// Links in mails need an address that works from elsewhere.
static void watch_review(struct setting_review *review, const void *settings)
{
    const struct watch_settings *status = settings;
    if (status->notify.subscribe && status->url.size == 0 && !conf_is_written(review, &status->url))
        conf_add_mistake(review, &status->notify.subscribe, "status.notify.subscribe: links in "
            "mails lead nowhere; expected status.url, such as https://status.example.org");
}

const struct setting_section watch_settings_section = {
    .size = sizeof(struct watch_settings), .rows = rows, .count = ARRAY_SIZE(rows),
    .summary = "The status page: what is down, for whom, since when.",
    .review = watch_review,
};
