// What was typed and must not be lost: over a change of language, and when a form is sent after the session ended.
// Only forms that say so (data-keep) are kept: nothing with secrets, codes or keys. With the fields goes what the form
// had seen, so that somebody else's change in between is found as ever.
const LANGUAGE = 'keydesk-typed';
const SENT = 'keydesk-sent';
const LOST = 'keydesk-lost';
const HOUR = 3600000;
const { reader = '' } = document.documentElement.dataset;

const ticked = ({ type }) => type === 'checkbox' || type === 'radio';
const nameOf = (field) => (ticked(field) ? `${field.id} ${field.value}` : field.id);
const fields = () => [...document.querySelectorAll(':is(input, textarea, select)[id][name]')]
  .filter(({ form, type }) => form?.matches('[data-keep]') && type !== 'password' && type !== 'file');

function typed() {
  const values = fields().map((field) => [nameOf(field), ticked(field) ? field.checked : field.value]);
  return { page: location.pathname, reader, at: Date.now(), values: Object.fromEntries(values) };
}

function giveBack({ values }) {
  for (const field of fields()) {
    const value = values[nameOf(field)];
    if (value !== undefined) field[ticked(field) ? 'checked' : 'value'] = value;
  }
}

// A browser may allow no storage, or have no room: then a form can be lost, as without a script.
function put(storage, key, kept) {
  try {
    storage().setItem(key, JSON.stringify(kept));
  } catch { /* see above */ }
}

function take(storage, key) {
  try {
    const kept = JSON.parse(storage().getItem(key) ?? 'null');
    storage().removeItem(key);
    return kept;
  } catch {
    return null;
  }
}

const tab = () => sessionStorage;
const browser = () => localStorage;

// Another language is another page: what was typed crosses over in this tab, and is forgotten there.
document.querySelector('.kd-lang')?.closest('form').addEventListener('submit', () => {
  if (fields().length) put(tab, LANGUAGE, typed());
});
const before = take(tab, LANGUAGE);
if (before?.page === location.pathname) giveBack(before);

// A form waits in this tab while it is sent. Only when the next page says that it was lost (data-lost) does it wait on,
// for an hour and for every tab, since a mailed link opens another one. The same reader gets it back on the same page.
document.addEventListener('submit', (event) => {
  if (reader && !event.defaultPrevented && event.target.matches('form[data-keep][method=post]')) put(tab, SENT, typed());
});
const sent = take(tab, SENT);
const notice = document.querySelector('[data-lost]');
if (sent && notice) {
  put(browser, LOST, sent);
  notice.hidden = false;
}
const lost = notice ? null : take(browser, LOST);
if (lost && lost.reader === reader && lost.page === location.pathname && fields().length) {
  if (Date.now() - lost.at < HOUR) {
    giveBack(lost);
    const note = document.getElementById('kd-given-back');
    document.getElementById('kd-status').textContent = note.content.querySelector('p').textContent;
    note.replaceWith(note.content);
  }
} else if (lost && Date.now() - lost.at < HOUR) put(browser, LOST, lost);
