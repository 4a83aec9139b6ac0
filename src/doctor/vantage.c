// From request to answer, in the request's task; what blocks is the observer's.
#include "doctor/vantage.h"
#include "base/hash.h"
#include "base/memory.h"
#include "doctor/check_look.h"
#include "doctor/check_serve.h"
#include "doctor/observer.h"
#include "doctor/ticket.h"
#include "doctor/vantage_inside.h"
#include "doctor/vantage_results.h"
#include "edge/client_table.h"
#include "http/form.h"
#include "io/helpers.h"
#include "io/network.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define KEYS_MAX 32
#define KEY_FILE_MAX 16384
#define CLIENTS_REMEMBERED 4096
#define ERROR_MAX 2048 // bytes of an error as JSON
#define TARGET_MEMORY ((size_t)256 << 10)
#define WAIT_BEYOND_MS 4000 // for somebody else's look, beyond its time

struct vantage {
    // Of them, what is no text or list, for those go with a reload; and others, which are copied.
    struct vantage_settings settings;
    struct arena arena;
    struct slice keys[KEYS_MAX];
    size_t key_count;
    struct ticket_memory tickets;
    struct client_table *clients, *everybody; // apart: clients must not make the total forgotten
    uint64_t seed;
    struct helpers helpers;
    bool has_helpers;
    struct vantage_results *results;
    struct observer *observer;
};

// --- Begin and end ---

static bool is_key(struct slice key)
{
    return key.size >= TICKET_KEY_MIN && key.size <= 256;
}

static enum error add_key(struct vantage *vantage, struct slice key)
{
    if (!is_key(key))
        return ERROR_INVALID;
    if (vantage->key_count == KEYS_MAX)
        return ERROR_LIMIT;
    struct slice copy = arena_copy(&vantage->arena, key);
    if (copy.data == NULL)
        return ERROR_MEMORY;
    vantage->keys[vantage->key_count++] = copy;
    return ERROR_NONE;
}

static enum error read_key_file(struct vantage *vantage, const char *path)
{
    char *data = arena_alloc(&vantage->arena, KEY_FILE_MAX);
    if (data == NULL)
        return ERROR_MEMORY;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t size = file < 0 ? -1 : read(file, data, KEY_FILE_MAX);
    enum error error = size < 0 ? error_from_errno(errno) : ERROR_NONE;
    if (file >= 0)
        close(file);
    struct slice rest = slice_of(data, size < 0 ? 0 : (size_t)size);
    while (error == ERROR_NONE && rest.size > 0) {
        struct slice line = slice_trim(slice_cut(&rest, '\n'));
        if (line.size > 0 && line.data[0] != '#')
            error = add_key(vantage, line);
    }
    return error;
}

static enum error read_keys(struct vantage *vantage, struct text *why)
{
    const struct vantage_settings *settings = &vantage->settings;
    const struct slice *keys = settings->keys.items;
    enum error error = ERROR_NONE;
    for (size_t i = 0; i < settings->keys.count && error == ERROR_NONE; i++)
        error = add_key(vantage, keys[i]);
    if (error == ERROR_NONE && settings->key_file.size > 0) {
        error = read_key_file(vantage, settings->key_file.data);
        if (error != ERROR_NONE)
            text_format(why, "%.*s: %s", SLICE_ARGS(settings->key_file),
                error == ERROR_INVALID ? "a key has at least 16 bytes and at most 256"
                                       : error_text(error));
    }
    return error;
}

static enum error copy_others(struct vantage *vantage)
{
    struct setting_list *list = &vantage->settings.others;
    const struct vantage_other *items = list->items;
    struct vantage_other *copies =
        arena_alloc(&vantage->arena, (list->count + 1) * sizeof(*copies));
    for (size_t i = 0; copies != NULL && i < list->count; i++) {
        copies[i] = (struct vantage_other){.name = arena_copy(&vantage->arena, items[i].name),
            .url = arena_copy(&vantage->arena, items[i].url),
            .key = arena_copy(&vantage->arena, items[i].key)};
        if (copies[i].name.data == NULL || copies[i].url.data == NULL || copies[i].key.data == NULL)
            return ERROR_MEMORY;
    }
    list->items = copies;
    return copies == NULL ? ERROR_MEMORY : ERROR_NONE;
}

static enum error start(struct vantage *vantage, struct slice edge_name, struct text *why)
{
    const struct vantage_settings *settings = &vantage->settings;
    struct slice name = settings->name.size > 0 ? settings->name : edge_name;
    enum error error = read_keys(vantage, why);
    if (error == ERROR_NONE)
        error = copy_others(vantage);
    if (error == ERROR_NONE)
        error = observer_create(settings, name, why, &vantage->observer);
    if (error != ERROR_NONE)
        return error;
    vantage->clients = client_table_create(CLIENTS_REMEMBERED);
    vantage->everybody = client_table_create(64);
    vantage->results = vantage_results_create((unsigned)settings->looks, settings->keep_ms);
    if (vantage->clients == NULL || vantage->everybody == NULL || vantage->results == NULL)
        return ERROR_MEMORY;
    error = helpers_start(&vantage->helpers, (unsigned)settings->looks + 1); // see vantage_run
    vantage->has_helpers = error == ERROR_NONE;
    return error;
}

enum error vantage_create(const struct vantage_settings *settings, struct slice edge_name,
    uint64_t seed, struct text *why, struct vantage **ret_vantage)
{
    struct vantage *vantage = memory_zero_alloc(sizeof(*vantage));
    if (vantage == NULL)
        return ERROR_MEMORY;
    vantage->settings = *settings;
    vantage->seed = seed;
    arena_init(&vantage->arena, 4096, (size_t)1 << 20);
    ticket_memory_init(&vantage->tickets);
    enum error error = start(vantage, edge_name, why);
    if (error == ERROR_NONE)
        *ret_vantage = vantage;
    else
        vantage_destroy(vantage);
    return error;
}

void vantage_destroy(struct vantage *vantage)
{
    if (vantage == NULL)
        return;
    if (vantage->has_helpers)
        helpers_stop(&vantage->helpers);
    vantage_results_destroy(vantage->results);
    observer_destroy(vantage->observer);
    client_table_destroy(vantage->clients);
    client_table_destroy(vantage->everybody);
    ticket_memory_destroy(&vantage->tickets);
    arena_free(&vantage->arena);
    memory_free(vantage);
}

// --- Answers ---

static void answer(struct edge_page *page, unsigned status, struct slice content,
    enum ledger_count count)
{
    *page = (struct edge_page){.status = status, .content_type = SLICE("application/json"),
        .content = content, .count = count};
}

// {"error": why}
static void append_error(struct text *text, struct slice why)
{
    text_append(text, SLICE("{\"error\":\""));
    text_append_json(text, slice_of(why.data, MINIMUM(why.size, 256)));
    text_append(text, SLICE("\"}\n"));
}

static void refuse(struct edge_page *page, struct arena *arena, unsigned status, struct slice why,
    enum ledger_count count)
{
    char buffer[ERROR_MAX];
    struct text text = text_in(buffer, sizeof(buffer));
    append_error(&text, why);
    struct slice content = arena_copy(arena, text_slice(&text));
    answer(page, status, content.data == NULL ? SLICE("{}\n") : content, count);
}

static void put_off(struct edge_page *page, struct arena *arena, unsigned status,
    uint64_t seconds, struct slice why)
{
    refuse(page, arena, status, why, LEDGER_VANTAGE_LIMITED);
    page->fields = arena_printf(arena, "Retry-After: %llu\r\n", (unsigned long long)seconds);
    if (page->fields.data == NULL)
        page->fields = SLICE("");
}

// --- What is asked ---

bool vantage_read_url(struct slice query, bool is_form, struct arena *arena, struct slice *ret_url)
{
    char *buffer = arena_alloc(arena, VANTAGE_URL_MAX);
    struct text text = text_in(buffer, buffer == NULL ? 0 : VANTAGE_URL_MAX);
    *ret_url = SLICE_EMPTY;
    struct slice value = form_find(query, SLICE("url"));
    if (value.size > 0) {
        if (!form_decode(value, is_form, &text))
            return false;
        *ret_url = text_slice(&text);
    }
    return true;
}

// --- Who asks ---

static bool is_within(struct client_table *table, uint64_t key, const struct vantage_rate *rate,
    uint64_t now_ns, uint64_t *ret_wait_ns)
{
    const struct client_rate bucket = {rate->requests, rate->interval_ms * NS_PER_MS, rate->burst};
    return client_table_take(table, key, &bucket, now_ns, ret_wait_ns);
}

bool vantage_admits(struct vantage *vantage, const struct address *client, uint64_t now_ns,
    uint64_t *ret_wait_ns)
{
    const struct vantage_settings *settings = &vantage->settings;
    struct network network;
    if (network_of_client(client, &network)) { // else it has no address to be counted by
        uint64_t key = hash_bytes(
            slice_of((const char *)network.bytes, sizeof(network.bytes)), vantage->seed);
        if (!is_within(vantage->clients, key, &settings->per_client, now_ns, ret_wait_ns))
            return false;
    }
    return is_within(vantage->everybody, 1, &settings->total, now_ns, ret_wait_ns);
}

static struct slice ticket_complaint(enum error error)
{
    switch ((int)error) {
    case ERROR_INVALID: return SLICE("that is no ticket, or it lasts too long");
    case ERROR_TIMEOUT: return SLICE("the ticket has expired; are both clocks right?");
    case ERROR_BUSY: return SLICE("the ticket was used before");
    case ERROR_LIMIT: return SLICE("too many tickets");
    }
    return SLICE("the ticket is not signed for this, or with another key");
}

// By ticket, or within the rates. False: refused.
static bool admit(struct vantage *vantage, struct task *task,
    const struct edge_page_request *request, struct slice url, struct edge_page *page)
{
    const struct http_field *ticket = http_fields_find_text(request->fields,
        SLICE("afloat-ticket"));
    uint64_t wait_ns = 0;
    if (ticket != NULL) {
        const struct ticket_subject subject = {SLICE("GET"), request->path, url};
        enum error error = ticket_check(ticket->value, vantage->keys, vantage->key_count, &subject,
            task_loop(task)->wall_ms / 1000, &vantage->tickets);
        if (error != ERROR_NONE)
            refuse(page, request->arena, 403, ticket_complaint(error), LEDGER_VANTAGE_REFUSED);
        return error == ERROR_NONE;
    }
    if (vantage_admits(vantage, &request->client, task_now_ns(task), &wait_ns))
        return true;
    put_off(page, request->arena, 429, wait_ns / (1000 * NS_PER_MS) + 1,
        SLICE("this vantage is asked too often"));
    return false;
}

// --- Looking ---

struct look_work {
    struct vantage *vantage;
    struct slice url;
    bool is_for_page;
    struct vantage_result result;
};

static struct vantage_result refusal(unsigned status, struct slice why)
{
    char *content = memory_alloc(ERROR_MAX);
    struct text text = text_in(content, content == NULL ? 0 : ERROR_MAX);
    append_error(&text, why);
    return content == NULL ? (struct vantage_result){0}
                           : (struct vantage_result){status, content, text.size};
}

static void look_at(struct look_work *look, const struct target *target)
{
    struct observer *observer = look->vantage->observer;
    enum error error = ERROR_DENIED;
    if (look->is_for_page)
        error = check_look(observer, &look->vantage->settings, target, &look->result.content,
            &look->result.size);
    else if (observer_may_look(observer, target))
        error = observer_look(observer, target, &look->result.content, &look->result.size);
    if (error == ERROR_NONE)
        look->result.status = 200;
    else if (error == ERROR_DENIED)
        look->result = refusal(403, SLICE("a vantage may not connect to that address or port"));
}

// On a helper thread: names in other scripts take more of a stack than a task has.
static void look_on_thread(void *argument)
{
    struct look_work *look = argument;
    char buffer[256];
    struct text why = text_in(buffer, sizeof(buffer));
    struct arena arena;
    struct target target;
    arena_init(&arena, 4096, TARGET_MEMORY);
    enum error error = target_parse(look->url, &arena, &why, &target);
    if (error == ERROR_NONE)
        look_at(look, &target);
    else if (error == ERROR_INVALID)
        look->result = refusal(400, text_slice(&why));
    arena_free(&arena);
}

static bool take_look(struct task *task, struct vantage *vantage, struct look_work look,
    unsigned place, struct arena *arena, struct vantage_result *ret_result)
{
    struct slice copy = SLICE_EMPTY;
    enum error error = helpers_run(task, &vantage->helpers, look_on_thread, &look);
    if (error == ERROR_NONE && look.result.status != 0)
        copy = arena_copy(arena, slice_of(look.result.content, look.result.size));
    *ret_result = (struct vantage_result){look.result.status, (char *)(uintptr_t)copy.data,
        copy.size};
    vantage_results_finish(vantage->results, place, look.result, task_now_ns(task));
    return copy.data != NULL;
}

// What a result is found by: the two kinds tell different things. data NULL: no memory.
static struct slice name_of(struct slice url, bool is_for_page, struct arena *arena)
{
    char *buffer = arena_alloc(arena, url.size + 1);
    struct text name = text_in(buffer, buffer == NULL ? 0 : url.size + 1);
    text_append_byte(&name, is_for_page ? 'p' : 'l');
    text_append(&name, url);
    return name.full ? SLICE_EMPTY : text_slice(&name);
}

bool vantage_look(struct task *task, struct vantage *vantage, struct slice url, bool is_for_page,
    struct arena *arena, struct vantage_result *ret_result, enum ledger_count *ret_count)
{
    unsigned place = 0;
    uint64_t deadline_ns = deadline_after_ms(task_loop(task),
        vantage->settings.timeout_ms + WAIT_BEYOND_MS);
    struct slice name = name_of(url, is_for_page, arena);
    const struct look_work look = {.vantage = vantage, .url = url, .is_for_page = is_for_page};
    enum vantage_turn turn = name.data == NULL ? VANTAGE_TURN_BUSY
        : vantage_results_take(task, vantage->results, name, deadline_ns, arena, &place,
            ret_result);
    bool is_answered = turn == VANTAGE_TURN_DONE;
    if (turn == VANTAGE_TURN_LOOK)
        is_answered = take_look(task, vantage, look, place, arena, ret_result);
    *ret_count = !is_answered        ? LEDGER_VANTAGE_LIMITED
        : ret_result->status != 200  ? LEDGER_VANTAGE_REFUSED
        : turn == VANTAGE_TURN_LOOK  ? LEDGER_VANTAGE_LOOKS
                                     : LEDGER_VANTAGE_SHARED;
    return is_answered;
}

const struct vantage_settings *vantage_settings_of(const struct vantage *vantage)
{
    return &vantage->settings;
}

enum error vantage_run(struct task *task, struct vantage *vantage, void (*work)(void *argument),
    void *argument)
{
    return helpers_run(task, &vantage->helpers, work, argument);
}

static void look_and_answer(struct task *task, struct vantage *vantage,
    const struct edge_page_request *request, struct slice url, struct edge_page *page)
{
    struct vantage_result result = {0};
    enum ledger_count count;
    if (vantage_look(task, vantage, url, false, request->arena, &result, &count))
        answer(page, result.status, slice_of(result.content, result.size), count);
    else
        put_off(page, request->arena, 503, VANTAGE_BUSY_SECONDS, SLICE("this vantage is busy"));
}

bool vantage_serve_page(struct task *task, void *context, const struct edge_page_request *request,
    struct edge_page *ret_page)
{
    struct vantage *vantage = context;
    struct arena *arena = request->arena;
    if (slice_equal(request->name, SLICE("check"))) {
        check_serve(task, vantage, request, ret_page);
        return true;
    }
    if (!slice_equal(request->name, SLICE("look")))
        return false;
    struct slice url;
    bool is_read = vantage_read_url(request->query, false, arena, &url);
    if (request->method != HTTP_METHOD_GET) {
        refuse(ret_page, arena, 405, SLICE("expected GET"), LEDGER_VANTAGE_REFUSED);
        ret_page->fields = SLICE("Allow: GET\r\n");
    } else if (!is_read || url.data == NULL) {
        refuse(ret_page, arena, 400, SLICE("look at what? expected ?url=https%3A%2F%2Fexample.org"),
            LEDGER_VANTAGE_REFUSED);
    } else if (admit(vantage, task, request, url, ret_page)) {
        look_and_answer(task, vantage, request, url, ret_page);
    }
    return true;
}
