// Relative luminance, and steps towards black or white.
#include "watch/page/colour.h"

#include <math.h>

#define STEPS 64

bool colour_parse(struct slice text, struct colour *ret_colour)
{
    uint8_t parts[3];
    if (text.size != 7 || text.data[0] != '#')
        return false;
    for (size_t i = 0; i < 3; i++) {
        int high = slice_hex_value(text.data[1 + 2 * i]);
        int low = slice_hex_value(text.data[2 + 2 * i]);
        if (high < 0 || low < 0)
            return false;
        parts[i] = (uint8_t)(high << 4 | low);
    }
    *ret_colour = (struct colour){parts[0], parts[1], parts[2]};
    return true;
}

static double linear(uint8_t part)
{
    double value = part / 255.0;
    return value <= 0.04045 ? value / 12.92 : pow((value + 0.055) / 1.055, 2.4);
}

static double luminance(struct colour colour)
{
    return 0.2126 * linear(colour.red) + 0.7152 * linear(colour.green)
        + 0.0722 * linear(colour.blue);
}

double colour_contrast(struct colour a, struct colour b)
{
    double first = luminance(a), second = luminance(b);
    return (MAXIMUM(first, second) + 0.05) / (MINIMUM(first, second) + 0.05);
}

static uint8_t towards(uint8_t from, uint8_t to, unsigned step)
{
    return (uint8_t)(from + (to - from) * (int)step / STEPS);
}

struct colour colour_readable(struct colour colour, struct colour ground, double contrast)
{
    static const struct colour black = {0, 0, 0}, white = {255, 255, 255};
    struct colour end = colour_contrast(ground, black) > colour_contrast(ground, white)
        ? black : white;
    for (unsigned step = 0; step < STEPS; step++) {
        struct colour tried = {towards(colour.red, end.red, step),
            towards(colour.green, end.green, step), towards(colour.blue, end.blue, step)};
        if (colour_contrast(tried, ground) >= contrast)
            return tried;
    }
    return end;
}
