// The page: what was heard last, drawn once for each snapshot.

import { render } from './npm/lit-html/lit-html.js';
import { html, stage } from './parts.js';
import { ask, session, watch } from './net.js';
import { verdict, loop } from './verdict.js';
import { fleet, rows } from './fleet.js';
import { Charts } from './charts.js';
import * as side from './side.js';
import * as dialogs from './dialogs.js';

const old = 3; // seconds, after which what is shown is not how things are
let root;
const live = document.getElementById('live');
const state = { shot: null, heard: 0, offset: 0, login: 'off', config: {}, told: null };
const charts = new Charts(() => draw());

// now is the gateway's time: the clock of this machine may be another.
const now = () => Date.now() + state.offset;
const stale = () => performance.now() - state.heard > old * 1e3;

function draw() {
  const shot = state.shot;
  if (!shot) return;
  const t = now(), off = stale();
  document.body.classList.toggle('stale', off);
  document.title = (off ? '(old) ' : { well: '', watch: '(!) ', trouble: '(!!) ' }[shot.verdict.level] || '') + 'steelyard';
  render(html`<a class="skip" href="#fleet">Skip to the fleet</a>${verdict(shot, t, off, state.login, leave)}<main>${loop(shot, t)}${fleet(shot)}
    <div class="columns"><div>${charts.view(shot, again)}${side.gateways(shot)}${side.usage(shot)}</div><div>${side.alerts(shot, t, dialogs.silence, dialogs.unsilence)}${side.findings(shot, t)}${side.advice(shot, t, dialogs.apply)}${side.forecast(shot, t)}${side.events(shot)}</div></div>${side.config(state.config, toggle)}</main>
    <footer>steelyard ${shot.gateway.version}, process ${shot.gateway.pid}</footer>`, root);
  rows(shot, t, dialogs.drain);
  side.happened(shot);
}

// show draws a snapshot. It is exported so that a test can show many.
export function show(shot) {
  const first = !state.shot;
  if (state.shot && state.shot.gateway.page !== shot.gateway.page && !document.querySelector('dialog')) return location.reload();
  if (first) root = stage();
  state.shot = shot; state.heard = performance.now(); state.offset = Date.parse(shot.at) - Date.now();
  charts.forecast = shot.sections.forecast;
  draw();
  announce(shot);
}
function again() { charts.load(state.shot); draw(); }

// announce tells those who listen of alerts and of how all is, and of nothing else.
function announce(shot) {
  const firing = (shot.sections.alerts?.alerts || []).filter((a) => a.state === 'firing').map((a) => a.name + ' fires: ' + a.summary);
  const bad = shot.verdict.level === 'well' ? ['All is well'] : shot.verdict.reasons.filter((r) => r.level !== 'well').map((r) => r.text);
  const all = [...new Set([...firing, ...bad])], news = state.told ? all.filter((t) => !state.told.includes(t)) : [];
  state.told = all;
  if (news.length) live.textContent = news.slice(0, 5).join('. ');
}

async function toggle(e) {
  if (!e.target.open) return;
  try { state.config = await ask('config'); } catch (err) { state.config = { failed: err.message }; }
  draw();
}
async function leave() {
  await ask('session', 'DELETE').catch(() => 0);
  location.reload();
}

async function begin() {
  try { state.login = await session(); } catch { return setTimeout(begin, 2000); }
  if (state.login === 'needed') return dialogs.door(begin);
  watch((shot) => { const first = !state.shot; show(shot); if (first) charts.load(shot); }, async () => {
    draw();
    const login = await session().catch(() => state.login); // also renews the token of the page after a restart
    if (login === 'needed' && state.login !== login) location.reload();
  });
  setInterval(() => { if (state.shot && !document.hidden) { if (stale()) draw(); else charts.load(state.shot); } }, 5000);
  setInterval(() => { if (stale()) draw(); }, 1000);
}
begin();
