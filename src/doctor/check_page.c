// The words first, the same in each form; then the forms.
#include "doctor/check_page.h"
#include "doctor/facts_json.h"
#include "doctor/judge.h"
#include "doctor/printable.h"
#include "edge/pages/page_parts.h"

#define ASKED_SHOWN 1200 // bytes, escaped; a longer one is not repeated
#define NAME_SHOWN 80

// --- What was seen ---

// Whether the verdict of who looked from elsewhere tells anything about the site.
static enum check_sight sight_of(enum verdict verdict)
{
    switch (verdict_side(verdict)) {
    case VERDICT_SIDE_FINE: return CHECK_SIGHT_WELL;
    case VERDICT_SIDE_SITE: return CHECK_SIGHT_BAD;
    case VERDICT_SIDE_BETWEEN: // whom a site keeps out is told nothing of how it is
        return verdict == VERDICT_BLOCKED_YOU ? CHECK_SIGHT_UNKNOWN : CHECK_SIGHT_BAD;
    case VERDICT_SIDE_YOURS:
    case VERDICT_SIDE_UNKNOWN: break;
    }
    return CHECK_SIGHT_UNKNOWN;
}

// The doctor speaks to who sits at the machine that looked. What he says of the site is true for
// everybody; the rest needs other words.
static bool is_about_site(enum verdict verdict)
{
    return verdict_side(verdict) == VERDICT_SIDE_SITE || verdict == VERDICT_OK
        || verdict == VERDICT_CDN_POP || verdict == VERDICT_CDN_GLOBAL
        || verdict == VERDICT_CLIENT_PROTO;
}

static struct slice words_for(enum verdict verdict, enum check_sight sight)
{
    if (verdict == VERDICT_BLOCKED_YOU)
        return SLICE("The site keeps out who asks from there.");
    switch (sight) {
    case CHECK_SIGHT_WELL: return SLICE("The site is well.");
    case CHECK_SIGHT_BAD: return SLICE("The site does not answer as it should.");
    case CHECK_SIGHT_UNKNOWN: break;
    }
    return SLICE("Nothing can be told about the site from there.");
}

static void see(struct check_page *page, const struct facts *facts, struct slice name,
    enum verdict verdict, struct arena *arena)
{
    struct check_place *place = &page->places[page->place_count++];
    struct diagnosis *diagnosis = arena_zero_alloc(arena, sizeof(*diagnosis));
    *place = (struct check_place){.name = name, .verdict = verdict, .sight = sight_of(verdict)};
    place->says = words_for(verdict, place->sight);
    if (diagnosis == NULL)
        return;
    judge_at_last(facts, arena, diagnosis);
    if (diagnosis->verdict == verdict && is_about_site(verdict) && diagnosis->fault.size > 0) {
        place->says = diagnosis->fault;
        if (place->sight == CHECK_SIGHT_BAD)
            place->advice = diagnosis->advice;
    }
}

static void see_nothing(struct check_page *page, struct slice name, struct slice why)
{
    page->places[page->place_count++] = (struct check_place){
        .name = name, .verdict = VERDICT_UNKNOWN, .says = why};
}

void check_page_see_nothing(struct check_page *page, struct slice why)
{
    see_nothing(page, SLICE_EMPTY, why);
}

// Why it could not be asked is for the operator: it may name what visitors need not know.
void check_page_see_other(
    struct check_page *page, const struct vantage_facts *vantage, struct arena *arena)
{
    if (vantage->facts != NULL && vantage->conclusive)
        see(page, vantage->facts, vantage->name, vantage->verdict, arena);
    else
        see_nothing(page, vantage->name, vantage->facts == NULL
            ? SLICE("It could not be asked.") : SLICE("It is not sure of its own network."));
}

enum error check_page_see(struct check_page *page, const json_t *look, struct arena *arena)
{
    struct facts *facts = arena_zero_alloc(arena, sizeof(*facts));
    const json_t *word = json_object_get(look, "verdict");
    struct slice name = slice_of(json_string_value(word), json_string_length(word));
    enum verdict verdict;
    enum error error = facts == NULL ? ERROR_MEMORY : facts_from_json(look, arena, facts);
    if (error == ERROR_NONE && !verdict_find(name, &verdict))
        error = ERROR_INVALID;
    if (error != ERROR_NONE)
        return error;
    if (json_is_true(json_object_get(look, "conclusive")))
        see(page, facts, SLICE_EMPTY, verdict, arena);
    else
        check_page_see_nothing(page, SLICE("This edge is not sure of its own network."));
    return ERROR_NONE;
}

// --- Showing it ---

// What strangers may have written: no control character, no byte that is no UTF-8, nothing that
// turns the direction of writing.
static void append_plain(struct text *text, struct slice value, size_t shown)
{
    printable_append(text, value, shown, false);
}

static void append_html(struct text *text, struct slice value, size_t shown)
{
    char buffer[2 * CHECK_SAYS_SHOWN + 8];
    struct text harmless = text_in(buffer, sizeof(buffer));
    printable_append(&harmless, value, MINIMUM(shown, 2 * CHECK_SAYS_SHOWN), false);
    page_append_html(text, text_slice(&harmless), shown);
}

// --- What it comes to ---

enum answer { ANSWER_IS_WELL, ANSWER_IS_DOWN, ANSWER_DIFFERS, ANSWER_IS_UNKNOWN };

struct conclusion {
    enum answer answer;
    unsigned well, bad;
    const struct check_place *bad_place; // the first; NULL: none
    const char *title;                   // continues "HOST "
};

static const char *title_of(
    const struct conclusion *conclusion, bool is_known_here, bool is_here_bad)
{
    switch (conclusion->answer) {
    case ANSWER_IS_WELL: return "is well";
    case ANSWER_IS_DOWN:
        if (conclusion->bad > 1 || is_known_here)
            return "is down for everyone";
        return is_here_bad ? "is down, as seen from here" : "is down, as seen from elsewhere";
    case ANSWER_DIFFERS: return "is well from some places only";
    case ANSWER_IS_UNKNOWN: break;
    }
    return "cannot be looked at from here";
}

static struct conclusion conclude_from(const struct check_page *page)
{
    struct conclusion conclusion = {0};
    for (unsigned i = 0; i < page->place_count; i++) {
        const struct check_place *place = &page->places[i];
        conclusion.well += place->sight == CHECK_SIGHT_WELL;
        conclusion.bad += place->sight == CHECK_SIGHT_BAD;
        if (place->sight == CHECK_SIGHT_BAD && conclusion.bad_place == NULL)
            conclusion.bad_place = place;
    }
    bool is_dead = page->site != NULL && page->site->down;
    conclusion.answer = conclusion.well > 0 && conclusion.bad > 0 ? ANSWER_DIFFERS
        : conclusion.well > 0                                     ? ANSWER_IS_WELL
        : conclusion.bad > 0 || is_dead                           ? ANSWER_IS_DOWN
                                                                  : ANSWER_IS_UNKNOWN;
    conclusion.title =
        title_of(&conclusion, is_dead, conclusion.bad_place == &page->places[0]);
    return conclusion;
}

static bool is_here_well(const struct check_page *page)
{
    return page->place_count > 0 && page->places[0].sight == CHECK_SIGHT_WELL;
}

static void append_places(struct text *text, bool here, unsigned others)
{
    if (here)
        text_append(text, SLICE("from here"));
    if (here && others > 0)
        text_append(text, SLICE(" and "));
    if (others > 0)
        text_format(text, "from %u other place%s", others, others == 1 ? "" : "s");
}

// The sentences below the title, into a buffer: they hold nothing of a visitor's.
static void append_words(
    struct text *text, const struct check_page *page, const struct conclusion *conclusion)
{
    bool here = is_here_well(page);
    switch (conclusion->answer) {
    case ANSWER_IS_WELL:
        text_append(text, SLICE("It is well "));
        append_places(text, here, conclusion->well - here);
        text_append(text, SLICE(". If you see an error, it is only you, or lies between you and "
            "the site: run afloat check on your own machine, which tells where."));
        break;
    case ANSWER_IS_DOWN:
        if (conclusion->bad_place == NULL) {
            text_append(text, SLICE("None of the site's servers answers this edge. Wait: only the "
                "site's owner can mend it. Do not restart your router: it is not you."));
            break;
        }
        append_plain(text, conclusion->bad_place->says, CHECK_SAYS_SHOWN);
        if (conclusion->bad_place->advice.size > 0) {
            text_append_byte(text, ' ');
            append_plain(text, conclusion->bad_place->advice, CHECK_SAYS_SHOWN);
        }
        break;
    case ANSWER_DIFFERS:
        text_append(text, SLICE("It is well "));
        append_places(text, here, conclusion->well - here);
        text_format(text, ", and fails from %u. What you see depends on where you are: try another "
            "network, such as your phone's.", conclusion->bad);
        break;
    case ANSWER_IS_UNKNOWN:
        text_append(text, SLICE("Nobody who was asked can tell how it is. Run afloat check on your "
            "own machine."));
        break;
    }
}

static const char *sight_word(enum check_sight sight)
{
    switch (sight) {
    case CHECK_SIGHT_WELL: return "well";
    case CHECK_SIGHT_BAD: return "bad";
    case CHECK_SIGHT_UNKNOWN: break;
    }
    return "unknown";
}

static const char *sight_shown(enum check_sight sight)
{
    switch (sight) {
    case CHECK_SIGHT_WELL: return "Well";
    case CHECK_SIGHT_BAD: return "Not well";
    case CHECK_SIGHT_UNKNOWN: break;
    }
    return "Cannot say";
}

// --- HTML ---

// Half a URL, or one with something in it replaced, is another one.
static bool is_repeated(struct slice url)
{
    for (size_t i = 0; i < url.size; i++) {
        if ((unsigned char)url.data[i] < ' ' || url.data[i] == 0x7F)
            return false;
    }
    return text_is_utf8(url);
}

static void html_form(struct text *text, const struct check_page *page)
{
    char value[ASKED_SHOWN + 8];
    struct text asked = text_in(value, sizeof(value));
    if (is_repeated(page->asked))
        page_append_html(&asked, page->asked, SIZE_MAX);
    text_append(text, SLICE("<form method=\"get\" action=\""));
    page_append_html(text, page->prefix, PAGE_PREFIX_SHOWN);
    text_append(text, SLICE("check\">\n<p><label for=\"url\">Address of the page that you cannot "
        "open</label></p>\n<div class=\"do\"><input id=\"url\" name=\"url\" type=\"text\" "
        "inputmode=\"url\" autocapitalize=\"none\" spellcheck=\"false\" dir=\"ltr\" required "
        "maxlength=\"2048\" value=\""));
    if (!asked.full)
        text_append(text, text_slice(&asked));
    text_append(text, SLICE("\"><button>Look at it</button></div>\n</form>\n"));
}

static void html_places(struct text *text, const struct check_page *page)
{
    text_append(text, SLICE("<table>\n<thead><tr><th scope=\"col\">From</th><th scope=\"col\">"
        "It is</th><th scope=\"col\">What was seen</th></tr></thead>\n<tbody>\n"));
    for (unsigned i = 0; i < page->place_count; i++) {
        const struct check_place *place = &page->places[i];
        text_append(text, SLICE("<tr><th scope=\"row\"><bdi>"));
        append_html(text, place->name.size > 0 ? place->name : SLICE("here"), NAME_SHOWN);
        text_format(text, "</bdi></th><td>%s</td><td><bdi>", sight_shown(place->sight));
        append_html(text, place->says, CHECK_SAYS_SHOWN);
        text_append(text, SLICE("</bdi></td></tr>\n"));
    }
    text_append(text, SLICE("</tbody>\n</table>\n"));
}

static void html_site(struct text *text, const struct page_status *site)
{
    text_append(text, SLICE("<dl class=\"card\">\n"));
    text_format(text, "<dt>Servers that answer this edge</dt><dd>%zu of %zu</dd>\n",
        site->backends_healthy, site->backends);
    if (site->down && site->down_since_ms > 0) {
        text_append(text, SLICE("<dt>Not answering since</dt><dd>"));
        page_append_html_time(text, site->down_since_ms, site->now_ms);
        text_append(text, SLICE("</dd>\n"));
    }
    if (site->maintenance)
        text_append(text, SLICE("<dt>Maintenance</dt><dd>declared</dd>\n"));
    if (site->support.size > 0) {
        text_append(text, SLICE("<dt>Contact</dt><dd>"));
        page_append_html_support(text, site->support, SLICE_EMPTY);
        text_append(text, SLICE("</dd>\n"));
    }
    text_append(text, SLICE("</dl>\n"));
    if (site->history != NULL)
        page_html_history(text, site->history, false);
}

static void html_answer(struct text *text, const struct check_page *page)
{
    char title[512], words[1024];
    struct conclusion conclusion = conclude_from(page);
    struct text title_html = text_in(title, sizeof(title)), says = text_in(words, sizeof(words));
    append_html(&title_html, page->host, PAGE_HOST_SHOWN);
    text_format(&title_html, " %s", conclusion.title);
    append_words(&says, page, &conclusion);
    page_html_begin(text, text_slice(&title_html), 0);
    text_append(text, SLICE("<p role=\"status\">"));
    page_append_html(text, text_slice(&says), sizeof(words));
    text_append(text, SLICE("</p>\n"));
    html_places(text, page);
    if (page->site != NULL)
        html_site(text, page->site);
}

static void write_html(struct text *text, const struct check_page *page)
{
    if (page->problem.size > 0) {
        page_html_begin(text, SLICE("Nobody looked"), 0);
        text_append(text, SLICE("<p role=\"alert\"><bdi>"));
        append_html(text, page->problem, CHECK_SAYS_SHOWN * 2);
        text_append(text, SLICE("</bdi></p>\n"));
    } else if (page->asked.size > 0) {
        html_answer(text, page);
    } else {
        page_html_begin(text, SLICE("Is it down, or is it only you?"), 0);
        text_append(text, SLICE("<p>The page is looked at from here, and from other places where "
            "there are any.</p>\n"));
    }
    html_form(text, page);
    page_html_end(text);
}

// --- JSON, and text ---

static void json_site(struct text *text, const struct page_status *site)
{
    text_format(text, ",\"site\":{\"servers\":{\"total\":%zu,\"healthy\":%zu}", site->backends,
        site->backends_healthy);
    if (site->history != NULL)
        page_json_history(text, site->history);
    if (site->down)
        page_append_json_time(text, "down_since", site->down_since_ms);
    text_append_byte(text, '}');
}

static void write_json(struct text *text, const struct check_page *page)
{
    static const char *const answers[] = {[ANSWER_IS_WELL] = "well", [ANSWER_IS_DOWN] = "down",
        [ANSWER_DIFFERS] = "differs", [ANSWER_IS_UNKNOWN] = "unknown"};
    char words[1024];
    struct text says = text_in(words, sizeof(words));
    struct conclusion conclusion = conclude_from(page);
    if (page->problem.size > 0 || page->asked.size == 0) {
        text_append(text, SLICE("{\"error\":\""));
        struct slice why = page->problem;
        text_append_json(text, why.size == 0 ? SLICE("look at what? expected ?url=URL")
                : slice_of(why.data, MINIMUM(why.size, 2 * CHECK_SAYS_SHOWN)));
        text_append(text, SLICE("\"}\n"));
        return;
    }
    append_words(&says, page, &conclusion);
    text_format(text, "{\"answer\":\"%s\"", answers[conclusion.answer]);
    page_append_json_member(text, "says", text_slice(&says), sizeof(words));
    page_append_json_member(text, "url", page->asked, ASKED_SHOWN);
    page_append_json_member(text, "host", page->host, PAGE_HOST_SHOWN);
    text_append(text, SLICE(",\"places\":["));
    for (unsigned i = 0; i < page->place_count; i++) {
        const struct check_place *place = &page->places[i];
        text_format(text, "%s{\"sight\":\"%s\"", i == 0 ? "" : ",", sight_word(place->sight));
        page_append_json_member(text, "verdict", verdict_name(place->verdict), NAME_SHOWN);
        page_append_json_member(text, "says", place->says, CHECK_SAYS_SHOWN);
        page_append_json_member(
            text, "name", place->name.size > 0 ? place->name : SLICE("here"), NAME_SHOWN);
        text_append_byte(text, '}');
    }
    text_append_byte(text, ']');
    if (page->site != NULL)
        json_site(text, page->site);
    text_append(text, SLICE("}\n"));
}

static void write_plain(struct text *text, const struct check_page *page)
{
    char words[1024];
    struct text says = text_in(words, sizeof(words));
    struct conclusion conclusion = conclude_from(page);
    if (page->problem.size > 0 || page->asked.size == 0) {
        append_plain(text, page->problem.size > 0 ? page->problem
            : SLICE("Is it down, or is it only you? Ask with ?url=ADDRESS."), 2 * CHECK_SAYS_SHOWN);
        text_append_byte(text, '\n');
        return;
    }
    append_words(&says, page, &conclusion);
    append_plain(text, page->host, PAGE_HOST_SHOWN);
    text_format(text, " %s.\n\n", conclusion.title);
    append_plain(text, text_slice(&says), sizeof(words));
    text_append(text, SLICE("\n\n"));
    for (unsigned i = 0; i < page->place_count; i++) {
        const struct check_place *place = &page->places[i];
        text_append(text, SLICE("From "));
        append_plain(text, place->name.size > 0 ? place->name : SLICE("here"), NAME_SHOWN);
        text_format(text, ": %s. ", sight_word(place->sight));
        append_plain(text, place->says, CHECK_SAYS_SHOWN);
        text_append_byte(text, '\n');
    }
    if (page->site != NULL)
        text_format(text, "Servers that answer this edge: %zu of %zu\n",
            page->site->backends_healthy, page->site->backends);
}

struct slice check_page_write(
    struct arena *arena, enum page_form form, const struct check_page *page)
{
    char *buffer = arena_alloc(arena, CHECK_PAGE_SIZE_MAX);
    struct text text = text_in(buffer, buffer == NULL ? 0 : CHECK_PAGE_SIZE_MAX);
    switch (form) {
    case PAGE_HTML: write_html(&text, page); break;
    case PAGE_JSON: write_json(&text, page); break;
    case PAGE_TEXT: write_plain(&text, page); break;
    }
    return text.full ? SLICE_EMPTY : text_slice(&text);
}
