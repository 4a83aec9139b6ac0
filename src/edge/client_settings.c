// The limits are on without any setting, at what no visitor reaches and a machine with one site can
// stand. A proxy in front that was not named would look like one client who asks for all: that is
// why addresses which the Internet cannot have are exempt.
#include "edge/client_settings.h"
#include "edge/access_list.h"

static const char *const told_by_choices[] = {"x-forwarded-for", "forwarded", NULL};

#define MEMBER(member) .offset = offsetof(struct client_settings, member)
static const struct setting client_rows[] = {
    {.name = "trusted_proxies", .type = SETTING_TEXT_LIST, MEMBER(trusted_proxies),
        .maximum = 1000, .check = access_list_check, .example = "[10.0.0.0/8, \"2001:db8::/32\"]",
        .summary = "Whose word is taken for whom they ask: the client is the last address in "
                   "X-Forwarded-For that is not one of these. Their X-Forwarded-Proto tells "
                   "whether he came by HTTPS.",
        .touch = "Name the load balancer or CDN in front, and nobody else: whoever is named here "
                 "can pretend to be anybody."},
    {.name = "told_by", .type = SETTING_CHOICE, MEMBER(told_by), .choices = told_by_choices,
        .fallback = "x-forwarded-for",
        .summary = "The field in which they tell it. Only this one is believed: proxies pass the "
                   "other on as the visitor sent it.",
        .touch = "Set it to forwarded for proxies that write RFC 7239's Forwarded."},
    {.name = "proxy_protocol", .type = SETTING_TEXT_LIST, MEMBER(proxy_protocol), .maximum = 1000,
        .check = access_list_check, .example = "[10.0.0.5]",
        .summary = "Whose connections begin with a PROXY protocol header, version 1 or 2, that "
                   "names the visitor. Theirs must, nobody else's may.",
        .touch = "Name a load balancer that passes TCP through and is set to send it."},
    {.name = "exempt", .type = SETTING_TEXT_LIST, MEMBER(exempt), .maximum = 1000,
        .check = access_list_check,
        .fallback = "[127.0.0.0/8, \"::1\", 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, "
                    "\"fc00::/7\"]",
        .summary = "Clients without limits of rate and connections. Proxies in front are mostly "
                   "at such addresses, and many visitors behind one must not look like one.",
        .touch = "Empty it in a network whose visitors have private addresses; add monitoring and "
                 "crawlers of your own."},
    {.name = "connections", .type = SETTING_COUNT, MEMBER(connections), .fallback = "1000",
        .maximum = 10000000,
        .summary = "Connections that one client may have open: an IPv4 address, or an IPv6 /64. "
                   "On further ones a request gets 429 with Retry-After; beyond a quarter more "
                   "they are closed at once. 0: no limit.",
        .touch = "Raise it for visitors who share one address by the thousand."},
    {.name = "handshakes", .type = SETTING_COUNT, MEMBER(handshakes), .fallback = "50",
        .maximum = 1000000,
        .summary = "TLS handshakes that one client may begin in a second, after ten seconds' worth "
                   "at once; further connections are closed. 0: no limit.",
        .touch = "Raise it together with connections."},
    {.name = "remembered", .type = SETTING_COUNT, MEMBER(remembered), .fallback = "65536",
        .minimum = 64, .maximum = 100000000,
        .summary = "Places in the table of clients, 32 bytes each. When more are active, those "
                   "who ask least are forgotten first. Changes need a restart.",
        .touch = "Raise it when clients_forgotten grows."},
};
#undef MEMBER

static void client_review(struct setting_review *review, const void *settings)
{
    const struct client_settings *clients = settings;
    access_list_warn(review, &clients->trusted_proxies, "clients.trusted_proxies",
        "everybody can pretend to be anybody");
    access_list_warn(review, &clients->proxy_protocol, "clients.proxy_protocol",
        "everybody can pretend to be anybody, and who sends no PROXY header is not served");
    access_list_warn(review, &clients->exempt, "clients.exempt", "nobody has limits");
}

const struct setting_section client_settings_section = {
    .size = sizeof(struct client_settings),
    .rows = client_rows,
    .count = ARRAY_SIZE(client_rows),
    .review = client_review,
    .summary = "Who counts as a client, and what one client may do. Ranges of addresses are "
               "written 192.0.2.0/24.",
};

#define MEMBER(member) .offset = offsetof(struct rate_settings, member)
static const struct setting rate_rows[] = {
    {.name = "requests", .type = SETTING_COUNT, MEMBER(requests), .fallback = "200",
        .maximum = 10000000,
        .summary = "How often one client may have the origin asked, per interval; further "
                   "requests get the copy if there is one that may go stale, else 429 with "
                   "Retry-After. 0: no limit.",
        .touch = "Lower it to what the origin can stand; raise it for an API whose clients are "
                 "servers."},
    {.name = "interval", .type = SETTING_DURATION, MEMBER(interval_ms), .fallback = "1s",
        .minimum = 1, .maximum = 86400000,
        .summary = "What requests are counted by.",
        .touch = "Set it to 1m for limits that are less than one in a second."},
    {.name = "burst", .type = SETTING_COUNT, MEMBER(burst), .fallback = "1000", .minimum = 1,
        .maximum = 10000000,
        .summary = "How many may come at once after a pause.",
        .touch = "Lower it together with requests: a page of a site asks for a hundred things at "
                 "once."},
    {.name = "copies", .type = SETTING_BOOL, MEMBER(copies), .fallback = "false",
        .summary = "Count requests that a copy answers too.",
        .touch = "Turn it on against those who copy a whole site."},
};
#undef MEMBER

const struct setting_section rate_settings_section = {
    .size = sizeof(struct rate_settings),
    .rows = rate_rows,
    .count = ARRAY_SIZE(rate_rows),
    .summary = "How fast one client may ask: an IPv4 address, or an IPv6 /64.",
};
