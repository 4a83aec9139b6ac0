// One object, made of what the result says and the facts beside it.
#include "doctor/report.h"
#include "base/units.h"
#include "doctor/draw.h"
#include "doctor/facts_json.h"

// As JSON wants it: what is no UTF-8 becomes U+FFFD.
static json_t *text_of(struct slice slice)
{
    char buffer[FACTS_JSON_URL_MAX];
    struct text text = text_in(buffer, sizeof(buffer));
    text_append_utf8(&text, slice_of(slice.data, MINIMUM(slice.size, sizeof(buffer) / 3)));
    return json_stringn(text.data, text.size);
}

static json_t *evidence(const struct diagnosis *diagnosis)
{
    json_t *list = json_array();
    for (unsigned i = 0; i < diagnosis->evidence_count; i++)
        json_array_append_new(list, text_of(diagnosis->evidence[i]));
    return list;
}

static json_t *steps(uint32_t taken)
{
    json_t *list = json_array();
    for (unsigned i = 0; i < STEP_COUNT; i++) {
        if ((taken >> i & 1) != 0)
            json_array_append_new(list, json_string(step_name((enum step)i)));
    }
    return list;
}

static json_t *asked(const struct check_options *options)
{
    const struct slice parties[] = {options->second, options->https, options->portal,
        options->control};
    json_t *list = json_array();
    for (size_t i = 0; i < ARRAY_SIZE(parties); i++) {
        if (parties[i].data != NULL)
            json_array_append_new(list, text_of(parties[i]));
    }
    for (unsigned i = 0; i < options->vantage_count; i++)
        json_array_append_new(list, text_of(options->vantages[i]));
    return list;
}

static json_t *side_of(enum verdict verdict)
{
    static const char *const names[] = {
        [VERDICT_SIDE_FINE] = "fine", [VERDICT_SIDE_SITE] = "site", [VERDICT_SIDE_YOURS] = "yours",
        [VERDICT_SIDE_BETWEEN] = "between", [VERDICT_SIDE_UNKNOWN] = "unknown",
    };
    return json_string(names[verdict_side(verdict)]);
}

static json_t *time_of(int64_t seconds)
{
    char buffer[32];
    struct text text = text_in(buffer, sizeof(buffer));
    if (seconds != 0)
        units_format_time(&text, seconds * 1000);
    return text.size == 0 ? json_null() : json_stringn(text.data, text.size);
}

json_t *report_to_json(const struct check_result *result, const struct check_options *options)
{
    const struct diagnosis *diagnosis = &result->diagnosis;
    // Steals its values; NULL when any of them could not be had.
    return json_pack("{s:i, s:o, s:o, s:o, s:o, s:o, s:o, s:s, s:o, s:I, s:o, s:o, s:o}",
        "version", REPORT_VERSION, "url", text_of(result->facts.target.url), "verdict",
        text_of(verdict_name(diagnosis->verdict)), "side", side_of(diagnosis->verdict), "fault",
        text_of(diagnosis->fault), "advice", text_of(diagnosis->advice), "evidence",
        evidence(diagnosis), "rule", diagnosis->rule, "retry_at", time_of(diagnosis->retry_at),
        "took_ms", (json_int_t)result->ms, "steps", steps(result->taken), "asked", asked(options),
        "facts", facts_to_json(&result->facts));
}
