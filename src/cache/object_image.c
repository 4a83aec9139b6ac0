// An object's head as bytes for the disk, and back. What comes back was checked against a checksum,
// but not by whom it was written: nothing in it is believed that could lead a reader astray.
#include "cache/object.h"
#include "base/memory.h"
#include "cache/selector.h"

#define AGE_IN_SECONDS (UINT32_C(1) << 31)
#define FLAG_PURGED 0x8000u

// Then the tags, the key, the selectors and the fields. As the processor has it: the store's
// magic number tells whose that was.
struct image {
    uint16_t status, flags;
    uint32_t initial_age, lifetime_s, while_revalidate_s, stale_s; // as in struct object
    uint32_t key_size, selectors_size, fields_size, tag_count;
    uint32_t unused;
    uint64_t content_length;
    int64_t stored_wall_ms;
};

static const char *text_of(const struct object *object)
{
    return (const char *)(object->tags + object->tag_count);
}

static size_t text_size(const struct object *object)
{
    return (size_t)object->key_size + object->selectors_size + object->fields_size;
}

size_t object_image_size(const struct object *object)
{
    return sizeof(struct image) + object->tag_count * sizeof(uint32_t) + text_size(object);
}

void object_image_write(
    const struct object *object, uint64_t now_ns, int64_t wall_ms, char *ret_image)
{
    uint64_t since_ms = now_ns > object->stored_ns ? (now_ns - object->stored_ns) / NS_PER_MS : 0;
    bool purged = atomic_load_explicit(&object->purged, memory_order_relaxed);
    struct image image = {
        .status = object->status,
        .flags = (uint16_t)(object_flags(object) | (purged ? FLAG_PURGED : 0u)),
        .initial_age = object->initial_age,
        .lifetime_s = object->lifetime_s,
        .while_revalidate_s = object->while_revalidate_s,
        .stale_s = object->stale_s,
        .key_size = object->key_size,
        .selectors_size = object->selectors_size,
        .fields_size = object->fields_size,
        .tag_count = object->tag_count,
        .content_length = object->content_length,
        .stored_wall_ms = wall_ms - (int64_t)since_ms,
    };
    size_t tags_size = object->tag_count * sizeof(uint32_t);
    memcpy(ret_image, &image, sizeof(image));
    if (tags_size > 0)
        memcpy(ret_image + sizeof(image), object->tags, tags_size);
    memcpy(ret_image + sizeof(image) + tags_size, text_of(object), text_size(object));
}

// --- Back ---

static bool read_image(struct slice bytes, struct image *ret_image, struct slice *ret_text)
{
    if (bytes.size < sizeof(*ret_image))
        return false;
    memcpy(ret_image, bytes.data, sizeof(*ret_image));
    const struct image *image = ret_image;
    uint64_t tags_size = (uint64_t)image->tag_count * sizeof(uint32_t);
    uint64_t size = (uint64_t)image->key_size + image->selectors_size + image->fields_size;
    if (bytes.size - sizeof(*image) != tags_size + size || image->key_size == 0
        || image->status < 100 || image->status > 999 || image->tag_count > UINT16_MAX)
        return false;
    *ret_text = slice_of(bytes.data + sizeof(*image) + tags_size, size);
    return true;
}

struct slice object_image_key(struct slice bytes)
{
    struct image image;
    struct slice text;
    return read_image(bytes, &image, &text) ? slice_of(text.data, image.key_size) : SLICE_EMPTY;
}

static bool are_lines(struct slice fields)
{
    while (fields.size > 0) {
        const char *end = memchr(fields.data, '\r', fields.size);
        if (end == NULL || end + 1 == fields.data + fields.size || end[1] != '\n'
            || memchr(fields.data, ':', (size_t)(end - fields.data)) == NULL)
            return false;
        fields = slice_of(end + 2, fields.size - (size_t)(end + 2 - fields.data));
    }
    return true;
}

static bool are_selectors(struct slice block)
{
    size_t ends = 0;
    for (size_t i = 0; i < block.size; i++)
        ends += block.data[i] == '\0';
    return ends % 2 == 0 && ends / 2 <= SELECTOR_NAMES_MAX
        && (block.size == 0 || block.data[block.size - 1] == '\0');
}

static uint32_t pack_age(uint64_t ms)
{
    if (ms < AGE_IN_SECONDS)
        return (uint32_t)ms;
    return AGE_IN_SECONDS | (uint32_t)MINIMUM(ms / 1000, AGE_IN_SECONDS - 1);
}

// The age by the wall clock. The loops' clock may have begun after the object was stored: then that
// part is added to the age it came with. If the wall clock was set back, nobody knows the age: it
// counts as used up.
static void set_times(struct object *object, const struct image *image, uint64_t now_ns,
    int64_t wall_ms)
{
    uint64_t age_ms = image->initial_age < AGE_IN_SECONDS
        ? image->initial_age : (uint64_t)(image->initial_age & ~AGE_IN_SECONDS) * 1000;
    uint64_t since_ms = 0;
    if (wall_ms >= image->stored_wall_ms)
        since_ms = (uint64_t)wall_ms - (uint64_t)image->stored_wall_ms;
    else
        object->purged = true;
    uint64_t by_clock_ms = MINIMUM(since_ms, now_ns / NS_PER_MS);
    object->stored_ns = now_ns - by_clock_ms * NS_PER_MS;
    object->initial_age = pack_age(age_ms + (since_ms - by_clock_ms));
}

struct object *object_from_image(struct slice bytes, uint64_t key_hash, uint64_t now_ns,
    int64_t wall_ms, struct body *body)
{
    struct image image;
    struct slice text;
    struct object *object = NULL;
    if (read_image(bytes, &image, &text)
        && are_selectors(slice_of(text.data + image.key_size, image.selectors_size))
        && are_lines(slice_of(text.data + image.key_size + image.selectors_size,
            image.fields_size)))
        object = memory_alloc(bytes.size - sizeof(image) + sizeof(*object));
    if (object == NULL) {
        body_release(body);
        return NULL;
    }
    *object = (struct object){
        .references = 1,
        .status = image.status,
        .storable = true,
        .purged = (image.flags & FLAG_PURGED) != 0,
        .lifetime_s = image.lifetime_s,
        .while_revalidate_s = image.while_revalidate_s,
        .stale_s = image.stale_s,
        .content_length = image.content_length,
        .body = body,
        .key_size = image.key_size,
        .selectors_size = image.selectors_size,
        .fields_size = image.fields_size,
        .tag_count = (uint16_t)image.tag_count,
        .entry = {.hash = key_hash, .owners = image.flags & OBJECT_FLAGS},
    };
    set_times(object, &image, now_ns, wall_ms);
    // Tags and texts lie one behind the other there too.
    memcpy(object->tags, bytes.data + sizeof(image), bytes.size - sizeof(image));
    return object;
}
