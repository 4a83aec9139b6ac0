// A badge (SVG): what is watched on the left, how it is on the right, said in words and not by the
// colour alone. Widths are estimated for the fonts that are likely there; textLength makes the text
// fit where another one is.
#include "watch/machine/machine_inside.h"
#include "watch/page/foreign.h"

#define LABEL_SHOWN 120 // bytes
#define PADDING 6
#define HEIGHT 20

struct side {
    char html[LABEL_SHOWN * 6 + 8];
    struct text text;
    unsigned width; // of the text
};

// In a sans-serif font of 11 pixels, rather too wide than too narrow.
static unsigned character_width(unsigned char byte)
{
    if (byte >= 0x80)
        return byte < 0xC0 ? 0 : byte < 0xE0 ? 8 : 12; // the rest of one; two bytes; three and four
    if (memchr("fijlrt.,:;'|!()[] ", byte, 18) != NULL)
        return 5;
    if (memchr("mwMW@%", byte, 6) != NULL)
        return 11;
    return byte >= 'A' && byte <= 'Z' ? 9 : 7;
}

// An entity is one character.
static unsigned text_width(struct slice html)
{
    unsigned width = 0;
    for (size_t i = 0; i < html.size; i++) {
        width += character_width((unsigned char)html.data[i]);
        while (html.data[i] == '&' && i + 1 < html.size && html.data[i + 1] != ';')
            i++;
    }
    return width;
}

static void set_side(struct side *side, struct slice value)
{
    side->text = text_in(side->html, sizeof(side->html));
    foreign_append(&side->text, value, LABEL_SHOWN);
    side->width = MAXIMUM(text_width(text_slice(&side->text)), 1);
}

// White is readable on all of them (contrast of 4.5 and more).
static const char *state_colour(enum component_state state)
{
    switch (state) {
    case COMPONENT_UNKNOWN: return "#57606a";
    case COMPONENT_OPERATIONAL: return "#1a7f37";
    case COMPONENT_DEGRADED: return "#8a5d00";
    case COMPONENT_PARTIAL: return "#b04300";
    case COMPONENT_DOWN: return "#c41c26";
    case COMPONENT_MAINTENANCE: break;
    }
    return "#0860c4";
}

static const char *state_words(enum component_state state)
{
    switch (state) {
    case COMPONENT_UNKNOWN: return "not known";
    case COMPONENT_OPERATIONAL: return "operational";
    case COMPONENT_DEGRADED: return "degraded";
    case COMPONENT_PARTIAL: return "partial outage";
    case COMPONENT_DOWN: return "outage";
    case COMPONENT_MAINTENANCE: break;
    }
    return "maintenance";
}

static const char *uptime_colour(double uptime)
{
    return state_colour(uptime < 0 ? COMPONENT_UNKNOWN
        : uptime >= 0.999          ? COMPONENT_OPERATIONAL
        : uptime >= 0.99           ? COMPONENT_DEGRADED
        : uptime >= 0.95           ? COMPONENT_PARTIAL
                                   : COMPONENT_DOWN);
}

// Of 90 days, of one or of all together. Never rounded up to 100 %.
static double uptime_of(const struct snapshot *snapshot, uint32_t component)
{
    double sum = 0;
    size_t known = 0;
    for (size_t i = 0; i < snapshot->component_count; i++) {
        double uptime = component != COMPONENT_NONE && i != component
            ? -1 : snapshot_uptime(snapshot->components[i].days, SNAPSHOT_DAYS);
        if (uptime >= 0) {
            sum += uptime;
            known++;
        }
    }
    return known == 0 ? -1 : sum / (double)known;
}

static void append_uptime(struct text *text, double uptime)
{
    if (uptime < 0) {
        text_append(text, SLICE("not known"));
        return;
    }
    unsigned hundredths = (unsigned)(uptime * 10000);
    text_format(text, "%u.%02u %%", hundredths / 100, hundredths % 100);
}

static void put_text(struct text *text, unsigned x, const struct side *side)
{
    text_format(text, "<text x=\"%u\" y=\"14\" textLength=\"%u\" "
        "lengthAdjust=\"spacingAndGlyphs\">", x, side->width);
    text_append(text, text_slice(&side->text));
    text_append(text, SLICE("</text>"));
}

static void write_svg(struct text *text, const struct side *left, const struct side *right,
    const char *colour)
{
    unsigned seam = left->width + 2 * PADDING, width = seam + right->width + 2 * PADDING;
    text_format(text, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%u\" height=\"%d\" "
        "role=\"img\" aria-labelledby=\"t\"><title id=\"t\">", width, HEIGHT);
    text_append(text, text_slice(&left->text));
    text_append(text, SLICE(": "));
    text_append(text, text_slice(&right->text));
    text_format(text, "</title><clipPath id=\"c\"><rect width=\"%u\" height=\"%d\" rx=\"3\"/>"
        "</clipPath><g clip-path=\"url(#c)\"><path fill=\"#3d444d\" d=\"M0 0h%uv%dH0z\"/>"
        "<path fill=\"%s\" d=\"M%u 0h%uv%dH%uz\"/></g><g fill=\"#fff\" font-size=\"11\" "
        "font-family=\"Verdana,Geneva,DejaVu Sans,sans-serif\">", width, HEIGHT, seam, HEIGHT,
        colour, seam, width - seam, HEIGHT, seam);
    put_text(text, PADDING, left);
    put_text(text, seam + PADDING, right);
    text_append(text, SLICE("</g></svg>\n"));
}

void badge_write(struct text *text, const struct machine_view *view, uint32_t component,
    enum badge_kind kind)
{
    const struct snapshot *snapshot = view->snapshot;
    bool one = component < snapshot->component_count;
    enum component_state state = one ? snapshot->components[component].state : snapshot->state;
    struct slice label = one ? snapshot->components[component].title : snapshot->brand.name;
    double uptime = uptime_of(snapshot, one ? component : COMPONENT_NONE);
    char words[32];
    struct text says = text_in(words, sizeof(words));
    struct side left, right;
    if (kind == BADGE_UPTIME)
        append_uptime(&says, uptime);
    else
        text_append(&says, slice_from_string(state_words(state)));
    set_side(&left, label.size > 0 ? label : SLICE("status"));
    set_side(&right, text_slice(&says));
    write_svg(text, &left, &right,
        kind == BADGE_UPTIME ? uptime_colour(uptime) : state_colour(state));
}
