// Which document is asked for, and where it is written: in one of the room's threads, into memory
// that grows until it fits.
#include "watch/machine/machine_inside.h"
#include "base/memory.h"
#include "base/units.h"
#include "watch/page/words.h"
#include "watch/world.h"

#define FIRST_SIZE ((size_t)16 << 10)
#define LAST_SIZE ((size_t)16 << 20)
#define CHANGES_BYTES ((size_t)4 << 20) // in memory

enum document {
    DOCUMENT_API,
    DOCUMENT_ATOM,
    DOCUMENT_CALENDAR,
    DOCUMENT_BADGE,
    DOCUMENT_EVENTS_JSON,
    DOCUMENT_EVENTS_CSV,
    DOCUMENT_METRICS,
};

struct work {
    enum document document;
    enum api_v2_document api;
    enum badge_kind badge;
    uint32_t component;
    struct machine_view view;
    struct database *database; // of events; NULL: there are none
    int64_t now_ms;
    struct change *changes;
    size_t change_count;
    char *content; // NULL: no memory for it
    size_t size;
};

struct slice machine_update_text(const struct incident_view *incident, size_t which)
{
    const struct incident_update *update = &incident->updates[which];
    bool is_first = which + 1 == incident->update_count;
    bool is_own = update->author.size == 0 && update->text.size == 0;
    return is_own
        ? word_text(LANGUAGE_ENGLISH, word_of_update(update->state, update->text, is_first))
        : update->text;
}

// --- Moments ---

void machine_append_time(struct text *text, int64_t wall_ms)
{
    char buffer[32];
    struct text moment = text_in(buffer, sizeof(buffer));
    units_format_time(&moment, wall_ms);
    if (moment.size == 0) // no year of four digits
        units_format_time(&moment, wall_ms = 0);
    text_append(text, slice_of(buffer, moment.size - 1));
    text_format(text, ".%03dZ", (int)((wall_ms % 1000 + 1000) % 1000));
}

void machine_append_compact_time(struct text *text, int64_t wall_ms)
{
    char buffer[32];
    struct text moment = text_in(buffer, sizeof(buffer));
    units_format_time(&moment, wall_ms);
    for (size_t i = 0; i < moment.size; i++) {
        if (buffer[i] != '-' && buffer[i] != ':')
            text_append_byte(text, buffer[i]);
    }
}

int64_t machine_incident_updated_ms(const struct incident_view *incident)
{
    int64_t updated_ms = MAXIMUM(incident->started_ms, incident->resolved_ms);
    for (size_t i = 0; i < incident->update_count; i++)
        updated_ms = MAXIMUM(updated_ms, incident->updates[i].at_ms);
    return updated_ms;
}

// Whoever announces it late does so after it has begun.
int64_t machine_window_updated_ms(const struct window_view *window)
{
    switch (window->state) {
    case WINDOW_SCHEDULED: return window->announced_ms;
    case WINDOW_IN_PROGRESS: return MAXIMUM(window->begin_ms, window->announced_ms);
    case WINDOW_COMPLETED: break;
    }
    return MAXIMUM(window->end_ms, window->announced_ms);
}

// --- Writing ---

static void write_document(struct text *text, const struct work *work)
{
    switch (work->document) {
    case DOCUMENT_API: api_v2_write(text, &work->view, work->api); break;
    case DOCUMENT_ATOM: atom_write(text, &work->view); break;
    case DOCUMENT_CALENDAR: calendar_write(text, &work->view); break;
    case DOCUMENT_BADGE: badge_write(text, &work->view, work->component, work->badge); break;
    case DOCUMENT_EVENTS_JSON:
        events_write_json(text, &work->view.snapshot->components[work->component], work->changes,
            work->change_count);
        break;
    case DOCUMENT_EVENTS_CSV:
        events_write_csv(text, work->changes, work->change_count);
        break;
    case DOCUMENT_METRICS: metrics_write(text, work->view.snapshot); break;
    }
}

static void write_all(void *argument)
{
    struct work *work = argument;
    for (size_t capacity = FIRST_SIZE; capacity <= LAST_SIZE; capacity *= 4) {
        char *buffer = memory_alloc(capacity);
        if (buffer == NULL)
            return;
        struct text text = text_in(buffer, capacity);
        write_document(&text, work);
        if (!text.full) {
            work->content = buffer;
            work->size = text.size;
            return;
        }
        memory_free(buffer);
    }
}

static void write_events(void *argument)
{
    struct work *work = argument;
    struct slice id = work->view.snapshot->components[work->component].id;
    struct arena arena;
    arena_init(&arena, 16384, CHANGES_BYTES);
    enum error error = work->database == NULL ? ERROR_NONE
        : changes_read(work->database, id, work->now_ms, CHANGES_MAX, &arena, &work->changes,
            &work->change_count);
    if (error == ERROR_NONE)
        write_all(work);
    arena_free(&arena);
}

enum error machine_write_metrics(const struct snapshot *snapshot, char **ret_text,
    size_t *ret_size)
{
    struct work work = {.document = DOCUMENT_METRICS, .view = {.snapshot = snapshot}};
    write_all(&work);
    if (work.content == NULL)
        return ERROR_MEMORY;
    *ret_text = work.content;
    *ret_size = work.size;
    return ERROR_NONE;
}

// --- Which one ---

static bool find_component(const struct visit *visit, struct slice id, struct work *work)
{
    for (size_t i = 0; i < visit->snapshot->component_count; i++) {
        if (slice_equal(visit->snapshot->components[i].id, id)) {
            work->component = (uint32_t)i;
            return true;
        }
    }
    return false;
}

// "component/ID/events.json", "component/ID/events.csv"
static bool find_events(const struct visit *visit, struct work *work)
{
    struct slice id = slice_of(visit->name.data + 10, visit->name.size - 10);
    struct slice ending = SLICE("/events.json");
    work->document = DOCUMENT_EVENTS_JSON;
    if (slice_ends_with(id, SLICE("/events.csv"))) {
        ending = SLICE("/events.csv");
        work->document = DOCUMENT_EVENTS_CSV;
    }
    if (!slice_ends_with(id, ending))
        return false;
    id.size -= ending.size;
    work->now_ms = visit->now_ms;
    work->database = world_database(visit->world);
    return find_component(visit, id, work);
}

// "badge.svg", "badge/ID.svg"
static bool find_badge(const struct visit *visit, struct work *work)
{
    struct slice name = visit->name;
    work->document = DOCUMENT_BADGE;
    work->component = COMPONENT_NONE;
    if (visit->request->query.data != NULL
        && slice_equal(visit_form_value(visit, visit->request->query, SLICE("type")),
            SLICE("uptime")))
        work->badge = BADGE_UPTIME;
    if (slice_equal(name, SLICE("badge.svg")))
        return true;
    if (!slice_starts_with(name, SLICE("badge/")) || !slice_ends_with(name, SLICE(".svg")))
        return false;
    if (name.size < 10)
        return false;
    return find_component(visit, slice_of(name.data + 6, name.size - 10), work);
}

static bool find_document(const struct visit *visit, struct work *work)
{
    struct slice name = visit->name;
    if (slice_equal(name, SLICE("feed.atom"))) {
        work->document = DOCUMENT_ATOM;
        return true;
    }
    if (slice_equal(name, SLICE("calendar.ics"))) {
        work->document = DOCUMENT_CALENDAR;
        return true;
    }
    if (slice_starts_with(name, SLICE("component/")))
        return find_events(visit, work);
    if (!slice_starts_with(name, SLICE("api/v2/")))
        return find_badge(visit, work);
    if (!slice_ends_with(name, SLICE(".json")) || name.size < 12)
        return false;
    work->document = DOCUMENT_API;
    return api_v2_find(slice_of(name.data + 7, name.size - 12), &work->api);
}

static struct slice content_type(enum document document)
{
    switch (document) {
    case DOCUMENT_API:
    case DOCUMENT_EVENTS_JSON: return SLICE("application/json; charset=utf-8");
    case DOCUMENT_ATOM: return SLICE("application/atom+xml; charset=utf-8");
    case DOCUMENT_CALENDAR: return SLICE("text/calendar; charset=utf-8");
    case DOCUMENT_BADGE: return SLICE("image/svg+xml; charset=utf-8");
    case DOCUMENT_EVENTS_CSV: return SLICE("text/csv; charset=utf-8; header=present");
    case DOCUMENT_METRICS: break;
    }
    return SLICE("text/plain; version=0.0.4; charset=utf-8");
}

// Where the outside finds all this: as the settings say, else where it was asked for.
static bool find_addresses(const struct visit *visit, struct machine_view *view)
{
    struct arena *arena = visit->request->arena;
    struct slice url = visit->snapshot->brand.url;
    if (url.size == 0) {
        const char *scheme = visit->request->secure ? "https" : "http";
        struct slice authority = visit->request->authority;
        view->host = visit->request->host;
        view->base = arena_printf(arena, "%s://%.*s%.*s", scheme, SLICE_ARGS(authority),
            SLICE_ARGS(visit->base));
        view->page = arena_printf(arena, "%s://%.*s%.*s", scheme, SLICE_ARGS(authority),
            SLICE_ARGS(visit->home));
    } else {
        struct slice rest = url;
        while (rest.data != NULL && !slice_starts_with(rest, SLICE("//")))
            rest = rest.size == 0 ? SLICE_EMPTY : slice_of(rest.data + 1, rest.size - 1);
        rest = rest.data == NULL ? url : slice_of(rest.data + 2, rest.size - 2);
        rest = slice_cut(&rest, '/');
        view->host = slice_cut(&rest, ':');
        view->page = url;
        bool is_named = slice_ends_with(url, SLICE("/status"));
        view->base = is_named ? slice_of(url.data, url.size - strlen("status"))
            : arena_printf(arena, "%.*s/", SLICE_ARGS(url));
    }
    return view->base.data != NULL && view->page.data != NULL;
}

static void refuse(struct edge_page *page, unsigned status, struct slice fields, struct slice says)
{
    *page = (struct edge_page){.status = status, .content = says, .fields = fields,
        .content_type = SLICE("text/plain; charset=utf-8")};
}

bool machine_serve(struct task *task, const struct visit *visit, struct edge_page *ret_page)
{
    struct work work = {.view = {.snapshot = visit->snapshot}};
    if (!find_document(visit, &work))
        return false;
    enum http_method method = visit->request->method;
    if (method != HTTP_METHOD_GET && method != HTTP_METHOD_HEAD) {
        refuse(ret_page, 405, SLICE("Allow: GET, HEAD\r\n"), SLICE("This can only be read.\n"));
        return true;
    }
    bool is_events =
        work.document == DOCUMENT_EVENTS_JSON || work.document == DOCUMENT_EVENTS_CSV;
    enum error error = find_addresses(visit, &work.view)
        ? visit_run(task, visit, is_events ? write_events : write_all, &work) : ERROR_MEMORY;
    if (error != ERROR_NONE || work.content == NULL) {
        memory_free(work.content);
        refuse(ret_page, 503, SLICE("Retry-After: 10\r\n"), SLICE("Too much at once.\n"));
        return true;
    }
    *ret_page = (struct edge_page){.status = 200, .content_type = content_type(work.document),
        .content = slice_of(work.content, work.size), .more_context = work.content,
        .end = memory_free,
        .fields = SLICE("Access-Control-Allow-Origin: *\r\n"
                        "Content-Security-Policy: default-src 'none'\r\n")};
    return true;
}
