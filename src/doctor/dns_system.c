// Who is asked: the servers of this machine's programs (resolv.conf(5)), read as they read it, so
// that what makes no sense is passed over; and the second resolver.
#include "doctor/dns.h"

#include <arpa/nameser.h>
#include <stdio.h>

#define SERVERS_MAX 3 // glibc's MAXNS
#define LINE_MAX_BYTES 4096

static struct slice next_word(struct slice *line)
{
    size_t from = 0, to;
    while (from < line->size && (line->data[from] == ' ' || line->data[from] == '\t'))
        from++;
    for (to = from; to < line->size && line->data[to] != ' ' && line->data[to] != '\t';)
        to++;
    struct slice word = slice_of(line->data + from, to - from);
    *line = slice_of(line->data + to, line->size - to);
    return word;
}

// The next line of the file, without what ends it and without a comment; false at the end.
static bool next_line(FILE *file, char *buffer, struct slice *ret_line)
{
    if (fgets(buffer, LINE_MAX_BYTES, file) == NULL)
        return false;
    *ret_line = slice_of(buffer, strcspn(buffer, "\r\n#;"));
    return true;
}

// With a port as c-ares itself takes it.
static bool read_server(struct slice text, struct address *ret_server)
{
    return address_parse_host(text, NAMESERVER_PORT, ret_server) == ERROR_NONE
        || (address_parse(text, ret_server) == ERROR_NONE && ret_server->any.sa_family != AF_UNIX);
}

static unsigned read_file(const struct check_options *options, struct address *servers,
    unsigned max, bool *ret_has_others)
{
    char buffer[LINE_MAX_BYTES];
    unsigned count = 0;
    bool has_others = false;
    struct slice line;
    FILE *file = fopen(options->resolver_file == NULL ? "/etc/resolv.conf"
                                                      : options->resolver_file, "re");
    while (file != NULL && count < MINIMUM(max, SERVERS_MAX) && next_line(file, buffer, &line)) {
        if (!slice_equal(next_word(&line), SLICE("nameserver")))
            continue;
        struct slice server = next_word(&line);
        if (read_server(server, &servers[count]))
            count++;
        else
            has_others = has_others || slice_contains(server, '%');
    }
    if (file != NULL)
        fclose(file);
    *ret_has_others = has_others;
    return count;
}

unsigned dns_system_servers(const struct check_options *options, struct address *servers,
    unsigned max)
{
    bool has_others;
    return read_file(options, servers, max, &has_others);
}

bool dns_system_has_others(const struct check_options *options)
{
    struct address servers[SERVERS_MAX];
    bool has_others;
    (void)read_file(options, servers, SERVERS_MAX, &has_others);
    return has_others;
}

bool dns_second_server(const struct check_options *options, struct address *ret_server)
{
    return options->second.data != NULL && read_server(options->second, ret_server);
}
