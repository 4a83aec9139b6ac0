// The form's way: POST takes the vote and sends the browser on to a page that says what became of
// it, so that going back or reloading reports nothing again.
#include "watch/page/status_page.h"
#include "watch/report/reports_inside.h"

#define CONTENT_MAX 4096

// By enum report_outcome: the word in the address, and what the page says.
static const struct {
    struct slice word;
    struct slice title, text;
} outcomes[] = {
    [REPORT_COUNTED] = {SLICE("counted"), SLICE("report_counted_title"), SLICE("report_counted")},
    [REPORT_REPEATED] = {SLICE("repeated"), SLICE("report_counted_title"),
        SLICE("report_repeated")},
    [REPORT_EXPIRED] = {SLICE("expired"), SLICE("fault_title"), SLICE("report_expired")},
    [REPORT_REFUSED] = {SLICE("refused"), SLICE("fault_title"), SLICE("report_refused")},
    [REPORT_BUSY] = {SLICE("busy"), SLICE("fault_title"), SLICE("busy_text")},
};

// fields: where to; data NULL: no memory.
static void send_to(struct slice fields, struct edge_page *page)
{
    *page = (struct edge_page){.status = fields.data == NULL ? 503 : 303,
        .content_type = SLICE("text/plain; charset=utf-8"), .content = SLICE(""),
        .fields = fields.data == NULL ? SLICE("") : fields};
}

static void show_outcome(const struct visit *visit, struct edge_page *page)
{
    struct slice word = visit_form_value(visit, visit->request->query, SLICE("outcome"));
    if (word.size == 0) { // a choice of another language, for one
        send_to(arena_printf(visit->request->arena, "Location: %.*s?lang=%.*s\r\n",
            SLICE_ARGS(visit->home), SLICE_ARGS(visit->language)), page);
        return;
    }
    for (size_t i = 0; i < ARRAY_SIZE(outcomes); i++) {
        if (slice_equal(word, outcomes[i].word)) {
            status_page_answer(visit, 200, outcomes[i].title, outcomes[i].text, "", page);
            return;
        }
    }
    status_page_answer(visit, 404, SLICE("not_found_title"), SLICE("not_found_text"), "", page);
}

static void take_form(struct task *task, struct reports *reports, const struct visit *visit,
    struct edge_page *page)
{
    struct slice form;
    if (!visit_is_from_here(visit)) {
        status_page_answer(visit, 403, SLICE("fault_title"), SLICE("report_refused"), "", page);
        return;
    }
    enum error error = visit_read_content(task, visit, CONTENT_MAX, &form);
    if (error != ERROR_NONE) {
        status_page_answer(visit, error == ERROR_LIMIT ? 413 : 400, SLICE("fault_title"),
            SLICE("report_refused"), "", page);
        return;
    }
    struct slice token = visit_form_value(visit, form, SLICE("token"));
    if (token.data == NULL) // a program has it from the JSON of a failure, in the URL
        token = visit_form_value(visit, visit->request->query, SLICE("token"));
    struct slice component = visit_form_value(visit, form, SLICE("component"));
    enum report_outcome outcome = reports_take(reports, token, component,
        &visit->request->client, visit->now_ms);
    send_to(arena_printf(visit->request->arena, "Location: %.*sreport?outcome=%.*s\r\n",
        SLICE_ARGS(visit->base), SLICE_ARGS(outcomes[outcome].word)), page);
}

bool reports_serve(struct task *task, struct reports *reports, const struct visit *visit,
    struct edge_page *ret_page)
{
    enum http_method method = visit->request->method;
    if (!slice_equal(visit->name, SLICE("report")))
        return false;
    if (method == HTTP_METHOD_POST) {
        take_form(task, reports, visit, ret_page);
    } else if (method == HTTP_METHOD_GET || method == HTTP_METHOD_HEAD) {
        show_outcome(visit, ret_page);
    } else {
        status_page_answer(visit, 405, SLICE("method_title"), SLICE("method_text"),
            "Allow: GET, HEAD, POST\r\n", ret_page);
    }
    return true;
}
