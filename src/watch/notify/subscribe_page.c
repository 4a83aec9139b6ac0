// The three pages: asking, confirming, ending. A link of a mail only ever shows a button, for
// programs that look at mails follow links (RFC 8058 section 1); what POSTs to an ending link ends
// it at once, whoever it is from, for that is how mail providers do it.
#include "http/field.h"
#include "watch/notify/mail_address.h"
#include "watch/notify/subscribe.h"
#include "watch/page/status_page.h"

#define FORM_SIZE ((size_t)128 << 10)
#define COMPONENTS_OFFERED 100 // with a box each; beyond that, all or nothing
#define FIELDS_SIZE ((size_t)256)
// What stands in a page of status_page_message where the form goes: no letter of it is escaped.
#define FORM_HERE "afloat-form-goes-here-7c1d"

struct page {
    const struct visit *visit;
    struct edge_page *answer;
    enum language language;
};

// --- Answers ---

static bool finish(struct page *page, unsigned status, struct slice content)
{
    struct arena *arena = page->visit->request->arena;
    char *buffer = arena_alloc(arena, FIELDS_SIZE);
    struct text fields = text_in(buffer, buffer == NULL ? 0 : FIELDS_SIZE);
    *page->answer = (struct edge_page){.status = content.data == NULL ? 503 : status,
        .content_type = SLICE("text/html; charset=utf-8"), .content = content};
    if (buffer == NULL)
        return true;
    // The address bar has a token in it, which is nobody else's business; without any referrer,
    // browsers would not say either that a form is from here (Origin: null).
    text_append(&fields, SLICE("Referrer-Policy: same-origin\r\nX-Robots-Tag: noindex\r\n"));
    text_format(&fields, "Content-Language: %.*s\r\nVary: Accept-Language\r\n",
        SLICE_ARGS(language_code(page->language)));
    if (status == 405)
        text_append(&fields, SLICE("Allow: GET, HEAD, POST\r\n"));
    if (status == 429)
        text_append(&fields, SLICE("Retry-After: 3600\r\n"));
    if (!fields.full)
        page->answer->fields = text_slice(&fields);
    return true;
}

static bool say(struct page *page, unsigned status, enum word title, enum word text)
{
    return finish(page, status, status_page_message(page->visit->request->arena, page->visit,
        word_text(page->language, title), word_text(page->language, text)));
}

static void append_word(const struct page *page, struct text *form, enum word word)
{
    text_append(form, word_text(page->language, word));
}

// A page of the house with a form in it.
static bool show_form(struct page *page, enum word title, const struct text *form)
{
    struct arena *arena = page->visit->request->arena;
    struct slice around = status_page_message(arena, page->visit,
        word_text(page->language, title), SLICE(FORM_HERE));
    const char *here = around.data == NULL ? NULL
        : memmem(around.data, around.size, FORM_HERE, strlen(FORM_HERE));
    char *content = here == NULL || form->full ? NULL
        : arena_alloc(arena, around.size + form->size);
    if (content == NULL)
        return finish(page, 503, SLICE_EMPTY);
    struct text whole = text_in(content, around.size + form->size);
    size_t before = (size_t)(here - around.data), after = before + strlen(FORM_HERE);
    text_append(&whole, slice_of(around.data, before));
    text_append(&whole, text_slice(form));
    text_append(&whole, slice_of(around.data + after, around.size - after));
    return finish(page, 200, text_slice(&whole));
}

// Its answer is in the language of this page, whatever the visitor's browser likes.
static bool begin_form(struct page *page, struct text *form, const char *name, struct slice token)
{
    char *buffer = arena_alloc(page->visit->request->arena, FORM_SIZE);
    *form = text_in(buffer, buffer == NULL ? 0 : FORM_SIZE);
    form->full = buffer == NULL;
    text_append(form, SLICE("</p><form method=\"post\" action=\""));
    text_append_html(form, page->visit->base);
    text_format(form, "%s?", name);
    if (token.size > 0) {
        text_append(form, SLICE("token="));
        text_append_html(form, token); // base64url, for it was one of ours
        text_append(form, SLICE("&amp;"));
    }
    text_format(form, "lang=%.*s\">", SLICE_ARGS(language_code(page->language)));
    return buffer != NULL;
}

static bool is_post(const struct page *page)
{
    return page->visit->request->method == HTTP_METHOD_POST;
}

// --- Asking ---

static void append_components(const struct page *page, struct text *form)
{
    const struct snapshot *snapshot = page->visit->snapshot;
    if (snapshot == NULL || snapshot->component_count < 2
        || snapshot->component_count > COMPONENTS_OFFERED)
        return;
    text_append(form, SLICE("<fieldset><legend>"));
    append_word(page, form, WORD_SUBSCRIBE_ABOUT);
    text_append(form, SLICE("</legend><p>"));
    append_word(page, form, WORD_SUBSCRIBE_CHOOSE);
    text_append(form, SLICE("</p>"));
    for (size_t i = 0; i < snapshot->component_count; i++) {
        text_format(form, "<p><label><input type=\"checkbox\" name=\"c%zu\" value=\"", i);
        text_append_html(form, snapshot->components[i].id);
        text_append(form, SLICE("\"> "));
        text_append_html(form, snapshot->components[i].title);
        text_append(form, SLICE("</label></p>"));
    }
    text_append(form, SLICE("</fieldset>"));
}

static bool show_asking(struct page *page)
{
    struct text form;
    if (!begin_form(page, &form, "subscribe", SLICE_EMPTY))
        return finish(page, 503, SLICE_EMPTY);
    text_append(&form, SLICE("<p><label>"));
    append_word(page, &form, WORD_SUBSCRIBE_ADDRESS);
    text_append(&form, SLICE("<br><input type=\"email\" name=\"email\" required "
        "maxlength=\"254\" autocomplete=\"email\"></label></p>"));
    append_components(page, &form);
    text_append(&form, SLICE("<p><button>"));
    append_word(page, &form, WORD_SUBSCRIBE_BUTTON);
    text_append(&form, SLICE("</button></p></form><p>"));
    append_word(page, &form, WORD_SUBSCRIBE_HELP);
    return show_form(page, WORD_SUBSCRIBE_TITLE, &form);
}

// The ids of those that there are; others are left out. False: too many.
static bool read_components(const struct page *page, struct slice content, struct text *chosen)
{
    const struct snapshot *snapshot = page->visit->snapshot;
    size_t count = snapshot == NULL ? 0 : MINIMUM(snapshot->component_count, COMPONENTS_OFFERED);
    for (size_t i = 0; i < count; i++) {
        char buffer[24];
        struct text name = text_in(buffer, sizeof(buffer));
        text_format(&name, "c%zu", i);
        struct slice value = visit_form_value(page->visit, content, text_slice(&name));
        if (value.data == NULL || !slice_equal(value, snapshot->components[i].id))
            continue;
        if (chosen->size > 0)
            text_append_byte(chosen, '\n');
        text_append(chosen, value);
    }
    return !chosen->full;
}

static bool ask(struct page *page, struct courier *courier, struct slice content)
{
    struct arena *arena = page->visit->request->arena;
    char *buffer = arena_alloc(arena, SUBSCRIBER_COMPONENTS_MAX);
    struct text chosen = text_in(buffer, buffer == NULL ? 0 : SUBSCRIBER_COMPONENTS_MAX);
    struct slice address = slice_trim(visit_form_value(page->visit, content, SLICE("email")));
    if (!mail_address_is_valid(address))
        return say(page, 400, WORD_ADDRESS_BAD_TITLE, WORD_ADDRESS_BAD_TEXT);
    if (!read_components(page, content, &chosen))
        return say(page, 400, WORD_CHOICE_LARGE_TITLE, WORD_CHOICE_LARGE_TEXT);
    const struct subscribe_words wanted = {.address = address,
        .components = text_slice(&chosen), .language = page->language};
    switch (subscribe_ask(courier, &wanted, &page->visit->request->client,
        page->visit->now_ms)) {
    case SUBSCRIBE_MAILED:
        return say(page, 200, WORD_MAILED_TITLE, WORD_MAILED_TEXT);
    case SUBSCRIBE_TOO_MANY:
        return say(page, 429, WORD_ASKED_OFTEN_TITLE, WORD_ASKED_OFTEN_TEXT);
    case SUBSCRIBE_FAILED:
        break;
    }
    return say(page, 503, WORD_FAULT_TITLE, WORD_FAULT_TEXT);
}

// --- Confirming and ending ---

static bool show_button(struct page *page, struct slice token, bool ends)
{
    struct text form;
    if (!begin_form(page, &form, ends ? "unsubscribe" : "confirm", token))
        return finish(page, 503, SLICE_EMPTY);
    text_append(&form, SLICE("<p><button>"));
    append_word(page, &form, ends ? WORD_END_BUTTON : WORD_CONFIRM_BUTTON);
    text_append(&form, SLICE("</button></p></form><p>"));
    return show_form(page, ends ? WORD_END_TITLE : WORD_SUBSCRIBE_TITLE, &form);
}

static bool refuse_token(struct page *page, enum error error)
{
    if (error == ERROR_TIMEOUT)
        return say(page, 410, WORD_LINK_OLD_TITLE, WORD_LINK_OLD_TEXT);
    return say(page, 400, WORD_LINK_BROKEN_TITLE, WORD_LINK_BROKEN_TEXT);
}

static bool confirm(struct page *page, struct courier *courier,
    const struct subscribe_words *words)
{
    if (!visit_is_from_here(page->visit))
        return say(page, 403, WORD_ELSEWHERE_TITLE, WORD_ELSEWHERE_LINK);
    enum error error = subscribe_confirm(courier, words, page->visit->now_ms);
    if (error == ERROR_NONE)
        return say(page, 200, WORD_CONFIRMED_TITLE, WORD_CONFIRMED_TEXT);
    return say(page, 503, WORD_FAULT_TITLE,
        error == ERROR_LIMIT ? WORD_SUBSCRIBERS_FULL_TEXT : WORD_FAULT_TEXT);
}

static bool answer_link(struct task *task, struct page *page, struct courier *courier, bool ends)
{
    const struct visit *visit = page->visit;
    struct slice content;
    // "List-Unsubscribe=One-Click", or nothing: whatever it is, the link says it all.
    if (is_post(page) && visit_read_content(task, visit, SUBSCRIBE_FORM_MAX, &content)
        != ERROR_NONE && !ends)
        return say(page, 400, WORD_NOT_WHOLE_TITLE, WORD_NOT_WHOLE_TEXT);
    struct slice query = visit->request->query;
    struct subscribe_words words;
    struct slice token = query.data == NULL ? SLICE_EMPTY
        : visit_form_value(visit, query, SLICE("token"));
    char *buffer = arena_alloc(visit->request->arena, SEAL_WORDS_MAX);
    if (buffer == NULL)
        return finish(page, 503, SLICE_EMPTY);
    enum error error = subscribe_unseal(courier, token, ends, visit->now_ms, buffer, &words);
    if (error != ERROR_NONE)
        return refuse_token(page, error);
    if (!is_post(page))
        return show_button(page, token, ends);
    if (!ends)
        return confirm(page, courier, &words);
    subscribe_end(courier, words.address);
    return say(page, 200, WORD_ENDED_TITLE, WORD_ENDED_TEXT);
}

static bool answer_asking(struct task *task, struct page *page, struct courier *courier)
{
    struct slice content;
    if (!is_post(page))
        return show_asking(page);
    enum error error = visit_read_content(task, page->visit, SUBSCRIBE_FORM_MAX, &content);
    if (error != ERROR_NONE)
        return say(page, error == ERROR_LIMIT ? 413 : 400, WORD_NOT_WHOLE_TITLE,
            WORD_NOT_WHOLE_TEXT);
    if (!visit_is_from_here(page->visit))
        return say(page, 403, WORD_ELSEWHERE_TITLE, WORD_ELSEWHERE_FORM);
    return ask(page, courier, content);
}

bool courier_serve(struct task *task, struct courier *courier, const struct visit *visit,
    struct edge_page *ret_page)
{
    struct page page = {visit, ret_page, LANGUAGE_ENGLISH};
    bool asks = slice_equal(visit->name, SLICE("subscribe"));
    bool confirms = slice_equal(visit->name, SLICE("confirm"));
    bool ends = slice_equal(visit->name, SLICE("unsubscribe"));
    enum http_method method = visit->request->method;
    if (courier == NULL || (!asks && !confirms && !ends))
        return false;
    if (!language_find(visit->language, &page.language))
        page.language = LANGUAGE_ENGLISH;
    // Who once asked can end it, whether or not others may ask now.
    if (!ends && !courier->may_subscribe)
        return false;
    if (method != HTTP_METHOD_GET && method != HTTP_METHOD_HEAD && method != HTTP_METHOD_POST)
        return say(&page, 405, WORD_FORM_ONLY_TITLE, WORD_FORM_ONLY_TEXT);
    return asks ? answer_asking(task, &page, courier) : answer_link(task, &page, courier, ends);
}
