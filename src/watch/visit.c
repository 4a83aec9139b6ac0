// What pages ask about the visit.
#include "watch/visit.h"
#include "http/form.h"
#include "watch/watch_inside.h"

enum error visit_run(struct task *task, const struct visit *visit, void (*work)(void *argument),
    void *argument)
{
    return helpers_run(task, &visit->watch->helpers, work, argument);
}

enum error visit_read_content(struct task *task, const struct visit *visit, size_t maximum,
    struct slice *ret_content)
{
    return edge_page_read(task, visit->request, maximum, ret_content);
}

struct slice visit_form_value(const struct visit *visit, struct slice form, struct slice name)
{
    struct slice value = form_find(form, name);
    if (value.data == NULL)
        return SLICE_EMPTY;
    char *buffer = arena_alloc(visit->request->arena, value.size + 1);
    struct text text = text_in(buffer, buffer == NULL ? 0 : value.size + 1);
    bool is_read = form_decode(value, true, &text);
    return is_read && buffer != NULL ? text_slice(&text) : SLICE_EMPTY;
}

// "https://host:8080" is of this host if the request says so too.
static bool is_origin_of(struct slice origin, struct slice authority)
{
    const char *scheme_end = memmem(origin.data, origin.size, "://", 3);
    if (scheme_end == NULL || authority.size == 0)
        return false;
    const char *begin = scheme_end + 3;
    return slice_equal_nocase(authority,
        slice_of(begin, origin.size - (size_t)(begin - origin.data)));
}

bool visit_is_from_here(const struct visit *visit)
{
    const struct http_fields *fields = visit->request->fields;
    const struct http_field *site = http_fields_find_text(fields, SLICE("sec-fetch-site"));
    const struct http_field *origin = http_fields_find_text(fields, SLICE("origin"));
    if (site != NULL)
        return slice_equal(site->value, SLICE("same-origin"))
            || slice_equal(site->value, SLICE("none"));
    return origin == NULL || is_origin_of(origin->value, visit->request->authority);
}
