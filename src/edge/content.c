// Reading content, and going on with it from another exchange.
#include "edge/content.h"
#include "base/invariant.h"
#include "base/memory.h"
#include "edge/forward.h"
#include "edge/lifeline.h"

#define DROP_SIZE 16384
#define PATIENCE_LEAST_MS 1000 // a source is asked about after that long without a byte,
#define PATIENCE_FACTOR 4      // or so many times its longest silence so far
#define BESIDE_STEP_MS 20      // and that often while another is sought beside it
#define STRONG_DATE_S 60 // RFC 9110 section 8.8.2.2: whatever their clocks say

// --- What it is ---

static struct slice single(const struct http_fields *fields, enum http_name name)
{
    return http_fields_count(fields, name) == 1 ? http_fields_value(fields, name) : SLICE_EMPTY;
}

// Of a date only what was no longer changing when it was told, and only if nothing better is there:
// a weak entity tag says that equal ones may differ in bytes.
static void choose_validator(struct content *content, const struct http_fields *fields)
{
    struct slice etag = single(fields, HTTP_NAME_ETAG);
    struct slice modified = single(fields, HTTP_NAME_LAST_MODIFIED);
    int64_t date_s, modified_s;
    if (http_etag_is_strong(etag))
        content->etag = etag;
    else if (http_fields_count(fields, HTTP_NAME_ETAG) == 0 && modified.data != NULL
        && http_date_parse(single(fields, HTTP_NAME_DATE), 0, &date_s)
        && http_date_parse(modified, 0, &modified_s) && date_s - modified_s >= STRONG_DATE_S)
        content->modified = modified;
}

// False: nobody could say where a continuation would begin.
static bool locate(struct content *content, const struct http_response_head *head)
{
    uint64_t last;
    content->is_part = head->status == 206;
    if (head->status == 200) {
        content->end = content->complete =
            head->has_content_length ? head->content_length : UINT64_MAX;
        return http_fields_find(&head->fields, HTTP_NAME_CONTENT_RANGE) == NULL;
    }
    if (head->status != 206
        || !http_content_range_parse(single(&head->fields, HTTP_NAME_CONTENT_RANGE),
            &content->first, &last, &content->complete)
        || last == UINT64_MAX)
        return false;
    content->end = last + 1;
    return !head->has_content_length || head->content_length == content->end - content->first;
}

static bool covers_all(const struct fetch *fetch, uint64_t backends)
{
    return (size_t)__builtin_popcountll(backends) >= origin_backend_count(fetch->origin);
}

bool content_may_continue(const struct fetch *fetch, const struct content *content)
{
    return (content->etag.data != NULL || content->modified.data != NULL)
        && !covers_all(fetch, content->unfit);
}

void content_begin(struct content *content, struct fetch *fetch, struct exchange *answer)
{
    const struct http_response_head *head = exchange_head(answer);
    *content = (struct content){.answer = answer, .source = answer,
        .end = UINT64_MAX, .complete = UINT64_MAX, .tried = fetch->tried};
    scope_open(&content->scope);
    if (fetch->request.method == HTTP_METHOD_GET && fetch->upgrader == NULL
        && fetch->request.body.framing == HTTP_FRAMING_NONE
        && http_fields_count(&head->fields, HTTP_NAME_CONTENT_ENCODING) <= 1
        && locate(content, head)) {
        content->coding = http_fields_value(&head->fields, HTTP_NAME_CONTENT_ENCODING);
        choose_validator(content, &head->fields);
        content->patience_ms = content_may_continue(fetch, content) ? PATIENCE_LEAST_MS : 0;
    }
}

// --- Reading ---

static void release_source(struct task *task, struct content *content)
{
    if (content->source == NULL)
        return;
    if (content->source == content->answer)
        exchange_give_up(content->answer); // its head is still needed
    else
        exchange_close(task, content->source);
}

void content_seam_add(struct content_seam *seam, const char *bytes, size_t size)
{
    size_t kept = size >= CONTENT_SEAM ? 0 : MINIMUM(seam->size, CONTENT_SEAM - size);
    size_t taken = MINIMUM(size, CONTENT_SEAM);
    memmove(seam->bytes, seam->bytes + seam->size - kept, kept);
    memcpy(seam->bytes + kept, bytes + size - taken, taken);
    seam->size = kept + taken;
}

static void note(struct task *task, struct content *content, const char *bytes, size_t size)
{
    uint64_t waited_ms = (task_now_ns(task) - content->waiting_since_ns) / NS_PER_MS;
    if (content->patience_ms > 0)
        content->patience_ms = MAXIMUM(content->patience_ms, PATIENCE_FACTOR * waited_ms);
    content->waiting_since_ns = 0;
    content->at += size;
    content->brought += size;
    content_seam_add(&content->seam, bytes, size);
}

static enum error incomplete(struct failure *ret_failure)
{
    *ret_failure = (struct failure){.kind = FAILURE_RESPONSE_INCOMPLETE};
    return ERROR_TRUNCATED;
}

// A continuation brings what was missing and not a byte more or less.
static enum error read_source(struct task *task, struct content *content, void *buffer, size_t size,
    size_t *ret_size, struct failure *ret_failure)
{
    if (content->source == NULL)
        return incomplete(ret_failure);
    bool is_known = content->source != content->answer && content->end != UINT64_MAX;
    uint64_t left = is_known ? content->end - content->first - content->at : UINT64_MAX;
    if (left == 0)
        return ERROR_CLOSED;
    if (content->waiting_since_ns == 0)
        content->waiting_since_ns = task_now_ns(task);
    exchange_set_patience(content->source,
        content->has_beside ? BESIDE_STEP_MS : content->patience_ms);
    enum error error = exchange_read(task, content->source, buffer,
        (size_t)MINIMUM((uint64_t)size, left), ret_size, ret_failure);
    return error == ERROR_CLOSED && is_known ? incomplete(ret_failure) : error;
}

enum error content_read(struct task *task, struct fetch *fetch, struct content *content,
    void *buffer, size_t size, size_t *ret_size)
{
    for (;;) {
        enum error error = read_source(task, content, buffer, size, ret_size, &fetch->failure);
        if (error == ERROR_NONE || error == ERROR_CLOSED || error == ERROR_CANCELLED) {
            content_drop_beside(task, content); // before the seam moves away from under it
            if (error == ERROR_NONE)
                note(task, content, buffer, *ret_size);
            return error;
        }
        enum lifeline_outcome outcome = LIFELINE_PASS;
        if (content->anew == NULL) // else it came beside the source, which then went on for a while
            outcome = lifelines_content(task, fetch, content, error == ERROR_BUSY);
        if (content->anew != NULL) // all of it: what stands still need not be waited for
            return error == ERROR_BUSY ? incomplete(&fetch->failure) : error;
        if (outcome != LIFELINE_AGAIN && error != ERROR_BUSY)
            return error;
    }
}

void content_end(struct task *task, struct content *content)
{
    content_drop_beside(task, content);
    scope_close(task, &content->scope);
    exchange_close(task, content->anew);
    if (content->source != content->answer)
        exchange_close(task, content->source);
}

// --- Going on elsewhere ---

// The fields of the fetch without what asked for another selection of the representation.
static struct slice continuation_fields(struct continuation *continuation)
{
    const struct content *content = continuation->content;
    struct fetch *fetch = continuation->fetch;
    struct slice rest = fetch->request.fields;
    struct slice validator = content->etag.data != NULL ? content->etag : content->modified;
    size_t size = rest.size + validator.size + 128;
    char *buffer = arena_alloc(&fetch->arena, size);
    if (buffer == NULL)
        return SLICE_EMPTY;
    struct text text = text_in(buffer, size);
    while (rest.size > 0) {
        struct slice line = slice_cut(&rest, '\n'), name = line;
        if (!forward_selects(http_name_find(slice_cut(&name, ':'))))
            text_append(&text, slice_of(line.data, line.size + 1));
    }
    text_format(&text, "Range: bytes=%llu-", (unsigned long long)continuation->from);
    if (content->is_part)
        text_append_u64(&text, content->end - 1);
    text_format(&text, "\r\nIf-Range: %.*s\r\n", SLICE_ARGS(validator));
    return text.full ? SLICE_EMPTY : text_slice(&text);
}

static bool is_same(struct slice a, struct slice b)
{
    return a.data == NULL || b.data == NULL ? a.data == b.data : slice_equal(a, b);
}

// Is this an answer of the same representation?
static bool has_same_validator(const struct content *content, const struct http_fields *fields)
{
    if (http_fields_count(fields, HTTP_NAME_CONTENT_ENCODING) > 1
        || !is_same(content->coding, http_fields_value(fields, HTTP_NAME_CONTENT_ENCODING)))
        return false;
    if (content->etag.data != NULL)
        return http_etag_equal_strong(single(fields, HTTP_NAME_ETAG), content->etag);
    return http_fields_find(fields, HTTP_NAME_ETAG) == NULL
        && is_same(content->modified, single(fields, HTTP_NAME_LAST_MODIFIED));
}

static bool fits_as_part(struct continuation *continuation, const struct http_response_head *head)
{
    const struct content *content = continuation->content;
    uint64_t first, last, complete;
    if (!http_content_range_parse(single(&head->fields, HTTP_NAME_CONTENT_RANGE), &first, &last,
            &complete)
        || first != continuation->from)
        return false;
    if (content->complete != UINT64_MAX && complete != UINT64_MAX && complete != content->complete)
        return false;
    continuation->complete = content->complete != UINT64_MAX ? content->complete : complete;
    continuation->end = content->end != UINT64_MAX ? content->end : continuation->complete;
    return last + 1 == continuation->end; // which is known then
}

// A server without ranges: the beginning is dropped, which costs it the whole again. Only an entity
// tag can be believed that far.
static bool fits_as_whole(struct continuation *continuation, const struct http_response_head *head,
    uint64_t now_ns)
{
    const struct content *content = continuation->content;
    uint64_t length = head->has_content_length ? head->content_length : UINT64_MAX;
    if (content->etag.data == NULL || content->is_part
        || http_fields_find(&head->fields, HTTP_NAME_CONTENT_RANGE) != NULL
        || content->at > continuation->skip_most)
        return false;
    if (content->complete != UINT64_MAX && length != UINT64_MAX && length != content->complete)
        return false;
    continuation->end = continuation->complete =
        content->complete != UINT64_MAX ? content->complete : length;
    if (continuation->end == UINT64_MAX && !exchange_has_certain_end(continuation->exchange))
        return false;
    if (continuation->end < content->at)
        return false;
    continuation->from = 0;
    return origin_budget_take(continuation->fetch->origin, now_ns);
}

// Reads up to what is missing. The last bytes must be those that are there already.
static enum error read_up_to_seam(struct task *task, struct continuation *continuation)
{
    const struct content *content = continuation->content;
    uint64_t at = continuation->from, seam = content->first + content->at;
    uint64_t seam_begin = seam - content->seam.size;
    char *buffer = memory_alloc(DROP_SIZE);
    enum error error = buffer == NULL ? ERROR_MEMORY : ERROR_NONE;
    while (error == ERROR_NONE && at < seam) {
        size_t size;
        error = exchange_read(task, continuation->exchange, buffer,
            (size_t)MINIMUM(seam - at, (uint64_t)DROP_SIZE), &size, &continuation->failure);
        for (size_t i = 0; error == ERROR_NONE && i < size; i++, at++) {
            if (at >= seam_begin && buffer[i] != content->seam.bytes[at - seam_begin])
                error = ERROR_INVALID;
        }
    }
    memory_free(buffer);
    return error == ERROR_CLOSED ? ERROR_TRUNCATED : error;
}

// INVALID: it is something else.
static enum error check(struct task *task, struct continuation *continuation)
{
    struct exchange *exchange = continuation->exchange;
    const struct http_response_head *head = exchange_head(exchange);
    if (judge_is_error(head->status) && head->status != 416) {
        failure_from_status(head, exchange_backend(exchange), task_loop(task)->wall_ms / 1000,
            &continuation->failure);
        return ERROR_BUSY; // perhaps later
    }
    bool fits = has_same_validator(continuation->content, &head->fields)
        && (head->status == 206 ? fits_as_part(continuation, head)
            : head->status == 200 && fits_as_whole(continuation, head, task_now_ns(task)));
    return fits ? read_up_to_seam(task, continuation) : ERROR_INVALID;
}

// What somebody who withholds a content gets instead of its rest is as good as what he would ask
// for next, if it is all of something else that is small too. Nothing of it was read.
static void keep_anew(struct continuation *continuation)
{
    struct content *content = continuation->content;
    const struct http_response_head *head = exchange_head(continuation->exchange);
    if (!content->is_withheld || content->is_part || head->status != 200
        || !head->has_content_length || head->content_length > EXCHANGE_GATHERED_MOST
        || has_same_validator(content, &head->fields))
        return;
    invariant(content->anew == NULL);
    content->anew = continuation->exchange;
    continuation->exchange = NULL;
}

static void continuation_run(struct task *task, struct continuation *continuation)
{
    struct content *content = continuation->content;
    struct fetch *fetch = continuation->fetch;
    struct exchange_request request = fetch->request;
    continuation->from = content->first + content->at - content->seam.size;
    request.fields = continuation_fields(continuation);
    request.unconditional = request.fresh_connection = true;
    request.wants_trailer = false;
    request.interim = NULL;
    // Anywhere but where it broke off, or wherever it may still be had.
    uint64_t before = content->tried | content->unfit;
    if (covers_all(fetch, before))
        before = content->unfit;
    content->tried = before;
    continuation->error = request.fields.data == NULL ? ERROR_MEMORY
        : exchange_open(task, fetch->origin, &request, &fetch->generation->settings->http,
            &content->tried, &continuation->exchange, &continuation->failure);
    if (continuation->error == ERROR_NONE)
        continuation->error = check(task, continuation);
    if (continuation->error == ERROR_INVALID && content->tried != before)
        content->unfit |= content->tried & ~before;
    else if (continuation->error == ERROR_INVALID)
        content->unfit = UINT64_MAX; // a reload has changed what they are
    if (continuation->error == ERROR_INVALID)
        keep_anew(continuation);
    if (continuation->error != ERROR_NONE) {
        exchange_close(task, continuation->exchange);
        continuation->exchange = NULL;
    }
    content->attempts += !continuation->failure.unsent;
    continuation->is_over = true;
}

static void beside_main(struct task *task, void *argument)
{
    continuation_run(task, argument);
}

bool continuation_start(struct task *task, struct continuation *continuation)
{
    struct content *content = continuation->content;
    content->has_beside = task_start(task_loop(task), &content->scope, beside_main, continuation)
        == ERROR_NONE;
    return content->has_beside;
}

void content_adopt(struct task *task, struct content *content)
{
    struct continuation *continuation = &content->beside;
    release_source(task, content);
    content->source = continuation->exchange;
    content->end = continuation->end;
    content->complete = continuation->complete;
    content->brought = 0;
    content->waiting_since_ns = 0;
    continuation->exchange = NULL;
}

struct exchange *content_take_anew(struct content *content)
{
    struct exchange *anew = content->anew;
    content->anew = NULL;
    return anew;
}

void content_drop_beside(struct task *task, struct content *content)
{
    if (!content->has_beside)
        return;
    scope_close(task, &content->scope);
    scope_open(&content->scope);
    exchange_close(task, content->beside.exchange);
    content->beside.exchange = NULL;
    content->has_beside = false;
}

// --- What somebody lacks ---

void content_begin_rest(struct task *task, struct content *content, struct fetch *fetch,
    const struct object *object, uint64_t at, uint64_t end, const struct content_seam *seam)
{
    uint64_t complete = object_length(object);
    *content = (struct content){.etag = object_etag(object),
        .coding = object_field(object, HTTP_NAME_CONTENT_ENCODING),
        .is_part = end != complete, .end = end, .complete = complete, .at = at, .seam = *seam,
        .patience_ms = PATIENCE_LEAST_MS};
    scope_open(&content->scope);
    content->beside = (struct continuation){.content = content, .fetch = fetch};
    continuation_run(task, &content->beside);
    if (content->beside.exchange != NULL)
        content_adopt(task, content);
}
