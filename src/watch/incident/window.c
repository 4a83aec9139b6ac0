// The windows there are, and when they come. What a rule says is worked out for a day ahead and
// kept: views are asked for every second.
#include "watch/incident/window.h"
#include "base/memory.h"
#include "watch/incident/window_rule.h"
#include "watch/incident/window_zone.h"

#include <stdlib.h>

#define DAY_MS INT64_C(86400000)
#define FIRST_YEAR 2000
#define LIST_AHEAD (WINDOW_OCCURRENCES_MAX + 36) // a month's are under way at the same time at most
#define LIST_MAX (LIST_AHEAD + WINDOW_OCCURRENCES_MAX)

struct occurrence {
    int64_t begin_ms, end_ms;
};

struct window {
    struct incident_id id;
    struct slice title, text, rule_text, zone_name;
    uint32_t *components;
    size_t component_count;
    struct window_rule rule;
    struct window_zone *zone;       // NULL: UTC; of a set, the set's
    int64_t time_of_day;            // seconds
    int64_t duration_ms, announced_ms;
    // Of that day: all that can be shown on it, and the next one after. INT64_MIN: none yet.
    int64_t list_day;
    size_t count, over; // over: of the last that ended before that day
    struct occurrence list[LIST_MAX];
};

struct zone_entry {
    char name[WINDOW_ZONE_NAME_MAX];
    size_t size;
    struct window_zone *zone;
};

struct windows {
    struct window *items[WINDOWS_MAX];
    size_t count;
    struct zone_entry zones[WINDOWS_MAX]; // of the windows there are
    size_t zone_count;
};

struct windows *windows_create(void)
{
    return memory_zero_alloc(sizeof(struct windows));
}

void windows_destroy(struct windows *windows)
{
    if (windows == NULL)
        return;
    for (size_t i = 0; i < windows->count; i++)
        memory_free(windows->items[i]);
    for (size_t i = 0; i < windows->zone_count; i++)
        window_zone_free(windows->zones[i].zone);
    memory_free(windows);
}

size_t windows_count(const struct windows *windows)
{
    return windows->count;
}

// --- Occurrences ---

static struct occurrence occurrence_of(const struct window *window, int32_t day)
{
    int64_t local = day * INT64_C(86400) + window->time_of_day;
    int64_t begin = window_zone_to_utc(window->zone, local) * 1000;
    return (struct occurrence){begin, begin + window->duration_ms};
}

static bool is_within_until(const struct window *window, int32_t day)
{
    const struct window_rule *rule = &window->rule;
    int64_t local = day * INT64_C(86400) + window->time_of_day;
    switch (rule->until) {
    case WINDOW_UNTIL_NEVER: return true;
    case WINDOW_UNTIL_DAY: return day * INT64_C(86400) <= rule->until_seconds;
    case WINDOW_UNTIL_LOCAL: return local <= rule->until_seconds;
    case WINDOW_UNTIL_UTC: break;
    }
    return window_zone_to_utc(window->zone, local) <= rule->until_seconds;
}

static bool next_occurrence(const struct window *window, struct window_walk *walk,
    struct occurrence *ret_occurrence)
{
    int32_t day;
    if (!window_walk_next(walk, &day) || !is_within_until(window, day))
        return false;
    *ret_occurrence = occurrence_of(window, day);
    return true;
}

static int64_t day_of(int64_t ms)
{
    return ms / DAY_MS - (ms % DAY_MS < 0);
}

static void window_list(struct window *window, int64_t now_ms)
{
    int64_t day = day_of(now_ms), midnight = day * DAY_MS;
    if (window->list_day == day)
        return;
    struct window_walk walk;
    struct occurrence next;
    int64_t from = day - WINDOW_PAST_DAYS - WINDOW_LONGEST_MS / DAY_MS - 2;
    window->count = window->over = 0;
    window->list_day = day;
    window_walk_begin(&walk, &window->rule,
        (int32_t)MINIMUM(MAXIMUM(from, 0), INT32_C(100000)));
    while (window->count < window->over + LIST_AHEAD && next_occurrence(window, &walk, &next)) {
        if (next.end_ms <= midnight && window->over == WINDOW_OCCURRENCES_MAX)
            memmove(window->list, window->list + 1, --window->count * sizeof(next));
        else
            window->over += next.end_ms <= midnight;
        window->list[window->count++] = next;
        if (next.begin_ms > midnight + (WINDOW_AHEAD_DAYS + 1) * DAY_MS)
            break;
    }
}

// --- Adding ---

static enum error refuse(struct text *why, const char *what)
{
    text_append(why, slice_from_string(what));
    return ERROR_INVALID;
}

static bool is_clean(struct slice text, bool lines)
{
    return text_is_utf8(text) && incident_find_control(text, lines) == text.size;
}

static bool take_digits(struct slice text, size_t at, size_t size, uint64_t *ret_number)
{
    return at + size <= text.size && slice_parse_u64(slice_of(text.data + at, size), 9999,
        ret_number);
}

// "2026-12-01 02:00", or with T between.
static enum error parse_begin(struct slice text, struct text *why, int32_t *ret_day,
    int64_t *ret_seconds)
{
    uint64_t year, month, day, hour, minute;
    text = slice_trim(text);
    bool right = text.size == 16 && take_digits(text, 0, 4, &year) && text.data[4] == '-'
        && take_digits(text, 5, 2, &month) && text.data[7] == '-'
        && take_digits(text, 8, 2, &day) && (text.data[10] == ' ' || text.data[10] == 'T')
        && take_digits(text, 11, 2, &hour) && text.data[13] == ':'
        && take_digits(text, 14, 2, &minute);
    if (right && year >= FIRST_YEAR && year <= WINDOW_RULE_LAST_YEAR && month >= 1 && month <= 12
        && day >= 1 && day <= (uint64_t)window_month_days((int)year, (int)month) && hour < 24
        && minute < 60) {
        *ret_day = window_day_of((int)year, (int)month, (int)day);
        *ret_seconds = (int64_t)(hour * 3600 + minute * 60);
        return ERROR_NONE;
    }
    text_append(why, SLICE("begin: "));
    text_append_quoted(why, text);
    text_append(why, right
        ? SLICE(" is no day or time there is (of the years 2000 to 2199)")
        : SLICE(" is no moment; write the zone's local time like 2026-12-01 02:00"));
    return ERROR_INVALID;
}

static enum error check_draft(const struct window_draft *draft, struct text *why)
{
    if (slice_trim(draft->title).size == 0)
        return refuse(why, "title: it is missing; say in a few words what is worked on");
    if (draft->title.size > INCIDENT_TITLE_MAX || !is_clean(draft->title, false))
        return refuse(why, "title: it takes up to 200 bytes of UTF-8, in one line");
    if (draft->text.size > INCIDENT_TEXT_MAX || !is_clean(draft->text, true))
        return refuse(why, "text: it takes up to 4000 bytes of UTF-8 without control characters");
    if (draft->rule.size > WINDOW_RULE_MAX)
        return refuse(why, "rule: it takes up to 500 bytes");
    if (draft->duration_ms < (uint64_t)WINDOW_SHORTEST_MS)
        return refuse(why, "duration: it is less than a minute (1m); write it like 90m or 2h");
    if (draft->duration_ms > (uint64_t)WINDOW_LONGEST_MS)
        return refuse(why, "duration: it is more than 31 days (31d); add a window for each part");
    if (draft->component_count > INCIDENT_COMPONENTS_MAX)
        return refuse(why, "components: there are more than 256; name none to mean all");
    return ERROR_NONE;
}

// Windows of the same zone share it.
static void share_zone(struct windows *windows, struct window *window)
{
    struct slice name = window->zone_name;
    if (window->zone == NULL)
        return;
    for (size_t i = 0; i < windows->zone_count; i++) {
        const struct zone_entry *entry = &windows->zones[i];
        if (slice_equal(slice_of(entry->name, entry->size), name)) {
            window_zone_free(window->zone);
            window->zone = entry->zone;
            return;
        }
    }
    struct zone_entry *entry = &windows->zones[windows->zone_count++]; // see drop_zones
    memcpy(entry->name, name.data, name.size);
    entry->size = name.size;
    entry->zone = window->zone;
}

// Of no window any more: so there are never more of them than windows.
static void drop_zones(struct windows *windows)
{
    for (size_t i = windows->zone_count; i-- > 0;) {
        struct zone_entry *entry = &windows->zones[i];
        bool used = false;
        for (size_t j = 0; j < windows->count; j++)
            used = used || windows->items[j]->zone == entry->zone;
        if (!used) {
            window_zone_free(entry->zone);
            *entry = windows->zones[--windows->zone_count];
        }
    }
}

static struct slice put_text(char **at, struct slice text)
{
    char *copy = *at;
    if (text.size > 0)
        memcpy(copy, text.data, text.size);
    *at += text.size;
    return slice_of(copy, text.size);
}

static struct window *copy_draft(const struct window_draft *draft, struct incident_id id)
{
    struct slice title = slice_trim(draft->title);
    size_t components_size = draft->component_count * sizeof(draft->components[0]);
    struct window *window = memory_zero_alloc(sizeof(*window) + components_size + title.size
        + draft->text.size + draft->rule.size + draft->zone.size);
    if (window == NULL)
        return NULL;
    window->id = id;
    window->components = (uint32_t *)(void *)(window + 1);
    window->component_count = draft->component_count;
    if (components_size > 0)
        memcpy(window->components, draft->components, components_size);
    char *at = (char *)(window + 1) + components_size;
    window->title = put_text(&at, title);
    window->text = put_text(&at, draft->text);
    window->rule_text = put_text(&at, draft->rule);
    window->zone_name = draft->zone.size > 0 ? put_text(&at, draft->zone) : SLICE("UTC");
    window->duration_ms = (int64_t)draft->duration_ms;
    window->announced_ms = draft->announced_ms;
    window->list_day = INT64_MIN;
    return window;
}

static enum error window_parse(struct window *window, const struct window_draft *draft,
    struct text *why)
{
    int32_t day = 0;
    enum error error = parse_begin(draft->begin, why, &day, &window->time_of_day);
    if (error == ERROR_NONE && !slice_equal(window->zone_name, SLICE("UTC")))
        error = window_zone_load(window->zone_name, why, &window->zone);
    window->rule = (struct window_rule){.begin = day};
    if (error == ERROR_NONE && draft->rule.size > 0)
        error = window_rule_parse(draft->rule, day, why, &window->rule);
    if (error != ERROR_NONE)
        return error;
    struct window_walk walk;
    struct occurrence first;
    window_walk_begin(&walk, &window->rule, day);
    if (!next_occurrence(window, &walk, &first))
        return refuse(why, "rule: it never comes true, from the begin to its end or the year 2199");
    return ERROR_NONE;
}

enum error window_create(const struct window_draft *draft, struct incident_id id,
    struct window **ret_window, struct text *why)
{
    enum error error = check_draft(draft, why);
    if (error != ERROR_NONE)
        return error;
    struct window *window = copy_draft(draft, id);
    if (window == NULL) {
        text_append(why, SLICE("out of memory"));
        return ERROR_MEMORY;
    }
    error = window_parse(window, draft, why);
    if (error != ERROR_NONE) {
        window_destroy(window);
        return error;
    }
    *ret_window = window;
    return ERROR_NONE;
}

void window_destroy(struct window *window)
{
    if (window != NULL)
        window_zone_free(window->zone);
    memory_free(window);
}

enum error windows_take(struct windows *windows, struct window *window, struct text *why)
{
    if (windows->count == WINDOWS_MAX) {
        text_append(why, SLICE("there are 200 windows already; remove those that are over"));
        return ERROR_LIMIT;
    }
    share_zone(windows, window);
    windows->items[windows->count++] = window;
    return ERROR_NONE;
}

enum error windows_add(struct windows *windows, const struct window_draft *draft,
    struct incident_id id, struct text *why)
{
    struct window *window;
    enum error error = window_create(draft, id, &window, why);
    if (error != ERROR_NONE)
        return error;
    error = windows_take(windows, window, why);
    if (error != ERROR_NONE)
        window_destroy(window);
    return error;
}

enum error windows_remove(struct windows *windows, struct slice id)
{
    for (size_t i = 0; i < windows->count; i++) {
        struct window *window = windows->items[i];
        if (!slice_equal(slice_from_string(window->id.text), id))
            continue;
        windows->count--;
        memmove(windows->items + i, windows->items + i + 1,
            (windows->count - i) * sizeof(struct window *));
        memory_free(window);
        drop_zones(windows);
        return ERROR_NONE;
    }
    return ERROR_NOT_FOUND;
}

bool window_is_over(struct window *window, int64_t now_ms)
{
    window_list(window, now_ms);
    // The list begins with what ended so long ago that a walk may pass it over, so it can be empty.
    return window->count == 0
        || window->list[window->count - 1].end_ms <= now_ms - WINDOW_PAST_DAYS * DAY_MS;
}

bool windows_find_over(struct windows *windows, int64_t now_ms, struct incident_id *ret_id)
{
    for (size_t i = 0; i < windows->count; i++) {
        if (!window_is_over(windows->items[i], now_ms))
            continue;
        *ret_id = windows->items[i]->id;
        return true;
    }
    return false;
}

// --- Views ---

// Which occurrence of which window, before there is an order.
struct seen {
    const struct window *window;
    struct occurrence when;
    bool over;
    size_t number; // among the windows
};

static int compare_seen(const void *a, const void *b)
{
    const struct seen *first = a, *second = b;
    if (first->over != second->over)
        return first->over ? 1 : -1;
    int64_t one = first->over ? -first->when.end_ms : first->when.begin_ms;
    int64_t other = first->over ? -second->when.end_ms : second->when.begin_ms;
    if (one != other)
        return one < other ? -1 : 1;
    return first->number < second->number ? -1 : first->number > second->number;
}

static size_t collect(struct windows *windows, int64_t now_ms, int64_t past_ms, struct seen *seen)
{
    size_t count = 0;
    int64_t past = MINIMUM(MAXIMUM(past_ms, 0), WINDOW_PAST_DAYS * DAY_MS);
    for (size_t i = 0; i < windows->count; i++) {
        struct window *window = windows->items[i];
        size_t ahead = 0;
        window_list(window, now_ms);
        for (size_t j = 0; j < window->count; j++) {
            struct occurrence when = window->list[j];
            bool over = when.end_ms <= now_ms;
            if (over ? when.end_ms <= now_ms - past
                : when.begin_ms > now_ms + WINDOW_AHEAD_DAYS * DAY_MS
                    || ahead++ >= WINDOW_OCCURRENCES_MAX)
                continue;
            seen[count++] = (struct seen){window, when, over, i};
        }
    }
    qsort(seen, count, sizeof(*seen), compare_seen);
    return count;
}

// Texts once for all occurrences of a window.
static bool view_window(const struct window *window, struct arena *arena,
    struct window_view *ret_view)
{
    size_t size = window->component_count * sizeof(window->components[0]);
    uint32_t *components = arena_alloc(arena, size + 1);
    struct window_view view = {
        .id = arena_copy(arena, slice_from_string(window->id.text)),
        .title = arena_copy(arena, window->title),
        .text = arena_copy(arena, window->text),
        .rule = arena_copy(arena, window->rule_text),
        .zone = arena_copy(arena, window->zone_name),
        .components = components,
        .component_count = window->component_count,
    };
    if (components == NULL || view.id.data == NULL || view.title.data == NULL
        || view.text.data == NULL || view.rule.data == NULL || view.zone.data == NULL)
        return false;
    if (size > 0)
        memcpy(components, window->components, size);
    *ret_view = view;
    return true;
}

static enum window_state state_at(const struct occurrence *when, int64_t now_ms)
{
    if (when->end_ms <= now_ms)
        return WINDOW_COMPLETED;
    return when->begin_ms <= now_ms ? WINDOW_IN_PROGRESS : WINDOW_SCHEDULED;
}

size_t windows_view(struct windows *windows, int64_t now_ms, int64_t past_ms, struct arena *arena,
    struct window_view *ret_views, size_t capacity)
{
    size_t count = 0;
    struct seen *seen = memory_alloc((windows->count * LIST_MAX + 1) * sizeof(*seen));
    struct window_view *of_window = // what has been copied of each; title.data NULL: nothing yet
        memory_zero_alloc((windows->count + 1) * sizeof(*of_window));
    size_t all = seen == NULL || of_window == NULL ? 0 : collect(windows, now_ms, past_ms, seen);
    for (size_t i = 0; i < all && count < capacity; i++) {
        struct window_view *view = &of_window[seen[i].number];
        if (view->title.data == NULL && !view_window(seen[i].window, arena, view))
            break;
        ret_views[count] = *view;
        ret_views[count].begin_ms = seen[i].when.begin_ms;
        ret_views[count].end_ms = seen[i].when.end_ms;
        ret_views[count].announced_ms = MAXIMUM(seen[i].window->announced_ms,
            seen[i].when.begin_ms - WINDOW_AHEAD_DAYS * DAY_MS);
        ret_views[count++].state = state_at(&seen[i].when, now_ms);
    }
    memory_free(seen);
    memory_free(of_window);
    return count;
}

int64_t windows_next_ms(struct windows *windows, int64_t now_ms)
{
    int64_t next = INT64_MAX;
    for (size_t i = 0; i < windows->count; i++) {
        struct window *window = windows->items[i];
        window_list(window, now_ms);
        for (size_t j = 0; j < window->count; j++) {
            const struct occurrence *when = &window->list[j];
            const int64_t moments[] = {when->begin_ms - WINDOW_AHEAD_DAYS * DAY_MS, when->begin_ms,
                when->end_ms};
            for (size_t k = 0; k < ARRAY_SIZE(moments); k++) {
                if (moments[k] > now_ms)
                    next = MINIMUM(next, moments[k]);
            }
        }
    }
    return next;
}
