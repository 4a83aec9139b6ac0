// Segments that anybody may have written, with right checksums: nothing in them may lead the reader
// astray, and what it finds is what was asked for. Of an image alone, too.
#include "base/invariant.h"
#include "base/log.h"
#include "base/memory.h"
#include "cache/cache.h"
#include "cache/store.h"
#include "cache/store_record.h"
#include "http/http1.h"
#include "sim/disk.h"

#include <stdlib.h>
#include <string.h>

#define SEED 7
#define KEYS 3
#define NOW_NS (1000 * NS_PER_SECOND)
#define WALL_MS INT64_C(1750000000000)
#define SEGMENT_MOST 300000

int LLVMFuzzerInitialize(int *count, char ***arguments);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
    const uint8_t *data;
    size_t size;
};

static uint64_t draw(struct input *input, size_t bytes)
{
    uint64_t value = 0;
    for (size_t i = 0; i < bytes; i++) {
        value = value << 8 | (input->size > 0 ? *input->data : 0);
        input->data += input->size > 0;
        input->size -= input->size > 0;
    }
    return value;
}

static struct slice key_of(unsigned number)
{
    static const char keys[KEYS][24] = {"s\0http://a.test/0", "s\0http://a.test/1",
        "s\0https://b.test/"};
    return slice_of(keys[number % KEYS], 2 + strlen(keys[number % KEYS] + 2));
}

static const char lines[] = "Content-Type: text/html\r\nETag: \"1\"\r\n";

// As object_image.c writes them, for fresh ones without selectors and tags.
static size_t write_image(char *image, unsigned number)
{
    struct slice key = key_of(number);
    uint32_t head[10] = {200, 0, 60, 0, 1000000, (uint32_t)key.size, 0, sizeof(lines) - 1, 0, 0};
    uint64_t times[2] = {UINT64_MAX, WALL_MS};
    memcpy(image, head, sizeof(head));
    memcpy(image + sizeof(head), times, sizeof(times));
    memcpy(image + sizeof(head) + sizeof(times), key.data, key.size);
    memcpy(image + sizeof(head) + sizeof(times) + key.size, lines, sizeof(lines) - 1);
    return sizeof(head) + sizeof(times) + key.size + sizeof(lines) - 1;
}

struct segment_text {
    char bytes[SEGMENT_MOST];
    struct record_header headers[64];
    size_t size, count;
};

static void add(struct segment_text *segment, const void *bytes, size_t size)
{
    size = MINIMUM(size, SEGMENT_MOST - segment->size);
    memcpy(segment->bytes + segment->size, bytes, size);
    segment->size += size;
}

static void add_record(struct segment_text *segment, uint64_t sequence, struct input *input)
{
    static char head[70000], content[70000];
    unsigned number = (unsigned)draw(input, 1);
    uint64_t choice = draw(input, 1);
    size_t content_size = (choice & 1) != 0 ? draw(input, 2) : 100;
    size_t head_size = write_image(head, number);
    uint64_t hash = hash_bytes(slice_of(content, content_size), 0);
    memcpy(head + head_size, &hash, content_size == 0 ? 0 : sizeof(hash));
    head_size += content_size == 0 ? 0 : sizeof(hash);
    for (uint64_t changes = choice >> 1 & 3; changes > 0; changes--)
        head[draw(input, 1) % head_size] = (char)draw(input, 1);
    struct record_header header = {.sequence = sequence, .offset = (uint32_t)segment->size,
        .kind = (choice & 8) != 0 ? (uint32_t)draw(input, 1) % 5 : RECORD_OBJECT,
        .synced = (choice & 16) != 0 ? (uint32_t)draw(input, 3) : 0, .flags = RECORD_HAS_BODY,
        .key_hash = hash_bytes(key_of(number), SEED), .url_hash = draw(input, 1),
        .variant = hash_bytes(SLICE_EMPTY, 0), .body_sequence = sequence,
        .body_offset = (uint32_t)segment->size, .head_size = (uint32_t)head_size,
        .body_size = content_size, .head_hash = hash_bytes(slice_of(head, head_size), 0)};
    if ((choice & 32) != 0) { // any member anything
        uint64_t at = draw(input, 1) % (sizeof(header) - sizeof(uint64_t));
        uint64_t value = draw(input, 8);
        memcpy((char *)&header + at, &value, sizeof(value));
    }
    record_header_seal(&header, SEED);
    if (segment->count < ARRAY_SIZE(segment->headers))
        segment->headers[segment->count++] = header;
    add(segment, &header, sizeof(header));
    add(segment, head, head_size);
    add(segment, content, content_size);
    add(segment, content, record_align(segment->size) - segment->size);
}

static void add_footer(struct segment_text *segment, uint64_t sequence, struct input *input)
{
    size_t size = segment->count * sizeof(struct record_header);
    struct segment_trailer trailer = {.sequence = sequence, .count = segment->count,
        .offset = segment->size,
        .hash = hash_bytes(slice_of((const char *)segment->headers, size), 0)};
    uint64_t choice = draw(input, 1);
    if ((choice & 1) != 0)
        trailer.count = draw(input, 8);
    if ((choice & 2) != 0)
        trailer.offset = draw(input, 8);
    segment_trailer_seal(&trailer);
    add(segment, segment->headers, size);
    add(segment, &trailer, sizeof(trailer));
}

static void write_segment(struct disk *disk, uint64_t sequence, struct input *input)
{
    static struct segment_text segment;
    struct segment_header header = {.sequence = sequence, .owner = 1, .seed = SEED};
    segment.size = segment.count = 0;
    segment_header_seal(&header);
    add(&segment, &header, sizeof(header));
    uint64_t choice = draw(input, 1);
    for (uint64_t records = choice >> 4; records > 0; records--)
        add_record(&segment, sequence, input);
    if ((choice & 1) != 0)
        add_footer(&segment, sequence, input);
    enum error error = disk->operations->write(disk, sequence, 0, segment.bytes, segment.size);
    invariant(error == ERROR_NONE);
}

static void look_at(struct cache *cache, unsigned number)
{
    struct http_field items[8];
    struct http_request_head head = {.fields = {.items = items, .capacity = 8}};
    struct cache_key key = cache_key_of(cache, key_of(number));
    if (cache_may_recall(cache, &key))
        cache_recall(cache, &key, &head.fields, NOW_NS, WALL_MS);
    struct object *object = cache_lookup(cache, &key, &head.fields);
    if (object == NULL)
        return;
    invariant(slice_equal(object_key(object), key.text));
    struct slice rest = object_fields(object), bytes;
    struct http_field field;
    while (object_next_field(&rest, &field))
        ;
    struct body_reader reader = {0};
    if (object->body != NULL)
        body_reader_open(&reader, object->body, 0);
    while (object->body != NULL && body_reader_peek(&reader, &bytes) == ERROR_NONE)
        body_reader_advance(&reader, bytes.size);
    body_reader_close(&reader);
    object_release(object);
}

static void live(struct disk *disk)
{
    struct cache_settings cache_settings = {.memory = 1 << 20};
    struct store_settings settings = {
        .disk = STORE_DISK_LEAST, .write_budget = 1 << 20, .owner = 1, .seed = SEED};
    struct cache *cache = cache_create(&cache_settings, 1);
    struct store *store;
    invariant(cache != NULL && store_open(disk, &settings, &store) == ERROR_NONE);
    cache_use_store(cache, store);
    for (unsigned number = 0; number < KEYS; number++)
        look_at(cache, number);
    struct purge purge = {.kind = PURGE_PREFIX, .what = SLICE("https://b.test/"), .hard = true};
    cache_purge(cache, &purge);
    invariant(store_settle(store) == ERROR_NONE);
    store_close(store, cache, NOW_NS, WALL_MS);
    cache_destroy(cache);
}

int LLVMFuzzerInitialize(int *count, char ***arguments)
{
    (void)count;
    (void)arguments;
    enum error error = log_open("/dev/null", LOG_ERROR);
    invariant(error == ERROR_NONE);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {data, size};
    object_release(
        object_from_image(slice_of((const char *)data, size), 1, NOW_NS, WALL_MS, NULL));
    struct sim_disk *disk = sim_disk_create(1);
    for (uint64_t sequence = 1; sequence <= 3; sequence++)
        write_segment(sim_disk_of(disk), sequence, &input);
    live(sim_disk_of(disk));
    live(sim_disk_of(disk));
    sim_disk_destroy(disk);
    return 0;
}
