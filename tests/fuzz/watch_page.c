// Whatever a browser says it likes to read, and whatever people wrote into a status page: the
// language is one of ours, and the page is UTF-8 in which none of it is an element, an attribute or
// a control character.
#include "../unit/watch/page_sample.h"
#include "base/invariant.h"
#include "watch/page/foreign.h"
#include "watch/page/words.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// Counts what only markup has.
static size_t specials_of(struct slice html)
{
    size_t count = 0;
    for (size_t i = 0; i < html.size; i++) {
        unsigned char byte = (unsigned char)html.data[i];
        count += byte == '<' || byte == '>' || byte == '"';
        invariant(byte >= ' ' || byte == '\n');
    }
    return count;
}

static void write_page(struct snapshot *snapshot, struct slice words)
{
    struct status_page page = sample_page(snapshot, STATUS_PAGE_INCIDENT, "ar");
    struct incident_update update = {INCIDENT_IDENTIFIED, SAMPLE_NOW, words, words};
    char *html;
    size_t size;
    snapshot->components[0].title = snapshot->brand.name = words;
    snapshot->incidents[0].title = words;
    snapshot->incidents[0].updates = &update;
    snapshot->incidents[0].update_count = 1;
    page.incident = &snapshot->incidents[0];
    if (status_page_write(&page, &html, &size) != ERROR_NONE)
        return;
    invariant(text_is_utf8(slice_of(html, size)));
    memory_free(html);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice words = slice_of((const char *)data, size);
    enum language language;
    struct slice code = status_page_language(words, words, SLICE("en"));
    static char buffer[64 * 4096];
    struct text text = text_in(buffer, sizeof(buffer));
    invariant(language_find(code, &language));
    foreign_append(&text, words, 4096);
    invariant(!text.full && specials_of(text_slice(&text)) == 0);
    text = text_in(buffer, sizeof(buffer));
    invariant(foreign_append_href(&text, words) || text.size == 0);
    invariant(specials_of(text_slice(&text)) == 0);
    text = text_in(buffer, sizeof(buffer));
    foreign_append_paragraphs(&text, words, 1024);
    invariant(text_is_utf8(text_slice(&text)));
    (void)specials_of(text_slice(&text));
    struct snapshot *snapshot = sample_create(2, true);
    if (snapshot != NULL && size < 4096)
        write_page(snapshot, words);
    snapshot_release(snapshot);
    return 0;
}
