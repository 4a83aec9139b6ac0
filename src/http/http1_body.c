// Bodies by length, in chunks (RFC 9112 section 7), or to the end of the connection. Chunk lines
// and trailers go through a state machine byte by byte, content passes as views, never copied.
#include "base/memory.h"
#include "http/characters.h"
#include "http/http1.h"

#define CHUNK_DIGITS_MAX 16

enum state {
    STATE_SIZE_FIRST, // of a chunk: at least one digit
    STATE_SIZE,
    STATE_EXTENSION_NAME_FIRST, // after ';'
    STATE_EXTENSION_NAME,
    STATE_EXTENSION_VALUE_FIRST, // after '='
    STATE_EXTENSION_TOKEN,
    STATE_EXTENSION_QUOTED,
    STATE_EXTENSION_ESCAPED, // after '\' in a quoted string
    STATE_EXTENSION_QUOTED_END,
    STATE_SIZE_LF,
    STATE_DATA,
    STATE_DATA_CR,
    STATE_DATA_LF,
    STATE_TRAILER_FIRST, // of a trailer line
    STATE_TRAILER_NAME,
    STATE_TRAILER_VALUE,
    STATE_TRAILER_LF,
    STATE_END_LF,
    STATE_END,
    STATE_REFUSED,
};

void http1_body_init(struct http1_body *body, enum http_framing framing, uint64_t content_length)
{
    *body = (struct http1_body){.framing = framing};
    if (framing == HTTP_FRAMING_LENGTH)
        body->left = content_length;
    body->done = framing == HTTP_FRAMING_NONE
        || (framing == HTTP_FRAMING_LENGTH && content_length == 0);
}

// What may follow a complete size, extension name or extension value. No space anywhere: the
// grammar calls it bad whitespace, and parsers have disagreed about it.
static enum state after_part(char byte)
{
    if (byte == ';')
        return STATE_EXTENSION_NAME_FIRST;
    return byte == '\r' ? STATE_SIZE_LF : STATE_REFUSED;
}

static enum state size_step(struct http1_body *body, char byte)
{
    int digit = slice_hex_value(byte);
    if (digit < 0)
        return body->state == STATE_SIZE_FIRST ? STATE_REFUSED : after_part(byte);
    if (body->line_size > CHUNK_DIGITS_MAX || body->left > (uint64_t)INT64_MAX >> 4)
        return STATE_REFUSED;
    body->left = body->left << 4 | (unsigned)digit;
    return STATE_SIZE;
}

static enum state extension_step(enum state state, char byte)
{
    bool token = http_character_is(byte, HTTP_CHARACTER_TOKEN);
    bool value = http_character_is(byte, HTTP_CHARACTER_VALUE);
    if (state == STATE_EXTENSION_NAME_FIRST)
        return token ? STATE_EXTENSION_NAME : STATE_REFUSED;
    if (state == STATE_EXTENSION_NAME && byte == '=')
        return STATE_EXTENSION_VALUE_FIRST;
    if (state == STATE_EXTENSION_VALUE_FIRST && byte == '"')
        return STATE_EXTENSION_QUOTED;
    if (state == STATE_EXTENSION_VALUE_FIRST)
        return token ? STATE_EXTENSION_TOKEN : STATE_REFUSED;
    if (state == STATE_EXTENSION_QUOTED && byte == '"')
        return STATE_EXTENSION_QUOTED_END;
    if (state == STATE_EXTENSION_QUOTED && byte == '\\')
        return STATE_EXTENSION_ESCAPED;
    if (state == STATE_EXTENSION_QUOTED || state == STATE_EXTENSION_ESCAPED)
        return value ? STATE_EXTENSION_QUOTED : STATE_REFUSED;
    if (token && state != STATE_EXTENSION_QUOTED_END)
        return state;
    return after_part(byte);
}

static enum state trailer_step(enum state state, char byte)
{
    if (state == STATE_TRAILER_VALUE) {
        if (byte == '\r')
            return STATE_TRAILER_LF;
        return http_character_is(byte, HTTP_CHARACTER_VALUE) ? state : STATE_REFUSED;
    }
    if (state == STATE_TRAILER_FIRST && byte == '\r')
        return STATE_END_LF;
    if (state == STATE_TRAILER_NAME && byte == ':')
        return STATE_TRAILER_VALUE;
    return http_character_is(byte, HTTP_CHARACTER_TOKEN) ? STATE_TRAILER_NAME : STATE_REFUSED;
}

static enum state newline_step(enum state state, char byte, uint64_t chunk_size)
{
    if (state == STATE_DATA_CR)
        return byte == '\r' ? STATE_DATA_LF : STATE_REFUSED;
    if (byte != '\n')
        return STATE_REFUSED;
    if (state == STATE_DATA_LF)
        return STATE_SIZE_FIRST;
    if (state == STATE_SIZE_LF)
        return chunk_size > 0 ? STATE_DATA : STATE_TRAILER_FIRST;
    return state == STATE_END_LF ? STATE_END : STATE_TRAILER_FIRST;
}

// One byte of chunk framing.
static enum state step(struct http1_body *body, char byte)
{
    enum state state = (enum state)body->state;
    switch (state) {
    case STATE_SIZE_FIRST:
    case STATE_SIZE:
        return size_step(body, byte);
    case STATE_EXTENSION_NAME_FIRST:
    case STATE_EXTENSION_NAME:
    case STATE_EXTENSION_VALUE_FIRST:
    case STATE_EXTENSION_TOKEN:
    case STATE_EXTENSION_QUOTED:
    case STATE_EXTENSION_ESCAPED:
    case STATE_EXTENSION_QUOTED_END:
        return extension_step(state, byte);
    case STATE_SIZE_LF:
    case STATE_DATA_CR:
    case STATE_DATA_LF:
    case STATE_TRAILER_LF:
    case STATE_END_LF:
        return newline_step(state, byte, body->left);
    case STATE_TRAILER_FIRST:
    case STATE_TRAILER_NAME:
    case STATE_TRAILER_VALUE:
        return trailer_step(state, byte);
    case STATE_DATA:
    case STATE_END:
    case STATE_REFUSED:
        break;
    }
    return STATE_REFUSED;
}

static bool is_trailer(unsigned state)
{
    return state >= STATE_TRAILER_FIRST && state <= STATE_END_LF;
}

#define TRAILER_AT_FIRST 256

static void keep_trailer(struct http1_trailer *trailer, char byte)
{
    if (trailer->size == trailer->capacity && !trailer->failed) {
        size_t capacity = MAXIMUM(trailer->capacity * 2, (size_t)TRAILER_AT_FIRST);
        char *bytes = memory_resize(trailer->bytes, capacity);
        trailer->failed = bytes == NULL;
        if (bytes != NULL) {
            trailer->bytes = bytes;
            trailer->capacity = capacity;
        }
    }
    if (trailer->failed)
        trailer->size = 0;
    else
        trailer->bytes[trailer->size++] = byte;
}

// Counts the byte against its limit, then steps. False: refused.
static bool take_framing_byte(struct http1_body *body, const struct http1_limits *limits, char byte)
{
    bool trailer = is_trailer(body->state);
    bool chunk_line = body->state <= STATE_EXTENSION_QUOTED_END;
    enum state next = STATE_REFUSED;
    if (trailer)
        body->trailer_size++;
    else if (chunk_line && byte != '\r')
        body->line_size++;
    if (body->trailer_size <= limits->trailer_size && body->line_size <= limits->chunk_line_size)
        next = step(body, byte);
    if (next == STATE_REFUSED) {
        body->fault = trailer ? HTTP1_FAULT_TRAILER : HTTP1_FAULT_CHUNK;
        return false;
    }
    if (trailer && body->trailer != NULL)
        keep_trailer(body->trailer, byte);
    if (next == STATE_SIZE_FIRST)
        body->line_size = 0;
    body->state = next;
    body->done = next == STATE_END;
    return true;
}

static enum http1_progress read_chunked(struct http1_body *body, struct slice bytes,
    const struct http1_limits *limits, size_t *ret_used, struct slice *ret_content)
{
    size_t at = 0;
    while (at < bytes.size && !body->done) {
        if (body->state == STATE_DATA) {
            size_t size = (size_t)MINIMUM(body->left, bytes.size - at);
            *ret_content = slice_of(bytes.data + at, size);
            *ret_used = at + size;
            body->left -= size;
            if (body->left == 0)
                body->state = STATE_DATA_CR;
            return HTTP1_MORE;
        }
        if (!take_framing_byte(body, limits, bytes.data[at])) {
            *ret_used = at;
            return HTTP1_FAULT;
        }
        at++;
    }
    *ret_used = at;
    return body->done ? HTTP1_DONE : HTTP1_MORE;
}

enum http1_progress http1_body_read(struct http1_body *body, struct slice bytes,
    const struct http1_limits *limits, size_t *ret_used, struct slice *ret_content)
{
    *ret_used = 0;
    *ret_content = SLICE_EMPTY;
    if (body->fault != HTTP1_FAULT_NONE)
        return HTTP1_FAULT;
    if (body->done)
        return HTTP1_DONE;
    switch (body->framing) {
    case HTTP_FRAMING_NONE:
        break;
    case HTTP_FRAMING_LENGTH:
        bytes.size = (size_t)MINIMUM(body->left, bytes.size);
        body->left -= bytes.size;
        body->done = body->left == 0;
        *ret_used = bytes.size;
        *ret_content = bytes;
        break;
    case HTTP_FRAMING_CHUNKED:
        return read_chunked(body, bytes, limits, ret_used, ret_content);
    case HTTP_FRAMING_CLOSE:
        *ret_used = bytes.size;
        *ret_content = bytes;
        break;
    }
    return body->done ? HTTP1_DONE : HTTP1_MORE;
}

enum http1_progress http1_body_end(const struct http1_body *body)
{
    if (body->fault != HTTP1_FAULT_NONE)
        return HTTP1_FAULT;
    return body->done || body->framing == HTTP_FRAMING_CLOSE ? HTTP1_DONE : HTTP1_MORE;
}

uint64_t http1_body_remaining(const struct http1_body *body)
{
    if (body->done)
        return 0;
    return body->framing == HTTP_FRAMING_LENGTH ? body->left : UINT64_MAX;
}

size_t http1_chunk_line(char *buffer, uint64_t size)
{
    unsigned digits = size == 0 ? 1 : (unsigned)(67 - __builtin_clzll(size)) / 4;
    for (unsigned i = 0; i < digits; i++)
        buffer[i] = "0123456789abcdef"[size >> (4 * (digits - 1 - i)) & 15];
    buffer[digits] = '\r';
    buffer[digits + 1] = '\n';
    return digits + 2;
}
