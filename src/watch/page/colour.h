// Colours of a brand, made readable: contrast as WCAG 2.2 defines it (sections 1.4.3, 1.4.11).
#pragma once

#include "base/slice.h"

#define COLOUR_TEXT_CONTRAST 4.5
#define COLOUR_SHAPE_CONTRAST 3.0

struct colour {
    uint8_t red, green, blue;
};

bool colour_parse(struct slice text, struct colour *ret_colour) MUST_CHECK; // "#rrggbb"
double colour_contrast(struct colour a, struct colour b);                   // 1 to 21
// The colour itself, or the nearest to it towards black or white that has the contrast on the
// ground, where there is one.
struct colour colour_readable(struct colour colour, struct colour ground, double contrast);
