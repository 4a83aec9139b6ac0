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

unsigned dns_system_servers(const struct check_options *options, struct address *servers,
    unsigned max)
{
    char buffer[LINE_MAX_BYTES];
    unsigned count = 0;
    struct slice line;
    FILE *file = fopen(options->resolver_file == NULL ? "/etc/resolv.conf"
                                                      : options->resolver_file, "re");
    while (file != NULL && count < MINIMUM(max, SERVERS_MAX) && next_line(file, buffer, &line)) {
        if (!slice_equal(next_word(&line), SLICE("nameserver")))
            continue;
        // One of this link (fe80::1%eth0) would need its zone, which c-ares has no place for. With
        // a port as c-ares itself takes it.
        struct slice server = next_word(&line);
        if (address_parse_host(server, NAMESERVER_PORT, &servers[count]) == ERROR_NONE
            || (address_parse(server, &servers[count]) == ERROR_NONE
                && servers[count].any.sa_family != AF_UNIX))
            count++;
    }
    if (file != NULL)
        fclose(file);
    return count;
}

bool dns_second_server(const struct check_options *options, struct address *ret_server)
{
    return options->second.data != NULL
        && (address_parse_host(options->second, NAMESERVER_PORT, ret_server) == ERROR_NONE
            || (address_parse(options->second, ret_server) == ERROR_NONE
                && ret_server->any.sa_family != AF_UNIX));
}
