// From request to page, in the request's task. Reading the URL and rendering go to a thread: a name
// in another script, and JSON, take more of a stack than a task has.
#include "doctor/check_serve.h"
#include "doctor/check.h"
#include "doctor/check_look.h"
#include "doctor/vantage_inside.h"

#define WHY_MAX 256
#define LOOK_MEMORY ((size_t)256 << 10) // of a look as it is read

struct visit {
    const struct edge_page_request *request;
    struct check_page page;
    struct page_status site;
    struct vantage_result look;
    struct target target;
    enum page_form form;
    struct slice content;
};

// --- On a thread ---

static void read_url(void *argument)
{
    struct visit *visit = argument;
    char buffer[WHY_MAX];
    struct text why = text_in(buffer, sizeof(buffer));
    struct arena *arena = visit->request->arena;
    enum error error = target_parse(visit->page.asked, arena, &why, &visit->target);
    if (error != ERROR_NONE)
        visit->page.problem = error == ERROR_INVALID ? arena_copy(arena, text_slice(&why))
                                                     : slice_from_string(error_text(error));
}

static void write_page(void *argument)
{
    struct visit *visit = argument;
    struct check_page *page = &visit->page;
    struct arena arena;
    arena_init(&arena, 16384, LOOK_MEMORY);
    if (visit->look.status == 200
        && check_look_read(slice_of(visit->look.content, visit->look.size), &arena, page)
            != ERROR_NONE)
        page->problem = SLICE("What was seen could not be read.");
    visit->content = check_page_write(visit->request->arena, visit->form, page);
    arena_free(&arena);
}

// --- In the task ---

// A page whose status is not 200 says why in its problem.
static void answer(struct task *task, struct vantage *vantage, struct visit *visit,
    unsigned status, enum ledger_count count, struct edge_page *page)
{
    const char *fields = "";
    if (vantage_run(task, vantage, write_page, visit) != ERROR_NONE || visit->content.data == NULL)
        visit->content = SLICE("");
    if (visit->content.size == 0)
        status = 503;
    if (status == 405)
        fields = "Allow: GET, HEAD\r\n";
    *page = (struct edge_page){.status = status, .content = visit->content, .count = count,
        .content_type = page_status_content_type(visit->form),
        .fields = slice_from_string(fields)};
}

static void put_off(struct task *task, struct vantage *vantage, struct visit *visit,
    unsigned status, uint64_t seconds, struct edge_page *page)
{
    visit->page.problem = arena_printf(visit->request->arena,
        status == 429 ? "Too much is asked for here. Try again in %llu seconds."
                      : "Too many looks are under way. Try again in %llu seconds.",
        (unsigned long long)seconds);
    answer(task, vantage, visit, status, LEDGER_VANTAGE_LIMITED, page);
    page->fields = arena_printf(visit->request->arena, "Retry-After: %llu\r\n",
        (unsigned long long)seconds);
    if (page->fields.data == NULL)
        page->fields = SLICE("");
}

// Which sites are whose affair: those of this edge, or all.
static bool may_be_asked(struct vantage *vantage, struct visit *visit)
{
    if (edge_page_find_site(visit->request, visit->target.host, &visit->site))
        visit->page.site = &visit->site;
    return visit->page.site != NULL || vantage_settings_of(vantage)->check_any;
}

static void look_and_answer(struct task *task, struct vantage *vantage, struct visit *visit,
    struct edge_page *page)
{
    struct check_page *check = &visit->page;
    enum ledger_count count;
    check->host = visit->target.host;
    if (!vantage_look(task, vantage, visit->target.url, true, visit->request->arena, &visit->look,
            &count)) {
        put_off(task, vantage, visit, 503, VANTAGE_BUSY_SECONDS, page);
        return;
    }
    answer(task, vantage, visit, 200, count, page);
}

static void serve_url(struct task *task, struct vantage *vantage, struct visit *visit,
    struct edge_page *page)
{
    const struct edge_page_request *request = visit->request;
    uint64_t wait_ns = 0;
    if (!vantage_admits(vantage, &request->client, task_now_ns(task), &wait_ns)) {
        put_off(task, vantage, visit, 429, wait_ns / (1000 * NS_PER_MS) + 1, page);
        return;
    }
    unsigned status = 400;
    if (vantage_run(task, vantage, read_url, visit) != ERROR_NONE) {
        put_off(task, vantage, visit, 503, VANTAGE_BUSY_SECONDS, page);
        return;
    }
    if (visit->page.problem.size == 0 && !may_be_asked(vantage, visit)) {
        status = 403;
        visit->page.problem = SLICE("This edge looks at the sites that it serves, and this is none "
            "of them. Run afloat check on your own machine.");
    }
    if (visit->page.problem.size > 0)
        answer(task, vantage, visit, status, LEDGER_VANTAGE_REFUSED, page);
    else
        look_and_answer(task, vantage, visit, page);
}

void check_serve(struct task *task, struct vantage *vantage,
    const struct edge_page_request *request, struct edge_page *ret_page)
{
    struct visit *visit = arena_zero_alloc(request->arena, sizeof(*visit));
    if (visit == NULL) {
        *ret_page = (struct edge_page){.status = 503, .content_type = SLICE("text/plain"),
            .content = SLICE(""), .fields = SLICE(""), .count = LEDGER_VANTAGE_LIMITED};
        return;
    }
    visit->request = request;
    visit->form = page_form_for(request->fields);
    visit->page.prefix = request->prefix;
    struct slice url;
    bool is_read = vantage_read_url(request->query, true, request->arena, &url);
    if (request->method != HTTP_METHOD_GET && request->method != HTTP_METHOD_HEAD) {
        visit->page.problem = SLICE("This page is only there to be read.");
        answer(task, vantage, visit, 405, LEDGER_VANTAGE_REFUSED, ret_page);
    } else if (!is_read) {
        visit->page.problem = SLICE("That address is too long, or not written as a URL is.");
        answer(task, vantage, visit, 400, LEDGER_VANTAGE_REFUSED, ret_page);
    } else if (slice_trim(url).size == 0) {
        unsigned status = visit->form == PAGE_JSON ? 400 : 200; // a program has no use for a form
        answer(task, vantage, visit, status, LEDGER_CHECK_FORMS, ret_page);
    } else {
        visit->page.asked = slice_trim(url);
        serve_url(task, vantage, visit, ret_page);
    }
}
