// The table behind characters.h.
#include "http/characters.h"

#define T HTTP_CHARACTER_TOKEN
#define V HTTP_CHARACTER_VALUE
#define P HTTP_CHARACTER_PATH
#define Q HTTP_CHARACTER_QUERY
#define H HTTP_CHARACTER_HOST
#define X HTTP_CHARACTER_HEX
#define E HTTP_CHARACTER_ETAG
#define L HTTP_CHARACTER_LOWER_TOKEN

const uint8_t http_characters[256] = {
    ['\t'] = V,
    [' '] = V,
    ['!'] = T | L | V | P | Q | E,
    ['"'] = V,
    ['#'] = T | L | V | E,
    ['$' ... '\''] = T | L | V | P | Q | E,
    ['(' ... ')'] = V | P | Q | E,
    ['*' ... '+'] = T | L | V | P | Q | E,
    [','] = V | P | Q | E,
    ['-' ... '.'] = T | L | V | P | Q | H | E,
    ['/'] = V | P | Q | E,
    ['0' ... '9'] = T | L | V | P | Q | H | X | E,
    [':' ... ';'] = V | P | Q | E,
    ['<'] = V | E,
    ['='] = V | P | Q | E,
    ['>'] = V | E,
    ['?'] = V | Q | E,
    ['@'] = V | P | Q | E,
    ['A' ... 'F'] = T | V | P | Q | H | X | E,
    ['G' ... 'Z'] = T | V | P | Q | H | E,
    ['['] = V | P | Q | E,
    ['\\'] = V | Q | E,
    [']'] = V | P | Q | E,
    ['^'] = T | L | V | P | Q | E,
    ['_'] = T | L | V | P | Q | H | E,
    ['`'] = T | L | V | P | Q | E,
    ['a' ... 'f'] = T | L | V | P | Q | H | X | E,
    ['g' ... 'z'] = T | L | V | P | Q | H | E,
    ['{'] = V | P | Q | E,
    ['|'] = T | L | V | P | Q | E,
    ['}'] = V | P | Q | E,
    ['~'] = T | L | V | P | Q | H | E,
    [0x80 ... 0xff] = V | E,
};
