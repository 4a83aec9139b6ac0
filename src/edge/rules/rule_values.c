// Values of variables.
#include "edge/rules/rule_values.h"
#include "edge/secure.h"

#define ADDRESS_SIZE 64

struct slice rule_scheme(const struct request *request)
{
    return secure_is_request(request) ? SLICE("https") : SLICE("http");
}

bool rule_values_of(const struct request *request, struct arena *arena,
    struct rule_values *ret_values)
{
    const struct http_request_head *head = &request->head;
    char *buffer = arena_alloc(arena, ADDRESS_SIZE + REQUEST_ID_DIGITS);
    struct slice rest = rule_rest(request->rule, head->path, arena);
    struct slice query = head->query.data == NULL ? SLICE("")
        : arena_printf(arena, "?%.*s", SLICE_ARGS(head->query));
    if (buffer == NULL || rest.data == NULL || query.data == NULL)
        return false;
    struct text address = text_in(buffer, ADDRESS_SIZE);
    struct text id = text_in(buffer + ADDRESS_SIZE, REQUEST_ID_DIGITS);
    address_format_host(&address, &request->client.address);
    text_append_hex(&id, request->id, REQUEST_ID_DIGITS);
    *ret_values = (struct rule_values){.of = {
        [RULE_VARIABLE_HOST] = request->host,
        [RULE_VARIABLE_PATH] = slice_equal(head->path, SLICE("*")) ? SLICE("/") : head->path,
        [RULE_VARIABLE_QUERY] = query,
        [RULE_VARIABLE_REST] = rest,
        [RULE_VARIABLE_SCHEME] = rule_scheme(request),
        [RULE_VARIABLE_METHOD] = head->method_text,
        [RULE_VARIABLE_CLIENT_IP] = text_slice(&address),
        [RULE_VARIABLE_REQUEST_ID] = text_slice(&id),
    }};
    return true;
}

size_t rule_values_size(const struct rule_template *template, const struct rule_values *values)
{
    size_t size = 0;
    for (size_t i = 0; i < template->count; i++)
        size += template->parts[i].literal.size + values->of[template->parts[i].variable].size;
    return size;
}
