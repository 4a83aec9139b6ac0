// Placing what fails, and moving on what is open.
#include "watch/incident/incident_automatic.h"

#define STARTED_EARLIER_MS 60000 // at most, than it was found out

struct round {
    struct incidents *incidents;
    struct subject *subjects;
    size_t count;
    int64_t now_ms;
    bool are_many; // fail at once
};

static bool fails(const struct incident_settings *settings, const struct subject *subject,
    int64_t now_ms)
{
    switch (subject->state) {
    case COMPONENT_DOWN:
    case COMPONENT_PARTIAL:
        return true;
    case COMPONENT_DEGRADED:
        return settings->degraded_ms > 0
            && now_ms - subject->since_ms >= (int64_t)settings->degraded_ms;
    case COMPONENT_UNKNOWN:
    case COMPONENT_OPERATIONAL:
    case COMPONENT_MAINTENANCE:
        break;
    }
    return false;
}

static enum incident_impact impact_of(enum component_state state)
{
    switch (state) {
    case COMPONENT_DOWN: return IMPACT_CRITICAL;
    case COMPONENT_PARTIAL: return IMPACT_MAJOR;
    case COMPONENT_DEGRADED: return IMPACT_MINOR;
    case COMPONENT_UNKNOWN:
    case COMPONENT_OPERATIONAL:
    case COMPONENT_MAINTENANCE: break;
    }
    return IMPACT_NONE;
}

// Nor is it later by more, as after a clock that was set back.
static bool is_within(const struct round *round, int64_t at_ms, uint64_t most_ms)
{
    int64_t age_ms = round->now_ms - at_ms;
    return age_ms <= (int64_t)most_ms && age_ms >= -(int64_t)most_ms;
}

static bool is_recent(const struct round *round, int64_t at_ms)
{
    return at_ms != 0 && is_within(round, at_ms, round->incidents->settings.group_ms);
}

// --- Who carries whom ---

// An operator's own incident tells of what is as bad as he says, or less. What is worse has not
// been told yet: it becomes an incident of its own, and his words stay as they are.
static bool tells_of(const struct incident *incident, const struct subject *subject)
{
    return incident->by_machine || impact_of(subject->state) <= incident->impact;
}

// What an operator has opened carries what nothing else does.
static void carry(const struct round *round)
{
    for (size_t i = 0; i < round->count; i++)
        round->subjects[i].incident = NULL;
    for (int by_machine = 1; by_machine >= 0; by_machine--) {
        LIST_FOREACH(link, &round->incidents->open) {
            struct incident *incident = LIST_ENTRY(link, struct incident, link);
            for (size_t i = 0; i < incident->component_count; i++) {
                struct subject *subject = &round->subjects[incident->components[i]];
                if (incident->by_machine == (by_machine == 1) && subject->incident == NULL
                    && tells_of(incident, subject))
                    subject->incident = incident;
            }
        }
    }
}

static void take_note(struct round *round)
{
    size_t many = 0;
    for (size_t i = 0; i < round->count; i++) {
        struct subject *subject = &round->subjects[i];
        subject->since_ms = MINIMUM(subject->since_ms, round->now_ms); // the clock was set back
        if (fails(&round->incidents->settings, subject, round->now_ms)) {
            if (subject->failed_ms == 0)
                subject->failed_ms = round->now_ms;
            if (impact_of(subject->state) > subject->dismissed)
                subject->dismissed = IMPACT_NONE; // that it is so bad, nobody has been told
        } else if (subject->state == COMPONENT_OPERATIONAL) {
            subject->failed_ms = 0;
            subject->dismissed = IMPACT_NONE;
        } else if (subject->state == COMPONENT_MAINTENANCE) {
            subject->failed_ms = 0; // if it still fails after that, it fails from then on
        }
        if (is_recent(round, subject->failed_ms) && subject->cause == COMPONENT_NONE
            && subject->dismissed == IMPACT_NONE)
            many++;
    }
    round->are_many = many > INCIDENT_MANY;
}

// What fails with something that is worked on was announced with it.
static bool was_announced(const struct round *round, const struct subject *subject)
{
    return subject->cause != COMPONENT_NONE
        && round->subjects[subject->cause].state == COMPONENT_MAINTENANCE;
}

static bool wants_place(const struct round *round, const struct subject *subject)
{
    return subject->incident == NULL && subject->dismissed == IMPACT_NONE
        && !was_announced(round, subject)
        && fails(&round->incidents->settings, subject, round->now_ms);
}

// --- Where it belongs ---

static bool depends_on(const struct subject *subject, uint32_t other)
{
    for (size_t i = 0; i < subject->depends_on_count; i++) {
        if (subject->depends_on[i] == other)
            return true;
    }
    return false;
}

static bool are_related(const struct round *round, uint32_t a, uint32_t b)
{
    const struct subject *one = &round->subjects[a], *other = &round->subjects[b];
    if (one->group != UINT32_MAX && one->group == other->group)
        return true;
    if (depends_on(one, b) || depends_on(other, a))
        return true;
    for (size_t i = 0; i < one->depends_on_count; i++) {
        if (depends_on(other, one->depends_on[i]))
            return true;
    }
    return false;
}

static bool has_room(const struct incident *incident)
{
    return incident->component_count < INCIDENT_COMPONENTS_MAX;
}

static struct incident *home_of_cause(const struct round *round, uint32_t which)
{
    uint32_t cause = round->subjects[which].cause;
    struct incident *incident = cause == COMPONENT_NONE ? NULL : round->subjects[cause].incident;
    return incident != NULL && has_room(incident) ? incident : NULL;
}

// Another of its components may be elsewhere by now; then it is another matter.
static bool is_free(const struct round *round, const struct incident *incident)
{
    for (size_t i = 0; i < incident->component_count; i++) {
        if (round->subjects[incident->components[i]].incident != NULL)
            return false;
    }
    return true;
}

static struct incident *home_before(const struct round *round, uint32_t which)
{
    uint64_t flap_ms = round->incidents->settings.flap_ms;
    LIST_FOREACH(link, &round->incidents->past) {
        struct incident *incident = LIST_ENTRY(link, struct incident, link);
        bool is_less = impact_of(round->subjects[which].state) == IMPACT_MINOR
            && incident->impact > IMPACT_MINOR;
        if (incident->by_machine && !incident->was_merged && !is_less
            && is_within(round, incident->resolved_ms, flap_ms) && incident_has(incident, which)
            && is_free(round, incident))
            return incident;
    }
    return NULL;
}

static bool is_young(const struct round *round, const struct incident *incident)
{
    return is_recent(round, incident->failed_ms)
        && is_recent(round, MINIMUM(incident->started_ms + STARTED_EARLIER_MS, round->now_ms));
}

// The one that began first of those that have just begun.
static struct incident *home_of_many(const struct round *round)
{
    struct incident *home = NULL;
    LIST_FOREACH(link, &round->incidents->open) {
        struct incident *incident = LIST_ENTRY(link, struct incident, link);
        if (incident->by_machine && is_young(round, incident) && has_room(incident))
            home = incident;
    }
    return home;
}

static bool has_relative(const struct round *round, const struct incident *incident, uint32_t which)
{
    for (size_t i = 0; i < incident->component_count; i++) {
        uint32_t other = incident->components[i];
        if (is_recent(round, round->subjects[other].failed_ms) && are_related(round, which, other))
            return true;
    }
    return false;
}

static struct incident *home_of_relatives(const struct round *round, uint32_t which)
{
    LIST_FOREACH(link, &round->incidents->open) {
        struct incident *incident = LIST_ENTRY(link, struct incident, link);
        if (incident->by_machine && is_recent(round, incident->failed_ms) && has_room(incident)
            && has_relative(round, incident, which))
            return incident;
    }
    return NULL;
}

// With no place for another incident, whichever has room is better than silence.
static struct incident *home_of_last_resort(const struct round *round)
{
    LIST_FOREACH(link, &round->incidents->open) {
        struct incident *incident = LIST_ENTRY(link, struct incident, link);
        if (incident->by_machine && has_room(incident))
            return incident;
    }
    return NULL;
}

static enum error open_home(const struct round *round, uint32_t which, struct incident **ret_home)
{
    const struct subject *subject = &round->subjects[which];
    int64_t started_ms = MINIMUM(MAXIMUM(subject->since_ms, round->now_ms - STARTED_EARLIER_MS),
        round->now_ms);
    struct incident *home;
    enum error error = incidents_add(round->incidents, started_ms, &home);
    if (error == ERROR_LIMIT && (home = home_of_last_resort(round)) != NULL) {
        *ret_home = home;
        return ERROR_NONE;
    }
    if (error != ERROR_NONE)
        return error;
    home->by_machine = home->automatic_title = true;
    home->news = NEWS_OPENED;
    *ret_home = home;
    return ERROR_NONE;
}

static enum error find_home(const struct round *round, uint32_t which, struct incident **ret_home)
{
    struct incident *home = home_of_cause(round, which);
    if (home == NULL && (home = home_before(round, which)) != NULL) {
        enum error error = incidents_step(round->incidents, home, INCIDENT_INVESTIGATING,
            SLICE_EMPTY, SLICE_EMPTY, round->now_ms);
        if (error == ERROR_LIMIT)
            home = NULL;
        else if (error != ERROR_NONE)
            return error;
    }
    if (home == NULL && round->are_many)
        home = home_of_many(round);
    if (home == NULL)
        home = home_of_relatives(round, which);
    if (home == NULL)
        return open_home(round, which, ret_home);
    *ret_home = home;
    return ERROR_NONE;
}

// What finds no memory now is tried again with the next tick.
static void place(const struct round *round, uint32_t which)
{
    struct incident *home;
    if (find_home(round, which, &home) != ERROR_NONE)
        return;
    if (incident_add_component(home, which) != ERROR_NONE) {
        if (home->component_count == 0)
            incidents_remove(round->incidents, home);
        return;
    }
    home->failed_ms = round->now_ms;
    if (home->news == NEWS_NONE)
        home->news = NEWS_CHANGED;
    // A reopened one carries its others, too.
    for (size_t i = 0; i < home->component_count; i++) {
        if (round->subjects[home->components[i]].incident == NULL)
            round->subjects[home->components[i]].incident = home;
    }
}

// Causes before what they cause.
static void place_all(const struct round *round)
{
    for (int turn = 0; turn < 3; turn++) {
        for (uint32_t i = 0; i < round->count; i++) {
            const struct subject *subject = &round->subjects[i];
            if (!wants_place(round, subject))
                continue;
            if (subject->cause == COMPONENT_NONE || turn == 2
                || round->subjects[subject->cause].incident != NULL)
                place(round, i);
        }
    }
}

// --- Many at once ---

static bool may_merge(const struct round *round, const struct incident *incident,
    const struct incident *home)
{
    if (!incident->by_machine || incident == home || incident->was_touched
        || incident->state == INCIDENT_MONITORING
        || incident->component_count + home->component_count > INCIDENT_COMPONENTS_MAX)
        return false;
    for (size_t i = 0; i < incident->component_count; i++) {
        const struct subject *subject = &round->subjects[incident->components[i]];
        if (!is_recent(round, subject->failed_ms))
            return false;
    }
    return true;
}

static void merge(const struct round *round, struct incident *incident, struct incident *home)
{
    char buffer[64];
    struct text text = text_in(buffer, sizeof(buffer));
    for (size_t i = 0; i < incident->component_count; i++) {
        if (incident_add_component(home, incident->components[i]) != ERROR_NONE)
            return; // no memory: it stays what it is, and is tried again
    }
    home->failed_ms = round->now_ms;
    if (home->news == NEWS_NONE)
        home->news = NEWS_CHANGED;
    if (incident->news == NEWS_OPENED) { // nobody has heard of it yet
        incidents_remove(round->incidents, incident);
        return;
    }
    incident_write_merged(slice_from_string(home->id.text), &text);
    incident->was_merged = true;
    if (incidents_step(round->incidents, incident, INCIDENT_RESOLVED, text_slice(&text),
            SLICE_EMPTY, round->now_ms) != ERROR_NONE)
        incident->was_merged = false;
}

static void merge_many(const struct round *round)
{
    struct incident *home = round->are_many ? home_of_many(round) : NULL;
    if (home == NULL)
        return;
    LIST_FOREACH(link, &round->incidents->open) {
        struct incident *incident = LIST_ENTRY(link, struct incident, link);
        if (may_merge(round, incident, home))
            merge(round, incident, home);
    }
    carry(round);
}

// --- What it is about ---

static bool is_known(enum reason_kind kind)
{
    switch (kind) {
    case REASON_SOME_SERVERS:
    case REASON_REFUSED:
    case REASON_NAME:
    case REASON_TLS:
    case REASON_CERTIFICATE:
    case REASON_EXPIRES:
    case REASON_STATUS:
    case REASON_CONTENT:
    case REASON_PROTOCOL:
    case REASON_DEPENDENCY:
    case REASON_DEPENDENCY_MAINTENANCE:
        return true;
    case REASON_NONE:
    case REASON_NO_ANSWER:
    case REASON_COPIES:
    case REASON_ERRORS:
    case REASON_SLOW:
    case REASON_TIMEOUT:
    case REASON_LATE:
    case REASON_DISAGREE:
    case REASON_BLIND:
    case REASON_REPORTED:
    case REASON_OPERATOR:
    case REASON_SAYS_MAINTENANCE:
    case REASON_SAYS_FAILURE:
    case REASON_COUNT:
        break;
    }
    return false;
}

static bool is_cause_known(const struct round *round, const struct incident *incident)
{
    bool known = is_known(incident->reason.kind);
    for (size_t i = 0; i < incident->component_count; i++)
        known = known || round->subjects[incident->components[i]].cause != COMPONENT_NONE;
    return known;
}

// The worst of what fails by itself.
static const struct subject *spokesman(const struct round *round, const struct incident *incident)
{
    const struct subject *best = NULL;
    for (size_t i = 0; i < incident->component_count; i++) {
        const struct subject *subject = &round->subjects[incident->components[i]];
        if (!fails(&round->incidents->settings, subject, round->now_ms))
            continue;
        bool alone = subject->cause == COMPONENT_NONE;
        bool best_alone = best != NULL && best->cause == COMPONENT_NONE;
        if (best == NULL || (alone && !best_alone)
            || (alone == best_alone && component_is_worse(subject->state, best->state)))
            best = subject;
    }
    return best;
}

// It never says less than it once said, nor another thing each time somebody looks.
static void describe(const struct round *round, struct incident *incident)
{
    const struct subject *subject = spokesman(round, incident);
    enum incident_impact impact = IMPACT_NONE;
    for (size_t i = 0; i < incident->component_count; i++) {
        const struct subject *other = &round->subjects[incident->components[i]];
        if (fails(&round->incidents->settings, other, round->now_ms))
            impact = MAXIMUM(impact, impact_of(other->state));
    }
    bool is_worse = impact > incident->impact && !incident->impact_by_operator;
    bool is_better_known = subject != NULL && subject->reason.kind != incident->reason.kind
        && (incident->reason.kind == REASON_NONE
            || (is_known(subject->reason.kind) && !is_known(incident->reason.kind)));
    if (is_worse)
        incident->impact = impact;
    if (subject != NULL && (is_worse || is_better_known))
        incident->reason = subject->reason;
    if ((is_worse || is_better_known) && incident->news == NEWS_NONE)
        incident->news = NEWS_CHANGED;
}

static void tell_news(const struct round *round, struct incident *incident)
{
    char buffer[INCIDENT_TITLE_MAX];
    struct text title = text_in(buffer, sizeof(buffer));
    enum incident_news news = incident->news;
    enum error error = ERROR_NONE;
    incident->news = NEWS_NONE;
    if (incident->automatic_title && news != NEWS_NONE) {
        incident_write_title(incident, round->subjects, &title);
        error = incidents_set_title(round->incidents, incident, text_slice(&title));
    }
    switch (news) {
    case NEWS_NONE:
        return;
    case NEWS_CHANGED:
        if (round->incidents->changed != NULL)
            round->incidents->changed(round->incidents->context, incident, NULL);
        return;
    case NEWS_OPENED:
        if (error == ERROR_NONE)
            error = incidents_step(round->incidents, incident, INCIDENT_INVESTIGATING, SLICE_EMPTY,
                SLICE_EMPTY, round->now_ms);
        if (error != ERROR_NONE)
            incidents_remove(round->incidents, incident); // the next tick makes it anew
        return;
    }
}

// --- What becomes of it ---

enum health { HEALTH_FAILS, HEALTH_OPEN, HEALTH_WELL };

// What an outage has left behind (slow, say), and has done so for a while, is no outage any more:
// if it lasts, it is an incident of its own, that says how bad it is.
static bool is_past_the_worst(const struct round *round, const struct incident *incident,
    const struct subject *subject)
{
    return subject->state == COMPONENT_DEGRADED && incident->impact > IMPACT_MINOR
        && !incident->impact_by_operator
        && round->now_ms - subject->since_ms >= (int64_t)round->incidents->settings.calm_ms;
}

static enum health health_of(const struct round *round, const struct incident *incident)
{
    size_t well = 0, neutral = 0;
    for (size_t i = 0; i < incident->component_count; i++) {
        const struct subject *subject = &round->subjects[incident->components[i]];
        bool is_past = is_past_the_worst(round, incident, subject);
        if (!is_past && fails(&round->incidents->settings, subject, round->now_ms))
            return HEALTH_FAILS;
        well += is_past || subject->state == COMPONENT_OPERATIONAL;
        neutral += subject->state == COMPONENT_MAINTENANCE;
    }
    bool is_well = well + neutral == incident->component_count && well > 0;
    return is_well ? HEALTH_WELL : HEALTH_OPEN;
}

static void step(const struct round *round, struct incident *incident, enum incident_state state)
{
    enum error error = incidents_step(round->incidents, incident, state, SLICE_EMPTY, SLICE_EMPTY,
        round->now_ms);
    if (error == ERROR_NONE && state == INCIDENT_MONITORING)
        incident->calm_ms = round->now_ms;
}

// All that it was about has left the settings, or an operator says that everything is concerned:
// then he says, too, what becomes of it. Nothing tells whether it works again.
static void end_what_is_about_nothing(const struct round *round, struct incident *incident)
{
    if (incident->was_touched || incident->state == INCIDENT_RESOLVED)
        return;
    enum error error = incidents_step(round->incidents, incident, INCIDENT_RESOLVED,
        SLICE(INCIDENT_UNWATCHED), SLICE_EMPTY, round->now_ms);
    (void)error; // without memory for it, the next tick tries again
}

static void move_on(const struct round *round, struct incident *incident)
{
    if (incident->component_count == 0) {
        end_what_is_about_nothing(round, incident);
        return;
    }
    enum health health = health_of(round, incident);
    bool is_calm = incident->calm_ms != 0
        && round->now_ms - incident->calm_ms >= (int64_t)round->incidents->settings.calm_ms;
    switch (incident->state) {
    case INCIDENT_INVESTIGATING:
    case INCIDENT_IDENTIFIED:
        if (health == HEALTH_WELL)
            step(round, incident, INCIDENT_MONITORING);
        else if (incident->state == INCIDENT_INVESTIGATING && !incident->state_by_operator
            && health == HEALTH_FAILS && is_cause_known(round, incident))
            step(round, incident, INCIDENT_IDENTIFIED);
        return;
    case INCIDENT_MONITORING:
        if (health == HEALTH_FAILS && !incident->state_by_operator)
            step(round, incident, INCIDENT_INVESTIGATING);
        else if (health != HEALTH_WELL)
            incident->calm_ms = 0;
        else if (incident->calm_ms == 0 || incident->calm_ms > round->now_ms)
            incident->calm_ms = round->now_ms;
        else if (is_calm)
            step(round, incident, INCIDENT_RESOLVED);
        return;
    case INCIDENT_RESOLVED:
        return;
    }
}

void incidents_take_up(const struct incidents *incidents, struct subject *subjects)
{
    LIST_FOREACH(link, &incidents->open) {
        const struct incident *incident = LIST_ENTRY(link, struct incident, link);
        if (!incident->by_machine || incident->state == INCIDENT_MONITORING)
            continue;
        for (size_t i = 0; i < incident->component_count; i++)
            subjects[incident->components[i]].failed_ms =
                incident->failed_ms != 0 ? incident->failed_ms : incident->started_ms;
    }
}

void incidents_tick(struct incidents *incidents, struct subject *subjects, size_t count,
    int64_t now_ms)
{
    struct round round = {incidents, subjects, count, now_ms, false};
    carry(&round);
    take_note(&round);
    if (incidents->settings.automatic) {
        place_all(&round);
        merge_many(&round);
    }
    LIST_FOREACH(link, &incidents->open) {
        struct incident *incident = LIST_ENTRY(link, struct incident, link);
        bool is_new = incident->news == NEWS_OPENED;
        if (!incident->by_machine)
            continue;
        describe(&round, incident);
        tell_news(&round, incident);
        if (!is_new) // which is gone if there was no memory for it
            move_on(&round, incident);
    }
    incidents_trim(incidents, now_ms);
    carry(&round);
}

void incidents_heed_operator(struct incidents *incidents, struct subject *subjects, size_t count,
    const struct incident *incident)
{
    struct round round = {incidents, subjects, count, 0, false};
    for (size_t i = 0; i < count; i++) {
        struct subject *subject = &subjects[i];
        bool is_dropped = subject->incident == incident
            && (incident->resolved_ms != 0 || !incident_has(incident, (uint32_t)i));
        enum incident_impact impact = impact_of(subject->state);
        if (impact == IMPACT_NONE) // nobody has looked yet: then it is what he has heard of
            impact = IMPACT_CRITICAL;
        if (is_dropped && subject->failed_ms != 0)
            subject->dismissed = MAXIMUM(subject->dismissed, impact);
    }
    carry(&round);
}
