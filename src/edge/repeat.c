// See repeat.h.
#include "edge/repeat.h"
#include "base/memory.h"
#include "edge/request.h"
#include "edge/rules/rule_serve.h"
#include "http/structured.h"

#define FIRST_CAPACITY 4096
#define PARAMETERS_MOST 16

// A string of structured fields (section 2.1 of the draft), or a word without quotes, as many send
// who used such keys before there was a draft.
static bool is_key(struct slice value, struct arena *arena)
{
    struct structured_member item;
    if (value.size > 0 && value.data[0] == '"')
        return structured_parse_item(value, arena, PARAMETERS_MOST, &item) == ERROR_NONE
            && item.value.type == STRUCTURED_STRING && item.value.text.size > 0;
    for (size_t i = 0; i < value.size; i++) {
        if (value.data[i] <= ' ' || value.data[i] >= 0x7f || strchr("\",;", value.data[i]) != NULL)
            return false;
    }
    return value.size > 0;
}

// Exactly one key: of two, nobody knows which one the origin goes by.
static bool has_one_key(struct slice lines, struct arena *arena)
{
    unsigned valid = 0, all = 0;
    while (lines.size > 0) {
        struct slice rest = slice_cut(&lines, '\n');
        struct slice value = slice_cut(&rest, '\r'), name = slice_cut(&value, ':');
        if (!slice_equal_nocase(name, SLICE("idempotency-key")))
            continue;
        all++;
        valid += is_key(slice_trim(value), arena);
    }
    return all == 1 && valid == 1;
}

void repeat_begin(struct request *request, struct slice lines)
{
    request->repeat.is_keyed = rule_honours_keys(request) && has_one_key(lines, &request->arena);
}

void repeat_end(struct request *request)
{
    memory_free(request->repeat.content);
}

bool repeat_is_possible(const struct request *request)
{
    return request->repeat.is_keyed && !request->repeat.is_lost && request->upgrade.data == NULL;
}

void repeat_rewind(struct request *request)
{
    request->repeat.at = 0;
}

bool repeat_read(struct request *request, void *buffer, size_t size, size_t *ret_size,
    enum error *ret_error)
{
    struct repeat *repeat = &request->repeat;
    size_t step = MINIMUM(repeat->size - repeat->at, size);
    if (step == 0 && !repeat->has_ended)
        return false;
    *ret_error = step == 0 ? ERROR_CLOSED : ERROR_NONE;
    if (step > 0)
        memcpy(buffer, repeat->content + repeat->at, step);
    repeat->at += step;
    *ret_size = step;
    return true;
}

static bool make_room(struct repeat *repeat, size_t size, size_t most)
{
    if (size > most - MINIMUM(repeat->size, most))
        return false;
    size_t capacity = MAXIMUM(repeat->capacity, (size_t)FIRST_CAPACITY);
    while (capacity - repeat->size < size)
        capacity *= 2;
    if (capacity == repeat->capacity)
        return true;
    char *content = memory_resize(repeat->content, capacity);
    if (content == NULL)
        return false;
    repeat->content = content;
    repeat->capacity = capacity;
    return true;
}

void repeat_keep(struct request *request, enum error error, const void *bytes, size_t size)
{
    struct repeat *repeat = &request->repeat;
    uint64_t most = request_site(request)->lifelines.of[LIFELINE_RETRY].values[
        LIFELINE_RETRY_CONTENT];
    if (!repeat->is_keyed || repeat->is_lost)
        return;
    repeat->has_ended = error == ERROR_CLOSED;
    if (error != ERROR_NONE)
        return;
    if (!make_room(repeat, size, (size_t)most)) {
        repeat->is_lost = true;
        repeat->size = repeat->at = 0;
        ledger_add(request->thread->ledger, LEDGER_WRITES_NOT_KEPT, 1);
        return;
    }
    memcpy(repeat->content + repeat->size, bytes, size);
    repeat->size += size;
    repeat->at = repeat->size;
}
