// Upstreams and their endpoints, dense.

import { html, mark, bar, nothing, name, panel, thead, fill } from './parts.js';
import { ago, count, known, lasted, number, percent, rate, since, span } from './format.js';

const ways = { on_trial: 'on trial', ramping: 'ramping up' };

// stateOf is an endpoint's state as a word, its shape, and the reason.
export function stateOf(e) {
  const c = Object.fromEntries(e.conditions.map((c) => [c.name, c]));
  const of = (word, tone, c) => ({ word, tone, why: c?.reason || '', since: c?.since });
  if (c.arriving && !c.departing) return of('arriving', 'watch', c.arriving);
  if (c.probe_failed) return of('down', 'bad', c.probe_failed);
  if (c.ejected) return of(e.eligible ? 'ejected, used all the same' : 'ejected', 'bad', c.ejected);
  if (c.draining) return of(e.drained ? 'drained' : 'draining', 'held', c.draining);
  if (c.departing) return of('leaving', 'held', c.departing);
  if (e.unreachable) return of('unreachable', 'bad');
  if (e.cooling) return of('cooling off', 'watch');
  if (ways[e.comeback]) return { ...of(ways[e.comeback], 'watch'), why: e.comeback === 'ramping' ? 'gets ' + percent(e.ramp) + ' of its share' : 'a few requests try it' };
  if (e.standby) return of('stands by', 'rest');
  if (e.busy) return of('busy', 'watch');
  return of('up', 'good');
}

const both = (a, b) => html`${lasted(a)}<small>${lasted(b)}</small>`;
const cell = (label, body, kind = '') => html`<td role="cell" data-label=${label} class=${kind}>${body}</td>`;

function capacity(e) {
  const less = Math.abs(e.effective_capacity - e.capacity) > 0.005 * e.capacity;
  return html`${number(e.capacity)}<small>${e.capacity_auto ? 'learned' + (e.configured_capacity ? ', set ' + number(e.configured_capacity) : '') : less ? number(e.effective_capacity) + ' in force' : 'as set'}</small>`;
}

// machine is what an endpoint's machine says of itself: four figures, and how old they are.
const parts = [['CPU', 'cpu'], ['memory', 'memory'], ['GPU', 'gpu'], ['KV', 'kv_cache']];
function machine({ ratios = {}, age_seconds: age, stale }) {
  return html`<span class="parts">${parts.map(([label, key]) => html`<span class=${ratios[key] > 0.9 ? 'alarm' : ''}>${label} ${known(ratios[key]) ? Math.round(100 * ratios[key]) + ' %' : '–'}</span>`)}</span><small>${stale ? 'old: ' : ''}${span(age)} ago</small>`;
}
const watched = (u) => u.endpoints.some((e) => e.resources);

function row(u, e, now, act) {
  const s = stateOf(e), r = e.recent, held = e.conditions.some((c) => c.name === 'draining'), p = e.probe;
  const errors = known(r.error_ratio) ? percent(r.error_ratio) : '–';
  return html`<th role="rowheader" scope="row">${name(e.name, 40)}<small>${name(e.url.replace(/^https?:../, '') + (e.source ? ', by ' + e.source : ''), 60)}</small></th>
  ${cell('state', html`<span class="state">${mark(s.tone)}<span>${s.word}${s.since ? html` <span class="quiet">${span(since(s.since, now))}</span>` : nothing}<small>${s.why ? name(s.why, 90) : nothing}</small></span></span>`, 'wide')}
  ${cell('capacity', capacity(e), 'n')}
  ${cell('share', html`${percent(r.share)}<small>of ${percent(e.share)}</small>${bar(r.share, e.share)}`, 'n')}
  ${cell('in flight', html`${number(e.in_flight)}<small>${e.slots ? 'of ' + count(e.slots, 'slot') : 'no limit'}</small>${e.slots ? bar(e.in_flight / e.slots, 0, e.in_flight >= e.slots ? 'full' : '') : nothing}`, 'n')}
  ${cell('requests', rate(r.requests_rate), 'n')}
  ${cell('R', both(r.response_p50_s, r.response_p95_s), 'n')}
  ${cell('first byte', both(r.first_byte_p50_s, r.first_byte_p95_s), 'n')}
  ${cell('tokens', rate(r.tokens_rate), 'n')}
  ${cell('failed', html`${errors}<small>${r.errors ? count(r.errors, 'request') : nothing}</small>`, 'n ' + (r.error_ratio > 0.02 ? 'alarm' : ''))}
  ${watched(u) ? cell('machine', e.resources ? machine(e.resources) : '–', 'wide machine') : nothing}
  ${cell('last probe', p ? html`${p.result === 'passed' || p.result === 'busy' ? p.result : 'failed: ' + p.result}<small>${lasted(p.took_s)}, ${ago(p.at, now)}</small>` : html`none<small>not probed yet</small>`, 'n probe')}
  <td role="cell" class="do"><button @click=${() => act(u.name, e.name, !held)} aria-label=${(held ? 'Undrain ' : 'Drain ') + e.name}>${held ? 'Undrain' : 'Drain'}</button></td>`;
}

const heads = (u) => [['Endpoint', ''], ['State', 'st'], ['Capacity'], ['Share', 'n', 'of expected'], ['In flight'], ['Requests'], ['R', 'n', 'p50, p95'], ['First byte', 'n', 'p50, p95'], ['Tokens'], ['Failed'], ...(watched(u) ? [['Machine', 'machine']] : []), ['Last probe', 'n probe'], [html`<span class="unseen">Drain</span>`, 'do']];

function upstream(u) {
  const q = u.queue, r = u.recent;
  const notes = [u.policy.replaceAll('_', ' '), u.note, u.panicking && 'panic mode', u.spilled && 'spilled over', u.fallback && 'falls back to ' + u.fallback, u.holding && 'requests wait for its first endpoint', ...(u.sources || []).filter((s) => s.trouble !== 'none').map((s) => 'source ' + s.name + ' is ' + s.trouble + ' for ' + lasted(s.stale_seconds))].filter(Boolean).join(', ');
  return html`<div class="upstream"><h3><b>${name(u.name, 60)}</b><span class="note">${name(notes, 160)}</span>
    <span class="sum">${rate(r.requests_rate).replace('/s', ' requests/s')}, R ${lasted(r.response_p50_s)}, queue ${number(q.waiting)}${q.waiting ? ', oldest ' + lasted(q.oldest_seconds) : ''}</span></h3>
  <table role="table"><caption class="unseen">Endpoints of ${u.name}</caption>${thead(heads(u))}
  <tbody role="rowgroup" data-upstream=${u.name}></tbody></table></div>`;
}

export const fleet = (shot) => panel('fleet', 'Fleet', count(shot.totals.endpoints, 'endpoint') + (shot.endpoints_left_out ? '; the worst are shown, ' + shot.endpoints_left_out + ' that are better off are not' : ''),
  shot.upstreams.map(upstream));

// rows fills the tables, once they are there.
export function rows(shot, now, act) {
  for (const u of shot.upstreams) {
    const dress = (tr, e) => { tr.className = stateOf(e).tone; tr.dataset.endpoint = e.name; tr.setAttribute('role', 'row'); };
    fill(document.querySelector(`tbody[data-upstream="${CSS.escape(u.name)}"]`), u.endpoints, 'tr', (e) => e.name, dress, (e) => row(u, e, now, act));
  }
}
