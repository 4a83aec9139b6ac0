// Edit distance over three rows of the usual matrix.
#include "conf/nearest.h"

static char lower(char byte)
{
    return byte >= 'A' && byte <= 'Z' ? (char)(byte | 0x20) : byte;
}

size_t nearest_distance(struct slice a, struct slice b)
{
    size_t rows[3][NEAREST_NAME_MAX + 1];
    if (a.size > NEAREST_NAME_MAX || b.size > NEAREST_NAME_MAX)
        return SIZE_MAX;
    for (size_t j = 0; j <= b.size; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= a.size; i++) {
        size_t *row = rows[i % 3];
        const size_t *above = rows[(i - 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= b.size; j++) {
            char left = lower(a.data[i - 1]), right = lower(b.data[j - 1]);
            row[j] = MINIMUM(above[j - 1] + (left != right), MINIMUM(above[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && left == lower(b.data[j - 2]) && right == lower(a.data[i - 2]))
                row[j] = MINIMUM(row[j], rows[(i - 2) % 3][j - 2] + 1);
        }
    }
    return rows[a.size % 3][b.size];
}

size_t nearest_tolerance(size_t size)
{
    return MAXIMUM(size / 3, 1);
}

void nearest_offer(struct nearest *nearest, struct slice candidate)
{
    size_t distance = nearest_distance(nearest->wanted, candidate);
    size_t tolerance = nearest_tolerance(MAXIMUM(nearest->wanted.size, candidate.size));
    if (distance > tolerance || distance >= candidate.size)
        return;
    if (nearest->best.data == NULL || distance < nearest->distance) {
        nearest->best = candidate;
        nearest->distance = distance;
    }
}
