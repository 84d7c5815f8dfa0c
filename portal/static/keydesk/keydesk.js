// Enhancement only: every page works without it. An external module, because the CSP forbids inline code;
// what it says to people comes translated from data attributes.
document.documentElement.classList.add('js');
document.querySelector('.govuk-error-summary')?.focus();

// Times are shown in the reader's zone, which only the browser knows: the next page reads it from this cookie.
const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
if (timeZone) {
  const secure = location.protocol === 'https:' ? '; secure' : '';
  document.cookie = `keydesk-timezone=${timeZone}; path=/; max-age=31536000; samesite=lax${secure}`;
}

// A button that is clicked twice sends once: the second answer would take the place of the first, and with it of a
// secret that is shown only there. After a while it may be sent again: the first one may have been lost on its way.
const sent = new WeakMap();
document.addEventListener('submit', (event) => {
  if (event.defaultPrevented || event.target.method !== 'post') return;
  if (event.timeStamp - (sent.get(event.target) ?? -Infinity) < 3000) event.preventDefault();
  else sent.set(event.target, event.timeStamp);
});

const status = document.getElementById('kd-status');
const announce = (text) => { if (status) status.textContent = text; };

// A button at the value shows by its icon that it copied; one with words says so. The live region tells both.
function showCopied(button) {
  const { copied } = button.dataset;
  const label = button.firstElementChild;
  const before = label.dataset.before ??= label.textContent;
  if (copied) label.textContent = copied;
  button.classList.add('is-done');
  setTimeout(() => {
    if (copied) label.textContent = before;
    button.classList.remove('is-done');
  }, 4000);
}

document.addEventListener('click', async (event) => {
  const button = event.target.closest('[data-copy]');
  if (!button) return;
  const source = document.getElementById(button.dataset.copy);
  try {
    await navigator.clipboard.writeText('value' in source ? source.value : source.textContent.trim());
    showCopied(button);
    announce(button.dataset.announce);
  } catch {
    // No clipboard (plain HTTP, or refused): select the text, so that the keyboard can copy it.
    if (source.select) source.select();
    else getSelection().selectAllChildren(source);
    announce(button.dataset.failed);
  }
});

// A menu closes when the reader leaves it: by Escape, which leads back to its name, or by a click elsewhere.
const menus = () => document.querySelectorAll('.kd-menu[open], .kd-pick[open]');
document.addEventListener('click', ({ target }) => {
  for (const menu of menus()) if (!menu.contains(target)) menu.open = false;
});
document.addEventListener('keydown', ({ key }) => {
  if (key !== 'Escape') return;
  for (const menu of menus()) {
    menu.open = false;
    menu.querySelector('summary').focus();
  }
});

// On a phone a row of tabs shows the one of this page, also when it is the last.
for (const here of document.querySelectorAll('.kd-nav__list [aria-current], .kd-subnav [aria-current]')) {
  const row = here.closest('ul');
  row.scrollLeft = here.offsetLeft + here.offsetWidth + 16 - row.clientWidth;
}

// A chart of days is one stop for the Tab key; the arrow keys go from day to day.
for (const list of document.querySelectorAll('[data-roving]')) {
  const days = () => [...list.querySelectorAll('.kd-chart__link')].filter((day) => day.offsetParent);
  days().forEach((day, place, all) => { day.tabIndex = place === all.length - 1 ? 0 : -1; });
  list.addEventListener('keydown', (event) => {
    const all = days();
    const here = all.indexOf(document.activeElement);
    const next = { ArrowLeft: here - 1, ArrowRight: here + 1, Home: 0, End: all.length - 1 }[event.key];
    if (here < 0 || !all[next]) return;
    event.preventDefault();
    all[here].tabIndex = -1;
    all[next].tabIndex = 0;
    all[next].focus();
  });
}

const KINDS = {
  ES256: { name: 'ECDSA', namedCurve: 'P-256' },
  RS256: { name: 'RSASSA-PKCS1-v1_5', modulusLength: 3072, publicExponent: new Uint8Array([1, 0, 1]), hash: 'SHA-256' },
};
const base64 = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer)));
const base64url = (buffer) => base64(buffer).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '');

// The private half goes straight into a download and never into the page or the form.
// It also signs `challenge`: the proof that whoever uploads the public half has the private one.
async function makeKey(alg, challenge) {
  const pair = await crypto.subtle.generateKey(KINDS[alg], true, ['sign', 'verify']);
  const { kty, crv, x, y, n, e } = await crypto.subtle.exportKey('jwk', pair.publicKey);
  const members = kty === 'EC' ? { crv, kty, x, y } : { e, kty, n }; // the order of RFC 7638 section 3.2
  const kid = base64url(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(JSON.stringify(members))));
  const lines = base64(await crypto.subtle.exportKey('pkcs8', pair.privateKey)).match(/.{1,64}/g).join('\n');
  const pem = `-----BEGIN PRIVATE KEY-----\n${lines}\n-----END PRIVATE KEY-----\n`;
  const how = { ...KINDS[alg], hash: 'SHA-256' };
  const proof = base64(await crypto.subtle.sign(how, pair.privateKey, new TextEncoder().encode(challenge)));
  return { jwk: { ...members, use: 'sig', alg, kid }, pem, proof };
}

function download(name, text) {
  const link = document.createElement('a');
  link.download = name;
  link.href = URL.createObjectURL(new Blob([text], { type: 'application/x-pem-file' }));
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

document.getElementById('make-key')?.addEventListener('click', async (event) => {
  const result = document.getElementById('make-result');
  const field = result.querySelector('textarea');
  if (!globalThis.crypto?.subtle) { // browsers offer it on HTTPS and localhost only
    announce(document.getElementById('make-unavailable').textContent);
    document.getElementById('make-unavailable').hidden = false;
    return;
  }
  event.target.disabled = true;
  const { elements } = event.target.form;
  const { jwk, pem, proof } = await makeKey(elements['make-alg'].value, elements.challenge.value);
  download('private.pem', pem); // the name that the samples read
  elements.proof.value = proof;
  field.value = JSON.stringify(jwk, null, 2);
  result.hidden = false;
  field.focus();
  event.target.disabled = false;
});

// A page that showed something once is asked for anew when Back brings it out of the browser's memory.
addEventListener('pageshow', (event) => {
  if (event.persisted && document.querySelector('[data-once]')) location.reload();
});

// The answer to a POST is not asked for again: Back and Reload lead to the same page without it.
if (document.querySelector('[data-posted]')) history.replaceState(null, '', location.pathname);

// Samples open in the language that was chosen last, on every page.
const LANGUAGE_OF_SAMPLES = 'keydesk-samples';
const labelOf = (radio) => radio.labels[0]?.textContent;
document.addEventListener('change', ({ target }) => {
  if (target.matches('.kd-tabs__radio')) localStorage.setItem(LANGUAGE_OF_SAMPLES, labelOf(target));
});
for (const radio of document.querySelectorAll('.kd-tabs__radio')) {
  if (labelOf(radio) === localStorage.getItem(LANGUAGE_OF_SAMPLES)) radio.checked = true;
}

// A secret or token that is typed into a search would stand in an address, which histories and logs keep: it goes to the
// page for leaks instead, as a POST.
const OURS = /kd[a-z]_[\w-]{20,}/;
document.addEventListener('submit', (event) => {
  const { leaks } = document.documentElement.dataset;
  const form = event.target;
  if (!leaks || form.getAttribute('method') !== 'get') return; // a filter may be named "method"
  const value = [...new FormData(form).values()].find((text) => OURS.test(text));
  if (!value) return;
  event.preventDefault();
  event.stopPropagation();
  const other = Object.assign(document.createElement('form'), { method: 'post', action: leaks, hidden: true });
  const fields = { value, csrfmiddlewaretoken: document.querySelector('[name=csrfmiddlewaretoken]').value };
  for (const [name, text] of Object.entries(fields)) {
    other.append(Object.assign(document.createElement('input'), { type: 'hidden', name, value: text }));
  }
  document.body.append(other);
  other.submit();
}, true);
