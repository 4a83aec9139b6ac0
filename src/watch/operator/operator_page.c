// The operator's page as HTML, in the frame of the edge's own pages. Everything that anybody wrote
// is escaped; what he typed into a form that was refused is there again.
#include "base/memory.h"
#include "base/units.h"
#include "edge/pages/page_parts.h"
#include "watch/operator/operator_inside.h"

#define SHOWN 8000      // bytes of any one value, escaped
#define POSTMORTEM_SHOWN ((size_t)6 * INCIDENT_POSTMORTEM_MAX)
#define INCIDENTS_SHOWN 30
#define AUDIT_SHOWN 100
#define PAGE_USUAL ((size_t)128 << 10) // bytes

struct view {
    const struct operator_visit *visit;
    struct text text;
    char proof[2 * 32];
    size_t proof_size;
    bool is_sent; // the form that is written is the one that came
};

// --- Pieces ---

static void put(struct view *view, struct slice html)
{
    text_append(&view->text, html);
}

static void put_value(struct view *view, struct slice value)
{
    page_append_html(&view->text, value, SHOWN);
}

static void begin_form(struct view *view, struct slice action, struct slice id)
{
    put(view, SLICE("<form method=\"post\" action=\""));
    put_value(view, view->visit->visit->base);
    put(view, SLICE("operator/"));
    put(view, action);
    put_value(view, id);
    put(view, SLICE("\">"));
    if (view->proof_size > 0) {
        put(view, SLICE("<input type=\"hidden\" name=\"proof\" value=\""));
        put(view, slice_of(view->proof, view->proof_size));
        put(view, SLICE("\">"));
    }
    put(view, SLICE("\n"));
}

// What is behind it is open when it is what was sent.
static void begin_fold(struct view *view, struct slice form)
{
    view->is_sent = slice_equal(view->visit->rest, form);
    put(view, view->is_sent ? SLICE("<details class=\"card\" open>")
                            : SLICE("<details class=\"card\">"));
}

static void end_form(struct view *view, const char *button)
{
    text_format(&view->text, "<p><button>%s</button></p>\n</form>\n", button);
}

// What stood there when it was sent, else what is there now.
static struct slice kept(const struct view *view, struct slice name, struct slice now)
{
    struct slice value = SLICE_EMPTY;
    if (view->is_sent)
        value = visit_form_value(view->visit->visit, view->visit->form, name);
    return value.data == NULL ? now : value;
}

static void put_field(struct view *view, const char *name, const char *label, const char *more,
    struct slice now)
{
    text_format(&view->text, "<p><label>%s<br><input name=\"%s\" %s value=\"", label, name, more);
    put_value(view, kept(view, slice_from_string(name), now));
    put(view, SLICE("\"></label></p>\n"));
}

static void put_area(struct view *view, const char *name, const char *label, unsigned rows,
    struct slice now)
{
    text_format(&view->text, "<p><label>%s<br><textarea name=\"%s\" rows=\"%u\" cols=\"60\">\n",
        label, name, rows);
    page_append_html(&view->text, kept(view, slice_from_string(name), now), POSTMORTEM_SHOWN);
    put(view, SLICE("</textarea></label></p>\n"));
}

static void put_option(struct view *view, const char *word, struct slice chosen)
{
    text_format(&view->text, "<option%s>%s</option>",
        slice_equal(chosen, slice_from_string(word)) ? " selected" : "", word);
}

static void put_state(struct view *view, enum incident_state now)
{
    struct slice chosen = kept(view, SLICE("state"), slice_from_string(incident_state_word(now)));
    put(view, SLICE("<p><label>State<br><select name=\"state\">"));
    for (enum incident_state state = 0; state <= INCIDENT_RESOLVED; state++)
        put_option(view, incident_state_word(state), chosen);
    put(view, SLICE("</select></label></p>\n"));
}

static void put_impact(struct view *view, enum incident_impact now)
{
    struct slice chosen = kept(view, SLICE("impact"), slice_from_string(incident_impact_word(now)));
    put(view, SLICE("<p><label>Impact<br><select name=\"impact\">"));
    for (enum incident_impact impact = 0; impact <= IMPACT_CRITICAL; impact++)
        put_option(view, incident_impact_word(impact), chosen);
    put(view, SLICE("</select></label></p>\n"));
}

static void put_time(struct view *view, int64_t wall_ms)
{
    page_append_html_time(&view->text, wall_ms, view->visit->visit->now_ms);
}

static void put_problem(struct view *view)
{
    if (view->visit->problem.size == 0)
        return;
    put(view, SLICE("<blockquote role=\"alert\"><p>"));
    put_value(view, view->visit->problem);
    put(view, SLICE("</p></blockquote>\n"));
}

// --- Views ---

static void put_login(struct view *view)
{
    view->is_sent = view->visit->problem.size > 0;
    put_problem(view);
    begin_form(view, SLICE("login"), SLICE(""));
    put_field(view, "name", "Name", "autocomplete=\"username\" required", SLICE(""));
    put(view, SLICE("<p><label>Password<br><input name=\"password\" type=\"password\" "
        "autocomplete=\"current-password\" required></label></p>\n"));
    end_form(view, "Log in");
}

static void put_incident_link(struct view *view, const struct incident_view *incident)
{
    put(view, SLICE("<tr><td><a href=\""));
    put_value(view, view->visit->visit->base);
    put(view, SLICE("operator/incident/"));
    put_value(view, incident->id);
    put(view, SLICE("\">"));
    put_value(view, incident->title);
    text_format(&view->text, "</a></td><td>%s</td><td>", incident_state_word(incident->state));
    put_time(view, incident->started_ms);
    put(view, SLICE("</td></tr>\n"));
}

static void put_incidents(struct view *view)
{
    const struct snapshot *snapshot = view->visit->visit->snapshot;
    size_t count = MINIMUM(snapshot->incident_count, INCIDENTS_SHOWN);
    put(view, SLICE("<h2>Incidents</h2>\n"));
    if (count == 0) {
        put(view, SLICE("<p>There are none.</p>\n"));
        return;
    }
    put(view, SLICE("<table><tr><th>Incident</th><th>State</th><th>Since</th></tr>\n"));
    for (size_t i = 0; i < count; i++)
        put_incident_link(view, &snapshot->incidents[i]);
    put(view, SLICE("</table>\n"));
}

static void put_new_incident(struct view *view)
{
    begin_fold(view, SLICE("/incident"));
    put(view, SLICE("<summary>Open an incident</summary>\n"));
    begin_form(view, SLICE("incident"), SLICE(""));
    put_field(view, "title", "Title", "maxlength=\"200\" required", SLICE(""));
    put_state(view, INCIDENT_INVESTIGATING);
    put_impact(view, IMPACT_MINOR);
    put_area(view, "text", "What visitors are told", 4, SLICE(""));
    put_field(view, "eta", "Expected back (UTC), if known", "type=\"datetime-local\"", SLICE(""));
    operator_put_choice(&view->text, view->visit, view->is_sent, NULL, 0);
    end_form(view, "Open it");
    put(view, SLICE("</details>\n"));
}

static void put_windows(struct view *view)
{
    const struct snapshot *snapshot = view->visit->visit->snapshot;
    size_t count = snapshot->window_count - snapshot->past_window_count;
    put(view, SLICE("<h2>Maintenance</h2>\n"));
    put(view, count == 0 ? SLICE("<p>None is announced.</p>\n") : SLICE("<table>\n"));
    for (size_t i = 0; i < count; i++) {
        const struct window_view *window = &snapshot->windows[i];
        put(view, SLICE("<tr><td>"));
        put_value(view, window->title);
        put(view, SLICE("<br>"));
        put_value(view, window->rule);
        put(view, SLICE("</td><td>"));
        put_time(view, window->begin_ms);
        put(view, SLICE(" to "));
        put_time(view, window->end_ms);
        put(view, SLICE("</td><td>"));
        begin_form(view, SLICE("window/"), window->id);
        end_form(view, "Take it back");
        put(view, SLICE("</td></tr>\n"));
    }
    if (count > 0)
        put(view, SLICE("</table>\n"));
}

static void put_new_window(struct view *view)
{
    begin_fold(view, SLICE("/window"));
    put(view, SLICE("<summary>Announce maintenance</summary>\n"));
    begin_form(view, SLICE("window"), SLICE(""));
    put_field(view, "title", "Title", "maxlength=\"200\" required", SLICE(""));
    put_area(view, "text", "What visitors are told", 3, SLICE(""));
    put_field(view, "begin", "Begin, in that zone's time", "type=\"datetime-local\" required",
        SLICE(""));
    put_field(view, "duration", "Duration, such as 90m or 2h", "required", SLICE("1h"));
    put_field(view, "zone", "Time zone, such as Europe/Berlin", "", SLICE("UTC"));
    put_field(view, "rule", "Again and again, such as FREQ=WEEKLY;BYDAY=SU", "", SLICE(""));
    operator_put_choice(&view->text, view->visit, view->is_sent, NULL, 0);
    end_form(view, "Announce it");
    put(view, SLICE("</details>\n"));
}

static void put_home(struct view *view)
{
    put_problem(view);
    put_incidents(view);
    put_new_incident(view);
    put_windows(view);
    put_new_window(view);
}

static void put_updates(struct view *view, const struct incident_view *incident)
{
    put(view, SLICE("<dl class=\"card\">\n"));
    for (size_t i = 0; i < incident->update_count; i++) {
        const struct incident_update *update = &incident->updates[i];
        put(view, SLICE("<dt>"));
        put_time(view, update->at_ms);
        text_format(&view->text, "</dt><dd><b>%s</b> ", incident_state_word(update->state));
        put_value(view, update->text);
        put(view, SLICE(" <small>"));
        put_value(view, update->author.size > 0 ? update->author : SLICE("afloat"));
        put(view, SLICE("</small></dd>\n"));
    }
    put(view, SLICE("</dl>\n"));
}

static void put_hidden(struct view *view, const char *name, struct slice value)
{
    text_format(&view->text, "<input type=\"hidden\" name=\"%s\" value=\"", name);
    page_append_html(&view->text, kept(view, slice_from_string(name), value), POSTMORTEM_SHOWN);
    put(view, SLICE("\">\n"));
}

// What the form shows: only what differs from it is changed, for the incident may have moved on.
static void put_shown(struct view *view, const struct incident_view *incident, struct slice eta)
{
    put_hidden(view, "was_title", incident->title);
    put_hidden(view, "was_state", slice_from_string(incident_state_word(incident->state)));
    put_hidden(view, "was_impact", slice_from_string(incident_impact_word(incident->impact)));
    put_hidden(view, "was_eta", eta);
    operator_put_chosen_before(&view->text, view->visit, view->is_sent, incident);
}

static void put_incident(struct view *view, const struct incident_view *incident)
{
    char buffer[32] = "";
    struct text eta = text_in(buffer, sizeof(buffer));
    if (incident->eta_ms > 0)
        units_format_time(&eta, incident->eta_ms);
    struct slice eta_shown = slice_of(eta.data, MINIMUM(eta.size, 16)); // without seconds and Z
    view->is_sent = view->visit->problem.size > 0 || view->visit->is_search;
    put_problem(view);
    put_updates(view, incident);
    put(view, SLICE("<h2>Update</h2>\n"));
    begin_form(view, SLICE("incident/"), incident->id);
    put_shown(view, incident, eta_shown);
    put_field(view, "title", "Title", "maxlength=\"200\" required", incident->title);
    put_state(view, incident->state);
    put_impact(view, incident->impact);
    put_area(view, "text", "What visitors are told", 4, SLICE(""));
    put_field(view, "eta", "Expected back (UTC), if known", "type=\"datetime-local\"", eta_shown);
    operator_put_choice(&view->text, view->visit, view->is_sent, incident->components,
        incident->component_count);
    end_form(view, "Save");
    put(view, SLICE("<h2>Postmortem</h2>\n"));
    begin_form(view, SLICE("incident/"), incident->id);
    put_area(view, "postmortem", "What happened, and what is done about it", 10,
        incident->postmortem);
    end_form(view, "Save");
}

static enum error put_audit_row(void *context, sqlite3_stmt *statement)
{
    struct view *view = context;
    put(view, SLICE("<tr><td>"));
    put_time(view, sqlite3_column_int64(statement, 0));
    for (int i = 1; i <= 4; i++) {
        const char *value = (const char *)sqlite3_column_text(statement, i);
        put(view, SLICE("</td><td>"));
        put_value(view, slice_from_string(value));
    }
    put(view, SLICE("</td></tr>\n"));
    return view->text.full ? ERROR_LIMIT : ERROR_NONE;
}

static void put_audit(struct view *view)
{
    put(view, SLICE("<table><tr><th>When</th><th>Who</th><th>From</th><th>What</th>"
        "<th>Of what</th></tr>\n"));
    enum error error = view->visit->operators->database == NULL ? ERROR_NOT_FOUND
        : database_query(view->visit->operators->database, put_audit_row, view,
            "SELECT at_ms,person,address,action,subject FROM audit ORDER BY number DESC LIMIT ?",
            "i", (int64_t)AUDIT_SHOWN);
    put(view, SLICE("</table>\n"));
    if (error != ERROR_NONE)
        put(view, SLICE("<p>The log cannot be read just now.</p>\n"));
}

// --- The page ---

static void put_end(struct view *view)
{
    put(view, SLICE("<div class=\"do\"><a href=\""));
    put_value(view, view->visit->visit->home);
    put(view, SLICE("\">Status page</a>"));
    if (view->visit->is_known) {
        put(view, SLICE(" <a href=\""));
        put_value(view, view->visit->visit->base);
        put(view, SLICE("operator\">Overview</a> <a href=\""));
        put_value(view, view->visit->visit->base);
        put(view, SLICE("operator/audit\">What was done</a>\n"));
        begin_form(view, SLICE("logout"), SLICE(""));
        put(view, SLICE("<button>Log out</button></form>"));
    }
    put(view, SLICE("</div>\n"));
    page_html_end(&view->text);
}

static void put_title(struct view *view, const struct operator_rendering *rendering)
{
    char buffer[1600];
    struct text title = text_in(buffer, sizeof(buffer));
    switch (rendering->view) {
    case OPERATOR_LOGIN: text_append(&title, SLICE("Operators")); break;
    case OPERATOR_HOME: text_append(&title, SLICE("Incidents and maintenance")); break;
    case OPERATOR_AUDIT: text_append(&title, SLICE("What was done")); break;
    case OPERATOR_INCIDENT: page_append_html(&title, rendering->incident->title, 1500); break;
    }
    page_html_begin(&view->text, text_slice(&title), 0);
}

static void put_page(struct view *view, const struct operator_rendering *rendering)
{
    put_title(view, rendering);
    switch (rendering->view) {
    case OPERATOR_LOGIN: put_login(view); break;
    case OPERATOR_HOME: put_home(view); break;
    case OPERATOR_AUDIT: put_audit(view); break;
    case OPERATOR_INCIDENT: put_incident(view, rendering->incident); break;
    }
    put_end(view);
}

// False: it does not fit into so many bytes.
static bool render_into(struct operator_rendering *rendering, char *buffer, size_t capacity)
{
    struct view view = {.visit = rendering->visit, .text = text_in(buffer, capacity)};
    struct text proof = text_in(view.proof, sizeof(view.proof));
    if (rendering->visit->is_known && !rendering->visit->by_token)
        sessions_write_proof(&rendering->visit->operators->sessions, rendering->visit->session,
            &proof);
    view.proof_size = proof.size;
    put_page(&view, rendering);
    rendering->size = view.text.size;
    return !view.text.full;
}

// Most pages are small; how long the longest is, only writing tells.
void operator_render(void *argument)
{
    struct operator_rendering *rendering = argument;
    bool fits = false;
    for (size_t capacity = PAGE_USUAL; capacity <= OPERATOR_PAGE_MAX && !fits; capacity *= 4) {
        memory_free(rendering->html);
        rendering->html = memory_alloc(capacity);
        if (rendering->html == NULL)
            return;
        fits = render_into(rendering, rendering->html, capacity);
    }
    if (fits)
        return;
    memory_free(rendering->html);
    rendering->html = NULL;
}
