// Maintenance as an iCalendar (RFC 5545), to subscribe to. Each occurrence is an event of its own
// in UTC: clients do differently with recurrence rules, and with zones that they do not know, but
// all of them know UTC, and whoever subscribes asks again.
#include "watch/machine/machine_inside.h"

#define LINE_MAX_OCTETS 75 // RFC 5545 section 3.1, without the line's end

// One content line being written: folded where it would become too long.
struct line {
    struct text *text;
    size_t octets;
};

static void put_octets(struct line *line, struct slice octets)
{
    if (line->octets + octets.size > LINE_MAX_OCTETS) {
        text_append(line->text, SLICE("\r\n "));
        line->octets = 1;
    }
    text_append(line->text, octets);
    line->octets += octets.size;
}

// Bytes of the UTF-8 sequence in front; 0: there is none.
static size_t sequence_size(struct slice text)
{
    unsigned char first = (unsigned char)text.data[0];
    size_t size = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    return size <= text.size && text_is_utf8(slice_of(text.data, size)) ? size : 0;
}

static bool is_control(struct slice sequence)
{
    unsigned char first = (unsigned char)sequence.data[0];
    return first < ' ' || first == 0x7F
        || (first == 0xC2 && (unsigned char)sequence.data[1] < 0xA0);
}

// RFC 5545 section 3.3.11.
static void put_text(struct line *line, struct slice value)
{
    while (value.size > 0) {
        size_t size = sequence_size(value);
        struct slice one = size == 0 ? SLICE("\xEF\xBF\xBD") : slice_of(value.data, size);
        char byte = one.data[0];
        if (byte == '\n')
            put_octets(line, SLICE("\\n"));
        else if (byte == '\\' || byte == ';' || byte == ',')
            put_octets(line, slice_of((const char[]){'\\', byte}, 2));
        else if (!is_control(one))
            put_octets(line, one);
        size = MAXIMUM(size, 1);
        value = slice_of(value.data + size, value.size - size);
    }
}

static void put_line(struct text *text, const char *name, struct slice value)
{
    struct line line = {.text = text};
    put_octets(&line, slice_from_string(name));
    put_text(&line, value);
    text_append(text, SLICE("\r\n"));
}

// A URI (section 3.3.13) is not text; what could end the line is left out.
static void put_uri(struct text *text, const char *name, struct slice value)
{
    struct line line = {.text = text};
    put_octets(&line, slice_from_string(name));
    for (size_t i = 0; i < value.size; i++) {
        if (value.data[i] > ' ' && value.data[i] < 0x7F)
            put_octets(&line, slice_of(&value.data[i], 1));
    }
    text_append(text, SLICE("\r\n"));
}

static void put_time(struct text *text, const char *name, int64_t wall_ms)
{
    text_append(text, slice_from_string(name));
    machine_append_compact_time(text, wall_ms);
    text_append(text, SLICE("\r\n"));
}

static void put_event(struct text *text, const struct machine_view *view,
    const struct window_view *window)
{
    char buffer[64];
    struct text uid = text_in(buffer, sizeof(buffer));
    text_append(&uid, window->id);
    text_append_byte(&uid, '-');
    machine_append_compact_time(&uid, window->begin_ms);
    text_append(&uid, SLICE("@afloat"));
    text_append(text, SLICE("BEGIN:VEVENT\r\n"));
    put_line(text, "UID:", text_slice(&uid));
    put_time(text, "DTSTAMP:", window->announced_ms);
    put_time(text, "DTSTART:", window->begin_ms);
    put_time(text, "DTEND:", window->end_ms);
    text_append(text, SLICE("SEQUENCE:0\r\n"));
    put_line(text, "SUMMARY:", window->title);
    if (window->text.size > 0)
        put_line(text, "DESCRIPTION:", window->text);
    put_uri(text, "URL:", view->page);
    text_append(text, SLICE("STATUS:CONFIRMED\r\nTRANSP:TRANSPARENT\r\nEND:VEVENT\r\n"));
}

void calendar_write(struct text *text, const struct machine_view *view)
{
    const struct snapshot *snapshot = view->snapshot;
    text_append(text, SLICE("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//afloat//status//EN\r\n"
        "CALSCALE:GREGORIAN\r\nREFRESH-INTERVAL;VALUE=DURATION:PT1H\r\n"
        "X-PUBLISHED-TTL:PT1H\r\n"));
    put_line(text, "NAME:", snapshot->brand.name);
    put_line(text, "X-WR-CALNAME:", snapshot->brand.name);
    for (size_t i = 0; i < snapshot->window_count && !text->full; i++)
        put_event(text, view, &snapshot->windows[i]);
    if (snapshot->window_count == 0) // a calendar has at least one component
        text_append(text, SLICE("BEGIN:VTIMEZONE\r\nTZID:Etc/UTC\r\nBEGIN:STANDARD\r\n"
            "DTSTART:19700101T000000\r\nTZOFFSETFROM:+0000\r\nTZOFFSETTO:+0000\r\n"
            "END:STANDARD\r\nEND:VTIMEZONE\r\n"));
    text_append(text, SLICE("END:VCALENDAR\r\n"));
}
