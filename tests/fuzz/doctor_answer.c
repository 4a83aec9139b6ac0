// Any answer read as one that was asked for: what is found lies within its bounds and is no more
// than text, the same twice; where it sends the visitor is a URL that comes back the same; and a
// cookie goes to no host but its own and those below its domain.
#include "../unit/doctor/fixture.h"

#include "doctor/answer.h"
#include "doctor/refer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct arena arena, again;

static void check_facts(const struct answer_facts *facts)
{
    invariant(facts->title.size <= ANSWER_TITLE_MAX);
    invariant(facts->etag.size <= ANSWER_FIELD_MAX && facts->server.size <= ANSWER_FIELD_MAX);
    invariant(facts->cookies.size <= COOKIES_SIZE_MAX);
    invariant(!slice_contains(facts->cookies, '\r') && !slice_contains(facts->cookies, '\n'));
    invariant(facts->retry_at == 0 || facts->retry_at >= 1764500000);
    invariant(facts->says.count <= VERDICTS_MAX);
    invariant(!facts->is_cached_error || facts->status >= 500);
}

static void check_reference(const struct target *base, struct slice reference)
{
    struct target target, same;
    if (!target_refer(base, reference, &arena, &target))
        return;
    invariant(target.host.size > 0 && target.port != 0);
    invariant(slice_starts_with(target.url, target.is_secure ? SLICE("https://")
                                                             : SLICE("http://")));
    invariant(!slice_contains(target.url, ' ') && !slice_contains(target.url, '#'));
    invariant(target_refer(&target, target.url, &arena, &same));
    invariant(slice_equal(target.url, same.url));
}

static void check_cookies(const struct cookies *cookies, const struct target *from)
{
    invariant(cookies->count <= COOKIES_MAX);
    for (unsigned i = 0; i < cookies->count; i++) {
        const struct cookie *cookie = &cookies->items[i];
        invariant(cookie->name.size > 0);
        invariant(slice_equal(cookie->host, from->host)
            || (cookie->reaches_below && slice_ends_with(from->host, cookie->host)));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct followed followed;
    struct fixture fixture;
    struct answer_facts facts, same;
    arena_init(&arena, 16384, (size_t)8 << 20);
    arena_init(&again, 16384, (size_t)8 << 20);
    if (fixture_parse(&fixture, slice_of((const char *)data, size))) {
        memset(&followed, 0, sizeof(followed));
        followed.outcome = ANSWER_WHOLE;
        followed.answer = (struct look_answer){.outcome = ANSWER_WHOLE,
            .status = fixture.answer.status, .fields = fixture.fields,
            .body = fixture.answer.body};
        followed.target = (struct target){.url = SLICE("https://www.site.test/a?b"),
            .host = SLICE("www.site.test"), .path = SLICE("/a?b"), .port = 443, .is_secure = true};
        cookies_take(&followed.cookies, &fixture.fields, &followed.target, 1764500000, &arena);
        check_cookies(&followed.cookies, &followed.target);
        answer_read(&followed, NULL, 1764500000, &arena, &facts);
        answer_keep(&facts, &arena);
        check_facts(&facts);
        answer_read(&followed, NULL, 1764500000, &again, &same);
        invariant(same.retry_at == facts.retry_at && slice_equal(same.title, facts.title)
            && slice_equal(same.status_page, facts.status_page));
        check_reference(&followed.target,
            http_fields_value(&fixture.fields, HTTP_NAME_LOCATION));
    }
    arena_free(&arena);
    arena_free(&again);
    return 0;
}
