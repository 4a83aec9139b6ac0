// Character by character.
#include "doctor/printable.h"

// Unicode's general categories Cc, Cf, Zl and Zp as far as terminals and readers could be misled.
static bool is_harmless(uint32_t point)
{
    static const uint32_t ranges[][2] = {
        {0x0, 0x1F}, {0x7F, 0x9F}, {0xAD, 0xAD}, {0x61C, 0x61C}, {0x180E, 0x180E},
        {0x200B, 0x200F}, {0x2028, 0x202E}, {0x2060, 0x206F}, {0xFE00, 0xFE0F},
        {0xFEFF, 0xFEFF}, {0xFFF0, 0xFFFB}, {0xE0000, 0xE0FFF},
    };
    for (size_t i = 0; i < ARRAY_SIZE(ranges); i++) {
        if (point >= ranges[i][0] && point <= ranges[i][1])
            return false;
    }
    return true;
}

void printable_append(struct text *text, struct slice slice, size_t most, bool ascii)
{
    size_t end = text->size + most;
    while (slice.size > 0) {
        uint32_t point = 0;
        size_t size = text_first_character(slice, &point), step = size == 0 ? 1 : size;
        if (text->size + step > end) {
            text_append(text, SLICE("..."));
            return;
        }
        if (size == 0 || !is_harmless(point) || (ascii && point > 0x7E))
            text_append_byte(text, '?');
        else
            text_append(text, slice_of(slice.data, size));
        slice = slice_of(slice.data + step, slice.size - step);
    }
}
