// The decision: whether an answer is compressed, with what, and which fields go with that.
#include "edge/compression/compress.h"
#include "edge/request.h"

#define STREAM_WINDOW_BITS 16
#define GZIP_STREAM_LEVEL 4   // light: somebody waits for every byte
#define BROTLI_STREAM_LEVEL 3
#define ZSTD_STREAM_LEVEL 2
#define PADDING_MOST 64       // of personal answers, bytes

// --- Whether, and with what ---

// Looked up once for each object and generation of settings.
static bool has_right_type(const struct request *request, const struct compress_settings *settings)
{
    struct object *object = request->object;
    unsigned stamp = (unsigned)(request->generation->number % UINT8_MAX) + 1;
    bool takes;
    if (object_recall(object, stamp, &takes))
        return takes;
    takes = compress_takes_type(&settings->types, object_field(object, HTTP_NAME_CONTENT_TYPE));
    object_note(object, stamp, takes);
    return takes;
}

static bool is_possible(const struct request *request, const struct compress_settings *settings)
{
    const struct object *object = request->object;
    uint64_t length = object_length(object);
    return settings->enabled && (object_flags(object) & OBJECT_MAY_BE_CODED) != 0
        && (object->storable || settings->personal) && length > 0 && length >= settings->minimum
        && has_right_type(request, settings);
}

// Not where parts are asked for, even if the whole is sent: parts are of the plain content.
static bool is_wanted(const struct request *request)
{
    const struct http_fields *fields = &request->head.fields;
    return http_fields_find(fields, HTTP_NAME_RANGE) == NULL
        && !(request->has_control && request->control.no_transform);
}

bool compress_forbids_range(const struct request *request)
{
    const struct http_field *field =
        http_fields_find(&request->head.fields, HTTP_NAME_IF_RANGE);
    return field != NULL && !http_etag_is_valid(field->value)
        && is_possible(request, &request_site(request)->compression);
}

static size_t list_offered(const struct compress_settings *settings, bool personal,
    enum http_coding offered[HTTP_CODING_COUNT])
{
    const struct slice *names = settings->encodings.items;
    size_t count = 0;
    for (size_t i = 0; i < settings->encodings.count && count < HTTP_CODING_COUNT; i++) {
        enum http_coding coding;
        // zstd cannot be padded, see encoder.h.
        if (http_coding_find(names[i], &coding) && !(personal && coding == HTTP_CODING_ZSTD))
            offered[count++] = coding;
    }
    return count;
}

static enum http_coding choose_best(const struct request *request,
    const struct compress_settings *settings)
{
    struct http_accept_encoding accept;
    enum http_coding offered[HTTP_CODING_COUNT];
    size_t count = list_offered(settings, !request->object->storable, offered);
    http_accept_encoding_parse(&request->head.fields, &accept);
    return http_accept_encoding_choose(&accept, offered, count);
}

// Out of the loop's memory, if he says what somebody else has said before. accept: his first field.
static enum http_coding recall_best(struct request *request,
    const struct compress_settings *settings, struct slice accept)
{
    uint64_t generation = request->generation->number;
    bool personal = !request->object->storable;
    if (accept.size == 0 || accept.size > COMPRESS_ACCEPT_MOST
        || http_fields_count(&request->head.fields, HTTP_NAME_ACCEPT_ENCODING) > 1)
        return choose_best(request, settings);
    size_t slot = (accept.size + personal) % COMPRESS_MEMORIES;
    struct compress_memory *memory = &request->thread->compress_memory[slot];
    if (memory->settings == settings && memory->generation == generation
        && memory->personal == personal && memory->size == accept.size
        && memcmp(memory->accept, accept.data, accept.size) == 0)
        return (enum http_coding)memory->coding;
    *memory = (struct compress_memory){.settings = settings, .generation = generation,
        .personal = personal, .size = (uint8_t)accept.size,
        .coding = (uint8_t)choose_best(request, settings)};
    memcpy(memory->accept, accept.data, accept.size);
    return (enum http_coding)memory->coding;
}

// --- From where ---

static bool has_form(const struct object *object, enum http_coding coding)
{
    return object_form_state(object, coding) == FORM_READY;
}

static void take_form(const struct object *object, enum http_coding coding,
    struct compress_choice *choice)
{
    choice->coding = coding;
    choice->form = object_form(object, coding);
}

// Of a whole copy. Its best form is being made: another one does as well meanwhile.
static void choose_other_form(const struct request *request,
    const struct compress_settings *settings, struct compress_choice *choice)
{
    const struct object *object = request->object;
    struct http_accept_encoding accept;
    enum http_coding offered[HTTP_CODING_COUNT], ready[HTTP_CODING_COUNT];
    size_t ready_count = 0, count = list_offered(settings, !object->storable, offered);
    http_accept_encoding_parse(&request->head.fields, &accept);
    for (size_t i = 0; i < count; i++) {
        if (has_form(object, offered[i]))
            ready[ready_count++] = offered[i];
    }
    enum http_coding coding = http_accept_encoding_choose(&accept, ready, ready_count);
    if (coding != HTTP_CODING_IDENTITY)
        take_form(object, coding, choice);
}

static void make_form(struct request *request, const struct compress_settings *settings,
    enum http_coding coding)
{
    struct object *object = request->object;
    uint64_t length = object_length(object);
    if (length > settings->maximum || !object_form_begin(object, coding))
        return;
    if (length <= settings->at_once)
        compress_make_now(request, coding);
    else if (!compress_make_behind(request, coding))
        object_form_end(object, coding, FORM_NONE);
}

// NULL: there are as many as there may be.
static struct encoder *begin_stream(struct request *request, enum http_coding coding, bool personal)
{
    static const unsigned levels[] = {[HTTP_CODING_GZIP] = GZIP_STREAM_LEVEL,
        [HTTP_CODING_BROTLI] = BROTLI_STREAM_LEVEL, [HTTP_CODING_ZSTD] = ZSTD_STREAM_LEVEL};
    struct edge_thread *thread = request->thread;
    const struct compress_limits *limits = &request->generation->settings->compression;
    struct encoder_options options = {
        .level = levels[coding],
        .window_bits = STREAM_WINDOW_BITS,
        .size = object_length(request->object),
        .padding = personal ? (uint8_t)(1 + random_below(&thread->loop->random, PADDING_MOST)) : 0,
    };
    struct encoder *encoder = thread->encoders < edge_share(thread->edge, limits->streams)
        ? encoder_create(coding, &options) : NULL;
    if (encoder == NULL)
        ledger_add(thread->ledger, LEDGER_ENCODERS_REFUSED, 1);
    else
        thread->encoders++;
    return encoder;
}

static bool has_flights_answer(const struct request *request)
{
    return request->flight != NULL && request->flight->object == request->object;
}

// What was made for all who waited for the same answer, while it came.
static struct body *form_of_flight(const struct request *request, enum http_coding coding)
{
    return has_flights_answer(request) ? flight_form(request->flight, coding) : NULL;
}

// The same, made from now on if need be. NULL: it cannot be had.
static struct body *growing_form(struct request *request, enum http_coding coding)
{
    struct body *form = form_of_flight(request, coding);
    if (form == NULL && has_flights_answer(request)) {
        struct encoder *encoder = begin_stream(request, coding, false);
        form = encoder == NULL ? NULL : compress_grow(request, coding, encoder);
    }
    return form;
}

// Content that still comes, or belongs to one visitor. Not where its length is needed to frame it
// (HTTP/1.0), nor where a laggard may have to go on by Range, which is of the plain content.
static void choose_stream(struct request *request, enum http_coding coding,
    struct compress_choice *choice)
{
    const struct object *object = request->object;
    bool is_head = request->head.method == HTTP_METHOD_HEAD;
    if ((request->head.major_version == 1 && request->head.minor_version == 0)
        || (object->body == NULL && !is_head)
        || (object->storable && object->body != NULL && body_has_window(object->body)))
        return;
    if (!is_head && object->storable)
        choice->form = growing_form(request, coding);
    else if (!is_head)
        choice->encoder = begin_stream(request, coding, true);
    choice->grows = choice->form != NULL;
    if (is_head || choice->grows || choice->encoder != NULL)
        choice->coding = coding;
}

// --- Fields ---

// What is said of the plain content only: digests of it (RFC 9530; the rest are older), and that
// parts of it can be had.
static bool is_of_plain_content(struct slice name)
{
    static const struct slice names[] = {{"content-digest", 14}, {"repr-digest", 11},
        {"digest", 6}, {"content-md5", 11}, {"accept-ranges", 13}};
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        if (slice_equal_nocase(name, names[i]))
            return true;
    }
    return false;
}

// The lines that go with other bytes of the same meaning: weak tags, and the above left out.
static struct slice fields_compose(struct arena *arena, struct slice fields, bool is_coded)
{
    size_t capacity = fields.size + 2; // for one "W/"; further tags would be malformed
    char *buffer = arena_alloc(arena, capacity);
    if (buffer == NULL)
        return SLICE_EMPTY;
    struct text text = text_in(buffer, capacity);
    bool has_tag = false;
    struct http_field field;
    for (const char *begin = fields.data; object_next_field(&fields, &field);) {
        bool is_tag = field.known == HTTP_NAME_ETAG;
        if (is_tag && !has_tag && http_etag_is_strong(field.value)) {
            text_append(&text, SLICE("ETag: W/"));
            text_append(&text, field.value);
            text_append(&text, SLICE("\r\n"));
        } else if ((!is_tag || !has_tag) && !(is_coded && is_of_plain_content(field.name))) {
            text_append(&text, slice_of(begin, (size_t)(fields.data - begin)));
        }
        has_tag = has_tag || is_tag;
        begin = fields.data;
    }
    return text.full ? SLICE_EMPTY : text_slice(&text);
}

// Kept with the object where its forms are.
static bool choose_fields(struct request *request, struct compress_choice *choice)
{
    struct object *object = request->object;
    if (choice->form != NULL)
        choice->fields = object_form_fields(object);
    if (choice->fields.data != NULL)
        return true;
    choice->fields = fields_compose(&request->arena, object_fields(object), true);
    if (choice->fields.data == NULL)
        return false;
    if (choice->form != NULL) {
        object_set_form_fields(object, choice->fields);
        cache_count_again(request->thread->edge->cache, object);
    }
    return true;
}

struct slice compress_fields(const struct object *object, const struct compress_choice *choice)
{
    static const struct slice codings[] = {
        [HTTP_CODING_IDENTITY] = {NULL, 0},
        [HTTP_CODING_GZIP] = {"Content-Encoding: gzip\r\n", 24},
        [HTTP_CODING_BROTLI] = {"Content-Encoding: br\r\n", 22},
        [HTTP_CODING_ZSTD] = {"Content-Encoding: zstd\r\n", 24},
    };
    static const struct slice with_vary[] = {
        [HTTP_CODING_IDENTITY] = {"Vary: Accept-Encoding\r\n", 23},
        [HTTP_CODING_GZIP] = {"Content-Encoding: gzip\r\nVary: Accept-Encoding\r\n", 47},
        [HTTP_CODING_BROTLI] = {"Content-Encoding: br\r\nVary: Accept-Encoding\r\n", 45},
        [HTTP_CODING_ZSTD] = {"Content-Encoding: zstd\r\nVary: Accept-Encoding\r\n", 47},
    };
    // What the origin has coded is not for everybody either.
    bool depends = choice->possible || (object_flags(object) & OBJECT_IS_CODED) != 0;
    if (!depends || (object_flags(object) & OBJECT_VARIES_BY_ENCODING) != 0)
        return codings[choice->coding];
    return with_vary[choice->coding];
}

static bool names_tag(const struct http_fields *request, struct slice etag, bool strong)
{
    for (uint32_t i = 0; i < request->count; i++) {
        const struct http_field *field = &request->items[i];
        if (field->known == HTTP_NAME_IF_NONE_MATCH
            && http_etag_list_matches(field->value, etag, strong))
            return true;
    }
    return false;
}

struct slice compress_weaken_confirmation(struct request *request, struct slice fields)
{
    const struct http_fields *asked = &request->head.fields;
    struct slice etag = object_etag(request->object);
    if (!http_etag_is_strong(etag) || !names_tag(asked, etag, false)
        || names_tag(asked, etag, true))
        return fields;
    struct slice weakened = fields_compose(&request->arena, fields, false);
    return weakened.data == NULL ? fields : weakened;
}

// --- All of it ---

static void choose_coding(struct request *request, const struct compress_settings *settings,
    struct slice accept, struct compress_choice *choice)
{
    struct object *object = request->object;
    enum http_coding coding = recall_best(request, settings, accept);
    if (coding == HTTP_CODING_IDENTITY)
        return;
    if (!object->storable || object->body == NULL || body_state(object->body) != BODY_COMPLETE) {
        choose_stream(request, coding, choice);
        return;
    }
    if (object_form_state(object, coding) == FORM_NONE)
        make_form(request, settings, coding);
    struct body *grown = form_of_flight(request, coding);
    if (has_form(object, coding)) {
        take_form(object, coding, choice);
    } else if (grown != NULL && body_state(grown) == BODY_COMPLETE && !body_has_window(grown)) {
        choice->coding = coding;
        choice->form = grown;
    } else if (object_form_state(object, coding) != FORM_POINTLESS) {
        choose_other_form(request, settings, choice);
    }
}

void compress_choose(struct request *request, bool whole, struct compress_choice *ret_choice)
{
    const struct compress_settings *settings = &request_site(request)->compression;
    *ret_choice = (struct compress_choice){.possible = is_possible(request, settings)};
    const struct http_field *accept = ret_choice->possible && whole
        ? http_fields_find(&request->head.fields, HTTP_NAME_ACCEPT_ENCODING) : NULL;
    if (accept == NULL || !is_wanted(request))
        return;
    choose_coding(request, settings, accept->value, ret_choice);
    if (ret_choice->coding == HTTP_CODING_IDENTITY)
        return;
    if (choose_fields(request, ret_choice)) {
        ledger_add(request->thread->ledger, LEDGER_COMPRESSED, 1);
        return;
    }
    compress_end(request, ret_choice);
    *ret_choice = (struct compress_choice){.possible = true};
}

void compress_end(struct request *request, struct compress_choice *choice)
{
    if (choice->encoder == NULL)
        return;
    encoder_destroy(choice->encoder);
    choice->encoder = NULL;
    request->thread->encoders--;
}
