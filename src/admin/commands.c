// Checks a command word for word before it acts: an operator's typing mistake must not purge a
// site.
#include "admin/commands.h"
#include "admin/outbox_command.h"
#include "base/clock.h"
#include "base/text.h"
#include "http/key.h"
#include "watch/watch.h"
#include "watch/watch_command.h"

#define URL_MAX 8192

// The member as text; empty when it is not there. False when it is something else.
static bool text_member(const json_t *request, const char *name, struct slice *ret_value)
{
    const json_t *value = json_object_get(request, name);
    if (value != NULL && !json_is_string(value))
        return false;
    *ret_value = slice_of(json_string_value(value), json_string_length(value));
    return true;
}

static bool bool_member(const json_t *request, const char *name, bool *ret_value)
{
    const json_t *value = json_object_get(request, name);
    if (value != NULL && !json_is_boolean(value))
        return false;
    *ret_value = json_is_true(value);
    return true;
}

static json_t *status_command(struct status_source *source)
{
    return json_pack("{s:b, s:o}", "ok", 1, "status", status_build(source, clock_wall_ms()));
}

enum error commands_normalise_url(struct slice url, struct text *ret_text)
{
    struct slice scheme = SLICE("https");
    struct slice rest = slice_cut(&url, '#'); // what follows never reaches a server
    if (rest.size == 0)
        return ERROR_INVALID;
    const char *mark = memmem(rest.data, rest.size, "://", 3);
    struct slice before = slice_of(rest.data, mark == NULL ? 0 : (size_t)(mark - rest.data));
    if (mark != NULL && !slice_contains(before, '/') && !slice_contains(before, '?')) {
        scheme = before;
        rest = slice_of(mark + 3, rest.size - scheme.size - 3);
    }
    if (!slice_equal_nocase(scheme, SLICE("http")) && !slice_equal_nocase(scheme, SLICE("https")))
        return ERROR_INVALID;
    struct slice path_query = SLICE_EMPTY, authority = rest;
    for (size_t i = 0; i < rest.size; i++) {
        if (rest.data[i] == '/' || rest.data[i] == '?') {
            authority = slice_of(rest.data, i);
            path_query = slice_of(rest.data + i, rest.size - i);
            break;
        }
    }
    struct slice query = path_query;
    struct slice path = slice_cut(&query, '?');
    return http_key_write(ret_text, scheme, authority, path, query);
}

static bool is_purge_kind(struct slice word, enum purge_kind *ret_kind)
{
    static const char *const words[] = {
        [PURGE_URL] = "url", [PURGE_PREFIX] = "prefix", [PURGE_TAG] = "tag", [PURGE_ALL] = "all"};
    for (unsigned i = 0; i < ARRAY_SIZE(words); i++) {
        if (slice_equal(word, slice_from_string(words[i]))) {
            *ret_kind = (enum purge_kind)i;
            return true;
        }
    }
    return false;
}

static bool is_tag(struct slice what)
{
    for (size_t i = 0; i < what.size; i++) {
        if (what.data[i] <= ' ' || what.data[i] == ',' || what.data[i] == 0x7F)
            return false;
    }
    return what.size > 0;
}

static json_t *purge_command(struct status_source *source, const json_t *request)
{
    struct slice kind, what;
    struct purge purge = {.hard = false};
    if (!text_member(request, "kind", &kind) || !is_purge_kind(kind, &purge.kind))
        return control_refusal("purge what? kind is one of url, prefix, tag, all");
    if (!text_member(request, "what", &what))
        return control_refusal("\"what\" must be text");
    if (!bool_member(request, "hard", &purge.hard))
        return control_refusal("\"hard\" must be true or false");

    char buffer[URL_MAX];
    struct text text = text_in(buffer, sizeof(buffer));
    purge.what = what;
    switch (purge.kind) {
    case PURGE_URL:
    case PURGE_PREFIX:
        if (commands_normalise_url(what, &text) != ERROR_NONE)
            return control_refusal("cannot purge \"%.*s\"; expected https://HOST/PATH",
                (int)MINIMUM(what.size, 200), what.data == NULL ? "" : what.data);
        purge.what = text_slice(&text);
        break;
    case PURGE_TAG:
        if (!is_tag(what))
            return control_refusal("a tag is one word without commas");
        break;
    case PURGE_MATCH: // none of the words
    case PURGE_ALL:
        if (what.size > 0)
            return control_refusal("\"all\" takes no \"what\"");
        break;
    }
    uint64_t purged = edge_purge(source->edge, &purge);
    enum error error = edge_settle(source->edge);
    log_write(LOG_INFO, "admin", "purged kind=%.*s what=\"%.*s\" hard=%d objects=%llu",
        SLICE_ARGS(kind), (int)MINIMUM(what.size, 500), what.data == NULL ? "" : what.data,
        purge.hard, (unsigned long long)purged);
    if (purge.hard && error != ERROR_NONE)
        return control_refusal("gone from memory, but the disk does not take note of it (%s): "
            "copies may be back after a restart", error_text(error));
    return json_pack("{s:b, s:I}", "ok", 1, "purged", (json_int_t)purged);
}

static json_t *maintenance_command(struct status_source *source, const json_t *request)
{
    struct maintenance maintenance = {0};
    struct slice message;
    const json_t *until = json_object_get(request, "until_ms");
    if (!json_is_boolean(json_object_get(request, "on")))
        return control_refusal("maintenance on or off? \"on\" must be true or false");
    maintenance.on = json_is_true(json_object_get(request, "on"));
    if (until != NULL && (!json_is_integer(until) || json_integer_value(until) < 0))
        return control_refusal("\"until_ms\" must be milliseconds since 1970");
    maintenance.until_ms = json_integer_value(until);
    if (maintenance.until_ms != 0 && maintenance.until_ms <= clock_wall_ms())
        return control_refusal("the end of the maintenance lies in the past");
    if (!text_member(request, "message", &message))
        return control_refusal("\"message\" must be text");
    if (message.size >= sizeof(maintenance.message))
        return control_refusal("the message is too long: %zu bytes, at most %zu", message.size,
            sizeof(maintenance.message) - 1);
    if (message.size > 0)
        memcpy(maintenance.message, message.data, message.size);
    edge_set_maintenance(source->edge, &maintenance);
    log_write(LOG_INFO, "admin", "maintenance on=%d until_ms=%lld", maintenance.on,
        (long long)maintenance.until_ms);
    return json_pack("{s:b}", "ok", 1);
}

static json_t *watch_command(struct watch *watch, const json_t *request,
    json_t *command(struct world *world, const json_t *request))
{
    struct core *core = watch == NULL ? NULL : watch_hold(watch);
    json_t *response = command(core == NULL ? NULL : core_world(core), request);
    if (core != NULL)
        core_release(core);
    return response;
}

json_t *commands_handle(void *source, const json_t *request)
{
    struct slice command;
    const struct status_source *known = source;
    status_source_await(source);
    if (!text_member(request, "command", &command))
        return control_refusal("\"command\" must be text");
    if (slice_equal(command, SLICE("status")))
        return status_command(source);
    if (slice_equal(command, SLICE("purge")))
        return purge_command(source, request);
    if (slice_equal(command, SLICE("maintenance")))
        return maintenance_command(source, request);
    if (slice_equal(command, SLICE("outbox")))
        return outbox_command(source, request);
    if (slice_equal(command, SLICE("incident")))
        return watch_command(known->watch, request, watch_command_incident);
    if (slice_equal(command, SLICE("window")))
        return watch_command(known->watch, request, watch_command_window);
    return control_refusal("no such command: \"%.*s\"; there are status, purge, maintenance, "
        "outbox, incident, window", (int)MINIMUM(command.size, 100),
        command.data == NULL ? "" : command.data);
}
