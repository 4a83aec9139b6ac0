// Which ranges, how long they come to, and the parts one after another.
#include "edge/multipart.h"
#include "edge/delivery.h"

#define PART_HEAD_SIZE 512
#define TYPE_SIZE_MOST 256
#define CONTENT_STALL_MS 1000 // the content is there

// Nobody could have known it when the content was made.
static void append_boundary(struct text *text, const struct request *request)
{
    text_append(text, SLICE("afloat-"));
    text_append_hex(text, request->id, REQUEST_ID_DIGITS);
}

static void append_part_head(struct text *text, const struct request *request,
    const struct multipart *multipart, const struct http_byte_range *range)
{
    text_append(text, SLICE("\r\n--"));
    append_boundary(text, request);
    if (multipart->type.size > 0) {
        text_append(text, SLICE("\r\nContent-Type: "));
        text_append(text, multipart->type);
    }
    text_format(text, "\r\nContent-Range: bytes %llu-%llu/%llu\r\n\r\n",
        (unsigned long long)range->first, (unsigned long long)range->last,
        (unsigned long long)multipart->complete);
}

static void append_end(struct text *text, const struct request *request)
{
    text_append(text, SLICE("\r\n--"));
    append_boundary(text, request);
    text_append(text, SLICE("--\r\n"));
}

static uint64_t length_of(const struct request *request, const struct multipart *multipart)
{
    char buffer[PART_HEAD_SIZE];
    struct text text = text_in(buffer, sizeof(buffer));
    append_end(&text, request);
    uint64_t length = text.size;
    for (size_t i = 0; i < multipart->count; i++) {
        const struct http_byte_range *range = &multipart->ranges[i];
        text = text_in(buffer, sizeof(buffer));
        append_part_head(&text, request, multipart, range);
        length += text.size + range->last - range->first + 1;
    }
    return length;
}

static bool is_possible(const struct request *request, const struct object *object)
{
    const struct http_fields *fields = &request->head.fields;
    struct slice if_range = http_fields_value(fields, HTTP_NAME_IF_RANGE);
    return object->storable && object->status == 200 && object->body != NULL
        && request->head.method == HTTP_METHOD_GET
        && body_state(object->body) == BODY_COMPLETE && !body_has_window(object->body)
        && http_fields_count(fields, HTTP_NAME_RANGE) == 1
        && (if_range.data == NULL
            || (http_fields_count(fields, HTTP_NAME_IF_RANGE) == 1
                && http_etag_equal_strong(if_range, object_etag(object))));
}

struct multipart *multipart_select(struct request *request, const struct object *object)
{
    struct slice value = http_fields_value(&request->head.fields, HTTP_NAME_RANGE);
    if (value.data == NULL || !slice_contains(value, ',') || !is_possible(request, object))
        return NULL;
    struct multipart *multipart = arena_zero_alloc(&request->arena, sizeof(*multipart));
    if (multipart == NULL)
        return NULL;
    multipart->complete = object_length(object);
    multipart->type = object_field(object, HTTP_NAME_CONTENT_TYPE);
    multipart->count = http_ranges_parse(value, multipart->complete, multipart->ranges,
        MULTIPART_RANGES_MOST);
    if (multipart->count == 0 || multipart->type.size > TYPE_SIZE_MOST)
        return NULL;
    multipart->length = length_of(request, multipart);
    return multipart->length < multipart->complete ? multipart : NULL;
}

struct slice multipart_fields(struct request *request, struct slice fields)
{
    size_t size = fields.size + 128;
    char *copy = arena_alloc(&request->arena, size);
    if (copy == NULL)
        return SLICE_EMPTY;
    struct text text = text_in(copy, size);
    while (fields.size > 0) {
        struct slice line = slice_cut(&fields, '\n');
        struct slice name = line;
        if (!slice_equal_nocase(slice_cut(&name, ':'), SLICE("content-type")))
            text_append(&text, slice_of(line.data, line.size + 1));
    }
    text_append(&text, SLICE("Content-Type: multipart/byteranges; boundary="));
    append_boundary(&text, request);
    text_append(&text, SLICE("\r\n"));
    return text_slice(&text);
}

static enum error send_range(struct task *task, struct request *request,
    const struct http_byte_range *range)
{
    struct body_reader reader;
    uint64_t left = range->last - range->first + 1;
    enum error error = ERROR_NONE;
    body_reader_open(&reader, request->object->body, range->first);
    while (error == ERROR_NONE && left > 0) {
        struct slice content;
        error = body_reader_next(task, &reader,
            deadline_after_ms(task_loop(task), CONTENT_STALL_MS), &content);
        if (error != ERROR_NONE)
            break;
        content.size = MINIMUM(content.size, left);
        error = delivery_send(task, request, NULL, content, false);
        body_reader_advance(&reader, content.size);
        left -= content.size;
    }
    body_reader_close(&reader);
    return error == ERROR_CLOSED ? ERROR_TRUNCATED : error;
}

enum error multipart_send(struct task *task, struct request *request,
    const struct multipart *multipart, const struct answer_head *head, bool *has_sent_head)
{
    char buffer[PART_HEAD_SIZE];
    struct text text;
    for (size_t i = 0; i < multipart->count; i++) {
        text = text_in(buffer, sizeof(buffer));
        append_part_head(&text, request, multipart, &multipart->ranges[i]);
        enum error error = delivery_send(task, request, *has_sent_head ? NULL : head,
            text_slice(&text), false);
        *has_sent_head = true;
        if (error == ERROR_NONE)
            error = send_range(task, request, &multipart->ranges[i]);
        if (error != ERROR_NONE)
            return error;
    }
    text = text_in(buffer, sizeof(buffer));
    append_end(&text, request);
    return delivery_send(task, request, NULL, text_slice(&text), true);
}
