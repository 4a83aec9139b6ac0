// What became of a write that was accepted, in words that promise nothing more than is known.
#include "base/units.h"
#include "edge/outbox/outbox.h"
#include "edge/pages/page_parts.h"

#define RELOAD_SECONDS 10
#define ID_SHOWN 64
#define LOCATION_SHOWN 1000

static const char *title_of(enum outbox_state state)
{
    switch (state) {
    case OUTBOX_QUEUED:
    case OUTBOX_SENDING: return "has your message, and will work on it later";
    case OUTBOX_UNKNOWN: return "may have got your message";
    case OUTBOX_DELIVERED: return "has got your message";
    case OUTBOX_REFUSED: return "did not take your message";
    case OUTBOX_EXPIRED: return "could not be reached with your message";
    case OUTBOX_DROPPED: break;
    }
    return "will not get your message";
}

static const char *explanation_of(enum outbox_state state)
{
    switch (state) {
    case OUTBOX_QUEUED:
    case OUTBOX_SENDING:
        return "The site's server does not take it just now. What you sent is safely kept here and "
               "will be delivered as soon as the server answers, after what was sent before it. "
               "Do not send it again.";
    case OUTBOX_UNKNOWN:
        return "It was passed on, but the connection broke off before the site's server answered. "
               "So that nothing is done twice, the people who run this site will look at it. "
               "Do not send it again without asking them.";
    case OUTBOX_DELIVERED:
        return "What you sent was delivered, and the site's server has taken it.";
    case OUTBOX_REFUSED:
        return "What you sent was delivered, but the site's server says that it cannot do this. "
               "Nothing more will happen by itself.";
    case OUTBOX_EXPIRED:
        return "The site's server has not answered for so long that what you sent was given up. "
               "It was not delivered.";
    case OUTBOX_DROPPED: break;
    }
    return "The people who run this site have taken out what you sent before it was delivered.";
}

static void html_time_row(struct text *text, const char *label, int64_t wall_ms, int64_t now_ms)
{
    text_format(text, "<dt>%s</dt><dd>", label);
    page_append_html_time(text, wall_ms, now_ms);
    text_append(text, SLICE("</dd>\n"));
}

static void write_html(struct text *text, const struct page_write *write)
{
    char title[512];
    struct text title_html = text_in(title, sizeof(title));
    bool is_over = outbox_is_over(write->state);
    page_append_html(
        &title_html, write->host.size > 0 ? write->host : SLICE("This site"), PAGE_HOST_SHOWN);
    text_format(&title_html, " %s", title_of(write->state));
    page_html_begin(text, text_slice(&title_html), is_over ? 0 : RELOAD_SECONDS);
    text_format(text, "<p>%s</p>\n<dl class=\"card\">\n", explanation_of(write->state));
    html_time_row(text, "Received", write->accepted_ms, write->now_ms);
    if (is_over)
        html_time_row(text, "Settled", write->over_ms, write->now_ms);
    if (write->status != 0)
        text_format(text, "<dt>The server's answer</dt><dd>%u</dd>\n", write->status);
    text_append(text, SLICE("<dt>Number</dt><dd>"));
    page_append_html(text, write->id, ID_SHOWN);
    text_append(text, SLICE("</dd>\n"));
    if (write->support.size > 0) {
        text_append(text, SLICE("<dt>Contact</dt><dd>"));
        page_append_html_support(text, write->support, write->id);
        text_append(text, SLICE("</dd>\n"));
    }
    text_append(text, SLICE("</dl>\n"));
    if (!is_over) {
        text_append(text, SLICE("<p id=\"s\" role=\"status\">What becomes of it is told on <a "
            "href=\""));
        page_append_html(text, write->prefix, PAGE_PREFIX_SHOWN);
        text_append(text, SLICE("outbox/"));
        page_append_html(text, write->id, ID_SHOWN);
        text_append(text, SLICE("\">a page of its own</a>.</p>\n"));
    }
    page_html_actions(text, write->prefix, PAGE_LINK_HOME | PAGE_LINK_STATUS);
    page_html_end(text);
}

static void write_json(struct text *text, const struct page_write *write)
{
    text_format(text, "{\"id\":\"%.*s\",\"state\":\"%s\"", SLICE_ARGS(write->id),
        outbox_state_word(write->state));
    text_append(text, SLICE(",\"url\":\""));
    text_append_json(text, write->prefix);
    text_format(text, "outbox/%.*s\"", SLICE_ARGS(write->id));
    page_append_json_time(text, "accepted", write->accepted_ms);
    page_append_json_time(text, "over", write->over_ms);
    if (write->status != 0)
        text_format(text, ",\"status\":%u", write->status);
    if (write->location.size > 0)
        page_append_json_member(text, "location", write->location, LOCATION_SHOWN);
    if (write->support.size > 0)
        page_append_json_member(text, "support", write->support, PAGE_SUPPORT_SHOWN);
    text_append(text, SLICE("}\n"));
}

static void write_plain(struct text *text, const struct page_write *write)
{
    page_append_plain(
        text, write->host.size > 0 ? write->host : SLICE("This site"), PAGE_HOST_SHOWN);
    text_format(text, " %s.\n\n%s\n\nReceived: ", title_of(write->state),
        explanation_of(write->state));
    page_append_clock(text, write->accepted_ms, write->now_ms);
    if (write->status != 0)
        text_format(text, "\nAnswer:   %u", write->status);
    text_append(text, SLICE("\nAsk at:   "));
    page_append_plain(text, write->prefix, PAGE_PREFIX_SHOWN);
    text_format(text, "outbox/%.*s\n", SLICE_ARGS(write->id));
    if (write->support.size > 0) {
        text_append(text, SLICE("Contact:  "));
        page_append_plain(text, write->support, PAGE_SUPPORT_SHOWN);
        text_append_byte(text, '\n');
    }
}

struct slice page_accepted_write(
    struct arena *arena, enum page_form form, const struct page_write *write)
{
    struct text text;
    if (!page_begin(&text, arena))
        return SLICE_EMPTY;
    switch (form) {
    case PAGE_HTML: write_html(&text, write); break;
    case PAGE_JSON: write_json(&text, write); break;
    case PAGE_TEXT: write_plain(&text, write); break;
    }
    return text_slice(&text);
}
