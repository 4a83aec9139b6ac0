// The requests of tests/wire/smuggling.requests, read however they are cut: the verdict on head and
// body, what is taken, and the content found are the same. What the file says of each is asserted
// by the wire test; here only its status must fit.
#include "http1_helpers.h"

#include "base/text.h"

#include <stdio.h>

#define CORPUS "tests/wire/smuggling.requests"
#define BYTES_MOST 100000

static const struct http1_limits corpus_limits = {
    .head_size = 65536,
    .line_size = 16384,
    .field_count = 256,
    .chunk_line_size = 256,
    .trailer_size = 8192,
};

static void append_escape(struct text *text, struct slice *rest)
{
    static const char letters[] = "rnt0\\", bytes[] = "\r\n\t\0\\";
    char letter = rest->data[1];
    size_t used = 2;
    if (letter == 'x') {
        char digits[] = {rest->data[2], rest->data[3], '\0'};
        unsigned value;
        assert_int_equal(sscanf(digits, "%2x", &value), 1);
        text_append_byte(text, (char)value);
        used = 4;
    } else {
        const char *found = memchr(letters, letter, sizeof(letters) - 1);
        assert_non_null(found);
        text_append_byte(text, bytes[found - letters]);
    }
    *rest = slice_of(rest->data + used, rest->size - used);
}

static void append_decoded(struct text *text, struct slice rest);

// {H}, {V} or {what*times}.
static void append_braces(struct text *text, struct slice inside)
{
    uint64_t times;
    const char *star = memrchr(inside.data, '*', inside.size);
    if (star == NULL) {
        text_append(text, slice_equal(inside, SLICE("H")) ? SLICE("Host: h\r\n")
                                                          : SLICE("Via: 1.1 afloat\r\n"));
        return;
    }
    struct slice digits = slice_of(star + 1, (size_t)(inside.data + inside.size - star - 1));
    assert_true(slice_parse_u64(digits, BYTES_MOST, &times));
    while (times-- > 0)
        append_decoded(text, slice_of(inside.data, (size_t)(star - inside.data)));
}

static void append_decoded(struct text *text, struct slice rest)
{
    while (rest.size > 0) {
        if (rest.data[0] == '\\') {
            append_escape(text, &rest);
        } else if (rest.data[0] == '{') {
            rest = slice_of(rest.data + 1, rest.size - 1);
            append_braces(text, slice_cut(&rest, '}'));
        } else {
            text_append_byte(text, rest.data[0]);
            rest = slice_of(rest.data + 1, rest.size - 1);
        }
    }
    assert_false(text->full);
}

struct verdict {
    enum http1_fault fault;
    bool more; // neither a fault nor an end
    size_t end;
    char content[BYTES_MOST];
    size_t content_size;
};

// From one piece to the next; a body's reader never sees a byte twice.
static void read_body(struct http1_body *body, struct slice bytes, struct verdict *verdict)
{
    while (bytes.size > 0 && !body->done) {
        size_t used;
        struct slice content;
        enum http1_progress progress =
            http1_body_read(body, bytes, &corpus_limits, &used, &content);
        if (content.size > 0)
            memcpy(verdict->content + verdict->content_size, content.data, content.size);
        verdict->content_size += content.size;
        verdict->end += used;
        verdict->fault = body->fault;
        if (progress == HTTP1_FAULT)
            return;
        bytes = slice_of(bytes.data + used, bytes.size - used);
    }
}

// The first `first` bytes arrive, then `step` at a time; 0: all the others at once.
static void read_cut(struct slice raw, size_t first, size_t step, struct verdict *verdict)
{
    static struct http_field items[FIELDS_MAX];
    struct http1_scan scan = {0};
    struct http_request_head head = {.fields = {items, 0, FIELDS_MAX}};
    struct http1_body body;
    enum http1_progress progress = HTTP1_MORE;
    size_t known = first, end = 0;
    *verdict = (struct verdict){0};
    while ((progress = http1_scan(&scan, slice_of(raw.data, known), &corpus_limits, &end))
            == HTTP1_MORE && known < raw.size)
        known = step == 0 ? raw.size : MINIMUM(known + step, raw.size);
    verdict->more = progress == HTTP1_MORE;
    verdict->fault = scan.fault;
    if (progress != HTTP1_DONE)
        return;
    verdict->end = end;
    verdict->fault = http1_parse_request(slice_of(raw.data + scan.begin, end - scan.begin),
        &corpus_limits, &head);
    if (verdict->fault != HTTP1_FAULT_NONE)
        return;
    http1_body_init(&body, head.framing, head.content_length);
    read_body(&body, slice_of(raw.data + end, known - end), verdict);
    while (known < raw.size && !body.done && body.fault == HTTP1_FAULT_NONE) {
        size_t here = step == 0 ? raw.size - known : MINIMUM(step, raw.size - known);
        read_body(&body, slice_of(raw.data + known, here), verdict);
        known += here;
    }
    verdict->more = !body.done && body.fault == HTTP1_FAULT_NONE;
}

static void assert_same_verdict(const char *name, const struct verdict *a, const struct verdict *b)
{
    if (a->fault != b->fault || a->more != b->more || a->end != b->end
        || a->content_size != b->content_size
        || memcmp(a->content, b->content, a->content_size) != 0)
        fail_msg("%s: \"%s\" at %zu instead of \"%s\" at %zu", name, http1_fault_text(b->fault),
            b->end, http1_fault_text(a->fault), a->end);
}

static void assert_verdicts_agree(const char *name, struct slice raw, struct verdict *ret_whole)
{
    static struct verdict cut;
    read_cut(raw, raw.size, 0, ret_whole);
    // Cutting a very long one everywhere takes too long and shows nothing more.
    size_t stride = raw.size / 2000 + 1;
    for (size_t first = 0; first < raw.size; first += stride) {
        read_cut(raw, first, 0, &cut);
        assert_same_verdict(name, ret_whole, &cut);
    }
    read_cut(raw, 0, 1, &cut);
    assert_same_verdict(name, ret_whole, &cut);
    read_cut(raw, 1, 2, &cut);
    assert_same_verdict(name, ret_whole, &cut);
}

static struct slice cut_column(struct slice *line)
{
    struct slice whole = *line;
    const char *mark = memmem(whole.data, whole.size, " | ", 3);
    if (mark == NULL) {
        *line = SLICE_EMPTY;
        return slice_trim(whole);
    }
    size_t size = (size_t)(mark - whole.data);
    *line = slice_of(mark + 3, whole.size - size - 3);
    return slice_trim(slice_of(whole.data, size));
}

static void every_request_has_one_verdict_however_it_is_cut(void **state)
{
    (void)state;
    static char line[16384], bytes[BYTES_MOST], name[256];
    static struct verdict whole;
    unsigned count = 0;
    FILE *file = fopen(CORPUS, "r");
    assert_non_null(file);
    while (fgets(line, sizeof(line), file) != NULL) {
        struct slice rest = slice_from_string(line);
        if (line[0] == '#' || line[0] == '\n')
            continue;
        struct text text = text_in(name, sizeof(name)), raw = text_in(bytes, sizeof(bytes));
        text_append(&text, cut_column(&rest));
        text_append_byte(&text, '\0');
        append_decoded(&raw, cut_column(&rest));
        struct slice status = cut_column(&rest);
        assert_verdicts_agree(name, text_slice(&raw), &whole);
        // A fault of the first request is what it was answered; of others, and of what was read
        // well, other parts decide.
        char expected[8];
        snprintf(expected, sizeof(expected), "%u", http1_fault_status(whole.fault));
        if (whole.fault != HTTP1_FAULT_NONE && !slice_equal(status, slice_from_string(expected)))
            fail_msg("%s: %s instead of %.*s", name, expected, SLICE_ARGS(status));
        assert_false(whole.more);
        count++;
    }
    fclose(file);
    assert_true(count >= 300);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_request_has_one_verdict_however_it_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
