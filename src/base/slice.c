// Comparisons, cutting and numbers on views of bytes.
#include "base/slice.h"

static unsigned char lower(char byte)
{
    unsigned char value = (unsigned char)byte;
    return value >= 'A' && value <= 'Z' ? (unsigned char)(value | 0x20) : value;
}

bool slice_equal_nocase(struct slice a, struct slice b)
{
    if (a.size != b.size)
        return false;
    if (a.size > 0 && memcmp(a.data, b.data, a.size) == 0)
        return true; // as most are that are asked about
    for (size_t i = 0; i < a.size; i++) {
        if (a.data[i] != b.data[i] && lower(a.data[i]) != lower(b.data[i]))
            return false;
    }
    return true;
}

bool slice_starts_with(struct slice slice, struct slice prefix)
{
    return slice.size >= prefix.size && slice_equal(slice_of(slice.data, prefix.size), prefix);
}

bool slice_ends_with(struct slice slice, struct slice suffix)
{
    return slice.size >= suffix.size
        && slice_equal(slice_of(slice.data + (slice.size - suffix.size), suffix.size), suffix);
}

bool slice_contains(struct slice slice, char byte)
{
    return slice.size > 0 && memchr(slice.data, byte, slice.size) != NULL;
}

struct slice slice_trim(struct slice slice)
{
    while (slice.size > 0 && (slice.data[0] == ' ' || slice.data[0] == '\t')) {
        slice.data++;
        slice.size--;
    }
    while (slice.size > 0
        && (slice.data[slice.size - 1] == ' ' || slice.data[slice.size - 1] == '\t'))
        slice.size--;
    return slice;
}

struct slice slice_cut(struct slice *rest, char separator)
{
    struct slice whole = *rest;
    const char *at = whole.size == 0 ? NULL : memchr(whole.data, separator, whole.size);
    if (at == NULL) {
        *rest = SLICE_EMPTY;
        return whole;
    }
    size_t before = (size_t)(at - whole.data);
    *rest = slice_of(at + 1, whole.size - before - 1);
    return slice_of(whole.data, before);
}

bool slice_parse_u64(struct slice slice, uint64_t maximum, uint64_t *ret_value)
{
    const size_t surely_fits = 19; // digits
    if (slice.size == 0)
        return false;
    uint64_t value = 0;
    for (size_t i = 0; i < slice.size; i++) {
        unsigned digit = (unsigned)(unsigned char)slice.data[i] - '0';
        if (digit > 9)
            return false;
        if (i < surely_fits)
            value = value * 10 + digit;
        else if (__builtin_mul_overflow(value, 10, &value)
            || __builtin_add_overflow(value, digit, &value))
            return false;
    }
    if (value > maximum)
        return false;
    *ret_value = value;
    return true;
}

bool slice_parse_hex(struct slice digits, uint8_t *ret_bytes, size_t size)
{
    if (digits.size != 2 * size)
        return false;
    for (size_t i = 0; i < digits.size; i++) {
        int value = slice_hex_value(digits.data[i]);
        if (value < 0 || (digits.data[i] >= 'A' && digits.data[i] <= 'F'))
            return false;
    }
    for (size_t i = 0; i < size; i++)
        ret_bytes[i] = (uint8_t)((unsigned)slice_hex_value(digits.data[2 * i]) << 4
            | (unsigned)slice_hex_value(digits.data[2 * i + 1]));
    return true;
}
