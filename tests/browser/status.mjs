// The status page and its neighbours as visitors and operators meet them: with and without JavaScript, light and
// dark, from left and from right. With --screenshots DIR it leaves pictures there.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runTests } from './tests.mjs';
import { afloat, openWorld } from './world.mjs';

const axe = readFileSync('build/browser/node_modules/axe-core/axe.min.js', 'utf8');
const option = process.argv.indexOf('--screenshots');
const pictures = option < 0 ? null : process.argv.splice(option, 2)[1];
const password = 'correct horse';
const hash = spawnSync(afloat, ['hash-password'], { input: `${password}\n`, encoding: 'utf8' }).stdout.trim();
const world = await openWorld(`
status:
  name: Example
  hosts: [status.localhost]
  site: http://shop.localhost/
  url: http://status.localhost
  support: help@example.org
  incidents: {calm: 1s}
  notify: {subscribe: true, mail: {server: "smtp://127.0.0.1:9", from: status@example.org}}
  operators: {people: {anna: {password: "${hash}"}}}
`, ['shop.localhost']);
const { fault } = world;
const port = new URL(world.url).port;
const shop = `http://shop.localhost:${port}`, status = `http://status.localhost:${port}`;

// What axe-core finds, in words.
async function findings(page) {
    await page.evaluate(axe);
    const { violations } = await page.evaluate(() => globalThis.axe.run());
    return violations.map((found) => `${found.id}: ${found.nodes.map((node) => node.html).join(' ')}`);
}

// What is wrong with a page, from the right for Arabic. axe-core waits for timers, which do not run without JavaScript.
async function faults(page, url, lang, javaScriptEnabled) {
    await page.goto(url + (url.includes('?') ? '&' : '?') + `lang=${lang}`);
    await page.evaluate((dir) => { document.documentElement.dir = dir; }, lang === 'ar' ? 'rtl' : 'ltr');
    const found = javaScriptEnabled ? await findings(page) : [];
    return found.concat(await page.evaluate(() => {
        const all = (what) => [...document.querySelectorAll(what)];
        const named = (field) => field.labels.length > 0 || field.getAttribute('aria-label');
        return [
            ...(document.documentElement.scrollWidth > window.innerWidth ? ['scrolls sideways'] : []),
            ...(all('main h1, header h1').length === 1 ? [] : ['not exactly one h1']),
            ...all('input:not([type=hidden]), select, textarea').filter((field) => !named(field))
                .map((field) => field.outerHTML),
            ...all('button, a').filter((element) => !element.textContent.trim() && !element.ariaLabel
                && !element.querySelector('[alt], [aria-label]')).map((element) => element.outerHTML),
        ];
    }));
}

async function picture(page, name) {
    if (pictures)
        await page.screenshot({ path: join(pictures, `${name}.png`), fullPage: true });
}

async function logIn(options = {}) {
    const page = await world.open(options);
    await page.goto(`${status}/operator`);
    await page.fill('[name=name]', 'anna');
    await page.fill('[name=password]', password);
    await page.click('button:has-text("Log in")');
    await page.waitForSelector('text=Open an incident');
    return page;
}

async function openIncident(page, title) {
    await page.goto(`${status}/operator`);
    await page.click('summary:has-text("Open an incident")');
    await page.fill('details[open] [name=title]', title);
    await page.fill('details[open] [name=text]', 'We are looking into it.');
    await page.selectOption('details[open] [name=component]', 'shop.localhost');
    await page.click('button:has-text("Open it")');
    await page.waitForSelector(`a:has-text("${title}")`);
}

async function resolve(page, title) {
    await page.goto(`${status}/operator`);
    await page.click(`a:has-text("${title}")`);
    await page.selectOption('[name=state]', 'resolved');
    await page.fill('[name=text]', 'It is over.');
    await page.click('button:has-text("Save") >> nth=0');
    await page.waitForSelector('text=It is over.');
}

const api = async (name) => (await fetch(`${world.url}/.afloat/api/v2/${name}.json`)).json();

async function until(condition, what) {
    for (const end = Date.now() + 30000; Date.now() < end;) {
        if (await condition())
            return;
        await new Promise((done) => setTimeout(done, 100));
    }
    throw new Error(`never: ${what}`);
}

const tests = {
    async an_incident_appears_without_reload() {
        const operator = await logIn();
        const page = await world.open();
        await page.goto(`${status}/`);
        await page.evaluate(() => { window.untouched = true; });
        await page.waitForLoadState('networkidle', { timeout: 3000 }).catch(() => {}); // a stream never is
        await openIncident(operator, 'Payments are slow');
        const begin = Date.now();
        await page.waitForSelector('text=Payments are slow');
        console.log(`# appeared ${Date.now() - begin} ms after the operator was answered`);
        assert.equal(await page.evaluate(() => window.untouched), true);
        await resolve(operator, 'Payments are slow');
        assert.deepEqual(page.complaints, []);
        assert.deepEqual(operator.complaints, []);
    },

    async an_outage_opens_and_ends_an_incident_before_everybodys_eyes() {
        const page = await world.open();
        await page.goto(`${status}/`);
        await fault('dead');
        const visitor = await world.open();
        for (let visit = 0; visit < 5; visit++)
            await visitor.goto(`${shop}/cold/${visit}`);
        await until(async () => (await api('incidents/unresolved')).incidents.length > 0, 'an incident');
        const [incident] = (await api('incidents/unresolved')).incidents;
        await page.waitForSelector(`a[href*="${incident.id}"]`);
        await picture(page, 'status-outage');
        await fault('ok');
        await visitor.goto(`${shop}/warm`);
        await until(async () => (await api('incidents/unresolved')).incidents.length === 0, 'the end');
    },

    async everybody_can_read_it() {
        const operator = await logIn();
        await openIncident(operator, 'Search is down');
        const { incidents: [incident] } = await api('incidents/unresolved');
        const paths = ['', 'history', `incident/${incident.id}`, 'component/shop.localhost', 'subscribe'];
        for (const lang of ['en', 'de', 'fr', 'es', 'zh', 'ar']) {
            for (const colorScheme of lang === 'en' || lang === 'ar' ? ['light', 'dark'] : ['light']) {
                for (const width of [320, 1280]) {
                    const page = await world.open({ colorScheme, viewport: { width, height: 900 } });
                    for (const path of paths) {
                        const response = await page.goto(`${status}/${path}?lang=${lang}`);
                        const where = `${path} ${lang} ${colorScheme} ${width}`;
                        assert.equal(response.status(), 200, where);
                        assert.deepEqual(await findings(page), [], where);
                        assert.equal(await page.getAttribute('html', 'dir') || 'ltr',
                            lang === 'ar' ? 'rtl' : 'ltr', where);
                        assert.ok(await page.evaluate(() =>
                            document.documentElement.scrollWidth <= window.innerWidth), `${where} scrolls sideways`);
                        if (path === '' && width === 1280)
                            await picture(page, `status-${lang}-${colorScheme}`);
                    }
                    assert.deepEqual(page.complaints, []);
                    await page.context().close();
                }
            }
        }
        await resolve(operator, 'Search is down');
    },

    async it_is_all_there_without_javascript() {
        const page = await world.open({ javaScriptEnabled: false });
        await page.goto(`${status}/`);
        const text = await page.textContent('main');
        assert.match(text, /shop\.localhost/);
        assert.equal(await page.locator('noscript meta[http-equiv=refresh]').count(), 1);
        await page.goto(`${status}/component/shop.localhost`);
        assert.ok(await page.locator('svg').count() > 0);
    },

    async who_is_affected_says_so_without_javascript() {
        await fault('dead');
        const page = await world.open({ javaScriptEnabled: false });
        await page.goto(`${shop}/never/seen`);
        await page.click('form[action$="report"] button');
        await page.waitForURL(/report\?/);
        assert.match(await page.textContent('main'), /[Tt]hank/);
        await fault('ok');
    },

    async operators_work_by_keyboard_and_screen_reader() {
        for (const colorScheme of ['light', 'dark']) {
            for (const width of [320, 1280]) {
                const page = await logIn({ colorScheme, viewport: { width, height: 900 } });
                for (const path of ['operator', 'operator/audit']) {
                    await page.goto(`${status}/${path}`);
                    for (const summary of await page.locator('summary').all())
                        await summary.press('Enter');
                    assert.deepEqual(await findings(page), [], `${path} ${colorScheme} ${width}`);
                }
                await page.goto(`${status}/operator`);
                if (width === 1280)
                    await picture(page, `operator-${colorScheme}`);
                await page.click('button:has-text("Log out")');
                await page.waitForSelector('text=Log in');
                assert.deepEqual(await findings(page), []);
                assert.deepEqual(page.complaints, []);
            }
        }
    },

    async everything_is_done_without_javascript() {
        const page = await logIn({ javaScriptEnabled: false });
        await openIncident(page, 'Nothing scripted');
        const visitor = await world.open({ javaScriptEnabled: false });
        await visitor.goto(`${status}/`);
        await visitor.click('a:has-text("Nothing scripted")');
        assert.match(await visitor.textContent('main'), /We are looking into it\./);
        await resolve(page, 'Nothing scripted');
        await visitor.reload();
        assert.match(await visitor.textContent('main'), /It is over\./);
        await page.goto(`${status}/operator/audit`);
        assert.match(await page.textContent('main'), /opens incident/);
        await page.click('button:has-text("Log out")');
        await page.waitForSelector('text=Log in');
        await page.goto(`${status}/operator/audit`);
        assert.doesNotMatch(await page.textContent('main'), /opens incident/);
        await visitor.goto(`${status}/subscribe`);
        await visitor.fill('[name=email]', 'who@example.org');
        await visitor.click('button:has-text("Ask for mails")');
        await visitor.waitForSelector('text=A mail with a link is on its way to you');
        assert.equal(await visitor.locator('[name=email]').count(), 0);
    },

    async who_has_read_the_status_page_reports_without_javascript() {
        const page = await world.open({ javaScriptEnabled: false });
        await page.goto(`${status}/component/shop.localhost`);
        await page.waitForTimeout(3100); // who is quicker has read nothing
        await page.click('form[action$="report"] button');
        await page.waitForURL(/report\?outcome=(counted|repeated)/);
        assert.match(await page.textContent('main'), /[Tt]hank/);
    },

    // The edge's own pages and the operator's are English only; but whoever has them translated into a language
    // that is written from the right can read them, too.
    async every_page_in_every_light_direction_and_without_javascript() {
        const operator = await logIn();
        const storageState = await operator.context().storageState(); // who logs in so often is slowed down
        await openIncident(operator, 'Seen from all sides');
        const { incidents: [incident] } = await api('incidents/unresolved');
        await world.command('incident', 'update', incident.id, '--eta', '30m'); // no page loads itself again before
        await fault('dead');
        const check = `${shop}/.afloat/check`;
        const urls = [`${shop}/never/seen`, `${shop}/.afloat/status`, check, `${check}?url=http%3A%2F%2F127.0.0.1%2F`,
            `${status}/`, `${status}/nothing`, `${status}/subscribe`, `${status}/report?outcome=counted`,
            `${status}/operator`, `${status}/operator/incident/${incident.id}`, `${status}/operator/audit`];
        for (const colorScheme of ['light', 'dark']) {
            for (const javaScriptEnabled of [true, false]) {
                const page = await world.open({ colorScheme, javaScriptEnabled, storageState,
                    viewport: { width: 320, height: 900 } });
                for (const url of urls) {
                    for (const lang of ['en', 'ar'])
                        assert.deepEqual(await faults(page, url, lang, javaScriptEnabled), [],
                            `${url} ${lang} ${colorScheme} ${javaScriptEnabled}`);
                }
                assert.deepEqual(page.complaints.filter((text) => !/status of 40/.test(text)), []);
                await page.context().close();
            }
        }
        await fault('ok');
        await resolve(operator, 'Seen from all sides');
    },

    async what_was_wrong_in_a_form_is_said_to_everybody() {
        for (const colorScheme of ['light', 'dark']) {
            const page = await world.open({ colorScheme });
            await page.goto(`${status}/operator`);
            await page.fill('[name=name]', 'anna');
            await page.fill('[name=password]', 'wrong');
            await page.click('button:has-text("Log in")');
            await page.waitForSelector('[role=alert]');
            assert.deepEqual(await findings(page), []);
            await page.goto(`${status}/subscribe`);
            await page.evaluate(() => { document.querySelector('[name=email]').form.noValidate = true; });
            await page.fill('[name=email]', 'nobody');
            await page.click('button:has-text("Ask for mails")');
            await page.waitForLoadState();
            assert.deepEqual(await findings(page), []);
        }
    },

    async the_edges_other_pages_are_found_faultless_too() {
        await fault('dead');
        for (const colorScheme of ['light', 'dark']) {
            const page = await world.open({ colorScheme });
            for (const path of ['/never/seen', '/.afloat/check', '/.afloat/nothing']) {
                await page.goto(shop + path);
                assert.deepEqual(await findings(page), [], path);
            }
            await page.goto(`${shop}/never/seen`);
            await picture(page, `honest-${colorScheme}`);
        }
        await fault('ok');
    },
};

await runTests(world, tests, process.argv[2]);
