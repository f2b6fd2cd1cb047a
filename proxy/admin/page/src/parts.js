// Small parts that several views share.

import { html, svg, nothing, render } from './npm/lit-html/lit-html.js';
import { plain } from './format.js';

export { html, svg, nothing };

const shapes = { good: 'M6 1.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9z', watch: 'M6 1 11 10.5H1z', bad: 'M1.8 1.8h8.4v8.4H1.8z', held: 'M6 .8 11.2 6 6 11.2.8 6z', rest: 'M6 2.2a3.8 3.8 0 1 0 0 7.6 3.8 3.8 0 0 0 0-7.6z' };
// mark is a state as a shape; the word stands beside it.
export const mark = (tone) => html`<svg class="mark ${tone}" viewBox="0 0 12 12" aria-hidden="true"><path d=${shapes[tone] || shapes.rest}></path></svg>`;

// fill keeps one child of box for each item, found again by its key, so that focus and selection stay where they are. lit-html's own
// way (repeat, 3.3.3) leaves a comment behind for each item that goes.
export function fill(box, items, tag, key, dress, view) {
  const before = box.kept || new Map(), kept = new Map(items.map((i) => [key(i), before.get(key(i)) || document.createElement(tag)]));
  for (const [k, child] of before) if (!kept.has(k)) child.remove();
  box.kept = kept;
  let at = box.firstElementChild;
  for (const item of items) {
    const child = kept.get(key(item));
    dress(child, item);
    render(view(item), child);
    if (child === at) at = at.nextElementSibling; else box.insertBefore(child, at);
  }
}

// stage is an empty place for the whole page, in place of what was there.
export function stage() {
  const next = document.createElement('div');
  next.id = 'app';
  document.getElementById('app').replaceWith(next);
  return next;
}

// bar shows a part of a whole, and a tick where it should be.
export const bar = (part, tick, tone = '') => html`<svg class="bar ${tone}" viewBox="0 0 100 5" preserveAspectRatio="none" aria-hidden="true">
  <rect class="whole" width="100" height="5" rx="1"></rect><rect class="part" width=${(100 * Math.min(1, Math.max(0, part || 0))).toFixed(1)} height="5" rx="1"></rect>
  ${tick > 0 ? svg`<rect class="tick" x=${(100 * Math.min(1, tick) - 0.6).toFixed(1)} width="1.2" height="5"></rect>` : nothing}</svg>`;

export const panel = (id, title, note, body) => html`<section class="panel" id=${id} aria-labelledby=${id + '-h'}><h2 id=${id + '-h'}>${title}<span class="note">${note}</span></h2>${body}</section>`;
export const empty = (text) => html`<p class="empty">${text}</p>`;
export const cards = (list, view, without) => (list.length ? html`<ul class="cards">${list.map((i) => view(i))}</ul>` : empty(without));
// optional is the panel of what a key of the configuration switches on: s is what it tells, absent where it is off.
export const optional = (id, title, [key, what], s, note, body) => (s ? panel(id, title, note(s), body(s)) : panel(id, title, 'off', html`<p class="empty">Off. ${what} <code>${key}</code> in the configuration switches it on.</p>`));
// thead is the heads of a table: a text, its class, and what is meant more exactly. The roles stay where a phone shows tables as cards.
export const thead = (heads) => html`<thead role="rowgroup"><tr role="row">${heads.map(([h, kind = 'n', more]) => html`<th role="columnheader" scope="col" class=${kind}>${h}${more ? html`<small>${more}</small>` : nothing}</th>`)}</tr></thead>`;
// name is what somebody else has chosen: text, cut, with what was cut as its title.
export const name = (text, most) => html`<bdi title=${plain(text, 300)}>${plain(text, most)}</bdi>`;
