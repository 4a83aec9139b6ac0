// Composing answers: status, stored fields, our own fields, and the content as it comes. How they
// reach the visitor is the transport's business.
#include "edge/delivery.h"
#include "edge/compression/compress.h"
#include "edge/debug_field.h"
#include "edge/laggard.h"
#include "edge/multipart.h"
#include "edge/pages/page.h"
#include "edge/part.h"
#include "edge/purge_request.h"
#include "edge/rules/rule_serve.h"
#include "edge/secure.h"
#include "edge/status_field.h"

#include <inttypes.h>

#define TAIL_SIZE 1024         // our own fields
#define CONTENT_STALL_MS 600000 // content that does not come; the fetch's own deadlines are shorter
#define JITTER_SECONDS 5

struct delivery {
    struct request *request;
    enum object_selection selection;
    struct multipart *multipart; // NULL: none
    uint64_t base, complete;   // of a part: where the content begins, and of how much it is one
    uint64_t at, end;          // of the content: [at, end); end UINT64_MAX: until it ends
    struct answer_head head;
    bool has_sent_head;
    struct compress_choice compressed;
    struct content_seam seam;  // the last of what was sent, if it may go on elsewhere
    char tail[TAIL_SIZE];
};

enum error delivery_send(struct task *task, struct request *request,
    const struct answer_head *head, struct slice content, bool ends)
{
    enum error error = request->transport->send(task, request, head, content, ends);
    if (request->first_byte_ns == 0)
        request->first_byte_ns = task_now_ns(task);
    if (error == ERROR_TIMEOUT)
        ledger_add(request->thread->ledger, LEDGER_SEND_TIMEOUTS, 1);
    if (error != ERROR_NONE)
        request->last = request->gone = true;
    else
        request->bytes += content.size;
    return error;
}

// The fields that every answer gets from us.
static void append_own_fields(struct text *text, const struct request *request)
{
    status_field_cache(text, request);
    if (request->status >= 500 || request->failure.kind != FAILURE_NONE)
        status_field_proxy(text, request);
    secure_append_hsts(text, request);
    text_append(text, SLICE("Via: 1.1 "));
    text_append(text, request->generation->settings->name);
    text_append(text, SLICE("\r\nAfloat-Request: "));
    text_append_hex(text, request->id, REQUEST_ID_DIGITS);
    text_append(text, SLICE("\r\n"));
}

static void append_length(struct text *text, uint64_t length)
{
    text_append(text, SLICE("Content-Length: "));
    text_append_u64(text, length);
    text_append(text, SLICE("\r\n"));
}

// --- An object ---

// Fields that describe content which is not sent (RFC 9110 section 15.4.5).
static struct slice fields_without_content(struct request *request, struct slice fields)
{
    char *copy = arena_alloc(&request->arena, fields.size + 1);
    if (copy == NULL)
        return SLICE("");
    struct text text = text_in(copy, fields.size);
    while (fields.size > 0) {
        struct slice line = slice_cut(&fields, '\n');
        struct slice name = line;
        name = slice_cut(&name, ':');
        bool describes = name.size >= 8
            && slice_equal_nocase(slice_of(name.data, 8), SLICE("content-"))
            && !slice_equal_nocase(name, SLICE("content-location"))
            && !slice_equal_nocase(name, SLICE("content-security-policy"));
        if (!describes)
            text_append(&text, slice_of(line.data, line.size + 1));
    }
    return text_slice(&text);
}

// A pass: the backend has judged the conditions itself.
static enum object_selection delivery_choose(struct delivery *delivery,
    const struct request *request, const struct object *object, uint64_t *first, uint64_t *last)
{
    struct part_range range;
    if (!object->storable)
        return OBJECT_WHOLE;
    if (object->status != 206 || !part_select(object, &request->head, &range)) {
        enum object_selection selection = object_select(object, &request->head,
            request->thread->loop->wall_ms / 1000, first, last);
        bool is_range = selection == OBJECT_PART || selection == OBJECT_UNSATISFIABLE;
        return is_range && compress_forbids_range(request) ? OBJECT_WHOLE : selection;
    }
    *first = range.at;
    *last = range.end - 1;
    delivery->base = range.first - range.at;
    delivery->complete = range.complete;
    return OBJECT_PART;
}

// The fields after the content of an answer that is this visitor's alone; empty while it is not all
// there.
static struct slice delivery_trailer(const struct request *request)
{
    const struct object *object = request->object;
    if (object->storable || object->body == NULL || request->flight == NULL || !request->leads
        || request->flight->object != object || body_state(object->body) != BODY_COMPLETE
        || !transport_takes_trailer(&request->head))
        return SLICE_EMPTY;
    return request->flight->trailer;
}

// What of the object this visitor gets: status, range of content.
static void delivery_select(struct delivery *delivery, struct request *request,
    const struct object *object)
{
    uint64_t first = 0, last = 0, length = object_length(object);
    delivery->request = request;
    delivery->at = 0;
    delivery->end = length;
    request->status = object->status;
    delivery->complete = length;
    delivery->selection = delivery_choose(delivery, request, object, &first, &last);
    switch (delivery->selection) {
    case OBJECT_WHOLE:
        delivery->multipart = multipart_select(request, object);
        if (delivery->multipart != NULL) {
            request->status = 206;
            delivery->end = length = delivery->multipart->length;
        }
        break;
    case OBJECT_PART:
        request->status = 206;
        delivery->at = first;
        delivery->end = last + 1;
        length = last + 1 - first;
        break;
    case OBJECT_NOT_MODIFIED:
        request->status = 304;
        break;
    case OBJECT_PRECONDITION_FAILED:
        request->status = 412;
        delivery->end = length = 0;
        break;
    case OBJECT_UNSATISFIABLE:
        request->status = 416;
        delivery->end = length = 0;
        break;
    }
    if (delivery_trailer(request).size > 0)
        delivery->end = length = UINT64_MAX; // a known length leaves no room for it
    delivery->head.status = request->status;
    delivery->head.length = length;
    delivery->head.has_content = object->body != NULL && length > 0
        && request->head.method != HTTP_METHOD_HEAD && request->status != 304;
}

// In which coding, if it is all of the content.
static void delivery_choose_coding(struct delivery *delivery, struct request *request)
{
    struct compress_choice *choice = &delivery->compressed;
    compress_choose(request, delivery->selection == OBJECT_WHOLE && delivery->multipart == NULL,
        choice);
    if (choice->coding == HTTP_CODING_IDENTITY)
        return;
    delivery->end = choice->form == NULL || body_state(choice->form) != BODY_COMPLETE
        ? UINT64_MAX : body_size(choice->form);
    delivery->head.length = delivery->end;
}

// MEMORY: a head without what rules say of it must not go out.
static enum error delivery_compose_head(struct delivery *delivery, struct request *request,
    const struct object *object)
{
    const struct compress_choice *choice = &delivery->compressed;
    struct slice fields = choice->coding == HTTP_CODING_IDENTITY
        ? object_fields(object) : choice->fields;
    struct text tail = text_in(delivery->tail, TAIL_SIZE);
    if (request->status == 304)
        fields = compress_weaken_confirmation(request, fields);
    if (delivery->selection != OBJECT_WHOLE && delivery->selection != OBJECT_PART)
        fields = fields_without_content(request, fields);
    if (object->storable && object->status == 206)
        fields = part_fields(request, fields);
    if (delivery->multipart != NULL)
        fields = multipart_fields(request, fields);
    fields = rule_response_fields(request, object, purge_hide_tags(request, object, fields));
    if (fields.data == NULL)
        return ERROR_MEMORY;
    if (object->storable) {
        text_append(&tail, SLICE("Age: "));
        text_append_u64(&tail, object_age_ms(object, request->thread->loop->now_ns) / 1000);
        text_append(&tail, SLICE("\r\n"));
    }
    unsigned long long first = delivery->base + delivery->at;
    unsigned long long last = delivery->base + delivery->end - 1;
    if (delivery->selection == OBJECT_PART)
        text_format(&tail, "Content-Range: bytes %llu-%llu/%llu\r\n", first, last,
            (unsigned long long)delivery->complete);
    else if (delivery->selection == OBJECT_UNSATISFIABLE)
        text_format(&tail, "Content-Range: bytes */%llu\r\n",
            (unsigned long long)object_length(object));
    bool has_length = delivery->selection == OBJECT_PRECONDITION_FAILED
        || delivery->selection == OBJECT_UNSATISFIABLE
        || ((object->body != NULL || request->head.method == HTTP_METHOD_HEAD)
            && delivery->head.length != UINT64_MAX);
    if (has_length && request->status != 304)
        append_length(&tail, delivery->end - delivery->at);
    append_own_fields(&tail, request);
    delivery->head.fields[0] = fields;
    delivery->head.fields[1] = text_slice(&tail);
    delivery->head.fields[2] = compress_fields(object, choice);
    delivery->head.fields[4] = debug_fields(request);
    if (request->leads && object == request->flight->object)
        delivery->head.fields[3] = rule_leader_fields(request, request->flight->leader_fields);
    return ERROR_NONE;
}

// The head, if it has not gone yet, with a run of content (may be empty).
static enum error delivery_flush(struct task *task, struct delivery *delivery, struct slice content,
    bool ends)
{
    if (delivery->has_sent_head && content.size == 0 && !ends)
        return ERROR_NONE;
    enum error error = delivery_send(task, delivery->request,
        delivery->has_sent_head ? NULL : &delivery->head, content, ends);
    delivery->has_sent_head = true;
    if (error == ERROR_NONE)
        delivery->at += content.size;
    return error;
}

// After the last run of content whose length nobody knew.
static enum error delivery_end(struct task *task, struct delivery *delivery)
{
    struct request *request = delivery->request;
    struct slice trailer = delivery_trailer(request);
    if (trailer.size == 0 || delivery->compressed.form != NULL)
        return delivery_flush(task, delivery, SLICE_EMPTY, true);
    enum error error = delivery_flush(task, delivery, SLICE_EMPTY, false);
    return error != ERROR_NONE ? error
        : request->transport->send_trailer(task, request, trailer);
}

// Content as it comes, the first run together with the head.
static enum error delivery_send_content(struct task *task, struct delivery *delivery,
    struct body_reader *reader)
{
    while (delivery->at < delivery->end) {
        struct slice content = SLICE_EMPTY;
        enum error error = body_reader_peek(reader, &content);
        if (error == ERROR_BUSY) {
            // Nothing yet: the head must not wait for it.
            error = delivery_flush(task, delivery, SLICE_EMPTY, false);
            if (error != ERROR_NONE)
                return error;
            error = body_reader_next(
                task, reader, deadline_after_ms(task_loop(task), CONTENT_STALL_MS), &content);
        }
        if (error == ERROR_CLOSED && delivery->end == UINT64_MAX)
            return delivery_end(task, delivery);
        if (error != ERROR_NONE)
            return error == ERROR_CLOSED ? ERROR_TRUNCATED : error;
        content.size = MINIMUM(content.size, delivery->end - delivery->at);
        size_t size = content.size;
        error = delivery_flush(task, delivery, content, delivery->at + size == delivery->end);
        if (error != ERROR_NONE)
            return error;
        if (body_has_window(reader->body))
            content_seam_add(&delivery->seam, content.data, size);
        body_reader_advance(reader, size);
    }
    return ERROR_NONE;
}

// The window of a large transfer has passed this visitor by: he goes on with a fetch of his own.
static enum error delivery_continue_alone(struct task *task, struct delivery *delivery)
{
    enum error error = delivery_flush(task, delivery, SLICE_EMPTY, false);
    if (error != ERROR_NONE)
        return error;
    ledger_add(delivery->request->thread->ledger, LEDGER_RANGE_RESTARTS, 1);
    return laggard_send_rest(task, delivery->request, delivery->at, delivery->end,
        &delivery->seam);
}

static enum error delivery_send_plain(struct task *task, struct delivery *delivery)
{
    struct request *request = delivery->request;
    struct body *form = delivery->compressed.form;
    struct body_reader reader;
    body_reader_open(&reader, form != NULL ? form : request->object->body, delivery->at);
    body_reader_close(&request->place); // which would hold the window back
    enum error error = delivery_send_content(task, delivery, &reader);
    body_reader_close(&reader);
    if (error == ERROR_LIMIT)
        error = delivery_continue_alone(task, delivery);
    return error;
}

// The coding cannot be had after all, and nothing was sent.
static enum error delivery_send_uncoded(struct task *task, struct delivery *delivery)
{
    struct request *request = delivery->request;
    compress_end(request, &delivery->compressed);
    delivery->compressed = (struct compress_choice){.possible = true};
    delivery_select(delivery, request, request->object);
    enum error error = delivery_compose_head(delivery, request, request->object);
    return error != ERROR_NONE ? error : delivery_send_plain(task, delivery);
}

// A form that others read too, and that may have broken, or gone by its beginning.
static enum error delivery_send_growing(struct task *task, struct delivery *delivery)
{
    struct body_reader reader;
    struct slice ignored;
    body_reader_open(&reader, delivery->compressed.form, 0);
    enum error error = body_reader_peek(&reader, &ignored);
    bool usable = error == ERROR_NONE || error == ERROR_BUSY || error == ERROR_CLOSED;
    if (usable) {
        body_reader_close(&delivery->request->place);
        error = delivery_send_content(task, delivery, &reader);
    }
    body_reader_close(&reader);
    return usable ? error : delivery_send_uncoded(task, delivery);
}

static enum error delivery_send_compressed(struct task *task, struct delivery *delivery,
    struct encoder *encoder)
{
    struct request *request = delivery->request;
    struct body_reader reader;
    body_reader_open(&reader, request->object->body, 0);
    body_reader_close(&request->place);
    enum error error = compress_send(task, request, &delivery->head, encoder, &reader,
        object_length(request->object), &delivery->has_sent_head);
    body_reader_close(&reader);
    return error != ERROR_MEMORY || delivery->has_sent_head ? error
        : delivery_send_uncoded(task, delivery);
}

bool delivery_send_object(struct task *task, struct request *request)
{
    struct object *object = request->object;
    struct delivery delivery;
    memset(&delivery, 0, offsetof(struct delivery, tail));
    delivery_select(&delivery, request, object);
    delivery_choose_coding(&delivery, request);
    enum error error = delivery_compose_head(&delivery, request, object);
    if (error != ERROR_NONE || !delivery.head.has_content)
        body_reader_close(&request->place);
    if (error != ERROR_NONE) {
        // nothing was sent
    } else if (!delivery.head.has_content) {
        error = delivery_flush(task, &delivery, SLICE_EMPTY, true);
    } else if (delivery.multipart != NULL) {
        body_reader_close(&request->place);
        error = multipart_send(task, request, delivery.multipart, &delivery.head,
            &delivery.has_sent_head);
    } else if (delivery.compressed.encoder != NULL) {
        error = delivery_send_compressed(task, &delivery, delivery.compressed.encoder);
    } else if (delivery.compressed.grows) {
        error = delivery_send_growing(task, &delivery);
    } else {
        error = delivery_send_plain(task, &delivery);
    }
    compress_end(request, &delivery.compressed);
    request->complete = error == ERROR_NONE;
    if (request->complete && delivery.head.has_content)
        request_note_content(request);
    if (error != ERROR_NONE && request->first_byte_ns == 0)
        return false;
    if (error != ERROR_NONE) {
        request->cut = !request->gone;
        request->strayed = request->strayed || request->cut;
        if (object->body != NULL && body_state(object->body) == BODY_BROKEN)
            request->failure.kind = request_failure_of(object); // for the log: the head has gone
        request->transport->cut(request);
    }
    return true;
}

// --- Small answers made here ---

// The fields of an answer that is made here; what is too long for the stack is the arena's.
static struct slice own_policy(struct request *request, const struct edge_page *page)
{
    bool is_file = request->own != NULL && request->own->is_file; // may do more than our own
    if (is_file || !slice_equal(page->content_type, page_content_type(PAGE_HTML)))
        return SLICE("");
    struct slice policy = page->policy.data != NULL ? page->policy : page_content_security_policy();
    return arena_printf(&request->arena, "Content-Security-Policy: %.*s\r\n", SLICE_ARGS(policy));
}

static enum error send_pieces(struct task *task, struct request *request,
    const struct edge_page *page)
{
    struct slice piece;
    enum error error = ERROR_NONE;
    while (error == ERROR_NONE && page->more(task, page->more_context, &piece))
        error = delivery_send(task, request, NULL, piece, false);
    return error != ERROR_NONE ? error : delivery_send(task, request, NULL, SLICE_EMPTY, true);
}

// A 304 is of content that the visitor has already (RFC 9110 section 15.4.5).
static void append_content_fields(struct text *text, const struct edge_page *page)
{
    if (page->status == 304)
        return;
    text_append(text, SLICE("Content-Type: "));
    text_append(text, page->content_type);
    text_append(text, SLICE("\r\nX-Content-Type-Options: nosniff\r\n"));
    if (page->more == NULL)
        append_length(text, page->content.size);
}

static void send_own(struct task *task, struct request *request, const struct edge_page *page)
{
    char buffer[2 * TAIL_SIZE], date[HTTP_DATE_SIZE];
    struct text tail = text_in(buffer, sizeof(buffer));
    bool is_head = request->head.method == HTTP_METHOD_HEAD, comes = page->more != NULL && !is_head;
    struct slice content = is_head ? SLICE_EMPTY : page->content;
    struct slice policy = own_policy(request, page);
    request->status = page->status;
    request->transport->discard(request);
    http_date_format(request->thread->loop->wall_ms / 1000, date);
    text_append(&tail, SLICE("Date: "));
    text_append(&tail, slice_of(date, sizeof(date)));
    text_append(&tail, SLICE("\r\nCache-Control: "));
    text_append(&tail, page->cache.data == NULL ? SLICE("no-store") : page->cache);
    text_append(&tail, SLICE("\r\n"));
    append_content_fields(&tail, page);
    append_own_fields(&tail, request);
    struct answer_head head = {
        .status = page->status,
        .fields = {page->fields, text_slice(&tail), debug_fields(request), policy},
        .has_content = content.size > 0 || comes,
        .length = comes ? UINT64_MAX : content.size,
    };
    enum error error = policy.data == NULL ? ERROR_MEMORY
        : delivery_send(task, request, &head, content, !comes);
    if (error == ERROR_NONE && comes)
        error = send_pieces(task, request, page);
    request->complete = error == ERROR_NONE;
}

void delivery_send_page_of(struct task *task, struct request *request,
    const struct edge_page *page)
{
    send_own(task, request, page);
    if (page->end != NULL)
        page->end(page->more_context);
}

void delivery_send_bytes(struct task *task, struct request *request, unsigned status,
    struct slice content_type, struct slice fields, struct slice content)
{
    send_own(task, request, &(struct edge_page){.status = status, .content_type = content_type,
        .fields = fields, .content = content});
}

// When a probe asks one of the site's backends next; 0: nobody knows.
static int64_t delivery_next_probe_ms(struct request *request)
{
    size_t count = origin_backend_count(request->origin);
    struct backend_view *views = arena_alloc(&request->arena, count * sizeof(*views));
    size_t read = views == NULL ? 0 : origin_read_backends(request->origin, views, count);
    int64_t next_ms = 0;
    for (size_t i = 0; i < MINIMUM(read, count); i++) {
        int64_t probe_ms = views[i].next_probe_ms;
        if (probe_ms != 0 && (next_ms == 0 || probe_ms < next_ms))
            next_ms = probe_ms;
    }
    return next_ms;
}

// What is true about the failure of this request.
static void delivery_gather_facts(struct request *request, unsigned status,
    struct page_facts *ret_facts)
{
    struct loop *loop = request->thread->loop;
    const struct edge_settings *settings = request->generation->settings;
    struct page_facts facts = {
        .status = status,
        .host = request->host,
        .now_ms = loop->wall_ms,
        .prefix = settings->prefix,
        .secure = secure_is_request(request) || page_is_secure(&request->head.fields),
        .overloaded = request->shed || request->failure.kind == FAILURE_OVERLOAD
            || request->failure.kind == FAILURE_CONNECTION_LIMIT_REACHED, // no task, no connection
        .was_write = request->head.method_text.size > 0
            && !http_method_is_safe(request->head.method),
        .retry_after_seconds = 10,
        .jitter_seconds = random_below(&loop->random, JITTER_SECONDS + 1),
    };
    if (request->site != NULL) {
        facts.support = request_site(request)->page.support;
        facts.retry_after_seconds = (request_site(request)->page.retry_after_ms + 999) / 1000;
        if (status >= 500) {
            origin_is_down(request->origin, &facts.down_since_ms);
            facts.next_try_ms = request->shed ? 0 : delivery_next_probe_ms(request);
        }
    }
    if (request->failure.retry_after_seconds > facts.retry_after_seconds)
        facts.retry_after_seconds = MINIMUM(request->failure.retry_after_seconds, 3600);
    if (status == 429 && request->failure.retry_after_seconds > 0)
        facts.retry_after_seconds = request->failure.retry_after_seconds; // known, not guessed
    *ret_facts = facts;
}

// As the origin says itself, see request_passes_gate.
static void delivery_tell_learned_maintenance(const struct request *request,
    struct page_facts *facts)
{
    const struct failure *failure = &request->failure;
    facts->maintenance = facts->status == 503 && request->kept_out && failure->declined;
    if (facts->maintenance && failure->retry_after_seconds > 0)
        facts->maintenance_until_ms =
            facts->now_ms + (int64_t)failure->retry_after_seconds * 1000;
}

// RFC 9110 section 10.2.3; the operator's ETA is better than any guess.
static void delivery_apply_maintenance(struct request *request, struct page_facts *facts,
    struct maintenance *maintenance)
{
    edge_read_maintenance(request->thread->edge, maintenance);
    facts->maintenance = maintenance->on && facts->status == 503;
    if (!facts->maintenance) {
        delivery_tell_learned_maintenance(request, facts);
        return;
    }
    facts->maintenance_until_ms = maintenance->until_ms;
    facts->message = slice_from_string(maintenance->message);
    if (maintenance->until_ms > facts->now_ms)
        facts->retry_after_seconds = (uint64_t)(maintenance->until_ms - facts->now_ms + 999) / 1000;
}

// What an operator or an announced maintenance says of when the site is back.
static void delivery_apply_expected(const struct request *request, struct page_facts *facts)
{
    const struct edge_hooks *hooks = &request->thread->edge->hooks;
    if (hooks->expected_ms != NULL && request->site != NULL && facts->status >= 500)
        page_expect(facts, hooks->expected_ms(hooks->page_context,
            slice_from_string(request->site->history->name)));
}

uint64_t delivery_retry_after_seconds(struct request *request, unsigned status)
{
    struct page_facts facts;
    struct maintenance maintenance;
    delivery_gather_facts(request, status, &facts);
    delivery_apply_maintenance(request, &facts, &maintenance);
    delivery_apply_expected(request, &facts);
    return facts.retry_after_seconds + facts.jitter_seconds;
}

// For a site's own failure alone: that the edge is too busy, or that the request was wrong, the
// operators know better than visitors.
static void delivery_offer_report(const struct request *request, struct text *token,
    struct page_facts *facts)
{
    const struct edge_hooks *hooks = &request->thread->edge->hooks;
    if (hooks->report_token == NULL || request->site == NULL || facts->prefix.size == 0
        || !page_blames_site(facts))
        return;
    hooks->report_token(hooks->page_context, facts->request_id,
        slice_from_string(request->site->history->name), facts->now_ms, token);
    facts->report_token = text_slice(token);
}

void delivery_send_page(struct task *task, struct request *request, unsigned status)
{
    char token_buffer[PAGE_TOKEN_MAX];
    struct text token = text_in(token_buffer, sizeof(token_buffer));
    struct page_facts facts;
    struct maintenance maintenance;
    char id[REQUEST_ID_DIGITS];
    struct text id_text = text_in(id, sizeof(id));
    text_append_hex(&id_text, request->id, REQUEST_ID_DIGITS);
    delivery_gather_facts(request, status, &facts);
    facts.request_id = text_slice(&id_text);
    delivery_apply_maintenance(request, &facts, &maintenance);
    delivery_apply_expected(request, &facts);
    delivery_offer_report(request, &token, &facts);
    enum page_form form = page_form_for(&request->head.fields);
    struct slice content = page_error(&request->arena, form, &facts);
    struct slice fields = status >= 500 || status == 429
        ? arena_printf(&request->arena, "Retry-After: %" PRIu64 "\r\n",
            facts.retry_after_seconds + facts.jitter_seconds)
        : status == 405 ? rule_allow(request)
        : SLICE("");
    if (content.data == NULL || fields.data == NULL) {
        content = SLICE("The server is out of memory.\n");
        fields = SLICE("Retry-After: 10\r\n");
        form = PAGE_TEXT;
    }
    delivery_send_bytes(task, request, status, page_content_type(form), fields, content);
}
