// The search of the header. `/` and Ctrl-K (on a Mac, Command-K) open its dialog from wherever the reader does not type; the
// hits are those of the page of the search, which works without any of this.
const field = document.getElementById('kd-search');
const dialog = document.getElementById('kd-find');
const isTyping = ({ target }) => target.closest('input, textarea, select, [contenteditable]');

// What may be a secret is not sent while it is typed: a request by GET would leave it in logs.
const SECRET = /kd[a-z]_|eyJ|-----BEGIN|basic\s|"kty"/i;
const PAUSE_MS = 120;
const SLOW_MS = 400;

if (dialog) {
  const form = dialog.querySelector('form');
  const input = form.elements.q;
  const state = dialog.querySelector('[role=status]');
  const list = dialog.querySelector('[role=listbox]');
  let asked = new AbortController();
  let pause;

  const options = () => [...list.querySelectorAll('[role=option]')];
  const active = () => list.querySelector('[aria-selected=true]');

  const select = (option) => {
    active()?.setAttribute('aria-selected', 'false');
    option?.setAttribute('aria-selected', 'true');
    option?.scrollIntoView({ block: 'nearest' });
    if (option) input.setAttribute('aria-activedescendant', option.id);
    else input.removeAttribute('aria-activedescendant');
  };

  const show = (words, hits = []) => {
    state.textContent = words;
    list.replaceChildren(...hits);
    for (const [number, link] of [...list.querySelectorAll('a')].entries()) {
      Object.assign(link, { id: `kd-find-${number}`, role: 'option', tabIndex: -1, ariaSelected: 'false' });
    }
    for (const part of list.querySelectorAll('ul, li')) part.role = 'presentation';
    for (const group of list.querySelectorAll('section')) {
      const heading = group.querySelector('h2');
      group.role = 'group';
      group.ariaLabel = heading.textContent;
      heading.role = 'presentation';
    }
    input.ariaExpanded = String(hits.length > 0);
    select(options()[0]);
  };

  const ask = async (text) => {
    asked.abort();
    asked = new AbortController();
    const { signal } = asked;
    if (!text) return show('');
    if (SECRET.test(text)) return show(dialog.dataset.secret);
    const slow = setTimeout(() => show(dialog.dataset.slow), SLOW_MS);
    try {
      const answer = await fetch(`${form.getAttribute('action')}?q=${encodeURIComponent(text)}`, { signal });
      const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
      const hits = [...page.getElementById('kd-hits').querySelectorAll('section')];
      clearTimeout(slow);
      if (signal.aborted) return undefined;
      if (answer.status === 429) return show(page.querySelector('#kd-hits p').textContent);
      show(hits.length ? '' : dialog.dataset.none, hits);
      if (hits.length) state.textContent = `${dialog.dataset.count} ${options().length}`;
    } catch {
      if (!signal.aborted) show(dialog.dataset.failed);
    } finally {
      clearTimeout(slow);
    }
    return undefined;
  };

  const open = () => {
    if (dialog.open) return;
    dialog.showModal();
    input.value = field.value;
    input.focus();
    ask(input.value.trim());
  };

  const move = (step) => {
    const all = options();
    const next = all[(all.indexOf(active()) + step + all.length) % all.length];
    if (next) select(next);
  };

  input.addEventListener('input', () => {
    clearTimeout(pause);
    pause = setTimeout(() => ask(input.value.trim()), PAUSE_MS);
  });
  input.addEventListener('keydown', (event) => {
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      event.preventDefault();
      move(event.key === 'ArrowDown' ? 1 : -1);
    } else if (event.key === 'Enter') {
      event.preventDefault();
      if (active() && !event.ctrlKey && !event.metaKey) active().click();
      else if (input.value.trim()) form.submit();
    }
  });
  dialog.addEventListener('click', ({ target }) => { if (target === dialog) dialog.close(); });
  dialog.addEventListener('close', () => { field.value = ''; input.value = ''; show(''); });
  field.addEventListener('click', open);
  field.addEventListener('input', open);

  document.addEventListener('keydown', (event) => {
    const control = event.ctrlKey || event.metaKey;
    const asks = control ? event.key.toLowerCase() === 'k' : event.key === '/' && !event.altKey && !isTyping(event);
    if (!asks) return;
    event.preventDefault();
    open();
  });
}
