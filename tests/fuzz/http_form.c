// Forms: whatever was sent, a value that is found lies within it and behind its name, and decoding
// never makes more of it; what was decoded and has nothing to decode stays as it is.
#include "base/invariant.h"
#include "http/form.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_value(struct slice value, bool is_form)
{
    static char buffer[8192], again[8192];
    struct text text = text_in(buffer, sizeof(buffer)), twice = text_in(again, sizeof(again));
    if (!form_decode(value, is_form, &text))
        return;
    struct slice decoded = text_slice(&text);
    invariant(decoded.size <= value.size);
    if (slice_contains(decoded, '%') || slice_contains(decoded, '+'))
        return;
    invariant(form_decode(decoded, is_form, &twice) && slice_equal(text_slice(&twice), decoded));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice form = slice_of((const char *)data, MINIMUM(size, 8192));
    struct slice rest = form, name = slice_cut(&rest, '\n');
    struct slice value = form_find(rest, name);
    if (value.data != NULL && value.size > 0) {
        invariant(value.data >= rest.data && value.data + value.size <= rest.data + rest.size);
        invariant(!slice_contains(value, '&'));
        check_value(value, true);
    }
    check_value(form, false);
    check_value(form, true);
    return 0;
}
