// One record of the access log as one line, whatever it contains.
#include "admin/access_log.h"

#include <time.h>

static void append_json_member(struct text *text, const char *name, struct slice value)
{
    text_format(text, ",\"%s\":\"", name);
    text_append_json(text, value);
    text_append_byte(text, '"');
}

static void append_milliseconds(struct text *text, const char *name, uint64_t us)
{
    text_format(
        text, ",\"%s\":%llu.%03u", name, (unsigned long long)(us / 1000), (unsigned)(us % 1000));
}

static void format_json(struct text *text, const struct access_record *record, const struct tm *utc)
{
    text_format(text, "{\"time\":\"%04d-%02d-%02dT%02d:%02d:%02d.%03uZ\",\"peer\":\"",
        utc->tm_year + 1900, utc->tm_mon + 1, utc->tm_mday, utc->tm_hour, utc->tm_min, utc->tm_sec,
        (unsigned)(record->wall_ms % 1000));
    if (address_port(&record->peer) == 0) // proxies in front rarely tell it
        address_format_host(text, &record->peer);
    else
        address_format(text, &record->peer);
    text_append_byte(text, '"');
    append_json_member(text, "host", record->host);
    append_json_member(text, "method", record->method);
    append_json_member(text, "target", record->target);
    text_format(text, ",\"version\":\"%u.%u\",\"status\":%u,\"bytes\":%llu,\"complete\":%s",
        record->major_version, record->minor_version, record->status,
        (unsigned long long)record->bytes, record->complete ? "true" : "false");
    append_milliseconds(text, "duration_ms", record->duration_us);
    append_milliseconds(text, "first_byte_ms", record->first_byte_us);
    append_json_member(text, "cache", slice_from_string(record->cache));
    append_json_member(text, "lifeline", slice_from_string(record->lifeline));
    append_json_member(text, "failure", slice_from_string(record->failure));
    append_json_member(text, "backend", record->backend);
    append_json_member(text, "request_id", record->request_id);
    append_json_member(text, "referer", record->referer);
    append_json_member(text, "user_agent", record->user_agent);
    text_append(text, SLICE("}\n"));
}

// As Apache and nginx escape: \xHH for quotes, backslashes and whatever is not printable ASCII.
static void append_escaped(struct text *text, struct slice value)
{
    for (size_t i = 0; i < value.size; i++) {
        unsigned char byte = (unsigned char)value.data[i];
        if (byte >= ' ' && byte < 0x7F && byte != '"' && byte != '\\') {
            text_append_byte(text, (char)byte);
        } else {
            text_append(text, SLICE("\\x"));
            text_append_hex(text, byte, 2);
        }
    }
}

static void append_or_dash(struct text *text, struct slice value)
{
    if (value.size == 0)
        text_append_byte(text, '-');
    append_escaped(text, value);
}

static void format_combined(
    struct text *text, const struct access_record *record, const struct tm *utc)
{
    static const char *const months[] = {
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    address_format_host(text, &record->peer);
    text_format(text, " - - [%02d/%s/%04d:%02d:%02d:%02d +0000] \"", utc->tm_mday,
        months[utc->tm_mon], utc->tm_year + 1900, utc->tm_hour, utc->tm_min, utc->tm_sec);
    if (record->method.size == 0) {
        text_append_byte(text, '-'); // what came was no request
    } else {
        append_escaped(text, record->method);
        text_append_byte(text, ' ');
        append_escaped(text, record->target);
        text_format(text, " HTTP/%u.%u", record->major_version, record->minor_version);
    }
    text_format(text, "\" %u %llu \"", record->status, (unsigned long long)record->bytes);
    append_or_dash(text, record->referer);
    text_append(text, SLICE("\" \""));
    append_or_dash(text, record->user_agent);
    text_append(text, SLICE("\"\n"));
}

void access_log_format(
    struct text *text, enum access_format format, const struct access_record *record)
{
    time_t seconds = record->wall_ms / 1000;
    struct tm utc = {0};
    gmtime_r(&seconds, &utc);
    switch (format) {
    case ACCESS_JSON: format_json(text, record, &utc); break;
    case ACCESS_COMBINED: format_combined(text, record, &utc); break;
    }
}
