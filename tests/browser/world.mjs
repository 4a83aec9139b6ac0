// A backend to break, an edge in front of it, and a browser: started for the tests, stopped by pid.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const require = createRequire(resolve('build/browser/package.json'));
const { chromium } = require('playwright-core');

export const afloat = process.env.AFLOAT || 'build/afloat';
const backend = process.env.DEMO_BACKEND || 'build/release/demo.backend';
const PATIENCE_MS = 20000; // only a hang meets it

// Resolves with the first line of a program's output that matches.
function start(children, program, args, pattern) {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    children.push(child);
    return new Promise((done, failed) => {
        let output = '';
        child.stdout.on('data', (bytes) => {
            output += bytes;
            const match = output.match(pattern);
            if (match)
                done(match);
        });
        child.on('error', failed);
        child.on('exit', () => failed(new Error(`${program} ended: ${output}`)));
    });
}

function call(program, args) {
    return new Promise((done, failed) => {
        const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'inherit'] });
        child.on('exit', (status) => (status === 0 ? done() : failed(new Error(`${program} ${args}: ${status}`))));
    });
}

// settings: further lines of the edge's file; hosts: the site's names, every one without them.
export async function openWorld(settings = '', hosts = []) {
    const children = [];
    process.on('exit', () => children.forEach((child) => child.kill())); // also when it fails half-way
    const directory = mkdtempSync(join(tmpdir(), 'afloat-browser-'));
    const [, port, control] = await start(children, backend, ['one'], /one (\d+) (\d+)\n/);
    const config = join(directory, 'afloat.yaml');
    const state = join(directory, 'state');
    writeFileSync(config, `
listen: 127.0.0.1:0
state: ${state}
origins: {main: {backends: ["http://127.0.0.1:${port}"]}}
sites: [{origin: main, hosts: [${hosts}], page: {retry_after: 1s, support: help@example.org}, lifelines: {hold: {enabled: false}}}]
vantage: {enabled: true, control: "", check_any: true, per_client: {burst: 100}}
${settings}`);
    const [, url] = await start(children, afloat, ['run', '--config', config], /listening on (\S+)\n/);
    const browser = await chromium.launch({
        executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
        args: ['--no-sandbox'], // what it opens is ours, and in a container there is none
    });
    return {
        url,
        browser,
        fault: (mode) => fetch(`http://127.0.0.1:${control}/fault?mode=${mode}`, { method: 'POST' }),
        command: (...args) => call(afloat, [...args, '--state', state]),
        // A page of its own; what its console complained about is in page.complaints.
        async open(options = {}) {
            const context = await browser.newContext({ locale: 'en-GB', ...options });
            context.setDefaultTimeout(PATIENCE_MS);
            const page = await context.newPage();
            page.complaints = [];
            page.on('console', (message) => {
                // The browser reports each 503 it gets, which is what we asked for, and the icon that the
                // demo's site does not have.
                const expected = /status of 50\d/.test(message.text()) ||
                    message.location().url.endsWith('/favicon.ico');
                if (message.type() === 'error' && !expected)
                    page.complaints.push(message.text());
            });
            page.on('pageerror', (error) => page.complaints.push(String(error)));
            return page;
        },
        async close() {
            await browser.close();
            for (const child of children.reverse()) {
                child.removeAllListeners('exit');
                const ended = new Promise((done) => child.once('exit', done));
                if (child.kill()) // false: it is gone already
                    await ended;
            }
            rmSync(directory, { recursive: true });
        },
    };
}
