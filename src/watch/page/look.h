// How the pages look: colours with the contrast that texts and shapes need (a test computes it),
// and the style sheet, which is constant, so that a policy can allow it by hash.
#pragma once

// X(name, light, dark)
#define LOOK_GROUNDS(X)                                                                            \
    X(paper, "#f5f7f9", "#0d1218")                                                                 \
    X(card, "#ffffff", "#151c24")
// On each ground, as text.
#define LOOK_TEXTS(X)                                                                              \
    X(ink, "#17212b", "#e8eef4")                                                                   \
    X(soft, "#55626f", "#9dacba")
// States: X(letter, text light, text dark, shape light, shape dark, tint light, tint dark). The
// text also stands on the tint.
#define LOOK_STATES(X)                                                                             \
    X(o, "#0a6b43", "#55d29a", "#23a06b", "#36b47e", "#e4f5ec", "#12281f")                         \
    X(d, "#7a5600", "#ecc25a", "#b88200", "#d2a02c", "#fcf3dc", "#2a2413")                         \
    X(p, "#a03d06", "#f7a26a", "#d8611d", "#e8803f", "#fdeee3", "#2d1f15")                         \
    X(x, "#a81e17", "#ff948b", "#d0342b", "#ef5f55", "#fcebe9", "#301a1a")                         \
    X(m, "#1d56ab", "#8bbcff", "#3f7fd9", "#5b9af0", "#e8f0fc", "#152338")                         \
    X(u, "#55626f", "#a3b1be", "#7f8c99", "#74818e", "#edf0f3", "#1d252e")

#define LOOK_STYLE                                                                                 \
    "*{box-sizing:border-box}"                                                                     \
    "html{-webkit-text-size-adjust:100%;scroll-padding:1rem}"                                      \
    "body{margin:0;background:var(--paper);color:var(--ink);border-block-start:4px solid "         \
    "var(--brand);font:1rem/1.55 system-ui,-apple-system,\"Segoe UI\",Roboto,Ubuntu,"              \
    "\"Noto Sans\",sans-serif;font-variant-numeric:tabular-nums}"                                  \
    "body>*{max-width:54rem;margin-inline:auto;padding-inline:1.25rem}"                            \
    "h1,h2,h3,p,ol,ul,dl,dd,figure{margin:0;padding:0}"                                            \
    "ol,ul{list-style:none}"                                                                       \
    "h1{font-size:clamp(1.35rem,1rem + 2vw,1.8rem);line-height:1.25;font-weight:650;"              \
    "letter-spacing:-.015em;text-wrap:balance}"                                                    \
    "h2{font-size:1.05rem;font-weight:650;margin-block:2.5rem .8rem}"                              \
    "h2 small{font-weight:400;font-size:.9rem;color:var(--soft);margin-inline-start:.6rem}"        \
    "h3{font-size:1.05rem;line-height:1.4;font-weight:650}"                                        \
    "h1,h2,h3,p,li,dd,td{overflow-wrap:anywhere}"                                                  \
    "a{color:var(--link);text-decoration-thickness:1px;text-underline-offset:.2em}"                \
    "a:hover{text-decoration-thickness:2px}"                                                       \
    ":focus-visible{outline:3px solid var(--link);outline-offset:3px;border-radius:4px}"           \
    "svg{display:block}time{unicode-bidi:isolate}"                                                 \
    "[hidden],.v:not(:focus){position:absolute;width:1px;height:1px;overflow:hidden;"              \
    "clip-path:inset(50%);white-space:nowrap}[hidden]{display:none}"                               \
    ".v:focus{position:absolute;inset-block-start:.5rem;background:var(--card);padding:.5rem 1rem}"\
    "header{display:flex;flex-wrap:wrap;gap:.6rem 1.5rem;align-items:center;"                      \
    "justify-content:space-between;padding-block:1.5rem 1.25rem}"                                  \
    ".name{display:flex;gap:.75rem;align-items:center;font-size:1.15rem;font-weight:650;"          \
    "color:inherit;text-decoration:none}"                                                          \
    ".name img{display:block;max-height:2.25rem;max-width:11rem}"                                  \
    "nav,.nav{display:flex;flex-wrap:wrap;gap:.3rem 1.2rem;align-items:center}"                    \
    "header nav a{color:var(--soft);text-decoration:none;font-size:.95rem;padding-block:.25rem}"   \
    "header nav a:hover,nav [aria-current]{color:var(--ink);text-decoration:underline}"            \
    "nav [aria-current]{font-weight:600}"                                                          \
    ".top{display:flex;gap:1.1rem;align-items:center;padding:1.5rem 1.6rem;border-radius:1rem;"    \
    "background:var(--t);border:1px solid color-mix(in srgb,var(--b) 35%,transparent)}"            \
    ".top .i{width:2.4rem;height:2.4rem}"                                                          \
    ".top p{color:var(--soft);font-size:.93rem;margin-block-start:.3rem}"                          \
    ".stale{--t:var(--ut);--b:var(--ub)}"                                                          \
    ".i{flex:none;width:1.15rem;height:1.15rem;color:var(--b);fill:none;stroke:currentColor;"      \
    "stroke-width:2;stroke-linecap:round;stroke-linejoin:round}"                                   \
    ".w{margin-block-start:1rem;padding:.8rem 1.1rem;border-radius:.7rem;background:var(--t);"     \
    "color:var(--c);border-inline-start:4px solid var(--b);font-weight:550}"                       \
    ".n{background:var(--card);border:1px solid var(--line);border-inline-start:4px solid "        \
    "var(--b);border-radius:.8rem;padding:1.1rem 1.4rem;margin-block-end:.9rem}"                   \
    ".n h3 a{color:inherit;text-decoration-color:var(--line)}"                                     \
    ".q{display:flex;flex-wrap:wrap;gap:.15rem .9rem;color:var(--soft);font-size:.93rem;"          \
    "margin-block-start:.25rem}"                                                                   \
    ".q b{color:var(--c);font-weight:650}"                                                         \
    ".y{margin-block-start:.9rem;border-inline-start:2px solid var(--line);"                       \
    "padding-inline-start:1.1rem}"                                                                 \
    ".y li+li{margin-block-start:.9rem}"                                                           \
    ".y time{color:var(--soft);font-size:.9rem;margin-inline-start:.5rem}"                         \
    ".y p,.z p{margin-block-start:.35rem;max-width:68ch}"                                          \
    ".g,.l,details.g>ul{background:var(--card);border:1px solid var(--line);border-radius:.8rem}"  \
    ".g{margin-block-end:.9rem;overflow:hidden}.g .l{border:0;border-radius:0}"                    \
    ".g>h3,summary{padding:.85rem 1.4rem}.g>h3{border-block-end:1px solid var(--line)}"            \
    "summary{cursor:pointer;font-weight:600}summary span{color:var(--soft);font-weight:400;"       \
    "margin-inline-start:.6rem}"                                                                   \
    "details.g>ul{border-width:1px 0 0;border-radius:0}"                                           \
    ".l>li{padding:1rem 1.4rem 1.05rem;display:grid;grid-template-columns:1fr auto;"               \
    "gap:.2rem 1rem;align-items:center}"                                                           \
    ".l>li+li{border-block-start:1px solid var(--line)}"                                           \
    ".l>li>a{color:inherit;font-weight:600;text-decoration:none}.l>li>a:hover{"                    \
    "text-decoration:underline}"                                                                   \
    ".s{display:flex;gap:.45rem;align-items:center;color:var(--c);font-size:.93rem;"               \
    "font-weight:600;white-space:nowrap}"                                                          \
    ".l .r,.l .b,.l .f{grid-column:1/-1}.r{font-size:.93rem;color:var(--soft)}"                    \
    ".b{width:100%;height:1.6rem;margin-block-start:.45rem;fill:none}"                             \
    ".b path{stroke-dasharray:3 1;stroke:var(--b);stroke-width:24}"                                \
    ".b .d{stroke-width:17}.b .x{stroke-width:10}.b .u{stroke-width:4}"                            \
    ".f{display:flex;flex-wrap:wrap;gap:.1rem 1.3rem;align-items:center;font-size:.87rem;"         \
    "color:var(--soft);margin-block-start:.3rem}.f b{color:var(--ink);font-weight:600}"            \
    ".f .j{display:flex;gap:.5rem;align-items:center;margin-inline-start:auto}"                    \
    ".k{width:90px;height:20px;fill:none;stroke:var(--link);stroke-width:1.5;"                     \
    "stroke-linejoin:round;overflow:visible}"                                                      \
    "[dir=rtl] .b,[dir=rtl] .k{transform:scaleX(-1)}"                                              \
    ".e{display:flex;flex-wrap:wrap;gap:.2rem 1.2rem;margin-block-start:.8rem;font-size:.87rem;"   \
    "color:var(--soft)}.e span{display:flex;gap:.4rem;align-items:flex-end}"                       \
    ".e svg{width:.5rem;height:1.1rem;fill:none}.e path{stroke:var(--b);stroke-width:24}"          \
    ".e .d path{stroke-width:17}.e .x path{stroke-width:10}.e .u path{stroke-width:4}"             \
    "form{display:flex;flex-wrap:wrap;gap:.6rem 1rem;align-items:center;margin-block-start:1.2rem;"\
    "color:var(--soft);font-size:.93rem}"                                                          \
    "button,.btn{font:inherit;font-weight:600;padding:.5rem 1.1rem;border:0;border-radius:.6rem;"  \
    "background:var(--link);color:var(--on);cursor:pointer;text-decoration:none}"                  \
    "input{font:inherit;padding:.5rem .7rem;border:1px solid var(--soft);border-radius:.6rem;"     \
    "background:var(--card);color:inherit}"                                                        \
    ".h li{display:flex;flex-wrap:wrap;gap:.1rem 1rem;justify-content:space-between;"              \
    "padding-block:.55rem;border-block-end:1px solid var(--line)}"                                 \
    ".h span{color:var(--soft);font-size:.93rem}"                                                  \
    ".pg{display:flex;justify-content:space-between;gap:1rem;margin-block-start:1.5rem}"           \
    ".a{background:var(--card);border:1px solid var(--line);border-radius:.8rem;padding:1.2rem;"   \
    "margin-block-end:.9rem}figure>svg{width:100%;height:auto;overflow:visible;"                   \
    "direction:ltr}"                                                                               \
    ".a text{fill:var(--soft);font-size:11px}.a .t{stroke:var(--line)}"                            \
    ".a .j{fill:none;stroke:var(--link);stroke-width:2;stroke-linejoin:round}"                     \
    ".key{white-space:nowrap}.key svg{display:inline-block;width:20px;height:8px;"                 \
    "margin-inline-end:.4rem}.a .c{stroke:var(--ob);stroke-width:8}"                               \
    ".a .w2{fill:none;stroke:var(--soft);stroke-width:1;stroke-dasharray:3 3}"                     \
    ".a .o,.a .d,.a .x,.a .u{fill:var(--b)}"                                                       \
    ".a figcaption{font-weight:600;margin-block-end:.6rem}"                                        \
    ".a figcaption span{font-weight:400;color:var(--soft);font-size:.9rem;"                        \
    "margin-inline-start:1rem}"                                                                    \
    "table{width:100%;border-collapse:collapse;font-size:.9rem}"                                   \
    "th,td{text-align:start;padding:.35rem .8rem .35rem 0;border-block-start:1px solid "           \
    "var(--line)}.x-auto{overflow-x:auto}"                                                         \
    ".say{margin-block-start:1.2rem}"                                                              \
    ".date{margin-block-start:2rem;color:var(--soft);font-size:.93rem}"                            \
    "footer{margin-block-start:3.5rem;padding-block:1.3rem 2.5rem;font-size:.93rem;"               \
    "color:var(--soft)}.nav{margin-block-end:.7rem}footer a{color:inherit}"                        \
    "@media(prefers-reduced-motion:no-preference){details>ul{animation:a .2s}"                     \
    "@keyframes a{from{opacity:0}}}"                                                               \
    "@media(max-width:34rem){.top,.n,.l>li{padding-inline:1.05rem}}"                               \
    "@media(forced-colors:active){.b path,.e path{stroke:CanvasText}.k{stroke:CanvasText}}"        \
    "@media print{body{border:0;background:#fff}form,footer,header nav{display:none}"              \
    ".n,.l>li,.a{break-inside:avoid}}"
