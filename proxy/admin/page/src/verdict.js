// At a glance: is all well, and if not, since when, why, and what was done.

import { html, mark, nothing, name } from './parts.js';
import { ago, clock, count, lasted, number, percent, rate, since, span, when } from './format.js';

const tones = { well: 'good', watch: 'watch', trouble: 'bad' };

const row = (r, now, told) => html`<li>${told ? nothing : mark(tones[r.level])}<span>${told ? nothing : html`<b>${name(r.text, 200)}</b>`}${r.why ? html`<span class="why">${name(r.why, 200)}</span>` : nothing}
  <span class="done">${r.since ? 'since ' + when(r.since, now) + ', ' + span(since(r.since, now)) : nothing}${r.done ? html`${r.since ? '; ' : ''}done: ${name(r.done, 160)}` : nothing}</span></span></li>`;

const figure = (value, label, more) => html`<div><dt>${label}</dt><dd>${value}<small>${more}</small></dd></div>`;

export function verdict(shot, now, stale, login, leave) {
  const v = shot.verdict, t = shot.totals, tone = tones[v.level] || 'watch';
  const headline = v.level === 'well' ? 'All is well' : v.reasons[0].text;
  return html`<header class="verdict ${tone}">
  <div class="brand"><svg viewBox="0 0 32 32" aria-hidden="true"><path d="M4 9h24M11 4v5M6 9l-3 9h6zM3 18a3.2 3.2 0 0 0 6 0M23 9v7M20 16h6v7h-6z"></path></svg><b>steelyard</b>
    <span>${name(shot.gateway.name, 40)}</span><span class="quiet">up ${span(since(shot.gateway.started_at, now))}</span>
    <span class="heard" data-stale=${stale}>${stale ? html`<b>Not heard for ${span(since(shot.at, now))}: what you see is old</b>` : html`live, ${clock(shot.at, true)}`}</span>
    ${login === 'done' ? html`<button class="plain" @click=${leave}>Log out</button>` : nothing}</div>
  <div class="say"><h1>${mark(tone)}<span>${name(headline, 160)}</span></h1>
    <p class="sub">Since ${when(v.since, now)}, ${span(since(v.since, now))}. ${v.level !== 'well' && v.reasons.length > 1 ? count(v.reasons.length + v.more, 'thing') + ' to look at. ' : ''}${number(t.eligible)} of ${count(t.endpoints, 'endpoint')} in service.</p>
    ${v.reasons.length ? html`<ul class="reasons">${v.reasons.slice(0, 6).map((r, i) => row(r, now, i === 0))}${v.reasons.length + v.more > 6 ? html`<li class="quiet">and ${v.reasons.length + v.more - 6} more</li>` : nothing}</ul>` : nothing}</div>
  <dl class="figures">
    ${figure(rate(t.requests_rate), 'requests', 'of the last minute')}
    ${figure(lasted(t.response_p50_s), 'R median', 'p95 ' + lasted(t.response_p95_s))}
    ${figure(lasted(t.first_byte_p50_s), 'first byte', 'p95 ' + lasted(t.first_byte_p95_s))}
    ${figure(rate(t.tokens_rate), 'tokens', 'written')}
    ${figure(number(t.in_flight), 'in flight', number(t.waiting) + ' waiting')}
    ${figure(percent(t.error_ratio), 'failed', count(t.errors, 'request'))}
  </dl></header>`;
}

// loop is the six stations, each lit by what it did last and when.
export function loop(shot, now) {
  const lit = (s) => (s.state === 'off' ? 'off' : !s.at ? 'rest' : since(s.at, now) < 15 ? 'now' : since(s.at, now) < 900 ? 'lately' : 'rest');
  const words = { works: 'at work', acts: 'acting', idle: 'at rest', off: 'off' };
  return html`<section class="loop" aria-label="The loop: what each station does"><ol>${shot.stations.map((s) => html`<li data-lit=${lit(s)} data-state=${s.state} id=${'station-' + s.name}>
    <h2><i class="lamp" aria-hidden="true"></i><span class="name">${s.name}</span><span class="word">${words[s.state] || s.state}</span></h2>
    <p class="state">${name(s.now, 90)}</p><p class="did">${s.did ? html`${name(s.did, 110)} <time>${ago(s.at, now)}</time>` : 'nothing done yet'}</p></li>`)}</ol></section>`;
}
