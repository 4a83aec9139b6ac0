// The set: memory, order and bounds, and what an operator may do.
#include "watch/incident/incidents.h"
#include "base/memory.h"

void incidents_init(struct incidents *incidents, const struct incident_settings *settings)
{
    *incidents = (struct incidents){.settings = *settings};
    list_init(&incidents->open);
    list_init(&incidents->past);
}

static void free_text(struct incidents *incidents, struct slice text)
{
    union {
        const char *data;
        void *memory;
    } owned = {text.data};
    incidents->bytes -= text.size;
    memory_free(owned.memory);
}

static enum error copy_text(struct incidents *incidents, struct slice text, struct slice *ret_copy)
{
    char *copy = memory_alloc(text.size + 1);
    if (copy == NULL)
        return ERROR_MEMORY;
    if (text.size > 0)
        memcpy(copy, text.data, text.size);
    copy[text.size] = '\0';
    incidents->bytes += text.size;
    *ret_copy = slice_of(copy, text.size);
    return ERROR_NONE;
}

static void free_update(struct incidents *incidents, struct incident_update *update)
{
    incidents->bytes -= update->author.size;
    free_text(incidents, update->text);
}

static void count_incident(struct incidents *incidents, const struct incident *incident, bool more)
{
    size_t *count = incident->resolved_ms == 0 ? &incidents->open_count : &incidents->past_count;
    *count = more ? *count + 1 : *count - 1;
}

void incidents_remove(struct incidents *incidents, struct incident *incident)
{
    count_incident(incidents, incident, false);
    list_remove(&incident->link);
    for (size_t i = 0; i < incident->update_count; i++)
        free_update(incidents, &incident->updates[i]);
    free_text(incidents, incident->title);
    free_text(incidents, incident->postmortem);
    memory_free(incident->components);
    memory_free(incident->updates);
    memory_free(incident->numbers);
    memory_free(incident);
}

void incidents_free(struct incidents *incidents)
{
    LIST_FOREACH(link, &incidents->open)
        incidents_remove(incidents, LIST_ENTRY(link, struct incident, link));
    LIST_FOREACH(link, &incidents->past)
        incidents_remove(incidents, LIST_ENTRY(link, struct incident, link));
}

// By its start, the newest first.
static void insert(struct incidents *incidents, struct incident *incident)
{
    struct list *list = incident->resolved_ms == 0 ? &incidents->open : &incidents->past;
    struct list *after = list;
    LIST_FOREACH(link, list) {
        if (LIST_ENTRY(link, struct incident, link)->started_ms <= incident->started_ms) {
            after = link;
            break;
        }
    }
    list_append(after, &incident->link); // in front of it
    count_incident(incidents, incident, true);
}

struct incident *incidents_find(const struct incidents *incidents, struct slice id)
{
    const struct list *const lists[] = {&incidents->open, &incidents->past};
    for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
        LIST_FOREACH(link, lists[i]) {
            struct incident *incident = LIST_ENTRY(link, struct incident, link);
            if (slice_equal(slice_from_string(incident->id.text), id))
                return incident;
        }
    }
    return NULL;
}

bool incident_has(const struct incident *incident, uint32_t component)
{
    for (size_t i = 0; i < incident->component_count; i++) {
        if (incident->components[i] == component)
            return true;
    }
    return false;
}

void incident_view(const struct incident *incident, struct incident_view *ret_view)
{
    *ret_view = (struct incident_view){.id = slice_from_string(incident->id.text),
        .title = incident->title, .postmortem = incident->postmortem, .state = incident->state,
        .impact = incident->impact, .automatic = incident->automatic_title,
        .reason = incident->reason, .started_ms = incident->started_ms,
        .resolved_ms = incident->resolved_ms, .eta_ms = incident->eta_ms,
        .components = incident->components, .component_count = incident->component_count,
        .updates = incident->updates, .update_count = incident->update_count};
}

// --- Steps ---

enum error incident_add_component(struct incident *incident, uint32_t component)
{
    if (incident_has(incident, component))
        return ERROR_NONE;
    if (incident->component_count == INCIDENT_COMPONENTS_MAX)
        return ERROR_LIMIT;
    uint32_t *components = memory_resize(incident->components,
        (incident->component_count + 1) * sizeof(*components));
    if (components == NULL)
        return ERROR_MEMORY;
    incident->components = components;
    components[incident->component_count++] = component;
    return ERROR_NONE;
}

// Where room is made: the oldest update of the machine but the first of all. SIZE_MAX: there is
// none, all are an operator's.
static size_t find_droppable(const struct incident *incident)
{
    for (size_t i = incident->update_count - 1; i-- > 0;) {
        if (incident->updates[i].author.size == 0)
            return i;
    }
    return SIZE_MAX;
}

bool incident_has_room(const struct incident *incident)
{
    return incident->update_count < INCIDENT_UPDATES_MAX
        || find_droppable(incident) != SIZE_MAX;
}

static void drop_update(struct incidents *incidents, struct incident *incident, size_t index)
{
    size_t behind = incident->update_count - index - 1;
    free_update(incidents, &incident->updates[index]);
    incident->dropped_number = incident->numbers[index];
    memmove(&incident->updates[index], &incident->updates[index + 1],
        behind * sizeof(*incident->updates));
    memmove(&incident->numbers[index], &incident->numbers[index + 1],
        behind * sizeof(*incident->numbers));
    incident->update_count--;
}

static enum error make_room(struct incident *incident)
{
    if (incident->update_count < incident->update_capacity)
        return ERROR_NONE;
    size_t capacity = MAXIMUM(4, incident->update_capacity * 2);
    struct incident_update *updates = memory_resize(incident->updates,
        capacity * sizeof(*updates));
    if (updates == NULL)
        return ERROR_MEMORY;
    incident->updates = updates;
    uint32_t *numbers = memory_resize(incident->numbers, capacity * sizeof(*numbers));
    if (numbers == NULL)
        return ERROR_MEMORY;
    incident->numbers = numbers;
    incident->update_capacity = capacity;
    return ERROR_NONE;
}

static enum error add_update(struct incidents *incidents, struct incident *incident,
    const struct incident_update *update)
{
    size_t author_size = MINIMUM(update->author.size, INCIDENT_AUTHOR_MAX);
    size_t drop = SIZE_MAX;
    incident->dropped_number = UINT32_MAX;
    if (incident->update_count >= INCIDENT_UPDATES_MAX) {
        drop = find_droppable(incident);
        if (drop == SIZE_MAX)
            return ERROR_LIMIT;
    }
    if (make_room(incident) != ERROR_NONE)
        return ERROR_MEMORY;
    char *texts = memory_alloc(update->text.size + author_size + 1);
    if (texts == NULL)
        return ERROR_MEMORY;
    if (update->text.size > 0)
        memcpy(texts, update->text.data, update->text.size);
    if (author_size > 0)
        memcpy(texts + update->text.size, update->author.data, author_size);
    if (drop != SIZE_MAX)
        drop_update(incidents, incident, drop);
    memmove(incident->updates + 1, incident->updates,
        incident->update_count * sizeof(*incident->updates));
    memmove(incident->numbers + 1, incident->numbers,
        incident->update_count * sizeof(*incident->numbers));
    incident->updates[0] = *update;
    incident->updates[0].text = slice_of(texts, update->text.size);
    incident->updates[0].author = slice_of(texts + update->text.size, author_size);
    incident->numbers[0] = incident->next_number++;
    incident->update_count++;
    incidents->bytes += update->text.size + author_size;
    return ERROR_NONE;
}

static void tell(struct incidents *incidents, const struct incident *incident,
    const struct incident_update *update)
{
    if (incidents->changed != NULL)
        incidents->changed(incidents->context, incident, update);
}

// A word of an operator's that leaves the state as it is leaves it to the machine, too.
static void move(struct incidents *incidents, struct incident *incident, enum incident_state state,
    bool by_machine, int64_t now_ms)
{
    bool was_open = incident->resolved_ms == 0, is_open = state != INCIDENT_RESOLVED;
    if (by_machine || state != incident->state)
        incident->state_by_operator = !by_machine;
    incident->state = state;
    incident->calm_ms = 0;
    if (was_open == is_open)
        return;
    count_incident(incidents, incident, false);
    list_remove(&incident->link);
    incident->resolved_ms = is_open ? 0 : MAXIMUM(now_ms, incident->started_ms);
    if (!is_open)
        incident->eta_ms = 0;
    insert(incidents, incident);
}

enum error incidents_step(struct incidents *incidents, struct incident *incident,
    enum incident_state state, struct slice text, struct slice author, int64_t now_ms)
{
    const struct incident_update update = {state, now_ms, text, author};
    bool reopens = incident->resolved_ms != 0 && state != INCIDENT_RESOLVED;
    if (reopens && incidents->open_count >= INCIDENTS_OPEN_MAX) {
        incidents->refused++;
        return ERROR_LIMIT;
    }
    enum error error = add_update(incidents, incident, &update);
    if (error == ERROR_LIMIT && author.size == 0) {
        move(incidents, incident, state, true, now_ms); // true without a word of it
        tell(incidents, incident, NULL);
        return ERROR_NONE;
    }
    if (error != ERROR_NONE)
        return error;
    move(incidents, incident, state, author.size == 0, now_ms);
    tell(incidents, incident, &incident->updates[0]);
    return ERROR_NONE;
}

enum error incidents_set_title(struct incidents *incidents, struct incident *incident,
    struct slice title)
{
    struct slice copy;
    if (slice_equal(title, incident->title))
        return ERROR_NONE;
    enum error error = copy_text(incidents, title, &copy);
    if (error != ERROR_NONE)
        return error;
    free_text(incidents, incident->title);
    incident->title = copy;
    return ERROR_NONE;
}

enum error incidents_add(struct incidents *incidents, int64_t started_ms,
    struct incident **ret_incident)
{
    if (incidents->open_count >= INCIDENTS_OPEN_MAX) {
        incidents->refused++;
        return ERROR_LIMIT;
    }
    struct incident *incident = memory_zero_alloc(sizeof(*incident));
    if (incident == NULL)
        return ERROR_MEMORY;
    enum error error = incident_id_make(&incident->id);
    if (error != ERROR_NONE) {
        memory_free(incident);
        return error;
    }
    incident->started_ms = started_ms;
    incident->dropped_number = UINT32_MAX;
    insert(incidents, incident);
    *ret_incident = incident;
    return ERROR_NONE;
}

// --- From the disk ---

enum error incidents_restore(struct incidents *incidents, const struct incident *from,
    struct incident **ret_incident)
{
    bool is_open = from->resolved_ms == 0;
    if (is_open ? incidents->open_count >= INCIDENTS_OPEN_MAX
                : incidents->past_count >= INCIDENTS_PAST_MAX)
        return ERROR_LIMIT;
    struct incident *incident = memory_zero_alloc(sizeof(*incident));
    if (incident == NULL)
        return ERROR_MEMORY;
    *incident = *from;
    incident->title = incident->postmortem = SLICE_EMPTY;
    incident->components = NULL;
    incident->updates = NULL;
    incident->numbers = NULL;
    incident->component_count = incident->update_count = incident->update_capacity = 0;
    incident->dropped_number = UINT32_MAX;
    insert(incidents, incident);
    enum error error = copy_text(incidents, from->title, &incident->title);
    if (error == ERROR_NONE)
        error = copy_text(incidents, from->postmortem, &incident->postmortem);
    for (size_t i = 0; i < from->component_count && error == ERROR_NONE; i++)
        error = incident_add_component(incident, from->components[i]);
    if (error != ERROR_NONE) {
        incidents_remove(incidents, incident);
        return error;
    }
    *ret_incident = incident;
    return ERROR_NONE;
}

enum error incident_restore_update(struct incidents *incidents, struct incident *incident,
    uint32_t number, const struct incident_update *update)
{
    incident->next_number = number;
    return add_update(incidents, incident, update);
}

// --- Bounds ---

static struct incident *oldest_past(struct incidents *incidents)
{
    return list_is_empty(&incidents->past)
        ? NULL
        : LIST_ENTRY(incidents->past.previous, struct incident, link);
}

void incidents_trim(struct incidents *incidents, int64_t now_ms)
{
    struct incident *oldest;
    while ((oldest = oldest_past(incidents)) != NULL
           && (incidents->past_count > INCIDENTS_PAST_MAX || incidents->bytes > INCIDENTS_BYTES_MAX
               || oldest->resolved_ms < now_ms - INCIDENTS_KEEP_MS)) {
        if (incidents->forgotten != NULL)
            incidents->forgotten(incidents->context, oldest);
        incidents_remove(incidents, oldest);
    }
}
