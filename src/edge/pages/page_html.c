// The frame of every HTML page: its look, and the script that reloads it. Both are constant, so
// that a policy can allow them by hash; what differs is markup and the data-wait attribute.
#include "edge/pages/page_parts.h"

#define PAGE_STYLE                                                                                 \
    ":root{color-scheme:light dark;--paper:#f3f6f8;--ink:#16222c;--soft:#50606d;--line:#cfd9e0;"   \
    "--card:#fff;--calm:#0b6b62;--alert:#9c3a12;--link:#0a5a88}"                                   \
    "@media(prefers-color-scheme:dark){:root{--paper:#0e151b;--ink:#e7eef3;--soft:#a2b1bd;"        \
    "--line:#2b3944;--card:#162029;--calm:#6fd3c3;--alert:#f5a985;--link:#8ccaf2}}"                \
    "*{box-sizing:border-box}"                                                                     \
    "body{margin:0;min-height:100vh;display:grid;grid-template-columns:minmax(0,1fr);"             \
    "place-items:center;padding:2rem 1.25rem;"                                                     \
    "background:var(--paper);color:var(--ink);"                                                    \
    "font:1rem/1.6 system-ui,-apple-system,\"Segoe UI\",Roboto,Ubuntu,sans-serif}"                 \
    "main{width:100%;max-width:37rem}"                                                             \
    "svg{display:block;color:var(--calm)}"                                                         \
    "h1{margin:.8rem 0 .6rem;font-size:1.75rem;line-height:1.25;font-weight:650;"                  \
    "letter-spacing:-.01em;text-wrap:balance}"                                                     \
    "h1,p,dd{overflow-wrap:anywhere}"                                                              \
    "p{margin:.6rem 0}"                                                                            \
    "a{color:var(--link);text-underline-offset:.2em}"                                              \
    "ol{display:flex;gap:.4rem;list-style:none;margin:1.6rem 0;padding:0}"                         \
    "li{flex:1;padding:.6rem .4rem 0 0;border-top:3px solid var(--calm);color:var(--soft)}"        \
    "li b{display:block;color:var(--ink);font-weight:600}"                                         \
    "li.bad{border-top:3px dashed var(--alert);color:var(--alert);font-weight:600}"                \
    ".card{margin:1.2rem 0;padding:.9rem 1.2rem;border:1px solid var(--line);border-radius:.75rem;"\
    "background:var(--card)}"                                                                      \
    "blockquote{margin:1.2rem 0;padding:.1rem 0;padding-inline-start:1rem;"                        \
    "border-inline-start:3px solid var(--calm);overflow-wrap:anywhere}"                            \
    "dl{display:grid;grid-template-columns:fit-content(55%) 1fr;gap:.3rem 1.4rem}"                 \
    "dt{color:var(--soft)}dd{margin:0}"                                                            \
    ".do{display:flex;flex-wrap:wrap;gap:.6rem 1.2rem;align-items:center}"                         \
    "form{margin:0}"                                                                               \
    "button{font:inherit;padding:.45rem .9rem;border:1px solid var(--soft);border-radius:.5rem;"   \
    "background:transparent;color:inherit;cursor:pointer}"                                         \
    "input{flex:1 1 16rem;min-width:0;font:inherit;padding:.45rem .6rem;border:1px solid "         \
    "var(--soft);border-radius:.5rem;background:var(--card);color:inherit}"                        \
    "input,select,textarea{max-width:100%}"                                                        \
    "table{width:100%;margin:1.2rem 0;border-collapse:collapse}"                                   \
    "th,td{padding:.4rem 0;padding-inline-end:1rem;border-top:1px solid var(--line);"              \
    "text-align:start;vertical-align:top;overflow-wrap:anywhere}"                                  \
    ":focus-visible{outline:3px solid var(--link);outline-offset:2px}"                             \
    "@media(prefers-reduced-motion:no-preference){#boat{animation:sway 6s ease-in-out infinite;"   \
    "transform-origin:32px 44px}@keyframes sway{50%{transform:rotate(4deg)}}}"

// Asks for the page itself before it reloads, so that the visitor keeps reading until there is
// something new; meanwhile it keeps the facts current. A hidden tab waits until somebody looks at
// it. Waits grow, up to a minute.
#define PAGE_SCRIPT                                                                                \
    "(function(){"                                                                                 \
    "var wait=+document.body.dataset.wait,says=document.getElementById('s');"                      \
    "function localise(){[].forEach.call(document.getElementsByTagName('time'),function(t){"       \
    "var d=new Date(t.dateTime),today=d.toDateString()==new Date().toDateString();"                \
    "t.textContent=today?d.toLocaleTimeString([],{timeStyle:'short'})"                             \
    ":d.toLocaleString([],{dateStyle:'medium',timeStyle:'short'})})}"                              \
    "function later(){setTimeout(ask,wait*1e3);wait=Math.min(wait*1.3,60)*(.9+Math.random()*.2)}"  \
    "function say(what){says.textContent=what+' at '+new Date().toLocaleTimeString()+'. '"         \
    "+'This page keeps trying by itself.';later()}"                                                \
    "function look(answer){"                                                                       \
    "if(answer.status<500)return location.reload();"                                               \
    "return answer.text().then(function(html){"                                                    \
    "var page=new DOMParser().parseFromString(html,'text/html'),facts=page.querySelector('dl');"   \
    "if(page.body.dataset.wait&&facts){"                                                           \
    "if(page.title!=document.title)return location.reload();"                                      \
    "document.querySelector('dl').replaceWith(facts);localise()}"                                  \
    "say('Still no answer')})}"                                                                    \
    "function ask(){"                                                                              \
    "if(document.hidden)return document.addEventListener('visibilitychange',ask,{once:true});"     \
    "fetch(location.href,{cache:'no-store',redirect:'manual',headers:{Accept:'text/html'}})"       \
    ".then(look).catch(function(){say('Could not be reached')})}"                                  \
    "localise();if(wait)later()})()"

// The hashes are those of the two texts above; tests/unit/edge/page.c computes them.
struct slice page_content_security_policy(void)
{
    return SLICE("default-src 'none'; "
                 "style-src 'sha256-4GTsM/XO09lyqvlsL+TKjGN2tA2G6+ZDS4HNhgMobtc='; "
                 "script-src 'sha256-DCPC6/a9gvZ+nOESsI0BTtg/YYRGr1tXZCn0Byx1a+c='; "
                 "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'self'");
}

void page_html_begin(struct text *text, struct slice title_html, uint64_t reload_seconds)
{
    text_append(text,
        SLICE("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
              "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
              "<meta name=\"robots\" content=\"noindex\">\n<title>"));
    text_append(text, title_html);
    text_append(text, SLICE("</title>\n"));
    if (reload_seconds > 0)
        text_format(text, "<noscript><meta http-equiv=\"refresh\" content=\"%llu\"></noscript>\n",
            (unsigned long long)reload_seconds);
    text_append(text, SLICE("<style>" PAGE_STYLE "</style>\n</head>\n"));
    text_format(text, "<body data-wait=\"%llu\">\n<main>\n", (unsigned long long)reload_seconds);
    text_append(text,
        SLICE("<svg width=\"64\" height=\"52\" viewBox=\"0 0 64 52\" fill=\"none\" "
              "stroke=\"currentColor\" stroke-width=\"2.5\" stroke-linecap=\"round\" "
              "stroke-linejoin=\"round\" aria-hidden=\"true\"><g id=\"boat\">"
              "<path d=\"M32 5v27M32 7c8 5 13 12 15 20H32M27 13c-5 4-9 9-10 14h10M12 33h40l-6 8"
              "H18z\"/></g>"
              "<path d=\"M2 47c5-4 10-4 15 0s10 4 15 0 10-4 15 0 10 4 15 0\"/></svg>\n<h1>"));
    text_append(text, title_html);
    text_append(text, SLICE("</h1>\n"));
}

void page_html_end(struct text *text)
{
    text_append(text, SLICE("</main>\n<script>" PAGE_SCRIPT "</script>\n</body>\n</html>\n"));
}

bool page_has_own_pages(struct slice prefix)
{
    return prefix.size > 0 && prefix.size <= PAGE_PREFIX_SHOWN / 2;
}

void page_html_actions(struct text *text, struct slice prefix, unsigned links)
{
    bool own_pages = page_has_own_pages(prefix);
    bool status = own_pages && (links & PAGE_LINK_STATUS) != 0;
    bool clear = own_pages && (links & PAGE_BUTTON_CLEAR) != 0;
    if (!status && !clear && (links & (PAGE_LINK_AGAIN | PAGE_LINK_HOME)) == 0)
        return;
    text_append(text, SLICE("<div class=\"do\">\n"));
    if ((links & PAGE_LINK_AGAIN) != 0)
        text_append(text, SLICE("<a href=\"\">Try again now</a>\n"));
    if ((links & PAGE_LINK_HOME) != 0)
        text_append(text, SLICE("<a href=\"/\">Go to the site</a>\n"));
    if (status) {
        text_append(text, SLICE("<a href=\""));
        page_append_html(text, prefix, PAGE_PREFIX_SHOWN);
        text_append(text, SLICE("status\">State of this site</a>\n"));
    }
    if (clear) {
        text_append(text, SLICE("<form method=\"post\" action=\""));
        page_append_html(text, prefix, PAGE_PREFIX_SHOWN);
        text_append(text, SLICE("clear-cache\"><button>Clear this site's cached files in my browser"
                                "</button></form>\n"));
    }
    text_append(text, SLICE("</div>\n"));
}
