// Mistakes that no single row of a rule can see.
#include "edge/rules/rule_review.h"
#include "conf/conf.h"
#include "edge/rules/rule_settings.h"
#include "http/field.h"

// --- Header fields ---

enum direction { TOWARDS_ORIGIN, TOWARDS_VISITOR };

// Why nobody but the edge may write that field; NULL: anybody may.
static const char *why_refused(struct slice name, enum direction direction)
{
    enum http_name known = http_name_find(name);
    if (!http_is_token(name))
        return "is no name of a header field; expected one such as X-Frame-Options";
    if (http_name_is_hop_by_hop(known) || known == HTTP_NAME_CONTENT_LENGTH
        || known == HTTP_NAME_EXPECT || known == HTTP_NAME_CONTENT_RANGE)
        return "belongs to the connection or frames the content; expected another field";
    if (known == HTTP_NAME_VIA || known == HTTP_NAME_CACHE_STATUS || known == HTTP_NAME_PROXY_STATUS
        || known == HTTP_NAME_AGE)
        return "is the edge's own; expected another field";
    if (direction == TOWARDS_ORIGIN && known == HTTP_NAME_HOST)
        return "is no field of request_headers; expected \"host\" of the rule";
    if (direction == TOWARDS_ORIGIN && (known == HTTP_NAME_RANGE
            || slice_equal_nocase(slice_of(name.data, MINIMUM(name.size, 3)), SLICE("if-"))))
        return "is the cache's to ask by; expected another field";
    if (direction == TOWARDS_VISITOR && known == HTTP_NAME_CONTENT_ENCODING)
        return "says how the content must be read; expected another field";
    return NULL;
}

static void review_name(struct setting_review *review, const struct slice *name,
    enum direction direction)
{
    char buffer[256];
    struct text quoted = text_in(buffer, sizeof(buffer));
    const char *why = name->data == NULL ? NULL : why_refused(*name, direction);
    if (why == NULL)
        return;
    text_append_quoted(&quoted, *name);
    conf_add_mistake(review, name, "%s: %.*s %s",
        direction == TOWARDS_ORIGIN ? "request_headers" : "response_headers",
        SLICE_ARGS(text_slice(&quoted)), why);
}

static void review_headers(struct setting_review *review,
    const struct rule_headers_settings *settings, enum direction direction)
{
    const struct setting_pair *set = settings->set.items, *add = settings->add.items;
    const struct slice *remove = settings->remove.items;
    for (size_t i = 0; i < settings->set.count; i++) {
        review_name(review, &set[i].name, direction);
        for (size_t k = 0; k < i; k++) {
            if (set[i].name.size > 0 && slice_equal_nocase(set[i].name, set[k].name))
                conf_add_mistake(review, &set[i].name, "set: \"%.*s\" is set twice; expected it "
                    "once, as case does not matter", SLICE_ARGS(set[i].name));
        }
    }
    for (size_t i = 0; i < settings->add.count; i++)
        review_name(review, &add[i].name, direction);
    for (size_t i = 0; i < settings->remove.count; i++)
        review_name(review, &remove[i], direction);
}

void rule_review_request_headers(struct setting_review *review, const void *settings)
{
    review_headers(review, settings, TOWARDS_ORIGIN);
}

void rule_review_response_headers(struct setting_review *review, const void *settings)
{
    review_headers(review, settings, TOWARDS_VISITOR);
}

// --- A rule ---

static bool is_redirect(uint64_t status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

static void review_ending(struct setting_review *review, const struct rule_settings *rule)
{
    const struct rule_answer_settings *answer = &rule->answer;
    bool redirects = rule->redirect.to.size > 0, answers = conf_is_written(review, &answer->status);
    if (conf_is_written(review, &rule->redirect.status) && rule->redirect.status != 0
        && !is_redirect(rule->redirect.status))
        conf_add_mistake(review, &rule->redirect.status, "redirect.status: \"%u\" is no redirect; "
            "expected 301, 302, 303, 307 or 308", (unsigned)rule->redirect.status);
    if (conf_is_written(review, &rule->redirect.status)
        && !conf_is_written(review, &rule->redirect.to))
        conf_add_mistake(review, &rule->redirect.status,
            "redirect: does not say where to; expected redirect.to");
    if (conf_is_written(review, &answer->text) && !answers)
        conf_add_mistake(review, &answer->text,
            "answer: has a text and no status; expected answer.status");
    if (redirects && answers)
        conf_add_mistake(review, &answer->status, "answer: the rule redirects already; expected "
            "one of redirect and answer");
    if (answers && (answer->status == 204 || answer->status == 205 || answer->status == 206
            || answer->status == 304))
        conf_add_mistake(review, &answer->status, "answer.status: \"%u\" cannot be said without "
            "the origin; expected a status with a content of its own", (unsigned)answer->status);
}

static bool names_key(const struct key_settings *key)
{
    return key->query != SETTING_ABSENT || key->tracking != SETTING_ABSENT
        || key->keep_parameters.count + key->drop_parameters.count + key->cookies.count
            + key->headers.count > 0;
}

// Where in the file the key was written, for the message.
static const void *place_of_key(struct setting_review *review, const struct key_settings *key)
{
    const void *const members[] = {&key->query, &key->tracking, &key->keep_parameters,
        &key->drop_parameters, &key->cookies, &key->headers};
    for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
        if (conf_is_written(review, members[i]))
            return members[i];
    }
    return key;
}

void rule_review(struct setting_review *review, const void *settings)
{
    const struct rule_settings *rule = settings;
    const struct rule_cache_settings *cache = &rule->cache;
    review_ending(review, rule);
    // A purge by URL knows neither cookies nor methods, and must find every copy.
    bool depends = rule->cookies.count + rule->without_cookies.count + rule->methods.count > 0;
    if (depends && names_key(&rule->key))
        conf_add_mistake(review, place_of_key(review, &rule->key), "key: cannot depend on cookies "
            "or methods; expected a rule for paths alone, with key.cookies");
    if (cache->fresh_minimum_ms != SETTING_ABSENT && cache->fresh_maximum_ms != SETTING_ABSENT
        && cache->fresh_minimum_ms > cache->fresh_maximum_ms)
        conf_add_mistake(review, &cache->fresh_minimum_ms, "cache.fresh_minimum: is more than "
            "fresh_maximum; expected at most that");
    if (cache->fresh_ms != SETTING_ABSENT && cache->fresh_minimum_ms != SETTING_ABSENT)
        conf_add_mistake(review, &cache->fresh_minimum_ms, "cache.fresh_minimum: fresh holds "
            "already whatever the origin says; expected one of them");
}
