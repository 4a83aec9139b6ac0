// Reading names and values.
#include "http/form.h"

bool form_decode(struct slice value, bool is_form, struct text *ret_text)
{
    for (size_t i = 0; i < value.size; i++) {
        char byte = value.data[i];
        if (byte == '%') {
            int high = i + 2 < value.size ? slice_hex_value(value.data[i + 1]) : -1;
            int low = i + 2 < value.size ? slice_hex_value(value.data[i + 2]) : -1;
            if (high < 0 || low < 0)
                return false;
            byte = (char)(high << 4 | low);
            i += 2;
        } else if (byte == '+' && is_form) {
            byte = ' ';
        }
        text_append_byte(ret_text, byte);
    }
    return !ret_text->full;
}

struct slice form_find(struct slice form, struct slice name)
{
    while (form.data != NULL) {
        struct slice value = slice_cut(&form, '&'), its_name = slice_cut(&value, '=');
        if (slice_equal(its_name, name))
            return value.data == NULL ? SLICE("") : value;
    }
    return SLICE_EMPTY;
}
