// Runs tests one after another and says in TAP what came of each.
export async function runTests(world, tests, wanted = '') {
    let passed = 0, failed = 0, number = 0;
    try {
        for (const [name, run] of Object.entries(tests).filter(([name]) => name.includes(wanted))) {
            number++;
            try {
                await run();
                passed++;
                console.log(`ok ${number} - ${name}`);
            } catch (error) {
                failed++;
                console.log(`not ok ${number} - ${name}`);
                console.log(String(error.stack || error).replace(/^/gm, '# '));
            }
            for (const context of world.browser.contexts())
                await context.close();
        }
    } finally {
        await world.close();
    }
    console.log(`${passed} passed, ${failed} failed`);
    process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
}
