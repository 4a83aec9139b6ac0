// Which page a visit is for, and how it is come by: from the shelf, or written by one of the room's
// own threads. Loops only look, copy, and park.
#include "base/hash.h"
#include "base/memory.h"
#include "http/cache_control.h"
#include "watch/page/shelf.h"
#include "watch/page/writer.h"

#define MONTHS_BACK 24
#define OLDEST_MS 5000 // what is shown while too many are waiting
#define TOKEN_MAX 512
#define TOKEN_MARK '\x01' // stands in a page on the shelf where each visitor's token goes
#define FIELDS_MAX 1200
#define LOGO_CACHE "max-age=86400" // its address on the page changes with it
#define CHANGES_BYTES ((size_t)256 << 10)

// Asked for by one visitor; read and written by the thread that helps him.
struct order {
    struct status_shelf *shelf;
    struct status_page page;
    struct database *database;
    struct slice component_id;
    char key[SHELF_KEY_MAX];
    size_t key_size;
    uint64_t stamp;
    struct shelf_page *written; // NULL: out of memory
};

// --- Answers ---

static struct slice or_empty(struct slice slice)
{
    return slice.data == NULL ? SLICE("") : slice;
}

static struct slice fields_of(const struct visit *visit, const char *further)
{
    return or_empty(arena_printf(visit->request->arena, "Content-Language: %.*s\r\n"
        "Vary: Accept-Language\r\nReferrer-Policy: same-origin\r\n%s",
        SLICE_ARGS(visit->language), further));
}

void status_page_answer(const struct visit *visit, unsigned status, struct slice title,
    struct slice message, const char *fields, struct edge_page *ret_page)
{
    char buffer[FIELDS_MAX];
    struct text policy = text_in(buffer, sizeof(buffer));
    status_page_security_policy(visit->snapshot, &policy);
    struct slice content = status_page_message(visit->request->arena, visit,
        title, message);
    *ret_page = (struct edge_page){.status = content.data == NULL ? 503 : status,
        .content_type = SLICE(STATUS_PAGE_TYPE), .content = or_empty(content),
        .fields = fields_of(visit, fields),
        .policy = or_empty(arena_copy(visit->request->arena, text_slice(&policy)))};
}

static void answer_not_found(const struct visit *visit, struct edge_page *page)
{
    status_page_answer(visit, 404, SLICE("not_found_title"), SLICE("not_found_text"), "", page);
}

static void answer_busy(const struct visit *visit, struct edge_page *page)
{
    status_page_answer(visit, 503, SLICE("busy_title"), SLICE("busy_text"), "Retry-After: 5\r\n",
        page);
}

// The page, with the token where the mark is. data NULL: the arena is full.
static struct slice with_token(struct arena *arena, const struct shelf_page *written,
    struct slice token)
{
    struct slice rest = slice_of(written->html, written->size);
    size_t marks = 0;
    for (size_t i = 0; i < rest.size; i++)
        marks += rest.data[i] == TOKEN_MARK;
    if (marks == 0)
        return arena_copy(arena, rest);
    size_t capacity = rest.size + marks * token.size;
    char *buffer = arena_alloc(arena, capacity);
    if (buffer == NULL)
        return SLICE_EMPTY;
    struct text text = text_in(buffer, capacity);
    while (rest.data != NULL) {
        text_append(&text, slice_cut(&rest, TOKEN_MARK));
        if (rest.data != NULL)
            text_append(&text, token);
    }
    return text_slice(&text);
}

// --- Writing, in a thread of the room ---

// The points up to now: those of whole days, without what lies before and what is to come. NULL:
// there are none.
static struct chronicle_point *read_points(const struct order *order)
{
    size_t days = order->page.point_days, count = days * CHRONICLE_POINTS;
    int64_t now = order->page.now_ms / CHRONICLE_POINT_MS;
    int32_t today = (int32_t)(now / CHRONICLE_POINTS);
    size_t past = CHRONICLE_POINTS - 1 - (size_t)(now % CHRONICLE_POINTS); // still to come today
    struct chronicle_point *points = memory_alloc((days + 1) * CHRONICLE_POINTS * sizeof(*points));
    bool is_any = false;
    if (points == NULL)
        return NULL;
    for (size_t i = 0; i <= days; i++) {
        struct chronicle_point *day = &points[i * CHRONICLE_POINTS];
        if (chronicle_read_points(order->database, order->component_id,
                today - (int32_t)(days - i), day) == ERROR_NONE)
            is_any = true;
        else
            memset(day, 0xFF, CHRONICLE_POINTS * sizeof(*day)); // nothing known
    }
    if (!is_any) {
        memory_free(points);
        return NULL;
    }
    memmove(points, &points[CHRONICLE_POINTS - past], count * sizeof(*points));
    return points;
}

static void read_changes(struct order *order, struct arena *arena)
{
    struct change *changes;
    size_t count;
    if (changes_read(order->database, order->component_id, order->page.now_ms,
            STATUS_PAGE_CHANGES, arena, &changes, &count) != ERROR_NONE)
        return;
    order->page.changes = changes;
    order->page.change_count = count;
}

static void write_now(struct order *order)
{
    char *html, buffer[FIELDS_MAX];
    size_t size;
    struct text policy = text_in(buffer, sizeof(buffer));
    struct chronicle_point *points = NULL;
    struct arena arena;
    arena_init(&arena, 4096, CHANGES_BYTES);
    if (order->page.kind == STATUS_PAGE_COMPONENT && order->database != NULL) {
        points = read_points(order);
        read_changes(order, &arena);
    }
    order->page.points = points;
    if (status_page_write(&order->page, &html, &size) == ERROR_NONE) {
        status_page_security_policy(order->page.snapshot, &policy);
        order->written = shelf_page_create(slice_of(html, size), text_slice(&policy),
            order->page.now_ms);
        memory_free(html);
    }
    order->page.points = NULL;
    order->page.changes = NULL;
    memory_free(points);
    arena_free(&arena);
    if (order->written != NULL)
        shelf_put(order->shelf, slice_of(order->key, order->key_size), order->stamp,
            order->written);
}

// Whoever comes while another writes this page waits for him and takes his.
static void work(void *argument)
{
    struct order *order = argument;
    lock_acquire(&order->shelf->writing);
    order->written = shelf_find(order->shelf, slice_of(order->key, order->key_size), order->stamp,
        false);
    if (order->written == NULL)
        write_now(order);
    lock_release(&order->shelf->writing);
}

// --- Which page ---

static bool read_number(const struct visit *visit, struct slice name, uint64_t fallback,
    uint64_t most, uint64_t *ret_number)
{
    struct slice value = SLICE_EMPTY;
    if (visit->request->query.data != NULL)
        value = visit_form_value(visit, visit->request->query, name);
    *ret_number = fallback;
    return value.data == NULL || slice_parse_u64(value, most, ret_number);
}

static bool find_component(const struct snapshot *snapshot, struct slice id, uint32_t *ret_number)
{
    for (size_t i = 0; i < snapshot->component_count; i++) {
        if (slice_equal(snapshot->components[i].id, id)) {
            *ret_number = (uint32_t)i;
            return true;
        }
    }
    return false;
}

// False: there is no such page.
static bool choose(const struct visit *visit, struct order *order)
{
    struct status_page *page = &order->page;
    struct slice id = visit->name;
    uint64_t number = 0;
    bool is_there = false;
    slice_cut(&id, '/');
    if (visit->name.size == 0) {
        page->kind = STATUS_PAGE_MAIN;
        is_there = read_number(visit, SLICE("page"), 1, component_pages(visit->snapshot), &number)
            && number > 0;
    } else if (slice_equal(visit->name, SLICE("history"))) {
        page->kind = STATUS_PAGE_HISTORY;
        is_there = read_number(visit, SLICE("month"), 0, MONTHS_BACK, &number);
    } else if (slice_starts_with(visit->name, SLICE("incident/"))) {
        page->kind = STATUS_PAGE_INCIDENT;
        page->incident = snapshot_find_incident(visit->snapshot, id);
        is_there = page->incident != NULL;
    } else {
        page->kind = STATUS_PAGE_COMPONENT;
        is_there = find_component(visit->snapshot, id, &page->component)
            && read_number(visit, SLICE("days"), 1, SNAPSHOT_DAYS, &number)
            && (number == 1 || number == 7 || number == SNAPSHOT_DAYS);
        page->point_days = (size_t)number;
        order->component_id = id;
    }
    page->number = (unsigned)number;
    return is_there;
}

static bool is_plain(struct slice token)
{
    for (size_t i = 0; i < token.size; i++) {
        char byte = token.data[i];
        if (byte <= ' ' || byte >= 0x7F || byte == '"' || byte == '&' || byte == '<'
            || byte == '>')
            return false;
    }
    return true;
}

// Empty: there is no form on this page.
static struct slice token_for(const struct visit *visit, const struct status_page_offers *offers,
    const struct status_page *page, char buffer[TOKEN_MAX])
{
    struct text token = text_in(buffer, TOKEN_MAX);
    struct slice component = SLICE("");
    if (offers->write_token == NULL)
        return SLICE_EMPTY;
    if (page->kind == STATUS_PAGE_COMPONENT)
        component = visit->snapshot->components[page->component].id;
    else if (page->kind != STATUS_PAGE_MAIN)
        return SLICE_EMPTY;
    else if (visit->snapshot->component_count == 1)
        component = visit->snapshot->components[0].id;
    offers->write_token(offers->context, component, visit->now_ms, &token);
    return token.full || !is_plain(text_slice(&token)) ? SLICE_EMPTY : text_slice(&token);
}

// All that makes one page differ from another of the same moment. A snapshot may be of one site
// alone: its components say which it is.
static bool write_key(struct order *order)
{
    const struct status_page *page = &order->page;
    const struct snapshot *snapshot = page->snapshot;
    struct text key = text_in(order->key, sizeof(order->key));
    uint64_t who = snapshot->component_count;
    if (snapshot->component_count > 0) {
        who = hash_bytes(snapshot->components[0].id, who);
        who = hash_bytes(snapshot->components[snapshot->component_count - 1].id, who);
    }
    text_format(&key, "%u %u %u %zu %d%d%d%d%d ", (unsigned)page->kind, page->number,
        page->component, page->point_days, page->keeps_language, page->reports, page->subscribe,
        page->operators, page->report_token.size > 0);
    text_append_hex(&key, who, 16);
    text_format(&key, " %zu ", snapshot->incident_count);
    text_append(&key, page->language);
    text_append_byte(&key, ' ');
    if (page->incident != NULL)
        text_append(&key, page->incident->id);
    text_append_byte(&key, ' ');
    text_append(&key, page->base);
    text_append_byte(&key, ' ');
    text_append(&key, page->home);
    order->key_size = key.size;
    uint64_t moment[] = {snapshot->version, (uint64_t)(snapshot->made_ms / 1000),
        (uint64_t)(page->now_ms / 1000)};
    order->stamp = hash_bytes(slice_of((const char *)moment, sizeof(moment)), 0);
    return !key.full;
}

// Where a brand has no logo: a boat, so that browsers find an icon at least.
static struct brand brand_of(const struct visit *visit)
{
    struct brand brand = visit->snapshot->brand;
    if (brand.logo.size == 0) {
        brand.logo_type = SLICE("image/svg+xml");
        brand.logo = SLICE("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 64 64\" "
            "fill=\"none\" stroke=\"#0b7f76\" stroke-width=\"4\" stroke-linecap=\"round\" "
            "stroke-linejoin=\"round\"><path d=\"M32 7v29M32 9c9 6 14 13 16 22H32M27 15c-6 4-10 10"
            "-11 16h11M10 38h44l-6 9H17zM2 57c5-4 10-4 15 0s10 4 15 0 10-4 15 0 10 4 15 0\"/>"
            "</svg>");
        brand.logo_hash = 0;
    }
    return brand;
}

static void serve_logo(const struct visit *visit, struct edge_page *page)
{
    struct brand whose = brand_of(visit);
    const struct brand *brand = &whose;
    struct arena *arena = visit->request->arena;
    char tag[24];
    struct text etag = text_in(tag, sizeof(tag));
    text_append_byte(&etag, '"');
    text_append_hex(&etag, brand->logo_hash, 16);
    text_append_byte(&etag, '"');
    bool is_known = http_etag_list_matches(http_fields_value(visit->request->fields,
        HTTP_NAME_IF_NONE_MATCH), text_slice(&etag), false);
    struct slice type = arena_copy(arena, brand->logo_type);
    struct slice content = is_known ? SLICE("") : arena_copy(arena, brand->logo);
    struct slice fields = arena_printf(arena, "ETag: %.*s\r\nContent-Security-Policy: "
        "default-src 'none'; style-src 'unsafe-inline'; sandbox\r\n",
        SLICE_ARGS(text_slice(&etag)));
    bool is_whole = type.data != NULL && content.data != NULL && fields.data != NULL;
    *page = (struct edge_page){.status = !is_whole ? 503 : is_known ? 304 : 200,
        .content_type = is_whole ? type : SLICE("text/plain"),
        .content = is_whole ? content : SLICE(""), .fields = or_empty(fields),
        .cache = is_whole ? SLICE(LOGO_CACHE) : SLICE_EMPTY};
}

static bool is_ours(struct slice name)
{
    return name.size == 0 || slice_equal(name, SLICE("status"))
        || slice_equal(name, SLICE("history")) || slice_equal(name, SLICE("logo"))
        || slice_starts_with(name, SLICE("incident/"))
        || slice_starts_with(name, SLICE("component/"));
}

static void serve_order(struct task *task, const struct visit *visit, struct order *order,
    struct slice token, struct edge_page *page)
{
    struct slice key = slice_of(order->key, order->key_size);
    order->written = shelf_find(order->shelf, key, order->stamp, false);
    if (order->written == NULL && visit_run(task, visit, work, order) != ERROR_NONE)
        order->written = shelf_find(order->shelf, key, order->stamp, true); // better than none
    struct shelf_page *written = order->written;
    // But not so old that what it says of its age would mislead.
    if (written == NULL || written->made_ms < visit->now_ms - OLDEST_MS) {
        shelf_page_release(written);
        answer_busy(visit, page);
        return;
    }
    struct slice content = with_token(visit->request->arena, written, token);
    *page = (struct edge_page){.status = content.data == NULL ? 503 : 200,
        .content_type = SLICE(STATUS_PAGE_TYPE), .content = or_empty(content),
        .fields = fields_of(visit, ""), .policy = or_empty(arena_copy(visit->request->arena,
            slice_of(written->policy, written->policy_size)))};
    shelf_page_release(written);
}

bool status_page_serve(struct task *task, struct status_shelf *shelf, const struct visit *visit,
    const struct status_page_offers *offers, struct edge_page *ret_page)
{
    char buffer[TOKEN_MAX];
    enum http_method method = visit->request->method;
    struct slice mark = SLICE("\x01");
    if (!is_ours(visit->name))
        return false;
    if (method != HTTP_METHOD_GET && method != HTTP_METHOD_HEAD) {
        status_page_answer(visit, 405, SLICE("method_title"), SLICE("method_text"),
            "Allow: GET, HEAD\r\n", ret_page);
        return true;
    }
    if (slice_equal(visit->name, SLICE("logo"))) {
        serve_logo(visit, ret_page);
        return true;
    }
    struct visit plain = *visit;
    if (slice_equal(visit->name, SLICE("status")))
        plain.name = SLICE("");
    struct order *order = arena_zero_alloc(visit->request->arena, sizeof(*order));
    if (order == NULL) {
        answer_busy(visit, ret_page);
        return true;
    }
    order->shelf = shelf;
    order->database = offers->database;
    order->page = (struct status_page){.snapshot = visit->snapshot, .base = visit->base,
        .home = visit->home, .language = visit->language, .now_ms = visit->now_ms,
        .moment = visit->moment, .reports = offers->reports, .subscribe = offers->subscribe,
        .operators = offers->operators};
    if (visit->request->query.data != NULL)
        order->page.keeps_language = slice_equal(visit->language,
            visit_form_value(visit, visit->request->query, SLICE("lang")));
    if (!choose(&plain, order)) {
        answer_not_found(visit, ret_page);
        return true;
    }
    struct slice token = token_for(visit, offers, &order->page, buffer);
    if (token.size > 0)
        order->page.report_token = mark;
    if (write_key(order))
        serve_order(task, visit, order, token, ret_page);
    else
        answer_busy(visit, ret_page);
    return true;
}
