// Requests: any bytes, cut in any way, get one verdict; what is accepted is within the input,
// breaks no rule of framing, and reads the same once it has been written again.
#include "http_fuzz.h"

#include "http/authority.h"

static void check_target(struct slice raw, const struct http_request_head *head)
{
    struct http_authority authority;
    invariant(fuzz_is_within(raw, head->target) && head->target.size > 0);
    for (size_t i = 0; i < head->target.size; i++) {
        unsigned char byte = (unsigned char)head->target.data[i];
        invariant(byte > 0x20 && byte < 0x7f && byte != '#');
    }
    invariant(fuzz_is_within(head->target, head->query));
    invariant(fuzz_is_within(head->target, head->path)
        || slice_equal(head->path, SLICE("/")) || slice_equal(head->path, SLICE("*")));
    if (head->method == HTTP_METHOD_CONNECT)
        invariant(head->path.size == 0 && head->query.data == NULL);
    else
        invariant(head->path.data[0] == '/'
            || (slice_equal(head->path, SLICE("*")) && head->method == HTTP_METHOD_OPTIONS));
    invariant(head->authority.size == 0 ? head->minor_version == 0
                                        : http_authority_parse(head->authority, &authority));
}

static void check_round_trip(const struct http_request_head *head)
{
    char buffer[8192];
    struct http_field items[FUZZ_FIELDS];
    struct http_request_head again = {.fields = {items, 0, FUZZ_FIELDS}};
    struct text text = text_in(buffer, sizeof(buffer));
    text_append(&text, head->method_text);
    text_append_byte(&text, ' ');
    text_append(&text, head->target);
    text_append(&text, head->minor_version == 0 ? SLICE(" HTTP/1.0\r\n") : SLICE(" HTTP/1.1\r\n"));
    fuzz_append_fields(&text, &head->fields);
    invariant(http1_parse_request(text_slice(&text), &fuzz_limits, &again) == HTTP1_FAULT_NONE);
    fuzz_check_same_fields(&head->fields, &again.fields);
    invariant(slice_equal(head->authority, again.authority) && slice_equal(head->path, again.path));
    invariant(slice_equal(head->query, again.query) && head->method == again.method);
    invariant((head->query.data == NULL) == (again.query.data == NULL));
    invariant(head->framing == again.framing && head->content_length == again.content_length);
    invariant(head->keep_alive == again.keep_alive
        && head->expect_continue == again.expect_continue);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice bytes = slice_of((const char *)data, size);
    struct http_field items[FUZZ_FIELDS];
    struct http_request_head head = {.fields = {items, 0, FUZZ_FIELDS}};
    if (size == 0)
        return 0;
    struct fuzz_scan scan = fuzz_scan_all_ways(bytes, false);
    // The parser must stand any bytes, not only what the scan lets through.
    if (scan.progress != HTTP1_DONE) {
        (void)!http1_parse_request(bytes, &fuzz_limits, &head);
        return 0;
    }
    struct slice raw = slice_of(bytes.data + scan.begin, scan.end - scan.begin);
    if (http1_parse_request(raw, &fuzz_limits, &head) != HTTP1_FAULT_NONE)
        return 0;
    invariant(http_is_token(head.method_text));
    invariant(http_fields_count(&head.fields, HTTP_NAME_HOST) <= 1);
    invariant(head.minor_version == 0 || http_fields_count(&head.fields, HTTP_NAME_HOST) == 1);
    invariant(head.framing != HTTP_FRAMING_CLOSE && head.content_length <= INT64_MAX);
    invariant(head.framing != HTTP_FRAMING_CHUNKED || head.minor_version >= 1);
    fuzz_check_fields(raw, &head.fields);
    fuzz_check_framing(&head.fields, head.framing);
    check_target(raw, &head);
    check_round_trip(&head);
    return 0;
}
