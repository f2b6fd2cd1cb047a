// The last hour as charts, each with its figures in words and as a table.

import { html, svg, nothing, name, panel } from './parts.js';
import { clock, known, lasted, number, percent, rate } from './format.js';
import { ask } from './net.js';

const hour = 3600, ahead = 900, most = 6;
const dashes = [[], [6, 3], [2, 3], [8, 3, 2, 3], [12, 4], [1, 4]];
const css = (v) => getComputedStyle(document.documentElement).getPropertyValue(v).trim();

// between is a figure of the points at a time.
function between(points, t, k) {
  const i = points.findIndex((p) => p.at >= t);
  if (i < 0 || (i === 0 && points[0].at > t)) return null;
  const b = points[i], a = points[Math.max(0, i - 1)], part = b.at > a.at ? (t - a.at) / (b.at - a.at) : 0;
  return a[k] + part * (b[k] - a[k]);
}

// plans are the four charts; a line has a series, a name and a colour.
const plans = [
  { id: 'traffic', title: 'Traffic', unit: rate, lines: (u) => [{ s: 'requests:' + u.name, label: 'requests' }, { s: 'errors:' + u.name, label: 'failed', colour: '--bad', dash: 1 }] },
  { id: 'response', title: 'Response time R', unit: lasted, lines: (u) => [{ s: 'response_p50:' + u.name, label: 'median' }, { s: 'response_p95:' + u.name, label: 'p95', colour: '--s2', dash: 1 }] },
  { id: 'queue', title: 'Queue and in flight', unit: number, lines: (u) => [{ s: 'in_flight:' + u.name, label: 'in flight' }, { s: 'queue:' + u.name, label: 'waiting', colour: '--s2', dash: 1 }] },
  { id: 'shares', title: 'Shares', unit: percent, lines: (u) => u.endpoints.slice(0, most).map((e, i) => ({ s: 'share:' + u.name + '/' + e.name, label: e.name, colour: '--s' + (i + 1), dash: i })) },
];

// Charts holds what was told of the last hour, and draws it.
export class Charts {
  at = []; values = {}; plots = {}; shown = ''; forecast = null; open = {}; from = 0; begun = 0;

  constructor(changed) {
    this.changed = changed;
    const again = () => { this.forget(); this.draw(); };
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', again);
    this.sizes = new ResizeObserver((list) => list.forEach(({ target, contentRect }) => {
      const p = this.plots[target.dataset.chart];
      if (p && contentRect.width > 50) p.setSize({ width: contentRect.width, height: 150 });
    }));
  }
  forget() { Object.values(this.plots).forEach((p) => p.destroy()); this.plots = {}; }

  // load asks for what came since the last time.
  async load(shot) {
    const u = shot.upstreams.find((u) => u.name === this.shown) || shot.upstreams[0];
    if (!u || this.loading) return;
    const lines = plans.flatMap((p) => p.lines(u).map((l) => l.s)), key = lines.join();
    if (key !== this.key) { this.forget(); this.at = []; this.values = {}; this.key = key; this.from = 0; }
    this.upstream = u; this.loading = true;
    try {
      const now = Date.parse(shot.at) / 1e3, from = Math.max(this.from, now - hour);
      const told = await ask('history?' + new URLSearchParams([...lines.map((s) => ['series', s]), ['from', from], ['to', now], ['step', 10]]));
      if (key === this.key) this.merge(told, now);
    } catch { /* an endpoint that is new has no series for some seconds */ } finally { this.loading = false; }
    this.draw();
    this.changed();
  }
  merge(told, now) {
    const first = told.at[0] ?? 0, keep = this.at.findIndex((t) => t >= now - hour), end = this.at.findIndex((t) => t >= first);
    const range = [Math.max(0, keep), end < 0 ? this.at.length : end];
    this.at = (keep < 0 ? [] : this.at.slice(...range)).concat(told.at);
    for (const s of told.series) this.values[s.name] = (keep < 0 ? [] : (this.values[s.name] || []).slice(...range)).concat(s.values);
    this.from = told.at.at(-2) ?? first; // the last step goes on
    this.begun = this.at[(this.values['in_flight:' + this.upstream.name] || []).findIndex(known)] ?? 0; // before that the gateway was not there
  }

  data(plan) {
    const lines = plan.lines(this.upstream), foretold = plan.id === 'traffic' ? this.foretold() : [], last = this.at.at(-1);
    const later = foretold.length && last ? Array.from({ length: ahead / 60 }, (_, i) => last + 60 * (i + 1)).filter((t) => t <= foretold.at(-1).at) : [];
    const at = this.at.concat(later), rows = lines.map((l) => (this.values[l.s] || this.at.map(() => null)).concat(later.map(() => null)));
    if (foretold.length) for (const k of ['p95', 'p50', 'p05']) rows.push(at.map((t) => between(foretold, t, k)));
    return { lines, rows: [at, ...rows], band: foretold.length > 0 };
  }
  foretold() {
    const f = this.forecast?.upstreams?.find((f) => f.upstream === this.upstream.name && f.series === 'arrivals');
    return (f?.points || []).map((p) => ({ ...p, at: Date.parse(p.at) / 1e3 }));
  }

  draw() {
    if (!this.upstream || !window.uPlot) return;
    for (const plan of plans) {
      const box = document.getElementById('chart-' + plan.id);
      if (!box) continue;
      const { lines, rows, band } = this.data(plan), old = this.plots[plan.id];
      if (old && old.banded === band && old.root.parentNode === box) { old.setData(rows); continue; }
      old?.destroy();
      this.plots[plan.id] = this.plot(box, plan, lines, rows, band);
      this.sizes.observe(box);
    }
  }
  plot(box, plan, lines, rows, band) {
    const ink = css('--quiet'), rule = css('--rule'), font = '11px ' + css('--text');
    const line = (l) => ({ stroke: css(l.colour || '--s1'), width: 1.6, dash: dashes[l.dash || 0], points: { show: false } });
    const future = ['p95', 'p50', 'p05'].map((k) => ({ stroke: k === 'p50' ? css('--s1') : 'transparent', width: 1.2, dash: [2, 3], points: { show: false } }));
    const n = lines.length;
    const axis = { stroke: ink, font, grid: { stroke: rule, width: 1 }, ticks: { show: false } };
    const p = new uPlot({
      width: Math.max(200, box.clientWidth), height: 150, legend: { show: false }, padding: [8, 4, 0, 0],
      cursor: { sync: { key: 'hour' }, y: false, drag: { x: false, y: false }, points: { size: 6 } },
      hooks: { setCursor: [(u) => this.read(plan, lines, u)] },
      scales: { x: { range: (u, lo, hi) => [Math.max(lo, Math.min(this.begun, hi - 600)), hi] }, y: { range: (u, lo, hi) => [0, plan.id === 'shares' ? Math.min(1, (hi || 1) * 1.15) : (hi || 1) * 1.15] } },
      axes: [{ ...axis, size: 26, space: 70, values: (u, ts) => ts.map((t) => clock(1e3 * t)) }, { ...axis, size: 56, space: 34, values: (u, vs) => vs.map((v) => (v === 0 ? '0' : plan.unit(v))) }],
      series: [{}, ...lines.map(line), ...(band ? future : [])],
      bands: band ? [{ series: [n + 1, n + 3], fill: css('--band') }] : [],
    }, rows, box);
    p.banded = band;
    return p;
  }
  // read shows the figures under the pointer, in place of those of now.
  read(plan, lines, u) {
    const out = document.getElementById('read-' + plan.id), i = u.cursor.idx;
    if (out) out.textContent = i == null || u.cursor.left < 0 ? '' : clock(1e3 * u.data[0][i], true) + '  ' + lines.map((l, k) => l.label + ' ' + plan.unit(u.data[k + 1][i])).join(', ');
  }

  summary(plan) {
    const values = (this.values[plan.lines(this.upstream)[0]?.s] || []).filter(known);
    if (!values.length) return 'nothing yet';
    if (plan.id === 'shares') return 'measured, of the last minute';
    return 'now ' + plan.unit(values.at(-1)) + '; of the hour ' + plan.unit(Math.min(...values)) + ' to ' + plan.unit(Math.max(...values));
  }
  table(plan) {
    const lines = plan.lines(this.upstream), step = 300, rows = new Map();
    this.at.forEach((t, i) => {
      const k = t - (t % step), r = rows.get(k) || lines.map(() => []);
      lines.forEach((l, j) => known(this.values[l.s]?.[i]) && r[j].push(this.values[l.s][i]));
      rows.set(k, r);
    });
    const mean = (v) => (v.length ? v.reduce((a, b) => a + b) / v.length : NaN);
    return html`<table class="small"><caption class="unseen">${plan.title}, means of five minutes</caption><thead><tr><th scope="col">from</th>${lines.map((l) => html`<th scope="col">${name(l.label, 24)}</th>`)}</tr></thead>
      <tbody>${[...rows].slice(-13).map(([t, r]) => html`<tr><th scope="row">${clock(1e3 * t)}</th>${r.map((v) => html`<td>${plan.unit(mean(v))}</td>`)}</tr>`)}</tbody></table>`;
  }
  view(shot, choose) {
    this.upstream = shot.upstreams.find((u) => u.name === this.shown) || shot.upstreams[0];
    if (!this.upstream) return nothing;
    const pick = shot.upstreams.length > 1 ? html`<label>of <select @change=${(e) => { this.shown = e.target.value; choose(); }}>${shot.upstreams.map((u) => html`<option value=${u.name}>${u.name}</option>`)}</select></label>` : name(this.upstream.name, 40);
    return panel('hour', 'The last hour', pick, html`<div class="charts">${plans.map((p) => html`<figure aria-labelledby=${'cap-' + p.id}><figcaption id=${'cap-' + p.id}><b>${p.title}</b> <span class="quiet">${this.summary(p)}</span>
      <span class="legend">${p.lines(this.upstream).map((l) => html`<span class="key"><svg viewBox="0 0 18 4" aria-hidden="true" class=${(l.colour || '--s1').slice(2)}>${svg`<line x1="0" y1="2" x2="18" y2="2" stroke-dasharray=${dashes[l.dash || 0].join(' ') || 'none'}></line>`}</svg>${name(l.label, 24)}</span>`)}
      ${p.id === 'traffic' && this.foretold().length ? html`<span class="key"><svg viewBox="0 0 18 8" aria-hidden="true" class="forecast"><rect width="18" height="8"></rect></svg>forecast, 5 to 95 %</span>` : nothing}</span>
      <output class="read" id=${'read-' + p.id}></output></figcaption>
      <div class="plot" id=${'chart-' + p.id} data-chart=${p.id} aria-hidden="true"></div>
      <details @toggle=${(e) => { this.open[p.id] = e.target.open; choose(); }}><summary>${p.title} as a table</summary>${this.open[p.id] ? this.table(p) : nothing}</details></figure>`)}</div>`);
  }
}
