// Numbers, times and names in words. Every number has a unit.

const none = '–';
export const known = (v) => typeof v === 'number' && Number.isFinite(v);

// number has three digits that count.
export function number(v) {
  if (!known(v)) return none;
  const size = Math.abs(v);
  if (size >= 1e9) return number(v / 1e9) + ' G';
  if (size >= 1e6) return number(v / 1e6) + ' M';
  if (size >= 1e4) return number(v / 1e3) + ' k';
  if (size >= 100 || Number.isInteger(v)) return String(Math.round(v));
  return size >= 10 ? v.toFixed(1) : size >= 0.01 || v === 0 ? v.toFixed(2) : v.toPrecision(1);
}
export const rate = (v) => (known(v) ? number(v) + '/s' : none);
export const percent = (v) => (known(v) ? (v > 0 && v < 0.0995 ? (100 * v).toFixed(1) : (100 * v).toFixed(v >= 0.9995 || v === 0 ? 0 : 1)) + ' %' : none);

// lasted is a number of seconds.
export function lasted(s) {
  if (!known(s)) return none;
  if (s < 0.9995) return (s < 0.01 ? (1e3 * s).toFixed(1) : Math.round(1e3 * s)) + ' ms';
  if (s < 60) return (s < 9.995 ? s.toFixed(2) : s.toFixed(1)) + ' s';
  return span(s);
}
// span is a longer time, of which seconds do not matter much.
export function span(s) {
  s = Math.max(0, Math.round(s));
  if (s < 60) return s + ' s';
  if (s < 3600) return Math.floor(s / 60) + ' min' + (s < 600 && s % 60 ? ' ' + (s % 60) + ' s' : '');
  if (s < 86400) return Math.floor(s / 3600) + ' h' + (s % 3600 >= 60 ? ' ' + Math.floor((s % 3600) / 60) + ' min' : '');
  return Math.floor(s / 86400) + ' d' + (s % 86400 >= 3600 ? ' ' + Math.floor((s % 86400) / 3600) + ' h' : '');
}
const stamp = (t) => (typeof t === 'number' ? t : Date.parse(t));
export const since = (t, now) => (now - stamp(t)) / 1e3;
export function ago(t, now) {
  if (!t) return none;
  const s = since(t, now);
  return s < 1.5 ? 'now' : span(s) + ' ago';
}
const two = (n) => String(n).padStart(2, '0');
export function clock(t, seconds) {
  const d = new Date(stamp(t));
  return two(d.getHours()) + ':' + two(d.getMinutes()) + (seconds ? ':' + two(d.getSeconds()) : '');
}
const today = (t, now) => new Date(stamp(t)).toDateString() === new Date(now).toDateString();
export const when = (t, now) => (today(t, now) ? '' : new Date(stamp(t)).toLocaleDateString('en-GB', { day: 'numeric', month: 'short' }) + ' ') + clock(t);

// plain is a text that a client chose: no control signs, no signs that turn the direction of what follows, and not too long.
export function plain(text, most = 64) {
  const all = String(text ?? '').replace(/[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g, (c) => '\\u' + c.charCodeAt(0).toString(16).padStart(4, '0'));
  const signs = Array.from(all.slice(0, 4 * most + 4));
  return signs.length > most ? signs.slice(0, most - 1).join('') + '…' : all;
}
export const count = (n, noun, many = noun + 's') => number(n) + ' ' + (n === 1 ? noun : many);
