// Keys of the Security team's lists, and who looks at what. Enhancement only: each thing has a link or a button.
// Single keys act outside fields and without Ctrl, Alt or Meta; the box under `?` switches them off (WCAG 2.1.4).
const OFF = 'keydesk-keys-off';
const POLL_S = 20;
const desk = document.querySelector('[data-desk]');
const status = document.getElementById('kd-status');
const announce = (text) => { if (text && status) status.textContent = text; };

const lines = () => [...desk.querySelectorAll('.kd-lines__name')];
const line = () => document.activeElement?.closest('[data-line]');
const inLine = (selector) => line()?.querySelector(selector);
function step(distance) {
  const all = lines();
  const at = all.findIndex((name) => name.closest('[data-line]') === line());
  all[Math.max(0, Math.min(all.length - 1, at < 0 ? 0 : at + distance))]?.focus();
}
function openWith(decision) {
  const name = inLine('.kd-lines__name');
  if (!name) return;
  const address = new URL(name.href);
  address.searchParams.set('choose', decision);
  location.assign(address);
}
function choose(decision) {
  const radio = desk.querySelector(`input[name=decision][value=${decision}]`);
  if (!radio) return;
  radio.checked = true;
  radio.focus();
}
const follow = (key) => desk.querySelector(`a[aria-keyshortcuts="${key}"]`)?.click();
function tick(number) {
  const box = desk.querySelectorAll('input[name=scopes]')[number - 1];
  if (!box) return;
  box.checked = !box.checked;
  box.focus();
}

const KEYS = {
  queue: {
    j: () => step(1),
    k: () => step(-1),
    x: () => inLine('.kd-tick')?.click(),
    t: () => inLine('[data-take]')?.click(),
    a: () => openWith('approve'),
    r: () => openWith('reject'),
    n: () => follow('n'),
    p: () => follow('p'),
  },
  review: {
    j: () => follow('j'),
    k: () => follow('k'),
    t: () => desk.querySelector('[data-take]')?.click(),
    a: () => choose('approve'),
    q: () => choose('changes'),
    r: () => choose('reject'),
    m: () => desk.querySelector('textarea[name=message]')?.focus(),
    ...Object.fromEntries([...'123456789'].map((number) => [number, () => tick(number)])),
  },
};

function isOff() {
  try {
    return localStorage.getItem(OFF) !== null;
  } catch {
    return false;
  }
}

function help() {
  const dialog = document.getElementById('kd-keyhelp');
  const box = document.getElementById('kd-keyhelp-on');
  if (!dialog || dialog.open) return;
  const hints = desk.querySelectorAll(':not(dialog) > .kd-hints > li');
  dialog.querySelector('.kd-hints').replaceChildren(...[...hints].map((hint) => hint.cloneNode(true)));
  box.checked = !isOff();
  dialog.showModal();
}
document.getElementById('kd-keyhelp-on')?.addEventListener('change', ({ target }) => {
  try {
    if (target.checked) localStorage.removeItem(OFF);
    else localStorage.setItem(OFF, '1');
  } catch { /* a browser that keeps nothing keeps the keys on */ }
});

// A dialog that was closed just now may have the focus still.
const TYPING = 'input:not([type=checkbox], [type=radio]), textarea, select, dialog[open], [contenteditable]';
document.addEventListener('keydown', (event) => {
  if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
    const form = event.target.form ?? event.target.closest('form');
    if (!form?.querySelector('[name=decision]')) return;
    event.preventDefault(); // Enter on a radio button would send the form once more
    form.requestSubmit();
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest(TYPING)) return;
  if (event.key === '?') {
    event.preventDefault();
    help();
    return;
  }
  const act = isOff() ? undefined : KEYS[desk.dataset.desk][event.key];
  if (!act) return;
  event.preventDefault();
  act();
});

// A list comes back at the line that was acted on.
document.querySelector(`.kd-lines__name[id="${CSS.escape(location.hash.slice(1))}"]`)?.focus();

// A page in sight says that its reader looks at it, and hears who else does.
async function look() {
  const address = desk.dataset.looking;
  if (document.hidden || !address) return;
  try {
    const answer = await fetch(address, { redirect: 'error' });
    if (!answer.ok) return;
    if (desk.dataset.desk === 'queue') show(await answer.json());
    else strip(await answer.text());
  } catch { /* the network was away for a moment, or the session has ended */ }
}

function show(told) {
  for (const row of desk.querySelectorAll('[data-line]')) {
    const place = row.querySelector('[data-looks]');
    place.textContent = told[row.dataset.line] ?? '';
    place.hidden = !place.textContent;
  }
}

function strip(html) {
  const place = document.getElementById('kd-looking');
  const fresh = new DOMParser().parseFromString(html, 'text/html').body;
  if (place.textContent.trim() === fresh.textContent.trim()) return;
  place.replaceChildren(...fresh.childNodes);
  announce(place.textContent.trim());
}

setInterval(look, POLL_S * 1000);
document.addEventListener('visibilitychange', look);
if (desk.dataset.desk === 'review') look();
