// The settings file that flags stand for, so that there is one way into the program.
#include "main/command_line.h"

// In double quotes, as YAML escapes: its readers refuse some characters and fold others. The value
// is UTF-8.
static void write_quoted_slice(struct text *yaml, struct slice value)
{
    const unsigned char *end = (const unsigned char *)value.data + value.size;
    text_append_byte(yaml, '"');
    for (const unsigned char *at = (const unsigned char *)value.data; at < end; at++) {
        if (*at >= ' ' && *at < 0x7F && *at != '"' && *at != '\\') {
            text_append_byte(yaml, (char)*at);
            continue;
        }
        uint32_t character = *at < 0xC0 ? *at : *at < 0xE0 ? *at & 0x1F : *at < 0xF0 ? *at & 0xF
                                                                                     : *at & 7;
        while (at + 1 < end && (at[1] & 0xC0) == 0x80)
            character = character << 6 | (*++at & 0x3F);
        text_append(yaml, SLICE("\\U"));
        text_append_hex(yaml, character, 8);
    }
    text_append_byte(yaml, '"');
}

static void write_quoted(struct text *yaml, const char *value)
{
    write_quoted_slice(yaml, slice_from_string(value));
}

static void write_texts(struct text *yaml, const char *before, const struct command_texts *texts,
    const char *after)
{
    text_append(yaml, slice_from_string(before));
    for (size_t i = 0; i < texts->count; i++) {
        text_append(yaml, i == 0 ? SLICE("[") : SLICE(", "));
        write_quoted(yaml, texts->items[i]);
    }
    text_append(yaml, SLICE("]"));
    text_append(yaml, slice_from_string(after));
}

static void write_text(struct text *yaml, const char *before, const char *value, const char *after)
{
    text_append(yaml, slice_from_string(before));
    write_quoted(yaml, value);
    text_append(yaml, slice_from_string(after));
}

static void write_tls(struct text *yaml, const struct run_command *run)
{
    if (run->tls.count == 0 && run->certificates.count == 0)
        return;
    text_append(yaml, SLICE("tls:\n"));
    if (run->tls.count > 0)
        write_texts(yaml, "  listen: ", &run->tls, "\n");
    if (run->certificates.count > 0)
        text_append(yaml, SLICE("  certificates:\n"));
    for (size_t i = 0; i < run->certificates.count; i++) {
        write_text(yaml, "    - {certificate: ", run->certificates.items[i], ", key: ");
        write_text(yaml, "", run->keys.items[i], "}\n");
    }
}

static void write_vantage(struct text *yaml, const struct vantage_command *vantage)
{
    write_texts(yaml, "listen: ", &vantage->listen, "\norigins: {}\nvantage:\n  enabled: true\n");
    if (vantage->name != NULL)
        write_text(yaml, "  name: ", vantage->name, "\n");
    if (vantage->key != NULL)
        write_text(yaml, "  key_file: ", vantage->key, "\n");
    if (vantage->allow.count > 0)
        write_texts(yaml, "  allow: ", &vantage->allow, "\n");
    if (vantage->ports.count > 0)
        write_texts(yaml, "  ports: ", &vantage->ports, "\n");
    if (vantage->canaries.count > 0)
        write_texts(yaml, "  canaries: ", &vantage->canaries, "\n");
}

#define MONITOR_NAME_MAX 48

// What everybody may read of a URL: without its scheme, and without the name, the password and the
// query in it, for these may be secret.
static struct slice public_part(const char *url)
{
    const char *scheme_end = strstr(url, "://");
    struct slice rest = slice_from_string(scheme_end == NULL ? url : scheme_end + 3);
    rest.size = strcspn(rest.data, "?#");
    size_t authority = MINIMUM(strcspn(rest.data, "/"), rest.size);
    for (size_t i = authority; i-- > 0;) {
        if (rest.data[i] == '@')
            return slice_of(rest.data + i + 1, rest.size - i - 1);
    }
    return rest;
}

// The host, as far as an id may have its letters.
static struct slice monitor_name(const char *url, char buffer[MONITOR_NAME_MAX])
{
    struct slice host = public_part(url);
    size_t size = MINIMUM(MINIMUM(strcspn(host.data, "/?#:"), host.size), MONITOR_NAME_MAX);
    for (size_t i = 0; i < size; i++) {
        char letter = host.data[i];
        char byte = letter >= 'A' && letter <= 'Z' ? (char)(letter | 0x20) : letter;
        bool is_good = (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9')
            || byte == '.' || byte == '-';
        buffer[i] = is_good ? byte : '-';
    }
    return size == 0 ? SLICE("monitor") : slice_of(buffer, size);
}

// Two URLs of one host?
static bool share_names(const struct command_texts *monitors)
{
    char one[MONITOR_NAME_MAX], two[MONITOR_NAME_MAX];
    for (size_t i = 0; i < monitors->count; i++) {
        struct slice name = monitor_name(monitors->items[i], one);
        for (size_t k = 0; k < i; k++) {
            if (slice_equal(name, monitor_name(monitors->items[k], two)))
                return true;
        }
    }
    return false;
}

// By their hosts; where these are not enough to tell them apart, with numbers.
static void write_monitors(struct text *yaml, const struct command_texts *monitors)
{
    char buffer[MONITOR_NAME_MAX];
    bool is_numbered = share_names(monitors);
    for (size_t i = 0; i < monitors->count; i++) {
        text_append(yaml, SLICE("    \""));
        text_append(yaml, monitor_name(monitors->items[i], buffer));
        if (is_numbered)
            text_format(yaml, "-%zu", i + 1);
        write_text(yaml, "\": {url: ", monitors->items[i], ", title: ");
        write_quoted_slice(yaml, public_part(monitors->items[i]));
        text_append(yaml, SLICE("}\n"));
    }
}

// Whatever host name it is asked by, the page is all that there is.
static void write_status_server(struct text *yaml, const struct status_server_command *server)
{
    write_texts(yaml, "listen: ", &server->listen, "\norigins: {}\nstatus:\n  hosts: [\"*\"]\n");
    write_text(yaml, "  name: ", server->name, "\n");
    if (server->url != NULL)
        write_text(yaml, "  url: ", server->url, "\n");
    if (server->monitors.count > 0)
        text_append(yaml, SLICE("  monitors:\n"));
    write_monitors(yaml, &server->monitors);
}

void command_line_write_settings(const struct command_line *line, struct text *yaml)
{
    const struct run_command *run = &line->run;
    if (line->command == COMMAND_VANTAGE || line->command == COMMAND_STATUS_SERVER) {
        if (line->command == COMMAND_VANTAGE)
            write_vantage(yaml, &line->vantage);
        else
            write_status_server(yaml, &line->server);
        if (line->state != NULL)
            write_text(yaml, "state: ", line->state, "\n");
        return;
    }
    if (run->listen.count > 0)
        write_texts(yaml, "listen: ", &run->listen, "\n");
    write_tls(yaml, run);
    if (line->state != NULL)
        write_text(yaml, "state: ", line->state, "\n");
    if (run->threads != NULL)
        text_format(yaml, "threads: %s\n", run->threads);
    if (run->memory != NULL)
        text_format(yaml, "store: {memory: %s}\n", run->memory);
    write_texts(yaml, "origins:\n  main:\n    backends: ", &run->origins, "\n");
    if (run->probe != NULL)
        write_text(yaml, "    probe: {path: ", run->probe, "}\n");
    if (run->sites.count > 0)
        write_texts(yaml, "sites: [{origin: main, hosts: ", &run->sites, "}]\n");
}
