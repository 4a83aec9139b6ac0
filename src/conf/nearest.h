// The name a person probably meant.
#pragma once

#include "base/slice.h"

#define NEAREST_NAME_MAX 48 // bytes; longer names are never near

// Edits (insert, delete, replace, swap neighbours; optimal string alignment) from a to b, ignoring
// ASCII case; SIZE_MAX when either is too long.
size_t nearest_distance(struct slice a, struct slice b);

// How far a wanted name of this size may be off.
size_t nearest_tolerance(size_t size);

// Follows the best candidate over a loop: start with {wanted, {NULL, 0}, 0}.
struct nearest {
    struct slice wanted;
    struct slice best; // data NULL: nothing near enough
    size_t distance;
};

void nearest_offer(struct nearest *nearest, struct slice candidate);
