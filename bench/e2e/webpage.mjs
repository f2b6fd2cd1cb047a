// The page of the admin listener in a real browser: node webpage.mjs PROGRAM CONFIG CONFIG_WITH_TOKEN SERVER CONFIG_OF_SEVERAL CONFIG_OF_ANOTHER
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import http from "node:http";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const [program, config, guarded, server, several, another] = process.argv.slice(2);
const patience = 30000;
const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

const until = async (what, condition) => {
  for (const end = Date.now() + patience; Date.now() < end; ) {
    const found = await condition().catch(() => false);
    if (found) return found;
    await new Promise((r) => setTimeout(r, 20));
  }
  assert.fail("in vain: " + what);
};

// gateway is a running one; its configuration says where.
async function gateway(file) {
  const text = await readFile(file, "utf8");
  const [listen, admin] = [...text.matchAll(/address: "([^"]+)"/g)].map((m) => "http://" + m[1]);
  const child = spawn(program, ["serve", "--config", file], { stdio: ["ignore", "ignore", "pipe"], env: { PATH: process.env.PATH } });
  child.stderr.resume();
  const ended = new Promise((r) => child.on("exit", r));
  await until("the gateway is ready", async () => (await fetch(admin + "/readyz?upstreams=1")).ok);
  return { listen, admin, kill: () => (child.kill("SIGKILL"), ended) };
}

const get = async (g, path) => (await fetch(g.admin + "/api/v1/" + path)).json();
const endpoints = async (g) => (await get(g, "upstreams")).upstreams[0].endpoints;
const chat = (g) => fetch(g.listen + "/v1/chat/completions", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ model: "m", max_tokens: 4, messages: [{ role: "user", content: "Hello" }] }) }).then((r) => r.text());

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM || "/usr/bin/chromium", args: ["--headless=new", "--no-sandbox", "--disable-dev-shm-usage"] });
const strangers = [], violations = [], errors = [];

// open shows a page, and notes whatever it does that it may not.
async function open(url, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(patience);
  await page.exposeFunction("tellViolation", (v) => violations.push(v));
  await page.addInitScript(() => addEventListener("securitypolicyviolation", (e) => window.tellViolation(e.violatedDirective + " " + e.blockedURI + " " + e.sample)));
  page.on("request", (r) => new URL(r.url()).origin !== new URL(url).origin && strangers.push(r.url()));
  page.on("pageerror", (e) => errors.push(e.message));
  page.on("dialog", (d) => errors.push("a script was run: " + d.message()));
  await page.goto(url);
  return page;
}
const row = (page, name) => page.locator(`tr[data-endpoint=${JSON.stringify(name)}]`);
const shown = (page) => page.waitForSelector("tr[data-endpoint]");
const says = (page, name, word) => row(page, name).filter({ hasText: word }).waitFor();
const updates = async (page, n) => { // waits for snapshots
  const heard = () => page.locator(".heard").textContent();
  for (let last = await heard(); n > 0; n--) { await until("another snapshot", async () => (await heard()) !== last); last = await heard(); }
};

let g = await gateway(config), page = await open(g.admin + "/");
await shown(page);

// drains on the page: with the mouse, or with the keyboard alone.
async function drain(page, name, verb, reason) {
  await row(page, name).getByRole("button", { name: verb }).click();
  const box = page.getByRole("dialog");
  await box.getByLabel("Reason").fill(reason);
  await box.getByRole("button", { name: verb, exact: true }).click();
  await box.waitFor({ state: "detached" });
}

// looks holds a gateway's page against axe, light and dark, at a desk and on a phone.
async function looks(g) {
  for (const colorScheme of ["light", "dark"])
    for (const viewport of [{ width: 1280, height: 900 }, { width: 390, height: 844 }]) {
      const p = await open(g.admin + "/", { colorScheme, viewport });
      await shown(p);
      await p.evaluate(axe);
      const found = await p.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
      const bad = found.violations.filter((v) => v.impact === "serious" || v.impact === "critical");
      assert.deepEqual(bad.map((v) => `${v.id}: ${v.nodes.map((n) => n.html.slice(0, 200) + " " + n.failureSummary).join(" | ")}`), [], `${colorScheme} ${viewport.width}`);
      assert.ok(await p.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `no scrolling sideways at ${viewport.width}`);
      console.log(`   ${colorScheme}, ${viewport.width} px: ${found.violations.length} lesser findings`);
      await p.context().close();
    }
}

const steps = {
  async "it shows what the API says"() {
    await Promise.all([...Array(20)].map(() => chat(g)));
    const all = await endpoints(g);
    assert.equal(await page.locator("tr[data-endpoint]").count(), all.length);
    for (const e of all) {
      const r = row(page, e.name), cell = (label) => r.locator(`td[data-label="${label}"]`).innerText();
      assert.match(await r.locator("th").innerText(), new RegExp(e.url.slice(7)));
      assert.ok((await r.locator("th").innerText()).includes(e.name), e.name);
      assert.match(await cell("state"), /^up/);
      assert.match(await cell("capacity"), new RegExp("^" + e.capacity + "\\b"));
      assert.ok((await cell("share")).includes("of " + (100 * e.share).toFixed(1) + " %"), await cell("share"));
      await until("requests in flight", async () => (await cell("in flight")) === `${e.in_flight}\nof ${e.slots} slots`);
      assert.match(await cell("last probe"), /^passed\n[\d.]+ ms, (now|\d+ s ago)$/);
    }
    assert.match(await page.locator("h1").innerText(), /All is well/);
    assert.equal(await page.locator(".loop li").count(), 6);
    assert.equal(await page.locator(".plot canvas").count(), 4);
    await page.getByText("Configuration in force").click();
    await page.getByRole("region", { name: "The configuration" }).filter({ hasText: "upstreams:" }).waitFor();
    await page.getByText("Configuration in force").click();
    const told = (await get(g, "events")).events.length;
    await until("events", async () => (await page.locator(".events li").count()) === Math.min(told, 40));
  },
  async "draining with the mouse"() {
    await drain(page, "small", "Drain", "a <b>new</b> driver");
    await says(page, "small", "drained");
    await says(page, "small", "a <b>new</b> driver");
    const e = (await endpoints(g)).find((e) => e.name === "small");
    assert.equal(e.conditions[0].name, "draining");
    assert.equal(e.conditions[0].reason, "a <b>new</b> driver");
  },
  async "undraining with the keyboard"() {
    for (let i = 0; i < 60 && (await page.evaluate(() => document.activeElement.getAttribute("aria-label"))) !== "Undrain small"; i++) await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await page.getByRole("dialog").waitFor();
    await page.keyboard.type("done");
    await page.keyboard.press("Enter");
    await says(page, "small", "up");
    assert.deepEqual((await endpoints(g)).find((e) => e.name === "small").conditions, []);
    await page.keyboard.press("Enter"); // focus is back where it was
    await page.getByRole("dialog").waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
  },
  async "focus and selection survive updates, and nothing jumps"() {
    await updates(page, 1);
    await page.evaluate(() => {
      window.jumps = 0;
      window.jumped = [];
      new PerformanceObserver((list) => list.getEntries().filter((e) => !e.hadRecentInput).forEach((e) => {
        window.jumps += e.value;
        for (const s of e.sources) window.jumped.push((s.node?.outerHTML ?? s.node?.textContent ?? "?").slice(0, 120) + " from " + s.previousRect.y + " to " + s.currentRect.y);
      })).observe({ type: "layout-shift" });
      const name = document.querySelector("tr[data-endpoint=small] th bdi"), button = document.querySelector("tr[data-endpoint=small] button");
      button.focus();
      getSelection().selectAllChildren(name);
    });
    await updates(page, 3);
    assert.equal(await page.evaluate(() => getSelection().toString()), "small");
    assert.equal(await page.evaluate(() => document.activeElement.getAttribute("aria-label")), "Drain small");
    assert.ok((await page.evaluate(() => window.jumps)) < 0.01, "layout shift of " + (await page.evaluate(() => [window.jumps, ...window.jumped].join("\n"))));
  },
  async "an outage, and its end"() {
    await fetch(server + "/fault?kind=fail-health", { method: "POST" });
    await until("the gateway sees it", async () => !(await endpoints(g)).find((e) => e.name === "medium").eligible);
    const seen = performance.now();
    await says(page, "medium", "down");
    console.log(`   shown ${Math.round(performance.now() - seen)} ms after the API said so`);
    await page.locator("h1").filter({ hasText: "medium does not pass its probes" }).waitFor();
    assert.match(await page.locator("#live").textContent(), /medium does not pass its probes/);
    assert.match(await page.locator("#station-recover").innerText(), /works around 1 endpoint/);
    assert.match(await page.locator(".events").innerText(), /does not pass its probes/);
    await fetch(server + "/fault?kind=none", { method: "POST" });
    await row(page, "medium").filter({ hasNotText: "down" }).waitFor(); // a few requests try it, before it is up
    await page.locator("h1").filter({ hasText: "All is well" }).waitFor();
  },
  async "an hour of updates leaks nothing"() {
    const cdp = await page.context().newCDPSession(page);
    const measure = async () => {
      await cdp.send("HeapProfiler.collectGarbage");
      return { heap: (await cdp.send("Runtime.getHeapUsage")).usedSize, nodes: (await cdp.send("Memory.getDOMCounters")).nodes };
    };
    const run = (n) => page.evaluate(async (n) => {
      const { show } = await import(document.querySelector('script[type="module"]').src);
      const shot = await (await fetch("api/v1/snapshot")).json();
      for (let i = 0; i < n; i++) {
        const next = structuredClone(shot);
        next.at = new Date(Date.now()).toISOString();
        next.totals.requests_rate = i;
        next.verdict = i % 3 ? next.verdict : { level: "watch", since: next.at, more: 0, reasons: [{ level: "watch", text: "update " + i, since: next.at }] };
        next.events = [...Array(40)].map((_, k) => ({ id: i * 10 + k, at: next.at, kind: "ejected", severity: "warning", message: "m" + i, upstream: "chat", endpoint: "e" + k }));
        for (const u of next.upstreams) for (const e of u.endpoints) { e.in_flight = i % 8; if (i % 5 === 0) e.conditions = [{ name: "draining", reason: "r" + i, since: next.at }]; }
        show(next);
        if (i % 50 === 0) await new Promise(requestAnimationFrame);
      }
    }, n);
    await run(300);
    const before = await measure();
    await run(3600);
    let after;
    const flat = () => after.heap < before.heap * 1.1 + 512 * 1024 && after.nodes < before.nodes * 1.1 + 200;
    await until("the heap is flat", async () => ((after = await measure()), flat())); // nodes are given back some time after they are let go
    console.log(`   heap ${before.heap >> 10} KiB, after 3,600 more updates ${after.heap >> 10} KiB; ${before.nodes} and ${after.nodes} nodes`);
  },
  async "axe finds no serious fault"() { await looks(g); },
  async "several gateways, and what machines say"() {
    const one = await gateway(several), p = await open(one.admin + "/");
    await shown(p);
    assert.match(await p.locator("#gateways h2").innerText(), /alone/);
    const two = await gateway(another);
    await p.locator("#gateways h2").filter({ hasText: "2 gateways together" }).waitFor();
    const line = (name) => p.locator("#gateways tbody tr").filter({ hasText: name });
    assert.match(await line("gw-1").innerText(), /this one/);
    assert.match(await line("gw-2").innerText(), /\d s ago/);
    await p.locator("#gateways tbody").filter({ hasText: "alerts, scale" }).waitFor(); // one of them leads
    const cell = p.locator('tr[data-endpoint="small"] td[data-label="machine"]');
    await cell.filter({ hasText: "CPU 75 %" }).waitFor();
    for (const text of [/memory 60 %/, /GPU 97 %/, /KV 33 %/, /\d s ago/]) assert.match(await cell.innerText(), text);
    await Promise.all([one, one, two].map((g) => chat(g)));
    await p.locator("#usage h2").filter({ hasText: "of 2 gateways together" }).waitFor();
    await until("the requests of both", async () => (await get(one, "usage?by=model")).rows[0].requests === 3);
    assert.equal((await get(one, "usage?by=model&alone=true")).rows[0].requests, 2);
    await until("those of both at the other", async () => (await get(two, "usage?by=user")).rows[0].requests === 3);
    await looks(one);
    await p.context().close();
    await two.kill();
    await one.kill();
  },
  async "under a path prefix"() {
    const proxy = http.createServer((q, a) => {
      if (!q.url.startsWith("/ops/lb/")) return a.writeHead(404).end();
      const to = http.request(g.admin + q.url.slice(7), { method: q.method, headers: q.headers }, (r) => { a.writeHead(r.statusCode, r.headers); r.pipe(a); });
      to.on("error", () => a.destroy());
      a.on("close", () => to.destroy());
      q.pipe(to);
    });
    await new Promise((r) => proxy.listen(0, "127.0.0.1", r));
    const p = await open(`http://127.0.0.1:${proxy.address().port}/ops/lb/`);
    await shown(p);
    await updates(p, 1);
    await drain(p, "small", "Drain", "through the proxy");
    await says(p, "small", "through the proxy");
    await drain(p, "small", "Undrain", "");
    await says(p, "small", "up");
    await p.context().close();
    proxy.closeAllConnections();
    proxy.close();
  },
  async "a restart heals by itself"() {
    await g.kill();
    await page.locator(".heard").filter({ hasText: "Not heard for" }).waitFor();
    assert.ok(await page.evaluate(() => document.body.classList.contains("stale")));
    g = await gateway(config);
    await page.locator(".heard").filter({ hasText: "live" }).waitFor();
    await drain(page, "small", "Drain", "after the restart");
    await says(page, "small", "after the restart");
  },
  async "with a token"() {
    const safe = await gateway(guarded), p = await open(safe.admin + "/");
    await p.getByLabel("Token").fill("wrong");
    await p.getByRole("button", { name: "Log in" }).click();
    await p.getByRole("alert").filter({ hasText: "the token is wrong" }).waitFor();
    await p.evaluate(axe);
    assert.deepEqual((await p.evaluate(() => window.axe.run())).violations.filter((v) => v.impact === "serious" || v.impact === "critical").map((v) => v.id), []);
    await p.getByLabel("Token").fill("a-token-that-nobody-guesses");
    await p.keyboard.press("Enter");
    await shown(p);
    await drain(p, "small", "Drain", "logged in");
    await says(p, "small", "logged in");
    const [cookie] = await p.context().cookies();
    assert.ok(cookie.httpOnly && cookie.sameSite === "Strict");
    assert.equal((await fetch(safe.admin + "/api/v1/snapshot")).status, 401);
    await p.reload();
    await shown(p);
    await p.getByRole("button", { name: "Log out" }).click();
    await p.getByLabel("Token").waitFor();
    await p.context().close();
    await safe.kill();
  },
  async "a page of another site"() {
    const evil = http.createServer((q, a) => a.writeHead(200, { "Content-Type": "text/html" }).end("<p>evil"));
    await new Promise((r) => evil.listen(0, "127.0.0.1", r));
    const context = await browser.newContext(), p = await context.newPage();
    await p.goto(`http://127.0.0.1:${evil.address().port}/`);
    const answers = await p.evaluate(async (admin) => {
      const tried = [];
      for (const [method, mode] of [["GET", "cors"], ["GET", "no-cors"], ["POST", "cors"], ["POST", "no-cors"]]) {
        const path = method === "GET" ? "/api/v1/snapshot" : "/api/v1/upstreams/chat/endpoints/large/drain";
        tried.push(await fetch(admin + path, { method, mode, credentials: "include" }).then((r) => r.text().then((t) => r.status + t), () => "refused"));
      }
      return tried;
    }, g.admin);
    assert.deepEqual(answers, ["refused", "refused", "refused", "refused"], "nothing can be read, and nothing is opaque");
    for (const e of await endpoints(g)) assert.equal(e.conditions.length, e.name === "small" ? 1 : 0);
    await context.close();
    evil.closeAllConnections();
    evil.close();
  },
};

let failed = 0;
for (const [name, step] of Object.entries(steps)) {
  const began = performance.now();
  try {
    await step();
    console.log(`ok ${name}, ${((performance.now() - began) / 1e3).toFixed(1)} s`);
  } catch (e) {
    failed++;
    console.log(`FAILED ${name}: ${e.stack}`);
  }
}
await g.kill();
await browser.close();
assert.deepEqual(strangers, [], "requests to other origins");
assert.deepEqual(violations, [], "violations of the policy");
assert.deepEqual([...new Set(errors)], [], "errors of scripts");
process.exit(failed ? 1 : 0);
