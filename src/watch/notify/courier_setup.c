// What the courier keeps of the settings, as it needs it.
#include "base/clock.h"
#include "base/log.h"
#include "edge/access_list.h"
#include "watch/notify/courier_inside.h"
#include "watch/notify/mail_address.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define SECRET_MAX 256 // bytes of a password or key

// The first line of a file.
static enum error read_secret(struct courier *courier, struct slice path, struct slice *ret_secret,
    struct text *why)
{
    char buffer[SECRET_MAX + 2];
    int file = open(path.data, O_RDONLY | O_CLOEXEC);
    ssize_t size = file < 0 ? -1 : read(file, buffer, sizeof(buffer));
    enum error error = size < 0 ? error_from_errno(errno) : ERROR_NONE;
    if (file >= 0)
        (void)close(file);
    if (error != ERROR_NONE) {
        text_format(why, "%.*s: %s", SLICE_ARGS(path), error_text(error));
        return error;
    }
    struct slice rest = slice_of(buffer, (size_t)size), line = slice_cut(&rest, '\n');
    line = slice_trim(line);
    if (slice_ends_with(line, SLICE("\r")))
        line.size--;
    if (line.size == 0 || line.size > SECRET_MAX || slice_contains(line, '\0')) {
        text_format(why, "%.*s: expected one line of at most %d bytes", SLICE_ARGS(path),
            SECRET_MAX);
        return ERROR_INVALID;
    }
    *ret_secret = arena_copy(&courier->arena, line);
    return ret_secret->data == NULL ? ERROR_MEMORY : ERROR_NONE;
}

static struct slice keep(struct courier *courier, struct slice text)
{
    return arena_copy(&courier->arena, text);
}

static enum error read_mail(struct courier *courier, const struct mail_settings *mail,
    struct text *why)
{
    struct mail_server server;
    if (mail->server.size == 0)
        return ERROR_NONE;
    if (!mail_server_parse(mail->server, &server) || !mail_address_is_valid(mail->from)) {
        text_format(why, "notify.mail: expected a server such as smtp://mail.example.com:587 and "
            "from, an address");
        return ERROR_INVALID;
    }
    struct slice domain = mail_address_domain(mail->from);
    bool needs_brackets = slice_contains(server.host, ':');
    courier->mail = (struct mail_way){
        .url = arena_printf(&courier->arena, "smtp%s://%s%.*s%s:%u/%.*s",
            server.is_secure ? "s" : "", needs_brackets ? "[" : "", SLICE_ARGS(server.host),
            needs_brackets ? "]" : "", (unsigned)server.port, SLICE_ARGS(domain)),
        .user = keep(courier, mail->user), .from = keep(courier, mail->from),
        .requires_tls = server.is_secure || mail->require_tls == REQUIRE_TLS_ALWAYS
            || (mail->require_tls == REQUIRE_TLS_BEYOND_LOOPBACK && !server.is_loopback)};
    courier->list_id = arena_printf(&courier->arena, "status.%.*s", SLICE_ARGS(domain));
    courier->operators = arena_alloc(&courier->arena,
        (mail->to.count + 1) * sizeof(*courier->operators));
    if (courier->mail.url.data == NULL || courier->mail.user.data == NULL
        || courier->mail.from.data == NULL || courier->list_id.data == NULL
        || courier->operators == NULL)
        return ERROR_MEMORY;
    for (size_t i = 0; i < mail->to.count; i++) {
        struct slice to = keep(courier, ((const struct slice *)mail->to.items)[i]);
        if (to.data == NULL)
            return ERROR_MEMORY;
        courier->operators[courier->operator_count++] = to;
    }
    return mail->password_file.size == 0 ? ERROR_NONE
        : read_secret(courier, mail->password_file, &courier->mail.password, why);
}

// Scheme and host: what follows is often all the secret there is.
static struct slice shown_of(struct slice url)
{
    size_t slashes = 0;
    for (size_t i = 0; i < url.size; i++) {
        slashes += url.data[i] == '/';
        if (slashes == 3 || url.data[i] == '?')
            return slice_of(url.data, i);
    }
    return url;
}

static enum error read_webhook(struct courier *courier, const struct webhook_settings *webhook,
    struct webhook_way *way, struct text *why)
{
    *way = (struct webhook_way){.port = webhook_url_port(webhook->url),
        .url = keep(courier, webhook->url), .key = keep(courier, webhook->key)};
    way->shown = shown_of(way->url);
    way->guard = (struct guard){.allow = courier->allow, .ports = &way->port, .port_count = 1};
    if (way->url.data == NULL || way->key.data == NULL)
        return ERROR_MEMORY;
    if (way->port == 0) {
        text_format(why, "notify.webhooks: a URL is none");
        return ERROR_INVALID;
    }
    if (webhook->key_file.size == 0)
        return ERROR_NONE;
    enum error error = read_secret(courier, webhook->key_file, &way->key, why);
    if (error == ERROR_NONE && way->key.size < NOTIFY_KEY_MIN) {
        text_format(why, "%.*s: expected a key of at least %d bytes",
            SLICE_ARGS(webhook->key_file), NOTIFY_KEY_MIN);
        return ERROR_INVALID;
    }
    return error;
}

static enum error read_webhooks(struct courier *courier, const struct notify_settings *settings,
    struct text *why)
{
    const struct webhook_settings *webhooks = settings->webhooks.items;
    size_t count = MINIMUM(settings->webhooks.count, NOTIFY_WEBHOOKS_MAX);
    enum error error = access_list_read(&settings->allow, &courier->allow);
    courier->webhooks = arena_zero_alloc(&courier->arena,
        (count + 1) * sizeof(*courier->webhooks));
    if (courier->webhooks == NULL)
        return ERROR_MEMORY;
    for (size_t i = 0; error == ERROR_NONE && i < count; i++) {
        error = read_webhook(courier, &webhooks[i], &courier->webhooks[i], why);
        for (size_t j = 0; error == ERROR_NONE && j < i; j++) {
            if (slice_equal(webhooks[j].url, webhooks[i].url)) {
                text_format(why, "notify.webhooks: %.*s is there twice",
                    SLICE_ARGS(courier->webhooks[i].shown));
                error = ERROR_INVALID;
            }
        }
        courier->webhook_count++;
    }
    return error;
}

enum error courier_read_settings(struct courier *courier, const struct notify_settings *settings,
    const struct brand *brand, struct text *why)
{
    struct telling *telling = &courier->telling;
    enum error error = read_mail(courier, &settings->mail, why);
    if (error == ERROR_NONE)
        error = read_webhooks(courier, settings, why);
    if (error != ERROR_NONE)
        return error;
    if (settings->subscribe && (brand->url.size == 0 || settings->mail.server.size == 0)) {
        text_format(why, "notify.subscribe needs mail.server, and the status page's url for the "
            "links in mails");
        return ERROR_INVALID;
    }
    courier->may_subscribe = settings->subscribe;
    if (!language_find(brand->language, &courier->language))
        courier->language = LANGUAGE_ENGLISH;
    *telling = (struct telling){.name = keep(courier, brand->name),
        .page = keep(courier, brand->url), .support = keep(courier, brand->support)};
    telling->base = telling_base(telling->page, &courier->arena);
    bool has_memory = telling->name.data != NULL && telling->page.data != NULL
        && telling->support.data != NULL && (brand->url.size == 0 || telling->base.data != NULL);
    return has_memory ? ERROR_NONE : ERROR_MEMORY;
}
