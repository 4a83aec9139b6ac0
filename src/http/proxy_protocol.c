// Both versions begin with twelve bytes at least; by those they are told apart. From there on,
// version 2 says its length, and version 1 is read in steps of what must still come at the least.
#include "http/proxy_protocol.h"
#include "base/invariant.h"

#define START_SIZE 12
#define V2_HEAD_SIZE 16

static const uint8_t v2_signature[START_SIZE] = "\r\n\r\n\0\r\nQUIT\n";

void proxy_reader_init(struct proxy_reader *reader)
{
    memset(reader, 0, sizeof(*reader));
    reader->wanted = START_SIZE;
}

size_t proxy_reader_wants(const struct proxy_reader *reader)
{
    return reader->wanted > 0 ? reader->wanted : MINIMUM(reader->skip, 256);
}

// --- Version 1: PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n ---

static bool begins_with_zero(struct slice port)
{
    return port.size > 1 && port.data[0] == '0';
}

static bool line_address(struct slice host, struct slice port, int family,
    struct address *ret_address)
{
    uint64_t number;
    if (begins_with_zero(port) || !slice_parse_u64(port, UINT16_MAX, &number)
        || slice_contains(host, '['))
        return false;
    return address_parse_host(host, (uint16_t)number, ret_address) == ERROR_NONE
        && ret_address->any.sa_family == family;
}

// The line without its end.
static bool line_read(struct proxy_reader *reader, struct slice line)
{
    struct address source, destination;
    slice_cut(&line, ' ');
    struct slice protocol = slice_cut(&line, ' ');
    if (slice_equal(protocol, SLICE("UNKNOWN")))
        return true; // whatever follows says nothing
    bool is_v4 = slice_equal(protocol, SLICE("TCP4"));
    if (!is_v4 && !slice_equal(protocol, SLICE("TCP6")))
        return false;
    int family = is_v4 ? AF_INET : AF_INET6;
    struct slice source_host = slice_cut(&line, ' '), destination_host = slice_cut(&line, ' '),
        source_port = slice_cut(&line, ' ');
    if (!line_address(source_host, source_port, family, &source)
        || !line_address(destination_host, line, family, &destination))
        return false;
    reader->source = source;
    reader->destination = destination;
    reader->is_known = true;
    return true;
}

// How many bytes a line must still have at the least, by the fields that it has begun: so it is
// read in a few steps and never beyond its end.
static uint16_t line_rest(struct slice line)
{
    static const uint8_t rests[2][6] = {
        // of the fields behind the nth space, with the spaces before them
        {0, 0, 8 + 2 + 2, 2 + 2, 2, 0}, // TCP4: 8 is " 1.1.1.1"
        {0, 0, 3 + 2 + 2, 2 + 2, 2, 0}, // TCP6: 3 is " ::"
    };
    struct slice protocol = line;
    unsigned spaces = 0;
    if (line.data[line.size - 1] == '\r')
        return 1;
    slice_cut(&protocol, ' ');
    protocol = slice_cut(&protocol, ' ');
    bool is_v4 = slice_equal(protocol, SLICE("TCP4"));
    for (size_t i = 0; i < line.size; i++)
        spaces += line.data[i] == ' ';
    if (spaces > 5 || (!is_v4 && !slice_equal(protocol, SLICE("TCP6"))))
        return 2;
    return (uint16_t)(rests[is_v4 ? 0 : 1][spaces] + 2);
}

static enum proxy_progress line_go_on(struct proxy_reader *reader)
{
    struct slice line = slice_of((const char *)reader->bytes, reader->size), inside = line;
    bool ends = slice_ends_with(line, SLICE("\r\n"));
    inside.size -= ends ? 2 : slice_ends_with(line, SLICE("\r"));
    for (size_t i = 0; i < inside.size; i++) {
        if ((uint8_t)inside.data[i] < ' ') // a lone CR or LF ends nothing
            return PROXY_FAULT;
    }
    if (ends)
        return line_read(reader, inside) ? PROXY_DONE : PROXY_FAULT;
    reader->wanted = line_rest(line);
    return reader->size + reader->wanted > PROXY_LINE_MAX ? PROXY_FAULT : PROXY_MORE;
}

// --- Version 2: a binary head, addresses, records ---

static void binary_addresses(struct proxy_reader *reader, int family)
{
    const uint8_t *bytes = reader->bytes + V2_HEAD_SIZE;
    struct address *source = &reader->source, *destination = &reader->destination;
    source->any.sa_family = destination->any.sa_family = (sa_family_t)family;
    if (family == AF_INET) {
        memcpy(&source->v4.sin_addr, bytes, 4);
        memcpy(&destination->v4.sin_addr, bytes + 4, 4);
        memcpy(&source->v4.sin_port, bytes + 8, 2);
        memcpy(&destination->v4.sin_port, bytes + 10, 2);
    } else {
        memcpy(&source->v6.sin6_addr, bytes, 16);
        memcpy(&destination->v6.sin6_addr, bytes + 16, 16);
        memcpy(&source->v6.sin6_port, bytes + 32, 2);
        memcpy(&destination->v6.sin6_port, bytes + 34, 2);
    }
    reader->is_known = true;
}

// Of the addresses that are read; 0: nothing is told, the length says how much to skip.
static bool binary_kind(uint8_t command, uint8_t kind, uint16_t *ret_size)
{
    if (command != 0x20 && command != 0x21)
        return false;
    *ret_size = 0;
    if (command == 0x20)
        return true; // LOCAL: the balancer asks for itself
    switch (kind) {
    case 0x00: case 0x31: break; // unspecified, or a local socket: no address of a visitor
    case 0x11: *ret_size = 12; break;
    case 0x21: *ret_size = 36; break;
    default: return false; // datagrams do not come over a stream
    }
    return true;
}

static enum proxy_progress binary_go_on(struct proxy_reader *reader)
{
    const uint8_t *bytes = reader->bytes;
    uint16_t addresses;
    if (reader->size < V2_HEAD_SIZE) {
        reader->wanted = (uint16_t)(V2_HEAD_SIZE - reader->size);
        return PROXY_MORE;
    }
    if (!binary_kind(bytes[12], bytes[13], &addresses))
        return PROXY_FAULT;
    if (reader->size == V2_HEAD_SIZE) {
        uint16_t length = (uint16_t)(bytes[14] << 8 | bytes[15]);
        if (length < addresses || length > PROXY_REST_MAX)
            return PROXY_FAULT;
        reader->wanted = addresses;
        reader->skip = (uint16_t)(length - addresses);
        return length == 0 ? PROXY_DONE : PROXY_MORE;
    }
    reader->wanted = (uint16_t)(V2_HEAD_SIZE + addresses - reader->size);
    if (reader->wanted > 0)
        return PROXY_MORE;
    binary_addresses(reader, addresses == 12 ? AF_INET : AF_INET6);
    return reader->skip == 0 ? PROXY_DONE : PROXY_MORE;
}

enum proxy_progress proxy_reader_take(struct proxy_reader *reader, const void *bytes, size_t size)
{
    invariant(size > 0 && size <= proxy_reader_wants(reader));
    if (reader->wanted == 0) {
        reader->skip = (uint16_t)(reader->skip - size);
        return reader->skip == 0 ? PROXY_DONE : PROXY_MORE;
    }
    memcpy(reader->bytes + reader->size, bytes, size);
    reader->size = (uint16_t)(reader->size + size);
    reader->wanted = (uint16_t)(reader->wanted - size);
    bool is_binary = reader->bytes[0] == v2_signature[0];
    size_t begun = MINIMUM(reader->size, START_SIZE);
    if (is_binary ? memcmp(reader->bytes, v2_signature, begun) != 0
                  : memcmp(reader->bytes, "PROXY ", MINIMUM(begun, 6)) != 0)
        return PROXY_FAULT;
    if (reader->wanted > 0)
        return PROXY_MORE;
    return is_binary ? binary_go_on(reader) : line_go_on(reader);
}
