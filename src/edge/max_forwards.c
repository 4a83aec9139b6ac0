// A value that is no number is forwarded as it is and limits nothing, as does one that is repeated
// from its second field on.
#include "edge/max_forwards.h"
#include "edge/delivery.h"
#include "edge/pages/page.h"

static struct http_field *find_field(const struct http_fields *fields)
{
    for (uint32_t i = 0; i < fields->count; i++) {
        if (fields->items[i].known == HTTP_NAME_MAX_FORWARDS)
            return &fields->items[i];
    }
    return NULL;
}

bool max_forwards_serve(struct task *task, struct request *request)
{
    uint64_t hops;
    if (request->head.method != HTTP_METHOD_OPTIONS)
        return false;
    struct http_field *field = find_field(&request->head.fields);
    if (field == NULL || !slice_parse_u64(field->value, UINT64_MAX, &hops))
        return false;
    struct slice fewer = hops == 0 ? SLICE_EMPTY
        : arena_printf(&request->arena, "%llu", (unsigned long long)(hops - 1));
    if (fewer.data != NULL) {
        field->value = fewer;
        return false;
    }
    delivery_send_bytes(task, request, 200, page_content_type(PAGE_TEXT),
        SLICE("Allow: GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH\r\n"), SLICE(""));
    return true;
}
