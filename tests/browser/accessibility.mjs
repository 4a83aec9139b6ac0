// What a page must have so that everybody can read and use it; runs in the page and returns a list of
// offences (WCAG 2.2: 1.4.3 contrast, 1.3.1 structure, 2.4.2 title, 3.1.1 language, 4.1.2 names, 4.1.3
// status messages, 1.4.10 reflow).
export function offences() {
    const found = [];
    const must = (condition, text) => condition || found.push(text);

    must(document.documentElement.lang === 'en', 'no language');
    must(document.title.length > 0, 'no title');
    must(document.querySelectorAll('h1').length === 1, 'not exactly one h1');
    must(document.querySelectorAll('main').length === 1, 'not exactly one main');
    must(document.querySelector('meta[name=viewport]'), 'no viewport');
    must(document.documentElement.scrollWidth <= window.innerWidth, 'scrolls sideways');
    for (const element of document.querySelectorAll('a, button'))
        must(element.textContent.trim().length > 0, `no name: ${element.outerHTML}`);
    for (const element of document.querySelectorAll('svg, img'))
        must(element.getAttribute('aria-hidden') === 'true' || element.getAttribute('alt')
            || (element.getAttribute('role') === 'img' && element.getAttribute('aria-label')), 'picture without text');
    for (const element of document.querySelectorAll('[id]'))
        must(document.querySelectorAll(`#${element.id}`).length === 1, `id ${element.id} twice`);

    const channels = (colour) => (colour.match(/[\d.]+/g) || []).map(Number);
    const luminance = ([red, green, blue]) => {
        const [r, g, b] = [red, green, blue].map((value) => {
            const part = value / 255;
            return part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
        });
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const paperOf = (element) => {
        for (let at = element; at; at = at.parentElement) {
            const colour = channels(getComputedStyle(at).backgroundColor);
            if (colour.length === 3 || colour[3] === 1)
                return colour;
        }
        return [255, 255, 255];
    };
    let texts = 0;
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
        const element = node.parentElement;
        if (!node.textContent.trim() || element.closest('script, style, noscript'))
            continue;
        const ink = luminance(channels(getComputedStyle(element).color));
        const paper = luminance(paperOf(element));
        const contrast = (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
        must(contrast >= 4.5, `contrast ${contrast.toFixed(2)}: ${node.textContent.trim()}`);
        texts++;
    }
    must(texts > 3, 'no text was looked at');
    return found;
}
