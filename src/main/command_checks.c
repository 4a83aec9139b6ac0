// What the value of a flag must look like where no row of the settings says so.
#include "main/command_checks.h"
#include "admin/commands.h"
#include "doctor/check.h"
#include "io/address.h"
#include "watch/incident/incident.h"

#include <stdio.h>

#define MESSAGE_MAX 500 // bytes of --message
#define WHAT_MAX 4096   // bytes of --url, --prefix and --tag

bool command_check_url(struct slice value, char *message, size_t message_size)
{
    char buffer[WHAT_MAX * 2];
    struct text normal = text_in(buffer, sizeof(buffer));
    if (value.size <= WHAT_MAX && text_is_utf8(value)
        && commands_normalise_url(value, &normal) == ERROR_NONE)
        return true;
    snprintf(message, message_size, "is no URL; expected one such as https://example.org/news");
    return false;
}

bool command_check_tag(struct slice value, char *message, size_t message_size)
{
    bool is_good = value.size > 0 && value.size <= WHAT_MAX;
    for (size_t i = 0; i < value.size; i++)
        is_good = is_good && value.data[i] > ' ' && value.data[i] < 0x7F && value.data[i] != ',';
    if (!is_good)
        snprintf(message, message_size, "is no tag; expected one word such as article-17");
    return is_good;
}

bool command_check_message(struct slice value, char *message, size_t message_size)
{
    if (value.size > 0 && value.size <= MESSAGE_MAX && text_is_utf8(value))
        return true;
    snprintf(message, message_size,
        "cannot be shown; expected UTF-8 text of 1 to %d bytes", MESSAGE_MAX);
    return false;
}

static bool is_off(struct slice value)
{
    return slice_equal(value, SLICE("off"));
}

static bool begins_with_host(struct slice value, struct slice scheme)
{
    return slice_starts_with(value, scheme) && value.size > scheme.size && value.size <= WHAT_MAX;
}

bool command_check_vantage(struct slice value, char *message, size_t message_size)
{
    bool has_scheme = memmem(value.data, value.size, "://", 3) != NULL;
    if (value.size <= WHAT_MAX && (!has_scheme || begins_with_host(value, SLICE("http://")) ||
                                      begins_with_host(value, SLICE("https://"))))
        return true;
    snprintf(message, message_size,
        "is no vantage; expected HOST:PORT or a URL such as https://edge.example.net");
    return false;
}

bool command_check_resolver(struct slice value, char *message, size_t message_size)
{
    struct address address;
    if (is_off(value) || address_parse_host(value, 53, &address) == ERROR_NONE ||
        (address_parse(value, &address) == ERROR_NONE && address_port(&address) != 0))
        return true;
    snprintf(message, message_size,
        "is no address; expected one such as 9.9.9.9 or [2620:fe::fe]:53, or off");
    return false;
}

// Somebody to be asked besides, by that scheme, or nobody.
static bool is_party(struct slice value, struct slice scheme)
{
    return is_off(value) || begins_with_host(value, scheme);
}

bool command_check_doh(struct slice value, char *message, size_t message_size)
{
    if (is_party(value, SLICE("https://")))
        return true;
    snprintf(message, message_size,
        "is no such URL; expected one such as " CHECK_DOH ", or off");
    return false;
}

bool command_check_portal(struct slice value, char *message, size_t message_size)
{
    if (is_party(value, SLICE("http://")))
        return true;
    snprintf(message, message_size,
        "is no URL without TLS; expected one such as " CHECK_PORTAL ", or off");
    return false;
}

bool command_check_control(struct slice value, char *message, size_t message_size)
{
    if (is_party(value, SLICE("https://")))
        return true;
    snprintf(message, message_size, "is no URL; expected one such as " CHECK_CONTROL ", or off");
    return false;
}

static bool is_text(struct slice value, size_t maximum, char *message, size_t message_size)
{
    if (value.size > 0 && value.size <= maximum && text_is_utf8(value))
        return true;
    snprintf(message, message_size,
        "cannot be shown; expected UTF-8 text of 1 to %zu bytes", maximum);
    return false;
}

bool command_check_title(struct slice value, char *message, size_t message_size)
{
    return is_text(value, INCIDENT_TITLE_MAX, message, message_size);
}

bool command_check_text(struct slice value, char *message, size_t message_size)
{
    return is_text(value, INCIDENT_TEXT_MAX, message, message_size);
}

bool command_check_word(struct slice value, char *message, size_t message_size)
{
    return is_text(value, 500, message, message_size);
}

bool command_check_phase(struct slice value, char *message, size_t message_size)
{
    enum incident_state state;
    if (incident_find_state(value, &state))
        return true;
    snprintf(message, message_size,
        "is none; expected investigating, identified, monitoring or resolved");
    return false;
}

bool command_check_impact(struct slice value, char *message, size_t message_size)
{
    enum incident_impact impact;
    if (incident_find_impact(value, &impact))
        return true;
    snprintf(message, message_size, "is none; expected none, minor, major or critical");
    return false;
}

bool command_read_rate(struct slice value, double *ret_rate)
{
    uint64_t whole, part = 0;
    double scale = 1;
    struct slice fraction = value, before = slice_cut(&fraction, '.');
    bool has_fraction = fraction.data != NULL;
    for (size_t i = 0; i < fraction.size && i < 16; i++)
        scale *= 10;
    if (!slice_parse_u64(before, 1000, &whole) || fraction.size > 15
        || (has_fraction && !slice_parse_u64(fraction, UINT64_MAX, &part)))
        return false;
    double rate = (double)whole + (double)part / scale;
    if (rate < 0.0001 || rate > 1000)
        return false;
    *ret_rate = rate;
    return true;
}

bool command_read_count(struct slice value, uint64_t *ret_count)
{
    uint64_t count;
    if (!slice_parse_u64(value, COMMAND_COUNT_MAX, &count) || count == 0)
        return false;
    *ret_count = count;
    return true;
}

bool command_check_rate(struct slice value, char *message, size_t message_size)
{
    double rate;
    if (command_read_rate(value, &rate))
        return true;
    snprintf(message, message_size, "is no rate; expected 0.0001 to 1000, such as 0.1");
    return false;
}

bool command_check_count(struct slice value, char *message, size_t message_size)
{
    uint64_t count;
    if (command_read_count(value, &count))
        return true;
    snprintf(message, message_size, "is no number from 1 to %d; expected one such as 180",
        COMMAND_COUNT_MAX);
    return false;
}

bool command_check_seed(struct slice value, char *message, size_t message_size)
{
    uint64_t seed;
    if (slice_parse_u64(value, UINT64_MAX, &seed))
        return true;
    snprintf(message, message_size, "is no whole number; expected one such as 7");
    return false;
}
