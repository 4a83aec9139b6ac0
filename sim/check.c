// The checkers, answer by answer.
#include "sim/check.h"

// How long after the last trouble stale copies may still be seen: back-off, refreshing behind.
#define TROUBLE_MEMORY_MS 90000
#define ON_ITS_WAY_NS (100 * NS_PER_MS) // an answer takes to a visitor, at the most
#define ROUNDING_MS 1100 // ages are whole seconds

static void copy_value(char *buffer, size_t size, struct slice value)
{
    size_t taken = MINIMUM(size - 1, value.size);
    if (taken > 0)
        memcpy(buffer, value.data, taken);
    buffer[taken] = '\0';
}

// Nothing that belongs to one hop, or to the edge alone, may reach a visitor.
static void check_fields(struct sim_run *run, const struct sim_request *request, unsigned status,
    const struct sim_head *head)
{
    size_t count;
    if (run->edge != NULL && sim_head_value(head, "x-hop", NULL).data != NULL)
        sim_fail(run, "%s: a field named by Connection was passed on", request->path);
    sim_head_value(head, "date", &count);
    if (run->edge != NULL && count != 1)
        sim_fail(run, "%s: %zu Date fields", request->path, count);
    sim_head_value(head, "age", &count);
    if (count > 1)
        sim_fail(run, "%s: %zu Age fields", request->path, count);
    if (run->edge == NULL)
        return;
    if (sim_head_value(head, "cache-status", NULL).data == NULL)
        sim_fail(run, "%s: no Cache-Status", request->path);
    if (sim_head_value(head, "afloat-request", NULL).data == NULL)
        sim_fail(run, "%s: no Afloat-Request", request->path);
    if (status >= 500 && sim_head_value(head, "proxy-status", NULL).data == NULL)
        sim_fail(run, "%s: status %u without Proxy-Status", request->path, status);
    // The backend's own words are passed on as they are.
    bool passed_on = sim_head_value(head, "x-backend", NULL).data != NULL;
    if (status == 503 && !passed_on && sim_head_value(head, "retry-after", NULL).data == NULL)
        sim_fail(run, "%s: status 503 without Retry-After", request->path);
}

static void check_owner(struct sim_check *check, struct slice variant)
{
    const struct sim_request *request = check->request;
    char own[16];
    snprintf(own, sizeof(own), "%u", request->client);
    if (check->page->is_private && !slice_equal(variant, slice_from_string(own)))
        sim_fail(check->run, "%s: client %s got the private answer of client %.*s", request->path,
            own, SLICE_ARGS(variant));
    struct slice language = slice_from_string(request->language);
    if (check->page->vary != NULL && !slice_equal(variant, language))
        sim_fail(check->run, "%s: asked for language \"%.*s\", got \"%.*s\"", request->path,
            SLICE_ARGS(language), SLICE_ARGS(variant));
}

static bool trouble_excuses(const struct sim_run *run, uint64_t now_ns)
{
    return run->troubled || (run->trouble_ns != 0 &&
        now_ns - run->trouble_ns < TROUBLE_MEMORY_MS * NS_PER_MS);
}

static void check_age(struct sim_check *check)
{
    const struct sim_answer *answer = check->answer;
    const struct sim_page *page = check->page;
    // What counts is how old it was when the edge chose it: after the request was sent.
    uint64_t sent_ms = answer->sent_ns / NS_PER_MS;
    uint64_t age_ms = sent_ms > answer->born_ms ? sent_ms - answer->born_ms : 0;
    if (answer->version < check->request->version_least)
        sim_fail(check->run, "%s: version %" PRIu64 " after %" PRIu64 " was due (%s)",
            check->request->path, answer->version, check->request->version_least,
            answer->cache_status);
    if (check->request->allow & SIM_ALLOW_OLD)
        return;
    if ((page->never_stored || page->is_private) && answer->born_ms < sent_ms)
        sim_fail(check->run,
            "%s: made %" PRIu64 " ms before it was asked for, and may not be stored (%s)",
            check->request->path, age_ms, answer->cache_status);
    bool excused = (page->keepable && trouble_excuses(check->run, answer->head_ns))
        || (check->run->answers_linger && strstr(answer->cache_status, "collapsed") != NULL);
    if (age_ms > page->fresh_ms + page->revalidate_ms + ROUNDING_MS && !excused)
        sim_fail(check->run, "%s: %" PRIu64 " ms old, allowed are %" PRIu64 " and %" PRIu64 " (%s)",
            check->request->path, age_ms, page->fresh_ms, page->revalidate_ms,
            answer->cache_status);
    // RFC 9111 section 4.2.3 counts the time that the response took as age.
    uint64_t asked_ago_ms = answer->head_ns / NS_PER_MS - answer->asked_ms;
    if (check->run->edge != NULL && !check->run->clocks_differ
        && answer->age_s * 1000 > asked_ago_ms + ROUNDING_MS)
        sim_fail(check->run, "%s: Age %" PRIu64 ", but it was asked for %" PRIu64 " ms ago",
            check->request->path, answer->age_s, asked_ago_ms);
}

// The part of the content that the head promises.
static void choose_part(struct sim_check *check, const struct sim_head *head, uint64_t size)
{
    const struct sim_request *request = check->request;
    check->end = size;
    if (check->answer->status != 206)
        return;
    struct slice rest = sim_head_value(head, "content-range", NULL);
    uint64_t last = 0, whole = 0;
    struct slice first = slice_cut(&rest, '-'), last_text = slice_cut(&rest, '/');
    bool parsed = slice_starts_with(first, SLICE("bytes ")) &&
        slice_parse_u64(slice_of(first.data + 6, first.size - 6), UINT64_MAX, &check->first) &&
        slice_parse_u64(last_text, UINT64_MAX, &last) && slice_parse_u64(rest, UINT64_MAX, &whole);
    if (!parsed || whole != size || !request->has_range || check->first != request->range_first ||
        last != MINIMUM(request->range_last, size - 1))
        sim_fail(check->run, "%s: a 206 that does not fit its request", request->path);
    check->at = check->first;
    check->end = last + 1;
}

void sim_check_head(struct sim_check *check, struct sim_run *run, const struct sim_request *request,
    struct sim_answer *answer, const struct sim_head *head)
{
    memset(check, 0, offsetof(struct sim_check, text));
    check->run = run;
    check->request = request;
    check->answer = answer;
    check->end = UINT64_MAX;
    check->text_size = 0;
    copy_value(answer->cache_status, sizeof(answer->cache_status),
        sim_head_value(head, "cache-status", NULL));
    copy_value(answer->proxy_status, sizeof(answer->proxy_status),
        sim_head_value(head, "proxy-status", NULL));
    copy_value(answer->etag, sizeof(answer->etag), sim_head_value(head, "etag", NULL));
    answer->version = sim_head_number(head, "x-version", 0);
    answer->born_ms = sim_head_number(head, "x-born", 0);
    answer->asked_ms = sim_head_number(head, "x-asked", 0);
    answer->age_s = sim_head_number(head, "age", 0);
    check_fields(run, request, answer->status, head);
    if (answer->version == 0)
        return;
    struct slice rest = slice_from_string(request->path), path = slice_cut(&rest, '?');
    if (!slice_equal(sim_head_value(head, "x-path", NULL), path)) {
        sim_fail(run, "%s: got the content of %.*s", request->path,
            SLICE_ARGS(sim_head_value(head, "x-path", NULL)));
        return;
    }
    check->page = sim_site_page(&run->site, path);
    struct slice variant = sim_head_value(head, "x-variant", NULL);
    check_owner(check, variant);
    check_age(check);
    check->seed = sim_content_seed(path, answer->version, variant);
    choose_part(check, head, sim_page_size(check->page, path));
}

uint64_t sim_check_bytes(struct sim_check *check, struct slice bytes)
{
    uint64_t at = check->at;
    check->at += bytes.size;
    if (check->page == NULL) {
        size_t taken = MINIMUM(bytes.size, sizeof(check->text) - check->text_size);
        memcpy(check->text + check->text_size, bytes.data, taken);
        check->text_size += taken;
        return UINT64_MAX;
    }
    if (check->at > check->end)
        return check->end;
    return sim_content_check(check->seed, at, bytes);
}

// The edge's own words: short, and never where the backends are.
static void check_own_page(const struct sim_check *check)
{
    static const char *const secrets[] = {"10.0.0.", "origin.test"};
    if (check->run->edge == NULL || check->answer->status < 500)
        return;
    if (check->at > sizeof(check->text))
        sim_fail(check->run, "%s: a page of %" PRIu64 " bytes", check->request->path, check->at);
    for (size_t i = 0; i < ARRAY_SIZE(secrets); i++) {
        if (memmem(check->text, check->text_size, secrets[i], strlen(secrets[i])) != NULL)
            sim_fail(check->run, "%s: the page names %s", check->request->path, secrets[i]);
    }
}

void sim_check_end(struct sim_check *check)
{
    unsigned status = check->answer->status;
    if (check->page == NULL)
        check_own_page(check);
    if (check->page == NULL || status == 304 || status == 204 || check->at == check->end)
        return;
    sim_fail(check->run, "%s: %" PRIu64 " bytes passed off as the whole of %" PRIu64 " (%s)",
        check->request->path, check->at - check->first, check->end - check->first,
        check->answer->cache_status);
}

// Once a visitor got a page that may be kept, no visitor may get an error for it.
static struct sim_path *served_before(struct sim_run *run, const struct sim_request *request)
{
    struct slice rest = slice_from_string(request->path), path = slice_cut(&rest, '?');
    const struct sim_page *page = sim_site_page(&run->site, path);
    bool reading = request->method == NULL || strcmp(request->method, "HEAD") == 0;
    if (page == NULL || !page->keepable || !reading)
        return NULL;
    return sim_site_path(
        &run->site, path, page->vary != NULL ? slice_from_string(request->language) : SLICE(""));
}

void sim_check_answer(struct sim_run *run, const struct sim_request *request,
    const struct sim_answer *answer)
{
    const char *method = request->method == NULL ? "GET" : request->method;
    sim_trace(run->world, "client %u: %s %s -> %u %s, %" PRIu64 " bytes (%s)", request->client,
        method, request->path, answer->status, error_text(answer->error), answer->size,
        answer->cache_status);
    struct sim_path *path = served_before(run, request);
    bool served = path != NULL && path->served && !run->tolerant;
    if (answer->error == ERROR_PROTOCOL)
        sim_fail(run, "%s: %s", request->path, answer->fault);
    if (answer->error != ERROR_NONE) {
        run->cut++;
        // One that had begun cannot be mended: what others got while it was under way is no copy
        // that it could have come from.
        served = served && !(answer->began && answer->sent_ns < path->served_ns);
        bool allowed = (request->allow & SIM_ALLOW_CUT) &&
            (!served || (request->allow & SIM_ALLOW_BROKEN));
        if (!allowed)
            sim_fail(run, "%s %s: no complete answer: %s after status %u, %" PRIu64 " bytes (%s)%s",
                method, request->path, error_text(answer->error), answer->status, answer->size,
                answer->cache_status, served ? ", though it was served before" : "");
        return;
    }
    bool accepted = (answer->status == 202 && (request->allow & SIM_ALLOW_ACCEPTED))
        || ((request->allow & SIM_ALLOW_FILE)
            && strstr(answer->cache_status, "detail=fallback") != NULL);
    if (answer->version == 0 && answer->status < 400 && !accepted)
        sim_fail(run, "%s: status %u without the site's content", request->path, answer->status);
    run->answers++;
    run->errors += answer->status >= 500;
    // What came a moment before it was on its way already.
    served = served && path->served_ns + ON_ITS_WAY_NS < answer->head_ns;
    if (answer->status >= 500 && (!(request->allow & SIM_ALLOW_ERROR) || served))
        sim_fail(run, "%s %s: status %u (%s; %s)%s", method, request->path, answer->status,
            answer->cache_status, answer->proxy_status,
            served ? ", though it was served before" : "");
    bool whole = answer->status == 200 && answer->version != 0 && strcmp(method, "GET") == 0;
    if (path != NULL && whole && !path->served) {
        path->served = true;
        path->served_ns = answer->end_ns;
    }
}
