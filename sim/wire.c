// Strict where the edge must be strict: CRLF only, no folding, one length, exact chunks.
#include "sim/wire.h"
#include "sim/world.h"

void sim_wire_init(struct sim_wire *wire, struct io_socket *socket, uint64_t wait_ms)
{
    memset(wire, 0, offsetof(struct sim_wire, buffer));
    wire->socket = socket;
    wire->wait_ms = wait_ms;
    wire->begin = wire->end = 0;
    wire->fault = "";
}

static enum error wrong(struct sim_wire *wire, const char *fault)
{
    wire->fault = fault;
    return ERROR_PROTOCOL;
}

static enum error fill(struct task *task, struct sim_wire *wire)
{
    if (wire->begin > 0 && wire->begin == wire->end)
        wire->begin = wire->end = 0;
    if (wire->end == sizeof(wire->buffer) && wire->begin > 0) {
        memmove(wire->buffer, wire->buffer + wire->begin, wire->end - wire->begin);
        wire->end -= wire->begin;
        wire->begin = 0;
    }
    size_t space = sizeof(wire->buffer) - wire->end, taken;
    if (space == 0)
        return wrong(wire, "a head or line that does not end");
    if (wire->read_size != 0)
        space = MINIMUM(space, wire->read_size);
    if (wire->pause_ms != 0) {
        enum error error = task_sleep_until(task, sim_in_ms(task, wire->pause_ms));
        if (error != ERROR_NONE)
            return error;
    }
    enum error error = io_receive(task, wire->socket, wire->buffer + wire->end, space,
        sim_in_ms(task, wire->wait_ms), &taken);
    if (error == ERROR_NONE)
        wire->end += taken;
    return error;
}

// One line without its CRLF, a view into the buffer that the next fill may move.
static enum error read_line(struct task *task, struct sim_wire *wire, struct slice *ret_line)
{
    for (;;) {
        const char *start = wire->buffer + wire->begin;
        size_t size = wire->end - wire->begin;
        const char *newline = size == 0 ? NULL : memchr(start, '\n', size);
        if (newline != NULL) {
            size_t line = (size_t)(newline - start);
            if (line == 0 || start[line - 1] != '\r')
                return wrong(wire, "a line that ends in a bare LF");
            if (memchr(start, '\r', line - 1) != NULL)
                return wrong(wire, "a bare CR");
            wire->begin += line + 1;
            *ret_line = slice_of(start, line - 1);
            return ERROR_NONE;
        }
        enum error error = fill(task, wire);
        if (error != ERROR_NONE)
            return error == ERROR_CLOSED && size > 0 ? ERROR_TRUNCATED : error;
    }
}

static bool keep_line(struct sim_head *head, struct slice line, struct slice *ret_kept)
{
    if (line.size > sizeof(head->text) - head->size)
        return false;
    memcpy(head->text + head->size, line.data, line.size);
    *ret_kept = slice_of(head->text + head->size, line.size);
    head->size += line.size;
    return true;
}

static bool is_name(struct slice name)
{
    for (size_t i = 0; i < name.size; i++) {
        unsigned char byte = (unsigned char)name.data[i];
        if (byte <= ' ' || byte >= 127 || strchr("\"(),/:;<=>?@[\\]{}", byte) != NULL)
            return false;
    }
    return name.size > 0;
}

static const char *keep_field(struct sim_head *head, struct slice line)
{
    struct slice value = line, name = slice_cut(&value, ':');
    if (value.data == NULL || !is_name(name))
        return "a malformed field line";
    for (size_t i = 0; i < value.size; i++) {
        unsigned char byte = (unsigned char)value.data[i];
        if ((byte < ' ' && byte != '\t') || byte == 127)
            return "a control character in a field value";
    }
    if (head->count == SIM_WIRE_FIELDS)
        return "too many fields";
    head->fields[head->count++] = (struct sim_field){name, slice_trim(value)};
    return NULL;
}

enum error sim_wire_head(struct task *task, struct sim_wire *wire, struct sim_head *ret_head)
{
    struct slice line, kept;
    ret_head->size = ret_head->count = 0;
    enum error error = read_line(task, wire, &line);
    if (error != ERROR_NONE)
        return error;
    if (!keep_line(ret_head, line, &kept))
        return wrong(wire, "a first line that is too long");
    ret_head->line[0] = slice_cut(&kept, ' ');
    ret_head->line[1] = slice_cut(&kept, ' ');
    ret_head->line[2] = kept;
    if (kept.data == NULL)
        return wrong(wire, "a malformed first line");
    for (;;) {
        error = read_line(task, wire, &line);
        if (error != ERROR_NONE)
            return error == ERROR_CLOSED ? ERROR_TRUNCATED : error;
        if (line.size == 0)
            return ERROR_NONE;
        if (!keep_line(ret_head, line, &kept))
            return wrong(wire, "a head that is too large");
        const char *fault = keep_field(ret_head, kept);
        if (fault != NULL)
            return wrong(wire, fault);
    }
}

static enum error take_content(struct task *task, struct sim_wire *wire, uint64_t length,
    enum error (*take)(void *argument, struct slice bytes), void *argument)
{
    while (length > 0) {
        if (wire->begin == wire->end) {
            enum error error = fill(task, wire);
            if (error != ERROR_NONE)
                return error == ERROR_CLOSED ? ERROR_TRUNCATED : error;
        }
        size_t size = (size_t)MINIMUM(length, (uint64_t)(wire->end - wire->begin));
        enum error error = take(argument, slice_of(wire->buffer + wire->begin, size));
        if (error != ERROR_NONE)
            return error;
        wire->begin += size;
        length -= size;
    }
    return ERROR_NONE;
}

static enum error take_until_close(struct task *task, struct sim_wire *wire,
    enum error (*take)(void *argument, struct slice bytes), void *argument)
{
    for (;;) {
        enum error error = wire->begin == wire->end ? fill(task, wire) : ERROR_NONE;
        if (error == ERROR_CLOSED)
            return ERROR_NONE;
        if (error == ERROR_NONE)
            error = take(argument, slice_of(wire->buffer + wire->begin, wire->end - wire->begin));
        if (error != ERROR_NONE)
            return error;
        wire->begin = wire->end;
    }
}

static bool parse_hex(struct slice text, uint64_t *ret_value)
{
    uint64_t value = 0;
    for (size_t i = 0; i < text.size; i++) {
        static const char digits[] = "0123456789abcdef0123456789ABCDEF";
        const char *digit = text.data[i] == '\0' ? NULL : strchr(digits, text.data[i]);
        if (digit == NULL || value > UINT64_MAX >> 8)
            return false;
        value = value * 16 + (uint64_t)(digit - digits) % 16;
    }
    *ret_value = value;
    return text.size > 0;
}

static enum error take_trailer(struct task *task, struct sim_wire *wire)
{
    struct slice line;
    struct text text = text_in(wire->trailer, sizeof(wire->trailer));
    do {
        enum error error = read_line(task, wire, &line);
        if (error != ERROR_NONE)
            return error == ERROR_CLOSED ? ERROR_TRUNCATED : error;
        text_append(&text, line);
        text_append(&text, line.size > 0 ? SLICE("\n") : SLICE(""));
    } while (line.size > 0);
    wire->trailer_size = text.size;
    return ERROR_NONE;
}

static enum error take_chunks(struct task *task, struct sim_wire *wire,
    enum error (*take)(void *argument, struct slice bytes), void *argument)
{
    struct slice line;
    for (;;) {
        uint64_t size;
        enum error error = read_line(task, wire, &line);
        if (error != ERROR_NONE)
            return error == ERROR_CLOSED ? ERROR_TRUNCATED : error;
        if (!parse_hex(line, &size))
            return wrong(wire, "a malformed chunk size");
        if (size == 0)
            break;
        error = take_content(task, wire, size, take, argument);
        if (error == ERROR_NONE)
            error = read_line(task, wire, &line);
        if (error != ERROR_NONE)
            return error == ERROR_CLOSED ? ERROR_TRUNCATED : error;
        if (line.size != 0)
            return wrong(wire, "a chunk that does not end with its size");
    }
    return take_trailer(task, wire);
}

enum error sim_wire_body(struct task *task, struct sim_wire *wire, enum sim_framing framing,
    uint64_t length, enum error (*take)(void *argument, struct slice bytes), void *argument)
{
    switch (framing) {
    case SIM_FRAMING_NONE:
        return ERROR_NONE;
    case SIM_FRAMING_LENGTH:
        return take_content(task, wire, length, take, argument);
    case SIM_FRAMING_CHUNKED:
        return take_chunks(task, wire, take, argument);
    case SIM_FRAMING_CLOSE:
        return take_until_close(task, wire, take, argument);
    }
    return ERROR_INVALID;
}

enum error sim_wire_send(struct task *task, struct sim_wire *wire, struct slice bytes)
{
    if (bytes.size == 0)
        return ERROR_NONE;
    struct iovec piece = {(void *)(uintptr_t)bytes.data, bytes.size};
    return io_send(task, wire->socket, &piece, 1, wire->wait_ms, NULL);
}

struct slice sim_head_value(const struct sim_head *head, const char *name, size_t *ret_count)
{
    struct slice value = SLICE_EMPTY;
    size_t count = 0;
    for (size_t i = 0; i < head->count; i++) {
        if (slice_equal_nocase(head->fields[i].name, slice_from_string(name)) && count++ == 0)
            value = head->fields[i].value;
    }
    if (ret_count != NULL)
        *ret_count = count;
    return value;
}

uint64_t sim_head_number(const struct sim_head *head, const char *name, uint64_t fallback)
{
    uint64_t value;
    return slice_parse_u64(sim_head_value(head, name, NULL), UINT64_MAX, &value) ? value : fallback;
}

bool sim_head_framing(const struct sim_head *head, enum sim_framing otherwise,
    enum sim_framing *ret_framing, uint64_t *ret_length)
{
    size_t lengths, codings;
    struct slice length = sim_head_value(head, "content-length", &lengths);
    struct slice coding = sim_head_value(head, "transfer-encoding", &codings);
    if (lengths + codings > 1)
        return false;
    *ret_length = 0;
    if (codings == 1) {
        *ret_framing = SIM_FRAMING_CHUNKED;
        return slice_equal_nocase(coding, SLICE("chunked"));
    }
    *ret_framing = lengths == 1 ? SIM_FRAMING_LENGTH : otherwise;
    return lengths == 0 || slice_parse_u64(length, UINT64_MAX, ret_length);
}

bool sim_head_range(const struct sim_head *head, const char *etag, uint64_t size,
    uint64_t *ret_first, uint64_t *ret_end)
{
    struct slice range = sim_head_value(head, "range", NULL);
    struct slice if_range = sim_head_value(head, "if-range", NULL);
    if (!slice_starts_with(range, SLICE("bytes=")) ||
        (if_range.data != NULL && !slice_equal(if_range, slice_from_string(etag))))
        return false;
    struct slice last = slice_of(range.data + 6, range.size - 6), first = slice_cut(&last, '-');
    uint64_t from, to = size - 1;
    if (!slice_parse_u64(first, UINT64_MAX, &from) || from >= size ||
        (last.size > 0 && !slice_parse_u64(last, UINT64_MAX, &to)) || to < from)
        return false;
    *ret_first = from;
    *ret_end = MINIMUM(to + 1, size);
    return true;
}
