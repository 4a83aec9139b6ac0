// Does a page that answers 204 and nothing else answer so? Who puts a login page in between answers
// in its place, with a redirect or the page itself, for he cannot know what was to come.
#include "doctor/look.h"
#include "doctor/resolve.h"
#include "http/cache_control.h"

#define STATUS_EXPECTED 204
#define STATUS_LOGIN 511 // Network Authentication Required (RFC 6585)

static bool find_addresses(struct check *check, const struct target *target, uint64_t deadline,
    struct name_facts *names)
{
    if (target->is_literal) {
        names->count = 1;
        return address_parse_host(target->host, target->port, &names->addresses[0]) == ERROR_NONE;
    }
    resolve_any(check, target->host, target->port, deadline, check_arena(check, STEP_PORTAL),
        names);
    return names->outcome == NAME_FOUND && names->count > 0;
}

// Errors that the page's own server, or a proxy on the way, may well have made say nothing.
static enum fact judge_answer(const struct look_answer *answer)
{
    if (answer->outcome != ANSWER_WHOLE)
        return FACT_UNKNOWN;
    if (answer->status == STATUS_EXPECTED && answer->body.size == 0)
        return FACT_GOOD;
    bool is_error = answer->status == 429 || (answer->status >= 500
        && answer->status != STATUS_LOGIN);
    return is_error ? FACT_UNKNOWN : FACT_BAD;
}

// A copy's Date is as old as it is.
static int64_t date_of(const struct look_answer *answer, int64_t now)
{
    int64_t date = 0;
    uint64_t age = 0;
    if (!http_date_parse(http_fields_value(&answer->fields, HTTP_NAME_DATE), now, &date))
        return 0;
    if (!slice_parse_u64(http_fields_value(&answer->fields, HTTP_NAME_AGE), INT32_MAX, &age))
        age = 0;
    return date + (int64_t)age;
}

void step_portal(struct check *check, struct facts *facts)
{
    const struct check_options *options = check_options_of(check);
    struct arena *arena = check_arena(check, STEP_PORTAL);
    uint64_t deadline = check_deadline(check, STEP_PORTAL);
    char ignored[128];
    struct text why = text_in(ignored, sizeof(ignored));
    struct name_facts names = {0};
    struct look_answer answer = {0};
    struct target target;
    if (options->portal.data == NULL || deadline == 0
        || target_parse(options->portal, arena, &why, &target) != ERROR_NONE)
        return;
    facts->portal.asked = target.url;
    if (!find_addresses(check, &target, deadline, &names))
        return;
    const struct look_request request = {.url = target.url, .addresses = names.addresses,
        .address_count = names.count, .version = LOOK_VERSION_HTTP1, .is_third_party = true,
        .deadline_ms = deadline};
    look(check, &request, arena, &answer);
    facts->portal.clear = judge_answer(&answer);
    facts->portal.status = answer.status;
    facts->portal.date = date_of(&answer, facts->at_ms / 1000);
    if (facts->portal.clear == FACT_BAD)
        facts->portal.location = http_fields_value(&answer.fields, HTTP_NAME_LOCATION);
}
