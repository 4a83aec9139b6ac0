// The rows, and what no single one of them can see.
#include "watch/notify/notify_settings.h"
#include "conf/conf.h"
#include "edge/access_list.h"
#include "http/authority.h"
#include "watch/notify/mail_address.h"

#include <stdio.h>

#define URL_MAX 2048

// --- What is written in them ---

static bool cut_scheme(struct slice *url, struct slice scheme)
{
    if (url->size < scheme.size || !slice_equal_nocase(slice_of(url->data, scheme.size), scheme))
        return false;
    *url = slice_of(url->data + scheme.size, url->size - scheme.size);
    return true;
}

static bool is_loopback(struct slice host)
{
    struct address address;
    if (slice_equal_nocase(host, SLICE("localhost")))
        return true;
    if (address_parse_host(host, 1, &address) != ERROR_NONE)
        return false;
    return address.any.sa_family == AF_INET
        ? ntohl(address.v4.sin_addr.s_addr) >> 24 == 127
        : address.any.sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&address.v6.sin6_addr);
}

bool mail_server_parse(struct slice text, struct mail_server *ret_server)
{
    struct http_authority authority;
    bool is_secure = cut_scheme(&text, SLICE("smtps://"));
    if ((!is_secure && !cut_scheme(&text, SLICE("smtp://"))) || text.size > 255)
        return false;
    if (slice_ends_with(text, SLICE("/")))
        text.size--;
    if (!http_authority_parse(text, &authority))
        return false;
    struct slice host = authority.host;
    if (host.size > 2 && host.data[0] == '[')
        host = slice_of(host.data + 1, host.size - 2);
    *ret_server = (struct mail_server){.host = host, .is_secure = is_secure,
        .port = authority.port != 0 ? authority.port : is_secure ? 465 : 587,
        .is_loopback = is_loopback(host)};
    return true;
}

uint16_t webhook_url_port(struct slice url)
{
    struct http_authority authority;
    if (url.size > URL_MAX)
        return 0;
    for (size_t i = 0; i < url.size; i++) {
        if (url.data[i] <= ' ' || url.data[i] >= 0x7f || url.data[i] == '#'
            || url.data[i] == '\\')
            return 0;
    }
    bool is_secure = cut_scheme(&url, SLICE("https://"));
    if (!is_secure && !cut_scheme(&url, SLICE("http://")))
        return 0;
    size_t size = 0;
    while (size < url.size && url.data[size] != '/' && url.data[size] != '?')
        size++;
    if (!http_authority_parse(slice_of(url.data, size), &authority))
        return 0;
    return authority.port != 0 ? authority.port : is_secure ? 443 : 80;
}

static bool check_server(struct slice value, char *message, size_t message_size)
{
    struct mail_server server;
    if (mail_server_parse(value, &server))
        return true;
    snprintf(message, message_size,
        "is no mail server; expected one such as smtp://mail.example.com:587 or smtps://…, the "
        "name and the password in user and password_file");
    return false;
}

static bool check_url(struct slice value, char *message, size_t message_size)
{
    if (webhook_url_port(value) != 0)
        return true;
    snprintf(message, message_size,
        "is no URL; expected one such as https://hooks.example.com/afloat, without a password");
    return false;
}

static bool check_key(struct slice value, char *message, size_t message_size)
{
    bool is_good = value.size >= NOTIFY_KEY_MIN && value.size <= 256;
    for (size_t i = 0; i < value.size; i++)
        is_good = is_good && value.data[i] > ' ' && value.data[i] < 0x7f;
    if (!is_good)
        snprintf(message, message_size, "is no key; expected at least %d letters, digits and "
            "marks, such as what \"openssl rand -hex 16\" prints", NOTIFY_KEY_MIN);
    return is_good;
}

static bool check_address(struct slice value, char *message, size_t message_size)
{
    if (mail_address_is_valid(value))
        return true;
    snprintf(message, message_size,
        "is no mail address; expected one such as status@example.com, without a name");
    return false;
}

// --- The rows ---

static const char *const tls_choices[] = {"beyond_loopback", "always", "never", NULL};

#define MEMBER(member) .offset = offsetof(struct mail_settings, member)
static const struct setting mail_rows[] = {
    {.name = "server", .type = SETTING_TEXT, MEMBER(server), .check = check_server,
        .example = "smtp://mail.example.com:587",
        .summary = "The server that takes mail for everybody: smtp:// (with STARTTLS) or "
                   "smtps://; without one there is no mail.",
        .touch = "Set it, or webhooks, so that people hear of incidents."},
    {.name = "user", .type = SETTING_TEXT, MEMBER(user), .example = "status",
        .summary = "Whom to log in as there; without one, nobody."},
    {.name = "password_file", .type = SETTING_TEXT, MEMBER(password_file),
        .example = "/etc/afloat/mail.password",
        .summary = "A file with the password on its first line."},
    {.name = "from", .type = SETTING_TEXT, MEMBER(from), .check = check_address,
        .example = "status@example.com",
        .summary = "Who the mails are from. What cannot be delivered comes back there.",
        .touch = "Use a domain whose SPF, DKIM and DMARC records cover the server."},
    {.name = "to", .type = SETTING_TEXT_LIST, MEMBER(to), .maximum = NOTIFY_MAIL_TO_MAX,
        .check = check_address, .example = "[operators@example.com]",
        .summary = "Addresses that are told without having asked: your own people."},
    {.name = "require_tls", .type = SETTING_CHOICE, MEMBER(require_tls),
        .choices = tls_choices, .fallback = "beyond_loopback",
        .summary = "Where a server of smtp:// is not told anything unless it can STARTTLS with a "
                   "certificate that is valid.",
        .touch = "Set it to never for a relay in your own network without a certificate."},
};
#undef MEMBER

#define MEMBER(member) .offset = offsetof(struct webhook_settings, member)
static const struct setting webhook_rows[] = {
    {.name = "url", .type = SETTING_TEXT, MEMBER(url), .required = true, .check = check_url,
        .example = "https://hooks.example.com/afloat",
        .summary = "Where each message is POSTed to, as JSON (docs/status.md). It has 10 s to "
                   "answer with 2xx; redirects are not followed; 410 ends it until the next "
                   "start."},
    {.name = "key", .type = SETTING_TEXT, MEMBER(key), .check = check_key,
        .example = "0123456789abcdef0123456789abcdef",
        .summary = "Signs what is sent, in the field Afloat-Signature (HMAC-SHA256).",
        .touch = "Set it where the receiver can check it: without one anybody can write to it."},
    {.name = "key_file", .type = SETTING_TEXT, MEMBER(key_file),
        .example = "/etc/afloat/webhook.key",
        .summary = "A file with the key on its first line, instead of key.",
        .touch = "Set it to keep the key out of this file."},
};
#undef MEMBER

static void mail_review(struct setting_review *review, const void *settings)
{
    const struct mail_settings *mail = settings;
    struct mail_server server = {0};
    if (mail->server.size == 0) {
        if (mail->to.count > 0)
            conf_add_mistake(review, &mail->to,
                "to has addresses, but there is no server; set mail.server");
        return;
    }
    if (mail->from.size == 0)
        conf_add_mistake(review, &mail->from,
            "mail.server needs mail.from, an address such as status@example.com");
    if (mail->user.size > 0 && mail->password_file.size == 0)
        conf_add_mistake(review, &mail->user, "user needs password_file");
    if (mail->password_file.size > 0 && mail->user.size == 0)
        conf_add_mistake(review, &mail->password_file, "password_file needs user");
    if (mail_server_parse(mail->server, &server) && !server.is_secure && !server.is_loopback
        && mail->require_tls == REQUIRE_TLS_NEVER && mail->user.size > 0)
        conf_add_warning(review, &mail->require_tls,
            "require_tls: with never the password can be read on the way to %.*s",
            SLICE_ARGS(server.host));
}

static void webhook_review(struct setting_review *review, const void *settings)
{
    const struct webhook_settings *webhook = settings;
    if (webhook->key.size > 0 && webhook->key_file.size > 0)
        conf_add_mistake(review, &webhook->key_file, "expected key or key_file, not both");
}

static const struct setting_section mail_section = {
    .size = sizeof(struct mail_settings), .rows = mail_rows, .count = ARRAY_SIZE(mail_rows),
    .review = mail_review, .summary = "How mail is sent.",
};
static const struct setting_section webhook_section = {
    .size = sizeof(struct webhook_settings), .rows = webhook_rows,
    .count = ARRAY_SIZE(webhook_rows), .review = webhook_review,
    .summary = "A program that is told.",
};

#define MEMBER(member) .offset = offsetof(struct notify_settings, member)
static const struct setting rows[] = {
    {.name = "mail", .type = SETTING_SECTION, MEMBER(mail), .section = &mail_section,
        .summary = "How mail is sent."},
    {.name = "webhooks", .type = SETTING_SECTION_LIST, MEMBER(webhooks),
        .section = &webhook_section, .maximum = NOTIFY_WEBHOOKS_MAX,
        .summary = "Programs that are told. What they do not take is tried again for a day."},
    {.name = "allow", .type = SETTING_TEXT_LIST, MEMBER(allow), .maximum = 1000,
        .check = access_list_check, .example = "[192.168.7.0/24]",
        .summary = "Ranges of addresses that webhooks may reach beside those that everybody can. "
                   "Private, loopback and other special ones may not, by default.",
        .touch = "Name the receiver where it is in your own network."},
    {.name = "digest", .type = SETTING_DURATION, MEMBER(digest_ms), .fallback = "1m",
        .minimum = 1000, .maximum = 86400000,
        .summary = "At most one message within this time, with all that happened. The first goes "
                   "out within 10 s.",
        .touch = "Raise it where people would rather have fewer messages than early ones."},
    {.name = "subscribe", .type = SETTING_BOOL, MEMBER(subscribe), .fallback = "false",
        .summary = "Visitors of the status page can ask to be told by mail. Each address is asked "
                   "to confirm first, and each mail has a link to end it.",
        .touch = "Turn it on once mail.server delivers."},
    {.name = "subscribers", .type = SETTING_COUNT, MEMBER(subscribers_max), .fallback = "10000",
        .minimum = 1, .maximum = 100000, .summary = "How many of them there may be.",
        .touch = "Lower it to what your mail server delivers within minutes."},
};
#undef MEMBER

static void notify_review(struct setting_review *review, const void *settings)
{
    const struct notify_settings *notify = settings;
    if (notify->subscribe && notify->mail.server.size == 0)
        conf_add_mistake(review, &notify->subscribe,
            "subscribe needs a server that sends the mails; set mail.server");
    access_list_warn(review, &notify->allow, "notify.allow",
        "a webhook's name can lead to any machine of this network");
}

const struct setting_section notify_settings_section = {
    .size = sizeof(struct notify_settings), .rows = rows, .count = ARRAY_SIZE(rows),
    .review = notify_review,
    .summary = "Who is told of incidents and maintenance, by mail and webhooks.",
};
