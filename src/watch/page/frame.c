// The frame of every page: head, header, footer, and the script that keeps it current. Style and
// script are constant; what a brand changes is a second, small style sheet, whose hash is computed
// with the others.
#include "watch/page/colour.h"
#include "watch/page/look.h"
#include "watch/page/writer.h"

#include <openssl/evp.h>

#define DEFAULT_ACCENT "#0b6b8f"
#define DEFAULT_ACCENT_DARK "#6cc3e8"
#define BRAND_STYLE_MAX 600
#define HASH_SIZE 32

#define LIGHT_GROUND(name, light, dark) "--" #name ":" light ";"
#define DARK_GROUND(name, light, dark) "--" #name ":" dark ";"
#define LIGHT_STATE(letter, c1, c2, b1, b2, t1, t2)                                                \
    "--" #letter "c:" c1 ";--" #letter "b:" b1 ";--" #letter "t:" t1 ";"
#define DARK_STATE(letter, c1, c2, b1, b2, t1, t2)                                                 \
    "--" #letter "c:" c2 ";--" #letter "b:" b2 ";--" #letter "t:" t2 ";"
#define USE_STATE(letter, c1, c2, b1, b2, t1, t2)                                                  \
    "." #letter "{--c:var(--" #letter "c);--b:var(--" #letter "b);--t:var(--" #letter "t)}"
#define STYLE                                                                                      \
    ":root{color-scheme:light dark;--line:#dce3ea;" LOOK_GROUNDS(LIGHT_GROUND)                     \
    LOOK_TEXTS(LIGHT_GROUND) LOOK_STATES(LIGHT_STATE) "}"                                          \
    "@media(prefers-color-scheme:dark){:root{--line:#2a3542;" LOOK_GROUNDS(DARK_GROUND)            \
    LOOK_TEXTS(DARK_GROUND) LOOK_STATES(DARK_STATE) "}}"                                           \
    LOOK_STATES(USE_STATE) LOOK_STYLE

// What changes is fetched and put in place of <main>: whoever reads or has the keyboard's focus in
// it stays where he is. The age of what is shown is counted here, so that it is true also when the
// server is gone. A page from another release of this script reloads as a whole.
#define SCRIPT                                                                                     \
    "(function(){"                                                                                 \
    "var d=document,root=d.documentElement,events=d.body.dataset.events,busy=0,asked=Date.now(),"  \
    "lang=root.lang=='ar'?'ar-u-nu-latn':root.lang,from,age;"                                      \
    "function id(name){return d.getElementById(name)}"                                             \
    "function localise(){d.querySelectorAll('time').forEach(function(t){"                          \
    "var at=new Date(t.dateTime),o={hour:'2-digit',minute:'2-digit',hourCycle:'h23',"              \
    "timeZoneName:'short'};"                                                                       \
    "if(isNaN(at))return;"                                                                         \
    "if(t.className=='c')o.second='2-digit';"                                                      \
    "else{o.day='numeric';o.month='short';o.year='numeric'}"                                       \
    "if(t.className=='d')o={day:'numeric',month:'short',year:'numeric',timeZone:'UTC'};"           \
    "else t.title=t.textContent;"                                                                  \
    "try{t.textContent=at.toLocaleString(lang,o)}catch(e){}})}"                                    \
    "function ago(ms){var s=Math.max(0,Math.round(ms/1e3)),"                                       \
    "u=s<120?[1,'second']:s<7200?[60,'minute']:s<172800?[3600,'hour']:[86400,'day'];"              \
    "return new Intl.RelativeTimeFormat(lang).format(-Math.floor(s/u[0]),u[1])}"                   \
    "function show(e,ms){if(e)e.textContent=e.dataset.say.replace('{1}',ago(ms))}"                 \
    "function start(){var e=id('age');age=e?+e.dataset.ms:NaN;from=Date.now();localise()}"         \
    "function tick(){var ms=age+Date.now()-from,old=id('old');"                                    \
    "if(isNaN(ms))return;"                                                                         \
    "show(id('age'),ms);"                                                                          \
    "if(old){show(old,ms);if(old.hidden!=ms<6e4){old.hidden=ms<6e4;"                               \
    "var top=id('top');if(top)top.classList.toggle('stale',ms>=6e4);"                              \
    "if(!old.hidden)id('say').textContent=old.textContent}}"                                       \
    "if(ms>3e4&&Date.now()-asked>3e4)ask()}"                                                       \
    "function key(e){return e&&e!=d.body&&(e.id?'#'+CSS.escape(e.id):"                             \
    "e.getAttribute('href')?'a[href=\"'+CSS.escape(e.getAttribute('href'))+'\"]':"                 \
    "e.localName=='summary'?'#'+CSS.escape(e.parentNode.id)+'>summary':e.localName)}"              \
    "function swap(html){"                                                                         \
    "var page=new DOMParser().parseFromString(html,'text/html'),main=page.querySelector('main'),"  \
    "mine=d.querySelector('main'),says=id('say').dataset.say,last=page.scripts.length-1;"          \
    "if(!main)return;"                                                                             \
    "if(last<0||page.scripts[last].textContent!=d.scripts[d.scripts.length-1].textContent)"        \
    "return location.reload();"                                                                    \
    "var focus=mine.contains(d.activeElement)&&key(d.activeElement),x=scrollX,y=scrollY,"          \
    "before=mine.querySelector('h1'),after=main.querySelector('h1');"                              \
    "mine.querySelectorAll('details').forEach(function(e){"                                        \
    "var same=e.id&&main.querySelector('#'+CSS.escape(e.id));if(same)same.open=e.open;});"         \
    "mine.replaceWith(main);d.title=page.title;start();tick();"                                    \
    "var e=focus&&main.querySelector(focus);if(e)e.focus({preventScroll:true});scrollTo(x,y);"     \
    "if(before&&after&&before.textContent!=after.textContent)"                                     \
    "id('say').textContent=says.replace('{1}',after.textContent)}"                                 \
    "function ask(){"                                                                              \
    "if(busy)return;"                                                                              \
    "if(d.hidden)return d.addEventListener('visibilitychange',ask,{once:true});"                   \
    "busy=1;asked=Date.now();"                                                                     \
    "fetch(location.href,{cache:'no-store',redirect:'error',headers:{Accept:'text/html'}})"        \
    ".then(function(a){return a.ok?a.text().then(swap):0}).catch(function(){})"                    \
    ".then(function(){busy=0})}"                                                                   \
    "function listen(){var s=new EventSource(events);"                                             \
    "s.addEventListener('change',function(){setTimeout(ask,Math.random()*500)});"                  \
    "s.addEventListener('alive',function(e){age=+e.data||0;from=Date.now();tick()});"              \
    "s.onerror=function(){if(s.readyState==2)setTimeout(listen,6e4)}}"                             \
    "start();"                                                                                     \
    "if(events){setInterval(tick,1e3);if(window.EventSource)listen()}"                             \
    "})()"

// --- The brand ---

static struct colour ground_of(const char *text)
{
    struct colour colour = {0, 0, 0};
    bool is_good = colour_parse(slice_from_string(text), &colour);
    (void)is_good;
    return colour;
}

// Readable on both grounds of a scheme: the card is the one with less contrast to what is between.
static struct colour readable(struct colour colour, struct colour paper, struct colour card)
{
    colour = colour_readable(colour, card, COLOUR_TEXT_CONTRAST);
    return colour_readable(colour, paper, COLOUR_TEXT_CONTRAST);
}

static void append_colours(struct text *text, struct colour brand, bool is_dark)
{
#define LIGHT(name, light, dark) light,
#define DARK(name, light, dark) dark,
    static const char *const light[] = {LOOK_GROUNDS(LIGHT)}, *const dark[] = {LOOK_GROUNDS(DARK)};
#undef LIGHT
#undef DARK
    static const struct colour white = {255, 255, 255}, black = {11, 15, 20};
    const char *const *grounds = is_dark ? dark : light;
    struct colour link = readable(brand, ground_of(grounds[0]), ground_of(grounds[1]));
    struct colour on = colour_contrast(link, white) > colour_contrast(link, black) ? white : black;
    text_format(text, "--brand:#%02x%02x%02x;--link:#%02x%02x%02x;--on:#%02x%02x%02x",
        brand.red, brand.green, brand.blue, link.red, link.green, link.blue,
        on.red, on.green, on.blue);
}

static void append_brand_style(struct text *text, const struct brand *brand)
{
    struct colour light = ground_of(DEFAULT_ACCENT), dark = ground_of(DEFAULT_ACCENT_DARK);
    if (colour_parse(brand->accent, &light))
        dark = light;
    bool has_dark = colour_parse(brand->accent_dark, &dark);
    (void)has_dark; // then it is the light one, made readable
    text_append(text, SLICE(":root{"));
    append_colours(text, light, false);
    text_append(text, SLICE("}@media(prefers-color-scheme:dark){:root{"));
    append_colours(text, dark, true);
    text_append(text, SLICE("}}"));
}

static void append_hash(struct text *text, struct slice of)
{
    unsigned char digest[HASH_SIZE], coded[HASH_SIZE * 2];
    if (EVP_Digest(of.data, of.size, digest, NULL, EVP_sha256(), NULL) != 1)
        return; // no hash: the browser shows the page without its look
    int size = EVP_EncodeBlock(coded, digest, HASH_SIZE);
    text_append(text, SLICE(" 'sha256-"));
    text_append(text, slice_of((const char *)coded, (size_t)size));
    text_append(text, SLICE("'"));
}

void status_page_security_policy(const struct snapshot *snapshot, struct text *text)
{
    char buffer[BRAND_STYLE_MAX];
    struct text brand = text_in(buffer, sizeof(buffer));
    append_brand_style(&brand, &snapshot->brand);
    text_append(text, SLICE("default-src 'none'; style-src"));
    append_hash(text, SLICE(STYLE));
    append_hash(text, text_slice(&brand));
    text_append(text, SLICE("; script-src"));
    append_hash(text, SLICE(SCRIPT));
    text_append(text, SLICE("; connect-src 'self'; img-src 'self'; form-action 'self'; "
                            "base-uri 'none'; frame-ancestors 'self'"));
}

// --- The frame ---

static bool is_live(const struct writer *writer)
{
    return writer->page->kind != STATUS_PAGE_MESSAGE;
}

static void write_head(const struct writer *writer, struct slice title_html)
{
    struct text *text = writer->text;
    write_html(writer, "<!DOCTYPE html>\n<html lang=\"");
    text_append(text, language_code(writer->language));
    write_html(writer, "\" dir=\"");
    text_append(text, language_direction(writer->language));
    write_html(writer, "\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" "
                       "content=\"width=device-width,initial-scale=1\">\n<title>");
    text_append(text, title_html);
    write_html(writer, "</title>\n");
    if (is_live(writer))
        write_html(writer, "<noscript><meta http-equiv=\"refresh\" content=\"60\"></noscript>\n");
    write_html(writer, "<link rel=\"alternate\" type=\"application/atom+xml\" href=\"");
    foreign_append(text, writer->page->base, WRITER_TITLE_SHOWN);
    write_html(writer, "feed.atom\">\n");
    write_html(writer, "<link rel=\"icon\" href=\"");
    foreign_append(text, writer->page->base, WRITER_TITLE_SHOWN);
    text_format(text, "logo?v=%016llx\">\n", (unsigned long long)writer->snapshot->brand.logo_hash);
    write_html(writer, "<style>" STYLE "</style>\n<style>");
    append_brand_style(text, &writer->snapshot->brand);
    write_html(writer, "</style>\n</head>\n");
}

// Each state has a shape of its own, too.
static void write_symbols(const struct writer *writer)
{
    write_html(writer,
        "<svg width=\"0\" height=\"0\" hidden aria-hidden=\"true\">"
        "<symbol id=\"io\" viewBox=\"0 0 20 20\"><circle cx=\"10\" cy=\"10\" r=\"9\" "
        "fill=\"currentColor\" stroke=\"none\"/><path d=\"M6 10.5l2.7 2.7L14 7.5\" "
        "stroke=\"var(--paper)\"/></symbol>"
        "<symbol id=\"id\" viewBox=\"0 0 20 20\"><path d=\"M10 1.8L19 18H1z\" "
        "fill=\"currentColor\" stroke=\"currentColor\"/><path d=\"M10 8v4m0 3v.1\" "
        "stroke=\"var(--paper)\"/></symbol>"
        "<symbol id=\"ip\" viewBox=\"0 0 20 20\"><circle cx=\"10\" cy=\"10\" r=\"8\"/><path "
        "d=\"M10 2a8 8 0 0 1 0 16z\" fill=\"currentColor\"/></symbol>"
        "<symbol id=\"ix\" viewBox=\"0 0 20 20\"><path d=\"M6.3 1h7.4L19 6.3v7.4L13.7 19H6.3L1 "
        "13.7V6.3z\" fill=\"currentColor\" stroke=\"none\"/><path d=\"M7 7l6 6m0-6l-6 6\" "
        "stroke=\"var(--paper)\"/></symbol>"
        "<symbol id=\"im\" viewBox=\"0 0 20 20\"><rect x=\"1\" y=\"1\" width=\"18\" "
        "height=\"18\" rx=\"4\" fill=\"currentColor\" stroke=\"none\"/><path "
        "d=\"M10 5v5.5l3.5 2\" stroke=\"var(--paper)\"/></symbol>"
        "<symbol id=\"iu\" viewBox=\"0 0 20 20\"><circle cx=\"10\" cy=\"10\" r=\"8\" "
        "stroke-dasharray=\"3 3.3\"/><path d=\"M7.5 8a2.5 2.5 0 1 1 3.6 2.2c-.7.4-1.1.9-1.1 "
        "1.6m0 2.7v.1\" stroke-width=\"1.6\"/></symbol></svg>\n");
}

static void write_nav_link(const struct writer *writer, const char *name, enum word word,
    bool is_current)
{
    write_html(writer, "<a ");
    write_href(writer, name, SLICE_EMPTY);
    write_html(writer, is_current ? " aria-current=\"page\">" : ">");
    write_word(writer, word);
    write_html(writer, "</a>");
}

static void write_header(const struct writer *writer)
{
    const struct brand *brand = &writer->snapshot->brand;
    struct text *text = writer->text;
    write_html(writer, "<header>\n<a class=\"name\" href=\"");
    if (!foreign_append_href(text, brand->site))
        foreign_append(text, writer->page->home, WRITER_TITLE_SHOWN);
    write_html(writer, "\">");
    if (brand->logo.size > 0) {
        write_html(writer, "<img alt=\"\" src=\"");
        foreign_append(text, writer->page->base, WRITER_TITLE_SHOWN);
        text_format(text, "logo?v=%016llx\">", (unsigned long long)brand->logo_hash);
    }
    write_title(writer, brand->name);
    write_html(writer, "</a>\n<nav>");
    write_nav_link(writer, "", WORD_CURRENT_STATUS, writer->page->kind == STATUS_PAGE_MAIN);
    write_nav_link(writer, "history", WORD_HISTORY, writer->page->kind == STATUS_PAGE_HISTORY);
    if (writer->page->subscribe)
        write_nav_link(writer, "subscribe", WORD_SUBSCRIBE, false);
    write_html(writer, "</nav>\n</header>\n");
}

void write_frame_begin(const struct writer *writer, struct slice title_html)
{
    write_head(writer, title_html);
    write_html(writer, "<body");
    if (is_live(writer)) {
        write_html(writer, " data-events=\"");
        foreign_append(writer->text, writer->page->base, WRITER_TITLE_SHOWN);
        write_html(writer, "events?after=");
        text_append_hex(writer->text, writer->page->moment, 16);
        write_html(writer, "\"");
    }
    write_html(writer, ">\n<a class=\"v\" href=\"#main\">");
    write_word(writer, WORD_SKIP);
    write_html(writer, "</a>\n");
    write_symbols(writer);
    write_header(writer);
    write_html(writer, "<main id=\"main\" tabindex=\"-1\">\n");
}

static void write_languages(const struct writer *writer)
{
    struct slice token = writer->page->token;
    write_html(writer, "<nav aria-label=\"");
    write_word(writer, WORD_LANGUAGE);
    write_html(writer, "\">");
    for (size_t i = 0; i < LANGUAGE_COUNT; i++) {
        struct slice code = language_code((enum language)i);
        write_html(writer, "<a href=\"?");
        if (token.size > 0)
            text_format(writer->text, "token=%.*s&amp;", SLICE_ARGS(token));
        text_format(writer->text, "lang=%.*s\" hreflang=\"%.*s\" lang=\"%.*s\"%s>",
            SLICE_ARGS(code), SLICE_ARGS(code), SLICE_ARGS(code),
            i == (size_t)writer->language ? " aria-current=\"true\"" : "");
        text_append(writer->text, language_name((enum language)i));
        write_html(writer, "</a>");
    }
    write_html(writer, "</nav>");
}

static void write_support(const struct writer *writer)
{
    char buffer[2048];
    struct text href = text_in(buffer, sizeof(buffer));
    struct slice support = writer->snapshot->brand.support;
    if (support.size == 0)
        return;
    if (foreign_append_href(&href, support) && !href.full) {
        write_html(writer, "<a href=\"");
        text_append(writer->text, text_slice(&href));
        write_html(writer, "\">");
        write_word(writer, WORD_SUPPORT);
        write_html(writer, "</a>");
        return;
    }
    write_html(writer, "<span>");
    write_word(writer, WORD_SUPPORT);
    write_html(writer, ": ");
    write_title(writer, support);
    write_html(writer, "</span>");
}

void write_frame_end(const struct writer *writer)
{
    write_html(writer, "</main>\n<p id=\"say\" class=\"v\" role=\"status\" data-say=\"");
    write_word(writer, WORD_CHANGED);
    write_html(writer, "\"></p>\n<footer>\n<div class=nav>");
    write_nav_link(writer, "feed.atom", WORD_FEED, false);
    write_nav_link(writer, "calendar.ics", WORD_CALENDAR, false);
    write_support(writer);
    if (writer->page->operators)
        write_nav_link(writer, "operator", WORD_OPERATORS, false);
    write_html(writer, "</div>\n");
    write_languages(writer);
    write_html(writer, "\n</footer>\n<script>" SCRIPT "</script>\n</body>\n</html>\n");
}
