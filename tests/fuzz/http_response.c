// Responses: any bytes, cut in any way, get one verdict; what is accepted is within the input,
// breaks no rule of framing, and reads the same once it has been written again.
#include "http_fuzz.h"

static void check_round_trip(const struct http_response_head *head)
{
    char buffer[8192];
    struct http_field items[FUZZ_FIELDS];
    struct http_response_head again = {.fields = {items, 0, FUZZ_FIELDS}};
    struct text text = text_in(buffer, sizeof(buffer));
    text_append(&text, head->minor_version == 0 ? SLICE("HTTP/1.0 ") : SLICE("HTTP/1.1 "));
    text_append_u64(&text, head->status);
    if (head->reason.size > 0) {
        text_append_byte(&text, ' ');
        text_append(&text, head->reason);
    }
    text_append(&text, SLICE("\r\n"));
    fuzz_append_fields(&text, &head->fields);
    invariant(http1_parse_response(text_slice(&text), &fuzz_limits, &again) == HTTP1_FAULT_NONE);
    fuzz_check_same_fields(&head->fields, &again.fields);
    invariant(slice_equal(head->reason, again.reason) && head->status == again.status);
    invariant(head->framing == again.framing && head->content_length == again.content_length);
    invariant(head->has_content_length == again.has_content_length);
    invariant(head->keep_alive == again.keep_alive);
}

static void check_framing(const struct http_response_head *head)
{
    invariant(http_response_framing(head, HTTP_METHOD_HEAD) == HTTP_FRAMING_NONE);
    invariant(http_response_framing(head, HTTP_METHOD_GET) == head->framing);
    bool contentless = head->status < 200 || head->status == 204 || head->status == 304;
    invariant(contentless == (head->framing == HTTP_FRAMING_NONE));
    // A coding that nobody knows ends with its connection (RFC 9112 section 6.3).
    const struct http_field *coding = http_fields_find(&head->fields, HTTP_NAME_TRANSFER_ENCODING);
    bool known = coding == NULL || slice_equal_nocase(coding->value, SLICE("chunked"));
    if (head->framing == HTTP_FRAMING_CLOSE)
        invariant(http_fields_find(&head->fields, HTTP_NAME_CONTENT_LENGTH) == NULL
            && (coding == NULL || !known));
    if (known)
        fuzz_check_framing(&head->fields, head->framing);
    else
        invariant(head->framing == HTTP_FRAMING_CLOSE || (contentless && (head->status == 304
            || !head->keep_alive)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice bytes = slice_of((const char *)data, size);
    struct http_field items[FUZZ_FIELDS];
    struct http_response_head head = {.fields = {items, 0, FUZZ_FIELDS}};
    if (size == 0)
        return 0;
    struct fuzz_scan scan = fuzz_scan_all_ways(bytes, true);
    if (scan.progress != HTTP1_DONE) {
        (void)!http1_parse_response(bytes, &fuzz_limits, &head);
        return 0;
    }
    invariant(scan.begin == 0);
    struct slice raw = slice_of(bytes.data, scan.end);
    if (http1_parse_response(raw, &fuzz_limits, &head) != HTTP1_FAULT_NONE)
        return 0;
    invariant(head.status >= 100 && head.status <= 599 && head.content_length <= INT64_MAX);
    invariant(fuzz_is_within(raw, head.reason) && http_is_field_value(head.reason));
    fuzz_check_fields(raw, &head.fields);
    check_framing(&head);
    check_round_trip(&head);
    return 0;
}
