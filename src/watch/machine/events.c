// The changes of one component's state, as JSON and as CSV (RFC 4180), the newest first.
#include "watch/machine/machine_inside.h"

static void put_moment(struct text *text, int64_t at_ms)
{
    text_append_byte(text, '"');
    machine_append_time(text, at_ms);
    text_append_byte(text, '"');
}

static bool has_number(const struct change *change)
{
    return change->reason.kind == REASON_EXPIRES || change->reason.kind == REASON_STATUS;
}

static void put_event(struct text *text, const struct change *change)
{
    text_append(text, SLICE("{\"at\":"));
    put_moment(text, change->at_ms);
    text_format(text, ",\"from\":\"%s\",\"to\":\"%s\"", component_state_word(change->from),
        component_state_word(change->to));
    if (change->reason.kind == REASON_NONE)
        text_append(text, SLICE(",\"reason\":null,\"description\":null"));
    else
        text_format(text, ",\"reason\":\"%s\",\"description\":\"%s\"",
            reason_word(change->reason.kind), reason_text(change->reason.kind));
    if (has_number(change))
        text_format(text, ",\"number\":%u", change->reason.number);
    else
        text_append(text, SLICE(",\"number\":null"));
    if (change->cause.size == 0) {
        text_append(text, SLICE(",\"caused_by\":null}"));
        return;
    }
    text_append(text, SLICE(",\"caused_by\":\""));
    text_append_json(text, change->cause);
    text_append(text, SLICE("\"}"));
}

void events_write_json(struct text *text, const struct component_view *component,
    const struct change *changes, size_t count)
{
    text_append(text, SLICE("{\"component\":{\"id\":\""));
    text_append_json(text, component->id);
    text_append(text, SLICE("\",\"name\":\""));
    text_append_json(text, component->title);
    text_format(text, "\",\"status\":\"%s\"},\"days\":%d,\"most\":%d,\"events\":[",
        component_state_word(component->state), CHANGES_DAYS, CHANGES_MAX);
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            text_append_byte(text, ',');
        put_event(text, &changes[i]);
    }
    text_append(text, SLICE("]}"));
}

// A field in quotes, whose own are doubled.
static void put_field(struct text *text, struct slice field)
{
    text_append_byte(text, '"');
    for (size_t i = 0; i < field.size; i++) {
        if (field.data[i] == '"')
            text_append_byte(text, '"');
        text_append_byte(text, field.data[i]);
    }
    text_append_byte(text, '"');
}

void events_write_csv(struct text *text, const struct change *changes, size_t count)
{
    text_append(text, SLICE("at,from,to,reason,number,caused_by\r\n"));
    for (size_t i = 0; i < count; i++) {
        const struct change *change = &changes[i];
        machine_append_time(text, change->at_ms);
        text_format(text, ",%s,%s,%s,", component_state_word(change->from),
            component_state_word(change->to),
            change->reason.kind == REASON_NONE ? "" : reason_word(change->reason.kind));
        if (has_number(change))
            text_append_u64(text, change->reason.number);
        text_append_byte(text, ',');
        if (change->cause.size > 0)
            put_field(text, change->cause);
        text_append(text, SLICE("\r\n"));
    }
}
