// The honest page and its sisters as a visitor meets them.
import assert from 'node:assert/strict';
import { offences } from './accessibility.mjs';
import { runTests } from './tests.mjs';
import { openWorld } from './world.mjs';

const world = await openWorld();
const { url, fault } = world;
let cold = 0;
const coldPath = () => `${url}/page/${++cold}`; // a page that nobody has seen

const luminanceOfPaper = (page) => page.evaluate(() =>
    getComputedStyle(document.body).backgroundColor.match(/\d+/g).map(Number).reduce((a, b) => a + b));

const tests = {
    async outage_gets_a_page_that_blames_the_right_one() {
        await fault('dead');
        const page = await world.open();
        const response = await page.goto(coldPath());
        assert.equal(response.status(), 503);
        assert.match(response.headers()['retry-after'], /^[1-9]/);
        assert.equal(await page.textContent('h1'), '127.0.0.1 is not answering right now');
        const text = await page.textContent('main');
        assert.match(text, /Your connection is fine/);
        assert.match(text, /The site's server not answering/);
        assert.ok(text.includes(response.headers()['afloat-request']));
        assert.ok((await response.body()).length < 8192);
        assert.deepEqual(page.complaints, []); // the policy blocks nothing that the page needs
    },

    async page_comes_by_itself_once_the_backend_is_back() {
        await fault('dead');
        const page = await world.open();
        await page.goto(coldPath());
        await page.evaluate(() => { window.untouched = true; });
        await page.waitForFunction(() => document.getElementById('s').textContent.startsWith('Still no answer'));
        // It asked without taking the page away from its reader.
        assert.equal(await page.evaluate(() => window.untouched), true);
        await fault('ok');
        await page.waitForSelector('text=Made by backend one');
        assert.deepEqual(page.complaints, []);
    },

    async page_comes_by_itself_without_javascript() {
        await fault('dead');
        const page = await world.open({ javaScriptEnabled: false });
        const response = await page.goto(coldPath());
        assert.equal(response.status(), 503);
        await fault('ok');
        await page.waitForSelector('text=Made by backend one');
    },

    async facts_stay_current_while_it_waits() {
        await fault('dead');
        const page = await world.open();
        await page.goto(coldPath());
        const id = () => page.textContent('dl dd:last-of-type');
        const before = await id();
        await page.waitForFunction((old) =>
            document.querySelector('dl dd:last-of-type').textContent !== old, before);
        assert.match(await id(), /^[0-9a-f]{16}$/);
    },

    async another_kind_of_failure_replaces_the_page() {
        await fault('dead');
        const page = await world.open();
        await page.goto(coldPath());
        await world.command('maintenance', 'on', '--message', 'a new disk <b>');
        try {
            await page.waitForSelector('h1:has-text("is in maintenance")');
            assert.equal(await page.textContent('blockquote'), 'a new disk <b>');
        } finally {
            await world.command('maintenance', 'off');
        }
    },

    async times_are_the_visitors_own() {
        await fault('dead');
        const page = await world.open({ timezoneId: 'Asia/Tokyo' });
        await page.goto(coldPath());
        const [shown, own] = await page.evaluate(() => {
            const time = document.querySelector('time');
            return [time.textContent, new Date(time.dateTime).toLocaleTimeString([], { timeStyle: 'short' })];
        });
        assert.equal(shown, own);
    },

    async what_was_sent_is_not_sent_again() {
        await fault('dead');
        const page = await world.open();
        await page.goto(`${url}/.afloat/status`);
        await page.evaluate(() => {
            const form = document.createElement('form');
            form.method = 'post';
            form.action = '/order';
            document.body.append(form);
            form.submit();
        });
        await page.waitForSelector('text=It is not certain whether what you sent was received');
        assert.equal(await page.getAttribute('body', 'data-wait'), '0');
        assert.equal(await page.locator('text=Try again now').count(), 0);
    },

    async everybody_can_read_it_in_light_and_dark_on_any_screen() {
        await fault('dead');
        const paper = {};
        for (const colorScheme of ['light', 'dark']) {
            for (const width of [320, 1280]) {
                const page = await world.open({ colorScheme, viewport: { width, height: 800 } });
                for (const path of [coldPath(), `${url}/.afloat/status`, `${url}/.afloat/nothing`,
                    `${url}/.afloat/check`, `${url}/.afloat/check?url=http%3A%2F%2F127.0.0.1%2F`]) {
                    await page.goto(path);
                    assert.deepEqual(await page.evaluate(offences), [], `${colorScheme} ${width} ${path}`);
                }
                paper[colorScheme] = await luminanceOfPaper(page);
            }
        }
        assert.ok(paper.light > 600 && paper.dark < 150, JSON.stringify(paper));
    },

    async what_happens_is_told_to_a_screen_reader() {
        await fault('dead');
        const page = await world.open();
        await page.goto(coldPath());
        assert.match(await page.getByRole('status').textContent(), /tries again by itself/);
        assert.equal(await page.getByRole('list', { name: 'Where it fails' }).count(), 1);
        await page.keyboard.press('Tab');
        const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineWidth);
        assert.equal(outline, '3px'); // where the keyboard is can be seen
    },

    async nothing_moves_for_who_asked_for_that() {
        await fault('dead');
        const animation = () => getComputedStyle(document.getElementById('boat')).animationName;
        for (const [reducedMotion, name] of [['reduce', 'none'], ['no-preference', 'sway']]) {
            const page = await world.open({ reducedMotion });
            await page.goto(coldPath());
            assert.equal(await page.evaluate(animation), name);
        }
    },

    async cached_files_are_cleared_by_one_button() {
        await fault('dead');
        const page = await world.open();
        await page.goto(coldPath());
        const answer = page.waitForResponse((response) => response.url().endsWith('/clear-cache'));
        await page.getByRole('button', { name: /Clear this site's cached files/ }).click();
        assert.equal(await (await answer).headerValue('clear-site-data'), '"cache"');
        await page.waitForSelector('h1:has-text("Cached files cleared")');
        assert.deepEqual(await page.evaluate(offences), []);
        assert.deepEqual(page.complaints, []);
    },

    async another_site_cannot_press_that_button() {
        await fault('ok');
        const page = await world.open();
        // To the browser, localhost and 127.0.0.1 are two sites.
        await page.goto(`${url.replace('127.0.0.1', 'localhost')}/`);
        await page.setContent(`<form method="post" action="${url}/.afloat/clear-cache"></form>`);
        const answer = page.waitForResponse((response) => response.url().endsWith('/clear-cache'));
        await page.evaluate(() => document.forms[0].submit());
        assert.equal((await answer).status(), 403);
        assert.equal(await (await answer).headerValue('clear-site-data'), null);
    },

    async status_page_tells_the_state_of_the_site() {
        await fault('ok');
        const page = await world.open();
        await page.goto(coldPath());
        await page.goto(`${url}/.afloat/status`);
        await page.waitForSelector('h1:has-text("127.0.0.1 is working")');
        assert.equal((await page.textContent('main')).includes(':' + new URL(url).port), false);
        assert.deepEqual(page.complaints, []);
    },

    async programs_get_json_or_text() {
        await fault('dead');
        const page = await world.open();
        await page.goto(`${url}/.afloat/status`);
        const get = (accept) => page.evaluate(async ([path, headers]) => {
            const response = await fetch(path, { headers });
            return [response.headers.get('content-type'), await response.text()];
        }, [coldPath(), accept ? { Accept: accept } : {}]);
        const [type, text] = await get('application/json');
        assert.equal(type, 'application/problem+json');
        assert.equal(JSON.parse(text).status, 503);
        assert.equal(JSON.parse(text).site, '127.0.0.1');
        const [plainType, plainText] = await get('');
        assert.equal(plainType, 'text/plain; charset=utf-8');
        assert.match(plainText, /^127\.0\.0\.1 is not answering right now\.\n/);
    },
};

await runTests(world, tests, process.argv[2]);
