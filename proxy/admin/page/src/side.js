// What happened, what alerts, what was found, and what would be better.

import { html, mark, nothing, name, panel, empty, cards, optional, thead, fill } from './parts.js';
import { clock, count, known, lasted, number, percent, since, span, when } from './format.js';

const tones = { info: 'rest', warning: 'watch', critical: 'bad', page: 'bad', ticket: 'watch' };
const states = { firing: 'fires', pending: 'pending', no_data: 'no data', inactive: 'over', resolved: 'over' };
const place = (p) => [p.upstream, p.endpoint, p.model, p.user && 'user ' + p.user, p.phase].filter(Boolean).join(' / ');
export const events = (shot) => panel('events', 'Events', 'as they happen', html`${shot.events.length ? nothing : empty('Nothing has happened yet.')}<ol class="events" tabindex=${shot.events.length ? 0 : -1} aria-label="Events, the newest first"></ol>`);

// happened fills the list of events, once it is there.
export function happened(shot) {
  fill(document.querySelector('.events'), shot.events.slice(-40).reverse(), 'li', (e) => e.id, (li, e) => { li.className = tones[e.severity]; }, (e) => html`<time datetime=${e.at} title=${e.at}>${clock(e.at, true)}</time>${mark(tones[e.severity])}<span>${e.endpoint || e.upstream ? html`<b>${name([e.upstream, e.endpoint].filter(Boolean).join(' / '), 60)}</b> ` : nothing}${e.message}
    ${e.cause || e.action ? html`<small>${name([e.cause, e.action].filter(Boolean).join('; '), 200)}</small>` : nothing}</span>`);
}

export function alerts(shot, now, silence, unsilence) {
  const { alerts: told, silences } = shot.sections, list = (told?.alerts || []).filter((a) => a.state !== 'inactive');
  const firing = list.filter((a) => a.state === 'firing').length, tone = (a) => (a.state === 'firing' ? tones[a.severity] || 'watch' : 'rest');
  return optional('alerts', 'Alerts', ['alerts', 'Rules tell when something is wrong:'], told, () => (firing ? count(firing, 'alert') + ' firing' : 'none fires'), () => html`
    ${cards(list, (a) => html`<li class=${tone(a)}>
      <p>${mark(tone(a))}<b>${name(a.name, 60)}</b> <span class="tag">${a.severity}</span> <span class="tag">${states[a.state] || a.state}${a.flapping ? ', flapping' : ''}</span> <span class="quiet">${place(a)} ${a.since ? span(since(a.since, now)) : ''}</span></p>
      <p>${name(a.summary, 240)}</p>${a.remedy ? html`<p class="quiet">${name(a.remedy, 240)}</p>` : nothing}
      ${a.silenced_by?.length ? html`<p class="quiet">silenced</p>` : a.inhibited_by?.length ? html`<p class="quiet">told by another alert</p>` : silences && a.state === 'firing' ? html`<button @click=${() => silence(a)} aria-label=${'Silence ' + a.name}>Silence</button>` : nothing}</li>`, 'No alert fires or is about to.')}
    ${silences?.silences?.length ? html`<h3>Silences</h3>${cards(silences.silences, (q) => html`<li><p>${(q.matchers || []).map((m) => html`<code>${m.name}${m.regex ? '=~' : '='}${name(m.value, 60)}</code> `)}<span class="quiet">until ${when(q.ends_at, now)}, ${name(q.author, 40)}: ${name(q.comment, 120)}</span></p><button @click=${() => unsilence(q.id)} aria-label="End this silence">End</button></li>`)}` : nothing}
    ${(told.receivers || []).filter((r) => r.failing_since || r.waiting).map((r) => html`<p class=${r.failing_since ? 'failing' : 'quiet'}>${r.failing_since ? mark('watch') : nothing} Receiver ${name(r.name, 40)}: ${r.failing_since ? html`fails since ${when(r.failing_since, now)}: ${name(r.last_error, 120)}` : count(r.waiting, 'message') + ' waiting'}</p>`)}`);
}

export function findings(shot, now) {
  const f = shot.sections.faults, list = [...(f?.faults || []).filter((f) => !f.until).reverse(), ...(f?.trends || [])].slice(0, 12);
  return optional('faults', 'Faults and trends', ['anomalies', 'Endpoints are compared with their peers and their past:'], f, () => (list.length ? count(list.length, 'finding') : 'none'), () => cards(list, (f) => html`<li class="watch">
    <p>${mark('watch')}<b>${name(f.text || f.kind, 240)}</b>${f.shadow ? html` <span class="tag">only watched</span>` : nothing}</p>
    <p class="quiet">${place(f.place || f)} ${f.since ? 'since ' + when(f.since, now) : ''}${known(f.ratio) ? ', ' + number(f.ratio) + ' times the usual' : ''}${known(f.share) ? ', ' + percent(f.share) + ' of the excess' : ''}</p>
    ${f.what_to_do ? html`<p>${name(f.what_to_do, 240)}</p>` : nothing}</li>`, 'Nothing is out of the usual.'));
}

export function advice(shot, now, apply) {
  const told = shot.sections.advice, list = told?.advice || [], given = list.filter((a) => a.status === 'advised'), open = list.filter((a) => a.status === 'not_enough_data').length;
  return optional('advice', 'Recommendations', ['optimise', 'What would make response times shorter is found from the requests themselves:'], told, () => (given.length ? count(given.length, 'recommendation') : 'none'), () => html`
    ${cards(given, (a) => html`<li><p><b>${name(a.text, 300)}</b></p>
      <p class="quiet">${place(a)}${a.n ? ', from ' + count(a.n, 'request') : ''}${a.effect?.r_ratio ? html`, R ${a.effect.r_ratio < 1 ? 'falls' : 'rises'} to ${percent(a.effect.r_ratio)} of now, ${a.effect.by === 'replay' ? 'by replay' : 'estimated'}` : nothing}${a.expires_at ? ', holds until ' + when(a.expires_at, now) : ''}</p>
      ${a.diff ? html`<details><summary>The change to the configuration</summary><pre tabindex="0">${a.diff}</pre></details><button @click=${() => apply(a)}>Apply</button>` : nothing}</li>`, 'Nothing to change.')}
    ${open ? html`<p class="quiet">${count(open, 'question')} not answered yet: there is not enough data.</p>` : nothing}`);
}

// table has a name and figures in each row; on a phone each figure has its head beside it.
const table = (title, first, heads, rows) => html`<table role="table" class="usage"><caption>${title}</caption>${thead([[first, ''], ...heads.map((h) => [h])])}
  <tbody role="rowgroup">${rows.map(([key, ...figures]) => html`<tr role="row"><th role="rowheader" scope="row">${key}</th>${figures.map((v, i) => html`<td role="cell" class="n" data-label=${heads[i]}>${v}</td>`)}</tr>`)}</tbody></table>`;

const usageTable = (title, by) => table(title, title.slice(3), ['Requests', 'Failed', 'Left', 'Tokens in', 'Tokens out', 'R p50', 'R p95'], by.rows.slice(0, 10).map((r) => [name(r.name || r.key || 'unknown', 48), number(r.requests), number(r.errors), number(r.aborts), number(r.prompt_tokens), number(r.completion_tokens), lasted(r.response_p50_s), lasted(r.response_p95_s)]));

// gateways are those that share the servers, this one first; nothing where there is one alone.
export function gateways(shot) {
  const g = shot.sections.gateways;
  return g?.gateways ? panel('gateways', 'Gateways', g.reached ? count(g.count, 'gateway') + ' together' : html`<b class="failing">alone</b>: ${name(g.cause || 'the others cannot be reached', 120)}`,
    table(html`By ${name(g.by, 80)}`, 'Gateway', ['Heard', 'Under way', 'In flight', 'Waiting', 'Leads'], g.gateways.map((o) => [html`${name(o.name, 40)}${o.self ? html`<small>this one</small>` : nothing}`, o.self ? '–' : span(o.age_s) + ' ago', number(o.under_way), number(o.in_flight), number(o.waiting), o.leads.map((l) => l.lease).join(', ') || '–']))) : nothing;
}

export function usage(shot) {
  const u = shot.sections.usage, parts = [['By user', u?.user], ['By model', u?.model]].filter(([, p]) => p?.rows?.length), of = u?.user?.gateways?.length;
  return optional('usage', 'Who asks', ['usage', 'Requests are counted by user and model, never their prompts:'], u, () => 'the most requests first' + (of > 1 ? ', of ' + count(of, 'gateway') + ' together' : ''), () => (parts.length ? html`<div class="pair">${parts.map(([t, p]) => usageTable(t, p))}</div>` : empty('Nobody has asked yet.')));
}

export function forecast(shot, now) {
  const told = shot.sections.forecast;
  return optional('forecast', 'Forecast', ['forecast', 'Traffic is foreseen from its past weeks:'], told, () => 'of arrivals', () => cards((told.upstreams || []).filter((f) => f.series === 'arrivals'), (f) => {
    const next = (f.points || []).filter((p) => Date.parse(p.at) > now), hour = next.find((p) => Date.parse(p.at) > now + 3.3e6) || next.at(-1);
    return html`<li><p><b>${name(f.upstream, 40)}</b> ${hour ? html`in ${span(since(now, Date.parse(hour.at)))}: ${number(hour.p50)} requests/s, likely ${number(hour.p05)} to ${number(hour.p95)}/s` : 'needs some minutes of traffic'}</p>
      <p class="quiet">by ${String(f.method || '').replaceAll('_', ' ')}${f.enough_history === false ? ', until it has seen more' : ''}${f.mase > 0 ? ', error ' + number(f.mase) + ' times that of the season before' : ''}${f.peaks?.length ? html`. Peaks: ${name(f.peaks.join('; '), 200)}` : nothing}</p></li>`;
  }, 'Nothing yet: a forecast needs some traffic.'));
}

export const config = (state, toggle) => html`<section class="panel" id="config" aria-labelledby="config-h"><details @toggle=${toggle}><summary><h2 id="config-h">Configuration in force<span class="note">secrets are hidden</span></h2></summary>
  ${state.failed ? html`<p class="failing">${state.failed}</p>` : state.yaml ? html`<pre tabindex="0" role="region" aria-label="The configuration">${state.yaml}</pre>` : nothing}</details></section>`;
