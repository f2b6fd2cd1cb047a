// Asking before something is changed, and logging in.

import { html, nothing, name, stage } from './parts.js';
import { render } from './npm/lit-html/lit-html.js';
import { ask, login } from './net.js';

// form draws a form into a box by view, which is given what failed and whether it is busy, and sends it.
function form(box, view, send) {
  let failed = '', busy = false;
  const draw = () => render(html`<form novalidate @submit=${submit} aria-labelledby="ask-h">${view(html`<p class="failing" role="alert">${failed || nothing}</p>`, busy)}</form>`, box);
  async function submit(e) {
    e.preventDefault();
    if (busy) return;
    busy = true; failed = ''; draw();
    try { await send(new FormData(e.target)); } catch (err) { failed = err.message; busy = false; draw(); }
  }
  draw();
  box.querySelector('input, select')?.focus();
}

// confirm opens a dialog with a form, and closes it when what it asked for is done.
function confirm(title, body, verb, send) {
  const box = document.createElement('dialog'), before = document.activeElement;
  box.addEventListener('close', () => { box.remove(); before?.focus?.(); });
  document.body.append(box);
  box.showModal();
  form(box, (failing, busy) => html`<h2 id="ask-h">${title}</h2>${body}${failing}
    <p class="acts"><button type="button" class="plain" @click=${() => box.close()}>Cancel</button><button class="main" ?disabled=${busy}>${verb}</button></p>`, (data) => send(data).then(() => box.close()));
}

const field = (label, key, hint = '') => html`<label>${label}<input name=${key} maxlength="256" placeholder=${hint} autocomplete="off"></label>`;

export function drain(upstream, endpoint, on) {
  confirm(html`${on ? 'Drain' : 'Undrain'} ${name(endpoint, 40)}?`, html`<p>${on ? 'It gets no new requests; those under way go on to their end. No request is lost.' : 'It gets requests again, its share at once.'}</p>${field('Reason', 'reason', 'such as: ' + (on ? 'new driver' : 'work is done'))}`, on ? 'Drain' : 'Undrain', async (form) => {
    const reason = form.get('reason').trim();
    await ask('upstreams/' + encodeURIComponent(upstream) + '/endpoints/' + encodeURIComponent(endpoint) + (on ? '/drain' : '/undrain'), 'POST', reason ? { reason } : {});
  });
}

export function silence(a) {
  const matchers = [{ name: 'alertname', value: a.name, regex: false }];
  for (const k of ['upstream', 'endpoint']) if (a[k]) matchers.push({ name: k, value: a[k], regex: false });
  confirm(html`Silence ${name(a.name, 40)}?`, html`<p>Nobody is told of it for a while: ${matchers.slice(1).map((m) => html`<code>${m.name}=${name(m.value, 60)}</code> `)}</p>
    <label>For<select name="for"><option value="1h">1 hour</option><option value="2h" selected>2 hours</option><option value="8h">8 hours</option><option value="24h">1 day</option></select></label>
    ${field('Your name', 'author')}${field('Why', 'comment')}`, 'Silence', async (form) => {
    await ask('silences', 'POST', { matchers, author: form.get('author').trim() || 'page', comment: form.get('comment').trim() || 'silenced on the page', for: form.get('for') });
  });
}
export const unsilence = (id) => ask('silences/' + encodeURIComponent(id), 'DELETE').catch(() => 0);

export function apply(a) {
  confirm('Apply this?', html`<p>${name(a.text, 400)}</p><p>It holds until the configuration is read again or steelyard is restarted: put the change into the file to keep it.</p><pre tabindex="0">${a.diff}</pre>`, 'Apply', () => ask('advice/' + encodeURIComponent(a.id) + '/apply', 'POST', {}));
}

// door is the page before the login.
export function door(entered) {
  const main = document.createElement('main');
  main.className = 'hold';
  stage().append(main);
  form(main, (failing, busy) => html`<h1 id="ask-h">steelyard</h1><p>This gateway asks for a token: what <code>admin.token_file</code> holds.</p>
    <label>Token<input type="password" name="token" autocomplete="current-password" autofocus></label>${failing}<button class="main" ?disabled=${busy}>Log in</button>`, (data) => login(data.get('token')).then(entered));
}
