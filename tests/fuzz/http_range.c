// Ranges: any text as Range and Content-Range, and any numbers as a range, whose answer a plain
// reading of RFC 9110 section 14.1.2 knows.
#include "base/invariant.h"
#include "base/text.h"
#include "http/cache_control.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(struct slice value)
{
    static const uint64_t lengths[] = {0, 1, 1000, UINT64_MAX};
    uint64_t first, last, complete;
    for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
        if (http_range_parse(value, lengths[i], &first, &last) == HTTP_RANGE_ONE)
            invariant(first <= last && last < lengths[i]);
    }
    struct http_byte_range ranges[4];
    size_t count = http_ranges_parse(value, 1000, ranges, ARRAY_SIZE(ranges));
    invariant(count <= ARRAY_SIZE(ranges));
    for (size_t i = 0; i < count; i++) {
        invariant(ranges[i].first <= ranges[i].last && ranges[i].last < 1000);
        for (size_t k = 0; k < i; k++)
            invariant(ranges[k].last < ranges[i].first || ranges[i].last < ranges[k].first);
    }
    if (count > 0)
        invariant(http_range_parse(value, 1000, &first, &last) == HTTP_RANGE_NONE);
    if (http_content_range_parse(value, &first, &last, &complete))
        invariant(first <= last && last < complete);
}

// "bytes=first-last" with either number or both; UINT64_MAX leaves it out.
static enum http_range parse(uint64_t length, uint64_t first, uint64_t last, uint64_t *ret_first,
    uint64_t *ret_last)
{
    char buffer[64];
    struct text text = text_in(buffer, sizeof(buffer));
    text_append(&text, SLICE("bytes="));
    if (first != UINT64_MAX)
        text_append_u64(&text, first);
    text_append(&text, SLICE("-"));
    if (last != UINT64_MAX)
        text_append_u64(&text, last);
    return http_range_parse(text_slice(&text), length, ret_first, ret_last);
}

static void check_numbers(uint64_t a, uint64_t b, uint64_t length)
{
    uint64_t first, last;
    if (a == UINT64_MAX || b == UINT64_MAX)
        return;
    enum http_range range = parse(length, a, b, &first, &last);
    if (a > b)
        invariant(range == HTTP_RANGE_NONE);
    else if (a >= length)
        invariant(range == HTTP_RANGE_UNSATISFIABLE);
    else
        invariant(range == HTTP_RANGE_ONE && first == a && last == MINIMUM(b, length - 1));
    range = parse(length, a, UINT64_MAX, &first, &last);
    invariant(a >= length ? range == HTTP_RANGE_UNSATISFIABLE
        : range == HTTP_RANGE_ONE && first == a && last == length - 1);
    range = parse(length, UINT64_MAX, a, &first, &last);
    // The last bytes of nothing can be had, but no Content-Range could name them: all of it then.
    invariant(a == 0 ? range == HTTP_RANGE_UNSATISFIABLE
        : length == 0 ? range == HTTP_RANGE_NONE
        : range == HTTP_RANGE_ONE && first == length - MINIMUM(a, length) && last == length - 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint64_t numbers[3] = {0};
    check_text(slice_of((const char *)data, size));
    memcpy(numbers, data, MINIMUM(size, sizeof(numbers)));
    check_numbers(numbers[0], numbers[1], numbers[2]);
    check_numbers(numbers[0] % 100, numbers[1] % 100, numbers[2] % 100);
    return 0;
}
