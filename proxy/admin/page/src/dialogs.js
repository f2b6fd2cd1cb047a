// Asking before something is changed, and logging in.

import { html, nothing, name, stage } from './parts.js';
import { render } from './npm/lit-html/lit-html.js';
import { ask, login } from './net.js';

// confirm opens a dialog with a form, and closes it when what it asked for is done.
function confirm(title, body, verb, send) {
  const box = document.createElement('dialog'), before = document.activeElement;
  let failed = '', busy = false;
  const draw = () => render(html`<form novalidate @submit=${submit} aria-labelledby="ask-h"><h2 id="ask-h">${title}</h2>${body}
    <p class="failing" role="alert">${failed || nothing}</p><p class="acts"><button type="button" class="plain" @click=${() => box.close()}>Cancel</button><button class="main" ?disabled=${busy}>${verb}</button></p></form>`, box);
  async function submit(e) {
    e.preventDefault();
    if (busy) return;
    busy = true; failed = ''; draw();
    try { await send(new FormData(e.target)); box.close(); } catch (err) { failed = err.message; busy = false; draw(); }
  }
  box.addEventListener('close', () => { box.remove(); before?.focus?.(); });
  document.body.append(box);
  draw();
  box.showModal();
  box.querySelector('input, select')?.focus();
}

const field = (label, key, more = {}) => html`<label>${label}<input name=${key} maxlength=${more.most || 256} value=${more.value || ''} placeholder=${more.hint || ''} autocomplete="off"></label>`;

export function drain(upstream, endpoint, on) {
  confirm(html`${on ? 'Drain' : 'Undrain'} ${name(endpoint, 40)}?`, html`<p>${on ? 'It gets no new requests; those under way go on to their end. No request is lost.' : 'It gets requests again, its share at once.'}</p>${field('Reason', 'reason', { hint: on ? 'such as: new driver' : 'such as: work is done' })}`, on ? 'Drain' : 'Undrain', async (form) => {
    const reason = form.get('reason').trim();
    await ask('upstreams/' + encodeURIComponent(upstream) + '/endpoints/' + encodeURIComponent(endpoint) + (on ? '/drain' : '/undrain'), 'POST', reason ? { reason } : {});
  });
}

export function silence(a, done) {
  const matchers = [{ name: 'alertname', value: a.name, regex: false }];
  for (const k of ['upstream', 'endpoint']) if (a[k]) matchers.push({ name: k, value: a[k], regex: false });
  confirm(html`Silence ${name(a.name, 40)}?`, html`<p>Nobody is told of it for a while: ${matchers.slice(1).map((m) => html`<code>${m.name}=${name(m.value, 60)}</code> `)}</p>
    <label>For<select name="for"><option value="1h">1 hour</option><option value="2h" selected>2 hours</option><option value="8h">8 hours</option><option value="24h">1 day</option></select></label>
    ${field('Your name', 'author', { most: 60 })}${field('Why', 'comment')}`, 'Silence', async (form) => {
    await ask('silences', 'POST', { matchers, author: form.get('author').trim() || 'page', comment: form.get('comment').trim() || 'silenced on the page', for: form.get('for') });
    done();
  });
}
export const unsilence = (id, done) => ask('silences/' + encodeURIComponent(id), 'DELETE').then(done, done);

export function apply(a) {
  confirm('Apply this?', html`<p>${name(a.text, 400)}</p><p>It holds until the configuration is read again or steelyard is restarted: put the change into the file to keep it.</p><pre tabindex="0">${a.diff}</pre>`, 'Apply', () => ask('advice/' + encodeURIComponent(a.id) + '/apply', 'POST', {}));
}

// door is the page before the login.
export function door(entered) {
  let failed = '', busy = false;
  const root = stage();
  const draw = () => render(html`<main class="hold"><form novalidate @submit=${submit}><h1>steelyard</h1><p>This gateway asks for a token: what <code>admin.token_file</code> holds.</p>
    <label>Token<input type="password" name="token" autocomplete="current-password" autofocus></label><p class="failing" role="alert">${failed || nothing}</p><button class="main" ?disabled=${busy}>Log in</button></form></main>`, root);
  async function submit(e) {
    e.preventDefault();
    busy = true; failed = ''; draw();
    try { await login(new FormData(e.target).get('token')); entered(); } catch (err) { failed = err.message; busy = false; draw(); }
  }
  draw();
  root.querySelector('input').focus();
}
