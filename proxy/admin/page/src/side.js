// What happened, what alerts, what was found, and what would be better.

import { html, mark, nothing, name, panel, empty, fill } from './parts.js';
import { clock, count, known, lasted, number, percent, since, span, when } from './format.js';

const tones = { info: 'rest', warning: 'watch', critical: 'bad', page: 'bad', ticket: 'watch' };
const states = { firing: 'fires', pending: 'pending', no_data: 'no data', inactive: 'over', resolved: 'over' };
const place = (p) => [p.upstream, p.endpoint, p.model, p.user && 'user ' + p.user, p.phase].filter(Boolean).join(' / ');
const off = (key, what) => html`<p class="empty">Off. ${what} <code>${key}</code> in the configuration switches it on.</p>`;

export const events = (shot) => panel('events', 'Events', 'as they happen', html`${shot.events.length ? nothing : empty('Nothing has happened yet.')}<ol class="events" tabindex=${shot.events.length ? 0 : -1} aria-label="Events, the newest first"></ol>`);

// happened fills the list of events, once it is there.
export function happened(shot) {
  fill(document.querySelector('.events'), shot.events.slice(-40).reverse(), 'li', (e) => e.id, (li, e) => { li.className = tones[e.severity]; }, (e) => html`<time datetime=${e.at} title=${e.at}>${clock(e.at, true)}</time>${mark(tones[e.severity])}<span>${e.endpoint || e.upstream ? html`<b>${name([e.upstream, e.endpoint].filter(Boolean).join(' / '), 60)}</b> ` : nothing}${e.message}
    ${e.cause || e.action ? html`<small>${name([e.cause, e.action].filter(Boolean).join('; '), 200)}</small>` : nothing}</span>`);
}

export function alerts(shot, now, silence, unsilence) {
  const s = shot.sections, a = s.alerts, list = (a?.alerts || []).filter((a) => a.state !== 'inactive');
  const firing = list.filter((a) => a.state === 'firing').length;
  const receivers = (a?.receivers || []).filter((r) => r.failing_since || r.waiting);
  return panel('alerts', 'Alerts', a ? (firing ? count(firing, 'alert') + ' firing' : 'none fires') : 'off', !a ? off('alerts', 'Rules tell when something is wrong:') : html`
    ${list.length ? html`<ul class="cards">${list.map((a) => html`<li class=${a.state === 'firing' ? tones[a.severity] || 'watch' : 'rest'}>
      <p>${mark(a.state === 'firing' ? tones[a.severity] || 'watch' : 'rest')}<b>${name(a.name, 60)}</b> <span class="tag">${a.severity}</span> <span class="tag">${states[a.state] || a.state}${a.flapping ? ', flapping' : ''}</span> <span class="quiet">${place(a)} ${a.since ? span(since(a.since, now)) : ''}</span></p>
      <p>${name(a.summary, 240)}</p>${a.remedy ? html`<p class="quiet">${name(a.remedy, 240)}</p>` : nothing}
      ${a.silenced_by?.length ? html`<p class="quiet">silenced</p>` : a.inhibited_by?.length ? html`<p class="quiet">told by another alert</p>` : s.silences && a.state === 'firing' ? html`<button @click=${() => silence(a)} aria-label=${'Silence ' + a.name}>Silence</button>` : nothing}</li>`)}</ul>` : empty('No alert fires or is about to.')}
    ${(s.silences?.silences || []).length ? html`<h3>Silences</h3><ul class="cards">${s.silences.silences.map((q) => html`<li><p>${(q.matchers || []).map((m) => html`<code>${m.name}${m.regex ? '=~' : '='}${name(m.value, 60)}</code> `)}<span class="quiet">until ${when(q.ends_at, now)}, ${name(q.author, 40)}: ${name(q.comment, 120)}</span></p><button @click=${() => unsilence(q.id)} aria-label="End this silence">End</button></li>`)}</ul>` : nothing}
    ${receivers.map((r) => html`<p class=${r.failing_since ? 'failing' : 'quiet'}>${r.failing_since ? mark('watch') : nothing} Receiver ${name(r.name, 40)}: ${r.failing_since ? html`fails since ${when(r.failing_since, now)}: ${name(r.last_error, 120)}` : count(r.waiting, 'message') + ' waiting'}</p>`)}`);
}

export function findings(shot, now) {
  const s = shot.sections, f = s.faults, list = [...(f?.faults || []).filter((f) => !f.until).reverse(), ...(f?.trends || [])].slice(0, 12);
  return panel('faults', 'Faults and trends', f ? (list.length ? count(list.length, 'finding') : 'none') : 'off', !f ? off('anomalies', 'Endpoints are compared with their peers and their past:') : list.length ? html`<ul class="cards">${list.map((f) => html`<li class="watch">
    <p>${mark('watch')}<b>${name(f.text || f.kind, 240)}</b>${f.shadow ? html` <span class="tag">only watched</span>` : nothing}</p>
    <p class="quiet">${place(f.place || f)} ${f.since ? 'since ' + when(f.since, now) : ''}${known(f.ratio) ? ', ' + number(f.ratio) + ' times the usual' : ''}${known(f.share) ? ', ' + percent(f.share) + ' of the excess' : ''}</p>
    ${f.what_to_do ? html`<p>${name(f.what_to_do, 240)}</p>` : nothing}</li>`)}</ul>` : empty('Nothing is out of the usual.'));
}

export function advice(shot, now, apply) {
  const s = shot.sections, list = s.advice?.advice || [], given = list.filter((a) => a.status === 'advised'), open = list.filter((a) => a.status === 'not_enough_data').length;
  return panel('advice', 'Recommendations', s.advice ? (given.length ? count(given.length, 'recommendation') : 'none') : 'off', !s.advice ? off('optimise', 'What would make response times shorter is found from the requests themselves:') : html`
    ${given.length ? html`<ul class="cards">${given.map((a) => html`<li><p><b>${name(a.text, 300)}</b></p>
      <p class="quiet">${place(a)}${a.n ? ', from ' + count(a.n, 'request') : ''}${a.effect?.r_ratio ? html`, R ${a.effect.r_ratio < 1 ? 'falls' : 'rises'} to ${percent(a.effect.r_ratio)} of now, ${a.effect.by === 'replay' ? 'by replay' : 'estimated'}` : nothing}${a.expires_at ? ', holds until ' + when(a.expires_at, now) : ''}</p>
      ${a.diff ? html`<details><summary>The change to the configuration</summary><pre tabindex="0">${a.diff}</pre></details><button @click=${() => apply(a)}>Apply</button>` : nothing}</li>`)}</ul>` : empty('Nothing to change.')}
    ${open ? html`<p class="quiet">${count(open, 'question')} not answered yet: there is not enough data.</p>` : nothing}`);
}

const usageTable = (title, by) => html`<table role="table" class="usage"><caption>${title}</caption><thead role="rowgroup"><tr role="row"><th role="columnheader" scope="col">${title === 'By user' ? 'User' : 'Model'}</th>${['Requests', 'Failed', 'Left', 'Tokens in', 'Tokens out', 'R p50', 'R p95'].map((h) => html`<th role="columnheader" scope="col" class="n">${h}</th>`)}</tr></thead>
  <tbody role="rowgroup">${by.rows.slice(0, 10).map((r) => html`<tr role="row"><th role="rowheader" scope="row">${name(r.name || r.key || 'unknown', 48)}</th>${[['requests', number(r.requests)], ['failed', number(r.errors)], ['left', number(r.aborts)], ['tokens in', number(r.prompt_tokens)], ['tokens out', number(r.completion_tokens)], ['R p50', lasted(r.response_p50_s)], ['R p95', lasted(r.response_p95_s)]].map(([l, v]) => html`<td role="cell" class="n" data-label=${l}>${v}</td>`)}</tr>`)}</tbody></table>`;

export function usage(shot) {
  const u = shot.sections.usage, parts = [['By user', u?.user], ['By model', u?.model]].filter(([, p]) => p?.rows?.length);
  return panel('usage', 'Who asks', u ? 'the most requests first' : 'off', !u ? off('usage', 'Requests are counted by user and model, never their prompts:') : parts.length ? html`<div class="pair">${parts.map(([t, p]) => usageTable(t, p))}</div>` : empty('Nobody has asked yet.'));
}

export function forecast(shot, now) {
  const list = (shot.sections.forecast?.upstreams || []).filter((f) => f.series === 'arrivals');
  return panel('forecast', 'Forecast', shot.sections.forecast ? 'of arrivals' : 'off', !shot.sections.forecast ? off('forecast', 'Traffic is foreseen from its past weeks:') : list.length ? html`<ul class="cards">${list.map((f) => {
    const next = (f.points || []).filter((p) => Date.parse(p.at) > now), hour = next.find((p) => Date.parse(p.at) > now + 3.3e6) || next.at(-1);
    return html`<li><p><b>${name(f.upstream, 40)}</b> ${hour ? html`in ${span(since(now, Date.parse(hour.at)))}: ${number(hour.p50)} requests/s, likely ${number(hour.p05)} to ${number(hour.p95)}/s` : 'needs some minutes of traffic'}</p>
      <p class="quiet">by ${String(f.method || '').replaceAll('_', ' ')}${f.enough_history === false ? ', until it has seen more' : ''}${known(f.mase) && f.mase > 0 ? ', error ' + number(f.mase) + ' times that of the season before' : ''}${(f.peaks || []).length ? html`. Peaks: ${name(f.peaks.join('; '), 200)}` : nothing}</p></li>`;
  })}</ul>` : empty('Nothing yet: a forecast needs some traffic.'));
}

export const config = (state, toggle) => html`<section class="panel" id="config" aria-labelledby="config-h"><details @toggle=${toggle}><summary><h2 id="config-h">Configuration in force<span class="note">secrets are hidden</span></h2></summary>
  ${state.failed ? html`<p class="failing">${state.failed}</p>` : state.yaml ? html`<pre tabindex="0" role="region" aria-label="The configuration">${state.yaml}</pre>` : nothing}</details></section>`;
